/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/sync.h on the fake store: each call waits for its answer and keeps a
 * copy of it; a stop ends those that wait and keeps others from beginning.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "fake_store.h"
#include "net/net.h"
#include "s3/sync.h"

static struct scope *scope;
static struct s3_reply reply;
static struct s3_found found;

void
fake_stop_job(void)
{
    scope_stop(scope, -EINTR);
}

static int
setup(void **state)
{
    (void)state;
    fake_start(7);
    fake_threads_start();
    return scope_new(&scope);
}

static int
teardown(void **state)
{
    (void)state;
    s3_found_free(&found);
    fake_threads_stop();
    fake_stop();
    scope_free(scope);
    return 0;
}

static struct s3_where
where(const char *key)
{
    return (struct s3_where){"b", key, strlen(key), true};
}

/* -------------------------------------------------------------- objects */

static void
put(const char *key, const char *data)
{
    const struct iovec iov = {(void *)data, strlen(data)};
    const struct s3_put_args a = {
        .at = where(key),
        .body = &iov,
        .body_count = 1,
        .send_crc32 = true,
        .crc32 = (uint32_t)crc32_z(0, (const uint8_t *)data, strlen(data)),
        .layout_digest = "digest",
        .if_none_match = true};

    assert_int_equal(s3_put_wait(&fake_s3, scope, &a, &reply), 0);
    assert_true(reply.have_crc32);
    assert_int_equal(reply.crc32, a.crc32);
    assert_string_equal(reply.etag, fake_object(key)->etag);
    /* and once more, which a condition forbids */
    assert_int_equal(s3_put_wait(&fake_s3, scope, &a, &reply), -EEXIST);
    assert_int_equal(reply.e.http, 412);
    assert_string_equal(reply.etag, "");
}

static int
add(void *user, const void *p, size_t n)
{
    strncat(user, p, n);
    return 0;
}

static int
refuse(void *user, const void *p, size_t n)
{
    (void)p;
    (void)n;
    return *(int *)user;
}

static void
test_object(void **state)
{
    struct s3_head_args head = {.at = where("k"), .checksum = true};
    struct s3_get_args get = {.at = where("k"), .on_data = add};
    char text[100] = "", small[4];
    int pause = NET_PAUSE;

    (void)state;
    put("k", "what is in it");
    assert_int_equal(s3_head_wait(&fake_s3, scope, &head, &reply), 0);
    assert_int_equal(reply.size, 13);
    assert_true(reply.have_crc32);
    assert_string_equal(reply.layout_digest, "digest");
    assert_string_equal(reply.etag, fake_object("k")->etag);

    assert_int_equal(s3_get_wait(&fake_s3, scope, &get, text, &reply), 0);
    assert_string_equal(text, "what is in it");
    assert_int_equal(reply.received, 13);
    assert_int_equal(reply.size, 13);
    get.on_data = refuse; /* the call cannot be resumed */
    assert_int_equal(s3_get_wait(&fake_s3, scope, &get, &pause, &reply),
                     -EINVAL);

    memset(text, 0, sizeof(text));
    get.first = 5;
    get.length = 2;
    assert_int_equal(s3_get_into(&fake_s3, scope, &get, text, 2, &reply), 0);
    assert_string_equal(text, "is");
    assert_int_equal(reply.received, 2);
    get.first = get.length = 0;
    assert_int_equal(
        s3_get_into(&fake_s3, scope, &get, small, sizeof(small), &reply),
        -EMSGSIZE);
    get.etag = "another";
    assert_int_equal(
        s3_get_into(&fake_s3, scope, &get, text, sizeof(text), &reply),
        -ESTALE);
    assert_int_equal(reply.e.http, 412);

    assert_int_equal(
        s3_delete_wait(&fake_s3, scope, &head.at, NULL, NULL, &reply), 0);
    assert_int_equal(s3_head_wait(&fake_s3, scope, &head, &reply), -ENOENT);
    assert_int_equal(s3_bucket_lock_wait(&fake_s3, scope, "b", &reply), 0);
    assert_false(reply.retention);
    fake.retention = true;
    assert_int_equal(s3_bucket_lock_wait(&fake_s3, scope, "b", &reply), 0);
    assert_true(reply.retention);
}

static void
test_delete_many(void **state)
{
    struct s3_item item[3] = {
        {"a", 1, NULL}, {"b\001", 2, NULL}, {"c", 1, ""}};
    struct s3_delete_many_args a = {.bucket = "b", .item = item, .count = 3};
    int each[3];

    (void)state;
    fake_put("a", "a", 1, false);
    fake_put("b\001", "b", 1, false);
    fake_put("c", "c", 1, false);
    fake.many_501 = true;
    assert_int_equal(s3_delete_many_wait(&fake_s3, scope, &a, each, &reply),
                     -EOPNOTSUPP);
    assert_int_equal(each[2], -EOPNOTSUPP);
    fake.many_501 = false;
    fake.deletes_refused = true;
    assert_int_equal(s3_delete_many_wait(&fake_s3, scope, &a, each, &reply),
                     -EACCES);
    assert_int_equal(each[0], -EACCES);
    assert_int_equal(each[1], -EACCES);
    assert_string_equal(reply.e.code, "AccessDenied");
    assert_int_equal(fake_objects_below(""), 3);
    fake.deletes_refused = false;
    fake_forget();
    assert_int_equal(s3_delete_many_wait(&fake_s3, scope, &a, each, &reply),
                     0);
    assert_int_equal(each[0] | each[1] | each[2], 0);
    assert_int_equal(fake_objects_below(""), 0);
    assert_int_equal(fake.deletes_many, 1);
    assert_int_equal(fake.deletes, 1); /* the one with a control character */
}

