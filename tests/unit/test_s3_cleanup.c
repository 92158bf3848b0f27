/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/cleanup.h on the fake store: what is removed of dead rows, and what is
 * left alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fake_store.h"
#include "s3/cleanup.h"
#include "s3/upload.h"

#define SCRATCH FAKE_SCRATCH "00112233445566778899aabbccddeeff/"
#define OTHER FAKE_SCRATCH "10112233445566778899aabbccddeeff/"

static struct s3_reply reply;
static unsigned told[4], refused; /* by kind; with err */
static uint64_t told_uploads, told_objects;

void
fake_stop_job(void)
{
}

static int
setup(void **state)
{
    (void)state;
    memset(told, 0, sizeof(told));
    refused = 0;
    told_uploads = told_objects = 0;
    fake_start(7);
    fake_threads_start();
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    fake_threads_stop();
    fake_stop();
    return 0;
}

/* ---------------------------------------------------------------- helpers */

static void
on_cleaned(void *user, const struct s3_cleaned *c)
{
    (void)user;
    told[c->kind]++;
    refused += c->err != NULL;
    told_uploads += c->uploads;
    told_objects += c->objects;
}

static struct s3_cleanup_args
args(void)
{
    return (struct s3_cleanup_args){.s3 = &fake_s3,
                                    .state = &fake.state[0],
                                    .dest = true,
                                    .fn = on_cleaned};
}

static void
clean(const struct s3_cleanup_args *a)
{
    const struct journal_query q = {.bucket = "b"};

    assert_int_equal(s3_cleanup_rows(a, &q), 0);
}

static size_t
rows(void)
{
    return (size_t)fake_sql("SELECT count(*) FROM upload");
}

static struct upload
begin(const char *key, const char *scratch)
{
    const struct journal_new row = {.kind = JOURNAL_PUBLISH,
                                    .scratch = scratch};
    const struct upload_args a = {
        .s3 = &fake_s3,
        .create = {.at = {"b", key, strlen(key), true}},
        .state = &fake.state[0],
        .row = &row,
    };
    struct upload up;

    assert_int_equal(upload_create(&up, &a, &reply), 0);
    return up;
}

/* Its process is no more. */
static void
die(struct upload *up)
{
    journal_leave(up->state, &up->row);
    up->borrowed = true;
    assert_int_equal(upload_end(up), 0);
}

/* An upload without a row. */
static struct upload
begin_other(const char *key)
{
    const struct upload_args a = {
        .s3 = &fake_s3, .create = {.at = {"b", key, strlen(key), true}}};
    struct upload up;

    assert_int_equal(upload_create(&up, &a, &reply), 0);
    return up;
}

static void
send_part(struct upload *up)
{
    static char bytes[FAKE_FLOOR];
    const struct iovec iov = {bytes, sizeof(bytes)};
    const struct s3_upload_args a = {
        .number = 1, .body = &iov, .body_count = 1};

    assert_int_equal(upload_part(up, &a, &reply), 0);
}

static void
sql(const char *text)
{
    struct sqlite3 *db = state_lock(&fake.state[0]);

    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    state_unlock(&fake.state[0]);
}

/* ---------------------------------------------------------------- uploads */

static void
test_dead(void **state)
{
    struct upload dead = begin("out/dead", ""), live = begin("out/live", "");
    struct upload other = begin_other("out/dead");
    const struct s3_cleanup_args a = args();

    (void)state;
    send_part(&dead);
    die(&dead);
    clean(&a);
    assert_int_equal(told[S3_CLEANED_UPLOAD], 1);
    assert_int_equal(told[S3_CLEANED_ALIVE], 1);
    assert_int_equal(told_uploads, 1);
    assert_int_equal(fake_uploads_open(), 2);
    assert_true(fake_parts_below("out/") == 0);
    assert_int_equal(rows(), 1);
    send_part(&live); /* it was not touched */
    send_part(&other);
    assert_int_equal(upload_end(&live), 0);
    assert_int_equal(upload_end(&other), 0);
    assert_int_equal(rows(), 0);
}

/* Of a bucket, a key, a prefix, a kind. */
static void
test_query(void **state)
{
    struct journal_query q = {.bucket = "b"};
    const struct s3_cleanup_args a = args();
    static const char *const key[] = {"a/1", "a/2", "b/1"};
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        struct upload up = begin(key[i], "");

        die(&up);
    }
    q.kinds = 1 << JOURNAL_EXTRACT;
    assert_int_equal(s3_cleanup_rows(&a, &q), 0);
    assert_int_equal(rows(), 3);
    q.kinds = 0;
    q.bucket = "c";
    assert_int_equal(s3_cleanup_rows(&a, &q), 0);
    assert_int_equal(rows(), 3);
    q.bucket = "b";
    q.prefix = "a/";
    assert_int_equal(s3_cleanup_rows(&a, &q), 0);
    assert_int_equal(rows(), 1);
    q.prefix = NULL;
    q.key = "b/1";
    q.key_len = 3;
    assert_int_equal(s3_cleanup_rows(&a, &q), 0);
    assert_int_equal(rows(), 0);
    assert_int_equal(fake_uploads_open(), 0);
}

