/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Uploads that a killed publish left at this key: aborted before the new
 * one begins.  Only what the journal says is ours is touched.
 */
#include <errno.h>
#include <string.h>

#include "publish/job.h"

enum {
    /* A Create without an answer in the journal was sent within this time
     * after its row; before, for the store's rounding to seconds. */
    INTENT_AFTER_S = 300,
    INTENT_BEFORE_S = 2,
    /* Seconds are cut off, and an attempt takes its time there. */
    TWIN_S = 2,
};

/* ------------------------------------------------------------- orphans */

void
orphans_free(struct publish_job *j)
{
    size_t i;

    for (i = 0; i < j->orphan_count; i++) {
        free(j->orphan[i].upload_id);
        free(j->orphan[i].key);
    }
    free(j->orphan);
    j->orphan = NULL;
    j->orphan_count = j->orphan_next = 0;
}

static bool
is_known(const struct publish_job *j, const char *upload_id)
{
    size_t i;

    for (i = 0; i < j->left_count; i++)
        if (j->left[i].upload_id &&
            strcmp(j->left[i].upload_id, upload_id) == 0)
            return true;
    return false;
}

/* A stop waits for no list of them; cleaning does, to a point. */
static bool
gives_up(const struct publish_job *j)
{
    return j->hurry || (j->stop && j->phase != PHASE_CLEAN);
}

static void orphan_next(struct publish_job *j);

static void
on_orphan(struct publish_job *j)
{
    if (j->call.e.err < 0)
        j->orphans_kept = true;
    orphan_next(j);
}

static void
orphan_next(struct publish_job *j)
{
    struct s3_where at = job_where(j);
    const char *id;
    struct call *c;

    if (gives_up(j))
        j->orphans_kept = true;
    if (gives_up(j) || j->orphan_next == j->orphan_count) {
        orphans_free(j);
        j->orphans_gone(j);
        return;
    }
    id = j->orphan[j->orphan_next++].upload_id;
    log_info("publish: %s: aborting an upload that was left", j->st.dest);
    c = call_begin(j, on_orphan);
    c->id = s3_abort(j->p->d.s3_dest, &at, id, call_done_cb, c);
}

/* j->orphan[0] was made by orphans_abort: what to look for. */
static void
on_uploads(struct publish_job *j)
{
    struct s3_upload_copy want = j->orphan[0], *u;
    size_t i;

    free(j->orphan);
    j->orphan = STEAL(j->call.left);
    j->orphan_count = j->call.left_count;
    j->call.left_count = 0;
    j->orphans_kept = j->call.e.err < 0;
    for (i = 0; i < j->orphan_count;) {
        u = &j->orphan[i];
        if (u->initiated >= want.initiated - INTENT_BEFORE_S &&
            u->initiated <= want.initiated + INTENT_AFTER_S &&
            (!want.initiator[0] ||
             strcmp(want.initiator, u->initiator) == 0) &&
            !is_known(j, u->upload_id)) {
            i++;
            continue;
        }
        free(u->upload_id);
        free(u->key);
        *u = j->orphan[--j->orphan_count];
    }
    orphan_next(j);
}

void
orphans_abort(struct publish_job *j, int64_t intent, const char *initiator,
              job_fn *then)
{
    struct s3_where at = job_where(j);
    struct call *c;

    orphans_free(j);
    j->orphans_gone = then;
    j->orphans_kept = true;
    j->orphan = calloc(1, sizeof(*j->orphan));
    if (!j->orphan) {
        then(j);
        return;
    }
    j->orphan->initiated = intent;
    strncpy(j->orphan->initiator, initiator, sizeof(j->orphan->initiator) - 1);
    c = call_begin(j, on_uploads);
    c->id = s3_list_uploads(j->p->d.s3_dest, &at, call_uploads_cb, c);
}

/* --------------------------------------------------------------- twins */

static const struct s3_upload_copy *
find_own(const struct publish_job *j)
{
    size_t i;

    for (i = 0; i < j->orphan_count; i++)
        if (strcmp(j->orphan[i].upload_id, j->upload_id) == 0)
            return &j->orphan[i];
    return NULL;
}

/* By the store's clock: no younger than the one that was answered, and no
 * older than the first attempt. */
static bool
is_twin(const struct publish_job *j, const struct s3_upload_copy *u,
        const struct s3_upload_copy *own)
{
    return strcmp(u->upload_id, own->upload_id) != 0 &&
           strcmp(u->initiator, own->initiator) == 0 &&
           u->initiated <= own->initiated + TWIN_S &&
           u->initiated >= own->initiated - (j->created - j->intent) - TWIN_S;
}

