/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Threads for straight code: started without signals, and the same thing
 * done for many, side by side.
 */
#ifndef S3ZIPFS_NET_THREADS_H
#define S3ZIPFS_NET_THREADS_H

#include <stdbool.h>
#include <stddef.h>

/* A detached thread, which takes no signal.  small: 256 KiB of stack, for
 * threads that make calls.  0 or -EAGAIN. */
int thread_spawn(void *(*fn)(void *user), void *user, bool small);

/* fn(user, i) for each i < count, width at a time, in this thread and small
 * ones.  The first result that is not 0 ends it, and is returned; no call
 * runs any more then. */
int each(unsigned width, size_t count, int (*fn)(void *user, size_t i),
         void *user);

#endif
