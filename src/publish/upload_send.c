/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An upload part on its way to the store, once all of it is here, and what
 * an answer means for the job.  Must not know where its bytes come from.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "publish/upload_impl.h"

static void
upload_failed(struct publish_job *j, uint32_t n, const struct s3_error *e)
{
    char key[STAGE_KEY_MAX];
    struct s3_where at = stage_where(j, part_stage(j, n), key);

    if (upload_vanished(j, e))
        return;
    if (j->crc && (e->http == 501 ||
                   (e->http == 400 && strcasestr(e->message, "checksum")))) {
        j->never_crc = j->never_scratch_crc = true;
        job_restart(j, "a part with a checksum was refused (%s)", e->code);
    } else {
        job_fail_object(j, e, "PUT", at.bucket, at.key, at.key_len);
    }
}

static void
upload_done(struct publish_job *j, struct upload *u)
{
    struct part *p = &j->part[u->n];

    p->etag = STEAL(u->etag);
    p->have_crc = true;
    p->crc = u->crc;
    job_count(j, &j->st.uploaded, part_len(j, u->n));
    if (j->permit_waiting)
        balance_sent(&j->balance, upload_count(j, false));
    part_finished(j, u->n);
}

static void
on_sent(struct publish_job *j, struct event *ev)
{
    struct upload *u = (struct upload *)ev;

    j->inflight--;
    job_retries(j, &u->e);
    if (j->stop && u->etag)
        job_count(j, &j->st.uploaded, part_len(j, u->n));
    if (j->stop)
        ;
    else if (u->e.err < 0)
        upload_failed(j, u->n, &u->e);
    else if (!u->etag)
        job_fail(j, ENOMEM, "out of memory");
    else if (u->have_crc && u->answer_crc != u->crc)
        job_fail(j, EIO, "part %u arrived with another CRC-32", u->n + 1);
    else
        upload_done(j, u);
    upload_drop(j, u);
}

static void
sent_cb(void *user, const struct s3_error *e, const struct s3_part *p)
{
    struct upload *u = user;

    u->e = *e;
    if (e->err == 0) {
        u->etag = strdup(p->etag);
        u->have_crc = p->have_crc32;
        u->answer_crc = p->crc32;
    }
    job_post(u->job, &u->ev, on_sent);
}

/* The views' pieces, one after the other; none of a spooled part.  -1 when
 * out of memory. */
static int
gather(struct upload *u)
{
    int count = 0, at = 0;
    uint32_t i;

    for (i = 0; i < u->segs; i++) {
        count += u->seg[i].view ? u->seg[i].view->count : 0;
        u->crc = crc_join(u->crc, u->seg[i].crc, u->seg[i].len);
    }
    u->iov = calloc((size_t)count + 1, sizeof(*u->iov));
    if (!u->iov)
        return -1;
    for (i = 0; i < u->segs; i++) {
        const struct read_view *v = u->seg[i].view;

        if (!v)
            continue;
        memcpy(u->iov + at, v->iov, (size_t)v->count * sizeof(*v->iov));
        at += v->count;
    }
    return count;
}

void
upload_send(struct publish_job *j, struct upload *u)
{
    struct stage *s = part_stage(j, u->n);
    char key[STAGE_KEY_MAX];
    struct s3_upload_args a = {
        .at = stage_where(j, s, key),
        .upload_id = stage_upload_id(j, s),
        .number = u->n - s->first + 1,
        .send_crc32 = s->crc,
    };
    struct s3_file file = {-1, 0, part_len(j, u->n)};
    int count = gather(u);

    if (u->spool)
        file.fd = spool_fd(u->spool);
    if (count < 0) {
        job_fail(j, ENOMEM, "out of memory");
        upload_drop(j, u);
        return;
    }
    u->busy++;
    if (s->put) {
        u->put = true;
        if (s == job_last(j))
            put_send(j, u->iov, count, u->crc);
        else
            stage_put(j, s, u->iov, count, u->crc);
        return;
    }
    if (u->spool)
        a.file = &file;
    else
        a.body = u->iov;
    a.body_count = count;
    a.crc32 = u->crc;
    j->inflight++;
    u->id = s3_upload_part(j->p->d.s3_dest, &a, sent_cb, u);
}

void
upload_put_over(struct publish_job *j, uint32_t n, bool done)
{
    struct upload *u = j->uploads_head;

    while (u->n != n)
        u = u->next;
    if (done)
        upload_done(j, u);
    upload_drop(j, u);
}
