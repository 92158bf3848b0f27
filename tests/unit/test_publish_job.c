/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Whole publishes against the fake store: its quirks, refusals and
 * unclear answers, each with the bytes, the errno and what is left behind.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "publish_case.h"

enum { ALL = 256, HALF = 128, NONE = 0 };

static struct publish_case c;

/* Publishes; there, with this word. */
static void
expect_done(const char *verified)
{
    assert_int_equal(case_publish(&c), 0);
    case_check_there(&c);
    assert_string_equal(c.st.verified, verified);
}

static void
expect_failed(int r)
{
    assert_int_equal(case_publish(&c), r);
    case_check_nothing(&c);
    assert_true(c.err.text[0] != '\0');
}

static void
test_plain(void **state)
{
    uint64_t seed;

    (void)state;
    for (seed = 0; seed < 60; seed++) {
        case_start(&c, seed, 1 + seed % 40, seed % 3 * 128);
        fake.suffixes = seed % 2;
        expect_done("store-crc");
        assert_int_equal(c.st.parts, c.st.parts_done);
        assert_int_equal(c.st.uploaded + c.st.copied, c.st.bytes);
        assert_int_equal(c.st.uploaded, fake.uploaded);
        assert_int_equal(c.st.restarts, 0);
        assert_int_equal(fake.completes + fake.puts, 1);
        case_stop(&c);
    }
}

/* Copies give the CRCs: no large member is read for its header. */
static void
test_no_download_for_crc(void **state)
{
    uint64_t seed;

    (void)state;
    for (seed = 0; seed < 20; seed++) {
        case_start(&c, seed, 30, NONE);
        expect_done("store-crc");
        assert_int_equal(fake.ladder_reads, 0);
        case_stop(&c);
    }
}

static void
test_empty_and_small(void **state)
{
    (void)state;
    case_start(&c, 1, 0, NONE);
    expect_done("store-crc");
    assert_int_equal(fake.puts, 1);
    assert_int_equal(fake.creates, 0);
    assert_int_equal(c.st.bytes, 22);
    case_stop(&c);
    case_start(&c, 1, 0, NONE);
    fake.no_complete_crc = fake.no_head_crc = true;
    expect_done("full");
    case_stop(&c);
}

static void
test_noop(void **state)
{
    (void)state;
    case_start(&c, 3, 30, HALF);
    expect_done("store-crc");
    assert_false(c.st.noop);
    assert_non_null(strstr(fake.invalidated, "out/,"));
    fake.invalidated[0] = '\0';
    expect_done("store-crc");
    assert_true(c.st.noop);
    assert_int_equal(fake.completes, 1);
    assert_string_equal(fake.invalidated, "");
    /* a wrong CRC there: published again */
    fake_object("out/a.zip")->crc ^= 1;
    expect_done("store-crc");
    assert_false(c.st.noop);
    /* nothing is stored there and nothing known: believed */
    case_new_publisher(&c);
    fake.no_head_crc = true;
    expect_done("");
    assert_true(c.st.noop);
    c.conf.verify = CONF_VERIFY_FULL;
    expect_done("full");
    assert_false(c.st.noop);
    case_stop(&c);
}

static void
test_ours_is_replaced(void **state)
{
    (void)state;
    case_start(&c, 4, 30, HALF);
    fake_put("out/a.zip", "old", 3, true);
    strcpy(fake_object("out/a.zip")->digest, "another");
    expect_done("store-crc");
    case_stop(&c);
}

static void
test_stranger_is_kept(void **state)
{
    (void)state;
    case_start(&c, 5, 30, HALF);
    fake_put("out/a.zip", "stranger", 8, true);
    assert_int_equal(case_publish(&c), -EEXIST);
    assert_int_equal(fake_object("out/a.zip")->size, 8);
    assert_int_equal(fake.creates, 0);
    c.conf.overwrite = true;
    expect_done("store-crc");
    case_stop(&c);
}

