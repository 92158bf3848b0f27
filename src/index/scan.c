/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A listing of all objects below a prefix: one walker; and when the listing
 * turns out to be long, many side by side, each in a range of the key
 * space, the ranges cut further while places are free (scan_range.c).
 *
 * One page stays one request, and max_entries ends everything at once.  A
 * place is a walker's for as long as its range lasts, and a round's until
 * all its probes are answered: so a range that comes out of a round finds a
 * place.  Answers come on any loop thread; what they mean is worked out
 * under scan.lock, requests and cancels go out without it, while `holds`
 * keeps the scan alive.
 */
#include "index/index_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static void on_answer(void *user, const struct s3_error *e,
                      const struct s3_page *p);

/* What a thread does when it has given the lock back. */
struct orders {
    unsigned count;
    struct scan_ask *send[SCAN_SLOTS];
    unsigned cancels;
    s3_id cancel[SCAN_SLOTS];
};

static void
free_ranges(struct scan *sc)
{
    struct range *r, *next;

    for (r = sc->ranges; r; r = next) {
        next = r->next;
        range_free(r);
    }
    sc->ranges = NULL;
}

void
scan_free(struct scan *sc)
{
    if (!sc->ix)
        return;
    free_ranges(sc);
    pthread_mutex_destroy(&sc->lock);
}

/* ------------------------------------------------ with the lock held */

static void
fail(struct scan *sc, int r, const struct err *e)
{
    if (sc->r < 0)
        return;
    sc->r = r;
    if (e && e->num)
        sc->e = *e;
    else
        err_set(&sc->e, -r, "%s",
                r == -ENOMEM ? "no memory for a listing" : strerror(-r));
}

static bool
is_stopping(const struct scan *sc)
{
    return sc->r < 0 || sc->again;
}

static void
take(struct scan *sc, struct range *r, int probe, struct orders *to)
{
    struct scan_ask *a = sc->ask;

    while (a->range)
        a++;
    a->range = r;
    a->probe = probe;
    a->id = 0;
    sc->flying++;
    to->send[to->count++] = a;
}

/* Places that are not spoken for. */
static unsigned
free_places(const struct scan *sc)
{
    const struct range *r;
    unsigned taken = 0;

    for (r = sc->ranges; r; r = r->next)
        taken += (r->done ? 0 : 1) + (r->round ? r->round->count : 0);
    return taken < sc->slots ? sc->slots - taken : 0;
}

static unsigned
places_in_use(const struct scan *sc)
{
    unsigned i, n = 0;

    for (i = 0; i < sc->slots; i++)
        n += sc->ask[i].range != NULL;
    return n;
}

static struct range *
longest(const struct scan *sc)
{
    struct range *r, *best = NULL;
    double left, most = 0;

    for (r = sc->ranges; r; r = r->next) {
        left = range_left(sc, r);
        if (left > most) {
            most = left;
            best = r;
        }
    }
    return best;
}

static void
plan_rounds(struct scan *sc, struct orders *to)
{
    struct range *r;
    unsigned n, i;

    while ((n = free_places(sc)) > 0 && (r = longest(sc))) {
        if (!range_round(sc, r, n))
            continue; /* it sleeps now */
        for (i = 0; i < r->round->count; i++)
            take(sc, r, (int)i, to);
    }
}

static void
plan(struct scan *sc, struct orders *to)
{
    struct range *r;

    for (r = sc->ranges; r; r = r->next) {
        if (!r->ready || places_in_use(sc) == sc->slots)
            continue;
        r->ready = false;
        take(sc, r, -1, to);
    }
    plan_rounds(sc, to);
}

static void
plan_cancels(struct scan *sc, struct orders *to)
{
    unsigned i;

    for (i = 0; i < sc->slots; i++)
        if (sc->ask[i].range && sc->ask[i].id) {
            to->cancel[to->cancels++] = sc->ask[i].id;
            sc->ask[i].id = 0;
        }
}

/* What comes next; false if the scan is over. */
static bool
next_orders(struct scan *sc, struct orders *to)
{
    *to = (struct orders){0};
    if (is_stopping(sc))
        plan_cancels(sc, to);
    else
        plan(sc, to);
    sc->holds++;
    return sc->flying > 0;
}

/* All of it again, in the store's own order. */
static int
begin_again(struct scan *sc)
{
    free_ranges(sc);
    listing_free(sc->listing);
    sc->again = sc->was_cut = false;
    sc->ranges = range_new(NULL, NULL);
    return sc->ranges ? 0 : -ENOMEM;
}

static int
gather(struct scan *sc)
{
    size_t n = 0;
    struct range *r;
    struct block *k;

    for (r = sc->ranges; r; r = r->next)
        for (k = r->blocks.first; k; k = k->next)
            n += k->count;
    if (listing_reserve(sc->listing, n) < 0)
        return -ENOMEM;
    for (r = sc->ranges; r; r = r->next)
        listing_gather(sc->listing, &r->blocks);
    return 0;
}

/* --------------------------------------------------- without the lock */

