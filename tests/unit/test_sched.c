/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The scheduler of a publish, alone: more than ten thousand random plans,
 * those of every strategy and others that no strategy makes, with answers in
 * any order, failures, processes that are killed, limits that change.  The
 * judge is sched_world.c.
 */
#include "sched_world.h"

/* ------------------------------------------------------------- the caller */

static struct sched_limits
some_limits(struct rng *r)
{
    struct sched_limits lim = {
        .calls = (uint32_t)rng_range(r, 1, 20),
        .uploads = (uint32_t)rng_range(r, 1, 6),
        .lookups = (uint32_t)rng_range(r, 1, 8),
        .batch = (uint32_t)(rng_next(r) % 3 ? rng_range(r, 1, 5) : 1000),
        .memory = UINT64_C(1) << rng_range(r, 0, 28),
    };

    lim.reads = (uint32_t)rng_range(r, 1, lim.uploads);
    return lim;
}

/* What is in flight above a smaller limit stays. */
static void
change_limits(struct world *w, struct rng *r)
{
    w->lim = some_limits(r);
    sched_limits(w->s, &w->lim);
}

/* Somebody reads a member for another reason. */
static void
learn(struct world *w, size_t member)
{
    w->known[member] = true;
    sched_crc(w->s, member);
}

/* One thing happens. */
static void
happen(struct world *w, struct rng *r)
{
    size_t i = rng_next(r) % w->flights;
    const struct sched_task *t = &w->flight[i];
    bool body = t->kind == SCHED_UPLOAD || t->kind == SCHED_PUT;

    if (rng_next(r) % 16 == 0)
        change_limits(w, r);
    if (rng_next(r) % 64 == 0)
        learn(w, rng_next(r) % w->l->count);
    if (rng_next(r) % 64 == 0) {
        w->facts.trusted = true;
        sched_trust(w->s);
    }
    if (rng_next(r) % 8 == 0)
        world_failed(w, i);
    else if (body && w->part[t->part] == WORLD_BUSY && rng_next(r) % 4)
        world_read(w, i);
    else
        world_done(w, i);
}

/* At most so many things; true: all is over. */
static bool
run(struct world *w, struct rng *r, uint64_t most)
{
    enum sched_turn turn;

    while ((turn = world_take(w)) != SCHED_OVER && most-- > 0)
        happen(w, r);
    return turn == SCHED_OVER;
}

static void
draw_facts(struct sched_facts *f, struct rng *r)
{
    *f = (struct sched_facts){
        .checksum = rng_next(r) % 4 > 0,
        .trusted = rng_next(r) % 2,
    };
    f->scratch_checksum = f->checksum && rng_next(r) % 4 > 0;
}

/* What is known of the members, and whether the listing says so. */
static void
draw_members(struct world *w, struct zip_member *m, struct rng *r)
{
    unsigned known = rng_next(r) % 5, stored = rng_next(r) % 5;
    size_t i;

    for (i = 0; i < w->l->count; i++) {
        w->known[i] = rng_next(r) % 4 < known;
        w->stored[i] = rng_next(r) % 4 < stored;
        m[i].hint = rng_next(r) % 2 ? ZIP_HINT_UNKNOWN : ZIP_HINT_CRC32_FULL;
        if (!w->stored[i] && rng_next(r) % 2)
            m[i].hint = ZIP_HINT_OTHER;
    }
}

/* A publish of p, killed a few times on the way. */
static void
publish(const struct plan *p, const struct zip_layout *l,
        const struct zip_layout *previous, struct zip_member *m, uint64_t seed)
{
    struct rng r = {seed};
    struct sched_facts facts;
    struct sched_limits lim;
    struct world w;
    unsigned kills = rng_next(&r) % 3;

    draw_facts(&facts, &r);
    world_init(&w, p, l, previous, &facts);
    w.seed = seed;
    draw_members(&w, m, &r);
    w.copies_answer = rng_next(&r) % 8 > 0;
    for (;;) {
        lim = some_limits(&r);
        world_begin(&w, &lim, &r);
        if (run(&w, &r, kills ? rng_range(&r, 0, 3 * w.parts) : UINT64_MAX))
            break;
        world_kill(&w, &r);
        kills--;
    }
    world_over(&w);
    world_free(&w);
}

