/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * crc/: the rungs, who waits, and what comes back from the store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "crc/crc.h"
#include "state/state.h"
#include "test_crc_fake.h"

struct got {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    unsigned answers;
    int r;
    uint32_t value;
    struct err err;
};
#define GOT_INIT                                                              \
    {                                                                         \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER                   \
    }

static void
on_crc(void *user, int r, uint32_t value, const struct err *e)
{
    struct got *g = user;

    pthread_mutex_lock(&g->lock);
    g->answers++;
    g->r = r;
    g->value = value;
    g->err = *e;
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
ask(struct crc_set *s, size_t member, unsigned flags, uint32_t *ret)
{
    struct got g = GOT_INIT;

    crc_get(s, member, flags, on_crc, &g);
    wait_answers(&g, 1);
    *ret = g.value;
    return g.r;
}

struct room {
    struct fake f;
    struct crc *crc;
    struct layout *l;
    struct crc_set *set;
};

static void
room_open(struct room *m, enum zip_hint hint, struct state *st,
          enum conf_crc mode)
{
    struct err e;

    assert_int_equal(crc_new(&m->crc, m->f.net, m->f.s3, st, mode, &e), 0);
    m->l = fake_layout(&m->f, hint);
    m->set = crc_set_open(m->crc, m->l);
    assert_non_null(m->set);
}

static void
room_close(struct room *m)
{
    crc_set_unref(m->set);
    layout_unref(m->l);
    crc_free(m->crc);
}

static void
check_requests(struct fake *f, unsigned head, unsigned attributes,
               unsigned get)
{
    struct s3_stats n;

    s3_stats_get(f->s3, &n);
    assert_int_equal(n.head, head);
    assert_int_equal(n.attributes, attributes);
    assert_int_equal(n.get, get);
}

/* Hint, what the store has, and what it may cost. */
static void
test_rungs(void **state)
{
    static const struct {
        enum zip_hint hint;
        enum fake_crc crc;
        enum conf_crc mode;
        unsigned head, attributes, get;
        uint64_t size;
        int no_attributes;
    } t[] = {
        {ZIP_HINT_CRC32_FULL, FAKE_FULL, CONF_CRC_AUTO, 1, 0, 0, 100, 0},
        {ZIP_HINT_UNKNOWN, FAKE_FULL, CONF_CRC_AUTO, 1, 0, 0, 100, 0},
        {ZIP_HINT_UNKNOWN, FAKE_NONE, CONF_CRC_AUTO, 1, 0, 1, 100, 0},
        {ZIP_HINT_UNKNOWN, FAKE_COMPOSITE, CONF_CRC_AUTO, 1, 1, 0, 9000, 0},
        {ZIP_HINT_CRC32_PARTS, FAKE_COMPOSITE, CONF_CRC_AUTO, 0, 1, 0, 9000,
         0},
        {ZIP_HINT_CRC32_PARTS, FAKE_COMPOSITE, CONF_CRC_AUTO, 0, 1, 1, 9000,
         403},
        {ZIP_HINT_CRC32_PARTS, FAKE_COMPOSITE, CONF_CRC_AUTO, 0, 1, 1, 9000,
         501},
        {ZIP_HINT_OTHER, FAKE_NONE, CONF_CRC_AUTO, 0, 0, 1, 9000, 0},
        {ZIP_HINT_OTHER, FAKE_NONE, CONF_CRC_AUTO, 0, 0, 1, MIB(8), 0},
        {ZIP_HINT_OTHER, FAKE_NONE, CONF_CRC_AUTO, 0, 0, 4, MIB(24) + 1, 0},
        {ZIP_HINT_OTHER, FAKE_NONE, CONF_CRC_AUTO, 0, 0, 7, MIB(50), 0},
        {ZIP_HINT_CRC32_FULL, FAKE_FULL, CONF_CRC_READ, 0, 0, 1, 100, 0},
        {ZIP_HINT_UNKNOWN, FAKE_FULL, CONF_CRC_AUTO, 0, 0, 0, 0, 0},
    };
    size_t i, threads;
    uint32_t v;

    (void)state;
    for (threads = 0; threads <= 4; threads += 4) {
        for (i = 0; i < ARRAY_SIZE(t); i++) {
            struct room m = {{0}};
            struct fake_object *o;

            fake_start(&m.f, threads, 300);
            o = fake_add(&m.f, "k", t[i].size, t[i].crc);
            o->part = 4000;
            fake_no_attributes(&m.f, t[i].no_attributes);
            room_open(&m, t[i].hint, NULL, t[i].mode);
            assert_int_equal(ask(m.set, 0, 0, &v), 0);
            assert_int_equal(v, fake_crc32(o));
            check_requests(&m.f, t[i].head, t[i].attributes, t[i].get);
            assert_int_equal(ask(m.set, 0, 0, &v), 0);
            assert_true(crc_peek(m.set, 0, &v));
            check_requests(&m.f, t[i].head, t[i].attributes, t[i].get);
            assert_int_equal(crc_was_read(m.set, 0), t[i].get > 0);
            room_close(&m);
            fake_stop(&m.f);
        }
    }
}

/* With crc=read what is stored is asked for where a publish copies: the
 * copies' answers may be that CRC, whatever they copied. */
static void
test_read_but_copied(void **state)
{
    struct room m = {{0}};
    struct fake_object *o;
    uint32_t v;

    (void)state;
    fake_start(&m.f, 2, 0);
    o = fake_add(&m.f, "k", 100, FAKE_FULL);
    room_open(&m, ZIP_HINT_CRC32_FULL, NULL, CONF_CRC_READ);
    assert_int_equal(ask(m.set, 0, CRC_CHEAP, &v), -ENODATA);
    check_requests(&m.f, 0, 0, 0);
    crc_copies(m.set, 0);
    assert_int_equal(ask(m.set, 0, CRC_CHEAP, &v), 0);
    assert_int_equal(v, fake_crc32(o));
    check_requests(&m.f, 1, 0, 0);
    room_close(&m);
    fake_stop(&m.f);
}

/* Once refused, attributes are not asked for again. */
static void
test_attributes_remembered(void **state)
{
    struct room m = {{0}};
    uint32_t v;

    (void)state;
    fake_start(&m.f, 2, 0);
    fake_add(&m.f, "a", 100, FAKE_COMPOSITE);
    fake_add(&m.f, "b", 100, FAKE_COMPOSITE);
    fake_no_attributes(&m.f, 403);
    room_open(&m, ZIP_HINT_CRC32_PARTS, NULL, CONF_CRC_AUTO);
    assert_int_equal(ask(m.set, 0, 0, &v), 0);
    assert_int_equal(ask(m.set, 1, 0, &v), 0);
    check_requests(&m.f, 0, 1, 2);
    room_close(&m);
    fake_stop(&m.f);
}

static void
test_cheap(void **state)
{
    struct room m = {{0}};
    struct fake_object *o;
    uint32_t v;

    (void)state;
    fake_start(&m.f, 2, 0);
    o = fake_add(&m.f, "none", 100, FAKE_NONE);
    fake_add(&m.f, "full", 100, FAKE_FULL);
    room_open(&m, ZIP_HINT_UNKNOWN, NULL, CONF_CRC_AUTO);
    assert_int_equal(ask(m.set, 0, CRC_CHEAP, &v), -ENODATA);
    check_requests(&m.f, 1, 0, 0);
    /* It is remembered that the cheap rungs do not know. */
    assert_int_equal(ask(m.set, 0, CRC_CHEAP, &v), -ENODATA);
    check_requests(&m.f, 1, 0, 0);
    assert_int_equal(ask(m.set, 0, 0, &v), 0);
    assert_int_equal(v, fake_crc32(o));
    check_requests(&m.f, 1, 0, 1);
    assert_int_equal(ask(m.set, 1, CRC_CHEAP, &v), 0);
    check_requests(&m.f, 2, 0, 1);
    room_close(&m);
    fake_stop(&m.f);
}

/* One climb for all; a cheap waiter leaves it earlier. */
static void
test_shared_climb(void **state)
{
    struct got all = GOT_INIT, cheap = GOT_INIT, gone = GOT_INIT;
    struct room m = {{0}};
    uint64_t id;
    int i;

    (void)state;
    fake_start(&m.f, 2, 0);
    fake_add(&m.f, "k", 5000, FAKE_NONE);
    room_open(&m, ZIP_HINT_UNKNOWN, NULL, CONF_CRC_AUTO);
    fake_settle(&m.f);
    fake_hold(&m.f, true);
    for (i = 0; i < 10; i++)
        assert_true(crc_get(m.set, 0, 0, on_crc, &all) > 0);
    assert_true(crc_get(m.set, 0, CRC_CHEAP, on_crc, &cheap) > 0);
    id = crc_get(m.set, 0, 0, on_crc, &gone);
    assert_true(crc_cancel(m.set, id));
    assert_false(crc_cancel(m.set, id));
    fake_hold(&m.f, false);
    wait_answers(&all, 10);
    wait_answers(&cheap, 1);
    assert_int_equal(all.r, 0);
    assert_int_equal(cheap.r, -ENODATA);
    assert_int_equal(gone.answers, 0);
    check_requests(&m.f, 1, 0, 1);
    room_close(&m);
    fake_stop(&m.f);
}

static void
test_cancel_read(void **state)
{
    struct got g = GOT_INIT;
    struct room m = {{0}};
    uint32_t v;
    uint64_t id;

    (void)state;
    fake_start(&m.f, 2, 0);
    fake_add(&m.f, "k", MIB(100), FAKE_NONE);
    room_open(&m, ZIP_HINT_OTHER, NULL, CONF_CRC_AUTO);
    fake_settle(&m.f);
    fake_hold(&m.f, true);
    id = crc_get(m.set, 0, 0, on_crc, &g);
    assert_int_equal(fake_running(&m.f), 4);
    assert_true(crc_cancel(m.set, id));
    fake_hold(&m.f, false);
    while (fake_running(&m.f))
        usleep(1000);
    assert_int_equal(fake_cancelled(&m.f), 4);
    assert_int_equal(g.answers, 0);
    assert_false(crc_peek(m.set, 0, &v));
    room_close(&m);
    fake_stop(&m.f);
}

static void
test_put(void **state)
{
    struct got g = GOT_INIT;
    struct room m = {{0}};
    uint32_t v;

    (void)state;
    fake_start(&m.f, 2, 0);
    fake_add(&m.f, "k", MIB(20), FAKE_NONE);
    room_open(&m, ZIP_HINT_OTHER, NULL, CONF_CRC_AUTO);
    fake_settle(&m.f);
    fake_hold(&m.f, true);
    crc_get(m.set, 0, 0, on_crc, &g);
    assert_int_equal(crc_put(m.set, 0, 77, false), 0);
    assert_int_equal(g.answers, 1);
    assert_int_equal(g.value, 77);
    assert_int_equal(crc_put(m.set, 0, 77, false), 0);
    assert_int_equal(crc_put(m.set, 0, 78, false), -EILSEQ);
    assert_true(crc_peek(m.set, 0, &v));
    assert_int_equal(v, 77);
    assert_int_equal(crc_put(m.set, 0, 78, true), 0);
    assert_true(crc_peek(m.set, 0, &v));
    assert_int_equal(v, 78);
    assert_int_equal(crc_known(m.set), 1);
    fake_hold(&m.f, false);
    while (fake_running(&m.f))
        usleep(1000);
    assert_true(crc_peek(m.set, 0, &v));
    assert_int_equal(v, 78);
    room_close(&m);
    fake_stop(&m.f);
}

static void
test_errors(void **state)
{
    struct room m = {{0}};
    struct fake_object *o;
    struct got g = GOT_INIT;
    uint32_t v;

    (void)state;
    fake_start(&m.f, 3, 0);
    o = fake_add(&m.f, "fails", MIB(40), FAKE_NONE);
    o->fail_gets = 1;
    fake_add(&m.f, "changed", 100, FAKE_FULL)->changed = true;
    fake_add(&m.f, "changed2", MIB(40), FAKE_NONE)->changed = true;
    room_open(&m, ZIP_HINT_OTHER, NULL, CONF_CRC_AUTO);
    crc_get(m.set, 0, 0, on_crc, &g);
    wait_answers(&g, 1);
    assert_int_equal(g.r, -EIO);
    assert_non_null(strstr(g.err.text, "fails"));
    assert_non_null(strstr(g.err.text, "SlowDown"));
    assert_false(atomic_load(&m.l->stale));
    /* The next climb is a new one. */
    assert_int_equal(ask(m.set, 0, 0, &v), 0);
    assert_int_equal(v, fake_crc32(o));
    assert_int_equal(ask(m.set, 2, 0, &v), -ESTALE);
    assert_true(atomic_load(&m.l->stale));
    assert_int_equal(atomic_load(&m.l->stale_member), 2);
    assert_int_equal(ask(m.set, 1, 0, &v), -ESTALE);
    room_close(&m);
    fake_stop(&m.f);
}

/* Thousands at once: bounded side by side, none lost. */
static void
test_many(void **state)
{
    enum { N = 3000 };
    struct got g = GOT_INIT;
    struct room m = {{0}};
    char key[32];
    int i, cancelled = 0;
    uint64_t id[N];

    (void)state;
    fake_start(&m.f, 8, 20);
    for (i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        fake_add(&m.f, key, 10 + i, i % 3 ? FAKE_FULL : FAKE_NONE);
    }
    room_open(&m, ZIP_HINT_UNKNOWN, NULL, CONF_CRC_AUTO);
    for (i = 0; i < N; i++)
        id[i] = crc_get(m.set, i, 0, on_crc, &g);
    for (i = N - 1; i >= 0; i -= 7)
        cancelled += crc_cancel(m.set, id[i]);
    wait_answers(&g, N - cancelled);
    assert_true(fake_most(&m.f) <= 40);
    room_close(&m);
    fake_stop(&m.f);
    assert_int_equal(g.answers, N - cancelled);
}

static void
test_store(void **state)
{
    char dir[] = "/tmp/s3zipfs-crc-XXXXXX", path[128], deep[96];
    struct crc_stats stats;
    struct state *st;
    struct stat sb;
    uint32_t v;
    int i;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(deep, sizeof(deep), "%s/a/b", dir);
    for (i = 0; i < 3; i++) {
        struct room m = {{0}};
        struct fake_object *o;

        state_open(&st, deep);
        fake_start(&m.f, 2, 0);
        o = fake_add(&m.f, "k", 1000, FAKE_FULL);
        fake_add(&m.f, "guardless", 1000, FAKE_FULL)->etag[0] = '\0';
        if (i == 2)
            snprintf(o->etag, sizeof(o->etag), "etag-x");
        room_open(&m, ZIP_HINT_UNKNOWN, st, CONF_CRC_AUTO);
        crc_set_wait(m.set);
        assert_true(crc_set_loaded(m.set));
        assert_int_equal(crc_peek(m.set, 0, &v), i == 1);
        assert_int_equal(ask(m.set, 0, 0, &v), 0);
        assert_int_equal(v, fake_crc32(o));
        check_requests(&m.f, i == 1 ? 0 : 1, 0, 0);
        /* Nothing says that it is the same object. */
        assert_int_equal(ask(m.set, 1, 0, &v), 0);
        check_requests(&m.f, i == 1 ? 1 : 2, 0, 0);
        crc_stats_get(m.crc, &stats);
        assert_int_equal(stats.from_store, i == 1);
        room_close(&m);
        fake_stop(&m.f);
        state_close(st);
    }
    assert_int_equal(stat(deep, &sb), 0);
    assert_int_equal(sb.st_mode & 0777, 0700);
    snprintf(path, sizeof(path), "%s/state.sqlite", deep);
    assert_int_equal(stat(path, &sb), 0);
    assert_int_equal(sb.st_mode & 0777, 0600);
    snprintf(path, sizeof(path), "rm -r %s", dir);
    assert_int_equal(system(path), 0);
}

/* What a background write took is written when the room is closed. */
static void
test_written_at_end(void **state)
{
    char dir[] = "/tmp/s3zipfs-crc-XXXXXX", path[128], etag[32];
    struct state *st;
    uint32_t v;
    int i;

    (void)state;
    assert_non_null(mkdtemp(dir));
    state_open(&st, dir);
    for (i = 0; i < 400; i++) {
        struct room m = {{0}};
        struct fake_object *o;

        snprintf(etag, sizeof(etag), "etag-%d", i / 2);
        fake_start(&m.f, 2, 0);
        o = fake_add(&m.f, "k", 1000, FAKE_FULL);
        snprintf(o->etag, sizeof(o->etag), "%s", etag);
        room_open(&m, ZIP_HINT_UNKNOWN, st, CONF_CRC_AUTO);
        crc_set_wait(m.set);
        assert_int_equal(crc_peek(m.set, 0, &v), i % 2);
        assert_int_equal(ask(m.set, 0, 0, &v), 0);
        room_close(&m);
        fake_stop(&m.f);
    }
    state_close(st);
    snprintf(path, sizeof(path), "rm -r %s", dir);
    assert_int_equal(system(path), 0);
}

/* Another layout of the same objects in one life, without a file. */
static void
test_next_layout(void **state)
{
    struct room m = {{0}};
    struct crc_set *same, *next;
    struct layout *l;
    uint32_t v;

    (void)state;
    fake_start(&m.f, 2, 0);
    fake_add(&m.f, "k", 1000, FAKE_FULL);
    room_open(&m, ZIP_HINT_UNKNOWN, NULL, CONF_CRC_AUTO);
    assert_int_equal(ask(m.set, 0, 0, &v), 0);
    same = crc_set_open(m.crc, m.l);
    assert_ptr_equal(same, m.set);
    crc_set_unref(same);
    l = fake_layout(&m.f, ZIP_HINT_UNKNOWN);
    next = crc_set_open(m.crc, l);
    assert_ptr_not_equal(next, m.set);
    assert_int_equal(ask(next, 0, 0, &v), 0);
    check_requests(&m.f, 1, 0, 0);
    crc_set_unref(next);
    layout_unref(l);
    room_close(&m);
    fake_stop(&m.f);
}

/* A file that is no database, a directory of another: life goes on. */
static void
test_state_trouble(void **state)
{
    char dir[] = "/tmp/s3zipfs-crc-XXXXXX", path[128];
    struct state *st;
    FILE *fp;

    (void)state;
    state_open(&st, NULL);
    assert_null(state_lock(st));
    state_close(st);
    assert_non_null(mkdtemp(dir));
    state_open(&st, dir);
    assert_non_null(state_lock(st));
    state_unlock(st);
    state_close(st);
    snprintf(path, sizeof(path), "%s/state.sqlite", dir);
    fp = fopen(path, "w");
    assert_non_null(fp);
    for (int i = 0; i < 1000; i++)
        fputs("this is not a database ", fp);
    fclose(fp);
    state_open(&st, dir);
    assert_null(state_lock(st));
    state_close(st);
    assert_int_equal(chmod(dir, 0777), 0);
    assert_int_equal(unlink(path), 0);
    state_open(&st, dir);
    assert_null(state_lock(st));
    state_close(st);
    rmdir(dir);
}

static void
test_join(void **state)
{
    struct fake_object a = {.seed = 3, .size = 100};
    struct fake_object whole = a, head = a;

    (void)state;
    head.size = 40;
    /* The tail's CRC from the definition: combine(head, tail) = whole. */
    uint8_t b[60];
    uint32_t tail = 0xffffffff;

    fake_bytes(&whole, 40, b, sizeof(b));
    for (size_t i = 0; i < sizeof(b); i++) {
        tail ^= b[i];
        for (int k = 0; k < 8; k++)
            tail = tail >> 1 ^ (tail & 1 ? 0xedb88320 : 0);
    }
    assert_int_equal(crc_join(fake_crc32(&head), ~tail, 60),
                     fake_crc32(&whole));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rungs),
        cmocka_unit_test(test_read_but_copied),
        cmocka_unit_test(test_attributes_remembered),
        cmocka_unit_test(test_cheap),
        cmocka_unit_test(test_shared_climb),
        cmocka_unit_test(test_cancel_read),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_store),
        cmocka_unit_test(test_written_at_end),
        cmocka_unit_test(test_next_layout),
        cmocka_unit_test(test_state_trouble),
        cmocka_unit_test(test_join),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
