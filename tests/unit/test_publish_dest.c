/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Where a publish may go, and how a job looks in words.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "publish_case.h"

static struct publish_case c;

static int
parse(const char *value, const char *bucket, const char *key)
{
    struct publish_dest d = {NULL, NULL};
    struct err e = {0};
    int r;

    r = publish_dest_parse(c.p, c.l, value, strlen(value), &d, &e);
    if (r < 0) {
        assert_int_equal(e.num, -r);
        assert_null(d.bucket);
    } else {
        assert_string_equal(d.bucket, bucket);
        assert_string_equal(d.key, key);
    }
    publish_dest_free(&d);
    return r;
}

static void
add(struct conf_list *list, const char *item)
{
    list->item = realloc(list->item, (list->count + 1) * sizeof(char *));
    list->item[list->count++] = strdup(item);
}

static void
test_forms(void **state)
{
    struct publish_dest d;

    (void)state;
    case_start(&c, 1, 2, 0);
    assert_int_equal(parse("", "b", "p/archive.zip"), 0);
    assert_int_equal(parse("/out.zip", "b", "out.zip"), 0);
    assert_int_equal(parse("s3://other/p/x.zip", "other", "p/x.zip"), 0);
    assert_int_equal(parse("/p/archive.zip", "b", "p/archive.zip"), 0);
    assert_int_equal(parse("out.zip", "", ""), -EINVAL);
    assert_int_equal(parse("s3://b", "", ""), -EINVAL);
    assert_int_equal(parse("s3://b/", "", ""), -EINVAL);
    assert_int_equal(parse("s3://b/dir/", "", ""), -EINVAL);
    assert_int_equal(parse("/\xff", "", ""), -EINVAL);
    assert_int_equal(publish_dest_parse(c.p, c.l, "/a\0b", 4, &d, NULL),
                     -EINVAL);
    case_stop(&c);
}

static void
test_long_key(void **state)
{
    char value[1100] = "/";

    (void)state;
    case_start(&c, 1, 2, 0);
    memset(value + 1, 'k', 1024);
    assert_int_equal(parse(value, "b", value + 1), 0);
    value[1025] = 'k';
    assert_int_equal(parse(value, "", ""), -EINVAL);
    case_stop(&c);
}

static void
test_not_among_its_members(void **state)
{
    (void)state;
    case_start(&c, 1, 2, 0);
    assert_int_equal(parse("/p/other.zip", "", ""), -EINVAL);
    assert_int_equal(parse("/p/sub/archive.zip", "", ""), -EINVAL);
    assert_int_equal(parse("/px.zip", "b", "px.zip"), 0);
    add(&c.conf.exclude, "p/out/**");
    assert_int_equal(parse("/p/out/a.zip", "b", "p/out/a.zip"), 0);
    assert_int_equal(parse("/p/in/a.zip", "", ""), -EINVAL);
    case_stop(&c);
}

static void
test_bounds(void **state)
{
    (void)state;
    case_start(&c, 1, 2, 0);
    c.conf.publish = CONF_PUBLISH_ALL;
    assert_int_equal(parse("/out.zip", "", ""), -EPERM);
    add(&c.conf.publish_to, "s3://b/out");
    add(&c.conf.publish_to, "s3://c");
    assert_int_equal(parse("/out/a.zip", "b", "out/a.zip"), 0);
    assert_int_equal(parse("s3://c/a.zip", "c", "a.zip"), 0);
    assert_int_equal(parse("/outer.zip", "", ""), -EPERM);
    assert_int_equal(parse("", "", ""), -EPERM);
    assert_int_equal(parse("s3://d/out/a.zip", "", ""), -EPERM);
    c.conf.publish = CONF_PUBLISH_OFF;
    assert_int_equal(parse("/out/a.zip", "", ""), -EPERM);
    case_stop(&c);
}

/* -------------------------------------------------------------- status */

static struct publish_status
sample(void)
{
    struct publish_status s = {
        .state = PUBLISH_RUNNING,
        .dest = "s3://b/out.zip",
        .parts = 10,
        .parts_done = 4,
        .bytes = 1000,
        .work = 2000,
        .work_done = 500,
        .started_ms = 1000,
        .now_ms = 3000,
        .verified = "",
    };

    return s;
}

static void
test_text(void **state)
{
    struct buf b = BUF_INIT(60000);
    struct publish_status s = sample();

    (void)state;
    assert_int_equal(publish_status_text(&b, &s), 0);
    assert_memory_equal(buf_str(&b), "state: running\n", 15);
    assert_non_null(strstr(buf_str(&b), "\nparts_done: 4\n"));
    assert_non_null(strstr(buf_str(&b), "\neta: 6\n"));
    assert_null(strstr(buf_str(&b), "error"));
    buf_reset(&b);
    s.state = PUBLISH_FAILED;
    err_set(&s.err, EIO, "it broke");
    strcpy(s.error.code, "SlowDown");
    assert_int_equal(publish_status_text(&b, &s), 0);
    assert_non_null(strstr(buf_str(&b), "\nerror: EIO: it broke\n"));
    assert_non_null(strstr(buf_str(&b), "\ns3_code: SlowDown\n"));
    assert_null(strstr(buf_str(&b), "eta"));
    buf_reset(&b);
    s = (struct publish_status){.verified = ""};
    assert_int_equal(publish_status_text(&b, &s), 0);
    assert_string_equal(buf_str(&b), "state: none\n");
    buf_free(&b);
}

static void
test_json(void **state)
{
    struct buf b = BUF_INIT(60000);
    struct publish_status s = sample();
    json_t *o;

    (void)state;
    s.state = PUBLISH_DONE;
    s.have_crc32 = true;
    s.crc32 = 0xabc;
    s.verified = "store-crc";
    assert_int_equal(publish_status_json(&b, &s), 0);
    o = json_loads(buf_str(&b), 0, NULL);
    assert_non_null(o);
    assert_string_equal(json_string_value(json_object_get(o, "state")),
                        "done");
    assert_string_equal(json_string_value(json_object_get(o, "crc32")),
                        "00000abc");
    assert_int_equal(json_integer_value(json_object_get(o, "bytes")), 1000);
    assert_true(json_is_false(json_object_get(o, "noop")));
    json_decref(o);
    buf_free(&b);
}

static void
test_line_and_pod(void **state)
{
    struct buf b = BUF_INIT(60000);
    struct publish_status s = sample();

    (void)state;
    assert_int_equal(publish_status_line(&b, &s), 0);
    assert_memory_equal(buf_str(&b), "job: running s3://b/out.zip", 27);
    assert_int_equal(b.data[b.len - 1], '\n');
    assert_ptr_equal(strchr(buf_str(&b), '\n'), b.data + b.len - 1);
    buf_reset(&b);
    assert_int_equal(publish_status_pod(&b), 0);
    assert_non_null(strstr(buf_str(&b), "=item B<verified>"));
    buf_free(&b);
}

static void
test_errno(void **state)
{
    (void)state;
    assert_int_equal(publish_errno(0), 0);
    assert_int_equal(publish_errno(-ESTALE), -ECANCELED);
    assert_int_equal(publish_errno(-ENOSYS), -EIO);
    assert_int_equal(publish_errno(-EAGAIN), -EIO);
    assert_int_equal(publish_errno(-EINPROGRESS), -EIO);
    assert_int_equal(publish_errno(-ENETUNREACH), -EHOSTUNREACH);
    assert_int_equal(publish_errno(-EACCES), -EACCES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_long_key),
        cmocka_unit_test(test_not_among_its_members),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_line_and_pod),
        cmocka_unit_test(test_errno),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
