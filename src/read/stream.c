/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The calls of a stream: open, close, read, cancel, wait.
 */
#include "read/impl.h"

#include <errno.h>
#include <string.h>

#include "net/scope.h"

enum { STREAM_CLIMBS = READ_CURSORS * READ_CLIMBS };

int
read_stream_open(struct read_stream **ret, struct reader *r)
{
    struct read_stream *s = calloc(1, sizeof(*s));
    int i;

    if (!s)
        return -ENOMEM;
    s->refs = 1;
    s->reader = r;
    TAILQ_INIT(&s->ops);
    for (i = 0; i < READ_CURSORS; i++) {
        s->cursor[i].stream = s;
        TAILQ_INIT(&s->cursor[i].claims);
    }
    pthread_mutex_lock(&r->pool->lock);
    r->refs++;
    r->streams++;
    s->opened = ++r->opens;
    twin_look(r);
    pthread_mutex_unlock(&r->pool->lock);
    *ret = s;
    reader_warm(r);
    return 0;
}

void
stream_unref(struct read_stream *s)
{
    struct reader *r = s->reader;
    bool last;

    pthread_mutex_lock(&r->pool->lock);
    last = --s->refs == 0;
    pthread_mutex_unlock(&r->pool->lock);
    if (!last)
        return;
    free(s);
    reader_unref(r);
}

static void
cancel_climbs(struct reader *r, const uint64_t *id, unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++)
        crc_cancel(r->crcs, id[i]);
}

void
read_stream_close(struct read_stream *s)
{
    uint64_t climb[STREAM_CLIMBS];
    struct read_pool *p;
    unsigned n = 0, i;
    struct err e;
    struct todo t;
    struct op *o;

    if (!s)
        return;
    p = s->reader->pool;
    todo_init(&t);
    err_set(&e, ECANCELED, "closed");
    pthread_mutex_lock(&p->lock);
    s->closed = true;
    s->reader->streams--;
    while ((o = TAILQ_FIRST(&s->ops)))
        op_fail(o, -ECANCELED, &e, &t);
    for (i = 0; i < READ_CURSORS; i++)
        n += cursor_drop(&s->cursor[i], &t, climb + n);
    pthread_mutex_unlock(&p->lock);
    todo_run(p, &t);
    cancel_climbs(s->reader, climb, n);
    stream_unref(s);
}

/* ---------------------------------------------------------------- read */

static struct op *
new_op(struct read_stream *s, uint64_t offset, uint64_t length, unsigned flags,
       read_cb *cb, void *user)
{
    uint64_t size = s->reader->layout->zip.size;
    struct op *o = calloc(1, sizeof(*o));

    if (!o)
        return NULL;
    o->offset = min_u64(offset, size);
    o->end = o->offset + min_u64(length, size - o->offset);
    o->flags = flags;
    o->cb = cb;
    o->user = user;
    o->refs = 2; /* its answer's, and read_range's */
    o->reader = reader_ref(s->reader);
    return o;
}

static void
refuse(struct op *o, int r)
{
    if (r < 0 && !o->err.num)
        err_set(&o->err, -r, "%s",
                r == -EFBIG ? "read is too long" : "out of memory");
    o->r = r;
    o->answered = true;
    op_deliver(o);
    op_unref(o);
}

/* On the stream's list, with its place in the stream. */
static uint64_t
enlist(struct read_stream *s, struct op *o)
{
    struct read_pool *p = s->reader->pool;
    uint64_t climb[READ_CLIMBS], id;
    struct todo t;
    unsigned n;

    todo_init(&t);
    pthread_mutex_lock(&p->lock);
    id = o->id = ++p->last_id;
    o->stream = s;
    TAILQ_INSERT_TAIL(&s->ops, o, link);
    o->twin = s->reader->twin && !(o->flags & READ_EXACT);
    n = cursor_place(s, o, net_now_ms(), &t, climb);
    pthread_mutex_unlock(&p->lock);
    if (n)
        cancel_climbs(s->reader, climb, n);
    if (!STAILQ_EMPTY(&t.cancel))
        todo_run(p, &t);
    return id;
}

