/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Making an archive real: jobs that execute a plan, check what the store
 * answers, and leave nothing behind when they fail.
 *
 * Threads: calls from any thread; callbacks without locks.  Must not know
 * FUSE.
 */
#ifndef S3ZIPFS_PUBLISH_PUBLISH_H
#define S3ZIPFS_PUBLISH_PUBLISH_H

#include "conf/conf.h"
#include "crc/crc.h"
#include "plan/plan.h"
#include "read/read.h"
#include "s3/cleanup.h"
#include "state/state.h"

/* One per mount or command: the jobs, what was learned of the store, the
 * journal. */
struct publisher;
struct publisher_deps { /* borrowed for the life of the publisher */
    struct net *net;
    struct s3 *s3;      /* sources */
    struct s3 *s3_dest; /* destinations; may be the same */
    struct state *state;
    struct read_pool *pool;
    const struct conf *conf;
    struct index *index; /* invalidated after a publish; may be NULL */
    const char *root;    /* key prefix of the mount, that include= and
                            exclude= leave out; NULL = the layout's own */
    const struct plan_limits *limits; /* of the store; NULL = S3's */
};
int publisher_new(struct publisher **ret, const struct publisher_deps *d,
                  struct err *e);
/* Aborts every job with -ECONNABORTED and waits until their uploads are
 * gone (bounded: 10 s).  Not from a callback. */
void publisher_free(struct publisher *p);

/* Where a publish may go: parses value ('' = own key, "/key",
 * "s3://bucket/key"), checks publish=, publish_to= and that the
 * destination is not a member of l.  0, -EINVAL, -EPERM. */
struct publish_dest {
    char *bucket, *key;
};
int publish_dest_parse(struct publisher *p, const struct layout *l,
                       const char *value, size_t len, struct publish_dest *ret,
                       struct err *e);
void publish_dest_free(struct publish_dest *d);

enum publish_state {
    PUBLISH_NONE,
    PUBLISH_PLANNING,
    PUBLISH_RUNNING,
    PUBLISH_COMPLETING,
    PUBLISH_DONE,
    PUBLISH_FAILED,
    PUBLISH_CANCELLED,
};

/* A snapshot of a job, for status lines and the progress bar. */
struct publish_status {
    enum publish_state state;
    bool noop;            /* the same layout was there already */
    const char *strategy; /* of the plan, NULL = not yet */
    char dest[1100];      /* s3://bucket/key, escaped */
    uint64_t parts, parts_done;
    uint64_t bytes;
    uint64_t uploaded, copied; /* of the last attempt, so far */
    uint64_t downloaded;       /* of all */
    uint64_t resumed;          /* of parts that a killed process had sent */
    uint64_t wasted; /* uploaded and copied, of those before the last */
    uint64_t work, work_done; /* bytes of all parts, scratch objects' too */
    uint64_t retries, restarts;
    uint64_t started_ms, now_ms, ended_ms;
    char etag[128];
    bool have_crc32;
    uint32_t crc32;
    const char *verified;  /* "store-crc", "readback-headers", "full", "" */
    struct s3_error error; /* the S3 answer behind a failure, if any */
    struct err err;        /* final error; num 0 = none */
    char key[1100];        /* the member at fault, escaped; "" */
};

/* A job.  Refcounted; belongs to the directory (layout->prefix). */
struct publish_job;
struct publish_job *publish_job_ref(struct publish_job *j);
void publish_job_unref(struct publish_job *j);

/* Start publishing what r reads to dest.  Another job on that destination:
 * -EBUSY, unless it has the same layout: then that job is returned again
 * (joined).  Other refusals come through the job.  overwrite: conf's, or
 * true.  The job runs whether or not somebody waits. */
int publish_start(struct publisher *p, struct reader *r,
                  const struct publish_dest *dest, struct publish_job **ret,
                  struct err *e);
/* One publish by many processes, each with the same layout and options
 * (duo or stream; bandwidth and the like do not matter). */
