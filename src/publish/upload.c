/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An upload part is a read: its bytes come from the reader that serves
 * the mount, in a few ranges (donations apart, whose CRCs are wanted),
 * stay pinned there, and go straight into UploadPart.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "base/crc32.h"
#include "publish/upload_impl.h"

void
upload_drop(struct publish_job *j, struct upload *u)
{
    struct upload **at;
    unsigned i;

    for (at = &j->uploads_head; *at != u; at = &(*at)->next)
        ;
    *at = u->next;
    for (i = 0; i < u->segs; i++)
        if (u->seg[i].view)
            read_view_release(u->seg[i].view);
    spool_free(u->spool);
    free(u->seg);
    free(u->iov);
    free(u->etag);
    j->uploads_busy--;
    permits_give(j->p->permits, upload_memory(j, u->n));
    free(u);
}

/* A reader may have two ranges of a spooled part under way. */
uint64_t
upload_memory(const struct publish_job *j, uint32_t n)
{
    return upload_spools(j, n) ? 2 * j->p->spool_read : part_len(j, n);
}

/* ---------------------------------------------------------------- send */

static void
upload_failed(struct publish_job *j, uint32_t n, const struct s3_error *e)
{
    char key[STAGE_KEY_MAX];
    struct s3_where at = stage_where(j, part_stage(j, n), key);

    if (upload_vanished(j, e))
        return;
    if (j->crc && (e->http == 501 ||
                   (e->http == 400 && strcasestr(e->message, "checksum")))) {
        j->never_crc = j->never_scratch_crc = true;
        job_restart(j, "a part with a checksum was refused (%s)", e->code);
    } else {
        job_fail_object(j, e, "PUT", at.bucket, at.key, at.key_len);
    }
}

static void
upload_done(struct publish_job *j, struct upload *u)
{
    struct part *p = &j->part[u->n];

    p->etag = STEAL(u->etag);
    p->have_crc = true;
    p->crc = u->crc;
    job_count(j, &j->st.uploaded, part_len(j, u->n));
    part_finished(j, u->n);
}

static void
on_sent(struct publish_job *j, struct event *ev)
{
    struct upload *u = (struct upload *)ev;

    j->inflight--;
    job_retries(j, &u->e);
    if (j->stop && u->etag)
        job_count(j, &j->st.uploaded, part_len(j, u->n));
    if (j->stop)
        ;
    else if (u->e.err < 0)
        upload_failed(j, u->n, &u->e);
    else if (!u->etag)
        job_fail(j, ENOMEM, "out of memory");
    else if (u->have_crc && u->answer_crc != u->crc)
        job_fail(j, EIO, "part %u arrived with another CRC-32", u->n + 1);
    else
        upload_done(j, u);
    upload_drop(j, u);
}

static void
sent_cb(void *user, const struct s3_error *e, const struct s3_part *p)
{
    struct upload *u = user;

    u->e = *e;
    if (e->err == 0) {
        u->etag = strdup(p->etag);
        u->have_crc = p->have_crc32;
        u->answer_crc = p->crc32;
    }
    job_post(u->job, &u->ev, on_sent);
}

/* The views' pieces, one after the other; none of a spooled part.  -1 when
 * out of memory. */
static int
gather(struct upload *u)
{
    int count = 0, at = 0;
    uint32_t i;

    for (i = 0; i < u->segs; i++) {
        count += u->seg[i].view ? u->seg[i].view->count : 0;
        u->crc = crc_join(u->crc, u->seg[i].crc, u->seg[i].len);
    }
    u->iov = calloc((size_t)count + 1, sizeof(*u->iov));
    if (!u->iov)
        return -1;
    for (i = 0; i < u->segs; i++) {
        const struct read_view *v = u->seg[i].view;

        if (!v)
            continue;
        memcpy(u->iov + at, v->iov, (size_t)v->count * sizeof(*v->iov));
        at += v->count;
    }
    return count;
}

