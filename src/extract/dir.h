/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The archive's records, read from its end by APPNOTE 6.3.10 alone: shares
 * no code with the writer in zip/.  dir.c takes what any sane archive has;
 * strict.c what ours have.  Private to the room, its tests and
 * its fuzz targets.
 */
#ifndef S3ZIPFS_EXTRACT_DIR_H
#define S3ZIPFS_EXTRACT_DIR_H

#include <stdbool.h>

#include "extract/source.h"

/* APPNOTE 4.3.7 to 4.3.16, 4.4.4 and 4.4.5 */
enum {
    ZDIR_LOCAL_SIG = 0x04034b50,
    ZDIR_CENTRAL_SIG = 0x02014b50,
    ZDIR_END_SIG = 0x06054b50,
    ZDIR_END64_SIG = 0x06064b50,
    ZDIR_LOCATOR_SIG = 0x07064b50,
    ZDIR_LOCAL_LEN = 30,
    ZDIR_CENTRAL_LEN = 46,
    ZDIR_END_LEN = 22,
    ZDIR_END64_LEN = 56,
    ZDIR_LOCATOR_LEN = 20,
    ZDIR_EXTRA_ZIP64 = 0x0001,
    ZDIR_EXTRA_TIME = 0x5455,
    ZDIR_ENCRYPTED = 1 << 0,
    ZDIR_DESCRIPTOR = 1 << 3, /* CRC and sizes follow the body */
    ZDIR_STRONG = 1 << 6,
    ZDIR_MASKED = 1 << 13,
    ZDIR_STORED = 0,
    ZDIR_DEFLATED = 8,
};
#define ZDIR_FULL32 UINT64_C(0xffffffff)

static inline uint16_t
le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
le32(const uint8_t *p)
{
    return (uint32_t)le16(p) | (uint32_t)le16(p + 2) << 16;
}

static inline uint64_t
le64(const uint8_t *p)
{
    return (uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32;
}

/* One entry of the central directory. */
struct zentry {
    uint64_t size, packed; /* bytes of the file; of the body */
    uint64_t offset;       /* of the local header, from the first byte */
    uint32_t crc, header;  /* header: length of the central one */
    uint32_t at;           /* of the central header in cd */
    uint16_t name_len, extra_len, method, flags;
};

struct zdir {
    uint64_t shift; /* bytes before the archive proper */
    uint64_t cd_offset, cd_size, count;
    uint8_t *cd; /* the central directory */
    struct zentry *entry;
    uint8_t *end; /* end records, and the comment */
    size_t end_len;
};

/* Reads end records and central directory.  Everything that an entry claims
 * lies within the archive, before the directory.  Words name the entry.
 * More than max entries are -EFBIG.  zdir_free in any case. */
int zdir_read(struct zdir *d, struct source *s, uint64_t max, struct err *e);
void zdir_free(struct zdir *d);
/* Name of entry i, as in the directory; not terminated. */
const uint8_t *zdir_name(const struct zdir *d, uint64_t i);
/* "entry 3 (name): WHAT"; returns -EIO. */
int zdir_bad(const struct zdir *d, uint64_t i, const char *what,
             struct err *e);
/* Entries by offset (count of them; the caller frees), no two of which
 * overlap.  NULL with words. */
uint32_t *zdir_order(const struct zdir *d, struct err *e);
/* A local header of any archive: the n >= 30 + name_len bytes at p against
 * the central one.  *ret_body: where the body begins; at most limit is
 * where it ends. */
int zdir_check_any(const struct zdir *d, uint64_t i, const uint8_t *p,
                   uint64_t limit, uint64_t *ret_body, struct err *e);

/* strict.c: an archive of ours, to the byte. */
int zdir_check_ours(const struct zdir *d, struct err *e);
/* Length of the local header of entry i, and its bytes, which follow from
 * the central one. */
uint64_t zdir_local_len(const struct zdir *d, uint64_t i);
void zdir_local_put(const struct zdir *d, uint64_t i, uint8_t *out);
/* Bytes that were read against them. */
int zdir_check_local(const struct zdir *d, uint64_t i, const uint8_t *p,
                     struct err *e);

#endif
