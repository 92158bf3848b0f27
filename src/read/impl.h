/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of read/ share.  Private to the room.
 *
 * A unit is a contiguous range of one member's body with a buffer of its
 * own, fetched by one GET; an op is one read_range, then its view; a
 * cursor is one place of a stream that moves on.
 *
 * One lock: pool->lock guards every field below unless said otherwise.
 * Body bytes are copied into units without it.  It is held across no
 * callback, no S3 call and no crc_get: what is to be done after it is
 * given back is collected in a struct todo.
 */
#ifndef S3ZIPFS_READ_IMPL_H
#define S3ZIPFS_READ_IMPL_H

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

/* ------------------------------------------------------------------ op */

struct body { /* a member of which the op needs bytes [first, end) */
    size_t member;
    uint64_t first, end;
    bool header; /* its local header waits for its CRC */
};

struct slice {
    struct waiter wait;
    size_t member;
    struct unit *unit;      /* pinned; NULL until reserved */
    uint64_t off, len;      /* of the unit; len 0: only the CRC is wanted */
    uint64_t first, length; /* of the unit to make */
    bool copy;
};

struct crc_wait {
    struct waiter wait; /* for a unit that will tell it, */
    struct unit *unit;  /* pinned, or */
    uint64_t id;        /* for the ladder */
    size_t member;
    bool ladder, done;
};

struct op {
    struct read_view view; /* first: a view is its op */
    STAILQ_ENTRY(op) ready, planned;
    TAILQ_ENTRY(op) link, starving_link;
    struct reader *reader;      /* referenced */
    struct read_stream *stream; /* until answered */
    struct cursor *cursor;      /* of the stream, NULL: exact */
    uint64_t epoch;             /* of the cursor */
    uint64_t id, offset, end;
    unsigned flags;
    uint64_t run_start; /* where the cursor began */
    bool forward, first_of_run;
    bool starving, answered, waited;
    bool twin;      /* reads the twin */
    bool silent;    /* another op answers in its place */
    uint64_t limit; /* bytes of a unit */
    uint64_t seen;  /* the cursor had come so far before */
    read_cb *cb;
    void *user;
    int refs;
    unsigned pending;
    int r;
    struct err err;
    struct body *body;
    struct slice *slice;
    struct crc_wait *crc;
    size_t bodies, slices, crcs, body_cap, slice_cap, crc_cap;
    uint64_t gen_size; /* bytes of headers and of small bodies */
    uint64_t charged;
    uint8_t *gen;
    struct iovec *iov;
};
TAILQ_HEAD(ops, op);

/* What the op needs.  Touches the op alone, which nobody cancels yet, or
 * the lock is held. */
int op_scan(struct op *o);
/* Units and waits for all of it, or nothing.  0; -EAGAIN: no memory
 * now; another -errno in o->err. */
int op_reserve(struct op *o, struct todo *t);
/* Without the lock: after op_reserve. */
void op_begin(struct op *o);
void op_fail(struct op *o, int r, const struct err *e, struct todo *t);
/* One thing less to wait for. */
void op_step(struct op *o, struct todo *t);
void op_unref(struct op *o); /* without the lock */
/* Unpins all and gives the memory of headers back. */
void op_release(struct op *o, struct todo *t);
void op_wait_unit(struct op *o, struct waiter *w, struct unit *u,
                  uint64_t need);
void waiter_remove(struct waiter *w);
/* Tells the waiters whose need is met. */
void unit_wake(struct unit *u, bool crc_known, struct todo *t);

/* stream.c: without the lock, after op_scan (r: its answer). */
void op_submit(struct op *o, int r);

/* assemble.c: without the lock. */
void op_deliver(struct op *o);

/* ---------------------------------------------------------------- twin */

/* Member count is the twin: all of the archive is its body. */
void twin_look(struct reader *r);
void reader_piece_at(const struct reader *r, bool twin, uint64_t at,
                     struct zip_piece *ret);
uint64_t reader_body_size(const struct reader *r, size_t member);
/* Where the body begins in the archive. */
uint64_t reader_body_at(const struct reader *r, size_t member);
/* True for the twin, which needs none. */
bool reader_crc_known(const struct reader *r, size_t member);
bool twin_give_up(struct unit *u, struct todo *t);
int twin_check(struct unit *u, struct err *e);
bool twin_misled(const struct read_stream *s);
/* May the op go on?  0, or -errno for op_fail. */
int twin_trust(const struct op *o, struct err *ret);

/* -------------------------------------------------------------- stream */

struct cursor {
    TAILQ_ENTRY(cursor) link; /* active ones of the pool */
    struct read_stream *stream;
    uint64_t start, pos; /* of the archive: first byte, end so far */
    unsigned run;        /* reads in sequence; 0: unused */
    bool active;
    unsigned waiting;       /* ops without an answer */
    uint64_t used_ms, used; /* when, asked or answered; by which op */
    uint64_t target;        /* bytes to have ahead of pos */
    uint64_t ahead;         /* up to here things were started */
    TAILQ_HEAD(, claim) claims;
    uint64_t claimed; /* their charges */
    uint64_t early;   /* those of them that are not paid */
    /* Growth of target. */
    uint64_t grown_pos, grown_ms, best_rate;
    unsigned plateau;
    /* CRCs of large members asked for ahead. */
    uint64_t climb[READ_CLIMBS];
    size_t climb_member; /* the last */
    unsigned next_climb;
    uint64_t epoch; /* counts what it was used for */
};

