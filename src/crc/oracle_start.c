/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A new upload for the oracle: its row in the journal, Create, and with
 * the first one the proof that this store tells the CRC of a copied range:
 * a small range of a source is copied and read, and both must agree.  S3
 * copies no range of a source of 5 MiB or less: then all of it is.
 * Must not know what follows from a refusal (oracle.c).
 */
#include "crc/impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/crc32.h"
#include "s3/multipart.h"

struct start {
    struct oracle_asker *asker;
    struct oracle_upload *upload;
    /* The proof; crc->lock. */
    unsigned pending;
    struct s3_error copy_error;
    int read_error;
    bool have_crc;
    uint32_t copied, read;
    uint64_t length, copy_note, get_note; /* length 0: nothing is proved */
};

/* ------------------------------------------------------------------ end */

/* The one that led goes on, and those behind it. */
static void
finish(struct start *st, bool good)
{
    struct oracle_asker *a = st->asker;
    struct oracle_upload *u = st->upload;
    struct crc *c = crc_ref(a->crc);
    struct oracle *o = &c->oracle;

    pthread_mutex_lock(&c->lock);
    a->leads = false;
    if (o->state == ORACLE_BUSY)
        o->state = ORACLE_NEW;
    good = good && o->state == ORACLE_NEW && !c->closed;
    if (good) {
        o->proved = true;
        o->proved_range |= st->length > 0 && st->length < a->size;
        o->state = ORACLE_READY;
        o->now = u;
        oracle_assign(a, u);
    } else {
        oracle_retire(u);
    }
    pthread_cond_broadcast(&o->ended);
    pthread_mutex_unlock(&c->lock);
    free(st);
    a->go(a);
    ladder_pump(c);
    crc_unref(c);
}

/* ---------------------------------------------------------------- proof */

static void proof(struct start *st, uint64_t length);

/* 400, where the range is what is wrong. */
static bool
wants_whole(const struct start *st)
{
    uint64_t size = st->asker->size;

    return st->copy_error.http == 400 && st->length < size &&
           size <= CRC_WHOLE_MOST && !st->asker->ranged;
}

static void
proof_over(struct start *st)
{
    struct crc *c = st->asker->crc;
    const struct s3_error *e = &st->copy_error;
    bool good = false, whole = false;

    if (e->err == -ESTALE || e->err == -ECANCELED || st->read_error < 0)
        ; /* says nothing of the store: the next source proves it */
    else if (wants_whole(st))
        whole = true;
    else if (e->err < 0)
        oracle_learn(c, e);
    else if (!st->have_crc)
        oracle_refuse(c, "a part that was copied has no CRC-32");
    else if (st->copied != st->read)
        oracle_refuse(c, "the CRC-32 of a copied range is not that of its "
                         "bytes");
    else
        good = true;
    if (whole)
        proof(st, st->asker->size);
    else
        finish(st, good);
}

static void
proof_step(struct start *st)
{
    struct crc *c = st->asker->crc;
    bool last;

    pthread_mutex_lock(&c->lock);
    last = --st->pending == 0;
    pthread_mutex_unlock(&c->lock);
    if (last)
        proof_over(st);
}

static void
on_copy(void *user, const struct s3_error *e, const struct s3_part *p)
{
    struct start *st = user;

    oracle_call_end(st->asker->crc, st->copy_note);
    st->copy_error = *e;
    if (e->err == 0) {
        st->have_crc = p->have_crc32;
        st->copied = p->crc32;
    }
    proof_step(st);
}

static int
on_data(void *user, const void *p, size_t n)
{
    struct start *st = user;

    st->read = crc32_add(st->read, p, n);
    return 0;
}

/* A store that ignores If-Match still says what it sent. */
static bool
differs(const struct oracle_asker *a, const struct s3_object *o)
{
    return o->size != a->size ||
           (o->etag && *o->etag && strcmp(o->etag, a->etag) != 0);
}

static void
on_read(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct start *st = user;
    const struct oracle_asker *a = st->asker;

    oracle_call_end(a->crc, st->get_note);
    atomic_fetch_add(&a->crc->proof_bytes, st->length);
    st->read_error = e->err;
    if (e->err == 0 && differs(a, o))
        st->read_error = -ESTALE;
    proof_step(st);
}

