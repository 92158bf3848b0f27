/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Names of options: looking them up, ignoring fstab's, suggesting the
 * nearest to one that is unknown.
 */
#include "conf/internal.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

enum { NAME_MAX_LEN = 32 };

/* mount(8), "Filesystem-independent mount options", and systemd.mount(5):
 * what mount and fstab may hand to any helper. */
static const char *const ignored[] = {
    "rw",         "defaults",    "auto",          "noauto",     "_netdev",
    "nofail",     "user",        "users",         "nouser",     "dev",
    "nodev",      "suid",        "nosuid",        "exec",       "noexec",
    "atime",      "noatime",     "diratime",      "nodiratime", "relatime",
    "norelatime", "strictatime", "nostrictatime", "lazytime",   "nolazytime",
};

static char
fold(char c)
{
    return c == '-' ? '_' : c;
}

bool
option_same(const char *a, const char *b, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++)
        if (a[i] == '\0' || fold(a[i]) != fold(b[i]))
            return false;
    return a[len] == '\0';
}

const struct option *
option_find(const char *name, size_t len)
{
    const struct option *o;

    if (option_same("strategy", name, len)) {
        name = "publish_strategy";
        len = strlen(name);
    }
    for (o = option_table; o->name; o++)
        if (option_same(o->name, name, len))
            return o;
    return NULL;
}

bool
option_ignored(const char *name, size_t len)
{
    size_t i;

    if (len >= 2 && name[0] == 'x' && name[1] == '-')
        return true;
    for (i = 0; i < ARRAY_SIZE(ignored); i++)
        if (strlen(ignored[i]) == len && memcmp(ignored[i], name, len) == 0)
            return true;
    return false;
}

/* Edits (insert, delete, replace) between two short names. */
static unsigned
distance(const char *a, size_t an, const char *b, size_t bn)
{
    unsigned row[NAME_MAX_LEN + 1];
    size_t i, k;

    for (k = 0; k <= bn; k++)
        row[k] = (unsigned)k;
    for (i = 1; i <= an; i++) {
        unsigned corner = row[0], up;

        row[0] = (unsigned)i;
        for (k = 1; k <= bn; k++) {
            unsigned best = corner + (fold(a[i - 1]) != fold(b[k - 1]));

            up = row[k];
            if (up + 1 < best)
                best = up + 1;
            if (row[k - 1] + 1 < best)
                best = row[k - 1] + 1;
            corner = up;
            row[k] = best;
        }
    }
    return row[bn];
}

struct nearest {
    const char *name;
    unsigned edits;
};

static void
consider(struct nearest *n, const char *candidate, const char *name,
         size_t len)
{
    size_t candidate_len = strlen(candidate);
    unsigned edits;

    if (len > NAME_MAX_LEN || candidate_len > NAME_MAX_LEN)
        return;
    edits = distance(name, len, candidate, candidate_len);
    if (edits < n->edits) {
        n->edits = edits;
        n->name = candidate;
    }
}

int
option_unknown(const char *name, size_t len, const struct conf_flag *flags,
               struct err *e)
{
    struct nearest n = {NULL, 4};
    const struct conf_flag *f;
    const struct option *o;
    char shown[80];

    for (o = option_table; o->name; o++)
        consider(&n, o->name, name, len);
    for (f = flags; f && f->name; f++)
        consider(&n, f->name, name, len);
    text_escape(shown, sizeof(shown), name, len);
    if (n.name && 2 * n.edits <= len)
        return err_set(e, EINVAL, "unknown option '%s' (did you mean '%s'?)",
                       shown, n.name);
    return err_set(e, EINVAL, "unknown option '%s'", shown);
}
