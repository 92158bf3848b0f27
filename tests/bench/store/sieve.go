// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The s3zipfs authors

// Uploaded bytes, without keeping them: where they are bytes of members they
// become a window on the block, and only the rest (an archive's headers) is
// kept as it came. Both are exact, so any object can be read back.

package main

import (
	"encoding/binary"
	"hash/crc32"
	"sync"
)

// Bytes that must agree with the block to be taken for a member's.
const enough = 16

const slotBits = 21

// places finds the offset at which the block has eight bytes: a hash table
// with open addressing, of offset + 1, built when it is first needed.
var places = sync.OnceValue(func() []uint32 {
	table := make([]uint32, 1<<slotBits)
	for at := range uint32(period) {
		slot := slotOf(block[at:])
		for table[slot] != 0 {
			slot = (slot + 1) % (1 << slotBits)
		}
		table[slot] = at + 1
	}
	return table
})

func slotOf(b []byte) uint32 {
	v := binary.LittleEndian.Uint64(b) * 0x9e3779b97f4a7c15
	return uint32(v >> (64 - slotBits))
}

// place is where the block agrees with the first bytes of b.
func place(b []byte) (at int64, found bool) {
	table := places()
	for slot := slotOf(b); table[slot] != 0; slot = (slot + 1) % (1 << slotBits) {
		at = int64(table[slot] - 1)
		if string(block[at:at+enough]) == string(b[:enough]) {
			return at, true
		}
	}
	return 0, false
}

// agree is how many bytes a and b have in common from their beginning on.
func agree(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for i+8 <= n && binary.LittleEndian.Uint64(a[i:]) ==
		binary.LittleEndian.Uint64(b[i:]) {
		i += 8
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// A sieve takes the bytes of one body, piece by piece.
type sieve struct {
	seen    content
	crc     uint32
	window  run    // being lengthened; n is 0 outside of one
	literal []byte // came before what is looked at now
	rest    []byte // too short to be looked up yet
}

func (s *sieve) Write(p []byte) (int, error) {
	n := len(p)
	s.crc = crc32.Update(s.crc, crc32.IEEETable, p)
	if len(s.rest) > 0 {
		p = append(s.rest, p...)
		s.rest = nil
	}
	for len(p) > 0 {
		if s.window.n > 0 {
			at := (s.window.at + s.window.n) % period
			same := agree(p, block[at:])
			s.window.n += int64(same)
			p = p[same:]
			if same == 0 {
				s.endWindow()
			}
			continue
		}
		if len(p) < enough {
			s.rest = append([]byte(nil), p...)
			break
		}
		if at, found := place(p); found {
			s.endLiteral()
			s.window = run{at: at, n: enough}
			p = p[enough:]
			continue
		}
		s.literal = append(s.literal, p[0])
		p = p[1:]
	}
	return n, nil
}

func (s *sieve) endWindow() {
	s.seen.add(s.window)
	s.window = run{}
}

func (s *sieve) endLiteral() {
	if len(s.literal) > 0 {
		kept := append([]byte(nil), s.literal...) // without spare room
		s.seen.add(run{literal: kept, n: int64(len(kept))})
		s.literal = s.literal[:0]
	}
}

// end tells what came.
func (s *sieve) end() content {
	s.endWindow()
	s.literal = append(s.literal, s.rest...)
	s.rest = nil
	s.endLiteral()
	return s.seen
}
