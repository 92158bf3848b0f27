/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/: everything that writes.  What may be sent again, and what must not.
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
static struct s3_error last;
static char seen[512];

static const struct s3_where at = {
    .bucket = "b", .key = "out.zip", .key_len = 7, .dest = true};
static const struct s3_conf https = {.endpoint = "https://h",
                                     .path_style = -1,
                                     .expected_bucket_owner = "111",
                                     .dest_expected_owner = "222",
                                     .sign_payload = -1,
                                     .storage_class = "STANDARD_IA",
                                     .sse_kms_key_id = "key-1"};

static void
take(const struct s3_error *e, bool have)
{
    answers++;
    last = *e;
    seen[0] = '\0';
    assert_int_equal(have, e->err == 0);
}

static void
on_create(void *user, const struct s3_error *e, const char *id)
{
    (void)user;
    take(e, id != NULL);
    snprintf(seen, sizeof(seen), "%s", id ? id : "");
}

static void
on_part(void *user, const struct s3_error *e, const struct s3_part *p)
{
    (void)user;
    take(e, p != NULL);
    if (p)
        snprintf(seen, sizeof(seen), "%s %d %08x", p->etag, p->have_crc32,
                 p->crc32);
}

static void
on_complete(void *user, const struct s3_error *e, const struct s3_completed *c)
{
    (void)user;
    take(e, c != NULL);
    if (c)
        snprintf(seen, sizeof(seen), "%s [%s] %d %08x", c->etag, c->version_id,
                 c->have_crc32, c->crc32);
}

static void
on_done(void *user, const struct s3_error *e)
{
    (void)user;
    take(e, e->err == 0);
}

static void
on_head(void *user, const struct s3_error *e, const struct s3_object *o)
{
    (void)user;
    take(e, o != NULL);
}

static struct s3 *
begin(const struct s3_conf *conf)
{
    answers = 0;
    return fake_client(conf);
}

static int
end(void)
{
    fake_run();
    assert_int_equal(answers, 1);
    return last.err;
}

/* -------------------------------------------------------------- classes */

/* What carries no data does not wait for what does, nor the other way. */
static void
test_classes(void **state)
{
    struct s3_create_args create = {.at = at};
    struct s3_copy_args copy = {.at = at,
                                .upload_id = "u",
                                .number = 1,
                                .source = at,
                                .source_etag = "e",
                                .length = 5,
                                .source_size = 5};
    struct s3_complete_args complete = {.at = at, .upload_id = "u"};
    struct iovec iov = {(void *)"1", 1};
    struct s3_upload_args part = {.at = at,
                                  .upload_id = "u",
                                  .number = 1,
                                  .body = &iov,
                                  .body_count = 1};
    struct s3_put_args put = {.at = at, .body = &iov, .body_count = 1};
    struct s3_head_args head = {.at = at};
    struct s3 *s = begin(&https);
    size_t i;

    (void)state;
    fake_say(403, "", "");
    s3_create(s, &create, on_create, NULL);
    s3_upload_copy(s, &copy, on_part, NULL);
    s3_complete(s, &complete, on_complete, NULL);
    s3_abort(s, &at, "u", on_done, NULL);
    s3_delete(s, &at, NULL, NULL, on_done, NULL);
    fake_run();
    assert_int_equal(fake.requests, 5);
    s3_upload_part(s, &part, on_part, NULL);
    s3_put(s, &put, on_complete, NULL);
    s3_head(s, &head, on_head, NULL);
    fake_run();
    assert_int_equal(fake.requests, 8);
    for (i = 0; i < 8; i++)
        assert_int_equal(fake.request[i].class, i < 5 ? NET_BRIEF : NET_BYTES);
    fake_free(s);
}

/* --------------------------------------------------------------- create */

