/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/: listing pages, attributes and uploads, friendly and hostile.
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

static unsigned answers;
static int err;
static struct s3_error last;
static char seen[8192]; /* the page in words */

static void
say(const char *fmt, ...)
{
    size_t at = strlen(seen);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(seen + at, sizeof(seen) - at, fmt, ap);
    va_end(ap);
}

static void
on_page(void *user, const struct s3_error *e, const struct s3_page *p)
{
    size_t i;

    (void)user;
    answers++;
    err = e->err;
    last = *e;
    assert_int_equal(p != NULL, err == 0);
    for (i = 0; p && i < p->count; i++) {
        const struct s3_entry *en = &p->entry[i];

        assert_int_equal(strlen(en->key) <= en->key_len, 1);
        say("%s(%zu) %llu %lld [%s] %s %u%u;", en->key, en->key_len,
            (unsigned long long)en->size, (long long)en->mtime, en->etag,
            en->storage_class, en->algorithm, en->type);
    }
    for (i = 0; p && i < p->prefix_count; i++)
        say("P%s(%zu);", p->prefix[i], p->prefix_len[i]);
    if (p && p->next)
        say("next=%s", p->next);
}

static int
list(struct s3_list_args *a, const char *xml)
{
    struct s3 *s = fake_client(NULL);

    answers = 0;
    seen[0] = '\0';
    fake_say(200, "", xml);
    s3_list(s, a, on_page, NULL);
    fake_run();
    assert_int_equal(answers, 1);
    assert_int_equal(fake.requests, 1);
    fake_free(s);
    return err;
}

static int
page(const char *inner)
{
    struct s3_list_args a = {.bucket = "b"};
    char xml[4096];

    snprintf(xml, sizeof(xml), "<ListBucketResult>%s</ListBucketResult>",
             inner);
    return list(&a, xml);
}

#define ENTRY(key) "<Contents><Key>" key "</Key><Size>1</Size></Contents>"

static void
test_page(void **state)
{
    struct s3_list_args a = {.bucket = "b",
                             .prefix = "a ",
                             .prefix_len = 2,
                             .token = "t0",
                             .max_keys = 7};

    (void)state;
    assert_int_equal(
        list(&a, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-"
                 "03-01/\"><Name>b</Name><Prefix>a+</Prefix>"
                 "<Contents><Key>a+%2B%00%C3%A9</Key>"
                 "<LastModified>2009-10-12T17:50:30.999Z</LastModified>"
                 "<ETag>&quot;e1&quot;</ETag><Size>18446744073709551615</Size>"
                 "<StorageClass>GLACIER</StorageClass>"
                 "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>"
                 "<ChecksumAlgorithm>SHA256</ChecksumAlgorithm>"
                 "<ChecksumType>FULL_OBJECT</ChecksumType>"
                 "<Owner><ID>x</ID></Owner></Contents>"
                 "<Contents><Size>0</Size><Key>a+b</Key></Contents>"
                 "<CommonPrefixes><Prefix>a+c%2F</Prefix></CommonPrefixes>"
                 "<EncodingType>url</EncodingType>"
                 "<IsTruncated>true</IsTruncated>"
                 "<NextContinuationToken>t1</NextContinuationToken>"
                 "</ListBucketResult>"),
        0);
    assert_string_equal(seen, "a +(6) 18446744073709551615 1255369830 [e1] "
                              "GLACIER 31;a b(3) 0 0 []  00;Pa c/(4);next=t1");
}

static void
test_query(void **state)
{
    struct s3_list_args a = {.bucket = "b",
                             .prefix = "a b/+",
                             .prefix_len = 5,
                             .delimiter = true,
                             .start_after = "a&b",
                             .token = "t=/+",
                             .max_keys = 1,
                             .patience = S3_PATIENCE_PROBE};
    struct s3 *s = fake_client(NULL);

    (void)state;
    fake_say(200, "", "<ListBucketResult/>");
    s3_list(s, &a, on_page, NULL);
    fake_run();
    assert_string_equal(
        fake.request[0].url,
        "http://127.0.0.1:9/b?list-type=2&encoding-type=url&prefix="
        "a%20b%2F%2B&delimiter=%2F&max-keys=1&start-after=a%26b&"
        "continuation-token=t%3D%2F%2B");
    assert_int_equal(fake.request[0].total_ms, 10000);
    fake_free(s);
}

