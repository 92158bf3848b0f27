/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * S3 calls, each asynchronous: submit, completion on a loop thread,
 * cancel.  Signing, retries with full jitter and a budget, region and
 * clock-skew learning, 200-with-error and hostile XML are dealt with in
 * here; callers see one struct s3_error.
 *
 * Uploads in parts have a header of their own, s3/multipart.h.
 *
 * Must not know archives, layouts or plans.
 */
#ifndef S3ZIPFS_S3_S3_H
#define S3ZIPFS_S3_S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "aws/aws.h"
#include "base/arena.h"
#include "base/err.h"
#include "net/net.h"

/* Limits of the service (S3 user guide, "Multipart upload limits").  One
 * table; plan has its own copy of the numbers it plans with. */
enum {
    S3_LIST_PAGE = 1000,
    S3_KEY_MAX = 1024, /* bytes, of UTF-8 */
    S3_PARTS_MAX = 10000,
    S3_DELETE_MAX = 1000, /* of one DeleteObjects */
};
/* What is believed of a store: longer words make its answer malformed. */
enum {
    S3_ETAG_MAX = 256,
    S3_VALUE_MAX = 2048, /* other opaque words: ids, versions */
};
#define S3_PART_MIN MIB(5)
#define S3_PART_MAX GIB(5)

/* The one error value.  err is what a read or stat answers (s3zipfs(1),
 * ERRORS); publish maps -ESTALE to ECANCELED itself. */
struct s3_error {
    int err;           /* 0 or -errno */
    int http;          /* status of the last answer, 0 = none came */
    char code[64];     /* S3 code, "" if none; escaped */
    char message[256]; /* S3's or libcurl's words; escaped */
    char request_id[64], host_id[128];
    int attempts;
};
/* "GET s3://bucket/key: 403 AccessDenied: ... (request id ...)" with names
 * escaped: the text for struct err.  Returns e->err. */
int s3_error_text(const struct s3_error *e, const char *op, const char *bucket,
                  const char *key, size_t key_len, struct err *ret);

/* A refusal of Complete that a wrong CRC explains, the store's or ours
 * (S3: BadDigest; other stores have their own words). */
bool s3_error_is_checksum(const struct s3_error *e);

struct s3;
struct s3_conf {          /* borrowed until s3_new returns */
    const char *endpoint; /* URL; NULL = aws_endpoint_url, then AWS */
    const char *region;   /* NULL = aws_region, then learn */
    int path_style;       /* -1 auto, 0, 1 */
    bool requester_pays;
    const char *expected_bucket_owner; /* for every bucket... */
    const char *dest_expected_owner;   /* ...but destinations (args.dest) */
    int sign_payload; /* -1 auto: over http, and never over https */
    const char *storage_class, *sse_kms_key_id; /* for creates */
    const char *trace; /* file to append a JSON line an exchange to; NULL =
                          none */
};
int s3_new(struct s3 **ret, struct net *n, struct aws *a,
           const struct s3_conf *c, struct err *e);
/* All calls must have answered (net_free sees to it). */
void s3_free(struct s3 *s);
/* "https://host[:port]" or the AWS partition word: identity of the store
 * for caches. */
const char *s3_endpoint_id(const struct s3 *s);

/* Every call returns an id for s3_cancel and answers exactly once through
 * its callback, on a loop thread; never inside the call, nor inside
 * s3_cancel: who asks while it holds the lock that its callback takes has
 * stored the id before the callback can look for it.  (A call signs and may
 * hash up to 256 KiB of a body: tens of microseconds, at most a millisecond.)
 * Results are valid during the callback only.  Strings in args are copied. */
typedef uint64_t s3_id;
void s3_cancel(struct s3 *s, s3_id id);
/* Goes on with a GET that on_data paused (net_resume); ignored when there
 * is nothing to go on with. */
void s3_resume(struct s3 *s, s3_id id);

/* An object's address.  dest: use dest_expected_owner. */
struct s3_where {
    const char *bucket;
    const char *key;
    size_t key_len;
    bool dest;
};

/* Patience of an operation. */
enum s3_patience {
    S3_PATIENCE_NORMAL, /* 10 attempts or 60 s without progress */
    S3_PATIENCE_PROBE,  /* 10 s in all */
};

/* ---------------------------------------------------------------- list */

