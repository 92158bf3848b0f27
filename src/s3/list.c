/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * ListObjectsV2: one page.  Keys are decoded only when the answer says
 * that they are encoded (versitygw sends an empty EncodingType), and that
 * may come after them: so everything is kept raw until the end.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"

enum {
    PAGE_BYTES_MAX = 16 * 1024 * 1024,
    ENTRIES_MAX = 10 * S3_LIST_PAGE, /* some stores give more than asked */
};

/* What an element of Contents has so far. */
enum { SAW_KEY = 1, SAW_SIZE = 2 };

struct list_call {
    struct s3_call c;
    s3_list_cb *cb;
    char *prefix; /* asked for */
    size_t prefix_len;
    struct s3_pages pages;
    /* The page: */
    struct arena arena;
    struct s3_entry *entry;
    size_t count, cap;
    const char **common;
    size_t *common_len;
    size_t common_count, common_cap;
    char *next;
    unsigned saw;
    bool truncated, encoded;
    struct s3_page page;
};

static int
page_bad(struct list_call *l, const char *why)
{
    s3_error_message(&l->c.error, "malformed listing: %s", why);
    return -EPROTO;
}

static void
page_reset(struct list_call *l)
{
    arena_free(&l->arena);
    free(l->entry);
    free(l->common);
    free(l->common_len);
    l->entry = NULL;
    l->common = NULL;
    l->common_len = NULL;
    l->next = NULL;
    l->count = l->cap = l->common_count = l->common_cap = 0;
    l->truncated = l->encoded = false;
}

/* ------------------------------------------------------------ elements */

static int
entry_begin(struct list_call *l)
{
    size_t cap = l->cap ? l->cap * 2 : 128;
    struct s3_entry *p;

    if (l->count >= ENTRIES_MAX)
        return page_bad(l, "too many entries");
    if (l->count == l->cap) {
        p = realloc(l->entry, cap * sizeof(*p));
        if (!p)
            return -ENOMEM;
        l->entry = p;
        l->cap = cap;
    }
    memset(&l->entry[l->count], 0, sizeof(*l->entry));
    l->entry[l->count].etag = l->entry[l->count].storage_class = "";
    l->saw = 0;
    return 0;
}

static int
entry_end(struct list_call *l)
{
    if (l->saw != (SAW_KEY | SAW_SIZE))
        return page_bad(l, l->saw & SAW_KEY ? "no Size" : "no Key");
    l->count++;
    return 0;
}

static int
common_add(struct list_call *l, const char *text, size_t len)
{
    size_t cap = l->common_cap ? l->common_cap * 2 : 64;
    const char **p;
    size_t *n;

    if (l->common_count >= ENTRIES_MAX)
        return page_bad(l, "too many prefixes");
    if (l->common_count == l->common_cap) {
        p = realloc(l->common, cap * sizeof(*p));
        if (p)
            l->common = p;
        n = p ? realloc(l->common_len, cap * sizeof(*n)) : NULL;
        if (!n)
            return -ENOMEM;
        l->common_len = n;
        l->common_cap = cap;
    }
    l->common_len[l->common_count] = len;
    l->common[l->common_count] = arena_dup(&l->arena, text, len);
    return l->common[l->common_count++] ? 0 : -ENOMEM;
}

static int
keep(struct list_call *l, const char **ret, const char *text)
{
    *ret = arena_dup(&l->arena, text, strlen(text));
    return *ret ? 0 : -ENOMEM;
}

/* An ETag that is not one cannot guard anything: it counts as none. */
static int
entry_etag(struct list_call *l, struct s3_entry *en, char *text)
{
    char *bare = s3_etag_bare(text);

    return keep(l, &en->etag, bare ? bare : "");
}

static int
entry_field(struct list_call *l, const char *name, char *text, size_t len)
{
    struct s3_entry *en = &l->entry[l->count];

    if (strcmp(name, "Key") == 0) {
        l->saw |= SAW_KEY;
        en->key_len = len;
        en->key = arena_dup(&l->arena, text, len);
        return en->key ? 0 : -ENOMEM;
    }
    if (strcmp(name, "Size") == 0) {
        l->saw |= SAW_SIZE;
        return text_parse_u64(&en->size, text) ? 0 : page_bad(l, "bad Size");
    }
    if (strcmp(name, "LastModified") == 0)
        return s3_parse_iso8601(&en->mtime, text)
                   ? 0
                   : page_bad(l, "bad LastModified");
    if (strcmp(name, "ETag") == 0)
        return entry_etag(l, en, text);
    if (strcmp(name, "StorageClass") == 0 && s3_word_ok(text, 64))
        return keep(l, &en->storage_class, text);
    if (strcmp(name, "ChecksumAlgorithm") == 0)
        en->algorithm |=
            strcmp(text, "CRC32") == 0 ? S3_ALG_CRC32 : S3_ALG_OTHER;
    else if (strcmp(name, "ChecksumType") == 0)
        en->type = s3_parse_type(text);
    return 0;
}

static int
on_open(void *user, const char *path)
{
    return strcmp(path, "Contents") == 0 ? entry_begin(user) : 0;
}

