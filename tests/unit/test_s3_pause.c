/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/: the answer of a GET that is paused: nothing comes until s3_resume,
 * then each byte once; and its end while it waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "s3_fake.h"

static struct got {
    unsigned answers, objects, calls;
    int err;
    char data[40];
    size_t n;
    unsigned pauses;  /* so many calls of on_data are not taken */
    struct s3 *early; /* resume within on_data */
} got;

static void
on_object(void *user, const struct s3_object *o)
{
    (void)user;
    assert_int_equal(o->size, 9);
    got.objects++;
}

static int
on_data(void *user, const void *p, size_t n)
{
    (void)user;
    got.calls++;
    if (got.pauses > 0) {
        got.pauses--;
        if (got.early)
            s3_resume(got.early, 1);
        return NET_PAUSE;
    }
    assert_true(got.n + n < sizeof(got.data));
    memcpy(got.data + got.n, p, n);
    got.n += n;
    return 0;
}

static void
on_answer(void *user, const struct s3_error *e, const struct s3_object *o)
{
    (void)user, (void)o;
    got.answers++;
    got.err = e->err;
}

#define HEAD "content-length: 9\netag: \"E\"\n"

static s3_id
get(struct s3 *s, unsigned pauses)
{
    struct s3_get_args a = {.at = {.bucket = "b", .key = "k", .key_len = 1},
                            .etag = "E",
                            .expect = 9,
                            .on_object = on_object,
                            .on_data = on_data};

    got = (struct got){.pauses = pauses};
    return s3_get(s, &a, on_answer, NULL);
}

static void
check_whole(void)
{
    assert_int_equal(got.answers, 1);
    assert_int_equal(got.objects, 1);
    assert_int_equal(got.err, 0);
    assert_int_equal(got.n, 9);
    assert_string_equal(got.data, "123456789");
}

static void
test_resume(void **state)
{
    struct s3 *s = fake_client(NULL);
    unsigned pauses = 3;
    s3_id id;

    (void)state;
    fake_say(200, HEAD, "123456789");
    id = get(s, pauses);
    for (; pauses > 0; pauses--) {
        fake_run_for(3600000); /* it may take long */
        assert_int_equal(fake_exchanges(), 1);
        assert_int_equal(got.answers, 0);
        assert_int_equal(got.objects, 1);
        assert_int_equal(got.n, 0);
        assert_int_equal(got.calls, 4 - pauses);
        s3_resume(s, id);
        assert_int_equal(got.calls, 4 - pauses); /* nothing inside it */
    }
    fake_run();
    check_whole();
    s3_resume(s, id); /* one too many */
    fake_run();
    check_whole();
    assert_int_equal(fake.requests, 1);
    fake_free(s);
}

/* Of another call, or of none: nothing goes on. */
static void
test_other_ids(void **state)
{
    struct s3 *s = fake_client(NULL);
    s3_id id;

    (void)state;
    fake_say(200, HEAD, "123456789");
    id = get(s, 1);
    s3_resume(s, 0);
    s3_resume(s, id + 1);
    fake_run();
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.answers, 0);
    s3_resume(s, id);
    fake_run();
    check_whole();
    fake_free(s);
}

/* While the pause is on its way to net. */
static void
test_early(void **state)
{
    struct s3 *s = fake_client(NULL);
    struct s3_get_args a = {.at = {.bucket = "b", .key = "k", .key_len = 1},
                            .etag = "E",
                            .expect = 9,
                            .on_object = on_object,
                            .on_data = on_data};

    (void)state;
    fake_say(200, HEAD, "123456789");
    got = (struct got){.pauses = 1, .early = s};
    assert_int_equal(s3_get(s, &a, on_answer, NULL), 1);
    fake_run();
    check_whole();
    fake_free(s);
}

static void
test_cancel(void **state)
{
    struct s3 *s = fake_client(NULL);
    s3_id id;

    (void)state;
    fake_say(200, HEAD, "123456789");
    id = get(s, 1);
    fake_run_for(0);
    assert_int_equal(fake_exchanges(), 1);
    s3_cancel(s, id);
    fake_run();
    assert_int_equal(got.answers, 1);
    assert_int_equal(got.err, -ECANCELED);
    assert_int_equal(got.n, 0);
    assert_int_equal(got.calls, 1);
    s3_resume(s, id);
    fake_run();
    assert_int_equal(got.answers, 1);
    assert_int_equal(fake.requests, 1);
    fake_free(s);
}

/* The answer was cut: what was given before the pause is not asked again. */
static void
test_cut(void **state)
{
    struct s3 *s = fake_client(NULL);
    s3_id id;

    (void)state;
    fake_add(&(struct fake_answer){.err = -ECONNRESET,
                                   .status = 200,
                                   .headers = HEAD,
                                   .body = "123456789",
                                   .cut = 4});
    fake_say(206,
             "content-length: 5\ncontent-range: bytes 4-8/9\netag: \"E\"\n",
             "56789");
    id = get(s, 1);
    fake_run_for(0);
    s3_resume(s, id);
    fake_run();
    assert_int_equal(got.answers, 1);
    assert_int_equal(got.err, 0);
    assert_string_equal(got.data, "123456789");
    assert_int_equal(fake.requests, 2);
    assert_true(fake_sent(1, "range: bytes=4-8"));
    fake_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume), cmocka_unit_test(test_other_ids),
        cmocka_unit_test(test_early),  cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
