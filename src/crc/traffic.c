/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Values on their way from and to the store, in the background.  Must not
 * know rungs.
 */
#include "crc/impl.h"

/* ------------------------------------------------------------- to disk */

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

/* A row that finds no memory is not written: it will be learned again. */
void
set_mark_dirty(struct crc_set *s, size_t member)
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

static bool
member_id(const struct crc_set *s, size_t i, uint8_t out[16])
{
    const struct zip_member *m = set_member(s, i);
    const struct crcs_of of = {
        .endpoint = s3_endpoint_id(s->crc->s3),
        .bucket = s->layout->bucket,
        .key = m->key,
        .key_len = m->key_len,
        .etag = m->etag,
        .etag_len = m->etag_len,
        .size = m->size,
    };

    return crcs_id(&of, out);
}

/* Takes the dirty members of one set; they are written without its lock. */
static void
flush_set(struct crc_set *s)
{
    CLEANUP_FREE uint32_t *dirty = NULL;
    CLEANUP_FREE struct crcs_row *row = NULL;
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
        k += member_id(s, dirty[i], row[k].id);
    }
    if (k)
        crcs_save(s->crc->values, row, k);
}

/* One at a time: who comes second finds written what the first one took. */
void
crc_flush(struct crc *c)
{
    LOCK_SCOPE(&c->flushing);
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

/* ----------------------------------------------------------- from disk */

static void
found_row(struct crc_set *s, size_t i, uint32_t v)
{
    LOCK_SCOPE(&s->lock);

    /* What was learned since is newer. */
    if (bit_get(s->known, i))
        return;
    set_store(s, i, v, false);
    atomic_fetch_add(&s->crc->from_store, 1);
}

/* Without memory they are learned again. */
static void
load_members(struct crc_set *s, size_t first, size_t n)
{
    CLEANUP_FREE struct crcs_row *row = calloc(n, sizeof(*row));
    CLEANUP_FREE uint32_t *member = calloc(n, sizeof(*member));
    size_t i, k = 0;

    if (!row || !member)
        return;
    for (i = first; i < first + n; i++) {
        member[k] = (uint32_t)i;
        k += set_member(s, i)->size > 0 && member_id(s, i, row[k].id);
    }
    crcs_load(s->crc->values, row, k);
    for (i = 0; i < k; i++)
        if (row[i].known)
            found_row(s, member[i], row[i].value);
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
    load_members(s, s->loaded, n);
    set_loaded_to(s, s->loaded + n);
    if (s->loaded < s->count)
        net_work(s->crc->net, load_work, s);
    else
        crc_set_unref(s);
}

void
set_load(struct crc_set *s)
{
    net_work(s->crc->net, load_work, crc_set_ref(s));
}
