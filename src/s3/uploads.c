/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * ListMultipartUploads of one key, or of all keys that begin like it, all
 * pages.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "s3/call.h"
#include "s3/multipart.h"

enum {
    UPLOADS_BYTES_MAX = 8 * 1024 * 1024,
    UPLOADS_MAX = 10000,
    PAGES_MAX = 100, /* keys that only begin like ours */
};

struct uploads_call {
    struct s3_call c;
    s3_uploads_cb *cb;
    char *key; /* that is wanted */
    size_t key_len;
    bool below; /* as is every longer one */
    struct arena arena;
    struct s3_upload *upload;
    size_t count, cap;
    struct s3_pages pages;
    /* The page: */
    size_t page_begin; /* in upload[] */
    bool truncated, encoded;
    struct s3_upload now;
    char *next_key, *next_id;
};

static int
bad(struct uploads_call *u, const char *why)
{
    s3_error_message(&u->c.error, "malformed list of uploads: %s", why);
    return -EPROTO;
}

static int
keep(struct uploads_call *u, char **ret, const char *text, size_t len)
{
    *ret = arena_dup(&u->arena, text, len);
    return *ret ? 0 : -ENOMEM;
}

static int
on_open(void *user, const char *path)
{
    struct uploads_call *u = user;

    if (strcmp(path, "Upload") == 0)
        u->now = (struct s3_upload){.initiator = ""};
    return 0;
}

static int
upload_end(struct uploads_call *u)
{
    size_t cap = u->cap ? u->cap * 2 : 16;
    struct s3_upload *p;

    if (!u->now.key || !u->now.upload_id)
        return bad(u, "an upload without key or id");
    if (u->count >= UPLOADS_MAX)
        return bad(u, "too many uploads");
    if (u->count == u->cap) {
        p = realloc(u->upload, cap * sizeof(*p));
        if (!p)
            return -ENOMEM;
        u->upload = p;
        u->cap = cap;
    }
    u->upload[u->count++] = u->now;
    return 0;
}

static int
upload_field(struct uploads_call *u, const char *name, const char *text,
             size_t len)
{
    char *copy;
    int r = 0;

    if (strcmp(name, "Initiated") == 0) {
        if (!s3_parse_iso8601(&u->now.initiated, text))
            return bad(u, "bad Initiated");
        return 0;
    }
    if (strcmp(name, "Key") == 0) {
        r = keep(u, &copy, text, len);
        u->now.key = copy;
        u->now.key_len = len;
    } else if (strcmp(name, "UploadId") == 0) {
        if (!s3_word_ok(text, S3_VALUE_MAX))
            return bad(u, "bad UploadId");
        r = keep(u, &copy, text, len);
        u->now.upload_id = copy;
    } else if (strcmp(name, "Initiator/ID") == 0) {
        r = keep(u, &copy, text, len);
        u->now.initiator = copy ? copy : "";
    }
    return r;
}

static int
on_close(void *user, const char *path, char *text, size_t len)
{
    struct uploads_call *u = user;

    if (strncmp(path, "Upload/", 7) == 0)
        return upload_field(u, path + 7, text, len);
    if (strcmp(path, "Upload") == 0)
        return upload_end(u);
    if (strcmp(path, "EncodingType") == 0)
        u->encoded = strcmp(text, "url") == 0;
    else if (strcmp(path, "IsTruncated") == 0)
        u->truncated = strcmp(text, "true") == 0;
    else if (strcmp(path, "NextKeyMarker") == 0)
        return keep(u, &u->next_key, text, len);
    else if (strcmp(path, "NextUploadIdMarker") == 0)
        return keep(u, &u->next_id, text, len);
    return 0;
}

/* The decoded key of p, if it is wanted: 1; 0: another key. */
static int
wanted(struct uploads_call *u, struct s3_upload *p, struct buf *tmp)
{
    char *copy;

    buf_reset(tmp);
    if (u->encoded) {
        if (text_unpercent(tmp, p->key, p->key_len, true) < 0)
            return bad(u, "bad encoding of a key");
    } else if (buf_add(tmp, p->key, p->key_len) < 0) {
        return bad(u, "key too long");
    }
    if (tmp->len < u->key_len || (tmp->len > u->key_len && !u->below) ||
        memcmp(buf_str(tmp), u->key, u->key_len) != 0)
        return 0;
    if (tmp->len == 0)
        return bad(u, "an empty key");
    if (keep(u, &copy, buf_str(tmp), tmp->len) < 0)
        return -ENOMEM;
    p->key = copy;
    p->key_len = tmp->len;
    return 1;
}

/* Keeps what is wanted of this page. */
static int
filter_page(struct uploads_call *u)
{
    CLEANUP_BUF struct buf tmp = BUF_INIT(4 * S3_KEY_MAX);
    size_t i, to = u->page_begin;
    int r;

    for (i = u->page_begin; i < u->count; i++) {
        r = wanted(u, &u->upload[i], &tmp);
        if (r < 0)
            return r;
        if (r > 0)
            u->upload[to++] = u->upload[i];
    }
    u->count = to;
    return 0;
}

