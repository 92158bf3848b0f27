/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Is the finished object right?  By the store's own CRC-32 of the whole,
 * else by size and by reading back what was uploaded (the central
 * directory is), or all of it.  A wrong object does not stay: clean.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32.h"
#include "publish/job.h"

struct check {
    struct event ev;
    struct publish_job *job;
    uint64_t first, len;
    bool expect; /* crc must be want */
    uint32_t want, crc;
    s3_id id;
    struct s3_error *e; /* malloc, NULL = no error */
    bool failed;
};

/* ----------------------------------------------------------------- end */

void
settle_run(struct publish_job *j)
{
    struct state *st = j->p->d.state;
    const char *endpoint = s3_endpoint_id(j->p->d.s3_dest);

    journal_over(j);
    if (!j->share && !j->resumed)
        rates_note(st, endpoint, &j->sample);
    publisher_tell(j->p);
    former_save(st, endpoint, j->bucket, j->key, j->key_len, j->done.etag,
                j->layout);
}

static const char *
verified_word(const struct publish_job *j)
{
    size_t i;
    uint64_t sum = 0;

    if (j->check_count == 0)
        return "store-crc";
    for (i = 0; i < j->check_count; i++)
        sum += j->check[i].len;
    return sum == job_zip(j)->size ? "full" : "readback-headers";
}

static void
on_settled(struct publish_job *j)
{
    j->row = j->twins = 0; /* the numbers may be others' by now */
    if (j->stop)
        return; /* a last moment's abort, too late */
    if (j->check_count == 0 && j->bodies > 0)
        publisher_learn(j->p, &j->p->caps.copies_good,
                        "the CRC of an archive with copied parts was "
                        "checked by the store");
    job_done(j, verified_word(j), false);
}

/* A row whose scratch objects stayed is somebody's work, later. */
static void
on_scratch_gone(struct publish_job *j)
{
    if (atomic_load(&j->scratch_kept))
        j->row_kept = true;
    job_work(j, &j->work, settle_run, on_settled);
}

static void
verify_over(struct publish_job *j)
{
    j->phase = PHASE_END;
    if (j->share)
        share_settle(j, on_scratch_gone);
    else
        stages_clean(j, on_scratch_gone);
}

/* ------------------------------------------------------------ readback */

/* The archive was there, and now it is another's object: that stays. */
static void
dest_taken(struct publish_job *j)
{
    j->finished = false;
    job_fail(j, EEXIST, "the destination was written by another meanwhile");
}

/* Bytes, or what the store says of them. */
static void __attribute__((format(printf, 2, 3)))
dest_wrong(struct publish_job *j, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    j->wrong = true;
    job_fail(j, EIO, "%s", text);
}

static void
on_checked(struct publish_job *j, struct event *ev)
{
    struct check *k = (struct check *)ev;

    k->id = 0;
    j->inflight--;
    j->check_busy--;
    j->check_done++;
    if (j->stop)
        return;
    job_count(j, &j->st.downloaded, k->len);
    if (k->e && k->e->err == -ESTALE)
        dest_taken(j);
    else if (k->e)
        job_fail_s3(j, k->e, "GET");
    else if (k->failed)
        job_fail(j, ENOMEM, "out of memory");
    else if (k->expect && k->crc != k->want)
        dest_wrong(j,
                   "read back, bytes %llu to %llu are not what was uploaded",
                   (unsigned long long)k->first,
                   (unsigned long long)(k->first + k->len - 1));
}

static int
check_data(void *user, const void *p, size_t n)
{
    struct check *k = user;

    k->crc = crc32_add(k->crc, p, n);
    return 0;
}

static void
check_cb(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct check *k = user;

    (void)o;
    if (e->err < 0) {
        k->e = malloc(sizeof(*k->e));
        if (k->e)
            *k->e = *e;
        k->failed = true;
    }
    job_post(k->job, &k->ev, on_checked);
}

static void
check_send(struct publish_job *j, struct check *k)
{
    struct s3_get_args a = {
        .at = job_where(j),
        .etag = j->done.etag,
        .first = k->first,
        .length = k->len,
        .on_data = check_data,
    };

    j->inflight++;
    j->check_busy++;
    k->id = s3_get(j->p->d.s3_dest, &a, check_cb, k);
}

static void
check_whole(struct publish_job *j)
{
    uint32_t crc = 0;
    size_t i;

    for (i = 0; i < j->check_count; i++)
        crc = crc_join(crc, j->check[i].crc, j->check[i].len);
    if (!j->have_whole)
        job_fail(j, EIO, "its CRC-32 is not known");
    else if (crc != j->whole)
        dest_wrong(j, "read back, its CRC-32 is %08x, not %08x", crc,
                   j->whole);
}

