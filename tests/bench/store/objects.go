// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The s3zipfs authors

// Objects and uploads. Members come from a file of sizes and names, as many
// as that has, and take no more memory than their names; all else was
// uploaded, copied or completed, and is a list of runs.

package main

import (
	"bufio"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An object never changes; a new one takes its place.
type object struct {
	content
	etag     string // with its quotes
	crc      uint32
	haveCRC  bool
	modified time.Time
	headers  http.Header // to be given back with GET and HEAD
}

type member struct {
	key  string
	size int64
}

type part struct {
	content
	etag string
	crc  uint32
}

type upload struct {
	bucket, key string
	begun       time.Time
	checked     bool // created with an algorithm
	headers     http.Header
	parts       map[int]*part
}

// A store's lock is held for its maps only, never while a body moves.
type store struct {
	mu      sync.Mutex
	members map[string][]member           // of each bucket, by key
	objects map[string]map[string]*object // nil: a member that was deleted
	uploads map[string]*upload
	serial  int64
	noCRC   bool // members have no CRC-32
}

func newStore() *store {
	return &store{members: map[string][]member{},
		objects: map[string]map[string]*object{},
		uploads: map[string]*upload{}}
}

// load makes the lines of a file (size, tab, name) the members below prefix
// in bucket, in place of those that are there.
func (s *store) load(bucket, prefix, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	var list []member
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		text, name, found := strings.Cut(lines.Text(), "\t")
		size, err := strconv.ParseInt(text, 10, 64)
		if !found || err != nil || size < 0 {
			return fmt.Errorf("%s: not a size, tab, name: %q", file,
				lines.Text())
		}
		list = append(list, member{prefix + name, size})
	}
	if err := lines.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.members[bucket] {
		if !strings.HasPrefix(m.key, prefix) {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b member) int {
		return strings.Compare(a.key, b.key)
	})
	s.members[bucket] = list
	return nil
}

func (s *store) tag() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	return fmt.Sprintf("%032x", s.serial)
}

// object makes a member's object: its ETag follows from name and size.
func (m member) object(noCRC bool) *object {
	h := fnv.New128a()
	fmt.Fprintf(h, "%d %s", m.size, m.key)
	return &object{content: generated(m.key, m.size),
		etag: fmt.Sprintf("\"%x\"", h.Sum(nil)), haveCRC: !noCRC,
		modified: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// from is the index of the first member whose key is not below key.
func from(list []member, key string) int {
	return sort.Search(len(list), func(i int) bool {
		return list[i].key >= key
	})
}

// find is nil where there is nothing.
func (s *store) find(bucket, key string) *object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.look(bucket, key)
}

// look is find with the lock held.
func (s *store) look(bucket, key string) *object {
	if o, own := s.objects[bucket][key]; own {
		return o
	}
	list := s.members[bucket]
	i := from(list, key)
	if i == len(list) || list[i].key != key {
		return nil
	}
	o := list[i].object(s.noCRC)
	if o.haveCRC {
		o.crc = o.content.crc()
	}
	return o
}

var (
	errExists  = errors.New("there is an object that should not be there")
	errMissing = errors.New("the object is not as the condition says")
)

// allowed judges the conditions of a write against what is there.
func allowed(old *object, h http.Header) error {
	if h.Get("If-None-Match") == "*" && old != nil {
		return errExists
	}
	if tag := h.Get("If-Match"); tag != "" &&
		(old == nil || !sameTag(tag, old.etag)) {
		return errMissing
	}
	return nil
}

func sameTag(a, b string) bool {
	return strings.Trim(a, "\"") == strings.Trim(b, "\"")
}

// put sets an object if the conditions hold; nil deletes. To judge and to
// change is one step: another writer comes before or after it.
func (s *store) put(bucket, key string, o *object, conditions http.Header) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := allowed(s.look(bucket, key), conditions); err != nil {
		return err
	}
	if s.objects[bucket] == nil {
		s.objects[bucket] = map[string]*object{}
	}
	list := s.members[bucket]
	i := from(list, key)
	if o == nil && (i == len(list) || list[i].key != key) {
		delete(s.objects[bucket], key)
	} else {
		s.objects[bucket][key] = o
	}
	return nil
}

// A listed object is one line of a listing.
type listed struct {
	key     string
	size    int64
	etag    string
	time    time.Time
	haveCRC bool
	common  bool // a common prefix
}

// list is at most limit lines of the keys that begin with prefix and come
// after another key, in order of bytes, and whether there are more.
func (s *store) list(bucket, prefix, delimiter, after string,
	limit int) (page []listed, more bool) {
	s.mu.Lock()
	members := s.members[bucket]
	own := make([]string, 0, 16)
	objects := map[string]*object{}
	for key, o := range s.objects[bucket] {
		if strings.HasPrefix(key, prefix) && key > after {
			own = append(own, key)
			objects[key] = o
		}
	}
	noCRC := s.noCRC
	s.mu.Unlock()
	sort.Strings(own)
	i := from(members, max(prefix, after))
	for {
		var key string
		isMember := i < len(members) && strings.HasPrefix(members[i].key, prefix)
		switch {
		case isMember && (len(own) == 0 || members[i].key <= own[0]):
			key = members[i].key
		case len(own) > 0:
			key = own[0]
			isMember = false
		default:
			return page, false
		}
		o, changed := objects[key]
		if changed {
			own = own[1:]
		}
		at := i
		if isMember {
			i++
		}
		if key <= after || changed && o == nil {
			continue
		}
		line := listed{key: key}
		if k := strings.Index(key[len(prefix):], delimiter); delimiter != "" && k >= 0 {
			line = listed{key: key[:len(prefix)+k+len(delimiter)], common: true}
			if n := len(page); strings.HasPrefix(after, line.key) ||
				n > 0 && page[n-1].key == line.key {
				continue
			}
		}
		if len(page) == limit {
			return page, true
		}
		if line.common {
			page = append(page, line)
			continue
		}
		if !changed {
			o = members[at].object(noCRC)
		}
		page = append(page, listed{key: key, size: o.size, etag: o.etag,
			time: o.modified, haveCRC: o.haveCRC})
	}
}
