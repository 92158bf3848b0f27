/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The set rule: what is wrong between the names of one archive.  Knows
 * nothing of what one name may hold (names.c).
 */
#include "zip/zip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "zip/zip_impl.h"

static int
name_cmp(const struct zip_member *a, const struct zip_member *b)
{
    size_t n = a->name_len < b->name_len ? a->name_len : b->name_len;
    int c = n ? memcmp(a->name, b->name, n) : 0;

    return c ? c : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

int
zip_member_name_cmp(const void *a, const void *b)
{
    return name_cmp(a, b);
}

static bool
begins_with(const struct zip_member *m, const struct zip_member *prefix)
{
    return m->name_len >= prefix->name_len &&
           memcmp(m->name, prefix->name, prefix->name_len) == 0;
}

/* m begins with prefix: does it sort before prefix + "/"? */
static bool
before_slash(const struct zip_member *m, const struct zip_member *prefix)
{
    return m->name_len == prefix->name_len ||
           (unsigned char)m->name[prefix->name_len] < '/';
}

/* Is some name m[i].name + "/" + anything?  Names that begin with m[i]'s
 * stand together, but "a-" and "a." come between "a" and "a/b". */
static bool
has_children(const struct zip_member *m, size_t n, size_t i)
{
    size_t low = i + 1, high = n, mid;
    const struct zip_member *u = &m[i];

    if (low == n || !begins_with(&m[low], u))
        return false;
    while (low < high) {
        mid = low + (high - low) / 2;
        if (begins_with(&m[mid], u) && before_slash(&m[mid], u))
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && begins_with(&m[low], u) &&
           m[low].name[u->name_len] == '/';
}

static void
find_conflicts(const struct zip_member *m, size_t n, unsigned *faults)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (zip_is_dir(&m[i])) {
            if (m[i].size > 0)
                faults[i] |= ZIP_CONFLICT_DIR_DATA;
        } else if (has_children(m, n, i)) {
            faults[i] |= ZIP_CONFLICT_PREFIX;
        }
    }
}

/* --------------------------------------------------------- case twins */

struct folded {
    uint64_t hash;
    size_t index;
};

static uint64_t
fold_hash(const struct zip_member *m)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    size_t i;

    for (i = 0; i < m->name_len; i++)
        h = (h ^ zip_fold(m->name[i])) * UINT64_C(0x100000001b3);
    return h;
}

static int
fold_cmp(const struct zip_member *a, const struct zip_member *b)
{
    size_t n = a->name_len < b->name_len ? a->name_len : b->name_len, i;

    for (i = 0; i < n; i++)
        if (zip_fold(a->name[i]) != zip_fold(b->name[i]))
            return zip_fold(a->name[i]) < zip_fold(b->name[i]) ? -1 : 1;
    return (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

/* The names decide between equal hashes, so hostile collisions cost no
 * more than a sort by name. */
static int
folded_cmp(const void *a, const void *b, void *members)
{
    const struct folded *x = a, *y = b;
    const struct zip_member *m = members;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return fold_cmp(&m[x->index], &m[y->index]);
}

static int
find_twins(const struct zip_member *m, size_t n, unsigned *faults)
{
    CLEANUP_FREE struct folded *f = NULL;
    size_t i;

    if (n < 2)
        return 0;
    f = calloc(n, sizeof(*f));
    if (!f)
        return -ENOMEM;
    for (i = 0; i < n; i++)
        f[i] = (struct folded){fold_hash(&m[i]), i};
    qsort_r(f, n, sizeof(*f), folded_cmp, (void *)m);
    for (i = 1; i < n; i++) {
        if (f[i - 1].hash == f[i].hash &&
            fold_cmp(&m[f[i - 1].index], &m[f[i].index]) == 0) {
            faults[f[i - 1].index] |= ZIP_SOFT_CASE;
            faults[f[i].index] |= ZIP_SOFT_CASE;
        }
    }
    return 0;
}

int
zip_set_faults(const struct zip_member *m, size_t n, unsigned *faults)
{
    find_conflicts(m, n, faults);
    return find_twins(m, n, faults);
}
