/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What a plan costs: bytes, requests, money.  Must not know how its parts
 * came about.
 */
#include "plan/internal.h"

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

bool
plan_body_in(const struct zip_layout *l, const struct plan_part *part,
             size_t member, uint64_t *first, uint64_t *end)
{
    *first = max_u64(part->first, zip_data_offset(l, member));
    *end = min_u64(part->end, l->offset[member + 1]);
    return *first < *end;
}

/* A small body that begins, header and all, in the uploaded part before:
 * fetched whole for that one, and still there. */
static bool
fetched_before(const struct zip_layout *l, size_t member, uint64_t run)
{
    return l->offset[member] >= run && l->member[member].size <= PLAN_FETCH;
}

/* Bodies that an upload part needs; run: where the uploaded parts that it
 * is the last of begin. */
static void
add_fetches(struct plan_totals *t, const struct zip_layout *l,
            const struct plan_part *part, uint64_t run)
{
    size_t i;

    for (i = plan_member_at(l, part->first);
         i < l->count && l->offset[i] < part->end; i++) {
        uint64_t first, end;

        if (!plan_body_in(l, part, i, &first, &end))
            continue;
        t->downloaded += end - first;
        if (first == zip_data_offset(l, i) || !fetched_before(l, i, run))
            t->requests.get += ceil_div_u64(end - first, PLAN_FETCH);
    }
}

static double
price(const struct plan_totals *t, const struct plan_prices *p)
{
    const struct plan_requests *r = &t->requests;

    return (double)(plan_writes(t) + r->list) * p->per_million_writes / 1e6 +
           (double)(r->get + r->head) * p->per_million_reads / 1e6 +
           (double)t->downloaded * p->per_gb_out / 1e9;
}

uint64_t
plan_writes(const struct plan_totals *t)
{
    const struct plan_requests *r = &t->requests;

    return r->upload + r->copy + r->create + r->complete;
}

/* The parts of one upload, and what begins and ends it. */
static void
add_upload(struct plan_totals *t, const struct zip_layout *l,
           const struct plan_part *part, size_t n)
{
    uint64_t run = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        uint64_t len = plan_part_len(&part[i]);

        if (part[i].kind != PLAN_UPLOAD) {
            t->copied += len;
            t->requests.copy++;
            continue;
        }
        if (i == 0 || part[i - 1].kind != PLAN_UPLOAD)
            run = part[i].first;
        t->uploaded += len;
        t->requests.upload++;
        add_fetches(t, l, &part[i], run);
    }
    /* An object that is uploaded in one part is a PUT. */
    if (n != 1 || part[0].kind != PLAN_UPLOAD) {
        t->requests.create++;
        t->requests.complete++;
    }
}

const struct plan_part *
plan_upload_parts(const struct plan *p, size_t u, size_t *ret_count)
{
    if (u >= p->scratches) {
        *ret_count = p->count;
        return p->part;
    }
    *ret_count = p->scratch[u].count;
    return p->scratch_part + p->scratch[u].part;
}

void
plan_cost(struct plan *p, const struct zip_layout *l,
          const struct plan_prices *prices, uint64_t heads, uint64_t lists)
{
    struct plan_totals t = {.requests = {.head = heads, .list = lists}};
    size_t u;

    for (u = 0; u <= p->scratches; u++) {
        size_t n;
        const struct plan_part *part = plan_upload_parts(p, u, &n);

        add_upload(&t, l, part, n);
        if (u < p->scratches)
            t.scratch +=
                p->scratch[u].pad + p->scratch[u].end - p->scratch[u].first;
    }
    t.requests.remove = p->scratches;
    t.price_usd = price(&t, prices);
    p->totals = t;
}

/* What must be read before anything can be sent: as much as an uploaded
 * part needs on average. */
static double
start_bytes(const struct plan_totals *t)
{
    uint64_t both = min_u64(t->uploaded, t->downloaded - t->read_back);

    return t->requests.upload > 0 ? (double)both / (double)t->requests.upload
                                  : 0;
}

/* What can be sent only when everything else is there: the part with the
 * central directory. */
static double
tail_bytes(const struct plan *p)
{
    const struct plan_part *last;

    if (p->count == 0)
        return 0;
    last = &p->part[p->count - 1];
    return last->kind == PLAN_UPLOAD ? (double)plan_part_len(last) : 0;
}

static double
larger(double a, double b)
{
    return a > b ? a : b;
}

double
plan_time(const struct plan *p, const struct plan_rates *r)
{
    const struct plan_totals *t = &p->totals;
    uint64_t down = t->downloaded - t->read_back;
    double bytes = (double)max_u64(t->uploaded, down) / r->bandwidth;
    double writes = (double)plan_writes(t);
    double reads =
        (double)(t->requests.get + t->requests.head + t->requests.list);
    double requests = larger(writes, reads) / r->request_rate;
    double copies = r->copy_rate > 0 ? (double)t->copied / r->copy_rate : 0;
    double complete =
        r->complete_rate > 0 && p->count > 1
            ? (double)p->part[p->count - 1].end / r->complete_rate
            : 0;

    requests = larger(requests, plan_calls_time(p, r));
    /* The line's own time has the last part in it. */
    return start_bytes(t) / r->bandwidth +
           larger(bytes,
                  larger(requests, copies) + tail_bytes(p) / r->bandwidth) +
           complete + (double)t->read_back / r->bandwidth + p->path.seconds;
}

int
plan_price(struct plan *p, const struct zip_layout *l,
           const struct plan_ask *ask)
{
    int r;

    plan_cost(p, l, &ask->prices, ask->heads, ask->lists);
    r = plan_cost_crcs(p, l, ask);
    if (r == 0)
        r = plan_cost_readback(p, l, ask);
    if (r == 0)
        r = plan_path(p, l, &ask->rates.latency, &p->path);
    p->totals.price_usd = price(&p->totals, &ask->prices);
    p->seconds = plan_time(p, &ask->rates);
    return r;
}
