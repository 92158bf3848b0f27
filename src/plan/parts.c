/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The parts of one multipart upload for a layout whose order is given.
 * Tiles the archive exactly; not part of the format.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

struct maker {
    const struct zip_layout *l;
    const struct plan_limits *lim;
    uint64_t cap; /* of upload parts, for this plan */
    struct plan_body *body;
    size_t bodies;
    struct plan_range *range;
    size_t ranges;
};

void
plan_free(struct plan *p)
{
    free(p->part);
    free(p->scratch);
    free(p->scratch_part);
    p->part = p->scratch_part = NULL;
    p->scratch = NULL;
    p->count = p->scratches = p->scratch_parts = 0;
}

uint64_t
plan_pieces(uint64_t len, uint64_t most, uint64_t floor)
{
    uint64_t n = ceil_div_u64(len, most);

    if (n > 1 && len / n < floor)
        n = max_u64(len / floor, 1);
    return n;
}

static uint64_t
copy_pieces(const struct maker *k, const struct plan_range *r, uint64_t most)
{
    return plan_pieces(r->end - r->first, most, k->lim->part_min);
}

/* Parts of the plan with the largest pieces allowed. */
static uint64_t
count_parts(const struct maker *k)
{
    uint64_t at = 0, sum = 0;
    size_t i;

    for (i = 0; i < k->ranges; i++) {
        const struct plan_range *r = &k->range[i];

        sum += plan_pieces(r->first - at, k->cap, k->lim->part_min);
        sum += copy_pieces(k, r, k->lim->part_max);
        at = r->end;
    }
    return sum + plan_pieces(k->l->size - at, k->cap, k->lim->part_min);
}

static int
find_bodies(struct maker *k)
{
    const struct zip_layout *l = k->l;
    size_t i, n = 0;

    for (i = 0; i < l->count; i++)
        n += l->member[i].size >= k->lim->part_min;
    k->body = calloc(n + 1, sizeof(*k->body));
    k->range = calloc(n + 1, sizeof(*k->range));
    if (!k->body || !k->range)
        return -ENOMEM;
    for (i = 0; i < l->count; i++)
        if (l->member[i].size >= k->lim->part_min)
            k->body[k->bodies++] = (struct plan_body){
                .first = zip_data_offset(l, i),
                .end = l->offset[i + 1],
                .member = (uint32_t)i,
                .kind = PLAN_COPY,
            };
    return 0;
}

/* 1 if the parts then fit. */
static int
try_toll(struct maker *k, const struct plan_toll *toll)
{
    int r = plan_copies(k->body, k->bodies, toll, k->lim->part_min, k->range,
                        &k->ranges);

    return r < 0 ? r : count_parts(k) <= k->lim->parts_max;
}

/* The least toll under which the parts fit, in steps of a 256th of the cap:
 * whatever gains four caps takes fewer parts copied than uploaded.  1 if
 * there is one. */
static int
least_toll(struct maker *k, struct plan_toll *ret)
{
    enum { CAPS = 4, STEPS = 256 };
    uint64_t low = 0, high = CAPS * STEPS, unit = k->cap / STEPS + 1;
    struct plan_toll toll = {0};
    int r = try_toll(k, &toll);

    *ret = toll;
    if (r != 0)
        return r;
    toll.before = toll.after = high * unit;
    r = try_toll(k, &toll);
    while (r > 0 && high - low > 1) {
        uint64_t mid = low + (high - low) / 2;
        int fits;

        toll.before = toll.after = mid * unit;
        fits = try_toll(k, &toll);
        if (fits < 0)
            return fits;
        if (fits)
            high = mid;
        else
            low = mid;
    }
    *ret = (struct plan_toll){
        .before = low * unit, .after = high * unit, .turn = 0};
    return r;
}

