/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Extractions on the fake store: every member is right whatever the archive
 * is like, whatever the store cannot do, and whatever happens at the n-th
 * call; and nothing stays open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "crc/crc.h"
#include "extract/dir.h"
#include "extract/extract.h"
#include "fake_store.h"

enum { MOST = 60, KEEP = 64 };
#define ARCHIVE "p/a.zip" /* below p/: FAKE_OVERWRITE overwrites it */
#define ROOT "out/"

static const struct extract_limits limits = {
    .part_min = FAKE_FLOOR,
    .parts_max = 200,
    .copy_range = 3000,
    .part_least = 1000,
    .run_least = 2500,
};

struct file {
    char name[KEEP];
    uint8_t *data;
    size_t size;
    bool deflated;
    size_t body, packed; /* in the archive */
};

/* One extraction, and what it extracts. */
static struct {
    struct conf conf;
    struct file file[MOST];
    unsigned count;
    struct buf zip;
    struct extract_status st;
    struct err e;
    sem_t stopped; /* was seen by the job */
    atomic_bool stop;
} c;

/* -------------------------------------------------------------- archive */

static void
put_n(struct buf *b, uint64_t v, unsigned n)
{
    for (; n > 0; n--, v >>= 8)
        assert_int_equal(buf_addc(b, (char)(v & 0xff)), 0);
}

static uint32_t
rnd(uint32_t below)
{
    return (uint32_t)random() % below;
}

/* Bytes that give in to deflate, more or less. */
static void
add_file(const char *name, size_t size, bool deflated)
{
    struct file *f = &c.file[c.count++];
    uint32_t letters = 1 + rnd(256);
    size_t i;

    snprintf(f->name, sizeof(f->name), "%s", name);
    f->data = malloc(size + 1);
    f->size = size;
    f->deflated = deflated;
    for (i = 0; i < size; i++)
        f->data[i] = (uint8_t)rnd(letters);
}

static void
add_random_files(unsigned n)
{
    char name[KEEP];
    unsigned i;

    for (i = 0; i < n; i++) {
        size_t size = rnd(4) == 0   ? 0
                      : rnd(2) == 0 ? rnd(FAKE_FLOOR)
                                    : FAKE_FLOOR + rnd(9000);
        bool deflated = rnd(2) == 0;

        snprintf(name, sizeof(name), "d%u/m%03u%s", rnd(3), i,
                 size == 0 && !deflated && rnd(3) == 0 ? "/" : "");
        add_file(name, size, deflated);
    }
}

static uint8_t *
pack(const struct file *f, size_t *ret)
{
    uLong most = compressBound(f->size) + 16;
    uint8_t *out = malloc(most);
    z_stream z = {0};

    if (!f->deflated) {
        memcpy(out, f->data, *ret = f->size);
        return out;
    }
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, 0), Z_OK);
    z.next_in = f->data;
    z.avail_in = (uInt)f->size;
    z.next_out = out;
    z.avail_out = (uInt)most;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    *ret = most - z.avail_out;
    deflateEnd(&z);
    return out;
}

static void
put_header(struct buf *b, const struct file *f, bool later, size_t packed)
{
    uint32_t crc = (uint32_t)crc32_z(0, f->data, f->size);

    put_n(b, 20, 2);
    put_n(b, later ? ZDIR_DESCRIPTOR : 0, 2);
    put_n(b, f->deflated ? ZDIR_DEFLATED : ZDIR_STORED, 2);
    put_n(b, 0, 4);
    put_n(b, crc, 4);
    put_n(b, packed, 4);
    put_n(b, f->size, 4);
    put_n(b, strlen(f->name), 2);
}

/* The archive of c.file, with gaps, local extra fields and descriptors here
 * and there, into the store. */
