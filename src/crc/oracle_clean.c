/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Uploads of the oracle are ended: by their id, or, where an answer to
 * Create was never seen, whatever the store lists under their key.  Only
 * keys of the journal, and only those of processes that are no more or
 * this one.
 */
#include "crc/impl.h"

#include <errno.h>
#include <semaphore.h>
#include <string.h>

#include "s3/orphan.h"
#include "s3/multipart.h"

enum { SWEEP_MOST = 64 };

/* ---------------------------------------------------------------- clean */

struct cleaning {
    struct crc *crc; /* referenced */
    struct oracle_left left;
    char **id;
    size_t count, next;
    bool failed;
    void (*done)(void *user, bool ok);
    void *user;
};

static void
cleaning_end(struct cleaning *k)
{
    size_t i;

    k->done(k->user, !k->failed);
    for (i = 0; i < k->count; i++)
        free(k->id[i]);
    free(k->id);
    oracle_left_free(&k->left);
    crc_unref(k->crc);
    free(k);
}

static struct s3_where
where(const struct cleaning *k)
{
    return (struct s3_where){k->left.bucket, k->left.key, strlen(k->left.key),
                             false};
}

static void abort_next(struct cleaning *k);

static void
on_aborted(void *user, const struct s3_error *e)
{
    struct cleaning *k = user;

    k->failed |= e->err < 0;
    abort_next(k);
}

static void
abort_next(struct cleaning *k)
{
    struct s3_where at = where(k);

    if (k->next == k->count)
        cleaning_end(k);
    else
        s3_abort(k->crc->s3, &at, k->id[k->next++], on_aborted, k);
}

static void
add_id(struct cleaning *k, const char *id)
{
    char *copy = strdup(id);
    char **p = realloc(k->id, (k->count + 1) * sizeof(*p));

    if (p)
        k->id = p;
    if (copy && p) {
        k->id[k->count++] = copy;
        return;
    }
    free(copy);
    k->failed = true;
}

static void
on_listed(void *user, const struct s3_error *e, const struct s3_upload *u,
          size_t count)
{
    struct cleaning *k = user;
    size_t i;

    /* Who may not list may abort what he knows. */
    if (e->err < 0 && k->left.id)
        add_id(k, k->left.id);
    k->failed |= e->err < 0;
    /* There may be one yet. */
    k->failed |= e->err == 0 && !count && s3_orphan_may_come(k->left.intent);
    for (i = 0; e->err == 0 && i < count; i++)
        add_id(k, u[i].upload_id);
    abort_next(k);
}

void
oracle_clean(struct crc *c, const struct oracle_left *left, bool look,
             void (*done)(void *user, bool ok), void *user)
{
    struct cleaning *k = calloc(1, sizeof(*k));
    struct s3_where at;

    if (!k) {
        done(user, false);
        return;
    }
    k->crc = crc_ref(c);
    k->done = done;
    k->user = user;
    k->left.bucket = strdup(left->bucket);
    k->left.key = strdup(left->key);
    k->left.id = left->id ? strdup(left->id) : NULL;
    k->left.intent = left->intent;
    if (!k->left.bucket || !k->left.key) {
        k->failed = true;
        cleaning_end(k);
        return;
    }
    at = where(k);
    if (k->left.id && !look) {
        add_id(k, k->left.id);
        abort_next(k);
    } else if (look) {
        s3_list_uploads(c->s3, &at, on_listed, k);
    } else {
        cleaning_end(k); /* Create was refused */
    }
}

/* ---------------------------------------------------------------- sweep */

struct sweep {
    struct crc *crc; /* referenced */
    struct oracle_left left[SWEEP_MOST];
    size_t count, next;
    int64_t gone; /* row to remove */
};

static void
sweep_end(struct sweep *w)
{
    struct crc *c = w->crc;
    size_t i;

    for (i = 0; i < w->count; i++)
        oracle_left_free(&w->left[i]);
    free(w);
    pthread_mutex_lock(&c->lock);
    c->oracle.sweeping--;
    pthread_cond_broadcast(&c->oracle.ended);
    pthread_mutex_unlock(&c->lock);
    crc_unref(c);
}

static void sweep_next(void *user);

static void
on_swept(void *user, bool ok)
{
    struct sweep *w = user;
    const struct oracle_left *left = &w->left[w->next - 1];

    w->gone = ok ? left->row : 0;
    if (!ok)
        log_warn("crc: what was left at %s stays for the next start",
                 left->key);
    net_work(w->crc->net, sweep_next, w);
}

/* On the worker. */
static void
sweep_next(void *user)
{
    struct sweep *w = user;
    struct oracle_left *left;
    bool closed;

    oracle_journal_remove(w->crc, w->gone);
    w->gone = 0;
    pthread_mutex_lock(&w->crc->lock);
    closed = w->crc->closed;
    pthread_mutex_unlock(&w->crc->lock);
    if (w->next == w->count || closed) {
        sweep_end(w);
        return;
    }
    left = &w->left[w->next++];
    log_info("crc: aborting an upload that was left at %s", left->key);
    oracle_clean(w->crc, left, !left->id, on_swept, w);
}

void
oracle_sweep(void *user)
{
    struct crc *c = user;
    struct sweep *w = calloc(1, sizeof(*w));

    if (w) {
        w->crc = c;
        w->count = oracle_journal_left(c, w->left, SWEEP_MOST);
        sweep_next(w);
        return;
    }
    pthread_mutex_lock(&c->lock);
    c->oracle.sweeping--;
    pthread_mutex_unlock(&c->lock);
    crc_unref(c);
}

/* -------------------------------------------------------------- cleanup */

struct cleanup {
    sem_t done;
    bool ok;
};

static void
on_cleaned(void *user, bool ok)
{
    struct cleanup *w = user;

    w->ok = ok;
    sem_post(&w->done);
}

static void
cleanup_one(struct crc *c, struct cleanup *w, const struct oracle_left *left)
{
    oracle_clean(c, left, !left->id, on_cleaned, w);
    while (sem_wait(&w->done) < 0 && errno == EINTR)
        ;
    if (w->ok)
        oracle_journal_remove(c, left->row);
}

int
crc_cleanup(struct crc *c, const char *bucket, const char *prefix,
            crc_cleaned_cb *fn, void *user)
{
    enum { MOST = 4096 };
    struct oracle_left *left = calloc(MOST, sizeof(*left));
    size_t n = strlen(prefix), count = 0, i;
    struct cleanup w;

    free(c->oracle.bucket);
    c->oracle.bucket = strdup(bucket);
    if (!left || !c->oracle.bucket) {
        free(left);
        return -ENOMEM;
    }
    state_owner(c->oracle.owner, sizeof(c->oracle.owner));
    sem_init(&w.done, 0, 0);
    count = oracle_journal_left(c, left, MOST);
    for (i = 0; i < count; i++) {
        if (strncmp(left[i].key, prefix, n) == 0) {
            cleanup_one(c, &w, &left[i]);
            fn(user, left[i].key, w.ok);
        }
        oracle_left_free(&left[i]);
    }
    sem_destroy(&w.done);
    free(left);
    return 0;
}
