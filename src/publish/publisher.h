/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The publisher: the jobs of a mount or command, and what was learned of
 * the store.  Private to the room.
 */
#ifndef S3ZIPFS_PUBLISH_PUBLISHER_H
#define S3ZIPFS_PUBLISH_PUBLISHER_H

#include <pthread.h>
#include <stdatomic.h>

#include "publish/publish.h"
#include "state/state.h"

struct publish_job;

/* What the store's answers taught us; for as long as the process lives, and
 * some of it for longer (quirks.h). */
struct caps {
    bool no_part_crc;     /* copies into a checksum upload: none, or refused */
    bool range_bad;       /* ranged copies of CRC32 sources: whole's CRC */
    bool range_good;      /* ranged copies of CRC32 sources: seen right */
    bool copies_good;     /* a publish with copies was verified by the store */
    bool no_complete_crc; /* none in the answer to Complete */
    bool no_size;         /* x-amz-mp-object-size: 501 */
    bool no_copy;         /* no part copy */
    bool no_batch;        /* objects are deleted one by one */
};

struct publisher {
    atomic_int refs;
    struct publisher_deps d;
    uint64_t in_flight;          /* bytes of upload parts, at most */
    struct permits *permits;  /* of them */
    uint64_t seg_max;         /* bytes of one read_range */
    pthread_mutex_t lock;     /* all below */
    pthread_cond_t idle;
    struct publish_job *jobs; /* newest first; the list holds a reference */
    unsigned running;
    bool closing;
    struct caps caps;
    struct caps told; /* by the state file, or to it */
};
struct publisher *publisher_ref(struct publisher *p);
void publisher_unref(struct publisher *p);
struct caps publisher_caps(struct publisher *p);
/* The same for plans: with what another process has seen and this one has
 * yet to see. */
struct caps publisher_foreseen(struct publisher *p);
/* Sets one field of p->caps to true; says so in the log the first time. */
void publisher_learn(struct publisher *p, bool *cap, const char *words);
/* Before an upload and at the end: what was learned since the last time goes
 * to the state file.  Blocks. */
void publisher_tell(struct publisher *p);
/* The job has ended: its destination is free; then: its waiters know. */
void publisher_ended(struct publisher *p, struct publish_job *j);
void publisher_quiet(struct publisher *p);

#endif
