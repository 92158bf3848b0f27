/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * CRC-32 by libdeflate, or by zlib where that is not installed; joined by
 * zlib, since libdeflate does not.
 */
#include "base/crc32.h"

#include <zlib.h>

#include "config.h"

uint32_t
crc_join(uint32_t a, uint32_t b, uint64_t len)
{
    return (uint32_t)crc32_combine64(a, b, (z_off64_t)len);
}

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>

uint32_t
crc32_add(uint32_t crc, const void *p, size_t n)
{
    return libdeflate_crc32(crc, p, n);
}

const char *
crc32_name(void)
{
    return "libdeflate";
}
#else
uint32_t
crc32_add(uint32_t crc, const void *p, size_t n)
{
    return (uint32_t)crc32_z(crc, p, n);
}

const char *
crc32_name(void)
{
    return "zlib";
}
#endif
