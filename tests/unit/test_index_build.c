/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Listings to layouts: paging and its guards, membership, badkeys.
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
#include "golden/zip_golden.h"
#include "test_index_fake.h"

#define DIGEST                                                                \
    "0123456789012345678901234567890123456789012345678901234567890123"

static struct conf conf;

static int
setup(void **state)
{
    (void)state;
    fake_reset();
    fake_conf(&conf);
    conf.order = CONF_ORDER_KEY;
    return 0;
}

/* Lists prefix once with a fresh index. */
static void
once(const char *root, const char *prefix, struct got *g)
{
    struct index *ix = fake_index(&conf, root);

    get_layout(ix, prefix, 0, g);
    assert_int_equal(g->calls, 1);
    fake_index_free(ix);
}

static void
assert_names(const struct layout *l, const char *const *names, size_t n)
{
    size_t i;

    assert_int_equal(l->zip.count, n);
    for (i = 0; i < n; i++) {
        assert_int_equal(l->member[i].name_len, strlen(names[i]));
        assert_memory_equal(l->member[i].name, names[i], strlen(names[i]));
    }
}
#define ASSERT_NAMES(l, ...)                                                  \
    do {                                                                      \
        static const char *const names_[] = {__VA_ARGS__};                    \
        assert_names(l, names_, ARRAY_SIZE(names_));                          \
    } while (0)

static const struct layout_skip *
find_skip(const struct layout *l, const char *key)
{
    size_t i;

    for (i = 0; i < l->skip_count; i++)
        if (l->skip[i].key_len == strlen(key) &&
            memcmp(l->skip[i].key, key, strlen(key)) == 0)
            return &l->skip[i];
    return NULL;
}

/* -------------------------------------------------------------- paging */

static void
many_objects(struct fake_object *o, char (*keys)[24], size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        snprintf(keys[i], sizeof(keys[i]), "p/%07zu", i);
        o[i] = (struct fake_object){
            .key = keys[i], .size = i, .mtime = 100 + (int64_t)(i % 7)};
    }
    fake.object = o;
    fake.count = n;
}

static void
test_pages(void **state)
{
    enum { N = 3456 };
    static char keys[N][24];
    struct fake_object *o = calloc(N, sizeof(*o)), t;
    struct got sorted = {0}, shuffled = {0};
    unsigned seed = 5;
    size_t i, j;

    (void)state;
    many_objects(o, keys, N);
    once("", "p/", &sorted);
    assert_int_equal(sorted.r, 0);
    assert_in_range(fake.lists, 4, 40);
    assert_int_equal(sorted.l->pages, fake.lists);
    assert_int_equal(sorted.l->zip.count, N);
    assert_int_equal(sorted.l->mtime, 106);
    assert_int_equal(fake.works, 1);
    assert_string_equal(sorted.l->member[N - 1].key, "p/0003455");
    assert_string_equal(sorted.l->member[N - 1].name, "0003455");
    for (i = N - 1; i > 0; i--) { /* a store that does not sort */
        j = (size_t)rand_r(&seed) % (i + 1);
        t = o[i];
        o[i] = o[j];
        o[j] = t;
    }
    fake.page = 17;
    once("", "p/", &shuffled);
    assert_int_equal(shuffled.r, 0);
    assert_memory_equal(shuffled.l->digest, sorted.l->digest, 32);
    /* At most 150 bytes an entry, plus its key. */
    assert_true(sorted.l->arena.bytes + N * (sizeof(struct zip_member) + 16) <
                N * (150 + 10) + 300000);
    got_free(&sorted);
    got_free(&shuffled);
    free(o);
}

static void
test_pages_that_do_not_advance(void **state)
{
    enum { N = 50 };
    static const enum fake_fault faults[] = {FAKE_SAME_TOKEN, FAKE_CYCLE,
                                             FAKE_REWIND, FAKE_EMPTY_PAGES,
                                             FAKE_OUTSIDE};
    static char keys[N][24];
    struct fake_object o[N];
    struct got g = {0};
    size_t i;

    (void)state;
    fake.page = 5;
    many_objects(o, keys, N);
    for (i = 0; i < ARRAY_SIZE(faults); i++) {
        fake.fault = faults[i];
        fake.lists = 0;
        once("", "p/", &g);
        assert_int_equal(g.r, -EPROTO);
        assert_null(g.l);
        assert_non_null(strstr(g.e.text, "s3://b/p/: "));
        assert_true(fake.lists < (i == 3 ? 1100 : 60));
    }
    got_free(&g);
}

