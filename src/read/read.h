/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Any (offset, length) of a layout: generated headers, and bodies fetched
 * by ranged GETs, ahead across members when a reader goes forward, within
 * a strict budget of bytes.  The one place where archive bytes come from:
 * mount, cat and publish all read here.
 *
 * Threads: calls from any thread; callbacks without locks, maybe before
 * the call returns.  Must not know FUSE or uploads.
 */
#ifndef S3ZIPFS_READ_READ_H
#define S3ZIPFS_READ_READ_H

#include <sys/uio.h>

#include "crc/crc.h"
#include "index/index.h"

/* One per mount or command: budget and fetch slots shared by all readers. */
struct read_pool;
struct read_pool_conf {
    uint64_t memory;      /* bytes of data buffers */
    unsigned connections; /* fetches side by side at most */
    bool read_ahead;
};
int read_pool_new(struct read_pool **ret, struct net *n, struct s3 *s,
                  const struct read_pool_conf *c);
/* All readers must be closed. */
void read_pool_free(struct read_pool *p);

/* A layout to read, with its CRCs.  Refcounted; shared by all open files
 * of one layout. */
struct reader;
int reader_open(struct reader **ret, struct read_pool *p, struct layout *l,
                struct crc_set *crcs);
struct reader *reader_ref(struct reader *r);
void reader_unref(struct reader *r);
struct layout *reader_layout(struct reader *r); /* borrowed */
struct crc_set *reader_crcs(struct reader *r);  /* borrowed */

/* One sequence of reads (an open file, a cat): what read-ahead looks at.
 * Holds a reference to its reader. */
struct read_stream;
int read_stream_open(struct read_stream **ret, struct reader *r);
/* Fetches that only this stream wanted are cancelled. */
void read_stream_close(struct read_stream *s);

/* Bytes [offset, offset + length) in order.  Pinned in the pool until
 * read_view_release, which may be called from any thread; must be soon, or
 * others starve. */
struct read_view {
    const struct iovec *iov;
    int count;
    uint64_t length; /* sum */
};
void read_view_release(struct read_view *v);

enum read_flags {
    READ_EXACT = 1, /* publish: no read-ahead, fetch nothing but the range
                       (whole members whole) */
};
/* r 0 and v (owned: release it), or -errno with words naming the key:
 * -ESTALE (layout marked), -EIO (CRC mismatch, key logged; 5xx after all
 * attempts), -ECANCELED.  Past the end is cut off; an empty range answers
 * an empty view.  length at most memory / 4 (else -EFBIG).  Returns an id
 * for read_cancel. */
typedef void read_cb(void *user, int r, struct read_view *v,
                     const struct err *e);
uint64_t read_range(struct read_stream *s, uint64_t offset, uint64_t length,
                    unsigned flags, read_cb *cb, void *user);
/* The callback comes soon with -ECANCELED, unless it was there first. */
void read_cancel(struct read_stream *s, uint64_t id);

/* For threads that may wait: copies into out. */
int read_wait(struct read_stream *s, uint64_t offset, void *out, size_t length,
              struct err *e);

struct read_stats {
    uint64_t reads, bytes, fetches, fetched_bytes, hits, memory_used,
        memory_peak, checked_members, read_twice, reissued;
};
void read_stats_get(struct read_pool *p, struct read_stats *ret);

#endif
