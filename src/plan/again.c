/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Publishing again: runs of bytes that did not change are copied from the
 * previous archive.  Must not know where that archive is, nor whether it
 * is there.
 */
#include "plan/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* A local header says "needs zip64" of a member that begins beyond
 * (doc/zip-layout): there the same member has another header. */
#define ZIP64_OFFSET UINT64_C(0xffffffff)

/* Members of the previous archive by name. */
struct former {
    const struct zip_member *member;
    uint32_t index;
};

static int
former_cmp(const void *a, const void *b)
{
    const struct former *x = a, *y = b;

    return zip_member_name_cmp(x->member, y->member);
}

static int
former_list(const struct zip_layout *l, struct former **ret)
{
    struct former *f = calloc(l->count + 1, sizeof(*f));
    size_t i;

    if (!f)
        return -ENOMEM;
    for (i = 0; i < l->count; i++)
        f[i] = (struct former){&l->member[i], (uint32_t)i};
    if (l->count > 0)
        qsort(f, l->count, sizeof(*f), former_cmp);
    *ret = f;
    return 0;
}

/* Without an ETag nothing says that the bytes are the same. */
static bool
unchanged(const struct zip_member *a, const struct zip_member *b)
{
    return a->etag_len > 0 && a->size == b->size && a->mtime == b->mtime &&
           a->etag_len == b->etag_len &&
           memcmp(a->etag, b->etag, a->etag_len) == 0;
}

struct again {
    const struct zip_layout *l, *previous;
    uint64_t floor;
    struct plan_body *body;
    size_t bodies;
    struct plan_body run; /* grows */
};

static void
end_run(struct again *g)
{
    if (g->run.end - g->run.first >= g->floor)
        g->body[g->bodies++] = g->run;
    g->run.first = g->run.end = 0;
}

/* [first, end) is at from in the previous archive. */
static void
add_run(struct again *g, uint64_t first, uint64_t end, uint64_t from)
{
    struct plan_body *r = &g->run;

    if (r->end == first && r->end > r->first &&
        r->from + (r->end - r->first) == from) {
        r->end = end;
        return;
    }
    end_run(g);
    *r = (struct plan_body){
        .first = first, .end = end, .from = from, .kind = PLAN_COPY_PREVIOUS};
}

static void
add_member(struct again *g, size_t i, const struct former *f)
{
    const struct zip_layout *l = g->l;
    uint64_t first = l->offset[i], from, data = zip_data_offset(l, i);

    if (!f || !unchanged(f->member, &l->member[i])) {
        end_run(g);
        if (l->member[i].size >= g->floor)
            g->body[g->bodies++] = (struct plan_body){
                .first = data,
                .end = l->offset[i + 1],
                .member = (uint32_t)i,
                .kind = PLAN_COPY,
            };
        return;
    }
    from = g->previous->offset[f->index];
    if ((from >= ZIP64_OFFSET) != (first >= ZIP64_OFFSET)) {
        from += data - first;
        first = data;
    }
    add_run(g, first, l->offset[i + 1], from);
}

int
plan_again(struct plan *ret, const struct zip_layout *l,
           const struct plan_limits *lim, const struct zip_layout *previous,
           struct err *e)
{
    CLEANUP_FREE struct former *f = NULL;
    CLEANUP_FREE struct plan_body *body = NULL;
    struct again g = {.l = l, .previous = previous, .floor = lim->part_min};
    size_t i;
    int r = former_list(previous, &f);

    if (r < 0)
        return r;
    body = g.body = calloc(l->count + 1, sizeof(*body));
    if (!body)
        return -ENOMEM;
    for (i = 0; i < l->count; i++) {
        struct former want = {.member = &l->member[i]};

        add_member(&g, i,
                   bsearch(&want, f, previous->count, sizeof(*f), former_cmp));
    }
    end_run(&g);
    return plan_from_bodies(ret, l, lim, body, g.bodies, e);
}
