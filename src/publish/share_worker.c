/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A worker: joins an upload that another process created, and looks for the
 * archive when that upload is gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "publish/share.h"

static void
on_joined(struct publish_job *j)
{
    const struct share *s = j->share;
    uint32_t first, end;

    if (j->stop)
        return;
    if (j->call.e.err < 0) {
        share_list_failed(j);
        return;
    }
    j->crc = j->call.listed_crc;
    parts_begin(j);
    resume_take(j, job_last(j));
    first = (uint32_t)((uint64_t)j->parts * (uint32_t)s->worker / s->workers);
    end = (uint32_t)((uint64_t)j->parts * (uint32_t)(s->worker + 1) /
                     s->workers);
    j->share->state = SHARE_SEND;
    share_send_range(j, first, end);
}

void
share_join(struct publish_job *j)
{
    struct share *s = j->share;
    const char *id = strchr(s->upload, ':');
    char plan[65];

    plan_fingerprint(&j->plan, j->digest, plan);
    if (id && id - s->upload == ID_PRINT &&
        strncmp(plan, s->upload, ID_PRINT) != 0) {
        job_fail(j, ECANCELED,
                 "the prefix is not what it was when that upload began, or "
                 "the options are others");
        return;
    }
    id = id && id - s->upload == ID_PRINT ? id + 1 : s->upload;
    j->upload_id = strdup(id);
    if (j->upload_id)
        share_list_parts(j, on_joined);
    else
        job_fail(j, ENOMEM, "out of memory");
}

/* Completed by the coordinator, or aborted by somebody? */
static void
on_final_look(struct publish_job *j)
{
    const struct call *c = &j->call;

    if (c->e.err == 0 && found_is_ours(j, &c->o)) {
        j->done = c->o;
        job_done(j, "", false);
        return;
    }
    /* Complete takes its time, and the upload is gone at once. */
    if (j->stop == STOP_FAIL) {
        job_over(j); /* aborted while looking */
        return;
    }
    if (++j->share->looks < FINAL_LOOKS && !j->hurry) {
        job_later(j, &j->timer, POLL_MS, share_look);
        return;
    }
    j->stop = STOP_NONE;
    job_fail(j, ENOENT, "the upload %s is gone, and the archive is not there",
             j->share->upload);
    job_over(j);
}

void
share_look(struct publish_job *j)
{
    struct s3_head_args a = {.at = job_where(j), .checksum = true};
    struct call *c = call_begin(j, on_final_look);

    c->id = s3_head(j->p->d.s3_dest, &a, call_object_cb, c);
}
