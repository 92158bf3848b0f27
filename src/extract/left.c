/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What killed extractions left: uploads, by the journal.  One after the
 * other, on a thread that may wait.  One whose id nobody was told must be
 * ours and not another host's: s3/orphan.h.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "extract/journal.h"
#include "s3/orphan.h"

struct left {
    const struct extract_deps *d;
    const char *bucket;
    extract_left_cb *fn;
    void *user;
    const struct unpack_row *row; /* that is being cleaned */
    sem_t answered;
    struct s3_error e; /* the last answer */
    struct s3_orphans found;
};

static void
await(struct left *l)
{
    while (sem_wait(&l->answered) < 0 && errno == EINTR)
        ;
}

static struct s3_where
where(const struct left *l)
{
    return (struct s3_where){l->bucket, l->row->key, strlen(l->row->key),
                             true};
}

static void
say(struct left *l, enum extract_left_kind kind, const char *id,
    const struct err *e)
{
    const struct extract_left t = {kind, l->row->key, id, e};

    l->fn(l->user, &t);
}

/* The last call failed. */
static bool
refused(struct left *l, const char *op, const char *id)
{
    struct s3_where at = where(l);
    struct err e = {0};

    s3_error_text(&l->e, op, at.bucket, at.key, at.key_len, &e);
    say(l, EXTRACT_LEFT_FAILED, id, &e);
    return false;
}

static void
on_done(void *user, const struct s3_error *e)
{
    struct left *l = user;

    l->e = *e;
    sem_post(&l->answered);
}

static bool
abort_one(struct left *l, const char *id)
{
    struct s3_where at = where(l);

    if (l->row->upload_id)
        s3_abort(l->d->s3, &at, id, on_done, l);
    else
        s3_abort_empty(l->d->s3, &at, id, on_done, l);
    await(l);
    if (l->e.err == -ENOTEMPTY)
        return true; /* another's */
    if (l->e.err < 0)
        return refused(l, "AbortMultipartUpload", id);
    say(l, EXTRACT_LEFT_GONE, id, NULL);
    return true;
}

/* ------------------------------------------------------- ids not known */

static void
on_uploads(void *user, const struct s3_error *e, const struct s3_upload *u,
           size_t count)
{
    struct left *l = user;

    l->e = *e;
    s3_orphans_take(&l->found, u, count, l->row->intent, "");
    sem_post(&l->answered);
}

static bool
abort_if_ours(struct left *l, const struct s3_orphan_upload *f)
{
    if (unpack_journal_others(l->d, l->bucket, l->row, f->id))
        return true;
    if (!f->young)
        return abort_one(l, f->id);
    say(l, EXTRACT_LEFT_YOUNG, f->id, NULL);
    return false;
}

static bool
abort_unknown(struct left *l)
{
    struct s3_where at = where(l);
    bool ok = true;
    size_t i;

    s3_list_uploads(l->d->s3, &at, on_uploads, l);
    await(l);
    if (l->e.err < 0)
        ok = refused(l, "ListMultipartUploads", NULL);
    for (i = 0; i < l->found.count; i++)
        ok = abort_if_ours(l, &l->found.upload[i]) && ok;
    ok = ok && l->found.upload;
    if (ok && s3_orphan_may_come(l->row->intent)) {
        say(l, EXTRACT_LEFT_YOUNG, NULL, NULL);
        ok = false;
    }
    s3_orphans_free(&l->found);
    return ok;
}

/* ------------------------------------------------------------------ rows */

static void
clean_row(struct left *l)
{
    const struct unpack_row *row = l->row;

    if (row->alive)
        say(l, EXTRACT_LEFT_ALIVE, row->upload_id, NULL);
    else if (row->upload_id ? abort_one(l, row->upload_id) : abort_unknown(l))
        unpack_journal_remove(l->d, row->id);
}

void
extract_cleanup(const struct extract_deps *d, const char *bucket,
                const char *prefix, extract_left_cb *fn, void *user)
{
    struct left l = {.d = d, .bucket = bucket, .fn = fn, .user = user};
    size_t count, i, n = strlen(prefix);
    struct unpack_row *row;

    count = unpack_journal_rows(d, bucket, &row);
    sem_init(&l.answered, 0, 0);
    for (i = 0; i < count; i++) {
        l.row = &row[i];
        if (strncmp(row[i].key, prefix, n) == 0)
            clean_row(&l);
    }
    sem_destroy(&l.answered);
    unpack_journal_free(row, count);
}
