/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * GetObjectAttributes: the parts of an object with their checksums, all
 * pages.  A store without them gives none.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"

enum { ATTR_PAGE = 1000, ATTR_BYTES_MAX = 2 * 1024 * 1024 };

struct attr_call {
    struct s3_call c;
    s3_attrs_cb *cb;
    char etag[S3_ETAG_MAX + 1];
    uint64_t size;
    struct s3_attr_part *part;
    size_t count, cap;
    uint64_t marker; /* part number that the next page begins behind */
    struct s3_pages pages;
    /* The page: */
    char page_etag[S3_ETAG_MAX + 1];
    uint64_t number, next; /* of the part; NextPartNumberMarker */
    bool have_number, have_part_size, have_size, truncated;
    struct s3_attr_part now;
};

static int
bad(struct attr_call *a, const char *why)
{
    s3_error_message(&a->c.error, "malformed attributes: %s", why);
    return -EPROTO;
}

static int
on_open(void *user, const char *path)
{
    struct attr_call *a = user;

    if (strcmp(path, "ObjectParts/Part") == 0) {
        a->now = (struct s3_attr_part){0};
        a->have_number = a->have_part_size = false;
    }
    return 0;
}

static int
part_end(struct attr_call *a)
{
    size_t cap = a->cap ? a->cap * 2 : 16;
    struct s3_attr_part *p;

    if (!a->have_number || !a->have_part_size)
        return bad(a, "a part without number or size");
    if (a->number <= a->marker || a->count >= S3_PARTS_MAX)
        return bad(a, "parts out of order");
    if (a->count == a->cap) {
        p = realloc(a->part, cap * sizeof(*p));
        if (!p)
            return -ENOMEM;
        a->part = p;
        a->cap = cap;
    }
    a->marker = a->number;
    a->part[a->count++] = a->now;
    return 0;
}

static int
part_field(struct attr_call *a, const char *name, const char *text)
{
    if (strcmp(name, "PartNumber") == 0) {
        a->have_number = text_parse_u64(&a->number, text);
        return a->have_number ? 0 : bad(a, "bad PartNumber");
    }
    if (strcmp(name, "Size") == 0) {
        a->have_part_size = text_parse_u64(&a->now.size, text);
        return a->have_part_size ? 0 : bad(a, "bad Size");
    }
    if (strcmp(name, "ChecksumCRC32") == 0)
        a->now.have_crc32 = text_parse_crc32(&a->now.crc32, text);
    return 0;
}

static int
page_etag(struct attr_call *a, char *text)
{
    char *bare = s3_etag_bare(text);

    if (!bare)
        return bad(a, "bad ETag");
    strcpy(a->page_etag, bare);
    return 0;
}

static int
on_close(void *user, const char *path, char *text, size_t len)
{
    static const char parts[] = "ObjectParts/Part/";
    struct attr_call *a = user;

    (void)len;
    if (strncmp(path, parts, strlen(parts)) == 0)
        return part_field(a, path + strlen(parts), text);
    if (strcmp(path, "ObjectParts/Part") == 0)
        return part_end(a);
    if (strcmp(path, "ETag") == 0)
        return page_etag(a, text);
    if (strcmp(path, "ObjectSize") == 0) {
        a->have_size = text_parse_u64(&a->size, text);
        return a->have_size ? 0 : bad(a, "bad ObjectSize");
    }
    if (strcmp(path, "ObjectParts/IsTruncated") == 0)
        a->truncated = strcmp(text, "true") == 0;
    else if (strcmp(path, "ObjectParts/NextPartNumberMarker") == 0 &&
             !text_parse_u64(&a->next, text))
        return bad(a, "bad NextPartNumberMarker");
    return 0;
}

static int
attr_attempt(struct s3_call *c)
{
    struct attr_call *a = (struct attr_call *)c;
    char number[24];

    snprintf(number, sizeof(number), "%llu", (unsigned long long)a->marker);
    if (a->marker > 0)
        s3_header_to(c, &c->extra, "x-amz-part-number-marker", number);
    return 0;
}

static int
attr_parse(struct s3_call *c, const struct net_response *resp)
{
    struct attr_call *a = (struct attr_call *)c;
    const struct s3_xml x = {
        .root = {"GetObjectAttributesResponse", "GetObjectAttributesOutput"},
        .open = on_open,
        .close = on_close,
        .user = a};
    uint64_t before = a->marker;
    size_t count = a->count;
    int r;

    (void)resp;
    a->page_etag[0] = '\0';
    a->truncated = a->have_size = false;
    a->next = 0;
    r = s3_xml_answer(c, &x);
    if (r < 0) {
        a->marker = before; /* the page may come again */
        a->count = count;
        return r;
    }
    if (count > 0 && strcmp(a->page_etag, a->etag) != 0) {
        s3_error_message(&c->error, "the object's ETag changed");
        return -ESTALE;
    }
    strcpy(a->etag, a->page_etag);
    if (!a->have_size)
        return bad(a, "no ObjectSize");
    if (!a->truncated)
        return 0;
    if (a->next && a->next != a->marker)
        return bad(a, "a marker that is not the last part's");
    r = s3_pages_turn_number(&a->pages, c, "attributes", a->marker);
    return r < 0 ? r : S3_CALL_NEXT;
}

static void
attr_answer(struct s3_call *c)
{
    struct attr_call *a = (struct attr_call *)c;
    const struct s3_attrs out = {a->etag, a->size, a->part, a->count};

    a->cb(c->user, &c->error, c->error.err ? NULL : &out);
}

static void
attr_destroy(struct s3_call *c)
{
    struct attr_call *a = (struct attr_call *)c;

    s3_pages_free(&a->pages);
    free(a->part);
}

static const struct s3_verb attr_verb = {
    .word = "ATTRIBUTES",
    .method = "GET",
    .counter = S3_COUNTER(attributes),
    .answer_max = ATTR_BYTES_MAX,
    .attempt = attr_attempt,
    .parse = attr_parse,
    .answer = attr_answer,
    .destroy = attr_destroy,
};

s3_id
s3_attributes(struct s3 *s, const struct s3_where *at, s3_attrs_cb *cb,
              void *user)
{
    struct attr_call *a = s3_call_new(s, sizeof(*a), &attr_verb, at, user);

    a->cb = cb;
    s3_query(&a->c, "attributes", "", 0);
    s3_header(&a->c, "x-amz-object-attributes",
              "ETag,Checksum,ObjectParts,ObjectSize");
    s3_header_num(&a->c, "x-amz-max-parts", ATTR_PAGE);
    return s3_call_start(&a->c);
}
