/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The listings as calls that wait (sync.h): what an answer lends to its
 * callback is copied into one arena.
 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "s3/sync_priv.h"

static struct s3_sync
sync_of(struct s3 *s, struct scope *sc, struct s3_found *ret)
{
    memset(ret, 0, sizeof(*ret));
    return (struct s3_sync){.s = s, .sc = sc, .found = ret, .e = &ret->e};
}

void
s3_found_free(struct s3_found *f)
{
    arena_free(&f->arena);
    memset(f, 0, sizeof(*f));
}

/* ------------------------------------------------------------- copying */

/* A copy of count things of size bytes, aligned as malloc does; NULL when
 * out of memory, or of none. */
static void *
copy_array(struct arena *a, const void *from, size_t count, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    uint64_t bytes;
    char *p;

    if (!count || !mul_u64(count, size, &bytes))
        return NULL;
    p = arena_alloc(a, bytes + align);
    if (!p)
        return NULL;
    p += (align - (uintptr_t)p % align) % align;
    return memcpy(p, from, bytes);
}

/* Replaces what *text points to by a copy. */
static bool
own(struct arena *a, const char **text, size_t len)
{
    *text = arena_dup(a, *text ? *text : "", *text ? len : 0);
    return *text != NULL;
}

static bool
own_str(struct arena *a, const char **text)
{
    return own(a, text, *text ? strlen(*text) : 0);
}

static bool
copy_prefixes(struct arena *a, const struct s3_page *from, struct s3_page *to)
{
    size_t n = from->prefix_count, i;
    const char **prefix = copy_array(a, from->prefix, n, sizeof(*prefix));
    size_t *len = copy_array(a, from->prefix_len, n, sizeof(*len));
    bool ok = n == 0 || (prefix && len);

    for (i = 0; ok && i < n; i++)
        ok = own(a, &prefix[i], len[i]);
    to->prefix = prefix;
    to->prefix_len = len;
    to->prefix_count = n;
    return ok;
}

static bool
copy_page(struct arena *a, const struct s3_page *from, struct s3_page *to)
{
    struct s3_entry *e =
        copy_array(a, from->entry, from->count, sizeof(*from->entry));
    bool ok = from->count == 0 || e;
    size_t i;

    for (i = 0; ok && i < from->count; i++)
        ok = own(a, &e[i].key, e[i].key_len) && own_str(a, &e[i].etag) &&
             own_str(a, &e[i].storage_class);
    to->entry = e;
    to->count = from->count;
    to->next = from->next;
    return ok && (!to->next || own_str(a, &to->next)) &&
           copy_prefixes(a, from, to);
}

static bool
copy_attrs(struct arena *a, const struct s3_attrs *from, struct s3_attrs *to)
{
    *to = *from;
    to->part = copy_array(a, from->part, from->count, sizeof(*from->part));
    return own_str(a, &to->etag) && (from->count == 0 || to->part);
}

static bool
copy_parts(struct arena *a, const struct s3_parts *from, struct s3_parts *to)
{
    struct s3_listed_part *p =
        copy_array(a, from->part, from->count, sizeof(*p));
    bool ok = from->count == 0 || p;
    size_t i;

    for (i = 0; ok && i < from->count; i++)
        ok = own_str(a, &p[i].etag);
    *to = *from;
    to->part = p;
    return ok;
}

static bool
copy_uploads(struct s3_found *f, const struct s3_upload *from, size_t count)
{
    struct s3_upload *u = copy_array(&f->arena, from, count, sizeof(*u));
    bool ok = count == 0 || u;
    size_t i;

    for (i = 0; ok && i < count; i++)
        ok = own(&f->arena, &u[i].key, u[i].key_len) &&
             own_str(&f->arena, &u[i].upload_id) &&
             own_str(&f->arena, &u[i].initiator);
    f->upload = u;
    f->count = count;
    return ok;
}

static bool
copy_versions(struct s3_found *f, const struct s3_version *from, size_t count)
{
    struct s3_version *v = copy_array(&f->arena, from, count, sizeof(*v));
    bool ok = count == 0 || v;
    size_t i;

    for (i = 0; ok && i < count; i++)
        ok = own(&f->arena, &v[i].key, v[i].key_len) &&
             own_str(&f->arena, &v[i].version_id) &&
             own_str(&f->arena, &v[i].etag);
    f->version = v;
    f->count = count;
    return ok;
}

/* --------------------------------------------------------- the answers */

/* What was copied in part is nothing. */
static void
done(struct s3_sync *w, const struct s3_error *e, bool copied)
{
    const struct s3_error oom = {.err = -ENOMEM, .message = "out of memory"};

    if (!copied)
        s3_found_free(w->found);
    s3_sync_done(w, copied ? e : &oom);
}

static void
on_page(void *user, const struct s3_error *e, const struct s3_page *p)
{
    struct s3_sync *w = user;
    struct s3_found *f = w->found;

    done(w, e, !p || copy_page(&f->arena, p, &f->page));
}

static void
on_attrs(void *user, const struct s3_error *e, const struct s3_attrs *a)
{
    struct s3_sync *w = user;
    struct s3_found *f = w->found;

    done(w, e, !a || copy_attrs(&f->arena, a, &f->attrs));
}

static void
on_parts(void *user, const struct s3_error *e, const struct s3_parts *p)
{
    struct s3_sync *w = user;
    struct s3_found *f = w->found;

    done(w, e, !p || copy_parts(&f->arena, p, &f->parts));
}

static void
on_uploads(void *user, const struct s3_error *e, const struct s3_upload *u,
           size_t count)
{
    struct s3_sync *w = user;

    done(w, e, e->err || copy_uploads(w->found, u, count));
}

static void
on_versions(void *user, const struct s3_error *e, const struct s3_version *v,
            size_t count)
{
    struct s3_sync *w = user;

    done(w, e, e->err || copy_versions(w->found, v, count));
}

/* ----------------------------------------------------------- the calls */

int
s3_list_wait(struct s3 *s, struct scope *sc, const struct s3_list_args *a,
             struct s3_found *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why : s3_sync_end(&w, s3_list(s, a, on_page, &w));
}

int
s3_attributes_wait(struct s3 *s, struct scope *sc, const struct s3_where *at,
                   struct s3_found *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why : s3_sync_end(&w, s3_attributes(s, at, on_attrs, &w));
}

int
s3_list_parts_wait(struct s3 *s, struct scope *sc, const struct s3_where *at,
                   const char *upload_id, struct s3_found *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why
               : s3_sync_end(&w,
                             s3_list_parts(s, at, upload_id, on_parts, &w));
}

int
s3_list_uploads_wait(struct s3 *s, struct scope *sc, const struct s3_where *at,
                     struct s3_found *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why : s3_sync_end(&w, s3_list_uploads(s, at, on_uploads, &w));
}

int
s3_list_uploads_below_wait(struct s3 *s, struct scope *sc,
                           const struct s3_where *at, struct s3_found *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why
               : s3_sync_end(&w, s3_list_uploads_below(s, at, on_uploads, &w));
}

int
s3_list_versions_wait(struct s3 *s, struct scope *sc,
                      const struct s3_where *at, struct s3_found *ret)
{
    struct s3_sync w = sync_of(s, sc, ret);
    int why = s3_sync_begin(&w);

    return why ? why
               : s3_sync_end(&w, s3_list_versions(s, at, on_versions, &w));
}
