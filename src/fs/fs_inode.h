/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The inode table: directories by prefix, archives by (directory, layout
 * digest).  Counts what the kernel holds (lookups) and what requests hold
 * (refs).  Must not know FUSE, layouts or the network.
 */
#ifndef S3ZIPFS_FS_INODE_H
#define S3ZIPFS_FS_INODE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fs_kind { FS_DIR, FS_ARCHIVE };

enum { FS_ROOT_ID = 1, FS_DIGEST = 32, FS_PREFIX_MAX = 1024 };

struct layout;
struct reader;

struct fs_node {
    struct fs_node *next; /* in its bucket */
    uint64_t id;          /* the kernel's node id */
    uint64_t number;      /* st_ino; variants of one archive share it */
    uint64_t lookups, refs;
    enum fs_kind kind;
    unsigned variant;
    unsigned busy;         /* blocking publishes under way */
    struct layout *layout; /* archives: owned; the table's lock */
    struct reader *reader; /* NULL until the first open; likewise */
    uint8_t digest[FS_DIGEST];
    size_t prefix_len;
    char prefix[]; /* full key prefix: "" or ends in '/' */
};

/* lock: everything in here and the counters and pointers of the nodes. */
struct fs_table {
    pthread_mutex_t lock;
    struct fs_node **bucket;
    size_t buckets, count; /* buckets: a power of two */
    uint64_t (*number)(const void *key, size_t n);
    void (*drop)(struct layout *l, struct reader *r); /* without the lock */
};

/* The first eight bytes of the SHA-256 of a key: what fs_table_init takes
 * unless a test wants collisions. */
uint64_t fs_number(const void *key, size_t n);

/* root: the mount's key prefix, node FS_ROOT_ID.  0 or -ENOMEM. */
int fs_table_init(struct fs_table *t, const char *root,
                  uint64_t (*number)(const void *key, size_t n),
                  void (*drop)(struct layout *l, struct reader *r));
/* Forgets everything, whatever the counts. */
void fs_table_free(struct fs_table *t);

/* Each takes a reference (refs), given back by fs_node_put.  0, -ENOMEM or
 * -ENAMETOOLONG. */
int fs_table_dir(struct fs_table *t, const char *prefix, size_t len,
                 struct fs_node **ret);
/* The first variant that is not busy.  l is owned by the node from here on
 * if the node holds another layout (or none): *ret_old is what the caller
 * must drop, l itself if it was not needed. */
int fs_table_archive(struct fs_table *t, const char *prefix, size_t len,
                     const uint8_t digest[FS_DIGEST], struct layout *l,
                     struct fs_node **ret, struct layout **ret_old,
                     struct reader **ret_old_reader);
size_t fs_table_count(struct fs_table *t);
/* NULL if unknown. */
struct fs_node *fs_table_find(struct fs_table *t, uint64_t id);
struct fs_node *fs_table_find_dir(struct fs_table *t, const char *prefix,
                                  size_t len);
struct fs_node *fs_table_find_archive(struct fs_table *t, const char *prefix,
                                      size_t len,
                                      const uint8_t digest[FS_DIGEST]);
void fs_node_put(struct fs_table *t, struct fs_node *n);

/* The kernel was told of it once more; has forgotten it n times. */
void fs_node_told(struct fs_table *t, struct fs_node *n);
void fs_table_forget(struct fs_table *t, uint64_t id, uint64_t n);

void fs_node_busy(struct fs_table *t, struct fs_node *n, int change);

/* st_ino that a node would have. */
uint64_t fs_dir_number(const struct fs_table *t, const char *prefix,
                       size_t len);
uint64_t fs_archive_number(const struct fs_table *t, const char *prefix,
                           size_t len, const uint8_t digest[FS_DIGEST]);

#endif
