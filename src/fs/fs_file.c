/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Open files: each keeps the layout that it was opened with, and one
 * stream of reads.  An answer is the whole range (or up to the end of the
 * archive) or an errno: the kernel takes a short read for a truncated file
 * and shrinks it.  After a failed read-ahead the kernel asks for its first
 * page once more: the reader remembers what failed, member by member.
 */
#include "fs/fs_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "read/read.h"

struct fs_file {
    struct fs_open open; /* first: closed by its address */
    struct fs *fs;
    atomic_int refs;
    struct reader *reader;
    struct read_stream *stream;
};

void
fs_file_put(struct fs_file *file)
{
    if (!file || atomic_fetch_sub(&file->refs, 1) != 1)
        return;
    if (file->stream)
        read_stream_close(file->stream);
    reader_unref(file->reader);
    free(file);
}

static void
file_close(struct fs_open *o)
{
    fs_file_put((struct fs_file *)o);
}

static int
file_new(struct fs *f, struct reader *r, struct fs_file **ret)
{
    struct fs_file *file = calloc(1, sizeof(*file));
    int err;

    if (!file)
        return -ENOMEM;
    file->open.close = file_close;
    file->fs = f;
    file->refs = 1;
    file->reader = reader_ref(r);
    err = read_stream_open(&file->stream, r);
    if (err < 0) {
        file->stream = NULL;
        fs_file_put(file);
        return err;
    }
    *ret = file;
    return 0;
}

/* ------------------------------------------------------------- readers */

static int
reader_make(struct fs *f, struct layout *l, struct reader **ret)
{
    struct crc_set *crcs = crc_set_open(f->d.crc, l);
    int r;

    if (!crcs)
        return -ENOMEM;
    r = reader_open(ret, f->d.pool, l, crcs);
    crc_set_unref(crcs);
    return r;
}

/* The node's reader of l, if it has one; else fresh (may be NULL) becomes
 * it.  Referenced. */
static struct reader *
node_reader(struct fs *f, struct fs_node *n, struct layout *l,
            struct reader *fresh)
{
    LOCK_SCOPE(&f->nodes.lock);
    if (n->layout != l)
        return NULL;
    if (!n->reader && fresh)
        n->reader = reader_ref(fresh);
    return n->reader ? reader_ref(n->reader) : NULL;
}

int
fs_reader(struct fs *f, struct layout *l, struct reader **ret)
{
    struct fs_node *n =
        fs_table_find_archive(&f->nodes, l->prefix, l->prefix_len, l->digest);
    struct reader *shared = n ? node_reader(f, n, l, NULL) : NULL;
    struct reader *fresh = NULL;
    int r = 0;

    if (!shared) {
        r = reader_make(f, l, &fresh);
        if (r == 0 && n)
            shared = node_reader(f, n, l, fresh);
        if (r == 0 && !shared)
            shared = reader_ref(fresh);
        if (r == 0)
            reader_unref(fresh);
    }
    fs_node_put(&f->nodes, n);
    if (r == 0)
        *ret = shared;
    return r;
}

/* ---------------------------------------------------------------- open */

/* 0 and a file, or -errno.  -ESTALE makes the kernel look the name up
 * again, which lists again. */
static int
open_file(struct fs *f, fuse_req_t req, struct fs_node *n, int flags,
          struct fs_file **ret)
{
    struct layout *l;
    struct reader *reader = NULL;
    int r;

    if (n->kind == FS_DIR)
        return -EISDIR;
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
        return -EROFS;
    if (!fs_node_allows(f, n, req, R_OK))
        return -EACCES;
    l = fs_node_layout(f, n);
    r = atomic_load(&l->stale) ? -ESTALE : fs_reader(f, l, &reader);
    layout_unref(l);
    if (r == 0)
        r = file_new(f, reader, ret);
    reader_unref(reader);
    return r;
}

void
fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *f = fuse_req_userdata(req);
    struct fs_node *n = fs_table_find(&f->nodes, ino);
    struct fs_file *file = NULL;
    int r = n ? open_file(f, req, n, fi->flags, &file) : -ESTALE;

    fs_node_put(&f->nodes, n);
    if (r < 0) {
        fuse_reply_err(req, fs_read_errno(r));
        return;
    }
    fi->fh = (uintptr_t)file;
    /* An inode is one layout: its pages stay true, if they ever were. */
    fi->keep_cache = !atomic_load(&reader_layout(file->reader)->misread);
    fi->direct_io = f->d.conf->direct_io;
    fs_opens_add(f, &file->open); /* first: a release may follow at once */
    if (fuse_reply_open(req, fi) != 0) {
        fs_opens_remove(f, &file->open);
        fs_file_put(file);
    }
}

void
fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs_file *file = (struct fs_file *)(uintptr_t)fi->fh;

    (void)ino;
    fs_opens_remove(file->fs, &file->open);
    fs_file_put(file);
    fuse_reply_err(req, 0);
}

/* ---------------------------------------------------------------- read */

/* More pieces than one writev takes: gathered. */
static int
reply_gathered(fuse_req_t req, const struct read_view *v)
{
    CLEANUP_FREE char *flat = malloc(v->length);
    size_t at = 0;
    int i;

    if (!flat)
        return fuse_reply_err(req, ENOMEM);
    for (i = 0; i < v->count; i++) {
        memcpy(flat + at, v->iov[i].iov_base, v->iov[i].iov_len);
        at += v->iov[i].iov_len;
    }
    return fuse_reply_buf(req, flat, at);
}

static void
reply_view(fuse_req_t req, const struct read_view *v)
{
    if (v->count == 0)
        fuse_reply_buf(req, NULL, 0);
    else if (v->count < IOV_MAX - 1)
        fuse_reply_iov(req, v->iov, v->count);
    else
        reply_gathered(req, v);
}

static void
on_read(void *user, int r, struct read_view *v, const struct err *e)
{
    struct fs_call *c = user;

    if (r < 0) {
        fs_call_err(c, r, e);
        return;
    }
    fs_call_close(c);
    reply_view(c->req, v);
    read_view_release(v);
    fs_call_put(c);
}

static void
cancel_read(struct fs_call *c, uint64_t id)
{
    read_cancel(c->file->stream, id);
}

void
fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
        struct fuse_file_info *fi)
{
    struct fs_file *file = (struct fs_file *)(uintptr_t)fi->fh;
    struct fs_call *c;
    unsigned stage;

    c = fs_call_new(file->fs, req, ino);
    if (!c)
        return;
    atomic_fetch_add(&file->refs, 1);
    c->file = file;
    stage = fs_call_stage(c, cancel_read);
    fs_call_armed(
        c, stage,
        read_range(file->stream, (uint64_t)off, size, 0, on_read, c));
}
