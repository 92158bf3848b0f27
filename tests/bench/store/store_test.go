// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The s3zipfs authors

// The store's arithmetic against the plain way of doing it, and its rules
// through HTTP.

package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func held(t *testing.T, c content, first, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := c.send(&b, first, n); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCRCOfJoinedAndRepeatedBytes(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for range 300 {
		a, b := make([]byte, rnd.Intn(5000)), make([]byte, rnd.Intn(5000))
		rnd.Read(a)
		rnd.Read(b)
		whole := crc32.ChecksumIEEE(append(append([]byte{}, a...), b...))
		if got := joined(crc32.ChecksumIEEE(a), crc32.ChecksumIEEE(b), int64(len(b))); got != whole {
			t.Fatalf("%d + %d bytes: %08x, not %08x", len(a), len(b), got, whole)
		}
		times := rnd.Intn(20)
		whole = crc32.ChecksumIEEE(bytes.Repeat(b, times))
		if got := repeated(crc32.ChecksumIEEE(b), int64(len(b)), int64(times)); got != whole {
			t.Fatalf("%d bytes %d times: %08x, not %08x", len(b), times, got, whole)
		}
	}
}

func TestCRCOfAnyRangeIsThatOfItsBytes(t *testing.T) {
	rnd := rand.New(rand.NewSource(2))
	c := generated("name", 5*period+17)
	ranges := [][2]int64{{0, 0}, {0, 1}, {0, c.size}, {c.size - 1, 1}}
	for range 200 {
		first := rnd.Int63n(c.size)
		ranges = append(ranges, [2]int64{first, rnd.Int63n(c.size - first + 1)})
	}
	for _, r := range ranges {
		want := held(t, c, r[0], r[1])
		if int64(len(want)) != r[1] {
			t.Fatalf("%d bytes of %v", len(want), r)
		}
		if got := c.cut(r[0], r[1]).crc(); got != crc32.ChecksumIEEE(want) {
			t.Fatalf("%v: %08x", r, got)
		}
	}
}

func TestBytesOfOneMemberAreNotThoseOfAnother(t *testing.T) {
	if bytes.Equal(held(t, generated("a", 100), 0, 100), held(t, generated("b", 100), 0, 100)) {
		t.Fatal("equal")
	}
	c := generated("a", 3<<20)
	if bytes.Equal(held(t, c, 0, 1<<20), held(t, c, 1<<20, 1<<20)) {
		t.Fatal("a wrong offset does not show")
	}
}

// An uploaded part as an archive has them, in pieces of any size: the same
// bytes come back, and only headers are kept.
func TestSieveKeepsEveryByte(t *testing.T) {
	rnd := rand.New(rand.NewSource(3))
	for round := range 60 {
		var want []byte
		headers := 0
		for i := range rnd.Intn(12) {
			header := make([]byte, rnd.Intn(200))
			rnd.Read(header)
			headers += len(header)
			size := rnd.Int63n(1 << (4 + rnd.Intn(18)))
			member := generated(fmt.Sprint(round, i), size)
			from := rnd.Int63n(size + 1)
			want = append(append(want, header...), held(t, member, from, size-from)...)
		}
		var s sieve
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 1+rnd.Intn(300000))
			s.Write(rest[:n])
			rest = rest[n:]
		}
		got := s.end()
		if got.size != int64(len(want)) || !bytes.Equal(held(t, got, 0, got.size), want) {
			t.Fatalf("round %d: other bytes", round)
		}
		if s.crc != crc32.ChecksumIEEE(want) || got.crc() != s.crc {
			t.Fatalf("round %d: another CRC", round)
		}
		kept := 0
		for _, r := range got.runs {
			kept += len(r.literal)
		}
		if kept > headers+24*enough {
			t.Fatalf("round %d: %d bytes kept of %d that are no member's", round, kept, headers)
		}
	}
}

// --- through HTTP -----------------------------------------------------------

