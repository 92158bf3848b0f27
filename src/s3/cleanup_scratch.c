/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Whatever lies below a scratch prefix of ours goes: uploads are aborted,
 * then objects deleted, each version of them, on some threads side by side.
 * Called by cleanup.c, and by publish for its own prefix; calls s3/sync.h.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "s3/cleanup.h"
#include "s3/sync.h"

enum {
    SIDE_BY_SIDE = 16,
    STACK = 256 * 1024,
    JOB_WORD = 32, /* hex digits, the last part of a scratch prefix */
};

struct removal {
    const struct s3_cleanup_args *args;
    const char *bucket;
    struct s3_found found; /* uploads, or versions */
    void (*one)(struct removal *m, size_t i);
    size_t count; /* of calls of one */
    atomic_size_t next;
    atomic_uint_fast64_t gone;
    atomic_bool one_by_one; /* the store has no DeleteObjects */
    pthread_mutex_t lock;   /* first */
    struct s3_error first;  /* refusal; err 0 = none */
};

/* A job made it: 32 hex digits that nobody else has. */
static bool
is_job_prefix(const char *prefix)
{
    size_t n = strlen(prefix), i;

    if (n < JOB_WORD + 2 || prefix[n - 1] != '/' ||
        prefix[n - JOB_WORD - 2] != '/')
        return false;
    for (i = n - JOB_WORD - 1; i < n - 1; i++)
        if (!strchr("0123456789abcdef", prefix[i]))
            return false;
    return true;
}

static void
note_refusal(struct removal *m, const struct s3_error *e)
{
    LOCK_SCOPE(&m->lock);

    if (m->first.err == 0)
        m->first = *e;
}

/* --------------------------------------------------------- side by side */

static void *
work(void *user)
{
    struct removal *m = user;
    size_t i;

    while ((i = atomic_fetch_add(&m->next, 1)) < m->count &&
           scope_stopped(m->args->scope) == 0)
        m->one(m, i);
    return NULL;
}

/* one(m, i) for each i below count, on this thread and some more. */
static void
for_each(struct removal *m, void (*one)(struct removal *m, size_t i),
         size_t count)
{
    pthread_t thread[SIDE_BY_SIDE - 1];
    size_t n = 0;
    pthread_attr_t small;

    m->one = one;
    m->count = count;
    atomic_store(&m->next, 0);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    while (n < ARRAY_SIZE(thread) && n + 1 < count &&
           pthread_create(&thread[n], &small, work, m) == 0)
        n++;
    pthread_attr_destroy(&small);
    work(m);
    while (n-- > 0)
        pthread_join(thread[n], NULL);
}

/* -------------------------------------------------------------- removing */

static void
abort_one(struct removal *m, size_t i)
{
    const struct s3_upload *u = &m->found.upload[i];
    struct s3_where at = {m->bucket, u->key, u->key_len, m->args->dest};
    struct s3_reply reply;

    if (s3_abort_wait(m->args->s3, m->args->scope, &at, u->upload_id, &reply) <
        0)
        note_refusal(m, &reply.e);
    else
        atomic_fetch_add(&m->gone, 1);
}

/* "null" too: without it, a bucket with versions keeps a marker. */
static const char *
version_of(const struct s3_version *v)
{
    return v->version_id[0] ? v->version_id : NULL;
}

static void
delete_one(struct removal *m, size_t i)
{
    const struct s3_version *v = &m->found.version[i];
    struct s3_where at = {m->bucket, v->key, v->key_len, m->args->dest};
    struct s3_reply reply;

    if (s3_delete_wait(m->args->s3, m->args->scope, &at, NULL, version_of(v),
                       &reply) < 0)
        note_refusal(m, &reply.e);
    else
        atomic_fetch_add(&m->gone, 1);
}

static void
delete_batch(struct removal *m, size_t batch)
{
    size_t from = batch * S3_DELETE_MAX, i;
    size_t n = min_u64(m->found.count - from, S3_DELETE_MAX);
    CLEANUP_FREE struct s3_item *item = calloc(n, sizeof(*item));
    CLEANUP_FREE int *result = calloc(n, sizeof(*result));
    struct s3_delete_many_args a = {m->bucket, m->args->dest, item, n};
    struct s3_reply reply = {.e = {.err = -ENOMEM}};
    int r = -ENOMEM;

    for (i = 0; item && i < n; i++) {
        const struct s3_version *v = &m->found.version[from + i];

        item[i] = (struct s3_item){v->key, v->key_len, version_of(v)};
    }
    if (item && result)
        r = s3_delete_many_wait(m->args->s3, m->args->scope, &a, result,
                                &reply);
    if (r == -EOPNOTSUPP) {
        atomic_store(&m->one_by_one, true);
        return;
    }
    if (r < 0)
        note_refusal(m, &reply.e);
    for (i = 0; result && i < n; i++)
        atomic_fetch_add(&m->gone, result[i] == 0);
}

static void
abort_uploads(struct removal *m, const struct s3_where *at)
{
    s3_list_uploads_below_wait(m->args->s3, m->args->scope, at, &m->found);
    if (m->found.e.err < 0)
        note_refusal(m, &m->found.e);
    else
        for_each(m, abort_one, m->found.count);
    s3_found_free(&m->found);
}

static void
delete_objects(struct removal *m, const struct s3_where *at)
{
    s3_list_versions_wait(m->args->s3, m->args->scope, at, &m->found);
    if (m->found.e.err < 0)
        note_refusal(m, &m->found.e);
    else
        for_each(m, delete_batch, ceil_div_u64(m->found.count, S3_DELETE_MAX));
    if (atomic_load(&m->one_by_one)) {
        atomic_store(&m->gone, 0);
        for_each(m, delete_one, m->found.count);
    }
    s3_found_free(&m->found);
}

int
s3_cleanup_scratch(const struct s3_cleanup_args *a, const char *bucket,
                   const char *prefix, struct s3_cleanup_count *ret,
                   struct err *e)
{
    struct s3_where at = {bucket, prefix, strlen(prefix), a->dest};
    struct removal m = {.args = a, .bucket = bucket};
    char name[300];
    int why;

    *ret = (struct s3_cleanup_count){0};
    if (!is_job_prefix(prefix))
        return err_set(e, EINVAL,
                       "%s is no prefix of scratch objects: left alone",
                       text_escape(name, sizeof(name), prefix, at.key_len));
    pthread_mutex_init(&m.lock, NULL);
    abort_uploads(&m, &at);
    ret->uploads = atomic_exchange(&m.gone, 0);
    delete_objects(&m, &at);
    ret->objects = atomic_load(&m.gone);
    pthread_mutex_destroy(&m.lock);
    why = scope_stopped(a->scope);
    if (m.first.err < 0)
        return s3_error_text(&m.first, "scratch objects below", bucket, prefix,
                             at.key_len, e);
    return why < 0 ? err_set(e, -why, "stopped while it was cleaning up") : 0;
}
