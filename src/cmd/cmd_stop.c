/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Signals as something to look at.  Must not know what is stopped.
 */
#include "cmd/cmd_stop.h"

#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/cmd.h"

static void
ours(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

void
cmd_stop_block(bool block)
{
    sigset_t set;

    ours(&set);
    sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

void
cmd_stop_hold(struct cmd_stop *s)
{
    sigset_t set;

    ours(&set);
    cmd_stop_block(true);
    s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->fd < 0)
        cmd_stop_block(false);
}

bool
cmd_stop_look(struct cmd_stop *s)
{
    struct signalfd_siginfo info;

    if (s->signal || s->fd < 0 ||
        read(s->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return s->signal != 0;
    s->signal = (int)info.ssi_signo;
    fprintf(stderr, "%ss3zip: stopping\n",
            isatty(STDERR_FILENO) ? "\r\033[K" : "");
    cmd_stop_block(false);
    return true;
}

int
cmd_stop_code(struct cmd_stop *s, int code)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    return s->signal && code != CMD_DONE ? CMD_SIGNAL + s->signal : code;
}
