/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What an archive that was published before is good for: plan/ finds in it
 * what did not change; and its directory, read back, serves as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "plan/plan.h"
#include "test_former_help.h"

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
        cmocka_unit_test_setup_teardown(test_again, set_up, tear_down),
        cmocka_unit_test(test_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
