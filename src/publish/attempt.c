/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The beginning of one upload: with or without the checksum algorithm,
 * the journal's row, Create.  Must not know how parts are made.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "publish/job.h"

/* The previous archive may be the whole's CRC for every range of it. */
static bool
previous_misleads(const struct publish_job *j)
{
    size_t i;

    for (i = 0; j->previous_crc_known && i < j->plan.count; i++)
        if (j->plan.part[i].kind == PLAN_COPY_PREVIOUS &&
            j->part[j->plan.scratch_parts + i].ranged)
            return true;
    return false;
}

/* A checksum upload needs the store to say the CRC of what it copied. */
static void
choose_checksum(struct publish_job *j)
{
    struct caps caps = publisher_caps(j->p);

    j->crc = !j->never_crc && !(j->uploads < j->parts && caps.no_part_crc) &&
             !(caps.range_bad && previous_misleads(j));
    j->scratch_crc = j->crc && !j->never_scratch_crc && !caps.range_bad;
    j->send_size = !caps.no_size;
    if (j->crc && j->probe && caps.range_bad) {
        /* Only sources that have a CRC32 are answered wrongly. */
        j->phase = PHASE_ASK;
        return;
    }
    attempt_create(j);
}

void
job_attempt(struct publish_job *j)
{
    if (job_last(j)->put && j->stages == 1) {
        j->crc = true;
        parts_begin(j); /* one PutObject, no upload */
        return;
    }
    choose_checksum(j);
}

void
attempt_again(struct publish_job *j)
{
    plan_begin(j, job_attempt);
}

/* -------------------------------------------------------------- create */

/* A prefix that nobody else has: whatever is below it is ours. */
static bool
scratch_name(struct publish_job *j)
{
    const char *scratch = j->p->d.conf->scratch;
    uint8_t b[16];
    char word[33];
    size_t i;

    j->scratch_prefix[0] = '\0';
    if (j->stages == 1)
        return true;
    if (!scratch || strlen(scratch) + 48 > sizeof(j->scratch_prefix) ||
        getentropy(b, sizeof(b)) < 0)
        return false;
    for (i = 0; i < sizeof(b); i++)
        snprintf(word + 2 * i, 3, "%02x", b[i]);
    snprintf(j->scratch_prefix, sizeof(j->scratch_prefix), "%s%s/", scratch,
             word);
    return true;
}

static void
intent_run(struct publish_job *j)
{
    publisher_tell(j->p); /* why it begins again, maybe: if we are killed */
    j->intent = time(NULL);
    j->row = journal_intent(j, j->intent);
}

/* Only now: an upload whose id is not in the journal has no part of ours
 * (s3/orphan.h). */
static void
on_id_kept(struct publish_job *j)
{
    if (!j->stop)
        parts_begin(j);
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
        job_work(j, &j->work, journal_upload, on_id_kept);
        return;
    }
    /* A refusal made nothing; silence may have, and so may an attempt before
     * the one that was refused. */
    if (e->attempts <= 1 && e->http >= 300 && e->http < 500)
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
        .fresh = true,
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
    if (scratch_name(j))
        job_work(j, &j->work, intent_run, create_send);
    else
        job_fail(j, EIO, "no name for scratch objects");
}
