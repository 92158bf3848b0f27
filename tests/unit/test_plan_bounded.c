/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What chain, mixed and the frontier promise on any set: at most seven
 * archives copied, at most twelve uploads in sequence, and chain never
 * uploads more than the simpler plans that keep the same promise.
 */
#include "test_plan_set.h"

/* The promise in figures of its own. */
static bool
is_kept(const struct plan *p, const struct zip_layout *l)
{
    return p->sequence <= 12 && p->totals.copied < 7 * (l->size + 1);
}

static void
check_kept(const char *name, const struct plan *p, const struct zip_layout *l)
{
    struct err e = {0};

    if (!is_kept(p, l))
        fail_msg("%s, %s: row %u, %.2f archives copied", name,
                 plan_strategy_name(p->strategy), p->sequence,
                 (double)p->totals.copied / (double)l->size);
    if (plan_check(p, l, &plan_limits_s3, NULL, &e) < 0)
        fail_msg("%s: %s", name, e.text);
}

static void
check_frontier(const char *name, const struct zip_layout *l)
{
    struct plan_ask ask = ask_for(PLAN_PRICE);
    struct plan_frontier f;
    struct err e = {0};
    size_t i;

    assert_int_equal(plan_frontier(&f, l, &ask, &e), 0);
    assert_true(f.count > 0);
    for (i = 0; i < f.count; i++)
        check_kept(name, &f.plan[i], l);
    plan_frontier_free(&f);
}

/* Every promise on the layout; what chain uploads, and copies. */
static struct plan_totals
check_layout(const char *name, const struct zip_layout *l)
{
    struct plan_ask ask = ask_for(PLAN_PRICE);
    struct plan_totals chain;
    struct plan_choice c;
    struct err e = {0};
    int s;

    assert_int_equal(plan_choose(&c, l, &ask, &e), 0);
    check_kept(name, &c.plan[PLAN_CHAIN], l);
    check_kept(name, &c.plan[PLAN_MIXED], l);
    chain = c.plan[PLAN_CHAIN].totals;
    for (s = 0; s <= PLAN_STITCH; s++)
        if (c.why[s].num == 0 && is_kept(&c.plan[s], l))
            assert_true(chain.uploaded <= c.plan[s].totals.uploaded);
    plan_choice_free(&c);
    check_frontier(name, l);
    return chain;
}

/* Without a cap nothing is downloaded: but, where nobody can lend a pad, the
 * archive's first 5 MiB and the rest of a member. */
static void
check_uncapped(const char *name, const struct zip_layout *l)
{
    struct plan_ask ask = ask_for(PLAN_BYTES);
    struct plan_choice c;
    struct err e = {0};
    uint64_t most = 2 * MIB(5);
    size_t i;

    for (i = 0; i < l->count; i++)
        if (l->member[i].size >= MIB(5))
            most = 0;
    assert_int_equal(plan_choose(&c, l, &ask, &e), 0);
    if (c.plan[PLAN_CHAIN].totals.downloaded > most ||
        c.plan[PLAN_MIXED].totals.downloaded > most)
        fail_msg("%s: chain downloads %llu, mixed %llu", name,
                 (unsigned long long)c.plan[PLAN_CHAIN].totals.downloaded,
                 (unsigned long long)c.plan[PLAN_MIXED].totals.downloaded);
    assert_int_equal(
        plan_check(&c.plan[PLAN_CHAIN], l, &plan_limits_s3, NULL, &e), 0);
    assert_int_equal(
        plan_check(&c.plan[PLAN_MIXED], l, &plan_limits_s3, NULL, &e), 0);
    plan_choice_free(&c);
}

static struct plan_totals
check_set(const char *name, struct set *s)
{
    struct plan_totals chain;
    struct zip_layout l;

    assert_int_equal(plan_order_duo(s->m, s->n), 0);
    assert_int_equal(zip_layout_init(&l, s->m, s->n), 0);
    chain = check_layout(name, &l);
    check_uncapped(name, &l);
    zip_layout_free(&l);
    return chain;
}

/* Bodies of 64 KiB: each that is copied costs a floor of copies twice (its
 * header, itself), so 7 archives are 0.7 of a floor's number of them. */
