/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An extraction from its first look at the archive to its end.  Called by
 * s3zip extract; calls existing.c, then member.c and small.c on threads.
 *
 * Lock: unpack.lock, for the fields below it; not held across a call.
 */
#include "extract/unpack.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "s3/cleanup.h"

static const struct extract_limits s3_limits = {
    .part_min = S3_PART_MIN,
    .parts_max = S3_PARTS_MAX,
    .copy_range = MIB(128),
    .part_least = MIB(8),
    .run_least = MIB(6),
};

/* -------------------------------------------------------------- failure */

int
unpack_fail(struct unpack *j, int num, const char *fmt, ...)
{
    char text[sizeof(j->e.text)];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    pthread_mutex_lock(&j->lock);
    if (j->r == 0)
        j->r = err_set(&j->e, num, "%s", text);
    pthread_mutex_unlock(&j->lock);
    scope_stop(j->scope, -ECANCELED);
    return -num;
}

int
unpack_fail_s3(struct unpack *j, const char *op, const char *key,
               const struct s3_error *e)
{
    const char *bucket = key ? j->bucket : j->source.bucket;
    struct err words;

    if (!key)
        key = j->source.key;
    s3_error_text(e, op, bucket, key, strlen(key), &words);
    /* The destination has no guard that could fail but this one. */
    if (e->err == -ESTALE)
        return unpack_fail(j, ECANCELED, "the archive changed meanwhile: %s",
                           words.text);
    return unpack_fail(j, e->err < 0 ? -e->err : EIO, "%s", words.text);
}

int
unpack_fail_entry(struct unpack *j, uint64_t entry, int num, const char *what)
{
    struct err e;

    zdir_bad(&j->dir, entry, what, &e);
    return unpack_fail(j, num, "%s: %s", j->source.name, e.text);
}

int
unpack_fail_crc(struct unpack *j, uint64_t entry, uint32_t crc)
{
    char what[64];

    snprintf(what, sizeof(what), "CRC-32 is %08x, not %08x", crc,
             unpack_entry(j, entry)->crc);
    return unpack_fail_entry(j, entry, EIO, what);
}

int
unpack_no_memory(struct unpack *j)
{
    return unpack_fail(j, ENOMEM, "out of memory");
}

/* ---------------------------------------------------------------- small */

uint64_t
unpack_limit(const struct unpack *j, uint64_t k)
{
    return k + 1 < j->dir.count ? j->dir.entry[j->order[k + 1]].offset
                                : j->dir.cd_offset;
}

char *
unpack_key(struct unpack *j, uint64_t entry)
{
    size_t root = strlen(j->root), n = j->dir.entry[entry].name_len;
    char *key = malloc(root + n + 1);

    if (!key) {
        unpack_no_memory(j);
        return NULL;
    }
    memcpy(key, j->root, root);
    memcpy(key + root, zdir_name(&j->dir, entry), n);
    key[root + n] = '\0';
    return key;
}

struct s3_where
unpack_where(const struct unpack *j, const char *key)
{
    return (struct s3_where){j->bucket, key, strlen(key), true};
}

void
unpack_done(struct unpack *j, uint64_t entry, bool existed)
{
    LOCK_SCOPE(&j->lock);

    j->st.done++;
    j->st.done_bytes += j->dir.entry[entry].size;
    j->st.skipped += existed;
}

void
unpack_unchecked(struct unpack *j)
{
    LOCK_SCOPE(&j->lock);

    j->st.unchecked++;
}

void
unpack_moved(struct unpack *j, uint64_t copied, uint64_t uploaded)
{
    LOCK_SCOPE(&j->lock);

    j->st.copied += copied;
    j->st.uploaded += uploaded;
}

/* ---------------------------------------------------------------- names */

static bool
is_excluded(const struct unpack *j, uint64_t i, unsigned faults)
{
    const struct zentry *z = unpack_entry(j, i);
    char name[S3_KEY_MAX + 1];

    if ((faults & ZIP_POISON_MASK) && j->d->conf->badkeys == CONF_BADKEYS_SKIP)
        return true;
    if (z->name_len > S3_KEY_MAX || (faults & ZIP_POISON_NUL))
        return false;
    memcpy(name, zdir_name(&j->dir, i), z->name_len);
    name[z->name_len] = '\0';
    return !conf_member_wanted(j->d->conf, name);
}

