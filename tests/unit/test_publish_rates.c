/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What is learned of a line from publishes, what of it is kept, and what
 * wins when a plan needs it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "publish/rates.h"

static bool
near(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fabs(b);
}

/* A publish on a line of true rates, as plan_time has it. */
static struct rates_sample
publish_on(const struct plan_rates *line, uint64_t bytes, uint64_t requests,
           uint32_t sequence)
{
    double b = (double)bytes / line->bandwidth;
    double q = (double)requests / line->request_rate;

    return (struct rates_sample){
        .bytes_up = bytes,
        .bytes_down = bytes / 3,
        .requests = requests,
        .sequence = sequence,
        .round_trip = line->round_trip,
        .seconds = (b > q ? b : q) + 3 * line->round_trip * sequence,
    };
}

/* Whichever holds it up is measured, whatever the line. */
static void
test_learned(void **state)
{
    const struct plan_rates lines[] = {
        {1e6, 20, 0.2}, {1e9, 5000, 0.001}, {1e6, 5000, 0.001},
        {1e9, 20, 0.2}, {75e6, 300, 0.03},
    };
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(lines); i++) {
        const struct plan_rates *l = &lines[i];
        struct plan_rates known = {0};

        for (k = 0; k < 40; k++) {
            struct rates_sample s = publish_on(l, GIB(100), 200, 1);

            rates_learn(&known, &s);
            s = publish_on(l, MIB(1), 1000000, 1);
            rates_learn(&known, &s);
        }
        assert_true(near(known.bandwidth, l->bandwidth));
        assert_true(near(known.request_rate, l->request_rate));
        assert_true(near(known.round_trip, l->round_trip));
    }
}

static void
test_sequence(void **state)
{
    const struct plan_rates line = {100e6, 300, 0.1};
    struct plan_rates known = {0};
    struct rates_sample s = publish_on(&line, GIB(1), 10, 12);

    (void)state;
    rates_learn(&known, &s);
    assert_true(near(known.bandwidth, line.bandwidth));
    assert_true(known.request_rate == 0); /* not seen at its end */
}

/* Where the store copied much, its time is not the line's. */
static void
test_copied(void **state)
{
    const struct rates_sample samples[] = {
        {.bytes_up = MIB(5), .requests = 20, .copied = GIB(15)},
        {.bytes_up = MIB(20), .requests = 60, .copied = GIB(15)},
        {.bytes_up = MIB(1), .requests = 200, .copied = GIB(15)},
        {.bytes_up = GIB(1), .requests = 200, .copied = GIB(1)},
        {.bytes_up = MIB(1), .requests = 3000, .copied = GIB(15)},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(samples); i++) {
        struct rates_sample s = samples[i];
        struct plan_rates known = {0};

        s.seconds = 100;
        s.sequence = 1;
        rates_learn(&known, &s);
        assert_int_equal(known.bandwidth > 0, i == 3);
        assert_int_equal(known.request_rate > 0, i == 4);
        assert_true(i < 3 ? near(known.copy_rate, (double)GIB(15) / 100)
                          : known.copy_rate == 0);
    }
}

static void
test_too_short(void **state)
{
    const struct rates_sample samples[] = {
        {.seconds = 0.5, .bytes_up = GIB(1), .requests = 1000, .sequence = 1},
        {.seconds = 50, .bytes_up = MIB(1), .requests = 10, .sequence = 1},
        {.seconds = 0, .sequence = 1},
    };
    struct plan_rates known = {0};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(samples); i++)
        rates_learn(&known, &samples[i]);
    assert_true(known.bandwidth == 0 && known.request_rate == 0);
}

static void
test_kept(void **state)
{
    const struct plan_rates line = {2e6, 50, 0.25};
    struct rates_sample s = publish_on(&line, GIB(1), 100, 1);
    struct plan_rates got;
    struct sqlite3 *db;
    struct state *st;
    char dir[] = "/tmp/s3zipfs-test-XXXXXX", cmd[64], name[32];
    int i, rows = 0;
    sqlite3_stmt *q = NULL;

    (void)state;
    assert_non_null(mkdtemp(dir));
    state_open(&st, dir);
    assert_false(rates_load(st, "http://a", &got));
    rates_note(st, "http://a", &s);
    state_close(st);
    state_open(&st, dir);
    assert_false(rates_load(st, "http://b", &got));
    assert_true(rates_load(st, "http://a", &got));
    assert_true(near(got.bandwidth, 2e6) && near(got.round_trip, 0.25));
    for (i = 0; i < 150; i++) {
        snprintf(name, sizeof(name), "http://%d", i);
        rates_note(st, name, &s);
    }
    assert_false(rates_load(st, "http://a", &got)); /* the oldest */
    assert_true(rates_load(st, "http://149", &got));
    db = state_lock(st);
    sqlite3_prepare_v2(db, "SELECT count(*) FROM rate", -1, &q, NULL);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    rows = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    sqlite3_exec(db, "UPDATE rate SET bandwidth = -1, request_rate = 'x'",
                 NULL, NULL, NULL);
    state_unlock(st);
    assert_int_equal(rows, 100);
    assert_true(rates_load(st, "http://149", &got));
    assert_true(got.bandwidth == 0 && got.request_rate == 0);
    state_close(st);
    rates_note(NULL, "http://a", &s);
    assert_false(rates_load(NULL, "http://a", &got));
    snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
    assert_int_equal(system(cmd), 0);
}

