/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The table of extractions' uploads: see journal.h.
 */
#include "extract/journal.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS extract_upload ("
    " id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL,"
    " bucket TEXT NOT NULL, key TEXT NOT NULL, upload_id TEXT,"
    " intent INTEGER NOT NULL, owner TEXT NOT NULL)";

static const char what[] = "journal of extractions";

static sqlite3 *
journal_open(const struct extract_deps *d)
{
    return state_table(d->state, schema, what);
}

static void
bind_where(const struct extract_deps *d, const char *bucket, sqlite3_stmt *q)
{
    sqlite3_bind_text(q, 1, s3_endpoint_id(d->s3), -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(q, 2, bucket, -1, SQLITE_TRANSIENT);
}

int64_t
unpack_journal_add(const struct extract_deps *d, const char *bucket,
                   const char *key, int64_t intent, const char *id)
{
    char owner[STATE_OWNER_MAX];
    sqlite3 *db = journal_open(d);
    sqlite3_stmt *q;
    int64_t row = 0;

    if (!db)
        return 0;
    state_owner(owner, sizeof(owner));
    q = state_prepare(db,
                      "INSERT INTO extract_upload (endpoint, bucket, key,"
                      " intent, owner, upload_id) VALUES (?, ?, ?, ?, ?, ?)");
    if (q) {
        bind_where(d, bucket, q);
        sqlite3_bind_text(q, 3, key, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(q, 4, intent);
        sqlite3_bind_text(q, 5, owner, -1, SQLITE_TRANSIENT);
        if (id)
            sqlite3_bind_text(q, 6, id, -1, SQLITE_TRANSIENT);
    }
    if (state_run(d->state, db, q, what))
        row = sqlite3_last_insert_rowid(db);
    state_unlock(d->state);
    return row;
}

/* sql: ?1 is the row, ?2 the text. */
static void
change(const struct extract_deps *d, int64_t row, const char *sql,
       const char *text)
{
    sqlite3 *db = row ? journal_open(d) : NULL;
    sqlite3_stmt *q;

    if (!db)
        return;
    q = state_prepare(db, sql);
    if (q)
        sqlite3_bind_int64(q, 1, row);
    if (q && text)
        sqlite3_bind_text(q, 2, text, -1, SQLITE_TRANSIENT);
    state_run(d->state, db, q, what);
    state_unlock(d->state);
}

void
unpack_journal_id(const struct extract_deps *d, int64_t row, const char *id)
{
    change(d, row, "UPDATE extract_upload SET upload_id = ?2 WHERE id = ?1",
           id);
}

void
unpack_journal_remove(const struct extract_deps *d, int64_t row)
{
    change(d, row, "DELETE FROM extract_upload WHERE id = ?1", NULL);
}

void
unpack_journal_leave(const struct extract_deps *d, int64_t row)
{
    change(d, row, "UPDATE extract_upload SET owner = '' WHERE id = ?1", NULL);
}

/* --------------------------------------------------------------- reading */

static char *
column_copy(sqlite3_stmt *q, int i)
{
    const char *text = (const char *)sqlite3_column_text(q, i);

    return text ? strdup(text) : NULL;
}

static bool
is_alive(const char *owner, int64_t age)
{
    char self[STATE_OWNER_MAX];

    state_owner(self, sizeof(self));
    return owner && *owner && state_owner_alive(self, owner, age);
}

static void
row_read(sqlite3_stmt *q, struct unpack_row *to)
{
    const char *owner = (const char *)sqlite3_column_text(q, 4);

    to->id = sqlite3_column_int64(q, 0);
    to->intent = sqlite3_column_int64(q, 1);
    to->key = column_copy(q, 2);
    to->upload_id = column_copy(q, 3);
    to->alive = is_alive(owner, time(NULL) - to->intent);
}

void
unpack_journal_free(struct unpack_row *row, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        free(row[i].key);
        free(row[i].upload_id);
    }
    free(row);
}

size_t
unpack_journal_rows(const struct extract_deps *d, const char *bucket,
                    struct unpack_row **ret)
{
    enum { MOST = 4096 };
    sqlite3 *db = journal_open(d);
    struct unpack_row *row = db ? calloc(MOST, sizeof(*row)) : NULL;
    sqlite3_stmt *q;
    size_t n = 0;

    *ret = row;
    if (!db)
        return 0;
    q = state_prepare(db, "SELECT id, intent, key, upload_id, owner FROM"
                          " extract_upload WHERE endpoint = ? AND bucket = ?"
                          " ORDER BY id");
    if (q)
        bind_where(d, bucket, q);
    while (q && row && n < MOST && sqlite3_step(q) == SQLITE_ROW) {
        row_read(q, &row[n]);
        n += row[n].key != NULL;
    }
    sqlite3_finalize(q);
    state_unlock(d->state);
    return n;
}

bool
unpack_journal_others(const struct extract_deps *d, const char *bucket,
                      const struct unpack_row *row, const char *id)
{
    struct unpack_row *all;
    size_t n = unpack_journal_rows(d, bucket, &all), i;
    bool others = false;

    for (i = 0; i < n && !others; i++) {
        if (all[i].id == row->id || strcmp(all[i].key, row->key) != 0)
            continue;
        others = all[i].upload_id ? strcmp(all[i].upload_id, id) == 0
                                  : all[i].alive;
    }
    unpack_journal_free(all, n);
    return others;
}
