/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The key rule: what is wrong with one entry name, taken alone.  Knows
 * neither the other names of the archive (set.c) nor how a name is mended
 * (escape.c).
 */
#include "zip/zip.h"

#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "zip/zip_impl.h"

enum { COMPONENT_MAX = 255 }; /* NAME_MAX of Linux, Windows and macOS */

static const char *const devices[] = {
    "con",  "prn",  "aux",  "nul",  "com1", "com2", "com3", "com4",
    "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2", "lpt3",
    "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
};

/* strncasecmp would ask the locale. */
static bool
is_word(const char *p, size_t n, const char *lower)
{
    size_t i;

    if (n != strlen(lower))
        return false;
    for (i = 0; i < n; i++)
        if (zip_fold(p[i]) != (unsigned char)lower[i])
            return false;
    return true;
}

/* https://learn.microsoft.com/windows/win32/fileio/naming-a-file: the
 * device is meant whatever follows the first dot. */
bool
zip_is_device(const char *component, size_t len)
{
    size_t stem = zip_span(component, len, '.'), i;

    while (stem > 0 && component[stem - 1] == ' ')
        stem--;
    for (i = 0; i < ARRAY_SIZE(devices); i++)
        if (is_word(component, stem, devices[i]))
            return true;
    return false;
}

bool
zip_is_dots(const char *component, size_t len)
{
    return (len == 1 && component[0] == '.') ||
           (len == 2 && component[0] == '.' && component[1] == '.');
}

bool
zip_is_drive(const char *name, size_t len)
{
    return len >= 2 && name[1] == ':' && zip_fold(name[0]) >= 'a' &&
           zip_fold(name[0]) <= 'z';
}

/* NUL is none: it is poison. */
bool
zip_is_control(const char *p, size_t n)
{
    unsigned char c = (unsigned char)p[0];

    if (c == 0xc2 && n > 1) { /* U+0080..U+009F */
        unsigned char d = (unsigned char)p[1];

        return d >= 0x80 && d < 0xa0;
    }
    return (c > 0 && c < 0x20) || c == 0x7f;
}

static unsigned
byte_faults(const char *p, size_t n)
{
    switch (p[0]) {
    case '\0':
        return ZIP_POISON_NUL;
    case '\\':
        return ZIP_SOFT_BACKSLASH;
    case '<':
    case '>':
    case ':':
    case '"':
    case '|':
    case '?':
    case '*':
        return ZIP_SOFT_WINDOWS;
    default:
        return zip_is_control(p, n) ? ZIP_SOFT_CONTROL : 0;
    }
}

static unsigned
component_faults(const char *p, size_t n)
{
    unsigned faults = 0;

    if (n == 0)
        faults |= ZIP_POISON_EMPTY;
    if (zip_is_dots(p, n))
        faults |= ZIP_POISON_DOT;
    if (n > COMPONENT_MAX)
        faults |= ZIP_SOFT_COMPONENT;
    if (zip_is_device(p, n))
        faults |= ZIP_SOFT_WINDOWS;
    return faults;
}

/* A leading slash is ABSOLUTE, not an empty component; one trailing slash
 * ends a directory's name. */
static unsigned
path_faults(const char *name, size_t len)
{
    unsigned faults = 0;
    size_t at = 0, end;

    if (len > 0 && name[0] == '/') {
        faults |= ZIP_POISON_ABSOLUTE;
        at = 1;
    }
    while (at < len) {
        end = at + zip_span(name + at, len - at, '/');
        faults |= component_faults(name + at, end - at);
        at = end + 1;
    }
    return faults;
}

unsigned
zip_name_faults(const char *name, size_t len)
{
    unsigned faults = 0;
    size_t i;

    if (len == 0)
        return ZIP_POISON_EMPTY;
    if (len > UINT16_MAX)
        faults |= ZIP_POISON_LONG;
    if (!text_is_utf8(name, len))
        faults |= ZIP_POISON_UTF8;
    if (zip_is_drive(name, len))
        faults |= ZIP_POISON_DRIVE;
    for (i = 0; i < len; i++)
        faults |= byte_faults(name + i, len - i);
    return faults | path_faults(name, len);
}

const char *
zip_fault_text(unsigned faults)
{
    static const char *const texts[] = {
        "poison: NUL byte",
        "poison: not UTF-8",
        "poison: dot component",
        "poison: leading slash",
        "poison: drive letter",
        "poison: empty component",
        "poison: name too long",
        NULL,
        "conflict: a directory has this name",
        "conflict: directory marker with bytes",
        "conflict: the directory's own marker has bytes",
        "conflict: not ours, at the archive's own key",
        NULL,
        NULL,
        NULL,
        NULL,
        "soft: control character",
        "soft: backslash",
        "soft: component over 255 bytes",
        "soft: differs from another name in case only",
        "soft: reserved on Windows",
    };
    size_t i;

    for (i = 0; i < ARRAY_SIZE(texts); i++)
        if ((faults >> i & 1) && texts[i])
            return texts[i];
    return "none";
}
