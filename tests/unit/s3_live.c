/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Every S3 call against a real server, for the system tests:
 *
 *     s3_live URL BUCKET [any-key] [no-size] [versions] [lock]
 *
 * Credentials and region come from the environment; the bucket is there
 * and empty.  any-key: the store takes keys that are no file names.
 * no-size: it says 501 to x-amz-mp-object-size.  versions: the bucket is
 * versioned; lock: it has Object Lock with a default retention (nothing
 * else is then checked).  One line a check; exit 1 at the first that fails.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/check.h"
#include "s3/s3.h"

static struct s3 *s;
static const char *bucket;

/* What the last call answered; strings copied.  Under lock until done. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
    struct s3_error e;
    struct s3_object o;
    struct s3_completed c;
    struct s3_part p;
    size_t count, prefixes, uploads, markers;
    bool crc32, retention;
    struct s3_listed_part first, last;
    char ids[4][300];
    char etag[300], text[2048], keys[8192];
    char *data;
    size_t n;
} got = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};

static unsigned checks;
static bool any_key, no_size, versioned, locked;

static void
check(bool ok, const char *what)
{
    char where[200] = "";
    struct err e = {0};

    checks++;
    if (ok) {
        printf("ok %u %s\n", checks, what);
        return;
    }
    s3_error_text(&got.e, "last call on", bucket, NULL, 0, &e);
    snprintf(where, sizeof(where), "err %d (%s)", got.e.err,
             strerror(-got.e.err));
    printf("FAILED %u %s: %s %s\n", checks, what, where, e.text);
    exit(1);
}

static void
start(void)
{
    free(got.data);
    got.data = NULL;
    got.n = got.count = got.prefixes = got.uploads = got.markers = 0;
    got.crc32 = got.retention = false;
    got.done = false;
    got.etag[0] = got.text[0] = got.keys[0] = '\0';
}

static int
await(void)
{
    pthread_mutex_lock(&got.lock);
    while (!got.done)
        pthread_cond_wait(&got.cond, &got.lock);
    pthread_mutex_unlock(&got.lock);
    return got.e.err;
}

static void
finish(const struct s3_error *e)
{
    pthread_mutex_lock(&got.lock);
    if (got.done)
        abort(); /* twice */
    got.e = *e;
    got.done = true;
    pthread_cond_signal(&got.cond);
    pthread_mutex_unlock(&got.lock);
}

/* ----------------------------------------------------------- callbacks */

static void
on_done(void *user, const struct s3_error *e)
{
    (void)user;
    finish(e);
}

static void
on_object(void *user, const struct s3_error *e, const struct s3_object *o)
{
    (void)user;
    if (o) {
        got.o = *o;
        snprintf(got.etag, sizeof(got.etag), "%s", o->etag);
        snprintf(got.text, sizeof(got.text), "%s", o->layout_digest);
    }
    finish(e);
}

static int
on_data(void *user, const void *p, size_t n)
{
    (void)user;
    got.data = realloc(got.data, got.n + n + 1);
    memcpy(got.data + got.n, p, n);
    got.n += n;
    return 0;
}

static void
on_completed(void *user, const struct s3_error *e,
             const struct s3_completed *c)
{
    (void)user;
    if (c) {
        got.c = *c;
        snprintf(got.etag, sizeof(got.etag), "%s", c->etag);
    }
    finish(e);
}

static void
on_created(void *user, const struct s3_error *e, const char *id)
{
    (void)user;
    snprintf(got.text, sizeof(got.text), "%s", id ? id : "");
    finish(e);
}

static void
on_part(void *user, const struct s3_error *e, const struct s3_part *p)
{
    (void)user;
    if (p) {
        got.p = *p;
        snprintf(got.etag, sizeof(got.etag), "%s", p->etag);
    }
    finish(e);
}

static void
on_page(void *user, const struct s3_error *e, const struct s3_page *p)
{
    size_t i, at = 0;

    (void)user;
    for (i = 0; p && i < p->count && at < sizeof(got.keys); i++)
        at += (size_t)snprintf(got.keys + at, sizeof(got.keys) - at,
                               "%s|%llu|%s\n", p->entry[i].key,
                               (unsigned long long)p->entry[i].size,
                               p->entry[i].etag);
    got.count = p ? p->count : 0;
    got.prefixes = p ? p->prefix_count : 0;
    snprintf(got.text, sizeof(got.text), "%s", p && p->next ? p->next : "");
    finish(e);
}

