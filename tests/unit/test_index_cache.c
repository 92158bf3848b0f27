/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Freshness: ttl, staleness, sharing, cancelling; directories.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "test_index_fake.h"

static const struct fake_object objects[] = {{"p/a", 1}, {"p/b", 2}};
static const struct fake_object changed[] = {{"p/a", 1}, {"p/b", 2, "new"}};

static struct conf conf;
static struct index *ix;
static struct got g, h;

static int
setup(void **state)
{
    (void)state;
    fake_reset();
    fake_conf(&conf);
    ix = fake_index(&conf, "");
    FAKE_SET(objects);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    got_free(&g);
    got_free(&h);
    fake_index_free(ix);
    return 0;
}

static void
test_ttl(void **state)
{
    struct layout *first;

    (void)state;
    get_layout(ix, "p/", 0, &g);
    assert_int_equal(fake.lists, 1);
    first = layout_ref(g.l);
    advance(59999);
    get_layout(ix, "p/", 0, &g);
    assert_int_equal(fake.lists, 1);
    assert_ptr_equal(g.l, first);
    advance(1);
    get_layout(ix, "p/", 0, &g);
    assert_int_equal(fake.lists, 2);
    assert_ptr_equal(g.l, first);
    assert_int_equal(first->listed_ms, fake.now);
    FAKE_SET(changed);
    advance(60000);
    get_layout(ix, "p/", 0, &g);
    assert_ptr_not_equal(g.l, first);
    layout_unref(first);
}

static void
test_ttl_as_long_as_listing(void **state)
{
    (void)state;
    conf.ttl = 1;
    fake.list_ms = 5000;
    get_layout(ix, "p/", 0, &g);
    fake.now += 4999;
    get_layout(ix, "p/", 0, &g);
    assert_int_equal(fake.lists, 1);
    fake.now += 1;
    get_layout(ix, "p/", 0, &g);
    assert_int_equal(fake.lists, 2);
}

static void
test_ttl_zero(void **state)
{
    (void)state;
    conf.ttl = 0;
    fake.list_ms = 10;
    index_layout(ix, "p/", 0, got_layout, &g);
    index_layout(ix, "p/", 0, got_layout, &h);
    pump();
    assert_int_equal(g.calls, 1);
    assert_ptr_equal(g.l, h.l);
    assert_int_equal(fake.lists, 1);
    get_layout(ix, "p/", 0, &g);
    assert_int_equal(fake.lists, 2);
    assert_ptr_equal(g.l, h.l);
}

static void
test_stale(void **state)
{
    struct layout *first;

    (void)state;
    get_layout(ix, "p/", 0, &g);
    first = layout_ref(g.l);
    layout_set_stale(first, 1);
    layout_set_stale(first, 0);
    assert_int_equal(fake.logs, 1);
    assert_int_equal(first->stale_member, 1);
    FAKE_SET(changed);
    get_layout(ix, "p/", 0, &g);
    assert_int_equal(fake.lists, 2);
    assert_ptr_not_equal(g.l, first);
    assert_true(first->stale);
    assert_false(g.l->stale);
    layout_set_stale(g.l, 0);
    get_layout(ix, "p/", 0, &h); /* the same after all */
    assert_int_equal(fake.lists, 3);
    assert_ptr_equal(g.l, h.l);
    assert_false(g.l->stale);
    layout_unref(first);
}

/* What the digest does not say makes another struct. */
static void
test_same_digest(void **state)
{
    static const struct fake_object more[] = {
        {"p/../x", 1}, {"p/a", 1}, {"p/b", 2}};
    static const struct fake_object frozen[] = {
        {"p/a", 1}, {"p/b", 2, .class = "GLACIER"}};

    (void)state;
    get_layout(ix, "p/", 0, &g);
    FAKE_SET(more);
    get_layout(ix, "p/", INDEX_FRESH, &h);
    assert_memory_equal(g.l->digest, h.l->digest, 32);
    assert_ptr_not_equal(g.l, h.l);
    assert_int_equal(h.l->poison_count, 1);
    FAKE_SET(frozen);
    get_layout(ix, "p/", INDEX_FRESH, &h);
    assert_memory_equal(g.l->digest, h.l->digest, 32);
    assert_int_equal(h.l->member[0].archived + h.l->member[1].archived, 1);
}

static void
test_flags(void **state)
{
    (void)state;
    get_layout(ix, "p/", INDEX_CACHED, &g);
    assert_int_equal(g.r, -ENODATA);
    assert_int_equal(fake.lists, 0);
    get_layout(ix, "p/", 0, &g);
    get_layout(ix, "p/", INDEX_CACHED, &g);
    assert_int_equal(g.r, 0);
    get_layout(ix, "p/", INDEX_FRESH, &g);
    assert_int_equal(fake.lists, 2);
    layout_set_stale(g.l, 0);
    get_layout(ix, "p/", INDEX_CACHED, &g);
    assert_int_equal(g.r, -ENODATA);
}

