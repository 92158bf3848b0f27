/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Before the first byte: may this layout be published, what is the plan,
 * what is at the destination.  Sends one HEAD.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "publish/job.h"

/* --------------------------------------------------------------- check */

static int
check_member(const struct zip_member *m, struct err *e)
{
    char name[400];

    if (m->size == 0) /* nothing of it is read */
        return 0;
    text_escape(name, sizeof(name), m->key, m->key_len);
    if (m->archived)
        return err_set(e, ENODATA,
                       "%s: in an archived storage class, "
                       "restore it first",
                       name);
    if (m->etag_len == 0)
        return err_set(e, EOPNOTSUPP,
                       "%s: listed without an ETag, cannot "
                       "be guarded",
                       name);
    return 0;
}

/* A stranger at the directory's own key conflicts with the archive, but not
 * when that is what shall replace it. */
static bool
replaces_own(const struct publish_job *j)
{
    const struct conf *c = j->p->d.conf;
    size_t n = strlen(j->dir_prefix);

    return c->overwrite && strcmp(j->bucket, j->dir_bucket) == 0 &&
           strncmp(j->key, j->dir_prefix, n) == 0 &&
           strcmp(j->key + n, c->name) == 0;
}

static int
check_layout(struct publish_job *j)
{
    enum conf_badkeys badkeys = j->p->d.conf->badkeys;
    size_t i;
    int r;

    r = replaces_own(j)
            ? layout_publishable_over(j->layout, badkeys, &j->work_err)
            : layout_publishable(j->layout, badkeys, &j->work_err);
    j->fault = job_zip(j)->count;
    for (i = 0; r == 0 && i < job_zip(j)->count; i++) {
        r = check_member(&job_zip(j)->member[i], &j->work_err);
        if (r < 0)
            j->fault = i;
    }
    return r;
}

void
plan_run(struct publish_job *j)
{
    /* Loading goes on behind this work. */
    if (!crc_set_loaded(j->crcs)) {
        j->r = -EAGAIN;
        return;
    }
    j->r = plan_make(j->p, j->layout, j->crcs, j->no_former ? NULL : j->former,
                     j->share, resume_begun, j, &j->plan, &j->work_err);
    if (j->r == 0)
        j->r = parts_build(j);
    if (j->r == 0)
        pieces_tell(j);
    if (j->r == 0 && j->share)
        j->r = share_check(j, &j->work_err);
}

void
previous_gone(struct publish_job *j)
{
    j->no_former = true;
    job_restart(j, "the archive that was there is gone");
}

static void
prepare_run(struct publish_job *j)
{
    j->r = check_layout(j);
    if (j->r == 0 && journal_left(j, &j->left, &j->left_count) < 0)
        log_info("publish: %s: the journal could not be read", j->st.dest);
}

/* ------------------------------------------------------------- planned */

static void planned(struct publish_job *j);

static void
on_lock(struct publish_job *j)
{
    if (j->stop)
        return;
    if (j->call.retention) {
        job_fail(j, EOPNOTSUPP,
                 "the bucket keeps every object for a while (Object Lock): "
                 "scratch objects would stay; use publish_strategy=duo");
        return;
    }
    j->lock_asked = true;
    planned(j);
}

/* A plan is there: what it needs to know of the bucket, then its uploads. */
static void
planned(struct publish_job *j)
{
    struct call *c;

    if (j->plan.scratches > 0 && !j->lock_asked) {
        c = call_begin(j, on_lock);
        c->id = s3_bucket_lock(j->p->d.s3_dest, j->bucket, call_lock_cb, c);
        return;
    }
    j->then_planned(j);
}

static void plan_go(struct publish_job *j);

static void
on_planned(struct publish_job *j)
{
    struct err e = j->work_err;

    memset(&j->work_err, 0, sizeof(j->work_err));
    if (j->stop)
        return;
    if (j->r == -EAGAIN) {
        plan_go(j);
        return;
    }
    if (j->r < 0) {
        job_fail_err(j, j->r, &e);
        return;
    }
    pthread_mutex_lock(&j->lock);
    j->st.parts = j->parts;
    j->st.work = j->work_bytes;
    j->st.strategy = plan_strategy_name(j->plan.strategy);
    pthread_mutex_unlock(&j->lock);
    planned(j);
}

