/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * From one page to the next, with guards.  Knows neither members nor
 * directories.
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

enum { EMPTY_PAGES_MAX = 1000 }; /* in a row, each promising more */

void
pager_free(struct pager *g)
{
    free(g->token);
    free(g->first);
    free(g->mark_token);
    free(g->mark_first);
    *g = (struct pager){0};
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

int
pager_check(struct pager *g, const struct s3_page *p, struct err *e)
{
    const char *name;
    size_t n;

    g->pages++;
    first_name(p, &name, &n);
    if (same_token(p->next, g->token) || same_token(p->next, g->mark_token))
        return err_set(e, EPROTO, "the listing's continuation token repeats");
    if (same_bytes(name, n, g->first, g->first_len) ||
        same_bytes(name, n, g->mark_first, g->mark_first_len))
        return err_set(e, EPROTO, "the listing repeats a page");
    g->empty = name ? 0 : g->empty + 1;
    if (g->empty > EMPTY_PAGES_MAX)
        return err_set(e, EPROTO, "the listing is pages without keys");
    return 0;
}

static int
replace(char **to, const char *p, size_t n)
{
    char *c = malloc(n + 1);

    if (!c)
        return -ENOMEM;
    memcpy(c, p, n);
    c[n] = '\0';
    free(*to);
    *to = c;
    return 0;
}

int
pager_turn(struct pager *g, const struct s3_page *p)
{
    bool mark = (g->pages & (g->pages - 1)) == 0;
    const char *name;
    size_t n;
    int r;

    first_name(p, &name, &n);
    r = replace(&g->token, p->next, strlen(p->next));
    if (r == 0 && mark)
        r = replace(&g->mark_token, p->next, strlen(p->next));
    if (r == 0 && name) {
        r = replace(&g->first, name, n);
        g->first_len = n;
    }
    if (r == 0 && name && mark) {
        r = replace(&g->mark_first, name, n);
        g->mark_first_len = n;
    }
    return r;
}
