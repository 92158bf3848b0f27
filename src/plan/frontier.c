/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The frontier from duo to chain as a table and as a picture: bytes
 * uploaded against write requests, each point beside its bound.
 */
#include "plan/internal.h"

#include <errno.h>

#include "base/buf.h"
#include "base/text.h"

typedef unsigned long long ull;

static double
percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static double
times(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0.0;
}

int
plan_frontier_text(struct buf *out, const struct plan_frontier *f,
                   const struct zip_layout *l)
{
    uint64_t bound = f->count ? f->plan[0].bound : 0, least;
    size_t i;
    int r;

    r = buf_addf(out, "%9s %10s %10s %10s %10s %6s %5s %9s %10s\n", "uploaded",
                 "bound", "writes", "bound", "copied", "", "row", "seconds",
                 "USD");
    for (i = 0; i < f->count && r == 0; i++) {
        const struct plan *p = &f->plan[i];
        const struct plan_totals *t = &p->totals;
        char size[16];

        r = plan_bound_writes(l, t->uploaded, &least);
        if (r < 0)
            break;
        r = buf_addf(out, "%7.3f %% ", percent(t->uploaded, l->size));
        /* The bound of one upload says nothing of the others. */
        if (r == 0 && p->strategy == PLAN_DUO)
            r = buf_addf(out, "%8.3f %%", percent(bound, l->size));
        else if (r == 0)
            r = buf_addf(out, "%10s", "-");
        if (r == 0)
            r = buf_addf(out, " %10llu %10llu %10s %4.2f x %5u %9.1f %10.4f\n",
                         (ull)plan_writes(t), (ull)least,
                         text_size(size, t->copied), times(t->copied, l->size),
                         p->sequence, p->seconds, t->price_usd);
    }
    return r;
}

/* ------------------------------------------------------------ a picture */

/* Pixels. */
enum {
    WIDTH = 1000,
    HEIGHT = 600,
    LEFT = 90,
    RIGHT = 40,
    TOP = 84,
    BOTTOM = 64
};

struct chart {
    struct buf *out;
    double x_max, y_max; /* percent uploaded, write requests */
    int error;
};

__attribute__((format(printf, 2, 3))) static void
put(struct chart *c, const char *fmt, ...)
{
    va_list ap;

    if (c->error < 0)
        return;
    va_start(ap, fmt);
    c->error = buf_vaddf(c->out, fmt, ap);
    va_end(ap);
}

static double
x_of(const struct chart *c, double percent)
{
    return LEFT + percent / c->x_max * (WIDTH - LEFT - RIGHT);
}

static double
y_of(const struct chart *c, double writes)
{
    return HEIGHT - BOTTOM - writes / c->y_max * (HEIGHT - TOP - BOTTOM);
}

/* 1, 2 or 5 times a power of ten: five to ten of them reach max. */
static double
step_of(double max)
{
    double step = 1;

    while (step * 100 <= max)
        step *= 10;
    while (step * 10 < max)
        step *= step * 20 >= max ? 2 : 5;
    return step;
}

