/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * read/: ranges asked for once more when they are slow, ranges asked for
 * before there is memory for them, and how readers share it.
 */
#include "read/impl.h"
#include "test_read_help.h"

enum { N = 48, SIZE = 300000 };

static void
start(struct room *m, struct fake_object **obj, unsigned threads,
      uint64_t memory, unsigned connections)
{
    char key[16];
    int i;

    fake_start(&m->f, threads, 3000);
    for (i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        obj[i] = fake_add(&m->f, key, SIZE, FAKE_FULL);
    }
    room_open(m, ZIP_HINT_CRC32_FULL, memory, connections);
    room_render(m, obj);
}

static void
read_member(struct room *m, struct read_stream *s, int i)
{
    assert_int_equal(read_check(m, s, zip_data_offset(&m->l->zip, i) + 1000,
                                200000, 0, NULL),
                     0);
}

/* Reads that make a p99 believable; each looks for slow ranges. */
static void
read_some(struct room *m, int first, int end)
{
    struct read_stream *s;
    int i;

    for (i = first; i < end; i++) {
        s = open_stream(m);
        read_member(m, s, i);
        read_stream_close(s);
    }
    fake_settle(&m->f);
}

static void
settle(struct room *m)
{
    while (fake_running(&m->f))
        usleep(100);
    fake_settle(&m->f);
}

static void
wait_stuck(struct room *m, unsigned n)
{
    while (fake_stuck(&m->f) < n)
        usleep(100);
}

/* One that says nothing: the read is answered by a second request, on a
 * new connection, and the first one is ended. */
static void
test_stuck(void **state)
{
    struct got g = GOT_INIT;
    struct fake_object *obj[N];
    struct room m = {{0}};
    struct read_stream *s;

    (void)state;
    start(&m, obj, 4, MIB(64), 8);
    fake_p99(&m.f, 700);
    read_some(&m, 0, 33);
    obj[40]->stuck_gets = 1;
    g.out = malloc(SIZE);
    s = open_stream(&m);
    read_range(s, zip_data_offset(&m.l->zip, 40), 100000, 0, on_got, &g);
    wait_stuck(&m, 1);
    fake_pass(1300); /* less than twice the p99 */
    read_some(&m, 33, 34);
    assert_int_equal(stats(&m).reissued, 0);
    fake_pass(200);
    read_some(&m, 34, 35);
    wait_got(&g, 1);
    assert_int_equal(g.r, 0);
    assert_memory_equal(g.out, m.render + zip_data_offset(&m.l->zip, 40),
                        100000);
    settle(&m);
    assert_int_equal(stats(&m).reissued, 1);
    assert_int_equal(fake_fresh(&m.f), 1);
    assert_int_equal(fake_cancelled(&m.f), 1);
    assert_int_equal(obj[40]->gets, 2);
    read_stream_close(s);
    free(g.out);
    room_close(&m);
}

/* The second one fails too soon: the first goes on, alone. */
static void
test_second_fails(void **state)
{
    struct got g = GOT_INIT;
    struct fake_object *obj[N];
    struct room m = {{0}};
    struct read_stream *s;

    (void)state;
    start(&m, obj, 4, MIB(64), 8);
    read_some(&m, 0, 33);
    obj[40]->stuck_gets = 1;
    obj[40]->fail_gets = 1;
    s = open_stream(&m);
    read_range(s, zip_data_offset(&m.l->zip, 40), 100000, 0, on_got, &g);
    wait_stuck(&m, 1);
    fake_pass(60000);
    read_some(&m, 33, 34);
    while (fake_running(&m.f) > 1)
        usleep(100);
    assert_int_equal(stats(&m).reissued, 1);
    assert_int_equal(g.answers, 0);
    read_some(&m, 34, 35); /* and is not sent a third time */
    while (fake_running(&m.f) > 1)
        usleep(100);
    assert_int_equal(obj[40]->gets, 2);
    read_stream_close(s);
    wait_got(&g, 1);
    assert_int_equal(g.r, -ECANCELED);
    room_close(&m);
}

