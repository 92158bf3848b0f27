/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One GET fills one unit: guarded by the listing's ETag, answered to
 * waiters while it arrives; when it is slow a second one for what is
 * missing.  Must not know cursors or archives.
 */
#include "read/impl.h"

#include <errno.h>
#include <string.h>

#include "base/crc32.h"

void
line_first(struct read_line *l, uint64_t start_ms, uint64_t now)
{
    uint64_t ms = now - start_ms;

    if (!l->first_ms || ms < l->first_ms)
        l->first_ms = ms ? ms : 1;
}

/* The store's own CRC-32 lets a header go before its body is here. */
static void
on_object(void *user, const struct s3_object *o)
{
    struct unit *u = user;
    struct fetch_object m = fetch_object(u);
    struct read_pool *p = u->reader->pool;
    struct todo t;

    pthread_mutex_lock(&p->lock);
    line_first(&p->line, u->sent_ms, net_now_ms());
    pthread_mutex_unlock(&p->lock);
    u->differs = o->size != m.size || (m.etag && *m.etag && o->etag &&
                                       *o->etag && strcmp(o->etag, m.etag));
    if (u->differs || !u->checksum || !o->have_crc32)
        return;
    crc_put(u->reader->crcs, u->member, o->crc32, false);
    todo_init(&t);
    pthread_mutex_lock(&p->lock);
    unit_wake(u, true, &t);
    pthread_mutex_unlock(&p->lock);
    todo_run(p, &t);
}

static void
copy_in(struct unit *u, uint64_t off, const uint8_t *b, size_t n)
{
    uint64_t run;
    uint8_t *to;

    u->crc = crc32_add(u->crc, b, n);
    for (; n; n -= run, b += run, off += run) {
        to = unit_bytes(u, off, &run);
        run = min_u64(run, n);
        memcpy(to, b, run);
    }
}

/* True: there is no memory for its bytes yet; unit_pay resumes it. */
static bool
must_wait(struct unit *u)
{
    if (atomic_load(&u->paid))
        return false;
    LOCK_SCOPE(&u->reader->pool->lock);

    u->paused = !atomic_load(&u->paid);
    return u->paused;
}

static void
wake(struct unit *u, uint64_t have)
{
    struct read_pool *p = u->reader->pool;
    struct todo t;

    if (have < atomic_load(&u->wake_at))
        return;
    todo_init(&t);
    pthread_mutex_lock(&p->lock);
    unit_wake(u, false, &t);
    pthread_mutex_unlock(&p->lock);
    todo_run(p, &t);
}

/* With u->fill.  In one order for all: a waiter sets wake_at, then looks
 * at have. */
static uint64_t
append(struct unit *u, const uint8_t *b, size_t n)
{
    uint64_t have = atomic_load_explicit(&u->have, memory_order_relaxed);

    copy_in(u, have, b, n);
    atomic_store(&u->have, have + n);
    return have + n;
}

static int
on_data(void *user, const void *b, size_t n)
{
    struct unit *u = user;
    uint64_t have;
    int r = 0;

    if (atomic_load(&u->cancelled))
        return -ECANCELED;
    if (u->differs)
        return -ESTALE;
    if (must_wait(u))
        return NET_PAUSE;
    pthread_mutex_lock(&u->fill);
    have = atomic_load_explicit(&u->have, memory_order_relaxed);
    if (u->leader != 0)
        r = -ECANCELED;
    else if (n > u->length - have)
        r = -EPROTO;
    else
        have = append(u, b, n);
    pthread_mutex_unlock(&u->fill);
    if (r == 0)
        wake(u, have);
    return r;
}

static void
cancel_first(struct unit *u)
{
    struct read_pool *p = u->reader->pool;
    s3_id id;

    pthread_mutex_lock(&p->lock);
    id = u->id[0];
    pthread_mutex_unlock(&p->lock);
    s3_cancel(p->s3, id);
}

/* Of the second fetch: from its first byte on the first one has lost. */
static int
on_data_again(void *user, const void *bytes, size_t n)
{
    struct unit *u = user;
    const uint8_t *b = bytes;
    uint64_t have, skip;
    bool first = false;
    int r = 0;

    if (atomic_load(&u->cancelled))
        return -ECANCELED;
    pthread_mutex_lock(&u->fill);
    have = atomic_load_explicit(&u->have, memory_order_relaxed);
    skip = min_u64(have - u->again_at, n); /* came in the meantime */
    if (have == u->length) {
        r = -ECANCELED;
    } else if (n - skip > u->length - have) {
        r = -EPROTO;
    } else {
        first = u->leader != 1;
        u->leader = 1;
        have = append(u, b + skip, n - skip);
        u->again_at += n;
    }
    pthread_mutex_unlock(&u->fill);
    if (first)
        cancel_first(u);
    if (r == 0)
        wake(u, have);
    return r;
}

static void
on_done(void *user, const struct s3_error *e, const struct s3_object *o)
{
    (void)o;
    fetch_over(user, 0, e);
}

static void
on_done_again(void *user, const struct s3_error *e, const struct s3_object *o)
{
    (void)o;
    fetch_over(user, 1, e);
}

/* ------------------------------------------------------------- the start */

/* Its answer takes the lock before it looks for the id. */
static void
send(struct unit *u, unsigned who, const struct s3_get_args *args,
     s3_get_cb *done)
{
    struct read_pool *p = u->reader->pool;
    LOCK_SCOPE(&p->lock);

    u->id[who] = s3_get(p->s3, args, done, u);
    if (atomic_load(&u->cancelled) || u->state != UNIT_FETCHING)
        s3_cancel(p->s3, u->id[who]);
}

void
unit_fetch(struct unit *u)
{
    struct fetch_object m = fetch_object(u);
    struct s3_get_args args = {
        .at = {u->reader->layout->bucket, m.key, m.key_len, false},
        .etag = m.etag,
        .checksum = u->checksum,
        .urgent = u->urgent,
        .on_object = on_object,
        .on_data = on_data,
    };

    /* A GET without Range gives the stored CRC-32 in every store; with one,
     * AWS does and versitygw, MinIO and s3proxy do not. */
    if (u->whole) {
        args.expect = m.size;
    } else {
        args.first = u->first;
        args.length = u->length;
    }
    send(u, 0, &args, on_done);
}

bool
unit_race(struct unit *u)
{
    struct read_pool *p = u->reader->pool;
    LOCK_SCOPE(&u->fill);

    u->again_at = atomic_load(&u->have);
    if (u->again_at == u->length)
        return false;
    u->racing++;
    u->raced = true;
    u->refs++;
    u->reader->refs++;
    p->fetching++;
    p->reissuing++;
    p->stats.reissued++;
    return true;
}

/* Only what is missing; its headers tell nothing new. */
void
unit_fetch_again(struct unit *u)
{
    struct fetch_object m = fetch_object(u);
    uint64_t have;
    struct s3_get_args args = {
        .at = {u->reader->layout->bucket, m.key, m.key_len, false},
        .etag = m.etag,
        .fresh = true,
        .urgent = true,
        .on_data = on_data_again,
    };

    pthread_mutex_lock(&u->fill);
    have = u->again_at;
    pthread_mutex_unlock(&u->fill);
    args.first = u->first + have;
    args.length = u->length - have;
    send(u, 1, &args, on_done_again);
}
