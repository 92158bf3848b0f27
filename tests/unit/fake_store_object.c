/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The objects of the fake store, their versions and conditions.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "fake_store_op.h"

static struct fake_object **
row_of(const char *key)
{
    return &fake.row[crc32_z(0, (const uint8_t *)key, strlen(key)) %
                     FAKE_ROWS];
}

struct fake_object *
find_object(const char *key)
{
    struct fake_object *o;

    for (o = *row_of(key); o && strcmp(o->key, key) != 0; o = o->same)
        ;
    return o && !o->marker ? o : NULL;
}

void
find_anew(void)
{
    struct fake_object **end, *o, *prev = NULL;

    memset(fake.row, 0, sizeof(fake.row));
    for (o = fake.objects; o; prev = o, o = o->next) {
        o->prev = prev;
        for (end = row_of(o->key); *end; end = &(*end)->same)
            ;
        *end = o;
        o->same = NULL;
    }
}

struct fake_object *
fake_object(const char *key)
{
    LOCK_SCOPE(&fake.lock);

    return find_object(key);
}

static struct fake_object *
new_object(const char *key)
{
    struct fake_object *o = calloc(1, sizeof(*o)), **row = row_of(key);

    o->next = fake.objects;
    if (o->next)
        o->next->prev = o;
    fake.objects = o;
    o->same = *row;
    *row = o;
    snprintf(o->key, sizeof(o->key), "%s", key);
    if (fake.versioned)
        snprintf(o->version, sizeof(o->version), "v-%u", ++fake.etags);
    return o;
}

/* Lock held. */
struct fake_object *
put_object(const char *key, const void *data, size_t n)
{
    struct fake_object *o = fake.versioned ? NULL : find_object(key);

    if (!o)
        o = new_object(key);
    free(o->data);
    o->data = malloc(n + 1);
    memcpy(o->data, data, n);
    o->size = n;
    o->digest[0] = '\0';
    o->have_crc = false;
    o->crc = (uint32_t)crc32_z(0, o->data, n);
    snprintf(o->etag, sizeof(o->etag), "etag-%u", ++fake.etags);
    return o;
}

struct fake_object *
fake_put(const char *key, const void *data, size_t n, bool stored)
{
    LOCK_SCOPE(&fake.lock);
    struct fake_object *o = put_object(key, data, n);

    o->have_crc = stored;
    return o;
}

unsigned
fake_objects_below(const char *prefix)
{
    LOCK_SCOPE(&fake.lock);
    struct fake_object *o;
    unsigned n = 0;

    for (o = fake.objects; o; o = o->next)
        n += strncmp(o->key, prefix, strlen(prefix)) == 0;
    return n;
}

/* ------------------------------------------------------- get and head */

static struct s3_object
object_of(const struct fake_object *o, char etag[40], char digest[72],
          char version[24])
{
    snprintf(etag, 40, "%s", o->etag);
    snprintf(digest, 72, "%s", o->digest);
    snprintf(version, 24, "%s", o->version);
    return (struct s3_object){
        .size = o->size,
        .etag = etag,
        .have_crc32 = o->have_crc,
        .crc32 = o->crc,
        .checksum_crc32 = "",
        .layout_digest = digest,
        .storage_class = "",
        .version_id = version,
    };
}

static void
head_run(struct op *op)
{
    struct s3_object answer = {.etag = "", .layout_digest = ""};
    char etag[40], digest[72], version[24];
    struct fake_object *o;
    struct s3_error e;

    if (fake.head_hangs && op->etag && !op_cancelled(op)) {
        op_again(op);
        return;
    }
    op_begin(op, &fake.heads, &e);
    o = find_object(op->key);
    if (op->etag && (!o || strcmp(o->etag, op->etag) != 0))
        op_refuse(&e, -ESTALE, 412, "");
    if (fake.head_403)
        op_refuse(&e, -EACCES, 403, "");
    if (!o)
        op_refuse(&e, -ENOENT, 404, "");
    if (o)
        answer = object_of(o, etag, digest, version);
    if (fake.no_head_crc)
        answer.have_crc32 = false;
    op_end();
    ((s3_get_cb *)op->cb)(op->user, &e, e.err ? NULL : &answer);
}

s3_id
s3_head(struct s3 *s, const struct s3_head_args *a, s3_get_cb *cb, void *user)
{
    struct op *op = op_at(s, head_run, &a->at, cb, user);

    op->etag = a->etag ? strdup(a->etag) : NULL;
    return op_queue(op);
}

