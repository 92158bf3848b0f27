/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Plans of several uploads: thousands of random sets through every
 * strategy and the judge; the same executed in memory, byte for byte, with
 * small floors; broken plans, which the judge must refuse.
 */
#include "test_plan_set.h"

/* ----------------------------------------------------- a store in memory */

struct object {
    uint8_t *data;
    uint64_t size;
};

/* Bytes of a member depend on its name and mtime. */
static void
fill_body(uint8_t *out, const struct zip_member *m, uint64_t n)
{
    struct rng r = {(uint64_t)m->mtime * 77 + m->name_len};
    uint64_t i;

    for (i = 0; i < m->name_len; i++)
        r.state = r.state * 131 + (uint8_t)m->name[i];
    for (i = 0; i < n; i++)
        out[i] = (uint8_t)rng_next(&r);
}

static struct object
render(const struct zip_layout *l)
{
    struct object o = {malloc(l->size), l->size};
    struct zip_piece p;

    assert_non_null(o.data);
    zip_piece_at(l, 0, &p);
    do {
        if (p.kind == ZIP_PIECE_DATA)
            fill_body(o.data + p.first, &l->member[p.index], p.end - p.first);
        else
            zip_piece_put(o.data + p.first, l, &p, 7);
    } while (zip_piece_next(l, &p));
    return o;
}

static void
put_part(uint8_t *out, const struct plan_part *p, const struct zip_layout *l,
         const struct object *whole, const struct object *scratch,
         const struct object *previous)
{
    uint64_t len = plan_part_len(p);
    uint8_t *body;

    switch (p->kind) {
    case PLAN_UPLOAD:
        memcpy(out, whole->data + p->first, len);
        return;
    case PLAN_COPY:
        body = malloc(l->member[p->member].size + 1);
        assert_non_null(body);
        fill_body(body, &l->member[p->member], l->member[p->member].size);
        memcpy(out, body + p->from, len);
        free(body);
        return;
    case PLAN_COPY_SCRATCH:
        assert_true(p->from + len <= scratch[p->scratch].size);
        memcpy(out, scratch[p->scratch].data + p->from, len);
        return;
    case PLAN_COPY_PREVIOUS:
        assert_true(p->from + len <= previous->size);
        memcpy(out, previous->data + p->from, len);
        return;
    }
}

/* Runs every upload of p; the final object must be the archive. */
static void
execute(const struct plan *p, const struct zip_layout *l,
        const struct object *previous)
{
    struct object whole = render(l), *o;
    size_t u, i, n;

    o = calloc(p->scratches + 1, sizeof(*o));
    assert_non_null(o);
    for (u = 0; u <= p->scratches; u++) {
        const struct plan_part *part = plan_upload_parts(p, u, &n);

        for (i = 0; i < n; i++)
            o[u].size += plan_part_len(&part[i]);
        o[u].data = malloc(o[u].size);
        assert_non_null(o[u].data);
        o[u].size = 0;
        for (i = 0; i < n; i++) {
            put_part(o[u].data + o[u].size, &part[i], l, &whole, o, previous);
            o[u].size += plan_part_len(&part[i]);
        }
    }
    u = p->scratches;
    assert_true(o[u].size == whole.size);
    assert_memory_equal(o[u].data, whole.data, whole.size);
    for (u = 0; u <= p->scratches; u++)
        free(o[u].data);
    free(o);
    free(whole.data);
}

/* ------------------------------------------------------------ random sets */

static void
judge(const struct plan *p, const struct zip_layout *l,
      const struct plan_limits *lim, const struct zip_layout *previous)
{
    struct err e = {0};

    if (plan_check(p, l, lim, previous, &e) < 0)
        fail_msg("%s", e.text);
}

static void
judge_writes(const struct plan *p, const struct zip_layout *l)
{
    uint64_t least;

    assert_int_equal(plan_bound_writes(l, p->totals.uploaded, &least), 0);
    if (plan_writes(&p->totals) < least)
        fail_msg("%s: %d writes, bound %d", plan_strategy_name(p->strategy),
                 (int)plan_writes(&p->totals), (int)least);
}

static struct plan_ask
ask_of(const struct plan_limits *lim, struct rng *r)
{
    return (struct plan_ask){
        .limits = *lim,
        .prices = plan_prices_aws,
        .rates = plan_rates_default,
        .objective = (enum plan_objective)(rng_next(r) % 3),
    };
}

