/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The bump allocator of arena.h.
 */
#include "base/arena.h"

#include <string.h>

#include "base/check.h"

enum { BLOCK_SIZE = 256 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    char data[];
};

static struct arena_block *
block_new(struct arena *a, size_t n)
{
    size_t size = n > BLOCK_SIZE / 4 ? n : BLOCK_SIZE;
    struct arena_block *b = malloc(sizeof(*b) + size);

    if (!b)
        return NULL;
    b->used = 0;
    b->size = size;
    a->bytes += sizeof(*b) + size;
    /* An oversized block goes behind the head, which still has room. */
    if (a->head && size != BLOCK_SIZE) {
        b->next = a->head->next;
        a->head->next = b;
    } else {
        b->next = a->head;
        a->head = b;
    }
    return b;
}

char *
arena_alloc(struct arena *a, size_t n)
{
    struct arena_block *b = a->head;
    char *p;

    if (!b || b->size - b->used < n)
        b = block_new(a, n);
    if (!b)
        return NULL;
    p = b->data + b->used;
    b->used += n;
    return p;
}

char *
arena_dup(struct arena *a, const void *p, size_t n)
{
    char *copy = arena_alloc(a, n + 1);

    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

void
arena_free(struct arena *a)
{
    struct arena_block *b, *next;

    for (b = a->head; b; b = next) {
        next = b->next;
        free(b);
    }
    a->head = NULL;
    a->bytes = 0;
}
