/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One attempt: a plan, its upload with all parts, the archive verified; and
 * after that, however it ended, nothing is left behind.  attempt() tells it
 * from top to bottom.  Called by job.c.
 *
 * Once Complete was sent it is too late for an end that somebody wants: the
 * archive that is there then stays, and the publish is done.  And it may be
 * another host's, who publishes the same: found after an unclear end it is
 * not deleted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "publish/crew.h"
#include "publish/share.h"
#include "publish/task.h"

/* ----------------------------------------------------------------- plan */

static bool
begun(void *user, const struct plan *p)
{
    return resume_begun(user, p);
}

/* A part that is uploaded is held in memory. */
static int
check_memory(struct attempt *at)
{
    uint64_t most = 0;
    uint32_t n;

    for (n = 0; n < at->parts; n++)
        if (part_plan(at, n)->kind == PLAN_UPLOAD)
            most = max_u64(most, part_len(at, n));
    if (most <= at->j->p->in_flight)
        return 0;
    return job_fail(at->j, EFBIG,
                    "a part of %llu bytes does not fit half of memory=: "
                    "memory=%lluM would do",
                    (unsigned long long)most,
                    (unsigned long long)ceil_div_u64(2 * most, MIB(1)));
}

/* A bucket that keeps every object would keep scratch objects; one that
 * does not say keeps none. */
static int
check_bucket(struct attempt *at)
{
    struct publish_job *j = at->j;
    struct s3_reply o;

    if (at->plan.scratches == 0 || j->lessons.lock_asked)
        return 0;
    if (s3_bucket_lock_wait(j->p->d.s3_dest, j->scope, j->dest.bucket,
                            &o) == 0 &&
        o.retention)
        return job_fail(j, EOPNOTSUPP,
                        "the bucket keeps every object for a while (Object "
                        "Lock): scratch objects would stay; use "
                        "publish_strategy=duo");
    j->lessons.lock_asked = true;
    return 0;
}

/* What is only copied is not read for its CRC: the crc room has it told by
 * copies too, where it can. */
static void
tell_copies(struct attempt *at)
{
    struct publish_job *j = at->j;
    uint32_t n;

    crc_copies_end(j->crcs);
    for (n = 0; n < at->parts; n++) {
        const struct plan_part *pp = part_plan(at, n);
        struct zip_piece z;
        bool more = true;

        if (pp->kind == PLAN_COPY && pp->end > pp->first)
            crc_copies(j->crcs, pp->member);
        if (pp->kind != PLAN_COPY_PREVIOUS)
            continue;
        zip_piece_at(job_zip(j), pp->first, &z);
        for (; more && z.first < pp->end;
             more = zip_piece_next(job_zip(j), &z))
            if (z.kind == ZIP_PIECE_DATA)
                crc_copies(j->crcs, z.index);
    }
}

static void
say_plan(struct attempt *at)
{
    struct publish_job *j = at->j;
    uint64_t work = 0;
    uint32_t n;

    for (n = 0; n < at->parts; n++)
        work += part_len(at, n);
    LOCK_SCOPE(&j->lock);
    j->st.parts = at->parts;
    j->st.parts_done = 0;
    j->st.work = work;
    j->st.work_done = 0;
    j->st.wasted += j->st.uploaded + j->st.copied;
    j->st.uploaded = j->st.copied = j->st.resumed = 0;
    j->st.strategy = plan_strategy_name(at->plan.strategy);
}

