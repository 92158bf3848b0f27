/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * From a plan, and from what is there already, to the graph that the
 * scheduler (sched.c) walks: which uploads are needed, who copies from whom,
 * and how long the way is from each task to the end.
 *
 * The path of a task is the time, in microseconds by the given weights, from
 * its start to the end of the longest row of tasks that wait for one
 * another from there.  Whoever has the longest path goes first: nothing
 * else can make the whole shorter.
 *
 * The parts of the archive that no scratch object waits for come last by
 * that rule, and among them a difference below a second is none: they go in
 * archive order, in which a reader moves forward and the copies whose CRCs
 * the first upload parts want are the first.
 */
#include "publish/sched_impl.h"

#include <errno.h>
#include <stdlib.h>

enum {
    SECOND = 1000000, /* microseconds */
    PROBES = 64,      /* among so many parts of the archive */
};

const struct sched_weights sched_weights_default = {
    .create = 30000,
    .copy = 60000,
    .copy_mib = 8000,
    .upload = 60000, /* the first byte down, the answer up */
    .upload_mib = 28000,
    .complete = 80000,
    .complete_part = 200,
    .lookup = 20000,
};

/* ------------------------------------------------------------ the graph */

static bool
is_ranged(const struct sched *s, uint32_t n)
{
    const struct plan_part *pp = sched_plan(s, n);
    const struct zip_layout *previous = s->f.previous;

    if (pp->kind == PLAN_COPY)
        return plan_part_len(pp) != s->f.layout->member[pp->member].size;
    return pp->kind == PLAN_COPY_PREVIOUS && previous &&
           plan_part_len(pp) != previous->size;
}

static bool
is_light(const struct sched *s, uint32_t n)
{
    const struct plan_part *pp = sched_plan(s, n);

    return pp->kind == PLAN_UPLOAD && plan_part_len(pp) <= SCHED_LIGHT;
}

static void
init_upload(struct sched *s, uint32_t u)
{
    const struct plan *p = s->f.plan;
    struct sched_upload *up = &s->upload[u];
    uint32_t n;

    up->first =
        (uint32_t)(u == s->archive ? p->scratch_parts : p->scratch[u].part);
    up->count = (uint32_t)(u == s->archive ? p->count : p->scratch[u].count);
    up->put = up->count == 1 && sched_plan(s, up->first)->kind == PLAN_UPLOAD;
    for (n = up->first; n < up->first + up->count; n++) {
        s->part[n].upload = u;
        s->part[n].ranged = is_ranged(s, n);
        s->part[n].light = is_light(s, n);
    }
}

/* Pieces stand in archive order, so those of one part are neighbours. */
static void
find_pieces(struct sched *s)
{
    uint32_t i;

    for (i = 0; i < s->crcs.pieces; i++) {
        struct sched_part *p = &s->part[s->crcs.piece[i].part];

        if (p->pieces++ == 0)
            p->piece = i;
    }
}

static int
fill(struct sched *s)
{
    const struct plan *p = s->f.plan;
    uint32_t u;

    s->part = calloc((size_t)s->parts + 1, sizeof(*s->part));
    s->upload = calloc(sched_uploads(s), sizeof(*s->upload));
    if (!s->part || !s->upload)
        return -ENOMEM;
    for (u = 0; u < sched_uploads(s); u++)
        init_upload(s, u);
    if (s->f.shared)
        return 0;
    if (member_crc_init(&s->crcs, p, s->f.layout, s->f.checksum,
                        s->f.scratch_checksum) < 0)
        return -ENOMEM;
    find_pieces(s);
    return 0;
}

int
sched_new(struct sched **ret, const struct sched_facts *f)
{
    struct sched *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->f = *f;
    s->w = *f->weights;
    s->trusted = f->trusted || f->shared;
    s->parts = (uint32_t)(f->plan->scratch_parts + f->plan->count);
    s->archive = (uint32_t)f->plan->scratches;
    if (fill(s) < 0) {
        sched_free(s);
        return -ENOMEM;
    }
    s->upload[s->archive].early = true;
    if (f->open)
        sched_have_upload(s, s->archive);
    *ret = s;
    return 0;
}

void
sched_free(struct sched *s)
{
    if (!s)
        return;
    member_crc_free(&s->crcs);
    free(s->part);
    free(s->upload);
    free(s->member);
    free(s->waiter);
    free(s->call.id);
    free(s->ahead.id);
    free(s->body.id);
    free(s->lookup.id);
    free(s);
}

/* --------------------------------------------------- what is there already */

