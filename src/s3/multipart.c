/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * CreateMultipartUpload, UploadPart, UploadPartCopy.  (complete.c ends an
 * upload, abort.c gives it up.)
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"
#include "s3/multipart.h"

enum { SMALL_ANSWER_MAX = 64 * 1024 };

/* --------------------------------------------------------------- create */

struct create_call {
    struct s3_call c;
    s3_create_cb *cb;
    char id[S3_VALUE_MAX + 1];
};

static int
create_close(void *user, const char *path, char *text, size_t len)
{
    struct create_call *k = user;

    (void)len;
    if (strcmp(path, "UploadId") == 0 && s3_word_ok(text, S3_VALUE_MAX))
        strcpy(k->id, text);
    return 0;
}

static int
create_parse(struct s3_call *c, const struct net_response *resp)
{
    struct create_call *k = (struct create_call *)c;
    const struct s3_xml x = {.root = {"InitiateMultipartUploadResult"},
                             .close = create_close,
                             .user = k};
    int r;

    (void)resp;
    k->id[0] = '\0';
    r = s3_xml_answer(c, &x);
    if (r == 0 && !k->id[0]) {
        s3_error_message(&c->error, "malformed answer: no UploadId");
        r = -EPROTO;
    }
    return r;
}

static int
create_failed(struct s3_call *c, int err)
{
    return c->once && c->unclear ? -EINPROGRESS : err;
}

static void
create_answer(struct s3_call *c)
{
    struct create_call *k = (struct create_call *)c;

    k->cb(c->user, &c->error, c->error.err ? NULL : k->id);
}

static const struct s3_verb create_verb = {
    .word = "CREATE",
    .method = "POST",
    .counter = S3_COUNTER(create),
    .answer_max = SMALL_ANSWER_MAX,
    .brief = true,
    .parse = create_parse,
    .failed = create_failed,
    .answer = create_answer,
};

s3_id
s3_create(struct s3 *s, const struct s3_create_args *args, s3_create_cb *cb,
          void *user)
{
    struct create_call *k =
        s3_call_new(s, sizeof(*k), &create_verb, &args->at, user);

    k->cb = cb;
    k->c.has_body = true;
    k->c.busy = args->fresh;
    k->c.once = args->once;
    s3_query(&k->c, "uploads", "", 0);
    if (args->crc32) {
        s3_header(&k->c, "x-amz-checksum-algorithm", "CRC32");
        s3_header(&k->c, "x-amz-checksum-type", "FULL_OBJECT");
    }
    s3_header_new_object(&k->c, args->content_type, args->layout_digest);
    return s3_call_start(&k->c);
}

/* ---------------------------------------------------------------- parts */

struct part_call {
    struct s3_call c;
    s3_part_cb *cb;
    bool sent_crc32; /* the answer's must be this one */
    uint32_t crc32;
    char etag[S3_ETAG_MAX + 1];
    struct s3_part part;
};

static int
part_etag(struct part_call *p, char *text)
{
    char *bare = s3_etag_bare(text);

    if (!bare || !*bare)
        return -EPROTO;
    strcpy(p->etag, bare);
    return 0;
}

static void
part_answer(struct s3_call *c)
{
    struct part_call *p = (struct part_call *)c;

    p->part.etag = p->etag;
    p->cb(c->user, &c->error, c->error.err ? NULL : &p->part);
}

static void
part_query(struct s3_call *c, uint32_t number, const char *upload_id)
{
    s3_query_num(c, "partNumber", number);
    s3_query_str(c, "uploadId", upload_id);
}

static int
upload_parse(struct s3_call *c, const struct net_response *r)
{
    struct part_call *p = (struct part_call *)c;
    const char *crc = net_header(r, "x-amz-checksum-crc32");
    int e = s3_body_error(c);

    if (e < 0)
        return e;
    e = s3_etag_header(p->etag, r);
    if (e < 0) {
        s3_error_message(&c->error, "no usable ETag for the part");
        return e;
    }
    p->part.have_crc32 = crc && text_parse_crc32(&p->part.crc32, crc);
    if (p->sent_crc32 && p->part.have_crc32 && p->part.crc32 != p->crc32) {
        s3_error_message(&c->error, "the part was stored with another CRC");
        return -EIO;
    }
    return 0;
}

static const struct s3_verb upload_verb = {
    .word = "UPLOAD",
    .method = "PUT",
    .counter = S3_COUNTER(upload),
    .answer_max = SMALL_ANSWER_MAX,
    .parse = upload_parse,
    .answer = part_answer,
};

