/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * ListObjectVersions of all keys that begin alike, all pages.  A store
 * that has no such call, or answers it with a plain listing, is asked for
 * ListObjectsV2 instead: what that lists is then all there is.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"

enum {
    VERSIONS_BYTES_MAX = 16 * 1024 * 1024,
    VERSIONS_MAX = 200000,
    PAGES_MAX = 2000,
};

struct versions_call {
    struct s3_call c;
    s3_versions_cb *cb;
    char *prefix;
    size_t prefix_len;
    bool plain; /* ListObjectsV2 is asked */
    struct s3_pages pages;
    struct arena arena;
    struct s3_version *version;
    size_t count, cap;
    /* The page: */
    size_t page_begin; /* in version[] */
    bool truncated, encoded;
    bool listing; /* it is a plain one */
    bool have_size;
    struct s3_version now;
    /* Where the next page begins; a token if plain. */
    char *next_key, *next_id;
};

static int
bad(struct versions_call *v, const char *why)
{
    s3_error_message(&v->c.error, "malformed list of versions: %s", why);
    return -EPROTO;
}

static int
keep(struct versions_call *v, char **ret, const char *text, size_t len)
{
    *ret = arena_dup(&v->arena, text, len);
    return *ret ? 0 : -ENOMEM;
}

/* ------------------------------------------------------------ elements */

/* What follows the element of a version in path: "" for the element
 * itself, NULL if path is none of it. */
static const char *
within(const char *path)
{
    static const char *const elements[] = {"Version", "DeleteMarker",
                                           "Contents"};
    size_t i, n;

    for (i = 0; i < ARRAY_SIZE(elements); i++) {
        n = strlen(elements[i]);
        if (strncmp(path, elements[i], n) != 0)
            continue;
        if (path[n] == '\0')
            return "";
        if (path[n] == '/')
            return path + n + 1;
    }
    return NULL;
}

static int
on_open(void *user, const char *path)
{
    struct versions_call *v = user;
    const char *name = within(path);

    if (!name || *name)
        return 0;
    v->now = (struct s3_version){.version_id = "", .etag = ""};
    v->now.marker = strcmp(path, "DeleteMarker") == 0;
    v->have_size = v->now.marker;
    v->listing = v->listing || strcmp(path, "Contents") == 0;
    return 0;
}

static int
version_end(struct versions_call *v)
{
    size_t cap = v->cap ? v->cap * 2 : 64;
    struct s3_version *more;

    if (!v->now.key || !v->have_size)
        return bad(v, "a version without key or size");
    if (v->count >= VERSIONS_MAX) {
        s3_error_message(&v->c.error, "more than %d versions", VERSIONS_MAX);
        return -EFBIG;
    }
    if (v->count == v->cap) {
        more = realloc(v->version, cap * sizeof(*more));
        if (!more)
            return -ENOMEM;
        v->version = more;
        v->cap = cap;
    }
    v->version[v->count++] = v->now;
    return 0;
}

static int
version_id(struct versions_call *v, const char *text, size_t len)
{
    char *copy;
    int r = 0;

    if (len > 0 && !s3_word_ok(text, S3_VALUE_MAX))
        return bad(v, "bad VersionId");
    r = keep(v, &copy, text, len);
    v->now.version_id = copy;
    return r;
}

static int
version_field(struct versions_call *v, const char *name, char *text,
              size_t len)
{
    char *copy, *bare;
    int r = 0;

    if (strcmp(name, "Key") == 0) {
        r = keep(v, &copy, text, len);
        v->now.key = copy;
        v->now.key_len = len;
    } else if (strcmp(name, "VersionId") == 0) {
        r = version_id(v, text, len);
    } else if (strcmp(name, "Size") == 0) {
        v->have_size = text_parse_u64(&v->now.size, text);
        if (!v->have_size || v->now.size > INT64_MAX)
            return bad(v, "bad Size");
    } else if (strcmp(name, "ETag") == 0 && !v->now.marker) {
        bare = s3_etag_bare(text);
        r = keep(v, &copy, bare ? bare : "", bare ? strlen(bare) : 0);
        v->now.etag = copy;
    }
    return r;
}

static int
on_close(void *user, const char *path, char *text, size_t len)
{
    struct versions_call *v = user;
    const char *name = within(path);

    if (name && *name)
        return version_field(v, name, text, len);
    if (name)
        return version_end(v);
    if (strcmp(path, "EncodingType") == 0)
        v->encoded = strcmp(text, "url") == 0;
    else if (strcmp(path, "IsTruncated") == 0)
        v->truncated = strcmp(text, "true") == 0;
    else if (strcmp(path,
                    v->plain ? "NextContinuationToken" : "NextKeyMarker") == 0)
        return keep(v, &v->next_key, text, len);
    else if (strcmp(path, "NextVersionIdMarker") == 0)
        return keep(v, &v->next_id, text, len);
    return 0;
}

/* ----------------------------------------------------------- the pages */

/* Decodes text in place if the answer is encoded: it only gets shorter. */
static int
decode(struct versions_call *v, struct buf *tmp, char *text, size_t *len)
{
    if (!v->encoded)
        return 0;
    buf_reset(tmp);
    if (text_unpercent(tmp, text, *len, true) < 0)
        return bad(v, "bad encoding of a key");
    memcpy(text, buf_str(tmp), tmp->len + 1);
    *len = tmp->len;
    return 0;
}

