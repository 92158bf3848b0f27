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
                    "complete %llu, get %llu, head %llu, list %llu, "
                    "delete %llu\n",
                    (ull)q->upload, (ull)q->copy, (ull)q->create,
                    (ull)q->complete, (ull)q->get, (ull)q->head, (ull)q->list,
                    (ull)q->remove);
}

static int
add_crcs(struct buf *out, const uint64_t *crc)
{
    if (crc[PLAN_CRC_KNOWN] + crc[PLAN_CRC_COPIES] + crc[PLAN_CRC_ORACLE] +
            crc[PLAN_CRC_READ] ==
        0)
        return 0;
    return buf_addf(out,
                    "crcs: known %llu, from copies %llu, oracle %llu, "
                    "read %llu\n",
                    (ull)crc[PLAN_CRC_KNOWN], (ull)crc[PLAN_CRC_COPIES],
                    (ull)crc[PLAN_CRC_ORACLE], (ull)crc[PLAN_CRC_READ]);
}

/* Within 0.1 % of the bound nothing is left to be gained. */
static const char *
verdict(const struct plan *p)
{
    if (p->strategy != PLAN_DUO || p->totals.uploaded < p->bound)
        return "";
    return p->totals.uploaded - p->bound <= p->bound / 1000 ? ": optimal" : "";
}

const char *
plan_origin_name(enum plan_origin o)
{
    static const char *const names[] = {"assumed", "measured", "given"};

    return names[o];
}

static int
add_rates(struct buf *out, const struct plan_meta *meta)
{
    static const struct plan_origins assumed;
    const struct plan_origins *o = meta->origins ? meta->origins : &assumed;
    const struct plan_latency *t;
    char text[16];
    int r;

    if (!meta->rates)
        return 0;
    t = &meta->rates->latency;
    r = buf_addf(out,
                 "bandwidth: %s/s (%s)\nrequest-rate: %.0f/s (%s)\n"
                 "round-trip: %.4f s (%s)\n",
                 text_size(text, (uint64_t)meta->rates->bandwidth),
                 plan_origin_name(o->bandwidth), meta->rates->request_rate,
                 plan_origin_name(o->request_rate), meta->rates->round_trip,
                 plan_origin_name(o->round_trip));
    if (r == 0)
        r = buf_addf(out,
                     "latency-ms: first byte %.3g, create %.3g, copy %.3g + "
                     "%.3g a MiB, upload %.3g, complete %.3g + %.3g a part, "
                     "delete %.3g\n"
                     "side-by-side: %u with a body, %u without\n",
                     1e3 * t->first_byte, 1e3 * t->create, 1e3 * t->copy,
                     1e3 * t->copy_byte * (1 << 20), 1e3 * t->upload,
                     1e3 * t->complete, 1e3 * t->complete_part,
                     1e3 * t->remove, meta->rates->width_body,
                     meta->rates->width_none);
    if (r == 0 && meta->rates->copy_rate > 0)
        r = buf_addf(out, "copy-rate: %s/s (measured)\n",
                     text_size(text, (uint64_t)meta->rates->copy_rate));
    if (r == 0 && meta->rates->complete_rate > 0)
        r = buf_addf(out, "complete-rate: %s/s (measured)\n",
                     text_size(text, (uint64_t)meta->rates->complete_rate));
    return r;
}

int
plan_text(struct buf *out, const struct plan *p, const struct zip_layout *l,
          const struct plan_meta *meta)
{
    const struct plan_totals *t = &p->totals;
    size_t i, uploaded = 0;
    int r;

    for (i = 0; i < p->count; i++)
        uploaded += p->part[i].kind == PLAN_UPLOAD;
    r = add_layout(out, l, meta);
    if (r == 0)
        r = buf_addf(out,
                     "strategy: %s\nparts: %zu (%zu uploaded, %zu copied)\n",
                     plan_strategy_name(p->strategy), p->count, uploaded,
                     p->count - uploaded);
    if (r == 0)
        r = add_bytes(out, "uploaded", t->uploaded, l->size);
    if (r == 0)
        r = add_bytes(out, "downloaded", t->downloaded, l->size);
    if (r == 0 && t->read_back > 0)
        r = add_bytes(out, "read-back", t->read_back, l->size);
    if (r == 0)
        r = add_bytes(out, "copied", t->copied, l->size);
    if (r == 0 && p->scratches > 0)
        r = buf_addf(out,
                     "scratch: %zu objects, %llu bytes (%.2f %%)\n"
                     "uploads-in-sequence: %u\n",
                     p->scratches, (ull)t->scratch,
                     percent(t->scratch, l->size), p->sequence);
    if (r == 0)
        r = buf_addf(out, "lower-bound: %llu (%.2f %%)%s\n", (ull)p->bound,
                     percent(p->bound, l->size), verdict(p));
    if (r == 0)
        r = add_requests(out, &t->requests);
    if (r == 0)
        r = add_crcs(out, t->crc);
    if (r == 0)
        r = buf_addf(out, "price-usd: %.4f\n", t->price_usd);
    if (r == 0 && p->seconds > 0)
        r = buf_addf(out, "longest-path: %u calls, %.2f s\nseconds: %.1f\n",
                     p->path.calls, p->path.seconds, p->seconds);
    return r < 0 ? r : add_rates(out, meta);
}

static int
add_row(struct buf *out, const struct plan_choice *c, int s,
        const struct zip_layout *l)
{
    const char *name = plan_strategy_name((enum plan_strategy)s);
    const struct plan *p = &c->plan[s];
    const struct plan_totals *t = &p->totals;
    const struct plan_requests *q = &t->requests;
    char up[16], down[16], copied[16], scratch[16];

    if (c->why[s].num != 0)
        return buf_addf(out, "%-8s  %s\n", name, c->why[s].text);
    return buf_addf(
        out, "%-8s%10s %6.2f %%%11s%11s%11s%8llu%8llu%5u%9.1f%10.4f%s\n", name,
        text_size(up, t->uploaded), percent(t->uploaded, l->size),
        text_size(down, t->downloaded), text_size(copied, t->copied),
        text_size(scratch, t->scratch), (ull)plan_writes(t),
        (ull)(q->get + q->head + q->list), p->sequence, p->seconds,
        t->price_usd, s == (int)c->best ? "  auto" : "");
}

int
plan_choice_text(struct buf *out, const struct plan_choice *c,
                 const struct zip_layout *l)
{
    uint64_t bound = c->plan[c->best].bound;
    char text[16];
    int s, r;

    r = buf_addf(out, "\n%-8s%10s %8s%11s%11s%11s%8s%8s%5s%9s%10s\n",
                 "strategy", "uploaded", "", "downloaded", "copied", "scratch",
                 "writes", "reads", "row", "seconds", "USD");
    for (s = 0; s < PLAN_STRATEGIES && r == 0; s++)
        r = add_row(out, c, s, l);
    return r < 0 ? r
                 : buf_addf(out,
                            "lower bound of one upload: %s uploaded, "
                            "%.2f %%\n",
                            text_size(text, bound), percent(bound, l->size));
}
