/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Spools: any order of writes gives the bytes and their CRC-32, and no
 * more room is taken than half of what is free.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/check.h"
#include "base/crc32.h"
#include "publish/spool.h"

static char dir[] = "/tmp/s3zipfs-test-XXXXXX";
static uint64_t free_bytes;

/* Instead of the C library's. */
int
statvfs(const char *path, struct statvfs *v)
{
    assert_string_equal(path, dir);
    memset(v, 0, sizeof(*v));
    v->f_frsize = 1;
    v->f_bavail = free_bytes;
    return 0;
}

/* And this: what was waited for. */
static uint64_t synced;
static int sync_fails;

int
sync_file_range(int fd, off64_t first, off64_t len, unsigned flags)
{
    (void)fd;
    (void)first;
    assert_int_equal(flags, SYNC_FILE_RANGE_WAIT_BEFORE |
                                SYNC_FILE_RANGE_WRITE |
                                SYNC_FILE_RANGE_WAIT_AFTER);
    synced += (uint64_t)len;
    errno = sync_fails;
    return sync_fails ? -1 : 0;
}

static int
set_up(void **state)
{
    struct spool_dir *d;
    struct err e = {0};

    free_bytes = GIB(1);
    synced = 0;
    sync_fails = 0;
    if (spool_dir_new(&d, dir, false, &e) < 0)
        return -1;
    *state = d;
    return 0;
}

static int
tear_down(void **state)
{
    spool_dir_free(*state);
    return 0;
}

/* Nothing by a name is ever there. */
static void
no_files(void)
{
    DIR *d = opendir(dir);
    struct dirent *f;

    assert_non_null(d);
    while ((f = readdir(d)) != NULL)
        assert_int_equal(f->d_name[0], '.');
    closedir(d);
}

/* --------------------------------------------------------------- writes */

enum { THREADS = 4, PIECE = 4000 };

struct writer {
    struct spool *s;
    const uint8_t *data;
    size_t length, first;
    int r;
};

/* Every THREADS-th piece, in many small buffers. */
static void *
write_some(void *user)
{
    struct writer *w = user;
    struct iovec iov[130];
    struct err e = {0};
    size_t at, k, n;
    int count;

    for (at = w->first * PIECE; at < w->length; at += THREADS * PIECE) {
        n = (size_t)min_u64(PIECE, w->length - at);
        for (k = 0, count = 0; k < n; count++) {
            size_t len = (size_t)min_u64((unsigned)count % 65, n - k);

            iov[count].iov_base = (void *)(uintptr_t)(w->data + at + k);
            iov[count].iov_len = len;
            k += len;
        }
        w->r = spool_write(w->s, at, iov, count, &e);
        if (w->r < 0)
            break;
    }
    return NULL;
}

static void
test_side_by_side(void **state)
{
    enum { LENGTH = 1000003 };
    uint8_t *data = malloc(LENGTH), *back = malloc(LENGTH);
    struct writer w[THREADS];
    pthread_t thread[THREADS];
    struct err e = {0};
    struct spool *s;
    uint32_t crc;
    size_t i;

    for (i = 0; i < LENGTH; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    assert_int_equal(spool_new(&s, *state, LENGTH, &e), 0);
    assert_int_equal(spool_length(s), LENGTH);
    assert_false(spool_crc(s, &crc));
    no_files();
    for (i = 0; i < THREADS; i++) {
        w[i] = (struct writer){s, data, LENGTH, THREADS - 1 - i, 0};
        assert_int_equal(pthread_create(&thread[i], NULL, write_some, &w[i]),
                         0);
    }
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(w[i].r, 0);
    }
    assert_true(spool_crc(s, &crc));
    assert_int_equal(crc, crc32_add(0, data, LENGTH));
    assert_int_equal(pread(spool_fd(s), back, LENGTH, 0), LENGTH);
    assert_memory_equal(back, data, LENGTH);
    spool_free(s);
    free(back);
    free(data);
}

static int
put(struct spool *s, uint64_t offset, const char *text)
{
    struct iovec v = {(void *)(uintptr_t)text, strlen(text)};
    struct err e = {0};
    int r = spool_write(s, offset, &v, 1, &e);

    assert_int_equal(e.num, -r);
    return r;
}

