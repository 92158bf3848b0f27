/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Reading an archive without the rooms that made it: pread, or ranged GETs
 * under the object's ETag.  Must not know what the bytes mean.
 */
#include "extract/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "conf/conf.h"
#include "extract/wait.h"

enum { DEPTH = 8 };

/* One call whose answer a thread waits for. */
struct call {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
    int r;
    struct err err;
    struct source *s;
    uint8_t *out; /* of a GET */
    size_t got, want;
    s3_id id;
};

static void
call_init(struct call *c, struct source *s)
{
    memset(c, 0, sizeof(*c));
    wait_init(&c->lock, &c->cond);
    c->s = s;
}

static void
call_free(struct call *c)
{
    wait_free(&c->lock, &c->cond);
}

static void
call_done(struct call *c, int r)
{
    LOCK_SCOPE(&c->lock);

    c->r = r;
    c->done = true;
    pthread_cond_signal(&c->cond);
}

/* True if it has ended. */
static bool
call_wait_some(struct call *c)
{
    struct timespec until = wait_until();
    LOCK_SCOPE(&c->lock);

    while (!c->done)
        if (pthread_cond_timedwait(&c->cond, &c->lock, &until) == ETIMEDOUT)
            break;
    return c->done;
}

static int
call_wait(struct call *c, struct err *e)
{
    bool stopped = false;

    while (!call_wait_some(c))
        if (!stopped && c->s->stop && c->s->stop(c->s->user)) {
            stopped = true;
            s3_cancel(c->s->s3, c->id);
        }
    if (stopped && c->r < 0)
        return err_set(e, EINTR, "interrupted");
    if (c->r < 0)
        *e = c->err;
    return c->r;
}

/* ---------------------------------------------------------------- file */

int
source_open_file(struct source *s, const char *path, struct err *e)
{
    struct stat st;

    s->name = path;
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st) < 0)
        return err_set(e, errno, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(e, EINVAL, "%s: not a regular file", path);
    s->size = (uint64_t)st.st_size;
    return 0;
}

static int
read_file(struct source *s, uint64_t offset, uint8_t *out, size_t n,
          struct err *e)
{
    ssize_t got;

