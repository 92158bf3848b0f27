/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One copied part: sent under its source's guard, its CRC compared, and
 * what a refusal means for the job.  Called by task.c.
 *
 * The known quirk (versitygw 1.7): a ranged copy of a source that has a
 * CRC32 answers the whole source's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "publish/task.h"

/* --------------------------------------------------------------- quirks */

/* The archive's upload cannot have a checksum then; scratch objects go
 * without one from now on, and ranges of such objects are right. */
int
found_quirk(struct attempt *at, bool of_archive)
{
    struct publish_job *j = at->j;

    publisher_learn(j->p, &j->p->caps.range_bad,
                    "ranged copies answer the CRC of the whole source; "
                    "archives are verified by reading back");
    job_learn(j, of_archive ? &j->lessons.no_crc : NULL);
    return job_again(j, "the store gives wrong CRCs for copied ranges");
}

bool
copy_is_quirk(struct attempt *at, uint32_t n)
{
    struct publish_job *j = at->j;
    const struct plan_part *pp = part_plan(at, n);
    const struct sent *p = &at->sent[n];
    const struct scratch *source;
    uint32_t known;

    if (!p->have_crc || !part_is_ranged(at, n))
        return false;
    switch (pp->kind) {
    case PLAN_COPY:
        return crc_peek(j->crcs, pp->member, &known) && p->crc == known;
    case PLAN_COPY_SCRATCH:
        source = &at->scratch[pp->scratch];
        return source->have_whole && p->crc == source->whole;
    case PLAN_COPY_PREVIOUS:
        return j->target.o.have_crc32 && p->crc == j->target.o.crc32;
    case PLAN_UPLOAD:
        break;
    }
    return false;
}

/* A checksum upload needs the store to say the CRC of what it copied. */
static int
no_copy_crc(struct attempt *at, const struct sched_task *t, bool learn,
            const char *why)
{
    struct publish_job *j = at->j;

    if (learn)
        publisher_learn(j->p, &j->p->caps.no_part_crc,
                        "no CRC for copied parts; archives are verified "
                        "by reading back");
    job_learn(j, &j->lessons.no_scratch_crc);
    if (part_is_last(at, t->part))
        job_learn(j, &j->lessons.no_crc);
    return job_again(j, "%s", why);
}

/* ------------------------------------------------------------- refusals */

/* 501, or an answer that is none: the header was not understood. */
static bool
cannot_copy(const struct s3_error *e)
{
    return e->http == 501 || e->err == -EOPNOTSUPP ||
           (e->err == -EPROTO && e->http == 200);
}

/* The failure is the source's. */
static int
source_failed(struct attempt *at, const struct sched_task *t,
              const struct s3_error *e)
{
    struct publish_job *j = at->j;
    char key[SCRATCH_MAX];
    struct s3_where where = job_where(j);

    switch (t->plan->kind) {
    case PLAN_COPY_SCRATCH:
        where = scratch_where(at, t->plan->scratch, key);
        if (e->err == -ESTALE)
            return job_again(j, "a scratch object is gone");
        break;
    case PLAN_COPY_PREVIOUS:
        if (e->err != -ESTALE)
            break;
        job_learn(j, &j->lessons.no_previous);
        return job_again(j, "the archive that was there is gone");
    default:
        return job_fail_member(j, e, "COPY", t->plan->member);
    }
    return job_fail_s3(j, e, "COPY", &where);
}

/* 0: the source is as it was listed; -ESTALE: it is not. */
static int
look_at_source(struct publish_job *j, uint32_t member)
{
    const struct zip_member *m = job_member(j, member);
    struct s3_head_args a = {.at = member_where(j, m), .etag = m->etag};
    struct s3_reply o;

    return s3_head_wait(j->p->d.s3, j->scope, &a, &o);
}

/* 404 and 412 need not mean that the source changed: some stores cannot copy
 * every source under a guard (keys with '%', multipart uploads).  And a
 * source that became shorter may make the range wrong before its ETag is
 * looked at (versitygw 1.7: 400 InvalidArgument).  One HEAD decides. */
