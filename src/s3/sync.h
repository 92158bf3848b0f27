/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The calls of s3.h and multipart.h for threads that may wait: each returns
 * when the answer is there.  For straight code (jobs, lookups, commands);
 * never on a loop thread.
 *
 * sc: what stops the call (net/scope.h).  A stop cancels it; the function
 * still waits for the answer, so whatever was lent to it is free when it
 * returns.  A call that a stop ended, or kept from beginning, has the
 * stop's reason as its error.  What was done when the stop came is done: a
 * call may succeed after one.
 *
 * Each function returns the err of what it filled: 0 or -errno.
 */
#ifndef S3ZIPFS_S3_SYNC_H
#define S3ZIPFS_S3_SYNC_H

#include "net/scope.h"
#include "s3/multipart.h"
#include "s3/s3.h"

/* What an answer said, in memory of its own: nothing to free.  Always
 * written; what the answer did not say, or the call does not ask, is 0 or
 * "".  About 6 KiB. */
struct s3_reply {
    struct s3_error e;
    uint64_t size;     /* of the whole object */
    uint64_t received; /* bytes of the body that a GET gave */
    int64_t mtime;
    bool have_crc32; /* as in the call's own answer */
    uint32_t crc32;
    enum s3_checksum_type type;
    bool retention; /* s3_bucket_lock_wait */
    char etag[S3_ETAG_MAX + 1];
    char checksum_crc32[64]; /* as sent */
    char layout_digest[128];
    char storage_class[64];
    char version_id[S3_VALUE_MAX + 1];
    char upload_id[S3_VALUE_MAX + 1]; /* s3_create_wait */
};

int s3_head_wait(struct s3 *s, struct scope *sc, const struct s3_head_args *a,
                 struct s3_reply *ret);
/* on_object and on_data of a are called with user, on a loop thread; they
 * may not answer NET_PAUSE. */
int s3_get_wait(struct s3 *s, struct scope *sc, const struct s3_get_args *a,
                void *user, struct s3_reply *ret);
/* Into size bytes at p; on_object and on_data of a are ignored.  -EMSGSIZE:
 * there are more.  received says how many there are. */
int s3_get_into(struct s3 *s, struct scope *sc, const struct s3_get_args *a,
                void *p, size_t size, struct s3_reply *ret);
int s3_put_wait(struct s3 *s, struct scope *sc, const struct s3_put_args *a,
                struct s3_reply *ret);
int s3_delete_wait(struct s3 *s, struct scope *sc, const struct s3_where *at,
                   const char *etag, const char *version_id,
                   struct s3_reply *ret);
/* All of args, in one request; a key that cannot be written in XML by itself.
 * ret_item (may be NULL): count times 0 or -errno.  ret->e: of the call, or
 * of the first that is still there. */
int s3_delete_many_wait(struct s3 *s, struct scope *sc,
                        const struct s3_delete_many_args *a, int *ret_item,
                        struct s3_reply *ret);
int s3_bucket_lock_wait(struct s3 *s, struct scope *sc, const char *bucket,
                        struct s3_reply *ret);

int s3_create_wait(struct s3 *s, struct scope *sc,
                   const struct s3_create_args *a, struct s3_reply *ret);
int s3_upload_part_wait(struct s3 *s, struct scope *sc,
                        const struct s3_upload_args *a, struct s3_reply *ret);
int s3_upload_copy_wait(struct s3 *s, struct scope *sc,
                        const struct s3_copy_args *a, struct s3_reply *ret);
int s3_complete_wait(struct s3 *s, struct scope *sc,
                     const struct s3_complete_args *a, struct s3_reply *ret);
int s3_abort_wait(struct s3 *s, struct scope *sc, const struct s3_where *at,
                  const char *upload_id, struct s3_reply *ret);
int s3_abort_empty_wait(struct s3 *s, struct scope *sc,
                        const struct s3_where *at, const char *upload_id,
                        struct s3_reply *ret);

/* ------------------------------------------------------------ listings */

/* What a listing found, copied.  Always written; which member is filled is
 * said at the function, the others are empty. */
struct s3_found {
    struct s3_error e;
    struct s3_page page;
    struct s3_attrs attrs;
    struct s3_parts parts;
    const struct s3_upload *upload;
    const struct s3_version *version;
    size_t count; /* of upload or version */
    struct arena arena;
};
/* Legal after an error too, and of zeroes. */
void s3_found_free(struct s3_found *f);

/* page: one page, as s3_list. */
int s3_list_wait(struct s3 *s, struct scope *sc, const struct s3_list_args *a,
                 struct s3_found *ret);
int s3_attributes_wait(struct s3 *s, struct scope *sc,
                       const struct s3_where *at, struct s3_found *ret);
/* parts */
int s3_list_parts_wait(struct s3 *s, struct scope *sc,
                       const struct s3_where *at, const char *upload_id,
                       struct s3_found *ret);
/* upload, count; of exactly this key */
int s3_list_uploads_wait(struct s3 *s, struct scope *sc,
                         const struct s3_where *at, struct s3_found *ret);
int s3_list_uploads_below_wait(struct s3 *s, struct scope *sc,
                               const struct s3_where *at,
                               struct s3_found *ret);
/* version, count */
int s3_list_versions_wait(struct s3 *s, struct scope *sc,
                          const struct s3_where *at, struct s3_found *ret);

#endif
