/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * How long publishes take on the model of a store in the same region
 * (doc/performance.md), by a clock that only counts: beside the longest path
 * of the plan, the store's rate of writes, and the line.  Deterministic.
 */
#include "sched_world.h"

/* Microseconds, and bytes a second. */
enum {
    FIRST_BYTE = 20000,
    CREATE = 30000,
    COPY = 60000,
    COPY_MIB = 8000,
    SEND = 40000,
    COMPLETE = 80000,
    COMPLETE_PART = 200,
    DELETE = 20000,
    WRITES = 3500, /* a second */
    READS = 5500,
    LINE = 75000000,
    SECOND = 1000000,
};

struct clock {
    struct world w;
    uint64_t now;
    bool paced;                     /* so many calls a second, and no more */
    uint64_t write_gate, read_gate; /* when the next may begin */
    uint64_t down, up;              /* the line is free again */
    uint64_t *due;                  /* of each in flight */
    size_t due_cap;
    uint64_t first_body; /* its bytes began to go up */
    uint64_t there;      /* all parts are */
    uint64_t writes;
};

static uint64_t
line_time(uint64_t bytes)
{
    return bytes * SECOND / LINE;
}

/* When a call that is made now begins. */
static uint64_t
pass(struct clock *c, uint64_t *gate, uint64_t rate)
{
    uint64_t at = max_u64(c->now, *gate);

    *gate = at + (c->paced ? SECOND / rate : 0);
    return at;
}

static uint64_t
copy_time(const struct plan_part *pp)
{
    return COPY + COPY_MIB * plan_part_len(pp) / MIB(1);
}

static uint64_t
complete_time(const struct plan *p, uint32_t upload)
{
    return COMPLETE + COMPLETE_PART * p->scratch[upload].count;
}

/* Or headers alone? */
static bool
has_body(const struct zip_layout *l, const struct plan_part *pp)
{
    struct zip_piece z;

    zip_piece_at(l, pp->first, &z);
    while (z.kind != ZIP_PIECE_DATA)
        if (!zip_piece_next(l, &z))
            return false;
    return z.first < pp->end;
}

/* When it will be answered; a body: read. */
static uint64_t
begin(struct clock *c, const struct sched_task *t)
{
    switch (t->kind) {
    case SCHED_CRC:
        return pass(c, &c->read_gate, READS) + FIRST_BYTE;
    case SCHED_UPLOAD:
    case SCHED_PUT:
        if (!has_body(c->w.l, t->plan))
            return c->now;
        c->down = max_u64(c->down, c->now + FIRST_BYTE) +
                  line_time(plan_part_len(t->plan));
        return c->down;
    case SCHED_CREATE:
        return pass(c, &c->write_gate, WRITES) + CREATE;
    case SCHED_COPY:
        return pass(c, &c->write_gate, WRITES) + copy_time(t->plan);
    case SCHED_COMPLETE:
        return pass(c, &c->write_gate, WRITES) +
               complete_time(c->w.plan, t->upload);
    case SCHED_DELETE:
        return pass(c, &c->write_gate, WRITES) + DELETE;
    }
    return 0;
}

static void
begin_new(struct clock *c, size_t known)
{
    size_t i;

    if (c->w.flights > c->due_cap) {
        c->due_cap = 2 * c->w.flights;
        c->due = realloc(c->due, c->due_cap * sizeof(*c->due));
        assert_non_null(c->due);
    }
    for (i = known; i < c->w.flights; i++) {
        c->writes += c->w.flight[i].kind != SCHED_CRC &&
                     c->w.flight[i].kind != SCHED_DELETE;
        c->due[i] = begin(c, &c->w.flight[i]);
    }
}

static size_t
first_due(const struct clock *c)
{
    size_t i, best = 0;

    for (i = 1; i < c->w.flights; i++)
        if (c->due[i] < c->due[best])
            best = i;
    return best;
}

