/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Verifying on the fake store: an archive of ours is right by what the store
 * tells of its ranges, by reading, and by both; every changed byte is found,
 * whoever tells it; what is hearsay accuses nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/text.h"
#include "crc/crc.h"
#include "extract/extract.h"
#include "fake_store.h"
#include "net/scope.h"

enum { COUNT = 24, NEVER = 1000 };
#define ARCHIVE "p/a.zip"

static const struct extract_limits limits = {.copy_range = 1500};

/* What the oracle of crc/ says. */
enum told { RIGHT, WRONG, UNKNOWN, STALE, HANGS };

static struct {
    struct conf conf;
    struct zip_member member[COUNT];
    struct layout layout;
    char name[COUNT][16];
    uint8_t *zip;
    struct verify_result result;
    struct err e;
    bool read, against;
    /* Of the oracle: every n-th range is told in that way. */
    enum told told;
    unsigned every;
    atomic_uint asked, odd;
    atomic_bool distrusted, cancelled, stop;
} c;

/* ------------------------------------------------------------ crc/, index */

struct question {
    crc_copied_cb *cb;
    void *user;
    uint64_t first, length;
    enum told told;
};

static void
answer(void *user)
{
    struct question *q = user;
    const struct fake_object *o = fake_object(ARCHIVE);
    uint32_t crc;

    if (q->told == HANGS && !c.cancelled) {
        net_timer(NULL, 0, answer, q);
        return;
    }
    crc = (uint32_t)crc32_z(0, o->data + q->first, q->length);
    q->cb(q->user,
          q->told == UNKNOWN ? -ENODATA
          : q->told == STALE ? -ESTALE
          : q->told == HANGS ? -ECANCELED
                             : 0,
          q->told == WRONG ? crc ^ 1 : crc);
    free(q);
}

void
crc_copied(struct crc *crc, const struct crc_copied_args *a, crc_copied_cb *cb,
           void *user)
{
    struct question *q = malloc(sizeof(*q));

    (void)crc;
    assert_true(a->length > 0 && a->length <= limits.copy_range);
    assert_string_equal(a->etag, fake_object(ARCHIVE)->etag);
    *q = (struct question){cb, user, a->first, a->length, RIGHT};
    pthread_mutex_lock(&fake.lock); /* several threads ask */
    if (++c.asked % c.every == 0) {
        q->told = c.told;
        c.odd++;
        c.stop |= c.told == HANGS;
    }
    pthread_mutex_unlock(&fake.lock);
    net_timer(NULL, 0, answer, q);
}

void
crc_copied_cancel(struct crc *crc)
{
    (void)crc;
    c.cancelled = true;
}

void
crc_distrust(struct crc *crc, const char *why)
{
    (void)crc;
    (void)why;
    c.distrusted = true;
}

bool
crc_can_copy(struct crc *crc, const char *bucket, uint64_t bytes)
{
    (void)crc;
    (void)bytes;
    return strcmp(bucket, "b") == 0;
}

void
crc_stats_get(struct crc *crc, struct crc_stats *ret)
{
    (void)crc;
    memset(ret, 0, sizeof(*ret));
}

void
layout_digest_hex(const struct layout *l, char out[65])
{
    text_hex(out, l->digest, sizeof(l->digest));
}

void
fake_stop_job(void)
{
    c.stop = true;
}

/* ----------------------------------------------------------------- case */

static uint8_t
body_byte(size_t member, uint64_t i)
{
    return (uint8_t)(member * 31 + i * 7 + (i >> 8));
}

static void
render_piece(const struct zip_piece *p)
{
    uint64_t i, size = p->kind == ZIP_PIECE_END ? 0 : c.member[p->index].size;
    uint8_t *body = malloc(size + 1);

    for (i = 0; i < size; i++)
        body[i] = body_byte(p->index, i);
    if (p->kind == ZIP_PIECE_DATA)
        memcpy(c.zip + p->first, body, size);
    else
        zip_piece_put(c.zip + p->first, &c.layout.zip, p,
                      (uint32_t)crc32_z(0, body, size));
    free(body);
}

/* An archive of ours in the store: members of no byte, of few, and of
 * several ranges. */
static void
begin(bool stored_crc)
{
    static const uint64_t sizes[] = {300, 0, 40, 700, 4000, 1, 0, 120};
    struct zip_piece p;
    size_t i;

    memset(&c, 0, sizeof(c));
    c.every = NEVER;
    fake_start(11);
    fake_threads_start();
    conf_init(&c.conf);
    c.conf.memory = 1 << 20;
    for (i = 0; i < COUNT; i++) {
        struct zip_member *m = &c.member[i];

        snprintf(c.name[i], sizeof(c.name[i]), "d/m%03zu", i);
        m->name = m->key = c.name[i];
        m->name_len = m->key_len = (uint16_t)strlen(c.name[i]);
        m->etag = "";
        m->size = sizes[i % 8];
        m->mtime = 1700000000 + (int64_t)i;
    }
    assert_int_equal(zip_layout_init(&c.layout.zip, c.member, COUNT), 0);
    c.zip = malloc(c.layout.zip.size);
    zip_piece_at(&c.layout.zip, 0, &p);
    do
        render_piece(&p);
    while (zip_piece_next(&c.layout.zip, &p));
    fake_put(ARCHIVE, c.zip, c.layout.zip.size, stored_crc);
}

