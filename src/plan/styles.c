/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Stitch, chain, mixed and the frontier: which members are copied and how
 * large objects may grow.  Must not know how pieces are put together.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* Two levels and the final upload are above the objects of one member;
 * doc/planning promises twelve in sequence for usual sets. */
enum { SEQUENCE_MAX = 12, DEPTH_MAX = SEQUENCE_MAX - 2 };
/* Bytes copied on the server, times the archive, that chain aims at. */
enum { COPIES_MAX = 7 };
/* Requests saved by a small body that is streamed, and by a run that is
 * filled up to the floor instead of stitched. */
enum { SAVED_SMALL = 8, SAVED_RUN = 3 };

#define NONE UINT64_MAX

/* Parts, bound and totals in that style. */
static int
make(struct plan *ret, const struct zip_layout *l,
     const struct plan_limits *lim, const struct plan_style *style,
     uint64_t bound, struct err *e)
{
    int r = plan_compose(ret, l, lim, style, e);

    if (r < 0)
        return r;
    ret->bound = bound;
    plan_cost(ret, l, &plan_prices_aws, 0, 1);
    return 0;
}

/* Within what chain promises? */
static bool
is_bounded(const struct plan *p, const struct zip_layout *l)
{
    return p->sequence <= SEQUENCE_MAX &&
           p->totals.copied / COPIES_MAX <= l->size;
}

static bool
is_better_growth(const struct plan *a, const struct plan *b,
                 const struct zip_layout *l)
{
    bool good = is_bounded(a, l);

    if (good != is_bounded(b, l))
        return good;
    return good ? plan_writes(&a->totals) < plan_writes(&b->totals)
                : a->totals.copied < b->totals.copied;
}

/* Tries how far objects may grow: further saves pads (a request each) and
 * copies more bytes. */
static int
make_bounded(struct plan *ret, const struct zip_layout *l,
             const struct plan_limits *lim, struct plan_style style,
             uint64_t bound, struct err *e)
{
    static const uint32_t tenths[] = {10, 12, 15, 20, 30, 50, 100, 1000};
    struct plan best = {0}, p;
    size_t i;
    int r = 0;

    for (i = 0; i < ARRAY_SIZE(tenths); i++) {
        style.carry = lim->part_min * tenths[i] / 10;
        r = make(&p, l, lim, &style, bound, e);
        if (r < 0)
            break;
        if (!best.part || is_better_growth(&p, &best, l)) {
            plan_free(&best);
            best = p;
        } else {
            plan_free(&p);
        }
    }
    if (r < 0)
        plan_free(&best);
    else
        *ret = best;
    return r;
}

/* ------------------------------------------------------------- stitch */

static struct plan_style
stitch_style(void)
{
    return (struct plan_style){.small = NONE,
                               .donate_first = true,
                               .carry = NONE,
                               .depth = DEPTH_MAX};
}

int
plan_stitch(struct plan *ret, const struct zip_layout *l,
            const struct plan_limits *lim, struct err *e)
{
    struct plan_style style = stitch_style();
    uint64_t bound;
    int r = plan_bound(l, &bound);

    return r < 0 ? r : make(ret, l, lim, &style, bound, e);
}

/* -------------------------------------------------------------- chain */

/* Streams the smallest bodies, up to budget bytes, each saving so many
 * requests that nothing else is as cheap. */
static int
stream_smallest(struct plan_style *style, const struct zip_layout *l,
                uint64_t floor, uint64_t budget)
{
    CLEANUP_FREE struct plan_key *key = NULL;
    size_t i;
    int r = plan_keys(l->member, l->count, &key);

    if (r < 0)
        return r;
    style->small = 1;
    style->small_ties = 0;
    for (i = l->count; i > 0 && key[i - 1].size < floor; i--) {
        uint64_t size = key[i - 1].size;

        if (size > budget)
            break;
        budget -= size;
        if (size == 0)
            continue;
        if (size != style->small)
            style->small_ties = 0;
        style->small = size;
        style->small_ties++;
    }
    return 0;
}

/* Nine tenths of a hundredth, less what is uploaded anyway: generated
 * bytes and, if nobody can lend a pad, the first ones. */
static uint64_t
chain_budget(const struct zip_layout *l, uint64_t floor)
{
    uint64_t budget = l->size / 1000 * 9, bodies = 0, large = 0, rest;
    size_t i;

    for (i = 0; i < l->count; i++) {
        bodies += l->member[i].size;
        large += l->member[i].size >= floor;
    }
    rest = l->size - bodies + (large ? 0 : floor);
    return budget > rest ? budget - rest : 0;
}

static int
chain_style(struct plan_style *style, const struct zip_layout *l,
            const struct plan_limits *lim)
{
    *style = (struct plan_style){.depth = DEPTH_MAX};
    return stream_smallest(style, l, lim->part_min,
                           chain_budget(l, lim->part_min));
}

int
plan_chain(struct plan *ret, const struct zip_layout *l,
           const struct plan_limits *lim, struct err *e)
{
    struct plan_style style;
    uint64_t bound;
    int r = chain_style(&style, l, lim);

    if (r == 0)
        r = plan_bound(l, &bound);
    return r < 0 ? r : make_bounded(ret, l, lim, style, bound, e);
}

/* ----------------------------------------------------------- frontier */

