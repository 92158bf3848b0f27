/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Complete, or the one PutObject of a small archive, and what their answers
 * mean: there, refused, in the way of others, or nobody knows.  Called by
 * attempt.c, and archive_put by the crew.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "publish/body.h"
#include "publish/task.h"

enum { LOOK_AGAIN_MS = 1000 };

/* ------------------------------------------------------------- refusals */

/* The destination came into being meanwhile: as the same archive? */
static int
refused_as_there(struct attempt *at, const struct s3_error *e, const char *op)
{
    struct publish_job *j = at->j;
    struct s3_where where = job_where(j);
    struct s3_head_args a = {.at = where, .checksum = true};
    struct s3_reply o;

    if (s3_head_wait(j->p->d.s3_dest, j->scope, &a, &o) < 0 || !is_ours(j, &o))
        return job_fail_s3(j, e, op, &where);
    at->done = o;
    job_learn(j, &j->lessons.theirs);
    return job_again(j, "another publish of this archive was faster");
}

static int
refused(struct attempt *at, const struct s3_error *e)
{
    const char *op = at->put ? "PUT" : "POST";
    struct publish_job *j = at->j;
    struct s3_where where = job_where(j);

    if (e->err == -EBUSY && j->lessons.busy++ < BUSY_MAX)
        return job_again(j, "the destination was being written");
    if (e->err == -EEXIST)
        return refused_as_there(at, e, op);
    if (!at->put && at->crc && s3_error_is_checksum(e)) {
        /* Each part was right: read it all back the next time. */
        job_learn(j, &j->lessons.no_crc);
        job_learn(j, &j->lessons.read_all);
        return job_again(j, "the archive's checksum was refused (%s)",
                         e->code);
    }
    return job_fail_s3(j, e, op, &where);
}

/* ---------------------------------------------------------- unclear end */

/* Is the archive there?  It may be another host's then, who publishes the
 * same. */
static bool
is_there(struct attempt *at, struct scope *sc)
{
    struct publish_job *j = at->j;
    struct s3_head_args a = {.at = job_where(j), .checksum = true};
    struct s3_reply o;

    if (s3_head_wait(j->p->d.s3_dest, sc, &a, &o) < 0 || !is_ours(j, &o) ||
        (j->target.there && strcmp(o.etag, j->target.o.etag) == 0))
        return false;
    at->done = o;
    at->finished = at->found = true;
    at->complete_unclear = false;
    return true;
}

bool
complete_look(struct attempt *at, struct scope *sc)
{
    return is_there(at, sc);
}

/* ------------------------------------------------------------- complete */

static struct s3_done_part *
done_parts(struct attempt *at)
{
    size_t first = at->plan.scratch_parts, count = at->plan.count, i;
    struct s3_done_part *list = calloc(count, sizeof(*list));

    for (i = 0; list && i < count; i++) {
        const struct sent *p = &at->sent[first + i];

        list[i] = (struct s3_done_part){
            .number = (uint32_t)i + 1,
            .etag = p->etag,
            .have_crc32 = p->have_crc,
            .crc32 = p->crc,
        };
    }
    return list;
}

/* Not every store honours If-None-Match and If-Match at Complete (Ceph 16
 * does not): what is there is looked at once more. */
static int
check_target(struct attempt *at)
{
    const struct target *t = &at->j->target;
    struct publish_job *j = at->j;
    struct s3_where where = job_where(j);
    struct s3_head_args a = {.at = where, .checksum = true};
    struct s3_error e = {.err = -EEXIST, .http = 412};
    struct s3_reply o;
    int r = s3_head_wait(j->p->d.s3_dest, j->scope, &a, &o);

    job_retries(j, &o.e);
    if (scope_stopped(j->scope))
        return job_fail_s3(j, &o.e, "HEAD", &where);
    if ((r == 0 && t->free) ||
        (r == 0 && t->there && strcmp(o.etag, t->o.etag) != 0) ||
        (r == -ENOENT && t->there)) {
        snprintf(e.code, sizeof(e.code), "PreconditionFailed");
        return refused_as_there(at, &e, "POST");
    }
    return 0; /* or it cannot be looked at: the condition decides */
}

