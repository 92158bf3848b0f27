/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One publish by many processes.  The coordinator creates the upload, sends
 * one copy to see how the store answers, tells the upload's id, sends the
 * central directory, and watches ListParts; when nothing comes any more it
 * sends what is missing, and completes.  A worker sends its slice, then
 * what ListParts says is missing, and neither completes nor aborts.
 *
 * The plan is a pure function of the layout and of the store's limits, so
 * all have the same one: the id that is told begins with its fingerprint.
 * A part that two send has the same bytes both times.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/share.h"

int
share_new(struct share **ret, const struct publish_share *how, struct err *e)
{
    struct share *s;

    if (how->workers < 1 || how->workers > WORKERS_MAX ||
        how->worker >= (int64_t)how->workers)
        return err_set(e, EINVAL, "workers are 1 to %d, and counted from 0",
                       WORKERS_MAX);
    if (how->worker >= 0 && !how->upload)
        return err_set(e, EINVAL, "a worker needs the upload's id");
    s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(e, ENOMEM, "out of memory");
    s->workers = how->workers;
    s->worker = how->worker;
    s->told = how->told;
    s->user = how->user;
    s->upload = how->upload ? strdup(how->upload) : NULL;
    if (how->upload && !s->upload) {
        free(s);
        return err_set(e, ENOMEM, "out of memory");
    }
    *ret = s;
    return 0;
}

void
share_free(struct share *s)
{
    if (!s)
        return;
    free(s->upload);
    free(s->id);
    free(s);
}

bool
share_is_worker(const struct publish_job *j)
{
    return j->share && j->share->worker >= 0;
}

/* ----------------------------------------------------------------- parts */

/* Whose CRCs are not seen here. */
static void
forget_checks(struct publish_job *j)
{
    uint32_t i;

    for (i = 0; i < j->copied_count; i++)
        j->copied[i].opaque = true;
    for (i = 0; i < j->parts; i++)
        j->part[i].forced = true;
    j->probe = 0;
}

static bool
is_open(const struct publish_job *j, uint32_t n)
{
    const struct part *p = &j->part[n];

    return p->state == PART_WAIT && !p->queued &&
           !(p->directory && share_is_worker(j));
}

bool
share_send_range(struct publish_job *j, uint32_t first, uint32_t end)
{
    bool some = false;
    uint32_t n;

    for (n = first; n < end; n++)
        if (is_open(j, n)) {
            parts_queue(j, n);
            some = true;
        }
    return some;
}

/* The coordinator's alone; false if it is there. */
static bool
send_directory(struct publish_job *j)
{
    bool some = false;
    uint32_t n;

    for (n = 0; n < j->parts; n++)
        if (j->part[n].directory && is_open(j, n)) {
            parts_queue(j, n);
            some = true;
        }
    return some;
}

static uint32_t
count_open(const struct publish_job *j)
{
    uint32_t n, open = 0;

    for (n = 0; n < j->parts; n++)
        open += is_open(j, n);
    return open;
}

/* Some that are missing, last ones first (their owners begin with the
 * first), each worker at a place of its own. */
static bool
send_others(struct publish_job *j)
{
    struct share *s = j->share;
    uint32_t open = count_open(j), skip, n, some = 0;

    skip = (uint32_t)((uint64_t)open * (uint32_t)(s->worker + 1) /
                      (s->workers + 1));
    for (n = j->parts; n-- > 0 && some < BATCH;) {
        if (!is_open(j, n))
            continue;
        if (skip > 0 && skip--)
            continue;
        parts_queue(j, n);
        some++;
    }
    return some > 0;
}

/* ----------------------------------------------------------------- list */

/* So many may be on their way already: a worker's whole share. */
static bool
others_busy(const struct publish_job *j)
{
    const struct share *s = j->share;

    if (s->worker < 0)
        return s->still < STILL_POLLS;
    return s->still < STILL_WORKER && count_open(j) <= 2 * UPLOADS_MAX;
}

static void
send_or_rest(struct publish_job *j)
{
    struct share *s = j->share;
    bool news = j->parts_done != s->known;

    s->known = j->parts_done;
    s->still = news ? 0 : s->still + 1;
    s->state = !others_busy(j) && send_others(j) ? SHARE_SEND : SHARE_REST;
}

