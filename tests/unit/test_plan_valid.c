/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An independent judge of plans: it shares no code with what makes them nor
 * with plan_check.  Every upload is followed as a store would do it: each
 * object is a list of pieces (a range of a member, of a local header, of the
 * central directory, or of a pad), a copy takes a slice of its source's
 * list, and the final object must be the archive's list.
 *
 * A sample of sets in seconds; S3ZIPFS_LONG=1 for thousands.
 */
#include "test_plan_set.h"

/* ------------------------------------------------------------- pieces */

enum what { BODY, HEADER, DIRECTORY };

struct piece {
    enum what what;
    size_t id;      /* of the member */
    uint64_t first; /* in the body, in the header, in the archive */
    uint64_t len;
};

struct pieces {
    struct piece *at;
    size_t n, cap;
    uint64_t len;
};

static void
append(struct pieces *to, struct piece p)
{
    struct piece *last = to->n ? &to->at[to->n - 1] : NULL;

    if (p.len == 0)
        return;
    to->len += p.len;
    if (last && last->what == p.what && last->id == p.id &&
        last->first + last->len == p.first) {
        last->len += p.len;
        return;
    }
    if (to->n == to->cap) {
        to->cap = to->cap ? 2 * to->cap : 8;
        to->at = realloc(to->at, to->cap * sizeof(*to->at));
        assert_non_null(to->at);
    }
    to->at[to->n++] = p;
}

static void
append_slice(struct pieces *to, const struct pieces *from, uint64_t first,
             uint64_t len)
{
    uint64_t end = first + len, at = 0;
    size_t i;

    assert_true(end <= from->len);
    for (i = 0; i < from->n && at < end; i++) {
        struct piece p = from->at[i];
        uint64_t stop = at + p.len;

        if (stop > first) {
            uint64_t cut = first > at ? first - at : 0;

            p.first += cut;
            p.len = (stop < end ? stop : end) - at - cut;
            append(to, p);
        }
        at = stop;
    }
}

/* A member by another number, UINT32_MAX if it is not the same one. */
typedef size_t rename_fn(const void *user, size_t member);

static struct pieces
archive_of(const struct zip_layout *l, rename_fn *name, const void *user)
{
    struct pieces all = {0};
    size_t i;

    for (i = 0; i < l->count; i++) {
        uint64_t size = l->member[i].size;
        size_t id = name ? name(user, i) : i;

        append(&all, (struct piece){HEADER, id, 0,
                                    l->offset[i + 1] - l->offset[i] - size});
        append(&all, (struct piece){BODY, id, 0, size});
    }
    append(&all, (struct piece){DIRECTORY, name ? 1 : 0, l->offset[l->count],
                                l->size - l->offset[l->count]});
    return all;
}

/* ----------------------------------------------------------- previous */

struct pair {
    const struct zip_layout *now, *before;
};

/* A header of the previous archive is today's if the member is the same and
 * stands on the same side of 4 GiB. */
static size_t
now_of(const void *user, size_t member)
{
    const struct pair *p = user;
    const struct zip_member *m = &p->before->member[member];
    size_t i;

    for (i = 0; i < p->now->count; i++) {
        const struct zip_member *n = &p->now->member[i];

        if (n->name_len == m->name_len &&
            memcmp(n->name, m->name, n->name_len) == 0)
            return n->size == m->size && n->mtime == m->mtime
                       ? i
                       : SIZE_MAX - member;
    }
    return SIZE_MAX - member;
}

/* ------------------------------------------------------------- a plan */

struct valid {
    const struct plan *p;
    const struct zip_layout *l;
    const struct plan_limits *lim;
    struct pieces archive, before;
    struct pieces *object; /* of scratch, then the final one */
    uint32_t *row;
    bool *used;
    const char *name;
    struct plan_totals seen;
};

static void
bad(const struct valid *v, size_t u, size_t i, const char *what)
{
    fail_msg("%s, %s: upload %zu of %zu, part %zu: %s", v->name,
             plan_strategy_name(v->p->strategy), u + 1, v->p->scratches + 1,
             i + 1, what);
}

static void
count_part(struct valid *v, const struct plan_part *p, uint64_t len)
{
    size_t i;

    if (p->kind != PLAN_UPLOAD) {
        v->seen.copied += len;
        v->seen.requests.copy++;
        return;
    }
    v->seen.uploaded += len;
    v->seen.requests.upload++;
    for (i = 0; i < v->l->count; i++) {
        uint64_t end = v->l->offset[i + 1];
        uint64_t first = end - v->l->member[i].size;

        if (first < p->first)
            first = p->first;
        if (end > p->end)
            end = p->end;
        if (first < end)
            v->seen.downloaded += end - first;
    }
}

