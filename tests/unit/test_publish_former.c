/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Archives that were published before: what is kept of them in a real
 * state file, what is given back and what is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "test_former_help.h"

static void
sql(struct store *s, const char *text)
{
    struct sqlite3 *db = state_lock(s->st);

    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_true(sqlite3_changes(db) > 0);
    state_unlock(s->st);
}

static void
same(const struct zip_layout *a, const struct zip_layout *b)
{
    size_t i;

    assert_int_equal(a->count, b->count);
    assert_int_equal(a->size, b->size);
    for (i = 0; i < a->count; i++) {
        const struct zip_member *x = &a->member[i], *y = &b->member[i];

        assert_int_equal(a->offset[i], b->offset[i]);
        assert_int_equal(zip_member_name_cmp(x, y), 0);
        assert_true(x->size == y->size && x->mtime == y->mtime);
        assert_int_equal(x->etag_len, y->etag_len);
        assert_memory_equal(x->etag, y->etag, x->etag_len);
    }
}

/* --------------------------------------------------------------- tests */

static void
test_kept(void **state)
{
    struct store *s = *state;
    size_t counts[] = {0, 1, 5000}, k;

    for (k = 0; k < ARRAY_SIZE(counts); k++) {
        struct layout *l = make_layout(counts[k], 100, NULL);
        struct former *f;
        char digest[65];

        layout_digest_hex(l, digest);
        save(s, "x.zip", "etag-1", l);
        state_close(s->st); /* another process */
        state_open(&s->st, s->dir);
        f = load(s, "x.zip", "etag-1", digest);
        assert_non_null(f);
        same(&f->zip, &l->zip);
        assert_string_equal(f->digest, digest);
        assert_string_equal(f->etag, "etag-1");
        former_free(f);
        layout_unref(l);
    }
}

static void
test_other(void **state)
{
    struct store *s = *state;
    struct layout *l = make_layout(10, 100, NULL),
                  *m = make_layout(11, 100, NULL);
    struct former *f;
    char digest[65], other[65];

    layout_digest_hex(l, digest);
    layout_digest_hex(m, other);
    assert_null(load(s, "x.zip", "etag-1", digest));
    assert_false(former_known(s->st, "http://e", "b", "x.zip", 5));
    save(s, "x.zip", "etag-1", l);
    assert_true(former_known(s->st, "http://e", "b", "x.zip", 5));
    assert_false(former_known(s->st, "http://e", "b", "y.zip", 5));
    assert_null(load(s, "y.zip", "etag-1", digest));
    assert_null(load(s, "x.zip", "etag-2", digest));
    assert_null(load(s, "x.zip", "etag-1", other));
    assert_null(load(s, "x.zip", "", digest));
    assert_null(load(s, "x.zip", "etag-1", ""));
    assert_null(
        former_load(s->st, "http://f", "b", "x.zip", 5, "etag-1", digest));
    assert_null(
        former_load(s->st, "http://e", "c", "x.zip", 5, "etag-1", digest));
    /* One row for a key. */
    save(s, "x.zip", "etag-2", m);
    assert_null(load(s, "x.zip", "etag-1", digest));
    f = load(s, "x.zip", "etag-2", other);
    assert_non_null(f);
    former_free(f);
    layout_unref(m);
    layout_unref(l);
}

static void
test_no_state(void **state)
{
    struct layout *l = make_layout(3, 100, NULL);
    struct state *st;
    char digest[65];

    (void)state;
    layout_digest_hex(l, digest);
    state_open(&st, NULL);
    former_save(st, "e", "b", "k", 1, "etag", l);
    assert_null(former_load(st, "e", "b", "k", 1, "etag", digest));
    assert_null(former_load(NULL, "e", "b", "k", 1, "etag", digest));
    state_close(st);
    layout_unref(l);
}

/* A row that somebody wrote to. */
static void
test_broken(void **state)
{
    static const char *const how[] = {
        "UPDATE former SET raw = raw + 1",
        "UPDATE former SET raw = raw - 1",
        "UPDATE former SET raw = 0",
        "UPDATE former SET raw = -1",
        "UPDATE former SET raw = 500000000",
        "UPDATE former SET layout = substr(layout, 1, length(layout) - 1)",
        "UPDATE former SET layout = layout || x'00'",
        "UPDATE former SET layout = x''",
        "UPDATE former SET layout = x'789c030000000001'",
        "UPDATE former SET digest = replace(digest, substr(digest, 1, 1),"
        " 'f')",
    };
    struct store *s = *state;
    struct layout *l = make_layout(100, 100, NULL);
    char digest[65];
    size_t i;

    layout_digest_hex(l, digest);
    for (i = 0; i < ARRAY_SIZE(how); i++) {
        struct former *f;

        save(s, "x.zip", "etag", l);
        f = load(s, "x.zip", "etag", digest);
        assert_non_null(f);
        former_free(f);
        sql(s, how[i]);
        if (i + 1 == ARRAY_SIZE(how)) /* the row's digest is not its own */
            memset(digest, 'f', 1);
        assert_null(load(s, "x.zip", "etag", digest));
    }
    layout_unref(l);
}

/* The newest archives stay, by number and by bytes. */
static void
test_bounded(void **state)
{
    struct store *s = *state;
    struct layout *l = make_layout(3, 100, NULL);
    struct former *f;
    char digest[65], key[16];
    int i;

    layout_digest_hex(l, digest);
    for (i = 0; i <= FORMER_ROWS; i++) {
        snprintf(key, sizeof(key), "%d", i);
        save(s, key, "etag", l);
        if (i == FORMER_ROWS / 2) /* is young again */
            save(s, "0", "etag", l);
    }
    assert_null(load(s, "1", "etag", digest));
    for (i = 0; i <= FORMER_ROWS; i++) {
        snprintf(key, sizeof(key), "%d", i);
        f = load(s, key, "etag", digest);
        assert_int_equal(f != NULL, i != 1);
        former_free(f);
    }
    sql(s, "UPDATE former SET bytes = 250000000 WHERE key = x'3330'");
    save(s, "big", "etag", l);
    f = load(s, "30", "etag", digest);
    assert_non_null(f);
    former_free(f);
    sql(s, "UPDATE former SET bytes = 250000000 WHERE key = x'3430'");
    save(s, "big", "etag", l);
    for (i = 2; i <= FORMER_ROWS; i++) {
        snprintf(key, sizeof(key), "%d", i);
        f = load(s, key, "etag", digest);
        assert_int_equal(f != NULL, i > 30);
        former_free(f);
    }
    layout_unref(l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other, set_up, tear_down),
        cmocka_unit_test(test_no_state),
        cmocka_unit_test_setup_teardown(test_broken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounded, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
