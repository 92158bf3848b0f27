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

/* ------------------------------------------------------------- asking */

bool
line_is_fresh(const struct line *n, uint64_t now)
{
    return n->run >= n->floor && now < n->until;
}

bool
line_too_big(const struct slot *s, uint64_t now)
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
        ret->too_big = line_too_big(s, now);
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

/* With the lock held. */
static void
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
}

/* With the lock held: 0 if w waits now, 1 if *a is the answer. */
static int
ask_locked(struct index *ix, const char *prefix, struct waiter *w,
           unsigned flags, peek_fn *peek, struct answer *a, struct run **run)
{
    struct slot *s = slot_get(ix, prefix);
    bool fresh = flags & INDEX_FRESH;

    a->r = -ENOMEM;
    if (!s)
        return 1;
    if (!fresh && (answer_from_memory(s, w->kind, net_now_ms(), a) ||
                   (peek && peek(ix, s, a))))
        return 1;
    if (flags & INDEX_CACHED) {
        a->r = -ENODATA;
        return 1;
    }
    if (!s->line[w->kind].running) {
        *run = run_new(ix, s, w->kind);
        if (!*run)
            return 1;
    }
    enqueue(s, w, fresh);
    return 0;
}

index_id
line_ask(struct index *ix, const char *prefix, const struct waiter *proto,
         unsigned flags, peek_fn *peek)
{
    struct waiter *w = malloc(sizeof(*w)), direct = *proto;
    struct answer a = {0};
    struct run *run = NULL;
    index_id id;
    int answered = 1;

    pthread_mutex_lock(&ix->lock);
    id = ++ix->next_id;
    a.r = -ENOMEM;
    if (w) {
        *w = *proto;
        w->id = id;
        answered = ask_locked(ix, prefix, w, flags, peek, &a, &run);
    }
    pthread_mutex_unlock(&ix->lock);

    if (answered) {
        free(w);
        if (a.r < 0 && !a.e.num)
            err_set(&a.e, -a.r, "%s", strerror(-a.r));
        waiter_answer(&direct, &a);
        answer_free(&a);
    }
    if (run)
        run_start(run);
    return id;
}

/* --------------------------------------------------- cancel, invalidate */

/* With the lock held. */
static struct waiter *
find_waiter(struct index *ix, index_id id)
{
    struct waiter **at, *w;
    struct slot *s;
    int i;

    for (s = ix->newest; s; s = s->next)
        for (i = 0; i < LINES; i++)
            for (at = &s->line[i].waiting; *at; at = &(*at)->next)
                if ((*at)->id == id) {
                    w = *at;
                    *at = w->next;
                    return w;
                }
    return NULL;
}

static void
tell_cancelled(void *user)
{
    struct index *ix = user;
    struct answer a = {.r = -ECANCELED};
    struct waiter *w;

    err_set(&a.e, ECANCELED, "cancelled");
    pthread_mutex_lock(&ix->lock);
    w = ix->cancelled;
    ix->cancelled = NULL;
    pthread_mutex_unlock(&ix->lock);
    waiters_answer(w, &a);
}

void
index_cancel(struct index *ix, index_id id)
{
    struct waiter *w;

    pthread_mutex_lock(&ix->lock);
    w = find_waiter(ix, id);
    if (w) {
        w->next = ix->cancelled;
        ix->cancelled = w;
    }
    pthread_mutex_unlock(&ix->lock);
    if (w)
        net_timer(ix->net, 0, tell_cancelled, ix);
}

static void
line_invalidate(struct line *n)
{
    n->floor = n->run + 1;
    n->until = 0;
}

/* Of "a/b/", 2; of "a/", 0. */
size_t
parent_len(const char *prefix, size_t len)
{
    if (len > 0)
        len--;
    while (len > 0 && prefix[len - 1] != '/')
        len--;
    return len;
}

void
index_invalidate(struct index *ix, const char *prefix)
{
    size_t len = strlen(prefix);
    struct slot *s;
    int i;
    LOCK_SCOPE(&ix->lock);

    s = slot_find(ix, prefix, len);
    for (i = 0; s && i < LINES; i++)
        line_invalidate(&s->line[i]);
    /* Those above may have said that it is not there. */
    while (len > 0) {
        len = parent_len(prefix, len);
        s = slot_find(ix, prefix, len);
        for (i = 0; s && i < LINES; i++)
            if (i == LINE_DIR || s->line[i].r == -ENOENT)
                line_invalidate(&s->line[i]);
    }
}
