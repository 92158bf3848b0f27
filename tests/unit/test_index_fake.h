/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A store, a clock and a loop for tests of index/: nothing happens until
 * pump() or advance().
 */
#ifndef S3ZIPFS_TEST_INDEX_FAKE_H
#define S3ZIPFS_TEST_INDEX_FAKE_H

#include "index/index.h"

struct fake_object {
    const char *key;
    uint64_t size;
    const char *etag; /* NULL = "etag" */
    int64_t mtime;
    const char *class;
    const char *digest; /* x-amz-meta-s3zipfs-layout */
    size_t key_len;     /* 0 = strlen(key) */
    uint8_t algorithm, type;
};

enum fake_fault {
    FAKE_SOUND,
    FAKE_SAME_TOKEN,    /* one token for every page */
    FAKE_CYCLE,         /* after the third page, the second again */
    FAKE_REWIND,        /* new tokens, the first page for ever */
    FAKE_EMPTY_PAGES,   /* new tokens, no keys */
    FAKE_OUTSIDE,       /* a key that has not the prefix */
    FAKE_NO_AFTER,      /* start-after is overlooked */
    FAKE_AFTER_REFUSED, /* 501 to start-after */
};

extern struct fake {
    const struct fake_object *object; /* in the order of listing */
    size_t count;
    size_t page;
    enum fake_fault fault;
    int list_err, head_err; /* -errno to answer with */
    bool no_checksum;       /* HEAD that asks for it is refused */
    unsigned lists, heads, works, logs;
    unsigned probes;     /* of lists: one key after some point */
    unsigned open, most; /* lists under way, and the most ever */
    unsigned shuffle;    /* seed: answers come in any order; 0 = in turn */
    uint64_t now;
    uint64_t list_ms; /* the clock goes on by that at each page */
} fake;

#define FAKE_SET(objects)                                                     \
    (fake.object = (objects), fake.count = ARRAY_SIZE(objects))

/* Fresh: no objects, no faults. */
void fake_reset(void);
/* Answer what is under way, and what comes of it; n steps, or all. */
void pump(void);
void pump_steps(unsigned n);
/* The clock, then due timers. */
void advance(uint64_t ms);
/* One timer, due or not, as net_free does; the number of them before. */
unsigned fake_stop(void);

/* The last answer of index_layout; the layout is referenced. */
struct got {
    int calls, r;
    struct layout *l;
    struct err e;
};
void got_layout(void *user, int r, struct layout *l, const struct err *e);
/* Ask and pump; drops what was got before. */
void get_layout(struct index *ix, const char *prefix, unsigned flags,
                struct got *g);
void got_free(struct got *g);

void fake_conf(struct conf *c);
struct index *fake_index(const struct conf *c, const char *root);
void fake_index_free(struct index *ix);

#endif
