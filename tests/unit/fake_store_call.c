/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What all calls of the fake store have: a count, the trouble that was
 * ordered for the n-th, refusals.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "fake_store_op.h"

/* ------------------------------------------------------------- trouble */

static void
overwrite_member(void)
{
    struct fake_object *o;
    uint64_t n = 0, count = 0;

    for (o = fake.objects; o; o = o->next)
        count += strncmp(o->key, "p/", 2) == 0 && o->size > 0;
    if (count > 0)
        n = fake_random(20) % count;
    for (o = fake.objects; o; o = o->next)
        if (strncmp(o->key, "p/", 2) == 0 && o->size > 0 && n-- == 0) {
            o->data[0] ^= 1;
            o->crc = (uint32_t)crc32_z(0, o->data, o->size);
            snprintf(o->etag, sizeof(o->etag), "etag-%u", ++fake.etags);
            return;
        }
}

static void
make_trouble(struct s3_error *e, bool *effect)
{
    switch (fake.trouble) {
    case FAKE_FAIL_500:
        *e = (struct s3_error){
            .err = -EIO, .http = 500, .code = "InternalError", .attempts = 3};
        *effect = false;
        break;
    case FAKE_FAIL_TIMEOUT:
        *e = (struct s3_error){.err = -ETIMEDOUT, .attempts = 2};
        break;
    case FAKE_FAIL_403:
        *e = (struct s3_error){
            .err = -EACCES, .http = 403, .code = "AccessDenied"};
        *effect = false;
        break;
    case FAKE_OVERWRITE:
        overwrite_member();
        break;
    case FAKE_STRANGER:
        put_object("out/a.zip", "stranger", 8);
        break;
    case FAKE_GONE:
        while (fake.open)
            fake_upload_drop(fake.open);
        break;
    case FAKE_KILL:
        fake_kill_now();
        break;
    case FAKE_KILL_LATE:
        fake.kill_late = true;
        break;
    case FAKE_ABORT:
        break;
    }
}

void
fake_forget(void)
{
    memset(&fake.calls, 0,
           offsetof(struct fake, pinned) - offsetof(struct fake, calls));
}

int
fake_count(unsigned *counter, struct s3_error *e, bool *effect)
{
    bool stop = false;

    pthread_mutex_lock(&fake.lock);
    memset(e, 0, sizeof(*e));
    e->attempts = 1;
    *effect = true;
    if (counter)
        ++*counter;
    if (++fake.calls == fake.trouble_at) {
        make_trouble(e, effect);
        stop = fake.trouble == FAKE_ABORT || fake.trouble >= FAKE_KILL;
    }
    pthread_mutex_unlock(&fake.lock);
    if (stop)
        fake_stop_job();
    return e->err;
}

/* A cancelled call may have had its effect. */
bool
op_begin(struct op *op, unsigned *counter, struct s3_error *e)
{
    bool effect;

    fake_count(counter, e, &effect);
    pthread_mutex_lock(&fake.lock);
    if (op->cancelled) {
        *e = (struct s3_error){.err = -ECANCELED};
        effect = fake_random(2) == 0;
    }
    return effect;
}

void
op_end(void)
{
    if (fake.kill_late)
        fake_kill_now();
    fake.kill_late = false;
    pthread_mutex_unlock(&fake.lock);
}

void
fake_late(void)
{
    pthread_mutex_lock(&fake.lock);
    op_end();
}

bool
op_scratch(const struct op *op)
{
    return strncmp(op->key, FAKE_SCRATCH, strlen(FAKE_SCRATCH)) == 0;
}

void
op_refuse(struct s3_error *e, int err, int http, const char *code)
{
    if (e->err)
        return;
    *e = (struct s3_error){.err = err, .http = http, .attempts = 1};
    snprintf(e->code, sizeof(e->code), "%s", code);
    snprintf(e->message, sizeof(e->message), "%s", code);
}

struct op *
op_at(struct s3 *s, op_fn *run, const struct s3_where *at, void *cb,
      void *user)
{
    struct op *op = op_new(run);

    op->s3 = s;
    snprintf(op->bucket, sizeof(op->bucket), "%s", at->bucket);
    snprintf(op->key, sizeof(op->key), "%.*s", (int)at->key_len, at->key);
    op->cb = cb;
    op->user = user;
    return op;
}

void
s3_cancel(struct s3 *s, s3_id id)
{
    op_cancel_s3(s, id);
}

const char *
s3_endpoint_id(const struct s3 *s)
{
    return s->endpoint;
}

int
s3_error_text(const struct s3_error *e, const char *op, const char *bucket,
              const char *key, size_t key_len, struct err *ret)
{
    return err_set(ret, -e->err, "%s s3://%s/%.*s: %d %s", op, bucket,
                   (int)key_len, key, e->http, e->code);
}

/* ---------------------------------------------------------- statistics */

/* Nothing was measured: predicted times are the default ones. */
void
s3_stats_get(struct s3 *s, struct s3_stats *ret)
{
    (void)s;
    memset(ret, 0, sizeof(*ret));
}

void
s3_kind_get(struct s3 *s, unsigned kind, struct s3_kind_stats *ret)
{
    (void)s;
    (void)kind;
    memset(ret, 0, sizeof(*ret));
}

const char *
s3_kind_name(unsigned kind)
{
    (void)kind;
    return "";
}

bool
s3_error_is_checksum(const struct s3_error *e)
{
    return e->http == 400 && (strcmp(e->code, "BadDigest") == 0 ||
                              strcmp(e->code, "InvalidPart") == 0 ||
                              strcmp(e->code, "InvalidRequest") == 0);
}
