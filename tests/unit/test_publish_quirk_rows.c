/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What is kept of a store's ways with CRCs: for whom, for how long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/quirks.h"

enum { DAY = 24 * 3600, NOW = 1700000000 };

static char dir[] = "/tmp/s3zipfs-test-XXXXXX";
static struct state *st;
static const struct caps nothing;

static int
set_up(void **state)
{
    (void)state;
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    state_open(&st, dir);
    return 0;
}

static int
tear_down(void **state)
{
    char cmd[64];

    (void)state;
    state_close(st);
    snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
    return system(cmd);
}

static struct caps
load(const char *endpoint, int64_t now)
{
    struct caps c = {0};

    quirks_load(st, endpoint, now, &c);
    return c;
}

static void
test_kept(void **state)
{
    struct caps c = {.range_bad = true,
                     .range_good = true,
                     .no_copy = true,
                     .no_size = true,
                     .copies_good = true};

    (void)state;
    quirks_note(st, "http://a", NOW, &c, &nothing);
    state_close(st);
    state_open(&st, dir);
    c = load("http://b", NOW);
    assert_memory_equal(&c, &nothing, sizeof(c));
    c = load("http://a", NOW + DAY);
    assert_true(c.range_bad);
    /* What makes a publish less careful, or is cheap to see, is not. */
    c.range_bad = false;
    assert_memory_equal(&c, &nothing, sizeof(c));
    c = (struct caps){.no_part_crc = true, .no_complete_crc = true};
    quirks_note(st, "http://a", NOW + DAY, &c, &nothing);
    c = load("http://a", NOW + DAY);
    assert_true(c.range_bad && c.no_part_crc && c.no_complete_crc);
}

/* A week after it was first seen, whoever was told of it meanwhile. */
static void
test_forgotten(void **state)
{
    struct caps c = {.range_bad = true}, told;

    (void)state;
    quirks_note(st, "http://a", NOW, &c, &nothing);
    told = load("http://a", NOW + 6 * DAY);
    c = told;
    quirks_note(st, "http://a", NOW + 6 * DAY, &c, &told);
    assert_true(load("http://a", NOW + 7 * DAY - 1).range_bad);
    assert_false(load("http://a", NOW + 7 * DAY).range_bad);
    quirks_note(st, "http://a", NOW + 8 * DAY, &c, &told);
    assert_false(load("http://a", NOW + 8 * DAY).range_bad);
    /* Seen once more. */
    quirks_note(st, "http://a", NOW + 8 * DAY, &c, &nothing);
    assert_true(load("http://a", NOW + 14 * DAY).range_bad);
    /* A clock that went back. */
    assert_false(load("http://a", NOW).range_bad);
}

static int
count_rows(void)
{
    sqlite3_stmt *q =
        state_prepare(state_lock(st), "SELECT count(*) FROM quirk");
    int n;

    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    n = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    state_unlock(st);
    return n;
}

static void
test_bounded(void **state)
{
    struct caps c = {.no_part_crc = true};
    char name[32];
    int i;

    (void)state;
    for (i = 0; i < 150; i++) {
        snprintf(name, sizeof(name), "http://%d", i);
        quirks_note(st, name, NOW, &c, &nothing);
    }
    assert_int_equal(count_rows(), 100);
    assert_false(load("http://49", NOW).no_part_crc);
    assert_true(load("http://50", NOW).no_part_crc);
    quirks_note(st, "http://none", NOW, &nothing, &nothing);
    assert_int_equal(count_rows(), 100);
}

static void
test_no_file(void **state)
{
    struct caps c = {.no_part_crc = true};

    (void)state;
    quirks_note(NULL, "http://a", NOW, &c, &nothing);
    c = nothing;
    quirks_load(NULL, "http://a", NOW, &c);
    assert_memory_equal(&c, &nothing, sizeof(c));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounded, set_up, tear_down),
        cmocka_unit_test(test_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
