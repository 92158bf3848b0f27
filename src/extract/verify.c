/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Verifying: the records, the comparison with a prefix, and the way that
 * reads every body from front to back.  Must not know copies.
 */
#include "extract/verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/crc32.h"

typedef unsigned long long ull;

enum { HEADER_MAX = ZDIR_LOCAL_LEN + 0xffff + 64 };

/* ------------------------------------------------------------- against */

int
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
    if (v->s->digest && strcasecmp(v->s->digest, digest) != 0)
        return err_set(v->e, EIO,
                       "layout %.16s..., the prefix now has %.16s...",
                       v->s->digest, digest);
    if (v->dir.count != l->zip.count || v->s->size != l->zip.size)
        return err_set(v->e, EIO,
                       "%llu entries in %llu bytes, the prefix now has %zu "
                       "in %llu",
                       (ull)v->dir.count, (ull)v->s->size, l->zip.count,
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

int
verify_read(struct verify *v, uint64_t first, uint64_t end, uint32_t *ret_crc)
{
    uint64_t from = entry_offset(v, first), to = entry_offset(v, end);
    struct reading g = {.v = v};
    int r;

    v->index = first;
    v->header_len = 0;
    v->body_left = 0;
    r = source_scan(v->s, from, to, on_bytes, &g, v->e);
    v->read += to - from;
    *ret_crc = g.crc;
    return r;
}

/* ----------------------------------------------------------------- both */

/* Is asking worth it, and may it be done? */
static bool
may_ask(const struct verify *v)
{
    const struct source *s = v->s;

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
    if (v->s->have_crc32 && v->s->crc32 != v->whole)
        return err_set(v->e, EIO,
                       "the store says CRC-32 %08x, the bytes say %08x",
                       v->s->crc32, v->whole);
    return 0;
}

static int
verify_open(struct verify *v)
{
    const char *place = v->a->place;

    if (strncasecmp(place, "s3://", 5) == 0)
        return source_open_object(v->s, v->d->s3, place, v->e);
    return source_open_file(v->s, place, v->e);
}

static int
verify(struct verify *v)
{
    int r = zdir_read(&v->dir, v->s, v->d->conf->max_entries, v->e);

    v->header = malloc(HEADER_MAX);
    if (r == 0 && !v->header)
        r = err_set(v->e, ENOMEM, "out of memory");
    if (r == 0)
        r = zdir_check_ours(&v->dir, v->e);
    if (r == 0 && v->a->against)
        r = compare_layout(v);
    if (r == 0)
        r = verify_all(v);
    if (r == -EIO)
        err_prefix(v->e, "%s", v->s->name);
    return r;
}

static void
tell(const struct verify *v, struct verify_result *ret)
{
    *ret = (struct verify_result){
        .entries = v->dir.count,
        .bytes = v->s->size,
        .crc32 = v->whole,
        .checked = v->copied == 0 ? "read"
                   : v->read      ? "mixed"
                                  : "store",
        .downloaded = atomic_load(&v->s->downloaded),
        .copied = v->copied,
    };
    if (v->s->digest)
        strcpy(ret->digest, v->s->digest);
    if (v->d->crc) {
        struct crc_stats s;

        crc_stats_get(v->d->crc, &s);
        ret->downloaded += s.proof_bytes;
    }
}

int
verify_run(const struct extract_deps *d, const struct verify_args *a,
           struct verify_result *ret, struct err *e)
{
    struct source source = {
        .fd = -1,
        .memory = d->conf->memory / 2,
        .stop = a->stop,
        .user = a->user,
    };
    struct verify v = {.d = d, .a = a, .s = &source, .e = e};
    int r = verify_open(&v);

    if (r == 0)
        r = verify(&v);
    if (r == 0)
        tell(&v, ret);
    zdir_free(&v.dir);
    free(v.header);
    source_close(&source);
    return r;
}
