/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One per mount: the budget and the slots for fetches, and the pump that
 * gives what came free to those who wait: reads that wait for memory
 * first, then what reads wait for, then read-ahead.
 */
#include "read/impl.h"

#include <errno.h>
#include <string.h>

enum { POOL_MEMORY_MIN = 2 << 20 };

/* Paused answers leave memory and connections for those that are read
 * now; what libcurl holds of them comes out of the budget. */
static void
set_early_aside(struct read_pool *p)
{
    p->early_max = (unsigned)min_u64(p->conf.memory / 16 / READ_EARLY,
                                     p->conf.connections / 2);
    p->budget = p->conf.memory - p->early_max * READ_EARLY;
}

int
read_pool_new(struct read_pool **ret, struct net *n, struct s3 *s,
              const struct read_pool_conf *c)
{
    struct read_pool *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    p->net = n;
    p->s3 = s;
    p->conf = *c;
    p->conf.memory = max_u64(c->memory, POOL_MEMORY_MIN);
    if (!p->conf.connections)
        p->conf.connections = 1;
    set_early_aside(p);
    /* A read of memory / 4 and the members that it cuts must fit. */
    p->unit_max = min_u64(READ_UNIT, p->conf.memory / 8) & -READ_CHUNK;
    p->ahead_max = p->conf.memory - p->conf.memory / 4;
    r = memory_init(p);
    if (r < 0) {
        free(p);
        return r;
    }
    atomic_init(&p->refs, 1);
    pthread_mutex_init(&p->lock, NULL);
    TAILQ_INIT(&p->behind);
    TAILQ_INIT(&p->ahead);
    TAILQ_INIT(&p->early);
    TAILQ_INIT(&p->flight);
    STAILQ_INIT(&p->queue);
    TAILQ_INIT(&p->starving);
    TAILQ_INIT(&p->cursors);
    *ret = p;
    return 0;
}

struct read_pool *
pool_ref(struct read_pool *p)
{
    atomic_fetch_add(&p->refs, 1);
    return p;
}

/* Views and cancelled fetches may outlive read_pool_free. */
void
pool_unref(struct read_pool *p)
{
    if (atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    memory_free(p);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void
read_pool_free(struct read_pool *p)
{
    if (p)
        pool_unref(p);
}

void
read_stats_get(struct read_pool *p, struct read_stats *ret)
{
    LOCK_SCOPE(&p->lock);

    *ret = p->stats;
    ret->memory_used = p->used;
}

/* ---------------------------------------------------------------- todo */

void
todo_init(struct todo *t)
{
    STAILQ_INIT(&t->ops);
    STAILQ_INIT(&t->begin);
    STAILQ_INIT(&t->redo);
    STAILQ_INIT(&t->start);
    STAILQ_INIT(&t->resume);
    STAILQ_INIT(&t->cancel);
}

/* An id is 0 while its fetch is being sent: who sends it looks again when
 * it is known. */
static void
run_each(struct read_pool *p, struct unit *u,
         void (*fn)(struct s3 *s, s3_id id))
{
    s3_id id[2];
    int i;

    pthread_mutex_lock(&p->lock);
    memcpy(id, u->id, sizeof(id));
    u->refs--;
    unit_maybe_free(u);
    pthread_mutex_unlock(&p->lock);
    for (i = 0; i < 2; i++)
        if (id[i])
            fn(p->s3, id[i]);
}

static void
run_resumes_and_cancels(struct read_pool *p, struct todo *t)
{
    struct unit *u;

    while ((u = STAILQ_FIRST(&t->resume))) {
        STAILQ_REMOVE_HEAD(&t->resume, resume);
        run_each(p, u, s3_resume);
    }
    while ((u = STAILQ_FIRST(&t->cancel))) {
        STAILQ_REMOVE_HEAD(&t->cancel, cancel);
        run_each(p, u, s3_cancel);
    }
}

/* Who asked knows its id: it may be cancelled meanwhile. */
static void
redo(struct read_pool *p, struct op *o)
{
    int r;

    pthread_mutex_lock(&p->lock);
    r = o->answered ? 0 : op_scan(o);
    pthread_mutex_unlock(&p->lock);
    op_submit(o, r);
    op_unref(o);
}

static void
run_once(struct read_pool *p, struct todo *t)
{
    struct unit *u;
    struct op *o;

    while ((u = STAILQ_FIRST(&t->start))) {
        STAILQ_REMOVE_HEAD(&t->start, start);
        unit_fetch(u);
    }
    while ((o = STAILQ_FIRST(&t->begin))) {
        STAILQ_REMOVE_HEAD(&t->begin, planned);
        op_begin(o);
    }
    while ((o = STAILQ_FIRST(&t->redo))) {
        STAILQ_REMOVE_HEAD(&t->redo, planned);
        redo(p, o);
    }
    while ((o = STAILQ_FIRST(&t->ops))) {
        STAILQ_REMOVE_HEAD(&t->ops, ready);
        op_deliver(o);
    }
    run_resumes_and_cancels(p, t);
}

void
todo_run(struct read_pool *p, struct todo *t)
{
    run_once(p, t);
    pool_pump(p);
}

/* ---------------------------------------------------------------- pump */

/* Reads that found no memory, in their order. */
static void
feed_starving(struct read_pool *p, struct todo *t)
{
    struct op *o;
    int r;

    while ((o = TAILQ_FIRST(&p->starving))) {
        r = op_reserve(o, t);
        if (r == -EAGAIN)
            return;
        TAILQ_REMOVE(&p->starving, o, starving_link);
        o->starving = false;
        if (r < 0) {
            op_fail(o, r, &o->err, t);
            continue;
        }
        cursor_note(o, t);
        STAILQ_INSERT_TAIL(&t->begin, o, planned);
    }
}

static void
start_queued(struct read_pool *p, struct todo *t)
{
    struct unit *u;

    while (p->fetching < p->conf.connections &&
           (u = STAILQ_FIRST(&p->queue))) {
        STAILQ_REMOVE_HEAD(&p->queue, start);
        u->state = UNIT_FETCHING;
        u->refs++; /* the fetch's */
        u->racing = 1;
        u->sent_ms = u->start_ms = net_now_ms();
        u->reader->refs++;
        TAILQ_INSERT_TAIL(&p->flight, u, flight);
        p->fetching++;
        p->stats.fetches++;
        STAILQ_INSERT_TAIL(&t->start, u, start);
    }
    slow_watch(p);
}

/* Answers may come before a call returns and wake the pump again: one
 * thread at a time pumps, the others leave it a note. */
void
pool_pump(struct read_pool *p)
{
    struct ahead_climb climb;
    struct todo t;

    pthread_mutex_lock(&p->lock);
    p->again = true;
    while (p->again && !p->pumping) {
        p->again = false;
        p->pumping = true;
        todo_init(&t);
        climb.stream = NULL;
        feed_starving(p, &t);
        start_queued(p, &t);
        if (TAILQ_EMPTY(&p->starving))
            ahead_pay(p, &t);
        if (TAILQ_EMPTY(&p->starving))
            ahead_pump(p, &t, &climb);
        start_queued(p, &t);
        p->again = climb.stream != NULL;
        pthread_mutex_unlock(&p->lock);
        run_once(p, &t);
        if (climb.stream)
            ahead_ask(&climb);
        pthread_mutex_lock(&p->lock);
        p->pumping = false;
    }
    pthread_mutex_unlock(&p->lock);
}
