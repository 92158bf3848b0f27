/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Whose is an upload that a Create without an answer may have made?  Its id
 * was never known, so it cannot have got a part from us: s3_abort_empty
 * takes the ones without.  But that of another host, to the same key and
 * begun in the same minutes, has no part either as long as it is young:
 * only old ones may be aborted, by the store's clock.  (Where s3_abort_empty
 * cannot tell parts, the age alone decides.)  Sends nothing.
 */
#ifndef S3ZIPFS_S3_ORPHAN_H
#define S3ZIPFS_S3_ORPHAN_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "s3/multipart.h"

enum {
    /* A Create is sent within this time after its intent was written down;
     * before, for the store's rounding to seconds. */
    S3_INTENT_AFTER_S = 300,
    S3_INTENT_BEFORE_S = 2,
    /* Whoever began an upload has sent its first part by then, or will
     * hardly do so. */
    S3_ORPHAN_AGE_S = 60,
    /* The store has done by then what it was asked for at the last. */
    S3_ORPHAN_COMES_S = S3_INTENT_AFTER_S + S3_ORPHAN_AGE_S,
};

enum s3_orphan {
    S3_ORPHAN_NOT,
    S3_ORPHAN_YOUNG, /* it may be: look again later */
    S3_ORPHAN_OLD,   /* s3_abort_empty */
};

static inline bool
s3_orphan_begun(int64_t begun, int64_t intent)
{
    return begun >= intent - S3_INTENT_BEFORE_S &&
           begun <= intent + S3_INTENT_AFTER_S;
}

/* Of an upload at the key.  intent: seconds, by our clock; initiator: ""
 * if unknown.  When it was begun is known by the store's clock, and by ours,
 * more or less; either may have been set meanwhile.  Who cannot tell does
 * not abort, and looks again. */
static inline enum s3_orphan
s3_orphan(const struct s3_upload *u, int64_t intent, const char *initiator)
{
    bool first = s3_orphan_begun(u->begun_first, intent);
    bool last = s3_orphan_begun(u->begun_last, intent);

    if (*initiator && strcmp(initiator, u->initiator) != 0)
        return S3_ORPHAN_NOT;
    if (s3_orphan_begun(u->initiated, intent) || (first && last))
        return u->age < S3_ORPHAN_AGE_S ? S3_ORPHAN_YOUNG : S3_ORPHAN_OLD;
    return first || last ? S3_ORPHAN_YOUNG : S3_ORPHAN_NOT;
}

/* A Create that was under way when its process ended may be done later than
 * the list was asked for: that there is no upload means nothing yet. */
static inline bool
s3_orphan_may_come(int64_t intent)
{
    int64_t age = time(NULL) - intent;

    /* One of a time to come is of a clock that was set back. */
    return age > -S3_ORPHAN_COMES_S && age < S3_ORPHAN_COMES_S;
}

/* Those of a list that may be ours. */
struct s3_orphans {
    struct s3_orphan_upload {
        char *id;
        bool young;
    } * upload; /* NULL: out of memory, or not asked for */
    size_t count;
};

static inline void
s3_orphans_take(struct s3_orphans *o, const struct s3_upload *u, size_t count,
                int64_t intent, const char *initiator)
{
    enum s3_orphan what;
    size_t i;

    o->upload = calloc(count + 1, sizeof(*o->upload));
    for (i = 0; o->upload && i < count; i++) {
        struct s3_orphan_upload *to = &o->upload[o->count];

        what = s3_orphan(&u[i], intent, initiator);
        if (what == S3_ORPHAN_NOT)
            continue;
        to->id = strdup(u[i].upload_id);
        to->young = what == S3_ORPHAN_YOUNG;
        o->count += to->id != NULL;
    }
}

static inline void
s3_orphans_free(struct s3_orphans *o)
{
    size_t i;

    for (i = 0; i < o->count; i++)
        free(o->upload[i].id);
    free(o->upload);
    *o = (struct s3_orphans){NULL, 0};
}

#endif
