/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The tables that the state file's version stands for, and what is taken
 * over from a file of an older one.  Called when a file is opened.
 */
#include <sqlite3.h>

#include "base/check.h"
#include "state/impl.h"

enum { STATE_VERSION = 2 };

/* crc32: n orders the rows by age; id is a hash, so that the file names no
 * object.  upload: n is never given twice. */
static const char tables[] =
    "CREATE TABLE IF NOT EXISTS crc32 ("
    " n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
    " value INTEGER NOT NULL);"
    "CREATE TABLE upload ("
    " n INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL,"
    " endpoint TEXT NOT NULL, bucket TEXT NOT NULL, key BLOB NOT NULL,"
    " upload_id TEXT, intent INTEGER NOT NULL, owner TEXT NOT NULL,"
    " digest TEXT NOT NULL, plan TEXT NOT NULL, scratch TEXT NOT NULL,"
    " flags INTEGER NOT NULL);"
    "CREATE INDEX upload_key ON upload (endpoint, bucket, key);"
    "CREATE TABLE upload_part ("
    " upload INTEGER NOT NULL REFERENCES upload ON DELETE CASCADE,"
    " number INTEGER NOT NULL, crc INTEGER NOT NULL,"
    " PRIMARY KEY (upload, number)) WITHOUT ROWID;"
    "CREATE TABLE upload_scratch ("
    " upload INTEGER NOT NULL REFERENCES upload ON DELETE CASCADE,"
    " number INTEGER NOT NULL, etag TEXT NOT NULL, version TEXT NOT NULL,"
    " crc INTEGER, PRIMARY KEY (upload, number)) WITHOUT ROWID;"
    "PRAGMA user_version = 2;";

/* Version 1 had a journal for each room.  Its uploads are cleaned, not gone
 * on with (no plan); CRCs stay as they are; other tables are learned
 * again. */
static const char *const take_over[] = {
    "INSERT INTO upload (kind, endpoint, bucket, key, upload_id, intent,"
    " owner, digest, plan, scratch, flags) SELECT 1, endpoint, bucket, key,"
    " upload_id, intent, '', digest, '', scratch, 0 FROM publish_upload",
    "INSERT INTO upload (kind, endpoint, bucket, key, upload_id, intent,"
    " owner, digest, plan, scratch, flags) SELECT 2, endpoint, bucket,"
    " CAST(key AS BLOB), upload_id, intent, '', '', '', '', 0"
    " FROM extract_upload",
    "INSERT INTO upload (kind, endpoint, bucket, key, upload_id, intent,"
    " owner, digest, plan, scratch, flags) SELECT 3, endpoint, bucket,"
    " CAST(key AS BLOB), upload_id, time, '', '', '', '', 0"
    " FROM crc_upload",
    "DROP TABLE publish_part",
    "DROP TABLE publish_scratch",
    "DROP TABLE publish_upload",
    "DROP TABLE extract_upload",
    "DROP TABLE crc_upload",
};

static int
run_sql(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int
user_version(sqlite3 *db, int *ret)
{
    sqlite3_stmt *q = NULL;
    int r = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &q, NULL);

    if (r == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
        *ret = sqlite3_column_int(q, 0);
    else if (r == SQLITE_OK)
        r = sqlite3_errcode(db);
    sqlite3_finalize(q);
    return r;
}

/* Tables that such a file has; that one is not there is no failure. */
static int
take_over_old(sqlite3 *db)
{
    size_t i;
    int r = SQLITE_OK;

    for (i = 0; r == SQLITE_OK && i < ARRAY_SIZE(take_over); i++) {
        r = run_sql(db, take_over[i]);
        if (r == SQLITE_ERROR)
            r = SQLITE_OK;
    }
    return r;
}

int
state_make_schema(sqlite3 *db)
{
    int version = 0, r = run_sql(db, "BEGIN IMMEDIATE");

    if (r == SQLITE_OK)
        r = user_version(db, &version);
    if (r == SQLITE_OK && version > STATE_VERSION)
        r = SQLITE_MISMATCH;
    if (r == SQLITE_OK && version < STATE_VERSION)
        r = run_sql(db, tables);
    if (r == SQLITE_OK && version == 1)
        r = take_over_old(db);
    if (r == SQLITE_OK)
        r = run_sql(db, "COMMIT");
    if (r != SQLITE_OK)
        run_sql(db, "ROLLBACK");
    return r;
}
