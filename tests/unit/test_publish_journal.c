/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the journal knows of uploads that were not ended: after a failed
 * abort, a lost answer, a killed process.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "publish_case.h"

static struct publish_case c;

static void
test_failed_abort_is_made_good(void **state)
{
    (void)state;
    case_start(&c, 50, 30, HALF);
    fake.abort_fails = true;
    fake.trouble_at = 20;
    fake.trouble = FAKE_FAIL_403;
    assert_int_equal(case_publish(&c), -EACCES);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(fake_journal_rows(), 1);
    fake.abort_fails = false;
    case_done(&c, "store-crc");
    case_stop(&c);
}

static void
test_silent_store(void **state)
{
    (void)state;
    case_start(&c, 53, 30, HALF);
    fake.abort_hangs = true;
    fake.trouble_at = 20;
    fake.trouble = FAKE_FAIL_TIMEOUT;
    assert_int_equal(case_publish(&c), -ETIMEDOUT);
    assert_true(fake_uploads_open() <= (unsigned)fake_journal_rows());
    fake.abort_hangs = false;
    case_done(&c, "store-crc");
    case_stop(&c);
}

/* A daemon that ends does not wait for a store that does not answer. */
static void
test_end_at_silent_store(void **state)
{
    unsigned n;
    int r;

    (void)state;
    for (n = 1; n < 200; n++) {
        case_start(&c, n, 14, HALF);
        fake.abort_hangs = true;
        fake.trouble_at = n;
        fake.trouble = FAKE_ABORT;
        fake.abort_why = -ECONNABORTED;
        r = case_publish(&c);
        assert_true(r == 0 || r == -ECONNABORTED);
        assert_true(fake_uploads_open() <= (unsigned)fake_journal_rows() +
                                               (unsigned)fake_journal_unknown());
        r = fake.calls < n;
        case_stop(&c);
        if (r)
            return;
    }
    fail();
}

/* The answer to Create is lost: another is begun, and what the first one may
 * have made is empty and nobody's; no publish guesses whose it is. */
static void
test_create_lost(void **state)
{
    unsigned n;

    (void)state;
    for (n = 0; n < 8; n++) {
        case_start_as(&c, n % 2 ? PLAN_STITCH : PLAN_DUO, n, 20, HALF);
        fake.trouble_at = 2 + (n % 2); /* HEAD, the bucket's lock, Create */
        fake.trouble = FAKE_FAIL_TIMEOUT;
        case_done(&c, "store-crc");
        assert_int_equal(fake_uploads_open(), 1);
        assert_int_equal(fake_journal_unknown(), 1);
        assert_int_equal(fake.aborts, 0);
        strcpy(fake_object("out/a.zip")->digest, "another");
        fake.trouble_at = 0;
        case_done(&c, "store-crc");
        assert_int_equal(fake_uploads_open(), 1);
        case_stop(&c);
    }
}

/* ---------------------------------------------------------------- others */

static void
leave_upload(const char *id, const char *key, int64_t age)
{
    struct fake_upload *u = calloc(1, sizeof(*u));

    strcpy(u->id, id);
    strcpy(u->key, key);
    u->initiated = time(NULL) - age;
    u->next = fake.open;
    fake.open = u;
}

/* A row of an upload there, held. */
static struct journal_claim
add_row(const char *id, const char *digest)
{
    const struct journal_new row = {
        .kind = JOURNAL_PUBLISH,
        .endpoint = fake_s3_dest.endpoint,
        .bucket = "b",
        .key = "out/a.zip",
        .key_len = strlen("out/a.zip"),
        .digest = digest,
    };
    struct journal_claim claim;

    journal_add(&fake.state[0], &row, &claim);
    assert_true(claim.row > 0);
    if (id)
        journal_set_id(&fake.state[0], &claim, id);
    return claim;
}

static void
leave_row(const char *id)
{
    struct journal_claim claim = add_row(id, "d");

    journal_leave(&fake.state[0], &claim);
}

/* What the dead left goes, if its id is known; strangers' stay. */
static void
test_killed(void **state)
{
    (void)state;
    case_start(&c, 51, 30, HALF);
    leave_upload("killed", "out/a.zip", 1000);
    leave_row("killed");
    leave_upload("unnamed", "out/a.zip", 3);
    leave_row(NULL);
    leave_upload("stranger", "out/a.zip", 2000);
    leave_upload("other key", "out/b.zip", 4999);
    assert_int_equal(case_publish(&c), 0);
    assert_int_equal(fake_journal_rows(), 0);
    assert_int_equal(fake_journal_unknown(), 1);
    assert_int_equal(fake_uploads_open(), 3);
    assert_int_equal(fake.aborts, 1);
    case_stop(&c);
}

