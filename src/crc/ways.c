/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Which way the members' CRCs would be found, for those who plan.  Sends
 * nothing; must not know what it costs.
 */
#include "crc/impl.h"

#include <string.h>

const struct plan_oracle crc_oracle_new = {
    .range = CRC_COPY_RANGE,
    .proof = CRC_PROOF,
    .parts = S3_PARTS_MAX,
};

/* A listing that names no checksum is believed to know of none. */
static uint8_t
way_of(struct crc_set *s, size_t member, bool oracle)
{
    const struct zip_member *m = set_member(s, member);
    bool stored =
        m->hint == ZIP_HINT_CRC32_FULL || m->hint == ZIP_HINT_CRC32_PARTS;
    uint8_t ask = 0;
    uint32_t known;

    if (crc_peek(s, member, &known))
        return PLAN_CRC_KNOWN;
    if (ladder_can_ask(s, member))
        ask = PLAN_CRC_ASK;
    if (ask && stored)
        return PLAN_CRC_KNOWN | ask;
    if (oracle && m->etag_len && m->size >= ORACLE_UNREAD)
        return PLAN_CRC_ORACLE | ask;
    return PLAN_CRC_READ | ask;
}

void
crc_ways(struct crc_set *s, uint8_t *way, struct plan_oracle *ret)
{
    struct crc *c = s->crc;
    struct oracle *o = &c->oracle;
    bool open;
    size_t i;

    *ret = crc_oracle_new;
    pthread_mutex_lock(&c->lock);
    open = oracle_is_open(c) && strcmp(s->layout->bucket, o->bucket) == 0;
    ret->proved = o->proved;
    ret->proved_range = o->proved_range;
    if (o->now)
        ret->left = S3_PARTS_MAX + 1 - o->now->next;
    pthread_mutex_unlock(&c->lock);
    for (i = 0; i < s->count; i++)
        way[i] = way_of(s, i, open);
}
