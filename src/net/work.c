/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The worker thread: things that may block, one after the other.  The
 * list is under net.lock.
 */
#include "net/net_priv.h"

#include <stdlib.h>

static struct work *
work_next(struct net *n)
{
    struct work *w;

    LOCK_SCOPE(&n->lock);
    while (!(w = STAILQ_FIRST(&n->works)) && !n->quit)
        pthread_cond_wait(&n->work_there, &n->lock);
    if (w)
        STAILQ_REMOVE_HEAD(&n->works, link);
    return w;
}

void *
work_main(void *arg)
{
    struct net *n = arg;
    struct work *w;

    while ((w = work_next(n))) {
        w->fn(w->user);
        free(w);
        pthread_mutex_lock(&n->lock);
        net_pending_done(n);
        pthread_mutex_unlock(&n->lock);
    }
    return NULL;
}

void
net_work(struct net *n, void (*fn)(void *user), void *user)
{
    struct work *w = malloc(sizeof(*w));

    if (!w)
        abort(); /* as in net_timer */
    w->fn = fn;
    w->user = user;
    LOCK_SCOPE(&n->lock);
    n->pending++;
    STAILQ_INSERT_TAIL(&n->works, w, link);
    pthread_cond_signal(&n->work_there);
}
