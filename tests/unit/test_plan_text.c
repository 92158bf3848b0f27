/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A plan as text and JSON: names of the manual, any key.
 */
#include "test_plan_set.h"

#include <jansson.h>

#include "base/buf.h"

static uint64_t
number(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    if (!json_is_integer(value))
        fail_msg("no integer %s", name);
    return (uint64_t)json_integer_value(value);
}

static void
check_pieces(json_t *part)
{
    json_t *pieces = json_object_get(part, "pieces"), *piece;
    uint64_t sum = 0;
    size_t i;

    assert_true(json_array_size(pieces) > 0);
    json_array_foreach(pieces, i, piece) sum += number(piece, "bytes");
    assert_int_equal(sum, number(part, "bytes"));
}

static void
check_part(json_t *part)
{
    const char *kind = json_string_value(json_object_get(part, "kind"));
    json_t *source = json_object_get(part, "source");

    if (strcmp(kind, "upload") == 0) {
        check_pieces(part);
        return;
    }
    assert_string_equal(kind, "copy");
    assert_true(json_is_string(json_object_get(source, "key")));
    assert_int_equal(number(source, "last") - number(source, "first") + 1,
                     number(part, "bytes"));
}

static void
check_json(json_t *root, const struct plan *p, const struct zip_layout *l)
{
    json_t *layout = json_object_get(root, "layout");
    json_t *totals = json_object_get(root, "totals");
    json_t *requests = json_object_get(totals, "requests");
    json_t *parts = json_object_get(root, "parts"), *part;
    size_t i;

    assert_int_equal(number(layout, "version"), 1);
    assert_int_equal(number(layout, "entries"), l->count);
    assert_int_equal(number(layout, "bytes"), l->size);
    assert_string_equal(json_string_value(json_object_get(layout, "order")),
                        "plan");
    assert_true(json_is_null(json_object_get(layout, "digest")));
    assert_string_equal(json_string_value(json_object_get(root, "strategy")),
                        "duo");
    assert_int_equal(json_array_size(parts), p->count);
    json_array_foreach(parts, i, part)
    {
        assert_int_equal(number(part, "number"), i + 1);
        check_part(part);
    }
    assert_int_equal(number(totals, "uploaded") + number(totals, "copied"),
                     l->size);
    assert_int_equal(number(requests, "create"), 1);
    assert_int_equal(number(requests, "head"), 3);
    assert_true(json_is_real(json_object_get(totals, "price_usd")));
    assert_int_equal(number(json_object_get(root, "lower_bound"), "uploaded"),
                     p->bound);
}

static void
json_and_text(void **state)
{
    struct plan_meta meta = {.order = "plan"};
    unsigned kind;

    (void)state;
    for (kind = 0; kind < SET_KINDS; kind++) {
        struct set s = set_make(kind, kind, 30);
        struct buf out = BUF_INIT(MIB(4));
        struct zip_layout l;
        struct plan p;
        struct err e = {0};
        json_t *root;

        s.m[3].key = "d/\xff\x01\\";
        s.m[3].key_len = 5;
        assert_int_equal(plan_order_duo(s.m, s.n), 0);
        assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
        assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_DUO, &e), 0);
        plan_cost(&p, &l, &plan_prices_aws, 3, 1);
        assert_int_equal(plan_json(&out, &p, &l, &meta), 0);
        assert_non_null(strstr(buf_str(&out), "\\\\xff\\\\x01\\\\x5c"));
        root = json_loads(buf_str(&out), 0, NULL);
        assert_non_null(root);
        check_json(root, &p, &l);
        json_decref(root);
        buf_free(&out);
        out = BUF_INIT(4096);
        assert_int_equal(plan_text(&out, &p, &l, &meta), 0);
        assert_non_null(strstr(buf_str(&out), "\nlower-bound: "));
        buf_free(&out);
        plan_free(&p);
        zip_layout_free(&l);
        set_free(&s);
    }
}

/* Written as it comes: no more is held than is gathered. */
struct sink {
    struct buf all;
    size_t most;
    int calls, left; /* calls until it fails; < 0: never */
};

