/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What is at the destination already: members that an earlier run brought
 * there, and objects of others.  Called by unpack.c before members are begun,
 * and by those whose write was refused; calls s3/sync.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "base/text.h"
#include "extract/unpack.h"

enum { PAGES_LEAST = 100 };

/* -------------------------------------------------------------- compare */

struct reading {
    struct unpack *job;
    uint32_t crc;
    uint64_t size;
};

static int
on_data(void *user, const void *p, size_t n)
{
    struct reading *g = user;

    g->crc = crc32_add(g->crc, p, n);
    g->size += n;
    atomic_fetch_add(&g->job->source.downloaded, n);
    return 0;
}

int
existing_read(struct unpack *j, const struct s3_get_args *a, uint64_t size,
              uint32_t *ret, struct s3_error *e)
{
    struct reading g = {.job = j};
    struct s3_get_args args = *a;
    struct s3_reply reply;
    int r;

    args.on_data = on_data;
    r = s3_get_wait(j->d->s3, j->scope, &args, &g, &reply);
    if (r == 0 && g.size != size)
        r = reply.e.err = -EPROTO;
    *e = reply.e;
    *ret = g.crc;
    return r;
}

int
existing_compare(struct unpack *j, uint32_t entry, const char *key)
{
    const struct zentry *z = unpack_entry(j, entry);
    struct s3_head_args head = {.at = unpack_where(j, key), .checksum = true};
    struct s3_reply o;
    struct s3_error e;
    uint32_t crc = 0;
    int r = s3_head_wait(j->d->s3, j->scope, &head, &o);

    /* A 403 may mean that nothing is there, where listing is not allowed. */
    if (r == -ENOENT || r == -EACCES)
        return -ENOENT;
    if (r < 0)
        return unpack_fail_s3(j, "HEAD", key, &o.e);
    if (o.size != z->size)
        return -EEXIST;
    if (o.have_crc32) {
        crc = o.crc32;
    } else if (o.size > 0) {
        struct s3_get_args get = {
            .at = head.at, .etag = o.etag, .expect = o.size};

        r = existing_read(j, &get, o.size, &crc, &e);
    }
    if (r < 0 && r != -ESTALE)
        return unpack_fail_s3(j, "GET", key, &e);
    return r == 0 && crc == z->crc ? 0 : -EEXIST;
}

int
existing_settle(struct unpack *j, uint32_t entry, const char *key)
{
    int r = existing_compare(j, entry, key);

    if (r == 0)
        unpack_done(j, entry, true);
    else if (r == -EEXIST || r == -ENOENT)
        r = unpack_fail(j, EEXIST, "%s: somebody else wrote it meanwhile",
                        key);
    return r;
}

/* ----------------------------------------------------------------- list */

struct look {
    struct unpack *job;
    uint32_t *by_name; /* wanted entries */
    uint64_t count;
    bool unknown;         /* no list: ask for each */
    pthread_mutex_t lock; /* the rest */
    uint64_t differ;
    uint32_t first; /* that differs */
};

static int
name_cmp(const struct unpack *j, uint32_t x, const char *name, size_t len)
{
    size_t n = j->dir.entry[x].name_len;
    int r = memcmp(zdir_name(&j->dir, x), name, n < len ? n : len);

    return r ? r : n < len ? -1 : n > len;
}

static int
by_name(const void *a, const void *b, void *user)
{
    const struct unpack *j = user;
    uint32_t y = *(const uint32_t *)b;

    return name_cmp(j, *(const uint32_t *)a,
                    (const char *)zdir_name(&j->dir, y),
                    j->dir.entry[y].name_len);
}

static void
mark(struct look *l, const struct s3_entry *s)
{
    struct unpack *j = l->job;
    size_t root = strlen(j->root);
    uint64_t low = 0, high = l->count, mid;
    int r;

    if (s->key_len <= root)
        return;
    while (low < high) {
        mid = low + (high - low) / 2;
        r = name_cmp(j, l->by_name[mid], s->key + root, s->key_len - root);
        if (r == 0) {
            j->state[l->by_name[mid]] = ENTRY_EXISTS;
            return;
        }
        if (r < 0)
            low = mid + 1;
        else
            high = mid;
    }
}

