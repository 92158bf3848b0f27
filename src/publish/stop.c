/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * How a job stops: the first failure counts, its words and its errno are
 * made here; a restart is a stop that begins again.  What follows is
 * clean.c's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "publish/job.h"

/* The errors that setxattr may answer; the kernel would run the
 * call again on ESTALE, disable it on ENOSYS and rewrite EAGAIN. */
int
publish_errno(int r)
{
    switch (-r) {
    case 0:
    case EACCES:
    case EPERM:
    case ENOENT:
    case ECANCELED:
    case EEXIST:
    case EILSEQ:
    case EINVAL:
    case EISDIR:
    case EIO:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENODATA:
    case EFBIG:
    case EBUSY:
    case EOPNOTSUPP:
    case EPROTO:
    case ECONNREFUSED:
    case EINTR:
    case ECONNABORTED:
    case ENOMEM:
        return r;
    case ESTALE:
        return -ECANCELED;
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
        return -EHOSTUNREACH;
    default:
        return -EIO;
    }
}

/* A daemon that ends waits so long for a store that does not answer; parts
 * on their way have two seconds of it (job.c). */
enum { STOPPING_MS = 6000 };

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

void
job_fail_object(struct publish_job *j, const struct s3_error *e,
                const char *op, const char *bucket, const char *key,
                size_t key_len)
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
    job_fail_object(j, e, op, j->bucket, j->key, j->key_len);
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
    job_fail_object(j, e, op, j->layout->bucket, m->key, m->key_len);
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
    j->aborted |= j->stop < STOP_FAIL;
    job_fail(j, -why, "%s",
             why == -EINTR       ? "interrupted"
             : why == -ECANCELED ? "cancelled"
                                 : "s3zipfs is stopping");
    if (why == -ECONNABORTED)
        clean_hurry_in(j, STOPPING_MS);
    if (asked > 1 && why == -ECONNABORTED)
        clean_hurry(j);
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
