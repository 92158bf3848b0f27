/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The order of an archive is format: golden orders, independence of the
 * order of the listing, time for a million members (printed).
 */
#include "test_plan_set.h"

#include <time.h>

/* FNV-1a over the names in archive order. */
static uint64_t
order_hash(const struct set *s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    size_t i, k;

    for (i = 0; i < s->n; i++)
        for (k = 0; k <= s->m[i].name_len; k++)
            h = (h ^ (unsigned char)s->m[i].name[k]) * UINT64_C(0x100000001b3);
    return h;
}

static void
shuffle(struct set *s, uint64_t seed)
{
    struct rng r = {seed};
    size_t i;

    for (i = s->n; i > 1; i--) {
        size_t k = rng_range(&r, 0, i - 1);
        struct zip_member swap = s->m[k];

        s->m[k] = s->m[i - 1];
        s->m[i - 1] = swap;
    }
}

static const uint64_t golden[20] = {
    UINT64_C(0x7b99b8f2664afa1e), UINT64_C(0xe320f248367cbcb9),
    UINT64_C(0xef140aec971c5c37), UINT64_C(0x397e5764d098e655),
    UINT64_C(0x8afb4e79c54efce2), UINT64_C(0xd17296f51056032b),
    UINT64_C(0xd0192416343935d5), UINT64_C(0x6ddd55b49aeb8c10),
    UINT64_C(0x2c0ff695d1630ad2), UINT64_C(0x20aae0389acea3be),
    UINT64_C(0xcd1b4863b6a5814b), UINT64_C(0x8452d28d990d1fdd),
    UINT64_C(0x5468cff623a3c6a4), UINT64_C(0xf853ffb656090a7c),
    UINT64_C(0x2855426d03a234e7), UINT64_C(0xf0e3cac3632e9903),
    UINT64_C(0xc6a2345f83b90ce2), UINT64_C(0x45a6d91dfa5dbc56),
    UINT64_C(0x1277b0c159923aa7), UINT64_C(0x6cb12714bc6e5906),
};

static void
golden_orders(void **state)
{
    unsigned i;
    int bad = 0;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(golden); i++) {
        struct set s = set_make(1000 + i, i % SET_KINDS, 10 + 37 * i);
        uint64_t first, again;

        assert_int_equal(plan_order_duo(s.m, s.n), 0);
        first = order_hash(&s);
        shuffle(&s, i);
        assert_int_equal(plan_order_duo(s.m, s.n), 0);
        again = order_hash(&s);
        assert_true(first == again);
        if (first != golden[i]) {
            bad++;
            print_message("set %u: order 0x%016llx\n", i,
                          (unsigned long long)first);
        }
        set_free(&s);
    }
    assert_int_equal(bad, 0);
}

/* More large members than parts for two each. */
static void
golden_crowd(void **state)
{
    static const struct {
        size_t n;
        uint64_t size, hash;
    } rows[] = {
        {9999, MIB(20), UINT64_C(0xc9403e5f4df93de2)},
        {6000, MIB(20), UINT64_C(0xb5038089c11683cd)},
    };
    size_t i, k;
    int bad = 0;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        struct set s = set_make(i, 0, rows[i].n);

        for (k = 0; k < s.n; k++)
            s.m[k].size = rows[i].size;
        shuffle(&s, i);
        assert_int_equal(plan_order_duo(s.m, s.n), 0);
        if (order_hash(&s) != rows[i].hash) {
            bad++;
            print_message("set of %zu: order 0x%016llx\n", s.n,
                          (unsigned long long)order_hash(&s));
        }
        set_free(&s);
    }
    assert_int_equal(bad, 0);
}

/* Nothing is lost, nothing comes twice. */
static void
order_is_permutation(void **state)
{
    unsigned i;
    size_t k;

    (void)state;
    for (i = 0; i < 60; i++) {
        struct set s = set_make(i, i % SET_KINDS, 1 + 5 * i);
        struct set t = set_make(i, i % SET_KINDS, 1 + 5 * i);

        assert_int_equal(plan_order_duo(s.m, s.n), 0);
        plan_order_key(s.m, s.n);
        plan_order_key(t.m, t.n);
        for (k = 0; k < s.n; k++) {
            assert_string_equal(s.m[k].name, t.m[k].name);
            assert_true(s.m[k].size == t.m[k].size);
        }
        set_free(&s);
        set_free(&t);
    }
}

/* Without copies the archive reads like a listing. */
static void
small_sets_by_name(void **state)
{
    struct set s = set_make(3, 0, 50);
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = i * 100;
    shuffle(&s, 1);
    assert_int_equal(plan_order_duo(s.m, s.n), 0);
    for (i = 1; i < s.n; i++)
        assert_true(zip_member_name_cmp(&s.m[i - 1], &s.m[i]) < 0);
    set_free(&s);
}

static double
seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
a_million(void **state)
{
    static const unsigned kinds[] = {2, 3, 0};
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct set s = set_make(i + 40, kinds[i], 1000000);
        double t0, t1;
        struct zip_layout l;
        struct err e = {0};
        struct plan p;

        for (k = 0; i == 0 && k < s.n; k++)
            s.m[k].size /= 50; /* within 16 MiB parts */
        plan_order_key(s.m, s.n);
        t0 = seconds();
        assert_int_equal(plan_order_duo(s.m, s.n), 0);
        t1 = seconds();
        assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
        assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_DUO, &e), 0);
        print_message("a million (kind %u): order %.2f s, parts %.2f s, "
                      "%zu parts, uploaded %.2f %%, bound %.2f %%\n",
                      kinds[i], t1 - t0, seconds() - t1, p.count,
                      100.0 * (double)p.totals.uploaded / (double)l.size,
                      100.0 * (double)p.bound / (double)l.size);
        plan_free(&p);
        zip_layout_free(&l);
        set_free(&s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_orders),
        cmocka_unit_test(golden_crowd),
        cmocka_unit_test(order_is_permutation),
        cmocka_unit_test(small_sets_by_name),
        cmocka_unit_test(a_million),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
