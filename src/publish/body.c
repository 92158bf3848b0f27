/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An upload part is a read: its bytes come from the reader that serves the
 * mount, stay pinned there, and go straight into the call.  Called by
 * task.c; calls read/.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "publish/body.h"
#include "publish/crew.h"
#include "publish/task.h"

/* A range that is read at once. */
struct seg {
    struct scope_wait w;
    struct read_stream *stream;
    uint64_t id;
    uint64_t first, len;
    struct read_view *view;
    uint32_t crc;
    int r;
    struct err e;
};

void
body_free(struct body *b)
{
    size_t i;

    for (i = 0; i < b->segs; i++)
        if (b->seg[i].view)
            read_view_release(b->seg[i].view);
    free(b->seg);
    free(b->iov);
    permits_give(b->at->j->p->permits, b->memory);
    memset(b, 0, sizeof(*b));
}

/* ----------------------------------------------------------------- read */

static void
seg_read(void *user, int r, struct read_view *v, const struct err *e)
{
    struct seg *s = user;

    s->r = r;
    s->view = r < 0 ? NULL : v;
    if (r < 0 && e)
        s->e = *e;
    scope_wait_done(&s->w);
}

static void
seg_stopped(void *user)
{
    struct seg *s = user;

    read_cancel(s->stream, s->id);
}

static void
seg_check(struct seg *s)
{
    int i;

    if (s->r == 0 && s->view->length != s->len)
        s->r = err_set(&s->e, EIO,
                       "the reader gave %llu of %llu bytes",
                       (unsigned long long)s->view->length,
                       (unsigned long long)s->len);
    for (i = 0; s->r == 0 && i < s->view->count; i++)
        s->crc = crc32_add(s->crc, s->view->iov[i].iov_base,
                           s->view->iov[i].iov_len);
}

/* Segments [from, to), side by side. */
static int
read_segs(struct body *b, size_t from, size_t to)
{
    struct publish_job *j = b->at->j;
    size_t i, begun = from;
    int r = 0;

    for (i = from; r == 0 && i < to; i++) {
        struct seg *s = &b->seg[i];

        s->stream = j->stream;
        r = scope_wait_begin(&s->w, j->scope, seg_stopped, s);
        if (r < 0)
            break;
        s->id = read_range(j->stream, s->first, s->len, READ_EXACT, seg_read,
                           s);
        begun++;
    }
    for (i = from; i < begun; i++) {
        scope_wait_end(&b->seg[i].w);
        seg_check(&b->seg[i]);
    }
    for (i = from; r == 0 && i < begun; i++)
        if (b->seg[i].r < 0)
            return job_fail_err(j, b->seg[i].r, &b->seg[i].e);
    return r < 0 ? job_fail(j, -r, "%s", strerror(-r)) : 0;
}

/* ------------------------------------------------------------- donations */

static uint32_t
join(const struct body *b, size_t from, size_t to)
{
    uint32_t crc = 0;
    size_t i;

    for (i = from; i < to; i++)
        crc = crc_join(crc, b->seg[i].crc, b->seg[i].len);
    return crc;
}

static void
add_range(struct body *b, uint64_t first, uint64_t end)
{
    uint64_t max = b->at->j->p->seg_max;

    for (; first < end; first += b->seg[b->segs++].len) {
        b->seg[b->segs].first = first;
        b->seg[b->segs].len = min_u64(end - first, max);
    }
}

static int
read_donation(struct body *b, const struct sched_task *t, unsigned which,
              size_t from, size_t to)
{
    struct attempt *at = b->at;
    struct told told = {.some = false};

    if (from == to)
        return 0;
    pthread_mutex_lock(&at->lock);
    if (sched_donated(at->sched, t, which, join(b, from, to), &told.told))
        crc_keep(at, &told);
    pthread_mutex_unlock(&at->lock);
    return crc_judge(at, &told, true);
}

/* The header of the member whose body begins at the part's end stands in
 * this part: if it waits for these very bytes, they are read before it. */
