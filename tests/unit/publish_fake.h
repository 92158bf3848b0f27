/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What publish has below it beside the fake store: layouts whose members are
 * objects of it, CRCs and a reader.
 */
#ifndef S3ZIPFS_TESTS_PUBLISH_FAKE_H
#define S3ZIPFS_TESTS_PUBLISH_FAKE_H

#include "fake_store.h"
#include "publish/job.h"

enum {
    FAKE_CAP = 4000,   /* upload parts */
    FAKE_SPLIT = 3000, /* copy parts */
    FAKE_LARGE = 1500, /* members of at least that, or small ones */
    FAKE_PARTS = 200,  /* of an upload, as publish knows it */
};
extern const struct plan_limits fake_limits;

/* Of all hosts: rows of uploads whose id is known, and of others. */
int fake_journal_rows(void);
int fake_journal_unknown(void);
int fake_journal_notes(void); /* of parts and scratch objects */
/* An hour passes: no row is young any more, and no upload. */
void fake_later(void);

/* publish_fake_scope.c: all hang, so the first scope that has a time is at
 * its end.  False: none has. */
bool fake_time_passes(void);

/* A layout of count members below prefix, sizes by the seed; their objects
 * are put.  stored: in 256ths, how many have a CRC32. */
struct layout *fake_layout(const char *prefix, unsigned count,
                           unsigned stored);
/* The same with members of one size, without CRC32. */
struct layout *fake_layout_even(const char *prefix, unsigned count,
                                uint64_t size);
/* What became of a layout of fake_layout: most members are as they were,
 * some are overwritten or gone, two are new. */
struct layout *fake_layout_next(const struct layout *old, unsigned stored);
/* Its bytes with the true CRCs (malloc). */
uint8_t *fake_render(struct layout *l);
struct reader *fake_reader(struct layout *l);
/* The CRC that is known to be of this member; wrong values too. */
void fake_know(struct reader *r, size_t member, uint32_t crc);
/* Was it named as one that is copied, not read?  Then the store tells its
 * CRC (fake.told). */
bool fake_copies(struct reader *r, size_t member);
uint32_t fake_true_crc(struct layout *l, size_t member);

/* [first, end) of piece z; crc for records */
void fake_piece(struct layout *l, const struct zip_piece *z, uint32_t crc,
                uint64_t first, uint64_t end, uint8_t *out);

#endif
