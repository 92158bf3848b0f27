/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * PutObject and DeleteObject.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"

enum { SMALL_ANSWER_MAX = 64 * 1024 };

/* ------------------------------------------------------------------ put */

struct put_call {
    struct s3_call c;
    s3_complete_cb *cb;
    bool conditional;
    char etag[S3_ETAG_MAX + 1];
    char version[S3_VALUE_MAX + 1];
    struct s3_completed done;
};

static int
put_parse(struct s3_call *c, const struct net_response *r)
{
    struct put_call *p = (struct put_call *)c;
    const char *version = net_header(r, "x-amz-version-id");
    const char *crc = net_header(r, "x-amz-checksum-crc32");
    int e = s3_body_error(c);

    if (e < 0)
        return e;
    e = s3_etag_header(p->etag, r);
    if (e < 0) {
        s3_error_message(&c->error, "no usable ETag");
        return e;
    }
    if (version && s3_word_ok(version, S3_VALUE_MAX))
        strcpy(p->version, version);
    p->done.have_crc32 = s3_full_crc32(
        &p->done.crc32, crc, net_header(r, "x-amz-checksum-type"), p->etag);
    return 0;
}

/* A condition that fails at a later attempt may have met our own object:
 * the caller looks. */
static int
put_failed(struct s3_call *c, int err)
{
    const struct put_call *p = (const struct put_call *)c;

    if (p->conditional && c->error.attempts > 1 &&
        (err == -ESTALE || err == -EBUSY || c->error.http == 404))
        return -EINPROGRESS;
    return err == -ESTALE ? -EEXIST : err;
}

static void
put_answer(struct s3_call *c)
{
    struct put_call *p = (struct put_call *)c;

    p->done.etag = p->etag;
    p->done.version_id = p->version;
    p->cb(c->user, &c->error, c->error.err ? NULL : &p->done);
}

static const struct s3_verb put_verb = {
    .word = "PUT",
    .method = "PUT",
    .counter = S3_COUNTER(put),
    .answer_max = SMALL_ANSWER_MAX,
    .parse = put_parse,
    .failed = put_failed,
    .answer = put_answer,
};

s3_id
s3_put(struct s3 *s, const struct s3_put_args *args, s3_complete_cb *cb,
       void *user)
{
    struct put_call *p =
        s3_call_new(s, sizeof(*p), &put_verb, &args->at, user);
    struct s3_call *c = &p->c;

    p->cb = cb;
    p->conditional = args->if_none_match || args->if_match;
    s3_body(c, args->body, args->body_count);
    if (args->send_crc32)
        s3_header_crc32(c, args->crc32);
    else
        c->needs_md5 = true;
    s3_header_new_object(c, args->content_type, args->layout_digest);
    s3_header_etag(c, &c->headers, "if-match", args->if_match);
    if (args->if_none_match)
        s3_header(c, "if-none-match", "*");
    return s3_call_start(c);
}

/* --------------------------------------------------------------- delete */

struct delete_call {
    struct s3_call c;
    s3_done_cb *cb;
};

static int
delete_failed(struct s3_call *c, int err)
{
    return c->error.http == 404 && strcmp(c->error.code, "NoSuchBucket") != 0
               ? 0
               : err;
}

static void
delete_answer(struct s3_call *c)
{
    ((struct delete_call *)c)->cb(c->user, &c->error);
}

static const struct s3_verb delete_verb = {
    .word = "DELETE",
    .method = "DELETE",
    .counter = S3_COUNTER(delete_),
    .answer_max = SMALL_ANSWER_MAX,
    .brief = true,
    .failed = delete_failed,
    .answer = delete_answer,
};

s3_id
s3_delete(struct s3 *s, const struct s3_where *at, const char *etag,
          const char *version_id, s3_done_cb *cb, void *user)
{
    struct delete_call *d = s3_call_new(s, sizeof(*d), &delete_verb, at, user);

    d->cb = cb;
    if (version_id && *version_id)
        s3_query_str(&d->c, "versionId", version_id);
    s3_header_etag(&d->c, &d->c.headers, "if-match", etag);
    return s3_call_start(&d->c);
}
