/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * From a plan to what is executed: the parts of all uploads, the pieces of
 * copied members (copied ranges, and donations inside upload parts), the
 * stages and who waits for whom.  On net's worker thread; must not know
 * calls.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "publish/job.h"

struct build {
    struct publish_job *j;
    int32_t *copied_of; /* by member, -1: nothing of it is copied */
    size_t pieces, cap;
};

/* ------------------------------------------------------------- members */

/* Bytes of a body, which the answer's CRC tells of unless there is a pad. */
static bool
is_body(const struct plan_part *pp)
{
    return pp->kind == PLAN_COPY && pp->end > pp->first;
}

static int
add_piece(struct build *b, uint32_t member, uint64_t first, uint32_t part,
          int32_t don)
{
    struct publish_job *j = b->j;
    size_t cap = b->cap ? 2 * b->cap : 64;
    void *p;

    if (b->pieces == b->cap) {
        p = realloc(j->piece, cap * sizeof(*j->piece));
        if (!p)
            return -ENOMEM;
        j->piece = p;
        b->cap = cap;
    }
    j->piece[b->pieces++] = (struct piece){first, part, don};
    j->copied[b->copied_of[member]].pieces++;
    return 0;
}

static void
add_copied(struct build *b, uint32_t n)
{
    struct publish_job *j = b->j;
    const struct plan_part *pp = part_plan(j, n);
    bool ranged = part_len(j, n) != job_member(j, pp->member)->size;
    bool last = n >= j->plan.scratch_parts;
    bool behind = n > part_stage(j, n)->first;
    int32_t *of = &b->copied_of[pp->member];
    struct copied *c;

    if (*of < 0) {
        *of = (int32_t)j->copied_count;
        c = &j->copied[j->copied_count++];
        c->job = j;
        c->member = pp->member;
    }
    c = &j->copied[*of];
    c->copies_left++;
    c->opaque |= pp->pad > 0;
    c->scratch |= !last;
    c->late |= !last && behind && plan_copy_is_late(job_zip(j), pp);
    c->ranged |= ranged;
    c->ranged_last |= ranged && last;
    j->part[n].copied = *of;
    j->bodies++;
    if (ranged && last && !j->probe)
        j->probe = n + 1;
    j->part[n].probe =
        ranged && last &&
        (n + 1 == j->probe || n < j->plan.scratch_parts + PROBES);
    j->probes += j->part[n].probe;
}

/* ------------------------------------------------------------- uploads */

static void
add_donation(struct build *b, uint32_t n, uint32_t member, uint64_t from,
             uint64_t to)
{
    struct publish_job *j = b->j;
    const struct plan_part *pp = part_plan(j, n);
    struct donation *d =
        &j->part[n].don[from <= pp->first ? DON_HEAD : DON_TAIL];

    d->copied = b->copied_of[member];
    d->first = max_u64(from, pp->first);
    d->end = min_u64(to, pp->end);
}

/* Header or body z, of which upload part n has bytes. */
static void
look_at(struct build *b, uint32_t n, const struct zip_piece *z)
{
    struct publish_job *j = b->j;
    const struct plan_part *pp = part_plan(j, n);
    struct part *p = &j->part[n];
    uint64_t first = max_u64(z->first, pp->first);
    uint64_t end = min_u64(z->end, pp->end);

    if (z->kind == ZIP_PIECE_DATA)
        p->data += end - first;
    p->directory |= z->kind != ZIP_PIECE_DATA && z->kind != ZIP_PIECE_LOC;
    if (z->kind == ZIP_PIECE_END || b->copied_of[z->index] < 0)
        return;
    if (z->kind == ZIP_PIECE_DATA)
        add_donation(b, n, z->index, z->first, z->end);
    if (z->kind != ZIP_PIECE_LOC)
        return;
    p->copied = b->copied_of[z->index];
    j->copied[p->copied].header = n + 1;
}

static void
scan_upload(struct build *b, uint32_t n)
{
    const struct zip_layout *l = job_zip(b->j);
    const struct plan_part *pp = part_plan(b->j, n);
    struct zip_piece z;
    bool more = true;

    zip_piece_at(l, pp->first, &z);
    for (; more && z.first < pp->end; more = zip_piece_next(l, &z))
        look_at(b, n, &z);
    b->j->uploads++;
    b->j->plain += !b->j->part[n].directory;
}

/* -------------------------------------------------------------- pieces */

