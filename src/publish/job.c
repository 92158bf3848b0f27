/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The life of a job: birth, which file has the next step, how it stops,
 * and its end, when the waiters hear of it.  Must not know SQL or what a
 * part is made of.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "publish/job.h"

enum { GRACE_MS = 2000 };

static void
job_free(struct publish_job *j)
{
    parts_free(j);
    verify_free(j);
    journal_rows_free(j->left, j->left_count);
    orphans_free(j);
    call_left_free(&j->call);
    free(j->call.upload_id);
    free(j->upload_id);
    former_free(j->former);
    free(j->note);
    free(j->resume);
    share_free(j->share);
    read_stream_close(j->stream);
    reader_unref(j->reader);
    crc_set_unref(j->crcs);
    layout_unref(j->layout);
    free(j->bucket);
    free(j->key);
    free(j->dir_bucket);
    free(j->dir_prefix);
    pthread_mutex_destroy(&j->lock);
    publisher_unref(j->p);
    free(j);
}

struct publish_job *
publish_job_ref(struct publish_job *j)
{
    atomic_fetch_add(&j->refs, 1);
    return j;
}

void
publish_job_unref(struct publish_job *j)
{
    if (j && atomic_fetch_sub(&j->refs, 1) == 1)
        job_free(j);
}

static int
job_open(struct publish_job *j, struct reader *r,
         const struct publish_dest *dest)
{
    char key[1000];

    j->bucket = strdup(dest->bucket);
    j->key = strdup(dest->key);
    j->dir_bucket = strdup(j->layout->bucket);
    j->dir_prefix = strdup(j->layout->prefix);
    if (!j->bucket || !j->key || !j->dir_bucket || !j->dir_prefix)
        return -ENOMEM;
    j->key_len = strlen(j->key);
    layout_digest_hex(j->layout, j->digest);
    snprintf(j->st.dest, sizeof(j->st.dest), "s3://%s/%s", j->bucket,
             text_escape(key, sizeof(key), j->key, j->key_len));
    j->st.state = PUBLISH_PLANNING;
    j->st.bytes = j->layout->zip.size;
    j->st.verified = "";
    return read_stream_open(&j->stream, r);
}

int
job_new(struct publish_job **ret, struct publisher *p, struct reader *r,
        const struct publish_dest *dest)
{
    struct publish_job *j = calloc(1, sizeof(*j));
    int x;

    if (!j)
        return -ENOMEM;
    atomic_init(&j->refs, 1);
    pthread_mutex_init(&j->lock, NULL);
    j->queue_end = &j->queue;
    atomic_fetch_add(&p->refs, 1);
    j->p = p;
    j->layout = layout_ref(reader_layout(r));
    j->reader = reader_ref(r);
    j->crcs = crc_set_ref(reader_crcs(r));
    j->started_ms = j->st.started_ms = net_now_ms();
    j->send_size = true;
    x = job_open(j, r, dest);
    if (x < 0) {
        publish_job_unref(j);
        return x;
    }
    *ret = j;
    return 0;
}

static void
on_start(struct publish_job *j, struct event *ev)
{
    (void)ev;
    prepare(j);
}

void
job_start(struct publish_job *j)
{
    publish_job_ref(j); /* until it is over */
    job_post(j, &j->start_ev, on_start);
}

/* ---------------------------------------------------------------- step */

static void
cancel_calls(struct publish_job *j)
{
    /* A create goes on: its answer names what must be aborted. */
    if (j->call.id && (!j->create_unclear || j->hurry))
        s3_cancel(j->p->d.s3_dest, j->call.id);
    job_later_cancel(j, &j->timer);
    /* Else a worker may be making the parts just now. */
    if (j->phase == PHASE_ASK || j->phase == PHASE_PARTS) {
        parts_cancel(j);
        pieces_cancel(j);
        diagnose_cancel(j);
    }
    verify_cancel(j);
}

/* A part that the store is still writing when its upload is aborted can
 * bring that upload back (the API reference of AbortMultipartUpload says
 * so): parts get a while to end by themselves. */
static void
stop_step(struct publish_job *j)
{
    unsigned patient;

    if (!j->stopping) {
        j->stopping = true;
        cancel_calls(j);
        if (j->phase == PHASE_PARTS && parts_sending(j))
            job_later(j, &j->timer, GRACE_MS, parts_cut);
    }
    patient = j->patience.id != 0; /* that timer runs beside all others */
    if (j->timer.id && j->inflight == 1U + patient)
        job_later_cancel(j, &j->timer);
    if (j->inflight == patient)
        clean_begin(j);
}

void
job_step(struct publish_job *j)
{
    if (!j->stop && (j->phase == PHASE_ASK || j->phase == PHASE_PARTS))
        parts_step(j);
    if (!j->stop && j->phase == PHASE_CHECK)
        verify_step(j);
    if (j->stop && j->phase != PHASE_CLEAN && j->phase != PHASE_OVER)
        stop_step(j);
}

/* ----------------------------------------------------------------- end */

/* Every listing that holds the destination is out of date. */
static void
invalidate(struct publish_job *j)
{
    char *slash, *prefix;

    if (!j->p->d.index || strcmp(j->bucket, j->dir_bucket) != 0)
        return;
    prefix = strdup(j->key);
    while (prefix && (slash = strrchr(prefix, '/'))) {
        slash[1] = '\0';
        index_invalidate(j->p->d.index, prefix);
        *slash = '\0';
    }
    index_invalidate(j->p->d.index, "");
    free(prefix);
}

static void
job_release(struct publish_job *j)
{
    parts_free(j);
    verify_free(j);
    read_stream_close(STEAL(j->stream));
    reader_unref(STEAL(j->reader));
    crc_copies_end(j->crcs);
    crc_set_unref(STEAL(j->crcs));
    layout_unref(STEAL(j->layout));
}

static struct waiter *
set_ended(struct publish_job *j, int r)
{
    LOCK_SCOPE(&j->lock);

    j->ended = true;
    j->st.ended_ms = net_now_ms();
    j->st.state = r == 0                              ? PUBLISH_DONE
                  : r == -ECANCELED && j->abort_why   ? PUBLISH_CANCELLED
                  : r == -EINTR || r == -ECONNABORTED ? PUBLISH_CANCELLED
                                                      : PUBLISH_FAILED;
    j->st.err = j->err;
    j->st.error = j->s3err;
    if (r == 0)
        j->st.work_done = j->st.work;
    return STEAL(j->waiters);
}

void
job_over(struct publish_job *j)
{
    struct waiter *w, *next;
    int r = -j->err.num;

    j->phase = PHASE_OVER;
    job_release(j);
    if (r < 0)
        log_warn("publish: %s: %s", j->st.dest, j->err.text);
    w = set_ended(j, r);
    publisher_ended(j->p, j);
    for (; w; w = next) {
        next = w->next;
        w->cb(w->user, r, &j->err);
        free(w);
    }
    publisher_quiet(j->p);
    publish_job_unref(j);
}

void
job_done(struct publish_job *j, const char *verified, bool noop)
{
    memset(&j->err, 0, sizeof(j->err));
    memset(&j->s3err, 0, sizeof(j->s3err));
    pthread_mutex_lock(&j->lock);
    j->st.key[0] = '\0';
    j->st.verified = verified;
    j->st.noop = noop;
    text_escape(j->st.etag, sizeof(j->st.etag), j->done.etag,
                strlen(j->done.etag));
    j->st.have_crc32 = j->have_whole;
    j->st.crc32 = j->whole;
    pthread_mutex_unlock(&j->lock);
    if (!noop)
        invalidate(j);
    job_over(j);
}