/* The size from which on part/8 of the small bodies are. */
static int
small_quantile(const struct zip_layout *l, uint64_t floor, unsigned part,
               uint64_t *ret)
{
    CLEANUP_FREE struct plan_key *key = NULL;
    size_t i, large = 0;
    int r = plan_keys(l->member, l->count, &key);

    if (r < 0)
        return r;
    while (large < l->count && key[large].size >= floor)
        large++;
    i = large + (l->count - large) * part / 8;
    *ret = i < l->count && key[i].size > 0 ? key[i].size : 1;
    return 0;
}

static int
frontier_style(struct plan_style *style, size_t i, const struct zip_layout *l,
               const struct plan_limits *lim)
{
    static const uint64_t donated[] = {95, 80, 60, 40, 20}; /* of the floor */
    static const unsigned eighths[] = {1, 2, 3, 4, 5, 6, 7};

    *style = stitch_style();
    if (i < ARRAY_SIZE(donated)) {
        style->donate = lim->part_min / 100 * donated[i];
        return 1;
    }
    i -= ARRAY_SIZE(donated);
    if (i-- == 0)
        return 1;
    *style = (struct plan_style){.depth = DEPTH_MAX};
    if (i < ARRAY_SIZE(eighths)) {
        int r = small_quantile(l, lim->part_min, eighths[i], &style->small);

        return r < 0 ? r : 1;
    }
    i -= ARRAY_SIZE(eighths);
    if (i > 0)
        return 0;
    return chain_style(style, l, lim) < 0 ? -ENOMEM : 1;
}

static void
price_it(struct plan *p, const struct zip_layout *l,
         const struct plan_ask *ask)
{
    plan_cost(p, l, &ask->prices, ask->heads, ask->lists);
    p->seconds = plan_time(p, &ask->rates);
}

void
plan_frontier_free(struct plan_frontier *f)
{
    while (f->count > 0)
        plan_free(&f->plan[--f->count]);
}

int
plan_frontier(struct plan_frontier *ret, const struct zip_layout *l,
              const struct plan_ask *ask, struct err *e)
{
    struct plan_frontier f = {.count = 0};
    struct plan_style style;
    uint64_t bound;
    size_t i;
    int r = plan_bound(l, &bound);

    if (r == 0 && plan_parts(&f.plan[0], l, &ask->limits, PLAN_DUO, NULL) == 0)
        f.count = 1;
    for (i = 0; r == 0 && f.count < PLAN_FRONTIER_MAX; i++) {
        r = frontier_style(&style, i, l, &ask->limits);
        if (r <= 0)
            break;
        r = make_bounded(&f.plan[f.count], l, &ask->limits, style, bound, e);
        if (r == -EFBIG && f.count > 0) {
            r = 0; /* the other points stay */
            break;
        }
        if (r < 0)
            break;
        f.plan[f.count].strategy = PLAN_MIXED;
        if (f.count > 0 && f.plan[f.count].totals.uploaded >=
                               f.plan[f.count - 1].totals.uploaded)
            plan_free(&f.plan[f.count]); /* nothing gained */
        else
            f.count++;
    }
    for (i = 0; i < f.count; i++)
        price_it(&f.plan[i], l, ask);
    if (r < 0)
        plan_frontier_free(&f);
    else
        *ret = f;
    return r;
}

/* -------------------------------------------------------------- mixed */

/* Bytes through the client that are worth one write request. */
static double
worth(const struct plan_ask *ask)
{
    double usd = ask->prices.per_million_writes / 1e6;
    double out = ask->prices.per_gb_out / 1e9;

    if (ask->objective == PLAN_BYTES)
        return 0;
    if (ask->objective == PLAN_TIME)
        return ask->rates.bandwidth / ask->rates.request_rate;
    return out > 0 ? usd / out : 1e12;
}

/* For each small body and each run the cheaper way. */
static struct plan_style
cheaper_style(const struct plan_ask *ask)
{
    double bytes = worth(ask);
    uint64_t small = (uint64_t)(SAVED_SMALL * bytes);
    uint64_t run = (uint64_t)(SAVED_RUN * bytes);

    return (struct plan_style){
        .small = small > 1 ? small : 1,
        .donate = run,
        .depth = DEPTH_MAX,
    };
}

/* The better of the two stays in *best, the other is freed. */
static void
keep_better(struct plan *best, struct plan *p, enum plan_objective o)
{
    if (best->part && !plan_better(p, best, o)) {
        plan_free(p);
        return;
    }
    plan_free(best);
    *best = *p;
}

int
plan_mixed(struct plan *ret, const struct zip_layout *l,
           const struct plan_ask *ask, struct err *e)
{
    struct plan_style style = cheaper_style(ask);
    struct plan_frontier f = {.count = 0};
    struct plan best = {0}, p;
    uint64_t bound;
    int r = plan_bound(l, &bound), tried;

    if (r < 0)
        return r;
    tried = make_bounded(&p, l, &ask->limits, style, bound, NULL);
    if (tried == 0) {
        price_it(&p, l, ask);
        keep_better(&best, &p, ask->objective);
    }
    r = tried == -ENOMEM ? tried : plan_frontier(&f, l, ask, e);
    while (f.count > 0)
        keep_better(&best, &f.plan[--f.count], ask->objective);
    if (!best.part)
        return r < 0 ? r : tried;
    *ret = best;
    return 0;
}
