/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The oracle: whether it may be asked, who has which part of its upload,
 * and when an upload ends.  Must not know what a part is copied from.
 *
 * An upload takes parts of many members until its numbers are used up or
 * nobody used it for a while; then it is aborted, never completed.
 */
#include "crc/impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Cheaper than a GET outside the store's region above about that. */
#define ORACLE_LEAST KIB(64)

void
oracle_init(struct crc *c)
{
    pthread_condattr_t a;

    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_cond_init(&c->oracle.ended, &a);
    pthread_condattr_destroy(&a);
    TAILQ_INIT(&c->oracle.all);
    TAILQ_INIT(&c->oracle_queue);
    c->oracle.state = ORACLE_OFF;
}

void
oracle_free(struct crc *c)
{
    pthread_cond_destroy(&c->oracle.ended);
    free(c->oracle.bucket);
    free(c->oracle.scratch);
}

/* In auto an upload is made only if its trace would be found later, and
 * only where a reader in the store's region gains from it. */
int
crc_allow_oracle(struct crc *c, const struct crc_oracle_conf *conf)
{
    struct oracle *o = &c->oracle;

    if (c->mode == CONF_CRC_READ)
        return 0;
    if (c->mode == CONF_CRC_AUTO &&
        (!conf->may_write || !state_has_file(c->state)))
        return 0;
    o->bucket = strdup(conf->bucket);
    o->scratch = strdup(conf->scratch);
    if (!o->bucket || !o->scratch)
        return -ENOMEM;
    o->min_size = c->mode == CONF_CRC_AUTO ? CRC_RANGE : ORACLE_LEAST;
    pthread_mutex_lock(&c->lock);
    o->state = ORACLE_NEW;
    o->sweeping++;
    pthread_mutex_unlock(&c->lock);
    net_work(c->net, oracle_sweep, crc_ref(c));
    return 0;
}

bool
oracle_is_open(struct crc *c)
{
    struct oracle *o = &c->oracle;

    return o->state != ORACLE_OFF && !c->closed &&
           (o->pause_ms == 0 || net_now_ms() >= o->pause_ms);
}

static bool
wants(struct crc_set *s, size_t member, uint64_t least)
{
    const struct zip_member *m = set_member(s, member);
    struct crc *c = s->crc;
    LOCK_SCOPE(&c->lock);

    return oracle_is_open(c) && m->etag_len && m->size >= least &&
           strcmp(s->layout->bucket, c->oracle.bucket) == 0;
}

bool
oracle_wants(struct crc_set *s, size_t member)
{
    return wants(s, member,
                 bit_get(s->copies, member) ? ORACLE_UNREAD
                                            : s->crc->oracle.min_size + 1);
}

/* ------------------------------------------------------------- refusals */

void
oracle_refuse(struct crc *c, const char *why)
{
    struct oracle *o = &c->oracle;
    bool first;

    pthread_mutex_lock(&c->lock);
    first = o->state != ORACLE_OFF;
    if (o->now)
        oracle_retire(o->now);
    o->state = ORACLE_OFF;
    pthread_mutex_unlock(&c->lock);
    if (first)
        log_line(c->mode == CONF_CRC_ORACLE ? LOG_WARN : LOG_INFO,
                 "crc: this store is not asked for CRCs by copies from now "
                 "on: %s",
                 why);
}

/* One object's own trouble, not the store's: an archived source. */
static bool
is_of_source(const struct s3_error *e)
{
    return strcmp(e->code, "ObjectNotInActiveTierError") == 0 ||
           strcmp(e->code, "InvalidObjectState") == 0;
}

void
oracle_learn(struct crc *c, const struct s3_error *e)
{
    char why[160];

    if (is_of_source(e))
        return;
    if (e->http == 400 || e->http == 403 || e->http == 405 || e->http == 501) {
        snprintf(why, sizeof(why), "%d %s", e->http, e->code);
        oracle_refuse(c, why);
        return;
    }
    pthread_mutex_lock(&c->lock);
    c->oracle.pause_ms = net_now_ms() + CRC_ORACLE_PAUSE_MS;
    if (c->oracle.now) /* it may be what is wrong: NoSuchUpload */
        oracle_retire(c->oracle.now);
    pthread_mutex_unlock(&c->lock);
}

/* ------------------------------------------------------------- uploads */

struct s3_where
oracle_where(const struct oracle_upload *u)
{
    return (struct s3_where){u->crc->oracle.bucket, u->key, strlen(u->key),
                             false};
}

static void
remove_upload(void *user)
{
    struct oracle_upload *u = user;
    struct crc *c = u->crc;

    /* A row that stays is found at the next start. */
    oracle_journal_end(c, &u->row, !u->kept);
    pthread_mutex_lock(&c->lock);
    TAILQ_REMOVE(&c->oracle.all, u, link);
    pthread_cond_broadcast(&c->oracle.ended);
    pthread_mutex_unlock(&c->lock);
    free(u->id);
    free(u);
    crc_unref(c);
}

static void
on_cleaned(void *user, bool ok)
{
    struct oracle_upload *u = user;

    if (!ok)
        log_warn("crc: an upload at %s could not be aborted", u->key);
    u->kept = !ok;
    net_work(u->crc->net, remove_upload, u);
}

