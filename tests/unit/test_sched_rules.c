/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The scheduler's rules one by one: who goes first, who is asked for a CRC,
 * what a shared publish and a broken plan do.
 */
#include "base/crc32.h"
#include "sched_world.h"

struct stage {
    struct set set;
    struct zip_layout l;
    struct plan p;
    struct world w;
    bool known;
};

static const struct sched_limits wide = {
    .calls = 100000,
    .uploads = 100000,
    .reads = 100000,
    .lookups = 100000,
    .batch = SCHED_BATCH_MAX,
    .memory = UINT64_MAX,
};

/* All CRCs of s->set are stored, and known if s->known. */
static void
stage_begin(struct stage *s, enum plan_strategy strategy,
            const struct sched_facts *facts, const struct sched_limits *lim)
{
    struct plan_ask ask = ask_for(PLAN_BYTES);
    struct rng r = {1};

    assert_int_equal(plan_order_duo(s->set.m, s->set.n), 0);
    assert_int_equal(zip_layout_init(&s->l, s->set.m, s->set.n), 0);
    assert_int_equal(plan_strategy_make(&s->p, &s->l, &ask, strategy, NULL),
                     0);
    world_init(&s->w, &s->p, &s->l, NULL, facts);
    memset(s->w.stored, 1, s->l.count);
    memset(s->w.known, s->known, s->l.count);
    world_begin(&s->w, lim, &r);
}

static void
stage_end(struct stage *s)
{
    while (world_take(&s->w) != SCHED_OVER)
        world_done(&s->w, 0);
    world_over(&s->w);
    world_free(&s->w);
    plan_free(&s->p);
    zip_layout_free(&s->l);
    set_free(&s->set);
}

static const struct sched_facts checked = {.checksum = true,
                                           .scratch_checksum = true};
static const struct sched_facts trusted = {
    .checksum = true, .scratch_checksum = true, .trusted = true};

/* ------------------------------------------------------------------ CRCs */

/* The header of a chained member is in front of what its body is copied
 * behind: nobody waits for that, all are asked before anything is sent. */
static void
test_chain_asks_at_once(void **state)
{
    struct stage s = {.set = set_make(5, 0, 100)};
    uint32_t asked;

    (void)state;
    stage_begin(&s, PLAN_CHAIN, &trusted, &wide);
    world_take(&s.w);
    asked = s.w.count[SCHED_CRC];
    assert_true(asked > 20);
    assert_int_equal(s.w.lookups, asked);
    while (world_take(&s.w) != SCHED_OVER)
        world_done(&s.w, 0);
    assert_int_equal(s.w.count[SCHED_CRC], asked);
    stage_end(&s);
}

/* Where the listing says that none is stored, nobody is asked either: the
 * uploads of the copies are created at once. */
static void
test_chain_unstored(void **state)
{
    struct stage s = {.set = set_make(5, 0, 100)};
    size_t i;

    (void)state;
    for (i = 0; i < s.set.n; i++)
        s.set.m[i].hint = ZIP_HINT_OTHER;
    stage_begin(&s, PLAN_CHAIN, &trusted, &wide);
    while (world_take(&s.w) != SCHED_OVER)
        world_done(&s.w, 0);
    assert_int_equal(s.w.count[SCHED_CRC], 0);
    stage_end(&s);
}

/* The answers of the copies tell all that duo and stitch want. */
static void
test_copies_tell(void **state)
{
    static const enum plan_strategy how[] = {PLAN_DUO, PLAN_STITCH};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(how); i++) {
        struct stage s = {.set = set_make(5, 4, 200)};

        stage_begin(&s, how[i], &trusted, &wide);
        while (world_take(&s.w) != SCHED_OVER)
            world_done(&s.w, 0);
        /* The last part may have a donation beside central headers. */
        assert_true(s.w.count[SCHED_CRC] <= 1);
        stage_end(&s);
    }
}