/* Some store may not know the parameter prefix, and what comes of this call
 * is deleted: nothing else is let through. */
static int
filter_page(struct versions_call *v)
{
    CLEANUP_BUF struct buf tmp = BUF_INIT(4 * S3_KEY_MAX);
    size_t i, to = v->page_begin;
    int r;

    for (i = v->page_begin; i < v->count; i++) {
        struct s3_version *p = &v->version[i];

        r = decode(v, &tmp, (char *)p->key, &p->key_len);
        if (r < 0)
            return r;
        if (p->key_len == 0 || p->key_len > S3_KEY_MAX)
            return bad(v, p->key_len ? "key too long" : "an empty key");
        if (p->key_len >= v->prefix_len &&
            memcmp(p->key, v->prefix, v->prefix_len) == 0)
            v->version[to++] = *p;
    }
    v->count = to;
    return 0;
}

static void
versions_query(struct versions_call *v)
{
    struct s3_call *c = &v->c;
    bool next = v->next_key && *v->next_key;

    buf_reset(&c->query);
    if (v->plain)
        s3_query_str(c, "list-type", "2");
    else
        s3_query(c, "versions", "", 0);
    s3_query_str(c, "encoding-type", "url");
    s3_query(c, "prefix", v->prefix, v->prefix_len);
    if (next)
        s3_query_str(c, v->plain ? "continuation-token" : "key-marker",
                     v->next_key);
    if (next && !v->plain && v->next_id && *v->next_id)
        s3_query_str(c, "version-id-marker", v->next_id);
}

static int
turn_page(struct versions_call *v)
{
    CLEANUP_BUF struct buf tmp = BUF_INIT(4 * S3_KEY_MAX);
    size_t len;
    int r;

    if (v->next_key && !v->plain) {
        len = strlen(v->next_key);
        r = decode(v, &tmp, v->next_key, &len);
        if (r < 0)
            return r;
        if (strlen(v->next_key) != len)
            return bad(v, "bad marker");
    }
    r = s3_pages_turn(&v->pages, &v->c, "list of versions", v->next_key,
                      v->next_id);
    if (r < 0)
        return r;
    versions_query(v);
    return S3_CALL_NEXT;
}

static const struct s3_verb plain_verb;

/* From the beginning, with ListObjectsV2. */
static int
go_plain(struct versions_call *v)
{
    v->plain = true;
    v->count = 0;
    v->next_key = v->next_id = NULL;
    s3_pages_free(&v->pages);
    v->c.verb = &plain_verb;
    v->c.next_delay = 0;
    versions_query(v);
    return S3_CALL_NEXT;
}

static int
versions_parse(struct s3_call *c, const struct net_response *resp)
{
    struct versions_call *v = (struct versions_call *)c;
    const struct s3_xml x = {
        .root = {"ListVersionsResult", "ListBucketResult"},
        .open = on_open,
        .close = on_close,
        .user = v};
    int r;

    (void)resp;
    v->page_begin = v->count;
    v->truncated = v->encoded = v->listing = false;
    v->next_key = v->next_id = NULL;
    r = s3_xml_answer(c, &x);
    if (r == 0 && v->listing && !v->plain)
        return go_plain(v);
    if (r == 0)
        r = filter_page(v);
    if (r == 0 && v->truncated)
        return turn_page(v);
    if (r < 0)
        v->count = v->page_begin; /* the page may come again */
    return r;
}

static int
versions_failed(struct s3_call *c, int err)
{
    return err == -EOPNOTSUPP ? go_plain((struct versions_call *)c) : err;
}

static void
versions_answer(struct s3_call *c)
{
    struct versions_call *v = (struct versions_call *)c;
    bool ok = c->error.err == 0;

    v->cb(c->user, &c->error, ok ? v->version : NULL, ok ? v->count : 0);
}

static void
versions_destroy(struct s3_call *c)
{
    struct versions_call *v = (struct versions_call *)c;

    arena_free(&v->arena);
    s3_pages_free(&v->pages);
    free(v->version);
    free(v->prefix);
}

static const struct s3_verb versions_verb = {
    .word = "VERSIONS",
    .method = "GET",
    .counter = S3_COUNTER(list_versions),
    .answer_max = VERSIONS_BYTES_MAX,
    .parse = versions_parse,
    .failed = versions_failed,
    .answer = versions_answer,
    .destroy = versions_destroy,
};

static const struct s3_verb plain_verb = {
    .word = "LIST",
    .method = "GET",
    .counter = S3_COUNTER(list),
    .answer_max = VERSIONS_BYTES_MAX,
    .parse = versions_parse,
    .answer = versions_answer,
    .destroy = versions_destroy,
};

s3_id
s3_list_versions(struct s3 *s, const struct s3_where *at, s3_versions_cb *cb,
                 void *user)
{
    struct s3_where bucket = {.bucket = at->bucket, .dest = at->dest};
    struct versions_call *v =
        s3_call_new(s, sizeof(*v), &versions_verb, &bucket, user);

    v->cb = cb;
    v->pages.most = PAGES_MAX;
    v->prefix = malloc(at->key_len + 1);
    if (v->prefix) {
        if (at->key_len)
            memcpy(v->prefix, at->key, at->key_len);
        v->prefix_len = at->key_len;
        versions_query(v);
    } else {
        s3_call_fail(&v->c, -ENOMEM);
    }
    return s3_call_start(&v->c);
}
