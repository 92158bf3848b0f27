/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The table of jobs: one per destination, the newest of each directory
 * kept for its status; what was learned of the store.  Must not know what
 * a job does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "publish/job.h"
#include "publish/quirks.h"
#include "publish/share.h"

enum {
    ENDED_MAX = 1000, /* ended jobs that are remembered */
    FREE_WAIT_S = 10, /* for aborts; a job gives up before */
};

int
publisher_new(struct publisher **ret, const struct publisher_deps *d,
              struct err *e)
{
    struct publisher *p = calloc(1, sizeof(*p));
    pthread_condattr_t attr;

    if (p)
        p->in_flight = d->conf->memory / 2;
    if (!p || permits_new(&p->permits, p->in_flight) < 0) {
        free(p);
        return err_set(e, ENOMEM, "out of memory");
    }
    atomic_init(&p->refs, 1);
    p->d = *d;
    p->seg_max = max_u64(d->conf->memory / 4, 1);
    quirks_load(d->state, s3_endpoint_id(d->s3_dest), time(NULL), &p->told);
    p->caps = p->told;
    /* That takes the checksum off an archive: each process sees for itself,
     * by one copy that is refused. */
    p->caps.no_part_crc = false;
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->idle, &attr);
    pthread_condattr_destroy(&attr);
    *ret = p;
    return 0;
}

struct publisher *
publisher_ref(struct publisher *p)
{
    atomic_fetch_add(&p->refs, 1);
    return p;
}

void
publisher_unref(struct publisher *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    permits_free(p->permits);
    pthread_cond_destroy(&p->idle);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* Called with the lock held. */
static void
wait_idle(struct publisher *p, int seconds)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    while (p->running > 0 &&
           pthread_cond_timedwait(&p->idle, &p->lock, &until) == 0)
        ;
}

/* The running jobs, referenced; NULL if there are none. */
static struct publish_job **
running_jobs(struct publisher *p, size_t *ret_count)
{
    LOCK_SCOPE(&p->lock);
    struct publish_job **list = calloc(p->running + 1, sizeof(*list)), *j;
    size_t n = 0;

    for (j = p->jobs; list && j; j = j->next)
        if (j->running)
            list[n++] = publish_job_ref(j);
    *ret_count = n;
    return list;
}

static void
abort_all(struct publisher *p)
{
    struct publish_job **list;
    size_t n, i;

    list = running_jobs(p, &n);
    for (i = 0; i < n; i++) {
        publish_abort(list[i], -ECONNABORTED);
        publish_job_unref(list[i]);
    }
    free(list);
}

