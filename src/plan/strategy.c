/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * All strategies side by side, and the one that auto takes.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>

/* Equal parts, for stores that want them so; the last may be shorter. */
static int
plan_stream(struct plan *p, const struct zip_layout *l,
            const struct plan_limits *lim, struct err *e)
{
    uint64_t size =
        min_u64(max_u64(lim->part_min, lim->upload_cap / 2), lim->part_max);
    uint64_t at;
    int r = plan_bound(l, &p->bound);

    if (r < 0)
        return r;
    size = max_u64(size, ceil_div_u64(l->size, lim->parts_max));
    if (size > lim->part_max)
        return plan_beyond(l, e);
    p->part = calloc(lim->parts_max, sizeof(*p->part));
    if (!p->part)
        return -ENOMEM;
    for (at = 0; at < l->size; at += size)
        p->part[p->count++] = (struct plan_part){
            .first = at, .end = min_u64(at + size, l->size)};
    return 0;
}

static int
make_one(struct plan *p, const struct zip_layout *l,
         const struct plan_limits *lim, struct err *e)
{
    struct plan_ask ask = {
        .limits = *lim,
        .prices = plan_prices_aws,
        .rates = plan_rates_default,
    };

    switch (p->strategy) {
    case PLAN_DUO:
        return plan_duo(p, l, lim, e);
    case PLAN_STREAM:
        return plan_stream(p, l, lim, e);
    case PLAN_STITCH:
        return plan_stitch(p, l, lim, e);
    case PLAN_CHAIN:
        return plan_chain(p, l, lim, e);
    default:
        return plan_strategy_make(p, l, &ask, p->strategy, e);
    }
}

int
plan_parts(struct plan *ret, const struct zip_layout *l,
           const struct plan_limits *lim, enum plan_strategy s, struct err *e)
{
    struct plan p = {.strategy = s, .sequence = 1};
    int r = plan_limits_check(lim, e);

    if (r < 0)
        return r;
    if (l->size > lim->object_max)
        return plan_beyond(l, e);
    r = make_one(&p, l, lim, e);
    if (r < 0) {
        plan_free(&p);
        return r == -ENOMEM
                   ? err_set(e, ENOMEM, "out of memory while planning")
                   : r;
    }
    p.strategy = s;
    plan_cost(&p, l, &plan_prices_aws, 0, 1);
    *ret = p;
    return 0;
}

/* -------------------------------------------------------- side by side */

static int
make_parts(struct plan *p, const struct zip_layout *l,
           const struct plan_ask *ask, enum plan_strategy s, struct err *e)
{
    if (s == PLAN_MIXED)
        return plan_mixed(p, l, ask, e);
    if (s == PLAN_CHAIN && ask->objective == PLAN_TIME)
        return plan_chain_soon(p, l, &ask->limits, e);
    if (s != PLAN_AGAIN)
        return plan_parts(p, l, &ask->limits, s, e);
    if (!ask->previous)
        return err_set(e, EINVAL, "no previous archive to copy from");
    return plan_again(p, l, &ask->limits, ask->previous, e);
}

/* What the objective makes of the limits. */
struct plan_ask
plan_ask_own(const struct plan_ask *ask)
{
    struct plan_ask own = *ask;

    if (ask->objective == PLAN_BYTES)
        own.limits.copies_max = 0;
    if (ask->objective != PLAN_TIME)
        own.limits.copy_split = own.limits.part_max;
    return own;
}

int
plan_strategy_make(struct plan *ret, const struct zip_layout *l,
                   const struct plan_ask *ask, enum plan_strategy s,
                   struct err *e)
{
    struct plan_ask own = plan_ask_own(ask);
    struct plan p = {0};
    int r = plan_limits_check(&own.limits, e);

    if (r < 0)
        return r;
    if (l->size > own.limits.object_max)
        return plan_beyond(l, e);
    r = make_parts(&p, l, &own, s, e);
    if (r == 0) {
        p.strategy = s;
        r = plan_price(&p, l, ask);
    }
    if (r == 0) {
        *ret = p;
        return 0;
    }
    plan_free(&p);
    return r == -ENOMEM ? err_set(e, ENOMEM, "out of memory while planning")
                        : r;
}

bool
plan_better(const struct plan *a, const struct plan *b, enum plan_objective o)
{
    const struct plan_totals *x = &a->totals, *y = &b->totals;
    uint64_t xb = x->uploaded + x->downloaded;
    uint64_t yb = y->uploaded + y->downloaded;

    if (o == PLAN_TIME && a->seconds != b->seconds)
        return a->seconds < b->seconds;
    if (o == PLAN_PRICE && x->price_usd != y->price_usd)
        return x->price_usd < y->price_usd;
    if (o == PLAN_BYTES && xb != yb)
        return xb < yb;
    return plan_writes(x) < plan_writes(y);
}

int
plan_choose(struct plan_choice *ret, const struct zip_layout *l,
            const struct plan_ask *ask, struct err *e)
{
    struct plan_choice c = {.best = PLAN_STRATEGIES};
    int s, r;

    for (s = 0; s < PLAN_STRATEGIES; s++) {
        r = plan_strategy_make(&c.plan[s], l, ask, (enum plan_strategy)s,
                               &c.why[s]);
        if (r == -ENOMEM) {
            plan_choice_free(&c);
            return err_set(e, ENOMEM, "out of memory while planning");
        }
        if (r < 0)
            continue;
        c.why[s].num = 0;
        if (c.best == PLAN_STRATEGIES ||
            plan_better(&c.plan[s], &c.plan[c.best], ask->objective))
            c.best = (enum plan_strategy)s;
    }
    if (c.best == PLAN_STRATEGIES) {
        if (e)
            *e = c.why[PLAN_DUO];
        return -c.why[PLAN_DUO].num;
    }
    *ret = c;
    return 0;
}

void
plan_choice_free(struct plan_choice *c)
{
    int s;

    for (s = 0; s < PLAN_STRATEGIES; s++)
        plan_free(&c->plan[s]);
}
