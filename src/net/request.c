/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One exchange: the copy of its request, its answer as it comes, and its
 * end (what it sends is in body.c).  All but exchange_new runs on the loop
 * thread.  Must not know what is sent or received.
 */
#include "net/net_priv.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>

#include "base/check.h"

/* -------------------------------------------------------------- making */

static int
add_header(struct curl_slist **list, const char *line)
{
    struct curl_slist *more = curl_slist_append(*list, line);

    if (!more)
        return -ENOMEM;
    *list = more;
    return 0;
}

/* libcurl drops a header without a value unless it is written "Name;". */
static int
add_any_header(struct curl_slist **list, const char *line)
{
    size_t n = strlen(line);
    char *copy;
    int r;

    while (n && line[n - 1] == ' ')
        n--;
    if (!n || line[n - 1] != ':')
        return add_header(list, line);
    copy = strndup(line, n);
    if (!copy)
        return -ENOMEM;
    copy[n - 1] = ';';
    r = add_header(list, copy);
    free(copy);
    return r;
}

static int
copy_headers(struct exchange *x, const char *const *headers)
{
    /* libcurl waits a second for "100 Continue" otherwise. */
    int r = add_header(&x->headers, "Expect:");

    for (; r == 0 && headers && *headers; headers++)
        r = add_any_header(&x->headers, *headers);
    return r;
}

struct exchange *
exchange_new(const struct net_request *req)
{
    struct exchange *x = calloc(1, sizeof(*x));

    if (!x)
        abort(); /* one that cannot be made is one that never answers */
    x->req = *req;
    strncpy(x->method, req->method, sizeof(x->method) - 1);
    x->url = strdup(req->url);
    if (!x->url || copy_headers(x, req->headers) < 0 ||
        exchange_copy_body(x, req) < 0)
        x->refused = -ENOMEM;
    x->req.method = x->method;
    x->req.url = x->url;
    x->req.headers = NULL;
    x->req.body = x->body;
    x->req.file = req->file ? &x->file : NULL;
    return x;
}

void
exchange_free(struct exchange *x)
{
    if (!x)
        return;
    curl_slist_free_all(x->headers);
    free(x->url);
    free(x->body);
    free(x);
}

/* ---------------------------------------------------------- the answer */

static struct net_response
response_of(struct exchange *x)
{
    return (struct net_response){
        .errtext = "",
        .status = x->status,
        .received = x->received,
        .impl = x->slot,
    };
}

/* "Name: value\r\n" becomes "Name\0value\0". */
static int
keep_header(struct buf *head, const char *p, size_t n)
{
    const char *colon = memchr(p, ':', n), *value;
    int r;

    if (!colon || colon == p || *p == ' ' || *p == '\t')
        return 0;
    value = colon + 1;
    while (n && strchr("\r\n \t", p[n - 1]))
        n--;
    while (value < p + n && (*value == ' ' || *value == '\t'))
        value++;
    r = buf_add(head, p, (size_t)(colon - p));
    if (r == 0)
        r = buf_addc(head, '\0');
    if (r == 0 && value < p + n)
        r = buf_add(head, value, (size_t)(p + n - value));
    return r == 0 ? buf_addc(head, '\0') : r;
}

static int
head_complete(struct exchange *x)
{
    struct net_response r;
    long status = 0;
    int err;

    curl_easy_getinfo(x->slot->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200)
        return 0; /* 100 Continue and the like: the real one follows */
    x->status = (int)status;
    x->head_done = true;
    if (!x->req.on_head)
        return 0;
    r = response_of(x);
    err = x->req.on_head(x->req.user, &r);
    if (err < 0)
        x->refused = err;
    return err;
}

size_t
exchange_on_head(char *p, size_t size, size_t n, void *user)
{
    struct exchange *x = user;

    n *= size;
    if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
        x->first_ms = net_now_ms();
        buf_reset(&x->slot->head);
        x->head_done = false;
        return n;
    }
    if (x->head_done)
        return n; /* a trailer of a chunked body */
    if (n <= 2 && (p[0] == '\r' || p[0] == '\n'))
        return head_complete(x) < 0 ? 0 : n;
    if (keep_header(&x->slot->head, p, n) < 0) {
        x->refused = -EPROTO;
        return 0;
    }
    return n;
}

