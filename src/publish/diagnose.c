/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A copied member's CRC is not the one that was known, and it is not the
 * known quirk: the member is read once.  If the known value was wrong it
 * is replaced and the publish starts again; else the store's copy is
 * wrong, and that is an error.
 */
#include <errno.h>
#include <string.h>

#include "base/crc32.h"
#include "base/text.h"
#include "publish/job.h"

struct diagnosis {
    struct event ev;
    struct publish_job *job;
    uint32_t member, known, crc;
    s3_id id;
    struct s3_error e;
};

static void
decide(struct publish_job *j, const struct diagnosis *d)
{
    const struct zip_member *m = job_member(j, d->member);
    char name[400];

    text_escape(name, sizeof(name), m->key, m->key_len);
    if (d->crc == d->known) {
        job_blame(j, d->member);
        job_fail(j, EIO,
                 "%s: the store's copy has another CRC-32 than "
                 "the object",
                 name);
        return;
    }
    log_warn("publish: %s: its known CRC-32 %08x was wrong, it is %08x", name,
             d->known, d->crc);
    crc_put(j->crcs, d->member, d->crc, true);
    job_restart(j, "%s had a wrong CRC-32", name);
}

static void
on_read(struct publish_job *j, struct event *ev)
{
    struct diagnosis *d = (struct diagnosis *)ev;

    j->inflight--;
    j->diagnosis = NULL;
    job_retries(j, &d->e);
    if (!j->stop) {
        if (d->e.err < 0)
            job_fail_member(j, &d->e, "GET", d->member);
        else
            decide(j, d);
    }
    free(d);
}

static int
read_data(void *user, const void *p, size_t n)
{
    struct diagnosis *d = user;

    d->crc = crc32_add(d->crc, p, n);
    return 0;
}

static void
read_done(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct diagnosis *d = user;

    (void)o;
    d->e = *e;
    job_post(d->job, &d->ev, on_read);
}

void
diagnose(struct publish_job *j, uint32_t member, uint32_t known)
{
    const struct zip_member *m = job_member(j, member);
    struct s3_get_args a = {
        .at = {j->layout->bucket, m->key, m->key_len, false},
        .etag = m->etag,
        .expect = m->size,
        .on_data = read_data,
    };
    struct diagnosis *d;

    if (j->diagnosis)
        return;
    d = calloc(1, sizeof(*d));
    if (!d) {
        job_fail(j, ENOMEM, "out of memory");
        return;
    }
    d->job = j;
    d->member = member;
    d->known = known;
    job_count(j, &j->st.downloaded, m->size);
    j->diagnosis = d;
    j->inflight++;
    d->id = s3_get(j->p->d.s3, &a, read_done, d);
}

void
diagnose_cancel(struct publish_job *j)
{
    if (j->diagnosis)
        s3_cancel(j->p->d.s3, j->diagnosis->id);
}
