/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The server of test_net_server.h: a thread per connection.
 */
#include "test_net_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    struct server *s;
    int fd;
    unsigned served;
    char head[16384]; /* the request's head, NUL-terminated */
    char rest[16384]; /* what came after it */
    size_t rest_len;
    uint64_t body_len;
    unsigned body_sum;
    char path[256];
    unsigned long long number; /* after '?' */
};

unsigned char
server_byte(unsigned long long i)
{
    return (unsigned char)(i * 7 + i / 256);
}

/* Waits for fd or for the end of the server: false. */
static bool
wait_fd(struct server *s, int fd, short what, int ms)
{
    struct pollfd p[2] = {{.fd = s->end_fd, .events = POLLIN},
                          {.fd = fd, .events = what}};

    while (poll(p, fd < 0 ? 1 : 2, ms) < 0 && errno == EINTR)
        ;
    return !p[0].revents;
}

static bool
put(struct peer *c, const void *data, size_t n)
{
    const char *p = data;
    ssize_t k;

    while (n) {
        if (!wait_fd(c->s, c->fd, POLLOUT, -1))
            return false;
        k = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (k < 0 && errno != EAGAIN)
            return false;
        if (k > 0) {
            p += k;
            n -= (size_t)k;
        }
    }
    return true;
}

static bool
puts_to(struct peer *c, const char *s)
{
    return put(c, s, strlen(s));
}

static ssize_t
get(struct peer *c, void *p, size_t n)
{
    if (!wait_fd(c->s, c->fd, POLLIN, -1))
        return 0;
    return recv(c->fd, p, n, 0);
}

static bool
read_head(struct peer *c)
{
    size_t n = c->rest_len;
    char *end;
    ssize_t k;

    memcpy(c->head, c->rest, n);
    for (;;) {
        c->head[n] = '\0';
        end = strstr(c->head, "\r\n\r\n");
        if (end)
            break;
        k = get(c, c->head + n, sizeof(c->head) - 1 - n);
        if (k <= 0)
            return false;
        n += (size_t)k;
    }
    end += 4;
    c->rest_len = n - (size_t)(end - c->head);
    memcpy(c->rest, end, c->rest_len);
    *end = '\0';
    return true;
}

static bool
read_body(struct peer *c)
{
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    uint64_t left = length ? strtoull(length + 17, NULL, 10) : 0;
    static __thread unsigned char buf[65536];
    ssize_t k, i;

    c->body_len = 0;
    c->body_sum = 0;
    while (c->body_len < left) {
        if (c->rest_len) {
            memcpy(buf, c->rest, c->rest_len);
            k = (ssize_t)c->rest_len;
            c->rest_len = 0;
        } else {
            k = get(c, buf, sizeof(buf));
        }
        if (k <= 0)
            return false;
        for (i = 0; i < k; i++)
            c->body_sum = c->body_sum * 31 + buf[i];
        c->body_len += (uint64_t)k;
    }
    return true;
}

static bool
answer(struct peer *c, const char *status, const char *more, const char *body)
{
    char head[512];
    bool none = strncmp(c->head, "HEAD ", 5) == 0;

    snprintf(head, sizeof(head),
             "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status,
             strlen(body), more);
    return puts_to(c, head) && (none || puts_to(c, body));
}

static bool
do_big(struct peer *c)
{
    static __thread unsigned char buf[65536];
    unsigned long long at = 0;
    size_t n, i;

    snprintf((char *)buf, sizeof(buf),
             "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", c->number);
    if (!puts_to(c, (char *)buf))
        return false;
    while (at < c->number) {
        n = sizeof(buf);
        if (n > c->number - at)
            n = (size_t)(c->number - at);
        for (i = 0; i < n; i++)
            buf[i] = server_byte(at + i);
        if (!put(c, buf, n))
            return false;
        at += n;
    }
    return true;
}

static bool
do_echo(struct peer *c)
{
    char body[20000];

    snprintf(body, sizeof(body), "%s%llu %u", c->head,
             (unsigned long long)c->body_len, c->body_sum);
    return answer(c, "200 OK", "", body);
}

static bool
do_wait(struct peer *c)
{
    c->s->silent++;
    wait_fd(c->s, -1, 0, -1);
    return false;
}

