/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The archive's records, read from its end by APPNOTE 6.3.10 alone: shares
 * no code with the writer in zip/.
 */
#ifndef S3ZIPFS_CMD_VERIFY_ZIP_H
#define S3ZIPFS_CMD_VERIFY_ZIP_H

#include "cmd/cmd_source.h"

/* One entry of the central directory. */
struct zentry {
    uint64_t size, offset; /* offset: of the local header */
    uint32_t crc, header;  /* header: length of the central one */
    uint32_t at;           /* of the central header in cd */
    uint16_t name_len, extra_len;
};

struct zdir {
    uint64_t cd_offset, cd_size, count;
    uint8_t *cd; /* the central directory */
    struct zentry *entry;
    uint8_t end[128]; /* the end records */
    size_t end_len;
};

/* Reads and checks end records and central directory; words name the
 * entry. zdir_free in any case. */
int zdir_read(struct zdir *d, struct source *s, struct err *e);
void zdir_free(struct zdir *d);
/* Name of entry i, as in the directory; not terminated. */
const uint8_t *zdir_name(const struct zdir *d, uint64_t i);
/* "entry 3 (name): WHAT"; returns -EIO. */
int zdir_bad(const struct zdir *d, uint64_t i, const char *what,
             struct err *e);
/* Length of the local header of entry i. */
uint64_t zdir_local_len(const struct zdir *d, uint64_t i);
/* Its bytes against the central header. */
int zdir_check_local(const struct zdir *d, uint64_t i, const uint8_t *p,
                     struct err *e);

#endif
