/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * From what a read needs to units: those that are there are pinned, the
 * others made, all of them or none, so that reads which wait for memory
 * hold none.  Everything here is under pool->lock.
 */
#include "read/impl.h"

#include <errno.h>

static struct slice *
add_slice(struct op *o, size_t member)
{
    size_t n = o->slice_cap ? o->slice_cap * 2 : 8;
    void *p;

    if (o->slices == o->slice_cap) {
        p = realloc(o->slice, n * sizeof(*o->slice));
        if (!p)
            return NULL;
        o->slice = p;
        o->slice_cap = n;
    }
    o->slice[o->slices] = (struct slice){.member = member};
    return &o->slice[o->slices++];
}

/* A request that came before the one in front of it: fetch for both, from
 * where a range in order would have begun. */
static uint64_t
in_order(const struct op *o, size_t member, uint64_t size, uint64_t at)
{
    uint64_t first = size <= o->limit ? 0 : at / o->limit * o->limit, next;
    uint64_t body = reader_body_at(o->reader, member);

    if (body + first < o->seen || unit_find(o->reader, member, first, &next) ||
        next <= at)
        return at;
    return first;
}

/* The range to fetch for byte at of a body. */
static void
choose_range(const struct op *o, const struct body *b, uint64_t at,
             uint64_t next, struct slice *s)
{
    uint64_t size = reader_body_size(o->reader, b->member);
    uint64_t end = min_u64(b->end, at + o->reader->pool->unit_max);
    bool covered = b->first == 0 && b->end == size;

    s->first = at;
    s->length = min_u64(end, next) - at;
    if (at == 0 && next == UINT64_MAX && size <= o->limit &&
        (o->forward || covered || b->header)) {
        /* Small ones whole: one plain GET, which brings the CRC along. */
        s->length = size;
    } else if (o->forward && !(o->first_of_run && at > 0)) {
        s->first = in_order(o, b->member, size, at);
        s->length = at - s->first + ahead_range(size, at, o->limit, next);
    }
}

/* 0, -ENOMEM, or a failure that is remembered. */
static int
slice_body(struct op *o, const struct body *b, uint64_t *need)
{
    uint64_t at = b->first, next;
    struct slice *s;
    int r;

    while (at < b->end) {
        s = add_slice(o, b->member);
        if (!s)
            return -ENOMEM;
        s->copy = b->end - b->first < READ_COPY;
        s->unit = unit_find(o->reader, b->member, at, &next);
        if (s->unit) {
            unit_pin(s->unit);
            s->off = at - s->unit->first;
            s->len = min_u64(b->end, unit_end(s->unit)) - at;
            at += s->len;
            continue;
        }
        choose_range(o, b, at, next, s);
        s->off = at - s->first;
        s->len = min_u64(s->length - s->off, b->end - at);
        *need += unit_charge(s->length);
        r = reader_failed(o->stream, b->member, at, at + s->len, &o->err);
        if (r < 0)
            return r;
        at += s->len;
    }
    return 0;
}

/* A local header that waits for its CRC, its body beyond the range: when
 * going forward the body is fetched anyway. */
static int
slice_header(struct op *o, const struct body *b, uint64_t *need)
{
    uint64_t size = o->reader->layout->zip.member[b->member].size, next;
    struct slice *s;

    if (!o->forward || unit_find(o->reader, b->member, 0, &next) ||
        next != UINT64_MAX)
        return 0;
    s = add_slice(o, b->member);
    if (!s)
        return -ENOMEM;
    s->length = size;
    *need += unit_charge(size);
    return reader_failed(o->stream, b->member, 0, size, &o->err);
}

static int
slice_all(struct op *o, uint64_t *need)
{
    size_t i;
    int r = 0;

    for (i = 0; i < o->bodies && r == 0; i++)
        r = o->body[i].end ? slice_body(o, &o->body[i], need)
                           : slice_header(o, &o->body[i], need);
    return r;
}

static void
undo(struct op *o, struct todo *t)
{
    size_t i;

    for (i = 0; i < o->slices; i++)
        if (o->slice[i].unit)
            unit_unpin(o->slice[i].unit, t);
    o->slices = 0;
}

