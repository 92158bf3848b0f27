/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the fake store lists: uploads, parts, versions; and what it says of
 * the bucket.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake_store_op.h"

unsigned
fake_uploads_open(void)
{
    LOCK_SCOPE(&fake.lock);
    struct fake_upload *u;
    unsigned n = 0;

    for (u = fake.open; u; u = u->next)
        n++;
    return n;
}

uint64_t
fake_parts_below(const char *prefix)
{
    LOCK_SCOPE(&fake.lock);
    struct fake_upload *u;
    uint64_t bytes = 0;
    size_t i;

    for (u = fake.open; u; u = u->next)
        for (i = 0; i < u->parts; i++)
            if (strncmp(u->key, prefix, strlen(prefix)) == 0)
                bytes += u->part[i].size;
    return bytes;
}

static bool
is_listed(const struct op *op, const struct fake_upload *u)
{
    return op->flag ? strncmp(u->key, op->key, strlen(op->key)) == 0
                    : strcmp(u->key, op->key) == 0;
}

static void
list_run(struct op *op)
{
    struct s3_upload *list;
    struct fake_upload *u;
    struct s3_error e;
    size_t n = 0;

    op_begin(op, &fake.lists, &e);
    if (fake.lists_refused)
        op_refuse(&e, -EACCES, 403, "AccessDenied");
    for (u = fake.open; u; u = u->next)
        n++;
    list = calloc(n + 1, sizeof(*list));
    for (n = 0, u = fake.open; u; u = u->next)
        if (is_listed(op, u))
            list[n++] = (struct s3_upload){
                .key = strdup(u->key),
                .key_len = strlen(u->key),
                .upload_id = strdup(u->id),
                .initiated = u->initiated - fake.behind,
                .age = fake.young ? time(NULL) - u->initiated : 3600,
                .begun_first = fake.young ? u->initiated : time(NULL) - 3600,
                .begun_last = fake.young ? u->initiated : time(NULL) - 3600,
                .initiator = strdup(u->initiator)};
    op_end();
    ((s3_uploads_cb *)op->cb)(op->user, &e, list, e.err ? 0 : n);
    while (n-- > 0) {
        free((char *)list[n].key);
        free((char *)list[n].upload_id);
        free((char *)list[n].initiator);
    }
    free(list);
}

s3_id
s3_list_uploads(struct s3 *s, const struct s3_where *at, s3_uploads_cb *cb,
                void *user)
{
    return op_queue(op_at(s, list_run, at, cb, user));
}

s3_id
s3_list_uploads_below(struct s3 *s, const struct s3_where *at,
                      s3_uploads_cb *cb, void *user)
{
    struct op *op = op_at(s, list_run, at, cb, user);

    op->flag = true;
    return op_queue(op);
}

static void
list_parts(const struct fake_upload *u, struct s3_parts *ret)
{
    struct s3_listed_part *list = calloc(u->parts + 1, sizeof(*list));
    uint32_t i;

    *ret = (struct s3_parts){list, 0, u->crc32};
    for (i = 0; i < u->parts; i++)
        if (u->part[i].data)
            list[ret->count++] = (struct s3_listed_part){
                i + 1, u->part[i].size, strdup(u->part[i].etag),
                u->crc32 && fake.list_crc, u->part[i].claimed};
}

static void
parts_run(struct op *op)
{
    struct s3_parts answer = {.count = 0};
    struct fake_upload *u;
    struct s3_error e;
    uint32_t i;

    op_begin(op, &fake.lists, &e);
    u = find_upload(op->upload_id);
    if (!u)
        op_refuse(&e, -ENOENT, 404, "NoSuchUpload");
    else
        list_parts(u, &answer);
    op_end();
    ((s3_parts_cb *)op->cb)(op->user, &e, e.err ? NULL : &answer);
    for (i = 0; i < answer.count; i++)
        free((char *)answer.part[i].etag);
    free((void *)answer.part);
}

s3_id
s3_list_parts(struct s3 *s, const struct s3_where *at, const char *upload_id,
              s3_parts_cb *cb, void *user)
{
    struct op *op = op_at(s, parts_run, at, cb, user);

    op->upload_id = strdup(upload_id);
    return op_queue(op);
}

/* -------------------------------------------------------------- objects */

static int
by_key(const void *a, const void *b)
{
    return strcmp(((const struct s3_entry *)a)->key,
                  ((const struct s3_entry *)b)->key);
}

