/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One publish by many processes.  The coordinator creates the upload, sends
 * one copy to see how the store answers, tells the upload's id, sends the
 * central directory, and watches ListParts; when nothing comes any more it
 * sends what is missing, and completes.  A worker sends its slice, then
 * what ListParts says is missing, and neither completes nor aborts.  Both
 * send by the crew: what is offered to the scheduler goes.
 *
 * The plan is a pure function of the layout and of the store's limits, so
 * all have the same one: the id that is told begins with its fingerprint.
 * A part that two send has the same bytes both times.
 */
#include "publish/share.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/crew.h"
#include "publish/task.h"

enum {
    ID_PRINT = 16,       /* hex digits of the fingerprint in an id */
    BATCH = 8,           /* parts of others that are taken at a time */
    BUSY = 32,           /* so many may be on their way already: a share */
    SETTLE_MS = 2000,    /* parts of others that are on their way */
    POLL_MS = 1000,      /* of ListParts */
    STILL_POLLS = 10,    /* without news: the coordinator sends parts */
    STILL_WORKER = 2,    /* a worker does, at the end */
    FINAL_LOOKS = 60,    /* for the archive of an upload that is gone */
    WORKERS_MAX = 10000, /* more than parts makes no sense */
};

struct share {
    uint32_t workers;
    int32_t worker; /* -1: the coordinator */
    char *upload;   /* as it was given */
    publish_told_fn *told;
    void *user;
    unsigned still; /* looks without news */
    uint32_t known; /* parts that were there at the last look */
};

int
share_new(struct share **ret, const struct publish_share *how, struct err *e)
{
    struct share *s;

    if (how->workers < 1 || how->workers > WORKERS_MAX ||
        how->worker >= (int64_t)how->workers)
        return err_set(e, EINVAL, "workers are 1 to %d, and counted from 0",
                       WORKERS_MAX);
    if (how->worker >= 0 && !how->upload)
        return err_set(e, EINVAL, "a worker needs the upload's id");
    s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(e, ENOMEM, "out of memory");
    s->workers = how->workers;
    s->worker = how->worker;
    s->told = how->told;
    s->user = how->user;
    s->upload = how->upload ? strdup(how->upload) : NULL;
    if (how->upload && !s->upload) {
        free(s);
        return err_set(e, ENOMEM, "out of memory");
    }
    *ret = s;
    return 0;
}

void
share_free(struct share *s)
{
    if (!s)
        return;
    free(s->upload);
    free(s);
}

bool
share_is_worker(const struct publish_job *j)
{
    return j->share && j->share->worker >= 0;
}

int
share_check(struct attempt *at)
{
    struct publish_job *j = at->j;

    if (!j->share)
        return 0;
    if (at->plan.strategy != PLAN_DUO && at->plan.strategy != PLAN_STREAM)
        return job_fail(j, EINVAL,
                        "workers share one upload: publish_strategy=duo or "
                        "stream, not %s",
                        plan_strategy_name(at->plan.strategy));
    if (at->put)
        return job_fail(j, EINVAL, "the archive is one part: no workers");
    return 0;
}

/* ----------------------------------------------------------------- parts */

static bool
is_directory(const struct attempt *at, uint32_t n)
{
    const struct zip_layout *z = job_zip(at->j);
    const struct plan_part *pp = part_plan(at, n);

    return pp->kind == PLAN_UPLOAD && pp->end > z->offset[z->count];
}

/* Not there, and this process's to send: the directory is the
 * coordinator's. */
static bool
is_open(struct attempt *at, uint32_t n)
{
    LOCK_SCOPE(&at->lock);

    return !sched_part_there(at->sched, n) &&
           !(is_directory(at, n) && share_is_worker(at->j));
}

static uint32_t
count_open(struct attempt *at)
{
    uint32_t n, open = 0;

    for (n = 0; n < at->parts; n++)
        open += is_open(at, n);
    return open;
}

