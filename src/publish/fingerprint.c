/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A plan as one word: two processes that plan the same parts of the same
 * archive may go on with each other's upload.  Must not know why.
 */
#include <openssl/evp.h>
#include <stdio.h>

#include "publish/job.h"

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
