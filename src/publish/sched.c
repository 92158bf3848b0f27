/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What an answer changes.  Called by the job's workers; the graph is
 * sched_build.c's, CRCs are sched_crc.c's, and sched_next.c takes from the
 * heaps that are filled here.
 *
 * Whatever lacks nothing but a free place stands in one of four heaps: CRCs
 * to be asked for, parts to be uploaded, calls without a body, and uploads
 * that may be created ahead of their sources.  So a task is tried
 * (sched_try_part, sched_try_create, try_complete) when something that it may
 * have waited for has happened, and at no other time.
 */
#include "publish/sched_impl.h"

/* ---------------------------------------------------------------- ready */

static bool
source_there(const struct sched *s, const struct plan_part *pp)
{
    return pp->kind != PLAN_COPY_SCRATCH ||
           s->upload[pp->scratch].state == SCHED_THERE;
}

static bool
takes_parts(const struct sched_upload *up)
{
    return up->state == SCHED_OPEN || (up->put && up->state == SCHED_NOTHING);
}

void
sched_try_part(struct sched *s, uint32_t n)
{
    const struct plan_part *pp = sched_plan(s, n);
    struct sched_part *p = &s->part[n];
    const struct sched_upload *up = &s->upload[p->upload];

    if (p->state != PART_WAIT || !up->made || !takes_parts(up) ||
        p->waits > 0 || !source_there(s, pp) ||
        (s->f.shared && p->upload == s->archive && !p->offered))
        return;
    p->state = PART_READY;
    heap_push(pp->kind == PLAN_UPLOAD && !p->light ? &s->body : &s->call, s,
              n);
}

void
sched_try_create(struct sched *s, uint32_t u)
{
    struct sched_upload *up = &s->upload[u];

    if (!sched_is_to_be_created(up) || up->queued)
        return;
    if (up->missing == 0 || up->early) {
        up->queued = true;
        heap_push(&s->call, s, s->parts + u);
    } else if (up->unbegun == 0 && !up->ahead_queued) {
        up->ahead_queued = true;
        heap_push(&s->ahead, s, u);
    }
}

static void
try_complete(struct sched *s, uint32_t u)
{
    const struct sched_upload *up = &s->upload[u];

    if (up->made && up->state == SCHED_OPEN && up->left == 0 &&
        u != s->archive)
        heap_push(&s->call, s, s->parts + sched_uploads(s) + u);
}

/* ----------------------------------------------------- what has happened */

static void
to_be_deleted(struct sched *s, uint32_t u)
{
    s->upload[u].next = 0;
    if (s->gone_last)
        s->upload[s->gone_last - 1].next = u + 1;
    else
        s->gone_first = u + 1;
    s->gone_last = u + 1;
    s->gone++;
}

void
sched_upload_begun(struct sched *s, uint32_t u)
{
    uint32_t at;

    if (s->upload[u].begun)
        return;
    s->upload[u].begun = true;
    for (at = s->upload[u].users; at; at = s->part[at - 1].user_next) {
        sched_upload_of(s, at - 1)->unbegun--;
        sched_try_create(s, s->part[at - 1].upload);
    }
}

static void
upload_opened(struct sched *s, uint32_t u)
{
    const struct sched_upload *up = &s->upload[u];
    uint32_t n;

    for (n = up->first; n < up->first + up->count; n++)
        sched_try_part(s, n);
    try_complete(s, u);
}

static void
source_came(struct sched *s, uint32_t n)
{
    struct sched_upload *up = sched_upload_of(s, n);

    if (--up->missing == 0 && up->ahead) {
        up->ahead = false;
        s->aheads--;
    }
    sched_try_create(s, s->part[n].upload);
    sched_try_part(s, n);
}

static void
object_there(struct sched *s, uint32_t u)
{
    uint32_t at;

    sched_upload_begun(s, u);
    s->upload[u].state = SCHED_THERE;
    if (u == s->archive)
        return;
    s->objects++;
    for (at = s->upload[u].users; at; at = s->part[at - 1].user_next)
        source_came(s, at - 1);
}

static void
part_done(struct sched *s, uint32_t n)
{
    const struct plan_part *pp = sched_plan(s, n);
    struct sched_part *p = &s->part[n];

    p->state = PART_DONE;
    s->parts_left--;
    s->upload[p->upload].left--;
    if (p->probe)
        s->held = false;
    if (pp->kind == PLAN_COPY_SCRATCH &&
        --s->upload[pp->scratch].users_left == 0)
        to_be_deleted(s, pp->scratch);
    try_complete(s, p->upload);
}

/* What needs nothing, and what was begun before. */
void
sched_start(struct sched *s)
{
    uint32_t u, n;

    for (n = 0; n < s->parts; n++)
        if (s->part[n].state >= PART_DONE)
            sched_crc_lost(s, n);
    for (u = 0; u < sched_uploads(s); u++)
        s->upload[u].begun = s->upload[u].state != SCHED_NOTHING;
    for (u = 0; u < sched_uploads(s); u++) {
        const struct sched_upload *up = &s->upload[u];

        if (up->state == SCHED_THERE) {
            s->objects++;
            if (up->users_left == 0)
                to_be_deleted(s, u);
        } else if (up->made) {
            sched_try_create(s, u);
            upload_opened(s, u);
        }
    }
}

/* --------------------------------------------------------------- answers */

/* A task comes back: its places are free. */
static void
give_places(struct sched *s, const struct sched_task *t)
{
    if (t->kind == SCHED_CRC) {
        s->lookups--;
    } else if (t->memory > 0) {
        s->bodies--;
        s->reads -= s->part[t->part].state == PART_BUSY;
        s->memory -= t->memory;
    } else {
        s->calls--;
    }
}

