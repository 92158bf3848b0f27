/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Patterns of include= and exclude=: fnmatch(FNM_PATHNAME) plus "**".  By
 * bytes and without a locale ('?' takes one UTF-8 character), so that an
 * archive's members do not depend on LANG.
 */
#include "conf/internal.h"

#include <string.h>

/* One character inside brackets, escapes removed. */
static unsigned char
bracket_char(const char **p)
{
    if (**p == '\\' && (*p)[1] != '\0')
        (*p)++;
    return (unsigned char)*(*p)++;
}

/* Matches c against the bracket at *p ('['); moves *p behind it.  False in
 * *closed if there is no end: then '[' is itself. */
static bool
bracket(const char **p, unsigned char c, bool *closed)
{
    const char *s = *p + 1;
    bool inverted = *s == '!' || *s == '^', found = false, first = true;

    s += inverted;
    for (; *s != '\0' && (first || *s != ']'); first = false) {
        unsigned char low = bracket_char(&s), high = low;

        if (s[0] == '-' && s[1] != ']' && s[1] != '\0') {
            s++;
            high = bracket_char(&s);
        }
        found |= c >= low && c <= high;
    }
    *closed = *s == ']';
    if (*closed)
        *p = s + 1;
    return found != inverted && c != '/';
}

/* One step of pattern and key; moves both if they agree. */
static bool
one(const char **p, const char **s)
{
    const char *pattern = *p;
    bool closed, found;

    if (**s == '\0' || *pattern == '\0')
        return false;
    if (*pattern == '?') {
        if (**s == '/')
            return false;
        *p = pattern + 1;
        do
            (*s)++;
        while ((**s & 0xc0) == 0x80);
        return true;
    }
    if (*pattern == '[') {
        found = bracket(&pattern, (unsigned char)**s, &closed);
        if (closed) {
            *p = pattern;
            *s += found;
            return found;
        }
    }
    if (*pattern == '\\' && pattern[1] != '\0')
        pattern++;
    if (*pattern != **s)
        return false;
    *p = pattern + 1;
    (*s)++;
    return true;
}

/* Where to try again: after '*', within a component; after "**", anywhere
 * ("**" and a slash: at the start of any component). */
struct retry {
    const char *star, *star_at;
    const char *deep, *deep_at;
    bool components;
};

static void
take_stars(struct retry *r, const char *start, const char **p, const char *s)
{
    bool begins = *p == start || (*p)[-1] == '/';

    if ((*p)[1] != '*') {
        r->star = ++*p;
        r->star_at = s;
        return;
    }
    while (**p == '*')
        (*p)++;
    r->components = begins && **p == '/';
    if (r->components)
        (*p)++;
    r->star = NULL;
    r->deep = *p;
    r->deep_at = s;
}

static bool
again(struct retry *r, const char **p, const char **s)
{
    if (r->star && *r->star_at != '\0' && *r->star_at != '/') {
        *s = ++r->star_at;
        *p = r->star;
        return true;
    }
    r->star = NULL;
    if (!r->deep || *r->deep_at == '\0')
        return false;
    if (r->components) {
        const char *slash = strchr(r->deep_at, '/');

        if (!slash)
            return false;
        r->deep_at = slash;
    }
    *s = ++r->deep_at;
    *p = r->deep;
    return true;
}

bool
conf_glob(const char *pattern, const char *key)
{
    const char *p = pattern, *s = key;
    struct retry r = {NULL};

    for (;;) {
        if (*p == '\0' && *s == '\0')
            return true;
        if (*p == '*')
            take_stars(&r, pattern, &p, s);
        else if (!one(&p, &s) && !again(&r, &p, &s))
            return false;
    }
}
