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
    balance_here(&j->balance, upload_count(j, true));
    u->sending = true;
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

unsigned
upload_count(const struct publish_job *j, bool sending)
{
    const struct upload *u;
    unsigned n = 0;

    for (u = j->uploads_head; u; u = u->next)
        n += sending ? u->sending : !u->sending && j->part[u->n].data > 0;
    return n;
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
