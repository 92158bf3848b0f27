/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An object made of parts: a create gives an upload id, parts are sent or
 * copied under it in any order, a complete makes the object of them, an
 * abort gives them up; and what uploads and parts a store still has.  Calls,
 * ids and answers are as in s3/s3.h.
 *
 * Must not know where a part begins, nor why.
 */
#ifndef S3ZIPFS_S3_MULTIPART_H
#define S3ZIPFS_S3_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "s3/s3.h"

/* ---------------------------------------------------- create and parts */

struct s3_create_args {
    struct s3_where at;
    bool crc32; /* x-amz-checksum-algorithm CRC32, FULL_OBJECT */
    bool fresh; /* on a new connection, or one that was in use just now: what
                   is cut off because it was idle libcurl sends again without
                   a word, and two uploads are there */
    bool once;  /* not sent again after an unclear end (no answer, or 5xx but
                   501 and "slow down"): -EINPROGRESS then, and there may be
                   an upload that nobody knows */
    const char *content_type;
    const char *layout_digest; /* x-amz-meta-s3zipfs-layout; NULL = none */
};
typedef void s3_create_cb(void *user, const struct s3_error *e,
                          const char *upload_id);
s3_id s3_create(struct s3 *s, const struct s3_create_args *args,
                s3_create_cb *cb, void *user);

struct s3_part {      /* an answer to UploadPart or UploadPartCopy */
    const char *etag; /* as sent, with its quotes removed */
    bool have_crc32;
    uint32_t crc32;
};
typedef void s3_part_cb(void *user, const struct s3_error *e,
                        const struct s3_part *p);

struct s3_file {
    int fd; /* read with pread; stays open until the callback */
    uint64_t first, length;
};
struct s3_upload_args {
    struct s3_where at;
    const char *upload_id;
    uint32_t number;          /* 1..10,000 */
    const struct iovec *body; /* memory stays until the callback */
    int body_count;
    /* Instead of body: read on the way out, for its digest and then for
     * every attempt, a block at a time.  Shorter than it says: -EIO. */
    const struct s3_file *file;
    bool send_crc32; /* x-amz-checksum-crc32; else Content-MD5 or the signed
                        SHA-256 guards the part */
    uint32_t crc32;
};
s3_id s3_upload_part(struct s3 *s, const struct s3_upload_args *args,
                     s3_part_cb *cb, void *user);

struct s3_copy_args {
    struct s3_where at;
    const char *upload_id;
    uint32_t number;
    struct s3_where source;
    const char *source_etag; /* x-amz-copy-source-if-match, always */
    uint64_t first, length;  /* length == source_size: no range header */
    uint64_t source_size;
};
/* 412 is -ESTALE; source gone is -ESTALE. */
s3_id s3_upload_copy(struct s3 *s, const struct s3_copy_args *args,
                     s3_part_cb *cb, void *user);

/* ------------------------------------------------------------- the end */

struct s3_done_part {
    uint32_t number;
    const char *etag;
    bool have_crc32;
    uint32_t crc32;
};
struct s3_complete_args {
    struct s3_where at;
    const char *upload_id;
    const struct s3_done_part *part; /* ascending; copied */
    size_t count;
    bool crc32; /* send whole_crc32, type FULL_OBJECT and every part's */
    uint32_t whole_crc32;
    bool send_size; /* x-amz-mp-object-size */
    uint64_t size;
    const char *if_match; /* ETag that is to be replaced, or */
    bool if_none_match;   /* the key must be free */
};
/* Not retried after an unclear end (then err is -EINPROGRESS: HEAD the
 * destination); what it is refused with is told at s3_complete_cb. */
s3_id s3_complete(struct s3 *s, const struct s3_complete_args *args,
                  s3_complete_cb *cb, void *user);

/* Abort, again until ListParts answers 404 (bounded); a store that keeps
 * answering 200 to ListParts after a successful abort is believed. */
s3_id s3_abort(struct s3 *s, const struct s3_where *at, const char *upload_id,
               s3_done_cb *cb, void *user);
/* The same, unless the upload has a part: then it is not touched, and err is
 * -ENOTEMPTY.  s3proxy lists no part of any upload. */
s3_id s3_abort_empty(struct s3 *s, const struct s3_where *at,
                     const char *upload_id, s3_done_cb *cb, void *user);

/* ------------------------------------------------------- what is there */

struct s3_upload {
    const char *key;
    size_t key_len;
    const char *upload_id;
    int64_t initiated;               /* seconds */
    int64_t age;                     /* seconds, both by the store's clock */
    int64_t begun_first, begun_last; /* the same by this host's clock */
    const char *initiator;           /* "" if unknown */
};
/* ListMultipartUploads of exactly this key, all pages. */
typedef void s3_uploads_cb(void *user, const struct s3_error *e,
                           const struct s3_upload *u, size_t count);
s3_id s3_list_uploads(struct s3 *s, const struct s3_where *at,
                      s3_uploads_cb *cb, void *user);
/* The same of every key that begins with at->key. */
s3_id s3_list_uploads_below(struct s3 *s, const struct s3_where *at,
                            s3_uploads_cb *cb, void *user);

struct s3_listed_part {
    uint32_t number; /* 1..10,000 */
    uint64_t size;
    const char *etag; /* bare */
    bool have_crc32;
    uint32_t crc32;
};
struct s3_parts {
    const struct s3_listed_part *part; /* ascending */
    size_t count;
    bool crc32; /* the upload has the algorithm CRC32, as far as the answer
                   says */
};
/* ListParts, all pages: what an upload in progress has so far.  -ENOENT: no
 * such upload. */
typedef void s3_parts_cb(void *user, const struct s3_error *e,
                         const struct s3_parts *p);
s3_id s3_list_parts(struct s3 *s, const struct s3_where *at,
                    const char *upload_id, s3_parts_cb *cb, void *user);

#endif
