/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * How long to wait before another attempt: full jitter, and a budget of
 * retries.  Pure arithmetic on times that are given; must not know calls.
 */
#include <string.h>

#include "base/text.h"
#include "base/check.h"
#include "s3/retry.h"

enum {
    BACKOFF_BASE_MS = 100,
    BACKOFF_CAP_MS = 20000,
    BUDGET_MAX = 200, /* retries at once */
    BUDGET_PER_SECOND = 20,
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
