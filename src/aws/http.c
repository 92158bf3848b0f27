/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Waiting, on the refresh thread, in ways that aws_free can end.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/aws_priv.h"
#include "base/buf.h"

struct call {
    struct aws *a;
    struct buf body;
    bool finished; /* under aws.lock */
    int err, status;
    char errtext[200];
};

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

    LOCK_SCOPE(&c->a->lock);
    c->err = r->err;
    c->status = r->status;
    strncpy(c->errtext, r->errtext, sizeof(c->errtext) - 1);
    c->finished = true;
    pthread_cond_broadcast(&c->a->wake);
}

static void
call_run(struct aws *a, struct call *c, const struct net_request *req)
{
    uint64_t id = net_submit(a->net, req);
    bool stopping;

    pthread_mutex_lock(&a->lock);
    a->call = id;
    stopping = a->stopping;
    pthread_mutex_unlock(&a->lock);
    if (stopping) /* it may have come before the id was known */
        net_cancel(a->net, id);
    pthread_mutex_lock(&a->lock);
    while (!c->finished)
        pthread_cond_wait(&a->wake, &a->lock);
    a->call = 0;
    pthread_mutex_unlock(&a->lock);
}

int
http_call(struct aws *a, const struct net_request *req, int *ret_status,
          char **ret_body, struct err *e)
{
    struct call c = {.a = a, .body = BUF_INIT(ANSWER_MAX)};
    struct net_request copy = *req;
    int r;

    copy.on_data = call_data;
    copy.done = call_done;
    copy.user = &c;
    call_run(a, &c, &copy);
    r = c.err;
    if (r == 0)
        r = buf_add(&c.body, "", 0); /* empty is "", not NULL */
    if (r < 0) {
        err_set(e, -r, "%s", c.errtext[0] ? c.errtext : strerror(-r));
        buf_free(&c.body);
        return r;
    }
    *ret_status = c.status;
    *ret_body = buf_steal(&c.body);
    return 0;
}

bool
http_pause(struct aws *a, unsigned ms)
{
    struct pollfd p = {.fd = a->stop_fd, .events = POLLIN};

    return poll(&p, 1, (int)ms) == 0;
}

int
read_token(const char *path, char **ret, struct err *e)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP_BUF struct buf b = BUF_INIT(ANSWER_MAX);
    char part[4096];
    ssize_t n = -1;
    int r = 0;

    while (fd >= 0 && r == 0 && (n = read(fd, part, sizeof(part))) > 0)
        r = buf_add(&b, part, (size_t)n);
    if (fd < 0 || n < 0)
        r = -errno;
    if (r == 0)
        r = buf_add(&b, "", 0);
    if (r < 0) /* never -ENOENT: that would mean "not configured" */
        return err_set(e, EACCES, "%s: %s", path, strerror(-r));
    while (b.len && isspace((unsigned char)b.data[b.len - 1]))
        b.data[--b.len] = '\0';
    *ret = buf_steal(&b);
    return 0;
}
