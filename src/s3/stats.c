/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the exchanges of a client come to: counters, failures by cause, and
 * latencies by kind in histograms whose steps grow with the value.  All of
 * it is atomic counters, no lock.  Must not know what an exchange is for.
 */
#include <errno.h>
#include <stddef.h>

#include "s3/call.h"

_Static_assert(S3_COUNTER(retries) == S3_KINDS * sizeof(uint64_t),
               "the kinds come first");

static const char *const kind_names[S3_KINDS] = {
    "list",         "get",        "head",          "attributes",
    "create",       "upload",     "copy",          "complete",
    "abort",        "put",        "delete",        "delete_many",
    "list_uploads", "list_parts", "list_versions", "lock",
};

const char *
s3_kind_name(unsigned kind)
{
    return kind_names[kind];
}

/* ----------------------------------------------------------- histograms */

/* Exact below 2 * HIST_STEPS; above, HIST_STEPS steps an octave. */
unsigned
s3_hist_slot(uint32_t ms)
{
    unsigned octave;

    if (ms < HIST_STEPS)
        return ms;
    octave = 31 - (unsigned)__builtin_clz(ms) - HIST_STEP_BITS;
    if (octave > HIST_OCTAVES)
        return HIST_SLOTS - 1;
    return octave * HIST_STEPS + (ms >> octave);
}

/* The largest value of a slot. */
uint32_t
s3_hist_value(unsigned slot)
{
    unsigned octave = slot / HIST_STEPS;

    if (octave > 0)
        octave--;
    return ((slot - octave * HIST_STEPS + 1) << octave) - 1;
}

void
s3_hist_add(struct s3_hist *h, uint32_t ms)
{
    __atomic_fetch_add(&h->slot[s3_hist_slot(ms)], 1, __ATOMIC_RELAXED);
}

uint32_t
s3_hist_percentile(const struct s3_hist *h, unsigned percent)
{
    uint64_t total = 0, seen = 0, rank;
    uint32_t n[HIST_SLOTS];
    unsigned i;

    for (i = 0; i < HIST_SLOTS; i++) {
        n[i] = __atomic_load_n(&h->slot[i], __ATOMIC_RELAXED);
        total += n[i];
    }
    rank = (total * percent + 99) / 100;
    for (i = 0; i < HIST_SLOTS && total > 0; i++) {
        seen += n[i];
        if (seen >= rank)
            return s3_hist_value(i);
    }
    return 0;
}

/* -------------------------------------------------------------- causes */

static size_t
cause_of(const struct s3_call *c, const struct net_response *r,
         enum s3_how how)
{
    if (how == S3_HOW_SLOW)
        return S3_COUNTER(errors_slow);
    if (c->local_err < 0)
        return S3_COUNTER(errors_answer);
    if (r->err < 0 || r->status == 0)
        return S3_COUNTER(errors_network);
    if (r->status >= 500 || (r->status / 100 == 2 && c->error.code[0]))
        return S3_COUNTER(errors_server);
    if (r->status / 100 == 2)
        return S3_COUNTER(errors_answer);
    return S3_COUNTER(errors_refused);
}

void
s3_stats_exchange(const struct s3_call *c, const struct net_response *r,
                  enum s3_how how)
{
    struct s3_kind *k = &c->s->kind[c->sent_kind];

    s3_count(c->s, S3_COUNTER(bytes_in), r->received);
    s3_count(c->s, S3_COUNTER(bytes_out), r->sent);
    if (r->err == -ECANCELED) {
        s3_count(c->s, S3_COUNTER(cancelled), 1);
    } else if (how == S3_HOW_OK || how == S3_HOW_NEXT) {
        s3_hist_add(&k->first, r->first_ms);
        s3_hist_add(&k->total, r->total_ms);
    } else {
        __atomic_fetch_add(&k->errors, 1, __ATOMIC_RELAXED);
        s3_count(c->s, cause_of(c, r, how), 1);
    }
}

/* ------------------------------------------------------------- reading */

void
s3_stats_get(struct s3 *s, struct s3_stats *ret)
{
    const uint64_t *from = (const uint64_t *)(const void *)&s->stats;
    uint64_t *to = (uint64_t *)(void *)ret;
    size_t i;

    for (i = 0; i < sizeof(*ret) / sizeof(*to); i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    s3_trace_counts(s->trace, &ret->trace_lines, &ret->trace_dropped);
    s3_governors_get(s, ret);
}

void
s3_kind_get(struct s3 *s, unsigned kind, struct s3_kind_stats *ret)
{
    const struct s3_kind *k = &s->kind[kind];

    ret->errors = __atomic_load_n(&k->errors, __ATOMIC_RELAXED);
    ret->first_p50 = s3_hist_percentile(&k->first, 50);
    ret->first_p99 = s3_hist_percentile(&k->first, 99);
    ret->total_p50 = s3_hist_percentile(&k->total, 50);
    ret->total_p99 = s3_hist_percentile(&k->total, 99);
}
