/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A multipart upload from Create to its end, with its row in the journal,
 * for publish, extract and the CRC oracle:
 *
 *     r = upload_create(&u, &args, &reply);
 *     if (r == 0)
 *         r = send_parts(&u);         upload_part, upload_copy: any threads
 *     if (r == 0)
 *         r = upload_complete(&u, &complete, &reply);
 *     upload_end(&u);                 every path
 *
 * Whatever happens, a kill included, the upload is completed, or aborted, or
 * named by a row of the journal that s3/cleanup.h finds; or it is empty,
 * because its id was never learned.
 *
 * Calls s3/sync.h and state/journal.h.  All calls block: never on a loop
 * thread.
 */
#ifndef S3ZIPFS_S3_UPLOAD_H
#define S3ZIPFS_S3_UPLOAD_H

#include <stdatomic.h>

#include "net/scope.h"
#include "s3/multipart.h"
#include "s3/sync.h"
#include "state/journal.h"

/* All zeros, or ended: no upload, and upload_end does nothing.  Others read
 * the fields that are marked so (r), and write those marked (w). */
struct upload {
    struct s3 *s3;
    struct scope *scope;
    struct state *state;
    struct s3_where at;        /* (r) in memory of its own */
    char id[S3_VALUE_MAX + 1]; /* (r) "": there is no upload, or no more */
    bool crc32;                /* (r) created with the checksum algorithm */
    bool unclear;    /* (r) Complete was sent, and nobody knows what it did */
    bool borrowed;   /* another's: upload_end does not abort */
    atomic_bool cut; /* a part's call ended without an answer */
    struct journal_claim row; /* (r) for notes; empty: no row */
    bool keep_row; /* (w) before upload_end: what the row names besides the
                      upload (scratch objects) is not all gone */
    unsigned patience_ms; /* (w) upload_end's; 0 = 30,000 */
};

struct upload_args { /* borrowed */
    struct s3 *s3;
    struct scope *scope; /* of the job; NULL: cannot be stopped */
    struct s3_create_args create;
    struct state *state;
    /* Kind, and what a publish is resumed by; endpoint, bucket and key are
     * filled in.  NULL: without a row, for scratch uploads, which lie below
     * the scratch prefix of their publish's row. */
    const struct journal_new *row;
};
/* Writes the row, sends Create, gives the row the id; then parts may go.
 * Create is not sent again after an unclear answer (none, or 500): that row
 * stays, without id and nobody's, and after a second or two a new attempt
 * begins with a row of its own, three at most, each of 20 seconds.  -EIO if
 * the last is unclear too.  A stop of the scope keeps Create from being
 * sent, but does not cut it off: what it made is known, and upload_end
 * aborts it.
 *
 * 0, or ret->e.err (*u is all zeros then).  A refusal of the algorithm is
 * http 400, 405 or 501: the caller may try without create.crc32. */
int upload_create(struct upload *u, const struct upload_args *a,
                  struct s3_reply *ret);

/* Instead of create: goes on with a dead publish's upload.  Takes the row
 * and its id (row->upload_id is not NULL).  create.at and create.crc32 say
 * where it is, and how it was created.  0; -EBUSY: somebody was faster;
 * -ENOENT, -ENOMEM (*u is all zeros then).  What parts it
 * has: s3_list_parts_wait.  (Nothing to go on with after all: upload_end
 * aborts it.) */
int upload_resume(struct upload *u, const struct upload_args *a,
                  const struct journal_row *row);
/* Instead of create: sends parts to an upload of another process, whose id
 * the user gave.  No row; upload_end never aborts.  0 or -ENOMEM. */
int upload_join(struct upload *u, const struct upload_args *a, const char *id);

/* Parts, from any number of threads.  a->at and a->upload_id are filled in.
 * 0, or ret->e.err; the scope's why after a stop. */
int upload_part(struct upload *u, const struct s3_upload_args *a,
                struct s3_reply *ret);
int upload_copy(struct upload *u, const struct s3_copy_args *a,
                struct s3_reply *ret);

/* With no part in flight.  a->at and a->upload_id are filled in.
 * 0: the object is there, the upload no more.
 * -errno, and u->unclear: the object may be there (no answer came, or
 * NoSuchUpload did), by us or by another host who publishes the same; look
 * at it (HEAD).  It is there: upload_end aborts what may be left.  It is
 * not: upload_complete again, later.
 * -errno, and not u->unclear: it was refused (s3_complete_cb), or not sent
 * after a stop; the upload is as it was. */
int upload_complete(struct upload *u, const struct s3_complete_args *a,
                    struct s3_reply *ret);

/* With no part in flight.  Unless the upload was completed or is another's,
 * it is aborted (again after a second, if a part was cut off: parts on their
 * way arrive by then), in a scope of its own that the job's stop does not
 * reach, within patience_ms.  Then the row goes; if the abort failed it
 * stays, nobody's, and a warning says so.  *u is all zeros then.
 * 0, or why it could not be aborted. */
int upload_end(struct upload *u);

#endif
