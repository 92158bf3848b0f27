/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A multipart upload from Create to its end (upload.h).  Called by publish,
 * extract and crc; calls s3/sync.h, and the journal for the row.
 */
#include "s3/upload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ATTEMPTS = 3,
    CREATE_MS = 20000,
    AGAIN_MS = 1000, /* before the second attempt; before the third, two */
    END_MS = 30000,
    SETTLE_MS = 1000, /* parts that were cut off arrive, or stay away */
};

static char *
copy_bytes(const char *p, size_t n)
{
    char *copy = malloc(n + 1);

    if (!copy)
        return NULL;
    memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

/* All but the journal's row, which is held or left by then. */
static void
forget(struct upload *u)
{
    free((char *)u->at.bucket);
    free((char *)u->at.key);
    memset(u, 0, sizeof(*u));
}

static int
begin(struct upload *u, const struct upload_args *a)
{
    const struct s3_where *at = &a->create.at;

    memset(u, 0, sizeof(*u));
    u->s3 = a->s3;
    u->scope = a->scope;
    u->state = a->state;
    u->crc32 = a->create.crc32;
    u->at = *at;
    u->at.bucket = strdup(at->bucket);
    u->at.key = copy_bytes(at->key, at->key_len);
    if (u->at.bucket && u->at.key)
        return 0;
    forget(u);
    return -ENOMEM;
}

/* ---------------------------------------------------------------- create */

static void
add_row(struct upload *u, const struct journal_new *of)
{
    struct journal_new row;

    if (!of)
        return;
    row = *of;
    row.endpoint = s3_endpoint_id(u->s3);
    row.bucket = u->at.bucket;
    row.key = u->at.key;
    row.key_len = u->at.key_len;
    journal_add(u->state, &row, &u->row);
}

/* In a scope of its own: one that the job's stop cut off might have made an
 * upload that nobody knows. */
static int
send_create(struct upload *u, const struct s3_create_args *of,
            struct s3_reply *ret)
{
    struct s3_create_args a = *of;
    struct scope *own = NULL;
    int r = scope_new(&own);

    a.at = u->at;
    a.once = true;
    if (r == 0) {
        scope_until(own, net_now_ms() + CREATE_MS);
        r = s3_create_wait(u->s3, own, &a, ret);
    } else {
        *ret = (struct s3_reply){.e = {.err = r}};
    }
    scope_free(own);
    return r;
}

/* There may be an upload, whose id was not told. */
static bool
create_is_unclear(int r)
{
    return r == -EINPROGRESS || r == -ETIMEDOUT || r == -ECANCELED;
}

int
upload_create(struct upload *u, const struct upload_args *a,
              struct s3_reply *ret)
{
    unsigned i;
    int r = begin(u, a);

    *ret = (struct s3_reply){.e = {.err = r}};
    if (r < 0)
        return r;
    for (i = 0; i < ATTEMPTS; i++) {
        r = scope_sleep(u->scope, i * AGAIN_MS);
        if (r < 0) {
            *ret = (struct s3_reply){.e = {.err = r}};
            break;
        }
        add_row(u, a->row);
        r = send_create(u, &a->create, ret);
        if (r == 0) {
            snprintf(u->id, sizeof(u->id), "%s", ret->upload_id);
            journal_set_id(u->state, &u->row, u->id);
            return 0;
        }
        if (!create_is_unclear(r)) {
            journal_remove(u->state, &u->row);
            break;
        }
        log_info("s3: what a Create did is not known: %s", ret->e.message);
        journal_leave(u->state, &u->row);
        r = ret->e.err = -EIO;
    }
    forget(u);
    return r;
}

int
upload_resume(struct upload *u, const struct upload_args *a,
              const struct journal_row *row)
{
    int r = begin(u, a);

    if (r < 0)
        return r;
    r = journal_take(u->state, row, &u->row);
    if (r < 0)
        forget(u);
    else
        snprintf(u->id, sizeof(u->id), "%s", row->upload_id);
    return r;
}

int
upload_join(struct upload *u, const struct upload_args *a, const char *id)
{
    int r = begin(u, a);

    if (r < 0)
        return r;
    u->borrowed = true;
    snprintf(u->id, sizeof(u->id), "%s", id);
    return 0;
}

/* ----------------------------------------------------------------- parts */

/* A stop before the call: nothing is sent, and nothing cut off. */
static int
stopped(struct upload *u, struct s3_reply *ret)
{
    int r = scope_stopped(u->scope);

    if (r < 0)
        *ret = (struct s3_reply){.e = {.err = r}};
    return r;
}

/* Without an answer, or half of one, the part may still arrive. */
static int
part_end(struct upload *u, const struct s3_error *e)
{
    if (e->err < 0 && e->http < 300)
        atomic_store(&u->cut, true);
    return e->err;
}

int
upload_part(struct upload *u, const struct s3_upload_args *of,
            struct s3_reply *ret)
{
    struct s3_upload_args a = *of;

    if (stopped(u, ret))
        return ret->e.err;
    a.at = u->at;
    a.upload_id = u->id;
    s3_upload_part_wait(u->s3, u->scope, &a, ret);
    return part_end(u, &ret->e);
}

int
upload_copy(struct upload *u, const struct s3_copy_args *of,
            struct s3_reply *ret)
{
    struct s3_copy_args a = *of;

    if (stopped(u, ret))
        return ret->e.err;
    a.at = u->at;
    a.upload_id = u->id;
    s3_upload_copy_wait(u->s3, u->scope, &a, ret);
    return part_end(u, &ret->e);
}

/* ------------------------------------------------------------------- end */

int
upload_complete(struct upload *u, const struct s3_complete_args *of,
                struct s3_reply *ret)
{
    struct s3_complete_args a = *of;
    int r;

    if (stopped(u, ret))
        return ret->e.err;
    a.at = u->at;
    a.upload_id = u->id;
    r = s3_complete_wait(u->s3, u->scope, &a, ret);
    /* A stop's reason instead of an answer: it was cut off. */
    u->unclear = r == -EINPROGRESS || r == -ECANCELED ||
                 strcmp(ret->e.code, "NoSuchUpload") == 0 ||
                 (r < 0 && r == scope_stopped(u->scope));
    if (r == 0)
        u->id[0] = '\0';
    return r;
}

static int
send_abort(struct upload *u)
{
    struct scope *own = NULL;
    struct s3_reply reply;
    struct err e = {0};
    int r;

    scope_new(&own); /* without one it is patient */
    scope_until(own,
                net_now_ms() + (u->patience_ms ? u->patience_ms : END_MS));
    r = s3_abort_wait(u->s3, own, &u->at, u->id, &reply);
    if (r == 0 && atomic_load(&u->cut) && scope_sleep(own, SETTLE_MS) == 0)
        r = s3_abort_wait(u->s3, own, &u->at, u->id, &reply);
    scope_free(own);
    if (r == 0)
        return 0;
    s3_error_text(&reply.e, "AbortMultipartUpload", u->at.bucket, u->at.key,
                  u->at.key_len, &e);
    log_warn("s3: an upload could not be aborted: %s%s", e.text,
             u->row.row ? "; the next one there, or s3zip cleanup, does it"
                        : "");
    return r;
}

int
upload_end(struct upload *u)
{
    int r = u->id[0] && !u->borrowed ? send_abort(u) : 0;

    if (r < 0 || u->keep_row)
        journal_leave(u->state, &u->row);
    else
        journal_remove(u->state, &u->row);
    forget(u);
    return r;
}
