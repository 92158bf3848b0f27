/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Notes of a publish that is under way, in the journal: many in one
 * transaction, by a thread that writes ten times a second at most.  Called
 * by publish's workers, and by whoever goes on with a dead publish.
 */
#include "state/journal.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "net/scope.h"

enum { BATCH_MS = 100, STACK = 256 * 1024 };

static const char what[] = "journal of uploads";

struct batch {
    struct journal_part *part;
    struct journal_scratch *scratch;
    size_t parts, part_cap, scratches, scratch_cap;
};

struct journal_notes {
    struct state *state;
    const struct journal_claim *claim;
    pthread_t thread;
    struct scope *nap;    /* between two batches: stopped in the end */
    pthread_mutex_t lock; /* all below */
    pthread_cond_t more;  /* notes have come, or were written, or the end */
    struct batch batch;
    uint64_t noted, written; /* notes so far */
    bool end;
};

/* -------------------------------------------------------------- writing */

/* The row only as we hold it: it may be gone, and the file another. */
static sqlite3_stmt *
prepare(sqlite3 *db, const struct journal_claim *c, const char *sql)
{
    sqlite3_stmt *q = state_prepare(db, sql);

    if (!q)
        return NULL;
    sqlite3_bind_int64(q, 1, c->row);
    sqlite3_bind_int64(q, 2, c->intent);
    sqlite3_bind_text(q, 3, c->owner, -1, SQLITE_TRANSIENT);
    return q;
}

static bool
put_parts(sqlite3 *db, const struct journal_claim *c, const struct batch *b)
{
    sqlite3_stmt *q =
        prepare(db, c,
                "INSERT OR REPLACE INTO upload_part (upload, number, crc)"
                " SELECT n, ?4, ?5 FROM upload WHERE n = ?1 AND intent = ?2"
                " AND owner = ?3");
    bool ok = q != NULL;
    size_t i;

    for (i = 0; ok && i < b->parts; i++) {
        sqlite3_bind_int64(q, 4, b->part[i].number);
        sqlite3_bind_int64(q, 5, b->part[i].crc);
        ok = sqlite3_step(q) == SQLITE_DONE;
        sqlite3_reset(q);
    }
    sqlite3_finalize(q);
    return ok;
}

static bool
put_scratches(sqlite3 *db, const struct journal_claim *c,
              const struct batch *b)
{
    sqlite3_stmt *q = prepare(
        db, c,
        "INSERT OR REPLACE INTO upload_scratch (upload, number, etag,"
        " version, crc) SELECT n, ?4, ?5, ?6, ?7 FROM upload WHERE n = ?1 AND"
        " intent = ?2 AND owner = ?3");
    bool ok = q != NULL;
    size_t i;

    for (i = 0; ok && i < b->scratches; i++) {
        const struct journal_scratch *s = &b->scratch[i];

        sqlite3_bind_int64(q, 4, s->number);
        sqlite3_bind_text(q, 5, s->etag, -1, SQLITE_STATIC);
        sqlite3_bind_text(q, 6, s->version, -1, SQLITE_STATIC);
        if (s->have_crc)
            sqlite3_bind_int64(q, 7, s->crc);
        else
            sqlite3_bind_null(q, 7);
        ok = sqlite3_step(q) == SQLITE_DONE;
        sqlite3_reset(q);
    }
    sqlite3_finalize(q);
    return ok;
}

static void
write_batch(struct journal_notes *n, const struct batch *b)
{
    sqlite3 *db = state_lock(n->state);
    bool ok;

    if (!db)
        return;
    ok = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
         put_parts(db, n->claim, b) && put_scratches(db, n->claim, b) &&
         sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    if (!ok) {
        state_warn(n->state, what, sqlite3_errmsg(db));
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    state_unlock(n->state);
}

static void
batch_free(struct batch *b)
{
    size_t i;

    for (i = 0; i < b->scratches; i++) {
        free(b->scratch[i].etag);
        free(b->scratch[i].version);
    }
    free(b->scratch);
    free(b->part);
    *b = (struct batch){0};
}

static void *
write_notes(void *user)
{
    struct journal_notes *n = user;
    uint64_t noted;
    struct batch b;

    pthread_mutex_lock(&n->lock);
    for (;;) {
        while (!n->end && n->batch.parts == 0 && n->batch.scratches == 0)
            pthread_cond_wait(&n->more, &n->lock);
        if (n->batch.parts == 0 && n->batch.scratches == 0)
            break;
        b = n->batch;
        n->batch = (struct batch){0};
        noted = n->noted;
        pthread_mutex_unlock(&n->lock);
        write_batch(n, &b);
        batch_free(&b);
        pthread_mutex_lock(&n->lock);
        n->written = noted;
        pthread_cond_broadcast(&n->more);
        pthread_mutex_unlock(&n->lock);
        scope_sleep(n->nap, BATCH_MS);
        pthread_mutex_lock(&n->lock);
    }
    pthread_mutex_unlock(&n->lock);
    return NULL;
}

struct journal_notes *
journal_notes_begin(struct state *st, const struct journal_claim *c)
{
    struct journal_notes *n = c->row ? calloc(1, sizeof(*n)) : NULL;
    pthread_attr_t small;
    int r;

    if (!n)
        return NULL;
    if (scope_new(&n->nap) < 0) {
        free(n);
        return NULL;
    }
    n->state = st;
    n->claim = c;
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->more, NULL);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    r = pthread_create(&n->thread, &small, write_notes, n);
    pthread_attr_destroy(&small);
    if (r == 0)
        return n;
    pthread_cond_destroy(&n->more);
    pthread_mutex_destroy(&n->lock);
    scope_free(n->nap);
    free(n);
    return NULL;
}