struct s3_entry { /* borrowed from the page */
    const char *key;
    size_t key_len;
    uint64_t size;
    int64_t mtime;             /* seconds, floored */
    const char *etag;          /* bare, "" if none */
    const char *storage_class; /* "" if none */
    uint8_t algorithm;         /* bits S3_ALG_* of ChecksumAlgorithm */
    uint8_t type;              /* enum s3_checksum_type */
};
enum { S3_ALG_CRC32 = 1, S3_ALG_OTHER = 2 };
enum s3_checksum_type { S3_TYPE_NONE, S3_TYPE_FULL, S3_TYPE_COMPOSITE };

struct s3_page {
    const struct s3_entry *entry;
    size_t count;
    const char *const *prefix; /* common prefixes, decoded */
    const size_t *prefix_len;
    size_t prefix_count;
    const char *next; /* continuation token; NULL at the end */
};
struct s3_list_args {
    const char *bucket;
    const char *prefix;
    size_t prefix_len;
    bool delimiter;          /* "/" */
    const char *start_after; /* NULL = none */
    const char *token;       /* of the page before, NULL = first */
    unsigned max_keys;       /* 0 = 1,000 */
    enum s3_patience patience;
};
/* ListObjectsV2, one page.  A page whose token equals args.token is
 * -EPROTO. */
typedef void s3_list_cb(void *user, const struct s3_error *e,
                        const struct s3_page *page);
s3_id s3_list(struct s3 *s, const struct s3_list_args *args, s3_list_cb *cb,
              void *user);

/* ------------------------------------------------------- get and head */

struct s3_object {    /* what the headers said; borrowed */
    uint64_t size;    /* of the whole object */
    const char *etag; /* bare */
    int64_t mtime;
    bool have_crc32; /* FULL_OBJECT, not COMPOSITE */
    uint32_t crc32;
    enum s3_checksum_type type;
    const char *checksum_crc32; /* as sent, "" if none (COMPOSITE: "x-N") */
    const char *layout_digest;  /* x-amz-meta-s3zipfs-layout, "" */
    const char *storage_class;
    const char *version_id;
};
struct s3_get_args {
    struct s3_where at;
    const char *etag;       /* If-Match; NULL or "" = no guard */
    uint64_t first, length; /* length 0 = whole object, no Range header */
    uint64_t expect;        /* whole: the size to expect, else -ESTALE */
    bool checksum;          /* x-amz-checksum-mode: ENABLED */
    bool fresh, urgent;     /* as net_request */
    /* Headers came (optional): before any data. */
    void (*on_object)(void *user, const struct s3_object *o);
    /* Body bytes, each exactly once, in order, over all attempts (a cut
     * body goes on by Range).  0, -errno to end the call with it, or
     * NET_PAUSE: not taken, they come again after s3_resume. */
    int (*on_data)(void *user, const void *p, size_t n);
};
/* e->err == 0: all bytes were given.  412 and 404 are -ESTALE if etag was
 * given (404 without: -ENOENT). */
typedef void s3_get_cb(void *user, const struct s3_error *e,
                       const struct s3_object *o);
s3_id s3_get(struct s3 *s, const struct s3_get_args *args, s3_get_cb *cb,
             void *user);

struct s3_head_args {
    struct s3_where at;
    const char *etag; /* If-Match or NULL */
    bool checksum;
};
s3_id s3_head(struct s3 *s, const struct s3_head_args *args, s3_get_cb *cb,
              void *user);

/* GetObjectAttributes(ObjectParts, Checksum, ObjectSize, ETag), all pages.
 * part[]: size and CRC32 of each. */
struct s3_attr_part {
    uint64_t size;
    uint32_t crc32;
    bool have_crc32;
};
struct s3_attrs {
    const char *etag;
    uint64_t size;
    const struct s3_attr_part *part;
    size_t count;
};
typedef void s3_attrs_cb(void *user, const struct s3_error *e,
                         const struct s3_attrs *a);
s3_id s3_attributes(struct s3 *s, const struct s3_where *at, s3_attrs_cb *cb,
                    void *user);

/* ------------------------------------------------------ put and delete */

struct s3_completed {
    const char *etag;
    const char *version_id;
    bool have_crc32;
    uint32_t crc32;
};
/* Of s3_put, and of s3_complete.  412: -EEXIST.  409: -EBUSY.  501:
 * -EOPNOTSUPP.  BadDigest and its kin: -EIO with the code. */
typedef void s3_complete_cb(void *user, const struct s3_error *e,
                            const struct s3_completed *c);

/* An object of one PUT (archives below the part floor, the 22-byte one).
 * Fields as in create and complete (s3/multipart.h).  -EINPROGRESS: a
 * condition failed, but at a later attempt, so perhaps on our own object:
 * HEAD it. */
