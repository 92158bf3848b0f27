/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the two ways of verifying share: reading (verify.c) and asking the
 * store (verify_store.c).  Private to the room.
 */
#ifndef S3ZIPFS_EXTRACT_VERIFY_H
#define S3ZIPFS_EXTRACT_VERIFY_H

#include "extract/dir.h"
#include "extract/extract.h"

/* One thread's. */
struct verify {
    const struct extract_deps *d;
    const struct verify_args *a;
    struct source *s;
    struct zdir dir;
    struct err *e;
    /* where a scan is */
    uint64_t index; /* of the entry */
    uint64_t body_left;
    uint32_t crc;
    uint8_t *header; /* the local one, as far as it came */
    size_t header_len;
    uint32_t whole;        /* CRC of all bytes so far */
    uint64_t read, copied; /* bytes of entries */
};

/* First byte of entry i; of the directory for i = count. */
static inline uint64_t
entry_offset(const struct verify *v, uint64_t i)
{
    return i < v->dir.count ? v->dir.entry[i].offset : v->dir.cd_offset;
}

/* Reads entries [first, end), each byte of them; *ret_crc: of all. */
int verify_read(struct verify *v, uint64_t first, uint64_t end,
                uint32_t *ret_crc);
/* The local header of entry i as it must be is in v->header: is it that of
 * the prefix's archive, if there is one to compare with? */
int verify_against(struct verify *v, uint64_t i);
/* All entries, by ranges whose CRC the store tells; what it does not know
 * is read. */
int verify_store(struct verify *v);

#endif
