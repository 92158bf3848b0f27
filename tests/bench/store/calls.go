// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The s3zipfs authors

// S3's calls: what kind a request is, and what is done and answered. Rules
// that are imitated: conditions, part sizes and order, ETags and CRC-32 of
// parts, CRC-32 and size of the whole, and that a range is copied only from
// a source of more than 5 MiB. Signatures are not looked at, and an ETag is
// no MD5.

package main

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	minPart = 5 << 20
	maxPart = 5 << 30
	maxBody = 16 << 20 // of a request in XML
	page    = 1000
)

// A call is a request that is being answered.
type call struct {
	s           *store
	m           *model
	w           http.ResponseWriter
	r           *http.Request
	q           url.Values
	op          string
	bucket, key string
	// For the log and the sums:
	status          int
	in, out, copied int64
}

// A refusal is S3's status, code and words.
type refusal struct {
	status     int
	code, text string
}

func (f refusal) Error() string { return f.code + ": " + f.text }

func refuse(status int, code, format string, args ...any) error {
	return refusal{status, code, fmt.Sprintf(format, args...)}
}

func noSuchUpload() error {
	return refuse(404, "NoSuchUpload", "there is no such upload")
}

func failed(condition error) error {
	return refuse(412, "PreconditionFailed", "%v", condition)
}

// operations of an object, then of a bucket: method, a word of the query
// ("": none of those above), name, what does it, and whether it writes.
type operation struct {
	method, word, name string
	do                 func(*call) error
	writes             bool
}

var ofObjects = []operation{
	{"GET", "attributes", "GetObjectAttributes", (*call).attributes, false},
	{"GET", "uploadId", "ListParts", (*call).listParts, false},
	{"GET", "", "GetObject", (*call).get, false},
	{"HEAD", "", "HeadObject", (*call).get, false},
	{"POST", "uploads", "CreateMultipartUpload", (*call).create, true},
	{"POST", "uploadId", "CompleteMultipartUpload", (*call).complete, true},
	{"PUT", "partNumber", "UploadPart", (*call).uploadPart, true},
	{"PUT", "", "PutObject", (*call).putObject, true},
	{"DELETE", "uploadId", "AbortMultipartUpload", (*call).abort, true},
	{"DELETE", "", "DeleteObject", (*call).remove, true},
}

var ofBuckets = []operation{
	{"GET", "uploads", "ListMultipartUploads", (*call).listUploads, false},
	{"GET", "object-lock", "GetObjectLockConfiguration", (*call).noLock, false},
	{"GET", "versions", "ListObjectVersions", nil, false},
	{"GET", "", "ListObjectsV2", (*call).listObjects, false},
	{"HEAD", "", "HeadBucket", (*call).nothing, false},
	{"POST", "delete", "DeleteObjects", (*call).removeMany, true},
}

// identify finds the operation; its name is empty for what is not known.
func (c *call) identify() (op operation) {
	c.bucket, c.key, _ = strings.Cut(strings.TrimPrefix(c.r.URL.Path, "/"), "/")
	table := ofObjects
	if c.key == "" {
		table = ofBuckets
	}
	for _, op = range table {
		if op.method == c.r.Method && (op.word == "" || c.q.Has(op.word)) {
			break
		}
		op = operation{}
	}
	if op.name == "UploadPart" && c.r.Header.Get("x-amz-copy-source") != "" {
		op.name, op.do = "UploadPartCopy", (*call).copyPart
	}
	if op.name == "PutObject" && c.r.Header.Get("x-amz-copy-source") != "" {
		op = operation{}
	}
	if op.do == nil {
		op.do, op.name = (*call).unknown, "other"
	}
	c.op = op.name
	return
}

func (c *call) unknown() error {
	return refuse(501, "NotImplemented", "%s %s", c.r.Method, c.r.URL)
}

func (c *call) noLock() error {
	return refuse(404, "ObjectLockConfigurationNotFoundError", "no lock")
}

func (c *call) nothing() error {
	c.answer(200, "")
	return nil
}

// wait is the time of this call, when its bodies have come.
func (c *call) wait(size int64, parts int) {
	c.m.sleep(c.m.times.wait(c.op, size, parts))
}

