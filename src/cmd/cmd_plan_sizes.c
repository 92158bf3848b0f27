/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip plan --sizes FILE: a layout from lines of size, tab, name.  Must
 * not know any store.
 */
#include "cmd/cmd_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "plan/plan.h"

enum { LINE_LONGEST = 70000 };

struct sizes {
    FILE *file;
    const char *name;
    uint64_t line, max;
    struct layout *l;
    size_t cap;
};

static int
bad_line(const struct sizes *s, const char *why, struct err *e)
{
    return err_set(e, EINVAL, "%s:%llu: %s", s->name,
                   (unsigned long long)s->line, why);
}

static int
grow(struct sizes *s)
{
    size_t cap = s->cap ? 2 * s->cap : 1024;
    struct zip_member *m = realloc(s->l->member, cap * sizeof(*m));

    if (!m)
        return -ENOMEM;
    s->l->member = m;
    s->cap = cap;
    return 0;
}

static int
add_member(struct sizes *s, uint64_t size, const char *name, size_t len,
           struct err *e)
{
    struct layout *l = s->l;
    char *copy = arena_dup(&l->arena, name, len);

    if (!copy || (l->zip.count == s->cap && grow(s) < 0))
        return err_set(e, ENOMEM, "out of memory");
    /* With --previous the same size stands for the same bytes. */
    l->member[l->zip.count++] = (struct zip_member){
        .key = copy,
        .name = copy,
        .etag = "-",
        .etag_len = 1,
        .size = size,
        .key_len = (uint16_t)len,
        .name_len = (uint16_t)len,
    };
    return 0;
}

/* "SIZE\tNAME" */
static int
add_line(struct sizes *s, char *line, size_t len, struct err *e)
{
    char *tab = memchr(line, '\t', len), *name;
    uint64_t size;
    size_t n;

    if (len == 0)
        return 0;
    if (!tab)
        return bad_line(s, "not a size, a tab and a name", e);
    *tab = '\0';
    name = tab + 1;
    n = len - (size_t)(name - line);
    if (!text_parse_size(&size, line) || size > INT64_MAX)
        return bad_line(s, "not a size", e);
    if (zip_name_faults(name, n) & ZIP_POISON_MASK)
        return bad_line(s, zip_fault_text(zip_name_faults(name, n)), e);
    if (name[n - 1] == '/' && size > 0)
        return bad_line(s, "a directory with bytes", e);
    if (s->l->zip.count >= s->max)
        return err_set(e, EFBIG, "%s: more than max_entries=%llu members",
                       s->name, (unsigned long long)s->max);
    return add_member(s, size, name, n, e);
}

static int
read_lines(struct sizes *s, struct err *e)
{
    CLEANUP_FREE char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int r = 0;

    errno = 0;
    while (r == 0 && (n = getline(&line, &cap, s->file)) >= 0) {
        s->line++;
        if (n > LINE_LONGEST)
            return bad_line(s, "too long", e);
        if (n > 0 && line[n - 1] == '\n')
            n--;
        r = add_line(s, line, (size_t)n, e);
    }
    if (r == 0 && ferror(s->file))
        return err_set(e, errno, "%s: %s", s->name, strerror(errno));
    return r;
}

static int
check_twins(const struct sizes *s, struct err *e)
{
    struct zip_member *m = s->l->member;
    char name[200];
    size_t i;

    plan_order_key(m, s->l->zip.count);
    for (i = 1; i < s->l->zip.count; i++)
        if (zip_member_name_cmp(&m[i - 1], &m[i]) == 0)
            return err_set(
                e, EINVAL, "%s: twice: %s", s->name,
                text_escape(name, sizeof(name), m[i].name, m[i].name_len));
    return 0;
}

int
cmd_plan_sizes(const struct cmd_args *a, const char *file, struct layout **ret,
               struct err *e)
{
    bool pipe = strcmp(file, "-") == 0;
    struct sizes s = {
        .file = pipe ? stdin : fopen(file, "re"),
        .name = pipe ? "standard input" : file,
        .max = a->conf.max_entries,
    };
    int r;

    if (!s.file)
        return err_set(e, errno, "%s: %s", file, strerror(errno));
    s.l = layout_alloc("", "");
    r = s.l ? read_lines(&s, e) : err_set(e, ENOMEM, "out of memory");
    if (!pipe)
        fclose(s.file);
    if (r == 0)
        r = check_twins(&s, e);
    if (r == 0) {
        r = layout_finish(s.l, a->conf.order);
        if (r < 0)
            err_set(e, -r, "%s: %s", s.name, strerror(-r));
    }
    if (r < 0)
        layout_unref(s.l);
    else
        *ret = s.l;
    return r;
}
