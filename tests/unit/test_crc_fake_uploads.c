/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Uploads of the store of test_crc_fake.h: parts that are copied, and
 * that nothing is left in the end.
 */
#include "test_crc_fake.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/cleanup.h"
#include "s3/multipart.h"

struct upload {
    LIST_ENTRY(upload) link;
    char key[128], id[32];
};

struct table {
    struct fake_uploads front; /* first */
    pthread_mutex_t lock;
    LIST_HEAD(, upload) all;
    unsigned last;
};

enum op { CREATE, COPY, ABORT, LIST };

struct request {
    enum op op;
    bool fresh;
    char key[128], id[32];
    struct s3_copy_args copy;
    char etag[40];
    struct fake_object *source;
    s3_create_cb *create_cb;
    s3_part_cb *part_cb;
    s3_done_cb *done_cb;
    s3_uploads_cb *uploads_cb;
    void *user;
};

static struct table *
table_of(struct s3 *s)
{
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    struct fake_uploads **at = fake_uploads_at(s);
    struct table *t;
    LOCK_SCOPE(&once);

    if (!*at) {
        t = calloc(1, sizeof(*t));
        pthread_mutex_init(&t->lock, NULL);
        *at = &t->front;
    }
    return (struct table *)*at;
}

struct fake_uploads *
fake_uploads(struct fake *f)
{
    return &table_of(f->s3)->front;
}

void
fake_uploads_free(struct fake_uploads *front)
{
    struct table *t = (struct table *)front;
    struct upload *u;

    while (t && (u = LIST_FIRST(&t->all))) {
        LIST_REMOVE(u, link);
        free(u);
    }
    free(t);
}

static struct upload *
find(struct table *t, const struct request *q)
{
    struct upload *u;

    LIST_FOREACH(u, &t->all, link)
        if (!strcmp(u->key, q->key) && !strcmp(u->id, q->id))
            return u;
    return NULL;
}

static int
refuse(struct s3_error *e, int http, const char *code)
{
    if (!http)
        return 0;
    e->http = http;
    e->err = http == 403 ? -EACCES : http == 412 ? -ESTALE : -EIO;
    snprintf(e->code, sizeof(e->code), "%s", code ? code : "Refused");
    return e->err;
}

static void
make(struct table *t, struct request *q)
{
    struct upload *u = calloc(1, sizeof(*u));

    snprintf(u->key, sizeof(u->key), "%s", q->key);
    snprintf(u->id, sizeof(u->id), "upload-%u", ++t->last);
    snprintf(q->id, sizeof(q->id), "%s", u->id);
    LIST_INSERT_HEAD(&t->all, u, link);
    t->front.open++;
}

static void
create(struct table *t, struct request *q, struct s3_error *e)
{
    t->front.creates++;
    if (refuse(e, t->front.create_http, NULL) < 0)
        return;
    make(t, q);
    if (t->front.create_twice)
        e->attempts = 2;
    if (t->front.create_twice || (t->front.resends && !q->fresh))
        make(t, q);
    if (t->front.lose_create)
        e->err = -ETIMEDOUT;
}

static void
copy(struct table *t, struct request *q, struct s3_error *e, struct s3_part *p)
{
    struct fake_uploads *f = &t->front;
    struct fake_object *o = q->source;
    bool whole = q->copy.length == o->size || f->copies == FAKE_COPY_WHOLE;

    f->copied++;
    f->highest = q->copy.number > f->highest ? q->copy.number : f->highest;
    f->largest = q->copy.length > f->largest ? q->copy.length : f->largest;
    if (!find(t, q))
        refuse(e, 404, "NoSuchUpload");
    else if (o->changed || strcmp(q->etag, o->etag))
        refuse(e, 412, "PreconditionFailed");
    else if (q->copy.length < o->size && o->size <= f->ranges_above)
        refuse(e, 400, "InvalidRequest");
    else
        refuse(e, f->copy_http, f->copy_code);
    p->etag = "part";
    p->have_crc32 = f->copies != FAKE_COPY_SILENT;
    if (e->err == 0)
        p->crc32 = whole ? fake_crc32(o)
                         : fake_range_crc32(o, q->copy.first, q->copy.length);
}

