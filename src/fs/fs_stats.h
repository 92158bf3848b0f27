/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The lines of user.s3zipfs.stats and of SIGUSR1: one table, which the
 * manual page is made from too.  Must not know FUSE.
 */
#ifndef S3ZIPFS_FS_FS_STATS_H
#define S3ZIPFS_FS_FS_STATS_H

#include "crc/crc.h"
#include "read/read.h"
#include "s3/s3.h"

struct buf;

/* What the front itself counts. */
struct fs_front {
    uint64_t uptime_s, open_files, known_inodes, lookups, memory_limit;
};

struct fs_stats {
    struct fs_front front;
    struct s3_stats s3;
    struct s3_kind_stats kind[S3_KINDS];
    struct read_stats read;
    struct crc_stats crc;
};

/* "name: value" lines.  0 or what buf_add returns. */
int fs_stats_text(struct buf *out, const struct fs_stats *s);
/* The items of a pod list: each name and its meaning. */
int fs_stats_pod(struct buf *out);

#endif
