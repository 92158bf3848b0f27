/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Archives that were published before: what is in them, and where, so that
 * the next publish can copy what did not change (plan/'s strategy again).
 *
 * A former layout is for planning: keys are names, texts are without a NUL
 * at their end, and nothing of it may be sent to a store.  The CRC-32 of
 * what is copied must be checked like that of any copy: the state file and
 * an archive's directory only say what should be there.
 */
#ifndef S3ZIPFS_PUBLISH_FORMER_H
#define S3ZIPFS_PUBLISH_FORMER_H

#include "base/check.h"
#include "crc/crc.h"
#include "state/state.h"
#include "zip/zip.h"

/* The layout of an archive that was published before. */
struct former {
    struct zip_layout zip; /* archive order; names, sizes, mtimes, ETags */
    char digest[65];       /* of the archive object, "" if it has none */
    char etag[320];
    bool stored; /* the store has a CRC-32 of it; the caller's to fill */
    /* Owned: */
    struct zip_member *member; /* zip.member */
    uint32_t *crc;             /* NULL if not known */
    char *bytes;               /* that names and ETags are in */
    struct layout *today;      /* whose ETags are borrowed; referenced */
};
void former_free(struct former *f);

enum {
    FORMER_ROWS = 64, /* archives that are kept; the oldest go first */
    FORMER_MEMBERS = 8000000,
};
#define FORMER_BLOB_MAX MIB(64)   /* of one archive, compressed */
#define FORMER_BYTES_MAX MIB(256) /* of all */
#define FORMER_RAW_MAX MIB(512)   /* of one, in memory */

/* These block: net's worker or threads that may wait only.  endpoint:
 * s3_endpoint_id.
 *
 * Keeps l as what is there under etag, instead of what was kept for that
 * key before.  A layout beyond FORMER_BLOB_MAX or FORMER_RAW_MAX is not
 * kept.  Any trouble is one warning. */
void former_save(struct state *st, const char *endpoint, const char *bucket,
                 const char *key, size_t key_len, const char *etag,
                 const struct layout *l);
/* Is there a row for that key at all? */
bool former_known(struct state *st, const char *endpoint, const char *bucket,
                  const char *key, size_t key_len);
/* What was kept for that key, the caller's.  etag and digest are those of
 * the object just now (ETag, x-amz-meta-s3zipfs-layout).  NULL if nothing
 * was kept, if it was under another ETag or digest, if its bytes do not
 * hash to that digest, or without a state file. */
struct former *former_load(struct state *st, const char *endpoint,
                           const char *bucket, const char *key, size_t key_len,
                           const char *etag, const char *digest);

/* The same from the archive itself, for a host that has no row: its
 * central directory, end->cd_size bytes at directory (zip_end_parse; taken
 * over, malloc), of an archive of size bytes.  An entry gets the ETag of
 * today's member of its name, size and mtime if the CRC-32 that peek knows
 * of that one is the entry's; the others get none and count as changed.
 * digest and etag are left for the caller to fill.
 * 0, -ENOMEM, or -EBADMSG for what is not an archive of this program. */
struct former_peek {
    bool (*crc)(void *user, size_t member, uint32_t *ret); /* crc_peek */
    void *user;
};
int former_from_directory(struct former **ret, char *directory,
                          const struct zip_end *end, uint64_t size,
                          struct layout *today,
                          const struct former_peek *peek);

#endif
