/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The reader of archives.  The strict one of verify takes what zip/ writes,
 * and notices every changed byte of a record, every cut and every byte too
 * many; the other one takes what any sane archive has, and no more.
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

#include "base/buf.h"
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

/* What verify believes a copied range must hold. */
static void
foresees_local_headers(void **state)
{
    struct err e = {0};
    size_t n;
    uint8_t *p = render(&n), *want;
    int fd = scratch_file();
    struct source s = {.name = "test", .fd = fd, .size = n};
    struct zdir d;
    uint64_t i;

    (void)state;
    assert_int_equal(pwrite(fd, p, n, 0), n);
    assert_int_equal(zdir_read(&d, &s, 1000, &e), 0);
    for (i = 0; i < d.count; i++) {
        want = malloc(zdir_local_len(&d, i));
        zdir_local_put(&d, i, want);
        assert_memory_equal(want, p + d.entry[i].offset,
                            zdir_local_len(&d, i));
        free(want);
    }
    zdir_free(&d);
    close(fd);
    free(p);
}

/* ------------------------------------------------- archives of others */

/* One that is made by hand: entries of bytes, each record as asked for. */
struct made {
    struct buf out, cd;
    unsigned count;
    size_t shift; /* offsets are told less that */
};

struct how {
    const char *name;
    unsigned flags, method;
    uint32_t crc, packed, size;
    const char *extra;             /* of the central header */
    size_t extra_len, local_extra; /* the latter: zeros */
    bool wrong_name;
};

static void
put_n(struct buf *b, uint64_t v, unsigned n)
{
    for (; n > 0; n--, v >>= 8)
        assert_int_equal(buf_addc(b, (char)(v & 0xff)), 0);
}

static void
add(struct made *z, const struct how *h)
{
    size_t at = z->out.len - z->shift, n = strlen(h->name), i;
    bool later = h->flags & ZDIR_DESCRIPTOR;

    put_n(&z->out, ZDIR_LOCAL_SIG, 4);
    put_n(&z->out, 20, 2);
    put_n(&z->out, h->flags, 2);
    put_n(&z->out, h->method, 2);
    put_n(&z->out, 0, 4);
    put_n(&z->out, later ? 0 : h->crc, 4);
    put_n(&z->out, later ? 0 : h->packed, 4);
    put_n(&z->out, later ? 0 : h->size, 4);
    put_n(&z->out, n, 2);
    put_n(&z->out, h->local_extra, 2);
    buf_add(&z->out, h->wrong_name ? "?????????" : h->name, n);
    put_n(&z->out, 0, (unsigned)h->local_extra);
    for (i = 0; i < h->packed && i < 1000; i++)
        buf_addc(&z->out, 'x');
    put_n(&z->cd, ZDIR_CENTRAL_SIG, 4);
    put_n(&z->cd, 20, 2);
    put_n(&z->cd, 20, 2);
    put_n(&z->cd, h->flags, 2);
    put_n(&z->cd, h->method, 2);
    put_n(&z->cd, 0, 4);
    put_n(&z->cd, h->crc, 4);
    put_n(&z->cd, h->packed, 4);
    put_n(&z->cd, h->size, 4);
    put_n(&z->cd, n, 2);
    put_n(&z->cd, h->extra_len, 2);
    put_n(&z->cd, 0, 2 + 2 + 2 + 4);
    put_n(&z->cd, at, 4);
    buf_add(&z->cd, h->name, n);
    if (h->extra_len)
        buf_add(&z->cd, h->extra, h->extra_len);
    z->count++;
}

static void
end(struct made *z, const char *comment)
{
    size_t at = z->out.len - z->shift;

    buf_add(&z->out, z->cd.data, z->cd.len);
    put_n(&z->out, ZDIR_END_SIG, 4);
    put_n(&z->out, 0, 4);
    put_n(&z->out, z->count, 2);
    put_n(&z->out, z->count, 2);
    put_n(&z->out, z->cd.len, 4);
    put_n(&z->out, at, 4);
    put_n(&z->out, strlen(comment), 2);
    buf_adds(&z->out, comment);
}

static struct made
made_new(void)
{
    return (struct made){BUF_INIT(1 << 20), BUF_INIT(1 << 20), 0, 0};
}

/* Reads it as extract does; the words of what is wrong, or "". */
static void
read_made(struct made *z, char words[640], uint64_t *ret_body)
{
    struct err e = {0};
    struct zdir d;
    uint32_t *order = NULL;
    uint64_t i, limit, body;
    int fd = scratch_file(), r;
    struct source s = {.name = "test", .fd = fd, .size = z->out.len};

    assert_int_equal(pwrite(fd, z->out.data, z->out.len, 0), z->out.len);
    r = zdir_read(&d, &s, 1000, &e);
    if (r == 0 && !(order = zdir_order(&d, &e)))
        r = -e.num;
    for (i = 0; r == 0 && i < d.count; i++) {
        limit = i + 1 < d.count ? d.entry[order[i + 1]].offset : d.cd_offset;
        r = zdir_check_any(&d, order[i],
                           (uint8_t *)z->out.data + d.entry[order[i]].offset,
                           limit, &body, &e);
        if (ret_body)
            *ret_body = body;
    }
    assert_int_equal(r, -e.num);
    snprintf(words, 640, "%s", e.text);
    free(order);
    zdir_free(&d);
    close(fd);
    buf_free(&z->out);
    buf_free(&z->cd);
}