struct s3_put_args {
    struct s3_where at;
    const struct iovec *body;
    int body_count;
    bool send_crc32;
    uint32_t crc32;
    const char *content_type, *layout_digest;
    const char *if_match;
    bool if_none_match;
};
s3_id s3_put(struct s3 *s, const struct s3_put_args *args, s3_complete_cb *cb,
             void *user);

/* Of s3_delete, and of the aborts. */
typedef void s3_done_cb(void *user, const struct s3_error *e);
/* DeleteObject; etag (If-Match) may be NULL; 404 is success. */
s3_id s3_delete(struct s3 *s, const struct s3_where *at, const char *etag,
                const char *version_id, s3_done_cb *cb, void *user);

struct s3_item {
    const char *key;
    size_t key_len;
    const char *version_id; /* NULL or "": the newest */
};
struct s3_delete_many_args {
    const char *bucket;
    bool dest;
    const struct s3_item *item; /* copied; 1..S3_DELETE_MAX */
    size_t count;
};
/* One that is still there; borrowed.  -EILSEQ: its key cannot be written in
 * XML (control characters); s3_delete can. */
struct s3_delete_failure {
    size_t index; /* in args.item */
    int err;
    const char *code, *message; /* the store's; escaped */
};
/* DeleteObjects.  e->err == 0: what no failure names is gone (what was not
 * there too).  -EOPNOTSUPP: the store does not have the call.  -EILSEQ: none
 * of the keys can be written. */
typedef void s3_delete_many_cb(void *user, const struct s3_error *e,
                               const struct s3_delete_failure *f,
                               size_t count);
s3_id s3_delete_many(struct s3 *s, const struct s3_delete_many_args *args,
                     s3_delete_many_cb *cb, void *user);

/* ------------------------------------------------------------ versions */

struct s3_version {
    const char *key;
    size_t key_len;
    const char *version_id; /* "" or "null": not versioned */
    const char *etag;       /* bare, "" of a marker */
    uint64_t size;
    bool marker; /* a delete marker */
};
/* Every version of every object whose key begins with at->key, all pages
 * (ListObjectVersions); where the store has no such call, what
 * ListObjectsV2 says.  -EFBIG: more than 200,000. */
typedef void s3_versions_cb(void *user, const struct s3_error *e,
                            const struct s3_version *v, size_t count);
s3_id s3_list_versions(struct s3 *s, const struct s3_where *at,
                       s3_versions_cb *cb, void *user);

/* Does the bucket keep each new object for a while (Object Lock with a
 * default retention)?  GetObjectLockConfiguration; not found, 501, 403 or
 * 405: no.  -ENOENT: no such bucket. */
typedef void s3_lock_cb(void *user, const struct s3_error *e, bool retention);
s3_id s3_bucket_lock(struct s3 *s, const char *bucket, s3_lock_cb *cb,
                     void *user);

/* -------------------------------------------------------- for threads */

/* Region of a bucket as learned, or "" (HeadBucket is not called). */
void s3_bucket_region(struct s3 *s, const char *bucket, char *out,
                      size_t out_size);

/* Requests so far, by kind (attempts; the kinds come first, in the order of
 * s3_kind_name); bytes of bodies; attempts that failed, by cause: SlowDown
 * and its kin, 5xx, other refusals (a 404 that was hoped for included), no
 * or half an answer, an answer that makes no sense.  The rates that SlowDown
 * has left, requests a second (0: not limited), of those that S3 counts as
 * reads (GET, HEAD) and as writes (PUT, POST, DELETE, LIST); how often each
 * was cut. */
enum { S3_KINDS = 16 };
struct s3_stats {
    uint64_t list, get, head, attributes, create, upload, copy, complete,
        abort, put, delete_, delete_many, list_uploads, list_parts,
        list_versions, lock;
    uint64_t retries, bytes_in, bytes_out;
    uint64_t errors_slow, errors_server, errors_refused, errors_network,
        errors_answer, cancelled;
    uint64_t listed_keys;
    uint64_t trace_lines, trace_dropped;
    uint64_t read_rate, read_cuts, write_rate, write_cuts;
};
void s3_stats_get(struct s3 *s, struct s3_stats *ret);

/* Of one kind (0..S3_KINDS - 1).  Milliseconds that half and 99 of 100
 * successful attempts did not exceed, to the first byte of the answer and
 * in all; 0 if there was none. */
struct s3_kind_stats {
    uint64_t errors;
    uint32_t first_p50, first_p99, total_p50, total_p99;
};
void s3_kind_get(struct s3 *s, unsigned kind, struct s3_kind_stats *ret);
const char *s3_kind_name(unsigned kind);

#endif
