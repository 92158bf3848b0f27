/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * How long a plan's calls take: the longest row of calls that wait for one
 * another, and the time of all of them side by side.  Called by plan_price;
 * calls plan_upload_parts.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

static void
take_longer(struct plan_path *p, struct plan_path q)
{
    if (p->calls < q.calls)
        p->calls = q.calls;
    if (p->seconds < q.seconds)
        p->seconds = q.seconds;
}

static void
add(struct plan_path *p, uint32_t calls, double seconds)
{
    p->calls += calls;
    p->seconds += seconds;
}

static bool
has_body(const struct zip_layout *l, const struct plan_part *p)
{
    uint64_t first, end;
    size_t i;

    for (i = plan_member_at(l, p->first);
         i < l->count && l->offset[i] < p->end; i++)
        if (plan_body_in(l, p, i, &first, &end))
            return true;
    return false;
}

/* From the beginning of all to the answer to a part; what it takes on the
 * line is not in it.  It waits for Create (begin) and for its source. */
static struct plan_path
part_path(const struct zip_layout *l, const struct plan_part *p,
          const struct plan_latency *t, struct plan_path begin,
          const struct plan_path *there)
{
    if (p->kind == PLAN_COPY_SCRATCH)
        take_longer(&begin, there[p->scratch]);
    if (p->kind == PLAN_UPLOAD && has_body(l, p))
        take_longer(&begin, (struct plan_path){1, t->first_byte});
    add(&begin, 1,
        p->kind == PLAN_UPLOAD
            ? t->upload
            : t->copy + t->copy_byte * (double)plan_part_len(p));
    return begin;
}

/* To the end of an upload of these parts. */
static struct plan_path
upload_path(const struct zip_layout *l, const struct plan_part *part, size_t n,
            const struct plan_latency *t, const struct plan_path *there)
{
    struct plan_path longest = {0}, created = {1, t->create};
    size_t i;

    if (n == 1 && part[0].kind == PLAN_UPLOAD) /* a PUT */
        return part_path(l, part, t, longest, there);
    for (i = 0; i < n; i++)
        take_longer(&longest, part_path(l, &part[i], t, created, there));
    add(&longest, 1, t->complete + t->complete_part * (double)n);
    return longest;
}

int
plan_path(const struct plan *p, const struct zip_layout *l,
          const struct plan_latency *t, struct plan_path *ret)
{
    CLEANUP_FREE struct plan_path *there =
        calloc(p->scratches + 1, sizeof(*there));
    size_t u, n;

    if (!there)
        return -ENOMEM;
    for (u = 0; u <= p->scratches; u++) {
        const struct plan_part *part = plan_upload_parts(p, u, &n);

        there[u] = upload_path(l, part, n, t, there);
    }
    *ret = there[p->scratches];
    return 0;
}

static double
shared(double seconds, uint32_t width)
{
    return width > 0 ? seconds / width : 0;
}

/* Calls with a body share the connections; of the others more go side by
 * side.  DELETEs come after the end. */
double
plan_calls_time(const struct plan *p, const struct plan_rates *r)
{
    const struct plan_requests *q = &p->totals.requests;
    const struct plan_latency *t = &r->latency;
    double parts = (double)(q->upload + q->copy);
    double body = t->upload * (double)q->upload +
                  t->first_byte * (double)(q->get + q->head + q->list);
    double none = t->create * (double)q->create + t->copy * (double)q->copy +
                  t->copy_byte * (double)p->totals.copied +
                  t->complete * (double)q->complete + t->complete_part * parts;

    body = shared(body, r->width_body);
    none = shared(none, r->width_none);
    return body > none ? body : none;
}