static void
upload_send(struct publish_job *j, struct upload *u)
{
    struct stage *s = part_stage(j, u->n);
    char key[STAGE_KEY_MAX];
    struct s3_upload_args a = {
        .at = stage_where(j, s, key),
        .upload_id = stage_upload_id(j, s),
        .number = u->n - s->first + 1,
        .send_crc32 = s->crc,
    };
    struct s3_file file = {-1, 0, part_len(j, u->n)};
    int count = gather(u);

    if (u->spool)
        file.fd = spool_fd(u->spool);
    if (count < 0) {
        job_fail(j, ENOMEM, "out of memory");
        upload_drop(j, u);
        return;
    }
    u->busy++;
    if (s->put) {
        u->put = true;
        if (s == job_last(j))
            put_send(j, u->iov, count, u->crc);
        else
            stage_put(j, s, u->iov, count, u->crc);
        return;
    }
    if (u->spool)
        a.file = &file;
    else
        a.body = u->iov;
    a.body_count = count;
    a.crc32 = u->crc;
    j->inflight++;
    u->id = s3_upload_part(j->p->d.s3_dest, &a, sent_cb, u);
}

void
upload_put_over(struct publish_job *j, uint32_t n, bool done)
{
    struct upload *u = j->uploads_head;

    while (u->n != n)
        u = u->next;
    if (done)
        upload_done(j, u);
    upload_drop(j, u);
}

/* ---------------------------------------------------------------- read */

/* The donation that s belongs to has been read: its CRC. */
static void
seg_donated(struct publish_job *j, struct upload *u, const struct seg *s)
{
    struct donation *d = &j->part[u->n].don[s->don];
    uint32_t crc = 0;
    unsigned i;

    for (i = 0; i < u->segs; i++) {
        if (u->seg[i].don != s->don)
            continue;
        if (u->seg[i].state != SEG_READ)
            return;
        crc = crc_join(crc, u->seg[i].crc, u->seg[i].len);
    }
    d->crc = crc;
    d->have_crc = true;
    piece_donated(j, d->copied);
}

static void
upload_read(struct publish_job *j, struct upload *u)
{
    j->reads_done += !j->part[u->n].directory;
    job_count(j, &j->st.downloaded, j->part[u->n].data);
    upload_send(j, u);
}

void
seg_there(struct publish_job *j, struct seg *s)
{
    struct upload *u = s->u;

    s->state = SEG_READ;
    u->segs_read++;
    if (!j->stop && s->don != MIDDLE)
        seg_donated(j, u, s);
    if (!j->stop && u->segs_read == u->segs)
        upload_read(j, u);
    else if (j->stop && u->busy == 0)
        upload_drop(j, u);
}

static void
on_read(struct publish_job *j, struct event *ev)
{
    struct seg *s = (struct seg *)ev;
    struct upload *u = s->u;

    s->id = 0;
    j->inflight--;
    u->busy--;
    if (!j->stop && s->r < 0)
        job_fail_err(j, s->r, &s->err);
    if (!j->stop && u->spool)
        spool_put(j, s);
    else
        seg_there(j, s);
}

static uint32_t
view_crc(const struct read_view *v)
{
    uint32_t crc = 0;
    int i;

    for (i = 0; i < v->count; i++)
        crc = crc32_add(crc, v->iov[i].iov_base, v->iov[i].iov_len);
    return crc;
}

static void
read_done(void *user, int r, struct read_view *v, const struct err *e)
{
    struct seg *s = user;

    s->r = r;
    if (r < 0) {
        if (e)
            s->err = *e;
    } else {
        s->view = v;
        s->crc = view_crc(v);
        if (v->length != s->len)
            s->r = err_set(&s->err, EIO,
                           "the reader gave %llu of %llu "
                           "bytes",
                           (unsigned long long)v->length,
                           (unsigned long long)s->len);
    }
    job_post(s->u->job, &s->ev, on_read);
}