void
journal_notes_end(struct journal_notes *n)
{
    if (!n)
        return;
    pthread_mutex_lock(&n->lock);
    n->end = true;
    pthread_cond_broadcast(&n->more);
    pthread_mutex_unlock(&n->lock);
    scope_stop(n->nap, -ECANCELED);
    pthread_join(n->thread, NULL);
    pthread_cond_destroy(&n->more);
    pthread_mutex_destroy(&n->lock);
    scope_free(n->nap);
    free(n);
}

void
journal_notes_flush(struct journal_notes *n)
{
    uint64_t noted;

    if (!n)
        return;
    LOCK_SCOPE(&n->lock);
    noted = n->noted;
    while (n->written < noted)
        pthread_cond_wait(&n->more, &n->lock);
}

/* Room for one more of size bytes; false: out of memory.  The part is then
 * sent again after a kill. */
static bool
grow(void *array, size_t *cap, size_t count, size_t size)
{
    size_t more = *cap ? 2 * *cap : 64;
    void *p;

    if (count < *cap)
        return true;
    p = realloc(*(void **)array, more * size);
    if (!p)
        return false;
    *(void **)array = p;
    *cap = more;
    return true;
}

void
journal_note_part(struct journal_notes *n, uint32_t number, uint32_t crc)
{
    struct batch *b;

    if (!n)
        return;
    pthread_mutex_lock(&n->lock);
    b = &n->batch;
    if (grow(&b->part, &b->part_cap, b->parts, sizeof(*b->part)))
        b->part[b->parts++] = (struct journal_part){number, crc};
    n->noted++;
    pthread_cond_broadcast(&n->more);
    pthread_mutex_unlock(&n->lock);
}

void
journal_note_scratch(struct journal_notes *n, const struct journal_scratch *s)
{
    struct journal_scratch own = *s;
    struct batch *b;
    bool kept = false;

    if (!n)
        return;
    own.etag = strdup(s->etag);
    own.version = strdup(s->version ? s->version : "");
    pthread_mutex_lock(&n->lock);
    b = &n->batch;
    if (own.etag && own.version &&
        grow(&b->scratch, &b->scratch_cap, b->scratches,
             sizeof(*b->scratch))) {
        b->scratch[b->scratches++] = own;
        kept = true;
    }
    n->noted++;
    pthread_cond_broadcast(&n->more);
    pthread_mutex_unlock(&n->lock);
    if (kept)
        return;
    free(own.etag);
    free(own.version);
}

/* -------------------------------------------------------------- reading */

static int
read_parts(sqlite3 *db, int64_t row, struct journal_noted *to)
{
    sqlite3_stmt *q =
        state_prepare(db, "SELECT number, crc FROM upload_part WHERE"
                          " upload = ? ORDER BY number");
    size_t cap = 0;
    int step = SQLITE_ERROR;

    if (q)
        sqlite3_bind_int64(q, 1, row);
    while (q && (step = sqlite3_step(q)) == SQLITE_ROW &&
           grow(&to->part, &cap, to->parts, sizeof(*to->part)))
        to->part[to->parts++] = (struct journal_part){
            (uint32_t)sqlite3_column_int64(q, 0),
            (uint32_t)sqlite3_column_int64(q, 1),
        };
    sqlite3_finalize(q);
    return step == SQLITE_DONE ? 0 : step == SQLITE_ROW ? -ENOMEM : -EIO;
}

static bool
take_scratch(sqlite3_stmt *q, struct journal_scratch *s)
{
    *s = (struct journal_scratch){
        .number = (uint32_t)sqlite3_column_int64(q, 0),
        .etag = strdup((const char *)sqlite3_column_text(q, 1)),
        .version = strdup((const char *)sqlite3_column_text(q, 2)),
        .have_crc = sqlite3_column_type(q, 3) == SQLITE_INTEGER,
        .crc = (uint32_t)sqlite3_column_int64(q, 3),
    };
    return s->etag && s->version;
}

static int
read_scratches(sqlite3 *db, int64_t row, struct journal_noted *to)
{
    sqlite3_stmt *q =
        state_prepare(db, "SELECT number, etag, version, crc FROM"
                          " upload_scratch WHERE upload = ? ORDER BY number");
    size_t cap = 0;
    int step = SQLITE_ERROR;

    if (q)
        sqlite3_bind_int64(q, 1, row);
    while (q && (step = sqlite3_step(q)) == SQLITE_ROW &&
           grow(&to->scratch, &cap, to->scratches, sizeof(*to->scratch)) &&
           take_scratch(q, &to->scratch[to->scratches++]))
        ;
    sqlite3_finalize(q);
    return step == SQLITE_DONE ? 0 : step == SQLITE_ROW ? -ENOMEM : -EIO;
}

int
journal_notes_read(struct state *st, const struct journal_claim *c,
                   struct journal_noted *ret)
{
    sqlite3 *db = c->row ? state_lock(st) : NULL;
    int r;

    *ret = (struct journal_noted){0};
    if (!db)
        return 0;
    r = read_parts(db, c->row, ret);
    if (r == 0)
        r = read_scratches(db, c->row, ret);
    if (r == -EIO)
        state_warn(st, what, sqlite3_errmsg(db));
    state_unlock(st);
    if (r < 0)
        journal_noted_free(ret);
    return r;
}

void
journal_noted_free(struct journal_noted *n)
{
    size_t i;

    for (i = 0; i < n->scratches; i++) {
        free(n->scratch[i].etag);
        free(n->scratch[i].version);
    }
    free(n->scratch);
    free(n->part);
    *n = (struct journal_noted){0};
}
