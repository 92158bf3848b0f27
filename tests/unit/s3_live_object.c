/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3_live: objects put, read, listed and deleted, under easy and odd keys;
 * versions; calls that are cancelled, and many side by side.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/check.h"
#include "s3/sync.h"
#include "s3_live.h"

static void
check_object(const char *key)
{
    static const char body[] = "The quick brown fox";
    size_t n = sizeof(body) - 1;
    char etag[300], line[1200];

    printf("# key %s\n", key);
    check(live_put(key, body, n, NULL, true) == 0, "put");
    snprintf(etag, sizeof(etag), "%s", got.etag);
    check(live_put(key, body, n, NULL, true) == -EEXIST,
          "put again is EEXIST");
    check(live_put(key, body, n, etag, false) == 0, "put if-match");
    check(live_head(key, etag) == 0 && got.o.size == n, "head");
    check(strcmp(got.text, "digest-1") == 0, "layout digest");
    if (got.o.have_crc32)
        check(got.o.crc32 == crc32(0, (const Bytef *)body, (uInt)n),
              "crc of head");
    check(live_get(key, etag, 0, 0, n) == 0 && got.n == n &&
              memcmp(got.data, body, n) == 0,
          "get whole");
    check(live_get(key, etag, 4, 5, 0) == 0 && got.n == 5 &&
              memcmp(got.data, "quick", 5) == 0 && got.o.size == n,
          "get range");
    check(live_get(key, etag, 0, n, 0) == 0 && got.n == n,
          "get all as a range");
    check(live_get(key, "0123", 4, 5, 0) == -ESTALE, "get of another ETag");
    check(got.n == 0, "no data with it");
    check(live_get(key, etag, 0, 0, n + 1) == -ESTALE, "get, wrong size");
    check(live_head(key, "0123") == -ESTALE, "head of another ETag");
    snprintf(line, sizeof(line), "%s|%zu|%s\n", key, n, etag);
    check(live_list(key, false, NULL, 0) == 0 && got.count == 1 &&
              strcmp(got.keys, line) == 0,
          "list");
    check(live_delete_key(key, NULL) == 0, "delete");
    check(live_delete_key(key, NULL) == 0, "delete again");
    check(live_head(key, NULL) == -ENOENT, "head is ENOENT");
    check(live_get(key, NULL, 0, 1, 0) == -ENOENT, "get is ENOENT");
    check(live_get(key, "0123", 0, 1, 0) == -ESTALE, "guarded get is ESTALE");
}

void
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
    for (i = 0; live.any_key && i < ARRAY_SIZE(odd); i++)
        check_object(odd[i]);
}

void
check_listing(void)
{
    char key[64], token[2048];
    unsigned i, all = 0, pages = 0;

    for (i = 0; i < 12; i++) {
        snprintf(key, sizeof(key), "many/%u/x y+%u", i % 3, i);
        check(live_put(key, "x", 1, NULL, false) == 0, "put");
    }
    check(live_list("many/", true, NULL, 0) == 0 && got.count == 0 &&
              got.prefixes == 3,
          "common prefixes");
    check(live_list("none/", false, NULL, 0) == 0 && got.count == 0,
          "an empty prefix");
    token[0] = '\0';
    do {
        check(live_list("many/", false, token[0] ? token : NULL, 5) == 0,
              "page");
        all += got.count;
        pages++;
        strcpy(token, got.text);
    } while (token[0] && pages < 10);
    check(all == 12 && pages == 3, "three pages, twelve keys");
    for (i = 0; i < 12; i++) {
        snprintf(key, sizeof(key), "many/%u/x y+%u", i % 3, i);
        check(live_delete_key(key, NULL) == 0, "delete");
    }
}

/* Nothing here but what is put now, nothing left of it. */
/* Deletes them in one call; false if the store cannot. */
static bool
delete_many(const struct s3_item *item, size_t count)
{
    struct s3_delete_many_args a = {live.bucket, true, item, count};
    struct s3_reply reply;
    int r = s3_delete_many_wait(live.s3, NULL, &a, NULL, &reply);

    if (r == -EOPNOTSUPP) {
        printf("# DeleteObjects is not supported: %d %s\n", reply.e.http,
               reply.e.code);
        return false;
    }
    if (r < 0)
        printf("# %d %s %s\n", reply.e.http, reply.e.code, reply.e.message);
    check(r == 0, "delete many");
    return true;
}

