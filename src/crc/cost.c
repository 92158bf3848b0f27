/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What rungs 3 and 4 would send for members of crc_copies.  Sends nothing.
 */
#include "crc/impl.h"

/* A listing that names no checksum is believed to know of none. */
static bool
cheap_knows(const struct crc_set *s, size_t member)
{
    uint8_t hint = set_member(s, member)->hint;

    return s->crc->mode != CONF_CRC_READ &&
           (hint == ZIP_HINT_CRC32_FULL || hint == ZIP_HINT_CRC32_PARTS);
}

void
crc_cost_add(struct crc_set *s, size_t member, struct crc_cost *sum)
{
    uint64_t size = set_member(s, member)->size;
    uint32_t known;

    if (crc_peek(s, member, &known) || cheap_knows(s, member))
        return;
    if (oracle_wants_unread(s, member)) {
        sum->copies += ceil_div_u64(size, rung_oracle_range(size));
        return;
    }
    sum->gets += ceil_div_u64(size, CRC_RANGE);
    sum->bytes += size;
}

void
crc_cost_end(struct crc_set *s, struct crc_cost *sum)
{
    struct oracle *o = &s->crc->oracle;
    uint64_t left;
    LOCK_SCOPE(&s->crc->lock);

    if (sum->copies == 0)
        return;
    if (!o->proved) {
        sum->copies++;
        sum->gets++;
        sum->bytes += CRC_PROOF;
    }
    left = o->now ? S3_PARTS_MAX + 1 - o->now->next : 0;
    if (sum->copies > left)
        sum->creates += ceil_div_u64(sum->copies - left, S3_PARTS_MAX);
}
