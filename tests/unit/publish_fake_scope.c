/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * net/scope.h for the fake store: sleeps pass at once, and take the clock
 * with them; where everything waits for a call that never answers, the
 * first scope that has a time is at its end (fake_time_passes).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "fake_store_op.h"
#include "net/scope.h"
#include "publish_fake.h"

struct scope {
    LIST_ENTRY(scope) link;
    int why;
    uint64_t until_ms;
};

/* For all scopes and waits. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, scope) scopes = LIST_HEAD_INITIALIZER(scopes);
static LIST_HEAD(, scope_wait) waits = LIST_HEAD_INITIALIZER(waits);

int
scope_new(struct scope **ret)
{
    struct scope *sc = calloc(1, sizeof(*sc));
    LOCK_SCOPE(&lock);

    if (!sc)
        return -ENOMEM;
    LIST_INSERT_HEAD(&scopes, sc, link);
    *ret = sc;
    return 0;
}

void
scope_free(struct scope *sc)
{
    LOCK_SCOPE(&lock);

    if (!sc)
        return;
    LIST_REMOVE(sc, link);
    free(sc);
}

/* Lock held. */
static int
why_stopped(struct scope *sc)
{
    if (sc && !sc->why && sc->until_ms && net_now_ms() >= sc->until_ms)
        sc->why = -ETIMEDOUT;
    return sc ? sc->why : 0;
}

/* Lock held. */
static void
wake_all(void)
{
    struct scope_wait *w;

    LIST_FOREACH(w, &waits, link)
    pthread_cond_signal(&w->cond);
}

void
scope_stop(struct scope *sc, int why)
{
    LOCK_SCOPE(&lock);

    if (!sc || why_stopped(sc))
        return;
    sc->why = why;
    wake_all();
}

int
scope_stopped(struct scope *sc)
{
    LOCK_SCOPE(&lock);

    return why_stopped(sc);
}

void
scope_until(struct scope *sc, uint64_t ms)
{
    LOCK_SCOPE(&lock);

    if (sc)
        sc->until_ms = ms;
}

int
scope_sleep(struct scope *sc, uint64_t ms)
{
    LOCK_SCOPE(&lock);

    if (why_stopped(sc))
        return sc->why;
    fake_clock_skip(sc && sc->until_ms &&
                            sc->until_ms < net_now_ms() + ms
                        ? sc->until_ms - net_now_ms()
                        : ms);
    return why_stopped(sc);
}

bool
fake_time_passes(void)
{
    uint64_t first = UINT64_MAX, now = net_now_ms();
    struct scope *sc;
    LOCK_SCOPE(&lock);

    LIST_FOREACH(sc, &scopes, link)
    if (!sc->why && sc->until_ms && sc->until_ms < first)
        first = sc->until_ms;
    if (first == UINT64_MAX)
        return false;
    if (first > now)
        fake_clock_skip(first - now);
    wake_all();
    return true;
}

/* --------------------------------------------------------------- waits */

int
scope_wait_begin(struct scope_wait *w, struct scope *sc,
                 void (*cancel)(void *user), void *user)
{
    LOCK_SCOPE(&lock);

    if (why_stopped(sc))
        return sc->why;
    w->sc = sc;
    w->cancel = cancel;
    w->user = user;
    w->done = false;
    pthread_cond_init(&w->cond, NULL);
    LIST_INSERT_HEAD(&waits, w, link);
    return 0;
}

void
scope_wait_done(struct scope_wait *w)
{
    LOCK_SCOPE(&lock);

    w->done = true;
    pthread_cond_signal(&w->cond);
}

int
scope_wait_end(struct scope_wait *w)
{
    bool cancelled = false;
    LOCK_SCOPE(&lock);

    while (!w->done) {
        if (!cancelled && w->cancel && why_stopped(w->sc)) {
            cancelled = true;
            pthread_mutex_unlock(&lock);
            w->cancel(w->user);
            pthread_mutex_lock(&lock);
        } else {
            pthread_cond_wait(&w->cond, &lock);
        }
    }
    LIST_REMOVE(w, link);
    pthread_cond_destroy(&w->cond);
    return 0;
}
