/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Layouts and pieces: closed forms, refusals, and reads by pieces against
 * slices of a whole archive.
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
#include "zip/zip.h"

static uint8_t
body_byte(size_t member, uint64_t at)
{
    return (uint8_t)(member * 37 + at * 11 + 5);
}

static uint32_t
crc_of(size_t member)
{
    return (uint32_t)member * 2654435761u;
}

/* [first, first + length) of the archive, by pieces. */
static void
read_by_pieces(const struct zip_layout *l, uint64_t first, uint64_t length,
               uint8_t *out)
{
    uint8_t record[ZIP_CDH_FIXED + 64 + ZIP_END_MAX];
    uint64_t end = first + length, at;
    struct zip_piece p;

    zip_piece_at(l, first, &p);
    for (;;) {
        assert_true(p.first < p.end && p.end - p.first > 0);
        if (p.kind != ZIP_PIECE_DATA) {
            assert_true(p.end - p.first <= sizeof(record));
            zip_piece_put(record, l, &p, crc_of(p.index));
        }
        for (at = max_u64(first, p.first); at < min_u64(end, p.end); at++)
            *out++ = p.kind == ZIP_PIECE_DATA
                         ? body_byte(p.index, at - p.first)
                         : record[at - p.first];
        if (p.end >= end)
            return;
        at = p.end;
        assert_true(zip_piece_next(l, &p));
        assert_int_equal(p.first, at);
    }
}

static uint8_t *
render(const struct zip_layout *l)
{
    uint8_t *out = malloc(l->size), *p = out;
    uint64_t cd = l->offset[l->count];
    size_t i, k;

    for (i = 0; i < l->count; i++) {
        zip_loc_put(p, &l->member[i], (uint64_t)(p - out), crc_of(i));
        p += zip_loc_len(&l->member[i]);
        for (k = 0; k < l->member[i].size; k++)
            *p++ = body_byte(i, k);
    }
    assert_int_equal(p - out, cd);
    for (i = 0; i < l->count; i++) {
        zip_cdh_put(p, &l->member[i], l->offset[i], crc_of(i));
        p += zip_cdh_len(&l->member[i], l->offset[i]);
    }
    zip_end_put(p, l->count, cd, (uint64_t)(p - out) - cd);
    p += zip_end_len(l->count, cd, (uint64_t)(p - out) - cd);
    assert_int_equal(p - out, l->size);
    return out;
}

static void
test_reads(void **state)
{
    enum { MOST = 12 };
    unsigned seed = 1;
    int round, k;

    (void)state;
    for (round = 0; round < 60; round++) {
        struct zip_member m[MOST];
        struct zip_layout l;
        char names[MOST][40];
        size_t n = (size_t)(rand_r(&seed) % (MOST + 1)), i;
        uint8_t *whole, *part;

        memset(m, 0, sizeof(m));
        for (i = 0; i < n; i++) {
            snprintf(names[i], sizeof(names[i]), "m%zu%.*s", i,
                     rand_r(&seed) % 9, "abcdefgh");
            m[i].name = names[i];
            m[i].name_len = (uint16_t)strlen(names[i]);
            m[i].size =
                (uint64_t)(rand_r(&seed) % 3 ? rand_r(&seed) % 300 : 0);
        }
        assert_int_equal(zip_layout_init(&l, m, n), 0);
        whole = render(&l);
        part = malloc(l.size);
        read_by_pieces(&l, 0, l.size, part);
        assert_memory_equal(part, whole, l.size);
        for (k = 0; k < 100; k++) {
            uint64_t first = (uint64_t)rand_r(&seed) % l.size;
            uint64_t length = (uint64_t)rand_r(&seed) % (l.size - first) + 1;

            read_by_pieces(&l, first, length, part);
            assert_memory_equal(part, whole + first, length);
        }
        free(part);
        free(whole);
        zip_layout_free(&l);
    }
}

/* Every byte is in the piece that zip_piece_at names, and the walk from
 * the first byte ends at the last. */
static void
test_piece_at(void **state)
{
    struct zip_member m[] = {
        {.name = "a", .name_len = 1, .size = 0},
        {.name = "b", .name_len = 1, .size = 3},
        {.name = "c/", .name_len = 2, .size = 0},
        {.name = "d", .name_len = 1, .size = 1},
    };
    static const enum zip_piece_kind kinds[] = {
        ZIP_PIECE_LOC, ZIP_PIECE_LOC,  ZIP_PIECE_DATA, ZIP_PIECE_LOC,
        ZIP_PIECE_LOC, ZIP_PIECE_DATA, ZIP_PIECE_CDH,  ZIP_PIECE_CDH,
        ZIP_PIECE_CDH, ZIP_PIECE_CDH,  ZIP_PIECE_END};
    struct zip_layout l;
    struct zip_piece walk, at;
    size_t step = 0;
    uint64_t i;

    (void)state;
    assert_int_equal(zip_layout_init(&l, m, 4), 0);
    zip_piece_at(&l, 0, &walk);
    for (i = 0; i < l.size; i++) {
        if (i == walk.end) {
            assert_true(zip_piece_next(&l, &walk));
            step++;
        }
        assert_int_equal(walk.kind, kinds[step]);
        zip_piece_at(&l, i, &at);
        assert_int_equal(at.kind, walk.kind);
        assert_int_equal(at.index, walk.index);
        assert_int_equal(at.first, walk.first);
        assert_int_equal(at.end, walk.end);
    }
    assert_int_equal(step + 1, ARRAY_SIZE(kinds));
    assert_int_equal(walk.end, l.size);
    assert_int_equal(walk.index, 4);
    assert_false(zip_piece_next(&l, &walk));
    zip_layout_free(&l);
}

