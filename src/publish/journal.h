/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Uploads in progress in the state file, so that whoever comes after a
 * killed process knows what it left, and how far it was.
 */
#ifndef S3ZIPFS_PUBLISH_JOURNAL_H
#define S3ZIPFS_PUBLISH_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* state/journal.h has functions of these names. */
#define journal_leave publish_journal_leave
#define journal_remove publish_journal_remove
#define journal_rows_free publish_journal_rows_free

struct publish_job;
struct sqlite3;
struct state;

/* The one journal (state/journal.h) has functions of these names. */
#define journal_remove publish_journal_remove
#define journal_leave publish_journal_leave
#define journal_rows_free publish_journal_rows_free

/* journal.c: worker thread only */
/* How the uploads were created, and what their end needs. */
enum { ROW_CRC = 1, ROW_SCRATCH_CRC = 2, ROW_FULL = 4 };
struct journal_row {
    int64_t id, intent;
    char *upload_id; /* NULL if the process died before it knew */
    char *owner, *scratch;
    char initiator[128], digest[80], plan[65];
    int flags;
    bool alive; /* its process runs */
    bool gone;  /* its upload was aborted: remove the row */
};
int64_t journal_intent(struct publish_job *j, int64_t now);
void journal_upload(struct publish_job *j);
/* The row as it was read: SQLite gives the number of one that is gone to the
 * next, which is another's. */
void journal_remove(struct publish_job *j, int64_t row, int64_t intent,
                    const char *owner);
/* The job is done with its row: it goes, or is anybody's. */
void journal_over(struct publish_job *j);
int journal_left(struct publish_job *j, struct journal_row **ret,
                 size_t *count);
void journal_rows_free(struct journal_row *rows, size_t count);
/* The row is ours from now on; false if somebody was faster... */
bool journal_adopt(struct publish_job *j, struct journal_row *row);
/* ...and nobody's again. */
void journal_leave(struct publish_job *j, int64_t row, int64_t intent);
/* With the table locked: who works on a row, if it is from's.  SQLite gives
 * the number of one that is gone to the next: the intent tells them apart. */
bool journal_hand_over(struct sqlite3 *db, int64_t row, int64_t intent,
                       const char *from, const char *to);
/* The table, of whichever version, with its rows' lock held; NULL without
 * a store. */
struct sqlite3 *journal_lock(struct state *st);

/* journal_parts.c: what the store has; a kill loses the last moment of it.
 * Strand; written soon, by the worker. */
#define NOTE_STAGE 0x80000000u
void journal_note(struct publish_job *j, uint32_t what);
/* Worker: parts' CRCs and finished scratch objects of row: have_crc and crc
 * of parts that are not there yet, etags of stages. */
void journal_load(struct publish_job *j, int64_t row);

#endif
