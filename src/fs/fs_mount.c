/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The life of a mount: session, INIT, loop, signals, end.
 *
 * The end by a signal: new requests are refused and those under way are
 * ended while the workers still serve (a notification may need their
 * answers), then the loop ends, then the mount goes.
 */
#include "fs/fs_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

enum { WORKERS = 4, KICK_MS = 20, LAST_FD = 256 };

/* Wakes the session loop.  Of the kind that people do not send. */
#define KICK SIGRTMIN

static void
drop_archive(struct layout *l, struct reader *r)
{
    reader_unref(r);
    layout_unref(l);
}

static void
set_owner(struct fs *f)
{
    const struct conf *c = f->d.conf;
    mode_t mask = c->have_umask ? c->umask : 0;

    f->uid = c->have_uid ? c->uid : getuid();
    f->gid = c->have_gid ? c->gid : getgid();
    f->file_mode = S_IFREG | (0444 & ~mask);
    f->dir_mode = S_IFDIR | (0555 & ~mask);
    clock_gettime(CLOCK_REALTIME, &f->born);
    f->born_ms = net_now_ms();
}

int
fs_new(struct fs **ret, const struct fs_deps *d, struct err *e)
{
    struct fs *f = calloc(1, sizeof(*f));
    int r = -ENOMEM;

    if (f)
        r = fs_table_init(&f->nodes, d->root, fs_number, drop_archive);
    if (r < 0) {
        free(f);
        return err_set(e, -r, "out of memory");
    }
    f->d = *d;
    f->last_fd = -1;
    f->root_len = strlen(d->root);
    set_owner(f);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->idle, NULL);
    pthread_mutex_init(&f->helper.lock, NULL);
    pthread_cond_init(&f->helper.wake, NULL);
    f->helper.last = &f->helper.first;
    fs_opens_init(f);
    *ret = f;
    return 0;
}

void
fs_free(struct fs *f)
{
    if (!f)
        return;
    fs_unmount(f);
    if (f->se)
        fuse_session_destroy(f->se);
    fs_opens_free(f);
    fs_table_free(&f->nodes);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->idle);
    pthread_mutex_destroy(&f->helper.lock);
    pthread_cond_destroy(&f->helper.wake);
    free(f->mountpoint);
    free(f);
}

/* ------------------------------------------------------------- mounting */

static void
on_fuse_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
    char text[1024];
    size_t n;

    vsnprintf(text, sizeof(text), fmt, ap);
    n = strlen(text);
    while (n && text[n - 1] == '\n')
        text[--n] = '\0';
    if (n == 0)
        return;
    log_line(level <= FUSE_LOG_ERR       ? LOG_ERROR
             : level <= FUSE_LOG_WARNING ? LOG_WARN
             : level <= FUSE_LOG_INFO    ? LOG_INFO
                                         : LOG_DEBUG,
             "%s", text);
}

/* ",name=value" with libfuse's escapes. */
static int
add_value(struct buf *b, const char *name, const char *value)
{
    int r = buf_addf(b, ",%s=", name);

    for (; *value && r == 0; value++) {
        if (*value == ',' || *value == '\\')
            r = buf_addc(b, '\\');
        if (r == 0)
            r = buf_addc(b, *value);
    }
    return r;
}

static int
mount_options(struct buf *b, const struct conf *c, const char *source)
{
    int r = buf_adds(b, c->ro ? "ro" : "rw");

    if (r == 0 && c->allow_other)
        r = buf_adds(b, ",allow_other");
    if (r == 0 && c->allow_root)
        r = buf_adds(b, ",allow_root");
    if (r == 0 && c->auto_unmount)
        r = buf_adds(b, ",auto_unmount");
    if (r == 0)
        r = add_value(b, "fsname", c->fsname ? c->fsname : source);
    if (r == 0)
        r = add_value(b, "subtype", c->subtype ? c->subtype : "s3zipfs");
    return r;
}

static int
new_session(struct fs *f, const char *source)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    struct buf b = BUF_INIT(8192);
    int r = mount_options(&b, f->d.conf, source);

    if (r == 0 && (fuse_opt_add_arg(&args, "s3zipfs") != 0 ||
                   fuse_opt_add_arg(&args, "-o") != 0 ||
                   fuse_opt_add_arg(&args, buf_str(&b)) != 0))
        r = -ENOMEM;
    if (r == 0 && f->d.conf->debug && fuse_opt_add_arg(&args, "-d") != 0)
        r = -ENOMEM;
    if (r == 0) {
        f->se = fuse_session_new(&args, &fs_ops, sizeof(fs_ops), f);
        r = f->se ? 0 : -EINVAL;
    }
    fuse_opt_free_args(&args);
    buf_free(&b);
    return r;
}

/* fusermount3 waits for the end of a socket, and unmounts if opening the
 * mount point then says ENOTCONN.  Of a process that was killed the kernel
 * lets the files with the highest numbers go first (fs/file.c, close_files;
 * kernel/task_work.c), and libfuse's socket is above its /dev/fuse: for a
 * moment the socket has ended and the mount is alive, the opening waits for
 * an answer, ends with ECONNABORTED, and the mount stays.  So the last
 * /dev/fuse is above the socket. */