static void
send_one(struct scan *sc, struct scan_ask *a)
{
    struct range *r = a->range;
    bool probe = a->probe >= 0;
    struct s3_list_args args = {
        .bucket = sc->ix->bucket,
        .prefix = sc->prefix,
        .prefix_len = sc->prefix_len,
        .token = probe ? NULL : r->pager.token,
        .max_keys = probe,
    };
    s3_id id;

    if (probe)
        args.start_after = r->round->probe[a->probe].above;
    else if (!args.token)
        args.start_after = r->after;
    /* Its answer takes the lock: it finds the id. */
    LOCK_SCOPE(&sc->lock);
    id = s3_list(sc->ix->s3, &args, on_answer, a);
    if (is_stopping(sc))
        s3_cancel(sc->ix->s3, id);
    else
        a->id = id;
}

static void
end(struct scan *sc)
{
    struct err e;

    if (sc->r == 0 && gather(sc) < 0)
        fail(sc, -ENOMEM, NULL);
    free_ranges(sc);
    e = sc->e;
    if (sc->r < 0 && !sc->e_is_whole)
        index_err_prefix(sc->ix, sc->prefix, &e);
    sc->end(sc->user, sc->r, &e);
}

/* Carries out orders; ends the scan, or begins it again, when nothing is
 * under way and nobody else holds it. */
static void
carry_out(struct scan *sc, const struct orders *o)
{
    struct orders more;
    bool over, again;
    unsigned i;

    for (i = 0; i < o->cancels; i++)
        s3_cancel(sc->ix->s3, o->cancel[i]);
    for (i = 0; i < o->count; i++)
        send_one(sc, o->send[i]);

    pthread_mutex_lock(&sc->lock);
    over = --sc->holds == 0 && sc->flying == 0;
    again = over && sc->again && sc->r == 0;
    if (again) {
        if (begin_again(sc) < 0)
            fail(sc, -ENOMEM, NULL);
        again = next_orders(sc, &more);
    }
    pthread_mutex_unlock(&sc->lock);
    if (again)
        carry_out(sc, &more);
    else if (over)
        end(sc);
}

/* Not a passing trouble: the store does not want start-after. */
static bool
is_refusal(const struct s3_error *e)
{
    return e->err < 0 && (e->http == 400 || e->http == 405 || e->http == 501);
}

/* With the lock held. */
static void
take_answer(struct scan *sc, struct scan_ask *a, const struct s3_error *s3e,
            const struct s3_page *p)
{
    struct range *r = a->range;
    struct err e = {0};
    int rc;

    a->range = NULL;
    sc->flying--;
    if (s3e->err == 0)
        sc->pages++;
    if (is_stopping(sc))
        return;
    if (is_refusal(s3e) && (a->probe >= 0 || (r->after && !r->pager.token)))
        scan_no_split(sc);
    if (is_stopping(sc))
        return;
    if (a->probe >= 0) {
        rc = range_probed(sc, r, a->probe, s3e->err ? NULL : p);
    } else if (s3e->err < 0) {
        rc = s3_error_text(s3e, "ListObjectsV2", sc->ix->bucket, sc->prefix,
                           sc->prefix_len, &e);
        sc->e_is_whole = true;
    } else {
        rc = range_page(sc, r, p, &e);
    }
    if (rc < 0)
        fail(sc, rc, &e);
}

static void
on_answer(void *user, const struct s3_error *e, const struct s3_page *p)
{
    struct scan_ask *a = user;
    struct scan *sc = a->scan;
    struct orders o;

    pthread_mutex_lock(&sc->lock);
    take_answer(sc, a, e, p);
    next_orders(sc, &o);
    pthread_mutex_unlock(&sc->lock);
    carry_out(sc, &o);
}

/* ----------------------------------------------------------- beginning */

/* The ranges that the last listing advises, or one. */
static int
first_ranges(struct scan *sc)
{
    struct range **at = &sc->ranges;
    size_t i, n = sc->serial ? 0 : min_u64(sc->cut_count, sc->slots - 1);

    for (i = 0; i <= n; i++) {
        *at = range_new(i ? sc->cut[i - 1] : NULL, i < n ? sc->cut[i] : NULL);
        if (!*at)
            return -ENOMEM;
        at = &(*at)->next;
    }
    sc->was_cut = n > 0;
    sc->ranges->by_stem = n == 0;
    return 0;
}

void
scan_start(struct scan *sc)
{
    uint32_t most = sc->ix->conf->connections;
    struct key_ref prefix = {sc->prefix, sc->prefix_len};
    struct orders o;
    unsigned i;

    pthread_mutex_init(&sc->lock, NULL);
    sc->slots = most > 0 && most < SCAN_SLOTS ? most : SCAN_SLOTS;
    sc->serial = sc->slots < 2 || !key_is_plain(prefix) ||
                 atomic_load(&sc->ix->no_split);
    for (i = 0; i < SCAN_SLOTS; i++)
        sc->ask[i].scan = sc;
    pthread_mutex_lock(&sc->lock);
    if (first_ranges(sc) < 0)
        fail(sc, -ENOMEM, NULL);
    next_orders(sc, &o);
    pthread_mutex_unlock(&sc->lock);
    carry_out(sc, &o);
}
