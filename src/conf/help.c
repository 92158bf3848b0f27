/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The option table for people: --help and the manual's OPTIONS section.
 */
#include "conf/internal.h"

#include <string.h>

#include "base/buf.h"

enum { HELP_COLUMN = 28, HELP_WIDTH = 78 };

static const char *
default_of(const struct option *o)
{
    if (o->shown)
        return o->shown;
    if (o->initial)
        return o->initial;
    return o->type == TYPE_BOOL ? "no" : NULL;
}

/* "name=WORD" into b. */
static int
add_name(struct buf *b, const struct option *o)
{
    const char *arg = o->arg;

    if (o->type == TYPE_BOOL)
        return buf_adds(b, o->name);
    if (o->words)
        arg = o->words;
    else if (o->type == TYPE_TRI)
        arg = "yes/no/auto";
    return buf_addf(b, "%s=%s", o->name, arg ? arg : "VALUE");
}

static int
new_line(struct buf *out, size_t *column)
{
    *column = HELP_COLUMN;
    return buf_addf(out, "\n%*s", HELP_COLUMN, "");
}

/* Words of s, wrapped behind HELP_COLUMN. */
static int
add_wrapped(struct buf *out, size_t *column, const char *s)
{
    int r = 0;

    while (*s && r == 0) {
        size_t n = strcspn(s, " ");

        if (*column > HELP_COLUMN && *column + 1 + n > HELP_WIDTH)
            r = new_line(out, column);
        else if (*column > HELP_COLUMN) {
            r = buf_addc(out, ' ');
            (*column)++;
        }
        if (r == 0)
            r = buf_add(out, s, n);
        *column += n;
        s += n + strspn(s + n, " ");
    }
    return r;
}

static int
help_option(struct buf *out, const struct option *o)
{
    struct buf name = BUF_INIT(256), tail = BUF_INIT(256);
    const char *initial = default_of(o);
    size_t column = HELP_COLUMN;
    int r = add_name(&name, o);

    if (r == 0)
        r = buf_addf(out, "  --%-*s", HELP_COLUMN - 4, buf_str(&name));
    if (r == 0 && name.len >= HELP_COLUMN - 4)
        r = new_line(out, &column);
    if (r == 0)
        r = add_wrapped(out, &column, o->help);
    if (r == 0 && initial && o->type != TYPE_BOOL) {
        r = buf_addf(&tail, "Default: %s.", initial);
        if (r == 0)
            r = add_wrapped(out, &column, buf_str(&tail));
    }
    buf_free(&name);
    buf_free(&tail);
    return r < 0 ? r : buf_addc(out, '\n');
}

int
conf_help(struct buf *out)
{
    const struct option *o;
    int group = -1, r = 0;

    for (o = option_table; o->name && r == 0; o++) {
        if ((int)o->group != group) {
            group = (int)o->group;
            r = buf_addf(out, "%s:\n", option_group_titles[group]);
        }
        if (r == 0)
            r = help_option(out, o);
    }
    return r;
}

/* '<' and '>' begin and end things in pod. */
static int
pod_text(struct buf *out, const char *s)
{
    int r = 0;

    for (; *s && r == 0; s++) {
        if (*s == '<')
            r = buf_adds(out, "E<lt>");
        else if (*s == '>')
            r = buf_adds(out, "E<gt>");
        else
            r = buf_addc(out, *s);
    }
    return r;
}

static int
pod_option(struct buf *out, const struct option *o)
{
    struct buf name = BUF_INIT(256);
    const char *initial = default_of(o);
    const char *arg;
    int r = add_name(&name, o);

    arg = strchr(buf_str(&name), '=');
    if (r == 0)
        r = buf_addf(out, "=item B<%s>", o->name);
    if (r == 0 && arg)
        r = buf_addf(out, "=I<%s>", arg + 1);
    if (r == 0)
        r = buf_adds(out, "\n\n");
    if (r == 0)
        r = pod_text(out, o->help);
    if (r == 0 && initial && o->type != TYPE_BOOL)
        r = buf_addf(out, " Default: %s.", initial);
    buf_free(&name);
    return r < 0 ? r : buf_adds(out, "\n\n");
}

int
conf_pod(struct buf *out)
{
    const struct option *o;
    int group = -1, r = 0;

    for (o = option_table; o->name && r == 0; o++) {
        if ((int)o->group != group) {
            if (group >= 0)
                r = buf_adds(out, "=back\n\n");
            group = (int)o->group;
            if (r == 0)
                r = buf_addf(out, "=head2 %s\n\n=over 4\n\n",
                             option_group_titles[group]);
        }
        if (r == 0)
            r = pod_option(out, o);
    }
    return r < 0 ? r : buf_adds(out, "=back\n\n");
}
