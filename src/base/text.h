/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Small codecs: base64, hex, percent-encoding, log escaping, numbers.
 */
#ifndef S3ZIPFS_BASE_TEXT_H
#define S3ZIPFS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Lower-case hex of n bytes; out holds 2n + 1 chars. */
void text_hex(char *out, const void *p, size_t n);

/* RFC 4648 base64 with padding.  out holds 4 * ceil(n / 3) + 1 chars. */
void text_base64(char *out, const void *p, size_t n);
/* Strict decoding of exactly n bytes; false if s is anything else. */
bool text_unbase64(void *out, size_t n, const char *s);
/* A CRC-32 as S3 writes it: base64 of the big-endian value. */
void text_crc32(char out[9], uint32_t crc);
bool text_parse_crc32(uint32_t *ret, const char *s);

/* Percent-encode all but RFC 3986 unreserved characters (and '/', if
 * keep_slash), upper-case hex: the form that SigV4 and copy-source want.
 * Returns what buf_add returns. */
int text_percent(struct buf *b, const void *p, size_t n, bool keep_slash);
/* Decode %XX, and '+' to a space if plus; NUL bytes may come out.  Returns
 * 0, -EINVAL on a broken escape, or what buf_add returns. */
int text_unpercent(struct buf *b, const char *s, size_t n, bool plus);

/* Make n bytes of a name printable on one line: control characters, DEL,
 * backslash and invalid UTF-8 become \xHH; cut with "..." to fit out.
 * Returns out. */
char *text_escape(char *out, size_t out_size, const void *p, size_t n);

/* True if the n bytes are well-formed UTF-8 (RFC 3629: no surrogates, no
 * overlong forms, at most U+10FFFF). */
bool text_is_utf8(const void *p, size_t n);

/* Decimal digits only, the whole string, no overflow. */
bool text_parse_u64(uint64_t *ret, const char *s);
/* A size with an optional suffix K, M, G or T (binary, also KiB, MB...). */
bool text_parse_size(uint64_t *ret, const char *s);
/* "1.5 GiB": for people.  Returns out. */
char *text_size(char out[16], uint64_t bytes);

#endif
