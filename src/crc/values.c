/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Values that are known.  Must not know who waits or where values are kept.
 */
#include "crc/impl.h"

bool
crc_peek(struct crc_set *s, size_t member, uint32_t *ret)
{
    if (set_member(s, member)->size == 0) {
        *ret = 0;
        return true;
    }
    if (!bit_get(s->known, member))
        return false;
    *ret = atomic_load_explicit(&s->value[member], memory_order_relaxed);
    return true;
}

size_t
crc_known(struct crc_set *s)
{
    return atomic_load(&s->known_count);
}

bool
crc_was_read(struct crc_set *s, size_t member)
{
    return bit_get(s->was_read, member);
}

void
crc_copies(struct crc_set *s, size_t member)
{
    bit_set(s->copies, member);
}

void
crc_copies_end(struct crc_set *s)
{
    size_t i;

    for (i = 0; i <= s->count / 64; i++)
        atomic_store_explicit(&s->copies[i], 0, memory_order_release);
}

void
set_store(struct crc_set *s, size_t member, uint32_t v, bool write)
{
    atomic_store_explicit(&s->value[member], v, memory_order_relaxed);
    if (!bit_set(s->known, member)) {
        atomic_fetch_add(&s->known_count, 1);
        atomic_fetch_add(&s->crc->known, 1);
    }
    if (write && set_member(s, member)->etag_len)
        set_mark_dirty(s, member);
}
