/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Small rules of the front, free of FUSE and of the network: who may what,
 * which signals end a wait, how xattr sizes are answered, how errors are
 * shown.
 */
#ifndef S3ZIPFS_FS_RULES_H
#define S3ZIPFS_FS_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "conf/conf.h"

/* ------------------------------------------------------- permissions */

struct fs_who {
    uid_t uid;
    gid_t gid;
    const gid_t *groups; /* supplementary ones */
    size_t group_count;
};
/* May who do all of want (R_OK, W_OK, X_OK of access(2)) with a file or
 * directory of this owner and mode?  Root may read and search always; X on
 * a file needs an x bit even for root. */
bool fs_may(const struct fs_who *who, uid_t uid, gid_t gid, mode_t mode,
            int want);

/* user.publish: 0 or -EPERM. */
int fs_may_publish(const struct conf *c, uid_t owner, uid_t uid);

/* ----------------------------------------------------------- signals */

/* From the text of /proc/PID/status: is a signal pending that ends the
 * program or that a person sent to stop it (HUP, INT, QUIT, TERM, handled
 * or not)?  Ignored, blocked and merely handled ones are not. */
bool fs_status_fatal(const char *status);
/* The same of a running thread; pid 0 (another pid namespace) and a thread
 * that is gone are fatal. */
bool fs_signal_fatal(pid_t pid);

/* ------------------------------------------------------------ xattrs */

enum {
    FS_XATTR_MAX = 60 << 10, /* bytes of a value (the kernel's limit is
                                64 KiB) */
    FS_XATTR_SLACK = 1024,
};
/* A getxattr with room for size bytes of a value of len: *ret_probe set
 * and *ret_size what a probe (size 0) answers; or -ERANGE.  A value that
 * changes between the probe and the call gets slack. */
int fs_xattr_size(size_t len, size_t size, bool changes, bool *ret_probe,
                  size_t *ret_size);

/* ------------------------------------------------------------ errors */

/* The errno (positive) to answer for r: what the kernel or libc would
 * take for something else becomes EIO or EOPNOTSUPP. */
int fs_read_errno(int r);
/* For xattr calls: ESTALE is ECANCELED too (the kernel would run the call
 * again). */
int fs_xattr_errno(int r);

/* ------------------------------------------------------------- names */

/* Can name be a directory below a prefix of prefix_len bytes?  0, -ENOENT
 * (a component that the tree cannot show) or -ENAMETOOLONG. */
int fs_name_check(size_t prefix_len, const char *name);

#endif
