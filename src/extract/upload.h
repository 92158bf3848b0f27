/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A multipart upload from Create to its end, with its row in the journal of
 * extractions: whatever happens, a kill included, it is completed, or
 * aborted, or named by a row.  Called by member.c; calls s3/sync.h and
 * journal.h.  Private to the room.
 */
#ifndef S3ZIPFS_EXTRACT_UPLOAD_H
#define S3ZIPFS_EXTRACT_UPLOAD_H

#include <stdatomic.h>

#include "extract/extract.h"
#include "s3/sync.h"

/* All zeros, or ended: no upload, and upload_end does nothing. */
struct upload {
    const struct extract_deps *d;
    struct scope *scope; /* of the job */
    struct s3_where at;  /* borrowed */
    char *id;            /* NULL: there is none, or no more */
    bool crc32;          /* created with the checksum algorithm */
    int64_t row, intent; /* of the journal; seconds, before Create */
    atomic_bool cut;     /* a part's call ended without an answer */
};

/* A stop does not cut it off.  0, or ret->e.err: there is no upload. */
int upload_create(struct upload *u, const struct extract_deps *d,
                  struct scope *scope, const struct s3_create_args *a,
                  struct s3_reply *ret);
/* Parts, from any number of threads; at and upload_id are filled in. */
int upload_part(struct upload *u, const struct s3_upload_args *a,
                struct s3_reply *ret);
int upload_copy(struct upload *u, const struct s3_copy_args *a,
                struct s3_reply *ret);
/* With no part in flight; a stop does not cut it off.  0: the object is
 * there.  upload_is_unclear: look at it.  Else it was refused, and the
 * upload is as it was. */
int upload_complete(struct upload *u, const struct s3_complete_args *a,
                    struct s3_reply *ret);
bool upload_is_unclear(const struct s3_error *e);
/* With no part in flight.  Aborts it, unless it was completed, whatever was
 * stopped; again after a second if a part may be on its way. */
void upload_end(struct upload *u);

#endif
