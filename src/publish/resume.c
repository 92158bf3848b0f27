/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A killed publish of the same plan goes on: its journal row becomes ours,
 * and ListParts says what the store has.  A part counts if its size is the
 * planned one and its CRC, where one will be needed, is known by the store
 * or by the journal (and is the same, where both know it).  Called by
 * attempt.c: resume finds the upload, resume_take tells the scheduler what
 * is there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "publish/share.h"
#include "publish/task.h"

/* ----------------------------------------------------------------- which */

static bool
is_of_plan(const struct publish_job *j, const struct journal_row *row,
           const char *plan)
{
    return row->upload_id && strcmp(row->digest, j->digest) == 0 && plan[0] &&
           strcmp(row->plan, plan) == 0;
}

bool
resume_begun(struct publish_job *j, const struct plan *p)
{
    char plan[65];
    size_t i;

    if (j->left_count == 0)
        return false;
    plan_fingerprint(p, j->digest, plan);
    for (i = 0; i < j->left_count; i++)
        if (!j->left[i].alive && is_of_plan(j, &j->left[i], plan))
            return true;
    return false;
}

static bool
fits(struct attempt *at, const struct journal_row *row)
{
    char plan[65];

    if (row->alive || at->put ||
        (at->plan.scratches > 0) != (row->scratch[0] != '\0') ||
        strlen(row->scratch) >= sizeof(at->prefix))
        return false;
    plan_fingerprint(&at->plan, at->j->digest, plan);
    return is_of_plan(at->j, row, plan);
}

static void
adopt(struct attempt *at, struct journal_row *row)
{
    struct publish_job *j = at->j;
    struct journal_new new;
    struct upload_args a;
    char plan[65];

    at->crc = row->flags & ROW_CRC;
    at->scratch_crc = row->flags & ROW_SCRATCH_CRC;
    attempt_upload_args(at, &a, &new, plan);
    at->resumed = upload_resume(&at->up, &a, row) == 0;
    row->alive = true; /* it is ours now, or somebody else goes on with it */
    if (!at->resumed)
        return;
    snprintf(at->prefix, sizeof(at->prefix), "%s", row->scratch);
    if (row->flags & ROW_FULL)
        job_learn(j, &j->lessons.read_all);
}

int
resume(struct attempt *at)
{
    struct publish_job *j = at->j;
    size_t i;

    for (i = 0; i < j->left_count && !at->resumed; i++)
        if (fits(at, &j->left[i]))
            adopt(at, &j->left[i]);
    return 0;
}

/* ----------------------------------------------------------------- parts */

/* Of what was uploaded also for reading it back; but what others sent is
 * read back with the whole of the archive. */
static bool
wants_crc(const struct attempt *at, uint32_t n)
{
    return (part_plan(at, n)->kind == PLAN_UPLOAD && !at->j->share) ||
           (part_is_last(at, n) ? at->crc : at->scratch_crc);
}

/* The directory, unless the CRCs of all members are known: to make it takes
 * them, and nothing else checks what the killed process sent. */
static bool
is_made_again(const struct attempt *at, uint32_t n)
{
    const struct zip_layout *z = job_zip(at->j);
    const struct plan_part *pp = part_plan(at, n);

    return at->resumed && !at->j->have_whole && pp->kind == PLAN_UPLOAD &&
           pp->end > z->offset[z->count];
}

/* The store has it. */
static void
have_part(struct attempt *at, uint32_t n)
{
    struct publish_job *j = at->j;
    uint64_t len = part_len(at, n);
    LOCK_SCOPE(&j->lock);

    j->st.parts_done++;
    j->st.work_done += len;
    if (!j->share)
        j->st.resumed += len;
}

/* With at->lock. */
static void
take_part(struct attempt *at, uint32_t first, uint32_t count,
          const struct s3_listed_part *l)
{
    uint32_t n = first + l->number - 1;
    struct sent *s;

    if (l->number < 1 || l->number > count || l->size != part_len(at, n))
        return;
    s = &at->sent[n];
    if (s->etag || (l->have_crc32 && s->have_crc && l->crc32 != s->crc) ||
        sched_part_there(at->sched, n))
        return;
    if (l->have_crc32) {
        s->have_crc = true;
        s->crc = l->crc32;
    }
    if ((wants_crc(at, n) && !s->have_crc) || is_made_again(at, n))
        return;
    s->etag = strdup(l->etag);
    if (!s->etag)
        return;
    /* What was not seen to be compared tells nothing of its member. */
    sched_have_part(at->sched, n, NULL);
    have_part(at, n);
}

int
take_listed(struct attempt *at, uint32_t first, uint32_t count,
            const struct upload *up, bool *ret_crc)
{
    struct publish_job *j = at->j;
    struct s3_found found;
    size_t i;
    int r = s3_list_parts_wait(j->p->d.s3_dest, j->scope, &up->at, up->id,
                               &found);

    job_retries(j, &found.e);
    pthread_mutex_lock(&at->lock);
    for (i = 0; r == 0 && i < found.parts.count; i++)
        take_part(at, first, count, &found.parts.part[i]);
    pthread_mutex_unlock(&at->lock);
    if (r == 0 && ret_crc)
        *ret_crc = found.parts.crc32;
    s3_found_free(&found);
    return r;
}

/* ------------------------------------------------------- scratch objects */

/* Finished, as the journal has it: what was uploaded must be known too, for
 * reading it back, and not be made again. */