/* One listing at a time; FRESH never joins an older one. */
static void
test_sharing(void **state)
{
    struct got third = {0};

    (void)state;
    index_layout(ix, "p/", 0, got_layout, &g);
    index_layout(ix, "p/", 0, got_layout, &h);
    index_layout(ix, "p/", INDEX_FRESH, got_layout, &third);
    assert_int_equal(fake.lists, 1);
    pump_steps(1);
    assert_int_equal(g.calls, 1);
    assert_int_equal(h.calls, 1);
    assert_int_equal(third.calls, 0);
    assert_int_equal(fake.lists, 2);
    pump();
    assert_int_equal(third.calls, 1);
    assert_ptr_equal(g.l, third.l);
    got_free(&third);
}

static void
test_invalidate_while_listing(void **state)
{
    (void)state;
    index_layout(ix, "p/", 0, got_layout, &g);
    index_invalidate(ix, "p/");
    index_layout(ix, "p/", 0, got_layout, &h);
    pump_steps(1);
    assert_int_equal(g.calls, 1);
    assert_int_equal(h.calls, 0);
    pump();
    assert_int_equal(h.calls, 1);
    assert_int_equal(fake.lists, 2);
    index_layout(ix, "p/", INDEX_FRESH, got_layout, &g);
    index_invalidate(ix, "p/");
    pump();
    get_layout(ix, "p/", 0, &g); /* the run below the floor was not kept */
    assert_int_equal(fake.lists, 4);
}

static void
test_cancel(void **state)
{
    index_id id;

    (void)state;
    id = index_layout(ix, "p/", 0, got_layout, &g);
    index_cancel(ix, id);
    index_cancel(ix, id);
    index_cancel(ix, 4711);
    assert_int_equal(g.calls, 0);
    pump();
    assert_int_equal(g.calls, 1);
    assert_int_equal(g.r, -ECANCELED);
    get_layout(ix, "p/", 0, &h); /* the listing went on */
    assert_int_equal(h.r, 0);
    assert_int_equal(fake.lists, 1);
}

static void
test_negative(void **state)
{
    (void)state;
    get_layout(ix, "q/", 0, &g);
    get_layout(ix, "q/", 0, &g);
    assert_int_equal(g.r, -ENOENT);
    assert_non_null(strstr(g.e.text, "s3://b/q/: no objects"));
    assert_int_equal(fake.lists, 1);
    advance(60000);
    get_layout(ix, "q/", 0, &g);
    assert_int_equal(fake.lists, 2);
    fake.list_err = -EIO; /* may pass: not remembered */
    get_layout(ix, "p/", 0, &g);
    fake.list_err = 0;
    get_layout(ix, "p/", 0, &g);
    assert_int_equal(g.r, 0);
    assert_int_equal(fake.lists, 4);
}

static void
test_too_big(void **state)
{
    (void)state;
    conf.max_entries = 1;
    get_layout(ix, "p/", 0, &g);
    assert_int_equal(g.r, -EFBIG);
    advance(599999);
    get_layout(ix, "p/", 0, &g);
    assert_int_equal(g.r, -EFBIG);
    assert_int_equal(fake.lists, 1);
    advance(1);
    get_layout(ix, "p/", 0, &g);
    assert_int_equal(fake.lists, 2);
}

/* A layout that nobody holds is not kept beyond its time; one that is held
 * is found again. */
static void
test_forgetting(void **state)
{
    struct layout *first;

    (void)state;
    get_layout(ix, "p/", 0, &g);
    first = layout_ref(g.l);
    got_free(&g);
    assert_int_equal(first->refs, 2);
    advance(60000);
    advance(60000);
    assert_int_equal(first->refs, 2);
    get_layout(ix, "p/", 0, &g);
    assert_ptr_equal(g.l, first);
    got_free(&g);
    layout_unref(first);
    advance(60000);
    advance(60000);
    get_layout(ix, "p/", INDEX_CACHED, &g);
    assert_int_equal(g.r, -ENODATA);
}

/* --------------------------------------------------------- directories */

struct got_dir {
    int calls, r;
    bool exists, too_big;
    size_t count;
    char names[10][16];
};

static void
on_dir(void *user, int r, const struct index_dir *d, const struct err *e)
{
    struct got_dir *to = user;
    size_t i;

    (void)e;
    to->calls++;
    to->r = r;
    if (!d)
        return;
    to->exists = d->exists;
    to->too_big = d->too_big;
    to->count = d->count;
    for (i = 0; i < d->count && i < 10; i++)
        strncpy(to->names[i], d->name[i], 15);
}

