/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The layout, reader, CRCs and planner of the fake.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/text.h"
#include "publish_fake_op.h"

struct crc_set {
    pthread_mutex_t lock;
    struct layout *l;
    bool *known;
    uint32_t *value;
};
struct reader {
    atomic_int refs;
    struct layout *l;
    struct crc_set crcs;
};

/* -------------------------------------------------------------- layout */

struct layout *
layout_ref(struct layout *l)
{
    atomic_fetch_add(&l->refs, 1);
    return l;
}

void
layout_unref(struct layout *l)
{
    size_t i;

    if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
        return;
    for (i = 0; i < l->zip.count; i++) {
        free((char *)l->member[i].key);
        free((char *)l->member[i].etag);
    }
    free(l->member);
    free(l->bucket);
    free(l->prefix);
    zip_layout_free(&l->zip);
    free(l);
}

void
layout_digest_hex(const struct layout *l, char out[65])
{
    text_hex(out, l->digest, sizeof(l->digest));
}

void
layout_set_stale(struct layout *l, size_t member)
{
    atomic_store(&l->stale_member, (uint32_t)member);
    atomic_store(&l->stale, true);
}

int
layout_publishable(const struct layout *l, enum conf_badkeys badkeys,
                   struct err *e)
{
    if (l->poison_count && badkeys == CONF_BADKEYS_REFUSE)
        return err_set(e, EILSEQ, "poison");
    if (l->conflict_count && badkeys == CONF_BADKEYS_REFUSE)
        return err_set(e, EEXIST, "conflict");
    return 0;
}

/* One of the conflicts is the stranger. */
int
layout_publishable_over(const struct layout *l, enum conf_badkeys badkeys,
                        struct err *e)
{
    return l->conflict_count == 1 && !l->poison_count
               ? 0
               : layout_publishable(l, badkeys, e);
}

static uint64_t
member_size(unsigned i)
{
    switch (fake_random(8)) {
    case 0:
        return i == 0 ? 1 : 0;
    case 1:
    case 2:
    case 3:
        return FAKE_LARGE + fake_random(8000);
    default:
        return 1 + fake_random(700);
    }
}

static void
add_member(struct layout *l, unsigned i, unsigned stored)
{
    struct zip_member *m = &l->member[i];
    CLEANUP_FREE uint8_t *data = NULL;
    struct fake_object *o;
    char *key;
    size_t b;

    assert(asprintf(&key, "%sm%03u", l->prefix, i) > 0);
    m->key = key;
    m->name = key + l->prefix_len;
    m->key_len = (uint16_t)strlen(key);
    m->name_len = (uint16_t)(m->key_len - l->prefix_len);
    m->size = member_size(i);
    m->mtime = 1700000000 + i;
    data = malloc(m->size + 1);
    for (b = 0; b < m->size; b++)
        data[b] = (uint8_t)fake_random(256);
    o = fake_put(key, data, m->size, fake_random(256) < stored);
    m->etag = strdup(o->etag);
    m->etag_len = (uint16_t)strlen(o->etag);
}

struct layout *
fake_layout(const char *prefix, unsigned count, unsigned stored)
{
    struct layout *l = calloc(1, sizeof(*l));
    unsigned i;

    atomic_init(&l->refs, 1);
    l->bucket = strdup("b");
    l->prefix = strdup(prefix);
    l->prefix_len = strlen(prefix);
    l->member = calloc(count + 1, sizeof(*l->member));
    for (i = 0; i < count; i++)
        add_member(l, i, stored);
    assert(zip_layout_init(&l->zip, l->member, count) == 0);
    for (i = 0; i < sizeof(l->digest); i++)
        l->digest[i] = (uint8_t)fake_random(256);
    l->pages = 1;
    return l;
}

uint32_t
fake_true_crc(struct layout *l, size_t member)
{
    struct fake_object *o = fake_object(l->member[member].key);

    return (uint32_t)crc32_z(0, o->data, o->size);
}