static void
on_uploads(void *user, const struct s3_error *e, const struct s3_upload *u,
           size_t count)
{
    (void)user;
    got.uploads = count;
    snprintf(got.text, sizeof(got.text), "%s", count ? u->upload_id : "");
    finish(e);
}

static void
on_attrs(void *user, const struct s3_error *e, const struct s3_attrs *a)
{
    (void)user;
    if (a) {
        snprintf(got.etag, sizeof(got.etag), "%s", a->etag);
        got.count = a->count;
        got.o.size = a->size;
    }
    finish(e);
}

static void
on_parts(void *user, const struct s3_error *e, const struct s3_parts *p)
{
    (void)user;
    if (p && p->count > 0) {
        got.first = p->part[0];
        got.last = p->part[p->count - 1];
        snprintf(got.etag, sizeof(got.etag), "%s", got.last.etag);
    }
    got.count = p ? p->count : 0;
    got.crc32 = p && p->crc32;
    finish(e);
}

static void
on_versions(void *user, const struct s3_error *e, const struct s3_version *v,
            size_t count)
{
    size_t i;

    (void)user;
    for (i = 0; i < count; i++) {
        got.markers += v[i].marker;
        snprintf(got.ids[i % 4], sizeof(got.ids[0]), "%s", v[i].version_id);
    }
    got.count = count;
    finish(e);
}

static void
on_lock(void *user, const struct s3_error *e, bool retention)
{
    (void)user;
    got.retention = retention;
    finish(e);
}

/* ----------------------------------------------------- calls that wait */

static struct s3_where
where(const char *key)
{
    return (struct s3_where){bucket, key, strlen(key), false};
}

static int
put(const char *key, const char *body, size_t n, const char *if_match,
    bool none)
{
    struct iovec iov = {(void *)body, n};
    struct s3_put_args a = {
        .at = where(key),
        .body = &iov,
        .body_count = 1,
        .send_crc32 = true,
        .crc32 = (uint32_t)crc32(0, (const Bytef *)body, (uInt)n),
        .content_type = "application/zip",
        .layout_digest = "digest-1",
        .if_match = if_match,
        .if_none_match = none};

    start();
    s3_put(s, &a, on_completed, NULL);
    return await();
}

static int
get(const char *key, const char *etag, uint64_t first, uint64_t length,
    uint64_t expect)
{
    struct s3_get_args a = {.at = where(key),
                            .etag = etag,
                            .first = first,
                            .length = length,
                            .expect = expect,
                            .checksum = true,
                            .on_data = on_data};

    start();
    s3_get(s, &a, on_object, NULL);
    return await();
}

static int
head(const char *key, const char *etag)
{
    struct s3_head_args a = {where(key), etag, true};

    start();
    s3_head(s, &a, on_object, NULL);
    return await();
}

static int
list(const char *prefix, bool delimiter, const char *token, unsigned max)
{
    struct s3_list_args a = {.bucket = bucket,
                             .prefix = prefix,
                             .prefix_len = strlen(prefix),
                             .delimiter = delimiter,
                             .token = token,
                             .max_keys = max};

    start();
    s3_list(s, &a, on_page, NULL);
    return await();
}

static int
delete_key(const char *key, const char *etag)
{
    struct s3_where at = where(key);

    start();
    s3_delete(s, &at, etag, NULL, on_done, NULL);
    return await();
}

/* --------------------------------------------------------------- checks */

