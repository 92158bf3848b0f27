/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Puts the pieces of an archive together with scratch objects.
 *
 * A piece below the floor can only be the last part of an upload, so it is
 * appended: [copy of what is before it][piece] makes a scratch object, and
 * that is what comes before the next piece.  What is before must have the
 * floor too: a large body, an object that has grown to it, or a pad (some
 * bytes of any large body), which is cut off by range when the object is
 * copied on.  Must not know which pieces are worth it.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* A body of so many floors is not carried whole: its last bytes are. */
enum { FLOORS_CARRIED = 8 };

struct composer {
    const struct zip_layout *l;
    const struct plan_limits *lim;
    const struct plan_style *style;
    const struct plan_item *item;
    size_t items;
    struct plan_stages *s;
    struct plan_part pad;     /* pad > 0, nothing of the archive */
    struct plan_part open[2]; /* what comes before the next piece */
    size_t opens;
};

static uint64_t
archived(const struct plan_part *p)
{
    return p->end - p->first;
}

static uint64_t
floor_of(const struct composer *c)
{
    return c->lim->part_min;
}

/* What is open is the first part of the next object: part_max bounds it. */
static uint64_t
carry_most(const struct composer *c)
{
    return min_u64(max_u64(c->style->carry, floor_of(c)), c->lim->part_max);
}

static uint64_t
body_carried(const struct composer *c)
{
    return min_u64(FLOORS_CARRIED * floor_of(c), c->lim->part_max);
}

static struct plan_part
part_of(const struct composer *c, const struct plan_item *i)
{
    struct plan_part p = {
        .first = i->first,
        .end = i->end,
        .kind = i->kind,
        .member = i->member,
    };

    if (i->kind == PLAN_COPY)
        p.from = i->first - zip_data_offset(c->l, i->member);
    return p;
}

static bool
is_solid(const struct composer *c, const struct plan_item *i)
{
    return i->end - i->first >= floor_of(c);
}

/* ------------------------------------------------------ what is open */

static void
set_open(struct composer *c, struct plan_part p)
{
    c->open[0] = p;
    c->opens = 1;
}

/* Can what is open stand in the final upload, with others behind it? */
static bool
is_closable(const struct composer *c)
{
    return c->opens == 0 ||
           (c->opens == 1 && archived(&c->open[0]) >= floor_of(c));
}

static void
close_open(struct composer *c)
{
    size_t i;

    for (i = 0; i < c->opens; i++)
        plan_stages_final(c->s, &c->open[i]);
    c->opens = 0;
}

static uint64_t
open_len(const struct composer *c)
{
    uint64_t len = 0;
    size_t i;

    for (i = 0; i < c->opens; i++)
        len += plan_part_len(&c->open[i]);
    return len;
}

/* Only the end of a large body that is open need be carried on. */
static void
lighten(struct composer *c)
{
    struct plan_part *p = &c->open[0], head;
    uint64_t most = min_u64(carry_most(c), body_carried(c));

    if (c->opens != 1 || p->kind != PLAN_COPY ||
        archived(p) < 2 * floor_of(c) || archived(p) <= most)
        return;
    head = plan_part_cut(p, archived(p) - floor_of(c));
    plan_stages_final(c->s, &head);
}

/* Something that can come before a piece: opens a pad if need be. */
static void
open_base(struct composer *c, uint64_t at)
{
    lighten(c);
    if (c->opens > 0 && is_closable(c) &&
        (open_len(c) > carry_most(c) ||
         plan_stages_depth(c->s, c->open, c->opens) > c->style->depth))
        close_open(c);
    if (c->opens == 0) {
        c->pad.first = c->pad.end = at;
        set_open(c, c->pad);
    }
}

/* What is open, then p: a scratch object, which is open then. */
static void
append(struct composer *c, const struct plan_part *p)
{
    struct plan_part part[3];
    size_t n = 0;
    uint32_t u;

    while (n < c->opens) {
        part[n] = c->open[n];
        n++;
    }
    part[n++] = *p;
    u = plan_stages_add(c->s, part, n);
    set_open(c, plan_stages_copy(c->s, u, floor_of(c)));
}

/* ------------------------------------------- many pieces, few in a row */

/* Uploads in sequence of a tree over chains of len pieces. */
static uint32_t
tree_depth(size_t pieces, size_t len)
{
    size_t chains = ceil_div_u64(pieces, len);
    uint32_t depth = (uint32_t)min_u64(len, pieces);

    for (; chains > 1; chains = (chains + 1) / 2)
        depth++;
    return depth;
}

/* Pieces item[first..end), each below the floor, on pads: chains of at
 * most len pieces, joined two by two; the right one loses its pad. */
static void
build_tree(struct composer *c, size_t first, size_t end, size_t len)
{
    size_t chains = ceil_div_u64(end - first, len), i;
    struct plan_part left, right;

    c->opens = 0;
    if (chains <= 1) {
        for (i = first; i < end; i++) {
            struct plan_part p = part_of(c, &c->item[i]);

            if (c->opens == 0) {
                c->pad.first = c->pad.end = p.first;
                set_open(c, c->pad);
            }
            append(c, &p);
        }
        return;
    }
    i = first + (chains + 1) / 2 * len;
    build_tree(c, first, i, len);
    left = c->open[0];
    build_tree(c, i, end, len);
    right = c->open[0];
    right.from += right.pad;
    right.pad = 0;
    set_open(c, left);
    append(c, &right);
}

