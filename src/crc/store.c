/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * CRC values that outlive a mount: rows of (identity, value), at most so
 * many, the oldest go first.  Must not know sets or climbs.
 */
#include "crc/impl.h"

#include <openssl/sha.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum {
    STORE_ROWS = 2000000, /* about 60 bytes each on disk */
    STORE_ROWS_MEMORY = 100000,
    STORE_TRIM_EVERY = 50000,
    STORE_BATCH = 512, /* rows per time that the lock is held */
};

/* The same table as in the state file (state.c). */
static const char mem_schema[] =
    "CREATE TABLE crc32 (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
    " value INTEGER NOT NULL)";

void
store_init(struct store *st, struct state *state, const char *endpoint)
{
    memset(st, 0, sizeof(*st));
    pthread_mutex_init(&st->lock, NULL);
    st->state = state;
    st->endpoint = endpoint;
    st->since_trim = STORE_TRIM_EVERY; /* short lives trim too */
    if (state_lock(state)) {
        state_unlock(state);
        atomic_store(&st->has_file, true);
        return;
    }
    if (sqlite3_open(":memory:", &st->mem) != SQLITE_OK ||
        sqlite3_exec(st->mem, mem_schema, NULL, NULL, NULL) != SQLITE_OK) {
        sqlite3_close(st->mem);
        st->mem = NULL;
    }
}

void
store_close(struct store *st)
{
    LOCK_SCOPE(&st->lock);

    st->state = NULL;
    atomic_store(&st->has_file, false);
    sqlite3_close(st->mem);
    st->mem = NULL;
}

void
store_free(struct store *st)
{
    store_close(st);
    pthread_mutex_destroy(&st->lock);
}

bool
store_id(const struct store *st, const char *bucket,
         const struct zip_member *m, uint8_t out[16])
{
    CLEANUP_BUF struct buf b = BUF_INIT(MIB(1));
    uint8_t hash[SHA256_DIGEST_LENGTH];
    int r;

    if (!m->etag_len)
        return false;
    /* Lengths in front of what may hold any byte: two members never give
     * the same text. */
    r = buf_addf(&b, "%s\n%s\n%u %u %llu\n", st->endpoint, bucket,
                 (unsigned)m->key_len, (unsigned)m->etag_len,
                 (unsigned long long)m->size);
    if (r == 0)
        r = buf_add(&b, m->key, m->key_len);
    if (r == 0)
        r = buf_add(&b, m->etag, m->etag_len);
    if (r < 0)
        return false;
    SHA256((const uint8_t *)b.data, b.len, hash);
    memcpy(out, hash, 16);
    return true;
}

/* With st->lock. */
static sqlite3 *
store_lock_db(struct store *st)
{
    sqlite3 *db = state_lock(st->state);

    return db ? db : st->mem;
}

static void
store_unlock_db(struct store *st)
{
    state_unlock(st->state);
}

static void
store_trouble(struct store *st, sqlite3 *db, int r)
{
    if (st->state)
        state_warn(st->state, "CRC values",
                   db ? sqlite3_errmsg(db) : sqlite3_errstr(r));
}

typedef void store_found(void *user, size_t i, uint32_t v);

static int
load_rows(struct store *st, sqlite3 *db, const struct layout *l, size_t first,
          size_t n, store_found *found, void *user)
{
    sqlite3_stmt *q = NULL;
    uint8_t id[16];
    size_t i;
    int r = sqlite3_prepare_v2(db, "SELECT value FROM crc32 WHERE id = ?", -1,
                               &q, NULL);

    for (i = first; r == SQLITE_OK && i < first + n; i++) {
        if (!l->zip.member[i].size ||
            !store_id(st, l->bucket, &l->zip.member[i], id))
            continue;
        sqlite3_bind_blob(q, 1, id, sizeof(id), SQLITE_STATIC);
        r = sqlite3_step(q);
        if (r == SQLITE_ROW)
            found(user, i, (uint32_t)sqlite3_column_int64(q, 0));
        r = r == SQLITE_ROW || r == SQLITE_DONE ? SQLITE_OK : r;
        sqlite3_reset(q);
    }
    if (r != SQLITE_OK)
        store_trouble(st, db, r);
    sqlite3_finalize(q);
    return r;
}

/* One transaction: else each row takes and gives back the file's locks, two
 * system calls for one row. */
static int
load_batch(struct store *st, sqlite3 *db, const struct layout *l, size_t first,
           size_t n, store_found *found, void *user)
{
    int r = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);

    if (r != SQLITE_OK) {
        store_trouble(st, db, r);
        return r;
    }
    r = load_rows(st, db, l, first, n, found, user);
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return r;
}

void
store_load(struct store *st, const struct layout *l, size_t first, size_t n,
           store_found *found, void *user)
{
    size_t at = first, end = first + n, k;
    int r = SQLITE_OK;

    for (; at < end && r == SQLITE_OK; at += k) {
        LOCK_SCOPE(&st->lock);
        sqlite3 *db = store_lock_db(st);

        k = end - at < STORE_BATCH ? end - at : STORE_BATCH;
        if (!db)
            return;
        r = load_batch(st, db, l, at, k, found, user);
        store_unlock_db(st);
    }
}

/* A replaced row gets a new n: it counts as young again. */
static int
save_rows(sqlite3 *db, const struct store_row *row, size_t n)
{
    sqlite3_stmt *q = NULL;
    size_t i;
    int r = sqlite3_prepare_v2(
        db, "INSERT OR REPLACE INTO crc32 (id, value) VALUES (?, ?)", -1, &q,
        NULL);

    for (i = 0; r == SQLITE_OK && i < n; i++) {
        sqlite3_bind_blob(q, 1, row[i].id, 16, SQLITE_STATIC);
        sqlite3_bind_int64(q, 2, row[i].value);
        r = sqlite3_step(q);
        r = r == SQLITE_DONE ? SQLITE_OK : r;
        sqlite3_reset(q);
    }
    sqlite3_finalize(q);
    return r;
}

/* n grows by one a row, so max(n) less the limit is old enough; holes
 * that replacing left make it a little too strict. */
static int
trim_rows(struct store *st, sqlite3 *db)
{
    int limit = db == st->mem ? STORE_ROWS_MEMORY : STORE_ROWS;
    char sql[128];

    snprintf(sql, sizeof(sql),
             "DELETE FROM crc32 WHERE n <= (SELECT max(n) FROM crc32) - %d",
             limit);
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int
save_batch(struct store *st, sqlite3 *db, const struct store_row *row,
           size_t n)
{
    int r = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (r == SQLITE_OK)
        r = save_rows(db, row, n);
    st->since_trim += n;
    if (r == SQLITE_OK && st->since_trim >= STORE_TRIM_EVERY) {
        st->since_trim = 0;
        r = trim_rows(st, db);
    }
    if (r == SQLITE_OK)
        r = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (r != SQLITE_OK) {
        store_trouble(st, db, r);
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return r;
}

void
store_save(struct store *st, const struct store_row *row, size_t n)
{
    size_t at, k;
    int r = SQLITE_OK;

    for (at = 0; at < n && r == SQLITE_OK; at += k) {
        LOCK_SCOPE(&st->lock);
        sqlite3 *db = store_lock_db(st);

        k = n - at < STORE_BATCH ? n - at : STORE_BATCH;
        if (!db)
            return;
        r = save_batch(st, db, row + at, k);
        if (db == st->mem)
            atomic_store(&st->mem_rows, true);
        store_unlock_db(st);
    }
}