static int
send(struct attempt *at, struct s3_reply *o)
{
    struct publish_job *j = at->j;
    CLEANUP_FREE struct s3_done_part *list = done_parts(at);
    struct s3_complete_args a = {
        .part = list,
        .count = at->plan.count,
        .crc32 = at->crc,
        .whole_crc32 = j->whole,
        .size = job_zip(j)->size,
        .if_match = j->target.there ? j->target.o.etag : NULL,
        .if_none_match = j->target.free,
    };
    int r;

    if (!list)
        return job_fail(j, ENOMEM, "out of memory");
    do {
        a.send_size = !publisher_caps(j->p).no_size;
        r = upload_complete(&at->up, &a, o);
        at->complete_unclear = at->up.unclear;
        job_retries(j, &o->e);
    } while (r < 0 && learn_no_size(j, &o->e, a.send_size));
    return r;
}

/* Of the archive's parts, as the store and we know them. */
static uint32_t
join_parts(const struct attempt *at)
{
    uint32_t crc = 0, n;

    for (n = (uint32_t)at->plan.scratch_parts; n < at->parts; n++)
        crc = crc_join(crc, at->sent[n].crc, part_len(at, n));
    return crc;
}

/* What was computed from the members' CRCs must be what the parts are:
 * copies of scratch objects and of the previous archive have no other
 * check, nor has what a killed process copied, or a worker. */
static int
check_whole(struct attempt *at)
{
    struct publish_job *j = at->j;
    uint32_t parts;

    job_whole(j);
    if (!at->crc)
        return 0;
    parts = join_parts(at);
    if (j->have_whole && j->whole != parts) {
        job_learn(j, &j->lessons.no_crc);
        job_learn(j, &j->lessons.read_all);
        return job_again(j, "the parts' CRC-32 is %08x, not %08x", parts,
                         j->whole);
    }
    j->whole = parts;
    j->have_whole = true;
    return 0;
}

int
complete(struct attempt *at)
{
    struct publish_job *j = at->j;
    struct s3_reply o;
    unsigned looks;
    int r;

    job_set_state(j, PUBLISH_COMPLETING);
    r = check_whole(at);
    if (r == 0)
        r = check_target(at);
    for (looks = 1; r == 0; looks++) {
        r = send(at, &o);
        if (r == 0) {
            at->done = o;
            at->finished = true;
            return 0;
        }
        if (scope_stopped(j->scope))
            return r; /* the end will look, if it is unclear */
        if (!at->complete_unclear)
            return refused(at, &o.e);
        if (is_there(at, j->scope))
            return 0;
        if (looks > UNCLEAR_MAX) {
            if (upload_vanished(at, &o.e, &r))
                return r;
            return job_fail(
                j, EIO, "the store did not say whether the archive is there");
        }
        r = scope_sleep(j->scope, LOOK_AGAIN_MS << looks);
    }
    return r;
}

/* ------------------------------------------------------------------ put */

static int
put(struct attempt *at, const struct sched_task *t, const struct body *b)
{
    struct publish_job *j = at->j;
    struct s3_put_args a = {
        .at = job_where(j),
        .body = b->iov,
        .body_count = b->count,
        .send_crc32 = true,
        .crc32 = b->crc,
        .content_type = "application/zip",
        .layout_digest = j->digest,
        .if_match = j->target.there ? j->target.o.etag : NULL,
        .if_none_match = j->target.free,
    };
    struct s3_reply o;
    int r;

    job_set_state(j, PUBLISH_COMPLETING);
    j->whole = b->crc;
    j->have_whole = true;
    r = s3_put_wait(j->p->d.s3_dest, j->scope, &a, &o);
    job_retries(j, &o.e);
    at->complete_unclear = put_is_unclear(&o.e);
    if (r == 0 || at->complete_unclear) {
        job_count(j, &j->st.uploaded, plan_part_len(t->plan));
        part_sent(at, t, &o, &b->crc);
    }
    if (r == 0) {
        at->done = o;
        at->done.size = job_zip(j)->size;
        at->finished = true;
        return 0;
    }
    if (scope_stopped(j->scope))
        return r;
    if (!at->complete_unclear)
        return refused(at, &o.e);
    return is_there(at, j->scope)
               ? 0
               : job_again(j, "the answer to PUT was lost");
}

int
archive_put(struct attempt *at, const struct sched_task *t)
{
    struct body b;
    int r = body_read(&b, at, t);

    if (r == 0)
        r = put(at, t, &b);
    body_free(&b);
    return r;
}
