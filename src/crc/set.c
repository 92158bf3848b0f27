/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The CRCs of one layout: values, who waits for which, and their way from
 * and to the store.  Must not know how a rung asks.
 */
#include "crc/impl.h"

#include <errno.h>
#include <string.h>

static struct crc_set *
set_alloc(struct crc *c, struct layout *l)
{
    struct crc_set *s = calloc(1, sizeof(*s));
    size_t n = l->zip.count, words = n / 64 + 1;

    if (!s)
        return NULL;
    s->value = calloc(n ? n : 1, sizeof(*s->value));
    s->known = calloc(words, sizeof(*s->known));
    s->no_cheap = calloc(words, sizeof(*s->known));
    s->was_read = calloc(words, sizeof(*s->known));
    s->buckets = 64;
    s->bucket = calloc(s->buckets, sizeof(struct climb *));
    if (!s->value || !s->known || !s->no_cheap || !s->was_read ||
        !s->bucket) {
        free(s->value);
        free(s->known);
        free(s->no_cheap);
        free(s->was_read);
        free(s->bucket);
        free(s);
        return NULL;
    }
    s->refs = 1;
    s->count = n;
    s->crc = crc_ref(c);
    s->layout = layout_ref(l);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static void
set_free(struct crc_set *s)
{
    atomic_fetch_sub(&s->crc->known, atomic_load(&s->known_count));
    layout_unref(s->layout);
    pthread_mutex_destroy(&s->lock);
    free(s->value);
    free(s->known);
    free(s->no_cheap);
    free(s->was_read);
    free(s->bucket);
    free(s->dirty);
    crc_unref(s->crc);
    free(s);
}

struct crc_set *
crc_set_ref(struct crc_set *s)
{
    LOCK_SCOPE(&s->crc->lock);

    s->refs++;
    return s;
}

void
crc_set_unref(struct crc_set *s)
{
    bool last;

    if (!s)
        return;
    pthread_mutex_lock(&s->crc->lock);
    last = --s->refs == 0;
    if (last)
        LIST_REMOVE(s, link);
    pthread_mutex_unlock(&s->crc->lock);
    if (last)
        set_free(s);
}

/* ------------------------------------------------------------- waiters */

void
crc_waiters_answer(struct crc_waiters *w, int r, uint32_t v, const struct err *e)
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
    rung_read_free(c->reading);
    free(c);
    crc_set_unref(s);
}

/* -------------------------------------------------------------- values */

bool
crc_peek(struct crc_set *s, size_t member, uint32_t *ret)
{
    if (set_member(s, member)->size == 0) {
        *ret = 0;
        return true;
    }
    if (!bit_get(s->known, member))
        return false;
    *ret = atomic_load_explicit(&s->value[member], memory_order_relaxed);
    return true;
}

size_t
crc_known(struct crc_set *s)
{
    return atomic_load(&s->known_count);
}

bool
crc_was_read(struct crc_set *s, size_t member)
{
    return bit_get(s->was_read, member);
}

static void
flush_work(void *user)
{
    struct crc *c = user;

    crc_flush(c);
    crc_unref(c);
}

static void
flush_timer(void *user)
{
    struct crc *c = user;

    pthread_mutex_lock(&c->lock);
    c->flush_due = false;
    pthread_mutex_unlock(&c->lock);
    net_work(c->net, flush_work, c);
}

/* With set->lock: have the set flushed soon. */
static void
list_dirty(struct crc_set *s)
{
    struct crc *c = s->crc;
    bool timer = false;

    pthread_mutex_lock(&c->lock);
    if (!c->closed) {
        s->dirty_listed = true;
        s->refs++;
        STAILQ_INSERT_TAIL(&c->dirty, s, dirty_link);
        timer = !c->flush_due;
        c->flush_due = true;
    }
    pthread_mutex_unlock(&c->lock);
    if (timer)
        net_timer(c->net, CRC_FLUSH_MS, flush_timer, crc_ref(c));
}

/* With set->lock.  A row that finds no memory is not written: it will be
 * learned again. */
static void
mark_dirty(struct crc_set *s, size_t member)
{
    size_t cap = s->dirty_cap ? s->dirty_cap * 2 : 64;
    void *p;

    if (!s->dirty_listed)
        list_dirty(s);
    if (!s->dirty_listed)
        return; /* closed */
    if (s->dirty_count == s->dirty_cap) {
        p = realloc(s->dirty, cap * sizeof(*s->dirty));
        if (!p)
            return;
        s->dirty = p;
        s->dirty_cap = cap;
    }
    s->dirty[s->dirty_count++] = (uint32_t)member;
}

