/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Ranges that take far longer than others do: what is missing is asked for
 * once more, on a new connection, and whoever answers first goes on
 * (fetch.c).  Not when the store is slow as a whole: more requests are the
 * last thing it needs.
 */
#include "read/impl.h"

enum {
    TICK_MS = 200,
    LEAST_MS = 1000, /* so long is nothing strange */
    SAMPLES = 32,    /* answers that a p99 can be believed of */
    OUTLIERS = 4,    /* of so many in flight one may be slow... */
    ONE_OF = 32,     /* ...and of so many ever sent */
    SIDE_MAX = 4,    /* second requests side by side */
    KIND_GET = offsetof(struct s3_stats, get) / sizeof(uint64_t),
};

/* 0: nobody knows yet. */
static uint64_t
limit_ms(struct read_pool *p)
{
    struct s3_kind_stats k;

    if (p->stats.fetches < SAMPLES)
        return 0;
    s3_kind_get(p->s3, KIND_GET, &k);
    return max_u64(2 * (uint64_t)k.total_p99, LEAST_MS);
}

static bool
is_slow(const struct unit *u, uint64_t limit, uint64_t now)
{
    return atomic_load(&u->paid) && now - u->start_ms > limit;
}

/* Several at once are the store, not the range; then it gets time to
 * recover. */
static bool
store_is_slow(struct read_pool *p, unsigned flying, unsigned slow,
              uint64_t limit, uint64_t now)
{
    if (slow > 1 && slow * OUTLIERS > flying)
        p->slow_ms = now;
    return p->slow_ms && now - p->slow_ms < limit;
}

static unsigned
most_of(const struct read_pool *p)
{
    uint64_t ever = p->stats.fetches / ONE_OF;

    if (p->stats.reissued >= ever || p->reissuing >= SIDE_MAX)
        return 0;
    return (unsigned)min_u64(ever - p->stats.reissued,
                             SIDE_MAX - p->reissuing);
}

/* What is slow now; units get a reference. */
static void
collect(struct read_pool *p, struct units *ret)
{
    uint64_t now = net_now_ms(), limit = limit_ms(p);
    unsigned flying = 0, slow = 0, most;
    struct unit *u;

    TAILQ_FOREACH(u, &p->flight, flight) {
        flying++;
        slow += limit && is_slow(u, limit, now);
    }
    if (!slow || store_is_slow(p, flying, slow, limit, now))
        return;
    most = most_of(p);
    TAILQ_FOREACH(u, &p->flight, flight) {
        if (!most)
            return;
        if (u->raced || !is_slow(u, limit, now) || !unit_race(u))
            continue;
        STAILQ_INSERT_TAIL(ret, u, again);
        most--;
    }
}

static void
on_tick(void *user)
{
    struct read_pool *p = user;
    struct units slow = STAILQ_HEAD_INITIALIZER(slow);
    uint64_t now = net_now_ms();
    struct unit *u;
    bool early;

    pthread_mutex_lock(&p->lock);
    p->ticking = false;
    early = now - p->tick_ms < TICK_MS / 2; /* the end: no new timers */
    collect(p, &slow);
    if (!early)
        slow_watch(p);
    pthread_mutex_unlock(&p->lock);
    while ((u = STAILQ_FIRST(&slow))) {
        STAILQ_REMOVE_HEAD(&slow, again);
        unit_fetch_again(u);
    }
    pool_unref(p);
}

void
slow_watch(struct read_pool *p)
{
    if (p->ticking || TAILQ_EMPTY(&p->flight))
        return;
    p->ticking = true;
    p->tick_ms = net_now_ms();
    net_timer(p->net, TICK_MS, on_tick, pool_ref(p));
}
