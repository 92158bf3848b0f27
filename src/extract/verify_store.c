/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The way without downloading: the store copies a range of the archive and
 * tells its CRC-32 (crc_copied).  What a range must hold follows from the
 * directory alone: local headers repeat the central ones, and the bodies'
 * CRCs are there; so one copy answers for all entries in it, headers
 * included.
 *
 * What the store says is a reason to believe, never to accuse: entries
 * whose range is not as expected are read.
 *
 * Locks: stage.lock for what the answers write.
 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/crc32.h"
#include "extract/verify.h"
#include "extract/wait.h"

enum { DEPTH = 24 };
/* Of one copy; larger entries take several. */
#define RANGE MIB(128)

struct stage;

struct piece {
    struct stage *g;
    uint64_t first, length;
    uint64_t entry, end; /* of the run that it belongs to: [entry, end) */
    bool last;           /* of its run */
    /* The answer. */
    bool done;
    int r;
    uint32_t crc;
};

struct stage {
    struct verify *v;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct piece ring[DEPTH];
    /* What comes next: */
    uint64_t entry, end, at;
    /* The run whose answers are being taken: */
    uint32_t crc;
    int r; /* -ENODATA: not all of it is known */
};

/* --------------------------------------------------------------- pieces */

static void
on_copied(void *user, int r, uint32_t crc)
{
    struct piece *p = user;
    struct stage *g = p->g;
    LOCK_SCOPE(&g->lock);

    p->r = r;
    p->crc = crc;
    p->done = true;
    pthread_cond_signal(&g->cond);
}

/* As many whole entries as a range holds, one at least. */
static void
next_run(struct stage *g)
{
    const struct verify *v = g->v;

    g->entry = g->end;
    g->at = entry_offset(v, g->entry);
    do
        g->end++;
    while (g->end < v->dir.count &&
           entry_offset(v, g->end + 1) - g->at <= RANGE);
}

/* False at the end. */
static bool
next_piece(struct stage *g, struct piece *p)
{
    uint64_t stop = entry_offset(g->v, g->end);

    if (g->at == stop) {
        if (g->end == g->v->dir.count)
            return false;
        next_run(g);
        stop = entry_offset(g->v, g->end);
    }
    *p = (struct piece){
        .g = g,
        .first = g->at,
        .length = min_u64(stop - g->at, RANGE),
        .entry = g->entry,
        .end = g->end,
    };
    g->at += p->length;
    p->last = g->at == stop;
    return true;
}

static void
ask(struct piece *p)
{
    const struct source *s = p->g->v->s;
    struct crc_copied_args a = {
        .source = {.bucket = s->bucket,
                   .key = s->key,
                   .key_len = strlen(s->key)},
        .etag = s->etag,
        .size = s->size,
        .first = p->first,
        .length = p->length,
    };

    crc_copied(p->g->v->d->crc, &a, on_copied, p);
}

/* ---------------------------------------------------------------- waits */

static bool
wait_some(struct stage *g, const struct piece *p)
{
    struct timespec until = wait_until();
    LOCK_SCOPE(&g->lock);

    while (!p->done)
        if (pthread_cond_timedwait(&g->cond, &g->lock, &until) == ETIMEDOUT)
            break;
    return p->done;
}

static int
wait_piece(struct stage *g, const struct piece *p)
{
    const struct verify_args *a = g->v->a;

    while (!wait_some(g, p))
        if (a->stop && a->stop(a->user))
            return err_set(g->v->e, EINTR, "interrupted");
    if (p->r == -ESTALE)
        return err_set(g->v->e, ESTALE, "%s: it changed meanwhile",
                       g->v->s->name);
    if (p->r == -ECANCELED)
        return err_set(g->v->e, EINTR, "interrupted");
    return 0;
}

/* ----------------------------------------------------------------- runs */

/* What the bytes of entries [i, end) must have. */
static int
expect(struct verify *v, uint64_t i, uint64_t end, uint32_t *ret)
{
    uint32_t crc = 0;
    int r = 0;

    for (; i < end && r == 0; i++) {
        const struct zentry *z = &v->dir.entry[i];

        zdir_local_put(&v->dir, i, v->header);
        crc = crc32_add(crc, v->header, zdir_local_len(&v->dir, i));
        crc = crc_join(crc, z->crc, z->size);
        r = verify_against(v, i);
    }
    *ret = crc;
    return r;
}

static int
read_run(struct verify *v, const struct piece *p, uint32_t *ret)
{
    return verify_read(v, p->entry, p->end, ret);
}

/* All answers for the run of p are there. */
static int
end_run(struct stage *g, const struct piece *p)
{
    struct verify *v = g->v;
    uint64_t n = entry_offset(v, p->end) - entry_offset(v, p->entry);
    uint32_t want;
    int r = expect(v, p->entry, p->end, &want);

    if (r == 0 && g->r < 0) {
        r = read_run(v, p, &want);
    } else if (r == 0 && g->crc != want) {
        r = read_run(v, p, &want);
        if (r == 0)
            crc_distrust(v->d->crc, "it told another CRC-32 of a range than "
                                    "that of its bytes");
    } else if (r == 0) {
        v->copied += n;
    }
    v->whole = crc_join(v->whole, want, n);
    g->crc = 0;
    g->r = 0;
    return r;
}

static int
take_piece(struct stage *g, const struct piece *p)
{
    int r = wait_piece(g, p);

    if (r < 0)
        return r;
    if (p->r < 0)
        g->r = p->r;
    g->crc = crc_join(g->crc, p->crc, p->length);
    return p->last ? end_run(g, p) : 0;
}

static int
run(struct stage *g)
{
    unsigned head = 0, tail = 0;
    struct piece *p;
    int r = 0;

    while (r == 0) {
        while (tail - head < DEPTH) {
            p = &g->ring[tail % DEPTH];
            if (!next_piece(g, p))
                break;
            tail++;
            ask(p);
        }
        if (head == tail)
            break;
        r = take_piece(g, &g->ring[head++ % DEPTH]);
    }
    /* The one that was given up, too. */
    if (r < 0)
        crc_copied_cancel(g->v->d->crc);
    for (head -= r < 0; head != tail; head++)
        while (!wait_some(g, &g->ring[head % DEPTH]))
            ;
    return r;
}

int
verify_store(struct verify *v)
{
    struct stage g = {.v = v};
    int r;

    wait_init(&g.lock, &g.cond);
    r = run(&g);
    wait_free(&g.lock, &g.cond);
    return r;
}
