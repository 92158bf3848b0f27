/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The store and the caller of sched_world.h.
 */
#include "sched_world.h"

#include "base/crc32.h"

const struct plan_part *
world_plan(const struct world *w, uint32_t part)
{
    const struct plan *p = w->plan;

    return part < p->scratch_parts ? &p->scratch_part[part]
                                   : &p->part[part - p->scratch_parts];
}

static uint32_t
archive(const struct world *w)
{
    return w->uploads - 1;
}

/* ---------------------------------------------------------------- bodies */

/* n bytes of 0: the register is shifted, nothing else. */
static uint32_t
crc_zeros(uint64_t n)
{
    return crc_join(UINT32_MAX, 0, n) ^ UINT32_MAX;
}

/* A body is 0 but for one byte, so that order and place matter. */
uint32_t
world_crc(const struct world *w, size_t member, uint64_t first, uint64_t end)
{
    uint64_t size = w->l->member[member].size;
    uint64_t at = member * UINT64_C(2654435761) % (size + !size);
    uint8_t byte = (uint8_t)(member % 255 + 1);
    uint32_t crc;

    if (at < first || at >= end)
        return crc_zeros(end - first);
    crc = crc_join(crc_zeros(at - first), crc32_add(0, &byte, 1), 1);
    return crc_join(crc, crc_zeros(end - at - 1), end - at - 1);
}

static uint32_t
crc_of_member(const struct world *w, size_t member)
{
    return world_crc(w, member, 0, w->l->member[member].size);
}

/* ------------------------------------------------------------ init, free */

static void *
table(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);

    assert_non_null(p);
    return p;
}

static void
note_part(struct world *w, uint32_t n, uint32_t upload)
{
    const struct plan_part *pp = world_plan(w, n);

    w->of[n] = upload;
    if (pp->kind == PLAN_COPY && pp->end > pp->first) {
        w->copied[pp->member] = true;
        w->ranged[pp->member] |=
            plan_part_len(pp) != w->l->member[pp->member].size;
    }
    if (pp->kind == PLAN_UPLOAD && plan_part_len(pp) > w->largest)
        w->largest = plan_part_len(pp);
}

static bool
is_known(void *user, size_t member)
{
    const struct world *w = user;

    return w->known[member];
}

void
world_init(struct world *w, const struct plan *p, const struct zip_layout *l,
           const struct zip_layout *previous, const struct sched_facts *facts)
{
    uint32_t u, i;

    *w = (struct world){.plan = p, .l = l, .previous = previous};
    w->facts = *facts;
    w->facts.plan = p;
    w->facts.layout = l;
    w->facts.previous = previous;
    w->facts.weights = &sched_weights_default;
    w->facts.known = is_known;
    w->facts.user = w;
    w->copies_answer = true;
    w->parts = (uint32_t)(p->scratch_parts + p->count);
    w->uploads = (uint32_t)p->scratches + 1;
    w->part = table(w->parts, 1);
    w->of = table(w->parts, sizeof(*w->of));
    w->times = table(w->parts, sizeof(*w->times));
    w->upload = table(w->uploads, 1);
    w->needed = table(w->uploads, 1);
    w->made = table(w->uploads, 1);
    w->known = table(l->count, 1);
    w->stored = table(l->count, 1);
    w->copied = table(l->count, 1);
    w->ranged = table(l->count, 1);
    w->excused = table(l->count, 1);
    w->asked = table(2 * l->count, sizeof(*w->asked));
    w->batches = table(SCHED_BATCH_MAX, sizeof(*w->batches));
    for (u = 0; u < w->uploads - 1; u++)
        for (i = 0; i < p->scratch[u].count; i++)
            note_part(w, (uint32_t)p->scratch[u].part + i, u);
    for (i = 0; i < p->count; i++)
        note_part(w, (uint32_t)p->scratch_parts + i, archive(w));
}

