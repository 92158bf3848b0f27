/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One call from its start to its answer: credentials, an exchange, the
 * verdict on it, another exchange or the end.  Must not know single
 * operations: struct s3_verb does.
 *
 * A call is run by one thread at a time (call.h).  It is given to net, for an
 * exchange or a timer, under s->lock, which whoever goes on with it takes
 * first: so s3_cancel always finds the id.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"
#include "s3/verdict.h"

enum {
    DIGEST_INLINE = 256 * 1024, /* longer bodies go to the worker */
    QUERY_MAX = 16 * 1024,
    HEADERS_MAX = 12 * 1024,
};

void *
s3_call_new(struct s3 *s, size_t size, const struct s3_verb *verb,
            const struct s3_where *at, void *user)
{
    size_t bucket = strlen(at->bucket), key = at->key ? at->key_len : 0;
    struct s3_call *c = calloc(1, size + bucket + key + 2);

    if (!c)
        abort(); /* as in net_submit */
    c->s = s;
    c->verb = verb;
    c->once = verb->once;
    c->user = user;
    c->bucket = (char *)c + size;
    c->key = c->bucket + bucket + 1;
    c->key_len = key;
    memcpy(c->bucket, at->bucket, bucket);
    if (key)
        memcpy(c->key, at->key, key);
    c->dest = at->dest;
    c->query = BUF_INIT(QUERY_MAX);
    c->headers = BUF_INIT(HEADERS_MAX);
    c->extra = BUF_INIT(HEADERS_MAX);
    if (bucket == 0 || strchr(c->bucket, '/'))
        s3_call_fail(c, -EINVAL);
    if (s->requester_pays)
        s3_header(c, "x-amz-request-payer", "requester");
    s3_header(c, "x-amz-expected-bucket-owner",
              c->dest ? s->dest_owner : s->owner);
    return c;
}

void
s3_call_free(struct s3_call *c)
{
    if (c->verb->destroy)
        c->verb->destroy(c);
    if (c->identity)
        aws_identity_unref(c->identity);
    buf_free(&c->query);
    buf_free(&c->headers);
    buf_free(&c->extra);
    buf_free(&c->body);
    s3_digest_free(c);
    free(c->iov);
    free(c);
}

/* ------------------------------------------------------------- the end */

/* On a loop thread, without locks. */
static void
finish(struct s3_call *c, int err)
{
    c->error.err = err;
    s3_table_remove(c->s, c);
    c->verb->answer(c);
    s3_call_free(c);
}

void
s3_call_fail_soon(struct s3_call *c, int err)
{
    c->setup_err = err;
    s3_call_wait(c, 0);
}

/* Takes it back from net; false if it was cancelled meanwhile. */
static bool
take_back(struct s3_call *c)
{
    LOCK_SCOPE(&c->s->lock);

    c->net_id = c->timer_id = 0;
    return !c->cancelled;
}

static void attempt(struct s3_call *c);

void
s3_call_wake(void *call)
{
    struct s3_call *c = call;

    if (!take_back(c))
        finish(c, -ECANCELED);
    else if (c->setup_err < 0)
        finish(c, c->setup_err);
    else
        attempt(c);
}

void
s3_call_wait(struct s3_call *c, uint64_t ms)
{
    LOCK_SCOPE(&c->s->lock);

    c->timer_id = net_timer(c->s->net, c->cancelled ? 0 : ms, s3_call_wake, c);
}

/* ---------------------------------------------------------- an attempt */

static void
attempt(struct s3_call *c)
{
    int attempts = c->error.attempts;
    int r = 0;

    memset(&c->error, 0, sizeof(c->error));
    c->error.attempts = attempts + 1;
    c->local_err = 0;
    c->ok_status = false;
    buf_reset(&c->body);
    buf_reset(&c->extra);
    if (c->verb->attempt)
        r = c->verb->attempt(c);
    if (r == 0)
        r = c->setup_err;
    if (r < 0)
        s3_call_fail_soon(c, r);
    else
        s3_exchange_start(c);
}

