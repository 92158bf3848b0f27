/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Uploads below a prefix are listed and aborted, then objects are listed
 * and deleted, many side by side.  A list that is refused is a failure:
 * nobody knows what is there.  Must not know whose prefix it is.
 *
 * Threads: calls of one scrub answer on any loop thread; its lock guards
 * the list and the counts, and is held across no call.
 */
#include "publish/scrub.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "s3/multipart.h"

enum { SIDE_BY_SIDE = 32 };

struct thing { /* an upload or a version of an object */
    char *key, *id;
    size_t key_len;
    bool upload;
};

struct removal {
    struct scrub *scrub;
    s3_id id;
    unsigned turn; /* counts what it was used for */
    bool busy, upload;
};

struct scrub {
    struct s3 *s3;
    char *bucket, *prefix;
    scrub_cb *cb;
    void *user;
    pthread_mutex_t lock; /* all below */
    struct thing *thing;
    size_t count, next;
    unsigned busy;
    bool stepping, again; /* a thread is in scrub_step; has more to do */
    bool cancelled;
    bool listing;
    s3_id list;
    struct removal removal[SIDE_BY_SIDE];
    struct scrub_result result;
    bool objects; /* the uploads are through */
};

static void run(struct scrub *k);

/* Under the lock, with what there is to be told: one thread steps at a
 * time, and what comes meanwhile is left to it.  False: k is not ours any
 * more once the lock is open. */
static bool
step_enter(struct scrub *k)
{
    k->again = true;
    if (k->stepping)
        return false;
    return k->stepping = true;
}

static void
things_free(struct scrub *k)
{
    size_t i;

    for (i = 0; i < k->count; i++) {
        free(k->thing[i].key);
        free(k->thing[i].id);
    }
    free(STEAL(k->thing));
    k->count = k->next = 0;
}

void
scrub_free(struct scrub *k)
{
    if (!k)
        return;
    things_free(k);
    pthread_mutex_destroy(&k->lock);
    free(k->bucket);
    free(k->prefix);
    free(k);
}

/* Under the lock. */
static void
note_refusal(struct scrub *k, const struct s3_error *e, uint64_t kept)
{
    k->result.kept += kept;
    if (k->result.e.err == 0)
        k->result.e = *e;
}

/* -------------------------------------------------------------- listing */

/* Under the lock; false: out of memory. */
static bool
add_thing(struct scrub *k, const char *key, size_t key_len, const char *id,
          bool upload)
{
    struct thing *t = &k->thing[k->count];

    t->key = malloc(key_len + 1);
    t->id = strdup(id);
    if (!t->key || !t->id) {
        free(STEAL(t->key));
        free(STEAL(t->id));
        return false;
    }
    memcpy(t->key, key, key_len);
    t->key[key_len] = '\0';
    t->key_len = key_len;
    t->upload = upload;
    k->count++;
    return true;
}

/* With the lock, which it opens. */
static void
listed(struct scrub *k, const struct s3_error *e)
{
    bool mine;

    k->listing = false;
    k->list = 0;
    if (e->err < 0)
        note_refusal(k, e, 1);
    mine = step_enter(k);
    pthread_mutex_unlock(&k->lock);
    if (mine)
        run(k);
}

/* Takes the lock, which listed opens.  Room for count things, if they were
 * listed at all; returns how many there are. */
static size_t
listing_begin(struct scrub *k, const struct s3_error *e, size_t count)
{
    pthread_mutex_lock(&k->lock);
    if (e->err < 0)
        return 0;
    k->thing = calloc(count + 1, sizeof(*k->thing));
    if (!k->thing)
        k->result.kept += count;
    return k->thing ? count : 0;
}

static void
uploads_cb(void *user, const struct s3_error *e, const struct s3_upload *u,
           size_t count)
{
    struct scrub *k = user;
    size_t n = listing_begin(k, e, count), i;

    for (i = 0; i < n; i++)
        if (!add_thing(k, u[i].key, u[i].key_len, u[i].upload_id, true))
            k->result.kept++;
    listed(k, e);
}

static void
versions_cb(void *user, const struct s3_error *e, const struct s3_version *v,
            size_t count)
{
    struct scrub *k = user;
    size_t n = listing_begin(k, e, count), i;

    for (i = 0; i < n; i++)
        if (!add_thing(k, v[i].key, v[i].key_len, v[i].version_id, false))
            k->result.kept++;
    listed(k, e);
}

/* By the thread that is stepping: k stays. */
static void
list_next(struct scrub *k, bool objects)
{
    struct s3_where at = {k->bucket, k->prefix, strlen(k->prefix), true};
    s3_id id;

    pthread_mutex_lock(&k->lock);
    k->listing = true;
    pthread_mutex_unlock(&k->lock);
    id = objects ? s3_list_versions(k->s3, &at, versions_cb, k)
                 : s3_list_uploads_below(k->s3, &at, uploads_cb, k);
    pthread_mutex_lock(&k->lock);
    if (k->listing)
        k->list = id;
    pthread_mutex_unlock(&k->lock);
}

