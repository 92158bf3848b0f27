/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Rung 3: the store copies the member into parts of an upload that is
 * never completed and tells their CRCs; no byte leaves it.  Must not know
 * where the upload comes from (oracle.c).
 */
#include "crc/impl.h"

#include <errno.h>
#include <stddef.h>

#include "s3/multipart.h"

/* No range beyond what a part may be, no more ranges than parts (one part
 * is the proof's). */
uint64_t
rung_oracle_range(uint64_t size)
{
    uint64_t least = ceil_div_u64(size, S3_PARTS_MAX - 1);

    return max_u64(CRC_COPY_RANGE, ceil_div_u64(least, MIB(1)) * MIB(1));
}

static void
on_copy(void *user, const struct s3_error *e, const struct s3_part *p)
{
    struct range *g = user;
    struct climb *c = g->climb;
    struct crc *crc = c->set->crc;
    struct err words = {0};
    int r = 0;

    oracle_call_end(crc, g->note);
    if (e->err == -ESTALE || e->err == -ECANCELED) {
        r = ladder_error(c->set, c->member, "COPY", e, &words);
    } else if (e->err < 0) {
        oracle_learn(crc, e);
        r = -ENODATA; /* a GET will tell what is wrong */
    } else if (!p->have_crc32) {
        r = -ENODATA;
    } else {
        g->crc = p->crc32;
    }
    ranges_done(g, r, &words);
}

static s3_id
copy_range(struct climb *c, struct range *g)
{
    const struct zip_member *m = set_member(c->set, c->member);
    struct crc *crc = c->set->crc;
    const struct oracle_upload *u = c->ask.upload;
    struct s3_copy_args args = {
        .at = oracle_where(u),
        .upload_id = u->id,
        .number = c->ask.first_part + (uint32_t)g->index,
        .source = c->ask.source,
        .source_etag = m->etag,
        .first = g->first,
        .length = g->length,
        .source_size = m->size,
    };
    uint64_t note = g->note = oracle_call_begin(crc);
    s3_id id = s3_upload_copy(crc->s3, &args, on_copy, g);

    oracle_call_id(crc, note, id);
    return id;
}

/* The quirk of versitygw 1.7.0: a range is answered with the CRC of the
 * whole source.  Different ranges hardly ever have one CRC. */
static bool
all_equal(const struct ranges *rs)
{
    size_t i;

    for (i = 1; i < rs->count; i++)
        if (rs->crc[i] != rs->crc[0])
            return false;
    return rs->count > 1;
}

static void
on_over(struct climb *c, int r, uint32_t v, const struct err *e)
{
    if (r == 0 && all_equal(c->ranges))
        r = -ENODATA;
    oracle_give(&c->ask);
    if (r == -ENODATA) {
        ladder_fall(c);
        return;
    }
    if (r == 0)
        atomic_fetch_add(&c->set->crc->from_oracle, 1);
    ladder_finish(c, r, v, e);
}

static void
go(struct oracle_asker *a)
{
    rung_oracle((struct climb *)((char *)a - offsetof(struct climb, ask)));
}

void
rung_oracle_ask(struct climb *c)
{
    const struct zip_member *m = set_member(c->set, c->member);
    uint64_t parts = ceil_div_u64(m->size, rung_oracle_range(m->size));

    c->ask = (struct oracle_asker){
        .crc = c->set->crc,
        .source = {c->set->layout->bucket, m->key, m->key_len, false},
        .etag = m->etag,
        .size = m->size,
        .parts = (uint32_t)parts,
        .ranged = parts > 1,
        .go = go,
    };
}

void
rung_oracle(struct climb *c)
{
    static const struct ranges_by by = {copy_range, on_over};
    uint64_t size = set_member(c->set, c->member)->size;

    if (c->ask.leads) {
        oracle_start(&c->ask);
    } else if (!c->ask.upload) {
        ladder_fall(c); /* there is none any more */
    } else if (ranges_begin(c, &by, rung_oracle_range(size)) < 0) {
        oracle_give(&c->ask);
        ladder_fall(c);
    }
}
