/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The helper thread: what may wait for the kernel, or even for our own
 * answers.  A notification waits for the directory's lock, which somebody
 * whose lookup is pending here may hold.
 */
#include "fs/fs_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"

#define READ_AHEAD MIB(16)

/* The kernel offers 128 KiB at INIT and lets no daemon raise it there
 * (Documentation/ABI/testing/sysfs-class-bdi).  It knows the device's number
 * without asking us: a thread of ours that waits for our own answer keeps a
 * killed process, and its mount, for ever. */
static void
raise_now(struct fs *f)
{
    uint64_t bytes = min_u64(READ_AHEAD, f->d.conf->memory / 8);
    CLEANUP_CLOSE int fd = -1;
    char path[80], text[24];
    struct statx st;
    int n;

    if (statx(AT_FDCWD, f->mountpoint, AT_STATX_DONT_SYNC, 0, &st) < 0)
        return;
    snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb",
             st.stx_dev_major, st.stx_dev_minor);
    n = snprintf(text, sizeof(text), "%llu\n",
                 (unsigned long long)(bytes >> 10));
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, (size_t)n) != n)
        log_info("read-ahead stays at the kernel's value: %s: %s", path,
                 strerror(errno));
    else
        log_debug("%s: %.*s", path, n - 1, text);
}

static void
run(struct fs *f, struct fs_task *t)
{
    const char *name = f->d.conf->name;

    if (t->parent)
        fuse_lowlevel_notify_inval_entry(f->se, t->parent, name, strlen(name));
    else if (!t->call)
        raise_now(f);
    if (t->call)
        fs_call_err(t->call, 0, NULL);
    free(t);
}

static void *
helper_main(void *user)
{
    struct fs *f = user;
    struct fs_helper *h = &f->helper;
    struct fs_task *t;

    pthread_mutex_lock(&h->lock);
    for (;;) {
        while (!h->first && !h->stop)
            pthread_cond_wait(&h->wake, &h->lock);
        t = h->first;
        if (!t)
            break;
        h->first = t->next;
        if (!h->first)
            h->last = &h->first;
        pthread_mutex_unlock(&h->lock);
        run(f, t);
        pthread_mutex_lock(&h->lock);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

int
fs_helper_start(struct fs *f)
{
    struct fs_helper *h = &f->helper;
    int r;

    h->stop = false;
    r = pthread_create(&h->thread, NULL, helper_main, f);
    h->running = r == 0;
    return -r;
}

void
fs_helper_stop(struct fs *f)
{
    struct fs_helper *h = &f->helper;
    bool running;

    pthread_mutex_lock(&h->lock);
    running = h->running;
    h->running = false;
    h->stop = true;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
    if (running)
        pthread_join(h->thread, NULL);
}

/* False: the helper has stopped. */
static bool
helper_add(struct fs *f, struct fs_task *t)
{
    struct fs_helper *h = &f->helper;

    LOCK_SCOPE(&h->lock);
    if (h->stop || !h->running)
        return false;
    t->next = NULL;
    *h->last = t;
    h->last = &t->next;
    pthread_cond_signal(&h->wake);
    return true;
}

void
fs_notify_archive(struct fs *f, const char *prefix, size_t len,
                  struct fs_call *call)
{
    struct fs_node *dir = fs_table_find_dir(&f->nodes, prefix, len);
    struct fs_task *t = dir ? calloc(1, sizeof(*t)) : NULL;

    if (t) {
        t->parent = dir->id;
        t->call = call;
    }
    fs_node_put(&f->nodes, dir);
    if (t && helper_add(f, t))
        return;
    free(t);
    if (call) /* no such directory in the kernel either */
        fs_call_err(call, 0, NULL);
}

void
fs_raise_read_ahead(struct fs *f)
{
    struct fs_task *t;

    if (f->d.conf->read_ahead == CONF_NO)
        return;
    t = calloc(1, sizeof(*t));
    if (t && !helper_add(f, t))
        free(t);
}
