/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/upload.h on the fake store, with the journal: what is in the store and
 * what the journal says at each step, and after whatever went wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake_store.h"
#include "s3/upload.h"

static struct scope *scope;
static struct s3_reply reply;
static struct upload up;
static const struct journal_new row = {.kind = JOURNAL_EXTRACT};

void
fake_stop_job(void)
{
    scope_stop(scope, -EINTR);
}

/* A second passes in ten milliseconds. */
int __real_scope_sleep(struct scope *sc, uint64_t ms);
int __wrap_scope_sleep(struct scope *sc, uint64_t ms);

int
__wrap_scope_sleep(struct scope *sc, uint64_t ms)
{
    return __real_scope_sleep(sc, ms / 100);
}

static int
setup(void **state)
{
    (void)state;
    fake_start(7);
    fake_threads_start();
    return scope_new(&scope);
}

static int
teardown(void **state)
{
    (void)state;
    fake_threads_stop();
    fake_stop();
    scope_free(scope);
    return 0;
}

/* ---------------------------------------------------------------- helpers */

static struct upload_args
args(void)
{
    return (struct upload_args){
        .s3 = &fake_s3,
        .scope = scope,
        .create = {.at = {"b", "out/k", 5, true}, .layout_digest = "digest"},
        .state = &fake.state[0],
        .row = &row,
    };
}

static int
create(void)
{
    const struct upload_args a = args();

    return upload_create(&up, &a, &reply);
}

/* Rows of the journal; *ret: the first. */
static size_t
rows(struct journal_row **ret)
{
    const struct journal_query q = {.endpoint = fake_s3.endpoint,
                                    .bucket = "b"};
    size_t n;

    assert_int_equal(journal_rows(&fake.state[0], &q, ret, &n), 0);
    return n;
}

static void
assert_rows(size_t expected)
{
    struct journal_row *r;
    size_t n = rows(&r);

    journal_rows_free(r, n);
    assert_int_equal(n, expected);
}

static char bytes[FAKE_FLOOR];

static int
part(uint32_t number)
{
    const struct iovec iov = {bytes, sizeof(bytes)};
    const struct s3_upload_args a = {
        .number = number, .body = &iov, .body_count = 1};

    return upload_part(&up, &a, &reply);
}

static int
complete(void)
{
    struct s3_done_part done = {.number = 1};
    const struct s3_complete_args a = {
        .part = &done, .count = 1, .if_none_match = true};
    char etag[sizeof(reply.etag)];

    snprintf(etag, sizeof(etag), "%s", reply.etag);
    done.etag = etag;
    return upload_complete(&up, &a, &reply);
}

/* The n-th call from now on. */
static void
trouble(unsigned n, enum fake_trouble what)
{
    fake.trouble_at = fake.calls + n;
    fake.trouble = what;
}

/* ------------------------------------------------------------- ordinary */

static void
test_whole_life(void **state)
{
    struct journal_row *r;

    (void)state;
    assert_int_equal(create(), 0);
    assert_int_equal(rows(&r), 1);
    assert_string_equal(r->upload_id, up.id); /* before the first part */
    assert_string_equal(r->key, "out/k");
    assert_int_equal(r->kind, JOURNAL_EXTRACT);
    assert_true(r->alive);
    journal_rows_free(r, 1);
    assert_int_equal(part(1), 0);
    assert_int_equal(complete(), 0);
    assert_false(up.unclear);
    assert_string_equal(up.id, "");
    assert_rows(1); /* until the end: what else it names may be there */
    assert_int_equal(upload_end(&up), 0);
    assert_rows(0);
    assert_int_equal(fake.aborts, 0);
    assert_int_equal(fake_uploads_open(), 0);
    assert_non_null(fake_object("out/k"));
    assert_int_equal(upload_end(&up), 0); /* of zeros */
}

static void
test_without_row(void **state)
{
    struct upload_args a = args();

    (void)state;
    a.row = NULL;
    assert_int_equal(upload_create(&up, &a, &reply), 0);
    assert_rows(0);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(upload_end(&up), 0);
    assert_int_equal(fake_uploads_open(), 0);
    a = args();
    a.state = NULL;
    assert_int_equal(upload_create(&up, &a, &reply), 0);
    assert_int_equal(upload_end(&up), 0);
    assert_int_equal(fake_uploads_open(), 0);
}

/* What it names besides itself is still there. */
static void
test_row_kept(void **state)
{
    struct journal_row *r;

    (void)state;
    assert_int_equal(create(), 0);
    up.keep_row = true;
    assert_int_equal(upload_end(&up), 0);
    assert_int_equal(fake_uploads_open(), 0);
    assert_int_equal(rows(&r), 1);
    assert_false(r->alive);
    journal_rows_free(r, 1);
}

/* ----------------------------------------------------------------- create */

