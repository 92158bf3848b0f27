/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A relay on loopback that hands on every byte a given time after it came,
 * either way.  Bytes stay in the kernel: socket, pipe, socket, by
 * splice(2), because a proxy that copies them takes the cores that the
 * measured programs need.  What it holds is bounded by HELD_MAX each way of
 * a connection, which is 2.5 GB/s at 25 ms.  Must not know HTTP.
 *
 * usage: delay PORT SERVER_PORT MS     (stays in the foreground)
 *
 * One thread, which looks at all connections at most once a TICK: a delay
 * is exact to that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PIPE_SIZE = 1 << 20,
    SPLICE_MOST = 1 << 20,
    HELD_MAX = 64 << 20,
    MARKS = 4096, /* times of arrival that one way remembers */
    EVENTS = 256,
    TICK_US = 500,
};

/* A pipe and what is in it. */
struct tube {
    int in, out;
    size_t held;
    TAILQ_ENTRY(tube) link;
};
TAILQ_HEAD(tubes, tube);

/* So many bytes are due then; 0: the end. */
struct mark {
    uint64_t due_us;
    size_t bytes;
};

/* One way of a connection. */
struct way {
    int from, to;
    bool readable, writable, ended, closed; /* ended: read; closed: told */
    size_t held;
    struct tubes tubes; /* filled at the end, emptied at the beginning */
    struct mark mark[MARKS];
    unsigned first, count; /* of mark[], a ring */
};

/* What an epoll event is of. */
struct end {
    struct way *in, *out; /* the socket is read for and written for */
};

struct connection {
    struct way up, down;
    struct end near, far;
    LIST_ENTRY(connection) link;
};

static LIST_HEAD(, connection) connections;
static struct tubes spare = TAILQ_HEAD_INITIALIZER(spare);
static uint64_t delay_us;
static int epoll_fd;

static uint64_t
now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* --------------------------------------------------------------- tubes */

static struct tube *
tube_new(void)
{
    struct tube *t = TAILQ_FIRST(&spare);
    int fd[2];

    if (t) {
        TAILQ_REMOVE(&spare, t, link);
        return t;
    }
    t = calloc(1, sizeof(*t));
    if (!t || pipe2(fd, O_NONBLOCK | O_CLOEXEC) < 0) {
        free(t);
        return NULL;
    }
    /* Refused to users that have many: then it is small, and there are
     * more of them. */
    fcntl(fd[1], F_SETPIPE_SZ, PIPE_SIZE);
    t->out = fd[0];
    t->in = fd[1];
    return t;
}

static void
tube_free(struct tube *t)
{
    if (t->held == 0) {
        TAILQ_INSERT_HEAD(&spare, t, link);
        return;
    }
    close(t->in);
    close(t->out);
    free(t);
}

/* ---------------------------------------------------------------- ways */

static void
way_mark(struct way *w, uint64_t due_us, size_t bytes)
{
    unsigned last = (w->first + w->count - 1) % MARKS;

    if (w->count && bytes && w->mark[last].due_us == due_us) {
        w->mark[last].bytes += bytes;
        return;
    }
    w->mark[(w->first + w->count) % MARKS] = (struct mark){due_us, bytes};
    w->count++;
}

static bool
has_room(const struct way *w)
{
    return w->held < HELD_MAX && w->count < MARKS - 1;
}

static int
waiting_bytes(int fd)
{
    int n = 0;

    return ioctl(fd, FIONREAD, &n) < 0 ? 0 : n;
}

/* The tube to fill; more: the last one is full. */
static struct tube *
last_tube(struct way *w, bool more)
{
    struct tube *t = TAILQ_LAST(&w->tubes, tubes);

    if (t && !more)
        return t;
    t = tube_new();
    if (t)
        TAILQ_INSERT_TAIL(&w->tubes, t, link);
    return t;
}

