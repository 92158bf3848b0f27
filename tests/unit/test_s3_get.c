/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/: GET and HEAD, and with them all that calls have in common: retries,
 * continuation, what is learned, cancelling.
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

static struct got {
    unsigned answers, objects;
    struct s3_error e;
    struct s3_object o;
    char etag[300], digest[300], data[200];
    size_t n;
    int refuse; /* what on_data returns */
} got;

static void
on_object(void *user, const struct s3_object *o)
{
    (void)user;
    assert_int_equal(got.n, 0);
    got.objects++;
    got.o = *o;
}

static int
on_data(void *user, const void *p, size_t n)
{
    (void)user;
    if (got.refuse)
        return got.refuse;
    assert_true(got.n + n < sizeof(got.data));
    memcpy(got.data + got.n, p, n);
    got.n += n;
    got.data[got.n] = '\0';
    return 0;
}

static void
on_answer(void *user, const struct s3_error *e, const struct s3_object *o)
{
    (void)user;
    got.answers++;
    got.e = *e;
    assert_int_equal(o != NULL, e->err == 0);
    if (o) {
        got.o = *o;
        snprintf(got.etag, sizeof(got.etag), "%s", o->etag);
        snprintf(got.digest, sizeof(got.digest), "%s", o->layout_digest);
    }
}

static struct s3_get_args
args(uint64_t first, uint64_t length, uint64_t expect)
{
    memset(&got, 0, sizeof(got));
    return (struct s3_get_args){
        .at = {.bucket = "b", .key = "k/+ %", .key_len = 5},
        .etag = "E",
        .first = first,
        .length = length,
        .expect = expect,
        .checksum = true,
        .on_object = on_object,
        .on_data = on_data};
}

static void
get(struct s3 *s, uint64_t first, uint64_t length, uint64_t expect)
{
    struct s3_get_args a = args(first, length, expect);

    s3_get(s, &a, on_answer, NULL);
    fake_run();
    assert_int_equal(got.answers, 1);
}

/* One answer, then: */
static int
get_once(uint64_t first, uint64_t length, uint64_t expect, int status,
         const char *headers, const char *body)
{
    struct s3 *s = fake_client(NULL);
    int err;

    fake_say(status, headers, body);
    get(s, first, length, expect);
    err = got.e.err;
    if (err < 0 && status / 100 == 2)
        assert_int_equal(got.n, 0); /* nothing passed unchecked */
    fake_free(s);
    return err;
}

static void
test_whole(void **state)
{
    struct s3 *s = fake_client(NULL);

    (void)state;
    fake_say(200,
             "content-length: 9\netag: \"E\"\n"
             "x-amz-checksum-crc32: y/Q5Jg==\n"
             "x-amz-checksum-type: FULL_OBJECT\n"
             "x-amz-meta-s3zipfs-layout: d1\n"
             "last-modified: Sun, 06 Nov 1994 08:49:37 GMT\n",
             "123456789");
    get(s, 0, 0, 9);
    assert_int_equal(got.e.err, 0);
    assert_string_equal(got.data, "123456789");
    assert_string_equal(got.etag, "E");
    assert_string_equal(got.digest, "d1");
    assert_true(got.o.have_crc32 && got.o.crc32 == 0xcbf43926);
    assert_int_equal(got.o.size, 9);
    assert_int_equal(got.o.mtime, 784111777);
    assert_int_equal(got.objects, 1);
    assert_string_equal(fake.request[0].url,
                        "http://127.0.0.1:9/b/k/%2B%20%25");
    assert_true(fake_sent(0, "if-match: \"E\""));
    assert_true(fake_sent(0, "x-amz-checksum-mode: ENABLED"));
    assert_false(fake_sent_name(0, "range"));
    assert_int_equal(fake.request[0].stall_ms, 20000);
    fake_free(s);
}

static void
test_range(void **state)
{
    struct s3 *s = fake_client(NULL);

    (void)state;
    fake_say(206,
             "content-range: bytes 3-5/9\netag: \"E\"\n"
             "x-amz-checksum-crc32: y/Q5Jg==\n",
             "456");
    get(s, 3, 3, 0);
    assert_int_equal(got.e.err, 0);
    assert_string_equal(got.data, "456");
    assert_int_equal(got.o.size, 9);
    assert_false(got.o.have_crc32);
    assert_true(fake_sent(0, "range: bytes=3-5"));
    fake_free(s);
}

