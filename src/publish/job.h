/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of this room share: the publisher, a job, its parts, and
 * who may touch what.
 *
 * A job is a strand: completions only store their answer in the call that
 * they belong to and post it; one thread at a time takes what was posted
 * and runs the job (strand.c).  So everything marked "strand" needs no
 * lock, and no lock is held when another room is called.  Must not be
 * included from other rooms.
 */
#ifndef S3ZIPFS_PUBLISH_JOB_H
#define S3ZIPFS_PUBLISH_JOB_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "publish/publish.h"

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
};
struct s3_upload_copy {
    char *upload_id;
    int64_t initiated;
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

/* -------------------------------------------------------------- parts */

enum part_state { PART_WAIT, PART_BUSY, PART_READ, PART_DONE };

/* Body bytes of a copied member inside an upload part: a donation. */
struct donation {
    int32_t copied;      /* index into job->copied, -1 = none */
    uint64_t first, end; /* of the archive */
    bool have_crc;
    uint32_t crc;
};
enum { DON_HEAD, DON_TAIL, DON_COUNT };

struct part {
    uint8_t state; /* enum part_state; PART_READ: sent, not answered */
    bool have_crc;
    bool directory; /* an upload that holds central headers */
    bool ranged;    /* a copy that is not the whole member */
    int32_t copied; /* a copy: its member; an upload: the copied member
                       whose local header it holds, or -1 */
    uint32_t crc;
    uint64_t data; /* an upload: body bytes, to be downloaded */
    char *etag;
    struct donation don[DON_COUNT]; /* of uploads */
    struct event ev;                /* a copy's answer */
    struct publish_job *job;
    s3_id id;
    bool looks; /* id is a HEAD of the source */
    int attempts, source_err;
    struct s3_error *e; /* a copy's error, malloc, NULL = none */
};

enum ask { ASK_NOT, ASK_SENT, ASK_ANSWERED };

/* A member of which at least one range is copied. */
struct copied {
    uint32_t member;
    uint32_t first_part, last_part;    /* those that overlap its body */
    uint32_t copies_left, pieces_left; /* without CRC */
    bool ranged;
    bool has_stored; /* the cheap rungs knew its CRC */
    uint8_t ask;     /* enum ask: the cheap rungs */
    struct event ev;
    struct publish_job *job;
    uint64_t id;
    int r;
    struct err err;
};

struct upload; /* an upload part in flight: upload.c */

/* A range that is read back: verify.c. */
struct check;

/* ---------------------------------------------------------- publisher */

/* What the store's answers taught us; for as long as the process lives. */
struct caps {
    bool no_part_crc; /* copies into a checksum upload: none, or refused */
    bool range_bad;   /* ranged copies of CRC32 sources: whole's CRC */
    bool range_good;  /* ranged copies of CRC32 sources: seen right */
    bool copies_good; /* a publish with copies was verified by the store */
    bool no_size;     /* x-amz-mp-object-size: 501 */
    bool no_copy;     /* no part copy */
};

struct publisher {
    atomic_int refs;
    struct publisher_deps d;
    struct permits *permits; /* bytes of upload parts in flight */
    uint64_t seg_max;        /* bytes of one read_range */
    char owner[STATE_OWNER_MAX]; /* of journal rows */
    pthread_mutex_t lock;    /* all below */
    pthread_cond_t idle;
    struct publish_job *jobs; /* newest first; the list holds a reference */
    unsigned running;
    bool closing;
    struct caps caps;
};
void publisher_unref(struct publisher *p);
struct caps publisher_caps(struct publisher *p);
/* Sets one field of p->caps to true; says so in the log the first time. */
void publisher_learn(struct publisher *p, bool *cap, const char *words);
/* The job has ended: its destination is free; then: its waiters know. */
void publisher_ended(struct publisher *p, struct publish_job *j);
void publisher_quiet(struct publisher *p);

/* ---------------------------------------------------------------- job */

enum phase {
    PHASE_PREPARE, /* one call or work after the other */
    PHASE_ASK,     /* do copied members have a stored CRC32? */
    PHASE_PARTS,
    PHASE_END,   /* complete, look, verify: one after the other */
    PHASE_CHECK, /* ranges are read back */
    PHASE_CLEAN,
    PHASE_OVER,
};
enum stop { STOP_NONE, STOP_RESTART, STOP_FAIL };

enum {
    UPLOADS_MAX = 16, /* upload parts in flight */
    COPIES_MAX = 32,
    CHECKS_MAX = 8,
    RESTARTS_MAX = 6,
    BUSY_MAX = 3,       /* new uploads after 409 */
    UNCLEAR_MAX = 3,    /* looks after an unclear end */
    READY_WINDOW = 256, /* waiting upload parts that are looked at */
};

struct waiter {
    struct waiter *next;
    uint64_t id;
    publish_cb *cb;
    void *user;
};

struct publish_job {
    /* constant */
    atomic_int refs;
    struct publisher *p; /* referenced */
    char digest[65];
    char *bucket, *key;
    size_t key_len;
    char *dir_bucket, *dir_prefix; /* the layout's */

