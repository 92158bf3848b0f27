/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The CRCs of copied members.  A body of which ranges are copied comes to
 * the archive in pieces: copied ranges, whose CRCs the store answers, and
 * donations, the bytes of it that upload parts carry, whose CRCs the reader
 * of those parts computes.  Joined in order they are the member's CRC.
 *
 * The scheduler (sched.h) makes it from the plan and feeds it with answers.
 * Pure; no lock of its own.
 */
#ifndef S3ZIPFS_PUBLISH_MEMBER_CRC_H
#define S3ZIPFS_PUBLISH_MEMBER_CRC_H

#include "plan/plan.h"

#define MEMBER_CRC_NONE UINT32_MAX

struct crc_piece {
    uint64_t first;  /* of the archive; it ends where the next one begins */
    uint32_t part;   /* number as in sched.h */
    uint32_t copied; /* index of its member in copied[] */
    uint32_t crc;
    bool donated; /* bytes of an upload part; else a copy */
    bool known;
};

struct crc_copied {
    uint32_t member;
    uint32_t first, count; /* its pieces */
    uint32_t left;         /* of them, whose CRC is not known */
    uint32_t last;         /* left <= 1: the piece that was known last, or
                              is the only one that is not */
    bool opaque;           /* the pieces do not tell the CRC */
};

struct member_crc {
    struct crc_piece *piece; /* in archive order */
    size_t pieces;
    struct crc_copied *copied;
    size_t count;
    uint32_t *of; /* of each member: index in copied[], or NONE */
};

/* checksum: do copies into the archive's upload, and into scratch uploads,
 * answer CRCs?  The plan and the layout are not kept.  0 or -ENOMEM. */
int member_crc_init(struct member_crc *m, const struct plan *p,
                    const struct zip_layout *l, bool checksum,
                    bool scratch_checksum);
void member_crc_free(struct member_crc *m);

/* The CRC of a piece; again is no harm.  True: it is the last of its
 * member's, and *ret is the member's. */
bool member_crc_tell(struct member_crc *m, const struct zip_layout *l,
                     uint32_t piece, uint32_t crc, uint32_t *ret);
/* All pieces of copied[c] are known: joined.  False: they are not. */
bool member_crc_join(const struct member_crc *m, const struct zip_layout *l,
                     uint32_t c, uint32_t *ret);
/* Nobody will tell the CRC of that piece. */
void member_crc_lost(struct member_crc *m, uint32_t piece);
/* Bytes of a piece. */
uint64_t member_crc_len(const struct member_crc *m, const struct zip_layout *l,
                        uint32_t piece);

#endif
