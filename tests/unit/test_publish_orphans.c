/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Uploads whose id nobody was told: only what must be ours is aborted, and
 * no publish waits until that can be told.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "publish_case.h"
#include "fake_store_op.h"
#include "publish_fake.h"

static struct publish_case c;

static int
rows_without_id(void)
{
    return fake_sql("SELECT count(*) FROM publish_upload"
                    " WHERE upload_id IS NULL");
}

/* A process that died between Create and the journal. */
static void
begin_killed(uint64_t seed, bool young)
{
    unsigned n;

    for (n = 1; n < 50; n++) {
        case_start(&c, seed, 14, HALF);
        fake.young = young;
        case_killed(&c, n, true);
        if (rows_without_id() == 1 && fake_uploads_open() == 1)
            return;
        case_stop(&c);
    }
    fail();
}

/* Another host's, begun at the same time to the same key. */
static void
leave_upload(const char *id, bool part)
{
    struct fake_upload *u = calloc(1, sizeof(*u));

    strcpy(u->id, id);
    strcpy(u->key, "out/a.zip");
    strcpy(u->initiator, "us");
    u->initiated = fake.open->initiated;
    if (part)
        fake_part(u, 4)->data = calloc(1, 1);
    u->next = fake.open;
    fake.open = u;
}

static bool
is_open(const char *id)
{
    const struct fake_upload *u;

    for (u = fake.open; u; u = u->next)
        if (strcmp(u->id, id) == 0)
            return true;
    return false;
}

static void
test_with_parts(void **state)
{
    unsigned seed;

    (void)state;
    for (seed = 1; seed < 20; seed++) {
        begin_killed(seed, false);
        leave_upload("other", true);
        assert_int_equal(case_publish(&c), 0);
        assert_int_equal(fake_uploads_open(), 1);
        assert_true(is_open("other"));
        assert_int_equal(fake_journal_rows(), 0);
        case_stop(&c);
    }
}

/* The archive is there at once; what it was is told later. */
static void
test_young(void **state)
{
    (void)state;
    begin_killed(5, true);
    leave_upload("other", false);
    assert_int_equal(case_publish(&c), 0);
    assert_false(c.st.noop);
    assert_int_equal(fake.aborts, 0);
    assert_int_equal(fake_uploads_open(), 2);
    assert_int_equal(rows_without_id(), 1);
    /* the other one has got its first part */
    fake_part(fake.open, 1)->data = calloc(1, 1);
    assert_true(is_open("other"));
    fake_later();
    assert_int_equal(case_publish(&c), 0);
    assert_true(c.st.noop);
    assert_int_equal(fake_uploads_open(), 1);
    assert_true(is_open("other"));
    assert_int_equal(fake_journal_rows(), 0);
    case_stop(&c);
}

/* A row without id is no sign of an archive that was not verified. */
static void
test_no_doubt(void **state)
{
    (void)state;
    begin_killed(5, true);
    fake.no_complete_crc = fake.no_head_crc = true;
    assert_int_equal(case_publish(&c), 0);
    assert_int_equal(rows_without_id(), 1);
    assert_int_equal(case_publish(&c), 0);
    assert_true(c.st.noop);
    case_stop(&c);
}

/* The store does what the dead process asked for after it was looked at. */
static void
test_comes_late(void **state)
{
    struct fake_upload *u;

    (void)state;
    begin_killed(8, true);
    u = fake.open;
    fake.open = u->next;
    assert_int_equal(case_publish(&c), 0);
    assert_int_equal(rows_without_id(), 1);
    u->next = fake.open;
    fake.open = u;
    fake_later();
    assert_int_equal(case_publish(&c), 0);
    case_check_there(&c);
    case_stop(&c);
}

/* Of two uploads of a Create that was sent again. */
static void
test_young_twin(void **state)
{
    (void)state;
    case_start(&c, 7, 30, HALF);
    fake.create_twice = 1;
    fake.young = true;
    assert_int_equal(case_publish(&c), 0);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(rows_without_id(), 1);
    assert_int_equal(fake_sql("SELECT count(*) FROM publish_upload WHERE"
                              " owner = '' AND initiator = 'us'"),
                     1);
    fake_later();
    case_new_publisher(&c);
    assert_int_equal(case_publish(&c), 0);
    assert_true(c.st.noop);
    case_check_there(&c);
    case_stop(&c);
}

