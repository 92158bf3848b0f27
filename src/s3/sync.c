/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Calls that wait: begin, submit, copy the answer in the callback, end
 * (sync.h).  Called by straight code, calls s3.h, multipart.h and
 * net/scope.h.  (sync_list.c: the listings.)
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "s3/sync_priv.h"

/* ----------------------------------------------------------- any call */

static void
cancel(void *user)
{
    struct s3_sync *w = user;

    s3_cancel(w->s, w->id);
}

int
s3_sync_begin(struct s3_sync *w)
{
    int why = scope_wait_begin(&w->wait, w->sc, cancel, w);

    if (why)
        w->e->err = why;
    return why;
}

void
s3_sync_done(struct s3_sync *w, const struct s3_error *e)
{
    *w->e = *e;
    scope_wait_done(&w->wait);
}

int
s3_sync_end(struct s3_sync *w, s3_id id)
{
    int why;

    w->id = id;
    scope_wait_end(&w->wait);
    why = w->e->err == -ECANCELED ? scope_stopped(w->sc) : 0;
    if (why)
        w->e->err = why;
    return w->e->err;
}

static struct s3_sync
sync_of(struct s3 *s, struct scope *sc, struct s3_reply *ret)
{
    memset(ret, 0, sizeof(*ret));
    return (struct s3_sync){.s = s, .sc = sc, .reply = ret, .e = &ret->e};
}

static void
copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

/* ----------------------------------------------------------- the answers */

static void
on_done(void *user, const struct s3_error *e)
{
    s3_sync_done(user, e);
}

static void
on_object_answer(void *user, const struct s3_error *e,
                 const struct s3_object *o)
{
    struct s3_sync *w = user;
    struct s3_reply *r = w->reply;

    if (o) {
        r->size = o->size;
        r->mtime = o->mtime;
        r->have_crc32 = o->have_crc32;
        r->crc32 = o->crc32;
        r->type = o->type;
        copy(r->etag, sizeof(r->etag), o->etag);
        copy(r->checksum_crc32, sizeof(r->checksum_crc32), o->checksum_crc32);
        copy(r->layout_digest, sizeof(r->layout_digest), o->layout_digest);
        copy(r->storage_class, sizeof(r->storage_class), o->storage_class);
        copy(r->version_id, sizeof(r->version_id), o->version_id);
    }
    s3_sync_done(w, e);
}

static void
on_completed(void *user, const struct s3_error *e,
             const struct s3_completed *c)
{
    struct s3_sync *w = user;
    struct s3_reply *r = w->reply;

    if (c) {
        r->have_crc32 = c->have_crc32;
        r->crc32 = c->crc32;
        copy(r->etag, sizeof(r->etag), c->etag);
        copy(r->version_id, sizeof(r->version_id), c->version_id);
    }
    s3_sync_done(w, e);
}

static void
on_part(void *user, const struct s3_error *e, const struct s3_part *p)
{
    struct s3_sync *w = user;
    struct s3_reply *r = w->reply;

    if (p) {
        r->have_crc32 = p->have_crc32;
        r->crc32 = p->crc32;
        copy(r->etag, sizeof(r->etag), p->etag);
    }
    s3_sync_done(w, e);
}

static void
on_created(void *user, const struct s3_error *e, const char *upload_id)
{
    struct s3_sync *w = user;

    copy(w->reply->upload_id, sizeof(w->reply->upload_id), upload_id);
    s3_sync_done(w, e);
}

static void
on_lock(void *user, const struct s3_error *e, bool retention)
{
    struct s3_sync *w = user;

    w->reply->retention = retention;
    s3_sync_done(w, e);
}

/* ------------------------------------------------------- get and head */

int
s3_head_wait(struct s3 *s, struct scope *sc, const struct s3_head_args *a,
             struct s3_reply *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why : s3_sync_end(&w, s3_head(s, a, on_object_answer, &w));
}

static void
get_object(void *user, const struct s3_object *o)
{
    struct s3_sync *w = user;

    w->on_object(w->user, o);
}

static int
get_data(void *user, const void *p, size_t n)
{
    struct s3_sync *w = user;
    int r = w->on_data(w->user, p, n);

    if (r == 0)
        w->reply->received += n;
    return r == NET_PAUSE ? -EINVAL : r;
}

static int
get(struct s3_sync *w, const struct s3_get_args *a)
{
    struct s3_get_args args = *a;
    int why = s3_sync_begin(w);

    args.on_object = w->on_object ? get_object : NULL;
    args.on_data = get_data;
    return why ? why
               : s3_sync_end(w, s3_get(w->s, &args, on_object_answer, w));
}

int
s3_get_wait(struct s3 *s, struct scope *sc, const struct s3_get_args *a,
            void *user, struct s3_reply *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);

    w.on_object = a->on_object;
    w.on_data = a->on_data;
    w.user = user;
    return get(&w, a);
}