static void
test_wrong_answers(void **state)
{
    (void)state;
    /* 200 to a range: only if the range is everything */
    assert_int_equal(get_once(0, 3, 0, 200, "content-length: 3\n", "abc"), 0);
    assert_int_equal(get_once(0, 3, 0, 200, "content-length: 9\n", "abc"),
                     -EPROTO);
    assert_int_equal(get_once(1, 3, 0, 200, "content-length: 3\n", "abc"),
                     -EPROTO);
    assert_int_equal(get_once(0, 3, 0, 200, "", "abc"), -EPROTO);
    /* 206 must say exactly what was asked */
    assert_int_equal(get_once(3, 3, 0, 206, "", "456"), -EPROTO);
    assert_int_equal(
        get_once(3, 3, 0, 206, "content-range: bytes 3-4/9\n", "45"), -EPROTO);
    assert_int_equal(
        get_once(3, 3, 0, 206, "content-range: bytes 2-5/9\n", "3456"),
        -EPROTO);
    assert_int_equal(get_once(3, 3, 0, 206,
                              "content-range: bytes 3-5/9\n"
                              "content-length: 4\n",
                              "456"),
                     -EPROTO);
    assert_int_equal(
        get_once(0, 0, 9, 206, "content-range: bytes 0-8/9\n", "x"), -EPROTO);
    assert_int_equal(get_once(0, 0, 9, 204, "", ""), -EPROTO);
    /* size and ETag of the listing */
    assert_int_equal(get_once(0, 0, 9, 200, "content-length: 8\n", "x"),
                     -ESTALE);
    assert_int_equal(
        get_once(0, 0, 1, 200, "content-length: 1\netag: \"F\"\n", "x"),
        -ESTALE);
    assert_int_equal(get_once(3, 3, 0, 206,
                              "content-range: bytes 3-5/9\n"
                              "etag: \"F\"\n",
                              "456"),
                     -ESTALE);
}

static void
test_too_long(void **state)
{
    struct s3 *s = fake_client(NULL);

    (void)state;
    fake_say(206, "content-range: bytes 0-2/9\n", "123456");
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, -EPROTO);
    assert_int_equal(got.n, 3); /* the first half, which was due */
    assert_int_equal(fake.requests, 1);
    fake_free(s);
}

static void
test_refusals(void **state)
{
    (void)state;
    assert_int_equal(get_once(0, 3, 0, 412, "", ""), -ESTALE);
    assert_int_equal(
        get_once(0, 3, 0, 404, "", "<Error><Code>NoSuchKey</Code></Error>"),
        -ESTALE);
    assert_int_equal(
        get_once(0, 3, 0, 404, "", "<Error><Code>NoSuchBucket</Code></Error>"),
        -ENOENT);
    assert_int_equal(
        get_once(0, 3, 0, 416, "", "<Error><Code>InvalidRange</Code></Error>"),
        -ESTALE);
    assert_int_equal(get_once(0, 3, 0, 403, "",
                              "<Error><Code>InvalidObjectState</Code>"
                              "<StorageClass>GLACIER</StorageClass>"
                              "</Error>"),
                     -ENODATA);
    assert_non_null(strstr(got.e.message, "GLACIER"));
    assert_int_equal(get_once(0, 3, 0, 403, "x-amz-request-id: R\n", ""),
                     -EACCES);
    assert_string_equal(got.e.request_id, "R");
}

/* A body that is cut goes on where it was, under the ETag. */
static void
test_cut(void **state)
{
    struct s3 *s = fake_client(NULL);
    struct fake_answer first = {.err = -ECONNRESET,
                                .status = 200,
                                .headers = "content-length: 9\netag: \"E\"\n",
                                .body = "123456789",
                                .cut = 4};

    (void)state;
    fake_add(&first);
    fake_add(&(struct fake_answer){.err = -ETIMEDOUT});
    fake_say(206, "content-range: bytes 4-8/9\netag: \"E\"\n", "56789");
    get(s, 0, 0, 9);
    assert_int_equal(got.e.err, 0);
    assert_string_equal(got.data, "123456789");
    assert_int_equal(got.objects, 1);
    assert_int_equal(got.e.attempts, 3);
    assert_true(fake_sent(1, "range: bytes=4-8"));
    assert_true(fake_sent(2, "range: bytes=4-8"));
    assert_true(fake_sent(2, "if-match: \"E\""));
    assert_true(fake.request[1].fresh);
    fake_free(s);
}

