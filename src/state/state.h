/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The state file of this user, state.sqlite in cache_dir: what outlives a
 * process.  Known CRCs, uploads in progress, and tables of the rooms above.
 * cmd opens one for the life of the process; it calls SQLite and the log.
 *
 * Trouble with the file never stops anything: it is one warning for the
 * life of a struct state, and every call goes on without.  NULL, and a
 * state without a file, are legal everywhere.
 *
 * Threads: any that may wait, never a loop thread: all calls block.
 */
#ifndef S3ZIPFS_STATE_STATE_H
#define S3ZIPFS_STATE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state;
struct sqlite3;
struct sqlite3_stmt;

/* dir: made if it is not there, private to the user.  NULL, or a folder that
 * cannot be used: *ret is a state without a file.  *ret is NULL only when
 * memory is out.  Several processes, containers and hosts may have the same
 * folder open; over a network its file system must have working locks. */
void state_open(struct state **ret, const char *dir);
/* No claim of the journal may be held any more. */
void state_close(struct state *st);

/* Is there a file: does anything outlive this process? */
bool state_has_file(struct state *st);

/* The connection, locked, or NULL: there is no file.  Give it back with
 * state_unlock, soon: no S3 call between the two. */
struct sqlite3 *state_lock(struct state *st);
void state_unlock(struct state *st);

/* state_lock, and a table: create is CREATE TABLE IF NOT EXISTS ...  NULL,
 * with a warning about what, if it cannot be had. */
struct sqlite3 *state_table(struct state *st, const char *create,
                            const char *what);
/* "state file: what: why (going on without)", the first time. */
void state_warn(struct state *st, const char *what, const char *why);

/* The rest with state_lock.  NULL if sql is no good; state_run says why. */
struct sqlite3_stmt *state_prepare(struct sqlite3 *db, const char *sql);
/* Runs q to its end and finalises it; false, with a warning about what, if
 * that fails or q is NULL. */
bool state_run(struct state *st, struct sqlite3 *db, struct sqlite3_stmt *q,
               const char *what);
/* Keeps the rows of the max highest n of table. */
bool state_trim(struct state *st, struct sqlite3 *db, const char *table,
                int max, const char *what);

/* Whose row is it?  "boot/pid-namespace/pid/start" of this process; and
 * does the process that wrote owner live?  age: seconds since then. */
enum { STATE_OWNER_MAX = 192 };
void state_owner(char *out, size_t size);
bool state_owner_alive(const char *self, const char *owner, int64_t age);

#endif
