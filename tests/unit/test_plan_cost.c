/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What a plan costs: bytes and requests added up by hand, what it takes to
 * find CRCs, the predicted seconds.
 */
#include "test_plan_set.h"

#include <jansson.h>

#include "base/buf.h"

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

/* -------------------------------------------------------------- CRCs */

enum { HEAD = 45 }; /* of "d/0000" and its like */

/* A plan of s whose CRCs are found in these ways. */
static struct plan
planned(struct set *s, struct zip_layout *l, const uint8_t *crc,
        enum plan_strategy strategy)
{
    struct plan_ask ask = ask_for(PLAN_TIME);
    struct plan p;
    struct err e = {0};

    ask.crc = crc;
    assert_int_equal(zip_layout_init(l, s->m, s->n), 0);
    if (plan_strategy_make(&p, l, &ask, strategy, &e) < 0)
        fail_msg("%s", e.text);
    return p;
}

static void
check_ways(const struct plan *p, uint64_t known, uint64_t copies,
           uint64_t oracle, uint64_t read)
{
    assert_int_equal(p->totals.crc[PLAN_CRC_KNOWN], known);
    assert_int_equal(p->totals.crc[PLAN_CRC_COPIES], copies);
    assert_int_equal(p->totals.crc[PLAN_CRC_ORACLE], oracle);
    assert_int_equal(p->totals.crc[PLAN_CRC_READ], read);
}

/* Duo of 100 MiB: [header, the first 5 MiB - 45][the rest, copied]
 * [directory].  What the header's part does not need, 95 MiB + 45 bytes,
 * takes 12 GETs of 8 MiB. */
