/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The ring of what is open.  Must not know what that is.
 */
#include "fs/fs_impl.h"

#include "base/cleanup.h"

void
fs_opens_init(struct fs *f)
{
    f->opens.prev = f->opens.next = &f->opens;
}

void
fs_opens_add(struct fs *f, struct fs_open *o)
{
    LOCK_SCOPE(&f->lock);
    o->next = &f->opens;
    o->prev = f->opens.prev;
    o->prev->next = o;
    f->opens.prev = o;
}

void
fs_opens_remove(struct fs *f, struct fs_open *o)
{
    LOCK_SCOPE(&f->lock);
    o->prev->next = o->next;
    o->next->prev = o->prev;
}

size_t
fs_opens_count(struct fs *f)
{
    const struct fs_open *o;
    size_t n = 0;

    LOCK_SCOPE(&f->lock);
    for (o = f->opens.next; o != &f->opens; o = o->next)
        n++;
    return n;
}

void
fs_opens_free(struct fs *f)
{
    struct fs_open *o;

    while ((o = f->opens.next) != &f->opens) {
        fs_opens_remove(f, o);
        o->close(o);
    }
}
