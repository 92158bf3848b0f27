/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Before the first byte: may this layout be published, what did others
 * leave there, what is at the destination.  The first step of a job; sends
 * one HEAD.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "publish/job.h"
#include "publish/share.h"

/* -------------------------------------------------------------- layout */

/* A stranger at the directory's own key conflicts with the archive, but not
 * when that is what shall replace it. */
static bool
replaces_own(const struct publish_job *j)
{
    const struct conf *c = j->p->d.conf;
    size_t n = strlen(j->dir_prefix);

    return c->overwrite && strcmp(j->dest.bucket, j->dir_bucket) == 0 &&
           strncmp(j->dest.key, j->dir_prefix, n) == 0 &&
           strcmp(j->dest.key + n, c->name) == 0;
}

static int
check_member(struct publish_job *j, uint32_t i)
{
    const struct zip_member *m = job_member(j, i);
    char name[400], text[500];

    if (m->size == 0) /* nothing of it is read */
        return 0;
    text_escape(name, sizeof(name), m->key, m->key_len);
    if (m->archived) {
        snprintf(text, sizeof(text),
                 "%s: in an archived storage class, restore it first", name);
        return job_fail_of(j, ENODATA, i, text);
    }
    if (m->etag_len == 0) {
        snprintf(text, sizeof(text),
                 "%s: listed without an ETag, cannot be guarded", name);
        return job_fail_of(j, EOPNOTSUPP, i, text);
    }
    return 0;
}

static int
check_layout(struct publish_job *j)
{
    enum conf_badkeys badkeys = j->p->d.conf->badkeys;
    struct err e = {0};
    uint32_t i;
    int r;

    r = replaces_own(j) ? layout_publishable_over(j->layout, badkeys, &e)
                        : layout_publishable(j->layout, badkeys, &e);
    if (r < 0)
        return job_fail_err(j, r, &e);
    for (i = 0; r == 0 && i < job_zip(j)->count; i++)
        r = check_member(j, i);
    return r;
}

/* ---------------------------------------------------------------- left */

/* What other publishes to this key have in the journal.  A living one is in
 * the way unless it makes the same archive: whoever is faster wins then. */
static int
left_look(struct publish_job *j)
{
    struct journal_query q = {
        .endpoint = s3_endpoint_id(j->p->d.s3_dest),
        .bucket = j->dest.bucket,
        .key = j->dest.key,
        .key_len = strlen(j->dest.key),
        .kinds = 1U << JOURNAL_PUBLISH,
    };
    size_t i;
    int r = journal_rows(j->p->d.state, &q, &j->left, &j->left_count);

    if (r == -EIO || r == -ENOMEM)
        log_info("publish: %s: the journal could not be read", j->st.dest);
    for (i = 0; r == 0 && i < j->left_count; i++)
        if (j->left[i].alive && strcmp(j->left[i].digest, j->digest) != 0)
            return job_fail(j, EBUSY,
                            "another process is publishing there");
    return 0;
}

/* What dead ones left goes; rows of the living, and those without an
 * upload's id, are none of our business. */
int
left_clean(struct publish_job *j)
{
    struct s3_cleanup_args a = {
        .s3 = j->p->d.s3_dest,
        .state = j->p->d.state,
        .scope = j->scope,
        .dest = true,
    };
    size_t i;

    for (i = 0; i < j->left_count; i++)
        if (!j->left[i].alive && j->left[i].upload_id)
            s3_cleanup_row(&a, &j->left[i]);
    journal_rows_free(STEAL(j->left), j->left_count);
    j->left_count = 0;
    return 0;
}

/* --------------------------------------------------------- destination */

bool
is_ours(const struct publish_job *j, const struct s3_reply *o)
{
    return strcmp(o->layout_digest, j->digest) == 0 &&
           o->size == job_zip(j)->size &&
           !(o->have_crc32 && j->have_whole && o->crc32 != j->whole);
}

/* Left by a process that was killed before it could read back what no
 * checksum of the store's proved? */
static bool
is_unproved(const struct publish_job *j)
{
    const struct journal_row *row;
    size_t i;

    for (i = 0; i < j->left_count; i++) {
        row = &j->left[i];
        if (!row->alive && row->upload_id &&
            !((row->flags & ROW_CRC) && j->target.o.have_crc32) &&
            strcmp(row->digest, j->digest) == 0)
            return true;
    }
    return false;
}

/* Something of this layout is there: is it the archive? */
static void
decide_noop(struct publish_job *j)
{
    struct target *t = &j->target;
    bool sure, unproved;

    job_whole(j);
    sure = t->o.have_crc32 && j->have_whole;
    unproved = !sure && !j->share && is_unproved(j);
    t->noop = is_ours(j, &t->o) && !unproved &&
              (sure || j->p->d.conf->verify != CONF_VERIFY_FULL);
    j->lessons.no_previous |= unproved; /* nothing is copied from it */
    if (!t->noop)
        return;
    if (!j->have_whole && t->o.have_crc32) {
        j->have_whole = true;
        j->whole = t->o.crc32;
    }
    job_done(j, &t->o, sure ? "store-crc" : "", true);
}

/* Forbidden to look is not forbidden to write: the condition of the last
 * call decides. */
static int
look_at_target(struct publish_job *j)
{
    struct s3_where at = job_where(j);
    struct s3_head_args a = {.at = at, .checksum = true};
    struct target *t = &j->target;
    const struct s3_error *e = &t->o.e;
    int r = s3_head_wait(j->p->d.s3_dest, j->scope, &a, &t->o);

    job_retries(j, e);
    if (r == 0) {
        t->there = true;
        if (strcmp(t->o.layout_digest, j->digest) == 0 &&
            t->o.size == job_zip(j)->size)
            decide_noop(j);
        else if (!t->o.layout_digest[0] && !j->p->d.conf->overwrite &&
                 !share_is_worker(j))
            return job_fail(j, EEXIST,
                            "the destination exists and was not published "
                            "by s3zipfs (overwrite would replace it)");
        return 0;
    }
    t->free = e->err == -ENOENT || e->http == 404;
    if (t->free || e->err == -EACCES || e->http == 403) {
        t->free |= !j->p->d.conf->overwrite;
        return 0;
    }
    return job_fail_s3(j, e, "HEAD", &at);
}

int
look(struct publish_job *j)
{
    int r = check_layout(j);

    if (r == 0 && !share_is_worker(j))
        r = left_look(j);
    if (r == 0)
        r = look_at_target(j);
    return r;
}
