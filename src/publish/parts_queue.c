/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The parts that may go, in two rows of each kind: those of scratch objects
 * and the first ranged copies, and the others of the archive.  Must not know
 * when an upload part is ready, nor how a part is sent.
 */
#include "publish/job.h"

enum { SCRATCH_FIRST, ARCHIVE_LATER };

static void
queue_push(struct publish_job *j, struct part_queue *q, uint32_t n)
{
    j->part[n].next = 0;
    if (q->tail)
        j->part[q->tail - 1].next = n + 1;
    else
        q->head = n + 1;
    q->tail = n + 1;
}

/* Takes the part behind prev (0: the first) out. */
static void
queue_take(struct publish_job *j, struct part_queue *q, uint32_t prev,
           uint32_t n)
{
    if (prev)
        j->part[prev - 1].next = j->part[n].next;
    else
        q->head = j->part[n].next;
    if (q->tail == n + 1)
        q->tail = prev;
}

static bool
source_there(const struct publish_job *j, uint32_t n)
{
    const struct plan_part *pp = part_plan(j, n);

    return pp->kind != PLAN_COPY_SCRATCH ||
           j->stage[pp->scratch].state == STAGE_DONE;
}

/* All that is not a probe goes in the archive's order, so that the archive's
 * uploads, which wait for CRCs, can go one after the other too. */
static void
queue_copy(struct publish_job *j, uint32_t n)
{
    bool first = part_stage(j, n) != job_last(j) || j->part[n].probe;

    queue_push(j, &j->copy_queue[first ? SCRATCH_FIRST : ARCHIVE_LATER], n);
}

void
parts_queue(struct publish_job *j, uint32_t n)
{
    bool last = part_stage(j, n) == job_last(j);

    j->part[n].queued = true;
    if (part_plan(j, n)->kind == PLAN_UPLOAD)
        queue_push(j, &j->upload_queue[last], n);
    else
        queue_copy(j, n);
}

void
parts_open(struct publish_job *j, struct stage *s)
{
    uint32_t n;

    for (n = s->first; n < s->first + s->count; n++)
        if (j->part[n].state == PART_WAIT && source_there(j, n))
            parts_queue(j, n);
}

void
parts_source(struct publish_job *j, struct stage *s)
{
    uint32_t at, n;

    for (at = s->users; at; at = j->part[n].user_next) {
        struct stage *user;

        n = at - 1;
        user = part_stage(j, n);
        if (j->part[n].state == PART_WAIT)
            user->sources--;
        if (user->state == STAGE_OPEN && j->part[n].state == PART_WAIT)
            parts_queue(j, n);
    }
}

uint32_t
parts_next_copy(struct publish_job *j)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(j->copy_queue); i++) {
        struct part_queue *q = &j->copy_queue[i];
        uint32_t at = q->head;

        if (at) {
            queue_take(j, q, 0, at - 1);
            return at;
        }
    }
    return 0;
}

bool
parts_take_ready(struct publish_job *j, struct part_queue *q,
                 part_ready_fn *ready, uint32_t *ret)
{
    uint32_t at, prev = 0, seen = 0;

    for (at = q->head; at && seen < READY_WINDOW; at = j->part[at - 1].next) {
        if (ready(j, &j->part[at - 1])) {
            queue_take(j, q, prev, at - 1);
            *ret = at - 1;
            return true;
        }
        prev = at;
        seen++;
    }
    return false;
}
