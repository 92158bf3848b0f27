/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A plan of several uploads in the making: scratch objects, each copying
 * from earlier ones only, and the parts of the final upload.  Must not know
 * why an object is wanted.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* More scratch objects than anybody would wait for. */
#define SCRATCH_MAX 200000

void
plan_stages_free(struct plan_stages *s)
{
    free(s->up);
    free(s->part);
    free(s->final);
    *s = (struct plan_stages){0};
}

/* Room for one more of size bytes; false after a failure. */
static bool
room(struct plan_stages *s, void **at, size_t count, size_t *cap, size_t size)
{
    size_t bigger = *cap ? 2 * *cap : 64;
    void *p;

    if (s->error < 0)
        return false;
    if (count < *cap)
        return true;
    p = realloc(*at, bigger * size);
    if (!p) {
        s->error = -ENOMEM;
        return false;
    }
    *at = p;
    *cap = bigger;
    return true;
}

void
plan_stages_final(struct plan_stages *s, const struct plan_part *p)
{
    if (room(s, (void **)&s->final, s->finals, &s->finals_cap, sizeof(*p)))
        s->final[s->finals++] = *p;
}

uint32_t
plan_stages_depth(const struct plan_stages *s, const struct plan_part *p,
                  size_t n)
{
    uint32_t depth = 0;
    size_t i;

    for (i = 0; i < n && s->error == 0; i++)
        if (p[i].kind == PLAN_COPY_SCRATCH &&
            s->up[p[i].scratch].depth > depth)
            depth = s->up[p[i].scratch].depth;
    return depth + 1;
}

uint32_t
plan_stages_add(struct plan_stages *s, const struct plan_part *p, size_t n)
{
    struct plan_upload u = {
        .first = p[0].first,
        .end = p[n - 1].end,
        .pad = p[0].pad,
        .part = s->parts,
        .count = (uint32_t)n,
        .depth = plan_stages_depth(s, p, n),
    };
    size_t i;

    if (s->ups >= (s->ups_max ? s->ups_max : SCRATCH_MAX) && s->error == 0)
        s->error = -EFBIG;
    for (i = 0; i < n; i++)
        if (room(s, (void **)&s->part, s->parts, &s->parts_cap, sizeof(*p)))
            s->part[s->parts++] = p[i];
    if (!room(s, (void **)&s->up, s->ups, &s->ups_cap, sizeof(u)))
        return 0;
    s->up[s->ups] = u;
    return (uint32_t)s->ups++;
}

struct plan_part
plan_stages_copy(const struct plan_stages *s, uint32_t u, uint64_t floor)
{
    struct plan_part p = {.kind = PLAN_COPY_SCRATCH, .scratch = u};
    const struct plan_upload *up;
    uint64_t len;

    if (s->error < 0)
        return p;
    up = &s->up[u];
    len = up->end - up->first;
    p.first = up->first;
    p.end = up->end;
    p.pad = min_u64(up->pad, len < floor ? floor - len : 0);
    p.from = up->pad - p.pad;
    return p;
}

struct plan_part
plan_part_cut(struct plan_part *p, uint64_t bytes)
{
    struct plan_part head = *p;

    head.end = p->first + bytes;
    if (p->kind != PLAN_UPLOAD)
        p->from += p->pad + bytes;
    p->pad = 0;
    p->first = head.end;
    return head;
}

static int
failed(const struct plan_stages *s, struct err *e)
{
    if (s->error == -EFBIG)
        return err_set(e, EFBIG,
                       "more than %d scratch objects would be needed; duo "
                       "and stream need none",
                       SCRATCH_MAX);
    return s->error;
}

int
plan_stages_finish(struct plan_stages *s, const struct zip_layout *l,
                   const struct plan_limits *lim, struct plan *ret,
                   struct err *e)
{
    if (s->error == 0)
        plan_levels(s, lim);
    if (s->error < 0)
        return failed(s, e);
    if (s->finals > lim->parts_max)
        return plan_beyond(l, e);
    ret->part = s->final;
    ret->count = s->finals;
    ret->scratch = s->up;
    ret->scratches = s->ups;
    ret->scratch_part = s->part;
    ret->scratch_parts = s->parts;
    ret->sequence = plan_stages_depth(s, s->final, s->finals);
    *s = (struct plan_stages){0};
    return 0;
}