static void
make_archive(bool stored_crc)
{
    struct buf cd = BUF_INIT(1 << 20);
    size_t at, n, extra;
    unsigned i;

    c.zip = (struct buf)BUF_INIT(16 << 20);
    for (i = 0; i < c.count; i++) {
        struct file *f = &c.file[i];
        bool later = rnd(3) == 0;
        uint8_t *body = pack(f, &n);

        put_n(&c.zip, 0, rnd(4) == 0 ? rnd(30) : 0);
        at = c.zip.len;
        extra = rnd(3) == 0 ? rnd(50) : 0;
        put_n(&c.zip, ZDIR_LOCAL_SIG, 4);
        put_header(&c.zip, f, later, n);
        put_n(&c.zip, extra, 2);
        buf_adds(&c.zip, f->name);
        put_n(&c.zip, 0, (unsigned)extra);
        f->body = c.zip.len;
        f->packed = n;
        buf_add(&c.zip, body, n);
        put_n(&c.zip, 0, later ? 16 : 0);
        put_n(&cd, ZDIR_CENTRAL_SIG, 4);
        put_n(&cd, 20, 2);
        put_header(&cd, f, later, n);
        put_n(&cd, 0, 2 + 2 + 2 + 2 + 4);
        put_n(&cd, at, 4);
        buf_adds(&cd, f->name);
        free(body);
    }
    at = c.zip.len;
    buf_add(&c.zip, cd.data, cd.len);
    put_n(&c.zip, ZDIR_END_SIG, 4);
    put_n(&c.zip, 0, 4);
    put_n(&c.zip, c.count, 2);
    put_n(&c.zip, c.count, 2);
    put_n(&c.zip, cd.len, 4);
    put_n(&c.zip, at, 4);
    put_n(&c.zip, 0, 2);
    buf_free(&cd);
    fake_put(ARCHIVE, c.zip.data, c.zip.len, stored_crc);
}

/* ----------------------------------------------------------------- case */

static bool
on_tick(void *user, const struct extract_status *st)
{
    (void)user;
    assert_true(st->done <= st->members);
    if (!c.stop)
        return false;
    sem_post(&c.stopped);
    return true;
}

int __real_scope_sleep(struct scope *sc, uint64_t ms);
int __wrap_scope_sleep(struct scope *sc, uint64_t ms);

int
__wrap_scope_sleep(struct scope *sc, uint64_t ms)
{
    return __real_scope_sleep(sc, ms / 100);
}

/* The n-th call waits until the job has been told. */
void
fake_stop_job(void)
{
    c.stop = true;
    sem_wait(&c.stopped);
}

static void
begin(uint64_t seed)
{
    memset(&c, 0, sizeof(c));
    srandom((unsigned)seed);
    sem_init(&c.stopped, 0, 0);
    fake_start(seed);
    fake_threads_start();
    conf_init(&c.conf);
    c.conf.memory = 16000;
}

static int
extract(void)
{
    struct extract_deps d = {.s3 = &fake_s3,
                             .conf = &c.conf,
                             .state = &fake.state[0],
                             .limits = &limits};
    struct extract_args a = {
        .archive = "s3://b/" ARCHIVE, .dest = "s3://b/" ROOT, .tick = on_tick};
    int r;

    c.e = (struct err){0};
    c.stop = false;
    r = extract_run(&d, &a, &c.st, &c.e);
    assert_int_equal(r, -c.e.num);
    assert_int_equal(r < 0, c.e.text[0] != '\0');
    return r;
}

static void
end(void)
{
    unsigned i;

    fake_threads_stop();
    fake_stop();
    for (i = 0; i < c.count; i++)
        free(c.file[i].data);
    buf_free(&c.zip);
    conf_free(&c.conf);
    sem_destroy(&c.stopped);
}

static const struct fake_object *
object_of(const struct file *f)
{
    char key[KEEP + sizeof(ROOT)];

    snprintf(key, sizeof(key), ROOT "%s", f->name);
    return fake_object(key);
}

