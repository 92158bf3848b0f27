/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One publish by many processes: shared by share.c and share_worker.c.
 */
#ifndef S3ZIPFS_PUBLISH_SHARE_H
#define S3ZIPFS_PUBLISH_SHARE_H

#include "publish/job.h"

enum {
    ID_PRINT = 16,       /* hex digits of the fingerprint in an id */
    BATCH = 8,           /* parts of others that are taken at a time */
    SETTLE_MS = 2000,    /* parts of others that are on their way */
    POLL_MS = 1000,      /* of ListParts */
    STILL_POLLS = 10,    /* without news: the coordinator sends parts */
    STILL_WORKER = 2,    /* a worker does, at the end */
    FINAL_LOOKS = 60,    /* for the archive of an upload that is gone */
    WORKERS_MAX = 10000, /* more than parts makes no sense */
};

enum share_state { SHARE_PROBE, SHARE_SEND, SHARE_LIST, SHARE_REST };

struct share {
    uint32_t workers;
    int32_t worker; /* -1: the coordinator */
    char *upload;   /* as it was given */
    publish_told_fn *told;
    void *user;
    enum share_state state;
    uint32_t known; /* parts that were there at the last look */
    unsigned still; /* looks without news */
    unsigned looks;
    char *id; /* the coordinator's upload, also after its end */
    job_fn *then;
};

/* ListParts, then(j). */
void share_list_parts(struct publish_job *j, job_fn *then);
void share_list_failed(struct publish_job *j);
/* Queues those of [first, end) that are missing; false if none is. */
bool share_send_range(struct publish_job *j, uint32_t first, uint32_t end);

#endif
