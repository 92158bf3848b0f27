/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * trace=FILE: one JSON object a line (RFC 8259) for each HTTP exchange
 * with the store.  Only what is named here is written: never a header or
 * query that carries a signature, a token or a credential.
 *
 * Threads: a loop thread makes a line and adds it to `fill` under the lock;
 * the worker of net takes all of `fill` at a time and writes it with one
 * write(2) of whole lines, so that several processes may append to one
 * file.  What does not fit is dropped, counted and said: the loops never
 * wait for a disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "s3/call.h"

enum {
    FILL_MAX = 4 * 1024 * 1024,
    LINE_MAX_BYTES = 64 * 1024, /* three names, each byte as \u00XX */
};

struct s3_trace {
    struct net *net;
    int fd;
    pthread_mutex_t lock; /* what follows */
    struct buf fill;      /* whole lines that nobody has taken */
    uint64_t fill_lines, lost; /* lost: not said yet */
    uint64_t lines, dropped;   /* in all */
    bool draining;
    /* The drain's alone: */
    struct buf out;
    uint64_t out_lines;
    bool torn; /* the file ends within a line */
    bool told;
};

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

static int
put_time(struct buf *b, const struct timespec *at)
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
    CLEANUP_BUF struct buf text = BUF_INIT(LINE_MAX_BYTES);
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
put_times(struct buf *b, const struct s3_call *c,
          const struct net_response *r, uint64_t all_ms)
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

static int
make_line(struct buf *b, const struct s3_call *c,
          const struct net_response *r)
{
    uint64_t all_ms = net_now_ms() - c->sent_ms;
    struct timespec at;
    int e;

    began(&at, all_ms);
    e = put_time(b, &at);
    if (e == 0)
        e = put_request(b, c);
    if (e == 0)
        e = put_answer(b, c, r);
    if (e == 0)
        e = put_times(b, c, r, all_ms);
    return e == 0 ? buf_adds(b, "}\n") : e;
}

/* ------------------------------------------------------------ the drain */

static void
say_lost(struct s3_trace *t, uint64_t lost)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (put_time(&t->out, &now) == 0)
        buf_addf(&t->out, ",\"dropped\":%llu}\n", (unsigned long long)lost);
    if (!t->told)
        log_warn("trace: the disk is too slow: %llu lines dropped (told "
                 "once; the trace and user.s3zipfs.stats count on)",
                 (unsigned long long)lost);
    t->told = true;
}

/* False: nothing is left, and the next line has to start a drain. */
static bool
take(struct s3_trace *t)
{
    struct buf empty = t->out;
    uint64_t lost;

    pthread_mutex_lock(&t->lock);
    lost = t->lost;
    t->draining = t->fill.len > 0 || lost > 0;
    if (t->draining) {
        t->out = t->fill;
        t->out.max = FILL_MAX + 256; /* room for say_lost */
        t->out_lines = t->fill_lines;
        t->fill = empty;
        t->fill.max = FILL_MAX;
        t->fill_lines = t->lost = 0;
    }
    pthread_mutex_unlock(&t->lock);
    if (lost > 0)
        say_lost(t, lost);
    return t->out.len > 0;
}

static uint64_t
lines_in(const char *p, size_t n)
{
    uint64_t lines = 0;
    const char *end = p + n;

    while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        lines++;
        p++;
    }
    return lines;
}

static void
failed(struct s3_trace *t, size_t done, int err)
{
    uint64_t lost = lines_in(t->out.data + done, t->out.len - done);

    t->torn = done > 0 ? t->out.data[done - 1] != '\n' : t->torn;
    if (!t->told)
        log_warn("trace: cannot write: %s (told once)", strerror(err));
    t->told = true;
    LOCK_SCOPE(&t->lock);
    t->dropped += lost;
    t->lines -= min_u64(lost, t->lines);
}

static void
write_out(struct s3_trace *t)
{
    size_t done = 0;
    ssize_t n;

    if (t->torn && write(t->fd, "\n", 1) == 1)
        t->torn = false;
    while (done < t->out.len) {
        n = write(t->fd, t->out.data + done, t->out.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            failed(t, done, n < 0 ? errno : EIO);
            break;
        }
        done += (size_t)n;
    }
    buf_reset(&t->out);
}

static void
drain(void *user)
{
    struct s3_trace *t = user;

    while (take(t))
        write_out(t);
}

/* ------------------------------------------------------------- outside */

/* True: a drain is to be started. */
static bool
add(struct s3_trace *t, const struct buf *line)
{
    bool idle;

    LOCK_SCOPE(&t->lock);
    if (line->len == 0 ||
        buf_add(&t->fill, line->data, line->len) < 0) {
        t->lost++;
        t->dropped++;
    } else {
        t->fill_lines++;
        t->lines++;
    }
    idle = !t->draining;
    t->draining = true;
    return idle;
}

void
s3_trace_exchange(struct s3_trace *t, const struct s3_call *c,
                  const struct net_response *r)
{
    CLEANUP_BUF struct buf line = BUF_INIT(LINE_MAX_BYTES);

    if (!t)
        return;
    if (make_line(&line, c, r) < 0)
        buf_reset(&line);
    if (add(t, &line))
        net_work(t->net, drain, t);
}

void
s3_trace_counts(struct s3_trace *t, uint64_t *ret_lines,
                uint64_t *ret_dropped)
{
    if (!t)
        return;
    LOCK_SCOPE(&t->lock);
    *ret_lines = t->lines;
    *ret_dropped = t->dropped;
}

int
s3_trace_open(struct s3_trace **ret, struct net *n, const char *path,
              struct err *e)
{
    struct s3_trace *t = calloc(1, sizeof(*t));

    if (!t)
        return err_set(e, ENOMEM, "out of memory");
    /* Not blocking: a pipe without a reader is an error, not a wait. */
    t->fd = open(path,
                 O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
                     O_NONBLOCK,
                 0600);
    if (t->fd < 0) {
        int err = errno;

        free(t);
        return err_set(e, err, "cannot open the trace file %s: %s", path,
                       strerror(err));
    }
    t->net = n;
    t->fill = BUF_INIT(FILL_MAX);
    t->out = BUF_INIT(FILL_MAX);
    pthread_mutex_init(&t->lock, NULL);
    *ret = t;
    return 0;
}

void
s3_trace_close(struct s3_trace *t)
{
    if (!t)
        return;
    drain(t);
    buf_free(&t->fill);
    buf_free(&t->out);
    pthread_mutex_destroy(&t->lock);
    close(t->fd);
    free(t);
}
