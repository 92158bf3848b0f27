/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The life of a job: its birth, its thread, whose story publish() tells
 * from top to bottom, its end, when the waiters hear of it, and what others
 * see of it meanwhile.  Called by publisher.c; calls the steps.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "publish/share.h"

/* --------------------------------------------------------------- birth */

static void
job_free(struct publish_job *j)
{
    journal_rows_free(j->left, j->left_count);
    previous_free(j->previous);
    share_free(j->share);
    read_stream_close(j->stream);
    reader_unref(j->reader);
    crc_set_unref(j->crcs);
    layout_unref(j->layout);
    publish_dest_free(&j->dest);
    free(j->dir_bucket);
    free(j->dir_prefix);
    scope_free(j->scope);
    scope_free(j->last);
    pthread_mutex_destroy(&j->lock);
    publisher_unref(j->p);
    free(j);
}

struct publish_job *
publish_job_ref(struct publish_job *j)
{
    atomic_fetch_add(&j->refs, 1);
    return j;
}

void
publish_job_unref(struct publish_job *j)
{
    if (j && atomic_fetch_sub(&j->refs, 1) == 1)
        job_free(j);
}

static int
job_open(struct publish_job *j, struct reader *r,
         const struct publish_dest *dest)
{
    char key[1000];

    j->dest.bucket = strdup(dest->bucket);
    j->dest.key = strdup(dest->key);
    j->dir_bucket = strdup(j->layout->bucket);
    j->dir_prefix = strdup(j->layout->prefix);
    if (!j->dest.bucket || !j->dest.key || !j->dir_bucket || !j->dir_prefix ||
        scope_new(&j->scope) < 0 || scope_new(&j->last) < 0)
        return -ENOMEM;
    layout_digest_hex(j->layout, j->digest);
    snprintf(
        j->st.dest, sizeof(j->st.dest), "s3://%s/%s", j->dest.bucket,
        text_escape(key, sizeof(key), j->dest.key, strlen(j->dest.key)));
    j->st.state = PUBLISH_PLANNING;
    j->st.bytes = j->layout->zip.size;
    j->st.verified = "";
    j->st.started_ms = net_now_ms();
    return read_stream_open(&j->stream, r);
}

int
job_new(struct publish_job **ret, struct publisher *p, struct reader *r,
        const struct publish_dest *dest)
{
    struct publish_job *j = calloc(1, sizeof(*j));
    int x;

    if (!j)
        return -ENOMEM;
    atomic_init(&j->refs, 1);
    pthread_mutex_init(&j->lock, NULL);
    j->p = publisher_ref(p);
    j->layout = layout_ref(reader_layout(r));
    j->reader = reader_ref(r);
    j->crcs = crc_set_ref(reader_crcs(r));
    x = job_open(j, r, dest);
    if (x < 0) {
        publish_job_unref(j);
        return x;
    }
    *ret = j;
    return 0;
}

/* --------------------------------------------------------------- story */

/* From the first look to the archive: 0, or why not. */
static int
publish(struct publish_job *j)
{
    int r = look(j);

    if (r < 0 || (j->target.noop && share_is_worker(j)))
        return r;
    if (share_is_worker(j))
        return share_work(j);
    if (j->target.noop)
        return left_clean(j);
    do {
        r = job_renew(j);
        if (r == 0)
            r = attempt(j);
    } while (r == AGAIN && !j->lessons.theirs);
    return r == AGAIN ? 0 : r;
}

/* ----------------------------------------------------------------- end */

/* Every listing that holds the destination is out of date. */
static void
invalidate(struct publish_job *j)
{
    char *slash, *prefix;

    if (!j->p->d.index || strcmp(j->dest.bucket, j->dir_bucket) != 0)
        return;
    prefix = strdup(j->dest.key);
    while (prefix && (slash = strrchr(prefix, '/'))) {
        slash[1] = '\0';
        index_invalidate(j->p->d.index, prefix);
        *slash = '\0';
    }
    index_invalidate(j->p->d.index, "");
    free(prefix);
}

void
job_done(struct publish_job *j, const struct s3_reply *o, const char *verified,
         bool noop)
{
    pthread_mutex_lock(&j->lock);
    j->st.verified = verified;
    j->st.noop = noop;
    text_escape(j->st.etag, sizeof(j->st.etag), o->etag, strlen(o->etag));
    j->st.have_crc32 = j->have_whole;
    j->st.crc32 = j->whole;
    pthread_mutex_unlock(&j->lock);
    if (!noop)
        invalidate(j);
}