/* Writes [first, end) of piece z; crc for records. */
static void
piece_bytes(struct layout *l, const struct zip_piece *z, uint32_t crc,
            uint64_t first, uint64_t end, uint8_t *out)
{
    CLEANUP_FREE uint8_t *record = NULL;
    struct fake_object *o;

    if (z->kind == ZIP_PIECE_DATA) {
        o = fake_object(l->member[z->index].key);
        memcpy(out, o->data + (first - z->first), end - first);
        return;
    }
    record = malloc(z->end - z->first);
    zip_piece_put(record, &l->zip, z, crc);
    memcpy(out, record + (first - z->first), end - first);
}

uint8_t *
fake_render(struct layout *l)
{
    uint8_t *out = malloc(l->zip.size);
    struct zip_piece z;

    zip_piece_at(&l->zip, 0, &z);
    do
        piece_bytes(l, &z,
                    z.kind == ZIP_PIECE_END ? 0 : fake_true_crc(l, z.index),
                    z.first, z.end, out + z.first);
    while (zip_piece_next(&l->zip, &z));
    return out;
}

/* ---------------------------------------------------------------- CRCs */

bool
crc_peek(struct crc_set *s, size_t member, uint32_t *ret)
{
    LOCK_SCOPE(&s->lock);

    if (s->l->member[member].size == 0) {
        *ret = 0;
        return true;
    }
    if (s->known[member])
        *ret = s->value[member];
    return s->known[member];
}

int
crc_put(struct crc_set *s, size_t member, uint32_t value, bool replace)
{
    LOCK_SCOPE(&s->lock);

    if (s->known[member] && s->value[member] != value && !replace)
        return -EILSEQ;
    s->known[member] = true;
    s->value[member] = value;
    return 0;
}

static void
ask_run(struct op *op)
{
    struct crc_set *s = &op->reader->crcs;
    struct fake_object *o;
    struct err err = {0};
    struct s3_error e;
    uint32_t value = 0;
    bool effect;
    int r;

    r = fake_count(&fake.asks, &e, &effect);
    o = fake_object(s->l->member[op->number].key);
    if (r == 0 && (!o || strcmp(o->etag, s->l->member[op->number].etag))) {
        layout_set_stale(s->l, op->number);
        r = -ESTALE;
    }
    if (r == 0 && !o->have_crc)
        r = -ENODATA;
    if (r == 0) {
        crc_put(s, op->number, o->crc, false);
        value = o->crc;
    } else {
        err_set(&err, -r, "crc of a member");
    }
    ((crc_cb *)op->cb)(op->user, r, value, &err);
    reader_unref(op->reader);
}

uint64_t
crc_get(struct crc_set *s, size_t member, unsigned flags, crc_cb *cb,
        void *user)
{
    struct op *op = op_new(ask_run);

    assert(flags == CRC_CHEAP);
    op->reader = reader_ref(
        (struct reader *)((char *)s - offsetof(struct reader, crcs)));
    op->number = (uint32_t)member;
    op->cb = cb;
    op->user = user;
    return op_queue(op);
}

bool
crc_cancel(struct crc_set *s, uint64_t id)
{
    (void)s;
    (void)id;
    return false; /* it answers soon */
}

struct crc_set *
crc_set_ref(struct crc_set *s)
{
    reader_ref((struct reader *)((char *)s - offsetof(struct reader, crcs)));
    return s;
}

void
crc_set_unref(struct crc_set *s)
{
    if (s)
        reader_unref(
            (struct reader *)((char *)s - offsetof(struct reader, crcs)));
}

uint32_t
crc_join(uint32_t a, uint32_t b, uint64_t len)
{
    return (uint32_t)crc32_combine(a, b, (z_off_t)len);
}

void
fake_know(struct reader *r, size_t member, uint32_t crc)
{
    crc_put(&r->crcs, member, crc, true);
}

