/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The net.h of the store of test_crc_fake.h: work on a thread of its own,
 * timers that run at once or when the test says so, a clock that jumps.
 */
#include "test_crc_fake_in.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"

struct work {
    STAILQ_ENTRY(work) link;
    void (*fn)(void *user);
    void *user;
};

struct net {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    STAILQ_HEAD(, work) work;
    STAILQ_HEAD(, work) late;
    bool stop, busy, keep_late;
    pthread_t thread;
};

static _Atomic(uint64_t) passed;

uint64_t
net_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + passed;
}

void
fake_pass(uint64_t ms)
{
    passed += ms;
}

bool
log_on(enum log_level level)
{
    return level <= LOG_WARN;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    if (!getenv("FAKE_LOG"))
        return;
    va_start(ap, fmt);
    fprintf(stderr, "log %d: ", level);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

static void *
work_thread(void *user)
{
    struct net *n = user;
    struct work *w;

    pthread_mutex_lock(&n->lock);
    for (;;) {
        while (!n->stop && STAILQ_EMPTY(&n->work))
            pthread_cond_wait(&n->cond, &n->lock);
        w = STAILQ_FIRST(&n->work);
        if (!w)
            break;
        STAILQ_REMOVE_HEAD(&n->work, link);
        n->busy = true;
        pthread_mutex_unlock(&n->lock);
        w->fn(w->user);
        free(w);
        pthread_mutex_lock(&n->lock);
        n->busy = false;
        pthread_cond_broadcast(&n->cond);
    }
    pthread_mutex_unlock(&n->lock);
    return NULL;
}

void
net_work(struct net *n, void (*fn)(void *user), void *user)
{
    struct work *w = calloc(1, sizeof(*w));
    LOCK_SCOPE(&n->lock);

    w->fn = fn;
    w->user = user;
    STAILQ_INSERT_TAIL(&n->work, w, link);
    pthread_cond_broadcast(&n->cond);
}

void
fake_keep_late(struct fake *f)
{
    LOCK_SCOPE(&f->net->lock);

    f->net->keep_late = true;
}

void
fake_late(struct fake *f)
{
    LOCK_SCOPE(&f->net->lock);

    STAILQ_CONCAT(&f->net->work, &f->net->late);
    pthread_cond_broadcast(&f->net->cond);
}

static bool
keep_late(struct net *n, void (*fn)(void *user), void *user)
{
    struct work *w;
    LOCK_SCOPE(&n->lock);

    if (!n->keep_late || n->stop)
        return false;
    w = calloc(1, sizeof(*w));
    w->fn = fn;
    w->user = user;
    STAILQ_INSERT_TAIL(&n->late, w, link);
    return true;
}

/* Timers run at once: the tests here want what they do, not when. */
uint64_t
net_timer(struct net *n, uint64_t delay_ms, void (*fn)(void *user), void *user)
{
    if (delay_ms < 10000 || !keep_late(n, fn, user))
        net_work(n, fn, user);
    return 1;
}

bool
net_timer_cancel(struct net *n, uint64_t id)
{
    (void)n;
    (void)id;
    return false;
}

void
fake_settle(struct fake *f)
{
    struct net *n = f->net;
    bool waited;

    do {
        waited = fake_s3_settle(f->s3);
        pthread_mutex_lock(&n->lock);
        for (; n->busy || !STAILQ_EMPTY(&n->work); waited = true)
            pthread_cond_wait(&n->cond, &n->lock);
        pthread_mutex_unlock(&n->lock);
    } while (waited);
}

struct net *
fake_net_new(void)
{
    struct net *n = calloc(1, sizeof(*n));

    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->cond, NULL);
    STAILQ_INIT(&n->work);
    STAILQ_INIT(&n->late);
    pthread_create(&n->thread, NULL, work_thread, n);
    return n;
}

void
fake_net_free(struct net *n)
{
    pthread_mutex_lock(&n->lock);
    n->stop = true;
    STAILQ_CONCAT(&n->work, &n->late);
    pthread_cond_broadcast(&n->cond);
    pthread_mutex_unlock(&n->lock);
    pthread_join(n->thread, NULL);
    free(n);
}
