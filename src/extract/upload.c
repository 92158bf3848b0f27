/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Create, Complete and Abort of one member's upload, and what their answers
 * mean.  Must not know where parts come from.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "extract/journal.h"
#include "extract/unpack.h"

enum { SETTLE_MS = 1000, LOOK_MS = 500 };

static void
then(struct upload *u)
{
    u->then(u);
}

static void
forget_parts(struct upload *u)
{
    uint32_t i;

    for (i = 0; i < u->count; i++)
        free((char *)u->part[i].etag);
    free(u->part);
    u->part = NULL;
    u->count = 0;
}

/* The upload is gone. */
static void
forget_row(struct upload *u)
{
    unpack_journal_remove(u->job->d, u->row);
    u->row = 0;
}

static void
finished(struct upload *u)
{
    forget_row(u);
    free(u->id);
    u->id = NULL;
}

void
unpack_upload_free(struct upload *u)
{
    forget_parts(u);
    free(u->id);
    u->id = NULL;
}

/* --------------------------------------------------------------- create */

static bool
is_refusal(const struct s3_error *e)
{
    return e->http == 400 || e->http == 501 || e->http == 405;
}

static void create(struct upload *u);

/* Attempts of Create that nobody answered may have made uploads, too: the
 * row stays for them, and the one that is known gets another. */
static void
keep_row(struct upload *u)
{
    const struct unpack_job *j = u->job;

    unpack_journal_leave(j->d, u->row);
    u->row =
        u->id ? unpack_journal_add(j->d, j->bucket, u->key, u->intent, u->id)
              : 0;
}

static void
on_created(struct call *c)
{
    struct upload *u = c->owner;
    bool unclear = c->e.attempts > 1 || (c->e.err < 0 && c->e.http < 400);

    u->e = c->e;
    u->id = c->text;
    c->text = NULL;
    if (c->e.err == 0 && !u->id) {
        u->e.err = -ENOMEM;
        unclear = true;
    }
    if (unclear)
        keep_row(u);
    else if (u->id)
        unpack_journal_id(u->job->d, u->row, u->id);
    else
        forget_row(u);
    if (u->e.err < 0 && u->crc && is_refusal(&u->e)) {
        log_info("extract: uploads with a CRC-32 are refused: %s", u->e.code);
        u->job->no_crc = true;
        create(u);
    } else {
        then(u);
    }
}

static void
create(struct upload *u)
{
    struct s3_create_args a = {.at = unpack_where(u->job, u->key),
                               .fresh = true};
    struct call *c = call_new(u->job, on_created, u);

    a.crc32 = u->crc = !u->job->no_crc;
    u->intent = time(NULL);
    if (c) {
        u->row = unpack_journal_add(u->job->d, u->job->bucket, u->key,
                                    u->intent, NULL);
        call_create(c, &a);
        return;
    }
    u->e.err = -ENOMEM;
    then(u);
}

void
unpack_upload_create(struct upload *u, uint32_t parts,
                     void (*then_fn)(struct upload *u))
{
    u->then = then_fn;
    u->cut = false;
    u->unclear = 0;
    u->part = calloc(parts, sizeof(*u->part));
    u->count = u->part ? parts : 0;
    if (u->part) {
        create(u);
        return;
    }
    u->e = (struct s3_error){.err = -ENOMEM};
    then(u);
}

/* ------------------------------------------------------------- complete */

static void complete(struct upload *u);

static void
on_again(struct call *c)
{
    complete(c->owner);
}

static void
on_gone(struct call *c)
{
    struct upload *u = c->owner;

    if (c->e.err < 0) {
        unpack_journal_leave(u->job->d, u->row);
        u->row = 0;
    }
    u->e.err = 0;
    finished(u);
    then(u);
}

/* By whom does not matter; but if by another, the upload is as it was. */
static void
is_there(struct upload *u)
{
    struct s3_where at = unpack_where(u->job, u->key);
    struct call *c = call_new(u->job, on_gone, u);

    if (c)
        call_abort(c, &at, u->id);
    else
        then(u);
}

