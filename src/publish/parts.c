/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Which part goes next.  Copies in the archive's order, but the first few
 * ranged ones before all others, so that a store with wrong CRCs shows
 * before bytes are uploaded; an upload part when the CRC of the copied
 * member whose header it holds is known; the central directory last.
 * Scratch objects' parts go before the archive's, which need them.  Bytes in
 * flight are bounded by permits.
 */
#include <stdlib.h>
#include <string.h>

#include "publish/job.h"

void
parts_reset(struct publish_job *j)
{
    parts_free(j);
    free(STEAL(j->note));
    j->notes = j->notes_cap = 0;
    memset(j->copy_queue, 0, sizeof(j->copy_queue));
    memset(j->upload_queue, 0, sizeof(j->upload_queue));
    memset(&j->stage_queue, 0, sizeof(j->stage_queue));
    j->next_ask = j->next_header = 0;
    j->parts_done = j->bodies_done = j->probes_done = j->reads_done = 0;
    j->copies_busy = j->asks_busy = j->uploads_busy = 0;
    j->stages_open = j->stage_calls = 0;
    pthread_mutex_lock(&j->lock);
    j->st.parts_done = 0;
    j->st.work_done = 0;
    j->st.wasted += j->st.uploaded + j->st.copied;
    j->st.uploaded = j->st.copied = j->st.resumed = 0;
    pthread_mutex_unlock(&j->lock);
}

/* Upload parts of usual size that memory holds. */
static unsigned
uploads_held(const struct publish_job *j)
{
    uint64_t all = 0, held;
    uint32_t n;

    for (n = 0; n < j->parts; n++)
        if (part_plan(j, n)->kind == PLAN_UPLOAD)
            all += upload_memory(j, n);
    held = all > 0 ? j->p->in_flight / (all / j->uploads + 1) : 1;
    return (unsigned)max_u64(1, min_u64(held, UPLOADS_MAX));
}

void
parts_begin(struct publish_job *j)
{
    j->phase = PHASE_PARTS;
    job_set_state(j, PUBLISH_RUNNING);
    rates_begin(&j->rates, j->p->d.s3_dest);
    balance_begin(&j->balance, uploads_held(j));
    stages_begin(j);
}

void
part_finished(struct publish_job *j, uint32_t n)
{
    struct stage *s = part_stage(j, n);

    j->part[n].state = PART_DONE;
    j->parts_done++;
    s->left--;
    pthread_mutex_lock(&j->lock);
    j->st.parts_done = j->parts_done;
    j->st.work_done += part_len(j, n);
    pthread_mutex_unlock(&j->lock);
    if (j->part[n].have_crc && j->row)
        journal_note(j, n);
    if (s->left == 0 && s != job_last(j) && !s->put)
        stage_complete(j, s);
}

/* What a donation or a copy from before tells of its member's CRC is not
 * known: the ladder, or the state file, has it. */
static void
resumed_piece(struct publish_job *j, int32_t copied, bool copy)
{
    struct copied *c = &j->copied[copied];

    c->opaque = true;
    c->pieces_left--;
    c->copies_left -= copy;
}

void
part_resumed(struct publish_job *j, uint32_t n)
{
    bool upload = part_plan(j, n)->kind == PLAN_UPLOAD;
    struct part *p = &j->part[n];
    int i;

    p->state = PART_DONE;
    j->parts_done++;
    part_stage(j, n)->left--;
    if (upload) {
        j->reads_done += !p->directory;
        for (i = 0; i < DON_COUNT; i++)
            if (p->don[i].copied >= 0)
                resumed_piece(j, p->don[i].copied, false);
    } else if (p->copied >= 0) {
        j->bodies_done++;
        j->probes_done += p->probe;
        resumed_piece(j, p->copied, true);
    }
    pthread_mutex_lock(&j->lock);
    j->st.parts_done = j->parts_done;
    j->st.work_done += part_len(j, n);
    j->st.resumed += part_len(j, n);
    pthread_mutex_unlock(&j->lock);
}

