/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/: the small words of answers, endpoints, waits, the error table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "s3/call.h"

static void
test_etag(void **state)
{
    static const struct {
        const char *in, *out;
    } t[] = {
        {"\"abc\"", "abc"},
        {"abc", "abc"},
        {"&quot;abc&quot;", "abc"},
        {"&#34;a-2&#34;", "a-2"},
        {"W/\"abc\"", "abc"},
        {" \"abc\"\n", "abc"},
        {"", ""},
        {"\"\"", ""},
        {"\"", ""},
        {"a\"b", NULL},
        {"a b", NULL},
        {"a\r\nX: y", NULL},
        {"a\x80", NULL},
        {"a&b", NULL},
    };
    char copy[64], *r;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(t); i++) {
        strcpy(copy, t[i].in);
        r = s3_etag_bare(copy);
        if (t[i].out)
            assert_string_equal(r, t[i].out);
        else
            assert_null(r);
    }
}

static void
test_etag_long(void **state)
{
    char big[S3_ETAG_MAX + 2];

    (void)state;
    memset(big, 'a', sizeof(big));
    big[S3_ETAG_MAX] = '\0';
    assert_non_null(s3_etag_bare(big));
    big[S3_ETAG_MAX] = 'a';
    big[S3_ETAG_MAX + 1] = '\0';
    assert_null(s3_etag_bare(big));
}

