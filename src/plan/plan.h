/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Planning a publish: the archive's order, the parts of an upload or of
 * several, the lower bound, the cost, the choice between strategies.
 * Source of the rules: doc/planning.
 *
 * Pure: no I/O, no clock, no globals.  plan_order is part of the format;
 * plan_parts is not.
 */
#ifndef S3ZIPFS_PLAN_PLAN_H
#define S3ZIPFS_PLAN_PLAN_H

#include "base/emit.h"
#include "base/err.h"
#include "zip/zip.h"

struct buf;

/* Order version 1: sorts m in place, from (name, size) alone, with fixed
 * constants.  0 or -ENOMEM. */
int plan_order_duo(struct zip_member *m, size_t n);
/* order=key: ascending name bytes. */
void plan_order_key(struct zip_member *m, size_t n);

/* Limits of a store and of ours, bytes unless said otherwise.  Legal are:
 *   1 <= part_min, 2 * part_min <= part_max <= 2^50: so whatever is too
 *     long for a part can be cut into parts that have the floor;
 *   3 * part_max <= object_max < 2^63: a scratch object may be a pad, a
 *     body and an uploaded run, each of one part;
 *   3 <= parts_max <= 2^20: the parts of such an object.
 * upload_cap and copy_split are wishes: any value is legal, and what is
 * beyond part_min (for upload_cap twice that) and part_max stands for
 * them; copies_max too may have any.  For every legal limits a strategy has
 * a right plan or -EFBIG. */
struct plan_limits {
    uint64_t part_min;   /* floor of every part but the last: 5 MiB */
    uint64_t part_max;   /* 5 GiB */
    uint64_t object_max; /* 48.8 TiB */
    uint64_t upload_cap; /* largest upload part if parts_max allows: 16 MiB */
    uint64_t copy_split; /* split larger copies so that they run side by
                            side, as far as parts_max allows: 256 MiB */
    uint32_t parts_max;  /* 10,000 */
    uint32_t copies_max; /* bytes that chain and mixed may copy, times the
                            archive: 7; 0 = no end */
};
extern const struct plan_limits plan_limits_s3;
/* 0, or -EINVAL with words.  Whatever makes a plan asks this first. */
int plan_limits_check(const struct plan_limits *lim, struct err *e);

/* What publish executes comes first, in the order of conf's words. */
enum plan_strategy {
    PLAN_DUO,    /* one upload, copied bodies between uploaded parts */
    PLAN_STREAM, /* one upload, nothing is copied */
    PLAN_STITCH, /* every large body is copied; scratch objects */
    PLAN_CHAIN,  /* small bodies too: next to nothing is uploaded */
    PLAN_AGAIN,  /* what did not change comes from the previous archive */
    PLAN_MIXED,  /* per member what is cheaper under the objective */
    PLAN_STRATEGIES,
};
/* "duo", "stream", ...; NULL or false if unknown. */
const char *plan_strategy_name(enum plan_strategy s);
bool plan_strategy_parse(enum plan_strategy *ret, const char *name);

enum plan_kind {
    PLAN_UPLOAD,
    PLAN_COPY,          /* of a member's range */
    PLAN_COPY_SCRATCH,  /* of a scratch object's range */
    PLAN_COPY_PREVIOUS, /* of the previous archive's range */
};

/* Part number = index + 1 in its upload.  A part is pad bytes of no
 * meaning (0 but in front of a scratch object), then the archive's bytes
 * [first, end); the parts of an upload tile its range in order. */
struct plan_part {
    uint64_t first, end; /* bytes [first, end) of the archive */
    enum plan_kind kind;
    uint32_t member;  /* PLAN_COPY */
    uint32_t scratch; /* PLAN_COPY_SCRATCH: number of the object */
    uint64_t from;    /* of a copy: first byte in the source object */
    uint64_t pad;
};

static inline uint64_t
plan_part_len(const struct plan_part *p)
{
    return p->pad + (p->end - p->first);
}

/* A scratch object: pad bytes, then [first, end) of the archive. */
struct plan_upload {
    uint64_t first, end;
    uint64_t pad;
    size_t part;    /* first of its parts in scratch_part[] */
    uint32_t count; /* of parts; a single uploaded one is a PUT */
    uint32_t depth; /* uploads in sequence up to this one, itself included */
};

struct plan_requests {
    uint64_t upload, copy, create, complete, get, head, list;
    uint64_t remove; /* DELETE of scratch objects: free of charge */
};

