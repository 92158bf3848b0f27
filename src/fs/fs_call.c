/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Requests that are answered later, and how they end early.
 *
 * The kernel sends FUSE_INTERRUPT once, for whatever signal came first,
 * so from then on the caller is looked at now and then until a fatal
 * signal is pending or the answer is there.  Must not know what the
 * operations do.
 */
#include "fs/fs_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "index/index.h"

/* Aborted publishes take up to 6 s of it. */
enum { POLL_MS = 200, DRAIN_SECONDS = 10 };

static void
call_list(struct fs_call *c)
{
    struct fs *f = c->fs;

    c->next = f->calls;
    if (c->next)
        c->next->prev = c;
    f->calls = c;
    f->live++;
}

static void
call_unlist(struct fs_call *c)
{
    struct fs *f = c->fs;

    if (c->next)
        c->next->prev = c->prev;
    if (c->prev)
        c->prev->next = c->next;
    else
        f->calls = c->next;
    if (--f->live == 0)
        pthread_cond_broadcast(&f->idle);
}

static void
call_free(struct fs_call *c)
{
    struct fs *f = c->fs;

    if (c->busy)
        fs_node_busy(&f->nodes, c->node, -1);
    fs_node_put(&f->nodes, c->node);
    fs_file_put(c->file);
    reader_unref(c->reader);
    publish_job_unref(c->job);
    free(c->text);
    /* Last: after this the fs may go. */
    pthread_mutex_lock(&f->lock);
    call_unlist(c);
    pthread_mutex_unlock(&f->lock);
    free(c);
}

void
fs_call_put(struct fs_call *c)
{
    struct fs *f = c->fs;
    unsigned left;

    pthread_mutex_lock(&f->lock);
    left = --c->refs;
    pthread_mutex_unlock(&f->lock);
    if (left == 0)
        call_free(c);
}

/* ---------------------------------------------------------- interrupts */

/* Asks the operation under way to end; the call answers c->why. */
static void
call_ask(struct fs_call *c, int why)
{
    struct fs *f = c->fs;
    fs_cancel_fn *cancel = NULL;
    uint64_t id = 0;

    pthread_mutex_lock(&f->lock);
    if (!c->done && !c->asked) {
        c->why = why;
        c->asked = true;
        id = c->id;
        cancel = c->cancel;
    }
    pthread_mutex_unlock(&f->lock);
    if (id && cancel)
        cancel(c, id); /* else fs_call_armed does it */
}

static void call_poll(void *user);

/* Takes over one reference. */
static void
call_poll_in(struct fs_call *c, uint64_t ms)
{
    struct fs *f = c->fs;
    bool over;

    pthread_mutex_lock(&f->lock);
    over = c->done;
    if (!over)
        c->timer = net_timer(f->d.net, ms, call_poll, c);
    pthread_mutex_unlock(&f->lock);
    if (over)
        fs_call_put(c);
}

static void
call_poll(void *user)
{
    struct fs_call *c = user;
    bool over;

    pthread_mutex_lock(&c->fs->lock);
    over = c->done || c->asked;
    c->timer = 0;
    pthread_mutex_unlock(&c->fs->lock);
    if (over) {
        fs_call_put(c);
    } else if (fs_signal_fatal(c->pid)) {
        call_ask(c, -EINTR);
        fs_call_put(c);
    } else {
        call_poll_in(c, POLL_MS);
    }
}

/* Runs with the request's lock held: only hands the matter on. */
static void
on_interrupt(fuse_req_t req, void *user)
{
    struct fs_call *c = user;
    struct fs *f = c->fs;
    bool first;

    (void)req;
    pthread_mutex_lock(&f->lock);
    first = !c->polled && !c->done;
    c->polled = true;
    c->refs += first;
    pthread_mutex_unlock(&f->lock);
    if (first)
        net_timer(f->d.net, 0, call_poll, c);
}

/* --------------------------------------------------------- life of one */

static struct fs_call *
call_alloc(struct fs *f, fuse_req_t req, struct fs_node *n)
{
    struct fs_call *c = calloc(1, sizeof(*c));
    bool stopping;

    if (!c) {
        fuse_reply_err(req, ENOMEM);
        return NULL;
    }
    c->fs = f;
    c->req = req;
    c->node = n;
    c->refs = 1;
    c->pid = fuse_req_ctx(req)->pid;
    pthread_mutex_lock(&f->lock);
    stopping = f->stopping;
    if (!stopping)
        call_list(c);
    pthread_mutex_unlock(&f->lock);
    if (!stopping)
        return c;
    free(c);
    fuse_reply_err(req, ECONNABORTED);
    return NULL;
}

struct fs_call *
fs_call_new(struct fs *f, fuse_req_t req, fuse_ino_t ino)
{
    struct fs_node *n = fs_table_find(&f->nodes, ino);
    struct fs_call *c;

    if (!n) {
        fuse_reply_err(req, ENOENT);
        return NULL;
    }
    c = call_alloc(f, req, n);
    if (!c) {
        fs_node_put(&f->nodes, n);
        return NULL;
    }
    fuse_req_interrupt_func(req, on_interrupt, c);
    return c;
}

