/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of the fake share.
 */
#ifndef S3ZIPFS_TESTS_PUBLISH_FAKE_OP_H
#define S3ZIPFS_TESTS_PUBLISH_FAKE_OP_H

#include "publish_fake.h"

struct op;
typedef void op_fn(struct op *op);

/* One call, with its arguments. */
struct op {
    struct op *next;
    uint64_t id;
    bool cancelled, again;
    op_fn *run;
    void (*plain)(void *user);
    void *user, *cb;
    char bucket[64], key[200], source[200], digest[72];
    char *upload_id, *etag, *if_match;
    uint32_t number, crc;
    uint64_t first, length, size;
    bool flag, send_crc, if_none_match, send_size, checksum;
    const struct iovec *body;
    int body_count;
    struct s3_done_part *parts; /* and their ETags, one allocation */
    size_t count;
    int (*on_data)(void *user, const void *p, size_t n);
    struct reader *reader;
    struct s3 *s3;
};

uint64_t fake_random(uint64_t below);
struct op *op_new(op_fn *run);
uint64_t op_queue(struct op *op);
bool op_cancel(uint64_t id);
bool op_cancel_s3(struct s3 *s, uint64_t id);
/* op, which is being run, comes again later. */
void op_again(struct op *op);
void fake_upload_drop(struct fake_upload *u);

/* Counts a call and does the trouble that is set for it.  0, or the error
 * to answer; *ret_effect: do it all the same. */
int fake_count(unsigned *counter, struct s3_error *e, bool *ret_effect);

#endif
