/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Publishing through attributes.  What is published is the layout that the
 * name shows (at most ttl old), whatever inode the call came through.
 *
 * A pending setxattr holds the inode's lock: on a directory that would
 * stop every ls in it, so there only the asynchronous form is taken; on a
 * file, programs that seek to its end would wait, so while one runs the
 * name shows another inode of the same layout.
 */
#include "fs/fs_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/text.h"

enum { JOBS_MAX = 64, PLAN_TEXT_MAX = 4096 };

static int
may_publish(struct fs_call *c)
{
    return fs_may_publish(c->fs->d.conf, c->fs->uid,
                          fuse_req_ctx(c->req)->uid);
}

static void
cancel_index(struct fs_call *c, uint64_t id)
{
    index_cancel(c->fs->d.index, id);
}

static void
with_layout(struct fs_call *c, index_layout_cb *cb)
{
    unsigned stage = fs_call_stage(c, cancel_index);

    fs_call_armed(c, stage,
                  index_layout(c->fs->d.index, c->node->prefix, 0, cb, c));
}

/* ------------------------------------------------ jobs of a directory */

struct job_list {
    struct publish_job *job[JOBS_MAX];
    size_t count;
};

static bool
is_running(struct publish_job *j)
{
    struct publish_status s;

    publish_job_status(j, &s);
    return s.state == PUBLISH_PLANNING || s.state == PUBLISH_RUNNING ||
           s.state == PUBLISH_COMPLETING;
}

static void
add_running(void *user, struct publish_job *j)
{
    struct job_list *list = user;

    if (list->count < JOBS_MAX && is_running(j))
        list->job[list->count++] = publish_job_ref(j);
}

static void
add_first(void *user, struct publish_job *j)
{
    struct job_list *list = user;

    if (list->count == 0)
        list->job[list->count++] = publish_job_ref(j);
}

static void
jobs_get(struct fs *f, const struct fs_node *n, struct job_list *list,
         void (*add)(void *user, struct publish_job *j))
{
    list->count = 0;
    publish_jobs(f->d.publisher, f->d.bucket, n->prefix, add, list);
}

static void
jobs_put(struct job_list *list)
{
    size_t i;

    for (i = 0; i < list->count; i++)
        publish_job_unref(list->job[i]);
}

static bool
jobs_have(const struct job_list *list, const struct publish_job *j)
{
    size_t i;

    for (i = 0; i < list->count; i++)
        if (list->job[i] == j)
            return true;
    return false;
}

unsigned
fs_publish_cancel_all(struct fs *f, const struct fs_node *n)
{
    struct job_list list;
    size_t i;

    jobs_get(f, n, &list, add_running);
    for (i = 0; i < list.count; i++)
        publish_abort(list.job[i], -ECANCELED);
    jobs_put(&list);
    return (unsigned)list.count;
}

/* ------------------------------------------------------------- starting */

static int
name_value(const struct fs_call *c, int r, struct err *e)
{
    char text[256];

    if (e->num)
        err_prefix(e, "publish to '%s'",
                   text_escape(text, sizeof(text), c->text, c->text_len));
    return r;
}

/* Starts (or joins) the job that c's value asks for. */
static int
start_job(struct fs_call *c, struct layout *l, struct err *e)
{
    struct publisher *p = c->fs->d.publisher;
    struct publish_dest dest = {0};
    struct publish_job *j = NULL;
    struct job_list before;
    int r = fs_reader(c->fs, l, &c->reader);

    if (r == 0)
        r = publish_dest_parse(p, l, c->text, c->text_len, &dest, e);
    if (r < 0)
        return name_value(c, r, e);
    jobs_get(c->fs, c->node, &before, add_running);
    r = publish_start(p, c->reader, &dest, &j, e);
    if (r == 0)
        fs_call_job(c, j, !jobs_have(&before, j));
    jobs_put(&before);
    publish_dest_free(&dest);
    return r;
}

/* The job has put its failure into the log itself. */
static void
on_published(void *user, int r, const struct err *e)
{
    (void)e;
    fs_call_err(user, r, NULL);
}

/* Ctrl-C ends the job, and the answer waits until its upload is gone; one
 * that only joined a job leaves it alone. */
static void
cancel_publish(struct fs_call *c, uint64_t id)
{
    if (!fs_call_leave_job(c))
        publish_abort(c->job, c->why);
    else if (publish_wait_cancel(c->job, id))
        fs_call_err(c, c->why, NULL);
}

static void
wait_for_job(struct fs_call *c)
{
    unsigned stage;

    fs_node_busy(&c->fs->nodes, c->node, 1);
    c->busy = true;
    fs_notify_archive(c->fs, c->node->prefix, c->node->prefix_len, NULL);
    stage = fs_call_stage(c, cancel_publish);
    fs_call_armed(c, stage, publish_wait(c->job, on_published, c));
}

