/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A deflated body in memory: right, and wrong in each way that its header
 * can lie.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "extract/unpack.h"

enum { SIZE = 5000 };

/* Raw deflate of SIZE bytes; its length. */
static size_t
deflated(uint8_t *plain, uint8_t *out, size_t max)
{
    z_stream z = {0};
    unsigned i;

    for (i = 0; i < SIZE; i++)
        plain[i] = (uint8_t)(i * i >> 5);
    assert_int_equal(
        deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
        Z_OK);
    z.next_in = plain;
    z.avail_in = SIZE;
    z.next_out = out;
    z.avail_out = (uInt)max;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return max - z.avail_out;
}

/* In memory of exactly these sizes. */
static const char *
try(const uint8_t *in, size_t n, size_t size, const uint8_t *want)
{
    uint8_t *copy = malloc(n ? n : 1), *out = malloc(size + 1);
    const char *what;

    memcpy(copy, in, n);
    what = inflate_whole(copy, n, out, size);
    if (!what && want)
        assert_memory_equal(out, want, size);
    free(copy);
    free(out);
    return what;
}

static void
test_right_and_wrong(void **state)
{
    uint8_t plain[SIZE], in[2 * SIZE];
    size_t n = deflated(plain, in, sizeof(in)), i;

    (void)state;
    assert_null(try(in, n, SIZE, plain));
    assert_non_null(strstr(try(in, n, SIZE - 1, NULL), "longer"));
    assert_non_null(strstr(try(in, n, SIZE + 1, NULL), "shorter"));
    assert_non_null(strstr(try(in, n + 1, SIZE, NULL), "behind"));
    for (i = 0; i < n; i++)
        assert_non_null(try(in, i, SIZE, NULL));
    /* Whatever a byte does, nothing is written beyond the size. */
    for (i = 0; i < n; i++) {
        in[i] ^= 0x55;
        try(in, n, SIZE, NULL);
        try(in, n, 10, NULL);
        in[i] ^= 0x55;
    }
    /* An empty file is two bytes. */
    assert_null(try((const uint8_t *)"\3", 2, 0, NULL));
    assert_non_null(try((const uint8_t *)"", 0, 0, NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_and_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
