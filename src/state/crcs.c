/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * CRC values that outlive a mount: see crcs.h.  Called by crc, calls SQLite.
 */
#include "state/crcs.h"

#include <errno.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/cleanup.h"

enum {
    ROWS = 2000000, /* about 60 bytes each on disk */
    ROWS_MEMORY = 100000,
    TRIM_EVERY = 50000,
    BATCH = 512, /* rows per time that the lock is held */
};

struct crcs {
    pthread_mutex_t lock; /* all; across SQLite calls */
    struct state *state;  /* borrowed; NULL: none, or closed */
    sqlite3 *mem;         /* used if the state has no file */
    size_t since_trim;    /* rows written since the last trim */
};

/* The same table as in the state file (schema.c). */
static const char mem_schema[] =
    "CREATE TABLE crc32 (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
    " value INTEGER NOT NULL)";

int
crcs_new(struct crcs **ret, struct state *st)
{
    struct crcs *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    pthread_mutex_init(&c->lock, NULL);
    c->state = st;
    c->since_trim = TRIM_EVERY; /* short lives trim too */
    *ret = c;
    if (state_has_file(st))
        return 0;
    if (sqlite3_open(":memory:", &c->mem) != SQLITE_OK ||
        sqlite3_exec(c->mem, mem_schema, NULL, NULL, NULL) != SQLITE_OK) {
        sqlite3_close(c->mem);
        c->mem = NULL;
    }
    return 0;
}

void
crcs_close(struct crcs *c)
{
    LOCK_SCOPE(&c->lock);

    c->state = NULL;
    sqlite3_close(c->mem);
    c->mem = NULL;
}

void
crcs_free(struct crcs *c)
{
    if (!c)
        return;
    crcs_close(c);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

bool
crcs_id(const struct crcs_of *of, uint8_t out[16])
{
    CLEANUP_BUF struct buf b = BUF_INIT(MIB(1));
    uint8_t hash[SHA256_DIGEST_LENGTH];
    int r;

    if (!of->etag_len)
        return false;
    /* Lengths in front of what may hold any byte: two members never give
     * the same text. */
    r = buf_addf(&b, "%s\n%s\n%u %u %llu\n", of->endpoint, of->bucket,
                 (unsigned)of->key_len, (unsigned)of->etag_len,
                 (unsigned long long)of->size);
    if (r == 0)
        r = buf_add(&b, of->key, of->key_len);
    if (r == 0)
        r = buf_add(&b, of->etag, of->etag_len);
    if (r < 0)
        return false;
    SHA256((const uint8_t *)b.data, b.len, hash);
    memcpy(out, hash, 16);
    return true;
}

/* With c->lock. */
static sqlite3 *
lock_db(struct crcs *c)
{
    sqlite3 *db = state_lock(c->state);

    return db ? db : c->mem;
}

static void
trouble(struct crcs *c, sqlite3 *db)
{
    if (c->state)
        state_warn(c->state, "CRC values", sqlite3_errmsg(db));
}

/* ------------------------------------------------------------------- load */

static int
load_rows(sqlite3 *db, struct crcs_row *row, size_t n)
{
    sqlite3_stmt *q = NULL;
    size_t i;
    int r = sqlite3_prepare_v2(db, "SELECT value FROM crc32 WHERE id = ?", -1,
                               &q, NULL);

    for (i = 0; r == SQLITE_OK && i < n; i++) {
        sqlite3_bind_blob(q, 1, row[i].id, sizeof(row[i].id), SQLITE_STATIC);
        r = sqlite3_step(q);
        row[i].known = r == SQLITE_ROW;
        if (row[i].known)
            row[i].value = (uint32_t)sqlite3_column_int64(q, 0);
        r = r == SQLITE_ROW || r == SQLITE_DONE ? SQLITE_OK : r;
        sqlite3_reset(q);
    }
    sqlite3_finalize(q);
    return r;
}

/* One transaction: else each row takes and gives back the file's locks, two
 * system calls for one row. */
static int
load_batch(struct crcs *c, sqlite3 *db, struct crcs_row *row, size_t n)
{
    int r = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);

    if (r == SQLITE_OK)
        r = load_rows(db, row, n);
    if (r != SQLITE_OK)
        trouble(c, db);
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return r;
}

void
crcs_load(struct crcs *c, struct crcs_row *row, size_t n)
{
    size_t at, k;
    int r = SQLITE_OK;

    for (at = 0; at < n; at++)
        row[at].known = false;
    for (at = 0; at < n && r == SQLITE_OK; at += k) {
        LOCK_SCOPE(&c->lock);
        sqlite3 *db = lock_db(c);

        k = min_u64(n - at, BATCH);
        if (!db)
            return;
        r = load_batch(c, db, row + at, k);
        state_unlock(c->state);
    }
}

/* ------------------------------------------------------------------- save */

/* A replaced row gets a new n: it counts as young again. */
static int
save_rows(sqlite3 *db, const struct crcs_row *row, size_t n)
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
trim_rows(struct crcs *c, sqlite3 *db)
{
    int limit = db == c->mem ? ROWS_MEMORY : ROWS;
    char sql[128];

    snprintf(sql, sizeof(sql),
             "DELETE FROM crc32 WHERE n <= (SELECT max(n) FROM crc32) - %d",
             limit);
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int
save_batch(struct crcs *c, sqlite3 *db, const struct crcs_row *row, size_t n)
{
    int r = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (r == SQLITE_OK)
        r = save_rows(db, row, n);
    c->since_trim += n;
    if (r == SQLITE_OK && c->since_trim >= TRIM_EVERY) {
        c->since_trim = 0;
        r = trim_rows(c, db);
    }
    if (r == SQLITE_OK)
        r = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (r != SQLITE_OK) {
        trouble(c, db);
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return r;
}

void
crcs_save(struct crcs *c, const struct crcs_row *row, size_t n)
{
    size_t at, k;
    int r = SQLITE_OK;

    for (at = 0; at < n && r == SQLITE_OK; at += k) {
        LOCK_SCOPE(&c->lock);
        sqlite3 *db = lock_db(c);

        k = min_u64(n - at, BATCH);
        if (!db)
            return;
        r = save_batch(c, db, row + at, k);
        state_unlock(c->state);
    }
}