static void
test_forbidden_head(void **state)
{
    (void)state;
    case_start(&c, 6, 30, HALF);
    fake.head_403 = true;
    expect_done("store-crc");
    assert_int_equal(case_publish(&c), -EEXIST);
    assert_int_equal(fake_uploads_open(), 0);
    case_stop(&c);
}

static void
test_range_quirk(void **state)
{
    uint64_t seed;

    (void)state;
    for (seed = 0; seed < 20; seed++) {
        case_start(&c, seed, 30, HALF);
        fake.range_quirk = true;
        expect_done("readback-headers");
        assert_int_equal(c.st.restarts, 1);
        assert_true(publisher_caps(c.p).range_bad);
        /* the next one knows */
        strcpy(fake_object("out/a.zip")->digest, "another");
        expect_done("readback-headers");
        assert_int_equal(c.st.restarts, 0);
        case_stop(&c);
        /* sources without a CRC32 are answered right */
        case_start(&c, seed, 30, NONE);
        fake.range_quirk = true;
        expect_done("store-crc");
        case_stop(&c);
    }
}

/* A store that was seen wrong is still asked about sources without one. */
static void
test_range_quirk_remembered(void **state)
{
    (void)state;
    case_start(&c, 7, 30, NONE);
    fake.range_quirk = true;
    c.p->caps.range_bad = true;
    expect_done("store-crc");
    assert_true(fake.asks > 0);
    case_stop(&c);
}

static void
test_range_quirk_no_upload_before(void **state)
{
    (void)state;
    case_start(&c, 8, 30, ALL);
    fake.range_quirk = true;
    expect_done("readback-headers");
    assert_int_equal(c.st.uploaded + c.st.copied - c.st.bytes +
                         (c.st.bytes - fake.uploaded),
                     c.st.copied);
    case_stop(&c);
}

static void
test_hint_learns(void **state)
{
    size_t i;

    (void)state;
    case_start(&c, 9, 30, ALL);
    for (i = 0; i < c.l->zip.count; i++)
        c.l->member[i].hint = ZIP_HINT_CRC32_FULL;
    expect_done("store-crc");
    assert_true(publisher_caps(c.p).range_good);
    case_stop(&c);
}

static void
test_no_copy_crc(void **state)
{
    (void)state;
    case_start(&c, 10, 30, HALF);
    fake.no_copy_crc = true;
    expect_done("readback-headers");
    assert_int_equal(c.st.restarts, 1);
    strcpy(fake_object("out/a.zip")->digest, "another");
    expect_done("readback-headers");
    assert_int_equal(c.st.restarts, 0);
    case_stop(&c);
    case_start(&c, 11, 30, HALF);
    fake.copy_400 = true;
    expect_done("readback-headers");
    assert_true(publisher_caps(c.p).no_part_crc);
    case_stop(&c);
}

static void
test_no_copy(void **state)
{
    (void)state;
    case_start(&c, 12, 30, HALF);
    fake.copy_501 = true;
    expect_done("store-crc");
    assert_int_equal(c.st.copied, 0);
    case_stop(&c);
    case_start(&c, 13, 30, HALF);
    fake.copy_garbage = true;
    expect_done("store-crc");
    case_stop(&c);
}

static void
test_no_size(void **state)
{
    (void)state;
    case_start(&c, 14, 30, HALF);
    fake.size_501 = true;
    expect_done("store-crc");
    assert_int_equal(fake.creates, 1);
    assert_int_equal(fake.completes, 2);
    strcpy(fake_object("out/a.zip")->digest, "another");
    expect_done("store-crc");
    assert_int_equal(fake.completes, 3);
    case_stop(&c);
}

static void
test_silent_complete(void **state)
{
    (void)state;
    case_start(&c, 15, 30, HALF);
    fake.no_complete_crc = true;
    expect_done("store-crc"); /* HEAD says it */
    case_stop(&c);
    case_start(&c, 15, 30, HALF);
    fake.no_complete_crc = fake.no_head_crc = true;
    expect_done("readback-headers");
    case_stop(&c);
}

