/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Sorting by size: a radix sort, because the order of a million members
 * has to be there before a lookup can answer.  Knows nothing of parts.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

/* One stable pass on 11 bits; larger digits first. */
static void
sort_pass(const struct plan_key *from, struct plan_key *to, size_t n,
          unsigned shift)
{
    size_t at[DIGITS] = {0};
    size_t i, sum = 0;
    int d;

    for (i = 0; i < n; i++)
        at[from[i].size >> shift & (DIGITS - 1)]++;
    for (d = DIGITS - 1; d >= 0; d--) {
        size_t count = at[d];

        at[d] = sum;
        sum += count;
    }
    for (i = 0; i < n; i++)
        to[at[from[i].size >> shift & (DIGITS - 1)]++] = from[i];
}

void
plan_sort_keys(struct plan_key *key, struct plan_key *scratch, size_t n)
{
    struct plan_key *from = key, *to = scratch, *swap;
    uint64_t bits = 0;
    unsigned shift;
    size_t i;

    for (i = 0; i < n; i++)
        bits |= key[i].size;
    for (shift = 0; shift < 64 && bits >> shift; shift += DIGIT_BITS) {
        sort_pass(from, to, n, shift);
        swap = from;
        from = to;
        to = swap;
    }
    if (from != key && n > 0)
        memcpy(key, from, n * sizeof(*key));
}

int
plan_keys(const struct zip_member *m, size_t n, struct plan_key **ret)
{
    CLEANUP_FREE struct plan_key *key = NULL;
    CLEANUP_FREE struct plan_key *scratch = NULL;
    size_t i;

    key = calloc(n + 1, sizeof(*key));
    scratch = calloc(n + 1, sizeof(*scratch));
    if (!key || !scratch)
        return -ENOMEM;
    for (i = 0; i < n; i++) {
        key[i].size = m[i].size;
        key[i].head = zip_loc_len(&m[i]);
        key[i].index = (uint32_t)i;
    }
    plan_sort_keys(key, scratch, n);
    *ret = STEAL(key);
    return 0;
}