    while (n > 0) {
        got = pread(s->fd, out, n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(e, got < 0 ? errno : EIO, "%s: %s", s->name,
                           got < 0 ? strerror(errno) : "it shrank");
        out += got;
        offset += (uint64_t)got;
        n -= (size_t)got;
    }
    return 0;
}

/* -------------------------------------------------------------- object */

static struct s3_where
where(const struct source *s)
{
    return (struct s3_where){
        .bucket = s->bucket, .key = s->key, .key_len = strlen(s->key)};
}

static bool
is_digest(const char *s)
{
    return s && strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static void
keep_object(struct source *s, const struct s3_object *o)
{
    s->size = o->size;
    s->etag = strdup(o->etag);
    if (is_digest(o->layout_digest))
        s->digest = strdup(o->layout_digest);
    s->have_crc32 = o->have_crc32;
    s->crc32 = o->crc32;
}

static int
said(struct call *c, const struct s3_error *e, const char *op)
{
    const struct source *s = c->s;

    if (e->err < 0)
        s3_error_text(e, op, s->bucket, s->key, strlen(s->key), &c->err);
    return e->err;
}

static void
on_head(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct call *c = user;
    int r = said(c, e, "HEAD");

    if (r == 0)
        keep_object(c->s, o);
    call_done(c, r);
}

static void
on_page(void *user, const struct s3_error *e, const struct s3_page *page)
{
    (void)page;
    call_done(user, said(user, e, "ListObjectsV2"));
}

/* A listing has less patience than a HEAD: is there a store at all?  What
 * the store itself answers does not matter, listing may be forbidden. */
static int
probe(struct source *s, struct err *e)
{
    struct s3_list_args args = {
        .bucket = s->bucket,
        .prefix = s->key,
        .prefix_len = strlen(s->key),
        .max_keys = 1,
        .patience = S3_PATIENCE_PROBE,
    };
    struct call c;
    int r;

    call_init(&c, s);
    c.id = s3_list(s->s3, &args, on_page, &c);
    r = call_wait(&c, e);
    call_free(&c);
    return r == -ECONNREFUSED || r == -EHOSTUNREACH || r == -ETIMEDOUT ||
                   r == -EPROTO
               ? r
               : 0;
}

int
source_open_object(struct source *s, struct s3 *s3, const char *url,
                   struct err *e)
{
    struct s3_head_args args = {.checksum = true};
    struct call c;
    int r;

    s->name = url;
    s->fd = -1;
    s->s3 = s3;
    r = conf_url(url, NULL, &s->bucket, &s->key, e);
    if (r == 0 && !s->key[0])
        r = err_set(e, EINVAL, "%s: no object name", url);
    if (r == 0)
        r = probe(s, e);
    if (r < 0)
        return r;
    call_init(&c, s);
    args.at = where(s);
    c.id = s3_head(s3, &args, on_head, &c);
    r = call_wait(&c, e);
    call_free(&c);
    if (r == 0 && !s->etag)
        return err_set(e, ENOMEM, "out of memory");
    return r;
}

void
source_close(struct source *s)
{
    if (s->fd >= 0)
        close(s->fd);
    free(s->bucket);
    free(s->key);
    free(s->etag);
    free(s->digest);
    memset(s, 0, sizeof(*s));
    s->fd = -1;
}

static int
on_data(void *user, const void *p, size_t n)
{
    struct call *c = user;

    if (n > c->want - c->got)
        return -EPROTO;
    memcpy(c->out + c->got, p, n);
    c->got += n;
    atomic_fetch_add(&c->s->downloaded, n);
    return 0;
}

static void
on_got(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct call *c = user;
    int r = said(c, e, "GET");

    (void)o;
    if (r == 0 && c->got != c->want)
        r = err_set(&c->err, EPROTO, "%s: a short answer", c->s->name);
    call_done(c, r);
}

static void
start_get(struct call *c, uint64_t offset, uint8_t *out, size_t n)
{
    struct s3_get_args args = {
        .at = where(c->s),
        .etag = c->s->etag,
        .first = offset,
        .length = n,
        .on_data = on_data,
    };

    c->out = out;
    c->want = n;
    c->got = 0;
    c->done = false;
    c->id = s3_get(c->s->s3, &args, on_got, c);
}

/* ---------------------------------------------------------------- scan */

typedef int scan_fn(void *user, const uint8_t *p, size_t n);

struct scan {
    struct source *s;
    struct call call[DEPTH];
    uint8_t *out;  /* all of it goes there, or: */
    uint8_t *ring; /* DEPTH chunks, one after the other to fn */
    scan_fn *fn;
    void *user;
    size_t chunk;
    uint64_t first, next, end;
};

static void
ask(struct scan *k, unsigned slot)
{
    size_t n = (size_t)min_u64(k->chunk, k->end - k->next);

    start_get(
        &k->call[slot], k->next,
        k->out ? k->out + (k->next - k->first) : k->ring + k->chunk * slot, n);
    k->next += n;
}

/* Round robin, as in cmd_cat.c. */
static int
scan_object(struct scan *k, struct err *e)
{
    unsigned head = 0, tail = 0, i;
    struct call *c;
    int r = 0;

    for (i = 0; i < DEPTH; i++)
        call_init(&k->call[i], k->s);
    while (r == 0) {
        for (; k->next < k->end && tail - head < DEPTH; tail++)
            ask(k, tail % DEPTH);
        if (head == tail)
            break;
        c = &k->call[head++ % DEPTH];
        r = call_wait(c, e);
        if (r == 0 && k->fn)
            r = k->fn(k->user, c->out, c->want);
    }
    for (; head < tail; head++) {
        struct err late;

        s3_cancel(k->s->s3, k->call[head % DEPTH].id);
        call_wait(&k->call[head % DEPTH], &late);
    }
    for (i = 0; i < DEPTH; i++)
        call_free(&k->call[i]);
    return r;
}

static int
scan_file(struct scan *k, struct err *e)
{
    int r = 0;

    while (k->next < k->end && r == 0) {
        size_t n = (size_t)min_u64(k->chunk, k->end - k->next);

        r = read_file(k->s, k->next, k->ring, n, e);
        if (r == 0)
            r = k->fn(k->user, k->ring, n);
        k->next += n;
        if (r == 0 && k->s->stop && k->s->stop(k->s->user))
            r = err_set(e, EINTR, "interrupted");
    }
    return r;
}

int
source_read(struct source *s, uint64_t offset, void *out, size_t n,
            struct err *e)
{
    struct scan k = {
        .s = s,
        .out = out,
        .chunk = (size_t)MIB(8),
        .first = offset,
        .next = offset,
        .end = offset + n,
    };

    return s->fd >= 0 ? read_file(s, offset, out, n, e) : scan_object(&k, e);
}

int
source_scan(struct source *s, uint64_t first, uint64_t end, scan_fn *fn,
            void *user, struct err *e)
{
    struct scan k = {
        .s = s,
        .fn = fn,
        .user = user,
        .first = first,
        .next = first,
        .end = end,
    };
    int r;

    k.chunk = (size_t)min_u64(max_u64(s->memory / DEPTH, KIB(64)), MIB(8));
    k.ring = malloc(k.chunk * DEPTH);
    if (!k.ring)
        return err_set(e, ENOMEM, "out of memory");
    r = s->fd >= 0 ? scan_file(&k, e) : scan_object(&k, e);
    free(k.ring);
    return r;
}
