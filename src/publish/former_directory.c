/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A former archive as its own central directory tells of it.  Directories
 * have no ETags: what stands in for one is a CRC-32 that is known today.
 * Fetches nothing.
 */
#include "publish/former_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* Today's members by name. */
static int
by_name(const void *a, const void *b, void *layout)
{
    const struct zip_member *m = ((const struct zip_layout *)layout)->member;

    return zip_member_name_cmp(&m[*(const uint32_t *)a],
                               &m[*(const uint32_t *)b]);
}

static uint32_t *
sort_names(const struct zip_layout *l)
{
    uint32_t *index = calloc(l->count + 1, sizeof(*index));
    size_t i;

    for (i = 0; index && i < l->count; i++)
        index[i] = (uint32_t)i;
    if (index)
        qsort_r(index, l->count, sizeof(*index), by_name,
                (void *)(uintptr_t)l);
    return index;
}

/* The member of that name, or count. */
static size_t
find_name(const struct zip_layout *l, const uint32_t *index,
          const struct zip_member *name)
{
    size_t low = 0, high = l->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = zip_member_name_cmp(&l->member[index[mid]], name);

        if (c == 0)
            return index[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return l->count;
}

/* A header's mtime is clamped to 32 bits: what lies beyond differs, which
 * is safe. */
static bool
is_same(const struct former *f, size_t i, const struct zip_member *m,
        size_t member, const struct former_peek *peek)
{
    uint32_t crc;

    return m->size == f->member[i].size && m->mtime == f->member[i].mtime &&
           peek->crc(peek->user, member, &crc) && crc == f->crc[i];
}

static int
lend_etags(struct former *f, const struct former_peek *peek)
{
    const struct zip_layout *l = &f->today->zip;
    CLEANUP_FREE uint32_t *index = sort_names(l);
    size_t i, k;

    if (!index)
        return -ENOMEM;
    for (i = 0; i < f->zip.count; i++) {
        k = find_name(l, index, &f->member[i]);
        if (k == l->count || !is_same(f, i, &l->member[k], k, peek))
            continue;
        f->member[i].etag = l->member[k].etag;
        f->member[i].etag_len = l->member[k].etag_len;
    }
    return 0;
}

int
former_from_directory(struct former **ret, char *directory,
                      const struct zip_end *end, uint64_t size,
                      struct layout *today, const struct former_peek *peek)
{
    struct former *f = calloc(1, sizeof(*f));
    struct zip_directory d;
    int r;

    if (!f) {
        free(directory);
        return -ENOMEM;
    }
    f->bytes = directory;
    f->today = layout_ref(today);
    r = end->count > FORMER_MEMBERS || end->cd_size > FORMER_RAW_MAX
            ? -EBADMSG
            : zip_directory_parse(&d, directory, end, size);
    if (r == 0) {
        f->zip = d.layout;
        f->member = d.member;
        f->crc = d.crc;
        r = lend_etags(f, peek);
    }
    if (r == 0)
        *ret = f;
    else
        former_free(f);
    return r;
}