/* All that came.  False: the connection broke. */
static bool
way_fill(struct way *w, uint64_t now)
{
    bool more = false;
    struct tube *t;
    ssize_t n;

    while (w->readable && !w->ended && has_room(w)) {
        t = last_tube(w, more);
        if (!t)
            return false;
        n = splice(w->from, NULL, t->in, NULL, SPLICE_MOST,
                   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        more = false;
        if (n > 0) {
            t->held += (size_t)n;
            w->held += (size_t)n;
        } else if (n == 0) {
            w->ended = true;
        } else if (errno == EAGAIN) {
            /* of the socket, which is empty, or of the tube, which is
             * full */
            more = waiting_bytes(w->from) > 0;
            w->readable = more;
            more = more && t->held > 0;
            continue;
        } else if (errno != EINTR) {
            return false;
        }
        if (n >= 0)
            way_mark(w, now + delay_us, (size_t)n);
    }
    return true;
}

/* Hands on at most n bytes: how many, 0: not now, -1: it broke. */
static ssize_t
way_send(struct way *w, size_t n)
{
    struct tube *t = TAILQ_FIRST(&w->tubes);
    ssize_t sent = splice(t->out, NULL, w->to, NULL, n < t->held ? n : t->held,
                          SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

    if (sent < 0 && errno == EINTR)
        return 0;
    if (sent < 0 && errno == EAGAIN) {
        w->writable = false;
        return 0;
    }
    if (sent <= 0)
        return -1;
    t->held -= (size_t)sent;
    w->held -= (size_t)sent;
    if (t->held == 0) {
        TAILQ_REMOVE(&w->tubes, t, link);
        tube_free(t);
    }
    return sent;
}

/* All that is due.  False: the connection broke. */
static bool
way_drain(struct way *w, uint64_t now)
{
    ssize_t n;

    while (w->writable && w->count && w->mark[w->first].due_us <= now) {
        struct mark *m = &w->mark[w->first];

        if (m->bytes) {
            n = way_send(w, m->bytes);
            if (n < 0)
                return false;
            m->bytes -= (size_t)n;
            if (m->bytes)
                continue;
        } else {
            shutdown(w->to, SHUT_WR);
            w->closed = true;
        }
        w->first = (w->first + 1) % MARKS;
        w->count--;
    }
    return true;
}

static void
way_free(struct way *w)
{
    struct tube *t;

    while ((t = TAILQ_FIRST(&w->tubes))) {
        TAILQ_REMOVE(&w->tubes, t, link);
        tube_free(t);
    }
}

/* --------------------------------------------------------- connections */

static void
watch(int fd, struct end *end)
{
    struct epoll_event ev = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.ptr = end,
    };
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static struct sockaddr_in
loopback(const char *port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(port)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static void
take_connection(int near, const char *server_port)
{
    struct sockaddr_in to = loopback(server_port);
    struct connection *c = calloc(1, sizeof(*c));
    int far = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (!c || far < 0 ||
        (connect(far, (struct sockaddr *)&to, sizeof(to)) < 0 &&
         errno != EINPROGRESS)) {
        close(near);
        if (far >= 0)
            close(far);
        free(c);
        return;
    }
    c->up.from = c->down.to = near;
    c->up.to = c->down.from = far;
    TAILQ_INIT(&c->up.tubes);
    TAILQ_INIT(&c->down.tubes);
    c->near = (struct end){&c->up, &c->down};
    c->far = (struct end){&c->down, &c->up};
    LIST_INSERT_HEAD(&connections, c, link);
    watch(near, &c->near);
    watch(far, &c->far);
}

static void
take_connections(int listener, const char *server_port)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL,
                         SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        take_connection(fd, server_port);
}

static void
connection_free(struct connection *c)
{
    LIST_REMOVE(c, link);
    close(c->up.from);
    close(c->up.to);
    way_free(&c->up);
    way_free(&c->down);
    free(c);
}

static bool
connection_turn(struct connection *c, uint64_t now)
{
    if (!way_drain(&c->up, now) || !way_drain(&c->down, now) ||
        !way_fill(&c->up, now) || !way_fill(&c->down, now))
        return false;
    return !(c->up.closed && c->down.closed);
}

/* ---------------------------------------------------------------- turns */

/* Until something is due; false: nothing is. */
static bool
time_to_wait(uint64_t now, struct timespec *ret)
{
    uint64_t due = UINT64_MAX, us;
    struct connection *c;
    int i;

    LIST_FOREACH(c, &connections, link)
        for (i = 0; i < 2; i++) {
            const struct way *w = i ? &c->down : &c->up;

            if (w->writable && w->count && w->mark[w->first].due_us < due)
                due = w->mark[w->first].due_us;
        }
    us = due <= now ? 0 : due - now;
    *ret =
        (struct timespec){(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
    return due != UINT64_MAX;
}

static void
take_events(int listener, const char *server_port)
{
    struct epoll_event ev[EVENTS];
    struct timespec wait;
    bool some = time_to_wait(now_us(), &wait);
    int n = epoll_pwait2(epoll_fd, ev, EVENTS, some ? &wait : NULL, NULL), i;

    for (i = 0; i < n; i++) {
        struct end *e = ev[i].data.ptr;

        if (!e) {
            take_connections(listener, server_port);
            continue;
        }
        if (ev[i].events & ~(uint32_t)EPOLLOUT)
            e->in->readable = true;
        if (ev[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
            e->out->writable = true;
    }
}

/* What comes within one tick is handled in one turn. */
static void
rest_of_tick(uint64_t began)
{
    uint64_t now = now_us();

    if (now - began < TICK_US)
        usleep((useconds_t)(TICK_US - (now - began)));
}

static void
serve(int listener, const char *server_port)
{
    struct connection *c, *next;
    uint64_t now;

    for (;;) {
        take_events(listener, server_port);
        now = now_us();
        for (c = LIST_FIRST(&connections); c; c = next) {
            next = LIST_NEXT(c, link);
            if (!connection_turn(c, now))
                connection_free(c);
        }
        rest_of_tick(now);
    }
}

int
main(int argc, char **argv)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    struct sockaddr_in at;
    int listener, one = 1;

    if (argc != 4) {
        fprintf(stderr, "usage: delay PORT SERVER_PORT MS\n");
        return 2;
    }
    at = loopback(argv[1]);
    delay_us = strtoull(argv[3], NULL, 10) * 1000;
    signal(SIGPIPE, SIG_IGN);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        listen(listener, 1024) < 0 ||
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &ev) < 0) {
        perror("delay");
        return 1;
    }
    serve(listener, argv[2]);
}
