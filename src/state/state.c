/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The state file: where it is, how it is opened, and that trouble with it
 * never stops anything.  Called by cmd, and by whoever has a table in it;
 * calls SQLite.
 */
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "net/net.h"
#include "state/impl.h"

enum { STATE_BUSY_MS = 5000 };

void
state_warn(struct state *st, const char *what, const char *why)
{
    if (atomic_exchange(&st->warned, true))
        return;
    log_warn("state file: %s: %s (going on without)", what, why);
}

/* Every missing component, private to the user. */
static int
make_dirs(const char *dir)
{
    CLEANUP_FREE char *path = strdup(dir);
    char *p;

    if (!path)
        return -ENOMEM;
    for (p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return -errno;
        *p = '/';
    }
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -errno;
    return 0;
}

/* A directory that others can write to could be given a file of theirs. */
static int
check_dir(int fd)
{
    struct stat sb;

    if (fstat(fd, &sb) < 0)
        return -errno;
    if (sb.st_uid != geteuid() || (sb.st_mode & 022))
        return -EPERM;
    return 0;
}

/* WAL needs memory shared between the processes, so not over a network
 * (https://www.sqlite.org/wal.html, "Overview").  Magics: statfs(2). */
static bool
on_network(int fd)
{
    static const unsigned long magic[] = {
        0x6969,                             /* NFS */
        0x517b,     0xff534d42, 0xfe534d42, /* SMB, CIFS, SMB2 */
        0x65735546,                         /* FUSE */
        0x00c36400,                         /* CEPH */
        0x5346414f, 0x6b414653,             /* AFS */
        0x01021997,                         /* 9P */
        0x0bd00bd0,                         /* Lustre */
        0x47504653,                         /* GPFS */
        0x7461636f, 0x01161970,             /* OCFS2, GFS2 */
        0x73757245,                         /* Coda */
    };
    struct statfs sf;
    size_t i;

    if (fstatfs(fd, &sf) < 0)
        return true;
    for (i = 0; i < ARRAY_SIZE(magic); i++)
        if ((uint32_t)sf.f_type == magic[i])
            return true;
    return false;
}

static int
run_sql(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int
open_db(sqlite3 **ret, const char *path, bool network)
{
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_NOFOLLOW;
    int r = sqlite3_open_v2(path, ret, flags, NULL);

    if (r != SQLITE_OK)
        return r;
    sqlite3_busy_timeout(*ret, STATE_BUSY_MS);
    /* A journal mode that cannot be had is not an error: what matters is
     * that WAL is not asked for where it is unsafe. */
    run_sql(*ret, network ? "PRAGMA journal_mode = DELETE"
                          : "PRAGMA journal_mode = WAL");
    run_sql(*ret, "PRAGMA synchronous = NORMAL");
    /* One kept layout may be 64 MiB: the log of it need not stay. */
    run_sql(*ret, "PRAGMA journal_size_limit = 4194304");
    run_sql(*ret, "PRAGMA foreign_keys = ON");
    return state_make_schema(*ret);
}

/* The file is made here, not by SQLite, so that it is private from its
 * first moment; its -wal and -journal inherit the mode. */
static int
make_file(int dir_fd)
{
    CLEANUP_CLOSE int fd =
        openat(dir_fd, "state.sqlite",
               O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat sb;

    if (fd < 0 || fstat(fd, &sb) < 0)
        return -errno;
    if (!S_ISREG(sb.st_mode) || sb.st_uid != geteuid())
        return -EPERM;
    if ((sb.st_mode & 077) && fchmod(fd, 0600) < 0)
        return -errno;
    return 0;
}

/* *ret_fd: of the folder. */
static int
prepare_dir(const char *dir, int *ret_fd)
{
    CLEANUP_CLOSE int fd = -1;
    int r = make_dirs(dir);

    if (r < 0)
        return r;
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = check_dir(fd);
    if (r == 0)
        r = make_file(fd);
    if (r < 0)
        return r;
    *ret_fd = fd;
    fd = -1;
    return 0;
}

static void
open_in(struct state *st, const char *dir)
{
    CLEANUP_FREE char *real = NULL;
    CLEANUP_BUF struct buf path = BUF_INIT(8192);
    CLEANUP_CLOSE int fd = -1;
    int r = prepare_dir(dir, &fd);

    /* SQLITE_OPEN_NOFOLLOW refuses a link anywhere in the path. */
    if (r == 0 && !(real = realpath(dir, NULL)))
        r = -errno;
    if (r < 0 || buf_addf(&path, "%s/state.sqlite", real) < 0) {
        state_warn(st, dir, strerror(r < 0 ? -r : ENOMEM));
        return;
    }
    r = open_db(&st->db, buf_str(&path), on_network(fd));
    if (r == SQLITE_OK) {
        st->dir = fd;
        fd = -1;
        return;
    }
    state_warn(st, buf_str(&path),
               r == SQLITE_MISMATCH ? "written by a newer version"
                                    : sqlite3_errstr(r));
    sqlite3_close(st->db);
    st->db = NULL;
}

void
state_open(struct state **ret, const char *dir)
{
    struct state *st = calloc(1, sizeof(*st));

    *ret = st;
    if (!st)
        return;
    pthread_mutex_init(&st->lock, NULL);
    st->dir = -1;
    if (dir && *dir)
        open_in(st, dir);
}

void
state_close(struct state *st)
{
    if (!st)
        return;
    sqlite3_close(st->db);
    if (st->dir >= 0)
        close(st->dir);
    pthread_mutex_destroy(&st->lock);
    free(st);
}

bool
state_has_file(struct state *st)
{
    return st && st->db;
}

struct sqlite3 *
state_lock(struct state *st)
{
    if (!st || !st->db)
        return NULL;
    pthread_mutex_lock(&st->lock);
    return st->db;
}

void
state_unlock(struct state *st)
{
    if (st && st->db)
        pthread_mutex_unlock(&st->lock);
}
