/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Scratch objects: each is an upload of its own below the attempt's scratch
 * prefix, completed when its parts are there, deleted when nobody copies
 * from it any more, by the version that Complete gave.  Called by task.c;
 * scratch_clean by attempt.c after a stop.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"
#include "publish/body.h"
#include "publish/crew.h"
#include "publish/task.h"

/* A prefix that nobody else has: whatever is below it is ours. */
int
scratch_name(struct attempt *at)
{
    const char *scratch = at->j->p->d.conf->scratch;
    uint8_t b[16];
    char word[33];
    size_t i;

    if (!scratch || strlen(scratch) + 48 > sizeof(at->prefix) ||
        getentropy(b, sizeof(b)) < 0)
        return job_fail(at->j, EIO, "no name for scratch objects");
    for (i = 0; i < sizeof(b); i++)
        snprintf(word + 2 * i, 3, "%02x", b[i]);
    snprintf(at->prefix, sizeof(at->prefix), "%s%s/", scratch, word);
    return 0;
}

struct s3_where
scratch_where(const struct attempt *at, uint32_t number,
              char key[SCRATCH_MAX])
{
    int n = snprintf(key, SCRATCH_MAX, "%s%06u", at->prefix, number);

    return (struct s3_where){at->j->dest.bucket, key, (size_t)n, true};
}

uint64_t
scratch_size(const struct attempt *at, uint32_t number)
{
    const struct plan_upload *u = &at->plan.scratch[number];

    return u->pad + u->end - u->first;
}

/* --------------------------------------------------------------- create */

int
scratch_create(struct attempt *at, const struct sched_task *t)
{
    struct publish_job *j = at->j;
    char key[SCRATCH_MAX];
    struct upload_args a = {
        .s3 = j->p->d.s3_dest,
        .scope = j->scope,
        .state = j->p->d.state,
        .create = {.at = scratch_where(at, t->upload, key),
                   .crc32 = at->scratch_crc},
    };
    struct upload *up = calloc(1, sizeof(*up));
    struct s3_reply o;
    int r;

    if (!up)
        return job_fail(j, ENOMEM, "out of memory");
    r = upload_create(up, &a, &o);
    job_retries(j, &o.e);
    if (o.e.attempts > 1 || (r < 0 && (o.e.http < 300 || o.e.http >= 500)))
        atomic_store(&at->unclear, true);
    if (r == 0) {
        at->scratch[t->upload].up = up;
        return 0;
    }
    free(up);
    if (at->scratch_crc && (o.e.http == 400 || o.e.http == 501)) {
        job_learn(j, &j->lessons.no_crc);
        job_learn(j, &j->lessons.no_scratch_crc);
        return job_again(j, "no checksum algorithm here (%s)", o.e.code);
    }
    return job_fail_s3(j, &o.e, "POST", &a.create.at);
}

/* ---------------------------------------------------------------- there */

/* The answer to Complete or PUT was lost, and what is there is not it. */
static int
scratch_lost(struct attempt *at, const struct s3_where *where)
{
    char name[400];

    return job_again(at->j, "the store did not say whether %s is there",
                     text_escape(name, sizeof(name), where->key,
                                 where->key_len));
}

static int
scratch_there(struct attempt *at, uint32_t number, const struct s3_reply *o)
{
    struct scratch *s = &at->scratch[number];
    struct journal_scratch note = {
        .number = number, .have_crc = s->have_whole, .crc = s->whole};

    s->etag = strdup(o->etag);
    s->version = strdup(o->version_id);
    if (!s->etag || !s->version)
        return job_fail(at->j, ENOMEM, "out of memory");
    note.etag = s->etag;
    note.version = s->version;
    journal_note_scratch(at->notes, &note);
    return 0;
}

/* ------------------------------------------------------------- complete */

