/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * plan/ and zip/ on any set of members: the parts tile the archive, keep
 * floors and caps, never beat the bound; the closed forms are the
 * encoders' lengths; and the reader of s3zip verify, which shares no code
 * with the writer, agrees with every record.
 */
#include "extract/dir.h"
#include "fuzz.h"
#include "plan/plan.h"

enum { MEMBERS_MAX = 150 };

struct set {
    struct zip_member m[MEMBERS_MAX];
    char name[MEMBERS_MAX][16];
    size_t count;
};

/* Sizes around the borders of the format and of the plan. */
static uint64_t
take_size(struct input *in)
{
    static const uint64_t border[] = {
        0,
        MIB(5),
        MIB(10),
        MIB(16),
        UINT64_C(0xffffffff),
        GIB(5),
        UINT64_C(1) << 40,
    };
    uint64_t how = take_number(in, 1), v;

    if (how & 0x80) {
        v = border[how % ARRAY_SIZE(border)] + take_number(in, 1);
        return v > 128 ? v - 128 : v;
    }
    return take_number(in, 1 + how % 5) >> (how >> 4);
}

static void
take_set(struct set *s, struct input *in)
{
    s->count = 0;
    while (in->n > 1 && s->count < MEMBERS_MAX) {
        struct zip_member *m = &s->m[s->count];
        char *name = s->name[s->count];
        unsigned how = (unsigned)take_number(in, 1);
        int n = snprintf(name, sizeof(s->name[0]), "%03zu%s%s", s->count,
                         how & 2 ? "\xc3\xa9" : "", how & 1 ? "/" : "");

        *m = (struct zip_member){.key = name, .name = name, .etag = "e"};
        m->etag_len = how & 16 ? 0 : 1;
        m->key_len = m->name_len = (uint16_t)n;
        m->mtime = (int64_t)(int32_t)take_number(in, how & 4 ? 4 : 0) *
                   (how & 8 ? 4 : 1);
        m->size = zip_is_dir(m) ? 0 : take_size(in);
        s->count++;
    }
}

/* -------------------------------------------------------------- parts */

static struct plan_limits
take_limits(struct input *in)
{
    struct plan_limits lim = plan_limits_s3;
    uint64_t how = take_number(in, 1);

    if (how & 1)
        return lim;
    lim.part_min = KIB(1) + take_number(in, 3) % MIB(8);
    lim.part_max = lim.part_min * (2 + take_number(in, 1));
    lim.upload_cap = lim.part_min * (1 + take_number(in, 1) % 8);
    lim.copy_split = lim.part_min * (1 + take_number(in, 1) % 64);
    lim.parts_max = 3 + (uint32_t)take_number(in, 2) % 10000;
    lim.object_max = lim.parts_max * lim.part_max; /* as S3's is, nearly */
    return lim;
}

static void
check_part(const struct zip_layout *l, const struct plan_limits *lim,
           const struct plan *p, size_t i)
{
    const struct plan_part *q = &p->part[i];

    NEED(q->first == (i ? p->part[i - 1].end : 0) && q->end > q->first);
    NEED(q->end - q->first <= lim->part_max);
    if (i + 1 < p->count)
        NEED(q->end - q->first >= lim->part_min);
    else
        NEED(q->end == l->size);
    if (q->kind != PLAN_COPY)
        return;
    NEED(p->strategy == PLAN_DUO && q->member < l->count);
    NEED(q->first >= zip_data_offset(l, q->member));
    NEED(q->end <= l->offset[q->member + 1]);
}

static void
check_plan(const struct zip_layout *l, const struct plan_limits *lim,
           enum plan_strategy how)
{
    struct plan_meta meta = {.order = "plan"};
    struct buf b = BUF_INIT(8 << 20);
    uint64_t up = 0, copied = 0;
    struct err e = {0};
    struct plan p;
    size_t i;
    int r = plan_parts(&p, l, lim, how, &e);

    NEED(r == 0 || (r == -EFBIG && e.num == EFBIG));
    if (r < 0)
        return;
    NEED(p.count >= 1 && p.count <= lim->parts_max);
    for (i = 0; i < p.count; i++) {
        check_part(l, lim, &p, i);
        *(p.part[i].kind == PLAN_COPY ? &copied : &up) +=
            p.part[i].end - p.part[i].first;
    }
    NEED(p.totals.uploaded == up && p.totals.copied == copied);
    NEED(up + copied == l->size && p.totals.downloaded <= up);
    if (lim->part_min >= MIB(5) && lim->parts_max <= 10000)
        NEED(p.bound <= up);
    if (p.count < 100) /* for speed */
        NEED(plan_json(&b, &p, l, &meta) == 0 &&
             plan_text(&b, &p, l, &meta) == 0);
    buf_free(&b);
    plan_free(&p);
}

/* Plans of several uploads, and of a previous archive: every byte comes
 * from its place. */
static void
check_bytes(const struct zip_layout *l, const struct zip_layout *previous,
            const struct plan_limits *lim, enum plan_strategy how)
{
    struct plan_ask ask = {
        .limits = *lim,
        .prices = plan_prices_aws,
        .rates = plan_rates_default,
        .objective = (enum plan_objective)(l->count % 3),
        .previous = previous,
    };
    struct err e = {0};
    struct plan p;
    int r;

    r = plan_strategy_make(&p, l, &ask, how, &e);

    NEED(r == 0 || ((r == -EFBIG || r == -EINVAL) && e.num == -r));
    if (r < 0)
        return;
    if (plan_check(&p, l, lim, previous, &e) < 0)
        fprintf(stderr, "%s: %s\n", plan_strategy_name(how), e.text);
    NEED(e.num == 0);
    plan_free(&p);
}

