/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Ranges of any object, by the oracle's copies: what a climb does for a
 * member, without a layout, a value to keep, or a rung to fall to.  Must
 * not know what the range holds.
 */
#include "crc/impl.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "s3/multipart.h"

static void
answer(struct copied *q, int r, uint32_t v)
{
    struct crc *c = q->ask.crc;

    if (q->ask.upload)
        oracle_give(&q->ask);
    pthread_mutex_lock(&c->lock);
    c->copies_running -= q->ask.weight;
    pthread_mutex_unlock(&c->lock);
    q->cb(q->user, r, v);
    free(q->bucket);
    free(q->key);
    free(q->etag);
    free(q);
    ladder_pump(c);
    crc_unref(c);
}

static void
on_copy(void *user, const struct s3_error *e, const struct s3_part *p)
{
    struct copied *q = user;
    int r = e->err;

    oracle_call_end(q->ask.crc, q->note);
    if (r < 0 && r != -ESTALE && r != -ECANCELED) {
        oracle_learn(q->ask.crc, e);
        r = -ENODATA;
    } else if (r == 0 && !p->have_crc32) {
        r = -ENODATA;
    }
    answer(q, r, r == 0 ? p->crc32 : 0);
}

static void
copy(struct copied *q)
{
    struct crc *c = q->ask.crc;
    const struct oracle_upload *u = q->ask.upload;
    struct s3_copy_args args = {
        .at = oracle_where(u),
        .upload_id = u->id,
        .number = q->ask.first_part,
        .source = q->ask.source,
        .source_etag = q->ask.etag,
        .first = q->first,
        .length = q->length,
        .source_size = q->ask.size,
    };
    uint64_t note = q->note = oracle_call_begin(c);

    oracle_call_id(c, note, s3_upload_copy(c->s3, &args, on_copy, q));
}

static void
go(struct oracle_asker *a)
{
    struct copied *q =
        (struct copied *)((char *)a - offsetof(struct copied, ask));

    if (a->leads)
        oracle_start(a);
    else if (a->upload)
        copy(q);
    else
        answer(q, -ENODATA, 0);
}

struct copied *
copied_next(struct crc *c)
{
    struct copied *q = TAILQ_FIRST(&c->copied_queue);

    if (!q || !oracle_admit(c, &q->ask))
        return NULL;
    TAILQ_REMOVE(&c->copied_queue, q, link);
    return q;
}

bool
crc_can_copy(struct crc *c, const char *bucket, uint64_t bytes)
{
    LOCK_SCOPE(&c->lock);

    return oracle_is_open(c) && bytes > c->oracle.min_size &&
           bytes > CRC_WHOLE_MOST &&
           strcmp(bucket, c->oracle.bucket) == 0;
}

static struct copied *
copied_new(struct crc *c, const struct crc_copied_args *a)
{
    struct copied *q = calloc(1, sizeof(*q));

    if (!q)
        return NULL;
    q->bucket = strdup(a->source.bucket);
    q->key = strndup(a->source.key, a->source.key_len);
    q->etag = strdup(a->etag);
    if (!q->bucket || !q->key || !q->etag) {
        free(q->bucket);
        free(q->key);
        free(q->etag);
        free(q);
        return NULL;
    }
    q->first = a->first;
    q->length = a->length;
    q->ask = (struct oracle_asker){
        .crc = crc_ref(c),
        .source = {q->bucket, q->key, strlen(q->key), a->source.dest},
        .etag = q->etag,
        .size = a->size,
        .parts = 1,
        .ranged = true,
        .go = go,
    };
    return q;
}

void
crc_copied(struct crc *c, const struct crc_copied_args *a, crc_copied_cb *cb,
           void *user)
{
    struct copied *q = copied_new(c, a);

    if (!q) {
        cb(user, -ENODATA, 0);
        return;
    }
    q->cb = cb;
    q->user = user;
    pthread_mutex_lock(&c->lock);
    TAILQ_INSERT_TAIL(&c->copied_queue, q, link);
    pthread_mutex_unlock(&c->lock);
    ladder_pump(c);
}

/* The queue first: the end of a call lets the next one go. */
void
crc_copied_cancel(struct crc *c)
{
    struct copieds all = TAILQ_HEAD_INITIALIZER(all);
    struct copied *q;

    pthread_mutex_lock(&c->lock);
    TAILQ_CONCAT(&all, &c->copied_queue, link);
    pthread_mutex_unlock(&c->lock);
    while ((q = TAILQ_FIRST(&all))) {
        TAILQ_REMOVE(&all, q, link);
        answer(q, -ECANCELED, 0);
    }
    oracle_cancel(c);
}

void
crc_distrust(struct crc *c, const char *why)
{
    oracle_refuse(c, why);
}
