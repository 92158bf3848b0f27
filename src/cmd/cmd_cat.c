/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip cat: writes the archive, or a range of it.  Several reads are in
 * flight; their views are written in order, without another copy.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "net/scope.h"

enum { DEPTH = 8 };

/* A read, from read_range to its write. */
struct slot {
    struct scope_wait wait;
    uint64_t id, length;
    struct read_view *view;
    int r;
    struct err err;
};

struct cat {
    struct read_stream *stream;
    struct slot slot[DEPTH]; /* used round robin */
    uint64_t next, end;      /* what is not asked for yet */
    uint64_t chunk;
    int fd;
    const char *name; /* of the output */
};

static void
on_read(void *user, int r, struct read_view *v, const struct err *e)
{
    struct slot *s = user;

    s->r = r;
    s->view = v;
    if (r < 0 && e)
        s->err = *e;
    scope_wait_done(&s->wait);
}

static void
ask(struct cat *c, struct slot *s)
{
    uint64_t first = c->next;

    *s = (struct slot){.length = min_u64(c->chunk, c->end - first)};
    c->next += s->length;
    scope_wait_begin(&s->wait, NULL, NULL, NULL);
    s->id = read_range(c->stream, first, s->length, 0, on_read, s);
}

/* -------------------------------------------------------------- output */

static int
output_failed(const struct cat *c, int err, struct err *e)
{
    return err_set(e, err, "%s: %s", c->name, strerror(err));
}

/* Moves past n bytes that were written. */
static void
advance(struct iovec *iov, int *count, int *at, size_t n)
{
    while (*at < *count && n >= iov[*at].iov_len)
        n -= iov[(*at)++].iov_len;
    if (n > 0) {
        iov[*at].iov_base = (char *)iov[*at].iov_base + n;
        iov[*at].iov_len -= n;
    }
}

static int
write_some(const struct cat *c, struct iovec *iov, int count, struct err *e)
{
    int at = 0;
    ssize_t n;

    while (at < count) {
        n = writev(c->fd, iov + at, count - at);
        if (n < 0 && errno == EAGAIN)
            poll(&(struct pollfd){.fd = c->fd, .events = POLLOUT}, 1, -1);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return output_failed(c, n < 0 ? errno : EIO, e);
        advance(iov, &count, &at, (size_t)n);
    }
    return 0;
}

static int
write_view(const struct cat *c, const struct read_view *v, struct err *e)
{
    struct iovec iov[IOV_MAX];
    int first, n, r = 0;

    for (first = 0; first < v->count && r == 0; first += n) {
        n = v->count - first < IOV_MAX ? v->count - first : IOV_MAX;
        memcpy(iov, v->iov + first, (size_t)n * sizeof(*iov));
        r = write_some(c, iov, n, e);
    }
    return r;
}

/* ------------------------------------------------------------ the pipe */

static int
take(struct cat *c, struct slot *s, struct err *e)
{
    int r;

    scope_wait_end(&s->wait);
    if (s->r < 0) {
        *e = s->err;
        return e->num ? s->r : err_set(e, -s->r, "%s", strerror(-s->r));
    }
    if (s->view->length != s->length)
        r = err_set(e, EIO, "short read");
    else
        r = write_view(c, s->view, e);
    read_view_release(s->view);
    return r;
}

/* Nothing may be in flight when the stream goes. */
static void
drop(struct cat *c, struct slot *s)
{
    read_cancel(c->stream, s->id);
    scope_wait_end(&s->wait);
    if (s->view)
        read_view_release(s->view);
}

static int
pump(struct cat *c, struct err *e)
{
    unsigned head = 0, tail = 0; /* slots in flight: [head, tail) */
    int r = 0;

    while (r == 0) {
        while (c->next < c->end && tail - head < DEPTH)
            ask(c, &c->slot[tail++ % DEPTH]);
        if (head == tail)
            break;
        r = take(c, &c->slot[head++ % DEPTH], e);
    }
    for (; head < tail; head++)
        drop(c, &c->slot[head % DEPTH]);
    return r;
}

/* In flight: at most a quarter of the memory, or reads would starve those
 * before them. */
