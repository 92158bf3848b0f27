/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What zip/ reads back: the digest's serialisation and the central
 * directory of an archive of its own.  Both give again what was written,
 * and take nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "zip/zip.h"

#define M UINT64_C(0xffffffff)

#define MEMBER(n, s, t, e)                                                    \
    {                                                                         \
        .key = n, .name = n, .etag = e, .size = s, .mtime = t,                \
        .key_len = sizeof(n) - 1, .name_len = sizeof(n) - 1,                  \
        .etag_len = sizeof(e) - 1                                             \
    }

/* Directories, zip64 sizes and offsets, times at their ends. */
static const struct zip_member members[] = {
    MEMBER("a", 5, 1700000001, "e1"),
    MEMBER("d/", 0, 0, "e2"),
    MEMBER("\xc3\xa9", M - 1, 315532801, ""),
    MEMBER("big", M, 4294967295, "e-9"),
    MEMBER("behind", 1, 4294967294, "0123456789abcdef"),
    MEMBER("", 0, 1, "x"),
};

static uint32_t
crc_of(size_t i)
{
    return 0x12345678u * (uint32_t)(i + 1);
}

static void
same_members(const struct zip_member *a, const struct zip_member *b, size_t n,
             bool etags)
{
    size_t i;

    for (i = 0; i < n; i++) {
        assert_int_equal(a[i].name_len, b[i].name_len);
        assert_memory_equal(a[i].name, b[i].name, a[i].name_len);
        assert_int_equal(a[i].size, b[i].size);
        assert_int_equal(a[i].mtime, b[i].mtime);
        assert_int_equal(a[i].etag_len, etags ? b[i].etag_len : 0);
        if (etags)
            assert_memory_equal(a[i].etag, b[i].etag, a[i].etag_len);
    }
}

/* -------------------------------------------------------------- digest */

static void
serialise(struct buf *b, const struct zip_member *m, size_t n)
{
    size_t i;

    assert_int_equal(buf_adds(b, zip_digest_head), 0);
    for (i = 0; i < n; i++)
        assert_int_equal(zip_digest_put(b, &m[i]), 0);
}

/* In a block of its exact length, so that a read beyond it is seen. */
static int
parse_digest(const void *p, size_t n, size_t max, struct zip_member **ret,
             size_t *count, void **block)
{
    *block = malloc(n + !n);
    memcpy(*block, p, n);
    return zip_digest_parse(*block, n, max, ret, count);
}

static void
test_digest(void **state)
{
    struct zip_member m[ARRAY_SIZE(members)], *got;
    struct buf b = BUF_INIT(1 << 16);
    size_t count, n, whole;
    void *block;

    (void)state;
    memcpy(m, members, sizeof(m));
    m[0].mtime = -3; /* before 1970 */
    serialise(&b, m, ARRAY_SIZE(m));
    assert_int_equal(parse_digest(b.data, b.len, 6, &got, &count, &block), 0);
    assert_int_equal(count, ARRAY_SIZE(m));
    same_members(got, m, count, true);
    free(got);
    free(block);
    assert_int_equal(parse_digest(b.data, b.len, 5, &got, &count, &block),
                     -EBADMSG);
    free(block);
    /* Cut short it is the members that are whole, or nothing. */
    for (n = 0, whole = 0; n < b.len; n++) {
        int r = parse_digest(b.data, n, 6, &got, &count, &block);

        if (r == 0) {
            assert_int_equal(count, whole++);
            free(got);
        } else {
            assert_int_equal(r, -EBADMSG);
        }
        free(block);
    }
    assert_int_equal(whole, ARRAY_SIZE(m));
    b.data[0] ^= 1;
    assert_int_equal(zip_digest_parse(b.data, b.len, 6, &got, &count),
                     -EBADMSG);
    buf_free(&b);
}

/* ----------------------------------------------------------- directory */

/* The archive from its central directory on. */
static size_t
directory(uint8_t *out, const struct zip_layout *l)
{
    uint64_t cd = l->offset[l->count], len = l->cd_offset[l->count] - cd;
    size_t i;

    for (i = 0; i < l->count; i++)
        zip_cdh_put(out + (l->cd_offset[i] - cd), &l->member[i], l->offset[i],
                    crc_of(i));
    zip_end_put(out + len, l->count, cd, len);
    return (size_t)(l->size - cd);
}

/* By the two steps of a caller that has the last bytes of the archive. */
static int
parse_archive(const uint8_t *p, size_t n, uint64_t size,
              struct zip_directory *ret, void **block)
{
    struct zip_end end;
    size_t tail = n < ZIP_END_MAX ? n : ZIP_END_MAX;
    int r;

    *block = malloc(n);
    memcpy(*block, p, n);
    r = zip_end_parse((uint8_t *)*block + (n - tail), tail, size, &end);
    if (r < 0 || end.cd_offset != size - n)
        return -EBADMSG;
    return zip_directory_parse(ret, *block, &end, size);
}

static void
test_directory(void **state)
{
    static uint8_t bytes[4096];
    struct zip_directory d;
    struct zip_layout l;
    void *block;
    size_t k, n, i;

    (void)state;
    for (k = 0; k <= ARRAY_SIZE(members); k++) {
        assert_int_equal(zip_layout_init(&l, members, k), 0);
        n = directory(bytes, &l);
        assert_int_equal(parse_archive(bytes, n, l.size, &d, &block), 0);
        assert_int_equal(d.layout.count, k);
        assert_int_equal(d.layout.size, l.size);
        same_members(d.member, members, k, false);
        for (i = 0; i < k; i++) {
            assert_int_equal(d.crc[i], crc_of(i));
            assert_int_equal(d.layout.offset[i], l.offset[i]);
        }
        zip_directory_free(&d);
        free(block);
        assert_int_equal(parse_archive(bytes, n, l.size + 1, &d, &block),
                         -EBADMSG);
        free(block);
        zip_layout_free(&l);
    }
}

/* A changed byte is found, or is one that the encoder writes as well: what
 * is taken is always what would be written. */
static void
test_changed(void **state)
{
    static uint8_t bytes[4096], again[4096];
    struct zip_directory d;
    struct zip_layout l;
    size_t n, i, taken = 0;
    void *block;

    (void)state;
    assert_int_equal(zip_layout_init(&l, members, ARRAY_SIZE(members)), 0);
    n = directory(bytes, &l);
    for (i = 0; i < n * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        if (parse_archive(bytes, n, l.size, &d, &block) == 0) {
            size_t cd = (size_t)(l.cd_offset[l.count] - l.offset[l.count]), k;

            for (k = 0; k < d.layout.count; k++)
                zip_cdh_put(again + (d.layout.cd_offset[k] -
                                     d.layout.offset[d.layout.count]),
                            &d.member[k], d.layout.offset[k], d.crc[k]);
            assert_memory_equal(again, bytes, cd);
            zip_directory_free(&d);
            taken++;
        }
        free(block);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    /* CRCs, and bits of names. */
    assert_true(taken >= ARRAY_SIZE(members) * 32 && taken < n * 4);
    zip_layout_free(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_directory),
        cmocka_unit_test(test_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
