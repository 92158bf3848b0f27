/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One run of the question "which layout": listing, a HEAD of the archive's
 * own key if it is listed (once more, without checksum, if that is forbidden),
 * then the build, on the worker thread if it is long.
 *
 * An object at the archive's own key is ours if it carries a layout digest
 * in its metadata.  Where HEAD is forbidden (403) nobody can say so, and
 * it counts as a stranger's: reported, never silently dropped.
 */
#include "index/index_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum {
    BUILD_INLINE_MAX = 1000, /* members; about a millisecond */
    DIGEST_HEX = 64,
};

static void
fail(struct run *r, int err, const struct err *e)
{
    r->answer.r = err;
    r->answer.e = *e;
    run_end(r);
}

/* The layout known already, if the listing has not changed.  Nobody else
 * touches slot->layout while this run is under way. */
static struct layout *
reuse(struct run *r, const uint8_t fingerprint[32])
{
    struct layout *l = r->slot->layout;

    if (!l || memcmp(l->fingerprint, fingerprint, 32) != 0)
        return NULL;
    listing_free(&r->listing);
    return layout_ref(l);
}

static struct layout *
build_new(struct run *r, const uint8_t fingerprint[32])
{
    struct answer *a = &r->answer;
    struct layout *l;

    a->r = build_layout(&l, &r->listing, r->ix->bucket, r->stranger, &a->e);
    if (a->r < 0)
        return NULL;
    atomic_fetch_add(&r->ix->built, 1);
    memcpy(l->fingerprint, fingerprint, sizeof(l->fingerprint));
    l->pages = r->scan.pages;
    return l;
}

static void
build(struct run *r)
{
    struct answer *a = &r->answer;
    uint8_t fingerprint[32];

    a->r = build_fingerprint(&r->listing, r->stranger, fingerprint, &a->e);
    if (a->r == 0)
        a->l = reuse(r, fingerprint);
    if (a->r == 0 && !a->l)
        a->l = build_new(r, fingerprint);
    if (a->l)
        atomic_store(&a->l->listed_ms, net_now_ms());
    else
        index_err_prefix(r->ix, r->slot->prefix, &a->e);
}

static void
deliver(void *user)
{
    run_end(user);
}

/* Waiters are answered on a loop thread, not on the worker. */
static void
build_on_worker(void *user)
{
    struct run *r = user;

    build(r);
    net_timer(r->ix->net, 0, deliver, r);
}

static void
start_build(struct run *r)
{
    if (r->listing.count > BUILD_INLINE_MAX) {
        net_work(r->ix->net, build_on_worker, r);
        return;
    }
    build(r);
    run_end(r);
}

static bool
is_ours(const struct s3_object *o)
{
    return o && o->layout_digest && strlen(o->layout_digest) == DIGEST_HEX;
}

/* Of the layout that is about to be made?  run_end compares. */
static void
keep_twin(struct run *r, const struct s3_object *o)
{
    const struct zip_member *m = &r->listing.archive;
    size_t etag_len = o->etag ? strlen(o->etag) : 0;
    struct layout_twin *w;

    if (r->ix->conf->twin == CONF_TWIN_OFF || etag_len == 0)
        return;
    w = calloc(1, sizeof(*w) + m->key_len + etag_len + 2);
    if (!w)
        return; /* the members do */
    memcpy(w->text, m->key, m->key_len);
    memcpy(w->text + m->key_len + 1, o->etag, etag_len);
    w->key = w->text;
    w->key_len = m->key_len;
    w->etag = w->text + m->key_len + 1;
    w->have_crc32 = o->have_crc32;
    w->crc32 = o->crc32;
    r->twin = w;
    r->twin_size = o->size;
    memcpy(r->twin_digest, o->layout_digest, DIGEST_HEX);
}

static void head_archive(struct run *r, bool checksum);

static void
on_head(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct run *r = user;
    const struct zip_member *m = &r->listing.archive;
    struct err words = {0};

    switch (e->err) {
    case 0:
        r->stranger = !is_ours(o);
        if (!r->stranger)
            keep_twin(r, o);
        break;
    case -EACCES:
        if (!r->plain_head) {
            /* A checksum may need the right to decrypt, too. */
            head_archive(r, false);
            return;
        }
        r->stranger = true;
        break;
    case -ENOENT: /* gone since it was listed */
        r->stranger = false;
        break;
    default:
        s3_error_text(e, "HeadObject", r->ix->bucket, m->key, m->key_len,
                      &words);
        fail(r, e->err, &words);
        return;
    }
    start_build(r);
}

static void
head_archive(struct run *r, bool checksum)
{
    const struct zip_member *m = &r->listing.archive;
    struct s3_head_args args = {
        .at = {r->ix->bucket, m->key, m->key_len, false},
        .checksum = checksum,
    };

    r->plain_head = !checksum;
    s3_head(r->ix->s3, &args, on_head, r);
}

static void
on_listed(void *user, int err, const struct err *e)
{
    struct run *r = user;
    struct listing *li = &r->listing;
    struct err words = {0};

    if (err < 0) {
        fail(r, err, e);
        return;
    }
    if (li->objects == 0 && strcmp(r->slot->prefix, r->ix->root) != 0) {
        err_set(&words, ENOENT, "no objects are below");
        index_err_prefix(r->ix, r->slot->prefix, &words);
        fail(r, -ENOENT, &words);
        return;
    }
    if (li->has_archive) {
        head_archive(r, r->ix->conf->twin != CONF_TWIN_OFF);
        return;
    }
    start_build(r);
}

void
layout_run(struct run *r)
{
    struct index *ix = r->ix;
    const char *prefix = r->slot->prefix;
    const struct layout *old = r->slot->layout;
    bool below = strncmp(prefix, ix->root, ix->root_len) == 0;

    r->listing = (struct listing){
        .conf = ix->conf,
        .prefix = prefix,
        .prefix_len = r->slot->len,
        .root_len = below ? ix->root_len : 0,
    };
    r->scan = (struct scan){
        .ix = ix,
        .prefix = prefix,
        .prefix_len = r->slot->len,
        .listing = &r->listing,
        .cut = old ? old->cut : NULL,
        .cut_count = old ? old->cut_count : 0,
        .end = on_listed,
        .user = r,
    };
    scan_start(&r->scan);
}

index_id
index_layout(struct index *ix, const char *prefix, unsigned flags,
             index_layout_cb *cb, void *user)
{
    struct waiter w = {.kind = LINE_LAYOUT, .cb.layout = cb, .user = user};

    return line_ask(ix, prefix, &w, flags, NULL);
}