func (c *call) answer(status int, format string, args ...any) {
	c.status = status
	text := ""
	if format != "" {
		c.w.Header().Set("Content-Type", "application/xml")
		text = xml.Header + fmt.Sprintf(format, args...)
	}
	if status != 204 {
		c.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	c.w.WriteHeader(status)
	io.WriteString(c.w, text)
}

func (c *call) fail(err error) {
	f, known := err.(refusal)
	if !known {
		f = refusal{400, "InvalidRequest", err.Error()}
	}
	io.Copy(io.Discard, c.r.Body)
	c.answer(f.status, "<Error><Code>%s</Code><Message>%s</Message></Error>",
		f.code, escaped(f.text))
}

func escaped(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text))
	return b.String()
}

const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/"

// keyText is a key in an answer: encoded if that was asked for. Most keys
// need neither encoding nor escapes.
func (c *call) keyText(key string) string {
	if strings.Trim(key, plain) == "" {
		return key
	}
	if c.q.Get("encoding-type") == "url" {
		return escaped(strings.ReplaceAll(url.QueryEscape(key), "%2F", "/"))
	}
	return escaped(key)
}

func timeText(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func crcElement(have bool, crc uint32) string {
	if !have {
		return ""
	}
	return "<ChecksumCRC32>" + crcText(crc) + "</ChecksumCRC32>"
}

// kept are the headers that come back with an object.
func kept(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		if name == "Content-Type" || strings.HasPrefix(name, "X-Amz-Meta-") {
			out[name] = values
		}
	}
	return out
}

// body takes what is uploaded, and checks the sums that came with it.
func (c *call) body() (content, uint32, error) {
	var s sieve
	var w io.Writer = &s
	sum := md5.New()
	wanted := c.r.Header.Get("Content-MD5")
	if wanted != "" {
		w = io.MultiWriter(&s, sum)
	}
	_, err := io.CopyBuffer(w, struct{ io.Reader }{
		shaped{m: c.m, l: &c.m.up, r: c.r.Body}}, make([]byte, chunk))
	if err != nil {
		return content{}, 0, err
	}
	seen := s.end()
	c.in = seen.size
	if n := c.r.ContentLength; n >= 0 && seen.size != n {
		return seen, 0, refuse(400, "IncompleteBody", "%d of %d bytes", seen.size, n)
	}
	if v := c.r.Header.Get("x-amz-checksum-crc32"); v != "" && v != crcText(s.crc) {
		return seen, 0, refuse(400, "BadDigest", "CRC32 %s, not %s", crcText(s.crc), v)
	}
	if wanted != "" && wanted != base64.StdEncoding.EncodeToString(sum.Sum(nil)) {
		return seen, 0, refuse(400, "BadDigest", "another MD5")
	}
	return seen, s.crc, nil
}

// --- objects ----------------------------------------------------------------

func (c *call) object() (*object, error) {
	o := c.s.find(c.bucket, c.key)
	if o == nil {
		return nil, refuse(404, "NoSuchKey", "there is no such key")
	}
	if tag := c.r.Header.Get("If-Match"); tag != "" && !sameTag(tag, o.etag) {
		return nil, failed(errMissing)
	}
	return o, nil
}

// span reads "bytes=a-b", "bytes=a-" or "bytes=-n": first and number of
// bytes, of size.
func span(text string, size int64) (first, n int64, err error) {
	a, b, found := strings.Cut(strings.TrimPrefix(text, "bytes="), "-")
	if text == "" || !found || !strings.HasPrefix(text, "bytes=") {
		return 0, size, nil
	}
	last := size - 1
	if a == "" {
		n, err = strconv.ParseInt(b, 10, 64)
		first = max(0, size-n)
	} else {
		first, err = strconv.ParseInt(a, 10, 64)
		if b != "" && err == nil {
			last, err = strconv.ParseInt(b, 10, 64)
		}
	}
	if err != nil {
		return 0, size, nil
	}
	if first >= size || last < first {
		return 0, 0, refuse(416, "InvalidRange", "%s of %d bytes", text, size)
	}
	return first, min(last, size-1) - first + 1, nil
}

