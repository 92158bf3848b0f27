/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * SIGINT, SIGTERM and SIGHUP for commands that must leave the store as it
 * was: the first one asks for an orderly end, the second one ends the
 * process.
 */
#ifndef S3ZIPFS_CMD_STOP_H
#define S3ZIPFS_CMD_STOP_H

#include <stdbool.h>

struct cmd_stop {
    int fd;     /* signalfd, or -1: signals have their usual effect */
    int signal; /* that came; 0 = none */
};

/* Around the start of threads: they inherit that these are blocked. */
void cmd_stop_block(bool block);
/* From now on they are something to look at. */
void cmd_stop_hold(struct cmd_stop *s);
/* True from the first signal on. */
bool cmd_stop_look(struct cmd_stop *s);
/* Closes it; the exit code: 128 + signal if one came and code is no
 * success, else code. */
int cmd_stop_code(struct cmd_stop *s, int code);

#endif