static struct s3_done_part *
done_parts(struct attempt *at, uint32_t number)
{
    const struct plan_upload *u = &at->plan.scratch[number];
    struct s3_done_part *list = calloc(u->count, sizeof(*list));
    struct scratch *s = &at->scratch[number];
    uint32_t i;

    s->whole = 0;
    s->have_whole = s->up->crc32;
    for (i = 0; list && i < u->count; i++) {
        const struct sent *p = &at->sent[u->part + i];

        list[i] = (struct s3_done_part){
            .number = i + 1,
            .etag = p->etag,
            .have_crc32 = p->have_crc,
            .crc32 = p->crc,
        };
        s->whole = crc_join(s->whole, p->crc,
                            part_len(at, (uint32_t)u->part + i));
    }
    return list;
}

/* After an answer that was lost. */
static int
look_at_scratch(struct attempt *at, uint32_t number, struct s3_reply *o)
{
    const struct scratch *s = &at->scratch[number];
    struct publish_job *j = at->j;
    struct s3_head_args a = {.at = s->up->at, .checksum = true};

    atomic_store(&at->unclear, true);
    if (s3_head_wait(j->p->d.s3_dest, j->scope, &a, o) == 0 &&
        o->size == scratch_size(at, number) &&
        !(s->have_whole && o->have_crc32 && o->crc32 != s->whole))
        return 0;
    return scratch_lost(at, &s->up->at);
}

static int
make_object(struct attempt *at, uint32_t number, struct s3_reply *o)
{
    struct scratch *s = &at->scratch[number];
    struct publish_job *j = at->j;
    CLEANUP_FREE struct s3_done_part *list = done_parts(at, number);
    struct s3_complete_args a = {
        .part = list,
        .count = at->plan.scratch[number].count,
        .crc32 = s->up->crc32,
        .whole_crc32 = s->whole,
        .size = scratch_size(at, number),
    };
    int r;

    if (!list)
        return job_fail(j, ENOMEM, "out of memory");
    do {
        a.send_size = !publisher_caps(j->p).no_size;
        r = upload_complete(s->up, &a, o);
        job_retries(j, &o->e);
    } while (r < 0 && learn_no_size(j, &o->e, a.send_size));
    if (r == 0)
        return 0;
    if (s->up->unclear)
        return look_at_scratch(at, number, o);
    if (s->up->crc32 && s3_error_is_checksum(&o->e)) {
        job_learn(j, &j->lessons.no_scratch_crc);
        return job_again(j, "a scratch object's checksum was refused (%s)",
                         o->e.code);
    }
    return job_fail_s3(j, &o->e, "POST", &s->up->at);
}

int
scratch_complete(struct attempt *at, const struct sched_task *t)
{
    const struct plan_upload *u = &at->plan.scratch[t->upload];
    struct scratch *s = &at->scratch[t->upload];
    struct s3_reply o;
    uint32_t i;
    int r = make_object(at, t->upload, &o);

    if (r != 0)
        return r;
    upload_end(s->up);
    free(STEAL(s->up));
    for (i = 0; i < u->count; i++)
        free(STEAL(at->sent[u->part + i].etag));
    return scratch_there(at, t->upload, &o);
}

/* ------------------------------------------------------------------ put */

static int
put(struct attempt *at, const struct sched_task *t, const struct body *b)
{
    struct publish_job *j = at->j;
    struct scratch *s = &at->scratch[t->upload];
    char key[SCRATCH_MAX];
    struct s3_put_args a = {
        .at = scratch_where(at, t->upload, key),
        .body = b->iov,
        .body_count = b->count,
        .send_crc32 = at->scratch_crc,
        .crc32 = b->crc,
    };
    struct s3_reply o;
    int r = s3_put_wait(j->p->d.s3_dest, j->scope, &a, &o);

    job_retries(j, &o.e);
    if (r < 0 && put_is_unclear(&o.e)) {
        atomic_store(&at->unclear, true);
        return scratch_lost(at, &a.at);
    }
    if (r < 0)
        return job_fail_s3(j, &o.e, "PUT", &a.at);
    job_count(j, &j->st.uploaded, plan_part_len(t->plan));
    s->whole = b->crc;
    s->have_whole = at->scratch_crc;
    r = part_sent(at, t, &o, &b->crc);
    return r < 0 ? r : scratch_there(at, t->upload, &o);
}

