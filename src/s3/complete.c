/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * CompleteMultipartUpload: the one call that is not idempotent.  After an
 * unclear end it is not sent again; only a plain refusal is.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"
#include "s3/multipart.h"

enum {
    REQUEST_MAX = 4 * 1024 * 1024, /* 10,000 parts at 400 bytes */
    ANSWER_MAX = 1024 * 1024,      /* white space while it works */
};

struct complete_call {
    struct s3_call c;
    s3_complete_cb *cb;
    struct buf xml;
    char etag[S3_ETAG_MAX + 1];
    char version[S3_VALUE_MAX + 1];
    struct s3_completed done;
    bool full; /* ChecksumType FULL_OBJECT, or none said */
};

static int
complete_close(void *user, const char *path, char *text, size_t len)
{
    struct complete_call *k = user;
    char *bare;

    (void)len;
    if (strcmp(path, "ETag") == 0) {
        bare = s3_etag_bare(text);
        if (bare)
            strcpy(k->etag, bare);
    } else if (strcmp(path, "ChecksumCRC32") == 0) {
        k->done.have_crc32 = text_parse_crc32(&k->done.crc32, text);
    } else if (strcmp(path, "ChecksumType") == 0) {
        k->full = s3_parse_type(text) == S3_TYPE_FULL;
    }
    return 0;
}

static int
complete_parse(struct s3_call *c, const struct net_response *r)
{
    struct complete_call *k = (struct complete_call *)c;
    const struct s3_xml x = {.root = {"CompleteMultipartUploadResult"},
                             .close = complete_close,
                             .user = k};
    const char *version = net_header(r, "x-amz-version-id");
    int e;

    k->full = true;
    e = s3_xml_answer(c, &x);
    if (e < 0)
        return e;
    if (!k->etag[0]) {
        s3_error_message(&c->error, "malformed answer: no ETag");
        return -EPROTO;
    }
    if (version && s3_word_ok(version, S3_VALUE_MAX))
        strcpy(k->version, version);
    k->done.have_crc32 = k->done.have_crc32 && k->full;
    return 0;
}

/* A repeated Complete may answer 200, 404 or 403: only a look at the object
 * tells.  412 as well, if the object that is met is our own. */
static int
complete_failed(struct s3_call *c, int err)
{
    int http = c->error.http;

    if (c->unclear)
        return -EINPROGRESS;
    if (c->error.attempts > 1 && (http == 403 || http == 404 || http == 412))
        return -EINPROGRESS;
    return err == -ESTALE ? -EEXIST : err;
}

static void
complete_answer(struct s3_call *c)
{
    struct complete_call *k = (struct complete_call *)c;

    k->done.etag = k->etag;
    k->done.version_id = k->version;
    k->cb(c->user, &c->error, c->error.err ? NULL : &k->done);
}

static void
complete_destroy(struct s3_call *c)
{
    buf_free(&((struct complete_call *)c)->xml);
}

static const struct s3_verb complete_verb = {
    .word = "COMPLETE",
    .method = "POST",
    .counter = S3_COUNTER(complete),
    .answer_max = ANSWER_MAX,
    .slow = true,
    .once = true,
    .brief = true,
    .parse = complete_parse,
    .failed = complete_failed,
    .answer = complete_answer,
    .destroy = complete_destroy,
};

static int
part_xml(struct buf *b, const struct s3_done_part *p, bool crc32)
{
    char crc[9];
    int r = buf_addf(b,
                     "<Part><PartNumber>%u</PartNumber>"
                     "<ETag>&quot;%s&quot;</ETag>",
                     p->number, p->etag);

    if (r == 0 && crc32 && p->have_crc32) {
        text_crc32(crc, p->crc32);
        r = buf_addf(b, "<ChecksumCRC32>%s</ChecksumCRC32>", crc);
    }
    return r < 0 ? r : buf_adds(b, "</Part>");
}

static void
request_xml(struct complete_call *k, const struct s3_complete_args *a)
{
    struct buf *b = &k->xml;
    struct iovec iov;
    size_t i;
    int r = buf_adds(b, "<CompleteMultipartUpload xmlns=\"http://"
                        "s3.amazonaws.com/doc/2006-03-01/\">");

    for (i = 0; r == 0 && i < a->count; i++) {
        /* ETags came through s3_etag_bare: nothing to escape in them. */
        r = strpbrk(a->part[i].etag, "\"&<>")
                ? -EINVAL
                : part_xml(b, &a->part[i], a->crc32);
    }
    if (r == 0)
        r = buf_adds(b, "</CompleteMultipartUpload>");
    s3_call_fail(&k->c, r);
    iov.iov_base = b->data;
    iov.iov_len = b->len;
    s3_body(&k->c, &iov, 1);
    k->c.hash_always = true;
}

s3_id
s3_complete(struct s3 *s, const struct s3_complete_args *args,
            s3_complete_cb *cb, void *user)
{
    struct complete_call *k =
        s3_call_new(s, sizeof(*k), &complete_verb, &args->at, user);
    struct s3_call *c = &k->c;

    k->cb = cb;
    k->xml = BUF_INIT(REQUEST_MAX);
    s3_query_str(c, "uploadId", args->upload_id);
    request_xml(k, args);
    s3_header(c, "content-type", "application/xml");
    if (args->crc32) {
        s3_header_crc32(c, args->whole_crc32);
        s3_header(c, "x-amz-checksum-type", "FULL_OBJECT");
    }
    if (args->send_size)
        s3_header_num(c, "x-amz-mp-object-size", args->size);
    s3_header_etag(c, &c->headers, "if-match", args->if_match);
    if (args->if_none_match)
        s3_header(c, "if-none-match", "*");
    return s3_call_start(c);
}