/* Each object that is there has its member's bytes; how many there are. */
static unsigned
count_right(void)
{
    unsigned i, n = 0;

    for (i = 0; i < c.count; i++) {
        const struct fake_object *o = object_of(&c.file[i]);

        if (!o)
            continue;
        assert_int_equal(o->size, c.file[i].size);
        assert_memory_equal(o->data, c.file[i].data, o->size);
        n++;
    }
    return n;
}

static void
nothing_open(void)
{
    assert_int_equal(fake_uploads_open(), 0);
    assert_int_equal(fake_sql("SELECT count(*) FROM upload"), 0);
}

static void
all_right(void)
{
    int r = extract();

    if (r < 0)
        fail_msg("%s", c.e.text);
    assert_int_equal(count_right(), c.count);
    assert_int_equal(fake_objects_below(ROOT), c.count);
    assert_int_equal(c.st.done, c.count);
    assert_int_equal(c.st.members, c.count);
    assert_int_equal(c.st.done_bytes, c.st.bytes);
    nothing_open();
}

static uint64_t
bytes_of(bool deflated, bool large)
{
    uint64_t n = 0;
    unsigned i;

    for (i = 0; i < c.count; i++)
        if (c.file[i].deflated == deflated &&
            (c.file[i].size >= FAKE_FLOOR) == large)
            n += c.file[i].size;
    return n;
}

static unsigned
large_stored(void)
{
    unsigned i, n = 0;

    for (i = 0; i < c.count; i++)
        n += !c.file[i].deflated && c.file[i].size >= FAKE_FLOOR;
    return n;
}

/* ---------------------------------------------------------------- tests */

static void
every_member_is_right(void **state)
{
    uint64_t seed;

    (void)state;
    for (seed = 1; seed <= 15; seed++) {
        begin(seed);
        add_random_files(1 + rnd(MOST));
        make_archive(false);
        all_right();
        assert_int_equal(c.st.copied, bytes_of(false, true));
        assert_int_equal(c.st.uploaded, c.st.bytes - c.st.copied);
        assert_int_equal(c.st.unchecked, 0);
        assert_int_equal(c.st.skipped, 0);
        /* and once more: all of it is there */
        fake_forget();
        all_right();
        assert_int_equal(c.st.skipped, c.count);
        assert_int_equal(fake.creates + fake.puts, 0);
        end();
    }
}

/* Streamed: the bytes that the last match gives begin in one part and end in
 * the next one, when all of the body has been eaten. */
static void
a_match_goes_over_the_end_of_a_part(void **state)
{
    unsigned more, i;

    (void)state;
    for (i = 0; i < 3; i++) {
        begin(i);
        for (more = 0; more < 20; more++) {
            char name[KEEP];
            struct file *f = &c.file[c.count];

            snprintf(name, sizeof(name), "zeros-%02u", more);
            add_file(name, 4000 + 1000 * i + 13 * more, true);
            memset(f->data, 0, f->size);
        }
        make_archive(false);
        all_right();
        assert_int_equal(fake.puts, 0);
        end();
    }
}

static void
no_range_crc(void)
{
    fake.no_copy_crc = true;
}

static void
whole_crc_of_ranges(void)
{
    fake.range_quirk = true;
    fake_object(ARCHIVE)->have_crc = true;
}

static void
no_copies_with_a_crc(void)
{
    fake.copy_400 = true;
}

static void
no_copies(void)
{
    fake.copy_501 = true;
}

static void
no_algorithm(void)
{
    fake.create_501 = true;
}

static void
no_object_size(void)
{
    fake.size_501 = true;
}

static void
bad_digests(void)
{
    fake.complete_400 = true;
}

static void
wrong_crcs(void)
{
    fake.wrong_copy_crc = true;
}

static void
busy(void)
{
    fake.busy_409 = 1;
}

static void
unclear_ends(void)
{
    fake.unclear = 3;
}

static void
a_lost_complete(void)
{
    fake.lost = 1;
}

