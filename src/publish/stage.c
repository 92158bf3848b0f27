/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Scratch objects: each is an upload of its own below the scratch prefix,
 * begun when what it copies from is there, and completed when its parts
 * are.  Must not know which part goes next.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "publish/job.h"

struct s3_where
stage_where(const struct publish_job *j, const struct stage *s,
            char key[STAGE_KEY_MAX])
{
    int n;

    if (s == job_last(j))
        return job_where(j);
    n = snprintf(key, STAGE_KEY_MAX, "%s%06u", j->scratch_prefix, s->number);
    return (struct s3_where){j->bucket, key, (size_t)n, true};
}

const char *
stage_upload_id(const struct publish_job *j, const struct stage *s)
{
    return s == job_last(j) ? j->upload_id : s->upload_id;
}

static void
stage_fail(struct publish_job *j, struct stage *s, const char *op)
{
    char key[STAGE_KEY_MAX];
    struct s3_where at = stage_where(j, s, key);

    job_fail_object(j, s->e, op, at.bucket, at.key, at.key_len);
}

/* ---------------------------------------------------------------- calls */

/* Before a submission; ends in one of the callbacks below, then in fn on
 * the strand. */
static void
stage_call(struct publish_job *j, struct stage *s, event_fn *fn)
{
    free(STEAL(s->e));
    s->ev.fn = fn;
    s->attempts = 0;
    j->inflight++;
    j->stage_calls++;
}

static void
stage_called(struct publish_job *j, struct stage *s)
{
    s->id = 0;
    j->inflight--;
    j->stage_calls--;
    if (s->attempts > 1)
        job_count(j, &j->st.retries, (uint64_t)s->attempts - 1);
    /* Sent again, or without a clear answer: who knows what is there. */
    if (s->attempts > 1 || (s->e && (s->e->http < 300 || s->e->http >= 500)))
        j->scratch_unclear = true;
}

static void
answered(struct stage *s, const struct s3_error *e)
{
    s->attempts = e->attempts;
    if (e->err < 0) {
        s->e = malloc(sizeof(*s->e));
        if (s->e)
            *s->e = *e;
    }
    job_post(s->job, &s->ev, s->ev.fn);
}

static char *
copy_word(const char *word)
{
    return word && *word ? strdup(word) : NULL;
}

static void
created_cb(void *user, const struct s3_error *e, const char *upload_id)
{
    struct stage *s = user;

    if (e->err == 0)
        s->upload_id = copy_word(upload_id);
    answered(s, e);
}

static void
completed_cb(void *user, const struct s3_error *e,
             const struct s3_completed *c)
{
    struct stage *s = user;

    if (e->err == 0 && c) {
        free(s->etag);
        free(s->version);
        s->etag = copy_word(c->etag);
        s->version = copy_word(c->version_id);
    }
    answered(s, e);
}

static void
looked_cb(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct stage *s = user;

    if (e->err == 0 && o && o->size == s->size &&
        !(s->have_whole && o->have_crc32 && o->crc32 != s->whole)) {
        free(s->etag);
        free(s->version);
        s->etag = copy_word(o->etag);
        s->version = copy_word(o->version_id);
    }
    answered(s, e);
}

/* ----------------------------------------------------------------- done */

static void
stage_done(struct publish_job *j, struct stage *s)
{
    s->state = STAGE_DONE;
    free(STEAL(s->upload_id));
    j->stages_open--;
    journal_note(j, s->number | NOTE_STAGE);
    parts_source(j, s);
    stages_ready(j, s);
}

/* The answer to Complete or PUT was lost, and what is there is not it. */
static void
stage_lost(struct publish_job *j, struct stage *s)
{
    char key[STAGE_KEY_MAX], name[400];
    struct s3_where at = stage_where(j, s, key);

    text_escape(name, sizeof(name), at.key, at.key_len);
    job_restart(j, "the store did not say whether %s is there", name);
}

static void
on_looked(struct publish_job *j, struct event *ev)
{
    struct stage *s = (struct stage *)ev;

    stage_called(j, s);
    if (j->stop)
        return;
    if (s->etag)
        stage_done(j, s);
    else
        stage_lost(j, s);
}

/* ------------------------------------------------------------- complete */

static struct s3_done_part *
done_list(struct publish_job *j, struct stage *s)
{
    struct s3_done_part *list = calloc(s->count, sizeof(*list));
    uint32_t i;

    s->whole = 0;
    s->have_whole = s->crc;
    for (i = 0; list && i < s->count; i++) {
        const struct part *p = &j->part[s->first + i];

        list[i] = (struct s3_done_part){
            .number = i + 1,
            .etag = p->etag,
            .have_crc32 = p->have_crc,
            .crc32 = p->crc,
        };
        s->whole = crc_join(s->whole, p->crc, part_len(j, s->first + i));
    }
    return list;
}

