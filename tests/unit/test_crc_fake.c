/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The store of test_crc_fake.h: its objects, their layout (index.h), its
 * start and end, and what a test asks or tells it.
 */
#include "test_crc_fake_in.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* ------------------------------------------------------------- index.h */

struct layout *
layout_ref(struct layout *l)
{
    atomic_fetch_add(&l->refs, 1);
    return l;
}

void
layout_unref(struct layout *l)
{
    if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
        return;
    zip_layout_free(&l->zip);
    free(l->member);
    free(l);
}

void
layout_set_stale(struct layout *l, size_t member)
{
    atomic_store(&l->stale_member, (uint32_t)member);
    atomic_store(&l->stale, true);
}

struct layout *
fake_layout(struct fake *f, enum zip_hint hint)
{
    struct layout *l = calloc(1, sizeof(*l));
    struct s3 *s = f->s3;
    size_t i;

    atomic_init(&l->refs, 1);
    l->bucket = (char *)"b";
    l->prefix = (char *)"";
    l->member = calloc(s->count + 1, sizeof(*l->member));
    for (i = 0; i < s->count; i++) {
        struct fake_object *o = s->object[i];

        l->member[i] = (struct zip_member){
            .key = o->key,
            .name = o->key,
            .etag = o->etag,
            .size = o->size,
            .mtime = 1700000000 + i,
            .key_len = strlen(o->key),
            .name_len = strlen(o->key),
            .etag_len = strlen(o->etag),
            .hint = hint,
        };
    }
    assert(zip_layout_init(&l->zip, l->member, s->count) == 0);
    return l;
}

/* ---------------------------------------------------------------- fake */

void
fake_start(struct fake *f, unsigned threads, unsigned max_delay_us)
{
    f->s3 = calloc(1, sizeof(*f->s3));
    f->net = fake_net_new();
    fake_s3_start(f->s3, threads, max_delay_us);
}

void
fake_stop(struct fake *f)
{
    struct s3 *s = f->s3;
    size_t i;

    fake_s3_stop(s);
    fake_net_free(f->net);
    for (i = 0; i < s->count; i++)
        free(s->object[i]);
    fake_uploads_free(s->uploads);
    free(s);
}

struct fake_object *
fake_add(struct fake *f, const char *key, uint64_t size, enum fake_crc crc)
{
    struct fake_object *o = calloc(1, sizeof(*o));

    snprintf(o->key, sizeof(o->key), "%s", key);
    snprintf(o->etag, sizeof(o->etag), "etag-%zu", f->s3->count);
    o->size = size;
    o->seed = f->s3->count + 1;
    o->crc = crc;
    f->s3->object[f->s3->count++] = o;
    return o;
}

struct fake_object *
fake_find(struct s3 *s, const char *key)
{
    size_t i;

    for (i = 0; i < s->count; i++)
        if (!strcmp(s->object[i]->key, key))
            return s->object[i];
    abort();
}

struct fake_uploads **
fake_uploads_at(struct s3 *s)
{
    return &s->uploads;
}

unsigned
fake_running(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);
    unsigned n = f->s3->nrunning;
    struct job *j;

    TAILQ_FOREACH(j, &f->s3->queue, link)
        n++;
    TAILQ_FOREACH(j, &f->s3->parked, link)
        n++;
    return n;
}

unsigned
fake_most(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);

    return f->s3->most;
}

void
fake_no_attributes(struct fake *f, int http)
{
    f->s3->no_attributes = http;
}

void
fake_hold(struct fake *f, bool hold)
{
    LOCK_SCOPE(&f->s3->lock);

    f->s3->hold = hold;
    pthread_cond_broadcast(&f->s3->cond);
}

uint64_t
fake_cancelled(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);

    return f->s3->cancelled;
}

uint64_t
fake_unguarded(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);

    return f->s3->unguarded;
}

unsigned
fake_paused(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);

    return f->s3->paused;
}

unsigned
fake_stuck(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);

    return f->s3->stuck;
}

unsigned
fake_fresh(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);

    return f->s3->fresh;
}

void
fake_p99(struct fake *f, uint32_t ms)
{
    LOCK_SCOPE(&f->s3->lock);

    f->s3->p99 = ms;
}
