/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Parts from bytes that pass through: a large deflated member, or a stored
 * one where the store copies no parts.  Two ranges of the archive and two
 * parts are in memory: one of each is on its way while the other one is
 * worked on.  Neither the compression nor the claimed size can make it more.
 * Called by member.c; calls s3/upload.h and source.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/crc32.h"
#include "extract/member.h"

struct stream {
    struct member *m;
    uint64_t reserved; /* bytes of memory= */
    z_stream z;
    bool inflates, z_ended;
    /* In. */
    uint8_t *chunk[2];
    size_t chunk_size;
    struct ahead ahead;
    /* Out: part[number % 2] is being filled, the other one is sent. */
    uint8_t *part[2];
    size_t part_size, filled;
    uint32_t number;
    uint64_t total; /* bytes made */
    uint32_t crc;
    /* What the sending thread has. */
    pthread_t thread;
    bool sends;
    struct iovec body;
    int r;
};

/* ----------------------------------------------------------------- open */

/* Parts large enough for the member, at most what memory= allows. */
static uint64_t
part_size(const struct unpack *j, uint64_t size)
{
    const struct extract_limits *l = j->limits;
    uint64_t least = ceil_div_u64(size, l->parts_max);
    uint64_t part =
        max_u64(min_u64(l->part_least, j->d->conf->memory / 3), l->part_min);

    /* Whole MiB, if the usual size is not enough. */
    return least <= part ? part : ceil_div_u64(least, MIB(1)) * MIB(1);
}

int
stream_open(struct stream **ret, struct member *m)
{
    struct unpack *j = m->job;
    uint64_t memory = j->d->conf->memory;
    uint64_t part = part_size(j, m->z->size);
    uint64_t chunk =
        max_u64(1, min_u64(min_u64(memory / 16, MIB(4)), m->z->packed));
    struct stream *s;
    int i;

    if (2 * (chunk + part) > memory)
        return unpack_fail_entry(
            j, m->entry, EIO, "too large to pass through so little memory=");
    s = *ret = calloc(1, sizeof(*s));
    if (!s)
        return unpack_no_memory(j);
    s->m = m;
    s->chunk_size = (size_t)chunk;
    s->part_size = (size_t)part;
    s->reserved = 2 * (chunk + part);
    budget_take(&j->memory, s->reserved);
    for (i = 0; i < 2; i++) {
        s->chunk[i] = malloc(s->chunk_size);
        s->part[i] = malloc(s->part_size);
        if (!s->chunk[i] || !s->part[i])
            return unpack_no_memory(j);
    }
    if (m->z->method == ZDIR_STORED)
        return 0;
    s->inflates = inflateInit2(&s->z, -MAX_WBITS) == Z_OK;
    return s->inflates ? 0 : unpack_no_memory(j);
}

uint64_t
stream_parts(const struct stream *s)
{
    return max_u64(1, ceil_div_u64(s->m->z->size, s->part_size));
}

void
stream_close(struct stream *s)
{
    int i;

    if (!s)
        return;
    for (i = 0; i < 2; i++) {
        free(s->chunk[i]);
        free(s->part[i]);
    }
    if (s->inflates)
        inflateEnd(&s->z);
    budget_give(&s->m->job->memory, s->reserved);
    free(s);
}

/* ------------------------------------------------------------------ out */

static void *
send_main(void *user)
{
    struct stream *s = user;
    struct member *m = s->m;
    struct s3_upload_args a = {
        .number = s->number,
        .body = &s->body,
        .body_count = 1,
        .send_crc32 = m->up.crc32,
    };
    struct s3_reply reply;

    a.crc32 = crc32_add(0, s->body.iov_base, s->body.iov_len);
    s->r = upload_part(&m->up, &a, &reply);
    if (s->r < 0) {
        unpack_fail_s3(m->job, "PUT", m->key, &reply.e);
        return NULL;
    }
    unpack_moved(m->job, 0, s->body.iov_len);
    reply.have_crc32 = m->up.crc32;
    reply.crc32 = a.crc32;
    s->r = member_part(m, a.number, &reply);
    return NULL;
}

/* The part that is on its way has arrived, or not. */
static int
sent(struct stream *s)
{
    if (s->sends)
        pthread_join(s->thread, NULL);
    s->sends = false;
    return s->r;
}

/* The one that was filled; the one before it has arrived then. */
static int
send_part(struct stream *s)
{
    int r = sent(s);

    if (r < 0)
        return r;
    s->body = (struct iovec){s->part[s->number % 2], s->filled};
    s->number++;
    s->filled = 0;
    s->sends = pthread_create(&s->thread, NULL, send_main, s) == 0;
    if (!s->sends)
        send_main(s);
    return 0;
}