static void
test_create(void **state)
{
    struct s3_create_args a = {.at = at,
                               .crc32 = true,
                               .fresh = true,
                               .content_type = "application/zip",
                               .layout_digest = "d1"};
    struct s3 *s = begin(&https);

    (void)state;
    fake_say(200, "",
             "<InitiateMultipartUploadResult><UploadId>u/1</UploadId>"
             "</InitiateMultipartUploadResult>");
    s3_create(s, &a, on_create, NULL);
    assert_int_equal(end(), 0);
    assert_string_equal(seen, "u/1");
    assert_string_equal(fake.request[0].method, "POST");
    assert_string_equal(fake.request[0].url, "https://h/b/out.zip?uploads=");
    assert_true(fake.request[0].busy && !fake.request[0].fresh);
    assert_true(fake_sent(0, "x-amz-checksum-algorithm: CRC32"));
    assert_true(fake_sent(0, "x-amz-checksum-type: FULL_OBJECT"));
    assert_true(fake_sent(0, "content-type: application/zip"));
    assert_true(fake_sent(0, "x-amz-meta-s3zipfs-layout: d1"));
    assert_true(fake_sent(0, "x-amz-storage-class: STANDARD_IA"));
    assert_true(fake_sent(0, "x-amz-server-side-encryption: aws:kms"));
    assert_true(
        fake_sent(0, "x-amz-server-side-encryption-aws-kms-key-id: key-1"));
    assert_true(fake_sent(0, "x-amz-expected-bucket-owner: 222"));
    fake_free(s);
    s = begin(NULL);
    a.crc32 = a.fresh = false;
    fake_say(200, "", "<InitiateMultipartUploadResult/>");
    s3_create(s, &a, on_create, NULL);
    assert_int_equal(end(), -EPROTO);
    assert_false(fake.request[0].busy || fake.request[0].fresh);
    assert_false(fake_sent_name(0, "x-amz-checksum-algorithm"));
    fake_free(s);
}

#define CREATED                                                               \
    "<InitiateMultipartUploadResult><UploadId>u/1</UploadId>"                 \
    "</InitiateMultipartUploadResult>"

/* Once: where an attempt may have made an upload, there is no other. */
static void
test_create_once(void **state)
{
    static const struct {
        struct fake_answer answer[2];
        int err;
        size_t requests;
    } t[] = {
        {{{.err = -ECONNRESET}}, -EINPROGRESS, 1},
        {{{.err = -ETIMEDOUT}}, -EINPROGRESS, 1},
        {{{.status = 504, .body = "<html/>"}}, -EINPROGRESS, 1},
        {{{.status = 500,
           .body = "<Error><Code>InternalError</Code></Error>"}},
         -EINPROGRESS,
         1},
        {{{.status = 501,
           .body = "<Error><Code>NotImplemented</Code></Error>"}},
         -EOPNOTSUPP,
         1},
        {{{.status = 200, .body = "<Initiate"}}, -EINPROGRESS, 1},
        {{{.err = -ECONNREFUSED}, {.status = 200, .body = CREATED}}, 0, 2},
        {{{.err = -EHOSTUNREACH}, {.status = 200, .body = CREATED}}, 0, 2},
        {{{.status = 503, .body = "<Error><Code>SlowDown</Code></Error>"},
          {.status = 200, .body = CREATED}},
         0,
         2},
        {{{.status = 403, .body = "<Error><Code>AccessDenied</Code></Error>"}},
         -EACCES,
         1},
    };
    struct s3_create_args a = {.at = at, .once = true};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct s3 *s = begin(NULL);

        fake_add(&t[i].answer[0]);
        if (t[i].requests > 1)
            fake_add(&t[i].answer[1]);
        s3_create(s, &a, on_create, NULL);
        assert_int_equal(end(), t[i].err);
        assert_int_equal(fake.requests, t[i].requests);
        fake_free(s);
    }
    a.once = false;
    {
        struct s3 *s = begin(NULL);

        fake_add(&(struct fake_answer){.err = -ECONNRESET});
        fake_say(200, "", CREATED);
        s3_create(s, &a, on_create, NULL);
        assert_int_equal(end(), 0);
        assert_int_equal(fake.requests, 2);
        fake_free(s);
    }
}

/* ---------------------------------------------------------------- parts */

static int
upload(struct s3 *s, bool crc)
{
    char one[] = "1234", two[] = "56789";
    struct iovec iov[] = {{one, 4}, {two, 5}};
    struct s3_upload_args a = {.at = at,
                               .upload_id = "u+1",
                               .number = 3,
                               .body = iov,
                               .body_count = 2,
                               .send_crc32 = crc,
                               .crc32 = 0xcbf43926};

    s3_upload_part(s, &a, on_part, NULL);
    return end();
}

