/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * index/: from the names of a hostile listing to an archive.  Whatever the
 * names and options, no name of the archive is poison, no two conflict,
 * every object is in or named as left out, and the layout holds.
 */
#include "fuzz.h"
#include "index/index_impl.h"

enum { NAMES_MAX = 200 };

struct names {
    char *key[NAMES_MAX];
    struct s3_entry entry[NAMES_MAX];
    size_t count;
};

/* A byte (its lowest bit is the size), then a key up to 0xfe. */
static void
take_names(struct names *s, struct input *in)
{
    while (in->n > 1 && s->count < NAMES_MAX) {
        uint64_t size = take_number(in, 1) & 1;
        const uint8_t *end = in->n ? memchr(in->p, 0xfe, in->n) : NULL;
        size_t n = end ? (size_t)(end - in->p) : in->n;
        char *key = malloc(n + 1);

        NEED(key);
        memcpy(key, in->p, n);
        key[n] = '\0';
        s->key[s->count] = key;
        s->entry[s->count++] = (struct s3_entry){.key = key,
                                                 .key_len = n,
                                                 .size = size,
                                                 .etag = "e",
                                                 .storage_class = ""};
        in->p += n + (end != NULL);
        in->n -= n + (end != NULL);
    }
}

static size_t
left_out(const struct layout *l)
{
    size_t i, n = 0;

    for (i = 0; i < l->skip_count; i++)
        n += l->skip[i].left_out;
    return n;
}

static void
check_names(const struct layout *l, const struct conf *c)
{
    struct zip_member *m = copy_of(l->member, l->zip.count * sizeof(*m));
    unsigned *faults = calloc(l->zip.count + 1, sizeof(*faults));
    unsigned bad = ZIP_POISON_MASK | ZIP_CONFLICT_MASK;
    size_t i;

    if (c->portable_names)
        bad |= ZIP_SOFT_MASK;
    NEED(faults);
    qsort(m, l->zip.count, sizeof(*m), zip_member_name_cmp);
    for (i = 0; i < l->zip.count; i++) {
        NEED(m[i].name_len > 0);
        faults[i] = zip_name_faults(m[i].name, m[i].name_len);
        if (i > 0)
            NEED(zip_member_name_cmp(&m[i - 1], &m[i]) < 0);
    }
    NEED(zip_set_faults(m, l->zip.count, faults) == 0);
    for (i = 0; i < l->zip.count; i++)
        NEED((faults[i] & bad) == 0);
    free(faults);
    free(m);
}

static void
check_layout(const struct layout *l, const struct listing *li,
             const struct conf *c, size_t members)
{
    struct err e;

    (void)li;
    check_names(l, c);
    NEED(l->zip.count + left_out(l) == members);
    NEED(l->poison_count + l->conflict_count == left_out(l));
    NEED(l->zip.offset[l->zip.count] <= l->zip.size);
    layout_publishable(l, c->badkeys, &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned how = (unsigned)take_number(&in, 1);
    struct conf c;
    struct names s = {.count = 0};
    struct block_list blocks = {0};
    uint8_t fingerprint[32];
    struct listing li = {.conf = &c, .prefix = ""};
    struct layout *l = NULL;
    struct err e = {0};
    size_t members;
    int r;

    NEED(conf_init(&c) == 0);
    c.badkeys = (enum conf_badkeys)(how % 3);
    c.portable_names = how & 4;
    c.order = how & 8 ? CONF_ORDER_KEY : CONF_ORDER_PLAN;
    take_names(&s, &in);
    r = listing_add(&li, s.entry, s.count, &blocks, &e);
    NEED(r == 0 || r == -EPROTO);
    if (r == 0) {
        NEED(listing_reserve(&li, s.count) == 0);
        listing_gather(&li, &blocks);
    }
    blocks_free(&blocks);
    members = li.count + li.has_marker + (li.has_archive && (how & 16));
    if (r == 0)
        r = build_fingerprint(&li, how & 16, fingerprint, &e);
    if (r == 0)
        r = build_layout(&l, &li, "bucket", how & 16, &e);
    NEED(r == 0 || (r == -EPROTO && e.num == EPROTO));
    if (l)
        check_layout(l, &li, &c, members);
    layout_unref(l);
    listing_free(&li);
    conf_free(&c);
    while (s.count > 0)
        free(s.key[--s.count]);
    return 0;
}
