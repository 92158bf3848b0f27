/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A listing, sorted, its keys distinct, as one hash: whether the next
 * listing makes another layout is known without making it.  Knows no rule
 * about names.
 */
#include "index/index_impl.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/text.h"

enum { HASH_CHUNK = 32768 };

void
members_sort(struct zip_member *m, size_t n)
{
    size_t i;

    for (i = 1; i < n; i++)
        if (zip_member_name_cmp(&m[i - 1], &m[i]) > 0) {
            qsort(m, n, sizeof(*m), zip_member_name_cmp);
            return;
        }
}

static int
check_distinct(const struct zip_member *m, size_t n, struct err *e)
{
    char name[200];
    size_t i;

    for (i = 1; i < n; i++)
        if (zip_member_name_cmp(&m[i - 1], &m[i]) == 0)
            return err_set(
                e, EPROTO, "the listing names a key twice: %s",
                text_escape(name, sizeof(name), m[i].key, m[i].key_len));
    return 0;
}

/* All that a layout depends on: two listings with one hash make the same
 * layout, and leave the same out. */
static int
put_entry(struct buf *b, const struct zip_member *m)
{
    const uint64_t field[] = {m->size, (uint64_t)m->mtime,
                              (uint64_t)m->key_len << 32 |
                                  (uint64_t)m->etag_len << 16 |
                                  (uint64_t)m->hint << 8 | m->archived};
    int r = buf_add(b, field, sizeof(field));

    if (r == 0)
        r = buf_add(b, m->key, m->key_len);
    return r == 0 ? buf_add(b, m->etag, m->etag_len) : r;
}

static int
hash_entries(EVP_MD_CTX *c, const struct zip_member *m, size_t n)
{
    CLEANUP_BUF struct buf b = BUF_INIT(HASH_CHUNK + 4 * UINT16_MAX);
    size_t i;
    int r = 0;

    for (i = 0; r == 0 && i < n; i++) {
        r = put_entry(&b, &m[i]);
        if (b.len < HASH_CHUNK && i + 1 < n)
            continue;
        if (r == 0 && !EVP_DigestUpdate(c, b.data, b.len))
            r = -ENOMEM;
        buf_reset(&b);
    }
    return r;
}

/* OpenSSL's SHA-256 fails for want of memory only. */
static int
hash_listing(const struct listing *li, bool stranger, uint8_t ret[32])
{
    const uint64_t head[] = {li->count, li->excluded, li->has_marker,
                             li->has_archive && stranger};
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int r = -ENOMEM;

    if (c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) &&
        EVP_DigestUpdate(c, head, sizeof(head)))
        r = hash_entries(c, li->member, li->count);
    if (r == 0 && li->has_marker)
        r = hash_entries(c, &li->marker, 1);
    if (r == 0 && li->has_archive && stranger)
        r = hash_entries(c, &li->archive, 1);
    if (r == 0 && !EVP_DigestFinal_ex(c, ret, NULL))
        r = -ENOMEM;
    EVP_MD_CTX_free(c);
    return r;
}

int
build_fingerprint(struct listing *li, bool stranger, uint8_t ret[32],
                  struct err *e)
{
    int r;

    members_sort(li->member, li->count);
    r = check_distinct(li->member, li->count, e);
    if (r == 0)
        r = hash_listing(li, stranger, ret);
    if (r == -ENOMEM)
        err_set(e, ENOMEM, "no memory for a layout");
    return r;
}
