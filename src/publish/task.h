/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the threads of an attempt do.  Private to the room.
 */
#ifndef S3ZIPFS_PUBLISH_TASK_H
#define S3ZIPFS_PUBLISH_TASK_H

#include "publish/job.h"

/* task.c: 0, and *a written where the scheduler wants it; else the job has
 * been told, or it is to be done again (AGAIN). */
int task_run(struct attempt *at, const struct sched_task *t,
             struct sched_answer *a);

/* copy.c */
int part_copy(struct attempt *at, const struct sched_task *t,
              struct sched_answer *a);
/* Is the CRC of that copy, which is there, the one of its whole source? */
bool copy_is_quirk(struct attempt *at, uint32_t part);
/* Ranged copies are answered so: begin again.  Of the archive's upload? */
int found_quirk(struct attempt *at, bool of_archive);

/* told.c.  What the pieces of a member told. */
struct told {
    struct sched_told told;
    bool some;           /* they told something: */
    bool fresh, differs; /* it was not known, or is not what was */
    uint32_t known;
};
/* With at->lock, under which the scheduler told it: whoever makes the header
 * next finds it known. */
void crc_keep(struct attempt *at, struct told *t);
/* Without.  ranged: a range of the member was copied.  0, or the job has
 * been told. */
int crc_judge(struct attempt *at, const struct told *t, bool ranged);

/* scratch.c */
int scratch_create(struct attempt *at, const struct sched_task *t);
int scratch_put(struct attempt *at, const struct sched_task *t);
int scratch_complete(struct attempt *at, const struct sched_task *t);
int scratch_delete(struct attempt *at, const struct sched_task *t);
struct s3_where scratch_where(const struct attempt *at, uint32_t number,
                              char key[SCRATCH_MAX]);

/* complete.c: an archive of one part */
int archive_put(struct attempt *at, const struct sched_task *t);

/* The upload that t's part belongs to. */
struct upload *task_upload(struct attempt *at, const struct sched_task *t);
/* A part is there: what the store said of it. */
int part_sent(struct attempt *at, const struct sched_task *t,
              const struct s3_reply *o, const uint32_t *crc);
/* Of a PUT: who knows whether it was done? */
bool put_is_unclear(const struct s3_error *e);
/* The upload was completed or aborted by another: the job goes about it.
 * False: it was not, or too often. */
bool upload_vanished(struct attempt *at, const struct s3_error *e, int *ret);

#endif
