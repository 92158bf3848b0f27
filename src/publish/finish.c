/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Complete, or the one PutObject of a small archive, and what their
 * answers mean: there, refused, in the way of others, or nobody knows.
 */
#include <errno.h>
#include <string.h>

#include "publish/job.h"

enum { LOOK_AGAIN_MS = 1000 };

static void complete_send(struct publish_job *j);
static void on_answer(struct publish_job *j);

/* --------------------------------------------------------- unclear end */

static void
on_waited(struct publish_job *j)
{
    if (j->stop)
        return;
    if (!job_last(j)->put)
        complete_send(j);
    else
        job_restart(j, "the answer to PUT was lost");
}

static void
on_aborted(struct publish_job *j)
{
    if (j->stop)
        return;
    if (j->call.e.err < 0)
        atomic_store(&j->scratch_kept, true);
    free(STEAL(j->upload_id));
    verify_begin(j);
}

/* It may be the archive of another host, and our upload as it was. */
static void
found_there(struct publish_job *j)
{
    struct s3_where at = job_where(j);
    struct call *c;

    j->done = j->call.o;
    j->finished = j->found = true;
    j->complete_unclear = false;
    if (!j->upload_id) {
        verify_begin(j);
        return;
    }
    c = call_begin(j, on_aborted);
    c->id = s3_abort(j->p->d.s3_dest, &at, j->upload_id, call_done_cb, c);
}

static void
on_looked(struct publish_job *j)
{
    const struct call *c = &j->call;

    if (j->stop)
        return;
    if (c->e.err == 0 && found_is_ours(j, &c->o) &&
        strcmp(c->o.etag, j->if_match) != 0) {
        found_there(j);
    } else if (++j->unclear > UNCLEAR_MAX) {
        if (upload_vanished(j, &j->refused))
            return;
        job_fail(j, EIO,
                 "the store did not say whether the archive is "
                 "there");
    } else {
        job_later(j, &j->timer, LOOK_AGAIN_MS << j->unclear, on_waited);
    }
}

static void
look(struct publish_job *j)
{
    struct s3_head_args a = {.at = job_where(j), .checksum = true};
    struct call *c = call_begin(j, on_looked);

    c->id = s3_head(j->p->d.s3_dest, &a, call_object_cb, c);
}

/* -------------------------------------------------------------- answer */

bool
error_is_unclear(const struct s3_error *e)
{
    return e->err == -EINPROGRESS || e->err == -ECANCELED ||
           strcmp(e->code, "NoSuchUpload") == 0;
}

static void
answer_busy(struct publish_job *j, const struct s3_error *e)
{
    if (j->busy_answers++ < BUSY_MAX)
        job_restart(j, "the destination was being written");
    else
        job_fail_s3(j, e, "POST");
}

/* The destination came into being meanwhile: as the same archive? */
static void
on_stranger(struct publish_job *j)
{
    struct call *c = &j->call;

    if (j->stop)
        return;
    if (c->e.err == 0 && found_is_ours(j, &c->o)) {
        j->done = c->o;
        j->theirs = true;
        job_restart(j, "another publish of this archive was faster");
    } else {
        job_fail_s3(j, &j->refused, "POST");
    }
}

static void
answer_exists(struct publish_job *j, const struct s3_error *e)
{
    struct s3_head_args a = {.at = job_where(j), .checksum = true};
    struct call *c;

    j->refused = *e;
    c = call_begin(j, on_stranger);
    c->id = s3_head(j->p->d.s3_dest, &a, call_object_cb, c);
}

static void
answer_refused(struct publish_job *j, const struct s3_error *e)
{
    bool multipart = !job_last(j)->put;

    if (e->err == -EBUSY) {
        answer_busy(j, e);
    } else if (e->err == -EEXIST) {
        answer_exists(j, e);
    } else if (multipart && e->http == 501 && j->send_size) {
        publisher_learn(j->p, &j->p->caps.no_size, "no x-amz-mp-object-size");
        j->send_size = false;
        complete_send(j);
    } else if (multipart && j->crc && s3_error_is_checksum(e)) {
        /* Each part was right: read it all back the next time. */
        j->never_crc = j->force_full = true;
        job_restart(j, "the archive's checksum was refused (%s)", e->code);
    } else {
        job_fail_s3(j, e, multipart ? "POST" : "PUT");
    }
}

/* How long the store took to put the parts together. */
static void
note_complete(struct publish_job *j)
{
    if (job_last(j)->put || j->call.e.attempts > 1)
        return;
    j->sample.completed = job_zip(j)->size;
    j->sample.complete_seconds =
        (double)(net_now_ms() - j->complete_ms) / 1000;
}