s3_id
s3_upload_part(struct s3 *s, const struct s3_upload_args *args, s3_part_cb *cb,
               void *user)
{
    struct part_call *p =
        s3_call_new(s, sizeof(*p), &upload_verb, &args->at, user);

    p->cb = cb;
    p->sent_crc32 = args->send_crc32;
    p->crc32 = args->crc32;
    part_query(&p->c, args->number, args->upload_id);
    if (args->file)
        s3_body_file(&p->c, args->file);
    else
        s3_body(&p->c, args->body, args->body_count);
    if (args->send_crc32)
        s3_header_crc32(&p->c, args->crc32);
    else
        p->c.needs_md5 = true;
    return s3_call_start(&p->c);
}

/* ----------------------------------------------------------------- copy */

static int
copy_close(void *user, const char *path, char *text, size_t len)
{
    struct part_call *p = user;

    (void)len;
    if (strcmp(path, "ETag") == 0)
        return part_etag(p, text);
    if (strcmp(path, "ChecksumCRC32") == 0)
        p->part.have_crc32 = text_parse_crc32(&p->part.crc32, text);
    return 0;
}

static int
copy_parse(struct s3_call *c, const struct net_response *resp)
{
    struct part_call *p = (struct part_call *)c;
    /* s3proxy answers a part copy with the root of a whole copy. */
    const struct s3_xml x = {.root = {"CopyPartResult", "CopyObjectResult"},
                             .close = copy_close,
                             .user = p};
    int r;

    (void)resp;
    p->etag[0] = '\0';
    p->part.have_crc32 = false;
    r = s3_xml_answer(c, &x);
    if (r == 0 && !p->etag[0]) {
        s3_error_message(&c->error, "malformed answer: no ETag");
        r = -EPROTO;
    }
    return r;
}

/* 412 is -ESTALE by the table. */
static int
copy_failed(struct s3_call *c, int err)
{
    return strcmp(c->error.code, "NoSuchKey") == 0 ||
                   strcmp(c->error.code, "NoSuchVersion") == 0
               ? -ESTALE
               : err;
}

static const struct s3_verb copy_verb = {
    .word = "COPY",
    .method = "PUT",
    .counter = S3_COUNTER(copy),
    .answer_max = SMALL_ANSWER_MAX,
    .slow = true,
    .brief = true,
    .parse = copy_parse,
    .failed = copy_failed,
    .answer = part_answer,
};

/* "bucket/key", percent-encoded once ("+" too: a store that reads it as a
 * form would make a space of it). */
static void
copy_source(struct s3_call *c, const struct s3_where *from)
{
    CLEANUP_BUF struct buf b = BUF_INIT(4 * S3_KEY_MAX);
    int r = buf_addf(&b, "%s/", from->bucket);

    if (r == 0)
        r = text_percent(&b, from->key, from->key_len, true);
    s3_call_fail(c, r);
    s3_header(c, "x-amz-copy-source", buf_str(&b));
}

static void
copy_headers(struct s3_call *c, const struct s3_copy_args *a)
{
    char range[64];
    uint64_t end;

    copy_source(c, &a->source);
    if (!a->source_etag || !*a->source_etag)
        s3_call_fail(c, -EINVAL); /* never without the guard */
    s3_header_etag(c, &c->headers, "x-amz-copy-source-if-match",
                   a->source_etag);
    s3_header(c, "x-amz-source-expected-bucket-owner",
              a->source.dest ? c->s->dest_owner : c->s->owner);
    if (a->first == 0 && a->length == a->source_size)
        return;
    if (a->length == 0 || !add_u64(a->first, a->length, &end) ||
        end > a->source_size) {
        s3_call_fail(c, -EINVAL);
        return;
    }
    snprintf(range, sizeof(range), "bytes=%llu-%llu",
             (unsigned long long)a->first, (unsigned long long)end - 1);
    s3_header(c, "x-amz-copy-source-range", range);
}

s3_id
s3_upload_copy(struct s3 *s, const struct s3_copy_args *args, s3_part_cb *cb,
               void *user)
{
    struct part_call *p =
        s3_call_new(s, sizeof(*p), &copy_verb, &args->at, user);

    p->cb = cb;
    p->c.has_body = true;
    part_query(&p->c, args->number, args->upload_id);
    copy_headers(&p->c, args);
    return s3_call_start(&p->c);
}