void
check_delete_many(void)
{
    static const char *const key[] = {"d/1", "d/a &<>'\"+%20\xc3\xa9]]>",
                                      "d/a\tb\r\nc", "d/\x01\x7f"};
    struct s3_item item[1 + ARRAY_SIZE(key)];
    size_t n = live.any_key ? ARRAY_SIZE(key) : 2, i;

    for (i = 0; i < n; i++) {
        item[i] = (struct s3_item){key[i], strlen(key[i]), NULL};
        check(live_put(key[i], "1", 1, NULL, false) == 0, "put");
    }
    item[n] = (struct s3_item){"d/none", 6, NULL};
    if (!delete_many(item, n + 1))
        for (i = 0; i < n; i++)
            live_delete_key(key[i], NULL);
    check(live_list("d/", false, NULL, 10) == 0 && got.count == 0,
          "many are gone");
}

void
check_versions(void)
{
    struct s3_where at = live_where("v/a b+c");
    size_t i, n = live.versioned ? 3 : 1;
    struct s3_item item;
    char ids[4][300];

    check(live_put(at.key, "1", 1, NULL, false) == 0, "put");
    check(live_put(at.key, "22", 2, NULL, false) == 0, "put again");
    check(live_put("w/other", "1", 1, NULL, false) == 0, "put");
    if (live.versioned)
        check(live_delete_key(at.key, NULL) == 0, "delete leaves a marker");
    check(live_versions("v/") == 0, "versions");
    printf("# %zu versions, %zu markers, ids like \"%s\"\n", got.count,
           got.markers, got.ids[0]);
    check(got.count == n && got.markers == live.versioned,
          "as many as there are");
    memcpy(ids, got.ids, sizeof(ids));
    for (i = 0; i < n; i++) {
        live_start();
        s3_delete(live.s3, &at, NULL, ids[i], live_on_done, NULL);
        check(live_await() == 0, "delete a version");
    }
    check(live_versions("v/") == 0 && got.count == 0, "none is left");
    check(live_versions("w/") == 0 && got.count == 1, "the other is");
    strcpy(ids[0], got.ids[0]);
    item = (struct s3_item){"w/other", 7, ids[0]};
    if (!delete_many(&item, 1))
        live_delete_key("w/other", NULL);
    check(live_versions("") == 0 && got.count == 0, "nothing");
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
    live_finish(e);
}

void
check_attributes(const char *key)
{
    struct s3_where at = live_where(key);
    int r;

    live_start();
    s3_attributes(live.s3, &at, on_attrs, NULL);
    r = live_await();
    if (r == -EOPNOTSUPP) {
        printf("# attributes are not supported\n");
        return;
    }
    check(r == 0 && got.o.size > 0, "attributes");
    printf("# %zu parts\n", got.count);
}

void
check_cancel(const char *source)
{
    struct s3_get_args a = {
        .at = live_where(source), .length = 1 << 20, .on_data = live_on_data};
    unsigned i, ended = 0;

    for (i = 0; i < 50; i++) {
        s3_id id;

        live_start();
        id = s3_get(live.s3, &a, live_on_object, NULL);
        if (i % 2)
            usleep(i * 20);
        s3_cancel(live.s3, id);
        ended += live_await() == -ECANCELED || got.e.err == 0;
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

void
check_many(const char *key, unsigned count)
{
    struct many m = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0,
                     0};
    struct s3_get_args a = {
        .at = live_where(key), .length = 1000, .on_data = drop};
    uint64_t begin = net_now_ms(), ms;
    s3_id *id = calloc(count, sizeof(*id));
    unsigned i;

    for (i = 0; i < count; i++) {
        id[i] = s3_get(live.s3, &a, on_one, &m);
        if (i % 3 == 2)
            s3_cancel(live.s3, id[i - 1]);
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
