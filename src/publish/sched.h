/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Which call of a publish goes next: a plan, what is known and what is there
 * already in; tasks out, one at a time; their answers in.  The job's workers
 * call it under the job's lock, and do what it says without.
 *
 *     while ((turn = sched_next(s, &task)) == SCHED_TASK)
 *         sched_done(s, &task, &answer, &told);
 *
 * Pure: no I/O, no clock, no lock of its own.  A step takes O(log parts), a
 * part about 40 bytes.
 *
 * Numbers.  Uploads: the plan's scratch uploads, then the archive's, which
 * is number plan->scratches.  Parts: those of the scratch uploads in the
 * plan's order, then the archive's: number plan->scratch_parts + index.
 *
 * Who waits for whom:
 *   - A scratch upload is created when all that it copies from is there; or
 *     a little earlier, when all of that has begun; or at once, if another
 *     upload waits for a CRC that its answers tell.
 *   - A copy of a member or of the previous archive needs its own upload
 *     alone.  A copy of a scratch object needs that object too.
 *   - An upload part needs the CRC of every member of which it holds a
 *     header, local or central.
 *   - A scratch upload is completed when its parts are there, and its object
 *     deleted when the last part that copies from it is there.
 *
 * Where the CRC of a member comes from, if it is not known:
 *   - Nothing of it is copied, and it is fetched in one piece (PLAN_FETCH):
 *     the reader has it before it makes the local header.  The central
 *     directory waits until that part was read.
 *   - Ranges of it are copied into uploads with a checksum, and upload parts
 *     carry the rest: all of these together tell it (member_crc.h).  A
 *     header waits for them, but for the bytes in its own part, which are
 *     read before it is made.
 *   - Where these come late, since they stand in an upload that waits for
 *     others while the header is in front of these (chain), a CRC task asks
 *     for what a HEAD tells, at once and side by side with all others.  If
 *     that is nothing, the upload is created at once, and its copy tells.
 *   - Else, and where a part with central headers carries bytes of it, a CRC
 *     task finds it out, at once too.
 *
 * Why nothing waits for ever: an upload from which a CRC is wanted elsewhere
 * is created without its sources, so a copy of a member always comes.  An
 * upload part waits only for copies of members, for CRC tasks, and for other
 * upload parts: one that holds local headers only, for parts of that kind
 * behind it in the archive; one with central headers, for parts of the first
 * kind, and of its own before it.  And scratch objects copy from lower
 * numbers only.
 */
#ifndef S3ZIPFS_PUBLISH_SCHED_H
#define S3ZIPFS_PUBLISH_SCHED_H

#include "plan/plan.h"

struct sched;

/* ------------------------------------------------------------------- in */

/* How long things take, microseconds.  They decide what goes first, nothing
 * else: only their proportions matter. */
struct sched_weights {
    uint32_t create;
    uint32_t copy, copy_mib; /* a part copy: fixed, and per MiB */
    uint32_t upload, upload_mib;
    uint32_t complete, complete_part; /* fixed, and per part */
    uint32_t lookup;                  /* of a CRC */
};
/* A store in the same region, and a gigabit line. */
extern const struct sched_weights sched_weights_default;

/* An UPLOAD or PUT of so few bytes (local headers, as a rule) is as light as
 * a call without a body, and is counted as one. */
enum { SCHED_LIGHT = 16 << 10 };

/* What may be in flight at once.  Each counts as 1 if it is less. */
struct sched_limits {
    uint32_t calls;   /* CREATE, COPY, COMPLETE, DELETE, and light parts */
    uint32_t uploads; /* UPLOAD, PUT; light ones excepted here and below */
    uint32_t reads;   /* those of them whose bytes are not read yet */
    uint32_t lookups; /* CRC */
    uint32_t batch;   /* objects of one DELETE, at most SCHED_BATCH_MAX: 1
                         where the store deletes one by one */
    uint64_t memory;  /* bytes of parts in UPLOAD and PUT; one that is larger
                         goes alone */
};
enum { SCHED_BATCH_MAX = 1000 };

/* What is known before the start.  Borrowed as long as the scheduler is. */
struct sched_facts {
    const struct plan *plan; /* plan_check has nothing against it */
    const struct zip_layout *layout;
    const struct zip_layout *previous; /* of PLAN_COPY_PREVIOUS, or NULL */
    const struct sched_weights *weights;
    /* Is the CRC of that member known?  NULL: all are. */
    bool (*known)(void *user, size_t member);
    void *user;
    bool checksum;         /* the archive's upload has the algorithm; */
    bool scratch_checksum; /* those of scratch objects: copies tell CRCs */
    bool trusted; /* ranged copies are known to answer right; else upload
                     parts wait for the first answer of a ranged copy into
                     the archive, and members that may have a stored CRC are
                     asked for it before what ranges tell is believed */
    bool open;    /* the archive's upload is there; else it is the first
                     CREATE, or one PUT if it is a single uploaded part */
    bool shared;  /* by many processes: nothing of the archive goes before
                     sched_offer says so, and nothing waits for CRCs */
};

/* 0 or -ENOMEM.  Whatever is there from before comes next, then
 * sched_begin. */
int sched_new(struct sched **ret, const struct sched_facts *f);
void sched_free(struct sched *s); /* NULL is legal */

/* A part that the store has; crc (of the part) NULL: not known.  While it
 * runs (shared): another process sent it; not for one in flight. */
void sched_have_part(struct sched *s, uint32_t part, const uint32_t *crc);
/* A scratch upload that is open, or a scratch object that is there (with
 * all its parts).  Those that nobody needs any more are not made again:
 * objects are deleted, and uploads stay open (sched_upload_state). */
