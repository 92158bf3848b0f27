/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * read/: the published twin gives the same bytes in fewer requests, and
 * whatever becomes of it, readers get the bytes of the members.
 */
#include "test_read_help.h"

enum { MEMBERS = 40 };

struct show {
    struct room m;
    struct fake_object *obj[MEMBERS], *twin;
    struct layout_twin w;
};

static uint64_t
next_random(uint64_t *x)
{
    *x = *x * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *x >> 33;
}

/* The archive as an object, and the layout knows it. */
static void
publish(struct show *s)
{
    s->twin = fake_add(&s->m.f, "archive.zip", s->m.l->zip.size, FAKE_NONE);
    s->twin->data = s->m.render;
    s->w = (struct layout_twin){
        .key = s->twin->key,
        .key_len = strlen(s->twin->key),
        .etag = s->twin->etag,
        .have_crc32 = true,
        .crc32 = fake_crc32(s->twin),
    };
    atomic_store(&s->m.l->twin, &s->w);
}

/* Members of up to most bytes. */
static void
start(struct show *s, unsigned threads, uint64_t most, uint64_t memory)
{
    enum fake_crc kind[] = {FAKE_FULL, FAKE_NONE, FAKE_COMPOSITE};
    uint64_t seed = 7;
    char key[40];
    int i;

    memset(s, 0, sizeof(*s));
    fake_start(&s->m.f, threads, 300);
    for (i = 0; i < MEMBERS; i++) {
        snprintf(key, sizeof(key), "dir%d/member-%d", i / 10, i);
        s->obj[i] =
            fake_add(&s->m.f, key, next_random(&seed) % most, kind[i % 3]);
        s->obj[i]->part = max_u64(30000, s->obj[i]->size / 60);
    }
    room_open(&s->m, ZIP_HINT_UNKNOWN, memory, 8);
    room_render(&s->m, s->obj);
    publish(s);
}

static void
quiet(struct show *s)
{
    while (fake_running(&s->m.f))
        usleep(100);
}

static unsigned
member_gets(const struct show *s)
{
    unsigned n = 0;
    int i;

    for (i = 0; i < MEMBERS; i++)
        n += s->obj[i]->gets;
    return n;
}

static struct read_stream *
show_stream(struct show *s)
{
    struct read_stream *ret;

    assert_int_equal(read_stream_open(&ret, s->m.reader), 0);
    return ret;
}

/* How many reads failed. */
static unsigned
read_all(struct show *s, struct read_stream *st, uint64_t step)
{
    uint64_t at, size = s->m.l->zip.size;
    unsigned bad = 0;

    for (at = 0; at < size; at += step)
        bad += read_check(&s->m, st, at, step, 0, NULL) < 0;
    return bad;
}

static unsigned
copy(struct show *s)
{
    struct read_stream *st = show_stream(s);
    unsigned bad = read_all(s, st, 131072);

    read_stream_close(st);
    return bad;
}

/* ---------------------------------------------------------------- tests */

/* Forward: large ranges of one object, nothing of members. */
static void
test_forward(void **state)
{
    unsigned threads;
    struct show s;

    (void)state;
    for (threads = 0; threads <= 4; threads += 4) {
        start(&s, threads, MIB(2), MIB(128));
        assert_int_equal(copy(&s), 0);
        quiet(&s);
        assert_int_equal(requests(&s.m).get,
                         ceil_div_u64(s.m.l->zip.size, MIB(8)));
        assert_int_equal(stats(&s.m).fetched_bytes, s.m.l->zip.size);
        assert_int_equal(requests(&s.m).head, 0);
        assert_int_equal(requests(&s.m).attributes, 0);
        assert_int_equal(member_gets(&s), 0);
        room_close(&s.m);
    }
}

/* An archive below the unit is one plain GET. */
static void
test_small(void **state)
{
    struct show s;

    (void)state;
    start(&s, 0, 3000, MIB(16));
    assert_int_equal(copy(&s), 0);
    assert_int_equal(requests(&s.m).get, 1);
    assert_int_equal(s.twin->gets, 1);
    room_close(&s.m);
}

/* One round trip and no byte too much, the central directory included,
 * though no CRC-32 is known. */
