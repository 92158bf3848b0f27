/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One exchange of a call: the identity, the signature, the submission, and
 * the answer's bytes as they come.  Must not know what the answer means:
 * verdict.c and the verbs do.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"

enum {
    STALL_MS = 20000,
    PROBE_MS = 10000,
    SLOW_MS = 15 * 60 * 1000,
};

/* Complete may send white space for minutes before its XML. */
static size_t
leading_space(const char *p, size_t n)
{
    size_t i;

    for (i = 0; i < n && p[i] && strchr(" \t\r\n", p[i]); i++)
        ;
    return i;
}

static int
collect(struct s3_call *c, const char *p, size_t n, size_t max)
{
    size_t skip = c->body.len == 0 ? leading_space(p, n) : 0;

    if (skip == n)
        return 0;
    c->body.max = max;
    return buf_add(&c->body, p + skip, n - skip);
}

static void
progress(struct s3_call *c)
{
    c->tries = 0;
    c->trouble = 0;
    c->last_data = net_now_ms();
}

static int
on_ok_data(void *user, const void *p, size_t n)
{
    struct s3_call *c = user;

    if (c->verb->data) {
        c->local_err = c->verb->data(c, p, n);
        if (c->local_err == NET_PAUSE) {
            c->local_err = 0;
            return NET_PAUSE;
        }
        if (c->local_err == 0 && n > 0)
            progress(c);
    } else {
        c->local_err = collect(c, p, n, c->verb->answer_max);
        if (c->local_err == -EMSGSIZE) {
            s3_error_message(&c->error, "answer too long");
            c->local_err = -EPROTO;
        }
    }
    return c->local_err;
}

static int
on_data(void *user, const void *p, size_t n)
{
    struct s3_call *c = user;

    if (c->ok_status)
        return on_ok_data(user, p, n);
    return collect(c, p, n, S3_ERROR_BODY_MAX);
}

static int
on_status(void *user, const struct net_response *r)
{
    struct s3_call *c = user;

    c->ok_status = r->status / 100 == 2;
    if (c->ok_status && c->verb->head)
        c->local_err = c->verb->head(c, r);
    return c->local_err;
}

static uint32_t
total_ms(const struct s3_call *c, uint64_t now)
{
    if (c->patience == S3_PATIENCE_PROBE)
        return now - c->start < PROBE_MS - 1
                   ? (uint32_t)(PROBE_MS - (now - c->start))
                   : 1;
    return c->verb->slow ? SLOW_MS : 0;
}

static void
submit(struct s3_call *c, const struct s3_request *rq)
{
    struct s3 *s = c->s;
    struct net_request req = {
        .method = c->verb->method,
        .url = buf_str(&rq->url),
        .headers = rq->header,
        .body = c->iov,
        .body_count = c->iov_count,
        .file = c->in_file ? &c->file : NULL,
        .has_body = c->has_body,
        .stall_ms = c->verb->slow ? 0 : STALL_MS,
        .total_ms = total_ms(c, net_now_ms()),
        .fresh = c->fresh,
        .busy = c->busy,
        .urgent = c->urgent,
        .class = c->verb->brief ? NET_BRIEF : NET_BYTES,
        .on_head = on_status,
        .on_data = on_data,
        .done = s3_call_done,
        .user = c,
    };
    bool cancelled;

    s3_count(s, c->verb->counter, 1);
    c->sent_ms = net_now_ms();
    c->sent_kind = (unsigned)(c->verb->counter / sizeof(uint64_t));
    pthread_mutex_lock(&s->lock);
    cancelled = c->cancelled;
    if (!cancelled)
        c->net_id = net_submit(s->net, &req);
    pthread_mutex_unlock(&s->lock);
    if (cancelled)
        s3_call_wait(c, 0);
}

static void
send_signed(struct s3_call *c)
{
    struct s3_request rq;
    int r;

    s3_region_of(c->s, c->bucket, c->region);
    r = s3_request_build(c, &rq);
    if (r == 0)
        submit(c, &rq);
    s3_request_free(&rq);
    if (r < 0)
        s3_call_fail_soon(c, r == -EMSGSIZE ? -EINVAL : r);
}

static void
on_identity(void *user, int err, struct aws_identity *id, const struct err *e)
{
    struct s3_call *c = user;

    if (c->identity)
        aws_identity_unref(c->identity);
    c->identity = NULL;
    if (err < 0) {
        s3_error_say(c->error.message, sizeof(c->error.message),
                     e ? e->text : "no credentials");
        s3_call_fail_soon(c, err);
        return;
    }
    c->identity = aws_identity_ref(id);
    send_signed(c);
}

void
s3_exchange_start(struct s3_call *c)
{
    aws_identity_get(c->s->aws, on_identity, c);
}
