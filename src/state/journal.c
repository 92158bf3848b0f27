/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Rows of the journal of uploads, and who holds them: see journal.h.
 * Called by s3/upload.c and s3/cleanup.c; notes.c keeps the notes.
 */
#include "state/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "state/impl.h"

enum {
    ROWS_MAX = 10000,
    TRIM_LOOK = 64, /* of the oldest rows, for one that is dead */
};

static const char what[] = "journal of uploads";

/* ------------------------------------------------------------------ locks */

static struct flock
byte_of(int64_t row)
{
    return (struct flock){
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = row, .l_len = 1};
}

/* Each row that is held has a file description of its own: a lock is its
 * description's, so that two of one process keep each other out too, and a
 * process that forks (to the background) keeps its rows. */
static int
open_locks(struct state *st)
{
    int fd = openat(st->dir, "uploads.lock",
                    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        state_warn(st, "uploads.lock", strerror(errno));
    return fd;
}

/* A descriptor that holds row; -1: somebody else does, or no lock can be
 * had. */
static int
lock_row(struct state *st, int64_t row, bool *ret_held)
{
    struct flock fl = byte_of(row);
    int fd = open_locks(st);

    *ret_held = false;
    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &fl) == 0)
        return fd;
    *ret_held = errno == EAGAIN || errno == EACCES;
    if (!*ret_held)
        state_warn(st, "uploads.lock", strerror(errno));
    close(fd);
    return -1;
}

/* Who cannot tell takes it for alive. */
static bool
is_held(int fd, int64_t row)
{
    struct flock fl = byte_of(row);

    return fd < 0 || fcntl(fd, F_OFD_GETLK, &fl) < 0 || fl.l_type != F_UNLCK;
}

/* -------------------------------------------------------------------- SQL */

static bool
new_owner(char owner[JOURNAL_OWNER])
{
    uint8_t b[JOURNAL_OWNER / 2];
    size_t i;

    if (getentropy(b, sizeof(b)) < 0)
        return false;
    for (i = 0; i < sizeof(b); i++)
        snprintf(owner + 2 * i, 3, "%02x", b[i]);
    return true;
}

static bool
end_transaction(struct state *st, sqlite3 *db, bool ok)
{
    if (ok && state_run(st, db, state_prepare(db, "COMMIT"), what))
        return true;
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

/* ?1, ?2, ?3: the row, only as it is known. */
static void
bind_row(sqlite3_stmt *q, int64_t row, int64_t intent, const char *owner)
{
    sqlite3_bind_int64(q, 1, row);
    sqlite3_bind_int64(q, 2, intent);
    sqlite3_bind_text(q, 3, owner, -1, SQLITE_TRANSIENT);
}

/* Changes that one row, ?4 is text; false if it is not as it was known. */
static bool
change(struct state *st, sqlite3 *db, const char *sql, int64_t row,
       int64_t intent, const char *owner, const char *text)
{
    sqlite3_stmt *q = state_prepare(db, sql);

    if (q)
        bind_row(q, row, intent, owner);
    if (q && text)
        sqlite3_bind_text(q, 4, text, -1, SQLITE_TRANSIENT);
    return state_run(st, db, q, what) && sqlite3_changes(db) == 1;
}

/* -------------------------------------------------------------------- add */

static void
bind_text(sqlite3_stmt *q, int i, const char *text)
{
    sqlite3_bind_text(q, i, text ? text : "", -1, SQLITE_TRANSIENT);
}

static bool
insert(struct state *st, sqlite3 *db, const struct journal_new *a,
       struct journal_claim *c)
{
    sqlite3_stmt *q = state_prepare(
        db, "INSERT INTO upload (kind, endpoint, bucket, key, intent, owner,"
            " digest, plan, scratch, flags)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    if (q) {
        sqlite3_bind_int(q, 1, a->kind);
        bind_text(q, 2, a->endpoint);
        bind_text(q, 3, a->bucket);
        sqlite3_bind_blob(q, 4, a->key, (int)a->key_len, SQLITE_TRANSIENT);
        sqlite3_bind_int64(q, 5, c->intent);
        bind_text(q, 6, c->owner);
        bind_text(q, 7, a->digest);
        bind_text(q, 8, a->plan);
        bind_text(q, 9, a->scratch);
        sqlite3_bind_int64(q, 10, a->flags);
    }
    if (!state_run(st, db, q, what))
        return false;
    c->row = sqlite3_last_insert_rowid(db);
    return true;
}

/* Held before anybody can see it.  Its byte is another's only if the state
 * file was removed under a process that lives: the next number then. */
static bool
insert_held(struct state *st, sqlite3 *db, const struct journal_new *a,
            struct journal_claim *c)
{
    bool held;

    do {
        if (!insert(st, db, a, c))
            return false;
        c->lock = lock_row(st, c->row, &held);
        if (held && !change(st, db,
                            "DELETE FROM upload WHERE n = ?1 AND intent = ?2"
                            " AND owner = ?3",
                            c->row, c->intent, c->owner, NULL))
            return false;
    } while (held);
    return c->lock >= 0;
}

static int64_t
number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = state_prepare(db, sql);
    int64_t n = 0;

    if (q && sqlite3_step(q) == SQLITE_ROW)
        n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return n;
}