typedef void publish_told_fn(void *user, const char *upload);
struct publish_share {
    uint32_t workers;
    int32_t worker;        /* 0 .. workers - 1, or -1: the coordinator, which
                              creates the upload and completes it */
    const char *upload;    /* a worker's: what the coordinator was told */
    publish_told_fn *told; /* the coordinator's: workers may begin (the job's
                              thread; called again after a new upload) */
    void *user;
};
/* The same, as one of them.  A worker's job is done when all parts are
 * there, and its failure leaves the upload to the others. */
int publish_start_shared(struct publisher *p, struct reader *r,
                         const struct publish_dest *dest,
                         const struct publish_share *share,
                         struct publish_job **ret, struct err *e);
/* Called once when the job has ended (at once if it has): r is the errno
 * that setxattr answers (s3zipfs(1), ERRORS).  Returns an id, 0 if
 * answered. */
typedef void publish_cb(void *user, int r, const struct err *e);
uint64_t publish_wait(struct publish_job *j, publish_cb *cb, void *user);
/* True if cb will not be called. */
bool publish_wait_cancel(struct publish_job *j, uint64_t id);
/* Ends the job: -EINTR (Ctrl-C), -ECANCELED (setfattr -x) or
 * -ECONNABORTED; its upload is aborted before the waiters hear of it. */
void publish_abort(struct publish_job *j, int why);
void publish_job_status(struct publish_job *j, struct publish_status *ret);

/* Jobs of a directory: calls fn for the newest (always, if there is one)
 * and every running one. */
void publish_jobs(struct publisher *p, const char *bucket, const char *prefix,
                  void (*fn)(void *user, struct publish_job *j), void *user);
/* "name: value" lines of s3zipfs(1), bounded; for user.publish.status. */
int publish_status_text(struct buf *out, const struct publish_status *s);
/* The same in one line, "job: ..." (a running job beside the newest). */
int publish_status_line(struct buf *out, const struct publish_status *s);
/* The manual's list of those names (pod), from the same table. */
int publish_status_pod(struct buf *out);
int publish_status_json(struct buf *out, const struct publish_status *s);
const char *publish_state_name(enum publish_state s);

/* The archive at dest, to copy from what did not change: by its own central
 * directory (a HEAD and two GETs) and the CRCs that are known.  NULL: there
 * is none, or none of ours.  Blocks. */
struct previous;
struct previous *publish_previous(struct publisher *p, struct reader *r,
                                  const struct publish_dest *dest);
void previous_free(struct previous *prev); /* NULL is legal */

/* The plan that a publish of r would execute: its requests before the
 * parts, for CRCs and for reading back are counted too, by what is known of
 * CRCs and of the store.  prev: the archive at its destination, NULL =
 * none. */
int publish_plan(struct publisher *p, struct reader *r,
                 const struct previous *prev, struct plan *ret,
                 struct err *e);
/* Its strategy; PLAN_MIXED: plan_choose's best. */
enum plan_strategy publish_strategy(struct publisher *p,
                                    const struct previous *prev);
/* What plan/ is asked for that; for plans by other strategies.  It borrows
 * prev, and *way, which is the caller's (free).  origins (of the rates) may
 * be NULL.  0 or -ENOMEM. */
int publish_ask(struct publisher *p, struct reader *r,
                const struct previous *prev, struct plan_ask *ret,
                struct plan_origins *origins, uint8_t **way, struct err *e);
/* The rates that plans reckon with: options first, then assumed ones. */
void publish_rates(struct plan_rates *ret, struct plan_origins *origins,
                   const struct conf *c);

/* ------------------------------------------------------------- cleanup */

/* Removes what killed publishes to destinations below prefix ("" or ending
 * in '/'; the key without that '/' too) left, as far as the journal says
 * that it is ours, and empty uploads there that a killed one may have begun
 * (s3/cleanup.h).  fn for each thing, on this thread.  Blocks.  0; -ENOENT:
 * there is no state file. */
int publish_cleanup(struct publisher *p, const char *bucket,
                    const char *prefix, s3_cleaned_cb *fn, void *user,
                    struct err *e);

#endif
