/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * From a plan to the pieces of copied members, and from the pieces' CRCs to
 * the members'.  Called by the scheduler; calls plan/, zip/ and base/ only.
 */
#include "publish/member_crc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"

struct build {
    struct member_crc *m;
    const struct plan *p;
    const struct zip_layout *l;
    bool checksum, scratch_checksum;
};

static const struct plan_part *
part_at(const struct plan *p, size_t n)
{
    return n < p->scratch_parts ? &p->scratch_part[n]
                                : &p->part[n - p->scratch_parts];
}

static size_t
part_count(const struct plan *p)
{
    return p->scratch_parts + p->count;
}

/* A copy of bytes of a body; a pad alone has none of them. */
static bool
is_body(const struct plan_part *pp)
{
    return pp->kind == PLAN_COPY && pp->end > pp->first;
}

/* -------------------------------------------------------------- pieces */

static void
add_piece(struct build *b, uint32_t copied, uint64_t first, size_t part,
          bool donated)
{
    struct member_crc *m = b->m;

    m->piece[m->pieces++] = (struct crc_piece){
        .first = first,
        .part = (uint32_t)part,
        .copied = copied,
        .donated = donated,
    };
    m->copied[copied].count++;
}

static void
add_copy(struct build *b, size_t n)
{
    const struct plan_part *pp = part_at(b->p, n);
    struct member_crc *m = b->m;
    uint32_t *of = &m->of[pp->member];
    bool answers = n < b->p->scratch_parts ? b->scratch_checksum : b->checksum;

    if (*of == MEMBER_CRC_NONE) {
        *of = (uint32_t)m->count;
        m->copied[m->count++].member = pp->member;
    }
    /* The answer tells of the pad too. */
    m->copied[*of].opaque |= pp->pad > 0 || !answers;
    add_piece(b, *of, pp->first, n, false);
}

/* The bytes of a copied body with which upload part n begins, and those with
 * which it ends. */
static void
add_donations(struct build *b, size_t n)
{
    const struct plan_part *pp = part_at(b->p, n);
    uint32_t *of = b->m->of;
    struct zip_piece z;

    if (pp->end == pp->first)
        return; /* a pad */
    zip_piece_at(b->l, pp->first, &z);
    if (z.kind == ZIP_PIECE_DATA && of[z.index] != MEMBER_CRC_NONE)
        add_piece(b, of[z.index], pp->first, n, true);
    if (z.end >= pp->end)
        return;
    zip_piece_at(b->l, pp->end - 1, &z);
    if (z.kind == ZIP_PIECE_DATA && of[z.index] != MEMBER_CRC_NONE)
        add_piece(b, of[z.index], z.first, n, true);
}

