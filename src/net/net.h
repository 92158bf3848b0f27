/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * HTTP exchanges on I/O loop threads (libcurl multi), timers, byte
 * permits, counters and the log.  Must not know a word of S3.
 *
 * Threads: every callback of this header runs on a loop thread of the
 * struct net, without any lock of net held, and must not block.  Submit,
 * cancel and timer calls may come from any thread, callbacks included.
 */
#ifndef S3ZIPFS_NET_NET_H
#define S3ZIPFS_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"

/* ----------------------------------------------------------------- log */

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* The one process-wide thing: where log lines go.  log_open is called by
 * main before threads start.  target: NULL = stderr, "syslog", or a path
 * to append to. */
int log_open(enum log_level level, const char *target, struct err *e);
void log_close(void);
bool log_on(enum log_level level);
/* One line, no newline; never a secret; names through text_escape. */
void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
/* Arguments are not evaluated unless debug is on. */
#define log_debug(...)                                                        \
    (log_on(LOG_DEBUG) ? log_line(LOG_DEBUG, __VA_ARGS__) : (void)0)

/* --------------------------------------------------------------- loops */

struct net;

/* What waits for what: exchanges of one class never take the place of those
 * of another. */
enum net_class {
    NET_BYTES, /* bodies either way: they share the line */
    NET_BRIEF, /* no body to speak of, but an answer that may take long */
    NET_CLASSES
};

struct net_conf {
    unsigned loops;        /* I/O threads; 0 = by number of cores, 1..4 */
    unsigned connections;  /* exchanges of NET_BYTES at a time, over all
                              loops; default 64 */
    unsigned brief;        /* the same of NET_BRIEF; default 512 */
    const char *ca_bundle; /* NULL = system */
    bool no_verify_tls;
    const char *user_agent;
};

int net_new(struct net **ret, const struct net_conf *conf, struct err *e);
/* How many of each class there may be: what was asked for, or less where the
 * limit of open files leaves no room (told in the log).  Each is a
 * connection of its own (HTTP/1.1), kept and used again. */
unsigned net_width(const struct net *n, enum net_class c);
/* Raises the limit of open files of this process as far as it may, but not
 * beyond what net could use: some programs that a child may be close every
 * descriptor up to the limit.  By main, before net_new. */
void net_raise_files(void);
/* Cancels what is running (callbacks are called with -ECANCELED), calls
 * pending timers and works at once, joins the threads.  Not from a
 * callback. */
void net_free(struct net *n);

/* For owners of threads that use n: net_free calls fn(user) first, on its
 * own thread; after that they must not use n.  0 or -ENOMEM. */
int net_at_stop(struct net *n, void (*fn)(void *user), void *user);
void net_at_stop_remove(struct net *n, void (*fn)(void *user), void *user);

/* Monotonic milliseconds: the only clock of the rooms above. */
uint64_t net_now_ms(void);

/* ------------------------------------------------------------ exchange */

struct net_response; /* valid during the callback only */

/* A body that is read (pread, on the loop thread, less than 1 MiB at a
 * time) while it is sent.  Shorter than length: -EIO. */
struct net_file {
    int fd; /* open until done */
    uint64_t first, length;
};

enum {
    NET_PAUSE = 1,
    /* A server closes what was idle for some seconds (5 and more are usual).
     * What is sent just then fails, and libcurl sends it again by itself.
     * With net_request.busy, a connection that was idle for more than so
     * many whole seconds is not used. */
    NET_IDLE_S = 1,
};

/* One HTTP exchange, no retry.  net_submit copies method, url and headers;
 * body memory must stay until done. */
