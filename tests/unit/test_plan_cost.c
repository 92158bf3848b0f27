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
    struct plan_rates r = {.bandwidth = 1000, .request_rate = 10};
    struct plan_part last = {.first = 7000, .end = 7500, .kind = PLAN_UPLOAD};
    struct plan p = {.part = &last,
                     .count = 1,
                     .sequence = 2,
                     .path = {6, 3.0},
                     .totals = {.uploaded = 5000,
                                .downloaded = 4000,
                                .copied = 6000,
                                .requests = {.upload = 10, .get = 20}}};

    (void)state;
    /* 400 bytes read; 5,000 sent against 20 reads and 500 bytes */
    assert_true(plan_time(&p, &r) == 0.4 + 5.0 + 3.0);
    p.totals.requests.copy = 100;
    assert_true(plan_time(&p, &r) == 0.4 + (11.0 + 0.5) + 3.0);
    r.copy_rate = 1000; /* 6 s: less than the requests */
    assert_true(plan_time(&p, &r) == 0.4 + (11.0 + 0.5) + 3.0);
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

/* A chain of three uploads, by hand: [large][header], that and a body, all.
 * The longest row in calls is the longest in seconds here. */
static void
path_by_hand(void **state)
{
    static const struct plan_latency t = {.first_byte = 1,
                                          .create = 2,
                                          .copy = 4,
                                          .copy_byte = 1.0 / (1 << 20),
                                          .upload = 8,
                                          .complete = 16,
                                          .complete_part = 0.5,
                                          .remove = 1000};
    struct set s = set_make(1, 0, 2);
    struct zip_layout l;
    struct plan_part scratch[4], part[2];
    struct plan_upload up[2];
    struct plan p = {.part = part,
                     .count = 2,
                     .scratch = up,
                     .scratches = 2,
                     .scratch_part = scratch,
                     .scratch_parts = 4};
    struct plan_path path;
    uint64_t data;

    (void)state;
    s.m[0].size = MIB(6);
    s.m[1].size = MIB(1);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    data = zip_data_offset(&l, 1);
    /* 6 MiB copied beside a header that is sent */
    scratch[0] = (struct plan_part){
        .first = l.offset[0] + 45, .end = l.offset[1], .kind = PLAN_COPY};
    scratch[1] = (struct plan_part){.first = l.offset[1], .end = data};
    /* that and 1 MiB of member 1, downloaded: a GET and the upload */
    scratch[2] = (struct plan_part){
        .first = l.offset[0] + 45, .end = data, .kind = PLAN_COPY_SCRATCH};
    scratch[3] = (struct plan_part){.first = data, .end = l.offset[2]};
    up[0] = (struct plan_upload){.part = 0, .count = 2};
    up[1] = (struct plan_upload){.part = 2, .count = 2};
    part[0] = (struct plan_part){.first = 0,
                                 .end = l.offset[2],
                                 .kind = PLAN_COPY_SCRATCH,
                                 .scratch = 1};
    part[1] = (struct plan_part){.first = l.offset[2], .end = l.size};
    assert_int_equal(plan_path(&p, &l, &t, &path), 0);
    assert_int_equal(path.calls, 3 + 2 + 2);
    /* Create once, the others are begun meanwhile; Complete of three; copies
     * of 6 MiB (the header is sent in 8), of a bit more, of 7 MiB (the body
     * is got and sent in 10) */
    assert_true(path.seconds > 2 + 10 + 17 + 10 + 17 + 11 + 17);
    assert_true(path.seconds < 2 + 10 + 17 + 10 + 17 + 11 + 17 + 0.01);
    /* Alone: a PUT. */
    p = (struct plan){.part = &part[1], .count = 1};
    assert_int_equal(plan_path(&p, &l, &t, &path), 0);
    assert_int_equal(path.calls, 1);
    assert_true(path.seconds == 8);
    zip_layout_free(&l);
    set_free(&s);
}

/* What the widths make of many calls: those without a body share another
 * width than those with one. */
static void
calls_side_by_side(void **state)
{
    struct plan_rates r = plan_rates_default;
    struct plan p = {.totals = {.copied = MIB(100),
                                .requests = {.upload = 960, .copy = 100}}};

    (void)state;
    r.bandwidth = 1e12;
    r.request_rate = 1e12;
    assert_true(plan_time(&p, &r) > 0.399 && plan_time(&p, &r) < 0.401);
    p.totals.requests.copy = 51200; /* 6 s of them, and 0.02 for parts */
    assert_true(plan_time(&p, &r) > 6.02 && plan_time(&p, &r) < 6.03);
    r.width_none = 0;
    assert_true(plan_time(&p, &r) > 0.399 && plan_time(&p, &r) < 0.401);
}

static void
latencies_parsed(void **state)
{
    static const char *const bad[] = {"",
                                      "20",
                                      "20/30/60/40/80/20",
                                      "20/30/60+8/40/80+0.2/20/",
                                      "x/30/60+8/40/80+0.2/20",
                                      "20/30/60+8/40/80+0.2"};
    struct plan_latency t;
    size_t i;

    (void)state;
    assert_true(plan_latency_parse(&t, "20/30/60+8/40/80+0.2/20"));
    assert_true(t.create == 30 * 1e-3 && t.remove == 20 * 1e-3);
    assert_true(t.copy_byte * MIB(1) > 0.00799);
    assert_true(t.copy_byte * MIB(1) < 0.00801);
    for (i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(plan_latency_parse(&t, bad[i]));
}

/* On the article's set a store at 20 ms a request is fastest by chain; one
 * that takes its time for each copy and Complete, over a short line, by
 * duo. */
static void
auto_by_latency(void **state)
{
    struct set s = set_make(7, 0, 600);
    struct plan_ask ask = ask_for(PLAN_TIME);
    struct rng g = {11};
    struct zip_layout l;
    struct plan_choice c;
    struct err e = {0};
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = rng_normal(&g, MIB(5), MIB(1));
    assert_int_equal(plan_order_duo(s.m, s.n), 0);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_choose(&c, &l, &ask, &e), 0);
    for (i = 0; i < PLAN_STRATEGIES; i++)
        if (c.why[i].num == 0)
            print_message("%s: %.2f s, path %u calls, %.2f s\n",
                          plan_strategy_name((enum plan_strategy)i),
                          c.plan[i].seconds, c.plan[i].path.calls,
                          c.plan[i].path.seconds);
    assert_true(c.best == PLAN_CHAIN || c.best == PLAN_MIXED);
    assert_true(c.plan[c.best].seconds < c.plan[PLAN_DUO].seconds / 3);
    plan_choice_free(&c);
    ask.rates.bandwidth = 1e9;
    assert_true(plan_latency_parse(&ask.rates.latency,
                                   "200/200/3000+8/200/10000+0.2/200"));
    assert_int_equal(plan_choose(&c, &l, &ask, &e), 0);
    assert_true(c.best == PLAN_DUO || c.best == PLAN_STREAM);
    assert_true(c.plan[PLAN_CHAIN].seconds > 2 * c.plan[c.best].seconds);
    plan_choice_free(&c);
    zip_layout_free(&l);
    set_free(&s);
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
        cmocka_unit_test(path_by_hand),
        cmocka_unit_test(calls_side_by_side),
        cmocka_unit_test(latencies_parsed),
        cmocka_unit_test(auto_by_latency),
        cmocka_unit_test(time_of_one_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