/* If the pieces from item[i] on up to the floor are too many for one chain,
 * puts them together; the item after them, or i. */
static size_t
try_tree(struct composer *c, size_t i)
{
    uint64_t sum = 0;
    size_t end = i, len = c->style->depth - 1;

    while (end < c->items && sum < floor_of(c) && !is_solid(c, &c->item[end]))
        sum += c->item[end].end - c->item[end].first, end++;
    if (end - i <= len)
        return i;
    while (len > 1 && tree_depth(end - i, len) > c->style->depth - 1)
        len--;
    build_tree(c, i, end, len);
    return end;
}

/* ------------------------------------------------------------- pieces */

/* One piece or, on a fresh pad, a tree of them; the item after. */
static size_t
take_small(struct composer *c, size_t i)
{
    struct plan_part p = part_of(c, &c->item[i]);
    size_t next;

    if (i + 1 == c->items && is_closable(c)) {
        close_open(c);
        plan_stages_final(c->s, &p);
        return i + 1;
    }
    open_base(c, p.first);
    if (c->opens == 1 && archived(&c->open[0]) == 0) {
        next = try_tree(c, i);
        if (next > i)
            return next;
    }
    append(c, &p);
    return i + 1;
}

/* An uploaded run that can stand alone, in parts; the last stays open. */
static void
take_run(struct composer *c, struct plan_part p)
{
    uint64_t cap = min_u64(max_u64(c->lim->upload_cap, 2 * floor_of(c)),
                           c->lim->part_max);
    uint64_t n, len;

    if (!is_closable(c)) {
        /* As a last part it may have any size. */
        struct plan_part head = p;

        if (archived(&p) > cap)
            head = plan_part_cut(&p, floor_of(c));
        else
            p.first = p.end;
        append(c, &head);
    }
    for (n = plan_pieces(archived(&p), cap, floor_of(c)); n > 0; n--) {
        len = archived(&p) / n;
        close_open(c);
        set_open(c, n == 1 ? p : plan_part_cut(&p, len));
    }
}

static void
take_body(struct composer *c, struct plan_part p)
{
    struct plan_part head;

    if (is_closable(c)) {
        close_open(c);
        set_open(c, p);
        return;
    }
    if (archived(&p) < body_carried(c) && c->opens == 1) {
        c->open[c->opens++] = p;
        return;
    }
    head = plan_part_cut(&p, floor_of(c));
    append(c, &head);
    close_open(c);
    set_open(c, p);
}

/* The first bytes where no large body can lend a pad: an object that is
 * both their first part and everybody's pad. */
static void
take_lender(struct composer *c, struct plan_part p)
{
    uint32_t u;

    if (archived(&p) > 2 * floor_of(c)) {
        struct plan_part head = plan_part_cut(&p, floor_of(c));

        u = plan_stages_add(c->s, &head, 1);
        set_open(c, plan_stages_copy(c->s, u, floor_of(c)));
        take_run(c, p);
    } else {
        u = plan_stages_add(c->s, &p, 1);
        set_open(c, plan_stages_copy(c->s, u, floor_of(c)));
    }
    c->pad = (struct plan_part){
        .kind = PLAN_COPY_SCRATCH, .scratch = u, .pad = floor_of(c)};
}

static bool
find_pad(struct composer *c)
{
    size_t i;

    for (i = 0; i < c->l->count; i++) {
        if (c->l->member[i].size < floor_of(c))
            continue;
        c->pad = (struct plan_part){
            .kind = PLAN_COPY,
            .member = (uint32_t)i,
            .pad = floor_of(c),
        };
        return true;
    }
    return false;
}

static void
compose(struct composer *c)
{
    size_t i = 0;

    if (!find_pad(c) && c->items > 1) {
        take_lender(c, part_of(c, &c->item[0]));
        i = 1;
    }
    while (i < c->items && c->s->error == 0) {
        const struct plan_item *item = &c->item[i];

        if (!is_solid(c, item)) {
            i = take_small(c, i);
            continue;
        }
        if (item->kind == PLAN_UPLOAD)
            take_run(c, part_of(c, item));
        else
            take_body(c, part_of(c, item));
        i++;
    }
    /* The last part may have any size, but no pad. */
    if (c->opens == 1) {
        c->open[0].from += c->open[0].pad;
        c->open[0].pad = 0;
    }
    close_open(c);
}

int
plan_compose(struct plan *ret, const struct zip_layout *l,
             const struct plan_limits *lim, const struct plan_style *style,
             struct err *e)
{
    CLEANUP_FREE struct plan_item *item = NULL;
    CLEANUP(plan_stages_free) struct plan_stages s = {0};
    struct composer c = {.l = l, .lim = lim, .style = style, .s = &s};
    struct plan p = {0};
    int r = plan_items(l, lim, style, &item, &c.items);

    if (r < 0)
        return r;
    c.item = item;
    compose(&c);
    r = plan_stages_finish(&s, l, lim, &p, e);
    if (r == 0)
        *ret = p;
    return r;
}
