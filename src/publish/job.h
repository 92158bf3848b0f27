/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of this room share: a job, and one attempt of it.
 *
 * A job is a thread.  publish() in job.c is its story from top to bottom;
 * each step is a function that returns 0 to go on, or else: then the job
 * has been told why (job_fail, job_again), and the step's caller returns
 * too.  While an attempt sends its parts it has more threads (crew.c), each
 * of which does one task after the other (task.c).  Nobody waits but in a
 * scope (net/scope.h), and a stop ends every wait.
 *
 * Must not be included from other rooms.
 */
#ifndef S3ZIPFS_PUBLISH_JOB_H
#define S3ZIPFS_PUBLISH_JOB_H

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "net/scope.h"
#include "net/threads.h"
#include "publish/publisher.h"
#include "publish/sched.h"
#include "s3/cleanup.h"
#include "s3/sync.h"
#include "s3/upload.h"
#include "state/journal.h"

/* ---------------------------------------------------------------- job */

/* How a job or an attempt goes on: the first stop counts. */
enum stop { STOP_NONE, STOP_AGAIN, STOP_FAIL };
/* What a step returns beside 0 and -errno. */
enum { AGAIN = 1 };

enum {
    RESTARTS_MAX = 6,
    BUSY_MAX = 3,    /* new uploads after 409 */
    GONE_MAX = 2,    /* new uploads after others aborted ours */
    UNCLEAR_MAX = 3, /* looks after an unclear end */
};

/* What one attempt taught the next. */
struct lessons {
    bool no_crc;         /* the archive's upload: without the algorithm */
    bool no_scratch_crc; /* those of scratch objects */
    bool read_all;       /* nothing but reading all of it back will do */
    bool no_previous;    /* nothing is copied from the archive there */
    bool lock_asked;     /* the bucket does not keep objects for a while */
    bool stream;         /* the store cannot copy what is there */
    bool theirs;         /* another publish of the archive was faster */
    unsigned restarts, busy, gone;
};

/* What is at the destination. */
struct target {
    bool there;        /* then it may be replaced, under its ETag; */
    bool free;         /* else the key must be free (not known: neither) */
    bool noop;         /* it is the archive already; */
    const char *how;   /* how that is known */
    struct s3_reply o; /* of the object, if there is one */
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
    struct publish_dest dest;
    char *dir_bucket, *dir_prefix; /* the layout's */
    struct share *share;           /* one publish by many; NULL */

    struct publish_job *next; /* publisher's lock */
    bool running, failing;    /* publisher's lock */

    pthread_mutex_t lock; /* to `ended` */
    struct publish_status st;
    struct waiter *waiters;
    uint64_t last_waiter;
    struct scope *scope; /* of every wait: stopped with the attempt */
    struct scope *last;  /* of what must be done after a stop */
    enum stop stop;
    bool aborted; /* somebody wanted the end, and that is why */
    struct err err;
    struct s3_error s3err;
    bool ended;

