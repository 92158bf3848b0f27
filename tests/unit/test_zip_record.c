/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Records against bytes that an independent writer made
 * (golden/make_zip_golden.py), and lengths against the closed forms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "zip/zip.h"
#include "golden/zip_golden.h"

static void
test_golden_headers(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(golden_records); i++) {
        const struct golden_record *g = &golden_records[i];
        struct zip_member m = {.name = g->name,
                               .name_len = (uint16_t)g->name_len,
                               .size = g->size,
                               .mtime = g->mtime};
        uint8_t *out =
            malloc(g->cdh_len > g->loc_len ? g->cdh_len : g->loc_len);

        assert_int_equal(zip_loc_len(&m), g->loc_len);
        zip_loc_put(out, &m, g->offset, g->crc);
        assert_memory_equal(out, g->loc, g->loc_len);
        assert_int_equal(zip_cdh_len(&m, g->offset), g->cdh_len);
        zip_cdh_put(out, &m, g->offset, g->crc);
        assert_memory_equal(out, g->cdh, g->cdh_len);
        free(out);
    }
}

static void
test_golden_ends(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(golden_ends); i++) {
        const struct golden_end *g = &golden_ends[i];
        uint8_t *out = malloc(g->len);

        assert_int_equal(zip_end_len(g->count, g->cd_offset, g->cd_size),
                         g->len);
        zip_end_put(out, g->count, g->cd_offset, g->cd_size);
        assert_memory_equal(out, g->bytes, g->len);
        free(out);
    }
}

static void
test_golden_digest(void **state)
{
    size_t i;

    (void)state;
    assert_string_equal(zip_digest_head, "s3zipfs-layout-1\n");
    for (i = 0; i < ARRAY_SIZE(golden_digests); i++) {
        const struct golden_digest *g = &golden_digests[i];
        struct zip_member m = {.name = g->name,
                               .name_len = (uint16_t)g->name_len,
                               .size = g->size,
                               .mtime = g->mtime,
                               .etag = g->etag,
                               .etag_len = (uint16_t)g->etag_len};
        struct buf b = BUF_INIT(4096);

        assert_int_equal(zip_digest_put(&b, &m), 0);
        assert_int_equal(b.len, g->len);
        assert_memory_equal(b.data, g->bytes, g->len);
        buf_free(&b);
    }
}

/* The closed forms of doc/zip-layout.md over the boundary grid. */
static void
test_length_grid(void **state)
{
    const uint64_t m32 = UINT32_MAX;
    const uint64_t sizes[] = {0, 1, m32 - 2, m32 - 1, m32, m32 + 1};
    const uint64_t offsets[] = {0, m32 - 1, m32, m32 + 1};
    const uint64_t counts[] = {0, 1, 65534, 65535, 65536, 65537};
    size_t i, j, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct zip_member m = {.name = "abc", .name_len = 3, .size = sizes[i]};
        bool big = sizes[i] >= m32;

        assert_int_equal(zip_loc_len(&m), 30 + 3 + 9 + (big ? 20 : 0));
        for (j = 0; j < ARRAY_SIZE(offsets); j++) {
            bool far = offsets[j] >= m32;
            uint32_t z = big || far ? 4 + 16 * big + 8 * far : 0;

            assert_int_equal(zip_cdh_len(&m, offsets[j]), 46 + 3 + 9 + z);
        }
    }
    for (i = 0; i < ARRAY_SIZE(counts); i++)
        for (j = 0; j < ARRAY_SIZE(offsets); j++)
            for (k = 0; k < ARRAY_SIZE(offsets); k++)
                assert_int_equal(
                    zip_end_len(counts[i], offsets[j], offsets[k]),
                    counts[i] >= 65535 || offsets[j] >= m32 ||
                            offsets[k] >= m32
                        ? 98
                        : 22);
}

/* Encoders write exactly their length, and the CRC touches 4 bytes. */
static void
test_put_exactly(void **state)
{
    static uint8_t one[65536 + 128], two[65536 + 128];
    char *name = malloc(65535);
    unsigned seed = 4711;
    uint32_t n, i, differ;
    int round;

    (void)state;
    memset(name, 'n', 65535);
    for (round = 0; round < 300; round++) {
        struct zip_member m = {.name = name};
        uint64_t offset = (uint64_t)rand_r(&seed) << (rand_r(&seed) % 20);

        m.name_len = (uint16_t)(rand_r(&seed) % 65535 + 1);
        m.size = (uint64_t)rand_r(&seed) << (rand_r(&seed) % 20);
        m.mtime = rand_r(&seed);
        memset(one, 0xee, sizeof(one));
        memset(two, 0xee, sizeof(two));
        if (round % 2) {
            n = zip_loc_len(&m);
            zip_loc_put(one, &m, offset, 0);
            zip_loc_put(two, &m, offset, UINT32_MAX);
        } else {
            n = zip_cdh_len(&m, offset);
            zip_cdh_put(one, &m, offset, 0);
            zip_cdh_put(two, &m, offset, UINT32_MAX);
        }
        for (differ = 0, i = 0; i < n; i++)
            differ += one[i] != two[i];
        assert_int_equal(differ, 4);
        for (i = n; i < n + 64; i++)
            assert_int_equal(one[i], 0xee);
    }
    free(name);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_headers),
        cmocka_unit_test(test_golden_ends),
        cmocka_unit_test(test_golden_digest),
        cmocka_unit_test(test_length_grid),
        cmocka_unit_test(test_put_exactly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
