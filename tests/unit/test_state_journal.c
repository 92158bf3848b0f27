/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The journal of uploads: rows of processes that were killed, who may take
 * them, and what a file that is locked, full or old does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "net/net.h"
#include "state/journal.h"

enum { ROWS_MAX = 10000 };

static char dir[64], path[128];
static struct state *st;
static int warnings;

/* Instead of net's. */
void
log_line(enum log_level level, const char *fmt, ...)
{
    (void)fmt;
    warnings += level == LOG_WARN;
}

static int
set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/s3zipfs-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/state.sqlite", dir);
    warnings = 0;
    state_open(&st, dir);
    return 0;
}

static int
tear_down(void **state)
{
    char cmd[128];

    (void)state;
    state_close(st);
    snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
    return system(cmd);
}

/* ---------------------------------------------------------------- helpers */

static struct journal_claim
add(struct state *s, const char *key)
{
    const struct journal_new a = {
        .kind = JOURNAL_PUBLISH,
        .endpoint = "e",
        .bucket = "b",
        .key = key,
        .key_len = strlen(key),
        .digest = "d",
        .plan = "p",
        .scratch = "s/",
        .flags = 5,
    };
    struct journal_claim c;

    journal_add(s, &a, &c);
    return c;
}

static size_t
rows(struct state *s, const char *key, struct journal_row **ret)
{
    const struct journal_query q = {.endpoint = "e",
                                    .bucket = "b",
                                    .key = key,
                                    .key_len = key ? strlen(key) : 0};
    size_t n = 0;

    assert_int_equal(journal_rows(s, &q, ret, &n), 0);
    return n;
}

static size_t
count_rows(void)
{
    struct journal_row *row;
    size_t n = rows(st, NULL, &row);

    journal_rows_free(row, n);
    return n;
}

static void
sql(const char *text)
{
    struct sqlite3 *db = state_lock(st);

    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    state_unlock(st);
}

static int
number(const char *text)
{
    struct sqlite3 *db = state_lock(st);
    sqlite3_stmt *q = state_prepare(db, text);
    int n;

    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    n = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    state_unlock(st);
    return n;
}

/* A process that runs fn and then waits to be killed; returns when fn is
 * through. */
