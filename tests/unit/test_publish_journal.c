/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the journal knows of uploads that were not ended: after a failed
 * abort, a lost answer, a killed process.
 */
#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

/* Makes a row of a process that is gone, and its upload. */
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

/* A Create that was sent again and done twice: the other one goes, a
 * stranger's stays, and that of long ago. */
static void
test_create_twice(void **state)
{
    (void)state;
    case_start(&c, 55, 30, HALF);
    fake.create_twice = 1;
    case_done(&c, "store-crc");
    assert_int_equal(fake.aborts, 1);
    strcpy(fake_object("out/a.zip")->digest, "another");
    fake.create_twice = 1;
    leave_upload("stranger", "out/a.zip", 0);
    leave_upload("ours of old", "out/a.zip", 1000);
    strcpy(fake.open->initiator, "us");
    leave_upload("other key", "out/b.zip", 0);
    strcpy(fake.open->initiator, "us");
    assert_int_equal(case_publish(&c), 0);
    assert_int_equal(fake_uploads_open(), 3);
    assert_int_equal(fake.aborts, 2);
    case_stop(&c);
}

static void
test_create_twice_and_abort(void **state)
{
    unsigned n;
    int r;

    (void)state;
    for (n = 1; n < 200; n++) {
        case_start(&c, n, 14, HALF);
        fake.create_twice = 1;
        fake.trouble_at = n;
        fake.trouble = FAKE_ABORT;
        r = case_publish(&c);
        assert_true(r == 0 || r == -EINTR);
        assert_int_equal(fake_uploads_open(), 0);
        assert_int_equal(fake_journal_rows(), 0);
        r = fake.calls < n;
        case_stop(&c);
        if (r)
            return;
    }
    fail();
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
        assert_true(fake_uploads_open() <= (unsigned)fake_journal_rows());
        r = fake.calls < n;
        case_stop(&c);
        if (r)
            return;
    }
    fail();
}

static void
leave_row_of(const char *id, int64_t age, const char *owner)
{
    char sql[700];

    snprintf(sql, sizeof(sql),
             "INSERT INTO publish_upload (endpoint, bucket, key, upload_id,"
             " digest, size, intent, owner) VALUES ('http://fake', 'b',"
             " CAST('out/a.zip' AS BLOB), %s, 'd', 1, %lld, '%s')",
             id, (long long)(time(NULL) - age), owner);
    fake_sql(sql);
}

static void
leave_row(const char *id, int64_t age)
{
    char owner[STATE_OWNER_MAX];

    state_owner(owner, sizeof(owner));
    strcpy(strrchr(owner, '/'), "/1"); /* our pid, another start */
    leave_row_of(id, age, owner);
}

static void
test_killed(void **state)
{
    (void)state;
    case_start(&c, 51, 30, HALF);
    case_done(&c, "store-crc"); /* makes the table */
    strcpy(fake_object("out/a.zip")->digest, "another");
    leave_upload("killed", "out/a.zip", 1000);
    leave_row("'killed'", 1000);
    leave_upload("unnamed", "out/a.zip", 5000 - 3);
    leave_row("NULL", 5000);
    leave_upload("older stranger", "out/a.zip", 5010);
    leave_upload("younger stranger", "out/a.zip", 2000);
    leave_upload("other key", "out/b.zip", 4999);
    assert_int_equal(fake_journal_rows(), 2);
    assert_int_equal(case_publish(&c), 0);
    assert_int_equal(fake_journal_rows(), 0);
    assert_int_equal(fake_uploads_open(), 3);
    assert_int_equal(fake.aborts, 2);
    case_stop(&c);
}

static void
test_other_process(void **state)
{
    char sql[300];

    (void)state;
    case_start(&c, 52, 30, HALF);
    case_done(&c, "store-crc");
    strcpy(fake_object("out/a.zip")->digest, "another");
    leave_upload("alive", "out/a.zip", 10);
    leave_row("'alive'", 10);
    /* of another host, young: taken for alive */
    snprintf(sql, sizeof(sql),
             "UPDATE publish_upload SET owner = 'boot/ns/1/2'");
    fake_sql(sql);
    assert_int_equal(case_publish(&c), -EBUSY);
    assert_int_equal(fake_uploads_open(), 1);
    fake_sql("UPDATE publish_upload SET intent = intent - 100000");
    assert_int_equal(case_publish(&c), 0);
    assert_int_equal(fake_uploads_open(), 0);
    case_stop(&c);
}

/* A child that lives, then a zombie, then gone. */
static void
test_child_process(void **state)
{
    char owner[STATE_OWNER_MAX];
    int gate[2], stop[2], status;
    pid_t pid;
    char byte = 0;

    (void)state;
    case_start(&c, 54, 30, HALF);
    case_done(&c, "store-crc");
    strcpy(fake_object("out/a.zip")->digest, "another");
    assert_int_equal(pipe(gate), 0);
    assert_int_equal(pipe(stop), 0);
    pid = fork();
    if (pid == 0) {
        state_owner(owner, sizeof(owner));
        if (write(gate[1], owner, sizeof(owner)) < 0 ||
            read(stop[0], &byte, 1) < 0)
            _exit(1);
        _exit(0);
    }
    assert_int_equal(read(gate[0], owner, sizeof(owner)), sizeof(owner));
    leave_upload("child's", "out/a.zip", 10);
    leave_row_of("'child''s'", 10, owner);
    assert_int_equal(case_publish(&c), -EBUSY);
    assert_int_equal(write(stop[1], &byte, 1), 1);
    waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
    assert_int_equal(case_publish(&c), 0);
    assert_int_equal(fake_uploads_open(), 0);
    waitpid(pid, &status, 0);
    case_stop(&c);
}

