/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The ladder: which rung to begin with, which one is next, and slots that
 * bound how many climb at a time.  Must not know how values are kept.
 */
#include "crc/impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool
ladder_differs(const struct zip_member *m, const struct s3_object *o)
{
    if (o->size != m->size)
        return true;
    /* A store that ignores If-Match still says what it sent. */
    return m->etag_len && o->etag && *o->etag && strcmp(o->etag, m->etag);
}

int
ladder_error(struct crc_set *s, size_t member, const char *op,
             const struct s3_error *e, struct err *ret)
{
    const struct zip_member *m = set_member(s, member);
    int r = s3_error_text(e, op, s->layout->bucket, m->key, m->key_len, ret);

    if (r == -ENOENT) { /* listed, so it was there */
        ret->num = ESTALE;
        r = -ESTALE;
    }
    if (r == -ESTALE)
        layout_set_stale(s->layout, member);
    return r;
}

/* --------------------------------------------------------------- slots */

/* With crc->lock. */
static struct climb *
next_climb(struct crc *c)
{
    struct climb *x;

    if (c->cheap_running < CRC_CHEAP_SLOTS &&
        (x = TAILQ_FIRST(&c->cheap_queue)))
        c->cheap_running++;
    else if (!(x = TAILQ_FIRST(&c->oracle_queue)) || !oracle_admit(c, &x->ask))
        x = NULL;
    if (!x && c->read_running < CRC_READ_SLOTS &&
        (x = TAILQ_FIRST(&c->read_queue)))
        c->read_running++;
    if (!x)
        return NULL;
    TAILQ_REMOVE(x->queue, x, link);
    x->queue = NULL;
    return x;
}

static struct climbs *
queue_of(struct climb *c)
{
    struct crc *crc = c->set->crc;

    return c->rung == RUNG_CHEAP    ? &crc->cheap_queue
           : c->rung == RUNG_ORACLE ? &crc->oracle_queue
                                    : &crc->read_queue;
}

/* With set->lock. */
static void
enqueue(struct climb *c)
{
    struct crc *crc = c->set->crc;
    LOCK_SCOPE(&crc->lock);

    if (c->rung == RUNG_ORACLE)
        rung_oracle_ask(c);
    c->queue = queue_of(c);
    TAILQ_INSERT_TAIL(c->queue, c, link);
}

static void
give_slot(struct climb *c, enum climb_rung rung)
{
    struct crc *crc = c->set->crc;
    LOCK_SCOPE(&crc->lock);

    if (rung == RUNG_READ)
        crc->read_running--;
    else if (rung == RUNG_ORACLE)
        crc->copies_running -= c->ask.weight;
    else
        crc->cheap_running--;
}

static enum climb_rung
after_cheap(struct climb *c)
{
    return oracle_wants(c->set, c->member) ? RUNG_ORACLE : RUNG_READ;
}

void
ladder_start(struct climb *c)
{
    c->rung =
        ladder_has_cheap(c->set, c->member) ? RUNG_CHEAP : after_cheap(c);
    enqueue(c);
}

/* ------------------------------------------------------- ends of a climb */

/* Answers and gives the slot and the reference that came with it back. */
void
ladder_finish(struct climb *c, int r, uint32_t v, const struct err *e)
{
    struct crc_set *s = c->set;
    struct crc *crc = crc_ref(s->crc);
    struct crc_waiters w;
    bool was_gone;

    pthread_mutex_lock(&s->lock);
    if (r == 0 && !bit_get(s->known, c->member))
        set_store(s, c->member, v, true);
    was_gone = c->gone;
    set_remove_climb(c, &w);
    pthread_mutex_unlock(&s->lock);
    crc_waiters_answer(&w, r, v, e);
    give_slot(c, c->rung);
    if (!was_gone)
        climb_unref(c); /* the table's */
    climb_unref(c);
    ladder_pump(crc);
    crc_unref(crc);
}

