/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Long listings, read side by side: the same layout as one walker makes,
 * whatever the keys look like, in fewer rounds; and what happens on stores
 * that cannot be split.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "index/index_impl.h"
#include "test_index_fake.h"

enum { N = 20000, PAGE = 50, KEY_SIZE = 120, KEY_ROOM = 100 };

static struct conf conf;
static struct fake_object object[N];
static char key[N][KEY_SIZE];

/* ---------------------------------------------------------------- shapes */

static unsigned seed;

static unsigned
below(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

static void __attribute__((format(printf, 2, 3)))
put(char *k, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(k, KEY_ROOM, fmt, ap);
    va_end(ap);
}

static void
flat(char *k, unsigned i)
{
    put(k, "%08u.dat", i);
}

static void
plain_numbers(char *k, unsigned i)
{
    put(k, "file%u", i);
}

static void
tree(char *k, unsigned i)
{
    put(k, "table/year=%u/month=%02u/day=%02u/part-%05u", 2020 + i / 5000,
        i / 500 % 10, i / 50 % 10, i % 50);
}

static void
uuid(char *k, unsigned i)
{
    put(k, "%08x-%04x-4%03x-%04x-%06x%06x", below(1u << 30) * 4,
        below(1 << 16), below(1 << 12), below(1 << 16), below(1 << 24), i);
}

/* Thai and Greek: no letter that a point could use. */
static void
utf8(char *k, unsigned i)
{
    unsigned a = i % 40, b = i / 40 % 25, c = i / 1000;

    put(k, "\xe0\xb8%c\xce%c\xce%c", 0x81 + a, 0xb1 + b % 14 * 1, 0xb1);
    put(k + strlen(k), "\xcf%c\xe0\xb8%c", 0x80 + b / 14, 0x81 + c);
}

static void
utf8_and_numbers(char *k, unsigned i)
{
    put(k, "\xd0\xb4\xd0\xb0/\xc3\xa9t\xc3\xa9 %u", i);
}

static void
long_prefix(char *k, unsigned i)
{
    put(k,
        "a/very/long/way/down/to/where/the/objects-of-this/bucket=are/"
        "kept/%u/%u",
        i % 37, i / 37);
}

static void
skewed(char *k, unsigned i)
{
    put(k, i % 20 ? "m/hot/%06u" : "%c/cold%06u", i % 20 ? i : 'a' + i % 26,
        i);
}

static void
control(char *k, unsigned i)
{
    put(k, "a\tb\x01/%06u", i);
}

/* Signs that sort around the slash, and percent-encoded ones. */
static void
signs(char *k, unsigned i)
{
    static const char sign[] = " !+-./0%&=~";

    put(k, "d%c%c/%c%u", sign[i % 10], sign[i / 10 % 10], sign[i / 100 % 10],
        i);
}

static void
words(char *k, unsigned i)
{
    unsigned n = 1 + below(12);

    while (n-- > 0)
        *k++ = (char)(below(9) ? 'a' + below(26) : ' ' + below(95));
    put(k, "%u", i);
}

static int
object_cmp(const void *a, const void *b)
{
    const struct fake_object *x = a, *y = b;

    return strcmp(x->key, y->key);
}

static void
make(void (*shape)(char *k, unsigned i), unsigned n)
{
    unsigned i;

    seed = 7;
    for (i = 0; i < n; i++) {
        strcpy(key[i], "p/");
        shape(key[i] + 2, i);
        object[i] = (struct fake_object){
            .key = key[i], .size = i % 9000, .mtime = 1000 + i % 77};
    }
    qsort(object, n, sizeof(*object), object_cmp);
    fake.object = object;
    fake.count = n;
}

/* ------------------------------------------------------------------ help */

static int
setup(void **state)
{
    (void)state;
    fake_reset();
    fake_conf(&conf);
    conf.badkeys = CONF_BADKEYS_SKIP;
    fake.page = PAGE;
    return 0;
}

/* Answers all that is under way, then what came of it: rounds. */
static unsigned
rounds(struct index *ix, struct got *g, unsigned flags)
{
    unsigned n = 0;

    got_free(g);
    index_layout(ix, "p/", flags, got_layout, g);
    while (fake.open > 0) {
        pump_steps(fake.open);
        n++;
    }
    pump();
    return n;
}

static void
serially(struct got *g)
{
    struct index *ix;

    conf.connections = 1;
    ix = fake_index(&conf, "");
    get_layout(ix, "p/", 0, g);
    fake_index_free(ix);
    conf.connections = 0;
    fake.most = 0;
    fake.lists = fake.probes = 0;
}

static void
assert_same(const struct layout *a, const struct layout *b)
{
    assert_int_equal(a->zip.count, b->zip.count);
    assert_memory_equal(a->digest, b->digest, 32);
    assert_memory_equal(a->fingerprint, b->fingerprint, 32);
    assert_true(layout_same(a, b));
}

/* ----------------------------------------------------------------- tests */

static void
test_shapes(void **state)
{
    static const struct {
        const char *name;
        void (*shape)(char *k, unsigned i);
        unsigned rounds; /* of 400 pages: at most */
    } cases[] = {
        {"flat", flat, 50},
        {"numbers", plain_numbers, 50},
        {"tree", tree, 60},
        {"uuid", uuid, 50},
        {"utf8", utf8, 110},
        {"utf8 and numbers", utf8_and_numbers, 50},
        {"long prefix", long_prefix, 50},

        {"skewed", skewed, 60},
        {"control", control, 401},
        {"signs", signs, 80},
        {"words", words, 50},
    };
    struct got serial = {0}, g = {0};
    struct index *ix;
    unsigned n;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        make(cases[i].shape, N);
        serially(&serial);
        assert_int_equal(serial.r, 0);
        ix = fake_index(&conf, "");
        n = rounds(ix, &g, 0);
        print_message("%s: %u rounds, %u lists, %u probes, %u at once\n",
                      cases[i].name, n, fake.lists, fake.probes, fake.most);
        assert_int_equal(g.r, 0);
        assert_same(g.l, serial.l);
        assert_true(fake.most <= SCAN_SLOTS);
        assert_true(n <= cases[i].rounds);
        assert_true(fake.lists - fake.probes < N / PAGE * 5 / 4);
        assert_true(fake.probes < N / PAGE * 5 / 4);
        assert_false(ix->no_split);
        fake_index_free(ix);
    }
    got_free(&g);
    got_free(&serial);
}

