/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The bytes of an upload part.  Private to the room.
 */
#ifndef S3ZIPFS_PUBLISH_BODY_H
#define S3ZIPFS_PUBLISH_BODY_H

#include "publish/job.h"

struct seg;
struct body {
    struct attempt *at;
    uint64_t memory; /* bytes of memory= that are taken */
    struct seg *seg; /* head donation, tail donation, what is between */
    size_t segs, head, tail; /* where the first two end */
    struct iovec *iov;       /* of all of it, in order */
    int count;
    uint32_t crc;
};
/* Reads the part of t: memory first, then its bytes, donations before the
 * header that waits for them.  0, or the job has been told.  body_free in
 * any case. */
int body_read(struct body *b, struct attempt *at, const struct sched_task *t);
void body_free(struct body *b);

#endif