static void
test_refused(void **state)
{
    struct upload up = begin("out/k", "");
    const struct s3_cleanup_args a = args();

    (void)state;
    die(&up);
    fake.trouble_at = fake.calls + 1;
    fake.trouble = FAKE_FAIL_403;
    clean(&a);
    assert_int_equal(refused, 1);
    assert_int_equal(rows(), 1);
    clean(&a); /* it is nobody's still */
    assert_int_equal(rows(), 0);
    assert_int_equal(fake_uploads_open(), 0);
}

static void *
clean_thread(void *user)
{
    const struct s3_cleanup_args a = {
        .s3 = &fake_s3, .state = &fake.state[0], .dest = true};

    (void)user;
    clean(&a);
    return NULL;
}

static void
test_two_cleaners(void **state)
{
    enum { ROWS = 40 };
    pthread_t thread[2];
    int i;

    (void)state;
    for (i = 0; i < ROWS; i++) {
        struct upload up = begin("out/k", "");

        die(&up);
    }
    for (i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, clean_thread, NULL);
    for (i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(rows(), 0);
    assert_int_equal(fake_uploads_open(), 0);
    assert_int_equal(fake.aborts, ROWS); /* each by one of them */
}

static void
test_stopped(void **state)
{
    struct upload one = begin("out/1", ""), two = begin("out/2", "");
    struct s3_cleanup_args a = args();
    const struct journal_query q = {.bucket = "b"};
    struct scope *scope;

    (void)state;
    die(&one);
    die(&two);
    assert_int_equal(scope_new(&scope), 0);
    scope_stop(scope, -EINTR);
    a.scope = scope;
    assert_int_equal(s3_cleanup_rows(&a, &q), -EINTR);
    scope_free(scope);
    assert_int_equal(fake_uploads_open(), 2);
    assert_int_equal(rows(), 2);
}

/* ------------------------------------------------------------ unknown ids */

/* A row of `ago` seconds at out/k whose process died before it knew. */
static void
unknown_row(int ago)
{
    char text[128];
    const struct journal_new row = {.kind = JOURNAL_PUBLISH,
                                    .endpoint = s3_endpoint_id(&fake_s3),
                                    .bucket = "b",
                                    .key = "out/k",
                                    .key_len = 5};
    struct journal_claim c;

    journal_add(&fake.state[0], &row, &c);
    snprintf(text, sizeof(text),
             "UPDATE upload SET intent = %lld WHERE n = %lld",
             (long long)time(NULL) - ago, (long long)c.row);
    sql(text);
    journal_leave(&fake.state[0], &c);
}

/* The same of the upload that the store made for it. */
static struct upload
unknown_upload(int ago)
{
    struct upload up = begin_other("out/k");

    fake.open->initiated = time(NULL) - ago;
    return up;
}

static void
test_unknown_not_asked(void **state)
{
    struct upload up = unknown_upload(3600);
    const struct s3_cleanup_args a = args();

    (void)state;
    unknown_row(3600);
    clean(&a);
    assert_int_equal(fake.lists, 0);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(rows(), 1);
    assert_int_equal(upload_end(&up), 0);
}

static void
test_unknown(void **state)
{
    struct upload empty = unknown_upload(3590), parts = unknown_upload(3600);
    struct upload before = unknown_upload(3700), after = unknown_upload(2900);
    struct upload key = begin_other("out/k2");
    struct s3_cleanup_args a = args();

    (void)state;
    send_part(&parts);
    unknown_row(3600);
    a.ask_unknown = true;
    fake.young = true; /* the store's times are told as they are */
    clean(&a);
    assert_int_equal(told[S3_CLEANED_UPLOAD], 1);
    assert_int_equal(told_uploads, 1);
    assert_int_equal(fake_uploads_open(), 4);
    assert_int_equal(rows(), 0);
    empty.borrowed = true; /* it is gone */
    assert_int_equal(upload_end(&empty), 0);
    assert_int_equal(upload_end(&parts), 0);
    assert_int_equal(upload_end(&before), 0);
    assert_int_equal(upload_end(&after), 0);
    assert_int_equal(upload_end(&key), 0);
    assert_int_equal(fake_uploads_open(), 0);
}

/* It may be another host's; and one may still come. */
static void
test_unknown_young(void **state)
{
    struct upload up = unknown_upload(30);
    struct s3_cleanup_args a = args();

    (void)state;
    unknown_row(40);
    a.ask_unknown = true;
    fake.young = true;
    clean(&a);
    assert_int_equal(told[S3_CLEANED_YOUNG], 1);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(rows(), 1);
    assert_int_equal(upload_end(&up), 0);
    clean(&a);
    assert_int_equal(told[S3_CLEANED_YOUNG], 2);
    assert_int_equal(rows(), 1);
    sql("UPDATE upload SET intent = intent - 600");
    clean(&a);
    assert_int_equal(rows(), 0);
}

/* Another row says whose it is, or that somebody is about to learn it. */
static void
test_unknown_of_others(void **state)
{
    struct upload known = begin("out/k", ""), up;
    struct s3_cleanup_args a = args();
    const struct journal_new row = {.kind = JOURNAL_PUBLISH,
                                    .endpoint = s3_endpoint_id(&fake_s3),
                                    .bucket = "b",
                                    .key = "out/k",
                                    .key_len = 5};
    struct journal_claim c;

    (void)state;
    fake.open->initiated = time(NULL) - 3600;
    fake.young = true;
    unknown_row(3600);
    a.ask_unknown = true;
    clean(&a);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(rows(), 1); /* its own */
    unknown_row(3600);
    up = unknown_upload(3600);
    journal_add(&fake.state[0], &row, &c);
    clean(&a);
    assert_int_equal(fake_uploads_open(), 2);
    assert_int_equal(rows(), 3);
    journal_remove(&fake.state[0], &c);
    clean(&a);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(rows(), 1);
    up.borrowed = true;
    assert_int_equal(upload_end(&up), 0);
    assert_int_equal(upload_end(&known), 0);
}

/* ---------------------------------------------------------------- scratch */

static void
fill(const char *prefix, int objects)
{
    char key[128];
    int i;

    for (i = 0; i < objects; i++) {
        snprintf(key, sizeof(key), "%s%d", prefix, i);
        fake_put(key, "x", 1, false);
    }
}

static void
clean_scratch(int objects)
{
    struct upload up = begin("out/k", SCRATCH), s = begin_other(SCRATCH "u");
    struct upload other = begin_other(OTHER "u");
    const struct s3_cleanup_args a = args();

    fill(SCRATCH, objects);
    fill(OTHER, 3);
    send_part(&s);
    die(&up);
    die(&s);
    clean(&a);
    assert_int_equal(refused, 0);
    assert_int_equal(told[S3_CLEANED_SCRATCH], 1);
    assert_int_equal(told_uploads, 2);
    assert_int_equal(told_objects, objects);
    assert_int_equal(fake_objects_below(SCRATCH), 0);
    assert_int_equal(fake_objects_below(OTHER), 3);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(rows(), 0);
    assert_int_equal(upload_end(&other), 0);
}

static void
test_scratch(void **state)
{
    (void)state;
    clean_scratch(2500);
    assert_int_equal(fake.deletes_many, 3);
    assert_int_equal(fake.deletes, 0);
}

static void
test_scratch_one_by_one(void **state)
{
    (void)state;
    fake.many_501 = true;
    clean_scratch(50);
    assert_int_equal(fake.deletes, 50);
}

/* Each version goes, and no marker stays. */
static void
test_scratch_versions(void **state)
{
    struct upload up = begin("out/k", SCRATCH);
    const struct s3_cleanup_args a = args();

    (void)state;
    fake.versioned = true;
    fill(SCRATCH, 5);
    fill(SCRATCH, 5);
    die(&up);
    clean(&a);
    assert_int_equal(fake_objects_below(SCRATCH), 0);
    assert_int_equal(rows(), 0);
}

static void
test_scratch_refused(void **state)
{
    struct upload up = begin("out/k", SCRATCH);
    const struct s3_cleanup_args a = args();

    (void)state;
    fill(SCRATCH, 5);
    die(&up);
    fake.deletes_refused = true;
    clean(&a);
    assert_int_equal(refused, 1);
    assert_int_equal(rows(), 1);
    fake.deletes_refused = false;
    fake.lists_refused = true;
    clean(&a);
    assert_int_equal(refused, 2);
    assert_int_equal(rows(), 1);
    fake.lists_refused = false;
    clean(&a);
    assert_int_equal(refused, 2);
    assert_int_equal(rows(), 0);
    assert_int_equal(fake_objects_below(SCRATCH), 0);
}

/* A row that was tampered with does not empty the bucket. */
static void
test_scratch_prefix(void **state)
{
    static const char *const bad[] = {
        "a",
        "/",
        FAKE_SCRATCH,
        FAKE_SCRATCH "00112233445566778899aabbccddeeff",
        FAKE_SCRATCH "00112233445566778899aabbccddeef/",
        FAKE_SCRATCH "00112233445566778899aabbccddeeFF/",
        "x00112233445566778899aabbccddeeff/",
    };
    const struct s3_cleanup_args a = args();
    struct s3_cleanup_count n;
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(s3_cleanup_scratch(&a, "b", bad[i], &n, &e), -EINVAL);
    assert_int_equal(fake.lists, 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_dead),
        T(test_query),
        T(test_refused),
        T(test_two_cleaners),
        T(test_stopped),
        T(test_unknown_not_asked),
        T(test_unknown),
        T(test_unknown_young),
        T(test_unknown_of_others),
        T(test_scratch),
        T(test_scratch_one_by_one),
        T(test_scratch_versions),
        T(test_scratch_refused),
        T(test_scratch_prefix),
    };

    return cmocka_run_group_tests_name("cleanup", tests, NULL, NULL);
}
