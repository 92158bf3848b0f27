/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Submitting and cancelling exchanges, from any thread, and the start and
 * end of a struct net.  Touches no libcurl handle: those belong to the
 * loop threads.
 */
#include "net/net_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"

enum {
    DEFAULT_CONNECTIONS = 64,
    DEFAULT_BRIEF = 512,
    DEFAULT_LOOPS_MAX = 4,
};

uint64_t
net_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t
net_new_id(struct net *n)
{
    return atomic_fetch_add(&n->next_id, 1);
}

void
net_pending_done(struct net *n)
{
    if (--n->pending == 0)
        pthread_cond_broadcast(&n->quiet);
}

/* --------------------------------------------------------- start, end */

static unsigned
loops_for(const struct net_conf *conf, unsigned connections)
{
    unsigned loops = conf->loops;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (!loops)
        loops = (unsigned)(cores < 1                   ? 1
                           : cores > DEFAULT_LOOPS_MAX ? DEFAULT_LOOPS_MAX
                                                       : cores);
    if (loops > NET_LOOPS_MAX)
        loops = NET_LOOPS_MAX;
    return loops > connections ? connections : loops;
}

static void
net_destroy(struct net *n)
{
    struct at_stop *s;

    while ((s = SLIST_FIRST(&n->at_stop))) {
        SLIST_REMOVE_HEAD(&n->at_stop, link);
        free(s);
    }
    pthread_mutex_destroy(&n->lock);
    pthread_cond_destroy(&n->quiet);
    pthread_cond_destroy(&n->work_there);
    free((char *)n->conf.ca_bundle);
    free((char *)n->conf.user_agent);
    free(n);
    curl_global_cleanup();
}

static int
copy_conf(struct net *n, const struct net_conf *conf)
{
    n->conf = *conf;
    n->conf.ca_bundle = n->conf.user_agent = NULL;
    if (conf->ca_bundle && !(n->conf.ca_bundle = strdup(conf->ca_bundle)))
        return -ENOMEM;
    if (conf->user_agent && !(n->conf.user_agent = strdup(conf->user_agent)))
        return -ENOMEM;
    n->width[NET_BYTES] =
        conf->connections ? conf->connections : DEFAULT_CONNECTIONS;
    n->width[NET_BRIEF] = conf->brief ? conf->brief : DEFAULT_BRIEF;
    net_fit_files(n->width);
    return 0;
}

static void
quit_threads(struct net *n)
{
    unsigned i;

    pthread_mutex_lock(&n->lock);
    n->stopping = n->quit = true;
    for (i = 0; i < n->loops; i++)
        loop_wake(&n->loop[i]);
    pthread_cond_broadcast(&n->work_there);
    pthread_mutex_unlock(&n->lock);
    for (i = 0; i < n->loops; i++)
        loop_join(&n->loop[i]);
    if (n->worker_started)
        pthread_join(n->worker, NULL);
}

static int
start_threads(struct net *n)
{
    unsigned loops = loops_for(&n->conf, n->width[NET_BYTES]), i, c;
    int r;

    for (i = 0; i < loops; i++) {
        for (c = 0; c < NET_CLASSES; c++)
            n->loop[i].cap[c] =
                n->width[c] / loops + (i < n->width[c] % loops);
        r = loop_start(n, &n->loop[i], i);
        if (r < 0)
            return r;
        /* Under the lock: the loops started before may look. */
        pthread_mutex_lock(&n->lock);
        n->loops = i + 1;
        pthread_mutex_unlock(&n->lock);
    }
    r = thread_start(&n->worker, work_main, n, "net-work");
    n->worker_started = r == 0;
    return r;
}

int
net_new(struct net **ret, const struct net_conf *conf, struct err *e)
{
    struct net *n;
    unsigned c;
    int r;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return err_set(e, ENOMEM, "cannot start libcurl");
    n = calloc(1, sizeof(*n));
    if (!n) {
        curl_global_cleanup();
        return err_set(e, ENOMEM, "out of memory");
    }
    atomic_init(&n->next_id, 1);
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->quiet, NULL);
    pthread_cond_init(&n->work_there, NULL);
    for (c = 0; c < NET_CLASSES; c++) {
        TAILQ_INIT(&n->queue[c][false]);
        TAILQ_INIT(&n->queue[c][true]);
    }
    STAILQ_INIT(&n->works);
    SLIST_INIT(&n->at_stop);
    r = copy_conf(n, conf);
    if (r == 0)
        r = start_threads(n);
    if (r < 0) {
        quit_threads(n);
        net_destroy(n);
        return err_set(e, -r, "cannot start the network threads: %s",
                       strerror(-r));
    }
    *ret = n;
    return 0;
}

/* --------------------------------------------------- submit and cancel */