static bool
is_idle(void)
{
    return !fake.ops && !fake.works;
}

/* SQLite gives a number again once the row that had it last is gone: who
 * removes a row twice removes another's. */
static void
test_row_is_removed_once(void **state)
{
    struct publish_job *j;
    unsigned n, k;

    (void)state;
    for (n = 1; n < 400; n++) {
        case_start(&c, 57, 6, HALF);
        case_done(&c, "store-crc"); /* makes the table */
        strcpy(fake_object("out/a.zip")->digest, "another");
        assert_int_equal(case_begin(&c, "out/a.zip", &j), 0);
        for (k = 0; k < n && !is_idle(); k++)
            fake_run_some(1);
        publish_abort(j, -EINTR);
        while (!is_idle() && fake_journal_rows() > 0)
            fake_run_some(1);
        if (k == n)
            leave_row_of("'of another'", 0, "boot/ns/1/2");
        fake_run();
        case_end(&c, j);
        assert_int_equal(fake_journal_rows(), k == n);
        case_stop(&c);
        if (k < n)
            return;
    }
    fail();
}

/* In a file system without shared memory a reader holds up who commits. */
static struct sqlite3 *
open_file(const char *path)
{
    struct sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL),
        SQLITE_OK);
    return db;
}

/* Another process reads when the row is to go: it stays, but the file is not
 * locked for good. */
static void
test_reader_in_the_way(void **state)
{
    char dir[] = "/tmp/s3zipfs-test-XXXXXX", path[64];
    struct publish_job *j;
    struct sqlite3 *reader;
    sqlite3_stmt *s;
    unsigned n, k;
    bool over = false;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/state.sqlite", dir);
    for (n = 20; !over && n < 400; n++) {
        case_start(&c, 58, 6, HALF);
        sqlite3_close(fake.state[0].db);
        fake.state[0].db = open_file(path);
        reader = open_file(path);
        assert_int_equal(case_begin(&c, "out/a.zip", &j), 0);
        for (k = 0; k < n && !is_idle(); k++)
            fake_run_some(1);
        over = k < n;
        assert_int_equal(sqlite3_prepare_v2(reader,
                                            "SELECT name FROM sqlite_master",
                                            -1, &s, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        publish_abort(j, -EINTR);
        fake_run();
        sqlite3_finalize(s);
        case_end(&c, j);
        assert_int_equal(
            sqlite3_exec(reader, "BEGIN IMMEDIATE; COMMIT", NULL, NULL, NULL),
            SQLITE_OK);
        sqlite3_close(reader);
        case_stop(&c);
        unlink(path);
    }
    assert_true(over);
    rmdir(dir);
}

/* Both find the row of a dead one, and one is slower. */
static void
test_two_sweep(void **state)
{
    struct publish_case other;
    struct publish_job *a, *b;
    unsigned n;

    (void)state;
    for (n = 1; n < 100; n++) {
        case_start(&c, n, 14, HALF);
        case_done(&c, "store-crc"); /* makes the table */
        strcpy(fake_object("out/a.zip")->digest, "another");
        leave_upload("killed", "out/a.zip", 1000);
        leave_row("'killed'", 1000);
        case_beside(&other, &c, 0);
        strcat(other.p->owner, "1");
        assert_int_equal(case_begin(&c, "out/a.zip", &a), 0);
        assert_int_equal(case_begin(&other, "out/a.zip", &b), 0);
        while (!is_idle()) {
            fake_run_some(1);
            assert_true(fake_uploads_open() <= (unsigned)fake_journal_rows());
        }
        case_end(&c, a);
        case_end(&other, b);
        case_beside_stop(&other);
        case_stop(&c);
    }
}

static int
is_theirs(void)
{
    return fake_sql("SELECT count(*) FROM publish_upload WHERE"
                    " owner = 'boot/ns/1/2'");
}

/* Another process goes on with what is about to be swept: it is not aborted
 * under its feet. */
static void
test_taken_meanwhile(void **state)
{
    struct publish_job *j;

    (void)state;
    case_start(&c, 53, 14, HALF);
    case_done(&c, "store-crc"); /* makes the table */
    strcpy(fake_object("out/a.zip")->digest, "another");
    leave_upload("killed", "out/a.zip", 1000);
    leave_row("'killed'", 1000);
    assert_int_equal(case_begin(&c, "out/a.zip", &j), 0);
    while (j->left_count == 0)
        fake_run_some(1);
    fake_sql("UPDATE publish_upload SET owner = 'boot/ns/1/2'");
    fake_run();
    case_end(&c, j);
    assert_int_equal(c.st.state, PUBLISH_DONE);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(is_theirs(), 1);
    case_stop(&c);
}

/* What could not be aborted is nobody's afterwards, though this process
 * lives on: the next one makes it good. */
static void
test_left_again(void **state)
{
    (void)state;
    case_start(&c, 54, 14, HALF);
    case_done(&c, "store-crc"); /* makes the table */
    strcpy(fake_object("out/a.zip")->digest, "another");
    leave_upload("killed", "out/a.zip", 1000);
    leave_row("'killed'", 1000);
    fake.abort_fails = true;
    assert_int_equal(case_publish(&c), 0);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(fake_sql("SELECT count(*) FROM publish_upload WHERE"
                              " owner = ''"),
                     1);
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
        cmocka_unit_test(test_create_twice),
        cmocka_unit_test(test_create_twice_and_abort),
        cmocka_unit_test(test_end_at_silent_store),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_other_process),
        cmocka_unit_test(test_child_process),
        cmocka_unit_test(test_row_is_removed_once),
        cmocka_unit_test(test_reader_in_the_way),
        cmocka_unit_test(test_two_sweep),
        cmocka_unit_test(test_taken_meanwhile),
        cmocka_unit_test(test_left_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