/* ------------------------------------------------------------- the start */

static void
begin(struct s3_call *c)
{
    uint32_t wait = s3_govern(c);

    if (c->setup_err < 0 || wait > 0)
        s3_call_wait(c, wait);
    else
        attempt(c);
}

static bool
is_cancelled(struct s3_call *c)
{
    LOCK_SCOPE(&c->s->lock);
    return c->cancelled;
}

static void
digest_and_begin(void *call)
{
    struct s3_call *c = call;
    int r = c->setup_err ? c->setup_err : s3_digest_body(c);

    if (r == S3_CALL_NEXT && !is_cancelled(c)) {
        net_work(c->s->net, digest_and_begin, c);
        return;
    }
    s3_call_fail(c, r == S3_CALL_NEXT ? -ECANCELED : r);
    begin(c);
}

s3_id
s3_call_start(struct s3_call *c)
{
    s3_id id;

    c->start = net_now_ms();
    s3_table_add(c->s, c);
    id = c->id;
    if (c->setup_err == 0 && s3_digest_needed(c) &&
        (c->in_file || c->body_size > DIGEST_INLINE))
        net_work(c->s->net, digest_and_begin, c);
    else
        digest_and_begin(c);
    return id;
}

/* ------------------------------------------------------ after an exchange */

static void
log_exchange(const struct s3_call *c, const struct net_response *r)
{
    char name[400];

    text_escape(name, sizeof(name), c->key, c->key_len);
    log_debug("s3: %s %s/%s: %d%s%s%s%s, %u ms, %llu in, %llu out, "
              "attempt %d",
              c->verb->word, c->bucket, name, r->status,
              c->error.code[0] ? " " : "", c->error.code, r->err ? " " : "",
              r->err ? strerror(-r->err) : "", r->total_ms,
              (unsigned long long)r->received, (unsigned long long)r->sent,
              c->error.attempts);
}

/* A failure is final: what does the operation make of it? */
static void
conclude(struct s3_call *c, int err)
{
    int r = err;

    if (err < 0 && c->verb->failed)
        r = c->verb->failed(c, err);
    if (r == S3_CALL_NEXT) {
        c->tries = 0;
        c->trouble = 0;
        s3_call_wait(c, c->next_delay);
        return;
    }
    finish(c, r);
}

static void
act(struct s3_call *c, const struct net_response *r, enum s3_how how)
{
    uint32_t delay;

    switch (how) {
    case S3_HOW_OK:
        finish(c, 0);
        return;
    case S3_HOW_NEXT:
        c->tries = 0;
        c->trouble = 0;
        s3_call_wait(c, c->next_delay);
        return;
    case S3_HOW_REGION:
    case S3_HOW_SKEW:
    case S3_HOW_TOKEN:
        if (s3_verdict_learn(c, r, how))
            s3_call_wait(c, 0);
        else
            conclude(c, c->error.err);
        return;
    default:
        break;
    }
    if (how == S3_HOW_FINAL || !s3_verdict_again(c, r, how, &delay)) {
        conclude(c, c->error.err);
        return;
    }
    s3_count(c->s, S3_COUNTER(retries), 1);
    s3_call_wait(c, delay);
}

void
s3_call_done(void *user, const struct net_response *r)
{
    struct s3_call *c = user;
    enum s3_how how;
    bool cancelled = !take_back(c);

    how = r->err == -ECANCELED ? S3_HOW_FINAL : s3_verdict(c, r);
    s3_stats_exchange(c, r, how);
    s3_trace_exchange(c->s->trace, c, r);
    if (r->err == -ECANCELED) {
        finish(c, -ECANCELED);
        return;
    }
    log_exchange(c, r);
    /* What is done is done: an upload that was created has an id. */
    if (cancelled && how != S3_HOW_OK)
        finish(c, -ECANCELED);
    else
        act(c, r, how);
}
