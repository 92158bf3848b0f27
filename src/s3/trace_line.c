/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One line of trace=: a JSON object (RFC 8259) about one HTTP exchange.
 * Only what is named here is written: never a header or query that carries
 * a signature, a token or a credential.  Must not know files.
 */
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "s3/call.h"

/* ----------------------------------------------------------------- JSON */

static int
json_escape(struct buf *b, unsigned char c)
{
    if (c == '"' || c == '\\') {
        char pair[2] = {'\\', (char)c};

        return buf_add(b, pair, 2);
    }
    return buf_addf(b, "\\u%04x", c);
}

/* p is UTF-8. */
static int
json_string(struct buf *b, const char *p, size_t n)
{
    size_t i, from = 0;
    int r = buf_addc(b, '"');

    for (i = 0; i < n && r == 0; i++) {
        unsigned char c = (unsigned char)p[i];

        if (c >= ' ' && c != '"' && c != '\\' && c != 0x7f)
            continue;
        r = buf_add(b, p + from, i - from);
        if (r == 0)
            r = json_escape(b, c);
        from = i + 1;
    }
    if (r == 0)
        r = buf_add(b, p + from, n - from);
    return r == 0 ? buf_addc(b, '"') : r;
}

/* JSON has no bytes: what is not UTF-8 is written as in the logs. */
static int
put_bytes(struct buf *b, const char *name, const char *p, size_t n)
{
    char *escaped;
    int r = buf_addf(b, ",\"%s\":", name);

    if (r < 0)
        return r;
    if (text_is_utf8(p, n))
        return json_string(b, p, n);
    escaped = malloc(4 * n + 16);
    if (!escaped)
        return -ENOMEM;
    text_escape(escaped, 4 * n + 16, p, n);
    r = json_string(b, escaped, strlen(escaped));
    free(escaped);
    return r;
}

static int
put_text(struct buf *b, const char *name, const char *text)
{
    return text && *text ? put_bytes(b, name, text, strlen(text)) : 0;
}

static int
put_number(struct buf *b, const char *name, uint64_t n)
{
    return buf_addf(b, ",\"%s\":%llu", name, (unsigned long long)n);
}

int
s3_trace_time(struct buf *b, const struct timespec *at)
{
    struct tm tm;

    gmtime_r(&at->tv_sec, &tm);
    return buf_addf(b, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"",
                    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                    tm.tm_min, tm.tm_sec, (int)(at->tv_nsec / 1000000));
}

/* --------------------------------------------------------- the request */

/* The value of one name in "name=value&..."; NULL if it is not there. */
static const char *
query_value(const struct buf *query, const char *name, size_t *ret_len)
{
    size_t n = strlen(name);
    const char *p = buf_str(query);

    while (*p) {
        size_t len = strcspn(p, "&");

        if (len > n && p[n] == '=' && memcmp(p, name, n) == 0) {
            *ret_len = len - n - 1;
            return p + n + 1;
        }
        p += len;
        p += *p == '&';
    }
    return NULL;
}

static int
put_query(struct buf *b, const char *as, const struct s3_call *c,
          const char *name)
{
    CLEANUP_BUF struct buf text = BUF_INIT(S3_TRACE_LINE_MAX);
    size_t n = 0;
    const char *value = query_value(&c->query, name, &n);

    if (!value || n == 0)
        return 0;
    if (text_unpercent(&text, value, n, false) < 0)
        return 0;
    return put_bytes(b, as, buf_str(&text), text.len);
}

/* The same in "name: value\n"... */
static int
put_header(struct buf *b, const char *as, const struct buf *headers,
           const char *name)
{
    size_t n = strlen(name);
    const char *p = buf_str(headers);

    while (*p) {
        size_t len = strcspn(p, "\n");

        if (len > n + 2 && memcmp(p, name, n) == 0 && p[n] == ':')
            return put_bytes(b, as, p + n + 2, len - n - 2);
        p += len;
        p += *p == '\n';
    }
    return 0;
}

static int
put_request(struct buf *b, const struct s3_call *c)
{
    size_t n;
    const char *part = query_value(&c->query, "partNumber", &n);
    int r = buf_addf(b, ",\"op\":\"%s\"", s3_kind_name(c->sent_kind));

    if (r == 0)
        r = put_text(b, "bucket", c->bucket);
    if (r == 0 && c->key_len)
        r = put_bytes(b, "key", c->key, c->key_len);
    if (r == 0)
        r = put_query(b, "prefix", c, "prefix");
    if (r == 0)
        r = put_header(b, "range", &c->extra, "range");
    if (r == 0)
        r = put_header(b, "source", &c->headers, "x-amz-copy-source");
    if (r == 0)
        r = put_header(b, "source_range", &c->headers,
                       "x-amz-copy-source-range");
    if (r == 0 && part)
        r = put_number(b, "part", strtoul(part, NULL, 10));
    return r == 0 ? put_query(b, "upload", c, "uploadId") : r;
}

/* ---------------------------------------------------------- the answer */

static int
put_answer(struct buf *b, const struct s3_call *c,
           const struct net_response *r)
{
    const char *id = c->error.request_id;
    int e = put_number(b, "status", (uint64_t)r->status);

    if (!*id)
        id = net_header(r, "x-amz-request-id");
    if (e == 0)
        e = put_text(b, "code", c->error.code);
    if (e == 0 && r->err < 0)
        e = put_text(b, "error", strerror(-r->err));
    if (e == 0)
        e = put_text(b, "request_id", id);
    if (e == 0)
        e = put_number(b, "in", r->received);
    return e == 0 ? put_number(b, "out", r->sent) : e;
}

/* What is not transfer was waiting for a connection's turn. */
static int
put_times(struct buf *b, const struct s3_call *c, const struct net_response *r,
          uint64_t all_ms)
{
    uint64_t queue = all_ms > r->total_ms ? all_ms - r->total_ms : 0;
    int e = put_number(b, "queue_ms", queue);

    if (e == 0)
        e = put_number(b, "first_ms", r->first_ms);
    if (e == 0)
        e = put_number(b, "total_ms", r->total_ms);
    return e == 0 ? put_number(b, "attempt", (uint64_t)c->error.attempts) : e;
}

/* When it was submitted. */
static void
began(struct timespec *ret, uint64_t ms_ago)
{
    clock_gettime(CLOCK_REALTIME, ret);
    ret->tv_sec -= (time_t)(ms_ago / 1000);
    ret->tv_nsec -= (long)(ms_ago % 1000) * 1000000;
    if (ret->tv_nsec < 0) {
        ret->tv_nsec += 1000000000;
        ret->tv_sec--;
    }
}

int
s3_trace_line(struct buf *b, const struct s3_call *c,
              const struct net_response *r)
{
    uint64_t all_ms = net_now_ms() - c->sent_ms;
    struct timespec at;
    int e;

    began(&at, all_ms);
    e = s3_trace_time(b, &at);
    if (e == 0)
        e = put_request(b, c);
    if (e == 0)
        e = put_answer(b, c, r);
    if (e == 0)
        e = put_times(b, c, r, all_ms);
    return e == 0 ? buf_adds(b, "}\n") : e;
}
