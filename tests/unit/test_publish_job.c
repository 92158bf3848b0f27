/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Whole publishes against the fake store: what is published, what is
 * refused, what is at the destination, and jobs beside each other.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "publish_case.h"

static struct publish_case c;

static void
test_plain(void **state)
{
    uint64_t seed;

    (void)state;
    for (seed = 0; seed < 60; seed++) {
        case_start(&c, seed, 1 + seed % 40, seed % 3 * 128);
        case_done(&c, "store-crc");
        assert_int_equal(c.st.parts, c.st.parts_done);
        assert_int_equal(c.st.uploaded + c.st.copied, c.st.bytes);
        assert_int_equal(c.st.uploaded, fake.uploaded);
        assert_int_equal(c.st.restarts, 0);
        assert_int_equal(fake.completes + fake.puts, 1);
        case_stop(&c);
    }
}

/* Copies give the CRCs: no member of them is read for its header. */
static void
test_no_download_for_crc(void **state)
{
    struct fake_object *o;
    uint64_t seed;

    (void)state;
    for (seed = 0; seed < 20; seed++) {
        case_start(&c, seed, 30, NONE);
        case_done(&c, "store-crc");
        assert_true(fake.copies > 0);
        for (o = fake.objects; o; o = o->next)
            assert_false(o->copied && o->climbed);
        assert_int_equal(fake.told, 0);
        case_stop(&c);
    }
}

/* A long row of parts that each wait for what the next one has of a body. */
static void
test_long_row(void **state)
{
    struct plan_limits limits = fake_limits;
    struct fake_object *o;

    (void)state;
    limits.parts_max = FAKE_MOST;
    case_start(&c, 5, 0, NONE);
    c.p->d.limits = &limits;
    reader_unref(c.r);
    layout_unref(c.l);
    free(c.want);
    c.l = fake_layout_even("q/", 600, 2000);
    c.r = fake_reader(c.l);
    c.want = fake_render(c.l);
    case_done(&c, "store-crc");
    assert_true(fake.uploads > 500 && fake.copies > 500);
    assert_int_equal(fake.told, 0);
    for (o = fake.objects; o; o = o->next)
        assert_false(o->copied && o->climbed);
    case_stop(&c);
}

static void
test_empty_and_small(void **state)
{
    (void)state;
    case_start(&c, 1, 0, NONE);
    case_done(&c, "store-crc");
    assert_int_equal(fake.puts, 1);
    assert_int_equal(fake.creates, 0);
    assert_int_equal(c.st.bytes, 22);
    case_stop(&c);
    case_start(&c, 1, 0, NONE);
    fake.no_complete_crc = fake.no_head_crc = true;
    case_done(&c, "full");
    case_stop(&c);
}

static void
test_noop(void **state)
{
    (void)state;
    case_start(&c, 3, 30, HALF);
    case_done(&c, "store-crc");
    assert_false(c.st.noop);
    assert_non_null(strstr(fake.invalidated, "out/,"));
    fake.invalidated[0] = '\0';
    case_done(&c, "store-crc");
    assert_true(c.st.noop);
    assert_int_equal(fake.completes, 1);
    assert_string_equal(fake.invalidated, "");
    /* a wrong CRC there: published again */
    fake_object("out/a.zip")->crc ^= 1;
    case_done(&c, "store-crc");
    assert_false(c.st.noop);
    /* nothing is stored there and nothing known: believed */
    case_new_publisher(&c);
    fake.no_head_crc = true;
    case_done(&c, "");
    assert_true(c.st.noop);
    c.conf.verify = CONF_VERIFY_FULL;
    case_done(&c, "full");
    assert_false(c.st.noop);
    case_stop(&c);
}

static void
test_ours_is_replaced(void **state)
{
    (void)state;
    case_start(&c, 4, 30, HALF);
    fake_put("out/a.zip", "old", 3, true);
    strcpy(fake_object("out/a.zip")->digest, "another");
    case_done(&c, "store-crc");
    case_stop(&c);
}

