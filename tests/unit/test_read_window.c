/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * read/: how many requests, how far ahead, what is checked, what is
 * remembered, who waits for whom.
 */
#include "test_read_help.h"

static void
read_through(struct room *m, uint64_t first, uint64_t end, uint64_t step)
{
    struct read_stream *s = open_stream(m);

    for (; first < end; first += step)
        assert_int_equal(
            read_check(m, s, first, min_u64(step, end - first), 0, NULL), 0);
    read_stream_close(s);
}

/* What is read ahead may be asked for after the reader was answered, by
 * another thread. */
static void
wait_gets(struct room *m, unsigned n)
{
    int i;

    for (i = 0; i < 10000 && requests(m).get < n; i++)
        usleep(1000);
}

/* Forward over all: small members one GET each and nothing else, large
 * ones by aligned ranges, every one checked. */
static void
test_requests(void **state)
{
    static const uint64_t size[] = {MIB(1),      5000, 0,          MIB(8),
                                    MIB(20) + 3, 100,  MIB(8) + 1, 70000};
    enum { N = ARRAY_SIZE(size) };
    static const unsigned gets = 1 + 1 + 0 + 1 + 3 + 1 + 2 + 1;
    struct fake_object *obj[N];
    unsigned threads, i;
    char key[16];

    (void)state;
    for (threads = 0; threads <= 4; threads += 4) {
        struct room m = {{0}};

        fake_start(&m.f, threads, 200);
        for (i = 0; i < N; i++) {
            snprintf(key, sizeof(key), "k%u", i);
            obj[i] = fake_add(&m.f, key, size[i], FAKE_FULL);
        }
        room_open(&m, ZIP_HINT_CRC32_FULL, MIB(128), 8);
        room_render(&m, obj);
        read_through(&m, 0, m.l->zip.size, 131072);
        assert_int_equal(requests(&m).get, gets);
        assert_int_equal(requests(&m).head, 2); /* those above 8 MiB */
        assert_int_equal(stats(&m).checked_members, N - 1);
        assert_int_equal(stats(&m).fetched_bytes, MIB(1) + 5000 + MIB(8) +
                                                      MIB(20) + 3 + 100 +
                                                      MIB(8) + 1 + 70000);
        /* Again: from memory. */
        read_through(&m, 0, m.l->zip.size, 131072);
        assert_int_equal(requests(&m).get, gets);
        room_close(&m);
    }
}

/* No CRC-32 stored: small members read once, larger ones twice. */
static void
test_no_crc(void **state)
{
    struct fake_object *obj[3];
    struct room m = {{0}};

    (void)state;
    fake_start(&m.f, 4, 100);
    obj[0] = fake_add(&m.f, "a", MIB(2), FAKE_NONE);
    obj[1] = fake_add(&m.f, "b", MIB(10), FAKE_NONE);
    obj[2] = fake_add(&m.f, "c", 1000, FAKE_NONE);
    room_open(&m, ZIP_HINT_OTHER, MIB(128), 8);
    room_render(&m, obj);
    read_through(&m, 0, m.l->zip.size, 131072);
    assert_int_equal(requests(&m).head, 0);
    assert_int_equal(requests(&m).get, 1 + 2 * 2 + 1);
    assert_int_equal(stats(&m).read_twice, 1);
    room_close(&m);
}

/* A random read inside a body: one round trip, no byte too much. */
static void
test_random_cost(void **state)
{
    struct fake_object *obj[2];
    struct room m = {{0}};
    struct read_stream *s;
    uint64_t at;
    unsigned i;

    (void)state;
    fake_start(&m.f, 4, 0);
    obj[0] = fake_add(&m.f, "a", MIB(4), FAKE_FULL);
    obj[1] = fake_add(&m.f, "b", MIB(30), FAKE_FULL);
    room_open(&m, ZIP_HINT_CRC32_FULL, MIB(128), 8);
    room_render(&m, obj);
    s = open_stream(&m);
    for (i = 0; m.f.s3 && i < 2; i++) /* warmed at opening */
        while (fake_running(&m.f))
            usleep(100);
    for (i = 0; i < 8; i++) {
        at = (i * 7 % 8) * MIB(4) + 100000;
        assert_int_equal(read_check(&m, s, at, 65536, 0, NULL), 0);
    }
    assert_int_equal(requests(&m).get, 8);
    assert_int_equal(requests(&m).head, 1);
    assert_int_equal(stats(&m).fetched_bytes, 8 * 65536);
    read_stream_close(s);
    room_close(&m);
}

