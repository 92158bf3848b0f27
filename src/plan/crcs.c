/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What it takes to find the CRCs of members, where neither what a plan reads
 * nor what it copies tells them.  Must not know stores, nor why a way was
 * chosen.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct find {
    const struct zip_layout *l;
    const struct plan_finding *f;
    struct plan_totals *t;
    uint8_t *seen;   /* of each member: enum seen */
    uint64_t copies; /* of the oracle */
    bool ranged;     /* some of them are not all of a member */
};
enum seen {
    SEEN_COPY = 1,
    SEEN_RANGE = 2, /* a copy is not all of it */
    SEEN_DUMB = 4,  /* a copy tells nothing */
};

/* Of all that is copied, a pad included? */
static bool
is_range(const struct zip_layout *l, const struct plan_part *part)
{
    return plan_part_len(part) != l->member[part->member].size;
}

/* ------------------------------------------------------------ checksum */

static bool
copies_any(const struct plan *p)
{
    size_t i;

    for (i = 0; i < p->count; i++)
        if (p->part[i].kind != PLAN_UPLOAD)
            return true;
    return false; /* then nothing copies from scratch objects either */
}

/* Of what is known to have a CRC: the answer will be that one. */
static bool
is_misleading(const struct zip_layout *l, const struct plan_part *part,
              const struct plan_ask *ask)
{
    const uint8_t *way = ask->finding.way;

    if (part->kind == PLAN_COPY_PREVIOUS)
        return ask->finding.previous && ask->previous &&
               plan_part_len(part) != ask->previous->size;
    return part->kind == PLAN_COPY && part->end > part->first &&
           is_range(l, part) &&
           (!way || (way[part->member] & ~PLAN_CRC_ASK) == PLAN_CRC_KNOWN);
}

bool
plan_has_checksum(const struct plan *p, const struct zip_layout *l,
                  const struct plan_ask *ask)
{
    size_t i;

    if (ask->finding.no_part_crc && copies_any(p))
        return false;
    for (i = 0; ask->finding.range_bad && i < p->count; i++)
        if (is_misleading(l, &p->part[i], ask))
            return false;
    return true;
}

/* ------------------------------------------------------------- members */

/* The members of which a run of the previous archive has bytes. */
static void
note_run(struct find *x, const struct plan_part *part)
{
    uint64_t first, end;
    size_t i;

    for (i = plan_member_at(x->l, part->first);
         i < x->l->count && x->l->offset[i] < part->end; i++)
        if (plan_body_in(x->l, part, i, &first, &end))
            x->seen[i] |= SEEN_COPY | SEEN_DUMB;
}

/* The upload of part begins when the scratch object in front of part is
 * there, which has part's own header in it, itself or through those that it
 * copies from. */
bool
plan_copy_is_late(const struct zip_layout *l, const struct plan_part *part)
{
    return part[-1].kind == PLAN_COPY_SCRATCH &&
           part[-1].first <= l->offset[part->member];
}

static void
note_part(struct find *x, const struct plan_part *part, bool checksum,
          bool on_time)
{
    uint8_t *seen = &x->seen[part->member];

    if (part->kind == PLAN_COPY_PREVIOUS)
        note_run(x, part);
    if (part->kind != PLAN_COPY || part->end == part->first)
        return;
    *seen |= SEEN_COPY;
    if (is_range(x->l, part))
        *seen |= SEEN_RANGE;
    if (!checksum || part->pad > 0 ||
        (!on_time && plan_copy_is_late(x->l, part)))
        *seen |= SEEN_DUMB;
}

/* Nobody read or told it. */
static void
take_way(struct find *x, uint64_t size, enum plan_crc way)
{
    if (way == PLAN_CRC_ORACLE) {
        uint64_t n = ceil_div_u64(size, x->f->oracle.range);

        x->copies += n;
        x->ranged |= n > 1;
        x->t->copied += size;
    }
    if (way == PLAN_CRC_READ) {
        x->t->requests.get += ceil_div_u64(size, PLAN_FETCH);
        x->t->downloaded += size;
    }
}

static enum plan_crc
find_one(struct find *x, size_t member)
{
    uint64_t size = x->l->member[member].size;
    uint8_t seen = x->seen[member], way = x->f->way[member];
    bool told = (seen & SEEN_COPY) && !(seen & SEEN_DUMB);
    bool ask = way & PLAN_CRC_ASK;
    bool sure = !(seen & SEEN_RANGE) || x->f->range_good;

    way &= (uint8_t)~PLAN_CRC_ASK;
    if (size == 0 || (way == PLAN_CRC_KNOWN && !ask))
        return PLAN_CRC_KNOWN;
    if (size <= PLAN_FETCH && !seen)
        return PLAN_CRC_READ;
    if (x->f->read && !seen) {
        way = PLAN_CRC_READ;
        ask = false;
    }
    if (size <= PLAN_FETCH && told && sure)
        return PLAN_CRC_COPIES;
    x->t->requests.head += ask;
    if (told && way != PLAN_CRC_KNOWN)
        return PLAN_CRC_COPIES;
    take_way(x, size, (enum plan_crc)way);
    return (enum plan_crc)way;
}

/* ---------------------------------------------------------- the oracle */

static void
add_oracle(struct find *x)
{
    const struct plan_oracle *o = &x->f->oracle;
    struct plan_requests *r = &x->t->requests;
    uint64_t uploads = 0;

    if (x->copies == 0)
        return;
    if (!o->proved || (x->ranged && !o->proved_range)) {
        x->copies++;
        x->t->copied += o->proof;
        x->t->downloaded += o->proof;
        r->get++;
    }
    if (x->copies > o->left)
        uploads = ceil_div_u64(x->copies - o->left, o->parts);
    r->copy += x->copies;
    r->create += uploads;
    r->remove += uploads; /* Abort */
}

int
plan_cost_crcs(struct plan *p, const struct zip_layout *l,
               const struct plan_ask *ask)
{
    CLEANUP_FREE uint8_t *seen = calloc(l->count + 1, 1);
    struct find x = {
        .l = l, .f = &ask->finding, .t = &p->totals, .seen = seen};
    bool checksum = plan_has_checksum(p, l, ask);
    size_t u, i, n;

    if (!seen)
        return -ENOMEM;
    if (!ask->finding.way)
        return 0;
    for (u = 0; u <= p->scratches; u++) {
        const struct plan_part *part = plan_upload_parts(p, u, &n);
        bool has = checksum && (u == p->scratches || !ask->finding.range_bad);

        for (i = 0; i < n; i++)
            note_part(&x, &part[i], has, i == 0 || u == p->scratches);
    }
    for (i = 0; i < l->count; i++)
        p->totals.crc[find_one(&x, i)]++;
    add_oracle(&x);
    return 0;
}
