/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The records of the archive, each a function of its arguments alone:
 * local header, central directory header, end records.  Section numbers
 * are those of PKWARE's APPNOTE 6.3.10.
 */
#include "zip/zip.h"

#include <string.h>

#include "zip/zip_impl.h"

enum {
    SATURATED16 = 0xffff,
    TIME_EXTRA = 9, /* 0x5455 with mtime only */
    FLAG_UTF8 = 1 << 11,
    ID_ZIP64 = 0x0001,
    ID_TIME = 0x5455,
    NEED_FILE = 10,
    NEED_DIR = 20,
    NEED_ZIP64 = 45,
    MADE_BY = 0x032d, /* Unix, 4.5 */
    END64_BODY = 44,  /* 4.3.14.1: without signature and size field */
};
#define SATURATED32 UINT32_C(0xffffffff)
#define ATTR_FILE UINT32_C(0x81a40000)
#define ATTR_DIR UINT32_C(0x41ed0010)

/* 2107-12-31 23:59:58, where DOS times end. */
#define DOS_LAST INT64_C(4354819198)
#define DOS_FIRST INT64_C(315532800)

/* JDK 17.0.8 and later refuse a Zip64 field that is not saturated in its
 * header; hence >=, and exactly the saturated ones. */
static bool
is_big(uint64_t v)
{
    return v >= SATURATED32;
}

static uint32_t
low32(uint64_t v)
{
    return is_big(v) ? SATURATED32 : (uint32_t)v;
}

uint32_t
zip_loc_len(const struct zip_member *m)
{
    return ZIP_LOC_FIXED + m->name_len + TIME_EXTRA +
           (is_big(m->size) ? 20 : 0);
}

static uint32_t
cdh_zip64_len(const struct zip_member *m, uint64_t offset)
{
    uint32_t n = (is_big(m->size) ? 16 : 0) + (is_big(offset) ? 8 : 0);

    return n ? 4 + n : 0;
}

uint32_t
zip_cdh_len(const struct zip_member *m, uint64_t loc_offset)
{
    return ZIP_CDH_FIXED + m->name_len + TIME_EXTRA +
           cdh_zip64_len(m, loc_offset);
}

static bool
needs_end64(uint64_t count, uint64_t cd_offset, uint64_t cd_size)
{
    return count >= SATURATED16 || is_big(cd_offset) || is_big(cd_size);
}

uint32_t
zip_end_len(uint64_t count, uint64_t cd_offset, uint64_t cd_size)
{
    return ZIP_END_FIXED +
           (needs_end64(count, cd_offset, cd_size) ? ZIP_END64_FIXED : 0);
}

/* ------------------------------------------------- fields of both headers */

/* Days since 1970-01-01, not negative, to year, month and day, in the
 * proleptic Gregorian calendar. */
static void
civil_date(uint32_t days, uint32_t *year, uint32_t *month, uint32_t *day)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30,
                                      31, 31, 30, 31, 30, 31};
    uint32_t y = 1970, m = 0, n;

    for (;; y++) {
        n = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 366 : 365;
        if (days < n)
            break;
        days -= n;
    }
    for (;; m++) {
        uint32_t len = lengths[m] + (m == 1 && n == 366);

        if (days < len)
            break;
        days -= len;
    }
    *year = y;
    *month = m + 1;
    *day = days + 1;
}

/* 4.4.6: time in the low half, date in the high half. */
static uint32_t
dos_time(int64_t mtime)
{
    uint32_t year, month, day, second;

    if (mtime < DOS_FIRST)
        mtime = DOS_FIRST;
    if (mtime > DOS_LAST)
        mtime = DOS_LAST;
    civil_date((uint32_t)(mtime / 86400), &year, &month, &day);
    second = (uint32_t)(mtime % 86400);
    return (year - 1980) << 25 | month << 21 | day << 16 |
           second / 3600 << 11 | second / 60 % 60 << 5 | second % 60 / 2;
}

static uint32_t
unix_time(int64_t mtime)
{
    if (mtime < 0)
        return 0;
    return mtime > (int64_t)UINT32_MAX ? UINT32_MAX : (uint32_t)mtime;
}

static uint32_t
name_flags(const struct zip_member *m)
{
    size_t i;

    for (i = 0; i < m->name_len; i++)
        if ((unsigned char)m->name[i] >= 0x80)
            return FLAG_UTF8;
    return 0;
}

static uint32_t
version_needed(const struct zip_member *m, uint64_t offset)
{
    if (is_big(m->size) || is_big(offset))
        return NEED_ZIP64;
    return zip_is_dir(m) ? NEED_DIR : NEED_FILE;
}