static void
test_random_cost(void **state)
{
    struct read_stream *st;
    struct show s;
    uint64_t end;

    (void)state;
    start(&s, 4, MIB(1), MIB(64));
    st = show_stream(&s);
    end = s.m.l->zip.size;
    assert_int_equal(read_check(&s.m, st, end - 2000, 2000, 0, NULL), 0);
    assert_int_equal(read_check(&s.m, st, MIB(5), 65536, 0, NULL), 0);
    assert_int_equal(read_check(&s.m, st, MIB(2), 65536, 0, NULL), 0);
    quiet(&s);
    assert_int_equal(requests(&s.m).get, 3);
    assert_int_equal(requests(&s.m).head, 0);
    assert_int_equal(requests(&s.m).attributes, 0);
    assert_int_equal(stats(&s.m).fetched_bytes, 2000 + 2 * 65536);
    assert_int_equal(s.twin->gets, 3);
    read_stream_close(st);
    room_close(&s.m);
}

/* A central directory whose CRCs are known costs nothing. */
static void
test_directory(void **state)
{
    struct read_stream *st;
    struct show s;
    uint64_t first;
    int i;

    (void)state;
    start(&s, 4, MIB(1), MIB(64));
    st = show_stream(&s);
    for (i = 0; i < MEMBERS; i++)
        crc_put(s.m.set, i, fake_crc32(s.obj[i]), false);
    first = s.m.l->zip.offset[MEMBERS];
    assert_int_equal(read_check(&s.m, st, first, 100000, 0, NULL), 0);
    quiet(&s);
    assert_int_equal(requests(&s.m).get, 0);
    read_stream_close(st);
    room_close(&s.m);
}

/* What is published comes from the members. */
static void
test_exact(void **state)
{
    struct read_stream *st;
    struct show s;

    (void)state;
    start(&s, 4, MIB(1), MIB(64));
    st = show_stream(&s);
    assert_int_equal(read_check(&s.m, st, 0, MIB(8), READ_EXACT, NULL), 0);
    assert_int_equal(s.twin->gets, 0);
    assert_true(member_gets(&s) > 0);
    read_stream_close(st);
    room_close(&s.m);
}

/* Replaced in the middle: right bytes all the way, the layout is not
 * stale, and it is not asked again. */
static void
test_replaced(void **state)
{
    unsigned threads, gets;
    int good;
    struct show s;

    (void)state;
    for (threads = 0; threads <= 4; threads += 4)
        for (good = 1; good <= 4; good++) {
            start(&s, threads, MIB(2), MIB(32));
            s.twin->good_gets = good;
            assert_int_equal(copy(&s), 0);
            quiet(&s);
            gets = s.twin->gets;
            assert_true(gets >= (unsigned)good && gets < good + 16u);
            assert_true(member_gets(&s) > 0);
            assert_false(atomic_load(&s.m.l->stale));
            assert_int_equal(copy(&s), 0);
            assert_int_equal(s.twin->gets, gets);
            room_close(&s.m);
        }
}

/* 503 after all attempts; a body that ends early. */
static void
test_failing(void **state)
{
    struct show s;
    int i;

    (void)state;
    for (i = 0; i < 4; i++) {
        start(&s, i % 2 * 4, MIB(2), MIB(32));
        s.twin->fail_gets = i / 2 ? -1 : 0;
        s.twin->cut_gets = i / 2 ? 0 : 1;
        assert_int_equal(copy(&s), 0);
        assert_true(member_gets(&s) > 0);
        assert_false(atomic_load(&s.m.l->stale));
        room_close(&s.m);
    }
}

/* Another size than the layout's. */
static void
test_other_size(void **state)
{
    struct show s;

    (void)state;
    start(&s, 0, 3000, MIB(16));
    s.twin->size--;
    assert_int_equal(copy(&s), 0);
    assert_true(member_gets(&s) > 0);
    room_close(&s.m);
}

/* Its bytes are not those of its CRC-32: who has read of it must not go
 * on as if nothing was; who opens then gets the members. */