void
world_free(struct world *w)
{
    sched_free(w->s);
    free(w->part);
    free(w->of);
    free(w->times);
    free(w->upload);
    free(w->needed);
    free(w->made);
    free(w->known);
    free(w->stored);
    free(w->copied);
    free(w->ranged);
    free(w->excused);
    free(w->asked);
    free(w->batches);
    free(w->flight);
}

/* ----------------------------------------------------------------- begin */

/* Does anything that is not there copy from u? */
static void
need(struct world *w, uint32_t u)
{
    uint32_t n;

    if (w->needed[u] || w->upload[u] == WORLD_OBJECT)
        return;
    w->needed[u] = true;
    for (n = 0; n < w->parts; n++)
        if (w->of[n] == u && w->part[n] != WORLD_THERE &&
            world_plan(w, n)->kind == PLAN_COPY_SCRATCH)
            need(w, world_plan(w, n)->scratch);
}

static void
tell_part(struct world *w, uint32_t n, struct rng *r)
{
    const struct plan_part *pp = world_plan(w, n);
    uint32_t crc;

    if (w->part[n] != WORLD_THERE &&
        (w->upload[w->of[n]] != WORLD_NONE || rng_next(r) % 16))
        return; /* of an upload that is gone, some are told too */
    if (pp->kind == PLAN_COPY && pp->pad == 0 && rng_next(r) % 2) {
        crc = world_crc(w, pp->member, pp->from, pp->from + plan_part_len(pp));
        sched_have_part(w->s, n, &crc);
    } else {
        sched_have_part(w->s, n, NULL);
    }
}

static void
keep_told(struct world *w, const struct sched_told *told)
{
    if (told->crc != crc_of_member(w, told->member))
        world_fail(w, "member %u: told a wrong CRC", told->member);
    if (!w->copied[told->member])
        world_fail(w, "member %u is not copied", told->member);
    w->known[told->member] = true;
}

/* Of ranges, by a store that was not seen to answer right: a stored CRC is
 * looked at before. */
static void
judge_told(struct world *w, const struct sched_told *told)
{
    if (!w->facts.trusted && w->ranged[told->member] &&
        !w->known[told->member] &&
        w->l->member[told->member].hint != ZIP_HINT_OTHER &&
        w->asked[2 * told->member] == 0 && w->asked[2 * told->member + 1] == 0)
        world_fail(w, "member %u is believed", told->member);
    keep_told(w, told);
}

void
world_begin(struct world *w, const struct sched_limits *lim, struct rng *r)
{
    struct sched_told told;
    uint32_t i;

    w->lim = *lim;
    w->facts.open = w->upload[archive(w)] == WORLD_OPEN;
    memset(w->needed, 0, w->uploads);
    memset(w->made, 0, w->uploads);
    need(w, archive(w));
    assert_int_equal(sched_new(&w->s, &w->facts), 0);
    for (i = 0; i < w->parts; i++)
        tell_part(w, i, r);
    for (i = 0; i + 1 < w->uploads; i++) {
        if (w->upload[i] == WORLD_OPEN)
            sched_have_upload(w->s, i);
        if (w->upload[i] == WORLD_OBJECT)
            sched_have_object(w->s, i);
    }
    assert_int_equal(sched_begin(w->s, lim), 0);
    while (sched_resumed(w->s, &told))
        keep_told(w, &told);
}

/* What a store made of a task whose answer was lost. */
static void
lose(struct world *w, const struct sched_task *t, bool done)
{
    uint32_t i;

    switch (t->kind) {
    case SCHED_COPY:
    case SCHED_UPLOAD:
        w->part[t->part] = done ? WORLD_THERE : WORLD_AWAY;
        break;
    case SCHED_PUT:
        w->part[t->part] = done ? WORLD_THERE : WORLD_AWAY;
        w->upload[t->upload] = done ? WORLD_OBJECT : WORLD_NONE;
        break;
    case SCHED_CREATE: /* its id is lost */
        w->upload[t->upload] = WORLD_NONE;
        break;
    case SCHED_COMPLETE:
        w->upload[t->upload] = done ? WORLD_OBJECT : WORLD_OPEN;
        break;
    case SCHED_DELETE:
        sched_batch(w->s, t, w->batches);
        for (i = 0; i < t->count; i++)
            w->upload[w->batches[i]] = done ? WORLD_NONE : WORLD_OBJECT;
        break;
    case SCHED_CRC:
        break;
    }
}

