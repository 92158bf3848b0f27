/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A member by several ranges side by side, of which only the CRCs are
 * kept.  Must not know where the CRC of a range comes from.
 */
#include "crc/impl.h"

#include <errno.h>

void
ranges_free(struct ranges *rs)
{
    free(rs);
}

static uint64_t
range_length(const struct climb *c, size_t i)
{
    uint64_t size = set_member(c->set, c->member)->size;

    return min_u64(c->ranges->size, size - i * c->ranges->size);
}

/* With set->lock. */
static struct range *
take_range(struct climb *c)
{
    struct ranges *rs = c->ranges;
    struct range *g = rs->range;

    if (c->gone || rs->r < 0 || rs->next == rs->count ||
        rs->running == CRC_RANGES)
        return NULL;
    while (g->used)
        g++;
    *g = (struct range){
        .climb = c,
        .index = rs->next,
        .first = rs->next * rs->size,
        .length = range_length(c, rs->next),
        .used = true,
    };
    rs->next++;
    rs->running++;
    return g;
}

static void
over(struct climb *c)
{
    struct ranges *rs = c->ranges;
    uint32_t v = 0;
    int r = rs->r;
    size_t i;

    if (r == 0 && rs->next < rs->count)
        r = -ECANCELED; /* nobody waits */
    for (i = 0; r == 0 && i < rs->count; i++)
        v = crc_join(v, rs->crc[i], range_length(c, i));
    rs->by->over(c, r, v, &rs->err);
}

/* One thread at a time starts ranges, since a call may answer before it
 * returns; whoever finds nothing running and nothing to start ends it.
 * rung: a late thread must not touch the ranges of the next rung. */
static void
more(struct climb *c, enum climb_rung rung)
{
    struct crc_set *s = c->set;
    struct ranges *rs;
    struct range *g;
    bool ends;
    s3_id id;

    pthread_mutex_lock(&s->lock);
    rs = c->ranges;
    if (c->rung != rung || rs->busy) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    rs->busy = true;
    while ((g = take_range(c))) {
        size_t index = g->index;

        pthread_mutex_unlock(&s->lock);
        id = rs->by->start(c, g);
        pthread_mutex_lock(&s->lock);
        if (!g->used || g->index != index)
            continue; /* answered already */
        g->call = id;
        if ((!c->gone || rung != RUNG_READ) && rs->r == 0)
            continue;
        pthread_mutex_unlock(&s->lock);
        s3_cancel(s->crc->s3, id);
        pthread_mutex_lock(&s->lock);
    }
    rs->busy = false;
    ends = rs->running == 0 && !rs->ended;
    rs->ended |= ends;
    pthread_mutex_unlock(&s->lock);
    if (ends)
        over(c);
}

/* With set->lock. */
static int
calls(const struct ranges *rs, s3_id id[CRC_RANGES])
{
    int i, n = 0;

    for (i = 0; rs && i < CRC_RANGES; i++)
        if (rs->range[i].used && rs->range[i].call)
            id[n++] = rs->range[i].call;
    return n;
}

static void
cancel(struct crc *crc, const s3_id *id, int n)
{
    while (n-- > 0)
        s3_cancel(crc->s3, id[n]);
}

void
ranges_done(struct range *g, int r, const struct err *e)
{
    struct climb *c = g->climb;
    struct ranges *rs = c->ranges;
    struct crc *crc = c->set->crc;
    s3_id id[CRC_RANGES];
    enum climb_rung rung;
    int n = 0;

    pthread_mutex_lock(&c->set->lock);
    c->refs++; /* another thread may end it meanwhile */
    rung = c->rung;
    rs->crc[g->index] = g->crc;
    g->used = false;
    g->call = 0;
    rs->running--;
    if (r < 0 && rs->r == 0) {
        rs->r = r;
        rs->err = *e;
        n = calls(rs, id);
    }
    pthread_mutex_unlock(&c->set->lock);
    cancel(crc, id, n);
    more(c, rung);
    climb_unref(c);
}

void
ranges_cancel(struct climb *c)
{
    s3_id id[CRC_RANGES];
    int n;

    pthread_mutex_lock(&c->set->lock);
    n = calls(c->ranges, id);
    pthread_mutex_unlock(&c->set->lock);
    cancel(c->set->crc, id, n);
}

int
ranges_begin(struct climb *c, const struct ranges_by *by, uint64_t size)
{
    uint64_t all = set_member(c->set, c->member)->size;
    size_t count = ceil_div_u64(all, size);
    struct ranges *rs = calloc(1, sizeof(*rs) + count * sizeof(uint32_t));
    struct ranges *old;
    enum climb_rung rung;

    if (!rs)
        return -ENOMEM;
    rs->by = by;
    rs->size = size;
    rs->count = count;
    pthread_mutex_lock(&c->set->lock);
    old = c->ranges;
    c->ranges = rs;
    rung = c->rung;
    pthread_mutex_unlock(&c->set->lock);
    ranges_free(old);
    more(c, rung);
    return 0;
}
