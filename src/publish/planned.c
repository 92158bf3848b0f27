/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What a publish would do, without doing it: user.publish.plan.  Sends
 * nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "publish/job.h"

/* Larger ones are asked for their CRC when the archive is opened. */
enum { READ_WHOLE_MAX = 8 << 20 };

struct guess {
    const struct layout *l;
    struct crc_set *crcs;
    const struct plan *plan;
    struct caps caps;
    bool archive_sum, scratch_sum; /* these uploads have a checksum */
    uint8_t *seen;                 /* members: enum seen */
    uint64_t heads;
    struct crc_cost crc;
};
enum seen {
    SEEN_HEAD = 1, /* counted, or needs none */
    SEEN_CRC = 2,  /* no copy tells its CRC: counted */
};

static const struct plan_part *
part_at(const struct plan *p, size_t i)
{
    return i < p->scratch_parts ? &p->scratch_part[i]
                                : &p->part[i - p->scratch_parts];
}

static bool
is_whole(const struct guess *g, const struct plan_part *pp)
{
    return pp->end - pp->first == g->l->zip.member[pp->member].size;
}

/* Ranges of what has a CRC32 cannot be copied into a checksum upload then. */
static bool
has_bad_range(const struct guess *g)
{
    size_t i;

    for (i = 0; g->caps.range_bad && i < g->plan->count; i++) {
        const struct plan_part *pp = &g->plan->part[i];

        if (pp->kind == PLAN_COPY && !is_whole(g, pp) &&
            g->l->zip.member[pp->member].hint != ZIP_HINT_OTHER)
            return true;
    }
    return false;
}

static void
needs_head(struct guess *g, size_t member)
{
    uint32_t value;

    if (!(g->seen[member] & SEEN_HEAD) &&
        g->l->zip.member[member].hint != ZIP_HINT_OTHER &&
        !crc_peek(g->crcs, member, &value))
        g->heads++;
    g->seen[member] |= SEEN_HEAD;
}

static void
needs_crc(struct guess *g, size_t member)
{
    if (!(g->seen[member] & SEEN_CRC))
        crc_cost_add(g->crcs, member, &g->crc);
    g->seen[member] |= SEEN_CRC;
}

static void
guess_copies(struct guess *g)
{
    size_t i;

    for (i = 0; i < g->plan->scratch_parts + g->plan->count; i++) {
        const struct plan_part *pp = part_at(g->plan, i);
        bool sum =
            i < g->plan->scratch_parts ? g->scratch_sum : g->archive_sum;

        if (pp->kind != PLAN_COPY || pp->end == pp->first)
            continue;
        if (!sum || (!is_whole(g, pp) && !g->caps.range_good))
            needs_head(g, pp->member);
        if (!sum || pp->pad > 0)
            needs_crc(g, pp->member);
        g->seen[pp->member] |= SEEN_HEAD;
    }
}

/* Requests for CRCs that nobody knows yet.  In a checksum upload the
 * copies give them, but for ranged ones of a store that was not seen
 * right; else each needs its HEAD, and where none is stored a copy. */
static int
guess_crcs(struct publisher *p, const struct layout *l, struct crc_set *crcs,
           const struct plan *plan, struct guess *g)
{
    CLEANUP_FREE uint8_t *seen = calloc(l->zip.count + 1, sizeof(*seen));
    size_t i;

    *g = (struct guess){
        .l = l,
        .crcs = crcs,
        .plan = plan,
        .caps = publisher_caps(p),
        .seen = seen,
    };
    if (!seen)
        return -ENOMEM;
    g->archive_sum = !g->caps.no_part_crc && !has_bad_range(g);
    g->scratch_sum = g->archive_sum && !g->caps.range_bad;
    for (i = 0; i < l->zip.count; i++)
        if (l->zip.member[i].size > READ_WHOLE_MAX)
            needs_head(g, i);
    guess_copies(g);
    crc_cost_end(crcs, &g->crc);
    g->seen = NULL;
    return 0;
}

/* To what the parts cost. */
static void
add_crcs(struct plan_totals *t, const struct crc_cost *c,
         const struct plan_prices *p)
{
    t->requests.copy += c->copies;
    t->requests.create += c->creates;
    t->requests.get += c->gets;
    t->downloaded += c->bytes;
    t->price_usd +=
        (double)(c->copies + c->creates) * p->per_million_writes / 1e6 +
        (double)c->gets * p->per_million_reads / 1e6 +
        (double)c->bytes * p->per_gb_out / 1e9;
}

int
publish_plan(struct publisher *p, struct reader *r, struct plan *ret,
             struct err *e)
{
    struct plan_prices prices = plan_prices_aws;
    struct layout *l = reader_layout(r);
    struct plan plan;
    struct guess g;
    int x;

    if (p->d.conf->prices)
        plan_prices_parse(&prices, p->d.conf->prices);
    x = plan_make(p, l, NULL, false, &plan, e);
    if (x < 0)
        return x;
    x = guess_crcs(p, l, reader_crcs(r), &plan, &g);
    if (x < 0) {
        plan_free(&plan);
        return err_set(e, -x, "out of memory");
    }
    plan_cost(&plan, &l->zip, &prices, 1 + g.heads, l->pages);
    add_crcs(&plan.totals, &g.crc, &prices);
    *ret = plan;
    return 0;
}
