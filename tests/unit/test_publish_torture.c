/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Trouble at the n-th call, for every n: whatever fails, the answer is one
 * of the documented errors, nothing is left behind but what the journal
 * knows, and the next publish puts it right.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "publish_case.h"

static struct publish_case c;

struct variant {
    unsigned members, stored;
    bool quirk, full, size_501, versioned;
    enum plan_strategy strategy;
};
static const struct variant variants[] = {
    {14, HALF, false, false, false, false, PLAN_DUO},
    {14, ALL, true, false, false, false, PLAN_DUO},
    {14, NONE, false, true, true, true, PLAN_DUO},
    {2, HALF, false, false, false, false, PLAN_DUO},
    {10, HALF, false, false, true, false, PLAN_STITCH},
    {10, ALL, true, false, false, true, PLAN_STITCH},
    {8, NONE, false, false, false, true, PLAN_CHAIN},
    {8, ALL, true, true, false, false, PLAN_CHAIN},
    {14, HALF, false, false, false, false, PLAN_AGAIN},
    {14, ALL, true, false, false, true, PLAN_AGAIN},
};

static void
begin(const struct variant *v, uint64_t seed)
{
    case_start_as(&c, v->strategy, seed, v->members, v->stored);
    fake.range_quirk = v->quirk;
    fake.size_501 = v->size_501;
    fake.versioned = v->versioned;
    if (v->full)
        c.conf.verify = CONF_VERIFY_FULL;
}

/* Rows are left only where an abort or a delete did not work; one row knows
 * all that lies below its scratch prefix. */
static void
check_left(void)
{
    unsigned objects = fake_objects_below(FAKE_SCRATCH);

    if (fake_journal_rows() == 0) {
        assert_int_equal(objects, 0);
        assert_true(fake_uploads_open() <= (unsigned)fake_journal_unknown());
    }
}

static void
check_failed(int r)
{
    assert_true(r == -EIO || r == -ETIMEDOUT || r == -EACCES || r == -EINTR ||
                r == -ECANCELED || r == -EEXIST);
    check_left();
    assert_true(c.err.text[0] != '\0');
}

static void
check_again(void)
{
    int r;

    fake.trouble_at = 0;
    fake_later();
    r = case_publish(&c);
    if (r != 0)
        fprintf(stderr, "again: %s\n", c.err.text);
    assert_int_equal(r, 0);
    case_check_there(&c);
}

static void
each_call(const struct variant *v, enum fake_trouble trouble,
          void (*check)(int r))
{
    unsigned n, past = 0;
    int r;

    for (n = 1; past < 3; n++) {
        begin(v, n * 7);
        fake.trouble_at = n;
        fake.trouble = trouble;
        r = case_publish(&c);
        past += fake.calls < n;
        check(r);
        case_stop(&c);
    }
    assert_true(n > 6);
}

static void
check_fail(int r)
{
    /* A first attempt's abort may be what failed. */
    if (r == 0)
        check_left();
    else
        check_failed(r);
    check_again();
}

static void
test_fail(void **state)
{
    static const enum fake_trouble kinds[] = {
        FAKE_FAIL_500,
        FAKE_FAIL_TIMEOUT,
        FAKE_FAIL_403,
    };
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(variants); i++)
        for (k = 0; k < ARRAY_SIZE(kinds); k++)
            each_call(&variants[i], kinds[k], check_fail);
}

static void
check_abort(int r)
{
    assert_true(r == 0 || r == -EINTR);
    if (r == 0)
        case_check_there(&c);
    else
        case_check_nothing(&c);
    check_again();
}

static void
test_abort(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(variants); i++)
        each_call(&variants[i], FAKE_ABORT, check_abort);
}

/* Never a mixture: the old bytes, or nothing. */
static void
check_overwrite(int r)
{
    assert_true(r == 0 || r == -ECANCELED);
    if (r == 0) {
        case_check_there(&c);
    } else {
        case_check_nothing(&c);
        assert_true(atomic_load(&c.l->stale));
        assert_memory_equal(c.st.key, "p/", 2);
    }
}

static void
test_overwrite(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(variants); i++)
        each_call(&variants[i], FAKE_OVERWRITE, check_overwrite);
}

static void
check_stranger(int r)
{
    struct fake_object *o = fake_object("out/a.zip");

    case_check_clean(&c);
    if (r == 0) /* it came too late, or over the finished one */
        return;
    assert_int_equal(r, -EEXIST);
    assert_non_null(o);
    assert_memory_equal(o->data, "stranger", 8);
}

static void
test_stranger(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(variants); i++)
        each_call(&variants[i], FAKE_STRANGER, check_stranger);
}

/* A rule of the bucket aborts uploads. */
static void
check_gone(int r)
{
    assert_int_equal(r, 0);
    case_check_there(&c);
}

static void
test_gone(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(variants); i++)
        each_call(&variants[i], FAKE_GONE, check_gone);
}

/* ------------------------------------------------------------- threads */

struct done {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned answers;
    int r;
};

static void
answered(void *user, int r, const struct err *e)
{
    struct done *d = user;

    (void)e;
    pthread_mutex_lock(&d->lock);
    d->answers++;
    d->r = r;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
}

static int
publish_in_threads(unsigned abort_after)
{
    struct done d = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};
    struct publish_dest dest = {(char *)"b", (char *)"out/a.zip"};
    struct publish_status st;
    struct publish_job *j;
    struct err e;

    assert_int_equal(publish_start(c.p, c.r, &dest, &j, &e), 0);
    publish_wait(j, answered, &d);
    while (abort_after-- > 0)
        publish_job_status(j, &st);
    publish_abort(j, -EINTR);
    pthread_mutex_lock(&d.lock);
    while (d.answers == 0)
        pthread_cond_wait(&d.wake, &d.lock);
    pthread_mutex_unlock(&d.lock);
    publish_job_unref(j);
    return d.r;
}

static void
test_threads(void **state)
{
    unsigned i, done = 0;
    int r;

    (void)state;
    for (i = 0; i < 24; i++) {
        begin(&variants[i % ARRAY_SIZE(variants)], i);
        fake_threads_start();
        r = publish_in_threads(i < 20 ? i * i * 10 : 20000);
        assert_true(r == 0 || r == -EINTR);
        done += r == 0;
        publisher_free(c.p); /* waits for the last callback */
        c.p = NULL;
        fake_threads_stop();
        assert_int_equal(fake.views, 0);
        case_check_clean(&c);
        case_stop(&c);
    }
    (void)done;
}

/* The publisher goes while a job runs. */
static void
test_free_while_running(void **state)
{
    struct publish_dest dest = {(char *)"b", (char *)"out/a.zip"};
    struct publish_job *j;
    struct err e;
    unsigned i;
    struct done d;

    (void)state;
    for (i = 0; i < 12; i++) {
        d = (struct done){PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};
        begin(&variants[i % ARRAY_SIZE(variants)], i);
        fake_threads_start();
        assert_int_equal(publish_start(c.p, c.r, &dest, &j, &e), 0);
        publish_wait(j, answered, &d);
        publish_job_unref(j);
        publisher_free(c.p);
        c.p = NULL;
        assert_int_equal(d.answers, 1);
        assert_true(d.r == -ECONNABORTED || d.r == 0);
        fake_threads_stop();
        case_check_clean(&c);
        case_stop(&c);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_overwrite),
        cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_free_while_running),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
