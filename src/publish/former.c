/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The archives that this user has published, in the state file: one row
 * for each key, the newest FORMER_ROWS of at most FORMER_BYTES_MAX.
 *
 * Blocks.  Packs and unpacks without the state file's lock.  Must not know
 * jobs, nor what a layout's bytes are.
 */
#include "publish/former_impl.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

/* n orders the rows by age.  The blob comes last: the other columns are
 * read without it. */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS former ("
    " n INTEGER PRIMARY KEY, endpoint TEXT NOT NULL,"
    " bucket TEXT NOT NULL, key BLOB NOT NULL, etag TEXT NOT NULL,"
    " digest TEXT NOT NULL, raw INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, layout BLOB NOT NULL,"
    " UNIQUE (endpoint, bucket, key))";

/* Where an archive is. */
struct former_at {
    const char *endpoint, *bucket, *key;
    size_t key_len;
};

/* A layout as it is kept. */
struct packed {
    uint64_t raw; /* bytes before compression */
    struct buf blob;
};

static const char what[] = "layouts of published archives";

static void
former_warn(struct state *st, struct sqlite3 *db)
{
    state_warn(st, what, sqlite3_errmsg(db));
}

/* The connection, locked, with our table; NULL without a store. */
static struct sqlite3 *
former_open(struct state *st)
{
    return state_table(st, schema, what);
}

static void
bind_where(sqlite3_stmt *s, const struct former_at *at)
{
    sqlite3_bind_text(s, 1, at->endpoint, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, at->bucket, -1, SQLITE_STATIC);
    sqlite3_bind_blob(s, 3, at->key, (int)at->key_len, SQLITE_STATIC);
}

/* The same, and which object it is. */
static void
bind_object(sqlite3_stmt *s, const struct former_at *at, const char *etag,
            const char *digest)
{
    bind_where(s, at);
    sqlite3_bind_text(s, 4, etag, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 5, digest, -1, SQLITE_STATIC);
}

/* ---------------------------------------------------------------- save */

/* The row of a key that was there gets a new n: it is young again. */
static int
insert(struct sqlite3 *db, const struct former_at *at, const char *etag,
       const char *digest, const struct packed *p)
{
    sqlite3_stmt *s = NULL;
    int r = sqlite3_prepare_v2(
        db,
        "INSERT OR REPLACE INTO former (endpoint, bucket, key, etag, digest,"
        " raw, bytes, layout) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        -1, &s, NULL);

    if (r != SQLITE_OK)
        return r;
    bind_object(s, at, etag, digest);
    sqlite3_bind_int64(s, 6, (int64_t)p->raw);
    sqlite3_bind_int64(s, 7, (int64_t)p->blob.len);
    sqlite3_bind_blob(s, 8, p->blob.data, (int)p->blob.len, SQLITE_STATIC);
    r = sqlite3_step(s);
    sqlite3_finalize(s);
    return r == SQLITE_DONE ? SQLITE_OK : r;
}

/* Walks from the youngest row to the first that is too much. */
static int
trim(struct sqlite3 *db)
{
    sqlite3_stmt *s = NULL;
    int64_t bytes = 0, cut = 0;
    unsigned rows = 0;
    char sql[80];
    int r = sqlite3_prepare_v2(
        db, "SELECT n, bytes FROM former ORDER BY n DESC", -1, &s, NULL);

    while (r == SQLITE_OK && !cut && (r = sqlite3_step(s)) == SQLITE_ROW) {
        r = SQLITE_OK;
        bytes += sqlite3_column_int64(s, 1);
        if (++rows > FORMER_ROWS || bytes > (int64_t)FORMER_BYTES_MAX)
            cut = sqlite3_column_int64(s, 0);
    }
    sqlite3_finalize(s);
    if (!cut)
        return r == SQLITE_DONE ? SQLITE_OK : r;
    snprintf(sql, sizeof(sql), "DELETE FROM former WHERE n <= %lld",
             (long long)cut);
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int
replace(struct sqlite3 *db, const struct former_at *at, const char *etag,
        const char *digest, const struct packed *p)
{
    int r = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (r == SQLITE_OK)
        r = insert(db, at, etag, digest, p);
    if (r == SQLITE_OK)
        r = trim(db);
    if (r == SQLITE_OK)
        r = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return r;
}

void
former_save(struct state *st, const char *endpoint, const char *bucket,
            const char *key, size_t key_len, const char *etag,
            const struct layout *l)
{
    const struct former_at at = {endpoint, bucket, key, key_len};
    struct packed p = {.blob = BUF_INIT(FORMER_BLOB_MAX)};
    struct sqlite3 *db = former_open(st);
    char digest[65];

    if (!db)
        return;
    state_unlock(st);
    layout_digest_hex(l, digest);
    if (former_pack(&p.blob, l, &p.raw) < 0)
        log_info("the layout of %zu members is too large to be kept for the"
                 " next publish to s3://%s",
                 l->zip.count, bucket);
    else if ((db = former_open(st)) != NULL) {
        if (replace(db, &at, etag, digest, &p) != SQLITE_OK) {
            former_warn(st, db);
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        }
        state_unlock(st);
    }
    buf_free(&p.blob);
}

/* ---------------------------------------------------------------- load */

/* -ENOENT if there is no such row. */
static int
read_row(sqlite3_stmt *s, struct packed *ret)
{
    const void *blob = sqlite3_column_blob(s, 1);
    int n = sqlite3_column_bytes(s, 1);

    ret->raw = (uint64_t)sqlite3_column_int64(s, 0);
    return blob && n > 0 ? buf_add(&ret->blob, blob, (size_t)n) : -ENOENT;
}

static int
find(struct sqlite3 *db, const struct former_at *at, const char *etag,
     const char *digest, struct packed *ret)
{
    sqlite3_stmt *s = NULL;
    int r = sqlite3_prepare_v2(
        db,
        "SELECT raw, layout FROM former WHERE endpoint = ? AND bucket = ?"
        " AND key = ? AND etag = ? AND digest = lower(?)",
        -1, &s, NULL);

    if (r != SQLITE_OK)
        return -EIO;
    bind_object(s, at, etag, digest);
    r = sqlite3_step(s);
    if (r == SQLITE_ROW)
        r = read_row(s, ret);
    else
        r = r == SQLITE_DONE ? -ENOENT : -EIO;
    sqlite3_finalize(s);
    return r;
}

bool
former_known(struct state *st, const char *endpoint, const char *bucket,
             const char *key, size_t key_len)
{
    const struct former_at at = {endpoint, bucket, key, key_len};
    struct sqlite3 *db = former_open(st);
    sqlite3_stmt *s = NULL;
    int r;

    if (!db)
        return false;
    r = sqlite3_prepare_v2(db,
                           "SELECT n FROM former WHERE endpoint = ? AND"
                           " bucket = ? AND key = ?",
                           -1, &s, NULL);
    if (r == SQLITE_OK) {
        bind_where(s, &at);
        r = sqlite3_step(s);
    }
    if (r != SQLITE_ROW && r != SQLITE_DONE)
        former_warn(st, db);
    sqlite3_finalize(s);
    state_unlock(st);
    return r == SQLITE_ROW;
}

static struct former *
unpack(struct state *st, const struct packed *p, const char *etag,
       const char *digest)
{
    struct former *f = NULL;
    int r = former_unpack(&f, p->blob.data, p->blob.len, p->raw, digest);

    if (r < 0) {
        state_warn(st, "layout of a published archive", strerror(-r));
        return NULL;
    }
    snprintf(f->digest, sizeof(f->digest), "%s", digest);
    snprintf(f->etag, sizeof(f->etag), "%s", etag);
    return f;
}

struct former *
former_load(struct state *st, const char *endpoint, const char *bucket,
            const char *key, size_t key_len, const char *etag,
            const char *digest)
{
    const struct former_at at = {endpoint, bucket, key, key_len};
    struct packed p = {.blob = BUF_INIT(FORMER_BLOB_MAX)};
    struct sqlite3 *db = *etag && *digest ? former_open(st) : NULL;
    struct former *f = NULL;
    int r;

    if (!db)
        return NULL;
    r = find(db, &at, etag, digest, &p);
    if (r == -EIO)
        former_warn(st, db);
    state_unlock(st);
    if (r == 0)
        f = unpack(st, &p, etag, digest);
    buf_free(&p.blob);
    return f;
}
