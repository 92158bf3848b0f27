/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Timers: a binary heap in each loop, by time and then by age, under
 * net.lock.  A timer belongs to the loop whose thread set it, or to the
 * first loop, so that timers of one thread keep their order.
 */
#include "net/net_priv.h"

#include <errno.h>
#include <stdlib.h>

/* A timer that sets itself anew must not keep net_free from ending. */
enum { LATE_TIMERS_MAX = 1 << 14 };

static bool
before(const struct timer *a, const struct timer *b)
{
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms;
    return a->node.id < b->node.id;
}

static void
heap_set(struct loop *l, size_t at, struct timer *t)
{
    l->heap[at] = t;
    t->at = at;
}

static void
heap_up(struct loop *l, struct timer *t)
{
    size_t at = t->at, parent;

    while (at) {
        parent = (at - 1) / 2;
        if (!before(t, l->heap[parent]))
            break;
        heap_set(l, at, l->heap[parent]);
        at = parent;
    }
    heap_set(l, at, t);
}

static void
heap_down(struct loop *l, struct timer *t)
{
    size_t at = t->at, child;

    for (;;) {
        child = 2 * at + 1;
        if (child >= l->heap_len)
            break;
        if (child + 1 < l->heap_len &&
            before(l->heap[child + 1], l->heap[child]))
            child++;
        if (!before(l->heap[child], t))
            break;
        heap_set(l, at, l->heap[child]);
        at = child;
    }
    heap_set(l, at, t);
}

static int
heap_add(struct loop *l, struct timer *t)
{
    size_t cap = l->heap_cap ? l->heap_cap * 2 : 64;
    struct timer **more;

    if (l->heap_len == l->heap_cap) {
        more = realloc(l->heap, cap * sizeof(*more));
        if (!more)
            return -ENOMEM;
        l->heap = more;
        l->heap_cap = cap;
    }
    heap_set(l, l->heap_len++, t);
    heap_up(l, t);
    return 0;
}

static void
heap_remove(struct loop *l, struct timer *t)
{
    struct timer *last = l->heap[--l->heap_len];

    if (last == t)
        return;
    heap_set(l, t->at, last);
    heap_up(l, last);
    heap_down(l, last);
}

/* Caller holds net.lock. */
static bool
timer_add(struct net *n, struct timer *t)
{
    struct loop *l = loop_self(n);

    if (n->quit || (n->stopping && n->late_timers++ >= LATE_TIMERS_MAX))
        return false;
    t->loop = l ? l : &n->loop[0];
    if (heap_add(t->loop, t) < 0)
        return false;
    idmap_put(&n->timers, &t->node);
    n->pending++;
    loop_wake(t->loop);
    return true;
}

uint64_t
net_timer(struct net *n, uint64_t delay_ms, void (*fn)(void *user), void *user)
{
    struct timer *t = calloc(1, sizeof(*t));
    uint64_t id = net_new_id(n), now = net_now_ms();
    bool added;

    if (!t)
        abort(); /* a lost timer is a read that never answers */
    t->node.id = id;
    t->due_ms =
        delay_ms > UINT64_MAX - 1 - now ? UINT64_MAX - 1 : now + delay_ms;
    t->fn = fn;
    t->user = user;
    pthread_mutex_lock(&n->lock);
    added = timer_add(n, t);
    pthread_mutex_unlock(&n->lock);
    if (!added)
        free(t);
    return id;
}

/* Caller holds net.lock. */
static void
timer_take(struct net *n, struct timer *t)
{
    idmap_remove(&n->timers, &t->node);
    heap_remove(t->loop, t);
}

bool
net_timer_cancel(struct net *n, uint64_t id)
{
    struct idnode *node;

    LOCK_SCOPE(&n->lock);
    node = idmap_get(&n->timers, id);
    if (!node)
        return false;
    timer_take(n, (struct timer *)node);
    free(node);
    net_pending_done(n);
    return true;
}

uint64_t
timers_due(const struct loop *l)
{
    if (!l->heap_len)
        return UINT64_MAX;
    return l->net->stopping ? 0 : l->heap[0]->due_ms;
}

/* The next timer that was due at `now` and is older than `newest`. */
static struct timer *
timer_next(struct loop *l, uint64_t now, uint64_t newest)
{
    struct timer *t;

    LOCK_SCOPE(&l->net->lock);
    if (timers_due(l) > now || l->heap[0]->node.id >= newest)
        return NULL;
    t = l->heap[0];
    timer_take(l->net, t);
    return t;
}

void
timers_run(struct loop *l, uint64_t now)
{
    /* Those that the callbacks set wait for the next turn. */
    uint64_t newest = atomic_load(&l->net->next_id);
    struct timer *t;

    while ((t = timer_next(l, now, newest))) {
        t->fn(t->user);
        free(t);
        pthread_mutex_lock(&l->net->lock);
        net_pending_done(l->net);
        pthread_mutex_unlock(&l->net->lock);
    }
}
