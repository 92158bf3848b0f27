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

static void
job_free(struct publish_job *j)
{
    parts_reset(j);
    verify_free(j);
    journal_rows_free(j->left, j->left_count);
    orphans_free(j);
    call_left_free(&j->call);
    free(j->call.upload_id);
    free(j->upload_id);
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
    if (j->call.id && !j->create_unclear)
        s3_cancel(j->p->d.s3_dest, j->call.id);
    job_later_cancel(j);
    parts_cancel(j);
    pieces_cancel(j);
    diagnose_cancel(j);
    verify_cancel(j);
}

static void
stop_step(struct publish_job *j)
{
    if (!j->stopping) {
        j->stopping = true;
        cancel_calls(j);
    }
    if (j->inflight == 0)
        clean_begin(j);
}

void
job_step(struct publish_job *j)
{
    if (j->phase == PHASE_CLEAN || j->phase == PHASE_OVER)
        return;
    if (j->stop)
        stop_step(j);
    else if (j->phase == PHASE_ASK || j->phase == PHASE_PARTS)
        parts_step(j);
    else if (j->phase == PHASE_CHECK)
        verify_step(j);
}

/* ---------------------------------------------------------------- stop */

/* The errors of product.md's setxattr column; the kernel would run the
 * call again on ESTALE, disable it on ENOSYS and rewrite EAGAIN. */
int
publish_errno(int r)
{
    switch (-r) {
    case 0:
    case EACCES: case EPERM: case ENOENT: case ECANCELED: case EEXIST:
    case EILSEQ: case EINVAL: case EISDIR: case EIO: case ETIMEDOUT:
    case EHOSTUNREACH: case ENODATA: case EFBIG: case EBUSY:
    case EOPNOTSUPP: case EPROTO: case ECONNREFUSED: case EINTR:
    case ECONNABORTED: case ENOMEM:
        return r;
    case ESTALE:
        return -ECANCELED;
    case ENETUNREACH: case ENETDOWN: case EHOSTDOWN:
        return -EHOSTUNREACH;
    default:
        return -EIO;
    }
}

/* True if this failure is the one that counts. */
static bool
stop_first(struct publish_job *j, enum stop stop)
{
    if (j->stop >= stop || j->phase == PHASE_OVER)
        return false;
    j->stop = stop;
    if (stop == STOP_FAIL) {
        LOCK_SCOPE(&j->p->lock);
        j->failing = true;
    }
    return true;
}

void
job_fail(struct publish_job *j, int num, const char *fmt, ...)
{
    char text[sizeof(j->err.text)];
    va_list ap;

    if (!stop_first(j, STOP_FAIL))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    err_set(&j->err, -publish_errno(-num), "%s", text);
}

void
job_fail_err(struct publish_job *j, int r, const struct err *e)
{
    uint32_t m = atomic_load(&j->layout->stale_member);

    if (r == -ESTALE && atomic_load(&j->layout->stale) &&
        m < job_zip(j)->count)
        job_blame(j, m);
    job_fail(j, -r, "%s", e && e->text[0] ? e->text : strerror(-r));
}

static void
fail_s3(struct publish_job *j, const struct s3_error *e, const char *op,
        const char *bucket, const char *key, size_t key_len)
{
    struct err words = {0};

    s3_error_text(e, op, bucket, key, key_len, &words);
    if (j->stop < STOP_FAIL)
        j->s3err = *e;
    /* Nobody here cancelled it: the loops are being shut down. */
    if (e->err == -ECANCELED)
        job_fail(j, ECONNABORTED, "%s", words.text);
    else
        job_fail(j, -e->err, "%s", words.text);
}

void
job_fail_s3(struct publish_job *j, const struct s3_error *e, const char *op)
{
    fail_s3(j, e, op, j->bucket, j->key, j->key_len);
}

void
job_fail_member(struct publish_job *j, const struct s3_error *e,
                const char *op, uint32_t member)
{
    const struct zip_member *m = job_member(j, member);

    if (j->stop == STOP_FAIL)
        return;
    if (e->err == -ESTALE)
        layout_set_stale(j->layout, member);
    job_blame(j, member);
    fail_s3(j, e, op, j->layout->bucket, m->key, m->key_len);
}

void
job_blame(struct publish_job *j, uint32_t member)
{
    const struct zip_member *m = job_member(j, member);
    LOCK_SCOPE(&j->lock);

    if (j->stop < STOP_FAIL && !j->st.key[0])
        text_escape(j->st.key, sizeof(j->st.key), m->key, m->key_len);
}