static void
test_stranger_is_kept(void **state)
{
    (void)state;
    case_start(&c, 5, 30, HALF);
    fake_put("out/a.zip", "stranger", 8, true);
    assert_int_equal(case_publish(&c), -EEXIST);
    assert_int_equal(fake_object("out/a.zip")->size, 8);
    assert_int_equal(fake.creates, 0);
    c.conf.overwrite = true;
    case_done(&c, "store-crc");
    case_stop(&c);
}

static void
test_forbidden_head(void **state)
{
    (void)state;
    case_start(&c, 6, 30, HALF);
    fake.head_403 = true;
    case_done(&c, "store-crc");
    assert_int_equal(case_publish(&c), -EEXIST);
    assert_int_equal(fake_uploads_open(), 0);
    case_stop(&c);
}

static void
test_refused_layouts(void **state)
{
    (void)state;
    case_start(&c, 42, 30, NONE);
    c.l->poison_count = 1;
    case_failed(&c, -EILSEQ);
    c.conf.badkeys = CONF_BADKEYS_SKIP;
    case_done(&c, "store-crc");
    case_stop(&c);
    case_start(&c, 42, 30, NONE);
    c.l->conflict_count = 1;
    case_failed(&c, -EEXIST);
    c.l->conflict_count = 0;
    c.l->member[0].archived = 1;
    case_failed(&c, -ENODATA);
    assert_string_equal(c.st.key, "p/m000");
    c.l->member[0].archived = 0;
    c.l->member[0].etag_len = 0;
    case_failed(&c, -EOPNOTSUPP);
    assert_int_equal(fake.calls, 0);
    case_stop(&c);
}

/* A stranger at the directory's own key, published over. */
static void
test_own_key(void **state)
{
    (void)state;
    case_start(&c, 45, 30, NONE);
    fake_put("p/archive.zip", "stranger", 8, false);
    c.l->conflict_count = 1;
    assert_int_equal(case_publish_to(&c, "p/archive.zip"), -EEXIST);
    assert_int_equal(fake_object("p/archive.zip")->size, 8);
    c.conf.overwrite = true;
    assert_int_equal(case_publish_to(&c, "out/b.zip"), -EEXIST);
    assert_int_equal(case_publish_to(&c, "p/archive.zip.zip"), -EEXIST);
    c.l->conflict_count = 2;
    assert_int_equal(case_publish_to(&c, "p/archive.zip"), -EEXIST);
    c.l->conflict_count = 1;
    assert_int_equal(case_publish_to(&c, "p/archive.zip"), 0);
    assert_int_equal(fake_object("p/archive.zip")->size, c.l->zip.size);
    assert_int_equal(fake_uploads_open(), 0);
    case_stop(&c);
}

/* What was sent for an upload that was given up is no part of the object. */
static void
test_wasted(void **state)
{
    uint64_t sent;

    (void)state;
    case_start(&c, 46, 30, HALF);
    case_done(&c, "store-crc");
    assert_int_equal(c.st.wasted, 0);
    strcpy(fake_object("out/a.zip")->digest, "another");
    sent = fake.uploaded;
    fake.busy_409 = 1;
    case_done(&c, "store-crc");
    assert_int_equal(c.st.restarts, 1);
    assert_int_equal(c.st.uploaded + c.st.copied, c.st.bytes);
    assert_int_equal(c.st.wasted, c.st.bytes);
    assert_int_equal(2 * c.st.uploaded, fake.uploaded - sent);
    case_stop(&c);
}

/* No more is pinned than half of memory=; what would be more is refused, with
 * the memory= that would do. */
static void
test_memory(void **state)
{
    uint64_t seed;

    (void)state;
    for (seed = 0; seed < 20; seed++) {
        case_start(&c, 43 + seed, 30, seed % 2 ? NONE : HALF);
        c.conf.memory = seed % 4 ? 4 * FAKE_CAP : FAKE_FLOOR;
        c.conf.publish_strategy = seed % 3 ? PLAN_DUO : PLAN_STREAM;
        case_new_publisher(&c);
        if (seed % 4) {
            assert_int_equal(case_publish(&c), 0);
            case_check_there(&c);
        } else {
            case_failed(&c, -EFBIG);
            assert_non_null(strstr(c.err.text, "memory=1M would do"));
            assert_int_equal(fake.creates, 0);
        }
        case_stop(&c);
    }
}

