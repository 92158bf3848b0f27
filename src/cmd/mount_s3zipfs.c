/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * mount.s3zipfs: the helper that mount(8) runs for -t s3zipfs, as
 *     mount.s3zipfs SPEC DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]
 * Turns that into a call of s3zipfs, which lies beside it or in bindir.
 * Knows no option of s3zipfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef BINDIR
#define BINDIR "/usr/bin"
#endif

static const char program[] = "mount.s3zipfs";

struct request {
    const char *spec, *dir, *options, *space;
    bool fake;
};

static int
usage(void)
{
    fprintf(stderr,
            "usage: %s s3://BUCKET[/PREFIX] DIR [-sfnv] [-N NAMESPACE] "
            "[-o OPTIONS] [-t TYPE]\n",
            program);
    return 1; /* mount(8): incorrect invocation */
}

/* mount(8) puts the operands first: getopt permutes anyway. */
static bool
parse(struct request *r, int argc, char **argv)
{
    int c;

    while ((c = getopt(argc, argv, "sfnvN:o:t:")) != -1) {
        if (c == 'f')
            r->fake = true;
        else if (c == 'N')
            r->space = optarg;
        else if (c == 'o')
            r->options = optarg;
        else if (c == '?')
            return false;
    }
    if (argc - optind != 2)
        return false;
    r->spec = argv[optind];
    r->dir = argv[optind + 1];
    return true;
}

/* A namespace is a path or the id of a process in it. */
static bool
enter(const char *space)
{
    char path[64];
    int fd, err = 0;

    if (space[strspn(space, "0123456789")] == '\0') {
        snprintf(path, sizeof(path), "/proc/%.20s/ns/mnt", space);
        space = path;
    }
    fd = open(space, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNS) < 0)
        err = errno;
    if (fd >= 0)
        close(fd);
    if (err)
        fprintf(stderr, "%s: namespace %s: %s\n", program, space,
                strerror(err));
    return err == 0;
}

static void
run(const char *path, const struct request *r)
{
    const char *args[8] = {"s3zipfs"};
    int n = 1;

    if (r->options && *r->options) {
        args[n++] = "-o";
        args[n++] = r->options;
    }
    args[n++] = "--";
    args[n++] = r->spec;
    args[n++] = r->dir;
    execv(path, (char *const *)args);
}

/* s3zipfs beside this program, "" if that cannot be said. */
static void
beside(char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    char *slash;

    out[n > 0 ? n : 0] = '\0';
    slash = strrchr(out, '/');
    if (!slash || (size_t)(slash - out) + sizeof("/s3zipfs") > size)
        out[0] = '\0';
    else
        strcpy(slash, "/s3zipfs");
}

int
main(int argc, char **argv)
{
    struct request r = {0};
    char path[PATH_MAX];

    if (!parse(&r, argc, argv))
        return usage();
    if (r.fake)
        return 0;
    if (r.space && !enter(r.space))
        return 32; /* mount(8): mount failure */
    beside(path, sizeof(path));
    if (path[0] && access(path, X_OK) == 0)
        run(path, &r);
    run(BINDIR "/s3zipfs", &r);
    fprintf(stderr, "%s: cannot run s3zipfs: %s\n", program, strerror(errno));
    return 32;
}
