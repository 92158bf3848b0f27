/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The parts of a plan on their way: stages (the uploads), parts, and the
 * members whose bodies are copied.  Private to the room; all of it belongs
 * to the job's strand.
 *
 * All parts of all uploads stand in one array, job->part: those of the
 * scratch objects in their order, then those of the archive.
 */
#ifndef S3ZIPFS_PUBLISH_PART_H
#define S3ZIPFS_PUBLISH_PART_H

#include "publish/calls.h"

/* ------------------------------------------------------------- stages */

enum stage_state {
    STAGE_WAIT, /* for its sources, or for its turn */
    STAGE_CREATE,
    STAGE_OPEN,
    STAGE_COMPLETE,
    STAGE_DONE,
};

/* One upload of the plan: scratch object `number`, or the archive's (the
 * last stage, whose calls are the job's own sequence). */
struct stage {
    struct event ev; /* of its one call */
    struct publish_job *job;
    uint32_t number;
    uint32_t first, count; /* parts: job->part[first .. first + count) */
    uint32_t left;         /* parts that are not done */
    uint32_t sources;      /* parts whose scratch object is not there */
    uint32_t users;        /* parts that copy from it: first one + 1 */
    uint32_t next;         /* in the queue of those that may begin, + 1 */
    uint8_t state;         /* enum stage_state */
    bool crc;              /* its upload has the checksum algorithm */
    bool put;              /* one uploaded part: PutObject */
    bool queued;           /* is or was in the queue */
    bool sent_size;        /* with its Complete */
    s3_id id;
    int attempts;
    char *upload_id;
    char *etag, *version; /* of the finished scratch object */
    uint64_t size;        /* bytes of it */
    bool have_whole;      /* of a stage with checksum */
    uint32_t whole;       /* its CRC-32 */
    struct s3_error *e;   /* of the call, malloc; NULL = none */
};
enum { STAGE_KEY_MAX = 1200 };

/* -------------------------------------------------------------- parts */

enum part_state { PART_WAIT, PART_BUSY, PART_DONE };

/* Body bytes of a copied member inside an upload part: a donation. */
struct donation {
    int32_t copied;      /* index into job->copied, -1 = none */
    uint64_t first, end; /* of the archive */
    bool have_crc;
    uint32_t crc;
};
enum { DON_HEAD, DON_TAIL, DON_COUNT };

struct part {
    uint8_t state; /* enum part_state */
    bool have_crc;
    bool directory; /* an upload that holds central headers */
    bool ranged;    /* a copy that is not the whole source */
    bool probe;     /* the same in the archive, one of the first */
    bool forced;    /* an upload that waits for no copy any more */
    bool queued;    /* was queued */
    int32_t copied; /* a copy: its member (-1: of another object, or a pad);
                       an upload: the copied member whose local header it
                       holds, or -1 */
    uint32_t stage;
    uint32_t next;      /* in a queue: part + 1 */
    uint32_t user_next; /* copies from the same scratch object: part + 1 */
    uint32_t crc;
    uint64_t data; /* an upload: body bytes, to be downloaded */
    char *etag;
    struct donation don[DON_COUNT]; /* of uploads */
    struct event ev;                /* a copy's answer */
    struct publish_job *job;
    s3_id id;
    bool looks; /* id is a HEAD of the source */
    int attempts, source_err;
    struct s3_error *e; /* a copy's error, malloc, NULL = none */
};

/* Parts in a row; numbers + 1, 0 = none. */
struct part_queue {
    uint32_t head, tail;
};

enum ask { ASK_NOT, ASK_SENT, ASK_ANSWERED };

/* A range of a copied member's body that one part carries. */
struct piece {
    uint64_t first; /* of the archive */
    uint32_t part;
    int32_t don; /* of an upload part; -1: a copy */
};

/* A member of which at least one range is copied. */
struct copied {
    uint32_t member;
    uint32_t piece, pieces;            /* job->piece[piece ..], in order */
    uint32_t copies_left, pieces_left; /* without CRC */
    bool ranged;                       /* some copy is not all of it; */
    bool ranged_last;                  /* one of the archive's upload */
    bool scratch;    /* some copy is into a scratch object; */
    bool late;       /* one that cannot begin before the header is there */
    bool opaque;     /* some answers tell nothing of its CRC */
    bool has_stored; /* the cheap rungs knew its CRC */
    uint8_t ask;     /* enum ask */
    uint32_t header; /* the upload part that holds it, + 1; 0 = none */
    struct event ev;
    struct publish_job *job;
    uint64_t id;
    int r;
    struct err err;
};

struct upload; /* an upload part in flight: upload.c */

/* A range that is read back: verify.c. */
struct check;

