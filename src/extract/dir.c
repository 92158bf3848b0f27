/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Central directory and local headers of an archive that anybody may have
 * made: every offset and length is checked before it is used.  Must not
 * know what an entry's name is good for.
 */
#include "extract/dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

/* Of the directory, which is kept in memory; zentry.at has 32 bits. */
#define CD_MAX GIB(2)

const uint8_t *
zdir_name(const struct zdir *d, uint64_t i)
{
    return d->cd + d->entry[i].at + ZDIR_CENTRAL_LEN;
}

int
zdir_bad(const struct zdir *d, uint64_t i, const char *what, struct err *e)
{
    char name[200];

    return err_set(
        e, EIO, "entry %llu (%s): %s", (unsigned long long)i,
        text_escape(name, sizeof(name), zdir_name(d, i), d->entry[i].name_len),
        what);
}

void
zdir_free(struct zdir *d)
{
    free(d->cd);
    free(d->entry);
    free(d->end);
    *d = (struct zdir){0};
}

/* --------------------------------------------------- central directory */

/* The zip64 field holds the saturated ones, in this order. */
static const char *
read_zip64(struct zentry *z, const uint8_t *p, size_t n)
{
    uint64_t *field[] = {&z->size, &z->packed, &z->offset};
    size_t i;

    for (i = 0; i < ARRAY_SIZE(field); i++) {
        if (*field[i] != ZDIR_FULL32)
            continue;
        if (n < 8)
            return "zip64 field is too short";
        *field[i] = le64(p);
        p += 8;
        n -= 8;
    }
    return NULL;
}

static const char *
read_extra(struct zentry *z, const uint8_t *p, size_t n)
{
    bool wanted = z->size == ZDIR_FULL32 || z->packed == ZDIR_FULL32 ||
                  z->offset == ZDIR_FULL32;
    size_t len;

    while (wanted && n >= 4) {
        len = le16(p + 2);
        if (len > n - 4)
            return "an extra field is cut";
        if (le16(p) == ZDIR_EXTRA_ZIP64)
            return read_zip64(z, p + 4, len);
        p += 4 + len;
        n -= 4 + len;
    }
    return wanted ? "zip64 field is missing" : NULL;
}

/* Header, name and body lie before the directory. */
static const char *
check_place(const struct zdir *d, struct zentry *z)
{
    uint64_t end;

    if (!add_u64(z->offset, d->shift, &z->offset) ||
        !add_u64(z->offset, ZDIR_LOCAL_LEN + (uint64_t)z->name_len, &end) ||
        !add_u64(end, z->packed, &end) || end > d->cd_offset)
        return "reaches into the directory";
    return NULL;
}

static int
read_entry(struct zdir *d, uint64_t i, uint64_t *at, struct err *e)
{
    const uint8_t *p = d->cd + *at;
    struct zentry *z = &d->entry[i];
    uint64_t left = d->cd_size - *at;
    const char *what;

    if (left < ZDIR_CENTRAL_LEN || le32(p) != ZDIR_CENTRAL_SIG)
        return err_set(e, EIO, "entry %llu: no central header",
                       (unsigned long long)i);
    z->at = (uint32_t)*at;
    z->flags = le16(p + 8);
    z->method = le16(p + 10);
    z->name_len = le16(p + 28);
    z->extra_len = le16(p + 30);
    z->header =
        ZDIR_CENTRAL_LEN + (uint32_t)z->name_len + z->extra_len + le16(p + 32);
    if (left < z->header)
        return err_set(e, EIO, "entry %llu: the directory is cut",
                       (unsigned long long)i);
    z->crc = le32(p + 16);
    z->packed = le32(p + 20);
    z->size = le32(p + 24);
    z->offset = le32(p + 42);
    what = read_extra(z, p + ZDIR_CENTRAL_LEN + z->name_len, z->extra_len);
    if (!what && le16(p + 34) != 0 && le16(p + 34) != 0xffff)
        what = "on another disk";
    if (!what && z->method == ZDIR_STORED && z->packed != z->size &&
        !(z->flags & ZDIR_ENCRYPTED))
        what = "stored, but its sizes differ";
    if (!what)
        what = check_place(d, z);
    *at += z->header;
    return what ? zdir_bad(d, i, what, e) : 0;
}

