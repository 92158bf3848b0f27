/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Private to net/: the structures that its files share, externs grouped
 * by file.  The thread model is told at the top of loop.c.
 */
#ifndef S3ZIPFS_NET_NET_PRIV_H
#define S3ZIPFS_NET_NET_PRIV_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "net/idmap.h"
#include "net/net.h"

enum { NET_LOOPS_MAX = 8 };

/* A libcurl handle with its per-answer storage; reused. Loop thread only. */
struct slot {
    CURL *easy;
    struct buf head; /* "Name\0value\0"... of the last response */
    char errtext[CURL_ERROR_SIZE];
    SLIST_ENTRY(slot) link;
};

enum exchange_state { EX_QUEUED, EX_ASSIGNED, EX_RUNNING };

struct exchange {
    struct idnode node; /* first; in net.exchanges until done */
    /* Under net.lock: */
    TAILQ_ENTRY(exchange) link; /* in net.queue[] or loop.todo */
    enum exchange_state state;
    bool listed; /* link is in use */
    bool cancel;
    struct loop *loop; /* NULL while queued */

    /* Written at submit, then the loop thread's: */
    struct net_request req; /* pointers into what follows */
    char *url;
    char method[16];
    struct curl_slist *headers;
    struct iovec *body;
    struct net_file file; /* if req.file */
    uint64_t body_size;

    TAILQ_ENTRY(exchange) running; /* in loop.running */
    struct slot *slot;
    int body_index; /* next byte to send */
    size_t body_offset;
    uint64_t file_offset;
    int no_files;    /* EMFILE or ENFILE: why there was no socket */
    int refused;     /* what a callback returned, or what it was born with */
    const char *why; /* words for it; NULL = libcurl's */
    bool head_done;
    int status;
    uint64_t received;
    uint64_t began_ms, first_ms; /* started; first byte of an answer */
    bool paused;            /* on_data said NET_PAUSE */
    uint64_t mark, mark_ms; /* last progress seen */
};
TAILQ_HEAD(exchange_list, exchange);

struct timer {
    struct idnode node; /* first; in net.timers until it fires */
    uint64_t due_ms;
    size_t at; /* index in loop.heap */
    struct loop *loop;
    void (*fn)(void *user);
    void *user;
};

struct loop {
    struct net *net;
    pthread_t thread;
    int epoll_fd, wake_fd;
    unsigned cap[NET_CLASSES]; /* exchanges at a time */

    /* Under net.lock: */
    struct exchange_list todo;  /* to start, resume or cancel */
    unsigned busy[NET_CLASSES]; /* assigned and running */
    bool woken;                 /* wake_fd was written */
    struct timer **heap;
    size_t heap_len, heap_cap;

    /* Loop thread only: */
    CURLM *multi;
    CURLSH *share;
    struct exchange_list running;
    SLIST_HEAD(, slot) idle;
    uint64_t curl_due_ms; /* UINT64_MAX = none */
    uint64_t stall_check_ms;
};

struct work {
    void (*fn)(void *user);
    void *user;
    STAILQ_ENTRY(work) link;
};

struct at_stop {
    void (*fn)(void *user);
    void *user;
    SLIST_ENTRY(at_stop) link;
};

struct net {
    struct net_conf conf; /* strings owned */
    struct loop loop[NET_LOOPS_MAX];
    unsigned loops;
    unsigned width[NET_CLASSES]; /* the sums of what loops may do */
    atomic_uint_fast64_t next_id;

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t quiet; /* net_free waits for pending == 0 */
    struct idmap exchanges, timers;
    struct exchange_list queue[NET_CLASSES][2]; /* ordinary, urgent */
    uint64_t pending; /* exchanges, timers and works not finished */
    bool stopping, quit;
    unsigned late_timers; /* set while stopping */

    pthread_t worker;
    bool worker_started;
    pthread_cond_t work_there;
    STAILQ_HEAD(, work) works;
    SLIST_HEAD(, at_stop) at_stop;
};

/* easy.c: libcurl handles and their options */
struct slot *slot_new(struct net *n, struct loop *l);
void slot_free(struct slot *s);
/* 0 or -errno. */
int slot_prepare(struct slot *s, struct exchange *x);
int curl_errno(CURL *easy, CURLcode code);

/* request.c: one exchange's life */
/* Where memory is short one that will end with -ENOMEM. */
struct exchange *exchange_new(const struct net_request *req);
void exchange_free(struct exchange *x);
int exchange_start(struct loop *l, struct exchange *x);
/* Takes it off the multi handle, calls done, frees. */
void exchange_finish(struct loop *l, struct exchange *x, int err,
                     const char *errtext);
bool exchange_stalled(struct exchange *x, uint64_t now);
/* Of a running one. */
void exchange_resume(struct loop *l, struct exchange *x);
size_t exchange_on_head(char *p, size_t size, size_t n, void *user);
size_t exchange_on_data(char *p, size_t size, size_t n, void *user);

/* body.c: what it sends */
/* The pieces, not the memory they are of.  0, -ENOMEM or -EFBIG. */
int exchange_copy_body(struct exchange *x, const struct net_request *req);
size_t exchange_on_read(char *p, size_t size, size_t n, void *user);
int exchange_on_seek(void *user, curl_off_t offset, int origin);

/* loop.c */
int loop_start(struct net *n, struct loop *l, unsigned index);
void loop_join(struct loop *l);
/* Caller holds net.lock. */
void loop_wake(struct loop *l);
/* The loop whose thread this is, or NULL. */
struct loop *loop_self(struct net *n);
int thread_start(pthread_t *ret, void *(*fn)(void *), void *arg,
                 const char *name);

/* net.c */
uint64_t net_new_id(struct net *n);
/* Caller holds net.lock. */
void net_pending_done(struct net *n);
/* Gives the loop the next queued exchanges of that class.  Caller holds
 * net.lock. */
void net_feed(struct net *n, struct loop *l, enum net_class c);

/* files.c */
/* Less of each, if the limit of open files says so. */
void net_fit_files(unsigned width[NET_CLASSES]);

/* timer.c */
/* UINT64_MAX = none; all are due when the net ends.  Caller holds
 * net.lock. */
uint64_t timers_due(const struct loop *l);
void timers_run(struct loop *l, uint64_t now);

/* work.c */
void *work_main(void *arg);

#endif
