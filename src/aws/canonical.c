/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The canonical request of Signature Version 4: the query sorted, the
 * headers trimmed and sorted.  S3's variant: the path is encoded once and
 * never normalised.  Must not know the secret key.
 */
#include "aws/canonical.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HEADERS_MAX = 64, QUERY_MAX = 64 };

/* A name and a value inside the caller's strings. */
struct pair {
    const char *name, *value;
    size_t name_len, value_len;
};

struct canonical {
    const struct aws_sign *s;
    const struct aws_identity *id;
    const char *stamp;
    struct pair header[HEADERS_MAX];
    int headers;
    struct buf *text, *names;
};

/* --------------------------------------------------------------- query */

static int
compare_bytes(const char *a, size_t an, const char *b, size_t bn)
{
    int c = memcmp(a, b, an < bn ? an : bn);

    return c ? c : (an > bn) - (an < bn);
}

static int
compare_query(const void *va, const void *vb)
{
    const struct pair *a = va, *b = vb;
    int c = compare_bytes(a->name, a->name_len, b->name, b->name_len);

    if (c)
        return c;
    return compare_bytes(a->value, a->value_len, b->value, b->value_len);
}

static int
split_query(const char *query, struct pair *pair, int *ret_count)
{
    const char *p, *end, *eq;
    int count = 0;

    for (p = query; *p; p = *end ? end + 1 : end) {
        end = strchrnul(p, '&');
        if (end == p)
            continue;
        if (count == QUERY_MAX)
            return -E2BIG;
        eq = memchr(p, '=', (size_t)(end - p));
        pair[count].name = p;
        pair[count].name_len = (size_t)((eq ? eq : end) - p);
        pair[count].value = eq ? eq + 1 : end;
        pair[count].value_len = (size_t)(end - pair[count].value);
        count++;
    }
    *ret_count = count;
    return 0;
}

static int
add_query(struct canonical *k)
{
    struct pair pair[QUERY_MAX];
    int n = 0, i, r = split_query(k->s->query, pair, &n);

    if (r < 0)
        return r;
    qsort(pair, (size_t)n, sizeof(pair[0]), compare_query);
    for (i = 0; r == 0 && i < n; i++)
        r = buf_addf(k->text, "%s%.*s=%.*s", i ? "&" : "",
                     (int)pair[i].name_len, pair[i].name,
                     (int)pair[i].value_len, pair[i].value);
    return r == 0 ? buf_addc(k->text, '\n') : r;
}

/* ------------------------------------------------------------- headers */

static int
add_pair(struct canonical *k, const char *name, size_t name_len,
         const char *value)
{
    if (k->headers == HEADERS_MAX)
        return -E2BIG;
    k->header[k->headers++] = (struct pair){
        .name = name,
        .name_len = name_len,
        .value = value,
        .value_len = strlen(value),
    };
    return 0;
}

static int
collect_headers(struct canonical *k)
{
    const char *const *h, *colon;
    int r = add_pair(k, "host", 4, k->s->host);

    if (r == 0)
        r = add_pair(k, "x-amz-date", 10, k->stamp);
    if (r == 0)
        r = add_pair(k, "x-amz-content-sha256", 20, k->s->payload_hash);
    if (r == 0 && k->id->session_token)
        r = add_pair(k, "x-amz-security-token", 20, k->id->session_token);
    for (h = k->s->headers; r == 0 && h && *h; h++) {
        colon = strchr(*h, ':');
        if (!colon)
            return -EINVAL;
        r = add_pair(k, *h, (size_t)(colon - *h), colon + 1);
    }
    return r;
}

static int
compare_header(const void *va, const void *vb)
{
    const struct pair *a = va, *b = vb;
    size_t n = a->name_len < b->name_len ? a->name_len : b->name_len;
    int c = strncasecmp(a->name, b->name, n);

    /* A prefix comes first: libcurl's mistake was to look at the colon. */
    return c ? c : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

static int
add_lower(struct buf *b, const struct pair *h)
{
    size_t i;
    int r = 0;

    for (i = 0; r == 0 && i < h->name_len; i++)
        r = buf_addc(b, (char)tolower((unsigned char)h->name[i]));
    return r;
}

/* White space at the ends goes, inside it becomes one space. */
static int
add_trimmed(struct buf *b, const struct pair *h)
{
    bool space = false, any = false;
    size_t i;
    int r = 0;

    for (i = 0; r == 0 && i < h->value_len; i++) {
        if (isspace((unsigned char)h->value[i])) {
            space = true;
            continue;
        }
        if (space && any)
            r = buf_addc(b, ' ');
        if (r == 0)
            r = buf_addc(b, h->value[i]);
        space = false;
        any = true;
    }
    return r;
}

static int
add_headers(struct canonical *k)
{
    int i, r = 0;

    qsort(k->header, (size_t)k->headers, sizeof(k->header[0]), compare_header);
    for (i = 0; r == 0 && i < k->headers; i++) {
        r = add_lower(k->text, &k->header[i]);
        if (r == 0)
            r = buf_addc(k->text, ':');
        if (r == 0)
            r = add_trimmed(k->text, &k->header[i]);
        if (r == 0)
            r = buf_addc(k->text, '\n');
        if (r == 0 && i)
            r = buf_addc(k->names, ';');
        if (r == 0)
            r = add_lower(k->names, &k->header[i]);
    }
    return r;
}

/* ------------------------------------------------------------- request */

int
canonical_request(const struct aws_sign *s, const struct aws_identity *id,
                  const char *stamp, struct buf *text, struct buf *names)
{
    struct canonical k = {
        .s = s, .id = id, .stamp = stamp, .text = text, .names = names};
    int r = buf_addf(text, "%s\n%s\n", s->method, s->path[0] ? s->path : "/");

    if (r == 0)
        r = add_query(&k);
    if (r == 0)
        r = collect_headers(&k);
    if (r == 0)
        r = add_headers(&k);
    if (r == 0)
        r = buf_addf(text, "\n%s\n%s", buf_str(names), s->payload_hash);
    return r;
}
