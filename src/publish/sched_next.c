/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Who goes next: the first of each heap, the one with the longest path to
 * the end (sched_build.c), as far as the limits have places.  CRCs, bodies
 * and calls have places of their own, so none of them waits for another kind.
 * sched.c fills the heaps.
 */
#include "publish/sched_impl.h"

/* ------------------------------------------------------------------ CRCs */

static bool
next_lookup(struct sched *s, struct sched_task *ret)
{
    struct heap *h = &s->lookup;
    struct sched_member *m;
    uint32_t member;

    while (h->count > 0 && s->member[h->id[0]].ask != ASK_READY)
        heap_pop(h, s); /* it became known */
    if (h->count == 0 || s->lookups >= max_u64(1, s->lim.lookups) ||
        s->upload[s->archive].left == 0)
        return false;
    member = h->id[0];
    m = &s->member[member];
    heap_pop(h, s);
    m->ask = ASK_SENT;
    s->lookups++;
    *ret = (struct sched_task){
        .kind = SCHED_CRC,
        .member = member,
        .cheap = m->kind != ASK_FULL,
    };
    return true;
}

/* ---------------------------------------------------------------- bodies */

static void
describe_part(const struct sched *s, uint32_t n, struct sched_task *ret)
{
    const struct sched_part *p = &s->part[n];
    const struct plan_part *pp = sched_plan(s, n);
    const struct sched_upload *up = &s->upload[p->upload];
    uint32_t i;

    *ret = (struct sched_task){
        .kind = SCHED_COPY,
        .upload = p->upload,
        .part = n,
        .number = n - up->first + 1,
        .plan = pp,
    };
    if (pp->kind != PLAN_UPLOAD)
        return;
    ret->kind = up->put ? SCHED_PUT : SCHED_UPLOAD;
    ret->memory = p->light ? 0 : plan_part_len(pp);
    ret->directory = p->directory;
    for (i = p->piece; i < p->piece + p->pieces; i++) {
        const struct crc_piece *piece = &s->crcs.piece[i];
        const struct crc_copied *c = &s->crcs.copied[piece->copied];

        if (!c->opaque)
            ret->donation[piece->first != pp->first] = (struct sched_donation){
                .member = c->member,
                .first = piece->first,
                .end = piece->first + member_crc_len(&s->crcs, s->f.layout, i),
            };
    }
}

static void
take_part(struct sched *s, uint32_t n, struct sched_task *ret)
{
    describe_part(s, n, ret);
    s->part[n].state = PART_BUSY;
    if (ret->kind == SCHED_COPY)
        sched_crc_sent(s, n);
    if (ret->kind == SCHED_PUT) {
        s->upload[ret->upload].state = SCHED_CREATING;
        sched_upload_begun(s, ret->upload);
    }
}

/* The first one, or none: were smaller ones let past a large one, it might
 * never find its memory free. */
static bool
has_memory(const struct sched *s, uint32_t n)
{
    uint64_t len = plan_part_len(sched_plan(s, n));

    return s->memory == 0 ||
           (s->memory <= s->lim.memory && len <= s->lim.memory - s->memory);
}

static bool
next_body(struct sched *s, struct sched_task *ret)
{
    struct heap *h = &s->body;
    uint32_t n;

    while (h->count > 0 && s->part[h->id[0]].state != PART_READY)
        heap_pop(h, s); /* another process sent it */
    if (h->count == 0 || s->held || s->bodies >= max_u64(1, s->lim.uploads) ||
        s->reads >= max_u64(1, s->lim.reads) || !has_memory(s, h->id[0]))
        return false;
    n = h->id[0];
    heap_pop(h, s);
    take_part(s, n, ret);
    s->bodies++;
    s->reads++;
    s->memory += ret->memory;
    return true;
}

/* ----------------------------------------------------------------- calls */

/* A few of them are not worth a call, before the end. */
static bool
batch_is_due(const struct sched *s)
{
    return s->gone >= max_u64(1, s->lim.batch) ||
           (s->gone > 0 && s->upload[s->archive].left == 0);
}

