/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A plan for people: "name: value" lines, at most 4 KiB.
 */
#include "plan/internal.h"

#include "base/buf.h"
#include "base/text.h"

typedef unsigned long long ull;

static double
percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static int
add_bytes(struct buf *out, const char *name, uint64_t bytes, uint64_t whole)
{
    char text[16];

    return buf_addf(out, "%s: %llu (%s, %.2f %%)\n", name, (ull)bytes,
                    text_size(text, bytes), percent(bytes, whole));
}

static int
add_layout(struct buf *out, const struct zip_layout *l,
           const struct plan_meta *meta)
{
    char text[16];
    int r;

    r = buf_addf(out, "layout: 1\norder: %s\n", meta->order);
    if (r == 0 && meta->digest_hex)
        r = buf_addf(out, "digest: %s\n", meta->digest_hex);
    if (r == 0)
        r = buf_addf(out, "entries: %zu\nbytes: %llu (%s)\n", l->count,
                     (ull)l->size, text_size(text, l->size));
    return r;
}

static int
add_requests(struct buf *out, const struct plan_requests *q)
{
    return buf_addf(out,
                    "requests: upload %llu, copy %llu, create %llu, "
                    "complete %llu, get %llu, head %llu, list %llu\n",
                    (ull)q->upload, (ull)q->copy, (ull)q->create,
                    (ull)q->complete, (ull)q->get, (ull)q->head, (ull)q->list);
}

/* Within 0.1 % of the bound nothing is left to be gained. */
static const char *
verdict(const struct plan *p)
{
    if (p->strategy != PLAN_DUO || p->totals.uploaded < p->bound)
        return "";
    return p->totals.uploaded - p->bound <= p->bound / 1000 ? ": optimal" : "";
}

int
plan_text(struct buf *out, const struct plan *p, const struct zip_layout *l,
          const struct plan_meta *meta)
{
    const struct plan_totals *t = &p->totals;
    int r;

    r = add_layout(out, l, meta);
    if (r == 0)
        r = buf_addf(out,
                     "strategy: %s\nparts: %zu (%llu uploaded, %llu "
                     "copied)\n",
                     plan_strategy_name(p->strategy), p->count,
                     (ull)t->requests.upload, (ull)t->requests.copy);
    if (r == 0)
        r = add_bytes(out, "uploaded", t->uploaded, l->size);
    if (r == 0)
        r = add_bytes(out, "downloaded", t->downloaded, l->size);
    if (r == 0)
        r = add_bytes(out, "copied", t->copied, l->size);
    if (r == 0)
        r = buf_addf(out, "lower-bound: %llu (%.2f %%)%s\n", (ull)p->bound,
                     percent(p->bound, l->size), verdict(p));
    if (r == 0)
        r = add_requests(out, &t->requests);
    if (r == 0)
        r = buf_addf(out, "price-usd: %.4f\n", t->price_usd);
    return r;
}
