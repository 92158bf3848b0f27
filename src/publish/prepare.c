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

/* ---------------------------------------------------------------- plan */

enum plan_strategy
plan_strategy_of(struct publisher *p)
{
    /* A server copies from itself only. */
    if (publisher_caps(p).no_copy ||
        strcmp(s3_endpoint_id(p->d.s3), s3_endpoint_id(p->d.s3_dest)) != 0)
        return PLAN_STREAM;
    return p->d.conf->publish_strategy == 1 ? PLAN_STREAM : PLAN_DUO;
}

static int
check_memory(struct publisher *p, const struct plan *plan, struct err *e)
{
    uint64_t limit = permits_total(p->permits), len;
    char need[16], have[16];
    size_t i;

    for (i = 0; i < plan->count; i++) {
        len = plan->part[i].end - plan->part[i].first;
        if (plan->part[i].kind == PLAN_UPLOAD && len > limit)
            return err_set(e, EFBIG,
                           "an upload part of %s does not fit "
                           "half of memory=%s: raise memory=",
                           text_size(need, len),
                           text_size(have, p->d.conf->memory));
    }
    return 0;
}

int
plan_make(struct publisher *p, struct layout *l, struct plan *ret,
          enum plan_strategy s, struct err *e)
{
    struct plan_limits lim = plan_limits_s3;
    int r;

    lim.upload_cap = max_u64(
        min_u64(lim.upload_cap, permits_total(p->permits)), lim.part_min);
    r = plan_parts(ret, &l->zip, &lim, s, e);
    if (r < 0)
        return r;
    r = check_memory(p, ret, e);
    if (r < 0)
        plan_free(ret);
    return r;
}

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
    j->strategy = plan_strategy_of(j->p);
    j->r = plan_make(j->p, j->layout, &j->plan, j->strategy, &j->work_err);
    if (j->r == 0)
        j->r = pieces_build(j);
}

static void
prepare_run(struct publish_job *j)
{
    j->r = check_layout(j);
    if (j->r == 0)
        plan_run(j);
    if (j->r == 0 && journal_left(j, &j->left, &j->left_count) < 0)
        log_info("publish: %s: the journal could not be read", j->st.dest);
}

/* --------------------------------------------------------- destination */

bool
found_is_ours(const struct publish_job *j, const struct found *o)
{
    return strcmp(o->digest, j->digest) == 0 && o->size == job_zip(j)->size &&
           !(o->have_crc && j->have_whole && o->crc != j->whole);
}

/* The whole archive's CRC was computed if it could be. */
static void
decide_noop(struct publish_job *j)
{
    bool sure = j->done.have_crc && j->have_whole;

    if (j->stop)
        return;
    j->noop_word = sure ? "store-crc" : "";
    j->noop = found_is_ours(j, &j->done) &&
              (sure || j->p->d.conf->verify != CONF_VERIFY_FULL);
    if (j->noop && !j->have_whole && j->done.have_crc) {
        j->have_whole = true;
        j->whole = j->done.crc;
    }
    sweep_begin(j);
}

static void
decide_found(struct publish_job *j)
{
    const struct found *o = &j->call.o;

    j->done = *o;
    snprintf(j->if_match, sizeof(j->if_match), "%s", o->etag);
    if (strcmp(o->digest, j->digest) == 0 && o->size == job_zip(j)->size) {
        job_work(j, &j->work, whole_crc_run, decide_noop);
        return;
    }
    if (!o->digest[0] && !j->p->d.conf->overwrite) {
        job_fail(j, EEXIST,
                 "the destination exists and was not published "
                 "by s3zipfs (overwrite would replace it)");
        return;
    }
    sweep_begin(j);
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
        sweep_begin(j);
        return;
    }
    job_fail_s3(j, e, "HEAD");
}

static void
on_planned(struct publish_job *j)
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
    pthread_mutex_lock(&j->lock);
    j->st.parts = j->plan.count;
    pthread_mutex_unlock(&j->lock);
    c = call_begin(j, on_head);
    c->id = s3_head(j->p->d.s3_dest, &a, call_object_cb, c);
}

void
prepare(struct publish_job *j)
{
    job_work(j, &j->work, prepare_run, on_planned);
}
