/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Uploads that a killed publish left at this key: aborted before the new
 * one begins.  Only what the journal says is ours is touched.
 */
#include <errno.h>
#include <string.h>

#include "publish/job.h"
#include "s3/orphan.h"

static void sweep_next(struct publish_job *j);

static struct journal_row *
current(const struct publish_job *j)
{
    return &j->left[j->left_next - 1];
}

/* Rows whose upload is gone go; others that were claimed are anybody's. */
static void
rows_leave_run(struct publish_job *j)
{
    const struct journal_row *row;
    size_t i;

    for (i = 0; i < j->left_count; i++) {
        row = &j->left[i];
        if (row->gone)
            journal_remove(j, row->id, row->intent, row->owner);
        else if (!row->alive && row->id != j->row &&
                 strcmp(row->owner, j->p->owner) == 0)
            journal_leave(j, row->id, row->intent);
    }
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
    struct journal_row *row = current(j);

    row->gone = !atomic_load(&j->scratch_kept);
    atomic_store(&j->scratch_kept, false);
    sweep_next(j);
}

static void
row_swept(struct publish_job *j, bool gone)
{
    struct journal_row *row = current(j);

    if (gone && row->scratch[0] && !orphans_give_up(j)) {
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
    const struct journal_row *row = current(j);

    row_swept(j, !j->orphans_kept && !s3_orphan_may_come(row->intent));
}

static void
on_claimed(struct publish_job *j)
{
    const struct journal_row *row = current(j);
    struct s3_where at = job_where(j);
    struct call *c;

    if (j->stop || row->alive) {
        sweep_next(j);
    } else if (row->upload_id) {
        c = call_begin(j, on_swept);
        c->id =
            s3_abort(j->p->d.s3_dest, &at, row->upload_id, call_done_cb, c);
    } else {
        orphans_abort(j, row->intent, row->initiator, on_orphans_gone);
    }
}

static void
claim_run(struct publish_job *j)
{
    struct journal_row *row = current(j);

    row->alive = !journal_adopt(j, row);
}

/* Of a process that is gone; another one may be about to go on with it. */
static void
sweep_row(struct publish_job *j)
{
    job_work(j, &j->work, claim_run, on_claimed);
}

static void
on_resumed(struct publish_job *j)
{
    struct journal_row *row = current(j);

    if (j->stop || j->resumed || row->alive)
        sweep_next(j);
    else
        sweep_row(j);
}

static void
sweep_next(struct publish_job *j)
{
    struct journal_row *row;

    if (j->stop || j->left_next == j->left_count) {
        job_work(j, &j->work, rows_leave_run, sweep_over);
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
        sweep_row(j);
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
