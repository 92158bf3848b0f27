/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * CRC-32 values that outlive a mount: (identity, value) in the state file,
 * at most 2,000,000, the oldest go first; without a file 100,000 in memory.
 * crc/ loads what it can before it asks the store, and saves what it
 * learned.
 *
 * Threads: any that may wait; all calls block.
 */
#ifndef S3ZIPFS_STATE_CRCS_H
#define S3ZIPFS_STATE_CRCS_H

#include "state/state.h"

struct crcs;
/* st is borrowed until crcs_close; NULL is legal.  0 or -ENOMEM. */
int crcs_new(struct crcs **ret, struct state *st);
/* From then on nothing is found and nothing kept; st may be closed. */
void crcs_close(struct crcs *c);
void crcs_free(struct crcs *c); /* NULL is legal */

/* What a value belongs to.  endpoint: s3_endpoint_id. */
struct crcs_of {
    const char *endpoint, *bucket;
    const char *key;
    size_t key_len;
    const char *etag; /* bare */
    size_t etag_len;  /* 0: there is no identity */
    uint64_t size;
};
struct crcs_row {
    uint8_t id[16]; /* a hash: the file names no object */
    uint32_t value;
    bool known; /* by crcs_load; crcs_save does not look at it */
};
/* False: no ETag, or out of memory. */
bool crcs_id(const struct crcs_of *of, uint8_t out[16]);

/* Writes known and, if so, value of each of the n rows; locks are held for
 * 512 at a time. */
void crcs_load(struct crcs *c, struct crcs_row *row, size_t n);
/* Keeps the values, in place of what was known. */
void crcs_save(struct crcs *c, const struct crcs_row *row, size_t n);

#endif
