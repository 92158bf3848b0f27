/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Building one HTTP request: query, headers, the signature.  (digest.c: the
 * body and its guard.)  Must not know what comes back.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "s3/call.h"

enum { LINES_MAX = 16 * 1024, URL_MAX = 24 * 1024 };

void
s3_call_fail(struct s3_call *c, int r)
{
    if (r < 0 && c->setup_err == 0)
        c->setup_err = r == -EMSGSIZE ? -EINVAL : r;
}

/* ---------------------------------------------------------------- query */

void
s3_query(struct s3_call *c, const char *name, const void *value, size_t len)
{
    if (c->query.len > 0)
        s3_call_fail(c, buf_addc(&c->query, '&'));
    s3_call_fail(c, buf_addf(&c->query, "%s=", name));
    s3_call_fail(c, text_percent(&c->query, value, len, false));
}

void
s3_query_str(struct s3_call *c, const char *name, const char *value)
{
    s3_query(c, name, value, strlen(value));
}

void
s3_query_num(struct s3_call *c, const char *name, uint64_t value)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
    s3_query_str(c, name, digits);
}

/* -------------------------------------------------------------- headers */

/* A value must not be able to begin a header of its own. */
static bool
value_ok(const char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            return false;
    }
    return true;
}

void
s3_header_to(struct s3_call *c, struct buf *to, const char *name,
             const char *value)
{
    if (!value || !*value)
        return;
    if (!value_ok(value))
        s3_call_fail(c, -EINVAL);
    else
        s3_call_fail(c, buf_addf(to, "%s: %s\n", name, value));
}

void
s3_header(struct s3_call *c, const char *name, const char *value)
{
    s3_header_to(c, &c->headers, name, value);
}

void
s3_header_num(struct s3_call *c, const char *name, uint64_t value)
{
    s3_call_fail(c, buf_addf(&c->headers, "%s: %llu\n", name,
                             (unsigned long long)value));
}

void
s3_header_etag(struct s3_call *c, struct buf *to, const char *name,
               const char *etag)
{
    char value[S3_ETAG_MAX + 3];
    int n;

    if (!etag || !*etag)
        return;
    n = snprintf(value, sizeof(value), "\"%s\"", etag);
    if (n >= (int)sizeof(value) || strchr(etag, '"'))
        s3_call_fail(c, -EINVAL);
    else
        s3_header_to(c, to, name, value);
}

void
s3_header_crc32(struct s3_call *c, uint32_t crc)
{
    char value[9];

    text_crc32(value, crc);
    s3_header(c, "x-amz-checksum-crc32", value);
}

void
s3_header_new_object(struct s3_call *c, const char *content_type,
                     const char *layout_digest)
{
    s3_header(c, "content-type", content_type);
    s3_header(c, "x-amz-meta-s3zipfs-layout", layout_digest);
    s3_header(c, "x-amz-storage-class", c->s->storage_class);
    if (c->s->kms_key) {
        s3_header(c, "x-amz-server-side-encryption", "aws:kms");
        s3_header(c, "x-amz-server-side-encryption-aws-kms-key-id",
                  c->s->kms_key);
    }
}

/* ------------------------------------------------------------- the whole */

/* Splits "a: b\nc: d\n" in place; the number of headers, or -errno. */
static int
split_lines(struct buf *b, const char **out, int max)
{
    char *p = b->data, *end;
    int n = 0;

    for (; p && *p; p = end + 1) {
        end = strchr(p, '\n');
        if (!end || n + 1 >= max)
            return -EINVAL;
        *end = '\0';
        out[n++] = p;
    }
    out[n] = NULL;
    return n;
}

static int
sign(struct s3_call *c, struct s3_request *r, const char *host,
     const char *path)
{
    CLEANUP_BUF struct buf copy = BUF_INIT(LINES_MAX);
    struct aws_sign sg = {
        .method = c->verb->method,
        .host = host,
        .path = path,
        .query = buf_str(&c->query),
        .headers = r->header,
        .payload_hash = c->payload_hash,
        .region = c->region,
        .service = "s3",
        .now = time(NULL) + __atomic_load_n(&c->s->skew, __ATOMIC_RELAXED),
    };
    int n = buf_add(&copy, buf_str(&r->lines), r->lines.len);

    if (n == 0)
        n = split_lines(&copy, r->header, ARRAY_SIZE(r->header));
    if (n >= 0)
        n = aws_sign_v4(&sg, c->identity, &r->lines);
    if (n >= 0)
        n = split_lines(&r->lines, r->header, ARRAY_SIZE(r->header));
    return n < 0 ? n : 0;
}

int
s3_request_build(struct s3_call *c, struct s3_request *r)
{
    CLEANUP_BUF struct buf host = BUF_INIT(512);
    CLEANUP_BUF struct buf path = BUF_INIT(URL_MAX);
    int e;

    r->url = BUF_INIT(2 * URL_MAX);
    r->lines = BUF_INIT(LINES_MAX);
    r->header[0] = NULL;
    e = s3_endpoint_address(&c->s->ep, c->region, c->bucket, c->key,
                            c->key_len, &host, &path);
    if (e == 0)
        e = buf_addf(&r->url, "%s://%s%s%s%s",
                     c->s->ep.https ? "https" : "http", buf_str(&host),
                     buf_str(&path), c->query.len ? "?" : "",
                     buf_str(&c->query));
    if (e == 0)
        e = buf_add(&r->lines, buf_str(&c->headers), c->headers.len);
    if (e == 0)
        e = buf_add(&r->lines, buf_str(&c->extra), c->extra.len);
    if (e == 0)
        e = sign(c, r, buf_str(&host), buf_str(&path));
    return e;
}

void
s3_request_free(struct s3_request *r)
{
    buf_free(&r->url);
    buf_free(&r->lines);
}
