/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The parser of ini.h.  Unlike Python's it lets a section or an option
 * come twice: the later one wins.
 */
#include "aws/ini.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20, NESTED_KEY_MAX = 256 };

struct parser {
    struct ini *ini;
    struct ini_section *section; /* NULL before the first */
    bool in_option;              /* the last pair may go on */
    size_t indent;               /* of the last section or option line */
};

/* -------------------------------------------------------------- pieces */

static char *
dup_range(const char *p, const char *end)
{
    return strndup(p, (size_t)(end - p));
}

static void
trim(const char **p, const char **end)
{
    while (*p < *end && isspace((unsigned char)**p))
        (*p)++;
    while (*end > *p && isspace((unsigned char)(*end)[-1]))
        (*end)--;
}

static int
add_section(struct parser *ps, const char *p, const char *end)
{
    struct ini *ini = ps->ini;
    struct ini_section *more;
    size_t i;

    ps->in_option = false;
    for (i = 0; i < ini->count; i++)
        if (strlen(ini->section[i].name) == (size_t)(end - p) &&
            memcmp(ini->section[i].name, p, (size_t)(end - p)) == 0) {
            ps->section = &ini->section[i];
            return 0;
        }
    more = reallocarray(ini->section, ini->count + 1, sizeof(*more));
    if (!more)
        return -ENOMEM;
    ini->section = more;
    ps->section = &more[ini->count];
    *ps->section = (struct ini_section){.name = dup_range(p, end)};
    if (!ps->section->name)
        return -ENOMEM;
    ini->count++;
    return 0;
}

static void
pair_free(struct ini_pair *pair)
{
    free(pair->key);
    if (pair->value)
        OPENSSL_cleanse(pair->value, strlen(pair->value));
    free(pair->value);
}

static void
remove_pair(struct ini_section *s, const char *key)
{
    size_t i;

    for (i = 0; i < s->count; i++)
        if (strcmp(s->pair[i].key, key) == 0) {
            pair_free(&s->pair[i]);
            s->pair[i] = s->pair[--s->count];
            return;
        }
}

/* Takes key and value, whatever comes. */
static int
add_pair(struct ini_section *s, char *key, char *value)
{
    struct ini_pair pair = {key, value}, *more = NULL;

    if (key && value) {
        remove_pair(s, key);
        more = reallocarray(s->pair, s->count + 1, sizeof(*more));
    }
    if (!more) {
        pair_free(&pair);
        return -ENOMEM;
    }
    s->pair = more;
    s->pair[s->count++] = pair;
    return 0;
}

