/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An extraction.  Threads take what is to be done one after the other, and
 * do it from top to bottom: a large member (member.c, and stream.c where its
 * bytes pass through), or a run of small neighbours (small.c).  What comes
 * before them is in unpack.c and existing.c.  Private to the room.
 *
 * Functions that return an int return 0 or -errno, and then the job has
 * failed with words, or had failed before.
 */
#ifndef S3ZIPFS_EXTRACT_UNPACK_H
#define S3ZIPFS_EXTRACT_UNPACK_H

#include "base/check.h"
#include "base/cleanup.h"
#include "extract/dir.h"
#include "extract/extract.h"
#include "extract/side.h"
#include "s3/sync.h"

enum {
    UNPACK_MEMBERS = 16, /* side by side, that are copied or streamed */
    UNPACK_RUNS = 8,     /* the same of runs, as long as there are members */
    UNPACK_COPIES = 24,  /* part copies... */
    UNPACK_MEMBER_COPIES = 8, /* ...of one member */
    UNPACK_PUTS = 32,
    UNPACK_RUN_PUTS = 8,
    UNPACK_HEADS = 32,
    UNPACK_BUSY_MAX = 3, /* 409: so many new tries */
};

enum { ENTRY_WANTED, ENTRY_OUT, ENTRY_EXISTS };

struct unpack {
    const struct extract_deps *d;
    const struct extract_args *a;
    const struct extract_limits *limits;
    struct scope *scope;
    struct source source;
    struct zdir dir;
    uint32_t *order; /* entries by offset */
    uint8_t *state;  /* of each entry; stays once members are begun */
    char *bucket, *root;
    struct budget memory, copies, puts;
    /* What was learned of the store. */
    atomic_bool no_crc, no_size, no_copy;
    pthread_mutex_t lock;             /* the rest */
    uint64_t next_member, next_small; /* in order[] */
    int r;                            /* first failure */
    struct err e;
    struct extract_status st;
};

static inline const struct zentry *
unpack_entry(const struct unpack *j, uint64_t i)
{
    return &j->dir.entry[i];
}
/* Where entry order[k] must end: the next one, or the directory. */
uint64_t unpack_limit(const struct unpack *j, uint64_t k);
/* Key of an entry (the caller frees), or NULL: out of memory, failed. */
char *unpack_key(struct unpack *j, uint64_t entry);
struct s3_where unpack_where(const struct unpack *j, const char *key);

/* The first failure counts; each stops the job.  -num. */
int unpack_fail(struct unpack *j, int num, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* key NULL: the archive. */
int unpack_fail_s3(struct unpack *j, const char *op, const char *key,
                   const struct s3_error *e);
/* "archive: entry 3 (name): WHAT" */
int unpack_fail_entry(struct unpack *j, uint64_t entry, int num,
                      const char *what);
int unpack_fail_crc(struct unpack *j, uint64_t entry, uint32_t crc);
int unpack_no_memory(struct unpack *j);

/* An entry's bytes are there; existed: they were before. */
void unpack_done(struct unpack *j, uint64_t entry, bool existed);
/* One was copied of which nobody told a CRC-32. */
void unpack_unchecked(struct unpack *j);
/* Bytes of bodies that went their way. */
void unpack_moved(struct unpack *j, uint64_t copied, uint64_t uploaded);

/* member.c: order[k] by an upload of its own. */
int member_extract(struct unpack *j, uint64_t k);

/* small.c: the next run of small members; 1: there is none. */
int small_extract(struct unpack *j);
bool small_fits(const struct unpack *j, uint64_t k); /* order[k] */
/* A whole deflated body; NULL if well, else what is wrong. */
const char *inflate_whole(const uint8_t *in, size_t n, uint8_t *out,
                          size_t size);

/* existing.c: finds what the destination has already. */
int existing_look(struct unpack *j);
/* Is that entry's object there, and is it the same?  0: it is.  -EEXIST:
 * another one.  -ENOENT.  Another -errno: the job has failed. */
int existing_compare(struct unpack *j, uint32_t entry, const char *key);
/* A write was refused because an object was there: it is the entry's (then
 * that is done), or the job fails. */
int existing_settle(struct unpack *j, uint32_t entry, const char *key);
/* The CRC-32 of an object, or of [first, first + length), by reading it. */
int existing_read(struct unpack *j, const struct s3_get_args *a, uint64_t size,
                  uint32_t *ret, struct s3_error *e);

#endif
