/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What it takes to find CRCs and to verify: the rule of plan_finding, case
 * by case, added up by hand.
 */
#include "test_plan_set.h"

#include <jansson.h>

#include "base/buf.h"

enum { HEAD = 45 }; /* of "d/0000" and its like */
#define PROOF KIB(64)
#define ASK PLAN_CRC_ASK

static const struct plan_oracle oracle = {
    .range = MIB(128), .proof = PROOF, .parts = 10000};

/* No copy tells anything. */
static struct plan_finding
dumb(const uint8_t *way)
{
    return (struct plan_finding){
        .way = way, .oracle = oracle, .no_part_crc = true};
}

/* A plan of s whose CRCs are found so. */
static struct plan
planned(struct set *s, struct zip_layout *l, struct plan_finding f,
        enum plan_strategy strategy)
{
    struct plan_ask ask = ask_for(PLAN_TIME);
    struct plan p;
    struct err e = {0};

    ask.finding = f;
    assert_int_equal(zip_layout_init(l, s->m, s->n), 0);
    if (plan_strategy_make(&p, l, &ask, strategy, &e) < 0)
        fail_msg("%s", e.text);
    return p;
}

/* ---------------------------------------------------- a large member's */

/* Duo of 100 MiB: [header, the first 5 MiB - 45][the rest, copied]
 * [directory]: a range is copied into the archive's upload.  In the row:
 * what there is beside the parts. */
static const struct large {
    struct plan_finding f;
    uint8_t way;
    enum plan_crc found;
    uint64_t heads, gets, down, copies, copied, creates;
    bool back; /* both uploaded parts are read back */
} large[] = {
    {.way = PLAN_CRC_KNOWN, .found = PLAN_CRC_KNOWN},
    {.way = PLAN_CRC_KNOWN | ASK, .found = PLAN_CRC_KNOWN, .heads = 1},
    /* the copies tell; whether there is one is asked all the same */
    {.way = PLAN_CRC_ORACLE, .found = PLAN_CRC_COPIES},
    {.way = PLAN_CRC_READ | ASK, .found = PLAN_CRC_COPIES, .heads = 1},
    {.f = {.range_good = true},
     .way = PLAN_CRC_KNOWN | ASK,
     .found = PLAN_CRC_KNOWN,
     .heads = 1},
    /* they tell wrong ones, but not of what has none */
    {.f = {.range_bad = true}, .way = PLAN_CRC_READ, .found = PLAN_CRC_COPIES},
    {.f = {.range_bad = true},
     .way = PLAN_CRC_READ | ASK,
     .found = PLAN_CRC_COPIES,
     .heads = 1},
    {.f = {.range_bad = true},
     .way = PLAN_CRC_KNOWN,
     .found = PLAN_CRC_KNOWN,
     .back = true},
    {.f = {.range_bad = true},
     .way = PLAN_CRC_KNOWN | ASK,
     .found = PLAN_CRC_KNOWN,
     .heads = 1,
     .back = true},
    /* they tell none */
    {.f = {.no_part_crc = true},
     .way = PLAN_CRC_KNOWN,
     .found = PLAN_CRC_KNOWN,
     .back = true},
    {.f = {.no_part_crc = true},
     .way = PLAN_CRC_READ | ASK,
     .found = PLAN_CRC_READ,
     .heads = 1,
     .gets = 13,
     .down = MIB(100),
     .back = true},
    {.f = {.no_part_crc = true},
     .way = PLAN_CRC_ORACLE,
     .found = PLAN_CRC_ORACLE,
     .gets = 1,
     .down = PROOF,
     .copies = 2,
     .copied = MIB(100) + PROOF,
     .creates = 1,
     .back = true},
    {.f = {.no_part_crc = true, .oracle = {.proved = true, .left = 1}},
     .way = PLAN_CRC_ORACLE,
     .found = PLAN_CRC_ORACLE,
     .copies = 1,
     .copied = MIB(100),
     .back = true},
};

