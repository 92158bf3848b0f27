/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Scope cleanup, in the manner of systemd and nbdkit: a variable names
 * what must happen when it leaves its scope, so an early return cannot
 * forget it.  Must not know what the cleaned things are for.
 */
#ifndef S3ZIPFS_BASE_CLEANUP_H
#define S3ZIPFS_BASE_CLEANUP_H

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static inline void
cleanup_free(void *p)
{
    free(*(void **)p);
}

static inline void
cleanup_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void
cleanup_unlock(pthread_mutex_t **m)
{
    pthread_mutex_unlock(*m);
}

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define CLEANUP_FREE CLEANUP(cleanup_free)
#define CLEANUP_CLOSE CLEANUP(cleanup_close)

/* Hold a mutex until the end of the enclosing block. */
#define LOCK_SCOPE(m) LOCK_SCOPE_AT(m, __LINE__)
#define LOCK_SCOPE_AT(m, line) LOCK_SCOPE_NAMED(m, lock_scope_##line)
#define LOCK_SCOPE_NAMED(m, name)                                             \
    CLEANUP(cleanup_unlock)                                                   \
    __attribute__((unused)) pthread_mutex_t *name =                           \
        (pthread_mutex_lock(m), (m))

/* Take the value out of a cleaned variable, to hand its ownership on. */
#define STEAL(p)                                                              \
    ({                                                                        \
        __typeof__(p) steal_ = (p);                                           \
        (p) = NULL;                                                           \
        steal_;                                                               \
    })

#endif