static void
on_answer(struct publish_job *j)
{
    const struct call *c = &j->call;

    if (c->e.err == 0) {
        j->done = c->o;
        note_complete(j);
        j->finished = true;
        j->found = j->complete_unclear = false;
        free(STEAL(j->upload_id));
        if (!j->stop)
            verify_begin(j);
        return;
    }
    if (error_is_unclear(&c->e)) {
        j->refused = c->e;
        if (!j->stop)
            look(j);
        return;
    }
    j->complete_unclear = false;
    if (!j->stop)
        answer_refused(j, &c->e);
}

/* ------------------------------------------------------------ complete */

static struct s3_done_part *
done_parts(struct publish_job *j)
{
    const struct stage *s = job_last(j);
    struct s3_done_part *list = calloc(s->count, sizeof(*list));
    uint32_t n;

    for (n = 0; list && n < s->count; n++) {
        const struct part *p = &j->part[s->first + n];

        list[n] = (struct s3_done_part){
            .number = n + 1,
            .etag = p->etag,
            .have_crc32 = p->have_crc,
            .crc32 = p->crc,
        };
    }
    return list;
}

static void
complete_send(struct publish_job *j)
{
    CLEANUP_FREE struct s3_done_part *list = done_parts(j);
    struct s3_complete_args a = {
        .at = job_where(j),
        .upload_id = j->upload_id,
        .part = list,
        .count = j->plan.count,
        .crc32 = j->crc,
        .whole_crc32 = j->whole,
        .send_size = j->send_size,
        .size = job_zip(j)->size,
        .if_match = j->if_match[0] ? j->if_match : NULL,
        .if_none_match = j->if_none_match,
    };
    struct call *c;

    if (!list) {
        job_fail(j, ENOMEM, "out of memory");
        return;
    }
    j->complete_unclear = true;
    j->complete_ms = net_now_ms();
    c = call_begin(j, on_answer);
    c->id = s3_complete(j->p->d.s3_dest, &a, call_complete_cb, c);
}

static bool
plan_uses_previous(const struct plan *p)
{
    size_t i;

    for (i = 0; i < p->count; i++)
        if (p->part[i].kind == PLAN_COPY_PREVIOUS)
            return true;
    return false;
}

/* Of the archive's parts, as the store and we know them. */
static uint32_t
join_parts(const struct publish_job *j)
{
    const struct stage *s = job_last(j);
    uint32_t crc = 0, n;

    for (n = s->first; n < s->first + s->count; n++)
        crc = crc_join(crc, j->part[n].crc, part_len(j, n));
    return crc;
}

/* What was computed from the members' CRCs must be what the parts are:
 * copies of scratch objects and of the previous archive have no other
 * check, nor has what a killed process copied, or a worker. */
static void
on_whole(struct publish_job *j)
{
    uint32_t parts;

    if (j->stop)
        return;
    if (j->crc) {
        parts = join_parts(j);
        if (j->have_whole && j->whole != parts) {
            j->never_crc = j->force_full = true;
            job_restart(j, "the parts' CRC-32 is %08x, not %08x", parts,
                        j->whole);
            return;
        }
        j->whole = parts;
        j->have_whole = true;
    }
    complete_send(j);
}

static void
complete_prepare(struct publish_job *j)
{
    if (j->stop)
        return;
    j->have_whole = false;
    if (j->crc && j->plan.scratches == 0 && !j->resumed && !j->share &&
        !plan_uses_previous(&j->plan))
        on_whole(j); /* each copy was checked with its member */
    else
        job_work(j, &j->work, whole_crc_run, on_whole);
}

void
complete_begin(struct publish_job *j)
{
    j->phase = PHASE_END;
    job_set_state(j, PUBLISH_COMPLETING);
    rates_end(&j->rates, j->p->d.s3_dest, &j->sample);
    j->sample.copied = j->plan.totals.copied;
    j->sample.sequence = j->plan.sequence;
    if (!j->create_twice) {
        complete_prepare(j);
        return;
    }
    twins_abort(j, complete_prepare);
}

/* ----------------------------------------------------------------- put */

static void
on_put(struct publish_job *j)
{
    upload_put_over(j, job_last(j)->first, !j->stop && j->call.e.err == 0);
    j->phase = PHASE_END;
    on_answer(j);
}

void
put_send(struct publish_job *j, const struct iovec *iov, int count,
         uint32_t crc)
{
    struct s3_put_args a = {
        .at = job_where(j),
        .body = iov,
        .body_count = count,
        .send_crc32 = true,
        .crc32 = crc,
        .content_type = "application/zip",
        .layout_digest = j->digest,
        .if_match = j->if_match[0] ? j->if_match : NULL,
        .if_none_match = j->if_none_match,
    };
    struct call *c;

    job_set_state(j, PUBLISH_COMPLETING);
    j->whole = crc;
    j->have_whole = true;
    j->complete_unclear = true;
    c = call_begin(j, on_put);
    c->id = s3_put(j->p->d.s3_dest, &a, call_complete_cb, c);
}
