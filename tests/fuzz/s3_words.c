/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/: the small words of headers, each strictly: what is taken means one
 * thing, and writing it down gives the word again.
 */
#include <time.h>

#include "base/text.h"
#include "fuzz.h"
#include "s3/call.h"

static void
dates(const char *s)
{
    char again[64];
    struct tm tm;
    int64_t t;
    time_t sec;

    if (s3_parse_iso8601(&t, s)) {
        sec = (time_t)t;
        NEED(gmtime_r(&sec, &tm) && timegm(&tm) == sec);
        strftime(again, sizeof(again), "%Y-%m-%dT%H:%M:", &tm);
        if (strncmp(s + 17, "60", 2) != 0)
            NEED(strspn(s, "0123456789-") >= 10 &&
                 (s[0] == '0' || strncmp(again, s, 17) == 0));
    }
    if (s3_parse_http_date(&t, s)) {
        sec = (time_t)t;
        NEED(gmtime_r(&sec, &tm));
        strftime(again, sizeof(again), " %H:%M:", &tm);
        if (!strstr(s, ":60 GMT"))
            NEED(strstr(s, again));
    }
}

static void
content_range(const char *s)
{
    struct s3_content_range a, b;
    char again[100];

    if (!s3_parse_content_range(&a, s))
        return;
    NEED(a.first <= a.last && (!a.have_total || a.last < a.total));
    if (a.have_total)
        snprintf(again, sizeof(again), "bytes %llu-%llu/%llu",
                 (unsigned long long)a.first, (unsigned long long)a.last,
                 (unsigned long long)a.total);
    else
        snprintf(again, sizeof(again), "bytes %llu-%llu/*",
                 (unsigned long long)a.first, (unsigned long long)a.last);
    NEED(s3_parse_content_range(&b, again));
    NEED(a.first == b.first && a.last == b.last && a.total == b.total);
}

static void
etag(const char *s)
{
    char *text = strdup(s), *bare = s3_etag_bare(text), *p;

    if (bare) {
        NEED(strlen(bare) <= S3_ETAG_MAX);
        for (p = bare; *p; p++)
            NEED(*p > ' ' && *p < 0x7f);
        NEED(strpbrk(bare, "\"&<>") == NULL);
    }
    free(text);
}

static void
checksums(struct input in)
{
    char *value = take_string(&in, '\n'), *type = take_string(&in, '\n');
    char *tag = take_string(&in, '\n'), word[9];
    uint32_t crc;

    if (s3_full_crc32(&crc, value, type, tag)) {
        text_crc32(word, crc);
        NEED(strcmp(word, value) == 0);
        NEED(*type == '\0' || strcmp(type, "FULL_OBJECT") == 0);
    }
    s3_retry_after_ms(value, type);
    free(value);
    free(type);
    free(tag);
}

static void
endpoint(const char *s)
{
    struct buf host = BUF_INIT(4096), path = BUF_INIT(16384);
    struct s3_endpoint ep = {0};
    struct err e = {0};
    int r = s3_endpoint_parse(&ep, s, &e);

    NEED(r == 0 || (r < 0 && e.num > 0));
    if (r == 0) {
        s3_endpoint_path_style(&ep, "bucket");
        r = s3_endpoint_address(&ep, "us-east-1", "bucket", s, strlen(s),
                                &host, &path);
        NEED(r == 0 || r == -EMSGSIZE);
    }
    s3_endpoint_free(&ep);
    if (s3_region_ok(s))
        NEED(s3_word_ok(s, S3_REGION_MAX - 1) && s3_partition(s));
    s3_error_row(s, 400);
    buf_free(&host);
    buf_free(&path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size}, rest = in;
    char *s = take_string(&rest, -1);

    dates(s);
    content_range(s);
    etag(s);
    checksums(in);
    endpoint(s);
    free(s);
    return 0;
}
