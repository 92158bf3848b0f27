/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The CRC-32 of the whole archive, from those of its members, by which is
 * checked what nothing else checks.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/crc32.h"
#include "publish/job.h"

/* One record or body; its CRC.  -ENODATA if the member's is not known. */
static int
piece_crc(struct layout *l, struct crc_set *crcs, const struct zip_piece *z,
          struct buf *scratch, uint32_t *ret)
{
    uint64_t len = z->end - z->first;
    uint32_t member = 0;
    uint8_t *out;

    if (z->kind != ZIP_PIECE_END && !crc_peek(crcs, z->index, &member))
        return -ENODATA;
    if (z->kind == ZIP_PIECE_DATA) {
        *ret = member;
        return 0;
    }
    if (len > scratch->len) {
        out = realloc(scratch->data, len);
        if (!out)
            return -ENOMEM;
        scratch->data = (char *)out;
        scratch->len = len;
    }
    out = (uint8_t *)scratch->data;
    zip_piece_put(out, &l->zip, z, member);
    *ret = crc32_add(0, out, len);
    return 0;
}

/* CRC-32 of the archive from its members' CRCs; blocks: worker thread. */
int
whole_crc(struct layout *l, struct crc_set *crcs, uint32_t *ret)
{
    CLEANUP_BUF struct buf scratch = BUF_INIT(0);
    struct zip_piece z;
    uint32_t crc = 0, one;
    int r;

    zip_piece_at(&l->zip, 0, &z);
    do {
        r = piece_crc(l, crcs, &z, &scratch, &one);
        if (r < 0)
            return r;
        crc = crc_join(crc, one, z.end - z.first);
    } while (zip_piece_next(&l->zip, &z));
    *ret = crc;
    return 0;
}

void
whole_crc_run(struct publish_job *j)
{
    j->have_whole = whole_crc(j->layout, j->crcs, &j->whole) == 0;
}
