/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Which ranges of which bodies to copy, for an order that is given: exact
 * dynamic programming over the large bodies in archive order.
 *
 * A gap below the floor can only be between two neighbours that are both
 * copied; what it lacks is lost whichever side gives it.  So the left body
 * gives (a suffix) as far as it can, then the right one (a prefix); the
 * prefix is all that the next step needs to know.  States of one body:
 * more bytes gained against a shorter prefix.
 *
 * A copied range costs part numbers too: the toll is what it must gain.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct state {
    int64_t gain;    /* bytes copied less tolls, this body included */
    uint64_t prefix; /* given by this body to the gap before it */
    uint32_t from;   /* state before, or NO_STATE */
    uint32_t body;
};
#define NO_STATE UINT32_MAX

/* States of one body, gain falling and prefix falling; at most so many:
 * far more than were ever seen. */
enum { STATES_MAX = 64 };

struct table {
    struct state *state; /* of all bodies, in order */
    size_t count, cap;
    uint32_t best_before; /* best state among the bodies before the last */
    uint32_t best;        /* and among all */
};

static int
table_add(struct table *t, const struct state *s)
{
    if (t->count == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 256;
        struct state *bigger;

        if (cap >= NO_STATE)
            return -ENOMEM;
        bigger = realloc(t->state, cap * sizeof(*bigger));
        if (!bigger)
            return -ENOMEM;
        t->state = bigger;
        t->cap = cap;
    }
    t->state[t->count++] = *s;
    return 0;
}

static int64_t
gain_of(const struct table *t, uint32_t state)
{
    return state == NO_STATE ? 0 : t->state[state].gain;
}

/* Two copies side by side need nothing between them. */
static uint64_t
lack_of(uint64_t gap, uint64_t floor)
{
    return gap > 0 && gap < floor ? floor - gap : 0;
}

/* The state of body when it is copied after state s of its neighbour;
 * false if the two cannot give what the gap lacks. */
static bool
step(const struct table *t, uint32_t from, const struct plan_body *left,
     const struct plan_body *body, uint64_t floor, uint64_t toll,
     struct state *ret)
{
    const struct state *s = &t->state[from];
    uint64_t gap = body->first - left->end;
    uint64_t lack = lack_of(gap, floor);
    uint64_t slack = left->end - left->first - floor - s->prefix;
    uint64_t prefix = lack > slack ? lack - slack : 0;
    uint64_t size = body->end - body->first;

    if (prefix > size - floor)
        return false;
    ret->prefix = prefix;
    ret->gain = s->gain + (int64_t)(size - lack) - (int64_t)toll;
    ret->from = from;
    return true;
}

/* Adds the states of body i, given those of its neighbour [first, last). */
static int
add_states(struct table *t, const struct plan_body *left,
           const struct plan_body *body, uint32_t index, uint64_t floor,
           uint64_t toll, uint32_t first, uint32_t last)
{
    uint64_t size = body->end - body->first;
    struct state s = {.body = index};
    uint32_t start = (uint32_t)t->count, i;
    uint64_t lack;
    int r;

    for (i = first; i < last && t->count - start < STATES_MAX; i++) {
        if (!step(t, i, left, body, floor, toll, &s))
            continue;
        /* Prefixes fall with i: of equal ones the first gains more. */
        if (t->count > start && t->state[t->count - 1].prefix == s.prefix)
            continue;
        r = table_add(t, &s);
        if (r < 0)
            return r;
    }
    /* The neighbour is not copied, or there is none. */
    s.from = t->best_before;
    lack = s.from == NO_STATE ? lack_of(body->first, floor) : 0;
    if (lack > size - floor)
        return 0;
    s.prefix = lack;
    s.gain = gain_of(t, s.from) + (int64_t)(size - lack) - (int64_t)toll;
    while (t->count > start && t->state[t->count - 1].prefix >= s.prefix &&
           t->state[t->count - 1].gain <= s.gain)
        t->count--;
    if (t->count > start && t->state[t->count - 1].prefix <= s.prefix)
        return 0;
    return table_add(t, &s);
}

/* Ranges from the states, last body first, then turned round. */
static size_t
collect(const struct table *t, const struct plan_body *body, uint64_t floor,
        struct plan_range *range)
{
    const struct plan_range *right = NULL;
    uint32_t at;
    size_t n = 0, i;

    for (at = t->best; at != NO_STATE; at = t->state[at].from) {
        const struct state *s = &t->state[at];
        const struct plan_body *b = &body[s->body];
        struct plan_range *r = &range[n++];

        r->first = b->first + s->prefix;
        r->end = b->end;
        r->body = s->body;
        if (right && lack_of(right->first - r->end, floor) > 0)
            r->end = right->first - floor;
        right = r;
    }
    for (i = 0; i < n / 2; i++) {
        struct plan_range swap = range[i];

        range[i] = range[n - 1 - i];
        range[n - 1 - i] = swap;
    }
    return n;
}

int
plan_copies(const struct plan_body *body, size_t n,
            const struct plan_toll *toll, uint64_t floor,
            struct plan_range *range, size_t *ret)
{
    struct table t = {.best_before = NO_STATE, .best = NO_STATE};
    uint32_t first = 0, last = 0, best, s;
    size_t i;
    int r = 0;

    for (i = 0; i < n && r == 0; i++) {
        uint64_t due = i < toll->turn ? toll->before : toll->after;

        best = t.best;
        /* What gains nothing does not help its neighbours either. */
        if (body[i].end - body[i].first > due)
            r = add_states(&t, i > 0 ? &body[i - 1] : NULL, &body[i],
                           (uint32_t)i, floor, due, first, last);
        first = last;
        last = (uint32_t)t.count;
        for (s = first; s < last; s++)
            if (t.state[s].gain > gain_of(&t, best))
                best = s;
        /* Not copying body i leaves the best so far for the next but one. */
        t.best_before = t.best;
        t.best = best;
    }
    if (r == 0)
        *ret = collect(&t, body, floor, range);
    free(t.state);
    return r;
}