/* Answers in any order; lengths around the page. */
static void
test_any_order(void **state)
{
    static void (*const shapes[])(char *k, unsigned i) = {
        flat, tree, uuid, utf8_and_numbers, skewed, signs, words, utf8};
    struct got serial = {0}, g = {0};
    struct index *ix;
    size_t i, j;

    (void)state;
    for (i = 0; i < 160; i++) {
        fake.page = 1 + i % 20;
        make(shapes[i % ARRAY_SIZE(shapes)], (unsigned)(i * 13 + 1));
        for (j = 0; j < fake.count && i % 5 == 0; j++)
            object[j].etag = j % 3 ? "x" : NULL;
        serially(&serial);
        ix = fake_index(&conf, "");
        fake.shuffle = (unsigned)i + 1;
        get_layout(ix, "p/", 0, &g);
        assert_int_equal(g.r, 0);
        assert_same(g.l, serial.l);
        get_layout(ix, "p/", INDEX_FRESH, &g);
        assert_same(g.l, serial.l);
        fake.shuffle = 0;
        fake_index_free(ix);
    }
    got_free(&g);
    got_free(&serial);
}

/* Three pages: nothing is asked that one walker would not ask. */
static void
test_short(void **state)
{
    struct got g = {0};
    struct index *ix = fake_index(&conf, "");
    unsigned n;

    (void)state;
    for (n = 1; n <= 3 * PAGE; n += PAGE / 2) {
        make(flat, n);
        fake.lists = 0;
        assert_int_equal(rounds(ix, &g, INDEX_FRESH), (n + PAGE - 1) / PAGE);
        assert_int_equal(fake.lists, (n + PAGE - 1) / PAGE);
        assert_int_equal(g.l->zip.count, n);
    }
    got_free(&g);
    fake_index_free(ix);
}

