/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What is remembered of each prefix, and for how long: a hash table in the
 * order of use, bounded in slots and in members.  Everything here runs
 * with index.lock held, but for the timer and answers to waiters.
 *
 * A layout that somebody else holds stays known after its time, so that
 * the next listing can find it the same; one that only the slot holds is
 * forgotten when its time is over.
 */
#include "index/index_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum {
    TABLE_SIZE = 8192,
    SLOTS_MAX = 65536,
    SWEEP_MIN_MS = 1000,
};

void
answer_free(struct answer *a)
{
    layout_unref(a->l);
    dir_unref(a->d);
    a->l = NULL;
    a->d = NULL;
}

void
waiter_answer(struct waiter *w, const struct answer *a)
{
    struct index_dir d = {.too_big = a->too_big};

    switch (w->kind) {
    case LINE_LAYOUT:
        w->cb.layout(w->user, a->r, a->l, &a->e);
        break;
    case LINE_DIR:
        if (a->d) {
            d.name = a->d->name;
            d.count = a->d->count;
            d.exists = a->d->exists;
        }
        w->cb.dir(w->user, a->r, a->d ? &d : NULL, &a->e);
        break;
    default:
        w->cb.exists(w->user, a->r, &a->e);
    }
}

/* --------------------------------------------------------------- table */

static struct slot **
bucket_of(struct index *ix, const char *prefix, size_t len)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    size_t i;

    for (i = 0; i < len; i++)
        h = (h ^ (unsigned char)prefix[i]) * UINT64_C(0x100000001b3);
    return &ix->table[(h ^ h >> 32) % TABLE_SIZE];
}

struct slot *
slot_find(struct index *ix, const char *prefix, size_t len)
{
    struct slot *s;

    if (!ix->table)
        return NULL;
    for (s = *bucket_of(ix, prefix, len); s; s = s->chain)
        if (s->len == len && memcmp(s->prefix, prefix, len) == 0)
            return s;
    return NULL;
}

static void
unlink_use(struct index *ix, struct slot *s)
{
    *(s->prev ? &s->prev->next : &ix->newest) = s->next;
    *(s->next ? &s->next->prev : &ix->oldest) = s->prev;
}

static void
link_newest(struct index *ix, struct slot *s)
{
    s->prev = NULL;
    s->next = ix->newest;
    *(ix->newest ? &ix->newest->prev : &ix->oldest) = s;
    ix->newest = s;
}

void
slot_set_layout(struct index *ix, struct slot *s, struct layout *l)
{
    if (s->layout == l)
        return;
    if (s->layout)
        ix->members -= s->layout->zip.count;
    if (l)
        ix->members += l->zip.count;
    layout_unref(s->layout);
    s->layout = l;
}

void
slot_set_dir(struct slot *s, struct dir *d)
{
    dir_unref(s->dir);
    s->dir = d;
}

static void
free_waiters(struct waiter *w)
{
    struct waiter *next;

    for (; w; w = next) {
        next = w->next;
        free(w);
    }
}

static void
slot_free(struct index *ix, struct slot *s)
{
    struct slot **at = bucket_of(ix, s->prefix, s->len);
    int i;

    while (*at != s)
        at = &(*at)->chain;
    *at = s->chain;
    unlink_use(ix, s);
    slot_set_layout(ix, s, NULL);
    slot_set_dir(s, NULL);
    for (i = 0; i < LINES; i++) {
        free_waiters(s->line[i].waiting);
        free(s->line[i].e);
    }
    free(s->prefix);
    free(s);
    ix->slots--;
}

void
slots_free(struct index *ix)
{
    while (ix->newest)
        slot_free(ix, ix->newest);
    free(ix->table);
}

/* ----------------------------------------------------------- forgetting */

static bool
is_busy(const struct slot *s)
{
    int i;

    for (i = 0; i < LINES; i++)
        if (s->line[i].running)
            return true;
    return false;
}

/* No one can take a reference meanwhile: the slot's is taken under the
 * lock only. */
static bool
is_shared(const struct slot *s)
{
    return s->layout && atomic_load(&s->layout->refs) > 1;
}

/* True if the slot holds something still. */
static bool
forget_old(struct index *ix, struct slot *s, uint64_t now)
{
    bool fresh = false;
    int i;

    if (is_busy(s))
        return true;
    if (now >= s->line[LINE_LAYOUT].until && !is_shared(s))
        slot_set_layout(ix, s, NULL);
    if (now >= s->line[LINE_DIR].until)
        slot_set_dir(s, NULL);
    for (i = 0; i < LINES; i++)
        fresh = fresh || now < s->line[i].until;
    return fresh || s->layout;
}

/* A layout is memory: give up those that nobody else holds, longest
 * unused first, while there is too much of it. */
static void
forget_members(struct index *ix, const struct slot *keep)
{
    uint64_t most = 2 * max_u64(ix->conf->max_entries, 1);
    struct slot *s = ix->oldest, *prev;

    for (; s && ix->members > most; s = prev) {
        prev = s->prev;
        if (s == keep || is_busy(s) || is_shared(s))
            continue;
        slot_set_layout(ix, s, NULL);
        s->line[LINE_LAYOUT].until = 0;
    }
}

static void
forget_slots(struct index *ix)
{
    struct slot *s = ix->oldest, *prev;

    for (; s && ix->slots >= SLOTS_MAX; s = prev) {
        prev = s->prev;
        if (!is_busy(s) && !is_shared(s))
            slot_free(ix, s);
    }
}

static void
sweep(void *user)
{
    struct index *ix = user;
    uint64_t now = net_now_ms();
    struct slot *s, *prev;
    bool more;

    pthread_mutex_lock(&ix->lock);
    if (now + 1 < ix->sweep_due) { /* net_free calls all timers early */
        pthread_mutex_unlock(&ix->lock);
        return;
    }
    for (s = ix->oldest; s; s = prev) {
        prev = s->prev;
        if (!forget_old(ix, s, now))
            slot_free(ix, s);
    }
    ix->sweeping = false;
    more = ix->slots > 0;
    pthread_mutex_unlock(&ix->lock);
    if (more)
        slots_sweep_later(ix);
}

void
slots_sweep_later(struct index *ix)
{
    uint64_t ms = max_u64((uint64_t)ix->conf->ttl * 1000, SWEEP_MIN_MS);
    bool start;

    pthread_mutex_lock(&ix->lock);
    start = !ix->sweeping;
    ix->sweeping = true;
    if (start)
        ix->sweep_due = net_now_ms() + ms;
    pthread_mutex_unlock(&ix->lock);
    if (start)
        net_timer(ix->net, ms, sweep, ix);
}

/* --------------------------------------------------------------- making */

static struct slot *
slot_new(struct index *ix, const char *prefix, size_t len)
{
    struct slot *s, **at;

    if (!ix->table)
        ix->table = calloc(TABLE_SIZE, sizeof(struct slot *));
    if (!ix->table)
        return NULL;
    forget_slots(ix);
    s = calloc(1, sizeof(*s));
    if (!s || !(s->prefix = strdup(prefix))) {
        free(s);
        return NULL;
    }
    s->len = len;
    at = bucket_of(ix, prefix, len);
    s->chain = *at;
    *at = s;
    ix->slots++;
    link_newest(ix, s);
    return s;
}

struct slot *
slot_get(struct index *ix, const char *prefix)
{
    size_t len = strlen(prefix);
    struct slot *s = slot_find(ix, prefix, len);

    if (!s)
        return slot_new(ix, prefix, len);
    unlink_use(ix, s);
    link_newest(ix, s);
    forget_members(ix, s);
    return s;
}
