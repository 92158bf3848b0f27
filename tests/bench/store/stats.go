// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The s3zipfs authors

// What came: sums for each operation, and a line for each request.

package main

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// sums of one operation. Times are seconds since the last reset.
type sums struct {
	Count    int64         `json:"count"`
	Status   map[int]int64 `json:"status"`
	In       int64         `json:"in"`
	Out      int64         `json:"out"`
	Copied   int64         `json:"copied"`
	MostOnce int64         `json:"most_at_once"`
	Seconds  float64       `json:"seconds"` // of all its calls, added up
	First    float64       `json:"first"`   // began
	Last     float64       `json:"last"`    // ended
	now      int64
}

type stats struct {
	mu          sync.Mutex
	Operations  map[string]*sums `json:"operations"`
	Connections int64            `json:"connections"` // opened
	MostOpen    int64            `json:"most_open"`
	open        int64
	began       time.Time
	file        *os.File
	log         *bufio.Writer
}

func newStats() *stats {
	return &stats{Operations: map[string]*sums{}, began: time.Now()}
}

func (t *stats) of(op string) *sums {
	if t.Operations[op] == nil {
		t.Operations[op] = &sums{Status: map[int]int64{}}
	}
	return t.Operations[op]
}

func (t *stats) begin(op string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	s := t.of(op)
	if s.Count == 0 && s.now == 0 {
		s.First = now.Sub(t.began).Seconds()
	}
	s.now++
	s.MostOnce = max(s.MostOnce, s.now)
	return now
}

func (t *stats) end(c *call, begin time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	s := t.of(c.op)
	s.now--
	s.Count++
	s.Status[c.status]++
	s.In += c.in
	s.Out += c.out
	s.Copied += c.copied
	s.Seconds += now.Sub(begin).Seconds()
	s.Last = now.Sub(t.began).Seconds()
	if t.log == nil {
		return
	}
	text, _ := json.Marshal(struct {
		Begin  float64 `json:"t0"`
		End    float64 `json:"t1"`
		Op     string  `json:"op"`
		Key    string  `json:"key"`
		Part   string  `json:"part,omitempty"`
		Upload string  `json:"upload,omitempty"`
		Source string  `json:"source,omitempty"`
		Range  string  `json:"range,omitempty"`
		Status int     `json:"status"`
		In     int64   `json:"in,omitempty"`
		Out    int64   `json:"out,omitempty"`
		Copied int64   `json:"copied,omitempty"`
	}{begin.Sub(t.began).Seconds(), s.Last, c.op, c.bucket + "/" + c.key,
		c.q.Get("partNumber"), c.q.Get("uploadId"),
		c.r.Header.Get("x-amz-copy-source"),
		c.r.Header.Get("Range") + c.r.Header.Get("x-amz-copy-source-range"),
		c.status, c.in, c.out, c.copied})
	t.log.Write(append(text, '\n'))
}

// connection counts those that are opened and open.
func (t *stats) connection(_ net.Conn, state http.ConnState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch state {
	case http.StateNew:
		t.Connections++
		t.open++
		t.MostOpen = max(t.MostOpen, t.open)
	case http.StateClosed, http.StateHijacked:
		t.open--
	}
}

// reset forgets all but what is under way; a line of each request goes to
// file from now on, if there is one.
func (t *stats) reset(file string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.Operations
	t.Operations, t.began = map[string]*sums{}, time.Now()
	for op, s := range old {
		if s.now > 0 {
			t.of(op).now, t.of(op).MostOnce = s.now, s.now
		}
	}
	t.Connections, t.MostOpen = 0, t.open
	if t.log != nil {
		t.log.Flush()
		t.file.Close()
		t.log, t.file = nil, nil
	}
	if file == "" {
		return nil
	}
	f, err := os.Create(file)
	if err == nil {
		t.file, t.log = f, bufio.NewWriterSize(f, 1<<20)
	}
	return err
}

// text is the sums as JSON; what was logged is in its file then.
func (t *stats) text() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.log != nil {
		t.log.Flush()
	}
	text, _ := json.MarshalIndent(t, "", " ")
	return append(text, '\n')
}