static void
check_large(const struct large *row)
{
    uint64_t up = MIB(5) + 61 + 22, back = row->back ? up : 0, gets, down;
    struct set s = set_make(1, 0, 1);
    struct plan_finding f = row->f;
    struct zip_layout l;
    struct plan p;
    double price;

    s.m[0].size = MIB(100);
    f.way = &row->way;
    f.oracle.range = oracle.range;
    f.oracle.proof = oracle.proof;
    f.oracle.parts = oracle.parts;
    p = planned(&s, &l, f, PLAN_DUO);
    gets = 1 + row->gets + (row->back ? 2 : 0);
    down = MIB(5) - HEAD + row->down + back;
    assert_int_equal(p.totals.uploaded, up);
    assert_int_equal(p.totals.downloaded, down);
    assert_int_equal(p.totals.read_back, back);
    assert_int_equal(p.totals.copied, MIB(95) + HEAD + row->copied);
    assert_int_equal(p.totals.requests.get, gets);
    assert_int_equal(p.totals.requests.head, row->heads + row->back);
    assert_int_equal(p.totals.requests.copy, 1 + row->copies);
    assert_int_equal(p.totals.requests.create, 1 + row->creates);
    assert_int_equal(p.totals.requests.remove, row->creates);
    assert_int_equal(p.totals.crc[row->found], 1);
    /* two parts, a copy, Create, Complete, the listing */
    price = 5e-6 * (double)(2 + 1 + 1 + 1 + 1 + row->copies + row->creates) +
            0.4e-6 * (double)(gets + row->heads + row->back) +
            0.09e-9 * (double)down;
    assert_true(p.totals.price_usd > price - 1e-9);
    assert_true(p.totals.price_usd < price + 1e-9);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
}

static void
one_large_crc(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(large); i++)
        check_large(&large[i]);
}

/* ----------------------------------------------------- part by part */

/* Two members, 6 MiB and 20 MiB, in plans that no strategy makes; offsets
 * of the archive. */
enum { SMALL, LARGE };
#define AT_LARGE (HEAD + MIB(6))
#define AT_END (AT_LARGE + HEAD + MIB(20))

static const struct plan_part whole = {.first = AT_LARGE + HEAD,
                                       .end = AT_END,
                                       .kind = PLAN_COPY,
                                       .member = LARGE};
static const struct plan_part range = {.first = HEAD + MIB(1),
                                       .end = AT_LARGE,
                                       .from = MIB(1),
                                       .kind = PLAN_COPY,
                                       .member = SMALL};
static const struct plan_part padded = {.first = HEAD + MIB(1),
                                        .end = AT_LARGE,
                                        .pad = MIB(1),
                                        .kind = PLAN_COPY,
                                        .member = SMALL};
static const struct plan_part pad_only = {.first = HEAD,
                                          .end = HEAD,
                                          .pad = MIB(5),
                                          .kind = PLAN_COPY,
                                          .member = SMALL};
/* Another scratch object, with the header of the large one. */
static const struct plan_part before = {
    .first = AT_LARGE - 1, .end = AT_LARGE + HEAD, .kind = PLAN_COPY_SCRATCH};
static const struct plan_part beyond = {.first = AT_LARGE + HEAD - 1,
                                        .end = AT_LARGE + HEAD,
                                        .kind = PLAN_COPY_SCRATCH};
static const struct plan_part upload = {.first = 0, .end = AT_END};
static const struct plan_part previous = {
    .first = 0, .end = AT_LARGE, .kind = PLAN_COPY_PREVIOUS};

/* The price of a plan of these two parts, the first into a scratch object
 * if there is one; the HEADs are returned, the ways are to be as said. */
static uint64_t
heads_of(const struct plan_part *a, const struct plan_part *b, bool scratch,
         struct plan_finding f, enum plan_crc small, enum plan_crc big)
{
    struct plan_part part[] = {*a, *b};
    struct plan_upload up = {.count = 1, .end = 1};
    struct plan p = {.part = part + scratch,
                     .count = 2 - scratch,
                     .scratch = &up,
                     .scratches = scratch,
                     .scratch_part = part,
                     .scratch_parts = scratch};
    struct plan_ask ask = ask_for(PLAN_TIME);
    struct set s = set_make(1, 0, 2);
    struct zip_layout l, old = {.size = GIB(1)};
    uint64_t crc[PLAN_CRC_WAYS] = {0};

    s.m[SMALL].size = MIB(6);
    s.m[LARGE].size = MIB(20);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(l.offset[LARGE], AT_LARGE);
    ask.finding = f;
    ask.previous = &old;
    assert_int_equal(plan_price(&p, &l, &ask), 0);
    crc[small]++;
    crc[big]++;
    assert_memory_equal(p.totals.crc, crc, sizeof(crc));
    assert_int_equal(p.totals.requests.remove,
                     scratch + (crc[PLAN_CRC_ORACLE] > 0));
    zip_layout_free(&l);
    set_free(&s);
    return p.totals.requests.head;
}

