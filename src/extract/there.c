/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What is at the destination already: members that an earlier run brought
 * there, and objects of others.  Must not know how a member gets there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "extract/unpack.h"

enum { PAGES_LEAST = 100 };

/* -------------------------------------------------------------- compare */

struct compare {
    struct unpack_job *job;
    uint32_t entry;
    char *key;
    void (*then)(void *user, int r);
    void *user;
};

static void
compare_over(struct compare *x, int r)
{
    x->then(x->user, r);
    free(x->key);
    free(x);
}

static int
same(const struct compare *x, uint32_t crc)
{
    return crc == unpack_entry(x->job, x->entry)->crc ? 0 : -EEXIST;
}

static void
on_read(struct call *c)
{
    struct compare *x = c->owner;
    int r = c->e.err;

    if (r == 0)
        r = same(x, c->crc);
    else if (r != -ESTALE)
        unpack_fail_s3(x->job, "GET", x->key, &c->e);
    compare_over(x, r == -ESTALE ? -EEXIST : r);
}

/* A 403 may mean that nothing is there, where listing is not allowed. */
static void
on_head(struct call *c)
{
    struct compare *x = c->owner;
    struct unpack_job *j = x->job;
    struct s3_where at = unpack_where(j, x->key);
    struct call *k;
    int r = c->e.err;

    if (r == -EACCES)
        r = -ENOENT;
    if (r < 0 && r != -ENOENT)
        unpack_fail_s3(j, "HEAD", x->key, &c->e);
    else if (r == 0 && c->size != unpack_entry(j, x->entry)->size)
        r = -EEXIST;
    else if (r == 0 && (c->have_crc || c->size == 0))
        r = same(x, c->have_crc ? c->crc : 0);
    else if (r == 0 && c->text && (k = call_new(j, on_read, x))) {
        call_read(k, &at, c->text, c->size);
        return;
    }
    compare_over(x, r);
}

void
there_compare(struct unpack_job *j, uint32_t entry, const char *key,
              void (*then)(void *user, int r), void *user)
{
    struct compare *x = calloc(1, sizeof(*x));
    struct s3_where at = unpack_where(j, key);
    struct call *c;

    if (x)
        *x = (struct compare){j, entry, strdup(key), then, user};
    if (!x || !x->key) {
        free(x);
        unpack_fail(j, ENOMEM, "out of memory");
        then(user, -ENOMEM);
        return;
    }
    c = call_new(j, on_head, x);
    if (c)
        call_head(c, &at);
    else
        compare_over(x, -ENOMEM);
}

/* ----------------------------------------------------------------- list */

struct look {
    struct unpack_job *job;
    uint32_t *by_name; /* wanted entries */
    uint64_t count, heads, differ, pages;
    uint32_t first; /* that differs */
    char *token;
    bool unknown; /* no list: ask for each */
};

static int
name_cmp(const struct unpack_job *j, uint32_t x, const char *name, size_t len)
{
    size_t n = j->dir.entry[x].name_len;
    int r = memcmp(zdir_name(&j->dir, x), name, n < len ? n : len);

    return r ? r : n < len ? -1 : n > len;
}

static int
by_name(const void *a, const void *b, void *user)
{
    const struct unpack_job *j = user;
    uint32_t y = *(const uint32_t *)b;

    return name_cmp(j, *(const uint32_t *)a,
                    (const char *)zdir_name(&j->dir, y),
                    j->dir.entry[y].name_len);
}

static void
mark(struct look *l, const struct s3_entry *s)
{
    struct unpack_job *j = l->job;
    size_t root = strlen(j->root);
    uint64_t low = 0, high = l->count, mid;
    int r;

    if (s->key_len <= root)
        return;
    while (low < high) {
        mid = low + (high - low) / 2;
        r = name_cmp(j, l->by_name[mid], s->key + root, s->key_len - root);
        if (r == 0) {
            j->state[l->by_name[mid]] = ENTRY_THERE;
            return;
        }
        if (r < 0)
            low = mid + 1;
        else
            high = mid;
    }
}

/* On a loop thread; the job's waits meanwhile. */
static void
on_page(void *user, const struct s3_error *e, const struct s3_page *page)
{
    struct call *c = user;
    struct look *l = c->owner;
    size_t i;

    c->e = *e;
    for (i = 0; e->err == 0 && i < page->count; i++)
        mark(l, &page->entry[i]);
    if (e->err == 0 && page->next && !(c->text = strdup(page->next)))
        c->e.err = -ENOMEM;
    call_answered(c);
}

