/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Options: defaults, values, errors, lists, command lines, URLs, help.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "conf/internal.h"

static void
defaults(void **state)
{
    struct conf c;

    (void)state;
    setenv("XDG_CACHE_HOME", "/x", 1);
    assert_int_equal(conf_init(&c), 0);
    assert_string_equal(c.name, "archive.zip");
    assert_int_equal(c.ttl, 60);
    assert_int_equal(c.max_entries, 1000000);
    assert_int_equal(c.memory, MIB(128));
    assert_int_equal(c.connections, 96);
    assert_int_equal(c.layout, 1);
    assert_int_equal(c.path_style, CONF_AUTO);
    assert_int_equal(c.read_ahead, CONF_AUTO);
    assert_int_equal(c.order, CONF_ORDER_PLAN);
    assert_int_equal(c.publish, CONF_PUBLISH_OWNER);
    assert_int_equal(c.publish_strategy, 0);
    assert_int_equal(c.log, 1);
    assert_null(c.region);
    assert_false(c.overwrite);
    assert_string_equal(c.cache_dir, "/x/s3zipfs");
    conf_free(&c);
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", "/h", 1);
    assert_int_equal(conf_init(&c), 0);
    assert_string_equal(c.cache_dir, "/h/.cache/s3zipfs");
    conf_free(&c);
    unsetenv("HOME");
    assert_int_equal(conf_init(&c), 0);
    assert_string_equal(c.cache_dir, "/var/cache/s3zipfs");
    conf_free(&c);
}

/* Every option takes a good value under either spelling. */
static void
every_option(void **state)
{
    const struct option *o;
    struct conf c;

    (void)state;
    assert_int_equal(conf_init(&c), 0);
    for (o = option_table; o->name; o++) {
        const char *value = "x";
        struct err e = {0};
        char name[64], word[64], *p;

        strcpy(name, o->name);
        for (p = name; *p; p++)
            *p = *p == '_' ? '-' : *p;
        if (o->initial)
            value = o->initial;
        else if (o->type == TYPE_URLS)
            value = "s3://b/c";
        else if (o->type == TYPE_BOOL)
            value = NULL;
        else if (o->type >= TYPE_UID)
            value = "22";
        if (conf_set(&c, o->name, value, &e) != 0 ||
            conf_set(&c, name, value, &e) != 0)
            fail_msg("%s: %s", o->name, e.text);
        for (p = (char *)o->words; p && *p; p += *p == '/') {
            size_t n = strcspn(p, "/");

            memcpy(word, p, n);
            word[n] = '\0';
            assert_int_equal(conf_set(&c, o->name, word, NULL), 0);
            p += n;
        }
    }
    assert_int_equal(c.umask, 022);
    assert_int_equal(c.uid, 22);
    assert_true(c.have_uid && c.have_gid && c.have_umask && c.overwrite);
    assert_int_equal(c.log, 3);
    assert_int_equal(c.publish_strategy, CONF_STRATEGY_AUTO);
    assert_int_equal(c.badkeys, CONF_BADKEYS_ESCAPE);
    conf_free(&c);
}

