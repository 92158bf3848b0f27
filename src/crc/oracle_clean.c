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

/* ---------------------------------------------------------------- clean */

struct cleaning {
    struct crc *crc; /* referenced */
    char *bucket, *key, *known;
    int64_t intent;
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
    free(k->bucket);
    free(k->key);
    free(k->known);
    crc_unref(k->crc);
    free(k);
}

static struct s3_where
where(const struct cleaning *k)
{
    return (struct s3_where){k->bucket, k->key, strlen(k->key), false};
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
    if (e->err < 0 && k->known)
        add_id(k, k->known);
    k->failed |= e->err < 0;
    /* There may be one yet. */
    k->failed |= e->err == 0 && !count && s3_orphan_may_come(k->intent);
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
    k->bucket = strdup(left->bucket);
    k->key = strdup(left->key);
    k->known = left->id ? strdup(left->id) : NULL;
    k->intent = left->intent;
    if (!k->bucket || !k->key) {
        k->failed = true;
        cleaning_end(k);
        return;
    }
    at = where(k);
    if (k->known && !look) {
        add_id(k, k->known);
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
    struct journal_row *row;
    size_t count, next;
    struct journal_claim claim; /* of the one that is being cleaned */
    bool gone;
};

static struct oracle_left
left_of(const struct journal_row *row)
{
    return (struct oracle_left){row->bucket, row->key, row->upload_id,
                                row->intent};
}

static void
sweep_end(struct sweep *w)
{
    struct crc *c = w->crc;

    journal_rows_free(w->row, w->count);
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

    w->gone = ok;
    if (!ok)
        log_warn("crc: what was left at %s stays for the next start",
                 w->row[w->next - 1].key);
    net_work(w->crc->net, sweep_next, w);
}

static bool
is_closed(struct crc *c)
{
    LOCK_SCOPE(&c->lock);

    return c->closed;
}

/* On the worker. */
static void
sweep_next(void *user)
{
    struct sweep *w = user;
    const struct journal_row *row = NULL;
    struct oracle_left left;

    oracle_journal_end(w->crc, &w->claim, w->gone);
    while (!row && w->next < w->count && !is_closed(w->crc)) {
        row = &w->row[w->next++];
        if (!oracle_journal_take(w->crc, row, &w->claim))
            row = NULL;
    }
    if (!row) {
        sweep_end(w);
        return;
    }
    log_info("crc: aborting an upload that was left at %s", row->key);
    left = left_of(row);
    oracle_clean(w->crc, &left, !left.id, on_swept, w);
}

void
oracle_sweep(void *user)
{
    struct crc *c = user;
    struct sweep *w = calloc(1, sizeof(*w));

    if (w) {
        w->crc = c;
        w->count = oracle_journal_rows(c, &w->row);
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

/* False: it is not dead, or another was faster. */
static bool
cleanup_one(struct crc *c, struct cleanup *w, const struct journal_row *row)
{
    struct oracle_left left = left_of(row);
    struct journal_claim claim;

    if (!oracle_journal_take(c, row, &claim))
        return false;
    oracle_clean(c, &left, !left.id, on_cleaned, w);
    while (sem_wait(&w->done) < 0 && errno == EINTR)
        ;
    oracle_journal_end(c, &claim, w->ok);
    return true;
}

int
crc_cleanup(struct crc *c, const char *bucket, const char *prefix,
            crc_cleaned_cb *fn, void *user)
{
    size_t n = strlen(prefix), count, i;
    struct journal_row *row;
    struct cleanup w;

    free(c->oracle.bucket);
    c->oracle.bucket = strdup(bucket);
    if (!c->oracle.bucket)
        return -ENOMEM;
    sem_init(&w.done, 0, 0);
    count = oracle_journal_rows(c, &row);
    for (i = 0; i < count; i++)
        if (strncmp(row[i].key, prefix, n) == 0 && cleanup_one(c, &w, &row[i]))
            fn(user, row[i].key, w.ok);
    journal_rows_free(row, count);
    sem_destroy(&w.done);
    return 0;
}