/* All are slow at once: that is the store. */
static void
test_slow_store(void **state)
{
    struct got g = GOT_INIT;
    struct fake_object *obj[N];
    struct room m = {{0}};
    struct read_stream *s[4], *more;
    int i;

    (void)state;
    start(&m, obj, 4, MIB(64), 8);
    read_some(&m, 0, 33);
    fake_hold(&m.f, true);
    for (i = 0; i < 4; i++) {
        s[i] = open_stream(&m);
        read_range(s[i], zip_data_offset(&m.l->zip, 40 + i), 100000, 0, on_got,
                   &g);
    }
    fake_pass(60000);
    more = open_stream(&m);
    read_range(more, zip_data_offset(&m.l->zip, 45), 1000, 0, on_got, &g);
    fake_settle(&m.f);
    assert_int_equal(stats(&m).reissued, 0);
    fake_hold(&m.f, false);
    wait_got(&g, 5);
    read_stream_close(more);
    assert_int_equal(g.r, 0);
    assert_int_equal(fake_fresh(&m.f), 0);
    for (i = 0; i < 4; i++)
        read_stream_close(s[i]);
    room_close(&m);
}

/* However many are slow, one after the other: few are sent again. */
static void
test_bounded(void **state)
{
    struct fake_object *obj[N];
    struct room m = {{0}};
    int i;

    (void)state;
    start(&m, obj, 8, MIB(64), 8);
    read_some(&m, 0, 33);
    for (i = 33; i < 40; i++) {
        struct got g = GOT_INIT;
        struct read_stream *s = open_stream(&m);

        obj[i]->stuck_gets = 1;
        read_range(s, zip_data_offset(&m.l->zip, i), 1000, 0, on_got, &g);
        wait_stuck(&m, (unsigned)i - 32);
        fake_pass(60000);
        read_some(&m, i + 7, i + 8);
        read_stream_close(s);
        wait_got(&g, 1);
        settle(&m);
    }
    assert_int_equal(stats(&m).reissued, 1);
    room_close(&m);
}

/* ---------------------------------------------------------------- early */

enum { FIRST = 8 };

/* A reader that asked for much at once, has it and does not give it back:
 * what it wants next waits for memory. */
static struct read_stream *
fill_window(struct room *m, struct fake_object **obj, struct got *g)
{
    struct read_stream *s;
    int i;

    start(m, obj, 4, MIB(8), 32);
    m->pool->line.rate = UINT64_C(1) << 50; /* a long, fast line */
    s = open_stream(m);
    fake_hold(&m->f, true);
    for (i = 0; i < FIRST; i++) {
        g[i] = (struct got)GOT_INIT;
        g[i].keep = true;
        read_range(s, i * (uint64_t)SIZE, SIZE, 0, on_got, &g[i]);
    }
    fake_hold(&m->f, false);
    for (i = 0; i < FIRST; i++)
        wait_got(&g[i], 1);
    while (!fake_paused(&m->f))
        usleep(100);
    return s;
}

static void
give_back(struct got *g)
{
    int i;

    for (i = 0; i < FIRST; i++)
        read_view_release(g[i].kept);
}

/* Beyond the window's bytes requests go out, and wait for memory: never
 * more bytes than the budget, nothing twice, every byte right. */
static void
test_early(void **state)
{
    struct fake_object *obj[N];
    struct room m = {{0}};
    struct read_stream *s;
    struct got g[FIRST];
    uint64_t at;

    (void)state;
    s = fill_window(&m, obj, g);
    give_back(g);
    for (at = FIRST * SIZE; at < m.l->zip.offset[N]; at += 100000)
        assert_int_equal(read_check(&m, s, at, 100000, 0, NULL), 0);
    settle(&m);
    assert_int_equal(requests(&m).get, N);
    assert_true(stats(&m).memory_peak <= MIB(8) - MIB(8) / 16);
    read_stream_close(s);
    room_close(&m);
}