/* Without a checksum they tell nothing: each is asked for, fully. */
static void
test_no_checksum(void **state)
{
    struct stage s = {.set = set_make(5, 4, 200)};
    struct sched_facts facts = {.trusted = true};
    uint32_t i, n = 0;

    (void)state;
    stage_begin(&s, PLAN_DUO, &facts, &wide);
    world_take(&s.w);
    for (i = 0; i < s.l.count; i++)
        n += s.w.copied[i];
    assert_true(n > 50);
    assert_int_equal(s.w.lookups, n);
    for (i = 0; i < s.w.flights; i++)
        assert_false(s.w.flight[i].kind == SCHED_CRC && s.w.flight[i].cheap);
    stage_end(&s);
}

/* ----------------------------------------------------------------- order */

/* Takes what may go, and answers the first of that kind. */
static struct sched_task
take_first(struct world *w, enum sched_kind kind)
{
    struct sched_task t;
    size_t i = 0;

    world_take(w);
    while (i < w->flights && w->flight[i].kind != kind)
        i++;
    assert_true(i < w->flights);
    t = w->flight[i];
    world_done(w, i);
    return t;
}

static bool
is_ranged(const struct world *w, const struct sched_task *t)
{
    return plan_part_len(t->plan) != w->l->member[t->plan->member].size;
}

/* Before the store was seen to answer ranged copies right, those among the
 * first 64 parts go first, and no body goes at all. */
static void
test_ranged_first(void **state)
{
    struct stage s = {.set = set_make(5, 4, 400), .known = true};
    struct sched_limits lim = wide;
    uint32_t last = 0, ranged = 0;
    struct sched_task t;
    size_t i;

    (void)state;
    for (i = 0; i < s.set.n; i++)
        s.set.m[i].size = i % 3 ? MIB(11) + i : MIB(5) + i;
    lim.calls = 1;
    stage_begin(&s, PLAN_DUO, &checked, &lim);
    take_first(&s.w, SCHED_CREATE);
    world_take(&s.w);
    assert_int_equal(s.w.calls, 1);
    assert_int_equal(s.w.bodies, 0);
    for (;; last = t.number) {
        t = take_first(&s.w, SCHED_COPY);
        if (!is_ranged(&s.w, &t) || t.number > 64)
            break;
        assert_true(t.number > last);
        ranged++;
        world_take(&s.w);
        assert_true(s.w.bodies > 0); /* the first answer is enough */
    }
    assert_true(ranged > 5);
    /* Then whatever is there, in archive order. */
    for (last = t.number; s.w.count[SCHED_COPY] < 150; last = t.number) {
        t = take_first(&s.w, SCHED_COPY);
        assert_true(t.number > last);
    }
    stage_end(&s);
}

/* Bodies go in archive order. */
static void
test_bodies_in_order(void **state)
{
    struct stage s = {.set = set_make(5, 1, 300)};
    struct sched_limits lim = wide;
    uint32_t last = 0;

    (void)state;
    lim.uploads = 1;
    stage_begin(&s, PLAN_STREAM, &trusted, &lim);
    take_first(&s.w, SCHED_CREATE);
    while (s.w.count[SCHED_UPLOAD] < 20) {
        struct sched_task t = take_first(&s.w, SCHED_UPLOAD);

        assert_int_equal(t.number, ++last);
    }
    stage_end(&s);
}

/* But a copy that takes many seconds goes before short ones. */
static void
test_long_first(void **state)
{
    struct stage s = {.set = set_make(5, 4, 100)};
    struct sched_limits lim = wide;
    struct sched_task t;

    (void)state;
    s.set.m[57].size = GIB(4);
    lim.calls = 1;
    stage_begin(&s, PLAN_DUO, &trusted, &lim);
    take_first(&s.w, SCHED_CREATE);
    t = take_first(&s.w, SCHED_COPY);
    assert_int_equal(s.l.member[t.plan->member].size, GIB(4));
    stage_end(&s);
}