/* Reading the central directory asks for CRCs, not for bodies; a fresh
 * read of what begins there waits only for the entries that it covers. */
static void
test_directory(void **state)
{
    enum { N = 200 };
    struct fake_object *obj[N];
    struct room m = {{0}};
    struct read_stream *s;
    char key[16];
    int i;

    (void)state;
    fake_start(&m.f, 4, 0);
    for (i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "k%03d", i);
        obj[i] = fake_add(&m.f, key, 1000 + i, FAKE_FULL);
    }
    room_open(&m, ZIP_HINT_CRC32_FULL, MIB(16), 8);
    room_render(&m, obj);
    s = open_stream(&m);
    assert_int_equal(read_check(&m, s, m.l->zip.size - 22, 22, 0, NULL), 0);
    assert_int_equal(requests(&m).head, 0);
    assert_int_equal(
        read_check(&m, s, m.l->zip.cd_offset[10],
                   m.l->zip.cd_offset[15] - m.l->zip.cd_offset[10], 0, NULL),
        0);
    assert_int_equal(requests(&m).head, 5);
    assert_int_equal(read_check(&m, s, m.l->zip.cd_offset[0],
                                m.l->zip.size - m.l->zip.cd_offset[0], 0,
                                NULL),
                     0);
    assert_int_equal(requests(&m).head, N);
    assert_int_equal(requests(&m).get, 0);
    read_stream_close(s);
    room_close(&m);
}

/* What publish reads: nothing but the range, whole members whole. */
static void
test_exact(void **state)
{
    struct fake_object *obj[3];
    struct room m = {{0}};
    struct read_stream *s;
    uint64_t at;

    (void)state;
    fake_start(&m.f, 4, 0);
    obj[0] = fake_add(&m.f, "a", MIB(20), FAKE_FULL);
    obj[1] = fake_add(&m.f, "b", MIB(3), FAKE_FULL);
    obj[2] = fake_add(&m.f, "c", MIB(20), FAKE_FULL);
    room_open(&m, ZIP_HINT_CRC32_FULL, MIB(128), 8);
    room_render(&m, obj);
    s = open_stream(&m);
    /* The end of a, all of b, the beginning of c. */
    at = zip_data_offset(&m.l->zip, 0) + MIB(19);
    assert_int_equal(read_check(&m, s, at, MIB(6), READ_EXACT, NULL), 0);
    while (fake_running(&m.f))
        usleep(100);
    assert_int_equal(requests(&m).get, 3);
    assert_true(stats(&m).fetched_bytes < MIB(6));
    assert_int_equal(read_check(&m, s, 0, MIB(40), READ_EXACT, NULL), -EFBIG);
    read_stream_close(s);
    room_close(&m);
}

/* Ahead starts small, grows, keeps to the budget, and stops when the
 * stream is closed. */
