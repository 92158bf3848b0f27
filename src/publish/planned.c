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
    bool *seen;                    /* members; counted, or need no HEAD */
    uint64_t heads;
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

    if (!g->seen[member] && g->l->zip.member[member].hint != ZIP_HINT_OTHER &&
        !crc_peek(g->crcs, member, &value))
        g->heads++;
    g->seen[member] = true;
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
        g->seen[pp->member] = true;
    }
}

/* Requests for CRCs that nobody knows yet.  In a checksum upload the
 * copies give them, but for ranged ones of a store that was not seen
 * right; else each needs its HEAD. */
static int
unknown_heads(struct publisher *p, const struct layout *l,
              struct crc_set *crcs, const struct plan *plan, uint64_t *ret)
{
    CLEANUP_FREE bool *seen = calloc(l->zip.count + 1, sizeof(*seen));
    struct guess g = {
        .l = l,
        .crcs = crcs,
        .plan = plan,
        .caps = publisher_caps(p),
        .seen = seen,
    };
    size_t i;

    if (!seen)
        return -ENOMEM;
    g.archive_sum = !g.caps.no_part_crc && !has_bad_range(&g);
    g.scratch_sum = g.archive_sum && !g.caps.range_bad;
    for (i = 0; i < l->zip.count; i++)
        if (l->zip.member[i].size > READ_WHOLE_MAX)
            needs_head(&g, i);
    guess_copies(&g);
    *ret = g.heads;
    return 0;
}

int
publish_plan(struct publisher *p, struct reader *r, struct plan *ret,
             struct err *e)
{
    struct plan_prices prices = plan_prices_aws;
    struct layout *l = reader_layout(r);
    struct plan plan;
    uint64_t heads;
    int x;

    if (p->d.conf->prices)
        plan_prices_parse(&prices, p->d.conf->prices);
    x = plan_make(p, l, NULL, false, &plan, e);
    if (x < 0)
        return x;
    x = unknown_heads(p, l, reader_crcs(r), &plan, &heads);
    if (x < 0) {
        plan_free(&plan);
        return err_set(e, -x, "out of memory");
    }
    plan_cost(&plan, &l->zip, &prices, 1 + heads, l->pages);
    *ret = plan;
    return 0;
}