/* The way to the end is longer by way of a scratch object than without. */
static void
test_scratch_first(void **state)
{
    struct stage s = {.set = set_make(5, 0, 100), .known = true};
    struct sched_limits lim = wide;
    uint32_t direct = 0;

    (void)state;
    lim.calls = 1;
    stage_begin(&s, PLAN_CHAIN, &trusted, &lim);
    while (world_take(&s.w) != SCHED_OVER) {
        const struct sched_task *t = &s.w.flight[0];

        direct += t->kind == SCHED_COPY && t->plan->kind == PLAN_COPY &&
                  t->upload == s.p.scratches;
        if (t->kind != SCHED_DELETE && t->kind != SCHED_CRC &&
            t->upload < s.p.scratches)
            assert_int_equal(direct, 0);
        world_done(&s.w, 0);
    }
    assert_true(direct > 0);
    stage_end(&s);
}

/* A row of objects: the upload of the second is created as soon as that of
 * the first is, of the third as soon as that of the second is. */
static void
test_ahead(void **state)
{
    struct set set = set_make(5, 4, 2);
    struct zip_layout l;
    struct plan_part made[6] = {
        {.kind = PLAN_COPY, .member = 1, .pad = 1}, {.kind = PLAN_UPLOAD},
        {.kind = PLAN_COPY_SCRATCH, .from = 1},     {.kind = PLAN_COPY},
        {.kind = PLAN_COPY_SCRATCH, .scratch = 1},  {.kind = PLAN_UPLOAD}};
    struct plan_part last[3] = {{.kind = PLAN_COPY_SCRATCH, .scratch = 2},
                                {.kind = PLAN_COPY, .member = 1},
                                {.kind = PLAN_UPLOAD}};
    struct plan_upload up[3] = {{.part = 0, .count = 2, .pad = 1},
                                {.part = 2, .count = 2},
                                {.part = 4, .count = 2}};
    struct plan p = {.part = last,
                     .count = 3,
                     .scratch = up,
                     .scratches = 3,
                     .scratch_part = made,
                     .scratch_parts = 6};
    struct sched_limits lim = wide;
    struct rng r = {1};
    struct world w;

    (void)state;
    assert_int_equal(zip_layout_init(&l, set.m, set.n), 0);
    made[1].end = made[2].end = made[3].first = zip_data_offset(&l, 0);
    made[3].end = made[4].end = made[5].first = l.offset[1];
    made[5].end = last[0].end = last[1].first = zip_data_offset(&l, 1);
    last[1].end = last[2].first = l.offset[2];
    last[2].end = l.size;
    world_init(&w, &p, &l, NULL, &trusted);
    memset(w.known, true, l.count);
    world_begin(&w, &lim, &r);
    take_first(&w, SCHED_CREATE); /* the archive's */
    world_take(&w);
    assert_int_equal(w.upload[0], WORLD_CREATING);
    assert_int_equal(w.upload[1], WORLD_NONE);
    take_first(&w, SCHED_CREATE);
    world_take(&w);
    assert_int_equal(w.upload[0], WORLD_OPEN);
    assert_int_equal(w.upload[1], WORLD_CREATING);
    assert_int_equal(w.upload[2], WORLD_NONE);
    while (world_take(&w) != SCHED_OVER)
        world_done(&w, 0);
    world_over(&w);
    world_free(&w);
    zip_layout_free(&l);
    set_free(&set);
}

/* ------------------------------------------------------------- the others */

/* What does not fit waits, and nothing smaller is let past it. */
static void
test_memory(void **state)
{
    struct stage s = {.set = set_make(5, 1, 300)};
    struct sched_limits lim = wide;
    size_t i;

    (void)state;
    lim.memory = MIB(30);
    stage_begin(&s, PLAN_STREAM, &trusted, &lim);
    take_first(&s.w, SCHED_CREATE);
    while (s.w.count[SCHED_UPLOAD] < 20) {
        world_take(&s.w);
        assert_true(s.w.memory <= MIB(30));
        for (i = 0; i < s.w.flights; i++)
            assert_true(s.w.flight[i].number <= s.w.count[SCHED_UPLOAD]);
        world_done(&s.w, 0);
    }
    lim.memory = 1; /* too little for any: one at a time */
    s.w.lim = lim;
    sched_limits(s.w.s, &lim);
    stage_end(&s);
}