/* Decoded only if the answer says exactly "url". */
static void
test_encoding(void **state)
{
    (void)state;
    assert_int_equal(page(ENTRY("a+%41")), 0);
    assert_string_equal(seen, "a+%41(5) 1 0 []  00;");
    assert_int_equal(page("<EncodingType/>" ENTRY("a+%41")), 0);
    assert_string_equal(seen, "a+%41(5) 1 0 []  00;");
    assert_int_equal(page("<EncodingType>URL</EncodingType>" ENTRY("a+%41")),
                     0);
    assert_string_equal(seen, "a+%41(5) 1 0 []  00;");
    assert_int_equal(page("<EncodingType>url</EncodingType>" ENTRY("a+%41")),
                     0);
    assert_string_equal(seen, "a A(3) 1 0 []  00;");
    assert_int_equal(page("<EncodingType>url</EncodingType>" ENTRY("a%4")),
                     -EPROTO);
}

static void
test_malformed(void **state)
{
    static const char *const wrong[] = {
        "<Contents><Size>1</Size></Contents>",
        "<Contents><Key>k</Key></Contents>",
        "<Contents/>",
        "<Contents><Key/><Size>1</Size></Contents>",
        "<Contents><Key>k</Key><Size>-1</Size></Contents>",
        "<Contents><Key>k</Key><Size>18446744073709551616</Size></Contents>",
        "<Contents><Key>k</Key><Size>1</Size><LastModified>x</LastModified>"
        "</Contents>",
        "<IsTruncated>true</IsTruncated>",
        "<IsTruncated>true</IsTruncated><NextContinuationToken/>",
        "<CommonPrefixes><Prefix/></CommonPrefixes>",
        "<Contents>",
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(page(wrong[i]), -EPROTO);
        assert_true(strlen(last.message) > 0);
    }
}

static void
test_guards(void **state)
{
    struct s3_list_args a = {.bucket = "b", .token = "t"};
    struct s3_list_args under = {
        .bucket = "b", .prefix = "p/", .prefix_len = 2};

    (void)state;
    assert_int_equal(list(&a,
                          "<ListBucketResult><IsTruncated>true</IsTruncated>"
                          "<NextContinuationToken>t</NextContinuationToken>"
                          "</ListBucketResult>"),
                     -EPROTO);
    assert_int_equal(list(&a,
                          "<ListBucketResult><IsTruncated>false</IsTruncated>"
                          "<NextContinuationToken>t</NextContinuationToken>"
                          "</ListBucketResult>"),
                     0);
    assert_string_equal(seen, "");
    assert_int_equal(
        list(&under, "<ListBucketResult>" ENTRY("q/x") "</ListBucketResult>"),
        -EPROTO);
    assert_int_equal(
        list(&under, "<ListBucketResult>" ENTRY("p/x") "</ListBucketResult>"),
        0);
    assert_int_equal(list(&a, "<html/>"), -EPROTO);
    assert_int_equal(list(&a, ""), -EPROTO);
}

/* A bad ETag would be a header of its own: it counts as none. */
static void
test_bad_etag(void **state)
{
    (void)state;
    assert_int_equal(page("<Contents><Key>k</Key><Size>1</Size>"
                          "<ETag>&quot;a&#13;&#10;X: y&quot;</ETag>"
                          "<StorageClass>a b</StorageClass></Contents>"),
                     0);
    assert_string_equal(seen, "k(1) 1 0 []  00;");
}

static void
test_long_key(void **state)
{
    char key[S3_KEY_MAX + 200];
    char xml[S3_KEY_MAX + 400];

    (void)state;
    memset(key, 'k', sizeof(key));
    key[S3_KEY_MAX] = '\0';
    snprintf(xml, sizeof(xml), ENTRY("%s"), key);
    assert_int_equal(page(xml), 0);
    key[S3_KEY_MAX] = 'k';
    key[S3_KEY_MAX + 1] = '\0';
    snprintf(xml, sizeof(xml), ENTRY("%s"), key);
    assert_int_equal(page(xml), -EPROTO);
}

