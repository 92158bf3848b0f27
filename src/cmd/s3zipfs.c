/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zipfs: mounts a bucket or a prefix of it.  Order matters: options and
 * the mount point are checked in front, then the fork, and only then
 * threads and libraries.  No logic beyond that order.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "cmd/cmd_background.h"
#include "cmd/cmd_session.h"
#include "cmd/cmd_stdio.h"
#include "conf/conf.h"
#include "fs/fs.h"

enum { EXIT_USAGE = 2, END_SECONDS = 15 };

struct program {
    struct conf conf;
    char *bucket, *root; /* root: "" or ends in '/' */
    char *source;        /* the URL, for the mount table */
    char mountpoint[PATH_MAX];
    struct background background;
};

static const char usage_line[] =
    "usage: s3zipfs [-o options] s3://BUCKET[/PREFIX] MOUNTPOINT\n";

static int
usage_error(const char *text)
{
    fprintf(stderr, "s3zipfs: %s\n", text);
    return EXIT_USAGE;
}

static int
print_help(void)
{
    struct buf b = BUF_INIT(1 << 20);

    fputs(usage_line, stdout);
    puts("Shows every prefix as a directory with an archive.zip of all that "
         "is below it.\n");
    if (conf_help(&b) == 0)
        fputs(buf_str(&b), stdout);
    buf_free(&b);
    return 0;
}

/* ----------------------------------------------------------- arguments */

/* Settings outlive the working directory. */
static int
make_absolute(char **path)
{
    CLEANUP_FREE char *cwd = NULL;
    char *whole;

    if (!*path || (*path)[0] == '/' || strcmp(*path, "syslog") == 0)
        return 0;
    cwd = getcwd(NULL, 0);
    if (!cwd || asprintf(&whole, "%s/%s", cwd, *path) < 0)
        return -ENOMEM;
    free(*path);
    *path = whole;
    return 0;
}

static int
absolute_paths(struct conf *c)
{
    char **path[] = {&c->credentials_file, &c->config_file, &c->ca_bundle,
                     &c->cache_dir, &c->log_file};
    size_t i;
    int r = 0;

    for (i = 0; i < ARRAY_SIZE(path) && r == 0; i++)
        r = make_absolute(path[i]);
    return r;
}

/* "x" and "x/" are the same prefix. */
static int
take_url(struct program *p, const char *url, struct err *e)
{
    CLEANUP_FREE char *key = NULL;
    size_t n;
    int r = conf_url(url, NULL, &p->bucket, &key, e);

    if (r < 0)
        return r;
    n = strlen(key);
    r = asprintf(&p->root, "%s%s", key, n > 0 && key[n - 1] != '/' ? "/" : "");
    if (r >= 0)
        r = asprintf(&p->source, "s3://%s/%s", p->bucket, p->root);
    return r < 0 ? err_set(e, ENOMEM, "out of memory") : 0;
}

static int
take_mountpoint(struct program *p, const char *path, struct err *e)
{
    struct stat st;

    if (!realpath(path, p->mountpoint) || stat(p->mountpoint, &st) < 0)
        return err_set(e, errno, "%s: %s", path,
                       errno == ENOTCONN
                           ? "a dead mount is there (fusermount3 -u it)"
                           : strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ENOTDIR, "%s: not a directory", path);
    return 0;
}

/* 0 to go on, else the exit status + 1. */
static int
take_arguments(struct program *p, int argc, char **argv)
{
    bool help = false, version = false;
    const struct conf_flag flags[] = {
        {.name = "help", .short_name = 'h', .set = &help},
        {.name = "version", .short_name = 'V', .set = &version},
        {.name = NULL},
    };
    struct err e = {0};

    if (conf_parse(&p->conf, flags, &argc, argv, &e) < 0 ||
        cmd_check_options(&p->conf, &e) < 0)
        return usage_error(e.text) + 1;
    cmd_fit_memory(&p->conf);
    if (help)
        return print_help() + 1;
    if (version) {
        puts("s3zipfs " VERSION);
        return 1;
    }
    if (argc != 3) {
        fputs(usage_line, stderr);
        return EXIT_USAGE + 1;
    }
    if (take_url(p, argv[1], &e) < 0)
        return usage_error(e.text) + 1;
    if (p->conf.publish == CONF_PUBLISH_ALL && p->conf.publish_to.count == 0)
        return usage_error("publish=all needs publish_to") + 1;
    if (take_mountpoint(p, argv[2], &e) < 0 || absolute_paths(&p->conf) < 0) {
        fprintf(stderr, "s3zipfs: %s\n", e.num ? e.text : "out of memory");
        return EXIT_FAILURE + 1;
    }
    return 0;
}