/* build.c: from the plan to parts, pieces and stages (worker thread; the
 * strand waits for it).  0, or -errno in j->work_err. */
int parts_build(struct publish_job *j);
void parts_free(struct publish_job *j);

/* pieces.c: the CRCs of copied members */
void piece_copied(struct publish_job *j, uint32_t part);
void piece_donated(struct publish_job *j, int32_t copied);
/* flags: of crc_get. */
void copied_ask(struct publish_job *j, struct copied *c, unsigned flags);
/* Its copies will not tell the CRC that its header waits for. */
bool copied_is_mute(const struct publish_job *j, const struct copied *c);
void pieces_cancel(struct publish_job *j);
/* The crc room asks for CRCs of bodies that are copied by copies. */
void pieces_tell(struct publish_job *j);
bool copied_wants_ask(struct publish_job *j, const struct copied *c);
/* Is the CRC of that copy the one of its whole source? */
bool copy_is_quirk(struct publish_job *j, uint32_t n);
/* It is: begin again. */
void found_quirk(struct publish_job *j, bool of_archive);

/* diagnose.c */
void diagnose(struct publish_job *j, uint32_t member, uint32_t known);
void diagnose_cancel(struct publish_job *j);

/* parts.c */
void parts_begin(struct publish_job *j);
void parts_step(struct publish_job *j);
/* Ends what only reads; parts on their way to the store go on. */
void parts_cancel(struct publish_job *j);
bool parts_sending(const struct publish_job *j);
void parts_cut(struct publish_job *j); /* ends those too */
void parts_reset(struct publish_job *j);

/* parts_queue.c.  The stage's upload can take parts. */
void parts_open(struct publish_job *j, struct stage *s);
/* One part, whose source is there. */
void parts_queue(struct publish_job *j, uint32_t n);
/* The scratch object is there: who copies from it may go on. */
void parts_source(struct publish_job *j, struct stage *s);
/* The copy that goes next, + 1; 0: none. */
uint32_t parts_next_copy(struct publish_job *j);
/* Takes the first that is ready (of the first READY_WINDOW). */
typedef bool part_ready_fn(struct publish_job *j, const struct part *p);
bool parts_take_ready(struct publish_job *j, struct part_queue *q,
                      part_ready_fn *ready, uint32_t *ret);
/* parts.c */
void part_finished(struct publish_job *j, uint32_t n);
/* The store has it from before. */
void part_resumed(struct publish_job *j, uint32_t n);
bool dep_known(struct publish_job *j, const struct part *p);

/* stages.c: which scratch object begins when */
void stages_begin(struct publish_job *j);
void stages_step(struct publish_job *j);
void stages_cut(struct publish_job *j); /* their calls */
bool stages_busy(const struct publish_job *j);
/* s is there: stages that have all they copy from may begin. */
void stages_ready(struct publish_job *j, struct stage *s);
/* stage.c: one scratch object */
void stage_create(struct publish_job *j, struct stage *s);
/* All parts of s are there. */
void stage_complete(struct publish_job *j, struct stage *s);
/* The one part of a stage that is a PUT. */
void stage_put(struct publish_job *j, struct stage *s, const struct iovec *iov,
               int count, uint32_t crc);
struct s3_where stage_where(const struct publish_job *j, const struct stage *s,
                            char key[STAGE_KEY_MAX]);
const char *stage_upload_id(const struct publish_job *j,
                            const struct stage *s);

/* stage_clean.c: aborts the uploads and deletes the scratch objects that
 * are known, and what else lies below the job's scratch prefix if any
 * answer was lost; then(j).  j->scratch_kept: something may have stayed. */
void stages_clean(struct publish_job *j, job_fn *then);
/* Everything below prefix, of a killed process; then(j). */
void scratch_scrub(struct publish_job *j, const char *prefix, job_fn *then);
void stages_clean_hurry(struct publish_job *j);

/* copy.c */
void copy_send(struct publish_job *j, uint32_t n);

/* upload.c */
/* Bytes of memory= that part n, an upload, takes. */
uint64_t upload_memory(const struct publish_job *j, uint32_t n);
void upload_start(struct publish_job *j, uint32_t n);
void upload_advance(struct publish_job *j);
void upload_cancel(struct publish_job *j); /* their reads */
/* Parts that are being sent, or whose bodies are being read. */
unsigned upload_count(const struct publish_job *j, bool sending);
bool upload_sending(const struct publish_job *j);
void upload_cut(struct publish_job *j);
/* The one part n of an upload was sent as a PutObject; its bytes are not
 * needed any more. */
void upload_put_over(struct publish_job *j, uint32_t n, bool done);

#endif
