/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An extraction.  One thread, the caller's, owns everything here; answers
 * come to it through a queue, so nothing but the queue has a lock
 * (call.lock in struct unpack_job).  Private to the room.
 */
#ifndef S3ZIPFS_EXTRACT_UNPACK_H
#define S3ZIPFS_EXTRACT_UNPACK_H

#include <pthread.h>
#include <sys/queue.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "extract/dir.h"
#include "extract/extract.h"
#include "s3/multipart.h"

enum {
    UNPACK_COPIES = 24,       /* part copies side by side... */
    UNPACK_MEMBER_COPIES = 8, /* ...of one member */
    UNPACK_MEMBERS = 16, /* members side by side that are copied or streamed */
    UNPACK_PUTS = 32,
    UNPACK_RUNS = 8,
    UNPACK_HEADS = 32,
    UNPACK_BUSY_MAX = 3, /* 409: so many new tries */
    UNPACK_UNCLEAR_MAX = 5,
};
/* Of one copied part; more for members beyond 10,000 of them. */
#define UNPACK_COPY_RANGE MIB(128)

struct unpack_job;
struct run;

/* ---------------------------------------------------------------- call */

/* One S3 call, or a pause, from its start until fn has run on the job's
 * thread; then it is freed. */
struct call {
    STAILQ_ENTRY(call) ready; /* unpack_job.lock */
    LIST_ENTRY(call) link;
    struct unpack_job *job;
    void (*fn)(struct call *c);
    void *owner;
    uint64_t index; /* the owner's */
    s3_id id;
    bool keep; /* a stop does not cut it off */
    /* The answer: */
    struct s3_error e;
    char *text; /* upload id or ETag; may be NULL if e.err == 0 (no memory) */
    bool have_crc;
    uint32_t crc; /* of a GET: of the bytes that came */
    uint64_t size;
    /* A GET: where its bytes go; NULL: they are only counted. */
    uint8_t *out;
    uint64_t want;
};

/* NULL: out of memory, and the job has failed. */
struct call *call_new(struct unpack_job *j, void (*fn)(struct call *c),
                      void *owner);
/* Each begins a call; fn comes later, never before they return. */
void call_get(struct call *c, uint64_t first, uint64_t length, uint8_t *out);
void call_read(struct call *c, const struct s3_where *at, const char *etag,
               uint64_t size); /* a whole object, for its CRC */
void call_head(struct call *c, const struct s3_where *at);
void call_create(struct call *c, const struct s3_create_args *a);
void call_copy(struct call *c, const struct s3_copy_args *a);
void call_upload(struct call *c, const struct s3_upload_args *a);
void call_complete(struct call *c, const struct s3_complete_args *a);
void call_put(struct call *c, const struct s3_put_args *a);
void call_abort(struct call *c, const struct s3_where *at, const char *id);
void call_later(struct call *c, uint64_t ms);
/* By a callback of its own, on any thread: its last touch of c. */
void call_answered(struct call *c);
/* Waits for answers, at most a tick, and runs them. */
void calls_run(struct unpack_job *j);
/* Ends what may be cut off. */
void calls_cancel(struct unpack_job *j);

/* -------------------------------------------------------------- upload */

/* A multipart upload at a member's key. */
struct upload {
    struct unpack_job *job;
    const char *key;
    void *owner;
    char *id;
    bool crc;                  /* the store checks */
    struct s3_done_part *part; /* etag: owned */
    uint32_t count;
    int64_t row;    /* of the journal */
    int64_t intent; /* seconds: before Create was sent */
    bool cut;       /* a part may still arrive */
    unsigned unclear;
    struct s3_error e; /* of the last step; err 0 or -errno */
    void (*then)(struct upload *u);
    /* For Complete: */
    uint32_t whole_crc;
    uint64_t size;
    bool sent_size;
};
/* then(u) comes with u->e.  After a failed create there is no upload. */
void unpack_upload_create(struct upload *u, uint32_t parts,
                          void (*then)(struct upload *u));
void unpack_upload_complete(struct upload *u, uint32_t crc, uint64_t size,
                            void (*then)(struct upload *u));
/* Always then(u); what could not be aborted is in the log.  u is as new
 * after it. */
void unpack_upload_abort(struct upload *u, void (*then)(struct upload *u));
void unpack_upload_free(struct upload *u);

/* -------------------------------------------------------------- member */

