/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What a plan costs: bytes, requests, money.  Must not know how its parts
 * came about.
 */
#include "plan/internal.h"

/* The reader fetches a range of a body in pieces of this size. */
#define FETCH_SIZE MIB(8)

size_t
plan_member_at(const struct zip_layout *l, uint64_t offset)
{
    size_t low = 0, high = l->count;

    while (low < high) {
        size_t mid = low + (high - low + 1) / 2;

        if (l->offset[mid] <= offset)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

/* Bodies that an upload part needs. */
static void
add_fetches(struct plan_totals *t, const struct zip_layout *l,
            const struct plan_part *part)
{
    size_t i;

    for (i = plan_member_at(l, part->first);
         i < l->count && l->offset[i] < part->end; i++) {
        uint64_t first = max_u64(part->first, zip_data_offset(l, i));
        uint64_t end = min_u64(part->end, l->offset[i + 1]);

        if (first >= end)
            continue;
        t->downloaded += end - first;
        t->requests.get += ceil_div_u64(end - first, FETCH_SIZE);
    }
}

static double
price(const struct plan_totals *t, const struct plan_prices *p)
{
    const struct plan_requests *r = &t->requests;
    double writes =
        (double)(r->upload + r->copy + r->create + r->complete + r->list);
    double reads = (double)(r->get + r->head);

    return writes * p->per_million_writes / 1e6 +
           reads * p->per_million_reads / 1e6 +
           (double)t->downloaded * p->per_gb_out / 1e9;
}

void
plan_cost(struct plan *p, const struct zip_layout *l,
          const struct plan_prices *prices, uint64_t heads, uint64_t lists)
{
    struct plan_totals t = {.requests = {.head = heads, .list = lists}};
    size_t i;

    for (i = 0; i < p->count; i++) {
        const struct plan_part *part = &p->part[i];

        if (part->kind == PLAN_COPY) {
            t.copied += part->end - part->first;
            t.requests.copy++;
        } else {
            t.uploaded += part->end - part->first;
            t.requests.upload++;
            add_fetches(&t, l, part);
        }
    }
    /* A small archive is one PUT. */
    if (p->count != 1 || l->size >= ORDER_FLOOR)
        t.requests.create = t.requests.complete = 1;
    t.price_usd = price(&t, prices);
    p->totals = t;
}
