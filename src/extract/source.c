/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Reading an archive without the rooms that made it: pread, or ranged GETs
 * under the object's ETag.  Called by dir.c, verify and extract; calls
 * s3/sync.h.
 */
#include "extract/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "conf/conf.h"
#include "extract/side.h"
#include "s3/sync.h"

enum { DEPTH = 8 };
#define CHUNK_MAX MIB(8)

static int
out_of_memory(struct err *e)
{
    return err_set(e, ENOMEM, "out of memory");
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

struct s3_where
source_where(const struct source *s)
{
    return (struct s3_where){
        .bucket = s->bucket, .key = s->key, .key_len = strlen(s->key)};
}

/* Words for a call that failed, or was stopped. */
static int
failed(const struct source *s, const char *op, const struct s3_error *e,
       struct err *err)
{
    int why = scope_stopped(s->scope);

    if (why < 0)
        return err_set(err, -why, "interrupted");
    return s3_error_text(e, op, s->bucket, s->key, strlen(s->key), err);
}

static bool
is_digest(const char *s)
{
    return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
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
    struct s3_found found;
    int r = s3_list_wait(s->s3, s->scope, &args, &found);

    s3_found_free(&found);
    if (r == -ECONNREFUSED || r == -EHOSTUNREACH || r == -ETIMEDOUT ||
        r == -EPROTO || scope_stopped(s->scope) < 0)
        return failed(s, "ListObjectsV2", &found.e, e);
    return 0;
}

int
source_open_object(struct source *s, struct s3 *s3, const char *url,
                   struct err *e)
{
    struct s3_head_args args = {.checksum = true};
    struct s3_reply o;
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
    args.at = source_where(s);
    if (s3_head_wait(s3, s->scope, &args, &o) < 0)
        return failed(s, "HEAD", &o.e, e);
    s->size = o.size;
    s->etag = strdup(o.etag);
    if (is_digest(o.layout_digest))
        s->digest = strdup(o.layout_digest);
    s->have_crc32 = o.have_crc32;
    s->crc32 = o.crc32;
    return s->etag ? 0 : out_of_memory(e);
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

int
source_get(struct source *s, uint64_t offset, void *out, size_t n,
           struct s3_error *e)
{
    struct s3_get_args args = {
        .at = source_where(s),
        .etag = s->etag,
        .first = offset,
        .length = n,
    };
    struct s3_reply reply;
    int r = s3_get_into(s->s3, s->scope, &args, out, n, &reply);

    if (r == 0 && reply.received != n)
        r = reply.e.err = -EPROTO;
    *e = reply.e;
    if (r == 0)
        atomic_fetch_add(&s->downloaded, n);
    return r;
}

/* ---------------------------------------------------------------- scan */

/* [first, end) in chunks: each to its place in out, or to its slot of a
 * ring. */
struct scan {
    struct source *s;
    uint64_t first, end;
    size_t chunk;
    uint8_t *out, *ring;
    struct err err[DEPTH]; /* of slots */
};

static size_t
chunk_length(const struct scan *k, uint64_t i)
{
    return (size_t)min_u64(k->chunk, k->end - k->first - i * k->chunk);
}

static uint8_t *
chunk_place(const struct scan *k, uint64_t i, unsigned slot)
{
    return k->out ? k->out + i * k->chunk : k->ring + slot * k->chunk;
}

static int
read_chunk(void *user, uint64_t i, unsigned slot)
{
    struct scan *k = user;
    struct source *s = k->s;
    uint64_t offset = k->first + i * k->chunk;
    uint8_t *p = chunk_place(k, i, slot);
    size_t n = chunk_length(k, i);
    struct s3_error e = {0};

    if (s->fd >= 0 && scope_stopped(s->scope) == 0)
        return read_file(s, offset, p, n, &k->err[slot]);
    if (s->fd >= 0 || source_get(s, offset, p, n, &e) < 0)
        return failed(s, "GET", &e, &k->err[slot]);
    return 0;
}

static int
scan(struct scan *k, int (*fn)(void *user, const uint8_t *p, size_t n),
     void *user, struct err *e)
{
    uint64_t count = ceil_div_u64(k->end - k->first, k->chunk), i;
    struct ahead a;
    unsigned slot;
    int r = ahead_begin(&a, count, DEPTH, read_chunk, k);

    if (r < 0)
        err_set(e, -r, "cannot start a thread");
    for (i = 0; i < count && r == 0; i++) {
        r = ahead_take(&a, &slot);
        if (r < 0)
            *e = k->err[slot];
        else if (fn)
            r = fn(user, chunk_place(k, i, slot), chunk_length(k, i));
    }
    if (r < 0)
        scope_stop(k->s->scope, -ECANCELED);
    ahead_end(&a);
    return r;
}

int
source_read(struct source *s, uint64_t offset, void *out, size_t n,
            struct err *e)
{
    struct scan k = {.s = s,
                     .first = offset,
                     .end = offset + n,
                     .chunk = CHUNK_MAX,
                     .out = out};

    return scan(&k, NULL, NULL, e);
}

int
source_scan(struct source *s, uint64_t first, uint64_t end,
            int (*fn)(void *user, const uint8_t *p, size_t n), void *user,
            struct err *e)
{
    struct scan k = {.s = s, .first = first, .end = end};
    int r;

    k.chunk = (size_t)min_u64(max_u64(s->memory / DEPTH, KIB(64)), CHUNK_MAX);
    k.ring = malloc(k.chunk * DEPTH);
    if (!k.ring)
        return out_of_memory(e);
    r = scan(&k, fn, user, e);
    free(k.ring);
    return r;
}
