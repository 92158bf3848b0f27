/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The bytes whose SHA-256 names a layout, to and fro.  Hashes nothing
 * itself.
 */
#include "zip/zip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "zip/zip_impl.h"

const char zip_digest_head[] = "s3zipfs-layout-1\n";

int
zip_digest_put(struct buf *b, const struct zip_member *m)
{
    uint8_t fixed[18], *p;
    int r;

    put_u16(fixed, m->name_len);
    r = buf_add(b, fixed, 2);
    if (r == 0)
        r = buf_add(b, m->name, m->name_len);
    p = put_u64(fixed, m->size);
    p = put_u64(p, (uint64_t)m->mtime);
    put_u16(p, m->etag_len);
    if (r == 0)
        r = buf_add(b, fixed, sizeof(fixed));
    if (r == 0)
        r = buf_add(b, m->etag, m->etag_len);
    return r;
}

/* ------------------------------------------------------------ and back */

struct cursor {
    const uint8_t *p;
    size_t n;
};

/* The next k bytes, or NULL if there are not so many. */
static const uint8_t *
take(struct cursor *c, size_t k)
{
    const uint8_t *p = c->p;

    if (k > c->n)
        return NULL;
    c->p += k;
    c->n -= k;
    return p;
}

static const uint8_t *
take_text(struct cursor *c, uint16_t *ret_len)
{
    const uint8_t *p = take(c, 2);

    if (!p)
        return NULL;
    *ret_len = get_u16(p);
    return take(c, *ret_len);
}

static bool
take_member(struct cursor *c, struct zip_member *m)
{
    const uint8_t *name, *numbers, *etag;

    name = take_text(c, &m->name_len);
    numbers = name ? take(c, 16) : NULL;
    etag = numbers ? take_text(c, &m->etag_len) : NULL;
    if (!etag)
        return false;
    m->name = m->key = (const char *)name;
    m->key_len = m->name_len;
    m->size = get_u64(numbers);
    m->mtime = (int64_t)get_u64(numbers + 8);
    m->etag = (const char *)etag;
    return true;
}

int
zip_digest_parse(const void *p, size_t n, size_t max, struct zip_member **ret,
                 size_t *ret_count)
{
    struct cursor c = {p, n}, again;
    size_t head = strlen(zip_digest_head), count = 0, i;
    const uint8_t *start = take(&c, head);
    struct zip_member *m, one;

    if (!start || memcmp(start, zip_digest_head, head) != 0)
        return -EBADMSG;
    for (again = c; again.n > 0; count++)
        if (count >= max || !take_member(&again, &one))
            return -EBADMSG;
    m = calloc(count + 1, sizeof(*m));
    if (!m)
        return -ENOMEM;
    for (i = 0; i < count; i++)
        take_member(&c, &m[i]);
    *ret = m;
    *ret_count = count;
    return 0;
}
