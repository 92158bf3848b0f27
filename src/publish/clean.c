/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * After a failure, an abort or before a restart: nothing is left behind.
 * Comes when no call is in flight: the upload goes, a wrong finished object
 * goes, the journal's row goes; then the waiters hear.
 *
 * Once Complete was sent it is too late for an abort: the archive that is
 * there then stays, and the publish is done.  And it may be another host's,
 * who publishes the same: found after an unclear end it is not deleted.
 */
#include <errno.h>
#include <string.h>

#include "publish/job.h"

/* Parts that were cut off arrive within this time, or stay away. */
enum { SETTLE_MS = 1000, PATIENCE_MS = 10000 };

static void
attempt_reset(struct publish_job *j)
{
    parts_reset(j);
    verify_free(j);
    j->stop = STOP_NONE;
    j->stopping = false;
    j->cut = false;
    j->resumed = false;
    j->cleaned = false;
    j->create_twice = j->row_kept = j->id_lost = false;
    j->scratch_unclear = false;
    atomic_store(&j->scratch_kept, false);
    j->have_whole = false;
    j->finished = j->found = j->wrong = false;
    j->unclear = 0;
    j->phase = PHASE_PREPARE;
    memset(&j->done, 0, sizeof(j->done));
}

static void
clean_over(struct publish_job *j)
{
    j->row = j->twins = 0;
    if (j->stop == STOP_RESTART && j->vanished) {
        share_look(j);
    } else if (j->stop == STOP_RESTART && j->theirs) {
        job_done(j, j->have_whole && j->done.have_crc ? "store-crc" : "",
                 true);
    } else if (j->stop == STOP_RESTART) {
        attempt_reset(j);
        attempt_again(j);
    } else {
        job_over(j);
    }
}

/* By the store's own word, or not at all. */
static void
clean_was_done(struct publish_job *j)
{
    bool sure =
        j->crc && j->have_whole && j->done.have_crc && j->done.crc == j->whole;

    j->row = j->twins = 0;
    job_done(j, sure ? "store-crc" : "", false);
}

static void
row_over_run(struct publish_job *j)
{
    if (j->clean_then == clean_was_done)
        settle_run(j);
    else
        journal_over(j);
}

static void
clean_last(struct publish_job *j)
{
    if (j->row || j->clean_then == clean_was_done)
        job_work(j, &j->work, row_over_run, j->clean_then);
    else
        j->clean_then(j);
}

/* No call is in flight; the patience may be running out just now. */
static void
clean_row(struct publish_job *j, job_fn *then)
{
    j->clean_then = then;
    j->cleaned = true;
    if (atomic_load(&j->scratch_kept))
        j->row_kept = true; /* s3zip cleanup and the next publish find it */
    job_later_cancel(j, &j->patience);
    if (j->patience.id)
        j->patience.then = clean_last;
    else
        clean_last(j);
}

/* -------------------------------------------------------------- object */

static void
on_deleted(struct publish_job *j)
{
    if (j->call.e.err < 0 && j->call.e.err != -ESTALE)
        log_error("publish: %s: a wrong archive is there and could not be "
                  "deleted: %s %s",
                  j->st.dest, j->call.e.code, j->call.e.message);
    clean_row(j, clean_over);
}

/* Under its ETag, and only the version that Complete gave; one that was
 * found is hidden by a marker where the bucket has versions. */
static void
clean_delete(struct publish_job *j)
{
    struct s3_where at = job_where(j);
    bool ours = !j->found && j->done.version[0];
    struct call *c;

    j->finished = false;
    c = call_begin(j, on_deleted);
    c->id = s3_delete(j->p->d.s3_dest, &at, j->done.etag,
                      ours ? j->done.version : NULL, call_done_cb, c);
}

/* Complete was sent, and nobody heard its answer. */
static void
on_looked(struct publish_job *j)
{
    const struct found *o = &j->call.o;
    bool there = j->call.e.err == 0 && found_is_ours(j, o) &&
                 strcmp(o->etag, j->if_match) != 0;

    if (there)
        j->done = *o;
    /* What begins again meets it there, and looks closer. */
    if (there &&
        (j->stop == STOP_FAIL || (j->crc && j->have_whole && o->have_crc)))
        clean_row(j, clean_was_done);
    else
        clean_row(j, clean_over);
}

