/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * DeleteObjects: up to 1,000 keys, or versions of them, in one request.
 * The answer is asked to be quiet: it names what was not deleted.  So the
 * keys that were are not read back, which no XML 1.0 reader could do where
 * they have control characters; such keys cannot be written in a request
 * either and are refused here, one by one.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"

enum {
    REQUEST_MAX = 12 * 1024 * 1024, /* 1,000 of the longest, escaped */
    ANSWER_MAX = 16 * 1024 * 1024,
};

struct many_call {
    struct s3_call c;
    s3_delete_many_cb *cb;
    struct s3_item *item; /* copies */
    size_t count;
    int *err; /* of each */
    struct buf xml;
    struct arena arena; /* of the failures */
    struct s3_delete_failure *failure;
    size_t failures, bad; /* in all; those refused here come first */
    /* The element: */
    char *key, *version;
    size_t key_len;
    char code[64], message[256];
};

static int
malformed(struct many_call *k, const char *why)
{
    s3_error_message(&k->c.error, "malformed answer: %s", why);
    return -EPROTO;
}

/* -------------------------------------------------------------- request */

/* XML 1.0, "Characters": what a document can say. */
static bool
can_be_written(const char *key, size_t len)
{
    const unsigned char *p = (const unsigned char *)key;
    size_t i;

    if (!text_is_utf8(key, len))
        return false;
    for (i = 0; i < len; i++) {
        if (p[i] < ' ' && p[i] != '\t' && p[i] != '\n' && p[i] != '\r')
            return false;
        /* U+FFFE, U+FFFF */
        if (p[i] == 0xef && p[i + 1] == 0xbf && p[i + 2] >= 0xbe)
            return false;
    }
    return true;
}

static int
escape(struct buf *b, const char *text, size_t len)
{
    size_t i;
    int r = 0;

    for (i = 0; r == 0 && i < len; i++)
        switch (text[i]) {
        case '&':
            r = buf_adds(b, "&amp;");
            break;
        case '<':
            r = buf_adds(b, "&lt;");
            break;
        case '>':
            r = buf_adds(b, "&gt;");
            break;
        case '\t': /* or a reader makes spaces and line feeds of them */
        case '\n':
        case '\r':
            r = buf_addf(b, "&#%d;", text[i]);
            break;
        default:
            r = buf_addc(b, text[i]);
        }
    return r;
}

static int
item_xml(struct buf *b, const struct s3_item *item)
{
    int r = buf_adds(b, "<Object><Key>");

    if (r == 0)
        r = escape(b, item->key, item->key_len);
    if (r == 0)
        r = buf_adds(b, "</Key>");
    if (r == 0 && item->version_id) {
        r = buf_adds(b, "<VersionId>");
        if (r == 0)
            r = escape(b, item->version_id, strlen(item->version_id));
        if (r == 0)
            r = buf_adds(b, "</VersionId>");
    }
    return r == 0 ? buf_adds(b, "</Object>") : r;
}

static void
refuse(struct many_call *k, size_t i)
{
    k->failure[k->failures++] = (struct s3_delete_failure){
        i, -EILSEQ, "", "the key cannot be written in XML"};
}

static void
request_xml(struct many_call *k)
{
    struct buf *b = &k->xml;
    struct iovec iov;
    size_t i;
    int r = buf_adds(b, "<Delete xmlns=\"http://s3.amazonaws.com/doc/"
                        "2006-03-01/\"><Quiet>true</Quiet>");

    for (i = 0; r == 0 && i < k->count; i++)
        if (can_be_written(k->item[i].key, k->item[i].key_len))
            r = item_xml(b, &k->item[i]);
        else
            refuse(k, i);
    k->bad = k->failures;
    if (r == 0)
        r = buf_adds(b, "</Delete>");
    s3_call_fail(&k->c, r);
    iov.iov_base = b->data;
    iov.iov_len = b->len;
    s3_body(&k->c, &iov, 1);
    k->c.hash_always = true;
    s3_header(&k->c, "content-type", "application/xml");
    s3_body_md5(&k->c); /* S3 refuses this call without it */
}

/* --------------------------------------------------------------- answer */

static int
on_open(void *user, const char *path)
{
    struct many_call *k = user;

    if (strcmp(path, "Error") == 0) {
        k->key = k->version = NULL;
        k->code[0] = k->message[0] = '\0';
    }
    return 0;
}

static bool
is_item(const struct many_call *k, const struct s3_item *item)
{
    const char *version = k->version ? k->version : "";

    /* "null" and no word are the same version; some stores name the version
     * that they took where none was asked for. */
    return item->key_len == k->key_len &&
           memcmp(item->key, k->key, k->key_len) == 0 &&
           (!item->version_id || !*version ||
            strcmp(item->version_id, version) == 0);
}

/* What is not there is deleted. */
static bool
is_gone(const char *code)
{
    return strcmp(code, "NoSuchKey") == 0 ||
           strcmp(code, "NoSuchVersion") == 0;
}

