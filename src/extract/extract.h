/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Archives that are there already: is every byte of one right, and its
 * members as objects again.  Bodies stay in the store where the store can
 * do the work: it tells the CRC-32 of a copied range, and copies a stored
 * member out of the archive.
 *
 * Threads: both calls block the calling thread, which must not be a loop
 * thread.  Must not know FUSE, mounts or how an archive is published.
 */
#ifndef S3ZIPFS_EXTRACT_EXTRACT_H
#define S3ZIPFS_EXTRACT_EXTRACT_H

#include "conf/conf.h"
#include "crc/crc.h"
#include "index/index.h"
#include "s3/s3.h"

/* What S3 asks for, and what is good with it; less for tests. */
struct extract_limits {
    uint64_t part_min;   /* a stored member of that size is copied */
    uint32_t parts_max;  /* of an upload */
    uint64_t copy_range; /* of a copied part... */
    uint64_t part_least; /* ...and of one that passes through; both are more
                            where parts_max asks for it */
    uint64_t run_least;  /* members that come in one GET, and a deflated one
                            that is not streamed: so many bytes, or a quarter
                            of memory= up to 8 MiB */
};

struct extract_deps { /* borrowed */
    struct net *net;
    struct s3 *s3;   /* NULL: files only */
    struct crc *crc; /* NULL: the store is not asked for CRCs */
    const struct conf *conf;
    struct state *state; /* the journal of uploads; NULL = none */
    const struct extract_limits *limits; /* NULL: S3's */
};

/* -------------------------------------------------------------- verify */

struct verify_args {
    const char *place;      /* s3://BUCKET/KEY, or a file */
    struct layout *against; /* compare with it; NULL = with nothing */
    bool read;              /* do not ask the store for CRCs */
    /* Looked at several times a second; true: end with -EINTR.  May be
     * NULL. */
    bool (*stop)(void *user);
    void *user;
};

struct verify_result {
    uint64_t entries, bytes;
    uint32_t crc32;      /* of the whole archive, as it was found */
    char digest[65];     /* layout in the object's metadata, or "" */
    const char *checked; /* bodies: "store", "read", or "mixed" */
    uint64_t downloaded; /* bytes of the archive */
    uint64_t copied;     /* bytes whose CRC the store told */
};

/* Strict: an archive of ours.  0, or -errno with words: -EIO if a byte is
 * wrong, -ESTALE if the archive changes meanwhile. */
int verify_run(const struct extract_deps *d, const struct verify_args *a,
               struct verify_result *ret, struct err *e);

/* ------------------------------------------------------------- extract */

struct extract_status {
    uint64_t members, bytes;   /* wanted */
    uint64_t done, done_bytes; /* of these */
    uint64_t skipped;          /* were there already */
    uint64_t excluded;         /* by include=, exclude=, badkeys= */
    uint64_t copied, downloaded, uploaded; /* bytes of bodies */
    uint64_t unchecked; /* copied, and the store told no CRC-32 */
};

struct extract_args {
    const char *archive; /* s3://BUCKET/KEY */
    const char *dest;    /* s3://BUCKET[/PREFIX] */
    /* Called several times a second; true: end with -EINTR.  May be NULL. */
    bool (*tick)(void *user, const struct extract_status *s);
    void *user;
};

/* Any archive of stored and deflated entries.  0, or -errno with words;
 * uploads are aborted before it returns, objects that were finished stay.
 * -EEXIST: an object is there that is not the member (without overwrite=);
 * -EILSEQ: a name that no key should have; -EOPNOTSUPP: an entry that is
 * encrypted or compressed in another way. */
int extract_run(const struct extract_deps *d, const struct extract_args *a,
                struct extract_status *ret, struct err *e);

#endif