static void
clean_finished(struct publish_job *j)
{
    if (j->aborted) {
        clean_row(j, clean_was_done);
    } else if (j->found && !j->wrong) {
        log_warn("publish: %s: an archive is there and was not verified; it "
                 "may be another publish's, and stays",
                 j->st.dest);
        clean_row(j, clean_over);
    } else if (j->hurry) {
        clean_row(j, clean_over);
    } else {
        clean_delete(j);
    }
}

/* After the abort, so that a late Complete cannot win any more. */
static void
clean_object(struct publish_job *j)
{
    struct s3_head_args a = {.at = job_where(j), .checksum = true};
    struct call *c;

    if (j->finished) {
        clean_finished(j);
    } else if (j->complete_unclear && !j->hurry) {
        j->complete_unclear = false;
        c = call_begin(j, on_looked);
        c->id = s3_head(j->p->d.s3_dest, &a, call_object_cb, c);
    } else {
        clean_row(j, clean_over);
    }
}

/* -------------------------------------------------------------- upload */

static void
keep_row(struct publish_job *j)
{
    const char *code = j->hurry ? "no answer" : j->call.e.code;

    log_warn("publish: %s: its upload could not be aborted: %s %s; the "
             "next publish to this key removes it",
             j->st.dest, code, j->hurry ? "in time" : j->call.e.message);
    j->row_kept = true;
}

static void clean_abort(struct publish_job *j);

static void
on_aborted(struct publish_job *j)
{
    if (j->cut && !j->hurry) {
        j->cut = false;
        job_later(j, &j->timer, SETTLE_MS, clean_abort);
        return;
    }
    if (j->call.e.err < 0)
        keep_row(j);
    free(STEAL(j->upload_id));
    clean_object(j);
}

static void
on_orphans_gone(struct publish_job *j)
{
    if (j->orphans_kept) {
        log_info("publish: %s: an upload that it may have begun is left to "
                 "the next publish there, or to s3zip cleanup",
                 j->st.dest);
        j->id_lost = true;
    }
    clean_object(j);
}

static void
clean_abort(struct publish_job *j)
{
    struct s3_where at = job_where(j);
    struct call *c = call_begin(j, on_aborted);

    c->id = s3_abort(j->p->d.s3_dest, &at, j->upload_id, call_done_cb, c);
}

/* A store that was silent for a minute is not waited for again, nor is any
 * for long by a daemon that ends: the journal keeps the row, and the next
 * publish removes the upload. */
void
clean_hurry(struct publish_job *j)
{
    j->hurry = true;
    stages_clean_hurry(j);
    if (j->call.id)
        s3_cancel(j->p->d.s3_dest, j->call.id);
}

void
clean_hurry_in(struct publish_job *j, uint64_t ms)
{
    if (!j->patience.id && !j->hurry && !j->cleaned)
        job_later(j, &j->patience, ms, clean_hurry);
}

static bool
is_silence(int num)
{
    return num == ETIMEDOUT || num == ECONNREFUSED || num == EHOSTUNREACH;
}

/* Time was up before the cleaning began. */
static void
clean_no_more(struct publish_job *j)
{
    if (j->upload_id || j->create_unclear)
        keep_row(j);
    j->id_lost = j->create_twice;
    free(STEAL(j->upload_id));
    clean_object(j);
}

static void
clean_upload(struct publish_job *j)
{
    parts_free(j);
    if (share_is_worker(j))
        free(STEAL(j->upload_id)); /* the others go on with it */
    if (j->hurry) {
        clean_no_more(j);
    } else if (j->upload_id && j->create_twice) {
        j->create_twice = false;
        twins_abort(j, clean_abort);
    } else if (j->upload_id) {
        clean_abort(j);
    } else if (j->create_unclear) {
        j->create_unclear = false;
        orphans_abort(j, j->intent, "", on_orphans_gone);
    } else {
        clean_object(j);
    }
}

void
clean_begin(struct publish_job *j)
{
    j->phase = PHASE_CLEAN;
    if (j->stop == STOP_FAIL && is_silence(j->err.num))
        clean_hurry_in(j, PATIENCE_MS);
    verify_free(j);
    if (j->stop == STOP_FAIL)
        read_stream_close(STEAL(j->stream));
    stages_clean(j, clean_upload);
}
