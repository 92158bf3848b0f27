/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A growing byte buffer with a declared maximum (the idea is curl's
 * dynbuf): what the network sends cannot grow memory beyond what the
 * reader of that answer allowed.  The data is always followed by a NUL
 * that does not count.
 */
#ifndef S3ZIPFS_BASE_BUF_H
#define S3ZIPFS_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/cleanup.h"

struct buf {
    char *data; /* NULL until something is added */
    size_t len; /* bytes, without the final NUL */
    size_t cap;
    size_t max; /* bytes, without the final NUL */
};

/* clang-format off */
#define BUF_INIT(max_) ((struct buf){NULL, 0, 0, (max_)})
/* clang-format on */

/* Each returns 0, -ENOMEM, or -EMSGSIZE if max would be passed (then the
 * buffer is unchanged). */
int buf_add(struct buf *b, const void *p, size_t n);
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* The bytes as a C string; "" when empty.  Borrowed. */
const char *buf_str(const struct buf *b);
/* Hand the memory (may be NULL) to the caller, who frees it. */
char *buf_steal(struct buf *b);
void buf_reset(struct buf *b);
void buf_free(struct buf *b);

#define CLEANUP_BUF CLEANUP(buf_free)

#endif
