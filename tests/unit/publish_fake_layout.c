/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Layouts of the fake, whose members are objects of its store, and their
 * bytes.
 */
#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/text.h"
#include "fake_store_op.h"
#include "publish_fake.h"

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

/* A body of its own; what is there under that key is overwritten. */
static void
put_member(struct zip_member *m, unsigned stored)
{
    CLEANUP_FREE uint8_t *data = malloc(m->size + 1);
    struct fake_object *o;
    size_t b;

    for (b = 0; b < m->size; b++)
        data[b] = (uint8_t)fake_random(256);
    o = fake_put(m->key, data, m->size, fake_random(256) < stored);
    m->etag = strdup(o->etag);
    m->etag_len = (uint16_t)strlen(o->etag);
}

static struct zip_member *
add_member(struct layout *l, char letter, unsigned i)
{
    struct zip_member *m = &l->member[l->zip.count++];
    char *key;

    assert(asprintf(&key, "%s%c%03u", l->prefix, letter, i) > 0);
    m->key = key;
    m->name = key + l->prefix_len;
    m->key_len = (uint16_t)strlen(key);
    m->name_len = (uint16_t)(m->key_len - l->prefix_len);
    m->size = member_size(i);
    m->mtime = 1700000000 + i;
    return m;
}

static struct layout *
layout_begin(const char *prefix, size_t count)
{
    struct layout *l = calloc(1, sizeof(*l));

    atomic_init(&l->refs, 1);
    l->bucket = strdup("b");
    l->prefix = strdup(prefix);
    l->prefix_len = strlen(prefix);
    l->member = calloc(count + 1, sizeof(*l->member));
    l->pages = 1;
    return l;
}

/* The digest is the true one: a former archive is known by it. */
static struct layout *
layout_end(struct layout *l)
{
    struct buf b = BUF_INIT(1 << 20);
    size_t i, count = l->zip.count;

    assert(zip_layout_init(&l->zip, l->member, count) == 0);
    buf_adds(&b, zip_digest_head);
    for (i = 0; i < count; i++)
        zip_digest_put(&b, &l->member[i]);
    assert(EVP_Digest(b.data, b.len, l->digest, NULL, EVP_sha256(), NULL));
    buf_free(&b);
    return l;
}

struct layout *
fake_layout(const char *prefix, unsigned count, unsigned stored)
{
    struct layout *l = layout_begin(prefix, count);
    unsigned i;

    for (i = 0; i < count; i++)
        put_member(add_member(l, 'm', i), stored);
    return layout_end(l);
}

struct layout *
fake_layout_even(const char *prefix, unsigned count, uint64_t size)
{
    struct layout *l = layout_begin(prefix, count);
    unsigned i;

    for (i = 0; i < count; i++) {
        struct zip_member *m = add_member(l, 'm', i);

        m->size = size;
        put_member(m, 0);
    }
    return layout_end(l);
}

static void
keep_member(struct layout *l, const struct zip_member *m)
{
    struct zip_member *to = &l->member[l->zip.count++];

    *to = *m;
    to->key = strndup(m->key, m->key_len);
    to->name = to->key + l->prefix_len;
    to->etag = strdup(m->etag);
}

struct layout *
fake_layout_next(const struct layout *old, unsigned stored)
{
    struct layout *l = layout_begin(old->prefix, old->zip.count + 2);
    unsigned i;

    for (i = 0; i < old->zip.count; i++)
        switch (fake_random(10)) {
        case 0:
            break;
        case 1:
            put_member(add_member(l, 'm', i), stored);
            break;
        default:
            keep_member(l, &old->member[i]);
            break;
        }
    for (i = 0; i < 2; i++)
        put_member(add_member(l, 'n', i), stored);
    return layout_end(l);
}

uint32_t
fake_true_crc(struct layout *l, size_t member)
{
    struct fake_object *o = fake_object(l->member[member].key);

    return (uint32_t)crc32_z(0, o->data, o->size);
}

/* Writes [first, end) of piece z; crc for records. */
void
fake_piece(struct layout *l, const struct zip_piece *z, uint32_t crc,
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
        fake_piece(l, &z,
                   z.kind == ZIP_PIECE_END ? 0 : fake_true_crc(l, z.index),
                   z.first, z.end, out + z.first);
    while (zip_piece_next(&l->zip, &z));
    return out;
}