void
share_list_failed(struct publish_job *j)
{
    if (share_is_worker(j) && j->call.e.err == -ENOENT) {
        j->vanished = true;
        job_restart(j, "the upload is gone");
    } else {
        job_fail_s3(j, &j->call.e, "LIST");
    }
}

static void
on_listed(struct publish_job *j)
{
    if (j->stop)
        return;
    if (j->call.e.err < 0) {
        share_list_failed(j);
        return;
    }
    resume_take(j, job_last(j));
    send_or_rest(j);
}

void
share_list_parts(struct publish_job *j, job_fn *then)
{
    struct s3_where at = job_where(j);
    struct call *c = call_begin(j, then);

    j->share->state = SHARE_LIST;
    c->id =
        s3_list_parts(j->p->d.s3_dest, &at, j->upload_id, call_parts_cb, c);
}

static void
on_rested(struct publish_job *j)
{
    if (!j->stop)
        share_list_parts(j, on_listed);
}

/* ----------------------------------------------------------- coordinator */

/* The copy that shows how this store answers: a ranged one, if any. */
static void
send_probe(struct publish_job *j)
{
    uint32_t n, best = UINT32_MAX;

    for (n = 0; n < j->parts; n++) {
        if (part_plan(j, n)->kind == PLAN_UPLOAD || !is_open(j, n))
            continue;
        if (best == UINT32_MAX || (j->part[n].ranged && !j->part[best].ranged))
            best = n;
    }
    if (best != UINT32_MAX)
        parts_queue(j, best);
}

static void
tell(struct publish_job *j)
{
    char id[ID_PRINT + 1 + 2048], plan[65];

    free(j->share->id);
    j->share->id = strdup(j->upload_id);
    plan_fingerprint(&j->plan, j->digest, plan);
    snprintf(id, sizeof(id), "%.*s:%s", ID_PRINT, plan, j->upload_id);
    if (j->share->told)
        j->share->told(j->share->user, id);
    log_info("publish: %s: upload %s waits for workers", j->st.dest, id);
}

void
share_open(struct publish_job *j)
{
    forget_checks(j);
    if (share_is_worker(j))
        return;
    j->share->state = SHARE_PROBE;
    send_probe(j);
}

/* A part that a worker sent twice may arrive after Complete, and brings
 * the upload back on some stores (versitygw 1.7). */
static void
on_settled(struct publish_job *j)
{
    struct s3_where at = job_where(j);
    struct call *c = call_begin(j, j->share->then);

    c->id = s3_abort(j->p->d.s3_dest, &at, j->share->id, call_done_cb, c);
}

void
share_settle(struct publish_job *j, job_fn *then)
{
    j->share->then = then;
    if (j->share->id)
        job_later(j, &j->timer, SETTLE_MS, on_settled);
    else
        then(j);
}

/* ------------------------------------------------------------------ step */

int
share_check(const struct publish_job *j, struct err *e)
{
    if (j->plan.strategy != PLAN_DUO && j->plan.strategy != PLAN_STREAM)
        return err_set(e, EINVAL,
                       "workers share one upload: publish_strategy=duo or "
                       "stream, not %s",
                       plan_strategy_name(j->plan.strategy));
    if (job_last(j)->put)
        return err_set(e, EINVAL, "the archive is one part: no workers");
    return 0;
}

static bool
all_there(const struct publish_job *j)
{
    uint32_t n;

    for (n = 0; n < j->parts; n++)
        if (j->part[n].state != PART_DONE &&
            !(j->part[n].directory && share_is_worker(j)))
            return false;
    return true;
}

/* Nothing of this process is under way. */
static void
share_next(struct publish_job *j)
{
    struct share *s = j->share;

    switch (s->state) {
    case SHARE_PROBE:
        tell(j);
        s->state = SHARE_REST;
        if (!send_directory(j)) /* a killed coordinator had sent it */
            job_later(j, &j->timer, POLL_MS, on_rested);
        break;
    case SHARE_SEND:
        share_list_parts(j, on_listed);
        break;
    case SHARE_REST:
        job_later(j, &j->timer, POLL_MS, on_rested);
        break;
    case SHARE_LIST:
        break;
    }
}

void
share_step(struct publish_job *j)
{
    if (j->inflight > 0)
        return;
    if (!all_there(j)) {
        share_next(j);
    } else if (share_is_worker(j)) {
        free(STEAL(j->upload_id)); /* the coordinator's */
        job_done(j, "", false);
    } else {
        complete_begin(j);
    }
}
