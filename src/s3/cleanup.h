/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What dead processes left, by the journal: their uploads are aborted, and
 * what lies below their scratch prefixes is removed.  Called by publish for
 * its destination, by extract and crc for their buckets, and by
 * `s3zip cleanup`.  One row after the other, on the calling thread; calls
 * s3/sync.h and state/journal.h.
 *
 * A row is claimed before anything of it is touched.  Rows of the living
 * are left alone.  A row whose upload has no id is left to `s3zip cleanup`
 * (ask_unknown), as nobody guesses whose an upload is unless a person asks.
 */
#ifndef S3ZIPFS_S3_CLEANUP_H
#define S3ZIPFS_S3_CLEANUP_H

#include "net/scope.h"
#include "s3/s3.h"
#include "state/journal.h"

enum s3_cleaned_kind {
    S3_CLEANED_UPLOAD,  /* it was aborted; or err says why not */
    S3_CLEANED_SCRATCH, /* what was below the prefix; err: some still is */
    S3_CLEANED_ALIVE,   /* left alone: its process lives, or may be another's
                           whose process lives */
    S3_CLEANED_YOUNG,   /* left alone: an empty upload of less than a minute,
                           maybe another host's; what NULL: there is none, but
                           one may still come */
};
struct s3_cleaned { /* borrowed */
    enum s3_cleaned_kind kind;
    enum journal_kind of;
    const char *bucket, *key;
    size_t key_len;
    const char *what;          /* upload id, or scratch prefix; may be NULL */
    uint64_t uploads, objects; /* that are gone */
    const struct err *err;     /* NULL: done */
};
typedef void s3_cleaned_cb(void *user, const struct s3_cleaned *c);

struct s3_cleanup_args { /* borrowed */
    struct s3 *s3;
    struct state *state;
    struct scope *scope; /* NULL: cannot be stopped */
    bool dest;           /* as in s3_where */
    bool ask_unknown;    /* also aborts empty uploads at the key of a dead row
                            without id, begun within ten minutes of its
                            intent */
    s3_cleaned_cb *fn;   /* on this thread, for each; NULL: they are logged */
    void *user;
};
/* All that q names; its endpoint is filled in.  0, or: -ENOENT: there is no
 * state file; -EIO, -ENOMEM: it cannot be read; why the scope was stopped.
 * What could not be removed is told to fn, and is no failure here. */
int s3_cleanup_rows(const struct s3_cleanup_args *a,
                    const struct journal_query *q);
/* One row that journal_rows gave.  0: all of it is gone, and so is the row
 * (or it has no id, and is not asked for: then it stays); -EBUSY: it is
 * alive, or another was faster; or why something is left. */
int s3_cleanup_row(const struct s3_cleanup_args *a,
                   const struct journal_row *row);

/* Everything below a prefix that is ours alone: uploads are aborted, then
 * every version of every object is deleted, up to 1,000 in a request where
 * the store can do that.  prefix must end in 32 hex digits and '/', else
 * -EINVAL.  0, or why something is left.  Counts are written either way. */
struct s3_cleanup_count {
    uint64_t uploads, objects; /* that are gone */
};
int s3_cleanup_scratch(const struct s3_cleanup_args *a, const char *bucket,
                       const char *prefix, struct s3_cleanup_count *ret,
                       struct err *e);

#endif
