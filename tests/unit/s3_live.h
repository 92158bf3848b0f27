/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of s3_live share: the client, what its last call answered,
 * and every call as one that waits.
 */
#ifndef S3ZIPFS_TESTS_S3_LIVE_H
#define S3ZIPFS_TESTS_S3_LIVE_H

#include <pthread.h>

#include "s3/multipart.h"
#include "s3/s3.h"

extern struct live { /* set by main before the first check */
    struct s3 *s3;
    const char *bucket;
    bool any_key, no_size, versioned, locked;
} live;

/* What the last call answered; strings copied.  Under lock until done. */
extern struct got {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
    struct s3_error e;
    struct s3_object o;
    struct s3_completed c;
    struct s3_part p;
    size_t count, prefixes, uploads, markers;
    bool crc32, retention;
    struct s3_listed_part first, last;
    char ids[4][300];
    char etag[300], text[2048], keys[8192];
    char *data;
    size_t n;
} got;

/* Ends the program if it is not ok; s3_live.c. */
void check(bool ok, const char *what);

/* Objects, keys, listings, versions, many calls at once; s3_live_object.c.
 * key is an object, source one of 1 MiB or more. */
void check_keys(void);
void check_listing(void);
void check_versions(void);
void check_delete_many(void);
void check_attributes(const char *key);
void check_cancel(const char *source);
void check_many(const char *key, unsigned count);

/* Uploads of n bytes big, or of source, which begins with them;
 * s3_live_upload.c. */
void check_upload_crc(const char *key, const char *big, size_t n);
void check_copy(const char *key, const char *source, const char *big,
                size_t n);
void check_parts(const char *source, const char *big, size_t n, bool crc);
void check_below(void);
void check_file(const char *big, size_t n);

/* Calls into got, s3_live_call.c: live_start, a call with one of the
 * callbacks, live_await, which says what it ended with (0 or -errno). */
void live_start(void);
int live_await(void);
void live_finish(const struct s3_error *e);
void live_on_done(void *user, const struct s3_error *e);
void live_on_object(void *user, const struct s3_error *e,
                    const struct s3_object *o);
int live_on_data(void *user, const void *p, size_t n);
void live_on_part(void *user, const struct s3_error *e,
                  const struct s3_part *p);
struct s3_where live_where(const char *key);

/* All of that in one.  Where there is no int to look at, the call is checked;
 * an id of 2048 bytes receives an upload's. */
int live_put(const char *key, const char *body, size_t n, const char *if_match,
             bool none);
int live_get(const char *key, const char *etag, uint64_t first,
             uint64_t length, uint64_t expect);
int live_head(const char *key, const char *etag);
int live_list(const char *prefix, bool delimiter, const char *token,
              unsigned max);
int live_versions(const char *prefix);
int live_delete_key(const char *key, const char *etag);
void live_create(const char *key, bool crc, char id[2048]);
int live_upload(const char *key, const char *id, uint32_t number,
                const char *body, size_t n, bool crc, uint32_t value);
int live_copy(const char *key, const char *id, uint32_t number,
              const char *source, const char *etag, uint64_t first,
              uint64_t length, uint64_t size);
int live_complete(const char *key, const char *id,
                  const struct s3_done_part *part, size_t count, bool crc,
                  uint32_t whole, uint64_t size, bool none);
int live_abort_upload(const char *key, const char *id);
size_t live_uploads(const char *key, char id[2048]);
size_t live_below(const char *prefix);
int live_parts(const char *key, const char *id);

#endif
