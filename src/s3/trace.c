/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * trace=FILE: lines on their way to the file.  Must not know what is in
 * them: trace_line.c does.
 *
 * Threads: a loop thread makes a line and adds it to `fill` under the lock;
 * the worker of net takes all of `fill` at a time and writes it with one
 * write(2) of whole lines, so that several processes may append to one
 * file.  What does not fit is dropped, counted and said: the loops never
 * wait for a disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "s3/call.h"

enum { FILL_MAX = 4 * 1024 * 1024 };

struct s3_trace {
    struct net *net;
    int fd;
    pthread_mutex_t lock;    /* what follows */
    struct buf fill;         /* whole lines that nobody has taken */
    uint64_t lost;           /* lines not said yet */
    uint64_t lines, dropped; /* in all */
    bool draining;
    /* The drain's alone: */
    struct buf out;
    bool torn; /* the file ends within a line */
    bool told;
};

/* ------------------------------------------------------------ the drain */

static void
say_lost(struct s3_trace *t, uint64_t lost)
{
    struct emit w = {.out = &t->out};
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    s3_trace_time(&w, &now);
    emit_u64(&w, "dropped", lost);
    emit_end(&w, '}');
    emit_finish(&w);
    if (!t->told)
        log_warn("trace: the disk is too slow: %llu lines dropped (told "
                 "once; the trace and user.s3zipfs.stats count on)",
                 (unsigned long long)lost);
    t->told = true;
}

/* False: nothing is left, and the next line has to start a drain. */
static bool
take(struct s3_trace *t)
{
    struct buf empty = t->out;
    uint64_t lost;

    pthread_mutex_lock(&t->lock);
    lost = t->lost;
    t->draining = t->fill.len > 0 || lost > 0;
    if (t->draining) {
        t->out = t->fill;
        t->out.max = FILL_MAX + 256; /* room for say_lost */
        t->fill = empty;
        t->fill.max = FILL_MAX;
        t->lost = 0;
    }
    pthread_mutex_unlock(&t->lock);
    if (lost > 0)
        say_lost(t, lost);
    return t->out.len > 0;
}

static uint64_t
lines_in(const char *p, size_t n)
{
    uint64_t lines = 0;
    const char *end = p + n;

    while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        lines++;
        p++;
    }
    return lines;
}

static void
failed(struct s3_trace *t, size_t done, int err)
{
    uint64_t lost = lines_in(t->out.data + done, t->out.len - done);

    t->torn = done > 0 ? t->out.data[done - 1] != '\n' : t->torn;
    if (!t->told)
        log_warn("trace: cannot write: %s (told once)", strerror(err));
    t->told = true;
    LOCK_SCOPE(&t->lock);
    t->dropped += lost;
    t->lines -= min_u64(lost, t->lines);
}

static void
write_out(struct s3_trace *t)
{
    size_t done = 0;
    ssize_t n;

    if (t->torn && write(t->fd, "\n", 1) == 1)
        t->torn = false;
    while (done < t->out.len) {
        n = write(t->fd, t->out.data + done, t->out.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            failed(t, done, n < 0 ? errno : EIO);
            break;
        }
        done += (size_t)n;
    }
    buf_reset(&t->out);
}

static void
drain(void *user)
{
    struct s3_trace *t = user;

    while (take(t))
        write_out(t);
}

/* ------------------------------------------------------------- outside */

/* True: a drain is to be started. */
static bool
add(struct s3_trace *t, const struct buf *line)
{
    bool idle;

    LOCK_SCOPE(&t->lock);
    if (line->len == 0 || buf_add(&t->fill, line->data, line->len) < 0) {
        t->lost++;
        t->dropped++;
    } else {
        t->lines++;
    }
    idle = !t->draining;
    t->draining = true;
    return idle;
}

void
s3_trace_exchange(struct s3_trace *t, const struct s3_call *c,
                  const struct net_response *r)
{
    CLEANUP_BUF struct buf line = BUF_INIT(S3_TRACE_LINE_MAX);

    if (!t)
        return;
    if (s3_trace_line(&line, c, r) < 0)
        buf_reset(&line);
    if (add(t, &line))
        net_work(t->net, drain, t);
}

void
s3_trace_counts(struct s3_trace *t, uint64_t *ret_lines, uint64_t *ret_dropped)
{
    if (!t)
        return;
    LOCK_SCOPE(&t->lock);
    *ret_lines = t->lines;
    *ret_dropped = t->dropped;
}

int
s3_trace_open(struct s3_trace **ret, struct net *n, const char *path,
              struct err *e)
{
    struct s3_trace *t = calloc(1, sizeof(*t));

    if (!t)
        return err_set(e, ENOMEM, "out of memory");
    /* Not blocking: a pipe without a reader is an error, not a wait. */
    t->fd =
        open(path,
             O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
             0600);
    if (t->fd < 0) {
        int err = errno;

        free(t);
        return err_set(e, err, "cannot open the trace file %s: %s", path,
                       strerror(err));
    }
    t->net = n;
    t->fill = BUF_INIT(FILL_MAX);
    t->out = BUF_INIT(FILL_MAX);
    pthread_mutex_init(&t->lock, NULL);
    *ret = t;
    return 0;
}

void
s3_trace_close(struct s3_trace *t)
{
    if (!t)
        return;
    drain(t);
    buf_free(&t->fill);
    buf_free(&t->out);
    pthread_mutex_destroy(&t->lock);
    close(t->fd);
    free(t);
}
