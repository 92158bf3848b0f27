/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Pages -> the objects below one prefix: copies keys and ETags, sets the
 * prefix's own marker and archive aside, drops what include= and exclude=
 * do not want.  Knows nothing of rules about names (build.c).
 */
#include "index/index_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

enum { BLOCK_LEAST = 64, BLOCK_MOST = 4096 };

void
blocks_free(struct block_list *b)
{
    struct block *k, *next;

    for (k = b->first; k; k = next) {
        next = k->next;
        free(k);
    }
    *b = (struct block_list){0};
}

void
listing_free(struct listing *li)
{
    free(li->member);
    arena_free(&li->arena);
    *li = (struct listing){.conf = li->conf,
                           .prefix = li->prefix,
                           .prefix_len = li->prefix_len,
                           .root_len = li->root_len};
}

int
listing_reserve(struct listing *li, size_t count)
{
    li->member = malloc((count + 2) * sizeof(*li->member));
    return li->member ? 0 : -ENOMEM;
}

void
listing_gather(struct listing *li, struct block_list *b)
{
    struct block *k, *next;

    for (k = b->first; k; k = next) {
        next = k->next;
        memcpy(&li->member[li->count], k->member,
               k->count * sizeof(*k->member));
        li->count += k->count;
        free(k); /* at once: a large one goes back to the system */
    }
    *b = (struct block_list){0};
}

static uint8_t
hint_of(const struct s3_entry *s)
{
    if (s->algorithm & S3_ALG_CRC32)
        return s->type == S3_TYPE_FULL        ? ZIP_HINT_CRC32_FULL
               : s->type == S3_TYPE_COMPOSITE ? ZIP_HINT_CRC32_PARTS
                                              : ZIP_HINT_UNKNOWN;
    return s->algorithm & S3_ALG_OTHER ? ZIP_HINT_OTHER : ZIP_HINT_UNKNOWN;
}

/* GLACIER_IR answers GET at once. */
static bool
is_archived(const char *storage_class)
{
    return strcmp(storage_class, "GLACIER") == 0 ||
           strcmp(storage_class, "DEEP_ARCHIVE") == 0;
}

static int
copy_entry(struct listing *li, const struct s3_entry *s,
           struct zip_member *ret)
{
    size_t etag_len = strlen(s->etag);
    struct zip_member m = {.size = s->size, .mtime = s->mtime};

    m.key = arena_dup(&li->arena, s->key, s->key_len);
    m.etag = arena_dup(&li->arena, s->etag, etag_len);
    if (!m.key || !m.etag)
        return -ENOMEM;
    m.key_len = (uint16_t)s->key_len;
    m.etag_len = (uint16_t)etag_len;
    m.name = m.key + li->prefix_len;
    m.name_len = (uint16_t)(s->key_len - li->prefix_len);
    m.hint = hint_of(s);
    m.archived = is_archived(s->storage_class);
    *ret = m;
    return 0;
}

static struct block *
block_with_room(struct block_list *b)
{
    struct block *k = b->last;
    size_t cap = k ? min_u64(k->cap * 8, BLOCK_MOST) : BLOCK_LEAST;

    if (k && k->count < k->cap)
        return k;
    k = malloc(sizeof(*k) + cap * sizeof(*k->member));
    if (!k)
        return NULL;
    k->next = NULL;
    k->count = 0;
    k->cap = cap;
    *(b->last ? &b->last->next : &b->first) = k;
    b->last = k;
    return k;
}

static int
add_member(struct listing *li, const struct s3_entry *s, struct block_list *b)
{
    struct block *k = block_with_room(b);

    if (!k || copy_entry(li, s, &k->member[k->count]) < 0)
        return -ENOMEM;
    k->count++;
    return 0;
}

static int
set_aside(struct listing *li, const struct s3_entry *s, bool *has,
          struct zip_member *ret, struct err *e)
{
    if (*has)
        return err_set(e, EPROTO, "the listing names a key twice");
    *has = true;
    return copy_entry(li, s, ret);
}

static int
check_entry(struct listing *li, const struct s3_entry *s, struct err *e)
{
    char name[200];

    if (s->key_len < li->prefix_len ||
        memcmp(s->key, li->prefix, li->prefix_len) != 0)
        return err_set(e, EPROTO, "the listing has a key outside: %s",
                       text_escape(name, sizeof(name), s->key, s->key_len));
    if (s->key_len > UINT16_MAX || strlen(s->etag) > UINT16_MAX)
        return err_set(e, EPROTO, "the listing has an oversized key or ETag");
    if (++li->objects > li->conf->max_entries)
        return err_set(e, EFBIG,
                       "more than max_entries=%llu objects are below",
                       (unsigned long long)li->conf->max_entries);
    return 0;
}

/* What the program itself writes and takes away again. */
static bool
is_scratch(const struct listing *li, const struct s3_entry *s)
{
    const char *p = li->conf->scratch;

    return p && *p && strncmp(s->key, p, strlen(p)) == 0;
}

static int
add_entry(struct listing *li, const struct s3_entry *s, struct block_list *b,
          struct err *e)
{
    const char *name = s->key + li->prefix_len;
    size_t name_len = s->key_len - li->prefix_len;

    if (name_len == 0) {
        /* A zero-byte marker is the directory itself. */
        if (s->size == 0)
            return 0;
        return set_aside(li, s, &li->has_marker, &li->marker, e);
    }
    if (is_scratch(li, s) ||
        !conf_member_wanted(li->conf, s->key + li->root_len)) {
        li->excluded++;
        return 0;
    }
    if (name_len == strlen(li->conf->name) &&
        memcmp(name, li->conf->name, name_len) == 0)
        return set_aside(li, s, &li->has_archive, &li->archive, e);
    return add_member(li, s, b);
}

int
listing_add(struct listing *li, const struct s3_entry *entry, size_t n,
            struct block_list *b, struct err *e)
{
    size_t i;
    int r = 0;

    for (i = 0; r == 0 && i < n; i++) {
        r = check_entry(li, &entry[i], e);
        if (r == 0)
            r = add_entry(li, &entry[i], b, e);
    }
    return r;
}
