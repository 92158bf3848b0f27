/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The tables of plan/: S3's limits, AWS's list prices, strategy names.
 */
#include "plan/plan.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"

/* S3 user guide, "Amazon S3 multipart upload limits"; upload_cap, copy_split
 * and copies_max are ours. */
const struct plan_limits plan_limits_s3 = {
    .part_min = MIB(5),
    .part_max = GIB(5),
    .object_max = UINT64_C(10000) * GIB(5), /* 48.8 TiB */
    .upload_cap = MIB(16),
    .copy_split = MIB(256),
    .parts_max = 10000,
    .copies_max = 7,
};

const struct plan_prices plan_prices_aws = {
    .per_million_writes = 5.00,
    .per_million_reads = 0.40,
    .per_gb_out = 0.09,
};

/* A gigabit line to a store in the same region, that takes somewhat fewer
 * writes than S3 does of a prefix. */
const struct plan_rates plan_rates_default = {
    .bandwidth = 125e6,
    .request_rate = 2000,
    .round_trip = 0.02,
    .latency =
        {
            .first_byte = 0.02,
            .create = 0.03,
            .copy = 0.06,
            .copy_byte = 0.008 / (1 << 20),
            .upload = 0.04,
            .complete = 0.08,
            .complete_part = 0.0002,
            .remove = 0.02,
        },
    .width_body = 96,
    .width_none = 512,
};

/* Sums of some floors, or of a hundred, stay far from 64 bits. */
#define PART_MOST (UINT64_C(1) << 50)
enum { PARTS_LEAST = 3, PARTS_MOST = 1 << 20 };

int
plan_limits_check(const struct plan_limits *lim, struct err *e)
{
    unsigned long long min = lim->part_min, max = lim->part_max,
                       object = lim->object_max;

    if (min < 1)
        return err_set(e, EINVAL, "limits: a part of no bytes");
    if (max > PART_MOST || min > max / 2)
        return err_set(e, EINVAL,
                       "limits: the largest part (%llu) is not between twice "
                       "the smallest (%llu) and 2^50",
                       max, min);
    if (object > INT64_MAX || max > object / 3)
        return err_set(e, EINVAL,
                       "limits: the largest object (%llu) is not between "
                       "three times the largest part (%llu) and 2^63",
                       object, max);
    if (lim->parts_max < PARTS_LEAST || lim->parts_max > PARTS_MOST)
        return err_set(e, EINVAL, "limits: %u parts are not between %d and %d",
                       lim->parts_max, PARTS_LEAST, PARTS_MOST);
    return 0;
}

/* Digits and a point, to 1e9 at most; the end, or NULL. */
static const char *
parse_decimal(double *ret, const char *s)
{
    double value = 0, unit = 0;
    const char *begin = s;

    for (; (*s >= '0' && *s <= '9') || (*s == '.' && unit == 0); s++) {
        if (*s == '.') {
            unit = 1;
            continue;
        }
        unit /= 10;
        if (unit > 0)
            value += unit * (*s - '0');
        else
            value = 10 * value + (*s - '0');
    }
    *ret = value;
    return s > begin && s - begin < 16 && value <= 1e9 ? s : NULL;
}

bool
plan_prices_parse(struct plan_prices *ret, const char *text)
{
    struct plan_prices p;
    const char *s = parse_decimal(&p.per_million_writes, text);

    if (s && *s == '/')
        s = parse_decimal(&p.per_million_reads, s + 1);
    else
        return false;
    if (s && *s == '/')
        s = parse_decimal(&p.per_gb_out, s + 1);
    else
        return false;
    if (!s || *s != '\0')
        return false;
    *ret = p;
    return true;
}

bool
plan_latency_parse(struct plan_latency *ret, const char *text)
{
    static const char between[] = "//+//+/";
    const double milli = 1e-3, mib = 1 << 20;
    double v[sizeof(between)];
    const char *s = text;
    size_t i;

    for (i = 0; i < ARRAY_SIZE(v); i++) {
        s = parse_decimal(&v[i], s);
        if (!s || *s != between[i])
            return false;
        s++;
    }
    *ret = (struct plan_latency){
        .first_byte = v[0] * milli,
        .create = v[1] * milli,
        .copy = v[2] * milli,
        .copy_byte = v[3] * milli / mib,
        .upload = v[4] * milli,
        .complete = v[5] * milli,
        .complete_part = v[6] * milli,
        .remove = v[7] * milli,
    };
    return true;
}

static const char *const strategy_names[] = {
    [PLAN_DUO] = "duo",     [PLAN_STREAM] = "stream", [PLAN_STITCH] = "stitch",
    [PLAN_CHAIN] = "chain", [PLAN_AGAIN] = "again",   [PLAN_MIXED] = "mixed",
};

const char *
plan_strategy_name(enum plan_strategy s)
{
    return (size_t)s < ARRAY_SIZE(strategy_names) ? strategy_names[s] : NULL;
}

bool
plan_strategy_parse(enum plan_strategy *ret, const char *name)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(strategy_names); i++) {
        if (strcmp(name, strategy_names[i]) != 0)
            continue;
        *ret = (enum plan_strategy)i;
        return true;
    }
    return false;
}