static void
uploads_query(struct uploads_call *u)
{
    struct s3_call *c = &u->c;

    buf_reset(&c->query);
    s3_query(c, "uploads", "", 0);
    s3_query_str(c, "encoding-type", "url");
    s3_query(c, "prefix", u->key, u->key_len);
    if (u->next_key && *u->next_key) {
        s3_query_str(c, "key-marker", u->next_key);
        if (u->next_id && *u->next_id)
            s3_query_str(c, "upload-id-marker", u->next_id);
    }
}

static int
turn_page(struct uploads_call *u)
{
    CLEANUP_BUF struct buf key = BUF_INIT(4 * S3_KEY_MAX);
    char *plain;
    int r;

    if (u->encoded && u->next_key) {
        if (text_unpercent(&key, u->next_key, strlen(u->next_key), true) < 0)
            return bad(u, "bad encoding of a marker");
        if (keep(u, &plain, buf_str(&key), key.len) < 0)
            return -ENOMEM;
        u->next_key = plain;
    }
    r = s3_pages_turn(&u->pages, &u->c, "list of uploads", u->next_key,
                      u->next_id);
    if (r < 0)
        return r;
    uploads_query(u);
    return S3_CALL_NEXT;
}

/* Of one second, and that each is cut off. */
#define SAME_CLOCK_S 2

/* Ages by the answer's Date, for this host's clock may be wrong; a store
 * without one leaves only that.  The Date is of some moment since the
 * request was sent, which may be long ago; but where the clocks agree there
 * is no doubt. */
static void
set_ages(struct uploads_call *u, const struct net_response *resp)
{
    const char *date = net_header(resp, "date");
    int64_t here = time(NULL), now, took;
    bool same;
    size_t i;

    if (!date || !s3_parse_http_date(&now, date))
        now = here + __atomic_load_n(&u->c.s->skew, __ATOMIC_RELAXED);
    took = (int64_t)(net_now_ms() - u->c.sent_ms + 999) / 1000;
    same = now >= here - took - SAME_CLOCK_S && now <= here + SAME_CLOCK_S;
    for (i = u->page_begin; i < u->count; i++) {
        struct s3_upload *o = &u->upload[i];

        o->age = now - o->initiated;
        o->begun_first = same ? o->initiated : here - took - o->age;
        o->begun_last = same ? o->initiated : here - o->age;
    }
}

static int
uploads_parse(struct s3_call *c, const struct net_response *resp)
{
    struct uploads_call *u = (struct uploads_call *)c;
    const struct s3_xml x = {.root = {"ListMultipartUploadsResult"},
                             .open = on_open,
                             .close = on_close,
                             .user = u};
    int r;

    u->page_begin = u->count;
    u->truncated = u->encoded = false;
    u->next_key = u->next_id = NULL;
    r = s3_xml_answer(c, &x);
    if (r == 0)
        r = filter_page(u);
    set_ages(u, resp);
    if (r == 0 && u->truncated)
        return turn_page(u);
    if (r < 0)
        u->count = u->page_begin; /* the page may come again */
    return r;
}

static void
uploads_answer(struct s3_call *c)
{
    struct uploads_call *u = (struct uploads_call *)c;
    bool ok = c->error.err == 0;

    u->cb(c->user, &c->error, ok ? u->upload : NULL, ok ? u->count : 0);
}

static void
uploads_destroy(struct s3_call *c)
{
    struct uploads_call *u = (struct uploads_call *)c;

    arena_free(&u->arena);
    s3_pages_free(&u->pages);
    free(u->upload);
    free(u->key);
}

static const struct s3_verb uploads_verb = {
    .word = "UPLOADS",
    .method = "GET",
    .counter = S3_COUNTER(list_uploads),
    .answer_max = UPLOADS_BYTES_MAX,
    .parse = uploads_parse,
    .answer = uploads_answer,
    .destroy = uploads_destroy,
};

static s3_id
uploads_start(struct s3 *s, const struct s3_where *at, bool below,
              s3_uploads_cb *cb, void *user)
{
    struct s3_where bucket = {.bucket = at->bucket, .dest = at->dest};
    struct uploads_call *u =
        s3_call_new(s, sizeof(*u), &uploads_verb, &bucket, user);

    u->cb = cb;
    u->below = below;
    u->pages.most = PAGES_MAX;
    u->key = malloc(at->key_len + 1);
    if (u->key) {
        if (at->key_len)
            memcpy(u->key, at->key, at->key_len);
        u->key[at->key_len] = '\0';
        u->key_len = at->key_len;
        uploads_query(u);
    } else {
        s3_call_fail(&u->c, -ENOMEM);
    }
    return s3_call_start(&u->c);
}

s3_id
s3_list_uploads(struct s3 *s, const struct s3_where *at, s3_uploads_cb *cb,
                void *user)
{
    return uploads_start(s, at, false, cb, user);
}

s3_id
s3_list_uploads_below(struct s3 *s, const struct s3_where *at,
                      s3_uploads_cb *cb, void *user)
{
    return uploads_start(s, at, true, cb, user);
}