static void
tiny_members(void **state)
{
    static const size_t counts[] = {1500, 5000};
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(counts); i++) {
        struct set s = set_make(1, 0, counts[i]);
        struct plan_totals t;
        uint64_t size = counts[i] * KIB(64), kept;

        for (k = 0; k < s.n; k++)
            s.m[k].size = KIB(64);
        t = check_set("tiny", &s);
        kept = 7 * size / (2 * MIB(5)); /* of them copied, about */
        print_message("%zu x 64 KiB: uploaded %.2f %%, copied %.2f x\n",
                      counts[i], 100.0 * (double)t.uploaded / (double)size,
                      (double)t.copied / (double)size);
        assert_true(t.uploaded < size - kept * KIB(64) / 2 + s.n * 200);
        assert_true(t.copied > 6 * size);
        set_free(&s);
    }
}

/* Sets on which less than a hundredth can be had, or nothing copied. */
static void
other_members(void **state)
{
    static const struct {
        const char *name;
        uint64_t size[3];
        size_t n;
    } rows[] = {
        {"3 x 1 GiB", {GIB(1), GIB(1), GIB(1)}, 3},
        {"one tiny, one large", {100, GIB(1)}, 2},
        {"one byte, one floor", {1, MIB(5)}, 2},
        {"one floor", {MIB(5)}, 1},
        {"below the floor", {MIB(5) - 1}, 1},
        {"empty members", {0, 0, 0}, 3},
        {"nothing", {0}, 0},
    };
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        struct set s = set_make(1, 0, rows[i].n);
        struct plan_totals t;
        uint64_t size = 0;

        for (k = 0; k < s.n; k++)
            size += s.m[k].size = rows[i].size[k];
        t = check_set(rows[i].name, &s);
        if (size >= GIB(1))
            assert_true(t.uploaded < size / 100);
        if (size == 0)
            assert_int_equal(t.copied, 0);
        set_free(&s);
    }
}

/* Heavy-tailed: chain uploads less than a hundredth. */
static void
heavy_tail(void **state)
{
    struct set s = set_make(1, 0, 600);
    struct rng r = {11};
    struct plan_totals t;
    uint64_t size = 0;
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        size += s.m[i].size = rng_heavy(&r, KIB(700));
    t = check_set("heavy tail", &s);
    assert_true(t.uploaded < size / 100);
    set_free(&s);
}

static void
random_sets(void **state)
{
    struct rng r = {17};
    int i;

    (void)state;
    for (i = 0; i < 300; i++) {
        struct set s = set_make((uint64_t)i, (unsigned)i % SET_KINDS,
                                rng_range(&r, 0, 250));
        struct zip_layout l;
        char name[40];
        size_t k;

        for (k = 0; i % 3 == 0 && k < s.n; k++)
            s.m[k].size /= 1 + (uint64_t)i; /* mostly below the floor */
        snprintf(name, sizeof(name), "set %d", i);
        plan_order_key(s.m, s.n);
        assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
        check_layout(name, &l);
        if (i % 4 == 0)
            check_uncapped(name, &l);
        zip_layout_free(&l);
        set_free(&s);
    }
}

/* The cap is the caller's: more copies, fewer bytes. */
static void
other_caps(void **state)
{
    static const uint32_t caps[] = {2, 5, 7, 0};
    struct set s = set_make(1, 0, 1000);
    struct zip_layout l;
    uint64_t last = UINT64_MAX;
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = 1000000;
    plan_order_key(s.m, s.n);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    for (i = 0; i < ARRAY_SIZE(caps); i++) {
        struct plan_limits lim = plan_limits_s3;
        struct plan p;
        struct err e = {0};

        lim.copies_max = caps[i];
        assert_int_equal(plan_parts(&p, &l, &lim, PLAN_CHAIN, &e), 0);
        assert_true(p.totals.downloaded < last);
        if (caps[i] > 0)
            assert_true(p.totals.copied <= caps[i] * (l.size + 1));
        last = p.totals.downloaded;
        print_message("cap %u: downloaded %.2f %%, copied %.2f x\n", caps[i],
                      100.0 * (double)last / (double)l.size,
                      (double)p.totals.copied / (double)l.size);
        plan_free(&p);
    }
    assert_true(last <= 2 * MIB(5));
    zip_layout_free(&l);
    set_free(&s);
}

