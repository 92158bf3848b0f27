/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The bytes whose SHA-256 names a layout.  Hashes nothing itself.
 */
#include "zip/zip.h"

#include "base/buf.h"
#include "zip/zip_impl.h"

const char zip_digest_head[] = "s3zipfs-layout-1\n";

int
zip_digest_put(struct buf *b, const struct zip_member *m)
{
    uint8_t fixed[18], *p;
    int r;

    put_u16(fixed, m->name_len);
    r = buf_add(b, fixed, 2);
    if (r == 0)
        r = buf_add(b, m->name, m->name_len);
    p = put_u64(fixed, m->size);
    p = put_u64(p, (uint64_t)m->mtime);
    put_u16(p, m->etag_len);
    if (r == 0)
        r = buf_add(b, fixed, sizeof(fixed));
    if (r == 0)
        r = buf_add(b, m->etag, m->etag_len);
    return r;
}
