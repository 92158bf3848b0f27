/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Every strategy against every quirk of a store: the bytes, what is left
 * behind, and that the traffic is the plan's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "publish_case.h"

static struct publish_case c;

static const enum plan_strategy strategies[] = {
    PLAN_DUO, PLAN_STREAM, PLAN_STITCH, PLAN_CHAIN, PLAN_AGAIN, PLAN_MIXED,
};
static const unsigned stored[] = {ALL, HALF, NONE};

/* For a look at what failed. */
static void
show(const char *what, enum plan_strategy s, uint64_t seed, unsigned crcs)
{
    if (getenv("FAKE_LOG"))
        fprintf(stderr, "%s %s seed %u stored %u\n", what,
                plan_strategy_name(s), (unsigned)seed, crcs);
}

/* -------------------------------------------------------------- traffic */

static void
load_previous(void *user)
{
    struct publish_dest dest = {(char *)"b", (char *)"out/a.zip"};
    struct previous **ret = user;

    *ret = publish_previous(c.p, c.r, &dest);
}

/* The plan that the next publish will make; of the archive that is there.
 * Who asks knows the CRCs then. */
static struct plan
plan_now(void)
{
    struct previous *prev = NULL;
    struct plan plan;
    struct err e = {0};

    case_call(load_previous, &prev);
    assert_int_equal(publish_plan(c.p, c.r, prev, &plan, &e), 0);
    previous_free(prev);
    fake_forget();
    return plan;
}

static bool
has_kind(const struct plan *p, enum plan_kind kind)
{
    size_t i;

    for (i = 0; i < p->count; i++)
        if (p->part[i].kind == kind)
            return true;
    return false;
}

static void
test_traffic(void **state)
{
    unsigned scratches[ARRAY_SIZE(strategies)] = {0}, again = 0;
    uint64_t seed;
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(strategies); i++)
        for (k = 0; k < ARRAY_SIZE(stored); k++)
            for (seed = 0; seed < 20; seed++) {
                struct plan plan;

                show("traffic", strategies[i], seed, stored[k]);
                case_start_as(&c, strategies[i], seed,
                              1 + (unsigned)seed * 7 % 40, stored[k]);
                plan = plan_now();
                case_done(&c, "store-crc");
                case_check_plan(&c, &plan);
                assert_string_equal(c.st.strategy,
                                    plan_strategy_name(plan.strategy));
                scratches[i] += plan.scratches > 0;
                again += has_kind(&plan, PLAN_COPY_PREVIOUS);
                plan_free(&plan);
                case_stop(&c);
            }
    assert_true(scratches[2] > 20 && scratches[3] > 20 && again > 20);
}

/* --------------------------------------------------------------- quirks */

struct quirk {
    const char *name;
    void (*set)(void);
    bool may_fail; /* with EIO */
};

#define FLAG(word)                                                            \
    static void set_##word(void)                                              \
    {                                                                         \
        fake.word = true;                                                     \
    }
FLAG(range_quirk)
FLAG(no_copy_crc)
FLAG(copy_400)
FLAG(copy_501)
FLAG(copy_garbage)
FLAG(size_501)
FLAG(create_501)
FLAG(complete_400)
FLAG(no_complete_crc)
FLAG(versioned)
FLAG(head_403)
FLAG(bad_scratch)

static void
set_silent(void)
{
    fake.no_complete_crc = fake.no_head_crc = true;
}

static void
set_versitygw(void)
{
    fake.range_quirk = fake.no_complete_crc = true;
}

static void
set_old(void)
{
    fake.create_501 = fake.size_501 = fake.no_head_crc = true;
    fake.no_complete_crc = fake.no_copy_crc = true;
}

static void
set_busy(void)
{
    fake.busy_409 = 2;
}

static void
set_unclear(void)
{
    fake.unclear = 3;
}

static void
set_lost(void)
{
    fake.lost = 1;
}

/* CRCs of copies are wrong, and all are known. */
static void
set_wrong_copy_crc(void)
{
    size_t i;

    for (i = 0; i < c.l->zip.count; i++)
        fake_know(c.r, i, fake_true_crc(c.l, i));
    fake.wrong_copy_crc = true;
}

/* What was there is replaced before that shows. */
static void
set_bad_data(void)
{
    c.before[0] = '\0';
    fake.bad_data = true;
    c.conf.verify = CONF_VERIFY_FULL;
}