func (c *call) get() error {
	o, err := c.object()
	c.wait(0, 0)
	if err != nil {
		return err
	}
	first, n, err := span(c.r.Header.Get("Range"), o.size)
	if err != nil {
		return err
	}
	h := c.w.Header()
	for name, values := range o.headers {
		h[name] = values
	}
	h.Set("ETag", o.etag)
	h.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Length", strconv.FormatInt(n, 10))
	if c.r.Header.Get("x-amz-checksum-mode") == "ENABLED" && o.haveCRC && n == o.size {
		h.Set("x-amz-checksum-crc32", crcText(o.crc))
		h.Set("x-amz-checksum-type", "FULL_OBJECT")
	}
	c.status = 200
	if c.r.Header.Get("Range") != "" {
		c.status = 206
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, first+n-1, o.size))
	}
	c.w.WriteHeader(c.status)
	if c.r.Method == "HEAD" {
		return nil
	}
	c.out = n
	if o.send(shaped{m: c.m, l: &c.m.down, w: c.w}, first, n) != nil {
		c.out = 0 // the client has gone
	}
	return nil
}

func (c *call) attributes() error {
	o, err := c.object()
	c.wait(0, 0)
	if err != nil {
		return err
	}
	sum := ""
	if o.haveCRC {
		sum = "<Checksum>" + crcElement(true, o.crc) +
			"<ChecksumType>FULL_OBJECT</ChecksumType></Checksum>"
	}
	c.answer(200, "<GetObjectAttributesResponse><ETag>%s</ETag>%s"+
		"<ObjectSize>%d</ObjectSize></GetObjectAttributesResponse>",
		escaped(strings.Trim(o.etag, "\"")), sum, o.size)
	return nil
}

func (c *call) putObject() error {
	held, crc, err := c.body()
	c.wait(0, 0)
	if err != nil {
		return err
	}
	o := &object{content: held, etag: "\"" + c.s.tag() + "\"", crc: crc,
		haveCRC: true, modified: time.Now(), headers: kept(c.r.Header)}
	if err := c.s.put(c.bucket, c.key, o, c.r.Header); err != nil {
		return failed(err)
	}
	c.w.Header().Set("ETag", o.etag)
	c.w.Header().Set("x-amz-checksum-crc32", crcText(crc))
	c.w.Header().Set("x-amz-checksum-type", "FULL_OBJECT")
	c.answer(200, "")
	return nil
}

func (c *call) remove() error {
	c.wait(0, 0)
	if err := c.s.put(c.bucket, c.key, nil, c.r.Header); err != nil {
		return failed(err)
	}
	c.answer(204, "")
	return nil
}

func (c *call) removeMany() error {
	var list struct {
		Quiet  bool
		Object []struct{ Key, ETag string }
	}
	text, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody))
	c.wait(0, 0)
	if err != nil || xml.Unmarshal(text, &list) != nil || len(list.Object) == 0 ||
		len(list.Object) > page {
		return refuse(400, "MalformedXML", "no list of 1 to %d keys", page)
	}
	var b strings.Builder
	for _, o := range list.Object {
		h := http.Header{}
		if o.ETag != "" {
			h.Set("If-Match", o.ETag)
		}
		if err := c.s.put(c.bucket, o.Key, nil, h); err != nil {
			fmt.Fprintf(&b, "<Error><Key>%s</Key><Code>PreconditionFailed</Code>"+
				"<Message>%v</Message></Error>", escaped(o.Key), err)
		} else if !list.Quiet {
			fmt.Fprintf(&b, "<Deleted><Key>%s</Key></Deleted>", escaped(o.Key))
		}
	}
	c.answer(200, "<DeleteResult>%s</DeleteResult>", &b)
	return nil
}

// limit is how much of a page was asked for.
func (c *call) limit(word string) int {
	if n, err := strconv.Atoi(c.q.Get(word)); err == nil && n > 0 && n < page {
		return n
	}
	return page
}

