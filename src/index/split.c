/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Points at which to cut a listing (split.h).
 *
 * A point is the beginning of a key that is there, then letters and digits
 * that keys are made of.  Nothing else is made up, because some stores take
 * start-after for a path (dots, empty components), or sort what they have
 * percent-encoded.  A key is a number with these letters as digits, so that
 * points can be interpolated; a byte that is none of them counts as the
 * very end of what the letter before it begins.  Guesses may be wrong:
 * every point is compared, as bytes, with the ends of its stretch.
 */
#include "index/split.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { LAST_LETTER = '~' }; /* sorts after every letter and digit */

int
key_cmp(struct key_ref a, struct key_ref b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.p, b.p, n) : 0;

    if (c != 0)
        return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

static bool
is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

bool
key_is_plain(struct key_ref k)
{
    size_t i;

    for (i = 0; i < k.len; i++)
        if (is_control(k.p[i]))
            return false;
    return text_is_utf8(k.p, k.len);
}

static bool
is_inside_character(struct key_ref k, size_t at)
{
    return at < k.len && ((unsigned char)k.p[at] & 0xc0) == 0x80;
}

static size_t
common(struct key_ref a, struct key_ref b)
{
    size_t i = 0;

    while (i < a.len && i < b.len && a.p[i] == b.p[i])
        i++;
    return i;
}

/* ------------------------------------------------------------- alphabet */

static bool
may_be_letter(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') || c == '_';
}

static char
next_letter(unsigned char c)
{
    while (++c < LAST_LETTER)
        if (may_be_letter(c))
            return (char)c;
    return LAST_LETTER;
}

static void
alphabet_number(struct alphabet *a)
{
    unsigned c;

    a->count = 0;
    for (c = 0; c < 256; c++) {
        if (c < 128 && a->has[c])
            a->letter[a->count++] = (char)c;
        a->floor[c] = (unsigned char)a->count;
    }
}

void
alphabet_learn(struct alphabet *a, struct key_ref k, size_t from)
{
    bool news = false;
    size_t i;
    int d;

    for (i = from; i < k.len; i++) {
        unsigned char c = (unsigned char)k.p[i];

        if (!may_be_letter(c) || a->has[c])
            continue;
        news = a->has[c] = true;
        for (d = '0'; c <= '9' && d <= '9'; d++)
            a->has[d] = true; /* one digit, all digits */
    }
    if (news)
        alphabet_number(a);
}

/* Where last has a digit, what follows is a number more often than not:
 * letters that other places have would be wasted probes. */
static const struct alphabet *
alphabet_at(const struct alphabet *a, const struct stretch *s, size_t from,
            struct alphabet *digits)
{
    int d;

    if (from >= s->last.len || s->last.p[from] < '0' || s->last.p[from] > '9')
        return a;
    *digits = (struct alphabet){0};
    for (d = '0'; d <= '9'; d++)
        digits->has[d] = true;
    alphabet_number(digits);
    return digits;
}

/* -------------------------------------------------------------- numbers */

/* How many digits of the alphabet 62 bits hold, and base to that power. */
static unsigned
digits_of(const struct alphabet *a, uint64_t *ret_range)
{
    uint64_t base = a->count + 1, range = 1;
    unsigned n = 0;

    while (base > 1 && range < (UINT64_C(1) << 62) / base) {
        range *= base;
        n++;
    }
    *ret_range = range;
    return n;
}

/* Never descends where keys ascend. */
static uint64_t
number_of(const struct alphabet *a, struct key_ref k, size_t from)
{
    uint64_t base = a->count + 1, range, v = 0;
    unsigned n = digits_of(a, &range), i;

    for (i = 0; i < n; i++) {
        unsigned char c = from + i < k.len ? (unsigned char)k.p[from + i] : 0;

        range /= base;
        v += a->floor[c] * range;
        if (from + i >= k.len)
            break;
        if (c >= 128 || !a->has[c])
            return v + range - 1;
    }
    return v;
}

/* Letters for v, no more of them than tell numbers step apart. */
static size_t
letters_of(const struct alphabet *a, uint64_t v, uint64_t step, char *out)
{
    uint64_t base = a->count + 1, range;
    unsigned n = digits_of(a, &range), i;
    size_t len = 0;

    for (i = 0; i < n && range > step / 2; i++) {
        uint64_t digit;

        range /= base;
        digit = v / range;
        v %= range;
        if (digit == 0)
            break;
        out[len++] = a->letter[digit - 1];
    }
    return len;
}

/* -------------------------------------------------------------- stretch */

/* Up to here, last may be part of a point. */
static size_t
usable(const struct stretch *s)
{
    size_t n = s->prefix_len;

    while (n < s->last.len && !is_control(s->last.p[n]))
        n++;
    while (n > s->prefix_len && !text_is_utf8(s->last.p, n))
        n--;
    return n;
}