void
set_store(struct crc_set *s, size_t member, uint32_t v, bool write)
{
    atomic_store_explicit(&s->value[member], v, memory_order_relaxed);
    if (!bit_set(s->known, member)) {
        atomic_fetch_add(&s->known_count, 1);
        atomic_fetch_add(&s->crc->known, 1);
    }
    if (write && set_member(s, member)->etag_len)
        mark_dirty(s, member);
}

/* --------------------------------------------------- from and to disk */

/* Takes the dirty members of one set; they are written without its lock. */
static void
flush_set(struct crc_set *s)
{
    CLEANUP_FREE uint32_t *dirty = NULL;
    CLEANUP_FREE struct store_row *row = NULL;
    struct store *st = &s->crc->store;
    size_t n, i, k = 0;

    pthread_mutex_lock(&s->lock);
    dirty = STEAL(s->dirty);
    n = s->dirty_count;
    s->dirty_count = s->dirty_cap = 0;
    s->dirty_listed = false;
    pthread_mutex_unlock(&s->lock);
    row = calloc(n ? n : 1, sizeof(*row));
    for (i = 0; row && i < n; i++) {
        row[k].value = atomic_load(&s->value[dirty[i]]);
        if (store_id(st, s->layout->bucket, set_member(s, dirty[i]),
                     row[k].id))
            k++;
    }
    if (k)
        store_save(st, row, k);
}

void
crc_flush(struct crc *c)
{
    struct crc_set *s;

    for (;;) {
        pthread_mutex_lock(&c->lock);
        s = STAILQ_FIRST(&c->dirty);
        if (s)
            STAILQ_REMOVE_HEAD(&c->dirty, dirty_link);
        pthread_mutex_unlock(&c->lock);
        if (!s)
            return;
        flush_set(s);
        crc_set_unref(s);
    }
}

static void
found_row(void *user, size_t i, uint32_t v)
{
    struct crc_set *s = user;
    LOCK_SCOPE(&s->lock);

    /* What was learned since is newer. */
    if (bit_get(s->known, i))
        return;
    set_store(s, i, v, false);
    atomic_fetch_add(&s->crc->from_store, 1);
}

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

static void
loaded_to(struct crc_set *s, size_t end)
{
    struct climb *known = NULL, *c;
    struct crc_waiters w;
    uint32_t v;
    size_t i;

    pthread_mutex_lock(&s->lock);
    s->loaded = end;
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

/* One chunk; other background work gets its turn in between. */
static void
load_work(void *user)
{
    struct crc_set *s = user;
    size_t left = s->count - s->loaded;
    size_t n = left < CRC_LOAD_CHUNK ? left : CRC_LOAD_CHUNK;

    if (s->loaded == 0)
        crc_flush(s->crc); /* values of the layout before this one */
    store_load(&s->crc->store, s->layout, s->loaded, n, found_row, s);
    loaded_to(s, s->loaded + n);
    if (s->loaded < s->count)
        net_work(s->crc->net, load_work, s);
    else
        crc_set_unref(s);
}

/* With crc->lock. */
static struct crc_set *
find_set(struct crc *c, const struct layout *l)
{
    struct crc_set *s;

    LIST_FOREACH (s, &c->sets, link)
        if (s->layout == l)
            return s;
    return NULL;
}

struct crc_set *
crc_set_open(struct crc *c, struct layout *l)
{
    struct crc_set *s, *fresh = set_alloc(c, l);

    pthread_mutex_lock(&c->lock);
    s = find_set(c, l);
    if (s)
        s->refs++;
    else if ((s = fresh))
        LIST_INSERT_HEAD(&c->sets, s, link);
    pthread_mutex_unlock(&c->lock);
    if (s != fresh) {
        if (fresh)
            set_free(fresh);
        return s;
    }
    if (!s)
        return NULL;
    net_work(c->net, load_work, crc_set_ref(s));
    return s;
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
        (!ladder_has_cheap(s, member) || (c && c->rung == RUNG_READ)))
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
        err_set(&e, -r, "%s", r == -ENODATA ? "no CRC-32 is stored"
                                            : "out of memory");
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
        STAILQ_FOREACH (w, &c->waiters, link)
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