void
job_restart(struct publish_job *j, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (j->restarts >= RESTARTS_MAX) {
        job_fail(j, EIO, "%s: again and again", text);
        return;
    }
    if (!stop_first(j, STOP_RESTART))
        return;
    j->restarts++;
    log_info("publish: %s: starting again: %s", j->st.dest, text);
}

static void
on_abort(struct publish_job *j, struct event *ev)
{
    unsigned asked;
    int why;

    (void)ev;
    pthread_mutex_lock(&j->lock);
    j->abort_posted = false;
    why = j->abort_why;
    asked = j->abort_asked;
    pthread_mutex_unlock(&j->lock);
    if (j->phase == PHASE_OVER)
        return;
    job_fail(j, -why, "%s",
             why == -EINTR ? "interrupted"
             : why == -ECANCELED ? "cancelled" : "s3zipfs is stopping");
    if (asked > 1 && why == -ECONNABORTED && j->call.id)
        s3_cancel(j->p->d.s3_dest, j->call.id);
}

void
publish_abort(struct publish_job *j, int why)
{
    bool post;

    pthread_mutex_lock(&j->lock);
    if (j->abort_why == 0 || why == -ECONNABORTED)
        j->abort_why = why;
    j->abort_asked += why == -ECONNABORTED;
    post = !j->ended && !j->abort_posted;
    if (post)
        j->abort_posted = true;
    pthread_mutex_unlock(&j->lock);
    if (post)
        job_post(j, &j->abort_ev, on_abort);
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
    parts_reset(j);
    verify_free(j);
    read_stream_close(STEAL(j->stream));
    reader_unref(STEAL(j->reader));
    crc_set_unref(STEAL(j->crcs));
    layout_unref(STEAL(j->layout));
}

static struct waiter *
set_ended(struct publish_job *j, int r)
{
    LOCK_SCOPE(&j->lock);

    j->ended = true;
    j->st.ended_ms = net_now_ms();
    j->st.state = r == 0 ? PUBLISH_DONE
                  : r == -ECANCELED && j->abort_why ? PUBLISH_CANCELLED
                  : r == -EINTR || r == -ECONNABORTED ? PUBLISH_CANCELLED
                                                      : PUBLISH_FAILED;
    j->st.err = j->err;
    j->st.error = j->s3err;
    if (r == 0)
        j->st.bytes_done = j->st.bytes;
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
    snprintf(j->st.etag, sizeof(j->st.etag), "%s", j->done.etag);
    j->st.have_crc32 = j->have_whole;
    j->st.crc32 = j->whole;
    pthread_mutex_unlock(&j->lock);
    if (!noop)
        invalidate(j);
    job_over(j);
}

uint64_t
publish_wait(struct publish_job *j, publish_cb *cb, void *user)
{
    struct waiter *w = calloc(1, sizeof(*w));
    struct err e = {0};
    uint64_t id;

    pthread_mutex_lock(&j->lock);
    if (!j->ended && w) {
        id = ++j->last_waiter;
        *w = (struct waiter){j->waiters, id, cb, user};
        j->waiters = w;
        pthread_mutex_unlock(&j->lock);
        return id;
    }
    if (j->ended)
        e = j->st.err;
    else
        err_set(&e, ENOMEM, "out of memory");
    pthread_mutex_unlock(&j->lock);
    free(w);
    cb(user, -e.num, &e);
    return 0;
}

bool
publish_wait_cancel(struct publish_job *j, uint64_t id)
{
    LOCK_SCOPE(&j->lock);
    struct waiter **at, *w;

    for (at = &j->waiters; (w = *at); at = &w->next)
        if (w->id == id) {
            *at = w->next;
            free(w);
            return true;
        }
    return false;
}

/* -------------------------------------------------------------- status */

void
job_set_state(struct publish_job *j, enum publish_state s)
{
    LOCK_SCOPE(&j->lock);

    j->st.state = s;
    j->st.restarts = j->restarts;
}

void
job_count(struct publish_job *j, uint64_t *counter, uint64_t n)
{
    LOCK_SCOPE(&j->lock);

    *counter += n;
}

void
job_retries(struct publish_job *j, const struct s3_error *e)
{
    if (e->attempts > 1)
        job_count(j, &j->st.retries, e->attempts - 1);
}

void
publish_job_status(struct publish_job *j, struct publish_status *ret)
{
    LOCK_SCOPE(&j->lock);

    *ret = j->st;
    ret->now_ms = j->ended ? j->st.ended_ms : net_now_ms();
}
