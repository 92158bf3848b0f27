/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The ladder: which rung to begin with, HEAD, GetObjectAttributes, and
 * what follows from each answer.  Slots bound how many climb at a time.
 * Must not know how values are kept.
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

/* What the listing said decides where to begin (s3-facts.md). */
static bool
try_head(const struct zip_member *m)
{
    return m->hint == ZIP_HINT_CRC32_FULL || m->hint == ZIP_HINT_UNKNOWN;
}

static bool
try_attributes(struct crc *c, const struct zip_member *m)
{
    return m->hint == ZIP_HINT_CRC32_PARTS &&
           !atomic_load(&c->no_attributes);
}

bool
ladder_has_cheap(struct crc_set *s, size_t member)
{
    const struct zip_member *m = set_member(s, member);

    if (s->crc->mode == CONF_CRC_READ || bit_get(s->no_cheap, member))
        return false;
    return try_head(m) || try_attributes(s->crc, m);
}

/* --------------------------------------------------------------- slots */

/* With crc->lock. */
static struct climb *
next_climb(struct crc *c)
{
    struct climb *x = NULL;

    if (c->cheap_running < CRC_CHEAP_SLOTS &&
        (x = TAILQ_FIRST(&c->cheap_queue))) {
        TAILQ_REMOVE(&c->cheap_queue, x, link);
        c->cheap_running++;
    } else if (c->read_running < CRC_READ_SLOTS &&
               (x = TAILQ_FIRST(&c->read_queue))) {
        TAILQ_REMOVE(&c->read_queue, x, link);
        c->read_running++;
    }
    if (x)
        x->queued = false;
    return x;
}

static void
enqueue(struct climb *c)
{
    struct crc *crc = c->set->crc;
    LOCK_SCOPE(&crc->lock);

    c->queued = true;
    if (c->rung == RUNG_READ)
        TAILQ_INSERT_TAIL(&crc->read_queue, c, link);
    else
        TAILQ_INSERT_TAIL(&crc->cheap_queue, c, link);
}

static void
give_slot(struct climb *c, enum climb_rung rung)
{
    struct crc *crc = c->set->crc;
    LOCK_SCOPE(&crc->lock);

    if (rung == RUNG_READ)
        crc->read_running--;
    else
        crc->cheap_running--;
}

void
ladder_start(struct climb *c)
{
    c->rung = ladder_has_cheap(c->set, c->member) ? RUNG_CHEAP : RUNG_READ;
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

/* Rungs 1 and 2 do not know it: read, if somebody wants that. */
static void
cheap_end(struct climb *c)
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
        c->rung = RUNG_READ;
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
    dequeued = c->queued;
    if (dequeued) {
        if (reads)
            TAILQ_REMOVE(&crc->read_queue, c, link);
        else
            TAILQ_REMOVE(&crc->cheap_queue, c, link);
        c->queued = false;
    }
    pthread_mutex_unlock(&crc->lock);
    pthread_mutex_unlock(&c->set->lock);
    if (dequeued)
        climb_unref(c);
    else if (reads)
        rung_read_cancel(c);
    /* A HEAD on its way is nearly there, and its value is worth having. */
}

/* ---------------------------------------------- rung 2: the parts' CRCs */

static int
fold_parts(const struct zip_member *m, const struct s3_attrs *a,
           uint32_t *ret)
{
    uint64_t sum = 0;
    uint32_t crc = 0;
    size_t i;

    if (!a->count || a->size != m->size)
        return -ENODATA;
    if (m->etag_len && a->etag && *a->etag && strcmp(a->etag, m->etag))
        return -ESTALE;
    for (i = 0; i < a->count; i++) {
        if (!a->part[i].have_crc32 ||
            !add_u64(sum, a->part[i].size, &sum))
            return -ENODATA;
        crc = crc_join(crc, a->part[i].crc32, a->part[i].size);
    }
    if (sum != m->size)
        return -ENODATA;
    *ret = crc;
    return 0;
}

/* No permission or no such call: do not ask this store again. */
static void
learn_attributes(struct crc *c, const struct s3_error *e)
{
    if (e->http != 403 && e->http != 405 && e->http != 501)
        return;
    if (!atomic_exchange(&c->no_attributes, true))
        log_info("GetObjectAttributes: %d %s: not used from now on",
                 e->http, e->code);
}

static void
on_attributes(void *user, const struct s3_error *e, const struct s3_attrs *a)
{
    struct climb *c = user;
    struct crc_set *s = c->set;
    uint32_t v;

    if (e->err == -ECANCELED) {
        struct err words = {0};
        int r = ladder_error(s, c->member, "GetObjectAttributes", e, &words);

        ladder_finish(c, r, 0, &words);
        return;
    }
    if (e->err < 0)
        learn_attributes(s->crc, e);
    /* Whatever went wrong, a GET will tell it under If-Match. */
    if (e->err < 0 || fold_parts(set_member(s, c->member), a, &v) < 0) {
        cheap_end(c);
        return;
    }
    atomic_fetch_add(&s->crc->from_attributes, 1);
    ladder_finish(c, 0, v, NULL);
}

static void
rung_attributes(struct climb *c)
{
    struct crc_set *s = c->set;
    const struct zip_member *m = set_member(s, c->member);
    struct s3_where at = {s->layout->bucket, m->key, m->key_len, false};

    s3_attributes(s->crc->s3, &at, on_attributes, c);
}

/* -------------------------------------------------------- rung 1: HEAD */

static void
on_stale(struct climb *c)
{
    struct s3_error e = {.err = -ESTALE};
    struct err words = {0};
    int r;

    snprintf(e.message, sizeof(e.message), "not the object that was listed");
    r = ladder_error(c->set, c->member, "HEAD", &e, &words);
    ladder_finish(c, r, 0, &words);
}

static void
on_head(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct climb *c = user;
    struct crc_set *s = c->set;
    struct err words = {0};
    int r;

    /* A refused HEAD has no body that says why; the GET of rung 4 has. */
    if (e->err == -EACCES || e->http == 405 || e->http == 501) {
        cheap_end(c);
    } else if (e->err < 0) {
        r = ladder_error(s, c->member, "HEAD", e, &words);
        ladder_finish(c, r, 0, &words);
    } else if (ladder_differs(set_member(s, c->member), o)) {
        on_stale(c);
    } else if (o->have_crc32) {
        atomic_fetch_add(&s->crc->from_head, 1);
        ladder_finish(c, 0, o->crc32, NULL);
    } else if (o->checksum_crc32 && *o->checksum_crc32 &&
               !atomic_load(&s->crc->no_attributes)) {
        rung_attributes(c); /* COMPOSITE */
    } else {
        cheap_end(c);
    }
}

static void
rung_cheap(struct climb *c)
{
    struct crc_set *s = c->set;
    const struct zip_member *m = set_member(s, c->member);
    struct s3_head_args args = {
        .at = {s->layout->bucket, m->key, m->key_len, false},
        .etag = m->etag,
        .checksum = true,
    };

    if (!try_head(m))
        rung_attributes(c);
    else
        s3_head(s->crc->s3, &args, on_head, c);
}

/* Answers may come before a call returns, and wake the pump again: one
 * thread at a time pumps, the others leave it a note. */
void
ladder_pump(struct crc *c)
{
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
            else
                rung_cheap(x);
            pthread_mutex_lock(&c->lock);
        }
        c->pumping = false;
    }
    pthread_mutex_unlock(&c->lock);
}
