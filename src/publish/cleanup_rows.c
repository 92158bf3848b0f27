/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The journal's rows for s3zip cleanup.  Must not know S3 calls.
 */
#include "publish/cleanup.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "publish/job.h"

static sqlite3_stmt *
journal_prepare(struct sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        log_warn("publish: journal: %s", sqlite3_errmsg(db));
    return s;
}

static bool
run(struct sqlite3 *db, sqlite3_stmt *s)
{
    bool ok = s && sqlite3_step(s) == SQLITE_DONE;

    if (s && !ok)
        log_warn("publish: journal: %s", sqlite3_errmsg(db));
    sqlite3_finalize(s);
    return ok;
}

static char *
copy_text(sqlite3_stmt *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s, column);

    return strdup(text ? text : "");
}

static void
row_free(struct cleanup_row *row)
{
    free(row->key);
    free(row->upload_id);
    free(row->owner);
    free(row->initiator);
    free(row->scratch);
}

void
cleanup_rows_free(struct cleanup_row *row, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        row_free(&row[i]);
    free(row);
}

static bool
row_read(const struct cleanup_where *w, sqlite3_stmt *s,
         struct cleanup_row *to)
{
    bool known = sqlite3_column_type(s, 2) != SQLITE_NULL;

    memset(to, 0, sizeof(*to));
    to->id = sqlite3_column_int64(s, 0);
    to->key_len = (size_t)sqlite3_column_bytes(s, 1);
    to->key = calloc(1, to->key_len + 1);
    if (to->key && to->key_len)
        memcpy(to->key, sqlite3_column_blob(s, 1), to->key_len);
    to->upload_id = known ? copy_text(s, 2) : NULL;
    to->intent = sqlite3_column_int64(s, 3);
    to->owner = copy_text(s, 4);
    to->initiator = copy_text(s, 5);
    to->scratch = copy_text(s, 6);
    if (!to->key || (known && !to->upload_id) || !to->owner ||
        !to->initiator || !to->scratch) {
        row_free(to);
        return false;
    }
    /* This process publishes nothing: a row of its own was claimed. */
    to->alive =
        to->owner[0] && strcmp(to->owner, w->owner) != 0 &&
        state_owner_alive(w->owner, to->owner, time(NULL) - to->intent);
    return true;
}

static int
rows_read(const struct cleanup_where *w, sqlite3_stmt *s,
          struct cleanup_row **ret, size_t *ret_count)
{
    struct cleanup_row *row = NULL, *more;
    size_t n = 0, cap = 0;
    int step;

    while ((step = sqlite3_step(s)) == SQLITE_ROW) {
        if (n == cap) {
            cap = cap ? 2 * cap : 64;
            more = realloc(row, cap * sizeof(*row));
            if (!more)
                break;
            row = more;
        }
        if (!row_read(w, s, &row[n]))
            break;
        n++;
    }
    if (step != SQLITE_DONE) {
        cleanup_rows_free(row, n);
        return step == SQLITE_ROW ? -ENOMEM : -EIO;
    }
    *ret = row;
    *ret_count = n;
    return 0;
}

int
cleanup_rows(const struct cleanup_where *w, const char *key, size_t key_len,
             struct cleanup_row **ret, size_t *ret_count)
{
    struct sqlite3 *db = journal_lock(w->state);
    sqlite3_stmt *s;
    int r = -EIO;

    if (!db)
        return -ENOENT;
    s = journal_prepare(db,
                        "SELECT id, key, upload_id, intent, owner, initiator,"
                        " scratch FROM publish_upload WHERE endpoint = ? AND"
                        " bucket = ? AND (? IS NULL OR key = ?3) ORDER BY id");
    if (s) {
        sqlite3_bind_text(s, 1, w->endpoint, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 2, w->bucket, -1, SQLITE_STATIC);
        if (key)
            sqlite3_bind_blob(s, 3, key, (int)key_len, SQLITE_STATIC);
        r = rows_read(w, s, ret, ret_count);
    }
    sqlite3_finalize(s);
    state_unlock(w->state);
    return r;
}

static bool
hand_over(const struct cleanup_where *w, const struct cleanup_row *row,
          const char *from, const char *to)
{
    struct sqlite3 *db = journal_lock(w->state);
    bool ok;

    if (!db)
        return false;
    ok = journal_hand_over(db, row->id, row->intent, from, to);
    state_unlock(w->state);
    return ok;
}

bool
cleanup_claim(const struct cleanup_where *w, const struct cleanup_row *row)
{
    return hand_over(w, row, row->owner, w->owner);
}

void
cleanup_leave(const struct cleanup_where *w, const struct cleanup_row *row)
{
    hand_over(w, row, w->owner, "");
}

void
cleanup_forget(const struct cleanup_where *w, int64_t id)
{
    static const char *const sql[] = {
        "DELETE FROM publish_part WHERE upload = ?",
        "DELETE FROM publish_scratch WHERE upload = ?",
        "DELETE FROM publish_upload WHERE id = ?",
    };
    struct sqlite3 *db = journal_lock(w->state);
    sqlite3_stmt *s;
    size_t i;

    for (i = 0; db && i < ARRAY_SIZE(sql); i++) {
        s = journal_prepare(db, sql[i]);
        if (s)
            sqlite3_bind_int64(s, 1, id);
        run(db, s);
    }
    if (db)
        state_unlock(w->state);
}
