/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A style made into a plan that keeps what chain promises: at most so many
 * archives copied on the server, at most so many uploads in sequence.  How
 * far objects may grow is tried; where that is not enough, more of the
 * smallest bodies are streamed.  Must not know why a style was chosen.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>

/* Uploads one after the other (doc/planning, "Chain"). */
enum { SEQUENCE_MAX = PLAN_DEPTH_MAX + 2 };
/* Of the search for how many bodies to stream: to a hundredth of them. */
enum { STEPS_MAX = 7 };

int
plan_frame_init(struct plan_frame *f, const struct zip_layout *l,
                const struct plan_limits *lim)
{
    size_t i;
    int r;

    *f = (struct plan_frame){.l = l, .lim = lim};
    f->weight = calloc(l->count + 1, sizeof(*f->weight));
    r = f->weight ? plan_keys(l->member, l->count, &f->key) : -ENOMEM;
    if (r == 0)
        r = plan_bound(l, &f->bound);
    for (i = 0; r == 0 && i < l->count; i++) {
        f->large += f->key[i].size >= lim->part_min;
        f->weight[i + 1] = f->weight[i] + f->key[i].size;
    }
    if (r < 0)
        plan_frame_free(f);
    return r;
}

void
plan_frame_free(struct plan_frame *f)
{
    free(f->key);
    free(f->weight);
    f->key = NULL;
    f->weight = NULL;
}

int
plan_make_style(struct plan *ret, const struct plan_frame *f,
                const struct plan_style *style, struct err *e)
{
    int r = plan_compose(ret, f->l, f->lim, style, e);

    if (r < 0)
        return r;
    ret->bound = f->bound;
    plan_cost(ret, f->l, &plan_prices_aws, 0, 1);
    return 0;
}

static bool
copies_too_much(const struct plan *p, const struct plan_frame *f)
{
    uint32_t most = f->lim->copies_max;

    return most > 0 && p->totals.copied / most > f->l->size;
}

bool
plan_is_bounded(const struct plan *p, const struct plan_frame *f)
{
    return p->sequence <= SEQUENCE_MAX && !copies_too_much(p, f);
}

void
plan_keep(struct plan *best, struct plan *p, const struct plan_frame *f,
          bool better)
{
    bool good = plan_is_bounded(p, f);

    if (best->part && (good == plan_is_bounded(best, f) ? !better : !good)) {
        plan_free(p);
        return;
    }
    plan_free(best);
    *best = *p;
}

/* Fewest requests within the cap, fewest copies where there is none. */
static void
keep_growth(struct plan *best, struct plan *p, const struct plan_frame *f)
{
    bool better = f->lim->copies_max > 0 && plan_is_bounded(p, f)
                      ? plan_writes(&p->totals) < plan_writes(&best->totals)
                      : p->totals.copied < best->totals.copied;

    plan_keep(best, p, f, better);
}

int
plan_found(struct plan *ret, struct plan *best, int r, const struct err *why,
           struct err *e)
{
    if (r == -ENOMEM)
        plan_free(best);
    if (!best->part) {
        if (e)
            *e = *why;
        return r;
    }
    *ret = *best;
    return 0;
}

/* The best growth or, where it is enough to know that one is bounded
 * (any), the first that is.  Further growth saves pads (a request each)
 * and part numbers, and copies more bytes.  What needs too many scratch
 * objects is no plan; if that is so of all, -EFBIG. */
static int
grow(struct plan *ret, const struct plan_frame *f, struct plan_style style,
     bool any, struct err *e)
{
    static const uint32_t tenths[] = {10, 12, 15, 20, 30, 50, 100, 1000};
    struct plan best = {0}, p;
    struct err why = {0};
    uint64_t copied;
    bool over = false;
    size_t i;
    int r = 0;

    for (i = 0; i < ARRAY_SIZE(tenths) && r != -ENOMEM && !over; i++) {
        copied = best.part ? best.totals.copied : UINT64_MAX;
        style.carry = f->lim->part_min * tenths[i] / 10;
        r = plan_make_style(&p, f, &style, &why);
        over = r == 0 && p.scratches == 0; /* nothing grows */
        if (any && !over)
            over = r < 0 || plan_is_bounded(&p, f) ||
                   (copies_too_much(&p, f) && p.totals.copied >= copied);
        if (r == 0)
            keep_growth(&best, &p, f);
    }
    return plan_found(ret, &best, r, &why, e);
}

/* --------------------------------------------- what is streamed instead */

static size_t
smalls(const struct plan_frame *f)
{
    return f->l->count - f->large;
}

void
plan_stream_smallest(struct plan_style *style, const struct plan_frame *f,
                     size_t n)
{
    size_t first = f->l->count - n;
    uint64_t size = n > 0 ? f->key[first].size : 0;

    style->small = size > 0 ? size : 1;
    style->small_ties = 0;
    for (; first < f->l->count && size > 0 && f->key[first].size == size;
         first++)
        style->small_ties++;
}

/* How many of the smallest bodies does the style stream? */
static size_t
streamed(const struct plan_frame *f, const struct plan_style *style)
{
    size_t n = 0;

    while (n < smalls(f) && f->key[f->l->count - 1 - n].size < style->small)
        n++;
    return min_u64(n + style->small_ties, smalls(f));
}

/* May copying all but the n smallest bodies be bounded?  Each small body
 * that is copied, and the run before it if that is below the floor, is the
 * last part of an upload, whose result is copied on: a floor at least. */
static bool
may_be_bounded(const struct plan_frame *f, size_t n)
{
    uint64_t floor = f->lim->part_min, most = f->l->size / floor + 2, appends;
    uint64_t run = f->l->size - f->weight[f->l->count - n];

    if (f->lim->copies_max == 0)
        return true;
    appends = 2 * (uint64_t)(smalls(f) - n);
    return appends <= f->lim->copies_max * most + run / floor;
}

/* How many of the smallest bodies to stream: the fewest that will do, at
 * least low.  0, or -ENOMEM. */
static int
search(size_t *ret, const struct plan_frame *f, struct plan_style style,
       size_t low)
{
    size_t high = smalls(f), mid;
    int r, step;

    while (low < high && !may_be_bounded(f, low))
        low++;
    for (step = 0; step < STEPS_MAX && low < high; step++) {
        struct plan p;
        bool good;

        mid = low + (high - low) / 2;
        plan_stream_smallest(&style, f, mid);
        r = grow(&p, f, style, true, NULL);
        if (r == -ENOMEM)
            return r;
        good = r == 0 && plan_is_bounded(&p, f);
        if (r == 0)
            plan_free(&p);
        if (good)
            high = mid;
        else
            low = mid + 1;
    }
    *ret = high;
    return 0;
}

int
plan_make_bounded(struct plan *ret, const struct plan_frame *f,
                  const struct plan_style *style, struct err *e)
{
    size_t n = streamed(f, style);
    struct plan_style more = *style;
    struct plan best = {0}, p;
    struct err why = {0};
    bool streams_more = false;
    int r = -EFBIG;

    if (may_be_bounded(f, n))
        r = grow(&best, f, *style, false, &why);
    if (r != -ENOMEM && n < smalls(f) &&
        !(best.part && plan_is_bounded(&best, f))) {
        streams_more = true;
        r = search(&n, f, *style, n);
        plan_stream_smallest(&more, f, n);
        if (r == 0)
            r = grow(&p, f, more, false, &why);
        if (r == 0)
            keep_growth(&best, &p, f);
    }
    r = plan_found(ret, &best, r, &why, e);
    return r < 0 ? r : streams_more;
}
