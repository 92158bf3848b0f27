/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The current identity and the thread that renews it.
 *
 * Threads: aws_identity_get answers at once while the identity is good;
 * else it queues a waiter and wakes the refresh thread, the only one that
 * runs the provider chain and may block.  Callbacks run on the caller's
 * thread or on that thread, never under aws.lock.
 *
 * Times: an identity is renewed 15 minutes before it expires (half-way
 * through its life if that is shorter), while the old one is still given
 * out; in its last minute (the last quarter of a short life) callers wait
 * for the new one.  If renewing fails, the old one is used until it
 * expires and renewing is tried again after 30 s, 60 s ... 5 min.
 */
#include <errno.h>
#include <libxml/parser.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "aws/aws_priv.h"
#include "base/check.h"
#include "net/scope.h"

enum {
    EARLY_S = 15 * 60,
    LAST_MINUTE_S = 60,
    RETRY_S = 30,
    RETRY_MAX_S = 5 * 60,
    SAME_ERROR_MS = 2000, /* a failure answers for so long */
    FRESH_MS = 1000,      /* not refused before it is so old */
};

/* ----------------------------------------------------- judging (locked) */

static bool
works(const struct aws *a, int64_t now)
{
    return a->current && (!a->current->expires || now < a->current->expires);
}

static bool
in_last_minute(const struct aws *a, int64_t now)
{
    return a->current->expires && now >= a->wait_at && a->failures == 0;
}

static bool
failed_just_now(const struct aws *a)
{
    return a->failures && net_now_ms() - a->failed_ms < SAME_ERROR_MS;
}

static int64_t
when_to_refresh(const struct aws_identity *id, int64_t now)
{
    if (!id->expires)
        return 0;
    if (id->expires - now > 2 * EARLY_S)
        return id->expires - EARLY_S;
    return now + (id->expires - now) / 2;
}

static int64_t
when_to_wait(const struct aws_identity *id, int64_t now)
{
    int64_t quarter = (id->expires - now) / 4;

    return id->expires - (quarter < LAST_MINUTE_S ? quarter : LAST_MINUTE_S);
}

/* --------------------------------------------------------- refresh thread */

static void
accept_new(struct aws *a, struct aws_identity *id)
{
    int64_t now = time(NULL);

    aws_identity_unref(a->current);
    a->current = id;
    a->refresh_at = when_to_refresh(id, now);
    a->wait_at = when_to_wait(id, now);
    a->fetched_ms = net_now_ms();
    a->failures = 0;
    log_debug("credentials from %s%s", id->source,
              id->expires ? ", temporary" : "");
}

static void
accept_failure(struct aws *a, const struct err *e)
{
    int64_t now = time(NULL);
    int64_t pause = (int64_t)RETRY_S << (a->failures < 4 ? a->failures : 4);

    a->last_error = *e;
    a->failures++;
    a->failed_ms = net_now_ms();
    /* Without a working identity only callers make us try. */
    a->refresh_at =
        works(a, now) ? now + (pause < RETRY_MAX_S ? pause : RETRY_MAX_S) : 0;
    if (a->refresh_at && !a->stopping)
        log_warn("cannot renew the credentials, the old ones are used: %s",
                 e->text);
}

/* Sleeps until there is something to do; false to end.  Holds the lock. */
static bool
wait_for_work(struct aws *a)
{
    struct timespec until = {0};

    while (!a->stopping && !a->want) {
        if (a->refresh_at && time(NULL) >= a->refresh_at)
            return true;
        until.tv_sec = (time_t)a->refresh_at;
        if (a->refresh_at)
            pthread_cond_timedwait(&a->wake, &a->lock, &until);
        else
            pthread_cond_wait(&a->wake, &a->lock);
    }
    return !a->stopping;
}

static void
answer(struct waiter_list *list, struct aws_identity *id, const struct err *e)
{
    struct waiter *w;

    while ((w = STAILQ_FIRST(list))) {
        STAILQ_REMOVE_HEAD(list, link);
        w->cb(w->user, id ? 0 : -e->num, id, id ? NULL : e);
        free(w);
    }
}

static int
check_expiry(const struct aws_identity *id, struct err *e)
{
    if (!id->expires || time(NULL) < id->expires)
        return 0;
    return err_set(e, EACCES, "the credentials from %s have expired",
                   id->source);
}

/* Called and returns with the lock held. */
static void
refresh(struct aws *a)
{
    struct waiter_list list = STAILQ_HEAD_INITIALIZER(list);
    struct aws_identity *id = NULL;
    struct err e = {0};
    int r;

    a->want = false;
    pthread_mutex_unlock(&a->lock);
    r = chain_fetch(a, &id, &e);
    if (r == 0)
        r = check_expiry(id, &e);
    if (r < 0) {
        aws_identity_unref(STEAL(id));
        if (!e.num)
            err_set(&e, -r, "cannot get credentials: %s", strerror(-r));
    }
    pthread_mutex_lock(&a->lock);
    if (id)
        accept_new(a, id);
    else
        accept_failure(a, &e);
    id = works(a, time(NULL)) ? aws_identity_ref(a->current) : NULL;
    STAILQ_CONCAT(&list, &a->waiters);
    a->want = false; /* those who came meanwhile are in the list */
    pthread_mutex_unlock(&a->lock);
    answer(&list, id, &e);
    aws_identity_unref(id);
    pthread_mutex_lock(&a->lock);
}