static void
check_object(const char *key)
{
    static const char body[] = "The quick brown fox";
    size_t n = sizeof(body) - 1;
    char etag[300], line[1200];

    printf("# key %s\n", key);
    check(put(key, body, n, NULL, true) == 0, "put");
    snprintf(etag, sizeof(etag), "%s", got.etag);
    check(put(key, body, n, NULL, true) == -EEXIST, "put again is EEXIST");
    check(put(key, body, n, etag, false) == 0, "put if-match");
    check(head(key, etag) == 0 && got.o.size == n, "head");
    check(strcmp(got.text, "digest-1") == 0, "layout digest");
    if (got.o.have_crc32)
        check(got.o.crc32 == crc32(0, (const Bytef *)body, (uInt)n),
              "crc of head");
    check(get(key, etag, 0, 0, n) == 0 && got.n == n &&
              memcmp(got.data, body, n) == 0,
          "get whole");
    check(get(key, etag, 4, 5, 0) == 0 && got.n == 5 &&
              memcmp(got.data, "quick", 5) == 0 && got.o.size == n,
          "get range");
    check(get(key, etag, 0, n, 0) == 0 && got.n == n, "get all as a range");
    check(get(key, "0123", 4, 5, 0) == -ESTALE, "get of another ETag");
    check(got.n == 0, "no data with it");
    check(get(key, etag, 0, 0, n + 1) == -ESTALE, "get, wrong size");
    check(head(key, "0123") == -ESTALE, "head of another ETag");
    snprintf(line, sizeof(line), "%s|%zu|%s\n", key, n, etag);
    check(list(key, false, NULL, 0) == 0 && got.count == 1 &&
              strcmp(got.keys, line) == 0,
          "list");
    check(delete_key(key, NULL) == 0, "delete");
    check(delete_key(key, NULL) == 0, "delete again");
    check(head(key, NULL) == -ENOENT, "head is ENOENT");
    check(get(key, NULL, 0, 1, 0) == -ENOENT, "get is ENOENT");
    check(get(key, "0123", 0, 1, 0) == -ESTALE, "guarded get is ESTALE");
}

static void
check_listing(void)
{
    char key[64], token[2048];
    unsigned i, all = 0, pages = 0;

    for (i = 0; i < 12; i++) {
        snprintf(key, sizeof(key), "many/%u/x y+%u", i % 3, i);
        check(put(key, "x", 1, NULL, false) == 0, "put");
    }
    check(list("many/", true, NULL, 0) == 0 && got.count == 0 &&
              got.prefixes == 3,
          "common prefixes");
    check(list("none/", false, NULL, 0) == 0 && got.count == 0,
          "an empty prefix");
    token[0] = '\0';
    do {
        check(list("many/", false, token[0] ? token : NULL, 5) == 0, "page");
        all += got.count;
        pages++;
        strcpy(token, got.text);
    } while (token[0] && pages < 10);
    check(all == 12 && pages == 3, "three pages, twelve keys");
    for (i = 0; i < 12; i++) {
        snprintf(key, sizeof(key), "many/%u/x y+%u", i % 3, i);
        check(delete_key(key, NULL) == 0, "delete");
    }
}

static void
create(const char *key, bool crc, char id[2048])
{
    struct s3_create_args a = {.at = where(key),
                               .crc32 = crc,
                               .content_type = "application/zip",
                               .layout_digest = "digest-2"};

    start();
    s3_create(s, &a, on_created, NULL);
    check(await() == 0 && got.text[0], "create");
    strcpy(id, got.text);
}

static int
upload(const char *key, const char *id, uint32_t number, const char *body,
       size_t n, bool crc, uint32_t value)
{
    struct iovec iov[2] = {{(void *)body, n / 2},
                           {(void *)(body + n / 2), n - n / 2}};
    struct s3_upload_args a = {.at = where(key),
                               .upload_id = id,
                               .number = number,
                               .body = iov,
                               .body_count = 2,
                               .send_crc32 = crc,
                               .crc32 = value};

    start();
    s3_upload_part(s, &a, on_part, NULL);
    return await();
}

static int
copy(const char *key, const char *id, uint32_t number, const char *source,
     const char *etag, uint64_t first, uint64_t length, uint64_t size)
{
    struct s3_copy_args a = {.at = where(key),
                             .upload_id = id,
                             .number = number,
                             .source = where(source),
                             .source_etag = etag,
                             .first = first,
                             .length = length,
                             .source_size = size};

    start();
    s3_upload_copy(s, &a, on_part, NULL);
    return await();
}

static int
complete(const char *key, const char *id, const struct s3_done_part *part,
         size_t count, bool crc, uint32_t whole, uint64_t size, bool none)
{
    struct s3_complete_args a = {.at = where(key),
                                 .upload_id = id,
                                 .part = part,
                                 .count = count,
                                 .crc32 = crc,
                                 .whole_crc32 = whole,
                                 .send_size = size > 0 && !no_size,
                                 .size = size,
                                 .if_none_match = none};

    start();
    s3_complete(s, &a, on_completed, NULL);
    return await();
}