/* How the CRC of a member is found out, which the archive's headers need. */
enum plan_crc {
    PLAN_CRC_KNOWN,  /* it is there, or a HEAD that is counted tells it */
    PLAN_CRC_COPIES, /* the answers to the plan's copies tell it: no cost */
    PLAN_CRC_ORACLE, /* copied whole into an upload that is thrown away */
    PLAN_CRC_READ,   /* read for it, or with what is uploaded */
    PLAN_CRC_WAYS,
};
/* In a way: a HEAD is sent first; with PLAN_CRC_KNOWN that tells it. */
#define PLAN_CRC_ASK 0x80

/* Bytes of the archive, headers and central directory included. */
struct plan_totals {
    uint64_t uploaded;   /* through this client, up */
    uint64_t downloaded; /* through this client, down */
    uint64_t read_back;  /* of those: from what was made, to verify it */
    uint64_t copied;     /* on the server */
    uint64_t scratch;    /* stored for a while in scratch objects */
    struct plan_requests requests;
    double price_usd;
    uint64_t crc[PLAN_CRC_WAYS]; /* members whose CRC is found so; those
                                    that are read anyway are under READ; all
                                    0 = all are known */
};

/* List prices: data, not code. */
struct plan_prices {
    double per_million_writes; /* PUT, COPY, POST, LIST */
    double per_million_reads;  /* GET, HEAD */
    double per_gb_out;         /* 10^9 bytes downloaded */
};
extern const struct plan_prices plan_prices_aws;

/* What waits for one another: a part and Complete of each upload of a row,
 * and before its first part Create or a GET.  (The others can be created
 * meanwhile.) */
struct plan_path {
    uint32_t calls;
    double seconds; /* at given latencies, without the line's time */
};

/* part[] is the final upload: it tiles [0, layout size).  Scratch objects
 * are numbered so that each copies from lower numbers only. */
struct plan {
    enum plan_strategy strategy;
    struct plan_part *part;
    size_t count;
    struct plan_upload *scratch; /* NULL if there are none */
    size_t scratches;
    struct plan_part *scratch_part; /* parts of all of them */
    size_t scratch_parts;
    uint32_t sequence; /* uploads one after the other, the final one too */
    struct plan_totals totals; /* computed from the parts */
    struct plan_path path;     /* the longest; 0 = not asked for */
    double seconds;            /* predicted by plan_time; 0 = not asked for */
    uint64_t bound; /* proven lower bound of uploaded bytes for one upload,
                       the layout's own members, any order */
};

/* 0, -ENOMEM, -EINVAL for limits that are not legal and for PLAN_AGAIN
 * (plan_strategy_make has it), or -EFBIG with words in *e if the archive is
 * beyond the strategy's reach.
 * An archive of one part is one upload part.  plan_free frees all. */
int plan_parts(struct plan *ret, const struct zip_layout *l,
               const struct plan_limits *lim, enum plan_strategy s,
               struct err *e);
void plan_free(struct plan *p);

/* Is p a valid plan for l?  Floors, sizes, counts, order of the scratch
 * objects, tiling, and that every byte comes from the right byte of its
 * source.  previous may be NULL.  0, or -EINVAL with words. */
int plan_check(const struct plan *p, const struct zip_layout *l,
               const struct plan_limits *lim,
               const struct zip_layout *previous, struct err *e);

/* Upload number u of p: a scratch object's, or the final one's for
 * u == scratches. */
const struct plan_part *plan_upload_parts(const struct plan *p, size_t u,
                                          size_t *ret_count);

/* The bound of planning.md with constant floor 5 MiB; 0 and *ret, or
 * -ENOMEM. */
int plan_bound(const struct zip_layout *l, uint64_t *ret);

/* Least number of write requests of any plan that uploads so many bytes
 * (doc/planning, "Beyond one upload"); weak, but for few bytes. */
int plan_bound_writes(const struct zip_layout *l, uint64_t uploaded,
                      uint64_t *ret);

/* Fill p->totals from p->part[]: gets are counted as the publisher sends
 * them (one per member range that an upload part needs, 8 MiB ranges),
 * heads as given by the caller.  All CRCs are known, and nothing is read
 * back. */
void plan_cost(struct plan *p, const struct zip_layout *l,
               const struct plan_prices *prices, uint64_t heads,
               uint64_t lists);

/* UploadPart, UploadPartCopy, Create, Complete. */
uint64_t plan_writes(const struct plan_totals *t);

/* ------------------------------------------------- choosing a strategy */

enum plan_objective { PLAN_TIME, PLAN_PRICE, PLAN_BYTES };

/* Seconds from a call to its answer, beside what its bytes take on the
 * line; per byte and per part where so said. */
