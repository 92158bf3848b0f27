/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * End records, central directory and local headers, field by field.
 * Strict: what our archives never have is an error, though another archive
 * may have it.
 */
#include "cmd/cmd_verify_zip.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

/* APPNOTE 4.3.7 to 4.3.16 */
enum {
    LOCAL_SIG = 0x04034b50,
    CENTRAL_SIG = 0x02014b50,
    END_SIG = 0x06054b50,
    END64_SIG = 0x06064b50,
    LOCATOR_SIG = 0x07064b50,
    LOCAL_LEN = 30,
    CENTRAL_LEN = 46,
    END_LEN = 22,
    END64_LEN = 56,
    LOCATOR_LEN = 20,
    EXTRA_ZIP64 = 0x0001,
    EXTRA_TIME = 0x5455,
    TIME_LEN = 9,
};
#define FULL32 UINT64_C(0xffffffff)
#define CD_MAX GIB(4)

static uint16_t
le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t
le32(const uint8_t *p)
{
    return (uint32_t)le16(p) | (uint32_t)le16(p + 2) << 16;
}

static uint64_t
le64(const uint8_t *p)
{
    return (uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32;
}

const uint8_t *
zdir_name(const struct zdir *d, uint64_t i)
{
    return d->cd + d->entry[i].at + CENTRAL_LEN;
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

static int
bad_end(const char *what, struct err *e)
{
    return err_set(e, EIO, "end records: %s", what);
}

void
zdir_free(struct zdir *d)
{
    free(d->cd);
    free(d->entry);
    d->cd = NULL;
    d->entry = NULL;
}

/* --------------------------------------------------------- end records */

static int
read_end64(struct zdir *d, const uint8_t *p, uint64_t at, struct err *e)
{
    const uint8_t *loc = p + END64_LEN;

    if (le32(p) != END64_SIG || le64(p + 4) != END64_LEN - 12)
        return bad_end("no zip64 end record before the locator", e);
    if (le64(loc + 8) != at || le32(loc + 4) != 0 || le32(loc + 16) != 1)
        return bad_end("the zip64 locator points elsewhere", e);
    if (le16(p + 12) != 45 || le16(p + 14) != 45 || le32(p + 16) != 0 ||
        le32(p + 20) != 0 || le64(p + 24) != le64(p + 32))
        return bad_end("zip64 versions, disks or counts", e);
    d->count = le64(p + 32);
    d->cd_size = le64(p + 40);
    d->cd_offset = le64(p + 48);
    return 0;
}

/* Zip64 records are there exactly when a field needs them, and then all
 * fields of the old record are saturated. */
static int
check_end64(const struct zdir *d, const uint8_t *p, bool has64, struct err *e)
{
    bool needs =
        d->count >= 0xffff || d->cd_size >= FULL32 || d->cd_offset >= FULL32;
    bool full = le16(p + 8) == 0xffff && le16(p + 10) == 0xffff &&
                le32(p + 12) == FULL32 && le32(p + 16) == FULL32;

    if (needs != has64)
        return bad_end(needs ? "zip64 is missing" : "zip64 without need", e);
    if (has64 && !full)
        return bad_end("not all fields are saturated", e);
    return 0;
}

static int
read_end(struct zdir *d, struct source *s, struct err *e)
{
    const size_t all = END64_LEN + LOCATOR_LEN + END_LEN;
    uint8_t tail[END64_LEN + LOCATOR_LEN + END_LEN] = {0}, *p;
    size_t n = (size_t)min_u64(s->size, all);
    bool has64;
    int r;

    if (n < END_LEN)
        return bad_end("too short for an archive", e);
    r = source_read(s, s->size - n, tail + all - n, n, e);
    if (r < 0)
        return r;
    p = tail + all - END_LEN;
    if (le32(p) != END_SIG)
        return bad_end("none at the very end (truncated, or a comment)", e);
    if (le16(p + 4) != 0 || le16(p + 6) != 0 || le16(p + 20) != 0 ||
        le16(p + 8) != le16(p + 10))
        return bad_end("disks, counts or comment", e);
    has64 = n == all && le32(p - LOCATOR_LEN) == LOCATOR_SIG;
    d->count = le16(p + 10);
    d->cd_size = le32(p + 12);
    d->cd_offset = le32(p + 16);
    if (has64)
        r = read_end64(d, tail, s->size - all, e);
    if (r < 0)
        return r;
    d->end_len = has64 ? all : END_LEN;
    memcpy(d->end, tail + all - d->end_len, d->end_len);
    return check_end64(d, p, has64, e);
}

static int
read_cd(struct zdir *d, struct source *s, struct err *e)
{
    uint64_t end;
    int r = read_end(d, s, e);

    if (r < 0)
        return r;
    if (!add_u64(d->cd_offset, d->cd_size, &end) ||
        end != s->size - d->end_len)
        return bad_end("a gap between directory and end records", e);
    if (d->cd_size > CD_MAX || d->count > d->cd_size / CENTRAL_LEN)
        return bad_end("impossible count or size", e);
    d->cd = malloc(d->cd_size + 1);
    d->entry = calloc(d->count + 1, sizeof(*d->entry));
    if (!d->cd || !d->entry)
        return err_set(e, ENOMEM, "out of memory");
    return source_read(s, d->cd_offset, d->cd, d->cd_size, e);
}

/* --------------------------------------------------- central directory */

/* The extra block: zip64 with exactly the saturated fields, first; then
 * the modification time. */
static const char *
read_extra(struct zentry *z, const uint8_t *p, size_t n)
{
    bool size64 = z->size == FULL32, offset64 = z->offset == FULL32;
    size_t want = 16u * size64 + 8u * offset64;

    if (want > 0) {
        if (n < 4 + want || le16(p) != EXTRA_ZIP64 || le16(p + 2) != want)
            return "zip64 field is not first and exact";
        p += 4;
        n -= 4 + want;
        if (size64) {
            if (le64(p) != le64(p + 8))
                return "sizes differ";
            z->size = le64(p);
            p += 16;
        }
        if (offset64) {
            z->offset = le64(p);
            p += 8;
        }
        if ((size64 && z->size < FULL32) || (offset64 && z->offset < FULL32))
            return "zip64 without need";
    }
    if (n != TIME_LEN || le16(p) != EXTRA_TIME || le16(p + 2) != 5 ||
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
    const uint8_t *name = p + CENTRAL_LEN;
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
    if (le32(p + 20) != le32(p + 24))
        return "sizes differ";
    if (le16(p + 32) != 0 || le16(p + 34) != 0 || le16(p + 36) != 0)
        return "comment, disk or internal attributes";
    if (le32(p + 38) != (dir ? 0x41ed0010u : 0x81a40000u))
        return "external attributes";
    return dir && z->size > 0 ? "a directory with bytes" : NULL;
}

static int
read_entry(struct zdir *d, uint64_t i, uint64_t *at, struct err *e)
{
    const uint8_t *p = d->cd + *at;
    struct zentry *z = &d->entry[i];
    uint64_t left = d->cd_size - *at;
    const char *what;

    if (left < CENTRAL_LEN || le32(p) != CENTRAL_SIG)
        return err_set(e, EIO, "entry %llu: no central header",
                       (unsigned long long)i);
    z->at = (uint32_t)*at;
    z->name_len = le16(p + 28);
    z->extra_len = le16(p + 30);
    z->header = CENTRAL_LEN + (uint32_t)z->name_len + z->extra_len;
    if (left < z->header)
        return err_set(e, EIO, "entry %llu: the directory is cut",
                       (unsigned long long)i);
    z->crc = le32(p + 16);
    z->size = le32(p + 24);
    z->offset = le32(p + 42);
    what = read_extra(z, p + CENTRAL_LEN + z->name_len, z->extra_len);
    if (!what)
        what = check_fixed(z, p);
    *at += z->header;
    return what ? zdir_bad(d, i, what, e) : 0;
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
zdir_read(struct zdir *d, struct source *s, struct err *e)
{
    uint64_t at = 0, i;
    int r;

    memset(d, 0, sizeof(*d));
    r = read_cd(d, s, e);
    for (i = 0; i < d->count && r == 0; i++)
        r = read_entry(d, i, &at, e);
    if (r == 0 && at != d->cd_size)
        r = bad_end("the directory is longer than its entries", e);
    return r < 0 ? r : check_offsets(d, e);
}

/* -------------------------------------------------------- local headers */

uint64_t
zdir_local_len(const struct zdir *d, uint64_t i)
{
    const struct zentry *z = &d->entry[i];

    return LOCAL_LEN + z->name_len + TIME_LEN + (z->size >= FULL32 ? 20u : 0u);
}

static const char *
check_local_extra(const struct zentry *z, const uint8_t *extra,
                  const uint8_t *central_time)
{
    if (z->size >= FULL32) {
        if (le16(extra) != EXTRA_ZIP64 || le16(extra + 2) != 16 ||
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
    uint64_t extra = zdir_local_len(d, i) - LOCAL_LEN - z->name_len;
    const char *what = NULL;

    if (le32(p) != LOCAL_SIG)
        return zdir_bad(d, i, "no local header", e);
    if (memcmp(p + 4, c + 6, 10) != 0) /* version to time and date */
        what = "version, flags, method or time differ";
    else if (le32(p + 14) != z->crc)
        what = "local CRC differs";
    else if (le32(p + 18) != size || le32(p + 22) != size)
        what = "local sizes differ";
    else if (le16(p + 26) != z->name_len || le16(p + 28) != extra)
        what = "local lengths differ";
    else if (memcmp(p + LOCAL_LEN, zdir_name(d, i), z->name_len) != 0)
        what = "local name differs";
    else
        what = check_local_extra(z, p + LOCAL_LEN + z->name_len,
                                 c + z->header - TIME_LEN);
    return what ? zdir_bad(d, i, what, e) : 0;
}
