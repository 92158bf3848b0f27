/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Exchanges of the fake net/: what was asked is recorded at once; the script's
 * answers are given by fake_run, never inside the call that asks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/check.h"
#include "s3_fake.h"

/* One without an answer yet, or paused in the middle of it. */
struct exchange {
    uint64_t id;
    struct net_request q;
    struct fake_answer a;
    bool paused, cancelled;
    size_t given; /* bytes of the body */
};
static struct exchange held[FAKE_MAX], soon[FAKE_MAX];
static size_t helds, soons;
static uint64_t giving; /* the exchange that calls back just now */
static bool resumed;    /* it was, meanwhile */

uint64_t
fake_new_id(void)
{
    static uint64_t last;

    return ++last;
}

size_t
fake_exchanges(void)
{
    return helds;
}

static void
give_soon(struct exchange x)
{
    if (soons >= FAKE_MAX)
        abort();
    soon[soons++] = x;
}

const char *
net_header(const struct net_response *r, const char *name)
{
    static char value[16][2048];
    static unsigned turn;
    const char *p = r->impl, *end;
    size_t n = strlen(name);

    for (; p && *p; p = end + 1) {
        end = strchr(p, '\n');
        if (!end)
            abort();
        if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
            char *out = value[turn++ % 16];

            snprintf(out, sizeof(value[0]), "%.*s", (int)(end - (p + n + 2)),
                     p + n + 2);
            return out;
        }
    }
    return NULL;
}

static void
record(const struct net_request *q)
{
    struct fake_request *to;
    struct buf headers = BUF_INIT(65536), body = BUF_INIT(65536);
    int i;

    if (fake.requests >= FAKE_MAX)
        abort();
    to = &fake.request[fake.requests++];
    snprintf(to->method, sizeof(to->method), "%s", q->method);
    to->url = strdup(q->url);
    for (i = 0; q->headers[i]; i++)
        buf_addf(&headers, "%s\n", q->headers[i]);
    for (i = 0; i < q->body_count; i++)
        buf_add(&body, q->body[i].iov_base, q->body[i].iov_len);
    to->headers = strdup(buf_str(&headers));
    to->body = strdup(buf_str(&body));
    if (q->file) {
        to->file_fd = q->file->fd;
        to->file_first = q->file->first;
        to->file_length = q->file->length;
    }
    to->stall_ms = q->stall_ms;
    to->total_ms = q->total_ms;
    to->class = q->class;
    to->fresh = q->fresh;
    to->busy = q->busy;
    buf_free(&headers);
    buf_free(&body);
}

static uint64_t
body_size(const struct net_request *q)
{
    uint64_t n = q->file ? q->file->length : 0;
    int i;

    for (i = 0; i < q->body_count; i++)
        n += q->body[i].iov_len;
    return n;
}

/* Whatever of it was not taken comes again after a resume.  In two pieces,
 * so that nobody counts on one. */
static int
give_body(struct exchange *x, struct net_response *r)
{
    const char *body = x->a.body ? x->a.body : "";
    size_t n = x->a.cut ? x->a.cut : strlen(body), end;
    int e = 0;

    while (e == 0 && x->given < n) {
        end = x->given < n / 2 ? n / 2 : n;
        e = x->q.on_data(x->q.user, body + x->given, end - x->given);
        if (e == 0)
            x->given = end;
    }
    r->received = x->given;
    return e;
}

static void
end(struct exchange *x, struct net_response *r, int e)
{
    r->err = e ? e : x->a.err;
    r->total_ms = x->a.took_ms;
    fake.now += x->a.took_ms;
    r->errtext = r->err ? "words of libcurl" : "";
    x->q.done(x->q.user, r);
}

/* From the beginning, or from where it was paused. */
static void
give(struct exchange x)
{
    struct net_response r = {
        .status = x.a.status, .errtext = "", .impl = (void *)x.a.headers};
    int e = 0;

    giving = x.id;
    resumed = false;
    if (x.a.status) {
        r.sent = body_size(&x.q);
        if (!x.paused && x.q.on_head)
            e = x.q.on_head(x.q.user, &r);
        x.paused = false;
        if (e == 0)
            e = give_body(&x, &r);
    } else if (x.a.err == -ECONNRESET || x.a.err == -ETIMEDOUT) {
        r.sent = body_size(&x.q);
    }
    if (e == NET_PAUSE) {
        x.paused = true;
        if (resumed)
            give_soon(x);
        else
            held[helds++] = x;
    } else {
        end(&x, &r, e);
    }
}

uint64_t
net_submit(struct net *n, const struct net_request *q)
{
    const struct fake_answer *a;
    uint64_t id = fake_new_id();

    (void)n;
    if (fake.answers == 0 && !fake.choose)
        abort();
    a = fake.choose ? fake.choose(q)
                    : &fake.answer[min_u64(fake.requests, fake.answers - 1)];
    record(q);
    if (a->hold)
        held[helds++] = (struct exchange){.id = id, .q = *q, .a = *a};
    else
        give_soon((struct exchange){.id = id, .q = *q, .a = *a});
    return id;
}

bool
fake_give(void)
{
    struct exchange x;

    if (soons == 0)
        return false;
    x = soon[0];
    memmove(&soon[0], &soon[1], --soons * sizeof(*soon));
    if (x.cancelled)
        end(&x, &(struct net_response){.errtext = ""}, -ECANCELED);
    else
        give(x);
    return true;
}

static struct exchange *
find(struct exchange *list, size_t count, uint64_t id)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (list[i].id == id)
            return &list[i];
    return NULL;
}

/* Takes it out of those that are held. */
static bool
take(uint64_t id, bool paused, struct exchange *ret)
{
    struct exchange *x = find(held, helds, id);

    if (!x || (paused && !x->paused))
        return false;
    *ret = *x;
    *x = held[--helds];
    return true;
}

void
net_cancel(struct net *n, uint64_t id)
{
    struct exchange x, *to = find(soon, soons, id);

    (void)n;
    if (to) {
        to->cancelled = true;
    } else if (take(id, false, &x)) {
        x.cancelled = true;
        give_soon(x);
        to = &soon[soons - 1];
    }
    if (to)
        to->a.took_ms = 0;
}

void
net_resume(struct net *n, uint64_t id)
{
    struct exchange x;

    (void)n;
    if (take(id, true, &x))
        give_soon(x);
    else if (id == giving)
        resumed = true;
}