static void
draw_axes(struct chart *c)
{
    double step, v;

    for (step = step_of(c->y_max), v = 0; v <= c->y_max; v += step)
        put(c,
            "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" "
            "stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" "
            "text-anchor=\"end\">%.0f</text>\n",
            LEFT, WIDTH - RIGHT, y_of(c, v), y_of(c, v), LEFT - 8,
            y_of(c, v) + 4, v);
    for (step = step_of(c->x_max), v = 0; v <= c->x_max; v += step)
        put(c,
            "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" "
            "stroke=\"#ddd\"/><text x=\"%.1f\" y=\"%d\" "
            "text-anchor=\"middle\">%.0f %%</text>\n",
            x_of(c, v), x_of(c, v), TOP, HEIGHT - BOTTOM, x_of(c, v),
            HEIGHT - BOTTOM + 20, v);
    put(c,
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">uploaded, percent of "
        "the archive</text><text transform=\"translate(22 %d) rotate(-90)\" "
        "text-anchor=\"middle\">write requests</text>\n",
        (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, (TOP + HEIGHT - BOTTOM) / 2);
}

static void
draw_title(struct chart *c, const struct plan_frontier *f,
           const struct zip_layout *l)
{
    char size[16];

    put(c,
        "<text x=\"24\" y=\"30\" class=\"t\">from duo to chain: %zu members, "
        "%s</text>\n"
        "<circle cx=\"32\" cy=\"54\" r=\"5\" fill=\"#2f6db5\"/>"
        "<text x=\"44\" y=\"58\">a plan: USD, copied on the server in "
        "archives</text>\n"
        "<path d=\"M350 54 h24\" stroke=\"#b3261e\" stroke-width=\"1.5\" "
        "stroke-dasharray=\"5 3\"/><text x=\"380\" y=\"58\">least requests "
        "for so few bytes</text>\n"
        "<path d=\"M592 44 v18\" stroke=\"#3d8b52\" stroke-width=\"2\"/>"
        "<text x=\"602\" y=\"58\">least bytes of one upload, %.2f %%"
        "</text>\n",
        l->count, text_size(size, l->size),
        percent(f->plan[0].bound, l->size));
}

static void
draw_bounds(struct chart *c, const struct plan_frontier *f,
            const struct zip_layout *l)
{
    double x = x_of(c, percent(f->plan[0].bound, l->size));
    uint64_t least;
    size_t i;

    put(c,
        "<path d=\"M%.1f %d V%d\" stroke=\"#3d8b52\" stroke-width=\"2\"/>\n",
        x, TOP, HEIGHT - BOTTOM);
    put(c, "<path fill=\"none\" stroke=\"#b3261e\" stroke-width=\"1.5\" "
           "stroke-dasharray=\"5 3\" d=\"");
    for (i = 0; i < f->count && c->error == 0; i++) {
        const struct plan *p = &f->plan[i];

        c->error = plan_bound_writes(l, p->totals.uploaded, &least);
        if (c->error == 0)
            put(c, "%s%.1f %.1f", i ? " L" : "M",
                x_of(c, percent(p->totals.uploaded, l->size)),
                y_of(c, (double)least));
    }
    put(c, "\"/>\n");
}

static bool
is_near(double a, double b, double distance)
{
    return a - b < distance && b - a < distance;
}

/* A label where there is room. */
static void
draw_points(struct chart *c, const struct plan_frontier *f,
            const struct zip_layout *l)
{
    double said_x = -WIDTH, said_y = 0;
    size_t i;

    for (i = 0; i < f->count; i++) {
        const struct plan *p = &f->plan[i];
        double x = x_of(c, percent(p->totals.uploaded, l->size));
        double y = y_of(c, (double)plan_writes(&p->totals));
        bool right = x > WIDTH - 180;

        put(c, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"#2f6db5\"/>\n",
            x, y);
        if (is_near(x, said_x, 45) && is_near(y, said_y, 26))
            continue;
        said_x = x;
        said_y = y;
        put(c,
            "<text x=\"%.1f\" y=\"%.1f\" class=\"s\"%s>%.3f, %.1f x"
            "</text>\n",
            right ? x - 9 : x + 9, right ? y + 17 : y - 6,
            right ? " text-anchor=\"end\"" : "", p->totals.price_usd,
            times(p->totals.copied, l->size));
    }
}

int
plan_frontier_svg(struct buf *out, const struct plan_frontier *f,
                  const struct zip_layout *l)
{
    struct chart c = {.out = out, .x_max = 1, .y_max = 10};
    size_t i;

    if (f->count == 0)
        return -EINVAL;
    for (i = 0; i < f->count; i++) {
        double x = percent(f->plan[i].totals.uploaded, l->size);
        double y = (double)plan_writes(&f->plan[i].totals);

        c.x_max = c.x_max < 1.05 * x ? 1.05 * x : c.x_max;
        c.y_max = c.y_max < 1.05 * y ? 1.05 * y : c.y_max;
    }
    put(&c,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
        "height=\"%d\" viewBox=\"0 0 %d %d\">\n"
        "<style>text{font:13px sans-serif;fill:#111}"
        ".t{font-size:18px;font-weight:bold}"
        ".s{font-size:11px;fill:#444}</style>\n"
        "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
        WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT);
    draw_title(&c, f, l);
    draw_axes(&c);
    draw_bounds(&c, f, l);
    draw_points(&c, f, l);
    put(&c, "</svg>\n");
    return c.error;
}
