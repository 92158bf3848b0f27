/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files that keep former archives share.
 */
#ifndef S3ZIPFS_PUBLISH_FORMER_IMPL_H
#define S3ZIPFS_PUBLISH_FORMER_IMPL_H

#include "publish/former.h"

struct buf;

/* former_blob.c: the digest's bytes, compressed (RFC 1950). */

/* Appends to out; *ret_raw: bytes before compression.  0, -ENOMEM, or
 * -EMSGSIZE beyond a bound. */
int former_pack(struct buf *out, const struct layout *l, uint64_t *ret_raw);
/* Hostile bytes: 0 and *ret, -ENOMEM, or -EBADMSG. */
int former_unpack(struct former **ret, const void *blob, size_t n,
                  uint64_t raw, const char *digest);

#endif
