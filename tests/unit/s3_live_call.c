/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The calls of s3_live: callbacks that copy the answer into got, and calls
 * that wait for them.  Checks nothing but what every caller takes for
 * granted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "s3_live.h"

struct got got = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};

void
live_start(void)
{
    free(got.data);
    got.data = NULL;
    got.n = got.count = got.prefixes = got.uploads = got.markers = 0;
    got.crc32 = got.retention = false;
    got.done = false;
    got.etag[0] = got.text[0] = got.keys[0] = '\0';
}

int
live_await(void)
{
    pthread_mutex_lock(&got.lock);
    while (!got.done)
        pthread_cond_wait(&got.cond, &got.lock);
    pthread_mutex_unlock(&got.lock);
    return got.e.err;
}

void
live_finish(const struct s3_error *e)
{
    pthread_mutex_lock(&got.lock);
    if (got.done)
        abort(); /* twice */
    got.e = *e;
    got.done = true;
    pthread_cond_signal(&got.cond);
    pthread_mutex_unlock(&got.lock);
}

/* --------------------------------------------------------------- callbacks */

void
live_on_done(void *user, const struct s3_error *e)
{
    (void)user;
    live_finish(e);
}

void
live_on_object(void *user, const struct s3_error *e, const struct s3_object *o)
{
    (void)user;
    if (o) {
        got.o = *o;
        snprintf(got.etag, sizeof(got.etag), "%s", o->etag);
        snprintf(got.text, sizeof(got.text), "%s", o->layout_digest);
    }
    live_finish(e);
}

int
live_on_data(void *user, const void *p, size_t n)
{
    (void)user;
    got.data = realloc(got.data, got.n + n + 1);
    memcpy(got.data + got.n, p, n);
    got.n += n;
    return 0;
}

static void
on_completed(void *user, const struct s3_error *e,
             const struct s3_completed *c)
{
    (void)user;
    if (c) {
        got.c = *c;
        snprintf(got.etag, sizeof(got.etag), "%s", c->etag);
    }
    live_finish(e);
}

static void
on_created(void *user, const struct s3_error *e, const char *id)
{
    (void)user;
    snprintf(got.text, sizeof(got.text), "%s", id ? id : "");
    live_finish(e);
}

void
live_on_part(void *user, const struct s3_error *e, const struct s3_part *p)
{
    (void)user;
    if (p) {
        got.p = *p;
        snprintf(got.etag, sizeof(got.etag), "%s", p->etag);
    }
    live_finish(e);
}

static void
on_page(void *user, const struct s3_error *e, const struct s3_page *p)
{
    size_t i, at = 0;

    (void)user;
    for (i = 0; p && i < p->count && at < sizeof(got.keys); i++)
        at += (size_t)snprintf(got.keys + at, sizeof(got.keys) - at,
                               "%s|%llu|%s\n", p->entry[i].key,
                               (unsigned long long)p->entry[i].size,
                               p->entry[i].etag);
    got.count = p ? p->count : 0;
    got.prefixes = p ? p->prefix_count : 0;
    snprintf(got.text, sizeof(got.text), "%s", p && p->next ? p->next : "");
    live_finish(e);
}

static void
on_uploads(void *user, const struct s3_error *e, const struct s3_upload *u,
           size_t count)
{
    (void)user;
    got.uploads = count;
    snprintf(got.text, sizeof(got.text), "%s", count ? u->upload_id : "");
    live_finish(e);
}

static void
on_parts(void *user, const struct s3_error *e, const struct s3_parts *p)
{
    (void)user;
    if (p && p->count > 0) {
        got.first = p->part[0];
        got.last = p->part[p->count - 1];
        snprintf(got.etag, sizeof(got.etag), "%s", got.last.etag);
    }
    got.count = p ? p->count : 0;
    got.crc32 = p && p->crc32;
    live_finish(e);
}

static void
on_versions(void *user, const struct s3_error *e, const struct s3_version *v,
            size_t count)
{
    size_t i;

    (void)user;
    for (i = 0; i < count; i++) {
        got.markers += v[i].marker;
        snprintf(got.ids[i % 4], sizeof(got.ids[0]), "%s", v[i].version_id);
    }
    got.count = count;
    live_finish(e);
}

/* -------------------------------------------------------------- of objects */

struct s3_where
live_where(const char *key)
{
    return (struct s3_where){live.bucket, key, strlen(key), false};
}

int
live_put(const char *key, const char *body, size_t n, const char *if_match,
         bool none)
{
    struct iovec iov = {(void *)body, n};
    struct s3_put_args a = {
        .at = live_where(key),
        .body = &iov,
        .body_count = 1,
        .send_crc32 = true,
        .crc32 = (uint32_t)crc32(0, (const Bytef *)body, (uInt)n),
        .content_type = "application/zip",
        .layout_digest = "digest-1",
        .if_match = if_match,
        .if_none_match = none};

    live_start();
    s3_put(live.s3, &a, on_completed, NULL);
    return live_await();
}