static void
test_full(void **state)
{
    (void)state;
    case_start(&c, 16, 30, HALF);
    c.conf.verify = CONF_VERIFY_FULL;
    expect_done("full");
    case_stop(&c);
    case_start(&c, 17, 30, HALF);
    c.conf.verify = CONF_VERIFY_FULL;
    fake.range_quirk = fake.bad_data = true;
    expect_failed(-EIO);
    case_stop(&c);
}

static void
test_bad_object_is_deleted(void **state)
{
    (void)state;
    case_start(&c, 18, 30, ALL);
    fake.range_quirk = fake.bad_data = true;
    expect_failed(-EIO);
    assert_int_equal(fake.deletes, 1);
    case_stop(&c);
}

static void
test_conflict_409(void **state)
{
    (void)state;
    case_start(&c, 19, 30, HALF);
    fake.busy_409 = 3;
    expect_done("store-crc");
    assert_int_equal(fake.creates, 4);
    case_stop(&c);
    case_start(&c, 19, 30, HALF);
    fake.busy_409 = 4;
    expect_failed(-EBUSY);
    case_stop(&c);
    case_start(&c, 19, 1, HALF);
    fake.busy_409 = 4;
    expect_failed(-EBUSY);
    case_stop(&c);
}

static void
test_unclear(void **state)
{
    (void)state;
    case_start(&c, 20, 30, HALF);
    fake.unclear = 1;
    expect_done("store-crc");
    assert_int_equal(fake.completes, 1);
    case_stop(&c);
    case_start(&c, 20, 30, HALF);
    fake.lost = 2;
    expect_done("store-crc");
    assert_int_equal(fake.completes, 3);
    case_stop(&c);
    case_start(&c, 20, 30, HALF);
    fake.lost = 100;
    expect_failed(-EIO);
    case_stop(&c);
    case_start(&c, 21, 0, HALF);
    fake.unclear = 1;
    expect_done("store-crc");
    assert_int_equal(fake.puts, 1);
    case_stop(&c);
}

static void
test_wrong_known_crc(void **state)
{
    uint64_t seed;
    size_t i;

    (void)state;
    for (seed = 30; seed < 40; seed++) {
        case_start(&c, seed, 30, NONE);
        for (i = 0; i < c.l->zip.count; i++)
            if (c.l->member[i].size >= 3000) {
                fake_know(c.r, i, 0x1234);
                break;
            }
        expect_done("store-crc");
        assert_true(i == c.l->zip.count || c.st.restarts == 1);
        case_stop(&c);
    }
}

static void
test_wrong_copies(void **state)
{
    size_t i;

    (void)state;
    case_start(&c, 41, 30, NONE);
    for (i = 0; i < c.l->zip.count; i++)
        fake_know(c.r, i, fake_true_crc(c.l, i));
    fake.wrong_copy_crc = true;
    expect_failed(-EIO);
    assert_true(c.st.key[0] != '\0');
    case_stop(&c);
}

/* A source that became shorter: the range is refused, not the guard. */
static void
test_shorter_source(void **state)
{
    size_t i;

    (void)state;
    case_start(&c, 44, 30, NONE);
    fake.range_first = true;
    for (i = 0; i < c.l->zip.count; i++)
        if (c.l->member[i].size > 3000)
            break;
    fake_put(c.l->member[i].key, "short", 5, false);
    expect_failed(-ECANCELED);
    assert_true(atomic_load(&c.l->stale));
    case_stop(&c);
}

/* An end while that source is looked at: its HEAD was sent for sources, and
 * an id means another call for destinations. */
static void
test_source_look_is_ended(void **state)
{
    unsigned n;
    size_t i;
    int r;

    (void)state;
    for (n = 1; n < 60; n++) {
        case_start(&c, 44, 30, NONE);
        fake.range_first = fake.head_hangs = true;
        for (i = 0; i < c.l->zip.count; i++)
            if (c.l->member[i].size > 3000)
                break;
        fake_put(c.l->member[i].key, "short", 5, false);
        fake.trouble_at = n;
        fake.trouble = FAKE_ABORT;
        r = case_publish(&c); /* asserts that no id was mistaken */
        assert_true(r == -EINTR || r == -ECANCELED || fake.calls < n);
        case_check_nothing(&c);
        r = fake.calls < n;
        case_stop(&c);
        if (r)
            break;
    }
}