static int
abort_upload(const char *key, const char *id)
{
    struct s3_where at = where(key);

    start();
    s3_abort(s, &at, id, on_done, NULL);
    return await();
}

static size_t
uploads(const char *key, char id[2048])
{
    struct s3_where at = where(key);

    start();
    s3_list_uploads(s, &at, on_uploads, NULL);
    check(await() == 0, "list uploads");
    strcpy(id, got.text);
    return got.uploads;
}

/* Two uploaded parts, verified by the store. */
static void
check_upload_crc(const char *key, const char *big, size_t n)
{
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)big, (uInt)n);
    uint32_t tail = (uint32_t)crc32(0, (const Bytef *)"tail", 4);
    uint32_t whole = (uint32_t)crc32_combine(crc, tail, 4);
    char id[2048], seen[2048], etag[2][300];
    struct s3_done_part part[2] = {{1, etag[0], true, crc},
                                   {2, etag[1], true, tail}};

    create(key, true, id);
    check(uploads(key, seen) == 1 && strcmp(seen, id) == 0,
          "the upload is listed");
    check(uploads("no such", seen) == 0, "and no other");
    check(upload(key, id, 1, big, n, true, crc ^ 1) == -EIO,
          "a part with a wrong CRC is EIO");
    check(upload(key, id, 1, big, n, true, crc) == 0, "upload part 1");
    strcpy(etag[0], got.etag);
    check(upload(key, id, 2, "tail", 4, true, tail) == 0, "upload part 2");
    strcpy(etag[1], got.etag);
    check(complete(key, id, part, 2, true, whole ^ 1, n + 4, true) == -EIO,
          "complete with a wrong CRC is EIO");
    check(complete(key, id, part, 2, true, whole, n + 4, true) == 0,
          "complete");
    check(head(key, got.etag) == 0 && got.o.size == n + 4, "head");
    check(strcmp(got.text, "digest-2") == 0, "layout digest");
    if (got.o.have_crc32)
        check(got.o.crc32 == whole, "crc of the whole");
    /* 200, 404 or 403, as stores go; the object stays. */
    complete(key, id, part, 2, true, whole, n + 4, true);
    printf("# complete again: %d %s\n", got.e.http, got.e.code);
    check(head(key, NULL) == 0 && got.o.size == n + 4, "head again");
}

/* A copied whole, a copied range, a part that MD5 or SHA-256 guards. */
static void
check_copy(const char *key, const char *source, const char *big, size_t n)
{
    char id[2048], etag[3][300], from[300];
    struct s3_done_part part[3] = {{1, etag[0]}, {2, etag[1]}, {3, etag[2]}};
    size_t half = n / 2, total = 2 * n - half + 4;

    check(head(source, NULL) == 0, "head of the source");
    strcpy(from, got.etag);
    create(key, false, id);
    check(copy(key, id, 1, source, from, 0, n, n) == 0, "copy the whole");
    strcpy(etag[0], got.etag);
    check(copy(key, id, 2, source, from, half, n - half, n) == 0,
          "copy a range");
    strcpy(etag[1], got.etag);
    check(copy(key, id, 2, source, "0123", 0, n, n) == -ESTALE,
          "copy of another ETag is ESTALE");
    check(copy(key, id, 2, "gone", from, 0, n, n) == -ESTALE,
          "copy of a key that is gone is ESTALE");
    check(upload(key, id, 3, "tail", 4, false, 0) == 0, "upload");
    strcpy(etag[2], got.etag);
    check(complete(key, id, part, 3, false, 0, total, false) == 0, "complete");
    check(get(key, got.etag, n - 10, 20, 0) == 0 && got.n == 20 &&
              memcmp(got.data, big + n - 10, 10) == 0 &&
              memcmp(got.data + 10, big + half, 10) == 0,
          "the seam reads right");
    check(get(key, NULL, 2 * n - half, 4, 0) == 0 &&
              memcmp(got.data, "tail", 4) == 0,
          "and the tail");
    create(key, false, id);
    check(upload(key, id, 1, "tail", 4, false, 0) == 0, "upload");
    strcpy(etag[0], got.etag);
    check(complete(key, id, part, 1, false, 0, 0, true) == -EEXIST,
          "complete on a taken key is EEXIST");
    check(abort_upload(key, id) == 0, "abort");
    check(abort_upload(key, id) == 0, "abort again");
    check(uploads(key, id) == 0, "no upload is left");
}

