/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The life of one run: started for the first who asks, its answer cached
 * and given to all who may have it, and started again for those who need a
 * later one.  Knows nothing of how an answer is found (fetch.c, dirs.c).
 */
#include "index/index_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { TOO_BIG_TTLS = 10 };

static void
run_clear(struct run *r)
{
    walk_free(&r->walk);
    scan_free(&r->scan);
    listing_free(&r->listing);
    dir_unref(r->dir);
    free(r->twin);
    answer_free(&r->answer);
}

void
run_free(struct run *r)
{
    run_clear(r);
    free(r);
}

struct run *
run_new(struct index *ix, struct slot *s, enum line_kind kind)
{
    struct run *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->ix = ix;
    r->slot = s;
    r->kind = kind;
    r->next = ix->runs;
    if (r->next)
        r->next->prev = r;
    ix->runs = r;
    return r;
}

/* With the lock held. */
static void
run_unlink(struct run *r)
{
    *(r->prev ? &r->prev->next : &r->ix->runs) = r->next;
    if (r->next)
        r->next->prev = r->prev;
}

void
run_start(struct run *r)
{
    static void (*const start[LINES])(struct run *) = {layout_run, dir_run,
                                                       exists_run};

    r->start_ms = net_now_ms();
    start[r->kind](r);
}

static void
run_again(struct run *r)
{
    struct run old = *r;

    run_clear(r);
    *r = (struct run){.prev = old.prev,
                      .next = old.next,
                      .ix = old.ix,
                      .slot = old.slot,
                      .kind = old.kind};
    run_start(r);
}

/* --------------------------------------------------------------- ending */

/* s3zipfs(1), "FRESHNESS": ttl from the end of a listing, never shorter
 * than it took; ttl=0 lists each time.  Errors that may pass are for those
 * who wait only. */
static uint64_t
good_until(const struct run *r, uint64_t now)
{
    uint64_t ttl = (uint64_t)r->ix->conf->ttl * 1000;
    uint64_t took = now - r->start_ms;

    switch (r->answer.r) {
    case 0:
    case -ENOENT:
        return ttl ? now + max_u64(ttl, took) : 0;
    case -EFBIG:
        return now + max_u64(ttl * TOO_BIG_TTLS, took);
    default:
        return 0;
    }
}

/* Nobody else touches slot->layout while this run is under way, so that
 * the comparison needs no lock. */
static void
find_same(struct run *r)
{
    struct layout *old = r->slot->layout, *l = r->answer.l;

    if (!old || (old != l && !layout_same(old, l))) {
        layout_log_skips(l);
        return;
    }
    atomic_store(&old->listed_ms, atomic_load(&l->listed_ms));
    atomic_store(&old->stale, false);
    layout_unref(l);
    r->answer.l = layout_ref(old);
}

/* With the lock held. */
static void
keep_answer(struct run *r, uint64_t now)
{
    struct slot *s = r->slot;
    struct line *n = &s->line[r->kind];
    struct answer *a = &r->answer;

    n->r = a->r;
    n->until = n->run >= n->floor ? good_until(r, now) : 0;
    free(n->e);
    n->e = NULL;
    /* "Not there" is the answer to many a lookup: no words, to save
     * memory. */
    if (a->r < 0 && n->until && r->kind != LINE_EXISTS) {
        n->e = malloc(sizeof(*n->e));
        if (n->e)
            *n->e = a->e;
    }
    if (r->kind == LINE_LAYOUT && a->r == -ENOENT)
        slot_set_layout(r->ix, s, NULL);
    if (a->l && a->l != s->layout)
        slot_set_layout(r->ix, s, layout_ref(a->l));
    if (a->d) {
        atomic_fetch_add(&a->d->refs, 1);
        slot_set_dir(s, a->d);
        a->too_big = line_too_big(s, now);
    }
}

/* With the lock held: the waiters that this run answers. */
static struct waiter *
take_waiters(struct line *n)
{
    struct waiter *taken = NULL, **to = &taken, **at = &n->waiting;

    while (*at) {
        struct waiter *w = *at;

        if (w->need > n->run) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->next = NULL;
        *to = w;
        to = &w->next;
    }
    return taken;
}

void
waiters_answer(struct waiter *w, const struct answer *a)
{
    struct waiter *next;

    for (; w; w = next) {
        next = w->next;
        waiter_answer(w, a);
        free(w);
    }
}

void
run_end(struct run *r)
{
    struct index *ix = r->ix;
    struct line *n = &r->slot->line[r->kind];
    struct answer answer;
    struct waiter *taken;
    bool again;

    if (r->answer.l)
        find_same(r);
    if (r->answer.l)
        layout_set_twin(r->answer.l, &r->twin, r->twin_digest, r->twin_size);
    pthread_mutex_lock(&ix->lock);
    keep_answer(r, net_now_ms());
    taken = take_waiters(n);
    again = n->waiting != NULL;
    if (again)
        n->run++;
    else
        n->running = false;
    if (!again)
        run_unlink(r);
    pthread_mutex_unlock(&ix->lock);

    answer = r->answer;
    r->answer = (struct answer){0};
    waiters_answer(taken, &answer);
    answer_free(&answer);
    slots_sweep_later(ix);
    if (again)
        run_again(r);
    else
        run_free(r);
}
