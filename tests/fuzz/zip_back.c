/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * zip/'s readers of its own bytes, on any bytes: what they take is exactly
 * what the writers would write.
 */
#include "fuzz.h"
#include "zip/zip.h"

static void
check_digest(const uint8_t *data, size_t size)
{
    struct buf again = BUF_INIT(1 << 20), whole = BUF_INIT(1 << 20);
    struct zip_member *m;
    size_t count, i;
    void *p;

    /* The head is not for the fuzzer to find. */
    NEED(buf_adds(&whole, zip_digest_head) == 0);
    NEED(buf_add(&whole, data, size) == 0);
    p = copy_of(whole.data, whole.len);
    if (zip_digest_parse(p, whole.len, 100, &m, &count) == 0) {
        NEED(count <= 100 && buf_adds(&again, zip_digest_head) == 0);
        for (i = 0; i < count; i++)
            NEED(zip_digest_put(&again, &m[i]) == 0);
        NEED(again.len == whole.len &&
             memcmp(again.data, whole.data, again.len) == 0);
        free(m);
    }
    free(p);
    buf_free(&again);
    buf_free(&whole);
}

static void
check_members(const struct zip_directory *d, const uint8_t *p, size_t n)
{
    const struct zip_layout *l = &d->layout;
    size_t i, at = 0;

    for (i = 0; i < l->count; i++) {
        uint32_t len = zip_cdh_len(&l->member[i], l->offset[i]);
        uint8_t *want = malloc(len);

        NEED(want && len <= n - at);
        zip_cdh_put(want, &l->member[i], l->offset[i], d->crc[i]);
        NEED(memcmp(want, p + at, len) == 0);
        free(want);
        at += len;
    }
    NEED(at == n);
}

/* The input is an archive from its central directory on. */
static void
check_directory(const uint8_t *data, size_t size, uint64_t before)
{
    size_t tail = size < ZIP_END_MAX ? size : ZIP_END_MAX;
    uint8_t *p = copy_of(data, size);
    struct zip_directory d;
    struct zip_end end;

    if (zip_end_parse(p + (size - tail), tail, before + size, &end) == 0 &&
        end.cd_offset == before && end.cd_size <= size) {
        void *cd = copy_of(p, (size_t)end.cd_size);

        if (zip_directory_parse(&d, cd, &end, before + size) == 0) {
            NEED(d.layout.size == before + size);
            NEED(d.layout.count == end.count);
            check_members(&d, p, (size_t)end.cd_size);
            zip_directory_free(&d);
        }
        free(cd);
    }
    free(p);
}

/* The end records of what is there are not for the fuzzer to find. */
static void
check_ended(const uint8_t *data, size_t size, uint64_t before, uint64_t count)
{
    uint32_t len = zip_end_len(count, before, size);
    uint8_t *p = malloc(size + len);

    NEED(p);
    memcpy(p, data, size);
    zip_end_put(p + size, count, before, size);
    check_directory(p, size + len, before);
    free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned how = (unsigned)take_number(&in, 1);
    uint64_t before = take_number(&in, how & 2 ? 5 : 2);

    if (how & 1)
        check_digest(in.p, in.n);
    else if (how & 4)
        check_directory(in.p, in.n, before);
    else
        check_ended(in.p, in.n, before, how >> 3);
    return 0;
}
