/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Shared inside plan/: keys sorted by size, the bound of one copy count,
 * the filling of bins, the choice of copies, plans of several uploads.
 * Not for other rooms.
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
    uint32_t body;
};
/* A body, or a run of the previous archive, that may be copied; in archive
 * order. */
struct plan_body {
    uint64_t first, end;
    uint64_t from; /* of its first byte in the source */
    uint32_t member;
    enum plan_kind kind;
};
/* What a copied range must gain, bytes: of body 0 to turn - 1, of the
 * others.  At most 2^62 / the number of bodies. */
struct plan_toll {
    uint64_t before, after;
    size_t turn;
};
/* The choice of ranges that copies most bytes, less a toll for each: every
 * range and every gap (but the last, and gaps of nothing) at least floor.
 * range holds n; the number used is *ret. 0 or -ENOMEM. */
int plan_copies(const struct plan_body *body, size_t n,
                const struct plan_toll *toll, uint64_t floor,
                struct plan_range *range, size_t *ret);

/* ------------------------------------------------------------- parts.c */

/* Into how many parts of at most most (and, but for a last one, at least
 * floor) bytes does len go? */
uint64_t plan_pieces(uint64_t len, uint64_t most, uint64_t floor);
/* "an archive of ... is beyond one upload's reach"; -EFBIG. */
int plan_beyond(const struct zip_layout *l, struct err *e);
int plan_duo(struct plan *ret, const struct zip_layout *l,
             const struct plan_limits *lim, struct err *e);
/* The same with bodies of the caller (sorted by first; not freed), e.g.
 * runs of the previous archive. */
int plan_from_bodies(struct plan *ret, const struct zip_layout *l,
                     const struct plan_limits *lim, struct plan_body *body,
                     size_t n, struct err *e);

/* ------------------------------------------------------------ stages.c */

/* A plan in the making.  The first failure stays: callers look once. */
struct plan_stages {
    struct plan_upload *up;
    size_t ups, ups_cap;
    struct plan_part *part; /* of scratch objects */
    size_t parts, parts_cap;
    struct plan_part *final;
    size_t finals, finals_cap;
    size_t ups_max; /* more is -EFBIG */
    int error;
};
void plan_stages_free(struct plan_stages *s);
void plan_stages_final(struct plan_stages *s, const struct plan_part *p);
/* A new scratch object of n parts; its number. */
uint32_t plan_stages_add(struct plan_stages *s, const struct plan_part *p,
                         size_t n);
/* 1 + the depth of the deepest object that p[0..n) copy from. */
uint32_t plan_stages_depth(const struct plan_stages *s,
                           const struct plan_part *p, size_t n);
/* A copy of scratch object u with no more pad than floor asks for. */
struct plan_part plan_stages_copy(const struct plan_stages *s, uint32_t u,
                                  uint64_t floor);
/* The first bytes of p (less than all, of the archive) as a part of their
 * own; p keeps the rest. */
struct plan_part plan_part_cut(struct plan_part *p, uint64_t bytes);
/* Fits the final parts to the limits (two levels if need be) and moves all
 * into *ret.  0 or -errno with words. */
int plan_stages_finish(struct plan_stages *s, const struct zip_layout *l,
                       const struct plan_limits *lim, struct plan *ret,
                       struct err *e);

/* ------------------------------------------------------------ levels.c */

/* More final parts than one upload may have become scratch objects of up
 * to part_max each; copies are split where part numbers allow it. */
void plan_levels(struct plan_stages *s, const struct plan_limits *lim);

/* ------------------------------------------------------------- items.c */

/* An archive as a row of bodies that are copied and of runs between them
 * that are uploaded; no two runs touch. */
struct plan_item {
    uint64_t first, end;
    enum plan_kind kind; /* PLAN_UPLOAD or PLAN_COPY */
    uint32_t member;
};
/* What is copied, and what is given up for it. */
struct plan_style {
    uint64_t small;      /* bodies below the floor are copied from this size
                            on; UINT64_MAX = none */
    uint64_t small_ties; /* of that very size, so many are not */
    uint64_t donate;     /* a run that lacks at most so much is filled up with
                            bytes of the bodies beside it */
    bool donate_first;   /* the run before the first body always is */
    uint64_t carry;      /* an object grows by small pieces up to here */
    uint32_t depth;      /* objects in sequence, at most, if possible */
};
/* 0 or -ENOMEM; *ret is the caller's. */
int plan_items(const struct zip_layout *l, const struct plan_limits *lim,
               const struct plan_style *style, struct plan_item **ret,
               size_t *ret_count);

