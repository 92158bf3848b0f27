/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * GetObject: whole or one range.  No byte passes before status and headers
 * were checked; a body that is cut goes on by Range under the ETag of its
 * first answer.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/object_info.h"

struct get_call {
    struct s3_call c;
    s3_get_cb *cb;
    void (*on_object)(void *user, const struct s3_object *o);
    int (*on_data)(void *user, const void *p, size_t n);
    char etag[S3_ETAG_MAX + 1]; /* the guard; "" until an answer has one */
    bool guarded;               /* by the caller */
    bool whole, seen;           /* seen: object is filled */
    uint64_t first, length;     /* length: of a whole one, as expected */
    uint64_t done;              /* bytes that were passed on */
    bool checksum;
    struct s3_object_info info;
};

static int
get_attempt(struct s3_call *c)
{
    struct get_call *g = (struct get_call *)c;
    char value[64];

    if (g->done > 0 && !g->etag[0]) {
        s3_error_message(&c->error, "cut, and without an ETag to go on");
        return -EIO;
    }
    s3_header_etag(c, &c->extra, "if-match", g->etag);
    if (!g->whole || g->done > 0) {
        snprintf(value, sizeof(value), "bytes=%llu-%llu",
                 (unsigned long long)(g->first + g->done),
                 (unsigned long long)(g->first + g->length - 1));
        s3_header_to(c, &c->extra, "range", value);
    }
    if (g->checksum && g->done == 0)
        s3_header_to(c, &c->extra, "x-amz-checksum-mode", "ENABLED");
    return 0;
}

static int
bad(struct get_call *g, int err, const char *why)
{
    s3_error_message(&g->c.error, "%s", why);
    return err;
}

/* The object is not what the listing said. */
static int
stale(struct get_call *g, const char *why)
{
    return bad(g, g->guarded ? -ESTALE : -EPROTO, why);
}

static bool
content_length(const struct net_response *r, uint64_t *ret)
{
    const char *value = net_header(r, "content-length");

    return value && text_parse_u64(ret, value);
}

/* 200: the whole object, which must be what was asked for. */
static int
check_whole(struct get_call *g, const struct net_response *r)
{
    uint64_t length = g->length;
    bool have = content_length(r, &length);

    if (g->done > 0)
        return bad(g, -EPROTO, "a range was asked for, all of it came");
    if (g->whole && length != g->length)
        return bad(g, -ESTALE, "not of the size that was listed");
    if (!g->whole && (g->first > 0 || !have || length != g->length))
        return bad(g, -EPROTO, "a range was asked for, all of it came");
    g->info.object.size = length;
    return 0;
}

static int
check_range(struct get_call *g, const struct net_response *r)
{
    const char *value = net_header(r, "content-range");
    struct s3_content_range cr;
    uint64_t length;

    if (g->whole && g->done == 0)
        return bad(g, -EPROTO, "a range came that was not asked for");
    if (!value || !s3_parse_content_range(&cr, value))
        return bad(g, -EPROTO, "no usable Content-Range");
    if (cr.first != g->first + g->done || cr.last != g->first + g->length - 1)
        return bad(g, -EPROTO, "another range than asked for");
    if (content_length(r, &length) && length != cr.last - cr.first + 1)
        return bad(g, -EPROTO, "Content-Length against Content-Range");
    if (g->seen && cr.have_total && g->info.object.size != cr.total)
        return stale(g, "the object's size changed");
    if (!g->seen)
        g->info.object.size = cr.have_total ? cr.total : 0;
    return 0;
}

/* The answer's ETag against the guard; the first one becomes the guard of
 * what follows. */
static int
check_etag(struct get_call *g, const struct net_response *r)
{
    char etag[S3_ETAG_MAX + 1];

    if (s3_etag_header(etag, r) < 0)
        return 0;
    if (g->etag[0] && strcmp(etag, g->etag) != 0)
        return stale(g, "the object's ETag changed");
    strcpy(g->etag, etag);
    return 0;
}

static int
get_head(struct s3_call *c, const struct net_response *r)
{
    struct get_call *g = (struct get_call *)c;
    struct s3_object *o = &g->info.object;
    int e = 0;

    if (!g->seen)
        e = s3_object_info_take(&g->info, r);
    if (e == 0 && r->status == 200)
        e = check_whole(g, r);
    else if (e == 0 && r->status == 206)
        e = check_range(g, r);
    else if (e == 0)
        e = bad(g, -EPROTO, "neither 200 nor 206");
    if (e == 0)
        e = check_etag(g, r);
    if (e < 0 || g->seen)
        return e;
    g->seen = true;
    /* A store may show a part's CRC with a part. */
    if (o->size != g->length)
        o->have_crc32 = false;
    if (g->on_object)
        g->on_object(c->user, o);
    return 0;
}

static int
get_data(struct s3_call *c, const void *p, size_t n)
{
    struct get_call *g = (struct get_call *)c;
    int e;

    if (n > g->length - g->done)
        return bad(g, -EPROTO, "more bytes than announced");
    e = g->on_data ? g->on_data(c->user, p, n) : 0;
    if (e != 0)
        return e;
    g->done += n;
    return 0;
}

static int
get_parse(struct s3_call *c, const struct net_response *r)
{
    struct get_call *g = (struct get_call *)c;

    (void)r;
    if (g->done == g->length)
        return 0;
    s3_error_message(&c->error, "the body ended early");
    return -ECONNRESET;
}

/* 416 under a guard: the object is shorter than it was. */
static int
get_failed(struct s3_call *c, int err)
{
    struct get_call *g = (struct get_call *)c;

    if (g->guarded && (c->error.http == 404 || c->error.http == 416) &&
        strcmp(c->error.code, "NoSuchBucket") != 0)
        return -ESTALE;
    return err;
}

static void
get_answer(struct s3_call *c)
{
    struct get_call *g = (struct get_call *)c;

    g->cb(c->user, &c->error, c->error.err ? NULL : &g->info.object);
}

static void
get_destroy(struct s3_call *c)
{
    struct get_call *g = (struct get_call *)c;

    s3_object_info_free(&g->info);
}

static const struct s3_verb get_verb = {
    .word = "GET",
    .method = "GET",
    .counter = S3_COUNTER(get),
    .attempt = get_attempt,
    .head = get_head,
    .data = get_data,
    .parse = get_parse,
    .failed = get_failed,
    .answer = get_answer,
    .destroy = get_destroy,
};

static void
get_set(struct get_call *g, const struct s3_get_args *a)
{
    uint64_t end;

    g->on_object = a->on_object;
    g->on_data = a->on_data;
    g->whole = a->length == 0;
    g->first = g->whole ? 0 : a->first;
    g->length = g->whole ? a->expect : a->length;
    g->checksum = a->checksum;
    g->c.fresh = a->fresh;
    g->c.urgent = a->urgent;
    if (!add_u64(g->first, g->length, &end))
        s3_call_fail(&g->c, -EINVAL);
    if (a->etag && *a->etag) {
        g->guarded = true;
        if (strlen(a->etag) > S3_ETAG_MAX)
            s3_call_fail(&g->c, -EINVAL);
        else
            strcpy(g->etag, a->etag);
    }
}

s3_id
s3_get(struct s3 *s, const struct s3_get_args *args, s3_get_cb *cb, void *user)
{
    struct get_call *g =
        s3_call_new(s, sizeof(*g), &get_verb, &args->at, user);

    g->cb = cb;
    get_set(g, args);
    return s3_call_start(&g->c);
}