/* Sends these parts, and waits until they are there. */
static int
send_list(struct attempt *at, const uint32_t *list, uint32_t count)
{
    uint32_t i;

    pthread_mutex_lock(&at->lock);
    for (i = 0; i < count; i++)
        sched_offer(at->sched, list[i]);
    pthread_mutex_unlock(&at->lock);
    for (i = 0; i < count; i++)
        crew_wake(at);
    return crew_wait_parts(at, list, count);
}

/* Some that are missing, last ones first (their owners begin with the
 * first), each worker at a place of its own. */
static int
send_others(struct attempt *at)
{
    const struct share *s = at->j->share;
    uint32_t open = count_open(at), list[BATCH], n, count = 0;
    uint32_t skip = (uint32_t)((uint64_t)open * (uint32_t)(s->worker + 1) /
                               (s->workers + 1));

    for (n = at->parts; n-- > 0 && count < BATCH;)
        if (is_open(at, n) && (skip == 0 || skip-- == 0))
            list[count++] = n;
    return send_list(at, list, count);
}

/* [first, end), or only the directory's. */
static int
send_range(struct attempt *at, uint32_t first, uint32_t end, bool directory)
{
    CLEANUP_FREE uint32_t *list = calloc(end - first + 1, sizeof(*list));
    uint32_t n, count = 0;

    if (!list)
        return job_fail(at->j, ENOMEM, "out of memory");
    for (n = first; n < end; n++)
        if (is_open(at, n) && (!directory || is_directory(at, n)))
            list[count++] = n;
    return send_list(at, list, count);
}

/* ------------------------------------------------------------------ look */

/* What others sent meanwhile.  -ENOENT: the upload is gone. */
static int
look_at_parts(struct attempt *at, bool *ret_crc)
{
    struct publish_job *j = at->j;
    int r = take_listed(at, 0, at->parts, &at->up, ret_crc);

    if (r == 0 || r == -ENOENT)
        return r;
    return job_fail(j, -r, "ListParts: %s", strerror(-r));
}

static bool
others_busy(struct attempt *at)
{
    struct share *s = at->j->share;
    uint32_t open = count_open(at);

    s->still = open == s->known ? s->still + 1 : 0;
    s->known = open;
    if (s->worker < 0)
        return s->still < STILL_POLLS;
    return s->still < STILL_WORKER && open <= BUSY;
}

/* Until nothing is missing. */
static int
watch(struct attempt *at)
{
    struct publish_job *j = at->j;
    int r = 0;

    while (r == 0 && count_open(at) > 0) {
        r = look_at_parts(at, NULL);
        if (r < 0 || count_open(at) == 0)
            break;
        r = others_busy(at) ? scope_sleep(j->scope, POLL_MS)
                            : send_others(at);
    }
    return r;
}

/* ----------------------------------------------------------- coordinator */

/* The copy that shows how this store answers: a ranged one, if any. */
static int
send_probe(struct attempt *at)
{
    uint32_t n, best = UINT32_MAX;

    for (n = 0; n < at->parts; n++) {
        if (part_plan(at, n)->kind == PLAN_UPLOAD || !is_open(at, n))
            continue;
        if (best == UINT32_MAX ||
            (part_is_ranged(at, n) && !part_is_ranged(at, best)))
            best = n;
    }
    return best == UINT32_MAX ? 0 : send_list(at, &best, 1);
}

static void
tell(struct attempt *at)
{
    const struct share *s = at->j->share;
    char id[ID_PRINT + 2 + sizeof(at->up.id)], plan[65];

    free(at->share_id);
    at->share_id = strdup(at->up.id);
    plan_fingerprint(&at->plan, at->j->digest, plan);
    snprintf(id, sizeof(id), "%.*s:%s", ID_PRINT, plan, at->up.id);
    if (s->told)
        s->told(s->user, id);
    log_info("publish: %s: upload %s waits for workers", at->j->st.dest, id);
}

