/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A governor for the requests that S3 counts as writes and one for those
 * that it counts as reads: each has a pace and a budget of retries of its
 * own, so that a store that slows down the one does not slow down the
 * other.
 */
#include "s3/call.h"

void
s3_governors_init(struct s3 *s)
{
    uint64_t now = net_now_ms();
    unsigned side;

    for (side = 0; side < S3_SIDES; side++) {
        s3_pace_init(&s->governor[side].pace, side);
        s3_budget_init(&s->governor[side].budget, now);
    }
}

/* S3 counts GET and HEAD of objects as reads, and PUT, COPY, POST, DELETE
 * and LIST, also that of uploads, parts and versions, as writes. */
enum s3_side
s3_side_of(const struct s3_verb *v)
{
    return v->counter == S3_COUNTER(get) || v->counter == S3_COUNTER(head) ||
                   v->counter == S3_COUNTER(attributes) ||
                   v->counter == S3_COUNTER(lock)
               ? S3_READS
               : S3_WRITES;
}

struct s3_governor *
s3_governor_of(const struct s3_call *c)
{
    return &c->s->governor[s3_side_of(c->verb)];
}

/* Someone waits for it, or (Complete) all the others have been waited for
 * already. */
static bool
exempt(const struct s3_call *c)
{
    return c->urgent || c->patience == S3_PATIENCE_PROBE || c->verb->once;
}

uint32_t
s3_govern(struct s3_call *c)
{
    uint32_t wait;

    LOCK_SCOPE(&c->s->lock);

    wait = s3_pace_start(&s3_governor_of(c)->pace, net_now_ms());
    return exempt(c) ? 0 : wait;
}

void
s3_governors_get(struct s3 *s, struct s3_stats *ret)
{
    const struct s3_pace *r = &s->governor[S3_READS].pace;
    const struct s3_pace *w = &s->governor[S3_WRITES].pace;

    LOCK_SCOPE(&s->lock);

    ret->read_rate = (uint64_t)r->rate;
    ret->read_cuts = r->cuts;
    ret->write_rate = (uint64_t)w->rate;
    ret->write_cuts = w->cuts;
}
