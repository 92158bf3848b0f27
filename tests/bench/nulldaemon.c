/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A FUSE filesystem of one file, `null`, of a given size, whose bytes are
 * always there: the ceiling for what a mount can do on this machine.  Must
 * not know anything of s3zipfs.
 *
 * usage: nulldaemon BYTES MOUNTPOINT     (stays in the foreground)
 */
#define FUSE_USE_VERSION 312
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAME "null"
#define CHUNK (1u << 20)

enum { ROOT = FUSE_ROOT_ID, FILE_INO = 2 };

static uint64_t file_size;
static char zeros[CHUNK];

static int
attributes(fuse_ino_t ino, struct stat *st)
{
    memset(st, 0, sizeof *st);
    st->st_ino = ino;
    st->st_nlink = 1;
    st->st_mode = ino == ROOT ? S_IFDIR | 0555 : S_IFREG | 0444;
    if (ino == FILE_INO) {
        st->st_size = (off_t)file_size;
        st->st_blocks = (blkcnt_t)((file_size + 511) / 512);
        st->st_blksize = CHUNK;
    }
    return ino == ROOT || ino == FILE_INO ? 0 : -ENOENT;
}

static void
null_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param e = {
        .ino = FILE_INO, .attr_timeout = 3600, .entry_timeout = 3600};

    if (parent != ROOT || strcmp(name, NAME) != 0) {
        fuse_reply_err(req, ENOENT);
        return;
    }
    attributes(FILE_INO, &e.attr);
    fuse_reply_entry(req, &e);
}

static void
null_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct stat st;

    (void)fi;
    if (attributes(ino, &st) < 0)
        fuse_reply_err(req, ENOENT);
    else
        fuse_reply_attr(req, &st, 3600);
}

static void
null_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    if (ino != FILE_INO)
        fuse_reply_err(req, EISDIR);
    else
        fuse_reply_open(req, fi);
}

static void
null_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
          struct fuse_file_info *fi)
{
    uint64_t left = (uint64_t)off < file_size ? file_size - (uint64_t)off : 0;

    (void)ino;
    (void)fi;
    if (size > left)
        size = (size_t)left;
    fuse_reply_buf(req, zeros, size < CHUNK ? size : CHUNK);
}

static const struct fuse_lowlevel_ops ops = {
    .lookup = null_lookup,
    .getattr = null_getattr,
    .open = null_open,
    .read = null_read,
};

static int
serve(struct fuse_session *s, const char *mountpoint)
{
    struct fuse_loop_config *conf;
    int r;

    if (fuse_set_signal_handlers(s) != 0)
        return 1;
    if (fuse_session_mount(s, mountpoint) != 0)
        return 1;
    conf = fuse_loop_cfg_create();
    r = fuse_session_loop_mt(s, conf);
    fuse_loop_cfg_destroy(conf);
    fuse_session_unmount(s);
    return r == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    char *words[] = {argv[0], NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, words);
    struct fuse_session *s;
    int r;

    if (argc != 3) {
        fprintf(stderr, "usage: nulldaemon BYTES MOUNTPOINT\n");
        return 2;
    }
    file_size = strtoull(argv[1], NULL, 10);
    s = fuse_session_new(&args, &ops, sizeof ops, NULL);
    if (s == NULL)
        return 1;
    r = serve(s, argv[2]);
    fuse_session_destroy(s);
    return r;
}
