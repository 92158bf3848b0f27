/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A killed publish of the same plan goes on: its journal row becomes ours,
 * and ListParts says what the store has.  A part counts if its size is the
 * planned one and its CRC, where one will be needed, is known by the store
 * or by the journal (and is the same, where both know it).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "publish/job.h"

struct resume {
    struct journal_row *row;
    job_fn *then;
    bool adopted;
    bool whole; /* the archive's CRC-32 follows from what is known */
    struct s3_upload_copy *open; /* of scratch objects */
    size_t open_count, next;
    struct stage *stage; /* whose parts are being listed */
};

static bool
is_of_plan(const struct publish_job *j, const struct journal_row *row,
           const char *plan)
{
    return row->upload_id && strcmp(row->digest, j->digest) == 0 && plan[0] &&
           strcmp(row->plan, plan) == 0;
}

bool
resume_fits(struct publish_job *j, const struct journal_row *row)
{
    char plan[65];

    if (job_last(j)->put || (j->stages > 1) != (row->scratch[0] != '\0'))
        return false;
    plan_fingerprint(&j->plan, j->digest, plan);
    return is_of_plan(j, row, plan) &&
           strlen(row->scratch) < sizeof(j->scratch_prefix);
}

bool
resume_begun(void *user, const struct plan *p)
{
    const struct publish_job *j = user;
    char plan[65];
    size_t i;

    if (j->left_count == 0)
        return false;
    plan_fingerprint(p, j->digest, plan);
    for (i = 0; i < j->left_count; i++)
        if (is_of_plan(j, &j->left[i], plan))
            return true;
    return false;
}

/* A rule of the bucket may have aborted it, a person, or another host, for
 * one of a killed process that began it in the same minutes.  And s3proxy
 * lists no parts, and no error, of an upload that is gone. */
bool
upload_vanished(struct publish_job *j, const struct s3_error *e)
{
    if (strcmp(e->code, "NoSuchUpload") != 0)
        return false;
    j->vanished = share_is_worker(j);
    if (!j->vanished && !j->resumed && j->gone++ >= GONE_MAX)
        return false;
    job_restart(j, "the upload is gone");
    return true;
}

/* ---------------------------------------------------------------- parts */

/* Of what was uploaded also for reading it back; but what others sent is
 * read back with the whole of the archive. */
static bool
wants_crc(const struct publish_job *j, const struct stage *s, uint32_t n)
{
    return (part_plan(j, n)->kind == PLAN_UPLOAD && !j->share) ||
           (s == job_last(j) ? j->crc : j->scratch_crc);
}

/* The directory, unless the CRCs of all members are known: to make it takes
 * them, and nothing else checks what the killed process sent (whole_crc). */
static bool
is_made_again(const struct publish_job *j, uint32_t n)
{
    return j->resume && !j->resume->whole && j->part[n].directory;
}

static void
take_part(struct publish_job *j, struct stage *s, struct listed *l)
{
    uint32_t n = s->first + l->number - 1;
    struct part *p;

    if (l->number < 1 || l->number > s->count || l->size != part_len(j, n))
        return;
    p = &j->part[n];
    if (p->state != PART_WAIT || !l->etag ||
        (l->have_crc && p->have_crc && l->crc != p->crc))
        return;
    if (l->have_crc) {
        p->have_crc = true;
        p->crc = l->crc;
    }
    if ((wants_crc(j, s, n) && !p->have_crc) || is_made_again(j, n))
        return;
    p->etag = STEAL(l->etag);
    part_resumed(j, n);
}

void
resume_take(struct publish_job *j, struct stage *s)
{
    size_t i;

    for (i = 0; i < j->call.listed_count; i++)
        take_part(j, s, &j->call.listed[i]);
}

/* Finished, as the journal has it: what was uploaded must be known too,
 * for reading it back, and not be made again. */
static void
take_done(struct publish_job *j, struct stage *s)
{
    uint32_t n;

    for (n = s->first; n < s->first + s->count && s->etag; n++)
        if (is_made_again(j, n) ||
            (part_plan(j, n)->kind == PLAN_UPLOAD && !j->part[n].have_crc)) {
            free(STEAL(s->etag));
            free(STEAL(s->version));
        }
    if (!s->etag)
        return;
    s->state = STAGE_DONE;
    for (n = s->first; n < s->first + s->count; n++)
        part_resumed(j, n);
}

/* ------------------------------------------------------------------ end */

static void
forget_crcs(struct publish_job *j)
{
    uint32_t n;

    for (n = 0; n < j->parts; n++)
        if (j->part[n].state == PART_WAIT)
            j->part[n].have_crc = false;
}

/* What the killed process had not noticed. */
static void
look_for_quirk(struct publish_job *j)
{
    bool last;
    uint32_t n;

    for (n = 0; n < j->parts; n++) {
        last = part_stage(j, n) == job_last(j);
        if (j->part[n].state != PART_DONE ||
            !(last ? j->crc : j->scratch_crc) || !copy_is_quirk(j, n))
            continue;
        found_quirk(j, last && part_plan(j, n)->kind != PLAN_COPY_SCRATCH);
        return;
    }
}