static void
plan_go(struct publish_job *j)
{
    if (!j->stop)
        job_work(j, &j->work, plan_run, on_planned);
}

void
plan_begin(struct publish_job *j, job_fn *then)
{
    job_set_state(j, PUBLISH_PLANNING);
    j->then_planned = then;
    previous_begin(j, plan_go);
}

/* --------------------------------------------------------- destination */

bool
found_is_ours(const struct publish_job *j, const struct found *o)
{
    return strcmp(o->digest, j->digest) == 0 && o->size == job_zip(j)->size &&
           !(o->have_crc && j->have_whole && o->crc != j->whole);
}

/* Left by a process that was killed before it could read back what no
 * checksum of the store's proved? */
static bool
is_unproved(const struct publish_job *j)
{
    size_t i;

    for (i = 0; i < j->left_count; i++)
        if (!j->left[i].alive && j->left[i].upload_id &&
            !((j->left[i].flags & ROW_CRC) && j->done.have_crc) &&
            strcmp(j->left[i].digest, j->digest) == 0)
            return true;
    return false;
}

/* The whole archive's CRC was computed if it could be. */
static void
decide_noop(struct publish_job *j)
{
    bool sure = j->done.have_crc && j->have_whole;
    bool unproved = !sure && !j->share && is_unproved(j);

    if (j->stop)
        return;
    j->noop_word = sure ? "store-crc" : "";
    j->noop = found_is_ours(j, &j->done) && !unproved &&
              (sure || j->p->d.conf->verify != CONF_VERIFY_FULL);
    j->no_former |= unproved; /* nothing is copied from it either */
    if (j->noop && !j->have_whole && j->done.have_crc) {
        j->have_whole = true;
        j->whole = j->done.crc;
    }
    if (j->noop && share_is_worker(j))
        job_done(j, j->noop_word, true);
    else if (j->noop)
        sweep_begin(j);
    else
        plan_begin(j, share_is_worker(j) ? share_join : sweep_begin);
}

static void
decide_found(struct publish_job *j)
{
    const struct found *o = &j->call.o;

    j->done = *o;
    j->previous_crc_known = o->have_crc;
    j->previous_crc = o->crc;
    snprintf(j->if_match, sizeof(j->if_match), "%s", o->etag);
    if (strcmp(o->digest, j->digest) == 0 && o->size == job_zip(j)->size) {
        job_work(j, &j->work, whole_crc_run, decide_noop);
        return;
    }
    if (share_is_worker(j)) {
        plan_begin(j, share_join);
        return;
    }
    if (!o->digest[0] && !j->p->d.conf->overwrite) {
        job_fail(j, EEXIST,
                 "the destination exists and was not published "
                 "by s3zipfs (overwrite would replace it)");
        return;
    }
    plan_begin(j, sweep_begin);
}

static void
on_head(struct publish_job *j)
{
    const struct s3_error *e = &j->call.e;

    if (j->stop)
        return;
    if (e->err == 0) {
        decide_found(j);
        return;
    }
    /* Forbidden to look is not forbidden to write: the condition of the
     * last call decides. */
    if (e->err == -ENOENT || e->http == 404 || e->err == -EACCES ||
        e->http == 403) {
        j->if_none_match =
            e->err == -ENOENT || e->http == 404 || !j->p->d.conf->overwrite;
        plan_begin(j, share_is_worker(j) ? share_join : sweep_begin);
        return;
    }
    job_fail_s3(j, e, "HEAD");
}

static void
on_prepared(struct publish_job *j)
{
    struct s3_head_args a = {.at = job_where(j), .checksum = true};
    struct err e = j->work_err;
    struct call *c;

    memset(&j->work_err, 0, sizeof(j->work_err));
    if (j->stop)
        return;
    if (j->r < 0) {
        if (j->fault < job_zip(j)->count)
            job_blame(j, (uint32_t)j->fault);
        job_fail_err(j, j->r, &e);
        return;
    }
    c = call_begin(j, on_head);
    c->id = s3_head(j->p->d.s3_dest, &a, call_object_cb, c);
}

void
prepare(struct publish_job *j)
{
    job_work(j, &j->work, prepare_run, on_prepared);
}
