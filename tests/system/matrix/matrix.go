// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The s3zipfs authors

// Reads an archive with archive/zip and prints name, size and CRC-32 of
// every entry, sorted. Run: go run matrix.go FILE
package main

import (
	"archive/zip"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"os"
	"sort"
	"strings"
)

func main() {
	r, err := zip.OpenReader(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	var lines []string
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			log.Fatal(f.Name, err)
		}
		h := crc32.NewIEEE()
		n, err := io.Copy(h, in)
		if err != nil {
			log.Fatal(f.Name, err)
		}
		in.Close()
		lines = append(lines, fmt.Sprintf("%08x %d %s", h.Sum32(), n, f.Name))
	}
	sort.Strings(lines)
	fmt.Println(strings.Join(lines, "\n"))
}
