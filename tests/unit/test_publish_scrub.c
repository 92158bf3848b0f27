/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What lies below a prefix goes: uploads, objects, versions and markers;
 * refused lists and deletes are told; an end in the middle; callbacks from
 * several threads.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "publish/scrub.h"
#include "fake_store_op.h"
#include "publish_fake.h"

#define BELOW FAKE_SCRATCH "0123/"

struct answer {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned times;
    struct scrub_result r;
};

static struct answer answer;
static struct scrub *k;

static void
answered(void *user, const struct scrub_result *r)
{
    struct answer *a = user;

    pthread_mutex_lock(&a->lock);
    a->times++;
    a->r = *r;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
}

static void
add_upload(const char *key, unsigned n)
{
    struct fake_upload *u = calloc(1, sizeof(*u));

    snprintf(u->key, sizeof(u->key), "%s", key);
    snprintf(u->id, sizeof(u->id), "left-%u", n);
    u->next = fake.open;
    fake.open = u;
}

/* Uploads and objects below the prefix, and neighbours that stay. */
static void
start(uint64_t seed, unsigned uploads, unsigned objects)
{
    bool versioned = fake.versioned;
    char key[100];
    unsigned i;

    fake_start(seed);
    for (i = 0; i < uploads; i++) {
        snprintf(key, sizeof(key), BELOW "%06u", i);
        add_upload(key, i);
    }
    fake.versioned = versioned;
    for (i = 0; i < objects; i++) {
        snprintf(key, sizeof(key), BELOW "%06u", i / (1 + versioned));
        fake_put(key, "scratch", 7, false);
    }
    fake_put(FAKE_SCRATCH "012", "a neighbour", 11, false);
    fake_put("p/member", "member", 6, false);
    add_upload(FAKE_SCRATCH "0124/000000", 1000000);
    add_upload("out/a.zip", 1000001);
    answer = (struct answer){
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, {0}};
}

static void
scrub(void)
{
    k = scrub_start(&fake_s3_dest, "b", BELOW, answered, &answer);
    assert_non_null(k);
}

static void
stop(void)
{
    assert_int_equal(answer.times, 1);
    assert_int_equal(fake.strange_cancels, 0);
    assert_non_null(fake_object(FAKE_SCRATCH "012"));
    assert_non_null(fake_object("p/member"));
    assert_int_equal(fake_objects_below(""), 2 + fake_objects_below(BELOW));
    scrub_free(k);
    fake_stop();
}

static void
check_gone(unsigned uploads, unsigned objects)
{
    assert_int_equal(answer.r.e.err, 0);
    assert_int_equal(answer.r.uploads, uploads);
    assert_int_equal(answer.r.objects, objects);
    assert_int_equal(answer.r.kept, 0);
    assert_int_equal(fake_objects_below(BELOW), 0);
    assert_int_equal(fake_uploads_open(), 2);
}

static const unsigned counts[][2] = {
    {0, 0}, {0, 1}, {1, 0}, {5, 3}, {32, 33}, {100, 70},
};

static void
test_all(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(counts); i++) {
        start(i, counts[i][0], counts[i][1]);
        scrub();
        fake_run();
        check_gone(counts[i][0], counts[i][1]);
        stop();
    }
}

static void
gone(void *user, const struct s3_error *e)
{
    (void)user;
    assert_int_equal(e->err, 0);
}

/* Two of each, and the marker of a delete. */
static void
test_versions(void **state)
{
    struct s3_where at = {"b", BELOW "000003", sizeof(BELOW) + 5, true};

    (void)state;
    fake.versioned = true;
    start(1, 3, 40);
    s3_delete(&fake_s3_dest, &at, NULL, NULL, gone, NULL);
    fake_run();
    assert_int_equal(fake_objects_below(BELOW), 41);
    scrub();
    fake_run();
    check_gone(3, 41);
    fake.versioned = false;
    stop();
}

/* Nobody knows what is there. */
static void
test_refused_lists(void **state)
{
    (void)state;
    start(2, 3, 4);
    fake.lists_refused = true;
    scrub();
    fake_run();
    assert_int_equal(answer.r.uploads + answer.r.objects, 0);
    assert_int_equal(answer.r.kept, 2);
    assert_int_equal(answer.r.e.http, 403);
    assert_string_equal(answer.r.e.code, "AccessDenied");
    stop();
}