static const struct quirk quirks[] = {
    {"range_quirk", set_range_quirk, false},
    {"no_copy_crc", set_no_copy_crc, false},
    {"copy_400", set_copy_400, false},
    {"copy_501", set_copy_501, false},
    {"copy_garbage", set_copy_garbage, false},
    {"size_501", set_size_501, false},
    {"create_501", set_create_501, false},
    {"complete_400", set_complete_400, false},
    {"no_complete_crc", set_no_complete_crc, false},
    {"silent", set_silent, false},
    {"versitygw", set_versitygw, false},
    {"old", set_old, false},
    {"versioned", set_versioned, false},
    {"head_403", set_head_403, true},
    {"busy", set_busy, false},
    {"unclear", set_unclear, false},
    {"lost", set_lost, false},
    {"wrong_copy_crc", set_wrong_copy_crc, true},
    {"bad_data", set_bad_data, true},
    {"bad_scratch", set_bad_scratch, true},
};

static void
one_quirk(const struct quirk *q, enum plan_strategy s, uint64_t seed,
          unsigned crcs)
{
    int r;

    show(q->name, s, seed, crcs);
    case_start_as(&c, s, seed, 6 + (unsigned)seed * 5 % 30, crcs);
    q->set();
    r = case_publish(&c);
    if (r < 0 && !q->may_fail)
        fprintf(stderr, "%s: %s\n", q->name, c.err.text);
    assert_true(r == 0 || (q->may_fail && (r == -EIO || r == -EEXIST)));
    if (r == 0)
        case_check_there(&c);
    else
        case_check_nothing(&c);
    case_stop(&c);
}

static void
test_quirks(void **state)
{
    size_t i, k, n;
    uint64_t seed;

    (void)state;
    for (n = 0; n < ARRAY_SIZE(quirks); n++)
        for (i = 0; i < ARRAY_SIZE(strategies); i++)
            for (k = 0; k < ARRAY_SIZE(stored); k++)
                for (seed = 0; seed < 6; seed++)
                    one_quirk(&quirks[n], strategies[i], seed, stored[k]);
}

/* What is to be known of the store is: the traffic is the plan's then, with
 * what it takes to find CRCs and to read back. */
static void
set_full(void)
{
    c.conf.verify = CONF_VERIFY_FULL;
}

static void
traffic_learned(const struct quirk *q, enum plan_strategy s, uint64_t seed,
                unsigned crcs)
{
    struct plan plan;

    show(q->name, s, seed, crcs);
    case_start_as(&c, s, seed, 6 + (unsigned)seed * 5 % 30, crcs);
    q->set();
    c.p->caps = (struct caps){.no_part_crc = fake.no_copy_crc,
                              .range_bad = fake.range_quirk,
                              .no_complete_crc = fake.no_complete_crc};
    plan = plan_now();
    assert_int_equal(case_publish(&c), 0);
    case_check_there(&c);
    case_check_plan(&c, &plan);
    plan_free(&plan);
    case_stop(&c);
}

static void
test_traffic_learned(void **state)
{
    static const struct quirk learned[] = {
        {"range_quirk", set_range_quirk, false},
        {"versitygw", set_versitygw, false},
        {"no_copy_crc", set_no_copy_crc, false},
        {"full", set_full, false},
    };
    size_t i, k, n;
    uint64_t seed;

    (void)state;
    for (n = 0; n < ARRAY_SIZE(learned); n++)
        for (i = 0; i < ARRAY_SIZE(strategies); i++)
            for (k = 0; k < ARRAY_SIZE(stored); k++)
                for (seed = 0; seed < 10; seed++)
                    traffic_learned(&learned[n], strategies[i], seed,
                                    stored[k]);
}

/* A finished object that is wrong is found and goes: the uploads are read
 * back, or everything. */
static void
test_bad_data(void **state)
{
    size_t i;
    uint64_t seed;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(strategies); i++)
        for (seed = 0; seed < 6; seed++) {
            case_start_as(&c, strategies[i], seed, 20, HALF);
            set_bad_data();
            assert_int_equal(case_publish(&c), -EIO);
            case_check_nothing(&c);
            case_stop(&c);
        }
}

/* Copies that the store makes wrong do not become an archive. */
static void
test_bad_scratch(void **state)
{
    enum plan_strategy s;
    uint64_t seed;
    int r;

    (void)state;
    for (s = PLAN_STITCH; s <= PLAN_CHAIN; s++)
        for (seed = 0; seed < 12; seed++) {
            case_start_as(&c, s, seed, 20, seed % 2 ? HALF : ALL);
            fake.bad_scratch = true;
            fake.range_quirk = seed % 4 == 3;
            r = case_publish(&c);
            if (r == 0)
                case_check_there(&c);
            else
                case_check_nothing(&c);
            assert_true(r == 0 || r == -EIO);
            case_stop(&c);
        }
}