/* Where a copy takes its bytes. */
static void
copy_from(struct valid *v, size_t u, size_t i, const struct plan_part *p,
          uint64_t len)
{
    const struct pieces *source = NULL;
    struct pieces body = {0};

    if (p->kind == PLAN_COPY_SCRATCH) {
        if (p->scratch >= u || p->scratch >= v->p->scratches)
            bad(v, u, i, "a later object");
        source = &v->object[p->scratch];
        v->used[p->scratch] = true;
        if (v->row[u] < v->row[p->scratch])
            v->row[u] = v->row[p->scratch];
    } else if (p->kind == PLAN_COPY_PREVIOUS) {
        source = &v->before;
    } else {
        if (p->member >= v->l->count)
            bad(v, u, i, "no such member");
        append(&body, (struct piece){BODY, p->member, 0,
                                     v->l->member[p->member].size});
        source = &body;
    }
    if (p->from > source->len || len > source->len - p->from)
        bad(v, u, i, "beyond the source");
    if (len < source->len && source->len <= v->lim->part_min)
        bad(v, u, i, "a range of a small source");
    append_slice(&v->object[u], source, p->from, len);
    free(body.at);
}

static void
upload(struct valid *v, size_t u, const struct plan_part *part, size_t n)
{
    size_t i;

    if (n == 0 || n > v->lim->parts_max)
        bad(v, u, 0, "number of parts");
    for (i = 0; i < n; i++) {
        const struct plan_part *p = &part[i];
        uint64_t len = p->pad + p->end - p->first;

        if (p->end < p->first || len == 0 || len > v->lim->part_max ||
            (i + 1 < n && len < v->lim->part_min))
            bad(v, u, i, "length");
        count_part(v, p, len);
        if (p->kind != PLAN_UPLOAD)
            copy_from(v, u, i, p, len);
        else if (p->pad > 0 || p->end > v->archive.len)
            bad(v, u, i, "not of the archive");
        else
            append_slice(&v->object[u], &v->archive, p->first, len);
    }
    v->row[u]++;
    if (n == 1 && part[0].kind == PLAN_UPLOAD)
        return;
    v->seen.requests.create++;
    v->seen.requests.complete++;
}

static bool
same(const struct pieces *a, const struct pieces *b)
{
    size_t i;

    if (a->len != b->len || a->n != b->n)
        return false;
    for (i = 0; i < a->n; i++)
        if (a->at[i].what != b->at[i].what || a->at[i].id != b->at[i].id ||
            a->at[i].first != b->at[i].first || a->at[i].len != b->at[i].len)
            return false;
    return true;
}

static void
check_totals(const struct valid *v)
{
    const struct plan_totals *t = &v->p->totals, *s = &v->seen;

    if (t->uploaded != s->uploaded || t->copied != s->copied ||
        t->downloaded != s->downloaded || t->scratch != s->scratch)
        bad(v, v->p->scratches, 0, "bytes");
    if (t->requests.upload != s->requests.upload ||
        t->requests.copy != s->requests.copy ||
        t->requests.create != s->requests.create ||
        t->requests.complete != s->requests.complete ||
        t->requests.remove != v->p->scratches)
        bad(v, v->p->scratches, 0, "write requests");
}

/* Fails the test with words if p is not what it says. */
static void
follow(const char *name, const struct plan *p, const struct zip_layout *l,
       const struct plan_limits *lim, const struct zip_layout *before)
{
    struct pair pair = {l, before};
    size_t n = p->scratches, u;
    struct valid v = {
        .p = p,
        .l = l,
        .lim = lim,
        .name = name,
        .archive = archive_of(l, NULL, NULL),
        .object = calloc(n + 1, sizeof(*v.object)),
        .row = calloc(n + 1, sizeof(*v.row)),
        .used = calloc(n + 1, sizeof(*v.used)),
    };

    assert_true(v.object && v.row && v.used);
    if (p->strategy == PLAN_AGAIN)
        v.before = archive_of(before, now_of, &pair);
    for (u = 0; u < n; u++) {
        const struct plan_upload *s = &p->scratch[u];

        upload(&v, u, p->scratch_part + s->part, s->count);
        v.seen.scratch += v.object[u].len;
        if (v.object[u].len > lim->object_max)
            bad(&v, u, 0, "object size");
    }
    upload(&v, n, p->part, p->count);
    if (!same(&v.object[n], &v.archive))
        bad(&v, n, 0, "other bytes than the archive's");
    if (v.row[n] != p->sequence)
        bad(&v, n, 0, "uploads in sequence");
    for (u = 0; u < n; u++)
        if (!v.used[u])
            bad(&v, u, 0, "made for nothing");
    check_totals(&v);
    for (u = 0; u <= n; u++)
        free(v.object[u].at);
    free(v.object);
    free(v.row);
    free(v.used);
    free(v.archive.at);
    free(v.before.at);
}

/* --------------------------------------------------------------- sets */

/* Around every limit there is. */
static uint64_t
nasty_size(struct rng *r, uint64_t floor)
{
    const uint64_t edge[] = {0,
                             1,
                             floor - 1,
                             floor,
                             floor + 1,
                             2 * floor - 60,
                             2 * floor - 1,
                             2 * floor,
                             2 * floor + 1,
                             8 * floor - 1,
                             8 * floor,
                             floor / 2,
                             floor / 3,
                             4000000 * floor / MIB(5)};
    uint64_t size = edge[rng_next(r) % ARRAY_SIZE(edge)];

    return rng_next(r) % 4 ? size : size + rng_next(r) % 3;
}