/* Marks those that are listed. */
static int
list(struct look *l)
{
    struct unpack *j = l->job;
    uint64_t most = PAGES_LEAST + l->count / 250, page;
    CLEANUP_FREE char *token = NULL;
    bool more = true;

    for (page = 0; more; page++) {
        struct s3_list_args a = {
            .bucket = j->bucket,
            .prefix = j->root,
            .prefix_len = strlen(j->root),
            .token = token,
        };
        struct s3_found found;
        size_t i;
        int r = s3_list_wait(j->d->s3, j->scope, &a, &found);

        for (i = 0; i < found.page.count; i++)
            mark(l, &found.page.entry[i]);
        free(token);
        token = r == 0 && found.page.next ? strdup(found.page.next) : NULL;
        more = r == 0 && found.page.next;
        s3_found_free(&found);
        if (r == -EACCES || (more && page + 1 == most)) {
            l->unknown = true;
            return 0;
        }
        if (r < 0)
            return unpack_fail_s3(j, "ListObjectsV2", j->root, &found.e);
        if (more && !token)
            return unpack_no_memory(j);
    }
    return 0;
}

/* ---------------------------------------------------------------- heads */

static int
look_at(void *user, uint64_t i)
{
    struct look *l = user;
    struct unpack *j = l->job;
    uint32_t x = l->by_name[i];
    CLEANUP_FREE char *key = NULL;
    int r;

    if (!l->unknown && j->state[x] != ENTRY_EXISTS)
        return 0;
    key = unpack_key(j, x);
    if (!key)
        return -ENOMEM;
    r = existing_compare(j, x, key);
    j->state[x] = r == 0 ? ENTRY_EXISTS : ENTRY_WANTED;
    if (r == 0)
        unpack_done(j, x, true);
    if (r == -EEXIST) {
        LOCK_SCOPE(&l->lock);

        if (l->differ++ == 0)
            l->first = x;
    }
    return r == -EEXIST || r == -ENOENT ? 0 : r;
}

static int
fail_differ(struct look *l)
{
    struct unpack *j = l->job;
    CLEANUP_FREE char *key = unpack_key(j, l->first);
    char name[300];

    if (!key)
        return -ENOMEM;
    return unpack_fail(j, EEXIST,
                       "s3://%s/%s%s: there already, and not that member (see "
                       "overwrite)",
                       j->bucket,
                       text_escape(name, sizeof(name), key, strlen(key)),
                       l->differ > 1 ? " and others" : "");
}

static int
find_twins(struct look *l)
{
    struct unpack *j = l->job;
    uint64_t i;

    for (i = 1; i < l->count; i++)
        if (by_name(&l->by_name[i - 1], &l->by_name[i], j) == 0)
            return unpack_fail_entry(j, l->by_name[i], EEXIST,
                                     "a name that is there twice");
    return 0;
}

int
existing_look(struct unpack *j)
{
    CLEANUP_FREE uint32_t *names = malloc((j->dir.count + 1) * sizeof(*names));
    struct look l = {.job = j, .by_name = names};
    uint64_t i;
    int r;

    if (!names)
        return unpack_no_memory(j);
    for (i = 0; i < j->dir.count; i++)
        if (j->state[i] == ENTRY_WANTED)
            names[l.count++] = (uint32_t)i;
    qsort_r(names, l.count, sizeof(*names), by_name, j);
    r = find_twins(&l);
    if (r == 0)
        r = list(&l);
    pthread_mutex_init(&l.lock, NULL);
    if (r == 0)
        r = side_each(l.count, UNPACK_HEADS, look_at, &l);
    pthread_mutex_destroy(&l.lock);
    if (r == 0 && l.differ > 0 && !j->d->conf->overwrite)
        r = fail_differ(&l);
    return r;
}