static void
count_jobs(void *user, struct publish_job *j)
{
    (void)j;
    ++*(unsigned *)user;
}

static void
ended(void *user, int r, const struct err *e)
{
    (void)e;
    *(int *)user = r;
}

static void
test_one_job_per_destination(void **state)
{
    struct publish_dest dest = {(char *)"b", (char *)"out/a.zip"};
    struct publish_dest other = {(char *)"b", (char *)"out/b.zip"};
    struct publish_job *a, *b, *o;
    struct layout *l;
    struct reader *r;
    unsigned jobs = 0;
    struct err e;
    int ra = 1, ro = 1;

    (void)state;
    case_start(&c, 60, 30, HALF);
    l = fake_layout("q/", 3, HALF);
    r = fake_reader(l);
    assert_int_equal(publish_start(c.p, c.r, &dest, &a, &e), 0);
    assert_int_equal(publish_start(c.p, c.r, &dest, &b, &e), 0);
    assert_ptr_equal(a, b);
    assert_int_equal(publish_start(c.p, r, &dest, &b, &e), -EBUSY);
    assert_int_equal(publish_start(c.p, c.r, &other, &o, &e), 0);
    publish_jobs(c.p, "b", "p/", count_jobs, &jobs);
    assert_int_equal(jobs, 2);
    publish_wait(a, ended, &ra);
    publish_wait(o, ended, &ro);
    publish_abort(o, -ECANCELED);
    assert_int_equal(publish_start(c.p, c.r, &other, &b, &e), -EBUSY);
    fake_run();
    assert_int_equal(ra, 0);
    assert_int_equal(ro, -ECANCELED);
    jobs = 0;
    publish_jobs(c.p, "b", "p/", count_jobs, &jobs);
    assert_int_equal(jobs, 1);
    publish_job_status(o, &c.st);
    assert_int_equal(c.st.state, PUBLISH_CANCELLED);
    publish_job_unref(a);
    publish_job_unref(a);
    publish_job_unref(o);
    assert_int_equal(fake_uploads_open(), 0);
    reader_unref(r);
    layout_unref(l);
    case_stop(&c);
}

static void
test_plan(void **state)
{
    struct plan plan;

    (void)state;
    case_start(&c, 61, 30, HALF);
    plan = case_plan(&c);
    assert_true(plan.count > 1);
    assert_true(plan.totals.requests.head > 1);
    assert_int_equal(plan.totals.requests.list, 1);
    assert_int_equal(fake.calls, 0);
    plan_free(&plan);
    case_stop(&c);
}

/* A plan is made when what the state file knows is there. */
static void
test_loading(void **state)
{
    (void)state;
    case_start(&c, 61, 30, HALF);
    fake.loading = 5;
    case_done(&c, "store-crc");
    assert_int_equal(fake.loading, 0);
    assert_int_equal(c.st.restarts, 0);
    case_stop(&c);
}

static void
test_stream(void **state)
{
    (void)state;
    case_start(&c, 62, 30, HALF);
    c.conf.publish_strategy = PLAN_STREAM;
    case_done(&c, "store-crc");
    assert_int_equal(fake.copies, 0);
    case_stop(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_no_download_for_crc),
        cmocka_unit_test(test_long_row),
        cmocka_unit_test(test_empty_and_small),
        cmocka_unit_test(test_noop),
        cmocka_unit_test(test_ours_is_replaced),
        cmocka_unit_test(test_stranger_is_kept),
        cmocka_unit_test(test_forbidden_head),
        cmocka_unit_test(test_refused_layouts),
        cmocka_unit_test(test_own_key),
        cmocka_unit_test(test_wasted),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_one_job_per_destination),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_loading),
        cmocka_unit_test(test_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