/* ------------------------------------------------------ uploads in parts */

static void
create(const char *key, char id[S3_VALUE_MAX + 1])
{
    struct s3_create_args a = {.at = where(key), .crc32 = true, .fresh = true};

    assert_int_equal(s3_create_wait(&fake_s3, scope, &a, &reply), 0);
    assert_true(reply.upload_id[0]);
    strcpy(id, reply.upload_id);
}

static void
test_upload(void **state)
{
    static uint8_t bytes[FAKE_FLOOR];
    const uint32_t crc = (uint32_t)crc32_z(0, bytes, sizeof(bytes));
    const struct iovec iov = {bytes, sizeof(bytes)};
    struct fake_object *source = fake_put("p/s", bytes, sizeof(bytes), true);
    struct s3_upload_args up = {.at = where("out"),
                                .number = 1,
                                .body = &iov,
                                .body_count = 1,
                                .send_crc32 = true,
                                .crc32 = crc};
    struct s3_copy_args copy = {.at = where("out"),
                                .number = 2,
                                .source = where("p/s"),
                                .source_etag = source->etag,
                                .length = sizeof(bytes),
                                .source_size = sizeof(bytes)};
    struct s3_done_part part[2] = {{1, NULL, true, crc}, {2, NULL, true, crc}};
    struct s3_complete_args end = {
        .at = where("out"),
        .part = part,
        .count = 2,
        .crc32 = true,
        .whole_crc32 = (uint32_t)crc32_combine(crc, crc, sizeof(bytes)),
        .if_none_match = true};
    char id[S3_VALUE_MAX + 1], etag[2][S3_ETAG_MAX + 1];

    (void)state;
    create("out", id);
    up.upload_id = copy.upload_id = end.upload_id = id;
    assert_int_equal(s3_upload_part_wait(&fake_s3, scope, &up, &reply), 0);
    strcpy(etag[0], reply.etag);
    assert_int_equal(s3_upload_copy_wait(&fake_s3, scope, &copy, &reply), 0);
    strcpy(etag[1], reply.etag);
    assert_true(reply.have_crc32);
    assert_int_equal(reply.crc32, crc);

    assert_int_equal(s3_list_parts_wait(&fake_s3, scope, &end.at, id, &found),
                     0);
    assert_int_equal(found.parts.count, 2);
    assert_int_equal(found.parts.part[1].number, 2);
    assert_string_equal(found.parts.part[1].etag, etag[1]);
    s3_found_free(&found);

    part[0].etag = etag[0];
    part[1].etag = etag[1];
    assert_int_equal(s3_complete_wait(&fake_s3, scope, &end, &reply), 0);
    assert_int_equal(reply.crc32, end.whole_crc32);
    assert_string_equal(reply.etag, fake_object("out")->etag);
    assert_int_equal(fake_uploads_open(), 0);
    assert_int_equal(s3_list_parts_wait(&fake_s3, scope, &end.at, id, &found),
                     -ENOENT);
    assert_null(found.parts.part);
}

static void
test_abort(void **state)
{
    static uint8_t bytes[FAKE_FLOOR];
    const struct iovec iov = {bytes, sizeof(bytes)};
    struct s3_where at = where("out");
    struct s3_upload_args up = {
        .at = at, .number = 1, .body = &iov, .body_count = 1};
    char one[S3_VALUE_MAX + 1], two[S3_VALUE_MAX + 1];

    (void)state;
    create("out", one);
    create("out/2", two);
    assert_int_equal(s3_list_uploads_wait(&fake_s3, scope, &at, &found), 0);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.upload[0].upload_id, one);
    s3_found_free(&found);
    assert_int_equal(s3_list_uploads_below_wait(&fake_s3, scope, &at, &found),
                     0);
    assert_int_equal(found.count, 2);
    up.upload_id = one;
    up.send_crc32 = true;
    up.crc32 = (uint32_t)crc32_z(0, bytes, sizeof(bytes));
    assert_int_equal(s3_upload_part_wait(&fake_s3, scope, &up, &reply), 0);
    assert_int_equal(s3_abort_empty_wait(&fake_s3, scope, &at, one, &reply),
                     -ENOTEMPTY);
    assert_int_equal(s3_abort_wait(&fake_s3, scope, &at, one, &reply), 0);
    at = where("out/2");
    assert_int_equal(s3_abort_empty_wait(&fake_s3, scope, &at, two, &reply),
                     0);
    assert_int_equal(fake_uploads_open(), 0);
}