/* ------------------------------------------------------------- running */

/* Signals are the fs's, from fs_run on; until then they wait.  No thread
 * may take them. */
static void
hold_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1); /* prints the counters, from fs_run on */
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int
signal_waits(struct err *e)
{
    sigset_t set;

    if (sigpending(&set) == 0 &&
        (sigismember(&set, SIGTERM) || sigismember(&set, SIGINT) ||
         sigismember(&set, SIGHUP)))
        return err_set(e, EINTR, "interrupted");
    return 0;
}

static void
on_ready(void *user)
{
    struct program *p = user;

    background_ready(&p->background);
}

/* The mount is gone: a process that stays would hold the state file and
 * memory for nobody.  What it leaves is in the journal. */
static void *
end_main(void *user)
{
    (void)user;
    sleep(END_SECONDS);
    log_error("the end took more than %d s: giving up", END_SECONDS);
    _exit(EXIT_FAILURE);
}

static void
watch_end(void)
{
    pthread_attr_t detached;
    pthread_t thread;

    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_create(&thread, &detached, end_main, NULL);
    pthread_attr_destroy(&detached);
}

static int
serve(struct program *p, struct cmd_session *s, struct err *e)
{
    struct fs_deps d = {
        .conf = &p->conf,
        .net = s->net,
        .s3 = s->s3,
        .index = s->index,
        .crc = s->crc,
        .pool = s->pool,
        .publisher = s->publisher,
        .bucket = p->bucket,
        .root = p->root,
    };
    struct fs *f;
    int r = fs_new(&f, &d, e);

    if (r < 0)
        return r;
    r = fs_mount(f, p->mountpoint, p->source, e);
    if (r == 0)
        r = fs_run(f, on_ready, p, e);
    watch_end();
    if (r < 0 && p->background.fd < 0)
        log_error("%s", e->text); /* nobody waits for the cause any more */
    if (r == -ETIMEDOUT)
        _exit(EXIT_FAILURE); /* requests hang: nothing can be freed */
    fs_free(f);
    return r;
}

/* What no S3 answer says by itself. */
static int
explain(int r, struct err *e)
{
    if (r == -ECONNREFUSED)
        return err_prefix(e, "connection refused");
    if (r == -EHOSTUNREACH || r == -ETIMEDOUT)
        return err_prefix(e, "cannot reach the store");
    return r;
}

static int
run(struct program *p, struct err *e)
{
    struct cmd_place at = {p->bucket, p->root, NULL};
    struct cmd_session s;
    int r;

    hold_signals();
    r = cmd_session_open(&s, &p->conf, &at, p->background.fd >= 0, e);
    if (r < 0)
        return r;
    r = explain(index_probe(s.index, e), e);
    if (r == 0)
        r = signal_waits(e);
    if (r == 0)
        r = serve(p, &s, e);
    cmd_session_close(&s);
    return r;
}

static void
program_free(struct program *p)
{
    conf_free(&p->conf);
    free(p->bucket);
    free(p->root);
    free(p->source);
}

int
main(int argc, char **argv)
{
    struct program p = {.background = {-1}};
    struct err e = {0};
    int r;

    if (cmd_stdio() < 0 || conf_init(&p.conf) < 0)
        return EXIT_FAILURE;
    r = take_arguments(&p, argc, argv);
    if (r > 0) {
        program_free(&p);
        return r - 1;
    }
    if (!p.conf.foreground && !p.conf.debug)
        r = background_start(&p.background);
    if (r < 0)
        err_set(&e, -r, "cannot start: %s", strerror(-r));
    else
        r = run(&p, &e);
    if (r < 0)
        background_failed(&p.background, e.num ? e.text : strerror(-r));
    program_free(&p);
    return r < 0 ? EXIT_FAILURE : 0;
}
