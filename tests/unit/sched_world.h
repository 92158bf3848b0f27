/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A store and a caller for the tests of the scheduler: what is there, what
 * is known, what is in flight; judges every task by the plan alone.  Shares
 * no code with the scheduler.
 */
#ifndef S3ZIPFS_TEST_SCHED_WORLD_H
#define S3ZIPFS_TEST_SCHED_WORLD_H

#include "publish/sched.h"
#include "test_plan_set.h"

enum world_part { WORLD_AWAY, WORLD_BUSY, WORLD_READ, WORLD_THERE };
enum world_upload {
    WORLD_NONE,
    WORLD_CREATING,
    WORLD_OPEN,
    WORLD_COMPLETING,
    WORLD_OBJECT,
    WORLD_DELETING,
};

struct world {
    const struct plan *plan;
    const struct zip_layout *l;
    const struct zip_layout *previous;
    struct sched_facts facts;
    struct sched_limits lim;
    struct sched *s;
    uint64_t seed; /* for messages */

    uint32_t parts, uploads;
    uint8_t *part;     /* enum world_part */
    uint32_t *of;      /* upload of a part */
    uint8_t *upload;   /* enum world_upload */
    bool *needed;      /* uploads that the archive still needs, */
    bool *made;        /* and objects that were there since world_begin */
    uint32_t *times;   /* a part was handed out and not given back */
    uint8_t *known;    /* members whose CRC the caller has, */
    uint8_t *stored;   /* or a HEAD would tell, */
    uint8_t *copied;   /* or which are copied, */
    uint8_t *ranged;   /* not whole, */
    uint8_t *excused;  /* or that nobody could find */
    uint32_t *asked;   /* CRC tasks of a member, cheap ones and full ones */
    uint32_t *batches; /* SCHED_BATCH_MAX */

    struct sched_task *flight;
    size_t flights, cap;
    uint32_t calls, bodies, reads, lookups;
    uint64_t memory, largest;
    /* what was handed out, by kind, and not given back */
    uint32_t count[SCHED_CRC + 1];
    uint32_t most_calls, most_lookups;
    bool probed;        /* a ranged copy into the archive was answered */
    bool copies_answer; /* a copy into a checksum upload tells its CRC */
};

#define world_fail(w, ...)                                                    \
    do {                                                                      \
        print_error("seed %llu: ", (unsigned long long)(w)->seed);            \
        fail_msg(__VA_ARGS__);                                                \
    } while (0)

/* facts: plan, layout, previous and known are filled in here. */
void world_init(struct world *w, const struct plan *p,
                const struct zip_layout *l, const struct zip_layout *previous,
                const struct sched_facts *facts);
void world_free(struct world *w);

/* A scheduler for what is there now. */
void world_begin(struct world *w, const struct sched_limits *lim,
                 struct rng *r);
/* What was in flight is forgotten; what the store made of it is drawn. */
void world_kill(struct world *w, struct rng *r);

/* All that may go now; each task is judged.  The last turn. */
enum sched_turn world_take(struct world *w);
/* The bytes of flight[i], a body, are read; headers are judged. */
void world_read(struct world *w, size_t i);
/* flight[i] was done, or is given back. */
void world_done(struct world *w, size_t i);
void world_failed(struct world *w, size_t i);
/* The end: everything is there that must be, and nothing else. */
void world_over(struct world *w);

const struct plan_part *world_plan(const struct world *w, uint32_t part);
/* CRC-32 of bytes [first, end) of a member's body. */
uint32_t world_crc(const struct world *w, size_t member, uint64_t first,
                   uint64_t end);

#endif
