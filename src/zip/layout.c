/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Offsets of every record, from names and sizes alone.  Knows nothing of
 * CRCs, nor of what the bytes are (record.c).
 */
#include "zip/zip.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"

static int
local_offsets(struct zip_layout *l)
{
    uint64_t at = 0;
    size_t i;

    for (i = 0; i < l->count; i++) {
        l->offset[i] = at;
        if (!add_u64(at, zip_loc_len(&l->member[i]), &at) ||
            !add_u64(at, l->member[i].size, &at) || at > INT64_MAX)
            return -EFBIG;
    }
    l->offset[l->count] = at;
    return 0;
}

static int
central_offsets(struct zip_layout *l)
{
    uint64_t first = l->offset[l->count], at = first;
    size_t i;

    for (i = 0; i < l->count; i++) {
        l->cd_offset[i] = at;
        if (!add_u64(at, zip_cdh_len(&l->member[i], l->offset[i]), &at) ||
            at > INT64_MAX)
            return -EFBIG;
    }
    l->cd_offset[l->count] = at;
    if (!add_u64(at, zip_end_len(l->count, first, at - first), &at) ||
        at > INT64_MAX)
        return -EFBIG;
    l->size = at;
    return 0;
}

int
zip_layout_init(struct zip_layout *ret, const struct zip_member *m,
                size_t count)
{
    struct zip_layout l = {.member = m, .count = count};
    int r = -ENOMEM;

    if (count >= UINT32_MAX)
        return -EFBIG;
    l.offset = calloc(count + 1, sizeof(*l.offset));
    l.cd_offset = calloc(count + 1, sizeof(*l.cd_offset));
    if (l.offset && l.cd_offset)
        r = local_offsets(&l);
    if (r == 0)
        r = central_offsets(&l);
    if (r < 0)
        zip_layout_free(&l);
    else
        *ret = l;
    return r;
}

void
zip_layout_free(struct zip_layout *l)
{
    free(l->offset);
    free(l->cd_offset);
    l->offset = l->cd_offset = NULL;
}