size_t
exchange_on_data(char *p, size_t size, size_t n, void *user)
{
    struct exchange *x = user;
    int r;

    n *= size;
    r = x->req.on_data && n ? x->req.on_data(x->req.user, p, n) : 0;
    if (r == NET_PAUSE) {
        x->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    x->received += n;
    if (r < 0) {
        x->refused = r;
        return 0;
    }
    return n;
}

const char *
net_header(const struct net_response *r, const char *name)
{
    const struct slot *s = r->impl;
    const char *p, *end, *value;

    if (!s || !s->head.len)
        return NULL;
    end = s->head.data + s->head.len;
    for (p = s->head.data; p < end; p = value + strlen(value) + 1) {
        value = p + strlen(p) + 1;
        if (strcasecmp(p, name) == 0)
            return value;
    }
    return NULL;
}

/* -------------------------------------------------------- start to end */

static struct slot *
slot_take(struct loop *l)
{
    struct slot *s = SLIST_FIRST(&l->idle);

    if (!s)
        return slot_new(l->net, l);
    SLIST_REMOVE_HEAD(&l->idle, link);
    return s;
}

int
exchange_start(struct loop *l, struct exchange *x)
{
    int r;

    if (x->refused)
        return x->refused; /* there was no memory for what it needs */
    x->slot = slot_take(l);
    if (!x->slot)
        return -ENOMEM;
    r = slot_prepare(x->slot, x);
    if (r < 0)
        return r;
    if (curl_multi_add_handle(l->multi, x->slot->easy) != CURLM_OK)
        return -ENOMEM;
    TAILQ_INSERT_TAIL(&l->running, x, running);
    x->began_ms = x->mark_ms = net_now_ms();
    return 0;
}

static uint64_t
info(const struct exchange *x, CURLINFO what)
{
    curl_off_t v = 0;

    curl_easy_getinfo(x->slot->easy, what, &v);
    return v > 0 ? (uint64_t)v : 0;
}

/* A number that changes whenever a byte moves: what libcurl sent and
 * received, and what the kernel still has to send (a slow line drains a
 * full socket buffer for a long time after libcurl's last write). */
static uint64_t
progress(const struct exchange *x)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    long head = 0;
    int unsent = 0;

    curl_easy_getinfo(x->slot->easy, CURLINFO_HEADER_SIZE, &head);
    if (curl_easy_getinfo(x->slot->easy, CURLINFO_ACTIVESOCKET, &fd) == 0 &&
        fd != CURL_SOCKET_BAD && ioctl(fd, SIOCOUTQ, &unsent) < 0)
        unsent = 0;
    return x->received + info(x, CURLINFO_SIZE_UPLOAD_T) + (uint64_t)head -
           (uint64_t)unsent;
}

bool
exchange_stalled(struct exchange *x, uint64_t now)
{
    uint64_t mark;

    if (!x->req.stall_ms)
        return false;
    mark = progress(x);
    /* Until the request goes out, connect_ms is the limit; a pause is
     * ours. */
    if (mark != x->mark || x->paused ||
        !info(x, CURLINFO_PRETRANSFER_TIME_T)) {
        x->mark = mark;
        x->mark_ms = now;
    }
    return now - x->mark_ms >= x->req.stall_ms;
}

/* libcurl kept the bytes that were not taken; they come from in here. */
void
exchange_resume(struct loop *l, struct exchange *x)
{
    CURLcode code;

    if (!x->paused)
        return;
    x->paused = false;
    x->mark_ms = net_now_ms();
    code = curl_easy_pause(x->slot->easy, CURLPAUSE_CONT);
    if (code != CURLE_OK)
        exchange_finish(
            l, x, x->refused ? x->refused : curl_errno(x->slot->easy, code),
            curl_easy_strerror(code));
}

static void
fill_response(struct exchange *x, struct net_response *r)
{
    *r = response_of(x);
    if (x->state != EX_RUNNING)
        return;
    r->sent = info(x, CURLINFO_SIZE_UPLOAD_T);
    r->total_ms = (uint32_t)(info(x, CURLINFO_TOTAL_TIME_T) / 1000);
    /* Not libcurl's STARTTRANSFER_TIME: where a body is sent, or an empty
     * one, that is when the first byte went out. */
    if (x->first_ms)
        r->first_ms =
            (uint32_t)min_u64(x->first_ms - x->began_ms, r->total_ms);
}

static void
leave_loop(struct loop *l, struct exchange *x)
{
    if (x->slot)
        SLIST_INSERT_HEAD(&l->idle, x->slot, link);
    LOCK_SCOPE(&l->net->lock);
    l->busy[x->req.class]--;
    net_feed(l->net, l, x->req.class);
    net_pending_done(l->net);
}

void
exchange_finish(struct loop *l, struct exchange *x, int err,
                const char *errtext)
{
    struct net_response r;

    pthread_mutex_lock(&l->net->lock);
    idmap_remove(&l->net->exchanges, &x->node);
    if (x->listed)
        TAILQ_REMOVE(&l->todo, x, link);
    pthread_mutex_unlock(&l->net->lock);

    fill_response(x, &r);
    if (x->state == EX_RUNNING) {
        curl_multi_remove_handle(l->multi, x->slot->easy);
        TAILQ_REMOVE(&l->running, x, running);
    }
    r.err = err;
    r.errtext = err ? errtext : "";
    x->req.done(x->req.user, &r);
    leave_loop(l, x);
    exchange_free(x);
}