static void
test_ahead(void **state)
{
    enum { N = 100 };
    struct room m = {{0}};
    struct read_stream *s;
    unsigned first;
    char key[16];
    struct got late = GOT_INIT;
    uint64_t at = 0;
    unsigned i;

    (void)state;
    /* Slow enough that the reader waits, on a busy machine too. */
    fake_start(&m.f, 16, 60000);
    for (i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "k%03u", i);
        fake_add(&m.f, key, KIB(512), FAKE_FULL);
    }
    room_open(&m, ZIP_HINT_CRC32_FULL, MIB(16), 12);
    s = open_stream(&m);
    assert_int_equal(read_check(&m, s, 0, 131072, 0, NULL), 0);
    assert_int_equal(requests(&m).get, 1);
    at = 131072;
    assert_int_equal(read_check(&m, s, at, 131072, 0, NULL), 0);
    wait_gets(&m, 3);
    first = requests(&m).get;
    assert_in_range(first, 3, 6); /* 1 or 2 MiB ahead */
    for (at += 131072; at < MIB(25); at += 131072)
        assert_int_equal(read_check(&m, s, at, 131072, 0, NULL), 0);
    assert_in_range(fake_most(&m.f), 8, 12);
    assert_true(stats(&m).memory_peak <= MIB(16));
    fake_hold(&m.f, true);
    for (i = 0; i < 4 && late.answers == i; i++) {
        at += KIB(512);
        read_range(s, at, 1000, 0, on_got, &late);
    }
    read_stream_close(s); /* which answers what still waits */
    fake_hold(&m.f, false);
    while (fake_running(&m.f))
        usleep(100);
    /* Far from all was fetched. */
    assert_true(requests(&m).get < 85);
    room_close(&m);
}

static void
flip(struct fake_object *o, bool on)
{
    o->corrupt = on;
}

/* A member that is not what its CRC-32 says: EIO before its last byte. */
static void
test_mismatch(void **state)
{
    static const uint64_t size[] = {1000, MIB(3), MIB(17)};
    struct fake_object *obj[3];
    unsigned i, k;
    struct err e;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(size); i++) {
        struct room m = {{0}};
        struct read_stream *s;
        int r = 0;
        uint64_t at;

        fake_start(&m.f, 4, 100);
        obj[0] = fake_add(&m.f, "before", 100, FAKE_FULL);
        obj[1] = fake_add(&m.f, "corrupt", size[i], FAKE_FULL);
        obj[2] = fake_add(&m.f, "after", 100, FAKE_FULL);
        flip(obj[1], true);
        room_open(&m, ZIP_HINT_CRC32_FULL, MIB(128), 8);
        room_render(&m, obj);
        for (k = 0; k < 2; k++) { /* the second time it is well again */
            s = open_stream(&m);
            r = 0;
            for (at = 0; at < m.l->zip.size && r == 0; at += 131072)
                r = read_check(&m, s, at, 131072, 0, &e);
            assert_int_equal(r, k ? 0 : -EIO);
            if (!k)
                assert_non_null(strstr(e.text, "b/corrupt"));
            read_stream_close(s);
            flip(obj[1], false);
            usleep(1050000);
        }
        room_close(&m);
    }
}

static void
test_stale(void **state)
{
    struct fake_object *obj[2];
    struct room m = {{0}};
    struct read_stream *s;

    (void)state;
    fake_start(&m.f, 4, 0);
    obj[0] = fake_add(&m.f, "well", 1000, FAKE_FULL);
    obj[1] = fake_add(&m.f, "changed", 1000, FAKE_FULL);
    room_open(&m, ZIP_HINT_CRC32_FULL, MIB(16), 8);
    room_render(&m, obj);
    obj[1]->changed = true;
    s = open_stream(&m);
    assert_int_equal(read_check(&m, s, 0, m.l->zip.size, 0, NULL), -ESTALE);
    assert_true(atomic_load(&m.l->stale));
    assert_int_equal(atomic_load(&m.l->stale_member), 1);
    assert_int_equal(read_check(&m, s, 0, 1000, 0, NULL), 0);
    read_stream_close(s);
    room_close(&m);
}

/* The kernel's retry of a failed read fails from memory; later it is
 * tried again. */
