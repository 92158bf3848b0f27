/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Uploads of as many parts as S3 has numbers, and plans of more parts than
 * that, which take two levels: published, and gone on with after a kill.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "publish_case.h"

/* S3's number of parts, with so small a floor that the bytes are few.  Of so
 * many members all numbers are used; stitch and chain copy each of them, and
 * have more than there are numbers. */
enum { MEMBERS = 10002, DUO_MEMBERS = 10000, BODY = 700 };

static struct publish_case c;

static void
start(enum plan_strategy s)
{
    static struct plan_limits limits;

    limits = fake_limits;
    limits.parts_max = plan_limits_s3.parts_max;
    limits.upload_cap = s == PLAN_STREAM ? FAKE_FLOOR : 4 * FAKE_FLOOR;
    case_start(&c, 1, 0, NONE);
    reader_unref(c.r);
    layout_unref(c.l);
    free(c.want);
    c.l = fake_layout_even("q/", s == PLAN_DUO ? DUO_MEMBERS : MEMBERS, BODY);
    c.r = fake_reader(c.l);
    c.want = fake_render(c.l);
    c.limits = &limits;
    c.conf.memory = 1 << 17;
    c.conf.publish_strategy = (int)s;
    case_new_publisher(&c);
}

/* All part numbers are used; is there a second level, so that all parts of
 * the archive are more? */
static void
check_many(const struct plan *p, bool levels)
{
    size_t u, folded = 0;

    assert_int_equal(p->count, plan_limits_s3.parts_max);
    for (u = 0; u < p->scratches; u++)
        if (p->scratch[u].count > 100)
            folded += p->scratch[u].count;
    assert_true(levels == (folded > 0));
    assert_true(!levels || p->count + folded > plan_limits_s3.parts_max);
}

static void
publish(enum plan_strategy s, bool levels)
{
    struct plan plan;

    start(s);
    plan = case_plan(&c);
    check_many(&plan, levels);
    case_done(&c, "store-crc");
    case_check_plan(&c, &plan);
    assert_string_equal(c.st.strategy, plan_strategy_name(s));
    plan_free(&plan);
    case_stop(&c);
}

static void
test_duo(void **state)
{
    (void)state;
    publish(PLAN_DUO, false);
}

static void
test_stream(void **state)
{
    (void)state;
    publish(PLAN_STREAM, false);
}

static void
test_stitch(void **state)
{
    (void)state;
    publish(PLAN_STITCH, true);
}

static void
test_chain(void **state)
{
    (void)state;
    publish(PLAN_CHAIN, true);
}

/* --------------------------------------------------------------- killed */

/* Bytes of the archive's upload that the store has. */
static uint64_t
sent_bytes(uint32_t *ret_parts)
{
    const struct fake_upload *u;
    uint64_t bytes = 0;
    uint32_t i;

    *ret_parts = 0;
    for (u = fake.open; u && strcmp(u->key, "out/a.zip") != 0; u = u->next)
        ;
    for (i = 0; u && i < u->parts; i++)
        if (u->part[i].data) {
            bytes += u->part[i].size;
            ++*ret_parts;
        }
    return bytes;
}

/* The CRCs of parts come from ListParts, or from thousands of rows of the
 * journal, which may not know the last ones. */
static void
killed(enum plan_strategy s, bool list_crc)
{
    uint32_t parts, noted;
    uint64_t sent;

    start(s);
    fake.list_crc = list_crc;
    assert_true(case_killed(&c, 10000, true));
    sent = sent_bytes(&parts) + fake_parts_below(FAKE_SCRATCH);
    noted = (uint32_t)fake_journal_notes();
    assert_true(parts > 4000 && noted > 4000);
    case_done(&c, "store-crc");
    assert_int_equal(c.st.restarts, 0);
    assert_int_equal(c.st.uploaded + c.st.copied + c.st.resumed, c.st.work);
    assert_int_equal(fake.uploaded + fake.copied, c.st.work - c.st.resumed);
    assert_true(c.st.resumed <= sent);
    assert_true(c.st.resumed >= (list_crc ? sent : sent / 100 * 90));
    case_stop(&c);
}

static void
test_killed(void **state)
{
    (void)state;
    killed(PLAN_DUO, false);
    killed(PLAN_DUO, true);
    killed(PLAN_STREAM, false);
}

/* In the first level, and in the second. */
static void
test_killed_levels(void **state)
{
    unsigned calls, n;

    (void)state;
    start(PLAN_STITCH);
    case_done(&c, "store-crc");
    calls = fake.calls - fake.deletes;
    case_stop(&c);
    for (n = 3; n < 8; n += 2) {
        start(PLAN_STITCH);
        assert_true(case_killed(&c, calls / 8 * n, true));
        assert_true(fake_journal_notes() > 2000);
        case_done(&c, "store-crc");
        assert_int_equal(c.st.restarts, 0);
        assert_true(c.st.resumed > c.st.work / 10 * (n - 1));
        assert_int_equal(c.st.uploaded + c.st.copied + c.st.resumed,
                         c.st.work);
        assert_int_equal(fake.uploaded + fake.copied,
                         c.st.work - c.st.resumed);
        case_stop(&c);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duo),    cmocka_unit_test(test_stream),
        cmocka_unit_test(test_stitch), cmocka_unit_test(test_chain),
        cmocka_unit_test(test_killed), cmocka_unit_test(test_killed_levels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
