/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip cleanup: what killed publishes left, as far as the journal says
 * that it is ours.  One thing after the other, on a thread that may wait.
 * Must not know jobs: a row is claimed before anything of it is touched,
 * so that no publish goes on with it meanwhile.
 */
#include "publish/cleanup.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "publish/job.h"
#include "publish/scrub.h"
#include "s3/orphan.h"

enum {
    JOB_WORD = 32, /* hex digits, the last part of a scratch prefix */
};

struct cleanup {
    struct s3 *s3;
    struct cleanup_where where;
    publish_cleaned_cb *fn;
    void *user;
    const struct cleanup_row *row; /* that is being cleaned */
    sem_t answered;
    struct s3_error e; /* the last answer */
    struct scrub_result scrubbed;
    struct s3_orphans found; /* that may be the row's */
};

static void
await(struct cleanup *c)
{
    while (sem_wait(&c->answered) < 0 && errno == EINTR)
        ;
}

static struct s3_where
destination(const struct cleanup *c)
{
    return (struct s3_where){c->where.bucket, c->row->key, c->row->key_len,
                             true};
}

static void
say(struct cleanup *c, struct publish_cleaned *t)
{
    t->bucket = c->where.bucket;
    t->key = c->row->key;
    t->key_len = c->row->key_len;
    c->fn(c->user, t);
}

/* ------------------------------------------------------------- uploads */

static void
on_done(void *user, const struct s3_error *e)
{
    struct cleanup *c = user;

    c->e = *e;
    sem_post(&c->answered);
}

/* An upload with parts is another's if the row has no id. */
static bool
abort_one(struct cleanup *c, const char *id)
{
    struct publish_cleaned t = {.kind = CLEANED_UPLOAD, .what = id};
    struct s3_where at = destination(c);
    struct err e = {0};

    if (c->row->upload_id)
        s3_abort(c->s3, &at, id, on_done, c);
    else
        s3_abort_empty(c->s3, &at, id, on_done, c);
    await(c);
    if (c->e.err == -ENOTEMPTY)
        return true;
    if (c->e.err < 0) {
        s3_error_text(&c->e, "AbortMultipartUpload", at.bucket, at.key,
                      at.key_len, &e);
        t.err = &e;
    } else {
        t.uploads = 1;
    }
    say(c, &t);
    return !t.err;
}

static void
on_uploads(void *user, const struct s3_error *e, const struct s3_upload *u,
           size_t count)
{
    struct cleanup *c = user;

    c->e = *e;
    s3_orphans_take(&c->found, u, count, c->row->intent, c->row->initiator);
    sem_post(&c->answered);
}

enum whose { WHOSE_OURS, WHOSE_OTHERS, WHOSE_UNCLEAR };

/* Another row of this destination has it; or may have it: a process that
 * lives and has not heard its upload's id yet. */
static enum whose
whose(const struct cleanup_row *row, size_t count,
      const struct cleanup_row *own, const char *id)
{
    enum whose answer = WHOSE_OURS;
    size_t i;

    for (i = 0; i < count; i++) {
        if (row[i].id == own->id)
            continue;
        if (row[i].upload_id && strcmp(row[i].upload_id, id) == 0)
            return WHOSE_OTHERS;
        if (!row[i].upload_id && row[i].alive)
            answer = WHOSE_UNCLEAR;
    }
    return answer;
}

static bool
abort_if_ours(struct cleanup *c, const struct cleanup_row *row, size_t count,
              const struct s3_orphan_upload *f)
{
    struct publish_cleaned t = {.kind = CLEANED_ALIVE, .what = f->id};
    enum whose w = whose(row, count, c->row, f->id);

    if (w == WHOSE_OTHERS)
        return true;
    if (w == WHOSE_OURS && !f->young)
        return abort_one(c, f->id);
    if (w == WHOSE_OURS)
        t.kind = CLEANED_YOUNG;
    say(c, &t);
    return false;
}

static bool
abort_those_found(struct cleanup *c)
{
    const struct cleanup_row *own = c->row;
    struct cleanup_row *row;
    size_t count, i;
    bool ok = true;

    /* Only now: whatever was listed had its row before. */
    if (cleanup_rows(&c->where, own->key, own->key_len, &row, &count) < 0)
        return false;
    for (i = 0; i < c->found.count; i++)
        ok = abort_if_ours(c, row, count, &c->found.upload[i]) && ok;
    cleanup_rows_free(row, count);
    return ok;
}