static void *
refresh_main(void *arg)
{
    struct aws *a = arg;

    pthread_mutex_lock(&a->lock);
    while (wait_for_work(a))
        refresh(a);
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* Caller holds the lock. */
static int
wake_thread(struct aws *a)
{
    sigset_t all, old;
    int r = 0;

    a->want = true;
    if (!a->started) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        r = pthread_create(&a->thread, NULL, refresh_main, a);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        a->started = r == 0;
    }
    pthread_cond_broadcast(&a->wake);
    return -r;
}

/* --------------------------------------------------------------- public */

/* What to answer now: 0 with *ret_id, -errno with *e, or 1 = wait (then w
 * is queued).  Caller holds the lock. */
static int
decide(struct aws *a, struct waiter *w, struct aws_identity **ret_id,
       struct err *e)
{
    int64_t now = time(NULL);
    int r;

    if (a->stopping)
        return err_set(e, ECANCELED, "stopping");
    if (works(a, now) && !in_last_minute(a, now)) {
        *ret_id = aws_identity_ref(a->current);
        return 0;
    }
    if (failed_just_now(a)) {
        *e = a->last_error;
        return -e->num;
    }
    if (!w)
        return err_set(e, ENOMEM, "out of memory");
    r = wake_thread(a);
    if (r < 0)
        return err_set(e, -r, "cannot start a thread: %s", strerror(-r));
    STAILQ_INSERT_TAIL(&a->waiters, w, link);
    return 1;
}

void
aws_identity_get(struct aws *a, aws_identity_cb *cb, void *user)
{
    struct waiter *w = calloc(1, sizeof(*w));
    struct aws_identity *id = NULL;
    struct err e = {0};
    int r;

    if (w) {
        w->cb = cb;
        w->user = user;
    }
    pthread_mutex_lock(&a->lock);
    r = decide(a, w, &id, &e);
    pthread_mutex_unlock(&a->lock);
    if (r == 1)
        return;
    free(w);
    cb(user, r, id, id ? NULL : &e);
    aws_identity_unref(id);
}

void
aws_identity_expired(struct aws *a, const struct aws_identity *id)
{
    LOCK_SCOPE(&a->lock);
    /* Many requests may find the same one expired; and the new one may be
     * the old one again: do not run the chain in a circle. */
    if (a->current != id || net_now_ms() - a->fetched_ms < FRESH_MS)
        return;
    log_info("the store says that the credentials from %s have expired",
             id->source);
    aws_identity_unref(STEAL(a->current));
    a->refresh_at = 0;
}

/* --------------------------------------------------------- start and end */

/* Ends the thread; net_free calls it if aws_free has not. */
static void
stop(void *user)
{
    struct aws *a = user;
    struct waiter_list list = STAILQ_HEAD_INITIALIZER(list);
    struct err e = {.num = ECANCELED, .text = "stopping"};
    uint64_t one = 1;
    bool join;

    pthread_mutex_lock(&a->lock);
    join = a->started && !a->stopping;
    a->stopping = true;
    pthread_cond_broadcast(&a->wake);
    pthread_mutex_unlock(&a->lock);
    if (join) {
        if (write(a->stop_fd, &one, sizeof(one)) < 0)
            abort(); /* an eventfd takes it */
        scope_stop(a->scope, -ECANCELED);
        pthread_join(a->thread, NULL);
    }
    pthread_mutex_lock(&a->lock);
    STAILQ_CONCAT(&list, &a->waiters);
    pthread_mutex_unlock(&a->lock);
    answer(&list, NULL, &e);
}

static void
destroy(struct aws *a)
{
    if (a->stop_fd >= 0)
        close(a->stop_fd);
    scope_free(a->scope);
    aws_identity_unref(a->current);
    settings_free(a);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->wake);
    free(a);
}

int
aws_new(struct aws **ret, struct net *n, const struct aws_conf *c,
        struct err *e)
{
    struct aws *a = calloc(1, sizeof(*a));
    int r;

    if (!a)
        return err_set(e, ENOMEM, "out of memory");
    xmlInitParser(); /* before threads use it */
    a->net = n;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->wake, NULL);
    STAILQ_INIT(&a->waiters);
    a->stop_fd = eventfd(0, EFD_CLOEXEC);
    r = a->stop_fd < 0 ? err_set(e, errno, "eventfd: %s", strerror(errno))
                       : settings_find(a, c, e);
    if (r == 0 && (scope_new(&a->scope) < 0 || net_at_stop(n, stop, a) < 0))
        r = err_set(e, ENOMEM, "out of memory");
    if (r < 0) {
        destroy(a);
        return r;
    }
    *ret = a;
    return 0;
}

void
aws_free(struct aws *a)
{
    bool stopped;

    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    stopped = a->stopping;
    pthread_mutex_unlock(&a->lock);
    if (!stopped) {
        /* The net still lives. */
        net_at_stop_remove(a->net, stop, a);
        stop(a);
    }
    destroy(a);
}
