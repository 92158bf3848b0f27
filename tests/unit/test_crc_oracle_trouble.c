/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * crc/: the oracle in trouble.  What makes it refused, and that it leaves
 * nothing behind: no upload, no row of the state file.
 */
#include "s3/multipart.h"
#include "state/journal.h"
#include "test_crc_oracle_help.h"

/* What a store may say, and that it is not asked again. */
static void
test_refused(void **state)
{
    static const struct {
        int create_http, copy_http;
        enum fake_copies copies;
        unsigned creates, copied;
    } t[] = {
        {403, 0, FAKE_COPY_RIGHT, 1, 0}, {501, 0, FAKE_COPY_RIGHT, 1, 0},
        {0, 400, FAKE_COPY_RIGHT, 1, 1}, {0, 403, FAKE_COPY_RIGHT, 1, 1},
        {0, 0, FAKE_COPY_SILENT, 1, 1},  {0, 0, FAKE_COPY_WHOLE, 1, 1},
        {503, 0, FAKE_COPY_RIGHT, 1, 0}, /* a pause */
    };
    struct fake_object *o, *p;
    size_t i, threads;
    struct room m;
    uint32_t v;

    (void)state;
    for (threads = 0; threads <= 4; threads += 4)
        for (i = 0; i < ARRAY_SIZE(t); i++) {
            room_start(&m, threads);
            o = fake_add(&m.f, "k", MIB(9), FAKE_NONE);
            p = fake_add(&m.f, "l", MIB(9), FAKE_NONE);
            m.up->create_http = t[i].create_http;
            m.up->copy_http = t[i].copy_http;
            m.up->copies = t[i].copies;
            room_open(&m, CONF_CRC_ORACLE, true, true);
            assert_int_equal(ask(m.set, 0, &v), 0);
            assert_int_equal(v, fake_crc32(o));
            assert_int_equal(ask(m.set, 1, &v), 0);
            assert_int_equal(v, fake_crc32(p));
            assert_int_equal(m.up->creates, t[i].creates);
            assert_int_equal(m.up->copied, t[i].copied);
            assert_int_equal(from_oracle(&m), 0);
            room_close(&m);
            assert_int_equal(m.up->open, 0);
            assert_int_equal(rows(&m), 0);
            room_end(&m);
        }
}

/* Once proved, a store may still change its mind. */
static void
test_refused_later(void **state)
{
    struct fake_object *o;
    struct room m;
    uint32_t v;

    (void)state;
    room_start(&m, 3);
    fake_add(&m.f, "a", MIB(9), FAKE_NONE);
    o = fake_add(&m.f, "archived", MIB(9), FAKE_NONE);
    fake_add(&m.f, "b", MIB(9), FAKE_NONE);
    fake_add(&m.f, "c", MIB(9), FAKE_NONE);
    room_open(&m, CONF_CRC_AUTO, true, true);
    assert_int_equal(ask(m.set, 0, &v), 0);
    /* One object's trouble is no refusal... */
    m.up->copy_http = 403;
    m.up->copy_code = "ObjectNotInActiveTierError";
    assert_int_equal(ask(m.set, 1, &v), 0);
    assert_int_equal(v, fake_crc32(o));
    assert_int_equal(m.up->copied, 3);
    assert_int_equal(from_oracle(&m), 1);
    /* ...a refusal is one. */
    m.up->copy_code = "AccessDenied";
    assert_int_equal(ask(m.set, 2, &v), 0);
    assert_int_equal(m.up->copied, 4);
    m.up->copy_http = 0;
    assert_int_equal(ask(m.set, 3, &v), 0);
    assert_int_equal(m.up->copied, 4);
    assert_int_equal(from_oracle(&m), 1);
    room_close(&m);
    assert_int_equal(m.up->open, 0);
    room_end(&m);
}

/* A whole-CRC answer to every range shows even after the proof. */
static void
test_whole_later(void **state)
{
    struct fake_object *o;
    struct room m;
    uint32_t v;

    (void)state;
    room_start(&m, 3);
    fake_add(&m.f, "a", MIB(9), FAKE_NONE);
    o = fake_add(&m.f, "b", MIB(200), FAKE_NONE);
    room_open(&m, CONF_CRC_AUTO, true, true);
    assert_int_equal(ask(m.set, 0, &v), 0);
    m.up->copies = FAKE_COPY_WHOLE;
    assert_int_equal(ask(m.set, 1, &v), 0);
    assert_int_equal(v, fake_crc32(o));
    assert_true(crc_was_read(m.set, 1));
    room_end(&m);
}

