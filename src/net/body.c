/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What an exchange sends: pieces of memory, or a range of a file that is
 * read on the way out, a block at a time, and again from the start when
 * libcurl says so.  All but exchange_copy_body runs on the loop thread.
 * Must not know when it is sent, nor what comes back.
 */
#include "net/net_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

int
exchange_copy_body(struct exchange *x, const struct net_request *req)
{
    int i;

    if (req->file) {
        x->file = *req->file;
        x->body_size = x->file.length;
        return 0;
    }
    if (!req->body || req->body_count <= 0)
        return 0;
    x->body = calloc((size_t)req->body_count, sizeof(*x->body));
    if (!x->body)
        return -ENOMEM;
    memcpy(x->body, req->body, (size_t)req->body_count * sizeof(*x->body));
    for (i = 0; i < req->body_count; i++)
        if (!add_u64(x->body_size, req->body[i].iov_len, &x->body_size))
            return -EFBIG;
    return 0;
}

static size_t
read_file(struct exchange *x, char *p, size_t room)
{
    uint64_t left = x->file.length - x->file_offset;
    ssize_t n;

    if (room > left)
        room = (size_t)left;
    if (room == 0)
        return 0;
    do
        n = pread(x->file.fd, p, room,
                  (off_t)(x->file.first + x->file_offset));
    while (n < 0 && errno == EINTR);
    if (n <= 0) {
        x->refused = -EIO;
        x->why = n < 0 ? "cannot read the body's file"
                       : "the body's file is shorter than it was";
        return CURL_READFUNC_ABORT;
    }
    x->file_offset += (uint64_t)n;
    return (size_t)n;
}

size_t
exchange_on_read(char *p, size_t size, size_t n, void *user)
{
    struct exchange *x = user;
    size_t room = size * n, done = 0, part;
    const struct iovec *v;

    if (x->req.file)
        return read_file(x, p, room);
    while (done < room && x->body_index < x->req.body_count) {
        v = &x->body[x->body_index];
        part = v->iov_len - x->body_offset;
        if (part > room - done)
            part = room - done;
        if (part)
            memcpy(p + done, (char *)v->iov_base + x->body_offset, part);
        done += part;
        x->body_offset += part;
        if (x->body_offset == v->iov_len) {
            x->body_index++;
            x->body_offset = 0;
        }
    }
    return done;
}

/* libcurl rewinds a body when a kept connection turns out to be dead. */
int
exchange_on_seek(void *user, curl_off_t offset, int origin)
{
    struct exchange *x = user;
    uint64_t left = (uint64_t)offset;

    if (origin != SEEK_SET || offset < 0 || left > x->body_size)
        return CURL_SEEKFUNC_FAIL;
    x->body_index = 0;
    x->body_offset = 0;
    x->file_offset = left;
    if (x->req.file)
        return CURL_SEEKFUNC_OK;
    while (left && left >= x->body[x->body_index].iov_len)
        left -= x->body[x->body_index++].iov_len;
    x->body_offset = (size_t)left;
    return CURL_SEEKFUNC_OK;
}
