/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Read-ahead: units before they are asked for, across the borders of
 * members, turn by turn for all that go forward.  Under pool->lock but
 * for ahead_ask.
 */
#include "read/impl.h"

#include <errno.h>

enum { AHEAD_STEPS = 4096 }; /* headers and known units skipped at once */

uint64_t
ahead_range(uint64_t size, uint64_t at, uint64_t limit, uint64_t next)
{
    uint64_t end = size;

    if (size > limit) /* aligned: readers share what they fetch */
        end = min_u64(size, (at / limit + 1) * limit);
    return min_u64(end, next) - at;
}

struct turn {
    struct read_pool *p;
    struct todo *t;
    struct ahead_climb *climb;
    uint64_t share, limit;
};

/* May it have all of its memory? */
static bool
affords(const struct read_pool *p, const struct cursor *c, uint64_t share,
        uint64_t charge)
{
    return c->claimed - c->early + charge <= share &&
           p->claimed - p->early_bytes + charge <= p->ahead_max;
}

enum purse { PURSE_FULL, PURSE_EARLY, PURSE_EMPTY };

/* Nothing takes memory before those that were asked for earlier have
 * theirs. */
static enum purse
purse_for(struct turn *n, struct cursor *c, uint64_t charge)
{
    struct read_pool *p = n->p;

    if (TAILQ_EMPTY(&p->early) && affords(p, c, n->share, charge) &&
        memory_room(p, charge, false, n->t))
        return PURSE_FULL;
    if (c->claimed + charge > cursor_reach(p, n->share) ||
        p->claimed + charge > cursor_reach(p, p->ahead_max) ||
        p->early_count >= p->early_max)
        return PURSE_EMPTY;
    return PURSE_EARLY;
}

static bool
start_unit(struct turn *n, struct cursor *c, const struct zip_piece *pc,
           uint64_t at, uint64_t next)
{
    struct reader *r = c->stream->reader;
    struct read_pool *p = n->p;
    uint64_t size = pc->end - pc->first;
    uint64_t length = ahead_range(size, at, n->limit, next);
    enum purse purse;
    struct err e;
    struct unit *u;

    if (reader_failed(c->stream, pc->index, at, at + length, &e) < 0)
        return false;
    purse = purse_for(n, c, unit_charge(length));
    if (purse == PURSE_EMPTY)
        return false;
    u = unit_new(r, pc->index, at, length, purse == PURSE_EARLY);
    if (!u)
        return false;
    u->checksum = u->whole && !reader_crc_known(r, pc->index);
    if (!unit_claim(c, u)) {
        unit_forget(u);
        unit_maybe_free(u);
        return false;
    }
    STAILQ_INSERT_TAIL(&p->queue, u, start);
    c->ahead = pc->first + at + length;
    return true;
}

/* The header of a large member will need its CRC.  True: ask for it. */
static bool
want_climb(struct turn *n, struct cursor *c, const struct zip_piece *pc)
{
    struct reader *r = c->stream->reader;
    uint32_t v;

    if (r->layout->zip.member[pc->index].size <= n->limit ||
        crc_peek(r->crcs, pc->index, &v) || c->climb_member == pc->index + 1)
        return false;
    if (n->climb->stream)
        return true; /* one at a time: the pump comes back */
    c->climb_member = pc->index + 1;
    c->stream->refs++;
    *n->climb = (struct ahead_climb){c->stream, c, pc->index, c->epoch};
    return false;
}

/* True if a unit was queued. */
static bool
step(struct turn *n, struct cursor *c)
{
    struct reader *r = c->stream->reader;
    const struct zip_layout *l = &r->layout->zip;
    uint64_t end = c->pos + min_u64(c->target, cursor_reach(n->p, n->share)),
             next;
    struct zip_piece pc;
    struct unit *u;
    int i;

    c->ahead = max_u64(c->ahead, c->pos);
    /* Bodies end there. */
    end = min_u64(end, r->twin ? l->size : l->offset[l->count]);
    for (i = 0; i < AHEAD_STEPS && c->ahead < end; i++) {
        reader_piece_at(r, r->twin, c->ahead, &pc);
        if (pc.kind != ZIP_PIECE_DATA) {
            if (want_climb(n, c, &pc))
                return false;
            c->ahead = pc.end;
            continue;
        }
        u = unit_find(r, pc.index, c->ahead - pc.first, &next);
        if (!u)
            return start_unit(n, c, &pc, c->ahead - pc.first, next);
        if (!unit_claim(c, u))
            return false;
        c->ahead = pc.first + unit_end(u);
    }
    return false;
}

void
ahead_pay(struct read_pool *p, struct todo *t)
{
    uint64_t share = cursor_share(p, net_now_ms());
    struct unit *u, *next;
    struct claim *cl;

    for (u = TAILQ_FIRST(&p->early); u; u = next) {
        next = TAILQ_NEXT(u, early);
        cl = LIST_FIRST(&u->claims);
        if (!cl || !affords(p, cl->cursor, share, u->charge))
            continue;
        if (!unit_pay(u, false, t))
            return;
    }
}

void
ahead_pump(struct read_pool *p, struct todo *t, struct ahead_climb *climb)
{
    uint64_t now = net_now_ms();
    struct turn n = {p, t, climb, cursor_share(p, now), 0};
    unsigned slots = p->fetching;
    struct cursor *c;
    bool more = p->conf.read_ahead && STAILQ_EMPTY(&p->queue);

    n.limit = min_u64(max_u64(n.share / 2 / READ_CHUNK * READ_CHUNK, KIB(256)),
                      p->unit_max);
    while (more) {
        more = false;
        TAILQ_FOREACH(c, &p->cursors, link) {
            if (slots >= p->conf.connections)
                break;
            if (c->run < 2 || cursor_idle(c, now) || twin_misled(c->stream) ||
                atomic_load(&c->stream->reader->layout->stale))
                continue;
            if (step(&n, c)) {
                slots++;
                more = true;
            }
        }
    }
}

/* A value that comes is in the set; a failure is heard by the read that
 * needs it. */
static void
on_crc(void *user, int r, uint32_t value, const struct err *e)
{
    (void)user;
    (void)r;
    (void)value;
    (void)e;
}

void
ahead_ask(struct ahead_climb *a)
{
    struct read_stream *s = a->stream;
    struct read_pool *p = s->reader->pool;
    struct cursor *c = a->cursor;
    uint64_t id = crc_get(s->reader->crcs, a->member, 0, on_crc, NULL);

    pthread_mutex_lock(&p->lock);
    if (!s->closed && c->epoch == a->epoch) {
        c->climb[c->next_climb++ % READ_CLIMBS] = id;
        id = 0;
    }
    pthread_mutex_unlock(&p->lock);
    if (id)
        crc_cancel(s->reader->crcs, id);
    stream_unref(s);
}