static int
add_option(struct parser *ps, const char *p, const char *end)
{
    const char *mark = p, *key_end, *value;
    char *key, *c;

    while (mark < end && *mark != '=' && *mark != ':')
        mark++;
    key_end = mark;
    value = mark + 1;
    if (mark == end)
        return -EINVAL;
    trim(&p, &key_end);
    trim(&value, &end);
    if (p == key_end)
        return -EINVAL;
    key = dup_range(p, key_end);
    for (c = key; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    ps->in_option = true;
    return add_pair(ps->section, key, dup_range(value, end));
}

/* One more line of the last option's value. */
static int
continue_option(struct parser *ps, const char *p, const char *end)
{
    struct ini_pair *last = &ps->section->pair[ps->section->count - 1];
    size_t had = strlen(last->value), n = (size_t)(end - p);
    char *more = malloc(had + n + 2);

    if (!more)
        return -ENOMEM;
    memcpy(more, last->value, had);
    more[had] = '\n';
    memcpy(more + had + 1, p, n);
    more[had + 1 + n] = '\0';
    OPENSSL_cleanse(last->value, had);
    free(last->value);
    last->value = more;
    return 0;
}

static int
parse_line(struct parser *ps, const char *line, const char *end)
{
    const char *p = line, *bracket;
    size_t indent;

    trim(&p, &end);
    if (p < end && (*p == '#' || *p == ';'))
        return 0;
    if (p == end) /* part of a value that goes on, or nothing */
        return ps->in_option ? continue_option(ps, p, p) : 0;
    indent = (size_t)(p - line);
    if (ps->in_option && indent > ps->indent)
        return continue_option(ps, p, end);
    ps->indent = indent;
    bracket = *p == '[' ? memrchr(p, ']', (size_t)(end - p)) : NULL;
    if (bracket && bracket > p + 1)
        return add_section(ps, p + 1, bracket);
    return ps->section ? add_option(ps, p, end) : -EINVAL;
}

/* ------------------------------------------------------------- nesting */

static int
add_nested(struct ini_section *s, const char *group, const char *p,
           const char *end)
{
    const char *mark = memchr(p, '=', (size_t)(end - p)), *value;
    char key[NESTED_KEY_MAX];
    int n;

    if (!mark)
        return -EINVAL;
    value = mark + 1;
    trim(&p, &mark);
    trim(&value, &end);
    n = snprintf(key, sizeof(key), "%s\n%.*s", group, (int)(mark - p), p);
    if (n < 0 || (size_t)n >= sizeof(key))
        return -EINVAL;
    return add_pair(s, strdup(key), dup_range(value, end));
}

/* The value begins with a line break: its lines are settings. */
static int
nest(struct ini_section *s, const char *group, const char *value)
{
    const char *p = value, *end, *line_end;
    int r = 0;

    for (; r == 0 && *p; p = *end ? end + 1 : end) {
        end = strchrnul(p, '\n');
        line_end = end;
        trim(&p, &line_end);
        if (p < line_end)
            r = add_nested(s, group, p, line_end);
    }
    return r;
}

static void
trim_end(char *s)
{
    size_t n = strlen(s);

    while (n && isspace((unsigned char)s[n - 1]))
        s[--n] = '\0';
}

static int
nest_section(struct ini_section *s)
{
    size_t i, count = s->count;
    char *group, *value;
    int r = 0;

    for (i = 0; r == 0 && i < count; i++) {
        trim_end(s->pair[i].value);
        if (s->pair[i].value[0] != '\n')
            continue;
        /* add_pair moves the pairs: keep copies. */
        group = strdup(s->pair[i].key);
        value = strdup(s->pair[i].value);
        r = group && value ? nest(s, group, value) : -ENOMEM;
        free(group);
        free(value);
    }
    return r;
}

/* -------------------------------------------------------------- public */

static int
parse_lines(struct parser *ps, const char *text, const char *text_end,
            unsigned *line_number)
{
    const char *p, *end;
    int r = 0;

    for (p = text; r == 0 && p < text_end; p = end + 1) {
        end = memchr(p, '\n', (size_t)(text_end - p));
        if (!end)
            end = text_end;
        ++*line_number;
        r = parse_line(ps, p, end);
    }
    return r;
}

int
ini_parse(struct ini *ini, const char *text, size_t n, const char *name,
          struct err *e)
{
    struct parser ps = {.ini = ini};
    unsigned line = 0;
    size_t i;
    int r;

    if (memchr(text, '\0', n))
        return err_set(e, EINVAL, "%s: not a text file", name);
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        n -= 3;
    }
    r = parse_lines(&ps, text, text + n, &line);
    if (r == -EINVAL)
        return err_set(e, EINVAL,
                       "%s, line %u: neither a section nor an "
                       "option",
                       name, line);
    for (i = 0; r == 0 && i < ini->count; i++)
        r = nest_section(&ini->section[i]);
    if (r == -EINVAL)
        return err_set(e, EINVAL,
                       "%s, section [%s]: a nested line has no "
                       "'='",
                       name, ini->section[i - 1].name);
    return r < 0 ? err_set(e, -r, "%s: %s", name, strerror(-r)) : 0;
}

static int
read_all(int fd, char *p, size_t max, size_t *ret)
{
    ssize_t k;
    size_t n = 0;

    while (n < max && (k = read(fd, p + n, max - n)) != 0) {
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -errno;
        n += (size_t)k;
    }
    *ret = n;
    return n == max ? -EFBIG : 0;
}

int
ini_load(struct ini *ini, const char *path, struct err *e)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CLEANUP_FREE char *text = NULL;
    size_t n = 0;
    int r;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (fd < 0)
        return err_set(e, errno, "%s: %s", path, strerror(errno));
    text = malloc(FILE_MAX);
    if (!text)
        return err_set(e, ENOMEM, "out of memory");
    r = read_all(fd, text, FILE_MAX, &n);
    if (r < 0)
        err_set(e, -r, "%s: %s", path, strerror(-r));
    else
        r = ini_parse(ini, text, n, path, e);
    OPENSSL_cleanse(text, n);
    return r;
}

const struct ini_section *
ini_section(const struct ini *ini, const char *name)
{
    size_t i;

    for (i = ini->count; i-- > 0;)
        if (strcmp(ini->section[i].name, name) == 0)
            return &ini->section[i];
    return NULL;
}

const char *
ini_get(const struct ini_section *s, const char *key)
{
    size_t i;

    for (i = 0; s && i < s->count; i++)
        if (strcmp(s->pair[i].key, key) == 0)
            return s->pair[i].value;
    return NULL;
}

const char *
ini_get_nested(const struct ini_section *s, const char *group, const char *key)
{
    char name[NESTED_KEY_MAX];

    snprintf(name, sizeof(name), "%s\n%s", group, key);
    return ini_get(s, name);
}

void
ini_free(struct ini *ini)
{
    size_t i, k;

    for (i = 0; i < ini->count; i++) {
        for (k = 0; k < ini->section[i].count; k++)
            pair_free(&ini->section[i].pair[k]);
        free(ini->section[i].pair);
        free(ini->section[i].name);
    }
    free(ini->section);
    *ini = (struct ini){0};
}
