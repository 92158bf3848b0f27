/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What a plan costs: bytes and requests added up by hand, the predicted
 * seconds.
 */
#include "test_plan_set.h"

/* The cost of a plan that can be added up by hand: one member of 100 MiB,
 * copied but for a donation. */
static void
cost_by_hand(void **state)
{
    struct set s = set_make(1, 0, 1);
    struct zip_layout l;
    struct plan p;
    struct err e = {0};

    (void)state;
    s.m[0].size = MIB(100);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_DUO, &e), 0);
    assert_int_equal(p.count, 3);
    plan_cost(&p, &l, &plan_prices_aws, 2, 1);
    assert_int_equal(p.totals.downloaded, MIB(5) - 45);
    assert_int_equal(p.totals.uploaded, MIB(5) + 61 + 22);
    assert_int_equal(p.totals.requests.get, 1);
    assert_int_equal(p.totals.requests.upload, 2);
    assert_int_equal(p.totals.requests.copy, 1);
    assert_true(p.totals.price_usd > 0.00003 + 0.00047);
    assert_true(p.totals.price_usd < 0.00004 + 0.00048);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
}

/* Members on the border of two uploaded parts: a small one is fetched whole
 * for both, a large one in a range for each. */
static void
border_is_fetched_once(void **state)
{
    struct set s = set_make(1, 0, 3);
    struct zip_layout l;
    struct plan p;
    struct err e = {0};

    (void)state;
    s.m[0].size = MIB(6);
    s.m[1].size = MIB(5);
    s.m[2].size = MIB(9);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_STREAM, &e), 0);
    plan_cost(&p, &l, &plan_prices_aws, 0, 1);
    assert_int_equal(p.count, 3);
    assert_int_equal(p.totals.downloaded, MIB(20));
    assert_int_equal(p.totals.requests.get, 4);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
}

/* One uploaded part is a PUT, up to the cap. */
static void
one_part_is_a_put(void **state)
{
    struct set s = set_make(1, 0, 3);
    struct zip_layout l;
    struct plan p;
    struct err e = {0};
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = MIB(3);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_DUO, &e), 0);
    plan_cost(&p, &l, &plan_prices_aws, 0, 1);
    assert_int_equal(p.count, 1);
    assert_int_equal(plan_writes(&p.totals), 1);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
}

/* ------------------------------------------------------------- seconds */

/* Bytes, requests and copies side by side, the longest counts; before them
 * one uploaded part is read, after the last two the directory is sent; a
 * row waits. */
static void
time_by_hand(void **state)
{
    struct plan_rates r = {
        .bandwidth = 1000, .request_rate = 10, .round_trip = 0.5};
    struct plan_part last = {.first = 7000, .end = 7500, .kind = PLAN_UPLOAD};
    struct plan p = {.part = &last,
                     .count = 1,
                     .sequence = 2,
                     .totals = {.uploaded = 5000,
                                .downloaded = 4000,
                                .copied = 6000,
                                .requests = {.upload = 10, .get = 20}}};

    (void)state;
    /* 400 bytes read; 5,000 sent against 30 requests and 500 bytes */
    assert_true(plan_time(&p, &r) == 0.4 + 5.0 + 3.0);
    p.totals.requests.copy = 100;
    assert_true(plan_time(&p, &r) == 0.4 + (13.0 + 0.5) + 3.0);
    r.copy_rate = 1000; /* 6 s: less than the requests */
    assert_true(plan_time(&p, &r) == 0.4 + (13.0 + 0.5) + 3.0);
    r.copy_rate = 250;
    assert_true(plan_time(&p, &r) == 0.4 + (24.0 + 0.5) + 3.0);
    last.kind = PLAN_COPY; /* cannot be, but is not uploaded */
    assert_true(plan_time(&p, &r) == 0.4 + 24.0 + 3.0);
    p.totals.downloaded = 20000; /* CRCs that are read: 500 of each part */
    r.copy_rate = 0;
    assert_true(plan_time(&p, &r) == 0.5 + 20.0 + 3.0);
    p.totals.downloaded += p.totals.read_back = 5000; /* in the end */
    assert_true(plan_time(&p, &r) == 0.5 + 20.0 + 3.0 + 5.0);
}

/* A single part is read, then sent: nothing goes side by side. */
static void
time_of_one_part(void **state)
{
    struct plan_rates r = {.bandwidth = 1e6, .request_rate = 1e9};
    struct set s = set_make(1, 0, 1);
    struct zip_layout l;
    struct plan p;
    double want;

    (void)state;
    s.m[0].size = MIB(3);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_DUO, NULL), 0);
    assert_int_equal(p.count, 1);
    want = (double)(MIB(3) + l.size) / 1e6;
    assert_true(plan_time(&p, &r) > want - 1e-3);
    assert_true(plan_time(&p, &r) < want + 1e-3);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cost_by_hand),
        cmocka_unit_test(border_is_fetched_once),
        cmocka_unit_test(one_part_is_a_put),
        cmocka_unit_test(time_by_hand),
        cmocka_unit_test(time_of_one_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
