/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * CRC-32 as ZIP and zlib have it, by the fastest implementation that was
 * there when this was configured.  Every byte that passes goes through
 * here, so the choice is made in one place; its figures are in
 * doc/performance.md.  Must not know what is checked.
 */
#ifndef S3ZIPFS_BASE_CRC32_H
#define S3ZIPFS_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of what crc covers followed by n bytes of p; nothing covers 0. */
uint32_t crc32_add(uint32_t crc, const void *p, size_t n);
/* The CRC of what a covers followed by len bytes that b covers. */
uint32_t crc_join(uint32_t a, uint32_t b, uint64_t len);
/* "zlib" or "libdeflate". */
const char *crc32_name(void);

#endif
