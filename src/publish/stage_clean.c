/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What scratch objects leave: their uploads are aborted and they are
 * deleted, by the version that Complete gave.  If an answer was lost, or a
 * killed process began it all, what the store lists below the job's own
 * prefix goes too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "publish/job.h"
#include "publish/scrub.h"

enum { SETTLE_MS = 1000 };

static void clean_step(struct publish_job *j);

/* --------------------------------------------------------------- listed */

static void
on_scrubbed(struct publish_job *j, struct event *ev)
{
    (void)ev;
    scrub_free(STEAL(j->scrub));
    j->inflight--;
    j->scratch_clean(j);
}

static void
scrub_done(void *user, const struct scrub_result *r)
{
    struct publish_job *j = user;

    if (r->kept > 0) {
        log_warn("publish: %s: scratch objects of it could not be removed: "
                 "%s %s",
                 j->st.dest, r->e.code, r->e.message);
        atomic_store(&j->scratch_kept, true);
    }
    job_post(j, &j->scrub_ev, on_scrubbed);
}

/* Ends in scratch_clean. */
static void
scrub_below(struct publish_job *j, const char *prefix)
{
    j->inflight++;
    j->scrub = scrub_start(j->p->d.s3_dest, j->bucket, prefix, scrub_done, j);
    if (!j->scrub) {
        atomic_store(&j->scratch_kept, true);
        job_post(j, &j->scrub_ev, on_scrubbed);
    }
}

static void
scrub_own(struct publish_job *j)
{
    scrub_below(j, j->scratch_prefix);
}

static void
scrub_rest(struct publish_job *j)
{
    if (j->scratch_unclear && j->hurry)
        atomic_store(&j->scratch_kept, true);
    if (!j->scratch_unclear || j->hurry) {
        j->scratch_clean(j);
        return;
    }
    j->scratch_unclear = false;
    if (j->cut) /* parts that arrive yet bring their upload back */
        job_later(j, &j->timer, SETTLE_MS, scrub_own);
    else
        scrub_own(j);
}

/* ---------------------------------------------------------------- known */

static void
on_gone(struct publish_job *j, struct event *ev)
{
    struct stage *s = (struct stage *)ev;
    char key[STAGE_KEY_MAX], name[400];
    struct s3_where at = stage_where(j, s, key);

    s->id = 0;
    j->inflight--;
    j->stage_calls--;
    if (s->e && s->e->http != 404) {
        log_warn("publish: %s: %s could not be removed: %s %s", j->st.dest,
                 text_escape(name, sizeof(name), at.key, at.key_len),
                 s->e->code, s->e->message);
        atomic_store(&j->scratch_kept, true);
    }
    clean_step(j);
}

static void
gone_cb(void *user, const struct s3_error *e)
{
    struct stage *s = user;

    if (e->err < 0) {
        s->e = malloc(sizeof(*s->e));
        if (s->e)
            *s->e = *e;
    }
    job_post(s->job, &s->ev, on_gone);
}

/* False: nothing of it is there. */
static bool
stage_remove(struct publish_job *j, struct stage *s)
{
    struct s3 *s3 = j->p->d.s3_dest;
    char key[STAGE_KEY_MAX];
    struct s3_where at = stage_where(j, s, key);

    if (!s->upload_id && !s->etag)
        return false;
    free(STEAL(s->e));
    j->inflight++;
    j->stage_calls++;
    if (s->etag)
        s->id = s3_delete(s3, &at, NULL, s->version, gone_cb, s);
    else
        s->id = s3_abort(s3, &at, s->upload_id, gone_cb, s);
    return true;
}

static void
clean_step(struct publish_job *j)
{
    if (j->hurry && j->next_clean + 1 < j->stages) {
        j->next_clean = j->stages - 1;
        atomic_store(&j->scratch_kept, true);
    }
    while (j->next_clean + 1 < j->stages && j->stage_calls < COPIES_MAX)
        stage_remove(j, &j->stage[j->next_clean++]);
    if (j->stage_calls == 0 && j->next_clean + 1 >= j->stages &&
        !j->known_gone) {
        j->known_gone = true;
        scrub_rest(j);
    }
}

void
stages_clean(struct publish_job *j, job_fn *then)
{
    j->scratch_clean = then;
    j->next_clean = 0;
    j->known_gone = false;
    if (j->stages < 2 && !j->scratch_unclear)
        then(j);
    else
        clean_step(j);
}

void
stages_clean_hurry(struct publish_job *j)
{
    stages_cut(j);
    if (j->scrub)
        scrub_cancel(j->scrub);
}

void
scratch_scrub(struct publish_job *j, const char *prefix, job_fn *then)
{
    j->scratch_clean = then;
    scrub_below(j, prefix);
}
