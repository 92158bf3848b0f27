/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * credential_process: a program that prints credentials as JSON.  It is
 * run without a shell, in a process group of its own, with the environment
 * as it was at the start, for at most a minute.  posix_spawn: fork is not
 * safe beside other threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/aws_priv.h"
#include "base/buf.h"
#include "base/text.h"

enum { PROCESS_MS = 60000, EXIT_STEP_MS = 10, STDERR_MAX = 4096 };

struct process {
    struct aws *a;
    pid_t pid;
    int out, err; /* our ends of its pipes, -1 = closed */
    struct buf out_text, err_text;
    uint64_t deadline_ms;
};

/* --------------------------------------------------------------- start */

static int
set_files(posix_spawn_file_actions_t *fa, int out, int err)
{
    int r = posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDONLY, 0);

    if (r == 0)
        r = posix_spawn_file_actions_adddup2(fa, out, 1);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(fa, err, 2);
    return -r;
}

/* Signals as a fresh program expects them: ours are blocked. */
static int
set_attributes(posix_spawnattr_t *at)
{
    sigset_t none, all;
    int r;

    sigemptyset(&none);
    sigfillset(&all);
    r = posix_spawnattr_setsigmask(at, &none);
    if (r == 0)
        r = posix_spawnattr_setsigdefault(at, &all);
    if (r == 0)
        r = posix_spawnattr_setpgroup(at, 0);
    if (r == 0)
        r = posix_spawnattr_setflags(at, POSIX_SPAWN_SETSIGMASK |
                                             POSIX_SPAWN_SETSIGDEF |
                                             POSIX_SPAWN_SETPGROUP);
    return -r;
}

static int
spawn(struct process *p, char **words, int out, int err)
{
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t at;
    int r;

    if (posix_spawn_file_actions_init(&fa) != 0)
        return -ENOMEM;
    if (posix_spawnattr_init(&at) != 0) {
        posix_spawn_file_actions_destroy(&fa);
        return -ENOMEM;
    }
    r = set_files(&fa, out, err);
    if (r == 0)
        r = set_attributes(&at);
    if (r == 0)
        r = -posix_spawnp(&p->pid, words[0], &fa, &at, words, p->a->env);
    posix_spawnattr_destroy(&at);
    posix_spawn_file_actions_destroy(&fa);
    return r;
}

static int
start(struct process *p, char **words)
{
    CLEANUP_CLOSE int out = -1;
    CLEANUP_CLOSE int err = -1;
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    p->out = fds[0];
    out = fds[1];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    p->err = fds[0];
    err = fds[1];
    p->deadline_ms = net_now_ms() + PROCESS_MS;
    return spawn(p, words, out, err);
}

/* ----------------------------------------------------------------- run */

/* More than there is room for is an error on stdout only. */
static int
take_output(int *fd, struct buf *b, bool all)
{
    char part[4096];
    ssize_t n = read(*fd, part, sizeof(part));
    int r = 0;

    if (n > 0)
        r = buf_add(b, part, (size_t)n);
    OPENSSL_cleanse(part, sizeof(part));
    if (n <= 0 && errno != EINTR) {
        close(*fd);
        *fd = -1;
    }
    return all ? r : 0;
}

static int
time_left(const struct process *p)
{
    uint64_t now = net_now_ms();

    return now < p->deadline_ms ? (int)(p->deadline_ms - now) : 0;
}

static int
collect(struct process *p)
{
    int r = 0;

    while (r == 0 && p->out >= 0) {
        struct pollfd f[3] = {{.fd = p->a->stop_fd, .events = POLLIN},
                              {.fd = p->out, .events = POLLIN},
                              {.fd = p->err, .events = POLLIN}};

        if (poll(f, 3, time_left(p)) < 0 && errno != EINTR)
            return -errno;
        if (f[0].revents)
            return -ECANCELED;
        if (!time_left(p))
            return -ETIMEDOUT;
        if (f[2].revents)
            take_output(&p->err, &p->err_text, false);
        if (f[1].revents)
            r = take_output(&p->out, &p->out_text, true);
    }
    return r;
}

/* Its exit status, or -errno. */
static int
wait_exit(struct process *p)
{
    int status = 0;
    pid_t got;

    while ((got = waitpid(p->pid, &status, WNOHANG)) == 0) {
        if (!time_left(p))
            return -ETIMEDOUT;
        if (!http_pause(p->a, EXIT_STEP_MS))
            return -ECANCELED;
    }
    p->pid = 0;
    if (got < 0)
        return 0; /* SIGCHLD is ignored: judge by the output */
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void
finish(struct process *p)
{
    if (p->pid > 0) {
        kill(-p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
    }
    if (p->out >= 0)
        close(p->out);
    if (p->err >= 0)
        close(p->err);
    if (p->out_text.data)
        OPENSSL_cleanse(p->out_text.data, p->out_text.len);
    buf_free(&p->out_text);
    buf_free(&p->err_text);
}

static int
failed(const struct process *p, const char *source, int r, struct err *e)
{
    const char *said = buf_str(&p->err_text);
    char text[300];

    if (r < 0)
        return err_set(e, r == -ECANCELED ? ECANCELED : EACCES, "%s: %s",
                       source, strerror(-r));
    text_escape(text, sizeof(text), said, strcspn(said, "\n"));
    return err_set(e, EACCES, "%s ended with status %d%s%s", source, r,
                   text[0] ? ": " : "", text);
}

static int
run(struct process *p, char **words, const char *source,
    struct aws_identity **ret, struct err *e)
{
    int r = start(p, words);

    if (r == 0)
        r = collect(p);
    if (r == 0)
        r = wait_exit(p);
    if (r == 0)
        r = buf_add(&p->out_text, "", 0);
    if (r != 0)
        return failed(p, source, r, e);
    return identity_from_json(ret, p->out_text.data, "SessionToken", false,
                              source, e);
}

int
provide_process(struct lookup *l, const char *profile,
                struct aws_identity **ret, struct err *e)
{
    const char *command =
        profile_get(&l->files, profile, "credential_process");
    struct process p = {.a = l->a,
                        .out = -1,
                        .err = -1,
                        .out_text = BUF_INIT(ANSWER_MAX),
                        .err_text = BUF_INIT(STDERR_MAX)};
    char source[300], **words = NULL;
    int r;

    if (!command)
        return -ENOENT;
    snprintf(source, sizeof(source), "credential_process of profile %s",
             profile);
    if (words_split(command, &words) < 0 || !words[0]) {
        words_free(words);
        return err_set(e, EACCES, "%s: not a command", source);
    }
    r = run(&p, words, source, ret, e);
    finish(&p);
    words_free(words);
    return r;
}
