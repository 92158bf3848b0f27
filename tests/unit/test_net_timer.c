/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * net/: timers and works: order, cancel, and what thread they run on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "net/net.h"

static struct net *net;
static atomic_int fired;
static pthread_t fired_on;

struct mark {
    int order;
    uint64_t at_ms;
    uint64_t from, to; /* due between these, ms */
};

static void
mark(void *user)
{
    struct mark *m = user;

    fired_on = pthread_self();
    m->at_ms = net_now_ms();
    m->order = fired;
    fired++;
}

static void
wait_fired(int count)
{
    int i;

    for (i = 0; i < 5000 && fired < count; i++)
        usleep(1000);
    assert_int_equal(fired, count);
}

static uint64_t
set_mark(struct mark *m, uint64_t delay)
{
    uint64_t id;

    m->from = net_now_ms() + delay;
    id = net_timer(net, delay, mark, m);
    m->to = net_now_ms() + delay;
    assert_true(id > 0);
    return id;
}

/* Those of one delay in the order of setting; where this thread was held
 * up between two others, either may be first. */
static void
test_order(void **state)
{
    static const uint64_t delay[] = {60, 0, 30, 90, 0, 30, 60};
    struct mark m[ARRAY_SIZE(delay)] = {{0}};
    size_t i, k;

    (void)state;
    fired = 0;
    for (i = 0; i < ARRAY_SIZE(delay); i++)
        set_mark(&m[i], delay[i]);
    wait_fired(ARRAY_SIZE(delay));
    for (i = 0; i < ARRAY_SIZE(delay); i++) {
        assert_true(m[i].at_ms >= m[i].from);
        for (k = 0; k < ARRAY_SIZE(delay); k++)
            if (m[i].to < m[k].from || (i < k && delay[i] == delay[k]))
                assert_true(m[i].order < m[k].order);
    }
    assert_false(pthread_equal(fired_on, pthread_self()));
}

/* Many in random order and with random cancels: the heap stays a heap. */
static void
test_many(void **state)
{
    enum { MANY = 1000 };
    struct mark *m = calloc(MANY, sizeof(*m));
    uint64_t id[MANY], last = 0;
    int i, k, left = MANY;
    bool gone[MANY] = {false};

    (void)state;
    fired = 0;
    srand(1);
    for (i = 0; i < MANY; i++)
        id[i] = set_mark(&m[i], 1000 + (uint64_t)(rand() % 50) * 2);
    for (i = 0; i < MANY; i += 3) {
        assert_true(net_timer_cancel(net, id[i]));
        assert_false(net_timer_cancel(net, id[i]));
        gone[i] = true;
        left--;
    }
    wait_fired(left);
    for (k = 0; k < left; k++)
        for (i = 0; i < MANY; i++)
            if (!gone[i] && m[i].order == k) {
                assert_true(m[i].to >= last);
                last = max_u64(last, m[i].from);
                assert_false(net_timer_cancel(net, id[i]));
            }
    free(m);
}

static void
test_cancel(void **state)
{
    struct mark m = {0};
    uint64_t id;

    (void)state;
    fired = 0;
    id = net_timer(net, 500, mark, &m);
    assert_true(net_timer_cancel(net, id));
    assert_false(net_timer_cancel(net, id));
    assert_false(net_timer_cancel(net, id + 12345));
    usleep(600000);
    assert_int_equal(fired, 0);
    id = net_timer(net, 0, mark, &m);
    wait_fired(1);
    assert_false(net_timer_cancel(net, id));
}

static struct mark nested;

static void
set_another(void *user)
{
    net_timer(net, 0, mark, user);
}

static void
test_nested(void **state)
{
    (void)state;
    fired = 0;
    net_timer(net, 0, set_another, &nested);
    wait_fired(1);
}

static void
slow_mark(void *user)
{
    usleep(2000);
    mark(user);
}

static void
test_works(void **state)
{
    struct mark m[10] = {{0}};
    int i;

    (void)state;
    fired = 0;
    for (i = 0; i < 10; i++)
        net_work(net, i % 2 ? mark : slow_mark, &m[i]);
    wait_fired(10);
    for (i = 0; i < 10; i++)
        assert_int_equal(m[i].order, i);
}

static int
setup(void **state)
{
    struct net_conf conf = {.loops = 2};

    (void)state;
    return net_new(&net, &conf, NULL);
}

static int
teardown(void **state)
{
    (void)state;
    net_free(net);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),  cmocka_unit_test(test_many),
        cmocka_unit_test(test_cancel), cmocka_unit_test(test_nested),
        cmocka_unit_test(test_works),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
