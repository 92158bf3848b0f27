/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip verify: every record and every body of an archive, read once from
 * front to back; and against the prefix that it was made from.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/crc32.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/cmd_verify_zip.h"

typedef unsigned long long ull;

struct verify {
    struct source *s;
    struct zdir dir;
    struct layout *against; /* NULL = nothing to compare with */
    struct err *e;
    /* where the scan is */
    uint64_t index; /* of the entry */
    uint64_t body_left;
    uint32_t crc;
    uint8_t *header; /* the local one, as far as it came */
    size_t header_len;
    uint32_t whole; /* CRC of all bytes so far */
};

/* ------------------------------------------------------------- against */

static int
differs(const struct verify *v, uint64_t i, const char *what)
{
    return zdir_bad(&v->dir, i, what, v->e);
}

/* Header bytes as our writer makes them now, with the CRC found. */
static int
compare_local(struct verify *v, uint64_t i)
{
    const struct zip_member *m = &v->against->zip.member[i];
    uint32_t n = zip_loc_len(m);
    CLEANUP_FREE uint8_t *want = malloc(n);

    if (!want)
        return err_set(v->e, ENOMEM, "out of memory");
    zip_loc_put(want, m, v->against->zip.offset[i], v->dir.entry[i].crc);
    if (n != zdir_local_len(&v->dir, i) || memcmp(want, v->header, n) != 0)
        return differs(v, i, "not the local header of the prefix's archive");
    return 0;
}

static int
compare_central(struct verify *v, uint64_t i)
{
    const struct zip_layout *l = &v->against->zip;
    const struct zip_member *m = &l->member[i];
    const struct zentry *z = &v->dir.entry[i];
    uint32_t n = zip_cdh_len(m, l->offset[i]);
    CLEANUP_FREE uint8_t *want = malloc(n);

    if (!want)
        return err_set(v->e, ENOMEM, "out of memory");
    zip_cdh_put(want, m, l->offset[i], z->crc);
    if (n != z->header || memcmp(want, v->dir.cd + z->at, n) != 0)
        return differs(v, i, "not the central header of the prefix's archive");
    return 0;
}

static int
compare_layout(struct verify *v)
{
    const struct layout *l = v->against;
    char digest[65];
    uint64_t i;
    int r = 0;

    layout_digest_hex(l, digest);
    if (v->s->digest && strcasecmp(v->s->digest, digest) != 0)
        return err_set(v->e, EIO,
                       "layout %.16s..., the prefix now has %.16s...",
                       v->s->digest, digest);
    if (v->dir.count != l->zip.count || v->s->size != l->zip.size)
        return err_set(v->e, EIO,
                       "%llu entries in %llu bytes, the prefix now has %zu "
                       "in %llu",
                       (ull)v->dir.count, (ull)v->s->size, l->zip.count,
                       (ull)l->zip.size);
    for (i = 0; i < v->dir.count && r == 0; i++)
        r = compare_central(v, i);
    return r;
}

/* ---------------------------------------------------------------- scan */

static int
header_done(struct verify *v)
{
    int r = zdir_check_local(&v->dir, v->index, v->header, v->e);

    if (r == 0 && v->against)
        r = compare_local(v, v->index);
    v->header_len = 0;
    v->body_left = v->dir.entry[v->index].size;
    v->crc = 0;
    return r;
}

static int
body_done(struct verify *v)
{
    const struct zentry *z = &v->dir.entry[v->index];
    char what[64];

    if (v->crc != z->crc) {
        snprintf(what, sizeof(what), "CRC-32 is %08x, not %08x", v->crc,
                 z->crc);
        return differs(v, v->index, what);
    }
    v->index++;
    return 0;
}

/* Eats of [p, p + n); the number of bytes, or -errno. */
static ssize_t
eat_header(struct verify *v, const uint8_t *p, size_t n)
{
    size_t want = zdir_local_len(&v->dir, v->index) - v->header_len;
    int r = 0;

    n = n < want ? n : want;
    memcpy(v->header + v->header_len, p, n);
    v->header_len += n;
    if (n == want) {
        r = header_done(v);
        if (r == 0 && v->body_left == 0)
            r = body_done(v);
    }
    return r < 0 ? r : (ssize_t)n;
}

