/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The central directory of a published archive, read back.  Only what the
 * encoders of record.c would write is taken: what was read is encoded again
 * and compared, so no field needs a check of its own.  Not a reader of
 * other programs' archives.
 */
#include "zip/zip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "zip/zip_impl.h"

enum {
    CDH_MAX = ZIP_CDH_FIXED + UINT16_MAX + ZIP_CDH_EXTRA_MAX,
    /* Fields of the headers, bytes from their start. */
    CDH_CRC = 16,
    CDH_SIZE = 24,
    CDH_NAME_LEN = 28,
    CDH_EXTRA_LEN = 30,
    END_COUNT = 10,
    END_CD_SIZE = 12,
    END_CD_OFFSET = 16,
    END64_COUNT = 32,
    END64_CD_SIZE = 40,
    END64_CD_OFFSET = 48,
    TIME_LEN = 4, /* of the time extra, last in the header */
    ZIP64_SIZE = 4,
};
#define SATURATED32 UINT32_C(0xffffffff)

static struct zip_end
end_fields(const uint8_t *tail, size_t n)
{
    const uint8_t *end = tail + (n - ZIP_END_FIXED), *end64;
    struct zip_end e = {get_u16(end + END_COUNT), get_u32(end + END_CD_OFFSET),
                        get_u32(end + END_CD_SIZE)};

    /* Without the larger records there is no archive of ours whose fields
     * are saturated. */
    if (e.cd_offset < SATURATED32 || n < ZIP_END_MAX)
        return e;
    end64 = tail + (n - ZIP_END_MAX);
    e.count = get_u64(end64 + END64_COUNT);
    e.cd_size = get_u64(end64 + END64_CD_SIZE);
    e.cd_offset = get_u64(end64 + END64_CD_OFFSET);
    return e;
}

int
zip_end_parse(const void *tail, size_t n, uint64_t size, struct zip_end *ret)
{
    uint8_t want[ZIP_END_MAX];
    struct zip_end e;
    uint64_t at;
    uint32_t len;

    if (n < ZIP_END_FIXED || n > size)
        return -EBADMSG;
    e = end_fields(tail, n);
    len = zip_end_len(e.count, e.cd_offset, e.cd_size);
    if (len > n || !add_u64(e.cd_offset, e.cd_size, &at) || at != size - len)
        return -EBADMSG;
    zip_end_put(want, e.count, e.cd_offset, e.cd_size);
    if (memcmp((const uint8_t *)tail + (n - len), want, len) != 0)
        return -EBADMSG;
    *ret = e;
    return 0;
}

/* The length of the header at p, of which n bytes are there; 0 if it is
 * none. */
static size_t
read_header(const uint8_t *p, size_t n, struct zip_member *m, uint32_t *crc)
{
    size_t name, extra, len;

    if (n < ZIP_CDH_FIXED)
        return 0;
    name = get_u16(p + CDH_NAME_LEN);
    extra = get_u16(p + CDH_EXTRA_LEN);
    len = ZIP_CDH_FIXED + name + extra;
    if (len > n || extra < TIME_LEN)
        return 0;
    m->name = m->key = (const char *)p + ZIP_CDH_FIXED;
    m->name_len = m->key_len = (uint16_t)name;
    m->etag = "";
    m->mtime = get_u32(p + len - TIME_LEN);
    m->size = get_u32(p + CDH_SIZE);
    *crc = get_u32(p + CDH_CRC);
    if (m->size == SATURATED32 && extra >= ZIP64_SIZE + 8)
        m->size = get_u64(p + ZIP_CDH_FIXED + name + ZIP64_SIZE);
    return len;
}

static bool
read_headers(struct zip_directory *d, const uint8_t *p, size_t n, size_t count)
{
    size_t i, len;

    for (i = 0; i < count; i++) {
        len = read_header(p, n, &d->member[i], &d->crc[i]);
        if (!len)
            return false;
        p += len;
        n -= len;
    }
    return n == 0;
}

static int
compare(const struct zip_directory *d, const uint8_t *p,
        const struct zip_end *end, uint64_t size)
{
    const struct zip_layout *l = &d->layout;
    uint64_t first = l->offset[l->count];
    uint8_t *want;
    size_t i;
    int r = 0;

    if (l->size != size || first != end->cd_offset ||
        l->cd_offset[l->count] - first != end->cd_size)
        return -EBADMSG;
    want = malloc(CDH_MAX);
    if (!want)
        return -ENOMEM;
    for (i = 0; r == 0 && i < l->count; i++) {
        size_t len = (size_t)(l->cd_offset[i + 1] - l->cd_offset[i]);

        zip_cdh_put(want, &l->member[i], l->offset[i], d->crc[i]);
        if (memcmp(p + (l->cd_offset[i] - first), want, len) != 0)
            r = -EBADMSG;
    }
    free(want);
    return r;
}

static int
parse(struct zip_directory *d, const uint8_t *p, const struct zip_end *end,
      uint64_t size)
{
    int r;

    if (end->cd_size > SIZE_MAX / 2 ||
        end->count > end->cd_size / ZIP_CDH_FIXED)
        return -EBADMSG;
    d->member = calloc((size_t)end->count + 1, sizeof(*d->member));
    d->crc = calloc((size_t)end->count + 1, sizeof(*d->crc));
    if (!d->member || !d->crc)
        return -ENOMEM;
    if (!read_headers(d, p, (size_t)end->cd_size, (size_t)end->count))
        return -EBADMSG;
    r = zip_layout_init(&d->layout, d->member, (size_t)end->count);
    if (r == 0)
        r = compare(d, p, end, size);
    return r == -EFBIG ? -EBADMSG : r;
}

int
zip_directory_parse(struct zip_directory *ret, const void *p,
                    const struct zip_end *end, uint64_t size)
{
    struct zip_directory d = {0};
    int r = parse(&d, p, end, size);

    if (r < 0)
        zip_directory_free(&d);
    else
        *ret = d;
    return r;
}

void
zip_directory_free(struct zip_directory *d)
{
    zip_layout_free(&d->layout);
    free(d->member);
    free(d->crc);
    d->member = NULL;
    d->crc = NULL;
}
