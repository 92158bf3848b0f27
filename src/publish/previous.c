/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The archive that is at the destination, to copy from what did not change:
 * as this user's state file knows it, or, where it does not (another host
 * published it), as its own directory tells.  That one has CRCs in place of
 * ETags, so those of today's members are asked for, by HEAD at most.  Any
 * trouble means that there is no such archive.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "publish/job.h"

enum { ASKS = 32 };
#define DIRECTORY_MAX MIB(64)

/* One question for a CRC, again and again. */
struct question {
    struct event ev;
    struct publish_job *job;
    bool busy;
};

struct previous {
    job_fn *then;
    struct zip_end end;
    uint8_t tail[ZIP_END_MAX];
    char *directory;
    size_t want, have; /* bytes of what is being fetched */
    void *to;
    struct question ask[ASKS];
    size_t next; /* member */
    unsigned asking;
};

static void
previous_over(struct publish_job *j)
{
    struct previous *p = STEAL(j->previous);
    job_fn *then = p->then;

    if (j->former)
        j->former->stored = j->previous_crc_known;
    if (!j->former && !j->stop)
        log_info("publish: %s: the archive that is there is not known: "
                 "nothing is copied from it",
                 j->st.dest);
    free(p->directory);
    free(p);
    then(j);
}

/* ---------------------------------------------------------------- parse */

static bool
peek_crc(void *user, size_t member, uint32_t *ret)
{
    return crc_peek(user, member, ret);
}

static void
parse_run(struct publish_job *j)
{
    struct previous *p = j->previous;
    struct former_peek peek = {peek_crc, j->crcs};

    if (former_from_directory(&j->former, STEAL(p->directory), &p->end,
                              j->done.size, j->layout, &peek) < 0)
        j->former = NULL;
}

/* ----------------------------------------------------------------- CRCs */

static void ask_more(struct publish_job *j);

static void
on_answer(struct publish_job *j, struct event *ev)
{
    struct question *q = (struct question *)ev;

    q->busy = false;
    j->inflight--;
    j->previous->asking--;
    ask_more(j);
}

/* A member without a CRC counts as changed. */
static void
answer_cb(void *user, int r, uint32_t value, const struct err *e)
{
    struct question *q = user;

    (void)r;
    (void)value;
    (void)e;
    job_post(q->job, &q->ev, on_answer);
}

static void
ask_one(struct publish_job *j, size_t member)
{
    struct question *q = j->previous->ask;

    while (q->busy)
        q++;
    q->busy = true;
    q->job = j;
    j->inflight++;
    j->previous->asking++;
    crc_get(j->crcs, member, CRC_CHEAP, answer_cb, q);
}

static void
ask_more(struct publish_job *j)
{
    struct previous *p = j->previous;
    uint32_t known;

    while (!j->stop && p->asking < ASKS && p->next < job_zip(j)->count) {
        if (!crc_peek(j->crcs, p->next, &known))
            ask_one(j, p->next);
        p->next++;
    }
    if (p->asking > 0)
        return;
    if (j->stop)
        previous_over(j);
    else
        job_work(j, &j->work, parse_run, previous_over);
}

/* ---------------------------------------------------------------- fetch */

static int
take_data(void *user, const void *data, size_t n)
{
    struct call *c = user;
    struct previous *p = c->job->previous;

    if (n > p->want - p->have)
        return -EPROTO;
    memcpy((char *)p->to + p->have, data, n);
    p->have += n;
    return 0;
}

static void
fetch(struct publish_job *j, void *to, uint64_t first, size_t n, job_fn *then)
{
    struct previous *p = j->previous;
    struct call *c = call_begin(j, then);
    struct s3_get_args a = {
        .at = job_where(j),
        .etag = j->done.etag,
        .first = first,
        .length = n,
        .on_data = take_data,
    };

    p->to = to;
    p->want = n;
    p->have = 0;
    c->id = s3_get(j->p->d.s3_dest, &a, call_object_cb, c);
}

static void
on_directory(struct publish_job *j)
{
    struct previous *p = j->previous;

    if (j->stop || j->call.e.err < 0 || p->have != p->want)
        previous_over(j);
    else
        ask_more(j);
}

static void
on_tail(struct publish_job *j)
{
    struct previous *p = j->previous;

    if (j->stop || j->call.e.err < 0 || p->have != p->want ||
        zip_end_parse(p->tail, p->have, j->done.size, &p->end) < 0 ||
        p->end.cd_size == 0 || p->end.cd_size > DIRECTORY_MAX) {
        previous_over(j);
        return;
    }
    p->directory = malloc(p->end.cd_size);
    if (p->directory)
        fetch(j, p->directory, p->end.cd_offset, p->end.cd_size, on_directory);
    else
        previous_over(j);
}

static void
load_run(struct publish_job *j)
{
    j->former =
        former_load(j->p->d.state, s3_endpoint_id(j->p->d.s3_dest), j->bucket,
                    j->key, j->key_len, j->done.etag, j->done.digest);
}

/* The directory costs requests for each member: only who asked for it. */
static void
on_loaded(struct publish_job *j)
{
    struct previous *p = j->previous;
    uint64_t n = min_u64(j->done.size, ZIP_END_MAX);

    if (j->former || j->stop || n == 0 ||
        j->p->d.conf->publish_strategy != PLAN_AGAIN)
        previous_over(j);
    else
        fetch(j, p->tail, j->done.size - n, n, on_tail);
}

void
previous_begin(struct publish_job *j, job_fn *then)
{
    int s = j->p->d.conf->publish_strategy;

    if (j->former || j->no_former || !j->done.digest[0] || j->share ||
        (s != PLAN_AGAIN && s != CONF_STRATEGY_AUTO)) {
        then(j);
        return;
    }
    j->previous = calloc(1, sizeof(*j->previous));
    if (!j->previous) {
        then(j);
        return;
    }
    j->previous->then = then;
    job_work(j, &j->work, load_run, on_loaded);
}
