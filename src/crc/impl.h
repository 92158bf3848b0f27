/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of crc/ share.  Private to the room.
 *
 * Locks, in the order in which they nest: set->lock, then crc->lock.
 * rows_lock is held across SQLite calls and nests inside nothing.  None is
 * held across a callback or an S3 call.
 */
#ifndef S3ZIPFS_CRC_IMPL_H
#define S3ZIPFS_CRC_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "crc/crc.h"
#include "crc/oracle.h"
#include "state/crcs.h"

enum {
    CRC_CHEAP_SLOTS = 64,  /* HEADs and attributes side by side */
    CRC_READ_SLOTS = 8,    /* members read side by side... */
    CRC_RANGES = 4,        /* ...each by so many ranges */
    CRC_LOAD_CHUNK = 4096, /* members per piece of background work */
    CRC_FLUSH_MS = 1000,
};
#define CRC_RANGE MIB(8)

/* --------------------------------------------------------------- set.c */

struct crc_waiter {
    STAILQ_ENTRY(crc_waiter) link;
    uint32_t seq;
    bool cheap;
    crc_cb *cb;
    void *user;
};
STAILQ_HEAD(crc_waiters, crc_waiter);

enum climb_rung { RUNG_LOADING, RUNG_CHEAP, RUNG_ORACLE, RUNG_READ };

struct ranges;
struct oracle_upload;

/* Who asks the oracle: a climb (rung_oracle.c), or a range of any object
 * (copied.c).  Set before it queues: */
struct oracle_asker {
    struct crc *crc; /* the owner's reference */
    struct s3_where source;
    const char *etag;
    uint64_t size; /* of the source */
    uint32_t parts;
    bool ranged; /* they are not all of the source */
    /* It has an upload, is to make one (leads), or there is none. */
    void (*go)(struct oracle_asker *a);
    /* What it was given; crc->lock. */
    struct oracle_upload *upload;
    uint32_t first_part;
    uint8_t weight; /* copies side by side */
    bool leads;     /* makes the upload for those behind */
};

/* Somebody wants a value that is not known.  Fields under set->lock. */
struct climb {
    struct climb *next;      /* in its bucket */
    TAILQ_ENTRY(climb) link; /* in a queue; crc->lock */
    struct crc_set *set;     /* referenced */
    struct crc_waiters waiters;
    struct ranges *ranges; /* of the rung that it is on */
    uint32_t member;
    int refs; /* table; queue or slot */
    uint8_t rung;
    bool gone;            /* out of the table: nobody waits */
    struct climbs *queue; /* that it is in, or NULL; crc->lock */
    struct oracle_asker ask;
};
TAILQ_HEAD(climbs, climb);

/* A range of an object, asked for by crc_copied. */
struct copied {
    TAILQ_ENTRY(copied) link; /* crc->lock */
    struct oracle_asker ask;
    char *bucket, *key, *etag;
    uint64_t first, length, note;
    crc_copied_cb *cb;
    void *user;
};
TAILQ_HEAD(copieds, copied);

struct crc_set {
    LIST_ENTRY(crc_set) link; /* all sets; crc->lock */
    int refs;                 /* crc->lock */
    struct crc *crc;          /* referenced */
    struct layout *layout;    /* referenced */
    pthread_mutex_t lock;     /* all that follows but the atomics */
    pthread_cond_t more;      /* loaded has grown */
    size_t count;
    _Atomic(uint32_t) *value;
    /* Bitmaps. */
    _Atomic(uint64_t) *known;
    _Atomic(uint64_t) *no_cheap; /* rungs 1 and 2 do not know it */
    _Atomic(uint64_t) *was_read; /* rung 4 gave it */
    _Atomic(uint64_t) *copies;   /* a publish copies it, unread */
    atomic_size_t known_count;
    size_t loaded; /* members below are loaded */
    struct climb **bucket;
    size_t buckets, climbs;
    uint32_t seq;
    uint32_t *dirty; /* members to write to the store */
    size_t dirty_count, dirty_cap;
    bool dirty_listed;
    STAILQ_ENTRY(crc_set) dirty_link; /* crc->lock */
};

static inline bool
bit_get(_Atomic(uint64_t) *map, size_t i)
{
    uint64_t w = atomic_load_explicit(&map[i / 64], memory_order_acquire);

    return w >> (i % 64) & 1;
}

/* Returns what it was. */
static inline bool
bit_set(_Atomic(uint64_t) *map, size_t i)
{
    uint64_t bit = UINT64_C(1) << (i % 64);

    return atomic_fetch_or_explicit(&map[i / 64], bit, memory_order_acq_rel) &
           bit;
}

static inline const struct zip_member *
set_member(const struct crc_set *s, size_t i)
{
    return &s->layout->zip.member[i];
}

/* ------------------------------------------------------------ values.c */

/* With set->lock: keep v as the value of member. */
void set_store(struct crc_set *s, size_t member, uint32_t v, bool write);

/* ----------------------------------------------------------- waiters.c */

/* With set->lock: take the climb out of the table; its waiters move to
 * *ret. */
