/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The archive that is at the destination, to copy from what did not change:
 * as its own central directory tells, which two GETs fetch.  A member is
 * unchanged if name, size and time agree, and a CRC-32 that is known of
 * today's is the directory's.  Any trouble means that there is no such
 * archive.  Called by attempt.c, and by s3zip plan (publish_previous).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "publish/job.h"

enum { ASKS = 32 };
#define DIRECTORY_MAX MIB(64)
enum { MEMBERS_MAX = 8000000 };

struct previous {
    struct zip_directory d; /* borrows its names from bytes, ETags of today */
    char *bytes;
    struct layout *today;
    bool stored; /* the store has a CRC-32 of it */
};

/* Where it is, and who waits. */
struct from {
    struct s3 *s3;
    struct scope *sc;
    struct s3_where at;
    const struct s3_reply *o;
    struct layout *today;
    struct crc_set *crcs;
};

void
previous_free(struct previous *p)
{
    if (!p)
        return;
    zip_directory_free(&p->d);
    free(p->bytes);
    layout_unref(p->today);
    free(p);
}

const struct zip_layout *
previous_zip(const struct previous *p)
{
    return p ? &p->d.layout : NULL;
}

bool
previous_stored(const struct previous *p)
{
    return p && p->stored;
}

/* ---------------------------------------------------------------- match */

/* Today's members by name. */
static int
by_name(const void *a, const void *b, void *layout)
{
    const struct zip_member *m = ((const struct zip_layout *)layout)->member;

    return zip_member_name_cmp(&m[*(const uint32_t *)a],
                               &m[*(const uint32_t *)b]);
}

static uint32_t *
sort_names(const struct zip_layout *l)
{
    uint32_t *index = calloc(l->count + 1, sizeof(*index));
    size_t i;

    for (i = 0; index && i < l->count; i++)
        index[i] = (uint32_t)i;
    if (index)
        qsort_r(index, l->count, sizeof(*index), by_name,
                (void *)(uintptr_t)l);
    return index;
}