/* The oldest that nobody holds go. */
static void
trim(struct state *st, sqlite3 *db)
{
    int64_t old[TRIM_LOOK], over, i, n = 0;
    sqlite3_stmt *q;
    bool held;
    int fd;

    if (number_of(db, "SELECT max(n) - min(n) FROM upload") < ROWS_MAX)
        return; /* by far the most often, and without counting */
    over = number_of(db, "SELECT count(*) FROM upload") - ROWS_MAX;
    q = over > 0 ? state_prepare(db, "SELECT n FROM upload ORDER BY n") : NULL;
    while (q && n < TRIM_LOOK && sqlite3_step(q) == SQLITE_ROW)
        old[n++] = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    for (i = 0; i < n && over > 0; i++) {
        fd = lock_row(st, old[i], &held);
        if (fd < 0)
            continue;
        q = state_prepare(db, "DELETE FROM upload WHERE n = ?");
        if (q)
            sqlite3_bind_int64(q, 1, old[i]);
        over -= state_run(st, db, q, what);
        close(fd);
    }
}

void
journal_add(struct state *st, const struct journal_new *a,
            struct journal_claim *ret)
{
    struct journal_claim c = {.intent = time(NULL), .lock = -1};
    sqlite3 *db = state_lock(st);
    bool ok;

    *ret = (struct journal_claim){0};
    if (!db)
        return;
    ok = new_owner(c.owner) &&
         state_run(st, db, state_prepare(db, "BEGIN IMMEDIATE"), what);
    if (ok) {
        ok = insert_held(st, db, a, &c);
        if (ok)
            trim(st, db);
        ok = end_transaction(st, db, ok);
    }
    state_unlock(st);
    if (ok)
        *ret = c;
    else if (c.lock >= 0)
        close(c.lock);
}

/* ---------------------------------------------------------------- claims */

void
journal_set_id(struct state *st, const struct journal_claim *c,
               const char *upload_id)
{
    sqlite3 *db = c->row ? state_lock(st) : NULL;

    if (!db)
        return;
    change(st, db,
           "UPDATE upload SET upload_id = ?4 WHERE n = ?1 AND intent = ?2"
           " AND owner = ?3",
           c->row, c->intent, c->owner, upload_id);
    state_unlock(st);
}

void
journal_leave(struct state *st, struct journal_claim *c)
{
    (void)st;
    if (c->row)
        close(c->lock);
    *c = (struct journal_claim){0};
}

void
journal_remove(struct state *st, struct journal_claim *c)
{
    sqlite3 *db = c->row ? state_lock(st) : NULL;

    if (db) {
        change(st, db,
               "DELETE FROM upload WHERE n = ?1 AND intent = ?2 AND"
               " owner = ?3",
               c->row, c->intent, c->owner, NULL);
        state_unlock(st);
    }
    journal_leave(st, c);
}

int
journal_take(struct state *st, const struct journal_row *row,
             struct journal_claim *ret)
{
    struct journal_claim c = {.row = row->row, .intent = row->intent};
    sqlite3 *db;
    bool held, ok = false;

    *ret = (struct journal_claim){0};
    if (!st || st->dir < 0)
        return -ENOENT;
    c.lock = lock_row(st, row->row, &held);
    if (c.lock < 0)
        return -EBUSY;
    /* Between its being read and our lock another may have held it. */
    db = state_lock(st);
    if (db) {
        ok = new_owner(c.owner) &&
             change(st, db,
                    "UPDATE upload SET owner = ?4 WHERE n = ?1 AND"
                    " intent = ?2 AND owner = ?3",
                    row->row, row->intent, row->owner, c.owner);
        state_unlock(st);
    }
    if (ok)
        *ret = c;
    else
        close(c.lock);
    return ok ? 0 : -EBUSY;
}