static void
no_crc_in_heads(void)
{
    fake.no_head_crc = true;
    fake.unclear = 2;
}

static void
lists_refused(void)
{
    fake.lists_refused = true;
}

/* What a store cannot do, or says in another way: all is right all the same.
 * Members that a store without CRCs has copied are counted, unless they were
 * read. */
static void
quirks(void **state)
{
    static const struct {
        void (*set)(void);
        bool unchecked;
    } quirk[] = {
        {no_range_crc, true},
        {whole_crc_of_ranges, false},
        {no_copies_with_a_crc, true},
        {no_copies, false},
        {no_algorithm, true},
        {no_object_size, false},
        {bad_digests, false},
        {wrong_crcs, false},
        {busy, false},
        {unclear_ends, false},
        {a_lost_complete, false},
        {no_crc_in_heads, false},
        {lists_refused, false},
    };
    unsigned i, full;

    (void)state;
    for (i = 0; i < sizeof(quirk) / sizeof(quirk[0]); i++)
        for (full = 0; full < 2; full++) {
            begin(i);
            add_random_files(25);
            add_file("large", 8000, false);
            make_archive(false);
            quirk[i].set();
            if (full)
                c.conf.verify = CONF_VERIFY_FULL;
            all_right();
            if (full)
                assert_int_equal(c.st.unchecked, 0);
            else if (quirk[i].unchecked)
                assert_int_equal(c.st.unchecked, large_stored());
            if (quirk[i].set == no_copies)
                assert_int_equal(c.st.copied, 0);
            end();
        }
}

/* A body that is not what the directory says: that member is not there. */
static void
damage_is_found(void **state)
{
    static const struct {
        size_t size;
        bool deflated;
    } kind[] = {{300, false}, {300, true}, {7000, false}, {30000, true}};
    struct file *f;
    unsigned i;

    (void)state;
    for (i = 0; i < 4; i++) {
        begin(i);
        add_random_files(10);
        add_file("it", kind[i].size, kind[i].deflated);
        make_archive(false);
        f = &c.file[c.count - 1];
        fake_object(ARCHIVE)->data[f->body + f->packed / 2] ^= 0x10;
        assert_int_equal(extract(), -EIO);
        assert_non_null(strstr(c.e.text, "(it): "));
        assert_null(object_of(f));
        count_right();
        nothing_open();
        end();
    }
}

/* ------------------------------------------------------------- existing */

static void
others_objects_stay(void **state)
{
    (void)state;
    begin(3);
    add_random_files(12);
    add_file("theirs", 700, false);
    make_archive(false);
    fake_put(ROOT "theirs", c.file[0].data, c.file[0].size, true);
    assert_int_equal(extract(), -EEXIST);
    assert_non_null(strstr(c.e.text, "there already"));
    assert_int_equal(fake_objects_below(ROOT), 1); /* looked at first */
    assert_int_equal(fake.creates + fake.puts, 0);
    c.conf.overwrite = fake.unguarded = true;
    all_right();
    assert_int_equal(c.st.skipped, 0);
    end();
}

/* It was not there at the look, but when the member is written. */
static void
somebody_is_faster(void **state)
{
    static const size_t sizes[] = {100, 5000};
    unsigned i, n;

    (void)state;
    for (i = 0; i < 2; i++)
        for (n = 1; n < 20; n++) {
            int r;

            begin(n);
            add_file("a.zip", sizes[i], false);
            make_archive(false);
            fake.trouble = FAKE_STRANGER; /* out/a.zip */
            fake.trouble_at = n;
            r = extract();
            assert_true(r == 0 || r == -EEXIST);
            if (r < 0)
                assert_memory_equal(object_of(&c.file[0])->data, "stranger",
                                    8);
            assert_true(r < 0 || fake.calls < n ||
                        object_of(&c.file[0])->size == 8);
            nothing_open();
            end();
        }
}

/* -------------------------------------------------------------- trouble */

