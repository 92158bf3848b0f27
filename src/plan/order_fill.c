/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One trial of the free order: the C largest bodies are copied, each after
 * an upload part (a bin) of at least 5 MiB.  Members of some size are
 * placed largest first, each into the emptiest bin; small ones are poured
 * in runs, so a trial costs little even for a million members.  A bin that
 * is still short is filled by a donation of the body behind it.
 *
 * Must not know which C is worth a trial.
 */
#include "plan/internal.h"

#include <stdlib.h>
#include <string.h>

/* The emptiest bin is at the root. */
static void
sift_down(struct plan_bin *heap, size_t n, size_t at)
{
    struct plan_bin moved = heap[at];
    size_t child;

    while ((child = 2 * at + 1) < n) {
        if (child + 1 < n && heap[child + 1].have < heap[child].have)
            child++;
        if (heap[child].have >= moved.have)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

static uint64_t
key_weight(const struct plan_fill *f, size_t i)
{
    return f->weight[i + 1] - f->weight[i];
}

static void
key_note(struct plan_fill *f, size_t i, uint32_t bin)
{
    if (f->bin)
        f->bin[i] = bin;
}

/* Stable: by content, emptiest first (a merge sort, to owe nothing to the
 * C library's qsort). */
static void
sort_bins(struct plan_bin *bin, struct plan_bin *tmp, size_t n)
{
    size_t half = n / 2, i = 0, j = half, k;

    if (n < 2)
        return;
    sort_bins(bin, tmp, half);
    sort_bins(bin + half, tmp, n - half);
    memcpy(tmp, bin, n * sizeof(*bin));
    for (k = 0; k < n; k++)
        bin[k] = j == n || (i < half && tmp[i].have <= tmp[j].have) ? tmp[i++]
                                                                    : tmp[j++];
}

/* Largest first to the emptiest, until no bin is below target.  Returns
 * the first key that was not placed. */
static size_t
place(struct plan_fill *f, size_t copies, size_t next, uint64_t target)
{
    sort_bins(f->bins, f->scratch, copies); /* sorted: a heap */
    while (next < f->small && f->bins[0].have < target) {
        f->bins[0].have += key_weight(f, next);
        key_note(f, next++, f->bins[0].id);
        sift_down(f->bins, copies, 0);
        f->work++;
    }
    f->work += 2 * copies;
    return next;
}

/* How many keys from first on (before last) weigh at most room. */
static size_t
run_from_top(const struct plan_fill *f, size_t first, size_t last,
             uint64_t room)
{
    size_t low = first, high = last;

    while (low < high) {
        size_t mid = low + (high - low + 1) / 2;

        if (f->weight[mid] - f->weight[first] <= room)
            low = mid;
        else
            high = mid - 1;
    }
    return low - first;
}

/* How few keys before last (not before first) weigh at least room; all of
 * them if that is not enough. */
static size_t
run_from_end(const struct plan_fill *f, size_t first, size_t last,
             uint64_t room)
{
    size_t low = first, high = last;

    while (low < high) {
        size_t mid = low + (high - low + 1) / 2;

        if (f->weight[last] - f->weight[mid] >= room)
            low = mid;
        else
            high = mid - 1;
    }
    return last - low;
}

static void
pour_run(struct plan_fill *f, struct plan_bin *bin, size_t first, size_t n)
{
    size_t i;

    bin->have += f->weight[first + n] - f->weight[first];
    for (i = 0; f->bin && i < n; i++)
        f->bin[first + i] = bin->id;
}

/* Moves bins[at], which has grown, up to its place. */
static void
bin_rise(struct plan_bin *bin, size_t n, size_t at)
{
    struct plan_bin moved = bin[at];
    size_t low = at, high = n - 1;

    while (low < high) {
        size_t mid = low + (high - low + 1) / 2;

        if (bin[mid].have < moved.have)
            low = mid;
        else
            high = mid - 1;
    }
    memmove(&bin[at], &bin[at + 1], (low - at) * sizeof(*bin));
    bin[low] = moved;
}

/* The fullest bin that can take room bytes less than target; n if none. */
static size_t
bin_fit(const struct plan_bin *bin, size_t n, uint64_t weight, uint64_t target)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (bin[mid].have + weight <= target)
            low = mid + 1;
        else
            high = mid;
    }
    return low > 0 ? low - 1 : n;
}

/* PLAN_FILL_TIGHT: one member a bin, then each into the fullest bin that
 * it does not overfill; who fits nowhere goes to the emptiest. */
static size_t
place_tight(struct plan_fill *f, size_t copies, uint64_t target)
{
    struct plan_bin *bin = f->bins;
    size_t i, next = copies, at;

    for (i = 0; i < copies && next < f->small; i++) {
        bin[copies - 1 - i].have = key_weight(f, next);
        key_note(f, next++, bin[copies - 1 - i].id);
    }
    for (; next < f->small && bin[0].have < target; next++) {
        at = bin_fit(bin, copies, key_weight(f, next), target);
        if (at == copies)
            at = 0;
        bin[at].have += key_weight(f, next);
        key_note(f, next, bin[at].id);
        bin_rise(bin, copies, at);
        f->work += 1 + copies / 64;
    }
    return next;
}