static void
get_run(struct op *op)
{
    struct s3_object answer = {.etag = "", .layout_digest = ""};
    char etag[40], digest[72], version[24];
    CLEANUP_FREE uint8_t *copy = NULL;
    struct fake_object *o;
    struct s3_error e;
    uint64_t half;
    int r;

    op_begin(op, &fake.gets, &e);
    o = find_object(op->key);
    if (op->etag && (!o || strcmp(o->etag, op->etag) != 0))
        op_refuse(&e, -ESTALE, 412, "PreconditionFailed");
    if (!o)
        op_refuse(&e, -ENOENT, 404, "NoSuchKey");
    if (!e.err) {
        if (op->length == 0)
            op->length = o->size;
        assert(op->first + op->length <= o->size);
        copy = malloc(op->length + 1);
        memcpy(copy, o->data + op->first, op->length);
        answer = object_of(o, etag, digest, version);
    }
    op_end();
    if (!e.err) {
        half = op->length / 2;
        r = op->on_data(op->user, copy, half);
        if (r == 0)
            r = op->on_data(op->user, copy + half, op->length - half);
        op_refuse(&e, r, 200, "");
    }
    ((s3_get_cb *)op->cb)(op->user, &e, e.err ? NULL : &answer);
}

s3_id
s3_get(struct s3 *s, const struct s3_get_args *a, s3_get_cb *cb, void *user)
{
    struct op *op = op_at(s, get_run, &a->at, cb, user);

    op->etag = a->etag ? strdup(a->etag) : NULL;
    op->first = a->first;
    op->length = a->length;
    op->on_data = a->on_data;
    return op_queue(op);
}

/* ----------------------------------------------------------------- put */

uint8_t *
op_body(const struct op *op, uint64_t *ret_size)
{
    uint8_t *out;
    uint64_t n = 0;
    int i;

    if (op->from_file) {
        out = malloc(op->file.length + 1);
        *ret_size = op->file.length;
        assert(pread(op->file.fd, out, op->file.length,
                     (off_t)op->file.first) == (ssize_t)op->file.length);
        return out;
    }
    for (i = 0; i < op->body_count; i++)
        n += op->body[i].iov_len;
    out = malloc(n + 1);
    for (n = 0, i = 0; i < op->body_count; i++) {
        memcpy(out + n, op->body[i].iov_base, op->body[i].iov_len);
        n += op->body[i].iov_len;
    }
    *ret_size = n;
    return out;
}

void
op_condition(struct op *op, struct s3_error *e)
{
    struct fake_object *o = find_object(op->key);

    if ((op->if_none_match && o) ||
        (op->if_match && (!o || strcmp(o->etag, op->if_match) != 0)))
        op_refuse(e, -EEXIST, 412, "PreconditionFailed");
    if (!e->err && fake.busy_409 > 0 && !op_scratch(op)) {
        fake.busy_409--;
        op_refuse(e, -EBUSY, 409, "ConditionalRequestConflict");
    }
}

void
op_completed(struct op *op, struct s3_error *e, const struct fake_object *o)
{
    char etag[40] = "", version[24] = "";
    struct s3_completed c = {.etag = etag, .version_id = version};

    if (o) {
        snprintf(etag, sizeof(etag), "%s", o->etag);
        snprintf(version, sizeof(version), "%s", o->version);
    }
    c.have_crc32 = o && o->have_crc && !fake.no_complete_crc;
    c.crc32 = o ? o->crc : 0;
    if (e->err == -ETIMEDOUT)
        e->err = -EINPROGRESS;
    if (o && fake.unclear > 0) {
        fake.unclear--;
        op_refuse(e, -EINPROGRESS, 0, "");
    }
    op_end();
    ((s3_complete_cb *)op->cb)(op->user, e, e->err ? NULL : &c);
}

static void
put_run(struct op *op)
{
    struct fake_object *o = NULL;
    struct s3_error e, no = {0};
    uint8_t *data;
    uint64_t size;
    bool effect = op_begin(op, &fake.puts, &e);

    op_condition(op, &no);
    data = op_body(op, &size);
    if (!no.err && effect) {
        o = put_object(op->key, data, size);
        o->have_crc = op->send_crc;
        assert(o->crc == op->crc);
        snprintf(o->digest, sizeof(o->digest), "%s", op->digest);
        fake.uploaded += size;
    }
    free(data);
    if (!e.err)
        e = no;
    op_completed(op, &e, o);
}

