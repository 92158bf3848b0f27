/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The oracle's uploads in the state file: a row is written before Create,
 * gets the upload's id after it, and goes with the upload.  What a killed
 * process left is found here by the next one.
 *
 * All functions block: the worker thread only.  Must not know S3 calls.
 */
#include "crc/impl.h"

#include <sqlite3.h>
#include <string.h>
#include <time.h>

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS crc_upload ("
    " id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL,"
    " bucket TEXT NOT NULL, key TEXT NOT NULL, upload_id TEXT,"
    " time INTEGER NOT NULL, owner TEXT NOT NULL)";

static const char what[] = "journal of CRC uploads";

/* With store.lock: the connection with our table, or NULL. */
static sqlite3 *
journal_open(struct crc *c)
{
    return state_table(c->store.state, schema, what);
}

/* A row without an id stands for every upload at its key. */
int64_t
oracle_journal_add(struct crc *c, const char *key)
{
    LOCK_SCOPE(&c->store.lock);
    sqlite3 *db = journal_open(c);
    sqlite3_stmt *q;
    int64_t row = 0;

    if (!db)
        return 0;
    q = state_prepare(db,
                      "INSERT INTO crc_upload (endpoint, bucket, key, time,"
                      " owner) VALUES (?, ?, ?, ?, ?)");
    if (q) {
        sqlite3_bind_text(q, 1, c->store.endpoint, -1, SQLITE_STATIC);
        sqlite3_bind_text(q, 2, c->oracle.bucket, -1, SQLITE_STATIC);
        sqlite3_bind_text(q, 3, key, -1, SQLITE_STATIC);
        sqlite3_bind_int64(q, 4, time(NULL));
        sqlite3_bind_text(q, 5, c->oracle.owner, -1, SQLITE_STATIC);
    }
    if (state_run(c->store.state, db, q, what))
        row = sqlite3_last_insert_rowid(db);
    state_unlock(c->store.state);
    return row;
}

void
oracle_journal_id(struct crc *c, int64_t row, const char *id)
{
    LOCK_SCOPE(&c->store.lock);
    sqlite3 *db = row ? journal_open(c) : NULL;
    sqlite3_stmt *q;

    if (!db)
        return;
    q = state_prepare(db, "UPDATE crc_upload SET upload_id = ? WHERE id = ?");
    if (q) {
        sqlite3_bind_text(q, 1, id, -1, SQLITE_STATIC);
        sqlite3_bind_int64(q, 2, row);
    }
    state_run(c->store.state, db, q, what);
    state_unlock(c->store.state);
}

void
oracle_journal_remove(struct crc *c, int64_t row)
{
    LOCK_SCOPE(&c->store.lock);
    sqlite3 *db = row ? journal_open(c) : NULL;
    sqlite3_stmt *q;

    if (!db)
        return;
    q = state_prepare(db, "DELETE FROM crc_upload WHERE id = ?");
    if (q)
        sqlite3_bind_int64(q, 1, row);
    state_run(c->store.state, db, q, what);
    state_unlock(c->store.state);
}

static char *
column_copy(sqlite3_stmt *q, int i)
{
    const char *text = (const char *)sqlite3_column_text(q, i);

    return text ? strdup(text) : NULL;
}

/* False: its owner lives, or there is no memory. */
static bool
read_row(struct crc *c, sqlite3_stmt *q, struct oracle_left *ret)
{
    const char *owner = (const char *)sqlite3_column_text(q, 3);
    int64_t intent = sqlite3_column_int64(q, 4);
    int64_t age = time(NULL) - intent;

    if (!owner || state_owner_alive(c->oracle.owner, owner, age))
        return false;
    *ret = (struct oracle_left){
        .row = sqlite3_column_int64(q, 0),
        .bucket = strdup(c->oracle.bucket),
        .key = column_copy(q, 1),
        .id = column_copy(q, 2),
        .intent = intent,
    };
    if (ret->bucket && ret->key)
        return true;
    oracle_left_free(ret);
    return false;
}

size_t
oracle_journal_left(struct crc *c, struct oracle_left *left, size_t max)
{
    LOCK_SCOPE(&c->store.lock);
    sqlite3 *db = journal_open(c);
    sqlite3_stmt *q;
    size_t n = 0;

    if (!db)
        return 0;
    q = state_prepare(db,
                      "SELECT id, key, upload_id, owner, time FROM crc_upload"
                      " WHERE endpoint = ? AND bucket = ? ORDER BY id");
    if (q) {
        sqlite3_bind_text(q, 1, c->store.endpoint, -1, SQLITE_STATIC);
        sqlite3_bind_text(q, 2, c->oracle.bucket, -1, SQLITE_STATIC);
    }
    while (q && n < max && sqlite3_step(q) == SQLITE_ROW)
        n += read_row(c, q, &left[n]);
    sqlite3_finalize(q);
    state_unlock(c->store.state);
    return n;
}

void
oracle_left_free(struct oracle_left *left)
{
    free(left->bucket);
    free(left->key);
    free(left->id);
    *left = (struct oracle_left){0};
}
