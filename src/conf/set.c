/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Values of options: from text into struct conf.
 */
#include "conf/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"

static int
out_of_memory(struct err *e)
{
    return err_set(e, ENOMEM, "out of memory");
}

/* "ttl: WHAT: 'VALUE'" */
static int
bad_value(const struct option *o, const char *what, const char *value,
          struct err *e)
{
    char shown[128];

    text_escape(shown, sizeof(shown), value, strlen(value));
    return err_set(e, EINVAL, "%s: %s: '%s'", o->name, what, shown);
}

static int
store_string(char **at, const char *value, struct err *e)
{
    char *copy = NULL;

    if (value[0] != '\0') { /* "region=" takes the value away */
        copy = strdup(value);
        if (!copy)
            return out_of_memory(e);
    }
    free(*at);
    *at = copy;
    return 0;
}

static int
list_add(struct conf_list *list, const char *value, struct err *e)
{
    char *copy = strdup(value);
    char **item = realloc(list->item, (list->count + 1) * sizeof(*item));

    if (item)
        list->item = item;
    if (!copy || !item) {
        free(copy);
        return out_of_memory(e);
    }
    list->item[list->count++] = copy;
    return 0;
}

static int
store_url(const struct option *o, struct conf_list *list, const char *value,
          struct err *e)
{
    CLEANUP_FREE char *bucket = NULL;
    CLEANUP_FREE char *key = NULL;
    int r = conf_url(value, NULL, &bucket, &key, e);

    if (r < 0)
        return err_prefix(e, "%s", o->name);
    return list_add(list, value, e);
}

/* 1, 0, -1 (auto) or -2 */
static int
parse_word(const char *value)
{
    static const struct {
        const char *word;
        int means;
    } words[] = {
        {"yes", 1},   {"true", 1}, {"on", 1}, {"1", 1},     {"no", 0},
        {"false", 0}, {"off", 0},  {"0", 0},  {"auto", -1},
    };
    size_t i;

    for (i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(value, words[i].word) == 0)
            return words[i].means;
    return -2;
}

static int
store_bool(const struct option *o, bool *at, const char *value, struct err *e)
{
    int word = parse_word(value);

    if (word < 0)
        return bad_value(o, "neither yes nor no", value, e);
    *at = word;
    return 0;
}

static int
store_tri(const struct option *o, enum conf_tristate *at, const char *value,
          struct err *e)
{
    int word = parse_word(value);

    if (word < -1)
        return bad_value(o, "not yes, no or auto", value, e);
    *at = (enum conf_tristate)word;
    return 0;
}

static int
store_enum(const struct option *o, void *at, const char *value, struct err *e)
{
    const char *word = o->words;
    size_t len = strlen(value);
    char shown[128];
    int number = 0;

    while (word && !strchr(value, '/')) {
        if (strncmp(word, value, len) == 0 &&
            (word[len] == '/' || word[len] == '\0') && len > 0) {
            memcpy(at, &number, sizeof(number));
            return 0;
        }
        word = strchr(word, '/');
        word = word ? word + 1 : NULL;
        number++;
    }
    text_escape(shown, sizeof(shown), value, len);
    return err_set(e, EINVAL, "%s: '%s' is none of %s", o->name, shown,
                   o->words);
}

static int
parse_number(const struct option *o, const char *value, uint64_t *ret,
             struct err *e)
{
    uint64_t n;

    if (o->type == TYPE_SIZE ? !text_parse_size(&n, value)
                             : !text_parse_u64(&n, value))
        return bad_value(
            o, o->type == TYPE_SIZE ? "not a size" : "not a number", value, e);
    if (n < o->min || n > o->max)
        return err_set(e, EINVAL, "%s: not in %llu..%llu: %llu", o->name,
                       (unsigned long long)o->min, (unsigned long long)o->max,
                       (unsigned long long)n);
    *ret = n;
    return 0;
}

static int
store_number(const struct option *o, void *at, const char *value,
             struct err *e)
{
    uint64_t n = 0;
    uint32_t small;
    int r = parse_number(o, value, &n, e);

    if (r < 0)
        return r;
    small = (uint32_t)n;
    if (o->type == TYPE_U32)
        memcpy(at, &small, sizeof(small));
    else
        memcpy(at, &n, sizeof(n));
    return 0;
}

static int
store_id(struct conf *c, const struct option *o, const char *value,
         struct err *e)
{
    uint64_t n;

    if (!text_parse_u64(&n, value) || n >= UINT32_MAX)
        return bad_value(o, "not a numeric id", value, e);
    if (o->type == TYPE_UID) {
        c->have_uid = true;
        c->uid = (uid_t)n;
    } else {
        c->have_gid = true;
        c->gid = (gid_t)n;
    }
    return 0;
}

static int
store_umask(struct conf *c, const struct option *o, const char *value,
            struct err *e)
{
    char *end;
    unsigned long n = strtoul(value, &end, 8);

    if (value[0] < '0' || value[0] > '7' || *end != '\0' || n > 0777)
        return bad_value(o, "not an octal mask", value, e);
    c->have_umask = true;
    c->umask = (mode_t)n;
    return 0;
}

static int
store_name(const struct option *o, char **at, const char *value, struct err *e)
{
    size_t len = strlen(value);

    if (len == 0 || len > 255 || strchr(value, '/') ||
        strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
        return bad_value(o, "not a file name", value, e);
    return store_string(at, value, e);
}

int
option_store(struct conf *c, const struct option *o, const char *value,
             struct err *e)
{
    void *at = (char *)c + o->at;

    if (!value && (o->type == TYPE_BOOL || o->type == TYPE_TRI))
        value = "yes";
    if (!value)
        return err_set(e, EINVAL, "%s: needs a value", o->name);
    switch (o->type) {
    case TYPE_STRING:
        return store_string(at, value, e);
    case TYPE_NAME:
        return store_name(o, at, value, e);
    case TYPE_BOOL:
        return store_bool(o, at, value, e);
    case TYPE_TRI:
        return store_tri(o, at, value, e);
    case TYPE_ENUM:
        return store_enum(o, at, value, e);
    case TYPE_U32:
    case TYPE_U64:
    case TYPE_SIZE:
        return store_number(o, at, value, e);
    case TYPE_LIST:
        return list_add(at, value, e);
    case TYPE_URLS:
        return store_url(o, at, value, e);
    case TYPE_UID:
    case TYPE_GID:
        return store_id(c, o, value, e);
    case TYPE_UMASK:
        return store_umask(c, o, value, e);
    }
    return -EINVAL;
}