static int
to_sink(void *user, struct buf *out)
{
    struct sink *k = user;

    k->calls++;
    k->most = max_u64(k->most, out->len);
    if (k->left >= 0 && k->left-- == 0)
        return -EPIPE;
    assert_int_equal(buf_add(&k->all, out->data, out->len), 0);
    out->len = 0;
    return 0;
}

static void
json_streams(void **state)
{
    struct set s = set_make(1, 0, 20000);
    struct plan_meta meta = {.order = "plan", .rates = &plan_rates_default};
    struct buf out = BUF_INIT(MIB(1)), whole = BUF_INIT(MIB(64));
    struct sink k = {.all = BUF_INIT(MIB(64)), .left = -1};
    struct zip_layout l;
    struct plan p;
    struct err e = {0};
    json_t *root;
    size_t i;

    (void)state;
    for (i = 0; i < s.n; i++)
        s.m[i].size = 1000 + i;
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_DUO, &e), 0);
    assert_int_equal(plan_choice_json(&out, to_sink, &k, &p, NULL, &l, &meta),
                     0);
    assert_int_equal(plan_choice_json(&whole, NULL, NULL, &p, NULL, &l, &meta),
                     0);
    assert_int_equal(k.all.len, whole.len);
    assert_memory_equal(k.all.data, whole.data, whole.len);
    assert_true(k.calls > 20 && k.most < KIB(80));
    root = json_loads(buf_str(&whole), 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_array_size(json_object_get(root, "parts")), p.count);
    json_decref(root);
    k.left = 3; /* whoever reads it has gone */
    assert_int_equal(plan_choice_json(&out, to_sink, &k, &p, NULL, &l, &meta),
                     -EPIPE);
    buf_free(&out);
    buf_free(&whole);
    buf_free(&k.all);
    plan_free(&p);
    zip_layout_free(&l);
    set_free(&s);
}

static void
frontier_json(void **state)
{
    struct set s = set_make(1, 0, 60);
    struct plan_ask ask = ask_for(PLAN_PRICE);
    struct plan_meta meta = {.order = "key", .rates = &ask.rates};
    struct buf out = BUF_INIT(MIB(1));
    struct plan_frontier f;
    struct zip_layout l;
    struct err e = {0};
    json_t *root, *list, *o;
    size_t i;

    (void)state;
    plan_order_key(s.m, s.n);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_frontier(&f, &l, &ask, &e), 0);
    assert_int_equal(plan_frontier_json(&out, &f, &l, &meta), 0);
    root = json_loads(buf_str(&out), 0, NULL);
    assert_non_null(root);
    list = json_object_get(root, "frontier");
    assert_int_equal(json_array_size(list), f.count);
    assert_true(f.count > 1);
    json_array_foreach(list, i, o)
    {
        const struct plan *p = &f.plan[i];
        json_t *path = json_object_get(o, "path");

        assert_int_equal(number(json_object_get(o, "totals"), "uploaded"),
                         p->totals.uploaded);
        assert_int_equal(number(path, "calls"), p->path.calls);
        assert_true(json_is_real(json_object_get(path, "seconds")));
        assert_true(number(json_object_get(o, "lower_bound"), "writes") <=
                    plan_writes(&p->totals));
    }
    json_decref(root);
    buf_free(&out);
    plan_frontier_free(&f);
    zip_layout_free(&l);
    set_free(&s);
}

static void
strategy_names(void **state)
{
    enum plan_strategy s;

    (void)state;
    assert_true(plan_strategy_parse(&s, "stream"));
    assert_int_equal(s, PLAN_STREAM);
    assert_string_equal(plan_strategy_name(PLAN_DUO), "duo");
    assert_false(plan_strategy_parse(&s, "trio"));
}

/* ------------------------------------------- strategies side by side */

static struct plan_ask
usual_ask(void)
{
    return (struct plan_ask){
        .limits = plan_limits_s3,
        .prices = plan_prices_aws,
        .rates = plan_rates_default,
    };
}