int
attempt_plan(struct attempt *at)
{
    struct publish_job *j = at->j;
    struct err e = {0};
    int r;

    job_set_state(j, PUBLISH_PLANNING);
    previous_load(j);
    crc_set_wait(j->crcs);
    r = plan_make(j->p, j->layout, j->crcs, j->previous,
                  j->lessons.stream ? PLAN_STREAM : PLAN_STRATEGIES,
                  j->share != NULL, begun, j, &at->plan, &e);
    if (r < 0)
        return job_fail_err(j, r, &e);
    at->parts = (uint32_t)(at->plan.scratch_parts + at->plan.count);
    at->put = at->plan.scratches == 0 && at->plan.count == 1 &&
              at->plan.part[0].kind == PLAN_UPLOAD;
    at->sent = calloc(at->parts, sizeof(*at->sent));
    at->scratch = calloc(at->plan.scratches + 1, sizeof(*at->scratch));
    if (!at->sent || !at->scratch)
        return job_fail(j, ENOMEM, "out of memory");
    tell_copies(at);
    say_plan(at);
    r = share_check(at);
    if (r == 0)
        r = check_memory(at);
    return r < 0 ? r : check_bucket(at);
}

/* ------------------------------------------------------------- checksum */

struct source_asks {
    struct attempt *at;
    uint32_t *member; /* of which a range is copied into the archive */
    size_t count;
    atomic_bool stored; /* one has a CRC32 of its own */
};

static int
ask_source(void *user, size_t i)
{
    struct source_asks *a = user;
    struct publish_job *j = a->at->j;
    struct err e = {0};
    uint32_t crc;
    int r;

    if (atomic_load(&a->stored))
        return 0;
    r = crc_wait(j->scope, j->crcs, a->member[i], CRC_CHEAP, &crc, &e);
    if (r == 0)
        atomic_store(&a->stored, true);
    return r == 0 || r == -ENODATA
               ? 0
               : job_fail_of(j, -r, a->member[i],
                             e.text[0] ? e.text : strerror(-r));
}

/* This store answers ranged copies of sources that have a CRC32 wrongly:
 * the archive cannot have a checksum upload if there are such. */
static int
ask_sources(struct attempt *at)
{
    enum { WIDTH = 32 };
    struct source_asks a = {.at = at};
    uint32_t n, crc, last = UINT32_MAX;
    int r;

    a.member = calloc(at->plan.count, sizeof(*a.member));
    if (!a.member)
        return job_fail(at->j, ENOMEM, "out of memory");
    for (n = (uint32_t)at->plan.scratch_parts; n < at->parts; n++) {
        const struct plan_part *pp = part_plan(at, n);

        if (pp->kind != PLAN_COPY || !part_is_ranged(at, n) ||
            pp->member == last)
            continue;
        last = pp->member;
        if (crc_peek(at->j->crcs, last, &crc))
            atomic_store(&a.stored, true);
        else
            a.member[a.count++] = last;
    }
    r = each(WIDTH, a.count, ask_source, &a);
    free(a.member);
    at->crc = at->crc && !atomic_load(&a.stored);
    return r;
}

/* The previous archive's CRC may be answered for every range of it. */
static bool
previous_misleads(const struct attempt *at)
{
    uint32_t n;

    for (n = (uint32_t)at->plan.scratch_parts; n < at->parts; n++)
        if (part_plan(at, n)->kind == PLAN_COPY_PREVIOUS &&
            part_is_ranged(at, n))
            return at->j->target.o.have_crc32;
    return false;
}

/* A checksum upload needs the store to say the CRC of what it copied. */
static int
choose_checksum(struct attempt *at)
{
    const struct lessons *l = &at->j->lessons;
    struct caps caps = publisher_caps(at->j->p);
    bool copies = false;
    uint32_t n;

    for (n = 0; n < at->parts; n++)
        copies |= part_plan(at, n)->kind != PLAN_UPLOAD;
    at->crc = !l->no_crc && !(copies && caps.no_part_crc) &&
              !(caps.range_bad && previous_misleads(at));
    at->scratch_crc = at->crc && !l->no_scratch_crc && !caps.range_bad;
    return at->crc && caps.range_bad ? ask_sources(at) : 0;
}

/* --------------------------------------------------------------- create */

static int
create_failed(struct attempt *at, const struct s3_error *e)
{
    struct publish_job *j = at->j;
    struct s3_where where = job_where(j);

    if (at->crc && (e->http == 400 || e->http == 405 || e->http == 501)) {
        job_learn(j, &j->lessons.no_crc);
        return job_again(j, "no checksum algorithm here (%s)", e->code);
    }
    return job_fail_s3(j, e, "POST", &where);
}