static void
end_upload(void *user)
{
    struct oracle_upload *u = user;
    struct oracle_left left = {u->crc->oracle.bucket, u->key, u->id, 0};

    oracle_clean(u->crc, &left, u->look, on_cleaned, u);
}

void
oracle_retire(struct oracle_upload *u)
{
    struct oracle *o = &u->crc->oracle;

    if (o->now == u) {
        o->now = NULL;
        o->state = ORACLE_NEW;
    }
    if (u->retired)
        return;
    u->retired = true;
    if (u->users == 0) /* without the lock */
        net_timer(u->crc->net, 0, end_upload, u);
}

/* ---------------------------------------------------------------- idle */

static void on_idle(void *user);

/* With crc->lock. */
static void
watch_idle(struct crc *c)
{
    struct oracle *o = &c->oracle;

    if (o->idle_timer || c->closed)
        return;
    o->idle_timer = true;
    o->idle_uses = o->uses;
    net_timer(c->net, CRC_ORACLE_IDLE_MS, on_idle, crc_ref(c));
}

static void
on_idle(void *user)
{
    struct crc *c = user;
    struct oracle *o = &c->oracle;

    pthread_mutex_lock(&c->lock);
    o->idle_timer = false;
    if (o->now && o->now->users == 0) {
        if (o->uses == o->idle_uses)
            oracle_retire(o->now);
        else
            watch_idle(c);
    }
    pthread_mutex_unlock(&c->lock);
    crc_unref(c);
}

/* --------------------------------------------------------------- askers */

void
oracle_assign(struct oracle_asker *a, struct oracle_upload *u)
{
    a->leads = false;
    a->upload = u;
    a->first_part = u->next;
    u->next += a->parts;
    u->users++;
    u->crc->oracle.uses++;
}

bool
oracle_admit(struct crc *c, struct oracle_asker *a)
{
    struct oracle *o = &c->oracle;
    uint8_t weight = (uint8_t)min_u64(a->parts, CRC_RANGES);

    a->upload = NULL;
    a->leads = false;
    a->weight = 0;
    if (!oracle_is_open(c))
        return true;
    if (o->state == ORACLE_BUSY || c->copies_running + weight > CRC_COPIES)
        return false;
    if (o->now && (o->now->next + a->parts - 1 > S3_PARTS_MAX ||
                   (a->ranged && !o->proved_range)))
        oracle_retire(o->now);
    if (o->now) {
        oracle_assign(a, o->now);
    } else {
        o->state = ORACLE_BUSY;
        a->leads = true;
    }
    a->weight = weight;
    c->copies_running += weight;
    return true;
}

void
oracle_give(struct oracle_asker *a)
{
    struct oracle_upload *u = a->upload;
    struct crc *crc = u->crc;
    LOCK_SCOPE(&crc->lock);

    a->upload = NULL;
    if (--u->users > 0)
        return;
    if (u->retired)
        net_timer(crc->net, 0, end_upload, u);
    else
        watch_idle(crc);
}

/* ------------------------------------------------------------------ end */

uint64_t
oracle_call_begin(struct crc *c)
{
    struct oracle *o = &c->oracle;
    int i;
    LOCK_SCOPE(&c->lock);

    for (i = 0; i < ORACLE_NOTES; i++)
        if (o->call[i].note == 0) {
            o->call[i].id = 0;
            return o->call[i].note = ++o->notes;
        }
    return 0;
}

void
oracle_call_id(struct crc *c, uint64_t note, s3_id id)
{
    bool cancel = false;
    int i;

    pthread_mutex_lock(&c->lock);
    for (i = 0; note && i < ORACLE_NOTES; i++)
        if (c->oracle.call[i].note == note) {
            c->oracle.call[i].id = id;
            cancel = c->closed;
        }
    pthread_mutex_unlock(&c->lock);
    if (cancel)
        s3_cancel(c->s3, id);
}

void
oracle_call_end(struct crc *c, uint64_t note)
{
    int i;
    LOCK_SCOPE(&c->lock);

    for (i = 0; note && i < ORACLE_NOTES; i++)
        if (c->oracle.call[i].note == note)
            c->oracle.call[i].note = 0;
}

void
oracle_cancel(struct crc *c)
{
    s3_id id[ORACLE_NOTES];
    int i, n = 0;

    pthread_mutex_lock(&c->lock);
    for (i = 0; i < ORACLE_NOTES; i++)
        if (c->oracle.call[i].note && c->oracle.call[i].id)
            id[n++] = c->oracle.call[i].id;
    pthread_mutex_unlock(&c->lock);
    while (n-- > 0)
        s3_cancel(c->s3, id[n]);
}

void
oracle_close(struct crc *c)
{
    struct oracle *o = &c->oracle;
    struct timespec until;

    oracle_cancel(c);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CRC_ORACLE_CLOSE_MS / 1000;
    pthread_mutex_lock(&c->lock);
    if (o->now)
        oracle_retire(o->now);
    while (!TAILQ_EMPTY(&o->all) || o->sweeping || o->state == ORACLE_BUSY)
        if (pthread_cond_timedwait(&o->ended, &c->lock, &until))
            break;
    pthread_mutex_unlock(&c->lock);
}