static void
test_wrong(void **state)
{
    struct read_stream *st, *fresh;
    unsigned threads;
    struct show s;
    uint64_t end;

    (void)state;
    for (threads = 0; threads <= 4; threads += 4) {
        start(&s, threads, MIB(2), MIB(64));
        end = s.m.l->zip.size;
        s.twin->corrupt = true;
        st = show_stream(&s);
        assert_true(read_all(&s, st, 131072) > 0);
        assert_int_equal(member_gets(&s), 0);
        assert_true(atomic_load(&s.m.l->misread));
        assert_int_equal(read_check(&s.m, st, end - 5, 5, 0, NULL), -EIO);
        assert_int_equal(read_check(&s.m, st, 0, 50000, 0, NULL), -EIO);
        fresh = show_stream(&s);
        assert_int_equal(read_all(&s, fresh, 131072), 0);
        assert_true(member_gets(&s) > 0);
        read_stream_close(fresh);
        read_stream_close(st);
        room_close(&s.m);
    }
}

/* Published again after it was given up: used by who opens then. */
static void
test_again(void **state)
{
    struct layout_twin next;
    struct show s;
    unsigned gets;

    (void)state;
    start(&s, 4, MIB(1), MIB(32));
    s.twin->changed = true;
    assert_int_equal(copy(&s), 0);
    quiet(&s);
    gets = member_gets(&s);
    strcpy(s.twin->etag, "another");
    s.twin->changed = false;
    next = s.w;
    atomic_store(&s.m.l->twin, &next);
    assert_int_equal(copy(&s), 0);
    quiet(&s);
    assert_int_equal(member_gets(&s), gets);
    assert_true(s.twin->gets > 1);
    /* Listed again, and gone. */
    atomic_store(&s.m.l->twin, NULL);
    assert_int_equal(copy(&s), 0);
    quiet(&s);
    assert_true(member_gets(&s) > gets);
    room_close(&s.m);
}

/* ------------------------------------------------------------- together */

struct job {
    struct show *s;
    uint64_t seed;
    unsigned bad;
    int kind;
};

static void
random_reads(struct job *j, struct read_stream *st)
{
    uint64_t size = j->s->m.l->zip.size;
    int i;

    for (i = 0; i < 60; i++)
        j->bad += read_check(&j->s->m, st, next_random(&j->seed) % size,
                             next_random(&j->seed) % 200000,
                             i % 6 ? 0 : READ_EXACT, NULL) < 0;
}

static void
cancelled_reads(struct job *j)
{
    enum { N = 6 };
    struct got g = GOT_INIT;
    uint64_t size = j->s->m.l->zip.size, id[N];
    struct read_stream *st;
    int i, k;

    for (i = 0; i < 30; i++) {
        g.answers = 0;
        st = show_stream(j->s);
        for (k = 0; k < N; k++)
            id[k] = read_range(st, next_random(&j->seed) % size,
                               next_random(&j->seed) % 200000, 0, on_got, &g);
        for (k = 0; k < N; k += 2)
            read_cancel(st, id[k]);
        if (i % 2)
            wait_got(&g, N);
        read_stream_close(st);
        wait_got(&g, N);
        assert_int_equal(g.answers, N);
    }
}

static void *
run_job(void *user)
{
    struct job *j = user;
    struct read_stream *st;

    if (j->kind == 2) {
        cancelled_reads(j);
        return NULL;
    }
    st = show_stream(j->s);
    if (j->kind == 0)
        j->bad = read_all(j->s, st, 131072);
    else
        random_reads(j, st);
    read_stream_close(st);
    return NULL;
}

/* Little memory, readers of all kinds; the twin goes at some point. */
static void
test_together(void **state)
{
    enum { N = 7 };
    static const int good[] = {0, 1, 5, 40, 120};
    pthread_t t[N];
    struct job j[N];
    struct show s;
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(good); i++) {
        start(&s, 6, 800000, MIB(4));
        s.twin->good_gets = good[i];
        for (k = 0; k < N; k++) {
            j[k] = (struct job){&s, i * N + k + 1, 0, k % 3};
            pthread_create(&t[k], NULL, run_job, &j[k]);
        }
        for (k = 0; k < N; k++) {
            pthread_join(t[k], NULL);
            assert_int_equal(j[k].bad, 0);
        }
        assert_true(s.twin->gets > 0);
        assert_true(stats(&s.m).memory_peak <= MIB(4));
        assert_false(atomic_load(&s.m.l->stale));
        room_close(&s.m);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),     cmocka_unit_test(test_small),
        cmocka_unit_test(test_random_cost), cmocka_unit_test(test_exact),
        cmocka_unit_test(test_replaced),    cmocka_unit_test(test_failing),
        cmocka_unit_test(test_other_size),  cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_directory),   cmocka_unit_test(test_again),
        cmocka_unit_test(test_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
