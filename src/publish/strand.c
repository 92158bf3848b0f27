/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The strand of a job, and the adapters that turn an answer of another
 * room into an event on it.  Must not know what a job does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "publish/job.h"

static struct event *
queue_pop(struct publish_job *j)
{
    struct event *ev = j->queue;

    if (ev && !(j->queue = ev->next))
        j->queue_end = &j->queue;
    return ev;
}

/* Called with j->lock held, returns with it held. */
static void
strand_run(struct publish_job *j)
{
    struct event *ev;

    do {
        while ((ev = queue_pop(j))) {
            pthread_mutex_unlock(&j->lock);
            ev->fn(j, ev);
            pthread_mutex_lock(&j->lock);
        }
        pthread_mutex_unlock(&j->lock);
        job_step(j);
        pthread_mutex_lock(&j->lock);
    } while (j->queue);
}

void
job_post(struct publish_job *j, struct event *ev, event_fn *fn)
{
    bool run;

    ev->fn = fn;
    ev->next = NULL;
    pthread_mutex_lock(&j->lock);
    *j->queue_end = ev;
    j->queue_end = &ev->next;
    run = !j->busy;
    if (run) {
        j->busy = true;
        publish_job_ref(j);
        strand_run(j);
        j->busy = false;
    }
    pthread_mutex_unlock(&j->lock);
    if (run)
        publish_job_unref(j);
}

/* ---------------------------------------------------------------- work */

static void
work_done(struct publish_job *j, struct event *ev)
{
    struct work *w = (struct work *)ev;

    j->inflight--;
    w->then(j);
}

static void
work_main(void *user)
{
    struct work *w = user;

    w->run(w->job);
    job_post(w->job, &w->ev, work_done);
}

void
job_work(struct publish_job *j, struct work *w, job_fn *run, job_fn *then)
{
    w->job = j;
    w->run = run;
    w->then = then;
    j->inflight++;
    net_work(j->p->d.net, work_main, w);
}

/* --------------------------------------------------------------- calls */

struct call *
call_begin(struct publish_job *j, job_fn *then)
{
    struct call *c = &j->call;

    call_left_free(c);
    free(c->upload_id);
    memset(c, 0, sizeof(*c));
    c->job = j;
    c->then = then;
    j->inflight++;
    return c;
}

static void
call_over(struct publish_job *j, struct event *ev)
{
    struct call *c = (struct call *)ev;

    c->id = 0;
    j->inflight--;
    job_retries(j, &c->e);
    c->then(j);
}

static void
call_end(struct call *c, const struct s3_error *e)
{
    c->e = *e;
    job_post(c->job, &c->ev, call_over);
}

void
call_object_cb(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct call *c = user;

    if (e->err == 0 && o) {
        c->o.size = o->size;
        c->o.have_crc = o->have_crc32;
        c->o.crc = o->crc32;
        snprintf(c->o.etag, sizeof(c->o.etag), "%s", o->etag ? o->etag : "");
        snprintf(c->o.digest, sizeof(c->o.digest), "%s",
                 o->layout_digest ? o->layout_digest : "");
        snprintf(c->o.version, sizeof(c->o.version), "%s",
                 o->version_id ? o->version_id : "");
    }
    call_end(c, e);
}

/* Of aborts and deletes: asking again until they show is no retry. */
void
call_done_cb(void *user, const struct s3_error *e)
{
    struct s3_error once = *e;

    once.attempts = 1;
    call_end(user, &once);
}

void
call_create_cb(void *user, const struct s3_error *e, const char *upload_id)
{
    struct call *c = user;

    if (e->err == 0)
        c->upload_id = strdup(upload_id);
    call_end(c, e);
}

void
call_complete_cb(void *user, const struct s3_error *e,
                 const struct s3_completed *d)
{
    struct call *c = user;

    if (e->err == 0 && d) {
        c->o.have_crc = d->have_crc32;
        c->o.crc = d->crc32;
        snprintf(c->o.etag, sizeof(c->o.etag), "%s", d->etag ? d->etag : "");
        snprintf(c->o.version, sizeof(c->o.version), "%s",
                 d->version_id ? d->version_id : "");
    }
    call_end(c, e);
}

void
call_uploads_cb(void *user, const struct s3_error *e,
                const struct s3_upload *u, size_t count)
{
    const struct s3_error lost = {.err = -ENOMEM};
    struct call *c = user;
    size_t i;

    if (e->err == 0 && count > 0)
        c->left = calloc(count, sizeof(*c->left));
    for (i = 0; c->left && i < count; i++) {
        struct s3_upload_copy *to = &c->left[c->left_count];

        to->upload_id = strdup(u[i].upload_id);
        to->key = strndup(u[i].key, u[i].key_len);
        if (!to->upload_id || !to->key) {
            free(to->upload_id);
            free(to->key);
            break;
        }
        to->initiated = u[i].initiated;
        to->age = u[i].age;
        to->begun_first = u[i].begun_first;
        to->begun_last = u[i].begun_last;
        snprintf(to->initiator, sizeof(to->initiator), "%s",
                 u[i].initiator ? u[i].initiator : "");
        c->left_count++;
    }
    /* One that is not in the list would be taken for gone. */
    call_end(c, e->err == 0 && c->left_count < count ? &lost : e);
}

/* A bucket that does not say has none. */
void
call_lock_cb(void *user, const struct s3_error *e, bool retention)
{
    struct call *c = user;

    c->retention = e->err == 0 && retention;
    call_end(c, e);
}

void
call_parts_cb(void *user, const struct s3_error *e, const struct s3_parts *p)
{
    struct call *c = user;
    size_t i;

    if (e->err == 0 && p) {
        c->listed_crc = p->crc32;
        c->listed = calloc(p->count + 1, sizeof(*c->listed));
    }
    for (i = 0; c->listed && i < p->count; i++)
        c->listed[c->listed_count++] = (struct listed){
            .number = p->part[i].number,
            .size = p->part[i].size,
            .etag = strdup(p->part[i].etag),
            .have_crc = p->part[i].have_crc32,
            .crc = p->part[i].crc32,
        };
    call_end(c, e);
}

void
call_left_free(struct call *c)
{
    size_t i;

    for (i = 0; i < c->left_count; i++) {
        free(c->left[i].upload_id);
        free(c->left[i].key);
    }
    free(c->left);
    c->left = NULL;
    c->left_count = 0;
    for (i = 0; i < c->listed_count; i++)
        free(c->listed[i].etag);
    free(c->listed);
    c->listed = NULL;
    c->listed_count = 0;
}

/* --------------------------------------------------------------- timer */

static void
timer_over(struct publish_job *j, struct event *ev)
{
    struct delay *d = (struct delay *)ev;

    d->id = 0;
    j->inflight--;
    d->then(j);
}

static void
timer_main(void *user)
{
    struct delay *d = user;

    job_post(d->job, &d->ev, timer_over);
}

void
job_later(struct publish_job *j, struct delay *d, uint64_t ms, job_fn *then)
{
    d->job = j;
    d->then = then;
    j->inflight++;
    d->id = net_timer(j->p->d.net, ms, timer_main, d);
}

void
job_later_cancel(struct publish_job *j, struct delay *d)
{
    if (d->id && net_timer_cancel(j->p->d.net, d->id)) {
        d->id = 0;
        j->inflight--;
    }
}