    struct publish_job *next; /* publisher's lock */
    bool running, failing;    /* publisher's lock */
    uint64_t started_ms;      /* constant */

    pthread_mutex_t lock; /* all below, to "strand" */
    struct event *queue, **queue_end;
    bool busy; /* a thread is on the strand */
    struct publish_status st;
    struct waiter *waiters;
    uint64_t last_waiter;
    bool ended;
    bool abort_posted;
    int abort_why;        /* the first reason, 0 = none */
    unsigned abort_asked; /* times */

    /* strand */
    struct event start_ev, abort_ev;
    struct layout *layout; /* these four: NULL once over */
    struct reader *reader;
    struct crc_set *crcs;
    struct read_stream *stream;
    enum phase phase;
    unsigned inflight; /* calls and works not answered */
    struct call call;
    struct work work, id_work;
    int r;               /* of the last work */
    struct err work_err; /* of the last work */
    size_t fault;        /* the member behind it, or count */
    struct err err;      /* of the job */
    struct s3_error s3err;

    enum plan_strategy strategy;
    struct plan plan;
    struct part *part;       /* plan.count */
    uint32_t *copy_order;    /* ranged ones first */
    uint32_t copies, ranged; /* copy parts; those with a range */
    struct copied *copied;
    uint32_t copied_count;

    bool crc;        /* this upload has the checksum algorithm */
    bool never_crc;  /* not again in this job */
    bool force_full; /* nothing but reading it all back will do */
    bool have_whole;
    uint32_t whole;        /* CRC-32 of the archive */
    bool noop;             /* it is there already */
    const char *noop_word; /* then: how that is known */
    bool if_none_match;
    char if_match[320]; /* the object that is to be replaced, "" */

    struct journal_row *left; /* of killed publishes */
    size_t left_count, left_next;
    struct s3_upload_copy *orphan; /* to be aborted */
    size_t orphan_count, orphan_next;
    job_fn *orphans_gone;
    bool orphans_kept;     /* some could not be aborted */
    struct delay timer;    /* of a sequence, or the parts' grace */
    struct delay patience; /* of cleaning, or of an end that is wanted */
    int64_t row;           /* of the journal, 0 = none */
    int64_t intent;        /* seconds */
    char *upload_id;
    int64_t created;   /* seconds: the answer to Create */
    bool create_twice; /* it was sent again: there may be two */
    bool create_unclear, complete_unclear, send_size;
    struct found done; /* the finished object */
    bool finished;     /* it is there */

    uint32_t next_copy, next_upload, next_ask;
    unsigned copies_busy, asks_busy, uploads_busy;
    uint32_t parts_done, copies_done, ranged_done, reads_done;
    uint32_t plain; /* upload parts without central headers */
    struct upload *uploads_head;
    uint64_t permit_id; /* a wait for permits */
    uint32_t permit_part;
    bool permit_waiting;
    struct event permit_ev;

    struct diagnosis *diagnosis; /* a member is read once */
    struct check *check;
    size_t check_count, check_next, check_done;
    unsigned check_busy;