static void
test_endless_page(void **state)
{
    struct s3_list_args a = {.bucket = "b"};
    struct buf b = BUF_INIT(32 << 20);
    int i;

    (void)state;
    buf_adds(&b, "<ListBucketResult>");
    for (i = 0; i < 10001; i++)
        buf_adds(&b, ENTRY("k"));
    buf_adds(&b, "</ListBucketResult>");
    assert_int_equal(list(&a, buf_str(&b)), -EPROTO);
    while (b.len < (17 << 20))
        buf_adds(&b, ENTRY("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"));
    assert_int_equal(list(&a, buf_str(&b)), -EPROTO);
    assert_string_equal(last.message, "answer too long");
    buf_free(&b);
}

/* 200 with an error in it counts as the error, and is tried again. */
static void
test_error_in_200(void **state)
{
    struct s3_list_args a = {.bucket = "b"};
    struct s3 *s = fake_client(NULL);

    (void)state;
    answers = 0;
    seen[0] = '\0';
    fake_say(200, "", "<Error><Code>InternalError</Code></Error>");
    fake_say(200, "", "<ListBucketResult>" ENTRY("k") "</ListBucketResult>");
    s3_list(s, &a, on_page, NULL);
    fake_run();
    assert_int_equal(answers, 1);
    assert_int_equal(err, 0);
    assert_string_equal(seen, "k(1) 1 0 []  00;");
    fake_free(s);
    assert_int_equal(list(&a, "<Error><Code>NoSuchBucket</Code></Error>"),
                     -ENOENT);
}

static void
test_probe_gives_up(void **state)
{
    struct s3_list_args a = {.bucket = "b", .patience = S3_PATIENCE_PROBE};
    struct s3 *s = fake_client(NULL);
    uint64_t begin = fake.now;

    (void)state;
    answers = 0;
    fake_add(&(struct fake_answer){.err = -ECONNREFUSED});
    s3_list(s, &a, on_page, NULL);
    fake_run();
    assert_int_equal(answers, 1);
    assert_int_equal(err, -ECONNREFUSED);
    assert_true(fake.now - begin < 10000);
    assert_in_range(fake.requests, 2, 5);
    fake_free(s);
    s = fake_client(NULL);
    begin = fake.now;
    answers = 0;
    fake_say(503, "retry-after: 4\n", "");
    s3_list(s, &a, on_page, NULL);
    fake_run();
    assert_int_equal(err, -EIO);
    assert_in_range(fake.now - begin, 4000, 10000);
    fake_free(s);
}

/* ----------------------------------------------------------- attributes */

static void
on_attrs(void *user, const struct s3_error *e, const struct s3_attrs *a)
{
    size_t i;

    (void)user;
    answers++;
    err = e->err;
    if (!a)
        return;
    say("%s %llu:", a->etag, (unsigned long long)a->size);
    for (i = 0; i < a->count; i++)
        say(" %llu/%d/%08x", (unsigned long long)a->part[i].size,
            a->part[i].have_crc32, a->part[i].crc32);
}

#define ATTR(parts)                                                           \
    "<GetObjectAttributesResponse><ETag>e-3</ETag><ObjectSize>30"             \
    "</ObjectSize><ObjectParts>" parts                                        \
    "</ObjectParts></GetObjectAttributesResponse>"
#define PART(n)                                                               \
    "<Part><PartNumber>" n "</PartNumber><Size>10</Size>"                     \
    "<ChecksumCRC32>y/Q5Jg==</ChecksumCRC32></Part>"

static int
attributes(const char *one, const char *two)
{
    struct s3_where at = {.bucket = "b", .key = "k", .key_len = 1};
    struct s3 *s = fake_client(NULL);

    answers = 0;
    seen[0] = '\0';
    fake_say(200, "", one);
    if (two)
        fake_say(200, "", two);
    s3_attributes(s, &at, on_attrs, NULL);
    fake_run();
    assert_int_equal(answers, 1);
    assert_int_equal(fake.requests, two ? 2 : 1);
    assert_false(fake_sent_name(0, "x-amz-part-number-marker"));
    if (two)
        assert_true(fake_sent(1, "x-amz-part-number-marker: 2"));
    fake_free(s);
    return err;
}

