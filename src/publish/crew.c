/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The threads that send the parts of an attempt: each takes a task from the
 * scheduler and does it (task.c), one after the other.  There are as many
 * as have something to do.  How many calls may be in flight grows while that
 * pays.  Called by attempt.c and share.c.
 *
 * at->lock guards the scheduler and all of the crew; at->wake is for those
 * without a task, at->news for the job's own thread.
 */
#include <errno.h>
#include <string.h>

#include "publish/crew.h"
#include "publish/task.h"

enum {
    WIDTH_FIRST = 16,
    ROUND_MS = 20, /* too short a while tells nothing */
};

/* ---------------------------------------------------------------- pace */

/* A call without a body was answered.  When as many were as may be in
 * flight, and more were ready all the time: did it pay to have so many?  By
 * the rate, against the best one so far, which is slowly forgotten. */
static void
pace(struct attempt *at)
{
    struct pace *p = &at->pace;
    uint64_t now = net_now_ms();
    struct sched_counts c;
    double rate;

    sched_counts(at->sched, &c);
    if (c.calls_held == 0) { /* not held back by the width */
        p->since_ms = now;
        p->answers = 0;
        return;
    }
    p->answers++;
    if (p->answers < p->limits.calls || now < p->since_ms + ROUND_MS)
        return;
    rate = (double)p->answers / (double)(now - p->since_ms);
    p->since_ms = now;
    p->answers = 0;
    if (rate > 1.1 * p->best) {
        p->best = rate;
        p->limits.calls =
            (uint32_t)min_u64(2 * (uint64_t)p->limits.calls, WIDTH_MAX);
    } else if (rate < 0.6 * p->best) {
        p->best = rate;
        p->limits.calls = (uint32_t)max_u64(p->limits.calls / 2, WIDTH_FIRST);
    } else {
        p->best *= 0.97;
    }
    sched_limits(at->sched, &p->limits);
}

/* Upload parts of usual size that memory holds. */
static uint64_t
uploads_held(const struct attempt *at)
{
    uint64_t bytes = 0, uploads = 0;
    uint32_t n;

    for (n = 0; n < at->parts; n++)
        if (part_plan(at, n)->kind == PLAN_UPLOAD) {
            bytes += part_len(at, n);
            uploads++;
        }
    return uploads ? max_u64(at->j->p->in_flight / (bytes / uploads + 1), 1)
                   : 1;
}

/* Parts that are read side by side share the line and are complete side by
 * side; then all of them would be sent and nothing read.  With a third of
 * what memory holds being read, the way up has work from the first on. */
void
crew_limits(struct attempt *at, struct sched_limits *ret)
{
    uint32_t connections = at->j->p->d.conf->connections;
    uint64_t held = min_u64(uploads_held(at), connections);

    *ret = (struct sched_limits){
        .calls = WIDTH_FIRST,
        .uploads = connections,
        .reads = (uint32_t)(held + 2) / 3,
        .lookups = connections,
        .batch = publisher_caps(at->j->p).no_batch ? 1 : SCHED_BATCH_MAX,
        .memory = at->j->p->in_flight,
    };
}

/* ---------------------------------------------------------------- crew */

static void *crew_main(void *user);

/* Lock held.  Somebody looks whether there is more to do. */
static void
crew_call(struct attempt *at)
{
    if (at->idle > 0)
        pthread_cond_signal(&at->wake);
    else if (at->threads < WIDTH_MAX + 2 * at->pace.limits.uploads &&
             thread_spawn(crew_main, at, true) == 0)
        at->threads++;
}

/* Lock held.  The next task, once there is one; false: there is no more. */
static bool
crew_next(struct attempt *at, struct sched_task *t)
{
    enum sched_turn turn;

    while (job_stopped(at->j) == STOP_NONE) {
        turn = sched_next(at->sched, t);
        if (turn == SCHED_TASK)
            return true;
        if (turn == SCHED_OVER)
            return false;
        if (turn == SCHED_STUCK) {
            job_fail(at->j, EIO, "the plan cannot be carried out");
            return false;
        }
        if (at->leaving)
            return false;
        at->idle++;
        pthread_cond_wait(&at->wake, &at->lock);
        at->idle--;
    }
    return false;
}

/* A task came back; what its answer told of CRCs is looked at without the
 * lock. */
static void
crew_done(struct attempt *at, const struct sched_task *t, int r,
          const struct sched_answer *a)
{
    struct told told = {.some = false};

    pthread_mutex_lock(&at->lock);
    if (r == 0 && sched_done(at->sched, t, a, &told.told))
        crc_keep(at, &told);
    else if (r != 0)
        sched_failed(at->sched, t);
    if (t->kind != SCHED_UPLOAD && t->kind != SCHED_PUT)
        pace(at);
    pthread_cond_signal(&at->news);
    pthread_mutex_unlock(&at->lock);
    crc_judge(at, &told,
              t->kind == SCHED_COPY && part_is_ranged(at, t->part));
}

static void *
crew_main(void *user)
{
    struct attempt *at = user;
    struct sched_answer a;
    struct sched_task t;
    int r;

    pthread_mutex_lock(&at->lock);
    while (crew_next(at, &t)) {
        crew_call(at);
        pthread_mutex_unlock(&at->lock);
        a = (struct sched_answer){.have_crc = false};
        r = task_run(at, &t, &a);
        crew_done(at, &t, r, &a);
        pthread_mutex_lock(&at->lock);
    }
    at->threads--;
    pthread_cond_broadcast(&at->wake); /* to leave too */
    pthread_cond_signal(&at->news);
    pthread_mutex_unlock(&at->lock);
    return NULL;
}

/* ----------------------------------------------------- the job's thread */

void
crew_begin(struct attempt *at)
{
    LOCK_SCOPE(&at->lock);

    at->pace.since_ms = net_now_ms();
    crew_call(at);
    if (at->threads == 0)
        job_fail(at->j, ENOMEM, "no thread can be started");
}

void
crew_wake(struct attempt *at)
{
    LOCK_SCOPE(&at->lock);

    crew_call(at);
}

/* The archive's parts are there, or the job was stopped.  Scratch objects
 * may still be being deleted. */
int
crew_wait_archive(struct attempt *at)
{
    struct sched_counts c;
    LOCK_SCOPE(&at->lock);

    for (;;) {
        sched_counts(at->sched, &c);
        if (c.archive_left == 0 || at->threads == 0)
            break;
        pthread_cond_wait(&at->news, &at->lock);
    }
    return job_stopped(at->j) == STOP_NONE ? 0 : -ECANCELED;
}

int
crew_wait_parts(struct attempt *at, const uint32_t *list, uint32_t count)
{
    uint32_t i = 0;
    LOCK_SCOPE(&at->lock);

    while (i < count) {
        if (sched_part_there(at->sched, list[i]))
            i++;
        else if (at->threads > 0)
            pthread_cond_wait(&at->news, &at->lock);
        else
            return -ECANCELED;
    }
    return 0;
}

void
crew_leave(struct attempt *at)
{
    LOCK_SCOPE(&at->lock);

    at->leaving = true;
}

/* All tasks are done, or the job was stopped and all threads are gone. */
int
crew_end(struct attempt *at)
{
    LOCK_SCOPE(&at->lock);

    pthread_cond_broadcast(&at->wake);
    while (at->threads > 0)
        pthread_cond_wait(&at->news, &at->lock);
    return job_stopped(at->j) == STOP_NONE ? 0 : -ECANCELED;
}
