/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the store of test_crc_fake.h says: the bytes of its objects and the
 * answer to each call, without a word of who answers, or when.
 */
#include "test_crc_fake_in.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/check.h"
#include "base/cleanup.h"

/* ----------------------------------------------------------- the bytes */

uint64_t
fake_mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void
fake_bytes(const struct fake_object *o, uint64_t first, void *out, size_t n)
{
    uint8_t *p = out;
    size_t i = 0;
    uint64_t x;

    if (o->data) {
        memcpy(out, o->data + first, n);
        return;
    }
    for (; i < n; i++) {
        x = fake_mix(o->seed * 1000003 + (first + i) / 8);
        if ((first + i) % 8 == 0 && n - i >= 8) {
            memcpy(p + i, &x, 8);
            i += 7;
        } else {
            p[i] = (uint8_t)(x >> (first + i) % 8 * 8);
        }
    }
}

static uint32_t
crc_of(const struct fake_object *o, uint64_t first, uint64_t n)
{
    uint8_t b[16384];
    uint32_t crc = 0;
    uint64_t end = first + n;

    for (; first < end; first += n) {
        n = min_u64(sizeof(b), end - first);
        fake_bytes(o, first, b, n);
        crc = crc32(crc, b, n);
    }
    return crc;
}

uint32_t
fake_range_crc32(const struct fake_object *o, uint64_t first, uint64_t n)
{
    return crc_of(o, first, n);
}

uint32_t
fake_crc32(const struct fake_object *o)
{
    return crc_of(o, 0, o->size);
}

/* ------------------------------------------------------------- answers */

static int
refused(struct s3 *s, struct job *j, struct s3_error *e)
{
    struct fake_object *o = j->o;
    LOCK_SCOPE(&s->lock);

    e->attempts = 1;
    if (j->cancelled) {
        e->err = -ECANCELED;
    } else if (o->changed && (*j->etag || j->kind == ATTRS)) {
        e->http = 412;
        e->err = -ESTALE;
    } else if (j->kind == GET && o->good_gets && !--o->good_gets) {
        o->changed = true;
        e->http = 412;
        e->err = -ESTALE;
    } else if (j->kind == GET && o->fail_gets) {
        o->fail_gets -= o->fail_gets > 0;
        e->http = 503;
        e->err = -EIO;
        snprintf(e->code, sizeof(e->code), "SlowDown");
    } else if (*j->etag && strcmp(j->etag, o->etag)) {
        e->http = 412;
        e->err = -ESTALE;
    }
    return e->err;
}

static void
describe(const struct job *j, struct s3_object *h, char text[16])
{
    const struct fake_object *o = j->o;

    memset(h, 0, sizeof(*h));
    h->size = o->size;
    h->etag = o->etag;
    h->checksum_crc32 = h->layout_digest = h->storage_class = h->version_id =
        "";
    if (o->crc == FAKE_NONE || !j->get.checksum || j->get.length)
        return;
    if (o->crc == FAKE_COMPOSITE) {
        snprintf(text, 16, "AAAAAA==-2");
        h->checksum_crc32 = text;
        h->type = S3_TYPE_COMPOSITE;
        return;
    }
    h->have_crc32 = true;
    h->type = S3_TYPE_FULL;
    h->crc32 = fake_crc32(o) ^ (o->crc == FAKE_WRONG);
    snprintf(text, 16, "AAAAAA==");
    h->checksum_crc32 = text;
}

static int
send_body(struct s3 *s, struct job *j)
{
    const struct fake_object *o = j->o;
    uint64_t at = j->get.length ? j->get.first : 0;
    uint64_t end = j->get.length ? at + j->get.length : o->size;
    uint64_t cut = end, first = at;
    uint8_t b[16384];
    size_t n;
    int r = 0;

    if (end > o->size)
        return -EPROTO;
    at += j->sent;
    pthread_mutex_lock(&s->lock);
    if (j->o->cut_gets > 0) {
        j->o->cut_gets--;
        cut = at + (end - at) / 2;
    }
    pthread_mutex_unlock(&s->lock);
    for (; at < cut && r == 0; at += n) {
        if (fake_is_cancelled(s, j))
            return -ECANCELED;
        n = min_u64(cut - at, 1 + fake_mix(at ^ j->id) % sizeof(b));
        fake_bytes(o, at, b, n);
        if (o->corrupt && at + n == o->size)
            b[n - 1] ^= 1;
        r = j->get.on_data(j->user, b, n);
        if (r == 0)
            j->sent = at + n - first;
    }
    return r ? r : cut < end ? -EIO : 0;
}

static void
answer_attributes(struct s3 *s, struct job *j)
{
    struct s3_error e = {0};
    struct s3_attr_part part[64] = {{0}};
    struct s3_attrs a = {.etag = j->o->etag, .size = j->o->size, .part = part};
    uint64_t at;

    e.err = refused(s, j, &e);
    if (e.err == 0 && s->no_attributes) {
        e.http = s->no_attributes;
        e.err = e.http == 403 ? -EACCES : -EOPNOTSUPP;
    }
    for (at = 0; at < j->o->size && j->o->part; at += part[a.count++].size) {
        part[a.count].size = min_u64(j->o->part, j->o->size - at);
        part[a.count].crc32 = crc_of(j->o, at, part[a.count].size);
        part[a.count].have_crc32 = true;
    }
    j->attrs_cb(j->user, &e, e.err ? NULL : &a);
}

static bool
is_stuck(struct s3 *s, struct job *j)
{
    LOCK_SCOPE(&s->lock);

    if (j->kind != GET || j->o->stuck_gets <= 0 || j->cancelled)
        return false;
    j->o->stuck_gets--;
    s->stuck++;
    return true;
}

/* False: it is parked. */
bool
fake_answer(struct s3 *s, struct job *j)
{
    struct s3_error e = {0};
    struct s3_object h;
    char text[16];

    if (j->kind == OTHER) {
        j->fn(s, fake_is_cancelled(s, j), j->user);
        return true;
    }
    if (j->kind == ATTRS) {
        answer_attributes(s, j);
        return true;
    }
    if (is_stuck(s, j)) {
        fake_park(s, j);
        return false;
    }
    describe(j, &h, text);
    e.err = j->begun && !fake_is_cancelled(s, j) ? 0 : refused(s, j, &e);
    if (e.err == 0 && j->kind == GET && !j->get.length &&
        j->get.expect != j->o->size)
        e.err = -ESTALE;
    if (e.err == 0 && j->get.on_object && !j->begun)
        j->get.on_object(j->user, &h);
    j->begun = true;
    if (e.err == 0 && j->kind == GET)
        e.err = send_body(s, j);
    if (e.err == NET_PAUSE) {
        pthread_mutex_lock(&s->lock);
        s->paused++;
        pthread_mutex_unlock(&s->lock);
        fake_park(s, j);
        return false;
    }
    if (j->kind == GET) {
        pthread_mutex_lock(&s->lock);
        s->open_gets--; /* what the answer starts is one after it */
        pthread_mutex_unlock(&s->lock);
    }
    j->cb(j->user, &e, e.err ? NULL : &h);
    return true;
}
