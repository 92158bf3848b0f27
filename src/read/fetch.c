/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One GET fills one unit: guarded by the listing's ETag, answered to
 * waiters while it arrives, checked when it is there.  Must not know
 * cursors or archives.
 */
#include "read/impl.h"

#include <errno.h>
#include <string.h>

#include "base/crc32.h"
#include "base/text.h"

/* The object that has it. */
struct object {
    const char *key, *etag;
    size_t key_len;
    uint64_t size;
};

static struct object
object_of(const struct unit *u)
{
    const struct layout *l = u->reader->layout;
    const struct zip_member *m = &l->zip.member[u->member];

    if (u->twin)
        return (struct object){u->twin->key, u->twin->etag, u->twin->key_len,
                               l->zip.size};
    return (struct object){m->key, m->etag, m->key_len, m->size};
}

/* The store's own CRC-32 lets a header go before its body is here. */
static void
on_object(void *user, const struct s3_object *o)
{
    struct unit *u = user;
    struct object m = object_of(u);
    struct read_pool *p = u->reader->pool;
    struct todo t;

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

static int
on_data(void *user, const void *b, size_t n)
{
    struct unit *u = user;
    struct read_pool *p = u->reader->pool;
    uint64_t have = atomic_load_explicit(&u->have, memory_order_relaxed);
    struct todo t;

    if (atomic_load(&u->cancelled))
        return -ECANCELED;
    if (u->differs)
        return -ESTALE;
    if (n > u->length - have)
        return -EPROTO;
    copy_in(u, have, b, n);
    /* In one order for all: a waiter sets wake_at, then looks at have. */
    atomic_store(&u->have, have + n);
    if (have + n < atomic_load(&u->wake_at))
        return 0;
    todo_init(&t);
    pthread_mutex_lock(&p->lock);
    unit_wake(u, false, &t);
    pthread_mutex_unlock(&p->lock);
    todo_run(p, &t);
    return 0;
}

/* -------------------------------------------------------------- the end */

/* crc is that of the whole member. */
static int
compare(struct unit *u, uint32_t crc, struct err *e)
{
    struct object m = object_of(u);
    struct reader *r = u->reader;
    struct read_pool *p = r->pool;
    uint32_t known;
    char name[256];

    crc_put(r->crcs, u->member, crc, false);
    if (crc_peek(r->crcs, u->member, &known) && known != crc) {
        text_escape(name, sizeof(name), m.key, m.key_len);
        log_error("s3://%s/%s: CRC-32 of what was read is %08x, not %08x",
                  r->layout->bucket, name, crc, known);
        return err_set(e, EIO, "s3://%s/%s: CRC-32 does not match",
                       r->layout->bucket, name);
    }
    LOCK_SCOPE(&p->lock);

    p->stats.checked_members++;
    if (!u->whole && crc_was_read(r->crcs, u->member))
        p->stats.read_twice++;
    return 0;
}

static int
check_unit(struct unit *u, struct err *e)
{
    uint64_t size = reader_body_size(u->reader, u->member);
    uint32_t crc = u->crc;

    if (u->twin)
        return twin_check(u, e);
    if (!u->whole && !check_add(u->reader->check, u->member, size, u->first,
                                u->length, u->crc, &crc))
        return 0;
    return compare(u, crc, e);
}

static int
words(struct unit *u, const struct s3_error *e, struct err *ret)
{
    struct object m = object_of(u);
    struct layout *l = u->reader->layout;
    int r = s3_error_text(e, "GET", l->bucket, m.key, m.key_len, ret);

    if (u->twin)
        return r;
    if (r == -ENOENT) { /* listed, so it was there */
        ret->num = ESTALE;
        r = -ESTALE;
    }
    if (r == -ESTALE)
        layout_set_stale(l, u->member);
    return r;
}

/* With the lock.  True: its twin was given up. */
static bool
fail_unit(struct unit *u, int r, const struct err *e, struct todo *t)
{
    struct waiter *w;
    struct claim *cl;
    bool ret = false;

    u->state = UNIT_DEAD;
    unit_forget(u);
    if (u->twin && r != -ECANCELED)
        ret = twin_give_up(u, t);
    else if (r != -ECANCELED)
        reader_remember(u->reader, u->member, u->first, unit_end(u), e);
    if (r == -EIO && !u->whole && !u->twin)
        unit_drop_member(u->reader, u->member);
    while ((w = TAILQ_FIRST(&u->waiters)))
        op_fail(w->op, r, e, t);
    while ((cl = LIST_FIRST(&u->claims)))
        unit_unclaim(cl, t);
    return ret;
}

static void
end(struct unit *u, int r, const struct err *e)
{
    struct reader *rd = u->reader;
    struct read_pool *p = rd->pool;
    bool given_up = false;
    struct todo t;

    todo_init(&t);
    pthread_mutex_lock(&p->lock);
    p->fetching--;
    p->stats.fetched_bytes += atomic_load(&u->have);
    if (r < 0) {
        given_up = fail_unit(u, r, e, &t);
    } else {
        u->state = UNIT_DONE;
        unit_relist(u);
        unit_wake(u, true, &t);
    }
    u->refs--;
    unit_maybe_free(u);
    pthread_mutex_unlock(&p->lock);
    if (given_up)
        log_warn("%s; the members are read instead", e->text);
    todo_run(p, &t);
    reader_unref(rd);
}

static void
on_done(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct unit *u = user;
    struct err text = {0};
    int r = 0;

    (void)o;
    if (e->err < 0)
        r = words(u, e, &text);
    else if (atomic_load(&u->have) != u->length)
        r = err_set(&text, EIO, "short body");
    else
        r = check_unit(u, &text);
    end(u, r, &text);
}

/* The caller holds a reference to u beside the fetch's own, since u may
 * be answered before s3_get returns. */
void
unit_fetch(struct unit *u)
{
    struct object m = object_of(u);
    struct read_pool *p = u->reader->pool;
    struct s3_get_args args = {
        .at = {u->reader->layout->bucket, m.key, m.key_len, false},
        .etag = m.etag,
        .checksum = u->checksum,
        .urgent = u->urgent,
        .on_object = on_object,
        .on_data = on_data,
    };
    bool cancel;
    s3_id id;

    /* A GET without Range gives the stored CRC-32 in every store; with one,
     * AWS does and versitygw, MinIO and s3proxy do not. */
    if (u->whole) {
        args.expect = m.size;
    } else {
        args.first = u->first;
        args.length = u->length;
    }
    u->crc = 0;
    id = s3_get(p->s3, &args, on_done, u);
    pthread_mutex_lock(&p->lock);
    u->id = id;
    cancel = atomic_load(&u->cancelled);
    u->refs--;
    unit_maybe_free(u);
    pthread_mutex_unlock(&p->lock);
    if (cancel)
        s3_cancel(p->s3, id);
}
