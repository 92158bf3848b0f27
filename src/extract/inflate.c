/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A deflated body that is in memory.  Must not know where from.
 */
#include <string.h>
#include <zlib.h>

#include "extract/unpack.h"

const char *
inflate_whole(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
    z_stream z = {0};
    int r;

    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return "out of memory";
    z.next_in = (uint8_t *)in;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)size;
    r = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    if (r == Z_BUF_ERROR || r == Z_OK)
        return z.avail_in == 0 ? "its compressed data is cut"
                               : "it is longer than its size";
    if (r != Z_STREAM_END)
        return "its compressed data is damaged";
    if (z.avail_in > 0)
        return "bytes behind its compressed data";
    return z.avail_out > 0 ? "it is shorter than its size" : NULL;
}