/* ------------------------------------------------------------- listings */

static void
test_listings(void **state)
{
    struct s3_list_args list = {
        .bucket = "b", .prefix = "p/", .prefix_len = 2, .max_keys = 3};
    struct s3_where at = where("p/");
    char key[16], next[16];
    unsigned i;

    (void)state;
    fake_put("q", "q", 1, false);
    for (i = 0; i < 4; i++) {
        snprintf(key, sizeof(key), "p/%u", i);
        fake_put(key, key, i, i == 3);
    }
    assert_int_equal(s3_list_wait(&fake_s3, scope, &list, &found), 0);
    assert_int_equal(found.page.count, 3);
    assert_string_equal(found.page.entry[2].key, "p/2");
    assert_string_equal(found.page.entry[2].etag, fake_object("p/2")->etag);
    assert_string_equal(found.page.next, "p/2");
    snprintf(next, sizeof(next), "%s", found.page.next);
    s3_found_free(&found);
    list.token = next;
    assert_int_equal(s3_list_wait(&fake_s3, scope, &list, &found), 0);
    assert_int_equal(found.page.count, 1);
    assert_int_equal(found.page.entry[0].size, 3);
    assert_null(found.page.next);
    s3_found_free(&found);

    assert_int_equal(s3_list_versions_wait(&fake_s3, scope, &at, &found), 0);
    assert_int_equal(found.count, 4);
    assert_int_equal(strncmp(found.version[0].key, "p/", 2), 0);
    s3_found_free(&found);
    fake.lists_refused = true;
    assert_int_equal(s3_list_versions_wait(&fake_s3, scope, &at, &found),
                     -EACCES);
    assert_int_equal(found.count, 0);

    at = where("p/3");
    assert_int_equal(s3_attributes_wait(&fake_s3, scope, &at, &found), 0);
    assert_int_equal(found.attrs.size, 3);
    assert_int_equal(found.attrs.count, 1);
    assert_true(found.attrs.part[0].have_crc32);
    assert_string_equal(found.attrs.etag, fake_object("p/3")->etag);
}

/* ------------------------------------------------------------- the stop */

static bool
asked(void)
{
    LOCK_SCOPE(&fake.lock);

    return fake.ops || fake.taken;
}

static void *
stop_soon(void *user)
{
    (void)user;
    while (!asked())
        usleep(1000);
    usleep(20000);
    scope_stop(scope, -EINTR);
    return NULL;
}

static void
test_stop(void **state)
{
    struct s3_head_args head = {.at = where("k"), .etag = "hangs"};
    struct s3_where at = where("k");
    pthread_t t;

    (void)state;
    fake.head_hangs = true;
    assert_int_equal(pthread_create(&t, NULL, stop_soon, NULL), 0);
    assert_int_equal(s3_head_wait(&fake_s3, scope, &head, &reply), -EINTR);
    assert_int_equal(reply.e.err, -EINTR);
    pthread_join(t, NULL);
    assert_int_equal(fake.heads, 1);

    fake_forget();
    assert_int_equal(s3_head_wait(&fake_s3, scope, &head, &reply), -EINTR);
    assert_int_equal(s3_attributes_wait(&fake_s3, scope, &at, &found), -EINTR);
    assert_int_equal(found.e.err, -EINTR);
    assert_int_equal(fake.calls, 0); /* not begun */
    /* Without a scope nothing stops it. */
    fake_put("k", "k", 1, false);
    assert_int_equal(s3_attributes_wait(&fake_s3, NULL, &at, &found), 0);
}

static void
test_deadline(void **state)
{
    struct s3_head_args head = {.at = where("k"), .etag = "hangs"};

    (void)state;
    fake.head_hangs = true;
    scope_until(scope, net_now_ms() + 30);
    assert_int_equal(s3_head_wait(&fake_s3, scope, &head, &reply), -ETIMEDOUT);
}

enum { WORKERS = 24, CALLS = 50 };
static atomic_uint worked;

static void *
work(void *user)
{
    struct s3_get_args get = {.at = where(user)};
    struct s3_reply r;
    char text[16];
    int i;

    for (i = 0; i < CALLS; i++) {
        memset(text, 0, sizeof(text));
        if (s3_get_into(&fake_s3, scope, &get, text, sizeof(text), &r) != 0 ||
            strcmp(text, user) != 0)
            return NULL;
        worked++;
    }
    return NULL;
}

static void
test_many(void **state)
{
    static char key[WORKERS][16];
    pthread_t t[WORKERS];
    int i;

    (void)state;
    worked = 0;
    for (i = 0; i < WORKERS; i++) {
        snprintf(key[i], sizeof(key[i]), "p/%d", i);
        fake_put(key[i], key[i], strlen(key[i]), false);
    }
    for (i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, work, key[i]), 0);
    for (i = 0; i < WORKERS; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(worked, WORKERS * CALLS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_object, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delete_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_upload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_abort, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
