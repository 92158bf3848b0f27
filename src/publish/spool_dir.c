/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Where temporary files are, and how much of the space there they may take
 * together.  Must not know what is in them.
 *
 * spool_dir.lock is for what is taken; it is not held while the disk is at
 * work.
 */
#include "publish/spool_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"

struct spool_dir {
    char *path;
    bool through;
    pthread_mutex_t lock;
    uint64_t taken;     /* bytes of all spools */
    uint64_t allocated; /* of those, what the file system has set aside */
};

/* ----------------------------------------------------------- directory */

/* A file without a name, or -errno. */
static int
open_unnamed(const char *dir)
{
    CLEANUP_BUF struct buf path = BUF_INIT(8192);
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    /* Not every file system has it (NFS, overlays of old kernels). */
    if (fd >= 0)
        return fd;
    if (buf_addf(&path, "%s/s3zipfs-spool-XXXXXX", dir) < 0)
        return -ENAMETOOLONG;
    fd = mkostemp(path.data, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    unlink(path.data);
    return fd;
}

static int
try_dir(const char *dir)
{
    int fd = dir && *dir ? open_unnamed(dir) : -ENOENT;

    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

static struct spool_dir *
dir_of(const char *path)
{
    struct spool_dir *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->path = strdup(path);
    if (!d->path) {
        free(d);
        return NULL;
    }
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

int
spool_dir_new(struct spool_dir **ret, const char *cache_dir, bool through,
              struct err *e)
{
    const char *const dirs[] = {cache_dir, secure_getenv("TMPDIR"),
                                "/var/tmp"};
    size_t i;
    int r = 0;

    for (i = 0; i < ARRAY_SIZE(dirs); i++) {
        r = try_dir(dirs[i]);
        if (r < 0)
            continue;
        *ret = dir_of(dirs[i]);
        if (!*ret)
            return err_set(e, ENOMEM, "out of memory");
        (*ret)->through = through;
        return 0;
    }
    return err_set(e, -r,
                   "no directory for temporary files: cache_dir=, $TMPDIR "
                   "and /var/tmp (%s)",
                   strerror(-r));
}

void
spool_dir_free(struct spool_dir *d)
{
    if (!d)
        return;
    pthread_mutex_destroy(&d->lock);
    free(d->path);
    free(d);
}

int
spool_dir_open(const struct spool_dir *d)
{
    return open_unnamed(d->path);
}

const char *
spool_dir_path(const struct spool_dir *d)
{
    return d->path;
}

bool
spool_dir_through(const struct spool_dir *d)
{
    return d->through;
}

/* --------------------------------------------------------------- space */

static int
no_space(const struct spool_dir *d, uint64_t length, uint64_t have,
         struct err *e)
{
    char need[16], left[16];

    return err_set(e, ENOSPC,
                   "an upload part of %s does not fit half of what is free "
                   "in %s (%s): give cache_dir= or TMPDIR more room, or "
                   "raise memory=",
                   text_size(need, length), d->path, text_size(left, have));
}

/* What is set aside is no longer free: both together are what was there
 * before the first spool. */
int
spool_dir_take(struct spool_dir *d, uint64_t length, struct err *e)
{
    struct statvfs v;
    uint64_t have;

    if (statvfs(d->path, &v) < 0)
        return err_set(e, errno, "%s: %s", d->path, strerror(errno));
    LOCK_SCOPE(&d->lock);
    if (!mul_u64(v.f_bavail, v.f_frsize, &have) ||
        !add_u64(have, d->allocated, &have))
        have = UINT64_MAX;
    if (length > have / 2)
        return no_space(d, length, have, e);
    if (d->taken > have / 2 - length)
        return -EAGAIN;
    d->taken += length;
    return 0;
}

void
spool_dir_allocated(struct spool_dir *d, uint64_t length)
{
    LOCK_SCOPE(&d->lock);

    d->allocated += length;
}

void
spool_dir_give(struct spool_dir *d, uint64_t length, uint64_t allocated)
{
    LOCK_SCOPE(&d->lock);

    d->taken -= length;
    d->allocated -= allocated;
}
