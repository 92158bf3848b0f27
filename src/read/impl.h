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

#include "read/unit.h"

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
/* Of an op that failed with r: if it was the twin's failure another one,
 * from the members, answers in its place. */
void twin_start_again(struct op *o, int r, struct todo *t);
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
