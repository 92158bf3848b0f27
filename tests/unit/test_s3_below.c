/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/: what an upload has so far, what lies below a prefix in all its
 * versions, and whether the bucket lets go of it; friendly and hostile.
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
#include "s3/multipart.h"
#include "s3_fake.h"

static const struct s3_where at = {"b", "p/", 2, true};
static unsigned answers;
static int err;
static char seen[8192]; /* the answer in words */

static void
say(const char *fmt, ...)
{
    size_t n = strlen(seen);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(seen + n, sizeof(seen) - n, fmt, ap);
    va_end(ap);
}

static struct s3 *
begin(void)
{
    answers = 0;
    seen[0] = '\0';
    return fake_client(NULL);
}

static int
end(struct s3 *s)
{
    fake_run();
    assert_int_equal(answers, 1);
    fake_free(s);
    return err;
}

static void
expect_url(size_t i, const char *query)
{
    const char *url = i < fake.requests ? fake.request[i].url : "(none)";
    const char *q = strchr(url, '?');

    assert_string_equal(q ? q + 1 : url, query);
}

/* ----------------------------------------------------------------- parts */

static void
on_parts(void *user, const struct s3_error *e, const struct s3_parts *p)
{
    size_t i;

    (void)user;
    answers++;
    err = e->err;
    assert_int_equal(p != NULL, err == 0);
    if (p)
        say("%s:", p->crc32 ? "crc32" : "none");
    for (i = 0; p && i < p->count; i++)
        say(" %u %llu %s", p->part[i].number,
            (unsigned long long)p->part[i].size, p->part[i].etag);
    for (i = 0; p && i < p->count; i++)
        say(p->part[i].have_crc32 ? " %08x" : " -", p->part[i].crc32);
}

#define PART(n, size, more)                                                   \
    "<Part><PartNumber>" n "</PartNumber><ETag>&quot;e" n "&quot;</ETag>"     \
    "<Size>" size "</Size>" more "</Part>"
#define PARTS(inner) "<ListPartsResult>" inner "</ListPartsResult>"
#define MORE "<IsTruncated>true</IsTruncated>"
#define CRC "<ChecksumCRC32>y/Q5Jg==</ChecksumCRC32>"

static int
parts(const char *one, const char *two)
{
    struct s3 *s = begin();

    fake_say(200, "", one);
    if (two)
        fake_say(200, "", two);
    s3_list_parts(s, &at, "u/1", on_parts, NULL);
    fake_run();
    expect_url(0, "uploadId=u%2F1");
    if (two)
        expect_url(1, "part-number-marker=3&uploadId=u%2F1");
    return end(s);
}

static void
test_parts(void **state)
{
    (void)state;
    assert_int_equal(parts(PARTS(""), NULL), 0);
    assert_string_equal(seen, "none:");
    /* any order within a page; NextPartNumberMarker is not needed */
    assert_int_equal(
        parts(PARTS(MORE "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>" PART(
                  "3", "7", CRC) PART("1", "5242880", "")),
              PARTS("<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>" PART(
                  "10000", "0", "<ChecksumCRC32>x</ChecksumCRC32>"))),
        0);
    assert_string_equal(
        seen, "crc32: 1 5242880 e1 3 7 e3 10000 0 e10000 - cbf43926 -");
    assert_int_equal(
        parts(PARTS("<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"), NULL),
        0);
    assert_string_equal(seen, "none:");
}

static void
test_parts_hostile(void **state)
{
    static const char *const bad[] = {
        PARTS(PART("0", "1", "")),
        PARTS(PART("10001", "1", "")),
        PARTS(PART("-1", "1", "")),
        PARTS(PART("1", "-1", "")),
        PARTS(PART("1", "18446744073709551615", "")),
        PARTS(PART("1", "1", "") PART("1", "1", "")),
        PARTS("<Part><PartNumber>1</PartNumber><Size>1</Size></Part>"),
        PARTS("<Part><PartNumber>1</PartNumber><ETag>e</ETag></Part>"),
        PARTS("<Part><ETag>e</ETag><Size>1</Size></Part>"),
        PARTS("<Part><PartNumber>1</PartNumber><ETag>a b</ETag></Part>"),
        PARTS("<Part><PartNumber>1</PartNumber><ETag/></Part>"),
        PARTS(MORE), /* for ever */
        "<ListPartsResult>",
        "<ListBucketResult/>",
        "",
    };
    static const char again[] = PARTS(MORE PART("3", "1", ""));
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(bad); i++) {
        if (parts(bad[i], NULL) != -EPROTO)
            fail_msg("%s: %d", bad[i], err);
    }
    assert_int_equal(parts(again, again), -EPROTO);
    assert_int_equal(parts(again, PARTS(PART("2", "1", ""))),
                     -EPROTO); /* backwards */
}