static void
keep_until_last(struct fs *f)
{
    f->last_fd = fcntl(fuse_session_fd(f->se), F_DUPFD_CLOEXEC, LAST_FD);
    if (f->last_fd < 0)
        log_debug("auto_unmount: %s", strerror(errno));
}

int
fs_mount(struct fs *f, const char *mountpoint, const char *source,
         struct err *e)
{
    int r;

    fuse_set_log_func(on_fuse_log);
    f->mountpoint = strdup(mountpoint);
    r = f->mountpoint ? new_session(f, source) : -ENOMEM;
    if (r < 0)
        return err_set(e, -r, "cannot start a FUSE session: %s", strerror(-r));
    if (access("/dev/fuse", F_OK) != 0)
        return err_set(e, errno, "no /dev/fuse: is the fuse module loaded?");
    if (access("/dev/fuse", R_OK | W_OK) != 0)
        return err_set(e, errno, "/dev/fuse: %s", strerror(errno));
    errno = 0;
    if (fuse_session_mount(f->se, mountpoint) != 0) {
        r = errno ? errno : EIO;
        return err_set(e, r, "cannot mount on %s: %s", mountpoint,
                       strerror(r));
    }
    f->mounted = true;
    if (f->d.conf->auto_unmount)
        keep_until_last(f);
    return 0;
}

void
fs_unmount(struct fs *f)
{
    if (f->last_fd >= 0)
        close(f->last_fd);
    f->last_fd = -1;
    if (f->mounted)
        fuse_session_unmount(f->se);
    f->mounted = false;
}

/* -------------------------------------------------------------- signals */

static void
on_kick(int sig)
{
    (void)sig; /* only to end the loop's sem_wait with EINTR */
}

static void
signal_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
}

/* The next signal that asks for an end; SIGUSR1 asks for the counters. */
static int
wait_signal(struct fs *f)
{
    sigset_t set;
    int sig = 0;

    signal_set(&set);
    for (;;) {
        if (sigwait(&set, &sig) != 0)
            continue;
        if (sig != SIGUSR1)
            return sig;
        fs_stats_log(f);
    }
}

static void *
signal_main(void *user)
{
    const struct timespec step = {0, KICK_MS * 1000000L};
    struct fs *f = user;
    int sig = wait_signal(f);

    if (atomic_load(&f->loop_done))
        return NULL;
    log_info("signal %d: unmounting", sig);
    fs_calls_stop(f, -ECONNABORTED);
    fs_helper_stop(f);
    fuse_session_exit(f->se);
    while (!atomic_load(&f->loop_done)) {
        pthread_kill(f->main_thread, KICK);
        nanosleep(&step, NULL);
    }
    return NULL;
}

/* ----------------------------------------------------------------- loop */

/* INIT is the first request: taken here, so that ready() means what it
 * says. */
static int
take_init(struct fs *f)
{
    struct fuse_buf b = {0};
    int r = fuse_session_receive_buf(f->se, &b);

    if (r > 0)
        fuse_session_process_buf(f->se, &b);
    free(b.mem);
    return r > 0 ? 0 : r < 0 ? r : -ENODEV;
}

static int
loop(struct fs *f)
{
    struct fuse_loop_config *cfg = fuse_loop_cfg_create();
    int r;

    if (!cfg)
        return -ENOMEM;
    fuse_loop_cfg_set_max_threads(cfg, WORKERS);
    fuse_loop_cfg_set_idle_threads(cfg, WORKERS);
    r = fuse_session_loop_mt(f->se, cfg);
    fuse_loop_cfg_destroy(cfg);
    return r > 0 ? 0 : r; /* a positive one is a signal's number */
}

/* The signals of the set are for signal_main alone; the program blocks
 * them before any thread starts. */
static void
prepare_signals(void)
{
    struct sigaction kick = {.sa_handler = on_kick};
    sigset_t set, kicks;

    signal_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(KICK, &kick, NULL);
    sigemptyset(&kicks);
    sigaddset(&kicks, KICK);
    pthread_sigmask(SIG_UNBLOCK, &kicks, NULL);
}

static int
serve(struct fs *f, void (*ready)(void *user), void *user)
{
    pthread_t signals;
    int r = -pthread_create(&signals, NULL, signal_main, f);

    if (r < 0)
        return r;
    ready(user);
    fs_raise_read_ahead(f);
    r = loop(f);
    atomic_store(&f->loop_done, true);
    pthread_kill(signals, SIGTERM);
    pthread_join(signals, NULL);
    return r;
}

int
fs_run(struct fs *f, void (*ready)(void *user), void *user, struct err *e)
{
    int r;

    f->main_thread = pthread_self();
    prepare_signals();
    r = take_init(f);
    if (r == 0)
        r = fs_helper_start(f);
    if (r == 0)
        r = serve(f, ready, user);
    if (fs_calls_stop(f, -ECONNABORTED) < 0)
        return err_set(e, ETIMEDOUT, "requests do not end");
    fs_helper_stop(f);
    return r < 0 ? err_set(e, -r, "FUSE: %s", strerror(-r)) : 0;
}