static uint32_t
row_flags(const struct attempt *at)
{
    return (at->crc ? ROW_CRC : 0U) |
           (at->scratch_crc ? ROW_SCRATCH_CRC : 0U) |
           (at->j->lessons.read_all ? ROW_FULL : 0U);
}

void
attempt_upload_args(struct attempt *at, struct upload_args *ret,
                    struct journal_new *row, char plan[65])
{
    struct publish_job *j = at->j;

    plan_fingerprint(&at->plan, j->digest, plan);
    *row = (struct journal_new){
        .kind = JOURNAL_PUBLISH,
        .digest = j->digest,
        .plan = plan,
        .scratch = at->prefix,
        .flags = row_flags(at),
    };
    *ret = (struct upload_args){
        .s3 = j->p->d.s3_dest,
        .scope = j->scope,
        .create = {.at = job_where(j),
                   .crc32 = at->crc,
                   .content_type = "application/zip",
                   .layout_digest = j->digest},
        .state = j->p->d.state,
        .row = row,
    };
}

static int
create(struct attempt *at)
{
    struct journal_new row;
    struct upload_args a;
    struct s3_reply o;
    char plan[65];
    int r = choose_checksum(at);

    if (r == 0 && at->plan.scratches > 0)
        r = scratch_name(at);
    if (r != 0)
        return r;
    publisher_tell(at->j->p); /* why it begins again, maybe: if we are killed */
    attempt_upload_args(at, &a, &row, plan);
    r = upload_create(&at->up, &a, &o);
    job_retries(at->j, &o.e);
    if (r < 0)
        return create_failed(at, &o.e);
    /* Stores that do not know the algorithm say nothing of it. */
    at->crc = at->up.crc32;
    return 0;
}

/* ---------------------------------------------------------------- parts */

static bool
is_known(void *user, size_t member)
{
    struct attempt *at = user;
    uint32_t crc;

    return crc_peek(at->j->crcs, member, &crc);
}

int
attempt_sched(struct attempt *at)
{
    struct publish_job *j = at->j;
    struct sched_facts f = {
        .plan = &at->plan,
        .layout = job_zip(j),
        .previous = previous_zip(j->previous),
        .weights = &sched_weights_default,
        .known = is_known,
        .user = at,
        .checksum = at->crc,
        .scratch_checksum = at->scratch_crc,
        .trusted = publisher_caps(j->p).range_good,
        .open = !at->put,
        .shared = j->share != NULL,
    };

    if (sched_new(&at->sched, &f) < 0)
        return job_fail(j, ENOMEM, "out of memory");
    crew_limits(at, &at->pace.limits);
    return 0;
}

static int
send_parts(struct attempt *at)
{
    struct publish_job *j = at->j;
    int r = attempt_sched(at);

    if (r == 0 && at->resumed)
        r = resume_take(at);
    if (r == 0 && sched_begin(at->sched, &at->pace.limits) < 0)
        r = job_fail(j, ENOMEM, "out of memory");
    if (r != 0)
        return r;
    job_set_state(j, PUBLISH_RUNNING);
    at->notes = journal_notes_begin(j->p->d.state, &at->up.row);
    crew_begin(at);
    return j->share ? share_lead(at) : crew_wait_archive(at);
}

/* ------------------------------------------------------------------ end */

/* Under its ETag, and only the version that Complete gave; one that was
 * found is hidden by a marker where the bucket has versions. */
static void
delete_wrong(struct attempt *at)
{
    struct publish_job *j = at->j;
    bool ours = !at->found && at->done.version_id[0];
    struct s3_where where = job_where(j);
    struct s3_reply o;
    int r = s3_delete_wait(j->p->d.s3_dest, j->last, &where, at->done.etag,
                           ours ? at->done.version_id : NULL, &o);

    at->finished = false;
    if (r < 0 && r != -ESTALE)
        log_error("publish: %s: a wrong archive is there and could not be "
                  "deleted: %s %s",
                  j->st.dest, o.e.code, o.e.message);
}