/* A page that failed comes again whole, and once. */
static void
test_parts_again(void **state)
{
    struct s3 *s = begin();

    (void)state;
    fake_say(200, "", PARTS(MORE PART("1", "1", "")));
    fake_say(200, "", "<Error><Code>InternalError</Code></Error>");
    fake_say(200, "", PARTS(PART("2", "2", "")));
    s3_list_parts(s, &at, "u", on_parts, NULL);
    assert_int_equal(end(s), 0);
    assert_string_equal(seen, "none: 1 1 e1 2 2 e2 - -");
    s = begin();
    fake_say(404, "", "<Error><Code>NoSuchUpload</Code></Error>");
    s3_list_parts(s, &at, "u", on_parts, NULL);
    assert_int_equal(end(s), -ENOENT);
}

/* --------------------------------------------------------------- uploads */

static void
on_uploads(void *user, const struct s3_error *e, const struct s3_upload *u,
           size_t count)
{
    size_t i;

    (void)user;
    answers++;
    err = e->err;
    for (i = 0; i < count; i++)
        say("%.*s=%s;", (int)u[i].key_len, u[i].key, u[i].upload_id);
}

#define UPLOAD(key)                                                           \
    "<Upload><Key>" key "</Key><UploadId>u" key "</UploadId></Upload>"
#define UPLOADS(inner)                                                        \
    "<ListMultipartUploadsResult><EncodingType>url</EncodingType>" inner      \
    "</ListMultipartUploadsResult>"

static void
test_uploads_below(void **state)
{
    struct s3 *s = begin();

    (void)state;
    fake_say(200, "",
             UPLOADS(MORE "<NextKeyMarker>p%2Fa</NextKeyMarker>" UPLOAD(
                 "p%2Fa") UPLOAD("q") UPLOAD("p")));
    fake_say(200, "", UPLOADS(UPLOAD("p%2Fa+b") UPLOAD("p/")));
    s3_list_uploads_below(s, &at, on_uploads, NULL);
    fake_run();
    expect_url(0, "uploads=&encoding-type=url&prefix=p%2F");
    expect_url(1, "uploads=&encoding-type=url&prefix=p%2F&key-marker=p%2Fa");
    assert_int_equal(end(s), 0);
    assert_string_equal(seen, "p/a=up%2Fa;p/a b=up%2Fa+b;p/=up/;");
}

/* -------------------------------------------------------------- versions */

static void
on_versions(void *user, const struct s3_error *e, const struct s3_version *v,
            size_t count)
{
    size_t i;

    (void)user;
    answers++;
    err = e->err;
    assert_true(err == 0 || count == 0);
    for (i = 0; i < count; i++)
        say("%.*s[%s]%s%llu%s;", (int)v[i].key_len, v[i].key, v[i].version_id,
            v[i].etag, (unsigned long long)v[i].size,
            v[i].marker ? " marker" : "");
}

#define VERSION(key, id)                                                      \
    "<Version><Key>" key "</Key><VersionId>" id "</VersionId>"                \
    "<ETag>&quot;e&quot;</ETag><Size>5</Size></Version>"
#define MARKER(key, id)                                                       \
    "<DeleteMarker><Key>" key "</Key><VersionId>" id                          \
    "</VersionId></DeleteMarker>"
#define VERSIONS(inner)                                                       \
    "<ListVersionsResult><EncodingType>url</EncodingType>" inner              \
    "</ListVersionsResult>"
#define LISTED(inner) "<ListBucketResult>" inner "</ListBucketResult>"
#define OBJECT(key)                                                           \
    "<Contents><Key>" key "</Key><ETag>e</ETag><Size>5</Size></Contents>"

