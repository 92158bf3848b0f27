/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/: uploads that a Create without an answer may have made: their age,
 * whose they may be, and that only those without parts are aborted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "s3/orphan.h"
#include "s3_fake.h"

static const struct s3_where at = {.bucket = "b", .key = "k", .key_len = 1};

/* ------------------------------------------------------------------ rule */

static const char uploads[] =
    "<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>u</UploadId>"
    "<Initiated>1970-01-01T00:00:05.5Z</Initiated></Upload>"
    "</ListMultipartUploadsResult>";

static void
on_uploads(void *user, const struct s3_error *e, const struct s3_upload *u,
           size_t count)
{
    assert_int_equal(e->err, 0);
    assert_int_equal(count, 1);
    *(struct s3_upload *)user = u[0];
}

/* The answer comes after so long. */
static struct s3_upload
listed(const char *headers, uint32_t ms)
{
    struct fake_answer a = {
        .status = 200, .headers = headers, .body = uploads, .took_ms = ms};
    struct s3 *s = fake_client(NULL);
    struct s3_upload u = {.age = -1};

    fake_add(&a);
    s3_list_uploads(s, &at, on_uploads, &u);
    fake_run();
    fake_free(s);
    return u;
}

static int64_t
age_by(const char *headers)
{
    return listed(headers, 0).age;
}

/* By the store's clock; by ours if it has none. */
static void
test_age(void **state)
{
    (void)state;
    assert_int_equal(age_by("date: Thu, 01 Jan 1970 00:01:05 GMT\n"), 60);
    assert_in_range(age_by(""), time(NULL) - 10, time(NULL));
    assert_in_range(age_by("date: today\n"), time(NULL) - 10, time(NULL));
}

/* An answer may be of the moment in which it was asked for: an upload from
 * before the intent must not become one that was begun after it. */
static void
test_slow_answer(void **state)
{
    const char *date = "date: Thu, 01 Jan 1970 00:01:05 GMT\n";
    int64_t before = time(NULL);
    struct s3_upload soon = listed(date, 0), late = listed(date, 4500);

    (void)state;
    assert_in_range(soon.begun_first, before - 60, time(NULL) - 60);
    assert_int_equal(soon.begun_first, soon.begun_last);
    assert_in_range(late.begun_first, before - 65, time(NULL) - 65);
    assert_in_range(late.begun_last, before - 60, time(NULL) - 60);
    late.initiator = "";
    assert_int_equal(s3_orphan(&late, before - 80, ""), S3_ORPHAN_OLD);
    assert_int_equal(s3_orphan(&late, before - 61, ""), S3_ORPHAN_YOUNG);
    assert_int_equal(s3_orphan(&late, before - 50, ""), S3_ORPHAN_NOT);
}

/* Where the clocks agree it makes no difference how long it took. */
static void
test_slow_answer_same_clock(void **state)
{
    char date[64];
    time_t now = time(NULL);
    struct s3_upload u;

    (void)state;
    strftime(date, sizeof(date), "date: %a, %d %b %Y %H:%M:%S GMT\n",
             gmtime(&now));
    u = listed(date, 4500);
    assert_int_equal(u.begun_first, u.initiated);
    assert_int_equal(u.begun_last, u.initiated);
}

/* Nothing is there, yet; and an intent of a time to come. */
static void
test_may_come(void **state)
{
    int64_t now = time(NULL);

    (void)state;
    assert_true(s3_orphan_may_come(now));
    assert_true(s3_orphan_may_come(now - S3_INTENT_AFTER_S));
    assert_false(s3_orphan_may_come(now - S3_ORPHAN_COMES_S));
    assert_true(s3_orphan_may_come(now + 5));
    assert_false(s3_orphan_may_come(now + 1000));
}

