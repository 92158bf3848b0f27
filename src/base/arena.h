/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Bump allocation for the keys and ETags of a snapshot: a million short
 * strings freed at once.  Memory is never moved, so pointers stay good
 * until arena_free.  Not thread safe.
 */
#ifndef S3ZIPFS_BASE_ARENA_H
#define S3ZIPFS_BASE_ARENA_H

#include <stddef.h>

#include "base/cleanup.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t bytes; /* allocated from the system so far */
};

/* n bytes, aligned to one byte only; NULL when out of memory. */
char *arena_alloc(struct arena *a, size_t n);
/* A NUL-terminated copy of n bytes (which may hold NULs). */
char *arena_dup(struct arena *a, const void *p, size_t n);
void arena_free(struct arena *a);

#define CLEANUP_ARENA CLEANUP(arena_free)

#endif