static void
test_failure_remembered(void **state)
{
    struct fake_object *obj[1];
    struct room m = {{0}};
    struct read_stream *s;
    struct err e;

    (void)state;
    fake_start(&m.f, 4, 0);
    obj[0] = fake_add(&m.f, "fails", MIB(1), FAKE_FULL);
    room_open(&m, ZIP_HINT_CRC32_FULL, MIB(16), 8);
    room_render(&m, obj);
    obj[0]->fail_gets = 1;
    s = open_stream(&m);
    assert_int_equal(read_check(&m, s, 0, 131072, 0, &e), -EIO);
    assert_non_null(strstr(e.text, "SlowDown"));
    assert_int_equal(read_check(&m, s, 4096, 4096, 0, &e), -EIO);
    assert_non_null(strstr(e.text, "SlowDown"));
    assert_int_equal(requests(&m).get, 1);
    usleep(1100000);
    assert_int_equal(read_check(&m, s, 4096, 4096, 0, &e), 0);
    read_stream_close(s);
    room_close(&m);
}

/* Views that are kept fill the budget: the next read waits, in order, and
 * is answered when they are given back. */
static void
test_starving(void **state)
{
    enum { N = 16 };
    struct got kept[4] = {GOT_INIT, GOT_INIT, GOT_INIT, GOT_INIT};
    struct got late[3] = {GOT_INIT, GOT_INIT, GOT_INIT};
    struct room m = {{0}};
    struct read_stream *s;
    char key[16];
    int i;

    (void)state;
    fake_start(&m.f, 4, 0);
    for (i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        fake_add(&m.f, key, MIB(1), FAKE_FULL);
    }
    room_open(&m, ZIP_HINT_CRC32_FULL, MIB(4), 8);
    s = open_stream(&m);
    for (i = 0; i < 4; i++) {
        kept[i].keep = true;
        read_range(s, zip_data_offset(&m.l->zip, i), MIB(1) - 70000,
                   READ_EXACT, on_got, &kept[i]);
        wait_got(&kept[i], 1);
    }
    for (i = 0; i < 3; i++)
        read_range(s, zip_data_offset(&m.l->zip, 8 + i), MIB(1) - 70000,
                   READ_EXACT, on_got, &late[i]);
    usleep(20000);
    assert_int_equal(late[0].answers, 0);
    assert_int_equal(late[1].answers, 0);
    read_view_release(kept[0].kept);
    wait_got(&late[0], 1);
    read_view_release(kept[1].kept);
    wait_got(&late[1], 1);
    wait_got(&late[2], 1);
    read_view_release(kept[2].kept);
    read_view_release(kept[3].kept);
    assert_true(stats(&m).memory_peak <= MIB(4));
    read_stream_close(s);
    room_close(&m);
}

/* Part of a unit answers before all of it is there; a stream that closes
 * ends what only it wanted. */
static void
test_close_cancels(void **state)
{
    struct got g = GOT_INIT;
    struct room m = {{0}};
    struct read_stream *s, *other;

    (void)state;
    fake_start(&m.f, 4, 0);
    fake_add(&m.f, "a", MIB(6), FAKE_FULL);
    fake_add(&m.f, "b", MIB(6), FAKE_FULL);
    room_open(&m, ZIP_HINT_CRC32_FULL, MIB(128), 8);
    s = open_stream(&m);
    fake_hold(&m.f, true);
    read_range(s, 0, 131072, 0, on_got, &g);
    assert_int_equal(g.answers, 0);
    read_stream_close(s);
    assert_int_equal(g.answers, 1);
    assert_int_equal(g.r, -ECANCELED);
    fake_hold(&m.f, false);
    while (fake_running(&m.f))
        usleep(100);
    assert_int_equal(fake_cancelled(&m.f), 1);
    /* Another one that wants it keeps it alive. */
    s = open_stream(&m);
    other = open_stream(&m);
    fake_hold(&m.f, true);
    read_range(s, 0, 131072, 0, on_got, &g);
    read_range(other, 0, 131072, 0, on_got, &g);
    read_stream_close(s);
    fake_hold(&m.f, false);
    wait_got(&g, 3);
    assert_int_equal(g.r, 0);
    assert_int_equal(fake_cancelled(&m.f), 1);
    assert_int_equal(requests(&m).get, 2);
    read_stream_close(other);
    room_close(&m);
}

