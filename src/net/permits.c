/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A budget with a queue: first come, first served, so a large request
 * cannot starve.  Knows nothing of what is counted.
 *
 * Lock: permits.lock, for everything in here; callbacks run without it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/cleanup.h"
#include "net/net.h"

struct wait {
    uint64_t id;
    uint64_t n;
    void (*granted)(void *user);
    void *user;
    TAILQ_ENTRY(wait) link;
};
TAILQ_HEAD(wait_list, wait);

struct permits {
    pthread_mutex_t lock;
    uint64_t total;
    uint64_t used; /* above total while an oversize taker has it all */
    uint64_t next_id;
    struct wait_list queue;
    struct wait_list ready; /* taken for; callback to come */
    bool delivering;        /* a thread is calling back */
};

int
permits_new(struct permits **ret, uint64_t total)
{
    struct permits *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    pthread_mutex_init(&p->lock, NULL);
    p->total = total;
    p->next_id = 1;
    TAILQ_INIT(&p->queue);
    TAILQ_INIT(&p->ready);
    *ret = p;
    return 0;
}

static void
drop_all(struct wait_list *list)
{
    struct wait *w;

    while ((w = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, w, link);
        free(w);
    }
}

void
permits_free(struct permits *p)
{
    if (!p)
        return;
    drop_all(&p->queue);
    drop_all(&p->ready);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* More than there is: only when nobody has any. */
static bool
fits(const struct permits *p, uint64_t n)
{
    return p->used == 0 || (p->used <= p->total && n <= p->total - p->used);
}

bool
permits_try(struct permits *p, uint64_t n)
{
    LOCK_SCOPE(&p->lock);
    if (!TAILQ_EMPTY(&p->queue) || !fits(p, n))
        return false;
    p->used += n;
    return true;
}

uint64_t
permits_take(struct permits *p, uint64_t n, void (*granted)(void *user),
             void *user)
{
    struct wait *w;

    if (permits_try(p, n))
        return 0;
    w = calloc(1, sizeof(*w));
    if (!w)
        abort(); /* a lost wait is a read that never answers */
    w->n = n;
    w->granted = granted;
    w->user = user;
    LOCK_SCOPE(&p->lock);
    /* Given back meanwhile? */
    if (TAILQ_EMPTY(&p->queue) && fits(p, n)) {
        p->used += n;
        free(w);
        return 0;
    }
    w->id = p->next_id++;
    TAILQ_INSERT_TAIL(&p->queue, w, link);
    return w->id;
}

/* Caller holds the lock. */
static void
grant(struct permits *p)
{
    struct wait *w;

    while ((w = TAILQ_FIRST(&p->queue)) && fits(p, w->n)) {
        p->used += w->n;
        TAILQ_REMOVE(&p->queue, w, link);
        TAILQ_INSERT_TAIL(&p->ready, w, link);
    }
}

/* Calls back, in the order of the grants.  A callback that gives back
 * itself only lengthens the list: no recursion.  Caller holds the lock. */
static void
deliver(struct permits *p)
{
    struct wait *w;

    if (p->delivering)
        return;
    p->delivering = true;
    while ((w = TAILQ_FIRST(&p->ready))) {
        TAILQ_REMOVE(&p->ready, w, link);
        pthread_mutex_unlock(&p->lock);
        w->granted(w->user);
        free(w);
        pthread_mutex_lock(&p->lock);
    }
    p->delivering = false;
}

void
permits_give(struct permits *p, uint64_t n)
{
    LOCK_SCOPE(&p->lock);
    p->used = n > p->used ? 0 : p->used - n;
    grant(p);
    deliver(p);
}

bool
permits_cancel(struct permits *p, uint64_t id)
{
    struct wait *w;

    LOCK_SCOPE(&p->lock);
    TAILQ_FOREACH(w, &p->queue, link)
        if (w->id == id) {
            TAILQ_REMOVE(&p->queue, w, link);
            free(w);
            /* The one behind it may fit now, but the caller may hold
             * locks: it is granted at the next permits_give, which comes,
             * or nobody would wait. */
            return true;
        }
    return false;
}

uint64_t
permits_used(struct permits *p)
{
    LOCK_SCOPE(&p->lock);
    return p->used;
}

uint64_t
permits_total(const struct permits *p)
{
    return p->total;
}