static void
stage_look(struct publish_job *j, struct stage *s)
{
    char key[STAGE_KEY_MAX];
    struct s3_head_args a = {.at = stage_where(j, s, key), .checksum = true};

    stage_call(j, s, on_looked);
    s->id = s3_head(j->p->d.s3_dest, &a, looked_cb, s);
}

static void
complete_failed(struct publish_job *j, struct stage *s)
{
    const struct s3_error *e = s->e;

    if (error_is_unclear(e)) {
        stage_look(j, s);
        return;
    }
    if (e->http == 501 && s->sent_size) {
        publisher_learn(j->p, &j->p->caps.no_size, "no x-amz-mp-object-size");
        j->send_size = false;
        stage_complete(j, s);
    } else if (s->crc && s3_error_is_checksum(e)) {
        j->never_scratch_crc = true;
        job_restart(j, "a scratch object's checksum was refused (%s)",
                    e->code);
    } else {
        stage_fail(j, s, "POST");
    }
}

static void
on_completed(struct publish_job *j, struct event *ev)
{
    struct stage *s = (struct stage *)ev;

    stage_called(j, s);
    if (!s->e && !s->etag)
        job_fail(j, ENOMEM, "out of memory");
    if (j->stop)
        return;
    if (s->e)
        complete_failed(j, s);
    else
        stage_done(j, s);
}

void
stage_complete(struct publish_job *j, struct stage *s)
{
    CLEANUP_FREE struct s3_done_part *list = done_list(j, s);
    char key[STAGE_KEY_MAX];
    struct s3_complete_args a = {
        .at = stage_where(j, s, key),
        .upload_id = s->upload_id,
        .part = list,
        .count = s->count,
        .crc32 = s->crc,
        .whole_crc32 = s->whole,
        .send_size = j->send_size,
        .size = s->size,
    };

    if (!list) {
        job_fail(j, ENOMEM, "out of memory");
        return;
    }
    s->state = STAGE_COMPLETE;
    s->sent_size = j->send_size;
    stage_call(j, s, on_completed);
    s->id = s3_complete(j->p->d.s3_dest, &a, completed_cb, s);
}

/* ------------------------------------------------------------------ put */

static void
on_put(struct publish_job *j, struct event *ev)
{
    struct stage *s = (struct stage *)ev;
    bool done = !s->e && s->etag;

    stage_called(j, s);
    upload_put_over(j, s->first, done && !j->stop);
    if (!s->e && !s->etag)
        job_fail(j, ENOMEM, "out of memory");
    if (j->stop)
        return;
    if (done) {
        stage_done(j, s);
    } else if (error_is_unclear(s->e)) {
        stage_lost(j, s);
    } else {
        stage_fail(j, s, "PUT");
    }
}

void
stage_put(struct publish_job *j, struct stage *s, const struct iovec *iov,
          int count, uint32_t crc)
{
    char key[STAGE_KEY_MAX];
    struct s3_put_args a = {
        .at = stage_where(j, s, key),
        .body = iov,
        .body_count = count,
        .send_crc32 = s->crc,
        .crc32 = crc,
    };

    s->whole = crc;
    s->have_whole = s->crc;
    stage_call(j, s, on_put);
    s->id = s3_put(j->p->d.s3_dest, &a, completed_cb, s);
}

/* --------------------------------------------------------------- create */

static void
on_created(struct publish_job *j, struct event *ev)
{
    struct stage *s = (struct stage *)ev;

    stage_called(j, s);
    if (!s->e && !s->upload_id)
        job_fail(j, ENOMEM, "out of memory");
    if (j->stop)
        return;
    if (!s->e) {
        s->state = STAGE_OPEN;
        parts_open(j, s);
    } else if (s->crc && (s->e->http == 400 || s->e->http == 501)) {
        j->never_crc = j->never_scratch_crc = true;
        job_restart(j, "no checksum algorithm here (%s)", s->e->code);
    } else {
        stage_fail(j, s, "POST");
    }
}

void
stage_create(struct publish_job *j, struct stage *s)
{
    char key[STAGE_KEY_MAX];
    struct s3_create_args a = {
        .at = stage_where(j, s, key), .crc32 = s->crc, .fresh = true};

    s->state = STAGE_CREATE;
    stage_call(j, s, on_created);
    s->id = s3_create(j->p->d.s3_dest, &a, created_cb, s);
}