static void
test_iso8601(void **state)
{
    static const char *const wrong[] = {
        "",
        "2009-10-12T17:50:30",
        "2009-10-12 17:50:30Z",
        "2009-13-12T17:50:30Z",
        "2009-02-29T17:50:30Z",
        "2009-10-12T24:50:30Z",
        "2009-10-12T17:60:30Z",
        "2009-10-12T17:50:30.Z",
        "2009-10-12T17:50:30.123",
        "2009-10-12T17:50:30+01:00",
        "2009-10-12T17:50:30Zx",
        "0000-10-12T17:50:30Z",
        "-009-10-12T17:50:30Z",
        "2009-10-1 T17:50:30Z",
    };
    int64_t v;
    size_t i;

    (void)state;
    assert_true(s3_parse_iso8601(&v, "2009-10-12T17:50:30.000Z"));
    assert_int_equal(v, 1255369830);
    assert_true(s3_parse_iso8601(&v, "2009-10-12T17:50:30.999999Z"));
    assert_int_equal(v, 1255369830);
    assert_true(s3_parse_iso8601(&v, "2024-02-29T00:00:00Z"));
    assert_int_equal(v, 1709164800);
    assert_true(s3_parse_iso8601(&v, "1969-12-31T23:59:59.5Z"));
    assert_int_equal(v, -1);
    assert_true(s3_parse_iso8601(&v, "2106-02-07T06:28:16Z"));
    assert_int_equal(v, INT64_C(4294967296));
    for (i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_false(s3_parse_iso8601(&v, wrong[i]));
}

static void
test_http_date(void **state)
{
    int64_t v;

    (void)state;
    assert_true(s3_parse_http_date(&v, "Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_int_equal(v, 784111777);
    assert_false(s3_parse_http_date(&v, "Sun, 06 Nov 1994 08:49:37"));
    assert_false(s3_parse_http_date(&v, "Sun, 06 Nox 1994 08:49:37 GMT"));
    assert_false(s3_parse_http_date(&v, "Sun, 31 Nov 1994 08:49:37 GMT"));
    assert_false(s3_parse_http_date(&v, "06 Nov 1994"));
    assert_false(s3_parse_http_date(&v, ""));
}

static void
test_content_range(void **state)
{
    static const char *const wrong[] = {
        "bytes 0-9",
        "bytes 0-9/",
        "bytes 5-4/10",
        "bytes 0-9/9",
        "bytes */10",
        "items 0-9/10",
        "bytes -1-9/10",
        "bytes 0-9/x",
        "bytes 0-9/10 ",
        "bytes 0-99999999999999999999999/*",
        "bytes 0-18446744073709551616/*",
    };
    struct s3_content_range cr;
    size_t i;

    (void)state;
    assert_true(s3_parse_content_range(&cr, "bytes 5-9/10"));
    assert_int_equal(cr.first, 5);
    assert_int_equal(cr.last, 9);
    assert_true(cr.have_total && cr.total == 10);
    assert_true(s3_parse_content_range(&cr, "bytes 0-0/*"));
    assert_false(cr.have_total);
    for (i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_false(s3_parse_content_range(&cr, wrong[i]));
}

/* Which x-amz-checksum-crc32 is the whole object's. */
static void
test_full_crc32(void **state)
{
    uint32_t v = 0;

    (void)state;
    assert_true(s3_full_crc32(&v, "y/Q5Jg==", "FULL_OBJECT", "abc-3"));
    assert_int_equal(v, 0xcbf43926);
    assert_true(s3_full_crc32(&v, "y/Q5Jg==", NULL, "abc"));
    assert_false(s3_full_crc32(&v, "y/Q5Jg==", NULL, "abc-3"));
    assert_true(s3_full_crc32(&v, "y/Q5Jg==", NULL, "abc-x"));
    assert_false(s3_full_crc32(&v, "y/Q5Jg==", "COMPOSITE", "abc"));
    assert_false(s3_full_crc32(&v, "y/Q5Jg==-3", NULL, "abc"));
    assert_false(s3_full_crc32(&v, "y/Q5Jg==-3", "COMPOSITE", "abc-3"));
    assert_false(s3_full_crc32(&v, "", "FULL_OBJECT", "abc"));
    assert_false(s3_full_crc32(&v, NULL, "FULL_OBJECT", "abc"));
    assert_false(s3_full_crc32(&v, "!!!!!!==", "FULL_OBJECT", "abc"));
    assert_false(s3_full_crc32(&v, "y/Q5Jg==", "OTHER", "abc"));
}

static void
test_error_table(void **state)
{
    static const struct {
        const char *code;
        int http, err;
        enum s3_how how;
    } t[] = {
        {"SlowDown", 503, -EIO, S3_HOW_SLOW},
        {"SlowDown", 200, -EIO, S3_HOW_SLOW},
        {"InternalError", 200, -EIO, S3_HOW_AGAIN},
        {"RequestTimeout", 400, -EIO, S3_HOW_AGAIN},
        {"AccessDenied", 403, -EACCES, S3_HOW_FINAL},
        {"SignatureDoesNotMatch", 403, -EACCES, S3_HOW_FINAL},
        {"ExpiredToken", 400, -EACCES, S3_HOW_TOKEN},
        {"RequestTimeTooSkewed", 403, -EACCES, S3_HOW_SKEW},
        {"AuthorizationHeaderMalformed", 400, -EACCES, S3_HOW_REGION},
        {"PermanentRedirect", 301, -EIO, S3_HOW_REGION},
        {"NoSuchBucket", 404, -ENOENT, S3_HOW_FINAL},
        {"InvalidObjectState", 403, -ENODATA, S3_HOW_FINAL},
        {"ObjectNotInActiveTierError", 403, -ENODATA, S3_HOW_FINAL},
        {"NotImplemented", 501, -EOPNOTSUPP, S3_HOW_FINAL},
        {"Unheard", 503, -EIO, S3_HOW_SLOW},
        {"Unheard", 599, -EIO, S3_HOW_AGAIN},
        {"Unheard", 403, -EACCES, S3_HOW_FINAL},
        {"Unheard", 200, -EIO, S3_HOW_FINAL},
        {"", 400, -EIO, S3_HOW_FINAL},
        {"", 412, -ESTALE, S3_HOW_FINAL},
        {"", 307, -EIO, S3_HOW_REGION},
        {"", 429, -EIO, S3_HOW_SLOW},
        {"", 404, -ENOENT, S3_HOW_FINAL},
        {"", 302, -EIO, S3_HOW_FINAL},
    };
    const struct s3_error_row *row;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(t); i++) {
        row = s3_error_row(t[i].code, t[i].http);
        assert_int_equal(row->err, t[i].err);
        assert_int_equal(row->how, t[i].how);
    }
    assert_int_equal(s3_net_how(-ECONNREFUSED), S3_HOW_AGAIN);
    assert_int_equal(s3_net_how(-EPROTO), S3_HOW_TWICE);
    assert_int_equal(s3_net_how(-ENOMEM), S3_HOW_FINAL);
    assert_int_equal(s3_net_errno(-ECONNRESET), -EIO);
    assert_int_equal(s3_net_errno(-ETIMEDOUT), -ETIMEDOUT);
}

static void
test_error_text(void **state)
{
    struct s3_error e = {.err = -EACCES, .http = 403, .attempts = 1};
    struct err out = {0};

    (void)state;
    strcpy(e.code, "AccessDenied");
    strcpy(e.message, "Access Denied");
    strcpy(e.request_id, "X");
    assert_int_equal(s3_error_text(&e, "GET", "bucket", "key", 3, &out),
                     -EACCES);
    assert_string_equal(out.text, "GET s3://bucket/key: 403 AccessDenied: "
                                  "Access Denied (request id X)");
    assert_int_equal(out.num, EACCES);
    e = (struct s3_error){.err = -ENOENT, .http = 404, .attempts = 3};
    s3_error_text(&e, "HEAD", "b", "a\nb", 3, &out);
    assert_string_equal(out.text,
                        "HEAD s3://b/a\\x0ab: 404 Not Found, 3 attempts");
    e = (struct s3_error){.err = -ECONNREFUSED};
    strcpy(e.message, "Connection refused");
    s3_error_text(&e, "LIST", "b", NULL, 0, &out);
    assert_string_equal(out.text, "LIST s3://b: Connection refused");
    e.err = 0;
    assert_int_equal(s3_error_text(&e, "LIST", "b", NULL, 0, &out), 0);
}

static void
test_endpoint_parse(void **state)
{
    static const struct {
        const char *url, *host, *base;
        bool https;
    } good[] = {
        {"http://127.0.0.1:9000", "127.0.0.1:9000", "", false},
        {"https://S3.Example.org/", "s3.example.org", "", true},
        {"https://s3.example.org:443", "s3.example.org", "", true},
        {"http://h:80/x/y/", "h", "/x/y", false},
        {"http://h:443", "h:443", "", false},
        {"http://[::1]:9000", "[::1]:9000", "", false},
    };
    static const char *const wrong[] = {
        "ftp://h",     "h:9000",           "http://",      "http://:80",
        "http://h:",   "http://h:x",       "http://a b",   "http://u@h",
        "http://h/?q", "http://h\r\nX:y",  "http://[::1",  "",
        "http://h/#f", "http://h:1234567", "http://h/a b",
    };
    struct s3_endpoint ep = {0};
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(good); i++) {
        assert_int_equal(s3_endpoint_parse(&ep, good[i].url, &e), 0);
        assert_string_equal(ep.host, good[i].host);
        assert_string_equal(ep.base, good[i].base);
        assert_int_equal(ep.https, good[i].https);
        s3_endpoint_free(&ep);
    }
    for (i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(s3_endpoint_parse(&ep, wrong[i], &e), -EINVAL);
        s3_endpoint_free(&ep);
    }
}

static void
check_address(const struct s3_endpoint *ep, const char *region,
              const char *bucket, const char *key, const char *host,
              const char *path)
{
    struct buf h = BUF_INIT(1000), p = BUF_INIT(1000);

    assert_int_equal(
        s3_endpoint_address(ep, region, bucket, key, strlen(key), &h, &p), 0);
    assert_string_equal(buf_str(&h), host);
    assert_string_equal(buf_str(&p), path);
    buf_free(&h);
    buf_free(&p);
}

static void
test_address(void **state)
{
    struct s3_endpoint aws = {.aws = true, .https = true, .path_style = -1};
    struct s3_endpoint own = {
        .host = (char *)"h:9", .base = (char *)"/v1", .path_style = -1};

    (void)state;
    check_address(&aws, "eu-west-1", "bucket", "a b+c/%~\xc3\xa9",
                  "bucket.s3.eu-west-1.amazonaws.com",
                  "/a%20b%2Bc/%25~%C3%A9");
    check_address(&aws, "cn-north-1", "bucket", "",
                  "bucket.s3.cn-north-1.amazonaws.com.cn", "/");
    check_address(&aws, "eu-west-1", "dotted.bucket", "//./..",
                  "s3.eu-west-1.amazonaws.com", "/dotted.bucket///./..");
    check_address(&aws, "eu-west-1", "Upper", "k",
                  "s3.eu-west-1.amazonaws.com", "/Upper/k");
    check_address(&own, "x", "bucket", "k", "h:9", "/v1/bucket/k");
    check_address(&own, "x", "bucket", "", "h:9", "/v1/bucket");
    own.path_style = 0;
    check_address(&own, "x", "bucket", "k", "bucket.h:9", "/v1/k");
}

static void
test_region(void **state)
{
    (void)state;
    assert_true(s3_region_ok("eu-west-1"));
    assert_false(s3_region_ok(""));
    assert_false(s3_region_ok("evil.example.org/"));
    assert_false(s3_region_ok("-x"));
    assert_false(s3_region_ok("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    assert_string_equal(s3_partition("eu-west-1"), "aws");
    assert_string_equal(s3_partition("cn-north-1"), "aws-cn");
    assert_string_equal(s3_partition("us-gov-west-1"), "aws-us-gov");
}

static void
test_backoff(void **state)
{
    unsigned i;

    (void)state;
    assert_int_equal(s3_backoff_ms(1, 100), 100);
    assert_int_equal(s3_backoff_ms(1, 101), 0);
    assert_int_equal(s3_backoff_ms(3, 400), 400);
    assert_int_equal(s3_backoff_ms(9, 20000), 20000);
    for (i = 0; i < 100; i++)
        assert_true(s3_backoff_ms(i, 0xffffffff - i) <= 20000);
    assert_int_equal(s3_retry_after_ms(NULL, NULL), 0);
    assert_int_equal(s3_retry_after_ms("250", "9"), 250);
    assert_int_equal(s3_retry_after_ms(NULL, "2"), 2000);
    assert_int_equal(s3_retry_after_ms("junk", "2"), 2000);
    assert_int_equal(s3_retry_after_ms("99999999", NULL), 20000);
    assert_int_equal(s3_retry_after_ms(NULL, "18446744073709551615"), 20000);
    assert_int_equal(s3_retry_after_ms(NULL, "Wed, 21 Oct 2026 07:28:00 GMT"),
                     0);
}

static void
test_budget(void **state)
{
    struct s3_budget b;
    unsigned n = 0;

    (void)state;
    s3_budget_init(&b, 1000);
    while (s3_budget_take(&b, 1000))
        n++;
    assert_int_equal(n, 200);
    assert_false(s3_budget_take(&b, 1010));
    assert_true(s3_budget_take(&b, 1060));
    assert_false(s3_budget_take(&b, 1060));
}

static void
test_pace(void **state)
{
    struct s3_pace p;
    uint64_t now = 10000;
    unsigned i, waited = 0;

    (void)state;
    s3_pace_init(&p, S3_WRITES);
    for (i = 0; i < 1000; i++)
        assert_int_equal(s3_pace_start(&p, now + i), 0);
    s3_pace_slow(&p, now + 1000);
    assert_true(p.rate > 400 && p.rate < 600);
    s3_pace_slow(&p, now + 1100); /* the same moment */
    assert_true(p.rate > 400);
    for (i = 0; i < 100; i++)
        waited = s3_pace_start(&p, now + 1200);
    assert_true(waited > 150 && waited < 260);
    for (i = 0; i < 20; i++)
        s3_pace_slow(&p, now + 2000 + 1000 * i);
    assert_true(p.rate >= 20);
    for (i = 0; p.rate > 0 && i < 1000; i++)
        s3_pace_start(&p, now + 30000 + 1000 * i);
    assert_true(i < 500 && p.rate == 0); /* and free again in the end */
    assert_int_equal(p.cuts, 21);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_etag),
        cmocka_unit_test(test_etag_long),
        cmocka_unit_test(test_iso8601),
        cmocka_unit_test(test_http_date),
        cmocka_unit_test(test_content_range),
        cmocka_unit_test(test_full_crc32),
        cmocka_unit_test(test_error_table),
        cmocka_unit_test(test_error_text),
        cmocka_unit_test(test_endpoint_parse),
        cmocka_unit_test(test_address),
        cmocka_unit_test(test_region),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_pace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