struct net_request {
    const char *method;          /* "GET", "PUT", ... */
    const char *url;             /* path sent as is */
    const char *const *headers;  /* "Name: value", NULL-terminated */
    const struct iovec *body;    /* NULL = none; the iovec array is copied */
    int body_count;              /* Content-Length is the sum */
    const struct net_file *file; /* instead of body; copied */
    bool has_body;               /* send Content-Length: 0 if none */
    uint32_t connect_ms;         /* 0 = 5,000 */
    uint32_t stall_ms;           /* no byte either way for so long is
                                    -ETIMEDOUT; 0 = no limit (keepalive
                                    probes are always on, 30 s) */
    uint32_t total_ms;           /* 0 = no limit */
    bool fresh;                  /* on a new connection */
    bool busy;                   /* on a connection that was in use just now,
                                    or on a new one: see NET_IDLE_S */
    bool urgent;                 /* ahead of the queue of its class */
    enum net_class class;
    /* Final response headers are there (optional).  0 to go on, -errno to
     * end the exchange with it. */
    int (*on_head)(void *user, const struct net_response *r);
    /* Body bytes as they come (optional: then dropped).  0, -errno, or
     * NET_PAUSE: not taken; they come again after net_resume, and nothing
     * is read from the connection until then. */
    int (*on_data)(void *user, const void *p, size_t n);
    /* Exactly once, last. */
    void (*done)(void *user, const struct net_response *r);
    void *user;
};

struct net_response {
    int err;             /* 0, or -errno: -ECANCELED, -ETIMEDOUT,
                            -ECONNREFUSED, -EHOSTUNREACH (no route, name not
                            found), -EPROTO (TLS, malformed), -ECONNRESET
                            (cut short), -EMFILE (too many open files), -EIO
                            (a body's file), or what a callback returned */
    const char *errtext; /* libcurl's words if err, else "" */
    int status;          /* HTTP; 0 if none came */
    uint64_t received;   /* body bytes */
    uint64_t sent;
    uint32_t first_ms; /* to the first byte of the answer; 0 = none came */
    uint32_t total_ms;
    void *impl;
};

/* Value of a response header (name in any case) or NULL; borrowed. */
const char *net_header(const struct net_response *r, const char *name);

/* Returns an id > 0 that is never used again.  Always answers through
 * done.  No callback runs inside this function nor inside net_cancel: who
 * holds the lock that its callbacks take while it submits has stored the id
 * before any of them can look for it. */
uint64_t net_submit(struct net *n, const struct net_request *req);
/* Ask for an early end; done comes with -ECANCELED unless the end was
 * there first.  Unknown ids are ignored. */
void net_cancel(struct net *n, uint64_t id);

/* Goes on with an exchange that on_data paused.  Any other, and unknown
 * ids, are ignored. */
void net_resume(struct net *n, uint64_t id);

/* For threads that may wait (never a loop thread), until the scope is stopped
 * (then the error is the stop's reason; NULL: never): body collected up to
 * max bytes; *ret_body (malloc, NUL-terminated, caller frees) may be NULL
 * if unwanted.  Returns err of the response; *ret_status on 0. */
struct scope; /* net/scope.h */
int net_call(struct net *n, struct scope *sc, const struct net_request *req,
             size_t max, int *ret_status, char **ret_body, struct err *e);

/* -------------------------------------------------------------- timers */

/* Calls fn(user) once on a loop thread after delay_ms (0: soon: the way to
 * run something outside the locks that the caller holds). */
uint64_t net_timer(struct net *n, uint64_t delay_ms, void (*fn)(void *user),
                   void *user);
/* True if fn will not run. False: it has run or is running. */
bool net_timer_cancel(struct net *n, uint64_t id);

/* Blocking or long work (SQLite, a layout of a million members) on one
 * worker thread, in order of submission. */
void net_work(struct net *n, void (*fn)(void *user), void *user);

/* ------------------------------------------------------------- permits */

/* A budget of bytes (or of anything).  First come, first served. */
struct permits;
int permits_new(struct permits **ret, uint64_t total);
void permits_free(struct permits *p);
/* Takes n now and returns 0, or queues and returns the id > 0 of the wait:
 * granted(user) is called later, from the thread that gave back, without
 * locks.  n > total waits until all is free and takes all. */
uint64_t permits_take(struct permits *p, uint64_t n,
                      void (*granted)(void *user), void *user);
/* Takes n now or returns false; never jumps the queue. */
bool permits_try(struct permits *p, uint64_t n);
void permits_give(struct permits *p, uint64_t n);
/* True if the wait was taken out of the queue. */
bool permits_cancel(struct permits *p, uint64_t id);
uint64_t permits_used(struct permits *p);
uint64_t permits_total(const struct permits *p);

#endif
