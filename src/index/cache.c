/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Questions about a prefix: answered from memory while fresh, else by one
 * run that all who ask share.  Knows nothing of what a run does.
 *
 * Runs of a line are numbered.  A waiter needs a run of some number or
 * later: the one under way, or, after an invalidation and under
 * INDEX_FRESH, the next; so an answer is never older than the question
 * allows, and still at most one run per line is under way.
 */
#include "index/index_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { TOO_BIG_TTLS = 10 };

/* ------------------------------------------------------------- asking */

static bool
line_is_fresh(const struct line *n, uint64_t now)
{
    return n->run >= n->floor && now < n->until;
}

/* With the lock held. */
static bool
is_too_big(const struct slot *s, uint64_t now)
{
    const struct line *n = &s->line[LINE_LAYOUT];

    return n->r == -EFBIG && line_is_fresh(n, now);
}

/* With the lock held: the cached answer of a line. */
static void
take_answer(const struct slot *s, enum line_kind kind, uint64_t now,
            struct answer *ret)
{
    const struct line *n = &s->line[kind];

    ret->r = n->r;
    if (n->e)
        ret->e = *n->e;
    if (kind == LINE_LAYOUT && n->r == 0)
        ret->l = layout_ref(s->layout);
    if (kind == LINE_DIR && n->r == 0) {
        atomic_fetch_add(&s->dir->refs, 1);
        ret->d = s->dir;
        ret->too_big = is_too_big(s, now);
    }
}

static bool
answer_from_memory(struct slot *s, enum line_kind kind, uint64_t now,
                   struct answer *ret)
{
    const struct line *n = &s->line[kind];

    if (!line_is_fresh(n, now))
        return false;
    if (kind == LINE_LAYOUT && n->r == 0 &&
        (!s->layout || atomic_load(&s->layout->stale)))
        return false;
    if (kind == LINE_DIR && n->r == 0 && !s->dir)
        return false;
    take_answer(s, kind, now, ret);
    return true;
}

/* With the lock held.  True if a run must be started. */
static bool
enqueue(struct slot *s, struct waiter *w, bool fresh)
{
    struct line *n = &s->line[w->kind];
    struct waiter **at = &n->waiting;
    bool start = !n->running;

    w->next = NULL;
    w->need = start || fresh ? n->run + 1 : max_u64(n->run, n->floor);
    while (*at)
        at = &(*at)->next;
    *at = w;
    if (start) {
        n->running = true;
        n->run++;
    }
    return start;
}

static void
start_run(struct index *ix, struct slot *s, enum line_kind kind)
{
    static void (*const start[LINES])(struct run *) = {layout_run, dir_run,
                                                       exists_run};
    struct run *r = calloc(1, sizeof(*r));

    if (!r)
        abort(); /* a few hundred bytes; see run_end for what needs them */
    r->ix = ix;
    r->slot = s;
    r->kind = kind;
    r->start_ms = net_now_ms();
    pthread_mutex_lock(&ix->lock);
    r->next = ix->runs;
    if (r->next)
        r->next->prev = r;
    ix->runs = r;
    pthread_mutex_unlock(&ix->lock);
    start[kind](r);
}