unsigned
fs_call_stage(struct fs_call *c, fs_cancel_fn *cancel)
{
    LOCK_SCOPE(&c->fs->lock);
    c->refs++;
    c->id = 0;
    c->cancel = cancel;
    return ++c->stage;
}

void
fs_call_armed(struct fs_call *c, unsigned stage, uint64_t id)
{
    struct fs *f = c->fs;
    fs_cancel_fn *cancel = NULL;

    pthread_mutex_lock(&f->lock);
    if (!c->done && c->stage == stage) {
        c->id = id;
        if (c->asked)
            cancel = c->cancel;
    }
    pthread_mutex_unlock(&f->lock);
    if (cancel && id)
        cancel(c, id);
    fs_call_put(c);
}

void
fs_call_close(struct fs_call *c)
{
    struct fs *f = c->fs;
    uint64_t timer;

    /* Waits for an on_interrupt under way: none runs after this. */
    fuse_req_interrupt_func(c->req, NULL, NULL);
    pthread_mutex_lock(&f->lock);
    c->done = true;
    timer = c->timer;
    c->timer = 0;
    pthread_mutex_unlock(&f->lock);
    if (timer && net_timer_cancel(f->d.net, timer))
        fs_call_put(c);
}

static bool
is_routine(int err)
{
    return err == 0 || err == ENOENT || err == EINTR || err == ECONNABORTED;
}

void
fs_call_err(struct fs_call *c, int r, const struct err *e)
{
    bool asked;
    int err;

    fs_call_close(c);
    pthread_mutex_lock(&c->fs->lock);
    asked = c->asked;
    pthread_mutex_unlock(&c->fs->lock);
    if (asked && (r == -ECANCELED || r == -EINTR))
        r = c->why;
    err = c->xattr ? fs_xattr_errno(r) : fs_read_errno(r);
    if (!is_routine(err) && e && e->num)
        log_warn("%s", e->text);
    fuse_reply_err(c->req, err);
    fs_call_put(c);
}

/* ---------------------------------------------------------------- jobs */

void
fs_call_job(struct fs_call *c, struct publish_job *j, bool owns)
{
    LOCK_SCOPE(&c->fs->lock);
    c->job = j;
    c->owns = owns;
}

bool
fs_call_leave_job(struct fs_call *c)
{
    struct fs_call *o;

    LOCK_SCOPE(&c->fs->lock);
    if (!c->owns)
        return true;
    for (o = c->fs->calls; o; o = o->next)
        if (o != c && o->job == c->job && !o->done && !o->asked)
            break;
    if (!o)
        return false;
    o->owns = true;
    c->owns = false;
    return true;
}

void
fs_calls_disown(struct fs *f, const struct publish_job *j)
{
    struct fs_call *o;

    LOCK_SCOPE(&f->lock);
    for (o = f->calls; o; o = o->next)
        if (o->job == j)
            o->owns = false;
}

/* ------------------------------------------------------------ the end */

/* A live call that was not asked to end, referenced; NULL: none left. */
static struct fs_call *
next_to_end(struct fs *f)
{
    struct fs_call *c;

    LOCK_SCOPE(&f->lock);
    for (c = f->calls; c && (c->done || c->asked); c = c->next)
        ;
    if (c)
        c->refs++;
    return c;
}

int
fs_calls_stop(struct fs *f, int why)
{
    struct timespec end;
    struct fs_call *c;
    int r = 0;

    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    pthread_mutex_unlock(&f->lock);
    while ((c = next_to_end(f)) != NULL) {
        call_ask(c, why);
        fs_call_put(c);
    }
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += DRAIN_SECONDS;
    pthread_mutex_lock(&f->lock);
    while (f->live && r == 0)
        r = pthread_cond_timedwait(&f->idle, &f->lock, &end);
    if (f->live)
        log_error("%u requests are still under way", f->live);
    r = f->live ? -ETIMEDOUT : 0;
    pthread_mutex_unlock(&f->lock);
    return r;
}

/* -------------------------------------------------------- who is asking */

void
fs_caller_get(struct fs_caller *ret, fuse_req_t req, bool groups)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    int n = 0;

    if (groups) {
        n = fuse_req_getgroups(req, 64, ret->group);
        n = n < 0 ? 0 : n > 64 ? 64 : n;
    }
    ret->who.uid = ctx->uid;
    ret->who.gid = ctx->gid;
    ret->who.groups = ret->group;
    ret->who.group_count = (size_t)n;
}

bool
fs_node_allows(struct fs *f, const struct fs_node *n, fuse_req_t req, int want)
{
    mode_t mode = n->kind == FS_DIR ? f->dir_mode : f->file_mode;
    struct fs_caller caller;

    /* Reading groups is a file in /proc: only where they matter. */
    fs_caller_get(&caller, req, ((mode >> 3) & 7) != (mode & 7));
    return fs_may(&caller.who, f->uid, f->gid, mode, want);
}