static void
on_layout_set(void *user, int r, struct layout *l, const struct err *e)
{
    struct fs_call *c = user;
    struct err why = {0};

    if (r < 0) {
        fs_call_err(c, r, e);
        return;
    }
    r = start_job(c, l, &why);
    if (r < 0)
        fs_call_err(c, r, &why);
    else
        wait_for_job(c);
}

void
fs_publish_set(struct fs_call *c)
{
    if (c->node->kind == FS_DIR)
        fs_call_err(c, -EISDIR, NULL);
    else if (may_publish(c) < 0)
        fs_call_err(c, -EPERM, NULL);
    else
        with_layout(c, on_layout_set);
}

static void
on_layout_async(void *user, int r, struct layout *l, const struct err *e)
{
    struct fs_call *c = user;
    struct err why = {0};

    if (r == 0) {
        e = &why;
        r = start_job(c, l, &why);
    }
    if (r == 0)
        fs_calls_disown(c->fs, c->job);
    fs_call_err(c, r, e);
}

void
fs_publish_set_async(struct fs_call *c)
{
    if (may_publish(c) < 0)
        fs_call_err(c, -EPERM, NULL);
    else
        with_layout(c, on_layout_async);
}

/* -------------------------------------------------------------- waiting */

static void
on_waited(void *user, int r, const struct err *e)
{
    struct fs_call *c = user;
    struct buf b = BUF_INIT(FS_XATTR_MAX);
    struct publish_status s;

    (void)e;
    if (r == 0) {
        publish_job_status(c->job, &s);
        r = publish_status_text(&b, &s);
    }
    if (r < 0)
        fs_call_err(c, r, NULL);
    else
        fs_xattr_reply(c, &b);
    buf_free(&b);
}

static void
cancel_wait(struct fs_call *c, uint64_t id)
{
    if (publish_wait_cancel(c->job, id))
        fs_call_err(c, c->why, NULL);
}

void
fs_publish_get_wait(struct fs_call *c)
{
    struct buf none = BUF_INIT(FS_XATTR_MAX);
    struct job_list list;
    unsigned stage;

    jobs_get(c->fs, c->node, &list, add_first);
    if (list.count == 0) {
        buf_adds(&none, "state: none\n");
        fs_xattr_reply(c, &none);
        buf_free(&none);
        return;
    }
    fs_call_job(c, list.job[0], false);
    stage = fs_call_stage(c, cancel_wait);
    fs_call_armed(c, stage, publish_wait(c->job, on_waited, c));
}

/* ------------------------------------------------------------- the plan */

/* Runs on the worker thread: a million members take their time. */
static void
make_plan(void *user)
{
    struct fs_call *c = user;
    struct layout *l = reader_layout(c->reader);
    struct buf b = BUF_INIT(PLAN_TEXT_MAX);
    struct plan_meta meta = {
        .order = c->fs->d.conf->order == CONF_ORDER_KEY ? "key" : "plan"};
    struct err e = {0};
    struct plan p;
    char hex[65];
    int r;

    layout_digest_hex(l, hex);
    meta.digest_hex = hex;
    r = publish_plan(c->fs->d.publisher, c->reader, NULL, &p, &e);
    if (r == 0) {
        r = plan_text(&b, &p, &l->zip, &meta);
        plan_free(&p);
    }
    if (r < 0)
        fs_call_err(c, r, &e);
    else
        fs_xattr_reply(c, &b);
    buf_free(&b);
}

static void
on_layout_plan(void *user, int r, struct layout *l, const struct err *e)
{
    struct fs_call *c = user;

    if (r == 0)
        r = fs_reader(c->fs, l, &c->reader);
    if (r < 0)
        fs_call_err(c, r, e);
    else
        net_work(c->fs->d.net, make_plan, c);
}

void
fs_publish_get_plan(struct fs_call *c)
{
    with_layout(c, on_layout_plan);
}

/* ----------------------------------------------------------- invalidate */

void
fs_publish_set_invalidate(struct fs_call *c)
{
    struct fs *f = c->fs;
    uid_t uid = fuse_req_ctx(c->req)->uid;
    const struct fs_node *n = c->node;

    if (uid != f->uid && uid != 0) {
        fs_call_err(c, -EPERM, NULL);
        return;
    }
    index_invalidate(f->d.index, n->prefix);
    if (n->kind == FS_ARCHIVE) {
        /* The directory is not locked: the name is gone before the caller
         * goes on. */
        fs_notify_archive(f, n->prefix, n->prefix_len, c);
        return;
    }
    fs_notify_archive(f, n->prefix, n->prefix_len, NULL);
    fs_call_err(c, 0, NULL);
}
