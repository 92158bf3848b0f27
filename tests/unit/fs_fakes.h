/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Stand-ins for the rooms below fs, so that the kernel's side can be
 * tested without a store: a tree "", "d/", "d/e/", "new/" with one archive
 * of a known pattern in each, reads that can be told to fail or to hang,
 * jobs that end when the test says so.
 */
#ifndef S3ZIPFS_TESTS_FS_FAKES_H
#define S3ZIPFS_TESTS_FS_FAKES_H

#include <stdatomic.h>
#include <stdint.h>

#include "fs/fs.h"

#define FAKE_SIZE UINT64_C(3000001)

struct fake {
    struct net *net;
    atomic_int read_error;   /* -errno for the next reads */
    atomic_bool read_hang;   /* until cancelled */
    atomic_bool list_hang;   /* lookups of archives; until cancelled */
    atomic_bool many_pieces; /* answers of thousands of pieces */
    atomic_int version;      /* of the layouts */
    atomic_int lists, reads, cancels, aborts, jobs_alive, layouts_alive,
        streams_alive;
};
extern struct fake fake;

uint8_t fake_byte(uint64_t offset);
/* Ends the newest job. */
void fake_finish(int r);
/* Marks the layouts that are shown now as stale. */
void fake_stale(void);

#endif