/* Many readers, each going forward at its own place, with little memory:
 * what was fetched is little more than what was read. */
static void
test_interleaved(void **state)
{
    enum { N = 8 };
    struct fake_object *obj[N];
    struct room m = {{0}};
    struct read_stream *s[N];
    uint64_t k;
    char key[16];
    int i;

    (void)state;
    fake_start(&m.f, 4, 0);
    for (i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        obj[i] = fake_add(&m.f, key, MIB(4), FAKE_FULL);
    }
    room_open(&m, ZIP_HINT_CRC32_FULL, MIB(16), 8);
    room_render(&m, obj);
    for (i = 0; i < N; i++)
        s[i] = open_stream(&m);
    for (k = 0; k < MIB(4); k += 131072)
        for (i = 0; i < N; i++)
            assert_int_equal(
                read_check(&m, s[i], m.l->zip.offset[i] + k, 131072, 0, NULL),
                0);
    for (i = 0; i < N; i++)
        read_stream_close(s[i]);
    assert_true(stats(&m).memory_peak <= MIB(16));
    /* Each may have been a share (12 MiB / 8) and a unit ahead at its end;
     * thrashing would be many times what was read. */
    assert_true(stats(&m).fetched_bytes <= N * (MIB(4) + MIB(2)));
    room_close(&m);
}

/* The kernel sends a burst of requests from several threads: order is
 * not kept, and it is still one stream. */
static void
test_reordered(void **state)
{
    enum { N = 20 };
    struct fake_object *obj[N];
    struct room m = {{0}};
    struct read_stream *s;
    uint64_t at, size;
    char key[16];
    int i;

    (void)state;
    fake_start(&m.f, 4, 100);
    for (i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        obj[i] = fake_add(&m.f, key, MIB(1), FAKE_FULL);
    }
    room_open(&m, ZIP_HINT_CRC32_FULL, MIB(32), 8);
    room_render(&m, obj);
    s = open_stream(&m);
    size = m.l->zip.size;
    assert_int_equal(read_check(&m, s, 0, 131072, 0, NULL), 0);
    for (at = 131072; at + MIB(1) < size; at += MIB(1))
        for (i = 0; i < 8; i++)
            assert_int_equal(
                read_check(&m, s, at + (i * 3 % 8) * 131072, 131072, 0, NULL),
                0);
    assert_in_range(requests(&m).get, N, N + 2);
    read_stream_close(s);
    room_close(&m);
}

/* The kernel's read-ahead asks for the central directory before the last
 * bodies: those tell their CRCs, no HEAD does. */
static void
test_directory_early(void **state)
{
    enum { N = 60 };
    struct fake_object *obj[N];
    struct room m = {{0}};
    struct read_stream *s;
    uint64_t at, dir;
    char key[16];
    int i;

    (void)state;
    fake_start(&m.f, 4, 1000);
    for (i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        obj[i] = fake_add(&m.f, key, KIB(32), FAKE_FULL);
    }
    room_open(&m, ZIP_HINT_CRC32_FULL, MIB(32), 2);
    room_render(&m, obj);
    s = open_stream(&m);
    dir = m.l->zip.offset[N];
    for (at = 0; at < 3 * 65536; at += 65536)
        assert_int_equal(read_check(&m, s, at, 65536, 0, NULL), 0);
    assert_int_equal(read_check(&m, s, dir, 65536, 0, NULL), 0);
    for (; at < dir; at += 65536)
        assert_int_equal(
            read_check(&m, s, at, min_u64(65536, dir - at), 0, NULL), 0);
    assert_int_equal(requests(&m).head, 0);
    assert_in_range(requests(&m).get, N, N + 1);
    read_stream_close(s);
    room_close(&m);
}

/* The kernel reads odd pages behind a run again, by reads that look like a
 * member's beginning too: they cost what they ask for, and the run goes
 * on. */
