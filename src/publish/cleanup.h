/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Rows of the journal as s3zip cleanup sees them: of any destination in a
 * bucket, without a job.  Private to the room.
 */
#ifndef S3ZIPFS_PUBLISH_CLEANUP_H
#define S3ZIPFS_PUBLISH_CLEANUP_H

#include "publish/publish.h"

struct cleanup_row {
    int64_t id, intent; /* intent: seconds */
    char *key;          /* destination, NUL-terminated */
    size_t key_len;
    char *upload_id; /* NULL: not known */
    char *owner, *initiator, *scratch;
    bool alive; /* its process runs, or may run */
};
/* Rows of endpoint and bucket, of one key or (NULL) of all, in their order.
 * Threads that may wait only.  0; -ENOENT: there is no state file; -EIO,
 * -ENOMEM. */
struct cleanup_where {
    struct state *state;
    const char *endpoint, *bucket, *owner; /* owner: this process */
};
int cleanup_rows(const struct cleanup_where *w, const char *key,
                 size_t key_len, struct cleanup_row **ret, size_t *ret_count);
void cleanup_rows_free(struct cleanup_row *row, size_t count);
/* From now on the row is this process's; false if somebody was faster. */
bool cleanup_claim(const struct cleanup_where *w,
                   const struct cleanup_row *row);
/* It is nobody's again... */
void cleanup_leave(const struct cleanup_where *w,
                   const struct cleanup_row *row);
/* ...or goes. */
void cleanup_forget(const struct cleanup_where *w, int64_t id);

#endif