void
world_kill(struct world *w, struct rng *r)
{
    uint32_t n, u;
    size_t i;

    for (i = 0; i < w->flights; i++)
        lose(w, &w->flight[i], rng_next(r) % 2);
    w->flights = 0;
    w->calls = w->bodies = w->reads = w->lookups = 0;
    w->memory = 0;
    w->probed = false;
    for (u = 0; u < w->uploads; u++)
        if (w->upload[u] == WORLD_OPEN && rng_next(r) % 8 == 0)
            w->upload[u] = WORLD_NONE; /* somebody aborted it */
    if (w->upload[archive(w)] == WORLD_OBJECT)
        w->upload[archive(w)] = WORLD_NONE; /* a PUT, once more */
    for (n = 0; n < w->parts; n++) {
        if (w->upload[w->of[n]] == WORLD_NONE)
            w->part[n] = WORLD_AWAY;
        w->times[n] = w->part[n] == WORLD_THERE;
    }
    for (i = 0; i < w->l->count; i++) {
        w->known[i] &= rng_next(r) % 2;
        w->excused[i] = 0;
        w->asked[2 * i] = w->asked[2 * i + 1] = 0;
    }
    sched_free(w->s);
    w->s = NULL;
}

/* ---------------------------------------------------------------- judges */

static bool
is_ranged(const struct world *w, const struct plan_part *pp)
{
    if (pp->kind == PLAN_COPY)
        return plan_part_len(pp) != w->l->member[pp->member].size;
    return pp->kind == PLAN_COPY_PREVIOUS && w->previous &&
           plan_part_len(pp) != w->previous->size;
}

static bool
is_probe(const struct world *w, uint32_t n)
{
    const struct plan_part *pp = world_plan(w, n);

    return w->of[n] == archive(w) && pp->end > pp->first && is_ranged(w, pp);
}

static void
judge_part(struct world *w, const struct sched_task *t)
{
    const struct plan_part *pp = world_plan(w, t->part);

    if (t->part >= w->parts || t->plan != pp || t->upload != w->of[t->part])
        world_fail(w, "part %u is another", t->part);
    if (w->times[t->part]++ || w->part[t->part] != WORLD_AWAY)
        world_fail(w, "part %u twice", t->part);
    if (!w->needed[t->upload])
        world_fail(w, "part %u of upload %u, which nobody needs", t->part,
                   t->upload);
    if (t->number < 1 ||
        world_plan(w, t->part - (t->number - 1)) !=
            plan_upload_parts(w->plan, t->upload, &(size_t){0}))
        world_fail(w, "part %u has number %u", t->part, t->number);
    if (pp->kind == PLAN_COPY_SCRATCH &&
        w->upload[pp->scratch] != WORLD_OBJECT)
        world_fail(w, "part %u: its source is not there", t->part);
    if (t->kind != SCHED_PUT && w->upload[t->upload] != WORLD_OPEN)
        world_fail(w, "part %u: its upload is not open", t->part);
    if ((t->kind == SCHED_COPY) != (pp->kind != PLAN_UPLOAD))
        world_fail(w, "part %u: of another kind", t->part);
    w->part[t->part] = WORLD_BUSY;
}

static uint32_t
probes_left(const struct world *w)
{
    uint32_t n, left = 0;

    for (n = (uint32_t)w->plan->scratch_parts; n < w->parts; n++)
        left += is_probe(w, n) && w->part[n] != WORLD_THERE;
    return left;
}

