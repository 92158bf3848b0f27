/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Points between keys: inside, ascending, of letters that are safe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "index/split.h"

enum { MOST = 15 };

static struct alphabet alphabet;
static char *point[MOST];
static size_t count;

static struct key_ref
ref(const char *s)
{
    return (struct key_ref){s, s ? strlen(s) : 0};
}

static void
learn(const char *s)
{
    alphabet_learn(&alphabet, ref(s), 0);
}

static void
forget(void)
{
    while (count > 0)
        free(point[--count]);
}

static int
setup(void **state)
{
    (void)state;
    alphabet = (struct alphabet){0};
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    forget();
    return 0;
}

static void
find(const char *first, const char *last, const char *upto, enum split_way way,
     size_t most)
{
    struct stretch s = {ref(first), ref(last), ref(upto), 0};

    forget();
    count = split_points(&alphabet, &s, way, most, point);
}

static void
test_stem(void **state)
{
    (void)state;
    find("data/2020/a", "data/2020/b17", NULL, SPLIT_STEM, MOST);
    assert_int_equal(count, 11);
    assert_string_equal(point[0], "data/2020/b~");
    assert_string_equal(point[1], "data/2020/~");
    assert_string_equal(point[10], "d~");
    find("data/2020/a", "data/2020/b17", NULL, SPLIT_STEM, 1);
    assert_int_equal(count, 1);
    assert_string_equal(point[0], "data/2~");
    find("data/2020/a", "data/2020/b17", "data/~", SPLIT_STEM, MOST);
    assert_string_equal(point[count - 1], "data/2~");
}

static void
test_share(void **state)
{
    (void)state;
    learn("17");
    find("000", "001", NULL, SPLIT_SHARE, 9);
    assert_int_equal(count, 9);
    assert_memory_equal(point[0], "1", 1);
    assert_memory_equal(point[8], "9", 1);
    find("x000", "x001", "x5", SPLIT_SHARE, 1);
    assert_int_equal(count, 1);
    assert_memory_equal(point[0], "x2", 2);
    find("x4", "x5", "x50", SPLIT_SHARE, MOST); /* nothing fits between */
    assert_int_equal(count, 0);
}

/* Neither dots nor slashes nor signs are made up. */
static void
test_letters(void **state)
{
    size_t i;

    (void)state;
    learn("a.b/c-d+e f%\xc3\xa9\x01Z~");
    assert_int_equal(alphabet.count, 7);
    learn("0");
    assert_int_equal(alphabet.count, 17);
    find("0.0", "0.1", NULL, SPLIT_SHARE, MOST);
    assert_int_equal(count, MOST);
    for (i = 0; i < count; i++)
        assert_int_equal(strspn(point[i], "0123456789abcdefZ"),
                         strlen(point[i]));
}

static void
test_awkward_ends(void **state)
{
    size_t i;

    (void)state;
    learn("abc019");
    find("k/a\x01x", "k/a\x01y", NULL, SPLIT_STEM, MOST);
    assert_int_equal(count, 3);
    assert_string_equal(point[0], "k/a~");
    find("k/a\x01x", "k/a\x01y", "k/a\x01z", SPLIT_SHARE, MOST);
    assert_int_equal(count, 0);
    find("\xe3\x81\x82\xe3\x81\x82", "\xe3\x81\x82\xe3\x81\x83", NULL,
         SPLIT_STEM, MOST);
    assert_int_equal(count, 2);
    assert_string_equal(point[0], "\xe3\x81\x82\xe3\x81\x83~");
    assert_string_equal(point[1], "\xe3\x81\x83");
    find("a\xff\xfe", "a\xff\xff", NULL, SPLIT_STEM, MOST);
    for (i = 0; i < count; i++)
        assert_true(text_is_utf8(point[i], strlen(point[i])));
    find("", "", "", SPLIT_STEM, MOST);
    find("~", "~~", NULL, SPLIT_STEM, MOST);
    find("~", "~~", NULL, SPLIT_SHARE, MOST);
}

static void
random_key(char *k, unsigned *seed)
{
    static const char some[] = "0123abcz_~./-% \x01\xc3\xa9\xe3\x81\x82";
    unsigned n = (unsigned)rand_r(seed) % 8;

    while (n-- > 0)
        *k++ = some[(unsigned)rand_r(seed) % (sizeof(some) - 1)];
    *k = '\0';
}

static void
check_points(const char *last, const char *upto, size_t most)
{
    size_t i;

    assert_true(count <= most);
    for (i = 0; i < count; i++) {
        assert_true(strcmp(point[i], i ? point[i - 1] : last) > 0);
        assert_true(!upto || strcmp(point[i], upto) < 0);
        assert_true(key_is_plain(ref(point[i])));
    }
}

static void
test_random(void **state)
{
    char key[3][16];
    unsigned seed = 3, i;
    size_t most;
    char *upto;

    (void)state;
    for (i = 0; i < 60000; i++) {
        if (i % 500 == 0)
            alphabet = (struct alphabet){0};
        random_key(key[0], &seed);
        random_key(key[1], &seed);
        random_key(key[2], &seed);
        learn(key[0]);
        if (strcmp(key[1], key[0]) < 0 || strcmp(key[2], key[1]) <= 0)
            continue;
        most = 1 + i % MOST;
        upto = i % 3 ? key[2] : NULL;
        find(key[0], key[1], upto, i % 2 ? SPLIT_STEM : SPLIT_SHARE, most);
        check_points(key[1], upto, most);
    }
}

/* Numbers 0000..1999 of 0000..9999 were listed in two pages. */
static void
test_rest(void **state)
{
    struct stretch s = {ref("0000"), ref("1999"), ref("9~"), 0};
    double left;

    (void)state;
    learn("0");
    left = split_rest(&alphabet, &s);
    assert_true(left > 3 && left < 6);
    s.first = s.last;
    assert_true(split_rest(&alphabet, &s) < 0);
    s.first = ref("0000");
    s.upto = ref("2");
    left = split_rest(&alphabet, &s);
    assert_true(left >= 0 && left < 0.1);
}

static void
test_plain(void **state)
{
    (void)state;
    assert_true(key_is_plain(ref("a b/\xc3\xa9~")));
    assert_false(key_is_plain(ref("a\nb")));
    assert_false(key_is_plain(ref("a\x7f")));
    assert_false(key_is_plain(ref("a\xff")));
    assert_false(key_is_plain((struct key_ref){"a\0b", 3}));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stem),         TEST(test_share),  TEST(test_letters),
        TEST(test_awkward_ends), TEST(test_random), TEST(test_rest),
        TEST(test_plain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
