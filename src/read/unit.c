/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Units: the index by (reader, member), pins, claims, lists, and who
 * frees them.  Must not know S3.
 */
#include "read/impl.h"

uint64_t
unit_at(const struct unit *u)
{
    return reader_body_at(u->reader, u->member) + u->first;
}

static struct unit **
hash_slot(const struct reader *r, size_t member)
{
    uint64_t x = (uintptr_t)r / 64 + member;

    x *= UINT64_C(0x9e3779b97f4a7c15);
    return &r->pool->hash[x >> 51];
}

struct unit *
unit_find(struct reader *r, size_t member, uint64_t at, uint64_t *ret_next)
{
    struct unit *u = *hash_slot(r, member);
    uint64_t next = UINT64_MAX;

    for (; u; u = u->hash_next) {
        if (u->member != member || u->reader != r)
            continue;
        if (at >= u->first && at < unit_end(u))
            return u;
        if (u->first > at)
            next = min_u64(next, u->first);
    }
    *ret_next = next;
    return NULL;
}

uint64_t
unit_charge(uint64_t length)
{
    if (length <= READ_HEAP)
        return (length + sizeof(struct unit) + 64) | 255;
    return ceil_div_u64(length, READ_CHUNK) * READ_CHUNK;
}

static size_t
chunks_of(uint64_t length)
{
    return length <= READ_HEAP ? 0 : ceil_div_u64(length, READ_CHUNK);
}

static bool
alloc_buffer(struct read_pool *p, struct unit *u)
{
    size_t n = chunks_of(u->length);

    if (!n)
        return (u->heap = malloc(u->length)) != NULL;
    for (u->chunks = 0; u->chunks < n; u->chunks++) {
        u->chunk[u->chunks] = memory_chunk(p);
        if (!u->chunk[u->chunks])
            return false;
    }
    return true;
}

static void
free_buffer(struct read_pool *p, struct unit *u)
{
    free(STEAL(u->heap));
    while (u->chunks)
        memory_chunk_free(p, u->chunk[--u->chunks]);
}

static void
wait_for_memory(struct unit *u)
{
    struct read_pool *p = u->reader->pool;

    TAILQ_INSERT_TAIL(&p->early, u, early);
    p->early_count++;
    p->early_bytes += u->charge;
    u->waiting = true;
}

static void
wait_no_more(struct unit *u)
{
    struct read_pool *p = u->reader->pool;

    if (!u->waiting)
        return;
    TAILQ_REMOVE(&p->early, u, early);
    p->early_count--;
    p->early_bytes -= u->charge;
    u->waiting = false;
}

bool
unit_was_right(const struct unit *u, uint32_t *ret)
{
    struct reader *r = u->reader;
    uint32_t whole;

    return !u->twin && !u->whole && crc_peek(r->crcs, u->member, &whole) &&
           check_known(r->check, u->member, whole, u->first, u->length, ret);
}

struct unit *
unit_new(struct reader *r, size_t member, uint64_t first, uint64_t length,
         bool early)
{
    size_t n = chunks_of(length);
    struct unit *u = calloc(1, sizeof(*u) + n * sizeof(u->chunk[0]));
    struct unit **slot = hash_slot(r, member);
    uint32_t crc;

    if (!u)
        return NULL;
    u->length = length;
    u->charge = unit_charge(length);
    if (!early && !alloc_buffer(r->pool, u)) {
        free_buffer(r->pool, u);
        free(u);
        return NULL;
    }
    u->reader = r;
    u->member = member;
    u->first = first;
    u->whole = length == reader_body_size(r, member);
    u->twin = member == r->layout->zip.count ? r->twin : NULL;
    u->held = unit_was_right(u, &crc);
    pthread_mutex_init(&u->fill, NULL);
    LIST_INIT(&u->claims);
    TAILQ_INIT(&u->waiters);
    atomic_init(&u->wake_at, UINT64_MAX);
    atomic_init(&u->paid, !early);
    if (early)
        wait_for_memory(u);
    else
        memory_take(r->pool, u->charge);
    u->hash_next = *slot;
    *slot = u;
    u->indexed = true;
    LIST_INSERT_HEAD(&r->units, u, of_reader);
    return u;
}

/* Whoever pays for a unit need not keep the memory: the answer comes, and
 * then it can be dropped like any other. */
bool
unit_pay(struct unit *u, bool demand, struct todo *t)
{
    struct read_pool *p = u->reader->pool;
    struct claim *cl;

    if (atomic_load(&u->paid))
        return true;
    if (!memory_room(p, u->charge, demand, t))
        return false;
    if (!alloc_buffer(p, u)) {
        free_buffer(p, u);
        return false;
    }
    memory_take(p, u->charge);
    wait_no_more(u);
    u->start_ms = net_now_ms();
    LIST_FOREACH(cl, &u->claims, of_unit) {
        cl->cursor->early -= cl->early ? u->charge : 0;
        cl->early = false;
    }
    atomic_store(&u->paid, true);
    if (u->paused) {
        u->refs++;
        STAILQ_INSERT_TAIL(&t->resume, u, resume);
    }
    return true;
}

static void
delist(struct unit *u)
{
    struct read_pool *p = u->reader->pool;

    if (!u->listed)
        return;
    if (LIST_EMPTY(&u->claims))
        TAILQ_REMOVE(&p->behind, u, lru);
    else
        TAILQ_REMOVE(&p->ahead, u, lru);
    u->listed = false;
}