/* n bytes were made behind those of the part. */
static void
made(struct stream *s, size_t n)
{
    s->crc = crc32_add(s->crc, s->part[s->number % 2] + s->filled, n);
    s->filled += n;
    s->total += n;
}

/* ------------------------------------------------------------------- in */

static int
read_chunk(void *user, uint64_t k, unsigned slot)
{
    struct stream *s = user;
    struct member *m = s->m;
    uint64_t at = k * s->chunk_size;
    size_t n = (size_t)min_u64(s->chunk_size, m->z->packed - at);
    struct s3_error e;

    if (source_get(&m->job->source, m->body + at, s->chunk[slot], n, &e) < 0)
        return unpack_fail_s3(m->job, "GET", NULL, &e);
    return 0;
}

static int
pass_stored(struct stream *s, const uint8_t *p, size_t n)
{
    int r = 0;

    while (n > 0 && r == 0) {
        size_t some = (size_t)min_u64(n, s->part_size - s->filled);

        memcpy(s->part[s->number % 2] + s->filled, p, some);
        made(s, some);
        p += some;
        n -= some;
        if (s->filled == s->part_size)
            r = send_part(s);
    }
    return r;
}

/* All that n more bytes of it give.  When the size is reached, one byte more
 * would show that it is wrong. */
static int
pass_deflated(struct stream *s, const uint8_t *p, size_t n)
{
    struct member *m = s->m;
    z_stream *z = &s->z;
    uint8_t more;
    int r = 0, got;

    z->next_in = (uint8_t *)p;
    z->avail_in = (uInt)n;
    while (r == 0 && !s->z_ended) {
        uint64_t left = m->z->size - s->total;
        size_t room = (size_t)min_u64(left, s->part_size - s->filled);

        z->next_out = left ? s->part[s->number % 2] + s->filled : &more;
        z->avail_out = left ? (uInt)room : 1;
        got = inflate(z, Z_NO_FLUSH);
        if (left == 0 && z->avail_out == 0)
            return unpack_fail_entry(m->job, m->entry, EIO,
                                     "it is longer than its size");
        if (left > 0)
            made(s, room - z->avail_out);
        s->z_ended = got == Z_STREAM_END;
        if (got != Z_OK && got != Z_STREAM_END && got != Z_BUF_ERROR)
            return unpack_fail_entry(m->job, m->entry, EIO,
                                     "its compressed data is damaged");
        /* With room left it has nothing more to give. */
        if (z->avail_out > 0 && z->avail_in == 0)
            break;
        if (s->filled == s->part_size)
            r = send_part(s);
    }
    if (r == 0 && s->z_ended && z->avail_in > 0)
        return unpack_fail_entry(m->job, m->entry, EIO,
                                 "bytes behind its compressed data");
    return r;
}

/* All of the body was eaten. */
static int
check_end(struct stream *s)
{
    struct member *m = s->m;

    if (s->inflates && !s->z_ended)
        return unpack_fail_entry(m->job, m->entry, EIO,
                                 "its compressed data is cut");
    if (s->total != m->z->size)
        return unpack_fail_entry(m->job, m->entry, EIO,
                                 "it is shorter than its size");
    if (s->crc != m->z->crc)
        return unpack_fail_crc(m->job, m->entry, s->crc);
    return 0;
}

int
stream_send(struct stream *s)
{
    struct member *m = s->m;
    uint64_t chunks = ceil_div_u64(m->z->packed, s->chunk_size), k;
    unsigned slot;
    int r = ahead_begin(&s->ahead, chunks, 2, read_chunk, s), last;

    if (r < 0)
        unpack_fail(m->job, -r, "cannot start a thread");
    for (k = 0; k < chunks && r == 0; k++) {
        r = ahead_take(&s->ahead, &slot);
        if (r == 0) {
            size_t n = (size_t)min_u64(s->chunk_size,
                                       m->z->packed - k * s->chunk_size);

            r = s->inflates ? pass_deflated(s, s->chunk[slot], n)
                            : pass_stored(s, s->chunk[slot], n);
        }
    }
    if (r == 0)
        r = check_end(s);
    if (r == 0 && (s->filled > 0 || s->number == 0))
        r = send_part(s);
    ahead_end(&s->ahead);
    last = sent(s);
    return r < 0 ? r : last;
}
