/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Copied members and their CRCs.  A member's body may be spread over
 * copied ranges and donations (its bytes inside upload parts); when the
 * CRC of every piece is there, joining them must give the member's CRC,
 * or gives it where it was not known.
 *
 * The known quirk (versitygw 1.7): a ranged copy of a source that has a
 * CRC32 answers the whole source's.  So an unknown member with ranged
 * copies is asked for its stored CRC32 first, until the store has shown
 * that it does it right.
 */
#include <errno.h>
#include <string.h>

#include "publish/job.h"

/* --------------------------------------------------------------- build */

static void
don_init(struct part *p)
{
    size_t i;

    for (i = 0; i < DON_COUNT; i++)
        p->don[i].copied = -1;
    p->copied = -1;
}

static struct copied *
copied_add(struct publish_job *j, uint32_t n)
{
    struct copied *c = &j->copied[j->copied_count++];

    c->job = j;
    c->member = j->plan.part[n].member;
    c->first_part = c->last_part = n;
    return c;
}

/* Copy parts, grouped by member: those of one are neighbours, donations
 * between them apart. */
static void
build_copies(struct publish_job *j)
{
    const struct plan_part *pp = j->plan.part;
    struct copied *c = NULL;
    uint32_t n;

    for (n = 0; n < j->plan.count; n++) {
        if (pp[n].kind != PLAN_COPY)
            continue;
        if (!c || c->member != pp[n].member)
            c = copied_add(j, n);
        j->part[n].copied = (int32_t)(c - j->copied);
        j->part[n].ranged = part_len(j, n) != job_member(j, c->member)->size;
        c->ranged |= j->part[n].ranged;
        c->last_part = n;
        c->copies_left++;
        j->ranged += j->part[n].ranged;
        j->copies++;
    }
}

/* Part n, an upload, overlaps [from, to), the body of copied member c. */
static void
add_donation(struct publish_job *j, uint32_t n, struct copied *c,
             uint64_t from, uint64_t to)
{
    const struct plan_part *pp = &j->plan.part[n];
    struct donation *d =
        &j->part[n].don[from <= pp->first ? DON_HEAD : DON_TAIL];

    d->copied = (int32_t)(c - j->copied);
    d->first = max_u64(from, pp->first);
    d->end = min_u64(to, pp->end);
}

static void
build_donations(struct publish_job *j, struct copied *c)
{
    const struct plan_part *pp = j->plan.part;
    uint64_t from = zip_data_offset(job_zip(j), c->member);
    uint64_t to = from + job_member(j, c->member)->size;
    uint64_t header = job_zip(j)->offset[c->member];
    uint32_t n;

    while (c->first_part > 0 && pp[c->first_part - 1].end > from)
        c->first_part--;
    while (c->last_part + 1 < j->plan.count && pp[c->last_part + 1].first < to)
        c->last_part++;
    c->pieces_left = c->last_part - c->first_part + 1;
    for (n = c->first_part; n <= c->last_part; n++)
        if (pp[n].kind == PLAN_UPLOAD)
            add_donation(j, n, c, from, to);
    for (n = c->first_part + 1; n-- > 0 && pp[n].end > header;)
        if (pp[n].kind == PLAN_UPLOAD && pp[n].first < from)
            j->part[n].copied = (int32_t)(c - j->copied);
}

static uint64_t
data_bytes(const struct publish_job *j, const struct plan_part *pp)
{
    struct zip_piece z;
    uint64_t sum = 0;
    bool more = true;

    zip_piece_at(job_zip(j), pp->first, &z);
    for (; more && z.first < pp->end; more = zip_piece_next(job_zip(j), &z))
        if (z.kind == ZIP_PIECE_DATA)
            sum += min_u64(z.end, pp->end) - max_u64(z.first, pp->first);
    return sum;
}

static void
build_order(struct publish_job *j)
{
    uint32_t n, ranged = 0, whole = j->ranged;

    for (n = 0; n < j->plan.count; n++)
        if (j->plan.part[n].kind == PLAN_COPY)
            j->copy_order[j->part[n].ranged ? ranged++ : whole++] = n;
}

/* Worker thread; the strand waits for it. */
int
pieces_build(struct publish_job *j)
{
    uint64_t cd = job_zip(j)->offset[job_zip(j)->count];
    uint32_t n;

    j->part = calloc(j->plan.count, sizeof(*j->part));
    j->copied = calloc(j->plan.count, sizeof(*j->copied));
    j->copy_order = calloc(j->plan.count, sizeof(*j->copy_order));
    if (!j->part || !j->copied || !j->copy_order) {
        pieces_free(j);
        return err_set(&j->work_err, ENOMEM, "out of memory");
    }
    for (n = 0; n < j->plan.count; n++) {
        don_init(&j->part[n]);
        j->part[n].job = j;
    }
    build_copies(j);
    for (n = 0; n < j->copied_count; n++)
        build_donations(j, &j->copied[n]);
    for (n = 0; n < j->plan.count; n++)
        if (j->plan.part[n].kind == PLAN_UPLOAD) {
            j->part[n].data = data_bytes(j, &j->plan.part[n]);
            j->part[n].directory = j->plan.part[n].end > cd;
            j->plain += !j->part[n].directory;
        }
    build_order(j);
    return 0;
}

