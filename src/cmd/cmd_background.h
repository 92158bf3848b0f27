/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Going to the background, with the outcome told to who waits in front.
 * fuse_daemonize says "ready" before anything was tried, so the fork is
 * our own: before any thread, curl, OpenSSL or SQLite call, since none of
 * them survives it.
 */
#ifndef S3ZIPFS_CMD_BACKGROUND_H
#define S3ZIPFS_CMD_BACKGROUND_H

struct background {
    int fd; /* where the child tells; -1: in front, or told already */
};

/* The parent does not return from here: it exits 0 when the child is
 * ready, else prints the child's one line and exits 1.  0 in the child, or
 * -errno. */
int background_start(struct background *b);
/* Ready: off the terminal (a session of its own, /dev/null, /). */
void background_ready(struct background *b);
/* The cause; in front it is printed here. */
void background_failed(struct background *b, const char *cause);

#endif
