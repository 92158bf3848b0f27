/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Members below the floor of a part: neighbours come in one ranged GET, and
 * each goes out by one PutObject from the buffer that it came in.  Must not
 * know uploads.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "extract/unpack.h"

enum { RUN_PUTS = 8, RUN_MEMBERS = 1000 };
/* Bytes between two members that are rather read than asked around. */
#define GAP KIB(64)

struct run {
    TAILQ_ENTRY(run) link;
    struct unpack_job *job;
    bool loaded;
    uint8_t *p;
    uint64_t first, end; /* bytes of the archive */
    uint64_t reserved;
    uint64_t k, stop; /* order[]: next to put, end */
    unsigned puts;
};

/* One member on its way out. */
struct item {
    struct run *run;
    uint32_t entry;
    char *key;
    uint8_t *out; /* inflated; or NULL: in the run's buffer */
    struct iovec body;
    unsigned busy;
};

static void run_more(struct run *r);

/* Bytes that a run may take, inflated ones included. */
static uint64_t
run_max(const struct unpack_job *j)
{
    return max_u64(min_u64(j->memory / 4, MIB(8)), MIB(6));
}

/* Of the archive, where header and body of order[k] surely end: what a
 * local extra field may add is not known yet. */
static uint64_t
span_end(const struct unpack_job *j, uint64_t k)
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
small_fits(const struct unpack_job *j, uint64_t k)
{
    const struct zentry *z = unpack_entry(j, j->order[k]);

    if (z->method == ZDIR_STORED)
        return z->size < S3_PART_MIN;
    return z->size <= run_max(j) && z->packed <= run_max(j) &&
           span_end(j, k) - z->offset + inflated(z) <= run_max(j);
}

/* ------------------------------------------------------------------ end */

static void
run_free(struct run *r)
{
    struct unpack_job *j = r->job;

    TAILQ_REMOVE(&j->running, r, link);
    j->used -= r->reserved;
    j->runs--;
    free(r->p);
    free(r);
}

static void
item_free(struct item *i)
{
    struct run *r = i->run;

    r->puts--;
    r->job->puts--;
    free(i->out);
    free(i->key);
    free(i);
    run_more(r);
}

/* ------------------------------------------------------------------ put */

static void put(struct item *i);

static void
on_compared(void *user, int r)
{
    struct item *i = user;
    struct unpack_job *j = i->run->job;

    if (r == 0)
        unpack_done(j, i->entry, true);
    else if (r == -EEXIST || r == -ENOENT)
        unpack_fail(j, EEXIST, "%s: somebody else wrote it meanwhile", i->key);
    item_free(i);
}

static void
on_again(struct call *c)
{
    struct item *i = c->owner;

    if (i->run->job->stop)
        item_free(i);
    else
        put(i);
}

static void
on_put(struct call *c)
{
    struct item *i = c->owner;
    struct unpack_job *j = i->run->job;
    struct call *again;

    if (c->e.err == 0) {
        j->st.uploaded += i->body.iov_len;
        unpack_done(j, i->entry, false);
    } else if (j->stop) {
        ;
    } else if (c->e.err == -EEXIST || c->e.err == -EINPROGRESS) {
        there_compare(j, i->entry, i->key, on_compared, i);
        return;
    } else if (c->e.err == -EBUSY && i->busy++ < UNPACK_BUSY_MAX &&
               (again = call_new(j, on_again, i))) {
        call_later(again, 200u << i->busy);
        return;
    } else {
        unpack_fail_s3(j, "PUT", i->key, &c->e);
    }
    item_free(i);
}

static void
put(struct item *i)
{
    struct unpack_job *j = i->run->job;
    struct s3_put_args a = {
        .at = unpack_where(j, i->key),
        .body = &i->body,
        .body_count = 1,
        .send_crc32 = true,
        .crc32 = unpack_entry(j, i->entry)->crc,
        .if_none_match = !j->d->conf->overwrite,
    };
    struct call *c = call_new(j, on_put, i);

    if (c)
        call_put(c, &a);
    else
        item_free(i);
}

/* ----------------------------------------------------------------- body */