/* Under time a row is as short as its calls are worth: no more bytes, and
 * faster where the row is what is waited for. */
static void
short_rows(void **state)
{
    struct set s = set_make(1, 0, 600);
    struct plan_ask ask = ask_for(PLAN_TIME);
    struct rng r = {11};
    struct zip_layout l;
    struct plan fast, few;
    struct err e = {0};
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = rng_heavy(&r, KIB(700));
    assert_int_equal(plan_order_duo(s.m, s.n), 0);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_strategy_make(&fast, &l, &ask, PLAN_CHAIN, &e), 0);
    assert_int_equal(plan_parts(&few, &l, &plan_limits_s3, PLAN_CHAIN, &e), 0);
    assert_int_equal(plan_price(&few, &l, &ask), 0);
    check_kept("short rows", &fast, &l);
    print_message("chain by time: %d writes, row %u, %.2f s; by requests: "
                  "%d, %u, %.2f s\n",
                  (int)plan_writes(&fast.totals), fast.sequence, fast.seconds,
                  (int)plan_writes(&few.totals), few.sequence, few.seconds);
    assert_true(fast.totals.uploaded <= few.totals.uploaded);
    assert_true(fast.seconds < few.seconds * 0.8);
    plan_free(&fast);
    plan_free(&few);
    /* Latencies that were measured do not change the plan. */
    assert_int_equal(plan_strategy_make(&fast, &l, &ask, PLAN_CHAIN, &e), 0);
    ask.rates.latency = (struct plan_latency){.complete = 100};
    assert_int_equal(plan_strategy_make(&few, &l, &ask, PLAN_CHAIN, &e), 0);
    assert_int_equal(fast.scratches, few.scratches);
    assert_int_equal(fast.scratch_parts, few.scratch_parts);
    for (i = 0; i < fast.scratch_parts; i++) {
        const struct plan_part *a = &fast.scratch_part[i];
        const struct plan_part *b = &few.scratch_part[i];

        assert_true(a->first == b->first && a->end == b->end &&
                    a->from == b->from && a->scratch == b->scratch);
    }
    plan_free(&fast);
    plan_free(&few);
    zip_layout_free(&l);
    set_free(&s);
}

/* Huge bodies are split for speed only where speed is asked for. */
static void
split_for_time_only(void **state)
{
    static const enum plan_objective all[] = {PLAN_TIME, PLAN_PRICE,
                                              PLAN_BYTES};
    struct set s = set_make(1, 0, 1);
    struct zip_layout l;
    size_t i;

    (void)state;
    s.m[0].size = UINT64_C(5) << 40;
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    for (i = 0; i < ARRAY_SIZE(all); i++) {
        struct plan_ask ask = ask_for(all[i]);
        struct plan p;
        struct err e = {0};

        assert_int_equal(plan_strategy_make(&p, &l, &ask, PLAN_DUO, &e), 0);
        print_message("5 TiB: %d writes\n", (int)plan_writes(&p.totals));
        assert_in_range(plan_writes(&p.totals),
                        all[i] == PLAN_TIME ? 9000 : 1000,
                        all[i] == PLAN_TIME ? 10010 : 1030);
        plan_free(&p);
    }
    zip_layout_free(&l);
    set_free(&s);
}

/* More small members than anybody would make scratch objects for: streams
 * most of them instead of refusing. */
static void
very_many(void **state)
{
    struct set s = set_make(1, 0, 250000);
    struct rng r = {3};
    struct plan_totals t;
    struct plan p;
    struct zip_layout l;
    struct err e = {0};
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = rng_range(&r, 0, KIB(200));
    plan_order_key(s.m, s.n);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_CHAIN, &e), 0);
    check_kept("very many", &p, &l);
    t = p.totals;
    assert_true(t.uploaded < l.size / 20 * 19);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_members),        cmocka_unit_test(other_members),
        cmocka_unit_test(heavy_tail),          cmocka_unit_test(random_sets),
        cmocka_unit_test(very_many),           cmocka_unit_test(other_caps),
        cmocka_unit_test(split_for_time_only), cmocka_unit_test(short_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