/* ----------------------------------------------------------------- ask */

/* Does a ranged source have a stored CRC32?  Then this store cannot have a
 * checksum upload of it. */
static void
ask_step(struct publish_job *j)
{
    struct copied *c;
    uint32_t known;

    while (j->crc && j->next_ask < j->copied_count &&
           j->asks_busy < COPIES_MAX) {
        c = &j->copied[j->next_ask++];
        if (c->ranged_last && crc_peek(j->crcs, c->member, &known))
            c->has_stored = true;
        else if (c->ranged_last && copied_wants_ask(j, c))
            copied_ask(j, c, CRC_CHEAP);
        j->crc = !c->has_stored;
    }
    if (j->asks_busy > 0 || j->stop)
        return;
    for (j->next_ask = 0; j->next_ask < j->copied_count; j->next_ask++)
        j->crc &= !j->copied[j->next_ask].has_stored;
    attempt_create(j);
}

/* Headers whose members' copies tell nothing, or too late: all of their CRCs
 * are asked for at once, beside everything else. */
static void
headers_step(struct publish_job *j)
{
    struct copied *c;
    uint32_t known;

    while (!j->stop && !j->share && j->next_header < j->copied_count &&
           j->asks_busy < ASKS_MAX) {
        c = &j->copied[j->next_header++];
        if (c->header && j->part[c->header - 1].state == PART_WAIT &&
            c->ask == ASK_NOT && copied_is_mute(j, c) &&
            !crc_peek(j->crcs, c->member, &known))
            copied_ask(j, c, 0);
    }
}

/* -------------------------------------------------------------- copies */

static void
copies_step(struct publish_job *j)
{
    struct part *p;
    uint32_t at;

    while (!j->stop && j->copies_busy < COPIES_MAX &&
           (at = parts_next_copy(j))) {
        p = &j->part[at - 1];
        if (j->crc && p->copied >= 0 &&
            copied_wants_ask(j, &j->copied[p->copied]))
            copied_ask(j, &j->copied[p->copied], CRC_CHEAP);
        copy_send(j, at - 1);
    }
}

/* ------------------------------------------------------------- uploads */

/* The CRC of the copied member whose header the part holds: known, or the
 * reader's to find. */
bool
dep_known(struct publish_job *j, const struct part *p)
{
    uint32_t known;

    return !j->crc || p->forced || p->copied < 0 ||
           j->copied[p->copied].opaque ||
           crc_peek(j->crcs, j->copied[p->copied].member, &known);
}

static bool
is_ready(struct publish_job *j, const struct part *p)
{
    const struct copied *c;
    uint32_t own;

    if (p->directory)
        /* The others' bodies give the CRCs that it needs. */
        return p->forced || ((!j->crc || j->bodies_done == j->bodies) &&
                             j->reads_done >= j->plain);
    if (dep_known(j, p))
        return true;
    c = &j->copied[p->copied];
    if (c->late)
        return c->ask == ASK_ANSWERED;
    /* What it has of that body itself it reads before the header. */
    own = p->don[DON_TAIL].copied == p->copied;
    return c->pieces_left <= own && c->ask != ASK_SENT;
}

/* Not before it was seen how this store answers ranged copies: by the first
 * one, if the CRC of its member is known, else by all of the first ones. */
static bool
uploads_wait(struct publish_job *j)
{
    const struct copied *c;
    const struct part *p;
    struct caps caps;
    uint32_t known;

    if (!j->crc || !j->probe || j->probes_done >= j->probes)
        return false;
    p = &j->part[j->probe - 1];
    c = &j->copied[p->copied];
    if (p->state == PART_DONE && c->ask != ASK_SENT &&
        crc_peek(j->crcs, c->member, &known))
        return false;
    caps = publisher_caps(j->p);
    return !caps.range_good && !caps.copies_good;
}

static bool
next_ready(struct publish_job *j, uint32_t *ret)
{
    return parts_take_ready(j, &j->upload_queue[0], is_ready, ret) ||
           (!uploads_wait(j) &&
            parts_take_ready(j, &j->upload_queue[1], is_ready, ret));
}