void set_remove_climb(struct climb *c, struct crc_waiters *ret);
/* Without locks. */
void crc_waiters_answer(struct crc_waiters *w, int r, uint32_t v,
                        const struct err *e);
/* Without set->lock. */
void climb_unref(struct climb *c);
/* Members below end are loaded: who waited for that goes on. */
void set_loaded_to(struct crc_set *s, size_t end);

/* ----------------------------------------------------------- traffic.c */

/* With set->lock: write the value of member to the store soon. */
void set_mark_dirty(struct crc_set *s, size_t member);
/* Write what the dirty sets hold, or wait until another caller has.
 * Blocks: for background threads, and the end. */
void crc_flush(struct crc *c);
/* Starts to load what the store knows. */
void set_load(struct crc_set *s);

/* --------------------------------------------------------------- crc.c */

struct crc {
    atomic_int refs;
    struct net *net;
    struct s3 *s3;
    enum conf_crc mode;
    struct crcs *values;       /* that outlive the mount */
    pthread_mutex_t rows_lock; /* state; across calls of the journal */
    struct state *state;       /* borrowed; NULL once crc_free was called */
    atomic_bool no_attributes; /* this store or user has none */
    pthread_mutex_t flushing;  /* crc_flush; before all other locks */
    pthread_mutex_t lock;      /* all that follows but the atomics */
    LIST_HEAD(, crc_set) sets;
    STAILQ_HEAD(, crc_set) dirty; /* each holds a reference */
    bool flush_due;
    struct climbs cheap_queue, oracle_queue, read_queue;
    struct copieds copied_queue;
    unsigned cheap_running, copies_running, read_running;
    bool pumping, pump_again, closed;
    struct oracle oracle;
    atomic_uint_fast64_t known, from_store, from_head, from_attributes,
        from_oracle, from_read, proof_bytes;
};
struct crc *crc_ref(struct crc *c);
void crc_unref(struct crc *c);

/* ------------------------------------------------------------ ladder.c */

/* Put a climb (one reference more for the queue) to its first rung; then
 * call ladder_pump. */
void ladder_start(struct climb *c);
/* Give free slots to queued climbs. */
void ladder_pump(struct crc *c);
/* Stop what runs for a climb that is gone; without locks. */
void ladder_cancel(struct climb *c);
/* The climb has its answer (or not): tells all, gives the slot back. */
void ladder_finish(struct climb *c, int r, uint32_t v, const struct err *e);
/* Rungs 1 and 2 do not know it: the next one, if somebody wants that. */
void ladder_cheap_end(struct climb *c);
/* Not the object that was listed? */
bool ladder_differs(const struct zip_member *m, const struct s3_object *o);
/* The answer of a failed call, as the callers hear it. */
int ladder_error(struct crc_set *s, size_t member, const char *op,
                 const struct s3_error *e, struct err *ret);

/* Rung 3 does not know it: read, if somebody still wants that. */
void ladder_fall(struct climb *c);

/* ------------------------------------------------------------ ranges.c */

struct range {
    struct climb *climb;
    s3_id call;
    uint64_t note; /* oracle_call_begin */
    size_t index;
    uint64_t first, length;
    uint32_t crc; /* the call's own */
    bool used, differs;
};

/* Where the CRC of a range comes from. */
struct ranges_by {
    /* Begins a call that ends in ranges_done. */
    s3_id (*start)(struct climb *c, struct range *g);
    /* All done, or r < 0. */
    void (*over)(struct climb *c, int r, uint32_t v, const struct err *e);
};

/* Fields under set->lock. */
struct ranges {
    const struct ranges_by *by;
    uint64_t size; /* of one range */
    struct range range[CRC_RANGES];
    size_t next, count; /* ranges of the member */
    unsigned running;
    bool busy; /* a thread is starting ranges */
    bool ended;
    int r; /* first trouble */
    struct err err;
    uint32_t crc[]; /* of each range */
};
int ranges_begin(struct climb *c, const struct ranges_by *by, uint64_t size);
void ranges_done(struct range *g, int r, const struct err *e);
void ranges_cancel(struct climb *c);
void ranges_free(struct ranges *rs);

/* -------------------------------------------------------- rung_cheap.c */

/* Would the cheap rungs be tried for member at all?  With crc=read only
 * for one of crc_copies: what the copies tell of it is the store's word too,
 * and some stores tell ranges of what has a CRC32 a wrong one. */
bool ladder_has_cheap(struct crc_set *s, size_t member);
/* The same, as one of crc_copies. */
bool ladder_can_ask(struct crc_set *s, size_t member);
void rung_cheap(struct climb *c);

/* --------------------------------------------------------- rung_read.c */

void rung_read(struct climb *c);

/* ------------------------------------------------------- rung_oracle.c */

/* What a climb asks the oracle for; before it queues for it. */
void rung_oracle_ask(struct climb *c);
void rung_oracle(struct climb *c);
uint64_t rung_oracle_range(uint64_t size);

/* ------------------------------------------------------------ copied.c */

/* With crc->lock: the next one that may go, or NULL. */
struct copied *copied_next(struct crc *c);

#endif
