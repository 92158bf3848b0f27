/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Reading an archive for verify, without the rooms that made it: pread, or
 * ranged GETs under the object's ETag.
 */
#include "cmd/cmd_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/text.h"

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
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->cond, NULL);
    c->s = s;
}

static void
call_free(struct call *c)
{
    pthread_cond_destroy(&c->cond);
    pthread_mutex_destroy(&c->lock);
}

static void
call_done(struct call *c, int r)
{
    LOCK_SCOPE(&c->lock);

    c->r = r;
    c->done = true;
    pthread_cond_signal(&c->cond);
}

static int
call_wait(struct call *c, struct err *e)
{
    LOCK_SCOPE(&c->lock);

    while (!c->done)
        pthread_cond_wait(&c->cond, &c->lock);
    if (c->r < 0)
        *e = c->err;
    return c->r;
}

/* ---------------------------------------------------------------- file */

int
source_open_file(struct source *s, const char *path, struct err *e)
{
    struct stat st;

    *s = (struct source){.name = path, .fd = -1};
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

static void
on_head(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct call *c = user;
    struct source *s = c->s;
    int r = e->err;

    if (r < 0)
        s3_error_text(e, "HEAD", s->bucket, s->key, strlen(s->key), &c->err);
    else
        keep_object(s, o);
    call_done(c, r);
}

static void
on_page(void *user, const struct s3_error *e, const struct s3_page *page)
{
    struct call *c = user;
    struct source *s = c->s;

    (void)page;
    if (e->err < 0)
        s3_error_text(e, "ListObjectsV2", s->bucket, s->key, strlen(s->key),
                      &c->err);
    call_done(c, e->err);
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
    s3_list(s->s3, &args, on_page, &c);
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

    *s = (struct source){.name = url, .fd = -1, .s3 = s3};
    r = conf_url(url, NULL, &s->bucket, &s->key, e);
    if (r == 0 && !s->key[0])
        r = err_set(e, EINVAL, "%s: no object name", url);
    if (r == 0)
        r = probe(s, e);
    if (r < 0)
        return r;
    call_init(&c, s);
    args.at = where(s);
    s3_head(s3, &args, on_head, &c);
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
    return 0;
}

static void
on_got(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct call *c = user;
    struct source *s = c->s;
    int r = e->err;

    (void)o;
    if (r < 0)
        s3_error_text(e, "GET", s->bucket, s->key, strlen(s->key), &c->err);
    else if (c->got != c->want)
        r = err_set(&c->err, EPROTO, "%s: a short answer", s->name);
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

int
source_read(struct source *s, uint64_t offset, void *out, size_t n,
            struct err *e)
{
    struct call c;
    int r;

    if (n == 0)
        return 0;
    if (s->fd >= 0)
        return read_file(s, offset, out, n, e);
    call_init(&c, s);
    start_get(&c, offset, out, n);
    r = call_wait(&c, e);
    call_free(&c);
    return r;
}

/* ---------------------------------------------------------------- scan */

struct scan {
    struct source *s;
    struct call call[DEPTH];
    uint8_t *memory; /* DEPTH chunks */
    size_t chunk;
    uint64_t next, end;
};

static size_t
ask(struct scan *k, struct call *c, uint8_t *out)
{
    size_t n = (size_t)min_u64(k->chunk, k->end - k->next);

    start_get(c, k->next, out, n);
    k->next += n;
    return n;
}

/* Round robin, as in cmd_cat.c. */
static int
scan_object(struct scan *k, int (*fn)(void *, const uint8_t *, size_t),
            void *user, struct err *e)
{
    unsigned head = 0, tail = 0;
    int r = 0;

    while (r == 0) {
        for (; k->next < k->end && tail - head < DEPTH; tail++)
            ask(k, &k->call[tail % DEPTH],
                k->memory + k->chunk * (tail % DEPTH));
        if (head == tail)
            break;
        r = call_wait(&k->call[head % DEPTH], e);
        if (r == 0)
            r = fn(user, k->call[head % DEPTH].out,
                   k->call[head % DEPTH].want);
        head++;
    }
    for (; head < tail; head++) {
        struct err late;

        s3_cancel(k->s->s3, k->call[head % DEPTH].id);
        call_wait(&k->call[head % DEPTH], &late);
    }
    return r;
}

static int
scan_file(struct scan *k, int (*fn)(void *, const uint8_t *, size_t),
          void *user, struct err *e)
{
    int r = 0;

    while (k->next < k->end && r == 0) {
        size_t n = (size_t)min_u64(k->chunk, k->end - k->next);

        r = read_file(k->s, k->next, k->memory, n, e);
        if (r == 0)
            r = fn(user, k->memory, n);
        k->next += n;
    }
    return r;
}

int
source_scan(struct source *s, uint64_t first, uint64_t end,
            int (*fn)(void *user, const uint8_t *p, size_t n), void *user,
            struct err *e)
{
    struct scan k = {.s = s, .next = first, .end = end};
    int i, r;

    k.chunk = (size_t)min_u64(max_u64(s->memory / DEPTH, KIB(64)), MIB(8));
    k.memory = malloc(k.chunk * DEPTH);
    if (!k.memory)
        return err_set(e, ENOMEM, "out of memory");
    for (i = 0; i < DEPTH; i++)
        call_init(&k.call[i], s);
    r = s->fd >= 0 ? scan_file(&k, fn, user, e) : scan_object(&k, fn, user, e);
    for (i = 0; i < DEPTH; i++)
        call_free(&k.call[i]);
    free(k.memory);
    return r;
}
