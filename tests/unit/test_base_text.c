/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * base/: buffers, codecs and their refusals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/err.h"
#include "base/text.h"

static void
test_buf_max(void **state)
{
    struct buf b = BUF_INIT(5);

    (void)state;
    assert_int_equal(buf_adds(&b, "abc"), 0);
    assert_int_equal(buf_adds(&b, "def"), -EMSGSIZE);
    assert_string_equal(buf_str(&b), "abc");
    assert_int_equal(buf_addf(&b, "%d", 42), 0);
    assert_string_equal(buf_str(&b), "abc42");
    assert_int_equal(buf_addc(&b, '!'), -EMSGSIZE);
    buf_free(&b);
}

static void
test_arena(void **state)
{
    struct arena a = {0};
    char *first = arena_dup(&a, "a\0b", 3), *p;
    int i;

    (void)state;
    for (i = 0; i < 100000; i++) {
        p = arena_dup(&a, "0123456789", 10);
        assert_non_null(p);
    }
    p = arena_alloc(&a, 1 << 20);
    memset(p, 'x', 1 << 20);
    assert_memory_equal(first, "a\0b", 4);
    arena_free(&a);
}

static void
test_base64(void **state)
{
    static const char *const plain[] = {"",     "f",     "fo",    "foo",
                                        "foob", "fooba", "foobar"};
    static const char *const coded[] = {
        "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    char out[16], back[16];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(plain); i++) {
        size_t n = strlen(plain[i]);

        text_base64(out, plain[i], n);
        assert_string_equal(out, coded[i]);
        assert_true(text_unbase64(back, n, out));
        assert_memory_equal(back, plain[i], n);
    }
    assert_false(text_unbase64(back, 1, "Zh=="));
    assert_false(text_unbase64(back, 1,
                               "Zg=="
                               "=="));
    assert_false(text_unbase64(back, 1, "Zg=a"));
    assert_false(text_unbase64(back, 3, "Zm9?"));
}

static void
test_crc_text(void **state)
{
    char out[9];
    uint32_t v;

    (void)state;
    text_crc32(out, 0xcbf43926);
    assert_string_equal(out, "y/Q5Jg==");
    assert_true(text_parse_crc32(&v, out));
    assert_int_equal(v, 0xcbf43926);
    assert_false(text_parse_crc32(&v, "y/Q5Jg==-2"));
    assert_false(text_parse_crc32(&v, ""));
}

static void
test_percent(void **state)
{
    unsigned char all[256];
    struct buf b = BUF_INIT(4096), back = BUF_INIT(4096);
    int i;

    (void)state;
    for (i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    assert_int_equal(text_percent(&b, all, 256, true), 0);
    assert_non_null(strstr(buf_str(&b), "%2B"));
    assert_non_null(strstr(buf_str(&b), "%2C-./0"));
    assert_int_equal(text_unpercent(&back, b.data, b.len, false), 0);
    assert_int_equal(back.len, 256);
    assert_memory_equal(back.data, all, 256);
    buf_reset(&back);
    assert_int_equal(text_unpercent(&back, "a+b%2B", 6, true), 0);
    assert_string_equal(buf_str(&back), "a b+");
    assert_int_equal(text_unpercent(&back, "%4", 2, false), -EINVAL);
    assert_int_equal(text_unpercent(&back, "%zz", 3, false), -EINVAL);
    buf_free(&b);
    buf_free(&back);
}

static void
test_escape(void **state)
{
    char out[64], tiny[12];

    (void)state;
    text_escape(out, sizeof(out), "a\nb\x1b\xff\\\xc3\xa9", 8);
    assert_string_equal(out, "a\\x0ab\\x1b\\xff\\x5c\xc3\xa9");
    text_escape(out, sizeof(out), "\xc2\x9b", 2);
    assert_string_equal(out, "\\xc2\\x9b");
    text_escape(tiny, sizeof(tiny), "abcdefghijklmnopq", 17);
    assert_true(strlen(tiny) < sizeof(tiny));
    assert_string_equal(tiny + strlen(tiny) - 3, "...");
}

static void
test_utf8(void **state)
{
    (void)state;
    assert_true(text_is_utf8("", 0));
    assert_true(text_is_utf8("z\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10));
    assert_false(text_is_utf8("\xc0\xaf", 2));
    assert_false(text_is_utf8("\xed\xa0\x80", 3));
    assert_false(text_is_utf8("\xf4\x90\x80\x80", 4));
    assert_false(text_is_utf8("\xe2\x82", 2));
    assert_false(text_is_utf8("\x80", 1));
}

static void
test_numbers(void **state)
{
    uint64_t v;
    char out[16];

    (void)state;
    assert_true(text_parse_u64(&v, "18446744073709551615"));
    assert_true(v == UINT64_MAX);
    assert_false(text_parse_u64(&v, "18446744073709551616"));
    assert_false(text_parse_u64(&v, "-1"));
    assert_false(text_parse_u64(&v, ""));
    assert_true(text_parse_size(&v, "128M"));
    assert_true(v == MIB(128));
    assert_true(text_parse_size(&v, "2GiB"));
    assert_true(v == GIB(2));
    assert_false(text_parse_size(&v, "2X"));
    assert_false(text_parse_size(&v, "16777216T"));
    assert_string_equal(text_size(out, 512), "512 B");
    assert_string_equal(text_size(out, MIB(3) / 2), "1.5 MiB");
}

static void
test_err(void **state)
{
    struct err e = {0};

    (void)state;
    assert_int_equal(err_set(&e, EIO, "%s", "inner"), -EIO);
    assert_int_equal(err_prefix(&e, "outer %d", 1), -EIO);
    assert_string_equal(e.text, "outer 1: inner");
    assert_int_equal(err_set(NULL, EPERM, "x"), -EPERM);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_max), cmocka_unit_test(test_arena),
        cmocka_unit_test(test_base64),  cmocka_unit_test(test_crc_text),
        cmocka_unit_test(test_percent), cmocka_unit_test(test_escape),
        cmocka_unit_test(test_utf8),    cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_err),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
