/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Whatever lies below a prefix that is ours alone goes: uploads are
 * aborted, objects deleted, each version of them.  Private to the room.
 */
#ifndef S3ZIPFS_PUBLISH_SCRUB_H
#define S3ZIPFS_PUBLISH_SCRUB_H

#include "s3/s3.h"

/* What was found and is gone, or is not. */
struct scrub_result {
    uint64_t uploads, objects; /* gone */
    uint64_t kept;             /* of both: could not be removed */
    struct s3_error e;         /* the first refusal; err 0 = none */
};
/* On a loop thread, without locks, once. */
typedef void scrub_cb(void *user, const struct scrub_result *r);

struct scrub;
/* prefix is copied.  NULL: out of memory, no callback; else the caller's,
 * who frees it when cb was called (which may be before the return). */
struct scrub *scrub_start(struct s3 *s, const char *bucket, const char *prefix,
                          scrub_cb *cb, void *user);
/* The callback comes soon.  Nothing happens if it came. */
void scrub_cancel(struct scrub *k);
/* After the callback.  NULL is fine. */
void scrub_free(struct scrub *k);

#endif
