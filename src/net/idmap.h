/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Live things by their number: an intrusive hash of fixed size (a mount
 * has some hundred exchanges and timers alive at a time).  Allocates
 * nothing; the lock is the owner's.
 */
#ifndef S3ZIPFS_NET_IDMAP_H
#define S3ZIPFS_NET_IDMAP_H

#include <stddef.h>
#include <stdint.h>

#define IDMAP_BUCKETS 1024

struct idnode {
    uint64_t id;
    struct idnode *next;
};

struct idmap {
    struct idnode *bucket[IDMAP_BUCKETS];
};

static inline void
idmap_put(struct idmap *m, struct idnode *node)
{
    struct idnode **at = &m->bucket[node->id % IDMAP_BUCKETS];

    node->next = *at;
    *at = node;
}

static inline struct idnode *
idmap_get(const struct idmap *m, uint64_t id)
{
    struct idnode *node = m->bucket[id % IDMAP_BUCKETS];

    while (node && node->id != id)
        node = node->next;
    return node;
}

static inline void
idmap_remove(struct idmap *m, struct idnode *node)
{
    struct idnode **at = &m->bucket[node->id % IDMAP_BUCKETS];

    while (*at && *at != node)
        at = &(*at)->next;
    if (*at)
        *at = node->next;
}

#endif