void
sched_have_upload(struct sched *s, uint32_t upload)
{
    s->upload[upload].state = SCHED_OPEN;
    s->upload[upload].put = false;
}

void
sched_have_object(struct sched *s, uint32_t upload)
{
    s->upload[upload].state = SCHED_THERE;
}

/* Parts of uploads that are gone are not there. */
static void
forget_parts(struct sched *s, const struct sched_upload *up)
{
    uint32_t n;

    for (n = up->first; n < up->first + up->count; n++)
        if (up->state == SCHED_THERE)
            s->part[n].state = PART_DONE;
        else if (up->state == SCHED_NOTHING)
            s->part[n].state = PART_WAIT;
}

/* Does u need its sources?  Counts for each who still copies from it. */
static void
count_users(struct sched *s, uint32_t u)
{
    struct sched_upload *up = &s->upload[u], *source;
    uint32_t n;

    for (n = up->first + up->count; n-- > up->first;) {
        const struct plan_part *pp = sched_plan(s, n);

        if (s->part[n].state == PART_DONE)
            continue;
        up->left++;
        if (pp->kind != PLAN_COPY_SCRATCH)
            continue;
        source = &s->upload[pp->scratch];
        source->users_left++;
        s->part[n].user_next = source->users;
        source->users = n + 1;
    }
    s->parts_left += up->left;
}

static void
skip(struct sched *s, const struct sched_upload *up)
{
    uint32_t n;

    for (n = up->first; n < up->first + up->count; n++)
        s->part[n].state = PART_SKIPPED;
}

/* Backwards from the archive, since objects copy from lower numbers only:
 * an object whose users are all there is not needed, nor is what only it
 * was made of. */
static void
find_needed(struct sched *s)
{
    uint32_t u;

    for (u = sched_uploads(s); u-- > 0;) {
        struct sched_upload *up = &s->upload[u];

        forget_parts(s, up);
        up->made = up->state != SCHED_THERE &&
                   (u == s->archive || up->users_left > 0);
        if (up->made)
            count_users(s, u);
        else if (up->state != SCHED_THERE)
            skip(s, up);
    }
}

static void
count_sources(struct sched *s)
{
    uint32_t n;

    for (n = 0; n < s->parts; n++) {
        const struct plan_part *pp = sched_plan(s, n);
        enum sched_state state;

        if (pp->kind != PLAN_COPY_SCRATCH || !sched_is_due(s, n))
            continue;
        state = s->upload[pp->scratch].state;
        sched_upload_of(s, n)->missing += state != SCHED_THERE;
        sched_upload_of(s, n)->unbegun += state == SCHED_NOTHING;
    }
}

/* A store that answers wrong CRCs for ranged copies makes the whole upload
 * worthless: so some such copies go first. */
static void
find_probes(struct sched *s)
{
    const struct sched_upload *up = &s->upload[s->archive];
    uint32_t n, some = 0;

    for (n = up->first; n < up->first + up->count; n++) {
        struct sched_part *p = &s->part[n];

        if (!p->ranged || sched_plan(s, n)->end == sched_plan(s, n)->first)
            continue;
        p->probe = !s->trusted && s->f.checksum;
        if (!p->probe || !sched_is_due(s, n))
            continue;
        s->held = true;
        p->first = some++ == 0 || n - up->first < PROBES;
        if (p->first)
            p->path = UINT64_MAX;
    }
}

/* ---------------------------------------------------------------- paths */

uint64_t
sched_part_time(const struct sched *s, uint32_t n)
{
    const struct plan_part *pp = sched_plan(s, n);
    uint64_t mib = ceil_div_u64(plan_part_len(pp), MIB(1));

    if (pp->kind == PLAN_UPLOAD)
        return s->w.upload + s->w.upload_mib * mib;
    return s->w.copy + s->w.copy_mib * mib;
}

static void
raise(uint64_t *path, uint64_t to)
{
    if (to > *path)
        *path = to;
}

/* From the archive backwards: a part before the COMPLETE of its upload, that
 * before the parts which copy from the object. */
static void
paths_of_objects(struct sched *s)
{
    uint32_t u, n;

    for (u = sched_uploads(s); u-- > 0;) {
        struct sched_upload *up = &s->upload[u];

        if (!up->made)
            continue;
        if (u != s->archive && !up->put)
            up->path +=
                s->w.complete + (uint64_t)s->w.complete_part * up->count;
        for (n = up->first; n < up->first + up->count; n++) {
            uint64_t path = up->path + sched_part_time(s, n);
            const struct plan_part *pp = sched_plan(s, n);

            if (!sched_is_due(s, n))
                continue;
            if (pp->kind == PLAN_COPY_SCRATCH)
                raise(&s->upload[pp->scratch].path, path);
            raise(&s->part[n].path,
                  u == s->archive ? path - path % SECOND : path);
        }
    }
}