static void
proof_copy(struct start *st)
{
    const struct oracle_asker *a = st->asker;
    struct crc *c = a->crc;
    struct s3_copy_args args = {
        .at = oracle_where(st->upload),
        .upload_id = st->upload->id,
        .number = st->upload->next++,
        .source = a->source,
        .source_etag = a->etag,
        .length = st->length,
        .source_size = a->size,
    };
    uint64_t note = st->copy_note = oracle_call_begin(c);

    oracle_call_id(c, note, s3_upload_copy(c->s3, &args, on_copy, st));
}

static void
proof_read(struct start *st)
{
    const struct oracle_asker *a = st->asker;
    struct crc *c = a->crc;
    struct s3_get_args args = {
        .at = a->source,
        .etag = a->etag,
        .length = st->length,
        .on_data = on_data,
    };
    uint64_t note = st->get_note = oracle_call_begin(c);

    oracle_call_id(c, note, s3_get(c->s3, &args, on_read, st));
}

static void
proof(struct start *st, uint64_t length)
{
    st->length = length;
    st->copied = st->read = 0;
    st->pending = 3;
    proof_copy(st);
    proof_read(st);
    proof_step(st);
}

/* --------------------------------------------------------------- create */

/* Less than the source, so that a store that always tells the CRC of the
 * whole source does not pass (versitygw 1.7.0 does so). */
static void
created_work(void *user)
{
    struct start *st = user;
    const struct oracle_asker *a = st->asker;
    struct crc *c = a->crc;
    bool proved;

    /* Without an id it stands for all that are there, should this process
     * be killed. */
    if (!st->upload->look)
        oracle_journal_id(c, &st->upload->row, st->upload->id);
    pthread_mutex_lock(&c->lock);
    proved = a->ranged ? c->oracle.proved_range : c->oracle.proved;
    pthread_mutex_unlock(&c->lock);
    if (proved)
        finish(st, true);
    else
        proof(st, min_u64(CRC_PROOF, a->size / 2));
}

static void
on_created(void *user, const struct s3_error *e, const char *id)
{
    struct start *st = user;
    struct oracle_upload *u = st->upload;

    /* An attempt without an answer may have made one, too. */
    u->look = e->attempts > 1 || (e->err < 0 && e->http < 400);
    if (e->err == 0)
        u->id = strdup(id);
    if (e->err < 0 && e->err != -ECANCELED)
        oracle_learn(u->crc, e);
    if (u->id) {
        net_work(u->crc->net, created_work, st);
        return;
    }
    u->look |= e->err == 0;
    finish(st, false);
}

/* The key is nobody else's, so whatever upload it has is ours, also after
 * a kill between the row and the answer to Create. */
static int
make_key(struct oracle_upload *u)
{
    uint64_t random;
    int n;

    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        return -EIO;
    n = snprintf(u->key, sizeof(u->key), "%scrc-%016llx",
                 u->crc->oracle.scratch, (unsigned long long)random);
    return n < (int)sizeof(u->key) ? 0 : -ENAMETOOLONG;
}

static struct oracle_upload *
new_upload(struct crc *c)
{
    struct oracle_upload *u = calloc(1, sizeof(*u));

    if (!u)
        return NULL;
    u->crc = c;
    u->next = 1;
    if (make_key(u) < 0) {
        free(u);
        return NULL;
    }
    crc_ref(c);
    pthread_mutex_lock(&c->lock);
    TAILQ_INSERT_TAIL(&c->oracle.all, u, link);
    pthread_mutex_unlock(&c->lock);
    return u;
}

static void
start_work(void *user)
{
    struct start *st = user;
    struct oracle_upload *u = st->upload;
    struct s3_create_args args = {
        .at = oracle_where(u), .crc32 = true, .fresh = true};
    bool closed;

    pthread_mutex_lock(&u->crc->lock);
    closed = u->crc->closed;
    pthread_mutex_unlock(&u->crc->lock);
    if (closed) {
        finish(st, false);
        return;
    }
    oracle_journal_add(u->crc, u->key, &u->row);
    s3_create(u->crc->s3, &args, on_created, st);
}

void
oracle_start(struct oracle_asker *a)
{
    struct crc *c = a->crc;
    struct start *st = calloc(1, sizeof(*st));

    if (st)
        st->asker = a;
    if (st && (st->upload = new_upload(c))) {
        net_work(c->net, start_work, st);
        return;
    }
    pthread_mutex_lock(&c->lock);
    c->oracle.state = ORACLE_NEW;
    a->leads = false;
    pthread_cond_broadcast(&c->oracle.ended);
    pthread_mutex_unlock(&c->lock);
    free(st);
    a->go(a);
}