static void
test_bad_writes(void **state)
{
    struct err e = {0};
    struct spool *s;
    uint32_t crc;

    assert_int_equal(spool_new(&s, *state, 10, &e), 0);
    assert_int_equal(put(s, 4, "4567"), 0);
    assert_int_equal(put(s, 8, "890"), -EINVAL);
    assert_int_equal(put(s, UINT64_MAX, "x"), -EINVAL);
    assert_int_equal(put(s, 4, "4567"), -EINVAL);
    assert_int_equal(put(s, 3, "34"), -EINVAL);
    assert_int_equal(put(s, 7, "78"), -EINVAL);
    assert_int_equal(put(s, 5, "5"), -EINVAL);
    assert_int_equal(put(s, 9, ""), 0);
    assert_int_equal(put(s, 8, "89"), 0);
    assert_false(spool_crc(s, &crc));
    assert_int_equal(put(s, 0, "0123"), 0);
    assert_true(spool_crc(s, &crc));
    assert_int_equal(crc, crc32_add(0, "0123456789", 10));
    assert_int_equal(put(s, 0, "0123456789"), -EINVAL);
    spool_free(s);
    spool_free(NULL);
}

/* ---------------------------------------------------------------- space */

/* What is there for files and what spools have set aside, together. */
static int
take(struct spool_dir *d, uint64_t length, struct spool **ret)
{
    struct err e = {0};
    int r = spool_new(ret, d, length, &e);

    if (r == -ENOSPC)
        assert_non_null(strstr(e.text, dir));
    if (r == 0)
        free_bytes -= length;
    return r;
}

static void
give(struct spool *s)
{
    free_bytes += spool_length(s);
    spool_free(s);
}

static void
test_space(void **state)
{
    struct spool *a, *b, *c;
    struct err e = {0};

    free_bytes = MIB(2);
    assert_int_equal(take(*state, MIB(1) + 1, &a), -ENOSPC);
    assert_int_equal(take(*state, KIB(600), &a), 0);
    assert_int_equal(take(*state, KIB(424), &b), 0);
    assert_int_equal(take(*state, 1, &c), -EAGAIN);
    give(b);
    assert_int_equal(take(*state, KIB(425), &b), -EAGAIN);
    assert_int_equal(take(*state, KIB(424), &b), 0);
    give(a);
    give(b);
    assert_int_equal(take(*state, MIB(1), &a), 0);
    give(a);
    /* Somebody else filled the disk. */
    free_bytes = 0;
    assert_int_equal(take(*state, 1, &a), -ENOSPC);
    assert_int_equal(spool_new(&a, *state, 0, &e), -EINVAL);
    no_files();
}

/* A write ends when all of it is on the disk, and a disk that has none of it
 * is heard of; a kernel that cannot wait is not. */
static void
test_through(void **state)
{
    struct iovec iov = {(char *)"0123456789", 10};
    struct spool_dir *d;
    struct err e = {0};
    struct spool *s;
    uint32_t crc;

    assert_int_equal(spool_new(&s, *state, 10, &e), 0);
    assert_int_equal(spool_write(s, 0, &iov, 1, &e), 0);
    assert_int_equal(synced, 0);
    spool_free(s);
    assert_int_equal(spool_dir_new(&d, dir, true, &e), 0);
    assert_int_equal(spool_new(&s, d, 30, &e), 0);
    assert_int_equal(spool_write(s, 10, &iov, 1, &e), 0);
    assert_int_equal(synced, 10);
    sync_fails = ENOSYS;
    assert_int_equal(spool_write(s, 0, &iov, 1, &e), 0);
    assert_int_equal(synced, 20);
    sync_fails = ENOSPC;
    assert_int_equal(spool_write(s, 20, &iov, 1, &e), -ENOSPC);
    assert_non_null(strstr(e.text, dir));
    assert_false(spool_crc(s, &crc));
    spool_free(s);
    spool_dir_free(d);
}

static void
test_no_dir(void **state)
{
    struct spool_dir *d;
    struct err e = {0};
    struct spool *s;

    (void)state;
    /* Falls back. */
    setenv("TMPDIR", dir, 1);
    assert_int_equal(spool_dir_new(&d, "/nonexistent", false, &e), 0);
    free_bytes = MIB(1);
    assert_int_equal(spool_new(&s, d, 1, &e), 0); /* checks statvfs's path */
    spool_free(s);
    spool_dir_free(d);
    assert_int_equal(spool_dir_new(&d, NULL, false, &e), 0);
    spool_dir_free(d);
}

static int
make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int
remove_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_side_by_side, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_space, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_through, set_up, tear_down),
        cmocka_unit_test(test_no_dir),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