static void
begin_mixed(uint64_t seed)
{
    begin(seed);
    add_random_files(14);
    add_file("three-ranges", 8000, false);
    add_file("streamed", 20000, true);
    make_archive(false);
}

/* So many calls of an extraction in peace. */
static unsigned
calls_in_peace(uint64_t seed)
{
    unsigned n;

    begin_mixed(seed);
    all_right();
    n = fake.calls;
    end();
    return n;
}

/* What is there is right; the next run, in peace, does the rest, and cleans
 * up: an upload whose id nobody was told has no part. */
static void
the_next_one_finishes(void)
{
    fake.trouble_at = 0;
    if (extract() < 0)
        fail_msg("%s", c.e.text);
    assert_int_equal(count_right(), c.count);
    assert_int_equal(fake_parts_below(ROOT), 0);
    assert_int_equal(fake_sql("SELECT count(*) FROM upload WHERE"
                              " upload_id IS NOT NULL"),
                     0);
}

static void
trouble(enum fake_trouble what, unsigned step, const int *allowed)
{
    unsigned n, i, last = calls_in_peace(what) + 4;
    int r;

    for (n = 1 + (unsigned)what % step; n <= last; n += step) {
        begin_mixed(what);
        fake.trouble = what;
        fake.trouble_at = n;
        r = extract();
        for (i = 0; r < 0 && allowed[i] && allowed[i] != -r; i++)
            ;
        if (r < 0 && !allowed[i])
            fail_msg("trouble %d at %u: %s", what, n, c.e.text);
        count_right();
        if (r == 0)
            assert_int_equal(count_right(), c.count);
        if (what != FAKE_OVERWRITE)
            the_next_one_finishes();
        else if (r < 0)
            nothing_open();
        end();
    }
}

static void
calls_fail(void **state)
{
    static const int io[] = {EIO, 0}, denied[] = {EACCES, 0};
    static const int silence[] = {ETIMEDOUT, EIO, ECANCELED, EEXIST, 0};

    (void)state;
    trouble(FAKE_FAIL_500, 3, io);
    trouble(FAKE_FAIL_403, 4, denied);
    trouble(FAKE_FAIL_TIMEOUT, 7, silence);
}

/* The archive, or all uploads, at the n-th call. */
static void
things_vanish(void **state)
{
    static const int changed[] = {ECANCELED, ESTALE, EIO, 0};
    static const int gone[] = {ENOENT, EIO, 0};

    (void)state;
    trouble(FAKE_OVERWRITE, 2, changed);
    trouble(FAKE_GONE, 3, gone);
}

static void
is_stopped(void **state)
{
    unsigned n, last = calls_in_peace(5);
    int r;

    (void)state;
    for (n = 1; n <= last; n += 7) {
        begin_mixed(5);
        fake.trouble = FAKE_ABORT;
        fake.trouble_at = n;
        r = extract();
        assert_true(r == -EINTR || (r == 0 && n + 3 > last));
        count_right();
        nothing_open();
        the_next_one_finishes();
        end();
    }
}

static void
is_killed(void **state)
{
    unsigned n, last = calls_in_peace(6), kills = 0;

    (void)state;
    for (n = 2; n <= last; n += 4) {
        begin_mixed(6);
        fake.trouble = n % 8 == 2 ? FAKE_KILL : FAKE_KILL_LATE;
        fake.trouble_at = n;
        extract();
        fake_threads_stop();
        kills += fake_killed();
        fake.quit = false;
        fake_threads_start();
        count_right();
        the_next_one_finishes();
        end();
    }
    assert_true(kills > 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_right),
        cmocka_unit_test(a_match_goes_over_the_end_of_a_part),
        cmocka_unit_test(quirks),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(others_objects_stay),
        cmocka_unit_test(somebody_is_faster),
        cmocka_unit_test(calls_fail),
        cmocka_unit_test(things_vanish),
        cmocka_unit_test(is_stopped),
        cmocka_unit_test(is_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
