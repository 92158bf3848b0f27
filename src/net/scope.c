/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Waits and stops (scope.h).  Called by whoever runs straight code; calls
 * nothing but the clock.
 *
 * Lock: scope.lock, for the scope and for the waits in it; not held while
 * cancel runs.  Each wait has a condition of its own, so that an answer wakes
 * one thread.
 */
#include "net/scope.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "net/net.h"

struct scope {
    pthread_mutex_t lock;
    int why;           /* 0 = not stopped */
    uint64_t until_ms; /* 0 = never */
    LIST_HEAD(, scope_wait) waits;
};

/* What NULL stands for. */
static struct scope forever = {.lock = PTHREAD_MUTEX_INITIALIZER};

int
scope_new(struct scope **ret)
{
    struct scope *sc = calloc(1, sizeof(*sc));

    if (!sc)
        return -ENOMEM;
    pthread_mutex_init(&sc->lock, NULL);
    LIST_INIT(&sc->waits);
    *ret = sc;
    return 0;
}

void
scope_free(struct scope *sc)
{
    if (!sc)
        return;
    pthread_mutex_destroy(&sc->lock);
    free(sc);
}

/* Caller holds the lock. */
static int
why_stopped(struct scope *sc)
{
    if (!sc->why && sc->until_ms && net_now_ms() >= sc->until_ms)
        sc->why = -ETIMEDOUT;
    return sc->why;
}

/* All look again.  Caller holds the lock. */
static void
wake_all(struct scope *sc)
{
    struct scope_wait *w;

    LIST_FOREACH(w, &sc->waits, link)
        pthread_cond_signal(&w->cond);
}

void
scope_stop(struct scope *sc, int why)
{
    if (!sc)
        return;
    LOCK_SCOPE(&sc->lock);
    if (why_stopped(sc))
        return;
    sc->why = why;
    wake_all(sc);
}

int
scope_stopped(struct scope *sc)
{
    if (!sc)
        return 0;
    LOCK_SCOPE(&sc->lock);
    return why_stopped(sc);
}

void
scope_until(struct scope *sc, uint64_t ms)
{
    if (!sc)
        return;
    LOCK_SCOPE(&sc->lock);
    if (why_stopped(sc))
        return;
    sc->until_ms = ms;
    wake_all(sc);
}

/* --------------------------------------------------------------- waits */

/* Caller holds the lock. */
static void
enter(struct scope_wait *w, struct scope *sc)
{
    pthread_condattr_t a;

    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC); /* as net_now_ms */
    pthread_cond_init(&w->cond, &a);
    pthread_condattr_destroy(&a);
    w->sc = sc;
    w->done = false;
    LIST_INSERT_HEAD(&sc->waits, w, link);
}

/* Caller holds the lock. */
static void
leave(struct scope_wait *w)
{
    LIST_REMOVE(w, link);
    pthread_cond_destroy(&w->cond);
}

/* Until the wait is signalled, or that time (0 = never).  Caller holds the
 * lock. */
static void
doze(struct scope_wait *w, uint64_t until_ms)
{
    struct timespec t = {
        .tv_sec = (time_t)(until_ms / 1000),
        .tv_nsec = (long)(until_ms % 1000) * 1000000,
    };

    if (until_ms)
        pthread_cond_timedwait(&w->cond, &w->sc->lock, &t);
    else
        pthread_cond_wait(&w->cond, &w->sc->lock);
}

int
scope_wait_begin(struct scope_wait *w, struct scope *sc,
                 void (*cancel)(void *user), void *user)
{
    int why;

    if (!sc)
        sc = &forever;
    LOCK_SCOPE(&sc->lock);
    why = why_stopped(sc);
    if (why)
        return why;
    w->cancel = cancel;
    w->user = user;
    enter(w, sc);
    return 0;
}

void
scope_wait_done(struct scope_wait *w)
{
    struct scope *sc = w->sc;

    LOCK_SCOPE(&sc->lock);
    w->done = true;
    pthread_cond_signal(&w->cond);
}

int
scope_wait_end(struct scope_wait *w)
{
    struct scope *sc = w->sc;
    bool cancelled = false;

    LOCK_SCOPE(&sc->lock);
    while (!w->done) {
        if (cancelled || !why_stopped(sc)) {
            doze(w, cancelled ? 0 : sc->until_ms);
            continue;
        }
        cancelled = true;
        if (!w->cancel)
            continue;
        pthread_mutex_unlock(&sc->lock);
        w->cancel(w->user);
        pthread_mutex_lock(&sc->lock);
    }
    leave(w);
    return 0;
}

int
scope_sleep(struct scope *sc, uint64_t ms)
{
    uint64_t now = net_now_ms(), end;
    struct scope_wait w;
    int why;

    if (!sc)
        sc = &forever;
    end = ms > UINT64_MAX / 2 ? UINT64_MAX / 2 : now + ms;
    LOCK_SCOPE(&sc->lock);
    enter(&w, sc);
    while (!(why = why_stopped(sc)) && net_now_ms() < end)
        doze(&w, sc->until_ms && sc->until_ms < end ? sc->until_ms : end);
    leave(&w);
    return why;
}