static void
judge_body(struct world *w, const struct sched_task *t)
{
    judge_part(w, t);
    if (t->memory !=
        (plan_part_len(t->plan) > SCHED_LIGHT ? plan_part_len(t->plan) : 0))
        world_fail(w, "part %u: memory", t->part);
    if (t->kind == SCHED_PUT) {
        if (w->upload[t->upload] != WORLD_NONE)
            world_fail(w, "upload %u: put twice", t->upload);
        w->upload[t->upload] = WORLD_CREATING;
    }
    if (t->memory == 0)
        return;
    if (!w->facts.trusted && w->facts.checksum && !w->probed &&
        probes_left(w) > 0)
        world_fail(w, "part %u before a ranged copy", t->part);
    w->bodies++;
    w->reads++;
    w->memory += t->memory;
    if (w->memory > w->lim.memory && w->bodies > 1)
        world_fail(w, "%u bodies in too much memory", w->bodies);
    if (w->bodies > w->lim.uploads || w->reads > w->lim.reads)
        world_fail(w, "%u bodies, %u of them read", w->bodies, w->reads);
}

static void
judge_complete(struct world *w, const struct sched_task *t)
{
    uint32_t n;

    if (w->upload[t->upload] != WORLD_OPEN || t->upload == archive(w))
        world_fail(w, "upload %u cannot be completed", t->upload);
    for (n = 0; n < w->parts; n++)
        if (w->of[n] == t->upload && w->part[n] != WORLD_THERE)
            world_fail(w, "upload %u without part %u", t->upload, n);
    w->upload[t->upload] = WORLD_COMPLETING;
}

static void
judge_delete(struct world *w, const struct sched_task *t)
{
    uint32_t i, n;

    if (t->count < 1 || t->count > w->lim.batch)
        world_fail(w, "%u objects deleted", t->count);
    sched_batch(w->s, t, w->batches);
    for (i = 0; i < t->count; i++) {
        uint32_t u = w->batches[i];

        if (w->upload[u] != WORLD_OBJECT)
            world_fail(w, "object %u deleted, which is not there", u);
        w->upload[u] = WORLD_DELETING;
        for (n = 0; n < w->parts; n++)
            if (world_plan(w, n)->kind == PLAN_COPY_SCRATCH &&
                world_plan(w, n)->scratch == u && w->needed[w->of[n]] &&
                w->part[n] != WORLD_THERE)
                world_fail(w, "object %u deleted before part %u", u, n);
    }
}

static void
judge_crc(struct world *w, const struct sched_task *t)
{
    if (w->known[t->member] || w->l->member[t->member].size == 0)
        world_fail(w, "member %u asked, but known", t->member);
    if (t->cheap && w->l->member[t->member].hint == ZIP_HINT_OTHER)
        world_fail(w, "member %u asked for what is not stored", t->member);
    if (w->asked[2 * t->member + !t->cheap]++)
        world_fail(w, "member %u asked twice", t->member);
    w->lookups++;
    if (w->lookups > w->lim.lookups)
        world_fail(w, "%u lookups", w->lookups);
    if (w->lookups > w->most_lookups)
        w->most_lookups = w->lookups;
}

static void
judge(struct world *w, const struct sched_task *t)
{
    w->count[t->kind]++;
    switch (t->kind) {
    case SCHED_CRC:
        judge_crc(w, t);
        return;
    case SCHED_UPLOAD:
    case SCHED_PUT:
        judge_body(w, t);
        if (t->memory > 0)
            return;
        break;
    case SCHED_COPY:
        judge_part(w, t);
        break;
    case SCHED_CREATE:
        if (w->upload[t->upload] != WORLD_NONE || !w->needed[t->upload] ||
            w->made[t->upload])
            world_fail(w, "upload %u created", t->upload);
        w->upload[t->upload] = WORLD_CREATING;
        break;
    case SCHED_COMPLETE:
        judge_complete(w, t);
        break;
    case SCHED_DELETE:
        judge_delete(w, t);
        break;
    }
    w->calls++;
    if (w->calls > w->lim.calls)
        world_fail(w, "%u calls", w->calls);
    if (w->calls > w->most_calls)
        w->most_calls = w->calls;
}

