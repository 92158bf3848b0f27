/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The uploads of extractions in the state file: a row is written before
 * Create, gets the upload's id after it, and goes with the upload.  What a
 * killed process left is found by the next one.  Private to the room.
 *
 * All functions block.  Must not know S3 calls.
 */
#ifndef S3ZIPFS_EXTRACT_JOURNAL_H
#define S3ZIPFS_EXTRACT_JOURNAL_H

#include "extract/extract.h"
#include "state/state.h"

struct unpack_row {
    int64_t id, intent; /* intent: seconds, before Create */
    char *key;
    char *upload_id; /* NULL: not known */
    bool alive;      /* its process runs, or may run */
};

/* Returns the row, 0: there is no state file. */
int64_t unpack_journal_add(const struct extract_deps *d, const char *bucket,
                           const char *key, int64_t intent, const char *id);
void unpack_journal_id(const struct extract_deps *d, int64_t row,
                       const char *id);
void unpack_journal_remove(const struct extract_deps *d, int64_t row);
/* It is nobody's from now on, and finds what has no id. */
void unpack_journal_leave(const struct extract_deps *d, int64_t row);
/* Those in bucket; may be none.  The caller frees them. */
size_t unpack_journal_rows(const struct extract_deps *d, const char *bucket,
                           struct unpack_row **ret);
void unpack_journal_free(struct unpack_row *row, size_t count);
/* Is that upload another row's, or may it be: one without id of a process
 * that lives? */
bool unpack_journal_others(const struct extract_deps *d, const char *bucket,
                           const struct unpack_row *row, const char *id);

#endif
