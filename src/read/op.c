/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One read on its way: what it needs, what it waits for, how it fails.
 * Must not know how units are chosen (reserve.c) or delivered
 * (assemble.c).
 */
#include "read/impl.h"

#include <errno.h>

/* ---------------------------------------------------------------- scan */

static int
grow(void **array, size_t count, size_t *cap, size_t size)
{
    size_t n = *cap ? *cap * 2 : 8;
    void *p;

    if (count < *cap)
        return 0;
    p = realloc(*array, n * size);
    if (!p)
        return -ENOMEM;
    *array = p;
    *cap = n;
    return 0;
}

static int
add_body(struct op *o, size_t member, uint64_t first, uint64_t end,
         bool header)
{
    struct body *b = o->bodies ? &o->body[o->bodies - 1] : NULL;

    if (!b || b->member != member || b->end != 0) {
        if (grow((void **)&o->body, o->bodies, &o->body_cap,
                 sizeof(*o->body)) < 0)
            return -ENOMEM;
        b = &o->body[o->bodies++];
        *b = (struct body){.member = member};
    }
    b->first = first;
    b->end = end;
    b->header |= header;
    return 0;
}

static int
add_crc(struct op *o, size_t member)
{
    struct crc_wait *c;

    if (grow((void **)&o->crc, o->crcs, &o->crc_cap, sizeof(*o->crc)) < 0)
        return -ENOMEM;
    c = &o->crc[o->crcs++];
    *c = (struct crc_wait){.member = member};
    return 0;
}

/* A run that comes out of the bodies into the central directory: the
 * kernel's read-ahead asks for that before the last bodies, which are
 * fetched anyway and tell their CRCs. */
static bool
on_its_way(const struct op *o, size_t member)
{
    const struct zip_layout *l = &o->reader->layout->zip;
    uint64_t near = min_u64(READ_TAIL, o->reader->pool->conf.memory / 4);

    return o->forward && o->run_start <= zip_data_offset(l, member) &&
           l->offset[member + 1] <= o->offset &&
           zip_data_offset(l, member) + near > l->offset[l->count];
}

static int
scan_record(struct op *o, const struct zip_piece *pc)
{
    const struct zip_layout *l = &o->reader->layout->zip;
    uint32_t v;
    int r;

    o->gen_size += pc->end - pc->first;
    if (pc->kind == ZIP_PIECE_END || crc_peek(o->reader->crcs, pc->index, &v))
        return 0;
    r = add_crc(o, pc->index);
    /* Its body may be what tells it. */
    if (r == 0 && l->member[pc->index].size <= o->limit &&
        (pc->kind == ZIP_PIECE_LOC || on_its_way(o, pc->index)))
        r = add_body(o, pc->index, 0, 0, true);
    return r;
}

static int
scan_body(struct op *o, const struct zip_piece *pc)
{
    uint64_t first = max_u64(o->offset, pc->first) - pc->first;
    uint64_t end = min_u64(o->end, pc->end) - pc->first;

    if (end - first < READ_COPY)
        o->gen_size += end - first;
    return add_body(o, pc->index, first, end, false);
}

static int
scan(struct op *o)
{
    const struct zip_layout *l = &o->reader->layout->zip;
    struct zip_piece pc;
    int r;

    reader_piece_at(o->reader, o->twin, o->offset, &pc);
    do {
        r = pc.kind == ZIP_PIECE_DATA ? scan_body(o, &pc)
                                      : scan_record(o, &pc);
    } while (r == 0 && pc.end < o->end && zip_piece_next(l, &pc));
    return r;
}

/* A central directory of which all is known needs no store. */
static int
scan_directory(struct op *o)
{
    int r;

    o->twin = false;
    r = scan(o);
    if (r < 0 || o->crcs == 0)
        return r;
    o->twin = true;
    o->bodies = o->crcs = 0;
    o->gen_size = 0;
    return scan(o);
}

int
op_scan(struct op *o)
{
    const struct zip_layout *l = &o->reader->layout->zip;

    return o->twin && o->offset >= l->offset[l->count] ? scan_directory(o)
                                                       : scan(o);
}

/* ---------------------------------------------------------------- waits */

void
op_wait_unit(struct op *o, struct waiter *w, struct unit *u, uint64_t need)
{
    uint64_t wake = atomic_load(&u->wake_at);

    if (u->state == UNIT_DONE)
        return;
    if (u->held && need < u->length)
        need = u->length;
    if (need < u->length) {
        /* First say so, then look: on_data does it the other way. */
        if (need < wake)
            atomic_store(&u->wake_at, need);
        if (atomic_load(&u->have) >= need)
            return; /* one wake-up for nothing, at worst */
    }
    w->op = o;
    w->unit = u;
    w->need = need;
    TAILQ_INSERT_TAIL(&u->waiters, w, link);
    o->pending++;
    o->waited = true;
}

void
waiter_remove(struct waiter *w)
{
    if (!w->unit)
        return;
    TAILQ_REMOVE(&w->unit->waiters, w, link);
    w->unit = NULL;
}

