/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Prints as JSON what aws/ found in the environment and the files that it
 * is started with: for tests/system/test_credentials.py, never installed.
 * (The products themselves show no secret.)
 *
 *   print_identity [--profile NAME] [--region NAME] [--anonymous]
 *                  [--settings]    no credentials are looked for
 *                  [--again MS]    once more after so long
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/aws.h"

struct options {
    struct aws_conf conf;
    bool settings;
    int again_ms;
};

static int
parse_options(struct options *o, int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--anonymous") == 0)
            o->conf.no_sign_request = true;
        else if (strcmp(argv[i], "--settings") == 0)
            o->settings = true;
        else if (strcmp(argv[i], "--profile") == 0 && i + 1 < argc)
            o->conf.profile = argv[++i];
        else if (strcmp(argv[i], "--region") == 0 && i + 1 < argc)
            o->conf.region = argv[++i];
        else if (strcmp(argv[i], "--again") == 0 && i + 1 < argc)
            o->again_ms = atoi(argv[++i]);
        else
            return -EINVAL;
    }
    return 0;
}

static void
set(json_t *o, const char *name, const char *value)
{
    json_object_set_new(o, name, value ? json_string(value) : json_null());
}

static void
set_error(json_t *o, const struct err *e)
{
    set(o, "error", e->text);
    json_object_set_new(o, "errno", json_integer(e->num));
}

static void
add_identity(json_t *o, struct aws *a)
{
    struct aws_identity *id = NULL;
    struct err e = {0};

    if (aws_identity_wait(a, &id, &e) < 0) {
        set_error(o, &e);
        return;
    }
    set(o, "access_key", id->access_key);
    set(o, "secret_key", id->secret_key);
    set(o, "token", id->session_token);
    set(o, "source", id->source);
    json_object_set_new(o, "expires", json_integer(id->expires));
    aws_identity_unref(id);
}

static void
add_again(json_t *o, struct aws *a, int ms)
{
    json_t *again = json_object();

    usleep((useconds_t)ms * 1000);
    add_identity(again, a);
    json_object_set_new(o, "again", again);
}

static void
add_all(json_t *o, struct aws *a, const struct options *opt)
{
    set(o, "region", aws_region(a));
    set(o, "endpoint_url", aws_endpoint_url(a));
    set(o, "addressing_style", aws_addressing_style(a));
    set(o, "ca_bundle", aws_ca_bundle(a));
    if (!opt->settings)
        add_identity(o, a);
    if (opt->again_ms)
        add_again(o, a, opt->again_ms);
}

int
main(int argc, char **argv)
{
    struct net_conf conf = {.loops = 1, .connections = 4};
    struct options opt = {0};
    struct net *n = NULL;
    struct aws *a = NULL;
    struct err e = {0};
    json_t *o = json_object();

    if (parse_options(&opt, argc, argv) < 0)
        return 2;
    if (net_new(&n, &conf, &e) < 0 || aws_new(&a, n, &opt.conf, &e) < 0)
        set_error(o, &e);
    else
        add_all(o, a, &opt);
    json_dumpf(o, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(o);
    aws_free(a);
    net_free(n);
    return 0;
}
