/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * CRCs: which upload parts wait for which, where each comes from, and whom
 * an answer wakes.  The rules stand in sched.h; called by sched.c and
 * sched_build.c.
 *
 * A member whose CRC is not known has its waiters: the upload parts to come
 * that hold a header of it.  Each counts the CRCs that it waits for, and
 * goes into its heap when the count is 0.
 */
#include "publish/sched_impl.h"

#include <errno.h>
#include <stdlib.h>

#define NONE MEMBER_CRC_NONE

static uint32_t
copied_of(const struct sched *s, size_t member)
{
    return s->crcs.of ? s->crcs.of[member] : NONE;
}

static bool
is_known(const struct sched *s, size_t member)
{
    return !s->member || s->member[member].known;
}

static bool
has_waiters(const struct sched *s, size_t member)
{
    return s->member[member].wait < s->member[member + 1].wait;
}

/* ------------------------------------------------------- headers in parts */

typedef void header_fn(struct sched *s, uint32_t part,
                       const struct zip_piece *z);

/* The local and central headers of which an upload part has bytes, if the
 * CRC of their member is not known. */
static void
each_header(struct sched *s, uint32_t n, header_fn *fn)
{
    const struct plan_part *pp = sched_plan(s, n);
    struct zip_piece z;
    bool more = pp->end > pp->first;

    if (more)
        zip_piece_at(s->f.layout, pp->first, &z);
    for (; more && z.first < pp->end; more = zip_piece_next(s->f.layout, &z))
        if ((z.kind == ZIP_PIECE_LOC || z.kind == ZIP_PIECE_CDH) &&
            !s->member[z.index].known)
            fn(s, n, &z);
}

static void
each_part(struct sched *s, header_fn *fn)
{
    uint32_t n;

    for (n = 0; n < s->parts; n++)
        if (sched_plan(s, n)->kind == PLAN_UPLOAD && sched_is_due(s, n))
            each_header(s, n, fn);
}

/* Does the part make some of the local header? */
static bool
has_local(const struct sched *s, uint32_t n, size_t member)
{
    const struct plan_part *pp = sched_plan(s, n);

    return s->f.layout->offset[member] < pp->end &&
           zip_data_offset(s->f.layout, member) > pp->first;
}

static void
see_header(struct sched *s, uint32_t n, const struct zip_piece *z)
{
    if (z->kind == ZIP_PIECE_LOC)
        s->member[z->index].header = true;
    (void)n;
}

/* A part that has both headers waits once, one whose reader finds the CRC
 * does not wait. */
static bool
waits_for(const struct sched *s, uint32_t n, const struct zip_piece *z)
{
    bool local = has_local(s, n, z->index);

    if (s->member[z->index].by_read)
        return z->kind == ZIP_PIECE_CDH && !local;
    return z->kind == ZIP_PIECE_LOC || !local;
}

static void
count_waiter(struct sched *s, uint32_t n, const struct zip_piece *z)
{
    if (waits_for(s, n, z))
        s->member[z->index].wait++;
}

static void
add_waiter(struct sched *s, uint32_t n, const struct zip_piece *z)
{
    if (!waits_for(s, n, z))
        return;
    s->waiter[--s->member[z->index].wait] = n;
    s->part[n].waits++;
}

static void
see_teller(struct sched *s, uint32_t n, const struct zip_piece *z)
{
    s->part[n].tells |= z->kind == ZIP_PIECE_LOC &&
                        s->member[z->index].by_read &&
                        has_waiters(s, z->index);
}

/* Nobody waits for a part of the archive, unless it tells a CRC. */
static bool
is_waited_for(const struct sched *s, uint32_t n)
{
    const struct sched_part *p = &s->part[n];

    return p->upload != s->archive || p->pieces > 0 || p->tells;
}

/* Does part n, which tells the CRC, stand in an upload that waits for others,
 * while somebody in front of these may wait for the CRC? */
static bool
is_wanted_early(const struct sched *s, uint32_t member, uint32_t n)
{
    uint32_t i, u = s->part[n].upload;

    if (u == s->archive || s->upload[u].missing == 0 || !sched_is_due(s, n))
        return false;
    for (i = s->member[member].wait; i < s->member[member + 1].wait; i++)
        if (s->part[s->waiter[i]].upload != u &&
            is_waited_for(s, s->waiter[i]))
            return true;
    return false;
}

static void
open_teller(struct sched *s, uint32_t n, const struct zip_piece *z)
{
    if (z->kind == ZIP_PIECE_LOC && s->member[z->index].by_read &&
        is_wanted_early(s, (uint32_t)z->index, n))
        sched_upload_of(s, n)->early = true;
}

/* ------------------------------------------------------- whom to ask how */

static uint64_t
place(const struct sched *s, uint32_t n)
{
    return sched_plan(s, n)->first;
}

/* Does an upload part before that one wait for the CRC? */
static bool
is_wanted_before(const struct sched *s, uint32_t member, uint32_t n)
{
    uint32_t i;

    for (i = s->member[member].wait; i < s->member[member + 1].wait; i++)
        if (place(s, s->waiter[i]) < place(s, n))
            return true;
    return false;
}

