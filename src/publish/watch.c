/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What others see of a job: waiting for its end, and its status.  Any
 * thread; only the job's lock.
 */
#include <errno.h>

#include "publish/job.h"

uint64_t
publish_wait(struct publish_job *j, publish_cb *cb, void *user)
{
    struct waiter *w = calloc(1, sizeof(*w));
    struct err e = {0};
    uint64_t id;

    pthread_mutex_lock(&j->lock);
    if (!j->ended && w) {
        id = ++j->last_waiter;
        *w = (struct waiter){j->waiters, id, cb, user};
        j->waiters = w;
        pthread_mutex_unlock(&j->lock);
        return id;
    }
    if (j->ended)
        e = j->st.err;
    else
        err_set(&e, ENOMEM, "out of memory");
    pthread_mutex_unlock(&j->lock);
    free(w);
    cb(user, -e.num, &e);
    return 0;
}

bool
publish_wait_cancel(struct publish_job *j, uint64_t id)
{
    LOCK_SCOPE(&j->lock);
    struct waiter **at, *w;

    for (at = &j->waiters; (w = *at); at = &w->next)
        if (w->id == id) {
            *at = w->next;
            free(w);
            return true;
        }
    return false;
}

/* -------------------------------------------------------------- status */

void
job_set_state(struct publish_job *j, enum publish_state s)
{
    LOCK_SCOPE(&j->lock);

    j->st.state = s;
    j->st.restarts = j->restarts;
}

void
job_count(struct publish_job *j, uint64_t *counter, uint64_t n)
{
    LOCK_SCOPE(&j->lock);

    *counter += n;
}

void
job_retries(struct publish_job *j, const struct s3_error *e)
{
    if (e->attempts > 1)
        job_count(j, &j->st.retries, e->attempts - 1);
}

void
publish_job_status(struct publish_job *j, struct publish_status *ret)
{
    LOCK_SCOPE(&j->lock);

    *ret = j->st;
    ret->now_ms = j->ended ? j->st.ended_ms : net_now_ms();
}
