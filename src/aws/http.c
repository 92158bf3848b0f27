/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Waiting, on the refresh thread, in ways that aws_free can end.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/aws_priv.h"
#include "base/buf.h"
#include "net/scope.h"

int
http_call(struct aws *a, const struct net_request *req, int *ret_status,
          char **ret_body, struct err *e)
{
    return net_call(a->net, a->scope, req, ANSWER_MAX, ret_status, ret_body,
                    e);
}

bool
http_pause(struct aws *a, unsigned ms)
{
    return scope_sleep(a->scope, ms) == 0;
}

int
read_token(const char *path, char **ret, struct err *e)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP_BUF struct buf b = BUF_INIT(ANSWER_MAX);
    char part[4096];
    ssize_t n = -1;
    int r = 0;

    while (fd >= 0 && r == 0 && (n = read(fd, part, sizeof(part))) > 0)
        r = buf_add(&b, part, (size_t)n);
    if (fd < 0 || n < 0)
        r = -errno;
    if (r == 0)
        r = buf_add(&b, "", 0);
    if (r < 0) /* never -ENOENT: that would mean "not configured" */
        return err_set(e, EACCES, "%s: %s", path, strerror(-r));
    while (b.len && isspace((unsigned char)b.data[b.len - 1]))
        b.data[--b.len] = '\0';
    *ret = buf_steal(&b);
    return 0;
}