static void
on_twins(struct publish_job *j)
{
    const struct s3_upload_copy *found;
    struct s3_upload_copy own = {0}, *u;
    size_t i;

    j->orphan = STEAL(j->call.left);
    j->orphan_count = j->call.left_count;
    j->call.left_count = 0;
    j->orphans_kept = j->call.e.err < 0;
    found = find_own(j);
    if (found)
        own = *found;
    else
        orphans_free(j);
    own.upload_id = j->upload_id;
    for (i = 0; i < j->orphan_count;) {
        u = &j->orphan[i];
        if (is_twin(j, u, &own)) {
            i++;
            continue;
        }
        free(u->upload_id);
        free(u->key);
        *u = j->orphan[--j->orphan_count];
    }
    orphan_next(j);
}

void
twins_abort(struct publish_job *j, job_fn *then)
{
    struct s3_where at = job_where(j);
    struct call *c;

    orphans_free(j);
    j->orphans_gone = then;
    c = call_begin(j, on_twins);
    c->id = s3_list_uploads(j->p->d.s3_dest, &at, call_uploads_cb, c);
}

/* --------------------------------------------------------------- sweep */

static void sweep_next(struct publish_job *j);

static void
rows_remove_run(struct publish_job *j)
{
    size_t i;

    for (i = 0; i < j->left_count; i++)
        if (j->left[i].gone)
            journal_remove(j, j->left[i].id);
}

static void
sweep_over(struct publish_job *j)
{
    journal_rows_free(STEAL(j->left), j->left_count);
    j->left_count = 0;
    if (j->stop)
        return;
    if (j->noop)
        job_done(j, j->noop_word, true);
    else if (j->resumed)
        parts_begin(j);
    else
        job_attempt(j);
}

/* The scratch objects of a row whose upload is gone. */
static void
on_scrubbed(struct publish_job *j)
{
    struct journal_row *row = &j->left[j->left_next - 1];

    row->gone = !atomic_load(&j->scratch_kept);
    atomic_store(&j->scratch_kept, false);
    sweep_next(j);
}

static void
row_swept(struct publish_job *j, bool gone)
{
    struct journal_row *row = &j->left[j->left_next - 1];

    if (gone && row->scratch[0] && !gives_up(j)) {
        scratch_scrub(j, row->scratch, on_scrubbed);
        return;
    }
    row->gone = gone && !row->scratch[0];
    sweep_next(j);
}

static void
on_swept(struct publish_job *j)
{
    bool gone = j->call.e.err == 0;

    if (!gone)
        log_warn("publish: %s: an upload that was left there could not be "
                 "aborted: %s",
                 j->st.dest, j->call.e.message);
    row_swept(j, gone);
}

static void
on_orphans_gone(struct publish_job *j)
{
    row_swept(j, !j->orphans_kept);
}

/* Of a process that is gone. */
static void
sweep_row(struct publish_job *j, struct journal_row *row)
{
    struct s3_where at = job_where(j);
    struct call *c;

    if (row->upload_id) {
        c = call_begin(j, on_swept);
        c->id =
            s3_abort(j->p->d.s3_dest, &at, row->upload_id, call_done_cb, c);
    } else {
        orphans_abort(j, row->intent, row->initiator, on_orphans_gone);
    }
}

static void
on_resumed(struct publish_job *j)
{
    struct journal_row *row = &j->left[j->left_next - 1];

    if (j->stop || j->resumed || row->alive)
        sweep_next(j);
    else
        sweep_row(j, row);
}

static void
sweep_next(struct publish_job *j)
{
    struct journal_row *row;

    if (j->stop || j->left_next == j->left_count) {
        job_work(j, &j->work, rows_remove_run, sweep_over);
        return;
    }
    row = &j->left[j->left_next++];
    if (row->alive && (j->noop || strcmp(row->digest, j->digest) == 0)) {
        sweep_next(j); /* whoever is faster wins, with the same archive */
    } else if (row->alive) {
        job_fail(j, EBUSY, "another process is publishing there");
        sweep_next(j);
    } else if (!j->noop && !j->resumed && resume_fits(j, row)) {
        resume_begin(j, row, on_resumed);
    } else {
        sweep_row(j, row);
    }
}

void
sweep_begin(struct publish_job *j)
{
    if (j->left_count == 0)
        sweep_over(j);
    else
        sweep_next(j);
}
