// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The s3zipfs authors

// What objects hold. All members are windows on one block of random bytes
// that repeats without end: to make them costs nothing, the CRC-32 of any
// range follows from a table, and the bytes of a member can be recognized
// in what a client uploads (sieve.go). The block's length is a prime number,
// so that a range taken from a wrong round offset differs.

package main

import (
	"hash/crc32"
	"hash/fnv"
	"io"
	"math/rand"
)

const (
	period = 1048583 // bytes until the block repeats
	chunk  = 128 << 10
	stride = 1 << 10 // of the table of CRCs
)

// block has a chunk more than one period: a slice of up to a chunk can begin
// anywhere.
var block = func() []byte {
	b := make([]byte, period, period+chunk)
	rand.New(rand.NewSource(2026)).Read(b)
	return append(b, b[:chunk]...)
}()

// heads[k] is the CRC of the block's first k * stride bytes.
var heads = func() []uint32 {
	table := make([]uint32, period/stride+1)
	for k := 1; k < len(table); k++ {
		table[k] = crc32.Update(table[k-1], crc32.IEEETable,
			block[(k-1)*stride:k*stride])
	}
	return table
}()

// headCRC is the CRC of the block's first n bytes, up to a period.
func headCRC(n int64) uint32 {
	from := n / stride * stride
	return crc32.Update(heads[n/stride], crc32.IEEETable, block[from:n])
}

// windowCRC is the CRC of n bytes that begin at offset at of the block.
func windowCRC(at, n int64) uint32 {
	first := min(n, period-at)
	crc := headCRC(at+first) ^ shifted(headCRC(at), first)
	n -= first
	crc = joined(crc, repeated(headCRC(period), period, n/period),
		n/period*period)
	return joined(crc, headCRC(n%period), n%period)
}

// A run is n bytes: those of literal, or without it a window on the block.
type run struct {
	literal []byte
	at      int64
	n       int64
}

func (r run) crc() uint32 {
	if r.literal != nil {
		return crc32.ChecksumIEEE(r.literal)
	}
	return windowCRC(r.at, r.n)
}

// cut is n bytes of a run from offset first on.
func (r run) cut(first, n int64) run {
	if r.literal != nil {
		return run{literal: r.literal[first : first+n], n: n}
	}
	return run{at: (r.at + first) % period, n: n}
}

// content is what an object or a part holds. It never changes.
type content struct {
	runs []run
	size int64
}

// add appends a run; one that goes on where the last one ends lengthens it.
func (c *content) add(r run) {
	if r.n == 0 {
		return
	}
	c.size += r.n
	if k := len(c.runs) - 1; k >= 0 && r.literal == nil {
		last := &c.runs[k]
		if last.literal == nil && (last.at+last.n)%period == r.at {
			last.n += r.n
			return
		}
	}
	c.runs = append(c.runs, r)
}

func (c *content) addAll(more content) {
	for _, r := range more.runs {
		c.add(r)
	}
}

// each calls f with the runs that make up n bytes from offset first on.
func (c content) each(first, n int64, f func(run) error) error {
	for _, r := range c.runs {
		if n == 0 {
			break
		}
		if first >= r.n {
			first -= r.n
			continue
		}
		take := min(n, r.n-first)
		if err := f(r.cut(first, take)); err != nil {
			return err
		}
		first, n = 0, n-take
	}
	return nil
}

// cut is a content of n bytes from offset first on.
func (c content) cut(first, n int64) (part content) {
	c.each(first, n, func(r run) error { part.add(r); return nil })
	return
}

func (c content) crc() (crc uint32) {
	for _, r := range c.runs {
		crc = joined(crc, r.crc(), r.n)
	}
	return
}

// send writes n bytes from offset first on, in chunks.
func (c content) send(w io.Writer, first, n int64) error {
	return c.each(first, n, func(r run) error {
		for done := int64(0); done < r.n; {
			piece := r.cut(done, min(chunk, r.n-done))
			bytes := piece.literal
			if bytes == nil {
				bytes = block[piece.at : piece.at+piece.n]
			}
			if _, err := w.Write(bytes); err != nil {
				return err
			}
			done += piece.n
		}
		return nil
	})
}

// generated is what a member holds: its name says where in the block it
// begins.
func generated(name string, size int64) (c content) {
	h := fnv.New64a()
	io.WriteString(h, name)
	c.add(run{at: int64(h.Sum64() % period), n: size})
	return
}
