/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One listing of names, page after page.  Knows neither members nor
 * directories.  Long listings of objects are read by scan.c.
 */
#include "index/index_impl.h"

#include <errno.h>
#include <string.h>

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
        .token = w->pager.token,
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
    pager_free(&w->pager);
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
    r = pager_check(&w->pager, p, &e);
    if (r == 0)
        r = w->page(w->user, p, &e);
    if (r == 0 && p->next && !w->max_keys)
        r = pager_turn(&w->pager, p);
    if (r == -ENOMEM)
        err_set(&e, ENOMEM, "no memory for a listing");
    if (r < 0)
        index_err_prefix(w->ix, w->prefix, &e);
    if (r < 0 || !p->next || w->max_keys)
        w->end(w->user, r, &e);
    else
        ask(w);
}