static int
error_end(struct many_call *k)
{
    bool named = false;
    char *code, *message;
    size_t i;

    if (!k->key || !k->code[0])
        return malformed(k, "an error without key or code");
    if (is_gone(k->code))
        return 0;
    code = arena_dup(&k->arena, k->code, strlen(k->code));
    message = arena_dup(&k->arena, k->message, strlen(k->message));
    if (!code || !message)
        return -ENOMEM;
    for (i = 0; i < k->count; i++) {
        if (!is_item(k, &k->item[i]))
            continue;
        named = true;
        if (k->err[i])
            continue; /* named twice */
        k->err[i] = s3_error_row(k->code, 0)->err;
        k->failure[k->failures++] =
            (struct s3_delete_failure){i, k->err[i], code, message};
    }
    return named ? 0 : malformed(k, "an error of a key that was not sent");
}

static int
on_close(void *user, const char *path, char *text, size_t len)
{
    struct many_call *k = user;
    char **to = NULL;

    if (strcmp(path, "Error") == 0)
        return error_end(k);
    if (strcmp(path, "Error/Code") == 0)
        s3_error_say(k->code, sizeof(k->code), text);
    else if (strcmp(path, "Error/Message") == 0)
        s3_error_say(k->message, sizeof(k->message), text);
    else if (strcmp(path, "Error/VersionId") == 0)
        to = &k->version;
    else if (strcmp(path, "Error/Key") == 0)
        to = &k->key;
    if (!to)
        return 0;
    *to = arena_dup(&k->arena, text, len);
    if (to == &k->key)
        k->key_len = len;
    return *to ? 0 : -ENOMEM;
}

static int
many_parse(struct s3_call *c, const struct net_response *r)
{
    struct many_call *k = (struct many_call *)c;
    const struct s3_xml x = {.root = {"DeleteResult", "DeleteObjectsResult"},
                             .open = on_open,
                             .close = on_close,
                             .user = k};

    (void)r;
    k->failures = k->bad;
    memset(k->err, 0, k->count * sizeof(*k->err));
    return s3_xml_answer(c, &x);
}

/* A store without this call says so in many ways. */
static int
many_failed(struct s3_call *c, int err)
{
    int http = c->error.http;

    if (http == 400 || http == 405 || http == 501 ||
        (http == 404 && strcmp(c->error.code, "NoSuchBucket") != 0))
        return -EOPNOTSUPP;
    return err;
}

static void
many_answer(struct s3_call *c)
{
    struct many_call *k = (struct many_call *)c;
    bool ok = c->error.err == 0;

    k->cb(c->user, &c->error, ok ? k->failure : NULL, ok ? k->failures : 0);
}

static void
many_destroy(struct s3_call *c)
{
    struct many_call *k = (struct many_call *)c;

    arena_free(&k->arena);
    buf_free(&k->xml);
    free(k->failure);
    free(k->err);
    free(k->item);
}

static const struct s3_verb many_verb = {
    .word = "DELETEOBJECTS",
    .method = "POST",
    .counter = S3_COUNTER(delete_many),
    .answer_max = ANSWER_MAX,
    .brief = true,
    .parse = many_parse,
    .failed = many_failed,
    .answer = many_answer,
    .destroy = many_destroy,
};

/* ----------------------------------------------------------------- call */

static int
copy_items(struct many_call *k, const struct s3_delete_many_args *a)
{
    const char *version;
    size_t i;

    if (a->count == 0 || a->count > S3_DELETE_MAX)
        return -EINVAL;
    k->item = calloc(a->count, sizeof(*k->item));
    k->err = calloc(a->count, sizeof(*k->err));
    k->failure = calloc(a->count, sizeof(*k->failure));
    if (!k->item || !k->err || !k->failure)
        return -ENOMEM;
    k->count = a->count;
    for (i = 0; i < a->count; i++) {
        version = a->item[i].version_id;
        version = version && *version ? version : NULL;
        if (a->item[i].key_len == 0 || a->item[i].key_len > S3_KEY_MAX ||
            (version && !s3_word_ok(version, S3_VALUE_MAX)))
            return -EINVAL;
        k->item[i].key_len = a->item[i].key_len;
        k->item[i].key =
            arena_dup(&k->arena, a->item[i].key, a->item[i].key_len);
        k->item[i].version_id =
            version ? arena_dup(&k->arena, version, strlen(version)) : NULL;
        if (!k->item[i].key || (version && !k->item[i].version_id))
            return -ENOMEM;
    }
    return 0;
}

s3_id
s3_delete_many(struct s3 *s, const struct s3_delete_many_args *args,
               s3_delete_many_cb *cb, void *user)
{
    const struct s3_where at = {.bucket = args->bucket, .dest = args->dest};
    struct many_call *k = s3_call_new(s, sizeof(*k), &many_verb, &at, user);
    int r;

    k->cb = cb;
    k->xml = BUF_INIT(REQUEST_MAX);
    s3_query(&k->c, "delete", "", 0);
    r = copy_items(k, args);
    if (r == 0)
        request_xml(k);
    if (r == 0 && k->bad == k->count)
        r = -EILSEQ; /* nothing is left to ask for */
    s3_call_fail(&k->c, r);
    return s3_call_start(&k->c);
}
