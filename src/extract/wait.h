/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Waiting for an answer, and looking up now and then.  Private to the room.
 */
#ifndef S3ZIPFS_EXTRACT_WAIT_H
#define S3ZIPFS_EXTRACT_WAIT_H

#include <pthread.h>
#include <time.h>

enum { WAIT_TICK_MS = 100 };

static inline void
wait_init(pthread_mutex_t *lock, pthread_cond_t *cond)
{
    pthread_condattr_t a;

    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_mutex_init(lock, NULL);
    pthread_cond_init(cond, &a);
    pthread_condattr_destroy(&a);
}

static inline void
wait_free(pthread_mutex_t *lock, pthread_cond_t *cond)
{
    pthread_cond_destroy(cond);
    pthread_mutex_destroy(lock);
}

/* The end of a tick that begins now. */
static inline struct timespec
wait_until(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += WAIT_TICK_MS * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

#endif
