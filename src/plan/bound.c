/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The lower bound of doc/planning: no plan of one upload, in which every
 * local header is uploaded, uploads fewer bytes.  Names are those of the
 * formula there.  Must not know how plans are made.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

int
plan_bound_init(struct plan_bound_set *b, const struct plan_key *key, size_t n,
                uint64_t floor, size_t copies_max)
{
    size_t i, most;

    *b = (struct plan_bound_set){
        .floor = floor, .n = n, .copies_max = copies_max};
    for (i = 0; i < n; i++) {
        b->total += key[i].size + key[i].head;
        b->head_max = max_u64(b->head_max, key[i].head);
        if (key[i].size >= floor) {
            b->large_sum += key[i].size;
            b->large++;
        }
    }
    /* K + a <= 3K: no sum reaches further down. */
    most = b->large < copies_max ? b->large : copies_max;
    b->top = most < n / 3 ? 3 * most : n;
    b->sum = calloc(b->top + 1, sizeof(*b->sum));
    b->lack = calloc(b->top + 1, sizeof(*b->lack));
    if (!b->sum || !b->lack) {
        plan_bound_free(b);
        return -ENOMEM;
    }
    for (i = 0; i < b->top; i++) {
        uint64_t full = key[i].size + 2 * b->head_max;

        b->sum[i + 1] = b->sum[i] + key[i].size;
        b->lack[i + 1] = b->lack[i] + (full < floor ? floor - full : 0);
    }
    return 0;
}

void
plan_bound_free(struct plan_bound_set *b)
{
    free(b->sum);
    free(b->lack);
    b->sum = b->lack = NULL;
}

/* Donated bytes if z upload parts hold no streamed member. */
static uint64_t
donated(const struct plan_bound_set *b, size_t copies, size_t z)
{
    size_t rest = b->n - copies;
    size_t twice = 2 * (copies - z);
    size_t a = twice > rest ? twice - rest : 0;

    return (b->floor - b->head_max) * z + b->lack[copies + a] -
           b->lack[copies];
}

uint64_t
plan_bound_at(const struct plan_bound_set *b, size_t copies)
{
    size_t rest = b->n - copies;
    size_t low = copies > rest ? copies - rest : 0;
    size_t high = copies;
    size_t left = b->large - copies;
    uint64_t given, parts, streamed = b->total - b->sum[copies];

    if (copies == 0)
        return b->total;
    if (b->floor <= b->head_max)
        return streamed; /* tiny floors of tests: still true */
    /* donated() is convex in z. */
    while (low < high) {
        size_t z = low + (high - low) / 2;

        if (donated(b, copies, z + 1) >= donated(b, copies, z))
            high = z;
        else
            low = z + 1;
    }
    given = donated(b, copies, low);
    if (given > b->sum[copies] - copies * b->floor)
        return UINT64_MAX;
    parts = b->large_sum - b->sum[copies];
    if (copies > left)
        parts += b->floor * (copies - left);
    return max_u64(parts, streamed + given);
}

/* Each copied member has an upload part of its own before it, and both have
 * the floor.  (plan_bound_at, by which order version 1 searches, does not
 * know it.) */
uint64_t
plan_bound_least(const struct plan_bound_set *b)
{
    size_t most = b->large < b->copies_max ? b->large : b->copies_max;
    uint64_t least = b->total;
    size_t copies;

    for (copies = 1; copies <= most; copies++) {
        if (2 * copies * b->floor > b->total)
            break;
        least = min_u64(least,
                        max_u64(plan_bound_at(b, copies), copies * b->floor));
    }
    return least;
}

int
plan_bound(const struct zip_layout *l, uint64_t *ret)
{
    CLEANUP_FREE struct plan_key *key = NULL;
    struct plan_bound_set b;
    int r;

    r = plan_keys(l->member, l->count, &key);
    if (r < 0)
        return r;
    r = plan_bound_init(&b, key, l->count, ORDER_FLOOR, ORDER_COPIES_MAX);
    if (r < 0)
        return r;
    *ret = plan_bound_least(&b) + (l->size - l->offset[l->count]);
    plan_bound_free(&b);
    return 0;
}

/* Every header and every small body is the last part of an upload of its
 * own, with Create, Complete and, but for the final one, a copy of what
 * came out; a large body is one more copy.  Bytes save that: a streamed
 * small body two uploads, a part of at least the floor one, a streamed
 * large body one and its copy. */
int
plan_bound_writes(const struct zip_layout *l, uint64_t uploaded, uint64_t *ret)
{
    CLEANUP_FREE struct plan_key *key = NULL;
    uint64_t all, saved, left = uploaded;
    size_t i, large = 0;
    int r = plan_keys(l->member, l->count, &key);

    if (r < 0)
        return r;
    while (large < l->count && key[large].size >= ORDER_FLOOR)
        large++;
    saved = 4 * (uploaded / ORDER_FLOOR);
    for (i = l->count; i > large && key[i - 1].size <= left; i--) {
        left -= key[i - 1].size;
        saved += 8;
    }
    if (i == large)
        saved += 5 * (left / ORDER_FLOOR);
    all = 4 * (2 * l->count - large) + large;
    *ret = all > saved + 5 ? all - saved - 5 : 1;
    return 0;
}
