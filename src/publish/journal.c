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
#include <stdlib.h>
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
    " initiator TEXT NOT NULL DEFAULT '',"
    " scratch TEXT NOT NULL DEFAULT '', plan TEXT NOT NULL DEFAULT '',"
    " flags INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS publish_part ("
    " upload INTEGER NOT NULL, part INTEGER NOT NULL, crc INTEGER NOT NULL,"
    " PRIMARY KEY (upload, part)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS publish_scratch ("
    " upload INTEGER NOT NULL, stage INTEGER NOT NULL, etag TEXT NOT NULL,"
    " version TEXT NOT NULL, crc INTEGER, PRIMARY KEY (upload, stage))"
    " WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS publish_upload_key"
    " ON publish_upload (endpoint, bucket, key);";

/* A file of a version before plans of several uploads. */
static const char newer[] =
    "ALTER TABLE publish_upload ADD COLUMN scratch TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE publish_upload ADD COLUMN plan TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE publish_upload ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;";

/* ----------------------------------------------------------------- SQL */

static bool
is_old(struct sqlite3 *db)
{
    sqlite3_stmt *s = NULL;
    int r = sqlite3_prepare_v2(db, "SELECT flags FROM publish_upload", -1, &s,
                               NULL);

    sqlite3_finalize(s);
    return r == SQLITE_ERROR;
}

struct sqlite3 *
journal_lock(struct state *st)
{
    struct sqlite3 *db = state_lock(st);

    if (!db)
        return NULL;
    if (sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK &&
        (!is_old(db) ||
         sqlite3_exec(db, newer, NULL, NULL, NULL) == SQLITE_OK))
        return db;
    log_warn("publish: journal: %s", sqlite3_errmsg(db));
    state_unlock(st);
    return NULL;
}

static struct sqlite3 *
journal_open(struct publish_job *j)
{
    return journal_lock(j->p->d.state);
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
        state_prepare(db, "DELETE FROM publish_upload WHERE id <="
                          " (SELECT max(id) FROM publish_upload) - ?");

    sqlite3_bind_int64(s, 1, ROWS_MAX);
    journal_run(db, s);
    journal_run(db, state_prepare(db, "DELETE FROM publish_part WHERE upload"
                                      " NOT IN (SELECT id FROM"
                                      " publish_upload)"));
    journal_run(db, state_prepare(db, "DELETE FROM publish_scratch WHERE"
                                      " upload NOT IN (SELECT id FROM"
                                      " publish_upload)"));
}