static void
test_rule(void **state)
{
    struct s3_upload u = {.initiated = 1000, .initiator = "me", .age = 60};

    (void)state;
    assert_int_equal(s3_orphan(&u, 1000, ""), S3_ORPHAN_OLD);
    assert_int_equal(s3_orphan(&u, 1002, "me"), S3_ORPHAN_OLD);
    assert_int_equal(s3_orphan(&u, 700, "me"), S3_ORPHAN_OLD);
    assert_int_equal(s3_orphan(&u, 1003, ""), S3_ORPHAN_NOT);
    assert_int_equal(s3_orphan(&u, 699, ""), S3_ORPHAN_NOT);
    assert_int_equal(s3_orphan(&u, 1000, "you"), S3_ORPHAN_NOT);
    u.age = 59;
    assert_int_equal(s3_orphan(&u, 1000, "me"), S3_ORPHAN_YOUNG);
    u.age = -5; /* the store's clock was set back */
    assert_int_equal(s3_orphan(&u, 1000, ""), S3_ORPHAN_YOUNG);
}

/* The store's clock is slow, or fast. */
static void
test_rule_other_clock(void **state)
{
    int64_t now = time(NULL);
    struct s3_upload u = {.initiated = 1000,
                          .initiator = "me",
                          .age = 100,
                          .begun_first = now - 100,
                          .begun_last = now - 100};

    (void)state;
    assert_int_equal(s3_orphan(&u, now - 110, "me"), S3_ORPHAN_OLD);
    assert_int_equal(s3_orphan(&u, now - 110, "you"), S3_ORPHAN_NOT);
    assert_int_equal(s3_orphan(&u, now - 90, "me"), S3_ORPHAN_NOT);
    assert_int_equal(s3_orphan(&u, now - 410, "me"), S3_ORPHAN_NOT);
}

/* ----------------------------------------------------------------- abort */

static void
on_done(void *user, const struct s3_error *e)
{
    *(int *)user = e->err;
}

static int
abort_empty(struct s3 *s)
{
    int err = 1;

    s3_abort_empty(s, &at, "u+1", on_done, &err);
    fake_run();
    return err;
}

static void
test_without_parts(void **state)
{
    struct s3 *s = fake_client(NULL);

    (void)state;
    fake_say(200, "", "<ListPartsResult/>");
    fake_say(204, "", "");
    fake_say(404, "", "<Error><Code>NoSuchUpload</Code></Error>");
    assert_int_equal(abort_empty(s), 0);
    assert_int_equal(fake.requests, 3);
    assert_string_equal(fake.request[0].method, "GET");
    assert_non_null(
        strstr(fake.request[0].url, "k?max-parts=1&uploadId=u%2B1"));
    assert_string_equal(fake.request[1].method, "DELETE");
    assert_non_null(strstr(fake.request[1].url, "k?uploadId=u%2B1"));
    fake_free(s);
}

/* With a part, or if nobody knows, it is not touched. */
static void
test_untouched(void **state)
{
    static const struct {
        int status;
        const char *body;
        int err;
    } answers[] = {
        {200,
         "<ListPartsResult><IsTruncated>true</IsTruncated><Part><PartNumber>1"
         "</PartNumber></Part></ListPartsResult>",
         -ENOTEMPTY},
        {403, "<Error><Code>AccessDenied</Code></Error>", -EACCES},
        {404, "<Error><Code>NoSuchUpload</Code></Error>", 0},
        {404, "<Error><Code>NoSuchBucket</Code></Error>", -ENOENT},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(answers); i++) {
        struct s3 *s = fake_client(NULL);

        fake_say(answers[i].status, "", answers[i].body);
        assert_int_equal(abort_empty(s), answers[i].err);
        assert_int_equal(fake.requests, 1);
        fake_free(s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_slow_answer),
        cmocka_unit_test(test_slow_answer_same_clock),
        cmocka_unit_test(test_may_come),
        cmocka_unit_test(test_rule),
        cmocka_unit_test(test_rule_other_clock),
        cmocka_unit_test(test_without_parts),
        cmocka_unit_test(test_untouched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