func (c *call) listObjects() error {
	prefix, after := c.q.Get("prefix"), c.q.Get("start-after")
	if token := c.q.Get("continuation-token"); token != "" {
		last, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return refuse(400, "InvalidArgument", "not a continuation token")
		}
		after = string(last)
	}
	limit := c.limit("max-keys")
	lines, more := c.s.list(c.bucket, prefix, c.q.Get("delimiter"), after, limit)
	c.wait(0, 0)
	var b strings.Builder
	for _, l := range lines {
		if l.common {
			fmt.Fprintf(&b, "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>",
				c.keyText(l.key))
			continue
		}
		fmt.Fprintf(&b, "<Contents><Key>%s</Key><LastModified>%s</LastModified>"+
			"<ETag>%s</ETag>", c.keyText(l.key), timeText(l.time), escaped(l.etag))
		if l.haveCRC {
			b.WriteString("<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>" +
				"<ChecksumType>FULL_OBJECT</ChecksumType>")
		}
		fmt.Fprintf(&b, "<Size>%d</Size><StorageClass>STANDARD</StorageClass>"+
			"</Contents>", l.size)
	}
	next := ""
	if more {
		next = "<NextContinuationToken>" + base64.URLEncoding.EncodeToString(
			[]byte(lines[len(lines)-1].key)) + "</NextContinuationToken>"
	}
	c.answer(200, "<ListBucketResult><Name>%s</Name><Prefix>%s</Prefix>%s"+
		"<KeyCount>%d</KeyCount><MaxKeys>%d</MaxKeys><IsTruncated>%t</IsTruncated>"+
		"%s%s</ListBucketResult>", escaped(c.bucket), c.keyText(prefix),
		c.encodingElement(), len(lines), limit, more, next, &b)
	return nil
}

func (c *call) encodingElement() string {
	if c.q.Get("encoding-type") == "url" {
		return "<EncodingType>url</EncodingType>"
	}
	return ""
}

// --- uploads ----------------------------------------------------------------

func (c *call) create() error {
	c.wait(0, 0)
	h := c.r.Header
	up := &upload{bucket: c.bucket, key: c.key, begun: time.Now(),
		headers: kept(h), parts: map[int]*part{}}
	if algorithm := h.Get("x-amz-checksum-algorithm"); algorithm != "" {
		if algorithm != "CRC32" || h.Get("x-amz-checksum-type") != "FULL_OBJECT" {
			return refuse(501, "NotImplemented", "CRC32 of a full object only")
		}
		up.checked = true
		c.w.Header().Set("x-amz-checksum-algorithm", "CRC32")
		c.w.Header().Set("x-amz-checksum-type", "FULL_OBJECT")
	}
	id := c.s.tag()
	c.s.mu.Lock()
	c.s.uploads[id] = up
	c.s.mu.Unlock()
	c.answer(200, "<InitiateMultipartUploadResult><Bucket>%s</Bucket><Key>%s</Key>"+
		"<UploadId>%s</UploadId></InitiateMultipartUploadResult>",
		escaped(c.bucket), escaped(c.key), id)
	return nil
}

// upload is the one that the query names.
func (c *call) upload() (*upload, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	up := c.s.uploads[c.q.Get("uploadId")]
	if up == nil || up.bucket != c.bucket || up.key != c.key {
		return nil, noSuchUpload()
	}
	return up, nil
}

// setPart puts a part in the place of one of the same number.
func (c *call) setPart(p *part) error {
	number, err := strconv.Atoi(c.q.Get("partNumber"))
	if err != nil || number < 1 || number > 10000 {
		return refuse(400, "InvalidArgument", "part numbers are 1 to 10000")
	}
	if p.size > maxPart {
		return refuse(400, "EntityTooLarge", "a part of %d bytes", p.size)
	}
	p.etag = "\"" + c.s.tag() + "\""
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	up := c.s.uploads[c.q.Get("uploadId")]
	if up == nil {
		return noSuchUpload()
	}
	up.parts[number] = p
	return nil
}

func (c *call) uploadPart() error {
	held, crc, err := c.body()
	c.wait(0, 0)
	if err != nil {
		return err
	}
	up, err := c.upload()
	if err != nil {
		return err
	}
	if !up.checked && c.r.Header.Get("x-amz-checksum-crc32") != "" {
		return refuse(400, "InvalidRequest", "the upload has no checksum algorithm")
	}
	p := &part{content: held, crc: crc}
	if err := c.setPart(p); err != nil {
		return err
	}
	c.w.Header().Set("ETag", p.etag)
	if up.checked {
		c.w.Header().Set("x-amz-checksum-crc32", crcText(crc))
	}
	c.answer(200, "")
	return nil
}

