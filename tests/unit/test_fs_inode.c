/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The inode table: numbers, counts, collisions, variants.  Layouts and
 * readers are made-up pointers here; the table only keeps them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fs/fs_inode.h"

#define LAYOUT(n) ((struct layout *)(uintptr_t)(n))
#define READER(n) ((struct reader *)(uintptr_t)(n))

static unsigned dropped_layouts, dropped_readers;

static void
drop(struct layout *l, struct reader *r)
{
    dropped_layouts += l != NULL;
    dropped_readers += r != NULL;
}

static uint64_t
always_seven(const void *key, size_t n)
{
    (void)key;
    (void)n;
    return 7;
}

static uint64_t
always_one(const void *key, size_t n)
{
    (void)key;
    (void)n;
    return 1;
}

static void
make(struct fs_table *t, const char *root,
     uint64_t (*number)(const void *, size_t))
{
    dropped_layouts = dropped_readers = 0;
    assert_int_equal(fs_table_init(t, root, number, drop), 0);
}

static struct fs_node *
dir(struct fs_table *t, const char *prefix)
{
    struct fs_node *n = NULL;

    assert_int_equal(fs_table_dir(t, prefix, strlen(prefix), &n), 0);
    return n;
}

static struct fs_node *
archive(struct fs_table *t, const char *prefix, uint8_t digest,
        struct layout *l, struct layout **old)
{
    uint8_t d[FS_DIGEST] = {digest};
    struct fs_node *n = NULL;
    struct reader *old_reader;

    assert_int_equal(fs_table_archive(t, prefix, strlen(prefix), d, l, &n, old,
                                      &old_reader),
                     0);
    return n;
}

static void
root_is_one(void **state)
{
    struct fs_table t;
    struct fs_node *n, *same;

    (void)state;
    make(&t, "a/b/", fs_number);
    n = fs_table_find(&t, FS_ROOT_ID);
    assert_non_null(n);
    assert_string_equal(n->prefix, "a/b/");
    same = dir(&t, "a/b/");
    assert_ptr_equal(n, same);
    fs_node_put(&t, n);
    fs_node_put(&t, same);
    fs_table_forget(&t, FS_ROOT_ID, 100);
    n = fs_table_find(&t, FS_ROOT_ID);
    assert_non_null(n);
    fs_node_put(&t, n);
    fs_table_free(&t);
}

static void
number_is_stable(void **state)
{
    struct fs_table t;
    struct fs_node *n;
    struct layout *old;
    uint64_t d, a;

    (void)state;
    make(&t, "", fs_number);
    n = dir(&t, "x/");
    d = n->number;
    assert_int_equal(n->id, d);
    assert_int_equal(fs_dir_number(&t, "x/", 2), d);
    fs_node_put(&t, n);
    assert_null(fs_table_find(&t, d)); /* nobody held it */
    n = archive(&t, "x/", 1, LAYOUT(1), &old);
    a = n->number;
    assert_int_not_equal(a, d);
    fs_node_put(&t, n);
    assert_int_equal(dropped_layouts, 1);
    n = archive(&t, "x/", 1, LAYOUT(1), &old);
    assert_int_equal(n->number, a);
    fs_node_put(&t, n);
    n = archive(&t, "x/", 2, LAYOUT(1), &old);
    assert_int_not_equal(n->number, a);
    fs_node_put(&t, n);
    n = archive(&t, "y/", 1, LAYOUT(1), &old);
    assert_int_not_equal(n->number, a);
    fs_node_put(&t, n);
    fs_table_free(&t);
}

static void
kernel_counts(void **state)
{
    struct fs_table t;
    struct fs_node *n;
    uint64_t id;

    (void)state;
    make(&t, "", fs_number);
    n = dir(&t, "x/");
    id = n->id;
    fs_node_told(&t, n);
    fs_node_told(&t, n);
    fs_node_put(&t, n);
    assert_int_equal(t.count, 2);
    fs_table_forget(&t, id, 1);
    assert_int_equal(t.count, 2);
    n = fs_table_find(&t, id); /* a request is under way... */
    assert_non_null(n);
    fs_table_forget(&t, id, 1); /* ...while the kernel forgets */
    assert_int_equal(t.count, 2);
    fs_node_put(&t, n);
    assert_int_equal(t.count, 1);
    fs_table_forget(&t, id, 1); /* unknown: ignored */
    fs_table_free(&t);
}

static void
forgetting_too_much_is_bounded(void **state)
{
    struct fs_table t;
    struct fs_node *n;

    (void)state;
    make(&t, "", fs_number);
    n = dir(&t, "x/");
    fs_node_told(&t, n);
    fs_table_forget(&t, n->id, UINT64_MAX);
    assert_int_equal(n->lookups, 0);
    fs_node_put(&t, n);
    assert_int_equal(t.count, 1);
    fs_table_free(&t);
}