/* A copy comes before the upload part that holds its member's header, if
 * nobody is asked for the CRC. */
static void
path_of_piece(struct sched *s, uint32_t member, uint32_t n)
{
    uint64_t time = sched_part_time(s, n), path;
    uint32_t i;

    if (!sched_is_due(s, n))
        return;
    for (i = s->member[member].wait; i < s->member[member + 1].wait; i++) {
        path = time + s->part[s->waiter[i]].path;
        if (s->part[n].upload == s->archive &&
            s->part[s->waiter[i]].upload == s->archive)
            path -= path % SECOND;
        raise(&s->part[n].path, path);
    }
}

static void
paths_of_crcs(struct sched *s)
{
    uint32_t i;

    for (i = 0; s->member && i < s->crcs.pieces; i++) {
        const struct crc_copied *c = &s->crcs.copied[s->crcs.piece[i].copied];

        if (!c->opaque && !s->member[c->member].known &&
            s->member[c->member].kind == ASK_NONE)
            path_of_piece(s, c->member, s->crcs.piece[i].part);
    }
}

static void
paths_of_creates(struct sched *s)
{
    uint32_t n;

    for (n = 0; n < s->parts; n++)
        if (sched_is_due(s, n))
            raise(&sched_upload_of(s, n)->create_path, s->part[n].path);
    for (n = 0; n < s->archive; n++)
        s->upload[n].create_path += s->w.create;
}

/* ----------------------------------------------------------------- heaps */

static uint64_t
call_path(const struct sched *s, uint32_t id)
{
    uint32_t u = id - s->parts;

    if (id < s->parts)
        return s->part[id].path;
    if (u >= sched_uploads(s))
        return s->upload[u - sched_uploads(s)].path;
    return s->upload[u].early ? UINT64_MAX : s->upload[u].create_path;
}

static bool
call_before(const struct sched *s, uint32_t a, uint32_t b)
{
    uint64_t x = call_path(s, a), y = call_path(s, b);

    return x != y ? x > y : a < b;
}

static bool
ahead_before(const struct sched *s, uint32_t a, uint32_t b)
{
    uint64_t x = s->upload[a].create_path, y = s->upload[b].create_path;

    return x != y ? x > y : a < b;
}

static bool
body_before(const struct sched *s, uint32_t a, uint32_t b)
{
    uint64_t x = s->part[a].path, y = s->part[b].path;

    return x != y ? x > y : a < b;
}

/* Of the longest of those that wait for it: there are two or three. */
static uint64_t
lookup_path(const struct sched *s, uint32_t member)
{
    uint64_t path = 0;
    uint32_t i;

    for (i = s->member[member].wait; i < s->member[member + 1].wait; i++)
        raise(&path, s->part[s->waiter[i]].path);
    return path;
}

static bool
lookup_before(const struct sched *s, uint32_t a, uint32_t b)
{
    uint64_t x = lookup_path(s, a), y = lookup_path(s, b);

    return x != y ? x > y : a < b;
}

static int
heaps(struct sched *s)
{
    size_t members = s->member ? s->f.layout->count : 0;
    size_t uploads = sched_uploads(s), bodies = 0;
    uint32_t n;

    for (n = 0; n < s->parts; n++)
        bodies += sched_plan(s, n)->kind == PLAN_UPLOAD && !s->part[n].light;
    s->call.before = call_before;
    s->ahead.before = ahead_before;
    s->body.before = body_before;
    s->lookup.before = lookup_before;
    s->call.id = malloc((s->parts - bodies + 2 * uploads) * sizeof(uint32_t));
    s->ahead.id = malloc(uploads * sizeof(uint32_t));
    s->body.id = malloc((bodies + 1) * sizeof(uint32_t));
    s->lookup.id = malloc((members + 1) * sizeof(uint32_t));
    return s->call.id && s->ahead.id && s->body.id && s->lookup.id ? 0
                                                                   : -ENOMEM;
}

int
sched_begin(struct sched *s, const struct sched_limits *lim)
{
    sched_limits(s, lim);
    find_needed(s);
    count_sources(s);
    find_probes(s);
    if (sched_crc_build(s) < 0 || heaps(s) < 0)
        return -ENOMEM;
    paths_of_objects(s);
    paths_of_crcs(s);
    paths_of_creates(s);
    sched_crc_begin(s);
    sched_start(s);
    return 0;
}
