/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * GetObjectLockConfiguration: does the bucket keep every new object for a
 * while?  Who may not ask, or cannot be answered, is told no: a scratch
 * object that cannot be deleted is then said when that is tried.
 */
#include <errno.h>
#include <string.h>

#include "s3/call.h"

enum { LOCK_BYTES_MAX = 64 * 1024 };

struct lock_call {
    struct s3_call c;
    s3_lock_cb *cb;
    bool retention;
};

static int
on_close(void *user, const char *path, char *text, size_t len)
{
    static const char rule[] = "Rule/DefaultRetention/";
    struct lock_call *l = user;

    (void)text;
    if (strncmp(path, rule, strlen(rule)) == 0 && len > 0)
        l->retention = true; /* Mode, Days, Years */
    return 0;
}

static int
lock_parse(struct s3_call *c, const struct net_response *resp)
{
    struct lock_call *l = (struct lock_call *)c;
    const struct s3_xml x = {
        .root = {"ObjectLockConfiguration"}, .close = on_close, .user = l};

    (void)resp;
    l->retention = false;
    return s3_xml_answer(c, &x);
}

static int
lock_failed(struct s3_call *c, int err)
{
    switch (c->error.http) {
    case 404:
        return strcmp(c->error.code, "NoSuchBucket") == 0 ? err : 0;
    case 403:
    case 405:
    case 501:
        return 0;
    default:
        return err;
    }
}

static void
lock_answer(struct s3_call *c)
{
    struct lock_call *l = (struct lock_call *)c;

    l->cb(c->user, &c->error, c->error.err == 0 && l->retention);
}

static const struct s3_verb lock_verb = {
    .word = "LOCK",
    .method = "GET",
    .counter = S3_COUNTER(lock),
    .answer_max = LOCK_BYTES_MAX,
    .parse = lock_parse,
    .failed = lock_failed,
    .answer = lock_answer,
};

s3_id
s3_bucket_lock(struct s3 *s, const char *bucket, s3_lock_cb *cb, void *user)
{
    const struct s3_where at = {.bucket = bucket, .dest = true};
    struct lock_call *l = s3_call_new(s, sizeof(*l), &lock_verb, &at, user);

    l->cb = cb;
    s3_query(&l->c, "object-lock", "", 0);
    return s3_call_start(&l->c);
}
