/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * How long to wait: full jitter, the process's retry budget, and the rate
 * that SlowDown halves.  Pure arithmetic on times that are given; must not
 * know calls.
 */
#include <string.h>

#include "base/text.h"
#include "s3/call.h"

enum {
    BACKOFF_BASE_MS = 100,
    BACKOFF_CAP_MS = 20000,
    BUDGET_MAX = 200, /* retries at once */
    BUDGET_PER_SECOND = 20,
    PACE_MIN = 20,     /* requests a second */
    PACE_MAX = 5500,   /* what one partition serves (S3 user guide) */
    PACE_CUT_MS = 500, /* answers of one moment count once */
};

uint32_t
s3_backoff_ms(unsigned tries, uint32_t random)
{
    uint32_t limit = BACKOFF_CAP_MS;

    if (tries < 1)
        tries = 1;
    if (tries < 9)
        limit = min_u64((uint32_t)BACKOFF_BASE_MS << (tries - 1), limit);
    return random % (limit + 1);
}

uint32_t
s3_retry_after_ms(const char *amz_ms, const char *seconds)
{
    uint64_t ms = 0, s;

    if (amz_ms && text_parse_u64(&ms, amz_ms))
        return min_u64(ms, BACKOFF_CAP_MS);
    if (seconds && text_parse_u64(&s, seconds))
        return min_u64(min_u64(s, BACKOFF_CAP_MS) * 1000, BACKOFF_CAP_MS);
    return 0;
}

void
s3_budget_init(struct s3_budget *b, uint64_t now)
{
    b->tokens = BUDGET_MAX;
    b->at = now;
}

bool
s3_budget_take(struct s3_budget *b, uint64_t now)
{
    b->tokens += (double)(now - b->at) * BUDGET_PER_SECOND / 1000;
    b->at = now;
    if (b->tokens > BUDGET_MAX)
        b->tokens = BUDGET_MAX;
    if (b->tokens < 1)
        return false;
    b->tokens -= 1;
    return true;
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
        if (p->rate > PACE_MAX)
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

    if (p->cut && now - p->cut < PACE_CUT_MS)
        return;
    if (from == 0)
        from = p->seen > p->count ? p->seen : p->count;
    p->rate = from / 2 > PACE_MIN ? from / 2 : PACE_MIN;
    p->cut = p->raised = now;
}
