/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Is the finished object right?  By the store's own CRC-32 of the whole,
 * else by size and by reading back what was uploaded (the central
 * directory is), or all of it.  A wrong object does not stay: attempt.c,
 * which calls this.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "publish/job.h"
#include "publish/share.h"

enum { CHECKS_MAX = 8 };

struct check {
    uint64_t first, len;
    uint32_t want, crc;
};
struct checks {
    struct attempt *at;
    struct check *check;
    size_t count;
    bool full; /* the CRCs are joined, and compared as one */
};

/* Bytes, or what the store says of them. */
static int __attribute__((format(printf, 2, 3)))
wrong(struct attempt *at, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    at->wrong = true;
    return job_fail(at->j, EIO, "%s", text);
}

/* The archive was there, and now it is another's object: that stays. */
static int
taken(struct attempt *at)
{
    at->finished = false;
    return job_fail(at->j, EEXIST,
                    "the destination was written by another meanwhile");
}

/* ------------------------------------------------------------ read back */

static int
add_data(void *user, const void *p, size_t n)
{
    uint32_t *crc = user;

    *crc = crc32_add(*crc, p, n);
    return 0;
}

static int
read_back(void *user, size_t i)
{
    struct checks *c = user;
    struct check *k = &c->check[i];
    struct publish_job *j = c->at->j;
    struct s3_where where = job_where(j);
    struct s3_get_args a = {
        .at = where,
        .etag = c->at->done.etag,
        .first = k->first,
        .length = k->len,
        .on_data = add_data,
    };
    struct s3_reply o;
    int r = s3_get_wait(j->p->d.s3_dest, j->scope, &a, &k->crc, &o);

    job_retries(j, &o.e);
    if (r == -ESTALE)
        return taken(c->at);
    if (r < 0)
        return job_fail_s3(j, &o.e, "GET", &where);
    job_count(j, &j->st.downloaded, k->len);
    if (!c->full && k->crc != k->want)
        return wrong(c->at,
                     "read back, bytes %llu to %llu are not what was uploaded",
                     (unsigned long long)k->first,
                     (unsigned long long)(k->first + k->len - 1));
    return 0;
}

static int
compare_whole(const struct checks *c)
{
    struct publish_job *j = c->at->j;
    uint32_t crc = 0;
    size_t i;

    for (i = 0; i < c->count; i++)
        crc = crc_join(crc, c->check[i].crc, c->check[i].len);
    if (!j->have_whole)
        return job_fail(j, EIO, "its CRC-32 is not known");
    if (crc != j->whole)
        return wrong(c->at, "read back, its CRC-32 is %08x, not %08x", crc,
                     j->whole);
    return 0;
}

/* ---------------------------------------------------------- what is read */

static void
list_full(struct checks *c, uint64_t size)
{
    uint64_t len = plan_read_back_full(size), at;

    for (at = 0; at < size; at += len)
        c->check[c->count++] =
            (struct check){.first = at, .len = min_u64(len, size - at)};
}

static int
check_cmp(const void *a, const void *b)
{
    const struct check *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

/* Neighbours become one range, but not a large one.  plan/ counts them. */
static void
join_neighbours(struct checks *c)
{
    struct check *to = c->check, *k;
    size_t i;

    if (c->count == 0)
        return;
    qsort(c->check, c->count, sizeof(*c->check), check_cmp);
    for (i = 1; i < c->count; i++) {
        k = &c->check[i];
        if (plan_read_back_joins(to->first, to->first + to->len, k->first,
                                 k->first + k->len)) {
            to->want = crc_join(to->want, k->want, k->len);
            to->len += k->len;
        } else {
            *++to = *k;
        }
    }
    c->count = (size_t)(to - c->check) + 1;
}

/* What was uploaded, into whichever object, is known by its CRC. */
static void
list_uploaded(struct checks *c)
{
    const struct attempt *at = c->at;
    uint32_t n;

    for (n = 0; n < at->parts; n++) {
        const struct plan_part *pp = part_plan(at, n);

        if (pp->kind == PLAN_UPLOAD)
            c->check[c->count++] = (struct check){
                .first = pp->first,
                .len = pp->end - pp->first,
                .want = at->sent[n].crc,
            };
    }
    join_neighbours(c);
}

static int
read_all_back(struct attempt *at, bool full, const char **ret_word)
{
    struct publish_job *j = at->j;
    uint64_t size = job_zip(j)->size, sum = 0;
    struct checks c = {.at = at, .full = full};
    size_t most = full ? ceil_div_u64(size, plan_read_back_full(size))
                       : at->parts;
    size_t i;
    int r;

    c.check = calloc(most + 1, sizeof(*c.check));
    if (!c.check)
        return job_fail(j, ENOMEM, "out of memory");
    if (full)
        list_full(&c, size);
    else
        list_uploaded(&c);
    for (i = 0; i < c.count; i++)
        sum += c.check[i].len;
    r = each(CHECKS_MAX, c.count, read_back, &c);
    if (r == 0 && full)
        r = compare_whole(&c);
    free(c.check);
    *ret_word = sum == size ? "full" : "readback-headers";
    return r;
}

/* -------------------------------------------------------------- verdict */

static int
look_at_done(struct attempt *at, struct s3_reply *o)
{
    struct publish_job *j = at->j;
    struct s3_where where = job_where(j);
    struct s3_head_args a = {.at = where, .checksum = true};
    int r = s3_head_wait(j->p->d.s3_dest, j->scope, &a, o);

    job_retries(j, &o->e);
    if (r < 0)
        return job_fail_s3(j, &o->e, "HEAD", &where);
    if (strcmp(o->etag, at->done.etag) != 0)
        return taken(at);
    if (o->size != job_zip(j)->size)
        return wrong(at, "the finished object has %llu bytes, not %llu",
                     (unsigned long long)o->size,
                     (unsigned long long)job_zip(j)->size);
    if (at->crc && o->have_crc32 && o->crc32 != j->whole)
        return wrong(at, "the store's CRC-32 is %08x, not %08x", o->crc32,
                     j->whole);
    return 0;
}

/* By the store's word alone? */
static bool
is_proved(const struct attempt *at, const struct s3_reply *o)
{
    return at->crc && o->have_crc32 && o->crc32 == at->j->whole;
}

int
verify(struct attempt *at, const char **ret_word)
{
    struct publish_job *j = at->j;
    bool full = j->lessons.read_all ||
                j->p->d.conf->verify == CONF_VERIFY_FULL ||
                (j->share && !at->crc); /* who knows what others sent */
    struct s3_reply o;
    int r;

    if (at->crc && !at->done.have_crc32 && !at->found)
        publisher_learn(j->p, &j->p->caps.no_complete_crc,
                        "no CRC of what was completed; it is looked at");
    if (!is_proved(at, &at->done) || full) {
        r = look_at_done(at, &o);
        if (r < 0)
            return r;
        if (!is_proved(at, &o) || full)
            return read_all_back(at, full, ret_word);
    }
    *ret_word = "store-crc";
    if (at->parts > 0 && at->plan.totals.copied > 0)
        publisher_learn(j->p, &j->p->caps.copies_good,
                        "the CRC of an archive with copied parts was "
                        "checked by the store");
    return 0;
}
