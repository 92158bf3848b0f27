/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The escape of names: what the key rule calls poison becomes %XX.
 *
 * Injective because decoding is: every '%' of a name is written %25, so
 * in an escaped name '%' and two hex digits always stand for one byte, and
 * a bare '%' can only be the final mark of a conflict.
 */
#include "zip/zip.h"

#include "base/buf.h"
#include "base/text.h"
#include "zip/zip_impl.h"

struct scan {
    const char *name;
    size_t len;
    bool portable;
    bool dots;   /* the component at hand is "." or ".." */
    bool device; /* ... or a Windows device */
};

static int
add_hex(struct buf *out, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    char hex[3] = {'%', digits[c >> 4], digits[c & 15]};

    return buf_add(out, hex, 3);
}

/* Length of the well-formed UTF-8 sequence at p, 0 if there is none. */
static size_t
sequence_len(const char *p, size_t n)
{
    unsigned char c = (unsigned char)p[0];
    size_t k = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    return k <= n && text_is_utf8(p, k) ? k : 0;
}

static void
enter_component(struct scan *s, size_t at)
{
    const char *p = s->name + at;
    size_t n = zip_span(p, s->len - at, '/');

    s->dots = zip_is_dots(p, n);
    s->device = zip_is_device(p, n);
}

static bool
is_first(const struct scan *s, size_t i)
{
    return i == 0 || s->name[i - 1] == '/';
}

static bool
offends(const struct scan *s, size_t i)
{
    switch (s->name[i]) {
    case '\0':
    case '%':
        return true;
    case '/':
        return is_first(s, i);
    case '.':
        return s->dots;
    case ':':
        return s->portable || (i == 1 && zip_is_drive(s->name, s->len));
    default:
        return false;
    }
}

/* What only portable_names minds. */
static bool
offends_portable(const struct scan *s, size_t i)
{
    switch (s->name[i]) {
    case '<':
    case '>':
    case '"':
    case '|':
    case '?':
    case '*':
    case '\\':
        return true;
    default:
        return zip_is_control(s->name + i, s->len - i) ||
               (s->device && is_first(s, i));
    }
}

static int
escape(struct scan *s, bool conflict, struct buf *out)
{
    size_t i = 0, k, j;
    int r = 0;

    while (r == 0 && i < s->len) {
        if (is_first(s, i))
            enter_component(s, i);
        k = sequence_len(s->name + i, s->len - i);
        if (k == 0 || offends(s, i) ||
            (s->portable && offends_portable(s, i))) {
            k = k ? k : 1;
            for (j = 0; r == 0 && j < k; j++)
                r = add_hex(out, (unsigned char)s->name[i + j]);
        } else {
            r = buf_add(out, s->name + i, k);
        }
        i += k;
    }
    if (r == 0 && conflict)
        r = buf_addc(out, '%');
    return r;
}

int
zip_name_escape(const char *name, size_t len, bool conflict, struct buf *out)
{
    struct scan s = {.name = name, .len = len};

    return escape(&s, conflict, out);
}

int
zip_name_escape_portable(const char *name, size_t len, bool conflict,
                         struct buf *out)
{
    struct scan s = {.name = name, .len = len, .portable = true};

    return escape(&s, conflict, out);
}