/* A place that is free is used, if there is something to use it for. */
static void
judge_turn(struct world *w, enum sched_turn turn)
{
    struct sched_counts c;

    sched_counts(w->s, &c);
    if (c.calls != w->calls || c.uploads != w->bodies || c.reads != w->reads ||
        c.lookups != w->lookups || c.memory != w->memory)
        world_fail(w, "counts");
    if (turn == SCHED_STUCK || (turn == SCHED_WAIT && w->flights == 0))
        world_fail(w, "stuck with %u parts left", c.parts_left);
    if (c.calls_held > 0 && w->calls < w->lim.calls)
        world_fail(w, "%u calls, and %u held back", w->calls, c.calls_held);
}

enum sched_turn
world_take(struct world *w)
{
    enum sched_turn turn;
    struct sched_task t;

    while ((turn = sched_next(w->s, &t)) == SCHED_TASK) {
        judge(w, &t);
        if (w->flights == w->cap) {
            w->cap = w->cap ? 2 * w->cap : 64;
            w->flight = realloc(w->flight, w->cap * sizeof(*w->flight));
            assert_non_null(w->flight);
        }
        w->flight[w->flights++] = t;
    }
    if (!w->facts.shared)
        judge_turn(w, turn);
    return turn;
}

/* ----------------------------------------------------------------- read */

static void
tell_donations(struct world *w, const struct sched_task *t)
{
    struct sched_told told;
    unsigned i;

    for (i = 0; i < 2; i++) {
        const struct sched_donation *d = &t->donation[i];
        uint64_t body;

        if (d->end == d->first)
            continue;
        body = zip_data_offset(w->l, d->member);
        if (d->first < t->plan->first || d->end > t->plan->end ||
            d->first < body || d->end > w->l->offset[d->member + 1])
            world_fail(w, "part %u: donation elsewhere", t->part);
        if (sched_donated(
                w->s, t, i,
                world_crc(w, d->member, d->first - body, d->end - body),
                &told))
            judge_told(w, &told);
    }
}

/* The reader fetches such a body whole, before it makes the header. */
static bool
is_read_whole(const struct world *w, const struct plan_part *pp, size_t m)
{
    return !w->copied[m] && w->l->member[m].size <= PLAN_FETCH &&
           w->l->offset[m] < pp->end && zip_data_offset(w->l, m) > pp->first;
}

static void
judge_headers(struct world *w, uint32_t n)
{
    const struct plan_part *pp = world_plan(w, n);
    struct zip_piece z;
    bool more = pp->end > pp->first;

    if (more)
        zip_piece_at(w->l, pp->first, &z);
    for (; more && z.first < pp->end; more = zip_piece_next(w->l, &z)) {
        if (z.kind != ZIP_PIECE_LOC && z.kind != ZIP_PIECE_CDH)
            continue;
        if (is_read_whole(w, pp, z.index))
            w->known[z.index] = true;
        if (!w->known[z.index] && !w->excused[z.index] &&
            w->l->member[z.index].size > 0 && !w->facts.shared)
            world_fail(w, "part %u: the CRC of member %u is not known", n,
                       (unsigned)z.index);
    }
}

static void
read_bytes(struct world *w, const struct sched_task *t)
{
    tell_donations(w, t);
    judge_headers(w, t->part);
}

void
world_read(struct world *w, size_t i)
{
    const struct sched_task *t = &w->flight[i];

    read_bytes(w, t);
    w->part[t->part] = WORLD_READ;
    w->reads -= t->memory > 0;
    sched_read(w->s, t);
}

/* ------------------------------------------------------- done and failed */

