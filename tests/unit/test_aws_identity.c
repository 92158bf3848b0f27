/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * aws/: when identities are fetched, renewed, kept and given up.  What the
 * providers find is compared with botocore in
 * tests/system/test_credentials.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "aws/aws_priv.h"
#include "base/check.h"

static char dir[] = "/tmp/s3zipfs-test-aws-XXXXXX";
static char home_line[128], path_line[] = "PATH=/usr/bin:/bin";
static struct net *net;

static void
write_file(const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
}

/* A profile whose credential_process counts its runs in the file "runs"
 * and then does what the script "say" does. */
static void
write_process(const char *say)
{
    char config[512];

    snprintf(config, sizeof(config),
             "[default]\nregion = eu-west-1\n"
             "credential_process = sh -c \"echo >>'%s/runs'; . '%s/say'\"\n",
             dir, dir);
    write_file(".aws/config", config);
    write_file("say", say);
    write_file("runs", "");
}

static int
runs(void)
{
    char path[256];
    struct stat st;

    snprintf(path, sizeof(path), "%s/runs", dir);
    return stat(path, &st) == 0 ? (int)st.st_size : -1;
}

/* Credentials AK... that live for so long. */
static const char *
say_json(char out[512], const char *key, int seconds)
{
    time_t at = time(NULL) + seconds;
    struct tm tm;
    char stamp[32];

    gmtime_r(&at, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
    snprintf(out, 512,
             "echo '{\"Version\": 1, \"AccessKeyId\": \"%s\", "
             "\"SecretAccessKey\": \"s\", \"SessionToken\": \"t\"%s%s%s}'\n",
             key, seconds ? ", \"Expiration\": \"" : "", seconds ? stamp : "",
             seconds ? "\"" : "");
    return out;
}

static struct aws *
open_aws(const char *extra)
{
    const char *env[] = {home_line, path_line,
                         "AWS_EC2_METADATA_DISABLED=true", extra, NULL};
    struct aws_conf conf = {.environ_override = env};
    struct err e = {0};
    struct aws *a = NULL;

    if (aws_new(&a, net, &conf, &e) < 0)
        print_error("%s\n", e.text);
    assert_non_null(a);
    return a;
}

static bool
has_key(struct aws *a, const char *key)
{
    struct aws_identity *id = NULL;
    struct err e = {0};
    bool has;

    if (aws_identity_wait(a, &id, &e) < 0)
        print_error("%s\n", e.text);
    assert_non_null(id);
    has = !strcmp(id->access_key, key);
    aws_identity_unref(id);
    return has;
}

static void
check_key(struct aws *a, const char *key)
{
    assert_true(has_key(a, key));
}

static void
test_fetched_once(void **state)
{
    char json[512];
    struct aws *a;
    int i;

    (void)state;
    write_process(say_json(json, "AKLONG", 0));
    a = open_aws(NULL);
    assert_string_equal(aws_region(a), "eu-west-1");
    for (i = 0; i < 5; i++)
        check_key(a, "AKLONG");
    assert_int_equal(runs(), 1);
    aws_free(a);
}

/* While the old one works, its successor comes in the background. */
static void
test_renewed_in_background(void **state)
{
    char json[512];
    struct aws *a;
    int i;

    (void)state;
    write_process(say_json(json, "AKONE", 4));
    a = open_aws(NULL);
    check_key(a, "AKONE");
    write_file("say", say_json(json, "AKTWO", 3600));
    check_key(a, "AKONE");
    assert_int_equal(runs(), 1);
    for (i = 0; i < 1000 && !has_key(a, "AKTWO"); i++)
        usleep(10000);
    check_key(a, "AKTWO");
    check_key(a, "AKTWO");
    assert_int_equal(runs(), 2);
    aws_free(a);
}

/* Renewing fails: the old one is given out until it expires, then callers
 * get the error, and not one run each. */
static void
test_failing_renewal(void **state)
{
    struct aws_identity *id = NULL;
    struct err e = {0};
    char json[512];
    struct aws *a;
    int i, before;

    (void)state;
    write_process(say_json(json, "AKONE", 8));
    a = open_aws(NULL);
    check_key(a, "AKONE");
    write_file("say", "echo all is lost >&2; exit 3\n");
    for (i = 0; i < 600 && runs() < 2; i++)
        usleep(10000);
    usleep(100000);
    check_key(a, "AKONE");
    assert_int_equal(runs(), 2);
    sleep(5);
    assert_int_equal(aws_identity_wait(a, &id, &e), -EACCES);
    assert_non_null(strstr(e.text, "status 3: all is lost"));
    before = runs();
    for (i = 0; i < 20; i++)
        assert_int_equal(aws_identity_wait(a, &id, &e), -EACCES);
    assert_int_equal(runs(), before);
    sleep(2);
    write_file("say", say_json(json, "AKNEW", 0));
    check_key(a, "AKNEW");
    aws_free(a);
}

static void
test_store_says_expired(void **state)
{
    struct aws_identity *id = NULL;
    char json[512];
    uint64_t start;
    struct aws *a;
    int before;

    (void)state;
    write_process(say_json(json, "AKONE", 0));
    a = open_aws(NULL);
    start = net_now_ms();
    assert_int_equal(aws_identity_wait(a, &id, NULL), 0);
    aws_identity_expired(a, id); /* too young to be given up */
    check_key(a, "AKONE");
    assert_true(runs() == 1 || net_now_ms() - start >= 1000);
    before = runs();
    sleep(1);
    usleep(100000);
    write_file("say", say_json(json, "AKTWO", 0));
    aws_identity_expired(a, id);
    aws_identity_expired(a, id);
    check_key(a, "AKTWO");
    aws_identity_expired(a, id); /* an old one: no matter */
    check_key(a, "AKTWO");
    assert_int_equal(runs(), before + 1);
    assert_string_equal(id->access_key, "AKONE"); /* ours to the end */
    aws_identity_unref(id);
    aws_free(a);
}

static void
test_already_expired(void **state)
{
    struct aws_identity *id = NULL;
    struct err e = {0};
    char json[512];
    struct aws *a;

    (void)state;
    write_process(say_json(json, "AKOLD", -10));
    a = open_aws(NULL);
    assert_int_equal(aws_identity_wait(a, &id, &e), -EACCES);
    assert_non_null(strstr(e.text, "expired"));
    aws_free(a);
}

struct answers {
    atomic_int good, bad, err;
};

static void
count_answer(void *user, int err, struct aws_identity *id, const struct err *e)
{
    struct answers *n = user;

    if (id) {
        assert_null(e);
        n->good++;
    } else {
        assert_non_null(e);
        n->err = err;
        n->bad++;
    }
}

static void
test_many_waiters(void **state)
{
    struct answers n = {0};
    char json[512], slow[600];
    struct aws *a;
    int i;

    (void)state;
    snprintf(slow, sizeof(slow), "sleep 0.3\n%s", say_json(json, "AKONE", 0));
    write_process(slow);
    a = open_aws(NULL);
    for (i = 0; i < 50; i++)
        aws_identity_get(a, count_answer, &n);
    assert_int_equal(n.good + n.bad, 0);
    for (i = 0; i < 500 && n.good < 50; i++)
        usleep(10000);
    assert_int_equal(n.good, 50);
    aws_identity_get(a, count_answer, &n); /* at once */
    assert_int_equal(n.good, 51);
    assert_int_equal(runs(), 1);
    aws_free(a);
}

/* A helper that hangs is ended with us, and who waits is told. */
static void
test_free_while_waiting(void **state)
{
    struct answers n = {0};
    uint64_t start = net_now_ms();
    struct aws *a;
    int i;

    (void)state;
    write_process("exec sleep 30\n");
    a = open_aws(NULL);
    aws_identity_get(a, count_answer, &n);
    for (i = 0; i < 300 && runs() < 1; i++)
        usleep(10000);
    aws_free(a);
    assert_int_equal(n.bad, 1);
    assert_int_equal(n.err, -ECANCELED);
    assert_true(net_now_ms() - start < 10000);
}

/* net_free first: the waiter is answered, later calls refuse. */
static void
test_net_goes_first(void **state)
{
    struct net_conf conf = {.loops = 1};
    struct net *saved = net;
    struct answers n = {0};
    struct aws *a;

    (void)state;
    write_process("exec sleep 30\n");
    assert_int_equal(net_new(&net, &conf, NULL), 0);
    a = open_aws(NULL);
    aws_identity_get(a, count_answer, &n);
    net_free(net);
    net = saved;
    assert_int_equal(n.bad, 1);
    aws_identity_get(a, count_answer, &n);
    assert_int_equal(n.bad, 2);
    assert_int_equal(n.err, -ECANCELED);
    aws_free(a);
}

static void
test_nothing_found(void **state)
{
    struct aws_identity *id = NULL;
    struct err e = {0};
    struct aws *a;

    (void)state;
    write_file(".aws/config", "");
    a = open_aws(NULL);
    assert_int_equal(aws_identity_wait(a, &id, &e), -EACCES);
    assert_memory_equal(e.text, "no credentials: looked in ", 26);
    aws_free(a);
}

static void
test_anonymous(void **state)
{
    struct aws_conf conf = {.no_sign_request = true};
    struct aws_identity *id = NULL;
    struct aws *a;

    (void)state;
    assert_int_equal(aws_new(&a, net, &conf, NULL), 0);
    assert_int_equal(aws_identity_wait(a, &id, NULL), 0);
    assert_string_equal(id->access_key, "");
    aws_identity_unref(id);
    aws_free(a);
}

static void
test_no_such_profile(void **state)
{
    const char *env[] = {home_line, "AWS_PROFILE=missing", NULL};
    struct aws_conf conf = {.environ_override = env};
    struct err e = {0};
    struct aws *a;

    (void)state;
    assert_int_equal(aws_new(&a, net, &conf, &e), -EINVAL);
    assert_non_null(strstr(e.text, "missing"));
}

/* Over plain HTTP only hosts that AWS names are asked. */
static void
test_container_hosts(void **state)
{
    static const char *const hosts[] = {
        "http://192.0.2.1/",
        "http://example.com/",
        "http://127.0.0.1@192.0.2.1/",
        "http://localhost.example.com/",
        "ftp://127.0.0.1/",
    };
    struct aws_identity *id = NULL;
    char variable[100];
    struct err e;
    struct aws *a;
    size_t i;

    (void)state;
    write_file(".aws/config", "");
    for (i = 0; i < ARRAY_SIZE(hosts); i++) {
        e = (struct err){0};
        snprintf(variable, sizeof(variable),
                 "AWS_CONTAINER_CREDENTIALS_FULL_URI=%s", hosts[i]);
        a = open_aws(variable);
        assert_true(aws_identity_wait(a, &id, &e) < 0);
        assert_non_null(strstr(e.text, "container endpoint"));
        assert_null(strstr(e.text, "status"));
        aws_free(a);
    }
}

static int
setup(void **state)
{
    struct net_conf conf = {.loops = 1};
    char path[256];

    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(home_line, sizeof(home_line), "HOME=%s", dir);
    snprintf(path, sizeof(path), "%s/.aws", dir);
    return mkdir(path, 0700) || net_new(&net, &conf, NULL);
}

static int
teardown(void **state)
{
    static const char *const names[] = {".aws/config", "say", "runs", ".aws",
                                        ""};
    char path[256];
    size_t i;

    (void)state;
    net_free(net);
    for (i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        if (remove(path) < 0 && errno != ENOENT)
            return -1;
    }
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fetched_once),
        cmocka_unit_test(test_renewed_in_background),
        cmocka_unit_test(test_failing_renewal),
        cmocka_unit_test(test_store_says_expired),
        cmocka_unit_test(test_already_expired),
        cmocka_unit_test(test_many_waiters),
        cmocka_unit_test(test_free_while_waiting),
        cmocka_unit_test(test_net_goes_first),
        cmocka_unit_test(test_nothing_found),
        cmocka_unit_test(test_anonymous),
        cmocka_unit_test(test_no_such_profile),
        cmocka_unit_test(test_container_hosts),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
