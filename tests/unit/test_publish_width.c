/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What does not depend on each other is in flight together.  At a store
 * where each call takes one tick, a publish lasts no longer than the longest
 * path of its plan, and scratch objects that could be made side by side are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "publish_case.h"

enum {
    MEMBERS = 150,
    STAGE = 3, /* create, copies or an upload, complete */
    /* Before the first part and after the last: the destination, what a
     * killed publish left, Create, CRCs; scratch objects deleted.  And what
     * memory holds of the parts that are uploaded goes in turns. */
    MORE = 24,
    WIDE = 20, /* calls of a kind that must be side by side, if there are */
};

static struct publish_case c;

/* Scratch objects of the depth that has most of them. */
static unsigned
most_side_by_side(const struct plan *p)
{
    unsigned count[64] = {0}, most = 0;
    size_t i;

    assert_true(p->sequence < ARRAY_SIZE(count));
    for (i = 0; i < p->scratches; i++)
        if (++count[p->scratch[i].depth] > most)
            most = count[p->scratch[i].depth];
    return most;
}

static unsigned
most_of(unsigned n)
{
    return n < WIDE ? n : WIDE;
}

static void
publish(enum plan_strategy s, unsigned stored, unsigned members)
{
    struct publish_job *j = NULL;
    struct fake_width width;
    unsigned ticks, side;
    struct plan plan;

    case_start(&c, 7, members, stored);
    c.conf.publish_strategy = (int)s;
    c.conf.objective = CONF_BYTES;
    c.conf.memory = 4 << 20;
    case_new_publisher(&c);
    plan = case_plan(&c);
    side = most_side_by_side(&plan);
    assert_int_equal(case_begin(&c, "out/a.zip", &j), 0);
    ticks = fake_run_ticks(&width);
    case_end(&c, j);
    case_check_there(&c);
    case_check_plan(&c, &plan);
    /* Less is a row of calls that wait for each other. */
    assert_true(ticks <= STAGE * plan.sequence + MORE);
    assert_true(width.creates >= side);
    assert_true(width.copies >= most_of(side));
    assert_true(width.completes >= most_of(side));
    assert_true(width.deletes >= most_of((unsigned)plan.scratches));
    plan_free(&plan);
    case_stop(&c);
}

static void
try(enum plan_strategy s)
{
    static const unsigned stored[] = {ALL, HALF, NONE};
    size_t i;

    for (i = 0; i < ARRAY_SIZE(stored); i++) {
        publish(s, stored[i], MEMBERS);
        publish(s, stored[i], 2 * MEMBERS);
    }
}

static void
test_duo(void **state)
{
    (void)state;
    try(PLAN_DUO);
}

static void
test_stream(void **state)
{
    (void)state;
    try(PLAN_STREAM);
}

static void
test_stitch(void **state)
{
    (void)state;
    try(PLAN_STITCH);
}

static void
test_chain(void **state)
{
    (void)state;
    try(PLAN_CHAIN);
}

static void
test_mixed(void **state)
{
    (void)state;
    try(PLAN_MIXED);
}

/* How a store answers ranged copies shows with the first of them: uploads
 * do not wait for the others. */
static void
test_first_range(void **state)
{
    struct plan plan;
    size_t i, n;

    (void)state;
    case_start(&c, 7, 2 * MEMBERS, ALL);
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
    assert_true(n > WIDE);
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
        cmocka_unit_test(test_duo),    cmocka_unit_test(test_stream),
        cmocka_unit_test(test_stitch), cmocka_unit_test(test_chain),
        cmocka_unit_test(test_mixed),  cmocka_unit_test(test_first_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
