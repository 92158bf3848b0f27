/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The part numbers of the final upload: two levels where there are too
 * many parts, split copies where there is room.  Must not know what the
 * parts are for.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct levels {
    struct plan_stages *s;
    const struct plan_limits *lim;
    struct plan_part *old; /* the final parts as they were */
    size_t count;
    uint64_t left;          /* of old[], in parts of at most part_max */
    struct plan_part *part; /* of the object that grows; parts_max */
    size_t parts;
    uint64_t bytes; /* in part[] */
};

static uint64_t
archived(const struct plan_part *p)
{
    return p->end - p->first;
}

static uint64_t
numbers(const struct levels *v, const struct plan_part *p, uint64_t most)
{
    return p->kind == PLAN_UPLOAD
               ? 1
               : plan_pieces(archived(p), most, v->lim->part_min);
}

/* p as n final parts. */
static void
emit(struct levels *v, struct plan_part p, uint64_t n)
{
    for (; n > 1; n--) {
        struct plan_part head = plan_part_cut(&p, archived(&p) / n);

        plan_stages_final(v->s, &head);
    }
    plan_stages_final(v->s, &p);
}

/* Ends the object that grows. */
static void
seal(struct levels *v)
{
    struct plan_part p = v->part[0];

    if (v->parts == 0)
        return;
    if (v->parts > 1)
        p = plan_stages_copy(v->s, plan_stages_add(v->s, v->part, v->parts),
                             0);
    plan_stages_final(v->s, &p);
    v->parts = 0;
    v->bytes = 0;
}

static void
grow(struct levels *v, struct plan_part p)
{
    v->part[v->parts++] = p;
    v->bytes += archived(&p);
}

/* How many bytes of p may go into the object: all, or so many that what
 * is left can begin the next one. */
static uint64_t
fitting(const struct levels *v, const struct plan_part *p, bool last)
{
    uint64_t most = v->lim->part_max - v->bytes, len = archived(p);
    uint64_t floor = last ? 1 : v->lim->part_min;

    if (v->parts == v->lim->parts_max)
        return 0;
    if (len <= most)
        return len;
    if (len <= floor)
        return 0;
    most = min_u64(most, len - floor);
    return v->parts == 0 && most < v->lim->part_min ? 0 : most;
}

static void
fold(struct levels *v, struct plan_part p, bool last)
{
    uint64_t len;

    while (archived(&p) > 0 && v->s->error == 0) {
        len = fitting(v, &p, last);
        if (len == archived(&p)) {
            grow(v, p);
            return;
        }
        if (len > 0)
            grow(v, plan_part_cut(&p, len));
        else if (v->parts == 0)
            v->s->error = -EFBIG; /* cannot be */
        seal(v);
    }
}

/* Folds from the front until the rest fits. */
static void
fold_all(struct levels *v)
{
    size_t i;

    for (i = 0; i < v->count && v->s->error == 0; i++) {
        uint64_t n = numbers(v, &v->old[i], v->lim->part_max);

        if (v->s->finals + (v->parts > 0) + v->left <= v->lim->parts_max) {
            seal(v);
            emit(v, v->old[i], n);
        } else {
            fold(v, v->old[i], i + 1 == v->count);
        }
        v->left -= n;
    }
    seal(v);
}

/* The least size to which copies can be split within the part numbers. */
static uint64_t
split_size(const struct levels *v)
{
    const struct plan_limits *lim = v->lim;
    uint64_t low =
        min_u64(max_u64(lim->copy_split, lim->part_min), lim->part_max);
    uint64_t high = lim->part_max, sum;
    size_t i;

    while (low < high) {
        uint64_t mid = low + (high - low) / 2;

        for (sum = 0, i = 0; i < v->count; i++)
            sum += numbers(v, &v->old[i], mid);
        if (sum <= lim->parts_max)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

void
plan_levels(struct plan_stages *s, const struct plan_limits *lim)
{
    CLEANUP_FREE struct plan_part *old = s->final;
    CLEANUP_FREE struct plan_part *part = NULL;
    struct levels v = {
        .s = s, .lim = lim, .old = s->final, .count = s->finals};
    uint64_t split;
    size_t i;

    s->final = NULL;
    s->finals = s->finals_cap = 0;
    part = calloc(lim->parts_max + (size_t)1, sizeof(*part));
    if (!part) {
        s->error = -ENOMEM;
        return;
    }
    v.part = part;
    for (i = 0; i < v.count; i++)
        v.left += numbers(&v, &v.old[i], lim->part_max);
    if (v.left > lim->parts_max) {
        fold_all(&v);
        return;
    }
    split = split_size(&v);
    for (i = 0; i < v.count; i++)
        emit(&v, v.old[i], numbers(&v, &v.old[i], split));
}
