/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the fake has of net, index and the state file: a clock, timers that
 * are due at once, one worker, permits, a log, and a database in memory for
 * each host.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crc/crc.h"
#include "fake_store_op.h"

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
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 +
           atomic_load(&fake.skipped_ms);
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

/* The file is memory, which a kill can copy; the locks of its rows are in a
 * folder. */
static char folder[FAKE_HOSTS][32];

static int
open_folder(char *name)
{
    strcpy(name, "/tmp/s3zipfs-test-XXXXXX");
    return mkdtemp(name) ? open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static struct sqlite3 *
open_memory(void)
{
    struct sqlite3 *db;

    if (sqlite3_open(":memory:", &db) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL) !=
            SQLITE_OK)
        abort();
    return db;
}

void
fake_states_open(void)
{
    size_t i;

    for (i = 0; i < FAKE_HOSTS; i++) {
        struct state *st = &fake.state[i];

        pthread_mutex_init(&st->lock, NULL);
        st->db = open_memory();
        st->dir = open_folder(folder[i]);
        if (st->dir < 0 || state_make_schema(st->db) != SQLITE_OK)
            abort();
    }
}

void
fake_states_close(void)
{
    size_t i;

    for (i = 0; i < FAKE_HOSTS; i++) {
        sqlite3_close(fake.state[i].db);
        unlinkat(fake.state[i].dir, "uploads.lock", 0);
        close(fake.state[i].dir);
        rmdir(folder[i]);
    }
}

/* Between two transactions: within one SQLite copies nothing. */
struct sqlite3 *
fake_db_copy(struct state *st)
{
    LOCK_SCOPE(&st->lock);
    struct sqlite3 *to = open_memory();
    sqlite3_backup *b;

    b = sqlite3_backup_init(to, "main", st->db, "main");
    if (sqlite3_backup_step(b, -1) != SQLITE_DONE ||
        sqlite3_backup_finish(b) != SQLITE_OK)
        abort();
    return to;
}

int
fake_sql_of(struct state *st, const char *sql)
{
    sqlite3_stmt *s = NULL;
    int n = 0;

    pthread_mutex_lock(&st->lock);
    if (sqlite3_prepare_v2(st->db, sql, -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        n = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    pthread_mutex_unlock(&st->lock);
    return n;
}

int
fake_sql(const char *sql)
{
    return fake_sql_of(&fake.state[0], sql);
}

int
fake_sql_all(const char *sql)
{
    size_t i;
    int n = 0;

    for (i = 0; i < FAKE_HOSTS; i++)
        n += fake_sql_of(&fake.state[i], sql);
    return n;
}
