/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A program started with `>&-`, as some supervisors do, would get the
 * numbers 0 to 2 for its sockets, and then write archives and messages into
 * them, or lose them when it goes to the background.
 */
#include "cmd/cmd_stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
cmd_stdio(void)
{
    int fd;

    /* read-only: an archive written to a closed output is an error */
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}