static int
on_close(void *user, const char *path, char *text, size_t len)
{
    struct list_call *l = user;

    if (strncmp(path, "Contents/", 9) == 0)
        return entry_field(l, path + 9, text, len);
    if (strcmp(path, "Contents") == 0)
        return entry_end(l);
    if (strcmp(path, "CommonPrefixes/Prefix") == 0)
        return common_add(l, text, len);
    if (strcmp(path, "EncodingType") == 0)
        l->encoded = strcmp(text, "url") == 0;
    else if (strcmp(path, "IsTruncated") == 0)
        l->truncated = strcmp(text, "true") == 0;
    else if (strcmp(path, "NextContinuationToken") == 0 && len > 0) {
        l->next = arena_dup(&l->arena, text, len);
        return l->next ? 0 : -ENOMEM;
    }
    return 0;
}

/* ------------------------------------------------------------- the page */

/* Decodes (a space is "+" in this encoding) and checks one name; the text
 * is in the arena already and only gets shorter. */
static int
fix_name(struct list_call *l, struct buf *tmp, const char *name, size_t *len)
{
    if (l->encoded) {
        buf_reset(tmp);
        if (text_unpercent(tmp, name, *len, true) < 0)
            return page_bad(l, "bad encoding of a key");
        memcpy((char *)name, buf_str(tmp), tmp->len + 1);
        *len = tmp->len;
    }
    if (*len == 0 || *len > S3_KEY_MAX)
        return page_bad(l, *len ? "key too long" : "empty key");
    if (*len < l->prefix_len || memcmp(name, l->prefix, l->prefix_len) != 0)
        return page_bad(l, "a key outside the prefix");
    return 0;
}

static int
fix_names(struct list_call *l)
{
    CLEANUP_BUF struct buf tmp = BUF_INIT(4 * S3_KEY_MAX);
    size_t i;
    int r = 0;

    for (i = 0; r == 0 && i < l->count; i++)
        r = fix_name(l, &tmp, l->entry[i].key, &l->entry[i].key_len);
    for (i = 0; r == 0 && i < l->common_count; i++)
        r = fix_name(l, &tmp, l->common[i], &l->common_len[i]);
    return r;
}

static int
list_parse(struct s3_call *c, const struct net_response *resp)
{
    struct list_call *l = (struct list_call *)c;
    const struct s3_xml x = {.root = {"ListBucketResult"},
                             .open = on_open,
                             .close = on_close,
                             .user = l};
    int r;

    (void)resp;
    page_reset(l);
    r = s3_xml_answer(c, &x);
    if (r < 0)
        return r;
    r = fix_names(l);
    if (r < 0)
        return r;
    if (!l->truncated)
        l->next = NULL;
    else
        r = s3_pages_turn(&l->pages, c, "listing", l->next, NULL);
    if (r < 0)
        return r;
    l->page = (struct s3_page){.entry = l->entry,
                               .count = l->count,
                               .prefix = l->common,
                               .prefix_len = l->common_len,
                               .prefix_count = l->common_count,
                               .next = l->next};
    return 0;
}

static void
list_answer(struct s3_call *c)
{
    struct list_call *l = (struct list_call *)c;

    if (c->error.err == 0)
        s3_count(c->s, S3_COUNTER(listed_keys), l->page.count);
    l->cb(c->user, &c->error, c->error.err ? NULL : &l->page);
}

static void
list_destroy(struct s3_call *c)
{
    struct list_call *l = (struct list_call *)c;

    page_reset(l);
    free(l->prefix);
    s3_pages_free(&l->pages);
}

static const struct s3_verb list_verb = {
    .word = "LIST",
    .method = "GET",
    .counter = S3_COUNTER(list),
    .answer_max = PAGE_BYTES_MAX,
    .parse = list_parse,
    .answer = list_answer,
    .destroy = list_destroy,
};

static void
list_query(struct list_call *l, const struct s3_list_args *a)
{
    struct s3_call *c = &l->c;

    s3_query_str(c, "list-type", "2");
    s3_query_str(c, "encoding-type", "url");
    s3_query(c, "prefix", a->prefix ? a->prefix : "", l->prefix_len);
    if (a->delimiter)
        s3_query_str(c, "delimiter", "/");
    if (a->max_keys)
        s3_query_num(c, "max-keys", a->max_keys);
    if (a->start_after)
        s3_query_str(c, "start-after", a->start_after);
    if (a->token)
        s3_query_str(c, "continuation-token", a->token);
}

s3_id
s3_list(struct s3 *s, const struct s3_list_args *args, s3_list_cb *cb,
        void *user)
{
    struct s3_where at = {.bucket = args->bucket};
    struct list_call *l = s3_call_new(s, sizeof(*l), &list_verb, &at, user);

    l->cb = cb;
    l->prefix_len = args->prefix ? args->prefix_len : 0;
    l->prefix = malloc(l->prefix_len + 1);
    if (l->prefix && l->prefix_len)
        memcpy(l->prefix, args->prefix, l->prefix_len);
    if (!l->prefix)
        s3_call_fail(&l->c, -ENOMEM);
    if (args->token &&
        *args->token) /* the one page that is asked for begins there */
        s3_call_fail(&l->c, s3_pages_turn(&l->pages, &l->c, "listing",
                                          args->token, NULL));
    l->c.patience = args->patience;
    list_query(l, args);
    return s3_call_start(&l->c);
}