int
live_get(const char *key, const char *etag, uint64_t first, uint64_t length,
         uint64_t expect)
{
    struct s3_get_args a = {.at = live_where(key),
                            .etag = etag,
                            .first = first,
                            .length = length,
                            .expect = expect,
                            .checksum = true,
                            .on_data = live_on_data};

    live_start();
    s3_get(live.s3, &a, live_on_object, NULL);
    return live_await();
}

int
live_head(const char *key, const char *etag)
{
    struct s3_head_args a = {live_where(key), etag, true};

    live_start();
    s3_head(live.s3, &a, live_on_object, NULL);
    return live_await();
}

int
live_list(const char *prefix, bool delimiter, const char *token, unsigned max)
{
    struct s3_list_args a = {.bucket = live.bucket,
                             .prefix = prefix,
                             .prefix_len = strlen(prefix),
                             .delimiter = delimiter,
                             .token = token,
                             .max_keys = max};

    live_start();
    s3_list(live.s3, &a, on_page, NULL);
    return live_await();
}

int
live_versions(const char *prefix)
{
    struct s3_where at = live_where(prefix);

    live_start();
    s3_list_versions(live.s3, &at, on_versions, NULL);
    return live_await();
}

int
live_delete_key(const char *key, const char *etag)
{
    struct s3_where at = live_where(key);

    live_start();
    s3_delete(live.s3, &at, etag, NULL, live_on_done, NULL);
    return live_await();
}

/* -------------------------------------------------------------- of uploads */

void
live_create(const char *key, bool crc, char id[2048])
{
    struct s3_create_args a = {.at = live_where(key),
                               .crc32 = crc,
                               .content_type = "application/zip",
                               .layout_digest = "digest-2"};

    live_start();
    s3_create(live.s3, &a, on_created, NULL);
    check(live_await() == 0 && got.text[0], "create");
    strcpy(id, got.text);
}

int
live_upload(const char *key, const char *id, uint32_t number, const char *body,
            size_t n, bool crc, uint32_t value)
{
    struct iovec iov[2] = {{(void *)body, n / 2},
                           {(void *)(body + n / 2), n - n / 2}};
    struct s3_upload_args a = {.at = live_where(key),
                               .upload_id = id,
                               .number = number,
                               .body = iov,
                               .body_count = 2,
                               .send_crc32 = crc,
                               .crc32 = value};

    live_start();
    s3_upload_part(live.s3, &a, live_on_part, NULL);
    return live_await();
}

int
live_copy(const char *key, const char *id, uint32_t number, const char *source,
          const char *etag, uint64_t first, uint64_t length, uint64_t size)
{
    struct s3_copy_args a = {.at = live_where(key),
                             .upload_id = id,
                             .number = number,
                             .source = live_where(source),
                             .source_etag = etag,
                             .first = first,
                             .length = length,
                             .source_size = size};

    live_start();
    s3_upload_copy(live.s3, &a, live_on_part, NULL);
    return live_await();
}

int
live_complete(const char *key, const char *id, const struct s3_done_part *part,
              size_t count, bool crc, uint32_t whole, uint64_t size, bool none)
{
    struct s3_complete_args a = {.at = live_where(key),
                                 .upload_id = id,
                                 .part = part,
                                 .count = count,
                                 .crc32 = crc,
                                 .whole_crc32 = whole,
                                 .send_size = size > 0 && !live.no_size,
                                 .size = size,
                                 .if_none_match = none};

    live_start();
    s3_complete(live.s3, &a, on_completed, NULL);
    return live_await();
}

int
live_abort_upload(const char *key, const char *id)
{
    struct s3_where at = live_where(key);

    live_start();
    s3_abort(live.s3, &at, id, live_on_done, NULL);
    return live_await();
}

size_t
live_uploads(const char *key, char id[2048])
{
    struct s3_where at = live_where(key);

    live_start();
    s3_list_uploads(live.s3, &at, on_uploads, NULL);
    check(live_await() == 0, "list uploads");
    strcpy(id, got.text);
    return got.uploads;
}

size_t
live_below(const char *prefix)
{
    struct s3_where at = live_where(prefix);

    live_start();
    s3_list_uploads_below(live.s3, &at, on_uploads, NULL);
    check(live_await() == 0, "list uploads below");
    return got.uploads;
}

int
live_parts(const char *key, const char *id)
{
    struct s3_where at = live_where(key);

    live_start();
    s3_list_parts(live.s3, &at, id, on_parts, NULL);
    return live_await();
}
