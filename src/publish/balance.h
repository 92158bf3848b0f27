/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * How many upload parts may be read at a time, so that the way down and the
 * way up are busy together.
 *
 * Parts that are read side by side share the line and are complete side by
 * side; then all of them are sent and nothing is read, until all memory is
 * free at once.  With a third of what memory holds being read, the way up
 * has work from the first part on.  Where that is the wrong share, what ran
 * dry moves it.  Pure: no I/O, no clock.
 */
#ifndef S3ZIPFS_PUBLISH_BALANCE_H
#define S3ZIPFS_PUBLISH_BALANCE_H

#include <stdbool.h>

struct balance {
    unsigned most; /* parts that memory holds */
    unsigned read; /* of them, so many may be read: a quarter to all */
};

/* parts: as many as memory holds, 1 at least. */
static inline void
balance_begin(struct balance *b, unsigned parts)
{
    b->most = parts;
    b->read = (parts + 2) / 3;
}

/* reading: parts that are being read. */
static inline bool
balance_may_read(const struct balance *b, unsigned reading)
{
    return reading < b->read;
}

/* A part is here; so many others are being sent. */
static inline void
balance_here(struct balance *b, unsigned sending)
{
    if (sending == 0 && b->read < b->most)
        b->read++;
}

/* A part was sent while all memory was taken; so many are being read. */
static inline void
balance_sent(struct balance *b, unsigned reading)
{
    if (reading == 0 && b->read > (b->most + 3) / 4)
        b->read--;
}

#endif