/* Nothing is known, and a HEAD would find nothing. */
static void
copies_that_tell(void **state)
{
    static const uint8_t way[] = {PLAN_CRC_ORACLE | ASK, PLAN_CRC_READ | ASK};
    struct plan_finding f = {.way = way, .oracle = oracle};

    (void)state;
    /* the range is asked about, and what is large */
    assert_int_equal(
        heads_of(&range, &whole, false, f, PLAN_CRC_COPIES, PLAN_CRC_COPIES),
        2);
    f.range_good = true;
    assert_int_equal(
        heads_of(&range, &whole, false, f, PLAN_CRC_COPIES, PLAN_CRC_COPIES),
        1);
    f.range_good = false;
    /* into a scratch object: its answers tell nothing if ranges are bad */
    assert_int_equal(
        heads_of(&range, &whole, true, f, PLAN_CRC_COPIES, PLAN_CRC_COPIES),
        2);
    f.range_bad = true;
    assert_int_equal(
        heads_of(&range, &whole, true, f, PLAN_CRC_ORACLE, PLAN_CRC_COPIES),
        2);
    assert_int_equal(
        heads_of(&whole, &range, true, f, PLAN_CRC_COPIES, PLAN_CRC_READ), 2);
    f.range_bad = false;
    /* a pad in front spoils it; one alone says nothing of a member */
    assert_int_equal(
        heads_of(&padded, &whole, true, f, PLAN_CRC_ORACLE, PLAN_CRC_COPIES),
        2);
    assert_int_equal(
        heads_of(&pad_only, &upload, true, f, PLAN_CRC_READ, PLAN_CRC_READ),
        1);
}

/* [what has the header][the body]: in a scratch object that cannot begin
 * before that one is there; the archive's upload can. */
static void
copies_that_come_late(void **state)
{
    static const uint8_t way[] = {PLAN_CRC_KNOWN, PLAN_CRC_ORACLE};
    struct plan_part part[] = {before, whole, pad_only, pad_only};
    struct plan_upload up = {.count = 2, .end = 1};
    struct plan p = {.part = part + 2,
                     .count = 1,
                     .scratch = &up,
                     .scratches = 1,
                     .scratch_part = part,
                     .scratch_parts = 2};
    struct plan_ask ask = ask_for(PLAN_TIME);
    struct set s = set_make(1, 0, 2);
    struct zip_layout l;

    (void)state;
    s.m[SMALL].size = MIB(6);
    s.m[LARGE].size = MIB(20);
    ask.finding = (struct plan_finding){.way = way, .oracle = oracle};
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_price(&p, &l, &ask), 0);
    assert_int_equal(p.totals.crc[PLAN_CRC_ORACLE], 1);
    part[0] = beyond;
    assert_int_equal(plan_price(&p, &l, &ask), 0);
    assert_int_equal(p.totals.crc[PLAN_CRC_COPIES], 1);
    part[0] = before;
    p.scratches = p.scratch_parts = 0;
    p.part = part;
    p.count = 2;
    assert_int_equal(plan_price(&p, &l, &ask), 0);
    assert_int_equal(p.totals.crc[PLAN_CRC_COPIES], 1);
    zip_layout_free(&l);
    set_free(&s);
}

static void
previous_tells_nothing(void **state)
{
    static const uint8_t way[] = {PLAN_CRC_ORACLE, PLAN_CRC_KNOWN};
    struct plan_finding f = {.way = way, .oracle = oracle};

    (void)state;
    assert_int_equal(
        heads_of(&previous, &whole, false, f, PLAN_CRC_ORACLE, PLAN_CRC_KNOWN),
        0);
    /* its ranges are answered with its own CRC, if it has one: then there
     * is no checksum, and the archive is looked at */
    f.range_bad = true;
    assert_int_equal(
        heads_of(&previous, &whole, false, f, PLAN_CRC_ORACLE, PLAN_CRC_KNOWN),
        0);
    f.previous = true;
    assert_int_equal(
        heads_of(&previous, &whole, false, f, PLAN_CRC_ORACLE, PLAN_CRC_KNOWN),
        1);
}