static void
test_pages_again(void **state)
{
    enum { N = 40 };
    struct fake_object *obj[N];
    struct room m = {{0}};
    struct read_stream *s;
    uint64_t at, fetched;
    char key[16];
    unsigned gets;
    int i;

    (void)state;
    fake_start(&m.f, 4, 100);
    for (i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        obj[i] = fake_add(&m.f, key, MIB(1), FAKE_FULL);
    }
    room_open(&m, ZIP_HINT_CRC32_FULL, MIB(8), 8);
    room_render(&m, obj);
    s = open_stream(&m);
    for (at = 0; at < m.l->zip.offset[30]; at += 131072)
        assert_int_equal(read_check(&m, s, at, 131072, 0, NULL), 0);
    while (fake_running(&m.f))
        usleep(100);
    gets = requests(&m).get;
    fetched = stats(&m).fetched_bytes;
    for (i = 0; i < 10; i++)
        assert_int_equal(
            read_check(&m, s, m.l->zip.offset[i] & ~4095ull, 4096, 0, NULL),
            0);
    assert_true(stats(&m).fetched_bytes - fetched <= 10 * 4096);
    assert_true(requests(&m).get - gets <= 20);
    for (; at < m.l->zip.offset[N]; at += 131072)
        assert_int_equal(read_check(&m, s, at, 131072, 0, NULL), 0);
    assert_in_range(requests(&m).get - gets, 10, 20 + N - 30 + 1);
    read_stream_close(s);
    room_close(&m);
}

static void
test_wait_and_ends(void **state)
{
    struct fake_object *obj[1];
    struct room m = {{0}};
    struct read_stream *s;
    struct got g = GOT_INIT;
    struct err e;
    uint8_t *b;

    (void)state;
    fake_start(&m.f, 2, 0);
    obj[0] = fake_add(&m.f, "a", MIB(3), FAKE_NONE);
    room_open(&m, ZIP_HINT_UNKNOWN, MIB(16), 8);
    room_render(&m, obj);
    s = open_stream(&m);
    b = malloc(m.l->zip.size);
    assert_int_equal(read_wait(s, 0, b, m.l->zip.size, &e), 0);
    assert_memory_equal(b, m.render, m.l->zip.size);
    assert_int_equal(read_wait(s, 10, b, m.l->zip.size, &e), -EIO);
    free(b);
    assert_int_equal(read_range(s, m.l->zip.size, 10, 0, on_got, &g), 0);
    assert_int_equal(g.answers, 1);
    assert_int_equal(g.r, 0);
    assert_int_equal(g.length, 0);
    read_range(s, m.l->zip.size - 5, 1000, 0, on_got, &g);
    wait_got(&g, 2);
    assert_int_equal(g.length, 5);
    read_stream_close(s);
    room_close(&m);
}

/* The archive of nothing. */
static void
test_empty(void **state)
{
    struct room m = {{0}};
    struct read_stream *s;

    (void)state;
    fake_start(&m.f, 2, 0);
    room_open(&m, ZIP_HINT_UNKNOWN, MIB(16), 8);
    room_render(&m, NULL);
    assert_int_equal(m.l->zip.size, 22);
    s = open_stream(&m);
    assert_int_equal(read_check(&m, s, 0, 131072, 0, NULL), 0);
    read_stream_close(s);
    room_close(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_no_crc),
        cmocka_unit_test(test_random_cost),
        cmocka_unit_test(test_directory),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_ahead),
        cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_stale),
        cmocka_unit_test(test_failure_remembered),
        cmocka_unit_test(test_starving),
        cmocka_unit_test(test_close_cancels),
        cmocka_unit_test(test_interleaved),
        cmocka_unit_test(test_reordered),
        cmocka_unit_test(test_directory_early),
        cmocka_unit_test(test_pages_again),
        cmocka_unit_test(test_wait_and_ends),
        cmocka_unit_test(test_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
