/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * fs/: the lines of user.s3zipfs.stats, and the manual's list of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fs/fs_stats.h"

/* Each counter has a value of its own: a row at a wrong place shows. */
static void
fill(struct fs_stats *s)
{
    uint64_t *p = (uint64_t *)(void *)&s->s3;
    size_t i;

    memset(s, 0, sizeof(*s));
    for (i = 0; i < sizeof(s->s3) / sizeof(*p); i++)
        p[i] = 1000 + i;
    s->kind[1] = (struct s3_kind_stats){7, 1, 2, 3, 4};
    s->read.hits = 81;
    s->read.memory_peak = 82;
    s->crc.from_head = 83;
    s->front.memory_limit = 84;
    s->front.uptime_s = 85;
}

static void
expect_line(const struct buf *b, const char *line)
{
    const char *at = strstr(buf_str(b), line);

    if (!at || (at != buf_str(b) && at[-1] != '\n') ||
        at[strlen(line)] != '\n')
        fail_msg("no line %s in\n%s", line, buf_str(b));
}

static void
every_line(void **state)
{
    CLEANUP_BUF struct buf b = BUF_INIT(61440);
    char line[80];
    struct fs_stats s;
    unsigned i;

    (void)state;
    fill(&s);
    assert_int_equal(fs_stats_text(&b, &s), 0);
    for (i = 0; i < S3_KINDS; i++) {
        snprintf(line, sizeof(line), "%s: %u", s3_kind_name(i), 1000 + i);
        expect_line(&b, line);
    }
    snprintf(line, sizeof(line), "retries: %u", 1000 + S3_KINDS);
    expect_line(&b, line);
    expect_line(&b, "hits: 81");
    expect_line(&b, "memory_peak: 82");
    expect_line(&b, "crc_from_head: 83");
    expect_line(&b, "memory_limit: 84");
    expect_line(&b, "uptime: 85");
    expect_line(&b, "get_errors: 7");
    expect_line(&b, "get_first_ms_p50: 1");
    expect_line(&b, "get_first_ms_p99: 2");
    expect_line(&b, "get_total_ms_p50: 3");
    expect_line(&b, "get_total_ms_p99: 4");
}

/* Kinds that were never sent have no latency. */
static void
unused_kinds_are_silent(void **state)
{
    CLEANUP_BUF struct buf b = BUF_INIT(61440);
    struct fs_stats s;

    (void)state;
    memset(&s, 0, sizeof(s));
    assert_int_equal(fs_stats_text(&b, &s), 0);
    assert_null(strstr(buf_str(&b), "_ms_"));
    expect_line(&b, "copy: 0");
}

/* All names of the text are in the manual, and none is there twice. */
static void
the_manual_has_them_all(void **state)
{
    CLEANUP_BUF struct buf b = BUF_INIT(61440);
    CLEANUP_BUF struct buf pod = BUF_INIT(61440);
    char *line, *next = NULL;
    struct fs_stats s;

    (void)state;
    memset(&s, 0, sizeof(s));
    assert_int_equal(fs_stats_text(&b, &s), 0);
    assert_int_equal(fs_stats_pod(&pod), 0);
    for (line = strtok_r(b.data, "\n", &next); line;
         line = strtok_r(NULL, "\n", &next)) {
        char item[100];
        char *at;

        snprintf(item, sizeof(item), "=item B<%.*s>\n",
                 (int)strcspn(line, ":"), line);
        at = strstr(pod.data, item);
        if (!at || strstr(at + 1, item))
            fail_msg("%s", item);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line),
        cmocka_unit_test(unused_kinds_are_silent),
        cmocka_unit_test(the_manual_has_them_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