type client struct {
	t   *testing.T
	v   *server
	url string
}

func start(t *testing.T, members ...string) client {
	v := &server{store: newStore(), stats: newStats()}
	file := filepath.Join(t.TempDir(), "sizes")
	os.WriteFile(file, []byte(strings.Join(members, "")), 0o644)
	if err := v.load("b/m/", file); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(v)
	t.Cleanup(s.Close)
	return client{t, v, s.URL}
}

// do sends a request; headers are pairs. It returns status, headers, body.
func (c client) do(method, path, body string, headers ...string) (int, http.Header, string) {
	c.t.Helper()
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer a.Body.Close()
	text, _ := io.ReadAll(a.Body)
	return a.StatusCode, a.Header, string(text)
}

func (c client) want(status int, code, method, path, body string, headers ...string) string {
	c.t.Helper()
	got, _, text := c.do(method, path, body, headers...)
	if got != status || !strings.Contains(text, code) {
		c.t.Fatalf("%s %s: %d, not %d %s: %s", method, path, got, status, code, text)
	}
	return text
}

func element(text, name string) string {
	_, rest, _ := strings.Cut(text, "<"+name+">")
	value, _, _ := strings.Cut(rest, "</"+name+">")
	return value
}

func (c client) create(key string) string {
	text := c.want(200, "UploadId", "POST", "/b/"+key+"?uploads", "",
		"x-amz-checksum-algorithm", "CRC32", "x-amz-checksum-type", "FULL_OBJECT")
	return "/b/" + key + "?uploadId=" + element(text, "UploadId")
}

// copy copies a part; it returns its line in Complete's list.
func (c client) copy(up string, number int, source, span string) string {
	c.t.Helper()
	headers := []string{"x-amz-copy-source", source}
	if span != "" {
		headers = append(headers, "x-amz-copy-source-range", span)
	}
	text := c.want(200, "ChecksumCRC32", "PUT", fmt.Sprintf("%s&partNumber=%d", up, number),
		"", headers...)
	return fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag>"+
		"<ChecksumCRC32>%s</ChecksumCRC32></Part>", number, element(text, "ETag"),
		element(text, "ChecksumCRC32"))
}

func (c client) upload(up string, number int, body string) string {
	c.t.Helper()
	crc := crcText(crc32.ChecksumIEEE([]byte(body)))
	status, h, text := c.do("PUT", fmt.Sprintf("%s&partNumber=%d", up, number), body,
		"x-amz-checksum-crc32", crc)
	if status != 200 {
		c.t.Fatal(status, text)
	}
	return fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag>"+
		"<ChecksumCRC32>%s</ChecksumCRC32></Part>", number, escaped(h.Get("ETag")), crc)
}

func list(parts ...string) string {
	return "<CompleteMultipartUpload>" + strings.Join(parts, "") + "</CompleteMultipartUpload>"
}

