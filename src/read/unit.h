/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Units, and the layouts they belong to.  Private to the room, by impl.h,
 * which says who may touch what.
 */
#ifndef S3ZIPFS_READ_UNIT_H
#define S3ZIPFS_READ_UNIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "read/read.h"

enum {
    READ_CHUNK = 65536, /* unit buffers are chains of these */
    READ_HEAP = 32768,  /* units up to that come from malloc */
    READ_COPY = 8192,   /* smaller pieces of bodies are copied together
                           with their headers: keeps iovecs short */
    READ_CURSORS = 4,   /* places that one stream reads at a time */
    READ_HASH = 8192,
    READ_FAILS = 8,
    READ_FAIL_MS = 1000, /* the kernel's retry of a failed read-ahead */
    READ_IDLE_MS = 3000, /* a cursor that rests shares no budget */
    READ_WARM = 16,      /* CRCs asked for at opening, side by side */
    READ_CLIMBS = 8,     /* CRCs of large members asked for ahead */
};
#define READ_EARLY KIB(128) /* what libcurl may hold of a paused answer */
#define READ_UNIT MIB(8)
#define READ_TAIL MIB(32) /* the kernel's read-ahead twice */

struct op;
struct cursor;
struct todo;

/* ---------------------------------------------------------------- unit */

enum unit_state {
    UNIT_QUEUED, /* has its buffer, waits for a slot */
    UNIT_FETCHING,
    UNIT_DONE,
    UNIT_DEAD, /* failed */
};

/* A cursor wants to see this unit, later. */
struct claim {
    TAILQ_ENTRY(claim) of_cursor;
    LIST_ENTRY(claim) of_unit;
    struct cursor *cursor;
    struct unit *unit;
    uint64_t got; /* bytes that the cursor read of it */
    bool early;   /* it was not paid for when last looked at */
};

/* Somebody waits until so much of a unit is there. */
struct waiter {
    TAILQ_ENTRY(waiter) link;
    struct op *op;
    struct unit *unit; /* NULL: not waiting */
    uint64_t need;     /* bytes; length = checked; WAIT_CRC */
};
#define WAIT_CRC UINT64_MAX
TAILQ_HEAD(waiters, waiter);

struct unit {
    struct unit *hash_next;
    LIST_ENTRY(unit) of_reader;
    TAILQ_ENTRY(unit) lru, early, flight;
    STAILQ_ENTRY(unit) start, again, cancel, resume;
    struct reader *reader; /* referenced while refs > 0 */
    size_t member;
    uint64_t first, length; /* of the body */
    uint64_t charge;        /* bytes of the budget */
    uint8_t state;
    bool whole, checksum;
    const struct layout_twin *twin; /* of which it is; NULL: of a member */
    bool wrong;   /* the CRC-32 of all differs; the fetch's own */
    bool held;    /* was right before: read when it is so again */
    bool doomed;  /* came with what was wrong, not settled yet */
    bool indexed; /* to be found; else freed when nobody holds it */
    bool listed;  /* in one of the LRU lists */
    bool urgent;
    bool waiting; /* in pool->early */
    bool paused;  /* its answer came before it was paid for */
    atomic_bool paid, cancelled;
    int pins; /* ops and views */
    int refs; /* the fetches, and who is about to touch it */
    LIST_HEAD(, claim) claims;
    struct waiters waiters;
    /* The fetch, and a second one when it is slow (slow.c). */
    s3_id id[2];
    uint64_t sent_ms;
    uint64_t start_ms;    /* sent and paid */
    unsigned racing;      /* fetches that run */
    bool raced;           /* there was a second one */
    pthread_mutex_t fill; /* inside pool->lock or alone: the next four, and
                             the bytes while they are written */
    unsigned leader;      /* who writes */
    uint64_t again_at;    /* of the unit: where the second one is */
    uint32_t crc;         /* of what has arrived */
    _Atomic(uint64_t) have, wake_at;
    bool differs;  /* the first fetch's own */
    uint8_t *heap; /* or: */
    size_t chunks;
    uint8_t *chunk[];
};
STAILQ_HEAD(units, unit);
TAILQ_HEAD(unit_lru, unit);

/* Where the unit begins in the archive. */
uint64_t unit_at(const struct unit *u);
static inline uint64_t
unit_end(const struct unit *u)
{
    return u->first + u->length;
}

/* What is to be done without the lock. */
struct todo {
    STAILQ_HEAD(, op) ops;   /* answered: deliver */
    STAILQ_HEAD(, op) begin; /* planned: ask for CRCs */
    STAILQ_HEAD(, op) redo;  /* failed with the twin: scan, submit */
    struct units start, resume, cancel;
};
void todo_init(struct todo *t);
/* Empties t, then lets waiting work go on. */
void todo_run(struct read_pool *p, struct todo *t);

