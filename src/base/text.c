/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Codecs of text.h but for names (text_name.c).
 */
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/check.h"

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
text_hex(char *out, const void *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *s = p;
    size_t i;

    for (i = 0; i < n; i++) {
        out[2 * i] = digits[s[i] >> 4];
        out[2 * i + 1] = digits[s[i] & 15];
    }
    out[2 * n] = '\0';
}

void
text_base64(char *out, const void *p, size_t n)
{
    const unsigned char *s = p;

    for (; n >= 3; n -= 3, s += 3) {
        *out++ = base64_digits[s[0] >> 2];
        *out++ = base64_digits[(s[0] & 3) << 4 | s[1] >> 4];
        *out++ = base64_digits[(s[1] & 15) << 2 | s[2] >> 6];
        *out++ = base64_digits[s[2] & 63];
    }
    if (n) {
        unsigned second = n == 2 ? s[1] : 0;

        *out++ = base64_digits[s[0] >> 2];
        *out++ = base64_digits[(s[0] & 3) << 4 | second >> 4];
        *out++ = n == 2 ? base64_digits[(second & 15) << 2] : '=';
        *out++ = '=';
    }
    *out = '\0';
}

static int
base64_value(char c)
{
    const char *d = c ? strchr(base64_digits, c) : NULL;

    return d ? (int)(d - base64_digits) : -1;
}

bool
text_unbase64(void *out, size_t n, const char *s)
{
    unsigned char *to = out;
    size_t chars = (n * 8 + 5) / 6, i, done = 0;
    unsigned bits = 0, have = 0;

    if (strlen(s) != (n + 2) / 3 * 4)
        return false;
    for (i = 0; i < chars; i++) {
        int v = base64_value(s[i]);

        if (v < 0)
            return false;
        bits = bits << 6 | (unsigned)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            to[done++] = (unsigned char)(bits >> have);
        }
    }
    return s[chars + strspn(s + chars, "=")] == '\0' &&
           (bits & ((1U << have) - 1)) == 0;
}

void
text_crc32(char out[9], uint32_t crc)
{
    unsigned char be[4] = {crc >> 24, crc >> 16, crc >> 8, crc};

    text_base64(out, be, 4);
}

bool
text_parse_crc32(uint32_t *ret, const char *s)
{
    unsigned char be[4];

    if (!text_unbase64(be, 4, s))
        return false;
    *ret = (uint32_t)be[0] << 24 | be[1] << 16 | be[2] << 8 | be[3];
    return true;
}

bool
text_parse_u64(uint64_t *ret, const char *s)
{
    uint64_t v = 0;

    if (!*s)
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || !mul_u64(v, 10, &v) ||
            !add_u64(v, (uint64_t)(*s - '0'), &v))
            return false;
    }
    *ret = v;
    return true;
}

bool
text_parse_size(uint64_t *ret, const char *s)
{
    static const char units[] = "KMGT";
    char digits[24];
    size_t n = strspn(s, "0123456789");
    const char *unit;
    uint64_t v;

    if (n == 0 || n >= sizeof(digits))
        return false;
    memcpy(digits, s, n);
    digits[n] = '\0';
    if (!text_parse_u64(&v, digits))
        return false;
    s += n;
    if (*s) {
        unit = strchr(units, *s & ~0x20);
        if (!unit || !*unit ||
            !mul_u64(v, UINT64_C(1) << (10 * (unit - units + 1)), &v))
            return false;
        s++;
        if (*s && strcasecmp(s, "b") != 0 && strcasecmp(s, "ib") != 0)
            return false;
    }
    *ret = v;
    return true;
}

char *
text_size(char out[16], uint64_t bytes)
{
    static const char *const units[] = {"B",   "KiB", "MiB", "GiB",
                                        "TiB", "PiB", "EiB"};
    double v = bytes;
    size_t u = 0;

    while (v >= 1023.95 && u + 1 < ARRAY_SIZE(units)) {
        v /= 1024;
        u++;
    }
    snprintf(out, 16, u ? "%.1f %s" : "%.0f %s", v, units[u]);
    return out;
}