static void
happen(struct clock *c)
{
    size_t i = first_due(c);
    const struct sched_task *t = &c->w.flight[i];
    struct sched_counts n;

    c->now = max_u64(c->now, c->due[i]);
    if ((t->kind == SCHED_UPLOAD || t->kind == SCHED_PUT) &&
        c->w.part[t->part] == WORLD_BUSY) {
        world_read(&c->w, i);
        c->up = max_u64(c->up, pass(c, &c->write_gate, WRITES));
        if (c->first_body == 0)
            c->first_body = c->up;
        c->up += line_time(plan_part_len(t->plan));
        c->due[i] = c->up + SEND;
        return;
    }
    world_done(&c->w, i);
    if (c->w.probed && !c->w.facts.trusted) {
        c->w.facts.trusted = true; /* the answer was right */
        sched_trust(c->w.s);
    }
    c->due[i] = c->due[c->w.flights];
    sched_counts(c->w.s, &n);
    if (n.archive_left == 0 && c->there == 0)
        c->there = c->now;
}

static void
run(struct clock *c)
{
    size_t known = 0;

    while (world_take(&c->w) != SCHED_OVER) {
        begin_new(c, known);
        happen(c);
        known = c->w.flights;
    }
    world_over(&c->w);
}

/* ---------------------------------------------------------------- bounds */

static uint64_t
part_time(const struct zip_layout *l, const struct plan_part *pp)
{
    uint64_t line = line_time(plan_part_len(pp));

    if (pp->kind != PLAN_UPLOAD)
        return copy_time(pp);
    return SEND + line + (has_body(l, pp) ? FIRST_BYTE + line : 0);
}

/* If everything that could go side by side did: only the copies of scratch
 * objects wait, and what holds a header, for one look. */
static uint64_t
longest_path(const struct plan *p, const struct zip_layout *l)
{
    uint64_t *end = calloc(p->scratches + 1, sizeof(*end)), longest;
    size_t u, i, n;

    assert_non_null(end);
    for (u = 0; u <= p->scratches; u++) {
        const struct plan_part *part = plan_upload_parts(p, u, &n);

        for (i = 0; i < n; i++) {
            uint64_t from = CREATE;

            if (part[i].kind == PLAN_COPY_SCRATCH)
                from = max_u64(from, end[part[i].scratch]);
            end[u] = max_u64(end[u], from + part_time(l, &part[i]));
        }
        if (u < p->scratches)
            end[u] += complete_time(p, (uint32_t)u);
    }
    longest = end[p->scratches];
    free(end);
    return longest;
}

/* All calls without a body, on so many places. */
static uint64_t
places_time(const struct plan *p, uint32_t places)
{
    uint64_t sum = 0;
    size_t u, i, n;

    for (u = 0; u <= p->scratches; u++) {
        const struct plan_part *part = plan_upload_parts(p, u, &n);

        for (i = 0; i < n; i++)
            if (part[i].kind != PLAN_UPLOAD)
                sum += copy_time(&part[i]);
            else if (plan_part_len(&part[i]) <= SCHED_LIGHT)
                sum += SEND;
        if (u < p->scratches)
            sum += CREATE + complete_time(p, (uint32_t)u);
    }
    return sum / places;
}

/* --------------------------------------------------------------- measure */

static struct set
article(size_t n)
{
    struct set s = set_make(5, 0, n);
    struct rng r = {11};
    size_t i;

    for (i = 0; i < n; i++)
        s.m[i].size =
            min_u64(MIB(8), max_u64(MIB(2), rng_normal(&r, MIB(5), MIB(1))));
    return s;
}

struct outcome {
    double seconds, first_body, path, writes, places, line;
    uint32_t in_flight, lookups, deletes;
};

static double
seconds(uint64_t us)
{
    return (double)us / SECOND;
}

enum known { NOTHING_STORED, ALL_STORED };