struct plan_latency {
    double first_byte; /* GET, HEAD, LIST */
    double create;
    double copy, copy_byte;
    double upload;
    double complete, complete_part;
    double remove;
};

/* How fast things go. */
struct plan_rates {
    double bandwidth;    /* of the client, bytes a second each way */
    double request_rate; /* writes a second; reads are counted apart */
    double round_trip;   /* seconds of one request, as it was seen */
    /* Of the store's own doing, bytes a second; 0 = not known, and not
     * reckoned with. */
    double copy_rate;
    double complete_rate; /* size of the object / time of Complete */
    struct plan_latency latency;
    /* Calls side by side, with a body and without; 0 = any number. */
    uint32_t width_body, width_none;
};
extern const struct plan_rates plan_rates_default;
/* "FIRST/CREATE/COPY+MIB/UPLOAD/COMPLETE+PART/DELETE" in milliseconds, as
 * "20/30/60+8/40/80+0.2/20": MIB is of a MiB that is copied, PART of a
 * part. */
bool plan_latency_parse(struct plan_latency *ret, const char *text);
/* Where they come from. */
enum plan_origin { PLAN_ASSUMED, PLAN_MEASURED, PLAN_GIVEN };
struct plan_origins {
    enum plan_origin bandwidth, request_rate, round_trip;
};
/* "assumed", "measured", "given". */
const char *plan_origin_name(enum plan_origin o);

/* The longest paths of p, in calls and in seconds. 0 or -ENOMEM. */
int plan_path(const struct plan *p, const struct zip_layout *l,
              const struct plan_latency *t, struct plan_path *ret);

/* Seconds that p takes at these rates, from its totals, its path and its
 * last part (doc/planning, "Predicted seconds"). */
double plan_time(const struct plan *p, const struct plan_rates *r);

/* "writes/reads/out" in USD, as "5/0.4/0.09". */
bool plan_prices_parse(struct plan_prices *ret, const char *text);

/* The oracle (crc/): it copies members into an upload of its own, which is
 * thrown away, for the CRCs of its parts. */
struct plan_oracle {
    uint64_t range;    /* bytes of one copy */
    uint64_t proof;    /* of the copy, and the GET, that prove it; */
    bool proved;       /* that is not needed any more... */
    bool proved_range; /* ...nor for members of several copies */
    uint32_t parts;    /* copies that one upload takes */
    uint32_t left;     /* that the one which is there still takes */
};

/* Finding CRCs, and what verifying takes.  The rule, for a member that has
 * bytes and whose CRC is not known:
 *   A copy of it, or of its range, *tells* the CRC of what it copies if its
 *   upload has a checksum and no pad stands in front.  Too late comes what
 *   stands in a scratch object behind a copy of another one that has the
 *   member's header.  A copy of the previous archive tells nothing of its
 *   members.
 *   The archive's upload has a checksum unless
 *     - something is copied, and no_part_crc;
 *     - range_bad, and a range (less than all) of a member whose CRC is
 *       known or stored is copied into it, or one of the previous archive,
 *       and that has a stored CRC.
 *   Those of scratch objects have one if the archive's has, but for
 *   range_bad.
 *   Where all copies of a member tell, its CRC costs nothing but a HEAD (if
 *   it has PLAN_CRC_ASK): if one copies a range and not range_good, or if it
 *   is larger than PLAN_FETCH, because the reader asks for those early.
 *   What is uploaded only, up to PLAN_FETCH, costs nothing: it is fetched
 *   whole before its header is needed.
 *   All others cost the HEAD, and then, by way:
 *     ORACLE  copies of all of the body; a proof, and Create with an Abort
 *             (among the DELETEs) where an upload is full;
 *     READ    all of the body once more, in GETs of PLAN_FETCH.
 * Without checksum the archive is looked at (a HEAD), and all that was
 * uploaded is read back; with full always, and all of it.  If silent it is
 * looked at in any case. */
struct plan_finding {
    const uint8_t *way; /* of each member if nothing above tells: KNOWN,
                           ORACLE or READ, perhaps | PLAN_CRC_ASK; NULL = all
                           known.  Borrowed. */
    struct plan_oracle oracle;
    bool no_part_crc; /* copies into a checksum upload: none, or refused */
    bool range_bad;   /* ranges of what has a CRC are told that one */
    bool range_good;  /* and those were seen right */
    bool silent;      /* no CRC in the answer to Complete */
    bool previous;    /* the previous archive has a stored CRC */
    bool read;        /* of what is not copied: without HEAD, and READ */
    bool full;        /* all of the archive is read back in any case */
};
/* The reader fetches a body in pieces of this size. */
#define PLAN_FETCH (UINT64_C(8) << 20)