static void
test_duplicates(void **state)
{
    static const struct fake_object member[] = {{"a", 1}, {"b", 1}, {"a", 1}};
    static const struct fake_object own[] = {{"archive.zip", 1},
                                             {"archive.zip", 2}};
    struct got g = {0};

    (void)state;
    FAKE_SET(member);
    once("", "", &g);
    assert_int_equal(g.r, -EPROTO);
    FAKE_SET(own);
    once("", "", &g);
    assert_int_equal(g.r, -EPROTO);
    got_free(&g);
}

static void
test_errors(void **state)
{
    static const struct fake_object huge[] = {{"a", INT64_MAX}, {"b", 9}};
    struct got g = {0};

    (void)state;
    once("", "p/", &g);
    assert_int_equal(g.r, -ENOENT);
    once("p/", "p/", &g); /* the root may be empty */
    assert_int_equal(g.r, 0);
    assert_int_equal(g.l->zip.size, 22);
    assert_int_equal(g.l->mtime, 0);
    fake.list_err = -EACCES;
    once("", "", &g);
    assert_int_equal(g.r, -EACCES);
    fake.list_err = 0;
    FAKE_SET(huge);
    once("", "", &g);
    assert_int_equal(g.r, -EFBIG);
    got_free(&g);
}

static void
test_max_entries(void **state)
{
    static const struct fake_object objects[] = {
        {"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}};
    struct got g = {0};

    (void)state;
    FAKE_SET(objects);
    fake.page = 2;
    conf.max_entries = 5;
    once("", "", &g);
    assert_int_equal(g.r, 0);
    conf.max_entries = 3;
    fake.lists = 0;
    once("", "", &g);
    assert_int_equal(g.r, -EFBIG);
    assert_int_equal(fake.lists, 2);
    got_free(&g);
}

/* ---------------------------------------------------------- membership */

static void
test_members(void **state)
{
    static const struct fake_object objects[] = {
        {"p/", 0},
        {"p/archive.zip", 9, .digest = DIGEST},
        {"p/d/", 0},
        {"p/d/archive.zip", 5},
        {"p/d/x", 7, "\"e\"", .class = "GLACIER"},
        {"p/e", 8, .class = "DEEP_ARCHIVE", .algorithm = S3_ALG_CRC32,
         .type = S3_TYPE_FULL},
        {"p/f", 8, .class = "GLACIER_IR", .algorithm = S3_ALG_CRC32,
         .type = S3_TYPE_COMPOSITE},
        {"p/g", 8, .algorithm = S3_ALG_OTHER, .type = S3_TYPE_FULL},
        {"p/h", 8, .algorithm = S3_ALG_CRC32},
    };
    static const uint8_t archived[] = {0, 0, 1, 1, 0, 0, 0};
    static const uint8_t hints[] = {0,
                                    0,
                                    0,
                                    ZIP_HINT_CRC32_FULL,
                                    ZIP_HINT_CRC32_PARTS,
                                    ZIP_HINT_OTHER,
                                    ZIP_HINT_UNKNOWN};
    struct got g = {0};
    size_t i;

    (void)state;
    FAKE_SET(objects);
    once("", "p/", &g);
    assert_int_equal(g.r, 0);
    ASSERT_NAMES(g.l, "d/", "d/archive.zip", "d/x", "e", "f", "g", "h");
    for (i = 0; i < 7; i++) {
        assert_int_equal(g.l->member[i].archived, archived[i]);
        assert_int_equal(g.l->member[i].hint, hints[i]);
    }
    assert_int_equal(fake.heads, 1);
    assert_int_equal(g.l->skip_count, 0);
    assert_int_equal(layout_publishable(g.l, CONF_BADKEYS_REFUSE, NULL), 0);
    got_free(&g);
}

static void
test_only_marker_or_archive(void **state)
{
    static const struct fake_object marker[] = {{"p/", 0}};
    static const struct fake_object own[] = {
        {"p/archive.zip", 22, .digest = DIGEST}};
    struct got g = {0};

    (void)state;
    FAKE_SET(marker);
    once("", "p/", &g);
    assert_int_equal(g.r, 0);
    assert_int_equal(g.l->zip.size, 22);
    FAKE_SET(own);
    once("", "p/", &g);
    assert_int_equal(g.r, 0);
    assert_int_equal(g.l->zip.size, 22);
    got_free(&g);
}

/* The stranger may go, other conflicts stay. */
static void
test_stranger_and_conflict(void **state)
{
    static const struct fake_object objects[] = {
        {"a", 1}, {"a/b", 1}, {"archive.zip", 5}};
    struct got g = {0};
    struct err e;

    (void)state;
    FAKE_SET(objects);
    once("", "", &g);
    assert_int_equal(g.l->conflict_count, 2);
    assert_int_equal(layout_publishable_over(g.l, CONF_BADKEYS_REFUSE, &e),
                     -EEXIST);
    assert_null(strstr(e.text, "archive.zip"));
    assert_non_null(strstr(e.text, "1 objects"));
    assert_int_equal(layout_publishable_over(g.l, CONF_BADKEYS_SKIP, &e), 0);
    got_free(&g);
}

static void
test_stranger(void **state)
{
    static const struct fake_object objects[] = {{"a", 1}, {"archive.zip", 5}};
    struct got g = {0};
    struct err e;

    (void)state;
    FAKE_SET(objects);
    once("", "", &g);
    assert_int_equal(g.l->conflict_count, 1);
    assert_int_equal(find_skip(g.l, "archive.zip")->faults,
                     ZIP_CONFLICT_STRANGER);
    assert_int_equal(layout_publishable(g.l, CONF_BADKEYS_REFUSE, &e),
                     -EEXIST);
    assert_non_null(strstr(e.text, "archive.zip"));
    assert_int_equal(layout_publishable(g.l, CONF_BADKEYS_SKIP, NULL), 0);
    assert_int_equal(layout_publishable_over(g.l, CONF_BADKEYS_REFUSE, NULL),
                     0);
    fake.head_err = -EACCES; /* nobody can say that it is ours */
    once("", "", &g);
    assert_int_equal(g.l->conflict_count, 1);
    fake.head_err = -ENOENT;
    once("", "", &g);
    assert_int_equal(g.l->skip_count, 0);
    fake.head_err = -EIO;
    once("", "", &g);
    assert_int_equal(g.r, -EIO);
    fake.head_err = 0;
    conf.badkeys = CONF_BADKEYS_ESCAPE;
    once("", "", &g);
    ASSERT_NAMES(g.l, "a", "archive.zip%");
    assert_int_equal(g.l->skip_count, 0);
    got_free(&g);
}

/* Lists { "a" 1 byte, archive.zip } with what is at the archive's key. */
static void
list_with_twin(struct index *ix, const char *digest, uint64_t size,
               const char *etag, struct got *g)
{
    struct fake_object objects[] = {
        {"a", 1}, {"archive.zip", size, .etag = etag, .digest = digest}};

    FAKE_SET(objects);
    get_layout(ix, "", INDEX_FRESH, g);
    assert_int_equal(g->r, 0);
    assert_int_equal(g->l->zip.count, 1);
    fake.object = NULL;
    fake.count = 0;
}

/* The archive's own key holds this very archive: known, with its ETag,
 * for as long as it is there. */
static void
test_twin(void **state)
{
    struct index *ix = fake_index(&conf, "");
    const struct layout_twin *first, *w;
    struct got g = {0};
    uint64_t size;
    char hex[65];

    (void)state;
    list_with_twin(ix, DIGEST, 5, "one", &g);
    assert_null(atomic_load(&g.l->twin));
    size = g.l->zip.size;
    layout_digest_hex(g.l, hex);
    list_with_twin(ix, hex, size + 1, "one", &g);
    assert_null(atomic_load(&g.l->twin));
    list_with_twin(ix, hex, size, "two", &g);
    first = atomic_load(&g.l->twin);
    assert_non_null(first);
    assert_string_equal(first->etag, "two");
    assert_string_equal(first->key, "archive.zip");
    assert_int_equal(first->key_len, 11);
    assert_true(first->have_crc32);
    assert_int_equal(first->crc32, 77);
    list_with_twin(ix, hex, size, "two", &g);
    assert_ptr_equal(atomic_load(&g.l->twin), first);
    list_with_twin(ix, hex, size, "three", &g);
    w = atomic_load(&g.l->twin);
    assert_string_equal(w->etag, "three");
    assert_string_equal(first->etag, "two"); /* who reads it may go on */
    list_with_twin(ix, DIGEST, size, "four", &g);
    assert_null(atomic_load(&g.l->twin));
    got_free(&g);
    fake_index_free(ix);

    conf.twin = CONF_TWIN_OFF;
    ix = fake_index(&conf, "");
    list_with_twin(ix, hex, size, "two", &g);
    assert_null(atomic_load(&g.l->twin));
    got_free(&g);
    fake_index_free(ix);
}

/* HEAD with the checksum is refused, without it is not. */
static void
test_twin_without_checksum(void **state)
{
    static const struct fake_object objects[] = {
        {"a", 1}, {"archive.zip", 5, .digest = DIGEST}};
    struct got g = {0};

    (void)state;
    FAKE_SET(objects);
    fake.no_checksum = true;
    once("", "", &g);
    assert_int_equal(g.r, 0);
    assert_int_equal(g.l->skip_count, 0);
    assert_int_equal(fake.heads, 2);
    got_free(&g);
}

static void
test_include_exclude(void **state)
{
    static const struct fake_object objects[] = {{"r/p/a.txt", 1},
                                                 {"r/p/archive.zip", 1},
                                                 {"r/p/b.bin", 1},
                                                 {"r/p/s/c.txt", 1}};
    struct got g = {0};
    struct err e = {0};

    (void)state;
    FAKE_SET(objects);
    assert_int_equal(conf_init(&conf), 0);
    conf.order = CONF_ORDER_KEY;
    assert_int_equal(conf_set(&conf, "include", "p/**", &e), 0);
    assert_int_equal(conf_set(&conf, "exclude", "p/*.bin", &e), 0);
    assert_int_equal(conf_set(&conf, "exclude", "p/*.zip", &e), 0);
    once("r/", "r/p/", &g);
    ASSERT_NAMES(g.l, "a.txt", "s/c.txt");
    assert_int_equal(g.l->excluded_count, 2);
    assert_int_equal(g.l->skip_count, 0);
    assert_int_equal(fake.heads, 0);
    got_free(&g);
    conf_free(&conf);
}

/* What the program writes and takes away again, by the whole key. */
static void
test_scratch(void **state)
{
    static const struct fake_object objects[] = {{"r/p/a.txt", 1},
                                                 {"r/p/tmp/b.txt", 1},
                                                 {"r/p/tmp2/c.txt", 1},
                                                 {"r/p/x/r/p/tmp/d", 1}};
    struct got g = {0};
    struct err e = {0};

    (void)state;
    FAKE_SET(objects);
    assert_int_equal(conf_init(&conf), 0);
    conf.order = CONF_ORDER_KEY;
    assert_string_equal(conf.scratch, ".s3zipfs-scratch/");
    assert_int_equal(conf_set(&conf, "scratch", "r/p/tmp/", &e), 0);
    once("r/", "r/p/", &g);
    ASSERT_NAMES(g.l, "a.txt", "tmp2/c.txt", "x/r/p/tmp/d");
    assert_int_equal(g.l->excluded_count, 1);
    got_free(&g);
    conf_free(&conf);
}

/* ------------------------------------------------------------- badkeys */

static const struct fake_object bad[] = {
    {"p/", 3},
    {"p/%", 1},
    {"p/../x", 1},
    {"p//y", 1},
    {"p/CON", 1},
    {"p/a", 1},
    {"p/a-", 1},
    {"p/a/b", 1},
    {"p/con", 1},
    {"p/d/", 4},
    {"p/n\0n", 1, .key_len = 5},
    {"p/t\t", 1},
};

static void
test_badkeys_skip(void **state)
{
    struct got g = {0};
    struct err e;

    (void)state;
    FAKE_SET(bad);
    once("", "p/", &g);
    assert_int_equal(g.r, 0);
    ASSERT_NAMES(g.l, "%", "CON", "a-", "a/b", "con", "t\t");
    assert_int_equal(g.l->poison_count, 3);
    assert_int_equal(g.l->conflict_count, 3);
    assert_int_equal(g.l->soft_count, 3);
    assert_int_equal(g.l->skip_count, 9);
    assert_int_equal(find_skip(g.l, "p/../x")->faults, ZIP_POISON_DOT);
    assert_int_equal(find_skip(g.l, "p/a")->faults, ZIP_CONFLICT_PREFIX);
    assert_int_equal(find_skip(g.l, "p/")->faults, ZIP_CONFLICT_MARKER);
    assert_int_equal(find_skip(g.l, "p/d/")->faults, ZIP_CONFLICT_DIR_DATA);
    assert_int_equal(find_skip(g.l, "p/con")->faults,
                     ZIP_SOFT_CASE | ZIP_SOFT_WINDOWS);
    assert_true(find_skip(g.l, "p/a")->left_out);
    assert_false(find_skip(g.l, "p/con")->left_out);
    assert_int_equal(layout_publishable(g.l, CONF_BADKEYS_REFUSE, &e),
                     -EILSEQ);
    assert_non_null(strstr(e.text, "p/../x (poison: dot component)"));
    assert_int_equal(layout_publishable(g.l, CONF_BADKEYS_SKIP, &e), 0);
    assert_int_equal(fake.logs, 6);
    got_free(&g);
}

static void
test_badkeys_escape(void **state)
{
    struct got g = {0};
    struct err e;

    (void)state;
    FAKE_SET(bad);
    conf.badkeys = CONF_BADKEYS_ESCAPE;
    once("", "p/", &g);
    assert_int_equal(g.r, 0);
    ASSERT_NAMES(g.l, "%", "%25", "%2E%2E/x", "%2Fy", "CON", "a%", "a-", "a/b",
                 "con", "d/%", "n%00n", "t\t");
    assert_int_equal(g.l->poison_count + g.l->conflict_count, 0);
    assert_int_equal(g.l->soft_count, 3);
    assert_string_equal(g.l->member[0].key, "p/");
    assert_string_equal(g.l->member[1].key, "p/%");
    assert_int_equal(layout_publishable(g.l, CONF_BADKEYS_ESCAPE, &e), 0);
    got_free(&g);
}

static void
test_portable_names(void **state)
{
    static const struct fake_object objects[] = {
        {"A", 1}, {"a", 1}, {"b\\", 1}, {"c", 1}, {"con", 1}, {"t\t", 1}};
    struct got g = {0};

    (void)state;
    FAKE_SET(objects);
    conf.portable_names = true;
    once("", "", &g);
    ASSERT_NAMES(g.l, "c");
    assert_int_equal(g.l->poison_count, 5);
    assert_int_equal(g.l->soft_count, 0);
    assert_true(find_skip(g.l, "con")->left_out);
    assert_int_equal(layout_publishable(g.l, CONF_BADKEYS_REFUSE, NULL),
                     -EILSEQ);
    conf.badkeys = CONF_BADKEYS_ESCAPE;
    once("", "", &g);
    ASSERT_NAMES(g.l, "%63on", "b%5C", "c", "t%09");
    assert_int_equal(g.l->poison_count, 2); /* no escape mends twins */
    assert_int_equal(layout_publishable(g.l, CONF_BADKEYS_ESCAPE, NULL),
                     -EILSEQ);
    got_free(&g);
}

/* -------------------------------------------------------------- digest */

/* The golden members, in their order, which is that of their names. */
static void
test_digest(void **state)
{
    struct layout *l = layout_alloc("b", "");
    char hex[65];
    size_t i, n = ARRAY_SIZE(golden_digests);

    (void)state;
    l->member = calloc(n, sizeof(*l->member));
    l->zip.count = n;
    for (i = 0; i < n; i++) {
        const struct golden_digest *d = &golden_digests[n - 1 - i];

        l->member[i] = (struct zip_member){
            .name = d->name,
            .name_len = (uint16_t)d->name_len,
            .size = d->size,
            .mtime = d->mtime,
            .etag = d->etag,
            .etag_len = (uint16_t)d->etag_len,
        };
    }
    assert_int_equal(layout_finish(l, CONF_ORDER_KEY), 0);
    layout_digest_hex(l, hex);
    assert_string_equal(hex, GOLDEN_DIGEST_HEX);
    layout_unref(l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pages, setup),
        cmocka_unit_test_setup(test_pages_that_do_not_advance, setup),
        cmocka_unit_test_setup(test_duplicates, setup),
        cmocka_unit_test_setup(test_errors, setup),
        cmocka_unit_test_setup(test_max_entries, setup),
        cmocka_unit_test_setup(test_members, setup),
        cmocka_unit_test_setup(test_only_marker_or_archive, setup),
        cmocka_unit_test_setup(test_stranger_and_conflict, setup),
        cmocka_unit_test_setup(test_stranger, setup),
        cmocka_unit_test_setup(test_twin, setup),
        cmocka_unit_test_setup(test_twin_without_checksum, setup),
        cmocka_unit_test_setup(test_include_exclude, setup),
        cmocka_unit_test_setup(test_scratch, setup),
        cmocka_unit_test_setup(test_badkeys_skip, setup),
        cmocka_unit_test_setup(test_badkeys_escape, setup),
        cmocka_unit_test_setup(test_portable_names, setup),
        cmocka_unit_test_setup(test_digest, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
