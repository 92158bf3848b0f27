/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The rules of fs_rules.h.  The kernel checks nothing for us:
 * default_permissions is never set, because with mode 0444 it would refuse
 * setxattr to every owner but root.  Must not know FUSE.
 */
#include "fs/fs_rules.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "fs/fs_inode.h"

static bool
in_group(const struct fs_who *who, gid_t gid)
{
    size_t i;

    if (who->gid == gid)
        return true;
    for (i = 0; i < who->group_count; i++)
        if (who->groups[i] == gid)
            return true;
    return false;
}

bool
fs_may(const struct fs_who *who, uid_t uid, gid_t gid, mode_t mode, int want)
{
    mode_t bits = mode;

    if (who->uid == 0) {
        bits = R_OK | W_OK;
        if ((mode & S_IFMT) == S_IFDIR || (mode & 0111))
            bits |= X_OK;
    } else if (who->uid == uid) {
        bits = mode >> 6;
    } else if (in_group(who, gid)) {
        bits = mode >> 3;
    }
    return ((mode_t)want & ~bits & 7) == 0;
}

int
fs_may_publish(const struct conf *c, uid_t owner, uid_t uid)
{
    if (c->ro || c->publish == CONF_PUBLISH_OFF)
        return -EPERM;
    if (c->publish == CONF_PUBLISH_ALL)
        return c->publish_to.count ? 0 : -EPERM;
    return uid == owner || uid == 0 ? 0 : -EPERM;
}

/* The hex mask of a line "name:\t%016x", 0 if there is none. */
static uint64_t
status_mask(const char *status, const char *name)
{
    const char *at = strstr(status, name);

    return at ? strtoull(at + strlen(name), NULL, 16) : 0;
}

static bool
in_mask(uint64_t mask, int sig)
{
    return mask >> (sig - 1) & 1;
}

bool
fs_status_fatal(const char *status)
{
    static const int harmless[] = {SIGCHLD, SIGCONT, SIGURG,  SIGWINCH,
                                   SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
    static const int stopping[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    uint64_t pending, caught = status_mask(status, "\nSigCgt:");
    uint64_t ask = 0;
    size_t i;

    pending =
        status_mask(status, "\nSigPnd:") | status_mask(status, "\nShdPnd:");
    if (in_mask(pending, SIGKILL))
        return true;
    pending &= ~status_mask(status, "\nSigBlk:");
    pending &= ~status_mask(status, "\nSigIgn:");
    for (i = 0; i < ARRAY_SIZE(stopping); i++)
        ask |= UINT64_C(1) << (stopping[i] - 1);
    for (i = 0; i < ARRAY_SIZE(harmless); i++)
        pending &= ~(UINT64_C(1) << (harmless[i] - 1));
    return (pending & (~caught | ask)) != 0;
}

/* Keeps the signal lines only: "Groups:" may be long. */
static void
read_status(FILE *f, char *out, size_t size)
{
    CLEANUP_FREE char *line = NULL;
    size_t cap = 0, at = 1;
    ssize_t n;

    strcpy(out, "\n");
    while ((n = getline(&line, &cap, f)) > 0) {
        if (strncmp(line, "Sig", 3) != 0 && strncmp(line, "Shd", 3) != 0)
            continue;
        if (at + (size_t)n >= size)
            return;
        memcpy(out + at, line, (size_t)n + 1);
        at += (size_t)n;
    }
}

bool
fs_signal_fatal(pid_t pid)
{
    char path[64], text[1024];
    FILE *f;

    if (pid <= 0)
        return true;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    f = fopen(path, "re");
    if (!f)
        return true;
    read_status(f, text, sizeof(text));
    fclose(f);
    return fs_status_fatal(text);
}

int
fs_xattr_size(size_t len, size_t size, bool changes, bool *ret_probe,
              size_t *ret_size)
{
    if (size != 0 && size < len)
        return -ERANGE;
    *ret_probe = size == 0;
    *ret_size = len;
    if (size == 0 && changes)
        *ret_size = min_u64(len + FS_XATTR_SLACK, max_u64(len, FS_XATTR_MAX));
    return 0;
}

int
fs_read_errno(int r)
{
    switch (r) {
    case 0:
        return 0;
    case -EAGAIN:
    case -ENOSYS:
    case -ERANGE:
    case -ECANCELED:
    case -EPIPE:
        return EIO;
    case -EOVERFLOW:
    case -EMSGSIZE:
        return EFBIG;
    default:
        return r < 0 && r > -512 ? -r : EIO; /* beyond is the kernel's */
    }
}

int
fs_xattr_errno(int r)
{
    switch (r) {
    case -ESTALE:
    case -ECANCELED:
        return ECANCELED;
    case -ERANGE:
        return ERANGE;
    case -ENOSYS:
        return EOPNOTSUPP;
    default:
        return fs_read_errno(r);
    }
}

int
fs_name_check(size_t prefix_len, const char *name)
{
    size_t len = strlen(name);

    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        memchr(name, '/', len))
        return -ENOENT;
    /* No key is longer, so nothing can be below. */
    return prefix_len + len + 1 > FS_PREFIX_MAX ? -ENOENT : 0;
}
