/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The archive parser of s3zip verify: takes what zip/ writes, and notices
 * every changed byte of a record, every cut and every byte too many.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "extract/dir.h"
#include "zip/zip.h"

enum { BODY = 0xee }; /* in no record */

static const char *const names[] = {"a.txt", "d/", "d/\xc3\xa4", "zero"};
static const uint64_t sizes[] = {7, 0, 300, 0};

/* The whole archive, bodies of BODY; the caller frees. */
static uint8_t *
render(size_t *ret)
{
    struct zip_member m[ARRAY_SIZE(names)] = {0};
    struct zip_layout l;
    struct zip_piece p;
    uint8_t *out;
    size_t i;

    for (i = 0; i < ARRAY_SIZE(names); i++) {
        m[i].name = m[i].key = names[i];
        m[i].etag = "";
        m[i].name_len = m[i].key_len = (uint16_t)strlen(names[i]);
        m[i].size = sizes[i];
        m[i].mtime = 1700000000 + (int64_t)i;
    }
    assert_int_equal(zip_layout_init(&l, m, ARRAY_SIZE(names)), 0);
    out = malloc(l.size);
    assert_non_null(out);
    zip_piece_at(&l, 0, &p);
    do {
        if (p.kind == ZIP_PIECE_DATA)
            memset(out + p.first, BODY, p.end - p.first);
        else
            zip_piece_put(out + p.first, &l, &p,
                          p.kind == ZIP_PIECE_END || sizes[p.index] == 0
                              ? 0
                              : 0x12345678u);
    } while (zip_piece_next(&l, &p));
    *ret = l.size;
    zip_layout_free(&l);
    return out;
}

/* All of verify but the CRCs. */
static int
check(int fd, const uint8_t *p, size_t n, struct err *e)
{
    struct source s = {.name = "test", .fd = fd, .size = n};
    struct zdir d;
    uint64_t i;
    int r;

    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, p, n, 0), n);
    r = zdir_read(&d, &s, 1000, e);
    if (r == 0)
        r = zdir_check_ours(&d, e);
    for (i = 0; r == 0 && i < d.count; i++)
        r = zdir_check_local(&d, i, p + d.entry[i].offset, e);
    zdir_free(&d);
    return r;
}

static int
scratch_file(void)
{
    char path[] = "/tmp/test_extract_dir.XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

static void
accepts_ours(void **state)
{
    struct err e = {0};
    size_t n;
    uint8_t *p = render(&n);
    int fd = scratch_file();

    (void)state;
    if (check(fd, p, n, &e) != 0)
        fail_msg("%s", e.text);
    close(fd);
    free(p);
}

static bool
in_body(const uint8_t *p, size_t i)
{
    return p[i] == BODY;
}

/* A CRC in both headers, or a body, is for the scan to find. */
static void
notices_every_byte(void **state)
{
    size_t n, i, bodies = 0;
    uint8_t *p = render(&n);
    int fd = scratch_file();

    (void)state;
    for (i = 0; i < n; i++) {
        struct err e = {0};

        if (in_body(p, i)) {
            bodies++;
            continue;
        }
        p[i] ^= 0x41;
        if (check(fd, p, n, &e) >= 0)
            fail_msg("byte %zu", i);
        assert_int_not_equal(e.num, 0);
        p[i] ^= 0x41;
    }
    assert_int_equal(bodies, 307);
    close(fd);
    free(p);
}

static void
notices_every_cut(void **state)
{
    struct err e = {0};
    size_t n, i;
    uint8_t *p = render(&n), *longer = calloc(1, n + 1);
    int fd = scratch_file();

    (void)state;
    for (i = 0; i < n; i++)
        assert_true(check(fd, p, i, &e) < 0);
    memcpy(longer, p, n);
    assert_true(check(fd, longer, n + 1, &e) < 0);
    memcpy(longer + 1, p, n);
    assert_true(check(fd, longer, n + 1, &e) < 0);
    close(fd);
    free(longer);
    free(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_ours),
        cmocka_unit_test(notices_every_byte),
        cmocka_unit_test(notices_every_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
