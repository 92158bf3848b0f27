/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Parts from bytes that pass through: a large deflated member, or a stored
 * one where the store copies no parts.  Two ranges of the archive and two
 * parts are in memory; neither the compression nor the claimed size can make
 * it more.  Must not know how an upload begins and ends.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/crc32.h"
#include "extract/unpack.h"

#define PART_LEAST MIB(8)

enum chunk_state { CHUNK_FREE, CHUNK_ASKED, CHUNK_READY };

struct chunk {
    uint8_t *p;
    size_t n, used;
    enum chunk_state state;
};

struct out {
    uint8_t *p;
    size_t n;
    bool busy; /* being sent */
    struct iovec iov;
};

struct stream {
    z_stream z;
    bool inflates, z_ended, ended;
    struct chunk chunk[2];
    struct out out[2];
    size_t chunk_size, part_size;
    unsigned ask, head, fill; /* index of the next of each */
    uint64_t next, end;       /* of the archive, to ask for */
    uint64_t in, total;       /* bytes eaten and made */
    uint32_t crc, number;     /* number: parts sent */
};

void
stream_free(struct member *m)
{
    struct stream *s = m->stream;
    int i;

    m->waiting = false;
    if (!s)
        return;
    for (i = 0; i < 2; i++) {
        free(s->chunk[i].p);
        free(s->out[i].p);
    }
    if (s->inflates)
        inflateEnd(&s->z);
    free(s);
    m->stream = NULL;
    m->job->used -= m->reserved;
    m->reserved = 0;
}

static void
bad(struct member *m, const char *what)
{
    struct unpack_job *j = m->job;
    struct err e = {0};

    zdir_bad(&j->dir, m->entry, what, &e);
    unpack_fail(j, EIO, "%s: %s", j->source.name, e.text);
    member_leave(m);
}

/* ------------------------------------------------------------------ in */

static void run(struct member *m);

static void
on_chunk(struct call *c)
{
    struct member *m = c->owner;

    if (!member_back(m))
        return;
    if (c->e.err < 0) {
        unpack_fail_s3(m->job, "GET", NULL, &c->e);
    } else {
        m->stream->chunk[c->index].state = CHUNK_READY;
        run(m);
    }
}

static void
ask(struct member *m)
{
    struct stream *s = m->stream;
    struct chunk *k;
    struct call *c;

    while (s->next < s->end &&
           (k = &s->chunk[s->ask % 2])->state == CHUNK_FREE) {
        c = call_new(m->job, on_chunk, m);
        if (!c)
            return;
        k->n = (size_t)min_u64(s->chunk_size, s->end - s->next);
        k->used = 0;
        k->state = CHUNK_ASKED;
        c->index = s->ask++ % 2;
        m->calls++;
        call_get(c, s->next, k->n, k->p);
        s->next += k->n;
    }
}

/* ----------------------------------------------------------------- out */

static void
on_sent(struct call *c)
{
    struct member *m = c->owner;
    struct s3_done_part *p;
    struct stream *s = m->stream;

    m->up.cut |= c->e.err == -ECANCELED;
    if (!member_back(m))
        return;
    if (c->e.err < 0) {
        member_fail(m, "PUT", &c->e);
    } else {
        p = &m->up.part[c->index];
        p->etag = c->text;
        c->text = NULL;
        m->job->st.uploaded += s->out[c->index % 2].n;
        s->out[c->index % 2].n = 0;
        s->out[c->index % 2].busy = false;
        m->done++;
        run(m);
    }
}

static bool
send_part(struct member *m)
{
    struct stream *s = m->stream;
    struct out *o = &s->out[s->fill % 2];
    struct call *c = call_new(m->job, on_sent, m);
    struct s3_done_part *p = &m->up.part[s->number];
    struct s3_upload_args a = {
        .at = unpack_where(m->job, m->key),
        .upload_id = m->up.id,
        .number = s->number + 1,
        .body = &o->iov,
        .body_count = 1,
        .send_crc32 = m->up.crc,
        .crc32 = crc32_add(0, o->p, o->n),
    };

    if (!c)
        return false;
    o->iov = (struct iovec){o->p, o->n};
    o->busy = true;
    *p = (struct s3_done_part){
        .number = a.number, .have_crc32 = m->up.crc, .crc32 = a.crc32};
    c->index = s->number++;
    s->fill++;
    m->calls++;
    call_upload(c, &a);
    return true;
}

/* ------------------------------------------------------------- between */

/* Bytes of a chunk into a part; what is wrong, or NULL. */
static const char *
feed_stored(struct stream *s, struct chunk *k, struct out *o)
{
    size_t n = (size_t)min_u64(k->n - k->used, s->part_size - o->n);

    memcpy(o->p + o->n, k->p + k->used, n);
    k->used += n;
    o->n += n;
    return NULL;
}

