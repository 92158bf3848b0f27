/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An extraction from its first look at the archive to its end.  Must not
 * know how one member gets to its place.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "extract/unpack.h"
#include "extract/wait.h"

/* -------------------------------------------------------------- failure */

static void
stop(struct unpack_job *j)
{
    j->stop = true;
    calls_cancel(j);
}

void
unpack_fail(struct unpack_job *j, int num, const char *fmt, ...)
{
    char text[600];
    va_list ap;

    if (j->stop)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    j->r = err_set(j->e, num, "%s", text);
    stop(j);
}

void
unpack_fail_s3(struct unpack_job *j, const char *op, const char *key,
               const struct s3_error *e)
{
    const char *bucket = key ? j->bucket : j->source.bucket;
    struct err words;

    if (j->stop)
        return;
    if (!key)
        key = j->source.key;
    s3_error_text(e, op, bucket, key, strlen(key), &words);
    /* The destination has no guard that could fail but this one. */
    if (e->err == -ESTALE)
        unpack_fail(j, ECANCELED, "the archive changed meanwhile: %s",
                    words.text);
    else
        unpack_fail(j, e->err < 0 ? -e->err : EIO, "%s", words.text);
}

/* ---------------------------------------------------------------- small */

uint64_t
unpack_limit(const struct unpack_job *j, uint64_t k)
{
    return k + 1 < j->dir.count ? j->dir.entry[j->order[k + 1]].offset
                                : j->dir.cd_offset;
}

char *
unpack_key(struct unpack_job *j, uint64_t entry)
{
    size_t root = strlen(j->root), n = j->dir.entry[entry].name_len;
    char *key = malloc(root + n + 1);

    if (!key) {
        unpack_fail(j, ENOMEM, "out of memory");
        return NULL;
    }
    memcpy(key, j->root, root);
    memcpy(key + root, zdir_name(&j->dir, entry), n);
    key[root + n] = '\0';
    return key;
}

struct s3_where
unpack_where(const struct unpack_job *j, const char *key)
{
    return (struct s3_where){j->bucket, key, strlen(key), true};
}

struct s3_where
unpack_archive(const struct unpack_job *j)
{
    return (struct s3_where){j->source.bucket, j->source.key,
                             strlen(j->source.key), false};
}

void
unpack_done(struct unpack_job *j, uint64_t entry, bool skipped)
{
    j->state[entry] = ENTRY_DONE;
    j->st.done++;
    j->st.done_bytes += j->dir.entry[entry].size;
    j->st.skipped += skipped;
}

void
unpack_wait(struct unpack_job *j)
{
    calls_run(j);
    j->st.downloaded = atomic_load(&j->source.downloaded);
    if (j->a->tick && j->a->tick(j->a->user, &j->st))
        unpack_fail(j, EINTR, "interrupted");
}

/* ---------------------------------------------------------------- names */

static bool
is_excluded(const struct unpack_job *j, uint64_t i, unsigned faults)
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
check_entry(const struct unpack_job *j, uint64_t i, unsigned faults,
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
    if (entry_is_dir(j, i) && z->size > 0)
        return *what = "a directory with bytes", -EILSEQ;
    return 0;
}

static int
choose_entry(struct unpack_job *j, uint64_t i)
{
    const struct zentry *z = unpack_entry(j, i);
    unsigned faults =
        zip_name_faults((const char *)zdir_name(&j->dir, i), z->name_len);
    const char *what = "";
    struct err e = {0};
    int r;

    if (is_excluded(j, i, faults)) {
        j->state[i] = ENTRY_OUT;
        j->st.excluded++;
        return 0;
    }
    r = check_entry(j, i, faults, &what);
    if (r < 0) {
        zdir_bad(&j->dir, i, what, &e);
        unpack_fail(j, -r, "%s: %s", j->source.name, e.text);
        return r;
    }
    j->st.members++;
    j->st.bytes += z->size;
    return 0;
}

static int
choose(struct unpack_job *j)
{
    uint64_t i;
    int r = 0;

    j->state = calloc(j->dir.count + 1, 1);
    if (!j->state)
        return j->r = err_set(j->e, ENOMEM, "out of memory");
    for (i = 0; i < j->dir.count && r == 0; i++)
        r = choose_entry(j, i);
    return r;
}

/* ------------------------------------------------------------------ run */

static bool
start_member(struct unpack_job *j)
{
    for (; j->next_member < j->dir.count; j->next_member++)
        if (j->state[j->order[j->next_member]] == ENTRY_WANTED &&
            !small_fits(j, j->next_member))
            break;
    if (j->next_member == j->dir.count || j->members >= UNPACK_MEMBERS)
        return false;
    member_start(j, j->next_member++);
    return true;
}