static bool
do_drip(struct peer *c)
{
    char head[100];
    unsigned long long i;

    snprintf(head, sizeof(head),
             "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", c->number);
    if (!puts_to(c, head))
        return false;
    for (i = 0; i < c->number; i++)
        if (!wait_fd(c->s, -1, 0, 50) || !puts_to(c, "x"))
            return false;
    return true;
}

static bool
do_status(struct peer *c)
{
    char status[40], body[40];

    snprintf(status, sizeof(status), "%llu Word", c->number);
    snprintf(body, sizeof(body), "status %llu", c->number);
    return answer(c, status, "", body);
}

static const char chunked[] =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Test: head\r\n\r\n"
    "6\r\nhello \r\n5\r\nworld\r\n0\r\nX-Test: trailer\r\n\r\n";
static const char partial[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789";

static bool
do_cut(struct peer *c)
{
    static const char zeros[490];

    return puts_to(c, partial) && put(c, zeros, sizeof(zeros)) && false;
}

static bool
is(const struct peer *c, const char *path)
{
    return strcmp(c->path, path) == 0;
}

static bool
serve(struct peer *c)
{
    if (is(c, "/hello"))
        return answer(c, "200 OK", "X-Test:  Some Value \r\nEmpty:\r\n",
                      "hello");
    if (is(c, "/big"))
        return do_big(c);
    if (is(c, "/cut"))
        return do_cut(c);
    if (is(c, "/stall"))
        return puts_to(c, partial) && do_wait(c);
    if (is(c, "/silent"))
        return do_wait(c);
    if (is(c, "/drip"))
        return do_drip(c);
    if (is(c, "/garbage"))
        return puts_to(c, "220 smtp.example ready\r\n") && false;
    if (is(c, "/continue"))
        return puts_to(c, "HTTP/1.1 100 Continue\r\nX-Test: early\r\n\r\n") &&
               answer(c, "200 OK", "", "late");
    if (is(c, "/chunked"))
        return puts_to(c, chunked);
    if (is(c, "/status"))
        return do_status(c);
    if (is(c, "/late"))
        return wait_fd(c->s, -1, 0, (int)c->number) &&
               answer(c, "200 OK", "", "late");
    if (is(c, "/fickle") && c->served)
        return false;
    return do_echo(c);
}

static bool
one_request(struct peer *c)
{
    char *query;

    if (!read_head(c) || sscanf(c->head, "%*s %255s", c->path) != 1)
        return false;
    query = strchr(c->path, '?');
    c->number = query ? strtoull(query + 1, NULL, 10) : 0;
    if (query)
        *query = '\0';
    c->s->requests++;
    if (is(c, "/deaf"))
        return do_wait(c);
    if (is(c, "/early"))
        return answer(c, "403 Forbidden", "Connection: close\r\n", "no") &&
               read_body(c) && false;
    return read_body(c) && serve(c);
}

static void *
peer_main(void *arg)
{
    struct peer *c = arg;
    struct server *s = c->s;

    while (one_request(c))
        c->served++;
    close(c->fd);
    free(c);
    s->threads--;
    return NULL;
}

static void *
accept_main(void *arg)
{
    struct server *s = arg;
    struct peer *c;
    pthread_t t;
    int fd, one = 1;

    while (wait_fd(s, s->listen_fd, POLLIN, -1)) {
        fd = accept(s->listen_fd, NULL, NULL);
        c = fd < 0 ? NULL : calloc(1, sizeof(*c));
        if (!c)
            continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        c->s = s;
        c->fd = fd;
        s->connections++;
        s->threads++;
        if (pthread_create(&t, NULL, peer_main, c) == 0)
            pthread_detach(t);
    }
    return NULL;
}

int
server_start(struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof(a);
    pthread_t *t = malloc(sizeof(*t));

    memset(s, 0, sizeof(*s));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->end_fd = eventfd(0, 0);
    s->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(s->listen_fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
        listen(s->listen_fd, 128) < 0 ||
        getsockname(s->listen_fd, (struct sockaddr *)&a, &len) < 0 ||
        pthread_create(t, NULL, accept_main, s) != 0) {
        free(t);
        return -1;
    }
    s->port = ntohs(a.sin_port);
    s->thread = t;
    return 0;
}

void
server_stop(struct server *s)
{
    uint64_t one = 1;

    if (write(s->end_fd, &one, sizeof(one)) < 0)
        abort();
    pthread_join(*(pthread_t *)s->thread, NULL);
    while (s->threads)
        usleep(1000);
    free(s->thread);
    close(s->listen_fd);
    close(s->end_fd);
}