/* After the abort, so that a late Complete cannot win any more: is it there
 * after all?  What begins again meets it there, and looks closer. */
static bool
came_true(struct attempt *at)
{
    struct publish_job *j = at->j;

    if (!at->complete_unclear || !complete_look(at, j->last))
        return false;
    return job_stopped(j) == STOP_FAIL ||
           (at->crc && j->have_whole && at->done.have_crc32);
}

/* After a stop: 0 if the archive is there all the same, by the store's own
 * word or not at all. */
static int
give_up(struct attempt *at, int r)
{
    struct publish_job *j = at->j;
    bool there = at->finished && j->aborted;

    if (at->finished && !j->aborted) {
        if (at->found && !at->wrong)
            log_warn("publish: %s: an archive is there and was not "
                     "verified; it may be another publish's, and stays",
                     j->st.dest);
        else
            delete_wrong(at);
    }
    at->up.keep_row = atomic_load(&at->kept);
    at->up.patience_ms = job_patience_ms(j);
    upload_end(&at->up);
    if (!there && !came_true(at))
        return r;
    job_done(j, &at->done,
             at->crc && j->have_whole && at->done.have_crc32 &&
                     at->done.crc32 == j->whole
                 ? "store-crc"
                 : "",
             false);
    return 0;
}

void
attempt_init(struct attempt *at, struct publish_job *j)
{
    memset(at, 0, sizeof(*at));
    at->j = j;
    pthread_mutex_init(&at->lock, NULL);
    pthread_cond_init(&at->wake, NULL);
    pthread_cond_init(&at->news, NULL);
}

void
attempt_free(struct attempt *at)
{
    uint32_t n;

    for (n = 0; at->sent && n < at->parts; n++)
        free(at->sent[n].etag);
    for (n = 0; at->scratch && n < at->plan.scratches; n++) {
        free(at->scratch[n].etag);
        free(at->scratch[n].version);
    }
    free(at->sent);
    free(at->scratch);
    free(at->share_id);
    sched_free(at->sched);
    plan_free(&at->plan);
    pthread_cond_destroy(&at->wake);
    pthread_cond_destroy(&at->news);
    pthread_mutex_destroy(&at->lock);
}

/* No call is in flight any more. */
static int
attempt_end(struct attempt *at, int r, const char *verified)
{
    struct publish_job *j = at->j;

    journal_notes_end(STEAL(at->notes));
    scratch_clean(at);
    if (r == 0) {
        if (j->share)
            share_settle(at);
        at->up.keep_row = atomic_load(&at->kept);
        upload_end(&at->up);
        job_done(j, &at->done, verified, false);
        return 0;
    }
    if (job_stopped(j) == STOP_FAIL)
        read_stream_close(STEAL(j->stream));
    r = give_up(at, r);
    if (r == AGAIN && j->lessons.theirs)
        job_done(j, &at->done,
                 j->have_whole && at->done.have_crc32 ? "store-crc" : "",
                 true);
    return r;
}

/* --------------------------------------------------------------- attempt */

int
attempt(struct publish_job *j)
{
    const char *verified = "";
    struct attempt at;
    int r;

    attempt_init(&at, j);
    r = attempt_plan(&at);
    if (r == 0)
        r = resume(&at);
    if (r == 0)
        left_clean(j);
    if (r == 0 && !at.put && !at.resumed)
        r = create(&at);
    at.crc |= at.put;
    if (r == 0)
        r = send_parts(&at);
    if (r == 0 && !at.put)
        r = complete(&at);
    if (at.sched)
        crew_end(&at); /* scratch objects may still be being deleted */
    r = job_result(j);
    if (r == 0)
        r = verify(&at, &verified);
    r = attempt_end(&at, r, verified);
    attempt_free(&at);
    publisher_tell(j->p);
    return r;
}