static void
refused(void **state)
{
    static const struct {
        const char *name, *value, *text;
    } rows[] = {
        {"regoin", "x", "unknown option 'regoin' (did you mean 'region'?)"},
        {"twins", "off", "unknown option 'twins' (did you mean 'twin'?)"},
        {"twin", "on", "twin: 'on' is none of auto/off"},
        {"qqqqqqqq", NULL, "unknown option 'qqqqqqqq'"},
        {"ttl", "soon", "ttl: not a number: 'soon'"},
        {"ttl", NULL, "ttl: needs a value"},
        {"ttl", "", "ttl: not a number: ''"},
        {"ttl", "99999999999", "ttl: not in 0..1073741824: 99999999999"},
        {"layout", "2", "layout: not in 1..1: 2"},
        {"memory", "1", "memory: not in 16777216..1099511627776: 1"},
        {"memory", "lots", "memory: not a size: 'lots'"},
        {"order", "size", "order: 'size' is none of plan/key"},
        {"order", "", "order: '' is none of plan/key"},
        {"order", "pla", "order: 'pla' is none of plan/key"},
        {"order", "plan/key", "order: 'plan/key' is none of plan/key"},
        {"publish_strategy", "mixed",
         "publish_strategy: 'mixed' is none of "
         "duo/stream/stitch/chain/again/auto"},
        {"overwrite", "auto", "overwrite: neither yes nor no: 'auto'"},
        {"path_style", "maybe", "path_style: not yes, no or auto: 'maybe'"},
        {"name", "a/b", "name: not a file name: 'a/b'"},
        {"name", "..", "name: not a file name: '..'"},
        {"uid", "root", "uid: not a numeric id: 'root'"},
        {"umask", "9", "umask: not an octal mask: '9'"},
        {"publish_to", "bucket/x",
         "publish_to: not s3://BUCKET[/KEY]: 'bucket/x'"},
        {"ttl", "\x1b[0m", "ttl: not a number: '\\x1b[0m'"},
    };
    struct conf c;
    size_t i;

    (void)state;
    assert_int_equal(conf_init(&c), 0);
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        struct err e = {0};

        assert_int_equal(conf_set(&c, rows[i].name, rows[i].value, &e),
                         -EINVAL);
        assert_string_equal(e.text, rows[i].text);
    }
    assert_int_equal(c.ttl, 60);
    assert_int_equal(c.order, CONF_ORDER_PLAN);
    conf_free(&c);
}

static void
lists(void **state)
{
    struct conf c;
    struct err e = {0};

    (void)state;
    assert_int_equal(conf_init(&c), 0);
    assert_int_equal(
        conf_set_list(&c,
                      "rw,,_netdev,x-systemd.automount,noatime,"
                      "region=eu-west-1,include=a\\,b,include=c\\\\d,"
                      "allow_other,ttl=5,nofail,exclude=x=y",
                      &e),
        0);
    assert_string_equal(c.region, "eu-west-1");
    assert_int_equal(c.include.count, 2);
    assert_string_equal(c.include.item[0], "a,b");
    assert_string_equal(c.include.item[1], "c\\d");
    assert_string_equal(c.exclude.item[0], "x=y");
    assert_true(c.allow_other);
    assert_int_equal(c.ttl, 5);
    assert_false(c.ro);
    assert_int_equal(conf_set_list(&c, "ro,region=", &e), 0);
    assert_true(c.ro);
    assert_null(c.region);
    assert_int_equal(conf_set_list(&c, "ro,nosuch", &e), -EINVAL);
    conf_free(&c);
}

static void
command_line(void **state)
{
    const char *words[] = {
        "prog",          "-o",   "ttl=7,ro",     "s3://b/p",
        "--max-entries", "10",   "--order=key",  "--strategy",
        "stream",        "-fvn", "--path-style", "mnt",
        "--read-ahead",  "no",   "--json",       "-Rx",
        "--range",       "y",    "-oregion=r",   "--",
        "--x",           NULL};
    char *argv[ARRAY_SIZE(words)];
    int argc = ARRAY_SIZE(words) - 1;
    const char *range = NULL, *upper = NULL;
    bool json = false;
    const struct conf_flag flags[] = {
        {"json", 'j', NULL, &json, "", NULL},
        {"range", 'r', &range, NULL, "", NULL},
        {"upper", 'R', &upper, NULL, "", NULL},
        {NULL, 0, NULL, NULL, NULL, NULL},
    };
    struct conf c;
    struct err e = {0};

    (void)state;
    memcpy(argv, words, sizeof(argv));
    assert_int_equal(conf_init(&c), 0);
    assert_int_equal(conf_parse(&c, flags, &argc, argv, &e), 0);
    assert_int_equal(argc, 4);
    assert_string_equal(argv[0], "prog");
    assert_string_equal(argv[1], "s3://b/p");
    assert_string_equal(argv[2], "mnt");
    assert_string_equal(argv[3], "--x");
    assert_null(argv[4]);
    assert_int_equal(c.ttl, 7);
    assert_true(c.ro && c.foreground && json);
    assert_int_equal(c.max_entries, 10);
    assert_int_equal(c.order, CONF_ORDER_KEY);
    assert_int_equal(c.publish_strategy, 1);
    assert_int_equal(c.path_style, CONF_YES);
    assert_int_equal(c.read_ahead, CONF_NO);
    assert_string_equal(range, "y");
    assert_string_equal(upper, "x");
    assert_string_equal(c.region, "r");
    conf_free(&c);
}

