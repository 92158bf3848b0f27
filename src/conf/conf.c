/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * struct conf as a whole: defaults, its end, one option by name, lists of
 * options as mount has them.
 */
#include "conf/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/text.h"

enum { LIST_MAX = 64 << 10 };

/* XDG Base Directory Specification: a relative path counts as unset. */
static int
set_cache_dir(struct conf *c)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    struct buf b = BUF_INIT(4096);
    int r;

    if (xdg && xdg[0] == '/')
        r = buf_addf(&b, "%s/s3zipfs", xdg);
    else if (home && home[0] == '/')
        r = buf_addf(&b, "%s/.cache/s3zipfs", home);
    else
        r = buf_adds(&b, "/var/cache/s3zipfs");
    if (r < 0) {
        buf_free(&b);
        return r == -EMSGSIZE ? 0 : r;
    }
    c->cache_dir = buf_steal(&b);
    return 0;
}

int
conf_init(struct conf *c)
{
    const struct option *o;
    int r;

    memset(c, 0, sizeof(*c));
    r = set_cache_dir(c);
    for (o = option_table; o->name && r == 0; o++)
        if (o->initial)
            r = option_store(c, o, o->initial, NULL);
    if (r < 0)
        conf_free(c);
    return r;
}

static void
free_list(struct conf_list *list)
{
    size_t i;

    for (i = 0; i < list->count; i++)
        free(list->item[i]);
    free(list->item);
}

void
conf_free(struct conf *c)
{
    const struct option *o;

    for (o = option_table; o->name; o++) {
        void *at = (char *)c + o->at;

        if (o->type == TYPE_STRING || o->type == TYPE_NAME)
            free(*(char **)at);
        else if (o->type == TYPE_LIST || o->type == TYPE_URLS)
            free_list(at);
    }
    memset(c, 0, sizeof(*c));
}

int
conf_set(struct conf *c, const char *name, const char *value, struct err *e)
{
    size_t len = strlen(name);
    const struct option *o = option_find(name, len);

    if (o)
        return option_store(c, o, value, e);
    if (option_ignored(name, len))
        return 0;
    return option_unknown(name, len, NULL, e);
}

/* One item of a list, escapes removed. */
static int
set_item(struct conf *c, char *item, struct err *e)
{
    char *value = strchr(item, '=');

    if (item[0] == '\0')
        return 0; /* as libfuse: "a,,b" */
    if (value)
        *value++ = '\0';
    return conf_set(c, item, value, e);
}

int
conf_set_list(struct conf *c, const char *arg, struct err *e)
{
    struct buf item = BUF_INIT(LIST_MAX);
    int r = 0;

    for (;; arg++) {
        if (*arg == ',' || *arg == '\0') {
            r = buf_addc(&item, '\0');
            if (r == 0)
                r = set_item(c, item.data, e);
            buf_reset(&item);
            if (r < 0 || *arg == '\0')
                break;
            continue;
        }
        if (*arg == '\\' && (arg[1] == ',' || arg[1] == '\\'))
            arg++;
        r = buf_addc(&item, *arg);
        if (r < 0)
            break;
    }
    if (r == -EMSGSIZE)
        r = err_set(e, EINVAL, "option list is too long");
    buf_free(&item);
    return r;
}

bool
conf_member_wanted(const struct conf *c, const char *key)
{
    size_t i;

    for (i = 0; i < c->exclude.count; i++)
        if (conf_glob(c->exclude.item[i], key))
            return false;
    for (i = 0; i < c->include.count; i++)
        if (conf_glob(c->include.item[i], key))
            return true;
    return c->include.count == 0;
}