// source is the object that is to be copied, and what of it.
func (c *call) source() (o *object, first, n int64, err error) {
	name, _, _ := strings.Cut(c.r.Header.Get("x-amz-copy-source"), "?")
	name, err = url.PathUnescape(strings.TrimPrefix(name, "/"))
	if err != nil {
		return nil, 0, 0, refuse(400, "InvalidArgument", "the copy source")
	}
	bucket, key, _ := strings.Cut(name, "/")
	if o = c.s.find(bucket, key); o == nil {
		return nil, 0, 0, refuse(404, "NoSuchKey", "there is no such source")
	}
	if tag := c.r.Header.Get("x-amz-copy-source-if-match"); tag != "" &&
		!sameTag(tag, o.etag) {
		return nil, 0, 0, failed(errMissing)
	}
	text := c.r.Header.Get("x-amz-copy-source-range")
	if text == "" {
		return o, 0, o.size, nil
	}
	if o.size <= minPart {
		return nil, 0, 0, refuse(400, "InvalidRequest",
			"no range can be copied from a source of %d bytes", o.size)
	}
	var last int64
	if _, err := fmt.Sscanf(text, "bytes=%d-%d", &first, &last); err != nil ||
		first < 0 || last < first || last >= o.size {
		return nil, 0, 0, refuse(400, "InvalidArgument", "%s of %d bytes", text, o.size)
	}
	return o, first, last - first + 1, nil
}

func (c *call) copyPart() error {
	up, err := c.upload()
	var o *object
	var first, n int64
	if err == nil {
		o, first, n, err = c.source()
	}
	c.wait(n, 0)
	if err != nil {
		return err
	}
	p := &part{content: o.cut(first, n), crc: o.crc}
	if n != o.size || !o.haveCRC {
		p.crc = p.content.crc()
	}
	if err := c.setPart(p); err != nil {
		return err
	}
	c.copied = n
	c.answer(200, "<CopyPartResult><LastModified>%s</LastModified><ETag>%s</ETag>%s"+
		"</CopyPartResult>", timeText(time.Now()), escaped(p.etag),
		crcElement(up.checked, p.crc))
	return nil
}

type completion struct {
	Part []struct {
		PartNumber          int
		ETag, ChecksumCRC32 string
	}
}

// assemble makes the object of an upload's parts, if they are as listed.
func assemble(up *upload, list completion) (*object, error) {
	o := &object{haveCRC: up.checked, modified: time.Now(), headers: up.headers}
	last := 0
	for i, l := range list.Part {
		p := up.parts[l.PartNumber]
		switch {
		case l.PartNumber <= last:
			return nil, refuse(400, "InvalidPartOrder", "part %d", l.PartNumber)
		case p == nil || !sameTag(p.etag, l.ETag):
			return nil, refuse(400, "InvalidPart", "part %d", l.PartNumber)
		case l.ChecksumCRC32 != "" && (!up.checked || l.ChecksumCRC32 != crcText(p.crc)):
			return nil, refuse(400, "InvalidPart", "CRC32 of part %d", l.PartNumber)
		case p.size < minPart && i < len(list.Part)-1:
			return nil, refuse(400, "EntityTooSmall", "part %d has %d bytes",
				l.PartNumber, p.size)
		}
		last = l.PartNumber
		o.addAll(p.content)
		o.crc = joined(o.crc, p.crc, p.size)
	}
	return o, nil
}

func (c *call) complete() error {
	var list completion
	text, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody))
	if err != nil || xml.Unmarshal(text, &list) != nil || len(list.Part) == 0 {
		c.wait(0, 0)
		return refuse(400, "MalformedXML", "no list of parts")
	}
	c.wait(0, len(list.Part))
	up, err := c.upload()
	if err != nil {
		return err
	}
	c.s.mu.Lock()
	o, err := assemble(up, list)
	c.s.mu.Unlock()
	if err != nil {
		return err
	}
	h := c.r.Header
	if v := h.Get("x-amz-mp-object-size"); v != "" && v != strconv.FormatInt(o.size, 10) {
		return refuse(400, "InvalidRequest", "%d bytes, not %s", o.size, v)
	}
	if v := h.Get("x-amz-checksum-crc32"); v != "" && (!up.checked || v != crcText(o.crc)) {
		return refuse(400, "BadDigest", "CRC32 %s, not %s", crcText(o.crc), v)
	}
	o.etag = fmt.Sprintf("\"%s-%d\"", c.s.tag(), len(list.Part))
	if err := c.s.put(c.bucket, c.key, o, h); err != nil {
		return failed(err)
	}
	c.s.mu.Lock()
	delete(c.s.uploads, c.q.Get("uploadId"))
	c.s.mu.Unlock()
	kind := ""
	if up.checked {
		kind = "<ChecksumType>FULL_OBJECT</ChecksumType>"
	}
	c.answer(200, "<CompleteMultipartUploadResult><Bucket>%s</Bucket><Key>%s</Key>"+
		"<ETag>%s</ETag>%s%s</CompleteMultipartUploadResult>", escaped(c.bucket),
		escaped(c.key), escaped(o.etag), crcElement(up.checked, o.crc), kind)
	return nil
}

