/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Who waits for which value: a climb for each member that somebody waits
 * for, found by its number.  Must not know how a rung asks.
 */
#include "crc/impl.h"

#include <errno.h>

void
crc_waiters_answer(struct crc_waiters *w, int r, uint32_t v,
                   const struct err *e)
{
    static const struct err none;
    struct crc_waiter *x;

    while ((x = STAILQ_FIRST(w))) {
        STAILQ_REMOVE_HEAD(w, link);
        x->cb(x->user, r, v, e ? e : &none);
        free(x);
    }
}

/* ------------------------------------------------- climbs by member */

static struct climb **
climb_slot(struct crc_set *s, size_t member)
{
    struct climb **p = &s->bucket[member & (s->buckets - 1)];

    while (*p && (*p)->member != member)
        p = &(*p)->next;
    return p;
}

/* A publish may wait for every member at once. */
static void
grow_buckets(struct crc_set *s)
{
    size_t n = s->buckets * 4, i;
    struct climb **b = calloc(n, sizeof(*b)), *c;

    if (!b)
        return; /* slower, not wrong */
    for (i = 0; i < s->buckets; i++)
        while ((c = s->bucket[i])) {
            s->bucket[i] = c->next;
            c->next = b[c->member & (n - 1)];
            b[c->member & (n - 1)] = c;
        }
    free(s->bucket);
    s->bucket = b;
    s->buckets = n;
}

static struct climb *
new_climb(struct crc_set *s, size_t member)
{
    struct climb *c = calloc(1, sizeof(*c)), **slot;

    if (!c)
        return NULL;
    if (s->climbs >= s->buckets)
        grow_buckets(s);
    c->set = crc_set_ref(s);
    c->member = (uint32_t)member;
    c->refs = 1;
    c->rung = RUNG_LOADING;
    STAILQ_INIT(&c->waiters);
    slot = climb_slot(s, member);
    *slot = c;
    s->climbs++;
    return c;
}

void
set_remove_climb(struct climb *c, struct crc_waiters *ret)
{
    struct climb **slot = climb_slot(c->set, c->member);

    STAILQ_INIT(ret);
    STAILQ_CONCAT(ret, &c->waiters);
    if (c->gone)
        return;
    *slot = c->next;
    c->set->climbs--;
    c->gone = true;
}

void
climb_unref(struct climb *c)
{
    struct crc_set *s = c->set;
    bool last;

    pthread_mutex_lock(&s->lock);
    last = --c->refs == 0;
    pthread_mutex_unlock(&s->lock);
    if (!last)
        return;
    ranges_free(c->ranges);
    free(c);
    crc_set_unref(s);
}

/* ------------------------------------------------------------- loading */

/* With set->lock: climbs that waited for loading.  Those that are known
 * now go to *known, the others start. */
static void
release_climbs(struct crc_set *s, size_t i, struct climb **known)
{
    struct climb *c = s->bucket[i], *next;

    for (; c; c = next) {
        next = c->next;
        if (c->rung != RUNG_LOADING || c->member >= s->loaded)
            continue;
        if (bit_get(s->known, c->member)) {
            struct climb **slot = climb_slot(s, c->member);

            *slot = c->next;
            s->climbs--;
            c->gone = true;
            c->next = *known;
            *known = c;
            continue;
        }
        c->refs++;
        ladder_start(c);
    }
}

void
set_loaded_to(struct crc_set *s, size_t end)
{
    struct climb *known = NULL, *c;
    struct crc_waiters w;
    uint32_t v;
    size_t i;

    pthread_mutex_lock(&s->lock);
    s->loaded = end;
    pthread_cond_broadcast(&s->more);
    for (i = 0; s->climbs && i < s->buckets; i++)
        release_climbs(s, i, &known);
    pthread_mutex_unlock(&s->lock);
    while ((c = known)) {
        known = c->next;
        pthread_mutex_lock(&s->lock);
        set_remove_climb(c, &w);
        pthread_mutex_unlock(&s->lock);
        v = atomic_load(&s->value[c->member]);
        crc_waiters_answer(&w, 0, v, NULL);
        climb_unref(c);
    }
    ladder_pump(s->crc);
}