TAILQ_HEAD(cursors, cursor);

struct read_stream {
    int refs;
    bool closed;
    struct reader *reader; /* referenced */
    unsigned opened;       /* the reader's opens, then */
    struct ops ops;
    struct cursor cursor[READ_CURSORS];
};

/* No read for READ_IDLE_MS.  Who waits for a slow store is not idle. */
bool cursor_idle(const struct cursor *c, uint64_t now);
/* The op has its answer, and leaves its cursor. */
void cursor_leave(struct op *o);
/* Finds or makes the op's cursor and says how it is to be fetched. */
unsigned cursor_place(struct read_stream *s, struct op *o, uint64_t now,
                      struct todo *t, uint64_t *ret);
void stream_unref(struct read_stream *s); /* without the lock */
/* After op_reserve: claims, growth. */
void cursor_note(struct op *o, struct todo *t);
/* The cursor is free again.  Its climbs to cancel go to ret[]; returns
 * how many (at most READ_CLIMBS). */
unsigned cursor_drop(struct cursor *c, struct todo *t, uint64_t *ret);
/* Bytes that one active cursor may hold. */
uint64_t cursor_share(struct read_pool *p, uint64_t now);
/* How far ahead of itself a cursor with that share may ask: what comes
 * beyond the share waits for memory (unit_pay) while its request and the
 * answer's first bytes are on their way. */
uint64_t cursor_reach(const struct read_pool *p, uint64_t share);

/* ahead.c: queues the units that may be started.  climb: a large member
 * whose CRC its header will need (at most one a call). */
struct ahead_climb {
    struct read_stream *stream; /* referenced; NULL: none */
    struct cursor *cursor;
    size_t member;
    uint64_t epoch;
};
void ahead_pump(struct read_pool *p, struct todo *t,
                struct ahead_climb *climb);
/* Pays for early units, in the order in which they were asked for. */
void ahead_pay(struct read_pool *p, struct todo *t);
/* Without the lock. */
void ahead_ask(struct ahead_climb *climb);

/* How much of the member is fetched at once from byte at on. */
uint64_t ahead_range(uint64_t size, uint64_t at, uint64_t limit,
                     uint64_t next);

/* ---------------------------------------------------------------- pool */

/* The line to the store, as it looks from here. */
struct read_line {
    uint64_t since_ms, bytes; /* that came since */
    uint64_t rate;            /* bytes a second, lately */
    uint64_t first_ms;        /* the shortest time to the first byte */
};
/* With the lock: a fetch that was sent at start_ms had its first byte; n
 * bytes came. */
void line_first(struct read_line *l, uint64_t start_ms, uint64_t now);
void line_bytes(struct read_line *l, uint64_t n, uint64_t now);

struct read_pool {
    atomic_int refs;
    struct net *net;
    struct s3 *s3;
    struct read_pool_conf conf;
    uint64_t budget;    /* bytes of units and headers */
    uint64_t unit_max;  /* bytes */
    uint64_t ahead_max; /* bytes that cursors may claim and have paid */
    unsigned early_max; /* units that are asked for before they are paid */
    pthread_mutex_t lock;
    uint64_t used, claimed;
    struct unit_lru early; /* asked for, not paid, in order */
    unsigned early_count;
    uint64_t early_bytes; /* their charges */
    struct read_line line;
    void *mapping;
    uint64_t arena_size; /* of the mapping */
    uint8_t *arena;      /* chunks in it, from a huge page's border on */
    size_t arena_chunks, fresh, free_count;
    uint8_t **free_chunk;
    struct unit *hash[READ_HASH];
    struct unit_lru behind; /* done, claimed by nobody: oldest first */
    struct unit_lru ahead;  /* done, claimed */
    struct units queue;     /* demanded, waiting for a slot */
    struct ops starving;    /* waiting for memory, in order */
    struct cursors cursors; /* active, last used first */
    struct unit_lru flight; /* being fetched, in order */
    unsigned fetching;      /* second ones included */
    unsigned reissuing;
    bool ticking;
    uint64_t tick_ms;
    uint64_t slow_ms; /* when the store was slow as a whole; 0: never */
    bool pumping, again;
    uint64_t last_id;
    struct read_stats stats;
};
struct read_pool *pool_ref(struct read_pool *p);
void pool_unref(struct read_pool *p);
void pool_pump(struct read_pool *p);

/* memory.c */
int memory_init(struct read_pool *p);
void memory_free(struct read_pool *p);
/* Make n bytes fit, dropping done units: what lies behind readers; for
 * demand also what lies ahead of them. */
bool memory_room(struct read_pool *p, uint64_t n, bool demand, struct todo *t);
void memory_take(struct read_pool *p, uint64_t n);
void memory_give(struct read_pool *p, uint64_t n);
uint8_t *memory_chunk(struct read_pool *p);
void memory_chunk_free(struct read_pool *p, uint8_t *chunk);

#endif
