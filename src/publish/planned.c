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
#include "publish/rates.h"

/* publish_strategy=auto has the number of the mixed plans, which are what
 * it may choose beside the others. */
enum plan_strategy
publish_strategy(struct publisher *p, const struct former *former)
{
    enum plan_strategy s = (enum plan_strategy)p->d.conf->publish_strategy;

    /* A server copies from itself only. */
    if (publisher_caps(p).no_copy ||
        strcmp(s3_endpoint_id(p->d.s3), s3_endpoint_id(p->d.s3_dest)) != 0)
        return PLAN_STREAM;
    return s == PLAN_AGAIN && !former ? PLAN_DUO : s;
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
         const struct former *former, bool shared, struct plan_ask *ret,
         struct plan_origins *origins, uint8_t **way, struct err *e)
{
    const struct conf *c = p->d.conf;

    *ret = (struct plan_ask){
        .limits = p->d.limits ? *p->d.limits : plan_limits_s3,
        .prices = plan_prices_aws,
        .objective = (enum plan_objective)c->objective,
        .previous = former ? &former->zip : NULL,
        .heads = 1,
        .lists = l->pages,
    };
    ret->limits.copies_max = c->copy_limit;
    if (!shared)
        ret->limits.upload_cap =
            max_u64(min_u64(ret->limits.upload_cap, permits_total(p->permits)),
                    ret->limits.part_min);
    if (c->prices)
        plan_prices_parse(&ret->prices, c->prices);
    rates_choose(&ret->rates, origins, c, p->d.s3_dest, p->d.state);
    if (fill_finding(p, crcs, l->zip.count, &ret->finding, way) < 0)
        return err_set(e, ENOMEM, "out of memory while planning");
    ret->finding.previous = former && former->stored;
    return 0;
}

int
publish_ask(struct publisher *p, struct reader *r, const struct former *former,
            struct plan_ask *ret, struct plan_origins *origins, uint8_t **way,
            struct err *e)
{
    return fill_ask(p, reader_layout(r), reader_crcs(r), former, false, ret,
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
          const struct former *former, bool shared, plan_begun *begun,
          void *user, struct plan *ret, struct err *e)
{
    enum plan_strategy s = publish_strategy(p, former);
    CLEANUP_FREE uint8_t *way = NULL;
    struct plan_ask ask;
    int r = fill_ask(p, l, crcs, former, shared, &ask, NULL, &way, e);

    if (r < 0)
        return r;
    return s == PLAN_MIXED ? choose(ret, &l->zip, &ask, begun, user, e)
                           : plan_strategy_make(ret, &l->zip, &ask, s, e);
}

int
publish_plan(struct publisher *p, struct reader *r,
             const struct former *former, struct plan *ret, struct err *e)
{
    return plan_make(p, reader_layout(r), reader_crcs(r), former, false, NULL,
                     NULL, ret, e);
}