static void
check_attributes(const char *key)
{
    struct s3_where at = where(key);
    int r;

    start();
    s3_attributes(s, &at, on_attrs, NULL);
    r = await();
    if (r == -EOPNOTSUPP) {
        printf("# attributes are not supported\n");
        return;
    }
    check(r == 0 && got.o.size > 0, "attributes");
    printf("# %zu parts\n", got.count);
}

static void
check_cancel(const char *key)
{
    struct s3_get_args a = {
        .at = where(key), .length = 1 << 20, .on_data = on_data};
    unsigned i, ended = 0;

    for (i = 0; i < 50; i++) {
        s3_id id;

        start();
        id = s3_get(s, &a, on_object, NULL);
        if (i % 2)
            usleep(i * 20);
        s3_cancel(s, id);
        ended += await() == -ECANCELED || got.e.err == 0;
    }
    check(ended == 50, "cancelled calls answer once");
}

/* Many at once, every third one cancelled from this thread. */
struct many {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    unsigned answers, good, cancelled; /* lock */
};

static void
on_one(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct many *m = user;

    (void)o;
    pthread_mutex_lock(&m->lock);
    m->answers++;
    m->good += e->err == 0;
    m->cancelled += e->err == -ECANCELED;
    pthread_cond_signal(&m->cond);
    pthread_mutex_unlock(&m->lock);
}

static int
drop(void *user, const void *p, size_t n)
{
    (void)user, (void)p, (void)n;
    return 0;
}

static void
check_many(const char *key, unsigned count)
{
    struct many m = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0,
                     0};
    struct s3_get_args a = {.at = where(key), .length = 1000, .on_data = drop};
    uint64_t begin = net_now_ms(), ms;
    s3_id *id = calloc(count, sizeof(*id));
    unsigned i;

    for (i = 0; i < count; i++) {
        id[i] = s3_get(s, &a, on_one, &m);
        if (i % 3 == 2)
            s3_cancel(s, id[i - 1]);
    }
    pthread_mutex_lock(&m.lock);
    while (m.answers < count)
        pthread_cond_wait(&m.cond, &m.lock);
    pthread_mutex_unlock(&m.lock);
    ms = net_now_ms() - begin;
    check(m.good + m.cancelled == count && m.good >= count - count / 3,
          "many at once");
    printf("# %u gets, %u cancelled, %llu ms\n", count, m.cancelled,
           (unsigned long long)ms);
    free(id);
}

static void
check_keys(void)
{
    static const char *const easy[] = {
        "plain",
        "dir/a b+c%20&=?#;:@$,'()*!~",
        "dir/\xc3\xa9\xe2\x82\xac\xf0\x9f\x97\x9c.txt",
        "dir/%2F+%2B",
        "dir/<&>\"'\\^`{|}[]",
    };
    static const char *const odd[] = {
        "dir//double", "dir/./dot", "dir/../dots", "slash/", "/first",
    };
    size_t i;

    for (i = 0; i < ARRAY_SIZE(easy); i++)
        check_object(easy[i]);
    for (i = 0; any_key && i < ARRAY_SIZE(odd); i++)
        check_object(odd[i]);
}

static int
parts(const char *key, const char *id)
{
    struct s3_where at = where(key);

    start();
    s3_list_parts(s, &at, id, on_parts, NULL);
    return await();
}

static size_t
below(const char *prefix)
{
    struct s3_where at = where(prefix);

    start();
    s3_list_uploads_below(s, &at, on_uploads, NULL);
    check(await() == 0, "list uploads below");
    return got.uploads;
}

static int
versions(const char *prefix)
{
    struct s3_where at = where(prefix);

    start();
    s3_list_versions(s, &at, on_versions, NULL);
    return await();
}

static const char *
verdict(bool have, uint32_t crc, const char *p, size_t n)
{
    if (!have)
        return "none";
    return crc == crc32(0, (const Bytef *)p, (uInt)n) ? "right" : "wrong";
}