/* With set->lock: those for whom the cheap rungs were all. */
static void
take_cheap(struct climb *c, struct crc_waiters *ret)
{
    struct crc_waiters keep = STAILQ_HEAD_INITIALIZER(keep);
    struct crc_waiter *w;

    STAILQ_INIT(ret);
    while ((w = STAILQ_FIRST(&c->waiters))) {
        STAILQ_REMOVE_HEAD(&c->waiters, link);
        if (w->cheap)
            STAILQ_INSERT_TAIL(ret, w, link);
        else
            STAILQ_INSERT_TAIL(&keep, w, link);
    }
    STAILQ_CONCAT(&c->waiters, &keep);
}

void
ladder_fall(struct climb *c)
{
    struct crc_set *s = c->set;
    struct crc *crc = crc_ref(s->crc);
    struct err e = {0};
    bool go_on;

    pthread_mutex_lock(&s->lock);
    go_on = !c->gone;
    if (go_on) {
        give_slot(c, RUNG_ORACLE);
        c->rung = RUNG_READ;
        enqueue(c);
    }
    pthread_mutex_unlock(&s->lock);
    if (go_on)
        ladder_pump(crc);
    else
        ladder_finish(c, -ECANCELED, 0, &e);
    crc_unref(crc);
}

void
ladder_cheap_end(struct climb *c)
{
    struct crc_set *s = c->set;
    struct crc *crc = crc_ref(s->crc);
    struct crc_waiters w, none;
    struct err e = {0};
    bool go_on, drop;

    bit_set(s->no_cheap, c->member);
    pthread_mutex_lock(&s->lock);
    take_cheap(c, &w);
    go_on = !c->gone && !STAILQ_EMPTY(&c->waiters);
    if (go_on) {
        give_slot(c, RUNG_CHEAP);
        c->rung = after_cheap(c);
        enqueue(c); /* the slot's reference goes with it */
    }
    drop = !go_on && !c->gone;
    if (drop)
        set_remove_climb(c, &none); /* nobody is to join it now */
    pthread_mutex_unlock(&s->lock);
    err_set(&e, ENODATA, "no CRC-32 is stored");
    crc_waiters_answer(&w, -ENODATA, 0, &e);
    if (drop)
        climb_unref(c);
    if (go_on)
        ladder_pump(crc);
    else
        ladder_finish(c, -ENODATA, 0, &e);
    crc_unref(crc);
}

void
ladder_cancel(struct climb *c)
{
    struct crc *crc = c->set->crc;
    bool dequeued, reads;

    pthread_mutex_lock(&c->set->lock);
    reads = c->rung == RUNG_READ;
    pthread_mutex_lock(&crc->lock);
    dequeued = c->queue != NULL;
    if (dequeued)
        TAILQ_REMOVE(c->queue, c, link);
    c->queue = NULL;
    pthread_mutex_unlock(&crc->lock);
    pthread_mutex_unlock(&c->set->lock);
    if (dequeued)
        climb_unref(c);
    else if (reads)
        ranges_cancel(c);
    /* A HEAD or a copy goes on: its value is worth having, and a copy that
     * nobody hears of would be made all the same. */
}

/* ---------------------------------------------------------------- pump */

/* Answers may come before a call returns, and wake the pump again: one
 * thread at a time pumps, the others leave it a note. */
void
ladder_pump(struct crc *c)
{
    struct copied *q;
    struct climb *x;

    pthread_mutex_lock(&c->lock);
    c->pump_again = true;
    while (c->pump_again && !c->pumping) {
        c->pump_again = false;
        c->pumping = true;
        while ((x = next_climb(c))) {
            pthread_mutex_unlock(&c->lock);
            if (x->rung == RUNG_READ)
                rung_read(x);
            else if (x->rung == RUNG_ORACLE)
                rung_oracle(x);
            else
                rung_cheap(x);
            pthread_mutex_lock(&c->lock);
        }
        while ((q = copied_next(c))) {
            pthread_mutex_unlock(&c->lock);
            q->ask.go(&q->ask);
            pthread_mutex_lock(&c->lock);
        }
        c->pumping = false;
    }
    pthread_mutex_unlock(&c->lock);
}
