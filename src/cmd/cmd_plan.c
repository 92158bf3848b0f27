/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip plan: what a publish would do, every strategy side by side, and a
 * picture.  With --sizes no store is needed.
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
read_sizes(const struct cmd_args *a, const char *file, struct layout **ret,
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

/* ------------------------------------------------------- what is asked */

static int
ask_of(const struct cmd_args *a, struct plan_ask *ask, struct err *e)
{
    const struct conf *c = &a->conf;

    *ask = (struct plan_ask){
        .limits = plan_limits_s3,
        .prices = plan_prices_aws,
        .rates = plan_rates_default,
        .objective = (enum plan_objective)c->objective,
    };
    if (c->bandwidth > 0)
        ask->rates.bandwidth = (double)c->bandwidth;
    if (c->request_rate > 0)
        ask->rates.request_rate = c->request_rate;
    if (c->prices && !plan_prices_parse(&ask->prices, c->prices))
        return err_set(e, EINVAL, "prices: not WRITE/READ/OUT, as 5/0.4/0.09");
    return 0;
}

/* The strategy whose parts are shown. */
static int
strategy_of(const struct cmd_args *a, enum plan_strategy *ret, bool *is_auto,
            struct err *e)
{
    *is_auto = false;
    *ret = (enum plan_strategy)a->conf.publish_strategy;
    if (!a->strategy || plan_strategy_parse(ret, a->strategy))
        return 0;
    *is_auto = strcmp(a->strategy, "auto") == 0;
    return *is_auto ? 0
                    : err_set(e, EINVAL,
                              "strategy: none of duo, stream, stitch, chain, "
                              "again, mixed, auto");
}

/* -------------------------------------------------------------- output */

static bool
is_stdout(const char *file)
{
    return file && strcmp(file, "-") == 0;
}

static int
cannot(int r, const char *what, struct err *e)
{
    return err_set(e, -r, "cannot %s the plan: %s", what, strerror(-r));
}

static int
write_svg(const struct cmd_args *a, const struct buf *out, struct err *e)
{
    bool pipe = is_stdout(a->svg);
    FILE *f;

    f = pipe ? stdout : fopen(a->svg, "we");
    if (!f)
        return err_set(e, errno, "%s: %s", a->svg, strerror(errno));
    errno = 0;
    fwrite(out->data, 1, out->len, f);
    if ((pipe ? fflush(f) : fclose(f)) != 0 || errno != 0)
        return err_set(e, errno ? errno : EIO, "%s: %s", a->svg,
                       strerror(errno ? errno : EIO));
    return 0;
}

static int
draw(const struct cmd_args *a, const struct plan *p, const struct layout *l,
     struct err *e)
{
    CLEANUP_BUF struct buf out = BUF_INIT(GIB(1));
    int r = plan_svg(&out, p, &l->zip);

    return r < 0 ? cannot(r, "draw", e) : write_svg(a, &out, e);
}

static int
show_frontier(const struct cmd_args *a, const struct plan_ask *ask,
              const struct layout *l, struct err *e)
{
    CLEANUP_BUF struct buf text = BUF_INIT(MIB(1));
    CLEANUP_BUF struct buf svg = BUF_INIT(MIB(1));
    struct plan_frontier f;
    int r = plan_frontier(&f, &l->zip, ask, e);

    if (r < 0)
        return r;
    r = plan_frontier_text(&text, &f, &l->zip);
    if (r == 0)
        r = plan_frontier_svg(&svg, &f, &l->zip);
    plan_frontier_free(&f);
    if (r < 0)
        return cannot(r, "print", e);
    if (a->svg)
        r = write_svg(a, &svg, e);
    return r < 0 || is_stdout(a->svg) ? r : cmd_print(&text);
}

static int
print(const struct cmd_args *a, const struct plan *p,
      const struct plan_choice *c, const struct layout *l, bool digest,
      struct err *e)
{
    CLEANUP_BUF struct buf out = BUF_INIT(GIB(2));
    char hex[65];
    struct plan_meta meta = {
        .order = a->conf.order == CONF_ORDER_KEY ? "key" : "plan",
        .digest_hex = digest ? hex : NULL,
    };
    int r;

    layout_digest_hex(l, hex);
    r = a->json ? plan_choice_json(&out, p, c, &l->zip, &meta)
                : plan_text(&out, p, &l->zip, &meta);
    if (r == 0 && !a->json)
        r = plan_choice_text(&out, c, &l->zip);
    if (r < 0)
        return cannot(r, "print", e);
    return cmd_print(&out);
}

/* own: the plan that a publish would execute, or NULL. */
static int
show(const struct cmd_args *a, const struct plan_ask *ask,
     const struct plan *own, const struct layout *l, bool digest,
     struct err *e)
{
    enum plan_strategy s;
    struct plan_choice c;
    const struct plan *p;
    bool is_auto;
    int r = strategy_of(a, &s, &is_auto, e);

    if (r == 0 && a->frontier)
        return show_frontier(a, ask, l, e);
    if (r == 0)
        r = plan_choose(&c, &l->zip, ask, e);
    if (r < 0)
        return r;
    if (is_auto)
        s = c.best;
    p = own && (own->strategy == s || !a->strategy) ? own : &c.plan[s];
    if (p != own && c.why[s].num != 0) {
        *e = c.why[s];
        r = -e->num;
    } else if (a->svg) {
        r = draw(a, p, l, e);
        if (r == 0 && !is_stdout(a->svg))
            r = print(a, p, &c, l, digest, e);
    } else {
        r = print(a, p, &c, l, digest, e);
    }
    plan_choice_free(&c);
    return r;
}

static int
plan_sizes(const struct cmd_args *a, struct plan_ask *ask, struct err *e)
{
    struct layout *l = NULL, *previous = NULL;
    int r = read_sizes(a, a->sizes, &l, e);

    if (r == 0 && a->previous)
        r = read_sizes(a, a->previous, &previous, e);
    if (r == 0) {
        ask->lists = l->zip.count / S3_LIST_PAGE + 1;
        ask->previous = previous ? &previous->zip : NULL;
        r = show(a, ask, NULL, l, false, e);
    }
    if (previous)
        layout_unref(previous);
    if (l)
        layout_unref(l);
    return r;
}

static int
plan_url(struct cmd_session *s, const struct cmd_args *a, struct plan_ask *ask,
         struct err *e)
{
    struct reader *reader = NULL;
    struct plan p;
    int r = cmd_open_reader(s, a->root, &reader, e);

    if (r < 0)
        return r;
    r = publish_plan(s->publisher, reader, &p, e);
    if (r == 0) {
        struct layout *l = reader_layout(reader);

        ask->heads = p.totals.requests.head;
        ask->lists = p.totals.requests.list;
        plan_cost(&p, &l->zip, &ask->prices, ask->heads, ask->lists);
        p.seconds = plan_time(&p, &ask->rates);
        r = show(a, ask, &p, l, true, e);
        plan_free(&p);
    }
    reader_unref(reader);
    return r;
}

static int
run(struct cmd_args *a)
{
    struct cmd_session s;
    struct plan_ask ask;
    struct err e = {0};
    int r;

    if (!a->sizes == !a->words)
        return cmd_usage_error(&cmd_plan,
                               "a URL or --sizes is needed, not both");
    if (a->previous && !a->sizes)
        return cmd_usage_error(&cmd_plan, "--previous needs --sizes");
    r = ask_of(a, &ask, &e);
    if (r == 0 && a->sizes) {
        r = plan_sizes(a, &ask, &e);
    } else if (r == 0) {
        r = cmd_open(&s, a, &e);
        if (r == 0) {
            r = plan_url(&s, a, &ask, &e);
            cmd_session_close(&s);
        }
    }
    return r < 0 ? cmd_fail(&e) : CMD_DONE;
}

static const char *const flags[] = {
    "sizes", "previous", "strategy", "frontier", "json", "svg", NULL};

const struct command cmd_plan = {
    .name = "plan",
    .synopsis = "s3://BUCKET[/PREFIX] | --sizes FILE [--previous FILE] "
                "[--strategy NAME | --frontier] [--order NAME] [--json] "
                "[--svg FILE]",
    .summary = "Say what a publish would do: parts, bytes, requests, price, "
               "lower bound; every strategy side by side. Nothing is sent.",
    .flags = flags,
    .min = 0,
    .max = 1,
    .url = true,
    .run = run,
};