static void
test_changed(void **state)
{
    struct room m;
    uint32_t v;

    (void)state;
    room_start(&m, 3);
    fake_add(&m.f, "a", MIB(9), FAKE_NONE)->changed = true;
    fake_add(&m.f, "b", MIB(9), FAKE_NONE);
    fake_add(&m.f, "c", MIB(9), FAKE_NONE)->changed = true;
    room_open(&m, CONF_CRC_AUTO, true, true);
    assert_int_equal(ask(m.set, 0, &v), -ESTALE); /* at the proof */
    assert_int_equal(atomic_load(&m.l->stale_member), 0);
    assert_int_equal(ask(m.set, 1, &v), 0);
    assert_int_equal(from_oracle(&m), 1);
    assert_int_equal(ask(m.set, 2, &v), -ESTALE); /* at the copy */
    assert_int_equal(atomic_load(&m.l->stale_member), 2);
    room_close(&m);
    assert_int_equal(m.up->open, 0);
    room_end(&m);
}

/* Nobody used it for a minute. */
static void
test_idle(void **state)
{
    struct room m;
    uint32_t v;

    (void)state;
    room_start(&m, 0);
    fake_add(&m.f, "a", MIB(9), FAKE_NONE);
    fake_add(&m.f, "b", MIB(9), FAKE_NONE);
    room_open(&m, CONF_CRC_AUTO, true, true);
    assert_int_equal(ask(m.set, 0, &v), 0);
    fake_settle(&m.f);
    assert_int_equal(m.up->open, 1);
    fake_late(&m.f);
    fake_settle(&m.f);
    assert_int_equal(m.up->open, 0);
    assert_int_equal(rows(&m), 0);
    assert_int_equal(ask(m.set, 1, &v), 0);
    fake_settle(&m.f);
    assert_int_equal(m.up->creates, 2);
    assert_int_equal(m.up->copied, 3); /* one proof */
    assert_int_equal(from_oracle(&m), 2);
    room_end(&m);
}

/* Closing while copies are on their way. */
static void
test_close_busy(void **state)
{
    struct got g = GOT_INIT;
    struct room m;
    char key[16];
    uint32_t v;
    int i;

    (void)state;
    room_start(&m, 4);
    for (i = 0; i < 40; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        fake_add(&m.f, key, MIB(9), FAKE_NONE);
    }
    room_open(&m, CONF_CRC_AUTO, true, true);
    assert_int_equal(ask(m.set, 0, &v), 0);
    for (i = 1; i < 40; i++)
        crc_get(m.set, i, 0, on_crc, &g);
    room_close(&m);
    assert_int_equal(m.up->open, 0);
    wait_answers(&g, 39);
    room_end(&m);
}

/* Create's answer never came: what it made is found by its key. */
static void
test_lost_create(void **state)
{
    struct room m;
    uint32_t v;

    (void)state;
    room_start(&m, 2);
    fake_add(&m.f, "a", MIB(9), FAKE_NONE);
    m.up->lose_create = true;
    room_open(&m, CONF_CRC_AUTO, true, true);
    assert_int_equal(ask(m.set, 0, &v), 0);
    assert_int_equal(from_oracle(&m), 0);
    room_close(&m);
    assert_int_equal(m.up->lists, 1);
    assert_int_equal(m.up->open, 0);
    assert_int_equal(rows(&m), 0);
    room_end(&m);
}

static void
run_sql(struct room *m, const char *sql)
{
    struct sqlite3 *db = state_lock(m->state);

    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    state_unlock(m->state);
}

static void
on_created(void *user, const struct s3_error *e, const char *id)
{
    assert_int_equal(e->err, 0);
    snprintf(user, 32, "%s", id);
}

static void
make_upload(struct room *m, const char *key, char id[32])
{
    struct s3_create_args args = {.at = {"b", key, strlen(key), false}};

    s3_create(m->f.s3, &args, on_created, id);
    fake_settle(&m->f);
}

/* A connection that was in use may be cut off after the request: libcurl
 * sends it again, and says nothing of it. */
static void
test_sent_twice_unseen(void **state)
{
    struct room m;
    uint32_t v;

    (void)state;
    room_start(&m, 2);
    fake_add(&m.f, "a", MIB(9), FAKE_NONE);
    m.up->resends = true;
    room_open(&m, CONF_CRC_AUTO, true, true);
    assert_int_equal(ask(m.set, 0, &v), 0);
    assert_int_equal(from_oracle(&m), 1);
    room_close(&m);
    assert_int_equal(m.up->open, 0);
    room_end(&m);
}

/* A kill in the middle leaves a row that stands for both. */
static void
test_two_of_one_create(void **state)
{
    struct room m;
    uint32_t v;

    (void)state;
    room_start(&m, 2);
    fake_add(&m.f, "a", MIB(9), FAKE_NONE);
    m.up->create_twice = true;
    room_open(&m, CONF_CRC_AUTO, true, true);
    assert_int_equal(ask(m.set, 0, &v), 0);
    assert_int_equal(from_oracle(&m), 1);
    assert_int_equal(m.up->open, 2);
    run_sql(&m, "DELETE FROM upload WHERE upload_id IS NOT NULL");
    assert_int_equal(rows(&m), 1);
    room_close(&m);
    assert_int_equal(m.up->open, 0);
    assert_int_equal(rows(&m), 0);
    room_end(&m);
}

