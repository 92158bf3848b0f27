/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Names and attributes.  A directory's name lives for ttl; an archive's
 * until its listing is ttl old, then the kernel looks up again and either
 * finds the same inode (and its cached pages) or another one.
 */
#include "fs/fs_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"

/* ---------------------------------------------------------- attributes */

static void
stat_common(const struct fs *f, uint64_t number, mode_t mode, struct stat *st)
{
    memset(st, 0, sizeof(*st));
    st->st_ino = number;
    st->st_mode = mode;
    st->st_nlink = 1; /* of a directory: "not counted", as btrfs has it */
    st->st_uid = f->uid;
    st->st_gid = f->gid;
    st->st_blksize = (blksize_t)MIB(1); /* cp reads that much at a time */
}

void
fs_stat_dir(const struct fs *f, uint64_t number, struct stat *st)
{
    stat_common(f, number, f->dir_mode, st);
    st->st_mtim = st->st_ctim = st->st_atim = f->born;
}

void
fs_stat_archive(const struct fs *f, uint64_t number, const struct layout *l,
                struct stat *st)
{
    stat_common(f, number, f->file_mode, st);
    st->st_size = (off_t)l->zip.size;
    /* Fewer blocks would be holes: cp would ask SEEK_DATA for them. */
    st->st_blocks = (blkcnt_t)ceil_div_u64(l->zip.size, 512);
    st->st_mtim.tv_sec = l->mtime;
    st->st_ctim = st->st_atim = st->st_mtim;
}

struct layout *
fs_node_layout(struct fs *f, struct fs_node *n)
{
    LOCK_SCOPE(&f->nodes.lock);
    return layout_ref(n->layout);
}

static void
node_stat(struct fs *f, struct fs_node *n, struct stat *st)
{
    struct layout *l;

    if (n->kind == FS_DIR) {
        fs_stat_dir(f, n->number, st);
        return;
    }
    l = fs_node_layout(f, n);
    fs_stat_archive(f, n->number, l, st);
    layout_unref(l);
}

void
fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *f = fuse_req_userdata(req);
    struct fs_node *n = fs_table_find(&f->nodes, ino);
    struct stat st;

    (void)fi;
    if (!n) {
        fuse_reply_err(req, ENOENT);
        return;
    }
    node_stat(f, n, &st);
    fuse_reply_attr(req, &st, FS_FOREVER);
    fs_node_put(&f->nodes, n);
}

void
fs_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
    struct fs *f = fuse_req_userdata(req);
    struct fs_node *n = fs_table_find(&f->nodes, ino);
    int err = 0;

    if (!n)
        err = ENOENT;
    else if (mask & W_OK)
        err = EROFS;
    else if (!fs_node_allows(f, n, req, mask & (R_OK | X_OK)))
        err = EACCES;
    fuse_reply_err(req, err);
    fs_node_put(&f->nodes, n);
}

/* -------------------------------------------------------------- replies */

/* Ends the call with this node, which it takes over. */
static void
reply_node(struct fs_call *c, struct fs_node *n, double name_ttl)
{
    struct fs *f = c->fs;
    struct fuse_entry_param e;

    memset(&e, 0, sizeof(e));
    e.ino = n->id;
    e.attr_timeout = FS_FOREVER;
    e.entry_timeout = name_ttl;
    node_stat(f, n, &e.attr);
    fs_call_close(c);
    fs_node_told(&f->nodes, n); /* first: a forget may follow at once */
    if (fuse_reply_entry(c->req, &e) != 0)
        fs_table_forget(&f->nodes, n->id, 1);
    fs_node_put(&f->nodes, n);
    fs_call_put(c);
}

static void
reply_nothing(struct fs_call *c)
{
    struct fuse_entry_param e;
    uint32_t ttl = c->fs->d.conf->ttl;

    memset(&e, 0, sizeof(e));
    e.entry_timeout = ttl < FS_NEGATIVE ? ttl : FS_NEGATIVE;
    fs_call_close(c);
    fuse_reply_entry(c->req, &e);
    fs_call_put(c);
}

