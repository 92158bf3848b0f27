/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One publish by many processes.  Private to the room.
 */
#ifndef S3ZIPFS_PUBLISH_SHARE_H
#define S3ZIPFS_PUBLISH_SHARE_H

#include "publish/job.h"

int share_new(struct share **ret, const struct publish_share *how,
              struct err *e);
void share_free(struct share *s);
bool share_is_worker(const struct publish_job *j);
/* Can the plan be shared?  0 if the job is not shared at all. */
int share_check(struct attempt *at);
/* The coordinator: until all parts are there. */
int share_lead(struct attempt *at);
/* After Complete: parts that are still on their way. */
void share_settle(struct attempt *at);
/* A worker's whole story: its parts, then those that are missing. */
int share_work(struct publish_job *j);

#endif
