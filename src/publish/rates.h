/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * How fast things go between this machine and a store, for predicted times:
 * what publishes saw, kept for each endpoint in the state file, so that
 * bandwidth= and request_rate= need not be given.
 */
#ifndef S3ZIPFS_PUBLISH_RATES_H
#define S3ZIPFS_PUBLISH_RATES_H

#include "conf/conf.h"
#include "crc/crc.h"
#include "plan/plan.h"
#include "state/state.h"

/* What went over the line in a while, and how long that was. */
struct rates_sample {
    uint64_t bytes_up, bytes_down, requests;
    uint64_t copied;         /* bytes, inside the store */
    uint64_t completed;      /* bytes of the object; 0 = not by one Complete */
    double complete_seconds; /* to its answer */
    double seconds;
    uint32_t sequence; /* uploads one after the other, at least 1 */
    double round_trip; /* seconds; 0 = not known */
};
/* Where a while began: with the first part, not with its preparations. */
struct rates_mark {
    uint64_t ms;
    struct s3_stats stats;
};
void rates_begin(struct rates_mark *m, struct s3 *s);
/* From there to now, by the counters of s; copied and sequence are the
 * caller's to fill (0 and 1 so far). */
void rates_end(const struct rates_mark *m, struct s3 *s,
               struct rates_sample *ret);

/* Pure: takes the sample into *known, whose fields are 0 where nothing is
 * known.  A publish is held up by its bytes, by its requests or by the
 * store's own copying: what held it up was measured, of the others only a
 * lower bound.  Too short a while changes nothing. */
void rates_learn(struct plan_rates *known, const struct rates_sample *sample);

/* These block: net's worker or threads that may wait only.  endpoint:
 * s3_endpoint_id.  Trouble is one warning. */

/* At the end of a publish. */
void rates_note(struct state *st, const char *endpoint,
                const struct rates_sample *sample);
/* Fields are 0 where nothing is known; false if nothing is at all. */
bool rates_load(struct state *st, const char *endpoint,
                struct plan_rates *ret);
/* What to reckon with: options first, then what was measured, then
 * plan_rates_default.  s may be NULL: nothing is measured then.  origins
 * may be NULL. */
void rates_choose(struct plan_rates *ret, struct plan_origins *origins,
                  const struct conf *c, struct s3 *s, struct state *st);

#endif
