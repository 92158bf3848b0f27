/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The parts of a plan: the rules over random sets, the choice of copies
 * against brute force, the limits.
 */
#include "test_plan_set.h"

static void
check_part(const struct zip_layout *l, const struct plan_limits *lim,
           const struct plan_part *part, bool last)
{
    uint64_t data;

    assert_true(part->end > part->first);
    assert_true(part->end - part->first <= lim->part_max);
    if (!last)
        assert_true(part->end - part->first >= lim->part_min);
    if (part->kind != PLAN_COPY)
        return;
    assert_true(part->member < l->count);
    data = zip_data_offset(l, part->member);
    assert_true(part->first >= data);
    assert_true(part->end <= l->offset[part->member + 1]);
}

/* Tiling, floors, counts, each copy inside its member, totals. */
static void
check_rules(const struct plan *p, const struct zip_layout *l,
            const struct plan_limits *lim)
{
    uint64_t at = 0, up = 0, copied = 0;
    size_t i;

    assert_in_range(p->count, 1, lim->parts_max);
    assert_int_equal(p->part[0].kind, PLAN_UPLOAD);
    for (i = 0; i < p->count; i++) {
        const struct plan_part *part = &p->part[i];

        assert_true(part->first == at);
        check_part(l, lim, part, i + 1 == p->count);
        *(part->kind == PLAN_COPY ? &copied : &up) += part->end - at;
        at = part->end;
    }
    assert_true(at == l->size);
    assert_true(p->totals.uploaded == up);
    assert_true(p->totals.copied == copied);
    assert_true(p->totals.downloaded <= up);
    assert_int_equal(p->totals.requests.upload + p->totals.requests.copy,
                     p->count);
}

static uint64_t
largest_upload(const struct plan *p)
{
    uint64_t most = 0;
    size_t i;

    for (i = 0; i < p->count; i++)
        if (p->part[i].kind == PLAN_UPLOAD)
            most = max_u64(most, p->part[i].end - p->part[i].first);
    return most;
}

enum order { PLAN_ORDER, KEY_ORDER };

static void
plan_set(struct set *s, enum order order, struct zip_layout *l, struct plan *p)
{
    struct err e = {0};

    if (order == PLAN_ORDER)
        assert_int_equal(plan_order_duo(s->m, s->n), 0);
    else
        plan_order_key(s->m, s->n);
    assert_int_equal(zip_layout_init(l, s->m, s->n), 0);
    assert_int_equal(plan_parts(p, l, &plan_limits_s3, PLAN_DUO, &e), 0);
    check_rules(p, l, &plan_limits_s3);
    assert_true(p->totals.uploaded >= p->bound);
    assert_true(largest_upload(p) <= plan_limits_s3.upload_cap);
}

static void
random_sets(void **state)
{
    double ratio = 0, bound = 0, key = 0;
    int i, count = 0;

    (void)state;
    for (i = 0; i < 362; i++) {
        size_t n = (size_t)(3 + i * 397 / 361);
        struct set s = set_make((uint64_t)i, (unsigned)i % SET_KINDS, n);
        struct zip_layout l;
        struct plan p;

        plan_set(&s, PLAN_ORDER, &l, &p);
        ratio += (double)p.totals.uploaded / (double)l.size;
        bound += (double)p.bound / (double)l.size;
        plan_free(&p);
        zip_layout_free(&l);
        plan_set(&s, KEY_ORDER, &l, &p);
        key += (double)p.totals.uploaded / (double)l.size;
        plan_free(&p);
        zip_layout_free(&l);
        set_free(&s);
        count++;
    }
    print_message("%d random sets: plan %.3f %%, bound %.3f %%, order=key "
                  "%.3f %%\n",
                  count, 100 * ratio / count, 100 * bound / count,
                  100 * key / count);
    assert_true(ratio / count < bound / count + 0.002);
}

/* The table of doc/planning, sets of our own. */
static void
known_figures(void **state)
{
    static const struct {
        const char *name;
        uint64_t mean, sigma; /* 0: uniform mean..mean + 0.6 MiB */
        size_t n;
        double most; /* of the bound */
    } rows[] = {
        {"article", MIB(5), MIB(1), 3000, 1.001},
        {"N(25,5)", MIB(25), MIB(5), 600, 1.001},
        {"U(5.0,5.6)", MIB(5), 0, 1000, 1.001},
    };
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        struct set s = set_make(7, 0, rows[i].n);
        struct rng r = {11};
        struct zip_layout l;
        struct plan p;

        for (k = 0; k < s.n; k++)
            s.m[k].size = rows[i].sigma
                              ? rng_normal(&r, rows[i].mean, rows[i].sigma)
                              : rng_range(&r, MIB(5), MIB(5) + KIB(614));
        plan_set(&s, PLAN_ORDER, &l, &p);
        print_message("%s: uploaded %.2f %%, bound %.2f %%\n", rows[i].name,
                      100.0 * (double)p.totals.uploaded / (double)l.size,
                      100.0 * (double)p.bound / (double)l.size);
        assert_true((double)p.totals.uploaded <=
                    rows[i].most * (double)p.bound);
        plan_free(&p);
        zip_layout_free(&l);
        set_free(&s);
    }
}

