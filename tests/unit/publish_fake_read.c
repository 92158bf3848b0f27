/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The CRCs and the reader of the fake.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fake_store_op.h"
#include "publish_fake.h"

struct crc_set {
    pthread_mutex_t lock;
    struct layout *l;
    bool *known, *copies, *asked;
    uint32_t *value;
};
struct reader {
    atomic_int refs;
    struct layout *l;
    struct crc_set crcs;
};

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

void
crc_copies(struct crc_set *s, size_t member)
{
    LOCK_SCOPE(&s->lock);

    s->copies[member] = true;
}

void
crc_copies_end(struct crc_set *s)
{
    LOCK_SCOPE(&s->lock);

    memset(s->copies, 0, s->l->zip.count * sizeof(bool));
}

/* As a listing says it; all that is copied for CRCs goes into one upload,
 * and nothing is proved. */
void
crc_ways(struct crc_set *s, uint8_t *way, struct plan_oracle *ret)
{
    uint32_t known;
    size_t i;

    *ret = (struct plan_oracle){
        .range = GIB(1), .parts = 10000, .proved = true, .proved_range = true};
    for (i = 0; i < s->l->zip.count; i++) {
        if (crc_peek(s, i, &known))
            way[i] = PLAN_CRC_KNOWN;
        else if (fake_object(s->l->member[i].key)->have_crc)
            way[i] = PLAN_CRC_KNOWN | PLAN_CRC_ASK;
        else if (s->l->member[i].hint == ZIP_HINT_OTHER)
            way[i] = PLAN_CRC_ORACLE;
        else
            way[i] = PLAN_CRC_ORACLE | PLAN_CRC_ASK;
    }
}

void
crc_set_wait(struct crc_set *s)
{
    LOCK_SCOPE(&s->lock);

    fake.loading = 0;
}

/* The HEAD of a member, where the listing does not rule it out. */
static void
note_head(struct crc_set *s, size_t member)
{
    LOCK_SCOPE(&s->lock);

    fake.crc_heads +=
        !s->asked[member] && s->l->member[member].hint != ZIP_HINT_OTHER;
    s->asked[member] = true;
}

bool
fake_copies(struct reader *r, size_t member)
{
    LOCK_SCOPE(&r->crcs.lock);

    return r->crcs.copies[member];
}

/* The last rungs for a member that has no stored CRC: a copy tells it, or it
 * is read. */
static uint32_t
climb(struct reader *r, size_t member, struct fake_object *o)
{
    uint32_t crc = fake_true_crc(r->l, member);
    bool copies = fake_copies(r, member);

    if (copies)
        note_head(&r->crcs, member);
    if (!o->have_crc) {
        LOCK_SCOPE(&fake.lock);

        fake.told += copies;
        fake.told_bytes += copies ? o->size : 0;
        o->climbed |= !copies;
    }
    crc_put(&r->crcs, member, crc, false);
    return crc;
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
    fake_late();
    note_head(s, op->number);
    o = fake_object(s->l->member[op->number].key);
    if (r == 0 && (!o || strcmp(o->etag, s->l->member[op->number].etag))) {
        layout_set_stale(s->l, op->number);
        r = -ESTALE;
    }
    if (r == 0 && !o->have_crc && op->flag)
        r = -ENODATA;
    if (r == 0 && crc_peek(s, op->number, &value)) {
        ; /* told by a copy, meanwhile */
    } else if (r == 0 && o->have_crc) {
        crc_put(s, op->number, o->crc, false);
        value = o->crc;
    } else if (r == 0) {
        value = climb(op->reader, op->number, o);
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

    op->flag = flags == CRC_CHEAP;
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
    r->crcs.copies = calloc(l->zip.count + 1, sizeof(bool));
    r->crcs.asked = calloc(l->zip.count + 1, sizeof(bool));
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
    free(r->crcs.copies);
    free(r->crcs.asked);
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

/* The ladder's last rungs for a header; the guard for a body. */
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
    if (z->kind == ZIP_PIECE_DATA) {
        LOCK_SCOPE(&fake.lock);

        o->read = true;
    } else {
        *ret = climb(r, z->index, o);
    }
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
        fake_piece(r->l, &z, crc, a, b, out + (a - first));
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
    fake_late();
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