void sched_have_upload(struct sched *s, uint32_t upload);
void sched_have_object(struct sched *s, uint32_t upload);
/* 0 or -ENOMEM. */
int sched_begin(struct sched *s, const struct sched_limits *lim);

/* At any time from then on. */
void sched_limits(struct sched *s, const struct sched_limits *lim);
/* The CRC of that member became known: by a CRC task, by a reader, by what
 * *told said, or otherwise.  Again is no harm. */
void sched_crc(struct sched *s, size_t member);
/* Ranged copies were seen right: see sched_facts. */
void sched_trust(struct sched *s);
/* Shared: that part of the archive may go from here. */
void sched_offer(struct sched *s, uint32_t part);

/* ------------------------------------------------------------------ out */

enum sched_kind {
    SCHED_CREATE,   /* an upload; to be sent once */
    SCHED_COPY,     /* a part */
    SCHED_UPLOAD,   /* a part: read, then sent */
    SCHED_PUT,      /* an object of a single uploaded part: read, then sent */
    SCHED_COMPLETE, /* a scratch upload; never the archive's */
    SCHED_DELETE,   /* scratch objects: sched_batch */
    SCHED_CRC,      /* of a member */
};

/* Bytes of a member's body in an upload part whose CRC others want: to be
 * read first, and told by sched_donated. */
struct sched_donation {
    uint32_t member;
    uint64_t first, end; /* of the archive; empty: none */
};

struct sched_task {
    enum sched_kind kind;
    uint32_t upload;              /* CREATE, COPY, UPLOAD, PUT, COMPLETE */
    uint32_t part;                /* COPY, UPLOAD, PUT */
    uint32_t number;              /* of the part in its upload, from 1 */
    const struct plan_part *plan; /* COPY, UPLOAD, PUT */
    uint64_t memory;              /* UPLOAD, PUT: bytes of the part, 0 if it
                                     is light */
    /* UPLOAD, PUT: what ends a body that began before, and what begins one
     * that goes on after the part. */
    struct sched_donation donation[2];
    bool directory;        /* UPLOAD, PUT: holds central headers */
    uint32_t first, count; /* DELETE: how many; first is sched_batch's */
    uint32_t member;       /* CRC */
    bool cheap;            /* CRC: by what costs a HEAD, or not at all */
};

enum sched_turn {
    SCHED_TASK,
    SCHED_WAIT,  /* something must be answered first, or offered */
    SCHED_OVER,  /* all parts of the archive are there, nothing is in flight,
                    and no scratch object that is known is left */
    SCHED_STUCK, /* nothing is in flight and nothing can go: a plan that
                    plan_check refuses.  The job fails rather than waits. */
};
/* *ret is written for SCHED_TASK.  It is the caller's until it goes back by
 * sched_done or sched_failed. */
enum sched_turn sched_next(struct sched *s, struct sched_task *ret);

/* The scratch objects of a DELETE; out has room for t->count. */
void sched_batch(const struct sched *s, const struct sched_task *t,
                 uint32_t *out);

struct sched_answer {
    bool have_crc; /* COPY: of the copied bytes; CRC: it was found (the value
                      is the caller's to keep) */
    uint32_t crc;  /* COPY */
};
/* What the pieces of a member tell: its CRC.  If it was known and is
 * another, the store or the known one is wrong: the caller's to find out. */
struct sched_told {
    uint32_t member;
    uint32_t crc;
};

/* A donation of an UPLOAD or PUT in flight (which: 0 or 1) was read: its
 * CRC.  True if *told is written: the caller keeps the value (crc_put)
 * before it makes the header, which may stand in this very part. */
bool sched_donated(struct sched *s, const struct sched_task *t, unsigned which,
                   uint32_t crc, struct sched_told *told);
/* All bytes of an UPLOAD or PUT in flight were read, headers made: what goes
 * on is sending.  Need not be called: sched_done says the same, later. */
void sched_read(struct sched *s, const struct sched_task *t);
/* It is done.  True if *told is written; sched_crc of it is not needed.  a
 * may be NULL but for COPY and CRC.  A CRC task that found nothing is done
 * too: what waits for it then goes, and its reader finds out or fails. */
bool sched_done(struct sched *s, const struct sched_task *t,
                const struct sched_answer *a, struct sched_told *told);
/* Not done: it will go again, unless the caller stops asking. */
void sched_failed(struct sched *s, const struct sched_task *t);
/* What sched_have_part's CRCs tell, one at a time, until false: after
 * sched_begin. */
bool sched_resumed(struct sched *s, struct sched_told *told);

/* ------------------------------------------------------- how far it is */

struct sched_counts {
    /* in flight */
    uint32_t calls, uploads, reads, lookups;
    uint64_t memory;
    /* Ready, and held back by a limit (or by the first ranged answer)
     * only. */
    uint32_t calls_held, uploads_held, lookups_held;
    uint32_t parts_left;   /* of all uploads, in flight ones included */
    uint32_t archive_left; /* of the archive: 0 = Complete may go */
    uint32_t objects;      /* scratch objects that are there */
};
void sched_counts(const struct sched *s, struct sched_counts *ret);

/* For cleanup after a failure: what an upload has come to, by the answers
 * so far.  What was in flight and not answered may have come further. */
enum sched_state {
    SCHED_NOTHING,  /* neither upload nor object, or deleted */
    SCHED_CREATING, /* CREATE or PUT in flight */
    SCHED_OPEN,
    SCHED_COMPLETING,
    SCHED_THERE, /* the object */
    SCHED_DELETING,
};
enum sched_state sched_upload_state(const struct sched *s, uint32_t upload);
bool sched_part_there(const struct sched *s, uint32_t part);

#endif
