/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * How a store treats CRCs, as publishes saw it, kept for each endpoint in
 * the state file: what must be read back, and whether copies tell CRCs,
 * depends on it, so a plan in another process has to know.  Kept for a week
 * from when it was first seen, since stores are mended.
 */
#ifndef S3ZIPFS_PUBLISH_QUIRKS_H
#define S3ZIPFS_PUBLISH_QUIRKS_H

#include "crc/crc.h"
#include "publish/publisher.h"
#include "state/state.h"

/* Both block (net's worker, or threads that may wait).  endpoint:
 * s3_endpoint_id; now: seconds since 1970.  Trouble is one warning. */

/* Adds what is known of the endpoint to *caps. */
void quirks_load(struct state *st, const char *endpoint, int64_t now,
                 struct caps *caps);
/* What this process has learned beyond what it was told by quirks_load. */
void quirks_note(struct state *st, const char *endpoint, int64_t now,
                 const struct caps *caps, const struct caps *told);

#endif
