/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A layout that is being read: its units, its recent failures, and the
 * CRCs of large members that are asked for when it is opened.
 */
#include "read/impl.h"

#include <errno.h>

int
reader_open(struct reader **ret, struct read_pool *p, struct layout *l,
            struct crc_set *crcs)
{
    struct reader *r = calloc(1, sizeof(*r));

    if (!r || !(r->check = check_new())) {
        free(r);
        return -ENOMEM;
    }
    r->refs = 1;
    r->pool = pool_ref(p);
    r->layout = layout_ref(l);
    r->crcs = crc_set_ref(crcs);
    LIST_INIT(&r->units);
    pthread_mutex_init(&r->warm_lock, NULL);
    *ret = r;
    return 0;
}

struct reader *
reader_ref(struct reader *r)
{
    LOCK_SCOPE(&r->pool->lock);

    r->refs++;
    return r;
}

static void
drop_units(struct reader *r)
{
    struct unit *u;

    while ((u = LIST_FIRST(&r->units))) {
        unit_forget(u);
        unit_maybe_free(u);
    }
}

void
reader_unref(struct reader *r)
{
    struct read_pool *p;
    bool last;

    if (!r)
        return;
    p = r->pool;
    pthread_mutex_lock(&p->lock);
    last = --r->refs == 0;
    if (last)
        drop_units(r); /* nothing is in flight: that would hold us */
    pthread_mutex_unlock(&p->lock);
    if (!last)
        return;
    check_free(r->check);
    crc_set_unref(r->crcs);
    layout_unref(r->layout);
    pthread_mutex_destroy(&r->warm_lock);
    free(r);
    pool_unref(p);
}

struct layout *
reader_layout(struct reader *r)
{
    return r->layout;
}

struct crc_set *
reader_crcs(struct reader *r)
{
    return r->crcs;
}

/* ------------------------------------------------------------- failures */

void
reader_remember(struct reader *r, size_t member, uint64_t first, uint64_t end,
                const struct err *e)
{
    struct fail *f = &r->fail[r->next_fail++ % READ_FAILS];

    f->member = member;
    f->first = first;
    f->end = end;
    f->ms = net_now_ms();
    f->opens = r->opens;
    f->err = *e;
}

int
reader_failed(struct read_stream *s, size_t member, uint64_t first,
              uint64_t end, struct err *ret)
{
    uint64_t now = net_now_ms();
    const struct fail *f;
    int i;

    for (i = 0; i < READ_FAILS; i++) {
        f = &s->reader->fail[i];
        if (!f->err.num || f->member != member || f->opens < s->opened ||
            now - f->ms >= READ_FAIL_MS)
            continue;
        if (end ? first >= f->end || f->first >= end : f->end != 0)
            continue;
        *ret = f->err;
        return -f->err.num;
    }
    return 0;
}

/* -------------------------------------------------------------- warming */

static void
on_warm(void *user, int r, uint32_t value, const struct err *e)
{
    struct reader *rd = user;

    (void)r; /* a read that needs it asks again and hears why */
    (void)value;
    (void)e;
    pthread_mutex_lock(&rd->warm_lock);
    rd->warm_running--;
    pthread_mutex_unlock(&rd->warm_lock);
    reader_warm(rd);
    reader_unref(rd);
}

/* With warm_lock. */
static bool
next_large(struct reader *r, size_t *ret)
{
    const struct zip_layout *l = &r->layout->zip;
    uint32_t v;

    for (; r->warm_next < l->count; r->warm_next++) {
        if (l->member[r->warm_next].size <= READ_UNIT ||
            crc_peek(r->crcs, r->warm_next, &v))
            continue;
        *ret = r->warm_next++;
        return true;
    }
    return false;
}

/* With a twin no CRC is needed. */
static bool
is_cold(struct reader *r)
{
    LOCK_SCOPE(&r->pool->lock);

    return r->streams > 0 && !r->twin;
}

/* A few at a time, while somebody has it open.  One thread at a time: a
 * call may answer before it returns. */
void
reader_warm(struct reader *r)
{
    size_t member;

    pthread_mutex_lock(&r->warm_lock);
    if (r->warm_busy) {
        pthread_mutex_unlock(&r->warm_lock);
        return;
    }
    r->warm_busy = true;
    while (r->warm_running < READ_WARM && is_cold(r) &&
           next_large(r, &member)) {
        r->warm_running++;
        pthread_mutex_unlock(&r->warm_lock);
        crc_get(r->crcs, member, CRC_CHEAP, on_warm, reader_ref(r));
        pthread_mutex_lock(&r->warm_lock);
    }
    r->warm_busy = false;
    pthread_mutex_unlock(&r->warm_lock);
}
