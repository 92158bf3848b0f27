/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Inside s3/: the client, one call in progress, and what the files of this
 * room share.  Not for other rooms.
 *
 * Threads: s->lock guards the table of calls, the learned regions, the
 * governors and, in each call, the fields marked (lock).  All other
 * fields of a call belong to whoever runs it just now: the submitting
 * thread, then the credentials' thread, then a loop thread; never two at a
 * time.  The lock is held for a few instructions and while an exchange or a
 * timer is given to net, which calls nobody back inside: never while signing,
 * never across aws or a callback.
 */
#ifndef S3ZIPFS_S3_CALL_H
#define S3ZIPFS_S3_CALL_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/emit.h"
#include "s3/retry.h"
#include "s3/s3.h"

enum {
    S3_ERROR_BODY_MAX = 64 * 1024,
    S3_REGION_MAX = 40, /* with the NUL */
    S3_TABLE = 1024,
};

/* ------------------------------------------------------------ endpoint */

struct s3_endpoint {
    bool aws; /* no endpoint configured: host follows the region */
    bool https;
    char *host;     /* with the port unless it is the default; not aws */
    char *base;     /* "" or "/path", no slash at the end */
    int path_style; /* -1 auto */
};
int s3_endpoint_parse(struct s3_endpoint *ep, const char *url, struct err *e);
void s3_endpoint_free(struct s3_endpoint *ep);
bool s3_endpoint_path_style(const struct s3_endpoint *ep, const char *bucket);
/* Host and encoded path of a request; key_len 0 = the bucket. */
int s3_endpoint_address(const struct s3_endpoint *ep, const char *region,
                        const char *bucket, const void *key, size_t key_len,
                        struct buf *host, struct buf *path);
const char *s3_partition(const char *region);
bool s3_region_ok(const char *region);

/* ------------------------------------------------------------ governors */

struct s3_governor {
    struct s3_pace pace;
    struct s3_budget budget;
};
struct s3_call;
struct s3_verb;
enum s3_side s3_side_of(const struct s3_verb *v);
struct s3_governor *s3_governor_of(const struct s3_call *c);
/* ms to wait before the next attempt of c, which is counted.  Takes the
 * lock. */
uint32_t s3_govern(struct s3_call *c);
void s3_governors_init(struct s3 *s);
void s3_governors_get(struct s3 *s, struct s3_stats *ret);

/* -------------------------------------------------------------- client */

struct s3_region {
    struct s3_region *next;
    char region[S3_REGION_MAX];
    char bucket[];
};

/* Counts of milliseconds: exact below 16, then in steps of an eighth. */
enum {
    HIST_STEP_BITS = 3,
    HIST_STEPS = 1 << HIST_STEP_BITS,
    HIST_OCTAVES = 18, /* up to 35 minutes; longer counts as that */
    HIST_SLOTS = (HIST_OCTAVES + 2) * HIST_STEPS,
};
struct s3_hist {
    uint32_t slot[HIST_SLOTS]; /* each atomic */
};
unsigned s3_hist_slot(uint32_t ms);
uint32_t s3_hist_value(unsigned slot);
void s3_hist_add(struct s3_hist *h, uint32_t ms);
/* A value that percent of those added do not exceed; 0 if none was. */
uint32_t s3_hist_percentile(const struct s3_hist *h, unsigned percent);

struct s3_kind {
    uint64_t errors;             /* atomic */
    struct s3_hist first, total; /* of exchanges that were well */
};

/* trace.c; t NULL: nothing is traced. */
struct s3_trace;
int s3_trace_open(struct s3_trace **ret, struct net *n, const char *path,
                  struct err *e);
/* Writes what is left; net has ended. */
void s3_trace_close(struct s3_trace *t);
void s3_trace_exchange(struct s3_trace *t, const struct s3_call *c,
                       const struct net_response *r);
void s3_trace_counts(struct s3_trace *t, uint64_t *ret_lines,
                     uint64_t *ret_dropped);
/* trace_line.c: 0 or what buf_add returns.  The largest line has three
 * names, each byte as \u00XX. */
enum { S3_TRACE_LINE_MAX = 64 * 1024 };
struct timespec;
int s3_trace_line(struct buf *b, const struct s3_call *c,
                  const struct net_response *r);
/* The beginning of a line: {"time":"..." */
void s3_trace_time(struct emit *w, const struct timespec *at);

struct s3 {
    struct net *net;
    struct aws *aws;
    struct s3_endpoint ep;
    char region[S3_REGION_MAX]; /* of buckets not in the list below */
    char *id_text;
    bool requester_pays;
    int sign_payload;
    char *owner, *dest_owner, *storage_class, *kms_key;
    int64_t skew;          /* seconds, atomic */
    struct s3_stats stats; /* each atomic */
    struct s3_kind kind[S3_KINDS];
    struct s3_trace *trace; /* NULL: none */

    pthread_mutex_t lock;
    struct s3_call *table[S3_TABLE];       /* (lock) by id */
    s3_id last_id;                         /* (lock) */
    struct s3_region *regions;             /* (lock) */
    struct s3_governor governor[S3_SIDES]; /* (lock) */
    uint64_t seed;                         /* (lock) */
};