/* ----------------------------------------------------------- compose.c */

/* A plan of several uploads in that style; strategy, bound and totals are
 * the caller's to fill. */
int plan_compose(struct plan *ret, const struct zip_layout *l,
                 const struct plan_limits *lim, const struct plan_style *style,
                 struct err *e);

/* ----------------------------------------------------------- bounded.c */

/* What the styles of one layout share. */
struct plan_frame {
    const struct zip_layout *l;
    const struct plan_limits *lim;
    uint64_t bound;       /* plan_bound */
    struct plan_key *key; /* [l->count], largest first */
    uint64_t *weight;     /* [l->count + 1]: sums of their sizes */
    size_t large;         /* so many of the keys have the floor */
};
/* 0 or -ENOMEM. */
int plan_frame_init(struct plan_frame *f, const struct zip_layout *l,
                    const struct plan_limits *lim);
void plan_frame_free(struct plan_frame *f);

/* Two levels and the final upload are above the objects of one member. */
enum { PLAN_DEPTH_MAX = 10 };
/* Within what chain promises: copies, uploads in sequence? */
bool plan_is_bounded(const struct plan *p, const struct plan_frame *f);
/* p becomes *best if that is empty, if p alone is bounded, or if both are
 * alike in that and p is better; else p is freed. */
void plan_keep(struct plan *best, struct plan *p, const struct plan_frame *f,
               bool better);
/* *ret is best, if there is one: how the last try ended (r, why) does not
 * matter then, unless memory ran out.  0 or r. */
int plan_found(struct plan *ret, struct plan *best, int r,
               const struct err *why, struct err *e);
/* The style streams the n smallest bodies (below the floor). */
void plan_stream_smallest(struct plan_style *style, const struct plan_frame *f,
                          size_t n);
/* Parts, bound and totals in that style. */
int plan_make_style(struct plan *ret, const struct plan_frame *f,
                    const struct plan_style *style, struct err *e);
/* The same, bounded, if that can be had by growing less far (carry is not
 * looked at) or by streaming more small bodies; else what copies least.  1
 * if more was streamed than the style asks for. */
int plan_make_bounded(struct plan *ret, const struct plan_frame *f,
                      const struct plan_style *style, struct err *e);

/* ---------------------------------------------------------- strategy.c */

/* ask with what its objective makes of the limits. */
struct plan_ask plan_ask_own(const struct plan_ask *ask);

/* ------------------------------------------------------------- again.c */

int plan_again(struct plan *ret, const struct zip_layout *l,
               const struct plan_limits *lim,
               const struct zip_layout *previous, struct err *e);

/* ------------------------------------------------------------ styles.c */

/* The parts of these two; bound and totals too. */
int plan_stitch(struct plan *ret, const struct zip_layout *l,
                const struct plan_limits *lim, struct err *e);
int plan_chain(struct plan *ret, const struct zip_layout *l,
               const struct plan_limits *lim, struct err *e);
/* The same under PLAN_TIME. */
int plan_chain_soon(struct plan *ret, const struct zip_layout *l,
                    const struct plan_limits *lim, struct err *e);
int plan_mixed(struct plan *ret, const struct zip_layout *l,
               const struct plan_ask *ask, struct err *e);

/* -------------------------------------------------------------- cost.c */

/* path.c: seconds of all calls of p, side by side. */
double plan_calls_time(const struct plan *p, const struct plan_rates *r);
/* The member whose header or body holds offset; count in the central
 * directory. */
size_t plan_member_at(const struct zip_layout *l, uint64_t offset);
/* The bytes of member's body that lie in part, as archive offsets; false if
 * there are none. */
bool plan_body_in(const struct zip_layout *l, const struct plan_part *part,
                  size_t member, uint64_t *first, uint64_t *end);
/* -------------------------------------------------------------- crcs.c */

/* Does the archive's upload have a checksum, by the rule of plan_finding? */
bool plan_has_checksum(const struct plan *p, const struct zip_layout *l,
                       const struct plan_ask *ask);
/* Adds to p->totals (not the price) what it takes to find CRCs.  0 or
 * -ENOMEM. */
int plan_cost_crcs(struct plan *p, const struct zip_layout *l,
                   const struct plan_ask *ask);

/* ---------------------------------------------------------- readback.c */

/* The same for reading back.  0 or -ENOMEM. */
int plan_cost_readback(struct plan *p, const struct zip_layout *l,
                       const struct plan_ask *ask);

#endif
