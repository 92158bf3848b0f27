/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the fuzz targets share: pieces of an input, and a check that is
 * never compiled out.  Must not know any room.
 */
#ifndef S3ZIPFS_TESTS_FUZZ_H
#define S3ZIPFS_TESTS_FUZZ_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEED(c)                                                               \
    do {                                                                      \
        if (!(c)) {                                                           \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #c); \
            abort();                                                          \
        }                                                                     \
    } while (0)

struct input {
    const uint8_t *p;
    size_t n;
};

/* Little-endian, of at most size bytes; 0 at the end of the input. */
static inline uint64_t
take_number(struct input *in, unsigned size)
{
    uint64_t v = 0;
    unsigned i;

    for (i = 0; i < size && in->n > 0; i++, in->p++, in->n--)
        v |= (uint64_t)*in->p << (8 * i);
    return v;
}

/* The bytes before end (which is eaten), or all; a C string of their own,
 * without NULs from the input.  Caller frees. */
static inline char *
take_string(struct input *in, int end)
{
    const uint8_t *mark = in->n ? memchr(in->p, end, in->n) : NULL;
    size_t n = mark ? (size_t)(mark - in->p) : in->n, i;
    char *s = malloc(n + 1);

    NEED(s);
    for (i = 0; i < n; i++)
        s[i] = in->p[i] ? (char)in->p[i] : '?';
    s[n] = '\0';
    in->p += n + (mark != NULL);
    in->n -= n + (mark != NULL);
    return s;
}

/* A copy of exactly n bytes, so that a read beyond them is seen. */
static inline void *
copy_of(const void *p, size_t n)
{
    void *to = malloc(n ? n : 1);

    NEED(to);
    if (n)
        memcpy(to, p, n);
    return to;
}

#endif
