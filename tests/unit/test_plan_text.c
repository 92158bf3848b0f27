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
    struct plan_meta meta = {"plan", NULL};
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

/* The cost of a plan that can be added up by hand: one member of 100 MiB,
 * copied but for a donation. */
static void
cost_by_hand(void **state)
{
    struct set s = set_make(1, 0, 1);
    struct zip_layout l;
    struct plan p;
    struct err e = {0};

    (void)state;
    s.m[0].size = MIB(100);
    assert_int_equal(zip_layout_init(&l, s.m, s.n), 0);
    assert_int_equal(plan_parts(&p, &l, &plan_limits_s3, PLAN_DUO, &e), 0);
    assert_int_equal(p.count, 3);
    plan_cost(&p, &l, &plan_prices_aws, 2, 1);
    assert_int_equal(p.totals.downloaded, MIB(5) - 45);
    assert_int_equal(p.totals.uploaded, MIB(5) + 61 + 22);
    assert_int_equal(p.totals.requests.get, 1);
    assert_int_equal(p.totals.requests.upload, 2);
    assert_int_equal(p.totals.requests.copy, 1);
    assert_true(p.totals.price_usd > 0.00003 + 0.00047);
    assert_true(p.totals.price_usd < 0.00004 + 0.00048);
    plan_free(&p);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_and_text),
        cmocka_unit_test(cost_by_hand),
        cmocka_unit_test(strategy_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
