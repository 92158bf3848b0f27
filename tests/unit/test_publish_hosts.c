/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The same prefix published by two hosts at once, each with a state file
 * of its own: one object, nothing else, and both say that it is there.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "publish_case.h"

static struct publish_case c, other;

static const enum plan_strategy strategies[] = {
    PLAN_DUO, PLAN_STREAM, PLAN_STITCH, PLAN_CHAIN, PLAN_AGAIN, PLAN_MIXED,
};

static void
check_both(void)
{
    if (c.err.num || other.err.num)
        fprintf(stderr, "%s / %s\n", c.err.text, other.err.text);
    assert_int_equal(c.err.num, 0);
    assert_int_equal(other.err.num, 0);
    case_check_there(&c);
    assert_string_equal(other.st.etag, c.st.etag);
}

static void
test_same(void **state)
{
    unsigned n, losers = 0;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(strategies); i++)
        for (n = 0; n < 30; n++) {
            case_start_as(&c, strategies[i], n, 4 + n % 20, n % 3 * HALF);
            fake.versioned = n % 4 == 0;
            fake.range_quirk = n % 5 == 0;
            case_beside(&other, &c, 1);
            case_publish_both(&c, &other);
            check_both();
            assert_true(!c.st.noop || !other.st.noop);
            losers += c.st.noop + other.st.noop;
            case_beside_stop(&other);
            case_stop(&c);
        }
    assert_true(losers > 100);
}

static void
test_other_strategy(void **state)
{
    unsigned n;

    (void)state;
    for (n = 0; n < 120; n++) {
        case_start_as(&c, strategies[n % 6], n, 12, HALF);
        case_beside(&other, &c, 1);
        other.conf.publish_strategy = (int)strategies[n * 7 / 3 % 6];
        case_publish_both(&c, &other);
        check_both();
        case_beside_stop(&other);
        case_stop(&c);
    }
}

/* Each finds the other's archive there. */
static void
test_one_after_the_other(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(strategies); i++) {
        case_start_as(&c, strategies[i], 3, 20, HALF);
        case_done(&c, "store-crc");
        case_beside(&other, &c, 1);
        fake_forget();
        assert_int_equal(case_publish(&other), 0);
        assert_true(other.st.noop);
        assert_int_equal(fake.creates + fake.puts, 0);
        check_both();
        case_beside_stop(&other);
        case_stop(&c);
    }
}

/* Another archive there is not replaced by who did not see it. */
static void
test_other_archive(void **state)
{
    struct layout *next;
    unsigned n, refused = 0;

    (void)state;
    for (n = 0; n < 60; n++) {
        case_start_as(&c, strategies[n % 4], n, 12, HALF);
        case_beside(&other, &c, 1);
        next = fake_layout_next(c.l, HALF);
        reader_unref(other.r);
        layout_unref(other.l);
        other.l = next;
        other.r = fake_reader(next);
        case_publish_both(&c, &other);
        /* Members of the first may have been overwritten. */
        /* Who looked when the other was done has seen it. */
        assert_true(other.err.num == 0 || c.err.num == 0);
        assert_true(other.err.num == 0 || other.err.num == EEXIST);
        assert_true(c.err.num == 0 || c.err.num == EEXIST ||
                    c.err.num == ECANCELED);
        refused += c.err.num == EEXIST || other.err.num == EEXIST;
        assert_non_null(fake_object("out/a.zip"));
        case_check_clean(&c);
        case_beside_stop(&other);
        case_stop(&c);
    }
    assert_true(refused > 5);
}

/* -------------------------------------------------------------- trouble */

static void
test_trouble(void **state)
{
    static const enum fake_trouble troubles[] = {
        FAKE_FAIL_500,
        FAKE_FAIL_TIMEOUT,
        FAKE_FAIL_403,
    };
    unsigned n;

    (void)state;
    for (n = 1; n < 240; n++) {
        case_start_as(&c, strategies[n % 6], n, 9, HALF);
        case_beside(&other, &c, 1);
        fake.trouble_at = 1 + n / 2;
        fake.trouble = troubles[n % 3];
        case_publish_both(&c, &other);
        fake.trouble_at = 0;
        /* The one that was hit may fail, and leave what it knows of. */
        assert_true(c.err.num == 0 || other.err.num == 0);
        if (c.err.num || fake_journal_rows())
            assert_int_equal(case_publish(&c), 0);
        if (other.err.num || fake_journal_rows())
            assert_int_equal(case_publish(&other), 0);
        check_both();
        case_beside_stop(&other);
        case_stop(&c);
    }
}

/* One is killed; the other host knows nothing of its upload, which stays
 * until the first one comes again. */
static void
test_killed(void **state)
{
    unsigned n, left = 0;

    (void)state;
    for (n = 1; n < 120; n++) {
        case_start_as(&c, strategies[n % 4], n, 9, HALF);
        case_killed(&c, 1 + n / 4, n % 2);
        case_beside(&other, &c, 1);
        assert_int_equal(case_publish(&other), 0);
        left += fake_uploads_open() > 0;
        assert_int_equal(case_publish(&c), 0);
        assert_true(c.st.noop);
        check_both();
        case_beside_stop(&other);
        case_stop(&c);
    }
    assert_true(left > 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_other_strategy),
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_other_archive),
        cmocka_unit_test(test_trouble),
        cmocka_unit_test(test_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