/* From i->body.iov_base on; NULL, or what is wrong with it. */
static const char *
find_body(struct run *r, struct item *i, char what[64])
{
    const struct zentry *z = unpack_entry(r->job, i->entry);
    const uint8_t *p = i->body.iov_base;
    const char *bad;
    uint32_t crc;

    if (z->method != ZDIR_STORED) {
        i->out = malloc(z->size + 1);
        if (!i->out)
            return "out of memory";
        bad = inflate_whole(p, z->packed, i->out, z->size);
        if (bad)
            return bad;
        i->body.iov_base = i->out;
    }
    i->body.iov_len = z->size;
    crc = crc32_add(0, i->body.iov_base, z->size);
    snprintf(what, 64, "CRC-32 is %08x, not %08x", crc, z->crc);
    return crc == z->crc ? NULL : what;
}

static int
check_item(struct run *r, uint64_t k, struct item *i)
{
    struct unpack_job *j = r->job;
    const struct zentry *z = unpack_entry(j, i->entry);
    uint64_t limit = min_u64(unpack_limit(j, k), r->end), body;
    struct err e = {0};
    char buffer[64];
    const char *what;
    int got = zdir_check_any(&j->dir, i->entry, r->p + (z->offset - r->first),
                             limit, &body, &e);

    if (got == 0) {
        i->body.iov_base = r->p + (body - r->first);
        what = find_body(r, i, buffer);
        if (what)
            got = zdir_bad(&j->dir, i->entry, what, &e);
    }
    if (got < 0)
        unpack_fail(j, e.num, "%s: %s", j->source.name, e.text);
    return got;
}

static void
put_next(struct run *r)
{
    struct unpack_job *j = r->job;
    struct item *i = calloc(1, sizeof(*i));
    uint64_t k = r->k++;

    if (!i) {
        unpack_fail(j, ENOMEM, "out of memory");
        return;
    }
    i->run = r;
    i->entry = j->order[k];
    r->puts++;
    j->puts++;
    i->key = unpack_key(j, i->entry);
    if (i->key && check_item(r, k, i) == 0)
        put(i);
    else
        item_free(i);
}

static bool
is_wanted(const struct unpack_job *j, uint64_t k)
{
    return j->state[j->order[k]] == ENTRY_WANTED && small_fits(j, k);
}

/* Frees r at its end: the caller's last look at it. */
static void
run_more(struct run *r)
{
    struct unpack_job *j = r->job;

    r->puts++; /* r stays while this goes on */
    for (; !j->stop && r->k < r->stop && r->puts <= RUN_PUTS &&
           j->puts < UNPACK_PUTS;) {
        if (is_wanted(j, r->k))
            put_next(r);
        else
            r->k++;
    }
    r->puts--;
    if (r->puts == 0 && (j->stop || r->k >= r->stop))
        run_free(r);
}

void
small_more(struct unpack_job *j)
{
    struct run *r, *next;

    for (r = TAILQ_FIRST(&j->running); r; r = next) {
        next = TAILQ_NEXT(r, link);
        if (r->loaded)
            run_more(r);
    }
}

/* ---------------------------------------------------------------- start */

static void
on_run(struct call *c)
{
    struct run *r = c->owner;

    r->loaded = true;
    if (c->e.err < 0)
        unpack_fail_s3(r->job, "GET", NULL, &c->e);
    run_more(r);
}

/* The members from order[k] on that one GET brings. */
static void
measure(struct unpack_job *j, struct run *r)
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

bool
small_start(struct unpack_job *j)
{
    struct run r = {.job = j}, *run;
    struct call *c;

    while (j->next_small < j->dir.count && !is_wanted(j, j->next_small))
        j->next_small++;
    if (j->next_small == j->dir.count || j->runs >= UNPACK_RUNS)
        return false;
    r.k = j->next_small;
    measure(j, &r);
    if (j->used > 0 && j->used + r.reserved > j->memory)
        return false;
    run = malloc(sizeof(*run));
    r.p = malloc(r.end - r.first);
    c = run && r.p ? call_new(j, on_run, run) : NULL;
    if (!c) {
        free(run);
        free(r.p);
        unpack_fail(j, ENOMEM, "out of memory");
        return false;
    }
    *run = r;
    TAILQ_INSERT_TAIL(&j->running, run, link);
    j->next_small = r.stop;
    j->used += r.reserved;
    j->runs++;
    call_get(c, r.first, r.end - r.first, r.p);
    return true;
}