bool
sched_donated(struct sched *s, const struct sched_task *t, unsigned which,
              uint32_t crc, struct sched_told *told)
{
    const struct sched_part *p = &s->part[t->part];
    uint32_t i;

    for (i = p->piece; i < p->piece + p->pieces; i++)
        if (s->crcs.piece[i].first == t->donation[which].first)
            return sched_crc_piece(s, i, crc, told);
    return false;
}

void
sched_read(struct sched *s, const struct sched_task *t)
{
    if (s->part[t->part].state != PART_BUSY)
        return;
    s->part[t->part].state = PART_READ;
    s->reads -= t->memory > 0;
    sched_crc_read(s, t->part);
}

static bool
copied(struct sched *s, uint32_t n, const struct sched_answer *a,
       struct sched_told *told)
{
    const struct sched_part *p = &s->part[n];

    part_done(s, n);
    if (p->pieces == 0)
        return false;
    if (a->have_crc)
        return sched_crc_piece(s, p->piece, a->crc, told);
    sched_crc_lost(s, n);
    return false;
}

static void
deleted(struct sched *s, const struct sched_task *t)
{
    uint32_t i, at = t->first;

    for (i = 0; i < t->count; i++, at = s->upload[at - 1].next) {
        s->upload[at - 1].state = SCHED_NOTHING;
        s->upload[at - 1].made = false;
    }
    s->objects -= t->count;
}

bool
sched_done(struct sched *s, const struct sched_task *t,
           const struct sched_answer *a, struct sched_told *told)
{
    give_places(s, t);
    switch (t->kind) {
    case SCHED_CREATE:
        s->upload[t->upload].state = SCHED_OPEN;
        sched_upload_begun(s, t->upload);
        upload_opened(s, t->upload);
        return false;
    case SCHED_COPY:
        return copied(s, t->part, a, told);
    case SCHED_UPLOAD:
    case SCHED_PUT:
        sched_crc_read(s, t->part);
        sched_crc_lost(s, t->part);
        part_done(s, t->part);
        if (t->kind == SCHED_PUT)
            object_there(s, t->upload);
        return false;
    case SCHED_COMPLETE:
        object_there(s, t->upload);
        return false;
    case SCHED_DELETE:
        deleted(s, t);
        return false;
    case SCHED_CRC:
        return sched_crc_answered(s, t->member, a->have_crc, told);
    }
    return false;
}

static void
create_failed(struct sched *s, uint32_t u)
{
    struct sched_upload *up = &s->upload[u];

    up->state = SCHED_NOTHING;
    s->aheads -= up->ahead;
    up->ahead = false;
    sched_try_create(s, u);
}

static void
delete_failed(struct sched *s, const struct sched_task *t)
{
    uint32_t i, at = t->first, next;

    for (i = 0; i < t->count; i++, at = next) {
        next = s->upload[at - 1].next;
        s->upload[at - 1].state = SCHED_THERE;
        to_be_deleted(s, at - 1);
    }
}

void
sched_failed(struct sched *s, const struct sched_task *t)
{
    give_places(s, t);
    switch (t->kind) {
    case SCHED_CREATE:
        create_failed(s, t->upload);
        break;
    case SCHED_PUT:
        s->upload[t->upload].state = SCHED_NOTHING;
        /* fall through */
    case SCHED_COPY:
    case SCHED_UPLOAD:
        s->part[t->part].state = PART_WAIT;
        sched_try_part(s, t->part);
        break;
    case SCHED_COMPLETE:
        s->upload[t->upload].state = SCHED_OPEN;
        try_complete(s, t->upload);
        break;
    case SCHED_DELETE:
        delete_failed(s, t);
        break;
    case SCHED_CRC:
        sched_crc_again(s, t->member);
        break;
    }
}

/* -------------------------------------------------------- while it runs */

void
sched_limits(struct sched *s, const struct sched_limits *lim)
{
    s->lim = *lim;
}

void
sched_trust(struct sched *s)
{
    s->trusted = true;
    s->held = false;
}

void
sched_offer(struct sched *s, uint32_t part)
{
    s->part[part].offered = true;
    sched_try_part(s, part);
}

/* Another process sent it. */
static void
sent_elsewhere(struct sched *s, uint32_t n)
{
    if (s->part[n].state <= PART_READY)
        part_done(s, n);
}

void
sched_have_part(struct sched *s, uint32_t part, const uint32_t *crc)
{
    const struct sched_part *p = &s->part[part];
    uint32_t whole;

    if (s->call.id) {
        sent_elsewhere(s, part);
        return;
    }
    s->part[part].state = PART_DONE;
    if (crc && p->pieces == 1 && !s->crcs.piece[p->piece].donated)
        member_crc_tell(&s->crcs, s->f.layout, p->piece, *crc, &whole);
}

void
sched_counts(const struct sched *s, struct sched_counts *ret)
{
    *ret = (struct sched_counts){
        .calls = s->calls,
        .uploads = s->bodies,
        .reads = s->reads,
        .lookups = s->lookups,
        .memory = s->memory,
        .calls_held = s->call.count,
        .uploads_held = s->body.count,
        .lookups_held = s->lookup.count,
        .parts_left = s->parts_left,
        .archive_left = s->upload[s->archive].left,
        .objects = s->objects,
    };
}

enum sched_state
sched_upload_state(const struct sched *s, uint32_t upload)
{
    return (enum sched_state)s->upload[upload].state;
}

bool
sched_part_there(const struct sched *s, uint32_t part)
{
    return s->part[part].state == PART_DONE;
}