/* One that goes through an upload of its own. */
struct stream;
struct member {
    TAILQ_ENTRY(member) link;
    struct unpack_job *job;
    uint32_t entry;
    uint64_t at; /* in unpack_job.order[] */
    char *key;
    uint64_t body; /* where it begins in the archive */
    uint8_t *header;
    unsigned calls; /* not answered; the upload's steps count as one */
    bool leaving;   /* ends once they are */
    bool streams;
    unsigned busy;
    struct upload up;
    /* copy.c */
    bool copying, checked, doubted, waiting;
    uint64_t range;
    uint32_t next, done, running;
    /* stream.c */
    struct stream *stream;
    uint64_t reserved; /* bytes of memory= */
};
/* Starts order[k]. */
void member_start(struct unpack_job *j, uint64_t k);
/* The body's place is known, or the upload is gone and all begins anew. */
void member_begin(struct member *m);
/* Aborts the upload, then begins anew. */
void member_again(struct member *m);
/* All parts are there. */
void member_complete(struct member *m);
/* The store refused what its own CRCs were good for: is the archive wrong,
 * or the store? */
void member_diagnose(struct member *m);
/* The job fails with words about it, or has failed. */
void member_fail(struct member *m, const char *op, const struct s3_error *e);
/* It ends when its calls have: in members_reap, never before this returns. */
void member_leave(struct member *m);
/* A call or a step of its upload is over.  False: it leaves. */
bool member_back(struct member *m);
void members_reap(struct unpack_job *j);
void member_bad_crc(struct member *m, uint32_t crc);

/* copy.c: parts by copies. */
void copy_begin(struct member *m);
void copy_more(struct member *m);
/* stream.c: parts from bytes that pass through. */
void stream_begin(struct member *m);
void stream_free(struct member *m);

/* --------------------------------------------------------------- small */

/* small.c: starts the next run of small members; false: not now, or there
 * is none. */
bool small_start(struct unpack_job *j);
bool small_fits(const struct unpack_job *j, uint64_t k); /* order[k] */
/* Runs that waited for others' PUTs go on, or end. */
void small_more(struct unpack_job *j);

/* inflate.c: a whole body; "" if well, else what is wrong. */
const char *inflate_whole(const uint8_t *in, size_t n, uint8_t *out,
                          size_t size);

/* --------------------------------------------------------------- there */

/* there.c: what the destination has already. */
int there_look(struct unpack_job *j);
/* Somebody else's object, or the same bytes?  then(user, r): 0 the same,
 * -EEXIST, -ENOENT nothing, another -errno (the job has failed). */
void there_compare(struct unpack_job *j, uint32_t entry, const char *key,
                   void (*then)(void *user, int r), void *user);

/* ----------------------------------------------------------------- job */

enum { ENTRY_WANTED, ENTRY_OUT, ENTRY_THERE, ENTRY_DONE };

struct unpack_job {
    const struct extract_deps *d;
    const struct extract_args *a;
    struct source source;
    struct zdir dir;
    uint32_t *order; /* entries by offset */
    uint8_t *state;  /* of each entry */
    char *bucket, *root;
    struct err *e;
    int r; /* first failure */
    bool stop;
    struct extract_status st;
    /* What was learned of the store. */
    bool no_crc, no_size, no_copy;
    /* Memory for bodies. */
    uint64_t memory, used;
    /* What runs. */
    unsigned copies, puts, runs, members;
    TAILQ_HEAD(, member) active;
    TAILQ_HEAD(, run) running;
    uint64_t next_member, next_small; /* in order[] */
    LIST_HEAD(, call) calls;
    /* The queue. */
    pthread_mutex_t lock;
    pthread_cond_t cond;
    STAILQ_HEAD(, call) ready;
};
static inline const struct zentry *
unpack_entry(const struct unpack_job *j, uint64_t i)
{
    return &j->dir.entry[i];
}
static inline bool
entry_is_dir(const struct unpack_job *j, uint64_t i)
{
    return zdir_name(&j->dir, i)[j->dir.entry[i].name_len - 1] == '/';
}
/* Where entry order[k] must end: the next one, or the directory. */
uint64_t unpack_limit(const struct unpack_job *j, uint64_t k);
/* Key of an entry (the caller frees), or NULL: out of memory, failed. */
char *unpack_key(struct unpack_job *j, uint64_t entry);
struct s3_where unpack_where(const struct unpack_job *j, const char *key);
struct s3_where unpack_archive(const struct unpack_job *j);
/* The first failure counts; each stops the job. */
void unpack_fail(struct unpack_job *j, int num, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void unpack_fail_s3(struct unpack_job *j, const char *op, const char *key,
                    const struct s3_error *e);
/* An entry's bytes are there; skipped: they were. */
void unpack_done(struct unpack_job *j, uint64_t entry, bool skipped);
/* Answers, and a look at who waits for all this. */
void unpack_wait(struct unpack_job *j);

#endif
