/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The order of an archive, version 1 (doc/planning, "Order is format"):
 * from names and sizes alone, with fixed constants, integers only.
 *
 * The search visits counts of copied bodies by their lower bound, least
 * first, and ends when no count left can beat the best trial.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Members below are poured, not placed one by one; steps that one search
 * may spend.  Constants of the format. */
#define ORDER_SMALL KIB(256)
#define ORDER_WORK UINT64_C(8000000)

struct candidate {
    uint64_t bound;
    uint32_t copies;
};

struct search {
    struct plan_fill fill;
    struct plan_bound_set bound;
    struct candidate *candidate;
    size_t candidates;
    uint64_t best;      /* bytes uploaded */
    size_t best_copies; /* 0 = nothing is copied */
    enum plan_fill_way best_way;
    uint64_t best_cap;
    bool crowded; /* part numbers stood against a trial */
};

void
plan_order_key(struct zip_member *m, size_t n)
{
    size_t i;

    for (i = 1; i < n; i++)
        if (zip_member_name_cmp(&m[i - 1], &m[i]) > 0)
            break;
    if (i < n)
        qsort(m, n, sizeof(*m), zip_member_name_cmp);
}

static int
candidate_cmp(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->bound != y->bound)
        return x->bound < y->bound ? -1 : 1;
    return x->copies < y->copies ? 1 : -1; /* fewer bytes streamed first */
}

static void
search_free(struct search *s)
{
    plan_bound_free(&s->bound);
    free((void *)s->fill.weight);
    free(s->fill.bins);
    free(s->fill.scratch);
    free(s->candidate);
}

static int
search_init(struct search *s, const struct plan_key *key, size_t n)
{
    uint64_t *weight = calloc(n + 1, sizeof(*weight));
    size_t i, most;
    int r;

    s->fill.weight = weight;
    r = plan_bound_init(&s->bound, key, n, ORDER_FLOOR, ORDER_COPIES_MAX);
    if (!weight || r < 0)
        return -ENOMEM;
    most =
        s->bound.large < ORDER_COPIES_MAX ? s->bound.large : ORDER_COPIES_MAX;
    s->fill.key = key;
    s->fill.n = s->fill.small = n;
    s->fill.bins = calloc(most + 1, sizeof(*s->fill.bins));
    s->fill.scratch = calloc(most + 1, sizeof(*s->fill.scratch));
    s->candidate = calloc(most + 1, sizeof(*s->candidate));
    if (!s->fill.bins || !s->fill.scratch || !s->candidate)
        return -ENOMEM;
    s->fill.head_max = s->bound.head_max;
    s->fill.end_len = ZIP_END_MAX;
    for (i = 0; i < n; i++) {
        weight[i + 1] = weight[i] + key[i].size + key[i].head;
        s->fill.end_len += key[i].head + ZIP_CDH_FIXED - ZIP_LOC_FIXED;
        if (key[i].size < ORDER_SMALL && s->fill.small == n)
            s->fill.small = i;
    }
    for (i = 1; i <= most; i++) {
        struct candidate c = {plan_bound_at(&s->bound, i), (uint32_t)i};

        if (c.bound != UINT64_MAX)
            s->candidate[s->candidates++] = c;
    }
    if (s->candidates > 0)
        qsort(s->candidate, s->candidates, sizeof(*s->candidate),
              candidate_cmp);
    return 0;
}

/* Could so many copies fit the part numbers at all? */
static bool
parts_fit(const struct search *s, size_t copies)
{
    uint64_t streamed = s->bound.total - s->bound.sum[copies];

    return copies + max_u64(copies, streamed / s->fill.cap) <= ORDER_PARTS_MAX;
}

static void
search_try(struct search *s, const struct candidate *c)
{
    uint64_t bytes;
    int way;

    if (c->bound < s->best && !parts_fit(s, c->copies)) {
        s->crowded = true;
        return;
    }
    for (way = 0; way < PLAN_FILL_WAYS && c->bound < s->best; way++) {
        if (!plan_fill_try(&s->fill, c->copies, way, &bytes)) {
            s->crowded |= s->fill.crowded;
            continue;
        }
        if (bytes >= s->best)
            continue;
        s->best = bytes;
        s->best_copies = c->copies;
        s->best_way = way;
        s->best_cap = s->fill.cap;
    }
}

