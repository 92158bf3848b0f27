/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The end records of an archive that anybody may have made: found from the
 * last byte, and believed only where they agree.  Must not know entries.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "extract/dir.h"

enum {
    COMMENT_MAX = 0xffff,
    RECORDS = ZDIR_END64_LEN + ZDIR_LOCATOR_LEN + ZDIR_END_LEN,
};

/* The last bytes of the archive. */
struct tail {
    uint8_t *p;
    size_t n;
    uint64_t at;   /* of p[0] */
    size_t end;    /* the end record */
    uint64_t stop; /* where the directory ends */
};

static int
bad(const char *what, struct err *e)
{
    return err_set(e, EIO, "end records: %s", what);
}

/* The last one whose comment reaches to the last byte, as readers do. */
static int
find_end(struct tail *t, struct err *e)
{
    size_t i;

    if (t->n < ZDIR_END_LEN)
        return bad("too short for an archive", e);
    for (i = t->n - ZDIR_END_LEN + 1; i-- > 0;) {
        const uint8_t *p = t->p + i;

        if (le32(p) != ZDIR_END_SIG || le16(p + 20) != t->n - i - ZDIR_END_LEN)
            continue;
        t->end = i;
        return 0;
    }
    return bad("none (truncated, or no archive)", e);
}

/* Where the record says, or right before its locator: bytes in front of
 * the archive (a self-extractor's program) move it. */
static int
read_end64(struct zdir *d, struct tail *t, struct err *e)
{
    const uint8_t *locator = t->p + t->end - ZDIR_LOCATOR_LEN;
    const uint8_t *p = locator - ZDIR_END64_LEN;

    if (t->end < ZDIR_LOCATOR_LEN + ZDIR_END64_LEN ||
        le32(p) != ZDIR_END64_SIG || le64(p + 4) != ZDIR_END64_LEN - 12)
        return bad("no zip64 end record before the locator", e);
    t->stop = t->at + (uint64_t)(p - t->p);
    if (le64(locator + 8) > t->stop)
        return bad("the zip64 locator points elsewhere", e);
    if (le32(locator + 4) != 0 || le32(locator + 16) > 1 ||
        le32(p + 16) != 0 || le32(p + 20) != 0 || le64(p + 24) != le64(p + 32))
        return bad("the archive is one of several disks", e);
    d->count = le64(p + 32);
    d->cd_size = le64(p + 40);
    d->cd_offset = le64(p + 48);
    d->shift = t->stop - le64(locator + 8);
    return 0;
}

/* A field of the old record: the same, or "see zip64". */
static bool
agree(uint64_t old, uint64_t full, uint64_t value)
{
    return old == full || old == value;
}

static int
read_fields(struct zdir *d, struct tail *t, struct err *e)
{
    const uint8_t *p = t->p + t->end;
    bool has64 = t->end >= ZDIR_LOCATOR_LEN &&
                 le32(p - ZDIR_LOCATOR_LEN) == ZDIR_LOCATOR_SIG;
    int r;

    t->stop = t->at + t->end;
    if (has64) {
        r = read_end64(d, t, e);
        if (r < 0)
            return r;
        if (!agree(le16(p + 10), 0xffff, d->count) ||
            !agree(le32(p + 12), ZDIR_FULL32, d->cd_size) ||
            !agree(le32(p + 16), ZDIR_FULL32, d->cd_offset))
            return bad("they contradict each other", e);
        return 0;
    }
    if (le16(p + 4) != 0 || le16(p + 6) != 0 || le16(p + 8) != le16(p + 10))
        return bad("the archive is one of several disks", e);
    d->count = le16(p + 10);
    d->cd_size = le32(p + 12);
    d->cd_offset = le32(p + 16);
    return 0;
}

/* The directory ends where the records begin. */
static int
place(struct zdir *d, const struct tail *t, bool has64, struct err *e)
{
    uint64_t end;

    if (!add_u64(d->cd_offset, d->cd_size, &end) || end > t->stop)
        return bad("the directory is not before them", e);
    if (has64 && t->stop - end != d->shift)
        return bad("a gap between directory and end records", e);
    d->shift = t->stop - end;
    d->cd_offset += d->shift;
    if (d->count > d->cd_size / ZDIR_CENTRAL_LEN)
        return bad("impossible count or size", e);
    return 0;
}

static int
keep(struct zdir *d, const struct tail *t, struct err *e)
{
    size_t from = (size_t)(t->stop - t->at);

    d->end_len = t->n - from;
    d->end = malloc(d->end_len);
    if (!d->end)
        return err_set(e, ENOMEM, "out of memory");
    memcpy(d->end, t->p + from, d->end_len);
    return 0;
}

int
zdir_read_end(struct zdir *d, struct source *s, struct err *e)
{
    struct tail t = {.n = (size_t)min_u64(s->size, RECORDS + COMMENT_MAX)};
    CLEANUP_FREE uint8_t *memory = malloc(t.n + 1);
    int r;

    if (!memory)
        return err_set(e, ENOMEM, "out of memory");
    t.p = memory;
    t.at = s->size - t.n;
    r = source_read(s, t.at, t.p, t.n, e);
    if (r == 0)
        r = find_end(&t, e);
    if (r == 0)
        r = read_fields(d, &t, e);
    if (r == 0)
        r = place(d, &t, t.stop < t.at + t.end, e);
    return r < 0 ? r : keep(d, &t, e);
}
