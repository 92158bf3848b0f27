/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Trouble while a killed publish is gone on with: calls that fail, an end,
 * what was there and is gone, stores with quirks, and CRCs that the killed
 * process had not compared.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32.h"
#include "publish_case.h"

static struct publish_case c;

static const enum plan_strategy strategies[] = {
    PLAN_DUO,
    PLAN_STREAM,
    PLAN_STITCH,
    PLAN_CHAIN,
};

/* A process that dies somewhere in the middle. */
static bool
begin_killed(enum plan_strategy s, uint64_t seed, unsigned at)
{
    case_start_as(&c, s, seed, 9, HALF);
    fake.list_crc = seed % 2;
    fake.versioned = seed % 3 == 0;
    return case_killed(&c, at, seed % 5 < 2) && fake_uploads_open() > 0;
}

/* ------------------------------------------------------------ each call */

/* Rows are left only where something could not be removed. */
static void
check_failed(int r)
{
    unsigned objects = fake_objects_below(FAKE_SCRATCH);

    assert_true(r == -EIO || r == -ETIMEDOUT || r == -EACCES || r == -EINTR);
    if (fake_journal_rows() == 0) {
        assert_int_equal(objects, 0);
        assert_true(fake_uploads_open() <= (unsigned)fake_journal_unknown());
    }
}

static void
each_call(enum plan_strategy s, unsigned at, enum fake_trouble trouble)
{
    unsigned n, calls = 1;
    int r;

    for (n = 1; n <= calls; n++) {
        if (!begin_killed(s, n, at)) {
            case_stop(&c);
            calls = max_u64(calls, n + 1);
            if (n > 20)
                return;
            continue;
        }
        fake.trouble_at = n;
        fake.trouble = trouble;
        r = case_publish(&c);
        calls = max_u64(calls, fake.calls);
        if (r < 0)
            check_failed(r);
        fake.trouble_at = 0;
        assert_int_equal(case_publish(&c), 0);
        case_check_there(&c);
        case_stop(&c);
    }
}

static void
test_each_call(void **state)
{
    static const enum fake_trouble troubles[] = {
        FAKE_FAIL_500, FAKE_FAIL_TIMEOUT, FAKE_FAIL_403, FAKE_ABORT, FAKE_GONE,
    };
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(strategies); i++)
        for (k = 0; k < ARRAY_SIZE(troubles); k++) {
            each_call(strategies[i], 7, troubles[k]);
            each_call(strategies[i], 14, troubles[k]);
        }
}

/* ----------------------------------------------------------------- gone */

static void
drop_scratch(void)
{
    struct fake_object *o, *next;

    for (o = fake.objects; o; o = next) {
        next = o->next;
        if (strncmp(o->key, FAKE_SCRATCH, strlen(FAKE_SCRATCH)) == 0)
            fake_remove(o);
    }
}

static void
test_scratch_gone(void **state)
{
    unsigned n, dropped = 0;

    (void)state;
    for (n = 4; n < 90; n++) {
        begin_killed(n % 2 ? PLAN_STITCH : PLAN_CHAIN, n, n);
        dropped += fake_objects_below(FAKE_SCRATCH) > 0;
        if (!fake_object("out/a.zip"))
            drop_scratch();
        assert_int_equal(case_publish(&c), 0);
        case_check_there(&c);
        if (!c.st.noop)
            assert_true(c.st.uploaded + c.st.copied + c.st.resumed <=
                        c.st.work);
        case_stop(&c);
    }
    assert_true(dropped > 20);
}

/* Members that were overwritten since: their old bytes, or nothing. */
static void
test_overwritten(void **state)
{
    unsigned n, i;
    int r;

    (void)state;
    for (n = 1; n < 80; n++) {
        begin_killed(strategies[n % 4], n, 1 + n / 3);
        if (fake_object("out/a.zip")) {
            case_stop(&c);
            continue;
        }
        i = n % (unsigned)c.l->zip.count;
        fake_put(c.l->member[i].key, "new", 3, true);
        r = case_publish(&c);
        assert_true(r == 0 || r == -ECANCELED);
        if (r == 0)
            case_check_there(&c);
        else
            case_check_nothing(&c);
        case_stop(&c);
    }
}

/* --------------------------------------------------------------- quirks */

static void
set_quirk(unsigned n)
{
    fake.range_quirk = n == 0 || n == 1;
    fake.no_complete_crc = n == 1;
    fake.create_501 = n == 2;
    fake.no_copy_crc = n == 3;
    fake.copy_400 = n == 4;
    fake.size_501 = n == 5;
    fake.complete_400 = n == 6;
    fake.copy_501 = n == 7;
}

static void
test_quirks(void **state)
{
    unsigned n, q;
    size_t i;

    (void)state;
    for (q = 0; q < 8; q++)
        for (i = 0; i < ARRAY_SIZE(strategies); i++)
            for (n = 1; n < 60; n += 1 + n % 3) {
                case_start_as(&c, strategies[i], n, 9, n % 3 * HALF);
                set_quirk(q);
                fake.list_crc = n % 2;
                case_killed(&c, n, n % 4 < 2);
                assert_int_equal(case_publish(&c), 0);
                case_check_there(&c);
                case_stop(&c);
            }
}

/* ----------------------------------------------------------------- CRCs */

/* A store that refused the checksum of the whole is not believed: all is
 * read back, also by who goes on. */
static void
test_full_is_kept(void **state)
{
    unsigned n, full = 0;

    (void)state;
    for (n = 1; n < 80; n++) {
        case_start_as(&c, strategies[n % 4], 3, 9, HALF);
        fake.complete_400 = true;
        case_killed(&c, n, false);
        fake.complete_400 = false;
        if (!fake_object("out/a.zip")) {
            assert_int_equal(case_publish(&c), 0);
            assert_true(strcmp(c.st.verified, "full") == 0 ||
                        strcmp(c.st.verified, "store-crc") == 0);
            full += c.st.verified[0] == 'f';
        }
        case_stop(&c);
    }
    assert_true(full > 5);
}

/* A copy whose CRC is not its member's, of which the killed process did not
 * hear any more: not believed by who goes on. */
static void
test_wrong_copies(void **state)
{
    const struct fake_object *o;
    unsigned n, k, wrong = 0;
    struct fake_upload *u;

    (void)state;
    for (n = 2; n < 60; n++) {
        case_start_as(&c, n % 3 ? PLAN_DUO : PLAN_STITCH, n, 12, ALL);
        fake.list_crc = true;
        case_killed(&c, n / 2, true);
        for (u = fake.open; u; u = u->next)
            for (k = 0; k < u->parts; k++)
                if (u->part[k].data && wrong < n / 2 && k % 2) {
                    u->part[k].claimed ^= 0x77;
                    wrong++;
                }
        fake_sql("DELETE FROM upload_part");
        assert_int_equal(case_publish(&c), 0);
        case_check_there(&c);
        o = fake_object("out/a.zip");
        if (o->have_crc)
            assert_int_equal(o->crc, crc32_add(0, o->data, o->size));
        case_stop(&c);
    }
    assert_true(wrong > 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_call),
        cmocka_unit_test(test_scratch_gone),
        cmocka_unit_test(test_overwritten),
        cmocka_unit_test(test_quirks),
        cmocka_unit_test(test_full_is_kept),
        cmocka_unit_test(test_wrong_copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