/* -------------------------------------------------------------- reader */

struct reader *
fake_reader(struct layout *l)
{
    struct reader *r = calloc(1, sizeof(*r));

    atomic_init(&r->refs, 1);
    r->l = layout_ref(l);
    pthread_mutex_init(&r->crcs.lock, NULL);
    r->crcs.l = l;
    r->crcs.known = calloc(l->zip.count + 1, sizeof(bool));
    r->crcs.value = calloc(l->zip.count + 1, sizeof(uint32_t));
    return r;
}

struct reader *
reader_ref(struct reader *r)
{
    atomic_fetch_add(&r->refs, 1);
    return r;
}

void
reader_unref(struct reader *r)
{
    if (!r || atomic_fetch_sub(&r->refs, 1) != 1)
        return;
    layout_unref(r->l);
    free(r->crcs.known);
    free(r->crcs.value);
    free(r);
}

struct layout *
reader_layout(struct reader *r)
{
    return r->l;
}

struct crc_set *
reader_crcs(struct reader *r)
{
    return &r->crcs;
}

int
read_stream_open(struct read_stream **ret, struct reader *r)
{
    *ret = (struct read_stream *)reader_ref(r);
    return 0;
}

void
read_stream_close(struct read_stream *s)
{
    reader_unref((struct reader *)s);
}

struct fake_view {
    struct read_view v;
    struct iovec iov[2];
    uint8_t *data;
};

void
read_view_release(struct read_view *v)
{
    struct fake_view *f = (struct fake_view *)v;

    pthread_mutex_lock(&fake.lock);
    fake.pinned -= v->length;
    fake.views--;
    pthread_mutex_unlock(&fake.lock);
    free(f->data);
    free(f);
}

static struct fake_view *
view_new(uint64_t length)
{
    struct fake_view *f = calloc(1, sizeof(*f));

    f->data = malloc(length + 1);
    f->iov[0] = (struct iovec){f->data, length / 3};
    f->iov[1] = (struct iovec){f->data + length / 3, length - length / 3};
    f->v = (struct read_view){f->iov, 2, length};
    pthread_mutex_lock(&fake.lock);
    fake.views++;
    fake.pinned += length;
    fake.pinned_peak = max_u64(fake.pinned_peak, fake.pinned);
    pthread_mutex_unlock(&fake.lock);
    return f;
}

/* The ladder's last rung for a header; the guard for a body. */
static int
piece_prepare(struct reader *r, const struct zip_piece *z, uint32_t *ret)
{
    struct fake_object *o;

    if (z->kind == ZIP_PIECE_END)
        return 0;
    o = fake_object(r->l->member[z->index].key);
    if (z->kind != ZIP_PIECE_DATA && crc_peek(&r->crcs, z->index, ret))
        return 0;
    if (!o || strcmp(o->etag, r->l->member[z->index].etag) != 0) {
        layout_set_stale(r->l, z->index);
        return -ESTALE;
    }
    if (z->kind == ZIP_PIECE_DATA)
        return 0;
    pthread_mutex_lock(&fake.lock);
    fake.ladder_reads += !o->have_crc && o->size >= FAKE_LARGE;
    pthread_mutex_unlock(&fake.lock);
    *ret = fake_true_crc(r->l, z->index);
    crc_put(&r->crcs, z->index, *ret, false);
    return 0;
}

static int
fill(struct reader *r, uint64_t first, uint64_t length, uint8_t *out)
{
    uint64_t end = first + length, a, b;
    struct zip_piece z;
    uint32_t crc = 0;
    bool more = true;
    int x;

    zip_piece_at(&r->l->zip, first, &z);
    for (; more && z.first < end; more = zip_piece_next(&r->l->zip, &z)) {
        x = piece_prepare(r, &z, &crc);
        if (x < 0)
            return x;
        a = max_u64(z.first, first);
        b = min_u64(z.end, end);
        piece_bytes(r->l, &z, crc, a, b, out + (a - first));
    }
    return 0;
}

