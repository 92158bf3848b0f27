/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A command line: -o lists, --name value, the caller's flags, mount's
 * short options.
 */
#include "conf/internal.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

struct line {
    struct conf *c;
    const struct conf_flag *flags;
    char **argv;
    int argc, at; /* at: the argument that is looked at */
    struct err *e;
};

static const char *
next_argument(struct line *l)
{
    return l->at + 1 < l->argc ? l->argv[++l->at] : NULL;
}

static int
use_flag(struct line *l, const struct conf_flag *f, const char *value)
{
    if (f->set) {
        if (value)
            return err_set(l->e, EINVAL, "--%s takes no value", f->name);
        *f->set = true;
        return 0;
    }
    if (!value)
        value = next_argument(l);
    if (!value)
        return err_set(l->e, EINVAL, "--%s needs a value", f->name);
    *f->value = value;
    return 0;
}

/* A word that can follow "--path-style" as its value. */
static bool
is_word(const char *s)
{
    return s && (strcmp(s, "yes") == 0 || strcmp(s, "no") == 0 ||
                 strcmp(s, "auto") == 0);
}

static int
use_option(struct line *l, const struct option *o, const char *value)
{
    const char *next = l->at + 1 < l->argc ? l->argv[l->at + 1] : NULL;

    if (!value && o->type != TYPE_BOOL &&
        (o->type != TYPE_TRI || is_word(next)))
        value = next_argument(l);
    return option_store(l->c, o, value, l->e);
}

static int
long_option(struct line *l, const char *name)
{
    const char *value = strchr(name, '=');
    size_t len = value ? (size_t)(value - name) : strlen(name);
    const struct conf_flag *f;
    const struct option *o;

    value = value ? value + 1 : NULL;
    for (f = l->flags; f && f->name; f++)
        if (option_same(f->name, name, len))
            return use_flag(l, f, value);
    o = option_find(name, len);
    if (o)
        return use_option(l, o, value);
    return option_unknown(name, len, l->flags, l->e);
}

static int
short_word(struct line *l, char c)
{
    switch (c) {
    case 'f':
        l->c->foreground = true;
        return 0;
    case 'd': /* as libfuse has it: debug output wants a terminal */
        l->c->debug = l->c->foreground = true;
        return 0;
    case 'v': /* mount(8) hands these on */
    case 'n':
    case 's':
        return 0;
    default:
        return err_set(l->e, EINVAL, "unknown option '-%c'",
                       c > ' ' && c < 0x7f ? c : '?');
    }
}

/* "-o list", "-olist", "-fd", or a flag of the caller. */
static int
short_options(struct line *l, const char *s)
{
    const struct conf_flag *f;
    const char *list;
    int r = 0;

    for (; *s && r == 0; s++) {
        for (f = l->flags; f && f->name && f->short_name != *s; f++)
            ;
        if (f && f->name) {
            if (f->value)
                return use_flag(l, f, s[1] ? s + 1 : NULL);
            r = use_flag(l, f, NULL);
        } else if (*s == 'o') {
            list = s[1] ? s + 1 : next_argument(l);
            if (!list)
                return err_set(l->e, EINVAL, "-o needs a value");
            return conf_set_list(l->c, list, l->e);
        } else {
            r = short_word(l, *s);
        }
    }
    return r;
}

int
conf_parse(struct conf *c, const struct conf_flag *flags, int *argc,
           char **argv, struct err *e)
{
    struct line l = {c, flags, argv, *argc, 1, e};
    int kept = *argc > 0 ? 1 : 0, r = 0;

    for (; l.at < l.argc && r == 0; l.at++) {
        char *arg = argv[l.at];

        if (strcmp(arg, "--") == 0) {
            while (++l.at < l.argc)
                argv[kept++] = argv[l.at];
            break;
        }
        if (arg[0] != '-' || arg[1] == '\0')
            argv[kept++] = arg;
        else if (arg[1] == '-')
            r = long_option(&l, arg + 2);
        else
            r = short_options(&l, arg + 1);
    }
    if (r < 0)
        return r;
    *argc = kept;
    argv[kept] = NULL;
    if (c->publish == CONF_PUBLISH_ALL && c->publish_to.count == 0)
        return err_set(e, EINVAL, "publish=all needs publish_to");
    if (!c->scratch || c->scratch[0] == '/' ||
        c->scratch[strlen(c->scratch) - 1] != '/')
        return err_set(e, EINVAL, "scratch: not a prefix that ends in '/'");
    return 0;
}
