/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One copied part: sent with its source guard, and what an answer means
 * for the job.  Must not know upload parts.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "publish/job.h"

/* MinIO: 400 InvalidArgument "checksum missing" for every copy into a
 * checksum upload. */
static void
refused_with_checksum(struct publish_job *j, const struct s3_error *e)
{
    j->never_crc = true;
    if (strcasestr(e->message, "checksum") || strcasestr(e->code, "digest"))
        publisher_learn(j->p, &j->p->caps.no_part_crc,
                        "no CRC for copied parts; archives are verified "
                        "by reading back");
    job_restart(j, "a copy was refused (%s)", e->code);
}

/* 501, or an answer that is none: the header was not understood. */
static bool
cannot_copy(const struct s3_error *e)
{
    return e->http == 501 || e->err == -EOPNOTSUPP ||
           (e->err == -EPROTO && e->http == 200);
}

static void
copy_failed(struct publish_job *j, uint32_t n, const struct s3_error *e)
{
    if (e->http == 416) {
        job_fail_member(j, e, "COPY", j->plan.part[n].member);
    } else if (j->crc && e->http == 400) {
        refused_with_checksum(j, e);
    } else if (cannot_copy(e)) {
        publisher_learn(j->p, &j->p->caps.no_copy,
                        "no part copy; archives are streamed");
        job_restart(j, "the store cannot copy parts (%d %s)", e->http,
                    e->code);
    } else {
        job_fail_member(j, e, "COPY", j->plan.part[n].member);
    }
}

/* ------------------------------------------------- the source, once more */

static void
on_source(struct publish_job *j, struct event *ev)
{
    struct part *p = (struct part *)((char *)ev - offsetof(struct part, ev));
    uint32_t n = (uint32_t)(p - j->part);

    p->id = 0;
    p->looks = false;
    j->inflight--;
    j->copies_busy--;
    if (j->stop)
        return;
    if (p->source_err == -ESTALE)
        p->e->err = -ESTALE;
    if (p->source_err == -ESTALE)
        job_fail_member(j, p->e, "COPY", j->plan.part[n].member);
    else
        copy_failed(j, n, p->e);
}

static void
source_cb(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct part *p = user;

    (void)o;
    p->source_err = e->err;
    job_post(p->job, &p->ev, on_source);
}

/* A source that became shorter makes the range wrong before its ETag is
 * looked at (versitygw 1.7: 400 InvalidArgument): has it changed? */
static void
source_look(struct publish_job *j, uint32_t n)
{
    const struct zip_member *m = job_member(j, j->plan.part[n].member);
    struct s3_head_args a = {
        .at = {j->layout->bucket, m->key, m->key_len, false},
        .etag = m->etag,
    };

    j->inflight++;
    j->copies_busy++;
    j->part[n].looks = true;
    j->part[n].id = s3_head(j->p->d.s3, &a, source_cb, &j->part[n]);
}

/* -------------------------------------------------------------- answer */

static void
copy_done(struct publish_job *j, uint32_t n)
{
    struct part *p = &j->part[n];

    if (j->crc && !p->have_crc) {
        publisher_learn(j->p, &j->p->caps.no_part_crc,
                        "no CRC for copied parts; archives are verified "
                        "by reading back");
        j->never_crc = true;
        job_restart(j, "the store gives no CRC for copied parts");
        return;
    }
    job_count(j, &j->st.copied, part_len(j, n));
    j->copies_done++;
    j->ranged_done += p->ranged;
    part_finished(j, n);
    piece_copied(j, n);
}

static void
on_copied(struct publish_job *j, struct event *ev)
{
    struct part *p = (struct part *)((char *)ev - offsetof(struct part, ev));
    uint32_t n = (uint32_t)(p - j->part);

    p->id = 0;
    j->inflight--;
    j->copies_busy--;
    if (p->attempts > 1)
        job_count(j, &j->st.retries, (uint64_t)p->attempts - 1);
    if (j->stop) {
        if (p->etag)
            job_count(j, &j->st.copied, part_len(j, n));
        return;
    }
    if (p->e && (p->e->http == 400 || p->e->http == 416))
        source_look(j, n);
    else if (p->e)
        copy_failed(j, n, p->e);
    else if (!p->etag)
        job_fail(j, ENOMEM, "out of memory");
    else
        copy_done(j, n);
}

static void
copy_cb(void *user, const struct s3_error *e, const struct s3_part *a)
{
    struct part *p = user;

    p->attempts = e->attempts;
    if (e->err < 0) {
        p->e = malloc(sizeof(*p->e));
        if (p->e)
            *p->e = *e;
    } else {
        p->etag = strdup(a->etag);
        p->have_crc = a->have_crc32;
        p->crc = a->crc32;
    }
    job_post(p->job, &p->ev, on_copied);
}

void
copy_send(struct publish_job *j, uint32_t n)
{
    const struct plan_part *pp = &j->plan.part[n];
    const struct zip_member *m = job_member(j, pp->member);
    struct s3_copy_args a = {
        .at = job_where(j),
        .upload_id = j->upload_id,
        .number = n + 1,
        .source = {j->layout->bucket, m->key, m->key_len, false},
        .source_etag = m->etag,
        .first = pp->first - zip_data_offset(job_zip(j), pp->member),
        .length = part_len(j, n),
        .source_size = m->size,
    };

    j->part[n].state = PART_BUSY;
    j->inflight++;
    j->copies_busy++;
    j->part[n].id = s3_upload_copy(j->p->d.s3_dest, &a, copy_cb, &j->part[n]);
}
