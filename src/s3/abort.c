/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * AbortMultipartUpload, again until ListParts answers 404: a part that was
 * on its way may arrive after the abort and be kept (and paid for).  An
 * upload that is only aborted without parts is looked at before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"
#include "s3/multipart.h"

enum { ROUNDS = 4, ROUND_MS = 250, LIST_MAX = 256 * 1024 };

struct abort_call {
    struct s3_call c;
    s3_done_cb *cb;
    char *upload_id;
    unsigned rounds;
    bool has_parts; /* and must have none */
};

static void
abort_answer(struct s3_call *c)
{
    struct abort_call *a = (struct abort_call *)c;

    if (c->error.err == 0 && a->has_parts) {
        c->error.err = -ENOTEMPTY;
        s3_error_message(&c->error, "the upload has parts");
    }
    a->cb(c->user, &c->error);
}

static void
abort_destroy(struct s3_call *c)
{
    free(((struct abort_call *)c)->upload_id);
}

static const struct s3_verb abort_verb, look_verb;

/* ------------------------------------------------------------ the abort */

static int
abort_parse(struct s3_call *c, const struct net_response *r)
{
    int e = s3_body_error(c);

    (void)r;
    if (e < 0)
        return e;
    c->verb = &look_verb;
    c->next_delay = 0;
    return S3_CALL_NEXT;
}

/* Gone already is what was wanted. */
static int
abort_failed(struct s3_call *c, int err)
{
    return c->error.http == 404 && strcmp(c->error.code, "NoSuchBucket") != 0
               ? 0
               : err;
}

static const struct s3_verb abort_verb = {
    .word = "ABORT",
    .method = "DELETE",
    .counter = S3_COUNTER(abort),
    .answer_max = LIST_MAX,
    .brief = true,
    .parse = abort_parse,
    .failed = abort_failed,
    .answer = abort_answer,
    .destroy = abort_destroy,
};

/* ------------------------------------------------------------- the look */

static int
look_parse(struct s3_call *c, const struct net_response *r)
{
    struct abort_call *a = (struct abort_call *)c;
    int e = s3_body_error(c);

    (void)r;
    if (e < 0)
        return e;
    /* s3proxy keeps answering 200: after some rounds it is believed. */
    if (++a->rounds >= ROUNDS)
        return 0;
    c->verb = &abort_verb;
    c->next_delay = ROUND_MS << a->rounds;
    return S3_CALL_NEXT;
}

/* 404 is what we wait for; whoever may abort need not be allowed to list.
 * The abort itself was accepted. */
static int
look_failed(struct s3_call *c, int err)
{
    (void)c, (void)err;
    return 0;
}

static const struct s3_verb look_verb = {
    .word = "PARTS",
    .method = "GET",
    .counter = S3_COUNTER(list_parts),
    .answer_max = LIST_MAX,
    .brief = true,
    .parse = look_parse,
    .failed = look_failed,
    .answer = abort_answer,
    .destroy = abort_destroy,
};

/* ----------------------------------------------------- only without parts */

static int
on_close(void *user, const char *path, char *text, size_t len)
{
    (void)text, (void)len;
    if (strcmp(path, "Part") == 0)
        ((struct abort_call *)user)->has_parts = true;
    return 0;
}

static int
peek_parse(struct s3_call *c, const struct net_response *r)
{
    struct abort_call *a = (struct abort_call *)c;
    const struct s3_xml x = {
        .root = {"ListPartsResult"}, .close = on_close, .user = a};
    int e;

    (void)r;
    a->has_parts = false;
    e = s3_xml_answer(c, &x);
    if (e < 0 || a->has_parts)
        return e;
    buf_reset(&c->query);
    s3_query_str(c, "uploadId", a->upload_id);
    c->verb = &abort_verb;
    c->next_delay = 0;
    return S3_CALL_NEXT;
}

static const struct s3_verb peek_verb = {
    .word = "PARTS",
    .method = "GET",
    .counter = S3_COUNTER(list_parts),
    .answer_max = LIST_MAX,
    .parse = peek_parse,
    .failed = abort_failed,
    .answer = abort_answer,
    .destroy = abort_destroy,
};

/* ---------------------------------------------------------------- start */

static s3_id
abort_start(struct s3 *s, const struct s3_where *at, const char *upload_id,
            bool empty, s3_done_cb *cb, void *user)
{
    const struct s3_verb *verb = empty ? &peek_verb : &abort_verb;
    struct abort_call *a = s3_call_new(s, sizeof(*a), verb, at, user);

    a->cb = cb;
    a->upload_id = strdup(upload_id);
    if (!a->upload_id)
        s3_call_fail(&a->c, -ENOMEM);
    if (empty)
        s3_query_num(&a->c, "max-parts", 1);
    s3_query_str(&a->c, "uploadId", upload_id);
    return s3_call_start(&a->c);
}

s3_id
s3_abort(struct s3 *s, const struct s3_where *at, const char *upload_id,
         s3_done_cb *cb, void *user)
{
    return abort_start(s, at, upload_id, false, cb, user);
}

s3_id
s3_abort_empty(struct s3 *s, const struct s3_where *at, const char *upload_id,
               s3_done_cb *cb, void *user)
{
    return abort_start(s, at, upload_id, true, cb, user);
}
