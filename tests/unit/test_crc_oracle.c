/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * crc/: the oracle of a store that plays along.  When it is asked, that one
 * upload serves all, and ranges of any object.
 */
#include "test_crc_oracle_help.h"

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
        o = fake_add(&m.f, "archive", MIB(6), FAKE_NONE);
        room_open(&m, CONF_CRC_ORACLE, true, true);
        assert_true(crc_can_copy(m.crc, "b", MIB(5) + 1));
        assert_false(crc_can_copy(m.crc, "b", MIB(5)));
        assert_false(crc_can_copy(m.crc, "b", KIB(64)));
        assert_false(crc_can_copy(m.crc, "other", MIB(6)));
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
    o = fake_add(&m.f, "archive", MIB(6), FAKE_NONE);
    m.up->copies = FAKE_COPY_WHOLE;
    room_open(&m, CONF_CRC_ORACLE, true, true);
    for (i = 0; i < N; i++)
        ask_range(&m, o, (uint64_t)i, 1000, &g);
    wait_answers(&g, N);
    assert_int_equal(g.good, 0);
    assert_int_equal(g.r, -ENODATA);
    assert_int_equal(m.up->copied, 1);
    assert_false(crc_can_copy(m.crc, "b", MIB(6)));
    room_close(&m);
    room_end(&m);

    room_start(&m, 4);
    o = fake_add(&m.f, "archive", MIB(6), FAKE_NONE);
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
    assert_false(crc_can_copy(m.crc, "b", MIB(6)));
    room_close(&m);
    assert_int_equal(m.up->open, 0);
    room_end(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when),           cmocka_unit_test(test_copies),
        cmocka_unit_test(test_proof_of_small), cmocka_unit_test(test_full),
        cmocka_unit_test(test_shared),         cmocka_unit_test(test_copied),
        cmocka_unit_test(test_copied_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
