/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * read/: a large member that is not what its CRC-32 says, and the ranges
 * of it that end at the same time as the one that shows it.  check_add is
 * wrapped: the test says when a fetch that was summed goes on.
 */
#include "read/impl.h"
#include "test_read_help.h"

bool __real_check_add(struct check *c, size_t member, uint64_t size,
                      uint64_t first, uint64_t length, uint32_t crc,
                      uint32_t *ret);
bool __wrap_check_add(struct check *c, size_t member, uint64_t size,
                      uint64_t first, uint64_t length, uint32_t crc,
                      uint32_t *ret);

enum { SIZE = 17 << 20, LATE = 12 << 20 };

static struct {
    pthread_mutex_t lock; /* all */
    pthread_cond_t cond;
    bool holding; /* the range at LATE, once it is summed */
    bool there;   /* it is held */
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};

static void
gate_set(bool holding)
{
    pthread_mutex_lock(&gate.lock);
    gate.holding = holding;
    gate.there = false;
    pthread_cond_broadcast(&gate.cond);
    pthread_mutex_unlock(&gate.lock);
}

static void
gate_pass(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.there = true;
    pthread_cond_broadcast(&gate.cond);
    while (gate.holding)
        pthread_cond_wait(&gate.cond, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static void
gate_wait(void)
{
    pthread_mutex_lock(&gate.lock);
    while (!gate.there)
        pthread_cond_wait(&gate.cond, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

bool
__wrap_check_add(struct check *c, size_t member, uint64_t size, uint64_t first,
                 uint64_t length, uint32_t crc, uint32_t *ret)
{
    bool r = __real_check_add(c, member, size, first, length, crc, ret);

    if (first == LATE)
        gate_pass();
    return r;
}

static void
start(struct room *m, struct fake_object **obj, uint64_t memory)
{
    fake_start(&m->f, 4, 100);
    obj[0] = fake_add(&m->f, "corrupt", SIZE, FAKE_FULL);
    obj[0]->corrupt = true;
    room_open(m, ZIP_HINT_CRC32_FULL, memory, 8);
    room_render(m, obj);
}

/* All of it, forward. */
static int
read_all(struct room *m, struct read_stream *s)
{
    uint64_t at;
    int r = 0;

    for (at = 0; at < m->l->zip.size && r == 0; at += MIB(1))
        r = read_check(m, s, at, MIB(1), 0, NULL);
    return r;
}

/* The range with the wrong byte is summed first and settled last: who
 * waits for it hears of the mismatch, who opens later does not. */
static void
test_settled_late(void **state)
{
    struct got g = GOT_INIT;
    struct fake_object *obj[1];
    struct room m = {{0}};
    struct read_stream *s, *later;
    uint64_t body;
    struct err e;

    (void)state;
    start(&m, obj, MIB(128));
    body = zip_data_offset(&m.l->zip, 0);
    s = open_stream(&m);
    /* The header: the store's CRC-32 is known from here on. */
    assert_int_equal(read_check(&m, s, 0, body, READ_EXACT, NULL), 0);
    gate_set(true);
    read_range(s, body + LATE, SIZE - LATE, READ_EXACT, on_got, &g);
    gate_wait();
    assert_int_equal(read_check(&m, s, body, LATE, READ_EXACT, &e), -EIO);
    assert_non_null(strstr(e.text, "b/corrupt"));
    assert_int_equal(g.answers, 0);
    obj[0]->corrupt = false;
    later = open_stream(&m);
    gate_set(false);
    wait_got(&g, 1);
    assert_int_equal(g.r, -EIO);
    assert_non_null(strstr(g.err.text, "b/corrupt"));
    read_stream_close(s);
    assert_int_equal(read_all(&m, later), 0);
    assert_int_equal(stats(&m).checked_members, 1);
    read_stream_close(later);
    room_close(&m);
}

/* A range that fails for another reason leaves the others alone. */
static void
test_other_failure(void **state)
{
    struct fake_object *obj[1];
    struct room m = {{0}};
    struct read_stream *s;
    uint64_t body;

    (void)state;
    start(&m, obj, MIB(128));
    obj[0]->corrupt = false;
    body = zip_data_offset(&m.l->zip, 0);
    s = open_stream(&m);
    assert_int_equal(read_check(&m, s, body, MIB(8), READ_EXACT, NULL), 0);
    obj[0]->fail_gets = 1;
    assert_int_equal(
        read_check(&m, s, body + MIB(8), MIB(4), READ_EXACT, NULL), -EIO);
    assert_int_equal(requests(&m).get, 2);
    assert_int_equal(read_check(&m, s, body, MIB(8), READ_EXACT, NULL), 0);
    assert_int_equal(requests(&m).get, 2);
    read_stream_close(s);
    room_close(&m);
}

/* The first of two fetches brings all bytes, and they are wrong: that is
 * the answer.  The second has nothing to add. */
static void
test_raced(void **state)
{
    struct got g = GOT_INIT;
    struct fake_object *obj;
    struct room m = {{0}};
    struct read_stream *s;
    struct unit *u;
    uint64_t next;

    (void)state;
    fake_start(&m.f, 1, 0); /* one answer after the other */
    obj = fake_add(&m.f, "corrupt", 300000, FAKE_FULL);
    obj->corrupt = true;
    room_open(&m, ZIP_HINT_CRC32_FULL, MIB(64), 8);
    s = open_stream(&m);
    fake_hold(&m.f, true);
    read_range(s, 0, m.l->zip.offset[1], READ_EXACT, on_got, &g);
    pthread_mutex_lock(&m.pool->lock);
    u = unit_find(m.reader, 0, 0, &next);
    assert_true(unit_race(u));
    pthread_mutex_unlock(&m.pool->lock);
    unit_fetch_again(u);
    fake_hold(&m.f, false);
    wait_got(&g, 1);
    assert_int_equal(g.r, -EIO);
    assert_non_null(strstr(g.err.text, "CRC-32 does not match"));
    assert_int_equal(obj->gets, 2);
    read_stream_close(s);
    room_close(&m);
}

/* All bytes are there, the end is not: no second fetch for nothing, which
 * would be one of the whole object. */
static void
test_too_late_to_race(void **state)
{
    struct got g = GOT_INIT;
    struct fake_object *obj[1];
    struct room m = {{0}};
    struct read_stream *s;
    uint64_t body, next;

    (void)state;
    start(&m, obj, MIB(128));
    obj[0]->corrupt = false;
    body = zip_data_offset(&m.l->zip, 0);
    s = open_stream(&m);
    gate_set(true);
    read_range(s, body + LATE, SIZE - LATE, READ_EXACT, on_got, &g);
    gate_wait();
    pthread_mutex_lock(&m.pool->lock);
    assert_false(unit_race(unit_find(m.reader, 0, LATE, &next)));
    pthread_mutex_unlock(&m.pool->lock);
    gate_set(false);
    wait_got(&g, 1);
    assert_int_equal(g.r, 0);
    read_stream_close(s);
    room_close(&m);
}

/* The offset of the first read that fails, in steps of 64 KiB. */
static uint64_t
fails_at(struct room *m, struct read_stream *s, struct err *e)
{
    uint64_t at;

    for (at = 0; at < m->l->zip.size; at += KIB(64))
        if (read_check(m, s, at, KIB(64), 0, e) < 0)
            return at;
    return UINT64_MAX;
}

/* A range that was right, was dropped, and comes again for another reader
 * with another byte at its end: none of it can be read, what is before it
 * can. */
static void
test_fetched_again(void **state)
{
    struct fake_object *obj[1];
    struct room m = {{0}};
    struct read_stream *s;
    uint64_t range, at;
    unsigned i;
    struct err e;

    (void)state;
    start(&m, obj, MIB(8));
    obj[0]->corrupt = false;
    s = open_stream(&m);
    assert_int_equal(read_all(&m, s), 0);
    assert_int_equal(stats(&m).checked_members, 1);
    read_stream_close(s);
    range = (SIZE - 1) / m.pool->unit_max * m.pool->unit_max +
            zip_data_offset(&m.l->zip, 0);
    for (i = 0; i < 2; i++) {
        obj[0]->corrupt = true;
        s = open_stream(&m);
        at = fails_at(&m, s, &e);
        assert_true(at <= range && at + KIB(64) > range);
        assert_int_equal(e.num, EIO);
        assert_non_null(strstr(e.text, "b/corrupt: CRC-32 does not match"));
        read_stream_close(s);
        obj[0]->corrupt = false;
        s = open_stream(&m);
        assert_int_equal(read_all(&m, s), 0);
        read_stream_close(s);
    }
    room_close(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settled_late),
        cmocka_unit_test(test_other_failure),
        cmocka_unit_test(test_raced),
        cmocka_unit_test(test_too_late_to_race),
        cmocka_unit_test(test_fetched_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
