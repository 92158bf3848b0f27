/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The inode table of fs_inode.h: a chained hash by node id.  An id is
 * derived from what the inode is, so that a remount (and a forgotten and
 * found again archive) keeps its numbers; the one in 2^64 collision takes
 * the next free id.  Must not know FUSE.
 */
#include "fs/fs_inode.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct node_key {
    uint8_t kind;
    uint8_t variant[2];
    uint8_t digest[FS_DIGEST];
    char prefix[FS_PREFIX_MAX];
};

uint64_t
fs_number(const void *key, size_t n)
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    uint64_t value;

    if (!EVP_Digest(key, n, md, &len, EVP_sha256(), NULL))
        abort(); /* no SHA-256 at all: nothing here could work */
    memcpy(&value, md, sizeof(value));
    return value;
}

static uint64_t
key_number(const struct fs_table *t, enum fs_kind kind, unsigned variant,
           const uint8_t *digest, const char *prefix, size_t len)
{
    struct node_key k = {.kind = (uint8_t)kind};
    uint64_t number;

    k.variant[0] = (uint8_t)variant;
    k.variant[1] = (uint8_t)(variant >> 8);
    if (digest)
        memcpy(k.digest, digest, FS_DIGEST);
    memcpy(k.prefix, prefix, len);
    number = t->number(&k, offsetof(struct node_key, prefix) + len);
    return number <= FS_ROOT_ID ? number + 2 : number;
}

uint64_t
fs_dir_number(const struct fs_table *t, const char *prefix, size_t len)
{
    return key_number(t, FS_DIR, 0, NULL, prefix, len);
}

uint64_t
fs_archive_number(const struct fs_table *t, const char *prefix, size_t len,
                  const uint8_t digest[FS_DIGEST])
{
    return key_number(t, FS_ARCHIVE, 0, digest, prefix, len);
}

static struct fs_node **
slot_of(const struct fs_table *t, uint64_t id)
{
    return &t->bucket[id & (t->buckets - 1)];
}

static struct fs_node *
node_by_id(const struct fs_table *t, uint64_t id)
{
    struct fs_node *n = *slot_of(t, id);

    while (n && n->id != id)
        n = n->next;
    return n;
}

static void
table_grow(struct fs_table *t)
{
    size_t i, buckets = t->buckets * 2;
    struct fs_node **old = t->bucket, *n, *next;
    struct fs_node **fresh = calloc(buckets, sizeof(*fresh));
    size_t old_buckets = t->buckets;

    if (!fresh)
        return; /* longer chains, nothing worse */
    t->bucket = fresh;
    t->buckets = buckets;
    for (i = 0; i < old_buckets; i++) {
        for (n = old[i]; n; n = next) {
            next = n->next;
            n->next = *slot_of(t, n->id);
            *slot_of(t, n->id) = n;
        }
    }
    free(old);
}

static void
node_insert(struct fs_table *t, struct fs_node *n)
{
    if (t->count >= t->buckets)
        table_grow(t);
    n->next = *slot_of(t, n->id);
    *slot_of(t, n->id) = n;
    t->count++;
}

static struct fs_node *
node_alloc(enum fs_kind kind, const char *prefix, size_t len)
{
    struct fs_node *n = calloc(1, sizeof(*n) + len + 1);

    if (!n)
        return NULL;
    n->kind = kind;
    n->prefix_len = len;
    memcpy(n->prefix, prefix, len);
    return n;
}

int
fs_table_init(struct fs_table *t, const char *root,
              uint64_t (*number)(const void *key, size_t n),
              void (*drop)(struct layout *l, struct reader *r))
{
    struct fs_node *n = node_alloc(FS_DIR, root, strlen(root));

    memset(t, 0, sizeof(*t));
    t->buckets = 256;
    t->bucket = calloc(t->buckets, sizeof(*t->bucket));
    if (!t->bucket || !n) {
        free(t->bucket);
        free(n);
        return -ENOMEM;
    }
    pthread_mutex_init(&t->lock, NULL);
    t->number = number;
    t->drop = drop;
    n->id = n->number = FS_ROOT_ID;
    n->lookups = 1; /* the kernel never forgets it */
    node_insert(t, n);
    return 0;
}

static void
node_free(struct fs_table *t, struct fs_node *n)
{
    if (n->layout || n->reader)
        t->drop(n->layout, n->reader);
    free(n);
}

void
fs_table_free(struct fs_table *t)
{
    struct fs_node *n, *next;
    size_t i;

    if (!t->bucket)
        return;
    for (i = 0; i < t->buckets; i++) {
        for (n = t->bucket[i]; n; n = next) {
            next = n->next;
            node_free(t, n);
        }
    }
    free(t->bucket);
    t->bucket = NULL;
    pthread_mutex_destroy(&t->lock);
}

static bool
node_is(const struct fs_node *n, enum fs_kind kind, unsigned variant,
        const uint8_t *digest, const char *prefix, size_t len)
{
    return n->kind == kind && n->variant == variant && n->prefix_len == len &&
           memcmp(n->prefix, prefix, len) == 0 &&
           (!digest || memcmp(n->digest, digest, FS_DIGEST) == 0);
}

/* The node of this key, or NULL and the free id for it.  Takes the lock as
 * held. */