/* -errno and what is wrong with an entry that is wanted. */
static int
check_entry(const struct unpack *j, uint64_t i, unsigned faults,
            const char **what)
{
    const struct zentry *z = unpack_entry(j, i);

    if (faults & ZIP_POISON_MASK)
        return *what = zip_fault_text(faults), -EILSEQ;
    if (strlen(j->root) + z->name_len > S3_KEY_MAX)
        return *what = "too long for a key", -ENAMETOOLONG;
    if (z->flags & (ZDIR_ENCRYPTED | ZDIR_STRONG | ZDIR_MASKED))
        return *what = "encrypted", -EOPNOTSUPP;
    if (z->method != ZDIR_STORED && z->method != ZDIR_DEFLATED)
        return *what = "neither stored nor deflated", -EOPNOTSUPP;
    if (zdir_name(&j->dir, i)[z->name_len - 1] == '/' && z->size > 0)
        return *what = "a directory with bytes", -EILSEQ;
    return 0;
}

static int
choose_entry(struct unpack *j, uint64_t i, struct extract_status *count)
{
    const struct zentry *z = unpack_entry(j, i);
    unsigned faults =
        zip_name_faults((const char *)zdir_name(&j->dir, i), z->name_len);
    const char *what = "";
    int r;

    if (is_excluded(j, i, faults)) {
        j->state[i] = ENTRY_OUT;
        count->excluded++;
        return 0;
    }
    r = check_entry(j, i, faults, &what);
    if (r < 0)
        return unpack_fail_entry(j, i, -r, what);
    count->members++;
    count->bytes += z->size;
    return 0;
}

static int
choose(struct unpack *j)
{
    struct extract_status count = {0};
    uint64_t i;
    int r = 0;

    j->state = calloc(j->dir.count + 1, 1);
    if (!j->state)
        return unpack_no_memory(j);
    for (i = 0; i < j->dir.count && r == 0; i++)
        r = choose_entry(j, i, &count);
    pthread_mutex_lock(&j->lock); /* the status is being looked at */
    j->st = count;
    pthread_mutex_unlock(&j->lock);
    return r;
}

/* ----------------------------------------------------------------- open */

static int
open_dest(struct unpack *j, struct err *e)
{
    CLEANUP_FREE char *key = NULL;
    size_t n;
    int r = conf_url(j->a->dest, NULL, &j->bucket, &key, e);

    if (r < 0)
        return r;
    n = strlen(key);
    if (asprintf(&j->root, "%s%s", key,
                 n > 0 && key[n - 1] != '/' ? "/" : "") >= 0)
        return 0;
    j->root = NULL;
    return err_set(e, ENOMEM, "out of memory");
}

/* The same bounds as a publish has. */
static bool
within(const struct unpack *j, const char *url)
{
    CLEANUP_FREE char *bucket = NULL, *key = NULL;
    struct err e;
    size_t n;

    if (conf_url(url, NULL, &bucket, &key, &e) < 0)
        return false;
    n = strlen(key);
    return strcmp(bucket, j->bucket) == 0 && strncmp(key, j->root, n) == 0 &&
           (n == 0 || key[n - 1] == '/' || j->root[n] == '/');
}

static int
check_bounds(const struct unpack *j, struct err *e)
{
    const struct conf *c = j->d->conf;
    size_t i;

    if (c->publish == CONF_PUBLISH_OFF || c->ro)
        return err_set(e, EPERM, "publishing is off");
    for (i = 0; i < c->publish_to.count; i++)
        if (within(j, c->publish_to.item[i]))
            return 0;
    return c->publish_to.count
               ? err_set(e, EPERM, "destination: not within publish_to=")
               : 0;
}

/* The archive is not one of its own members' places. */
static int
check_self(struct unpack *j)
{
    size_t root = strlen(j->root), n = strlen(j->source.key);
    uint64_t i;

    if (strcmp(j->bucket, j->source.bucket) != 0 || n < root ||
        memcmp(j->root, j->source.key, root) != 0)
        return 0;
    for (i = 0; i < j->dir.count; i++)
        if (j->state[i] == ENTRY_WANTED &&
            j->dir.entry[i].name_len == n - root &&
            memcmp(zdir_name(&j->dir, i), j->source.key + root, n - root) == 0)
            return unpack_fail(j, EINVAL,
                               "%s: a member would take the archive's place",
                               j->source.name);
    return 0;
}

