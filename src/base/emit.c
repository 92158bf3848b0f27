/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The emitter of JSON: see emit.h.  Pure.
 */
#include "base/emit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/text.h"

/* So much is gathered before it is flushed. */
#define GATHERED KIB(64)

__attribute__((format(printf, 2, 3))) static void
put(struct emit *w, const char *fmt, ...)
{
    va_list ap;

    if (w->error < 0)
        return;
    va_start(ap, fmt);
    w->error = buf_vaddf(w->out, fmt, ap);
    va_end(ap);
    if (w->error == 0 && w->flush && w->out->len >= GATHERED)
        w->error = w->flush(w->user, w->out);
}

static void
put_bytes(struct emit *w, const char *p, size_t n)
{
    if (w->error == 0)
        w->error = buf_add(w->out, p, n);
}

/* A new line unless all is on one, and the name of what follows. */
static void
next(struct emit *w, const char *name)
{
    bool line = w->depth >= w->line_from;

    if (w->depth > 0 && w->filled)
        put(w, ",");
    if (w->depth > 0 && !line)
        put(w, "\n%*s", (int)w->depth, "");
    if (name)
        put(w, line ? "\"%s\":" : "\"%s\": ", name);
    w->filled = true;
}

void
emit_begin(struct emit *w, const char *name, char bracket)
{
    next(w, name);
    put(w, "%c", bracket);
    w->depth++;
    w->filled = false;
}

void
emit_end(struct emit *w, char bracket)
{
    bool line = w->depth-- >= w->line_from;

    if (w->filled && !line)
        put(w, "\n%*s", (int)w->depth, "");
    put(w, "%c", bracket);
    w->filled = true;
}

void
emit_u64(struct emit *w, const char *name, uint64_t value)
{
    next(w, name);
    put(w, "%llu", (unsigned long long)value);
}

void
emit_real(struct emit *w, const char *name, double value)
{
    char text[40];

    next(w, name);
    snprintf(text, sizeof(text), "%.9g", value);
    put(w, strpbrk(text, ".e") ? "%s" : "%s.0", text);
}

void
emit_bool(struct emit *w, const char *name, bool value)
{
    next(w, name);
    put(w, "%s", value ? "true" : "false");
}

void
emit_null(struct emit *w, const char *name)
{
    next(w, name);
    put(w, "null");
}

/* s is UTF-8. */
static void
put_string(struct emit *w, const char *s, size_t n)
{
    size_t i, from = 0;

    put_bytes(w, "\"", 1);
    for (i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c >= ' ' && c != '"' && c != '\\' && c != 0x7f)
            continue;
        put_bytes(w, s + from, i - from);
        put(w, c == '"' || c == '\\' ? "\\%c" : "\\u%04x", c);
        from = i + 1;
    }
    put_bytes(w, s + from, n - from);
    put(w, "\"");
}

void
emit_text(struct emit *w, const char *name, const char *s, size_t n)
{
    size_t size = 4 * n + 16;
    CLEANUP_FREE char *escaped = NULL;

    next(w, name);
    if (text_is_utf8(s, n)) {
        put_string(w, s, n);
        return;
    }
    escaped = malloc(size);
    if (escaped) {
        text_escape(escaped, size, s, n);
        put_string(w, escaped, strlen(escaped));
    } else if (w->error == 0) {
        w->error = -ENOMEM;
    }
}

void
emit_word(struct emit *w, const char *name, const char *s)
{
    emit_text(w, name, s, strlen(s));
}

void
emit_crc32(struct emit *w, const char *name, uint32_t crc)
{
    next(w, name);
    put(w, "\"%08x\"", crc);
}

void
emit_time(struct emit *w, const char *name, int64_t seconds, int ms)
{
    time_t t = (time_t)seconds;
    struct tm tm;

    next(w, name);
    if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099) {
        put(w, "null");
        return;
    }
    put(w, "\"%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
        tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (ms >= 0)
        put(w, ".%03d", ms);
    put(w, "Z\"");
}

int
emit_finish(struct emit *w)
{
    put(w, "\n");
    if (w->error == 0 && w->flush)
        w->error = w->flush(w->user, w->out);
    return w->error;
}