/* No CRC is known, and a HEAD tells it or none is stored. */
static struct outcome
measure(size_t members, enum plan_strategy s, enum known known, uint32_t calls,
        bool paced)
{
    struct sched_limits lim = {.calls = calls,
                               .uploads = 64,
                               .reads = 16,
                               .lookups = 256,
                               .batch = 1000,
                               .memory = MIB(128)};
    struct sched_facts facts = {.checksum = true, .scratch_checksum = true};
    struct plan_ask ask = ask_for(PLAN_BYTES);
    struct set set = article(members);
    struct clock c = {.paced = paced};
    struct rng r = {1};
    struct outcome o;
    struct zip_layout l;
    struct plan p;
    size_t i;

    for (i = 0; i < set.n; i++)
        set.m[i].hint =
            known == ALL_STORED ? ZIP_HINT_CRC32_FULL : ZIP_HINT_OTHER;
    assert_int_equal(plan_order_duo(set.m, set.n), 0);
    assert_int_equal(zip_layout_init(&l, set.m, set.n), 0);
    assert_int_equal(plan_strategy_make(&p, &l, &ask, s, NULL), 0);
    world_init(&c.w, &p, &l, NULL, &facts);
    memset(c.w.stored, known == ALL_STORED, l.count);
    world_begin(&c.w, &lim, &r);
    run(&c);
    o = (struct outcome){
        .seconds = seconds(c.there),
        .first_body = seconds(c.first_body),
        .path = seconds(longest_path(&p, &l)),
        .writes = (double)c.writes / WRITES,
        .places = seconds(places_time(&p, calls)),
        .line = (double)p.totals.uploaded / LINE,
        .in_flight = c.w.most_calls,
        .lookups = c.w.count[SCHED_CRC],
        .deletes = c.w.count[SCHED_DELETE],
    };
    print_message("%s of %zu, %u places: %.2f s; path %.2f, writes %.2f, "
                  "places %.2f, line %.2f, first body %.2f; %u in flight, "
                  "%u lookups, %u deletes\n",
                  plan_strategy_name(s), members, calls, o.seconds, o.path,
                  o.writes, o.places, o.line, o.first_body, o.in_flight,
                  o.lookups, o.deletes);
    free(c.due);
    world_free(&c.w);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&set);
    return o;
}

/* No longer than by a tenth than what any scheduler would need. */
static void
assert_near(double is, double bound)
{
    assert_true(is <= 1.1 * bound);
    assert_true(is >= 0.99 * bound);
}

/* ----------------------------------------------------------------- tests */

/* A store that takes as many calls as come: with few places they are the
 * bound, with many the longest path is. */
static void
test_chain_places(void **state)
{
    struct outcome few = measure(600, PLAN_CHAIN, ALL_STORED, 64, false);
    struct outcome many = measure(600, PLAN_CHAIN, ALL_STORED, 512, false);
    struct outcome all = measure(3000, PLAN_CHAIN, ALL_STORED, 256, false);

    (void)state;
    assert_near(few.seconds, few.places);
    assert_int_equal(few.in_flight, 64);
    assert_near(many.seconds, many.path);
    assert_int_equal(many.in_flight, 512);
    assert_near(all.seconds, all.places);
    assert_int_equal(all.in_flight, 256);
    /* Objects are deleted by the thousand. */
    assert_true(many.deletes <= 2 && all.deletes <= 6);
}

/* One that takes 3,500 writes a second. */
static void
test_chain_writes(void **state)
{
    struct outcome o = measure(3000, PLAN_CHAIN, ALL_STORED, 512, true);
    struct outcome m = measure(3000, PLAN_MIXED, ALL_STORED, 512, true);

    (void)state;
    assert_near(o.seconds, o.writes);
    assert_int_equal(o.in_flight, 512);
    assert_near(m.seconds, m.writes);
}

/* Objects without a stored CRC: the copies tell all, nobody is asked. */
static void
test_chain_unstored(void **state)
{
    struct outcome o = measure(600, PLAN_CHAIN, NOTHING_STORED, 512, false);
    struct outcome s = measure(3000, PLAN_CHAIN, NOTHING_STORED, 512, true);

    (void)state;
    assert_near(o.seconds, o.path);
    assert_near(s.seconds, s.writes);
}

/* The line is the bound, and busy from the first tenths of a second on. */
static void
test_line(void **state)
{
    struct outcome d = measure(600, PLAN_DUO, ALL_STORED, 64, true);
    struct outcome all = measure(3000, PLAN_DUO, ALL_STORED, 512, true);
    struct outcome s = measure(600, PLAN_STITCH, ALL_STORED, 512, true);

    (void)state;
    assert_true(d.seconds < 1.05 * d.line);
    assert_true(all.seconds < 1.05 * all.line);
    assert_true(s.seconds < 1.05 * s.line);
    assert_true(d.first_body < 0.5 && all.first_body < 0.5);
    /* Ranged copies are trusted from the first answer on. */
    assert_true(all.lookups <= 64);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_places),
        cmocka_unit_test(test_chain_writes),
        cmocka_unit_test(test_chain_unstored),
        cmocka_unit_test(test_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