/* Nothing goes that was not offered, and what others sent does not. */
static void
test_shared(void **state)
{
    struct stage s = {.set = set_make(5, 4, 100)};
    struct sched_facts facts = {.checksum = true, .shared = true};
    uint32_t n;

    (void)state;
    stage_begin(&s, PLAN_DUO, &facts, &wide);
    take_first(&s.w, SCHED_CREATE);
    assert_int_equal(world_take(&s.w), SCHED_WAIT);
    assert_int_equal(s.w.flights, 0);
    for (n = 0; n < 10; n++)
        sched_offer(s.w.s, n);
    sched_have_part(s.w.s, 3, NULL);
    s.w.part[3] = WORLD_THERE;
    assert_int_equal(world_take(&s.w), SCHED_WAIT);
    assert_int_equal(s.w.flights, 9);
    while (s.w.flights > 0)
        world_done(&s.w, 0);
    for (n = 10; n < s.w.parts; n++) {
        sched_have_part(s.w.s, n, NULL);
        s.w.part[n] = WORLD_THERE;
    }
    stage_end(&s);
}

/* An object made of itself: the job is told, and does not wait for ever. */
static void
test_stuck(void **state)
{
    struct set set = set_make(5, 1, 1);
    struct plan_part part = {.kind = PLAN_COPY_SCRATCH}, made = part;
    struct plan_upload up = {.count = 1};
    struct zip_layout l;
    struct plan p = {.part = &part,
                     .count = 1,
                     .scratch = &up,
                     .scratches = 1,
                     .scratch_part = &made,
                     .scratch_parts = 1};
    struct sched_facts facts = {.plan = &p,
                                .layout = &l,
                                .weights = &sched_weights_default,
                                .open = true};
    struct sched_task t;
    struct sched *s;

    (void)state;
    assert_int_equal(zip_layout_init(&l, set.m, set.n), 0);
    part.end = made.end = up.end = l.size;
    assert_int_equal(sched_new(&s, &facts), 0);
    assert_int_equal(sched_begin(s, &wide), 0);
    assert_int_equal(sched_next(s, &t), SCHED_STUCK);
    sched_free(s);
    zip_layout_free(&l);
    set_free(&set);
}

/* The judge's own CRCs, against bytes. */
static void
test_judge(void **state)
{
    struct set set = set_make(5, 1, 3);
    struct world w = {0};
    struct zip_layout l;
    uint8_t body[1000] = {0};
    uint64_t first, end;

    (void)state;
    set.m[2].size = sizeof(body);
    assert_int_equal(zip_layout_init(&l, set.m, set.n), 0);
    w.l = &l;
    body[2 * UINT64_C(2654435761) % sizeof(body)] = 3;
    for (first = 0; first < sizeof(body); first += 111)
        for (end = first; end <= sizeof(body); end += 97)
            assert_int_equal(world_crc(&w, 2, first, end),
                             crc32_add(0, body + first, end - first));
    zip_layout_free(&l);
    set_free(&set);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_asks_at_once),
        cmocka_unit_test(test_chain_unstored),
        cmocka_unit_test(test_copies_tell),
        cmocka_unit_test(test_no_checksum),
        cmocka_unit_test(test_ranged_first),
        cmocka_unit_test(test_bodies_in_order),
        cmocka_unit_test(test_long_first),
        cmocka_unit_test(test_scratch_first),
        cmocka_unit_test(test_ahead),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_stuck),
        cmocka_unit_test(test_judge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
