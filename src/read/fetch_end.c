/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * How a fetch ends: what came is checked, or what failed is said; of two
 * fetches for one unit, whose word counts.  Must not know cursors.
 */
#include "read/impl.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

struct fetch_object
fetch_object(const struct unit *u)
{
    const struct layout *l = u->reader->layout;
    const struct zip_member *m = &l->zip.member[u->member];

    if (u->twin)
        return (struct fetch_object){u->twin->key, u->twin->etag,
                                     u->twin->key_len, l->zip.size};
    return (struct fetch_object){m->key, m->etag, m->key_len, m->size};
}

enum { LINE_MS = 100 }; /* gives a rate */

void
line_bytes(struct read_line *l, uint64_t n, uint64_t now)
{
    uint64_t ms = now - l->since_ms;

    l->bytes += n;
    if (ms < LINE_MS)
        return;
    l->rate = (l->rate + l->bytes * 1000 / ms) / 2;
    l->bytes = 0;
    l->since_ms = now;
}

static int
mismatch(const struct unit *u, struct err *e)
{
    struct fetch_object m = fetch_object(u);
    char name[256];

    text_escape(name, sizeof(name), m.key, m.key_len);
    return err_set(e, EIO, "s3://%s/%s: CRC-32 does not match",
                   u->reader->layout->bucket, name);
}

/* The same range had others, and they were right. */
static int
other_bytes(const struct unit *u, uint32_t before, struct err *e)
{
    int r = mismatch(u, e);

    log_error("%s: bytes from %llu on are other ones (%08x) than before "
              "(%08x)",
              e->text, (unsigned long long)u->first, u->crc, before);
    return r;
}

/* crc is that of the whole member. */
static int
compare(struct unit *u, uint32_t crc, struct err *e)
{
    struct fetch_object m = fetch_object(u);
    struct reader *r = u->reader;
    struct read_pool *p = r->pool;
    uint32_t known;
    char name[256];

    crc_put(r->crcs, u->member, crc, false);
    if (crc_peek(r->crcs, u->member, &known) && known != crc) {
        text_escape(name, sizeof(name), m.key, m.key_len);
        log_error("s3://%s/%s: CRC-32 of what was read is %08x, not %08x",
                  r->layout->bucket, name, crc, known);
        u->wrong = true;
        return mismatch(u, e);
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
    uint32_t crc = u->crc, before;

    if (u->twin)
        return twin_check(u, e);
    if (unit_was_right(u, &before) && before != crc)
        return other_bytes(u, before, e);
    if (!u->whole && !check_add(u->reader->check, u->member, size, u->first,
                                u->length, u->crc, &crc))
        return 0;
    return compare(u, crc, e);
}

static int
words(struct unit *u, const struct s3_error *e, struct err *ret)
{
    struct fetch_object m = fetch_object(u);
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
    else if (r != -ECANCELED && !u->doomed)
        reader_remember(u->reader, u->member, u->first, unit_end(u), e);
    if (u->wrong && !u->whole && !u->twin)
        unit_drop_member(u->reader, u->member);
    while ((w = TAILQ_FIRST(&u->waiters)))
        op_fail(w->op, r, e, t);
    while ((cl = LIST_FIRST(&u->claims)))
        unit_unclaim(cl, t);
    return ret;
}

/* With the lock.  True: it is for this fetch to say how it ended. */
static bool
is_last_word(struct unit *u, unsigned who, int r)
{
    struct read_pool *p = u->reader->pool;
    LOCK_SCOPE(&u->fill);

    p->fetching--;
    p->reissuing -= who == 1;
    u->racing--;
    if (u->state != UNIT_FETCHING || u->leader != who)
        return false;
    if (r == 0 || who == 1 || u->racing == 0 ||
        atomic_load(&u->have) == u->length) /* nothing left to do it with */
        return true;
    u->leader = 1; /* may still do it */
    return false;
}

/* With the lock. */
static bool
settle(struct unit *u, int r, const struct err *e, struct todo *t)
{
    struct read_pool *p = u->reader->pool;

    TAILQ_REMOVE(&p->flight, u, flight);
    p->stats.fetched_bytes += atomic_load(&u->have);
    line_bytes(&p->line, atomic_load(&u->have), net_now_ms());
    if (r < 0)
        return fail_unit(u, r, e, t);
    u->state = UNIT_DONE;
    unit_relist(u);
    unit_wake(u, true, t);
    return false;
}

/* With the lock. */
static s3_id
loser(const struct unit *u, unsigned who)
{
    return u->racing ? u->id[!who] : 0;
}

static void
end(struct unit *u, unsigned who, int r, struct err *e)
{
    struct reader *rd = u->reader;
    struct read_pool *p = rd->pool;
    bool given_up = false;
    s3_id other = 0;
    struct todo t;

    todo_init(&t);
    pthread_mutex_lock(&p->lock);
    if (is_last_word(u, who, r)) {
        other = loser(u, who);
        if (r == 0 && u->doomed)
            r = mismatch(u, e);
        given_up = settle(u, r, e, &t);
    }
    u->refs--;
    unit_maybe_free(u);
    pthread_mutex_unlock(&p->lock);
    if (other)
        s3_cancel(p->s3, other);
    if (given_up)
        log_warn("%s; the members are read instead", e->text);
    todo_run(p, &t);
    reader_unref(rd);
}

/* Whose bytes are whole, if they are. */
static bool
is_winner(struct unit *u, unsigned who)
{
    LOCK_SCOPE(&u->fill);

    return u->leader == who;
}

void
fetch_over(struct unit *u, unsigned who, const struct s3_error *e)
{
    struct err text = {0};
    int r = 0;

    if (e->err < 0)
        r = words(u, e, &text);
    else if (atomic_load(&u->have) != u->length)
        r = err_set(&text, EIO, "short body");
    else if (is_winner(u, who))
        r = check_unit(u, &text);
    end(u, who, r, &text);
}
