/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/: DeleteObjects.  What is sent, what is made of answers that name some,
 * all, none or others, and of stores that do not have the call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "s3_fake.h"

static unsigned answers;
static struct s3_error last;
static char seen[1024];

static void
on_deleted(void *user, const struct s3_error *e,
           const struct s3_delete_failure *f, size_t count)
{
    size_t i, n;

    (void)user;
    answers++;
    last = *e;
    seen[0] = '\0';
    for (i = 0; i < count; i++) {
        n = strlen(seen);
        snprintf(seen + n, sizeof(seen) - n, "%zu %d %s %s;", f[i].index,
                 f[i].err, f[i].code, f[i].message);
    }
}

static const struct s3_item some[] = {
    {"a<&>\"'b", 7, NULL}, {"a\r\n\tb", 5, ""}, {"v", 1, "id/1"}};

static struct s3 *
begin(const char *answer, int status)
{
    struct s3 *s = fake_client(NULL);

    answers = 0;
    fake_say(status, "", answer);
    return s;
}

static int
delete_of(struct s3 *s, const struct s3_item *item, size_t count)
{
    struct s3_delete_many_args a = {"b", true, item, count};

    s3_delete_many(s, &a, on_deleted, NULL);
    fake_run();
    assert_int_equal(answers, 1);
    return last.err;
}

static int
delete_some(const char *answer, int status)
{
    struct s3 *s = begin(answer, status);
    int r = delete_of(s, some, ARRAY_SIZE(some));

    fake_free(s);
    return r;
}

static void
test_request(void **state)
{
    struct s3 *s = begin("<DeleteResult/>", 200);
    struct s3_stats st;

    (void)state;
    assert_int_equal(delete_of(s, some, ARRAY_SIZE(some)), 0);
    assert_string_equal(seen, "");
    assert_string_equal(fake.request[0].method, "POST");
    assert_string_equal(fake.request[0].url, "http://127.0.0.1:9/b?delete=");
    assert_string_equal(
        fake.request[0].body,
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<Quiet>true</Quiet>"
        "<Object><Key>a&lt;&amp;&gt;\"'b</Key></Object>"
        "<Object><Key>a&#13;&#10;&#9;b</Key></Object>"
        "<Object><Key>v</Key><VersionId>id/1</VersionId></Object>"
        "</Delete>");
    /* openssl dgst -md5 -binary | base64 of that */
    assert_true(fake_sent(0, "content-md5: YYrO3CkfqFsTqCF6/HWLcQ=="));
    assert_true(fake_sent(0, "content-type: application/xml"));
    s3_stats_get(s, &st);
    assert_int_equal(st.delete_many, 1);
    fake_free(s);
}

static void
test_failures(void **state)
{
    (void)state;
    assert_int_equal(
        delete_some("<DeleteResult>"
                    "<Deleted><Key>a&lt;&amp;&gt;\"'b</Key></Deleted>"
                    "<Error><Key>v</Key><VersionId>id/1</VersionId>"
                    "<Code>AccessDenied</Code><Message>no</Message></Error>"
                    "<Error><Key>a&#13;&#10;&#9;b</Key>"
                    "<Code>InternalError</Code></Error>"
                    "</DeleteResult>",
                    200),
        0);
    assert_string_equal(seen, "2 -13 AccessDenied no;1 -5 InternalError ;");
    /* what was not there is gone; the version of another is nobody's */
    assert_int_equal(
        delete_some("<DeleteResult><Error><Key>v</Key>"
                    "<Code>NoSuchVersion</Code></Error></DeleteResult>",
                    200),
        0);
    assert_string_equal(seen, "");
    assert_int_equal(
        delete_some("<DeleteResult><Error><Key>v</Key>"
                    "<VersionId>id/2</VersionId>"
                    "<Code>AccessDenied</Code></Error></DeleteResult>",
                    200),
        -EPROTO);
    assert_int_equal(
        delete_some("<DeleteResult><Error><Key>other</Key>"
                    "<Code>AccessDenied</Code></Error></DeleteResult>",
                    200),
        -EPROTO);
    assert_int_equal(
        delete_some("<DeleteResult><Error><Key>v</Key></Error></DeleteResult>",
                    200),
        -EPROTO);
}

