/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Waiting for a callback, and being stopped while at it: how straight code
 * on a thread of its own uses calls that answer on a loop thread.  s3/sync.h
 * is written with it; so are waits for a CRC, a read or a listing.
 *
 *     r = scope_wait_begin(&w, sc, cancel, &call);
 *     if (r < 0)
 *         return r;                            (stopped: nothing was asked)
 *     call.id = submit(..., callback, &call);  (calls scope_wait_done, last)
 *     scope_wait_end(&w);
 *
 * A scope is what one stop ends: a job, a command, a cleanup.  Where a scope
 * is asked for, NULL is one that cannot be stopped.
 */
#ifndef S3ZIPFS_NET_SCOPE_H
#define S3ZIPFS_NET_SCOPE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct scope;

/* 0 or -ENOMEM. */
int scope_new(struct scope **ret);
/* No wait may be in it.  NULL is legal. */
void scope_free(struct scope *sc);

/* From any thread.  why: -errno (-EINTR, -ECANCELED, ...); the first one
 * stays.  Every wait is cancelled, later ones do not begin.  Does not wait
 * for them. */
void scope_stop(struct scope *sc, int why);
/* 0, or why. */
int scope_stopped(struct scope *sc);
/* From ms on (by net_now_ms; 0 = never) as if stopped with -ETIMEDOUT.  A
 * scope that has been stopped stays so. */
void scope_until(struct scope *sc, uint64_t ms);
/* 0 after ms milliseconds, or why, at once. */
int scope_sleep(struct scope *sc, uint64_t ms);

/* One wait, on the stack of the thread that waits; its fields are private.
 * Never on a loop thread. */
struct scope_wait {
    struct scope *sc;
    void (*cancel)(void *user);
    void *user;
    pthread_cond_t cond;
    bool done;
    LIST_ENTRY(scope_wait) link;
};

/* 0: submit, then scope_wait_end.  Else why: nothing has begun.  cancel (may
 * be NULL) is called by the waiting thread, once at most, in scope_wait_end:
 * it asks for an early answer. */
int scope_wait_begin(struct scope_wait *w, struct scope *sc,
                     void (*cancel)(void *user), void *user);
/* From the callback, last: w and all that the waiting thread lent may be
 * gone when it returns. */
void scope_wait_done(struct scope_wait *w);
/* Returns 0 when scope_wait_done was called, also after a stop. */
int scope_wait_end(struct scope_wait *w);

#endif
