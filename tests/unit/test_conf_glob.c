/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * include= and exclude=: patterns by table, against fnmatch, and which
 * list wins.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fnmatch.h>
#include <string.h>

#include "base/check.h"
#include "conf/internal.h"

static void
table(void **state)
{
    static const struct {
        const char *pattern, *key;
        bool match;
    } rows[] = {
        {"a", "a", true},
        {"a", "b", false},
        {"a", "a/b", false},
        {"*", "a", true},
        {"*", "a/b", false},
        {"*", "", true},
        {"*.txt", "x.txt", true},
        {"*.txt", ".txt", true},
        {"*.txt", "d/x.txt", false},
        {"**.txt", "d/e/x.txt", true},
        {"**", "any/thing", true},
        {"**", "", true},
        {"**/x", "x", true},
        {"**/x", "a/x", true},
        {"**/x", "a/b/x", true},
        {"**/x", "ax", false},
        {"**/x", "a/bx", false},
        {"a/**/b", "a/b", true},
        {"a/**/b", "a/x/y/b", true},
        {"a/**/b", "a/xb", false},
        {"tmp/**", "tmp/a/b", true},
        {"tmp/**", "tmp/", true},
        {"tmp/**", "tmp", false},
        {"a*b*c/d*e", "aXbYc/dZe", true},
        {"a*b*c/d*e", "aXbYc/dZeZ", false},
        {"**/*.log", "a/b.log", true},
        {"**/*.log", "a/b.log/c", false},
        {"**/a*b/**/c", "x/aab/y/z/c", true},
        {"x**y*z/w", "x/1/y2z/w", true},
        {"?", "/", false},
        {"?", "\xc3\xa4", true},
        {"??", "\xc3\xa4", false},
        {"[a-c]x", "bx", true},
        {"[!a-c]x", "bx", false},
        {"[^a-c]x", "dx", true},
        {"[]]x", "]x", true},
        {"[a", "[a", true},
        {"a[!b]c", "a/c", false},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"[\\]]", "]", true},
        {"a\\", "a\\", true},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++)
        if (conf_glob(rows[i].pattern, rows[i].key) != rows[i].match)
            fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].key);
}

/* Without "**" the C library has the same opinion. */
static void
as_fnmatch(void **state)
{
    static const char letters[] = "ab/*?a[b]/-";
    uint64_t seed = 1;
    int i, matches = 0;

    (void)state;
    for (i = 0; i < 300000; i++) {
        char pattern[9], key[9];
        size_t k, n, m;
        bool same;

        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        n = seed >> 40 & 7;
        m = seed >> 50 & 7;
        for (k = 0; k < n; k++)
            pattern[k] = letters[(seed >> (3 * k + 7)) % 11];
        for (k = 0; k < m; k++)
            key[k] = letters[(seed >> (3 * k + 17)) % 3];
        pattern[n] = key[m] = '\0';
        if (strstr(pattern, "**") || strchr(pattern, '['))
            continue;
        same = fnmatch(pattern, key, FNM_PATHNAME) == 0;
        matches += same;
        if (conf_glob(pattern, key) != same)
            fail_msg("'%s' and '%s'", pattern, key);
    }
    assert_true(matches > 100);
}

static void
no_explosion(void **state)
{
    char key[1025], pattern[200] = "";
    int i;

    (void)state;
    memset(key, 'a', 1024);
    key[1024] = '\0';
    for (i = 0; i < 40; i++)
        strcat(pattern, "*a**");
    strcat(pattern, "b");
    assert_false(conf_glob(pattern, key));
}

static void
which_wins(void **state)
{
    struct conf c;

    (void)state;
    assert_int_equal(conf_init(&c), 0);
    assert_true(conf_member_wanted(&c, "x/y"));
    assert_int_equal(conf_set(&c, "exclude", "*.tmp", NULL), 0);
    assert_true(conf_member_wanted(&c, "a.txt"));
    assert_false(conf_member_wanted(&c, "a.tmp"));
    assert_int_equal(conf_set(&c, "include", "a*", NULL), 0);
    assert_int_equal(conf_set(&c, "include", "d/**", NULL), 0);
    assert_true(conf_member_wanted(&c, "a.txt"));
    assert_true(conf_member_wanted(&c, "d/e/f"));
    assert_false(conf_member_wanted(&c, "b.txt"));
    assert_false(conf_member_wanted(&c, "a.tmp"));
    conf_free(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(as_fnmatch),
        cmocka_unit_test(no_explosion),
        cmocka_unit_test(which_wins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