func TestPagesOfAListingHaveEachKeyOnce(t *testing.T) {
	var members []string
	for i := range 2345 {
		members = append(members, fmt.Sprintf("%d\td%d/%04d a+b&.bin\n", i, i%3, i))
	}
	c := start(t, members...)
	c.want(200, "", "PUT", "/b/m/d1/0000%20first", "x")
	c.want(200, "", "PUT", "/b/other", "x")
	c.want(204, "", "DELETE", "/b/m/d0/0003%20a+b&.bin", "")
	seen, pages, token := []string{}, 0, ""
	for {
		text := c.want(200, "<EncodingType>url", "GET",
			"/b?list-type=2&encoding-type=url&prefix=m/"+token, "")
		var page struct {
			Contents              []struct{ Key string }
			NextContinuationToken string
			IsTruncated           bool
		}
		if err := xml.Unmarshal([]byte(text), &page); err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			seen = append(seen, o.Key)
		}
		pages++
		if !page.IsTruncated {
			break
		}
		token = "&continuation-token=" + page.NextContinuationToken
	}
	if len(seen) != 2345 || pages != 3 {
		t.Fatalf("%d keys on %d pages", len(seen), pages)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i-1] >= seen[i] {
			t.Fatalf("%s before %s", seen[i-1], seen[i])
		}
	}
	if !strings.Contains(seen[0], "m/d0/0000+a%2Bb%26.bin") {
		t.Fatal(seen[0])
	}
	text := c.want(200, "", "GET", "/b?list-type=2&prefix=m/&delimiter=/&max-keys=2", "")
	if strings.Count(text, "<CommonPrefixes>") != 2 || element(text, "IsTruncated") != "true" {
		t.Fatal(text)
	}
	text = c.want(200, "m/d2/", "GET", "/b?list-type=2&prefix=m/&delimiter=/&max-keys=2"+
		"&continuation-token="+element(text, "NextContinuationToken"), "")
	if strings.Count(text, "<CommonPrefixes>") != 1 || element(text, "IsTruncated") != "false" {
		t.Fatal(text)
	}
}

func TestUploadIsReadBackWhole(t *testing.T) {
	c := start(t, "9000000\tlarge\n", "100\tsmall\n")
	large := string(held(t, generated("m/large", 9000000), 0, 9000000))
	small := string(held(t, generated("m/small", 100), 0, 100))
	up := c.create("out")
	second := c.copy(up, 2, "/b/m/large", "bytes=1000000-8999999")
	head := "header" + strings.Repeat("!", minPart) + large[:1000000]
	first := c.upload(up, 1, head)
	third := c.upload(up, 3, small+"end")
	whole := head + large[1000000:] + small + "end"
	crc := crcText(crc32.ChecksumIEEE([]byte(whole)))
	c.want(400, "BadDigest", "POST", up, list(first, second, third), "x-amz-checksum-crc32", "AAAAAA==")
	c.want(400, "InvalidRequest", "POST", up, list(first, second, third), "x-amz-mp-object-size", "7")
	c.want(400, "InvalidPartOrder", "POST", up, list(second, first, third))
	c.want(400, "EntityTooSmall", "POST", up, list(first, third, c.upload(up, 4, "more")))
	c.want(400, "InvalidPart", "POST", up, list(first, strings.Replace(second, "<ETag>", "<ETag>x", 1)))
	c.want(200, crc, "POST", up, list(first, second, third), "x-amz-checksum-crc32", crc,
		"x-amz-mp-object-size", strconv.Itoa(len(whole)), "If-None-Match", "*")
	c.want(404, "NoSuchUpload", "POST", up, list(first))
	status, h, text := c.do("GET", "/b/out", "", "x-amz-checksum-mode", "ENABLED")
	if status != 200 || text != whole || h.Get("x-amz-checksum-crc32") != crc {
		t.Fatal(status, len(text), h)
	}
	status, h, text = c.do("GET", "/b/out", "", "Range", "bytes=4-9", "If-Match", h.Get("ETag"))
	if status != 206 || text != "er!!!!" ||
		h.Get("Content-Range") != fmt.Sprintf("bytes 4-9/%d", len(whole)) {
		t.Fatal(status, text, h)
	}
}

