/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The store at the seam of s3.h, in memory, for the unit tests of all rooms
 * above it: objects, versions and multipart uploads, with switchable quirks,
 * trouble at the n-th call, and what a killed process leaves.  Beside it the
 * clock, timers, worker and state file that net.h and state files promise.
 * Completions come in a random order, from the test's own thread (fake_run)
 * or from threads of the fake (fake_threads_start), as straight code that
 * waits needs them.
 *
 * What a room adds of its own is in files beside: publish_fake*.
 */
#ifndef S3ZIPFS_TESTS_FAKE_STORE_H
#define S3ZIPFS_TESTS_FAKE_STORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/impl.h"

struct publish_job;

enum {
    FAKE_FLOOR = 512,  /* of every part but the last */
    FAKE_MOST = 10000, /* parts of an upload */
    FAKE_ROWS = 4096,  /* objects are found by a hash of their keys */
    FAKE_HOSTS = 2,    /* with a state file of their own */
};
#define FAKE_SCRATCH ".s3zipfs-scratch/"

/* What to do to the n-th S3, reader or CRC call. */
enum fake_trouble {
    FAKE_FAIL_500,     /* refused, no effect */
    FAKE_FAIL_TIMEOUT, /* the effect is there, the answer is not */
    FAKE_FAIL_403,
    FAKE_ABORT,     /* fake_stop_job before it */
    FAKE_OVERWRITE, /* an object below "p/" is overwritten before it */
    FAKE_STRANGER,  /* "out/a.zip" is created before it */
    FAKE_GONE,      /* all uploads are aborted before it, by others */
    FAKE_KILL,      /* the process dies before it: fake_killed */
    FAKE_KILL_LATE, /* it dies when the store has done it */
};

enum fake_hung {
    FAKE_HUNG_ANYHOW, /* by chance: all or nothing */
    FAKE_HUNG_LOST,   /* nothing */
    FAKE_HUNG_DONE,   /* all, but the answer is not there */
};

struct fake_object {
    struct fake_object *next; /* newer versions of a key come first */
    struct fake_object *prev;
    struct fake_object *same; /* of the same hash, in that order */
    char bucket[64], key[200], etag[40], digest[72], version[24];
    bool marker; /* that it was deleted */
    uint8_t *data;
    uint64_t size;
    bool have_crc;
    uint32_t crc;
    bool copied, climbed; /* a source; read for its header's CRC */
    bool read;            /* for an upload */
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
    } * part;
    uint32_t parts; /* room for so many */
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
    bool create_500;   /* each Create, with no effect */
    bool create_501;   /* checksum algorithms are unknown */
    bool complete_400; /* BadDigest for every checksum upload */
    bool head_403;
    bool range_first;    /* a copy's range is checked before its guard */
    bool bad_data;       /* the finished archive has a flipped byte */
    bool bad_scratch;    /* scratch objects have one */
    bool wrong_copy_crc; /* any copy: wrong, and not the quirk */
    bool list_crc;       /* ListParts tells CRCs */
    bool versioned;      /* deleted objects leave markers, old bytes stay */
    bool retention;      /* each new object is kept for a while */
    bool lists_refused;  /* of uploads and versions below a prefix: 403 */
    bool deletes_refused;
    bool many_501; /* DeleteObjects is unknown */
    bool young;   /* uploads were begun just now, by the store's clock */
    int behind;   /* seconds that it is slow */
    int busy_409; /* so many Completes of the archive */
    int unclear;  /* so many: done, but no answer */
    int lost;     /* so many: not done, no answer */
    bool abort_fails;
    bool abort_hangs;         /* until it is cancelled */
    enum fake_hung hung;      /* what it did by then */
    bool head_hangs;          /* of a source, too */
    /* Copies but this part's are not answered before a part is uploaded; or
     * for so many turns. */
    uint32_t held_copies_but;
    unsigned held_turns;
    int create_twice;         /* so many Creates: an answer was lost */
    unsigned loading;         /* so often CRCs were not loaded yet */
    int create_denied;        /* so many: the same, and then 403 */
    bool resends;             /* Creates that are not fresh are done twice */
    bool unguarded;           /* writes without a condition are meant */
    bool slow_worker;         /* what the loops have comes first */
    unsigned strange_cancels; /* of ids that the other struct s3 gave */
    /* the n-th call, 1-based, 0 = none */
    unsigned trouble_at;
    enum fake_trouble trouble;
    struct publish_job *abort_job; /* for fake_stop_job */
    int abort_why;                 /* 0 is -EINTR */
    /* what was counted: fake_forget */
    unsigned calls, heads, copies, uploads, creates, aborts, puts, gets,
        deletes, deletes_many, completes, reads, asks, lists;
    /* of the reader: HEADs for CRCs; members whose CRC a copy tells, and
     * their bytes */
    unsigned crc_heads, told;
    uint64_t uploaded, copied, told_bytes;
    /* to here */
    uint64_t pinned, pinned_peak;
    unsigned views;
    char invalidated[400];

    struct fake_object *objects, *row[FAKE_ROWS];
    struct fake_upload *open; /* unfinished uploads */
    struct fake_world *left;  /* what a killed process leaves */
    bool kill_late;
    unsigned etags;
    uint64_t random;
    struct op *ops, **ops_end, *works, **works_end;
    struct op *taken; /* being run */
    unsigned running; /* by threads */
    uint64_t last_id;
    atomic_ullong skipped_ms; /* by the clock */
    atomic_uint in_vain;      /* calls in a row that did not answer */
    bool (*busy)(void); /* do threads run that may ask for more?  With lock */
    bool (*passed)(void); /* all hang: lets time pass */
    bool threads, quit;
    pthread_t thread[4];
    struct state state[FAKE_HOSTS];
};
extern struct fake fake;

struct s3 {
    const char *endpoint;
};
extern struct s3 fake_s3, fake_s3_dest; /* one store, ids of their own */

void fake_start(uint64_t seed);
/* Everything of the store goes; nothing may be in flight or pinned. */
void fake_stop(void);
/* Runs completions until none are left and nobody is busy, or so many. */
void fake_run(void);
void fake_run_some(unsigned n);
bool fake_idle(void);
void fake_clock_skip(uint64_t ms);
void fake_threads_start(void);
void fake_threads_stop(void);
void fake_forget(void); /* what was counted */

struct fake_object *fake_object(const char *key);
struct fake_object *fake_put(const char *key, const void *data, size_t n,
                             bool stored_crc);
/* Part number of u, 1-based: room is made. */
struct fake_part *fake_part(struct fake_upload *u, uint32_t number);
void fake_remove(struct fake_object *o);
unsigned fake_uploads_open(void);
/* Objects whose key begins with prefix, each version and marker. */
unsigned fake_objects_below(const char *prefix);
/* Bytes of parts of unfinished uploads whose key begins with prefix. */
uint64_t fake_parts_below(const char *prefix);
/* A number from the state file of one host, of the first, of all. */
int fake_sql_of(struct state *st, const char *sql);
int fake_sql(const char *sql);
int fake_sql_all(const char *sql);

/* By whoever links the fake: stops the job that runs.  Any thread. */
void fake_stop_job(void);

/* After FAKE_KILL: the process did not come further than the call.  What
 * it did later (it must have ended, in the same fake) is undone.  False if
 * there were fewer calls. */
bool fake_killed(void);

#endif