static void list_more(struct look *l);

static void
on_listed(struct call *c)
{
    struct look *l = c->owner;
    struct unpack_job *j = l->job;
    uint64_t most = PAGES_LEAST + l->count / 250;

    free(l->token);
    l->token = c->text;
    c->text = NULL;
    if (c->e.err == -EACCES || (l->token && ++l->pages >= most))
        l->unknown = true;
    else if (c->e.err < 0)
        unpack_fail_s3(j, "ListObjectsV2", j->root, &c->e);
    else if (l->token)
        list_more(l);
}

static void
list_more(struct look *l)
{
    struct unpack_job *j = l->job;
    struct s3_list_args a = {
        .bucket = j->bucket,
        .prefix = j->root,
        .prefix_len = strlen(j->root),
        .token = l->token,
    };
    struct call *c = call_new(j, on_listed, l);

    if (c)
        c->id = s3_list(j->d->s3, &a, on_page, c);
}

static void
wait_all(struct unpack_job *j)
{
    while (!LIST_EMPTY(&j->calls))
        unpack_wait(j);
}

/* ---------------------------------------------------------------- heads */

struct head {
    struct look *look;
    uint32_t entry;
};

static void
on_compared(void *user, int r)
{
    struct head *h = user;
    struct look *l = h->look;
    struct unpack_job *j = l->job;

    l->heads--;
    if (r == 0)
        unpack_done(j, h->entry, true);
    else
        j->state[h->entry] = ENTRY_WANTED;
    if (r == -EEXIST && l->differ++ == 0)
        l->first = h->entry;
    free(h);
}

static void
head(struct look *l, uint32_t entry)
{
    struct unpack_job *j = l->job;
    struct head *h = malloc(sizeof(*h));
    CLEANUP_FREE char *key = unpack_key(j, entry);

    if (!h || !key) {
        free(h);
        unpack_fail(j, ENOMEM, "out of memory");
        return;
    }
    *h = (struct head){l, entry};
    l->heads++;
    there_compare(j, entry, key, on_compared, h);
}

static int
look_at_each(struct look *l)
{
    struct unpack_job *j = l->job;
    uint64_t i;

    for (i = 0; i < l->count && !j->stop; i++) {
        uint32_t x = l->by_name[i];

        if (!l->unknown && j->state[x] != ENTRY_THERE)
            continue;
        while (l->heads >= UNPACK_HEADS)
            unpack_wait(j);
        if (!j->stop)
            head(l, x);
    }
    wait_all(j);
    if (j->stop)
        return j->r;
    if (l->differ > 0 && !j->d->conf->overwrite) {
        CLEANUP_FREE char *key = unpack_key(j, l->first);
        char name[300];

        unpack_fail(j, EEXIST,
                    "s3://%s/%s%s: there already, and not that member (see "
                    "overwrite)",
                    j->bucket,
                    text_escape(name, sizeof(name), key ? key : "",
                                key ? strlen(key) : 0),
                    l->differ > 1 ? " and others" : "");
    }
    return j->r;
}

static int
find_twins(struct look *l)
{
    struct unpack_job *j = l->job;
    struct err e = {0};
    uint64_t i;

    for (i = 1; i < l->count; i++)
        if (by_name(&l->by_name[i - 1], &l->by_name[i], j) == 0) {
            zdir_bad(&j->dir, l->by_name[i], "a name that is there twice", &e);
            unpack_fail(j, EEXIST, "%s: %s", j->source.name, e.text);
            break;
        }
    return j->r;
}

int
there_look(struct unpack_job *j)
{
    struct look l = {.job = j};
    uint64_t i;

    l.by_name = malloc((j->dir.count + 1) * sizeof(*l.by_name));
    if (!l.by_name) {
        unpack_fail(j, ENOMEM, "out of memory");
        return j->r;
    }
    for (i = 0; i < j->dir.count; i++)
        if (j->state[i] == ENTRY_WANTED)
            l.by_name[l.count++] = (uint32_t)i;
    qsort_r(l.by_name, l.count, sizeof(*l.by_name), by_name, j);
    if (find_twins(&l) == 0) {
        list_more(&l);
        wait_all(j);
    }
    if (!j->stop)
        look_at_each(&l);
    free(l.token);
    free(l.by_name);
    return j->r;
}