/* The unit that holds byte at of the member, or NULL; *ret_next: where
 * the next one begins (UINT64_MAX: none). */
struct unit *unit_find(struct reader *r, size_t member, uint64_t at,
                       uint64_t *ret_next);
/* Memory was made sure of (memory_room); early: it and the buffer come with
 * unit_pay.  NULL: out of memory. */
struct unit *unit_new(struct reader *r, size_t member, uint64_t first,
                      uint64_t length, bool early);
/* Passed this very range before, as part of a member that was right? *ret:
 * its CRC-32. */
bool unit_was_right(const struct unit *u, uint32_t *ret);
uint64_t unit_charge(uint64_t length);
/* False: no memory now.  demand: as memory_room. */
bool unit_pay(struct unit *u, bool demand, struct todo *t);
void unit_touch(struct unit *u);
void unit_pin(struct unit *u);
void unit_unpin(struct unit *u, struct todo *t);
/* Nobody finds it any more. */
void unit_forget(struct unit *u);
void unit_maybe_free(struct unit *u);
/* In which LRU list it belongs, after a change. */
void unit_relist(struct unit *u);
/* Cancels the fetch if nobody wants it. */
void unit_unwanted(struct unit *u, struct todo *t);
struct claim *unit_claim(struct cursor *c, struct unit *u);
void unit_unclaim(struct claim *cl, struct todo *t);
/* Address of byte off, and how many follow it contiguously. */
uint8_t *unit_bytes(struct unit *u, uint64_t off, uint64_t *ret_run);
/* A range of the member made its CRC-32 wrong. */
void unit_drop_member(struct reader *r, size_t member);

/* fetch.c: without the lock; holds u->refs. */
void unit_fetch(struct unit *u);
/* Of the object that has it; borrowed. */
struct fetch_object {
    const char *key, *etag;
    size_t key_len;
    uint64_t size;
};
struct fetch_object fetch_object(const struct unit *u);
/* fetch_end.c: fetch who (0, 1) is over. */
void fetch_over(struct unit *u, unsigned who, const struct s3_error *e);
/* slow.c; with the lock: a second fetch is counted and referenced (false:
 * nothing is missing)... */
bool unit_race(struct unit *u);
/* ...and sent, without it. */
void unit_fetch_again(struct unit *u);
/* With the lock, after a fetch was started. */
void slow_watch(struct read_pool *p);

/* --------------------------------------------------------------- check */

/* CRCs of ranges that passed, merged until they cover a member.  Has a
 * lock of its own. */
struct check;
struct check *check_new(void);
void check_free(struct check *c);
/* True if [first, first + length) made the member complete: *ret is the
 * CRC of all of it. */
bool check_add(struct check *c, size_t member, uint64_t size, uint64_t first,
               uint64_t length, uint32_t crc, uint32_t *ret);
/* The CRC of exactly that range when it was part of a sum that came to
 * whole, the member's true CRC; false if none is remembered. */
bool check_known(struct check *c, size_t member, uint32_t whole,
                 uint64_t first, uint64_t length, uint32_t *ret);

/* -------------------------------------------------------------- reader */

struct fail {
    size_t member;
    uint64_t first, end; /* of the body; end 0: its CRC */
    uint64_t ms;
    unsigned opens; /* reader's, then */
    struct err err;
};

struct reader {
    int refs;
    struct read_pool *pool; /* referenced */
    struct layout *layout;
    struct crc_set *crcs;
    struct check *check;
    LIST_HEAD(, unit) units;
    struct fail fail[READ_FAILS];
    unsigned next_fail;
    unsigned streams, opens;                   /* open now; ever opened */
    const struct layout_twin *twin, *given_up; /* the layout's; NULL: none */
    unsigned wrong_opens; /* those so far had a wrong twin */
    /* Warming: the cheap rungs for large members. */
    pthread_mutex_t warm_lock; /* the rest */
    size_t warm_next;
    unsigned warm_running;
    bool warm_busy;
};
/* With the lock; the last one is given back without it (reader_unref). */
struct reader *reader_ref_locked(struct reader *r);
void reader_remember(struct reader *r, size_t member, uint64_t first,
                     uint64_t end, const struct err *e);
/* 0, or the -errno of a failure remembered since s was opened: who opens
 * again tries again. */
struct read_stream;
int reader_failed(struct read_stream *s, size_t member, uint64_t first,
                  uint64_t end, struct err *ret);
void reader_warm(struct reader *r);

#endif
