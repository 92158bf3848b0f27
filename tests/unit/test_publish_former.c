/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Archives that were published before: what is kept of them in a real
 * state file, what is given back and what is not, and that plan/ finds in
 * it what did not change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "plan/plan.h"
#include "publish/former.h"

struct store {
    char dir[40];
    struct state *st;
};

static int
set_up(void **state)
{
    struct store *s = calloc(1, sizeof(*s));

    strcpy(s->dir, "/tmp/s3zipfs-test-XXXXXX");
    if (!mkdtemp(s->dir))
        return -1;
    state_open(&s->st, s->dir);
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    struct store *s = *state;
    char cmd[64];

    state_close(s->st);
    snprintf(cmd, sizeof(cmd), "rm -r %s", s->dir);
    if (system(cmd) != 0)
        return -1;
    free(s);
    return 0;
}

/* --------------------------------------------------------------- help */

/* n members of size bytes; version[i] (or 1) is in the ETag. */
static struct layout *
make_layout(size_t n, uint64_t size, const unsigned *version)
{
    struct layout *l = layout_alloc("bucket", "");
    size_t i;

    l->member = calloc(n + 1, sizeof(*l->member));
    l->zip.count = n;
    for (i = 0; i < n; i++) {
        unsigned v = version ? version[i] : 1;
        char name[40], etag[40];
        int k = snprintf(name, sizeof(name), "dir/member-%07zu", i);
        int e = snprintf(etag, sizeof(etag), "%08zx-%08x", i * 2654435761u, v);
        char *key = arena_dup(&l->arena, name, (size_t)k);

        l->member[i] = (struct zip_member){
            .key = key,
            .name = key,
            .etag = arena_dup(&l->arena, etag, (size_t)e),
            .size = size + i % 7,
            .mtime = (int64_t)(1700000000 + i + v),
            .key_len = (uint16_t)k,
            .name_len = (uint16_t)k,
            .etag_len = (uint16_t)e,
        };
    }
    assert_int_equal(layout_finish(l, CONF_ORDER_KEY), 0);
    return l;
}

static void
save(struct store *s, const char *key, const char *etag,
     const struct layout *l)
{
    former_save(s->st, "http://e", "b", key, strlen(key), etag, l);
}

static struct former *
load(struct store *s, const char *key, const char *etag, const char *digest)
{
    return former_load(s->st, "http://e", "b", key, strlen(key), etag, digest);
}

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

/* ---------------------------------------------------------------- again */

static void
plan_with(const struct layout *l, const struct former *f, struct plan *ret)
{
    struct plan_ask ask = {
        .limits = plan_limits_s3,
        .prices = plan_prices_aws,
        .rates = plan_rates_default,
        .previous = &f->zip,
    };
    struct err e = {0};

    assert_int_equal(plan_strategy_make(ret, &l->zip, &ask, PLAN_AGAIN, &e),
                     0);
    assert_int_equal(plan_check(ret, &l->zip, &ask.limits, &f->zip, &e), 0);
}

/* What did not change, its time included, is copied from the archive; a
 * changed ETag, or none, is not. */
static void
test_again(void **state)
{
    enum { N = 200, SIZE = 300000 };
    struct store *s = *state;
    unsigned version[N];
    struct layout *l = make_layout(N, SIZE, NULL), *now;
    struct former *f;
    struct plan p;
    char digest[65];
    size_t i;

    layout_digest_hex(l, digest);
    save(s, "x.zip", "etag", l);
    f = load(s, "x.zip", "etag", digest);
    assert_non_null(f);
    plan_with(l, f, &p);
    assert_true(p.totals.uploaded < 30000); /* the directory */
    plan_free(&p);
    for (i = 0; i < N; i++)
        version[i] = 1 + (i == 100);
    now = make_layout(N, SIZE, version);
    plan_with(now, f, &p);
    assert_true(p.totals.uploaded > SIZE);
    assert_true(p.totals.uploaded < 12000000);
    plan_free(&p);
    for (i = 0; i < N; i++) /* as of a store that gives none */
        f->member[i].etag_len = l->member[i].etag_len = 0;
    plan_with(l, f, &p);
    assert_int_equal(p.totals.copied, 0);
    plan_free(&p);
    former_free(f);
    layout_unref(now);
    layout_unref(l);
}

/* ------------------------------------------------------------ directory */

static uint32_t
crc_of(const struct zip_member *m)
{
    return (uint32_t)(m->size * 2654435761u + (uint64_t)m->mtime);
}

static char *
make_directory(const struct zip_layout *l, struct zip_end *end)
{
    uint64_t cd = l->offset[l->count];
    char *p;
    size_t i;

    *end = (struct zip_end){l->count, cd, l->cd_offset[l->count] - cd};
    p = malloc(end->cd_size + 1);
    for (i = 0; i < l->count; i++)
        zip_cdh_put((uint8_t *)p + (l->cd_offset[i] - cd), &l->member[i],
                    l->offset[i], crc_of(&l->member[i]));
    return p;
}

struct known {
    const struct layout *l;
    size_t unknown, wrong; /* members */
};

static bool
peek(void *user, size_t member, uint32_t *ret)
{
    const struct known *k = user;

    if (member == k->unknown)
        return false;
    *ret = crc_of(&k->l->member[member]) + (member == k->wrong);
    return true;
}

static void
test_directory(void **state)
{
    enum { N = 50, CHANGED = 3, UNKNOWN = 10, WRONG = 20 };
    unsigned version[N];
    struct layout *l = make_layout(N, 1000, NULL), *now;
    struct known known = {.unknown = UNKNOWN, .wrong = WRONG};
    struct former_peek how = {peek, &known};
    struct former *f;
    struct zip_end end;
    char *p = make_directory(&l->zip, &end);
    size_t i;

    (void)state;
    for (i = 0; i < N; i++)
        version[i] = 1 + (i == CHANGED);
    known.l = now = make_layout(N, 1000, version);
    assert_int_equal(
        former_from_directory(&f, p, &end, l->zip.size, now, &how), 0);
    assert_int_equal(f->zip.size, l->zip.size);
    for (i = 0; i < N; i++) {
        bool lent = i != CHANGED && i != UNKNOWN && i != WRONG;

        assert_int_equal(f->zip.offset[i], l->zip.offset[i]);
        assert_int_equal(f->member[i].etag_len,
                         lent ? now->member[i].etag_len : 0);
        if (lent)
            assert_memory_equal(f->member[i].etag, now->member[i].etag,
                                f->member[i].etag_len);
    }
    former_free(f);
    /* Another program's. */
    p = make_directory(&l->zip, &end);
    p[4]++;
    assert_int_equal(
        former_from_directory(&f, p, &end, l->zip.size, now, &how), -EBADMSG);
    layout_unref(now);
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
        cmocka_unit_test_setup_teardown(test_again, set_up, tear_down),
        cmocka_unit_test(test_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
