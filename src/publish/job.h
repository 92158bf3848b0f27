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
#include "publish/balance.h"
#include "publish/former.h"
#include "publish/journal.h"
#include "publish/part.h"
#include "publish/publisher.h"
#include "publish/rates.h"

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
    UPLOADS_MAX = 32, /* upload parts in flight, as far as memory goes */
    COPIES_MAX = 128,
    STAGES_MAX = 512, /* scratch uploads that are open */
    ASKS_MAX = 256,   /* CRCs that are asked for */
    CHECKS_MAX = 8,
    RESTARTS_MAX = 6,
    BUSY_MAX = 3,       /* new uploads after 409 */
    GONE_MAX = 2,       /* new uploads after others aborted ours */
    UNCLEAR_MAX = 3,    /* looks after an unclear end */
    PROBES = 64,        /* parts whose ranges go before other copies */
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
    struct work work;
    int r;               /* of the last work */
    struct err work_err; /* of the last work */
    size_t fault;        /* the member behind it, or count */
    struct err err;      /* of the job */
    struct s3_error s3err;
    struct s3_error refused; /* of a Complete that is looked into */

    enum plan_strategy strategy;
    struct plan plan;
    struct part *part; /* of all uploads */
    uint32_t parts;
    struct stage *stage; /* stages: the archive's is the last */
    uint32_t stages;
    struct piece *piece;
    struct copied *copied;
    uint32_t copied_count;
    uint32_t bodies;     /* copy parts with bytes of a member's body */
    uint32_t probe;      /* the first in the archive's upload that is not all
                            of its member, + 1; 0 = none; */
    uint32_t probes;     /* those that go before other copies */
    uint32_t plain;      /* upload parts without central headers */
    uint64_t work_bytes; /* of all parts */

    bool crc;         /* the archive's upload has the checksum algorithm */
    bool scratch_crc; /* those of scratch objects have it */
    bool never_crc;   /* not again in this job */
    bool force_full;  /* nothing but reading it all back will do */
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
    bool orphans_kept; /* some are there, or may be */
    job_fn *twins_gone;
    bool row_kept;         /* the journal's row stays, for another process; */
    bool id_lost;          /* or it stands for uploads whose id is unknown, */
    char initiator[128];   /* by that one; "" = unknown */
    struct delay timer;    /* of a sequence, or the parts' grace */
    struct delay patience; /* of cleaning, or of an end that is wanted */
    int64_t row;           /* of the journal, 0 = none */
    int64_t twins;         /* the row of what else Create may have made */
    int64_t intent;        /* seconds */
    char *upload_id;
    int64_t created;   /* seconds: the answer to Create */
    bool create_twice; /* it was sent again: there may be two */
    bool create_unclear, complete_unclear, send_size;
    struct found done; /* the finished object */
    bool finished;     /* it is there; */
    bool found;        /* after an unclear end: perhaps another host's */
    bool wrong;        /* it was read, and is not the archive */

    /* Those of scratch objects first, and the archive's first ranges; the
     * rest of the archive's. */
    struct part_queue copy_queue[2], upload_queue[2];
    struct part_queue stage_queue;  /* scratch objects that may begin */
    uint32_t next_ask, next_header; /* of copied[] */
    unsigned copies_busy, asks_busy, uploads_busy, stages_open, stage_calls;
    uint32_t parts_done, bodies_done, probes_done, reads_done;
    char scratch_prefix[STAGE_KEY_MAX - 16]; /* of its objects alone; "" */
    bool resumed;   /* a killed process began this upload */
    bool theirs;    /* another publish of the same archive was faster */
    uint32_t *note; /* for the journal: parts, and stages | NOTE_STAGE */
    size_t notes, notes_cap;
    uint32_t *note_out; /* being written */
    size_t notes_out;
    bool noting;
    struct work note_work;
    struct resume *resume;    /* what is asked of the store, one by one */
    struct share *share;      /* NULL: this process does it all */
    bool vanished;            /* a worker's upload was completed or aborted */
    bool never_scratch_crc;   /* not again in this job */
    bool scratch_unclear;     /* some may be there that are not known */
    atomic_bool scratch_kept; /* an upload or object of ours may be there */
    uint32_t next_clean;
    bool known_gone;
    struct scrub *scrub;
    struct event scrub_ev;
    job_fn *scratch_clean;
    struct former *former;     /* the archive that is at the destination */
    struct previous *previous; /* what is asked about it */
    bool no_former;            /* it cannot be copied from any more */
    bool previous_crc_known;
    uint32_t previous_crc; /* of it all, as the store has it */
    job_fn *then_planned;
    bool lock_asked;  /* no retention keeps scratch objects */
    uint32_t uploads; /* parts of that kind */
    struct upload *uploads_head;
    struct balance balance;
    uint64_t permit_id; /* a wait for permits */
    uint32_t permit_part;
    bool permit_waiting;
    struct event permit_ev;

    struct rates_mark rates;    /* since the first part, */
    struct rates_sample sample; /* and up to the last */
    uint64_t complete_ms;       /* Complete was sent */

    struct diagnosis *diagnosis; /* a member is read once */
    struct check *check;
    size_t check_count, check_next, check_done;
    unsigned check_busy;

    enum stop stop;
    bool stopping; /* calls were told */
    bool aborted;  /* somebody wanted the end, and that is why */
    bool hurry;    /* the store does not answer: clean no further */
    bool cleaned;  /* the store is asked nothing more */
    job_fn *clean_then;
    bool cut; /* parts were cut off: they may arrive yet */
    unsigned restarts, busy_answers, unclear, gone;
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