/* The small one is fetched before its header is needed; of the large one
 * the CRC is needed before its bytes are there. */
static void
what_is_uploaded(void **state)
{
    static const uint8_t way[] = {PLAN_CRC_READ | ASK, PLAN_CRC_ORACLE | ASK};
    static const uint8_t known[] = {PLAN_CRC_KNOWN | ASK,
                                    PLAN_CRC_KNOWN | ASK};
    struct plan_finding f = dumb(way);

    (void)state;
    assert_int_equal(
        heads_of(&pad_only, &upload, true, f, PLAN_CRC_READ, PLAN_CRC_ORACLE),
        1);
    f.read = true;
    assert_int_equal(
        heads_of(&pad_only, &upload, true, f, PLAN_CRC_READ, PLAN_CRC_READ),
        0);
    f.read = false;
    f.way = known;
    assert_int_equal(
        heads_of(&pad_only, &upload, true, f, PLAN_CRC_READ, PLAN_CRC_KNOWN),
        1);
}

/* ------------------------------------------------------------ the oracle */

/* Members of more than one copy need a proof of their own, full uploads
 * another one. */
static void
copies_of_the_oracle(void **state)
{
    static const struct {
        bool proved, proved_range;
        uint32_t parts, left;
        uint64_t copies, creates;
    } rows[] = {
        {false, false, 10000, 0, 1 + 3 + 1, 1},
        {true, false, 10000, 9000, 1 + 3 + 1, 0},
        {true, true, 10000, 4, 1 + 3, 0},
        {true, true, 10000, 3, 1 + 3, 1},
        {true, true, 2, 0, 1 + 3, 2},
    };
    static const uint8_t way[] = {PLAN_CRC_ORACLE, PLAN_CRC_ORACLE};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        struct set s = set_make(1, 0, 2);
        struct plan_finding f = dumb(way);
        struct zip_layout l;
        struct plan p;

        s.m[0].size = MIB(30);
        s.m[1].size = MIB(300);
        f.oracle.proved = rows[i].proved;
        f.oracle.proved_range = rows[i].proved_range;
        f.oracle.parts = rows[i].parts;
        f.oracle.left = rows[i].left;
        p = planned(&s, &l, f, PLAN_STREAM);
        assert_int_equal(p.totals.requests.copy, rows[i].copies);
        assert_int_equal(p.totals.requests.create, 1 + rows[i].creates);
        assert_int_equal(p.totals.requests.remove, rows[i].creates);
        assert_int_equal(p.totals.copied,
                         MIB(330) + (rows[i].copies - 4) * PROOF);
        assert_int_equal(p.totals.read_back, 0); /* nothing was copied */
        plan_free(&p);
        zip_layout_free(&l);
        set_free(&s);
    }
}

/* --------------------------------------------------------- reading back */

/* In full: equal ranges, of stream too. */
static void
all_is_read_back(void **state)
{
    struct plan_finding f = {.full = true};
    struct set s = set_make(1, 0, 1);
    struct zip_layout l;
    struct plan p;

    (void)state;
    s.m[0].size = MIB(100);
    p = planned(&s, &l, f, PLAN_STREAM);
    assert_int_equal(p.totals.read_back, l.size);
    assert_int_equal(p.totals.downloaded, l.size + MIB(100));
    assert_int_equal(p.totals.requests.get, 2 + 13);
    assert_int_equal(p.totals.requests.head, 1);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
    assert_int_equal(plan_read_back_full(1), MIB(64));
    assert_int_equal(plan_read_back_full(GIB(1024)), MIB(128));
}

/* What was uploaded, wherever: as many bytes; neighbours are joined. */
static void
uploads_are_read_back(void **state)
{
    int i, s;

    (void)state;
    for (i = 0; i < 70; i++) {
        struct set set = set_make((uint64_t)i, (unsigned)i % SET_KINDS, 60);

        for (s = 0; s < PLAN_STRATEGIES; s++) {
            struct zip_layout l;
            struct plan p;

            if (s == PLAN_AGAIN)
                continue;
            p = planned(&set, &l, dumb(NULL), (enum plan_strategy)s);
            if (p.totals.copied > 0)
                assert_int_equal(p.totals.read_back, p.totals.uploaded);
            else
                assert_int_equal(p.totals.read_back, 0);
            plan_free(&p);
            zip_layout_free(&l);
        }
        set_free(&set);
    }
    assert_true(plan_read_back_joins(1, 2, 2, MIB(64) + 1));
    assert_false(plan_read_back_joins(1, 2, 2, MIB(64) + 2));
    assert_false(plan_read_back_joins(1, 2, 3, 4));
}

