/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The one judge of plans: whatever made it, is it right?  Shares nothing
 * with the makers.
 *
 * Objects are checked in their order and copy from earlier ones only, so
 * there are no cycles, and a right copy of a right object is right.
 */
#include "plan/internal.h"

#include <errno.h>
#include <string.h>

typedef unsigned long long ull;

struct checker {
    const struct plan *p;
    const struct zip_layout *l, *previous;
    const struct plan_limits *lim;
    size_t upload; /* that is looked at */
    size_t part;
    struct err *e;
};

static int
wrong(const struct checker *c, const char *what)
{
    return err_set(c->e, EINVAL, "plan %s: upload %zu of %zu, part %zu: %s",
                   plan_strategy_name(c->p->strategy), c->upload + 1,
                   c->p->scratches + 1, c->part + 1, what);
}

/* A range is copied only from a source of more than the floor (S3:
 * InvalidRequest); a smaller one is copied whole or not at all. */
static int
check_range(const struct checker *c, const struct plan_part *p, uint64_t size)
{
    uint64_t len = plan_part_len(p);

    if (p->from > size || len > size - p->from)
        return wrong(c, "beyond its source");
    return len < size && size <= c->lim->part_min
               ? wrong(c, "a range of a source that is too small")
               : 0;
}

static int
check_member(const struct checker *c, const struct plan_part *p)
{
    uint64_t data;
    int r;

    if (p->member >= c->l->count)
        return wrong(c, "no such member");
    data = zip_data_offset(c->l, p->member);
    r = check_range(c, p, c->l->member[p->member].size);
    if (r < 0)
        return r;
    if (p->end > p->first &&
        (p->first < data || p->from + p->pad != p->first - data))
        return wrong(c, "other bytes of the member");
    return 0;
}

static int
check_scratch(const struct checker *c, const struct plan_part *p)
{
    const struct plan_upload *u;
    int r;

    if (p->scratch >= c->p->scratches || p->scratch >= c->upload)
        return wrong(c, "a scratch object that is not there yet");
    u = &c->p->scratch[p->scratch];
    r = check_range(c, p, u->pad + (u->end - u->first));
    if (r < 0)
        return r;
    if (p->end == p->first)
        return 0;
    if (p->first < u->first || p->from + p->pad < u->pad ||
        p->from + p->pad - u->pad != p->first - u->first)
        return wrong(c, "other bytes of the scratch object");
    return 0;
}

static bool
same_member(const struct zip_member *a, const struct zip_member *b)
{
    return a->size == b->size && a->mtime == b->mtime &&
           zip_member_name_cmp(a, b) == 0 && a->etag_len == b->etag_len &&
           memcmp(a->etag, b->etag, a->etag_len) == 0;
}

/* Is the record or body x of the archive at from in the previous one? */
static bool
same_piece(const struct checker *c, const struct zip_piece *x, uint64_t offset,
           uint64_t from)
{
    struct zip_piece y;

    zip_piece_at(c->previous, from, &y);
    if (y.kind != x->kind || x->kind > ZIP_PIECE_DATA ||
        offset - x->first != from - y.first ||
        x->end - x->first != y.end - y.first)
        return false;
    if (!same_member(&c->l->member[x->index], &c->previous->member[y.index]))
        return false;
    /* "Version needed" of a local header depends on its offset. */
    return x->kind == ZIP_PIECE_DATA ||
           (x->first >= UINT32_MAX) == (y.first >= UINT32_MAX);
}

static int
check_previous(const struct checker *c, const struct plan_part *p)
{
    uint64_t at = p->first;
    struct zip_piece x;
    int r;

    if (!c->previous)
        return wrong(c, "there is no previous archive");
    if (p->pad > 0)
        return wrong(c, "a pad of the previous archive");
    r = check_range(c, p, c->previous->size);
    if (r < 0)
        return r;
    zip_piece_at(c->l, at, &x);
    while (at < p->end) {
        if (!same_piece(c, &x, at, p->from + (at - p->first)))
            return wrong(c, "other bytes of the previous archive");
        at = x.end;
        if (!zip_piece_next(c->l, &x))
            break;
    }
    return 0;
}

static int
check_part(const struct checker *c, const struct plan_part *p, bool last)
{
    uint64_t len;

    if (p->end < p->first || p->end > c->l->size)
        return wrong(c, "not a range of the archive");
    len = plan_part_len(p);
    if (len == 0)
        return wrong(c, "empty");
    if (len < c->lim->part_min && !last)
        return wrong(c, "below the floor");
    if (len > c->lim->part_max)
        return wrong(c, "too large");
    if (p->pad > 0 && c->part > 0)
        return wrong(c, "a pad inside an object");
    switch (p->kind) {
    case PLAN_UPLOAD:
        return p->pad ? wrong(c, "an uploaded pad") : 0;
    case PLAN_COPY:
        return check_member(c, p);
    case PLAN_COPY_SCRATCH:
        return check_scratch(c, p);
    case PLAN_COPY_PREVIOUS:
        return check_previous(c, p);
    }
    return wrong(c, "unknown kind");
}

/* Parts tile [first, end) behind pad bytes. */
static int
check_upload(struct checker *c, uint64_t pad, uint64_t first, uint64_t end)
{
    size_t n;
    const struct plan_part *p = plan_upload_parts(c->p, c->upload, &n);
    uint64_t at = first;
    int r;

    c->part = 0;
    if (n < 1 || n > c->lim->parts_max)
        return wrong(c, "number of parts");
    if (p[0].pad != pad)
        return wrong(c, "pad");
    for (; c->part < n; c->part++) {
        const struct plan_part *q = &p[c->part];

        if (q->first != at)
            return wrong(c, "a gap or an overlap");
        r = check_part(c, q, c->part + 1 == n);
        if (r < 0)
            return r;
        at = q->end;
    }
    c->part = n - 1;
    if (at != end)
        return wrong(c, "does not reach the end");
    return pad + (end - first) > c->lim->object_max ? wrong(c, "object size")
                                                    : 0;
}

static uint32_t
depth_of(const struct checker *c)
{
    uint32_t depth = 0;
    size_t n, i;
    const struct plan_part *p = plan_upload_parts(c->p, c->upload, &n);

    for (i = 0; i < n; i++)
        if (p[i].kind == PLAN_COPY_SCRATCH &&
            c->p->scratch[p[i].scratch].depth > depth)
            depth = c->p->scratch[p[i].scratch].depth;
    return depth + 1;
}

int
plan_check(const struct plan *p, const struct zip_layout *l,
           const struct plan_limits *lim, const struct zip_layout *previous,
           struct err *e)
{
    struct checker c = {
        .p = p, .l = l, .previous = previous, .lim = lim, .e = e};
    uint64_t scratch = 0;
    int r;

    for (; c.upload < p->scratches; c.upload++) {
        const struct plan_upload *u = &p->scratch[c.upload];

        r = check_upload(&c, u->pad, u->first, u->end);
        if (r < 0)
            return r;
        if (u->depth != depth_of(&c))
            return wrong(&c, "uploads in sequence");
        scratch += u->pad + (u->end - u->first);
    }
    r = check_upload(&c, 0, 0, l->size);
    if (r < 0)
        return r;
    if (p->sequence != depth_of(&c))
        return wrong(&c, "uploads in sequence");
    return p->totals.scratch != scratch ? wrong(&c, "scratch bytes") : 0;
}