static void
test_cut_then_wrong(void **state)
{
    static const char *const second[] = {
        "content-range: bytes 4-8/9\netag: \"F\"\n",
        "content-range: bytes 4-8/10\netag: \"E\"\n",
        "content-range: bytes 3-8/9\netag: \"E\"\n",
    };
    struct fake_answer first = {.err = -ECONNRESET,
                                .status = 200,
                                .headers = "content-length: 9\netag: \"E\"\n",
                                .body = "123456789",
                                .cut = 4};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(second); i++) {
        struct s3 *s = fake_client(NULL);

        fake_add(&first);
        fake_say(206, second[i], "56789");
        get(s, 0, 0, 9);
        assert_int_equal(got.e.err, i < 2 ? -ESTALE : -EPROTO);
        assert_string_equal(got.data, "1234");
        fake_free(s);
    }
}

/* As long as bytes come, patience does not run out. */
static void
test_cut_often(void **state)
{
    struct s3 *s = fake_client(NULL);
    char range[30][64];
    int i;

    (void)state;
    for (i = 0; i < 30; i++) {
        struct fake_answer a = {.err = -ETIMEDOUT,
                                .status = 206,
                                .headers = range[i],
                                .body = "x",
                                .took_ms = 50000};

        snprintf(range[i], sizeof(range[i]),
                 "content-range: bytes %d-29/40\netag: \"E\"\n", i);
        fake_add(&a);
    }
    get(s, 0, 30, 0);
    assert_int_equal(got.e.err, 0);
    assert_int_equal(got.n, 30);
    assert_int_equal(got.e.attempts, 30);
    fake_free(s);
}

/* All bytes came and then the connection broke: nothing is missing. */
static void
test_cut_at_end(void **state)
{
    struct s3 *s = fake_client(NULL);
    struct fake_answer a = {.err = -ECONNRESET,
                            .status = 206,
                            .headers = "content-range: bytes 0-2/9\n",
                            .body = "123",
                            .cut = 3};

    (void)state;
    fake_add(&a);
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, 0);
    assert_int_equal(fake.requests, 1);
    fake_free(s);
}

static void
test_reader_refuses(void **state)
{
    struct s3 *s = fake_client(NULL);
    struct s3_get_args a = args(0, 3, 0);

    (void)state;
    got.refuse = -ENOSPC;
    fake_say(206, "content-range: bytes 0-2/9\n", "123");
    s3_get(s, &a, on_answer, NULL);
    fake_run();
    assert_int_equal(got.answers, 1);
    assert_int_equal(got.e.err, -ENOSPC);
    assert_int_equal(fake.requests, 1);
    fake_free(s);
}

/* ------------------------------------------------------------- retries */

#define SLOW_DOWN "<Error><Code>SlowDown</Code><Message>m</Message></Error>"
#define GOOD 206, "content-range: bytes 0-2/9\n", "123"

static void
test_ten_attempts(void **state)
{
    struct s3 *s = fake_client(NULL);

    (void)state;
    fake_say(500, "", "<Error><Code>InternalError</Code></Error>");
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, -EIO);
    assert_int_equal(fake.requests, 10);
    assert_int_equal(got.e.attempts, 10);
    assert_string_equal(got.e.code, "InternalError");
    fake_free(s);
}

static void
test_recovers(void **state)
{
    struct s3 *s = fake_client(NULL);
    struct s3_stats st;

    (void)state;
    fake_say(503, "", SLOW_DOWN);
    fake_add(&(struct fake_answer){.err = -ECONNREFUSED});
    fake_say(GOOD);
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, 0);
    assert_int_equal(got.e.code[0], 0);
    s3_stats_get(s, &st);
    assert_int_equal(st.get, 3);
    assert_int_equal(st.retries, 2);
    assert_int_equal(st.bytes_in, 3 + strlen(SLOW_DOWN));
    fake_free(s);
}