/* ------------------------------------------------------------- get, put */

static struct crc_waiter *
add_waiter(struct crc_set *s, struct climb *c, unsigned flags, crc_cb *cb,
           void *user)
{
    struct crc_waiter *w = calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    if (++s->seq == 0)
        s->seq = 1;
    w->seq = s->seq;
    w->cheap = flags & CRC_CHEAP;
    w->cb = cb;
    w->user = user;
    STAILQ_INSERT_TAIL(&c->waiters, w, link);
    return w;
}

/* With set->lock.  *ret: the id, 0 and r < 0 if there is nothing to wait
 * for. */
static int
wait_for(struct crc_set *s, size_t member, unsigned flags, crc_cb *cb,
         void *user, uint64_t *ret)
{
    struct climb *c = *climb_slot(s, member);
    struct crc_waiter *w;

    if ((flags & CRC_CHEAP) &&
        (!ladder_has_cheap(s, member) || (c && c->rung >= RUNG_ORACLE)))
        return -ENODATA;
    if (!c && !(c = new_climb(s, member)))
        return -ENOMEM;
    w = add_waiter(s, c, flags, cb, user);
    if (w)
        *ret = (uint64_t)w->seq << 32 | (uint32_t)member;
    if (c->rung == RUNG_LOADING && member < s->loaded) {
        c->refs++;
        ladder_start(c);
    }
    return w ? 0 : -ENOMEM;
}

uint64_t
crc_get(struct crc_set *s, size_t member, unsigned flags, crc_cb *cb,
        void *user)
{
    struct err e = {0};
    uint64_t id = 0;
    uint32_t v = 0;
    int r = 0;

    if (!crc_peek(s, member, &v)) {
        pthread_mutex_lock(&s->lock);
        if (!crc_peek(s, member, &v))
            r = wait_for(s, member, flags, cb, user, &id);
        pthread_mutex_unlock(&s->lock);
    }
    if (id) {
        /* May answer before the caller has the id: the header says so. */
        ladder_pump(s->crc);
        return id;
    }
    if (r < 0)
        err_set(&e, -r, "%s",
                r == -ENODATA ? "no CRC-32 is stored" : "out of memory");
    cb(user, r, v, &e);
    return 0;
}

bool
crc_cancel(struct crc_set *s, uint64_t id)
{
    struct crc_waiter *w = NULL;
    struct crc_waiters none;
    struct climb *c, *dead = NULL;

    if (!id)
        return false;
    pthread_mutex_lock(&s->lock);
    c = *climb_slot(s, (uint32_t)id);
    if (c)
        STAILQ_FOREACH(w, &c->waiters, link)
            if (w->seq == id >> 32)
                break;
    if (w) {
        STAILQ_REMOVE(&c->waiters, w, crc_waiter, link);
        if (STAILQ_EMPTY(&c->waiters)) {
            set_remove_climb(c, &none);
            dead = c;
        }
    }
    pthread_mutex_unlock(&s->lock);
    if (dead) {
        ladder_cancel(dead);
        climb_unref(dead);
    }
    free(w);
    return w != NULL;
}

int
crc_put(struct crc_set *s, size_t member, uint32_t value, bool replace)
{
    struct crc_waiters w = STAILQ_HEAD_INITIALIZER(w);
    struct climb *c;
    uint32_t old = 0;
    bool known;

    pthread_mutex_lock(&s->lock);
    known = crc_peek(s, member, &old);
    if (known && (old == value || !replace)) {
        pthread_mutex_unlock(&s->lock);
        return old == value ? 0 : -EILSEQ;
    }
    set_store(s, member, value, true);
    c = *climb_slot(s, member);
    if (c)
        set_remove_climb(c, &w);
    pthread_mutex_unlock(&s->lock);
    if (c) {
        crc_waiters_answer(&w, 0, value, NULL);
        ladder_cancel(c);
        climb_unref(c);
    }
    return 0;
}
