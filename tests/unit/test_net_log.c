/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * net/: log lines, their levels and their shape in a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/net.h"

static int evaluated;

static int
evaluate(void)
{
    return ++evaluated;
}

static void
test_file(void **state)
{
    char path[] = "/tmp/s3zipfs-test-log-XXXXXX", text[16384], big[8000];
    int fd = mkstemp(path);
    struct err e = {0};
    ssize_t n;

    (void)state;
    assert_true(fd >= 0);
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    assert_int_equal(log_open(LOG_INFO, path, &e), 0);
    errno = ENOENT;
    log_info("one %d\ntwo\x1b[1m", 1);
    assert_int_equal(errno, ENOENT);
    log_debug("never %d", evaluate());
    log_error("%s", big);
    log_close();
    n = read(fd, text, sizeof(text) - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, ": info: one 1 two [1m\n"));
    assert_non_null(strstr(text, ": error: xxxxx"));
    assert_null(strstr(text, "never"));
    assert_int_equal(evaluated, 0);
    assert_int_equal(text[0], '2');
    assert_int_equal(text[10], 'T');
    assert_int_equal(text[23], 'Z');
    assert_int_equal(text[n - 1], '\n');
    assert_true(n < 6000);
    close(fd);
    unlink(path);
}

static void
test_no_file(void **state)
{
    struct err e = {0};

    (void)state;
    assert_int_equal(log_open(LOG_INFO, "/nonexistent/dir/log", &e), -ENOENT);
    assert_non_null(strstr(e.text, "/nonexistent/dir/log"));
    assert_true(log_on(LOG_ERROR));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