    /* the job's thread; its crew reads */
    struct layout *layout; /* these five: NULL once ended */
    struct reader *reader;
    struct crc_set *crcs;
    struct read_stream *stream;
    struct previous *previous; /* the archive there, to copy from; NULL */
    struct lessons lessons;    /* written with the lock */
    struct target target;
    struct journal_row *left; /* of killed publishes */
    size_t left_count;
    bool have_whole;
    uint32_t whole; /* CRC-32 of the archive */
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

static inline struct s3_where
job_where(const struct publish_job *j)
{
    return (struct s3_where){j->dest.bucket, j->dest.key, strlen(j->dest.key),
                             true};
}

static inline struct s3_where
member_where(const struct publish_job *j, const struct zip_member *m)
{
    return (struct s3_where){j->layout->bucket, m->key, m->key_len, false};
}

/* job.c */
int job_new(struct publish_job **ret, struct publisher *p, struct reader *r,
            const struct publish_dest *dest);
/* Its thread.  0 or -EAGAIN. */
int job_start(struct publish_job *j);

/* How uploads were created, and what their end needs: in the journal. */
enum { ROW_CRC = 1, ROW_SCRATCH_CRC = 2, ROW_FULL = 4 };

/* stop.c: ends the attempt; the return value is the step's own.  Words are
 * made here. */
int job_fail(struct publish_job *j, int num, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int job_fail_err(struct publish_job *j, int r, const struct err *e);
/* e is of a call for the object at; ... */
int job_fail_s3(struct publish_job *j, const struct s3_error *e,
                const char *op, const struct s3_where *at);
/* ...or for that member. */
int job_fail_member(struct publish_job *j, const struct s3_error *e,
                    const char *op, uint32_t member);
int job_again(struct publish_job *j, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Of this step or another thread: STOP_NONE if all goes on. */
enum stop job_stopped(struct publish_job *j);
/* The fault is this member's. */
int job_fail_of(struct publish_job *j, int num, uint32_t member,
                const char *text);
/* For the next attempt: as at the start.  Or the failure. */
int job_renew(struct publish_job *j);
/* 0, AGAIN or the failure. */
int job_result(struct publish_job *j);
/* Sets one of j->lessons (NULL: none). */
void job_learn(struct publish_job *j, bool *lesson);
/* A Complete was refused for its size header: without it, again. */
bool learn_no_size(struct publish_job *j, const struct s3_error *e, bool sent);
/* How long a clean end may take. */
unsigned job_patience_ms(struct publish_job *j);
int publish_errno(int r);

/* The archive is there. */
void job_done(struct publish_job *j, const struct s3_reply *o,
              const char *verified, bool noop);
/* What others see. */
void job_set_state(struct publish_job *j, enum publish_state s);
void job_count(struct publish_job *j, uint64_t *counter, uint64_t n);
void job_retries(struct publish_job *j, const struct s3_error *e);

/* look.c: before the first byte */
int look(struct publish_job *j);
/* What dead ones left goes, but for what was taken over. */
int left_clean(struct publish_job *j);
/* Is o the archive of this job, as far as is known? */
bool is_ours(const struct publish_job *j, const struct s3_reply *o);

/* planned.c.  previous: the archive to copy unchanged runs from, or NULL.
 * forced: this strategy, PLAN_STRATEGIES: conf's.
 * shared: the same plan on every machine.  auto takes a plan for which
 * begun(user, plan) is true before a better one; NULL: none is. */
typedef bool plan_begun(void *user, const struct plan *p);
int plan_make(struct publisher *p, struct layout *l, struct crc_set *crcs,
              const struct previous *previous, enum plan_strategy forced,
              bool shared, plan_begun *begun, void *user, struct plan *ret,
              struct err *e);

/* previous.c: j->previous, if there is an archive to copy from */
void previous_load(struct publish_job *j);
const struct zip_layout *previous_zip(const struct previous *p);
bool previous_stored(const struct previous *p); /* a CRC-32, by the store */

/* whole.c: hex SHA-256 of the plan: the same parts of the same archive?
 * "" if it cannot be computed. */
void plan_fingerprint(const struct plan *p, const char digest[65],
                      char out[65]);
/* The archive's CRC-32 from its members'; -ENODATA if one is not known. */
int whole_crc(struct layout *l, struct crc_set *crcs, uint32_t *ret);
void job_whole(struct publish_job *j); /* have_whole, whole */

/* wait.c: callbacks of other rooms, for threads that may wait.  0, or
 * -errno, also why the scope was stopped. */
int crc_wait(struct scope *sc, struct crc_set *set, size_t member,
             unsigned flags, uint32_t *ret, struct err *e);
int permits_wait(struct scope *sc, struct permits *p, uint64_t n);

/* ------------------------------------------------------------- attempt */

enum { SCRATCH_MAX = 1200 }; /* bytes of a scratch key */

/* What the store said of a part that it has. */
struct sent {
    char *etag;
    uint32_t crc;
    bool have_crc;
};

/* A scratch object. */
struct scratch {
    struct upload *up;    /* while it is open */
    char *etag, *version; /* when it is there */
    uint32_t whole;      /* its CRC-32, if the upload has the algorithm */
    bool have_whole;
    bool deleted;
};

/* How many calls may be in flight, and whether more would pay: crew.c. */
struct pace {
    struct sched_limits limits;
    uint64_t since_ms;
    unsigned answers;
    double best; /* answers a millisecond */
};

/* One upload from its plan to its end, and what belongs to it. */
struct attempt {
    struct publish_job *j;
    struct plan plan;
    uint32_t parts; /* of all uploads: scratch objects' first */
    bool crc;       /* the archive's upload has the checksum algorithm */
    bool scratch_crc;
    char prefix[SCRATCH_MAX - 16]; /* of its scratch objects alone; "" */
    struct upload up;              /* the archive's, and the journal's row */
    struct journal_notes *notes;

    pthread_mutex_t lock; /* to `reading`; held across no call */
    pthread_cond_t wake;  /* there may be more to do */
    pthread_cond_t news;  /* for the job's own thread */
    struct sched *sched;
    struct sent *sent;       /* each written by who has its task */
    struct scratch *scratch; /* the same */
    struct pace pace;
    unsigned threads, idle; /* of the crew */
    bool leaving;           /* nobody waits for more to do */

    atomic_bool vanished;  /* the upload was ended by another */
    atomic_bool unclear;   /* an answer about a scratch object was lost */
    atomic_bool kept;      /* a scratch object could not be removed */
    bool no_deletes;       /* nor will others: it is not allowed */
    bool resumed;         /* a killed process began this upload */
    bool put;             /* it is one PutObject */
    bool complete_unclear; /* Complete was sent, and not answered */
    bool finished;        /* the archive is there; */
    bool found;           /* after an unclear end: perhaps another host's */
    bool wrong;           /* it was read, and is not the archive */
    struct s3_reply done; /* the finished object */
    char *share_id;        /* the upload that workers were told of */
};
void attempt_init(struct attempt *at, struct publish_job *j);
void attempt_free(struct attempt *at);

/* Part n, of all uploads. */
static inline const struct plan_part *
part_plan(const struct attempt *at, uint32_t n)
{
    return n < at->plan.scratch_parts
               ? &at->plan.scratch_part[n]
               : &at->plan.part[n - at->plan.scratch_parts];
}

static inline uint64_t
part_len(const struct attempt *at, uint32_t n)
{
    return plan_part_len(part_plan(at, n));
}

/* Is n a part of the archive's own upload? */
static inline bool
part_is_last(const struct attempt *at, uint32_t n)
{
    return n >= at->plan.scratch_parts;
}
/* Not all of its source? */
bool part_is_ranged(const struct attempt *at, uint32_t n);

/* attempt.c */
int attempt(struct publish_job *j);
/* Its first steps, for who goes on otherwise (share.c). */
int attempt_plan(struct attempt *at);
int attempt_sched(struct attempt *at);
void attempt_upload_args(struct attempt *at, struct upload_args *ret,
                         struct journal_new *row, char plan[65]);

/* resume.c: goes on with the upload of a killed process, if there is one
 * (at->resumed); then what it has. */
int resume(struct attempt *at);
int resume_take(struct attempt *at);
/* Is there a row of that plan?  What is known of the store and of CRCs has
 * changed since, and auto would choose another. */
bool resume_begun(struct publish_job *j, const struct plan *p);
/* ListParts of up, whose parts are first .. first + count; ret_crc may be
 * NULL: has it the algorithm?  0, -ENOENT: it is gone, or -errno. */
int take_listed(struct attempt *at, uint32_t first, uint32_t count,
                const struct upload *up, bool *ret_crc);

/* complete.c: 0: at->done is there; else the job has been told */
int complete(struct attempt *at);
/* After a stop: is it there all the same? */
bool complete_look(struct attempt *at, struct scope *sc);

/* verify.c: 0 and how it was verified; else the job has been told */
int verify(struct attempt *at, const char **ret_word);

/* scratch.c */
int scratch_name(struct attempt *at);
void scratch_clean(struct attempt *at);
uint64_t scratch_size(const struct attempt *at, uint32_t number);

#endif
