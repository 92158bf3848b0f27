/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The journal of uploads in the state file: what a killed process leaves,
 * the next publish to the same key finds here.  A row is written before
 * Create, gets the upload's id after it, and goes with the upload.
 *
 * All functions block: net's worker thread only.  Must not know S3 calls.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "publish/job.h"

enum { ROWS_MAX = 10000 };

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS publish_upload ("
    " id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL,"
    " bucket TEXT NOT NULL, key BLOB NOT NULL, upload_id TEXT,"
    " digest TEXT NOT NULL, size INTEGER NOT NULL,"
    " intent INTEGER NOT NULL, owner TEXT NOT NULL,"
    " initiator TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX IF NOT EXISTS publish_upload_key"
    " ON publish_upload (endpoint, bucket, key);";

/* ----------------------------------------------------------------- SQL */

/* The connection, locked, with our table; NULL without a store. */
static struct sqlite3 *
journal_open(struct publish_job *j)
{
    struct sqlite3 *db = state_lock(j->p->d.state);

    if (!db)
        return NULL;
    if (sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK)
        return db;
    log_warn("publish: journal: %s", sqlite3_errmsg(db));
    state_unlock(j->p->d.state);
    return NULL;
}

/* Runs to the end; false is logged.  Finalises s. */
static bool
journal_run(struct sqlite3 *db, sqlite3_stmt *s)
{
    bool ok = s && sqlite3_step(s) == SQLITE_DONE;

    if (!ok)
        log_warn("publish: journal: %s", sqlite3_errmsg(db));
    sqlite3_finalize(s);
    return ok;
}

static sqlite3_stmt *
journal_stmt(struct sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;

    sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    return s;
}

static void
bind_where(struct publish_job *j, sqlite3_stmt *s)
{
    const char *endpoint = s3_endpoint_id(j->p->d.s3_dest);

    sqlite3_bind_text(s, 1, endpoint, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(s, 2, j->bucket, -1, SQLITE_TRANSIENT);
    sqlite3_bind_blob(s, 3, j->key, (int)j->key_len, SQLITE_TRANSIENT);
}

static void
journal_bound(struct sqlite3 *db)
{
    sqlite3_stmt *s =
        journal_stmt(db, "DELETE FROM publish_upload WHERE id <="
                         " (SELECT max(id) FROM publish_upload) - ?");

    sqlite3_bind_int64(s, 1, ROWS_MAX);
    journal_run(db, s);
}

int64_t
journal_intent(struct publish_job *j, int64_t now)
{
    struct sqlite3 *db = journal_open(j);
    sqlite3_stmt *s;
    int64_t row = 0;

    if (!db)
        return 0;
    s = journal_stmt(db, "INSERT INTO publish_upload (endpoint, bucket,"
                         " key, digest, size, intent, owner)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?)");
    if (s) {
        bind_where(j, s);
        sqlite3_bind_text(s, 4, j->digest, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(s, 5, (int64_t)job_zip(j)->size);
        sqlite3_bind_int64(s, 6, now);
        sqlite3_bind_text(s, 7, j->p->owner, -1, SQLITE_TRANSIENT);
    }
    if (journal_run(db, s)) {
        row = sqlite3_last_insert_rowid(db);
        journal_bound(db);
    }
    state_unlock(j->p->d.state);
    return row;
}

void
journal_upload(struct publish_job *j)
{
    struct sqlite3 *db = j->row ? journal_open(j) : NULL;
    sqlite3_stmt *s;

    if (!db)
        return;
    s = journal_stmt(db, "UPDATE publish_upload SET upload_id = ?"
                         " WHERE id = ?");
    if (s) {
        sqlite3_bind_text(s, 1, j->upload_id, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(s, 2, j->row);
    }
    journal_run(db, s);
    state_unlock(j->p->d.state);
}

void
journal_remove(struct publish_job *j, int64_t row)
{
    struct sqlite3 *db = row ? journal_open(j) : NULL;
    sqlite3_stmt *s;

    if (!db)
        return;
    s = journal_stmt(db, "DELETE FROM publish_upload WHERE id = ?");
    if (s)
        sqlite3_bind_int64(s, 1, row);
    journal_run(db, s);
    state_unlock(j->p->d.state);
}

static bool
row_read(struct publish_job *j, sqlite3_stmt *s, struct journal_row *to)
{
    const char *id = (const char *)sqlite3_column_text(s, 1);
    const char *owner = (const char *)sqlite3_column_text(s, 3);
    const char *who = (const char *)sqlite3_column_text(s, 4);

    memset(to, 0, sizeof(*to));
    to->id = sqlite3_column_int64(s, 0);
    to->intent = sqlite3_column_int64(s, 2);
    /* Our own rows are of uploads that could not be aborted then: there
     * is one job per destination. */
    to->alive =
        strcmp(owner ? owner : "", j->p->owner) != 0 &&
        state_owner_alive(j->p->owner, owner ? owner : "",
                          time(NULL) - to->intent);
    snprintf(to->initiator, sizeof(to->initiator), "%s", who ? who : "");
    to->upload_id = id ? strdup(id) : NULL;
    return !id || to->upload_id;
}

int
journal_left(struct publish_job *j, struct journal_row **ret,
             size_t *ret_count)
{
    enum { AT_ONCE = 64 };
    struct sqlite3 *db = journal_open(j);
    struct journal_row *rows;
    size_t n = 0;
    sqlite3_stmt *s;

    if (!db)
        return 0;
    rows = calloc(AT_ONCE, sizeof(*rows));
    s = journal_stmt(db, "SELECT id, upload_id, intent, owner, initiator"
                         " FROM publish_upload WHERE endpoint = ? AND"
                         " bucket = ? AND key = ? ORDER BY id");
    if (s)
        bind_where(j, s);
    while (s && rows && n < AT_ONCE && sqlite3_step(s) == SQLITE_ROW)
        n += row_read(j, s, &rows[n]);
    sqlite3_finalize(s);
    state_unlock(j->p->d.state);
    *ret = rows;
    *ret_count = n;
    return s && rows ? 0 : -EIO;
}

void
journal_rows_free(struct journal_row *rows, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        free(rows[i].upload_id);
    free(rows);
}
