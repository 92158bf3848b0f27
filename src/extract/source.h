/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An archive in a file or in the store: reads at an offset, and a scan from
 * front to back, with several ranges in flight.  Private to the room, its
 * tests and its fuzz targets.
 *
 * Threads: any that may wait.
 */
#ifndef S3ZIPFS_EXTRACT_SOURCE_H
#define S3ZIPFS_EXTRACT_SOURCE_H

#include <stdatomic.h>

#include "net/scope.h"
#include "s3/s3.h"

struct source {
    const char *name; /* for messages; borrowed */
    uint64_t size;
    int fd; /* a file, or -1: */
    struct s3 *s3;
    char *bucket, *key, *etag;
    char *digest;    /* x-amz-meta-s3zipfs-layout; NULL if none */
    bool have_crc32; /* of the whole object, as the store has it */
    uint32_t crc32;
    uint64_t memory; /* bytes that a scan may use */
    atomic_uint_fast64_t downloaded;
    struct scope *scope; /* of the job: a read that fails stops it */
};

/* 0 or -errno with words; source_close in both cases.  They leave memory
 * and scope alone; all else may be zeros. */
int source_open_file(struct source *s, const char *path, struct err *e);
int source_open_object(struct source *s, struct s3 *s3, const char *url,
                       struct err *e);
void source_close(struct source *s);
struct s3_where source_where(const struct source *s);

/* Exactly n bytes, within the size. */
int source_read(struct source *s, uint64_t offset, void *out, size_t n,
                struct err *e);
/* The same by one GET (an object's), for who has words of its own; does not
 * stop the scope. */
int source_get(struct source *s, uint64_t offset, void *out, size_t n,
               struct s3_error *e);
/* [first, end) in order; fn returns 0, or -errno (with its own words) to
 * end the scan. */
int source_scan(struct source *s, uint64_t first, uint64_t end,
                int (*fn)(void *user, const uint8_t *p, size_t n), void *user,
                struct err *e);

#endif
