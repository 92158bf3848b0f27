/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Ranges of large members as they pass, in any order, joined until one
 * covers its member; and their CRCs, for when they are dropped and fetched
 * again.  Bounded: of members that are read in bits here and there only the
 * last few are remembered, of ranges some 16,000.  Pure but for its lock.
 */
#include "read/impl.h"

#include <string.h>

enum {
    CHECK_MEMBERS = 64,
    CHECK_SEGMENTS = 128,
    CHECK_RANGES = 16384,
    CHECK_PROBES = 4,
};

struct segment {
    uint64_t first, length;
    uint32_t crc;
};

struct track {
    size_t member;
    uint64_t used; /* age; 0: free */
    uint64_t sum;  /* which one it is */
    size_t count;
    struct segment seg[CHECK_SEGMENTS]; /* ascending, apart */
};

/* A range that is part of a sum. */
struct range {
    size_t member;
    uint64_t first, length;
    uint64_t sum; /* 0: free */
    uint32_t crc;
    uint32_t whole; /* the member's, by that sum, */
    bool summed;    /* once it is complete */
};

struct check {
    pthread_mutex_t lock; /* all */
    uint64_t now, sums;
    struct track *track[CHECK_MEMBERS];
    struct range *range; /* CHECK_RANGES, from the first one on */
};

struct check *
check_new(void)
{
    struct check *c = calloc(1, sizeof(*c));

    if (c)
        pthread_mutex_init(&c->lock, NULL);
    return c;
}

void
check_free(struct check *c)
{
    size_t i;

    if (!c)
        return;
    for (i = 0; i < CHECK_MEMBERS; i++)
        free(c->track[i]);
    free(c->range);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* -------------------------------------------------------------- ranges */

static struct range *
range_slot(struct check *c, size_t member, uint64_t first, unsigned probe)
{
    uint64_t x = (first ^ (uint64_t)member << 40) + member;

    x *= UINT64_C(0x9e3779b97f4a7c15);
    return &c->range[((x >> 40) + probe) % CHECK_RANGES];
}

/* Exactly that one, or NULL. */
static struct range *
find_range(struct check *c, size_t member, uint64_t first, uint64_t length)
{
    struct range *g;
    unsigned i;

    for (i = 0; c->range && i < CHECK_PROBES; i++) {
        g = range_slot(c, member, first, i);
        if (g->sum && g->member == member && g->first == first &&
            g->length == length)
            return g;
    }
    return NULL;
}

/* In place of the same one, nothing, or what has been there longest. */
static void
keep_range(struct check *c, const struct track *t, const struct segment *s)
{
    struct range *to = find_range(c, t->member, s->first, s->length), *g;
    unsigned i;

    if (!c->range)
        c->range = calloc(CHECK_RANGES, sizeof(*c->range));
    if (!c->range)
        return;
    for (i = 0; !to && i < CHECK_PROBES; i++) {
        g = range_slot(c, t->member, s->first, i);
        to = g->sum ? NULL : g;
    }
    for (i = 0; !to && i < CHECK_PROBES; i++) {
        g = range_slot(c, t->member, s->first, i);
        to = !to || g->sum < to->sum ? g : to;
    }
    *to = (struct range){.member = t->member,
                         .first = s->first,
                         .length = s->length,
                         .sum = t->sum,
                         .crc = s->crc};
}

static void
end_sum(struct check *c, const struct track *t)
{
    struct range *g = c->range;
    size_t i;

    for (i = 0; g && i < CHECK_RANGES; i++, g++)
        if (g->sum == t->sum) {
            g->summed = true;
            g->whole = t->seg[0].crc;
        }
}

/* ---------------------------------------------------------------- sums */

static struct track *
find_track(struct check *c, size_t member)
{
    struct track **oldest = &c->track[0], *t;
    size_t i;

    for (i = 0; i < CHECK_MEMBERS; i++) {
        t = c->track[i];
        if (t && t->used && t->member == member)
            return t;
        if (*oldest && (!t || t->used < (*oldest)->used))
            oldest = &c->track[i];
    }
    if (!*oldest)
        *oldest = malloc(sizeof(**oldest));
    t = *oldest;
    if (t) {
        t->member = member;
        t->count = 0;
        t->sum = ++c->sums;
    }
    return t;
}

/* Joins seg[i + 1] to seg[i] if they touch. */
static void
join(struct track *t, size_t i)
{
    struct segment *a = &t->seg[i], *b = a + 1;

    if (i + 1 >= t->count || a->first + a->length != b->first)
        return;
    a->crc = crc_join(a->crc, b->crc, b->length);
    a->length += b->length;
    t->count--;
    memmove(b, b + 1, (t->count - i - 1) * sizeof(*b));
}

/* False if it is no part of the sum. */
static bool
insert(struct check *c, struct track *t, const struct segment *s)
{
    size_t i = 0;

    while (i < t->count && t->seg[i].first < s->first)
        i++;
    /* Read again after it was dropped: it passed already. */
    if (i > 0 && t->seg[i - 1].first + t->seg[i - 1].length > s->first)
        return false;
    if (i < t->count && s->first + s->length > t->seg[i].first)
        return false;
    if (t->count == CHECK_SEGMENTS) { /* not going forward */
        t->count = 0;
        t->sum = ++c->sums;
        i = 0;
    }
    memmove(&t->seg[i + 1], &t->seg[i], (t->count - i) * sizeof(*s));
    t->seg[i] = *s;
    t->count++;
    join(t, i);
    if (i > 0)
        join(t, i - 1);
    return true;
}

bool
check_add(struct check *c, size_t member, uint64_t size, uint64_t first,
          uint64_t length, uint32_t crc, uint32_t *ret)
{
    struct segment s = {first, length, crc};
    struct track *t;
    LOCK_SCOPE(&c->lock);

    t = find_track(c, member);
    if (!t)
        return false;
    t->used = ++c->now;
    if (insert(c, t, &s))
        keep_range(c, t, &s);
    if (t->count != 1 || t->seg[0].length != size)
        return false;
    *ret = t->seg[0].crc;
    end_sum(c, t);
    t->count = 0;
    t->used = 0;
    return true;
}

bool
check_known(struct check *c, size_t member, uint32_t whole, uint64_t first,
            uint64_t length, uint32_t *ret)
{
    LOCK_SCOPE(&c->lock);
    const struct range *g = find_range(c, member, first, length);

    if (!g || !g->summed || g->whole != whole)
        return false;
    *ret = g->crc;
    return true;
}
