/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An exchange for a thread that may wait.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "net/net.h"
#include "net/scope.h"

struct call {
    struct scope_wait wait;
    struct net *net;
    uint64_t id;
    const struct net_request *req;
    struct buf body; /* the loop's until the wait is over */
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

    c->err = r->err;
    c->status = r->status;
    strncpy(c->errtext, r->errtext, sizeof(c->errtext) - 1);
    scope_wait_done(&c->wait);
}

static void
call_cancel(void *user)
{
    struct call *c = user;

    net_cancel(c->net, c->id);
}

/* 0 or -errno. */
static int
call_run(struct call *c, struct scope *sc)
{
    struct net_request copy = *c->req;
    int why = scope_wait_begin(&c->wait, sc, call_cancel, c);

    if (why)
        return why;
    copy.on_head = c->req->on_head ? call_head : NULL;
    copy.on_data = call_data;
    copy.done = call_done;
    copy.user = c;
    c->id = net_submit(c->net, &copy);
    scope_wait_end(&c->wait);
    if (c->err == -ECANCELED && scope_stopped(sc))
        return scope_stopped(sc);
    return c->err;
}

int
net_call(struct net *n, struct scope *sc, const struct net_request *req,
         size_t max, int *ret_status, char **ret_body, struct err *e)
{
    struct call c = {.net = n, .req = req, .body = BUF_INIT(max)};
    int r = call_run(&c, sc);

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
