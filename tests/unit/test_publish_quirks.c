/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Whole publishes against the quirks, refusals and unclear answers of
 * stores, each with the bytes, the errno and what is left behind.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "publish_case.h"

static struct publish_case c;

static void
test_range_quirk(void **state)
{
    uint64_t seed;

    (void)state;
    for (seed = 0; seed < 20; seed++) {
        case_start(&c, seed, 30, HALF);
        fake.range_quirk = true;
        case_done(&c, "readback-headers");
        assert_int_equal(c.st.restarts, 1);
        assert_true(publisher_caps(c.p).range_bad);
        /* the next one knows */
        strcpy(fake_object("out/a.zip")->digest, "another");
        case_done(&c, "readback-headers");
        assert_int_equal(c.st.restarts, 0);
        case_stop(&c);
        /* sources without a CRC32 are answered right */
        case_start(&c, seed, 30, NONE);
        fake.range_quirk = true;
        case_done(&c, "store-crc");
        case_stop(&c);
    }
}

/* Another process is told what this one saw: its first publish to another
 * key of the store is what its plan says, and begins once; but for the CRCs
 * of copies, which are only believed to be missing where one is seen. */
static void
test_told(void **state)
{
    const struct {
        bool *quirk;
        const char *verified;
        unsigned restarts, told;
    } cases[] = {
        {&fake.range_quirk, "readback-headers", 1, 0},
        {&fake.no_copy_crc, "readback-headers", 1, 1},
        {&fake.no_complete_crc, "store-crc", 0, 0}, /* HEAD says it */
    };
    struct plan plan;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        case_start(&c, i, 30, ALL);
        *cases[i].quirk = true;
        case_done(&c, cases[i].verified);
        assert_int_equal(c.st.restarts, cases[i].restarts);
        fake_forget();
        case_new_publisher(&c);
        plan = case_plan(&c);
        assert_int_equal(case_publish_to(&c, "out/b.zip"), 0);
        assert_int_equal(c.st.restarts, cases[i].told);
        assert_int_equal(c.st.uploaded, plan.totals.uploaded);
        assert_int_equal(plan.totals.read_back > 0, cases[i].restarts > 0);
        if (!cases[i].told)
            case_check_plan(&c, &plan);
        plan_free(&plan);
        case_stop(&c);
    }
}

/* A store that was seen wrong is still asked about sources without one. */
static void
test_range_quirk_remembered(void **state)
{
    (void)state;
    case_start(&c, 7, 30, NONE);
    fake.range_quirk = true;
    c.p->caps.range_bad = true;
    case_done(&c, "store-crc");
    assert_true(fake.asks > 0);
    case_stop(&c);
}

static void
test_range_quirk_no_upload_before(void **state)
{
    (void)state;
    case_start(&c, 8, 30, ALL);
    fake.range_quirk = true;
    case_done(&c, "readback-headers");
    assert_int_equal(c.st.uploaded + c.st.copied - c.st.bytes +
                         (c.st.bytes - fake.uploaded),
                     c.st.copied);
    case_stop(&c);
}

static void
test_hint_learns(void **state)
{
    size_t i;

    (void)state;
    case_start(&c, 9, 30, ALL);
    for (i = 0; i < c.l->zip.count; i++)
        c.l->member[i].hint = ZIP_HINT_CRC32_FULL;
    case_done(&c, "store-crc");
    assert_true(publisher_caps(c.p).range_good);
    case_stop(&c);
}

static void
test_no_copy_crc(void **state)
{
    (void)state;
    case_start(&c, 10, 30, HALF);
    fake.no_copy_crc = true;
    case_done(&c, "readback-headers");
    assert_int_equal(c.st.restarts, 1);
    strcpy(fake_object("out/a.zip")->digest, "another");
    case_done(&c, "readback-headers");
    assert_int_equal(c.st.restarts, 0);
    case_stop(&c);
    case_start(&c, 11, 30, HALF);
    fake.copy_400 = true;
    case_done(&c, "readback-headers");
    assert_true(publisher_caps(c.p).no_part_crc);
    case_stop(&c);
}

static void
test_no_copy(void **state)
{
    (void)state;
    case_start(&c, 12, 30, HALF);
    fake.copy_501 = true;
    case_done(&c, "store-crc");
    assert_int_equal(c.st.copied, 0);
    case_stop(&c);
    case_start(&c, 13, 30, HALF);
    fake.copy_garbage = true;
    case_done(&c, "store-crc");
    case_stop(&c);
}

static void
test_no_size(void **state)
{
    (void)state;
    case_start(&c, 14, 30, HALF);
    fake.size_501 = true;
    case_done(&c, "store-crc");
    assert_int_equal(fake.creates, 1);
    assert_int_equal(fake.completes, 2);
    strcpy(fake_object("out/a.zip")->digest, "another");
    case_done(&c, "store-crc");
    assert_int_equal(fake.completes, 3);
    case_stop(&c);
}

static void
test_silent_complete(void **state)
{
    (void)state;
    case_start(&c, 15, 30, HALF);
    fake.no_complete_crc = true;
    case_done(&c, "store-crc"); /* HEAD says it */
    case_stop(&c);
    case_start(&c, 15, 30, HALF);
    fake.no_complete_crc = fake.no_head_crc = true;
    case_done(&c, "readback-headers");
    case_stop(&c);
}

static void
test_full(void **state)
{
    (void)state;
    case_start(&c, 16, 30, HALF);
    c.conf.verify = CONF_VERIFY_FULL;
    case_done(&c, "full");
    case_stop(&c);
    case_start(&c, 17, 30, HALF);
    c.conf.verify = CONF_VERIFY_FULL;
    fake.range_quirk = fake.bad_data = true;
    case_failed(&c, -EIO);
    case_stop(&c);
}