/* Part n of job->part, as planned. */
static inline const struct plan_part *
part_plan(const struct publish_job *j, uint32_t n)
{
    return n < j->plan.scratch_parts
               ? &j->plan.scratch_part[n]
               : &j->plan.part[n - j->plan.scratch_parts];
}

static inline uint64_t
part_len(const struct publish_job *j, uint32_t n)
{
    return plan_part_len(part_plan(j, n));
}

static inline struct stage *
part_stage(const struct publish_job *j, uint32_t n)
{
    return &j->stage[j->part[n].stage];
}

/* The stage that is the archive's upload. */
static inline struct stage *
job_last(const struct publish_job *j)
{
    return &j->stage[j->stages - 1];
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

/* The same of an object that is not the destination. */
void job_fail_object(struct publish_job *j, const struct s3_error *e,
                     const char *op, const char *bucket, const char *key,
                     size_t key_len);
/* Of Complete and PUT: who knows whether it was done? */
bool error_is_unclear(const struct s3_error *e);

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
void plan_run(struct publish_job *j); /* worker: j->r, j->work_err */
/* planned.c.  former: the archive to copy unchanged runs from, or NULL.
 * shared: the same plan on every machine.  auto takes a plan for which
 * begun(user, plan) is true before a better one; NULL: none is.  Blocks:
 * state file. */
typedef bool plan_begun(void *user, const struct plan *p);
int plan_make(struct publisher *p, struct layout *l, struct crc_set *crcs,
              const struct former *former, bool shared, plan_begun *begun,
              void *user, struct plan *ret, struct err *e);
/* previous.c: j->former, if there is an archive to copy from; then(j). */
void previous_begin(struct publish_job *j, job_fn *then);
/* The previous archive changed under a copy: begin again without it. */
void previous_gone(struct publish_job *j);
/* Plans, and asks what the plan needs to know; then(j). */
void plan_begin(struct publish_job *j, job_fn *then);
/* Is o the archive of this job, as far as is known? */
bool found_is_ours(const struct publish_job *j, const struct found *o);

/* finish.c */
void complete_begin(struct publish_job *j);
/* An upload whose bytes are the whole archive: PutObject. */
void put_send(struct publish_job *j, const struct iovec *iov, int count,
              uint32_t crc);

/* whole.c: worker */
int whole_crc(struct layout *l, struct crc_set *crcs, uint32_t *ret);
void whole_crc_run(struct publish_job *j); /* have_whole, whole */

/* verify.c */
void verify_begin(struct publish_job *j); /* job->done is the object */
void verify_step(struct publish_job *j);
void verify_cancel(struct publish_job *j);
void verify_free(struct publish_job *j);
/* Worker: the archive is there, and the row is not needed any more. */
void settle_run(struct publish_job *j);

/* fingerprint.c: hex SHA-256 of the plan: the same parts of the same
 * archive?  "" if it cannot be computed. */
void plan_fingerprint(const struct plan *p, const char digest[65],
                      char out[65]);

/* resume.c: goes on with the upload of a killed process; then(j), and
 * j->resumed if there is one. */
void resume_begin(struct publish_job *j, struct journal_row *row,
                  job_fn *then);
/* The upload was completed or aborted by another: the job goes about it.
 * False: it was not, or too often. */
bool upload_vanished(struct publish_job *j, const struct s3_error *e);
/* Takes over what ListParts said (j->call) of s. */
void resume_take(struct publish_job *j, struct stage *s);
bool resume_fits(struct publish_job *j, const struct journal_row *row);
/* A plan_begun of a job: is there a row of that plan?  What is known of the
 * store and of CRCs has changed since, and auto would choose another. */
bool resume_begun(void *user, const struct plan *p);

/* share.c: one publish by many processes */
int share_new(struct share **ret, const struct publish_share *how,
              struct err *e);
void share_free(struct share *s);
bool share_is_worker(const struct publish_job *j);
/* Can the plan be shared?  0, or -EINVAL with words. */
int share_check(const struct publish_job *j, struct err *e);
void share_join(struct publish_job *j); /* a worker's, once planned */
void share_open(struct publish_job *j); /* instead of all parts */
void share_step(struct publish_job *j);
/* After Complete: parts that are still on their way. */
void share_settle(struct publish_job *j, job_fn *then);
/* All calls are over: is the archive there? */
void share_look(struct publish_job *j);

/* sweep.c: uploads that a killed publish left */
void sweep_begin(struct publish_job *j);

/* orphans.c: uploads whose id was never known.  Aborts those at this key
 * that must be ours, begun in the minutes after intent, by initiator if that
 * is known; then(j), with j->orphans_kept if any may be left. */
void orphans_abort(struct publish_job *j, int64_t intent,
                   const char *initiator, job_fn *then);
void orphans_free(struct publish_job *j);
/* The job ends, and asks the store about none of them. */
bool orphans_give_up(const struct publish_job *j);
/* Aborts the uploads that a Create made whose answer was lost, beside the
 * one that is ours, while that one is there to be compared with. */
void twins_abort(struct publish_job *j, job_fn *then);

#endif
