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
refused_with_checksum(struct publish_job *j, uint32_t n,
                      const struct s3_error *e)
{
    j->never_scratch_crc = true;
    j->never_crc |= part_stage(j, n) == job_last(j);
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

/* The failure is the source's. */
static void
source_failed(struct publish_job *j, uint32_t n, const struct s3_error *e)
{
    const struct plan_part *pp = part_plan(j, n);
    char key[STAGE_KEY_MAX];
    struct s3_where at;

    switch (pp->kind) {
    case PLAN_COPY_SCRATCH:
        at = stage_where(j, &j->stage[pp->scratch], key);
        if (e->err == -ESTALE)
            job_restart(j, "a scratch object is gone");
        else
            job_fail_object(j, e, "COPY", at.bucket, at.key, at.key_len);
        break;
    case PLAN_COPY_PREVIOUS:
        if (e->err == -ESTALE)
            previous_gone(j);
        else
            job_fail_s3(j, e, "COPY");
        break;
    default:
        job_fail_member(j, e, "COPY", pp->member);
        break;
    }
}

static void
copy_failed(struct publish_job *j, uint32_t n, const struct s3_error *e)
{
    if (upload_vanished(j, e))
        return;
    if (e->http == 416) {
        source_failed(j, n, e);
    } else if (part_stage(j, n)->crc && e->http == 400) {
        refused_with_checksum(j, n, e);
    } else if (cannot_copy(e)) {
        publisher_learn(j->p, &j->p->caps.no_copy,
                        "no part copy; archives are streamed");
        job_restart(j, "the store cannot copy parts (%d %s)", e->http,
                    e->code);
    } else {
        source_failed(j, n, e);
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
        source_failed(j, n, p->e);
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
    const struct zip_member *m = job_member(j, part_plan(j, n)->member);
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

/* A checksum upload needs the store to say the CRC of what it copied. */
static void
no_crc(struct publish_job *j, uint32_t n)
{
    publisher_learn(j->p, &j->p->caps.no_part_crc,
                    "no CRC for copied parts; archives are verified "
                    "by reading back");
    j->never_scratch_crc = true;
    j->never_crc |= part_stage(j, n) == job_last(j);
    job_restart(j, "the store gives no CRC for copied parts");
}

static void
copy_done(struct publish_job *j, uint32_t n)
{
    struct part *p = &j->part[n];
    const struct plan_part *pp = part_plan(j, n);
    bool body = p->copied >= 0;

    if (part_stage(j, n)->crc && !p->have_crc) {
        no_crc(j, n);
        return;
    }
    if (part_stage(j, n)->crc && copy_is_quirk(j, n)) {
        found_quirk(j, part_stage(j, n) == job_last(j) &&
                           pp->kind != PLAN_COPY_SCRATCH);
        return;
    }
    job_count(j, &j->st.copied, part_len(j, n));
    j->bodies_done += body;
    j->probes_done += p->probe;
    p->state = PART_DONE;
    if (body)
        piece_copied(j, n);
    if (!j->stop)
        part_finished(j, n);
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
    if (p->e && part_plan(j, n)->kind == PLAN_COPY &&
        (p->e->http == 400 || p->e->http == 416))
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

static void
set_source(const struct publish_job *j, const struct plan_part *pp,
           struct s3_copy_args *a, char key[STAGE_KEY_MAX])
{
    const struct zip_member *m;
    const struct stage *s;

    switch (pp->kind) {
    case PLAN_COPY_SCRATCH:
        s = &j->stage[pp->scratch];
        a->source = stage_where(j, s, key);
        a->source_etag = s->etag;
        a->source_size = s->size;
        break;
    case PLAN_COPY_PREVIOUS:
        a->source = job_where(j);
        a->source_etag = j->if_match;
        a->source_size = j->former->zip.size;
        break;
    default:
        m = job_member(j, pp->member);
        a->source =
            (struct s3_where){j->layout->bucket, m->key, m->key_len, false};
        a->source_etag = m->etag;
        a->source_size = m->size;
        break;
    }
}

void
copy_send(struct publish_job *j, uint32_t n)
{
    const struct plan_part *pp = part_plan(j, n);
    struct stage *s = part_stage(j, n);
    char key[STAGE_KEY_MAX], source[STAGE_KEY_MAX];
    struct s3_copy_args a = {
        .at = stage_where(j, s, key),
        .upload_id = stage_upload_id(j, s),
        .number = n - s->first + 1,
        .first = pp->from,
        .length = part_len(j, n),
    };

    set_source(j, pp, &a, source);
    j->part[n].state = PART_BUSY;
    j->inflight++;
    j->copies_busy++;
    j->part[n].id = s3_upload_copy(j->p->d.s3_dest, &a, copy_cb, &j->part[n]);
}