static pid_t
process(void (*fn)(struct state *s))
{
    struct state *own;
    int fd[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(fd), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        state_open(&own, dir);
        fn(own);
        if (write(fd[1], "", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(fd[1]);
    assert_int_equal(read(fd[0], &byte, 1), 1);
    close(fd[0]);
    return pid;
}

static void
kill_it(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void
publish_k(struct state *s)
{
    struct journal_claim c = add(s, "k");

    journal_set_id(s, &c, "the id");
}

/* A row at "k" that nobody holds. */
static struct journal_row *
dead_row(void)
{
    struct journal_row *row;

    kill_it(process(publish_k));
    assert_int_equal(rows(st, "k", &row), 1);
    assert_false(row->alive);
    return row;
}

/* --------------------------------------------------------- life of a row */

static void
test_row(void **state)
{
    struct journal_claim c = add(st, "k");
    struct journal_row *row;

    (void)state;
    assert_true(c.row > 0);
    assert_int_equal(rows(st, "k", &row), 1);
    assert_int_equal(row->kind, JOURNAL_PUBLISH);
    assert_int_equal(row->row, c.row);
    assert_true(row->intent == c.intent && c.intent > 1700000000);
    assert_string_equal(row->owner, c.owner);
    assert_int_equal(strlen(c.owner), 32);
    assert_string_equal(row->bucket, "b");
    assert_string_equal(row->key, "k");
    assert_null(row->upload_id);
    assert_string_equal(row->digest, "d");
    assert_string_equal(row->plan, "p");
    assert_string_equal(row->scratch, "s/");
    assert_int_equal(row->flags, 5);
    assert_true(row->alive);
    journal_rows_free(row, 1);
    journal_set_id(st, &c, "the id");
    assert_int_equal(rows(st, "k", &row), 1);
    assert_string_equal(row->upload_id, "the id");
    journal_rows_free(row, 1);
    assert_int_equal(count_rows(), 1);
    journal_remove(st, &c);
    assert_int_equal(c.row, 0);
    assert_int_equal(count_rows(), 0);
    assert_int_equal(warnings, 0);
}

static void
test_query(void **state)
{
    static const char *const key[] = {"a", "a/x", "a/y", "ab"};
    struct journal_query q = {.endpoint = "e", .bucket = "b"};
    struct journal_claim c[4];
    struct journal_row *row;
    size_t n, i;

    (void)state;
    for (i = 0; i < 4; i++)
        c[i] = add(st, key[i]);
    q.prefix = "a/";
    assert_int_equal(journal_rows(st, &q, &row, &n), 0);
    assert_int_equal(n, 3);
    assert_string_equal(row[0].key, "a");
    assert_string_equal(row[2].key, "a/y");
    journal_rows_free(row, n);
    q.prefix = "a";
    assert_int_equal(journal_rows(st, &q, &row, &n), 0);
    assert_int_equal(n, 4);
    journal_rows_free(row, n);
    q.kinds = 1 << JOURNAL_EXTRACT;
    assert_int_equal(journal_rows(st, &q, &row, &n), 0);
    assert_int_equal(n, 0);
    journal_rows_free(row, n);
    q = (struct journal_query){.endpoint = "other", .bucket = "b"};
    assert_int_equal(journal_rows(st, &q, &row, &n), 0);
    assert_int_equal(n, 0);
    journal_rows_free(row, n);
    for (i = 0; i < 4; i++)
        journal_remove(st, &c[i]);
}

static void
test_killed(void **state)
{
    pid_t pid = process(publish_k);
    struct journal_claim c, d;
    struct journal_row *row;

    (void)state;
    assert_int_equal(rows(st, "k", &row), 1);
    assert_true(row->alive);
    assert_int_equal(journal_take(st, row, &c), -EBUSY);
    assert_int_equal(c.row, 0);
    kill_it(pid);
    /* It was read while its process lived. */
    assert_int_equal(journal_take(st, row, &c), 0);
    assert_string_not_equal(c.owner, row->owner);
    assert_int_equal(journal_take(st, row, &d), -EBUSY);
    journal_rows_free(row, 1);
    assert_int_equal(rows(st, "k", &row), 1);
    assert_true(row->alive);
    assert_string_equal(row->upload_id, "the id");
    journal_rows_free(row, 1);
    journal_leave(st, &c);
    assert_int_equal(rows(st, "k", &row), 1);
    assert_false(row->alive);
    assert_int_equal(journal_take(st, row, &c), 0);
    journal_rows_free(row, 1);
    journal_remove(st, &c);
    assert_int_equal(count_rows(), 0);
}

/* Two cleaners have read a dead row.  The first removes it, and a new upload
 * begins; what the second has read must not reach the new one's row, not
 * even after that has died, too. */
static void
test_number_again(void **state)
{
    struct journal_row *first = dead_row(), *second;
    struct journal_claim c, new;

    (void)state;
    assert_int_equal(rows(st, "k", &second), 1);
    assert_int_equal(journal_take(st, first, &c), 0);
    journal_remove(st, &c);
    new = add(st, "new");
    assert_true(new.row > second->row);
    journal_leave(st, &new);
    assert_int_equal(journal_take(st, second, &c), -EBUSY);
    assert_int_equal(count_rows(), 1);
    journal_rows_free(first, 1);
    journal_rows_free(second, 1);
}

/* The same in a file that was made anew, where numbers begin again, within
 * the same second. */
static void
test_number_of_another_file(void **state)
{
    struct journal_row *row = dead_row();
    struct journal_claim new, c;
    char change[128];

    (void)state;
    sql("DELETE FROM upload; DELETE FROM sqlite_sequence");
    new = add(st, "new");
    assert_int_equal(new.row, row->row);
    snprintf(change, sizeof(change), "UPDATE upload SET intent = %lld",
             (long long)row->intent);
    sql(change);
    journal_leave(st, &new);
    assert_int_equal(journal_take(st, row, &c), -EBUSY);
    journal_rows_free(row, 1);
    assert_int_equal(rows(st, "new", &row), 1);
    assert_int_equal(journal_take(st, row, &c), 0);
    journal_rows_free(row, 1);
    journal_remove(st, &c);
}

/* What lives on keeps its byte when the state file is removed; the new
 * file's rows keep clear of it. */
static void
test_file_removed(void **state)
{
    struct journal_claim old = add(st, "k"), new;
    struct state *other;
    struct journal_row *row;

    (void)state;
    assert_int_equal(old.row, 1);
    assert_int_equal(unlink(path), 0);
    state_open(&other, dir);
    new = add(other, "new");
    assert_int_equal(new.row, 2);
    assert_int_equal(rows(other, NULL, &row), 1);
    assert_true(row->alive);
    journal_rows_free(row, 1);
    journal_remove(other, &new);
    state_close(other);
    journal_leave(st, &old);
}

/* ---------------------------------------------------------- processes */

/* A program that was started lives on; a lock is not inherited by it. */
static void
start_a_program(struct state *s)
{
    publish_k(s);
    if (fork() == 0) {
        execlp("sleep", "sleep", "5", (char *)NULL);
        _exit(1);
    }
    usleep(300 * 1000); /* until it is another program */
}

static void
test_program_started(void **state)
{
    struct journal_row *row;
    pid_t pid = process(start_a_program);

    (void)state;
    assert_int_equal(rows(st, "k", &row), 1);
    assert_true(row->alive);
    journal_rows_free(row, 1);
    kill_it(pid);
    assert_int_equal(rows(st, "k", &row), 1);
    assert_false(row->alive);
    journal_rows_free(row, 1);
}

/* To the background: the child goes on with the rows of its parent, who
 * ends. */
static void
test_background(void **state)
{
    struct journal_row *row;
    int ready[2], fd[2];
    char byte;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(fd), 0);
    pid = fork();
    if (pid == 0) {
        struct state *own;

        state_open(&own, dir);
        publish_k(own);
        if (fork() > 0)
            _exit(0);
        close(fd[1]);
        if (write(ready[1], "", 1) == 1 && read(fd[0], &byte, 1) == 0)
            _exit(0); /* the test is through with it */
        _exit(1);
    }
    close(fd[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    waitpid(pid, NULL, 0);
    assert_int_equal(rows(st, "k", &row), 1);
    assert_true(row->alive);
    journal_rows_free(row, 1);
    close(fd[1]);
    do {
        assert_int_equal(rows(st, "k", &row), 1);
        byte = row->alive;
        journal_rows_free(row, 1);
        usleep(1000);
    } while (byte);
    close(ready[0]);
}

/* Takes and removes what it can; exits with how many that were. */
static void
take_all(void)
{
    struct journal_row *row;
    struct journal_claim c;
    struct state *own;
    size_t n, i;
    int taken = 0;

    state_open(&own, dir);
    n = rows(own, "k", &row);
    for (i = 0; i < n; i++) {
        if (journal_take(own, &row[i], &c) < 0)
            continue;
        journal_remove(own, &c);
        taken++;
    }
    _exit(taken);
}

static void
test_many_cleaners(void **state)
{
    enum { ROWS = 60, CLEANERS = 4 };
    struct journal_claim c;
    int i, status, sum = 0;
    pid_t pid[CLEANERS];

    (void)state;
    for (i = 0; i < ROWS; i++) {
        c = add(st, "k");
        journal_leave(st, &c);
    }
    for (i = 0; i < CLEANERS; i++) {
        pid[i] = fork();
        if (pid[i] == 0)
            take_all();
    }
    for (i = 0; i < CLEANERS; i++) {
        waitpid(pid[i], &status, 0);
        assert_true(WIFEXITED(status));
        sum += WEXITSTATUS(status);
    }
    assert_int_equal(sum, ROWS); /* each by one */
    assert_int_equal(count_rows(), 0);
}

/* ---------------------------------------------------------------- trouble */

static void
assert_nothing(struct state *s)
{
    struct journal_row *row = NULL, of = {.row = 1};
    struct journal_claim c = add(s, "k");
    struct journal_noted noted;
    struct journal_query q = {.endpoint = "e", .bucket = "b"};
    size_t n = 0;

    assert_int_equal(c.row, 0);
    journal_set_id(s, &c, "id");
    assert_null(journal_notes_begin(s, &c));
    journal_note_part(NULL, 1, 2);
    journal_notes_end(NULL);
    assert_int_equal(journal_notes_read(s, &c, &noted), 0);
    assert_int_equal(noted.parts + noted.scratches, 0);
    assert_int_equal(journal_rows(s, &q, &row, &n), -ENOENT);
    assert_int_equal(journal_take(s, &of, &c), -ENOENT);
    journal_leave(s, &c);
    journal_remove(s, &c);
}

static void
test_no_file(void **state)
{
    struct state *none;

    (void)state;
    state_open(&none, NULL);
    assert_nothing(none);
    state_close(none);
    assert_nothing(NULL);
    assert_int_equal(warnings, 0);
    state_open(&none, "/proc/nowhere");
    assert_nothing(none);
    assert_int_equal(warnings, 1);
    state_close(none);
}

static void
test_file_locked(void **state)
{
    struct journal_claim c, kept = add(st, "kept");
    sqlite3 *other;

    (void)state;
    sqlite3_busy_timeout(state_lock(st), 20);
    state_unlock(st);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL),
                     SQLITE_OK);
    c = add(st, "k");
    assert_int_equal(c.row, 0);
    journal_set_id(st, &kept, "id");
    journal_remove(st, &kept);
    assert_int_equal(warnings, 1);
    sqlite3_close(other);
    /* And life goes on: that row is nobody's. */
    c = add(st, "k");
    assert_true(c.row > 0);
    journal_remove(st, &c);
    assert_int_equal(count_rows(), 1);
    assert_int_equal(warnings, 1);
}

static void
test_file_full(void **state)
{
    struct journal_claim c = {0}, d;
    int i;

    (void)state;
    sql("PRAGMA max_page_count = 1"); /* as many as there are */
    for (i = 0; i < 1000; i++) {
        d = add(st, "a key of some length, for there is room in a page");
        if (d.row == 0)
            break;
        journal_leave(st, &c);
        c = d;
    }
    assert_true(i > 0 && i < 1000);
    assert_int_equal(warnings, 1);
    /* What is held can be removed, and then there is room. */
    journal_remove(st, &c);
    sql("PRAGMA max_page_count = 1000000");
    assert_int_equal(count_rows(), i - 1);
}

/* No lock can be had: no row, as nobody could tell that it is alive. */
static void
test_no_lock(void **state)
{
    struct journal_claim c;
    char name[128];

    (void)state;
    snprintf(name, sizeof(name), "%s/uploads.lock", dir);
    assert_int_equal(symlink("/dev/null", name), 0);
    c = add(st, "k");
    assert_int_equal(c.row, 0);
    assert_int_equal(count_rows(), 0);
    assert_int_equal(warnings, 1);
}

static void
test_bounded(void **state)
{
    struct journal_claim first = add(st, "first"), c;
    struct journal_row *row;

    (void)state;
    sql("WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i"
        " WHERE n < 9999) INSERT INTO upload (kind, endpoint, bucket, key,"
        " intent, owner, digest, plan, scratch, flags) SELECT 1, 'e', 'b',"
        " CAST('many' AS BLOB), 1, '', '', '', '', 0 FROM i");
    assert_int_equal(count_rows(), ROWS_MAX);
    c = add(st, "last");
    assert_int_equal(count_rows(), ROWS_MAX);
    assert_int_equal(rows(st, "first", &row), 1); /* it lives */
    journal_rows_free(row, 1);
    assert_int_equal(number("SELECT count(*) FROM upload WHERE n = 2"), 0);
    assert_int_equal(number("SELECT count(*) FROM upload WHERE n = 3"), 1);
    journal_leave(st, &first);
    journal_leave(st, &c);
    c = add(st, "next");
    assert_int_equal(count_rows(), ROWS_MAX);
    assert_int_equal(rows(st, "first", &row), 0); /* no more */
    journal_rows_free(row, 0);
    journal_remove(st, &c);
}

/* ------------------------------------------------------------------ notes */

static void
publish_parts(struct state *s)
{
    static struct journal_claim c;
    struct journal_scratch scratch = {.number = 7,
                                      .etag = (char *)"first",
                                      .version = (char *)"v",
                                      .have_crc = true,
                                      .crc = UINT32_MAX};
    struct journal_notes *n;
    uint32_t i;

    c = add(s, "k");
    n = journal_notes_begin(s, &c);
    for (i = 0; i < 1000; i++)
        journal_note_part(n, 999 - i, i);
    journal_note_scratch(n, &scratch);
    scratch = (struct journal_scratch){.number = 7, .etag = (char *)"second"};
    journal_note_scratch(n, &scratch);
    usleep(50 * 1000);
    journal_note_part(n, 5, UINT32_MAX); /* another batch */
    usleep(400 * 1000);
}

static void
test_notes(void **state)
{
    struct journal_row *row;
    struct journal_noted noted;
    struct journal_claim c;
    size_t i;

    (void)state;
    kill_it(process(publish_parts));
    assert_int_equal(rows(st, "k", &row), 1);
    assert_int_equal(journal_take(st, row, &c), 0);
    journal_rows_free(row, 1);
    assert_int_equal(journal_notes_read(st, &c, &noted), 0);
    assert_int_equal(noted.parts, 1000);
    for (i = 0; i < 1000; i++) {
        assert_int_equal(noted.part[i].number, i);
        assert_int_equal(noted.part[i].crc, i == 5 ? UINT32_MAX : 999 - i);
    }
    assert_int_equal(noted.scratches, 1);
    assert_int_equal(noted.scratch[0].number, 7);
    assert_string_equal(noted.scratch[0].etag, "second");
    assert_string_equal(noted.scratch[0].version, "");
    assert_false(noted.scratch[0].have_crc);
    journal_noted_free(&noted);
    journal_remove(st, &c);
    assert_int_equal(number("SELECT count(*) FROM upload_part"), 0);
    assert_int_equal(number("SELECT count(*) FROM upload_scratch"), 0);
}

/* The end writes what is left, and writes nothing to a row that is gone. */
static void
test_notes_end(void **state)
{
    struct journal_claim c = add(st, "k");
    struct journal_notes *n = journal_notes_begin(st, &c);

    (void)state;
    journal_note_part(n, 1, 2);
    journal_notes_end(n);
    assert_int_equal(number("SELECT crc FROM upload_part"), 2);
    n = journal_notes_begin(st, &c);
    sql("DELETE FROM upload");
    journal_note_part(n, 1, 2);
    journal_notes_end(n);
    assert_int_equal(number("SELECT count(*) FROM upload_part"), 0);
    assert_int_equal(warnings, 0);
    journal_leave(st, &c);
}

/* ------------------------------------------------------------- old files */

static const char version_1[] =
    "CREATE TABLE crc32 (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
    " value INTEGER NOT NULL);"
    "INSERT INTO crc32 (id, value) VALUES (x'00', 77);"
    "CREATE TABLE publish_upload (id INTEGER PRIMARY KEY,"
    " endpoint TEXT NOT NULL, bucket TEXT NOT NULL, key BLOB NOT NULL,"
    " upload_id TEXT, digest TEXT NOT NULL, size INTEGER NOT NULL,"
    " intent INTEGER NOT NULL, owner TEXT NOT NULL,"
    " initiator TEXT NOT NULL DEFAULT '', scratch TEXT NOT NULL DEFAULT '',"
    " plan TEXT NOT NULL DEFAULT '', flags INTEGER NOT NULL DEFAULT 0);"
    "INSERT INTO publish_upload (endpoint, bucket, key, upload_id, digest,"
    " size, intent, owner, scratch, plan) VALUES ('e', 'b', x'6b', 'one',"
    " 'd', 1, 5, 'boot/ns/1/2', 's/', 'p');"
    "CREATE TABLE extract_upload (id INTEGER PRIMARY KEY,"
    " endpoint TEXT NOT NULL, bucket TEXT NOT NULL, key TEXT NOT NULL,"
    " upload_id TEXT, intent INTEGER NOT NULL, owner TEXT NOT NULL);"
    "INSERT INTO extract_upload VALUES (1, 'e', 'b', 'k', NULL, 6, 'x');"
    "CREATE TABLE crc_upload (id INTEGER PRIMARY KEY,"
    " endpoint TEXT NOT NULL, bucket TEXT NOT NULL, key TEXT NOT NULL,"
    " upload_id TEXT, time INTEGER NOT NULL, owner TEXT NOT NULL);"
    "INSERT INTO crc_upload VALUES (1, 'e', 'b', 'k', 'three', 7, 'x');"
    "PRAGMA user_version = 1;";

static void
make_old(const char *text)
{
    sqlite3 *db;

    state_close(st);
    unlink(path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    state_open(&st, dir);
}

static void
test_version_1(void **state)
{
    struct journal_row *row;
    struct journal_claim c;

    (void)state;
    make_old(version_1);
    assert_int_equal(warnings, 0);
    assert_int_equal(number("PRAGMA user_version"), 2);
    assert_int_equal(number("SELECT value FROM crc32"), 77);
    assert_int_equal(rows(st, "k", &row), 3);
    assert_int_equal(row[0].kind, JOURNAL_PUBLISH);
    assert_string_equal(row[0].upload_id, "one");
    assert_int_equal(row[0].intent, 5);
    assert_string_equal(row[0].scratch, "s/");
    assert_string_equal(row[0].plan, ""); /* no going on with it */
    assert_int_equal(row[1].kind, JOURNAL_EXTRACT);
    assert_null(row[1].upload_id);
    assert_int_equal(row[2].kind, JOURNAL_CRC);
    assert_string_equal(row[2].upload_id, "three");
    assert_false(row[0].alive || row[1].alive || row[2].alive);
    assert_int_equal(journal_take(st, &row[0], &c), 0);
    journal_remove(st, &c);
    journal_rows_free(row, 3);
    assert_int_equal(number("SELECT count(*) FROM sqlite_master WHERE name"
                            " IN ('publish_upload', 'extract_upload',"
                            " 'crc_upload')"),
                     0);
    /* Once. */
    state_close(st);
    state_open(&st, dir);
    assert_int_equal(count_rows(), 2);
    assert_int_equal(warnings, 0);
}

/* It never extracted, nor published. */
static void
test_version_1_without(void **state)
{
    (void)state;
    make_old("CREATE TABLE crc32 (n INTEGER PRIMARY KEY, id BLOB NOT NULL"
             " UNIQUE, value INTEGER NOT NULL); PRAGMA user_version = 1;");
    assert_int_equal(warnings, 0);
    assert_int_equal(number("PRAGMA user_version"), 2);
    assert_int_equal(count_rows(), 0);
}

static void
test_version_3(void **state)
{
    (void)state;
    make_old("PRAGMA user_version = 3;");
    assert_int_equal(warnings, 1);
    assert_null(state_lock(st));
    assert_nothing(st);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_row),
        T(test_query),
        T(test_killed),
        T(test_number_again),
        T(test_number_of_another_file),
        T(test_file_removed),
        T(test_program_started),
        T(test_background),
        T(test_many_cleaners),
        T(test_no_file),
        T(test_file_locked),
        T(test_file_full),
        T(test_no_lock),
        T(test_bounded),
        T(test_notes),
        T(test_notes_end),
        T(test_version_1),
        T(test_version_1_without),
        T(test_version_3),
    };

    return cmocka_run_group_tests_name("journal of uploads", tests, NULL,
                                       NULL);
}
