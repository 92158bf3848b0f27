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

/* Requests saved by a small body that is streamed, and by a run that is
 * filled up to the floor instead of stitched. */
enum { SAVED_SMALL = 8, SAVED_RUN = 3 };

#define NONE UINT64_MAX

/* ------------------------------------------------------------- stitch */

static struct plan_style
stitch_style(void)
{
    return (struct plan_style){.small = NONE,
                               .donate_first = true,
                               .carry = NONE,
                               .depth = PLAN_DEPTH_MAX};
}

int
plan_stitch(struct plan *ret, const struct zip_layout *l,
            const struct plan_limits *lim, struct err *e)
{
    CLEANUP(plan_frame_free) struct plan_frame f;
    struct plan_style style = stitch_style();
    int r = plan_frame_init(&f, l, lim);

    return r < 0 ? r : plan_make_style(ret, &f, &style, e);
}

/* -------------------------------------------------------------- chain */

/* Every small body is copied. */
static struct plan_style
chain_style(uint32_t depth)
{
    return (struct plan_style){.small = 1, .depth = depth};
}

/* Fewer bytes uploaded, within what chain promises. */
static void
keep_chain(struct plan *best, struct plan *p, const struct plan_frame *f)
{
    const struct plan_totals *x = &p->totals, *y = &best->totals;
    bool better = x->uploaded != y->uploaded ? x->uploaded < y->uploaded
                                             : plan_writes(x) < plan_writes(y);

    plan_keep(best, p, f, better);
}

/* Where the floor is large beside the archive, chain has nothing to give:
 * then what it stands beside is the better chain. */
static int
or_simpler(struct plan *best, const struct plan_frame *f)
{
    static const enum plan_strategy simpler[] = {PLAN_STITCH, PLAN_DUO};
    struct plan p;
    size_t i;
    int r;

    for (i = 0; i < ARRAY_SIZE(simpler); i++) {
        r = plan_parts(&p, f->l, f->lim, simpler[i], NULL);
        if (r == -ENOMEM)
            return r;
        if (r == 0)
            keep_chain(best, &p, f);
    }
    return 0;
}

static int
chain_of(struct plan *ret, const struct plan_frame *f, uint32_t depth,
         struct err *e)
{
    struct plan_style style = chain_style(depth);
    struct plan best = {0};
    struct err why = {0};
    int made = plan_make_bounded(&best, f, &style, &why);
    int r = made == -ENOMEM ? made : or_simpler(&best, f);

    return plan_found(ret, &best, r < 0 ? r : made, &why, e);
}

int
plan_chain(struct plan *ret, const struct zip_layout *l,
           const struct plan_limits *lim, struct err *e)
{
    CLEANUP(plan_frame_free) struct plan_frame f;
    int r = plan_frame_init(&f, l, lim);

    return r < 0 ? r : chain_of(ret, &f, PLAN_DEPTH_MAX, e);
}

/* Shorter rows take more requests and less waiting. */
static const uint32_t depths[] = {PLAN_DEPTH_MAX, 8, 6, 4};

/* Fewer bytes first, then the less time at latencies that are the same
 * everywhere: whoever goes on with a publish must come to the same plan. */
int
plan_chain_soon(struct plan *ret, const struct zip_layout *l,
                const struct plan_limits *lim, struct err *e)
{
    const struct plan_rates *rates = &plan_rates_default;
    CLEANUP(plan_frame_free) struct plan_frame f;
    struct plan best = {0}, p = {0};
    size_t i;
    int r = plan_frame_init(&f, l, lim);

    for (i = 0; i < ARRAY_SIZE(depths) && r == 0; i++) {
        r = chain_of(&p, &f, depths[i], e);
        if (r == 0)
            r = plan_path(&p, l, &rates->latency, &p.path);
        if (r < 0)
            break;
        p.seconds = plan_time(&p, rates);
        plan_keep(&best, &p, &f,
                  p.totals.uploaded != best.totals.uploaded
                      ? p.totals.uploaded < best.totals.uploaded
                      : p.seconds < best.seconds);
        p = (struct plan){0};
    }
    plan_free(&p);
    if (r < 0)
        plan_free(&best);
    else
        *ret = best;
    return r;
}

/* ----------------------------------------------------------- frontier */

/* The size from which on part/8 of the small bodies are. */
static uint64_t
small_quantile(const struct plan_frame *f, unsigned part)
{
    size_t count = f->l->count;
    size_t i = f->large + (count - f->large) * part / 8;

    return i < count && f->key[i].size > 0 ? f->key[i].size : 1;
}