static void
test_upload(void **state)
{
    struct s3 *s = begin(&https);

    (void)state;
    fake_say(200, "etag: \"p3\"\nx-amz-checksum-crc32: y/Q5Jg==\n", "");
    assert_int_equal(upload(s, true), 0);
    assert_string_equal(seen, "p3 1 cbf43926");
    assert_string_equal(fake.request[0].url,
                        "https://h/b/out.zip?partNumber=3&uploadId=u%2B1");
    assert_string_equal(fake.request[0].body, "123456789");
    assert_true(fake_sent(0, "x-amz-checksum-crc32: y/Q5Jg=="));
    assert_false(fake_sent_name(0, "content-md5"));
    assert_string_equal(fake.payload_hash, "UNSIGNED-PAYLOAD");
    fake_free(s);
}

/* What guards a part that has no CRC. */
static void
test_upload_guard(void **state)
{
    struct s3 *s = begin(&https);

    (void)state;
    fake_say(200, "etag: \"p3\"\n", "");
    assert_int_equal(upload(s, false), 0);
    assert_string_equal(seen, "p3 0 00000000");
    assert_true(fake_sent(0, "content-md5: JfnnlDI7RTiF9RgfG2JNCw=="));
    assert_string_equal(fake.payload_hash, "UNSIGNED-PAYLOAD");
    fake_free(s);
    s = begin(NULL); /* http */
    fake_say(200, "etag: \"p3\"\n", "");
    assert_int_equal(upload(s, false), 0);
    assert_false(fake_sent_name(0, "content-md5"));
    assert_int_equal(fake.payload_hash[0], 'a');
    fake_free(s);
}

static void
test_upload_wrong(void **state)
{
    struct s3 *s = begin(NULL);

    (void)state;
    fake_say(200, "etag: \"p3\"\nx-amz-checksum-crc32: AAAAAA==\n", "");
    assert_int_equal(upload(s, true), -EIO);
    fake_free(s);
    s = begin(NULL);
    fake_say(200, "", "");
    assert_int_equal(upload(s, true), -EPROTO);
    fake_free(s);
    s = begin(NULL);
    fake_say(200, "", "<Error><Code>SlowDown</Code></Error>");
    fake_say(400, "", "<Error><Code>BadDigest</Code></Error>");
    assert_int_equal(upload(s, true), -EIO);
    assert_string_equal(last.code, "BadDigest");
    fake_free(s);
}

/* Two minutes of sending, then a refusal: no reason to give up. */
static void
test_upload_slow(void **state)
{
    struct s3 *s = begin(NULL);

    (void)state;
    fake_add(
        &(struct fake_answer){.status = 503,
                              .body = "<Error><Code>SlowDown</Code></Error>",
                              .took_ms = 120000});
    fake_say(200, "etag: \"p3\"\n", "");
    assert_int_equal(upload(s, true), 0);
    fake_free(s);
}

/* ----------------------------------------------------------------- copy */

static int
copy(struct s3 *s, uint64_t first, uint64_t length)
{
    struct s3_copy_args a = {
        .at = at,
        .upload_id = "u",
        .number = 1,
        .source = {.bucket = "src", .key = "a b/+%\xc3\xa9", .key_len = 8},
        .source_etag = "E",
        .first = first,
        .length = length,
        .source_size = 100};

    s3_upload_copy(s, &a, on_part, NULL);
    return end();
}

