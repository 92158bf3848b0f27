/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The whole archive as one word: its CRC-32, from those of its members, by
 * which is checked what nothing else checks; and a plan's fingerprint: two
 * processes that plan the same parts of the same archive may go on with each
 * other's upload.  Called by the steps of a job.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
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
job_whole(struct publish_job *j)
{
    j->have_whole = whole_crc(j->layout, j->crcs, &j->whole) == 0;
}

/* ---------------------------------------------------------- fingerprint */

static void
hash_u64(EVP_MD_CTX *md, uint64_t v)
{
    uint8_t b[8];
    int i;

    for (i = 0; i < 8; i++)
        b[i] = (uint8_t)(v >> (8 * i));
    EVP_DigestUpdate(md, b, sizeof(b));
}

static void
hash_part(EVP_MD_CTX *md, const struct plan_part *p)
{
    hash_u64(md, p->first);
    hash_u64(md, p->end);
    hash_u64(md, p->kind);
    hash_u64(md, p->kind == PLAN_COPY ? p->member : 0);
    hash_u64(md, p->kind == PLAN_COPY_SCRATCH ? p->scratch : 0);
    hash_u64(md, p->kind == PLAN_UPLOAD ? 0 : p->from);
    hash_u64(md, p->pad);
}

void
plan_fingerprint(const struct plan *p, const char digest[65], char out[65])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t sum[EVP_MAX_MD_SIZE];
    unsigned i, len = 0;
    size_t u, n, count;

    out[0] = '\0'; /* fits nothing */
    if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(md);
        return;
    }
    EVP_DigestUpdate(md, digest, 64);
    hash_u64(md, p->scratches + 1);
    for (u = 0; u <= p->scratches; u++) {
        plan_upload_parts(p, u, &count);
        hash_u64(md, count);
    }
    for (n = 0; n < p->scratch_parts; n++)
        hash_part(md, &p->scratch_part[n]);
    for (n = 0; n < p->count; n++)
        hash_part(md, &p->part[n]);
    EVP_DigestFinal_ex(md, sum, &len);
    EVP_MD_CTX_free(md);
    for (i = 0; i < len && i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

/* --------------------------------------------------------------- a part */

bool
part_is_ranged(const struct attempt *at, uint32_t n)
{
    const struct plan_part *pp = part_plan(at, n);

    switch (pp->kind) {
    case PLAN_COPY:
        return part_len(at, n) != job_member(at->j, pp->member)->size;
    case PLAN_COPY_SCRATCH:
        return part_len(at, n) != scratch_size(at, pp->scratch);
    case PLAN_COPY_PREVIOUS:
        return part_len(at, n) != previous_zip(at->j->previous)->size;
    case PLAN_UPLOAD:
        break;
    }
    return false;
}