/* The second listing begins side by side, and makes no new layout. */
static void
test_again(void **state)
{
    struct got g = {0}, h = {0};
    struct index *ix = fake_index(&conf, "");
    unsigned first, second;

    (void)state;
    make(uuid, N);
    first = rounds(ix, &g, 0);
    assert_int_equal(ix->built, 1);
    fake.probes = 0;
    second = rounds(ix, &h, INDEX_FRESH);
    print_message("%u rounds, then %u\n", first, second);
    assert_true(second < first && second <= N / PAGE / 16 + 2);
    assert_ptr_equal(g.l, h.l);
    assert_int_equal(ix->built, 1); /* neither ordered nor hashed anew */
    assert_int_equal(g.l->listed_ms, fake.now);
    layout_set_stale(g.l, 0);
    rounds(ix, &h, 0);
    assert_int_equal(ix->built, 1);
    assert_false(g.l->stale);
    object[N / 2].etag = "other";
    rounds(ix, &h, INDEX_FRESH);
    assert_int_equal(ix->built, 2);
    assert_ptr_not_equal(g.l, h.l);
    got_free(&g);
    got_free(&h);
    fake_index_free(ix);
}

/* What is left out, and who is a stranger, is part of "nothing changed". */
static void
test_again_when_it_matters(void **state)
{
    static struct fake_object small[] = {
        {"p/../x", 1}, {"p/a", 1}, {"p/archive.zip", 7}};
    struct got g = {0}, h = {0};
    struct index *ix = fake_index(&conf, "");

    (void)state;
    FAKE_SET(small);
    get_layout(ix, "p/", 0, &g);
    get_layout(ix, "p/", INDEX_FRESH, &h);
    assert_ptr_equal(g.l, h.l);
    assert_int_equal(ix->built, 1);
    small[2].digest =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    get_layout(ix, "p/", INDEX_FRESH, &h); /* it is ours now */
    assert_int_equal(ix->built, 2);
    assert_int_equal(h.l->conflict_count, 0);
    small[1].class = "GLACIER";
    get_layout(ix, "p/", INDEX_FRESH, &h);
    assert_int_equal(ix->built, 3);
    assert_int_equal(h.l->member[0].archived, 1);
    got_free(&g);
    got_free(&h);
    fake_index_free(ix);
}

static void
shuffle_from(size_t first)
{
    size_t i, j;

    for (i = fake.count - 1; i > first; i--) {
        struct fake_object t = object[i];

        j = first + below((unsigned)(i - first + 1));
        object[i] = object[j];
        object[j] = t;
    }
}

/* A store whose pages do not ascend: from the start, or seen late. */
static void
test_unsorted_store(void **state)
{
    static const size_t from[] = {0, 3 * PAGE, N / 2, N - 3};
    struct got serial = {0}, g = {0};
    struct index *ix;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(from); i++) {
        make(flat, N);
        shuffle_from(from[i]);
        serially(&serial);
        assert_int_equal(serial.l->zip.count, N);
        ix = fake_index(&conf, "");
        get_layout(ix, "p/", 0, &g);
        assert_int_equal(g.r, 0);
        assert_same(g.l, serial.l);
        assert_true(ix->no_split);
        fake.most = 0;
        get_layout(ix, "p/", INDEX_FRESH, &g);
        assert_int_equal(fake.most, 1);
        assert_same(g.l, serial.l);
        fake_index_free(ix);
    }
    got_free(&g);
    got_free(&serial);
}

/* Directories before what sorts before their slash: a tree walked by its
 * components. */
static int
component_cmp(const void *a, const void *b)
{
    const unsigned char *x =
        (const void *)((const struct fake_object *)a)->key;
    const unsigned char *y =
        (const void *)((const struct fake_object *)b)->key;

    for (; *x && *x == *y; x++)
        y++;
    return (*x == '/' ? 1 : *x) - (*y == '/' ? 1 : *y);
}

static void
test_tree_walking_store(void **state)
{
    struct got serial = {0}, g = {0};
    struct index *ix;

    (void)state;
    make(signs, N);
    qsort(object, N, sizeof(*object), component_cmp);
    serially(&serial);
    ix = fake_index(&conf, "");
    get_layout(ix, "p/", 0, &g);
    assert_int_equal(g.r, 0);
    assert_same(g.l, serial.l);
    fake_index_free(ix);
    got_free(&g);
    got_free(&serial);
}

