/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The rooms below publish, in memory: a store with multipart uploads and
 * switchable quirks, a reader, CRCs, and loops whose completions come in a
 * random order, from the test's own thread or from several.
 */
#ifndef S3ZIPFS_TESTS_PUBLISH_FAKE_H
#define S3ZIPFS_TESTS_PUBLISH_FAKE_H

#include "publish/job.h"

enum {
    FAKE_FLOOR = 512,  /* of every part but the last */
    FAKE_CAP = 4000,   /* upload parts of the fake planner */
    FAKE_SPLIT = 3000, /* copy parts */
    FAKE_LARGE = 1500, /* members that are copied */
};

/* What to do to the n-th S3, reader or CRC call. */
enum fake_trouble {
    FAKE_FAIL_500,     /* refused, no effect */
    FAKE_FAIL_TIMEOUT, /* the effect is there, the answer is not */
    FAKE_FAIL_403,
    FAKE_ABORT,     /* publish_abort(abort_why) before it */
    FAKE_OVERWRITE, /* a member is overwritten before it */
    FAKE_STRANGER,  /* the destination is created before it */
};

struct fake_object {
    struct fake_object *next;
    char bucket[64], key[200], etag[40], digest[72];
    uint8_t *data;
    uint64_t size;
    bool have_crc;
    uint32_t crc;
};

struct fake_upload {
    struct fake_upload *next;
    char key[200], id[40], digest[72], initiator[40];
    bool crc32;
    int64_t initiated;
    struct fake_part {
        uint8_t *data;
        uint64_t size;
        char etag[40];
        uint32_t claimed; /* CRC as the store believes it */
    } part[200];
};

struct fake {
    pthread_mutex_t lock; /* all but the quirks and the clock */
    pthread_cond_t wake;
    /* quirks of the store */
    bool range_quirk; /* ranged copies: CRC of the source */
    bool no_copy_crc; /* none in CopyPartResult */
    bool copy_400;    /* copies into a checksum upload: 400 */
    bool copy_501, size_501, no_complete_crc, no_head_crc;
    bool copy_garbage; /* copies answer 200 with something else */
    bool head_403;
    bool range_first;    /* a copy's range is checked before its guard */
    bool bad_data;       /* the finished object has a flipped byte */
    bool wrong_copy_crc; /* any copy: wrong, and not the quirk */
    int busy_409;        /* so many Completes */
    int unclear;         /* so many Completes: done, but no answer */
    int lost;            /* so many Completes: not done, no answer */
    bool abort_fails;
    bool abort_hangs;         /* until it is cancelled */
    bool head_hangs;          /* of a source, too */
    int create_twice;         /* so many Creates: an answer was lost */
    unsigned strange_cancels; /* of ids that the other struct s3 gave */
    /* the n-th call, 1-based, 0 = none */
    unsigned trouble_at;
    enum fake_trouble trouble;
    struct publish_job *abort_job;
    int abort_why; /* 0 is -EINTR */
    /* what was counted */
    unsigned calls, heads, copies, uploads, creates, aborts, puts, gets,
        deletes, completes, reads, ladder_reads, asks;
    uint64_t uploaded, pinned, pinned_peak;
    unsigned views;
    char invalidated[400];

    struct fake_object *objects;
    struct fake_upload *open; /* unfinished uploads */
    unsigned etags;
    uint64_t random;
    struct op *ops, **ops_end, *works, **works_end;
    unsigned running; /* by threads */
    uint64_t last_id;
    bool threads, quit;
    pthread_t thread[4];
    struct sqlite3 *db;
    pthread_mutex_t db_lock;
    bool suffixes; /* the fake planner donates suffixes too */
};
extern struct fake fake;

struct s3 {
    const char *endpoint;
};
extern struct s3 fake_s3, fake_s3_dest; /* one store, ids of their own */

void fake_start(uint64_t seed);
/* Everything of the store goes; nothing may be in flight or pinned. */
void fake_stop(void);
/* Runs completions until none are left. */
void fake_run(void);
void fake_threads_start(void);
void fake_threads_stop(void);

struct fake_object *fake_object(const char *key);
struct fake_object *fake_put(const char *key, const void *data, size_t n,
                             bool stored_crc);
unsigned fake_uploads_open(void);
int fake_journal_rows(void);
int fake_sql(const char *sql);

/* A layout of count members below prefix, sizes by the seed; their objects
 * are put.  stored: in 256ths, how many have a CRC32. */
struct layout *fake_layout(const char *prefix, unsigned count,
                           unsigned stored);
/* Its bytes with the true CRCs (malloc). */
uint8_t *fake_render(struct layout *l);
struct reader *fake_reader(struct layout *l);
/* The CRC that is known to be of this member; wrong values too. */
void fake_know(struct reader *r, size_t member, uint32_t crc);
uint32_t fake_true_crc(struct layout *l, size_t member);

#endif
