/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What an archive of ours has to the byte, on top of what any has: what
 * ours never have is an error here, though another archive may have it.
 * Must not know how the records were read.
 */
#include "extract/dir.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"

enum { TIME_LEN = 9 };
#define FULL32 ZDIR_FULL32

static int
bad_end(const char *what, struct err *e)
{
    return err_set(e, EIO, "end records: %s", what);
}

/* --------------------------------------------------------- end records */

static int
check_end64(const struct zdir *d, const uint8_t *p, struct err *e)
{
    const uint8_t *loc = p + ZDIR_END64_LEN;

    if (le64(loc + 8) != d->cd_offset + d->cd_size || le32(loc + 16) != 1)
        return bad_end("the zip64 locator points elsewhere", e);
    if (le16(p + 12) != 45 || le16(p + 14) != 45)
        return bad_end("zip64 versions", e);
    return 0;
}

/* Zip64 records are there exactly when a field needs them, and then all
 * fields of the old record are saturated. */
static int
check_end(const struct zdir *d, struct err *e)
{
    const uint8_t *p = d->end + d->end_len - ZDIR_END_LEN;
    bool has64 = d->end_len > ZDIR_END_LEN;
    bool needs =
        d->count >= 0xffff || d->cd_size >= FULL32 || d->cd_offset >= FULL32;
    bool full = le16(p + 8) == 0xffff && le16(p + 10) == 0xffff &&
                le32(p + 12) == FULL32 && le32(p + 16) == FULL32;

    if (le32(p) != ZDIR_END_SIG || le16(p + 20) != 0)
        return bad_end("none at the very end (a comment)", e);
    if (le16(p + 4) != 0 || le16(p + 6) != 0)
        return bad_end("disks", e);
    if (d->shift != 0)
        return bad_end("bytes before the archive, or behind its directory", e);
    if (needs != has64)
        return bad_end(needs ? "zip64 is missing" : "zip64 without need", e);
    if (has64 && !full)
        return bad_end("not all fields are saturated", e);
    return has64 ? check_end64(d, d->end, e) : 0;
}

/* --------------------------------------------------- central directory */

/* The extra block: zip64 with exactly the saturated fields, first; then
 * the modification time. */
static const char *
check_extra(const struct zentry *z, const uint8_t *p, size_t n)
{
    const uint8_t *old = p - z->name_len - ZDIR_CENTRAL_LEN;
    bool size64 = le32(old + 24) == FULL32,
         offset64 = le32(old + 42) == FULL32;
    size_t want = 16u * size64 + 8u * offset64;

    if (want > 0) {
        if (n < 4 + want || le16(p) != ZDIR_EXTRA_ZIP64 || le16(p + 2) != want)
            return "zip64 field is not first and exact";
        p += 4 + want;
        n -= 4 + want;
        if ((size64 && z->size < FULL32) || (offset64 && z->offset < FULL32))
            return "zip64 without need";
    }
    if (n != TIME_LEN || le16(p) != ZDIR_EXTRA_TIME || le16(p + 2) != 5 ||
        p[4] != 1)
        return "modification time field";
    return NULL;
}

static unsigned
version_needed(const struct zentry *z, bool dir)
{
    if (z->size >= FULL32 || z->offset >= FULL32)
        return 45;
    return dir ? 20 : 10;
}

static bool
has_high_byte(const uint8_t *p, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (p[i] >= 0x80)
            return true;
    return false;
}

/* The fixed fields of doc/zip-layout. */
static const char *
check_fixed(const struct zentry *z, const uint8_t *p)
{
    const uint8_t *name = p + ZDIR_CENTRAL_LEN;
    bool dir = z->name_len > 0 && name[z->name_len - 1] == '/';
    unsigned flags = has_high_byte(name, z->name_len) ? 0x800 : 0;

    if (z->name_len == 0)
        return "no name";
    if (le16(p + 4) != 0x032d)
        return "version made by";
    if (le16(p + 6) != version_needed(z, dir))
        return "version needed";
    if (le16(p + 8) != flags)
        return "flags";
    if (le16(p + 10) != 0)
        return "not stored";
    if (le32(p + 20) != le32(p + 24) || z->packed != z->size)
        return "sizes differ";
    if (le16(p + 32) != 0 || le16(p + 34) != 0 || le16(p + 36) != 0)
        return "comment, disk or internal attributes";
    if (le32(p + 38) != (dir ? 0x41ed0010u : 0x81a40000u))
        return "external attributes";
    return dir && z->size > 0 ? "a directory with bytes" : NULL;
}