static void
resume_over(struct publish_job *j)
{
    struct resume *r = STEAL(j->resume);
    job_fn *then = r->then;
    size_t i;

    forget_crcs(j);
    if (j->resumed && !j->stop) {
        log_info("publish: %s: going on with %u of %u parts", j->st.dest,
                 j->parts_done, j->parts);
        look_for_quirk(j);
    }
    for (i = 0; i < r->open_count; i++) {
        free(r->open[i].upload_id);
        free(r->open[i].key);
    }
    free(r->open);
    free(r);
    then(j);
}

/* ------------------------------------------------------- scratch objects */

static void list_next(struct publish_job *j);

static void
on_scratch_parts(struct publish_job *j)
{
    struct resume *r = j->resume;

    if (!j->stop && j->call.e.err == 0) {
        r->stage->state = STAGE_OPEN;
        resume_take(j, r->stage);
    } else {
        free(STEAL(r->stage->upload_id)); /* scrubbed in the end */
    }
    list_next(j);
}

/* The stage whose key that is, if it has no upload yet. */
static struct stage *
stage_of(struct publish_job *j, const char *key)
{
    size_t n = strlen(j->scratch_prefix);
    struct stage *s;
    uint64_t number;

    if (!key || strncmp(key, j->scratch_prefix, n) != 0 ||
        strspn(key + n, "0123456789") != strlen(key + n) ||
        !text_parse_u64(&number, key + n) || number + 1 >= j->stages)
        return NULL;
    s = &j->stage[number];
    return s->state == STAGE_WAIT && !s->put && !s->upload_id ? s : NULL;
}

static void
list_next(struct publish_job *j)
{
    struct resume *r = j->resume;
    struct s3_upload_copy *u = NULL;
    char key[STAGE_KEY_MAX];
    struct s3_where at;
    struct call *c;

    r->stage = NULL;
    while (!j->stop && r->next < r->open_count && !r->stage) {
        u = &r->open[r->next++];
        r->stage = stage_of(j, u->key);
    }
    if (!r->stage) {
        resume_over(j);
        return;
    }
    r->stage->upload_id = STEAL(u->upload_id);
    at = stage_where(j, r->stage, key);
    c = call_begin(j, on_scratch_parts);
    c->id = s3_list_parts(j->p->d.s3_dest, &at, r->stage->upload_id,
                          call_parts_cb, c);
}

static void
on_scratch_uploads(struct publish_job *j)
{
    struct resume *r = j->resume;

    r->open = STEAL(j->call.left);
    r->open_count = j->call.left_count;
    j->call.left_count = 0;
    list_next(j);
}

static void
list_scratch(struct publish_job *j)
{
    struct s3_where at = {j->bucket, j->scratch_prefix,
                          strlen(j->scratch_prefix), true};
    struct call *c;
    uint32_t u;

    if (j->stages == 1) {
        resume_over(j);
        return;
    }
    j->scratch_unclear = true;
    for (u = 0; u + 1 < j->stages; u++)
        take_done(j, &j->stage[u]);
    c = call_begin(j, on_scratch_uploads);
    c->id = s3_list_uploads_below(j->p->d.s3_dest, &at, call_uploads_cb, c);
}

/* ---------------------------------------------------------- the archive's */

/* Nothing to go on with: the row is swept like any other. */
static void
give_up(struct publish_job *j)
{
    uint32_t u;

    for (u = 0; u + 1 < j->stages; u++) {
        free(STEAL(j->stage[u].etag));
        free(STEAL(j->stage[u].version));
    }
    j->scratch_prefix[0] = '\0';
    resume_over(j);
}

static void
on_parts(struct publish_job *j)
{
    struct resume *r = j->resume;
    const struct journal_row *row = r->row;

    if (j->stop || j->call.e.err < 0) {
        give_up(j);
        return;
    }
    j->upload_id = strdup(row->upload_id);
    if (!j->upload_id) {
        give_up(j);
        return;
    }
    j->resumed = true;
    j->send_size = !publisher_caps(j->p).no_size;
    j->row = row->id;
    j->intent = j->created = row->intent;
    resume_take(j, job_last(j));
    list_scratch(j);
}

static void
on_adopted(struct publish_job *j)
{
    struct resume *r = j->resume;
    struct s3_where at = job_where(j);
    struct call *c;

    if (!r->adopted)
        r->row->alive = true; /* somebody else goes on with it */
    if (!r->adopted || j->stop) {
        resume_over(j);
        return;
    }
    j->crc = r->row->flags & ROW_CRC;
    j->scratch_crc = r->row->flags & ROW_SCRATCH_CRC;
    j->force_full |= (r->row->flags & ROW_FULL) != 0;
    snprintf(j->scratch_prefix, sizeof(j->scratch_prefix), "%s",
             r->row->scratch);
    c = call_begin(j, on_parts);
    c->id = s3_list_parts(j->p->d.s3_dest, &at, r->row->upload_id,
                          call_parts_cb, c);
}

static void
adopt_run(struct publish_job *j)
{
    struct resume *r = j->resume;
    uint32_t whole;

    r->adopted = journal_adopt(j, r->row);
    r->whole = whole_crc(j->layout, j->crcs, &whole) == 0;
    if (r->adopted)
        journal_load(j, r->row->id);
}

void
resume_begin(struct publish_job *j, struct journal_row *row, job_fn *then)
{
    struct resume *r = calloc(1, sizeof(*r));

    if (!r) {
        then(j);
        return;
    }
    r->row = row;
    r->then = then;
    j->resume = r;
    job_work(j, &j->work, adopt_run, on_adopted);
}
