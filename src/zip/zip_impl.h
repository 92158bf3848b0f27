/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of zip/ share among themselves.
 */
#ifndef S3ZIPFS_ZIP_ZIP_IMPL_H
#define S3ZIPFS_ZIP_ZIP_IMPL_H

#include "zip/zip.h"

/* names.c */
bool zip_is_device(const char *component, size_t len);
bool zip_is_dots(const char *component, size_t len);
bool zip_is_drive(const char *name, size_t len);
/* n > 0 bytes are at p. */
bool zip_is_control(const char *p, size_t n);

/* ASCII only, whatever the locale. */
static inline unsigned char
zip_fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Bytes before the first c, n if there is none. */
static inline size_t
zip_span(const char *p, size_t n, char c)
{
    size_t i = 0;

    while (i < n && p[i] != c)
        i++;
    return i;
}

/* Little-endian stores; each returns the byte after. */
static inline uint8_t *
put_u16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    return p + 2;
}

static inline uint8_t *
put_u32(uint8_t *p, uint32_t v)
{
    return put_u16(put_u16(p, v), v >> 16);
}

static inline uint8_t *
put_u64(uint8_t *p, uint64_t v)
{
    return put_u32(put_u32(p, (uint32_t)v), (uint32_t)(v >> 32));
}

/* And loads. */
static inline uint16_t
get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
get_u32(const uint8_t *p)
{
    return get_u16(p) | (uint32_t)get_u16(p + 2) << 16;
}

static inline uint64_t
get_u64(const uint8_t *p)
{
    return get_u32(p) | (uint64_t)get_u32(p + 4) << 32;
}

#endif
