/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Upload parts that are too large for the window: read range by range into
 * a temporary file, on net's worker thread, and sent from there.
 */
#include <errno.h>

#include "publish/upload_impl.h"

enum { FULL_MS = 1000 };

bool
upload_spools(const struct publish_job *j, uint32_t n)
{
    return part_len(j, n) > j->p->seg_max && !part_stage(j, n)->put;
}

/* ----------------------------------------------------------------- file */

static void
on_room(struct publish_job *j, struct event *ev)
{
    struct upload *u = (struct upload *)ev;

    j->inflight--;
    u->busy--;
    if (j->stop)
        upload_drop(j, u);
    else
        spool_begin(j, u);
}

static void
room_timer(void *user)
{
    struct upload *u = user;

    job_post(u->job, &u->ev, on_room);
}

static void
on_spool(struct publish_job *j, struct event *ev)
{
    struct upload *u = (struct upload *)ev;

    j->inflight--;
    u->busy--;
    if (!j->stop && u->spool_err == -EAGAIN) {
        j->inflight++;
        u->busy++;
        net_timer(j->p->d.net, FULL_MS, room_timer, u);
        return;
    }
    if (!j->stop && u->spool_err < 0)
        job_fail_err(j, u->spool_err, &u->spool_words);
    if (j->stop)
        upload_drop(j, u);
    /* Its reads begin with the job's next step. */
}

/* Worker thread: one at a time, so the publisher's folder needs no lock. */
static void
open_spool(void *user)
{
    struct upload *u = user;
    struct publisher *p = u->job->p;
    int r = 0;

    if (!p->spools)
        r = spool_dir_new(&p->spools, p->d.conf->cache_dir,
                          p->d.conf->group_memory > 0, &u->spool_words);
    if (r == 0)
        r = spool_new(&u->spool, p->spools, part_len(u->job, u->n),
                      &u->spool_words);
    u->spool_err = r;
    job_post(u->job, &u->ev, on_spool);
}

void
spool_begin(struct publish_job *j, struct upload *u)
{
    j->inflight++;
    u->busy++;
    net_work(j->p->d.net, open_spool, u);
}

/* ---------------------------------------------------------------- write */

static void
on_written(struct publish_job *j, struct event *ev)
{
    struct seg *s = (struct seg *)ev;

    j->inflight--;
    s->u->busy--;
    read_view_release(STEAL(s->view));
    if (!j->stop && s->r < 0)
        job_fail_err(j, s->r, &s->err);
    seg_there(j, s);
}

static void
write_seg(void *user)
{
    struct seg *s = user;
    uint64_t first = part_plan(s->u->job, s->u->n)->first;

    s->r = spool_write(s->u->spool, s->first - first, s->view->iov,
                       s->view->count, &s->err);
    job_post(s->u->job, &s->ev, on_written);
}

void
spool_put(struct publish_job *j, struct seg *s)
{
    s->state = SEG_WRITE;
    j->inflight++;
    s->u->busy++;
    net_work(j->p->d.net, write_seg, s);
}
