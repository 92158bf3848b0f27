/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Threads (threads.h).  Called by jobs and cleanings.
 */
#include "net/threads.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/cleanup.h"

enum { STACK = 256 << 10 };

/* Signals are for others.  Detached. */
int
thread_spawn(void *(*fn)(void *user), void *user, bool small)
{
    pthread_attr_t attr;
    sigset_t all, old;
    pthread_t t;
    int r;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (small)
        pthread_attr_setstacksize(&attr, STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&t, &attr, fn, user);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return r ? -EAGAIN : 0;
}

/* ---------------------------------------------------------- side by side */

struct each {
    pthread_mutex_t lock; /* all below but the last two */
    pthread_cond_t done;
    size_t next, count;
    unsigned threads;
    int r;
    int (*fn)(void *user, size_t i);
    void *user;
};

/* Takes one after the other until there is none. */
static void
each_run(struct each *e)
{
    int r;

    pthread_mutex_lock(&e->lock);
    while (e->r == 0 && e->next < e->count) {
        size_t i = e->next++;

        pthread_mutex_unlock(&e->lock);
        r = e->fn(e->user, i);
        pthread_mutex_lock(&e->lock);
        if (e->r == 0)
            e->r = r;
    }
    pthread_mutex_unlock(&e->lock);
}

static void *
each_main(void *user)
{
    struct each *e = user;

    each_run(e);
    LOCK_SCOPE(&e->lock);
    e->threads--;
    pthread_cond_signal(&e->done);
    return NULL;
}

int
each(unsigned width, size_t count, int (*fn)(void *user, size_t i), void *user)
{
    struct each e = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .done = PTHREAD_COND_INITIALIZER,
        .count = count,
        .fn = fn,
        .user = user,
    };
    unsigned i;

    pthread_mutex_lock(&e.lock);
    for (i = 1; i < width && i < count; i++) /* this thread is one */
        if (thread_spawn(each_main, &e, true) == 0)
            e.threads++;
    pthread_mutex_unlock(&e.lock);
    each_run(&e);
    pthread_mutex_lock(&e.lock);
    while (e.threads > 0)
        pthread_cond_wait(&e.done, &e.lock);
    pthread_mutex_unlock(&e.lock);
    pthread_mutex_destroy(&e.lock);
    pthread_cond_destroy(&e.done);
    return e.r;
}
