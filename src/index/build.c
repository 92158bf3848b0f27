/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Listing -> layout: duplicates, key rule, set rule, badkeys, order,
 * offsets, digest.  Fetches nothing and knows no clock, so that it can run
 * on a worker thread.
 *
 * badkeys=refuse and skip leave poison and conflicts out; escape renames
 * them, and every other name with a '%', so that nothing is lost: then only
 * names that escape cannot mend are left out (over 65,535 bytes; under
 * portable_names long components and case twins).
 */
#include "index/index_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

enum { CUT_LEAST = 4000 }; /* members; shorter listings are not cut */

struct build {
    const struct conf *conf;
    struct layout *l;
    unsigned *faults; /* of l->member[i], by the key rule, then by both */
    struct buf name;  /* scratch */
    size_t skip_cap;
};

/* Where the next listing of as many keys may be cut. */
static void
choose_cuts(struct layout *l, const struct zip_member *m, size_t n)
{
    size_t i;

    if (n < CUT_LEAST)
        return;
    for (i = 1; i <= LAYOUT_CUTS; i++) {
        const struct zip_member *at = &m[n / (LAYOUT_CUTS + 1) * i];
        struct key_ref k = {at->key, at->key_len};

        if (key_is_plain(k))
            l->cut[l->cut_count++] = at->key;
    }
}

/* --------------------------------------------------------------- build */

static bool
escapes(const struct build *b)
{
    return b->conf->badkeys == CONF_BADKEYS_ESCAPE;
}

static int
add_skip(struct build *b, const struct zip_member *m, unsigned faults,
         bool left_out)
{
    struct layout *l = b->l;

    if (l->skip_count == b->skip_cap) {
        size_t cap = b->skip_cap ? b->skip_cap * 2 : 16;
        struct layout_skip *s = realloc(l->skip, cap * sizeof(*s));

        if (!s)
            return -ENOMEM;
        l->skip = s;
        b->skip_cap = cap;
    }
    l->skip[l->skip_count++] =
        (struct layout_skip){m->key, m->key_len, left_out, faults};
    if (!left_out)
        l->soft_count++;
    else if ((faults & ZIP_CONFLICT_MASK) && !(faults & ZIP_POISON_MASK))
        l->conflict_count++;
    else
        l->poison_count++;
    return 0;
}

/* --------------------------------------------------------------- names */

/* m->name = what is in b->name, unless it is that already.  False: too
 * long for a header. */
static int
set_name(struct build *b, struct zip_member *m, bool *ret_fits)
{
    char *p;

    *ret_fits = b->name.len <= UINT16_MAX;
    if (!*ret_fits || (b->name.len == m->name_len &&
                       memcmp(b->name.data, m->name, m->name_len) == 0))
        return 0;
    p = arena_dup(&b->l->arena, b->name.data, b->name.len);
    if (!p)
        return -ENOMEM;
    m->name = p;
    m->name_len = (uint16_t)b->name.len;
    return 0;
}

static int
escape_name(struct build *b, struct zip_member *m, bool conflict,
            bool *ret_fits)
{
    int r;

    buf_reset(&b->name);
    r = b->conf->portable_names
            ? zip_name_escape_portable(m->name, m->name_len, conflict,
                                       &b->name)
            : zip_name_escape(m->name, m->name_len, conflict, &b->name);
    return r == 0 ? set_name(b, m, ret_fits) : r;
}

/* A name that is escaped already. */
static int
mark_conflict(struct build *b, struct zip_member *m, bool *ret_fits)
{
    int r;

    buf_reset(&b->name);
    r = buf_add(&b->name, m->name, m->name_len);
    if (r == 0)
        r = buf_addc(&b->name, '%');
    return r == 0 ? set_name(b, m, ret_fits) : r;
}

/* --------------------------------------------------------------- rules */

/* Faults that keep a member out, once escape has done what it can. */
static unsigned
fatal(const struct build *b, unsigned faults)
{
    unsigned mask = ZIP_POISON_MASK;

    if (b->conf->portable_names)
        mask |= ZIP_SOFT_MASK;
    return faults & mask;
}

static int
apply_key_rule(struct build *b, struct zip_member *m, unsigned *ret_faults)
{
    bool fits = true;
    int r = 0;

    if (escapes(b))
        r = escape_name(b, m, false, &fits);
    *ret_faults =
        fits ? zip_name_faults(m->name, m->name_len) : ZIP_POISON_LONG;
    return r;
}