static void
test_refused_removals(void **state)
{
    (void)state;
    start(3, 40, 50);
    fake.deletes_refused = true;
    scrub();
    fake_run();
    assert_int_equal(answer.r.uploads, 40);
    assert_int_equal(answer.r.objects, 0);
    assert_int_equal(answer.r.kept, 50);
    assert_string_equal(answer.r.e.code, "AccessDenied");
    assert_int_equal(fake_objects_below(BELOW), 50);
    stop();
    start(4, 40, 50);
    fake.abort_fails = true;
    scrub();
    fake_run();
    assert_int_equal(answer.r.objects, 50);
    assert_int_equal(answer.r.kept, 40);
    assert_string_equal(answer.r.e.code, "InternalError");
    stop();
}

/* One call of all fails: what it was for is told, the rest goes. */
static void
test_each_call(void **state)
{
    unsigned n, calls = 0;

    (void)state;
    for (n = 1; n == 1 || n <= calls; n++) {
        start(n, 7, 9);
        fake.trouble_at = n;
        fake.trouble = FAKE_FAIL_500;
        scrub();
        fake_run();
        assert_int_equal(answer.r.kept, 1);
        assert_int_equal(answer.r.e.http, 500);
        calls = max_u64(calls, fake.calls);
        assert_int_equal(answer.r.uploads + answer.r.objects, n == 1 ? 9
                                                              : n == 1 + 8
                                                                  ? 7
                                                                  : 7 + 9 - 1);
        stop();
    }
    assert_int_equal(calls, 2 + 7 + 9);
}

/* -------------------------------------------------------------- cancel */

/* Everything that is not gone is told as kept, once the lists are there. */
static void
test_cancel(void **state)
{
    unsigned n;

    (void)state;
    for (n = 0; n < 200; n++) {
        start(n, n % 3 * 30, n % 7 * 12);
        scrub();
        fake_run_some(n / 2);
        scrub_cancel(k);
        scrub_cancel(k);
        fake_run();
        assert_int_equal(answer.times, 1);
        scrub_cancel(k); /* it is over */
        if (answer.r.kept == 0)
            check_gone(n % 3 * 30, n % 7 * 12);
        stop();
    }
}

static op_fn *last_removal;

static void
cancel_and_run(struct op *op)
{
    scrub_cancel(k);
    op->cancelled = false; /* the store has done it by then */
    last_removal(op);
}

/* The last upload is gone all the same; nobody has looked for objects. */
static void
test_cancel_too_late(void **state)
{
    (void)state;
    start(6, 1, 3);
    scrub();
    fake_run_some(1);
    last_removal = fake.ops->run;
    fake.ops->run = cancel_and_run;
    fake_run();
    assert_int_equal(answer.r.uploads, 1);
    assert_true(answer.r.kept > 0);
    stop();
}

static void
test_cancel_silent_store(void **state)
{
    (void)state;
    start(5, 40, 2);
    fake.abort_hangs = true;
    scrub();
    fake_run_some(500);
    assert_int_equal(answer.times, 0);
    scrub_cancel(k);
    fake_run();
    assert_int_equal(answer.r.kept, 40);
    assert_int_equal(answer.r.objects, 0);
    stop();
}

/* ------------------------------------------------------------- threads */

static void
wait_answer(void)
{
    pthread_mutex_lock(&answer.lock);
    while (answer.times == 0)
        pthread_cond_wait(&answer.wake, &answer.lock);
    pthread_mutex_unlock(&answer.lock);
}

/* Freed while other threads may still be on their way out of it. */
static void
test_threads(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < 60; i++) {
        start(i, counts[i % 6][0], counts[i % 6][1]);
        fake_threads_start();
        scrub();
        if (i % 4 == 3)
            scrub_cancel(k);
        wait_answer();
        scrub_free(STEAL(k));
        fake_threads_stop();
        if (i % 4 != 3)
            check_gone(counts[i % 6][0], counts[i % 6][1]);
        stop();
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_refused_lists),
        cmocka_unit_test(test_refused_removals),
        cmocka_unit_test(test_each_call),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_too_late),
        cmocka_unit_test(test_cancel_silent_store),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
