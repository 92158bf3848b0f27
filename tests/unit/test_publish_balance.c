/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * How many parts are read at a time, on lines that are made up: parts that
 * go the same way share it evenly; sizes and latencies differ a little.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "publish/balance.h"

enum { HELD = 12, PARTS = 240, STEPS = 200 /* in the time of one part */ };

/* Rates in parts per unit of time; latency of a read and of a sent part. */
struct line {
    double down, up, latency;
};

struct way {
    double left[HELD];  /* of each part that goes this way */
    double delay[HELD]; /* until its first byte */
    unsigned count;
};

/* 1, or up to spread more or less; the same in every run. */
static double
about_one(double spread)
{
    static uint32_t x = 1;

    x = x * 1664525 + 1013904223;
    return 1 + spread * ((double)(x >> 8) / (1 << 23) - 1);
}

static void
way_add(struct way *w, double latency)
{
    assert_true(w->count < HELD);
    w->left[w->count] = about_one(0.2);
    w->delay[w->count++] = latency * about_one(0.5);
}

/* A step of time; how many arrived. */
static unsigned
way_step(struct way *w, double rate, double dt)
{
    unsigned i, flow = 0, gone = 0, kept = 0;

    for (i = 0; i < w->count; i++)
        flow += w->delay[i] <= 0;
    for (i = 0; i < w->count; i++) {
        double left = w->left[i], delay = w->delay[i];

        if (delay > 0)
            delay -= dt;
        else
            left -= rate * dt / flow;
        if (left <= 0) {
            gone++;
            continue;
        }
        w->left[kept] = left;
        w->delay[kept++] = delay;
    }
    w->count = kept;
    return gone;
}

/* Time that PARTS parts take; fixed: so many are read at a time. */
static double
publish_on(const struct line *l, unsigned fixed)
{
    struct way down = {.count = 0}, up = {.count = 0};
    unsigned begun = 0, sent = 0, n;
    double dt = 1.0 / STEPS, now = 0;
    struct balance b;

    balance_begin(&b, HELD);
    for (; sent < PARTS; now += dt) {
        assert_true(now < 100 * PARTS);
        if (fixed)
            b.read = fixed;
        while (begun < PARTS && down.count + up.count < HELD &&
               balance_may_read(&b, down.count)) {
            way_add(&down, l->latency);
            begun++;
        }
        for (n = way_step(&down, l->down, dt); n > 0; n--) {
            balance_here(&b, up.count);
            way_add(&up, l->latency);
        }
        for (n = way_step(&up, l->up, dt); n > 0; n--) {
            if (down.count + up.count + n == HELD)
                balance_sent(&b, down.count);
            sent++;
        }
        assert_in_range(b.read, 1, HELD);
    }
    return now;
}

/* Equal ways: nearly twice as fast as one after the other, and better than
 * with all that memory holds. */
static void
test_both_ways(void **state)
{
    static const double latency[] = {0.3, 0.8, 1.5};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(latency) / sizeof(*latency); i++) {
        struct line l = {1, 1, latency[i]};
        double t = publish_on(&l, 0);

        assert_true(t < 1.12 * PARTS);
        assert_true(t < publish_on(&l, HELD));
    }
}

/* The slower way is full. */
static void
test_one_way(void **state)
{
    struct line lines[] = {
        {1, 4, 0}, {4, 1, 0}, {1, 1.5, 1}, {1.5, 1, 1}, {1, 20, 1}, {20, 1, 1},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        assert_true(publish_on(&lines[i], 0) < 1.1 * PARTS);
}

/* A line that is fast and far: with one at a time it is idle. */
static void
test_far(void **state)
{
    struct line l = {4, 4, 1};

    (void)state;
    assert_true(publish_on(&l, 0) < 1.6 * PARTS / 4);
    assert_true(publish_on(&l, 1) > 2.0 * PARTS / 4);
}

static void
test_bounds(void **state)
{
    struct balance b;
    unsigned parts, i;

    (void)state;
    for (parts = 1; parts <= 16; parts++) {
        balance_begin(&b, parts);
        assert_in_range(b.read, 1, parts);
        assert_true(balance_may_read(&b, 0));
        for (i = 0; i < 40; i++)
            balance_here(&b, 0);
        assert_int_equal(b.read, parts);
        balance_here(&b, 1);
        balance_sent(&b, 1);
        assert_int_equal(b.read, parts);
        for (i = 0; i < 40; i++)
            balance_sent(&b, 0);
        assert_int_equal(b.read, (parts + 3) / 4);
        assert_false(balance_may_read(&b, b.read));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_one_way),
        cmocka_unit_test(test_far),
        cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
