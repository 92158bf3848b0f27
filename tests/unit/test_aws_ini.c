/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * aws/: the INI dialect, words, times and URLs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_priv.h"
#include "base/check.h"

static const char text[] = "# a comment\n"
                           "\n"
                           "[default]\n"
                           "Region = eu-west-1 ; not a comment\n"
                           "aws_access_key_id=AK=ID\r\n"
                           "colon : value\n"
                           "  ; a comment in between\n"
                           "s3 =\n"
                           "  addressing_style = path\n"
                           "# here too\n"
                           "  Max = 5\n"
                           "\n"
                           "  other=a=b\n"
                           "empty =\n"
                           "[profile \"with space\"]\n"
                           "long = one\n"
                           "   two\n"
                           "  [three]\n"
                           "next = x\n"
                           "[services here]\n"
                           "s3 =\n"
                           "  endpoint_url = http://127.0.0.1:1\n"
                           "[default]\n"
                           "region = us-east-2\n"
                           "last = line";

static void
test_parse(void **state)
{
    struct ini ini = {0};
    struct err e = {0};
    const struct ini_section *s;

    (void)state;
    assert_int_equal(ini_parse(&ini, text, sizeof(text) - 1, "f", &e), 0);
    assert_int_equal(ini.count, 3);
    s = ini_section(&ini, "default");
    assert_string_equal(ini_get(s, "region"), "us-east-2");
    assert_string_equal(ini_get(s, "aws_access_key_id"), "AK=ID");
    assert_string_equal(ini_get(s, "colon"), "value");
    assert_string_equal(ini_get(s, "empty"), "");
    assert_string_equal(ini_get(s, "last"), "line");
    assert_string_equal(ini_get_nested(s, "s3", "addressing_style"), "path");
    assert_string_equal(ini_get_nested(s, "s3", "Max"), "5");
    assert_string_equal(ini_get_nested(s, "s3", "other"), "a=b");
    assert_null(ini_get(s, "addressing_style"));
    assert_null(ini_get(s, "missing"));
    assert_null(ini_section(&ini, "with space"));
    s = ini_section(&ini, "profile \"with space\"");
    assert_string_equal(ini_get(s, "long"), "one\ntwo\n[three]");
    assert_string_equal(ini_get(s, "next"), "x");
    ini_free(&ini);
}

static void
test_inline_semicolon(void **state)
{
    struct ini ini = {0};
    const char *one = "[a]\nx = 1 # 2\n";

    (void)state;
    assert_int_equal(ini_parse(&ini, one, strlen(one), "f", NULL), 0);
    assert_string_equal(ini_get(ini_section(&ini, "a"), "x"), "1 # 2");
    ini_free(&ini);
}

static void
test_malformed(void **state)
{
    static const char *const bad[] = {
        "x = 1\n",    "[a]\nno option\n",
        "[a]\n= 1\n", "[a]\ns3 =\n  no equals\n",
        "[]\n",
    };
    struct err e = {0};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(bad); i++) {
        struct ini ini = {0};

        assert_int_equal(ini_parse(&ini, bad[i], strlen(bad[i]), "FILE", &e),
                         -EINVAL);
        assert_non_null(strstr(e.text, "FILE"));
        ini_free(&ini);
    }
}

static void
test_words(void **state)
{
    static const char *const want[] = {"a", "b c", "d\"e", "f g",
                                       "",  "\\h", "i'j"};
    char **words;
    size_t i;

    (void)state;
    assert_int_equal(
        words_split(" a 'b c' \"d\\\"e\"  f\\ g '' \"\\h\" i\"'\"j ", &words),
        0);
    for (i = 0; i < ARRAY_SIZE(want); i++) {
        assert_non_null(words[i]);
        assert_string_equal(words[i], want[i]);
    }
    assert_null(words[i]);
    words_free(words);
    assert_int_equal(words_split("a 'b", &words), -EINVAL);
    assert_int_equal(words_split("a\\", &words), -EINVAL);
    assert_int_equal(words_split("  ", &words), 0);
    assert_null(words[0]);
    words_free(words);
}

static void
test_time(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } cases[] = {
        {"2015-08-30T12:36:00Z", 1440938160},
        {"2015-08-30T12:36:00.123456Z", 1440938160},
        {"2015-08-30T14:36:00+02:00", 1440938160},
        {"2015-08-30T05:36:00-0700", 1440938160},
        {"2015-08-30 12:36:00", 1440938160},
        {"2015-08-30T12:36:00+00:00", 1440938160},
    };
    static const char *const bad[] = {"",
                                      "2015-08-30",
                                      "tomorrow",
                                      "2015-08-30T12:36:00X",
                                      "2015-08-30T12:36:00+1",
                                      "2015-08-30T12:36:00Z "};
    int64_t v;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(parse_time(cases[i].text, &v), 0);
        assert_true(v == cases[i].value);
    }
    for (i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(parse_time(bad[i], &v), -EINVAL);
}

static void
test_url(void **state)
{
    static const char *const bad[] = {
        "ftp://h/",         "http://",
        "http://user@h/",   "http://127.0.0.1@evil/",
        "http://h\\@evil/", "http://[::1/",
        "http://[::1]x/",   "//h/",
        "http://:80/",      "http://h h/",
    };
    struct url u;
    size_t i;

    (void)state;
    assert_int_equal(parse_url("http://127.0.0.1:80/a?b", &u), 0);
    assert_false(u.https);
    assert_string_equal(u.host, "127.0.0.1");
    assert_string_equal(u.authority, "127.0.0.1:80");
    assert_string_equal(u.path, "/a?b");
    assert_int_equal(parse_url("HTTPS://[fd00:ec2::23]:8", &u), 0);
    assert_true(u.https);
    assert_string_equal(u.host, "fd00:ec2::23");
    assert_string_equal(u.path, "");
    for (i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(parse_url(bad[i], &u), -EINVAL);
    assert_true(host_is_loopback("127.3.2.1"));
    assert_true(host_is_loopback("::1"));
    assert_false(host_is_loopback("128.0.0.1"));
    assert_false(host_is_loopback("127.0.0.1.example.com"));
    assert_false(host_is_loopback("127.1"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse), cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_words), cmocka_unit_test(test_time),
        cmocka_unit_test(test_url),   cmocka_unit_test(test_inline_semicolon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