static struct got_dir
get_dir(const char *prefix)
{
    struct got_dir d = {0};

    index_dir(ix, prefix, on_dir, &d);
    pump();
    assert_int_equal(d.calls, 1);
    return d;
}

static void
on_exists(void *user, int r, const struct err *e)
{
    (void)e;
    *(int *)user = r;
}

static int
exists(const char *prefix)
{
    int r = 1;

    index_exists(ix, prefix, on_exists, &r);
    pump();
    assert_true(r <= 0);
    return r;
}

static const struct fake_object tree[] = {
    {"r/", 0},      {"r/../x", 1},          {"r//x", 1},
    {"r/a/b/c", 1}, {"r/a/d", 1},           {"r/b", 1},
    {"r/z/1", 1},   {"r/archive.zip/x", 1}, {"r/c\xff/x", 1}};

static void
test_dir(void **state)
{
    struct got_dir d;

    (void)state;
    FAKE_SET(tree);
    fake.page = 2;
    d = get_dir("r/");
    assert_int_equal(d.r, 0);
    assert_true(d.exists);
    assert_int_equal(d.count, 3);
    assert_string_equal(d.names[0], "a");
    assert_string_equal(d.names[1], "c\xff");
    assert_string_equal(d.names[2], "z");
    assert_int_equal(fake.logs, 2); /* hidden, shadowed */
    fake.lists = 0;
    get_dir("r/");
    assert_int_equal(fake.lists, 0);
    advance(60000);
    get_dir("r/");
    assert_true(fake.lists > 0);
    assert_int_equal(fake.logs, 4); /* forgotten meanwhile */
    assert_false(get_dir("nowhere/").exists);
    fake.list_err = -EACCES;
    assert_int_equal(get_dir("r/a/").r, -EACCES);
}

static void
test_dir_too_big(void **state)
{
    (void)state;
    conf.max_entries = 1;
    assert_false(get_dir("p/").too_big);
    get_layout(ix, "p/", 0, &g);
    assert_true(get_dir("p/").too_big);
    assert_int_equal(fake.lists, 2);
}

static void
test_exists(void **state)
{
    (void)state;
    FAKE_SET(tree);
    assert_int_equal(exists(""), 0);
    assert_int_equal(fake.lists, 0);
    assert_int_equal(exists("r/a/"), 0);
    assert_int_equal(exists("r/q/"), -ENOENT);
    assert_int_equal(exists("r/b/"), -ENOENT);
    assert_int_equal(exists("r/q/"), -ENOENT);
    assert_int_equal(fake.lists, 3);
    get_dir("r/");
    get_dir("r/a/");
    fake.lists = 0;
    assert_int_equal(exists("r/z/"), 0); /* from the parent's names */
    assert_int_equal(exists("r/zz/"), -ENOENT);
    assert_int_equal(exists("r/a/b/"), 0);
    assert_int_equal(fake.lists, 0);
    index_invalidate(ix, "r/zz/");
    assert_int_equal(exists("r/zz/"), -ENOENT);
    assert_int_equal(fake.lists, 1);
}

/* A key that appears below a prefix that was not there. */
static void
test_invalidate_above(void **state)
{
    (void)state;
    assert_int_equal(exists("n/"), -ENOENT);
    assert_int_equal(exists("n/m/"), -ENOENT);
    index_invalidate(ix, "n/m/");
    fake.lists = 0;
    exists("n/");
    exists("n/m/");
    assert_int_equal(fake.lists, 2);
}

/* net_free calls timers early: they must not come back for ever. */
static void
test_timers_at_stop(void **state)
{
    unsigned calls = 0;

    (void)state;
    get_layout(ix, "p/", 0, &g);
    while (fake_stop() > 0)
        assert_true(++calls < 5);
    assert_int_equal(calls, 1);
}

static void
test_free_while_listing(void **state)
{
    index_id id;

    (void)state;
    index_layout(ix, "p/", 0, got_layout, &g);
    id = index_layout(ix, "p/", 0, got_layout, &h);
    index_cancel(ix, id);
    index_exists(ix, "x/", on_exists, &g.r);
    assert_int_equal(g.calls + h.calls, 0);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_ttl),
        TEST(test_ttl_as_long_as_listing),
        TEST(test_ttl_zero),
        TEST(test_stale),
        TEST(test_same_digest),
        TEST(test_flags),
        TEST(test_sharing),
        TEST(test_invalidate_while_listing),
        TEST(test_cancel),
        TEST(test_negative),
        TEST(test_too_big),
        TEST(test_forgetting),
        TEST(test_dir),
        TEST(test_dir_too_big),
        TEST(test_exists),
        TEST(test_invalidate_above),
        TEST(test_timers_at_stop),
        TEST(test_free_while_listing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
