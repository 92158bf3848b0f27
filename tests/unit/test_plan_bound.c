/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The lower bound against the true optimum of tiny sets: every order, and
 * the best copies of each (which test_plan_parts checks by brute force).
 */
#include "test_plan_set.h"

enum { MOST = 6 };

struct tiny {
    struct plan_key key[MOST];
    size_t n;
    uint64_t floor, least;
};

/* Uploaded bytes of one order, no central directory. */
static uint64_t
uploaded(const struct tiny *t, const size_t *order)
{
    static const struct plan_toll none;
    struct plan_body body[MOST];
    struct plan_range range[MOST];
    uint64_t at = 0, copied = 0;
    size_t i, n = 0, count = 0;

    for (i = 0; i < t->n; i++) {
        const struct plan_key *k = &t->key[order[i]];

        at += k->head;
        if (k->size >= t->floor)
            body[n++] = (struct plan_body){
                .first = at, .end = at + k->size, .member = (uint32_t)i};
        at += k->size;
    }
    assert_int_equal(plan_copies(body, n, &none, t->floor, range, &count), 0);
    for (i = 0; i < count; i++)
        copied += range[i].end - range[i].first;
    return at - copied;
}

static void
all_orders(struct tiny *t, size_t *order, size_t done)
{
    size_t i;

    if (done == t->n) {
        t->least = min_u64(t->least, uploaded(t, order));
        return;
    }
    for (i = done; i < t->n; i++) {
        size_t swap = order[done];

        order[done] = order[i];
        order[i] = swap;
        all_orders(t, order, done + 1);
        order[i] = order[done];
        order[done] = swap;
    }
}

static uint64_t
bound_of(struct tiny *t)
{
    struct plan_key sorted[MOST], scratch[MOST];
    struct plan_bound_set b;
    uint64_t least;

    memcpy(sorted, t->key, sizeof(sorted));
    plan_sort_keys(sorted, scratch, t->n);
    assert_int_equal(plan_bound_init(&b, sorted, t->n, t->floor, MOST), 0);
    least = plan_bound_least(&b);
    plan_bound_free(&b);
    return least;
}

static int
one_set(struct rng *r)
{
    struct tiny t = {.n = rng_range(r, 1, MOST), .least = UINT64_MAX};
    size_t order[MOST], i;
    uint64_t most, bound;

    t.floor = rng_range(r, 8, 40);
    most = t.floor * rng_range(r, 1, 5);
    for (i = 0; i < t.n; i++) {
        t.key[i].size = rng_range(r, 0, most);
        t.key[i].head = (uint32_t)rng_range(r, 1, 3);
        t.key[i].index = (uint32_t)i;
        order[i] = i;
    }
    all_orders(&t, order, 0);
    bound = bound_of(&t);
    assert_true(bound <= t.least);
    return bound == t.least;
}

static void
bound_brute_force(void **state)
{
    struct rng r = {2026};
    int i, equal = 0, sets = 1500;

    (void)state;
    for (i = 0; i < sets; i++)
        equal += one_set(&r);
    print_message("bound = optimum in %d of %d tiny sets\n", equal, sets);
    assert_true(equal > sets * 8 / 10);
}

/* The binary search in z finds what trying every z finds. */
static uint64_t
slow_bound(const struct plan_key *key, size_t n, uint64_t floor)
{
    uint64_t total = 0, head = 0, least, sum = 0, large = 0;
    size_t i, k, z, nb = 0;

    for (i = 0; i < n; i++) {
        total += key[i].size + key[i].head;
        head = max_u64(head, key[i].head);
        nb += key[i].size >= floor;
        large += key[i].size >= floor ? key[i].size : 0;
    }
    least = total;
    for (k = 1; k <= nb; k++) {
        size_t rest = n - k, left = nb - k;

        sum += key[k - 1].size;
        for (z = k > rest ? k - rest : 0; z <= k; z++) {
            size_t a = 2 * (k - z) > rest ? 2 * (k - z) - rest : 0;
            uint64_t don = (floor - head) * z, up;

            for (i = k; i < k + a; i++)
                if (key[i].size + 2 * head < floor)
                    don += floor - key[i].size - 2 * head;
            if (don > sum - k * floor)
                continue;
            up = large - sum + (k > left ? floor * (k - left) : 0);
            up = max_u64(max_u64(up, k * floor), total - sum + don);
            if (2 * k * floor <= total)
                least = min_u64(least, up);
        }
    }
    return least;
}

static void
bound_every_z(void **state)
{
    struct rng r = {5};
    int turn;

    (void)state;
    for (turn = 0; turn < 400; turn++) {
        struct plan_key key[60], scratch[60];
        size_t n = rng_range(&r, 1, 60), i;
        uint64_t floor = rng_range(&r, 50, 1000);
        uint64_t most = floor * rng_range(&r, 1, 6);
        struct plan_bound_set b;

        for (i = 0; i < n; i++)
            key[i] = (struct plan_key){.size = rng_range(&r, 0, most),
                                       .head = (uint32_t)rng_range(&r, 3, 9),
                                       .index = (uint32_t)i};
        plan_sort_keys(key, scratch, n);
        assert_int_equal(plan_bound_init(&b, key, n, floor, n), 0);
        assert_int_equal(plan_bound_least(&b), slow_bound(key, n, floor));
        plan_bound_free(&b);
    }
}

static void
bound_counts_the_directory(void **state)
{
    struct set s = set_make(1, 0, 3);
    struct zip_layout l;
    uint64_t bound;
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = 1000;
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_bound(&l, &bound), 0);
    assert_true(bound == l.size);
    zip_layout_free(&l);
    assert_int_equal(zip_layout_init(&l, s.m, 0), 0);
    assert_int_equal(plan_bound(&l, &bound), 0);
    assert_true(bound == 22);
    zip_layout_free(&l);
    set_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bound_brute_force),
        cmocka_unit_test(bound_every_z),
        cmocka_unit_test(bound_counts_the_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