void
pieces_free(struct publish_job *j)
{
    size_t n;

    for (n = 0; j->part && n < j->plan.count; n++) {
        free(j->part[n].etag);
        free(j->part[n].e);
    }
    free(STEAL(j->part));
    free(STEAL(j->copied));
    free(STEAL(j->copy_order));
    j->copied_count = 0;
    j->copies = j->ranged = j->plain = 0;
    plan_free(&j->plan);
    memset(&j->plan, 0, sizeof(j->plan));
}

/* --------------------------------------------------------------- check */

static void
found_quirk(struct publish_job *j)
{
    publisher_learn(j->p, &j->p->caps.range_bad,
                    "ranged copies answer the CRC of the whole source; "
                    "archives are verified by reading back");
    j->never_crc = true;
    job_restart(j, "the store gives wrong CRCs for copied ranges");
}

static bool
is_quirk(struct publish_job *j, const struct copied *c, uint32_t known)
{
    uint32_t n;

    for (n = c->first_part; n <= c->last_part; n++)
        if (j->plan.part[n].kind == PLAN_COPY && j->part[n].ranged &&
            j->part[n].state == PART_DONE && j->part[n].crc == known)
            return true;
    return false;
}

static uint32_t
join_pieces(struct publish_job *j, const struct copied *c)
{
    uint32_t crc = 0, n;
    const struct donation *d;
    int32_t self = (int32_t)(c - j->copied);
    size_t i;

    for (n = c->first_part; n <= c->last_part; n++) {
        if (j->plan.part[n].kind == PLAN_COPY) {
            crc = crc_join(crc, j->part[n].crc, part_len(j, n));
            continue;
        }
        for (i = 0; i < DON_COUNT; i++) {
            d = &j->part[n].don[i];
            if (d->copied == self)
                crc = crc_join(crc, d->crc, d->end - d->first);
        }
    }
    return crc;
}

static void
copied_check(struct publish_job *j, struct copied *c)
{
    uint32_t known, crc;

    if (!j->crc || j->stop || c->pieces_left > 0 || c->ask == ASK_SENT)
        return;
    crc = join_pieces(j, c);
    if (!crc_peek(j->crcs, c->member, &known)) {
        if (crc_put(j->crcs, c->member, crc, false) != -EILSEQ)
            return;
        if (!crc_peek(j->crcs, c->member, &known))
            known = ~crc;
    }
    if (crc != known && is_quirk(j, c, known))
        found_quirk(j);
    else if (crc != known)
        diagnose(j, c->member, known);
    else if (c->ranged &&
             job_member(j, c->member)->hint == ZIP_HINT_CRC32_FULL)
        publisher_learn(j->p, &j->p->caps.range_good,
                        "ranged copies answer the CRC of the range");
}

void
piece_copied(struct publish_job *j, uint32_t n)
{
    struct copied *c = &j->copied[j->part[n].copied];
    uint32_t known;

    c->copies_left--;
    c->pieces_left--;
    if (!j->crc)
        return;
    if (j->part[n].ranged && crc_peek(j->crcs, c->member, &known) &&
        j->part[n].crc == known)
        found_quirk(j);
    else
        copied_check(j, c);
}

void
piece_donated(struct publish_job *j, int32_t copied)
{
    struct copied *c = &j->copied[copied];

    c->pieces_left--;
    copied_check(j, c);
}

/* ----------------------------------------------------------------- ask */

bool
copied_wants_ask(struct publish_job *j, const struct copied *c)
{
    uint32_t known;

    return c->ranged && c->ask == ASK_NOT &&
           !crc_peek(j->crcs, c->member, &known) &&
           !publisher_caps(j->p).range_good;
}

static void
on_asked(struct publish_job *j, struct event *ev)
{
    struct copied *c =
        (struct copied *)((char *)ev - offsetof(struct copied, ev));
    uint32_t known;

    c->id = 0;
    c->ask = ASK_ANSWERED;
    j->inflight--;
    j->asks_busy--;
    if (j->stop)
        return;
    if (c->r == 0) {
        c->has_stored = true;
        if (j->phase == PHASE_ASK)
            j->crc = false;
        else if (crc_peek(j->crcs, c->member, &known) && is_quirk(j, c, known))
            found_quirk(j);
    } else if (c->r != -ENODATA) {
        job_blame(j, c->member);
        job_fail_err(j, c->r, &c->err);
        return;
    }
    if (j->phase == PHASE_PARTS)
        copied_check(j, c);
}

static void
ask_cb(void *user, int r, uint32_t value, const struct err *e)
{
    struct copied *c = user;

    (void)value;
    c->r = r;
    if (r < 0 && e)
        c->err = *e;
    job_post(c->job, &c->ev, on_asked);
}

void
copied_ask(struct publish_job *j, struct copied *c)
{
    c->ask = ASK_SENT;
    j->inflight++;
    j->asks_busy++;
    c->id = crc_get(j->crcs, c->member, CRC_CHEAP, ask_cb, c);
}

void
pieces_cancel(struct publish_job *j)
{
    struct copied *c;
    size_t i;

    for (i = 0; i < j->copied_count; i++) {
        c = &j->copied[i];
        if (c->ask == ASK_SENT && c->id && crc_cancel(j->crcs, c->id)) {
            c->ask = ASK_NOT;
            j->inflight--;
            j->asks_busy--;
        }
    }
}