void
unit_relist(struct unit *u)
{
    struct read_pool *p = u->reader->pool;

    if (u->listed || !u->indexed || u->state != UNIT_DONE)
        return;
    if (LIST_EMPTY(&u->claims))
        TAILQ_INSERT_TAIL(&p->behind, u, lru);
    else
        TAILQ_INSERT_TAIL(&p->ahead, u, lru);
    u->listed = true;
}

void
unit_touch(struct unit *u)
{
    if (!u->listed)
        return;
    delist(u);
    unit_relist(u);
}

void
unit_forget(struct unit *u)
{
    struct unit **slot = hash_slot(u->reader, u->member);

    if (!u->indexed)
        return;
    wait_no_more(u);
    delist(u);
    while (*slot != u)
        slot = &(*slot)->hash_next;
    *slot = u->hash_next;
    LIST_REMOVE(u, of_reader);
    u->indexed = false;
}

void
unit_maybe_free(struct unit *u)
{
    struct read_pool *p = u->reader->pool;

    if (u->indexed || u->pins || u->refs || !LIST_EMPTY(&u->claims))
        return;
    if (atomic_load(&u->paid))
        memory_give(p, u->charge);
    free_buffer(p, u);
    pthread_mutex_destroy(&u->fill);
    free(u);
}

/* ------------------------------------------------------------ who wants */

void
unit_pin(struct unit *u)
{
    u->pins++;
}

void
unit_unpin(struct unit *u, struct todo *t)
{
    u->pins--;
    u->refs++;
    unit_unwanted(u, t);
    u->refs--;
    unit_maybe_free(u);
}

/* An aborted exchange costs its connection: little is let run to its
 * end. */
static bool
nearly_done(const struct unit *u)
{
    return u->state == UNIT_FETCHING &&
           u->length - atomic_load(&u->have) <= KIB(256) &&
           atomic_load(&u->have) > 0;
}

void
unit_unwanted(struct unit *u, struct todo *t)
{
    struct read_pool *p = u->reader->pool;

    if (u->pins || !LIST_EMPTY(&u->claims) || !u->indexed)
        return;
    if (u->state == UNIT_QUEUED) {
        STAILQ_REMOVE(&p->queue, u, unit, start);
        unit_forget(u);
    } else if (u->state == UNIT_FETCHING && !nearly_done(u)) {
        unit_forget(u);
        atomic_store(&u->cancelled, true);
        u->refs++;
        STAILQ_INSERT_TAIL(&t->cancel, u, cancel);
    }
}

/* NULL: out of memory. */
struct claim *
unit_claim(struct cursor *c, struct unit *u)
{
    struct claim *cl;

    LIST_FOREACH(cl, &u->claims, of_unit)
        if (cl->cursor == c)
            return cl;
    cl = calloc(1, sizeof(*cl));
    if (!cl)
        return NULL;
    delist(u);
    if (LIST_EMPTY(&u->claims))
        u->reader->pool->claimed += u->charge;
    cl->cursor = c;
    cl->unit = u;
    LIST_INSERT_HEAD(&u->claims, cl, of_unit);
    TAILQ_INSERT_TAIL(&c->claims, cl, of_cursor);
    c->claimed += u->charge;
    cl->early = !atomic_load(&u->paid);
    c->early += cl->early ? u->charge : 0;
    unit_relist(u);
    return cl;
}

void
unit_unclaim(struct claim *cl, struct todo *t)
{
    struct unit *u = cl->unit;

    delist(u);
    LIST_REMOVE(cl, of_unit);
    TAILQ_REMOVE(&cl->cursor->claims, cl, of_cursor);
    cl->cursor->claimed -= u->charge;
    cl->cursor->early -= cl->early ? u->charge : 0;
    if (LIST_EMPTY(&u->claims))
        u->reader->pool->claimed -= u->charge;
    free(cl);
    unit_relist(u);
    u->refs++;
    unit_unwanted(u, t);
    u->refs--;
    unit_maybe_free(u);
}

/* --------------------------------------------------------------- bytes */

uint8_t *
unit_bytes(struct unit *u, uint64_t off, uint64_t *ret_run)
{
    if (u->heap) {
        *ret_run = u->length - off;
        return u->heap + off;
    }
    *ret_run = min_u64(READ_CHUNK - off % READ_CHUNK, u->length - off);
    return u->chunk[off / READ_CHUNK] + off % READ_CHUNK;
}

/* What is there of a member that turned out wrong is not to be read.  Nor
 * is what has come whole and is not settled yet: it may be part of the sum
 * that was wrong, and would be part of no later one.  Who waits for it hears
 * so; who comes later does not find it. */
void
unit_drop_member(struct reader *r, size_t member)
{
    struct unit *u, *next;

    for (u = LIST_FIRST(&r->units); u; u = next) {
        next = LIST_NEXT(u, of_reader);
        if (u->member != member)
            continue;
        if (u->state == UNIT_FETCHING && atomic_load(&u->have) == u->length)
            u->doomed = true;
        else if (u->state != UNIT_DONE)
            continue;
        unit_forget(u);
        unit_maybe_free(u);
    }
}