static void
test_retry_after(void **state)
{
    struct s3 *s = fake_client(NULL);
    uint64_t begin;

    (void)state;
    begin = fake.now;
    fake_say(503, "retry-after: 7\n", SLOW_DOWN);
    fake_say(GOOD);
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, 0);
    assert_in_range(fake.now - begin, 7000, 7100);
    fake_free(s);
}

static void
test_patience(void **state)
{
    struct s3 *s = fake_client(NULL);
    uint64_t begin;

    (void)state;
    begin = fake.now;
    fake_say(503, "retry-after: 20\n", SLOW_DOWN);
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, -EIO);
    assert_in_range(fake.now - begin, 40000, 61000);
    assert_in_range(fake.requests, 3, 4);
    fake_free(s);
}

static void
test_tls_twice(void **state)
{
    struct s3 *s = fake_client(NULL);

    (void)state;
    fake_add(&(struct fake_answer){.err = -EPROTO});
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, -EPROTO);
    assert_string_equal(got.e.message, "words of libcurl");
    assert_int_equal(fake.requests, 2);
    fake_free(s);
}

static void
test_big_error(void **state)
{
    struct s3 *s = fake_client(NULL);
    char *big = malloc(200001);

    (void)state;
    memset(big, 'x', 200000);
    big[200000] = '\0';
    fake_say(404, "", big);
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, -ESTALE);
    assert_int_equal(fake.requests, 1);
    fake_free(s);
    free(big);
}

/* ------------------------------------------------------------- learning */

static void
test_region_learned(void **state)
{
    struct s3_conf conf = {.path_style = -1, .sign_payload = -1};
    struct s3 *s = fake_client(&conf);
    char region[64];

    (void)state;
    fake_say(301, "x-amz-bucket-region: eu-west-1\n", "");
    fake_say(GOOD);
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, 0);
    assert_string_equal(fake.request[1].url,
                        "https://s3.eu-west-1.amazonaws.com/b/k/%2B%20%25");
    assert_string_equal(fake.signed_region, "eu-west-1");
    s3_bucket_region(s, "b", region, sizeof(region));
    assert_string_equal(region, "eu-west-1");
    s3_bucket_region(s, "c", region, sizeof(region));
    assert_string_equal(region, "");
    assert_string_equal(s3_endpoint_id(s), "aws");
    fake_free(s);
}

static void
test_region_by_body(void **state)
{
    struct s3 *s = fake_client(NULL);

    (void)state;
    fake_say(400, "",
             "<Error><Code>AuthorizationHeaderMalformed</Code>"
             "<Region>ap-south-1</Region></Error>");
    fake_say(GOOD);
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, 0);
    assert_string_equal(fake.signed_region, "ap-south-1");
    fake_free(s);
}

/* A store that always sends elsewhere, or to nowhere. */
static void
test_region_loops(void **state)
{
    struct s3 *s = fake_client(NULL);
    int i;

    (void)state;
    for (i = 0; i < 5; i++) {
        fake_say(301, "x-amz-bucket-region: eu-west-1\n", "");
        fake_say(301, "x-amz-bucket-region: eu-west-2\n", "");
    }
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, -EIO);
    assert_in_range(fake.requests, 2, 3);
    fake_free(s);
    s = fake_client(NULL);
    fake_say(301, "x-amz-bucket-region: evil.example.org/\n", "");
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, -EIO);
    assert_int_equal(fake.requests, 1);
    fake_free(s);
}

static void
test_skew(void **state)
{
    struct s3 *s = fake_client(NULL);

    (void)state;
    fake_say(403, "date: Fri, 01 Jan 2100 00:00:00 GMT\n",
             "<Error><Code>RequestTimeTooSkewed</Code></Error>");
    fake_say(GOOD);
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, 0);
    assert_in_range(time(NULL) + fake.signed_at, INT64_C(4102444800) - 2,
                    INT64_C(4102444800) + 5);
    fake_free(s);
    s = fake_client(NULL);
    fake_say(403, "date: junk\n",
             "<Error><Code>RequestTimeTooSkewed</Code></Error>");
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, -EACCES);
    assert_int_equal(fake.requests, 1);
    fake_free(s);
}

