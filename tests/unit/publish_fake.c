/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The loops of the fake: a queue of operations, run in random order, and
 * what is shared by the store and the reader.
 */
#include "publish_fake.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/text.h"
#include "publish_fake_op.h"

struct fake fake;
struct s3 fake_s3 = {"http://fake"}, fake_s3_dest = {"http://fake"};

uint64_t
fake_random(uint64_t below)
{
    fake.random = fake.random * UINT64_C(6364136223846793005) + 1;
    return below ? (fake.random >> 33) % below : 0;
}

void
fake_start(uint64_t seed)
{
    memset(&fake, 0, sizeof(fake));
    pthread_mutex_init(&fake.lock, NULL);
    pthread_mutex_init(&fake.db_lock, NULL);
    pthread_cond_init(&fake.wake, NULL);
    fake.random = seed;
    fake.ops_end = &fake.ops;
    fake.works_end = &fake.works;
    sqlite3_open(":memory:", &fake.db);
}

void
fake_stop(void)
{
    struct fake_object *o;

    while ((o = fake.objects)) {
        fake.objects = o->next;
        free(o->data);
        free(o);
    }
    while (fake.open)
        fake_upload_drop(fake.open);
    sqlite3_close(fake.db);
}

/* ---------------------------------------------------------- operations */

struct op *
op_new(op_fn *run)
{
    struct op *op = calloc(1, sizeof(*op));

    op->run = run;
    return op;
}

uint64_t
op_queue(struct op *op)
{
    LOCK_SCOPE(&fake.lock);
    uint64_t id = ++fake.last_id;

    op->id = id;
    *fake.ops_end = op;
    fake.ops_end = &op->next;
    pthread_cond_broadcast(&fake.wake);
    return id;
}

static struct op *
op_take(struct op **head, struct op ***end, uint64_t n)
{
    struct op **at = head, *op;

    while (n-- > 0 && (*at)->next)
        at = &(*at)->next;
    op = *at;
    *at = op->next;
    if (!*at)
        *end = at;
    return op;
}

/* Lock held. */
static struct op *
op_pick(void)
{
    struct op *op;
    uint64_t n = 0;

    for (op = fake.ops; op; op = op->next)
        n++;
    if (fake.works && (n == 0 || fake_random(n + 1) == 0))
        return op_take(&fake.works, &fake.works_end, 0);
    return n ? op_take(&fake.ops, &fake.ops_end, fake_random(n)) : NULL;
}

void
op_again(struct op *op)
{
    op->again = true;
}

static void
op_run(struct op *op)
{
    op->run(op);
    if (op->again) {
        LOCK_SCOPE(&fake.lock);
        op->again = false;
        op->next = NULL;
        *fake.ops_end = op;
        fake.ops_end = &op->next;
        return;
    }
    free(op->upload_id);
    free(op->etag);
    free(op->if_match);
    free(op->parts);
    free(op);
}

void
fake_run(void)
{
    struct op *op;

    for (;;) {
        pthread_mutex_lock(&fake.lock);
        op = op_pick();
        pthread_mutex_unlock(&fake.lock);
        if (!op)
            return;
        op_run(op);
    }
}

/* Asks for an early end: true if the operation waits in the queue. */
bool
op_cancel(uint64_t id)
{
    LOCK_SCOPE(&fake.lock);
    struct op *op;

    for (op = fake.ops; op; op = op->next)
        if (op->id == id) {
            op->cancelled = true;
            return true;
        }
    return false;
}

bool
op_cancel_s3(struct s3 *s, uint64_t id)
{
    struct op *op;

    pthread_mutex_lock(&fake.lock);
    for (op = fake.ops; op && op->id != id; op = op->next)
        ;
    fake.strange_cancels += op && op->s3 != s;
    pthread_mutex_unlock(&fake.lock);
    return op_cancel(id);
}

/* The first does the works in order, the others the rest. */
static void *
thread_main(void *user)
{
    bool works = user == &fake;
    struct op *op;

    pthread_mutex_lock(&fake.lock);
    for (;;) {
        op = NULL;
        if (works && fake.works)
            op = op_take(&fake.works, &fake.works_end, 0);
        else if (!works && fake.ops)
            op = op_take(&fake.ops, &fake.ops_end, fake_random(4));
        if (op) {
            pthread_mutex_unlock(&fake.lock);
            op_run(op);
            pthread_mutex_lock(&fake.lock);
        } else if (fake.quit) {
            break;
        } else {
            pthread_cond_wait(&fake.wake, &fake.lock);
        }
    }
    pthread_mutex_unlock(&fake.lock);
    return NULL;
}

void
fake_threads_start(void)
{
    size_t i;

    for (i = 0; i < 4; i++)
        pthread_create(&fake.thread[i], NULL, thread_main,
                       i == 0 ? &fake : NULL);
}

