/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * net/: the budget and its queue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/net.h"

static struct permits *permits;
static int granted_count;

static void
granted(void *user)
{
    *(int *)user = ++granted_count;
}

static void
test_fifo(void **state)
{
    int a = 0, b = 0, c = 0;

    (void)state;
    granted_count = 0;
    assert_int_equal(permits_new(&permits, 100), 0);
    assert_int_equal(permits_take(permits, 60, granted, &a), 0);
    assert_true(permits_take(permits, 50, granted, &a) > 0);
    assert_true(permits_take(permits, 10, granted, &b) > 0);
    assert_true(permits_take(permits, 80, granted, &c) > 0);
    assert_false(permits_try(permits, 1)); /* never jumps the queue */
    assert_int_equal(a + b + c, 0);
    permits_give(permits, 60);
    assert_int_equal(a, 1);
    assert_int_equal(b, 2);
    assert_int_equal(c, 0);
    assert_int_equal(permits_used(permits), 60);
    permits_give(permits, 50);
    assert_int_equal(c, 3);
    permits_give(permits, 10);
    permits_give(permits, 80);
    assert_int_equal(permits_used(permits), 0);
    assert_true(permits_try(permits, 100));
    assert_false(permits_try(permits, 1));
    permits_give(permits, 100);
    permits_free(permits);
}

static void
test_oversize(void **state)
{
    int big = 0, small = 0;

    (void)state;
    granted_count = 0;
    assert_int_equal(permits_new(&permits, 10), 0);
    assert_true(permits_try(permits, 1));
    assert_true(permits_take(permits, 1000, granted, &big) > 0);
    assert_true(permits_take(permits, 1, granted, &small) > 0);
    permits_give(permits, 1);
    assert_int_equal(big, 1);
    assert_int_equal(small, 0);
    assert_false(permits_try(permits, 1));
    permits_give(permits, 500); /* in pieces */
    assert_int_equal(small, 0);
    permits_give(permits, 500);
    assert_int_equal(small, 2);
    permits_give(permits, 1);
    assert_int_equal(permits_used(permits), 0);
    assert_int_equal(permits_total(permits), 10);
    permits_free(permits);
}

static void
test_cancel(void **state)
{
    int a = 0, b = 0;
    uint64_t id;

    (void)state;
    granted_count = 0;
    assert_int_equal(permits_new(&permits, 10), 0);
    assert_true(permits_try(permits, 8));
    id = permits_take(permits, 9, granted, &a);
    assert_true(permits_take(permits, 3, granted, &b) > id);
    assert_true(permits_cancel(permits, id));
    assert_false(permits_cancel(permits, id));
    permits_give(permits, 8);
    assert_int_equal(a, 0);
    assert_int_equal(b, 1);
    assert_false(permits_cancel(permits, id + 1));
    permits_give(permits, 3);
    permits_free(permits);
}

static int depth, depth_max;

/* Gives back at once, as a reader of a cached byte would. */
static void
give_back(void *user)
{
    if (++depth > depth_max)
        depth_max = depth;
    ++*(int *)user;
    permits_give(permits, 10);
    depth--;
}

static void
test_no_recursion(void **state)
{
    int count = 0, i;

    (void)state;
    assert_int_equal(permits_new(&permits, 10), 0);
    assert_true(permits_try(permits, 10));
    for (i = 0; i < 10000; i++)
        assert_true(permits_take(permits, 10, give_back, &count) > 0);
    permits_give(permits, 10);
    assert_int_equal(count, 10000);
    assert_int_equal(depth_max, 1);
    assert_int_equal(permits_used(permits), 0);
    permits_free(permits);
}

static atomic_int holders, most, grants;

static void
use_and_give(void *user)
{
    int now = atomic_fetch_add(&holders, 1) + 1;

    (void)user;
    if (now > most)
        most = now;
    atomic_fetch_sub(&holders, 1);
    atomic_fetch_add(&grants, 1);
    permits_give(permits, 4);
}

static void *
taker(void *arg)
{
    int i;

    for (i = 0; i < 5000; i++)
        if (permits_take(permits, 4, use_and_give, arg) == 0)
            use_and_give(arg);
    return NULL;
}

static void
test_threads(void **state)
{
    pthread_t t[4];
    size_t i;

    (void)state;
    assert_int_equal(permits_new(&permits, 10), 0);
    for (i = 0; i < ARRAY_SIZE(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, taker, NULL), 0);
    for (i = 0; i < ARRAY_SIZE(t); i++)
        pthread_join(t[i], NULL);
    assert_int_equal(grants, 20000);
    assert_true(most <= 2);
    assert_int_equal(permits_used(permits), 0);
    permits_free(permits);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fifo),         cmocka_unit_test(test_oversize),
        cmocka_unit_test(test_cancel),       cmocka_unit_test(test_threads),
        cmocka_unit_test(test_no_recursion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