/* First byte to directory without a gap. */
static int
check_offsets(const struct zdir *d, struct err *e)
{
    uint64_t at = 0, i;

    for (i = 0; i < d->count; i++) {
        if (d->entry[i].offset != at)
            return zdir_bad(d, i, "not right behind the entry before", e);
        if (!add_u64(at, zdir_local_len(d, i), &at) ||
            !add_u64(at, d->entry[i].size, &at) || at > d->cd_offset)
            return zdir_bad(d, i, "reaches into the directory", e);
    }
    return at == d->cd_offset
               ? 0
               : bad_end("a gap between the entries and the directory", e);
}

int
zdir_check_ours(const struct zdir *d, struct err *e)
{
    int r = check_end(d, e);
    const char *what;
    uint64_t i;

    for (i = 0; i < d->count && r == 0; i++) {
        const struct zentry *z = &d->entry[i];
        const uint8_t *p = d->cd + z->at;

        what = check_fixed(z, p);
        if (!what)
            what = check_extra(z, p + ZDIR_CENTRAL_LEN + z->name_len,
                               z->extra_len);
        if (what)
            r = zdir_bad(d, i, what, e);
    }
    return r < 0 ? r : check_offsets(d, e);
}

/* -------------------------------------------------------- local headers */

uint64_t
zdir_local_len(const struct zdir *d, uint64_t i)
{
    const struct zentry *z = &d->entry[i];

    return ZDIR_LOCAL_LEN + z->name_len + TIME_LEN +
           (z->size >= FULL32 ? 20u : 0u);
}

static uint8_t *
put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    return p + 2;
}

static uint8_t *
put32(uint8_t *p, uint32_t v)
{
    return put16(put16(p, v & 0xffff), v >> 16);
}

static uint8_t *
put64(uint8_t *p, uint64_t v)
{
    return put32(put32(p, (uint32_t)v), (uint32_t)(v >> 32));
}

void
zdir_local_put(const struct zdir *d, uint64_t i, uint8_t *out)
{
    const struct zentry *z = &d->entry[i];
    const uint8_t *c = d->cd + z->at;
    uint32_t size = (uint32_t)min_u64(z->size, FULL32);
    uint64_t extra = zdir_local_len(d, i) - ZDIR_LOCAL_LEN - z->name_len;
    uint8_t *p = put32(out, ZDIR_LOCAL_SIG);

    memcpy(p, c + 6, 10); /* version to time and date */
    p = put32(put32(put32(p + 10, z->crc), size), size);
    p = put16(put16(p, z->name_len), (unsigned)extra);
    memcpy(p, zdir_name(d, i), z->name_len);
    p += z->name_len;
    if (z->size >= FULL32) {
        p = put16(put16(p, ZDIR_EXTRA_ZIP64), 16);
        p = put64(put64(p, z->size), z->size);
    }
    memcpy(p, c + z->header - TIME_LEN, TIME_LEN);
}

static const char *
check_local_extra(const struct zentry *z, const uint8_t *extra,
                  const uint8_t *central_time)
{
    if (z->size >= FULL32) {
        if (le16(extra) != ZDIR_EXTRA_ZIP64 || le16(extra + 2) != 16 ||
            le64(extra + 4) != z->size || le64(extra + 12) != z->size)
            return "local zip64 field";
        extra += 20;
    }
    return memcmp(extra, central_time, TIME_LEN) == 0 ? NULL
                                                      : "local time field";
}

int
zdir_check_local(const struct zdir *d, uint64_t i, const uint8_t *p,
                 struct err *e)
{
    const struct zentry *z = &d->entry[i];
    const uint8_t *c = d->cd + z->at;
    uint64_t size = min_u64(z->size, FULL32);
    uint64_t extra = zdir_local_len(d, i) - ZDIR_LOCAL_LEN - z->name_len;
    const char *what = NULL;

    if (le32(p) != ZDIR_LOCAL_SIG)
        return zdir_bad(d, i, "no local header", e);
    if (memcmp(p + 4, c + 6, 10) != 0) /* version to time and date */
        what = "version, flags, method or time differ";
    else if (le32(p + 14) != z->crc)
        what = "local CRC differs";
    else if (le32(p + 18) != size || le32(p + 22) != size)
        what = "local sizes differ";
    else if (le16(p + 26) != z->name_len || le16(p + 28) != extra)
        what = "local lengths differ";
    else if (memcmp(p + ZDIR_LOCAL_LEN, zdir_name(d, i), z->name_len) != 0)
        what = "local name differs";
    else
        what = check_local_extra(z, p + ZDIR_LOCAL_LEN + z->name_len,
                                 c + z->header - TIME_LEN);
    return what ? zdir_bad(d, i, what, e) : 0;
}
