/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the strategies cost on the sets that doc/planning names, with the
 * bounds that it states; two levels; archives up to the object limit.
 */
#include "test_plan_set.h"

struct known {
    const char *name;
    size_t n;
    uint64_t (*size)(struct rng *r);
    uint64_t writes; /* of chain, at most; 0 = none stated */
};

/* N(5, 1) MiB, clamped to 2..8 */
static uint64_t
article_size(struct rng *r)
{
    uint64_t size = rng_normal(r, MIB(5), MIB(1));

    return min_u64(max_u64(size, MIB(2)), MIB(8));
}

/* One large member to fifteen small ones. */
static uint64_t
small_heavy_size(struct rng *r)
{
    return rng_next(r) % 16 == 0 ? rng_range(r, MIB(5), MIB(25))
                                 : rng_range(r, KIB(512), MIB(4));
}

/* Lognormal, about: median 1 MiB, up to 300. */
static uint64_t
mixed_size(struct rng *r)
{
    return rng_heavy(r, KIB(700));
}

static uint64_t
small_only_size(struct rng *r)
{
    return rng_range(r, MIB(2), MIB(5) - 1);
}

static const struct known sets[] = {
    {"article, 3,000 x N(5, 1) MiB", 3000, article_size, 19542},
    {"small-heavy, 3,000, one in 16 large", 3000, small_heavy_size, 0},
    {"mixed, 600 heavy-tailed", 600, mixed_size, 0},
    {"600 x U(2, 5) MiB", 600, small_only_size, 0},
};

static struct set
known_set(const struct known *k)
{
    struct set s = set_make(1, 0, k->n);
    struct rng r = {11};
    size_t i;

    for (i = 0; i < s.n; i++)
        s.m[i].size = k->size(&r);
    return s;
}

static double
percent(uint64_t part, uint64_t whole)
{
    return 100.0 * (double)part / (double)whole;
}

static void
show(const char *name, const struct plan *p, const struct zip_layout *l)
{
    uint64_t writes;

    assert_int_equal(plan_bound_writes(l, p->totals.uploaded, &writes), 0);
    print_message(
        "  %-7s up %8.4f %% (duo's bound %.2f), copied %5.2f x, "
        "scratch %5.2f x, writes %6llu (bound %5llu), gets %5llu, "
        "row %2u, %6.0f s, %.4f USD\n",
        name, percent(p->totals.uploaded, l->size), percent(p->bound, l->size),
        (double)p->totals.copied / (double)l->size,
        (double)p->totals.scratch / (double)l->size,
        (unsigned long long)plan_writes(&p->totals),
        (unsigned long long)writes, (unsigned long long)p->totals.requests.get,
        p->sequence, p->seconds, p->totals.price_usd);
    assert_true(plan_writes(&p->totals) >= writes);
}

/* No byte of a large member but the archive's first 5 MiB. */
static void
check_stitch(const struct plan *p, const struct zip_layout *l)
{
    uint64_t large = 0, at = 0;
    size_t u, i, n;

    for (u = 0; u <= p->scratches; u++) {
        const struct plan_part *part = plan_upload_parts(p, u, &n);

        for (i = 0; i < n; i++) {
            size_t m;

            if (part[i].kind != PLAN_UPLOAD)
                continue;
            for (m = plan_member_at(l, part[i].first);
                 m < l->count && l->offset[m] < part[i].end; m++) {
                uint64_t first = max_u64(part[i].first, zip_data_offset(l, m));
                uint64_t end = min_u64(part[i].end, l->offset[m + 1]);

                if (l->member[m].size < MIB(5) || first >= end)
                    continue;
                large += end - first;
                at = max_u64(at, end);
            }
        }
    }
    assert_true(large <= MIB(5));
    assert_true(at <= MIB(5));
}

static void
check_chain(const struct plan *p, const struct zip_layout *l,
            const struct known *k, bool by_key)
{
    assert_true(p->totals.uploaded < l->size / 100);
    assert_true(p->totals.copied <= 7 * l->size);
    assert_in_range(p->sequence, 2, 12);
    if (k->writes > 0)
        assert_true(plan_writes(&p->totals) <= k->writes + (by_key ? 50 : 0));
}

