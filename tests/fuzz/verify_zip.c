/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip verify and extract: an archive that anybody may have written.
 */
#include "extract/dir.h"
#include "fuzz.h"

static struct input archive;

int
source_read(struct source *s, uint64_t offset, void *out, size_t n,
            struct err *e)
{
    (void)e;
    NEED(offset <= s->size && n <= s->size - offset);
    if (n)
        memcpy(out, archive.p + offset, n);
    return 0;
}

/* What extract does with an archive of others: bodies lie where it says,
 * and no two share a byte. */
static void
check_any(const struct zdir *d)
{
    struct err e = {0};
    uint32_t *order = zdir_order(d, &e);
    uint64_t k, last = 0, limit, body;

    NEED(order || e.num > 0);
    for (k = 0; order && k < d->count; k++) {
        const struct zentry *z = &d->entry[order[k]];
        size_t n = ZDIR_LOCAL_LEN + (size_t)z->name_len;
        void *copy = copy_of(archive.p + z->offset, n);

        NEED(z->offset >= last && z->offset + n <= archive.n);
        limit =
            k + 1 < d->count ? d->entry[order[k + 1]].offset : d->cd_offset;
        if (zdir_check_any(d, order[k], copy, limit, &body, &e) == 0) {
            NEED(body >= z->offset + n && body + z->packed <= limit);
            NEED(limit <= archive.n);
        }
        last = z->offset + n + z->packed;
        free(copy);
    }
    free(order);
}

static void
check_ours(const struct zdir *d)
{
    struct err e = {0};
    uint64_t i, n;
    void *copy;

    for (i = 0; i < d->count; i++) {
        n = zdir_local_len(d, i);
        NEED(d->entry[i].offset + n <= archive.n);
        NEED(zdir_name(d, i) + d->entry[i].name_len <= d->cd + d->cd_size);
        copy = copy_of(archive.p + d->entry[i].offset, (size_t)n);
        zdir_check_local(d, i, copy, &e);
        zdir_local_put(d, i, copy);
        NEED(zdir_check_local(d, i, copy, &e) == 0);
        free(copy);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = {.name = "fuzz", .size = size, .fd = -1};
    struct err e = {0};
    struct zdir d;
    int r;

    archive = (struct input){data, size};
    r = zdir_read(&d, &s, 100000, &e);
    NEED(r == 0 || (r < 0 && e.num > 0));
    if (r == 0)
        check_any(&d);
    if (r == 0 && zdir_check_ours(&d, &e) == 0)
        check_ours(&d);
    zdir_free(&d);
    return 0;
}