static void
test_given(void **state)
{
    struct conf c = {.bandwidth = 12345};
    struct plan_origins o;
    struct plan_rates r;

    (void)state;
    rates_choose(&r, &o, &c, NULL, NULL);
    assert_true(r.bandwidth == 12345 && o.bandwidth == PLAN_GIVEN);
    assert_true(r.request_rate == plan_rates_default.request_rate);
    assert_int_equal(o.request_rate, PLAN_ASSUMED);
    assert_int_equal(o.round_trip, PLAN_ASSUMED);
    c.request_rate = 7;
    rates_choose(&r, NULL, &c, NULL, NULL);
    assert_true(r.request_rate == 7);
}

/* Of large objects only, and beside a round trip. */
static void
test_complete(void **state)
{
    struct rates_sample s = {
        .completed = GIB(3), .complete_seconds = 3.5, .round_trip = 0.5};
    struct plan_rates known = {0};

    (void)state;
    rates_learn(&known, &s);
    assert_true(near(known.complete_rate, (double)GIB(1)));
    s.complete_seconds = 0.2; /* the store does nothing then */
    rates_learn(&known, &s);
    assert_true(known.complete_rate > (double)GIB(1000));
    known.complete_rate = 0;
    s.completed = MIB(10);
    rates_learn(&known, &s);
    s.completed = 0;
    rates_learn(&known, &s);
    assert_true(known.complete_rate == 0);
}

/* A state file of before copy_rate. */
static void
test_older_file(void **state)
{
    const struct rates_sample s = {.requests = 20,
                                   .copied = GIB(15),
                                   .seconds = 100,
                                   .sequence = 1,
                                   .completed = GIB(2),
                                   .complete_seconds = 2};
    char dir[] = "/tmp/s3zipfs-test-XXXXXX", cmd[64];
    struct plan_rates got;
    struct sqlite3 *db;
    struct state *st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    state_open(&st, dir);
    db = state_lock(st);
    assert_int_equal(
        sqlite3_exec(db,
                     "CREATE TABLE rate (n INTEGER PRIMARY KEY,"
                     " endpoint TEXT NOT NULL UNIQUE, bandwidth REAL NOT NULL,"
                     " request_rate REAL NOT NULL, round_trip REAL NOT NULL);"
                     "INSERT INTO rate VALUES (1, 'http://a', 5e6, 0, 0)",
                     NULL, NULL, NULL),
        SQLITE_OK);
    state_unlock(st);
    assert_true(rates_load(st, "http://a", &got));
    assert_true(near(got.bandwidth, 5e6) && got.copy_rate == 0);
    rates_note(st, "http://a", &s);
    assert_true(rates_load(st, "http://a", &got));
    assert_true(near(got.copy_rate, (double)GIB(15) / 100));
    assert_true(near(got.complete_rate, (double)GIB(1)));
    state_close(st);
    snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
    assert_int_equal(system(cmd), 0);
}

/* conf/ knows the strategies by number only. */
static void
test_words(void **state)
{
    struct conf c;
    int s;

    (void)state;
    assert_int_equal(conf_init(&c), 0);
    for (s = 0; s < PLAN_MIXED; s++) {
        assert_int_equal(conf_set(&c, "publish_strategy",
                                  plan_strategy_name((enum plan_strategy)s),
                                  NULL),
                         0);
        assert_int_equal(c.publish_strategy, s);
    }
    assert_int_equal(PLAN_MIXED, CONF_STRATEGY_AUTO);
    conf_free(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learned),   cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_too_short), cmocka_unit_test(test_copied),
        cmocka_unit_test(test_kept),      cmocka_unit_test(test_given),
        cmocka_unit_test(test_words),     cmocka_unit_test(test_older_file),
        cmocka_unit_test(test_complete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
