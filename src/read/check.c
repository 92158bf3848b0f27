/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Ranges of large members as they pass, in any order, joined until one
 * covers its member.  Bounded: of members that are read in bits here and
 * there only the last few are remembered.  Pure but for its lock.
 */
#include "read/impl.h"

#include <string.h>

enum { CHECK_MEMBERS = 64, CHECK_SEGMENTS = 128 };

struct segment {
    uint64_t first, length;
    uint32_t crc;
};

struct track {
    size_t member;
    uint64_t used; /* age; 0: free */
    size_t count;
    struct segment seg[CHECK_SEGMENTS]; /* ascending, apart */
};

struct check {
    pthread_mutex_t lock; /* all */
    uint64_t now;
    struct track *track[CHECK_MEMBERS];
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
    pthread_mutex_destroy(&c->lock);
    free(c);
}

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

static void
insert(struct track *t, const struct segment *s)
{
    size_t i = 0;

    while (i < t->count && t->seg[i].first < s->first)
        i++;
    /* Read again after it was dropped: it passed already. */
    if (i > 0 && t->seg[i - 1].first + t->seg[i - 1].length > s->first)
        return;
    if (i < t->count && s->first + s->length > t->seg[i].first)
        return;
    if (t->count == CHECK_SEGMENTS) { /* not going forward */
        t->count = 0;
        i = 0;
    }
    memmove(&t->seg[i + 1], &t->seg[i], (t->count - i) * sizeof(*s));
    t->seg[i] = *s;
    t->count++;
    join(t, i);
    if (i > 0)
        join(t, i - 1);
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
    insert(t, &s);
    if (t->count != 1 || t->seg[0].length != size)
        return false;
    *ret = t->seg[0].crc;
    t->count = 0;
    t->used = 0;
    return true;
}
