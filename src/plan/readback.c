/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What reading an archive back costs, where no checksum of the store's says
 * that it is right.  Must not know how it is compared.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* So many ranges at most. */
enum { RANGES_MAX = 8192 };

uint64_t
plan_read_back_full(uint64_t size)
{
    return max_u64(PLAN_READ_BACK, ceil_div_u64(size, RANGES_MAX));
}

static int
by_place(const void *a, const void *b)
{
    const struct plan_range *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

static size_t
collect(const struct plan *p, struct plan_range *ret)
{
    size_t u, i, n, count = 0;

    for (u = 0; u <= p->scratches; u++) {
        const struct plan_part *part = plan_upload_parts(p, u, &n);

        for (i = 0; i < n; i++)
            if (part[i].kind == PLAN_UPLOAD)
                ret[count++] = (struct plan_range){.first = part[i].first,
                                                   .end = part[i].end};
    }
    return count;
}

static void
add_range(struct plan_totals *t, uint64_t first, uint64_t end)
{
    t->requests.get++;
    t->read_back += end - first;
    t->downloaded += end - first;
}

static int
add_uploaded(struct plan *p)
{
    size_t n = p->count + p->scratch_parts, i, count;
    CLEANUP_FREE struct plan_range *r = calloc(n + 1, sizeof(*r));
    uint64_t first;

    if (!r)
        return -ENOMEM;
    count = collect(p, r);
    qsort(r, count, sizeof(*r), by_place);
    for (i = 0; i < count; i++) {
        first = r[i].first;
        while (i + 1 < count &&
               plan_read_back_joins(first, r[i].end, r[i + 1].first,
                                    r[i + 1].end))
            i++;
        add_range(&p->totals, first, r[i].end);
    }
    return 0;
}

int
plan_cost_readback(struct plan *p, const struct zip_layout *l,
                   const struct plan_ask *ask)
{
    uint64_t len = plan_read_back_full(l->size), at;
    const struct plan_finding *f = &ask->finding;
    bool checksum = plan_has_checksum(p, l, ask);

    p->totals.requests.head += f->full || f->silent || !checksum;
    for (at = 0; f->full && at < l->size; at += len)
        add_range(&p->totals, at, min_u64(at + len, l->size));
    return f->full || checksum ? 0 : add_uploaded(p);
}