static void
test_copy(void **state)
{
    struct s3 *s = begin(&https);

    (void)state;
    fake_say(200, "",
             "<?xml version=\"1.0\"?>\n   <CopyPartResult>"
             "<ETag>&quot;c&quot;</ETag>"
             "<ChecksumCRC32>y/Q5Jg==</ChecksumCRC32></CopyPartResult>");
    assert_int_equal(copy(s, 0, 100), 0);
    assert_string_equal(seen, "c 1 cbf43926");
    assert_true(fake_sent(0, "x-amz-copy-source: "
                             "src/a%20b/%2B%25%C3%A9"));
    assert_true(fake_sent(0, "x-amz-copy-source-if-match: \"E\""));
    assert_true(fake_sent(0, "x-amz-source-expected-bucket-owner: 111"));
    assert_true(fake_sent(0, "x-amz-expected-bucket-owner: 222"));
    assert_false(fake_sent_name(0, "x-amz-copy-source-range"));
    assert_int_equal(fake.request[0].stall_ms, 0);
    assert_int_equal(fake.request[0].total_ms, 900000);
    fake_free(s);
    s = begin(NULL);
    fake_say(200, "", "<CopyObjectResult><ETag>c</ETag></CopyObjectResult>");
    assert_int_equal(copy(s, 10, 20), 0);
    assert_string_equal(seen, "c 0 00000000");
    assert_true(fake_sent(0, "x-amz-copy-source-range: bytes=10-29"));
    fake_free(s);
}

static void
test_copy_wrong(void **state)
{
    static const struct {
        int status, err;
        const char *body;
    } t[] = {
        {200, -EPROTO, "<CopyPartResult/>"},
        {200, -EPROTO, ""},
        {412, -ESTALE, "<Error><Code>PreconditionFailed</Code></Error>"},
        {404, -ESTALE, "<Error><Code>NoSuchKey</Code></Error>"},
        {404, -ENOENT, "<Error><Code>NoSuchUpload</Code></Error>"},
        {403, -ENODATA,
         "<Error><Code>ObjectNotInActiveTierError</Code></Error>"},
        {200, -EACCES, "<Error><Code>AccessDenied</Code></Error>"},
    };
    struct s3 *s;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(t); i++) {
        s = begin(NULL);
        fake_say(t[i].status, "", t[i].body);
        assert_int_equal(copy(s, 0, 100), t[i].err);
        fake_free(s);
    }
    s = begin(NULL);
    fake_say(200, "", "");
    assert_int_equal(copy(s, 90, 11), -EINVAL);
    assert_int_equal(fake.requests, 0);
    fake_free(s);
}

/* ------------------------------------------------------------- complete */

static int
complete(struct s3 *s)
{
    struct s3_done_part parts[] = {{1, "a", true, 0xcbf43926},
                                   {2, "b", true, 0}};
    struct s3_complete_args a = {.at = at,
                                 .upload_id = "u",
                                 .part = parts,
                                 .count = 2,
                                 .crc32 = true,
                                 .whole_crc32 = 0xcbf43926,
                                 .send_size = true,
                                 .size = 77,
                                 .if_none_match = true};

    s3_complete(s, &a, on_complete, NULL);
    return end();
}

#define COMPLETED                                                             \
    "<CompleteMultipartUploadResult><ETag>&quot;w-2&quot;</ETag>"             \
    "<ChecksumCRC32>y/Q5Jg==</ChecksumCRC32>"                                 \
    "<ChecksumType>FULL_OBJECT</ChecksumType>"                                \
    "</CompleteMultipartUploadResult>"

static void
test_complete(void **state)
{
    struct s3 *s = begin(&https);

    (void)state;
    fake_say(200, "x-amz-version-id: v1\n",
             "      \n  <?xml version=\"1.0\"?>\n " COMPLETED);
    assert_int_equal(complete(s), 0);
    assert_string_equal(seen, "w-2 [v1] 1 cbf43926");
    assert_string_equal(fake.request[0].url, "https://h/b/out.zip?uploadId=u");
    assert_string_equal(
        fake.request[0].body,
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/"
        "2006-03-01/\"><Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;"
        "</ETag><ChecksumCRC32>y/Q5Jg==</ChecksumCRC32></Part><Part>"
        "<PartNumber>2</PartNumber><ETag>&quot;b&quot;</ETag>"
        "<ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>"
        "</CompleteMultipartUpload>");
    assert_true(fake_sent(0, "x-amz-checksum-crc32: y/Q5Jg=="));
    assert_true(fake_sent(0, "x-amz-checksum-type: FULL_OBJECT"));
    assert_true(fake_sent(0, "x-amz-mp-object-size: 77"));
    assert_true(fake_sent(0, "if-none-match: *"));
    assert_int_equal(fake.payload_hash[0], 'a'); /* ours: always signed */
    assert_int_equal(fake.request[0].stall_ms, 0);
    fake_free(s);
}

