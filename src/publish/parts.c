/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Which part goes next.  Copies first, ranged ones before whole ones, so
 * that a store with wrong CRCs shows before bytes are uploaded; an upload
 * part when the CRC of the copied member whose header it holds is known;
 * the central directory last.  Bytes in flight are bounded by permits.
 */
#include <string.h>

#include "publish/job.h"

void
parts_reset(struct publish_job *j)
{
    pieces_free(j);
    j->next_copy = j->next_upload = j->next_ask = 0;
    j->parts_done = j->copies_done = j->ranged_done = j->reads_done = 0;
    j->copies_busy = j->asks_busy = j->uploads_busy = 0;
    pthread_mutex_lock(&j->lock);
    j->st.parts_done = 0;
    j->st.bytes_done = 0;
    j->st.wasted += j->st.uploaded + j->st.copied;
    j->st.uploaded = j->st.copied = 0;
    pthread_mutex_unlock(&j->lock);
}

void
parts_begin(struct publish_job *j)
{
    j->phase = PHASE_PARTS;
    job_set_state(j, PUBLISH_RUNNING);
}

void
part_finished(struct publish_job *j, uint32_t n)
{
    LOCK_SCOPE(&j->lock);

    j->part[n].state = PART_DONE;
    j->parts_done++;
    j->st.parts_done = j->parts_done;
    j->st.bytes_done += part_len(j, n);
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
        if (c->ranged && crc_peek(j->crcs, c->member, &known))
            c->has_stored = true;
        else if (copied_wants_ask(j, c))
            copied_ask(j, c);
        j->crc = !c->has_stored;
    }
    if (j->asks_busy > 0 || j->stop)
        return;
    for (j->next_ask = 0; j->next_ask < j->copied_count; j->next_ask++)
        j->crc &= !j->copied[j->next_ask].has_stored;
    attempt_create(j);
}

/* -------------------------------------------------------------- copies */

static void
copies_step(struct publish_job *j)
{
    struct copied *c;
    uint32_t n;

    while (!j->stop && j->next_copy < j->copies &&
           j->copies_busy < COPIES_MAX) {
        n = j->copy_order[j->next_copy++];
        c = &j->copied[j->part[n].copied];
        if (j->crc && copied_wants_ask(j, c))
            copied_ask(j, c);
        copy_send(j, n);
    }
}

/* ------------------------------------------------------------- uploads */

/* The CRC of the copied member whose header the part holds: known, or the
 * reader's to find. */
bool
dep_known(struct publish_job *j, const struct part *p)
{
    uint32_t known;

    return !j->crc || p->copied < 0 ||
           crc_peek(j->crcs, j->copied[p->copied].member, &known);
}

static bool
is_ready(struct publish_job *j, const struct part *p)
{
    const struct copied *c;

    if (p->directory)
        /* The others' bodies give the CRCs that it needs. */
        return (!j->crc || j->copies_done == j->copies) &&
               j->reads_done >= j->plain;
    if (dep_known(j, p))
        return true;
    c = &j->copied[p->copied];
    return c->copies_left == 0 && c->ask != ASK_SENT;
}

/* Not before ranged copies were seen right. */
static bool
uploads_wait(struct publish_job *j)
{
    struct caps caps;

    if (!j->crc || j->ranged_done == j->ranged)
        return false;
    caps = publisher_caps(j->p);
    return !caps.range_good && !caps.copies_good;
}

static bool
next_ready(struct publish_job *j, uint32_t *ret)
{
    uint32_t n, seen = 0;

    while (j->next_upload < j->plan.count &&
           (j->plan.part[j->next_upload].kind == PLAN_COPY ||
            j->part[j->next_upload].state != PART_WAIT))
        j->next_upload++;
    for (n = j->next_upload; n < j->plan.count && seen < READY_WINDOW; n++) {
        if (j->plan.part[n].kind == PLAN_COPY || j->part[n].state != PART_WAIT)
            continue;
        if (is_ready(j, &j->part[n])) {
            *ret = n;
            return true;
        }
        seen++;
    }
    return false;
}

static void
on_permit(struct publish_job *j, struct event *ev)
{
    (void)ev;
    j->permit_waiting = false;
    j->inflight--;
    if (j->stop)
        permits_give(j->p->permits, part_len(j, j->permit_part));
    else
        upload_start(j, j->permit_part);
}

static void
permit_granted(void *user)
{
    struct publish_job *j = user;

    job_post(j, &j->permit_ev, on_permit);
}

static void
uploads_step(struct publish_job *j)
{
    uint32_t n;

    while (!j->stop && !j->permit_waiting && j->uploads_busy < UPLOADS_MAX &&
           next_ready(j, &n)) {
        j->part[n].state = PART_BUSY;
        j->uploads_busy++;
        j->permit_part = n;
        j->permit_waiting = true;
        j->inflight++;
        j->permit_id =
            permits_take(j->p->permits, part_len(j, n), permit_granted, j);
        if (j->permit_id == 0) {
            j->permit_waiting = false;
            j->inflight--;
            upload_start(j, n);
        }
    }
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
    copies_step(j);
    if (!j->stop && !uploads_wait(j))
        uploads_step(j);
    if (!j->stop && j->inflight == 0 && j->plan.count > 1 &&
        j->parts_done == j->plan.count)
        complete_begin(j);
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
    return j->copies_busy > 0 || upload_sending(j);
}

void
parts_cut(struct publish_job *j)
{
    const struct publisher_deps *d = &j->p->d;
    const struct part *p;
    uint32_t n;

    j->cut = parts_sending(j);
    for (n = 0; j->part && n < j->plan.count; n++) {
        p = &j->part[n];
        if (p->id) /* each of the two counts its own ids */
            s3_cancel(p->looks ? d->s3 : d->s3_dest, p->id);
    }
    upload_cut(j);
}