static void
collisions_take_the_next_id(void **state)
{
    struct fs_table t;
    struct fs_node *a, *b, *again;

    (void)state;
    make(&t, "", always_seven);
    a = dir(&t, "a/");
    b = dir(&t, "b/");
    assert_int_equal(a->id, 7);
    assert_int_equal(b->id, 8);
    again = dir(&t, "b/");
    assert_ptr_equal(again, b);
    fs_node_put(&t, again);
    again = fs_table_find(&t, 8);
    assert_ptr_equal(again, b);
    fs_node_put(&t, again);
    fs_node_put(&t, a);
    fs_node_put(&t, b);
    fs_table_free(&t);
}

static void
reserved_ids_are_not_given(void **state)
{
    struct fs_table t;
    struct fs_node *n;

    (void)state;
    make(&t, "", always_one);
    n = dir(&t, "a/");
    assert_true(n->id > FS_ROOT_ID);
    fs_node_put(&t, n);
    fs_table_free(&t);
}

static void
another_layout_of_one_digest_replaces(void **state)
{
    struct fs_table t;
    struct fs_node *n, *m;
    struct layout *old;

    (void)state;
    make(&t, "", fs_number);
    n = archive(&t, "x/", 1, LAYOUT(1), &old);
    assert_null(old);
    n->reader = READER(5);
    m = archive(&t, "x/", 1, LAYOUT(1), &old);
    assert_ptr_equal(m, n);
    assert_ptr_equal(old, LAYOUT(1)); /* the reference that was given */
    fs_node_put(&t, m);
    m = archive(&t, "x/", 1, LAYOUT(2), &old);
    assert_ptr_equal(m, n);
    assert_ptr_equal(old, LAYOUT(1));
    assert_ptr_equal(m->layout, LAYOUT(2));
    assert_null(m->reader); /* it read the old one */
    fs_node_put(&t, m);
    fs_node_put(&t, n);
    assert_int_equal(dropped_layouts, 1);
    fs_table_free(&t);
}

static void
busy_shows_a_variant(void **state)
{
    struct fs_table t;
    struct fs_node *n, *m, *k;
    struct layout *old;

    (void)state;
    make(&t, "", fs_number);
    n = archive(&t, "x/", 1, LAYOUT(1), &old);
    fs_node_busy(&t, n, 1);
    m = archive(&t, "x/", 1, LAYOUT(1), &old);
    assert_ptr_not_equal(m, n);
    assert_int_not_equal(m->id, n->id);
    assert_int_equal(m->number, n->number); /* the same file to stat */
    fs_node_busy(&t, n, -1);
    k = archive(&t, "x/", 1, LAYOUT(1), &old);
    assert_ptr_equal(k, n);
    fs_node_put(&t, k);
    fs_node_put(&t, m);
    fs_node_put(&t, n);
    fs_table_free(&t);
    assert_int_equal(dropped_layouts, 2);
}

static void
many_nodes_are_found(void **state)
{
    enum { N = 5000 };
    struct fs_table t;
    struct fs_node *n;
    char prefix[32];
    int i;

    (void)state;
    make(&t, "", fs_number);
    for (i = 0; i < N; i++) {
        snprintf(prefix, sizeof(prefix), "d%d/", i);
        n = dir(&t, prefix);
        fs_node_told(&t, n);
        fs_node_put(&t, n);
    }
    assert_int_equal(t.count, N + 1);
    for (i = 0; i < N; i++) {
        snprintf(prefix, sizeof(prefix), "d%d/", i);
        n = fs_table_find(&t, fs_dir_number(&t, prefix, strlen(prefix)));
        assert_non_null(n);
        assert_string_equal(n->prefix, prefix);
        fs_table_forget(&t, n->id, 1);
        fs_node_put(&t, n);
    }
    assert_int_equal(t.count, 1);
    fs_table_free(&t);
}

static void
long_prefixes_are_refused(void **state)
{
    char prefix[FS_PREFIX_MAX + 2];
    struct fs_table t;
    struct fs_node *n;

    (void)state;
    make(&t, "", fs_number);
    memset(prefix, 'x', sizeof(prefix));
    assert_int_equal(fs_table_dir(&t, prefix, FS_PREFIX_MAX + 1, &n),
                     -ENAMETOOLONG);
    assert_int_equal(fs_table_dir(&t, prefix, FS_PREFIX_MAX, &n), 0);
    fs_node_put(&t, n);
    assert_null(fs_table_find_dir(&t, prefix, FS_PREFIX_MAX + 1));
    fs_table_free(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_is_one),
        cmocka_unit_test(number_is_stable),
        cmocka_unit_test(kernel_counts),
        cmocka_unit_test(forgetting_too_much_is_bounded),
        cmocka_unit_test(collisions_take_the_next_id),
        cmocka_unit_test(reserved_ids_are_not_given),
        cmocka_unit_test(another_layout_of_one_digest_replaces),
        cmocka_unit_test(busy_shows_a_variant),
        cmocka_unit_test(many_nodes_are_found),
        cmocka_unit_test(long_prefixes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
