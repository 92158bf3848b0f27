/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What killed extractions left: uploads, by the journal, one after the
 * other.  A row is claimed before anything of it is touched.  Nobody guesses
 * whose an upload is whose id was never told, unless a person asks (s3zip
 * cleanup): it must be empty and of that time (s3/orphan.h).  Called by
 * unpack.c and s3zip cleanup; calls state/journal.h and s3/sync.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "extract/extract.h"
#include "s3/orphan.h"
#include "s3/sync.h"
#include "state/journal.h"

struct cleaning {
    const struct extract_deps *d;
    const struct journal_row *row;
    struct s3_where at;
    extract_cleaned_cb *fn;
    void *user;
};

static void
say(const struct cleaning *l, enum extract_cleaned_kind kind, const char *id,
    const struct err *e)
{
    const struct extract_cleaned t = {kind, l->row->key, id, e};

    l->fn(l->user, &t);
}

/* A call failed; returns its errno. */
static int
refused(const struct cleaning *l, const char *op, const char *id,
        const struct s3_error *why)
{
    struct err e = {0};

    s3_error_text(why, op, l->at.bucket, l->at.key, l->at.key_len, &e);
    say(l, EXTRACT_CLEANED_FAILED, id, &e);
    return why->err;
}

static int
abort_one(const struct cleaning *l, const char *id)
{
    struct s3_reply reply;
    int r = l->row->upload_id
                ? s3_abort_wait(l->d->s3, NULL, &l->at, id, &reply)
                : s3_abort_empty_wait(l->d->s3, NULL, &l->at, id, &reply);

    if (r == -ENOTEMPTY)
        return 0; /* another's */
    if (r < 0)
        return refused(l, "AbortMultipartUpload", id, &reply.e);
    say(l, EXTRACT_CLEANED_GONE, id, NULL);
    return 0;
}

/* Does that upload have a row of its own, or may it get one: is there one
 * without id whose process lives? */
static bool
is_others(const struct cleaning *l, const char *id)
{
    const struct journal_query q = {.endpoint = s3_endpoint_id(l->d->s3),
                                    .bucket = l->at.bucket,
                                    .key = l->at.key,
                                    .key_len = l->at.key_len};
    struct journal_row *row = NULL;
    size_t n = 0, i;
    bool others = journal_rows(l->d->state, &q, &row, &n) < 0;

    for (i = 0; i < n && !others; i++)
        others = row[i].row != l->row->row &&
                 (row[i].upload_id ? strcmp(row[i].upload_id, id) == 0
                                   : row[i].alive);
    journal_rows_free(row, n);
    return others;
}

/* Empty uploads at the key that may be the row's.  0: there are no more, and
 * none may come. */
static int
abort_unknown(const struct cleaning *l)
{
    int64_t intent = l->row->intent;
    struct s3_found found;
    size_t i;
    int r = s3_list_uploads_wait(l->d->s3, NULL, &l->at, &found);

    if (r < 0)
        r = refused(l, "ListMultipartUploads", NULL, &found.e);
    for (i = 0; i < found.count; i++) {
        const struct s3_upload *u = &found.upload[i];
        enum s3_orphan what = s3_orphan(u, intent, "");
        int one = 0;

        if (what == S3_ORPHAN_NOT || is_others(l, u->upload_id))
            continue;
        if (what == S3_ORPHAN_OLD) {
            one = abort_one(l, u->upload_id);
        } else {
            say(l, EXTRACT_CLEANED_YOUNG, u->upload_id, NULL);
            one = -EBUSY;
        }
        r = one < 0 ? one : r;
    }
    s3_found_free(&found);
    if (r == 0 && s3_orphan_may_come(intent)) {
        say(l, EXTRACT_CLEANED_YOUNG, NULL, NULL);
        r = -EBUSY;
    }
    return r;
}

static void
clean_row(const struct cleaning *l, bool ask_unknown)
{
    const struct journal_row *row = l->row;
    struct journal_claim claim;
    int r;

    if (!row->upload_id && !ask_unknown)
        return;
    if (row->alive || journal_take(l->d->state, row, &claim) < 0) {
        say(l, EXTRACT_CLEANED_ALIVE, row->upload_id, NULL);
        return;
    }
    r = row->upload_id ? abort_one(l, row->upload_id) : abort_unknown(l);
    if (r == 0)
        journal_remove(l->d->state, &claim);
    else
        journal_leave(l->d->state, &claim);
}

void
extract_cleanup(const struct extract_deps *d,
                const struct extract_cleanup_args *a)
{
    const struct journal_query q = {.endpoint = s3_endpoint_id(d->s3),
                                    .bucket = a->bucket,
                                    .prefix = a->prefix,
                                    .kinds = 1 << JOURNAL_EXTRACT};
    struct cleaning l = {.d = d, .fn = a->fn, .user = a->user};
    struct journal_row *row = NULL;
    size_t count = 0, i;

    if (journal_rows(d->state, &q, &row, &count) < 0)
        return;
    for (i = 0; i < count; i++) {
        l.row = &row[i];
        l.at = (struct s3_where){a->bucket, row[i].key, row[i].key_len, true};
        clean_row(&l, a->ask_unknown);
    }
    journal_rows_free(row, count);
}