void s3_region_of(struct s3 *s, const char *bucket, char out[S3_REGION_MAX]);
/* True if that is news. */
bool s3_region_learn(struct s3 *s, const char *bucket, const char *region);
uint32_t s3_random(struct s3 *s);                   /* takes the lock */
void s3_table_add(struct s3 *s, struct s3_call *c); /* sets c->id */
void s3_table_remove(struct s3 *s, struct s3_call *c);

/* --------------------------------------------------------------- calls */

enum {
    S3_CALL_NEXT = 1,           /* parse, failed: another exchange follows */
    S3_CALL_ERROR = -EREMOTEIO, /* parse: c->error has the code */
};

struct s3_verb {
    const char *word; /* in errors and the log */
    const char *method;
    size_t counter;    /* offset in struct s3_stats */
    size_t answer_max; /* bytes of a 2xx body */
    bool slow;         /* silent for minutes: no stall limit, 15 min */
    bool once;         /* the call's once; and no rate holds it up */
    bool brief;        /* no body to speak of: NET_BRIEF */
    /* All optional but answer.  attempt: headers of this attempt. */
    int (*attempt)(struct s3_call *c);
    /* A 2xx status came: check the headers. 0 or -errno. */
    int (*head)(struct s3_call *c, const struct net_response *r);
    /* Bytes of a 2xx body; NULL = collected in c->body. */
    int (*data)(struct s3_call *c, const void *p, size_t n);
    /* A 2xx answer is complete. 0, S3_CALL_NEXT, S3_CALL_ERROR or -errno;
     * NULL = a body is not expected, but an <Error> in it is seen. */
    int (*parse)(struct s3_call *c, const struct net_response *r);
    /* The last word on a failure: 0, S3_CALL_NEXT or -errno. */
    int (*failed)(struct s3_call *c, int err);
    void (*answer)(struct s3_call *c);
    void (*destroy)(struct s3_call *c);
};

struct s3_call {
    struct s3 *s;
    struct s3_call *chain; /* (lock) */
    s3_id id;
    uint64_t net_id, timer_id; /* (lock) while net has it */
    bool cancelled;            /* (lock) */

    const struct s3_verb *verb;
    void *user;
    char *bucket, *key; /* behind the struct, NUL-terminated */
    size_t key_len;
    bool dest;
    enum s3_patience patience;
    bool fresh, busy, urgent;
    bool once; /* not sent again after an unclear end */

    int setup_err;      /* first failure while the request was built */
    struct buf query;   /* "name=value&..." encoded */
    struct buf headers; /* "name: value\n"... of every attempt */
    struct buf extra;   /* of this attempt only */
    struct iovec *iov;
    int iov_count;
    bool has_body;
    bool in_file; /* file, not iov */
    struct net_file file;
    struct evp_md_ctx_st *digest; /* of the file, up to hashed */
    uint64_t hashed;
    bool hash_always; /* a small body of ours */
    bool needs_md5;   /* Content-MD5 unless the SHA-256 is signed */
    uint64_t body_size;
    char payload_hash[65];

    struct aws_identity *identity;   /* of the last attempt */
    char region[S3_REGION_MAX];      /* the same */
    char told_region[S3_REGION_MAX]; /* by an error body */
    struct buf body;                 /* the answer */
    bool ok_status;                  /* of the exchange in flight: 2xx */
    int local_err;  /* head or data ended the exchange with it */
    bool unclear;   /* an attempt may have worked unseen */
    unsigned tries; /* failures in a row */
    unsigned moves, skews, renewals;
    uint64_t start;      /* ms */
    uint64_t sent_ms;    /* when this exchange was given to net */
    unsigned sent_kind;  /* of request; an answer may change the verb */
    uint64_t trouble;    /* ms: since when there was no progress; 0 */
    uint64_t last_data;  /* ms: when bytes came last; 0 */
    uint32_t next_delay; /* ms before the next exchange (NEXT) */
    struct s3_error error;
};

/* size: of the struct that begins with a struct s3_call.  Zeroed. */
void *s3_call_new(struct s3 *s, size_t size, const struct s3_verb *verb,
                  const struct s3_where *at, void *user);
/* Always answers.  Returns the id. */
s3_id s3_call_start(struct s3_call *c);
void s3_call_free(struct s3_call *c);
/* From any thread: the next attempt after ms, findable by s3_cancel. */
void s3_call_wait(struct s3_call *c, uint64_t ms);
/* From any thread: the answer will be err, given on a loop thread. */
void s3_call_fail_soon(struct s3_call *c, int err);
/* The end of an exchange (net_request.done). */
void s3_call_done(void *call, const struct net_response *r);
/* exchange.c: signs and submits; ends in s3_call_done or a failure. */
void s3_exchange_start(struct s3_call *c);
/* Runs on a timer: goes on, or ends it if it was cancelled. */
void s3_call_wake(void *call);

/* Building a request: the first failure sticks in setup_err. */
void s3_call_fail(struct s3_call *c, int r);
void s3_query(struct s3_call *c, const char *name, const void *value,
              size_t len);