static void
test_create_refused(void **state)
{
    struct upload_args a = args();

    (void)state;
    trouble(1, FAKE_FAIL_403);
    assert_int_equal(create(), -EACCES);
    assert_int_equal(reply.e.http, 403);
    assert_int_equal(fake.creates, 1);
    assert_rows(0);
    assert_int_equal(upload_end(&up), 0);
    fake.create_501 = true;
    a.create.crc32 = true;
    assert_int_equal(upload_create(&up, &a, &reply), -EOPNOTSUPP);
    assert_int_equal(reply.e.http, 501);
    assert_rows(0);
}

/* Its upload stays, empty, and so does its row, without id; the next one has
 * a row of its own. */
static void
test_create_unclear(void **state)
{
    struct journal_row *r;

    (void)state;
    trouble(1, FAKE_FAIL_TIMEOUT);
    assert_int_equal(create(), 0);
    assert_int_equal(fake.creates, 2);
    assert_int_equal(fake_uploads_open(), 2);
    assert_int_equal(rows(&r), 2);
    assert_null(r[0].upload_id);
    assert_false(r[0].alive);
    assert_string_equal(r[1].upload_id, up.id);
    assert_true(r[1].alive);
    journal_rows_free(r, 2);
    assert_int_equal(part(1), 0);
    assert_int_equal(upload_end(&up), 0);
    assert_int_equal(fake_uploads_open(), 1);
    assert_true(fake_parts_below("out/") == 0);
    assert_int_equal(rows(&r), 1);
    assert_null(r->upload_id);
    journal_rows_free(r, 1);
}

/* The store's "internal error" says nothing about what it did. */
static void
test_create_500(void **state)
{
    struct journal_row *r;

    (void)state;
    trouble(1, FAKE_FAIL_500);
    assert_int_equal(create(), 0);
    assert_int_equal(fake.creates, 2);
    assert_int_equal(rows(&r), 2);
    assert_null(r[0].upload_id);
    assert_false(r[0].alive);
    assert_string_equal(r[1].upload_id, up.id);
    journal_rows_free(r, 2);
    assert_int_equal(upload_end(&up), 0);
    assert_rows(1);
}

static void
test_create_never_clear(void **state)
{
    (void)state;
    fake.create_500 = true;
    assert_int_equal(create(), -EIO);
    assert_int_equal(reply.e.err, -EIO);
    assert_int_equal(reply.e.http, 500);
    assert_int_equal(fake.creates, 3);
    assert_rows(3);
}

static void
test_create_after_stop(void **state)
{
    (void)state;
    scope_stop(scope, -ECONNABORTED);
    assert_int_equal(create(), -ECONNABORTED);
    assert_int_equal(reply.e.err, -ECONNABORTED);
    assert_int_equal(fake.creates, 0);
    assert_rows(0);
}

/* ------------------------------------------------------------------- end */

static void
test_part_fails(void **state)
{
    (void)state;
    assert_int_equal(create(), 0);
    trouble(1, FAKE_FAIL_403);
    assert_int_equal(part(1), -EACCES);
    assert_int_equal(upload_end(&up), 0);
    assert_int_equal(fake.aborts, 1);
    assert_int_equal(fake_uploads_open(), 0);
    assert_rows(0);
}

/* A part that was cut off may arrive after the abort: a second one. */
static void
test_part_cut_off(void **state)
{
    (void)state;
    assert_int_equal(create(), 0);
    trouble(1, FAKE_FAIL_TIMEOUT);
    assert_int_equal(part(1), -ETIMEDOUT);
    assert_int_equal(upload_end(&up), 0);
    assert_int_equal(fake.aborts, 2);
    assert_int_equal(fake_uploads_open(), 0);
    assert_rows(0);
}

static void
test_stopped(void **state)
{
    (void)state;
    assert_int_equal(create(), 0);
    assert_int_equal(part(1), 0);
    scope_stop(scope, -EINTR);
    assert_int_equal(part(2), -EINTR);
    assert_int_equal(complete(), -EINTR);
    assert_false(up.unclear); /* it was not sent */
    assert_int_equal(fake.completes, 0);
    assert_int_equal(upload_end(&up), 0);
    assert_int_equal(fake.aborts, 1); /* nothing was cut off */
    assert_int_equal(fake_uploads_open(), 0);
    assert_rows(0);
}

/* Its abort is not answered: the row stays, and is nobody's. */
static struct journal_row *
end_unanswered(enum fake_hung hung)
{
    struct journal_row *r;
    char id[sizeof(up.id)];

    assert_int_equal(create(), 0);
    snprintf(id, sizeof(id), "%s", up.id);
    fake.abort_hangs = true;
    fake.hung = hung;
    up.patience_ms = 100;
    assert_int_equal(upload_end(&up), -ETIMEDOUT);
    fake.abort_hangs = false;
    fake.hung = FAKE_HUNG_ANYHOW;
    assert_int_equal(rows(&r), 1);
    assert_string_equal(r->upload_id, id);
    assert_false(r->alive);
    return r;
}