/* Each: the answers, what comes of it, how many requests were made. */
static void
test_complete_ends(void **state)
{
    static const struct {
        struct fake_answer a[2];
        int err;
        size_t requests;
    } t[] = {
        /* unclear: never again */
        {{{.err = -ECONNRESET}}, -EINPROGRESS, 1},
        {{{.err = -ETIMEDOUT}}, -EINPROGRESS, 1},
        {{{.status = 200, .body = ""}}, -EINPROGRESS, 1},
        {{{.status = 200, .body = "<CompleteMultipart"}}, -EINPROGRESS, 1},
        {{{.status = 200, .err = -ECONNRESET, .body = "  "}}, -EINPROGRESS, 1},
        {{{.status = 504, .body = "<html/>"}}, -EINPROGRESS, 1},
        {{{.status = 502, .body = ""}}, -EINPROGRESS, 1},
        {{{.status = 503, .body = "<html/>"}}, -EINPROGRESS, 1},
        /* plain refusals: again */
        {{{.err = -ECONNREFUSED}, {.status = 200, .body = COMPLETED}}, 0, 2},
        {{{.status = 503, .body = "<Error><Code>SlowDown</Code></Error>"},
          {.status = 200, .body = COMPLETED}},
         0,
         2},
        {{{.status = 200,
           .body = "   <Error><Code>InternalError</Code></Error>"},
          {.status = 200, .body = COMPLETED}},
         0,
         2},
        /* the second one finds no upload: perhaps the first one worked */
        {{{.status = 200, .body = "<Error><Code>InternalError</Code></Error>"},
          {.status = 404, .body = "<Error><Code>NoSuchUpload</Code></Error>"}},
         -EINPROGRESS,
         2},
        {{{.status = 503, .body = "<Error><Code>SlowDown</Code></Error>"},
          {.status = 412,
           .body = "<Error><Code>PreconditionFailed</Code></Error>"}},
         -EINPROGRESS,
         2},
        {{{.status = 404, .body = "<Error><Code>NoSuchUpload</Code></Error>"}},
         -ENOENT,
         1},
        {{{.status = 412,
           .body = "<Error><Code>PreconditionFailed</Code></Error>"}},
         -EEXIST,
         1},
        {{{.status = 409,
           .body = "<Error><Code>ConditionalRequestConflict</Code></Error>"}},
         -EBUSY,
         1},
        {{{.status = 501,
           .body = "<Error><Code>NotImplemented</Code></Error>"}},
         -EOPNOTSUPP,
         1},
        {{{.status = 400, .body = "<Error><Code>InvalidPart</Code></Error>"}},
         -EIO,
         1},
        {{{.status = 400, .body = "<Error><Code>BadDigest</Code></Error>"}},
         -EIO,
         1},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(t); i++) {
        struct s3 *s = begin(NULL);

        fake_add(&t[i].a[0]);
        if (t[i].a[1].status)
            fake_add(&t[i].a[1]);
        assert_int_equal(complete(s), t[i].err);
        assert_int_equal(fake.requests, t[i].requests);
        fake_free(s);
    }
}

static void
test_complete_bad_etag(void **state)
{
    struct s3_done_part part = {1, "a<b", false, 0};
    struct s3_complete_args a = {
        .at = at, .upload_id = "u", .part = &part, .count = 1};
    struct s3 *s = begin(NULL);

    (void)state;
    s3_complete(s, &a, on_complete, NULL);
    assert_int_equal(end(), -EINVAL);
    assert_int_equal(fake.requests, 0);
    fake_free(s);
}

/* ---------------------------------------------------------------- abort */

static int
abort_it(struct s3 *s)
{
    s3_abort(s, &at, "u", on_done, NULL);
    return end();
}

