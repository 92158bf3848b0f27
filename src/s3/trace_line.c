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
#include "base/emit.h"
#include "base/text.h"
#include "s3/call.h"

static void
put_text(struct emit *w, const char *name, const char *text)
{
    if (text && *text)
        emit_word(w, name, text);
}

void
s3_trace_time(struct emit *w, const struct timespec *at)
{
    emit_begin(w, NULL, '{');
    emit_time(w, "time", at->tv_sec, (int)(at->tv_nsec / 1000000));
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

static void
put_query(struct emit *w, const char *as, const struct s3_call *c,
          const char *name)
{
    CLEANUP_BUF struct buf text = BUF_INIT(S3_TRACE_LINE_MAX);
    size_t n = 0;
    const char *value = query_value(&c->query, name, &n);

    if (value && n > 0 && text_unpercent(&text, value, n, false) == 0)
        emit_text(w, as, buf_str(&text), text.len);
}

/* The same in "name: value\n"... */
static void
put_header(struct emit *w, const char *as, const struct buf *headers,
           const char *name)
{
    size_t n = strlen(name);
    const char *p = buf_str(headers);

    while (*p) {
        size_t len = strcspn(p, "\n");

        if (len > n + 2 && memcmp(p, name, n) == 0 && p[n] == ':') {
            emit_text(w, as, p + n + 2, len - n - 2);
            return;
        }
        p += len;
        p += *p == '\n';
    }
}

static void
put_request(struct emit *w, const struct s3_call *c)
{
    size_t n;
    const char *part = query_value(&c->query, "partNumber", &n);

    emit_word(w, "op", s3_kind_name(c->sent_kind));
    put_text(w, "bucket", c->bucket);
    if (c->key_len)
        emit_text(w, "key", c->key, c->key_len);
    put_query(w, "prefix", c, "prefix");
    put_header(w, "range", &c->extra, "range");
    put_header(w, "source", &c->headers, "x-amz-copy-source");
    put_header(w, "source_range", &c->headers, "x-amz-copy-source-range");
    if (part)
        emit_u64(w, "part", strtoul(part, NULL, 10));
    put_query(w, "upload", c, "uploadId");
}

/* ---------------------------------------------------------- the answer */

static void
put_answer(struct emit *w, const struct s3_call *c,
           const struct net_response *r)
{
    const char *id = c->error.request_id;

    emit_u64(w, "status", (uint64_t)r->status);
    put_text(w, "code", c->error.code);
    if (r->err < 0)
        put_text(w, "error", strerror(-r->err));
    put_text(w, "request_id", *id ? id : net_header(r, "x-amz-request-id"));
    emit_u64(w, "in", r->received);
    emit_u64(w, "out", r->sent);
}

/* What is not transfer was waiting for a connection's turn. */
static void
put_times(struct emit *w, const struct s3_call *c,
          const struct net_response *r, uint64_t all_ms)
{
    emit_u64(w, "queue_ms", all_ms > r->total_ms ? all_ms - r->total_ms : 0);
    emit_u64(w, "first_ms", r->first_ms);
    emit_u64(w, "total_ms", r->total_ms);
    emit_u64(w, "attempt", (uint64_t)c->error.attempts);
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
    struct emit w = {.out = b};
    struct timespec at;

    began(&at, all_ms);
    s3_trace_time(&w, &at);
    put_request(&w, c);
    put_answer(&w, c, r);
    put_times(&w, c, r, all_ms);
    emit_end(&w, '}');
    return emit_finish(&w);
}