static void
test_expired(void **state)
{
    struct s3 *s = fake_client(NULL);

    (void)state;
    fake_say(400, "", "<Error><Code>ExpiredToken</Code></Error>");
    fake_say(GOOD);
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, 0);
    assert_int_equal(fake.expired, 1);
    fake_free(s);
    s = fake_client(NULL);
    fake_say(400, "", "<Error><Code>ExpiredToken</Code></Error>");
    get(s, 0, 3, 0);
    assert_int_equal(got.e.err, -EACCES);
    assert_in_range(fake.requests, 2, 3);
    fake_free(s);
}

/* ------------------------------------------------------------ cancelling */

static void
test_cancel(void **state)
{
    struct s3 *s = fake_client(NULL);
    struct s3_get_args a = args(0, 3, 0);
    uint64_t begin;
    s3_id id;

    (void)state;
    begin = fake.now;
    fake_add(&(struct fake_answer){.hold = true});
    id = s3_get(s, &a, on_answer, NULL);
    assert_true(id > 0);
    assert_int_equal(got.answers, 0);
    s3_cancel(s, id + 1); /* nobody */
    s3_cancel(s, id);
    fake_run();
    assert_int_equal(got.answers, 1);
    assert_int_equal(got.e.err, -ECANCELED);
    s3_cancel(s, id);
    assert_int_equal(got.answers, 1);
    assert_int_equal(fake.now, begin);
    fake_free(s);
}

/* Nothing calls back inside the call nor inside the cancel, also when the call
 * is refused before it is sent. */
static void
test_never_inside(void **state)
{
    struct s3 *s = fake_client(NULL);
    struct s3_get_args a = args(0, 3, 0);
    s3_id id;

    (void)state;
    fake_say(404, "", "");
    s3_get(s, &a, on_answer, NULL);
    assert_int_equal(got.answers, 0);
    fake_run();
    assert_int_equal(got.answers, 1);
    got.answers = 0;
    id = s3_get(s, &a, on_answer, NULL);
    s3_cancel(s, id);
    assert_int_equal(got.answers, 0);
    fake_run();
    assert_int_equal(got.answers, 1);
    assert_int_equal(got.e.err, -ECANCELED);
    got.answers = 0;
    a.at.bucket = "";
    id = s3_get(s, &a, on_answer, NULL);
    s3_cancel(s, id);
    assert_int_equal(got.answers, 0);
    fake_run();
    assert_int_equal(got.answers, 1);
    fake_free(s);
}

static void
test_cancel_backoff(void **state)
{
    struct s3 *s = fake_client(NULL);
    struct s3_get_args a = args(0, 3, 0);
    uint64_t begin;
    s3_id id;

    (void)state;
    begin = fake.now;
    fake_say(503, "retry-after: 15\n", SLOW_DOWN);
    id = s3_get(s, &a, on_answer, NULL);
    fake_run_for(0);
    assert_int_equal(fake_timers(), 1);
    s3_cancel(s, id);
    s3_cancel(s, id);
    assert_int_equal(got.answers, 0); /* on a loop thread, not here */
    fake_run();
    assert_int_equal(got.answers, 1);
    assert_int_equal(got.e.err, -ECANCELED);
    assert_int_equal(fake.now, begin);
    assert_int_equal(fake.requests, 1);
    fake_free(s);
}

static void
test_bad_arguments(void **state)
{
    struct s3 *s = fake_client(NULL);
    struct s3_get_args a = args(0, 3, 0);

    (void)state;
    a.etag = "a\r\nX-Evil: 1";
    s3_get(s, &a, on_answer, NULL);
    assert_int_equal(got.answers, 0);
    fake_run();
    assert_int_equal(got.e.err, -EINVAL);
    a = args(UINT64_MAX, 3, 0);
    s3_get(s, &a, on_answer, NULL);
    fake_run();
    assert_int_equal(got.e.err, -EINVAL);
    a = args(0, 3, 0);
    a.at.bucket = "b/c";
    s3_get(s, &a, on_answer, NULL);
    fake_run();
    assert_int_equal(got.e.err, -EINVAL);
    assert_int_equal(fake.requests, 0);
    fake_free(s);
}