static void
read_run(struct op *op)
{
    struct fake_view *f = NULL;
    struct err err = {0};
    struct s3_error e;
    bool effect;
    int r;

    r = fake_count(&fake.reads, &e, &effect);
    if (op->cancelled)
        r = -ECANCELED;
    if (r == 0) {
        f = view_new(op->length);
        r = fill(op->reader, op->first, op->length, f->data);
    }
    if (r < 0) {
        if (f)
            read_view_release(&f->v);
        err_set(&err, -r, "read of %s", "a member");
    }
    ((read_cb *)op->cb)(op->user, r, r < 0 ? NULL : &f->v, &err);
    reader_unref(op->reader);
}

uint64_t
read_range(struct read_stream *s, uint64_t offset, uint64_t length,
           unsigned flags, read_cb *cb, void *user)
{
    struct op *op = op_new(read_run);

    assert(flags == READ_EXACT && length > 0);
    op->reader = reader_ref((struct reader *)s);
    op->first = offset;
    op->length = length;
    op->cb = cb;
    op->user = user;
    return op_queue(op);
}

void
read_cancel(struct read_stream *s, uint64_t id)
{
    (void)s;
    op_cancel(id);
}

/* ---------------------------------------------------------------- plan */

const struct plan_limits plan_limits_s3 = {
    FAKE_FLOOR, 1 << 20, 1 << 30, FAKE_CAP, FAKE_SPLIT, 200,
};
const struct plan_prices plan_prices_aws = {5, 0.4, 0.09};

static void
add_part(struct plan *p, enum plan_kind kind, uint32_t member, uint64_t first,
         uint64_t end)
{
    if (first == end)
        return;
    assert(p->count < 200);
    p->part[p->count++] = (struct plan_part){first, end, kind, member};
}

/* [at, end) in pieces of at most cap, none below the floor. */
static void
add_split(struct plan *p, enum plan_kind kind, uint32_t member, uint64_t at,
          uint64_t end, uint64_t cap)
{
    while (end - at > cap + FAKE_FLOOR) {
        add_part(p, kind, member, at, at + cap);
        at += cap;
    }
    if (end - at > cap) {
        add_part(p, kind, member, at, at + (end - at) / 2);
        at += (end - at) / 2;
    }
    add_part(p, kind, member, at, end);
}

int
plan_parts(struct plan *ret, const struct zip_layout *l,
           const struct plan_limits *lim, enum plan_strategy s, struct err *e)
{
    uint64_t at = 0, from, to;
    uint32_t i;

    (void)e;
    memset(ret, 0, sizeof(*ret));
    ret->strategy = s;
    ret->part = calloc(200, sizeof(*ret->part));
    for (i = 0; s == PLAN_DUO && i < l->count; i++) {
        from = zip_data_offset(l, i);
        to = l->offset[i + 1];
        if (l->member[i].size < FAKE_LARGE)
            continue;
        if (from - at < FAKE_FLOOR)
            from = at + FAKE_FLOOR;
        if (fake.suffixes && i % 2)
            to -= 77;
        if (to < from + FAKE_FLOOR)
            continue;
        add_split(ret, PLAN_UPLOAD, 0, at, from, lim->upload_cap);
        add_split(ret, PLAN_COPY, i, from, to, lim->copy_split);
        at = to;
    }
    add_split(ret, PLAN_UPLOAD, 0, at, l->size, lim->upload_cap);
    return 0;
}

void
plan_free(struct plan *p)
{
    free(p->part);
    p->part = NULL;
    p->count = 0;
}

void
plan_cost(struct plan *p, const struct zip_layout *l,
          const struct plan_prices *prices, uint64_t heads, uint64_t lists)
{
    (void)l;
    (void)prices;
    p->totals.requests.head = heads;
    p->totals.requests.list = lists;
}
