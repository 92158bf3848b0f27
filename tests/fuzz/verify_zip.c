/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip verify: an archive that anybody may have written.
 */
#include "cmd/cmd_verify_zip.h"
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

static void
check_locals(const struct zdir *d)
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
    r = zdir_read(&d, &s, &e);
    NEED(r == 0 || (r < 0 && e.num > 0));
    if (r == 0)
        check_locals(&d);
    zdir_free(&d);
    return 0;
}