static void
strategies(void **state)
{
    size_t i;
    int s, order;

    (void)state;
    for (i = 0; i < 2 * ARRAY_SIZE(sets); i++) {
        const struct known *k = &sets[i / 2];
        struct set set = known_set(k);
        struct plan_ask ask = ask_for(PLAN_PRICE);
        struct plan_choice c;
        struct zip_layout l;
        struct err e = {0};

        order = i % 2;
        if (order == 0)
            assert_int_equal(plan_order_duo(set.m, set.n), 0);
        else
            plan_order_key(set.m, set.n);
        assert_int_equal(zip_layout_init(&l, set.m, set.n), 0);
        assert_int_equal(plan_choose(&c, &l, &ask, &e), 0);
        print_message("%s, order=%s: best by price: %s\n", k->name,
                      order ? "key" : "plan", plan_strategy_name(c.best));
        for (s = 0; s < PLAN_STRATEGIES; s++)
            if (c.why[s].num == 0)
                show(plan_strategy_name((enum plan_strategy)s), &c.plan[s],
                     &l);
        check_stitch(&c.plan[PLAN_STITCH], &l);
        check_chain(&c.plan[PLAN_CHAIN], &l, k, order);
        if (i == 0)
            assert_true((double)c.plan[PLAN_DUO].totals.uploaded <=
                        1.001 * (double)c.plan[PLAN_DUO].bound);
        plan_choice_free(&c);
        zip_layout_free(&l);
        set_free(&set);
    }
}

static void
frontier(void **state)
{
    size_t i, k;

    (void)state;
    for (k = 0; k < 2; k++) {
        struct set set = known_set(&sets[k]);
        struct plan_ask ask = ask_for(PLAN_PRICE);
        struct plan_frontier f;
        struct zip_layout l;
        struct err e = {0};

        assert_int_equal(plan_order_duo(set.m, set.n), 0);
        assert_int_equal(zip_layout_init(&l, set.m, set.n), 0);
        assert_int_equal(plan_frontier(&f, &l, &ask, &e), 0);
        print_message("frontier, %s\n", sets[k].name);
        for (i = 0; i < f.count; i++) {
            show("", &f.plan[i], &l);
            assert_int_equal(plan_check(&f.plan[i], &l, &ask.limits, NULL, &e),
                             0);
        }
        plan_frontier_free(&f);
        zip_layout_free(&l);
        set_free(&set);
    }
}

/* ------------------------------------------------------------- scale */

static void
planned(struct set *s, enum plan_strategy strategy, struct zip_layout *l,
        struct plan *p)
{
    struct err e = {0};

    assert_int_equal(zip_layout_init(l, s->m, s->n), 0);
    if (plan_parts(p, l, &plan_limits_s3, strategy, &e) < 0)
        fail_msg("%s", e.text);
    if (plan_check(p, l, &plan_limits_s3, NULL, &e) < 0)
        fail_msg("%s", e.text);
}

/* More parts than one upload may have: two levels. */
static void
two_levels(void **state)
{
    struct set s = set_make(1, 0, 30000);
    struct rng r = {1};
    struct zip_layout l;
    struct plan p;
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = rng_range(&r, MIB(1), MIB(9));
    planned(&s, PLAN_STITCH, &l, &p);
    assert_in_range(p.count, 1, 10000);
    check_stitch(&p, &l);
    print_message("30,000 members of 1 to 9 MiB: stitch %zu parts, %zu "
                  "scratch objects, row %u, uploaded %.2f %%\n",
                  p.count, p.scratches, p.sequence,
                  percent(p.totals.uploaded, l.size));
    assert_in_range(p.sequence, 3, 4);
    plan_free(&p);
    zip_layout_free(&l);
    planned(&s, PLAN_CHAIN, &l, &p);
    check_chain(&p, &l, &(struct known){.writes = 0}, false);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
}

/* Archives of 48.8 TiB, in few members and in many. */
static void
object_limit(void **state)
{
    static const struct {
        size_t n;
        uint64_t jitter; /* sizes differ by up to so much */
        enum plan_strategy strategy;
    } rows[] = {
        {1, 0, PLAN_DUO},
        {1, 0, PLAN_STITCH},
        {100, GIB(10), PLAN_STITCH},
        {9000, GIB(1), PLAN_STITCH},
        {60000, MIB(300), PLAN_STITCH},
    };
    const uint64_t most = UINT64_C(488) * (UINT64_C(1) << 40) / 10;
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        struct set s = set_make(1, 0, rows[i].n);
        struct rng r = {i};
        struct zip_layout l;
        struct plan p;
        uint64_t left = most - 200 * rows[i].n - 100;

        for (k = 0; k < s.n; k++) {
            uint64_t size = left / (s.n - k);

            if (k + 1 < s.n && rows[i].jitter > 0)
                size += rng_range(&r, 0, rows[i].jitter) - rows[i].jitter / 2;
            s.m[k].size = size;
            left -= size;
        }
        planned(&s, rows[i].strategy, &l, &p);
        assert_true(l.size <= most && l.size > most - MIB(20));
        print_message("48.8 TiB in %zu: %s %zu parts, %zu scratch objects, "
                      "uploaded %.6f %%\n",
                      s.n, plan_strategy_name(p.strategy), p.count,
                      p.scratches, percent(p.totals.uploaded, l.size));
        plan_free(&p);
        zip_layout_free(&l);
        set_free(&s);
    }
}