/* Some members of s changed, left out or added: the previous archive. */
static struct set
earlier(const struct set *s, struct rng *r)
{
    struct set old = {.m = calloc(s->n + 1, sizeof(*old.m))};
    size_t i;

    assert_non_null(old.m);
    for (i = 0; i < s->n; i++) {
        uint64_t how = rng_next(r) % 20;

        if (how == 0)
            continue; /* added since */
        old.m[old.n] = s->m[i];
        if (how == 1)
            old.m[old.n].mtime++;
        if (how == 2) {
            old.m[old.n].size += 1 + rng_next(r) % 100;
            old.m[old.n].mtime++;
        }
        old.n++;
    }
    return old;
}

/* Plans s in every way; how many strategies had a plan. */
static int
all_ways(struct set *s, const struct plan_limits *lim, struct rng *r, bool run)
{
    struct plan_ask ask = ask_of(lim, r);
    struct set old = earlier(s, r);
    struct zip_layout l, before;
    struct plan_choice c;
    struct object previous;
    struct err e = {0};
    int i, got, plans = 0;

    assert_int_equal(zip_layout_init(&l, s->m, s->n), 0);
    assert_int_equal(zip_layout_init(&before, old.m, old.n), 0);
    previous = run ? render(&before) : (struct object){NULL, 0};
    ask.previous = &before;
    got = plan_choose(&c, &l, &ask, &e);
    if (got < 0 && got != -EFBIG)
        fail_msg("%s", e.text);
    for (i = 0; got == 0 && i < PLAN_STRATEGIES; i++) {
        if (c.why[i].num != 0) {
            assert_int_equal(c.why[i].num, EFBIG);
            continue;
        }
        judge(&c.plan[i], &l, lim, &before);
        if (lim->part_min == MIB(5) && i != PLAN_AGAIN)
            judge_writes(&c.plan[i], &l);
        assert_int_equal(c.plan[i].strategy, i);
        assert_true(!plan_better(&c.plan[i], &c.plan[c.best], ask.objective));
        if (run)
            execute(&c.plan[i], &l, &previous);
        plans++;
    }
    if (got == 0)
        plan_choice_free(&c);
    free(previous.data);
    zip_layout_free(&before);
    zip_layout_free(&l);
    free(old.m);
    return plans;
}

/* Floors of some hundred bytes, so that the bytes fit memory. */
static void
executed_in_memory(void **state)
{
    struct rng r = {2026};
    int turn;

    (void)state;
    for (turn = 0; turn < 1000; turn++) {
        size_t n = rng_range(&r, 0, 40), i;
        struct set s = set_make((uint64_t)turn, 0, n);
        struct plan_limits lim = {
            .part_min = rng_range(&r, 100, 1500),
            .object_max = GIB(1),
            .parts_max = (uint32_t)rng_range(&r, 60, 400),
        };
        uint64_t most = 1 + lim.part_min * rng_range(&r, 1, 80) / 8;

        lim.part_max = lim.part_min * rng_range(&r, 8, 60);
        lim.upload_cap = lim.part_min * rng_range(&r, 2, 4);
        lim.copy_split = lim.part_min * rng_range(&r, 2, 30);
        for (i = 0; i < n; i++) {
            s.m[i].size = rng_next(&r) % most;
            if (rng_next(&r) % 30 == 0)
                s.m[i].size *= 20;
            s.m[i].mtime = 1000000000;
        }
        assert_int_equal(all_ways(&s, &lim, &r, true), PLAN_STRATEGIES);
        set_free(&s);
    }
}

/* Whatever limits are legal, the least ones as well. */
static struct plan_limits
legal_limits(struct rng *r)
{
    struct plan_limits lim = {.part_min = rng_range(r, 1, 600)};

    lim.part_max = lim.part_min * 2;
    if (rng_next(r) % 3 > 0)
        lim.part_max += rng_range(r, 0, 20 * lim.part_min);
    lim.object_max = 3 * lim.part_max;
    if (rng_next(r) % 3 > 0)
        lim.object_max += rng_range(r, 0, MIB(1));
    lim.upload_cap = rng_range(r, 0, 2 * lim.part_max);
    lim.copy_split = rng_range(r, 0, 2 * lim.part_max);
    lim.parts_max = (uint32_t)rng_range(r, 3, 3 << rng_next(r) % 8);
    return lim;
}

