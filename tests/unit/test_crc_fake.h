/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A store in the test's own process for the rooms that call s3.h and
 * net.h: objects made from a seed, answered on threads with delays, cuts
 * and errors.  Imitates no S3 decision that a test would then rely on but
 * those of the headers' contracts.
 */
#ifndef S3ZIPFS_TEST_CRC_FAKE_H
#define S3ZIPFS_TEST_CRC_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "index/index.h"
#include "net/net.h"
#include "s3/s3.h"

enum fake_crc { FAKE_NONE, FAKE_FULL, FAKE_COMPOSITE, FAKE_WRONG };

struct fake_object {
    char key[64], etag[40];
    uint64_t size;
    uint64_t seed;
    enum fake_crc crc;
    uint64_t part;       /* part size of a COMPOSITE one */
    bool changed;        /* answers 412 to If-Match */
    bool corrupt;        /* its last byte is flipped on the wire */
    int fail_gets;       /* so many GETs answer 503, then well; -1 all */
    int cut_gets;        /* so many GETs end half-way with -EIO */
    int stuck_gets;      /* so many GETs say nothing until cancelled */
    int good_gets;       /* if > 0: after the last of them it is changed */
    unsigned gets;       /* that came */
    const uint8_t *data; /* its bytes; NULL: made from the seed */
};

struct fake {
    struct s3 *s3;
    struct net *net;
};

/* threads 0: each call is answered at once, one after the other. */
void fake_start(struct fake *f, unsigned threads, unsigned max_delay_us);
/* Waits until all calls are answered, ends the threads. */
void fake_stop(struct fake *f);
struct fake_object *fake_add(struct fake *f, const char *key, uint64_t size,
                             enum fake_crc crc);
void fake_bytes(const struct fake_object *o, uint64_t first, void *out,
                size_t n);
uint32_t fake_crc32(const struct fake_object *o);
/* Layout of all objects, in the order of fake_add. */
struct layout *fake_layout(struct fake *f, enum zip_hint hint);
/* Calls answered and waiting. */
unsigned fake_running(struct fake *f);
unsigned fake_most(struct fake *f); /* GETs side by side at most */
void fake_no_attributes(struct fake *f, int http);
/* While held, calls wait. */
void fake_hold(struct fake *f, bool hold);
uint64_t fake_cancelled(struct fake *f);
/* GETs that were paused so far, and that said nothing. */
unsigned fake_paused(struct fake *f);
unsigned fake_stuck(struct fake *f);
/* GETs that asked for a new connection. */
unsigned fake_fresh(struct fake *f);
/* The clock jumps forward. */
void fake_pass(uint64_t ms);
/* What s3_kind_get says of GETs. */
void fake_p99(struct fake *f, uint32_t ms);
/* GETs and HEADs that came without If-Match. */
uint64_t fake_unguarded(struct fake *f);
/* Another kind of call, in the same queue as all: fn is called once. */
s3_id fake_call(struct s3 *s,
                void (*fn)(struct s3 *s, bool cancelled, void *user),
                void *user);
struct fake_object *fake_find(struct s3 *s, const char *key);
uint32_t fake_range_crc32(const struct fake_object *o, uint64_t first,
                          uint64_t n);

/* Uploads (test_crc_fake_uploads.c): what the store does with them, and
 * what was asked of it. */
enum fake_copies { FAKE_COPY_RIGHT, FAKE_COPY_SILENT, FAKE_COPY_WHOLE };
struct fake_uploads {
    int create_http, copy_http, abort_http; /* 0 = well */
    const char *copy_code;
    enum fake_copies copies;
    uint64_t ranges_above; /* no range of a source up to this size: 400 */
    bool lose_create;      /* made, but the answer is lost */
    bool create_twice;     /* the first answer is lost, and there are two */
    bool resends;          /* the same without a word, unless it is fresh */
    unsigned creates, copied, aborts, lists; /* calls */
    unsigned open, highest;                  /* uploads now; part numbers */
    uint64_t largest;                        /* bytes of a copy */
};
struct fake_uploads *fake_uploads(struct fake *f);
void fake_uploads_free(struct fake_uploads *u);
struct fake_uploads **fake_uploads_at(struct s3 *s);
/* With this on, long timers (10 s and more) wait for fake_late. */
void fake_keep_late(struct fake *f);
void fake_late(struct fake *f);

/* Background work and timers, run to the end. */
void fake_settle(struct fake *f);

#endif