static void
take_object(struct attempt *at, const struct journal_scratch *note)
{
    const struct plan_upload *u = &at->plan.scratch[note->number];
    struct scratch *s = &at->scratch[note->number];
    uint32_t n, first = (uint32_t)u->part;

    for (n = first; n < first + u->count; n++)
        if (is_made_again(at, n) || (part_plan(at, n)->kind == PLAN_UPLOAD &&
                                     !at->sent[n].have_crc))
            return;
    s->etag = strdup(note->etag);
    s->version = strdup(note->version);
    if (!s->etag || !s->version) {
        free(STEAL(s->etag));
        free(STEAL(s->version));
        return;
    }
    s->have_whole = note->have_crc;
    s->whole = note->crc;
    sched_have_object(at->sched, note->number);
    for (n = first; n < first + u->count; n++)
        have_part(at, n);
}

/* The number in a scratch key, if its upload can be gone on with. */
static bool
number_of(const struct attempt *at, const char *key, size_t key_len,
          uint32_t *ret)
{
    size_t n = strlen(at->prefix);
    char digits[20];
    uint64_t number;

    if (key_len <= n || key_len - n >= sizeof(digits) ||
        strncmp(key, at->prefix, n) != 0)
        return false;
    snprintf(digits, sizeof(digits), "%.*s", (int)(key_len - n), key + n);
    if (!text_parse_u64(&number, digits) || number >= at->plan.scratches)
        return false;
    *ret = (uint32_t)number;
    return !at->scratch[number].etag && !at->scratch[number].up;
}

static int
take_upload(void *user, size_t i)
{
    struct attempt *at = user;
    const struct plan_upload *u = &at->plan.scratch[i];
    struct upload *up = at->scratch[i].up;

    if (!up)
        return 0;
    if (take_listed(at, (uint32_t)u->part, u->count, up, NULL) < 0) {
        upload_end(up); /* another begins in its place */
        free(STEAL(at->scratch[i].up));
        return 0;
    }
    pthread_mutex_lock(&at->lock);
    sched_have_upload(at->sched, (uint32_t)i);
    pthread_mutex_unlock(&at->lock);
    return 0;
}

static void
open_upload(struct attempt *at, uint32_t number, const char *id)
{
    struct publish_job *j = at->j;
    struct upload *up = calloc(1, sizeof(*up));
    char key[SCRATCH_MAX];
    struct upload_args a = {
        .s3 = j->p->d.s3_dest,
        .scope = j->scope,
        .create = {.at = scratch_where(at, number, key),
                   .crc32 = at->scratch_crc},
        .state = j->p->d.state,
    };

    if (!up || upload_join(up, &a, id) < 0) {
        free(up);
        return;
    }
    up->borrowed = false; /* below our prefix: ours to end */
    at->scratch[number].up = up;
}

static void
take_uploads(struct attempt *at)
{
    enum { WIDTH = 32 };
    struct publish_job *j = at->j;
    struct s3_where below = {j->dest.bucket, at->prefix, strlen(at->prefix),
                             true};
    struct s3_found found;
    uint32_t number;
    size_t i;

    /* If it fails: what is open is removed in the end. */
    s3_list_uploads_below_wait(j->p->d.s3_dest, j->scope, &below, &found);
    for (i = 0; i < found.count; i++)
        if (number_of(at, found.upload[i].key, found.upload[i].key_len,
                      &number) &&
            at->plan.scratch[number].count > 1)
            open_upload(at, number, found.upload[i].upload_id);
    s3_found_free(&found);
    each(WIDTH, at->plan.scratches, take_upload, at);
}

/* ------------------------------------------------------------------- all */

/* What the killed process had not noticed. */
static int
look_for_quirk(struct attempt *at)
{
    uint32_t n;

    for (n = 0; n < at->parts; n++) {
        bool last = part_is_last(at, n);

        if (at->sent[n].etag && (last ? at->crc : at->scratch_crc) &&
            copy_is_quirk(at, n))
            return found_quirk(at, last && part_plan(at, n)->kind !=
                                               PLAN_COPY_SCRATCH);
    }
    return 0;
}

/* Noted, but not there. */
static void
forget_crcs(struct attempt *at)
{
    uint32_t n;

    for (n = 0; n < at->parts; n++)
        if (!sched_part_there(at->sched, n))
            at->sent[n].have_crc = false;
}

static void
take_notes(struct attempt *at, const struct journal_noted *noted)
{
    size_t i;

    for (i = 0; i < noted->parts; i++)
        if (noted->part[i].number < at->parts) {
            at->sent[noted->part[i].number].have_crc = true;
            at->sent[noted->part[i].number].crc = noted->part[i].crc;
        }
    for (i = 0; i < noted->scratches; i++)
        if (noted->scratch[i].number < at->plan.scratches)
            take_object(at, &noted->scratch[i]);
}

int
resume_take(struct attempt *at)
{
    struct publish_job *j = at->j;
    struct journal_noted noted = {.parts = 0};
    int r;

    job_whole(j);
    journal_notes_read(j->p->d.state, &at->up.row, &noted);
    take_notes(at, &noted);
    journal_noted_free(&noted);
    r = take_listed(at, (uint32_t)at->plan.scratch_parts,
                    (uint32_t)at->plan.count, &at->up, NULL);
    if (r < 0)
        return job_again(j, "the upload that was left is gone");
    if (at->plan.scratches > 0) {
        atomic_store(&at->unclear, true);
        take_uploads(at);
    }
    forget_crcs(at);
    log_info("publish: %s: going on with %llu of %u parts", j->st.dest,
             (unsigned long long)j->st.parts_done, at->parts);
    return look_for_quirk(at);
}