static void
test_abort(void **state)
{
    static const char parts[] = "<ListPartsResult/>";
    struct s3 *s = begin(NULL);
    struct s3_stats st;

    (void)state;
    fake_say(204, "", "");
    fake_say(404, "", "<Error><Code>NoSuchUpload</Code></Error>");
    assert_int_equal(abort_it(s), 0);
    assert_int_equal(fake.requests, 2);
    assert_string_equal(fake.request[0].method, "DELETE");
    assert_string_equal(fake.request[1].method, "GET");
    fake_free(s);
    /* a part came late */
    s = begin(NULL);
    fake_say(204, "", "");
    fake_say(200, "", parts);
    fake_say(204, "", "");
    fake_say(404, "", "");
    assert_int_equal(abort_it(s), 0);
    assert_int_equal(fake.requests, 4);
    s3_stats_get(s, &st);
    assert_int_equal(st.abort, 2);
    assert_int_equal(st.list_parts, 2);
    fake_free(s);
    /* a store that never says 404 is believed */
    s = begin(NULL);
    fake_say(200, "", parts);
    assert_int_equal(abort_it(s), 0);
    assert_in_range(fake.requests, 4, 12);
    fake_free(s);
    s = begin(NULL);
    fake_say(404, "", "<Error><Code>NoSuchUpload</Code></Error>");
    assert_int_equal(abort_it(s), 0);
    assert_int_equal(fake.requests, 1);
    fake_free(s);
    s = begin(NULL);
    fake_say(403, "", "");
    assert_int_equal(abort_it(s), -EACCES);
    fake_free(s);
}

/* ------------------------------------------------------- put and delete */

static int
put(struct s3 *s, const char *if_match)
{
    char body[] = "123456789";
    struct iovec iov = {body, 9};
    struct s3_put_args a = {.at = at,
                            .body = &iov,
                            .body_count = 1,
                            .send_crc32 = true,
                            .crc32 = 0xcbf43926,
                            .content_type = "application/zip",
                            .if_match = if_match,
                            .if_none_match = !if_match};

    s3_put(s, &a, on_complete, NULL);
    return end();
}

static void
test_put(void **state)
{
    struct s3 *s = begin(&https);

    (void)state;
    fake_say(200,
             "etag: \"e\"\nx-amz-version-id: v\n"
             "x-amz-checksum-crc32: y/Q5Jg==\n",
             "");
    assert_int_equal(put(s, "old"), 0);
    assert_string_equal(seen, "e [v] 1 cbf43926");
    assert_true(fake_sent(0, "if-match: \"old\""));
    assert_false(fake_sent_name(0, "if-none-match"));
    assert_true(fake_sent(0, "x-amz-checksum-crc32: y/Q5Jg=="));
    fake_free(s);
    s = begin(NULL);
    fake_say(412, "", "");
    assert_int_equal(put(s, NULL), -EEXIST);
    assert_true(fake_sent(0, "if-none-match: *"));
    fake_free(s);
    /* the first attempt may have worked: whose object is it? */
    s = begin(NULL);
    fake_add(&(struct fake_answer){.err = -ECONNRESET});
    fake_say(412, "", "");
    assert_int_equal(put(s, NULL), -EINPROGRESS);
    fake_free(s);
}

static void
test_delete(void **state)
{
    struct s3 *s = begin(NULL);

    (void)state;
    fake_say(204, "", "");
    s3_delete(s, &at, "e", "v/1", on_done, NULL);
    assert_int_equal(end(), 0);
    assert_string_equal(fake.request[0].url,
                        "http://127.0.0.1:9/b/out.zip?versionId=v%2F1");
    assert_true(fake_sent(0, "if-match: \"e\""));
    fake_free(s);
    s = begin(NULL);
    fake_say(404, "", "<Error><Code>NoSuchKey</Code></Error>");
    s3_delete(s, &at, NULL, NULL, on_done, NULL);
    assert_int_equal(end(), 0);
    assert_false(fake_sent_name(0, "if-match"));
    fake_free(s);
    s = begin(NULL);
    fake_say(412, "", "");
    s3_delete(s, &at, "e", NULL, on_done, NULL);
    assert_int_equal(end(), -ESTALE);
    fake_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_create_once),
        cmocka_unit_test(test_upload),
        cmocka_unit_test(test_upload_guard),
        cmocka_unit_test(test_upload_wrong),
        cmocka_unit_test(test_upload_slow),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_copy_wrong),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_complete_ends),
        cmocka_unit_test(test_complete_bad_etag),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_delete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
