/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Rung 4: read the member, by several ranges side by side, keep nothing
 * but their CRCs.  Must not know the other rungs.
 */
#include "crc/impl.h"

#include <errno.h>

#include "base/crc32.h"

struct range {
    struct climb *climb;
    s3_id call;
    size_t index;
    uint64_t length;
    uint32_t crc;
    bool used, differs;
};

/* Fields under set->lock but range[].crc, which belongs to the call. */
struct reading {
    struct range range[CRC_READ_RANGES];
    size_t next, count; /* ranges of the member */
    unsigned running;
    bool busy;          /* a thread is starting ranges */
    bool ended;
    int r;              /* first trouble */
    struct err err;
    uint32_t crc[];     /* of each range */
};

void
rung_read_free(struct reading *rd)
{
    free(rd);
}

static uint64_t
range_length(uint64_t size, size_t i)
{
    return min_u64(CRC_RANGE, size - i * CRC_RANGE);
}

static void
on_object(void *user, const struct s3_object *o)
{
    struct range *g = user;
    struct climb *c = g->climb;

    g->differs = ladder_differs(set_member(c->set, c->member), o);
}

static int
on_data(void *user, const void *p, size_t n)
{
    struct range *g = user;

    if (g->differs)
        return -ESTALE;
    g->crc = crc32_add(g->crc, p, n);
    return 0;
}

static void read_more(struct climb *c);

static void
on_done(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct range *g = user;
    struct climb *c = g->climb;
    struct reading *rd = c->reading;
    struct err words = {0};
    int r = 0;

    (void)o;
    if (e->err < 0)
        r = ladder_error(c->set, c->member, "GET", e, &words);
    pthread_mutex_lock(&c->set->lock);
    c->refs++; /* another thread may end it meanwhile */
    rd->crc[g->index] = g->crc;
    g->used = false;
    g->call = 0;
    rd->running--;
    if (r < 0 && rd->r == 0) {
        rd->r = r;
        rd->err = words;
    }
    pthread_mutex_unlock(&c->set->lock);
    if (r < 0)
        rung_read_cancel(c);
    read_more(c);
    climb_unref(c);
}

/* With set->lock. */
static struct range *
take_range(struct climb *c)
{
    struct reading *rd = c->reading;
    uint64_t size = set_member(c->set, c->member)->size;
    struct range *g = rd->range;

    if (c->gone || rd->r < 0 || rd->next == rd->count ||
        rd->running == CRC_READ_RANGES)
        return NULL;
    while (g->used)
        g++;
    *g = (struct range){
        .climb = c,
        .index = rd->next,
        .length = range_length(size, rd->next),
        .crc = 0,
        .used = true,
    };
    rd->next++;
    rd->running++;
    return g;
}

static s3_id
get_range(struct climb *c, struct range *g)
{
    const struct zip_member *m = set_member(c->set, c->member);
    struct s3_get_args args = {
        .at = {c->set->layout->bucket, m->key, m->key_len, false},
        .etag = m->etag,
        .on_object = on_object,
        .on_data = on_data,
    };

    if (c->reading->count == 1) {
        args.expect = m->size;
    } else {
        args.first = g->index * CRC_RANGE;
        args.length = g->length;
    }
    return s3_get(c->set->crc->s3, &args, on_done, g);
}

static void
end(struct climb *c)
{
    struct reading *rd = c->reading;
    struct crc_set *s = c->set;
    uint64_t size = set_member(s, c->member)->size;
    uint32_t v = 0;
    size_t i;

    if (rd->r < 0 || rd->next < rd->count) { /* failed, or nobody waits */
        ladder_finish(c, rd->r < 0 ? rd->r : -ECANCELED, 0, &rd->err);
        return;
    }
    for (i = 0; i < rd->count; i++)
        v = crc_join(v, rd->crc[i], range_length(size, i));
    bit_set(s->was_read, c->member);
    atomic_fetch_add(&s->crc->from_read, 1);
    ladder_finish(c, 0, v, NULL);
}

/* One thread at a time starts ranges, since a call may answer before it
 * returns; whoever finds nothing running and nothing to start ends it. */
static void
read_more(struct climb *c)
{
    struct crc_set *s = c->set;
    struct reading *rd = c->reading;
    struct range *g;
    bool over;
    s3_id id;

    pthread_mutex_lock(&s->lock);
    if (rd->busy) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    rd->busy = true;
    while ((g = take_range(c))) {
        size_t index = g->index;

        pthread_mutex_unlock(&s->lock);
        id = get_range(c, g);
        pthread_mutex_lock(&s->lock);
        if (!g->used || g->index != index)
            continue; /* answered already */
        g->call = id;
        if (!c->gone && rd->r == 0)
            continue;
        pthread_mutex_unlock(&s->lock);
        s3_cancel(s->crc->s3, id);
        pthread_mutex_lock(&s->lock);
    }
    rd->busy = false;
    over = rd->running == 0 && !rd->ended;
    rd->ended |= over;
    pthread_mutex_unlock(&s->lock);
    if (over)
        end(c);
}

void
rung_read_cancel(struct climb *c)
{
    s3_id id[CRC_READ_RANGES];
    struct reading *rd;
    int i, n = 0;

    pthread_mutex_lock(&c->set->lock);
    rd = c->reading;
    for (i = 0; rd && i < CRC_READ_RANGES; i++)
        if (rd->range[i].used && rd->range[i].call)
            id[n++] = rd->range[i].call;
    pthread_mutex_unlock(&c->set->lock);
    for (i = 0; i < n; i++)
        s3_cancel(c->set->crc->s3, id[i]);
}

void
rung_read(struct climb *c)
{
    uint64_t size = set_member(c->set, c->member)->size;
    size_t count = ceil_div_u64(size, CRC_RANGE);
    struct reading *rd = calloc(1, sizeof(*rd) + count * sizeof(uint32_t));
    struct err e = {0};

    if (!rd) {
        err_set(&e, ENOMEM, "out of memory");
        ladder_finish(c, -ENOMEM, 0, &e);
        return;
    }
    rd->count = count;
    pthread_mutex_lock(&c->set->lock);
    c->reading = rd;
    pthread_mutex_unlock(&c->set->lock);
    read_more(c);
}
