/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The oracle: uploads that are never completed, into which ranges are copied
 * so that the store tells their CRCs.  Private to the room, by impl.h.
 */
#ifndef S3ZIPFS_CRC_ORACLE_H
#define S3ZIPFS_CRC_ORACLE_H

#include <pthread.h>
#include <sys/queue.h>

#include "base/check.h"
#include "crc/crc.h"
#include "state/journal.h"

enum {
    CRC_COPIES = 24,             /* copies inside the store side by side */
    CRC_ORACLE_IDLE_MS = 60000,  /* then its upload is aborted */
    CRC_ORACLE_PAUSE_MS = 60000, /* after trouble that may pass */
    CRC_ORACLE_CLOSE_MS = 4000,  /* the end waits so long for it */
};
#define CRC_COPY_RANGE MIB(128)
#define CRC_PROOF KIB(64)     /* at most, of a source above 5 MiB */
#define CRC_WHOLE_MOST MIB(5) /* S3 copies no range of a source so small */
/* What nobody reads is not worth a download either, but for a byte: a proof
 * takes two. */
#define ORACLE_UNREAD 2

struct crc;
struct crc_set;
struct oracle_asker;

/* An upload that is never completed.  Fields under crc->lock; bucket, key
 * and id do not change once it is given to an asker. */
struct oracle_upload {
    TAILQ_ENTRY(oracle_upload) link;
    struct crc *crc; /* referenced */
    char key[S3_KEY_MAX + 1];
    char *id;
    struct journal_claim row; /* the worker's */
    uint32_t next;            /* part number */
    unsigned users;           /* askers */
    bool retired;             /* no more of them; ends with the last */
    bool look; /* the store may have more than one by this key */
    bool kept; /* could not be aborted */
};
TAILQ_HEAD(oracle_uploads, oracle_upload);

enum oracle_state {
    ORACLE_OFF,  /* not allowed, or refused */
    ORACLE_NEW,  /* has no upload */
    ORACLE_BUSY, /* makes one */
    ORACLE_READY,
};

enum { ORACLE_NOTES = CRC_COPIES + 4 };

/* Under crc->lock, but what crc_allow_oracle set for good. */
struct oracle {
    char *bucket, *scratch;
    uint64_t min_size; /* smaller members are read */
    enum oracle_state state;
    bool proved;       /* a copy's CRC was that of the bytes... */
    bool proved_range; /* ...which were not all of the source */
    uint64_t pause_ms; /* until then nothing is tried */
    struct oracle_upload *now;
    struct oracle_uploads all; /* with those that are being aborted */
    uint64_t uses, idle_uses;
    bool idle_timer;
    unsigned sweeping;
    uint64_t notes;
    struct {
        uint64_t note;
        s3_id id;
    } call[ORACLE_NOTES]; /* that the end cancels */
    pthread_cond_t ended;
};

/* ------------------------------------------------------------ oracle.c */

void oracle_init(struct crc *c);
/* Aborts what there is, waits for that, within bounds. */
void oracle_close(struct crc *c);
void oracle_free(struct crc *c);
/* Would it be asked for this member? */
bool oracle_wants(struct crc_set *s, size_t member);
/* With crc->lock: may it ask at all? */
bool oracle_is_open(struct crc *c);
/* With crc->lock: may this one leave its queue now?  If so it has an
 * upload, or is to make one, or there is no oracle. */
bool oracle_admit(struct crc *c, struct oracle_asker *a);
/* With crc->lock. */
void oracle_assign(struct oracle_asker *a, struct oracle_upload *u);
/* It needs its upload no more. */
void oracle_give(struct oracle_asker *a);
/* Ends the calls that are noted. */
void oracle_cancel(struct crc *c);
/* With crc->lock: nobody else gets this upload. */
void oracle_retire(struct oracle_upload *u);
/* A refusal is remembered, trouble makes a pause. */
void oracle_learn(struct crc *c, const struct s3_error *e);
void oracle_refuse(struct crc *c, const char *why);
struct s3_where oracle_where(const struct oracle_upload *u);
/* Calls that oracle_close is to cancel. */
uint64_t oracle_call_begin(struct crc *c);
void oracle_call_id(struct crc *c, uint64_t note, s3_id id);
void oracle_call_end(struct crc *c, uint64_t note);

/* ------------------------------------------------------ oracle_start.c */

/* Makes an upload, and proves the oracle with the first; then the one that
 * leads goes on. */
void oracle_start(struct oracle_asker *a);

/* ------------------------------------------------------ oracle_clean.c */

/* Aborts the uploads of a key (the one of id, or what the store lists);
 * done(user, ok) on some thread.  Strings are copied. */
struct oracle_left {
    const char *bucket, *key, *id; /* id: NULL if it is not known */
    int64_t intent; /* seconds, of a dead process's row; else 0 */
};
void oracle_clean(struct crc *c, const struct oracle_left *left, bool look,
                  void (*done)(void *user, bool ok), void *user);
/* On the worker: aborts what killed processes left. */
void oracle_sweep(void *crc);

/* ---------------------------------------------------- oracle_journal.c */

/* On the worker.  The row of a new upload; empty without a store. */
void oracle_journal_add(struct crc *c, const char *key,
                        struct journal_claim *ret);
void oracle_journal_id(struct crc *c, const struct journal_claim *claim,
                       const char *id);
/* The row goes, or is nobody's. */
void oracle_journal_end(struct crc *c, struct journal_claim *claim, bool gone);
/* All rows of the bucket; journal_rows_free. */
size_t oracle_journal_rows(struct crc *c, struct journal_row **ret);
/* It is dead, and ours from now on. */
bool oracle_journal_take(struct crc *c, const struct journal_row *row,
                         struct journal_claim *ret);

#endif
