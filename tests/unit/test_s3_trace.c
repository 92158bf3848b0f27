/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/: what is counted of exchanges, and the lines of trace=.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "s3/call.h"
#include "s3/multipart.h"
#include "s3_fake.h"

static char dir[] = "/tmp/s3zipfs-trace-XXXXXX";
static char path[64];
static struct s3_error answer;

static int
make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/trace", dir);
    return 0;
}

static int
remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

/* ----------------------------------------------------------- histogram */

static void
slots_are_in_order(void **state)
{
    uint32_t ms;

    (void)state;
    for (ms = 0; ms < 5 * 1000 * 1000; ms++) {
        unsigned slot = s3_hist_slot(ms);

        assert_true(slot < HIST_SLOTS);
        if (slot == HIST_SLOTS - 1)
            break; /* all that is longer */
        assert_true(s3_hist_value(slot) >= ms);
        assert_true(s3_hist_value(slot) <= ms + ms / 8);
        assert_true(slot == 0 || s3_hist_value(slot - 1) < ms);
    }
    assert_true(ms > 30 * 60 * 1000);
    assert_int_equal(s3_hist_slot(UINT32_MAX), HIST_SLOTS - 1);
}

static void
percentiles(void **state)
{
    struct s3_hist h;
    uint32_t ms;

    (void)state;
    memset(&h, 0, sizeof(h));
    assert_int_equal(s3_hist_percentile(&h, 50), 0);
    s3_hist_add(&h, 7);
    assert_int_equal(s3_hist_percentile(&h, 50), 7);
    assert_int_equal(s3_hist_percentile(&h, 99), 7);
    memset(&h, 0, sizeof(h));
    for (ms = 1; ms <= 100; ms++)
        s3_hist_add(&h, ms <= 98 ? 5 : 1000);
    assert_int_equal(s3_hist_percentile(&h, 50), 5);
    assert_int_equal(s3_hist_percentile(&h, 98), 5);
    assert_in_range(s3_hist_percentile(&h, 99), 1000, 1125);
}

/* -------------------------------------------------------------- helpers */

static void
on_get(void *user, const struct s3_error *e, const struct s3_object *o)
{
    (void)user;
    (void)o;
    answer = *e;
}

static int
on_data(void *user, const void *p, size_t n)
{
    (void)user;
    (void)p;
    (void)n;
    return 0;
}

static struct s3 *
client(void)
{
    struct s3_conf conf = {.endpoint = "http://127.0.0.1:9", .trace = path};

    unlink(path);
    return fake_client(&conf);
}

static void
get(struct s3 *s, const char *key, size_t key_len, uint64_t first,
    uint64_t length)
{
    struct s3_get_args a = {
        .at = {.bucket = "b", .key = key, .key_len = key_len},
        .first = first,
        .length = length,
        .expect = 1,
        .on_data = on_data,
    };

    s3_get(s, &a, on_get, NULL);
    fake_run();
}

/* Line i of the trace (0 = first), checked to be one JSON object. */
static json_t *
line(size_t i)
{
    FILE *f = fopen(path, "r");
    char *text = NULL;
    size_t cap = 0;
    json_t *j = NULL;

    assert_non_null(f);
    do
        assert_true(getline(&text, &cap, f) > 0);
    while (i-- > 0);
    j = json_loads(text, 0, NULL);
    assert_non_null(j);
    free(text);
    fclose(f);
    return j;
}

static const char *
text_of(json_t *j, const char *name)
{
    const char *s = json_string_value(json_object_get(j, name));

    return s ? s : "(none)";
}

static json_int_t
number_of(json_t *j, const char *name)
{
    assert_true(json_is_integer(json_object_get(j, name)));
    return json_integer_value(json_object_get(j, name));
}

/* ---------------------------------------------------------------- tests */

static void
a_good_get(void **state)
{
    struct s3 *s = client();
    struct stat st;
    json_t *j;

    (void)state;
    fake_add(&(struct fake_answer){
        .status = 206,
        .headers = "content-range: bytes 2-4/10\netag: \"E\"\n"
                   "x-amz-request-id: R1\n",
        .body = "abc",
        .took_ms = 5});
    get(s, "k\"\\\n", 4, 2, 3);
    assert_int_equal(answer.err, 0);
    j = line(0);
    assert_string_equal(text_of(j, "op"), "get");
    assert_string_equal(text_of(j, "bucket"), "b");
    assert_string_equal(text_of(j, "key"), "k\"\\\n");
    assert_string_equal(text_of(j, "range"), "bytes=2-4");
    assert_string_equal(text_of(j, "request_id"), "R1");
    assert_int_equal(number_of(j, "status"), 206);
    assert_int_equal(number_of(j, "attempt"), 1);
    assert_int_equal(number_of(j, "in"), 3);
    assert_int_equal(number_of(j, "out"), 0);
    assert_true(number_of(j, "queue_ms") >= 0);
    assert_null(json_object_get(j, "code"));
    assert_null(json_object_get(j, "part"));
    assert_int_equal(strlen(text_of(j, "time")), 24);
    json_decref(j);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    fake_free(s);
}

