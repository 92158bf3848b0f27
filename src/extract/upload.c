/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An upload and its row (upload.h).  Called by member.c.
 */
#include "extract/upload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "extract/journal.h"

enum { SETTLE_MS = 1000 };

/* Attempts of Create that nobody answered may have made uploads, too: the
 * row stays for them, and the one that is known gets another. */
static void
keep_row(struct upload *u)
{
    unpack_journal_leave(u->d, u->row);
    u->row = u->id ? unpack_journal_add(u->d, u->at.bucket, u->at.key,
                                        u->intent, u->id)
                   : 0;
}

int
upload_create(struct upload *u, const struct extract_deps *d,
              struct scope *scope, const struct s3_create_args *a,
              struct s3_reply *ret)
{
    int r;

    *u = (struct upload){.d = d,
                         .scope = scope,
                         .at = a->at,
                         .crc32 = a->crc32,
                         .intent = time(NULL)};
    u->row = unpack_journal_add(d, a->at.bucket, a->at.key, u->intent, NULL);
    r = s3_create_wait(d->s3, NULL, a, ret);
    u->id = r == 0 ? strdup(ret->upload_id) : NULL;
    if (ret->e.attempts > 1 || (r < 0 && ret->e.http < 400) ||
        (r == 0 && !u->id)) {
        keep_row(u);
    } else if (u->id) {
        unpack_journal_id(d, u->row, u->id);
    } else {
        unpack_journal_remove(d, u->row);
        u->row = 0;
    }
    return r == 0 && !u->id ? (ret->e.err = -ENOMEM) : r;
}

int
upload_part(struct upload *u, const struct s3_upload_args *a,
            struct s3_reply *ret)
{
    struct s3_upload_args args = *a;
    int r;

    args.at = u->at;
    args.upload_id = u->id;
    r = s3_upload_part_wait(u->d->s3, u->scope, &args, ret);
    if (r < 0 && ret->e.http == 0)
        u->cut = true;
    return r;
}

int
upload_copy(struct upload *u, const struct s3_copy_args *a,
            struct s3_reply *ret)
{
    struct s3_copy_args args = *a;
    int r;

    args.at = u->at;
    args.upload_id = u->id;
    r = s3_upload_copy_wait(u->d->s3, u->scope, &args, ret);
    if (r < 0 && ret->e.http == 0)
        u->cut = true;
    return r;
}

static void
gone(struct upload *u)
{
    free(u->id);
    u->id = NULL;
    unpack_journal_remove(u->d, u->row);
    u->row = 0;
}

int
upload_complete(struct upload *u, const struct s3_complete_args *a,
                struct s3_reply *ret)
{
    struct s3_complete_args args = *a;
    int r;

    args.at = u->at;
    args.upload_id = u->id;
    r = s3_complete_wait(u->d->s3, NULL, &args, ret);
    if (r == 0)
        gone(u);
    return r;
}

bool
upload_is_unclear(const struct s3_error *e)
{
    return e->err == -EINPROGRESS || e->err == -ECANCELED ||
           strcmp(e->code, "NoSuchUpload") == 0;
}

void
upload_end(struct upload *u)
{
    struct s3_reply reply;
    int r;

    if (!u->id)
        return;
    r = s3_abort_wait(u->d->s3, NULL, &u->at, u->id, &reply);
    /* A part that was cut off arrives within this time, or stays away. */
    if (u->cut) {
        scope_sleep(NULL, SETTLE_MS);
        r = s3_abort_wait(u->d->s3, NULL, &u->at, u->id, &reply);
    }
    if (r == 0) {
        gone(u);
        return;
    }
    log_warn("extract: the upload at %s could not be aborted: %s %s",
             u->at.key, reply.e.code, reply.e.message);
    unpack_journal_leave(u->d, u->row);
    free(u->id);
    u->id = NULL;
}
