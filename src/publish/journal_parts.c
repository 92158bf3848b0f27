/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the store has of an upload, in the state file: the CRCs of parts
 * (no store lists them all), and finished scratch objects.  Written by
 * net's worker while the job goes on, many at a time: a kill loses the
 * last moment, and those parts are sent again.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "publish/job.h"

/* -------------------------------------------------------------- writing */

static void
put_part(struct publish_job *j, sqlite3_stmt *s, uint32_t n)
{
    sqlite3_bind_int64(s, 1, j->row);
    sqlite3_bind_int64(s, 2, n);
    sqlite3_bind_int64(s, 3, j->part[n].crc);
    sqlite3_step(s);
    sqlite3_reset(s);
}

static void
put_stage(struct publish_job *j, sqlite3_stmt *s, uint32_t n)
{
    const struct stage *st = &j->stage[n];

    sqlite3_bind_int64(s, 1, j->row);
    sqlite3_bind_int64(s, 2, n);
    sqlite3_bind_text(s, 3, st->etag, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(s, 4, st->version ? st->version : "", -1,
                      SQLITE_TRANSIENT);
    if (st->have_whole)
        sqlite3_bind_int64(s, 5, st->whole);
    else
        sqlite3_bind_null(s, 5);
    sqlite3_step(s);
    sqlite3_reset(s);
}

static void
write_notes(struct publish_job *j, struct sqlite3 *db)
{
    sqlite3_stmt *part = NULL, *stage = NULL;
    size_t i;

    sqlite3_prepare_v2(db,
                       "INSERT OR REPLACE INTO publish_part (upload, part,"
                       " crc) VALUES (?, ?, ?)",
                       -1, &part, NULL);
    sqlite3_prepare_v2(db,
                       "INSERT OR REPLACE INTO publish_scratch (upload,"
                       " stage, etag, version, crc) VALUES (?, ?, ?, ?, ?)",
                       -1, &stage, NULL);
    for (i = 0; part && stage && i < j->notes_out; i++)
        if (j->note_out[i] & NOTE_STAGE)
            put_stage(j, stage, j->note_out[i] & ~NOTE_STAGE);
        else
            put_part(j, part, j->note_out[i]);
    sqlite3_finalize(part);
    sqlite3_finalize(stage);
}

static void
notes_run(struct publish_job *j)
{
    struct sqlite3 *db = journal_lock(j->p->d.state);

    if (!db)
        return;
    sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    write_notes(j, db);
    if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        log_info("publish: journal: %s", sqlite3_errmsg(db));
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    state_unlock(j->p->d.state);
}

static void notes_send(struct publish_job *j);

static void
on_noted(struct publish_job *j)
{
    j->noting = false;
    free(STEAL(j->note_out));
    j->notes_out = 0;
    notes_send(j);
}

static void
notes_send(struct publish_job *j)
{
    if (j->noting || j->notes == 0 || j->stop)
        return;
    j->note_out = STEAL(j->note);
    j->notes_out = j->notes;
    j->notes = j->notes_cap = 0;
    j->noting = true;
    job_work(j, &j->note_work, notes_run, on_noted);
}

/* Out of memory: the part is sent again after a kill. */
void
journal_note(struct publish_job *j, uint32_t what)
{
    size_t cap = j->notes_cap ? 2 * j->notes_cap : 64;
    void *p;

    if (!j->row)
        return;
    if (j->notes == j->notes_cap) {
        p = realloc(j->note, cap * sizeof(*j->note));
        if (!p)
            return;
        j->note = p;
        j->notes_cap = cap;
    }
    j->note[j->notes++] = what;
    notes_send(j);
}

/* -------------------------------------------------------------- reading */

static void
load_parts(struct publish_job *j, sqlite3_stmt *s)
{
    while (sqlite3_step(s) == SQLITE_ROW) {
        int64_t n = sqlite3_column_int64(s, 0);

        if (n < 0 || n >= j->parts)
            continue;
        j->part[n].have_crc = true;
        j->part[n].crc = (uint32_t)sqlite3_column_int64(s, 1);
    }
}

static void
load_stages(struct publish_job *j, sqlite3_stmt *s)
{
    while (sqlite3_step(s) == SQLITE_ROW) {
        int64_t n = sqlite3_column_int64(s, 0);
        const char *etag = (const char *)sqlite3_column_text(s, 1);
        const char *version = (const char *)sqlite3_column_text(s, 2);
        struct stage *st;

        if (n < 0 || n + 1 >= j->stages || !etag || !*etag)
            continue;
        st = &j->stage[n];
        st->etag = strdup(etag);
        st->version = version && *version ? strdup(version) : NULL;
        st->have_whole = sqlite3_column_type(s, 3) == SQLITE_INTEGER;
        st->whole = (uint32_t)sqlite3_column_int64(s, 3);
    }
}

void
journal_load(struct publish_job *j, int64_t row)
{
    struct sqlite3 *db = journal_lock(j->p->d.state);
    sqlite3_stmt *s = NULL;

    if (!db)
        return;
    sqlite3_prepare_v2(db,
                       "SELECT part, crc FROM publish_part WHERE upload = ?",
                       -1, &s, NULL);
    if (s) {
        sqlite3_bind_int64(s, 1, row);
        load_parts(j, s);
    }
    sqlite3_finalize(s);
    s = NULL;
    sqlite3_prepare_v2(db,
                       "SELECT stage, etag, version, crc FROM"
                       " publish_scratch WHERE upload = ?",
                       -1, &s, NULL);
    if (s) {
        sqlite3_bind_int64(s, 1, row);
        load_stages(j, s);
    }
    sqlite3_finalize(s);
    state_unlock(j->p->d.state);
}
