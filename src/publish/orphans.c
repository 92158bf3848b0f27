/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Uploads at the destination whose id nobody was told: a process died, or
 * an answer was lost, between Create and the journal.  s3/orphan.h says
 * which may be ours; another host's must not be aborted for one of them.
 * What is too young to tell is left, with the journal's row, to the next
 * look: no publish waits for it.
 */
#include <errno.h>
#include <string.h>

#include "publish/job.h"
#include "s3/orphan.h"

/* Seconds are cut off, and an attempt takes its time there. */
enum { TWIN_S = 2 };

static void
upload_free(struct s3_upload_copy *u)
{
    free(u->upload_id);
    free(u->key);
}

void
orphans_free(struct publish_job *j)
{
    size_t i;

    for (i = 0; i < j->orphan_count; i++)
        upload_free(&j->orphan[i]);
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
bool
orphans_give_up(const struct publish_job *j)
{
    return j->hurry || (j->stop && j->phase != PHASE_CLEAN);
}

/* ---------------------------------------------------------------- abort */

static void orphan_next(struct publish_job *j);

static void
on_orphan(struct publish_job *j)
{
    const struct s3_error *e = &j->call.e;

    if (e->err == -ENOTEMPTY)
        log_info("publish: %s: an upload there has parts: another's",
                 j->st.dest);
    else if (e->err < 0)
        j->orphans_kept = true;
    orphan_next(j);
}

static void
orphan_next(struct publish_job *j)
{
    struct s3_where at = job_where(j);
    const char *id;
    struct call *c;

    if (orphans_give_up(j))
        j->orphans_kept = true;
    if (orphans_give_up(j) || j->orphan_next == j->orphan_count) {
        orphans_free(j);
        j->orphans_gone(j);
        return;
    }
    id = j->orphan[j->orphan_next++].upload_id;
    log_info("publish: %s: aborting an upload that was left, if it is empty",
             j->st.dest);
    c = call_begin(j, on_orphan);
    c->id = s3_abort_empty(j->p->d.s3_dest, &at, id, call_done_cb, c);
}

/* Takes the list that was asked for. */
static void
take_list(struct publish_job *j)
{
    j->orphan = STEAL(j->call.left);
    j->orphan_count = j->call.left_count;
    j->orphan_next = 0;
    j->call.left_count = 0;
    j->orphans_kept = j->call.e.err < 0;
}

/* Leaves those that are to be aborted. */
static void
keep_only(struct publish_job *j,
          enum s3_orphan (*judge)(const struct publish_job *j,
                                  const struct s3_upload_copy *u,
                                  const struct s3_upload_copy *by),
          const struct s3_upload_copy *by)
{
    enum s3_orphan o;
    size_t i;

    for (i = 0; i < j->orphan_count;) {
        o = judge(j, &j->orphan[i], by);
        if (o == S3_ORPHAN_OLD) {
            i++;
            continue;
        }
        j->orphans_kept |= o == S3_ORPHAN_YOUNG;
        upload_free(&j->orphan[i]);
        j->orphan[i] = j->orphan[--j->orphan_count];
    }
}

/* -------------------------------------------------------------- orphans */

static enum s3_orphan
judge_orphan(const struct publish_job *j, const struct s3_upload_copy *u,
             const struct s3_upload_copy *want)
{
    struct s3_upload seen = {.initiated = u->initiated,
                             .age = u->age,
                             .begun_first = u->begun_first,
                             .begun_last = u->begun_last,
                             .initiator = u->initiator};

    return is_known(j, u->upload_id)
               ? S3_ORPHAN_NOT
               : s3_orphan(&seen, want->initiated, want->initiator);
}

/* j->orphan[0] was made by orphans_abort: what to look for. */
static void
on_uploads(struct publish_job *j)
{
    struct s3_upload_copy want = j->orphan[0];

    free(j->orphan);
    take_list(j);
    keep_only(j, judge_orphan, &want);
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
static enum s3_orphan
judge_twin(const struct publish_job *j, const struct s3_upload_copy *u,
           const struct s3_upload_copy *own)
{
    if (strcmp(u->upload_id, j->upload_id) == 0 ||
        strcmp(u->initiator, own->initiator) != 0 ||
        u->initiated > own->initiated + TWIN_S ||
        u->initiated < own->initiated - (j->created - j->intent) - TWIN_S)
        return S3_ORPHAN_NOT;
    return u->age < S3_ORPHAN_AGE_S ? S3_ORPHAN_YOUNG : S3_ORPHAN_OLD;
}

static void
on_twins_gone(struct publish_job *j)
{
    j->id_lost = j->orphans_kept;
    j->twins_gone(j);
}

static void
on_twins(struct publish_job *j)
{
    const struct s3_upload_copy *found;
    struct s3_upload_copy own;

    take_list(j);
    found = find_own(j);
    if (found) {
        own = *found;
        strcpy(j->initiator, own.initiator);
        keep_only(j, judge_twin, &own);
    } else {
        orphans_free(j);
    }
    orphan_next(j);
}

void
twins_abort(struct publish_job *j, job_fn *then)
{
    struct s3_where at = job_where(j);
    struct call *c;

    orphans_free(j);
    j->twins_gone = then;
    j->orphans_gone = on_twins_gone;
    c = call_begin(j, on_twins);
    c->id = s3_list_uploads(j->p->d.s3_dest, &at, call_uploads_cb, c);
}