static int
versions(const struct fake_answer *one, const struct fake_answer *two)
{
    struct s3 *s = begin();

    fake_add(one);
    if (two)
        fake_add(two);
    s3_list_versions(s, &at, on_versions, NULL);
    fake_run();
    expect_url(0, "versions=&encoding-type=url&prefix=p%2F");
    return end(s);
}

static int
versions_say(const char *one, const char *two)
{
    struct fake_answer a = {.status = 200, .body = one},
                       b = {.status = 200, .body = two};

    return versions(&a, two ? &b : NULL);
}

static void
test_versions(void **state)
{
    struct s3_stats st;
    struct s3 *s = begin();

    (void)state;
    fake_say(200, "",
             VERSIONS(MORE
                      "<NextKeyMarker>p%2Fa+b</NextKeyMarker>"
                      "<NextVersionIdMarker>v/2</NextVersionIdMarker>" VERSION(
                          "p%2Fa+b", "v1") MARKER("p%2Fa+b", "v2")
                          VERSION("pq", "v3")));
    fake_say(200, "", VERSIONS(VERSION("p%2Fc", "null")));
    s3_list_versions(s, &at, on_versions, NULL);
    fake_run();
    expect_url(1, "versions=&encoding-type=url&prefix=p%2F&key-marker="
                  "p%2Fa%20b&version-id-marker=v%2F2");
    assert_true(fake.requests == 2);
    s3_stats_get(s, &st);
    assert_int_equal(st.list_versions, 2);
    assert_int_equal(st.list, 0);
    assert_int_equal(end(s), 0);
    assert_string_equal(seen, "p/a b[v1]e5;p/a b[v2]0 marker;p/c[null]e5;");
}

static void
test_versions_hostile(void **state)
{
    static const char same[] = VERSIONS(
        MORE "<NextKeyMarker>p%2Fa</NextKeyMarker>" VERSION("p%2Fa", "1"));
    static const char *const bad[] = {
        VERSIONS(MORE),
        VERSIONS(MORE "<NextKeyMarker>p%00a</NextKeyMarker>"),
        VERSIONS(MORE "<NextKeyMarker>%zz</NextKeyMarker>"),
        VERSIONS("<Version><Key>p/a</Key></Version>"),
        VERSIONS("<Version><Size>1</Size></Version>"),
        VERSIONS(VERSION("p/a", "v 1")),
        VERSIONS(VERSION("p/%zz", "v1")),
        VERSIONS(VERSION("", "v1")),
        VERSIONS("<DeleteMarker/>"),
        "<ListVersionsResult>",
        "<Other/>",
        "",
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(bad); i++) {
        if (versions_say(bad[i], NULL) != -EPROTO)
            fail_msg("%s: %d", bad[i], err);
    }
    assert_int_equal(versions_say(same, same), -EPROTO);
}

/* Stores without the call: by refusal, or by a plain listing. */
static void
test_versions_plain(void **state)
{
    static const struct fake_answer no[] = {
        {.status = 501, .body = "<Error><Code>NotImplemented</Code></Error>"},
        {.status = 405, .body = ""},
        {.status = 200, .body = LISTED(OBJECT("p/x"))},
    };
    static const struct fake_answer listing = {
        .status = 200, .body = LISTED(OBJECT("p/a+b") OBJECT("other"))};
    static const struct fake_answer page = {
        .status = 200,
        .body = LISTED(
            MORE
            "<NextContinuationToken>t</NextContinuationToken>" OBJECT("p/a"))};
    struct s3 *s;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(no); i++) {
        assert_int_equal(versions(&no[i], &listing), 0);
        assert_string_equal(seen, "p/a+b[]e5;");
    }
    assert_int_equal(versions(&no[0], &no[0]), -EOPNOTSUPP);
    assert_int_equal(versions(&no[0], &page), -EPROTO); /* the same token */
    s = begin();
    fake_add(&no[0]);
    fake_add(&page);
    fake_add(&listing);
    s3_list_versions(s, &at, on_versions, NULL);
    fake_run();
    expect_url(2, "list-type=2&encoding-type=url&prefix=p%2F&"
                  "continuation-token=t");
    assert_int_equal(end(s), 0);
    assert_string_equal(seen, "p/a[]e5;p/a+b[]e5;");
}

/* A store that names a few places in turn, for ever: found within twice the
 * cycle, in every listing that has markers of its own. */
