/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * How a job stops: the first failure counts, its words and its errno are
 * made here, and every wait of the job ends.  Called by any step, by any
 * thread of the job, and by who wants its end (publish_abort).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "publish/job.h"

/* A daemon that ends waits so long for a store that does not answer... */
enum { STOPPING_MS = 6000 };
/* ...and who heard nothing from it for a minute already. */
enum { PATIENCE_MS = 10000 };

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

enum stop
job_stopped(struct publish_job *j)
{
    LOCK_SCOPE(&j->lock);

    return j->stop;
}

/* Called with the job's lock.  True if this is the one that counts: what
 * fails after a stop fails because of it.  An end that is wanted comes
 * before another attempt. */
static bool
stop_first(struct publish_job *j, enum stop stop, int why, bool wanted)
{
    if (j->ended || j->stop == STOP_FAIL ||
        (j->stop == STOP_AGAIN && !wanted))
        return false;
    j->stop = stop;
    scope_stop(j->scope, why);
    return true;
}

static bool
is_silence(int num)
{
    return num == ETIMEDOUT || num == ECONNREFUSED || num == EHOSTUNREACH;
}

/* Words and the S3 answer (may be NULL) of the failure that counts. */
static int
fail(struct publish_job *j, int num, const struct s3_error *e,
     const char *text, uint32_t member, bool wanted)
{
    const struct zip_member *m;
    int r = publish_errno(-num);
    bool first;

    pthread_mutex_lock(&j->lock);
    first = stop_first(j, STOP_FAIL, r, wanted);
    if (first) {
        j->aborted = wanted;
        err_set(&j->err, -r, "%s", text);
        if (e)
            j->s3err = *e;
        if (member != UINT32_MAX) {
            m = job_member(j, member);
            text_escape(j->st.key, sizeof(j->st.key), m->key, m->key_len);
        }
        if (is_silence(-r))
            scope_until(j->last, net_now_ms() + PATIENCE_MS);
    }
    pthread_mutex_unlock(&j->lock);
    if (first) {
        LOCK_SCOPE(&j->p->lock);
        j->failing = true;
    }
    return r;
}

int
job_fail(struct publish_job *j, int num, const char *fmt, ...)
{
    char text[sizeof(j->err.text)];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return fail(j, num, NULL, text, UINT32_MAX, false);
}

int
job_fail_err(struct publish_job *j, int r, const struct err *e)
{
    uint32_t m = atomic_load(&j->layout->stale_member);
    bool stale = r == -ESTALE && atomic_load(&j->layout->stale) &&
                 m < job_zip(j)->count;

    return fail(j, -r, NULL, e && e->text[0] ? e->text : strerror(-r),
                stale ? m : UINT32_MAX, false);
}

/* Nobody here cancelled it: the loops are being shut down. */
static int
errno_of(const struct s3_error *e)
{
    return e->err == -ECANCELED ? ECONNABORTED : -e->err;
}

int
job_fail_s3(struct publish_job *j, const struct s3_error *e, const char *op,
            const struct s3_where *at)
{
    struct err words = {0};

    s3_error_text(e, op, at->bucket, at->key, at->key_len, &words);
    return fail(j, errno_of(e), e, words.text, UINT32_MAX, false);
}

int
job_fail_member(struct publish_job *j, const struct s3_error *e,
                const char *op, uint32_t member)
{
    const struct zip_member *m = job_member(j, member);
    struct err words = {0};

    if (e->err == -ESTALE && job_stopped(j) != STOP_FAIL)
        layout_set_stale(j->layout, member);
    s3_error_text(e, op, j->layout->bucket, m->key, m->key_len, &words);
    return fail(j, errno_of(e), e, words.text, member, false);
}

int
job_fail_of(struct publish_job *j, int num, uint32_t member, const char *text)
{
    return fail(j, num, NULL, text, member, false);
}

int
job_again(struct publish_job *j, const char *fmt, ...)
{
    char text[400];
    unsigned times;
    va_list ap;
    bool first;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    pthread_mutex_lock(&j->lock);
    times = j->lessons.restarts;
    first = times < RESTARTS_MAX && stop_first(j, STOP_AGAIN, -ECANCELED, false);
    if (first)
        j->st.restarts = ++j->lessons.restarts;
    pthread_mutex_unlock(&j->lock);
    if (times >= RESTARTS_MAX && !first)
        return job_fail(j, EIO, "%s: again and again", text);
    if (first)
        log_info("publish: %s: starting again: %s", j->st.dest, text);
    return AGAIN;
}

int
job_renew(struct publish_job *j)
{
    struct scope *fresh;
    LOCK_SCOPE(&j->lock);

    if (j->stop == STOP_FAIL)
        return -j->err.num;
    if (j->stop == STOP_NONE)
        return 0;
    if (scope_new(&fresh) < 0)
        return -ENOMEM;
    scope_free(j->scope);
    j->scope = fresh;
    j->stop = STOP_NONE;
    return 0;
}

int
job_result(struct publish_job *j)
{
    LOCK_SCOPE(&j->lock);

    if (j->stop == STOP_FAIL)
        return -j->err.num;
    return j->stop == STOP_AGAIN ? AGAIN : 0;
}

void
job_learn(struct publish_job *j, bool *lesson)
{
    LOCK_SCOPE(&j->lock);

    if (lesson)
        *lesson = true;
}

bool
learn_no_size(struct publish_job *j, const struct s3_error *e, bool sent)
{
    if (e->http != 501 || !sent)
        return false;
    publisher_learn(j->p, &j->p->caps.no_size, "no x-amz-mp-object-size");
    return true;
}

unsigned
job_patience_ms(struct publish_job *j)
{
    LOCK_SCOPE(&j->lock);

    if (j->stop != STOP_FAIL)
        return 30000;
    if (j->err.num == ECONNABORTED)
        return STOPPING_MS / 2;
    return is_silence(j->err.num) ? PATIENCE_MS : 30000;
}

static const char *
abort_words(int why)
{
    return why == -EINTR       ? "interrupted"
           : why == -ECANCELED ? "cancelled"
                               : "s3zipfs is stopping";
}

void
publish_abort(struct publish_job *j, int why)
{
    if (why == -ECONNABORTED)
        scope_until(j->last, net_now_ms() + STOPPING_MS);
    fail(j, -why, NULL, abort_words(why), UINT32_MAX, true);
}