static void
check_strategies(json_t *root, const struct plan_choice *c)
{
    json_t *list = json_object_get(root, "strategies"), *o;
    size_t i, best = 0;

    assert_int_equal(json_array_size(list), PLAN_STRATEGIES);
    json_array_foreach(list, i, o)
    {
        assert_string_equal(json_string_value(json_object_get(o, "strategy")),
                            plan_strategy_name((enum plan_strategy)i));
        if (i == PLAN_AGAIN) {
            assert_true(json_is_string(json_object_get(o, "refused")));
            continue;
        }
        assert_int_equal(number(json_object_get(o, "totals"), "scratch"),
                         c->plan[i].totals.scratch);
        assert_int_equal(number(o, "sequence"), c->plan[i].sequence);
        if (json_is_true(json_object_get(o, "auto")))
            best = i;
    }
    assert_int_equal(best, c->best);
}

/* Parts of every upload, with sources that add up. */
static void
check_uploads(json_t *root, const struct plan *p)
{
    json_t *list = json_object_get(root, "scratch"), *u, *part;
    size_t i, k;

    assert_int_equal(json_array_size(list), p->scratches);
    json_array_foreach(list, i, u)
    {
        uint64_t bytes = 0;

        json_array_foreach(json_object_get(u, "parts"), k, part)
        {
            json_t *source = json_object_get(part, "source");

            bytes += number(part, "bytes");
            if (json_object_get(part, "source"))
                assert_int_equal(number(source, "last") + 1 -
                                     number(source, "first"),
                                 number(part, "bytes"));
            else
                check_pieces(part);
            if (json_object_get(source, "scratch"))
                assert_in_range(number(source, "scratch"), 1, i);
        }
        assert_int_equal(bytes, number(u, "pad") + number(u, "last") + 1 -
                                    number(u, "first"));
    }
}

/* What the seconds were predicted with, and where that is from. */
static void
check_rates(const struct plan *p, const struct zip_layout *l,
            struct plan_meta *meta, const struct plan_rates *rates,
            struct buf *out)
{
    json_t *root, *r;

    meta->rates = rates;
    assert_int_equal(plan_json(out, p, l, meta), 0);
    root = json_loads(buf_str(out), 0, NULL);
    r = json_object_get(root, "rates");
    assert_true(
        json_real_value(json_object_get(json_object_get(r, "bandwidth"),
                                        "value")) == rates->bandwidth);
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(r, "request_rate"), "origin")),
                        "measured");
    json_decref(root);
    buf_reset(out);
    assert_int_equal(plan_text(out, p, l, meta), 0);
    assert_non_null(strstr(buf_str(out), "/s (given)\nrequest-rate: "));
    assert_non_null(strstr(buf_str(out), "/s (measured)\nround-trip: "));
    assert_non_null(strstr(buf_str(out), " s (assumed)\n"));
}

static void
side_by_side(void **state)
{
    const struct plan_origins origins = {PLAN_GIVEN, PLAN_MEASURED,
                                         PLAN_ASSUMED};
    struct plan_meta meta = {.order = "plan", .origins = &origins};
    struct plan_ask ask = usual_ask();
    struct set s = set_make(3, 6, 40);
    struct buf out = BUF_INIT(MIB(4));
    struct zip_layout l;
    struct plan_choice c;
    struct err e = {0};
    json_t *root;
    int i;

    (void)state;
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_choose(&c, &l, &ask, &e), 0);
    assert_int_equal(plan_choice_text(&out, &c, &l), 0);
    for (i = 0; i < PLAN_STRATEGIES; i++)
        assert_non_null(
            strstr(buf_str(&out), plan_strategy_name((enum plan_strategy)i)));
    buf_reset(&out);
    assert_int_equal(
        plan_choice_json(&out, NULL, NULL, &c.plan[PLAN_CHAIN], &c, &l, &meta),
        0);
    root = json_loads(buf_str(&out), 0, NULL);
    assert_non_null(root);
    check_strategies(root, &c);
    check_uploads(root, &c.plan[PLAN_CHAIN]);
    assert_null(json_object_get(root, "rates"));
    json_decref(root);
    buf_reset(&out);
    check_rates(&c.plan[PLAN_CHAIN], &l, &meta, &ask.rates, &out);
    buf_free(&out);
    plan_choice_free(&c);
    zip_layout_free(&l);
    set_free(&s);
}

/* ------------------------------------------------------------ pictures */