/* --------------------------------------------------------- the archive */

/* How long the kernel may keep the name, seconds. */
static double
archive_ttl(const struct fs *f, const struct layout *l)
{
    uint64_t end = l->listed_ms + (uint64_t)f->d.conf->ttl * 1000;
    uint64_t now = net_now_ms();

    if (atomic_load(&l->stale) || now >= end)
        return 0;
    return (double)(end - now) / 1000;
}

static void
on_layout(void *user, int r, struct layout *l, const struct err *e)
{
    struct fs_call *c = user;
    struct fs *f = c->fs;
    struct layout *old = NULL;
    struct reader *old_reader = NULL;
    struct fs_node *n = NULL;

    if (r == -ENOENT) {
        reply_nothing(c);
        return;
    }
    if (r == 0)
        r = fs_table_archive(&f->nodes, c->node->prefix, c->node->prefix_len,
                             l->digest, layout_ref(l), &n, &old, &old_reader);
    if (r < 0) {
        fs_call_err(c, r, e);
        return;
    }
    reader_unref(old_reader);
    layout_unref(old);
    reply_node(c, n, archive_ttl(f, l));
}

static void
cancel_index(struct fs_call *c, uint64_t id)
{
    index_cancel(c->fs->d.index, id);
}

static void
lookup_archive(struct fs_call *c)
{
    struct fs *f = c->fs;
    unsigned stage = fs_call_stage(c, cancel_index);

    atomic_fetch_add(&f->lookups, 1);
    fs_call_armed(c, stage,
                  index_layout(f->d.index, c->node->prefix, 0, on_layout, c));
}

/* --------------------------------------------------------- directories */

static void
on_exists(void *user, int r, const struct err *e)
{
    struct fs_call *c = user;
    struct fs *f = c->fs;
    struct fs_node *n = NULL;

    if (r == -ENOENT) {
        reply_nothing(c);
        return;
    }
    if (r == 0)
        r = fs_table_dir(&f->nodes, c->text, c->text_len, &n);
    if (r < 0)
        fs_call_err(c, r, e);
    else
        reply_node(c, n, f->d.conf->ttl);
}

static int
child_prefix(struct fs_call *c, const char *name)
{
    struct buf b = BUF_INIT(FS_PREFIX_MAX + 1);
    int r = fs_name_check(c->node->prefix_len, name);

    if (r == 0)
        r = buf_addf(&b, "%s%s/", c->node->prefix, name);
    if (r < 0) {
        buf_free(&b);
        return r;
    }
    c->text_len = b.len;
    c->text = buf_steal(&b);
    return 0;
}

static void
lookup_dir(struct fs_call *c, const char *name)
{
    unsigned stage;
    int r = child_prefix(c, name);

    if (r == -ENOENT) {
        reply_nothing(c);
    } else if (r < 0) {
        fs_call_err(c, r, NULL);
    } else {
        stage = fs_call_stage(c, cancel_index);
        fs_call_armed(c, stage,
                      index_exists(c->fs->d.index, c->text, on_exists, c));
    }
}

void
fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fs *f = fuse_req_userdata(req);
    struct fs_call *c = fs_call_new(f, req, parent);

    if (!c)
        return;
    if (c->node->kind != FS_DIR)
        fs_call_err(c, -ENOTDIR, NULL);
    else if (strcmp(name, f->d.conf->name) == 0)
        lookup_archive(c);
    else
        lookup_dir(c, name);
}

void
fs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
    struct fs *f = fuse_req_userdata(req);

    fs_table_forget(&f->nodes, ino, count);
    fuse_reply_none(req);
}

void
fs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    struct fs *f = fuse_req_userdata(req);
    size_t i;

    for (i = 0; i < count; i++)
        fs_table_forget(&f->nodes, forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(req);
}
