/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the tests of read/ share: a room of fake store, CRCs, pool and
 * reader, a full render of the archive to compare with, and waiting.
 */
#ifndef S3ZIPFS_TEST_READ_HELP_H
#define S3ZIPFS_TEST_READ_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "read/read.h"
#include "test_crc_fake.h"

struct room {
    struct fake f;
    struct crc *crc;
    struct layout *l;
    struct crc_set *set;
    struct read_pool *pool;
    struct reader *reader;
    uint8_t *render;
};

/* After fake_start and fake_add. */
static inline void
room_open(struct room *m, enum zip_hint hint, uint64_t memory,
          unsigned connections)
{
    struct read_pool_conf c = {memory, connections, true};
    struct err e;

    assert_int_equal(
        crc_new(&m->crc, m->f.net, m->f.s3, NULL, CONF_CRC_AUTO, &e), 0);
    m->l = fake_layout(&m->f, hint);
    m->set = crc_set_open(m->crc, m->l);
    assert_int_equal(read_pool_new(&m->pool, m->f.net, m->f.s3, &c), 0);
    assert_int_equal(reader_open(&m->reader, m->pool, m->l, m->set), 0);
    fake_settle(&m->f);
}

static inline void
room_render(struct room *m, struct fake_object **obj)
{
    struct zip_piece pc;

    m->render = malloc(m->l->zip.size);
    assert_non_null(m->render);
    zip_piece_at(&m->l->zip, 0, &pc);
    do {
        if (pc.kind == ZIP_PIECE_DATA)
            fake_bytes(obj[pc.index], 0, m->render + pc.first,
                       pc.end - pc.first);
        else
            zip_piece_put(
                m->render + pc.first, &m->l->zip, &pc,
                pc.kind == ZIP_PIECE_END ? 0 : fake_crc32(obj[pc.index]));
    } while (zip_piece_next(&m->l->zip, &pc));
}

static inline void
room_close(struct room *m)
{
    struct read_stats s;
    int i;

    reader_unref(m->reader);
    for (i = 0; i < 5000 && fake_running(&m->f); i++)
        usleep(1000);
    read_stats_get(m->pool, &s);
    assert_int_equal(s.memory_used, 0);
    assert_int_equal(fake_unguarded(&m->f), 0);
    read_pool_free(m->pool);
    crc_set_unref(m->set);
    layout_unref(m->l);
    crc_free(m->crc);
    fake_stop(&m->f);
    free(m->render);
}

struct got {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    unsigned answers;
    int r;
    uint64_t length;
    uint8_t *out;           /* NULL: not wanted */
    struct read_view *kept; /* if keep */
    bool keep;
    struct err err;
};
#define GOT_INIT                                                              \
    {                                                                         \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER                   \
    }

static inline void
on_got(void *user, int r, struct read_view *v, const struct err *e)
{
    struct got *g = user;
    uint64_t n = 0;
    int i;

    for (i = 0; r == 0 && i < v->count; i++) {
        if (g->out)
            memcpy(g->out + n, v->iov[i].iov_base, v->iov[i].iov_len);
        n += v->iov[i].iov_len;
    }
    assert_true(r < 0 ? !v && e->num == -r : n == v->length);
    pthread_mutex_lock(&g->lock);
    g->r = r;
    g->length = n;
    g->err = *e;
    g->kept = g->keep ? v : NULL;
    pthread_mutex_unlock(&g->lock);
    if (v && !g->keep)
        read_view_release(v);
    pthread_mutex_lock(&g->lock);
    g->answers++;
    pthread_cond_broadcast(&g->cond);
    pthread_mutex_unlock(&g->lock);
}

static inline void
wait_got(struct got *g, unsigned n)
{
    pthread_mutex_lock(&g->lock);
    while (g->answers < n)
        pthread_cond_wait(&g->cond, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static inline struct read_stream *
open_stream(struct room *m)
{
    struct read_stream *s;

    assert_int_equal(read_stream_open(&s, m->reader), 0);
    return s;
}

/* One read, compared with the render if there is one; its errno. */
static inline int
read_check(struct room *m, struct read_stream *s, uint64_t offset,
           uint64_t length, unsigned flags, struct err *e)
{
    struct got g = GOT_INIT;
    uint64_t size = m->l->zip.size;
    uint64_t want = offset > size ? 0 : min_u64(length, size - offset);

    g.out = malloc(length + 1);
    read_range(s, offset, length, flags, on_got, &g);
    wait_got(&g, 1);
    if (g.r == 0) {
        assert_int_equal(g.length, want);
        if (m->render && want)
            assert_memory_equal(g.out, m->render + offset, want);
    }
    if (e)
        *e = g.err;
    free(g.out);
    return g.r;
}

static inline struct s3_stats
requests(struct room *m)
{
    struct s3_stats s;

    s3_stats_get(m->f.s3, &s);
    return s;
}

static inline struct read_stats
stats(struct room *m)
{
    struct read_stats s;

    read_stats_get(m->pool, &s);
    return s;
}

#endif