static void
test_no_start_after(void **state)
{
    static const enum fake_fault faults[] = {FAKE_NO_AFTER,
                                             FAKE_AFTER_REFUSED};
    struct got serial = {0}, g = {0};
    struct index *ix;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(faults); i++) {
        fake.fault = FAKE_SOUND;
        make(tree, N);
        serially(&serial);
        fake.fault = faults[i];
        ix = fake_index(&conf, "");
        get_layout(ix, "p/", 0, &g);
        assert_int_equal(g.r, 0);
        assert_same(g.l, serial.l);
        assert_true(ix->no_split);
        assert_true(fake.lists < N / PAGE + 2 * SCAN_SLOTS);
        fake_index_free(ix);
        /* The store changes its mind when we know where to cut. */
        fake.fault = FAKE_SOUND;
        ix = fake_index(&conf, "");
        get_layout(ix, "p/", 0, &g);
        fake.fault = faults[i];
        get_layout(ix, "p/", INDEX_FRESH, &g);
        assert_int_equal(g.r, 0);
        assert_same(g.l, serial.l);
        fake_index_free(ix);
    }
    got_free(&g);
    got_free(&serial);
}

/* A key twice is an error still, also across a border. */
static void
test_twice(void **state)
{
    struct got g = {0};
    struct index *ix;
    size_t at;

    (void)state;
    for (at = 1; at < N; at += N / 7) {
        make(flat, N);
        object[at] = object[at - 1];
        ix = fake_index(&conf, "");
        get_layout(ix, "p/", 0, &g);
        assert_int_equal(g.r, -EPROTO);
        assert_non_null(strstr(g.e.text, "twice"));
        fake_index_free(ix);
    }
    got_free(&g);
}

static void
test_too_many(void **state)
{
    struct got g = {0};
    struct index *ix = fake_index(&conf, "");
    unsigned at;

    (void)state;
    make(uuid, N);
    conf.max_entries = N / 2;
    get_layout(ix, "p/", 0, &g);
    assert_int_equal(g.r, -EFBIG);
    assert_int_equal(fake.open, 0);
    at = fake.lists;
    assert_true(at - fake.probes < N / PAGE / 2 + 2 * SCAN_SLOTS);
    conf.max_entries = N;
    get_layout(ix, "p/", INDEX_FRESH, &g);
    assert_int_equal(g.r, 0);
    got_free(&g);
    fake_index_free(ix);
}

/* A failure in the middle ends all walkers, and answers once. */
static void
test_failure(void **state)
{
    struct got g = {0};
    struct index *ix;
    unsigned steps;

    (void)state;
    make(words, N);
    for (steps = 0; steps < 400; steps += 23) {
        ix = fake_index(&conf, "");
        got_free(&g);
        index_layout(ix, "p/", 0, got_layout, &g);
        pump_steps(steps);
        fake.list_err = -EACCES;
        fake.shuffle = steps;
        pump();
        fake.list_err = 0;
        fake.shuffle = 0;
        assert_int_equal(g.calls, 1);
        assert_int_equal(g.r, -EACCES);
        assert_int_equal(fake.open, 0);
        get_layout(ix, "p/", 0, &g);
        assert_int_equal(g.r, 0);
        fake_index_free(ix);
    }
    got_free(&g);
}

/* An index that is freed while walkers are under way leaks nothing. */
static void
test_freed_under_way(void **state)
{
    struct index *ix;
    struct got g = {0};

    (void)state;
    make(tree, N);
    ix = fake_index(&conf, "");
    index_layout(ix, "p/", 0, got_layout, &g);
    pump_steps(60);
    assert_true(fake.open > 4);
    fake_index_free(ix);
    assert_int_equal(g.calls, 0);
}

#define TEST(t) cmocka_unit_test_setup(t, setup)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_shapes),
        TEST(test_any_order),
        TEST(test_short),
        TEST(test_again),
        TEST(test_again_when_it_matters),
        TEST(test_unsorted_store),
        TEST(test_tree_walking_store),
        TEST(test_no_start_after),
        TEST(test_twice),
        TEST(test_too_many),
        TEST(test_failure),
        TEST(test_freed_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