/* ---------------------------------------------------------------- reading */

static char *
copy_column(sqlite3_stmt *q, int i)
{
    size_t n = (size_t)sqlite3_column_bytes(q, i);
    const void *p = sqlite3_column_blob(q, i);
    char *copy = malloc(n + 1);

    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

static void
row_free(struct journal_row *row)
{
    free(row->bucket);
    free(row->key);
    free(row->upload_id);
    free(row->digest);
    free(row->plan);
    free(row->scratch);
}

void
journal_rows_free(struct journal_row *row, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        row_free(&row[i]);
    free(row);
}

static int
row_read(sqlite3_stmt *q, struct journal_row *to)
{
    bool known = sqlite3_column_type(q, 4) != SQLITE_NULL;
    const char *owner = (const char *)sqlite3_column_text(q, 6);

    *to = (struct journal_row){
        .row = sqlite3_column_int64(q, 0),
        .kind = (enum journal_kind)sqlite3_column_int(q, 1),
        .bucket = copy_column(q, 2),
        .key = copy_column(q, 3),
        .key_len = (size_t)sqlite3_column_bytes(q, 3),
        .upload_id = known ? copy_column(q, 4) : NULL,
        .intent = sqlite3_column_int64(q, 5),
        .digest = copy_column(q, 7),
        .plan = copy_column(q, 8),
        .scratch = copy_column(q, 9),
        .flags = (uint32_t)sqlite3_column_int64(q, 10),
    };
    snprintf(to->owner, sizeof(to->owner), "%s", owner ? owner : "");
    if (to->bucket && to->key && (to->upload_id || !known) && to->digest &&
        to->plan && to->scratch)
        return 0;
    row_free(to);
    return -ENOMEM;
}

/* "a/" names what begins with it, and the key "a". */
static bool
is_below(const char *key, size_t key_len, const char *prefix)
{
    size_t n = prefix ? strlen(prefix) : 0;

    if (n > 0 && key_len == n - 1 && prefix[n - 1] == '/')
        n--;
    return key_len >= n && (n == 0 || memcmp(key, prefix, n) == 0);
}

static int
read_rows(sqlite3_stmt *q, const char *prefix, struct journal_row **ret,
          size_t *ret_count)
{
    struct journal_row *row = NULL, *more;
    size_t n = 0, cap = 0;
    int step, r = 0;

    while ((step = sqlite3_step(q)) == SQLITE_ROW && r == 0) {
        if (!is_below(sqlite3_column_blob(q, 3),
                      (size_t)sqlite3_column_bytes(q, 3), prefix))
            continue;
        if (n == cap) {
            cap = cap ? 2 * cap : 64;
            more = realloc(row, cap * sizeof(*row));
            if (!more) {
                r = -ENOMEM;
                break;
            }
            row = more;
        }
        r = row_read(q, &row[n]);
        n += r == 0;
    }
    if (r == 0 && step != SQLITE_DONE)
        r = -EIO;
    if (r < 0) {
        journal_rows_free(row, n);
        return r;
    }
    *ret = row;
    *ret_count = n;
    return 0;
}

int
journal_rows(struct state *st, const struct journal_query *want,
             struct journal_row **ret, size_t *ret_count)
{
    sqlite3 *db = state_lock(st);
    sqlite3_stmt *q;
    size_t i;
    int r = -EIO, fd;

    if (!db)
        return -ENOENT;
    q = state_prepare(
        db, "SELECT n, kind, bucket, key, upload_id, intent, owner, digest,"
            " plan, scratch, flags FROM upload WHERE endpoint = ?1 AND"
            " bucket = ?2 AND (?3 IS NULL OR key = ?3) AND"
            " (?4 = 0 OR (1 << kind) & ?4) ORDER BY n");
    if (q) {
        bind_text(q, 1, want->endpoint);
        bind_text(q, 2, want->bucket);
        if (want->key)
            sqlite3_bind_blob(q, 3, want->key, (int)want->key_len,
                              SQLITE_TRANSIENT);
        sqlite3_bind_int(q, 4, (int)want->kinds);
        r = read_rows(q, want->prefix, ret, ret_count);
    }
    if (r == -EIO)
        state_warn(st, what, sqlite3_errmsg(db));
    sqlite3_finalize(q);
    state_unlock(st);
    if (r < 0)
        return r;
    fd = open_locks(st);
    for (i = 0; i < *ret_count; i++)
        (*ret)[i].alive = is_held(fd, (*ret)[i].row);
    if (fd >= 0)
        close(fd);
    return 0;
}
