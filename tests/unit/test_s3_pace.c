/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/: a store that asks for fewer requests of one side, reads or writes,
 * is obeyed on that side and not on the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "s3/call.h"
#include "s3/multipart.h"
#include "s3_fake.h"

enum { STORM = 60 };

static const struct s3_where at = {"b", "k", 1, false};
static unsigned answered, good;
static bool slow_reads, slow_writes, one_failure;

static const struct fake_answer *
choose(const struct net_request *q)
{
    static const struct fake_answer slow = {
        .status = 503, .body = "<Error><Code>SlowDown</Code></Error>"};
    static const struct fake_answer fail = {
        .status = 500, .body = "<Error><Code>InternalError</Code></Error>"};
    static const struct fake_answer data = {
        .status = 206,
        .headers = "content-range: bytes 0-0/1\netag: \"e\"\n",
        .body = "x"};
    static const struct fake_answer part = {
        .status = 200,
        .body = "<CopyPartResult><ETag>e</ETag></CopyPartResult>"};
    bool read = strcmp(q->method, "GET") == 0;

    if (read ? slow_reads : slow_writes)
        return &slow;
    if (one_failure) {
        one_failure = false;
        return &fail;
    }
    return read ? &data : &part;
}

static int
on_data(void *user, const void *p, size_t n)
{
    (void)user, (void)p, (void)n;
    return 0;
}

static void
on_got(void *user, const struct s3_error *e, const struct s3_object *o)
{
    (void)user, (void)o;
    answered++;
    good += e->err == 0;
}

static void
on_part(void *user, const struct s3_error *e, const struct s3_part *p)
{
    (void)user, (void)p;
    answered++;
    good += e->err == 0;
}

static void
start(struct s3 *s, enum s3_side side)
{
    struct s3_get_args get = {.at = at, .length = 1, .on_data = on_data};
    struct s3_copy_args copy = {.at = at,
                                .upload_id = "u",
                                .number = 1,
                                .source = at,
                                .source_etag = "e",
                                .length = 9,
                                .source_size = 9};

    if (side == S3_READS)
        s3_get(s, &get, on_got, NULL);
    else
        s3_upload_copy(s, &copy, on_part, NULL);
}

static struct s3 *
begin(enum s3_side slow)
{
    struct s3 *s = fake_client(NULL);

    fake.choose = choose;
    slow_reads = slow == S3_READS;
    slow_writes = slow == S3_WRITES;
    one_failure = false;
    answered = good = 0;
    return s;
}

static void
check_sides(enum s3_side slow)
{
    enum s3_side other = slow == S3_READS ? S3_WRITES : S3_READS;
    struct s3 *s = begin(slow);
    struct s3_stats st;
    unsigned i, before;
    uint64_t then;

    for (i = 0; i < STORM; i++)
        start(s, slow);
    fake_run_for(15000);
    s3_stats_get(s, &st);
    assert_true((slow == S3_READS ? st.read_cuts : st.write_cuts) >= 5);
    assert_true((slow == S3_READS ? st.read_rate : st.write_rate) > 0);
    assert_int_equal(slow == S3_READS ? st.write_cuts : st.read_cuts, 0);
    assert_int_equal(slow == S3_READS ? st.write_rate : st.read_rate, 0);
    /* nor are its retries the other side's */
    while (s3_budget_take(&s->governor[slow].budget, fake.now))
        ;
    for (i = 0; i < 100; i++) {
        before = answered;
        start(s, other);
        fake_run_for(0);
        assert_int_equal(answered, before + 1); /* at once */
    }
    one_failure = true;
    before = good;
    then = fake.now;
    start(s, other);
    while (good == before && fake.now < then + 60000)
        fake_run_for(10);
    assert_true(fake.now - then < 1000);
    fake_run();
    assert_int_equal(answered, STORM + 101);
    assert_int_equal(good, 101);
    fake_free(s);
}

static void
writes_do_not_slow_reads(void **state)
{
    (void)state;
    check_sides(S3_WRITES);
}

static void
reads_do_not_slow_writes(void **state)
{
    (void)state;
    check_sides(S3_READS);
}

/* Attempts of the slowed side come at its rate, retries too, and the rate
 * recovers. */
static void
retries_keep_to_the_rate(void **state)
{
    struct s3 *s = begin(S3_WRITES);
    uint64_t end;
    size_t before, i;

    (void)state;
    for (i = 0; i < STORM; i++)
        start(s, S3_WRITES);
    fake_run_for(5000);
    assert_true(s->governor[S3_WRITES].pace.rate <= 40);
    for (i = 0; i < 10; i++) { /* 10 s */
        before = fake.requests;
        fake_run_for(1000);
        assert_true(fake.requests - before <=
                    s->governor[S3_WRITES].pace.rate + 6);
    }
    fake_run();
    assert_int_equal(answered, STORM);
    slow_writes = false;
    for (end = fake.now + 600000; fake.now < end; fake_run_for(1000)) {
        if (s->governor[S3_WRITES].pace.rate == 0)
            break;
        start(s, S3_WRITES);
    }
    assert_true(fake.now < end);
    fake_free(s);
}

/* What S3 counts as what. */
static void
sides(void **state)
{
    static const size_t reads[] = {S3_COUNTER(get), S3_COUNTER(head),
                                   S3_COUNTER(attributes), S3_COUNTER(lock)};
    size_t counter, i, found = 0;

    (void)state;
    for (counter = 0; counter < S3_COUNTER(retries);
         counter += sizeof(uint64_t)) {
        struct s3_verb v = {.counter = counter};
        bool read = false;

        for (i = 0; i < ARRAY_SIZE(reads); i++)
            read = read || reads[i] == counter;
        assert_int_equal(s3_side_of(&v), read ? S3_READS : S3_WRITES);
        found += read;
    }
    assert_int_equal(found, ARRAY_SIZE(reads));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_do_not_slow_reads),
        cmocka_unit_test(reads_do_not_slow_writes),
        cmocka_unit_test(retries_keep_to_the_rate),
        cmocka_unit_test(sides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