int
scratch_put(struct attempt *at, const struct sched_task *t)
{
    struct body b;
    int r = body_read(&b, at, t);

    if (r == 0)
        r = put(at, t, &b);
    body_free(&b);
    return r;
}

/* -------------------------------------------------------------- removal */

/* Who may not delete is told so once. */
static void
say_kept(struct attempt *at, const struct s3_where *where,
         const struct s3_error *e)
{
    char name[400];

    at->no_deletes = e->err == -EACCES;
    if (!atomic_exchange(&at->kept, true))
        log_warn("publish: %s: %s could not be removed: %s %s", at->j->st.dest,
                 text_escape(name, sizeof(name), where->key, where->key_len),
                 e->code, e->message);
}

static void
delete_one(struct attempt *at, struct scope *sc, uint32_t number)
{
    const char *version = at->scratch[number].version;
    char key[SCRATCH_MAX];
    struct s3_where where = scratch_where(at, number, key);
    struct s3_reply o;

    if (at->no_deletes)
        return;
    if (s3_delete_wait(at->j->p->d.s3_dest, sc, &where, NULL,
                       version[0] ? version : NULL, &o) == 0)
        at->scratch[number].deleted = true;
    else if (!scope_stopped(sc) || sc == at->j->last)
        say_kept(at, &where, &o.e); /* else it comes again, after the stop */
}

static int
delete_some(struct attempt *at, struct scope *sc, const uint32_t *list,
            uint32_t count)
{
    uint32_t i;

    for (i = 0; i < count; i++)
        delete_one(at, sc, list[i]);
    return 0;
}

int
scratch_delete(struct attempt *at, const struct sched_task *t)
{
    CLEANUP_FREE uint32_t *list = calloc(t->count, sizeof(*list));

    if (!list)
        return job_fail(at->j, ENOMEM, "out of memory");
    pthread_mutex_lock(&at->lock);
    sched_batch(at->sched, t, list);
    pthread_mutex_unlock(&at->lock);
    /* Who goes on after a kill knows what was made of them. */
    journal_notes_flush(at->notes);
    return delete_some(at, at->j->scope, list, t->count);
}

static int
end_upload(void *user, size_t i)
{
    struct attempt *at = user;
    struct upload *up = at->scratch[i].up;

    if (!up)
        return 0;
    up->patience_ms = job_patience_ms(at->j);
    if (upload_end(up) < 0)
        atomic_store(&at->kept, true);
    free(STEAL(at->scratch[i].up));
    return 0;
}

/* With no call in flight: uploads are aborted and objects deleted that are
 * known (after a stop), and what else lies below the prefix if any answer was
 * lost, or if a killed process began it all. */
void
scratch_clean(struct attempt *at)
{
    struct publish_job *j = at->j;
    struct s3_cleanup_args a = {
        .s3 = j->p->d.s3_dest,
        .state = j->p->d.state,
        .scope = j->last,
        .dest = true,
    };
    CLEANUP_FREE uint32_t *list = NULL;
    struct s3_cleanup_count counts;
    struct err e = {0};
    uint32_t u, count = 0;

    if (!at->prefix[0] || !at->scratch)
        return;
    each(256, at->plan.scratches, end_upload, at);
    list = calloc(at->plan.scratches + 1, sizeof(*list));
    for (u = 0; list && u < at->plan.scratches; u++)
        if (at->scratch[u].etag && !at->scratch[u].deleted)
            list[count++] = u;
    if (list && count > 0)
        delete_some(at, j->last, list, count);
    if (!atomic_load(&at->unclear) && !at->resumed)
        return;
    if (s3_cleanup_scratch(&a, j->dest.bucket, at->prefix, &counts, &e) < 0) {
        log_warn("publish: %s: scratch objects of it could not be removed: "
                 "%s",
                 j->st.dest, e.text);
        atomic_store(&at->kept, true);
    } else {
        atomic_store(&at->kept, false); /* nothing is below it */
    }
}
