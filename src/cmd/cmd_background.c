/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The fork and the pipe of cmd_background.h.  The child writes "\n" alone
 * for ready, or the cause and a newline; an empty end means that it died.
 */
#include "cmd/cmd_background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static const char program[] = "s3zipfs";

static void
write_all(int fd, const char *p, size_t n)
{
    ssize_t w;

    while (n > 0) {
        w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return;
        p += w;
        n -= (size_t)w;
    }
}

static size_t
read_line(int fd, char *out, size_t size)
{
    size_t at = 0;
    ssize_t n;

    while (at + 1 < size) {
        n = read(fd, out + at, size - 1 - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        at += (size_t)n;
        if (out[at - 1] == '\n')
            break;
    }
    out[at] = '\0';
    return at;
}

/* In the parent: returns its exit status. */
static int
wait_for_child(int fd, pid_t pid)
{
    char line[2048];
    int status;

    if (read_line(fd, line, sizeof(line)) > 0) {
        if (strcmp(line, "\n") == 0)
            return 0;
        fprintf(stderr, "%s: %s", program, line);
        return 1;
    }
    if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
        fprintf(stderr, "%s: ended by signal %d\n", program, WTERMSIG(status));
    else
        fprintf(stderr, "%s: ended without a word\n", program);
    return 1;
}

int
background_start(struct background *b)
{
    int fd[2];
    pid_t pid;

    if (pipe2(fd, O_CLOEXEC) < 0)
        return -errno;
    fflush(NULL);
    pid = fork();
    if (pid < 0) {
        int err = errno;

        close(fd[0]);
        close(fd[1]);
        return -err;
    }
    if (pid > 0) {
        close(fd[1]);
        _exit(wait_for_child(fd[0], pid));
    }
    close(fd[0]);
    b->fd = fd[1];
    return 0;
}

static void
leave_terminal(void)
{
    int null = open("/dev/null", O_RDWR);

    setsid();
    if (chdir("/") < 0)
        return; /* it is there */
    if (null < 0)
        return;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    if (null > STDERR_FILENO)
        close(null);
}

void
background_ready(struct background *b)
{
    if (b->fd < 0)
        return;
    leave_terminal();
    write_all(b->fd, "\n", 1);
    close(b->fd);
    b->fd = -1;
}

void
background_failed(struct background *b, const char *cause)
{
    if (b->fd < 0) {
        fprintf(stderr, "%s: %s\n", program, cause);
        return;
    }
    write_all(b->fd, cause, strlen(cause));
    write_all(b->fd, "\n", 1);
    close(b->fd);
    b->fd = -1;
}
