/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One publish against the fake: set-up, run, and what must hold after it,
 * whatever happened.
 */
#ifndef S3ZIPFS_TESTS_PUBLISH_CASE_H
#define S3ZIPFS_TESTS_PUBLISH_CASE_H

#include "publish_fake.h"

struct publish_case {
    struct conf conf;
    struct publisher *p;
    struct layout *l;
    struct reader *r;
    uint8_t *want;            /* the archive's bytes at the start */
    struct publish_status st; /* of the last job */
    struct err err;
    unsigned answers; /* of waiters */
};

/* Members below "p/" of bucket "b"; destination is out/a.zip. */
void case_start(struct publish_case *c, uint64_t seed, unsigned members,
                unsigned stored);
void case_stop(struct publish_case *c);
/* Another publisher, as of another process: nothing learned. */
void case_new_publisher(struct publish_case *c);
/* A publish from start to end; its errno.  Each of two waiters was called
 * once, nothing is in flight or pinned. */
int case_publish(struct publish_case *c);
/* The same to another key of the bucket. */
int case_publish_to(struct publish_case *c, const char *key);
/* The destination holds the archive; no upload, no row. */
void case_check_there(struct publish_case *c);
/* No upload, no row, no archive. */
void case_check_nothing(struct publish_case *c);

#endif
