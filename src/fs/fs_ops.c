/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The table of operations, what is agreed with the kernel at INIT, and the
 * operations that always say EROFS: libfuse's own answer would be ENOSYS.
 */
#include "fs/fs_impl.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum { MAX_BACKGROUND = 64, CONGESTION = 48 };

static void
op_init(void *user, struct fuse_conn_info *conn)
{
    (void)user;
    conn->max_background = MAX_BACKGROUND;
    conn->congestion_threshold = CONGESTION;
    /* Pages of an inode never change: no look at mtime and size needed. */
    conn->want &=
        ~(unsigned)(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_WRITEBACK_CACHE |
                    FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
                    FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_SPLICE_READ |
                    FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
                    /* with it a killed O_DIRECT reader waits for
                     * the answer (fs/fuse/file.c, fuse_direct_IO) */
                    FUSE_CAP_ASYNC_DIO);
    conn->want |=
        conn->capable & (FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS);
}

static void
op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct statvfs s;

    (void)ino;
    memset(&s, 0, sizeof(s));
    s.f_bsize = s.f_frsize = 4096;
    s.f_namemax = NAME_MAX;
    s.f_flag = ST_RDONLY;
    fuse_reply_statfs(req, &s);
}

/* -------------------------------------------------- read-only: EROFS */

static void
op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
           struct fuse_file_info *fi)
{
    (void)ino;
    (void)st;
    (void)to_set;
    (void)fi;
    fuse_reply_err(req, EROFS);
}

static void
op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
         dev_t dev)
{
    (void)parent;
    (void)name;
    (void)mode;
    (void)dev;
    fuse_reply_err(req, EROFS);
}

static void
op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    (void)parent;
    (void)name;
    (void)mode;
    fuse_reply_err(req, EROFS);
}

static void
op_remove(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    (void)parent;
    (void)name;
    fuse_reply_err(req, EROFS);
}

static void
op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent,
           const char *name)
{
    (void)link;
    (void)parent;
    (void)name;
    fuse_reply_err(req, EROFS);
}

static void
op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
          fuse_ino_t newparent, const char *newname, unsigned flags)
{
    (void)parent;
    (void)name;
    (void)newparent;
    (void)newname;
    (void)flags;
    fuse_reply_err(req, EROFS);
}

static void
op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent,
        const char *newname)
{
    (void)ino;
    (void)newparent;
    (void)newname;
    fuse_reply_err(req, EROFS);
}

static void
op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
          struct fuse_file_info *fi)
{
    (void)parent;
    (void)name;
    (void)mode;
    (void)fi;
    fuse_reply_err(req, EROFS);
}

static void
op_write(fuse_req_t req, fuse_ino_t ino, const char *p, size_t size, off_t off,
         struct fuse_file_info *fi)
{
    (void)ino;
    (void)p;
    (void)size;
    (void)off;
    (void)fi;
    fuse_reply_err(req, EROFS);
}

static void
op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t length,
             struct fuse_file_info *fi)
{
    (void)ino;
    (void)mode;
    (void)off;
    (void)length;
    (void)fi;
    fuse_reply_err(req, EROFS);
}

static void
op_copy_file_range(fuse_req_t req, fuse_ino_t in, off_t off_in,
                   struct fuse_file_info *fi_in, fuse_ino_t out, off_t off_out,
                   struct fuse_file_info *fi_out, size_t len, int flags)
{
    (void)in;
    (void)off_in;
    (void)fi_in;
    (void)out;
    (void)off_out;
    (void)fi_out;
    (void)len;
    (void)flags;
    fuse_reply_err(req, EROFS);
}

const struct fuse_lowlevel_ops fs_ops = {
    .init = op_init,
    .lookup = fs_lookup,
    .forget = fs_forget,
    .forget_multi = fs_forget_multi,
    .getattr = fs_getattr,
    .access = fs_access,
    .opendir = fs_opendir,
    .readdir = fs_readdir,
    .releasedir = fs_releasedir,
    .open = fs_open,
    .read = fs_read,
    .release = fs_release,
    .statfs = op_statfs,
    .getxattr = fs_getxattr,
    .listxattr = fs_listxattr,
    .setxattr = fs_setxattr,
    .removexattr = fs_removexattr,
    .setattr = op_setattr,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .unlink = op_remove,
    .rmdir = op_remove,
    .symlink = op_symlink,
    .rename = op_rename,
    .link = op_link,
    .create = op_create,
    .write = op_write,
    .fallocate = op_fallocate,
    .copy_file_range = op_copy_file_range,
};
