/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The text that a signature is made of.  Private to the room.
 */
#ifndef S3ZIPFS_AWS_CANONICAL_H
#define S3ZIPFS_AWS_CANONICAL_H

#include "aws/aws.h"
#include "base/buf.h"

/* Appends the canonical request to text, and the names of the headers that
 * it signs ("a;b;c") to names.  stamp: the time as it is sent,
 * YYYYMMDDThhmmssZ.  0; -E2BIG: more headers or query words than it takes;
 * -EINVAL: a header without a colon; or what a buffer returns. */
int canonical_request(const struct aws_sign *s, const struct aws_identity *id,
                      const char *stamp, struct buf *text, struct buf *names);

#endif