/* Whether to ask for what the pieces of a copied member tell.
 *
 * Fully, if they do not; or if a part with central headers carries one of
 * them and stands behind the local header, for the two might wait for each
 * other.  Cheaply, if they come late: in an upload that waits for others. */
static enum ask_kind
kind_of_copied(struct sched *s, struct crc_copied *c)
{
    enum ask_kind kind = ASK_NONE;
    uint32_t i;

    for (i = c->first; i < c->first + c->count && !c->opaque; i++) {
        const struct crc_piece *p = &s->crcs.piece[i];

        if (p->known)
            continue;
        if (!sched_is_due(s, p->part))
            c->opaque = true; /* nobody saw the answer */
        else if (p->donated && s->part[p->part].directory &&
                 is_wanted_before(s, c->member, p->part))
            kind = ASK_FULL;
        else if (kind == ASK_NONE && is_wanted_early(s, c->member, p->part))
            kind = ASK_CHEAP;
    }
    return c->opaque ? ASK_FULL : kind;
}

static void
choose_kinds(struct sched *s)
{
    size_t i;

    for (i = 0; i < s->f.layout->count; i++) {
        struct sched_member *m = &s->member[i];
        uint32_t c = copied_of(s, i);

        if (m->known || m->by_read)
            continue;
        m->kind = c == NONE ? ASK_FULL : kind_of_copied(s, &s->crcs.copied[c]);
    }
}

/* Nothing of it is copied from its object, and its header's part is read:
 * the reader fetches it whole for that. */
static bool
is_read_whole(const struct sched *s, size_t member)
{
    return s->member[member].header && copied_of(s, member) == NONE &&
           s->f.layout->member[member].size <= PLAN_FETCH;
}

static void
note_directories(struct sched *s)
{
    const struct zip_layout *l = s->f.layout;
    uint32_t n;

    for (n = 0; n < s->parts; n++)
        s->part[n].directory = sched_plan(s, n)->kind == PLAN_UPLOAD &&
                               sched_plan(s, n)->end > l->cd_offset[0];
}

int
sched_crc_build(struct sched *s)
{
    size_t i, count = s->f.layout->count;
    uint32_t sum = 0;

    note_directories(s);
    if (!s->f.known || s->f.shared)
        return 0;
    s->member = calloc(count + 1, sizeof(*s->member));
    if (!s->member)
        return -ENOMEM;
    for (i = 0; i < count; i++)
        s->member[i].known =
            s->f.layout->member[i].size == 0 || s->f.known(s->f.user, i);
    each_part(s, see_header);
    for (i = 0; i < count; i++)
        s->member[i].by_read = is_read_whole(s, i);
    each_part(s, count_waiter);
    for (i = 0; i <= count; i++) {
        sum += s->member[i].wait;
        s->member[i].wait = sum; /* add_waiter counts down to the first */
    }
    s->waiter = malloc(((size_t)sum + 1) * sizeof(*s->waiter));
    if (!s->waiter)
        return -ENOMEM;
    each_part(s, add_waiter);
    each_part(s, see_teller);
    each_part(s, open_teller);
    choose_kinds(s);
    return 0;
}

/* ------------------------------------------------------------------ wake */

/* The upload part that carries the one piece which is missing, or was the
 * last: it reads that before it makes its headers. */
static uint32_t
own_part(const struct sched *s, size_t member)
{
    uint32_t c = copied_of(s, member);
    const struct crc_piece *p;

    if (c == NONE || s->crcs.copied[c].left > 1)
        return NONE;
    p = &s->crcs.piece[s->crcs.copied[c].last];
    return p->donated ? p->part : NONE;
}

static void
wake(struct sched *s, size_t member, bool own)
{
    uint32_t i, part = own_part(s, member);

    for (i = s->member[member].wait; i < s->member[member + 1].wait; i++)
        if ((s->waiter[i] == part) == own) {
            s->part[s->waiter[i]].waits--;
            sched_try_part(s, s->waiter[i]);
        }
}

static void
wake_own(struct sched *s, size_t member)
{
    if (s->member[member].own || own_part(s, member) == NONE)
        return;
    s->member[member].own = true;
    wake(s, member, true);
}

void
sched_crc(struct sched *s, size_t member)
{
    struct sched_member *m;

    if (!s->member)
        return;
    m = &s->member[member];
    m->known = true;
    if (m->ask == ASK_READY)
        m->ask = ASK_ANSWERED; /* sched_next leaves it out */
    if (m->awake)
        return;
    m->awake = true;
    if (!m->own)
        wake(s, member, true);
    wake(s, member, false);
}

/* ------------------------------------------------------------------- ask */

static void
ask(struct sched *s, uint32_t member, enum ask_kind kind)
{
    struct sched_member *m = &s->member[member];

    m->kind = (uint8_t)kind;
    m->ask = ASK_READY;
    heap_push(&s->lookup, s, member);
}

/* The uploads of its copies need not wait for their sources: their answers
 * are wanted. */
