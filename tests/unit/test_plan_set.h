/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Generated sets of members for the tests of plan/: integers only, so the
 * same everywhere.
 */
#ifndef S3ZIPFS_TEST_PLAN_SET_H
#define S3ZIPFS_TEST_PLAN_SET_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "plan/internal.h"

/* As usual, and one page of a listing. */
static inline struct plan_ask
ask_for(enum plan_objective o)
{
    return (struct plan_ask){
        .limits = plan_limits_s3,
        .prices = plan_prices_aws,
        .rates = plan_rates_default,
        .objective = o,
        .lists = 1,
    };
}

struct rng {
    uint64_t state;
};

/* splitmix64 */
static inline uint64_t
rng_next(struct rng *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* low..high */
static inline uint64_t
rng_range(struct rng *r, uint64_t low, uint64_t high)
{
    return low + rng_next(r) % (high - low + 1);
}

/* About normal: a sum of twelve uniform draws. */
static inline uint64_t
rng_normal(struct rng *r, uint64_t mean, uint64_t sigma)
{
    uint64_t sum = 0;
    int i;

    for (i = 0; i < 12; i++)
        sum += rng_range(r, 0, 1 << 20);
    sum = mean + (sigma * sum >> 20);
    return sum > 6 * sigma ? sum - 6 * sigma : 0;
}

/* Heavy tail: a uniform mantissa and a geometric exponent. */
static inline uint64_t
rng_heavy(struct rng *r, uint64_t base)
{
    uint64_t size = rng_range(r, base / 2, base);

    while (rng_next(r) % 5 < 3 && size < MIB(300))
        size *= 2;
    return size;
}

struct set {
    struct zip_member *m;
    char *names;
    size_t n;
};

enum { SET_NAME = 24, SET_KINDS = 7 };

static inline uint64_t
set_size(struct rng *r, unsigned kind, uint64_t a, uint64_t b)
{
    switch (kind) {
    case 0:
        return rng_normal(r, MIB(1) + a % MIB(10), b % MIB(4) + 1);
    case 1:
        return rng_range(r, a % MIB(6), a % MIB(6) + b % MIB(12));
    case 2:
        return rng_heavy(r, KIB(100) + a % MIB(3));
    case 3:
        if (rng_next(r) % 100 < a % 60)
            return rng_range(r, 0, KIB(64));
        return rng_next(r) % 100 < b % 50 ? rng_range(r, MIB(1), MIB(5))
                                          : rng_range(r, MIB(5), MIB(25));
    case 4:
        return rng_range(r, MIB(5), MIB(5) + b % MIB(6));
    case 5: { /* the special sizes */
        static const uint64_t special[] = {0,
                                           1,
                                           MIB(5) - 1,
                                           MIB(5),
                                           MIB(5) + 1,
                                           MIB(10) - 60,
                                           MIB(10) - 64,
                                           MIB(10),
                                           MIB(16),
                                           MIB(40),
                                           1000,
                                           KIB(256)};

        return special[rng_next(r) % ARRAY_SIZE(special)];
    }
    default:
        return rng_range(r, MIB(4), MIB(7));
    }
}

static inline struct set
set_make(uint64_t seed, unsigned kind, size_t n)
{
    struct rng r = {seed};
    uint64_t a = rng_next(&r), b = rng_next(&r);
    struct set s = {.n = n};
    size_t i;

    s.m = calloc(n + 1, sizeof(*s.m));
    s.names = malloc((n + 1) * SET_NAME);
    assert_non_null(s.m);
    assert_non_null(s.names);
    for (i = 0; i < n; i++) {
        char *name = s.names + i * SET_NAME;
        int len = snprintf(name, SET_NAME, "d/%0*zu", (int)(4 + i % 9), i);

        s.m[i].name = s.m[i].key = name;
        s.m[i].name_len = s.m[i].key_len = (uint16_t)len;
        s.m[i].etag = "-";
        s.m[i].etag_len = 1;
        s.m[i].size = set_size(&r, kind, a, b);
    }
    return s;
}

static inline void
set_free(struct set *s)
{
    free(s->m);
    free(s->names);
}

#endif