/* k of n members changed: what is sent grows with k. */
static void
again_grows_with_k(void **state)
{
    static const size_t changes[] = {0, 1, 2, 5, 20, 100};
    struct set s = known_set(&sets[0]);
    struct plan_ask ask = ask_for(PLAN_BYTES);
    struct zip_layout before, l;
    struct plan p;
    struct err e = {0};
    size_t i, k;

    (void)state;
    plan_order_key(s.m, s.n);
    for (i = 0; i < ARRAY_SIZE(changes); i++) {
        struct set now = known_set(&sets[0]);

        plan_order_key(now.m, now.n);
        assert_int_equal(zip_layout_init(&before, s.m, s.n), 0);
        for (k = 0; k < changes[i]; k++) {
            struct zip_member *m = &now.m[(k * 7919 + 13) % now.n];

            m->mtime++;
            m->size += 1000 * (k % 2);
        }
        assert_int_equal(zip_layout_init(&l, now.m, now.n), 0);
        ask.previous = &before;
        assert_int_equal(plan_strategy_make(&p, &l, &ask, PLAN_AGAIN, &e), 0);
        assert_int_equal(plan_check(&p, &l, &plan_limits_s3, &before, &e), 0);
        print_message("%zu of 3,000 changed: again uploads %.1f MB in %llu "
                      "writes\n",
                      changes[i], (double)p.totals.uploaded / 1e6,
                      (unsigned long long)plan_writes(&p.totals));
        /* The central directory, and 10 MiB and 4 parts a member. */
        assert_true(p.totals.uploaded <= MIB(1) + changes[i] * MIB(10));
        assert_true(plan_writes(&p.totals) <= 10 + 4 * changes[i]);
        plan_free(&p);
        zip_layout_free(&l);
        zip_layout_free(&before);
        set_free(&now);
    }
    set_free(&s);
}

/* By bytes, requests and price the strategies stand as predicted. */
static void
predicted_order(void **state)
{
    struct set s = known_set(&sets[0]);
    struct plan_ask ask = ask_for(PLAN_PRICE);
    struct plan_choice c;
    struct zip_layout l;
    struct err e = {0};
    static const enum plan_strategy less[] = {PLAN_CHAIN, PLAN_STITCH,
                                              PLAN_DUO, PLAN_STREAM};
    size_t i;

    (void)state;
    assert_int_equal(plan_order_duo(s.m, s.n), 0);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_choose(&c, &l, &ask, &e), 0);
    for (i = 1; i < ARRAY_SIZE(less); i++) {
        const struct plan_totals *a = &c.plan[less[i - 1]].totals;
        const struct plan_totals *b = &c.plan[less[i]].totals;

        assert_true(a->uploaded < b->uploaded);
        assert_true(a->price_usd < b->price_usd);
        assert_true(plan_writes(a) > plan_writes(b));
    }
    plan_choice_free(&c);
    /* Inside the region bytes cost nothing: fewest requests. */
    ask.prices.per_gb_out = 0;
    assert_int_equal(plan_choose(&c, &l, &ask, &e), 0);
    assert_true(c.best == PLAN_STREAM || c.best == PLAN_DUO);
    plan_choice_free(&c);
    ask.objective = PLAN_BYTES;
    assert_int_equal(plan_choose(&c, &l, &ask, &e), 0);
    assert_true(c.best == PLAN_CHAIN || c.best == PLAN_MIXED);
    assert_int_equal(c.plan[PLAN_MIXED].totals.downloaded, 0);
    assert_true(c.plan[c.best].totals.uploaded < l.size / 10000);
    plan_choice_free(&c);
    zip_layout_free(&l);
    set_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strategies),
        cmocka_unit_test(frontier),
        cmocka_unit_test(two_levels),
        cmocka_unit_test(object_limit),
        cmocka_unit_test(again_grows_with_k),
        cmocka_unit_test(predicted_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