void
fake_threads_stop(void)
{
    size_t i;

    pthread_mutex_lock(&fake.lock);
    fake.quit = true;
    pthread_cond_broadcast(&fake.wake);
    pthread_mutex_unlock(&fake.lock);
    for (i = 0; i < 4; i++)
        pthread_join(fake.thread[i], NULL);
}

/* ----------------------------------------------------------------- net */

bool
log_on(enum log_level level)
{
    return level <= LOG_INFO && getenv("FAKE_LOG");
}

void
log_line(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    if (!log_on(level))
        return;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

uint64_t
net_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
timer_run(struct op *op)
{
    op->plain(op->user);
}

uint64_t
net_timer(struct net *n, uint64_t delay_ms, void (*fn)(void *), void *user)
{
    struct op *op = op_new(timer_run);

    (void)n;
    (void)delay_ms;
    op->plain = fn;
    op->user = user;
    return op_queue(op);
}

bool
net_timer_cancel(struct net *n, uint64_t id)
{
    LOCK_SCOPE(&fake.lock);
    struct op **at, *op;

    (void)n;
    for (at = &fake.ops; (op = *at); at = &op->next)
        if (op->id == id) {
            *at = op->next;
            if (!*at)
                fake.ops_end = at;
            free(op);
            return true;
        }
    return false;
}

void
net_work(struct net *n, void (*fn)(void *), void *user)
{
    struct op *op = op_new(timer_run);
    LOCK_SCOPE(&fake.lock);

    (void)n;
    op->plain = fn;
    op->user = user;
    *fake.works_end = op;
    fake.works_end = &op->next;
    pthread_cond_broadcast(&fake.wake);
}

/* ------------------------------------------------------------- permits */

struct permit_wait {
    struct permit_wait *next;
    uint64_t id, n;
    void (*granted)(void *);
    void *user;
};
struct permits {
    pthread_mutex_t lock;
    uint64_t total, used, last_id;
    struct permit_wait *head, **end;
};

int
permits_new(struct permits **ret, uint64_t total)
{
    struct permits *p = calloc(1, sizeof(*p));

    pthread_mutex_init(&p->lock, NULL);
    p->total = total;
    p->end = &p->head;
    *ret = p;
    return 0;
}

void
permits_free(struct permits *p)
{
    free(p);
}

uint64_t
permits_total(const struct permits *p)
{
    return p->total;
}

uint64_t
permits_used(struct permits *p)
{
    LOCK_SCOPE(&p->lock);

    return p->used;
}

uint64_t
permits_take(struct permits *p, uint64_t n, void (*granted)(void *),
             void *user)
{
    LOCK_SCOPE(&p->lock);
    struct permit_wait *w;

    if (!p->head && p->used + n <= p->total) {
        p->used += n;
        return 0;
    }
    w = calloc(1, sizeof(*w));
    *w = (struct permit_wait){NULL, ++p->last_id, n, granted, user};
    *p->end = w;
    p->end = &w->next;
    return w->id;
}

void
permits_give(struct permits *p, uint64_t n)
{
    struct permit_wait *w;

    pthread_mutex_lock(&p->lock);
    p->used -= n;
    while ((w = p->head) && p->used + w->n <= p->total) {
        p->used += w->n;
        p->head = w->next;
        if (!p->head)
            p->end = &p->head;
        pthread_mutex_unlock(&p->lock);
        w->granted(w->user);
        free(w);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
}

bool
permits_cancel(struct permits *p, uint64_t id)
{
    LOCK_SCOPE(&p->lock);
    struct permit_wait **at, *w;

    for (at = &p->head; (w = *at); at = &w->next)
        if (w->id == id) {
            *at = w->next;
            if (!*at)
                p->end = at;
            free(w);
            return true;
        }
    return false;
}

/* --------------------------------------------------------------- state */

struct sqlite3 *
state_lock(struct state *st)
{
    (void)st;
    pthread_mutex_lock(&fake.db_lock);
    return fake.db;
}

void
state_unlock(struct state *st)
{
    (void)st;
    pthread_mutex_unlock(&fake.db_lock);
}

void
state_warn(struct state *st, const char *what, const char *why)
{
    (void)st;
    log_warn("state file: %s: %s", what, why);
}

int
fake_sql(const char *sql)
{
    sqlite3_stmt *s = NULL;
    int n = 0;

    pthread_mutex_lock(&fake.db_lock);
    if (sqlite3_prepare_v2(fake.db, sql, -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        n = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    pthread_mutex_unlock(&fake.db_lock);
    return n;
}

int
fake_journal_rows(void)
{
    return fake_sql("SELECT count(*) FROM publish_upload");
}

void
index_invalidate(struct index *ix, const char *prefix)
{
    LOCK_SCOPE(&fake.lock);

    (void)ix;
    strncat(fake.invalidated, prefix,
            sizeof(fake.invalidated) - strlen(fake.invalidated) - 1);
    strncat(fake.invalidated, ",",
            sizeof(fake.invalidated) - strlen(fake.invalidated) - 1);
}
