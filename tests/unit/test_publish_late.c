/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An end that is wanted when Complete was sent: too late.  What is at the
 * destination then may be another host's, and stays.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "publish_case.h"

static struct publish_case c;

/* A publish up to the moment when the answer to its Complete is lost; it
 * has not looked yet. */
static struct publish_job *
until_unclear(uint64_t seed)
{
    struct publish_job *j;

    case_start(&c, seed, 20, HALF);
    fake.versioned = seed % 2;
    fake.lost = 1;
    assert_int_equal(case_begin(&c, "out/a.zip", &j), 0);
    while (fake.completes == 0)
        fake_run_some(1);
    return j;
}

static void
abort_it(struct publish_job *j, int why)
{
    publish_abort(j, why);
    fake_run();
    case_end(&c, j);
}

/* The same archive; ours could not have that ETag. */
static struct fake_object *
publish_elsewhere(const char *digest, bool stored_crc)
{
    struct fake_object *o =
        fake_put("out/a.zip", c.want, c.l->zip.size, stored_crc);

    snprintf(o->digest, sizeof(o->digest), "%s", digest);
    strcpy(o->etag, "theirs");
    return o;
}

static void
test_another_host(void **state)
{
    static const int why[] = {-EINTR, -ECANCELED, -ECONNABORTED};
    struct publish_job *j;
    char digest[65];
    unsigned n;

    (void)state;
    for (n = 0; n < 24; n++) {
        j = until_unclear(n);
        layout_digest_hex(c.l, digest);
        publish_elsewhere(digest, n % 4 < 2);
        abort_it(j, why[n % 3]);
        assert_int_equal(fake.deletes, 0);
        assert_string_equal(fake_object("out/a.zip")->etag, "theirs");
        /* A daemon that ends may have no time to look. */
        if (c.err.num == 0) {
            assert_string_equal(c.st.verified, n % 4 < 2 ? "store-crc" : "");
            case_check_there(&c);
        } else {
            assert_int_equal(c.err.num, ECONNABORTED);
            assert_int_equal(n % 3, 2);
        }
        case_stop(&c);
    }
}

static void
test_stranger(void **state)
{
    struct publish_job *j;
    unsigned n;

    (void)state;
    for (n = 0; n < 8; n++) {
        j = until_unclear(n);
        publish_elsewhere("of another layout", true);
        abort_it(j, -EINTR);
        assert_int_equal(c.err.num, EINTR);
        assert_int_equal(c.st.state, PUBLISH_CANCELLED);
        assert_int_equal(fake.deletes, 0);
        assert_string_equal(fake_object("out/a.zip")->etag, "theirs");
        case_check_clean(&c);
        case_stop(&c);
    }
}

/* Wherever it comes: done, or nothing is left. */
static void
test_each_call(void **state)
{
    unsigned n, q, late;
    int r;

    (void)state;
    for (q = 0; q < 8; q++)
        for (late = 0, n = 1;; n++) {
            case_start(&c, n, 12, HALF);
            fake.versioned = n % 2;
            fake.no_head_crc = fake.no_complete_crc = q & 1;
            fake.unclear = (q & 2) != 0;
            c.conf.verify = q & 4 ? CONF_VERIFY_FULL : CONF_VERIFY_AUTO;
            fake.trouble_at = n;
            fake.trouble = FAKE_ABORT;
            r = case_publish(&c);
            assert_true(r == 0 || r == -EINTR);
            late += r == 0;
            if (r == 0)
                case_check_there(&c);
            else
                case_check_nothing(&c);
            assert_int_equal(fake.deletes, 0);
            r = fake.calls < n;
            case_stop(&c);
            if (r)
                break;
            assert_true(n < 1000);
        }
}

/* What was found after an unclear end is verified, and cannot be read: it
 * stays.  If it was read and is wrong, it goes. */
static void
test_found_and_not_verified(void **state)
{
    unsigned n, stayed = 0, gone = 0;
    int r;

    (void)state;
    for (n = 1; n < 120; n++) {
        case_start(&c, 3, 12, HALF);
        fake.no_head_crc = fake.no_complete_crc = true;
        fake.unclear = 1;
        fake.bad_data = n % 2;
        fake.trouble_at = n;
        fake.trouble = FAKE_FAIL_403;
        r = case_publish(&c);
        assert_true(r == 0 || r == -EACCES || r == -EIO);
        if (r == -EACCES && fake_object("out/a.zip")) {
            stayed++;
            assert_int_equal(fake.deletes, 0);
        }
        gone += r == -EIO && !fake_object("out/a.zip") && fake.deletes > 0;
        case_stop(&c);
    }
    assert_true(stayed > 0);
    assert_true(gone > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_host),
        cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_each_call),
        cmocka_unit_test(test_found_and_not_verified),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