static unsigned turn;
static const struct fake_answer *cycle;

static const struct fake_answer *
next_of_cycle(const struct net_request *q)
{
    (void)q;
    return &cycle[turn++ % 3];
}

#define TURN(key)                                                             \
    {                                                                         \
        .status = 200,                                                        \
        .body = VERSIONS(MORE "<NextKeyMarker>" key                           \
                              "</NextKeyMarker>" VERSION("p%2Fa", "v1"))      \
    }
#define UPLOADS_TURN(key)                                                     \
    {                                                                         \
        .status = 200,                                                        \
        .body = "<ListMultipartUploadsResult>" MORE "<NextKeyMarker>" key     \
                "</NextKeyMarker></ListMultipartUploadsResult>"               \
    }

static void
on_no_uploads(void *user, const struct s3_error *e, const struct s3_upload *u,
              size_t count)
{
    (void)user, (void)u, (void)count;
    answers++;
    err = e->err;
}

static void
test_cycles(void **state)
{
    static const struct fake_answer version[] = {TURN("p%2Fa"), TURN("p%2Fb"),
                                                 TURN("p%2Fc")};
    static const struct fake_answer upload[] = {
        UPLOADS_TURN("p/a"), UPLOADS_TURN("p/b"), UPLOADS_TURN("p/c")};
    struct s3 *s = begin();

    (void)state;
    turn = 0;
    cycle = version;
    fake.choose = next_of_cycle;
    s3_list_versions(s, &at, on_versions, NULL);
    fake_run();
    assert_in_range(fake.requests, 4, 8);
    assert_int_equal(end(s), -EPROTO);
    s = begin();
    turn = 0;
    cycle = upload;
    fake.choose = next_of_cycle;
    s3_list_uploads_below(s, &at, on_no_uploads, NULL);
    fake_run();
    assert_in_range(fake.requests, 4, 8);
    assert_int_equal(end(s), -EPROTO);
}

/* Who may not list versions does not learn that there are none. */
static void
test_versions_refused(void **state)
{
    static const struct fake_answer no = {
        .status = 403, .body = "<Error><Code>AccessDenied</Code></Error>"};

    (void)state;
    assert_int_equal(versions(&no, NULL), -EACCES);
}

/* ------------------------------------------------------------------ lock */

static void
on_lock(void *user, const struct s3_error *e, bool retention)
{
    (void)user;
    answers++;
    err = e->err;
    say("%d", retention);
}

static void
test_lock(void **state)
{
    static const struct {
        int status, err;
        const char *body, *said;
    } t[] = {
        {200, 0,
         "<ObjectLockConfiguration><ObjectLockEnabled>Enabled"
         "</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode>"
         "<Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>",
         "1"},
        {200, 0,
         "<ObjectLockConfiguration><ObjectLockEnabled>Enabled"
         "</ObjectLockEnabled></ObjectLockConfiguration>",
         "0"},
        {200, 0,
         "<ObjectLockConfiguration><Rule><DefaultRetention>"
         "<Mode></Mode></DefaultRetention></Rule></ObjectLockConfiguration>",
         "0"},
        {404, 0,
         "<Error><Code>ObjectLockConfigurationNotFoundError</Code></Error>",
         "0"},
        {501, 0, "<Error><Code>NotImplemented</Code></Error>", "0"},
        {403, 0, "<Error><Code>AccessDenied</Code></Error>", "0"},
        {405, 0, "", "0"},
        {404, -ENOENT, "<Error><Code>NoSuchBucket</Code></Error>", "0"},
        {400, -EIO, "", "0"},
        {200, -EPROTO, "<ObjectLockConfiguration>", "0"},
        {200, -EPROTO, "<Other/>", "0"},
    };
    struct s3 *s;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(t); i++) {
        s = begin();
        fake_say(t[i].status, "", t[i].body);
        s3_bucket_lock(s, "b", on_lock, NULL);
        fake_run();
        expect_url(0, "object-lock=");
        assert_int_equal(end(s), t[i].err);
        assert_string_equal(seen, t[i].said);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_parts_hostile),
        cmocka_unit_test(test_parts_again),
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_uploads_below),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_versions_hostile),
        cmocka_unit_test(test_versions_plain),
        cmocka_unit_test(test_versions_refused),
        cmocka_unit_test(test_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