void s3_query_str(struct s3_call *c, const char *name, const char *value);
void s3_query_num(struct s3_call *c, const char *name, uint64_t value);
/* value NULL or "": nothing.  Control characters are refused. */
void s3_header(struct s3_call *c, const char *name, const char *value);
void s3_header_to(struct s3_call *c, struct buf *to, const char *name,
                  const char *value);
void s3_header_num(struct s3_call *c, const char *name, uint64_t value);
/* 'name: "etag"'; nothing if etag is NULL or "". */
void s3_header_etag(struct s3_call *c, struct buf *to, const char *name,
                    const char *etag);
void s3_header_crc32(struct s3_call *c, uint32_t crc);
/* Headers of every creation: type, digest, storage class, encryption. */
void s3_header_new_object(struct s3_call *c, const char *content_type,
                          const char *layout_digest);
void s3_body(struct s3_call *c, const struct iovec *iov, int count);
/* content-md5 of the body in memory, whatever else guards it. */
void s3_body_md5(struct s3_call *c);
struct s3_file; /* multipart.h */
void s3_body_file(struct s3_call *c, const struct s3_file *f);
/* Long work over the body before the first attempt: SHA-256 or MD5.  Of a
 * file one slice a call: S3_CALL_NEXT asks for another. */
bool s3_digest_needed(const struct s3_call *c);
int s3_digest_body(struct s3_call *c);
void s3_digest_free(struct s3_call *c);
/* Everything for net; all is freed by s3_request_free. */
struct s3_request {
    struct buf url, lines;
    const char *header[48];
};
int s3_request_build(struct s3_call *c, struct s3_request *r);
void s3_request_free(struct s3_request *r);

/* ------------------------------------------------------------- answers */

/* text is NUL-terminated and may be changed; path is relative to the root:
 * "Contents/Key". */
struct s3_xml {
    const char *root[3]; /* allowed ones, NULL-terminated */
    int (*open)(void *user, const char *path); /* optional */
    int (*close)(void *user, const char *path, char *text, size_t len);
    void *user;
};
/* 0; -EPROTO: malformed, too deep, another root, a DTD; S3_CALL_ERROR: the
 * root is Error and err (unless NULL) has what it says; or what a callback
 * returned.  region: of an Error, may be NULL. */
int s3_xml_parse(const struct s3_xml *x, const void *p, size_t n,
                 struct s3_error *err, char region[S3_REGION_MAX]);
/* The collected 2xx body of c; one line of why in c->error.message. */
int s3_xml_answer(struct s3_call *c, const struct s3_xml *x);
/* S3_CALL_ERROR if a body that should be empty is an <Error>, or 0. */
int s3_body_error(struct s3_call *c);
/* The bare ETag of the headers; -EPROTO if there is no usable one. */
int s3_etag_header(char out[S3_ETAG_MAX + 1], const struct net_response *r);

/* Cuts W/ and quotes off in place (also the words &quot; and &#34; left by
 * a twice-escaping store).  NULL if what is left is not plain visible ASCII
 * of a sane length. */
char *s3_etag_bare(char *text);
/* Opaque word of a store (upload id, version, token): visible ASCII. */
bool s3_word_ok(const char *text, size_t max);
bool s3_parse_iso8601(int64_t *ret, const char *s);
bool s3_parse_http_date(int64_t *ret, const char *s);
struct s3_content_range {
    uint64_t first, last, total;
    bool have_total;
};
bool s3_parse_content_range(struct s3_content_range *ret, const char *s);
enum s3_checksum_type s3_parse_type(const char *s);
/* Rule 1 of the checksum ladder: is the value the whole object's? */
bool s3_full_crc32(uint32_t *ret, const char *value, const char *type,
                   const char *etag);

/* pages.c: where a listing is. */
struct s3_pages {
    unsigned count; /* of pages that were turned */
    unsigned most;  /* 0: no limit */
    char *at, *mark;
};
/* A page is read, and the store says that another one begins at next (and
 * more; may be NULL).  0: ask for it.  -EPROTO with a message: it begins
 * nowhere, or where one began already, or there are too many.  list: "list of
 * parts". */
int s3_pages_turn(struct s3_pages *p, struct s3_call *c, const char *list,
                  const char *next, const char *more);
/* The same where numbers tell; 0: nowhere. */
int s3_pages_turn_number(struct s3_pages *p, struct s3_call *c,
                         const char *list, uint64_t next);
void s3_pages_free(struct s3_pages *p);

/* For error.c and call.c: escaped copies of what the store said. */
void s3_error_say(char *out, size_t size, const char *text);
void s3_error_message(struct s3_error *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* stats.c: an exchange is over. */
void s3_stats_exchange(const struct s3_call *c, const struct net_response *r,
                       enum s3_how how);

#define S3_COUNTER(member) offsetof(struct s3_stats, member)

static inline void
s3_count(struct s3 *s, size_t counter, uint64_t n)
{
    uint64_t *p = (uint64_t *)(void *)((char *)&s->stats + counter);

    __atomic_fetch_add(p, n, __ATOMIC_RELAXED);
}

#endif