void
unit_wake(struct unit *u, bool crc_known, struct todo *t)
{
    uint64_t have = atomic_load(&u->have), wake = UINT64_MAX;
    struct waiter *w, *next;
    bool done = u->state == UNIT_DONE;

    for (w = TAILQ_FIRST(&u->waiters); w; w = next) {
        next = TAILQ_NEXT(w, link);
        if (w->need == WAIT_CRC
                ? crc_known
                : done || (w->need < u->length && w->need <= have)) {
            waiter_remove(w);
            op_step(w->op, t);
        } else if (w->need < u->length) {
            wake = min_u64(wake, w->need);
        }
    }
    atomic_store(&u->wake_at, wake);
}

/* ---------------------------------------------------------------- ends */

static void
answered(struct op *o, struct todo *t)
{
    o->answered = true;
    if (o->stream)
        TAILQ_REMOVE(&o->stream->ops, o, link);
    o->stream = NULL;
    cursor_leave(o);
    STAILQ_INSERT_TAIL(&t->ops, o, ready);
}

void
op_step(struct op *o, struct todo *t)
{
    if (--o->pending == 0 && !o->answered)
        answered(o, t);
}

void
op_release(struct op *o, struct todo *t)
{
    size_t i;

    for (i = 0; i < o->crcs; i++) {
        waiter_remove(&o->crc[i].wait);
        if (o->crc[i].unit)
            unit_unpin(STEAL(o->crc[i].unit), t);
    }
    for (i = 0; i < o->slices; i++) {
        waiter_remove(&o->slice[i].wait);
        if (o->slice[i].unit)
            unit_unpin(o->slice[i].unit, t);
    }
    o->slices = 0;
    memory_give(o->reader->pool, o->charged);
    o->charged = 0;
}

void
op_fail(struct op *o, int r, const struct err *e, struct todo *t)
{
    struct read_pool *p = o->reader->pool;

    if (o->answered)
        return;
    twin_start_again(o, r, t);
    if (o->starving)
        TAILQ_REMOVE(&p->starving, o, starving_link);
    o->starving = false;
    o->r = r;
    if (e != &o->err)
        o->err = *e;
    op_release(o, t);
    answered(o, t);
}

void
op_unref(struct op *o)
{
    struct reader *r = o->reader;
    bool last;

    pthread_mutex_lock(&r->pool->lock);
    last = --o->refs == 0;
    pthread_mutex_unlock(&r->pool->lock);
    if (!last)
        return;
    free(o->body);
    free(o->slice);
    free(o->crc);
    free(o->gen);
    free(o->iov);
    free(o);
    reader_unref(r);
}

/* -------------------------------------------------------- the ladder's */

/* What a callback of crc_get gets: o->crc does not move any more. */
static struct op *
op_of(struct crc_wait *c)
{
    return c->wait.op;
}

static void
on_crc(void *user, int r, uint32_t value, const struct err *e)
{
    struct crc_wait *c = user;
    struct op *o = op_of(c);
    struct read_pool *p = o->reader->pool;
    struct todo t;

    (void)value; /* the set has it */
    todo_init(&t);
    pthread_mutex_lock(&p->lock);
    c->done = true;
    if (r < 0 && r != -ECANCELED && !o->answered)
        reader_remember(o->reader, c->member, 0, 0, e);
    if (r < 0)
        op_fail(o, r, e, &t);
    else if (!o->answered)
        op_step(o, &t);
    pthread_mutex_unlock(&p->lock);
    todo_run(p, &t);
    op_unref(o);
}

/* True: go on with the next. */
static bool
ask(struct op *o, struct crc_wait *c)
{
    struct read_pool *p = o->reader->pool;
    bool cancel;
    uint64_t id;

    pthread_mutex_lock(&p->lock);
    if (o->answered) {
        pthread_mutex_unlock(&p->lock);
        return false;
    }
    o->refs++;
    c->wait.op = o;
    pthread_mutex_unlock(&p->lock);
    id = crc_get(o->reader->crcs, c->member, 0, on_crc, c);
    pthread_mutex_lock(&p->lock);
    c->id = id;
    cancel = o->answered && !c->done;
    pthread_mutex_unlock(&p->lock);
    if (cancel && crc_cancel(o->reader->crcs, id))
        op_unref(o);
    return !cancel;
}

/* op_reserve counted one thing to wait for (and took one reference), so
 * that nothing ends it before all is asked. */
void
op_begin(struct op *o)
{
    struct read_pool *p = o->reader->pool;
    struct todo t;
    size_t i;

    for (i = 0; i < o->crcs; i++)
        if (o->crc[i].ladder && !ask(o, &o->crc[i]))
            break;
    todo_init(&t);
    pthread_mutex_lock(&p->lock);
    if (!o->answered)
        op_step(o, &t);
    pthread_mutex_unlock(&p->lock);
    todo_run(p, &t);
    op_unref(o);
}
