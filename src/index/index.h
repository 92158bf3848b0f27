/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * From a listing to a layout: pages -> key rule -> set rule -> order ->
 * layout and digest, with the freshness rules of s3zipfs(1).  Downloads
 * nothing.  Must not know FUSE, CRCs or plans of an upload.
 */
#ifndef S3ZIPFS_INDEX_INDEX_H
#define S3ZIPFS_INDEX_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "conf/conf.h"
#include "s3/s3.h"
#include "zip/zip.h"

/* An object that was left out, or a soft remark (then it is in). */
struct layout_skip {
    const char *key; /* arena */
    uint16_t key_len;
    bool left_out;   /* also soft ones under portable_names */
    unsigned faults; /* enum zip_fault bits */
};

enum { LAYOUT_CUTS = 15 };

/* An object at the archive's own key that carries the layout's digest and
 * has its size.  Lives as long as the layout. */
struct layout_twin {
    struct layout_twin *older;
    const char *key, *etag; /* of text */
    size_t key_len;
    bool have_crc32; /* of all of it, FULL_OBJECT */
    uint32_t crc32;
    char text[];
};

/* One immutable archive.  Refcounted: an open file keeps its layout. */
struct layout {
    atomic_int refs;
    struct zip_layout zip;
    struct zip_member *member; /* zip.member, writable owner */
    struct arena arena;
    uint8_t digest[32];
    char *bucket;
    char *prefix; /* key prefix of the directory: "" or ends in '/' */
    size_t prefix_len;
    int64_t mtime;               /* newest member, 0 if none */
    _Atomic(uint64_t) listed_ms; /* net_now_ms, end of its last listing */
    struct layout_skip *skip;
    size_t skip_count;                   /* all faults, soft ones included */
    size_t poison_count, conflict_count; /* left out */
    size_t soft_count;                   /* in, with a remark */
    size_t excluded_count;               /* by include=/exclude=, or scratch */
    uint64_t pages;                      /* list requests that it took */
    uint8_t fingerprint[32];      /* of the listing that it was made from */
    const char *cut[LAYOUT_CUTS]; /* keys that divide it evenly (arena):
                                     where the next listing begins, side by
                                     side */
    size_t cut_count;
    atomic_bool stale;              /* a member answered 412 or 404 */
    _Atomic(uint32_t) stale_member; /* which */
    _Atomic(const struct layout_twin *) twin; /* as listed last; NULL: none,
                                                 or twin=off */
    struct layout_twin *twins;                /* all that it had */
    atomic_bool misread; /* one was wrong: what came of it is not to be kept,
                            and no twin is trusted again */
};
struct layout *layout_ref(struct layout *l);
void layout_unref(struct layout *l);
void layout_digest_hex(const struct layout *l, char out[65]);
/* Marks stale, logs the key once. */
void layout_set_stale(struct layout *l, size_t member);

/* 0, or -EILSEQ / -EEXIST with the first names if publish must refuse
 * under badkeys (archive left something out that the user did not wave
 * through). */
int layout_publishable(const struct layout *l, enum conf_badkeys badkeys,
                       struct err *e);
/* The same for a publish that replaces what is at the archive's own key: a
 * stranger there is no conflict then. */
int layout_publishable_over(const struct layout *l, enum conf_badkeys badkeys,
                            struct err *e);

struct index;
/* conf is borrowed for the life of the index. root: key prefix of the
 * mount, "" or ending in '/'.  index_free comes after net_free, which ends
 * what is under way. */
int index_new(struct index **ret, struct net *n, struct s3 *s,
              const struct conf *conf, const char *bucket, const char *root,
              struct err *e);
void index_free(struct index *ix);

/* Waits are cancellable, the listing behind them goes on.  A cancelled one
 * is answered with -ECANCELED, soon, on a loop thread; an unknown or
 * answered id is ignored.  Every call answers exactly once. */
typedef uint64_t index_id;
void index_cancel(struct index *ix, index_id id);

enum index_flags {
    INDEX_FRESH = 1,  /* list again whatever the ttl (publish command,
                         invalidate) */
    INDEX_CACHED = 2, /* only what is there: -ENODATA if a listing would be
                         needed */
};

/* The layout of the archive of prefix ("" or ends in '/', the full key
 * prefix).  Callback (maybe before return; else on a loop thread): r 0 and
 * l (borrowed: ref it), or -errno with words: -ENOENT (no keys below, not
 * the root), -EFBIG, what s3 answered.  One listing per prefix at a time;
 * younger than ttl: answered from memory; stale: lists again.  When the
 * newest known layout comes out again (digest, what was left out, archived
 * classes), it is the same struct layout, with listed_ms renewed and stale
 * cleared; compare digests, not pointers, to know an archive again.
 * INDEX_FRESH waits for a listing that began after the call. */
typedef void index_layout_cb(void *user, int r, struct layout *l,
                             const struct err *e);
index_id index_layout(struct index *ix, const char *prefix, unsigned flags,
                      index_layout_cb *cb, void *user);

/* The cached listing of prefix is not to be used again (invalidate; a
 * publish into that prefix). */
void index_invalidate(struct index *ix, const char *prefix);

/* One delimiter listing, cached for ttl: names of sub-prefixes, without
 * the final '/', sorted, those the tree can show (not ".", "..", empty,
 * NUL, > 255 bytes). too_big: archive.zip is remembered as EFBIG. */
struct index_dir {
    const char *const *name;
    size_t count;
    bool exists; /* some key is below (always true for the root) */
    bool too_big;
};
typedef void index_dir_cb(void *user, int r, const struct index_dir *d,
                          const struct err *e);
index_id index_dir(struct index *ix, const char *prefix, index_dir_cb *cb,
                   void *user);

/* Is there a key below prefix?  A lookup of a sub-directory: answered from
 * a cached listing of the parent if there is one, else one LIST with
 * max-keys=1.  r 0 or -ENOENT or another -errno. */
typedef void index_exists_cb(void *user, int r, const struct err *e);
index_id index_exists(struct index *ix, const char *prefix,
                      index_exists_cb *cb, void *user);

/* The first probe of a mount or command: list (prefix, delimiter,
 * max-keys=1) within 10 s.  For threads that may wait. */
int index_probe(struct index *ix, struct err *e);

/* For threads that may wait: the layout, referenced. */
int index_layout_wait(struct index *ix, const char *prefix, unsigned flags,
                      struct layout **ret, struct err *e);

/* Building without a store (plan --sizes, tests): l as from layout_alloc,
 * l->member (malloc) and l->zip.count set, names in l->arena; sorts, lays
 * out, hashes.  0, -ENOMEM or -EFBIG; l stays the caller's. */
struct layout *layout_alloc(const char *bucket, const char *prefix);
int layout_finish(struct layout *l, enum conf_order order);

#endif
