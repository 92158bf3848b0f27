/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What dead processes left is removed, by the rows of the journal: see
 * cleanup.h.  (cleanup_scratch.c: what lies below a prefix.)
 */
#include "s3/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "s3/sync.h"

enum {
    INTENT_BEFORE_S = 2, /* the store rounds to seconds */
    INTENT_AFTER_S = 600,
    YOUNG_S = 60,  /* whoever began one has sent its first part by then */
    COMES_S = 120, /* a Create that was under way is done by then, or not */
};

/* -------------------------------------------------------------- telling */

static const char *
cleaned_word(const struct s3_cleaned *c)
{
    switch (c->kind) {
    case S3_CLEANED_UPLOAD:
        return "an upload that was left was aborted";
    case S3_CLEANED_SCRATCH:
        return "scratch objects that were left are gone";
    case S3_CLEANED_ALIVE:
        return "an upload there is a living process's";
    default:
        return "an upload there is too young to tell whose it is";
    }
}

static void
say(const struct s3_cleanup_args *a, const struct journal_row *row,
    struct s3_cleaned *c)
{
    char name[400];

    c->of = row->kind;
    c->bucket = row->bucket;
    c->key = row->key;
    c->key_len = row->key_len;
    if (a->fn) {
        a->fn(a->user, c);
        return;
    }
    text_escape(name, sizeof(name), row->key, row->key_len);
    if (c->err)
        log_warn("cleanup: %s: %s", name, c->err->text);
    else
        log_info("cleanup: %s: %s", name, cleaned_word(c));
}

static void
say_kind(const struct s3_cleanup_args *a, const struct journal_row *row,
         enum s3_cleaned_kind kind, const char *what)
{
    struct s3_cleaned c = {.kind = kind, .what = what};

    say(a, row, &c);
}

/* Returns -errno. */
static int
say_refusal(const struct s3_cleanup_args *a, const struct journal_row *row,
            const char *id, const char *op, const struct s3_error *error)
{
    struct err e = {0};
    struct s3_cleaned c = {.kind = S3_CLEANED_UPLOAD, .what = id, .err = &e};

    s3_error_text(error, op, row->bucket, row->key, row->key_len, &e);
    say(a, row, &c);
    return error->err;
}

/* --------------------------------------------------------------- uploads */

static struct s3_where
where(const struct s3_cleanup_args *a, const struct journal_row *row)
{
    return (struct s3_where){row->bucket, row->key, row->key_len, a->dest};
}

static int
abort_known(const struct s3_cleanup_args *a, const struct journal_row *row)
{
    struct s3_where at = where(a, row);
    struct s3_cleaned c = {
        .kind = S3_CLEANED_UPLOAD, .what = row->upload_id, .uploads = 1};
    struct s3_reply reply;

    if (s3_abort_wait(a->s3, a->scope, &at, row->upload_id, &reply) < 0)
        return say_refusal(a, row, row->upload_id, "AbortMultipartUpload",
                           &reply.e);
    say(a, row, &c);
    return 0;
}

static bool
is_near(int64_t begun, int64_t intent)
{
    return begun >= intent - INTENT_BEFORE_S &&
           begun <= intent + INTENT_AFTER_S;
}

/* By the store's clock, or by ours, as far as the two can be compared. */
static bool
may_be_ours(const struct s3_upload *u, const struct journal_row *row)
{
    return is_near(u->initiated, row->intent) ||
           (is_near(u->begun_first, row->intent) &&
            is_near(u->begun_last, row->intent));
}

enum whose { WHOSE_OURS, WHOSE_OTHERS, WHOSE_UNCLEAR };

/* Another row of that key has it; or may have it: a process that lives and
 * has not heard its upload's id yet. */
static enum whose
whose(const struct journal_row *all, size_t count,
      const struct journal_row *row, const char *id)
{
    enum whose answer = WHOSE_OURS;
    size_t i;

    for (i = 0; i < count; i++) {
        if (all[i].row == row->row)
            continue;
        if (all[i].upload_id && strcmp(all[i].upload_id, id) == 0)
            return WHOSE_OTHERS;
        if (!all[i].upload_id && all[i].alive)
            answer = WHOSE_UNCLEAR;
    }
    return answer;
}

/* One with parts is another's: ours got none before its id was known. */
static int
abort_unknown_one(const struct s3_cleanup_args *a,
                  const struct journal_row *row, const struct s3_upload *u,
                  enum whose w)
{
    struct s3_where at = where(a, row);
    struct s3_cleaned c = {
        .kind = S3_CLEANED_UPLOAD, .what = u->upload_id, .uploads = 1};
    struct s3_reply reply;