/* Nobody answered Create; an abort in the middle, too. */
static void
test_young_and_failed(void **state)
{
    static const enum fake_trouble troubles[] = {FAKE_FAIL_TIMEOUT,
                                                 FAKE_ABORT};
    unsigned n, left = 0;
    int r;

    (void)state;
    for (n = 1; n < 60; n++) {
        case_start(&c, n, 14, HALF);
        fake.young = true;
        fake.create_twice = n % 4 == 3;
        fake.trouble_at = 1 + n / 2;
        fake.trouble = troubles[n % 2];
        r = case_publish(&c);
        assert_true(r == 0 || r == -EINTR || r == -ETIMEDOUT);
        assert_true(fake_uploads_open() <= (unsigned)fake_journal_rows());
        left += fake_uploads_open();
        fake_later();
        fake.trouble_at = 0;
        assert_int_equal(case_publish(&c), 0);
        case_check_there(&c);
        case_stop(&c);
    }
    assert_true(left > 2);
}

/* The answer was lost, and the next attempt is refused. */
static void
test_lost_and_denied(void **state)
{
    (void)state;
    case_start(&c, 9, 14, HALF);
    fake.create_denied = 1;
    fake.young = true;
    assert_int_equal(case_publish(&c), -EACCES);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(rows_without_id(), 1);
    fake_later();
    case_new_publisher(&c);
    assert_int_equal(case_publish(&c), 0);
    case_check_there(&c);
    case_stop(&c);
}

/* A connection that was in use may be cut off after the request: libcurl
 * sends it again, and says nothing of it. */
static void
test_sent_twice_unseen(void **state)
{
    static const enum plan_strategy strategies[] = {PLAN_DUO, PLAN_STITCH,
                                                    PLAN_CHAIN};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(strategies); i++) {
        case_start_as(&c, strategies[i], 3, 30, HALF);
        fake.resends = true;
        case_done(&c, "store-crc");
        case_stop(&c);
    }
}

/* Two uploads, and only one of their ids is known when the process dies. */
static void
test_twin_of_killed(void **state)
{
    bool killed = true;
    unsigned n;

    (void)state;
    for (n = 1; killed && n < 400; n++) {
        case_start(&c, n, 14, HALF);
        fake.create_twice = 1;
        killed = case_killed(&c, n / 2 + 1, n % 2);
        fake.create_twice = 0;
        assert_int_equal(case_publish(&c), 0);
        case_check_there(&c);
        case_stop(&c);
    }
    assert_false(killed);
}

/* By the store's clock it was begun before we thought of it. */
static void
test_clocks_differ(void **state)
{
    (void)state;
    begin_killed(6, true);
    fake.behind = 30;
    assert_int_equal(case_publish(&c), 0);
    assert_int_equal(fake_uploads_open(), 1);
    assert_int_equal(rows_without_id(), 1);
    fake_later();
    assert_int_equal(case_publish(&c), 0);
    case_check_there(&c);
    case_stop(&c);
}

static struct publish_job *running;
static op_fn *last_delete;

/* Asked for twice, the end is wanted at once. */
static void
end_and_run(struct op *op)
{
    publish_abort(running, -ECONNABORTED);
    publish_abort(running, -ECONNABORTED);
    last_delete(op);
}

static bool
is_last_delete(const struct publish_job *j)
{
    return j->stages > 1 && j->next_clean + 1 == j->stages &&
           j->stage_calls == 1 && !fake.works && fake.ops && !fake.ops->next;
}

/* Scratch objects that are known are gone, and there is no time to look for
 * others: whoever comes next does. */
static void
test_no_time_to_look(void **state)
{
    unsigned n, ended = 0;

    (void)state;
    for (n = 1; n < 20; n++) {
        case_start_as(&c, PLAN_STITCH, n, 30, HALF);
        fake.create_twice = 1000;
        assert_int_equal(case_begin(&c, "out/a.zip", &running), 0);
        while ((fake.ops || fake.works) && !is_last_delete(running))
            fake_run_some(1);
        if (fake.ops) {
            last_delete = fake.ops->run;
            fake.ops->run = end_and_run;
            fake_run();
            ended++;
        }
        case_end(&c, running);
        assert_true(fake_uploads_open() == 0 || fake_journal_rows() > 0);
        fake.create_twice = 0;
        case_new_publisher(&c);
        assert_int_equal(case_publish(&c), 0);
        case_check_there(&c);
        case_stop(&c);
    }
    assert_true(ended > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_parts),
        cmocka_unit_test(test_young),
        cmocka_unit_test(test_no_doubt),
        cmocka_unit_test(test_comes_late),
        cmocka_unit_test(test_young_twin),
        cmocka_unit_test(test_young_and_failed),
        cmocka_unit_test(test_lost_and_denied),
        cmocka_unit_test(test_sent_twice_unseen),
        cmocka_unit_test(test_twin_of_killed),
        cmocka_unit_test(test_clocks_differ),
        cmocka_unit_test(test_no_time_to_look),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