void
verify_step(struct publish_job *j)
{
    while (j->check_busy < CHECKS_MAX && j->check_next < j->check_count)
        check_send(j, &j->check[j->check_next++]);
    if (j->check_done < j->check_count)
        return;
    if (!j->check[0].expect)
        check_whole(j);
    if (!j->stop)
        verify_over(j);
}

static struct check *
check_add(struct publish_job *j, uint64_t first, uint64_t len)
{
    struct check *k = &j->check[j->check_count++];

    k->job = j;
    k->first = first;
    k->len = len;
    return k;
}

static int
checks_full(struct publish_job *j)
{
    uint64_t size = job_zip(j)->size, at;
    uint64_t len = plan_read_back_full(size);

    j->check = calloc(ceil_div_u64(size, len), sizeof(*j->check));
    if (!j->check)
        return -ENOMEM;
    for (at = 0; at < size; at += len)
        check_add(j, at, min_u64(len, size - at));
    return 0;
}

static int
check_cmp(const void *a, const void *b)
{
    const struct check *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

/* Neighbours become one range, but not a large one.  plan/ counts them. */
static void
checks_join(struct publish_job *j)
{
    struct check *to = j->check, *k;
    size_t i;

    qsort(j->check, j->check_count, sizeof(*j->check), check_cmp);
    for (i = 1; i < j->check_count; i++) {
        k = &j->check[i];
        if (plan_read_back_joins(to->first, to->first + to->len, k->first,
                                 k->first + k->len)) {
            to->want = crc_join(to->want, k->want, k->len);
            to->len += k->len;
        } else {
            *++to = *k;
        }
    }
    j->check_count = (size_t)(to - j->check) + 1;
}

/* What was uploaded, into whichever object, is known by its CRC. */
static int
checks_uploaded(struct publish_job *j)
{
    uint32_t n;

    j->check = calloc(j->parts, sizeof(*j->check));
    if (!j->check)
        return -ENOMEM;
    for (n = 0; n < j->parts; n++) {
        const struct plan_part *pp = part_plan(j, n);
        struct check *k;

        if (pp->kind != PLAN_UPLOAD)
            continue;
        k = check_add(j, pp->first, pp->end - pp->first);
        k->expect = true;
        k->want = j->part[n].crc;
    }
    if (j->check_count > 0)
        checks_join(j);
    return 0;
}

static void
readback_begin(struct publish_job *j, bool full)
{
    if ((full ? checks_full(j) : checks_uploaded(j)) < 0) {
        job_fail(j, ENOMEM, "out of memory");
        return;
    }
    j->phase = PHASE_CHECK; /* verify_step goes on */
}

/* --------------------------------------------------------------- begin */

static bool
wants_full(const struct publish_job *j)
{
    return j->force_full || j->p->d.conf->verify == CONF_VERIFY_FULL ||
           (j->share && !j->crc); /* nobody knows what others sent */
}

static void
on_looked(struct publish_job *j)
{
    const struct call *c = &j->call;

    if (j->stop)
        return;
    if (c->e.err < 0) {
        job_fail_s3(j, &c->e, "HEAD");
        return;
    }
    if (strcmp(c->o.etag, j->done.etag) != 0)
        dest_taken(j);
    else if (c->o.size != job_zip(j)->size)
        dest_wrong(j, "the finished object has %llu bytes, not %llu",
                   (unsigned long long)c->o.size,
                   (unsigned long long)job_zip(j)->size);
    else if (j->crc && c->o.have_crc && c->o.crc != j->whole)
        dest_wrong(j, "the store's CRC-32 is %08x, not %08x", c->o.crc,
                   j->whole);
    else if (j->crc && c->o.have_crc && !wants_full(j))
        verify_over(j);
    else
        readback_begin(j, wants_full(j));
}

void
verify_begin(struct publish_job *j)
{
    struct s3_head_args a = {.at = job_where(j), .checksum = true};
    struct call *c;

    j->phase = PHASE_END;
    if (j->crc && !j->done.have_crc && !j->found)
        publisher_learn(j->p, &j->p->caps.no_complete_crc,
                        "no CRC of what was completed; it is looked at");
    if (j->crc && j->done.have_crc && j->done.crc == j->whole &&
        !wants_full(j)) {
        verify_over(j);
        return;
    }
    c = call_begin(j, on_looked);
    c->id = s3_head(j->p->d.s3_dest, &a, call_object_cb, c);
}

void
verify_cancel(struct publish_job *j)
{
    size_t i;

    for (i = 0; i < j->check_next; i++)
        if (j->check[i].id)
            s3_cancel(j->p->d.s3_dest, j->check[i].id);
}

void
verify_free(struct publish_job *j)
{
    size_t i;

    for (i = 0; i < j->check_count; i++)
        free(j->check[i].e);
    free(STEAL(j->check));
    j->check_count = j->check_next = j->check_done = 0;
    j->check_busy = 0;
}