/* ---------------------------------------------------- plans of strategies */

static struct plan_limits
limits_small(struct rng *r)
{
    struct plan_limits lim = {
        .part_min = rng_range(r, 1, rng_next(r) % 2 ? 400 : 40000),
        .object_max = UINT64_C(1) << 40,
        .parts_max = (uint32_t)rng_range(r, 6, 60),
    };

    lim.part_max = lim.part_min * rng_range(r, 2, 40);
    lim.upload_cap = lim.part_min * rng_range(r, 1, 8);
    lim.copy_split = lim.part_min * rng_range(r, 1, 40);
    return lim;
}

/* Sizes about the floor of the limits. */
static void
shrink(struct set *s, const struct plan_limits *lim, struct rng *r)
{
    size_t i;

    for (i = 0; i < s->n; i++)
        s->m[i].size = rng_next(r) % 4 ? rng_range(r, 0, 3 * lim->part_min)
                                       : rng_range(r, 0, 60 * lim->part_min);
}

static void
strategies(uint64_t seed, bool small, unsigned *plans)
{
    struct rng r = {seed};
    struct set set = set_make(seed, (unsigned)rng_next(&r) % SET_KINDS,
                              rng_range(&r, 1, small ? 24 : 40));
    struct set old = set_make(seed, (unsigned)rng_next(&r) % SET_KINDS, 20);
    struct plan_ask ask = ask_for((enum plan_objective)(seed % 3));
    struct zip_layout l, previous;
    unsigned k;

    if (small) {
        ask.limits = limits_small(&r);
        shrink(&set, &ask.limits, &r);
    }
    if (rng_next(&r) % 2)
        assert_int_equal(plan_order_duo(set.m, set.n), 0);
    for (k = 0; k < set.n && k < old.n; k++)
        if (rng_next(&r) % 4)
            old.m[k] = set.m[k];
    assert_int_equal(zip_layout_init(&l, set.m, set.n), 0);
    assert_int_equal(zip_layout_init(&previous, old.m, old.n), 0);
    ask.previous = &previous;
    for (k = 0; k < PLAN_STRATEGIES; k++) {
        struct plan p;

        if (plan_strategy_make(&p, &l, &ask, (enum plan_strategy)k, NULL) < 0)
            continue;
        publish(&p, &l, &previous, set.m, seed * PLAN_STRATEGIES + k);
        plan_free(&p);
        ++*plans;
    }
    zip_layout_free(&l);
    zip_layout_free(&previous);
    set_free(&set);
    set_free(&old);
}

static void
test_strategies(void **state)
{
    unsigned plans = 0;
    uint64_t seed;

    (void)state;
    for (seed = 1; seed <= 1000; seed++)
        strategies(seed, true, &plans);
    for (; seed <= 1250; seed++)
        strategies(seed, false, &plans);
    assert_true(plans > 5000);
}

/* ------------------------------------------------- plans of no strategy */

/* An archive in pieces, some of which are put together beforehand, some of
 * these again. */
struct puzzle {
    struct rng *r;
    const struct zip_layout *l;
    struct plan_part row[256]; /* of the archive */
    size_t count;
    struct plan_part part[2048]; /* of scratch objects */
    size_t parts;
    struct plan_upload up[512];
    size_t ups;
};

static void
cut_archive(struct puzzle *z)
{
    struct zip_piece p;

    zip_piece_at(z->l, 0, &p);
    do {
        uint64_t at = p.first, end;

        for (; at < p.end; at = end) {
            struct plan_part *part = &z->row[z->count++];

            end = rng_next(z->r) % 2 ? p.end : rng_range(z->r, at + 1, p.end);
            *part = (struct plan_part){.first = at, .end = end};
            if (p.kind == ZIP_PIECE_DATA && rng_next(z->r) % 2) {
                part->kind = PLAN_COPY;
                part->member = (uint32_t)p.index;
                part->from = at - p.first;
            }
        }
    } while (z->count < 150 && zip_piece_next(z->l, &p));
    z->row[z->count - 1].end = z->l->size;
    z->row[z->count - 1].kind = PLAN_UPLOAD;
}