/* The keys that are in no bin yet: [first, last). */
struct pool {
    size_t first, last;
};

/* Small members fill the fullest bins first, so that what stays short
 * stands before the largest bodies, which have most to give: a run of the
 * larger ones, then the smallest ones to the brim. */
static void
pour(struct plan_fill *f, size_t copies, struct pool *p, uint64_t target)
{
    size_t i, n;

    for (i = copies; i-- > 0 && p->first < p->last;) {
        struct plan_bin *bin = &f->bins[i];

        if (bin->have >= target)
            continue;
        n = run_from_top(f, p->first, p->last, target - bin->have);
        pour_run(f, bin, p->first, n);
        p->first += n;
        if (bin->have >= target || p->first == p->last)
            continue;
        n = run_from_end(f, p->first, p->last, target - bin->have);
        p->last -= n;
        pour_run(f, bin, p->last, n);
    }
}

/* All bins are full, yet the others take too many parts at the end: fill
 * bins up to the cap, which takes none. */
static void
top_up(struct plan_fill *f, size_t copies, struct pool *p, uint64_t excess)
{
    size_t i, n;

    for (i = 0; i < copies && p->first < p->last && excess > 0; i++) {
        struct plan_bin *bin = &f->bins[i];
        uint64_t room = f->cap - f->head_max, had = bin->have;

        if (had >= room)
            continue;
        n = run_from_top(f, p->first, p->last, room - had);
        pour_run(f, bin, p->first, n);
        p->first += n;
        excess -= min_u64(excess, bin->have - had);
    }
}

struct settled {
    uint64_t given; /* donations */
    uint64_t held;  /* streamed bytes in bins */
    uint64_t parts; /* but those after the last copy */
};

/* Emptiest bin before the largest body; false if one cannot spare what
 * its bin lacks. */
static bool
settle(struct plan_fill *f, size_t copies, struct settled *ret)
{
    struct settled s = {0};
    size_t i;

    sort_bins(f->bins, f->scratch, copies);
    f->work += copies;
    for (i = 0; i < copies; i++) {
        const struct plan_key *key = &f->key[i];
        uint64_t have = f->bins[i].have + key->head, gift = 0;

        if (have < ORDER_FLOOR)
            gift = ORDER_FLOOR - have;
        if (gift > key->size - ORDER_FLOOR)
            return false;
        s.held += f->bins[i].have;
        s.given += gift;
        s.parts += ceil_div_u64(have + gift, f->cap) +
                   ceil_div_u64(key->size - gift, ORDER_PART_MAX);
        key_note(f, i, f->bins[i].id);
    }
    *ret = s;
    return true;
}

/* As settle, and within the part numbers: then true and the bytes that
 * are uploaded. */
static bool
settle_parts(struct plan_fill *f, size_t copies, struct pool *p, uint64_t *ret)
{
    uint64_t streamed = f->weight[f->n] - f->weight[copies];
    uint64_t tail, room;
    struct settled s;
    size_t i;

    f->crowded = false;
    if (!settle(f, copies, &s))
        return false;
    f->crowded = true;
    if (s.parts >= ORDER_PARTS_MAX)
        return false;
    tail = streamed - s.held + f->end_len;
    room = (ORDER_PARTS_MAX - s.parts) * f->cap;
    if (tail > room) {
        top_up(f, copies, p, tail - room);
        if (!settle(f, copies, &s) || s.parts >= ORDER_PARTS_MAX)
            return false;
        tail = streamed - s.held + f->end_len;
        if (tail > (ORDER_PARTS_MAX - s.parts) * f->cap)
            return false;
    }
    for (i = 0; i < copies; i++)
        streamed += f->key[i].head;
    *ret = streamed + s.given;
    return true;
}

bool
plan_fill_try(struct plan_fill *f, size_t copies, enum plan_fill_way way,
              uint64_t *ret)
{
    struct pool pool = {copies, f->n};
    uint64_t target = 0;
    size_t i;

    if (f->bin)
        memset(f->bin, 0xff, f->n * sizeof(*f->bin));
    /* The body's header counts too; which body is not known yet, so a bin
     * is full when it is whatever the body. */
    for (i = 0; i < copies; i++) {
        target = max_u64(target, ORDER_FLOOR - f->key[i].head);
        f->bins[i] = (struct plan_bin){.id = (uint32_t)i};
    }
    if (way == PLAN_FILL_TIGHT)
        pool.first = place_tight(f, copies, target);
    pool.first = place(f, copies, pool.first, target);
    if (f->bins[0].have < target) {
        sort_bins(f->bins, f->scratch, copies);
        pour(f, copies, &pool, target);
    }
    return settle_parts(f, copies, &pool, ret);
}
