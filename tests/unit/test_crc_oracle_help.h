/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the tests of the oracle share: a room of fake store, state file and
 * layout, asking for a CRC and waiting for it, and what came of it.
 */
#ifndef S3ZIPFS_TEST_CRC_ORACLE_HELP_H
#define S3ZIPFS_TEST_CRC_ORACLE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "crc/crc.h"
#include "state/state.h"
#include "test_crc_fake.h"

struct got {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    unsigned answers, good;
    int r;
    uint32_t value;
};
#define GOT_INIT                                                              \
    {                                                                         \
        .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER   \
    }

static inline void
on_crc(void *user, int r, uint32_t value, const struct err *e)
{
    struct got *g = user;

    (void)e;
    pthread_mutex_lock(&g->lock);
    g->answers++;
    g->good += r == 0;
    g->r = r;
    g->value = value;
    pthread_cond_broadcast(&g->cond);
    pthread_mutex_unlock(&g->lock);
}

static inline void
wait_answers(struct got *g, unsigned n)
{
    pthread_mutex_lock(&g->lock);
    while (g->answers < n)
        pthread_cond_wait(&g->cond, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static inline int
ask(struct crc_set *s, size_t member, uint32_t *ret)
{
    struct got g = GOT_INIT;

    crc_get(s, member, 0, on_crc, &g);
    wait_answers(&g, 1);
    *ret = g.value;
    return g.r;
}

struct room {
    struct fake f;
    struct crc *crc;
    struct state *state;
    struct layout *l;
    struct crc_set *set;
    struct fake_uploads *up;
    char dir[40];
};

static inline void
room_start(struct room *m, unsigned threads)
{
    memset(m, 0, sizeof(*m));
    snprintf(m->dir, sizeof(m->dir), "/tmp/s3zipfs-oracle-XXXXXX");
    assert_non_null(mkdtemp(m->dir));
    fake_start(&m->f, threads, threads ? 200 : 0);
    fake_keep_late(&m->f);
    m->up = fake_uploads(&m->f);
}

static inline void
room_open(struct room *m, enum conf_crc mode, bool may_write, bool file)
{
    struct crc_oracle_conf oc = {"b", "scratch/", may_write};
    struct err e;

    if (file)
        state_open(&m->state, m->dir);
    assert_int_equal(crc_new(&m->crc, m->f.net, m->f.s3, m->state, mode, &e),
                     0);
    assert_int_equal(crc_allow_oracle(m->crc, &oc), 0);
    m->l = fake_layout(&m->f, ZIP_HINT_OTHER);
    m->set = crc_set_open(m->crc, m->l);
    assert_non_null(m->set);
}

static inline void
room_close(struct room *m)
{
    crc_set_unref(m->set);
    layout_unref(m->l);
    crc_free(m->crc);
    m->set = NULL;
    m->l = NULL;
    m->crc = NULL;
}

static inline void
room_end(struct room *m)
{
    char path[80];

    if (m->crc)
        room_close(m);
    fake_stop(&m->f);
    state_close(m->state);
    snprintf(path, sizeof(path), "rm -r %s", m->dir);
    assert_int_equal(system(path), 0);
}

static inline unsigned
gets(struct room *m)
{
    struct s3_stats n;

    s3_stats_get(m->f.s3, &n);
    return (unsigned)n.get;
}

static inline uint64_t
from_oracle(struct room *m)
{
    struct crc_stats n;

    crc_stats_get(m->crc, &n);
    return n.from_oracle;
}

static inline int64_t
rows(struct room *m)
{
    struct sqlite3 *db = state_lock(m->state);
    sqlite3_stmt *q = NULL;
    int64_t n = -1;

    assert_non_null(db);
    if (sqlite3_prepare_v2(db, "SELECT count(*) FROM upload", -1, &q, NULL) ==
            SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW)
        n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    state_unlock(m->state);
    return n;
}

#endif
