/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Which place of a stream a read belongs to, whether it goes forward, and
 * how far ahead of it to be.  Under pool->lock.
 */
#include "read/impl.h"

#define GAP_NEW KIB(256) /* a second read so near goes forward */
#define GAP_RUN MIB(2)   /* the kernel's read-ahead comes out of order */
#define BACK_RUN MIB(8)
#define BACK_PASSED MIB(48)
#define BACK_FLIGHT MIB(96)
#define TARGET_FIRST MIB(1)
#define GROW_MS 10 /* the shortest time that gives a rate */
#define PLATEAU 3  /* steps without a gain */
#define LINES 6    /* times what the line holds keep it busy */
#define UNIT_MIN KIB(256)
#define PAGE 4096u

/* ------------------------------------------------------------ placing */

static uint64_t
distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* Nobody but the kernel's read-ahead asks for so much at a time: a window
 * of up to 32 MiB (16 MiB in bdi/read_ahead_kb, doubled by
 * POSIX_FADV_SEQUENTIAL), in requests of 1 MiB that come in any order. */
static uint64_t
disorder(uint64_t length)
{
    return length >= KIB(512) ? length * 40 : length * 4;
}

/* What was fetched ahead belongs anyway. */
static bool
belongs(const struct cursor *c, uint64_t offset, uint64_t length)
{
    uint64_t gap = max_u64(c->run > 1 ? GAP_RUN : GAP_NEW, disorder(length));
    uint64_t back = max_u64(c->run > 1 ? BACK_RUN : GAP_NEW, disorder(length));

    return c->run && offset + gap >= c->start && offset + back >= c->pos &&
           (offset <= c->pos + gap || offset < c->ahead);
}

static struct cursor *
find_cursor(struct read_stream *s, uint64_t offset, uint64_t length)
{
    struct cursor *best = NULL, *c;
    int i;

    for (i = 0; i < READ_CURSORS; i++) {
        c = &s->cursor[i];
        if (!belongs(c, offset, length))
            continue;
        if (!best || distance(c->pos, offset) < distance(best->pos, offset))
            best = c;
    }
    return best;
}

/* Is a better to be used for something else than b?  Unused ones first,
 * then single reads, then what rested longest: a run must survive the odd
 * page that the kernel reads again. */
static bool
sooner(const struct cursor *a, const struct cursor *b)
{
    unsigned ra = a->run < 2 ? a->run : 2, rb = b->run < 2 ? b->run : 2;

    return ra != rb ? ra < rb : a->used < b->used;
}

static struct cursor *
oldest_cursor(struct read_stream *s)
{
    struct cursor *old = &s->cursor[0];
    int i;

    for (i = 1; i < READ_CURSORS; i++)
        if (sooner(&s->cursor[i], old))
            old = &s->cursor[i];
    return old;
}

static void
drop_claims(struct cursor *c, struct todo *t)
{
    struct claim *cl;

    while ((cl = TAILQ_FIRST(&c->claims)))
        unit_unclaim(cl, t);
}

static void
rest(struct cursor *c, struct todo *t)
{
    struct read_pool *p = c->stream->reader->pool;

    drop_claims(c, t);
    if (c->active)
        TAILQ_REMOVE(&p->cursors, c, link);
    c->active = false;
}

unsigned
cursor_drop(struct cursor *c, struct todo *t, uint64_t *ret)
{
    unsigned i, n = 0;

    rest(c, t);
    for (i = 0; i < READ_CLIMBS; i++) {
        if (c->climb[i])
            ret[n++] = c->climb[i];
        c->climb[i] = 0;
    }
    c->run = 0;
    c->waiting = 0;
    c->epoch++;
    return n;
}

/* Does the range begin with a local header, give or take a page? */
static bool
at_header(const struct zip_layout *l, uint64_t offset)
{
    struct zip_piece pc;

    zip_piece_at(l, offset, &pc);
    return pc.kind == ZIP_PIECE_LOC ||
           (pc.kind == ZIP_PIECE_DATA && pc.index + 1 < l->count &&
            pc.end - offset < PAGE);
}

/* A few pages behind a run: the kernel reads them once more, now and
 * then; nobody begins a member there. */
static bool
read_again(const struct read_stream *s, const struct op *o, uint64_t now)
{
    const struct cursor *c;
    int i;

    for (i = 0; i < READ_CURSORS; i++) {
        c = &s->cursor[i];
        if (c->run > 1 && !cursor_idle(c, now) && o->offset >= c->start &&
            o->end <= c->pos)
            return o->end - o->offset <= KIB(64);
    }
    return false;
}

static void
begin_run(struct cursor *c, const struct op *o, uint64_t now)
{
    c->start = o->offset;
    c->pos = o->end;
    c->run = 1;
    c->ahead = 0;
    c->target = TARGET_FIRST;
    c->grown_pos = o->offset;
    c->grown_ms = now;
    c->best_rate = 0;
    c->plateau = 0;
    c->climb_member = 0;
}

static void
activate(struct cursor *c, uint64_t now)
{
    struct read_pool *p = c->stream->reader->pool;

    if (c->active)
        TAILQ_REMOVE(&p->cursors, c, link);
    TAILQ_INSERT_HEAD(&p->cursors, c, link);
    c->active = true;
    c->used_ms = now;
}

bool
cursor_idle(const struct cursor *c, uint64_t now)
{
    /* (now may be of another cursor, and before) */
    return !c->waiting && now > c->used_ms + READ_IDLE_MS;
}