/* ------------------------------------------------------------- removing */

static void
removed_cb(void *user, const struct s3_error *e)
{
    struct removal *r = user;
    struct scrub *k = r->scrub;
    bool mine;

    pthread_mutex_lock(&k->lock);
    r->busy = false;
    r->id = 0;
    k->busy--;
    if (e->err < 0)
        note_refusal(k, e, 1);
    else if (r->upload)
        k->result.uploads++;
    else
        k->result.objects++;
    mine = step_enter(k);
    pthread_mutex_unlock(&k->lock);
    if (mine)
        run(k);
}

static void
remove_thing(struct scrub *k, struct removal *r, const struct thing *t)
{
    struct s3_where at = {k->bucket, t->key, t->key_len, true};
    /* "null" too: without it, a bucket with versions keeps a marker. */
    const char *version = t->id[0] ? t->id : NULL;
    unsigned turn = r->turn;
    s3_id id;

    id = t->upload ? s3_abort(k->s3, &at, t->id, removed_cb, r)
                   : s3_delete(k->s3, &at, NULL, version, removed_cb, r);
    pthread_mutex_lock(&k->lock);
    if (r->busy && r->turn == turn)
        r->id = id;
    pthread_mutex_unlock(&k->lock);
}

/* A removal to be made, marked as busy; NULL: none now. */
static struct removal *
next_removal(struct scrub *k, struct thing **ret)
{
    LOCK_SCOPE(&k->lock);
    struct removal *r = k->removal;

    if (k->cancelled) {
        k->result.kept += k->count - k->next;
        k->next = k->count;
    }
    if (k->listing || k->next == k->count || k->busy == SIDE_BY_SIDE)
        return NULL;
    while (r->busy)
        r++;
    r->busy = true;
    r->turn++;
    r->scrub = k;
    *ret = &k->thing[k->next++];
    r->upload = (*ret)->upload;
    k->busy++;
    return r;
}

/* True if the thread that steps may go; *ret_over: with k. */
static bool
step_leave(struct scrub *k, bool *ret_over)
{
    LOCK_SCOPE(&k->lock);

    if (k->again)
        return false;
    k->stepping = false;
    *ret_over = !k->listing && k->busy == 0 && k->next == k->count;
    return true;
}

/* The uploads are through: objects are next. */
static bool
turn_to_objects(struct scrub *k)
{
    LOCK_SCOPE(&k->lock);

    if (k->listing || k->busy > 0 || k->next < k->count || k->objects)
        return false;
    k->objects = true;
    things_free(k);
    if (k->cancelled && k->result.kept == 0)
        k->result.kept = 1; /* nobody knows how many there are */
    return !k->cancelled;
}

static void
step(struct scrub *k)
{
    struct removal *r;
    struct thing *t;

    pthread_mutex_lock(&k->lock);
    k->again = false;
    pthread_mutex_unlock(&k->lock);
    while ((r = next_removal(k, &t)))
        remove_thing(k, r, t);
    if (turn_to_objects(k))
        list_next(k, true);
}

static void
run(struct scrub *k)
{
    bool over = false;

    do
        step(k);
    while (!step_leave(k, &over));
    if (over) /* k is the caller's from here on */
        k->cb(k->user, &k->result);
}

/* ---------------------------------------------------------------- start */

struct scrub *
scrub_start(struct s3 *s, const char *bucket, const char *prefix, scrub_cb *cb,
            void *user)
{
    struct scrub *k = calloc(1, sizeof(*k));

    if (!k)
        return NULL;
    k->bucket = strdup(bucket);
    k->prefix = strdup(prefix);
    if (!k->bucket || !k->prefix) {
        free(k->bucket);
        free(k->prefix);
        free(k);
        return NULL;
    }
    pthread_mutex_init(&k->lock, NULL);
    k->s3 = s;
    k->cb = cb;
    k->user = user;
    k->stepping = true;
    list_next(k, false);
    run(k);
    return k;
}

void
scrub_cancel(struct scrub *k)
{
    s3_id id[SIDE_BY_SIDE + 1];
    size_t n = 0, i;

    pthread_mutex_lock(&k->lock);
    k->cancelled = true;
    if (k->list)
        id[n++] = k->list;
    for (i = 0; i < SIDE_BY_SIDE; i++)
        if (k->removal[i].id)
            id[n++] = k->removal[i].id;
    pthread_mutex_unlock(&k->lock);
    for (i = 0; i < n; i++)
        s3_cancel(k->s3, id[i]);
}
