/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Rung 4: read the member, by several ranges side by side, keep nothing
 * but their CRCs.  Must not know the other rungs.
 */
#include "crc/impl.h"

#include <errno.h>

#include "base/crc32.h"

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

static void
on_done(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct range *g = user;
    struct climb *c = g->climb;
    struct err words = {0};
    int r = 0;

    (void)o;
    if (e->err < 0)
        r = ladder_error(c->set, c->member, "GET", e, &words);
    ranges_done(g, r, &words);
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

    if (g->length == m->size) {
        args.expect = m->size;
    } else {
        args.first = g->first;
        args.length = g->length;
    }
    return s3_get(c->set->crc->s3, &args, on_done, g);
}

static void
on_over(struct climb *c, int r, uint32_t v, const struct err *e)
{
    struct crc_set *s = c->set;

    if (r == 0) {
        bit_set(s->was_read, c->member);
        atomic_fetch_add(&s->crc->from_read, 1);
    }
    ladder_finish(c, r, v, e);
}

void
rung_read(struct climb *c)
{
    static const struct ranges_by by = {get_range, on_over};
    struct err e = {0};

    if (ranges_begin(c, &by, CRC_RANGE) == 0)
        return;
    err_set(&e, ENOMEM, "out of memory");
    ladder_finish(c, -ENOMEM, 0, &e);
}
