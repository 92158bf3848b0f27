/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * conf/: option lists, command lines, addresses, patterns.
 */
#include "conf/conf.h"

#include "conf/internal.h"
#include "fuzz.h"

static void
as_list(const char *text)
{
    struct err e = {0};
    struct conf c;
    int r;

    NEED(conf_init(&c) == 0);
    r = conf_set_list(&c, text, &e);
    NEED(r == 0 || (r == -EINVAL && e.num == EINVAL && e.text[0]));
    NEED(strchr(e.text, '\n') == NULL);
    conf_member_wanted(&c, text);
    conf_free(&c);
}

static void
as_command_line(struct input *in)
{
    bool help = false;
    const char *value = NULL;
    const struct conf_flag flags[] = {
        {.name = "help", .short_name = 'h', .set = &help},
        {.name = "range", .short_name = 'r', .value = &value},
        {.name = NULL},
    };
    char *argv[20] = {strdup("program")}, *kept[20];
    struct err e = {0};
    struct conf c;
    int argc = 1, n, i, r;

    while (in->n > 0 && argc < 19)
        argv[argc++] = take_string(in, '\n');
    memcpy(kept, argv, sizeof(kept));
    n = argc;
    NEED(conf_init(&c) == 0);
    r = conf_parse(&c, flags, &n, argv, &e);
    NEED(r == 0 ? n >= 1 && n <= argc : e.num == EINVAL);
    conf_free(&c);
    for (i = 0; i < argc; i++)
        free(kept[i]);
}

static void
as_url(const char *text)
{
    char *bucket = NULL, *key = NULL, *bucket2 = NULL, *key2 = NULL;
    char again[2000];
    struct err e = {0};
    int r = conf_url(text, "default", &bucket, &key, &e);

    NEED(r == 0 ? bucket && key : r == -EINVAL && !bucket && !key);
    if (r == 0) {
        snprintf(again, sizeof(again), "s3://%s/%s", bucket, key);
        NEED(conf_url(again, NULL, &bucket2, &key2, &e) == 0);
        NEED(strcmp(bucket, bucket2) == 0 && strcmp(key, key2) == 0);
    }
    free(bucket);
    free(key);
    free(bucket2);
    free(key2);
}

static void
as_pattern(struct input *in)
{
    char *pattern = take_string(in, '\n'), *key = take_string(in, -1);

    conf_glob(pattern, key);
    if (!strpbrk(pattern, "*?[\\"))
        NEED(conf_glob(pattern, key) == (strcmp(pattern, key) == 0));
    NEED(conf_glob("**", key));
    free(pattern);
    free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned how = (unsigned)take_number(&in, 1);
    struct input rest = in;
    char *text = take_string(&rest, -1);

    switch (how % 4) {
    case 0:
        as_list(text);
        break;
    case 1:
        as_command_line(&in);
        break;
    case 2:
        as_url(text);
        break;
    default:
        as_pattern(&in);
    }
    free(text);
    return 0;
}
