/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An exchange for a thread that may wait.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "net/net.h"

struct call {
    pthread_mutex_t lock; /* finished */
    pthread_cond_t done;
    bool finished;
    const struct net_request *req;
    struct buf body; /* the loop's until finished */
    int err, status;
    char errtext[256];
};

static int
call_head(void *user, const struct net_response *r)
{
    struct call *c = user;

    return c->req->on_head(c->req->user, r);
}

static int
call_data(void *user, const void *p, size_t n)
{
    struct call *c = user;

    return buf_add(&c->body, p, n);
}

static void
call_done(void *user, const struct net_response *r)
{
    struct call *c = user;

    pthread_mutex_lock(&c->lock);
    c->err = r->err;
    c->status = r->status;
    strncpy(c->errtext, r->errtext, sizeof(c->errtext) - 1);
    c->finished = true;
    pthread_cond_signal(&c->done);
    pthread_mutex_unlock(&c->lock);
}

static void
call_wait(struct net *n, struct call *c, const struct net_request *req)
{
    struct net_request copy = *req;

    copy.on_head = req->on_head ? call_head : NULL;
    copy.on_data = call_data;
    copy.done = call_done;
    copy.user = c;
    net_submit(n, &copy);
    pthread_mutex_lock(&c->lock);
    while (!c->finished)
        pthread_cond_wait(&c->done, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

int
net_call(struct net *n, const struct net_request *req, size_t max,
         int *ret_status, char **ret_body, struct err *e)
{
    struct call c = {.req = req, .body = BUF_INIT(max)};
    int r;

    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.done, NULL);
    call_wait(n, &c, req);
    pthread_cond_destroy(&c.done);
    pthread_mutex_destroy(&c.lock);
    r = c.err;
    if (r == 0 && ret_body)
        r = buf_add(&c.body, "", 0); /* an empty body is "", not NULL */
    if (r < 0) {
        err_set(e, -r, "%s", c.errtext[0] ? c.errtext : strerror(-r));
        buf_free(&c.body);
        return r;
    }
    *ret_status = c.status;
    if (ret_body)
        *ret_body = buf_steal(&c.body);
    buf_free(&c.body);
    return 0;
}
