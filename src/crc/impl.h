/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of crc/ share.  Private to the room.
 *
 * Locks, in the order in which they nest: set->lock, then crc->lock.
 * store.lock is held across SQLite calls and nests inside nothing.  None
 * is held across a callback or an S3 call.
 */
#ifndef S3ZIPFS_CRC_IMPL_H
#define S3ZIPFS_CRC_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "crc/crc.h"

enum {
    CRC_CHEAP_SLOTS = 32, /* HEADs and attributes side by side */
    CRC_READ_SLOTS = 8,   /* members read side by side... */
    CRC_READ_RANGES = 4,  /* ...each by so many ranges */
    CRC_LOAD_CHUNK = 4096, /* members per piece of background work */
    CRC_FLUSH_MS = 1000,
};
#define CRC_RANGE MIB(8)

/* ------------------------------------------------------------- state.c */

/* One warning for the life of st, whatever goes wrong. */
void state_warn(struct state *st, const char *what, const char *why);

/* ------------------------------------------------------------- store.c */

/* Where values are kept: the state file, or, without one, a small
 * database in memory, so that the next layout of a prefix finds what this
 * one learned. */
struct store {
    pthread_mutex_t lock;
    struct state *state; /* borrowed; NULL once crc_free was called */
    struct sqlite3 *mem; /* used if the state has no file */
    atomic_bool has_file;
    atomic_bool mem_rows; /* something is in mem */
    const char *endpoint; /* borrowed from s3 */
    size_t since_trim;    /* rows written since the last trim */
};
struct store_row {
    uint8_t id[16]; /* what the value belongs to */
    uint32_t value;
};
void store_init(struct store *st, struct state *state, const char *endpoint);
/* After that every call is a no-op. */
void store_close(struct store *st);
void store_free(struct store *st);
/* The identity of a member: a hash of endpoint, bucket, key, ETag, size.
 * False if it has none (no ETag). */
bool store_id(const struct store *st, const char *bucket,
              const struct zip_member *m, uint8_t out[16]);
/* found(user, i, value) for each of the n members that is known. */
void store_load(struct store *st, const struct layout *l, size_t first,
                size_t n, void (*found)(void *user, size_t i, uint32_t v),
                void *user);
void store_save(struct store *st, const struct store_row *row, size_t n);

/* --------------------------------------------------------------- set.c */

struct crc_waiter {
    STAILQ_ENTRY(crc_waiter) link;
    uint32_t seq;
    bool cheap;
    crc_cb *cb;
    void *user;
};
STAILQ_HEAD(crc_waiters, crc_waiter);

enum climb_rung { RUNG_LOADING, RUNG_CHEAP, RUNG_READ };

struct reading;

/* Somebody wants a value that is not known.  Fields under set->lock. */
struct climb {
    struct climb *next;       /* in its bucket */
    TAILQ_ENTRY(climb) link;  /* in a queue; crc->lock */
    struct crc_set *set;      /* referenced */
    struct crc_waiters waiters;
    struct reading *reading;
    s3_id call;
    uint32_t member;
    int refs;                 /* table; queue or slot */
    uint8_t rung;
    bool gone;                /* out of the table: nobody waits */
    bool queued;              /* crc->lock */
};
TAILQ_HEAD(climbs, climb);

struct crc_set {
    LIST_ENTRY(crc_set) link; /* all sets; crc->lock */
    int refs;                 /* crc->lock */
    struct crc *crc;          /* referenced */
    struct layout *layout;    /* referenced */
    pthread_mutex_t lock;     /* all that follows but the atomics */
    size_t count;
    _Atomic(uint32_t) *value;
    /* Bitmaps. */
    _Atomic(uint64_t) *known;
    _Atomic(uint64_t) *no_cheap; /* rungs 1 and 2 do not know it */
    _Atomic(uint64_t) *was_read; /* rung 4 gave it */
    atomic_size_t known_count;
    size_t loaded;            /* members below are loaded */
    struct climb **bucket;
    size_t buckets, climbs;
    uint32_t seq;
    uint32_t *dirty;          /* members to write to the store */
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

    return atomic_fetch_or_explicit(&map[i / 64], bit,
                                    memory_order_acq_rel) & bit;
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
/* Write what the dirty sets hold.  Blocks. */
void crc_flush(struct crc *c);
/* Starts to load what the store knows. */
void set_load(struct crc_set *s);

/* --------------------------------------------------------------- crc.c */

struct crc {
    atomic_int refs;
    struct net *net;
    struct s3 *s3;
    enum conf_crc mode;
    struct store store;
    atomic_bool no_attributes; /* this store or user has none */
    pthread_mutex_t lock;      /* all that follows but the atomics */
    LIST_HEAD(, crc_set) sets;
    STAILQ_HEAD(, crc_set) dirty; /* each holds a reference */
    bool flush_due;
    struct climbs cheap_queue, read_queue;
    unsigned cheap_running, read_running;
    bool pumping, pump_again, closed;
    atomic_uint_fast64_t known, from_store, from_head, from_attributes,
        from_read;
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
/* Would the cheap rungs be tried for member at all? */
bool ladder_has_cheap(struct crc_set *s, size_t member);
/* Not the object that was listed? */
bool ladder_differs(const struct zip_member *m, const struct s3_object *o);
/* The answer of a failed call, as the callers hear it. */
int ladder_error(struct crc_set *s, size_t member, const char *op,
                 const struct s3_error *e, struct err *ret);

/* --------------------------------------------------------- rung_read.c */

void rung_read(struct climb *c);
void rung_read_cancel(struct climb *c);
void rung_read_free(struct reading *rd);

#endif
