/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The s3.h of the store of test_crc_fake.h: its calls in a queue, answered
 * on threads or before they return, parked, resumed and cancelled.
 */
#include "test_crc_fake_in.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* ------------------------------------------------------------- the queue */

bool
fake_is_cancelled(struct s3 *s, struct job *j)
{
    LOCK_SCOPE(&s->lock);

    return j->cancelled;
}

/* With the lock. */
static void
unpark(struct s3 *s, struct job *j)
{
    TAILQ_REMOVE(&s->parked, j, link);
    TAILQ_INSERT_HEAD(&s->queue, j, link);
    pthread_cond_broadcast(&s->cond);
}

/* Until it is resumed or cancelled. */
void
fake_park(struct s3 *s, struct job *j)
{
    LOCK_SCOPE(&s->lock);

    TAILQ_REMOVE(&s->running, j, link);
    s->nrunning--;
    TAILQ_INSERT_HEAD(&s->parked, j, link);
    pthread_cond_broadcast(&s->cond);
    if (j->cancelled || j->resumed)
        unpark(s, j);
}

static void
count_end(struct s3 *s, struct job *j)
{
    LOCK_SCOPE(&s->lock);

    TAILQ_REMOVE(&s->running, j, link);
    s->nrunning--;
    s->cancelled += j->cancelled;
    free(j);
    pthread_cond_broadcast(&s->cond);
}

static void
begin(struct s3 *s, struct job *j)
{
    TAILQ_INSERT_TAIL(&s->running, j, link);
    s->nrunning++;
}

static void *
serve(void *user)
{
    struct s3 *s = user;
    struct job *j;
    unsigned us;

    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->stop && (s->hold || TAILQ_EMPTY(&s->queue)))
            pthread_cond_wait(&s->cond, &s->lock);
        j = TAILQ_FIRST(&s->queue);
        if (!j)
            break;
        TAILQ_REMOVE(&s->queue, j, link);
        begin(s, j);
        us = s->max_delay_us ? fake_mix(j->id) % s->max_delay_us : 0;
        pthread_mutex_unlock(&s->lock);
        if (us)
            usleep(us);
        if (fake_answer(s, j))
            count_end(s, j);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static s3_id
submit(struct s3 *s, struct job *j, const struct s3_where *at)
{
    s3_id id;

    j->o = at ? fake_find(s, at->key) : NULL;
    pthread_mutex_lock(&s->lock);
    id = j->id = ++s->last_id;
    s->stats.get += j->kind == GET;
    if (j->kind == GET)
        j->o->gets++;
    s->unguarded += j->kind != ATTRS && !*j->etag;
    s->stats.head += j->kind == HEAD;
    s->stats.attributes += j->kind == ATTRS;
    TAILQ_INSERT_TAIL(&s->queue, j, link);
    s->open_gets += j->kind == GET;
    s->most = s->open_gets > s->most ? s->open_gets : s->most;
    pthread_cond_broadcast(&s->cond);
    pthread_mutex_unlock(&s->lock);
    return id;
}

s3_id
fake_call(struct s3 *s, void (*fn)(struct s3 *s, bool cancelled, void *user),
          void *user)
{
    struct job *j = calloc(1, sizeof(*j));

    j->kind = OTHER;
    j->fn = fn;
    j->user = user;
    return submit(s, j, NULL);
}

/* ---------------------------------------------------------------- s3.h */

s3_id
s3_get(struct s3 *s, const struct s3_get_args *args, s3_get_cb *cb, void *user)
{
    struct job *j = calloc(1, sizeof(*j));

    j->kind = GET;
    j->get = *args;
    pthread_mutex_lock(&s->lock);
    s->fresh += args->fresh;
    pthread_mutex_unlock(&s->lock);
    j->cb = cb;
    j->user = user;
    if (args->etag)
        snprintf(j->etag, sizeof(j->etag), "%s", args->etag);
    return submit(s, j, &args->at);
}

s3_id
s3_head(struct s3 *s, const struct s3_head_args *args, s3_get_cb *cb,
        void *user)
{
    struct job *j = calloc(1, sizeof(*j));

    j->kind = HEAD;
    j->get.checksum = args->checksum;
    j->cb = cb;
    j->user = user;
    if (args->etag)
        snprintf(j->etag, sizeof(j->etag), "%s", args->etag);
    return submit(s, j, &args->at);
}

s3_id
s3_attributes(struct s3 *s, const struct s3_where *at, s3_attrs_cb *cb,
              void *user)
{
    struct job *j = calloc(1, sizeof(*j));

    j->kind = ATTRS;
    j->attrs_cb = cb;
    j->user = user;
    return submit(s, j, at);
}

/* With the lock. */
static struct job *
find_job(struct jobs *list, s3_id id)
{
    struct job *j;

    TAILQ_FOREACH(j, list, link)
        if (j->id == id)
            return j;
    return NULL;
}

static void
poke(struct s3 *s, s3_id id, bool cancel)
{
    struct job *j;

    pthread_mutex_lock(&s->lock);
    if ((j = find_job(&s->queue, id)) || (j = find_job(&s->running, id)) ||
        (j = find_job(&s->parked, id))) {
        j->cancelled |= cancel;
        j->resumed |= !cancel;
        if (find_job(&s->parked, id) && (cancel || j->begun))
            unpark(s, j);
    }
    pthread_mutex_unlock(&s->lock);
}

void
s3_cancel(struct s3 *s, s3_id id)
{
    poke(s, id, true);
}

void
s3_resume(struct s3 *s, s3_id id)
{
    poke(s, id, false);
}

void
s3_kind_get(struct s3 *s, unsigned kind, struct s3_kind_stats *ret)
{
    LOCK_SCOPE(&s->lock);

    (void)kind;
    *ret = (struct s3_kind_stats){.total_p99 = s->p99};
}

const char *
s3_endpoint_id(const struct s3 *s)
{
    (void)s;
    return "http://fake";
}

int
s3_error_text(const struct s3_error *e, const char *op, const char *bucket,
              const char *key, size_t key_len, struct err *ret)
{
    return err_set(ret, -e->err, "%s s3://%s/%.*s: %d %s", op, bucket,
                   (int)key_len, key, e->http, e->code);
}

void
s3_stats_get(struct s3 *s, struct s3_stats *ret)
{
    LOCK_SCOPE(&s->lock);

    *ret = s->stats;
}

/* ------------------------------------------------------------ start, end */

void
fake_s3_start(struct s3 *s, unsigned threads, unsigned max_delay_us)
{
    unsigned i;

    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->cond, NULL);
    TAILQ_INIT(&s->queue);
    TAILQ_INIT(&s->running);
    TAILQ_INIT(&s->parked);
    s->threads = threads ? threads : 1;
    s->max_delay_us = threads ? max_delay_us : 0;
    for (i = 0; i < s->threads; i++)
        pthread_create(&s->thread[i], NULL, serve, s);
}

bool
fake_s3_settle(struct s3 *s)
{
    bool waited = false;
    LOCK_SCOPE(&s->lock);

    for (; !s->hold && (s->nrunning || !TAILQ_EMPTY(&s->queue)); waited = true)
        pthread_cond_wait(&s->cond, &s->lock);
    return waited;
}

void
fake_s3_stop(struct s3 *s)
{
    size_t i;

    pthread_mutex_lock(&s->lock);
    s->stop = true;
    s->hold = false;
    pthread_cond_broadcast(&s->cond);
    pthread_mutex_unlock(&s->lock);
    for (i = 0; i < s->threads; i++)
        pthread_join(s->thread[i], NULL);
}