static void
end(void)
{
    fake_threads_stop();
    fake_stop();
    zip_layout_free(&c.layout.zip);
    free(c.zip);
    conf_free(&c.conf);
}

static bool
on_stop(void *user)
{
    (void)user;
    return c.stop;
}

static int
verify(void)
{
    struct extract_deps d = {.s3 = &fake_s3,
                             .crc = (struct crc *)&c,
                             .conf = &c.conf,
                             .limits = &limits};
    struct verify_args a = {.place = "s3://b/" ARCHIVE,
                            .read = c.read,
                            .against = c.against ? &c.layout : NULL,
                            .stop = on_stop};
    int r;

    c.e = (struct err){0};
    r = verify_run(&d, &a, &c.result, &c.e);
    assert_int_equal(r, -c.e.num);
    assert_int_equal(r < 0, c.e.text[0] != '\0');
    return r;
}

static void
right(const char *checked)
{
    if (verify() < 0)
        fail_msg("%s", c.e.text);
    assert_string_equal(c.result.checked, checked);
    assert_int_equal(c.result.entries, COUNT);
    assert_int_equal(c.result.bytes, c.layout.zip.size);
    assert_int_equal(c.result.crc32, crc32_z(0, c.zip, c.layout.zip.size));
}

/* ---------------------------------------------------------------- tests */

static void
by_the_store(void **state)
{
    (void)state;
    begin(true);
    c.against = true;
    right("store");
    assert_int_equal(c.result.copied, c.layout.zip.offset[COUNT]);
    /* directory and end records alone, the latter twice */
    assert_true(c.result.downloaded <=
                2 * (c.layout.zip.size - c.layout.zip.offset[COUNT]) + 70000);
    assert_true(c.asked > 6);
    assert_false(c.distrusted);
    end();
}

static void
by_reading(void **state)
{
    (void)state;
    begin(true);
    c.read = true;
    right("read");
    assert_int_equal(c.asked, 0);
    assert_int_equal(c.result.copied, 0);
    assert_true(c.result.downloaded >= c.layout.zip.size);
    end();
}

static void
what_it_does_not_know_is_read(void **state)
{
    (void)state;
    begin(false);
    c.told = UNKNOWN;
    c.every = 3;
    right("mixed");
    assert_false(c.distrusted);
    c.every = 1;
    right("read");
    end();
}

static void
hearsay_accuses_nobody(void **state)
{
    (void)state;
    begin(true);
    c.told = WRONG;
    c.every = 4;
    right("mixed");
    assert_true(c.distrusted);
    end();
}

/* The store tells the CRCs of what it has. */
static void
finds_every_byte(void **state)
{
    uint64_t i;
    int r;

    (void)state;
    for (i = 0; i < 2; i++) {
        begin(false);
        c.read = i;
        for (uint64_t at = i; at < c.layout.zip.size; at += 13) {
            fake_object(ARCHIVE)->data[at] ^= 0x20;
            r = verify();
            if (r != -EIO && r != -EFBIG)
                fail_msg("byte %llu: %d", (unsigned long long)at, r);
            fake_object(ARCHIVE)->data[at] ^= 0x20;
        }
        end();
    }
}

static void
the_archive_is_another_one(void **state)
{
    unsigned n;
    int r;

    (void)state;
    begin(false);
    c.told = STALE;
    c.every = 5;
    assert_int_equal(verify(), -ESTALE);
    end();
    for (n = 1; n < 8; n++) {
        begin(false);
        c.read = true;
        fake.trouble = FAKE_OVERWRITE;
        fake.trouble_at = n;
        r = verify();
        assert_true(r == -ESTALE || r == -EIO || fake.calls < n);
        end();
    }
}

static void
is_not_the_prefix_now(void **state)
{
    (void)state;
    begin(false);
    c.against = true;
    c.member[5].mtime++;
    assert_int_equal(verify(), -EIO);
    assert_non_null(strstr(c.e.text, "central header of the prefix"));
    end();
}

static void
is_stopped(void **state)
{
    (void)state;
    begin(false);
    c.told = HANGS;
    c.every = 2;
    assert_int_equal(verify(), -EINTR);
    assert_true(c.cancelled);
    end();
}

static void
calls_fail(void **state)
{
    static const struct {
        enum fake_trouble what;
        int err;
    } kind[] = {{FAKE_FAIL_500, -EIO}, {FAKE_FAIL_403, -EACCES}};
    unsigned i, n;

    (void)state;
    for (i = 0; i < 2; i++)
        for (n = 2; n < 7; n++) {
            begin(false);
            c.read = true;
            fake.trouble = kind[i].what;
            fake.trouble_at = n; /* the first one is a look only */
            if (fake.calls < n && verify() == 0)
                assert_true(fake.calls < n);
            else
                assert_int_equal(-c.e.num, kind[i].err);
            end();
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_store),
        cmocka_unit_test(by_reading),
        cmocka_unit_test(what_it_does_not_know_is_read),
        cmocka_unit_test(hearsay_accuses_nobody),
        cmocka_unit_test(finds_every_byte),
        cmocka_unit_test(the_archive_is_another_one),
        cmocka_unit_test(is_not_the_prefix_now),
        cmocka_unit_test(is_stopped),
        cmocka_unit_test(calls_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