/* The middle holds a header that may wait for the donation behind it. */
static bool
seg_allowed(struct publish_job *j, struct upload *u, const struct seg *s)
{
    const struct part *p = &j->part[u->n];
    const struct donation *tail = &p->don[DON_TAIL];

    if (s->don != MIDDLE || dep_known(j, p))
        return true;
    if (j->copied[p->copied].ask == ASK_SENT)
        return false;
    return tail->copied != p->copied || tail->have_crc;
}

static void
seg_ask(struct publish_job *j, struct seg *s)
{
    s->state = SEG_ASKED;
    s->u->busy++;
    j->inflight++;
    s->id = read_range(j->stream, s->first, s->len, READ_EXACT, read_done, s);
}

static void
upload_ask(struct publish_job *j, struct upload *u)
{
    unsigned most = u->spool ? 2 : UINT_MAX;
    uint32_t i;

    for (i = 0; i < u->segs && u->busy < most; i++)
        if (u->seg[i].state == SEG_NEW && seg_allowed(j, u, &u->seg[i]))
            seg_ask(j, &u->seg[i]);
}

void
upload_advance(struct publish_job *j)
{
    struct upload *u;

    for (u = j->uploads_head; u; u = u->next)
        if (u->spool || !upload_spools(j, u->n))
            upload_ask(j, u);
}

/* --------------------------------------------------------------- start */

static void
add_region(struct upload *u, uint64_t first, uint64_t end, int don,
           uint64_t seg_max)
{
    struct seg *s;

    for (; first < end; first += s->len) {
        s = &u->seg[u->segs++];
        s->u = u;
        s->first = first;
        s->len = min_u64(end - first, seg_max);
        s->don = don;
    }
}

static void
add_regions(struct publish_job *j, struct upload *u, uint64_t max)
{
    const struct plan_part *pp = part_plan(j, u->n);
    const struct donation *d = j->part[u->n].don;
    uint64_t first = pp->first, end = pp->end;

    if (d[DON_HEAD].copied >= 0) {
        add_region(u, first, d[DON_HEAD].end, DON_HEAD, max);
        first = d[DON_HEAD].end;
    }
    if (d[DON_TAIL].copied >= 0)
        end = d[DON_TAIL].first;
    add_region(u, first, end, MIDDLE, max);
    if (d[DON_TAIL].copied >= 0)
        add_region(u, end, pp->end, DON_TAIL, max);
}

void
upload_start(struct publish_job *j, uint32_t n)
{
    bool spools = upload_spools(j, n);
    uint64_t max = spools ? j->p->spool_read : j->p->seg_max;
    struct upload *u = calloc(1, sizeof(*u));

    if (u) /* three regions: head donation, middle, tail donation */
        u->seg = calloc(part_len(j, n) / max + 4, sizeof(*u->seg));
    if (!u || !u->seg) {
        free(u);
        j->uploads_busy--;
        permits_give(j->p->permits, upload_memory(j, n));
        job_fail(j, ENOMEM, "out of memory");
        return;
    }
    u->job = j;
    u->n = n;
    u->next = j->uploads_head;
    j->uploads_head = u;
    add_regions(j, u, max);
    if (spools)
        spool_begin(j, u);
    else
        upload_advance(j);
}

void
upload_cancel(struct publish_job *j)
{
    struct upload *u, *next;
    uint32_t i;

    for (u = j->uploads_head; u; u = next) {
        next = u->next;
        for (i = 0; i < u->segs; i++)
            if (u->seg[i].state == SEG_ASKED && u->seg[i].id)
                read_cancel(j->stream, u->seg[i].id);
        if (u->busy == 0)
            upload_drop(j, u);
    }
}

bool
upload_sending(const struct publish_job *j)
{
    const struct upload *u;

    for (u = j->uploads_head; u; u = u->next)
        if (u->id)
            return true;
    return false;
}

void
upload_cut(struct publish_job *j)
{
    struct upload *u;

    for (u = j->uploads_head; u; u = u->next)
        if (u->id)
            s3_cancel(j->p->d.s3_dest, u->id);
}