/* ----------------------------------------------------------------- head */

static int
head(int status, const char *headers, const char *etag)
{
    struct s3 *s = fake_client(NULL);
    struct s3_head_args a = {.at = {.bucket = "b", .key = "k", .key_len = 1},
                             .etag = etag,
                             .checksum = true};

    memset(&got, 0, sizeof(got));
    fake_say(status, headers, "");
    s3_head(s, &a, on_answer, NULL);
    fake_run();
    assert_int_equal(got.answers, 1);
    assert_string_equal(fake.request[0].method, "HEAD");
    fake_free(s);
    return got.e.err;
}

static void
test_head(void **state)
{
    (void)state;
    assert_int_equal(head(200,
                          "content-length: 18446744073709551615\n"
                          "etag: \"E\"\nx-amz-checksum-crc32: y/Q5Jg==\n",
                          "E"),
                     0);
    assert_true(got.o.size == UINT64_MAX);
    assert_true(got.o.have_crc32);
    assert_int_equal(head(200, "etag: \"E\"\n", "E"), -EPROTO);
    assert_int_equal(head(200, "content-length: x\n", "E"), -EPROTO);
    assert_int_equal(head(200, "content-length: 1\netag: \"F\"\n", "E"),
                     -ESTALE);
    assert_int_equal(head(404, "", "E"), -ESTALE);
    assert_int_equal(head(404, "", NULL), -ENOENT);
    assert_int_equal(head(412, "", "E"), -ESTALE);
    assert_int_equal(head(403, "", NULL), -EACCES);
}

/* HEAD has no error body: headers and status must do. */
static void
test_head_learns(void **state)
{
    static const char *const why[] = {
        "x-amz-bucket-region: eu-west-1\n",
        "date: Fri, 01 Jan 2100 00:00:00 GMT\n",
        "",
    };
    struct s3_head_args a = {.at = {.bucket = "b", .key = "k", .key_len = 1}};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(why); i++) {
        struct s3 *s = fake_client(NULL);

        memset(&got, 0, sizeof(got));
        fake_say(400, why[i], "");
        fake_say(200, "content-length: 1\n", "");
        s3_head(s, &a, on_answer, NULL);
        fake_run();
        assert_int_equal(got.e.err, 0);
        assert_int_equal(fake.expired, i == 2);
        fake_free(s);
    }
}

static void
test_conf_headers(void **state)
{
    struct s3_conf conf = {.endpoint = "https://h",
                           .path_style = 0,
                           .requester_pays = true,
                           .expected_bucket_owner = "111",
                           .dest_expected_owner = "222",
                           .sign_payload = -1};
    struct s3 *s = fake_client(&conf);
    struct s3_head_args a = {
        .at = {.bucket = "bkt", .key = "k", .key_len = 1, .dest = true}};

    (void)state;
    fake_say(200, "content-length: 1\n", "");
    s3_head(s, &a, on_answer, NULL);
    fake_run();
    assert_string_equal(fake.request[0].url, "https://bkt.h/k");
    assert_true(fake_sent(0, "x-amz-request-payer: requester"));
    assert_true(fake_sent(0, "x-amz-expected-bucket-owner: 222"));
    a.at.dest = false;
    s3_head(s, &a, on_answer, NULL);
    fake_run();
    assert_true(fake_sent(1, "x-amz-expected-bucket-owner: 111"));
    fake_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_wrong_answers),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_then_wrong),
        cmocka_unit_test(test_cut_often),
        cmocka_unit_test(test_cut_at_end),
        cmocka_unit_test(test_reader_refuses),
        cmocka_unit_test(test_ten_attempts),
        cmocka_unit_test(test_recovers),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_tls_twice),
        cmocka_unit_test(test_big_error),
        cmocka_unit_test(test_region_learned),
        cmocka_unit_test(test_region_by_body),
        cmocka_unit_test(test_region_loops),
        cmocka_unit_test(test_skew),
        cmocka_unit_test(test_expired),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_never_inside),
        cmocka_unit_test(test_cancel_backoff),
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_head_learns),
        cmocka_unit_test(test_conf_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
