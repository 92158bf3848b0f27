/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The threads of an attempt.  Private to the room; all but crew_limits take
 * at->lock.
 */
#ifndef S3ZIPFS_PUBLISH_CREW_H
#define S3ZIPFS_PUBLISH_CREW_H

#include "publish/job.h"

enum { WIDTH_MAX = 512 }; /* calls without a body, in flight */

/* What may be in flight at first. */
void crew_limits(struct attempt *at, struct sched_limits *ret);
/* Tasks are begun, in threads that are started as needed. */
void crew_begin(struct attempt *at);
/* There may be more to do than there was. */
void crew_wake(struct attempt *at);
/* 0: the archive's parts are there (scratch objects may still be being
 * deleted); or the job was stopped. */
int crew_wait_archive(struct attempt *at);
/* The same of these parts. */
int crew_wait_parts(struct attempt *at, const uint32_t *list, uint32_t count);
/* Who has nothing to do leaves, though not all is done. */
void crew_leave(struct attempt *at);
/* In any case, once: all threads have left, because all is done (0) or the
 * job was stopped. */
int crew_end(struct attempt *at);

#endif