/* Coarse, for sets whose bound is far off; then by bound. */
static void
search_run(struct search *s)
{
    size_t step = s->candidates / 16 + 1;
    size_t i;

    s->crowded = false;
    s->fill.work = 0;
    for (i = 0; i < s->candidates; i += step)
        search_try(s, &s->candidate[i]);
    for (i = 0; i < s->candidates && s->fill.work < ORDER_WORK; i++) {
        if (s->candidate[i].bound >= s->best)
            break;
        search_try(s, &s->candidate[i]);
    }
}

/* The archive: bodies in the order of their names, each behind its bin,
 * whose members are in the order of their names too; then the others.
 * Members are sorted by name when we come here. */
static int
arrange(struct zip_member *m, size_t n, const struct plan_key *key,
        const uint32_t *bin, size_t copies)
{
    CLEANUP_FREE struct zip_member *sorted = calloc(n, sizeof(*sorted));
    CLEANUP_FREE uint32_t *of = calloc(n, sizeof(*of));
    CLEANUP_FREE size_t *at = calloc(copies + 1, sizeof(*at));
    CLEANUP_FREE uint32_t *slot = calloc(copies + 1, sizeof(*slot));
    CLEANUP_FREE bool *copied = calloc(n, sizeof(*copied));
    size_t i, sum = 0;
    uint32_t turn = 0;

    if (!sorted || !of || !at || !slot || !copied)
        return -ENOMEM;
    for (i = 0; i < n; i++) {
        of[key[i].index] = bin[i];
        copied[key[i].index] = i < copies;
    }
    for (i = 0; i < n; i++)
        if (copied[i])
            slot[of[i]] = turn++;
    slot[copies] = turn;
    for (i = 0; i < n; i++) {
        of[i] = slot[of[i] == PLAN_BIN_TAIL ? copies : of[i]];
        at[of[i]]++;
    }
    for (i = 0; i <= copies; i++) {
        size_t count = at[i];

        at[i] = sum;
        sum += count;
    }
    for (i = 0; i < n; i++)
        if (!copied[i])
            sorted[at[of[i]]++] = m[i];
    for (i = 0; i < n; i++) /* what is left of a bin's place is its body's */
        if (copied[i])
            sorted[at[of[i]]] = m[i];
    memcpy(m, sorted, n * sizeof(*m));
    return 0;
}

/* The smallest cap under which enough bytes fit 10,000 parts: it grows only
 * when they force it. */
static uint64_t
first_cap(const struct search *s)
{
    uint64_t least = s->candidates > 0 ? s->candidate[0].bound : 0;
    uint64_t cap = ORDER_UPLOAD_CAP;

    while (cap < ORDER_PART_MAX && cap * ORDER_PARTS_MAX < least)
        cap *= 2;
    return cap;
}

/* Upload parts may grow to twice the first cap that will do, if part
 * numbers are what keeps bodies from being copied and it saves a
 * hundredth. */
static void
search_caps(struct search *s)
{
    uint64_t cap;
    bool found = false;

    s->best = s->bound.total + 1;
    for (cap = first_cap(s); cap <= ORDER_PART_MAX; cap *= 2) {
        s->fill.cap = cap;
        if (found)
            s->best -= s->best / 100;
        search_run(s);
        if (found || !s->crowded)
            break;
        found = s->best_copies > 0;
    }
    s->fill.cap = s->best_cap;
}

static int
order_search(struct search *s, struct zip_member *m, size_t n,
             const struct plan_key *key)
{
    uint64_t bytes;
    int r;

    r = search_init(s, key, n);
    if (r < 0)
        return r;
    search_caps(s);
    if (s->best_copies == 0)
        return 0; /* nothing is copied: by name */
    s->fill.bin = calloc(n, sizeof(*s->fill.bin));
    if (!s->fill.bin)
        return -ENOMEM;
    plan_fill_try(&s->fill, s->best_copies, s->best_way, &bytes);
    r = arrange(m, n, key, s->fill.bin, s->best_copies);
    free(s->fill.bin);
    return r;
}

int
plan_order_duo(struct zip_member *m, size_t n)
{
    CLEANUP_FREE struct plan_key *key = NULL;
    struct search s = {0};
    int r;

    plan_order_key(m, n);
    r = plan_keys(m, n, &key);
    if (r < 0)
        return r;
    r = order_search(&s, m, n, key);
    search_free(&s);
    return r;
}
