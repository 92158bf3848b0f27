/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * End records, central directory and local headers of an archive that
 * anybody may have made: found from the last byte, and believed only where
 * they agree; every offset and length is checked before it is used.  Called
 * by verify and extract; calls source_read.
 */
#include "extract/dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
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

/* --------------------------------------------------------- end records */

enum {
    COMMENT_MAX = 0xffff,
    RECORDS = ZDIR_END64_LEN + ZDIR_LOCATOR_LEN + ZDIR_END_LEN,
};

/* The last bytes of the archive. */
struct tail {
    uint8_t *p;
    size_t n;
    uint64_t at;   /* of p[0] */
    size_t end;    /* the end record */
    uint64_t stop; /* where the directory ends */
};

static int
bad_end(const char *what, struct err *e)
{
    return err_set(e, EIO, "end records: %s", what);
}

/* The last one whose comment reaches to the last byte, as readers do. */
static int
find_end(struct tail *t, struct err *e)
{
    size_t i;

    if (t->n < ZDIR_END_LEN)
        return bad_end("too short for an archive", e);
    for (i = t->n - ZDIR_END_LEN + 1; i-- > 0;) {
        const uint8_t *p = t->p + i;

        if (le32(p) != ZDIR_END_SIG || le16(p + 20) != t->n - i - ZDIR_END_LEN)
            continue;
        t->end = i;
        return 0;
    }
    return bad_end("none (truncated, or no archive)", e);
}

/* Where the record says, or right before its locator: bytes in front of
 * the archive (a self-extractor's program) move it. */
static int
read_end64(struct zdir *d, struct tail *t, struct err *e)
{
    const uint8_t *locator = t->p + t->end - ZDIR_LOCATOR_LEN;
    const uint8_t *p = locator - ZDIR_END64_LEN;

    if (t->end < ZDIR_LOCATOR_LEN + ZDIR_END64_LEN ||
        le32(p) != ZDIR_END64_SIG || le64(p + 4) != ZDIR_END64_LEN - 12)
        return bad_end("no zip64 end record before the locator", e);
    t->stop = t->at + (uint64_t)(p - t->p);
    if (le64(locator + 8) > t->stop)
        return bad_end("the zip64 locator points elsewhere", e);
    if (le32(locator + 4) != 0 || le32(locator + 16) > 1 ||
        le32(p + 16) != 0 || le32(p + 20) != 0 || le64(p + 24) != le64(p + 32))
        return bad_end("the archive is one of several disks", e);
    d->count = le64(p + 32);
    d->cd_size = le64(p + 40);
    d->cd_offset = le64(p + 48);
    d->shift = t->stop - le64(locator + 8);
    return 0;
}

/* A field of the old record: the same, or "see zip64". */
static bool
agree(uint64_t old, uint64_t full, uint64_t value)
{
    return old == full || old == value;
}

static int
read_fields(struct zdir *d, struct tail *t, struct err *e)
{
    const uint8_t *p = t->p + t->end;
    bool has64 = t->end >= ZDIR_LOCATOR_LEN &&
                 le32(p - ZDIR_LOCATOR_LEN) == ZDIR_LOCATOR_SIG;
    int r;

    t->stop = t->at + t->end;
    if (has64) {
        r = read_end64(d, t, e);
        if (r < 0)
            return r;
        if (!agree(le16(p + 10), 0xffff, d->count) ||
            !agree(le32(p + 12), ZDIR_FULL32, d->cd_size) ||
            !agree(le32(p + 16), ZDIR_FULL32, d->cd_offset))
            return bad_end("they contradict each other", e);
        return 0;
    }
    if (le16(p + 4) != 0 || le16(p + 6) != 0 || le16(p + 8) != le16(p + 10))
        return bad_end("the archive is one of several disks", e);
    d->count = le16(p + 10);
    d->cd_size = le32(p + 12);
    d->cd_offset = le32(p + 16);
    return 0;
}

/* The directory ends where the records begin. */
static int
place_cd(struct zdir *d, const struct tail *t, bool has64, struct err *e)
{
    uint64_t end;

    if (!add_u64(d->cd_offset, d->cd_size, &end) || end > t->stop)
        return bad_end("the directory is not before them", e);
    if (has64 && t->stop - end != d->shift)
        return bad_end("a gap between directory and end records", e);
    d->shift = t->stop - end;
    d->cd_offset += d->shift;
    if (d->count > d->cd_size / ZDIR_CENTRAL_LEN)
        return bad_end("impossible count or size", e);
    return 0;
}

static int
keep_end(struct zdir *d, const struct tail *t, struct err *e)
{
    size_t from = (size_t)(t->stop - t->at);

    d->end_len = t->n - from;
    d->end = malloc(d->end_len);
    if (!d->end)
        return err_set(e, ENOMEM, "out of memory");
    memcpy(d->end, t->p + from, d->end_len);
    return 0;
}

static int
read_end(struct zdir *d, struct source *s, struct err *e)
{
    struct tail t = {.n = (size_t)min_u64(s->size, RECORDS + COMMENT_MAX)};
    CLEANUP_FREE uint8_t *memory = malloc(t.n + 1);
    int r;

    if (!memory)
        return err_set(e, ENOMEM, "out of memory");
    t.p = memory;
    t.at = s->size - t.n;
    r = source_read(s, t.at, t.p, t.n, e);
    if (r == 0)
        r = find_end(&t, e);
    if (r == 0)
        r = read_fields(d, &t, e);
    if (r == 0)
        r = place_cd(d, &t, t.stop < t.at + t.end, e);
    return r < 0 ? r : keep_end(d, &t, e);
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
    r = read_end(d, s, e);
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
