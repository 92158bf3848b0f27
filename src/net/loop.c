/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The loop threads.
 *
 * Threads: a struct net has 1 to 4 loop threads and one worker thread
 * (work.c).  Each loop owns a libcurl multi handle, the connections in it
 * and an epoll set; nobody else touches those.  Other threads reach a loop
 * through its list `todo` (exchanges to start, resume or cancel) and its timer
 * heap, both under net.lock, and an eventfd that ends its epoll_wait.
 *
 * Queues: of each class (net.h) at most its width / loops exchanges run in a
 * loop.  What is beyond that waits in one of the two queues of its class
 * (urgent first, each first come, first served) and goes to the loop that has
 * a free place first.
 *
 * Locks: net.lock is the only one; it is held for list operations, never
 * while libcurl or a callback runs.
 *
 * Why epoll with curl_multi_socket_action and not curl_multi_perform: the
 * latter asks poll() about every transfer at every turn.
 */
#include "net/net_priv.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS = 64, STALL_CHECK_MS = 100 };

/* Signals are for the main thread: a loop has them all blocked. */
int
thread_start(pthread_t *ret, void *(*fn)(void *), void *arg, const char *name)
{
    sigset_t all, old;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(ret, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r == 0)
        pthread_setname_np(*ret, name);
    return -r;
}

struct loop *
loop_self(struct net *n)
{
    unsigned i;

    for (i = 0; i < n->loops; i++)
        if (pthread_equal(n->loop[i].thread, pthread_self()))
            return &n->loop[i];
    return NULL;
}