static void
one_large_crc(void **state)
{
    static const struct {
        enum plan_crc way;
        uint64_t down, gets, copied, copies, creates, aborts;
    } rows[] = {
        {PLAN_CRC_KNOWN, MIB(5) - HEAD, 1, MIB(95) + HEAD, 1, 1, 0},
        {PLAN_CRC_COPIES, MIB(5) - HEAD, 1, MIB(95) + HEAD, 1, 1, 0},
        {PLAN_CRC_ORACLE, MIB(5) - HEAD, 1, MIB(195) + HEAD, 2, 2, 1},
        {PLAN_CRC_READ, MIB(100), 13, MIB(95) + HEAD, 1, 1, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        struct set s = set_make(1, 0, 1);
        uint8_t way = (uint8_t)rows[i].way;
        struct zip_layout l;
        struct plan p;
        double price;

        s.m[0].size = MIB(100);
        p = planned(&s, &l, &way, PLAN_DUO);
        assert_int_equal(p.totals.downloaded, rows[i].down);
        assert_int_equal(p.totals.copied, rows[i].copied);
        assert_int_equal(p.totals.requests.get, rows[i].gets);
        assert_int_equal(p.totals.requests.copy, rows[i].copies);
        assert_int_equal(p.totals.requests.create, rows[i].creates);
        assert_int_equal(p.totals.requests.remove, rows[i].aborts);
        assert_int_equal(p.totals.uploaded, MIB(5) + 61 + 22);
        assert_int_equal(p.totals.crc[way], 1);
        /* two parts, Complete, the listing */
        price = 5e-6 * (double)(2 + 1 + 1 + rows[i].copies + rows[i].creates) +
                0.4e-6 * (double)rows[i].gets + 0.09e-9 * (double)rows[i].down;
        assert_true(p.totals.price_usd > price - 1e-9);
        assert_true(p.totals.price_usd < price + 1e-9);
        plan_free(&p);
        zip_layout_free(&l);
        set_free(&s);
    }
}

/* The first three are one uploaded run but for the end of the 20 MiB: a
 * member that is uploaded whole is read in any case, one of no bytes has
 * nothing to be read. */
static void
ways_of_some(void **state)
{
    static const uint64_t size[] = {MIB(1), 0, MIB(20), MIB(12), GIB(6)};
    uint8_t way[] = {PLAN_CRC_ORACLE, PLAN_CRC_READ, PLAN_CRC_ORACLE,
                     PLAN_CRC_ORACLE, PLAN_CRC_COPIES};
    struct set s = set_make(1, 0, ARRAY_SIZE(size));
    struct plan known, p;
    struct zip_layout l;
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = size[i];
    known = planned(&s, &l, NULL, PLAN_DUO);
    check_ways(&known, 0, 0, 0, 0);
    zip_layout_free(&l);
    p = planned(&s, &l, way, PLAN_DUO);
    check_ways(&p, 1, 1, 2, 1);
    assert_int_equal(p.totals.downloaded, known.totals.downloaded);
    assert_int_equal(p.totals.requests.get, known.totals.requests.get);
    assert_int_equal(p.totals.copied, known.totals.copied + MIB(32));
    assert_int_equal(p.totals.requests.copy, known.totals.requests.copy + 2);
    assert_int_equal(p.totals.requests.create, 2);
    assert_int_equal(p.totals.requests.remove, 1);
    plan_free(&p);
    zip_layout_free(&l);
    way[4] = PLAN_CRC_ORACLE; /* 6 GiB: two copies */
    p = planned(&s, &l, way, PLAN_DUO);
    check_ways(&p, 1, 0, 3, 1);
    assert_int_equal(p.totals.copied, known.totals.copied + MIB(32) + GIB(6));
    assert_int_equal(p.totals.requests.copy, known.totals.requests.copy + 4);
    plan_free(&p);
    plan_free(&known);
    zip_layout_free(&l);
    set_free(&s);
}

/* Whatever the strategy: where all is read, each body is, once. */
static void
all_read(void **state)
{
    int i, s;

    (void)state;
    for (i = 0; i < 70; i++) {
        struct set set = set_make((uint64_t)i, (unsigned)i % SET_KINDS, 60);
        uint8_t way[60];
        uint64_t bytes = 0;
        size_t k, empty = 0;

        memset(way, PLAN_CRC_READ, sizeof(way));
        for (k = 0; k < set.n; k++) {
            bytes += set.m[k].size;
            empty += set.m[k].size == 0;
        }
        for (s = 0; s < PLAN_STRATEGIES; s++) {
            struct zip_layout l;
            struct plan p;

            if (s == PLAN_AGAIN)
                continue;
            p = planned(&set, &l, way, (enum plan_strategy)s);
            assert_int_equal(p.totals.downloaded, bytes);
            check_ways(&p, empty, 0, 0, set.n - empty);
            plan_free(&p);
            zip_layout_free(&l);
        }
        set_free(&set);
    }
}

/* Where copies tell no CRC, copying saves no download: auto sees it. */
static void
auto_reckons_with_crcs(void **state)
{
    struct set s = set_make(1, 0, 20);
    uint8_t way[20];
    struct plan_ask ask = ask_for(PLAN_PRICE);
    struct plan_choice c;
    struct zip_layout l;
    struct err e = {0};
    size_t i;

    (void)state;
    ask.crc = way;
    for (i = 0; i < s.n; i++)
        s.m[i].size = MIB(7);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    memset(way, PLAN_CRC_COPIES, sizeof(way));
    assert_int_equal(plan_choose(&c, &l, &ask, &e), 0);
    assert_true(c.plan[c.best].totals.copied > 0);
    plan_choice_free(&c);
    memset(way, PLAN_CRC_READ, sizeof(way));
    assert_int_equal(plan_choose(&c, &l, &ask, &e), 0);
    assert_int_equal(c.plan[c.best].totals.copied, 0);
    plan_choice_free(&c);
    zip_layout_free(&l);
    set_free(&s);
}

static void
ways_are_shown(void **state)
{
    static const char line[] =
        "\ncrcs: known 1, from copies 1, oracle 1, read 1\n";
    uint8_t way[] = {PLAN_CRC_KNOWN, PLAN_CRC_COPIES, PLAN_CRC_ORACLE,
                     PLAN_CRC_READ};
    struct plan_meta meta = {.order = "key"};
    struct buf out = BUF_INIT(MIB(1));
    struct set s = set_make(1, 0, 4);
    struct zip_layout l;
    struct plan p;
    json_t *root, *crcs;
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = MIB(30);
    p = planned(&s, &l, way, PLAN_DUO);
    assert_int_equal(plan_text(&out, &p, &l, &meta), 0);
    assert_non_null(strstr(buf_str(&out), line));
    /* the oracle's copy is no part */
    assert_non_null(strstr(buf_str(&out), " 4 copied)\n"));
    buf_reset(&out);
    assert_int_equal(plan_json(&out, &p, &l, &meta), 0);
    root = json_loads(buf_str(&out), 0, NULL);
    crcs = json_object_get(json_object_get(root, "totals"), "crcs");
    assert_int_equal(json_integer_value(json_object_get(crcs, "copies")), 1);
    assert_int_equal(json_integer_value(json_object_get(crcs, "oracle")), 1);
    json_decref(root);
    plan_free(&p);
    zip_layout_free(&l);
    p = planned(&s, &l, NULL, PLAN_DUO);
    buf_reset(&out);
    assert_int_equal(plan_text(&out, &p, &l, &meta), 0);
    assert_null(strstr(buf_str(&out), "crcs:"));
    buf_reset(&out);
    assert_int_equal(plan_json(&out, &p, &l, &meta), 0);
    assert_null(strstr(buf_str(&out), "\"crcs\""));
    buf_free(&out);
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
    p = planned(&s, &l, NULL, PLAN_DUO);
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
        cmocka_unit_test(one_large_crc),
        cmocka_unit_test(ways_of_some),
        cmocka_unit_test(all_read),
        cmocka_unit_test(auto_reckons_with_crcs),
        cmocka_unit_test(ways_are_shown),
        cmocka_unit_test(time_by_hand),
        cmocka_unit_test(time_of_one_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