static int
store(void *user, const void *p, size_t n)
{
    struct s3_sync *w = user;

    if (n > w->room)
        return -EMSGSIZE;
    if (n)
        memcpy(w->into, p, n);
    w->into += n;
    w->room -= n;
    return 0;
}

int
s3_get_into(struct s3 *s, struct scope *sc, const struct s3_get_args *a,
            void *p, size_t size, struct s3_reply *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);

    w.on_data = store;
    w.user = &w;
    w.into = p;
    w.room = size;
    return get(&w, a);
}

/* ------------------------------------------- put, delete, the bucket */

int
s3_put_wait(struct s3 *s, struct scope *sc, const struct s3_put_args *a,
            struct s3_reply *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why : s3_sync_end(&w, s3_put(s, a, on_completed, &w));
}

int
s3_delete_wait(struct s3 *s, struct scope *sc, const struct s3_where *at,
               const char *etag, const char *version_id, struct s3_reply *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why
               : s3_sync_end(&w,
                             s3_delete(s, at, etag, version_id, on_done, &w));
}

/* The words of the first failure that is the store's. */
static void
on_deleted(void *user, const struct s3_error *e,
           const struct s3_delete_failure *f, size_t count)
{
    struct s3_sync *w = user;
    size_t i;

    *w->e = *e;
    for (i = 0; i < count; i++) {
        w->item[f[i].index] = f[i].err;
        if (w->e->code[0])
            continue;
        copy(w->e->code, sizeof(w->e->code), f[i].code);
        copy(w->e->message, sizeof(w->e->message), f[i].message);
    }
    scope_wait_done(&w->wait);
}

/* One that no request can name among others. */
static int
delete_singly(struct s3_sync *w, const struct s3_delete_many_args *a, size_t i)
{
    struct s3_where at = {a->bucket, a->item[i].key, a->item[i].key_len,
                          a->dest};
    struct s3_reply one;
    int r =
        s3_delete_wait(w->s, w->sc, &at, NULL, a->item[i].version_id, &one);

    if (r < 0 && !w->e->err)
        *w->e = one.e;
    return r;
}

int
s3_delete_many_wait(struct s3 *s, struct scope *sc,
                    const struct s3_delete_many_args *a, int *ret_item,
                    struct s3_reply *ret)
{
    CLEANUP_FREE int *item = calloc(a->count + 1, sizeof(*item));
    struct s3_sync w = sync_of(s, sc, ret);
    size_t i;
    int r;

    if (!item)
        return ret->e.err = -ENOMEM;
    w.item = item;
    r = s3_sync_begin(&w);
    if (r == 0)
        r = s3_sync_end(&w, s3_delete_many(s, a, on_deleted, &w));
    if (r == -EILSEQ)
        ret->e.err = 0; /* none could be written */
    for (i = 0; i < a->count; i++) {
        if (r < 0)
            item[i] = r;
        if (item[i] == -EILSEQ)
            item[i] = delete_singly(&w, a, i);
        if (item[i] < 0 && !ret->e.err)
            ret->e.err = item[i];
        if (ret_item)
            ret_item[i] = item[i];
    }
    return ret->e.err;
}

int
s3_bucket_lock_wait(struct s3 *s, struct scope *sc, const char *bucket,
                    struct s3_reply *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why : s3_sync_end(&w, s3_bucket_lock(s, bucket, on_lock, &w));
}

/* ----------------------------------------------------- uploads in parts */

int
s3_create_wait(struct s3 *s, struct scope *sc, const struct s3_create_args *a,
               struct s3_reply *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why : s3_sync_end(&w, s3_create(s, a, on_created, &w));
}

int
s3_upload_part_wait(struct s3 *s, struct scope *sc,
                    const struct s3_upload_args *a, struct s3_reply *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why : s3_sync_end(&w, s3_upload_part(s, a, on_part, &w));
}

int
s3_upload_copy_wait(struct s3 *s, struct scope *sc,
                    const struct s3_copy_args *a, struct s3_reply *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why : s3_sync_end(&w, s3_upload_copy(s, a, on_part, &w));
}

int
s3_complete_wait(struct s3 *s, struct scope *sc,
                 const struct s3_complete_args *a, struct s3_reply *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why : s3_sync_end(&w, s3_complete(s, a, on_completed, &w));
}

int
s3_abort_wait(struct s3 *s, struct scope *sc, const struct s3_where *at,
              const char *upload_id, struct s3_reply *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why
               : s3_sync_end(&w, s3_abort(s, at, upload_id, on_done, &w));
}

int
s3_abort_empty_wait(struct s3 *s, struct scope *sc, const struct s3_where *at,
                    const char *upload_id, struct s3_reply *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why
               : s3_sync_end(&w,
                             s3_abort_empty(s, at, upload_id, on_done, &w));
}
