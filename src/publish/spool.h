/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Upload parts that do not fit memory=: a temporary file without a name
 * for each, filled in any order, sent from its descriptor.
 *
 * Threads: any; writes to one spool may run side by side.  Writing blocks
 * for as long as the disk does.
 */
#ifndef S3ZIPFS_PUBLISH_SPOOL_H
#define S3ZIPFS_PUBLISH_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"

/* Where spools are, and how much of it they may take: half of what was
 * free before them. */
struct spool_dir;
/* The first that takes a file of cache_dir (may be NULL), $TMPDIR and
 * /var/tmp.  through: in a control group with a limit, where pages that are
 * yet to be written count and cannot be given back, so a write ends when
 * they are on the disk.  0, or -errno with words. */
int spool_dir_new(struct spool_dir **ret, const char *cache_dir, bool through,
                  struct err *e);
/* Its spools must be gone. */
void spool_dir_free(struct spool_dir *d);

struct spool;
/* Room for length > 0 bytes.  0; -EAGAIN if it will be there once others
 * are freed; -ENOSPC with words; another -errno with words. */
int spool_new(struct spool **ret, struct spool_dir *d, uint64_t length,
              struct err *e);
/* NULL is fine. */
void spool_free(struct spool *s);

/* The bytes at offset, each exactly once over all calls.  0, -EINVAL for
 * bytes beyond the length or there already, or -errno with words. */
int spool_write(struct spool *s, uint64_t offset, const struct iovec *iov,
                int count, struct err *e);
/* The CRC-32 of all length bytes; false while some are missing. */
bool spool_crc(struct spool *s, uint32_t *ret);
/* To be read at offsets (pread); the file position means nothing.  Valid
 * until spool_free. */
int spool_fd(const struct spool *s);
uint64_t spool_length(const struct spool *s);

#endif