func TestConditions(t *testing.T) {
	c := start(t, "6000000\tlarge\n", "5242880\tfloor\n")
	c.want(200, "", "PUT", "/b/there", "x", "If-None-Match", "*")
	c.want(412, "PreconditionFailed", "PUT", "/b/there", "x", "If-None-Match", "*")
	up := c.create("there")
	part := c.copy(up, 1, "/b/m/large", "")
	c.want(412, "", "POST", up, list(part), "If-None-Match", "*")
	c.want(412, "", "POST", up, list(part), "If-Match", "\"other\"")
	c.want(412, "", "GET", "/b/m/large", "", "If-Match", "\"other\"")
	c.want(416, "InvalidRange", "GET", "/b/m/large", "", "Range", "bytes=6000000-")
	put := up + "&partNumber=2"
	c.want(412, "", "PUT", put, "", "x-amz-copy-source", "/b/m/large",
		"x-amz-copy-source-if-match", "\"other\"")
	c.want(400, "InvalidRequest", "PUT", put, "", "x-amz-copy-source", "/b/m/floor",
		"x-amz-copy-source-range", "bytes=0-5242879")
	c.want(400, "InvalidArgument", "PUT", put, "", "x-amz-copy-source", "/b/m/large",
		"x-amz-copy-source-range", "bytes=0-6000000")
	c.want(400, "BadDigest", "PUT", put, "body", "x-amz-checksum-crc32", "AAAAAA==")
	_, h, _ := c.do("HEAD", "/b/there", "")
	c.want(200, "", "POST", up, list(part), "If-Match", h.Get("ETag"))
	up = c.create("gone")
	c.want(200, up[strings.Index(up, "=")+1:], "GET", "/b?uploads&prefix=go", "")
	c.want(204, "", "DELETE", up, "")
	c.want(404, "NoSuchUpload", "GET", up, "")
	text := c.want(200, "", "POST", "/b?delete", "<Delete><Object><Key>there</Key></Object>"+
		"<Object><Key>m/large</Key></Object></Delete>")
	if strings.Count(text, "<Deleted>") != 2 {
		t.Fatal(text)
	}
	c.want(404, "NoSuchKey", "GET", "/b/m/large", "")
	c.want(404, "NoSuchKey", "GET", "/b/there", "")
}

func TestPartsAreListedInPages(t *testing.T) {
	c := start(t, "6000000\tlarge\n")
	up := c.create("out")
	for number := 1; number <= 5; number++ {
		c.copy(up, 2*number, "/b/m/large", "")
	}
	text := c.want(200, "<PartNumber>4<", "GET", up+"&max-parts=2", "")
	if strings.Count(text, "<Part>") != 2 || element(text, "IsTruncated") != "true" {
		t.Fatal(text)
	}
	text = c.want(200, "<PartNumber>10<", "GET",
		up+"&part-number-marker="+element(text, "NextPartNumberMarker"), "")
	if strings.Count(text, "<Part>") != 3 || element(text, "IsTruncated") != "false" {
		t.Fatal(text)
	}
}

func TestRateAndTimes(t *testing.T) {
	c := start(t, "10\tsmall\n")
	c.v.model.writes.perSecond = 10
	c.v.model.times = presets["region"]
	refused, begin := 0, time.Now()
	for range 5 {
		status, _, _ := c.do("POST", "/b/x?uploads", "")
		if status == 503 {
			refused++
		}
	}
	// five calls in a row, 20 to 30 ms each, at most one a tenth of a second
	if took := time.Since(begin); refused == 0 || took < 100*ms {
		t.Fatal(refused, took)
	}
	if n := c.v.stats.of("CreateMultipartUpload").Status[503]; n != int64(refused) {
		t.Fatal(n, refused)
	}
	for _, w := range []struct {
		op    string
		size  int64
		parts int
		want  time.Duration
	}{{"UploadPartCopy", 2 * mib, 0, 76 * ms}, {"CompleteMultipartUpload", 0, 100, 100 * ms},
		{"GetObject", 5, 0, 20 * ms}, {"DeleteObjects", 0, 0, 20 * ms}} {
		if got := presets["region"].wait(w.op, w.size, w.parts); got != w.want {
			t.Fatal(w, got)
		}
	}
}

func TestLinePassesItsRate(t *testing.T) {
	l := line{rate: 10e6}
	begin := time.Now()
	for range 20 {
		l.pass(100000)
	}
	// 2 MB at 10 MB/s, of which 20 ms were free
	if took := time.Since(begin); took < 170*ms {
		t.Fatal(took)
	}
}
