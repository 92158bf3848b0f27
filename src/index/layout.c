/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The life of one layout: order, offsets and digest; references; staleness;
 * what of it may be published.  Knows nothing of listings.
 */
#include "index/index_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/text.h"
#include "plan/plan.h"

enum { LOGGED_NAMES = 10, REFUSED_NAMES = 3, DIGEST_CHUNK = 32768 };

struct layout *
layout_alloc(const char *bucket, const char *prefix)
{
    struct layout *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    atomic_init(&l->refs, 1);
    l->bucket = strdup(bucket);
    l->prefix = strdup(prefix);
    if (!l->bucket || !l->prefix) {
        layout_unref(l);
        return NULL;
    }
    l->prefix_len = strlen(prefix);
    return l;
}

struct layout *
layout_ref(struct layout *l)
{
    atomic_fetch_add(&l->refs, 1);
    return l;
}

static void
free_twins(struct layout_twin *w)
{
    struct layout_twin *older;

    for (; w; w = older) {
        older = w->older;
        free(w);
    }
}

void
layout_unref(struct layout *l)
{
    if (!l || atomic_fetch_sub(&l->refs, 1) > 1)
        return;
    free_twins(l->twins);
    zip_layout_free(&l->zip);
    arena_free(&l->arena);
    free(l->member);
    free(l->skip);
    free(l->bucket);
    free(l->prefix);
    free(l);
}

/* -------------------------------------------------------------- digest */

static int
hash_members(EVP_MD_CTX *c, const struct layout *l)
{
    CLEANUP_BUF struct buf b = BUF_INIT(DIGEST_CHUNK + 4 * UINT16_MAX);
    size_t i;
    int r;

    for (i = 0; i < l->zip.count; i++) {
        r = zip_digest_put(&b, &l->member[i]);
        if (r < 0)
            return r;
        if (b.len < DIGEST_CHUNK && i + 1 < l->zip.count)
            continue;
        if (!EVP_DigestUpdate(c, b.data, b.len))
            return -ENOMEM;
        buf_reset(&b);
    }
    return 0;
}

/* OpenSSL's SHA-256 fails for want of memory only. */
static int
hash_layout(struct layout *l)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int r = -ENOMEM;

    if (c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) &&
        EVP_DigestUpdate(c, zip_digest_head, strlen(zip_digest_head)))
        r = hash_members(c, l);
    if (r == 0 && !EVP_DigestFinal_ex(c, l->digest, NULL))
        r = -ENOMEM;
    EVP_MD_CTX_free(c);
    return r;
}

int
layout_finish(struct layout *l, enum conf_order order)
{
    size_t n = l->zip.count, i;
    int r = 0;

    if (order == CONF_ORDER_KEY)
        plan_order_key(l->member, n);
    else
        r = plan_order_duo(l->member, n);
    if (r == 0)
        r = zip_layout_init(&l->zip, l->member, n);
    if (r == 0)
        r = hash_layout(l);
    for (i = 0; i < n; i++)
        if (i == 0 || l->member[i].mtime > l->mtime)
            l->mtime = l->member[i].mtime;
    return r;
}

void
layout_digest_hex(const struct layout *l, char out[65])
{
    text_hex(out, l->digest, sizeof(l->digest));
}

/* ---------------------------------------------------------- comparison */

static bool
same_skips(const struct layout *a, const struct layout *b)
{
    size_t i;

    if (a->skip_count != b->skip_count)
        return false;
    for (i = 0; i < a->skip_count; i++) {
        const struct layout_skip *x = &a->skip[i], *y = &b->skip[i];

        if (x->faults != y->faults || x->left_out != y->left_out ||
            x->key_len != y->key_len ||
            memcmp(x->key, y->key, x->key_len) != 0)
            return false;
    }
    return true;
}

/* The digest says nothing of what was left out, which decides whether a
 * publish is refused, nor of storage classes and checksum hints. */
bool
layout_same(const struct layout *a, const struct layout *b)
{
    size_t i;

    if (memcmp(a->digest, b->digest, sizeof(a->digest)) != 0 ||
        a->zip.count != b->zip.count || !same_skips(a, b))
        return false;
    for (i = 0; i < a->zip.count; i++)
        if (a->member[i].archived != b->member[i].archived ||
            a->member[i].hint != b->member[i].hint)
            return false;
    return true;
}

/* ---------------------------------------------------------------- twin */

