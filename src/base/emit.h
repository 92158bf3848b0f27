/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * JSON (RFC 8259) as it goes, a value at a time, in the one dialect of all
 * our programs: sizes are numbers, a CRC-32 is a string of 8 hex digits, a
 * time is ISO 8601 in UTC, and what is not UTF-8 is written as in the logs,
 * since JSON has no bytes.  A document of a million values takes no memory
 * of its own.  Called by whoever prints; calls base/buf.
 *
 *     struct emit w = {.out = &buf, .line_from = EMIT_LINES};
 *
 *     emit_begin(&w, NULL, '{');
 *     emit_u64(&w, "bytes", 5);
 *     emit_end(&w, '}');
 *     return emit_finish(&w);
 *
 * The first error stays, and makes all calls after it do nothing.
 */
#ifndef S3ZIPFS_BASE_EMIT_H
#define S3ZIPFS_BASE_EMIT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Takes what out holds and resets it.  0 or -errno. */
typedef int emit_flush(void *user, struct buf *out);

#define EMIT_LINES UINT_MAX /* a line for each value */
struct emit {
    struct buf *out;
    emit_flush *flush; /* called now and then; NULL: all stays in out */
    void *user;
    unsigned line_from; /* what is nested so deep stands on one line: 0 = all
                           of it */
    unsigned depth;     /* the rest is private, and zero at the start */
    bool filled;
    int error;
};

/* bracket: '{' or '['.  name: NULL in a list, and of the document. */
void emit_begin(struct emit *w, const char *name, char bracket);
/* '}' or ']'. */
void emit_end(struct emit *w, char bracket);
void emit_u64(struct emit *w, const char *name, uint64_t value);
/* A real number stays one, whatever its value. */
void emit_real(struct emit *w, const char *name, double value);
void emit_bool(struct emit *w, const char *name, bool value);
void emit_null(struct emit *w, const char *name);
/* n bytes, of any kind; s of emit_word is NUL-terminated. */
void emit_text(struct emit *w, const char *name, const char *s, size_t n);
void emit_word(struct emit *w, const char *name, const char *s);
void emit_crc32(struct emit *w, const char *name, uint32_t crc);
/* Seconds since 1970, of the years 0 to 9999, else null; ms: 0 to 999, or
 * less than 0: not written. */
void emit_time(struct emit *w, const char *name, int64_t seconds, int ms);
/* A newline, and the last flush.  0; -ENOMEM; -EMSGSIZE (out is too small);
 * or what flush answered. */
int emit_finish(struct emit *w);

#endif
