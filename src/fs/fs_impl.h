/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of fs/ share, grouped by the file that has it.
 *
 * Threads: libfuse's workers read requests and start operations; the
 * answer comes from the completion, on whatever thread that runs on.  One
 * helper thread does what may wait for the kernel (notifications, sysfs);
 * one waits for signals.
 */
#ifndef S3ZIPFS_FS_IMPL_H
#define S3ZIPFS_FS_IMPL_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "fs/fs.h"
#include "fs/fs_inode.h"
#include "fs/fs_rules.h"
#include "net/net.h"

struct buf;
struct fs_call;

/* A job for the helper thread. */
struct fs_task {
    struct fs_task *next;
    uint64_t parent;      /* node whose archive name is to be looked up
                             again; 0: raise the read-ahead instead */
    struct fs_call *call; /* answered with success afterwards, or NULL */
};

struct fs_helper {
    pthread_mutex_t lock; /* all below */
    pthread_cond_t wake;
    pthread_t thread;
    bool running, stop;
    struct fs_task *first, **last;
};

/* What the kernel holds open.  A daemon that leaves before its mount does
 * hears of no release. */
struct fs_open {
    struct fs_open *prev, *next;
    void (*close)(struct fs_open *o);
};

struct fs {
    struct fs_deps d;
    struct fs_table nodes;
    struct fuse_session *se;
    char *mountpoint;
    bool mounted;
    int last_fd; /* a second one of /dev/fuse, -1 = none: auto_unmount */

    /* What every node looks like; constant. */
    uid_t uid;
    gid_t gid;
    mode_t file_mode, dir_mode; /* with S_IFMT */
    struct timespec born;
    uint64_t born_ms; /* net_now_ms */
    size_t root_len;

    pthread_mutex_t lock; /* calls and their fields, live, stopping, opens */
    pthread_cond_t idle;  /* live became 0 */
    struct fs_call *calls;
    unsigned live;
    bool stopping;
    struct fs_open opens; /* ring of open files and directories */

    struct fs_helper helper;
    _Atomic(uint64_t) lookups; /* of archives */
    atomic_bool loop_done;
    atomic_bool shadow_told;
    pthread_t main_thread;
};

/* Times out never: the attributes of a layout are constant. */
#define FS_FOREVER 1e9
/* Names that are not there, seconds at most. */
#define FS_NEGATIVE 5.0

/* ----------------------------------------------------------- fs_call.c */

/* A request that is answered later.  Its end is asked for by a fatal
 * signal of its caller (-EINTR) or by the daemon's (-ECONNABORTED). */
typedef void fs_cancel_fn(struct fs_call *c, uint64_t id);
struct fs_file;
struct fs_xattr;
struct fs_call {
    struct fs *fs;
    fuse_req_t req;
    struct fs_node *node; /* referenced */
    struct fs_call *prev, *next;
    pid_t pid;
    unsigned refs;
    bool done, asked, polled;
    int why;              /* set before asked; then constant */
    unsigned stage;       /* counts the operations of this call */
    uint64_t id;          /* of the operation under way; 0 = not known */
    fs_cancel_fn *cancel; /* ends it early */
    uint64_t timer;

    /* What the operations keep in it; freed with it. */
    char *text; /* lookup: prefix; setxattr: value */
    size_t text_len;
    size_t size; /* getxattr: room */
    const struct fs_xattr *xattr;
    struct fs_file *file;     /* read */
    struct fuse_file_info fi; /* opendir */
    struct reader *reader;
    struct publish_job *job;
    bool owns; /* this call started the job */
    bool busy; /* node->busy was counted up for it */
};

/* NULL if the request is answered already (unknown node, stopping, no
 * memory). */
struct fs_call *fs_call_new(struct fs *f, fuse_req_t req, fuse_ino_t ino);
/* Brackets the start of a cancellable operation: s = fs_call_stage(c, fn);
 * id = start(...); fs_call_armed(c, s, id).  The call stays valid in
 * between whatever the completion does. */
unsigned fs_call_stage(struct fs_call *c, fs_cancel_fn *cancel);
void fs_call_armed(struct fs_call *c, unsigned stage, uint64_t id);
/* Before a reply that is not fs_call_err: no interrupt comes any more. */
void fs_call_close(struct fs_call *c);
/* After it. */
void fs_call_put(struct fs_call *c);
/* Replies -r (mapped for reads, or for xattrs if c->xattr) and ends the
 * call.  e may be NULL; what is not routine is logged. */
void fs_call_err(struct fs_call *c, int r, const struct err *e);
/* The job that the call waits for; owns: it started it, so its end is the
 * job's end. */