void
loop_wake(struct loop *l)
{
    uint64_t one = 1;

    if (l->woken || pthread_equal(l->thread, pthread_self()))
        return;
    l->woken = true;
    while (write(l->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

/* ------------------------------------------------- libcurl's callbacks */

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
    struct loop *l = user;
    struct epoll_event ev = {.data.fd = fd};
    int op = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        curl_multi_assign(l->multi, fd, NULL);
        return 0;
    }
    if (what & CURL_POLL_IN)
        ev.events |= EPOLLIN;
    if (what & CURL_POLL_OUT)
        ev.events |= EPOLLOUT;
    /* A closed descriptor leaves the set by itself, and its number may
     * come back. */
    if (epoll_ctl(l->epoll_fd, op, fd, &ev) < 0 &&
        (errno == ENOENT || errno == EEXIST))
        epoll_ctl(l->epoll_fd, errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
                  fd, &ev);
    curl_multi_assign(l->multi, fd, l);
    return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *user)
{
    struct loop *l = user;

    (void)multi;
    l->curl_due_ms =
        timeout_ms < 0 ? UINT64_MAX : net_now_ms() + (uint64_t)timeout_ms;
    return 0;
}

/* ------------------------------------------------------------ one turn */

static int
time_to_wait(struct loop *l)
{
    uint64_t due = l->curl_due_ms, now, timer;

    if (!TAILQ_EMPTY(&l->running) && l->stall_check_ms < due)
        due = l->stall_check_ms;
    pthread_mutex_lock(&l->net->lock);
    timer = timers_due(l);
    if (!TAILQ_EMPTY(&l->todo))
        due = 0;
    pthread_mutex_unlock(&l->net->lock);
    if (timer < due)
        due = timer;
    if (due == UINT64_MAX)
        return -1;
    now = net_now_ms();
    if (due <= now)
        return 0;
    return due - now > 60000 ? 60000 : (int)(due - now);
}

static void
take_wake(struct loop *l)
{
    uint64_t count;

    LOCK_SCOPE(&l->net->lock);
    while (read(l->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
    l->woken = false;
}

static void
take_events(struct loop *l)
{
    struct epoll_event ev[EVENTS];
    int n = epoll_wait(l->epoll_fd, ev, EVENTS, time_to_wait(l));
    int i, bits, running;

    for (i = 0; i < n; i++) {
        if (ev[i].data.fd == l->wake_fd) {
            take_wake(l);
            continue;
        }
        bits = 0;
        if (ev[i].events & EPOLLIN)
            bits |= CURL_CSELECT_IN;
        if (ev[i].events & EPOLLOUT)
            bits |= CURL_CSELECT_OUT;
        if (ev[i].events & (EPOLLERR | EPOLLHUP))
            bits |= CURL_CSELECT_ERR;
        curl_multi_socket_action(l->multi, ev[i].data.fd, bits, &running);
    }
}

static void
act_on(struct loop *l, struct exchange *x, bool cancel)
{
    int r;

    if (cancel) {
        exchange_finish(l, x, -ECANCELED, "cancelled");
        return;
    }
    if (x->state == EX_RUNNING) {
        exchange_resume(l, x);
        return;
    }
    r = exchange_start(l, x);
    if (r < 0) {
        exchange_finish(l, x, r, strerror(-r));
        return;
    }
    LOCK_SCOPE(&l->net->lock);
    x->state = EX_RUNNING;
    /* Cancelled meanwhile: it is in todo again. */
}

static void
take_todo(struct loop *l)
{
    struct exchange *x;
    bool cancel = false;

    for (;;) {
        pthread_mutex_lock(&l->net->lock);
        x = TAILQ_FIRST(&l->todo);
        if (x) {
            TAILQ_REMOVE(&l->todo, x, link);
            x->listed = false;
            cancel = x->cancel;
        }
        pthread_mutex_unlock(&l->net->lock);
        if (!x)
            return;
        act_on(l, x, cancel);
    }
}

static void
take_timeout(struct loop *l)
{
    int running;

    if (l->curl_due_ms > net_now_ms())
        return;
    l->curl_due_ms = UINT64_MAX;
    curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static void
take_finished(struct loop *l)
{
    struct exchange *x;
    CURLMsg *msg;
    CURLcode code;
    int left, err;
    const char *text;

    while ((msg = curl_multi_info_read(l->multi, &left))) {
        if (msg->msg != CURLMSG_DONE)
            continue;
        code = msg->data.result;
        if (curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &x) !=
            CURLE_OK)
            continue;
        err = x->refused ? x->refused : curl_errno(msg->easy_handle, code);
        text = x->why;
        if (code == CURLE_COULDNT_CONNECT && x->no_files) {
            err = -EMFILE;
            text = x->no_files == EMFILE
                       ? "too many open files (see ulimit -n)"
                       : "too many open files in the whole system";
        }
        if (!text)
            text = x->slot->errtext[0] ? x->slot->errtext
                                       : curl_easy_strerror(code);
        exchange_finish(l, x, err, text);
    }
}

static void
end_stalled(struct loop *l)
{
    struct exchange *x, *next;
    uint64_t now = net_now_ms();

    if (now < l->stall_check_ms)
        return;
    l->stall_check_ms = now + STALL_CHECK_MS;
    for (x = TAILQ_FIRST(&l->running); x; x = next) {
        next = TAILQ_NEXT(x, running);
        if (exchange_stalled(x, now))
            exchange_finish(l, x, -ETIMEDOUT, "no data for too long");
    }
}

static bool
loop_quit(struct loop *l)
{
    LOCK_SCOPE(&l->net->lock);
    return l->net->quit;
}

static void *
loop_main(void *arg)
{
    struct loop *l = arg;

    /* The creator writes l->thread under the lock after pthread_create. */
    pthread_mutex_lock(&l->net->lock);
    pthread_mutex_unlock(&l->net->lock);
    while (!loop_quit(l)) {
        take_events(l);
        timers_run(l, net_now_ms());
        take_todo(l);
        take_timeout(l);
        take_finished(l);
        end_stalled(l);
    }
    return NULL;
}

/* -------------------------------------------------------- start and end */

static int
make_multi(struct loop *l)
{
    l->multi = curl_multi_init();
    l->share = curl_share_init();
    if (!l->multi || !l->share)
        return -ENOMEM;
    /* TLS sessions live in the easy handle unless shared; one thread only
     * uses this share, so it needs no lock. */
    curl_share_setopt(l->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
    curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
    curl_multi_setopt(l->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS,
                      (long)l->cap[NET_BYTES] + l->cap[NET_BRIEF] + 4);
    return 0;
}

static int
make_fds(struct loop *l)
{
    struct epoll_event ev = {.events = EPOLLIN};

    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->epoll_fd < 0 || l->wake_fd < 0)
        return -errno;
    ev.data.fd = l->wake_fd;
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &ev) < 0)
        return -errno;
    return 0;
}

static void
loop_clear(struct loop *l)
{
    struct slot *s;

    while ((s = SLIST_FIRST(&l->idle))) {
        SLIST_REMOVE_HEAD(&l->idle, link);
        slot_free(s);
    }
    if (l->multi)
        curl_multi_cleanup(l->multi);
    if (l->share)
        curl_share_cleanup(l->share);
    if (l->epoll_fd >= 0)
        close(l->epoll_fd);
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    free(l->heap);
}

int
loop_start(struct net *n, struct loop *l, unsigned index)
{
    char name[16];
    int r;

    l->net = n;
    l->epoll_fd = l->wake_fd = -1;
    l->curl_due_ms = UINT64_MAX;
    TAILQ_INIT(&l->todo);
    TAILQ_INIT(&l->running);
    SLIST_INIT(&l->idle);
    r = make_fds(l);
    if (r == 0)
        r = make_multi(l);
    if (r == 0) {
        snprintf(name, sizeof(name), "net-%u", index);
        pthread_mutex_lock(&n->lock);
        r = thread_start(&l->thread, loop_main, l, name);
        pthread_mutex_unlock(&n->lock);
    }
    if (r < 0)
        loop_clear(l);
    return r;
}

void
loop_join(struct loop *l)
{
    pthread_join(l->thread, NULL);
    loop_clear(l);
}