/* Version needed to uncompressed size: the same bytes in both headers
 * (System.IO.Packaging refuses a difference). */
static uint8_t *
put_common(uint8_t *p, const struct zip_member *m, uint64_t offset,
           uint32_t crc)
{
    p = put_u16(p, version_needed(m, offset));
    p = put_u16(p, name_flags(m));
    p = put_u16(p, 0); /* stored */
    p = put_u32(p, dos_time(m->mtime));
    p = put_u32(p, crc);
    p = put_u32(p, low32(m->size));
    p = put_u32(p, low32(m->size));
    return put_u16(p, m->name_len);
}

static uint8_t *
put_name(uint8_t *p, const struct zip_member *m)
{
    if (m->name_len)
        memcpy(p, m->name, m->name_len);
    return p + m->name_len;
}

static uint8_t *
put_time_extra(uint8_t *p, const struct zip_member *m)
{
    p = put_u16(p, ID_TIME);
    p = put_u16(p, TIME_EXTRA - 4);
    *p++ = 1; /* mtime only */
    return put_u32(p, unix_time(m->mtime));
}

/* ------------------------------------------------------------- encoders */

void
zip_loc_put(uint8_t *out, const struct zip_member *m, uint64_t offset,
            uint32_t crc)
{
    uint8_t *p = put_u32(out, UINT32_C(0x04034b50)); /* 4.3.7 */

    p = put_common(p, m, offset, crc);
    p = put_u16(p, TIME_EXTRA + (is_big(m->size) ? 20 : 0));
    p = put_name(p, m);
    if (is_big(m->size)) {
        /* First: Windows 7 looks no further. */
        p = put_u16(p, ID_ZIP64);
        p = put_u16(p, 16);
        p = put_u64(p, m->size);
        p = put_u64(p, m->size);
    }
    put_time_extra(p, m);
}

void
zip_cdh_put(uint8_t *out, const struct zip_member *m, uint64_t offset,
            uint32_t crc)
{
    uint32_t zip64 = cdh_zip64_len(m, offset);
    uint8_t *p = put_u32(out, UINT32_C(0x02014b50)); /* 4.3.12 */

    p = put_u16(p, MADE_BY);
    p = put_common(p, m, offset, crc);
    p = put_u16(p, TIME_EXTRA + zip64);
    p = put_u16(p, 0); /* comment */
    p = put_u16(p, 0); /* disk */
    p = put_u16(p, 0); /* internal attributes */
    p = put_u32(p, zip_is_dir(m) ? ATTR_DIR : ATTR_FILE);
    p = put_u32(p, low32(offset));
    p = put_name(p, m);
    if (zip64) {
        p = put_u16(p, ID_ZIP64);
        p = put_u16(p, zip64 - 4);
        if (is_big(m->size)) {
            p = put_u64(p, m->size);
            p = put_u64(p, m->size);
        }
        if (is_big(offset))
            p = put_u64(p, offset);
    }
    put_time_extra(p, m);
}

static uint8_t *
put_end64(uint8_t *p, uint64_t count, uint64_t cd_offset, uint64_t cd_size)
{
    p = put_u32(p, UINT32_C(0x06064b50)); /* 4.3.14 */
    p = put_u64(p, END64_BODY);
    p = put_u16(p, NEED_ZIP64);
    p = put_u16(p, NEED_ZIP64);
    p = put_u32(p, 0);
    p = put_u32(p, 0);
    p = put_u64(p, count);
    p = put_u64(p, count);
    p = put_u64(p, cd_size);
    p = put_u64(p, cd_offset);
    p = put_u32(p, UINT32_C(0x07064b50)); /* 4.3.15 */
    p = put_u32(p, 0);
    p = put_u64(p, cd_offset + cd_size);
    return put_u32(p, 1);
}

void
zip_end_put(uint8_t *out, uint64_t count, uint64_t cd_offset, uint64_t cd_size)
{
    bool big = needs_end64(count, cd_offset, cd_size);
    uint32_t count16 = big ? SATURATED16 : (uint32_t)count;
    uint8_t *p = out;

    if (big)
        p = put_end64(p, count, cd_offset, cd_size);
    p = put_u32(p, UINT32_C(0x06054b50)); /* 4.3.16 */
    p = put_u16(p, 0);
    p = put_u16(p, 0);
    p = put_u16(p, count16);
    p = put_u16(p, count16);
    p = put_u32(p, big ? SATURATED32 : (uint32_t)cd_size);
    p = put_u32(p, big ? SATURATED32 : (uint32_t)cd_offset);
    put_u16(p, 0); /* comment */
}
