/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The beginning of one upload: with or without the checksum algorithm,
 * the journal's row, Create.  Must not know how parts are made.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "publish/job.h"

/* A checksum upload needs the store to say the CRC of what it copied. */
static void
choose_checksum(struct publish_job *j)
{
    struct caps caps = publisher_caps(j->p);

    j->crc = !j->never_crc && !(j->copies > 0 && caps.no_part_crc);
    j->send_size = !caps.no_size;
    if (j->crc && j->ranged > 0 && caps.range_bad) {
        /* Only sources that have a CRC32 are answered wrongly. */
        j->phase = PHASE_ASK;
        return;
    }
    attempt_create(j);
}

void
job_attempt(struct publish_job *j)
{
    if (j->plan.count == 1) {
        j->crc = true;
        parts_begin(j); /* one PutObject, no upload */
        return;
    }
    choose_checksum(j);
}

static void
on_planned_again(struct publish_job *j)
{
    struct err e = j->work_err;

    memset(&j->work_err, 0, sizeof(j->work_err));
    if (j->stop)
        return;
    if (j->r < 0) {
        job_fail_err(j, j->r, &e);
        return;
    }
    pthread_mutex_lock(&j->lock);
    j->st.parts = j->plan.count;
    pthread_mutex_unlock(&j->lock);
    job_attempt(j);
}

void
attempt_again(struct publish_job *j)
{
    job_set_state(j, PUBLISH_PLANNING);
    job_work(j, &j->work, plan_run, on_planned_again);
}

/* -------------------------------------------------------------- create */

static void
intent_run(struct publish_job *j)
{
    j->intent = time(NULL);
    j->row = journal_intent(j, j->intent);
}

static void
on_id_kept(struct publish_job *j)
{
    (void)j;
}

static void
on_created(struct publish_job *j)
{
    const struct s3_error *e = &j->call.e;

    if (e->err == 0 && j->call.upload_id) {
        j->create_unclear = false;
        j->create_twice = e->attempts > 1 && j->row;
        j->created = time(NULL);
        j->upload_id = STEAL(j->call.upload_id);
        pthread_mutex_lock(&j->lock);
        text_escape(j->st.upload_id, sizeof(j->st.upload_id), j->upload_id,
                    strlen(j->upload_id));
        pthread_mutex_unlock(&j->lock);
        job_work(j, &j->id_work, journal_upload, on_id_kept);
        if (!j->stop)
            parts_begin(j);
        return;
    }
    /* A refusal made nothing; silence may have. */
    if (e->http >= 300 && e->http < 500)
        j->create_unclear = false;
    if (j->stop)
        return;
    if (j->crc && (e->http == 400 || e->http == 501)) {
        j->never_crc = true;
        job_restart(j, "no checksum algorithm here (%s)", e->code);
    } else if (e->err == 0) {
        job_fail(j, ENOMEM, "out of memory");
    } else {
        job_fail_s3(j, e, "POST");
    }
}

static void
create_send(struct publish_job *j)
{
    struct s3_create_args a = {
        .at = job_where(j),
        .crc32 = j->crc,
        .content_type = "application/zip",
        .layout_digest = j->digest,
    };
    struct call *c;

    if (j->stop)
        return;
    j->create_unclear = true;
    c = call_begin(j, on_created);
    c->id = s3_create(j->p->d.s3_dest, &a, call_create_cb, c);
}

void
attempt_create(struct publish_job *j)
{
    j->phase = PHASE_PREPARE;
    job_work(j, &j->work, intent_run, create_send);
}