/* The member of that name, or count. */
static size_t
find_name(const struct zip_layout *l, const uint32_t *index,
          const struct zip_member *name)
{
    size_t low = 0, high = l->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = zip_member_name_cmp(&l->member[index[mid]], name);

        if (c == 0)
            return index[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return l->count;
}

/* A header's mtime is clamped to 32 bits: what lies beyond differs, which
 * is safe. */
static bool
may_be_same(const struct zip_member *then, const struct zip_member *now)
{
    return now->size == then->size && now->mtime == then->mtime;
}

/* today[i]: today's member of the i-th entry if it may be the same, or
 * count. */
static size_t *
match(const struct previous *p)
{
    const struct zip_layout *l = &p->today->zip;
    CLEANUP_FREE uint32_t *index = sort_names(l);
    size_t *today = calloc(p->d.layout.count + 1, sizeof(*today));
    size_t i;

    for (i = 0; index && today && i < p->d.layout.count; i++) {
        today[i] = find_name(l, index, &p->d.member[i]);
        if (today[i] < l->count &&
            !may_be_same(&p->d.member[i], &l->member[today[i]]))
            today[i] = l->count;
    }
    if (!index)
        free(STEAL(today));
    return today;
}

struct asks {
    const struct from *f;
    const size_t *today;
};

/* The CRC of a member that may be the same, if it is cheap to know. */
static int
ask(void *user, size_t i)
{
    const struct asks *a = user;
    struct err e = {0};
    uint32_t crc;
    int r;

    if (a->today[i] == a->f->today->zip.count ||
        crc_peek(a->f->crcs, a->today[i], &crc))
        return 0;
    r = crc_wait(a->f->sc, a->f->crcs, a->today[i], CRC_CHEAP, &crc, &e);
    return scope_stopped(a->f->sc) ? r : 0;
}

/* Those that are the same get today's ETags; the others have none. */
static void
lend_etags(struct previous *p, const size_t *today, struct crc_set *crcs)
{
    const struct zip_layout *l = &p->today->zip;
    uint32_t crc;
    size_t i;

    for (i = 0; i < p->d.layout.count; i++)
        if (today[i] < l->count && crc_peek(crcs, today[i], &crc) &&
            crc == p->d.crc[i]) {
            p->d.member[i].etag = l->member[today[i]].etag;
            p->d.member[i].etag_len = l->member[today[i]].etag_len;
        }
}

/* ---------------------------------------------------------------- fetch */

static int
fetch(const struct from *f, uint64_t first, void *to, size_t n)
{
    struct s3_get_args a = {
        .at = f->at, .etag = f->o->etag, .first = first, .length = n};
    struct s3_reply o;

    return s3_get_into(f->s3, f->sc, &a, to, n, &o);
}

static int
fetch_directory(struct previous *p, const struct from *f)
{
    uint64_t size = f->o->size, n = min_u64(size, ZIP_END_MAX);
    uint8_t tail[ZIP_END_MAX];
    struct zip_end end;
    int r = n == 0 ? -EBADMSG : fetch(f, size - n, tail, n);

    if (r == 0)
        r = zip_end_parse(tail, n, size, &end);
    if (r == 0 && (end.cd_size == 0 || end.cd_size > DIRECTORY_MAX ||
                   end.count > MEMBERS_MAX))
        r = -EBADMSG;
    if (r < 0)
        return r;
    p->bytes = malloc(end.cd_size);
    r = p->bytes ? fetch(f, end.cd_offset, p->bytes, end.cd_size) : -ENOMEM;
    return r < 0 ? r : zip_directory_parse(&p->d, p->bytes, &end, size);
}

/* NULL: there is none that can be copied from.  asks: CRCs that are not
 * known are asked for, by HEAD at most. */
static struct previous *
load(const struct from *f, bool asks)
{
    struct previous *p = calloc(1, sizeof(*p));
    CLEANUP_FREE size_t *today = NULL;
    struct asks a = {.f = f};

    if (!p)
        return NULL;
    p->today = layout_ref(f->today);
    p->stored = f->o->have_crc32;
    if (fetch_directory(p, f) == 0)
        today = match(p);
    a.today = today;
    if (!today || (asks && each(ASKS, p->d.layout.count, ask, &a) < 0)) {
        previous_free(p);
        return NULL;
    }
    lend_etags(p, today, f->crcs);
    return p;
}

static bool
is_wanted(const struct publisher *p)
{
    int s = p->d.conf->publish_strategy;

    return s == PLAN_AGAIN || s == CONF_STRATEGY_AUTO;
}

void
previous_load(struct publish_job *j)
{
    const struct target *t = &j->target;
    struct from f = {
        .s3 = j->p->d.s3_dest,
        .sc = j->scope,
        .at = job_where(j),
        .o = &t->o,
        .today = j->layout,
        .crcs = j->crcs,
    };

    if (j->lessons.no_previous) {
        previous_free(STEAL(j->previous));
        return;
    }
    if (j->previous || !t->there || !t->o.layout_digest[0] || j->share ||
        !is_wanted(j->p))
        return;
    j->previous = load(&f, j->p->d.conf->publish_strategy == PLAN_AGAIN);
    if (!j->previous && job_stopped(j) == STOP_NONE)
        log_info("publish: %s: the archive that is there is not known: "
                 "nothing is copied from it",
                 j->st.dest);
}

struct previous *
publish_previous(struct publisher *p, struct reader *r,
                 const struct publish_dest *dest)
{
    struct s3_where at = {dest->bucket, dest->key, strlen(dest->key), true};
    struct s3_head_args a = {.at = at, .checksum = true};
    struct s3_reply o;
    struct from f = {
        .s3 = p->d.s3_dest,
        .at = at,
        .o = &o,
        .today = reader_layout(r),
        .crcs = reader_crcs(r),
    };

    if (s3_head_wait(p->d.s3_dest, NULL, &a, &o) < 0 || !o.layout_digest[0])
        return NULL;
    return load(&f, p->d.conf->publish_strategy == PLAN_AGAIN);
}