static void
test_refused_layouts(void **state)
{
    (void)state;
    case_start(&c, 42, 30, NONE);
    c.l->poison_count = 1;
    expect_failed(-EILSEQ);
    c.conf.badkeys = CONF_BADKEYS_SKIP;
    expect_done("store-crc");
    case_stop(&c);
    case_start(&c, 42, 30, NONE);
    c.l->conflict_count = 1;
    expect_failed(-EEXIST);
    c.l->conflict_count = 0;
    c.l->member[0].archived = 1;
    expect_failed(-ENODATA);
    assert_string_equal(c.st.key, "p/m000");
    c.l->member[0].archived = 0;
    c.l->member[0].etag_len = 0;
    expect_failed(-EOPNOTSUPP);
    assert_int_equal(fake.calls, 0);
    case_stop(&c);
}

/* A stranger at the directory's own key, published over. */
static void
test_own_key(void **state)
{
    (void)state;
    case_start(&c, 45, 30, NONE);
    fake_put("p/archive.zip", "stranger", 8, false);
    c.l->conflict_count = 1;
    assert_int_equal(case_publish_to(&c, "p/archive.zip"), -EEXIST);
    assert_int_equal(fake_object("p/archive.zip")->size, 8);
    c.conf.overwrite = true;
    assert_int_equal(case_publish_to(&c, "out/b.zip"), -EEXIST);
    assert_int_equal(case_publish_to(&c, "p/archive.zip.zip"), -EEXIST);
    c.l->conflict_count = 2;
    assert_int_equal(case_publish_to(&c, "p/archive.zip"), -EEXIST);
    c.l->conflict_count = 1;
    assert_int_equal(case_publish_to(&c, "p/archive.zip"), 0);
    assert_int_equal(fake_object("p/archive.zip")->size, c.l->zip.size);
    assert_int_equal(fake_uploads_open(), 0);
    case_stop(&c);
}

/* What was sent for an upload that was given up is no part of the object. */
static void
test_wasted(void **state)
{
    uint64_t sent;

    (void)state;
    case_start(&c, 46, 30, HALF);
    expect_done("store-crc");
    assert_int_equal(c.st.wasted, 0);
    strcpy(fake_object("out/a.zip")->digest, "another");
    sent = fake.uploaded;
    fake.busy_409 = 1;
    expect_done("store-crc");
    assert_int_equal(c.st.restarts, 1);
    assert_int_equal(c.st.uploaded + c.st.copied, c.st.bytes);
    assert_int_equal(c.st.wasted, c.st.bytes);
    assert_int_equal(2 * c.st.uploaded, fake.uploaded - sent);
    case_stop(&c);
}

static void
test_memory(void **state)
{
    (void)state;
    case_start(&c, 43, 30, NONE);
    c.conf.memory = 900;
    case_new_publisher(&c);
    expect_failed(-EFBIG);
    assert_non_null(strstr(c.err.text, "memory="));
    case_stop(&c);
}

/* ------------------------------------------------------------- journal */

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
    expect_done("store-crc");
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
    expect_done("store-crc");
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
    expect_done("store-crc");
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
    expect_done("store-crc"); /* makes the table */
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
    expect_done("store-crc");
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
    expect_done("store-crc");
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

/* ---------------------------------------------------------------- jobs */

static void
count_jobs(void *user, struct publish_job *j)
{
    (void)j;
    ++*(unsigned *)user;
}

static void
ended(void *user, int r, const struct err *e)
{
    (void)e;
    *(int *)user = r;
}

