/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The emitter of JSON: its bytes, and that what it writes is JSON.
 */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/emit.h"

static void
document(struct emit *w)
{
    emit_begin(w, NULL, '{');
    emit_u64(w, "size", UINT64_MAX);
    emit_crc32(w, "crc32", 0xbeef);
    emit_time(w, "time", 951782400, -1); /* a leap day */
    emit_begin(w, "list", '[');
    emit_begin(w, NULL, '{');
    emit_real(w, "whole", 2);
    emit_bool(w, "yes", true);
    emit_end(w, '}');
    emit_null(w, NULL);
    emit_end(w, ']');
    emit_begin(w, "empty", '[');
    emit_end(w, ']');
    emit_end(w, '}');
}

static void
expect(unsigned line_from, const char *want)
{
    CLEANUP_BUF struct buf b = BUF_INIT(KIB(4));
    struct emit w = {.out = &b, .line_from = line_from};

    document(&w);
    assert_int_equal(emit_finish(&w), 0);
    assert_string_equal(buf_str(&b), want);
}

static void
test_shapes(void **state)
{
    (void)state;
    expect(0, "{\"size\":18446744073709551615,\"crc32\":\"0000beef\","
              "\"time\":\"2000-02-29T00:00:00Z\",\"list\":[{\"whole\":2.0,"
              "\"yes\":true},null],\"empty\":[]}\n");
    expect(3, "{\n \"size\": 18446744073709551615,\n"
              " \"crc32\": \"0000beef\",\n"
              " \"time\": \"2000-02-29T00:00:00Z\",\n \"list\": [\n"
              "  {\"whole\":2.0,\"yes\":true},\n  null\n ],\n"
              " \"empty\": []\n}\n");
    expect(EMIT_LINES, "{\n \"size\": 18446744073709551615,\n"
                       " \"crc32\": \"0000beef\",\n"
                       " \"time\": \"2000-02-29T00:00:00Z\",\n"
                       " \"list\": [\n  {\n   \"whole\": 2.0,\n"
                       "   \"yes\": true\n  },\n  null\n ],\n"
                       " \"empty\": []\n}\n");
}

/* Any bytes: a parser of others gives back UTF-8 as it was, and the rest as
 * the logs have it. */
static void
test_text(void **state)
{
    static const struct {
        const char *text, *back;
    } row[] = {
        {"", ""},
        {"\"\\/\b\t\n\x1f\x7f", "\"\\/\b\t\n\x1f\x7f"},
        {"gr\xc3\xbc\xc3\x9f \xf0\x9f\x97\x9c", "gr\xc3\xbc\xc3\x9f "
                                                "\xf0\x9f\x97\x9c"},
        {"a\xffz", "a\\xffz"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        CLEANUP_BUF struct buf b = BUF_INIT(KIB(4));
        struct emit w = {.out = &b};
        json_t *j;

        emit_begin(&w, NULL, '[');
        emit_word(&w, NULL, row[i].text);
        emit_end(&w, ']');
        assert_int_equal(emit_finish(&w), 0);
        j = json_loadb(b.data, b.len, 0, NULL);
        assert_non_null(j);
        assert_string_equal(json_string_value(json_array_get(j, 0)),
                            row[i].back);
        json_decref(j);
    }
}

static void
test_times(void **state)
{
    CLEANUP_BUF struct buf b = BUF_INIT(KIB(4));
    struct emit w = {.out = &b};

    (void)state;
    emit_begin(&w, NULL, '[');
    emit_time(&w, NULL, 0, 7);
    emit_time(&w, NULL, -1, -1);
    emit_time(&w, NULL, 253402300799, -1);
    emit_time(&w, NULL, 253402300800, -1);
    emit_time(&w, NULL, INT64_MAX, -1);
    emit_end(&w, ']');
    assert_int_equal(emit_finish(&w), 0);
    assert_string_equal(buf_str(&b),
                        "[\"1970-01-01T00:00:00.007Z\","
                        "\"1969-12-31T23:59:59Z\","
                        "\"9999-12-31T23:59:59Z\",null,null]\n");
}

static int
count(void *user, struct buf *out)
{
    size_t *sum = user;

    *sum += out->len;
    buf_reset(out);
    return *sum > MIB(1) ? -ENOSPC : 0;
}

/* A long document is flushed as it comes; the first error ends it. */
static void
test_flush(void **state)
{
    CLEANUP_BUF struct buf b = BUF_INIT(KIB(128)), small = BUF_INIT(16);
    size_t sum = 0, i;
    struct emit w = {.out = &b, .flush = count, .user = &sum};
    struct emit s = {.out = &small};

    (void)state;
    emit_begin(&w, NULL, '[');
    for (i = 0; i < 300000; i++)
        emit_u64(&w, NULL, 1000000);
    emit_end(&w, ']');
    assert_int_equal(emit_finish(&w), -ENOSPC);
    assert_true(sum > MIB(1) && sum < MIB(1) + KIB(128));
    document(&s);
    assert_int_equal(emit_finish(&s), -EMSGSIZE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_flush),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
