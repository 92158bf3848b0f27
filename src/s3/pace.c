/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The rate of requests, which SlowDown halves and time raises again.  Pure
 * arithmetic on times that are given; must not know calls.
 */
#include "s3/retry.h"

enum {
    /* What one partition serves a second (S3 user guide, "Best practices
     * design patterns: optimizing Amazon S3 performance"). */
    READS_MAX = 5500,
    WRITES_MAX = 3500,
    PACE_MIN = 20,     /* requests a second */
    PACE_CUT_MS = 500, /* answers of one moment count once */
};

void
s3_pace_init(struct s3_pace *p, enum s3_side side)
{
    *p = (struct s3_pace){.max = side == S3_READS ? READS_MAX : WRITES_MAX};
}

static void
pace_count(struct s3_pace *p, uint64_t now)
{
    if (now - p->window >= 1000) {
        p->seen = now - p->window < 2000 ? p->count : 0;
        p->count = 0;
        p->window = now;
    }
    p->count++;
}

uint32_t
s3_pace_start(struct s3_pace *p, uint64_t now)
{
    double wait;

    pace_count(p, now);
    if (p->rate == 0)
        return 0;
    if (now - p->raised >= 1000) {
        p->rate += 5 + p->rate / 20;
        p->raised = now;
        if (p->rate > p->max)
            p->rate = 0;
    }
    if (p->rate == 0)
        return 0;
    if (p->next < (double)now)
        p->next = (double)now;
    wait = p->next - (double)now;
    p->next += 1000 / p->rate;
    return (uint32_t)wait;
}

void
s3_pace_slow(struct s3_pace *p, uint64_t now)
{
    double from = p->rate;

    if (p->cuts > 0 && now - p->cut < PACE_CUT_MS)
        return;
    if (from == 0)
        from = p->seen > p->count ? p->seen : p->count;
    p->rate = from / 2 > PACE_MIN ? from / 2 : PACE_MIN;
    p->cut = p->raised = now;
    p->cuts++;
}