static void
job_release(struct publish_job *j)
{
    previous_free(STEAL(j->previous));
    read_stream_close(STEAL(j->stream));
    reader_unref(STEAL(j->reader));
    crc_copies_end(j->crcs);
    crc_set_unref(STEAL(j->crcs));
}

static enum publish_state
state_of(const struct publish_job *j, int r)
{
    if (r == 0)
        return PUBLISH_DONE;
    if ((r == -ECANCELED && j->aborted) || r == -EINTR || r == -ECONNABORTED)
        return PUBLISH_CANCELLED;
    return PUBLISH_FAILED;
}

/* r is the job's.  An end that was wanted too late is none. */
static struct waiter *
set_ended(struct publish_job *j, int r)
{
    LOCK_SCOPE(&j->lock);

    if (r == 0) {
        memset(&j->err, 0, sizeof(j->err));
        memset(&j->s3err, 0, sizeof(j->s3err));
        j->st.key[0] = '\0';
        j->st.work_done = j->st.work;
    }
    j->ended = true;
    j->st.ended_ms = net_now_ms();
    j->st.state = state_of(j, r);
    j->st.err = j->err;
    j->st.error = j->s3err;
    return STEAL(j->waiters);
}

static void
job_end(struct publish_job *j, int r)
{
    struct waiter *w, *next;

    if (r != 0) { /* told already, but for a lack of memory */
        job_fail(j, r < 0 ? -r : EIO, "%s", strerror(r < 0 ? -r : EIO));
        r = -j->err.num;
        log_warn("publish: %s: %s", j->st.dest, j->err.text);
    }
    job_release(j);
    w = set_ended(j, r);
    layout_unref(STEAL(j->layout));
    publisher_ended(j->p, j);
    for (; w; w = next) {
        next = w->next;
        w->cb(w->user, r, &j->err);
        free(w);
    }
}

static void *
job_main(void *user)
{
    struct publish_job *j = user;
    struct publisher *p = publisher_ref(j->p);

    job_end(j, publish(j));
    publish_job_unref(j);
    publisher_quiet(p);
    publisher_unref(p);
    return NULL;
}

int
job_start(struct publish_job *j)
{
    int r;

    publish_job_ref(j); /* the thread's */
    r = thread_spawn(job_main, j, 0);
    if (r < 0)
        publish_job_unref(j);
    return r;
}

/* --------------------------------------------------- what others see of it */

uint64_t
publish_wait(struct publish_job *j, publish_cb *cb, void *user)
{
    struct waiter *w = calloc(1, sizeof(*w));
    struct err e = {0};
    uint64_t id;

    pthread_mutex_lock(&j->lock);
    if (!j->ended && w) {
        id = ++j->last_waiter;
        *w = (struct waiter){j->waiters, id, cb, user};
        j->waiters = w;
        pthread_mutex_unlock(&j->lock);
        return id;
    }
    if (j->ended)
        e = j->st.err;
    else
        err_set(&e, ENOMEM, "out of memory");
    pthread_mutex_unlock(&j->lock);
    free(w);
    cb(user, -e.num, &e);
    return 0;
}

bool
publish_wait_cancel(struct publish_job *j, uint64_t id)
{
    LOCK_SCOPE(&j->lock);
    struct waiter **at, *w;

    for (at = &j->waiters; (w = *at); at = &w->next)
        if (w->id == id) {
            *at = w->next;
            free(w);
            return true;
        }
    return false;
}

void
publish_job_status(struct publish_job *j, struct publish_status *ret)
{
    LOCK_SCOPE(&j->lock);

    *ret = j->st;
    ret->now_ms = j->ended ? j->st.ended_ms : net_now_ms();
}

void
job_set_state(struct publish_job *j, enum publish_state s)
{
    LOCK_SCOPE(&j->lock);

    j->st.state = s;
}

void
job_count(struct publish_job *j, uint64_t *counter, uint64_t n)
{
    LOCK_SCOPE(&j->lock);

    *counter += n;
}

void
job_retries(struct publish_job *j, const struct s3_error *e)
{
    if (e->attempts > 1)
        job_count(j, &j->st.retries, (uint64_t)e->attempts - 1);
}
