/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of the scheduler share: its parts, uploads and members.
 * sched_build.c makes them from a plan, sched_crc.c knows who waits for
 * which CRC, sched_next.c who goes next, sched.c what an answer changes.
 * Not for other files.
 */
#ifndef S3ZIPFS_PUBLISH_SCHED_IMPL_H
#define S3ZIPFS_PUBLISH_SCHED_IMPL_H

#include "base/check.h"
#include "publish/member_crc.h"
#include "publish/sched.h"

enum part_state {
    PART_WAIT,
    PART_READY, /* in the heap */
    PART_BUSY,  /* handed out */
    PART_READ,  /* the same, and its bytes were read */
    PART_DONE,
    PART_SKIPPED, /* of an upload that nobody needs */
};

struct sched_part {
    uint64_t path; /* see sched_build.c */
    uint32_t upload;
    uint32_t user_next; /* copies of the same scratch object: part + 1 */
    uint32_t waits;     /* an upload: CRCs that are missing */
    uint32_t piece;     /* the first of its pieces */
    uint8_t pieces;     /* 0 to 2 */
    uint8_t state;      /* enum part_state */
    bool directory : 1; /* an upload that holds central headers */
    bool ranged : 1;    /* a copy that is not all of its source */
    bool probe : 1;     /* such a copy into the archive, */
    bool first : 1;     /* which goes first */
    bool light : 1;     /* an upload that counts as a call */
    bool offered : 1;
    bool tells : 1; /* who reads it learns a CRC that others want */
};

struct sched_upload {
    uint64_t path;        /* of its COMPLETE */
    uint64_t create_path; /* of its CREATE */
    uint32_t first, count;
    uint32_t left;       /* parts that are not there */
    uint32_t users;      /* parts that copy from it: first one + 1 */
    uint32_t users_left; /* of them, not there */
    uint32_t missing;    /* parts whose scratch object is not there, */
    uint32_t unbegun;    /* or not even begun */
    uint32_t next;       /* of those to be deleted: upload + 1 */
    uint8_t state;       /* enum sched_state */
    bool made : 1;       /* it is to be made, or being made */
    bool put : 1;
    bool begun : 1;
    bool queued : 1;       /* its CREATE is in the heap of calls, */
    bool ahead_queued : 1; /* or of those that may go ahead */
    bool ahead : 1;        /* created before all sources are there */
    bool early : 1;        /* others wait for CRCs that its answers tell,
                              or it is the archive's */
};

enum ask { ASK_NOT, ASK_READY, ASK_SENT, ASK_ANSWERED };
enum ask_kind {
    ASK_NONE,
    ASK_CHEAP,
    ASK_FULL,
    ASK_DOUBT, /* cheap, of ranged copies: are their answers right? */
};

struct sched_member {
    uint32_t wait; /* its waiters: waiter[wait .. next one's wait) */
    uint8_t ask;   /* enum ask */
    uint8_t kind;  /* enum ask_kind */
    bool known : 1;
    bool awake : 1;   /* its waiters were told, */
    bool own : 1;     /* or that one alone which reads the missing piece */
    bool header : 1;  /* an upload part to come has its local header */
    bool by_read : 1; /* whose reader finds the CRC */
};

/* Ids, the most urgent first. */
struct heap {
    uint32_t *id;
    uint32_t count;
    bool (*before)(const struct sched *s, uint32_t a, uint32_t b);
};

struct sched {
    struct sched_facts f;
    struct sched_weights w;
    struct sched_limits lim;
    struct sched_part *part;
    uint32_t parts;
    struct sched_upload *upload;
    uint32_t archive; /* the last of the uploads */
    struct member_crc crcs;
    struct sched_member *member; /* count + 1; NULL: all CRCs are known */
    uint32_t *waiter;            /* upload parts, by member */
    uint32_t resumed;            /* sched_resumed: in crcs.copied */

    struct heap call;   /* copies and light parts by number;
                           parts + upload: its CREATE;
                           parts + uploads + upload: its COMPLETE */
    struct heap ahead;  /* uploads that may be created ahead */
    struct heap body;   /* other parts to be uploaded */
    struct heap lookup; /* members */
    uint32_t gone_first, gone_last, gone; /* objects to be deleted, + 1 */

    bool held; /* no body goes before a ranged copy was answered */
    bool trusted;
    uint32_t calls, bodies, reads, lookups; /* in flight */
    uint32_t aheads;                        /* uploads with ahead set */
    uint64_t memory;                        /* in flight */
    uint32_t parts_left, objects;
};

static inline const struct plan_part *
sched_plan(const struct sched *s, uint32_t n)
{
    const struct plan *p = s->f.plan;

    return n < p->scratch_parts ? &p->scratch_part[n]
                                : &p->part[n - p->scratch_parts];
}

static inline struct sched_upload *
sched_upload_of(const struct sched *s, uint32_t part)
{
    return &s->upload[s->part[part].upload];
}

static inline uint32_t
sched_uploads(const struct sched *s)
{
    return s->archive + 1;
}

/* A part that is to be sent, and was not handed out yet. */
static inline bool
sched_is_due(const struct sched *s, uint32_t n)
{
    return s->part[n].state <= PART_READY && sched_upload_of(s, n)->made;
}

/* An object that was deleted is not made any more. */
static inline bool
sched_is_to_be_created(const struct sched_upload *up)
{
    return up->made && !up->put && up->state == SCHED_NOTHING;
}

/* sched_heap.c.  The heaps have room for all that can be in them. */
void heap_push(struct heap *h, const struct sched *s, uint32_t id);
void heap_pop(struct heap *h, const struct sched *s);

/* sched_build.c: microseconds of that part alone */
uint64_t sched_part_time(const struct sched *s, uint32_t n);

/* sched.c: what can go at once */
void sched_start(struct sched *s);
/* Into its heap, if nothing is missing. */
void sched_try_part(struct sched *s, uint32_t n);
void sched_try_create(struct sched *s, uint32_t upload);
/* Who copies from it may soon begin. */
void sched_upload_begun(struct sched *s, uint32_t upload);

/* sched_crc.c.  Who waits for the CRC of whom, and who will be asked for
 * it: 0 or -ENOMEM.  Paths are not known yet. */
int sched_crc_build(struct sched *s);
/* They are: asks, and wakes whose CRCs are there. */
void sched_crc_begin(struct sched *s);
/* A copy is handed out. */
void sched_crc_sent(struct sched *s, uint32_t part);
/* Answers; true if *told is written. */
bool sched_crc_piece(struct sched *s, uint32_t piece, uint32_t crc,
                     struct sched_told *told);
bool sched_crc_answered(struct sched *s, uint32_t member, bool found,
                        struct sched_told *told);
/* A CRC task was given back. */
void sched_crc_again(struct sched *s, uint32_t member);
/* The pieces of that part which are not known by now will not be. */
void sched_crc_lost(struct sched *s, uint32_t part);
/* All bytes of that upload part were read. */
void sched_crc_read(struct sched *s, uint32_t part);

#endif
