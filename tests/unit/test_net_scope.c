/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * net/scope.h: a wait ends with its answer and not before; a stop cancels
 * the waits that are and keeps later ones from beginning.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "net/net.h"
#include "net/scope.h"

/* A call that answers after `answer_ms`, or `late_ms` after its cancel. */
struct call {
    struct scope *sc;
    struct scope_wait w;
    uint64_t answer_ms, late_ms;
    pthread_t answerer;
    atomic_int cancels;
    atomic_bool answered, waiting;
    int begun; /* of scope_wait_begin */
};

static void *
answer(void *user)
{
    struct call *c = user;
    uint64_t end = net_now_ms() + c->answer_ms;

    while (net_now_ms() < end && !c->cancels)
        usleep(500);
    if (c->cancels)
        usleep((useconds_t)c->late_ms * 1000);
    c->answered = true;
    scope_wait_done(&c->w);
    return NULL;
}

static void
on_cancel(void *user)
{
    struct call *c = user;

    c->cancels++;
}

static void *
call_run(void *user)
{
    struct call *c = user;

    c->begun = scope_wait_begin(&c->w, c->sc, on_cancel, c);
    if (c->begun < 0)
        return NULL;
    assert_int_equal(pthread_create(&c->answerer, NULL, answer, c), 0);
    c->waiting = true;
    assert_int_equal(scope_wait_end(&c->w), 0);
    assert_true(c->answered); /* never before the answer */
    pthread_join(c->answerer, NULL);
    return NULL;
}

static struct scope *
new_scope(void)
{
    struct scope *sc;

    assert_int_equal(scope_new(&sc), 0);
    assert_int_equal(scope_stopped(sc), 0);
    return sc;
}

static void
test_answer(void **state)
{
    struct call c = {.answer_ms = 20}, before = {.answer_ms = 0};

    (void)state;
    scope_free(NULL);
    call_run(&c); /* the scope is NULL: cannot be stopped */
    assert_int_equal(c.cancels, 0);
    scope_stop(NULL, -EINTR);
    scope_until(NULL, 1);
    assert_int_equal(scope_stopped(NULL), 0);

    /* An answer inside the submission is as good. */
    before.sc = new_scope();
    assert_int_equal(
        scope_wait_begin(&before.w, before.sc, on_cancel, &before), 0);
    scope_wait_done(&before.w);
    scope_stop(before.sc, -EINTR);
    scope_wait_end(&before.w);
    assert_int_equal(before.cancels, 0);
    scope_free(before.sc);
}

static void
test_stop_before(void **state)
{
    struct call c = {.sc = new_scope()};

    (void)state;
    scope_stop(c.sc, -EINTR);
    scope_stop(c.sc, -ECANCELED);
    call_run(&c);
    assert_int_equal(c.begun, -EINTR); /* the first stays */
    assert_int_equal(scope_stopped(c.sc), -EINTR);
    assert_int_equal(scope_sleep(c.sc, 100000), -EINTR);
    assert_int_equal(c.cancels, 0);
    scope_free(c.sc);
}

static void
test_stop_while_waiting(void **state)
{
    struct call c = {.sc = new_scope(), .answer_ms = 100000, .late_ms = 60};
    pthread_t t;

    (void)state;
    assert_int_equal(pthread_create(&t, NULL, call_run, &c), 0);
    while (!c.waiting)
        usleep(500);
    usleep(20000);
    assert_int_equal(c.cancels, 0);
    scope_stop(c.sc, -ECANCELED);
    pthread_join(t, NULL);
    assert_int_equal(c.begun, 0);
    assert_int_equal(c.cancels, 1);
    scope_free(c.sc);
}

/* A call that nobody can cancel is waited for. */
static void
test_stop_without_cancel(void **state)
{
    struct call c = {.sc = new_scope(), .answer_ms = 50};
    pthread_t t;

    (void)state;
    assert_int_equal(scope_wait_begin(&c.w, c.sc, NULL, NULL), 0);
    assert_int_equal(pthread_create(&t, NULL, answer, &c), 0);
    scope_stop(c.sc, -EINTR);
    assert_int_equal(scope_wait_end(&c.w), 0);
    assert_true(c.answered);
    pthread_join(t, NULL);
    scope_free(c.sc);
}

static void
test_deadline(void **state)
{
    struct call c = {.sc = new_scope(), .answer_ms = 100000};
    uint64_t start = net_now_ms();

    (void)state;
    scope_until(c.sc, start + 60);
    call_run(&c);
    assert_int_equal(c.cancels, 1);
    assert_true(net_now_ms() >= start + 60);
    assert_int_equal(scope_stopped(c.sc), -ETIMEDOUT);
    scope_until(c.sc, 0); /* too late */
    scope_stop(c.sc, -EINTR);
    assert_int_equal(scope_stopped(c.sc), -ETIMEDOUT);
    scope_free(c.sc);
}

