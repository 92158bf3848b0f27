/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Where a member's CRC-32 comes from: the ladder of rungs (HEAD,
 * GetObjectAttributes, copies inside the store, reading it), the values
 * known so far, and the SQLite store that keeps them over mounts.  A value
 * may come later: from a rung, from a read (crc_put) or from a publish.
 *
 * Threads: any; callbacks as in net.h.  Must not know windows or uploads.
 */
#ifndef S3ZIPFS_CRC_CRC_H
#define S3ZIPFS_CRC_CRC_H

#include "base/crc32.h"
#include "index/index.h"
#include "net/net.h"
#include "plan/plan.h"
#include "s3/s3.h"

struct state;

struct crc;
int crc_new(struct crc **ret, struct net *n, struct s3 *s, struct state *st,
            enum conf_crc mode, struct err *e);
/* Rung 3: the store copies a member into parts of an upload below the
 * scratch prefix and tells their CRCs; the upload is never completed, and
 * aborted in the end.  For members above 8 MiB (mode oracle: 64 KiB), and
 * for those of crc_copies.  Once, before the first set is opened; without it
 * members are read.  mode auto needs may_write and a state file.  What a
 * killed process left in the bucket is aborted first.  0 or -ENOMEM. */
struct crc_oracle_conf { /* borrowed until it returns */
    const char *bucket;
    const char *scratch; /* key prefix */
    bool may_write;      /* publishing is allowed */
};
int crc_allow_oracle(struct crc *c, const struct crc_oracle_conf *conf);
/* The same for s3zip cleanup, where the oracle is not allowed: its uploads
 * at keys that begin with prefix, of processes that are no more; fn for
 * each on this thread.  Blocks.  0 or -ENOMEM. */
typedef void crc_cleaned_cb(void *user, const char *key, bool gone);
int crc_cleanup(struct crc *c, const char *bucket, const char *prefix,
                crc_cleaned_cb *fn, void *user);

/* The same upload for a range of any object of that bucket (an archive
 * that is verified): its CRC-32 as the store tells it, once it has been
 * proved with that object.  r: 0; -ENODATA: the store is not asked, or does
 * not know, so read it; -ESTALE: another object is there; -ECANCELED. */
typedef void crc_copied_cb(void *user, int r, uint32_t crc);
struct crc_copied_args { /* copied */
    struct s3_where source;
    const char *etag;
    uint64_t size; /* of the object */
    uint64_t first, length;
};
/* Would it be asked about so many bytes of an object?  S3 copies no range
 * of an object of 5 MiB or less. */
bool crc_can_copy(struct crc *c, const char *bucket, uint64_t bytes);
void crc_copied(struct crc *c, const struct crc_copied_args *a,
                crc_copied_cb *cb, void *user);
/* What waits and what runs is answered soon. */
void crc_copied_cancel(struct crc *c);
/* It told something that the bytes contradict: no more asking. */
void crc_distrust(struct crc *c, const char *why);

/* Writes what is not written yet; aborts the oracle's upload and waits for
 * that, at most ten seconds. */
void crc_free(struct crc *c);

/* The CRCs of one layout (kept beside it, never in it).  Refcounted.
 * Opening loads what the store knows; loading goes on in the background
 * (crc_get waits for it). */
struct crc_set;
struct crc_set *crc_set_open(struct crc *c, struct layout *l);
/* Until all that the store knows is loaded, so that crc_peek tells it.
 * Blocks: threads that may wait only, and never net_work's. */
void crc_set_wait(struct crc_set *s);
/* Is it? */
bool crc_set_loaded(struct crc_set *s);
struct crc_set *crc_set_ref(struct crc_set *s);
void crc_set_unref(struct crc_set *s);

/* Known at once?  Zero-byte members always are (0). */
bool crc_peek(struct crc_set *s, size_t member, uint32_t *ret);

/* Flags of crc_get. */
enum {
    CRC_CHEAP = 1, /* rungs 1 and 2 only: -ENODATA if they do not know */
};
/* The value by callback (maybe before return): r 0, or -ESTALE (the layout
 * is marked), -ENODATA, another -errno with words.  Waiters for one member
 * share one climb.  Returns an id for crc_cancel, 0 if answered. */
typedef void crc_cb(void *user, int r, uint32_t value, const struct err *e);
uint64_t crc_get(struct crc_set *s, size_t member, unsigned flags, crc_cb *cb,
                 void *user);
/* True if cb will not be called. */
bool crc_cancel(struct crc_set *s, uint64_t id);

/* A value that somebody computed or was told under the listing's ETag.
 * If another value is known, the call keeps the old one and returns
 * -EILSEQ, unless replace. */
int crc_put(struct crc_set *s, size_t member, uint32_t value, bool replace);

/* A publish copies these members inside the store and does not read their
 * bodies: rung 3 comes before rung 4 for them, whatever their size, where it
 * is allowed.  Where two publishes share a layout, the end of one is the
 * other's. */
void crc_copies(struct crc_set *s, size_t member);
void crc_copies_end(struct crc_set *s);
/* For plan_finding: which way the value of each member would be found, as
 * one of crc_copies (way[] has room for all members of the layout), and how
 * far the oracle is.  Sends nothing, and does not wait for what is not
 * loaded yet. */
void crc_ways(struct crc_set *s, uint8_t *way, struct plan_oracle *ret);
/* An oracle that nobody has asked yet. */
extern const struct plan_oracle crc_oracle_new;

/* Did the value take a read of the whole member by the ladder (rung 4)? */
bool crc_was_read(struct crc_set *s, size_t member);

struct crc_stats {
    uint64_t known, from_store, from_head, from_attributes, from_oracle,
        from_read, proof_bytes;
};
void crc_stats_get(struct crc *c, struct crc_stats *ret);
size_t crc_known(struct crc_set *s); /* of this layout */

#endif
