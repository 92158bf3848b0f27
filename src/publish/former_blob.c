/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A layout as bytes that can be kept: those that its digest is made of, so
 * that the digest proves them.  Must not know where they are kept.
 */
#include "publish/former_impl.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"

enum {
    CHUNK = 65536,
    DEFLATE_MOST = 1100, /* RFC 1951: bytes that one byte may stand for are
                            fewer (1,032) */
};

/* ----------------------------------------------------------- to a blob */

static int
deflate_some(z_stream *z, const void *p, size_t n, int flush, struct buf *out)
{
    uint8_t piece[CHUNK / 4];
    int r = 0, state = Z_OK;

    z->next_in = (uint8_t *)(uintptr_t)p;
    z->avail_in = (uInt)n;
    do {
        z->next_out = piece;
        z->avail_out = sizeof(piece);
        state = deflate(z, flush);
        r = buf_add(out, piece, sizeof(piece) - z->avail_out);
    } while (r == 0 && z->avail_out == 0 && state != Z_STREAM_END);
    return r;
}

static int
deflate_members(z_stream *z, const struct layout *l, struct buf *out,
                uint64_t *raw)
{
    CLEANUP_BUF struct buf b = BUF_INIT(CHUNK + 4 * UINT16_MAX);
    size_t i;
    int r = buf_adds(&b, zip_digest_head);

    for (i = 0; r == 0 && i < l->zip.count; i++) {
        r = zip_digest_put(&b, &l->zip.member[i]);
        if (r < 0 || b.len < CHUNK)
            continue;
        *raw += b.len;
        if (*raw > FORMER_RAW_MAX)
            return -EMSGSIZE;
        r = deflate_some(z, b.data, b.len, Z_NO_FLUSH, out);
        buf_reset(&b);
    }
    *raw += b.len;
    if (r == 0)
        r = deflate_some(z, b.data, b.len, Z_FINISH, out);
    return r;
}

int
former_pack(struct buf *out, const struct layout *l, uint64_t *ret_raw)
{
    z_stream z = {0};
    int r;

    *ret_raw = 0;
    if (l->zip.count > FORMER_MEMBERS)
        return -EMSGSIZE;
    /* Half of it is ETags, which do not shrink at any level. */
    if (deflateInit(&z, Z_BEST_SPEED) != Z_OK)
        return -ENOMEM;
    r = deflate_members(&z, l, out, ret_raw);
    deflateEnd(&z);
    return r;
}

/* ------------------------------------------------------------ and back */

/* Exactly n bytes become exactly raw bytes. */
static bool
inflate_all(const void *blob, size_t n, char *to, size_t raw)
{
    uLongf len = (uLongf)raw;
    uLong used = (uLong)n;

    return uncompress2((Bytef *)to, &len, blob, &used) == Z_OK && len == raw &&
           used == n;
}

static bool
hashes_to(const char *bytes, size_t n, const char *digest)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1];

    if (!EVP_Digest(bytes, n, hash, &len, EVP_sha256(), NULL))
        return false;
    text_hex(hex, hash, len);
    return strcasecmp(hex, digest) == 0;
}

static int
unpack(struct former *f, const void *blob, size_t n, size_t raw,
       const char *digest)
{
    size_t count;
    int r;

    f->bytes = malloc(raw);
    if (!f->bytes)
        return -ENOMEM;
    if (!inflate_all(blob, n, f->bytes, raw) ||
        !hashes_to(f->bytes, raw, digest))
        return -EBADMSG;
    r = zip_digest_parse(f->bytes, raw, FORMER_MEMBERS, &f->member, &count);
    if (r == 0)
        r = zip_layout_init(&f->zip, f->member, count);
    return r == -EFBIG ? -EBADMSG : r;
}

int
former_unpack(struct former **ret, const void *blob, size_t n, uint64_t raw,
              const char *digest)
{
    struct former *f;
    int r;

    if (raw == 0 || raw > FORMER_RAW_MAX || n > FORMER_BLOB_MAX ||
        raw / DEFLATE_MOST > n)
        return -EBADMSG;
    f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    r = unpack(f, blob, n, (size_t)raw, digest);
    if (r == 0)
        *ret = f;
    else
        former_free(f);
    return r;
}

void
former_free(struct former *f)
{
    if (!f)
        return;
    zip_layout_free(&f->zip);
    free(f->member);
    free(f->crc);
    free(f->bytes);
    layout_unref(f->today);
    free(f);
}
