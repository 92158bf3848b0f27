/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Names of sub-prefixes, and whether a prefix is there: one delimiter
 * listing, or one LIST of one key.  Knows nothing of members.
 */
#include "index/index_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

enum { COMPONENT_MAX = 255 }; /* NAME_MAX of the kernel */

void
dir_unref(struct dir *d)
{
    if (!d || atomic_fetch_sub(&d->refs, 1) > 1)
        return;
    arena_free(&d->arena);
    free(d->name);
    free(d);
}

static bool
is_root(const struct run *r)
{
    return strcmp(r->slot->prefix, r->ix->root) == 0;
}

/* --------------------------------------------------------------- names */

static bool
can_show(const char *name, size_t len)
{
    if (len == 0 || len > COMPONENT_MAX || memchr(name, '\0', len))
        return false;
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void
log_hidden(struct run *r, const char *prefix, size_t len)
{
    char name[300];

    if (r->slot->told_hidden)
        return;
    r->slot->told_hidden = true;
    log_warn("s3://%s/%s cannot be shown as a directory (archives are not "
             "affected)",
             r->ix->bucket, text_escape(name, sizeof(name), prefix, len));
}

static void
log_shadowed(struct run *r, const char *prefix, size_t len)
{
    char name[300];

    if (r->slot->told_shadow)
        return;
    r->slot->told_shadow = true;
    log_warn("s3://%s/%s is shadowed in the tree by the archive of that "
             "name",
             r->ix->bucket, text_escape(name, sizeof(name), prefix, len));
}

static int
push_name(struct dir *d, const char *name)
{
    if (d->count == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 32;
        const char **p = realloc(d->name, cap * sizeof(*p));

        if (!p)
            return -ENOMEM;
        d->name = p;
        d->cap = cap;
    }
    d->name[d->count++] = name;
    return 0;
}

static int
add_prefix(struct run *r, const char *prefix, size_t len, struct err *e)
{
    size_t above = r->slot->len;
    char *name;

    if (len <= above || memcmp(prefix, r->slot->prefix, above) != 0 ||
        memchr(prefix + above, '/', len - above) != prefix + len - 1)
        return err_set(e, EPROTO, "the listing has a prefix outside");
    if (r->dir->count >= r->ix->conf->max_entries)
        return err_set(e, EFBIG, "more than max_entries=%llu directories",
                       (unsigned long long)r->ix->conf->max_entries);
    name = arena_dup(&r->dir->arena, prefix + above, len - above - 1);
    if (!name)
        return -ENOMEM;
    if (!can_show(name, len - above - 1)) {
        log_hidden(r, prefix, len);
        return 0;
    }
    if (strcmp(name, r->ix->conf->name) == 0) {
        log_shadowed(r, prefix, len);
        return 0;
    }
    return push_name(r->dir, name);
}

static int
on_page(void *user, const struct s3_page *p, struct err *e)
{
    struct run *r = user;
    size_t i;
    int rc = 0;

    r->dir->exists = r->dir->exists || p->count > 0 || p->prefix_count > 0;
    for (i = 0; rc == 0 && i < p->prefix_count; i++)
        rc = add_prefix(r, p->prefix[i], p->prefix_len[i], e);
    return rc;
}

static int
name_cmp(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Some stores give a prefix again on the next page. */
static void
sort_names(struct dir *d)
{
    size_t i, out = 0;

    if (d->count)
        qsort(d->name, d->count, sizeof(*d->name), name_cmp);
    for (i = 0; i < d->count; i++)
        if (out == 0 || strcmp(d->name[out - 1], d->name[i]) != 0)
            d->name[out++] = d->name[i];
    d->count = out;
}

static void
on_listed(void *user, int err, const struct err *e)
{
    struct run *r = user;

    r->answer.r = err;
    if (err < 0) {
        r->answer.e = *e;
    } else {
        sort_names(r->dir);
        r->answer.d = STEAL(r->dir);
    }
    run_end(r);
}

void
dir_run(struct run *r)
{
    struct err e = {0};

    r->dir = calloc(1, sizeof(*r->dir));
    if (!r->dir) {
        err_set(&e, ENOMEM, "no memory for a listing");
        on_listed(r, -ENOMEM, &e);
        return;
    }
    atomic_init(&r->dir->refs, 1);
    r->dir->exists = is_root(r);
    r->walk = (struct walk){
        .ix = r->ix,
        .prefix = r->slot->prefix,
        .delimiter = true,
        .page = on_page,
        .end = on_listed,
        .user = r,
    };
    walk_start(&r->walk);
}

index_id
index_dir(struct index *ix, const char *prefix, index_dir_cb *cb, void *user)
{
    struct waiter w = {.kind = LINE_DIR, .cb.dir = cb, .user = user};

    return line_ask(ix, prefix, &w, 0, NULL);
}

/* -------------------------------------------------------------- exists */

static int
on_exists_page(void *user, const struct s3_page *p, struct err *e)
{
    struct run *r = user;

    (void)e;
    r->answer.r = p->count > 0 || p->prefix_count > 0 ? 0 : -ENOENT;
    return 0;
}

static void
on_exists(void *user, int err, const struct err *e)
{
    struct run *r = user;

    if (err < 0) {
        r->answer.r = err;
        r->answer.e = *e;
    } else if (r->answer.r < 0) {
        err_set(&r->answer.e, ENOENT, "no objects are below");
        index_err_prefix(r->ix, r->slot->prefix, &r->answer.e);
    }
    run_end(r);
}

void
exists_run(struct run *r)
{
    r->walk = (struct walk){
        .ix = r->ix,
        .prefix = r->slot->prefix,
        .max_keys = 1,
        .page = on_exists_page,
        .end = on_exists,
        .user = r,
    };
    walk_start(&r->walk);
}

/* What the parent's names say of s, if they are known. */
static bool
peek_parent(struct index *ix, const struct slot *s, uint64_t now, int *ret)
{
    size_t above = parent_len(s->prefix, s->len);
    struct slot *p = slot_find(ix, s->prefix, above);
    char name[COMPONENT_MAX + 1];
    const char *key = name;
    size_t len = s->len - above - 1;

    if (!p || !p->dir || p->line[LINE_DIR].r < 0 ||
        !line_is_fresh(&p->line[LINE_DIR], now))
        return false;
    *ret = -ENOENT;
    if (len <= COMPONENT_MAX) {
        memcpy(name, s->prefix + above, len);
        name[len] = '\0';
        if (p->dir->count > 0 &&
            bsearch(&key, p->dir->name, p->dir->count, sizeof(key), name_cmp))
            *ret = 0;
    }
    return true;
}

static bool
peek_exists(struct index *ix, struct slot *s, struct answer *a)
{
    const struct line *layout = &s->line[LINE_LAYOUT];
    const struct line *dir = &s->line[LINE_DIR];
    uint64_t now = net_now_ms();

    a->r = 0;
    if (strcmp(s->prefix, ix->root) == 0)
        return true;
    if (line_is_fresh(layout, now)) {
        a->r = layout->r == -ENOENT ? -ENOENT : 0;
        return true;
    }
    if (s->dir && dir->r == 0 && line_is_fresh(dir, now)) {
        a->r = s->dir->exists ? 0 : -ENOENT;
        return true;
    }
    return s->len > 0 && peek_parent(ix, s, now, &a->r);
}

index_id
index_exists(struct index *ix, const char *prefix, index_exists_cb *cb,
             void *user)
{
    struct waiter w = {.kind = LINE_EXISTS, .cb.exists = cb, .user = user};

    return line_ask(ix, prefix, &w, 0, peek_exists);
}
