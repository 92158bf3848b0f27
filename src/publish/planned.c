/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What a publish would do, without doing it: user.publish.plan.  Sends
 * nothing.
 */
#include "publish/job.h"

/* Requests for CRCs that nobody knows yet.  In a checksum upload the
 * copies give them, but for ranged ones of a store that was not seen
 * right; else each needs its HEAD. */
static uint64_t
unknown_heads(struct publisher *p, const struct layout *l,
              struct crc_set *crcs, const struct plan *plan)
{
    struct caps caps = publisher_caps(p);
    bool checksums = !caps.no_part_crc && !caps.range_bad;
    uint64_t heads = 0, len;
    uint32_t last = UINT32_MAX, value;
    size_t i;

    for (i = 0; i < plan->scratch_parts + plan->count; i++) {
        const struct plan_part *pp =
            i < plan->scratch_parts ? &plan->scratch_part[i]
                                    : &plan->part[i - plan->scratch_parts];

        if (pp->kind != PLAN_COPY || pp->end == pp->first ||
            pp->member == last)
            continue;
        last = pp->member;
        len = pp->end - pp->first;
        if (l->zip.member[last].hint == ZIP_HINT_OTHER ||
            crc_peek(crcs, last, &value))
            continue;
        if (!checksums ||
            (len != l->zip.member[last].size && !caps.range_good))
            heads++;
    }
    return heads;
}

int
publish_plan(struct publisher *p, struct reader *r, struct plan *ret,
             struct err *e)
{
    struct layout *l = reader_layout(r);
    struct plan plan;
    uint64_t heads;
    int x;

    x = plan_make(p, l, NULL, false, &plan, e);
    if (x < 0)
        return x;
    heads = 1 + unknown_heads(p, l, reader_crcs(r), &plan);
    plan_cost(&plan, &l->zip, &plan_prices_aws, heads, l->pages);
    *ret = plan;
    return 0;
}