static void
test_attributes(void **state)
{
    (void)state;
    assert_int_equal(
        attributes(ATTR("<IsTruncated>true</IsTruncated>"
                        "<NextPartNumberMarker>2</NextPartNumberMarker>" PART(
                            "1") PART("2")),
                   ATTR("<IsTruncated>false</IsTruncated>" PART("3"))),
        0);
    assert_string_equal(seen, "e-3 30: 10/1/cbf43926 10/1/cbf43926 "
                              "10/1/cbf43926");
    assert_int_equal(attributes(ATTR(""), NULL), 0);
    assert_string_equal(seen, "e-3 30:");
    assert_int_equal(attributes(ATTR(PART("2") PART("1")), NULL), -EPROTO);
    assert_int_equal(attributes(ATTR("<IsTruncated>true</IsTruncated>"), NULL),
                     -EPROTO);
    assert_int_equal(
        attributes(ATTR("<IsTruncated>true</IsTruncated>" PART("1") PART("2")),
                   "<GetObjectAttributesResponse><ETag>f</ETag>"
                   "<ObjectSize>30</ObjectSize>"
                   "</GetObjectAttributesResponse>"),
        -ESTALE);
    assert_int_equal(attributes("<GetObjectAttributesResponse>"
                                "<ETag>e</ETag>"
                                "</GetObjectAttributesResponse>",
                                NULL),
                     -EPROTO);
}

/* -------------------------------------------------------------- uploads */

static void
on_uploads(void *user, const struct s3_error *e, const struct s3_upload *u,
           size_t count)
{
    size_t i;

    (void)user;
    answers++;
    err = e->err;
    for (i = 0; i < count; i++)
        say("%.*s=%s %lld %s;", (int)u[i].key_len, u[i].key, u[i].upload_id,
            (long long)u[i].initiated, u[i].initiator);
}

#define UPLOAD(key, id)                                                       \
    "<Upload><Key>" key "</Key><UploadId>" id "</UploadId><Initiator><ID>"    \
    "me</ID></Initiator><Initiated>1970-01-01T00:00:05.5Z</Initiated>"        \
    "</Upload>"
#define UPLOADS(inner)                                                        \
    "<ListMultipartUploadsResult><EncodingType>url</EncodingType>" inner      \
    "</ListMultipartUploadsResult>"

static int
uploads(const char *one, const char *two, const char *second)
{
    struct s3_where at = {.bucket = "b", .key = "a b", .key_len = 3};
    struct s3 *s = fake_client(NULL);

    answers = 0;
    seen[0] = '\0';
    fake_say(200, "", one);
    if (two)
        fake_say(200, "", two);
    s3_list_uploads(s, &at, on_uploads, NULL);
    fake_run();
    assert_int_equal(answers, 1);
    assert_string_equal(fake.request[0].url,
                        "http://127.0.0.1:9/b?uploads=&encoding-type=url&"
                        "prefix=a%20b");
    if (second)
        assert_non_null(strstr(fake.request[1].url, second));
    fake_free(s);
    return err;
}

static void
test_uploads(void **state)
{
    static const char more[] = UPLOADS(
        "<IsTruncated>true</IsTruncated><NextKeyMarker>a+b</NextKeyMarker>"
        "<NextUploadIdMarker>u1</NextUploadIdMarker>" UPLOAD("a+b", "u1"));

    (void)state;
    assert_int_equal(uploads(more,
                             UPLOADS(UPLOAD("a+bc", "u2") UPLOAD("a+b", "u3")),
                             "&key-marker=a%20b&upload-id-marker=u1"),
                     0);
    assert_string_equal(seen, "a b=u1 5 me;a b=u3 5 me;");
    assert_int_equal(uploads(more, more, NULL), -EPROTO); /* for ever */
    assert_int_equal(
        uploads(UPLOADS("<Upload><Key>a</Key></Upload>"), NULL, NULL),
        -EPROTO);
    assert_int_equal(uploads(UPLOADS(UPLOAD("a+b", "u 1")), NULL, NULL),
                     -EPROTO);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_encoding),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_bad_etag),
        cmocka_unit_test(test_long_key),
        cmocka_unit_test(test_endless_page),
        cmocka_unit_test(test_error_in_200),
        cmocka_unit_test(test_probe_gives_up),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_uploads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