static int
key_rule(struct build *b)
{
    struct layout *l = b->l;
    size_t i, out = 0;
    unsigned faults;
    int r;

    b->faults = calloc(l->zip.count + 1, sizeof(*b->faults));
    if (!b->faults)
        return -ENOMEM;
    for (i = 0; i < l->zip.count; i++) {
        r = apply_key_rule(b, &l->member[i], &faults);
        if (r == 0 && fatal(b, faults)) {
            r = add_skip(b, &l->member[i], faults, true);
        } else {
            b->faults[out] = faults;
            l->member[out++] = l->member[i];
        }
        if (r < 0)
            return r;
    }
    l->zip.count = out;
    return 0;
}

/* Escaping may have changed the order of the names. */
static void
sort_escaped(struct build *b)
{
    struct layout *l = b->l;
    size_t i;

    members_sort(l->member, l->zip.count);
    for (i = 0; i < l->zip.count; i++)
        b->faults[i] =
            zip_name_faults(l->member[i].name, l->member[i].name_len);
}

static int
apply_set_rule(struct build *b, struct zip_member *m, unsigned faults,
               bool *ret_stays)
{
    bool fits = true;
    int r = 0;

    *ret_stays = true;
    if (faults & ZIP_CONFLICT_MASK) {
        if (escapes(b))
            r = mark_conflict(b, m, &fits);
        if (!escapes(b) || !fits)
            *ret_stays = false;
    }
    if (fatal(b, faults))
        *ret_stays = false;
    if (r == 0 && (!*ret_stays || (faults & ZIP_SOFT_MASK)))
        r = add_skip(b, m, *ret_stays ? faults & ZIP_SOFT_MASK : faults,
                     !*ret_stays);
    return r;
}

static int
set_rule(struct build *b)
{
    struct layout *l = b->l;
    size_t i, out = 0, n = l->zip.count;
    bool stays;
    int r;

    r = zip_set_faults(l->member, n, b->faults);
    for (i = 0; r == 0 && i < n; i++) {
        r = apply_set_rule(b, &l->member[i], b->faults[i], &stays);
        if (stays)
            l->member[out++] = l->member[i];
    }
    l->zip.count = out;
    return r;
}

/* The prefix's own marker with bytes, and a stranger at the archive's own
 * key: conflicts with the directory and with the archive themselves. */
static int
add_aside(struct build *b, struct zip_member *m, unsigned fault)
{
    bool fits = true;
    int r;

    if (!escapes(b))
        return add_skip(b, m, fault, true);
    r = escape_name(b, m, true, &fits);
    if (r < 0)
        return r;
    if (!fits || fatal(b, zip_name_faults(m->name, m->name_len)))
        return add_skip(b, m, fault, true);
    b->l->member[b->l->zip.count++] = *m;
    return 0;
}

/* ------------------------------------------------------------- in all */

static int
apply_rules(struct build *b, struct listing *li, bool stranger)
{
    int r = key_rule(b);

    if (r == 0 && escapes(b))
        sort_escaped(b);
    if (r == 0)
        r = set_rule(b);
    if (r == 0 && li->has_marker)
        r = add_aside(b, &li->marker, ZIP_CONFLICT_MARKER);
    if (r == 0 && li->has_archive && stranger)
        r = add_aside(b, &li->archive, ZIP_CONFLICT_STRANGER);
    return r;
}

/* l gets li's memory, which has room for marker and stranger. */
static int
take_listing(struct layout *l, struct listing *li)
{
    if (!li->member && listing_reserve(li, 0) < 0)
        return -ENOMEM;
    l->member = STEAL(li->member);
    l->zip.count = li->count;
    l->arena = li->arena;
    l->excluded_count = li->excluded;
    li->arena = (struct arena){0};
    return 0;
}

int
build_layout(struct layout **ret, struct listing *li, const char *bucket,
             bool stranger, struct err *e)
{
    struct layout *l = layout_alloc(bucket, li->prefix);
    struct build b = {.conf = li->conf, .l = l};
    int r;

    b.name = BUF_INIT((size_t)4 * UINT16_MAX);
    r = l ? take_listing(l, li) : -ENOMEM;
    if (r == 0) {
        choose_cuts(l, l->member, l->zip.count);
        r = apply_rules(&b, li, stranger);
    }
    if (r == 0)
        r = layout_finish(l, li->conf->order);
    free(b.faults);
    buf_free(&b.name);
    if (r == 0)
        *ret = l;
    else
        layout_unref(l);
    if (r == -ENOMEM)
        err_set(e, ENOMEM, "no memory for a layout");
    if (r == -EFBIG)
        err_set(e, EFBIG, "the archive would be larger than 2^63 bytes");
    return r;
}