void
publisher_free(struct publisher *p)
{
    struct publish_job *j;

    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_mutex_unlock(&p->lock);
    abort_all(p);
    pthread_mutex_lock(&p->lock);
    wait_idle(p, FREE_WAIT_S);
    if (p->running > 0)
        log_warn("publish: %u uploads could not be aborted in time; the "
                 "next publish to the same key removes them",
                 p->running);
    while ((j = p->jobs)) {
        p->jobs = j->next;
        pthread_mutex_unlock(&p->lock);
        publish_job_unref(j);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    publisher_unref(p);
}

/* --------------------------------------------------------------- start */

static bool
same_directory(const struct publish_job *a, const char *bucket,
               const char *prefix)
{
    return strcmp(a->dir_bucket, bucket) == 0 &&
           strcmp(a->dir_prefix, prefix) == 0;
}

/* Takes jobs that nobody asks for any more out of the list; lock held. */
static struct publish_job *
take_old(struct publisher *p, const struct publish_job *fresh)
{
    struct publish_job **at = &p->jobs, *gone = NULL, *j;
    unsigned ended = 0;

    while ((j = *at)) {
        if (!j->running &&
            (++ended > ENDED_MAX ||
             same_directory(j, fresh->dir_bucket, fresh->dir_prefix))) {
            *at = j->next;
            j->next = gone;
            gone = j;
        } else {
            at = &j->next;
        }
    }
    return gone;
}

static int
busy_answer(struct publish_job *j, const struct publish_job *fresh,
            struct publish_job **ret, struct err *e)
{
    if (!j->failing && strcmp(j->digest, fresh->digest) == 0) {
        *ret = publish_job_ref(j);
        return 0;
    }
    return err_set(e, EBUSY, "another publish to %s is running",
                   fresh->st.dest);
}

/* 1: fresh is in the table; 0: joined *ret; or an error. */
static int
table_add(struct publisher *p, struct publish_job *fresh,
          struct publish_job **ret, struct publish_job **ret_old,
          struct err *e)
{
    LOCK_SCOPE(&p->lock);
    struct publish_job *j;

    if (p->closing)
        return err_set(e, ECONNABORTED, "s3zipfs is stopping");
    for (j = p->jobs; j; j = j->next)
        if (j->running && strcmp(j->dest.bucket, fresh->dest.bucket) == 0 &&
            strcmp(j->dest.key, fresh->dest.key) == 0)
            return busy_answer(j, fresh, ret, e);
    *ret_old = take_old(p, fresh);
    fresh->running = true;
    fresh->next = p->jobs;
    p->jobs = publish_job_ref(fresh);
    p->running++;
    return 1;
}

int
publish_start(struct publisher *p, struct reader *r,
              const struct publish_dest *dest, struct publish_job **ret,
              struct err *e)
{
    return publish_start_shared(p, r, dest, NULL, ret, e);
}

int
publish_start_shared(struct publisher *p, struct reader *r,
                     const struct publish_dest *dest,
                     const struct publish_share *share,
                     struct publish_job **ret, struct err *e)
{
    struct publish_job *fresh, *old = NULL, *next;
    int x;

    x = job_new(&fresh, p, r, dest);
    if (x < 0)
        return err_set(e, -x, "cannot start a publish");
    x = share ? share_new(&fresh->share, share, e) : 0;
    if (x < 0) {
        publish_job_unref(fresh);
        return x;
    }
    x = table_add(p, fresh, ret, &old, e);
    for (; old; old = next) {
        next = old->next;
        publish_job_unref(old);
    }
    if (x <= 0) {
        publish_job_unref(fresh);
        return x;
    }
    *ret = fresh;
    x = job_start(fresh);
    if (x == 0)
        return 0;
    job_fail(fresh, -x, "no thread can be started");
    publisher_ended(p, fresh);
    publisher_quiet(p);
    publish_job_unref(fresh);
    return err_set(e, -x, "no thread can be started");
}

void
publisher_ended(struct publisher *p, struct publish_job *j)
{
    LOCK_SCOPE(&p->lock);

    j->running = false;
}

void
publisher_quiet(struct publisher *p)
{
    LOCK_SCOPE(&p->lock);

    p->running--;
    pthread_cond_broadcast(&p->idle);
}

void
publish_jobs(struct publisher *p, const char *bucket, const char *prefix,
             void (*fn)(void *user, struct publish_job *j), void *user)
{
    struct publish_job **list = NULL, *j;
    size_t n = 0, total = 0, i;
    bool newest = true;

    pthread_mutex_lock(&p->lock);
    for (j = p->jobs; j; j = j->next)
        total++;
    list = calloc(total + 1, sizeof(*list));
    for (j = p->jobs; list && j; j = j->next)
        if (same_directory(j, bucket, prefix)) {
            if (newest || j->running)
                list[n++] = publish_job_ref(j);
            newest = false;
        }
    pthread_mutex_unlock(&p->lock);
    for (i = 0; i < n; i++) {
        fn(user, list[i]);
        publish_job_unref(list[i]);
    }
    free(list);
}

/* ------------------------------------------------------------- cleanup */

int
publish_cleanup(struct publisher *p, const char *bucket, const char *prefix,
                s3_cleaned_cb *fn, void *user, struct err *e)
{
    struct s3_cleanup_args a = {
        .s3 = p->d.s3_dest,
        .state = p->d.state,
        .dest = true,
        .ask_unknown = true,
        .fn = fn,
        .user = user,
    };
    struct journal_query q = {
        .endpoint = s3_endpoint_id(p->d.s3_dest),
        .bucket = bucket,
        .prefix = prefix,
        .kinds = 1U << JOURNAL_PUBLISH,
    };
    int r = s3_cleanup_rows(&a, &q);

    if (r == -ENOENT)
        return err_set(e, ENOENT,
                       "there is no state file (cache_dir): what "
                       "was left is not known");
    return r < 0 ? err_set(e, -r, "the journal of uploads: %s", strerror(-r))
                 : 0;
}

/* ---------------------------------------------------------------- caps */

struct caps
publisher_caps(struct publisher *p)
{
    LOCK_SCOPE(&p->lock);

    return p->caps;
}

struct caps
publisher_foreseen(struct publisher *p)
{
    LOCK_SCOPE(&p->lock);
    struct caps caps = p->caps;

    caps.no_part_crc |= p->told.no_part_crc;
    return caps;
}

void
publisher_tell(struct publisher *p)
{
    struct caps caps, told;

    pthread_mutex_lock(&p->lock);
    caps = p->caps;
    told = p->told;
    p->told = caps;
    p->told.no_part_crc |= told.no_part_crc;
    pthread_mutex_unlock(&p->lock);
    quirks_note(p->d.state, s3_endpoint_id(p->d.s3_dest), time(NULL), &caps,
                &told);
}

void
publisher_learn(struct publisher *p, bool *cap, const char *words)
{
    bool first;

    pthread_mutex_lock(&p->lock);
    first = !*cap;
    *cap = true;
    pthread_mutex_unlock(&p->lock);
    if (first)
        log_info("publish: %s: %s", s3_endpoint_id(p->d.s3_dest), words);
}
