/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Rows of what a store does wrong with CRCs.  Must not know jobs.
 */
#include "publish/quirks.h"

#include <sqlite3.h>

#include "base/check.h"

enum {
    ROWS_MAX = 100, /* endpoints */
    KEPT_S = 7 * 24 * 3600,
};

/* In the file: values stay. */
enum {
    NO_PART_CRC = 1,
    RANGE_BAD = 2,
    NO_COMPLETE_CRC = 4,
};

/* n orders the rows by age. */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS quirk ("
    " n INTEGER PRIMARY KEY, endpoint TEXT NOT NULL UNIQUE,"
    " bits INTEGER NOT NULL, seen INTEGER NOT NULL)";
static const char what[] = "what a store does with CRCs";

static int64_t
bits_of(const struct caps *c)
{
    return (c->no_part_crc ? NO_PART_CRC : 0) |
           (c->range_bad ? RANGE_BAD : 0) |
           (c->no_complete_crc ? NO_COMPLETE_CRC : 0);
}

/* What is too old, or of a time to come, is not there. */
static int
find(sqlite3 *db, const char *endpoint, int64_t now, int64_t *ret_bits,
     int64_t *ret_seen)
{
    sqlite3_stmt *q =
        state_prepare(db, "SELECT bits, seen FROM quirk WHERE endpoint = ?");
    int r = SQLITE_ERROR;

    *ret_bits = 0;
    *ret_seen = now;
    if (q && sqlite3_bind_text(q, 1, endpoint, -1, SQLITE_STATIC) == SQLITE_OK)
        r = sqlite3_step(q);
    if (r == SQLITE_ROW && sqlite3_column_int64(q, 1) <= now &&
        sqlite3_column_int64(q, 1) > now - KEPT_S) {
        *ret_bits = sqlite3_column_int64(q, 0);
        *ret_seen = sqlite3_column_int64(q, 1);
    }
    sqlite3_finalize(q);
    return r == SQLITE_ROW || r == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
}

static bool
put(struct state *st, sqlite3 *db, const char *endpoint, int64_t bits,
    int64_t seen)
{
    sqlite3_stmt *q =
        state_prepare(db, "INSERT OR REPLACE INTO quirk (endpoint, bits, seen)"
                          " VALUES (?, ?, ?)");

    sqlite3_bind_text(q, 1, endpoint, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, bits);
    sqlite3_bind_int64(q, 3, seen);
    return state_run(st, db, q, what);
}

void
quirks_load(struct state *st, const char *endpoint, int64_t now,
            struct caps *caps)
{
    sqlite3 *db = state_table(st, schema, what);
    int64_t bits, seen;

    if (!db)
        return;
    if (find(db, endpoint, now, &bits, &seen) != SQLITE_OK)
        state_warn(st, what, sqlite3_errmsg(db));
    state_unlock(st);
    caps->no_part_crc |= (bits & NO_PART_CRC) != 0;
    caps->range_bad |= (bits & RANGE_BAD) != 0;
    caps->no_complete_crc |= (bits & NO_COMPLETE_CRC) != 0;
}

/* With the file locked.  A row keeps its time, whatever joins it: what was
 * seen first is to be looked at again. */
static bool
note(struct state *st, sqlite3 *db, const char *endpoint, int64_t now,
     int64_t bits)
{
    int64_t known, seen;

    if (find(db, endpoint, now, &known, &seen) != SQLITE_OK) {
        state_warn(st, what, sqlite3_errmsg(db));
        return false;
    }
    return (known | bits) == known ||
           (put(st, db, endpoint, known | bits, seen) &&
            state_trim(st, db, "quirk", ROWS_MAX, what));
}

void
quirks_note(struct state *st, const char *endpoint, int64_t now,
            const struct caps *caps, const struct caps *told)
{
    int64_t bits = bits_of(caps) & ~bits_of(told);
    sqlite3 *db = bits ? state_table(st, schema, what) : NULL;

    if (!db)
        return;
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
        !note(st, db, endpoint, now, bits) ||
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        state_warn(st, what, sqlite3_errmsg(db));
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    state_unlock(st);
}