s3_id
s3_put(struct s3 *s, const struct s3_put_args *a, s3_complete_cb *cb,
       void *user)
{
    struct op *op = op_at(s, put_run, &a->at, cb, user);

    assert(op_scratch(op) || a->if_none_match || a->if_match ||
           fake.unguarded);
    op->body = a->body;
    op->body_count = a->body_count;
    op->crc = a->crc32;
    op->send_crc = a->send_crc32;
    op->if_match = a->if_match ? strdup(a->if_match) : NULL;
    op->if_none_match = a->if_none_match;
    snprintf(op->digest, sizeof(op->digest), "%s",
             a->layout_digest ? a->layout_digest : "");
    return op_queue(op);
}

/* -------------------------------------------------------------- delete */

/* The newest one of the key, or that version. */
static struct fake_object *
find_version(const char *key, const char *version)
{
    struct fake_object *o;

    for (o = *row_of(key); o; o = o->same)
        if (strcmp(o->key, key) == 0 &&
            (!version || strcmp(o->version, version) == 0))
            break;
    return o;
}

void
fake_remove(struct fake_object *o)
{
    struct fake_object **at;

    *(o->prev ? &o->prev->next : &fake.objects) = o->next;
    if (o->next)
        o->next->prev = o->prev;
    for (at = row_of(o->key); *at != o; at = &(*at)->same)
        ;
    *at = o->same;
    free(o->data);
    free(o);
}

/* Lock held. */
static void
delete_version(const char *key, const char *version)
{
    struct fake_object *o = find_version(key, version);

    if (fake.versioned && !version)
        new_object(key)->marker = true;
    else if (o)
        fake_remove(o);
}

static void
delete_run(struct op *op)
{
    struct fake_object *o;
    struct s3_error e;
    bool effect = op_begin(op, &fake.deletes, &e);

    o = find_version(op->key, op->version);
    if (fake.deletes_refused)
        op_refuse(&e, -EACCES, 403, "AccessDenied");
    if (o && op->etag && strcmp(o->etag, op->etag) != 0)
        op_refuse(&e, -ESTALE, 412, "PreconditionFailed");
    if (!e.err && effect)
        delete_version(op->key, op->version);
    op_end();
    ((s3_done_cb *)op->cb)(op->user, &e);
}

s3_id
s3_delete(struct s3 *s, const struct s3_where *at, const char *etag,
          const char *version_id, s3_done_cb *cb, void *user)
{
    struct op *op = op_at(s, delete_run, at, cb, user);

    op->version = version_id ? strdup(version_id) : NULL;
    op->etag = etag ? strdup(etag) : NULL;
    return op_queue(op);
}

static void
delete_many_run(struct op *op)
{
    CLEANUP_FREE struct s3_delete_failure *f = calloc(op->count, sizeof(*f));
    size_t i, n = 0;
    struct s3_error e;
    bool effect = op_begin(op, &fake.deletes_many, &e);

    if (fake.many_501)
        op_refuse(&e, -EOPNOTSUPP, 501, "NotImplemented");
    for (i = 0; i < op->count; i++)
        if (strchr(op->items[i].key, 1))
            f[n++] = (struct s3_delete_failure){i, -EILSEQ, "", ""};
        else if (fake.deletes_refused)
            f[n++] =
                (struct s3_delete_failure){i, -EACCES, "AccessDenied", ""};
        else if (!e.err && effect)
            delete_version(op->items[i].key, op->items[i].version_id);
    op_end();
    ((s3_delete_many_cb *)op->cb)(op->user, &e, e.err ? NULL : f,
                                  e.err ? 0 : n);
    for (i = 0; i < op->count; i++) {
        free((char *)op->items[i].key);
        free((char *)op->items[i].version_id);
    }
    free(op->items);
}

s3_id
s3_delete_many(struct s3 *s, const struct s3_delete_many_args *a,
               s3_delete_many_cb *cb, void *user)
{
    struct s3_where at = {.bucket = a->bucket, .key = "", .dest = a->dest};
    struct op *op = op_at(s, delete_many_run, &at, cb, user);
    size_t i;

    assert(a->count > 0 && a->count <= S3_DELETE_MAX);
    op->count = a->count;
    op->items = calloc(a->count, sizeof(*op->items));
    for (i = 0; i < a->count; i++) {
        const char *version = a->item[i].version_id;

        op->items[i] = a->item[i];
        op->items[i].key = strndup(a->item[i].key, a->item[i].key_len);
        op->items[i].version_id = version && *version ? strdup(version) : NULL;
    }
    return op_queue(op);
}
