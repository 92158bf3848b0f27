/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The budget: bytes counted, buffers that come from one arena of equal
 * chunks (so that no mixture of sizes can make the process larger than
 * the budget), and what is dropped when room is needed.  Must not know
 * why.
 */
#include "read/impl.h"

#include <errno.h>
#include <sys/mman.h>

#define HUGE_PAGE MIB(2)

int
memory_init(struct read_pool *p)
{
    uint64_t at;
    void *a;

    p->arena_chunks = p->budget / READ_CHUNK;
    p->free_chunk = calloc(p->arena_chunks, sizeof(*p->free_chunk));
    if (!p->free_chunk)
        return -ENOMEM;
    /* Address space only; pages come when they are written. */
    p->arena_size = p->arena_chunks * READ_CHUNK + HUGE_PAGE;
    a = mmap(NULL, p->arena_size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (a == MAP_FAILED) {
        free(STEAL(p->free_chunk));
        return -ENOMEM;
    }
    p->mapping = a;
    at = ((uintptr_t)a + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
    p->arena = (uint8_t *)a + (at - (uintptr_t)a);
    /* Fewer faults, and FUSE pins fewer pages: a tenth of all the CPU. */
    madvise(p->arena, p->arena_chunks * READ_CHUNK, MADV_HUGEPAGE);
    return 0;
}

void
memory_free(struct read_pool *p)
{
    if (p->mapping)
        munmap(p->mapping, p->arena_size);
    free(p->free_chunk);
}

/* Last freed, first used: few pages are touched by a small load. */
uint8_t *
memory_chunk(struct read_pool *p)
{
    if (p->free_count)
        return p->free_chunk[--p->free_count];
    if (p->fresh == p->arena_chunks)
        return NULL;
    return p->arena + READ_CHUNK * p->fresh++;
}

void
memory_chunk_free(struct read_pool *p, uint8_t *chunk)
{
    p->free_chunk[p->free_count++] = chunk;
    if (p->free_count < p->fresh)
        return;
    /* All of it is free: nothing is read, so give the pages back. */
    madvise(p->arena, p->fresh * READ_CHUNK, MADV_DONTNEED);
    p->free_count = p->fresh = 0;
}

void
memory_take(struct read_pool *p, uint64_t n)
{
    p->used += n;
    p->stats.memory_peak = max_u64(p->stats.memory_peak, p->used);
}

void
memory_give(struct read_pool *p, uint64_t n)
{
    p->used -= n;
}

/* What was read longest ago. */
static struct unit *
victim_behind(struct read_pool *p)
{
    struct unit *u;

    TAILQ_FOREACH(u, &p->behind, lru)
        if (!u->pins)
            return u;
    return NULL;
}

/* What came last is what its reader will need last. */
static struct unit *
victim_ahead(struct read_pool *p)
{
    struct unit *u;

    TAILQ_FOREACH_REVERSE(u, &p->ahead, unit_lru, lru)
        if (!u->pins)
            return u;
    return NULL;
}

static void
evict(struct unit *u, struct todo *t)
{
    struct claim *cl;
    uint64_t at = unit_at(u);

    u->refs++; /* not freed by the last claim */
    while ((cl = LIST_FIRST(&u->claims))) {
        /* Fetched again when its turn comes. */
        if (cl->cursor->ahead > at && at >= cl->cursor->pos)
            cl->cursor->ahead = at;
        unit_unclaim(cl, t);
    }
    unit_forget(u);
    u->refs--;
    unit_maybe_free(u);
}

bool
memory_room(struct read_pool *p, uint64_t n, bool demand, struct todo *t)
{
    struct unit *u;

    while (p->used + n > p->budget) {
        u = victim_behind(p);
        if (!u && demand)
            u = victim_ahead(p);
        if (!u)
            return false;
        evict(u, t);
    }
    return true;
}