static int
piece_cmp(const void *a, const void *b)
{
    const struct crc_piece *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

/* ------------------------------------------------------------- members */

static uint64_t
planned_len(const struct build *b, const struct crc_piece *piece)
{
    const struct plan_part *pp = part_at(b->p, piece->part);
    struct zip_piece z;

    zip_piece_at(b->l, piece->first, &z);
    return (z.end < pp->end ? z.end : pp->end) - piece->first;
}

/* Bodies stand apart in the archive: sorted by place, the pieces of one are
 * neighbours.  What comes otherwise, or twice, leaves a gap or laps over:
 * such a member's pieces tell nothing. */
static void
divide(struct build *b)
{
    struct member_crc *m = b->m;
    uint32_t i = 0, end;

    while (i < m->pieces) {
        struct crc_copied *c = &m->copied[m->piece[i].copied];
        uint64_t at = zip_data_offset(b->l, c->member);

        c->first = i;
        c->left = c->count;
        c->last = i;
        for (end = i + c->count; i < end; i++) {
            c->opaque |= m->piece[i].first != at;
            at = m->piece[i].first + planned_len(b, &m->piece[i]);
        }
        c->opaque |= at != b->l->offset[c->member + 1];
    }
}

static int
allocate(struct build *b)
{
    struct member_crc *m = b->m;
    size_t n = part_count(b->p), i, pieces = 0;

    for (i = 0; i < n; i++)
        pieces += part_at(b->p, i)->kind == PLAN_UPLOAD ? 2 : 1;
    m->piece = malloc((pieces + 1) * sizeof(*m->piece));
    m->copied = calloc(n + 1, sizeof(*m->copied));
    m->of = malloc((b->l->count + 1) * sizeof(*m->of));
    if (!m->piece || !m->copied || !m->of)
        return -ENOMEM;
    memset(m->of, 0xff, (b->l->count + 1) * sizeof(*m->of));
    return 0;
}

/* Most plans have fewer pieces than there was room for. */
static void
trim(struct member_crc *m)
{
    void *p = realloc(m->piece, (m->pieces + 1) * sizeof(*m->piece));

    m->piece = p ? p : m->piece;
    p = realloc(m->copied, (m->count + 1) * sizeof(*m->copied));
    m->copied = p ? p : m->copied;
}

int
member_crc_init(struct member_crc *m, const struct plan *p,
                const struct zip_layout *l, bool checksum,
                bool scratch_checksum)
{
    struct build b = {m, p, l, checksum, scratch_checksum};
    size_t n;
    int r;

    *m = (struct member_crc){0};
    r = allocate(&b);
    if (r < 0) {
        member_crc_free(m);
        return r;
    }
    for (n = 0; n < part_count(p); n++)
        if (is_body(part_at(p, n)))
            add_copy(&b, n);
    for (n = 0; n < part_count(p); n++)
        if (part_at(p, n)->kind == PLAN_UPLOAD)
            add_donations(&b, n);
    if (m->pieces > 0)
        qsort(m->piece, m->pieces, sizeof(*m->piece), piece_cmp);
    divide(&b);
    trim(m);
    return 0;
}

void
member_crc_free(struct member_crc *m)
{
    free(m->piece);
    free(m->copied);
    free(m->of);
    *m = (struct member_crc){0};
}

/* ---------------------------------------------------------------- tell */

uint64_t
member_crc_len(const struct member_crc *m, const struct zip_layout *l,
               uint32_t piece)
{
    const struct crc_copied *c = &m->copied[m->piece[piece].copied];
    uint64_t end = piece + 1 < c->first + c->count ? m->piece[piece + 1].first
                                                   : l->offset[c->member + 1];

    return end - m->piece[piece].first;
}

bool
member_crc_join(const struct member_crc *m, const struct zip_layout *l,
                uint32_t c, uint32_t *ret)
{
    const struct crc_copied *of = &m->copied[c];
    uint32_t crc = 0, i;

    if (of->left > 0 || of->opaque)
        return false;
    for (i = of->first; i < of->first + of->count; i++)
        crc = crc_join(crc, m->piece[i].crc, member_crc_len(m, l, i));
    *ret = crc;
    return true;
}

/* So that the part which carries it can be told apart: see sched_crc.c.
 * Once for each member, so all of it is linear. */
static void
find_last(struct member_crc *m, struct crc_copied *c)
{
    uint32_t i;

    for (i = c->first; i < c->first + c->count; i++)
        if (!m->piece[i].known)
            c->last = i;
}

bool
member_crc_tell(struct member_crc *m, const struct zip_layout *l,
                uint32_t piece, uint32_t crc, uint32_t *ret)
{
    struct crc_piece *p = &m->piece[piece];
    struct crc_copied *c = &m->copied[p->copied];

    p->crc = crc;
    if (!p->known) {
        p->known = true;
        c->left--;
        if (c->left == 1)
            find_last(m, c);
    }
    return member_crc_join(m, l, p->copied, ret);
}

void
member_crc_lost(struct member_crc *m, uint32_t piece)
{
    if (!m->piece[piece].known)
        m->copied[m->piece[piece].copied].opaque = true;
}