func (c *call) abort() error {
	c.wait(0, 0)
	if _, err := c.upload(); err != nil {
		return err
	}
	c.s.mu.Lock()
	delete(c.s.uploads, c.q.Get("uploadId"))
	c.s.mu.Unlock()
	c.answer(204, "")
	return nil
}

func (c *call) listParts() error {
	c.wait(0, 0)
	up, err := c.upload()
	if err != nil {
		return err
	}
	after, _ := strconv.Atoi(c.q.Get("part-number-marker"))
	limit, more, last := c.limit("max-parts"), false, after
	var b strings.Builder
	c.s.mu.Lock()
	var numbers []int
	for number := range up.parts {
		if number > after {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	if len(numbers) > limit {
		numbers, more = numbers[:limit], true
	}
	for _, last = range numbers {
		p := up.parts[last]
		fmt.Fprintf(&b, "<Part><PartNumber>%d</PartNumber><LastModified>%s</LastModified>"+
			"<ETag>%s</ETag><Size>%d</Size>%s</Part>", last, timeText(up.begun),
			escaped(p.etag), p.size, crcElement(up.checked, p.crc))
	}
	c.s.mu.Unlock()
	c.answer(200, "<ListPartsResult><Bucket>%s</Bucket><Key>%s</Key><UploadId>%s</UploadId>"+
		"<PartNumberMarker>%d</PartNumberMarker><NextPartNumberMarker>%d"+
		"</NextPartNumberMarker><MaxParts>%d</MaxParts><IsTruncated>%t</IsTruncated>%s"+
		"</ListPartsResult>", escaped(c.bucket), escaped(c.key), c.q.Get("uploadId"),
		after, last, limit, more, &b)
	return nil
}

// listUploads: in order of key, then of id, that is of their beginning.
func (c *call) listUploads() error {
	c.wait(0, 0)
	prefix, key, id := c.q.Get("prefix"), c.q.Get("key-marker"), c.q.Get("upload-id-marker")
	limit, more := c.limit("max-uploads"), false
	type line struct {
		key, id string
		begun   time.Time
	}
	var lines []line
	c.s.mu.Lock()
	for each, up := range c.s.uploads {
		if up.bucket == c.bucket && strings.HasPrefix(up.key, prefix) &&
			(up.key > key || up.key == key && id != "" && each > id) {
			lines = append(lines, line{up.key, each, up.begun})
		}
	}
	c.s.mu.Unlock()
	slices.SortFunc(lines, func(a, b line) int {
		if a.key != b.key {
			return strings.Compare(a.key, b.key)
		}
		return strings.Compare(a.id, b.id)
	})
	if len(lines) > limit {
		lines, more = lines[:limit], true
	}
	var b strings.Builder
	for _, l := range lines {
		key, id = l.key, l.id
		fmt.Fprintf(&b, "<Upload><Key>%s</Key><UploadId>%s</UploadId>"+
			"<Initiated>%s</Initiated></Upload>", c.keyText(key), id, timeText(l.begun))
	}
	next := ""
	if more {
		next = fmt.Sprintf("<NextKeyMarker>%s</NextKeyMarker><NextUploadIdMarker>%s"+
			"</NextUploadIdMarker>", c.keyText(key), id)
	}
	c.answer(200, "<ListMultipartUploadsResult><Bucket>%s</Bucket>%s<MaxUploads>%d"+
		"</MaxUploads><IsTruncated>%t</IsTruncated>%s%s</ListMultipartUploadsResult>",
		escaped(c.bucket), c.encodingElement(), limit, more, next, &b)
	return nil
}