static uint64_t
chunk_size(uint64_t memory)
{
    return min_u64(max_u64(memory / (4 * DEPTH), KIB(64)), MIB(4));
}

static int
copy_range(struct reader *reader, const struct cmd_args *a, int fd,
           const char *name, uint64_t first, uint64_t end, struct err *e)
{
    struct cat c = {
        .next = first,
        .end = end,
        .chunk = chunk_size(a->conf.memory),
        .fd = fd,
        .name = name,
    };
    int r = read_stream_open(&c.stream, reader);

    if (r < 0)
        return err_set(e, -r, "cannot read: %s", strerror(-r));
    r = pump(&c, e);
    read_stream_close(c.stream);
    return r;
}

/* --------------------------------------------------------------- range */

/* "FIRST-LAST" or "FIRST-", both included; *end is behind the last. */
static bool
parse_range(const char *text, uint64_t *first, uint64_t *end)
{
    CLEANUP_FREE char *copy = strdup(text);
    char *dash = copy ? strchr(copy, '-') : NULL;
    uint64_t last = UINT64_MAX - 1;

    if (!dash)
        return false;
    *dash++ = '\0';
    if (!text_parse_u64(first, copy) ||
        (*dash && !text_parse_u64(&last, dash)) || last < *first ||
        last == UINT64_MAX)
        return false;
    *end = last + 1;
    return true;
}

static int
clip_range(const struct layout *l, uint64_t first, uint64_t *end,
           struct err *e)
{
    if (first > 0 && first >= l->zip.size)
        return err_set(e, EINVAL,
                       "the range begins behind the archive's %llu bytes",
                       (unsigned long long)l->zip.size);
    *end = min_u64(*end, l->zip.size);
    return 0;
}

/* ---------------------------------------------------------------- main */

static int
cat_to(const struct cmd_args *a, int fd, const char *name, uint64_t first,
       uint64_t end, struct err *e)
{
    struct reader *reader = NULL;
    struct cmd_session s;
    int r = cmd_open(&s, a, e);

    if (r < 0)
        return r;
    r = cmd_open_reader(&s, a->root, &reader, e);
    if (r == 0)
        r = clip_range(reader_layout(reader), first, &end, e);
    if (r == 0)
        r = copy_range(reader, a, fd, name, first, end, e);
    reader_unref(reader);
    cmd_session_close(&s);
    return r;
}

/* A file that is not whole is taken away again. */
static int
cat_to_file(const struct cmd_args *a, uint64_t first, uint64_t end,
            struct err *e)
{
    int fd = open(a->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    struct stat st;
    int r;

    if (fd < 0)
        return err_set(e, errno, "%s: %s", a->output, strerror(errno));
    r = cat_to(a, fd, a->output, first, end, e);
    if (r < 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        unlink(a->output);
    if (close(fd) < 0 && r == 0)
        r = err_set(e, errno, "%s: %s", a->output, strerror(errno));
    return r;
}

static int
run(struct cmd_args *a)
{
    uint64_t first = 0, end = UINT64_MAX;
    struct err e = {0};
    int r;

    if (a->range && !parse_range(a->range, &first, &end))
        return cmd_usage_error(&cmd_cat, "--range is FIRST-LAST");
    if (a->output && strcmp(a->output, "-") == 0)
        a->output = NULL;
    if (!a->output && isatty(STDOUT_FILENO))
        return cmd_usage_error(&cmd_cat,
                               "no archive to a terminal: use -o FILE");
    r = a->output
            ? cat_to_file(a, first, end, &e)
            : cat_to(a, STDOUT_FILENO, "standard output", first, end, &e);
    return r < 0 ? cmd_fail(&e) : CMD_DONE;
}

static const char *const flags[] = {"range", "output", NULL};

const struct command cmd_cat = {
    .name = "cat",
    .synopsis = "s3://BUCKET[/PREFIX] [--range FIRST-LAST] [-o FILE]",
    .summary = "Write the archive to a file or standard output.",
    .flags = flags,
    .min = 1,
    .max = 1,
    .url = true,
    .run = run,
};
