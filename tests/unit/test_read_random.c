/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * read/: whatever is asked, in whatever order, by how many threads, under
 * delays, errors and cancellations: the bytes are those of a full render,
 * the budget holds, and every read is answered once.
 */
#include "test_read_help.h"

enum { MEMBERS = 60 };

static uint64_t
next_random(uint64_t *x)
{
    *x = *x * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *x >> 33;
}

/* Sizes around what the reader decides by: nothing, tiny, heap, chunk,
 * unit. */
static uint64_t
some_size(uint64_t *x, uint64_t most)
{
    static const uint64_t edge[] = {0,     1,     100,   8191,  8192,
                                    32768, 32769, 65536, 65537, 131072};

    if (next_random(x) % 2)
        return edge[next_random(x) % ARRAY_SIZE(edge)];
    return next_random(x) % most;
}

static void
fill(struct room *m, struct fake_object **obj, uint64_t seed, uint64_t most)
{
    enum fake_crc kind[] = {FAKE_FULL, FAKE_NONE, FAKE_COMPOSITE};
    char key[40];
    int i;

    for (i = 0; i < MEMBERS; i++) {
        snprintf(key, sizeof(key), "dir%d/member-%d", i / 10, i);
        obj[i] = fake_add(&m->f, key, some_size(&seed, most), kind[i % 3]);
        obj[i]->part = 30000;
    }
    for (i = 0; i < MEMBERS; i++) /* at most 64 parts */
        obj[i]->part = max_u64(obj[i]->part, obj[i]->size / 60);
}

struct job {
    struct room *m;
    uint64_t seed;
    int reads;
    bool forward, hostile;
    unsigned bad;
};

static void
forward_reads(struct job *j, struct read_stream *s)
{
    uint64_t at = 0, size = j->m->l->zip.size;

    for (; at < size; at += 131072)
        j->bad += read_check(j->m, s, at, 131072, 0, NULL) < 0;
}

static void
random_reads(struct job *j, struct read_stream *s)
{
    uint64_t size = j->m->l->zip.size, at, n;
    int i;

    for (i = 0; i < j->reads; i++) {
        at = next_random(&j->seed) % (size + 10);
        n = next_random(&j->seed) % (i % 8 ? 70000 : 400000);
        j->bad += read_check(j->m, s, at, n, i % 5 ? 0 : READ_EXACT, NULL) < 0;
    }
}

/* Reads that are cancelled, streams that are closed in flight. */
static void
hostile_reads(struct job *j)
{
    enum { N = 8 };
    struct got g = GOT_INIT;
    struct read_stream *s;
    uint64_t size = j->m->l->zip.size, id[N];
    int i, k;

    for (i = 0; i < j->reads; i++) {
        g.answers = 0;
        assert_int_equal(read_stream_open(&s, j->m->reader), 0);
        for (k = 0; k < N; k++)
            id[k] = read_range(s, next_random(&j->seed) % size,
                               next_random(&j->seed) % 200000, 0, on_got, &g);
        if (i % 3 == 0)
            usleep(next_random(&j->seed) % 2000);
        for (k = 0; k < N; k += 2)
            read_cancel(s, id[k]);
        if (i % 2)
            wait_got(&g, N);
        read_stream_close(s);
        wait_got(&g, N);
        assert_int_equal(g.answers, N);
    }
}

static void *
run_job(void *user)
{
    struct job *j = user;
    struct read_stream *s;

    if (j->hostile) {
        hostile_reads(j);
        return NULL;
    }
    assert_int_equal(read_stream_open(&s, j->m->reader), 0);
    if (j->forward)
        forward_reads(j, s);
    else
        random_reads(j, s);
    read_stream_close(s);
    return NULL;
}

static unsigned
run(struct room *m, int forward, int random, int hostile, int reads)
{
    enum { MOST = 16 };
    pthread_t t[MOST];
    struct job j[MOST];
    int n = forward + random + hostile, i;
    unsigned bad = 0;

    for (i = 0; i < n; i++) {
        j[i] = (struct job){
            m, i + 1, reads, i < forward, i >= forward + random, 0};
        pthread_create(&t[i], NULL, run_job, &j[i]);
    }
    for (i = 0; i < n; i++) {
        pthread_join(t[i], NULL);
        bad += j[i].bad;
    }
    assert_true(stats(m).memory_peak <= MIB(4));
    return bad;
}

static void
with(enum zip_hint hint, unsigned threads, int forward, int random,
     int hostile, uint64_t most, uint64_t seed)
{
    struct fake_object *obj[MEMBERS];
    struct room m = {{0}};

    fake_start(&m.f, threads, 500);
    fill(&m, obj, seed, most);
    room_open(&m, hint, MIB(4), 8);
    room_render(&m, obj);
    assert_int_equal(run(&m, forward, random, hostile, 60), 0);
    assert_false(atomic_load(&m.l->stale));
    room_close(&m);
}

static void
test_one_by_one(void **state)
{
    (void)state;
    with(ZIP_HINT_UNKNOWN, 0, 0, 1, 0, 300000, 1); /* answers at once */
    with(ZIP_HINT_UNKNOWN, 4, 0, 1, 0, 300000, 2);
    with(ZIP_HINT_OTHER, 4, 0, 1, 0, 300000, 3);
}

static void
test_forward(void **state)
{
    (void)state;
    with(ZIP_HINT_UNKNOWN, 0, 1, 0, 0, 1500000, 4);
    with(ZIP_HINT_UNKNOWN, 6, 1, 0, 0, 1500000, 5);
    with(ZIP_HINT_CRC32_PARTS, 6, 1, 0, 0, 1500000, 6);
    with(ZIP_HINT_UNKNOWN, 6, 5, 0, 0, 1500000, 7);
}

static void
test_all_together(void **state)
{
    (void)state;
    with(ZIP_HINT_UNKNOWN, 6, 2, 3, 2, 800000, 8);
    with(ZIP_HINT_OTHER, 6, 2, 3, 2, 800000, 9);
    with(ZIP_HINT_UNKNOWN, 6, 0, 0, 6, 800000, 10);
}

/* Some fail, the others are right; the same reads later all are. */
static void
test_failing(void **state)
{
    struct fake_object *obj[MEMBERS];
    struct room m = {{0}};
    unsigned bad;
    int i;

    (void)state;
    fake_start(&m.f, 6, 300);
    fill(&m, obj, 11, 800000);
    for (i = 0; i < MEMBERS; i += 3) {
        obj[i]->fail_gets = 1;
        obj[i + 1]->cut_gets = 1;
    }
    room_open(&m, ZIP_HINT_OTHER, MIB(4), 8);
    room_render(&m, obj);
    bad = run(&m, 1, 2, 1, 80);
    assert_true(bad > 0);
    for (i = 0; i < MEMBERS; i++)
        obj[i]->fail_gets = obj[i]->cut_gets = 0;
    usleep(1100000); /* failures are remembered for a second */
    assert_int_equal(run(&m, 1, 2, 0, 80), 0);
    room_close(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_by_one),
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_all_together),
        cmocka_unit_test(test_failing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