/* A read of what waits for memory gets it, whatever was asked for first;
 * closing ends what waits. */
static void
test_early_demanded(void **state)
{
    struct fake_object *obj[N];
    struct room m = {{0}};
    struct read_stream *s, *other;
    struct got g[FIRST];
    int i;

    (void)state;
    s = fill_window(&m, obj, g);
    other = open_stream(&m);
    for (i = N - 1; i > FIRST; i--)
        read_member(&m, other, i);
    give_back(g);
    read_stream_close(s);
    read_stream_close(other);
    settle(&m);
    room_close(&m);
}

/* ----------------------------------------------------------------- idle */

/* A reader that waits for a slow store rests not: what was asked for ahead
 * of it is not given up, to be asked for again. */
static void
test_waiting_is_not_idle(void **state)
{
    enum { BEFORE = 6, HELD = 24 };
    struct fake_object *obj[N];
    struct got g[HELD];
    struct room m = {{0}};
    struct read_stream *s;
    uint64_t at = 0;
    int i;

    (void)state;
    start(&m, obj, 4, MIB(64), 8);
    s = open_stream(&m);
    for (i = 0; i < BEFORE; i++, at += SIZE)
        assert_int_equal(read_check(&m, s, at, SIZE, 0, NULL), 0);
    settle(&m);
    fake_hold(&m.f, true);
    for (i = 0; i < HELD; i++, at += SIZE) {
        g[i] = (struct got)GOT_INIT;
        read_range(s, at, SIZE, 0, on_got, &g[i]);
        if (!g[i].answers) /* it waits, longer than a reader rests */
            fake_pass(READ_IDLE_MS + 1000);
    }
    assert_int_equal(g[HELD - 1].answers, 0);
    fake_hold(&m.f, false);
    for (i = 0; i < HELD; i++) {
        wait_got(&g[i], 1);
        assert_int_equal(g[i].r, 0);
    }
    assert_int_equal(read_check(&m, s, at, m.l->zip.offset[N] - at, 0, NULL),
                     0);
    settle(&m);
    /* Of a slow range's two requests one is ended. */
    assert_true(fake_cancelled(&m.f) <= stats(&m).reissued);
    assert_int_equal(requests(&m).get, N + stats(&m).reissued);
    read_stream_close(s);
    room_close(&m);
}

/* ---------------------------------------------------------------- share */

/* Two that go forward, turn by turn: neither claims more than its share,
 * and nothing is fetched twice. */
static void
test_share(void **state)
{
    struct fake_object *obj[N];
    struct room m = {{0}};
    struct read_stream *s[2];
    struct cursor *c;
    uint64_t at[2], end;
    int i;

    (void)state;
    start(&m, obj, 4, MIB(4), 8);
    at[0] = 0;
    at[1] = end = m.l->zip.offset[N / 2];
    for (i = 0; i < 2; i++)
        s[i] = open_stream(&m);
    while (at[0] < end) {
        for (i = 0; i < 2; i++, at[i - 1] += 100000)
            assert_int_equal(read_check(&m, s[i], at[i], 100000, 0, NULL), 0);
        pthread_mutex_lock(&m.pool->lock);
        TAILQ_FOREACH(c, &m.pool->cursors, link)
            assert_true(at[0] < 400000 ||
                        c->claimed - c->early <= m.pool->ahead_max / 2);
        pthread_mutex_unlock(&m.pool->lock);
    }
    settle(&m);
    /* At its end the first one has its share fetched of what the other had
     * read long ago. */
    assert_true(requests(&m).get <= N + m.pool->ahead_max / 2 / SIZE + 1);
    for (i = 0; i < 2; i++)
        read_stream_close(s[i]);
    room_close(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stuck),
        cmocka_unit_test(test_second_fails),
        cmocka_unit_test(test_slow_store),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_early),
        cmocka_unit_test(test_early_demanded),
        cmocka_unit_test(test_waiting_is_not_idle),
        cmocka_unit_test(test_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