static void
pump(struct unpack_job *j)
{
    struct member *m;

    members_reap(j);
    small_more(j);
    if (j->stop)
        return;
    TAILQ_FOREACH(m, &j->active, link)
    if (m->waiting && !m->leaving)
        stream_begin(m);
    else
        copy_more(m);
    while (!j->stop && start_member(j))
        ;
    while (!j->stop && small_start(j))
        ;
}

static int
run(struct unpack_job *j)
{
    for (;;) {
        pump(j);
        if (LIST_EMPTY(&j->calls) && TAILQ_EMPTY(&j->active) &&
            TAILQ_EMPTY(&j->running))
            return j->r;
        unpack_wait(j);
    }
}

/* ----------------------------------------------------------------- open */

static int
open_dest(struct unpack_job *j)
{
    CLEANUP_FREE char *key = NULL;
    size_t n;
    int r = conf_url(j->a->dest, NULL, &j->bucket, &key, j->e);

    if (r < 0)
        return r;
    n = strlen(key);
    if (asprintf(&j->root, "%s%s", key,
                 n > 0 && key[n - 1] != '/' ? "/" : "") >= 0)
        return 0;
    j->root = NULL;
    return err_set(j->e, ENOMEM, "out of memory");
}

/* The same bounds as a publish has. */
static bool
within(const struct unpack_job *j, const char *url)
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
check_bounds(const struct unpack_job *j)
{
    const struct conf *c = j->d->conf;
    size_t i;

    if (c->publish == CONF_PUBLISH_OFF || c->ro)
        return err_set(j->e, EPERM, "publishing is off");
    for (i = 0; i < c->publish_to.count; i++)
        if (within(j, c->publish_to.item[i]))
            return 0;
    return c->publish_to.count
               ? err_set(j->e, EPERM, "destination: not within publish_to=")
               : 0;
}

/* The archive is not one of its own members' places. */
static int
check_self(struct unpack_job *j)
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
            return err_set(j->e, EINVAL,
                           "%s: a member would take the archive's place",
                           j->source.name);
    return 0;
}

static int
prepare(struct unpack_job *j)
{
    int r = open_dest(j);

    if (r == 0)
        r = check_bounds(j);
    if (r == 0)
        r = source_open_object(&j->source, j->d->s3, j->a->archive, j->e);
    if (r == 0 && !*j->source.etag)
        r = err_set(j->e, EOPNOTSUPP, "%s: without an ETag", j->a->archive);
    if (r == 0)
        r = zdir_read(&j->dir, &j->source, j->d->conf->max_entries, j->e);
    if (r == 0 && !(j->order = zdir_order(&j->dir, j->e)))
        r = -j->e->num;
    if (r == -EIO)
        err_prefix(j->e, "%s", j->source.name);
    if (r == 0)
        r = choose(j);
    return r < 0 ? r : check_self(j);
}

static void
on_left(void *user, const struct extract_left *l)
{
    (void)user;
    if (l->kind == EXTRACT_LEFT_GONE)
        log_info("extract: %s: an upload that was left was aborted", l->key);
    else if (l->kind == EXTRACT_LEFT_FAILED)
        log_warn("extract: an upload that was left stays: %s", l->err->text);
}

static bool
on_stop(void *user)
{
    struct unpack_job *j = user;

    return j->a->tick && j->a->tick(j->a->user, &j->st);
}

static void
unpack_init(struct unpack_job *j)
{
    wait_init(&j->lock, &j->cond);
    STAILQ_INIT(&j->ready);
    LIST_INIT(&j->calls);
    TAILQ_INIT(&j->active);
    TAILQ_INIT(&j->running);
    j->memory = j->d->conf->memory;
    j->source.fd = -1;
    j->source.stop = on_stop;
    j->source.user = j;
}

static void
unpack_free(struct unpack_job *j)
{
    source_close(&j->source);
    zdir_free(&j->dir);
    free(j->order);
    free(j->state);
    free(j->bucket);
    free(j->root);
    wait_free(&j->lock, &j->cond);
}

int
extract_run(const struct extract_deps *d, const struct extract_args *a,
            struct extract_status *ret, struct err *e)
{
    struct unpack_job j = {.d = d, .a = a, .e = e};
    int r;

    unpack_init(&j);
    r = prepare(&j);
    if (r == 0)
        extract_cleanup(d, j.bucket, "", on_left, NULL);
    if (r == 0)
        r = there_look(&j);
    if (r == 0)
        r = run(&j);
    j.st.downloaded = atomic_load(&j.source.downloaded);
    *ret = j.st;
    unpack_free(&j);
    return r;
}