static void
test_one_job_per_destination(void **state)
{
    struct publish_dest dest = {(char *)"b", (char *)"out/a.zip"};
    struct publish_dest other = {(char *)"b", (char *)"out/b.zip"};
    struct publish_job *a, *b, *o;
    struct layout *l;
    struct reader *r;
    unsigned jobs = 0;
    struct err e;
    int ra = 1, ro = 1;

    (void)state;
    case_start(&c, 60, 30, HALF);
    l = fake_layout("q/", 3, HALF);
    r = fake_reader(l);
    assert_int_equal(publish_start(c.p, c.r, &dest, &a, &e), 0);
    assert_int_equal(publish_start(c.p, c.r, &dest, &b, &e), 0);
    assert_ptr_equal(a, b);
    assert_int_equal(publish_start(c.p, r, &dest, &b, &e), -EBUSY);
    assert_int_equal(publish_start(c.p, c.r, &other, &o, &e), 0);
    publish_jobs(c.p, "b", "p/", count_jobs, &jobs);
    assert_int_equal(jobs, 2);
    publish_wait(a, ended, &ra);
    publish_wait(o, ended, &ro);
    publish_abort(o, -ECANCELED);
    assert_int_equal(publish_start(c.p, c.r, &other, &b, &e), -EBUSY);
    fake_run();
    assert_int_equal(ra, 0);
    assert_int_equal(ro, -ECANCELED);
    jobs = 0;
    publish_jobs(c.p, "b", "p/", count_jobs, &jobs);
    assert_int_equal(jobs, 1);
    publish_job_status(o, &c.st);
    assert_int_equal(c.st.state, PUBLISH_CANCELLED);
    publish_job_unref(a);
    publish_job_unref(a);
    publish_job_unref(o);
    assert_int_equal(fake_uploads_open(), 0);
    reader_unref(r);
    layout_unref(l);
    case_stop(&c);
}

static void
test_plan(void **state)
{
    struct plan plan;
    struct err e;

    (void)state;
    case_start(&c, 61, 30, HALF);
    assert_int_equal(publish_plan(c.p, c.r, &plan, &e), 0);
    assert_true(plan.count > 1);
    assert_true(plan.totals.requests.head > 1);
    assert_int_equal(plan.totals.requests.list, 1);
    assert_int_equal(fake.calls, 0);
    plan_free(&plan);
    case_stop(&c);
}

static void
test_stream(void **state)
{
    (void)state;
    case_start(&c, 62, 30, HALF);
    c.conf.publish_strategy = PLAN_STREAM;
    expect_done("store-crc");
    assert_int_equal(fake.copies, 0);
    case_stop(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_no_download_for_crc),
        cmocka_unit_test(test_empty_and_small),
        cmocka_unit_test(test_noop),
        cmocka_unit_test(test_ours_is_replaced),
        cmocka_unit_test(test_stranger_is_kept),
        cmocka_unit_test(test_forbidden_head),
        cmocka_unit_test(test_range_quirk),
        cmocka_unit_test(test_range_quirk_remembered),
        cmocka_unit_test(test_range_quirk_no_upload_before),
        cmocka_unit_test(test_hint_learns),
        cmocka_unit_test(test_no_copy_crc),
        cmocka_unit_test(test_no_copy),
        cmocka_unit_test(test_no_size),
        cmocka_unit_test(test_silent_complete),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_bad_object_is_deleted),
        cmocka_unit_test(test_conflict_409),
        cmocka_unit_test(test_unclear),
        cmocka_unit_test(test_wrong_known_crc),
        cmocka_unit_test(test_wrong_copies),
        cmocka_unit_test(test_shorter_source),
        cmocka_unit_test(test_source_look_is_ended),
        cmocka_unit_test(test_refused_layouts),
        cmocka_unit_test(test_own_key),
        cmocka_unit_test(test_wasted),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_failed_abort_is_made_good),
        cmocka_unit_test(test_silent_store),
        cmocka_unit_test(test_create_twice),
        cmocka_unit_test(test_create_twice_and_abort),
        cmocka_unit_test(test_end_at_silent_store),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_other_process),
        cmocka_unit_test(test_child_process),
        cmocka_unit_test(test_one_job_per_destination),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