/* ----------------------------------------------------------------- CRCs */

/* Nobody reads a body for its header alone; nor is that to come. */
static void
publish_unread(const char *key)
{
    struct fake_object *o;
    size_t i;

    fake_forget();
    for (o = fake.objects; o; o = o->next)
        o->copied = o->climbed = o->read = false;
    assert_int_equal(case_publish_to(&c, key), 0);
    for (o = fake.objects; o; o = o->next)
        assert_true(!o->climbed || (o->read && !o->copied));
    for (i = 0; i < c.l->zip.count; i++)
        assert_false(fake_copies(c.r, i));
}

/* Ranges are answered wrongly and no CRC32 is stored: what is only copied
 * is not read, the store tells its CRC (the plan's bytes are all). */
static void
test_copied_is_not_read(void **state)
{
    unsigned told[ARRAY_SIZE(strategies)] = {0};
    struct plan said;
    struct err e;
    uint64_t seed;
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(strategies); i++)
        for (seed = 0; seed < 20; seed++) {
            show("copied", strategies[i], seed, NONE);
            case_start_as(&c, strategies[i], seed, 30, NONE);
            for (k = 0; k < c.l->zip.count; k++)
                c.l->member[k].hint = ZIP_HINT_OTHER;
            set_versitygw();
            publish_unread("out/a.zip");
            case_check_there(&c);
            told[i] += fake.told;
            /* the store's ways are known, the CRCs are not */
            c.p->caps.no_complete_crc = true;
            reader_unref(c.r);
            c.r = fake_reader(c.l);
            assert_int_equal(publish_plan(c.p, c.r, NULL, &said, &e), 0);
            publish_unread("out/b.zip");
            case_check_plan(&c, &said);
            plan_free(&said);
            case_stop(&c);
        }
    assert_true(told[2] > 5 && told[3] > 20);
}

/* ----------------------------------------------------------- the worker */

/* The layout of a large listing keeps it busy for seconds: what is noted of
 * parts is written late, and not after the row is gone. */
static void
test_slow_worker(void **state)
{
    uint64_t seed;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(strategies); i++)
        for (seed = 0; seed < 20; seed++) {
            case_start_as(&c, strategies[i], seed, 30, HALF);
            fake.slow_worker = true;
            fake.busy_409 = seed % 2;
            case_done(&c, "store-crc");
            case_stop(&c);
        }
}

/* ----------------------------------------------------------- the bucket */

/* A bucket that keeps each object would keep scratch objects. */
static void
test_retention(void **state)
{
    enum plan_strategy s;

    (void)state;
    for (s = PLAN_STITCH; s <= PLAN_CHAIN; s++) {
        case_start_as(&c, s, 3, 30, HALF);
        fake.retention = true;
        case_failed(&c, -EOPNOTSUPP);
        assert_int_equal(fake.creates, 0);
        c.conf.publish_strategy = PLAN_DUO;
        case_done(&c, "store-crc");
        case_stop(&c);
    }
}

/* Scratch objects that cannot be deleted are the next publish's to find. */
static void
test_kept_scratch(void **state)
{
    enum plan_strategy s;
    unsigned kept;

    (void)state;
    for (s = PLAN_STITCH; s <= PLAN_CHAIN; s++) {
        case_start_as(&c, s, 5, 30, HALF);
        fake.deletes_refused = true;
        assert_int_equal(case_publish(&c), 0);
        kept = fake_objects_below(FAKE_SCRATCH);
        assert_true(kept > 0);
        assert_int_equal(fake_journal_rows(), 1);
        fake.deletes_refused = false;
        assert_int_equal(case_publish(&c), 0);
        assert_true(c.st.noop);
        case_check_clean(&c);
        case_stop(&c);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traffic),
        cmocka_unit_test(test_traffic_learned),
        cmocka_unit_test(test_quirks),
        cmocka_unit_test(test_bad_data),
        cmocka_unit_test(test_bad_scratch),
        cmocka_unit_test(test_copied_is_not_read),
        cmocka_unit_test(test_slow_worker),
        cmocka_unit_test(test_retention),
        cmocka_unit_test(test_kept_scratch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
