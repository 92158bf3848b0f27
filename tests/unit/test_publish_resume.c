/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A publish that is killed at any call is gone on with by the next one:
 * what the store has is not sent again, and nothing is left behind.
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
    PLAN_DUO, PLAN_STREAM, PLAN_STITCH, PLAN_CHAIN, PLAN_AGAIN,
};

static bool
is_noted(uint32_t part)
{
    char sql[100];

    snprintf(sql, sizeof(sql),
             "SELECT count(*) FROM upload_part WHERE number = %u", part);
    return fake_sql(sql) > 0;
}

static bool
has_directory(const struct plan_part *p)
{
    const struct zip_layout *z = &c.l->zip;

    return p->kind == PLAN_UPLOAD && p->end > z->offset[z->count];
}

/* Parts of the archive's upload that need not be sent again: each, where
 * ListParts tells CRCs, else those in the journal; but not the directory,
 * as the next process knows no member's CRC. */
static uint64_t
kept_bytes(void)
{
    const struct fake_upload *u;
    uint32_t i, scratch_parts;
    uint64_t bytes = 0;
    struct plan plan;

    if (fake_sql("SELECT count(upload_id) FROM upload") == 0)
        return 0;
    plan = case_plan(&c);
    scratch_parts = (uint32_t)plan.scratch_parts;
    for (u = fake.open; u && strcmp(u->key, "out/a.zip") != 0; u = u->next)
        ;
    for (i = 0; u && i < u->parts; i++)
        if (u->part[i].data && !has_directory(&plan.part[i]) &&
            (fake.list_crc || is_noted(scratch_parts + i)))
            bytes += u->part[i].size;
    plan_free(&plan);
    return bytes;
}

static bool
is_there(void)
{
    const struct fake_object *o = fake_object("out/a.zip");

    return o && strcmp(o->etag, c.before) != 0;
}

/* The next publish puts it right, and sends what is missing. */
static void
check_resumed(enum plan_strategy s)
{
    bool there = is_there();
    uint64_t kept = s == PLAN_AGAIN || there ? 0 : kept_bytes();
    uint64_t scratch = fake_parts_below(FAKE_SCRATCH);
    int r = case_publish(&c);

    if (r < 0)
        fprintf(stderr, "again: %s\n", c.err.text);
    assert_int_equal(r, 0);
    case_check_there(&c);
    assert_true(c.st.noop == there);
    assert_int_equal(c.st.restarts, 0);
    if (there) {
        assert_int_equal(fake.copies + fake.uploads + fake.puts, 0);
        return;
    }
    /* Scratch objects that nobody needs any more are not made again. */
    assert_true(c.st.uploaded + c.st.copied + c.st.resumed <= c.st.work);
    assert_true(s >= PLAN_STITCH ||
                c.st.uploaded + c.st.copied + c.st.resumed == c.st.work);
    assert_true(fake.uploaded + fake.copied <= c.st.work - c.st.resumed);
    if (kept > 0 && fake.list_crc)
        kept += scratch;
    assert_true(c.st.resumed >= kept);
    if (s == PLAN_DUO || s == PLAN_STREAM)
        assert_int_equal(c.st.resumed, kept);
}

static void
each_call(enum plan_strategy s, unsigned crcs, bool list_crc, bool late)
{
    unsigned n, resumed = 0;
    bool killed = true;

    for (n = 1; killed; n++) {
        case_start_as(&c, s, n, s == PLAN_AGAIN ? 40 : 10, crcs);
        fake.list_crc = list_crc;
        fake.versioned = n % 3 == 0;
        killed = case_killed(&c, n, late);
        check_resumed(s);
        resumed += c.st.resumed > 0;
        case_stop(&c);
    }
    assert_true(resumed > 1);
}

static void
test_each_call(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(strategies); i++) {
        each_call(strategies[i], HALF, true, false);
        each_call(strategies[i], HALF, true, true);
        each_call(strategies[i], NONE, false, true);
        each_call(strategies[i], ALL, false, false);
    }
}

/* A store that proves nothing and spoils what it completes: the archive of a
 * publish that was killed before it read that back is not believed. */
static void
test_spoiled_before_the_kill(void **state)
{
    bool killed = true;
    unsigned n, there = 0;

    (void)state;
    for (n = 1; killed; n++) {
        case_start_as(&c, strategies[n % 4], 7, 14, NONE);
        fake.no_head_crc = fake.no_complete_crc = true;
        fake.no_copy_crc = n % 8 < 4;
        fake.bad_data = true;
        killed = case_killed(&c, n, n % 3 == 0);
        fake.bad_data = false;
        if (killed) {
            there += is_there();
            assert_int_equal(case_publish(&c), 0);
            case_check_there(&c);
        }
        case_stop(&c);
    }
    assert_true(there > 0);
}

/* A scratch object of one uploaded part is not made again either, but for
 * the one that holds the central directory: its CRCs are to be found first. */
static void
test_finished_scratch(void **state)
{
    unsigned n, finished = 0;
    bool killed = true;
    int noted;

    (void)state;
    for (n = 1; killed; n++) {
        case_start_as(&c, PLAN_CHAIN, 3, 10, HALF);
        fake.list_crc = true;
        killed = case_killed(&c, n, true);
        noted = fake_sql("SELECT count(*) FROM upload_scratch");
        if (killed && !is_there() && noted > 0) {
            struct plan plan = case_plan(&c);

            assert_int_equal(case_publish(&c), 0);
            assert_true(fake.creates + fake.puts + (unsigned)noted <=
                        plan.scratches + 1);
            plan_free(&plan);
            finished++;
            case_check_there(&c);
        }
        case_stop(&c);
    }
    assert_true(finished > 5);
}

