/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip plan: what a publish would do, every strategy side by side, and a
 * picture.  With --sizes no store is needed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "cmd/cmd_plan.h"

/* ------------------------------------------------------- what is asked */

/* Everything that a plan is shown by. */
struct view {
    const struct cmd_args *a;
    struct plan_ask ask;
    struct plan_origins origins; /* of ask.rates */
    enum plan_strategy own;      /* a publish's; PLAN_MIXED = auto */
    const struct layout *l;
    bool digest; /* l is of a store, and has one */
};

/* Where no publisher is there to ask (publish_ask). */
static struct plan_ask
ask_of(const struct conf *c)
{
    struct plan_ask ask = {
        .limits = plan_limits_s3,
        .prices = plan_prices_aws,
        .objective = (enum plan_objective)c->objective,
    };

    ask.limits.copies_max = c->copy_limit;
    if (c->prices)
        plan_prices_parse(&ask.prices, c->prices);
    return ask;
}

/* The strategy whose parts are shown, own if none is named; false if there
 * is none of that name. */
static bool
strategy_of(const struct cmd_args *a, enum plan_strategy own,
            enum plan_strategy *ret, bool *is_auto)
{
    *ret = own;
    *is_auto = !a->strategy && own == PLAN_MIXED;
    if (!a->strategy || plan_strategy_parse(ret, a->strategy))
        return true;
    *is_auto = strcmp(a->strategy, "auto") == 0;
    return *is_auto;
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
draw(const struct view *v, const struct plan *p, struct err *e)
{
    CLEANUP_BUF struct buf out = BUF_INIT(GIB(1));
    int r = plan_svg(&out, p, &v->l->zip);

    return r < 0 ? cannot(r, "draw", e) : write_svg(v->a, &out, e);
}

/* A plan is shown by this, and by hex, which holds the digest. */
static struct plan_meta
meta_of(const struct view *v, char hex[65])
{
    layout_digest_hex(v->l, hex);
    return (struct plan_meta){
        .order = v->a->conf.order == CONF_ORDER_KEY ? "key" : "plan",
        .digest_hex = v->digest ? hex : NULL,
        .rates = &v->ask.rates,
        .origins = &v->origins,
    };
}

static int
show_frontier(const struct view *v, struct err *e)
{
    const struct zip_layout *l = &v->l->zip;
    char hex[65];
    const struct plan_meta meta = meta_of(v, hex);
    CLEANUP_BUF struct buf text = BUF_INIT(MIB(1));
    CLEANUP_BUF struct buf svg = BUF_INIT(MIB(1));
    struct plan_frontier f;
    int r = plan_frontier(&f, l, &v->ask, e);

    if (r < 0)
        return r;
    r = v->a->json ? plan_frontier_json(&text, &f, l, &meta)
                   : plan_frontier_text(&text, &f, l);
    if (r == 0)
        r = plan_frontier_svg(&svg, &f, l);
    plan_frontier_free(&f);
    if (r < 0)
        return cannot(r, "print", e);
    if (v->a->svg)
        r = write_svg(v->a, &svg, e);
    return r < 0 || is_stdout(v->a->svg) ? r : cmd_print(&text);
}

static int
print(const struct view *v, const struct plan *p, const struct plan_choice *c,
      struct err *e)
{
    const struct zip_layout *l = &v->l->zip;
    CLEANUP_BUF struct buf out = BUF_INIT(MIB(1));
    char hex[65];
    const struct plan_meta meta = meta_of(v, hex);
    int r;

