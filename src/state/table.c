/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What all tables of the state file need: they are made when they are first
 * wanted, and trouble with one is a warning.  Called by the rooms that keep
 * a table.
 */
#include <sqlite3.h>
#include <stdio.h>

#include "state/state.h"

struct sqlite3 *
state_table(struct state *st, const char *create, const char *what)
{
    struct sqlite3 *db = state_lock(st);

    if (!db || sqlite3_exec(db, create, NULL, NULL, NULL) == SQLITE_OK)
        return db;
    state_warn(st, what, sqlite3_errmsg(db));
    state_unlock(st);
    return NULL;
}

struct sqlite3_stmt *
state_prepare(struct sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;

    sqlite3_prepare_v2(db, sql, -1, &q, NULL);
    return q;
}

bool
state_run(struct state *st, struct sqlite3 *db, struct sqlite3_stmt *q,
          const char *what)
{
    bool ok = q && sqlite3_step(q) == SQLITE_DONE;

    if (!ok)
        state_warn(st, what, sqlite3_errmsg(db));
    sqlite3_finalize(q);
    return ok;
}

bool
state_trim(struct state *st, struct sqlite3 *db, const char *table, int max,
           const char *what)
{
    char sql[128];

    snprintf(sql, sizeof(sql),
             "DELETE FROM %s WHERE n <= (SELECT max(n) FROM %s) - %d", table,
             table, max);
    return state_run(st, db, state_prepare(db, sql), what);
}
