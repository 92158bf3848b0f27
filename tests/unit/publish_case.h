/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One publish against the fake: set-up, run, and what must hold after it,
 * whatever happened.
 */
#ifndef S3ZIPFS_TESTS_PUBLISH_CASE_H
#define S3ZIPFS_TESTS_PUBLISH_CASE_H

#include "publish_fake.h"

enum { ALL = 256, HALF = 128, NONE = 0 }; /* members with a stored CRC */

struct publish_case {
    struct conf conf;
    struct publisher *p;
    struct layout *l;
    struct reader *r;
    uint8_t *want;            /* the archive's bytes at the start */
    struct publish_status st; /* of the last job */
    struct err err;
    unsigned answers; /* of waiters */
    unsigned deaths;
    unsigned host;
    const struct plan_limits *limits; /* NULL: fake_limits */
    char before[40]; /* ETag of the archive that was there, "" = none */
};

/* Members below "p/" of bucket "b"; destination is out/a.zip. */
void case_start(struct publish_case *c, uint64_t seed, unsigned members,
                unsigned stored);
/* The same with strategy s; again copies from the archive that another
 * publish has left there. */
void case_start_as(struct publish_case *c, enum plan_strategy s, uint64_t seed,
                   unsigned members, unsigned stored);
void case_stop(struct publish_case *c);
/* fn(user) on a thread of its own, which may wait for the fake. */
void case_call(void (*fn)(void *user), void *user);
/* Its jobs are aborted. */
void case_free_publisher(struct publish_case *c);
/* Another publisher, as of another process: nothing learned. */
void case_new_publisher(struct publish_case *c);
/* What became of the members; the archive that is there is kept in mind. */
void case_next_layout(struct publish_case *c, unsigned stored);
/* A publish from start to end; its errno.  Each of two waiters was called
 * once, nothing is in flight or pinned. */
int case_publish(struct publish_case *c);
/* The same in two halves; between them the caller runs the fake. */
int case_begin(struct publish_case *c, const char *key,
               struct publish_job **ret);
void case_end(struct publish_case *c, struct publish_job *j);
/* The same to another key of the bucket. */
int case_publish_to(struct publish_case *c, const char *key);
/* Publishes, and dies at the n-th call, late: when the store has done it.
 * Then there is another publisher, and a reader that knows no CRC.  False
 * if the publish ended before. */
bool case_killed(struct publish_case *c, unsigned n, bool late);
/* Another process beside c, on that host, with the same members; and both
 * publish at once. */
void case_beside(struct publish_case *c, const struct publish_case *first,
                 unsigned host);
void case_publish_both(struct publish_case *a, struct publish_case *b);
void case_beside_stop(struct publish_case *c);
/* The destination holds the archive; no upload, scratch object or row. */
void case_check_there(struct publish_case *c);
/* No upload, no scratch object, no row, no archive but the one before. */
void case_check_nothing(struct publish_case *c);
/* Nothing but the destination may be left. */
void case_check_clean(struct publish_case *c);
/* Publishes; there, with this word. */
void case_done(struct publish_case *c, const char *verified);
void case_failed(struct publish_case *c, int r);
/* What would be sent where no archive is known; plan_free frees it. */
struct plan case_plan(const struct publish_case *c);
/* Traffic and calls of a publish without restart are the plan's. */
void case_check_plan(struct publish_case *c, const struct plan *p);

#endif