    r = v->a->json ? plan_choice_json(&out, cmd_emit, NULL, p, c, l, &meta)
                   : plan_text(&out, p, l, &meta);
    if (r == 0 && !v->a->json)
        r = plan_choice_text(&out, c, l);
    if (r < 0)
        return cannot(r, "print", e);
    return cmd_print(&out);
}

static int
show_plan(const struct view *v, const struct plan *p,
          const struct plan_choice *c, struct err *e)
{
    int r = v->a->svg ? draw(v, p, e) : 0;

    return r < 0 || is_stdout(v->a->svg) ? r : print(v, p, c, e);
}

static int
show(const struct view *v, struct err *e)
{
    enum plan_strategy s;
    struct plan_choice c;
    bool is_auto;
    int r;

    if (v->a->frontier)
        return show_frontier(v, e);
    r = plan_choose(&c, &v->l->zip, &v->ask, e);
    if (r < 0)
        return r;
    strategy_of(v->a, v->own, &s, &is_auto);
    if (is_auto)
        s = c.best;
    if (c.why[s].num != 0) {
        *e = c.why[s];
        r = -e->num;
    } else {
        r = show_plan(v, &c.plan[s], &c, e);
    }
    plan_choice_free(&c);
    return r;
}

static int
plan_sizes(struct view *v, struct err *e)
{
    CLEANUP_FREE uint8_t *way = NULL;
    const struct cmd_args *a = v->a;
    struct layout *l = NULL, *previous = NULL;
    int r = cmd_plan_sizes(a, a->sizes, &l, e);

    v->ask = ask_of(&a->conf);
    if (r == 0 && a->previous)
        r = cmd_plan_sizes(a, a->previous, &previous, e);
    if (r == 0 && cmd_plan_crcs_assumed(l, &a->conf, &v->ask, &way) < 0)
        r = err_set(e, ENOMEM, "out of memory");
    if (r == 0) {
        v->l = l;
        v->ask.lists = l->zip.count / S3_LIST_PAGE + 1;
        v->ask.previous = previous ? &previous->zip : NULL;
        publish_rates(&v->ask.rates, &v->origins, &a->conf);
        v->own = (enum plan_strategy)a->conf.publish_strategy;
        r = show(v, e);
    }
    if (previous)
        layout_unref(previous);
    if (l)
        layout_unref(l);
    return r;
}

/* What was published before, if it is still there.  Whatever keeps us from
 * looking: a publish would not copy from there. */
static int
look_for_previous(struct cmd_session *s, const struct view *v,
                  struct reader *reader, struct previous **ret, struct err *e)
{
    const char *word = v->a->words > 1 ? v->a->word[1] : "";
    struct publish_dest dest;
    struct err why = {0};
    int r = publish_dest_parse(s->publisher, v->l, word, strlen(word), &dest,
                               &why);

    *ret = NULL;
    if (r < 0 && v->a->words > 1) {
        *e = why;
        return r;
    }
    if (r < 0) /* publishing is off, or not allowed there */
        return 0;
    *ret = publish_previous(s->publisher, reader, &dest);
    publish_dest_free(&dest);
    return 0;
}

static int
plan_reader(struct cmd_session *s, struct view *v, struct reader *reader,
            struct err *e)
{
    CLEANUP_FREE uint8_t *way = NULL;
    struct previous *previous;
    int r;

    crc_set_wait(reader_crcs(reader));
    r = look_for_previous(s, v, reader, &previous, e);
    if (r < 0)
        return r;
    r = publish_ask(s->publisher, reader, previous, &v->ask, &v->origins, &way,
                    e);
    v->own = publish_strategy(s->publisher, previous);
    if (r == 0)
        r = show(v, e);
    previous_free(previous);
    return r;
}

static int
plan_url(struct cmd_session *s, struct view *v, struct err *e)
{
    struct reader *reader = NULL;
    int r = cmd_open_reader(s, v->a->root, &reader, e);

    if (r < 0)
        return r;
    v->l = reader_layout(reader);
    v->digest = true;
    r = plan_reader(s, v, reader, e);
    reader_unref(reader);
    return r;
}

static int
plan_session(struct view *v, struct err *e)
{
    struct cmd_session s;
    int r = cmd_open(&s, v->a, e);

    if (r < 0)
        return r;
    r = plan_url(&s, v, e);
    cmd_session_close(&s);
    return r;
}

static int
run(struct cmd_args *a)
{
    struct view v = {.a = a};
    enum plan_strategy s;
    struct err e = {0};
    bool is_auto;
    int r;

    if (!a->sizes == !a->words)
        return cmd_usage_error(&cmd_plan,
                               "a URL or --sizes is needed, not both");
    if (a->previous && !a->sizes)
        return cmd_usage_error(&cmd_plan, "--previous needs --sizes");
    if (!strategy_of(a, v.own, &s, &is_auto))
        return cmd_usage_error(&cmd_plan,
                               "strategy: none of duo, stream, stitch, chain, "
                               "again, mixed, auto");
    r = a->sizes ? plan_sizes(&v, &e) : plan_session(&v, &e);
    return r < 0 ? cmd_fail(&e) : CMD_DONE;
}

static const char *const flags[] = {
    "sizes", "previous", "strategy", "frontier", "json", "svg", NULL};

const struct command cmd_plan = {
    .name = "plan",
    .synopsis = "s3://BUCKET[/PREFIX] [s3://BUCKET/KEY | /KEY] | "
                "--sizes FILE [--previous FILE] "
                "[--strategy NAME | --frontier] [--order NAME] [--json] "
                "[--svg FILE]",
    .summary = "Say what a publish would do: parts, bytes, requests, price, "
               "lower bound; every strategy side by side, and the rates that "
               "the seconds are predicted with: given, measured by earlier "
               "publishes, or assumed. Nothing is sent. With --sizes all CRCs "
               "are known; crc=oracle or crc=read reckon with finding each "
               "of them that way, because copies tell none, and with reading "
               "back what was uploaded.",
    .flags = flags,
    .min = 0,
    .max = 2,
    .url = true,
    .run = run,
};