/* The process died between its row and the answer to Create. */
static bool
abort_unknown(struct cleanup *c)
{
    struct publish_cleaned t = {.kind = CLEANED_UPLOAD};
    struct s3_where at = destination(c);
    struct err e = {0};
    bool ok;

    s3_list_uploads(c->s3, &at, on_uploads, c);
    await(c);
    ok = c->e.err == 0 && c->found.upload;
    if (ok) {
        ok = abort_those_found(c);
        t.kind = CLEANED_YOUNG;
    } else {
        s3_error_text(&c->e, "ListMultipartUploads", at.bucket, at.key,
                      at.key_len, &e);
        t.err = &e;
    }
    if (t.err || (ok && s3_orphan_may_come(c->row->intent))) {
        say(c, &t);
        ok = false;
    }
    s3_orphans_free(&c->found);
    return ok;
}

/* ------------------------------------------------------------- scratch */

/* Everything below it will be deleted: it must be one that a job made. */
static bool
is_job_prefix(const char *prefix)
{
    size_t n = strlen(prefix), i;

    if (n < JOB_WORD + 2 || prefix[n - 1] != '/' ||
        prefix[n - JOB_WORD - 2] != '/')
        return false;
    for (i = n - JOB_WORD - 1; i < n - 1; i++)
        if (!strchr("0123456789abcdef", prefix[i]))
            return false;
    return true;
}

static void
on_scrubbed(void *user, const struct scrub_result *r)
{
    struct cleanup *c = user;

    c->scrubbed = *r;
    sem_post(&c->answered);
}

static void
scrub(struct cleanup *c, const char *prefix, struct publish_cleaned *t,
      struct err *e)
{
    struct scrub *k =
        scrub_start(c->s3, c->where.bucket, prefix, on_scrubbed, c);

    if (!k) {
        err_set(e, ENOMEM, "out of memory");
        return;
    }
    await(c);
    scrub_free(k);
    t->uploads = c->scrubbed.uploads;
    t->objects = c->scrubbed.objects;
    if (c->scrubbed.e.err < 0)
        s3_error_text(&c->scrubbed.e, "scratch objects below", c->where.bucket,
                      prefix, strlen(prefix), e);
    else if (c->scrubbed.kept > 0)
        err_set(e, ENOMEM, "out of memory");
}

static bool
clean_scratch(struct cleanup *c, const char *prefix)
{
    struct publish_cleaned t = {.kind = CLEANED_SCRATCH, .what = prefix};
    struct err e = {0};
    char name[300];

    if (is_job_prefix(prefix))
        scrub(c, prefix, &t, &e);
    else
        err_set(&e, EINVAL, "%s is no prefix of scratch objects: left alone",
                text_escape(name, sizeof(name), prefix, strlen(prefix)));
    t.err = e.num ? &e : NULL;
    if (t.err || t.uploads || t.objects)
        say(c, &t);
    return !t.err;
}

/* ---------------------------------------------------------------- rows */

static void
clean_row(struct cleanup *c)
{
    const struct cleanup_row *row = c->row;
    struct publish_cleaned t = {.kind = CLEANED_ALIVE, .what = row->upload_id};
    bool ok;

    if (row->alive || !cleanup_claim(&c->where, row)) {
        say(c, &t);
        return;
    }
    ok = row->upload_id ? abort_one(c, row->upload_id) : abort_unknown(c);
    if (row->scratch[0])
        ok = clean_scratch(c, row->scratch) && ok;
    if (ok)
        cleanup_forget(&c->where, row->id);
    else
        cleanup_leave(&c->where, row);
}

/* "a/" names what begins with it, and the key "a" itself. */
static bool
is_below(const struct cleanup_row *row, const char *prefix)
{
    size_t n = strlen(prefix);

    if (n > 0 && row->key_len == n - 1 && prefix[n - 1] == '/')
        n--;
    return row->key_len >= n && memcmp(row->key, prefix, n) == 0;
}

int
publish_cleanup(struct publisher *p, const char *bucket, const char *prefix,
                publish_cleaned_cb *fn, void *user, struct err *e)
{
    struct cleanup c = {.s3 = p->d.s3_dest, .fn = fn, .user = user};
    struct cleanup_row *row;
    size_t count, i;
    int r;

    c.where = (struct cleanup_where){p->d.state, s3_endpoint_id(c.s3), bucket,
                                     p->owner};
    r = cleanup_rows(&c.where, NULL, 0, &row, &count);
    if (r == -ENOENT)
        return err_set(e, ENOENT,
                       "there is no state file (cache_dir): what "
                       "was left is not known");
    if (r < 0)
        return err_set(e, -r, "the journal of uploads: %s", strerror(-r));
    sem_init(&c.answered, 0, 0);
    for (i = 0; i < count; i++) {
        c.row = &row[i];
        if (is_below(c.row, prefix))
            clean_row(&c);
    }
    sem_destroy(&c.answered);
    cleanup_rows_free(row, count);
    return 0;
}