static int
make_unit(struct op *o, struct slice *s)
{
    struct read_pool *p = o->reader->pool;
    struct unit *u =
        unit_new(o->reader, s->member, s->first, s->length, false);

    if (!u)
        return -ENOMEM;
    u->urgent = true;
    u->checksum = u->whole && !reader_crc_known(o->reader, s->member);
    STAILQ_INSERT_TAIL(&p->queue, u, start);
    unit_pin(u);
    s->unit = u;
    return 0;
}

static int
make_units(struct op *o)
{
    size_t i;
    int r = 0;

    for (i = 0; i < o->slices && r == 0; i++)
        if (!o->slice[i].unit)
            r = make_unit(o, &o->slice[i]);
    return r;
}

static void
wait_crcs(struct op *o)
{
    struct unit *u;
    uint64_t next;
    uint32_t v;
    size_t i;

    for (i = 0; i < o->crcs; i++) {
        struct crc_wait *c = &o->crc[i];

        if (crc_peek(o->reader->crcs, c->member, &v))
            continue;
        u = unit_find(o->reader, c->member, 0, &next);
        if (u && u->whole && u->state != UNIT_DONE) {
            unit_pin(u);
            c->unit = u;
            op_wait_unit(o, &c->wait, u, WAIT_CRC);
            continue;
        }
        c->ladder = true;
        o->pending++;
    }
}

static int
recent_crc_failure(struct op *o)
{
    size_t i;
    int r = 0;

    for (i = 0; i < o->crcs && r == 0; i++)
        r = reader_failed(o->stream, o->crc[i].member, 0, 0, &o->err);
    return r;
}

static int
fail(struct op *o, int r, struct todo *t)
{
    undo(o, t);
    if (r == -ENOMEM)
        err_set(&o->err, ENOMEM, "out of memory");
    return r;
}

static void
count_hit(struct op *o)
{
    size_t i;

    for (i = 0; i < o->slices; i++)
        if (!o->slice[i].unit)
            return;
    o->reader->pool->stats.hits++;
}

/* What was asked for early is needed now.  True: all of it is paid. */
static bool
pay_early(struct op *o, struct todo *t)
{
    struct unit *u;
    uint64_t next;
    uint32_t v;
    size_t i;

    for (i = 0; i < o->slices; i++)
        if (o->slice[i].unit && !unit_pay(o->slice[i].unit, true, t))
            return false;
    for (i = 0; i < o->crcs; i++) {
        if (crc_peek(o->reader->crcs, o->crc[i].member, &v))
            continue;
        u = unit_find(o->reader, o->crc[i].member, 0, &next);
        if (u && u->whole && !unit_pay(u, true, t))
            return false;
    }
    return true;
}

int
op_reserve(struct op *o, struct todo *t)
{
    struct read_pool *p = o->reader->pool;
    uint64_t need = o->gen_size;
    size_t i;
    int r;

    r = twin_trust(o, &o->err);
    if (r == 0)
        r = recent_crc_failure(o);
    if (r == 0)
        r = slice_all(o, &need);
    if (r < 0)
        return fail(o, r, t);
    if (need > p->budget)
        return fail(o, err_set(&o->err, EFBIG, "read is larger than memory"),
                    t);
    if (!pay_early(o, t) || !memory_room(p, need, true, t)) {
        undo(o, t);
        return -EAGAIN;
    }
    count_hit(o);
    o->charged = o->gen_size;
    memory_take(p, o->gen_size);
    r = make_units(o);
    if (r < 0) {
        memory_give(p, o->charged);
        o->charged = 0;
        return fail(o, r, t);
    }
    o->pending = 1; /* op_begin */
    o->refs++;
    for (i = 0; i < o->slices; i++) {
        struct slice *s = &o->slice[i];

        unit_touch(s->unit);
        if (s->len)
            op_wait_unit(o, &s->wait, s->unit, s->off + s->len);
    }
    wait_crcs(o);
    return 0;
}