static void
takes_what_others_write(void **state)
{
    struct how plain = {"a", 0, 0, 1, 5, 5, NULL, 0, 0, false};
    struct how later = {"b", 8, 8, 2, 9, 99, NULL, 0, 40, false};
    struct made z = made_new();
    char words[640];
    uint64_t body;
    size_t want;

    (void)state;
    buf_adds(&z.out, "#! a program in front");
    z.shift = z.out.len;
    add(&z, &plain);
    buf_adds(&z.out, "a gap");
    want = z.out.len + ZDIR_LOCAL_LEN + 1 + 40;
    add(&z, &later);
    buf_adds(&z.out, "PK\7\10 and a descriptor");
    end(&z, "PK\5\6 a comment that looks like an end record");
    read_made(&z, words, &body);
    assert_string_equal(words, "");
    assert_int_equal(body, want);
}

/* Each is one entry that is wrong in one way. */
static void
refuses_what_lies(void **state)
{
    static const char cut[] = "\1\0\10\0\1\2\3";
    static const char other[] = "\2\0\0\0";
    static const struct {
        struct how how;
        const char *words;
    } cases[] = {
        {{"a", 0, 0, 1, 5, 6, NULL, 0, 0, false}, "sizes differ"},
        {{"a", 0, 0, 1, 5000, 5000, NULL, 0, 0, false}, "reaches into"},
        {{"a", 0, 8, 1, 5, UINT32_MAX, NULL, 0, 0, false}, "is missing"},
        {{"a", 0, 8, 1, 5, UINT32_MAX, cut, 7, 0, false}, "is cut"},
        {{"a", 0, 8, 1, 5, UINT32_MAX, other, 4, 0, false}, "is missing"},
        {{"a", 0, 8, 1, UINT32_MAX, 5, "\1\0\4\0\1\2\3\4", 8, 0, false},
         "too short"},
        {{"a", 0, 0, 1, 5, 5, NULL, 0, 0, true}, "local name differs"},
    };
    char words[640];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        struct made z = made_new();

        add(&z, &cases[i].how);
        end(&z, "");
        read_made(&z, words, NULL);
        if (!strstr(words, cases[i].words))
            fail_msg("case %zu: %s", i, words);
    }
}

static void
refuses_shared_bytes(void **state)
{
    struct how a = {"a", 0, 0, 1, 50, 50, NULL, 0, 0, false};
    struct made z = made_new();
    char words[640];

    (void)state;
    add(&z, &a);
    a.name = "b";
    a.packed = a.size = 10;
    add(&z, &a);
    /* the second one says that it begins in the first one's body */
    z.cd.data[ZDIR_CENTRAL_LEN + 1 + 42] = 40;
    end(&z, "");
    read_made(&z, words, NULL);
    assert_non_null(strstr(words, "overlaps"));
}

/* A local extra field that pushes the body into what is behind it. */
static void
refuses_a_pushed_body(void **state)
{
    struct how a = {"a", 0, 0, 1, 50, 50, NULL, 0, 0, false};
    struct made z = made_new();
    char words[640];

    (void)state;
    add(&z, &a);
    z.out.data[28] = 1; /* its length */
    end(&z, "");
    read_made(&z, words, NULL);
    assert_non_null(strstr(words, "overlaps what is behind"));
}

static void
bounds_the_directory(void **state)
{
    struct how a = {"a", 0, 0, 0, 0, 0, NULL, 0, 0, false};
    struct made z = made_new();
    char words[640];
    unsigned i;

    (void)state;
    for (i = 0; i < 1001; i++)
        add(&z, &a);
    end(&z, "");
    read_made(&z, words, NULL);
    assert_non_null(strstr(words, "max_entries"));
}

/* No input makes it read outside of itself: every byte changed, every cut. */
static void
survives_anything(void **state)
{
    struct how a = {"a", 0, 0, 1, 5, 5, NULL, 0, 3, false};
    struct how b = {"bb", 8, 8, 1, 7, 30, NULL, 0, 0, false};
    char words[640];
    size_t i, n;

    (void)state;
    for (i = 0, n = 1; i < 2 * n; i++) {
        struct made z = made_new();

        add(&z, &a);
        add(&z, &b);
        end(&z, "c");
        n = z.out.len;
        if (i < n)
            z.out.data[i] ^= (char)0x81;
        else
            z.out.len -= i - n;
        read_made(&z, words, NULL);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_ours),
        cmocka_unit_test(notices_every_byte),
        cmocka_unit_test(notices_every_cut),
        cmocka_unit_test(foresees_local_headers),
        cmocka_unit_test(takes_what_others_write),
        cmocka_unit_test(refuses_what_lies),
        cmocka_unit_test(refuses_shared_bytes),
        cmocka_unit_test(refuses_a_pushed_body),
        cmocka_unit_test(bounds_the_directory),
        cmocka_unit_test(survives_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