/* Neighbours that are uploaded are one part, more often than not. */
static void
join_uploads(struct puzzle *z)
{
    size_t i, n = 1;

    for (i = 1; i < z->count; i++)
        if (z->row[i].kind == PLAN_UPLOAD &&
            z->row[n - 1].kind == PLAN_UPLOAD && rng_next(z->r) % 4)
            z->row[n - 1].end = z->row[i].end;
        else
            z->row[n++] = z->row[i];
    z->count = n;
}

/* Bytes of no meaning in front: of a member, of an object, of nothing. */
static void
add_pad(struct puzzle *z, uint64_t at)
{
    struct plan_part p = {.first = at, .end = at, .pad = 1};
    uint32_t member = (uint32_t)(rng_next(z->r) % z->l->count);

    if (z->ups > 0 && rng_next(z->r) % 2) {
        p.kind = PLAN_COPY_SCRATCH;
        p.scratch = (uint32_t)(rng_next(z->r) % z->ups);
    } else if (z->l->member[member].size > 0) {
        p.kind = PLAN_COPY;
        p.member = member;
    }
    z->part[z->parts++] = p;
}

/* Some neighbours become an object, and a copy of it. */
static void
put_together(struct puzzle *z)
{
    size_t first = rng_next(z->r) % z->count;
    size_t n = rng_range(z->r, 1, min_u64(4, z->count - first)), i;
    struct plan_upload *u = &z->up[z->ups];
    struct plan_part *row = &z->row[first];

    *u = (struct plan_upload){
        .first = row->first, .end = row[n - 1].end, .part = z->parts};
    if (row->kind == PLAN_COPY && row->from > 0 && rng_next(z->r) % 2) {
        row->from--;
        row->pad = u->pad = 1;
    } else if (rng_next(z->r) % 3 == 0) {
        add_pad(z, row->first);
        u->pad = 1;
    }
    for (i = 0; i < n; i++)
        z->part[z->parts++] = row[i];
    u->count = (uint32_t)(z->parts - u->part);
    row[0] = (struct plan_part){.first = u->first,
                                .end = u->end,
                                .kind = PLAN_COPY_SCRATCH,
                                .scratch = (uint32_t)z->ups++,
                                .from = u->pad};
    memmove(row + 1, row + n, (z->count - first - n) * sizeof(*row));
    z->count -= n - 1;
}

static void
puzzle(uint64_t seed)
{
    static struct puzzle z;
    struct rng r = {seed};
    struct set set = set_make(seed, 1, rng_range(&r, 1, 12));
    uint64_t most = rng_next(&r) % 2 ? 100 : 2 * SCHED_LIGHT;
    struct zip_layout l;
    struct plan p = {0};
    size_t i, n;

    for (i = 0; i < set.n; i++)
        set.m[i].size =
            rng_range(&r, 0, rng_next(&r) % 8 ? most : 2 * PLAN_FETCH);
    assert_int_equal(zip_layout_init(&l, set.m, set.n), 0);
    z = (struct puzzle){.r = &r, .l = &l};
    cut_archive(&z);
    join_uploads(&z);
    for (n = rng_next(&r) % 40; n > 0; n--)
        put_together(&z);
    p.part = z.row;
    p.count = z.count;
    p.scratch = z.up;
    p.scratches = z.ups;
    p.scratch_part = z.part;
    p.scratch_parts = z.parts;
    publish(&p, &l, NULL, set.m, seed);
    zip_layout_free(&l);
    set_free(&set);
}

static void
test_puzzles(void **state)
{
    uint64_t seed;

    (void)state;
    for (seed = 1; seed <= 6000; seed++)
        puzzle(seed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strategies),
        cmocka_unit_test(test_puzzles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
