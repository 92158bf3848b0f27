/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * From units and CRCs to a view: headers are written, bodies pointed at.
 * Without the lock, but where it says so.
 */
#include "read/impl.h"

#include <errno.h>
#include <string.h>

struct builder {
    struct op *o;
    size_t slice; /* the next one */
    uint64_t gen; /* bytes of o->gen used */
    int cap;
};

static int
most_iovs(const struct op *o)
{
    size_t i, n = 2;

    for (i = 0; i < o->slices; i++)
        if (!o->slice[i].copy)
            n += o->slice[i].len / READ_CHUNK + 3;
    return n < INT32_MAX ? (int)n : -1;
}

/* Bytes that follow the last ones in memory lengthen its iovec. */
static void
add_iov(struct builder *b, void *base, size_t n)
{
    struct iovec *last = b->o->iov + b->o->view.count - 1;

    if (b->o->view.count &&
        (uint8_t *)last->iov_base + last->iov_len == base) {
        last->iov_len += n;
        return;
    }
    b->o->iov[b->o->view.count++] = (struct iovec){base, n};
}

static int
put_record(struct builder *b, const struct zip_piece *pc)
{
    struct op *o = b->o;
    uint64_t n = pc->end - pc->first;
    uint64_t first = max_u64(o->offset, pc->first) - pc->first;
    uint64_t end = min_u64(o->end, pc->end) - pc->first;
    uint32_t crc = 0;

    if (pc->kind != ZIP_PIECE_END &&
        !crc_peek(o->reader->crcs, pc->index, &crc))
        return err_set(&o->err, EIO, "CRC-32 got lost");
    zip_piece_put(o->gen + b->gen, &o->reader->layout->zip, pc, crc);
    add_iov(b, o->gen + b->gen + first, end - first);
    b->gen += n;
    return 0;
}

static void
put_slice(struct builder *b, const struct slice *s)
{
    uint64_t off = s->off, left = s->len, run;
    uint8_t *from, *to = b->o->gen + b->gen;

    for (; left; left -= run, off += run) {
        from = unit_bytes(s->unit, off, &run);
        run = min_u64(run, left);
        if (!s->copy) {
            add_iov(b, from, run);
            continue;
        }
        memcpy(b->o->gen + b->gen, from, run);
        b->gen += run;
    }
    if (s->copy)
        add_iov(b, to, s->len);
}

static void
put_body(struct builder *b, const struct zip_piece *pc)
{
    struct op *o = b->o;
    uint64_t first = max_u64(o->offset, pc->first);
    uint64_t left = min_u64(o->end, pc->end) - first;

    while (left) {
        const struct slice *s = &o->slice[b->slice++];

        put_slice(b, s);
        left -= s->len;
    }
}

static int
assemble(struct op *o)
{
    const struct zip_layout *l = &o->reader->layout->zip;
    struct builder b = {.o = o, .cap = most_iovs(o)};
    struct zip_piece pc;
    int r = 0;

    o->iov = b.cap > 0 ? calloc(b.cap, sizeof(*o->iov)) : NULL;
    o->gen = malloc(o->gen_size ? o->gen_size : 1);
    if (!o->iov || !o->gen)
        return err_set(&o->err, ENOMEM, "out of memory");
    o->view.iov = o->iov;
    o->view.length = o->end - o->offset;
    if (o->offset == o->end)
        return 0;
    reader_piece_at(o->reader, o->twin, o->offset, &pc);
    do {
        if (pc.kind == ZIP_PIECE_DATA)
            put_body(&b, &pc);
        else
            r = put_record(&b, &pc);
        /* Slices that were there for a header's CRC only. */
        while (b.slice < o->slices && !o->slice[b.slice].len)
            b.slice++;
    } while (r == 0 && pc.end < o->end && zip_piece_next(l, &pc));
    return r;
}

static void
give_back(struct op *o)
{
    struct read_pool *p = o->reader->pool;
    struct todo t;

    todo_init(&t);
    pthread_mutex_lock(&p->lock);
    op_release(o, &t);
    pthread_mutex_unlock(&p->lock);
    todo_run(p, &t);
}

/* Climbs that nobody waits for any more. */
static void
cancel_crcs(struct op *o)
{
    struct read_pool *p = o->reader->pool;
    uint64_t id;
    size_t i;

    for (i = 0; i < o->crcs; i++) {
        pthread_mutex_lock(&p->lock);
        id = o->crc[i].done ? 0 : o->crc[i].id;
        pthread_mutex_unlock(&p->lock);
        if (id && crc_cancel(o->reader->crcs, id))
            op_unref(o);
    }
}

void
op_deliver(struct op *o)
{
    static const struct err none;
    struct read_pool *p = o->reader->pool;

    if (o->silent) {
        op_unref(o);
        return;
    }
    if (o->r == 0)
        o->r = assemble(o);
    if (o->r < 0) {
        give_back(o);
        cancel_crcs(o);
        o->cb(o->user, o->r, NULL, &o->err);
        op_unref(o);
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->stats.reads++;
    p->stats.bytes += o->view.length;
    pthread_mutex_unlock(&p->lock);
    o->cb(o->user, 0, &o->view, &none);
}

void
read_view_release(struct read_view *v)
{
    struct op *o = (struct op *)v;

    if (!o)
        return;
    give_back(o);
    op_unref(o);
}