/* Who finds the row goes on with the upload, or ends it; once. */
static void
test_abort_hangs(void **state)
{
    struct journal_row *r = end_unanswered(FAKE_HUNG_LOST);
    const struct upload_args a = args();
    struct upload second;

    (void)state;
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(upload_resume(&up, &a, r), 0);
    assert_string_equal(up.id, r->upload_id);
    assert_int_equal(part(1), 0);
    assert_int_equal(upload_resume(&second, &a, r), -EBUSY);
    assert_int_equal(upload_end(&second), 0);
    assert_int_equal(upload_end(&up), 0);
    assert_int_equal(upload_resume(&up, &a, r), -EBUSY);
    journal_rows_free(r, 1);
    assert_int_equal(fake_uploads_open(), 0);
    assert_rows(0);
}

/* The abort was done, and nobody heard of it. */
static void
test_abort_is_late(void **state)
{
    struct journal_row *r = end_unanswered(FAKE_HUNG_DONE);
    const struct upload_args a = args();

    (void)state;
    assert_int_equal(fake_uploads_open(), 0);
    assert_int_equal(upload_resume(&up, &a, r), 0);
    journal_rows_free(r, 1);
    assert_int_equal(part(1), -ENOENT);
    assert_int_equal(upload_end(&up), 0);
    assert_rows(0);
}

static void
test_joined(void **state)
{
    const struct upload_args a = args();
    struct upload other;

    (void)state;
    assert_int_equal(create(), 0);
    other = up;
    assert_int_equal(upload_join(&up, &a, other.id), 0);
    assert_int_equal(part(1), 0);
    assert_int_equal(upload_end(&up), 0);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(fake.aborts, 0);
    assert_rows(1);
    assert_int_equal(upload_end(&other), 0);
    assert_int_equal(fake_uploads_open(), 0);
}

/* --------------------------------------------------------------- complete */

static void
test_complete_unclear(void **state)
{
    (void)state;
    assert_int_equal(create(), 0);
    assert_int_equal(part(1), 0);
    fake.unclear = 1; /* it is done, and nobody hears of it */
    assert_int_equal(complete(), -EINPROGRESS);
    assert_true(up.unclear);
    assert_non_null(fake_object("out/k"));
    assert_int_equal(upload_end(&up), 0);
    assert_non_null(fake_object("out/k"));
    assert_rows(0);
}

static void
test_complete_lost(void **state)
{
    char etag[sizeof(reply.etag)];

    (void)state;
    assert_int_equal(create(), 0);
    assert_int_equal(part(1), 0);
    snprintf(etag, sizeof(etag), "%s", reply.etag);
    fake.lost = 1; /* it is not done */
    assert_int_equal(complete(), -EINPROGRESS);
    assert_true(up.unclear);
    snprintf(reply.etag, sizeof(reply.etag), "%s", etag);
    assert_int_equal(complete(), 0);
    assert_false(up.unclear);
    assert_int_equal(upload_end(&up), 0);
    assert_int_equal(fake.aborts, 0);
}

static void
test_complete_refused(void **state)
{
    (void)state;
    fake_put("out/k", "another", 7, false);
    assert_int_equal(create(), 0);
    assert_int_equal(part(1), 0);
    assert_int_equal(complete(), -EEXIST);
    assert_false(up.unclear);
    assert_int_equal(upload_end(&up), 0);
    assert_int_equal(fake_uploads_open(), 0);
    assert_rows(0);
}

/* ------------------------------------------------------------- many parts */

static void *
send_parts(void *user)
{
    const struct iovec iov = {bytes, sizeof(bytes)};
    struct s3_reply own;
    uint32_t i, first = *(uint32_t *)user;

    for (i = first; i < first + 20; i++) {
        const struct s3_upload_args a = {
            .number = i, .body = &iov, .body_count = 1};

        if (upload_part(&up, &a, &own) < 0)
            return user;
    }
    return NULL;
}

static void
test_threads(void **state)
{
    uint32_t first[4] = {1, 21, 41, 61};
    pthread_t thread[4];
    void *failed;
    int i;

    (void)state;
    assert_int_equal(create(), 0);
    for (i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, send_parts, &first[i]);
    for (i = 0; i < 4; i++) {
        pthread_join(thread[i], &failed);
        assert_null(failed);
    }
    assert_true(fake_parts_below("out/") == 80 * sizeof(bytes));
    assert_int_equal(upload_end(&up), 0);
    assert_int_equal(fake_uploads_open(), 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_whole_life),
        T(test_without_row),
        T(test_row_kept),
        T(test_create_refused),
        T(test_create_unclear),
        T(test_create_500),
        T(test_create_never_clear),
        T(test_create_after_stop),
        T(test_part_fails),
        T(test_part_cut_off),
        T(test_stopped),
        T(test_abort_hangs),
        T(test_abort_is_late),
        T(test_joined),
        T(test_complete_unclear),
        T(test_complete_lost),
        T(test_complete_refused),
        T(test_threads),
    };

    return cmocka_run_group_tests_name("an upload as one object", tests, NULL,
                                       NULL);
}