/* All keys of the stretch share that much of last, for all that is known. */
static size_t
shared(const struct stretch *s)
{
    size_t n = s->upto.p ? common(s->last, s->upto) : s->prefix_len;

    while (n > s->prefix_len && is_inside_character(s->last, n))
        n--;
    return n < s->prefix_len ? s->prefix_len : n;
}

static void
bounds(const struct alphabet *a, const struct stretch *s, size_t from,
       uint64_t *low, uint64_t *high)
{
    uint64_t range;

    digits_of(a, &range);
    *low = number_of(a, s->last, from);
    *high = s->upto.p ? number_of(a, s->upto, from) : range - 1;
}

bool
split_is_near(const struct stretch *s)
{
    return common(s->first, s->last) >= shared(s);
}

size_t
split_depth(const struct stretch *s)
{
    return shared(s) - s->prefix_len;
}

double
split_rest(const struct alphabet *a, const struct stretch *s)
{
    size_t from = shared(s);
    struct alphabet digits;
    uint64_t low, high, first;

    a = alphabet_at(a, s, from, &digits);
    first = number_of(a, s->first, from);
    bounds(a, s, from, &low, &high);
    if (!split_is_near(s) || low <= first)
        return -1;
    return high > low ? (double)(high - low) / (double)(low - first) : 0;
}

/* --------------------------------------------------------------- points */

struct points {
    const struct stretch *s;
    char **at;
    size_t count;
};

/* Takes a point if it is inside and above those that are there. */
static void
add_point(struct points *to, size_t stem, const char *more, size_t n)
{
    char *p = malloc(stem + n + 1);
    struct key_ref k = {p, stem + n};
    struct key_ref above = to->s->last;

    if (!p)
        return;
    memcpy(p, to->s->last.p, stem);
    memcpy(p + stem, more, n);
    p[stem + n] = '\0';
    if (to->count > 0)
        above = (struct key_ref){to->at[to->count - 1],
                                 strlen(to->at[to->count - 1])};
    if (key_cmp(k, above) > 0 && key_cmp(k, to->s->last) > 0 &&
        (!to->s->upto.p || key_cmp(k, to->s->upto) < 0))
        to->at[to->count++] = p;
    else
        free(p);
}

/* Above all keys that begin with the first at bytes of last: these bytes and
 * '~', or with their last one greater where '~' would come too early.
 * Returns how many bytes of last stay; *more follows, unless it is 0. */
static size_t
above_stem(struct key_ref last, size_t at, char *more)
{
    unsigned char c = (unsigned char)last.p[at - 1];

    *more = LAST_LETTER;
    if (at == last.len || (unsigned char)last.p[at] < LAST_LETTER)
        return at;
    if (c >= 0x80) /* the end of a character: the next one is a character */
        *more = (char)(c < 0xbf ? c + 1 : 0);
    else
        *more = next_letter(c);
    return at - 1;
}

/* From the longest beginning, which gives the lowest point, down. */
static void
points_by_stem(struct points *to, size_t most)
{
    const struct stretch *s = to->s;
    size_t low = shared(s) + 1, high = common(s->first, s->last) + 1;
    size_t top = usable(s), n, i, at, stem;
    char more;

    if (high > top)
        high = top;
    if (high < low)
        return;
    n = high - low + 1;
    if (n > most)
        n = most;
    for (i = 0; i < n; i++) {
        at = n > 1 ? high - i * (high - low) / (n - 1) : (low + high) / 2;
        if (is_inside_character(s->last, at))
            continue;
        stem = above_stem(s->last, at, &more);
        if (more)
            add_point(to, stem, &more, 1);
    }
}

static void
points_by_share(struct points *to, const struct alphabet *a, size_t most)
{
    const struct stretch *s = to->s;
    size_t from = shared(s), i, n;
    struct alphabet digits;
    uint64_t low, high, step;
    char more[64];

    a = alphabet_at(a, s, from, &digits);
    if (from > usable(s) || a->count == 0)
        return;
    bounds(a, s, from, &low, &high);
    step = high > low ? (high - low) / (most + 1) : 0;
    for (i = 1; step > 0 && i <= most; i++) {
        n = letters_of(a, low + i * step, step, more);
        if (n > 0)
            add_point(to, from, more, n);
    }
}

size_t
split_points(const struct alphabet *a, const struct stretch *s,
             enum split_way way, size_t most, char **ret)
{
    struct points to = {.s = s, .at = ret};

    if (way == SPLIT_STEM)
        points_by_stem(&to, most);
    else
        points_by_share(&to, a, most);
    return to.count;
}