/* A deadline that is set, moved and lifted while a thread waits. */
static void
test_deadline_moves(void **state)
{
    struct call c = {.sc = new_scope(), .answer_ms = 100000};
    uint64_t start = net_now_ms();
    pthread_t t;

    (void)state;
    scope_until(c.sc, start + 100000);
    assert_int_equal(pthread_create(&t, NULL, call_run, &c), 0);
    while (!c.waiting)
        usleep(500);
    usleep(10000);
    scope_until(c.sc, 0);
    usleep(10000);
    assert_int_equal(c.cancels, 0);
    scope_until(c.sc, net_now_ms() + 30);
    pthread_join(t, NULL);
    assert_int_equal(c.cancels, 1);
    assert_int_equal(scope_stopped(c.sc), -ETIMEDOUT);
    scope_free(c.sc);
}

static void *
stop_soon(void *user)
{
    usleep(30000);
    scope_stop(user, -EINTR);
    return NULL;
}

static void
test_sleep(void **state)
{
    struct scope *sc = new_scope();
    uint64_t start = net_now_ms();
    pthread_t t;

    (void)state;
    assert_int_equal(scope_sleep(NULL, 10), 0);
    assert_true(net_now_ms() >= start + 10);
    assert_int_equal(scope_sleep(sc, 0), 0);
    start = net_now_ms();
    assert_int_equal(scope_sleep(sc, 40), 0);
    assert_true(net_now_ms() >= start + 40);
    assert_int_equal(pthread_create(&t, NULL, stop_soon, sc), 0);
    assert_int_equal(scope_sleep(sc, UINT64_MAX), -EINTR);
    pthread_join(t, NULL);
    scope_free(sc);

    sc = new_scope();
    start = net_now_ms();
    scope_until(sc, start + 30);
    assert_int_equal(scope_sleep(sc, 100000), -ETIMEDOUT);
    assert_true(net_now_ms() >= start + 30);
    scope_free(sc);
}

/* ------------------------------------------------------------- the many */

enum { THREADS = 48, ANSWERERS = 4 };

struct crowd {
    struct scope *sc;
    pthread_mutex_t lock; /* the waits asked for, and over */
    struct scope_wait *asked[THREADS];
    bool over;
    atomic_uint cancels, ends, begun;
};

static void
crowd_cancel(void *user)
{
    struct crowd *c = user;

    c->cancels++;
}

/* Waits again and again, until it is told that it may not. */
static void *
crowd_wait(void *user)
{
    struct crowd *c = user;
    struct scope_wait w;
    size_t i;

    while (scope_wait_begin(&w, c->sc, crowd_cancel, c) == 0) {
        c->begun++;
        pthread_mutex_lock(&c->lock);
        for (i = 0; c->asked[i]; i++)
            ;
        c->asked[i] = &w;
        pthread_mutex_unlock(&c->lock);
        scope_wait_end(&w);
        c->ends++;
    }
    return NULL;
}

static void *
crowd_answer(void *user)
{
    struct crowd *c = user;
    struct scope_wait *w;
    unsigned at = (unsigned)(uintptr_t)&w;
    bool over;

    do {
        pthread_mutex_lock(&c->lock);
        at = (at + 1) % THREADS;
        w = c->asked[at];
        c->asked[at] = NULL;
        over = c->over;
        pthread_mutex_unlock(&c->lock);
        if (w)
            scope_wait_done(w);
        else
            sched_yield();
    } while (!over);
    return NULL;
}

static void
test_many(void **state)
{
    struct crowd c = {.sc = new_scope()};
    pthread_t wait[THREADS], answers[ANSWERERS];
    size_t i;

    (void)state;
    pthread_mutex_init(&c.lock, NULL);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&wait[i], NULL, crowd_wait, &c), 0);
    for (i = 0; i < ANSWERERS; i++)
        assert_int_equal(pthread_create(&answers[i], NULL, crowd_answer, &c),
                         0);
    while (c.ends < 4 * THREADS)
        usleep(1000);
    scope_stop(c.sc, -EINTR);
    for (i = 0; i < THREADS; i++)
        pthread_join(wait[i], NULL);
    assert_int_equal(c.ends, c.begun);
    assert_true(c.cancels <= THREADS); /* once a wait at most */
    pthread_mutex_lock(&c.lock);
    c.over = true;
    pthread_mutex_unlock(&c.lock);
    for (i = 0; i < ANSWERERS; i++)
        pthread_join(answers[i], NULL);
    pthread_mutex_destroy(&c.lock);
    scope_free(c.sc);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_stop_before),
        cmocka_unit_test(test_stop_while_waiting),
        cmocka_unit_test(test_stop_without_cancel),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_deadline_moves),
        cmocka_unit_test(test_sleep),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
