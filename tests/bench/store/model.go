// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The s3zipfs authors

// How long the store takes: a time for each call, a rate of calls a second,
// and a line for bodies. A model for comparing, not a claim about any store.

package main

import (
	"flag"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const mib = 1 << 20

// times is what each call waits before its answer begins; bodies come on top.
type times struct {
	first, create, copy, copyMiB, upload     time.Duration
	complete, completePart, put, del, refuse time.Duration
}

const ms = time.Millisecond

// presets: region is a store in the same region; harsh is one at which a
// client that works call after call shows.
var presets = map[string]times{
	"none": {},
	"region": {first: 20 * ms, create: 30 * ms, copy: 60 * ms,
		copyMiB: 8 * ms, upload: 40 * ms, complete: 80 * ms,
		completePart: ms / 5, put: 40 * ms, del: 20 * ms, refuse: 20 * ms},
	"harsh": {first: 20 * ms, create: 20 * ms, copy: 300 * ms,
		upload: 20 * ms, complete: time.Second, put: 20 * ms, del: 20 * ms,
		refuse: 20 * ms},
}

// wait is how long a call of size bytes copied, or parts completed, takes.
func (t times) wait(op string, size int64, parts int) time.Duration {
	switch op {
	case "CreateMultipartUpload":
		return t.create
	case "UploadPartCopy":
		return t.copy + time.Duration(float64(size)/mib*float64(t.copyMiB))
	case "UploadPart":
		return t.upload
	case "PutObject":
		return t.put
	case "CompleteMultipartUpload":
		return t.complete + time.Duration(parts)*t.completePart
	case "DeleteObject", "DeleteObjects", "AbortMultipartUpload":
		return t.del
	}
	return t.first
}

// A line passes rate bytes a second, whoever sends them; 0 is no limit.
type line struct {
	rate float64
	mu   sync.Mutex
	free time.Time // when what is on it has passed
}

// pass waits until n bytes have passed. What was not used for more than
// 20 ms is lost.
func (l *line) pass(n int) {
	if l.rate <= 0 {
		return
	}
	now := time.Now()
	l.mu.Lock()
	if earliest := now.Add(-20 * ms); l.free.Before(earliest) {
		l.free = earliest
	}
	l.free = l.free.Add(time.Duration(float64(n) / l.rate * 1e9))
	wait := l.free.Sub(now)
	l.mu.Unlock()
	if wait > 0 {
		time.Sleep(wait)
	}
}

// A rate admits so many calls a second; 0 is no limit. A tenth of a second's
// calls may come at once.
type rate struct {
	perSecond float64
	mu        sync.Mutex
	room      float64
	at        time.Time
}

func (r *rate) admit() bool {
	if r.perSecond <= 0 {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.room = min(r.room+now.Sub(r.at).Seconds()*r.perSecond,
		max(1, r.perSecond/10))
	r.at = now
	if r.room < 1 {
		return false
	}
	r.room--
	return true
}

// A model may be switched off while a test prepares something.
type model struct {
	times         times
	writes, reads rate
	down, up      line
	off           atomic.Bool
}

// admitted: is this call below the rate?
func (m *model) admitted(writes bool) bool {
	if m.off.Load() {
		return true
	}
	if writes {
		return m.writes.admit()
	}
	return m.reads.admit()
}

func (m *model) sleep(d time.Duration) {
	if d > 0 && !m.off.Load() {
		time.Sleep(d)
	}
}

// shaped are the ends of bodies at the line.
type shaped struct {
	m *model
	l *line
	r io.Reader
	w io.Writer
}

func (s shaped) Read(p []byte) (int, error) {
	n, err := s.r.Read(p[:min(len(p), chunk)])
	if n > 0 && !s.m.off.Load() {
		s.l.pass(n)
	}
	return n, err
}

func (s shaped) Write(p []byte) (int, error) {
	if !s.m.off.Load() {
		s.l.pass(len(p))
	}
	return s.w.Write(p)
}

// modelFlags declares the options; the preset is applied by what it returns,
// after parsing: what was given by itself wins.
func modelFlags(m *model) func() error {
	preset := flag.String("model", "region",
		"times of calls: region, harsh or none")
	flag.Float64Var(&m.writes.perSecond, "writes", 3500,
		"writing calls a second; 503 SlowDown above (0: no limit)")
	flag.Float64Var(&m.reads.perSecond, "reads", 5500,
		"reading calls a second, the same")
	flag.Float64Var(&m.down.rate, "down", 75e6,
		"bytes a second to the client (0: no limit)")
	flag.Float64Var(&m.up.rate, "up", 75e6, "bytes a second from the client")
	own := map[string]func(*times) *time.Duration{
		"first":         func(t *times) *time.Duration { return &t.first },
		"create":        func(t *times) *time.Duration { return &t.create },
		"copy":          func(t *times) *time.Duration { return &t.copy },
		"copy-mib":      func(t *times) *time.Duration { return &t.copyMiB },
		"upload":        func(t *times) *time.Duration { return &t.upload },
		"complete":      func(t *times) *time.Duration { return &t.complete },
		"complete-part": func(t *times) *time.Duration { return &t.completePart },
		"put":           func(t *times) *time.Duration { return &t.put },
		"delete":        func(t *times) *time.Duration { return &t.del },
	}
	given := map[string]*time.Duration{}
	for name := range own {
		given[name] = flag.Duration(name, 0, "instead of the preset's time")
	}
	return func() error {
		t, known := presets[*preset]
		if !known {
			return fmt.Errorf("no model %q", *preset)
		}
		flag.Visit(func(f *flag.Flag) {
			if field := own[f.Name]; field != nil {
				*field(&t) = *given[f.Name]
			}
		})
		m.times = t
		return nil
	}
}
