/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The small words of answers, parsed strictly: ETags, dates, content
 * ranges, checksum headers.  Must not know calls.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"

static bool
visible(const char *s, size_t n, const char *but)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (s[i] <= ' ' || s[i] >= 0x7f || strchr(but, s[i]))
            return false;
    }
    return true;
}

bool
s3_word_ok(const char *text, size_t max)
{
    size_t n = strlen(text);

    return n > 0 && n <= max && visible(text, n, "");
}

static const char *const quotes[] = {"\"", "&quot;", "&#34;", "&#x22;"};

/* Length of the quote that s begins (ends) with. */
static size_t
quote_at(const char *s, size_t n, bool end)
{
    size_t i, k;

    for (i = 0; i < ARRAY_SIZE(quotes); i++) {
        k = strlen(quotes[i]);
        if (n >= k && memcmp(end ? s + n - k : s, quotes[i], k) == 0)
            return k;
    }
    return 0;
}

char *
s3_etag_bare(char *text)
{
    size_t n;

    text += strspn(text, " \t\r\n");
    if (strncmp(text, "W/", 2) == 0)
        text += 2;
    n = strlen(text);
    while (n > 0 && strchr(" \t\r\n", text[n - 1]))
        n--;
    n -= quote_at(text, n, true);
    text[n] = '\0';
    text += quote_at(text, n, false);
    n = strlen(text);
    return n <= S3_ETAG_MAX && visible(text, n, "\"&<>") ? text : NULL;
}

/* ---------------------------------------------------------------- dates */

/* Exactly n digits at *s. */
static bool
digits(const char **s, int n, int *ret)
{
    int v = 0;

    for (; n > 0; n--, (*s)++) {
        if (**s < '0' || **s > '9')
            return false;
        v = v * 10 + (**s - '0');
    }
    *ret = v;
    return true;
}

static bool
literal(const char **s, const char *want)
{
    size_t n = strlen(want);

    if (strncmp(*s, want, n) != 0)
        return false;
    *s += n;
    return true;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms"). */
static int64_t
days_from_civil(int y, int m, int d)
{
    int64_t year = m <= 2 ? y - 1 : y;
    int64_t era = year / 400, yoe = year - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool
to_seconds(int64_t *ret, const int ymd[3], const int hms[3])
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y = ymd[0], m = ymd[1];
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

    if (y < 1 || m < 1 || m > 12 || ymd[2] < 1 ||
        ymd[2] > days[m - 1] + (leap && m == 2) || hms[0] > 23 ||
        hms[1] > 59 || hms[2] > 60)
        return false;
    *ret = days_from_civil(y, m, ymd[2]) * 86400 + hms[0] * 3600 +
           hms[1] * 60 + hms[2];
    return true;
}

static bool
clock_time(const char **s, int hms[3])
{
    return digits(s, 2, &hms[0]) && literal(s, ":") && digits(s, 2, &hms[1]) &&
           literal(s, ":") && digits(s, 2, &hms[2]);
}

bool
s3_parse_iso8601(int64_t *ret, const char *s)
{
    int ymd[3], hms[3];
    size_t n;

    if (!digits(&s, 4, &ymd[0]) || !literal(&s, "-") ||
        !digits(&s, 2, &ymd[1]) || !literal(&s, "-") ||
        !digits(&s, 2, &ymd[2]) || !literal(&s, "T") || !clock_time(&s, hms))
        return false;
    if (*s == '.') {
        n = strspn(s + 1, "0123456789");
        if (n == 0)
            return false;
        s += n + 1;
    }
    return strcmp(s, "Z") == 0 && to_seconds(ret, ymd, hms);
}

/* RFC 9110, "IMF-fixdate"; the day's name is not looked at. */
bool
s3_parse_http_date(int64_t *ret, const char *s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int ymd[3], hms[3], m;

    s = strchr(s, ',');
    if (!s || !literal(&s, ", ") || !digits(&s, 2, &ymd[2]) ||
        !literal(&s, " "))
        return false;
    for (m = 0; m < 12 && strncmp(s, months + 3 * m, 3) != 0; m++)
        ;
    if (m == 12)
        return false;
    ymd[1] = m + 1;
    s += 3;
    return literal(&s, " ") && digits(&s, 4, &ymd[0]) && literal(&s, " ") &&
           clock_time(&s, hms) && strcmp(s, " GMT") == 0 &&
           to_seconds(ret, ymd, hms);
}

/* -------------------------------------------------------------- headers */

static bool
number_until(const char **s, char end, uint64_t *ret)
{
    char word[24];
    size_t n = strspn(*s, "0123456789");

    if (n == 0 || n >= sizeof(word) || (*s)[n] != end)
        return false;
    memcpy(word, *s, n);
    word[n] = '\0';
    *s += n + (end != '\0');
    return text_parse_u64(ret, word);
}

bool
s3_parse_content_range(struct s3_content_range *ret, const char *s)
{
    struct s3_content_range cr = {0};

    if (!literal(&s, "bytes ") || !number_until(&s, '-', &cr.first) ||
        !number_until(&s, '/', &cr.last) || cr.first > cr.last)
        return false;
    cr.have_total = strcmp(s, "*") != 0;
    if (cr.have_total &&
        (!number_until(&s, '\0', &cr.total) || cr.last >= cr.total))
        return false;
    *ret = cr;
    return true;
}

enum s3_checksum_type
s3_parse_type(const char *s)
{
    if (strcmp(s, "FULL_OBJECT") == 0)
        return S3_TYPE_FULL;
    if (strcmp(s, "COMPOSITE") == 0)
        return S3_TYPE_COMPOSITE;
    return S3_TYPE_NONE;
}

/* ETags of multipart objects end in "-N". */
static bool
etag_has_parts(const char *etag)
{
    const char *dash = strrchr(etag, '-');

    return dash && dash[1] && dash[1 + strspn(dash + 1, "0123456789")] == 0;
}

bool
s3_full_crc32(uint32_t *ret, const char *value, const char *type,
              const char *etag)
{
    if (!value || !*value)
        return false;
    if (type && *type) {
        if (s3_parse_type(type) != S3_TYPE_FULL)
            return false;
    } else if (strchr(value, '-') || etag_has_parts(etag ? etag : "")) {
        return false;
    }
    return text_parse_crc32(ret, value);
}