static void
drop(struct table *t, struct request *q, struct s3_error *e)
{
    struct upload *u = find(t, q);

    t->front.aborts++;
    if (refuse(e, t->front.abort_http, NULL) < 0 || !u)
        return;
    LIST_REMOVE(u, link);
    free(u);
    t->front.open--;
}

static void
answer_list(struct table *t, struct request *q, struct s3_error *e)
{
    struct s3_upload out[8];
    char id[8][32];
    struct upload *u;
    size_t n = 0;

    memset(out, 0, sizeof(out));
    pthread_mutex_lock(&t->lock);
    t->front.lists++;
    LIST_FOREACH(u, &t->all, link)
        if (!strcmp(u->key, q->key) && n < 8) {
            memcpy(id[n], u->id, sizeof(u->id));
            out[n].upload_id = id[n];
            n++;
        }
    pthread_mutex_unlock(&t->lock);
    q->uploads_cb(q->user, e, out, n);
}

static void
answer(struct s3 *s, bool cancelled, void *user)
{
    struct table *t = table_of(s);
    struct request *q = user;
    struct s3_error e = {.attempts = 1};
    struct s3_part p = {0};

    if (cancelled)
        e.err = -ECANCELED;
    pthread_mutex_lock(&t->lock);
    if (q->op == CREATE && !cancelled)
        create(t, q, &e);
    else if (q->op == COPY && !cancelled)
        copy(t, q, &e, &p);
    else if (q->op == ABORT && !cancelled)
        drop(t, q, &e);
    pthread_mutex_unlock(&t->lock);
    if (q->op == CREATE)
        q->create_cb(q->user, &e, e.err ? NULL : q->id);
    else if (q->op == COPY)
        q->part_cb(q->user, &e, e.err ? NULL : &p);
    else if (q->op == ABORT)
        q->done_cb(q->user, &e);
    else
        answer_list(t, q, &e);
    free(q);
}

static struct request *
request(enum op op, const struct s3_where *at, const char *id, void *user)
{
    struct request *q = calloc(1, sizeof(*q));

    q->op = op;
    q->user = user;
    snprintf(q->key, sizeof(q->key), "%s", at->key);
    snprintf(q->id, sizeof(q->id), "%s", id ? id : "");
    return q;
}

s3_id
s3_create(struct s3 *s, const struct s3_create_args *args, s3_create_cb *cb,
          void *user)
{
    struct request *q = request(CREATE, &args->at, NULL, user);

    q->create_cb = cb;
    q->fresh = args->fresh;
    return fake_call(s, answer, q);
}

s3_id
s3_upload_copy(struct s3 *s, const struct s3_copy_args *args, s3_part_cb *cb,
               void *user)
{
    struct request *q = request(COPY, &args->at, args->upload_id, user);

    q->part_cb = cb;
    q->copy = *args;
    q->source = fake_find(s, args->source.key);
    snprintf(q->etag, sizeof(q->etag), "%s", args->source_etag);
    return fake_call(s, answer, q);
}

s3_id
s3_abort(struct s3 *s, const struct s3_where *at, const char *upload_id,
         s3_done_cb *cb, void *user)
{
    struct request *q = request(ABORT, at, upload_id, user);

    q->done_cb = cb;
    return fake_call(s, answer, q);
}

s3_id
s3_list_uploads(struct s3 *s, const struct s3_where *at, s3_uploads_cb *cb,
                void *user)
{
    struct request *q = request(LIST, at, NULL, user);

    q->uploads_cb = cb;
    return fake_call(s, answer, q);
}
