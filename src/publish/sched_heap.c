/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A binary heap of numbers, for the scheduler: the most urgent is id[0].
 * Its room was allocated before the start, so that a step cannot fail.
 */
#include "publish/sched_impl.h"

void
heap_push(struct heap *h, const struct sched *s, uint32_t id)
{
    uint32_t at = h->count++, up;

    for (; at > 0; at = up) {
        up = (at - 1) / 2;
        if (!h->before(s, id, h->id[up]))
            break;
        h->id[at] = h->id[up];
    }
    h->id[at] = id;
}

void
heap_pop(struct heap *h, const struct sched *s)
{
    uint32_t id = h->id[--h->count], at = 0, down;

    for (; (down = 2 * at + 1) < h->count; at = down) {
        if (down + 1 < h->count && h->before(s, h->id[down + 1], h->id[down]))
            down++;
        if (!h->before(s, h->id[down], id))
            break;
        h->id[at] = h->id[down];
    }
    h->id[at] = id;
}
