/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * HeadObject.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/object_info.h"

struct head_call {
    struct s3_call c;
    s3_get_cb *cb;
    char etag[S3_ETAG_MAX + 1]; /* If-Match, "" = none */
    struct s3_object_info info;
};

static int
head_parse(struct s3_call *c, const struct net_response *r)
{
    struct head_call *h = (struct head_call *)c;
    const char *length = net_header(r, "content-length");
    int e = s3_object_info_take(&h->info, r);

    if (e < 0)
        return e;
    if (!length || !text_parse_u64(&h->info.object.size, length)) {
        s3_error_message(&c->error, "no usable Content-Length");
        return -EPROTO;
    }
    if (h->etag[0] && h->info.object.etag[0] &&
        strcmp(h->etag, h->info.object.etag) != 0) {
        s3_error_message(&c->error, "the object's ETag changed");
        return -ESTALE;
    }
    return 0;
}

static int
head_failed(struct s3_call *c, int err)
{
    const struct head_call *h = (const struct head_call *)c;

    return h->etag[0] && c->error.http == 404 ? -ESTALE : err;
}

static void
head_answer(struct s3_call *c)
{
    struct head_call *h = (struct head_call *)c;

    h->cb(c->user, &c->error, c->error.err ? NULL : &h->info.object);
}

static void
head_destroy(struct s3_call *c)
{
    struct head_call *h = (struct head_call *)c;

    s3_object_info_free(&h->info);
}

static const struct s3_verb head_verb = {
    .word = "HEAD",
    .method = "HEAD",
    .counter = S3_COUNTER(head),
    .parse = head_parse,
    .failed = head_failed,
    .answer = head_answer,
    .destroy = head_destroy,
};

s3_id
s3_head(struct s3 *s, const struct s3_head_args *args, s3_get_cb *cb,
        void *user)
{
    struct head_call *h =
        s3_call_new(s, sizeof(*h), &head_verb, &args->at, user);

    h->cb = cb;
    if (args->etag && *args->etag) {
        if (strlen(args->etag) > S3_ETAG_MAX)
            s3_call_fail(&h->c, -EINVAL);
        else
            strcpy(h->etag, args->etag);
        s3_header_etag(&h->c, &h->c.headers, "if-match", args->etag);
    }
    if (args->checksum)
        s3_header(&h->c, "x-amz-checksum-mode", "ENABLED");
    return s3_call_start(&h->c);
}