static ssize_t
eat_body(struct verify *v, const uint8_t *p, size_t n)
{
    int r = 0;

    n = (size_t)min_u64(n, v->body_left);
    v->crc = crc32_add(v->crc, p, n);
    v->body_left -= n;
    if (v->body_left == 0)
        r = body_done(v);
    return r < 0 ? r : (ssize_t)n;
}

static int
on_bytes(void *user, const uint8_t *p, size_t n)
{
    struct verify *v = user;
    ssize_t k;

    v->whole = crc32_add(v->whole, p, n);
    while (n > 0) {
        k = v->body_left > 0 ? eat_body(v, p, n) : eat_header(v, p, n);
        if (k < 0)
            return (int)k;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

/* Entries, then what was read before: directory and end records. */
static int
scan(struct verify *v)
{
    int r = source_scan(v->s, 0, v->dir.cd_offset, on_bytes, v, v->e);

    if (r < 0)
        return r;
    v->whole = crc32_add(v->whole, v->dir.cd, v->dir.cd_size);
    v->whole = crc32_add(v->whole, v->dir.end, v->dir.end_len);
    if (v->s->have_crc32 && v->s->crc32 != v->whole)
        return err_set(v->e, EIO,
                       "the store says CRC-32 %08x, the bytes say %08x",
                       v->s->crc32, v->whole);
    return 0;
}

static int
verify(struct verify *v)
{
    int r = zdir_read(&v->dir, v->s, v->e);

    v->header = malloc(70000);
    if (r == 0 && !v->header)
        r = err_set(v->e, ENOMEM, "out of memory");
    if (r == 0 && v->against)
        r = compare_layout(v);
    if (r == 0)
        r = scan(v);
    if (r == -EIO)
        err_prefix(v->e, "%s", v->s->name);
    return r;
}

/* ---------------------------------------------------------------- main */

static void
report(const struct verify *v, bool json)
{
    char size[16];

    if (json)
        printf("{\"entries\": %llu, \"bytes\": %llu, \"crc32\": %u, "
               "\"layout\": %s%s%s, \"against\": %s}\n",
               (ull)v->dir.count, (ull)v->s->size, v->whole,
               v->s->digest ? "\"" : "", v->s->digest ? v->s->digest : "null",
               v->s->digest ? "\"" : "", v->against ? "true" : "null");
    else
        printf("%s: %llu entries, %s, CRC-32 %08x: all right%s\n", v->s->name,
               (ull)v->dir.count, text_size(size, v->s->size), v->whole,
               v->against ? ", the same as the prefix has now" : "");
}

static bool
is_url(const char *word)
{
    return strncasecmp(word, "s3://", 5) == 0;
}

static int
run_verify(struct cmd_args *a, struct cmd_session *s, struct err *e)
{
    struct source source = {.fd = -1};
    struct verify v = {.s = &source, .e = e};
    int r = is_url(a->word[0])
                ? source_open_object(&source, s->s3, a->word[0], e)
                : source_open_file(&source, a->word[0], e);

    source.memory = a->conf.memory / 2;
    if (r == 0 && a->against)
        r = cmd_list(s, a->root, &v.against, e);
    if (r == 0)
        r = verify(&v);
    if (r == 0)
        report(&v, a->json);
    layout_unref(v.against);
    zdir_free(&v.dir);
    free(v.header);
    source_close(&source);
    return r;
}

/* The session's place is what to compare with, else the archive itself. */
static int
take_place(struct cmd_args *a, struct err *e)
{
    const char *url = a->against ? a->against : a->word[0];

    return cmd_prefix(url, &a->bucket, &a->root, e);
}

static int
run(struct cmd_args *a)
{
    bool store = a->against || is_url(a->word[0]);
    struct cmd_session s = {0};
    struct err e = {0};
    int r = 0;

    if (store && take_place(a, &e) < 0)
        return cmd_usage_error(&cmd_verify, e.text);
    if (store)
        r = cmd_open(&s, a, &e);
    if (r == 0) {
        r = run_verify(a, &s, &e);
        if (store)
            cmd_session_close(&s);
    }
    return r < 0 ? cmd_fail(&e) : CMD_DONE;
}

static const char *const flags[] = {"against", "json", NULL};

const struct command cmd_verify = {
    .name = "verify",
    .synopsis = "s3://BUCKET/KEY | FILE [--against s3://BUCKET[/PREFIX]] "
                "[--json]",
    .summary = "Read an archive and check every record and CRC-32 of it; "
               "and against the prefix.",
    .flags = flags,
    .min = 1,
    .max = 1,
    .run = run,
};
