/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The strand of a job, and the adapters that turn an answer of another
 * room into an event on it.  Private to the room.
 */
#ifndef S3ZIPFS_PUBLISH_CALLS_H
#define S3ZIPFS_PUBLISH_CALLS_H

#include "publish/publish.h"
#include "s3/multipart.h"

struct publish_job;

/* ------------------------------------------------------------- strand */

struct event;
typedef void event_fn(struct publish_job *j, struct event *ev);
struct event {
    struct event *next;
    event_fn *fn;
};
/* Any thread: fn(j, ev) will run on the strand (maybe before return).  ev
 * is the caller's and must not be posted twice at a time. */
void job_post(struct publish_job *j, struct event *ev, event_fn *fn);

typedef void job_fn(struct publish_job *j);

/* Blocking work on net's worker thread: run there, then on the strand. */
struct work {
    struct event ev;
    struct publish_job *job;
    job_fn *run, *then;
};
void job_work(struct publish_job *j, struct work *w, job_fn *run,
              job_fn *then);

/* -------------------------------------------------------------- calls */

/* What an answer said of an object. */
struct found {
    uint64_t size;
    bool have_crc;
    uint32_t crc;
    char etag[320], digest[80], version[1100];
};

/* The job's one call of a sequence (HEAD, create, complete, abort...). */
struct call {
    struct event ev;
    struct publish_job *job;
    job_fn *then;
    s3_id id;
    struct s3_error e;
    struct found o;
    char *upload_id;             /* of a create */
    struct s3_upload_copy *left; /* of a list of uploads */
    size_t left_count;
    bool retention;        /* of a question for the bucket's lock */
    struct listed *listed; /* of a list of parts */
    size_t listed_count;
    bool listed_crc; /* the upload has the algorithm */
};
struct listed {
    uint32_t number;
    uint64_t size;
    char *etag;
    bool have_crc;
    uint32_t crc;
};
struct s3_upload_copy {
    char *key; /* NUL-terminated */
    char *upload_id;
    int64_t initiated, age; /* as in s3_upload */
    int64_t begun_first, begun_last;
    char initiator[128];
};
/* Before the submission; the callbacks below end it. */
struct call *call_begin(struct publish_job *j, job_fn *then);
void call_object_cb(void *user, const struct s3_error *e,
                    const struct s3_object *o);
void call_done_cb(void *user, const struct s3_error *e);
void call_create_cb(void *user, const struct s3_error *e,
                    const char *upload_id);
void call_complete_cb(void *user, const struct s3_error *e,
                      const struct s3_completed *c);
void call_uploads_cb(void *user, const struct s3_error *e,
                     const struct s3_upload *u, size_t count);
void call_parts_cb(void *user, const struct s3_error *e,
                   const struct s3_parts *p);
void call_lock_cb(void *user, const struct s3_error *e, bool retention);
void call_left_free(struct call *c);
/* then on the strand after a while.  After a cancel, d->id is 0 if then
 * will not be called; else it is about to be. */
struct delay {
    struct event ev;
    struct publish_job *job;
    uint64_t id; /* 0 = not waiting */
    job_fn *then;
};
void job_later(struct publish_job *j, struct delay *d, uint64_t ms,
               job_fn *then);
void job_later_cancel(struct publish_job *j, struct delay *d);

#endif
