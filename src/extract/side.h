/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Threads for straight code: the same work on many things side by side, work
 * that is done ahead and taken in order, a bound on what goes at once, and a
 * caller that looks up while it waits.  Called by verify and extract; calls
 * nothing but pthread.  Private to the room.
 *
 * Whoever fails stops the scope of its job (net/scope.h), which ends the
 * others' waits: nothing here cuts a call off.
 */
#ifndef S3ZIPFS_EXTRACT_SIDE_H
#define S3ZIPFS_EXTRACT_SIDE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* fn(user, i) for each i below count, on up to width threads, this one among
 * them.  The first that returns something else than 0 is the last to begin;
 * those that run are waited for.  0, or what that one returned. */
int side_each(uint64_t count, unsigned width,
              int (*fn)(void *user, uint64_t i), void *user);

/* fn(user) on a thread of its own, which may wait; meanwhile tick(user) ten
 * times a second on this one.  What fn returned; -EAGAIN: there is no thread
 * to be had. */
int side_watched(int (*fn)(void *user), void (*tick)(void *user), void *user);

/* ---------------------------------------------------------------- ahead */

enum { AHEAD_MAX = 24 };

/* Tasks 0, 1, ... count - 1, some of which are done ahead of the one that is
 * taken.  Task k uses slot k % depth, which nobody else touches until the
 * task after it has been taken. */
struct ahead {
    int (*fn)(void *user, uint64_t k, unsigned slot);
    void *user;
    uint64_t count;
    unsigned depth, threads;
    pthread_t thread[AHEAD_MAX];
    pthread_mutex_t lock; /* the rest */
    pthread_cond_t cond;
    uint64_t next, taken; /* to begin; to take */
    uint64_t freed;       /* tasks whose slots may be used again */
    bool stop;
    bool done[AHEAD_MAX]; /* of slots */
    int r[AHEAD_MAX];
};
/* depth: at most AHEAD_MAX.  0, or -EAGAIN: not one thread.  ahead_end in any
 * case. */
int ahead_begin(struct ahead *a, uint64_t count, unsigned depth,
                int (*fn)(void *user, uint64_t k, unsigned slot), void *user);
/* Waits for the next task; its result, and its slot. */
int ahead_take(struct ahead *a, unsigned *ret_slot);
/* No more tasks begin; those that run are waited for. */
void ahead_end(struct ahead *a);

/* --------------------------------------------------------------- budget */

/* So much of something at once: bytes of memory, calls of a kind. */
struct budget {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    uint64_t total, used;
};
void budget_init(struct budget *b, uint64_t total);
void budget_free(struct budget *b);
/* Waits until n fits, or until nobody has any: more than all goes alone.
 * Who has some must not wait for more. */
void budget_take(struct budget *b, uint64_t n);
void budget_give(struct budget *b, uint64_t n);

#endif
