/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What sync.c and sync_list.c share: one call that a thread waits for.
 * Above the calls' own seam: knows s3.h and multipart.h, nothing of call.h.
 */
#ifndef S3ZIPFS_S3_SYNC_PRIV_H
#define S3ZIPFS_S3_SYNC_PRIV_H

#include "s3/sync.h"

/* On the stack of the thread that waits. */
struct s3_sync {
    struct scope_wait wait;
    struct scope *sc;
    struct s3 *s;
    s3_id id;
    struct s3_error *e;     /* in what is to be filled */
    struct s3_reply *reply; /* one of the two */
    struct s3_found *found;
    int (*on_data)(void *user, const void *p, size_t n); /* of GETs */
    void (*on_object)(void *user, const struct s3_object *o);
    void *user;
    unsigned char *into;
    size_t room;
    int *item; /* of s3_delete_many_wait */
};

/* 0, or the stop's reason, which is then in *w->e. */
int s3_sync_begin(struct s3_sync *w);
/* From the callback, last. */
void s3_sync_done(struct s3_sync *w, const struct s3_error *e);
/* Waits for the answer of call id; the err of it. */
int s3_sync_end(struct s3_sync *w, s3_id id);

#endif
