/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/: a part whose body is in a file: its digest, and what is sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "s3/call.h"
#include "s3/multipart.h"
#include "s3_fake.h"

enum { SIZE = 70 * 1024 * 1024 + 17, FIRST = 1000 };

static const struct s3_conf https = {
    .endpoint = "https://h", .path_style = -1, .sign_payload = -1};
static unsigned answers;
static struct s3_error last;
static unsigned char *bytes;
static FILE *file;

static int
setup(void **state)
{
    size_t i;

    (void)state;
    file = tmpfile();
    bytes = malloc(SIZE);
    if (!file || !bytes)
        return -1;
    for (i = 0; i < SIZE; i++)
        bytes[i] = (unsigned char)(i * 2654435761U >> 16);
    return pwrite(fileno(file), bytes, SIZE, 0) == SIZE ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    fclose(file);
    free(bytes);
    return 0;
}

static void
on_part(void *user, const struct s3_error *e, const struct s3_part *p)
{
    (void)user;
    answers++;
    last = *e;
    assert_int_equal(p != NULL, e->err == 0);
}

static s3_id
upload(struct s3 *s, uint64_t length, bool crc)
{
    const struct s3_file f = {fileno(file), FIRST, length};
    struct s3_upload_args a = {.at = {"b", "k", 1, true},
                               .upload_id = "u",
                               .number = 1,
                               .file = &f,
                               .send_crc32 = crc};

    answers = 0;
    return s3_upload_part(s, &a, on_part, NULL);
}

/* EVP_Q_digest is not in OpenSSL 1.1. */
static void
digest(const EVP_MD *type, uint64_t length, unsigned char *md)
{
    assert_true(EVP_Digest(bytes + FIRST, length, md, NULL, type, NULL));
}

static void
test_sha256(void **state)
{
    static const uint64_t lengths[] = {1, 1 << 20, SIZE - FIRST};
    unsigned char md[EVP_MAX_MD_SIZE];
    char hex[65];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(lengths); i++) {
        struct s3 *s = fake_client(NULL);

        fake_say(200, "etag: \"e\"\n", "");
        upload(s, lengths[i], true);
        fake_run();
        assert_int_equal(answers, 1);
        assert_int_equal(last.err, 0);
        digest(EVP_sha256(), lengths[i], md);
        text_hex(hex, md, 32);
        assert_string_equal(fake.payload_hash, hex);
        assert_int_equal(fake.request[0].file_fd, fileno(file));
        assert_int_equal(fake.request[0].file_first, FIRST);
        assert_int_equal(fake.request[0].file_length, lengths[i]);
        fake_free(s);
    }
}

/* One digest, however many attempts. */
static void
test_md5_and_again(void **state)
{
    struct s3 *s = fake_client(&https);
    unsigned char md[EVP_MAX_MD_SIZE];
    char value[25], line[60];

    (void)state;
    fake_say(503, "", "<Error><Code>SlowDown</Code></Error>");
    fake_say(200, "etag: \"e\"\n", "");
    upload(s, SIZE - FIRST, false);
    fake_run();
    assert_int_equal(last.err, 0);
    digest(EVP_md5(), SIZE - FIRST, md);
    text_base64(value, md, 16);
    snprintf(line, sizeof(line), "content-md5: %s", value);
    assert_int_equal(fake.requests, 2);
    assert_true(fake_sent(0, line) && fake_sent(1, line));
    assert_string_equal(fake.payload_hash, "UNSIGNED-PAYLOAD");
    assert_int_equal(fake.request[1].file_length, SIZE - FIRST);
    fake_free(s);
}

/* With a CRC over https nobody reads it before it is sent. */
static void
test_no_digest(void **state)
{
    struct s3 *s = fake_client(&https);

    (void)state;
    fake_say(200, "etag: \"e\"\n", "");
    upload(s, SIZE, true); /* longer than the file is */
    fake_run();
    assert_int_equal(last.err, 0);
    assert_false(fake_sent_name(0, "content-md5"));
    fake_free(s);
}

static void
test_short(void **state)
{
    struct s3 *s = fake_client(NULL);

    (void)state;
    fake_say(200, "etag: \"e\"\n", "");
    upload(s, SIZE - FIRST + 1, true);
    fake_run();
    assert_int_equal(answers, 1);
    assert_int_equal(last.err, -EIO);
    assert_non_null(strstr(last.message, "shorter"));
    assert_int_equal(fake.requests, 0);
    fake_free(s);
    s = fake_client(NULL);
    fake_say(200, "etag: \"e\"\n", "");
    upload(s, UINT64_MAX, true);
    fake_run();
    assert_int_equal(last.err, -EINVAL);
    fake_free(s);
}

/* Cancelled between two slices: nothing is sent, and the rest not read. */
static void
test_cancel(void **state)
{
    struct s3 *s = fake_client(NULL);
    s3_id id;

    (void)state;
    fake_say(200, "etag: \"e\"\n", "");
    fake.hold_works = true;
    id = upload(s, SIZE - FIRST, true);
    assert_int_equal(fake_works(1), 1);
    s3_cancel(s, id);
    assert_int_equal(fake_works(9), 1); /* and no third */
    fake_run();
    assert_int_equal(answers, 1);
    assert_int_equal(last.err, -ECANCELED);
    assert_int_equal(fake.requests, 0);
    fake_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),    cmocka_unit_test(test_md5_and_again),
        cmocka_unit_test(test_no_digest), cmocka_unit_test(test_short),
        cmocka_unit_test(test_cancel),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
