/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One listing, page after page.  Knows neither members nor directories.
 *
 * Stores have been seen that answer the same token or the same page for
 * ever.  Keys may come unsorted, so "larger than the last" is no guard.
 * Instead tokens and first names are compared with those of the page
 * before and of one marked page; the mark moves at every power of two
 * pages, so that every cycle is found within about twice its length
 * (R. P. Brent, BIT 20, 1980) in the memory of two pages' first names.
 */
#include "index/index_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { EMPTY_PAGES_MAX = 1000 }; /* in a row, each promising more */

static void on_page(void *user, const struct s3_error *e,
                    const struct s3_page *p);

static void
ask(struct walk *w)
{
    struct s3_list_args args = {
        .bucket = w->ix->bucket,
        .prefix = w->prefix,
        .prefix_len = strlen(w->prefix),
        .delimiter = w->delimiter,
        .token = w->token,
        .max_keys = w->max_keys,
    };

    s3_list(w->ix->s3, &args, on_page, w);
}

void
walk_start(struct walk *w)
{
    ask(w);
}

void
walk_free(struct walk *w)
{
    free(w->token);
    free(w->first);
    free(w->mark_token);
    free(w->mark_first);
}

static bool
same_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a && b && a_len == b_len && memcmp(a, b, a_len) == 0;
}

static bool
same_token(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static void
first_name(const struct s3_page *p, const char **ret, size_t *ret_len)
{
    *ret = NULL;
    *ret_len = 0;
    if (p->count > 0) {
        *ret = p->entry[0].key;
        *ret_len = p->entry[0].key_len;
    } else if (p->prefix_count > 0) {
        *ret = p->prefix[0];
        *ret_len = p->prefix_len[0];
    }
}

static int
check_advance(struct walk *w, const struct s3_page *p, struct err *e)
{
    const char *name;
    size_t n;

    first_name(p, &name, &n);
    if (same_token(p->next, w->token) || same_token(p->next, w->mark_token))
        return err_set(e, EPROTO, "the listing's continuation token repeats");
    if (same_bytes(name, n, w->first, w->first_len) ||
        same_bytes(name, n, w->mark_first, w->mark_first_len))
        return err_set(e, EPROTO, "the listing repeats a page");
    w->empty = name ? 0 : w->empty + 1;
    if (w->empty > EMPTY_PAGES_MAX)
        return err_set(e, EPROTO, "the listing is pages without keys");
    return 0;
}

static char *
copy(const char *p, size_t n)
{
    char *c = malloc(n + 1);

    if (c) {
        memcpy(c, p, n);
        c[n] = '\0';
    }
    return c;
}

static int
replace(char **to, const char *p, size_t n)
{
    char *c = copy(p, n);

    if (!c)
        return -ENOMEM;
    free(*to);
    *to = c;
    return 0;
}

static int
remember(struct walk *w, const struct s3_page *p)
{
    bool mark = (w->pages & (w->pages - 1)) == 0;
    const char *name;
    size_t n;
    int r;

    first_name(p, &name, &n);
    r = replace(&w->token, p->next, strlen(p->next));
    if (r == 0 && mark)
        r = replace(&w->mark_token, p->next, strlen(p->next));
    if (r == 0 && name) {
        r = replace(&w->first, name, n);
        w->first_len = n;
    }
    if (r == 0 && name && mark) {
        r = replace(&w->mark_first, name, n);
        w->mark_first_len = n;
    }
    return r;
}

static void
on_page(void *user, const struct s3_error *s3e, const struct s3_page *p)
{
    struct walk *w = user;
    struct err e = {0};
    int r;

    if (s3e->err < 0) {
        r = s3_error_text(s3e, "ListObjectsV2", w->ix->bucket, w->prefix,
                          strlen(w->prefix), &e);
        w->end(w->user, r, &e);
        return;
    }
    w->pages++;
    r = check_advance(w, p, &e);
    if (r == 0)
        r = w->page(w->user, p, &e);
    if (r == 0 && p->next && !w->max_keys)
        r = remember(w, p);
    if (r == -ENOMEM)
        err_set(&e, ENOMEM, "no memory for a listing");
    if (r < 0)
        index_err_prefix(w->ix, w->prefix, &e);
    if (r < 0 || !p->next || w->max_keys)
        w->end(w->user, r, &e);
    else
        ask(w);
}