static void
random_limits(void **state)
{
    struct rng r = {2027};
    int turn, plans = 0, turns = 3000;

    (void)state;
    for (turn = 0; turn < turns; turn++) {
        size_t n = rng_range(&r, 0, 30), i;
        struct set s = set_make((uint64_t)turn, 0, n);
        struct plan_limits lim = legal_limits(&r);
        uint64_t most = 1 + lim.part_min * rng_range(&r, 1, 40) / 8;
        struct err e = {0};

        assert_int_equal(plan_limits_check(&lim, &e), 0);
        for (i = 0; i < n; i++) {
            s.m[i].size = rng_next(&r) % most;
            if (rng_next(&r) % 10 == 0)
                s.m[i].size = lim.part_min * rng_range(&r, 1, 12);
            s.m[i].mtime = 1000000000;
        }
        plans += all_ways(&s, &lim, &r, true);
        set_free(&s);
    }
    print_message("%d plans for %d sets with limits of their own\n", plans,
                  turns);
    assert_true(plans > 3 * turns);
}

static void
refused(const struct plan_limits *lim)
{
    struct plan_ask ask = {.limits = *lim, .rates = plan_rates_default};
    struct set s = set_make(1, 0, 3);
    struct plan_frontier f;
    struct plan_choice c;
    struct zip_layout l;
    struct plan p;
    struct err e = {0};

    assert_int_equal(plan_limits_check(lim, &e), -EINVAL);
    assert_int_equal(e.num, EINVAL);
    assert_memory_equal(e.text, "limits: ", 8);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_parts(&p, &l, lim, PLAN_DUO, &e), -EINVAL);
    assert_int_equal(plan_strategy_make(&p, &l, &ask, PLAN_MIXED, &e),
                     -EINVAL);
    assert_int_equal(plan_choose(&c, &l, &ask, &e), -EINVAL);
    assert_int_equal(plan_frontier(&f, &l, &ask, &e), -EINVAL);
    zip_layout_free(&l);
    set_free(&s);
}

/* One step beyond each limit that plan.h states. */
static void
illegal_limits(void **state)
{
    struct plan_limits lim = plan_limits_s3;
    struct err e = {0};

    (void)state;
    assert_int_equal(plan_limits_check(&lim, &e), 0);
    lim.part_min = 0;
    refused(&lim);
    lim.part_min = lim.part_max / 2;
    assert_int_equal(plan_limits_check(&lim, &e), 0);
    lim.part_min++;
    refused(&lim);
    lim = plan_limits_s3;
    lim.object_max = 3 * lim.part_max;
    assert_int_equal(plan_limits_check(&lim, &e), 0);
    lim.object_max--;
    refused(&lim);
    lim.object_max = (uint64_t)INT64_MAX + 1;
    refused(&lim);
    lim.object_max = INT64_MAX;
    lim.part_max = UINT64_C(1) << 50;
    assert_int_equal(plan_limits_check(&lim, &e), 0);
    lim.part_max++;
    refused(&lim);
    lim = plan_limits_s3;
    lim.parts_max = 3;
    assert_int_equal(plan_limits_check(&lim, &e), 0);
    lim.parts_max = 2;
    refused(&lim);
    lim.parts_max = (1 << 20) + 1;
    refused(&lim);
}

static void
random_sets(void **state)
{
    struct rng r = {5};
    int i;

    (void)state;
    for (i = 0; i < 1100; i++) {
        struct set s = set_make((uint64_t)i, (unsigned)i % SET_KINDS,
                                rng_range(&r, 0, 120));

        if (i & 1)
            assert_int_equal(plan_order_duo(s.m, s.n), 0);
        else
            plan_order_key(s.m, s.n);
        all_ways(&s, &plan_limits_s3, &r, false);
        set_free(&s);
    }
}

/* ---------------------------------------------------------- broken plans */

typedef void breakage(struct plan *p);

static void
break_gap(struct plan *p)
{
    p->part[0].end--;
}

static void
break_source(struct plan *p)
{
    size_t i;

    for (i = 0; p->part[i].kind == PLAN_UPLOAD; i++)
        ;
    p->part[i].from++;
}

