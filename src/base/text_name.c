/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Codecs for names: percent-encoding, escaping for logs, UTF-8.
 */
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static bool
is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

int
text_percent(struct buf *b, const void *p, size_t n, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char *s = p;
    size_t i;
    int r = 0;

    for (i = 0; i < n && r == 0; i++) {
        char hex[3] = {'%', digits[s[i] >> 4], digits[s[i] & 15]};

        if (is_unreserved(s[i]) || (keep_slash && s[i] == '/'))
            r = buf_addc(b, (char)s[i]);
        else
            r = buf_add(b, hex, 3);
    }
    return r;
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
text_unpercent(struct buf *b, const char *s, size_t n, bool plus)
{
    size_t i;
    int r = 0;

    for (i = 0; i < n && r == 0; i++) {
        char c = s[i];

        if (c == '%') {
            int hi = i + 2 < n ? hex_value(s[i + 1]) : -1;
            int lo = i + 2 < n ? hex_value(s[i + 2]) : -1;

            if (hi < 0 || lo < 0)
                return -EINVAL;
            c = (char)(hi << 4 | lo);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        r = buf_addc(b, c);
    }
    return r;
}

/* Length of the well-formed sequence at p, 0 if there is none. */
static size_t
utf8_sequence(const unsigned char *p, size_t n)
{
    static const struct {
        unsigned char first, last, low, high, len;
    } rows[] = {
        /* Unicode 15, table 3-7 */
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2},
        {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
        {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    size_t i, k;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (p[0] < rows[i].first || p[0] > rows[i].last)
            continue;
        if (rows[i].len > n)
            return 0;
        if (rows[i].len > 1 && (p[1] < rows[i].low || p[1] > rows[i].high))
            return 0;
        for (k = 2; k < rows[i].len; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return rows[i].len;
    }
    return 0;
}

bool
text_is_utf8(const void *p, size_t n)
{
    const unsigned char *s = p;
    size_t i = 0, k;

    while (i < n) {
        k = utf8_sequence(s + i, n - i);
        if (k == 0)
            return false;
        i += k;
    }
    return true;
}

char *
text_escape(char *out, size_t out_size, const void *p, size_t n)
{
    const unsigned char *s = p;
    size_t at = 0, i = 0, k;

    while (i < n) {
        k = utf8_sequence(s + i, n - i);
        if (at + 4 + 4 > out_size) {
            snprintf(out + at, out_size - at, "...");
            return out;
        }
        if (k == 0 || s[i] < 0x20 || s[i] == 0x7f || s[i] == '\\' ||
            (s[i] == 0xc2 && s[i + 1] < 0xa0)) { /* C1 controls too */
            at += (size_t)sprintf(out + at, "\\x%02x", s[i]);
            i++;
        } else {
            memcpy(out + at, s + i, k);
            at += k;
            i += k;
        }
    }
    out[at] = '\0';
    return out;
}