static struct fs_node *
node_by_key(const struct fs_table *t, enum fs_kind kind, unsigned variant,
            const uint8_t *digest, const char *prefix, size_t len,
            uint64_t *ret_id)
{
    const struct fs_node *root = node_by_id(t, FS_ROOT_ID);
    uint64_t id;
    struct fs_node *n;

    if (node_is(root, kind, variant, digest, prefix, len))
        return node_by_id(t, FS_ROOT_ID);
    id = key_number(t, kind, variant, digest, prefix, len);
    for (; (n = node_by_id(t, id)) != NULL; id++) {
        if (node_is(n, kind, variant, digest, prefix, len))
            return n;
        if (id == UINT64_MAX)
            id = FS_ROOT_ID;
    }
    *ret_id = id;
    return NULL;
}

/* Lock held. */
static struct fs_node *
node_make(struct fs_table *t, uint64_t id, enum fs_kind kind, unsigned variant,
          const uint8_t *digest, const char *prefix, size_t len)
{
    struct fs_node *n = node_alloc(kind, prefix, len);

    if (!n)
        return NULL;
    n->id = id;
    n->variant = variant;
    if (digest)
        memcpy(n->digest, digest, FS_DIGEST);
    n->number = key_number(t, kind, 0, digest, prefix, len);
    node_insert(t, n);
    return n;
}

int
fs_table_dir(struct fs_table *t, const char *prefix, size_t len,
             struct fs_node **ret)
{
    struct fs_node *n;
    uint64_t id = 0;

    if (len > FS_PREFIX_MAX)
        return -ENAMETOOLONG;
    LOCK_SCOPE(&t->lock);
    n = node_by_key(t, FS_DIR, 0, NULL, prefix, len, &id);
    if (!n)
        n = node_make(t, id, FS_DIR, 0, NULL, prefix, len);
    if (!n)
        return -ENOMEM;
    n->refs++;
    *ret = n;
    return 0;
}

int
fs_table_archive(struct fs_table *t, const char *prefix, size_t len,
                 const uint8_t digest[FS_DIGEST], struct layout *l,
                 struct fs_node **ret, struct layout **ret_old,
                 struct reader **ret_old_reader)
{
    struct fs_node *n;
    unsigned variant = 0;
    uint64_t id = 0;

    if (len > FS_PREFIX_MAX)
        return -ENAMETOOLONG;
    LOCK_SCOPE(&t->lock);
    do {
        n = node_by_key(t, FS_ARCHIVE, variant, digest, prefix, len, &id);
    } while (n && n->busy && ++variant < UINT16_MAX);
    if (!n)
        n = node_make(t, id, FS_ARCHIVE, variant, digest, prefix, len);
    if (!n)
        return -ENOMEM;
    *ret_old = l;
    *ret_old_reader = NULL;
    if (n->layout != l) {
        *ret_old = n->layout;
        *ret_old_reader = n->reader;
        n->layout = l;
        n->reader = NULL;
    }
    n->refs++;
    *ret = n;
    return 0;
}

size_t
fs_table_count(struct fs_table *t)
{
    LOCK_SCOPE(&t->lock);
    return t->count;
}

struct fs_node *
fs_table_find(struct fs_table *t, uint64_t id)
{
    struct fs_node *n;

    LOCK_SCOPE(&t->lock);
    n = node_by_id(t, id);
    if (n)
        n->refs++;
    return n;
}

static struct fs_node *
find_key(struct fs_table *t, enum fs_kind kind, const uint8_t *digest,
         const char *prefix, size_t len)
{
    struct fs_node *n;
    uint64_t id;

    if (len > FS_PREFIX_MAX)
        return NULL;
    LOCK_SCOPE(&t->lock);
    n = node_by_key(t, kind, 0, digest, prefix, len, &id);
    if (n)
        n->refs++;
    return n;
}

struct fs_node *
fs_table_find_dir(struct fs_table *t, const char *prefix, size_t len)
{
    return find_key(t, FS_DIR, NULL, prefix, len);
}

struct fs_node *
fs_table_find_archive(struct fs_table *t, const char *prefix, size_t len,
                      const uint8_t digest[FS_DIGEST])
{
    return find_key(t, FS_ARCHIVE, digest, prefix, len);
}

/* Lock held: takes a node that nobody holds out of the table; the caller
 * frees it without the lock. */
static struct fs_node *
node_unlink(struct fs_table *t, struct fs_node *n)
{
    struct fs_node **at;

    if (n->refs || n->lookups)
        return NULL;
    for (at = slot_of(t, n->id); *at != n; at = &(*at)->next)
        ;
    *at = n->next;
    t->count--;
    return n;
}

void
fs_node_put(struct fs_table *t, struct fs_node *n)
{
    struct fs_node *gone;

    if (!n)
        return;
    pthread_mutex_lock(&t->lock);
    n->refs--;
    gone = node_unlink(t, n);
    pthread_mutex_unlock(&t->lock);
    if (gone)
        node_free(t, gone);
}

void
fs_node_told(struct fs_table *t, struct fs_node *n)
{
    LOCK_SCOPE(&t->lock);
    if (n->id != FS_ROOT_ID)
        n->lookups++;
}

void
fs_table_forget(struct fs_table *t, uint64_t id, uint64_t count)
{
    struct fs_node *n, *gone = NULL;

    if (id == FS_ROOT_ID)
        return;
    pthread_mutex_lock(&t->lock);
    n = node_by_id(t, id);
    if (n) {
        n->lookups -= count < n->lookups ? count : n->lookups;
        gone = node_unlink(t, n);
    }
    pthread_mutex_unlock(&t->lock);
    if (gone)
        node_free(t, gone);
}

void
fs_node_busy(struct fs_table *t, struct fs_node *n, int change)
{
    LOCK_SCOPE(&t->lock);
    n->busy += (unsigned)change;
}
