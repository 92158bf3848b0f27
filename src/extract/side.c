/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Threads for straight code (side.h).  Called by verify and extract.
 *
 * Locks: one in each structure, for its own fields; none is held while a
 * task runs.
 */
#include "extract/side.h"

#include <errno.h>
#include <time.h>

#include "base/check.h"
#include "base/cleanup.h"

enum { WIDTH_MAX = 64, TICK_MS = 100, STACK = 256 << 10 };

static int
start(pthread_t *ret, void *(*fn)(void *), void *user)
{
    pthread_attr_t a;
    int r;

    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, STACK);
    r = pthread_create(ret, &a, fn, user);
    pthread_attr_destroy(&a);
    return -r;
}

/* ----------------------------------------------------------------- each */

struct each {
    int (*fn)(void *user, uint64_t i);
    void *user;
    uint64_t count;
    pthread_mutex_t lock; /* the rest */
    uint64_t next;
    int r;
};

static bool
each_next(struct each *e, uint64_t *ret)
{
    LOCK_SCOPE(&e->lock);

    if (e->r != 0 || e->next == e->count)
        return false;
    *ret = e->next++;
    return true;
}

static void *
each_main(void *user)
{
    struct each *e = user;
    uint64_t i;

    while (each_next(e, &i)) {
        int r = e->fn(e->user, i);
        LOCK_SCOPE(&e->lock);

        if (e->r == 0)
            e->r = r;
    }
    return NULL;
}

int
side_each(uint64_t count, unsigned width, int (*fn)(void *user, uint64_t i),
          void *user)
{
    struct each e = {.fn = fn, .user = user, .count = count};
    pthread_t thread[WIDTH_MAX];
    unsigned n = 0, most = (unsigned)min_u64(min_u64(width, WIDTH_MAX), count);

    pthread_mutex_init(&e.lock, NULL);
    while (n + 1 < most && start(&thread[n], each_main, &e) == 0)
        n++;
    each_main(&e);
    while (n > 0)
        pthread_join(thread[--n], NULL);
    pthread_mutex_destroy(&e.lock);
    return e.r;
}

/* -------------------------------------------------------------- watched */

struct watched {
    int (*fn)(void *user);
    void *user;
    int r;
    pthread_mutex_t lock; /* over */
    pthread_cond_t cond;
    bool over;
};

static void *
watched_main(void *user)
{
    struct watched *w = user;

    w->r = w->fn(w->user);
    LOCK_SCOPE(&w->lock);
    w->over = true;
    pthread_cond_signal(&w->cond);
    return NULL;
}

/* True if it has ended. */
static bool
wait_tick(struct watched *w)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += TICK_MS * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    LOCK_SCOPE(&w->lock);
    while (!w->over)
        if (pthread_cond_timedwait(&w->cond, &w->lock, &t) == ETIMEDOUT)
            break;
    return w->over;
}

int
side_watched(int (*fn)(void *user), void (*tick)(void *user), void *user)
{
    struct watched w = {.fn = fn, .user = user};
    pthread_condattr_t a;
    pthread_t thread;
    int r;

    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.cond, &a);
    pthread_condattr_destroy(&a);
    r = start(&thread, watched_main, &w);
    if (r == 0) {
        while (!wait_tick(&w))
            tick(user);
        pthread_join(thread, NULL);
        r = w.r;
    }
    pthread_cond_destroy(&w.cond);
    pthread_mutex_destroy(&w.lock);
    return r;
}

/* ---------------------------------------------------------------- ahead */

/* Waits for its slot. */
static bool
ahead_next(struct ahead *a, uint64_t *ret)
{
    LOCK_SCOPE(&a->lock);

    while (!a->stop && a->next < a->count && a->next >= a->freed + a->depth)
        pthread_cond_wait(&a->cond, &a->lock);
    if (a->stop || a->next == a->count)
        return false;
    *ret = a->next++;
    return true;
}

static void *
ahead_main(void *user)
{
    struct ahead *a = user;
    uint64_t k;

    while (ahead_next(a, &k)) {
        unsigned slot = (unsigned)(k % a->depth);
        int r = a->fn(a->user, k, slot);
        LOCK_SCOPE(&a->lock);

        a->r[slot] = r;
        a->done[slot] = true;
        pthread_cond_broadcast(&a->cond);
    }
    return NULL;
}

int
ahead_begin(struct ahead *a, uint64_t count, unsigned depth,
            int (*fn)(void *user, uint64_t k, unsigned slot), void *user)
{
    unsigned most = (unsigned)min_u64(depth, count);

    *a =
        (struct ahead){.fn = fn, .user = user, .count = count, .depth = depth};
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->cond, NULL);
    while (a->threads < most &&
           start(&a->thread[a->threads], ahead_main, a) == 0)
        a->threads++;
    return a->threads > 0 || count == 0 ? 0 : -EAGAIN;
}

int
ahead_take(struct ahead *a, unsigned *ret_slot)
{
    unsigned slot;
    LOCK_SCOPE(&a->lock);

    a->freed = a->taken++;
    pthread_cond_broadcast(&a->cond);
    slot = (unsigned)(a->freed % a->depth);
    while (!a->done[slot])
        pthread_cond_wait(&a->cond, &a->lock);
    a->done[slot] = false;
    *ret_slot = slot;
    return a->r[slot];
}

void
ahead_end(struct ahead *a)
{
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_broadcast(&a->cond);
    pthread_mutex_unlock(&a->lock);
    while (a->threads > 0)
        pthread_join(a->thread[--a->threads], NULL);
    pthread_cond_destroy(&a->cond);
    pthread_mutex_destroy(&a->lock);
}

/* --------------------------------------------------------------- budget */

void
budget_init(struct budget *b, uint64_t total)
{
    *b = (struct budget){.total = total};
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->cond, NULL);
}

void
budget_free(struct budget *b)
{
    pthread_cond_destroy(&b->cond);
    pthread_mutex_destroy(&b->lock);
}

void
budget_take(struct budget *b, uint64_t n)
{
    LOCK_SCOPE(&b->lock);

    while (b->used > 0 && b->used + n > b->total)
        pthread_cond_wait(&b->cond, &b->lock);
    b->used += n;
}

void
budget_give(struct budget *b, uint64_t n)
{
    LOCK_SCOPE(&b->lock);

    b->used -= n;
    pthread_cond_broadcast(&b->cond);
}