/* Caller holds net.lock. */
static void
assign(struct loop *l, struct exchange *x)
{
    x->loop = l;
    x->state = EX_ASSIGNED;
    x->listed = true;
    TAILQ_INSERT_TAIL(&l->todo, x, link);
    l->busy[x->req.class]++;
    loop_wake(l);
}

/* Caller holds net.lock. */
static struct loop *
least_busy(struct net *n, enum net_class c)
{
    struct loop *best = NULL, *l;
    unsigned i;

    for (i = 0; i < n->loops; i++) {
        l = &n->loop[i];
        if (l->busy[c] < l->cap[c] && (!best || l->busy[c] < best->busy[c]))
            best = l;
    }
    return best;
}

void
net_feed(struct net *n, struct loop *l, enum net_class c)
{
    struct exchange *x;
    int urgent;

    for (urgent = 1; urgent >= 0; urgent--)
        while (l->busy[c] < l->cap[c] &&
               (x = TAILQ_FIRST(&n->queue[c][urgent]))) {
            TAILQ_REMOVE(&n->queue[c][urgent], x, link);
            assign(l, x);
        }
}

unsigned
net_width(const struct net *n, enum net_class c)
{
    return n->width[c];
}

/* Caller holds net.lock. */
static void
cancel_exchange(struct net *n, struct exchange *x)
{
    if (x->cancel)
        return;
    x->cancel = true;
    if (x->state == EX_QUEUED) {
        /* It is answered by a loop thread, which must not wait for a free
         * place to do so. */
        TAILQ_REMOVE(&n->queue[x->req.class][x->req.urgent], x, link);
        assign(&n->loop[0], x);
    } else if (!x->listed) {
        x->listed = true;
        TAILQ_INSERT_TAIL(&x->loop->todo, x, link);
        loop_wake(x->loop);
    }
}

void
net_resume(struct net *n, uint64_t id)
{
    struct exchange *x;

    LOCK_SCOPE(&n->lock);
    x = (struct exchange *)idmap_get(&n->exchanges, id);
    if (!x || x->listed || !x->loop)
        return;
    x->listed = true;
    TAILQ_INSERT_TAIL(&x->loop->todo, x, link);
    loop_wake(x->loop);
}

uint64_t
net_submit(struct net *n, const struct net_request *req)
{
    struct exchange *x = exchange_new(req);
    uint64_t id = net_new_id(n);
    struct loop *l;

    x->node.id = id;
    LOCK_SCOPE(&n->lock);
    n->pending++;
    idmap_put(&n->exchanges, &x->node);
    l = least_busy(n, x->req.class);
    if (n->stopping) {
        x->cancel = true;
        l = &n->loop[0];
    }
    if (l) {
        assign(l, x);
    } else {
        x->listed = true;
        TAILQ_INSERT_TAIL(&n->queue[x->req.class][x->req.urgent], x, link);
    }
    return id;
}

void
net_cancel(struct net *n, uint64_t id)
{
    struct idnode *node;

    LOCK_SCOPE(&n->lock);
    node = idmap_get(&n->exchanges, id);
    if (node)
        cancel_exchange(n, (struct exchange *)node);
}

/* ----------------------------------------------------------------- end */

int
net_at_stop(struct net *n, void (*fn)(void *user), void *user)
{
    struct at_stop *s = malloc(sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->fn = fn;
    s->user = user;
    LOCK_SCOPE(&n->lock);
    SLIST_INSERT_HEAD(&n->at_stop, s, link);
    return 0;
}

void
net_at_stop_remove(struct net *n, void (*fn)(void *user), void *user)
{
    struct at_stop *s;

    LOCK_SCOPE(&n->lock);
    SLIST_FOREACH(s, &n->at_stop, link)
        if (s->fn == fn && s->user == user) {
            SLIST_REMOVE(&n->at_stop, s, at_stop, link);
            free(s);
            return;
        }
}

static void
call_at_stop(struct net *n)
{
    struct at_stop *s;

    for (;;) {
        pthread_mutex_lock(&n->lock);
        s = SLIST_FIRST(&n->at_stop);
        if (s)
            SLIST_REMOVE_HEAD(&n->at_stop, link);
        pthread_mutex_unlock(&n->lock);
        if (!s)
            return;
        s->fn(s->user);
        free(s);
    }
}

void
net_free(struct net *n)
{
    struct idnode *node;
    size_t i;

    if (!n)
        return;
    call_at_stop(n);
    pthread_mutex_lock(&n->lock);
    n->stopping = true;
    for (i = 0; i < IDMAP_BUCKETS; i++)
        for (node = n->exchanges.bucket[i]; node; node = node->next)
            cancel_exchange(n, (struct exchange *)node);
    for (i = 0; i < n->loops; i++)
        loop_wake(&n->loop[i]); /* all timers are due now */
    while (n->pending)
        pthread_cond_wait(&n->quiet, &n->lock);
    pthread_mutex_unlock(&n->lock);
    quit_threads(n);
    net_destroy(n);
}