/* Every third member is gone. */
static void
check_strategies(const struct zip_layout *l, const struct plan_limits *lim)
{
    struct zip_member *m = calloc(l->count + 1, sizeof(*m));
    struct zip_layout before;
    size_t i, n = 0;

    NEED(m);
    if (l->size / lim->part_min > 20000) { /* for speed */
        free(m);
        return;
    }
    for (i = 0; i < l->count; i++)
        if (i % 3 != 1)
            m[n++] = l->member[i];
    NEED(zip_layout_init(&before, m, n) == 0);
    check_bytes(l, NULL, lim, PLAN_STITCH);
    check_bytes(l, NULL, lim, PLAN_CHAIN);
    check_bytes(l, &before, lim, PLAN_AGAIN);
    check_bytes(l, n % 2 ? &before : NULL, lim, PLAN_MIXED);
    zip_layout_free(&before);
    free(m);
}

/* ------------------------------------------------------------- records */

static uint32_t
crc_of(size_t i)
{
    return 0x12345678u * (uint32_t)(i + 1);
}

/* The piece's record in a block of its exact length. */
static uint8_t *
record(const struct zip_layout *l, const struct zip_piece *p)
{
    size_t n = (size_t)(p->end - p->first);
    uint8_t *out = malloc(n);

    NEED(out);
    zip_piece_put(out, l, p, crc_of(p->index));
    return out;
}

static uint64_t
length_of(const struct zip_layout *l, const struct zip_piece *p)
{
    uint64_t cd = l->offset[l->count];

    switch (p->kind) {
    case ZIP_PIECE_LOC:
        return zip_loc_len(&l->member[p->index]);
    case ZIP_PIECE_DATA:
        return l->member[p->index].size;
    case ZIP_PIECE_CDH:
        return zip_cdh_len(&l->member[p->index], l->offset[p->index]);
    default:
        return zip_end_len(l->count, cd, l->cd_offset[l->count] - cd);
    }
}

static void
check_pieces(const struct zip_layout *l)
{
    struct zip_piece p, again;
    uint64_t at = 0;

    zip_piece_at(l, 0, &p);
    do {
        NEED(p.first == at && p.end > at && p.end - at == length_of(l, &p));
        zip_piece_at(l, p.end - 1, &again);
        NEED(p.kind == again.kind && p.index == again.index);
        NEED(p.first == again.first && p.end == again.end);
        if (p.kind != ZIP_PIECE_DATA)
            free(record(l, &p));
        at = p.end;
    } while (zip_piece_next(l, &p));
    NEED(at == l->size);
}

/* ------------------------------------------------------------ agreement */

static const struct zip_layout *source_layout;

/* For extract/: bytes of the archive that the encoders would make;
 * the bodies are zeros. */
int
source_read(struct source *s, uint64_t offset, void *out, size_t n,
            struct err *e)
{
    struct zip_piece p;
    uint8_t *to = out, *whole;

    (void)e;
    NEED(offset <= s->size && n <= s->size - offset);
    while (n > 0) {
        size_t k;

        zip_piece_at(source_layout, offset, &p);
        k = (size_t)min_u64(p.end - offset, n);
        if (p.kind == ZIP_PIECE_DATA) {
            memset(to, 0, k);
        } else {
            whole = record(source_layout, &p);
            memcpy(to, whole + (offset - p.first), k);
            free(whole);
        }
        to += k;
        offset += k;
        n -= k;
    }
    return 0;
}

static void
check_reader(const struct zip_layout *l)
{
    struct source s = {.name = "fuzz", .size = l->size, .fd = -1};
    struct err e = {0};
    struct zdir d;
    size_t i;

    source_layout = l;
    if (zdir_read(&d, &s, UINT32_MAX, &e) < 0 || zdir_check_ours(&d, &e) < 0)
        fprintf(stderr, "%s\n", e.text);
    NEED(e.num == 0 && d.count == l->count);
    for (i = 0; i < l->count; i++) {
        size_t n = (size_t)zdir_local_len(&d, i);
        uint8_t *local = malloc(n);

        NEED(local && n == zip_loc_len(&l->member[i]));
        NEED(d.entry[i].crc == crc_of(i));
        NEED(source_read(&s, l->offset[i], local, n, &e) == 0);
        NEED(zdir_check_local(&d, i, local, &e) == 0);
        free(local);
    }
    zdir_free(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct set s;
    struct input in = {data, size};
    bool by_key = take_number(&in, 1) & 1;
    struct plan_limits lim = take_limits(&in);
    struct zip_layout l;

    take_set(&s, &in);
    if (by_key)
        plan_order_key(s.m, s.count);
    else
        NEED(plan_order_duo(s.m, s.count) == 0);
    NEED(zip_layout_init(&l, s.m, s.count) == 0);
    check_pieces(&l);
    check_reader(&l);
    check_plan(&l, &lim, PLAN_DUO);
    check_plan(&l, &lim, PLAN_STREAM);
    check_strategies(&l, &lim);
    zip_layout_free(&l);
    return 0;
}