static int
read_cd(struct zdir *d, struct source *s, uint64_t max, struct err *e)
{
    if (d->count > max || d->count > UINT32_MAX || d->cd_size > CD_MAX)
        return err_set(e, EFBIG,
                       "%llu entries, a directory of %llu bytes: beyond "
                       "max_entries, or 2 GiB",
                       (unsigned long long)d->count,
                       (unsigned long long)d->cd_size);
    d->cd = malloc(d->cd_size + 1);
    d->entry = calloc(d->count + 1, sizeof(*d->entry));
    if (!d->cd || !d->entry)
        return err_set(e, ENOMEM, "out of memory");
    return source_read(s, d->cd_offset, d->cd, d->cd_size, e);
}

int
zdir_read(struct zdir *d, struct source *s, uint64_t max, struct err *e)
{
    uint64_t at = 0, i;
    int r;

    *d = (struct zdir){0};
    r = zdir_read_end(d, s, e);
    if (r == 0)
        r = read_cd(d, s, max, e);
    for (i = 0; i < d->count && r == 0; i++)
        r = read_entry(d, i, &at, e);
    if (r == 0 && at != d->cd_size)
        r = err_set(e, EIO, "the directory is longer than its entries");
    return r;
}

/* ------------------------------------------------------------- overlaps */

static int
by_offset(const void *a, const void *b, void *user)
{
    const struct zentry *z = user;
    uint64_t x = z[*(const uint32_t *)a].offset;
    uint64_t y = z[*(const uint32_t *)b].offset;

    return x < y ? -1 : x > y;
}

/* Entries that share bytes are how a small archive unpacks to petabytes
 * (Fifield, "A better zip bomb", 2019). */
uint32_t *
zdir_order(const struct zdir *d, struct err *e)
{
    uint32_t *order = malloc((d->count + 1) * sizeof(*order));
    const struct zentry *z;
    uint64_t i;

    if (!order) {
        err_set(e, ENOMEM, "out of memory");
        return NULL;
    }
    for (i = 0; i < d->count; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, d->count, sizeof(*order), by_offset, d->entry);
    for (i = 1; i < d->count; i++) {
        z = &d->entry[order[i - 1]];
        if (z->offset + ZDIR_LOCAL_LEN + z->name_len + z->packed <=
            d->entry[order[i]].offset)
            continue;
        zdir_bad(d, order[i - 1], "overlaps the entry behind it", e);
        free(order);
        return NULL;
    }
    return order;
}

/* -------------------------------------------------------- local headers */

/* With a descriptor the local header may say 0; with zip64 it may say
 * "see the extra field". */
static bool
agrees(uint32_t local, uint64_t central, bool later)
{
    return local == central || local == ZDIR_FULL32 || (later && local == 0);
}

int
zdir_check_any(const struct zdir *d, uint64_t i, const uint8_t *p,
               uint64_t limit, uint64_t *ret_body, struct err *e)
{
    const struct zentry *z = &d->entry[i];
    const unsigned kind = ZDIR_ENCRYPTED | ZDIR_STRONG | ZDIR_MASKED;
    bool later = le16(p + 6) & ZDIR_DESCRIPTOR;
    uint64_t body = z->offset + ZDIR_LOCAL_LEN + z->name_len + le16(p + 28);
    const char *what = NULL;

    if (le32(p) != ZDIR_LOCAL_SIG)
        what = "no local header";
    else if (((le16(p + 6) ^ z->flags) & kind) || le16(p + 8) != z->method)
        what = "flags or method differ";
    else if (le16(p + 26) != z->name_len ||
             memcmp(p + ZDIR_LOCAL_LEN, zdir_name(d, i), z->name_len) != 0)
        what = "local name differs";
    else if (le32(p + 14) != z->crc && !(later && le32(p + 14) == 0))
        what = "local CRC differs";
    else if (!agrees(le32(p + 18), z->packed, later) ||
             !agrees(le32(p + 22), z->size, later))
        what = "local sizes differ";
    else if (body > limit || z->packed > limit - body)
        what = "overlaps what is behind it";
    if (what)
        return zdir_bad(d, i, what, e);
    *ret_body = body;
    return 0;
}