static void
open_early(struct sched *s, const struct crc_copied *c)
{
    uint32_t i;

    for (i = c->first; i < c->first + c->count; i++) {
        uint32_t n = s->crcs.piece[i].part;

        if (!is_wanted_early(s, c->member, n))
            continue;
        sched_upload_of(s, n)->early = true;
        sched_try_create(s, s->part[n].upload);
    }
}

/* A store may answer the stored CRC of the whole source for a range of it
 * (versitygw 1.7).  Until it was seen to be right, what may have one stored is
 * asked for before its pieces are believed. */
static bool
is_doubtful(const struct sched *s, const struct crc_copied *c)
{
    return !s->trusted && c->count > 1 && !c->opaque &&
           !is_known(s, c->member) && s->member[c->member].ask == ASK_NOT &&
           s->f.layout->member[c->member].hint != ZIP_HINT_OTHER;
}

/* After every answer about a copied member. */
static bool
settle(struct sched *s, uint32_t c, struct sched_told *told)
{
    struct crc_copied *copied = &s->crcs.copied[c];
    struct sched_member *m = s->member ? &s->member[copied->member] : NULL;
    uint32_t crc;

    if (m && (m->ask == ASK_READY || m->ask == ASK_SENT))
        return false;
    if (copied->left <= 1 && is_doubtful(s, copied)) {
        ask(s, copied->member, ASK_DOUBT);
        return false;
    }
    if (member_crc_join(&s->crcs, s->f.layout, c, &crc)) {
        *told = (struct sched_told){copied->member, crc};
        sched_crc(s, copied->member);
        return true;
    }
    if (is_known(s, copied->member))
        return false;
    if (!copied->opaque)
        wake_own(s, copied->member);
    else if (has_waiters(s, copied->member))
        ask(s, copied->member, ASK_FULL);
    return false;
}

void
sched_crc_begin(struct sched *s)
{
    struct sched_told told;
    size_t i;
    uint32_t c;

    for (i = 0; s->member && i < s->f.layout->count; i++) {
        const struct sched_member *m = &s->member[i];

        if (m->known || m->by_read || !has_waiters(s, i))
            continue;
        c = copied_of(s, i);
        if (m->kind == ASK_FULL ||
            (m->kind == ASK_CHEAP &&
             s->f.layout->member[i].hint != ZIP_HINT_OTHER))
            ask(s, (uint32_t)i, m->kind);
        else if (m->kind == ASK_CHEAP)
            open_early(s, &s->crcs.copied[c]);
        if (c != NONE)
            settle(s, c, &told);
    }
}

/* A probe: the stored CRC is asked for at the same time. */
void
sched_crc_sent(struct sched *s, uint32_t n)
{
    const struct sched_part *p = &s->part[n];
    const struct crc_copied *c;

    if (!p->first || p->pieces == 0)
        return;
    c = &s->crcs.copied[s->crcs.piece[p->piece].copied];
    if (is_doubtful(s, c))
        ask(s, c->member, ASK_DOUBT);
}

/* --------------------------------------------------------------- answers */

bool
sched_crc_piece(struct sched *s, uint32_t piece, uint32_t crc,
                struct sched_told *told)
{
    uint32_t whole;

    member_crc_tell(&s->crcs, s->f.layout, piece, crc, &whole);
    return settle(s, s->crcs.piece[piece].copied, told);
}

void
sched_crc_lost(struct sched *s, uint32_t n)
{
    const struct sched_part *p = &s->part[n];
    struct sched_told told;
    uint32_t i;

    for (i = p->piece; i < p->piece + p->pieces; i++)
        if (!s->crcs.piece[i].known) {
            member_crc_lost(&s->crcs, i);
            settle(s, s->crcs.piece[i].copied, &told);
        }
}

bool
sched_crc_answered(struct sched *s, uint32_t member, bool found,
                   struct sched_told *told)
{
    struct sched_member *m = &s->member[member];
    uint32_t c = copied_of(s, member);

    m->ask = ASK_ANSWERED;
    if (found || m->kind == ASK_FULL)
        sched_crc(s, member);
    else if (m->kind == ASK_CHEAP && !m->known)
        open_early(s, &s->crcs.copied[c]);
    return c != NONE && settle(s, c, told);
}

void
sched_crc_again(struct sched *s, uint32_t member)
{
    struct sched_member *m = &s->member[member];

    m->ask = ASK_ANSWERED;
    if (!m->known)
        ask(s, member, (enum ask_kind)m->kind);
}

static void
tell_read(struct sched *s, uint32_t n, const struct zip_piece *z)
{
    (void)n;
    if (z->kind == ZIP_PIECE_LOC && s->member[z->index].by_read)
        sched_crc(s, z->index);
}

void
sched_crc_read(struct sched *s, uint32_t n)
{
    if (s->part[n].tells)
        each_header(s, n, tell_read);
}

bool
sched_resumed(struct sched *s, struct sched_told *told)
{
    while (s->resumed < s->crcs.count) {
        uint32_t c = s->resumed++;

        if (!member_crc_join(&s->crcs, s->f.layout, c, &told->crc))
            continue;
        told->member = s->crcs.copied[c].member;
        sched_crc(s, told->member);
        return true;
    }
    return false;
}