static struct layout_twin *
known_twin(const struct layout *l, const struct layout_twin *w)
{
    struct layout_twin *k = l->twins;

    while (k && strcmp(k->etag, w->etag) != 0)
        k = k->older;
    return k;
}

/* Readers may be using an older one, so none is freed before the layout;
 * there is one for each time that the archive was published. */
void
layout_set_twin(struct layout *l, struct layout_twin **w, const char *digest,
                uint64_t size)
{
    struct layout_twin *k = NULL;
    char hex[65];

    layout_digest_hex(l, hex);
    if (*w && size == l->zip.size && strcasecmp(hex, digest) == 0) {
        k = known_twin(l, *w);
        if (!k) {
            k = STEAL(*w);
            k->older = l->twins;
            l->twins = k;
        }
    }
    atomic_store(&l->twin, k);
}

/* ------------------------------------------------- words about members */

void
layout_set_stale(struct layout *l, size_t member)
{
    const struct zip_member *m = &l->member[member];
    char name[300];

    if (atomic_load(&l->stale))
        return;
    atomic_store(&l->stale_member, (uint32_t)member);
    if (!atomic_exchange(&l->stale, true))
        log_warn("s3://%s/%s has changed or is gone since it was listed",
                 l->bucket,
                 text_escape(name, sizeof(name), m->key, m->key_len));
}

void
layout_log_skips(const struct layout *l)
{
    size_t i, told = 0;
    char name[300], dir[300];

    text_escape(dir, sizeof(dir), l->prefix, l->prefix_len);
    for (i = 0; i < l->skip_count && told < LOGGED_NAMES; i++) {
        const struct layout_skip *s = &l->skip[i];

        if (!s->left_out)
            continue;
        told++;
        log_warn("left out of the archive of s3://%s/%s: %s (%s)", l->bucket,
                 dir, text_escape(name, sizeof(name), s->key, s->key_len),
                 zip_fault_text(s->faults));
    }
    if (l->poison_count + l->conflict_count > told)
        log_warn("left out of the archive of s3://%s/%s: %zu more objects",
                 l->bucket, dir, l->poison_count + l->conflict_count - told);
    if (l->soft_count > 0)
        log_info("archive of s3://%s/%s: %zu names are not portable",
                 l->bucket, dir, l->soft_count);
}

/* Same order as add_skip in build.c. */
static bool
counts_as_poison(const struct layout_skip *s)
{
    return s->left_out &&
           ((s->faults & ZIP_POISON_MASK) || !(s->faults & ZIP_CONFLICT_MASK));
}

static bool
is_stranger(const struct layout_skip *s)
{
    return s->left_out && (s->faults & ZIP_CONFLICT_STRANGER);
}

/* The first names of `count` objects; spared: the stranger is not meant. */
static int
refuse(const struct layout *l, bool poison, bool spared, size_t count,
       struct err *e)
{
    CLEANUP_BUF struct buf b = BUF_INIT(480);
    size_t i, told = 0;
    char name[120];

    for (i = 0; i < l->skip_count && told < REFUSED_NAMES; i++) {
        const struct layout_skip *s = &l->skip[i];

        if (!s->left_out || counts_as_poison(s) != poison ||
            (spared && is_stranger(s)))
            continue;
        buf_addf(&b, "%s%s (%s)", told++ ? ", " : "",
                 text_escape(name, sizeof(name), s->key, s->key_len),
                 zip_fault_text(s->faults));
    }
    return err_set(e, poison ? EILSEQ : EEXIST,
                   "%zu objects cannot be in the archive: %s%s", count,
                   buf_str(&b), told < count ? ", ..." : "");
}

int
layout_publishable(const struct layout *l, enum conf_badkeys badkeys,
                   struct err *e)
{
    if (badkeys == CONF_BADKEYS_SKIP)
        return 0;
    if (l->poison_count > 0)
        return refuse(l, true, false, l->poison_count, e);
    if (l->conflict_count > 0)
        return refuse(l, false, false, l->conflict_count, e);
    return 0;
}

int
layout_publishable_over(const struct layout *l, enum conf_badkeys badkeys,
                        struct err *e)
{
    size_t conflicts = l->conflict_count, i;

    if (badkeys == CONF_BADKEYS_SKIP)
        return 0;
    if (l->poison_count > 0)
        return refuse(l, true, false, l->poison_count, e);
    for (i = 0; i < l->skip_count; i++)
        conflicts -=
            is_stranger(&l->skip[i]) && !counts_as_poison(&l->skip[i]);
    return conflicts ? refuse(l, false, true, conflicts, e) : 0;
}