    if (w == WHOSE_OTHERS)
        return 0;
    if (w == WHOSE_UNCLEAR || u->age < YOUNG_S) {
        say_kind(a, row,
                 w == WHOSE_UNCLEAR ? S3_CLEANED_ALIVE : S3_CLEANED_YOUNG,
                 u->upload_id);
        return -EAGAIN;
    }
    s3_abort_empty_wait(a->s3, a->scope, &at, u->upload_id, &reply);
    if (reply.e.err == -ENOTEMPTY)
        return 0;
    if (reply.e.err < 0)
        return say_refusal(a, row, u->upload_id, "AbortMultipartUpload",
                           &reply.e);
    say(a, row, &c);
    return 0;
}

static int
abort_those_found(const struct s3_cleanup_args *a,
                  const struct journal_row *row, const struct s3_found *found)
{
    const struct journal_query q = {.endpoint = s3_endpoint_id(a->s3),
                                    .bucket = row->bucket,
                                    .key = row->key,
                                    .key_len = row->key_len};
    struct journal_row *all;
    size_t count, i;
    int r, first;

    /* Only now: whatever was listed had its row before. */
    first = journal_rows(a->state, &q, &all, &count);
    if (first < 0)
        return first;
    for (i = 0; i < found->count; i++) {
        const struct s3_upload *u = &found->upload[i];

        if (!may_be_ours(u, row))
            continue;
        r = abort_unknown_one(a, row, u, whose(all, count, row, u->upload_id));
        first = first ? first : r;
    }
    journal_rows_free(all, count);
    return first;
}

/* The process died between its row and the answer to Create. */
static int
abort_unknown(const struct s3_cleanup_args *a, const struct journal_row *row)
{
    struct s3_where at = where(a, row);
    int64_t age = time(NULL) - row->intent;
    struct s3_found found;
    int r;

    s3_list_uploads_wait(a->s3, a->scope, &at, &found);
    if (found.e.err < 0)
        r = say_refusal(a, row, NULL, "ListMultipartUploads", &found.e);
    else
        r = abort_those_found(a, row, &found);
    s3_found_free(&found);
    /* An intent of a time to come is of a clock that was set back. */
    if (r < 0 || age <= -COMES_S || age >= COMES_S)
        return r;
    say_kind(a, row, S3_CLEANED_YOUNG, NULL);
    return -EAGAIN;
}

/* ------------------------------------------------------------------ rows */

static int
clean_scratch(const struct s3_cleanup_args *a, const struct journal_row *row)
{
    struct s3_cleaned c = {.kind = S3_CLEANED_SCRATCH, .what = row->scratch};
    struct s3_cleanup_count n;
    struct err e = {0};
    int r = s3_cleanup_scratch(a, row->bucket, row->scratch, &n, &e);

    c.uploads = n.uploads;
    c.objects = n.objects;
    c.err = r < 0 ? &e : NULL;
    if (c.err || c.uploads || c.objects)
        say(a, row, &c);
    return r;
}

int
s3_cleanup_row(const struct s3_cleanup_args *a, const struct journal_row *row)
{
    struct journal_claim claim;
    int r, scratch = 0;

    if (!row->upload_id && !a->ask_unknown && !row->alive)
        return 0;
    r = row->alive ? -EBUSY : journal_take(a->state, row, &claim);
    if (r < 0) {
        say_kind(a, row, S3_CLEANED_ALIVE, row->upload_id);
        return r;
    }
    r = row->upload_id ? abort_known(a, row) : abort_unknown(a, row);
    if (row->scratch[0])
        scratch = clean_scratch(a, row);
    r = r ? r : scratch;
    if (r < 0)
        journal_leave(a->state, &claim);
    else
        journal_remove(a->state, &claim);
    return r;
}

int
s3_cleanup_rows(const struct s3_cleanup_args *a, const struct journal_query *q)
{
    struct journal_query own = *q;
    struct journal_row *row;
    size_t count, i;
    int r;

    own.endpoint = s3_endpoint_id(a->s3);
    r = journal_rows(a->state, &own, &row, &count);
    if (r < 0)
        return r;
    for (i = 0; i < count && r == 0; i++) {
        s3_cleanup_row(a, &row[i]);
        r = scope_stopped(a->scope);
    }
    journal_rows_free(row, count);
    return r;
}