static void
take_out(struct world *w, size_t i)
{
    const struct sched_task *t = &w->flight[i];

    if (t->kind == SCHED_CRC) {
        w->lookups--;
    } else if (t->memory > 0) {
        w->bodies--;
        w->reads -= w->part[t->part] == WORLD_BUSY;
        w->memory -= t->memory;
    } else {
        w->calls--;
    }
    w->flight[i] = w->flight[--w->flights];
}

static void
answer(struct world *w, const struct sched_task *t, struct sched_answer *a)
{
    const struct plan_part *pp = t->plan;
    bool checksum = t->upload == archive(w) ? w->facts.checksum
                                            : w->facts.scratch_checksum;

    if (t->kind == SCHED_COPY && checksum && w->copies_answer) {
        a->have_crc = true;
        if (pp->kind == PLAN_COPY && pp->pad == 0)
            a->crc = world_crc(w, pp->member, pp->from,
                               pp->from + plan_part_len(pp));
    }
    if (t->kind == SCHED_CRC) {
        a->have_crc = t->cheap ? w->stored[t->member] : t->member % 16 != 3;
        w->known[t->member] |= a->have_crc;
        w->excused[t->member] |= !a->have_crc && !t->cheap;
    }
}

void
world_done(struct world *w, size_t i)
{
    struct sched_task t = w->flight[i];
    struct sched_answer a = {0};
    struct sched_told told;
    uint32_t k;

    if ((t.kind == SCHED_UPLOAD || t.kind == SCHED_PUT) &&
        w->part[t.part] == WORLD_BUSY)
        read_bytes(w, &t);
    take_out(w, i);
    answer(w, &t, &a);
    if (t.plan)
        w->part[t.part] = WORLD_THERE;
    if (t.kind == SCHED_COPY && t.plan->kind == PLAN_COPY_SCRATCH &&
        w->upload[t.plan->scratch] != WORLD_OBJECT)
        world_fail(w, "part %u: its source went", t.part);
    w->probed |= t.kind == SCHED_COPY && is_probe(w, t.part);
    if (t.kind == SCHED_CREATE)
        w->upload[t.upload] = WORLD_OPEN;
    if (t.kind == SCHED_COMPLETE || t.kind == SCHED_PUT) {
        w->upload[t.upload] = WORLD_OBJECT;
        w->made[t.upload] = true;
    }
    if (t.kind == SCHED_DELETE) {
        sched_batch(w->s, &t, w->batches);
        for (k = 0; k < t.count; k++)
            w->upload[w->batches[k]] = WORLD_NONE;
    }
    if (sched_done(w->s, &t, &a, &told))
        judge_told(w, &told);
}

void
world_failed(struct world *w, size_t i)
{
    struct sched_task t = w->flight[i];

    take_out(w, i);
    w->count[t.kind]--;
    if (t.kind == SCHED_CRC) {
        w->asked[2 * t.member + !t.cheap]--;
    } else if (t.plan) {
        w->times[t.part]--;
    }
    lose(w, &t, false);
    sched_failed(w->s, &t);
}

void
world_over(struct world *w)
{
    struct sched_counts c;
    uint32_t n, u;

    sched_counts(w->s, &c);
    if (c.parts_left > 0 || c.archive_left > 0 || c.objects > 0)
        world_fail(w, "over with %u parts left", c.parts_left);
    for (n = 0; n < w->parts; n++)
        if (w->needed[w->of[n]] && w->part[n] != WORLD_THERE)
            world_fail(w, "over without part %u", n);
    for (u = 0; u + 1 < w->uploads; u++) {
        if (w->upload[u] == WORLD_OBJECT)
            world_fail(w, "object %u stays", u);
        if (w->upload[u] == WORLD_OPEN && w->needed[u])
            world_fail(w, "upload %u stays", u);
        if ((sched_upload_state(w->s, u) == SCHED_OPEN) !=
            (w->upload[u] == WORLD_OPEN))
            world_fail(w, "upload %u: state", u);
    }
}
