/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Key rule, set rule, escape.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "zip/zip.h"

#define NAME(s) s, sizeof(s) - 1

static void
test_key_rule(void **state)
{
    static const struct {
        const char *name;
        size_t len;
        unsigned faults;
    } rows[] = {
        {NAME("a"), 0},
        {NAME("a/b.c"), 0},
        {NAME("d/"), 0},
        {NAME("d/e/"), 0},
        {NAME("..."), 0},
        {NAME("a/.b/..c"), 0},
        {NAME("\xc3\xa9"), 0},
        {NAME("%"), 0},
        {NAME("1"), 0},
        {NAME(""), ZIP_POISON_EMPTY},
        {NAME("a\0b"), ZIP_POISON_NUL},
        {NAME("a\xff"), ZIP_POISON_UTF8},
        {NAME("\xc0\xaf"), ZIP_POISON_UTF8},
        {NAME("\xed\xa0\x80"), ZIP_POISON_UTF8},
        {NAME("."), ZIP_POISON_DOT},
        {NAME(".."), ZIP_POISON_DOT},
        {NAME("./"), ZIP_POISON_DOT},
        {NAME("../a"), ZIP_POISON_DOT},
        {NAME("a/../b"), ZIP_POISON_DOT},
        {NAME("a/.."), ZIP_POISON_DOT},
        {NAME("a/./"), ZIP_POISON_DOT},
        {NAME("/"), ZIP_POISON_ABSOLUTE},
        {NAME("/a"), ZIP_POISON_ABSOLUTE},
        {NAME("//a"), ZIP_POISON_ABSOLUTE | ZIP_POISON_EMPTY},
        {NAME("a//b"), ZIP_POISON_EMPTY},
        {NAME("a//"), ZIP_POISON_EMPTY},
        {NAME("C:"), ZIP_POISON_DRIVE | ZIP_SOFT_WINDOWS},
        {NAME("z:/a"), ZIP_POISON_DRIVE | ZIP_SOFT_WINDOWS},
        {NAME("1:/a"), ZIP_SOFT_WINDOWS},
        {NAME("a/C:"), ZIP_SOFT_WINDOWS},
        {NAME("a\nb"), ZIP_SOFT_CONTROL},
        {NAME("a\x7f"), ZIP_SOFT_CONTROL},
        {NAME("a\xc2\x85"), ZIP_SOFT_CONTROL},
        {NAME("a\xc2\xa0"), 0},
        {NAME("a\\b"), ZIP_SOFT_BACKSLASH},
        {NAME("a?"), ZIP_SOFT_WINDOWS},
        {NAME("x/con"), ZIP_SOFT_WINDOWS},
        {NAME("Aux.tar.gz"), ZIP_SOFT_WINDOWS},
        {NAME("LPT9 .x/y"), ZIP_SOFT_WINDOWS},
        {NAME("cons"), 0},
        {NAME("com"), 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++)
        if (zip_name_faults(rows[i].name, rows[i].len) != rows[i].faults)
            fail_msg("row %zu \"%s\": %#x, not %#x", i, rows[i].name,
                     zip_name_faults(rows[i].name, rows[i].len),
                     rows[i].faults);
}

static void
test_key_rule_long(void **state)
{
    char *name = malloc(65536);
    size_t i;

    (void)state;
    memset(name, 'a', 65536);
    assert_int_equal(zip_name_faults(name, 255), 0);
    assert_int_equal(zip_name_faults(name, 256), ZIP_SOFT_COMPONENT);
    for (i = 100; i < 65536; i += 100)
        name[i] = '/';
    assert_int_equal(zip_name_faults(name, 65535), 0);
    assert_int_equal(zip_name_faults(name, 65536), ZIP_POISON_LONG);
    free(name);
}

/* ------------------------------------------------------------ set rule */

static void
check_set(const char *const *names, const uint64_t *sizes,
          const unsigned *want, size_t n)
{
    struct zip_member *m = calloc(n, sizeof(*m));
    unsigned *faults = calloc(n, sizeof(*faults));
    size_t i;

    for (i = 0; i < n; i++) {
        m[i].name = names[i];
        m[i].name_len = (uint16_t)strlen(names[i]);
        m[i].size = sizes ? sizes[i] : 1;
        if (i > 0)
            assert_true(zip_member_name_cmp(&m[i - 1], &m[i]) < 0);
    }
    assert_int_equal(zip_set_faults(m, n, faults), 0);
    for (i = 0; i < n; i++)
        if (faults[i] != want[i])
            fail_msg("%s: %#x, not %#x", names[i], faults[i], want[i]);
    free(m);
    free(faults);
}

static void
test_set_conflicts(void **state)
{
    static const char *const names[] = {"a",  "a-",  "a.txt", "a/b", "a0",
                                        "b",  "b!",  "b/",    "b//", "c",
                                        "c!", "c!/", "c!x",   "d"};
    static const uint64_t sizes[] = {1, 1, 1, 1, 1, 1, 1, 0, 9, 1, 1, 0, 1, 1};
    static const unsigned want[] = {ZIP_CONFLICT_PREFIX,
                                    0,
                                    0,
                                    0,
                                    0,
                                    ZIP_CONFLICT_PREFIX,
                                    0,
                                    0,
                                    ZIP_CONFLICT_DIR_DATA,
                                    0,
                                    ZIP_CONFLICT_PREFIX,
                                    0,
                                    0,
                                    0};

    (void)state;
    check_set(names, sizes, want, ARRAY_SIZE(names));
    check_set(NULL, NULL, NULL, 0);
}

static void
test_set_twins(void **state)
{
    static const char *const names[] = {"ABC", "AbC", "B/",       "abc",
                                        "abd", "b/",  "\xc3\x89", "\xc3\xa9"};
    static const uint64_t sizes[] = {1, 1, 0, 1, 1, 0, 1, 1};
    static const unsigned want[] = {ZIP_SOFT_CASE,
                                    ZIP_SOFT_CASE,
                                    ZIP_SOFT_CASE,
                                    ZIP_SOFT_CASE,
                                    0,
                                    ZIP_SOFT_CASE,
                                    0,
                                    0};

    (void)state;
    check_set(names, sizes, want, ARRAY_SIZE(names));
}

static bool
conflicts_slowly(const struct zip_member *m, size_t n, size_t i)
{
    size_t j;

    for (j = 0; j < n; j++)
        if (m[j].name_len > m[i].name_len &&
            memcmp(m[j].name, m[i].name, m[i].name_len) == 0 &&
            m[j].name[m[i].name_len] == '/')
            return true;
    return false;
}

/* Random sets over few letters, against the definition. */
static void
test_set_random(void **state)
{
    enum { SETS = 400, MOST = 60 };
    static const char letters[] = "a/-.0b";
    unsigned seed = 99, faults[MOST];
    char names[MOST][8];
    struct zip_member m[MOST];
    size_t n, i, k, out;
    int set;

    (void)state;
    for (set = 0; set < SETS; set++) {
        n = (size_t)(rand_r(&seed) % MOST + 1);
        memset(m, 0, sizeof(m));
        for (i = 0; i < n; i++) {
            k = (size_t)(rand_r(&seed) % 5 + 1);
            m[i].name_len = (uint16_t)k;
            m[i].name = names[i];
            while (k-- > 0)
                names[i][k] = letters[rand_r(&seed) % 6];
        }
        qsort(m, n, sizeof(m[0]), zip_member_name_cmp);
        for (out = 1, i = 1; i < n; i++)
            if (zip_member_name_cmp(&m[i], &m[out - 1]) != 0)
                m[out++] = m[i];
        memset(faults, 0, sizeof(faults));
        assert_int_equal(zip_set_faults(m, out, faults), 0);
        for (i = 0; i < out; i++)
            assert_int_equal(faults[i],
                             !zip_is_dir(&m[i]) && conflicts_slowly(m, out, i)
                                 ? ZIP_CONFLICT_PREFIX
                                 : 0);
    }
}

/* -------------------------------------------------------------- escape */

static void
test_escape_rows(void **state)
{
    static const struct {
        const char *name;
        size_t len;
        bool conflict;
        const char *want;
    } rows[] = {
        {NAME("a/b"), false, "a/b"},
        {NAME("d/"), false, "d/"},
        {NAME("100%"), false, "100%25"},
        {NAME("a\0b"), false, "a%00b"},
        {NAME("\xc3\xa9\xff\xc3"), false, "\xc3\xa9%FF%C3"},
        {NAME("."), false, "%2E"},
        {NAME("../a/./.b"), false, "%2E%2E/a/%2E/.b"},
        {NAME("a//b"), false, "a/%2Fb"},
        {NAME("a///"), false, "a/%2F%2F"},
        {NAME("/a"), false, "%2Fa"},
        {NAME("//a"), false, "%2F%2Fa"},
        {NAME("c:/x:y"), false, "c%3A/x:y"},
        {NAME("1:"), false, "1:"},
        {NAME("a"), true, "a%"},
        {NAME("d/"), true, "d/%"},
        {NAME(""), true, "%"},
        {NAME("con\n"), false, "con\n"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        struct buf b = BUF_INIT(100);

        assert_int_equal(
            zip_name_escape(rows[i].name, rows[i].len, rows[i].conflict, &b),
            0);
        assert_string_equal(buf_str(&b), rows[i].want);
        buf_free(&b);
    }
}

static void
test_escape_portable(void **state)
{
    struct buf b = BUF_INIT(100);

    (void)state;
    assert_int_equal(
        zip_name_escape_portable(NAME("x/con.txt/a:\\\xc2\x85*"), false, &b),
        0);
    assert_string_equal(buf_str(&b), "x/%63on.txt/a%3A%5C%C2%85%2A");
    assert_int_equal(zip_name_faults(b.data, b.len), 0);
    buf_reset(&b);
    b.max = 3;
    assert_int_equal(zip_name_escape(NAME("abcd"), false, &b), -EMSGSIZE);
    buf_free(&b);
}

struct escaped {
    char name[24];
    size_t len;
};

static int
escaped_cmp(const void *a, const void *b)
{
    const struct escaped *x = a, *y = b;

    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return memcmp(x->name, y->name, x->len);
}

typedef int escape_fn(const char *, size_t, bool, struct buf *);

/* Every string of up to 5 bytes, with and without the conflict mark: all
 * clean by the key rule, no two alike. */
static void
enumerate(escape_fn *fn, unsigned allowed)
{
    static const char letters[] = {'a', 'A', '.',  '/',   '%',
                                   ':', '0', '\0', '\x80'};
    enum { BASE = 9, LONGEST = 5 };
    size_t total = 0, count = 1, n, len, k, i, code;
    struct escaped *all;
    char name[LONGEST];

    for (len = 0; len <= LONGEST; len++, count *= BASE)
        total += count;
    all = calloc(2 * total, sizeof(*all));
    assert_non_null(all);
    for (n = 0, count = 1, len = 0; len <= LONGEST; len++, count *= BASE) {
        for (k = 0; k < 2 * count; k++, n++) {
            struct buf b = BUF_INIT(sizeof(all[n].name));

            for (code = k / 2, i = 0; i < len; i++, code /= BASE)
                name[i] = letters[code % BASE];
            assert_int_equal(fn(name, len, k % 2, &b), 0);
            memcpy(all[n].name, buf_str(&b), b.len);
            all[n].len = b.len;
            if (b.len > 0)
                assert_int_equal(zip_name_faults(b.data, b.len) & ~allowed, 0);
            buf_free(&b);
        }
    }
    assert_int_equal(n, 2 * total);
    qsort(all, n, sizeof(*all), escaped_cmp);
    for (i = 1; i < n; i++)
        assert_true(escaped_cmp(&all[i - 1], &all[i]) != 0);
    free(all);
}

static void
test_escape_injective(void **state)
{
    (void)state;
    enumerate(zip_name_escape, ZIP_SOFT_WINDOWS);
    enumerate(zip_name_escape_portable, 0);
}

/* In escaped sets the mark ends every conflict between names. */
static void
test_escape_ends_conflicts(void **state)
{
    static const struct {
        const char *name;
        uint64_t size;
    } rows[] = {{"a", 1},  {"a/", 5},  {"a/b", 1}, {"a/b/", 0}, {"a//", 0},
                {"a%", 1}, {"a%/", 0}, {".", 1},   {"./x", 1},  {"/", 0}};
    enum { N = ARRAY_SIZE(rows) };
    struct zip_member m[N];
    struct buf b[N];
    unsigned faults[N];
    size_t i, round;

    (void)state;
    memset(m, 0, sizeof(m));
    for (i = 0; i < N; i++) {
        b[i] = BUF_INIT(100);
        zip_name_escape(rows[i].name, strlen(rows[i].name), false, &b[i]);
        m[i].name = b[i].data;
        m[i].name_len = (uint16_t)b[i].len;
        m[i].size = rows[i].size;
        m[i].key = (const char *)&b[i];
    }
    for (round = 0; round < 2; round++) {
        qsort(m, N, sizeof(m[0]), zip_member_name_cmp);
        memset(faults, 0, sizeof(faults));
        assert_int_equal(zip_set_faults(m, N, faults), 0);
        for (i = 0; i < N; i++) {
            struct buf *mine = (struct buf *)m[i].key;

            if (!(faults[i] & ZIP_CONFLICT_MASK))
                continue;
            assert_int_equal(round, 0);
            assert_int_equal(buf_addc(mine, '%'), 0);
            m[i].name = mine->data;
            m[i].name_len = (uint16_t)mine->len;
        }
    }
    for (i = 0; i < N; i++)
        buf_free(&b[i]);
}

static void
test_fault_text(void **state)
{
    unsigned bit;

    (void)state;
    assert_string_equal(zip_fault_text(0), "none");
    assert_string_equal(zip_fault_text(ZIP_POISON_DOT | ZIP_SOFT_CASE),
                        "poison: dot component");
    for (bit = 1; bit <= ZIP_SOFT_WINDOWS; bit <<= 1)
        if (bit <= ZIP_POISON_LONG ||
            (bit >= ZIP_CONFLICT_PREFIX && bit <= ZIP_CONFLICT_STRANGER) ||
            bit >= ZIP_SOFT_CONTROL)
            assert_string_not_equal(zip_fault_text(bit), "none");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_rule),
        cmocka_unit_test(test_key_rule_long),
        cmocka_unit_test(test_set_conflicts),
        cmocka_unit_test(test_set_twins),
        cmocka_unit_test(test_set_random),
        cmocka_unit_test(test_escape_rows),
        cmocka_unit_test(test_escape_portable),
        cmocka_unit_test(test_escape_injective),
        cmocka_unit_test(test_escape_ends_conflicts),
        cmocka_unit_test(test_fault_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