/* The ranges that copy most within the part numbers, at this cap: the
 * largest bodies, and whole ones in pairs with uploaded ones where all would
 * be too many.  The toll is a step lower for as many of the first bodies as
 * fit: where all have one size, a step decides for all at once.  1 if there
 * is a plan, 2 if part numbers keep nothing from being copied. */
static int
choose(struct maker *k)
{
    size_t low = 0, high = k->bodies;
    struct plan_toll toll;
    int r = least_toll(k, &toll);

    if (r <= 0)
        return r;
    if (toll.after == 0)
        return 2;
    while (high - low > 1) {
        toll.turn = low + (high - low) / 2;
        r = try_toll(k, &toll);
        if (r < 0)
            return r;
        if (r > 0)
            low = toll.turn;
        else
            high = toll.turn;
    }
    toll.turn = low;
    return try_toll(k, &toll);
}

/* The least size to which copies can be split within the budget. */
static uint64_t
copy_size(const struct maker *k)
{
    const struct plan_limits *lim = k->lim;
    uint64_t low =
        min_u64(max_u64(lim->copy_split, lim->part_min), lim->part_max);
    uint64_t high = lim->part_max, base = count_parts(k), whole = 0;
    size_t i;

    for (i = 0; i < k->ranges; i++)
        whole += copy_pieces(k, &k->range[i], lim->part_max);
    while (low < high) {
        uint64_t mid = low + (high - low) / 2, sum = base - whole;

        for (i = 0; i < k->ranges; i++)
            sum += copy_pieces(k, &k->range[i], mid);
        if (sum <= lim->parts_max)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

/* [first, end) in n parts that differ by a byte at most; copied from body
 * unless that is NULL. */
static void
add_parts(struct plan *p, uint64_t first, uint64_t end, uint64_t n,
          const struct plan_body *body)
{
    uint64_t i, len = end - first;

    for (i = 0; i < n; i++) {
        uint64_t size = len / n + (i < len % n);

        p->part[p->count++] = (struct plan_part){
            .first = first,
            .end = first + size,
            .kind = body ? body->kind : PLAN_UPLOAD,
            .member = body ? body->member : 0,
            .from = body ? body->from + (first - body->first) : 0,
        };
        first += size;
    }
}

static void
make_duo(struct plan *p, const struct maker *k)
{
    uint64_t split = copy_size(k), floor = k->lim->part_min, at = 0;
    size_t i;

    for (i = 0; i < k->ranges; i++) {
        const struct plan_range *r = &k->range[i];

        const struct plan_body *b = &k->body[r->body];
        uint64_t most = b->kind == PLAN_COPY ? split : k->lim->part_max;

        add_parts(p, at, r->first, plan_pieces(r->first - at, k->cap, floor),
                  NULL);
        add_parts(p, r->first, r->end, copy_pieces(k, r, most), b);
        at = r->end;
    }
    add_parts(p, at, k->l->size, plan_pieces(k->l->size - at, k->cap, floor),
              NULL);
}

int
plan_beyond(const struct zip_layout *l, struct err *e)
{
    char size[16];

    return err_set(e, EFBIG,
                   "an archive of %s (%llu bytes) is beyond one upload's "
                   "reach",
                   text_size(size, l->size), (unsigned long long)l->size);
}

static uint64_t
next_cap(const struct plan_limits *lim, uint64_t cap)
{
    return min_u64(cap + max_u64(cap / 4, 1), lim->part_max);
}

/* Upload parts grow only when the part numbers force them to: at least the
 * bytes of the bound have to fit. */
static uint64_t
first_cap(const struct plan_limits *lim, uint64_t bound)
{
    uint64_t cap =
        min_u64(max_u64(lim->upload_cap, 2 * lim->part_min), lim->part_max);

    if (lim->part_min < ORDER_FLOOR || lim->parts_max > ORDER_PARTS_MAX)
        return cap; /* the bound is not for such a store */
    while (cap < lim->part_max && cap < bound / lim->parts_max)
        cap = next_cap(lim, cap);
    return cap;
}

static uint64_t
copied(const struct maker *k)
{
    uint64_t sum = 0;
    size_t i;

    for (i = 0; i < k->ranges; i++)
        sum += k->range[i].end - k->range[i].first;
    return sum;
}

/* Finds cap and ranges.  A larger cap than the first that fits is worth it
 * while part numbers keep bodies from being copied and a 400th less is
 * uploaded then; looked for up to so many times the first.  1 if there is a
 * plan. */
static int
choose_cap(struct maker *k, uint64_t bound)
{
    enum { TIMES = 5, PART = 400 };
    uint64_t best_cap = 0, best = UINT64_MAX, limit = k->lim->part_max, up;
    int r;

    for (;;) {
        r = choose(k);
        if (r < 0 || r == 2)
            return r;
        up = k->l->size - copied(k);
        if (r > 0 && best_cap == 0)
            limit = min_u64(TIMES * k->cap, limit);
        if (r > 0 && (best_cap == 0 || up < best - best / PART)) {
            best = up;
            best_cap = k->cap;
        }
        if (k->cap >= limit || best <= bound + bound / PART)
            break;
        k->cap = min_u64(next_cap(k->lim, k->cap), limit);
    }
    k->cap = best_cap;
    return best_cap > 0 ? choose(k) : 0;
}

static int
larger_first(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x > *y ? -1 : *x < *y;
}

/* Each copy is a part: of so many bodies only the largest are looked at, of
 * those of one size the first. */
static int
keep_largest(struct maker *k)
{
    size_t most = k->lim->parts_max, i, n = 0, ties;
    CLEANUP_FREE uint64_t *size = NULL;
    uint64_t least;

    if (k->bodies <= most)
        return 0;
    size = calloc(k->bodies, sizeof(*size));
    if (!size)
        return -ENOMEM;
    for (i = 0; i < k->bodies; i++)
        size[i] = k->body[i].end - k->body[i].first;
    qsort(size, k->bodies, sizeof(*size), larger_first);
    least = size[most - 1];
    for (ties = 0, i = 0; i < most; i++)
        ties += size[i] == least;
    for (i = 0; i < k->bodies; i++) {
        uint64_t len = k->body[i].end - k->body[i].first;

        if (len > least || (len == least && ties > 0 && ties--))
            k->body[n++] = k->body[i];
    }
    k->bodies = n;
    return 0;
}

/* The parts for the bodies of k. */
static int
plan_bodies(struct plan *p, struct maker *k, struct err *e)
{
    int r;

    r = keep_largest(k);
    if (r < 0)
        return r;
    k->cap = first_cap(k->lim, p->bound);
    r = choose_cap(k, p->bound);
    if (r <= 0)
        return r < 0 ? r : plan_beyond(k->l, e);
    p->part = calloc(k->lim->parts_max, sizeof(*p->part));
    if (!p->part)
        return -ENOMEM;
    make_duo(p, k);
    return 0;
}

int
plan_from_bodies(struct plan *ret, const struct zip_layout *l,
                 const struct plan_limits *lim, struct plan_body *body,
                 size_t n, struct err *e)
{
    struct maker k = {.l = l, .lim = lim, .body = body, .bodies = n};
    struct plan p = {.sequence = 1};
    int r = plan_bound(l, &p.bound);

    k.range = calloc(n + 1, sizeof(*k.range));
    if (r == 0)
        r = k.range ? plan_bodies(&p, &k, e) : -ENOMEM;
    free(k.range);
    if (r < 0)
        plan_free(&p);
    else
        *ret = p;
    return r;
}

int
plan_duo(struct plan *p, const struct zip_layout *l,
         const struct plan_limits *lim, struct err *e)
{
    struct maker k = {.l = l, .lim = lim};
    int r = plan_bound(l, &p->bound);

    if (r == 0)
        r = find_bodies(&k);
    if (r == 0)
        r = plan_bodies(p, &k, e);
    free(k.body);
    free(k.range);
    return r;
}