static void
a_retry_has_two_lines(void **state)
{
    struct s3 *s = client();
    struct s3_kind_stats k;
    struct s3_stats st;
    json_t *j;

    (void)state;
    fake_say(503, "", "<Error><Code>SlowDown</Code></Error>");
    fake_say(200, "content-length: 1\netag: \"E\"\n", "x");
    get(s, "k", 1, 0, 0);
    assert_int_equal(answer.err, 0);
    j = line(0);
    assert_int_equal(number_of(j, "status"), 503);
    assert_string_equal(text_of(j, "code"), "SlowDown");
    assert_int_equal(number_of(j, "attempt"), 1);
    json_decref(j);
    j = line(1);
    assert_int_equal(number_of(j, "attempt"), 2);
    json_decref(j);
    s3_stats_get(s, &st);
    assert_int_equal(st.get, 2);
    assert_int_equal(st.errors_slow, 1);
    assert_int_equal(st.errors_server, 0);
    assert_int_equal(st.trace_lines, 2);
    assert_int_equal(st.trace_dropped, 0);
    s3_kind_get(s, (unsigned)(S3_COUNTER(get) / sizeof(uint64_t)), &k);
    assert_int_equal(k.errors, 1);
    fake_free(s);
}

static void
network_failures(void **state)
{
    struct s3 *s = client();
    struct s3_stats st;
    json_t *j;

    (void)state;
    fake_add(&(struct fake_answer){.err = -ECONNREFUSED});
    get(s, "k\xff", 2, 0, 0);
    assert_true(answer.err < 0);
    j = line(0);
    assert_int_equal(number_of(j, "status"), 0);
    assert_string_equal(text_of(j, "error"), strerror(ECONNREFUSED));
    assert_string_equal(text_of(j, "key"), "k\\xff"); /* not UTF-8 */
    json_decref(j);
    s3_stats_get(s, &st);
    assert_int_equal(st.errors_network, st.get);
    fake_free(s);
}

static void
on_part(void *user, const struct s3_error *e, const struct s3_part *p)
{
    (void)user;
    (void)p;
    answer = *e;
}

static void
a_copy_names_both_ends(void **state)
{
    struct s3 *s = client();
    struct s3_copy_args a = {
        .at = {.bucket = "b", .key = "out", .key_len = 3},
        .upload_id = "U/1+2",
        .number = 7,
        .source = {.bucket = "src", .key = "a b", .key_len = 3},
        .source_etag = "E",
        .first = 10,
        .length = 90,
        .source_size = 200,
    };
    json_t *j;

    (void)state;
    fake_say(404, "", "<Error><Code>NoSuchUpload</Code></Error>");
    s3_upload_copy(s, &a, on_part, NULL);
    fake_run();
    j = line(0);
    assert_string_equal(text_of(j, "op"), "copy");
    assert_string_equal(text_of(j, "key"), "out");
    assert_string_equal(text_of(j, "upload"), "U/1+2");
    assert_string_equal(text_of(j, "source_range"), "bytes=10-99");
    assert_non_null(strstr(text_of(j, "source"), "src/a%20b"));
    assert_int_equal(number_of(j, "part"), 7);
    assert_string_equal(text_of(j, "code"), "NoSuchUpload");
    json_decref(j);
    fake_free(s);
}

/* A pipe that nobody empties: lines are lost, said and counted, and what
 * is there is whole up to where the pipe was full. */
static void
a_full_pipe_loses_lines(void **state)
{
    struct s3_stats st;
    struct s3 *s;
    char key[1000];
    int fd, i;

    (void)state;
    memset(key, 1, sizeof(key)); /* six bytes each in JSON */
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    s = fake_client(
        &(struct s3_conf){.endpoint = "http://127.0.0.1:9", .trace = path});
    fake_say(200, "content-length: 1\netag: \"E\"\n", "x");
    for (i = 0; i < 60; i++)
        get(s, key, sizeof(key), 0, 0);
    s3_stats_get(s, &st);
    assert_int_equal(st.trace_lines + st.trace_dropped, 60);
    assert_in_range(st.trace_lines, 1, 20); /* 64 KiB of 6 KiB each */
    fake_free(s);
    close(fd);
}

static void
a_file_that_cannot_be(void **state)
{
    struct s3_conf conf = {.endpoint = "http://127.0.0.1:9",
                           .trace = "/nonexistent/trace"};
    struct err e = {0};
    struct s3 *s = NULL;

    (void)state;
    assert_int_equal(s3_new(&s, NULL, NULL, &conf, &e), -ENOENT);
    assert_non_null(strstr(e.text, "/nonexistent/trace"));
    assert_null(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_in_order),
        cmocka_unit_test(percentiles),
        cmocka_unit_test(a_good_get),
        cmocka_unit_test(a_retry_has_two_lines),
        cmocka_unit_test(network_failures),
        cmocka_unit_test(a_copy_names_both_ends),
        cmocka_unit_test(a_full_pipe_loses_lines),
        cmocka_unit_test(a_file_that_cannot_be),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