static void
check_pages(const char *key, const char *id)
{
    unsigned i;

    for (i = 3; i < 1100; i++)
        if (upload(key, id, i, "tail", 4, false, 0) < 0)
            check(false, "upload of a small part");
    check(parts(key, id) == 0 && got.count == 1100, "two pages");
}

/* ListParts of an upload with the algorithm and of one without: an
 * uploaded part, a whole copied, a range copied.  source begins with the n
 * bytes of big. */
static void
check_parts(const char *source, const char *big, size_t n, bool crc)
{
    uint32_t tail = (uint32_t)crc32(0, (const Bytef *)"tail", 4);
    char id[2048], from[300];
    size_t size;

    check(head(source, NULL) == 0, "head of the source");
    strcpy(from, got.etag);
    size = got.o.size;
    printf("# parts from %s, %s algorithm\n", source, crc ? "with" : "no");
    create("dir/parts", crc, id);
    check(parts("dir/parts", id) == 0 && got.count == 0, "no part yet");
    printf("#   of none: %s\n", got.crc32 ? "CRC32" : "not CRC32");
    check(upload("dir/parts", id, 10000, "tail", 4, crc, tail) == 0,
          "upload the last part");
    check(copy("dir/parts", id, 2, source, from, 0, size, size) == 0,
          "copy whole");
    check(copy("dir/parts", id, 1, source, from, 9, n / 2, size) == 0,
          "copy a range");
    printf("#   the copied range's CRC: %s\n",
           verdict(got.p.have_crc32, got.p.crc32, big + 9, n / 2));
    check(parts("dir/parts", id) == 0 && got.count == 3, "three parts");
    check(got.first.number == 1 && got.first.size == n / 2, "the first");
    check(got.last.number == 10000 && got.last.size == 4, "the last");
    printf("#   listed: %s, the range's CRC %s, the uploaded part's %s\n",
           got.crc32 ? "CRC32" : "not CRC32",
           verdict(got.first.have_crc32, got.first.crc32, big + 9, n / 2),
           verdict(got.last.have_crc32, got.last.crc32, "tail", 4));
    if (!crc)
        check_pages("dir/parts", id);
    check(abort_upload("dir/parts", id) == 0, "abort");
    if (parts("dir/parts", id) == 0)
        printf("#   of what is gone: %zu\n", got.count);
    else
        check(got.e.err == -ENOENT, "what is gone has no parts");
}

static void
check_below(void)
{
    char id[2][2048];

    create("dir/one", false, id[0]);
    create("dir/two", false, id[1]);
    check(below("dir/") == 2 && below("dir/t") == 1 && below("dirt") == 0,
          "uploads below a prefix");
    check(abort_upload("dir/two", id[1]) == 0, "abort");
    check(below("") == 1, "the other is there");
    check(abort_upload("dir/one", id[0]) == 0, "abort");
    check(below("dir/") == 0, "none is left");
}

static void
check_file(const char *big, size_t n)
{
    FILE *f = tmpfile();
    struct s3_file file = {fileno(f), 4, n};
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)big, (uInt)n);
    struct s3_upload_args a = {
        .at = where("out/file"), .number = 1, .file = &file, .crc32 = crc};
    struct s3_done_part part = {1, got.etag, true, crc};
    char id[2048], etag[300];
    int i;

    fwrite("head", 4, 1, f);
    fwrite(big, n, 1, f);
    fwrite("tail", 4, 1, f);
    fflush(f);
    part.etag = etag;
    for (i = 0; i < 2; i++) { /* guarded by MD5 or SHA-256, by the CRC */
        create("out/file", i, id);
        a.upload_id = id;
        a.send_crc32 = i;
        start();
        s3_upload_part(s, &a, on_part, NULL);
        check(await() == 0, "upload from a file");
        strcpy(etag, got.etag);
        check(complete("out/file", id, &part, 1, i, crc, n, false) == 0,
              "complete");
        check(get("out/file", got.etag, 0, 0, n) == 0 && got.n == n &&
                  memcmp(got.data, big, n) == 0,
              "the file's bytes");
    }
    check(delete_key("out/file", NULL) == 0, "delete");
    fclose(f);
}

