/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * aws/: signatures, against botocore's (golden/make_sign_golden.py).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws.h"
#include "base/check.h"

struct golden {
    const char *name, *method, *host, *path, *query, *payload, *region, *token,
        *secret;
    long long time;
    const char *headers[8];
    const char *authorization, *date;
};

#include "golden/sign_golden.h"

static const char *
otherwise(const char *s, const char *value)
{
    return s ? s : value;
}

/* The value of a line "Name: value\n", or NULL. */
static char *
line_of(const struct buf *b, const char *name)
{
    const char *p = b->data ? strstr(b->data, name) : NULL;

    if (!p || (p != b->data && p[-1] != '\n'))
        return NULL;
    p += strlen(name);
    return strndup(p, strcspn(p, "\n"));
}

static void
check_line(const struct golden *g, const struct buf *b, const char *name,
           const char *want)
{
    char *got = line_of(b, name);

    if (!want) {
        assert_null(got);
        return;
    }
    assert_non_null(got);
    if (strcmp(got, want) != 0)
        print_error("case \"%s\"\n", g->name);
    assert_string_equal(got, want);
    free(got);
}

static void
check_golden(const struct golden *g)
{
    struct aws_identity id = {.access_key = (char *)GOLDEN_ACCESS,
                              .secret_key =
                                  (char *)otherwise(g->secret, GOLDEN_SECRET),
                              .session_token = (char *)g->token};
    const char *payload = otherwise(g->payload, AWS_EMPTY_SHA256);
    struct aws_sign s = {
        .method = otherwise(g->method, GOLDEN_METHOD),
        .host = otherwise(g->host, GOLDEN_HOST),
        .path = otherwise(g->path, GOLDEN_PATH),
        .query = otherwise(g->query, GOLDEN_QUERY),
        .region = otherwise(g->region, GOLDEN_REGION),
        .service = "s3",
        .headers = g->headers,
        .payload_hash = payload,
        .now = (time_t)(g->time ? g->time : GOLDEN_TIME),
    };
    struct buf out = BUF_INIT(65536);

    assert_int_equal(aws_sign_v4(&s, &id, &out), 0);
    check_line(g, &out, "Authorization: ", g->authorization);
    check_line(g, &out, "X-Amz-Date: ", otherwise(g->date, GOLDEN_DATE));
    check_line(g, &out, "X-Amz-Content-SHA256: ", payload);
    check_line(g, &out, "X-Amz-Security-Token: ", g->token);
    assert_int_equal(out.data[out.len - 1], '\n');
    buf_free(&out);
}

static void
test_golden(void **state)
{
    size_t i;

    (void)state;
    assert_true(ARRAY_SIZE(golden) > 255);
    for (i = 0; i < ARRAY_SIZE(golden); i++)
        check_golden(&golden[i]);
}

static void
test_anonymous(void **state)
{
    struct aws_identity id = {.access_key = (char *)"",
                              .secret_key = (char *)""};
    struct aws_sign s = {.method = "GET",
                         .host = "h",
                         .path = "/",
                         .query = "",
                         .payload_hash = AWS_EMPTY_SHA256,
                         .region = "r",
                         .service = "s3"};
    struct buf out = BUF_INIT(100);

    (void)state;
    assert_int_equal(aws_sign_v4(&s, &id, &out), 0);
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

static void
test_refused(void **state)
{
    static const char *const headers[] = {"no colon", NULL};
    struct aws_identity id = {.access_key = (char *)"a",
                              .secret_key = (char *)"b"};
    struct aws_sign s = {.method = "GET",
                         .host = "h",
                         .path = "/",
                         .query = "",
                         .payload_hash = AWS_EMPTY_SHA256,
                         .region = "r",
                         .service = "s3"};
    struct buf small = BUF_INIT(100), out = BUF_INIT(1000);

    (void)state;
    assert_int_equal(aws_sign_v4(&s, &id, &small), -EMSGSIZE);
    s.headers = headers;
    assert_int_equal(aws_sign_v4(&s, &id, &out), -EINVAL);
    buf_free(&small);
    buf_free(&out);
}

static void
test_sha256(void **state)
{
    struct iovec v[3] = {{(void *)"a", 1}, {NULL, 0}, {(void *)"bc", 2}};
    char hex[65];

    (void)state;
    assert_int_equal(aws_sha256_iov(hex, v, 0), 0);
    assert_string_equal(hex, AWS_EMPTY_SHA256);
    assert_int_equal(aws_sha256_iov(hex, v, 3), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
                             "b00361a396177a9cb410ff61f20015ad");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_anonymous),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_sha256),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