static void
take_batch(struct sched *s, struct sched_task *ret)
{
    uint32_t most =
        (uint32_t)min_u64(max_u64(1, s->lim.batch), SCHED_BATCH_MAX);

    *ret = (struct sched_task){.kind = SCHED_DELETE, .first = s->gone_first};
    while (s->gone_first && ret->count < most) {
        struct sched_upload *up = &s->upload[s->gone_first - 1];

        up->state = SCHED_DELETING;
        s->gone_first = up->next;
        ret->count++;
    }
    s->gone -= ret->count;
    if (!s->gone_first)
        s->gone_last = 0;
}

static void
take_create(struct sched *s, uint32_t u, struct sched_task *ret)
{
    struct sched_upload *up = &s->upload[u];

    up->state = SCHED_CREATING;
    if (up->missing > 0 && !up->early) {
        up->ahead = true;
        s->aheads++;
    }
    *ret = (struct sched_task){.kind = SCHED_CREATE, .upload = u};
}

static void
take_call(struct sched *s, uint32_t id, struct sched_task *ret)
{
    uint32_t u = id - s->parts;

    if (id < s->parts) {
        take_part(s, id, ret);
    } else if (u < sched_uploads(s)) {
        s->upload[u].queued = false;
        take_create(s, u, ret);
    } else {
        u -= sched_uploads(s);
        s->upload[u].state = SCHED_COMPLETING;
        *ret = (struct sched_task){.kind = SCHED_COMPLETE, .upload = u};
    }
}

/* Parts that another process sent; uploads that were created by the other
 * heap, in which those stand whose turn comes first. */
static void
drop_stale(struct sched *s)
{
    struct heap *call = &s->call, *ahead = &s->ahead;

    while (call->count > 0 && call->id[0] < s->parts &&
           s->part[call->id[0]].state != PART_READY)
        heap_pop(call, s);
    while (ahead->count > 0 &&
           !sched_is_to_be_created(&s->upload[ahead->id[0]])) {
        s->upload[ahead->id[0]].ahead_queued = false;
        heap_pop(ahead, s);
    }
}

/* Places that are free are used: so an upload created ahead of its sources
 * takes one from somebody whose path is longer only if there is none. */
static bool
ahead_first(const struct sched *s)
{
    const struct heap *h = &s->ahead;

    return h->count > 0 && s->aheads < max_u64(1, s->lim.calls) &&
           (s->call.count == 0 ||
            s->call.before(s, s->parts + h->id[0], s->call.id[0]));
}

static bool
next_call(struct sched *s, struct sched_task *ret)
{
    uint32_t id;

    if (s->calls >= max_u64(1, s->lim.calls))
        return false;
    drop_stale(s);
    if (batch_is_due(s)) {
        take_batch(s, ret);
    } else if (ahead_first(s)) {
        id = s->ahead.id[0];
        heap_pop(&s->ahead, s);
        s->upload[id].ahead_queued = false;
        take_create(s, id, ret);
    } else if (s->call.count > 0) {
        id = s->call.id[0];
        heap_pop(&s->call, s);
        take_call(s, id, ret);
    } else {
        return false;
    }
    s->calls++;
    return true;
}

/* ------------------------------------------------------------------ next */

enum sched_turn
sched_next(struct sched *s, struct sched_task *ret)
{
    if (next_lookup(s, ret) || next_body(s, ret) || next_call(s, ret))
        return SCHED_TASK;
    if (s->calls + s->bodies + s->lookups > 0)
        return SCHED_WAIT;
    if (s->upload[s->archive].left == 0 && s->objects == 0)
        return SCHED_OVER;
    return s->f.shared ? SCHED_WAIT : SCHED_STUCK;
}

void
sched_batch(const struct sched *s, const struct sched_task *t, uint32_t *out)
{
    uint32_t i, at = t->first;

    for (i = 0; i < t->count; i++, at = s->upload[at - 1].next)
        out[i] = at - 1;
}
