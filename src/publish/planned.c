/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The plan of a publish, the one that it executes and the one that is shown
 * without doing it: what plan/ is asked for.  Sends nothing; must not know
 * jobs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "publish/job.h"

/* publish_strategy=auto has the number of the mixed plans, which are what
 * it may choose beside the others. */
enum plan_strategy
publish_strategy(struct publisher *p, const struct previous *previous)
{
    enum plan_strategy s = (enum plan_strategy)p->d.conf->publish_strategy;

    /* A server copies from itself only. */
    if (publisher_caps(p).no_copy ||
        strcmp(s3_endpoint_id(p->d.s3), s3_endpoint_id(p->d.s3_dest)) != 0)
        return PLAN_STREAM;
    return s == PLAN_AGAIN && !previous ? PLAN_DUO : s;
}

/* What is given counts, the rest is assumed. */
void
publish_rates(struct plan_rates *ret, struct plan_origins *origins,
              const struct conf *c)
{
    struct plan_origins o = {PLAN_ASSUMED, PLAN_ASSUMED, PLAN_ASSUMED};

    *ret = plan_rates_default;
    if (c->bandwidth > 0) {
        ret->bandwidth = (double)c->bandwidth;
        o.bandwidth = PLAN_GIVEN;
    }
    if (c->request_rate > 0) {
        ret->request_rate = c->request_rate;
        o.request_rate = PLAN_GIVEN;
    }
    ret->width_body = c->connections;
    if (c->latency)
        plan_latency_parse(&ret->latency, c->latency);
    if (origins)
        *origins = o;
}

static int
fill_finding(struct publisher *p, struct crc_set *crcs, size_t members,
             struct plan_finding *ret, uint8_t **way)
{
    struct caps caps = publisher_foreseen(p);

    *way = malloc(members + 1);
    if (!*way)
        return -ENOMEM;
    *ret = (struct plan_finding){
        .way = *way,
        .no_part_crc = caps.no_part_crc,
        .range_bad = caps.range_bad,
        .range_good = caps.range_good,
        .silent = caps.no_complete_crc,
        .read = p->d.conf->crc == CONF_CRC_READ,
        .full = p->d.conf->verify == CONF_VERIFY_FULL,
    };
    crc_ways(crcs, *way, &ret->oracle);
    return 0;
}

static int
fill_ask(struct publisher *p, const struct layout *l, struct crc_set *crcs,
         const struct previous *previous, bool shared, struct plan_ask *ret,
         struct plan_origins *origins, uint8_t **way, struct err *e)
{
    const struct conf *c = p->d.conf;

    *ret = (struct plan_ask){
        .limits = p->d.limits ? *p->d.limits : plan_limits_s3,
        .prices = plan_prices_aws,
        .objective = (enum plan_objective)c->objective,
        .previous = previous_zip(previous),
        .heads = 2, /* at the start, and before Complete */
        .lists = l->pages,
    };
    ret->limits.copies_max = c->copy_limit;
    if (!shared)
        ret->limits.upload_cap =
            max_u64(min_u64(ret->limits.upload_cap, permits_total(p->permits)),
                    ret->limits.part_min);
    if (c->prices)
        plan_prices_parse(&ret->prices, c->prices);
    publish_rates(&ret->rates, origins, c);
    if (fill_finding(p, crcs, l->zip.count, &ret->finding, way) < 0)
        return err_set(e, ENOMEM, "out of memory while planning");
    ret->finding.previous = previous_stored(previous);
    return 0;
}

int
publish_ask(struct publisher *p, struct reader *r, const struct previous *previous,
            struct plan_ask *ret, struct plan_origins *origins, uint8_t **way,
            struct err *e)
{
    return fill_ask(p, reader_layout(r), reader_crcs(r), previous, false, ret,
                    origins, way, e);
}

static enum plan_strategy
best_of(const struct plan_choice *c, plan_begun *begun, void *user)
{
    enum plan_strategy s;

    for (s = 0; begun && s < PLAN_STRATEGIES; s++)
        if (c->why[s].num == 0 && begun(user, &c->plan[s]))
            return s;
    return c->best;
}

static int
choose(struct plan *ret, const struct zip_layout *l,
       const struct plan_ask *ask, plan_begun *begun, void *user,
       struct err *e)
{
    enum plan_strategy s;
    struct plan_choice c;
    int r = plan_choose(&c, l, ask, e);

    if (r < 0)
        return r;
    s = best_of(&c, begun, user);
    *ret = c.plan[s];
    memset(&c.plan[s], 0, sizeof(c.plan[s]));
    plan_choice_free(&c);
    return 0;
}

int
plan_make(struct publisher *p, struct layout *l, struct crc_set *crcs,
          const struct previous *previous, enum plan_strategy forced,
          bool shared, plan_begun *begun, void *user, struct plan *ret,
          struct err *e)
{
    enum plan_strategy s = forced < PLAN_STRATEGIES
                               ? forced
                               : publish_strategy(p, previous);
    CLEANUP_FREE uint8_t *way = NULL;
    struct plan_ask ask;
    int r = fill_ask(p, l, crcs, previous, shared, &ask, NULL, &way, e);

    if (r < 0)
        return r;
    return s == PLAN_MIXED ? choose(ret, &l->zip, &ask, begun, user, e)
                           : plan_strategy_make(ret, &l->zip, &ask, s, e);
}

int
publish_plan(struct publisher *p, struct reader *r,
             const struct previous *previous, struct plan *ret, struct err *e)
{
    return plan_make(p, reader_layout(r), reader_crcs(r), previous,
                     PLAN_STRATEGIES, false, NULL, NULL, ret, e);
}