/* Style number i of the frontier; false if there are no more. */
static bool
frontier_style(struct plan_style *style, size_t i, const struct plan_frame *f)
{
    static const uint64_t donated[] = {95, 80, 60, 40, 20}; /* of the floor */
    static const unsigned eighths[] = {1, 2, 3, 4, 5, 6, 7};

    *style = stitch_style();
    if (i < ARRAY_SIZE(donated)) {
        style->donate = f->lim->part_min / 100 * donated[i];
        return true;
    }
    i -= ARRAY_SIZE(donated);
    if (i-- == 0)
        return true;
    *style = (struct plan_style){.depth = PLAN_DEPTH_MAX};
    if (i < ARRAY_SIZE(eighths)) {
        style->small = small_quantile(f, eighths[i]);
        return true;
    }
    if (i > ARRAY_SIZE(eighths))
        return false;
    *style = chain_style(PLAN_DEPTH_MAX);
    return true;
}

void
plan_frontier_free(struct plan_frontier *f)
{
    while (f->count > 0)
        plan_free(&f->plan[--f->count]);
}

/* The next point, if it uploads less than the one before and copies no
 * more than chain may.  1 if those after it would be the same: it streams
 * more than it should. */
static int
add_point(struct plan_frontier *f, const struct plan_frame *frame,
          const struct plan_style *style, struct err *e)
{
    struct plan *p = &f->plan[f->count];
    int r = plan_make_bounded(p, frame, style, e);

    if (r < 0)
        return r;
    p->strategy = PLAN_MIXED;
    if (f->count > 0 && (p[0].totals.uploaded >= p[-1].totals.uploaded ||
                         !plan_is_bounded(p, frame)))
        plan_free(p);
    else
        f->count++;
    return r;
}

static int
add_points(struct plan_frontier *f, const struct plan_frame *frame,
           struct err *e)
{
    struct plan_style style;
    struct err why = {0};
    size_t i;
    int r = 0;

    for (i = 0; r == 0 && f->count < PLAN_FRONTIER_MAX; i++) {
        if (!frontier_style(&style, i, frame))
            break;
        r = add_point(f, frame, &style, &why);
    }
    if (r == -EFBIG && f->count > 0)
        return 0; /* the other points stay */
    if (r < 0 && e)
        *e = why;
    return r < 0 ? r : 0;
}

int
plan_frontier(struct plan_frontier *ret, const struct zip_layout *l,
              const struct plan_ask *ask, struct err *e)
{
    CLEANUP(plan_frame_free) struct plan_frame frame = {0};
    const struct plan_ask own = plan_ask_own(ask);
    struct plan_frontier f = {.count = 0};
    size_t i;
    int r = plan_limits_check(&own.limits, e);

    if (r == 0)
        r = plan_frame_init(&frame, l, &own.limits);
    if (r < 0)
        return r;
    if (plan_parts(&f.plan[0], l, &own.limits, PLAN_DUO, NULL) == 0)
        f.count = 1;
    r = add_points(&f, &frame, e);
    for (i = 0; r == 0 && i < f.count; i++)
        r = plan_price(&f.plan[i], l, ask);
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
        .depth = PLAN_DEPTH_MAX,
    };
}

/* The best in that style: how long the row is matters for time only. */
static int
keep_cheaper(struct plan *best, const struct plan_frame *f,
             const struct plan_ask *ask)
{
    size_t n = ask->objective == PLAN_TIME ? ARRAY_SIZE(depths) : 1, i;
    struct plan_style style = cheaper_style(ask);
    struct plan p = {0};
    int r = 0;

    for (i = 0; i < n && r >= 0; i++) {
        style.depth = depths[i];
        r = plan_make_bounded(&p, f, &style, NULL);
        if (r < 0)
            break;
        r = plan_price(&p, f->l, ask);
        plan_keep(best, &p, f, plan_better(&p, best, ask->objective));
        p = (struct plan){0};
    }
    return r;
}

int
plan_mixed(struct plan *ret, const struct zip_layout *l,
           const struct plan_ask *ask, struct err *e)
{
    CLEANUP(plan_frame_free) struct plan_frame frame;
    struct plan_frontier f = {.count = 0};
    struct plan best = {0};
    struct err why = {0};
    int r = plan_frame_init(&frame, l, &ask->limits), tried;

    if (r < 0)
        return r;
    tried = keep_cheaper(&best, &frame, ask);
    r = tried == -ENOMEM ? tried : plan_frontier(&f, l, ask, &why);
    while (f.count > 0) {
        struct plan *p = &f.plan[--f.count];

        plan_keep(&best, p, &frame, plan_better(p, &best, ask->objective));
    }
    return plan_found(ret, &best, r < 0 ? r : tried, &why, e);
}