/* ----------------------------------------------------------------- auto */

/* Where copies tell no CRC, copying saves no download: auto sees it. */
static void
auto_reckons_with_crcs(void **state)
{
    struct set s = set_make(1, 0, 20);
    uint8_t way[20];
    struct plan_ask ask = ask_for(PLAN_PRICE);
    struct plan_choice c;
    struct zip_layout l;
    struct err e = {0};
    size_t i;

    (void)state;
    memset(way, PLAN_CRC_READ, sizeof(way));
    for (i = 0; i < s.n; i++)
        s.m[i].size = MIB(7);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    ask.finding = (struct plan_finding){.way = way};
    assert_int_equal(plan_choose(&c, &l, &ask, &e), 0);
    assert_true(c.plan[c.best].totals.copied > 0);
    plan_choice_free(&c);
    ask.finding = dumb(way);
    assert_int_equal(plan_choose(&c, &l, &ask, &e), 0);
    assert_int_equal(c.plan[c.best].totals.copied, 0);
    plan_choice_free(&c);
    zip_layout_free(&l);
    set_free(&s);
}

/* -------------------------------------------------------------- showing */

static void
check_json(const char *text, bool crcs, json_int_t back)
{
    json_t *root = json_loads(text, 0, NULL);
    json_t *totals = json_object_get(root, "totals");
    json_t *o = json_object_get(totals, "crcs");

    assert_int_equal(o != NULL, crcs);
    if (crcs) {
        assert_int_equal(json_integer_value(json_object_get(o, "known")), 1);
        assert_int_equal(json_integer_value(json_object_get(o, "oracle")), 1);
    }
    assert_int_equal(json_integer_value(json_object_get(totals, "read_back")),
                     back);
    json_decref(root);
}

static void
ways_are_shown(void **state)
{
    static const char line[] =
        "\ncrcs: known 1, from copies 0, oracle 1, read 2\n";
    uint8_t way[] = {PLAN_CRC_KNOWN, PLAN_CRC_READ, PLAN_CRC_ORACLE,
                     PLAN_CRC_READ};
    struct plan_meta meta = {.order = "key"};
    struct buf out = BUF_INIT(MIB(1));
    struct set s = set_make(1, 0, 4);
    struct zip_layout l;
    struct plan p;
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = MIB(30);
    p = planned(&s, &l, dumb(way), PLAN_DUO);
    assert_int_equal(plan_text(&out, &p, &l, &meta), 0);
    assert_non_null(strstr(buf_str(&out), line));
    assert_non_null(strstr(buf_str(&out), "\nread-back: "));
    /* the oracle's copy is no part */
    assert_non_null(strstr(buf_str(&out), " 4 copied)\n"));
    buf_reset(&out);
    assert_int_equal(plan_json(&out, &p, &l, &meta), 0);
    check_json(buf_str(&out), true, (json_int_t)p.totals.uploaded);
    plan_free(&p);
    zip_layout_free(&l);
    p = planned(&s, &l, (struct plan_finding){0}, PLAN_DUO);
    buf_reset(&out);
    assert_int_equal(plan_text(&out, &p, &l, &meta), 0);
    assert_null(strstr(buf_str(&out), "crcs:"));
    assert_null(strstr(buf_str(&out), "read-back:"));
    buf_reset(&out);
    assert_int_equal(plan_json(&out, &p, &l, &meta), 0);
    check_json(buf_str(&out), false, 0);
    buf_free(&out);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_large_crc),
        cmocka_unit_test(copies_that_tell),
        cmocka_unit_test(copies_that_come_late),
        cmocka_unit_test(previous_tells_nothing),
        cmocka_unit_test(what_is_uploaded),
        cmocka_unit_test(copies_of_the_oracle),
        cmocka_unit_test(all_is_read_back),
        cmocka_unit_test(uploads_are_read_back),
        cmocka_unit_test(auto_reckons_with_crcs),
        cmocka_unit_test(ways_are_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
