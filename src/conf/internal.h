/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The option table's shape, shared inside conf/.
 */
#ifndef S3ZIPFS_CONF_INTERNAL_H
#define S3ZIPFS_CONF_INTERNAL_H

#include <stddef.h>

#include "conf/conf.h"

enum option_group {
    GROUP_WHERE,
    GROUP_TREE,
    GROUP_READING,
    GROUP_PUBLISH,
    GROUP_LOG,
    GROUP_FUSE,
    GROUP_COUNT,
};
extern const char *const option_group_titles[GROUP_COUNT];

enum option_type {
    TYPE_STRING, /* char * */
    TYPE_NAME,   /* char *: one path component */
    TYPE_BOOL,   /* bool */
    TYPE_TRI,    /* enum conf_tristate */
    TYPE_ENUM,   /* int: number of the word in words */
    TYPE_U32,
    TYPE_U64,
    TYPE_SIZE, /* uint64_t with K, M, G */
    TYPE_LIST, /* struct conf_list */
    TYPE_URLS, /* struct conf_list of s3://BUCKET[/PREFIX] */
    TYPE_UID,
    TYPE_GID,
    TYPE_UMASK,
};

struct option {
    const char *name;
    enum option_group group;
    enum option_type type;
    size_t at;           /* offset in struct conf */
    const char *initial; /* default as conf_set takes it; NULL = unset */
    const char *shown;   /* default for people, if it is another */
    const char *words;   /* of TYPE_ENUM: "listed/hidden" */
    uint64_t min, max;   /* of the numbers */
    const char *arg;     /* what stands for the value in help */
    const char *help;
};
extern const struct option option_table[]; /* ends with a NULL name */

/* By name ('-' and '_' are one; "strategy" is publish_strategy); len bytes
 * of name. NULL if unknown. */
const struct option *option_find(const char *name, size_t len);
/* fstab's own words, to be ignored. */
bool option_ignored(const char *name, size_t len);
/* The same word, '-' and '_' being one? */
bool option_same(const char *a, const char *b, size_t len);
/* "unknown option 'x' (did you mean 'y'?)"; flags may be NULL. */
int option_unknown(const char *name, size_t len, const struct conf_flag *flags,
                   struct err *e);
int option_store(struct conf *c, const struct option *o, const char *value,
                 struct err *e);

/* fnmatch(FNM_PATHNAME) plus "**", by bytes, in no locale. */
bool conf_glob(const char *pattern, const char *key);

#endif