void
op_submit(struct op *o, int r)
{
    struct read_pool *p = o->reader->pool;
    bool begin = false;
    struct todo t;

    todo_init(&t);
    pthread_mutex_lock(&p->lock);
    if (r < 0)
        err_set(&o->err, ENOMEM, "out of memory");
    if (!o->answered && r == 0 && TAILQ_EMPTY(&p->starving))
        r = op_reserve(o, &t);
    else if (r == 0)
        r = -EAGAIN;
    if (o->answered) {
        begin = false;
    } else if (r == -EAGAIN) {
        o->starving = true;
        TAILQ_INSERT_TAIL(&p->starving, o, starving_link);
    } else if (r < 0) {
        op_fail(o, r, &o->err, &t);
    } else {
        cursor_note(o, &t);
        begin = true;
    }
    if (begin)
        STAILQ_INSERT_TAIL(&t.begin, o, planned);
    pthread_mutex_unlock(&p->lock);
    todo_run(p, &t);
}

uint64_t
read_range(struct read_stream *s, uint64_t offset, uint64_t length,
           unsigned flags, read_cb *cb, void *user)
{
    struct op *o = new_op(s, offset, length, flags, cb, user);
    struct read_pool *p = s->reader->pool;
    struct err e;
    uint64_t id;

    if (!o) {
        cb(user, err_set(&e, ENOMEM, "out of memory"), NULL, &e);
        return 0;
    }
    if (o->offset == o->end) {
        refuse(o, 0);
        return 0;
    }
    if (o->end - o->offset > p->conf.memory / 4) {
        refuse(o, -EFBIG);
        return 0;
    }
    id = enlist(s, o);
    op_submit(o, op_scan(o));
    op_unref(o);
    return id;
}

void
read_cancel(struct read_stream *s, uint64_t id)
{
    struct read_pool *p = s->reader->pool;
    struct err e;
    struct todo t;
    struct op *o;

    todo_init(&t);
    err_set(&e, ECANCELED, "cancelled");
    pthread_mutex_lock(&p->lock);
    TAILQ_FOREACH(o, &s->ops, link)
        if (o->id == id)
            break;
    if (o)
        op_fail(o, -ECANCELED, &e, &t);
    pthread_mutex_unlock(&p->lock);
    todo_run(p, &t);
}

/* ---------------------------------------------------------------- wait */

struct wait {
    struct scope_wait w;
    int r;
    struct read_view *view;
    struct err err;
};

static void
on_read(void *user, int r, struct read_view *v, const struct err *e)
{
    struct wait *w = user;

    w->r = r;
    w->view = v;
    if (r < 0)
        w->err = *e;
    scope_wait_done(&w->w);
}

static int
wait_once(struct read_stream *s, uint64_t offset, uint8_t *out, size_t n,
          struct err *e)
{
    struct wait w = {.r = 0};
    int i;

    scope_wait_begin(&w.w, NULL, NULL, NULL);
    read_range(s, offset, n, 0, on_read, &w);
    scope_wait_end(&w.w);
    if (w.r < 0) {
        if (e)
            *e = w.err;
        return w.r;
    }
    if (w.view->length != n) {
        read_view_release(w.view);
        return err_set(e, EIO, "read past the end of the archive");
    }
    for (i = 0; i < w.view->count; i++) {
        memcpy(out, w.view->iov[i].iov_base, w.view->iov[i].iov_len);
        out += w.view->iov[i].iov_len;
    }
    read_view_release(w.view);
    return 0;
}

int
read_wait(struct read_stream *s, uint64_t offset, void *out, size_t length,
          struct err *e)
{
    uint64_t most = min_u64(s->reader->pool->conf.memory / 16, MIB(1));
    uint8_t *p = out;
    size_t n;
    int r = 0;

    for (; length && r == 0; length -= n, offset += n, p += n) {
        n = min_u64(length, most);
        r = wait_once(s, offset, p, n, e);
    }
    return r;
}