static void
bad_command_lines(void **state)
{
    static const struct {
        const char *arg, *text;
    } rows[] = {
        {"--jsno", "unknown option 'jsno' (did you mean 'json'?)"},
        {"--json=1", "--json takes no value"},
        {"--range", "--range needs a value"},
        {"-o", "-o needs a value"},
        {"-z", "unknown option '-z'"},
        {"--ttl", "ttl: needs a value"},
        {"-opublish=all", "publish=all needs publish_to"},
    };
    const char *range = NULL;
    bool json = false;
    const struct conf_flag flags[] = {
        {"json", 'j', NULL, &json, "", NULL},
        {"range", 'r', &range, NULL, "", NULL},
        {NULL, 0, NULL, NULL, NULL, NULL},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        char prog[] = "prog";
        char *argv[] = {prog, (char *)rows[i].arg, NULL};
        int argc = 2;
        struct err e = {0};
        struct conf c;

        assert_int_equal(conf_init(&c), 0);
        assert_int_equal(conf_parse(&c, flags, &argc, argv, &e), -EINVAL);
        assert_string_equal(e.text, rows[i].text);
        conf_free(&c);
    }
}

static void
urls(void **state)
{
    static const struct {
        const char *url, *base, *bucket, *key;
    } rows[] = {
        {"s3://b", NULL, "b", ""},
        {"s3://b/", NULL, "b", ""},
        {"s3://b/x", NULL, "b", "x"},
        {"S3://My_Bucket.x/x//y/", NULL, "My_Bucket.x", "x//y/"},
        {"/k", "d", "d", "k"},
        {"s3://b//k", "d", "b", "/k"},
        {"/k", NULL, NULL, NULL},
        {"k", "d", NULL, NULL},
        {"s3://", NULL, NULL, NULL},
        {"s3:///k", NULL, NULL, NULL},
        {"s3://a b/k", NULL, NULL, NULL},
        {"s3://../k", NULL, NULL, NULL},
        {"http://b/k", NULL, NULL, NULL},
        {"", "d", NULL, NULL},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        char *bucket = NULL, *key = NULL;
        struct err e = {0};
        int r = conf_url(rows[i].url, rows[i].base, &bucket, &key, &e);

        assert_int_equal(r, rows[i].bucket ? 0 : -EINVAL);
        if (r == 0) {
            assert_string_equal(bucket, rows[i].bucket);
            assert_string_equal(key, rows[i].key);
        } else {
            assert_int_equal(e.num, EINVAL);
        }
        free(bucket);
        free(key);
    }
}

/* Every option is in the help and in the manual; lines are short. */
static void
help_and_pod(void **state)
{
    struct buf help = BUF_INIT(64 << 10), pod = BUF_INIT(64 << 10);
    const struct option *o;
    const char *line;

    (void)state;
    assert_int_equal(conf_help(&help), 0);
    assert_int_equal(conf_pod(&pod), 0);
    for (o = option_table; o->name; o++) {
        char text[80];

        snprintf(text, sizeof(text), "\n  --%s", o->name);
        assert_non_null(strstr(buf_str(&help), text));
        snprintf(text, sizeof(text), "=item B<%s>", o->name);
        assert_non_null(strstr(buf_str(&pod), text));
    }
    for (line = buf_str(&help); *line; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > 80)
            fail_msg("long: %.90s", line);
    buf_free(&help);
    buf_free(&pod);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),     cmocka_unit_test(every_option),
        cmocka_unit_test(refused),      cmocka_unit_test(lists),
        cmocka_unit_test(command_line), cmocka_unit_test(bad_command_lines),
        cmocka_unit_test(urls),         cmocka_unit_test(help_and_pod),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
