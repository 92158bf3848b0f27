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

/* ---------------------------------------------------------------- tell */

/* Members of which the former archive has bytes that are copied. */
static void
tell_run(struct publish_job *j, const struct plan_part *pp)
{
    struct zip_piece z;
    bool more = true;

    zip_piece_at(job_zip(j), pp->first, &z);
    for (; more && z.first < pp->end; more = zip_piece_next(job_zip(j), &z))
        if (z.kind == ZIP_PIECE_DATA)
            crc_copies(j->crcs, z.index);
}

/* What of them goes through this client is never all of them. */
void
pieces_tell(struct publish_job *j)
{
    uint32_t n;

    crc_copies_end(j->crcs);
    for (n = 0; n < j->copied_count; n++)
        crc_copies(j->crcs, j->copied[n].member);
    for (n = 0; n < j->parts; n++)
        if (part_plan(j, n)->kind == PLAN_COPY_PREVIOUS)
            tell_run(j, part_plan(j, n));
}

/* --------------------------------------------------------------- check */

/* The archive's upload cannot have a checksum then; scratch objects go
 * without one from now on, and ranges of such objects are right. */
void
found_quirk(struct publish_job *j, bool of_archive)
{
    publisher_learn(j->p, &j->p->caps.range_bad,
                    "ranged copies answer the CRC of the whole source; "
                    "archives are verified by reading back");
    j->never_crc |= of_archive;
    job_restart(j, "the store gives wrong CRCs for copied ranges");
}

bool
copy_is_quirk(struct publish_job *j, uint32_t n)
{
    const struct plan_part *pp = part_plan(j, n);
    const struct part *p = &j->part[n];
    const struct stage *source;
    uint32_t known;

    if (!p->ranged || !p->have_crc)
        return false;
    switch (pp->kind) {
    case PLAN_COPY:
        return crc_peek(j->crcs, pp->member, &known) && p->crc == known;
    case PLAN_COPY_SCRATCH:
        source = &j->stage[pp->scratch];
        return source->have_whole && p->crc == source->whole;
    case PLAN_COPY_PREVIOUS:
        return j->previous_crc_known && p->crc == j->previous_crc;
    case PLAN_UPLOAD:
        break;
    }
    return false;
}

static bool
is_quirk(struct publish_job *j, const struct copied *c, uint32_t known)
{
    const struct piece *p = &j->piece[c->piece];
    uint32_t i;

    for (i = 0; i < c->pieces; i++) {
        const struct part *part = &j->part[p[i].part];

        if (p[i].don < 0 && part->ranged && part->state == PART_DONE &&
            part->have_crc && part->crc == known)
            return true;
    }
    return false;
}

/* False if a piece's CRC is not known. */
static bool
join_pieces(struct publish_job *j, const struct copied *c, uint32_t *ret)
{
    const struct piece *p = &j->piece[c->piece];
    uint32_t crc = 0, i;

    for (i = 0; i < c->pieces; i++) {
        const struct part *part = &j->part[p[i].part];
        const struct donation *d = &part->don[p[i].don < 0 ? 0 : p[i].don];
        bool copy = p[i].don < 0;

        if (copy ? !part->have_crc : !d->have_crc)
            return false;
        crc = copy ? crc_join(crc, part->crc, part_len(j, p[i].part))
                   : crc_join(crc, d->crc, d->end - d->first);
    }
    *ret = crc;
    return true;
}

static void
copied_check(struct publish_job *j, struct copied *c)
{
    uint32_t known, crc;

    if (!j->crc || j->stop || c->opaque || c->pieces_left > 0 ||
        c->ask == ASK_SENT || !join_pieces(j, c, &crc))
        return;
    if (!crc_peek(j->crcs, c->member, &known)) {
        if (crc_put(j->crcs, c->member, crc, false) != -EILSEQ)
            return;
        if (!crc_peek(j->crcs, c->member, &known))
            known = ~crc;
    }
    if (crc != known && is_quirk(j, c, known))
        found_quirk(j, c->ranged_last);
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

    c->copies_left--;
    c->pieces_left--;
    c->opaque |= !j->part[n].have_crc;
    if (j->crc && j->part[n].have_crc)
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
            found_quirk(j, c->ranged_last);
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

bool
copied_is_mute(const struct publish_job *j, const struct copied *c)
{
    return !j->crc || c->late || c->opaque || (c->scratch && !j->scratch_crc);
}

void
copied_ask(struct publish_job *j, struct copied *c, unsigned flags)
{
    c->ask = ASK_SENT;
    j->inflight++;
    j->asks_busy++;
    c->id = crc_get(j->crcs, c->member, flags, ask_cb, c);
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
