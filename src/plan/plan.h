/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Planning a publish: the archive's order, the parts of an upload, the
 * lower bound, the cost.  Source of the rules: doc/planning.
 *
 * Pure: no I/O, no clock, no globals.  plan_order is part of the format;
 * plan_parts is not.
 */
#ifndef S3ZIPFS_PLAN_PLAN_H
#define S3ZIPFS_PLAN_PLAN_H

#include "base/err.h"
#include "zip/zip.h"

struct buf;

/* Order version 1: sorts m in place, from (name, size) alone, with fixed
 * constants.  0 or -ENOMEM. */
int plan_order_duo(struct zip_member *m, size_t n);
/* order=key: ascending name bytes. */
void plan_order_key(struct zip_member *m, size_t n);

/* Limits of a store and of ours, bytes unless said otherwise. */
struct plan_limits {
    uint64_t part_min;   /* floor of every part but the last: 5 MiB */
    uint64_t part_max;   /* 5 GiB */
    uint64_t object_max; /* 48.8 TiB */
    uint64_t upload_cap; /* largest upload part while parts_max allows: 16 MiB */
    uint64_t copy_split; /* split larger copies so that they run side by
                            side, as far as parts_max allows: 256 MiB */
    uint32_t parts_max;  /* 10,000 */
};
extern const struct plan_limits plan_limits_s3;

enum plan_strategy { PLAN_DUO, PLAN_STREAM };
/* "duo", "stream"; NULL or false if unknown. */
const char *plan_strategy_name(enum plan_strategy s);
bool plan_strategy_parse(enum plan_strategy *ret, const char *name);

enum plan_kind { PLAN_UPLOAD, PLAN_COPY };

/* Part number = index + 1.  Parts tile [0, layout size) in order. */
struct plan_part {
    uint64_t first, end; /* bytes [first, end) of the archive */
    enum plan_kind kind;
    uint32_t member;     /* of a copy: the source range begins at
                            first - zip_data_offset(l, member) */
};

struct plan_requests {
    uint64_t upload, copy, create, complete, get, head, list;
};

/* Bytes of the archive, headers and central directory included. */
struct plan_totals {
    uint64_t uploaded;   /* through this client, up */
    uint64_t downloaded; /* through this client, down */
    uint64_t copied;     /* on the server */
    struct plan_requests requests;
    double price_usd;
};

/* List prices: data, not code. */
struct plan_prices {
    double per_million_writes; /* PUT, COPY, POST, LIST */
    double per_million_reads;  /* GET, HEAD */
    double per_gb_out;         /* 10^9 bytes downloaded */
};
extern const struct plan_prices plan_prices_aws;

struct plan {
    enum plan_strategy strategy;
    struct plan_part *part;
    size_t count;
    struct plan_totals totals; /* computed from part[] */
    uint64_t bound; /* proven lower bound of uploaded bytes for one upload,
                       the layout's own members, any order */
};

/* 0, -ENOMEM, or -EFBIG with words in *e if the archive is beyond one
 * upload's reach.  An archive of one part is one upload part.  plan_free
 * frees part[]. */
int plan_parts(struct plan *ret, const struct zip_layout *l,
               const struct plan_limits *lim, enum plan_strategy s,
               struct err *e);
void plan_free(struct plan *p);

/* The bound of planning.md with constant floor 5 MiB; 0 and *ret, or
 * -ENOMEM. */
int plan_bound(const struct zip_layout *l, uint64_t *ret);

/* Fill p->totals from p->part[]: gets are counted as the publisher sends
 * them (one per member range that an upload part needs, 8 MiB ranges),
 * heads as given by the caller. */
void plan_cost(struct plan *p, const struct zip_layout *l,
               const struct plan_prices *prices, uint64_t heads,
               uint64_t lists);

/* What a person and a program read; names as in product.md. */
struct plan_meta {
    const char *order;      /* "plan" or "key" */
    const char *digest_hex; /* NULL if unknown (--sizes) */
};
int plan_text(struct buf *out, const struct plan *p,
              const struct zip_layout *l, const struct plan_meta *meta);
int plan_json(struct buf *out, const struct plan *p,
              const struct zip_layout *l, const struct plan_meta *meta);

#endif