int64_t
journal_intent(struct publish_job *j, int64_t now)
{
    struct sqlite3 *db = journal_open(j);
    char plan[65];
    sqlite3_stmt *s;
    int64_t row = 0;

    if (!db)
        return 0;
    plan_fingerprint(&j->plan, j->digest, plan);
    s = state_prepare(db, "INSERT INTO publish_upload (endpoint, bucket,"
                          " key, digest, size, intent, owner, scratch, plan,"
                          " flags) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    if (s) {
        bind_where(j, s);
        sqlite3_bind_text(s, 4, j->digest, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(s, 5, (int64_t)job_zip(j)->size);
        sqlite3_bind_int64(s, 6, now);
        sqlite3_bind_text(s, 7, j->p->owner, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(s, 8, j->scratch_prefix, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(s, 9, plan, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int(s, 10,
                         (j->crc ? ROW_CRC : 0) |
                             (j->scratch_crc ? ROW_SCRATCH_CRC : 0) |
                             (j->force_full ? ROW_FULL : 0));
    }
    if (journal_run(db, s)) {
        row = sqlite3_last_insert_rowid(db);
        journal_bound(db);
    }
    state_unlock(j->p->d.state);
    return row;
}

/* sql: ?1 is the row, ?2 the text. */
static bool
change(struct sqlite3 *db, const char *sql, int64_t row, const char *text)
{
    sqlite3_stmt *s = state_prepare(db, sql);

    if (s)
        sqlite3_bind_int64(s, 1, row);
    if (s && text)
        sqlite3_bind_text(s, 2, text, -1, SQLITE_TRANSIENT);
    return journal_run(db, s);
}

/* Of a Create that may have made two, the one that is known gets a row of
 * its own: the other's stays what it is, without an id. */
static void
split_row(struct publish_job *j, struct sqlite3 *db)
{
    if (!change(db,
                "INSERT INTO publish_upload (endpoint, bucket, key,"
                " upload_id, digest, size, intent, owner, scratch, plan,"
                " flags) SELECT endpoint, bucket, key, ?2, digest, size,"
                " intent, owner, scratch, plan, flags FROM publish_upload"
                " WHERE id = ?1",
                j->row, j->upload_id))
        return;
    j->twins = j->row;
    j->row = sqlite3_last_insert_rowid(db);
    change(db, "UPDATE publish_upload SET scratch = '' WHERE id = ?1",
           j->twins, NULL);
}

void
journal_upload(struct publish_job *j)
{
    struct sqlite3 *db = j->row ? journal_open(j) : NULL;

    if (!db)
        return;
    if (j->create_twice)
        split_row(j, db);
    else
        change(db, "UPDATE publish_upload SET upload_id = ?2 WHERE id = ?1",
               j->row, j->upload_id);
    state_unlock(j->p->d.state);
}

static bool
delete_row(struct sqlite3 *db, int64_t row, int64_t intent, const char *owner)
{
    sqlite3_stmt *s =
        state_prepare(db, "DELETE FROM publish_upload WHERE id = ? AND"
                          " intent = ? AND owner = ?");

    if (s) {
        sqlite3_bind_int64(s, 1, row);
        sqlite3_bind_int64(s, 2, intent);
        sqlite3_bind_text(s, 3, owner, -1, SQLITE_TRANSIENT);
    }
    return journal_run(db, s) && sqlite3_changes(db) > 0;
}

void
journal_remove(struct publish_job *j, int64_t row, int64_t intent,
               const char *owner)
{
    struct sqlite3 *db = row ? journal_open(j) : NULL;

    if (!db)
        return;
    sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    if (delete_row(db, row, intent, owner)) {
        change(db, "DELETE FROM publish_part WHERE upload = ?1", row, NULL);
        change(db, "DELETE FROM publish_scratch WHERE upload = ?1", row, NULL);
    }
    if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        log_warn("publish: journal: %s", sqlite3_errmsg(db));
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); /* nor a lock */
    }
    state_unlock(j->p->d.state);
}

bool
journal_hand_over(struct sqlite3 *db, int64_t row, int64_t intent,
                  const char *from, const char *to)
{
    sqlite3_stmt *s =
        state_prepare(db, "UPDATE publish_upload SET owner = ? WHERE id = ?"
                          " AND intent = ? AND owner = ?");

    if (s) {
        sqlite3_bind_text(s, 1, to, -1, SQLITE_STATIC);
        sqlite3_bind_int64(s, 2, row);
        sqlite3_bind_int64(s, 3, intent);
        sqlite3_bind_text(s, 4, from, -1, SQLITE_STATIC);
    }
    return journal_run(db, s) && sqlite3_changes(db) == 1;
}

void
journal_leave(struct publish_job *j, int64_t row, int64_t intent)
{
    struct sqlite3 *db = row ? journal_open(j) : NULL;

    if (!db)
        return;
    journal_hand_over(db, row, intent, j->p->owner, "");
    state_unlock(j->p->d.state);
}

/* The row stands for uploads whose id nobody was told, and is nobody's work
 * just now. */
static void
leave_unknown(struct publish_job *j, int64_t row)
{
    struct sqlite3 *db = row ? journal_open(j) : NULL;

    if (!db)
        return;
    change(db,
           "UPDATE publish_upload SET owner = '', upload_id = NULL,"
           " scratch = '', initiator = ?2 WHERE id = ?1",
           row, j->initiator);
    state_unlock(j->p->d.state);
}

void
journal_over(struct publish_job *j)
{
    if (j->twins && j->id_lost)
        leave_unknown(j, j->twins);
    else
        journal_remove(j, j->twins, j->intent, j->p->owner);
    if (j->row_kept)
        journal_leave(j, j->row, j->intent);
    else if (j->id_lost && !j->twins)
        leave_unknown(j, j->row);
    else
        journal_remove(j, j->row, j->intent, j->p->owner);
    j->twins = 0;
}

bool
journal_adopt(struct publish_job *j, struct journal_row *row)
{
    struct sqlite3 *db = journal_open(j);
    CLEANUP_FREE char *owner = strdup(j->p->owner);
    bool ok;

    if (!db)
        return false;
    ok = owner &&
         journal_hand_over(db, row->id, row->intent, row->owner, owner);
    state_unlock(j->p->d.state);
    if (ok) {
        free(row->owner);
        row->owner = STEAL(owner);
    }
    return ok;
}

/* --------------------------------------------------------------- reading */

static char *
column_copy(sqlite3_stmt *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s, column);

    return text ? strdup(text) : NULL;
}

static void
column_text(sqlite3_stmt *s, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(s, column);

    snprintf(out, size, "%s", text ? text : "");
}

static bool
row_read(struct publish_job *j, sqlite3_stmt *s, struct journal_row *to)
{
    memset(to, 0, sizeof(*to));
    to->id = sqlite3_column_int64(s, 0);
    to->upload_id = column_copy(s, 1);
    to->intent = sqlite3_column_int64(s, 2);
    to->owner = column_copy(s, 3);
    column_text(s, 4, to->initiator, sizeof(to->initiator));
    to->scratch = column_copy(s, 5);
    column_text(s, 6, to->digest, sizeof(to->digest));
    column_text(s, 7, to->plan, sizeof(to->plan));
    to->flags = sqlite3_column_int(s, 8);
    /* Our own rows are of uploads that could not be aborted then: there
     * is one job per destination. */
    to->alive =
        to->owner && to->owner[0] && strcmp(to->owner, j->p->owner) != 0 &&
        state_owner_alive(j->p->owner, to->owner, time(NULL) - to->intent);
    return to->owner && to->scratch &&
           (to->upload_id || sqlite3_column_type(s, 1) == SQLITE_NULL);
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
    s = state_prepare(db, "SELECT id, upload_id, intent, owner, initiator,"
                          " scratch, digest, plan, flags FROM publish_upload "
                          "WHERE endpoint = ? AND"
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

    for (i = 0; i < count; i++) {
        free(rows[i].upload_id);
        free(rows[i].owner);
        free(rows[i].scratch);
    }
    free(rows);
}