int
share_lead(struct attempt *at)
{
    struct publish_job *j = at->j;
    int r = send_probe(at);

    if (r != 0)
        return r;
    tell(at);
    r = send_range(at, 0, at->parts, true);
    if (r == 0)
        r = watch(at);
    if (r == -ENOENT)
        return job_again(j, "the upload is gone");
    return r < 0 ? job_fail(j, -r, "%s", strerror(-r)) : r;
}

/* A part that a worker sent twice may arrive after Complete, and brings
 * the upload back on some stores (versitygw 1.7). */
void
share_settle(struct attempt *at)
{
    struct publish_job *j = at->j;
    struct s3_where where = job_where(j);
    struct s3_reply o;

    if (at->share_id && scope_sleep(j->scope, SETTLE_MS) == 0)
        s3_abort_wait(j->p->d.s3_dest, j->last, &where, at->share_id, &o);
}

/* ---------------------------------------------------------------- worker */

/* The upload is gone: completed by the coordinator, or aborted by somebody?
 * Complete takes its time, and the upload is gone at once. */
static int
final_look(struct publish_job *j)
{
    struct s3_head_args a = {.at = job_where(j), .checksum = true};
    struct s3_reply o;
    unsigned looks;
    int r = 0;

    for (looks = 0; r == 0 && looks < FINAL_LOOKS; looks++) {
        if (s3_head_wait(j->p->d.s3_dest, j->scope, &a, &o) == 0 &&
            is_ours(j, &o)) {
            job_done(j, &o, "", false);
            return 0;
        }
        r = scope_sleep(j->scope, POLL_MS);
    }
    return job_fail(j, ENOENT,
                    "the upload %s is gone, and the archive is not there",
                    j->share->upload);
}

static int
join(struct attempt *at)
{
    struct publish_job *j = at->j;
    struct share *s = j->share;
    const char *id = strchr(s->upload, ':');
    bool printed = id && id - s->upload == ID_PRINT;
    struct journal_new row;
    struct upload_args a;
    char plan[65];

    attempt_upload_args(at, &a, &row, plan);
    if (printed && strncmp(plan, s->upload, ID_PRINT) != 0)
        return job_fail(j, ECANCELED,
                        "the prefix is not what it was when that upload "
                        "began, or the options are others");
    a.row = NULL;
    if (upload_join(&at->up, &a, printed ? id + 1 : s->upload) < 0)
        return job_fail(j, ENOMEM, "out of memory");
    return 0;
}

static int
send_share(struct attempt *at)
{
    const struct share *s = at->j->share;
    uint64_t parts = at->parts, worker = (uint32_t)s->worker;
    int r = send_range(at, (uint32_t)(parts * worker / s->workers),
                       (uint32_t)(parts * (worker + 1) / s->workers), false);

    return r == 0 ? watch(at) : r;
}

static int
work(struct attempt *at)
{
    struct publish_job *j = at->j;
    struct s3_reply none = {.size = 0};
    int r = attempt_plan(at);

    if (r == 0)
        r = join(at);
    if (r == 0)
        r = attempt_sched(at);
    if (r == 0)
        r = look_at_parts(at, &at->up.crc32);
    at->crc = at->up.crc32;
    if (r == 0 && sched_begin(at->sched, &at->pace.limits) < 0)
        r = job_fail(j, ENOMEM, "out of memory");
    if (r == 0) {
        job_set_state(j, PUBLISH_RUNNING);
        crew_begin(at);
        r = send_share(at);
    }
    crew_leave(at);
    if (at->sched)
        crew_end(at);
    upload_end(&at->up); /* the others go on with it */
    if (r == 0)
        job_done(j, &none, "", false);
    return r;
}

int
share_work(struct publish_job *j)
{
    struct attempt at;
    bool gone;
    int r;

    attempt_init(&at, j);
    r = work(&at);
    gone = r == -ENOENT || atomic_load(&at.vanished);
    attempt_free(&at);
    if (r == 0 || !gone)
        return r == 0 ? 0 : job_result(j);
    r = job_renew(j);
    return r < 0 ? r : final_look(j);
}
