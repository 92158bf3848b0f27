/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Rungs 1 and 2: what HEAD and GetObjectAttributes say of a member.  Must
 * not know the other rungs.
 */
#include "crc/impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What the listing said decides where to begin. */
static bool
try_head(const struct zip_member *m)
{
    return m->hint == ZIP_HINT_CRC32_FULL || m->hint == ZIP_HINT_UNKNOWN;
}

static bool
try_attributes(struct crc *c, const struct zip_member *m)
{
    return m->hint == ZIP_HINT_CRC32_PARTS && !atomic_load(&c->no_attributes);
}

bool
ladder_can_ask(struct crc_set *s, size_t member)
{
    const struct zip_member *m = set_member(s, member);

    return !bit_get(s->no_cheap, member) &&
           (try_head(m) || try_attributes(s->crc, m));
}

bool
ladder_has_cheap(struct crc_set *s, size_t member)
{
    return (s->crc->mode != CONF_CRC_READ || bit_get(s->copies, member)) &&
           ladder_can_ask(s, member);
}

/* ---------------------------------------------- rung 2: the parts' CRCs */

static int
fold_parts(const struct zip_member *m, const struct s3_attrs *a, uint32_t *ret)
{
    uint64_t sum = 0;
    uint32_t crc = 0;
    size_t i;

    if (!a->count || a->size != m->size)
        return -ENODATA;
    if (m->etag_len && a->etag && *a->etag && strcmp(a->etag, m->etag))
        return -ESTALE;
    for (i = 0; i < a->count; i++) {
        if (!a->part[i].have_crc32 || !add_u64(sum, a->part[i].size, &sum))
            return -ENODATA;
        crc = crc_join(crc, a->part[i].crc32, a->part[i].size);
    }
    if (sum != m->size)
        return -ENODATA;
    *ret = crc;
    return 0;
}

/* No permission or no such call: do not ask this store again. */
static void
learn_attributes(struct crc *c, const struct s3_error *e)
{
    if (e->http != 403 && e->http != 405 && e->http != 501)
        return;
    if (!atomic_exchange(&c->no_attributes, true))
        log_info("GetObjectAttributes: %d %s: not used from now on", e->http,
                 e->code);
}

static void
on_attributes(void *user, const struct s3_error *e, const struct s3_attrs *a)
{
    struct climb *c = user;
    struct crc_set *s = c->set;
    uint32_t v;

    if (e->err == -ECANCELED) {
        struct err words = {0};
        int r = ladder_error(s, c->member, "GetObjectAttributes", e, &words);

        ladder_finish(c, r, 0, &words);
        return;
    }
    if (e->err < 0)
        learn_attributes(s->crc, e);
    /* Whatever went wrong, a GET will tell it under If-Match. */
    if (e->err < 0 || fold_parts(set_member(s, c->member), a, &v) < 0) {
        ladder_cheap_end(c);
        return;
    }
    atomic_fetch_add(&s->crc->from_attributes, 1);
    ladder_finish(c, 0, v, NULL);
}

static void
rung_attributes(struct climb *c)
{
    struct crc_set *s = c->set;
    const struct zip_member *m = set_member(s, c->member);
    struct s3_where at = {s->layout->bucket, m->key, m->key_len, false};

    s3_attributes(s->crc->s3, &at, on_attributes, c);
}

/* -------------------------------------------------------- rung 1: HEAD */

static void
on_stale(struct climb *c)
{
    struct s3_error e = {.err = -ESTALE};
    struct err words = {0};
    int r;

    snprintf(e.message, sizeof(e.message), "not the object that was listed");
    r = ladder_error(c->set, c->member, "HEAD", &e, &words);
    ladder_finish(c, r, 0, &words);
}

static void
on_head(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct climb *c = user;
    struct crc_set *s = c->set;
    struct err words = {0};
    int r;

    /* A refused HEAD has no body that says why; the GET of rung 4 has. */
    if (e->err == -EACCES || e->http == 405 || e->http == 501) {
        ladder_cheap_end(c);
    } else if (e->err < 0) {
        r = ladder_error(s, c->member, "HEAD", e, &words);
        ladder_finish(c, r, 0, &words);
    } else if (ladder_differs(set_member(s, c->member), o)) {
        on_stale(c);
    } else if (o->have_crc32) {
        atomic_fetch_add(&s->crc->from_head, 1);
        ladder_finish(c, 0, o->crc32, NULL);
    } else if (o->checksum_crc32 && *o->checksum_crc32 &&
               !atomic_load(&s->crc->no_attributes)) {
        rung_attributes(c); /* COMPOSITE */
    } else {
        ladder_cheap_end(c);
    }
}

void
rung_cheap(struct climb *c)
{
    struct crc_set *s = c->set;
    const struct zip_member *m = set_member(s, c->member);
    struct s3_head_args args = {
        .at = {s->layout->bucket, m->key, m->key_len, false},
        .etag = m->etag,
        .checksum = true,
    };

    if (!try_head(m))
        rung_attributes(c);
    else
        s3_head(s->crc->s3, &args, on_head, c);
}
