/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The loops of the fake: a queue of operations, run in random order, by the
 * test's own thread or by several.
 */

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake_store_op.h"

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
    pthread_cond_init(&fake.wake, NULL);
    fake.random = seed;
    fake.ops_end = &fake.ops;
    fake.works_end = &fake.works;
    fake_states_open();
}

void
fake_stop(void)
{
    fake_store_free();
    fake_states_close();
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
    op->next = fake.taken;
    fake.taken = op;
    return op;
}

/* Lock held. */
static void
op_leave(struct op *op)
{
    struct op **at;

    for (at = &fake.taken; *at != op; at = &(*at)->next)
        ;
    *at = op->next;
    op->next = NULL;
}

/* Lock held. */
static struct op *
op_pick(void)
{
    struct op *op;
    uint64_t n = 0;

    for (op = fake.ops; op; op = op->next)
        n++;
    if (fake.works &&
        (n == 0 || (!fake.slow_worker && fake_random(n + 1) == 0)))
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
    bool again;

    op->run(op);
    pthread_mutex_lock(&fake.lock);
    op_leave(op);
    again = op->again;
    op->again = false;
    fake.in_vain = again ? fake.in_vain + 1 : 0;
    if (again) {
        *fake.ops_end = op;
        fake.ops_end = &op->next;
    }
    pthread_mutex_unlock(&fake.lock);
    if (again)
        return;
    free(op->upload_id);
    free(op->etag);
    free(op->if_match);
    free(op->version);
    free(op->parts);
    free(op);
}

static bool
run_one(void)
{
    struct op *op;

    /* Others may come first. */
    if (fake.busy && fake_random(2))
        sched_yield();
    pthread_mutex_lock(&fake.lock);
    op = op_pick();
    pthread_mutex_unlock(&fake.lock);
    if (op)
        op_run(op);
    return op != NULL;
}

/* Threads wait for answers, and ask for more: until they do.  False: there
 * are none. */
static bool
wait_for_ops(void)
{
    struct timespec t;
    LOCK_SCOPE(&fake.lock);

    if (!fake.busy || !fake.busy())
        return false;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 500000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    if (!fake.ops && !fake.works)
        pthread_cond_timedwait(&fake.wake, &fake.lock, &t);
    return true;
}

/* True if one was run.  A call that hangs is asked again and again: when
 * there is nothing else, time passes. */
static bool
run_next(void)
{
    bool ran = run_one();

    if (!ran || !fake.passed || fake.in_vain < 200)
        return ran;
    fake.in_vain = 0;
    fake.passed();
    return true;
}

void
fake_run(void)
{
    while (run_next() || wait_for_ops())
        ;
}

void
fake_run_some(unsigned n)
{
    while (n > 0) {
        if (run_next())
            n--;
        else if (!wait_for_ops())
            return;
    }
}

bool
fake_idle(void)
{
    return !(fake.busy && fake.busy()) && !fake.ops && !fake.works;
}

void
fake_clock_skip(uint64_t ms)
{
    atomic_fetch_add(&fake.skipped_ms, ms);
}

/* Lock held. */
static struct op *
op_find(struct op *op, uint64_t id)
{
    while (op && op->id != id)
        op = op->next;
    return op;
}

/* Asks for an early end: true if the operation waits in the queue.  One that
 * is being run may come again, and know of it then. */
bool
op_cancel(uint64_t id)
{
    LOCK_SCOPE(&fake.lock);
    struct op *waits = op_find(fake.ops, id), *runs = op_find(fake.taken, id);

    if (waits)
        waits->cancelled = true;
    if (runs)
        runs->cancelled = true;
    return waits != NULL;
}

bool
op_cancelled(const struct op *op)
{
    LOCK_SCOPE(&fake.lock);

    return op->cancelled;
}

bool
op_cancel_s3(struct s3 *s, uint64_t id)
{
    struct op *op;

    pthread_mutex_lock(&fake.lock);
    op = op_find(fake.ops, id);
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
