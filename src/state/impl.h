/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of state/ share.  Private to the room.
 */
#ifndef S3ZIPFS_STATE_IMPL_H
#define S3ZIPFS_STATE_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "state/state.h"

struct state {
    pthread_mutex_t lock; /* held by whoever uses db */
    struct sqlite3 *db;   /* NULL: there is no file */
    int dir;              /* its folder; -1: none */
    atomic_bool warned;
};

/* schema.c: makes the tables, takes over what a file of an older version
 * has.  SQLITE_OK; SQLITE_MISMATCH: a newer version wrote it. */
int state_make_schema(struct sqlite3 *db);

#endif
