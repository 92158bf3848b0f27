/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * crc/: the oracle.  When it is asked, what makes it refused, and that it
 * leaves nothing behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "crc/crc.h"
#include "test_crc_fake.h"

struct got {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    unsigned answers, good;
    int r;
    uint32_t value;
};
#define GOT_INIT                                                              \
    {                                                                         \
        .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER   \
    }

static void
on_crc(void *user, int r, uint32_t value, const struct err *e)
{
    struct got *g = user;

    (void)e;
    pthread_mutex_lock(&g->lock);
    g->answers++;
    g->good += r == 0;
    g->r = r;
    g->value = value;
    pthread_cond_broadcast(&g->cond);
    pthread_mutex_unlock(&g->lock);
}

static void
wait_answers(struct got *g, unsigned n)
{
    pthread_mutex_lock(&g->lock);
    while (g->answers < n)
        pthread_cond_wait(&g->cond, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static int
ask(struct crc_set *s, size_t member, uint32_t *ret)
{
    struct got g = GOT_INIT;

    crc_get(s, member, 0, on_crc, &g);
    wait_answers(&g, 1);
    *ret = g.value;
    return g.r;
}

struct room {
    struct fake f;
    struct crc *crc;
    struct state *state;
    struct layout *l;
    struct crc_set *set;
    struct fake_uploads *up;
    char dir[40];
};

static void
room_start(struct room *m, unsigned threads)
{
    memset(m, 0, sizeof(*m));
    snprintf(m->dir, sizeof(m->dir), "/tmp/s3zipfs-oracle-XXXXXX");
    assert_non_null(mkdtemp(m->dir));
    fake_start(&m->f, threads, threads ? 200 : 0);
    fake_keep_late(&m->f);
    m->up = fake_uploads(&m->f);
}

static void
room_open(struct room *m, enum conf_crc mode, bool may_write, bool file)
{
    struct crc_oracle_conf oc = {"b", "scratch/", may_write};
    struct err e;

    if (file)
        state_open(&m->state, m->dir);
    assert_int_equal(crc_new(&m->crc, m->f.net, m->f.s3, m->state, mode, &e),
                     0);
    assert_int_equal(crc_allow_oracle(m->crc, &oc), 0);
    m->l = fake_layout(&m->f, ZIP_HINT_OTHER);
    m->set = crc_set_open(m->crc, m->l);
    assert_non_null(m->set);
}

static void
room_close(struct room *m)
{
    crc_set_unref(m->set);
    layout_unref(m->l);
    crc_free(m->crc);
    m->set = NULL;
    m->l = NULL;
    m->crc = NULL;
}

static void
room_end(struct room *m)
{
    char path[80];

    if (m->crc)
        room_close(m);
    fake_stop(&m->f);
    state_close(m->state);
    snprintf(path, sizeof(path), "rm -r %s", m->dir);
    assert_int_equal(system(path), 0);
}

static unsigned
gets(struct room *m)
{
    struct s3_stats n;

    s3_stats_get(m->f.s3, &n);
    return (unsigned)n.get;
}

static uint64_t
from_oracle(struct room *m)
{
    struct crc_stats n;

    crc_stats_get(m->crc, &n);
    return n.from_oracle;
}

static int64_t
rows(struct room *m)
{
    struct sqlite3 *db = state_lock(m->state);
    sqlite3_stmt *q = NULL;
    int64_t n = -1;

    assert_non_null(db);
    if (sqlite3_prepare_v2(db, "SELECT count(*) FROM crc_upload", -1, &q,
                           NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW)
        n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    state_unlock(m->state);
    return n;
}

/* ---------------------------------------------------------------- tests */

/* Who asks it at all. */
static void
test_when(void **state)
{
    static const struct {
        enum conf_crc mode;
        bool may_write, file;
        uint64_t size;
        unsigned copies, gets;
    } t[] = {
        /* the proof is a copy and a GET */
        {CONF_CRC_AUTO, true, true, MIB(8) + 1, 2, 1},
        {CONF_CRC_AUTO, true, true, MIB(300), 4, 1},
        {CONF_CRC_AUTO, true, true, MIB(8), 0, 1},
        {CONF_CRC_AUTO, false, true, MIB(9), 0, 2},
        {CONF_CRC_AUTO, true, false, MIB(9), 0, 2},
        {CONF_CRC_ORACLE, false, false, MIB(9), 2, 1},
        {CONF_CRC_ORACLE, false, true, KIB(65), 2, 1},
        {CONF_CRC_ORACLE, true, true, KIB(64), 0, 1},
        {CONF_CRC_READ, true, true, MIB(9), 0, 2},
    };
    struct fake_object *o;
    size_t i, threads;
    struct room m;
    uint32_t v;

    (void)state;
    for (threads = 0; threads <= 4; threads += 4)
        for (i = 0; i < ARRAY_SIZE(t); i++) {
            room_start(&m, threads);
            o = fake_add(&m.f, "k", t[i].size, FAKE_NONE);
            room_open(&m, t[i].mode, t[i].may_write, t[i].file);
            assert_int_equal(ask(m.set, 0, &v), 0);
            assert_int_equal(v, fake_crc32(o));
            assert_int_equal(m.up->copied, t[i].copies);
            assert_int_equal(gets(&m), t[i].gets);
            assert_int_equal(from_oracle(&m), t[i].copies > 0);
            assert_true(m.up->largest <= MIB(128));
            assert_false(crc_was_read(m.set, 0) && t[i].copies);
            room_close(&m);
            assert_int_equal(m.up->open, 0);
            room_end(&m);
        }
}

/* What is said beforehand: the proof is there if an upload is. */
static void
check_way(struct room *m, size_t member, uint8_t want, bool proved)
{
    struct plan_oracle o;
    uint8_t way[8];

    crc_ways(m->set, way, &o);
    assert_int_equal(way[member], want);
    assert_int_equal(o.proved, proved);
    assert_int_equal(o.left > 0, proved);
}

/* What a publish copies unread, whatever its size; not what is read. */
static void
test_copies(void **state)
{
    static const struct {
        enum conf_crc mode;
        bool may_write, file;
        uint64_t size;
        unsigned copies, gets;
    } t[] = {
        {CONF_CRC_AUTO, true, true, MIB(1), 2, 1},
        {CONF_CRC_AUTO, true, true, 2, 2, 1},
        {CONF_CRC_AUTO, true, true, 1, 0, 1},
        {CONF_CRC_AUTO, true, true, 0, 0, 0},
        {CONF_CRC_AUTO, false, true, MIB(1), 0, 1},
        {CONF_CRC_AUTO, true, false, MIB(1), 0, 1},
        {CONF_CRC_ORACLE, false, false, KIB(1), 2, 1},
        {CONF_CRC_READ, true, true, MIB(1), 0, 1},
    };
    struct fake_object *o, *p;
    size_t i, threads;
    unsigned copied;
    struct room m;
    uint32_t v;

    (void)state;
    for (threads = 0; threads <= 4; threads += 4)
        for (i = 0; i < ARRAY_SIZE(t); i++) {
            uint8_t way = t[i].size == 0     ? PLAN_CRC_KNOWN
                          : t[i].copies == 0 ? PLAN_CRC_READ
                                             : PLAN_CRC_ORACLE;

            room_start(&m, threads);
            o = fake_add(&m.f, "k", t[i].size, FAKE_NONE);
            p = fake_add(&m.f, "l", KIB(1), FAKE_NONE);
            room_open(&m, t[i].mode, t[i].may_write, t[i].file);
            crc_copies(m.set, 0);
            check_way(&m, 0, way, false);
            assert_int_equal(ask(m.set, 0, &v), 0);
            assert_int_equal(v, fake_crc32(o));
            assert_int_equal(m.up->copied, t[i].copies);
            assert_int_equal(gets(&m), t[i].gets);
            copied = m.up->copied;
            check_way(&m, 0, PLAN_CRC_KNOWN, copied > 0);
            crc_copies(m.set, 1);
            crc_copies_end(m.set);
            assert_int_equal(ask(m.set, 1, &v), 0);
            assert_int_equal(v, fake_crc32(p));
            assert_int_equal(m.up->copied, copied);
            room_close(&m);
            assert_int_equal(m.up->open, 0);
            room_end(&m);
        }
}

/* S3 copies no range of a small source: all of one is copied and read, and
 * that proves nothing for ranges. */
static void
test_proof_of_small(void **state)
{
    struct fake_object *o, *large;
    size_t threads;
    struct room m;
    uint32_t v;

    (void)state;
    for (threads = 0; threads <= 4; threads += 4) {
        room_start(&m, threads);
        o = fake_add(&m.f, "a", MIB(5), FAKE_NONE);
        fake_add(&m.f, "b", MIB(1), FAKE_NONE);
        large = fake_add(&m.f, "large", MIB(200), FAKE_NONE);
        m.up->ranges_above = MIB(5);
        room_open(&m, CONF_CRC_ORACLE, true, true);
        assert_int_equal(ask(m.set, 0, &v), 0);
        assert_int_equal(v, fake_crc32(o));
        assert_int_equal(ask(m.set, 1, &v), 0);
        assert_int_equal(from_oracle(&m), 2);
        assert_int_equal(m.up->copied, 4); /* a range, all of it, and both */
        assert_int_equal(gets(&m), 2);
        m.up->copies = FAKE_COPY_WHOLE;
        assert_int_equal(ask(m.set, 2, &v), 0);
        assert_int_equal(v, fake_crc32(large));
        assert_true(crc_was_read(m.set, 2));
        assert_int_equal(m.up->copied, 5); /* the second proof failed */
        assert_int_equal(m.up->creates, 2);
        room_close(&m);
        assert_int_equal(m.up->open, 0);
        assert_int_equal(rows(&m), 0);
        room_end(&m);
    }
}

/* An upload has 10,000 parts at most: there is another one then. */
static void
test_full(void **state)
{
    enum { N = S3_PARTS_MAX + 50 };
    struct got g = GOT_INIT;
    struct room m;
    char key[16];
    int i;

    (void)state;
    room_start(&m, 4);
    for (i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "k%05d", i);
        fake_add(&m.f, key, 100 + i, FAKE_NONE);
    }
    room_open(&m, CONF_CRC_AUTO, true, true);
    for (i = 0; i < N; i++) {
        crc_copies(m.set, i);
        crc_get(m.set, i, 0, on_crc, &g);
    }
    wait_answers(&g, N);
    assert_int_equal(g.good, N);
    assert_int_equal(from_oracle(&m), N);
    assert_int_equal(m.up->copied, N + 1);
    assert_int_equal(m.up->creates, 2);
    assert_int_equal(m.up->highest, S3_PARTS_MAX);
    room_close(&m);
    assert_int_equal(m.up->open, 0);
    assert_int_equal(rows(&m), 0);
    room_end(&m);
}

/* One upload for all, proved once. */
static void
test_shared(void **state)
{
    enum { N = 60 };
    struct got g = GOT_INIT;
    struct room m;
    char key[16];
    uint32_t v;
    int i;

    (void)state;
    room_start(&m, 6);
    for (i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        fake_add(&m.f, key, KIB(100) + i, FAKE_NONE);
    }
    room_open(&m, CONF_CRC_ORACLE, true, true);
    for (i = 0; i < N; i++)
        crc_get(m.set, i, 0, on_crc, &g);
    wait_answers(&g, N);
    assert_int_equal(g.good, N);
    for (i = 0; i < N; i++) {
        struct fake_object *o;

        snprintf(key, sizeof(key), "k%d", i);
        o = fake_find(m.f.s3, key);
        assert_true(crc_peek(m.set, i, &v));
        assert_int_equal(v, fake_crc32(o));
    }
    assert_int_equal(m.up->creates, 1);
    assert_int_equal(m.up->copied, N + 1);
    assert_int_equal(m.up->highest, N + 1);
    assert_int_equal(gets(&m), 1);
    assert_int_equal(rows(&m), 1);
    room_close(&m);
    assert_int_equal(m.up->open, 0);
    assert_int_equal(rows(&m), 0);
    room_end(&m);
}

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
    run_sql(&m, "DELETE FROM crc_upload WHERE upload_id IS NOT NULL");
    assert_int_equal(rows(&m), 1);
    room_close(&m);
    assert_int_equal(m.up->open, 0);
    assert_int_equal(rows(&m), 0);
    room_end(&m);
}

/* What a killed process left goes; what a living one has stays, and so
 * does what another bucket's journal says. */
static void
test_sweep(void **state)
{
    char known[32], unknown[32], alive[32], owner[192], sql[1024];
    struct room m;

    (void)state;
    room_start(&m, 0);
    fake_add(&m.f, "a", MIB(9), FAKE_NONE);
    room_open(&m, CONF_CRC_AUTO, true, true);
    fake_settle(&m.f);
    make_upload(&m, "scratch/1", known);
    make_upload(&m, "scratch/2", unknown);
    make_upload(&m, "scratch/3", alive);
    state_owner(owner, sizeof(owner));
    snprintf(sql, sizeof(sql),
             "INSERT INTO crc_upload (endpoint, bucket, key, upload_id, time,"
             " owner) VALUES"
             " ('http://fake', 'b', 'scratch/1', '%s', 1, 'x/y/1/2'),"
             " ('http://fake', 'b', 'scratch/2', NULL, 1, 'x/y/1/2'),"
             " ('http://fake', 'b', 'scratch/3', '%s', 1, '%s'),"
             " ('http://fake', 'other', 'scratch/3', '%s', 1, 'x/y/1/2'),"
             " ('http://else', 'b', 'scratch/3', '%s', 1, 'x/y/1/2')",
             known, alive, owner, alive, alive);
    run_sql(&m, sql);
    room_close(&m);
    state_close(m.state);
    m.state = NULL;
    assert_int_equal(m.up->open, 3);
    room_open(&m, CONF_CRC_AUTO, true, true);
    fake_settle(&m.f);
    room_close(&m);
    assert_int_equal(m.up->open, 1);
    assert_int_equal(rows(&m), 3);
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

/* ---------------------------------------------------- ranges of any object */

static void
on_copied(void *user, int r, uint32_t crc)
{
    on_crc(user, r, crc, NULL);
}

static void
ask_range(struct room *m, const struct fake_object *o, uint64_t first,
          uint64_t n, struct got *g)
{
    struct crc_copied_args a = {
        .source = {"b", o->key, strlen(o->key), false},
        .etag = o->etag,
        .size = o->size,
        .first = first,
        .length = n,
    };

    crc_copied(m->crc, &a, on_copied, g);
}

/* Many ranges, beside a member that climbs, by one upload. */
static void
test_copied(void **state)
{
    enum { N = 70 };
    struct got all = GOT_INIT, one;
    struct fake_object *o;
    size_t threads;
    struct room m;
    uint32_t v;
    int i;

    (void)state;
    for (threads = 0; threads <= 4; threads += 4) {
        room_start(&m, threads);
        o = fake_add(&m.f, "archive", MIB(2), FAKE_NONE);
        room_open(&m, CONF_CRC_ORACLE, true, true);
        assert_true(crc_can_copy(m.crc, "b", MIB(1)));
        assert_false(crc_can_copy(m.crc, "b", KIB(64)));
        assert_false(crc_can_copy(m.crc, "other", MIB(1)));
        all.answers = all.good = 0;
        for (i = 0; i < N; i++)
            ask_range(&m, o, (uint64_t)i * 1000, 1000, &all);
        assert_int_equal(ask(m.set, 0, &v), 0);
        assert_int_equal(v, fake_crc32(o));
        wait_answers(&all, N);
        assert_int_equal(all.good, N);
        one = (struct got)GOT_INIT;
        ask_range(&m, o, 5, 777, &one);
        wait_answers(&one, 1);
        assert_int_equal(one.value, fake_range_crc32(o, 5, 777));
        assert_int_equal(m.up->creates, 1);
        assert_int_equal(gets(&m), 1);
        room_close(&m);
        assert_int_equal(m.up->open, 0);
        assert_int_equal(rows(&m), 0);
        room_end(&m);
    }
}

/* Who is not believed, or is told to stop, answers all the same. */
static void
test_copied_not(void **state)
{
    enum { N = 40 };
    struct got g = GOT_INIT;
    struct fake_object *o;
    struct room m;
    int i;

    (void)state;
    room_start(&m, 4);
    o = fake_add(&m.f, "archive", MIB(2), FAKE_NONE);
    m.up->copies = FAKE_COPY_WHOLE;
    room_open(&m, CONF_CRC_ORACLE, true, true);
    for (i = 0; i < N; i++)
        ask_range(&m, o, (uint64_t)i, 1000, &g);
    wait_answers(&g, N);
    assert_int_equal(g.good, 0);
    assert_int_equal(g.r, -ENODATA);
    assert_int_equal(m.up->copied, 1);
    assert_false(crc_can_copy(m.crc, "b", MIB(1)));
    room_close(&m);
    room_end(&m);

    room_start(&m, 4);
    o = fake_add(&m.f, "archive", MIB(2), FAKE_NONE);
    room_open(&m, CONF_CRC_ORACLE, true, true);
    g.answers = 0;
    ask_range(&m, o, 0, 1000, &g); /* proved */
    wait_answers(&g, 1);
    fake_hold(&m.f, true);
    for (i = 0; i < N; i++)
        ask_range(&m, o, (uint64_t)i, 1000, &g);
    crc_copied_cancel(m.crc);
    fake_hold(&m.f, false);
    wait_answers(&g, N + 1);
    assert_int_equal(g.good, 1);
    o->changed = true;
    ask_range(&m, o, 0, 1000, &g);
    wait_answers(&g, N + 2);
    assert_int_equal(g.r, -ESTALE);
    crc_distrust(m.crc, "a test says so");
    assert_false(crc_can_copy(m.crc, "b", MIB(1)));
    room_close(&m);
    assert_int_equal(m.up->open, 0);
    room_end(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_proof_of_small),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_shared),
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
        cmocka_unit_test(test_abort_fails),
        cmocka_unit_test(test_owner),
        cmocka_unit_test(test_copied),
        cmocka_unit_test(test_copied_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
