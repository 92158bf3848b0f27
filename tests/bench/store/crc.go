// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The s3zipfs authors

// CRC-32 of joined and repeated bytes, from the CRCs of their pieces. A CRC
// is a polynomial over GF(2) whose coefficient of x^0 is the top bit. To
// append n bytes multiplies it by x^(8n), modulo the polynomial of IEEE 802.3.

package main

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// product multiplies two polynomials modulo the CRC's.
func product(a, b uint32) uint32 {
	var sum uint32
	for ; a != 0; a <<= 1 {
		if a>>31 != 0 {
			sum ^= b
		}
		b = b>>1 ^ -(b&1)&crc32.IEEE
	}
	return sum
}

// shifts[k] is x^(8 * 2^k).
var shifts = func() (table [63]uint32) {
	table[0] = 1 << (31 - 8)
	for k := 1; k < len(table); k++ {
		table[k] = product(table[k-1], table[k-1])
	}
	return
}()

// shifted is what a CRC becomes ahead of n more bytes.
func shifted(crc uint32, n int64) uint32 {
	for rest := uint64(n); rest != 0 && crc != 0; rest &= rest - 1 {
		crc = product(shifts[bits.TrailingZeros64(rest)], crc)
	}
	return crc
}

// joined is the CRC of a piece and the n bytes that follow it.
func joined(first, second uint32, n int64) uint32 {
	return shifted(first, n) ^ second
}

// repeated is the CRC of n bytes times times over, by doubling.
func repeated(crc uint32, n, times int64) uint32 {
	var sum uint32
	for ; times > 0; times >>= 1 {
		if times&1 != 0 {
			sum = joined(sum, crc, n)
		}
		crc, n = joined(crc, crc, n), 2*n
	}
	return sum
}

// crcText is a CRC as S3's headers and answers have it.
func crcText(crc uint32) string {
	return base64.StdEncoding.EncodeToString(
		binary.BigEndian.AppendUint32(nil, crc))
}