static void
on_permit(struct publish_job *j, struct event *ev)
{
    (void)ev;
    j->permit_waiting = false;
    j->inflight--;
    if (j->stop)
        permits_give(j->p->permits, upload_memory(j, j->permit_part));
    else
        upload_start(j, j->permit_part);
}

static void
permit_granted(void *user)
{
    struct publish_job *j = user;

    job_post(j, &j->permit_ev, on_permit);
}

static bool
may_start(const struct publish_job *j)
{
    return !j->stop && !j->permit_waiting && j->uploads_busy < UPLOADS_MAX &&
           balance_may_read(&j->balance, upload_count(j, false));
}

static void
uploads_step(struct publish_job *j)
{
    uint32_t n;

    while (may_start(j) && next_ready(j, &n)) {
        j->part[n].state = PART_BUSY;
        j->uploads_busy++;
        j->permit_part = n;
        j->permit_waiting = true;
        j->inflight++;
        j->permit_id = permits_take(j->p->permits, upload_memory(j, n),
                                    permit_granted, j);
        if (j->permit_id == 0) {
            j->permit_waiting = false;
            j->inflight--;
            upload_start(j, n);
        }
    }
}

/* The last one that is looked at: the donation at its head lets the one
 * before it go, and so on. */
static uint32_t
to_unlock(const struct publish_job *j, const struct part_queue *q)
{
    uint32_t at, best = q->head, seen = 0;
    const struct part *p;

    for (at = q->head; at && seen < READY_WINDOW; at = p->next) {
        p = &j->part[at - 1];
        if (!p->directory && p->copied >= 0 &&
            j->copied[p->copied].copies_left == 0)
            best = at;
        seen++;
    }
    return best;
}

/* Nothing is under way and parts are left: an upload waits for a copy that
 * waits for it, by way of the bound on open uploads, or for a donation that
 * is out of sight.  The reader finds the CRC that it wants. */
static void
unlock_one(struct publish_job *j)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(j->upload_queue); i++)
        if (j->upload_queue[i].head) {
            j->part[to_unlock(j, &j->upload_queue[i]) - 1].forced = true;
            uploads_step(j);
            return;
        }
}

static void
parts_go(struct publish_job *j)
{
    stages_step(j);
    headers_step(j);
    copies_step(j);
    uploads_step(j);
    if (!j->stop && j->inflight == 0)
        unlock_one(j);
}

void
parts_step(struct publish_job *j)
{
    if (j->phase == PHASE_ASK) {
        ask_step(j);
        return;
    }
    upload_advance(j);
    if (j->stop || j->diagnosis)
        return;
    parts_go(j);
    if (!j->stop && j->share) {
        share_step(j);
        if (!j->stop && j->phase == PHASE_PARTS)
            parts_go(j);
    } else if (!j->stop && j->inflight == 0 && !job_last(j)->put &&
               j->parts_done == j->parts) {
        complete_begin(j);
    }
}

void
parts_cancel(struct publish_job *j)
{
    if (j->permit_waiting && j->permit_id &&
        permits_cancel(j->p->permits, j->permit_id)) {
        j->permit_waiting = false;
        j->inflight--;
    }
    upload_cancel(j);
}

bool
parts_sending(const struct publish_job *j)
{
    return j->copies_busy > 0 || stages_busy(j) || upload_sending(j);
}

void
parts_cut(struct publish_job *j)
{
    const struct publisher_deps *d = &j->p->d;
    const struct part *p;
    uint32_t n;

    j->cut = parts_sending(j);
    j->scratch_unclear |= j->cut && j->stages > 1;
    for (n = 0; j->part && n < j->parts; n++) {
        p = &j->part[n];
        if (p->id) /* each of the two counts its own ids */
            s3_cancel(p->looks ? d->s3 : d->s3_dest, p->id);
    }
    stages_cut(j);
    upload_cut(j);
}