/* A key that is named twice failed once. */
static void
test_twice(void **state)
{
    static const struct s3_item same[] = {{"k", 1, NULL}, {"k", 1, NULL}};
    struct s3 *s = begin("<DeleteResult>"
                         "<Error><Key>k</Key><Code>SlowDown</Code></Error>"
                         "<Error><Key>k</Key><Code>SlowDown</Code></Error>"
                         "</DeleteResult>",
                         200);

    (void)state;
    assert_int_equal(delete_of(s, same, 2), 0);
    assert_string_equal(seen, "0 -5 SlowDown ;1 -5 SlowDown ;");
    fake_free(s);
}

static void
test_answers(void **state)
{
    (void)state;
    assert_int_equal(delete_some("", 200), -EPROTO);
    assert_int_equal(delete_some("<html/>", 200), -EPROTO);
    assert_int_equal(
        delete_some("<Error><Code>AccessDenied</Code></Error>", 200), -EACCES);
    assert_int_equal(delete_some("", 501), -EOPNOTSUPP);
    assert_int_equal(delete_some("", 405), -EOPNOTSUPP);
    assert_int_equal(
        delete_some("<Error><Code>InvalidArgument</Code></Error>", 400),
        -EOPNOTSUPP);
    assert_int_equal(
        delete_some("<Error><Code>NoSuchBucket</Code></Error>", 404), -ENOENT);
    assert_int_equal(delete_some("", 403), -EACCES);
}

/* A call that is sent again begins its failures anew. */
static void
test_again(void **state)
{
    struct s3 *s = fake_client(NULL);

    (void)state;
    answers = 0;
    fake_add(&(struct fake_answer){
        .status = 200,
        .body = "<DeleteResult><Error><Key>v</Key><Code>AccessDenied</Code>"
                "</Error></Del",
        .cut = 70,
        .err = -ECONNRESET});
    fake_say(200, "", "<DeleteResult/>");
    assert_int_equal(delete_of(s, some, ARRAY_SIZE(some)), 0);
    assert_string_equal(seen, "");
    assert_int_equal(fake.requests, 2);
    fake_free(s);
}

static void
test_keys(void **state)
{
    static const struct s3_item odd[] = {{"\001", 1, NULL},
                                         {"k", 1, NULL},
                                         {"\xff", 1, NULL},
                                         {"\xef\xbf\xbf", 3, NULL},
                                         {"\xef\xbf\xbd", 3, NULL}};
    static const struct s3_item none[] = {{"", 0, NULL}};
    struct s3 *s = begin("<DeleteResult/>", 200);

    (void)state;
    assert_int_equal(delete_of(s, odd, ARRAY_SIZE(odd)), 0);
    assert_string_equal(seen, "0 -84  the key cannot be written in XML;"
                              "2 -84  the key cannot be written in XML;"
                              "3 -84  the key cannot be written in XML;");
    assert_non_null(strstr(fake.request[0].body, "<Key>k</Key>"));
    answers = 0;
    assert_int_equal(delete_of(s, odd, 1), -EILSEQ);
    answers = 0;
    assert_int_equal(delete_of(s, none, 1), -EINVAL);
    answers = 0;
    assert_int_equal(delete_of(s, none, 0), -EINVAL);
    assert_int_equal(fake.requests, 1);
    fake_free(s);
}

static void
test_most(void **state)
{
    static struct s3_item many[S3_DELETE_MAX + 1];
    struct s3 *s = begin("<DeleteResult/>", 200);
    static char key[S3_KEY_MAX + 1];
    size_t i;

    (void)state;
    memset(key, '&', S3_KEY_MAX);
    for (i = 0; i <= S3_DELETE_MAX; i++)
        many[i] = (struct s3_item){key, S3_KEY_MAX, NULL};
    assert_int_equal(delete_of(s, many, S3_DELETE_MAX), 0);
    answers = 0;
    assert_int_equal(delete_of(s, many, S3_DELETE_MAX + 1), -EINVAL);
    fake_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request), cmocka_unit_test(test_failures),
        cmocka_unit_test(test_twice),   cmocka_unit_test(test_answers),
        cmocka_unit_test(test_again),   cmocka_unit_test(test_keys),
        cmocka_unit_test(test_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