/* Pixels of all bars in that colour. */
static double
width_of(const char *svg, const char *fill)
{
    char tail[40];
    double sum = 0;
    const char *at;

    snprintf(tail, sizeof(tail), "fill=\"%s\"/>\n", fill);
    for (at = svg; (at = strstr(at, "<rect x=")) != NULL; at++) {
        const char *end = strchr(at, '\n') + 1;

        if (!strstr(at, "<text") || strstr(at, "<text") > end)
            if (strncmp(end - strlen(tail), tail, strlen(tail)) == 0)
                sum += strtod(strstr(at, "width=") + 7, NULL);
    }
    return sum;
}

/* The bars have the lengths of the totals. */
static void
drawn_to_scale(void **state)
{
    static const enum plan_strategy ways[] = {PLAN_DUO, PLAN_STREAM,
                                              PLAN_STITCH, PLAN_CHAIN};
    struct set s = set_make(3, 6, 12);
    struct zip_layout l;
    size_t i;

    (void)state;
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    for (i = 0; i < ARRAY_SIZE(ways); i++) {
        struct buf out = BUF_INIT(MIB(1));
        struct plan p;
        struct err e = {0};
        double copied, sent;

        assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, ways[i], &e), 0);
        assert_int_equal(plan_svg(&out, &p, &l), 0);
        assert_memory_equal(buf_str(&out), "<svg ", 5);
        assert_string_equal(buf_str(&out) + out.len - 7, "</svg>\n");
        copied = width_of(buf_str(&out), "#a3cfae");
        sent = width_of(buf_str(&out), "#7ba7d7") +
               width_of(buf_str(&out), "#f2a65a");
        assert_true(sent / (sent + copied) >
                    (double)p.totals.uploaded / (double)l.size - 0.001);
        assert_true(sent / (sent + copied) <
                    (double)p.totals.uploaded / (double)l.size + 0.001);
        buf_free(&out);
        plan_free(&p);
    }
    zip_layout_free(&l);
    set_free(&s);
}

static void
frontier_shown(void **state)
{
    struct plan_ask ask = usual_ask();
    struct set s = set_make(3, 6, 60);
    struct buf out = BUF_INIT(MIB(1));
    struct plan_frontier f;
    struct zip_layout l;
    struct err e = {0};
    size_t i;

    (void)state;
    assert_int_equal(plan_order_duo(s.m, s.n), 0);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_frontier(&f, &l, &ask, &e), 0);
    assert_in_range(f.count, 4, PLAN_FRONTIER_MAX);
    for (i = 1; i < f.count; i++)
        assert_true(f.plan[i].totals.uploaded < f.plan[i - 1].totals.uploaded);
    assert_int_equal(plan_frontier_text(&out, &f, &l), 0);
    buf_reset(&out);
    assert_int_equal(plan_frontier_svg(&out, &f, &l), 0);
    assert_string_equal(buf_str(&out) + out.len - 7, "</svg>\n");
    buf_free(&out);
    plan_frontier_free(&f);
    zip_layout_free(&l);
    set_free(&s);
}

static void
prices_parsed(void **state)
{
    static const char *const bad[] = {
        "",         "5",      "5/0.4", "5/0.4/",  "a/b/c",
        "5/0.4/1x", "-1/0/0", "1//1",  "1/1/1/1", "9999999999/0/0"};
    struct plan_prices p = {0};
    size_t i;

    (void)state;
    assert_true(plan_prices_parse(&p, "5/0.4/0.09"));
    assert_true(p.per_million_writes == 5);
    assert_true(p.per_million_reads > 0.3999 && p.per_million_reads < 0.4001);
    assert_true(p.per_gb_out > 0.08999 && p.per_gb_out < 0.09001);
    assert_true(plan_prices_parse(&p, "0/0/0"));
    for (i = 0; i < ARRAY_SIZE(bad); i++)
        if (plan_prices_parse(&p, bad[i]))
            fail_msg("taken: %s", bad[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_and_text),  cmocka_unit_test(strategy_names),
        cmocka_unit_test(json_streams),   cmocka_unit_test(frontier_json),
        cmocka_unit_test(side_by_side),   cmocka_unit_test(drawn_to_scale),
        cmocka_unit_test(frontier_shown), cmocka_unit_test(prices_parsed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
