/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What it takes to find the CRCs of members that a plan copies, where the
 * copies do not tell them.  Must not know stores, nor why a way was chosen.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* A copy of more takes several. */
#define COPY_MOST GIB(5)

/* Adds to read[] the bytes of each body that part needs. */
static void
note_reads(uint64_t *read, const struct zip_layout *l,
           const struct plan_part *part)
{
    uint64_t first, end;
    size_t i;

    for (i = plan_member_at(l, part->first);
         i < l->count && l->offset[i] < part->end; i++)
        if (plan_body_in(l, part, i, &first, &end))
            read[i] += end - first;
}

/* Of a member whose body has left bytes that no upload part needs. */
static enum plan_crc
way_of(uint64_t size, uint64_t left, enum plan_crc asked)
{
    if (size == 0 || asked == PLAN_CRC_KNOWN)
        return PLAN_CRC_KNOWN;
    return left == 0 ? PLAN_CRC_READ : asked;
}

static void
add_way(struct plan_totals *t, uint64_t size, uint64_t left,
        enum plan_crc asked)
{
    enum plan_crc way = way_of(size, left, asked);

    if (way == PLAN_CRC_ORACLE && t->crc[way] == 0) {
        t->requests.create++;
        t->requests.remove++; /* Abort */
    }
    if (way == PLAN_CRC_ORACLE) {
        t->requests.copy += ceil_div_u64(size, COPY_MOST);
        t->copied += size;
    }
    if (way == PLAN_CRC_READ) {
        t->requests.get += ceil_div_u64(left, PLAN_FETCH);
        t->downloaded += left;
    }
    t->crc[way]++;
}

int
plan_cost_crcs(struct plan *p, const struct zip_layout *l, const uint8_t *way)
{
    CLEANUP_FREE uint64_t *read = calloc(l->count + 1, sizeof(*read));
    size_t u, i, n;

    if (!read)
        return -ENOMEM;
    for (u = 0; u <= p->scratches; u++) {
        const struct plan_part *part = plan_upload_parts(p, u, &n);

        for (i = 0; i < n; i++)
            if (part[i].kind == PLAN_UPLOAD)
                note_reads(read, l, &part[i]);
    }
    for (i = 0; i < l->count; i++) {
        uint64_t size = l->member[i].size;

        add_way(&p->totals, size, size - min_u64(read[i], size),
                (enum plan_crc)way[i]);
    }
    return 0;
}