/* What can be known before the first look at the destination; words in e. */
static int
prepare(struct unpack *j, struct err *e)
{
    int r = open_dest(j, e);

    if (r == 0)
        r = check_bounds(j, e);
    if (r == 0)
        r = source_open_object(&j->source, j->d->s3, j->a->archive, e);
    if (r == 0 && !*j->source.etag)
        r = err_set(e, EOPNOTSUPP, "%s: without an ETag", j->a->archive);
    if (r == 0)
        r = zdir_read(&j->dir, &j->source, j->d->conf->max_entries, e);
    if (r == 0 && !(j->order = zdir_order(&j->dir, e)))
        r = -e->num;
    if (r == -EIO)
        err_prefix(e, "%s", j->source.name);
    return r;
}

/* ------------------------------------------------------------------ run */

/* In order[], of the next member with an upload of its own. */
static bool
take_member(struct unpack *j, uint64_t *ret)
{
    LOCK_SCOPE(&j->lock);

    for (; j->next_member < j->dir.count; j->next_member++)
        if (!small_fits(j, j->next_member) &&
            j->state[j->order[j->next_member]] == ENTRY_WANTED) {
            *ret = j->next_member++;
            return true;
        }
    return false;
}

/* The first threads take members, then help with the runs. */
static int
work(void *user, uint64_t i)
{
    struct unpack *j = user;
    uint64_t k;
    int r = 0;

    while (r == 0 && i < UNPACK_MEMBERS && take_member(j, &k))
        r = member_extract(j, k);
    while (r == 0)
        r = small_extract(j);
    return r < 0 ? r : 0;
}

/* What killed extractions left in the destination's bucket; what cannot be
 * removed now is in the log, and no failure. */
static void
clean(struct unpack *j)
{
    const struct s3_cleanup_args a = {
        .s3 = j->d->s3, .state = j->d->state, .scope = j->scope, .dest = true};
    const struct journal_query q = {.bucket = j->bucket,
                                    .kinds = 1 << JOURNAL_EXTRACT};

    s3_cleanup_rows(&a, &q);
}

static int
run(void *user)
{
    struct unpack *j = user;
    struct err e;
    int r = prepare(j, &e);

    if (r < 0)
        return unpack_fail(j, -r, "%s", e.text);
    r = choose(j);
    if (r == 0)
        r = check_self(j);
    if (r == 0)
        clean(j);
    if (r == 0)
        r = existing_look(j);
    if (r == 0)
        r = side_each(UNPACK_MEMBERS + UNPACK_RUNS,
                      UNPACK_MEMBERS + UNPACK_RUNS, work, j);
    return r;
}

static struct extract_status
status(struct unpack *j)
{
    LOCK_SCOPE(&j->lock);

    j->st.downloaded = atomic_load(&j->source.downloaded);
    return j->st;
}

static void
tick(void *user)
{
    struct unpack *j = user;
    struct extract_status st = status(j);

    if (j->a->tick && j->a->tick(j->a->user, &st))
        unpack_fail(j, EINTR, "interrupted");
}

static void
unpack_init(struct unpack *j)
{
    j->limits = j->d->limits ? j->d->limits : &s3_limits;
    j->source.fd = -1;
    j->source.memory = j->d->conf->memory;
    j->source.scope = j->scope;
    pthread_mutex_init(&j->lock, NULL);
    budget_init(&j->memory, j->d->conf->memory);
    budget_init(&j->copies, UNPACK_COPIES);
    budget_init(&j->puts, UNPACK_PUTS);
}

static void
unpack_free(struct unpack *j)
{
    budget_free(&j->memory);
    budget_free(&j->copies);
    budget_free(&j->puts);
    source_close(&j->source);
    zdir_free(&j->dir);
    free(j->order);
    free(j->state);
    free(j->bucket);
    free(j->root);
    pthread_mutex_destroy(&j->lock);
    scope_free(j->scope);
}

int
extract_run(const struct extract_deps *d, const struct extract_args *a,
            struct extract_status *ret, struct err *e)
{
    struct unpack j = {.d = d, .a = a};
    int r = scope_new(&j.scope);

    *ret = (struct extract_status){0};
    if (r < 0)
        return err_set(e, -r, "out of memory");
    unpack_init(&j);
    r = side_watched(run, tick, &j);
    if (r < 0 && j.r == 0)
        unpack_fail(&j, -r, "cannot start a thread");
    *ret = status(&j);
    if (j.r < 0)
        *e = j.e;
    r = j.r;
    unpack_free(&j);
    return r;
}