/* ------------------------------------------------ copies, brute force */

/* Most bytes that can be copied, over every choice of ranges with ends at
 * every unit; bodies from i on, the last copy ended at end. */
static uint64_t
brute(const struct plan_body *b, size_t n, size_t i, uint64_t end,
      uint64_t floor)
{
    uint64_t best, first, last;

    if (i == n)
        return 0;
    best = brute(b, n, i + 1, end, floor);
    first = b[i].first == end ? end : max_u64(b[i].first, end + floor);
    for (; first < b[i].end; first = first == end ? end + floor : first + 1)
        for (last = first + floor; last <= b[i].end; last++)
            best =
                max_u64(best, last - first + brute(b, n, i + 1, last, floor));
    return best;
}

static void
copies_brute_force(void **state)
{
    static const struct plan_toll none;
    struct rng r = {99};
    int turn;

    (void)state;
    for (turn = 0; turn < 3000; turn++) {
        struct plan_body body[4];
        struct plan_range range[4];
        uint64_t at = 0, floor = rng_range(&r, 2, 6), copied = 0;
        size_t n = rng_range(&r, 1, 4), i, count = 0;

        for (i = 0; i < n; i++) {
            at += rng_range(&r, turn % 3 ? 1 : 0, floor + 1);
            body[i] = (struct plan_body){.first = at, .member = (uint32_t)i};
            at += rng_range(&r, floor, 2 * floor + 2);
            body[i].end = at;
        }
        assert_int_equal(plan_copies(body, n, &none, floor, range, &count), 0);
        at = 0;
        for (i = 0; i < count; i++) {
            const struct plan_body *b = &body[range[i].body];

            assert_true(range[i].first >= at + floor || range[i].first == at);
            assert_true(range[i].first >= b->first);
            assert_true(range[i].end <= b->end);
            assert_true(range[i].end - range[i].first >= floor);
            copied += range[i].end - range[i].first;
            at = range[i].end;
        }
        assert_int_equal(copied, brute(body, n, 0, 0, floor));
    }
}

/* ------------------------------------------------------ special cases */

struct special {
    const char *name;
    uint64_t size[4];
    size_t n;
    size_t copies;
};

static void
special_cases(void **state)
{
    /* n = "d/0000": a local header of 45 bytes */
    static const struct special rows[] = {
        {"empty prefix", {0}, 0, 0},
        {"one empty member", {0}, 1, 0},
        {"all small", {1000, 0, 70000, 5}, 4, 0},
        {"one large", {MIB(100)}, 1, 1},
        {"exactly 5 MiB", {MIB(5)}, 1, 0},
        {"5 MiB twice", {MIB(5), MIB(5)}, 2, 1},
        {"10 MiB - H - 1", {MIB(10) - 45 - 1}, 1, 0},
        {"10 MiB - H", {MIB(10) - 45}, 1, 1},
        {"over 5 GiB", {GIB(12)}, 1, 48},
    };
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        struct set s = set_make(1, 0, rows[i].n);
        struct zip_layout l;
        struct plan p;

        for (k = 0; k < s.n; k++)
            s.m[k].size = rows[i].size[k];
        plan_set(&s, PLAN_ORDER, &l, &p);
        if (p.totals.requests.copy != rows[i].copies)
            fail_msg("%s: %d copies", rows[i].name,
                     (int)p.totals.requests.copy);
        plan_free(&p);
        zip_layout_free(&l);
        set_free(&s);
    }
}

static void
leftovers_are_parts(void **state)
{
    struct set s = set_make(3, 3, 4000);
    struct zip_layout l;
    struct plan p;
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = i < 3 ? MIB(20) : KIB(300);
    plan_set(&s, PLAN_ORDER, &l, &p);
    assert_int_equal(p.totals.requests.copy, 3);
    assert_true(p.totals.requests.upload > 1100000000 / MIB(16));
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
}

/* ------------------------------------------------------------- limits */

static void
more_than_4999_large(void **state)
{
    struct set s = set_make(5, 4, 12000);
    struct zip_layout l;
    struct plan p;
    struct err e = {0};
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = MIB(6) + i * 500;
    assert_int_equal(plan_order_duo(s.m, s.n), 0);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_DUO, &e), 0);
    check_rules(&p, &l, &plan_limits_s3);
    assert_true(p.totals.requests.copy > 4500);
    plan_free(&p);
    plan_order_key(s.m, s.n);
    zip_layout_free(&l);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_DUO, &e), 0);
    check_rules(&p, &l, &plan_limits_s3);
    assert_true(p.totals.requests.copy > 3000);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
}

/* Where part numbers bind, whole members stand in pairs, one uploaded and
 * one copied, and no part is larger than the members make it. */
