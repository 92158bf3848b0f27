/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What a thread of the crew does for each kind of task.  Called by crew.c;
 * each task is one call, or a read and a call, from top to bottom.
 */
#include "publish/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "publish/body.h"
#include "publish/share.h"

struct upload *
task_upload(struct attempt *at, const struct sched_task *t)
{
    return t->upload == at->plan.scratches ? &at->up
                                           : at->scratch[t->upload].up;
}

bool
upload_vanished(struct attempt *at, const struct s3_error *e, int *ret)
{
    struct publish_job *j = at->j;

    if (strcmp(e->code, "NoSuchUpload") != 0)
        return false;
    if (!atomic_exchange(&at->vanished, true) && !share_is_worker(j) &&
        !at->resumed && j->lessons.gone++ >= GONE_MAX)
        return false;
    *ret = job_again(j, "the upload is gone");
    return true;
}

bool
put_is_unclear(const struct s3_error *e)
{
    return e->err < 0 && (e->err == -EINPROGRESS || e->http == 0);
}

int
part_sent(struct attempt *at, const struct sched_task *t,
          const struct s3_reply *o, const uint32_t *crc)
{
    struct publish_job *j = at->j;
    struct sent *s = &at->sent[t->part];

    free(s->etag);
    s->etag = strdup(o->etag);
    s->have_crc = crc != NULL;
    s->crc = crc ? *crc : 0;
    if (!s->etag)
        return job_fail(j, ENOMEM, "out of memory");
    if (crc)
        journal_note_part(at->notes, t->part, *crc);
    pthread_mutex_lock(&j->lock);
    j->st.parts_done++;
    j->st.work_done += plan_part_len(t->plan);
    pthread_mutex_unlock(&j->lock);
    return 0;
}

/* --------------------------------------------------------------- upload */

static int
upload_failed(struct attempt *at, const struct upload *up,
              const struct s3_error *e)
{
    struct publish_job *j = at->j;
    int r;

    if (upload_vanished(at, e, &r))
        return r;
    if (up->crc32 &&
        (e->http == 501 ||
         (e->http == 400 && strcasestr(e->message, "checksum")))) {
        job_learn(j, &j->lessons.no_crc);
        job_learn(j, &j->lessons.no_scratch_crc);
        return job_again(j, "a part with a checksum was refused (%s)",
                         e->code);
    }
    return job_fail_s3(j, e, "PUT", &up->at);
}

static int
send_body(struct attempt *at, const struct sched_task *t,
          const struct body *b)
{
    struct publish_job *j = at->j;
    struct upload *up = task_upload(at, t);
    struct s3_upload_args a = {
        .number = t->number,
        .body = b->iov,
        .body_count = b->count,
        .send_crc32 = up->crc32,
        .crc32 = b->crc,
    };
    struct s3_reply o;
    int r = upload_part(up, &a, &o);

    job_retries(j, &o.e);
    if (r < 0)
        return upload_failed(at, up, &o.e);
    job_count(j, &j->st.uploaded, plan_part_len(t->plan));
    if (o.have_crc32 && o.crc32 != b->crc)
        return job_fail(j, EIO, "part %u arrived with another CRC-32",
                        t->number);
    return part_sent(at, t, &o, &b->crc);
}

static int
part_upload(struct attempt *at, const struct sched_task *t)
{
    struct body b;
    int r = body_read(&b, at, t);

    if (r == 0)
        r = send_body(at, t, &b);
    body_free(&b);
    return r;
}

/* ----------------------------------------------------------------- CRCs */

static int
find_crc(struct attempt *at, const struct sched_task *t,
         struct sched_answer *ret)
{
    struct publish_job *j = at->j;
    struct err e = {0};
    uint32_t crc;
    int r = crc_wait(j->scope, j->crcs, t->member, t->cheap ? CRC_CHEAP : 0,
                     &crc, &e);

    if (r == 0 || r == -ENODATA) {
        ret->have_crc = r == 0;
        return 0;
    }
    return job_fail_of(j, -r, t->member, e.text[0] ? e.text : strerror(-r));
}

/* -------------------------------------------------------------- dispatch */

int
task_run(struct attempt *at, const struct sched_task *t,
         struct sched_answer *a)
{
    switch (t->kind) {
    case SCHED_CREATE:
        return scratch_create(at, t);
    case SCHED_COPY:
        return part_copy(at, t, a);
    case SCHED_UPLOAD:
        return part_upload(at, t);
    case SCHED_PUT:
        return at->put ? archive_put(at, t) : scratch_put(at, t);
    case SCHED_COMPLETE:
        return scratch_complete(at, t);
    case SCHED_DELETE:
        return scratch_delete(at, t);
    case SCHED_CRC:
        return find_crc(at, t, a);
    }
    return job_fail(at->j, EIO, "a task of no kind");
}