static void
test_bad_object_is_deleted(void **state)
{
    (void)state;
    case_start(&c, 18, 30, ALL);
    fake.range_quirk = fake.bad_data = true;
    case_failed(&c, -EIO);
    assert_int_equal(fake.deletes, 1);
    case_stop(&c);
}

static void
test_conflict_409(void **state)
{
    (void)state;
    case_start(&c, 19, 30, HALF);
    fake.busy_409 = 3;
    case_done(&c, "store-crc");
    assert_int_equal(fake.creates, 4);
    case_stop(&c);
    case_start(&c, 19, 30, HALF);
    fake.busy_409 = 4;
    case_failed(&c, -EBUSY);
    case_stop(&c);
    case_start(&c, 19, 1, HALF);
    fake.busy_409 = 4;
    case_failed(&c, -EBUSY);
    case_stop(&c);
}

static void
test_unclear(void **state)
{
    (void)state;
    case_start(&c, 20, 30, HALF);
    fake.unclear = 1;
    case_done(&c, "store-crc");
    assert_int_equal(fake.completes, 1);
    case_stop(&c);
    case_start(&c, 20, 30, HALF);
    fake.lost = 2;
    case_done(&c, "store-crc");
    assert_int_equal(fake.completes, 3);
    case_stop(&c);
    case_start(&c, 20, 30, HALF);
    fake.lost = 100;
    case_failed(&c, -EIO);
    case_stop(&c);
    case_start(&c, 21, 0, HALF);
    fake.unclear = 1;
    case_done(&c, "store-crc");
    assert_int_equal(fake.puts, 1);
    case_stop(&c);
}

static void
test_wrong_known_crc(void **state)
{
    uint64_t seed;
    size_t i;

    (void)state;
    for (seed = 30; seed < 40; seed++) {
        case_start(&c, seed, 30, NONE);
        for (i = 0; i < c.l->zip.count; i++)
            if (c.l->member[i].size >= 3000) {
                fake_know(c.r, i, 0x1234);
                break;
            }
        case_done(&c, "store-crc");
        assert_true(i == c.l->zip.count || c.st.restarts == 1);
        case_stop(&c);
    }
}

static void
test_wrong_copies(void **state)
{
    size_t i;

    (void)state;
    case_start(&c, 41, 30, NONE);
    for (i = 0; i < c.l->zip.count; i++)
        fake_know(c.r, i, fake_true_crc(c.l, i));
    fake.wrong_copy_crc = true;
    case_failed(&c, -EIO);
    assert_true(c.st.key[0] != '\0');
    case_stop(&c);
}

/* A source that became shorter: the range is refused, not the guard. */
static void
test_shorter_source(void **state)
{
    size_t i;

    (void)state;
    case_start(&c, 44, 30, NONE);
    fake.range_first = true;
    for (i = 0; i < c.l->zip.count; i++)
        if (c.l->member[i].size > 3000)
            break;
    fake_put(c.l->member[i].key, "short", 5, false);
    case_failed(&c, -ECANCELED);
    assert_true(atomic_load(&c.l->stale));
    case_stop(&c);
}

/* An end while that source is looked at: its HEAD was sent for sources, and
 * an id means another call for destinations. */
static void
test_source_look_is_ended(void **state)
{
    unsigned n;
    size_t i;
    int r;

    (void)state;
    for (n = 1; n < 60; n++) {
        case_start(&c, 44, 30, NONE);
        fake.range_first = fake.head_hangs = true;
        for (i = 0; i < c.l->zip.count; i++)
            if (c.l->member[i].size > 3000)
                break;
        fake_put(c.l->member[i].key, "short", 5, false);
        fake.trouble_at = n;
        fake.trouble = FAKE_ABORT;
        r = case_publish(&c); /* asserts that no id was mistaken */
        assert_true(r == -EINTR || r == -ECANCELED || fake.calls < n);
        case_check_nothing(&c);
        r = fake.calls < n;
        case_stop(&c);
        if (r)
            break;
    }
}

/* How a store answers ranged copies shows with the first of them: uploads
 * do not wait for the others. */
static void
test_first_range(void **state)
{
    struct plan plan;
    size_t i, n;

    (void)state;
    case_start(&c, 7, 300, ALL);
    c.conf.publish_strategy = PLAN_DUO;
    for (i = 0; i < c.l->zip.count; i++)
        fake_know(c.r, i, fake_true_crc(c.l, i));
    plan = case_plan(&c);
    for (i = 0, n = 0; i < plan.count; i++)
        if (plan.part[i].kind == PLAN_COPY &&
            plan_part_len(&plan.part[i]) !=
                c.l->member[plan.part[i].member].size &&
            n++ == 0)
            fake.held_copies_but = (uint32_t)i + 1;
    assert_true(n > 64);
    fake.held_turns = 100000;
    case_done(&c, "store-crc");
    assert_true(fake.held_turns > 0);
    plan_free(&plan);
    case_stop(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_range),
        cmocka_unit_test(test_range_quirk),
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_range_quirk_remembered),
        cmocka_unit_test(test_range_quirk_no_upload_before),
        cmocka_unit_test(test_hint_learns),
        cmocka_unit_test(test_no_copy_crc),
        cmocka_unit_test(test_no_copy),
        cmocka_unit_test(test_no_size),
        cmocka_unit_test(test_silent_complete),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_bad_object_is_deleted),
        cmocka_unit_test(test_conflict_409),
        cmocka_unit_test(test_unclear),
        cmocka_unit_test(test_wrong_known_crc),
        cmocka_unit_test(test_wrong_copies),
        cmocka_unit_test(test_shorter_source),
        cmocka_unit_test(test_source_look_is_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