static int
piece_cmp(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

static int
add_pieces(struct build *b, uint32_t n)
{
    struct publish_job *j = b->j;
    const struct plan_part *pp = part_plan(j, n);
    const struct donation *d;
    int32_t i;
    int r = 0;

    if (is_body(pp))
        return add_piece(b, pp->member, pp->first, n, -1);
    for (i = 0; i < DON_COUNT && r == 0; i++) {
        d = &j->part[n].don[i];
        if (pp->kind == PLAN_UPLOAD && d->copied >= 0)
            r = add_piece(b, j->copied[d->copied].member, d->first, n, i);
    }
    return r;
}

/* Bodies stand apart in the archive: sorted by place, the pieces of one are
 * neighbours. */
static int
build_pieces(struct build *b)
{
    struct publish_job *j = b->j;
    uint32_t n, at = 0;
    int r = 0;

    for (n = 0; n < j->parts && r == 0; n++)
        r = add_pieces(b, n);
    if (r < 0)
        return r;
    if (b->pieces > 0)
        qsort(j->piece, b->pieces, sizeof(*j->piece), piece_cmp);
    while (at < b->pieces) {
        uint64_t first = j->piece[at].first;
        size_t member = 0;
        struct zip_piece z;
        struct copied *c;

        zip_piece_at(job_zip(j), first, &z);
        member = z.index;
        c = &j->copied[b->copied_of[member]];
        c->piece = at;
        c->pieces_left = c->pieces;
        at += c->pieces;
    }
    return 0;
}

/* -------------------------------------------------------------- stages */

static void
part_init(struct publish_job *j, uint32_t n, uint32_t stage)
{
    struct part *p = &j->part[n];
    size_t i;

    p->job = j;
    p->stage = stage;
    p->copied = -1;
    for (i = 0; i < DON_COUNT; i++)
        p->don[i].copied = -1;
    j->work_bytes += part_len(j, n);
}

static void
build_stages(struct publish_job *j)
{
    uint32_t u, n;

    for (u = 0; u < j->stages; u++) {
        struct stage *s = &j->stage[u];
        const struct plan_upload *up = &j->plan.scratch[u];
        bool last = u == j->plan.scratches;

        s->job = j;
        s->number = u;
        s->first = last ? (uint32_t)j->plan.scratch_parts : (uint32_t)up->part;
        s->count = last ? (uint32_t)j->plan.count : up->count;
        s->left = s->count;
        s->size = last ? job_zip(j)->size : up->pad + up->end - up->first;
        s->put = s->count == 1 && part_plan(j, s->first)->kind == PLAN_UPLOAD;
        for (n = s->first; n < s->first + s->count; n++)
            part_init(j, n, u);
    }
}

/* Is it all of its source? */
static bool
is_ranged(const struct publish_job *j, uint32_t n)
{
    const struct plan_part *pp = part_plan(j, n);

    switch (pp->kind) {
    case PLAN_COPY:
        return part_len(j, n) != job_member(j, pp->member)->size;
    case PLAN_COPY_SCRATCH:
        return part_len(j, n) != j->stage[pp->scratch].size;
    case PLAN_COPY_PREVIOUS:
        return part_len(j, n) != j->former->zip.size;
    case PLAN_UPLOAD:
        break;
    }
    return false;
}

static void
build_users(struct publish_job *j)
{
    uint32_t n;

    for (n = j->parts; n-- > 0;) {
        const struct plan_part *pp = part_plan(j, n);
        struct part *p = &j->part[n];
        struct stage *source;

        p->ranged = is_ranged(j, n);
        if (pp->kind != PLAN_COPY_SCRATCH)
            continue;
        source = &j->stage[pp->scratch];
        p->user_next = source->users;
        source->users = n + 1;
    }
}

/* --------------------------------------------------------------- build */

static int
allocate(struct build *b)
{
    struct publish_job *j = b->j;
    size_t i, members = job_zip(j)->count;

    j->stages = (uint32_t)j->plan.scratches + 1;
    j->parts = (uint32_t)(j->plan.scratch_parts + j->plan.count);
    j->part = calloc(j->parts, sizeof(*j->part));
    j->stage = calloc(j->stages, sizeof(*j->stage));
    j->copied = calloc(j->parts, sizeof(*j->copied));
    b->copied_of = malloc((members + 1) * sizeof(*b->copied_of));
    if (!j->part || !j->stage || !j->copied || !b->copied_of)
        return -ENOMEM;
    for (i = 0; i <= members; i++)
        b->copied_of[i] = -1;
    return 0;
}

int
parts_build(struct publish_job *j)
{
    struct build b = {.j = j};
    uint32_t n;
    int r = allocate(&b);

    if (r == 0) {
        build_stages(j);
        build_users(j);
        for (n = 0; n < j->parts; n++)
            if (is_body(part_plan(j, n)))
                add_copied(&b, n);
        for (n = 0; n < j->parts; n++)
            if (part_plan(j, n)->kind == PLAN_UPLOAD)
                scan_upload(&b, n);
        r = build_pieces(&b);
    }
    free(b.copied_of);
    if (r < 0)
        parts_free(j);
    return r < 0 ? err_set(&j->work_err, ENOMEM, "out of memory") : 0;
}

void
parts_free(struct publish_job *j)
{
    uint32_t n;

    for (n = 0; j->part && n < j->parts; n++) {
        free(j->part[n].etag);
        free(j->part[n].e);
    }
    for (n = 0; j->stage && n < j->stages; n++) {
        free(j->stage[n].upload_id);
        free(j->stage[n].etag);
        free(j->stage[n].version);
        free(j->stage[n].e);
    }
    free(STEAL(j->part));
    free(STEAL(j->stage));
    free(STEAL(j->piece));
    free(STEAL(j->copied));
    j->parts = j->stages = j->copied_count = 0;
    j->bodies = j->probe = j->probes = j->plain = j->uploads = 0;
    j->work_bytes = 0;
    plan_free(&j->plan);
    memset(&j->plan, 0, sizeof(j->plan));
}