void fs_call_job(struct fs_call *c, struct publish_job *j, bool owns);
/* May the job go on without c?  True if c does not own it, or if another
 * live call waits for it too: that one owns it from here on. */
bool fs_call_leave_job(struct fs_call *c);
/* Nobody owns j any more: it was asked for asynchronously. */
void fs_calls_disown(struct fs *f, const struct publish_job *j);
/* Refuses new calls, ends those under way with why, and waits for them: 0,
 * or -ETIMEDOUT. */
int fs_calls_stop(struct fs *f, int why);
/* The caller of req, with room for its groups. */
struct fs_caller {
    struct fs_who who;
    gid_t group[64];
};
void fs_caller_get(struct fs_caller *ret, fuse_req_t req, bool groups);
bool fs_node_allows(struct fs *f, const struct fs_node *n, fuse_req_t req,
                    int want);

/* --------------------------------------------------------- fs_lookup.c */

void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count);
void fs_forget_multi(fuse_req_t req, size_t count,
                     struct fuse_forget_data *forgets);
void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_access(fuse_req_t req, fuse_ino_t ino, int mask);
void fs_stat_dir(const struct fs *f, uint64_t number, struct stat *st);
void fs_stat_archive(const struct fs *f, uint64_t number,
                     const struct layout *l, struct stat *st);
/* A reference to the layout of an archive. */
struct layout *fs_node_layout(struct fs *f, struct fs_node *n);

/* --------------------------------------------------------- fs_opens.c */

void fs_opens_init(struct fs *f);
void fs_opens_add(struct fs *f, struct fs_open *o);
void fs_opens_remove(struct fs *f, struct fs_open *o);
size_t fs_opens_count(struct fs *f);
/* Closes what is left. */
void fs_opens_free(struct fs *f);

/* ------------------------------------------------------------ fs_dir.c */

void fs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                struct fuse_file_info *fi);
void fs_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* ----------------------------------------------------------- fs_file.c */

void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
             struct fuse_file_info *fi);
void fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_file_put(struct fs_file *file);
/* The reader of l, shared by all who read l; referenced.  0 or -errno. */
int fs_reader(struct fs *f, struct layout *l, struct reader **ret);

/* ---------------------------------------------------------- fs_xattr.c */

/* How fs_attributes[] are answered. */
struct fs_xattr {
    bool changes; /* between two calls */
    bool layout;  /* the value needs one; else l is NULL */
    /* The value, or NULL. */
    int (*text)(struct fs *f, const struct fs_node *n, struct layout *l,
                struct buf *out);
    /* What answers a get itself; and a set.  NULL: it has none. */
    void (*get)(struct fs_call *c);
    void (*set)(struct fs_call *c);
};
void fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
                 size_t size);
void fs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
                 const char *value, size_t size, int flags);
void fs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void fs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
/* Ends the call with a value. */
void fs_xattr_reply(struct fs_call *c, const struct buf *value);

/* ----------------------------------------------------------- fs_text.c */

int fs_text_digest(struct fs *f, const struct fs_node *n, struct layout *l,
                   struct buf *out);
int fs_text_entries(struct fs *f, const struct fs_node *n, struct layout *l,
                    struct buf *out);
int fs_text_skipped(struct fs *f, const struct fs_node *n, struct layout *l,
                    struct buf *out);
int fs_text_stats(struct fs *f, const struct fs_node *n, struct layout *l,
                  struct buf *out);
int fs_text_status(struct fs *f, const struct fs_node *n, struct layout *l,
                   struct buf *out);

/* The same lines as user.s3zipfs.stats, to the log. */
void fs_stats_log(struct fs *f);

/* -------------------------------------------------------- fs_publish.c */

void fs_publish_set(struct fs_call *c);       /* user.publish */
void fs_publish_set_async(struct fs_call *c); /* user.publish.async */
void fs_publish_get_wait(struct fs_call *c);
void fs_publish_get_plan(struct fs_call *c);
void fs_publish_set_invalidate(struct fs_call *c);
/* setfattr -x: cancels the directory's running jobs; their number. */
unsigned fs_publish_cancel_all(struct fs *f, const struct fs_node *n);

/* --------------------------------------------------------- fs_helper.c */

int fs_helper_start(struct fs *f);
/* Runs what is queued, then ends. */
void fs_helper_stop(struct fs *f);
/* The kernel is to look the archive's name in this directory up again;
 * then call (may be NULL) is answered. */
void fs_notify_archive(struct fs *f, const char *prefix, size_t len,
                       struct fs_call *call);
/* Queues that, where it is wanted. */
void fs_raise_read_ahead(struct fs *f);

/* ------------------------------------------------------------ fs_ops.c */

extern const struct fuse_lowlevel_ops fs_ops;

#endif