static void
part_numbers_bind(void **state)
{
    static const struct {
        uint64_t low, high; /* sizes are between */
        size_t n;
        uint64_t part;  /* the largest upload part, about; 0 = not said */
        double percent; /* uploaded; 0 = not said */
    } rows[] = {
        {MIB(20), MIB(20), 9999, MIB(20), 50.0},
        {MIB(20), MIB(20), 6000, MIB(20), 33.34},
        {MIB(10), MIB(10), 9000, MIB(10), 50.0},
        {MIB(100), MIB(100), 5001, MIB(100), 0},
        {MIB(100), MIB(100), 9999, MIB(100), 50.0},
        {MIB(5), MIB(40), 9000, 0, 0},
        {MIB(30), MIB(33), 9000, 0, 0},
        {MIB(5), GIB(1), 9999, 0, 0},
    };
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        struct set s = set_make(5, 4, rows[i].n);
        struct rng r = {i};
        struct zip_layout l;
        struct plan p;
        struct err e = {0};
        double percent;

        for (k = 0; k < s.n; k++)
            s.m[k].size = rng_range(&r, rows[i].low, rows[i].high);
        assert_int_equal(plan_order_duo(s.m, s.n), 0);
        assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
        assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_DUO, &e), 0);
        check_rules(&p, &l, &plan_limits_s3);
        percent = 100.0 * (double)p.totals.uploaded / (double)l.size;
        print_message("%zu of %d to %d MiB: uploaded %.2f %%, bound %.2f %%, "
                      "parts of up to %.1f MiB\n",
                      s.n, (int)(rows[i].low >> 20), (int)(rows[i].high >> 20),
                      percent, 100.0 * (double)p.bound / (double)l.size,
                      (double)largest_upload(&p) / (1 << 20));
        assert_true((double)p.totals.uploaded <= 1.005 * (double)p.bound);
        if (rows[i].percent > 0)
            assert_true(percent < rows[i].percent + 0.01);
        if (rows[i].part > 0)
            assert_true(largest_upload(&p) < rows[i].part + MIB(2));
        plan_free(&p);
        zip_layout_free(&l);
        set_free(&s);
    }
}

static void
other_limits(void **state)
{
    struct rng r = {4};
    int i;

    (void)state;
    for (i = 0; i < 300; i++) {
        struct plan_limits lim = {
            .part_min = rng_range(&r, 100, KIB(500)),
            .object_max = GIB(100),
            .copy_split = rng_range(&r, MIB(1), MIB(9)),
            .parts_max = (uint32_t)rng_range(&r, 5, 60),
        };
        struct set s = set_make((uint64_t)i, (unsigned)i % SET_KINDS, 40);
        struct zip_layout l;
        struct plan p;
        struct err e = {0};
        int got;

        lim.part_max = lim.part_min * rng_range(&r, 3, 200);
        lim.upload_cap = lim.part_min * rng_range(&r, 2, 5);
        assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
        got = plan_parts(&p, &l, &lim, i & 1 ? PLAN_DUO : PLAN_STREAM, &e);
        if (got == 0) {
            check_rules(&p, &l, &lim);
            plan_free(&p);
        } else {
            assert_int_equal(got, -EFBIG);
            assert_int_equal(e.num, EFBIG);
            if (i & 1)
                assert_true(l.size / lim.parts_max > lim.part_max / 4);
        }
        zip_layout_free(&l);
        set_free(&s);
    }
}

static void
stream_is_equal_parts(void **state)
{
    struct set s = set_make(8, 0, 50);
    struct zip_layout l;
    struct plan p;
    struct err e = {0};
    size_t i;

    (void)state;
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_STREAM, &e), 0);
    check_rules(&p, &l, &plan_limits_s3);
    for (i = 0; i + 1 < p.count; i++)
        assert_true(p.part[i].end - p.part[i].first == MIB(8));
    assert_int_equal(p.totals.copied, 0);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
}

static void
too_big_in_words(void **state)
{
    struct set s = set_make(8, 0, 12);
    struct zip_layout l;
    struct plan p;
    struct err e = {0};
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = GIB(1000) * 5;
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_DUO, &e),
                     -EFBIG);
    assert_non_null(strstr(e.text, "beyond one upload's reach"));
    zip_layout_free(&l);
    set_free(&s);
}

/* Copies are split as far as the part numbers allow, no further. */
static void
copies_split_by_budget(void **state)
{
    struct set s = set_make(8, 0, 40);
    struct zip_layout l;
    struct plan p;
    struct err e = {0};
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = GIB(300);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_DUO, &e), 0);
    check_rules(&p, &l, &plan_limits_s3);
    assert_in_range(p.count, 9000, 10000);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_sets),
        cmocka_unit_test(known_figures),
        cmocka_unit_test(copies_brute_force),
        cmocka_unit_test(special_cases),
        cmocka_unit_test(leftovers_are_parts),
        cmocka_unit_test(more_than_4999_large),
        cmocka_unit_test(part_numbers_bind),
        cmocka_unit_test(other_limits),
        cmocka_unit_test(stream_is_equal_parts),
        cmocka_unit_test(too_big_in_words),
        cmocka_unit_test(copies_split_by_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
