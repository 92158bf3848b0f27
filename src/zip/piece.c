/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The piece map: which record or body holds a byte of the archive.  (The
 * idea is mod_zip's: a read is an intersection of ranges.)
 */
#include "zip/zip.h"

#include <assert.h>

/* The largest i < count with table[i] <= offset. */
static size_t
search(const uint64_t *table, size_t count, uint64_t offset)
{
    size_t low = 0, high = count, mid;

    while (high - low > 1) {
        mid = low + (high - low) / 2;
        if (table[mid] <= offset)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static void
set_local(const struct zip_layout *l, size_t i, struct zip_piece *p)
{
    *p = (struct zip_piece){ZIP_PIECE_LOC, i, l->offset[i],
                            zip_data_offset(l, i)};
}

static void
set_data(const struct zip_layout *l, size_t i, struct zip_piece *p)
{
    *p = (struct zip_piece){ZIP_PIECE_DATA, i, zip_data_offset(l, i),
                            l->offset[i + 1]};
}

/* i == count is the end records. */
static void
set_central(const struct zip_layout *l, size_t i, struct zip_piece *p)
{
    p->kind = i < l->count ? ZIP_PIECE_CDH : ZIP_PIECE_END;
    p->index = i;
    p->first = l->cd_offset[i];
    p->end = i < l->count ? l->cd_offset[i + 1] : l->size;
}

void
zip_piece_at(const struct zip_layout *l, uint64_t offset,
             struct zip_piece *ret)
{
    size_t i;

    assert(offset < l->size);
    if (offset < l->offset[l->count]) {
        i = search(l->offset, l->count, offset);
        if (offset < zip_data_offset(l, i))
            set_local(l, i, ret);
        else
            set_data(l, i, ret);
        return;
    }
    set_central(l, search(l->cd_offset, l->count + 1, offset), ret);
}

bool
zip_piece_next(const struct zip_layout *l, struct zip_piece *p)
{
    size_t i = p->index;

    switch (p->kind) {
    case ZIP_PIECE_LOC:
        if (l->member[i].size > 0) {
            set_data(l, i, p);
            return true;
        }
        /* fall through */
    case ZIP_PIECE_DATA:
        if (i + 1 < l->count)
            set_local(l, i + 1, p);
        else
            set_central(l, 0, p);
        return true;
    case ZIP_PIECE_CDH:
        set_central(l, i + 1, p);
        return true;
    case ZIP_PIECE_END:
        break;
    }
    return false;
}

void
zip_piece_put(uint8_t *out, const struct zip_layout *l,
              const struct zip_piece *p, uint32_t crc)
{
    uint64_t cd = l->offset[l->count];
    size_t i = p->index;

    switch (p->kind) {
    case ZIP_PIECE_LOC:
        zip_loc_put(out, &l->member[i], l->offset[i], crc);
        break;
    case ZIP_PIECE_CDH:
        zip_cdh_put(out, &l->member[i], l->offset[i], crc);
        break;
    case ZIP_PIECE_END:
        zip_end_put(out, l->count, cd, l->cd_offset[l->count] - cd);
        break;
    case ZIP_PIECE_DATA:
        assert(!"bodies are not generated");
    }
}