    enum stop stop;
    bool stopping; /* calls were told */
    bool hurry;    /* the store does not answer: clean no further */
    bool cleaned;  /* the store is asked nothing more */
    job_fn *clean_then;
    bool cut; /* parts were cut off: they may arrive yet */
    unsigned restarts, busy_answers, unclear;
};

static inline const struct zip_layout *
job_zip(const struct publish_job *j)
{
    return &j->layout->zip;
}

static inline const struct zip_member *
job_member(const struct publish_job *j, uint32_t member)
{
    return &j->layout->zip.member[member];
}

static inline uint64_t
part_len(const struct publish_job *j, uint32_t n)
{
    return j->plan.part[n].end - j->plan.part[n].first;
}

static inline struct s3_where
job_where(const struct publish_job *j)
{
    return (struct s3_where){j->bucket, j->key, j->key_len, true};
}

/* job.c, stop.c, watch.c */
int job_new(struct publish_job **ret, struct publisher *p, struct reader *r,
            const struct publish_dest *dest);
void job_start(struct publish_job *j);
void job_step(struct publish_job *j); /* strand: after every event */
void job_done(struct publish_job *j, const char *verified, bool noop);
/* Ends the job, or this upload; the first failure counts. */
void job_fail(struct publish_job *j, int num, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void job_fail_err(struct publish_job *j, int r, const struct err *e);
void job_fail_s3(struct publish_job *j, const struct s3_error *e,
                 const char *op);
void job_fail_member(struct publish_job *j, const struct s3_error *e,
                     const char *op, uint32_t member);
void job_restart(struct publish_job *j, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Nothing is in flight and nothing is left behind: the end. */
void job_over(struct publish_job *j);
void job_set_state(struct publish_job *j, enum publish_state s);
/* The fault is this member's. */
void job_blame(struct publish_job *j, uint32_t member);
/* Add to a counter of st. */
void job_count(struct publish_job *j, uint64_t *counter, uint64_t n);
void job_retries(struct publish_job *j, const struct s3_error *e);
int publish_errno(int r);

/* attempt.c: one upload from its first call to its last part */
void job_attempt(struct publish_job *j);
void attempt_again(struct publish_job *j); /* plans again */
void attempt_create(struct publish_job *j);

/* clean.c */
void clean_begin(struct publish_job *j);
/* From now on the store has so long to answer. */
void clean_hurry_in(struct publish_job *j, uint64_t ms);
void clean_hurry(struct publish_job *j);

/* prepare.c */
void prepare(struct publish_job *j);
void plan_run(struct publish_job *j); /* worker: j->r, j->err */
int plan_make(struct publisher *p, struct layout *l, struct plan *ret,
              enum plan_strategy s, struct err *e);
enum plan_strategy plan_strategy_of(struct publisher *p);
/* Is o the archive of this job, as far as is known? */
bool found_is_ours(const struct publish_job *j, const struct found *o);

/* pieces.c: the CRCs of copied members */
int pieces_build(struct publish_job *j);
void pieces_free(struct publish_job *j);
void piece_copied(struct publish_job *j, uint32_t part);
void piece_donated(struct publish_job *j, int32_t copied);
void copied_ask(struct publish_job *j, struct copied *c);
void pieces_cancel(struct publish_job *j);
bool copied_wants_ask(struct publish_job *j, const struct copied *c);

/* diagnose.c */
void diagnose(struct publish_job *j, uint32_t member, uint32_t known);
void diagnose_cancel(struct publish_job *j);

/* parts.c */
void parts_begin(struct publish_job *j);
void parts_step(struct publish_job *j);
/* Ends what only reads; parts on their way to the store go on. */
void parts_cancel(struct publish_job *j);
bool parts_sending(const struct publish_job *j);
void parts_cut(struct publish_job *j); /* ends those too */
void parts_reset(struct publish_job *j);
void part_finished(struct publish_job *j, uint32_t n);
bool dep_known(struct publish_job *j, const struct part *p);

/* copy.c */
void copy_send(struct publish_job *j, uint32_t n);

/* upload.c */
void upload_start(struct publish_job *j, uint32_t n);
void upload_advance(struct publish_job *j);
void upload_cancel(struct publish_job *j); /* their reads */
bool upload_sending(const struct publish_job *j);
void upload_cut(struct publish_job *j);
/* The one part was sent by put_send; its bytes are not needed any more. */
void upload_put_over(struct publish_job *j);

/* finish.c */
void complete_begin(struct publish_job *j);
/* An upload whose bytes are the whole archive: PutObject. */
void put_send(struct publish_job *j, const struct iovec *iov, int count,
              uint32_t crc);

/* verify.c */
int whole_crc(struct layout *l, struct crc_set *crcs, uint32_t *ret);
void whole_crc_run(struct publish_job *j); /* worker: have_whole, whole */
void verify_begin(struct publish_job *j);  /* job->done is the object */
void verify_step(struct publish_job *j);
void verify_cancel(struct publish_job *j);
void verify_free(struct publish_job *j);

/* journal.c: worker thread only */
struct journal_row {
    int64_t id, intent;
    char *upload_id; /* NULL if the process died before it knew */
    char initiator[128];
    bool alive; /* its process runs */
    bool gone;  /* its upload was aborted: remove the row */
};
int64_t journal_intent(struct publish_job *j, int64_t now);
void journal_upload(struct publish_job *j);
void journal_remove(struct publish_job *j, int64_t row);
int journal_left(struct publish_job *j, struct journal_row **ret,
                 size_t *count);
void journal_rows_free(struct journal_row *rows, size_t count);

/* sweep.c: uploads that a killed publish left */
void sweep_begin(struct publish_job *j);
/* Aborts what ListMultipartUploads shows of this key, begun in the minutes
 * after intent, by initiator if that is known. */
void orphans_abort(struct publish_job *j, int64_t intent,
                   const char *initiator, job_fn *then);
void orphans_free(struct publish_job *j);
/* Aborts the uploads that a Create made whose answer was lost, beside the
 * one that is ours, while that one is there to be compared with. */
void twins_abort(struct publish_job *j, job_fn *then);

#endif
