/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An archive as a row of copied bodies and uploaded runs.  Must not know
 * how the pieces are put together.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct row {
    struct plan_item *item;
    size_t count;
    uint64_t at; /* end of what is in the row */
};

/* Everything up to end is uploaded. */
static void
add_run(struct row *r, uint64_t end)
{
    if (end > r->at && r->count > 0 &&
        r->item[r->count - 1].kind == PLAN_UPLOAD)
        r->item[r->count - 1].end = end;
    else if (end > r->at)
        r->item[r->count++] = (struct plan_item){
            .first = r->at, .end = end, .kind = PLAN_UPLOAD};
    r->at = max_u64(r->at, end);
}

static void
add_body(struct row *r, const struct zip_layout *l, size_t member)
{
    uint64_t end = l->offset[member + 1];

    if (end <= r->at)
        return; /* inside what the start uploads */
    add_run(r, zip_data_offset(l, member));
    r->item[r->count++] = (struct plan_item){
        .first = r->at,
        .end = end,
        .kind = PLAN_COPY,
        .member = (uint32_t)member,
    };
    r->at = end;
}

static uint64_t
length(const struct plan_item *i)
{
    return i->end - i->first;
}

/* The run at row[i] gets what it lacks from the bodies beside it, the left
 * one first, if both stay at least floor. */
static void
donate(struct row *row, size_t i, uint64_t floor)
{
    struct plan_item *run = &row->item[i];
    struct plan_item *left = i > 0 ? run - 1 : NULL, *right = run + 1;
    uint64_t lack = floor - length(run), give = 0;

    if (left && length(left) > floor)
        give = min_u64(lack, length(left) - floor);
    if (length(right) < floor + (lack - give))
        return;
    if (left) {
        left->end -= give;
        run->first -= give;
    }
    right->first += lack - give;
    run->end += lack - give;
}

static void
donate_all(struct row *row, const struct plan_style *style, uint64_t floor)
{
    size_t i;

    for (i = 0; i + 1 < row->count; i++) {
        const struct plan_item *run = &row->item[i];
        uint64_t lack = length(run) < floor ? floor - length(run) : 0;

        if (run->kind != PLAN_UPLOAD || lack == 0 || length(run + 1) < floor ||
            (i > 0 && length(run - 1) < floor))
            continue;
        if (lack <= style->donate || (i == 0 && style->donate_first))
            donate(row, i, floor);
    }
}

static bool
is_copied(const struct plan_style *style, uint64_t size, uint64_t floor,
          uint64_t *ties)
{
    if (size >= floor)
        return true;
    if (size == 0 || size < style->small)
        return false;
    if (size == style->small && *ties > 0) {
        (*ties)--;
        return false;
    }
    return true;
}

/* What everybody's pad is made of, where no large body can lend one: the
 * archive's first bytes, a floor and what is left of the small body in
 * which that ends.  No source so small is copied in ranges. */
static uint64_t
lender_end(const struct zip_layout *l, uint64_t floor)
{
    uint64_t end = min_u64(floor, l->size);
    size_t i = plan_member_at(l, end);

    return i < l->count && end > zip_data_offset(l, i) ? l->offset[i + 1]
                                                       : end;
}

int
plan_items(const struct zip_layout *l, const struct plan_limits *lim,
           const struct plan_style *style, struct plan_item **ret,
           size_t *ret_count)
{
    struct row row = {0};
    uint64_t ties = style->small_ties;
    size_t i, copied = 0, large = 0;

    for (i = 0; i < l->count; i++) {
        copied += is_copied(style, l->member[i].size, lim->part_min, &ties);
        large += l->member[i].size >= lim->part_min;
    }
    row.item = calloc(2 * copied + 3, sizeof(*row.item));
    if (!row.item)
        return -ENOMEM;
    /* Small bodies are appended to something: where no large body can lend
     * it, the archive's first bytes are uploaded. */
    if (large == 0 && copied > 0)
        add_run(&row, lender_end(l, lim->part_min));
    ties = style->small_ties;
    for (i = 0; i < l->count; i++)
        if (is_copied(style, l->member[i].size, lim->part_min, &ties))
            add_body(&row, l, i);
    add_run(&row, l->size);
    donate_all(&row, style, lim->part_min);
    *ret = row.item;
    *ret_count = row.count;
    return 0;
}
