/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * base/text.h: each codec there and back, and what escape promises.
 */
#include "base/text.h"

#include "fuzz.h"

static void
percent(const uint8_t *p, size_t n, bool keep_slash)
{
    struct buf there = BUF_INIT(1 << 20), back = BUF_INIT(1 << 20);
    size_t i;

    NEED(text_percent(&there, p, n, keep_slash) == 0);
    for (i = 0; i < there.len; i++)
        NEED(there.data[i] > ' ' && there.data[i] < 0x7f);
    NEED(text_unpercent(&back, buf_str(&there), there.len, false) == 0);
    NEED(back.len == n && memcmp(buf_str(&back), p, n) == 0);
    buf_free(&there);
    buf_free(&back);
}

static void
unpercent(const uint8_t *p, size_t n, bool plus)
{
    struct buf b = BUF_INIT(1 << 20);
    int r = text_unpercent(&b, (const char *)p, n, plus);

    NEED(r == 0 || r == -EINVAL);
    NEED(b.len <= n);
    buf_free(&b);
}

static void
base64(const uint8_t *p, size_t n)
{
    char *there = malloc(4 * ((n + 2) / 3) + 1);
    uint8_t *back = malloc(n + 1);

    NEED(there && back);
    text_base64(there, p, n);
    NEED(text_unbase64(back, n, there) && memcmp(back, p, n) == 0);
    NEED(n == 0 || !text_unbase64(back, n - 1, there));
    free(there);
    free(back);
}

/* What is taken as base64 is the one encoding of what it means. */
static void
unbase64(const char *s)
{
    uint8_t bytes[16];
    char again[32];
    uint32_t crc;
    size_t n;

    for (n = 0; n <= sizeof(bytes); n++) {
        if (!text_unbase64(bytes, n, s))
            continue;
        text_base64(again, bytes, n);
        NEED(strcmp(again, s) == 0);
    }
    if (text_parse_crc32(&crc, s)) {
        text_crc32(again, crc);
        NEED(strcmp(again, s) == 0);
    }
}

static void
escape(const uint8_t *p, size_t n)
{
    size_t size, i, len;
    char *out;

    for (size = 4; size < 300; size += 37) {
        out = malloc(size);
        NEED(out);
        NEED(text_escape(out, size, p, n) == out);
        len = strlen(out);
        NEED(len < size && text_is_utf8(out, len));
        for (i = 0; i < len; i++)
            NEED((unsigned char)out[i] >= ' ' && out[i] != 0x7f);
        free(out);
    }
}

static void
numbers(const char *s)
{
    uint64_t v, w;
    char shown[24], size[16];

    if (text_parse_u64(&v, s)) {
        snprintf(shown, sizeof(shown), "%llu", (unsigned long long)v);
        s += strspn(s, "0");
        NEED(strcmp(*s ? s : "0", shown) == 0);
        NEED(text_parse_size(&w, shown) && w == v);
        text_size(size, v);
    }
    if (text_parse_size(&w, s))
        text_size(size, w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    char *s = take_string(&in, -1);
    uint8_t *copy = copy_of(data, size);

    percent(copy, size, false);
    percent(copy, size, true);
    unpercent(copy, size, false);
    unpercent(copy, size, true);
    base64(copy, size);
    unbase64(s);
    escape(copy, size);
    numbers(s);
    free(copy);
    free(s);
    return 0;
}
