/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip plan: what a publish would do.  With --sizes no store is needed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/text.h"
#include "cmd/cmd.h"

enum { LINE_LONGEST = 70000 };

/* --------------------------------------------------------- --sizes FILE */

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
    l->member[l->zip.count++] = (struct zip_member){
        .key = copy,
        .name = copy,
        .etag = "",
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

/* *ret is the caller's. */
static int
read_sizes(const struct cmd_args *a, struct layout **ret, struct err *e)
{
    bool pipe = strcmp(a->sizes, "-") == 0;
    struct sizes s = {
        .file = pipe ? stdin : fopen(a->sizes, "re"),
        .name = pipe ? "standard input" : a->sizes,
        .max = a->conf.max_entries,
    };
    int r;

    if (!s.file)
        return err_set(e, errno, "%s: %s", a->sizes, strerror(errno));
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

/* -------------------------------------------------------------- output */

static int
show(const struct cmd_args *a, const struct plan *p, const struct layout *l,
     bool digest, struct err *e)
{
    CLEANUP_BUF struct buf out = BUF_INIT(GIB(2));
    char hex[65];
    struct plan_meta meta = {
        .order = a->conf.order == CONF_ORDER_KEY ? "key" : "plan",
        .digest_hex = digest ? hex : NULL,
    };
    int r;

    layout_digest_hex(l, hex);
    r = a->json ? plan_json(&out, p, &l->zip, &meta)
                : plan_text(&out, p, &l->zip, &meta);
    if (r < 0)
        return err_set(e, -r, "cannot print the plan: %s", strerror(-r));
    return cmd_print(&out);
}

static int
plan_sizes(const struct cmd_args *a, struct err *e)
{
    struct layout *l = NULL;
    struct plan p;
    int r = read_sizes(a, &l, e);

    if (r < 0)
        return r;
    r = plan_parts(&p, &l->zip, &plan_limits_s3,
                   (enum plan_strategy)a->conf.publish_strategy, e);
    if (r == 0) {
        plan_cost(&p, &l->zip, &plan_prices_aws, 0,
                  l->zip.count / S3_LIST_PAGE + 1);
        r = show(a, &p, l, false, e);
        plan_free(&p);
    }
    layout_unref(l);
    return r;
}

static int
plan_url(struct cmd_session *s, const struct cmd_args *a, struct err *e)
{
    struct reader *reader = NULL;
    struct plan p;
    int r = cmd_open_reader(s, a->root, &reader, e);

    if (r < 0)
        return r;
    r = publish_plan(s->publisher, reader, &p, e);
    if (r == 0) {
        r = show(a, &p, reader_layout(reader), true, e);
        plan_free(&p);
    }
    reader_unref(reader);
    return r;
}

static int
run(struct cmd_args *a)
{
    struct cmd_session s;
    struct err e = {0};
    int r;

    if (!a->sizes == !a->words)
        return cmd_usage_error(&cmd_plan,
                               "an URL or --sizes is needed, not both");
    if (a->sizes) {
        r = plan_sizes(a, &e);
    } else {
        r = cmd_open(&s, a, &e);
        if (r == 0) {
            r = plan_url(&s, a, &e);
            cmd_session_close(&s);
        }
    }
    return r < 0 ? cmd_fail(&e) : CMD_DONE;
}

static const char *const flags[] = {"sizes", "json", NULL};

const struct command cmd_plan = {
    .name = "plan",
    .synopsis = "s3://BUCKET[/PREFIX] | --sizes FILE [--strategy NAME] "
                "[--order NAME] [--json]",
    .summary = "Say what a publish would do: parts, bytes, requests, price, "
               "lower bound. Nothing is sent.",
    .flags = flags,
    .min = 0,
    .max = 1,
    .url = true,
    .run = run,
};
