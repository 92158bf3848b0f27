/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The CRCs of one layout: made, shared, given back.  Must not know values,
 * climbs or the store.
 */
#include "crc/impl.h"

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
    s->copies = calloc(words, sizeof(*s->known));
    s->buckets = 64;
    s->bucket = calloc(s->buckets, sizeof(struct climb *));
    if (!s->value || !s->known || !s->no_cheap || !s->was_read || !s->copies ||
        !s->bucket) {
        free(s->value);
        free(s->known);
        free(s->no_cheap);
        free(s->was_read);
        free(s->copies);
        free(s->bucket);
        free(s);
        return NULL;
    }
    s->refs = 1;
    s->count = n;
    s->crc = crc_ref(c);
    s->layout = layout_ref(l);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->more, NULL);
    return s;
}

static void
set_free(struct crc_set *s)
{
    atomic_fetch_sub(&s->crc->known, atomic_load(&s->known_count));
    layout_unref(s->layout);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->more);
    free(s->value);
    free(s->known);
    free(s->no_cheap);
    free(s->was_read);
    free(s->copies);
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

/* With crc->lock. */
static struct crc_set *
find_set(struct crc *c, const struct layout *l)
{
    struct crc_set *s;

    LIST_FOREACH(s, &c->sets, link)
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
    set_load(s);
    return s;
}

bool
crc_set_loaded(struct crc_set *s)
{
    LOCK_SCOPE(&s->lock);

    return s->loaded == s->count;
}

void
crc_set_wait(struct crc_set *s)
{
    LOCK_SCOPE(&s->lock);

    while (s->loaded < s->count)
        pthread_cond_wait(&s->more, &s->lock);
}
