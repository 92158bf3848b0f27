/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Members below the floor of a part: neighbours come in one ranged GET, and
 * each goes out by one PutObject from the buffer that it came in.  Called by
 * unpack.c on each of its threads; calls s3/sync.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/crc32.h"
#include "extract/unpack.h"

enum { RUN_MEMBERS = 1000 };
/* Bytes between two members that are rather read than asked around. */
#define GAP KIB(64)

struct run {
    struct unpack *job;
    uint8_t *p;
    uint64_t first, end; /* bytes of the archive */
    uint64_t reserved;   /* of memory= */
    uint64_t k, stop;    /* order[] */
};

/* -------------------------------------------------------------- measure */

/* Bytes that a run may take, inflated ones included. */
static uint64_t
run_max(const struct unpack *j)
{
    return max_u64(min_u64(j->d->conf->memory / 4, MIB(8)),
                   j->limits->run_least);
}

/* Of the archive, where header and body of order[k] surely end: what a
 * local extra field may add is not known yet. */
static uint64_t
span_end(const struct unpack *j, uint64_t k)
{
    const struct zentry *z = unpack_entry(j, j->order[k]);

    return min_u64(unpack_limit(j, k), z->offset + ZDIR_LOCAL_LEN +
                                           z->name_len + z->packed + 0xffff);
}

static uint64_t
inflated(const struct zentry *z)
{
    return z->method == ZDIR_STORED ? 0 : z->size + 1;
}

bool
small_fits(const struct unpack *j, uint64_t k)
{
    const struct zentry *z = unpack_entry(j, j->order[k]);

    if (z->method == ZDIR_STORED)
        return z->size < j->limits->part_min;
    return z->size <= run_max(j) && z->packed <= run_max(j) &&
           span_end(j, k) - z->offset + inflated(z) <= run_max(j);
}

static bool
is_wanted(const struct unpack *j, uint64_t k)
{
    return small_fits(j, k) && j->state[j->order[k]] == ENTRY_WANTED;
}

/* The members from order[k] on that one GET brings. */
static void
measure(const struct unpack *j, struct run *r)
{
    uint64_t k = r->k, end, extra;
    unsigned n = 0;

    r->first = unpack_entry(j, j->order[k])->offset;
    r->end = r->first;
    for (; k < j->dir.count && n < RUN_MEMBERS; k++) {
        const struct zentry *z = unpack_entry(j, j->order[k]);

        if (!is_wanted(j, k))
            continue;
        end = span_end(j, k);
        extra = r->reserved + inflated(z);
        if (n > 0 &&
            (z->offset > r->end + GAP || end - r->first + extra > run_max(j)))
            break;
        r->end = end;
        r->reserved = extra;
        r->stop = k + 1;
        n++;
    }
    r->reserved += r->end - r->first;
}

/* The next run; false: there is none. */
static bool
take_run(struct unpack *j, struct run *ret)
{
    LOCK_SCOPE(&j->lock);

    while (j->next_small < j->dir.count && !is_wanted(j, j->next_small))
        j->next_small++;
    if (j->next_small == j->dir.count)
        return false;
    *ret = (struct run){.job = j, .k = j->next_small};
    measure(j, ret);
    j->next_small = ret->stop;
    return true;
}

/* ----------------------------------------------------------------- body */

const char *
inflate_whole(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
    z_stream z = {0};
    int r;

    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return "out of memory";
    z.next_in = (uint8_t *)in;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)size;
    r = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    if (r == Z_BUF_ERROR || r == Z_OK)
        return z.avail_in == 0 ? "its compressed data is cut"
                               : "it is longer than its size";
    if (r != Z_STREAM_END)
        return "its compressed data is damaged";
    if (z.avail_in > 0)
        return "bytes behind its compressed data";
    return z.avail_out > 0 ? "it is shorter than its size" : NULL;
}

/* Header and body of order[k] in the run's buffer: where its bytes are, or
 * in *inflated if they were deflated (the caller frees). */
static int
find_body(const struct run *r, uint64_t k, const uint8_t **ret,
          uint8_t **ret_inflated)
{
    struct unpack *j = r->job;
    uint32_t entry = j->order[k], crc;
    const struct zentry *z = unpack_entry(j, entry);
    const char *what;
    struct err e;
    uint64_t body;

    if (zdir_check_any(&j->dir, entry, r->p + (z->offset - r->first),
                       min_u64(unpack_limit(j, k), r->end), &body, &e) < 0)
        return unpack_fail(j, e.num, "%s: %s", j->source.name, e.text);
    *ret = r->p + (body - r->first);
    if (z->method != ZDIR_STORED) {
        *ret_inflated = malloc(z->size + 1);
        if (!*ret_inflated)
            return unpack_no_memory(j);
        what = inflate_whole(*ret, z->packed, *ret_inflated, z->size);
        if (what)
            return unpack_fail_entry(j, entry, EIO, what);
        *ret = *ret_inflated;
    }
    crc = crc32_add(0, *ret, z->size);
    return crc == z->crc ? 0 : unpack_fail_crc(j, entry, crc);
}

/* ------------------------------------------------------------------ put */

static int
put(struct unpack *j, uint32_t entry, const char *key, const uint8_t *p)
{
    const struct zentry *z = unpack_entry(j, entry);
    struct iovec body = {(void *)p, z->size};
    struct s3_put_args a = {
        .at = unpack_where(j, key),
        .body = &body,
        .body_count = 1,
        .send_crc32 = true,
        .crc32 = z->crc,
        .if_none_match = !j->d->conf->overwrite,
    };
    struct s3_reply reply;
    unsigned busy = 0;
    int r;

    for (;;) {
        budget_take(&j->puts, 1);
        r = s3_put_wait(j->d->s3, j->scope, &a, &reply);
        budget_give(&j->puts, 1);
        if (r != -EBUSY || busy++ == UNPACK_BUSY_MAX ||
            scope_sleep(j->scope, 200u << busy) < 0)
            break;
    }
    if (r == -EEXIST || r == -EINPROGRESS)
        return existing_settle(j, entry, key);
    if (r < 0)
        return unpack_fail_s3(j, "PUT", key, &reply.e);
    unpack_moved(j, 0, z->size);
    unpack_done(j, entry, false);
    return 0;
}

static int
extract_one(void *user, uint64_t i)
{
    const struct run *r = user;
    struct unpack *j = r->job;
    uint64_t k = r->k + i;
    CLEANUP_FREE char *key = NULL;
    CLEANUP_FREE uint8_t *inflated_body = NULL;
    const uint8_t *body;
    int e;

    if (!is_wanted(j, k))
        return 0;
    key = unpack_key(j, j->order[k]);
    if (!key)
        return -ENOMEM;
    e = find_body(r, k, &body, &inflated_body);
    return e < 0 ? e : put(j, j->order[k], key, body);
}

int
small_extract(struct unpack *j)
{
    struct run run;
    struct s3_error e;
    int r = 0;

    if (!take_run(j, &run))
        return 1;
    budget_take(&j->memory, run.reserved);
    run.p = malloc(run.end - run.first);
    if (!run.p)
        r = unpack_no_memory(j);
    else if (source_get(&j->source, run.first, run.p, run.end - run.first,
                        &e) < 0)
        r = unpack_fail_s3(j, "GET", NULL, &e);
    if (r == 0)
        r = side_each(run.stop - run.k, UNPACK_RUN_PUTS, extract_one, &run);
    free(run.p);
    budget_give(&j->memory, run.reserved);
    return r;
}