/* ---------------------------------------------------------------- twice */

static void
test_killed_twice(void **state)
{
    enum plan_strategy s;
    unsigned n;

    (void)state;
    for (n = 0; n < 120; n++) {
        s = strategies[n % ARRAY_SIZE(strategies)];
        case_start_as(&c, s, n, 10, n % 3 * HALF);
        fake.list_crc = n % 2;
        case_killed(&c, 1 + n / 2, n % 4 < 2);
        if (!is_there())
            case_killed(&c, 1 + n * 7 % 31, n % 4 > 1);
        if (!is_there())
            check_resumed(s);
        else
            assert_int_equal(case_publish(&c), 0);
        case_check_there(&c);
        case_stop(&c);
    }
}

/* ------------------------------------------------------------- changed */

/* What fits no more is cleaned up, and all begins anew. */
static bool
same_plans(const struct plan *a, const struct plan *b)
{
    size_t i;

    if (a->count != b->count || a->scratch_parts != b->scratch_parts)
        return false;
    for (i = 0; i < a->count; i++)
        if (a->part[i].kind != b->part[i].kind ||
            a->part[i].end != b->part[i].end)
            return false;
    return true;
}

/* Less memory, another strategy; the plan may be the same all the same. */
static void
test_other_plan(void **state)
{
    unsigned n, others = 0, kept = 0;

    (void)state;
    for (n = 1; n < 120; n++) {
        struct plan before, after;
        bool same;

        case_start_as(&c, strategies[n % 4], 3, 12, HALF);
        fake.list_crc = true;
        before = case_plan(&c);
        case_killed(&c, n / 3, n % 2);
        if (n % 5 == 0)
            c.conf.publish_strategy = (int)strategies[(n + 1 + n % 3) % 4];
        else
            c.conf.memory = 5000;
        case_new_publisher(&c);
        after = case_plan(&c);
        same = same_plans(&before, &after);
        others += !same && fake_uploads_open() > 0;
        assert_int_equal(case_publish(&c), 0);
        case_check_there(&c);
        assert_true(same || c.st.resumed == 0);
        kept += c.st.resumed > 0;
        plan_free(&before);
        plan_free(&after);
        case_stop(&c);
    }
    assert_true(others > 20 && kept > 0);
}

/* auto would choose otherwise now, as it may when a line was measured or
 * CRCs were found meanwhile; but what was begun is gone on with. */
static void
test_auto_keeps_its_choice(void **state)
{
    unsigned n, others = 0;

    (void)state;
    for (n = 4; n < 60; n++) {
        struct plan before, after;
        bool there, open;

        case_start_as(&c, PLAN_MIXED, 3, 12, HALF);
        c.conf.objective = CONF_TIME;
        c.conf.bandwidth = 100;
        fake.list_crc = true;
        before = case_plan(&c);
        case_killed(&c, n, true);
        there = is_there();
        open = fake_sql("SELECT count(upload_id) FROM upload") > 0 &&
               fake_parts_below("") > 0;
        c.conf.bandwidth = UINT64_MAX / 4;
        case_new_publisher(&c);
        after = case_plan(&c);
        assert_false(same_plans(&before, &after));
        assert_int_equal(case_publish(&c), 0);
        case_check_there(&c);
        if (!there && open) {
            assert_string_equal(c.st.strategy,
                                plan_strategy_name(before.strategy));
            others += c.st.resumed > 0;
        }
        plan_free(&before);
        plan_free(&after);
        case_stop(&c);
    }
    assert_true(others > 10);
}

static void
test_other_layout(void **state)
{
    struct layout *next;
    unsigned n;

    (void)state;
    for (n = 1; n < 60; n++) {
        case_start_as(&c, strategies[n % 4], n, 12, HALF);
        fake.list_crc = true;
        case_killed(&c, n, n % 2);
        next = fake_layout_next(c.l, HALF);
        reader_unref(c.r);
        layout_unref(c.l);
        free(c.want);
        c.l = next;
        c.r = fake_reader(next);
        c.want = fake_render(next);
        case_done(&c, "store-crc");
        assert_int_equal(c.st.resumed, 0);
        case_stop(&c);
    }
}

/* -------------------------------------------------------------- of two */

/* Two that find it at the same time: one goes on, the other begins anew,
 * and both say that it is there. */
static void
test_two_find_it(void **state)
{
    unsigned n, both = 0;

    (void)state;
    for (n = 2; n < 80; n++) {
        struct publish_case other;
        struct publish_status st;

        case_start_as(&c, strategies[n % 4], n, 10, HALF);
        fake.list_crc = true;
        if (!case_killed(&c, n / 2, true) || is_there()) {
            case_stop(&c);
            continue;
        }
        case_beside(&other, &c, 0);
        case_publish_both(&c, &other);
        st = other.st;
        case_check_there(&c);
        assert_int_equal(st.state, PUBLISH_DONE);
        assert_false(c.st.resumed > 0 && st.resumed > 0);
        both += c.st.resumed > 0 || st.resumed > 0;
        case_beside_stop(&other);
        case_stop(&c);
    }
    assert_true(both > 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_call),
        cmocka_unit_test(test_spoiled_before_the_kill),
        cmocka_unit_test(test_finished_scratch),
        cmocka_unit_test(test_killed_twice),
        cmocka_unit_test(test_other_plan),
        cmocka_unit_test(test_auto_keeps_its_choice),
        cmocka_unit_test(test_other_layout),
        cmocka_unit_test(test_two_find_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
