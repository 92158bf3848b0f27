/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * S3 calls of an extraction: what an answer holds is kept, and handed to
 * the job's thread.  Must not know what a call is for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "extract/unpack.h"
#include "extract/wait.h"

struct call *
call_new(struct unpack_job *j, void (*fn)(struct call *c), void *owner)
{
    struct call *c = calloc(1, sizeof(*c));

    if (!c) {
        unpack_fail(j, ENOMEM, "out of memory");
        return NULL;
    }
    c->job = j;
    c->fn = fn;
    c->owner = owner;
    LIST_INSERT_HEAD(&j->calls, c, link);
    return c;
}

/* On a loop thread; the last touch. */
void
call_answered(struct call *c)
{
    struct unpack_job *j = c->job;
    LOCK_SCOPE(&j->lock);

    STAILQ_INSERT_TAIL(&j->ready, c, ready);
    pthread_cond_signal(&j->cond);
}

static void
call_free(struct call *c)
{
    free(c->text);
    free(c);
}

/* ------------------------------------------------------------- answers */

static void
on_object(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct call *c = user;

    c->e = *e;
    if (e->err == 0 && !c->want) {
        c->size = o->size;
        c->text = strdup(o->etag);
        c->have_crc = o->have_crc32;
        c->crc = o->crc32;
    } else if (e->err == 0 && c->size != c->want) {
        c->e.err = -EPROTO;
    }
    call_answered(c);
}

static int
on_data(void *user, const void *p, size_t n)
{
    struct call *c = user;

    if (n > c->want - c->size)
        return -EPROTO;
    if (c->out)
        memcpy(c->out + c->size, p, n);
    else
        c->crc = crc32_add(c->crc, p, n);
    c->size += n;
    atomic_fetch_add(&c->job->source.downloaded, n);
    return 0;
}

static void
on_text(void *user, const struct s3_error *e, const char *text)
{
    struct call *c = user;

    c->e = *e;
    if (e->err == 0)
        c->text = strdup(text);
    call_answered(c);
}

static void
on_part(void *user, const struct s3_error *e, const struct s3_part *p)
{
    struct call *c = user;

    if (e->err == 0) {
        c->have_crc = p->have_crc32;
        c->crc = p->crc32;
    }
    c->e = *e;
    if (e->err == 0 && !(c->text = strdup(p->etag)))
        c->e.err = -ENOMEM; /* Complete needs it */
    call_answered(c);
}

static void
on_completed(void *user, const struct s3_error *e,
             const struct s3_completed *d)
{
    struct call *c = user;

    if (e->err == 0) {
        c->have_crc = d->have_crc32;
        c->crc = d->crc32;
    }
    on_text(user, e, e->err == 0 ? d->etag : NULL);
}

static void
on_done(void *user, const struct s3_error *e)
{
    struct call *c = user;

    c->e = *e;
    call_answered(c);
}

static void
on_pause(void *user)
{
    call_answered(user);
}

/* --------------------------------------------------------------- calls */

void
call_get(struct call *c, uint64_t first, uint64_t length, uint8_t *out)
{
    struct s3_get_args a = {
        .at = unpack_archive(c->job),
        .etag = c->job->source.etag,
        .first = first,
        .length = length,
        .on_data = on_data,
    };

    c->out = out;
    c->want = length;
    c->id = s3_get(c->job->d->s3, &a, on_object, c);
}

void
call_read(struct call *c, const struct s3_where *at, const char *etag,
          uint64_t size)
{
    struct s3_get_args a = {
        .at = *at, .etag = etag, .expect = size, .on_data = on_data};

    c->want = size;
    c->id = s3_get(c->job->d->s3, &a, on_object, c);
}

void
call_head(struct call *c, const struct s3_where *at)
{
    struct s3_head_args a = {.at = *at, .checksum = true};

    c->id = s3_head(c->job->d->s3, &a, on_object, c);
}

void
call_create(struct call *c, const struct s3_create_args *a)
{
    c->keep = true; /* cut off, it could leave an upload */
    c->id = s3_create(c->job->d->s3, a, on_text, c);
}

void
call_copy(struct call *c, const struct s3_copy_args *a)
{
    c->id = s3_upload_copy(c->job->d->s3, a, on_part, c);
}

void
call_upload(struct call *c, const struct s3_upload_args *a)
{
    c->id = s3_upload_part(c->job->d->s3, a, on_part, c);
}

void
call_complete(struct call *c, const struct s3_complete_args *a)
{
    c->keep = true;
    c->id = s3_complete(c->job->d->s3, a, on_completed, c);
}

void
call_put(struct call *c, const struct s3_put_args *a)
{
    c->id = s3_put(c->job->d->s3, a, on_completed, c);
}

void
call_abort(struct call *c, const struct s3_where *at, const char *id)
{
    c->keep = true;
    c->id = s3_abort(c->job->d->s3, at, id, on_done, c);
}

void
call_later(struct call *c, uint64_t ms)
{
    c->keep = true;
    net_timer(c->job->d->net, ms, on_pause, c);
}

/* ---------------------------------------------------------------- queue */

static struct call *
next_ready(struct unpack_job *j)
{
    struct timespec until = wait_until();
    struct call *c;
    LOCK_SCOPE(&j->lock);

    while (!(c = STAILQ_FIRST(&j->ready)))
        if (pthread_cond_timedwait(&j->cond, &j->lock, &until) == ETIMEDOUT)
            return NULL;
    STAILQ_REMOVE_HEAD(&j->ready, ready);
    return c;
}

void
calls_run(struct unpack_job *j)
{
    struct call *c = next_ready(j);

    if (!c)
        return;
    LIST_REMOVE(c, link);
    c->fn(c);
    call_free(c);
}

void
calls_cancel(struct unpack_job *j)
{
    struct call *c;

    LIST_FOREACH(c, &j->calls, link)
    if (!c->keep && c->id)
        s3_cancel(j->d->s3, c->id);
}
