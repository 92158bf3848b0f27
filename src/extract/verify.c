/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Verifying: the records, the comparison with a prefix, and the bodies, in
 * one of two ways.  Reading goes from front to back.  Asking has the store
 * copy a range of the archive and tell its CRC-32 (crc_copied).  What a
 * range must hold follows from the directory alone: local headers repeat the
 * central ones, and the bodies' CRCs are there; so one copy answers for all
 * entries in it, headers included.
 *
 * What the store says is a reason to believe, never to accuse: entries whose
 * range is not as expected are read.
 *
 * Called by s3zip verify; calls dir.h, source.h and crc/.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/crc32.h"
#include "extract/dir.h"
#include "extract/extract.h"
#include "extract/side.h"

typedef unsigned long long ull;

enum { HEADER_MAX = ZDIR_LOCAL_LEN + 0xffff + 64, DEPTH = 24 };

/* One thread's. */
struct verify {
    const struct extract_deps *d;
    const struct verify_args *a;
    struct verify_result *ret;
    struct scope *scope;
    struct source source;
    struct zdir dir;
    struct err *e;
    /* where a scan is */
    uint64_t index; /* of the entry */
    uint64_t body_left;
    uint32_t crc;
    uint8_t *header; /* the local one, as far as it came */
    size_t header_len;
    uint32_t whole;        /* CRC of all bytes so far */
    uint64_t read, copied; /* bytes of entries */
};

/* First byte of entry i; of the directory for i = count. */
static uint64_t
entry_offset(const struct verify *v, uint64_t i)
{
    return i < v->dir.count ? v->dir.entry[i].offset : v->dir.cd_offset;
}

/* ------------------------------------------------------------- against */

/* The local header of entry i as it must be is in v->header: is it that of
 * the prefix's archive, if there is one to compare with? */
static int
verify_against(struct verify *v, uint64_t i)
{
    const struct layout *l = v->a->against;
    const struct zip_member *m = l ? &l->zip.member[i] : NULL;
    uint32_t n = m ? zip_loc_len(m) : 0;
    CLEANUP_FREE uint8_t *want = malloc(n + 1);

    if (!m)
        return 0;
    if (!want)
        return err_set(v->e, ENOMEM, "out of memory");
    zip_loc_put(want, m, l->zip.offset[i], v->dir.entry[i].crc);
    if (n == zdir_local_len(&v->dir, i) && memcmp(want, v->header, n) == 0)
        return 0;
    return zdir_bad(&v->dir, i, "not the local header of the prefix's archive",
                    v->e);
}

static int
compare_central(struct verify *v, uint64_t i)
{
    const struct zip_layout *l = &v->a->against->zip;
    const struct zip_member *m = &l->member[i];
    const struct zentry *z = &v->dir.entry[i];
    uint32_t n = zip_cdh_len(m, l->offset[i]);
    CLEANUP_FREE uint8_t *want = malloc(n);

    if (!want)
        return err_set(v->e, ENOMEM, "out of memory");
    zip_cdh_put(want, m, l->offset[i], z->crc);
    if (n == z->header && memcmp(want, v->dir.cd + z->at, n) == 0)
        return 0;
    return zdir_bad(&v->dir, i,
                    "not the central header of the prefix's archive", v->e);
}

static int
compare_layout(struct verify *v)
{
    const struct layout *l = v->a->against;
    char digest[65];
    uint64_t i;
    int r = 0;

    layout_digest_hex(l, digest);
    if (v->source.digest && strcasecmp(v->source.digest, digest) != 0)
        return err_set(v->e, EIO,
                       "layout %.16s..., the prefix now has %.16s...",
                       v->source.digest, digest);
    if (v->dir.count != l->zip.count || v->source.size != l->zip.size)
        return err_set(v->e, EIO,
                       "%llu entries in %llu bytes, the prefix now has %zu "
                       "in %llu",
                       (ull)v->dir.count, (ull)v->source.size, l->zip.count,
                       (ull)l->zip.size);
    for (i = 0; i < v->dir.count && r == 0; i++)
        r = compare_central(v, i);
    return r;
}

/* ---------------------------------------------------------------- read */

static int
header_done(struct verify *v)
{
    int r = zdir_check_local(&v->dir, v->index, v->header, v->e);

    if (r == 0)
        r = verify_against(v, v->index);
    v->header_len = 0;
    v->body_left = v->dir.entry[v->index].size;
    v->crc = 0;
    return r;
}

static int
body_done(struct verify *v)
{
    const struct zentry *z = &v->dir.entry[v->index];
    char what[64];

    if (v->crc != z->crc) {
        snprintf(what, sizeof(what), "CRC-32 is %08x, not %08x", v->crc,
                 z->crc);
        return zdir_bad(&v->dir, v->index, what, v->e);
    }
    v->index++;
    return 0;
}

