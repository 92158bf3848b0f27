/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What a spool asks of its directory.  Private to spool.c and spool_dir.c.
 */
#ifndef S3ZIPFS_PUBLISH_SPOOL_IMPL_H
#define S3ZIPFS_PUBLISH_SPOOL_IMPL_H

#include "publish/spool.h"

/* A new file without a name, or -errno. */
int spool_dir_open(const struct spool_dir *d);
/* For messages. */
const char *spool_dir_path(const struct spool_dir *d);
/* As spool_dir_new was told. */
bool spool_dir_through(const struct spool_dir *d);

/* length bytes of what may be taken.  0; -EAGAIN, -ENOSPC or another -errno
 * as of spool_new. */
int spool_dir_take(struct spool_dir *d, uint64_t length, struct err *e);
/* Of those, so many are no longer free in the file system. */
void spool_dir_allocated(struct spool_dir *d, uint64_t length);
/* Both back, when the file is gone. */
void spool_dir_give(struct spool_dir *d, uint64_t length, uint64_t allocated);

#endif
