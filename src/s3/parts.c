/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * ListParts: what an upload in progress has so far, all pages.  (abort.c
 * asks the same to see that nothing is left.)  What stores say of the
 * parts' checksums is in doc/operations.md.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"
#include "s3/multipart.h"

enum { PARTS_BYTES_MAX = 8 * 1024 * 1024 };

/* What an element Part has so far. */
enum { SAW_NUMBER = 1, SAW_SIZE = 2, SAW_ETAG = 4, SAW_ALL = 7 };

struct parts_call {
    struct s3_call c;
    s3_parts_cb *cb;
    char *upload_id;
    struct arena arena; /* of ETags */
    struct s3_listed_part *part;
    size_t count, cap;
    bool crc32;
    struct s3_pages pages;
    /* The page: */
    size_t page_begin; /* in part[] */
    bool truncated;
    unsigned saw;
    struct s3_listed_part now;
};

static int
bad(struct parts_call *p, const char *why)
{
    s3_error_message(&p->c.error, "malformed list of parts: %s", why);
    return -EPROTO;
}

static int
on_open(void *user, const char *path)
{
    struct parts_call *p = user;

    if (strcmp(path, "Part") == 0) {
        p->now = (struct s3_listed_part){0};
        p->saw = 0;
    }
    return 0;
}

static int
part_end(struct parts_call *p)
{
    size_t cap = p->cap ? p->cap * 2 : 64;
    struct s3_listed_part *more;

    if (p->saw != SAW_ALL)
        return bad(p, "a part without number, size or ETag");
    if (p->count >= S3_PARTS_MAX)
        return bad(p, "too many parts");
    if (p->count == p->cap) {
        more = realloc(p->part, cap * sizeof(*more));
        if (!more)
            return -ENOMEM;
        p->part = more;
        p->cap = cap;
    }
    p->part[p->count++] = p->now;
    return 0;
}

static int
part_number(struct parts_call *p, const char *text)
{
    uint64_t n;

    if (!text_parse_u64(&n, text) || n < 1 || n > S3_PARTS_MAX)
        return bad(p, "bad PartNumber");
    p->now.number = (uint32_t)n;
    p->saw |= SAW_NUMBER;
    return 0;
}

static int
part_etag(struct parts_call *p, char *text)
{
    char *bare = s3_etag_bare(text);

    if (!bare || !*bare)
        return bad(p, "bad ETag");
    p->now.etag = arena_dup(&p->arena, bare, strlen(bare));
    p->saw |= SAW_ETAG;
    return p->now.etag ? 0 : -ENOMEM;
}

static int
part_field(struct parts_call *p, const char *name, char *text)
{
    if (strcmp(name, "PartNumber") == 0)
        return part_number(p, text);
    if (strcmp(name, "ETag") == 0)
        return part_etag(p, text);
    if (strcmp(name, "Size") == 0) {
        if (!text_parse_u64(&p->now.size, text) || p->now.size > INT64_MAX)
            return bad(p, "bad Size");
        p->saw |= SAW_SIZE;
    } else if (strcmp(name, "ChecksumCRC32") == 0) {
        p->now.have_crc32 = text_parse_crc32(&p->now.crc32, text);
    }
    return 0;
}

static int
on_close(void *user, const char *path, char *text, size_t len)
{
    struct parts_call *p = user;

    (void)len;
    if (strncmp(path, "Part/", 5) == 0)
        return part_field(p, path + 5, text);
    if (strcmp(path, "Part") == 0)
        return part_end(p);
    if (strcmp(path, "IsTruncated") == 0)
        p->truncated = strcmp(text, "true") == 0;
    else if (strcmp(path, "ChecksumAlgorithm") == 0)
        p->crc32 = strcmp(text, "CRC32") == 0;
    return 0;
}

static int
by_number(const void *a, const void *b)
{
    const struct s3_listed_part *x = a, *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

/* A page is sorted here (a file system's order is no order), and must lie
 * behind the one before. */
static int
sort_page(struct parts_call *p)
{
    size_t i, n = p->count - p->page_begin;

    if (n > 0)
        qsort(p->part + p->page_begin, n, sizeof(*p->part), by_number);
    for (i = p->page_begin; i < p->count; i++) {
        if (i > 0 && p->part[i].number <= p->part[i - 1].number)
            return bad(p, "parts out of order");
    }
    return 0;
}

/* Behind the last part that came, not where the answer says: so none can be
 * left out. */
static void
parts_query(struct parts_call *p)
{
    struct s3_call *c = &p->c;

    buf_reset(&c->query);
    if (p->count > 0)
        s3_query_num(c, "part-number-marker", p->part[p->count - 1].number);
    s3_query_str(c, "uploadId", p->upload_id);
}

static int
parts_parse(struct s3_call *c, const struct net_response *resp)
{
    struct parts_call *p = (struct parts_call *)c;
    const struct s3_xml x = {.root = {"ListPartsResult"},
                             .open = on_open,
                             .close = on_close,
                             .user = p};
    int r;

    (void)resp;
    p->page_begin = p->count;
    p->truncated = false;
    r = s3_xml_answer(c, &x);
    if (r == 0)
        r = sort_page(p);
    if (r < 0) {
        p->count = p->page_begin; /* the page may come again */
        return r;
    }
    if (!p->truncated)
        return 0;
    r = s3_pages_turn_number(&p->pages, c, "list of parts",
                             p->count ? p->part[p->count - 1].number : 0);
    if (r < 0)
        return r;
    parts_query(p);
    return S3_CALL_NEXT;
}

static void
parts_answer(struct s3_call *c)
{
    struct parts_call *p = (struct parts_call *)c;
    const struct s3_parts out = {p->part, p->count, p->crc32};

    p->cb(c->user, &c->error, c->error.err ? NULL : &out);
}

static void
parts_destroy(struct s3_call *c)
{
    struct parts_call *p = (struct parts_call *)c;

    arena_free(&p->arena);
    s3_pages_free(&p->pages);
    free(p->part);
    free(p->upload_id);
}

static const struct s3_verb parts_verb = {
    .word = "PARTS",
    .method = "GET",
    .counter = S3_COUNTER(list_parts),
    .answer_max = PARTS_BYTES_MAX,
    .parse = parts_parse,
    .answer = parts_answer,
    .destroy = parts_destroy,
};

s3_id
s3_list_parts(struct s3 *s, const struct s3_where *at, const char *upload_id,
              s3_parts_cb *cb, void *user)
{
    struct parts_call *p = s3_call_new(s, sizeof(*p), &parts_verb, at, user);

    p->cb = cb;
    p->upload_id = strdup(upload_id);
    if (p->upload_id)
        parts_query(p);
    else
        s3_call_fail(&p->c, -ENOMEM);
    return s3_call_start(&p->c);
}