/* Nothing here but what is put now, nothing left of it. */
static void
check_versions(void)
{
    struct s3_where at = where("v/a b+c");
    size_t i, n = versioned ? 3 : 1;
    char ids[4][300];

    check(put(at.key, "1", 1, NULL, false) == 0, "put");
    check(put(at.key, "22", 2, NULL, false) == 0, "put again");
    check(put("w/other", "1", 1, NULL, false) == 0, "put");
    if (versioned)
        check(delete_key(at.key, NULL) == 0, "delete leaves a marker");
    check(versions("v/") == 0, "versions");
    printf("# %zu versions, %zu markers, ids like \"%s\"\n", got.count,
           got.markers, got.ids[0]);
    check(got.count == n && got.markers == versioned, "as many as there are");
    memcpy(ids, got.ids, sizeof(ids));
    for (i = 0; i < n; i++) {
        start();
        s3_delete(s, &at, NULL, ids[i], on_done, NULL);
        check(await() == 0, "delete a version");
    }
    check(versions("v/") == 0 && got.count == 0, "none is left");
    check(versions("w/") == 0 && got.count == 1, "the other is");
    strcpy(ids[0], got.ids[0]);
    at = where("w/other");
    start();
    s3_delete(s, &at, NULL, ids[0], on_done, NULL);
    check(await() == 0 && versions("") == 0 && got.count == 0, "nothing");
}

static void
check_lock(void)
{
    start();
    s3_bucket_lock(s, bucket, on_lock, NULL);
    check(await() == 0, "bucket lock");
    check(got.retention == locked, "default retention");
}

static void
check_all(void)
{
    size_t n = 11 << 20, i; /* two halves are parts */
    char *big = malloc(n);

    for (i = 0; i < n; i++)
        big[i] = (char)(i * 2654435761U >> 13);
    check_keys();
    check_listing();
    check(put("source +1", big, n, NULL, false) == 0, "put 11 MiB");
    check_upload_crc("out/one.zip", big, n);
    check_copy("out/two.zip", "source +1", big, n);
    check_attributes("out/one.zip");
    check_below();
    check_parts("source +1", big, n, false);
    check_parts("source +1", big, n, true);
    check_parts("out/one.zip", big, n, true); /* an upload with CRC32 */
    check_parts("out/two.zip", big, n, true); /* one without */
    check_file(big, n);
    check_cancel("source +1");
    check_many("source +1", 3000);
    check(get("source +1", NULL, 0, 0, n) == 0 && got.n == n &&
              memcmp(got.data, big, n) == 0,
          "get 11 MiB");
    delete_key("source +1", NULL);
    delete_key("out/one.zip", NULL);
    delete_key("out/two.zip", NULL);
    check(list("", false, NULL, 1) == 0 && got.count == 0, "all is gone");
    bucket = "no-such-bucket-of-ours";
    check(list("", false, NULL, 1) == -ENOENT, "no such bucket");
    free(big);
}

int
main(int argc, char **argv)
{
    struct net_conf nc = {.connections = 8};
    struct aws_conf ac = {0};
    struct s3_conf sc = {.path_style = -1, .sign_payload = -1};
    struct net *n;
    struct aws *a;
    struct err e = {0};
    int i;

    nc.ca_bundle = getenv("AWS_CA_BUNDLE");
    if (argc < 3) {
        fprintf(stderr, "usage: s3_live URL BUCKET [any-key] [no-size] "
                        "[versions] [lock]\n");
        return 2;
    }
    sc.endpoint = argv[1];
    bucket = argv[2];
    log_open(getenv("S3_LIVE_DEBUG") ? LOG_DEBUG : LOG_WARN, NULL, &e);
    if (net_new(&n, &nc, &e) < 0 || aws_new(&a, n, &ac, &e) < 0 ||
        s3_new(&s, n, a, &sc, &e) < 0) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    for (i = 3; i < argc; i++) {
        any_key = any_key || strcmp(argv[i], "any-key") == 0;
        no_size = no_size || strcmp(argv[i], "no-size") == 0;
        versioned = versioned || strcmp(argv[i], "versions") == 0;
        locked = locked || strcmp(argv[i], "lock") == 0;
    }
    check_lock();
    if (!locked)
        check_versions();
    if (!locked && !versioned)
        check_all();
    net_free(n);
    s3_free(s);
    aws_free(a);
    free(got.data);
    log_close();
    printf("# %u checks\n", checks);
    return 0;
}