/* As another process: what was left is swept. */
static void
start_again(struct room *m)
{
    state_close(m->state);
    m->state = NULL;
    room_open(m, CONF_CRC_AUTO, true, true);
    fake_settle(&m->f);
}

/* A row of a process that is no more: its id may be NULL. */
static void
dead_row(struct room *m, const char *endpoint, const char *bucket,
         const char *key, const char *id, int64_t intent)
{
    char sql[512], word[64] = "NULL";

    if (id)
        snprintf(word, sizeof(word), "'%s'", id);
    snprintf(sql, sizeof(sql),
             "INSERT INTO upload (kind, endpoint, bucket, key, upload_id,"
             " intent, owner, digest, plan, scratch, flags) VALUES (3, '%s',"
             " '%s', CAST('%s' AS BLOB), %s, %lld, 'x', '', '', '', 0)",
             endpoint, bucket, key, word, (long long)intent);
    run_sql(m, sql);
}

/* What a killed process left goes; what a living one has stays, and so
 * does what another bucket's journal says. */
static void
test_sweep(void **state)
{
    const struct journal_new a = {.kind = JOURNAL_CRC,
                                  .endpoint = "http://fake",
                                  .bucket = "b",
                                  .key = "scratch/3",
                                  .key_len = 9};
    char known[32], unknown[32], alive[32];
    struct journal_claim claim;
    struct state *other;
    struct room m;

    (void)state;
    room_start(&m, 0);
    fake_add(&m.f, "a", MIB(9), FAKE_NONE);
    room_open(&m, CONF_CRC_AUTO, true, true);
    fake_settle(&m.f);
    make_upload(&m, "scratch/1", known);
    make_upload(&m, "scratch/2", unknown);
    make_upload(&m, "scratch/3", alive);
    dead_row(&m, "http://fake", "b", "scratch/1", known, 1);
    dead_row(&m, "http://fake", "b", "scratch/2", NULL, 1);
    dead_row(&m, "http://fake", "other", "scratch/3", alive, 1);
    dead_row(&m, "http://else", "b", "scratch/3", alive, 1);
    state_open(&other, m.dir);
    journal_add(other, &a, &claim);
    journal_set_id(other, &claim, alive);
    room_close(&m);
    assert_int_equal(m.up->open, 3);
    start_again(&m);
    room_close(&m);
    assert_int_equal(m.up->open, 1);
    assert_int_equal(rows(&m), 3);
    journal_leave(other, &claim);
    state_close(other);
    start_again(&m);
    room_close(&m);
    assert_int_equal(m.up->open, 0);
    assert_int_equal(rows(&m), 2);
    room_end(&m);
}

/* What a process asked for in its last moment may be done later. */
static void
test_comes_late(void **state)
{
    struct room m;
    int i;

    (void)state;
    room_start(&m, 0);
    fake_add(&m.f, "a", MIB(9), FAKE_NONE);
    room_open(&m, CONF_CRC_AUTO, true, true);
    fake_settle(&m.f);
    dead_row(&m, "http://fake", "b", "scratch/1", NULL, time(NULL));
    for (i = 0; i < 2; i++) {
        room_close(&m);
        start_again(&m);
        assert_int_equal(rows(&m), i == 0);
        run_sql(&m, "UPDATE upload SET intent = intent - 1000");
    }
    room_close(&m);
    room_end(&m);
}

/* An abort that fails leaves the row to the next start. */
static void
test_abort_fails(void **state)
{
    struct room m;
    uint32_t v;

    (void)state;
    room_start(&m, 2);
    fake_add(&m.f, "a", MIB(9), FAKE_NONE);
    room_open(&m, CONF_CRC_AUTO, true, true);
    assert_int_equal(ask(m.set, 0, &v), 0);
    m.up->abort_http = 500;
    room_close(&m);
    assert_int_equal(m.up->open, 1);
    assert_int_equal(rows(&m), 1);
    room_end(&m);
}

static void
test_owner(void **state)
{
    char self[192], other[200];

    (void)state;
    state_owner(self, sizeof(self));
    assert_true(state_owner_alive(self, self, 1));
    snprintf(other, sizeof(other), "%s9", self); /* the pid, used again */
    assert_false(state_owner_alive(self, other, 1));
    assert_true(state_owner_alive(self, "boot/ns/1/2", 3600));
    assert_false(state_owner_alive(self, "boot/ns/1/2", 86400));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refused_later),
        cmocka_unit_test(test_whole_later),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_close_busy),
        cmocka_unit_test(test_lost_create),
        cmocka_unit_test(test_sent_twice_unseen),
        cmocka_unit_test(test_two_of_one_create),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_comes_late),
        cmocka_unit_test(test_abort_fails),
        cmocka_unit_test(test_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
