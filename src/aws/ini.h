/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The AWS tools' INI dialect (that of Python's RawConfigParser, which
 * botocore uses): '=' or ':', '#' and ';' at the start of a line, values
 * that go on in deeper lines, and one level of nesting ("s3 =" with its
 * settings below).  Knows no meaning of any section.
 */
#ifndef S3ZIPFS_AWS_INI_H
#define S3ZIPFS_AWS_INI_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

struct ini_pair {
    char *key; /* lower case; "group\nkey" for a nested one */
    char *value;
};

struct ini_section {
    char *name;
    struct ini_pair *pair;
    size_t count;
};

struct ini {
    struct ini_section *section;
    size_t count;
};

/* *ini must be zeroed.  `name` is for messages.  0 or -errno. */
int ini_parse(struct ini *ini, const char *text, size_t n, const char *name,
              struct err *e);
/* A file that does not exist is an empty one; at most 1 MiB. */
int ini_load(struct ini *ini, const char *path, struct err *e);
/* NULL if there is none; the last one if there are several. */
const struct ini_section *ini_section(const struct ini *ini, const char *name);
const char *ini_get(const struct ini_section *s, const char *key);
const char *ini_get_nested(const struct ini_section *s, const char *group,
                           const char *key);
/* Secrets are wiped. */
void ini_free(struct ini *ini);

#endif
