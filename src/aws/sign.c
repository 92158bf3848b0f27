/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Signature Version 4 (AWS General Reference, "Signing AWS API requests"),
 * in its named steps: canonical request, string to sign, signing key,
 * signature.  Pure: the time is given.  S3's variant: the path is encoded
 * once and never normalised.
 */
#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "aws/aws.h"
#include "base/text.h"

enum {
    HEADERS_MAX = 64,
    QUERY_MAX = 64,
    CANONICAL_MAX = 256 * 1024, /* a key may be 3,072 bytes encoded */
};

/* A name and a value inside the caller's strings. */
struct pair {
    const char *name, *value;
    size_t name_len, value_len;
};

struct signer {
    const struct aws_sign *s;
    const struct aws_identity *id;
    char date[9];   /* YYYYMMDD */
    char stamp[17]; /* YYYYMMDDThhmmssZ */
    struct pair header[HEADERS_MAX];
    int headers;
    struct buf text; /* the canonical request, then the string to sign */
    struct buf names;
    EVP_MD *sha256; /* looked up once: OpenSSL 3 takes long for it */
    EVP_MD_CTX *ctx;
};

/* -------------------------------------------------------- canonical query */

static int
compare_bytes(const char *a, size_t an, const char *b, size_t bn)
{
    int c = memcmp(a, b, an < bn ? an : bn);

    return c ? c : (an > bn) - (an < bn);
}

static int
compare_query(const void *va, const void *vb)
{
    const struct pair *a = va, *b = vb;
    int c = compare_bytes(a->name, a->name_len, b->name, b->name_len);

    if (c)
        return c;
    return compare_bytes(a->value, a->value_len, b->value, b->value_len);
}

static int
split_query(const char *query, struct pair *pair, int *ret_count)
{
    const char *p, *end, *eq;
    int count = 0;

    for (p = query; *p; p = *end ? end + 1 : end) {
        end = strchrnul(p, '&');
        if (end == p)
            continue;
        if (count == QUERY_MAX)
            return -E2BIG;
        eq = memchr(p, '=', (size_t)(end - p));
        pair[count].name = p;
        pair[count].name_len = (size_t)((eq ? eq : end) - p);
        pair[count].value = eq ? eq + 1 : end;
        pair[count].value_len = (size_t)(end - pair[count].value);
        count++;
    }
    *ret_count = count;
    return 0;
}

static int
add_query(struct signer *sg)
{
    struct pair pair[QUERY_MAX];
    int n = 0, i, r = split_query(sg->s->query, pair, &n);

    if (r < 0)
        return r;
    qsort(pair, (size_t)n, sizeof(pair[0]), compare_query);
    for (i = 0; r == 0 && i < n; i++)
        r = buf_addf(&sg->text, "%s%.*s=%.*s", i ? "&" : "",
                     (int)pair[i].name_len, pair[i].name,
                     (int)pair[i].value_len, pair[i].value);
    return r == 0 ? buf_addc(&sg->text, '\n') : r;
}

/* ------------------------------------------------------ canonical headers */

static int
add_pair(struct signer *sg, const char *name, size_t name_len,
         const char *value)
{
    if (sg->headers == HEADERS_MAX)
        return -E2BIG;
    sg->header[sg->headers++] = (struct pair){
        .name = name,
        .name_len = name_len,
        .value = value,
        .value_len = strlen(value),
    };
    return 0;
}

static int
collect_headers(struct signer *sg)
{
    const char *const *h, *colon;
    int r = add_pair(sg, "host", 4, sg->s->host);

    if (r == 0)
        r = add_pair(sg, "x-amz-date", 10, sg->stamp);
    if (r == 0)
        r = add_pair(sg, "x-amz-content-sha256", 20, sg->s->payload_hash);
    if (r == 0 && sg->id->session_token)
        r = add_pair(sg, "x-amz-security-token", 20, sg->id->session_token);
    for (h = sg->s->headers; r == 0 && h && *h; h++) {
        colon = strchr(*h, ':');
        if (!colon)
            return -EINVAL;
        r = add_pair(sg, *h, (size_t)(colon - *h), colon + 1);
    }
    return r;
}

static int
compare_header(const void *va, const void *vb)
{
    const struct pair *a = va, *b = vb;
    size_t n = a->name_len < b->name_len ? a->name_len : b->name_len;
    int c = strncasecmp(a->name, b->name, n);

    /* A prefix comes first: libcurl's mistake was to look at the colon. */
    return c ? c : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

static int
add_lower(struct buf *b, const struct pair *h)
{
    size_t i;
    int r = 0;

    for (i = 0; r == 0 && i < h->name_len; i++)
        r = buf_addc(b, (char)tolower((unsigned char)h->name[i]));
    return r;
}

/* White space at the ends goes, inside it becomes one space. */
static int
add_trimmed(struct buf *b, const struct pair *h)
{
    bool space = false, any = false;
    size_t i;
    int r = 0;

    for (i = 0; r == 0 && i < h->value_len; i++) {
        if (isspace((unsigned char)h->value[i])) {
            space = true;
            continue;
        }
        if (space && any)
            r = buf_addc(b, ' ');
        if (r == 0)
            r = buf_addc(b, h->value[i]);
        space = false;
        any = true;
    }
    return r;
}

static int
add_headers(struct signer *sg)
{
    int i, r = 0;

    qsort(sg->header, (size_t)sg->headers, sizeof(sg->header[0]),
          compare_header);
    for (i = 0; r == 0 && i < sg->headers; i++) {
        r = add_lower(&sg->text, &sg->header[i]);
        if (r == 0)
            r = buf_addc(&sg->text, ':');
        if (r == 0)
            r = add_trimmed(&sg->text, &sg->header[i]);
        if (r == 0)
            r = buf_addc(&sg->text, '\n');
        if (r == 0 && i)
            r = buf_addc(&sg->names, ';');
        if (r == 0)
            r = add_lower(&sg->names, &sg->header[i]);
    }
    return r;
}

static int
canonical_request(struct signer *sg)
{
    int r = buf_addf(&sg->text, "%s\n%s\n", sg->s->method,
                     sg->s->path[0] ? sg->s->path : "/");

    if (r == 0)
        r = add_query(sg);
    if (r == 0)
        r = collect_headers(sg);
    if (r == 0)
        r = add_headers(sg);
    if (r == 0)
        r = buf_addf(&sg->text, "\n%s\n%s", buf_str(&sg->names),
                     sg->s->payload_hash);
    return r;
}

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
        r = canonical_request(&sg);
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
