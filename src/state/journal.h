/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The journal of uploads: one table in the state file for all multipart
 * uploads whose parts may outlive their process.  s3/upload.h writes a row
 * before Create, gives it the upload's id before the first part, and removes
 * it when the upload is completed or aborted.  So whoever comes after a
 * killed process knows what it left (s3/cleanup.h removes that), and a
 * publish of the same plan can go on with it.
 *
 * A row has one holder at a time, by a lock on byte N of the file
 * uploads.lock beside the state file for row N (F_OFD_SETLK, fcntl(2)): it
 * is held as long as the holder's claim is open, goes with its process
 * however that ends, and works between containers and hosts that share the
 * folder.  A row that nobody holds is dead.  Nothing of a dead row is
 * touched, in the store or in the file, before it is claimed.
 *
 * Row numbers are never used again (AUTOINCREMENT), and every change of a
 * row names its number, its intent and its present owner, a random word that
 * each claim makes anew.
 *
 * An upload whose id was never learned has no part and costs nothing: its
 * row stays, without id, and only `s3zip cleanup` looks for it.
 *
 * At most 10,000 rows: the oldest dead ones go first.
 *
 * Without a state file (or with one that is full, locked or broken: one
 * warning) all of this is legal: claims are empty, lists are empty, and
 * every call on an empty claim does nothing.
 *
 * Threads: any that may wait; all calls block.  A claim is used by one
 * thread at a time; notes by any.
 */
#ifndef S3ZIPFS_STATE_JOURNAL_H
#define S3ZIPFS_STATE_JOURNAL_H

#include "state/state.h"

enum journal_kind {
    JOURNAL_PUBLISH = 1,
    JOURNAL_EXTRACT = 2,
    JOURNAL_CRC = 3, /* the oracle's: never completed */
};

/* ---------------------------------------------------------------- holding */

enum { JOURNAL_OWNER = 33 }; /* 32 hex digits and NUL */

/* A row that is ours.  All zeros is the empty claim: there is no row. */
struct journal_claim {
    int64_t row; /* 0: empty; then no other field means anything */
    int64_t intent;
    char owner[JOURNAL_OWNER];
    int lock; /* the file descriptor whose lock says that we live */
};

struct journal_new { /* borrowed */
    enum journal_kind kind;
    const char *endpoint; /* s3_endpoint_id */
    const char *bucket;
    const char *key; /* of the object to be: any bytes */
    size_t key_len;
    /* For a publish that is resumed; NULL = "". */
    const char *digest;  /* of the layout, 64 hex digits */
    const char *plan;    /* fingerprint of the plan, 64 hex digits */
    const char *scratch; /* key prefix, ends in '/': everything below it is
                            this publish's and nobody else's */
    uint32_t flags;      /* the room's own */
};
/* Before Create.  Writes the row with the time as its intent, and holds it.
 * *ret is empty if that cannot be. */
void journal_add(struct state *st, const struct journal_new *a,
                 struct journal_claim *ret);
/* After Create, before the first part.  No-op if the row is not ours any
 * more. */
void journal_set_id(struct state *st, const struct journal_claim *c,
                    const char *upload_id);
/* The upload is gone: so are the row and its notes.  *c is empty then. */
void journal_remove(struct state *st, struct journal_claim *c);
/* What it stands for is still there, or may be: the row stays and is
 * nobody's.  *c is empty then. */
void journal_leave(struct state *st, struct journal_claim *c);

/* ---------------------------------------------------------------- reading */

struct journal_row { /* as it was when it was read */
    enum journal_kind kind;
    int64_t row;
    int64_t intent; /* seconds since 1970, by the clock of its host */
    char owner[JOURNAL_OWNER];
    char *bucket;
    char *key; /* NUL-terminated; may hold NULs */
    size_t key_len;
    char *upload_id;               /* NULL: never learned */
    char *digest, *plan, *scratch; /* "" if not given */
    uint32_t flags;
    bool alive; /* somebody held it, maybe this process */
};
struct journal_query { /* borrowed */
    const char *endpoint, *bucket;
    const char *key; /* exactly this key; NULL: all keys... */
    size_t key_len;
    const char *prefix; /* ...that begin with this, or are it less its final
                           '/'; NULL or "" = all */
    unsigned kinds;     /* bits 1 << kind; 0 = all */
};
/* In the order of their numbers.  0; -ENOENT: there is no state file; -EIO;
 * -ENOMEM.  *ret is the caller's: journal_rows_free. */
int journal_rows(struct state *st, const struct journal_query *q,
                 struct journal_row **ret, size_t *ret_count);
void journal_rows_free(struct journal_row *row, size_t count); /* NULL: fine */

/* Takes a dead row over: from now on it is ours, with an owner of our own.
 * 0; -EBUSY: somebody holds it, in whatever process, or it has changed or
 * gone since it was read; -ENOENT: there is no state file.  On success *ret
 * is to be ended by journal_remove or journal_leave. */
int journal_take(struct state *st, const struct journal_row *row,
                 struct journal_claim *ret);

/* ------------------------------------------------------------------ notes */

/* What the store has of a publish that is under way: CRCs of its parts (no
 * store lists them all), and its finished scratch objects.  Numbers are the
 * caller's.  A kill loses the last tenth of a second of them: those parts
 * are sent again. */
struct journal_part {
    uint32_t number;
    uint32_t crc;
};
struct journal_scratch {
    uint32_t number;
    char *etag;    /* bare */
    char *version; /* "" = none */
    bool have_crc;
    uint32_t crc; /* of the whole object */
};

/* Writes notes in batches, on a thread of its own.  c is borrowed until
 * journal_notes_end.  NULL if c is empty or there is no memory: legal in
 * all calls. */
struct journal_notes;
struct journal_notes *journal_notes_begin(struct state *st,
                                          const struct journal_claim *c);
/* Never wait.  Strings are copied.  The last note of a number counts. */
void journal_note_part(struct journal_notes *n, uint32_t number, uint32_t crc);
void journal_note_scratch(struct journal_notes *n,
                          const struct journal_scratch *s);
/* Waits until all that was noted so far is written, or cannot be: before
 * what it stands for is removed. */
void journal_notes_flush(struct journal_notes *n);
/* Writes what is left, and ends the thread.  Before the claim ends. */
void journal_notes_end(struct journal_notes *n);

/* All notes of a row that was taken.  Empty if there are none. */
struct journal_noted {
    struct journal_part *part; /* ascending */
    size_t parts;
    struct journal_scratch *scratch; /* ascending */
    size_t scratches;
};
/* 0, -EIO or -ENOMEM (then *ret is empty). */
int journal_notes_read(struct state *st, const struct journal_claim *c,
                       struct journal_noted *ret);
void journal_noted_free(struct journal_noted *n);

#endif