static void
is_not_there(struct upload *u)
{
    struct call *c;

    u->e.err = -EIO;
    if (!u->job->stop && ++u->unclear <= UNPACK_UNCLEAR_MAX &&
        (c = call_new(u->job, on_again, u)))
        call_later(c, LOOK_MS << u->unclear);
    else
        then(u);
}

static void
on_read(struct call *c)
{
    struct upload *u = c->owner;

    if (c->e.err == 0 && c->crc == u->whole_crc)
        is_there(u);
    else
        is_not_there(u);
}

/* Is it there after all?  What was to be replaced may have its size. */
static void
on_look(struct call *c)
{
    struct upload *u = c->owner;
    struct s3_where at = unpack_where(u->job, u->key);
    bool fits = c->e.err == 0 && c->size == u->size;
    struct call *k;

    if (fits && (c->have_crc ? c->crc == u->whole_crc : u->size == 0))
        is_there(u);
    else if (fits && !c->have_crc && c->text &&
             (k = call_new(u->job, on_read, u)))
        call_read(k, &at, c->text, u->size);
    else
        is_not_there(u);
}

static void
look(struct upload *u)
{
    struct s3_where at = unpack_where(u->job, u->key);
    struct call *c = call_new(u->job, on_look, u);

    if (c) {
        c->keep = true;
        call_head(c, &at);
    } else {
        then(u);
    }
}

static void
on_completed(struct call *c)
{
    struct upload *u = c->owner;

    u->e = c->e;
    if (u->e.err == 0) {
        finished(u);
        then(u);
    } else if (u->e.err == -EINPROGRESS || u->e.err == -ECANCELED ||
               strcmp(u->e.code, "NoSuchUpload") == 0) {
        look(u);
    } else if (u->e.http == 501 && u->sent_size) {
        log_info("extract: no x-amz-mp-object-size here");
        u->job->no_size = true;
        complete(u);
    } else {
        then(u);
    }
}

static void
complete(struct upload *u)
{
    struct s3_complete_args a = {
        .at = unpack_where(u->job, u->key),
        .upload_id = u->id,
        .part = u->part,
        .count = u->count,
        .crc32 = u->crc,
        .whole_crc32 = u->whole_crc,
        .send_size = u->sent_size = !u->job->no_size,
        .size = u->size,
        .if_none_match = !u->job->d->conf->overwrite,
    };
    struct call *c = call_new(u->job, on_completed, u);

    if (c) {
        call_complete(c, &a);
        return;
    }
    u->e.err = -ENOMEM;
    then(u);
}

void
unpack_upload_complete(struct upload *u, uint32_t crc, uint64_t size,
                       void (*then_fn)(struct upload *u))
{
    u->then = then_fn;
    u->whole_crc = crc;
    u->size = size;
    complete(u);
}

/* ---------------------------------------------------------------- abort */

static void abort_now(struct upload *u);

static void
on_settled(struct call *c)
{
    abort_now(c->owner);
}

static void
on_aborted(struct call *c)
{
    struct upload *u = c->owner;
    struct call *k;

    /* A part that was cut off arrives within this time, or stays away. */
    if (u->cut && (k = call_new(u->job, on_settled, u))) {
        u->cut = false;
        call_later(k, SETTLE_MS);
        return;
    }
    if (c->e.err < 0) {
        log_warn("extract: the upload at %s could not be aborted: %s %s",
                 u->key, c->e.code, c->e.message);
        unpack_journal_leave(u->job->d, u->row);
        u->row = 0;
    } else {
        forget_row(u);
    }
    unpack_upload_free(u);
    then(u);
}

static void
abort_now(struct upload *u)
{
    struct s3_where at = unpack_where(u->job, u->key);
    struct call *c = call_new(u->job, on_aborted, u);

    if (c) {
        call_abort(c, &at, u->id);
        return;
    }
    unpack_upload_free(u);
    then(u);
}

void
unpack_upload_abort(struct upload *u, void (*then_fn)(struct upload *u))
{
    u->then = then_fn;
    if (u->id) {
        abort_now(u);
        return;
    }
    unpack_upload_free(u);
    then(u);
}
