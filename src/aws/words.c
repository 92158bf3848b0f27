/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Small parsers: words of a command line, times, URLs.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "aws/aws_priv.h"
#include "base/buf.h"

enum { WORDS_MAX = 1000, WORD_MAX = 128 * 1024 };

bool
word_is_true(const char *s)
{
    return s && strcasecmp(s, "true") == 0;
}

/* --------------------------------------------------------------- words */

void
words_free(char **words)
{
    size_t i;

    for (i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

/* One word into b; *p moves behind it.  Rules of a POSIX shell's quoting. */
static int
take_word(const char **p, struct buf *b)
{
    const char *s = *p;
    char quote = 0;
    int r = 0;

    for (; r == 0 && *s && (quote || !isspace((unsigned char)*s)); s++) {
        if (*s == quote) {
            quote = 0;
        } else if (!quote && (*s == '\'' || *s == '"')) {
            quote = *s;
        } else if (*s == '\\' && quote != '\'' &&
                   (!quote || s[1] == '"' || s[1] == '\\')) {
            if (!*++s)
                return -EINVAL;
            r = buf_addc(b, *s);
        } else {
            r = buf_addc(b, *s);
        }
    }
    *p = s;
    return r == 0 && quote ? -EINVAL : r;
}

int
words_split(const char *s, char ***ret)
{
    char **words = calloc(WORDS_MAX + 1, sizeof(*words));
    size_t n = 0;
    int r = words ? 0 : -ENOMEM;

    while (r == 0) {
        CLEANUP_BUF struct buf b = BUF_INIT(WORD_MAX);

        while (isspace((unsigned char)*s))
            s++;
        if (!*s)
            break;
        r = n == WORDS_MAX ? -EINVAL : take_word(&s, &b);
        if (r == 0)
            r = buf_add(&b, "", 0);
        if (r == 0)
            words[n++] = buf_steal(&b);
    }
    if (r < 0) {
        words_free(words);
        return r;
    }
    *ret = words;
    return 0;
}

/* ---------------------------------------------------------------- time */

/* "", "Z", "+hh:mm", "-hhmm": seconds east of Greenwich. */
static int
parse_zone(const char *s, int *ret)
{
    int h = 0, m = 0, n = 0, sign = *s == '-' ? -1 : 1;

    *ret = 0;
    if (!*s || strcmp(s, "Z") == 0 || strcmp(s, "UTC") == 0)
        return 0;
    if (*s != '+' && *s != '-')
        return -EINVAL;
    if (sscanf(s + 1, "%2d:%2d%n", &h, &m, &n) != 2 &&
        sscanf(s + 1, "%2d%2d%n", &h, &m, &n) != 2)
        return -EINVAL;
    *ret = sign * (h * 3600 + m * 60);
    return s[1 + n] ? -EINVAL : 0;
}

int
parse_time(const char *s, int64_t *ret)
{
    struct tm tm = {0};
    int n = 0, zone;

    if (sscanf(s, "%4d-%2d-%2d%*1[T ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon,
               &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n) != 6 ||
        !n)
        return -EINVAL;
    s += n;
    if (*s == '.')
        for (s++; isdigit((unsigned char)*s);)
            s++;
    if (parse_zone(s, &zone) < 0)
        return -EINVAL;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ret = (int64_t)timegm(&tm) - zone;
    return 0;
}

/* ----------------------------------------------------------------- URL */

static int
take_host(const char *authority, struct url *u)
{
    const char *end = authority + strlen(authority);

    if (*authority == '[') {
        authority++;
        end = strchr(authority, ']');
        if (!end || (end[1] && end[1] != ':'))
            return -EINVAL;
    } else {
        end = strchrnul(authority, ':');
    }
    if (end == authority || (size_t)(end - authority) >= sizeof(u->host))
        return -EINVAL;
    memcpy(u->host, authority, (size_t)(end - authority));
    u->host[end - authority] = '\0';
    return 0;
}

int
parse_url(const char *s, struct url *u)
{
    size_t n, i;

    if (strncasecmp(s, "http://", 7) == 0)
        u->https = false;
    else if (strncasecmp(s, "https://", 8) == 0)
        u->https = true;
    else
        return -EINVAL;
    s += u->https ? 8 : 7;
    n = strcspn(s, "/?#");
    if (n >= sizeof(u->authority))
        return -EINVAL;
    /* No user names ("http://127.0.0.1@elsewhere/"), nothing odd. */
    for (i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr(".-_:[]", s[i]))
            return -EINVAL;
    memcpy(u->authority, s, n);
    u->authority[n] = '\0';
    u->path = s + n;
    return take_host(u->authority, u);
}

bool
host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
