/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Which scratch object begins when: those that copy from nothing that is
 * missing, in the plan's order, so many at a time.  Must not know how one
 * is made.
 */
#include "publish/job.h"

static void
stage_queue(struct publish_job *j, struct stage *s)
{
    struct part_queue *q = &j->stage_queue;

    s->next = 0;
    if (q->tail)
        j->stage[q->tail - 1].next = s->number + 1;
    else
        q->head = s->number + 1;
    q->tail = s->number + 1;
}

/* Who copies from s and from nothing else that is not there. */
void
stages_ready(struct publish_job *j, struct stage *s)
{
    uint32_t at;

    for (at = s->users; at; at = j->part[at - 1].user_next) {
        struct stage *user = part_stage(j, at - 1);

        if (user != job_last(j) && user->sources == 0 &&
            user->state == STAGE_WAIT && !user->queued) {
            user->queued = true;
            stage_queue(j, user);
        }
    }
}

/* Parts that are there need no source. */
static void
count_sources(struct publish_job *j)
{
    uint32_t n;

    for (n = 0; n < j->stages; n++)
        j->stage[n].sources = 0;
    for (n = 0; n < j->parts; n++) {
        const struct plan_part *pp = part_plan(j, n);

        if (pp->kind == PLAN_COPY_SCRATCH && j->part[n].state == PART_WAIT &&
            j->stage[pp->scratch].state != STAGE_DONE)
            part_stage(j, n)->sources++;
    }
}

/* A scratch object waits, or is what a killed process left of it. */
static void
stage_begin(struct publish_job *j, struct stage *s)
{
    if (s->state == STAGE_OPEN) {
        j->stages_open++;
        s->crc = j->scratch_crc;
        parts_open(j, s);
        if (s->left == 0)
            stage_complete(j, s);
    } else if (s->state == STAGE_WAIT && s->sources == 0) {
        s->queued = true;
        stage_queue(j, s);
    }
}

void
stages_begin(struct publish_job *j)
{
    struct stage *last = job_last(j);
    uint32_t u;

    count_sources(j);
    for (u = 0; u + 1 < j->stages; u++)
        stage_begin(j, &j->stage[u]);
    last->state = STAGE_OPEN;
    last->crc = j->crc;
    if (j->share)
        share_open(j);
    else
        parts_open(j, last);
}

void
stages_step(struct publish_job *j)
{
    struct part_queue *q = &j->stage_queue;
    struct stage *s;

    while (!j->stop && q->head && j->stages_open < STAGES_MAX) {
        s = &j->stage[q->head - 1];
        q->head = s->next;
        if (!q->head)
            q->tail = 0;
        j->stages_open++;
        s->crc = j->scratch_crc;
        if (s->put) {
            s->state = STAGE_OPEN;
            parts_open(j, s);
        } else {
            stage_create(j, s);
        }
    }
}

bool
stages_busy(const struct publish_job *j)
{
    return j->stage_calls > 0;
}

void
stages_cut(struct publish_job *j)
{
    uint32_t u;

    for (u = 0; u < j->stages; u++)
        if (j->stage[u].id)
            s3_cancel(j->p->d.s3_dest, j->stage[u].id);
}
