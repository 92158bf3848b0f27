/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The FUSE front (libfuse3, low level): inodes, operations, xattrs.  The
 * only room that includes libfuse.  No operation waits for the network:
 * replies come from completions.
 */
#ifndef S3ZIPFS_FS_FS_H
#define S3ZIPFS_FS_FS_H

#include "conf/conf.h"
#include "publish/publish.h"

struct fs;
struct fs_deps { /* borrowed for the life of the fs */
    const struct conf *conf;
    struct net *net;
    struct s3 *s3;
    struct index *index;
    struct crc *crc;
    struct read_pool *pool;
    struct publisher *publisher;
    const char *bucket, *root; /* root: "" or ends in '/' */
};

int fs_new(struct fs **ret, const struct fs_deps *d, struct err *e);
void fs_free(struct fs *f);

/* Mounts; then fs_run serves until unmount or a signal (SIGTERM, SIGINT,
 * SIGHUP; SIGUSR1 puts the counters into the log.  Block all four before
 * the first thread starts; SIGRTMIN is used inside).  ready is called once,
 * from fs_run's thread, when the kernel has said INIT.  -ETIMEDOUT: requests
 * hang, and nothing may be freed. */
int fs_mount(struct fs *f, const char *mountpoint, const char *source,
             struct err *e);
int fs_run(struct fs *f, void (*ready)(void *user), void *user, struct err *e);
/* Unmount if still mounted. */
void fs_unmount(struct fs *f);

#endif
