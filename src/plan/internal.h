/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Shared inside plan/: keys sorted by size, the bound of one copy count,
 * the filling of bins, the choice of copies.  Not for other rooms.
 */
#ifndef S3ZIPFS_PLAN_INTERNAL_H
#define S3ZIPFS_PLAN_INTERNAL_H

#include "base/check.h"
#include "plan/plan.h"

/* Constants of order version 1 and of the bound.  Part of the format:
 * they do not follow the store's limits. */
#define ORDER_FLOOR MIB(5)
#define ORDER_PART_MAX GIB(5)
#define ORDER_UPLOAD_CAP MIB(16)
enum {
    ORDER_PARTS_MAX = 10000,
    ORDER_COPIES_MAX = (ORDER_PARTS_MAX - 1) / 2,
};

/* -------------------------------------------------------------- sort.c */

struct plan_key {
    uint64_t size;  /* body */
    uint32_t head;  /* local header */
    uint32_t index; /* of the member */
};

/* By size, largest first; stable.  scratch holds n keys. */
void plan_sort_keys(struct plan_key *key, struct plan_key *scratch, size_t n);
/* Sorted keys of n members, in *ret (caller frees). 0 or -ENOMEM. */
int plan_keys(const struct zip_member *m, size_t n, struct plan_key **ret);

/* ------------------------------------------------------------- bound.c */

/* What the bound of planning.md needs to know of a set, floor given. */
struct plan_bound_set {
    uint64_t floor;
    uint64_t head_max;  /* H */
    uint64_t total;     /* T: bodies and local headers */
    uint64_t large_sum; /* P(nb) */
    size_t n;
    size_t large; /* nb: bodies of at least the floor */
    size_t copies_max;
    size_t top;     /* sums cover the largest top bodies */
    uint64_t *sum;  /* [top + 1]: P(0..top) */
    uint64_t *lack; /* [top + 1]: sums of max(0, floor - s - 2H) */
};
/* key sorted by plan_sort_keys. 0 or -ENOMEM. */
int plan_bound_init(struct plan_bound_set *b, const struct plan_key *key,
                    size_t n, uint64_t floor, size_t copies_max);
void plan_bound_free(struct plan_bound_set *b);
/* Least uploaded bytes (no central directory) when the copies largest
 * bodies are copied; UINT64_MAX if that is impossible. */
uint64_t plan_bound_at(const struct plan_bound_set *b, size_t copies);
/* The same over every count. */
uint64_t plan_bound_least(const struct plan_bound_set *b);

/* -------------------------------------------------------- order_fill.c */

/* One trial of the order: C copied bodies and what goes before each. */
struct plan_fill {
    const struct plan_key *key; /* sorted */
    const uint64_t *weight;     /* [n + 1]: sums of size + head */
    size_t n;
    size_t small;      /* first key that is poured, not placed */
    uint64_t cap;      /* of an upload part, for counting parts */
    uint64_t head_max; /* longest local header */
    uint64_t end_len;  /* central directory and end records, at most */
    uint32_t *bin;     /* [n]: bin of each key if wanted, else NULL */
    struct plan_bin *bins, *scratch; /* [copies] each */
    uint64_t work;                   /* steps spent so far */
    bool crowded; /* the last trial: floors and slacks were met, part
                     numbers perhaps not */
};
struct plan_bin {
    uint64_t have; /* bytes of streamed members, their headers included */
    uint32_t id;   /* as put into bin[] */
};
#define PLAN_BIN_TAIL UINT32_MAX /* in bin[]: in the last part */

enum plan_fill_way {
    PLAN_FILL_EVEN,  /* emptiest bin first */
    PLAN_FILL_TIGHT, /* fullest bin that is not overfilled first */
    PLAN_FILL_WAYS,
};

/* Fills for copies bodies; true, with the bytes that would be uploaded
 * (no central directory), if floors, slacks and part count allow it.  With
 * bin[] wanted, bin[i] of a copied key is the bin before it. */
bool plan_fill_try(struct plan_fill *f, size_t copies, enum plan_fill_way way,
                   uint64_t *ret);

/* ------------------------------------------------------------ copies.c */

/* A range of one body that is to be copied, archive offsets. */
struct plan_range {
    uint64_t first, end;
    uint32_t member;
};
/* A body that may be copied; in archive order. */
struct plan_body {
    uint64_t first, end;
    uint32_t member;
    uint32_t rank; /* 0 = largest */
};
/* The choice of ranges that copies most bytes: every range and every gap
 * (but the last) at least floor.  Only bodies with rank < ranks.  range
 * holds n; the number used is *ret. 0 or -ENOMEM. */
int plan_copies(const struct plan_body *body, size_t n, size_t ranks,
                uint64_t floor, struct plan_range *range, size_t *ret);

/* -------------------------------------------------------------- cost.c */

/* The member whose header or body holds offset; count in the central
 * directory. */
size_t plan_member_at(const struct zip_layout *l, uint64_t offset);

#endif