static struct plan_limits
some_limits(struct rng *r, int turn)
{
    struct plan_limits lim = plan_limits_s3;

    if (turn % 3 == 0)
        return lim;
    lim.part_min = rng_range(r, 60, 3000);
    lim.part_max = lim.part_min * rng_range(r, 2, 60);
    lim.object_max = 3 * lim.part_max + rng_range(r, 0, MIB(100));
    lim.upload_cap = lim.part_min * rng_range(r, 1, 5);
    lim.copy_split = lim.part_min * rng_range(r, 1, 30);
    lim.parts_max = (uint32_t)rng_range(r, 3, 3 << rng_next(r) % 9);
    lim.copies_max = (uint32_t)rng_range(r, 0, 30);
    return lim;
}

static void
fill(struct set *s, struct rng *r, const struct plan_limits *lim, int turn)
{
    uint64_t one = nasty_size(r, lim->part_min);
    uint64_t most = lim->part_min * rng_range(r, 1, 80) / 8;
    size_t i;

    for (i = 0; i < s->n; i++) {
        s->m[i].mtime = 1000000000;
        if (turn % 7 == 1)
            s->m[i].size = one; /* all alike */
        else if (turn % 7 < 4 || lim->part_min != MIB(5))
            s->m[i].size = rng_next(r) % 3 ? nasty_size(r, lim->part_min)
                                           : rng_next(r) % (most + 1);
        if (rng_next(r) % 40 == 0)
            s->m[i].size *= 1 + rng_next(r) % 900;
    }
}

/* Members changed, added and gone since. */
static struct set
earlier(const struct set *s, struct rng *r)
{
    struct set old = {.m = calloc(s->n + 1, sizeof(*old.m))};
    size_t i;

    assert_non_null(old.m);
    for (i = 0; i < s->n; i++) {
        unsigned how = (unsigned)(rng_next(r) % 24);

        if (how == 0)
            continue;
        old.m[old.n] = s->m[i];
        old.m[old.n].mtime += how == 1;
        old.m[old.n].size += how == 2 ? 1 : 0;
        old.n++;
    }
    return old;
}

static int
all_plans(const char *name, struct set *s, const struct plan_limits *lim,
          struct rng *r)
{
    struct set old = earlier(s, r);
    struct zip_layout l, before;
    int o, i, plans = 0;

    assert_int_equal(zip_layout_init(&l, s->m, s->n), 0);
    assert_int_equal(zip_layout_init(&before, old.m, old.n), 0);
    for (o = PLAN_TIME; o <= PLAN_BYTES; o++) {
        struct plan_ask ask = ask_for((enum plan_objective)o);
        struct err e = {0};

        ask.limits = *lim;
        ask.previous = &before;
        for (i = 0; i < PLAN_STRATEGIES; i++) {
            struct plan p;
            int got =
                plan_strategy_make(&p, &l, &ask, (enum plan_strategy)i, &e);

            if (got == -EFBIG)
                continue;
            if (got < 0)
                fail_msg("%s: %s", name, e.text);
            follow(name, &p, &l, lim, &before);
            plan_free(&p);
            plans++;
        }
    }
    zip_layout_free(&before);
    zip_layout_free(&l);
    free(old.m);
    return plans;
}

static void
followed(void **state)
{
    int turns = getenv("S3ZIPFS_LONG") ? 6000 : 300, turn, plans = 0;
    struct rng r = {20261201};

    (void)state;
    for (turn = 0; turn < turns; turn++) {
        struct plan_limits lim = some_limits(&r, turn);
        struct set s = set_make(rng_next(&r), (unsigned)turn % SET_KINDS,
                                rng_range(&r, 0, turn % 10 ? 40 : 200));
        char name[40];

        fill(&s, &r, &lim, turn);
        snprintf(name, sizeof(name), "set %d", turn);
        if (rng_next(&r) % 2)
            assert_int_equal(plan_order_duo(s.m, s.n), 0);
        else
            plan_order_key(s.m, s.n);
        plans += all_plans(name, &s, &lim, &r);
        set_free(&s);
    }
    print_message("%d plans of %d sets followed\n", plans, turns);
    assert_true(plans > 8 * turns);
}

/* More parts than an upload has, and 4 GiB passed. */
static void
followed_levels(void **state)
{
    static const struct {
        size_t n;
        uint64_t low, high;
    } rows[] = {{12, GIB(1), GIB(9)}, {700, KIB(10), MIB(12)}};
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        struct set s = set_make(i, 0, rows[i].n);
        struct plan_limits lim = plan_limits_s3;
        struct rng r = {i};

        lim.parts_max = i == 1 ? 300 : lim.parts_max;
        for (k = 0; k < s.n; k++)
            s.m[k].size = rng_range(&r, rows[i].low, rows[i].high);
        plan_order_key(s.m, s.n);
        assert_true(all_plans("levels", &s, &lim, &r) > 5);
        set_free(&s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(followed),
        cmocka_unit_test(followed_levels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