/* What is read back goes in such ranges: neighbours (of uploaded parts) are
 * joined as long as they fit, an archive that is read back in full is cut
 * into equal ones. */
#define PLAN_READ_BACK (UINT64_C(64) << 20)
static inline bool
plan_read_back_joins(uint64_t first, uint64_t end, uint64_t next_first,
                     uint64_t next_end)
{
    return end == next_first && next_end - first <= PLAN_READ_BACK;
}
/* Of an archive of size bytes. */
uint64_t plan_read_back_full(uint64_t size);

/* Under PLAN_BYTES copies_max does not count; copies are split to copy_split
 * under PLAN_TIME only: it is for speed, and each part is a request. */
struct plan_ask {
    struct plan_limits limits;
    struct plan_prices prices;
    struct plan_rates rates;
    enum plan_objective objective;
    const struct zip_layout *previous; /* archive to copy from; NULL = none */
    uint64_t heads, lists;             /* requests before the parts */
    struct plan_finding finding;
};
/* Does a scratch object that part, a copy of a member, stands behind hold
 * that member's header?  Then the answer to the copy comes too late for it.
 * part is not the first one of its upload, which makes a scratch object. */
bool plan_copy_is_late(const struct zip_layout *l,
                       const struct plan_part *part);
/* plan_cost and plan_time as ask has it, with the finding of CRCs and the
 * reading back.  0 or -ENOMEM. */
int plan_price(struct plan *p, const struct zip_layout *l,
               const struct plan_ask *ask);
/* plan_parts with everything asked for; totals and seconds filled. */
int plan_strategy_make(struct plan *ret, const struct zip_layout *l,
                       const struct plan_ask *ask, enum plan_strategy s,
                       struct err *e);

/* All of them side by side; best is the one that auto takes. */
struct plan_choice {
    struct plan plan[PLAN_STRATEGIES];
    struct err why[PLAN_STRATEGIES]; /* num != 0: there is no such plan */
    enum plan_strategy best;
};
/* 0, or -ENOMEM, or the error of every strategy. */
int plan_choose(struct plan_choice *ret, const struct zip_layout *l,
                const struct plan_ask *ask, struct err *e);
void plan_choice_free(struct plan_choice *c);
/* Is a better than b? */
bool plan_better(const struct plan *a, const struct plan *b,
                 enum plan_objective o);

/* Plans from duo to chain, fewer bytes for more requests each. */
enum { PLAN_FRONTIER_MAX = 16 };
struct plan_frontier {
    struct plan plan[PLAN_FRONTIER_MAX];
    size_t count;
};
int plan_frontier(struct plan_frontier *ret, const struct zip_layout *l,
                  const struct plan_ask *ask, struct err *e);
void plan_frontier_free(struct plan_frontier *f);

/* ------------------------------------------------------------- showing */

/* What a person and a program read; names as in s3zip(1). */
struct plan_meta {
    const char *order;      /* "plan" or "key" */
    const char *digest_hex; /* NULL if unknown (--sizes) */
    /* What seconds were predicted with; NULL = not to be shown. */
    const struct plan_rates *rates;
    const struct plan_origins *origins; /* NULL = assumed */
};
int plan_text(struct buf *out, const struct plan *p,
              const struct zip_layout *l, const struct plan_meta *meta);
int plan_json(struct buf *out, const struct plan *p,
              const struct zip_layout *l, const struct plan_meta *meta);
/* The same with every strategy: a table, "strategies": [...].  The JSON is
 * given to flush as it comes, if there is one; c may be NULL. */
int plan_choice_text(struct buf *out, const struct plan_choice *c,
                     const struct zip_layout *l);
int plan_choice_json(struct buf *out, emit_flush *flush, void *user,
                     const struct plan *p, const struct plan_choice *c,
                     const struct zip_layout *l, const struct plan_meta *meta);
int plan_frontier_json(struct buf *out, const struct plan_frontier *f,
                       const struct zip_layout *l,
                       const struct plan_meta *meta);
int plan_frontier_text(struct buf *out, const struct plan_frontier *f,
                       const struct zip_layout *l);
/* Bytes against requests, each point beside its bound, as SVG 1.1. */
int plan_frontier_svg(struct buf *out, const struct plan_frontier *f,
                      const struct zip_layout *l);
/* The parts to scale, as an SVG 1.1 picture. */
int plan_svg(struct buf *out, const struct plan *p,
             const struct zip_layout *l);

#endif