void
cursor_leave(struct op *o)
{
    struct cursor *c = STEAL(o->cursor);

    if (!c || c->epoch != o->epoch)
        return;
    c->waiting--;
    if (c->active)
        activate(c, net_now_ms());
}

/* Those that rest give up what they claimed. */
uint64_t
cursor_share(struct read_pool *p, uint64_t now)
{
    uint64_t n = 0;
    struct cursor *c;

    TAILQ_FOREACH(c, &p->cursors, link) {
        n += c->run > 1 && !cursor_idle(c, now);
    }
    return p->ahead_max / (n ? n : 1);
}

/* What the line holds is not enough: answers that were asked for together
 * come together, and what was needed first is the last of them. */
uint64_t
cursor_reach(const struct read_pool *p, uint64_t share)
{
    uint64_t line = LINES * p->line.rate / 1000 * p->line.first_ms;
    uint64_t part = line / (p->ahead_max / share ? p->ahead_max / share : 1);

    return min_u64(max_u64(share, part), 2 * share);
}

static void
rest_idle(struct read_pool *p, uint64_t now, struct todo *t)
{
    struct cursor *c, *next;

    for (c = TAILQ_FIRST(&p->cursors); c; c = next) {
        next = TAILQ_NEXT(c, link);
        if (cursor_idle(c, now))
            rest(c, t);
    }
}

/* What was read to its end is given up then (cursor_note); here goes what
 * was jumped over, once no request out of order will ask for it: later, if
 * a fetch would have to be aborted for that. */
static void
pass(struct cursor *c, struct todo *t)
{
    uint64_t slack =
        min_u64(BACK_PASSED, c->stream->reader->pool->conf.memory / 4);
    struct claim *cl;
    uint64_t end;

    while ((cl = TAILQ_FIRST(&c->claims))) {
        end = unit_at(cl->unit) + cl->unit->length;
        if (end + (cl->unit->state == UNIT_DONE ? slack : BACK_FLIGHT) >
            c->pos)
            return;
        unit_unclaim(cl, t);
    }
}

static uint64_t
unit_limit(struct read_pool *p, uint64_t now)
{
    uint64_t limit = cursor_share(p, now) / 2 / READ_CHUNK * READ_CHUNK;

    return min_u64(max_u64(limit, UNIT_MIN), p->unit_max);
}

unsigned
cursor_place(struct read_stream *s, struct op *o, uint64_t now, struct todo *t,
             uint64_t *ret)
{
    struct read_pool *p = s->reader->pool;
    struct cursor *c;
    unsigned n = 0;

    o->limit = p->unit_max;
    if (o->flags & READ_EXACT)
        return 0;
    rest_idle(p, now, t);
    c = find_cursor(s, o->offset, o->end - o->offset);
    if (!c) {
        c = oldest_cursor(s);
        n = cursor_drop(c, t, ret);
        begin_run(c, o, now);
        o->first_of_run = true;
        o->seen = o->offset;
        o->forward = at_header(&s->reader->layout->zip, o->offset) &&
                     !read_again(s, o, now);
    } else {
        o->seen = c->pos;
        c->run += o->end > c->pos || o->offset < c->start;
        c->start = min_u64(c->start, o->offset);
        c->pos = max_u64(c->pos, o->end);
        o->forward = c->run > 1;
    }
    c->used_ms = now;
    c->used = o->id;
    if (o->forward)
        activate(c, now);
    pass(c, t);
    o->limit = unit_limit(p, now);
    o->run_start = c->start;
    o->cursor = c;
    o->epoch = c->epoch;
    c->waiting++;
    return n;
}

/* ------------------------------------------------------- after reserving */

/* False: more ahead would not make it faster. */
static bool
growth_helps(struct cursor *c, uint64_t bytes, uint64_t ms)
{
    uint64_t rate;

    if (ms < GROW_MS) /* asked for in one go: says nothing of the speed */
        return c->plateau <= PLATEAU;
    rate = bytes * 1000 / ms;
    if (rate > c->best_rate + c->best_rate / 16) {
        c->best_rate = rate;
        c->plateau = 0;
        return true;
    }
    if (++c->plateau <= PLATEAU)
        return true;
    if (ms < 1000)
        return false;
    c->plateau = 0;
    c->best_rate -= c->best_rate / 4;
    return true;
}

/* Doubles while the reader has to wait and it helps. */
static void
grow(struct cursor *c, uint64_t now)
{
    uint64_t bytes = c->pos - c->grown_pos;
    struct read_pool *p = c->stream->reader->pool;
    uint64_t most = cursor_reach(p, cursor_share(p, now));

    if (bytes < c->target / 4 || c->target >= most ||
        !growth_helps(c, bytes, now - c->grown_ms))
        return;
    c->target = min_u64(c->target * 2, most);
    c->grown_pos = c->pos;
    c->grown_ms = now;
}

void
cursor_note(struct op *o, struct todo *t)
{
    struct cursor *c = o->cursor;
    struct claim *cl;
    struct unit *u;
    size_t i;

    if (!c || c->epoch != o->epoch || !c->active)
        return;
    for (i = 0; i < o->slices && o->forward; i++) {
        u = o->slice[i].unit;
        cl = unit_claim(c, u);
        if (!cl)
            break;
        c->ahead = max_u64(c->ahead, unit_at(u) + u->length);
        cl->got += o->slice[i].len;
        if (cl->got >= u->length)
            unit_unclaim(cl, t); /* the op's pins hold it until then */
    }
    if (c->run > 1 && o->waited)
        grow(c, c->used_ms);
}