static void
break_cycle(struct plan *p)
{
    size_t i;

    for (i = 0; i < p->scratch_parts; i++)
        if (p->scratch_part[i].kind == PLAN_COPY_SCRATCH)
            p->scratch_part[i].scratch = (uint32_t)p->scratches - 1;
}

static void
break_floor(struct plan *p)
{
    struct plan_part *q = p->scratch_part + p->scratch[0].part;

    q[0].pad -= 1;
    p->scratch[0].pad -= 1;
    p->totals.scratch -= 1;
}

static void
break_depth(struct plan *p)
{
    p->scratch[p->scratches - 1].depth++;
}

static void
break_bytes(struct plan *p)
{
    p->totals.scratch++;
}

static void
break_end(struct plan *p)
{
    p->count--;
}

static void
broken_plans(void **state)
{
    static breakage *const all[] = {break_gap,   break_source, break_cycle,
                                    break_floor, break_depth,  break_bytes,
                                    break_end};
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(all); i++) {
        struct set s = set_make(3, 6, 40);
        struct zip_layout l;
        struct plan p;
        struct err e = {0};

        for (k = 0; k < s.n; k++)
            s.m[k].size = k % 4 == 3 ? MIB(12) : MIB(2);
        assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
        assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_CHAIN, &e),
                         0);
        judge(&p, &l, &plan_limits_s3, NULL);
        all[i](&p);
        if (plan_check(&p, &l, &plan_limits_s3, NULL, &e) != -EINVAL)
            fail_msg("breakage %zu was not seen", i);
        plan_free(&p);
        zip_layout_free(&l);
        set_free(&s);
    }
}

/* S3 copies no range of a source of 5 MiB or less, and its whole is one. */
static void
no_range_of_small_sources(void **state)
{
    static const uint64_t sizes[] = {4000000, MIB(5) - 1, MIB(5), 3000000,
                                     100};
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct set s = set_make(3, 6, 10);
        struct plan_ask ask = ask_for(PLAN_BYTES);
        struct plan_choice c;
        struct zip_layout l;
        struct err e = {0};
        int n;

        for (k = 0; k < s.n; k++)
            s.m[k].size = sizes[i];
        assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
        ask.previous = &l;
        assert_int_equal(plan_choose(&c, &l, &ask, &e), 0);
        for (n = 0; n < PLAN_STRATEGIES; n++)
            judge(&c.plan[n], &l, &ask.limits, &l);
        plan_choice_free(&c);
        zip_layout_free(&l);
        set_free(&s);
    }
}

/* The judge sees it: in a copy of a member, of a scratch object, of the
 * previous archive. */
static void
small_range_is_refused(void **state)
{
    static const enum plan_kind kinds[] = {PLAN_COPY, PLAN_COPY_SCRATCH,
                                           PLAN_COPY_PREVIOUS};
    struct set s = set_make(3, 6, 2);
    struct zip_layout l, before;
    struct err e = {0};
    size_t i;

    (void)state;
    s.m[0].size = s.m[1].size = MIB(3);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(zip_layout_init(&before, s.m, 1), 0);
    for (i = 0; i < ARRAY_SIZE(kinds); i++) {
        uint64_t data = zip_data_offset(&l, 1), last = l.size - MIB(1);
        uint64_t from = kinds[i] == PLAN_COPY ? last - data : 0;
        struct plan_part scratch = {.first = last, .end = l.size};
        struct plan_upload up = {last, l.size, 0, 0, 1, 1};
        struct plan_part part[] = {
            {.first = 0, .end = last},
            {.first = last,
             .end = last + KIB(100),
             .member = 1,
             .from = from,
             .kind = kinds[i]},
        };
        struct plan p = {.part = part,
                         .count = 2,
                         .scratch = &up,
                         .scratches = 1,
                         .scratch_part = &scratch,
                         .scratch_parts = 1};

        assert_int_equal(plan_check(&p, &l, &plan_limits_s3, &before, &e),
                         -EINVAL);
        assert_non_null(strstr(e.text, "too small"));
    }
    zip_layout_free(&before);
    zip_layout_free(&l);
    set_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(executed_in_memory),
        cmocka_unit_test(random_limits),
        cmocka_unit_test(illegal_limits),
        cmocka_unit_test(random_sets),
        cmocka_unit_test(broken_plans),
        cmocka_unit_test(no_range_of_small_sources),
        cmocka_unit_test(small_range_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