static void
test_empty(void **state)
{
    struct zip_layout l;
    struct zip_piece p;
    uint8_t out[22];

    (void)state;
    assert_int_equal(zip_layout_init(&l, NULL, 0), 0);
    assert_int_equal(l.size, 22);
    zip_piece_at(&l, 21, &p);
    assert_int_equal(p.kind, ZIP_PIECE_END);
    assert_int_equal(p.first, 0);
    zip_piece_put(out, &l, &p, 0);
    assert_memory_equal(out, "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
    assert_false(zip_piece_next(&l, &p));
    zip_layout_free(&l);
}

/* The closed forms, with headers at and around 2^32 - 1. */
static void
test_boundaries(void **state)
{
    const uint64_t m32 = UINT32_MAX;
    int64_t shift;
    uint64_t s;

    (void)state;
    for (s = m32 - 2; s <= m32 + 1; s++) {
        struct zip_member m = {.name = "big", .name_len = 3, .size = s};
        struct zip_layout l;

        assert_int_equal(zip_layout_init(&l, &m, 1), 0);
        assert_int_equal(l.offset[1], 42 + (s >= m32 ? 20 : 0) + s);
        assert_int_equal(l.cd_offset[1] - l.offset[1],
                         58 + (s >= m32 ? 20 : 0));
        assert_int_equal(l.size, l.cd_offset[1] + 98);
        zip_layout_free(&l);
    }
    for (shift = -1; shift <= 1; shift++) { /* the second header, the CD */
        struct zip_member m[2] = {{.name = "x", .name_len = 1},
                                  {.name = "y", .name_len = 1}};
        struct zip_layout l;
        bool far = shift >= 0;

        m[0].size = m32 + (uint64_t)shift - 40;
        assert_int_equal(zip_layout_init(&l, m, 2), 0);
        assert_int_equal(l.offset[1], m32 + (uint64_t)shift);
        assert_int_equal(l.cd_offset[2] - l.cd_offset[0],
                         56 + 56 + (far ? 12 : 0));
        assert_int_equal(l.size, l.cd_offset[2] + 98);
        zip_layout_free(&l);

        assert_int_equal(zip_layout_init(&l, m, 1), 0);
        assert_int_equal(l.offset[1], m32 + (uint64_t)shift);
        assert_int_equal(l.size, l.cd_offset[1] + (far ? 98 : 22));
        zip_layout_free(&l);
    }
}

static void
test_counts(void **state)
{
    struct zip_member *m = calloc(65537, sizeof(*m));
    size_t n;

    (void)state;
    for (n = 0; n < 65537; n++) {
        m[n].name = "n";
        m[n].name_len = 1;
    }
    for (n = 65534; n <= 65537; n++) {
        struct zip_layout l;
        struct zip_piece p;

        assert_int_equal(zip_layout_init(&l, m, n), 0);
        assert_int_equal(l.size, n * (40 + 56) + (n >= 65535 ? 98 : 22));
        zip_piece_at(&l, l.size - 1, &p);
        assert_int_equal(p.end - p.first, n >= 65535 ? 98 : 22);
        zip_layout_free(&l);
    }
    free(m);
}

static void
test_refusals(void **state)
{
    const uint64_t most = INT64_MAX;
    struct zip_member m[2] = {{.name = "a", .name_len = 1},
                              {.name = "b", .name_len = 1}};
    static const uint64_t hostile[] = {INT64_MAX, (uint64_t)INT64_MAX + 1,
                                       UINT64_MAX, UINT64_MAX - 59};
    struct zip_layout l;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(hostile); i++) {
        m[0].size = hostile[i];
        assert_int_equal(zip_layout_init(&l, m, 1), -EFBIG);
    }
    m[0].size = m[1].size = most / 2;
    assert_int_equal(zip_layout_init(&l, m, 2), -EFBIG);
    m[0].size = most - 60 - 76 - 98; /* exactly 2^63 - 1 bytes */
    assert_int_equal(zip_layout_init(&l, m, 1), 0);
    assert_int_equal(l.size, most);
    zip_layout_free(&l);
    m[0].size++;
    assert_int_equal(zip_layout_init(&l, m, 1), -EFBIG);
    assert_int_equal(zip_layout_init(&l, m, UINT32_MAX), -EFBIG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),  cmocka_unit_test(test_piece_at),
        cmocka_unit_test(test_empty),  cmocka_unit_test(test_boundaries),
        cmocka_unit_test(test_counts), cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