static int
member_failed(struct attempt *at, const struct sched_task *t,
              struct s3_error *e, bool *ret_decided)
{
    struct publish_job *j = at->j;
    uint32_t member = t->plan->member;
    int r = look_at_source(j, member);

    *ret_decided = true;
    if (r == -ESTALE) {
        e->err = -ESTALE;
        return job_fail_member(j, e, "COPY", member);
    }
    if (r == 0 && e->err == -ESTALE) {
        job_learn(j, &j->lessons.stream);
        return job_again(j, "the store cannot copy a member that is there");
    }
    *ret_decided = false;
    return 0;
}

/* MinIO: 400 InvalidArgument "checksum missing" for every copy into a
 * checksum upload. */
static int
copy_failed(struct attempt *at, const struct sched_task *t,
            struct s3_error *e)
{
    struct publish_job *j = at->j;
    bool decided = false;
    char why[100];
    int r;

    if (upload_vanished(at, e, &r))
        return r;
    if (t->plan->kind == PLAN_COPY &&
        (e->http == 400 || e->http == 416 || e->err == -ESTALE))
        r = member_failed(at, t, e, &decided);
    if (decided)
        return r;
    snprintf(why, sizeof(why), "a copy was refused (%s)", e->code);
    if (task_upload(at, t)->crc32 && e->http == 400)
        return no_copy_crc(at, t,
                           strcasestr(e->message, "checksum") ||
                               strcasestr(e->code, "digest"),
                           why);
    if (e->http == 416 || !cannot_copy(e))
        return source_failed(at, t, e);
    publisher_learn(j->p, &j->p->caps.no_copy,
                    "no part copy; archives are streamed");
    return job_again(j, "the store cannot copy parts (%d %s)", e->http,
                     e->code);
}

/* ----------------------------------------------------------------- copy */

static void
set_source(const struct attempt *at, const struct plan_part *pp,
           struct s3_copy_args *a, char key[SCRATCH_MAX])
{
    const struct publish_job *j = at->j;
    const struct zip_member *m;

    switch (pp->kind) {
    case PLAN_COPY_SCRATCH:
        a->source = scratch_where(at, pp->scratch, key);
        a->source_etag = at->scratch[pp->scratch].etag;
        a->source_size = scratch_size(at, pp->scratch);
        break;
    case PLAN_COPY_PREVIOUS:
        a->source = job_where(j);
        a->source_etag = j->target.o.etag;
        a->source_size = previous_zip(j->previous)->size;
        break;
    default:
        m = job_member(j, pp->member);
        a->source = member_where(j, m);
        a->source_etag = m->etag;
        a->source_size = m->size;
        break;
    }
}

int
part_copy(struct attempt *at, const struct sched_task *t,
          struct sched_answer *ret)
{
    struct publish_job *j = at->j;
    struct upload *up = task_upload(at, t);
    struct s3_copy_args a = {
        .number = t->number,
        .first = t->plan->from,
        .length = plan_part_len(t->plan),
    };
    char source[SCRATCH_MAX];
    struct s3_reply o;
    int r;

    set_source(at, t->plan, &a, source);
    r = upload_copy(up, &a, &o);
    job_retries(j, &o.e);
    if (r < 0)
        return copy_failed(at, t, &o.e);
    job_count(j, &j->st.copied, a.length);
    r = part_sent(at, t, &o, o.have_crc32 ? &o.crc32 : NULL);
    if (r < 0)
        return r;
    if (up->crc32 && !o.have_crc32)
        return no_copy_crc(at, t, true,
                           "the store gives no CRC for copied parts");
    if (up->crc32 && copy_is_quirk(at, t->part))
        return found_quirk(at, part_is_last(at, t->part) &&
                                   t->plan->kind != PLAN_COPY_SCRATCH);
    ret->have_crc = o.have_crc32;
    ret->crc = o.crc32;
    return 0;
}