/* The same where the archive is there already. */
static void
test_killed_and_there(void **state)
{
    (void)state;
    case_start(&c, 51, 30, HALF);
    case_done(&c, "store-crc");
    leave_upload("killed", "out/a.zip", 1000);
    leave_row("killed");
    assert_int_equal(case_publish(&c), 0);
    assert_true(c.st.noop);
    case_check_clean(&c);
    case_stop(&c);
}

/* A process that lives, with another archive, is in the way; with the same
 * one it is not, and its upload is left alone. */
static void
test_other_process(void **state)
{
    struct journal_claim claim;
    char digest[65];

    (void)state;
    case_start(&c, 52, 30, HALF);
    leave_upload("alive", "out/a.zip", 10);
    claim = add_row("alive", "of another layout");
    assert_int_equal(case_publish(&c), -EBUSY);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(fake.creates, 0);
    journal_remove(&fake.state[0], &claim);
    layout_digest_hex(c.l, digest);
    claim = add_row("alive", digest);
    assert_int_equal(case_publish(&c), 0);
    assert_int_equal(fake_uploads_open(), 1);
    journal_leave(&fake.state[0], &claim);
    assert_int_equal(case_publish(&c), 0);
    case_check_clean(&c);
    case_stop(&c);
}

/* Both find the row of a dead one, and one is slower. */
static void
test_two_clean(void **state)
{
    struct publish_case other;
    struct publish_job *a, *b;
    unsigned n;

    (void)state;
    for (n = 1; n < 60; n++) {
        case_start(&c, n, 14, HALF);
        leave_upload("killed", "out/a.zip", 1000);
        leave_row("killed");
        case_beside(&other, &c, 0);
        assert_int_equal(case_begin(&c, "out/a.zip", &a), 0);
        assert_int_equal(case_begin(&other, "out/a.zip", &b), 0);
        fake_run();
        case_end(&c, a);
        case_end(&other, b);
        /* One that holds the row is a publish of another archive. */
        assert_true(c.err.num == 0 || c.err.num == EBUSY);
        assert_true(other.err.num == 0 || other.err.num == EBUSY);
        assert_int_equal(case_publish(&c), 0);
        case_check_there(&c);
        case_beside_stop(&other);
        case_stop(&c);
    }
}

static bool
asked(void)
{
    LOCK_SCOPE(&fake.lock);

    return fake.ops != NULL;
}

/* Another process goes on with what is about to be cleaned: it is not
 * aborted under its feet. */
static void
test_taken_meanwhile(void **state)
{
    const struct journal_query q = {.endpoint = fake_s3_dest.endpoint,
                                    .bucket = "b"};
    struct journal_claim claim;
    struct journal_row *row;
    struct publish_job *j;
    size_t n;

    (void)state;
    case_start(&c, 53, 14, HALF);
    leave_upload("killed", "out/a.zip", 1000);
    leave_row("killed");
    assert_int_equal(case_begin(&c, "out/a.zip", &j), 0);
    while (!asked()) /* the rows were looked at before the first call */
        sched_yield();
    assert_int_equal(journal_rows(&fake.state[0], &q, &row, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(journal_take(&fake.state[0], row, &claim), 0);
    journal_rows_free(row, n);
    fake_run();
    case_end(&c, j);
    assert_int_equal(c.st.state, PUBLISH_DONE);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(fake_journal_rows(), 1);
    journal_remove(&fake.state[0], &claim);
    case_stop(&c);
}

/* What could not be aborted is nobody's afterwards, though this process
 * lives on: the next one makes it good. */
static void
test_left_again(void **state)
{
    (void)state;
    case_start(&c, 54, 14, HALF);
    leave_upload("killed", "out/a.zip", 1000);
    leave_row("killed");
    fake.abort_fails = true;
    assert_int_equal(case_publish(&c), 0);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(fake_journal_rows(), 1);
    fake.abort_fails = false;
    strcpy(fake_object("out/a.zip")->digest, "another");
    assert_int_equal(case_publish(&c), 0);
    assert_int_equal(fake_uploads_open(), 0);
    assert_int_equal(fake_journal_rows(), 0);
    case_stop(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failed_abort_is_made_good),
        cmocka_unit_test(test_silent_store),
        cmocka_unit_test(test_end_at_silent_store),
        cmocka_unit_test(test_create_lost),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_killed_and_there),
        cmocka_unit_test(test_other_process),
        cmocka_unit_test(test_two_clean),
        cmocka_unit_test(test_taken_meanwhile),
        cmocka_unit_test(test_left_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