/* Eats of [p, p + n); the number of bytes, or -errno. */
static ssize_t
eat_header(struct verify *v, const uint8_t *p, size_t n)
{
    size_t want = zdir_local_len(&v->dir, v->index) - v->header_len;
    int r = 0;

    n = n < want ? n : want;
    memcpy(v->header + v->header_len, p, n);
    v->header_len += n;
    if (n == want) {
        r = header_done(v);
        if (r == 0 && v->body_left == 0)
            r = body_done(v);
    }
    return r < 0 ? r : (ssize_t)n;
}

static ssize_t
eat_body(struct verify *v, const uint8_t *p, size_t n)
{
    int r = 0;

    n = (size_t)min_u64(n, v->body_left);
    v->crc = crc32_add(v->crc, p, n);
    v->body_left -= n;
    if (v->body_left == 0)
        r = body_done(v);
    return r < 0 ? r : (ssize_t)n;
}

struct reading {
    struct verify *v;
    uint32_t crc;
};

static int
on_bytes(void *user, const uint8_t *p, size_t n)
{
    struct reading *g = user;
    struct verify *v = g->v;
    ssize_t k;

    g->crc = crc32_add(g->crc, p, n);
    while (n > 0) {
        k = v->body_left > 0 ? eat_body(v, p, n) : eat_header(v, p, n);
        if (k < 0)
            return (int)k;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

/* Entries [first, end), each byte of them; *ret_crc: of all. */
static int
verify_read(struct verify *v, uint64_t first, uint64_t end, uint32_t *ret_crc)
{
    uint64_t from = entry_offset(v, first), to = entry_offset(v, end);
    struct reading g = {.v = v};
    int r;

    v->index = first;
    v->header_len = 0;
    v->body_left = 0;
    r = source_scan(&v->source, from, to, on_bytes, &g, v->e);
    v->read += to - from;
    *ret_crc = g.crc;
    return r;
}

/* ----------------------------------------------------------------- ask */

/* A range that is asked about. */
struct piece {
    uint64_t first, length;
    uint64_t entry, end; /* of the run that it belongs to: [entry, end) */
    bool last;           /* of its run */
    uint32_t crc;        /* the answer */
};

struct asking {
    struct verify *v;
    struct piece *piece;
    uint64_t count;
};

/* As many whole entries as a range holds, one at least, and the pieces of
 * that; all entries so.  Counts them; writes them if there is room. */
static uint64_t
cut(const struct verify *v, struct piece *to)
{
    uint64_t range = v->d->limits ? v->d->limits->copy_range : MIB(128);
    uint64_t entry, end, at, stop, n = 0;

    for (entry = 0; entry < v->dir.count; entry = end) {
        at = entry_offset(v, entry);
        end = entry + 1;
        while (end < v->dir.count && entry_offset(v, end + 1) - at <= range)
            end++;
        for (stop = entry_offset(v, end); at < stop; n++) {
            uint64_t length = min_u64(stop - at, range);

            if (to)
                to[n] = (struct piece){.first = at,
                                       .length = length,
                                       .entry = entry,
                                       .end = end,
                                       .last = at + length == stop};
            at += length;
        }
    }
    return n;
}

struct question {
    struct scope_wait wait;
    int r;
    uint32_t crc;
};

static void
on_copied(void *user, int r, uint32_t crc)
{
    struct question *q = user;

    q->r = r;
    q->crc = crc;
    scope_wait_done(&q->wait);
}

static void
on_cancel(void *user)
{
    crc_copied_cancel(user);
}

static int
ask(void *user, uint64_t k, unsigned slot)
{
    struct asking *g = user;
    struct piece *p = &g->piece[k];
    const struct source *s = &g->v->source;
    struct crc_copied_args a = {
        .source = source_where(s),
        .etag = s->etag,
        .size = s->size,
        .first = p->first,
        .length = p->length,
    };
    struct question q;
    int r = scope_wait_begin(&q.wait, s->scope, on_cancel, g->v->d->crc);

    (void)slot;
    if (r < 0)
        return -ECANCELED;
    crc_copied(g->v->d->crc, &a, on_copied, &q);
    scope_wait_end(&q.wait);
    p->crc = q.crc;
    return q.r;
}

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

/* All answers for the run of p are there: known says whether each knew. */
static int
end_run(struct verify *v, const struct piece *p, bool known, uint32_t crc)
{
    uint64_t n = entry_offset(v, p->end) - entry_offset(v, p->entry);
    uint32_t want;
    int r = expect(v, p->entry, p->end, &want);

    if (r == 0 && known && crc == want) {
        v->copied += n;
    } else if (r == 0) {
        r = verify_read(v, p->entry, p->end, &want);
        if (r == 0 && known)
            crc_distrust(v->d->crc, "it told another CRC-32 of a range than "
                                    "that of its bytes");
    }
    v->whole = crc_join(v->whole, want, n);
    return r;
}

static int
take_answers(struct asking *g, struct ahead *a)
{
    struct verify *v = g->v;
    uint32_t crc = 0;
    bool known = true;
    unsigned slot;
    uint64_t k;
    int r = 0;

    for (k = 0; k < g->count && r == 0; k++) {
        const struct piece *p = &g->piece[k];
        int got = ahead_take(a, &slot);

        if (got == -ESTALE)
            return err_set(v->e, ESTALE, "%s: it changed meanwhile",
                           v->source.name);
        if (got == -ECANCELED)
            return err_set(v->e, EINTR, "interrupted");
        known = known && got == 0;
        crc = crc_join(crc, p->crc, p->length);
        if (!p->last)
            continue;
        r = end_run(v, p, known, crc);
        crc = 0;
        known = true;
    }
    return r;
}

/* All entries, by ranges whose CRC the store tells; what it does not know is
 * read. */
static int
verify_store(struct verify *v)
{
    struct asking g = {.v = v, .count = cut(v, NULL)};
    struct ahead a;
    int r;

    g.piece = calloc(g.count + 1, sizeof(*g.piece));
    if (!g.piece)
        return err_set(v->e, ENOMEM, "out of memory");
    cut(v, g.piece);
    r = ahead_begin(&a, g.count, DEPTH, ask, &g);
    r = r < 0 ? err_set(v->e, -r, "cannot start a thread")
              : take_answers(&g, &a);
    if (r < 0)
        scope_stop(v->scope, -ECANCELED);
    ahead_end(&a);
    free(g.piece);
    return r;
}

/* ----------------------------------------------------------------- both */

/* Is asking worth it, and may it be done? */
static bool
may_ask(const struct verify *v)
{
    const struct source *s = &v->source;

    return v->d->crc && !v->a->read && s->fd < 0 && *s->etag &&
           crc_can_copy(v->d->crc, s->bucket, v->dir.cd_offset);
}

static int
verify_entries(struct verify *v)
{
    if (may_ask(v))
        return verify_store(v);
    return verify_read(v, 0, v->dir.count, &v->whole);
}

/* Entries, then what was read before: directory and end records. */
static int
verify_all(struct verify *v)
{
    int r = verify_entries(v);

    if (r < 0)
        return r;
    v->whole = crc32_add(v->whole, v->dir.cd, v->dir.cd_size);
    v->whole = crc32_add(v->whole, v->dir.end, v->dir.end_len);
    if (v->source.have_crc32 && v->source.crc32 != v->whole)
        return err_set(v->e, EIO,
                       "the store says CRC-32 %08x, the bytes say %08x",
                       v->source.crc32, v->whole);
    return 0;
}

static int
verify_open(struct verify *v)
{
    const char *place = v->a->place;

    if (strncasecmp(place, "s3://", 5) == 0)
        return source_open_object(&v->source, v->d->s3, place, v->e);
    return source_open_file(&v->source, place, v->e);
}

static void
tell(struct verify *v)
{
    *v->ret = (struct verify_result){
        .entries = v->dir.count,
        .bytes = v->source.size,
        .crc32 = v->whole,
        .checked = v->copied == 0 ? "read"
                   : v->read      ? "mixed"
                                  : "store",
        .downloaded = atomic_load(&v->source.downloaded),
        .copied = v->copied,
    };
    if (v->source.digest)
        strcpy(v->ret->digest, v->source.digest);
    if (v->d->crc) {
        struct crc_stats s;

        crc_stats_get(v->d->crc, &s);
        v->ret->downloaded += s.proof_bytes;
    }
}

static int
verify(void *user)
{
    struct verify *v = user;
    int r = verify_open(v);

    if (r < 0)
        return r;
    r = zdir_read(&v->dir, &v->source, v->d->conf->max_entries, v->e);
    if (r == 0 && !(v->header = malloc(HEADER_MAX)))
        r = err_set(v->e, ENOMEM, "out of memory");
    if (r == 0)
        r = zdir_check_ours(&v->dir, v->e);
    if (r == 0 && v->a->against)
        r = compare_layout(v);
    if (r == 0)
        r = verify_all(v);
    if (r == 0)
        tell(v);
    if (r == -EIO)
        err_prefix(v->e, "%s", v->source.name);
    return r;
}

static void
tick(void *user)
{
    struct verify *v = user;

    if (v->a->stop && v->a->stop(v->a->user))
        scope_stop(v->scope, -EINTR);
}

int
verify_run(const struct extract_deps *d, const struct verify_args *a,
           struct verify_result *ret, struct err *e)
{
    struct verify v = {.d = d, .a = a, .ret = ret, .e = e};
    int r = scope_new(&v.scope);

    if (r < 0)
        return err_set(e, -r, "out of memory");
    v.source.fd = -1;
    v.source.memory = d->conf->memory / 2;
    v.source.scope = v.scope;
    *e = (struct err){0};
    r = side_watched(verify, tick, &v);
    if (r < 0 && e->num == 0)
        err_set(e, -r, "cannot start a thread");
    zdir_free(&v.dir);
    free(v.header);
    source_close(&v.source);
    scope_free(v.scope);
    return r;
}
