/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Control attributes: answered by name, never listed, so that cp -a does
 * not copy them.  Never ENOSYS (the kernel would stop asking for the life
 * of the mount), EAGAIN, nor ESTALE from setxattr.
 */
#include "fs/fs_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "fs/fs_attributes.h"

static const struct fs_xattr handlers[FS_ATTR_COUNT] = {
    [FS_ATTR_PUBLISH] = {.set = fs_publish_set},
    [FS_ATTR_PUBLISH_ASYNC] = {.set = fs_publish_set_async},
    [FS_ATTR_PUBLISH_WAIT] = {.changes = true, .get = fs_publish_get_wait},
    [FS_ATTR_PUBLISH_STATUS] = {.changes = true, .text = fs_text_status},
    [FS_ATTR_PUBLISH_PLAN] = {.changes = true, .get = fs_publish_get_plan},
    [FS_ATTR_DIGEST] = {.layout = true, .text = fs_text_digest},
    [FS_ATTR_ENTRIES] = {.layout = true, .text = fs_text_entries},
    [FS_ATTR_SKIPPED] = {.layout = true, .text = fs_text_skipped},
    [FS_ATTR_STATS] = {.changes = true, .text = fs_text_stats},
    [FS_ATTR_INVALIDATE] = {.set = fs_publish_set_invalidate},
};

static const struct fs_xattr *
find(const char *name)
{
    int i;

    for (i = 0; i < FS_ATTR_COUNT; i++)
        if (strcmp(fs_attributes[i].name, name) == 0)
            return &handlers[i];
    return NULL;
}

/* ----------------------------------------------------------------- get */

void
fs_xattr_reply(struct fs_call *c, const struct buf *value)
{
    bool probe;
    size_t size;
    int r =
        fs_xattr_size(value->len, c->size, c->xattr->changes, &probe, &size);

    if (r < 0) {
        fs_call_err(c, r, NULL);
        return;
    }
    fs_call_close(c);
    if (probe)
        fuse_reply_xattr(c->req, size);
    else
        fuse_reply_buf(c->req, value->data, value->len);
    fs_call_put(c);
}

static void
reply_text(struct fs_call *c, struct layout *l)
{
    struct buf b = BUF_INIT(FS_XATTR_MAX);
    int r = c->xattr->text(c->fs, c->node, l, &b);

    if (r < 0)
        fs_call_err(c, r, NULL);
    else
        fs_xattr_reply(c, &b);
    buf_free(&b);
}

static void
on_layout(void *user, int r, struct layout *l, const struct err *e)
{
    struct fs_call *c = user;

    if (r < 0)
        fs_call_err(c, r, e);
    else
        reply_text(c, l);
}

static void
cancel_index(struct fs_call *c, uint64_t id)
{
    index_cancel(c->fs->d.index, id);
}

/* The layout that the inode is; of a directory, the one that its archive's
 * name would show. */
static void
get_with_layout(struct fs_call *c)
{
    struct layout *l;
    unsigned stage;

    if (c->node->kind == FS_ARCHIVE) {
        l = fs_node_layout(c->fs, c->node);
        reply_text(c, l);
        layout_unref(l);
        return;
    }
    stage = fs_call_stage(c, cancel_index);
    fs_call_armed(
        c, stage,
        index_layout(c->fs->d.index, c->node->prefix, 0, on_layout, c));
}

void
fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    struct fs *f = fuse_req_userdata(req);
    const struct fs_xattr *x = find(name);
    struct fs_call *c;

    if (!x || (!x->get && !x->text)) {
        fuse_reply_err(req, ENODATA);
        return;
    }
    c = fs_call_new(f, req, ino);
    if (!c)
        return;
    c->xattr = x;
    c->size = size;
    if (!fs_node_allows(f, c->node, req, R_OK))
        fs_call_err(c, -EACCES, NULL);
    else if (x->get)
        x->get(c);
    else if (x->layout)
        get_with_layout(c);
    else
        reply_text(c, NULL);
}

void
fs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    (void)ino;
    if (size == 0)
        fuse_reply_xattr(req, 0);
    else
        fuse_reply_buf(req, NULL, 0);
}

/* ----------------------------------------------------------------- set */

void
fs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
            const char *value, size_t size, int flags)
{
    struct fs *f = fuse_req_userdata(req);
    const struct fs_xattr *x = find(name);
    struct fs_call *c;

    (void)flags;
    if (!x || !x->set) {
        fuse_reply_err(req, EROFS);
        return;
    }
    c = fs_call_new(f, req, ino);
    if (!c)
        return;
    c->xattr = x;
    c->text = malloc(size + 1);
    if (!c->text) {
        fs_call_err(c, -ENOMEM, NULL);
        return;
    }
    memcpy(c->text, value, size);
    c->text[size] = '\0';
    c->text_len = size;
    if (!fs_node_allows(f, c->node, req, R_OK))
        fs_call_err(c, -EACCES, NULL);
    else
        x->set(c);
}

void
fs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
    struct fs *f = fuse_req_userdata(req);
    struct fs_node *n = NULL;
    int err = 0;

    if (strcmp(name, fs_attributes[FS_ATTR_PUBLISH].name) != 0)
        err = EROFS;
    else if ((n = fs_table_find(&f->nodes, ino)) == NULL)
        err = ENOENT;
    else if (fs_may_publish(f->d.conf, f->uid, fuse_req_ctx(req)->uid) < 0)
        err = EPERM;
    else if (fs_publish_cancel_all(f, n) == 0)
        err = ENODATA;
    fuse_reply_err(req, err);
    fs_node_put(&f->nodes, n);
}
