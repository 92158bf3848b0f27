/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of the fake store share, and those that add calls to it.
 */
#ifndef S3ZIPFS_TESTS_FAKE_STORE_OP_H
#define S3ZIPFS_TESTS_FAKE_STORE_OP_H

#include "base/check.h"
#include "base/cleanup.h"
#include "fake_store.h"
#include "s3/multipart.h"

struct op;
typedef void op_fn(struct op *op);

/* One call, with its arguments. */
struct op {
    struct op *next;
    uint64_t id;
    bool cancelled, again; /* cancelled: lock held */
    op_fn *run;
    void (*plain)(void *user);
    void *user, *cb;
    char bucket[64], key[200], source[200], digest[72];
    char *upload_id, *etag, *if_match, *version;
    uint32_t number, crc;
    uint64_t first, length, size;
    bool flag, fresh, once;
    bool send_crc, if_none_match, send_size, checksum, from_file;
    const struct iovec *body;
    int body_count;
    struct s3_file file;
    struct s3_done_part *parts; /* and their ETags, one allocation */
    struct s3_item *items;       /* of s3_delete_many; strings owned */
    size_t count;
    int (*on_data)(void *user, const void *p, size_t n);
    struct reader *reader;
    struct s3 *s3;
};

uint64_t fake_random(uint64_t below);
struct op *op_new(op_fn *run);
uint64_t op_queue(struct op *op);
bool op_cancel(uint64_t id);
bool op_cancelled(const struct op *op); /* takes the lock */
bool op_cancel_s3(struct s3 *s, uint64_t id);
/* op, which is being run, comes again later. */
void op_again(struct op *op);

/* fake_store_call.c: the store's lock is held between begin and end */
struct op *op_at(struct s3 *s, op_fn *run, const struct s3_where *at, void *cb,
                 void *user);
/* False if the call has no effect; e: what it answers so far. */
bool op_begin(struct op *op, unsigned *counter, struct s3_error *e);
void op_end(void);
/* Is its key one of a scratch object? */
bool op_scratch(const struct op *op);
/* Unless e is an error already. */
void op_refuse(struct s3_error *e, int err, int http, const char *code);

/* fake_store_object.c */
uint8_t *op_body(const struct op *op, uint64_t *ret_size);
/* 412 and 409 of Complete and PUT. */
void op_condition(struct op *op, struct s3_error *e);
void op_completed(struct op *op, struct s3_error *e,
                  const struct fake_object *o);
struct fake_object *find_object(const char *key);
struct fake_object *put_object(const char *key, const void *data, size_t n);
/* The list of objects is another one. */
void find_anew(void);

/* fake_store_call.c: counts a call and does the trouble that is set for it.
 * 0, or the error to answer; *ret_effect: do it all the same. */
int fake_count(unsigned *counter, struct s3_error *e, bool *ret_effect);
/* What was ordered for the end of a call that is none of the store's. */
void fake_late(void);

/* fake_store_upload.c */
void fake_upload_drop(struct fake_upload *u);
struct fake_upload *find_upload(const char *id);

/* fake_store_world.c */
void fake_kill_now(void); /* lock held */
void fake_store_free(void);

/* fake_store_net.c */
void fake_states_open(void);
void fake_states_close(void);
struct sqlite3 *fake_db_copy(struct state *st); /* takes its lock */

#endif
