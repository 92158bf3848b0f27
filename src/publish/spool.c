/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Temporary files for upload parts, and the CRC-32 of what is in them.
 * Must not know parts, nor who reads the bytes.
 *
 * spool.lock is for the pieces; it is not held while the disk is at work.
 */
#include "publish/spool_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/crc32.h"
#include "crc/crc.h"

enum { IOV_AT_ONCE = 64 };

/* Bytes that are there, no two touching pieces. */
struct piece {
    struct piece *next; /* ascending */
    uint64_t first, end;
    uint32_t crc;
};

struct spool {
    struct spool_dir *dir;
    int fd;
    uint64_t length, allocated;
    pthread_mutex_t lock;
    struct piece *pieces;
};

/* --------------------------------------------------------------- spools */

/* So that a full disk shows now.  Not every file system can, and then the
 * writes will tell. */
static int
allocate(struct spool *s, struct err *e)
{
    if (fallocate(s->fd, 0, 0, (off_t)s->length) < 0) {
        if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
            return err_set(e, ENOSPC, "%s: %s", spool_dir_path(s->dir),
                           strerror(errno));
        return 0;
    }
    s->allocated = s->length;
    spool_dir_allocated(s->dir, s->allocated);
    return 0;
}

static int
open_spool(struct spool *s, struct err *e)
{
    int fd = spool_dir_open(s->dir);

    if (fd < 0)
        return err_set(e, -fd, "%s: %s", spool_dir_path(s->dir),
                       strerror(-fd));
    s->fd = fd;
    return allocate(s, e);
}

int
spool_new(struct spool **ret, struct spool_dir *d, uint64_t length,
          struct err *e)
{
    struct spool *s;
    int r;

    if (length == 0 || length > INT64_MAX)
        return err_set(e, EINVAL, "a temporary file of %llu bytes",
                       (unsigned long long)length);
    r = spool_dir_take(d, length, e);
    if (r < 0)
        return r;
    s = calloc(1, sizeof(*s));
    if (!s) {
        spool_dir_give(d, length, 0);
        return err_set(e, ENOMEM, "out of memory");
    }
    s->dir = d;
    s->length = length;
    s->fd = -1;
    pthread_mutex_init(&s->lock, NULL);
    r = open_spool(s, e);
    if (r == 0)
        *ret = s;
    else
        spool_free(s);
    return r;
}

void
spool_free(struct spool *s)
{
    struct piece *p;

    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    spool_dir_give(s->dir, s->length, s->allocated);
    while ((p = s->pieces) != NULL) {
        s->pieces = p->next;
        free(p);
    }
    pthread_mutex_destroy(&s->lock);
    free(s);
}

int
spool_fd(const struct spool *s)
{
    return s->fd;
}

uint64_t
spool_length(const struct spool *s)
{
    return s->length;
}

/* --------------------------------------------------------------- pieces */

/* b follows a. */
static void
join(struct piece *a, struct piece *b)
{
    a->crc = crc_join(a->crc, b->crc, b->end - b->first);
    a->end = b->end;
    a->next = b->next;
    free(b);
}

/* With s->lock.  Bytes that are there already: false. */
static bool
add_piece(struct spool *s, struct piece *p)
{
    struct piece **at = &s->pieces, *before = NULL;

    while (*at && (*at)->first < p->first) {
        before = *at;
        at = &before->next;
    }
    if ((before && before->end > p->first) || (*at && (*at)->first < p->end))
        return false;
    p->next = *at;
    *at = p;
    if (p->next && p->next->first == p->end)
        join(p, p->next);
    if (before && before->end == p->first)
        join(before, p);
    return true;
}

bool
spool_crc(struct spool *s, uint32_t *ret)
{
    LOCK_SCOPE(&s->lock);
    const struct piece *p = s->pieces;

    if (!p || p->first > 0 || p->end < s->length)
        return false;
    *ret = p->crc;
    return true;
}

/* --------------------------------------------------------------- writes */

/* All of v, which is used up. */
static int
write_all(const struct spool *s, uint64_t at, struct iovec *v, int count,
          struct err *e)
{
    while (count > 0) {
        ssize_t n = pwritev(s->fd, v, count, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(e, errno, "temporary file in %s: %s",
                           spool_dir_path(s->dir), strerror(errno));
        at += (uint64_t)n;
        for (; count > 0 && (size_t)n >= v->iov_len; v++, count--)
            n -= (ssize_t)v->iov_len;
        if (count > 0) {
            v->iov_base = (char *)v->iov_base + n;
            v->iov_len -= (size_t)n;
        }
    }
    return 0;
}

/* To the disk, and out of the page cache, where whole pages are; what
 * cannot do that (another kernel, tmpfs) keeps them. */
static int
write_through(const struct spool *s, const struct piece *p, struct err *e)
{
    const unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                         SYNC_FILE_RANGE_WAIT_AFTER;
    off_t first = (off_t)p->first, len = (off_t)(p->end - p->first);

    if (sync_file_range(s->fd, first, len, all) < 0 &&
        (errno == EIO || errno == ENOSPC || errno == EDQUOT))
        return err_set(e, errno, "temporary file in %s: %s",
                       spool_dir_path(s->dir), strerror(errno));
    posix_fadvise(s->fd, first, len, POSIX_FADV_DONTNEED);
    return 0;
}

/* Some of iov at a time: what is written is changed on the way. */
static int
write_iov(const struct spool *s, struct piece *p, const struct iovec *iov,
          int count, struct err *e)
{
    struct iovec v[IOV_AT_ONCE];
    uint64_t at = p->first;
    int r = 0, n, i;

    for (; count > 0 && r == 0; iov += n, count -= n) {
        uint64_t len = 0;

        n = count < IOV_AT_ONCE ? count : IOV_AT_ONCE;
        for (i = 0; i < n; i++) {
            v[i] = iov[i];
            len += iov[i].iov_len;
            p->crc = crc32_add(p->crc, iov[i].iov_base, iov[i].iov_len);
        }
        r = write_all(s, at, v, n, e);
        at += len;
    }
    return r;
}

int
spool_write(struct spool *s, uint64_t offset, const struct iovec *iov,
            int count, struct err *e)
{
    struct piece *p = calloc(1, sizeof(*p));
    bool fits = true;
    int i, r = 0;

    if (!p)
        return err_set(e, ENOMEM, "out of memory");
    p->first = p->end = offset;
    for (i = 0; i < count; i++)
        fits = fits && add_u64(p->end, iov[i].iov_len, &p->end);
    if (!fits || p->end > s->length)
        r = err_set(e, EINVAL, "bytes beyond the end of a temporary file");
    else if (p->end > p->first)
        r = write_iov(s, p, iov, count, e);
    if (r == 0 && spool_dir_through(s->dir) && p->end > p->first)
        r = write_through(s, p, e);
    if (r == 0 && p->end > p->first) {
        LOCK_SCOPE(&s->lock);
        if (add_piece(s, p))
            return 0;
        r = err_set(e, EINVAL, "bytes of a temporary file, given twice");
    }
    free(p);
    return r;
}