/* When the size is reached, one byte more would show that it is wrong. */
static const char *
feed_deflated(struct stream *s, uint64_t size, struct chunk *k, struct out *o)
{
    uint64_t left = size - s->total;
    uint8_t more;
    int r;

    if (s->z_ended)
        return "bytes behind its compressed data";
    s->z.next_in = k->p + k->used;
    s->z.avail_in = (uInt)(k->n - k->used);
    s->z.next_out = left ? o->p + o->n : &more;
    s->z.avail_out = left ? (uInt)min_u64(left, s->part_size - o->n) : (uInt)1;
    r = inflate(&s->z, Z_NO_FLUSH);
    k->used = k->n - s->z.avail_in;
    if (left > 0)
        o->n = (size_t)(s->z.next_out - o->p);
    s->z_ended = r == Z_STREAM_END;
    if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
        return "its compressed data is damaged";
    return left == 0 && s->z.avail_out == 0 ? "it is longer than its size"
                                            : NULL;
}

static const char *
feed(struct member *m)
{
    struct stream *s = m->stream;
    struct chunk *k = &s->chunk[s->head % 2];
    struct out *o = &s->out[s->fill % 2];
    size_t had = o->n, used = k->used;
    const char *what =
        s->inflates
            ? feed_deflated(s, unpack_entry(m->job, m->entry)->size, k, o)
            : feed_stored(s, k, o);

    if (what)
        return what;
    s->crc = crc32_add(s->crc, o->p + had, o->n - had);
    s->total += o->n - had;
    s->in += k->used - used;
    if (k->used == k->n) {
        k->state = CHUNK_FREE;
        s->head++;
    }
    return NULL;
}

/* All of the body was eaten. */
static const char *
check_end(const struct stream *s, const struct zentry *z)
{
    if (s->inflates && !s->z_ended)
        return "its compressed data is cut";
    return s->total == z->size ? NULL : "it is shorter than its size";
}

/* One step; false: wait, or it has ended. */
static bool
step(struct member *m)
{
    const struct zentry *z = unpack_entry(m->job, m->entry);
    struct stream *s = m->stream;
    struct out *o = &s->out[s->fill % 2];
    const char *what = NULL;

    if (s->ended || o->busy)
        return false;
    if (o->n == s->part_size)
        return send_part(m);
    if (s->in == z->packed) {
        s->ended = true;
        what = check_end(s, z);
        if (!what && s->crc != z->crc)
            member_bad_crc(m, s->crc);
        else if (!what && (o->n > 0 || s->number == 0))
            send_part(m);
    } else if (s->chunk[s->head % 2].state == CHUNK_READY) {
        what = feed(m);
    } else {
        return false;
    }
    if (what)
        bad(m, what);
    return !what && !s->ended;
}

static void
run(struct member *m)
{
    struct stream *s = m->stream;

    do
        ask(m);
    while (!m->job->stop && step(m));
    if (m->job->stop)
        member_leave(m);
    else if (s->ended && m->done == s->number)
        member_complete(m);
}

/* ---------------------------------------------------------------- begin */

static void
on_created(struct upload *u)
{
    struct member *m = u->owner;

    if (!member_back(m))
        return;
    if (u->e.err < 0)
        member_fail(m, "POST", &u->e);
    else
        run(m);
}

static bool
make(struct member *m, uint64_t chunk, uint64_t part)
{
    const struct zentry *z = unpack_entry(m->job, m->entry);
    struct stream *s = m->stream = calloc(1, sizeof(*s));
    int i;

    m->job->used += m->reserved;
    if (!s) {
        m->job->used -= m->reserved;
        return false;
    }
    s->chunk_size = (size_t)chunk;
    s->part_size = (size_t)part;
    s->next = m->body;
    s->end = m->body + z->packed;
    for (i = 0; i < 2; i++) {
        s->chunk[i].p = malloc(s->chunk_size);
        s->out[i].p = malloc(s->part_size);
        if (!s->chunk[i].p || !s->out[i].p)
            return false;
    }
    if (z->method == ZDIR_STORED)
        return true;
    return s->inflates = inflateInit2(&s->z, -MAX_WBITS) == Z_OK;
}

/* Parts large enough for the member, at most what memory= allows. */
static uint64_t
part_size(const struct unpack_job *j, uint64_t size)
{
    uint64_t least = ceil_div_u64(size, S3_PARTS_MAX);
    uint64_t part = max_u64(min_u64(PART_LEAST, j->memory / 3), S3_PART_MIN);

    return max_u64(part, ceil_div_u64(least, MIB(1)) * MIB(1));
}

void
stream_begin(struct member *m)
{
    struct unpack_job *j = m->job;
    const struct zentry *z = unpack_entry(j, m->entry);
    uint64_t part = part_size(j, z->size);
    uint64_t chunk = min_u64(min_u64(j->memory / 16, MIB(4)), z->packed + 1);

    m->reserved = 2 * (chunk + part);
    if (m->reserved > j->memory) {
        m->reserved = 0;
        bad(m, "too large to pass through so little memory=");
        return;
    }
    m->waiting = j->used > 0 && j->used + m->reserved > j->memory;
    if (m->waiting) {
        m->reserved = 0;
        return;
    }
    if (!make(m, chunk, part)) {
        unpack_fail(j, ENOMEM, "out of memory");
        member_leave(m);
        return;
    }
    m->next = m->done = 0;
    m->calls++;
    unpack_upload_create(
        &m->up, (uint32_t)max_u64(1, ceil_div_u64(z->size, part)), on_created);
}
