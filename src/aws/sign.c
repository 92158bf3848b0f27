/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Signature Version 4 (AWS General Reference, "Signing AWS API requests"),
 * in its named steps: canonical request (canonical.c), string to sign,
 * signing key, signature.  Pure: the time is given.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "aws/canonical.h"
#include "base/text.h"

enum { CANONICAL_MAX = 256 * 1024 }; /* a key may be 3,072 bytes encoded */

struct signer {
    const struct aws_sign *s;
    const struct aws_identity *id;
    char date[9];    /* YYYYMMDD */
    char stamp[17];  /* YYYYMMDDThhmmssZ */
    struct buf text; /* the canonical request, then the string to sign */
    struct buf names;
    EVP_MD *sha256; /* looked up once: OpenSSL 3 takes long for it */
    EVP_MD_CTX *ctx;
};

/* -------------------------------------------- string to sign, signature */

/* SHA-256 of two pieces. */
static int
digest(const struct signer *sg, unsigned char out[32], const void *a,
       size_t an, const void *b, size_t bn)
{
    if (!EVP_DigestInit_ex2(sg->ctx, sg->sha256, NULL) ||
        !EVP_DigestUpdate(sg->ctx, a, an) ||
        !EVP_DigestUpdate(sg->ctx, b, bn) ||
        !EVP_DigestFinal_ex(sg->ctx, out, NULL))
        return -ENOMEM;
    return 0;
}

/* RFC 2104 over one digest context: five times faster than five calls of
 * OpenSSL 3's HMAC(). */
static int
hmac(const struct signer *sg, unsigned char out[32], const void *key,
     size_t key_len, const char *text)
{
    unsigned char block[64] = {0}, inner[32];
    size_t i;
    int r = 0;

    if (key_len > sizeof(block))
        r = digest(sg, block, key, key_len, "", 0);
    else
        memcpy(block, key, key_len);
    for (i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36;
    if (r == 0)
        r = digest(sg, inner, block, sizeof(block), text, strlen(text));
    for (i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36 ^ 0x5c;
    if (r == 0)
        r = digest(sg, out, block, sizeof(block), inner, sizeof(inner));
    OPENSSL_cleanse(block, sizeof(block));
    return r;
}

static int
string_to_sign(struct signer *sg)
{
    unsigned char hash[32];
    char hex[65];
    int r = digest(sg, hash, sg->text.data, sg->text.len, "", 0);

    if (r < 0)
        return r;
    text_hex(hex, hash, sizeof(hash));
    buf_reset(&sg->text);
    return buf_addf(&sg->text,
                    "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s",
                    sg->stamp, sg->date, sg->s->region, sg->s->service, hex);
}

static int
signing_key(const struct signer *sg, unsigned char key[32])
{
    size_t n = strlen(sg->id->secret_key);
    CLEANUP_FREE char *first = malloc(n + 5);
    int r;

    if (!first)
        return -ENOMEM;
    memcpy(first, "AWS4", 4);
    memcpy(first + 4, sg->id->secret_key, n + 1);
    r = hmac(sg, key, first, n + 4, sg->date);
    OPENSSL_cleanse(first, n + 4);
    if (r == 0)
        r = hmac(sg, key, key, 32, sg->s->region);
    if (r == 0)
        r = hmac(sg, key, key, 32, sg->s->service);
    if (r == 0)
        r = hmac(sg, key, key, 32, "aws4_request");
    return r;
}

static int
signature(const struct signer *sg, char hex[65])
{
    unsigned char key[32], mac[32];
    int r = signing_key(sg, key);

    if (r == 0)
        r = hmac(sg, mac, key, 32, buf_str(&sg->text));
    OPENSSL_cleanse(key, sizeof(key));
    if (r == 0)
        text_hex(hex, mac, sizeof(mac));
    return r;
}

static int
put_headers(const struct signer *sg, const char *hex, struct buf *out)
{
    int r = buf_addf(out, "X-Amz-Date: %s\nX-Amz-Content-SHA256: %s\n",
                     sg->stamp, sg->s->payload_hash);

    if (r == 0 && sg->id->session_token)
        r = buf_addf(out, "X-Amz-Security-Token: %s\n", sg->id->session_token);
    if (r == 0)
        r = buf_addf(out,
                     "Authorization: AWS4-HMAC-SHA256 "
                     "Credential=%s/%s/%s/%s/aws4_request, "
                     "SignedHeaders=%s, Signature=%s\n",
                     sg->id->access_key, sg->date, sg->s->region,
                     sg->s->service, buf_str(&sg->names), hex);
    return r;
}

static int
set_time(struct signer *sg)
{
    struct tm tm;

    if (!gmtime_r(&sg->s->now, &tm) ||
        strftime(sg->stamp, sizeof(sg->stamp), "%Y%m%dT%H%M%SZ", &tm) != 16)
        return -EINVAL;
    memcpy(sg->date, sg->stamp, 8);
    sg->date[8] = '\0';
    return 0;
}

static int
set_digest(struct signer *sg)
{
    sg->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    sg->ctx = EVP_MD_CTX_new();
    return sg->sha256 && sg->ctx ? 0 : -ENOMEM;
}

int
aws_sign_v4(const struct aws_sign *s, const struct aws_identity *id,
            struct buf *out)
{
    struct signer sg = {.s = s,
                        .id = id,
                        .text = BUF_INIT(CANONICAL_MAX),
                        .names = BUF_INIT(CANONICAL_MAX)};
    char hex[65];
    int r;

    if (!id->access_key[0])
        return 0;
    r = set_time(&sg);
    if (r == 0)
        r = set_digest(&sg);
    if (r == 0)
        r = canonical_request(s, id, sg.stamp, &sg.text, &sg.names);
    if (r == 0)
        r = string_to_sign(&sg);
    if (r == 0)
        r = signature(&sg, hex);
    if (r == 0)
        r = put_headers(&sg, hex, out);
    EVP_MD_CTX_free(sg.ctx);
    EVP_MD_free(sg.sha256);
    buf_free(&sg.text);
    buf_free(&sg.names);
    return r;
}

int
aws_sha256_iov(char hex[65], const struct iovec *iov, int n)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char digest[32];
    bool good;
    int i;

    if (!ctx)
        return -ENOMEM;
    good = EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    for (i = 0; good && i < n; i++)
        good = EVP_DigestUpdate(ctx, iov[i].iov_base, iov[i].iov_len);
    good = good && EVP_DigestFinal_ex(ctx, digest, NULL);
    EVP_MD_CTX_free(ctx);
    if (!good)
        return -ENOMEM;
    text_hex(hex, digest, sizeof(digest));
    return 0;
}
