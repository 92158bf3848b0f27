/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of the fake store share: the store's state and its calls.
 * Tests include test_crc_fake.h alone.
 */
#ifndef S3ZIPFS_TEST_CRC_FAKE_IN_H
#define S3ZIPFS_TEST_CRC_FAKE_IN_H

#include <pthread.h>
#include <sys/queue.h>

#include "test_crc_fake.h"

enum kind { GET, HEAD, ATTRS, OTHER };

struct job {
    TAILQ_ENTRY(job) link;
    s3_id id;
    enum kind kind;
    struct fake_object *o;
    char etag[40];
    struct s3_get_args get;
    s3_get_cb *cb;
    s3_attrs_cb *attrs_cb;
    void (*fn)(struct s3 *s, bool cancelled, void *user);
    void *user;
    bool cancelled;
    uint64_t sent; /* of its body */
    bool begun, resumed;
};
TAILQ_HEAD(jobs, job);

struct s3 {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct jobs queue, running, parked;
    struct fake_object *object[70000];
    size_t count;
    s3_id last_id;
    unsigned threads, max_delay_us, nrunning, open_gets, most;
    pthread_t thread[32];
    bool stop, hold;
    int no_attributes;
    uint64_t cancelled, unguarded;
    unsigned paused, stuck, fresh;
    uint32_t p99;
    struct s3_stats stats;
    struct fake_uploads *uploads;
};

/* test_crc_fake_answer.c: what the store says to a call, without the lock.
 * False: it said nothing yet and is parked. */
bool fake_answer(struct s3 *s, struct job *j);
/* A number that looks random, the same for the same x. */
uint64_t fake_mix(uint64_t x);

/* test_crc_fake_s3.c: the calls and who answers them. */
/* Waits for calls that are neither held nor paused; were there any? */
bool fake_s3_settle(struct s3 *s);
void fake_s3_start(struct s3 *s, unsigned threads, unsigned max_delay_us);
void fake_s3_stop(struct s3 *s);
void fake_park(struct s3 *s, struct job *j);
bool fake_is_cancelled(struct s3 *s, struct job *j);

/* test_crc_fake_net.c: the work that waits is done before it is freed. */
struct net *fake_net_new(void);
void fake_net_free(struct net *n);

#endif
