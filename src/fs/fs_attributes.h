/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The control attributes: one table of names and meanings, which
 * fs_xattr.c answers by and the manual page is made from.  Must not know
 * FUSE.
 */
#ifndef S3ZIPFS_FS_FS_ATTRIBUTES_H
#define S3ZIPFS_FS_FS_ATTRIBUTES_H

struct buf;

enum fs_attribute_id {
    FS_ATTR_PUBLISH,
    FS_ATTR_PUBLISH_ASYNC,
    FS_ATTR_PUBLISH_WAIT,
    FS_ATTR_PUBLISH_STATUS,
    FS_ATTR_PUBLISH_PLAN,
    FS_ATTR_DIGEST,
    FS_ATTR_ENTRIES,
    FS_ATTR_SKIPPED,
    FS_ATTR_STATS,
    FS_ATTR_INVALIDATE,
    FS_ATTR_COUNT
};

struct fs_attribute {
    const char *name, *meaning;
};
extern const struct fs_attribute fs_attributes[FS_ATTR_COUNT];

/* The items of a pod list.  0 or what buf_add returns. */
int fs_attributes_pod(struct buf *out);

#endif
