/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The body of a request and what guards it on its way: the signed SHA-256,
 * or Content-MD5.  A body in a file may be larger than memory: it is read a
 * block at a time, and the worker does other things between two slices.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"
#include "s3/multipart.h"

enum { BLOCK = 1024 * 1024, SLICE = 32 * BLOCK };

void
s3_body(struct s3_call *c, const struct iovec *iov, int count)
{
    int i;

    c->has_body = true;
    if (count <= 0)
        return;
    c->iov = malloc((size_t)count * sizeof(*iov));
    if (!c->iov) {
        s3_call_fail(c, -ENOMEM);
        return;
    }
    memcpy(c->iov, iov, (size_t)count * sizeof(*iov));
    c->iov_count = count;
    for (i = 0; i < count; i++) {
        if (!add_u64(c->body_size, iov[i].iov_len, &c->body_size))
            s3_call_fail(c, -EINVAL);
    }
}

void
s3_body_file(struct s3_call *c, const struct s3_file *f)
{
    uint64_t end;

    c->has_body = c->in_file = true;
    c->file = (struct net_file){f->fd, f->first, f->length};
    c->body_size = f->length;
    if (!add_u64(f->first, f->length, &end) || end > INT64_MAX)
        s3_call_fail(c, -EINVAL);
}

/* Over https TLS guards the bytes, and hashing them would cost a core. */
static bool
sha256_needed(const struct s3_call *c)
{
    if (c->body_size == 0)
        return false;
    if (c->hash_always)
        return true;
    if (c->s->sign_payload >= 0)
        return c->s->sign_payload > 0;
    return !c->s->ep.https;
}

bool
s3_digest_needed(const struct s3_call *c)
{
    return sha256_needed(c) || c->needs_md5;
}

/* --------------------------------------------------------------- memory */

static int
md5_iov(unsigned char out[16], const struct iovec *iov, int n)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int i, ok = md && EVP_DigestInit_ex(md, EVP_md5(), NULL);

    for (i = 0; ok && i < n; i++)
        ok = EVP_DigestUpdate(md, iov[i].iov_base, iov[i].iov_len);
    ok = ok && EVP_DigestFinal_ex(md, out, NULL);
    EVP_MD_CTX_free(md);
    return ok ? 0 : -EIO;
}

static void
md5_header(struct s3_call *c, const unsigned char md[16])
{
    char value[25];

    text_base64(value, md, 16);
    s3_header(c, "content-md5", value);
}

void
s3_body_md5(struct s3_call *c)
{
    unsigned char md[16];
    int r = md5_iov(md, c->iov, c->iov_count);

    s3_call_fail(c, r);
    if (r == 0)
        md5_header(c, md);
}

/* ----------------------------------------------------------------- file */

static int
file_failed(struct s3_call *c, ssize_t n)
{
    s3_error_message(&c->error, "the body's file: %s",
                     n < 0 ? strerror(errno) : "shorter than it was");
    return -EIO;
}

/* The next slice of the file into c->digest. */
static int
hash_slice(struct s3_call *c)
{
    uint64_t left = min_u64(c->file.length - c->hashed, SLICE);
    CLEANUP_FREE unsigned char *block = malloc(BLOCK);
    ssize_t n;

    if (!block)
        return -ENOMEM;
    while (left > 0) {
        n = pread(c->file.fd, block, min_u64(left, BLOCK),
                  (off_t)(c->file.first + c->hashed));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return file_failed(c, n);
        if (!EVP_DigestUpdate(c->digest, block, (size_t)n))
            return -EIO;
        c->hashed += (uint64_t)n;
        left -= (uint64_t)n;
    }
    return c->hashed < c->file.length ? S3_CALL_NEXT : 0;
}

static int
hash_end(struct s3_call *c, bool sha256)
{
    unsigned char md[EVP_MAX_MD_SIZE];

    if (!EVP_DigestFinal_ex(c->digest, md, NULL))
        return -EIO;
    if (sha256)
        text_hex(c->payload_hash, md, 32);
    else
        md5_header(c, md);
    return 0;
}

static int
hash_file(struct s3_call *c, bool sha256)
{
    int r;

    if (!c->digest) {
        c->digest = EVP_MD_CTX_new();
        if (!c->digest ||
            !EVP_DigestInit_ex(c->digest, sha256 ? EVP_sha256() : EVP_md5(),
                               NULL))
            return -ENOMEM;
    }
    r = hash_slice(c);
    return r == 0 ? hash_end(c, sha256) : r;
}

/* ------------------------------------------------------------------ both */

int
s3_digest_body(struct s3_call *c)
{
    unsigned char md[16];
    int r = 0;

    if (sha256_needed(c))
        return c->in_file
                   ? hash_file(c, true)
                   : aws_sha256_iov(c->payload_hash, c->iov, c->iov_count);
    if (c->needs_md5 && c->in_file) {
        r = hash_file(c, false);
    } else if (c->needs_md5) {
        r = md5_iov(md, c->iov, c->iov_count);
        if (r == 0)
            md5_header(c, md);
    }
    strcpy(c->payload_hash,
           c->body_size ? AWS_UNSIGNED_PAYLOAD : AWS_EMPTY_SHA256);
    return r;
}

void
s3_digest_free(struct s3_call *c)
{
    EVP_MD_CTX_free(c->digest);
}