static bool
header_waits(const struct attempt *at, const struct sched_task *t)
{
    const struct sched_donation *d = &t->donation[1];
    uint32_t known;

    return at->crc && d->first < d->end &&
           !crc_peek(at->j->crcs, d->member, &known);
}

static int
read_all(struct body *b, const struct sched_task *t)
{
    const struct plan_part *pp = t->plan;
    const struct sched_donation *d = t->donation;
    uint64_t first = pp->first, end = pp->end;
    size_t head, tail;
    int r;

    if (d[0].first < d[0].end)
        first = d[0].end;
    if (d[1].first < d[1].end)
        end = d[1].first;
    add_range(b, pp->first, first);
    head = b->segs;
    add_range(b, end, pp->end);
    tail = b->segs;
    add_range(b, first, end); /* what is between comes last */
    r = read_segs(b, 0, header_waits(b->at, t) ? tail : b->segs);
    if (r == 0)
        r = read_donation(b, t, 0, 0, head);
    if (r == 0)
        r = read_donation(b, t, 1, head, tail);
    if (r == 0 && tail < b->segs && !b->seg[tail].view)
        r = read_segs(b, tail, b->segs);
    b->head = head;
    b->tail = tail;
    return r;
}

/* ------------------------------------------------------------------ body */

/* In the archive's order: head, between, tail. */
static void
add_iov(struct body *b, size_t from, size_t to)
{
    size_t i;

    for (i = from; i < to; i++) {
        const struct read_view *v = b->seg[i].view;

        memcpy(b->iov + b->count, v->iov, (size_t)v->count * sizeof(*v->iov));
        b->count += v->count;
        b->crc = crc_join(b->crc, b->seg[i].crc, b->seg[i].len);
    }
}

static int
gather(struct body *b)
{
    size_t count = 0, i;

    for (i = 0; i < b->segs; i++)
        count += (size_t)b->seg[i].view->count;
    b->iov = calloc(count + 1, sizeof(*b->iov));
    if (!b->iov)
        return job_fail(b->at->j, ENOMEM, "out of memory");
    add_iov(b, 0, b->head);
    add_iov(b, b->tail, b->segs);
    add_iov(b, b->head, b->tail);
    return 0;
}

/* Body bytes of members: headers are made here. */
static uint64_t
downloaded(const struct publish_job *j, const struct plan_part *pp)
{
    struct zip_piece z;
    uint64_t sum = 0;
    bool more = true;

    zip_piece_at(job_zip(j), pp->first, &z);
    for (; more && z.first < pp->end; more = zip_piece_next(job_zip(j), &z))
        if (z.kind == ZIP_PIECE_DATA)
            sum += min_u64(z.end, pp->end) - max_u64(z.first, pp->first);
    return sum;
}

/* Of the budget; nothing for so few bytes that as many as may be in flight do
 * not matter. */
static uint64_t
memory_of(const struct publisher *p, uint64_t len)
{
    return len > p->in_flight / WIDTH_MAX ? len : 0;
}

int
body_read(struct body *b, struct attempt *at, const struct sched_task *t)
{
    struct publish_job *j = at->j;
    uint64_t len = plan_part_len(t->plan), memory = memory_of(j->p, len);
    int r = permits_wait(j->scope, j->p->permits, memory);

    *b = (struct body){.at = at, .memory = r < 0 ? 0 : memory};
    if (r < 0)
        return job_fail(j, -r, "%s", strerror(-r));
    /* three ranges, each cut into what a reader gives at once */
    b->seg = calloc(len / j->p->seg_max + 6, sizeof(*b->seg));
    if (!b->seg)
        return job_fail(j, ENOMEM, "out of memory");
    r = read_all(b, t);
    if (r == 0)
        r = gather(b);
    if (r < 0)
        return r;
    job_count(j, &j->st.downloaded, downloaded(j, t->plan));
    pthread_mutex_lock(&at->lock);
    sched_read(at->sched, t);
    pthread_mutex_unlock(&at->lock);
    return 0;
}