/* The newest versions below a prefix, behind a key. */
static size_t
list_objects(const struct op *op, struct s3_entry *list)
{
    struct fake_object *o;
    size_t n = 0;

    for (o = fake.objects; o; o = o->next)
        if (find_object(o->key) == o &&
            strncmp(o->key, op->key, strlen(op->key)) == 0 &&
            (!op->version || strcmp(o->key, op->version) > 0))
            list[n++] = (struct s3_entry){.key = strdup(o->key),
                                          .key_len = strlen(o->key),
                                          .size = o->size,
                                          .etag = strdup(o->etag),
                                          .storage_class = ""};
    qsort(list, n, sizeof(*list), by_key);
    return n;
}

/* The token of a page is its last key. */
static void
objects_run(struct op *op)
{
    struct s3_page page = {.count = 0};
    struct s3_entry *list;
    struct fake_object *o;
    struct s3_error e;
    size_t n = 0;

    op_begin(op, &fake.lists, &e);
    for (o = fake.objects; o; o = o->next)
        n++;
    list = calloc(n + 1, sizeof(*list));
    n = list_objects(op, list);
    op_end();
    page.entry = list;
    page.count = n < op->count ? n : op->count;
    page.next = n > op->count ? list[op->count - 1].key : NULL;
    ((s3_list_cb *)op->cb)(op->user, &e, e.err ? NULL : &page);
    while (n-- > 0) {
        free((char *)list[n].key);
        free((char *)list[n].etag);
    }
    free(list);
}

/* No delimiter. */
s3_id
s3_list(struct s3 *s, const struct s3_list_args *a, s3_list_cb *cb, void *user)
{
    struct s3_where at = {a->bucket, a->prefix ? a->prefix : "", a->prefix_len,
                          false};
    struct op *op = op_at(s, objects_run, &at, cb, user);
    const char *behind = a->token ? a->token : a->start_after;

    op->version = behind ? strdup(behind) : NULL;
    op->count = a->max_keys ? a->max_keys : S3_LIST_PAGE;
    return op_queue(op);
}

/* Of an object: one part, with its CRC if it is stored. */
static void
attributes_run(struct op *op)
{
    struct s3_attr_part part = {0};
    struct s3_attrs answer = {.part = &part, .count = 1};
    struct fake_object *o;
    char etag[40] = "";
    struct s3_error e;

    op_begin(op, &fake.heads, &e);
    o = find_object(op->key);
    if (!o)
        op_refuse(&e, -ENOENT, 404, "NoSuchKey");
    if (o) {
        snprintf(etag, sizeof(etag), "%s", o->etag);
        part = (struct s3_attr_part){o->size, o->crc, o->have_crc};
        answer.size = o->size;
    }
    answer.etag = etag;
    op_end();
    ((s3_attrs_cb *)op->cb)(op->user, &e, e.err ? NULL : &answer);
}

s3_id
s3_attributes(struct s3 *s, const struct s3_where *at, s3_attrs_cb *cb,
              void *user)
{
    return op_queue(op_at(s, attributes_run, at, cb, user));
}

/* ------------------------------------------------------------ versions */

static void
versions_run(struct op *op)
{
    struct s3_version *list;
    struct fake_object *o;
    struct s3_error e;
    size_t n = 0;

    op_begin(op, &fake.lists, &e);
    if (fake.lists_refused)
        op_refuse(&e, -EACCES, 403, "AccessDenied");
    for (o = fake.objects; o; o = o->next)
        n++;
    list = calloc(n + 1, sizeof(*list));
    for (n = 0, o = fake.objects; o; o = o->next)
        if (strncmp(o->key, op->key, strlen(op->key)) == 0)
            list[n++] = (struct s3_version){
                .key = strdup(o->key),
                .key_len = strlen(o->key),
                .version_id = strdup(o->version),
                .etag = "",
                .size = o->size,
                .marker = o->marker,
            };
    op_end();
    ((s3_versions_cb *)op->cb)(op->user, &e, list, e.err ? 0 : n);
    while (n-- > 0) {
        free((char *)list[n].key);
        free((char *)list[n].version_id);
    }
    free(list);
}

s3_id
s3_list_versions(struct s3 *s, const struct s3_where *at, s3_versions_cb *cb,
                 void *user)
{
    return op_queue(op_at(s, versions_run, at, cb, user));
}

static void
lock_run(struct op *op)
{
    struct s3_error e;
    bool retention;

    op_begin(op, NULL, &e);
    retention = fake.retention;
    op_end();
    ((s3_lock_cb *)op->cb)(op->user, &e, !e.err && retention);
}

s3_id
s3_bucket_lock(struct s3 *s, const char *bucket, s3_lock_cb *cb, void *user)
{
    struct s3_where at = {.bucket = bucket, .key = "", .key_len = 0};

    return op_queue(op_at(s, lock_run, &at, cb, user));
}
